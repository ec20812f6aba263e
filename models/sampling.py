"""Sampling plans, the draws that were made by them, the drawn calls, and who reviews which until when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now, named
from models.calls import Call
from models.people import Agent, User
from models.scores import ReviewReason


class SamplingPlan(Base):
    """What is drawn week by week; `rules` is what qa.sampling_rules.PlanRules reads."""

    __tablename__ = "sampling_plans"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    rules: Mapped[dict[str, Any]]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[created_now]


class RiskModel(Base):
    """A trained model as plain numbers, and how well it foresaw reviews that it had not seen."""

    __tablename__ = "risk_models"

    id: Mapped[int] = mapped_column(primary_key=True)
    weights: Mapped[dict[str, Any]]  # what scoring.risk.RiskWeights reads
    skill: Mapped[dict[str, Any]]  # what scoring.risk.Skill reads
    reviews: Mapped[int]  # that it was trained on
    active: Mapped[bool] = mapped_column(default=True)  # at most one; a model without skill never is
    created_at: Mapped[created_now]


class Draw(Base):
    """One draw of one plan: everything that is needed to repeat it, on any machine."""

    __tablename__ = "draws"
    __table_args__ = (
        UniqueConstraint("plan_id", "week", "part"),
        CheckConstraint("begins_at < ends_at", name="has_length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("sampling_plans.id"), index=True)
    week: Mapped[str] = mapped_column(index=True)  # for example 2026-W47
    part: Mapped[int]  # from 1: a week that is not over is drawn in parts
    begins_at: Mapped[datetime]  # calls that began from here
    ends_at: Mapped[datetime]  # up to here, this moment excluded
    begins_share: Mapped[str]  # the same as shares of the week: "0", "5/7"
    ends_share: Mapped[str]
    due_on: Mapped[date]  # by when its calls are to be reviewed
    seed: Mapped[str]
    method: Mapped[str]  # scoring.sampling.METHOD
    rules: Mapped[str]  # of the plan, as they were: JSON text
    eligible_hash: Mapped[str]  # SHA-256 of the written list
    eligible_count: Mapped[int]
    eligible: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # the written list, compressed by zlib
    left_out: Mapped[dict[str, Any]]  # calls of the time that were not eligible, counted by reason
    risk_model_id: Mapped[int | None] = mapped_column(ForeignKey("risk_models.id"))
    drawn_at: Mapped[created_now]
    drawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # None: the command line

    plan: Mapped[SamplingPlan] = relationship()
    drawn_by: Mapped[User | None] = relationship()
    risk_model: Mapped[RiskModel | None] = relationship()
    calls: Mapped[list[SampledCall]] = relationship(back_populates="draw", order_by="SampledCall.id")


class SampledCall(Base):
    """One drawn call. A call that was unsuitable stays, withdrawn with its reason, beside the one in its place."""

    __tablename__ = "sampled_calls"
    __table_args__ = (
        UniqueConstraint("draw_id", "call_id"),
        # Only a random draw has a probability, and only what has one may estimate anything.
        CheckConstraint("(reason = 'random') = (probability IS NOT NULL)", name="random_has_probability"),
        CheckConstraint("probability IS NULL OR (probability > 0 AND probability <= 1)", name="probability_range"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_reason IS NULL)", name="withdrawn_why"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    draw_id: Mapped[int] = mapped_column(ForeignKey("draws.id"), index=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"), index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id"), index=True)  # as it was when drawn
    reason: Mapped[ReviewReason] = mapped_column(named(ReviewReason))
    why: Mapped[str]  # key of qa.sampling_rules.WHY: the design, or what is suspicious
    stratum: Mapped[str]
    probability: Mapped[float | None]
    joint: Mapped[bool] = mapped_column(default=False)  # two inspectors review it without seeing each other
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("sampled_calls.id"), unique=True)
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    withdrawn_reason: Mapped[str | None]  # key of qa.sampling_rules.UNSUITABLE
    withdrawn_note: Mapped[str | None]
    created_at: Mapped[created_now]

    draw: Mapped[Draw] = relationship(back_populates="calls")
    call: Mapped[Call] = relationship()
    agent: Mapped[Agent] = relationship()
    replaces: Mapped[SampledCall | None] = relationship(remote_side=[id])
    withdrawn_by: Mapped[User | None] = relationship()
    assignments: Mapped[list[ReviewAssignment]] = relationship(
        back_populates="sampled", cascade="all, delete-orphan", order_by="ReviewAssignment.id"
    )

    @property
    def agent_now(self) -> Agent:
        """Whose call it is by now; `agent` stays the one from whose calls it was drawn."""
        return self.call.agent or self.agent


class ReviewAssignment(Base):
    """One inspector's task to review one drawn call. It is done when that inspector's review is submitted."""

    __tablename__ = "review_assignments"
    __table_args__ = (UniqueConstraint("sampled_call_id", "inspector_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sampled_call_id: Mapped[int] = mapped_column(ForeignKey("sampled_calls.id", ondelete="CASCADE"), index=True)
    inspector_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    second: Mapped[bool] = mapped_column(default=False)  # of a joint review
    due_on: Mapped[date] = mapped_column(index=True)
    first_due_on: Mapped[date]  # before it was carried over
    carried: Mapped[int] = mapped_column(default=0)  # how often it was carried into another week
    assigned_at: Mapped[created_now]
    skipped_at: Mapped[datetime | None]  # put off: others come first in the queue
    skipped_reason: Mapped[str | None]

    sampled: Mapped[SampledCall] = relationship(back_populates="assignments")
    inspector: Mapped[User] = relationship()
