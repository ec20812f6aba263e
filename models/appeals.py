"""What comes after a review is released: the agent's acknowledgement, appeals by item, and what they lead to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now, named
from models.calls import Call
from models.people import User
from models.scores import Review


class Acknowledgement(Base):
    """The agent has read a released review."""

    __tablename__ = "acknowledgements"

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id"), unique=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    comment: Mapped[str | None]
    at: Mapped[created_now]

    review: Mapped[Review] = relationship()
    by: Mapped[User] = relationship()


class AppealState(StrEnum):
    RAISED = "raised"  # with the agent's supervisor
    PASSED = "passed"  # with an inspector other than the scorer
    FINAL = "final"  # with the lead, who decides for good
    UPHELD = "upheld"  # the agent was right
    KEPT = "kept"
    WITHDRAWN = "withdrawn"


class Appeal(Base):
    """An agent's objection to one item of a released review. A decision raises the score or keeps it."""

    __tablename__ = "appeals"
    __table_args__ = (
        UniqueConstraint("review_id", "item", "round"),
        CheckConstraint("state NOT IN ('upheld', 'kept') OR decided_at IS NOT NULL", name="decided_when"),
        CheckConstraint(
            "final_after IS NULL OR final_before IS NULL OR final_after >= final_before", name="never_lower"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id"), index=True)
    item: Mapped[str]
    round: Mapped[int] = mapped_column(default=1)
    state: Mapped[AppealState] = mapped_column(named(AppealState), default=AppealState.RAISED, index=True)
    raised_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    raised_at: Mapped[created_now]
    reason: Mapped[str]  # the agent's words
    at_seconds: Mapped[float | None]  # the moment that the agent points to
    assignee_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), index=True
    )  # who has it now; None: anybody of its state
    due_at: Mapped[datetime] = mapped_column(index=True)
    reminded_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]
    blind: Mapped[bool] = mapped_column(default=False)  # the deciding person does not see the first verdict
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None]  # the reason given to the agent
    cause: Mapped[str | None]  # why the mark was wrong: key of qa.appeals.CAUSES
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the mark as it was
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)  # as it became; empty: kept
    final_before: Mapped[float | None]
    final_after: Mapped[float | None]

    review: Mapped[Review] = relationship()
    raised_by: Mapped[User] = relationship(foreign_keys=[raised_by_id])
    assignee: Mapped[User | None] = relationship(foreign_keys=[assignee_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    steps: Mapped[list[AppealStep]] = relationship(order_by="AppealStep.id")


class AppealStep(Base):
    """One step of an appeal's way: who did what, when and why. Only ever added."""

    __tablename__ = "appeal_steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), index=True)
    act: Mapped[
        str
    ]  # "raised", "passed", "returned", "assigned", "reminded", "escalated", "upheld", "kept", "withdrawn"
    by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)  # None: the calendar
    at: Mapped[created_now]
    note: Mapped[str | None]

    by: Mapped[User | None] = relationship()


class Reexamination(Base):
    """Another call that the rule behind an upheld appeal hit: it may be wrong there too."""

    __tablename__ = "reexaminations"
    __table_args__ = (UniqueConstraint("appeal_id", "call_id", "item"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), index=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"), index=True)
    review_id: Mapped[int | None] = mapped_column(ForeignKey("reviews.id"), index=True)
    item: Mapped[str]
    outcome: Mapped[str | None]  # None: open; "right": the mark stands; "wrong": it was changed
    note: Mapped[str | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    done_at: Mapped[datetime | None]
    created_at: Mapped[created_now]

    appeal: Mapped[Appeal] = relationship()
    call: Mapped[Call] = relationship()
    review: Mapped[Review | None] = relationship()
    done_by: Mapped[User | None] = relationship()
