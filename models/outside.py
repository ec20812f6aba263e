"""What is learnt outside the reviews of calls: surveys, complaints, praise, and reviews of chats and tickets."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now, named
from models.calls import Call
from models.people import Agent, User
from models.scores import ReviewReason


class SurveyKind(StrEnum):
    DAILY = "daily"  # after ordinary calls
    COMPLAINT = "complaint"  # after a complaint was dealt with: every one of them, never a sample


class SurveyRating(Base):
    """One invitation to rate, with the rating when one was given.

    `score` is the rating's place on its own scale, 0 the worst and 100 the best. `satisfied` was decided by the rule in
    force when the row came in, so that a later change of the rule leaves published scores alone.
    """

    __tablename__ = "survey_ratings"
    __table_args__ = (
        Index("ix_survey_ratings_agent_happened", "agent_id", "happened_at"),
        CheckConstraint("(score IS NULL) = (satisfied IS NULL)", name="rated_or_not"),
        CheckConstraint("(score IS NULL) = (rating IS NULL)", name="score_of_rating"),
        CheckConstraint("score IS NULL OR score BETWEEN 0 AND 100", name="score_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(unique=True)  # the survey system's own id
    kind: Mapped[SurveyKind] = mapped_column(named(SurveyKind))
    answered_at: Mapped[datetime]  # or asked, when there was no answer
    happened_at: Mapped[datetime] = mapped_column(index=True)  # the call's beginning when known: decides the period
    rating: Mapped[float | None]  # as the customer gave it; None: invited, no answer
    scale: Mapped[str]  # "1-5": from the worst to the best; "3-1": 1 is the best
    score: Mapped[float | None]
    satisfied: Mapped[bool | None]
    channel: Mapped[str | None]
    comment: Mapped[str | None]  # the customer's words
    call_reference: Mapped[str | None] = mapped_column(index=True)  # as given; looked for again when calls come in
    call_id: Mapped[int | None] = mapped_column(ForeignKey("calls.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    created_at: Mapped[created_now]

    call: Mapped[Call | None] = relationship()
    agent: Mapped[Agent | None] = relationship()


class ComplaintOutcome(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    NOT_UPHELD = "not_upheld"
    WITHDRAWN = "withdrawn"


class Responsibility(StrEnum):
    AGENT = "agent"  # the only one that touches an agent's score
    PROCESS = "process"
    PRODUCT = "product"
    CUSTOMER = "customer"
    NOBODY = "nobody"


class Complaint(Base):
    """One complaint, whose fault it was, and how it ended."""

    __tablename__ = "complaints"
    __table_args__ = (
        Index("ix_complaints_agent_happened", "agent_id", "happened_at"),
        CheckConstraint("outcome <> 'upheld' OR responsibility IS NOT NULL", name="upheld_has_responsibility"),
        CheckConstraint("(outcome = 'open') = (decided_at IS NULL)", name="decided_when"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(unique=True)  # the complaint system's own id
    received_at: Mapped[datetime] = mapped_column(index=True)
    happened_at: Mapped[datetime] = mapped_column(index=True)  # the call's beginning when known: decides the period
    channel: Mapped[str | None]
    category: Mapped[str | None]
    summary: Mapped[str | None]
    call_reference: Mapped[str | None] = mapped_column(index=True)  # as given; looked for again when calls come in
    call_id: Mapped[int | None] = mapped_column(ForeignKey("calls.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    outcome: Mapped[ComplaintOutcome] = mapped_column(
        named(ComplaintOutcome), default=ComplaintOutcome.OPEN, index=True
    )
    responsibility: Mapped[Responsibility | None] = mapped_column(named(Responsibility))
    cause: Mapped[str | None]  # what the investigation found
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)  # None: the other system
    created_at: Mapped[created_now]

    call: Mapped[Call | None] = relationship()
    agent: Mapped[Agent | None] = relationship()
    decided_by: Mapped[User | None] = relationship()

    @property
    def counts(self) -> bool:
        """Whether it touches the agent's score."""
        return self.outcome is ComplaintOutcome.UPHELD and self.responsibility is Responsibility.AGENT


class Praise(Base):
    """One customer's praise of an agent, as it came in: by letter, by message, on the telephone.

    It counts unless a QA lead struck it out, with a reason.
    """

    __tablename__ = "praises"
    __table_args__ = (
        Index("ix_praises_agent_happened", "agent_id", "happened_at"),
        CheckConstraint("(struck_at IS NULL) = (struck_reason IS NULL)", name="struck_why"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(unique=True)  # the other system's own id
    received_at: Mapped[datetime] = mapped_column(index=True)
    happened_at: Mapped[datetime] = mapped_column(index=True)  # the call's beginning when known: decides the period
    channel: Mapped[str | None]
    summary: Mapped[str | None]
    call_reference: Mapped[str | None] = mapped_column(index=True)  # as given; looked for again when calls come in
    call_id: Mapped[int | None] = mapped_column(ForeignKey("calls.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    struck_at: Mapped[datetime | None]
    struck_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    struck_reason: Mapped[str | None]
    created_at: Mapped[created_now]

    call: Mapped[Call | None] = relationship()
    agent: Mapped[Agent | None] = relationship()
    struck_by: Mapped[User | None] = relationship()


class NonVoiceChannel(StrEnum):
    CHAT = "chat"
    SMS = "sms"
    EMAIL = "email"
    TICKET = "ticket"
    BACK_OFFICE = "back_office"


class NonVoiceReview(Base):
    """A person's score of something written: a chat, a message, a ticket. Its record stays in the other system."""

    __tablename__ = "nonvoice_reviews"
    __table_args__ = (
        Index("ix_nonvoice_reviews_agent_handled", "agent_id", "handled_at"),
        Index("uq_nonvoice_reviews_once", "channel", "reference", "inspector_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[NonVoiceChannel] = mapped_column(named(NonVoiceChannel))
    reference: Mapped[str]  # the other system's id: where the evidence lies
    handled_at: Mapped[datetime] = mapped_column(index=True)  # decides the period
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id"))
    inspector_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    reason: Mapped[ReviewReason] = mapped_column(named(ReviewReason))
    sheet: Mapped[str]  # check-sheet id/version
    answers: Mapped[dict[str, Any]]
    remarks: Mapped[dict[str, Any]] = mapped_column(default=dict)  # item -> the written words that the mark rests on
    score: Mapped[float]  # 0 to 100
    comment: Mapped[str | None]
    released_at: Mapped[datetime | None]  # from then on it counts and the agent may see it
    created_at: Mapped[created_now]

    agent: Mapped[Agent] = relationship()
    inspector: Mapped[User] = relationship()
