"""What people leave on a call while they review it: remarks on its moments, and corrections of its transcript."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now, named
from models.calls import Call
from models.people import User
from models.scores import Review


class CommentKind(StrEnum):
    COMMENT = "comment"
    PRAISE = "praise"
    COACHING = "coaching"  # flagged: worth talking about with the agent


class CallComment(Base):
    """A remark on a moment, a turn or an item of a call.

    A public one is the agent's to read once the review that it belongs to is released; a private one never is.
    """

    __tablename__ = "call_comments"
    __table_args__ = (CheckConstraint("length(text) BETWEEN 1 AND 4000", name="has_text"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"), index=True)
    review_id: Mapped[int | None] = mapped_column(ForeignKey("reviews.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    kind: Mapped[CommentKind] = mapped_column(named(CommentKind), default=CommentKind.COMMENT)
    public: Mapped[bool] = mapped_column(default=False)
    item: Mapped[str | None]  # of the scorecard
    turn: Mapped[int | None]  # index in the transcript
    at_seconds: Mapped[float | None]
    text: Mapped[str]
    created_at: Mapped[created_now]
    removed_at: Mapped[datetime | None]  # taken back by its author; kept for the audit

    call: Mapped[Call] = relationship()
    review: Mapped[Review | None] = relationship()
    author: Mapped[User] = relationship()


class TranscriptCorrection(Base):
    """What a person heard where the recogniser heard something else; `revision` is the transcript's after it."""

    __tablename__ = "transcript_corrections"
    __table_args__ = (UniqueConstraint("call_id", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"), index=True)
    revision: Mapped[int]
    turn: Mapped[int]  # index in the transcript
    before: Mapped[str]
    after: Mapped[str]
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    at: Mapped[created_now]

    call: Mapped[Call] = relationship()
    by: Mapped[User] = relationship()
