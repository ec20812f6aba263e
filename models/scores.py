"""Marks by the machine, marks by people, and test calls: side by side, neither overwrites the other."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now, named
from models.calls import Call
from models.criteria import ScorecardVersion
from models.people import Agent, User


class AutoScore(Base):
    """The machine's score of one call by one scorecard version."""

    __tablename__ = "auto_scores"
    __table_args__ = (Index("ix_auto_scores_raw", "raw", "call_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), unique=True)
    scorecard_version_id: Mapped[int] = mapped_column(ForeignKey("scorecard_versions.id"), index=True)
    raw: Mapped[float | None]  # 0 to 100 over what could be answered; None: too little
    # The share of points over items that the machine decides alone: the automatic part of an agent's score.
    auto_items: Mapped[float | None]
    answered_weight: Mapped[float]  # of 100
    cannot_tell_weight: Mapped[float]
    fatal_suspected: Mapped[bool] = mapped_column(default=False, index=True)
    summary: Mapped[dict[str, Any]]  # sections and fatal findings, as scoring.score writes them
    created_at: Mapped[created_now]

    call: Mapped[Call] = relationship(back_populates="auto_score")
    scorecard: Mapped[ScorecardVersion] = relationship()
    marks: Mapped[list[AutoMark]] = relationship(cascade="all, delete-orphan", order_by="AutoMark.position")


class AutoMark(Base):
    """The machine's answer to one item, with its evidence."""

    __tablename__ = "auto_marks"
    __table_args__ = (
        UniqueConstraint("auto_score_id", "item"),
        Index("ix_auto_marks_item", "item", "answer"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    auto_score_id: Mapped[int] = mapped_column(ForeignKey("auto_scores.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    item: Mapped[str]
    answer: Mapped[str]
    points: Mapped[float | None]
    possible: Mapped[float]
    needs_person: Mapped[bool]
    deductions: Mapped[list[Any]] = mapped_column(default=list)
    evidence: Mapped[list[Any]] = mapped_column(default=list)


class ReviewState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RELEASED = "released"  # the agent may see it


class ReviewReason(StrEnum):
    RANDOM = "random"  # the only reason that may estimate an agent's mean
    TARGETED = "targeted"
    COMPLAINT = "complaint"


class Review(Base):
    """A person's score of one call. Raw and final are both kept: a fatal item changes the final one only.

    A review that belongs to a calibration compares inspectors: it never counts in an agent's score, and the same
    inspector may have an ordinary one of the same call.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        Index(
            "uq_reviews_ordinary",
            "call_id",
            "inspector_id",
            unique=True,
            sqlite_where=text("calibration_id IS NULL"),
            postgresql_where=text("calibration_id IS NULL"),
        ),
        UniqueConstraint("calibration_id", "call_id", "inspector_id"),
        CheckConstraint("state = 'draft' OR submitted_at IS NOT NULL", name="submitted_when"),
        CheckConstraint("state <> 'released' OR released_at IS NOT NULL", name="released_when"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"), index=True)
    inspector_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    scorecard_version_id: Mapped[int] = mapped_column(ForeignKey("scorecard_versions.id"))
    reason: Mapped[ReviewReason] = mapped_column(named(ReviewReason))
    state: Mapped[ReviewState] = mapped_column(named(ReviewState), default=ReviewState.DRAFT, index=True)
    raw: Mapped[float | None]
    final: Mapped[float | None]
    bonus: Mapped[float] = mapped_column(default=0.0)
    fatal_confirmed: Mapped[int] = mapped_column(default=0)  # how many fatal items a person confirmed
    comment: Mapped[str | None]
    calibration_id: Mapped[int | None] = mapped_column(ForeignKey("calibration_sessions.id"), index=True)
    blind: Mapped[bool] = mapped_column(default=False)  # the machine's marks stay hidden until it is submitted
    agent_hidden: Mapped[bool] = mapped_column(default=False)  # the inspector does not see whose call it is
    revision: Mapped[int] = mapped_column(default=0)  # of what was entered: a save that knows an older one is refused
    seconds_spent: Mapped[int] = mapped_column(default=0)  # with the review open and somebody at it
    created_at: Mapped[created_now]
    saved_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    release_at: Mapped[datetime | None]  # to be released by itself from then on
    released_at: Mapped[datetime | None]

    call: Mapped[Call] = relationship(back_populates="reviews")
    inspector: Mapped[User] = relationship()
    scorecard: Mapped[ScorecardVersion] = relationship()
    marks: Mapped[list[ReviewMark]] = relationship(cascade="all, delete-orphan", order_by="ReviewMark.id")

    @hybrid_property
    def ordinary(self) -> bool:
        """Whether it is work on the agent's call: whatever counts or lists reviews asks for this."""
        return self.calibration_id is None

    @ordinary.inplace.expression
    @classmethod
    def _ordinary(cls) -> ColumnElement[bool]:
        return cls.calibration_id.is_(None)


class ReviewMark(Base):
    """A person's answer to one item. Fatal items are answered "met" (nothing found) or "not_met" (confirmed)."""

    __tablename__ = "review_marks"
    __table_args__ = (UniqueConstraint("review_id", "item"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id", ondelete="CASCADE"), index=True)
    item: Mapped[str]
    answer: Mapped[str]
    points: Mapped[float | None]
    deductions: Mapped[list[Any]] = mapped_column(default=list)
    comment: Mapped[str | None]
    at_seconds: Mapped[float | None]  # the moment in the call that the person points to
    value: Mapped[Any | None] = mapped_column(
        JSON(none_as_null=True)
    )  # a chosen option, a number or a text, by the item's type
    causes: Mapped[list[Any]] = mapped_column(default=list)  # root causes chosen under a negative answer
    auto_answer: Mapped[str | None]  # what the machine said when the person decided; None: nothing
    override_reason: Mapped[str | None]  # why the person decided otherwise


class TestCall(Base):
    """One test call (拨测) or mystery-shopper sheet, with its two sub-scores."""

    __tablename__ = "test_calls"
    __test__ = False  # not a test class, whatever pytest thinks of the name
    __table_args__ = (
        CheckConstraint("source IN ('DT', 'MS', 'LT')", name="known_source"),
        CheckConstraint("status IN ('matched', 'quarantine', 'rejected')", name="known_status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str | None] = mapped_column(unique=True)
    source: Mapped[str]  # DT internal dial test, MS mystery shopper, LT leader's test
    tester_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    sheet: Mapped[str]  # check-sheet id/version
    dialled_at: Mapped[datetime] = mapped_column(index=True)
    staff_number: Mapped[str]  # as heard
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"), index=True)
    call_id: Mapped[int | None] = mapped_column(ForeignKey("calls.id"), unique=True)  # its recording
    status: Mapped[str]  # matched counts; quarantine and rejected do not
    status_reason: Mapped[str | None]
    scenario: Mapped[str | None]
    persona: Mapped[str | None]
    header: Mapped[dict[str, Any]] = mapped_column(default=dict)
    answers: Mapped[dict[str, Any]]
    norms: Mapped[float | None]  # 0 to 100
    knowledge: Mapped[float | None]
    total: Mapped[float | None]
    created_at: Mapped[created_now]

    agent: Mapped[Agent | None] = relationship()
    call: Mapped[Call | None] = relationship()
    tester: Mapped[User | None] = relationship()
