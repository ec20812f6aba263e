"""Recorded calls, where each stands, and the files that never became one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now, named
from models.people import Agent

if TYPE_CHECKING:
    from models.scores import AutoScore, Review


class CallState(StrEnum):
    RECEIVED = "received"
    TRANSCRIBED = "transcribed"
    SCORED = "scored"
    FAILED = "failed"  # `state_reason` says why; running again retries it
    NOT_GRADABLE = "not_gradable"  # "too_short", "no_speech" or "voicemail"; never a zero


class Call(Base):
    """One telephone call. The row is the truth about where it stands; the queue only says "look at this one"."""

    __tablename__ = "calls"
    __table_args__ = (
        Index("ix_calls_agent_started", "agent_id", "started_at"),
        Index("ix_calls_state_started", "state", "started_at"),
        CheckConstraint("state NOT IN ('failed', 'not_gradable') OR state_reason IS NOT NULL", name="reason_given"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str | None] = mapped_column(unique=True)  # the telephone system's own id
    content_hash: Mapped[str] = mapped_column(unique=True)  # SHA-256 of the recording or transcript
    source_name: Mapped[str]  # file name(s) as they came in
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    started_at: Mapped[datetime] = mapped_column(index=True)
    queue: Mapped[str | None] = mapped_column(index=True)
    direction: Mapped[str | None]  # "inbound" or "outbound"
    customer_number: Mapped[str | None]
    language: Mapped[str | None]  # BCP 47; None until it is known
    agent_channel: Mapped[int | None]  # 0 or 1 as given; None: found from who says the opening
    engine: Mapped[str | None]  # asked for at ingest; None: the engine of the settings
    duration: Mapped[float | None]  # seconds
    channels: Mapped[int | None]
    audio_key: Mapped[str | None]  # in the recording store: what is played; None for a ready transcript
    original_key: Mapped[str | None]  # in the recording store: the file as it came
    peaks_key: Mapped[str | None]  # in the recording store: waveform peaks, JSON
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # events and fields from the telephone system
    synthetic: Mapped[bool] = mapped_column(default=False)  # made for a demonstration, nobody's real words
    state: Mapped[CallState] = mapped_column(named(CallState), default=CallState.RECEIVED)
    state_reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[created_now]
    claimed_at: Mapped[datetime | None]  # a worker has it since; an old claim is free to take again
    queued_at: Mapped[datetime | None]  # when the sweep last queued it again
    progress: Mapped[float | None]  # 0 to 1 while it is worked on

    agent: Mapped[Agent | None] = relationship()
    transcript: Mapped[StoredTranscript | None] = relationship(
        back_populates="call", cascade="all, delete-orphan", uselist=False
    )
    auto_score: Mapped[AutoScore | None] = relationship(
        back_populates="call", cascade="all, delete-orphan", uselist=False
    )
    reviews: Mapped[list[Review]] = relationship(back_populates="call", order_by="Review.id")


class StoredTranscript(Base):
    """The transcript and audio measures of one call, in their documented JSON forms."""

    __tablename__ = "transcripts"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), unique=True)
    # Before `content`: SQLite reads a row from its beginning, and a search wants only the words.
    text: Mapped[str]
    content: Mapped[dict[str, Any]]
    measures: Mapped[dict[str, Any] | None]
    # What the recogniser heard, kept from the first correction on; `content` is then the corrected one.
    original: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    revision: Mapped[int] = mapped_column(default=0)  # how often it was corrected
    engine: Mapped[str | None]
    seconds_taken: Mapped[float | None]  # of recognition
    created_at: Mapped[created_now]

    call: Mapped[Call] = relationship(back_populates="transcript")


class IngestFailure(Base):
    """A file that could not be taken in, with its reason."""

    __tablename__ = "ingest_failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    source_name: Mapped[str] = mapped_column(unique=True)
    reason: Mapped[str]
    at: Mapped[created_now]
