"""Inspectors compared: calibration sessions on the same calls, and the monthly check of their own work."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now
from models.calls import Call
from models.criteria import ScorecardVersion
from models.people import User
from models.scores import Review


class CalibrationSession(Base):
    """Several people review the same calls, each without seeing the others until all are in or time is up.

    What they enter are rows of Review with this session's id; these never count in an agent's score.
    """

    __tablename__ = "calibration_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    scorecard_version_id: Mapped[int] = mapped_column(ForeignKey("scorecard_versions.id"), index=True)
    purpose: Mapped[str | None]  # what is to be agreed on
    due_at: Mapped[datetime]
    agent_hidden: Mapped[bool] = mapped_column(default=False)  # those who take part do not see whose calls they are
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[created_now]
    closed_at: Mapped[datetime | None]  # results are open to all who took part
    conclusion: Mapped[str | None]  # what was agreed

    scorecard: Mapped[ScorecardVersion] = relationship()
    created_by: Mapped[User] = relationship()
    calls: Mapped[list[CalibrationCall]] = relationship(
        cascade="all, delete-orphan", order_by="CalibrationCall.position"
    )
    participants: Mapped[list[CalibrationParticipant]] = relationship(
        cascade="all, delete-orphan", order_by="CalibrationParticipant.id"
    )


class CalibrationCall(Base):
    """One call of a calibration session."""

    __tablename__ = "calibration_calls"
    __table_args__ = (UniqueConstraint("session_id", "call_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("calibration_sessions.id", ondelete="CASCADE"), index=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"), index=True)
    position: Mapped[int]  # from 1

    call: Mapped[Call] = relationship()


class CalibrationParticipant(Base):
    """One person of a calibration session; the expert's answers are the reference."""

    __tablename__ = "calibration_participants"
    __table_args__ = (UniqueConstraint("session_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("calibration_sessions.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    expert: Mapped[bool] = mapped_column(default=False)

    user: Mapped[User] = relationship()


class ReviewerCheck(Base):
    """The monthly check of one inspector's work: a drawn sample of their reviews, judged by its own sheet."""

    __tablename__ = "reviewer_checks"
    __table_args__ = (
        UniqueConstraint("month", "inspector_id"),
        CheckConstraint("checker_id <> inspector_id", name="not_by_oneself"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(index=True)  # "2026-11"
    inspector_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    checker_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    sheet: Mapped[str]  # check-sheet id/version
    seed: Mapped[str]  # draws the same reviews again
    due_on: Mapped[date]
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)  # to the items of the month as a whole
    score: Mapped[float | None]  # 0 to 100
    comment: Mapped[str | None]
    created_at: Mapped[created_now]
    submitted_at: Mapped[datetime | None]

    inspector: Mapped[User] = relationship(foreign_keys=[inspector_id])
    checker: Mapped[User] = relationship(foreign_keys=[checker_id])
    entries: Mapped[list[ReviewerCheckEntry]] = relationship(
        cascade="all, delete-orphan", order_by="ReviewerCheckEntry.id"
    )


class ReviewerCheckEntry(Base):
    """One drawn review of a check, with the answers of the sheet."""

    __tablename__ = "reviewer_check_entries"
    __table_args__ = (UniqueConstraint("check_id", "review_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    check_id: Mapped[int] = mapped_column(ForeignKey("reviewer_checks.id", ondelete="CASCADE"), index=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id"), index=True)
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    score: Mapped[float | None]
    comment: Mapped[str | None]

    review: Mapped[Review] = relationship()
