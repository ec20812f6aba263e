"""What is made of reviews: coaching of an agent, and clips of calls that others can learn from."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now, named
from models.calls import Call
from models.people import Agent, User
from models.scores import Review


class CoachingState(StrEnum):
    PLANNED = "planned"
    AGREED = "agreed"  # the agent has acknowledged goal and steps
    RETESTED = "retested"
    CANCELLED = "cancelled"


class CoachingRecord(Base):
    """A goal that agent and coach agree on, the steps to it, and whether it was reached."""

    __tablename__ = "coaching_records"
    __table_args__ = (Index("ix_coaching_records_agent_created", "agent_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id"))
    coach_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    review_id: Mapped[int | None] = mapped_column(ForeignKey("reviews.id"), index=True)  # that it came from
    items: Mapped[list[Any]] = mapped_column(default=list)  # of the scorecard
    calls: Mapped[list[Any]] = mapped_column(default=list)  # ids of calls to listen to together
    goal: Mapped[str]
    steps: Mapped[list[Any]] = mapped_column(default=list)  # {"text", "done_at"}
    held_on: Mapped[date]  # the day of the talk
    retest_on: Mapped[date]
    state: Mapped[CoachingState] = mapped_column(named(CoachingState), default=CoachingState.PLANNED, index=True)
    acknowledged_at: Mapped[datetime | None]
    agent_comment: Mapped[str | None]
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the items' rates then: met, n
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)  # and at the retest
    effective: Mapped[bool | None]  # the coach's judgement; None: not retested
    conclusion: Mapped[str | None]
    created_at: Mapped[created_now]
    closed_at: Mapped[datetime | None]

    agent: Mapped[Agent] = relationship()
    coach: Mapped[User] = relationship()
    review: Mapped[Review | None] = relationship()


class CaseClip(Base):
    """A stretch of a call in the case library (案例库), with customers' data masked in sound and words."""

    __tablename__ = "case_clips"
    __table_args__ = (
        CheckConstraint("ends > starts", name="has_length"),
        CheckConstraint("kind IN ('good', 'bad', 'discuss')", name="known_kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"), index=True)
    starts: Mapped[float]  # seconds into the call
    ends: Mapped[float]
    kind: Mapped[str]
    title: Mapped[str]
    note: Mapped[str | None]  # what to learn from it
    tags: Mapped[list[Any]] = mapped_column(default=list)
    language: Mapped[str | None]
    text: Mapped[str]  # title, note, tags and masked words: what is searched
    content: Mapped[dict[str, Any]]  # masked turns, times from the clip's beginning
    audio_key: Mapped[str | None]  # in the recording store; None: no sound
    audience: Mapped[list[Any]] = mapped_column(default=list)  # roles that may see it
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)  # only this team; None: all
    expires_on: Mapped[date] = mapped_column(index=True)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[created_now]
    withdrawn_at: Mapped[datetime | None]

    call: Mapped[Call] = relationship()
    created_by: Mapped[User] = relationship()
