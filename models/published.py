"""Scores that were published: with what they were made from, so that each can be made again."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now, named
from models.people import Agent, User


class SchemeVersion(Base):
    """One version of the scheme by which agents' scores are weighed; never changed once stored.

    `definition` is what scoring.agent_score.Scheme reads. A version is in force for the periods that begin on
    `valid_from` or later, until a later one takes over.
    """

    __tablename__ = "scheme_versions"
    __table_args__ = (UniqueConstraint("key", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    version: Mapped[int]
    definition: Mapped[dict[str, Any]]
    valid_from: Mapped[date] = mapped_column(index=True)
    reason: Mapped[str | None]  # why it was changed; None for the shipped one
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[created_now]

    created_by: Mapped[User | None] = relationship()


class PublishedPeriod(Base):
    """A period whose scores are closed. Its row is the lock."""

    __tablename__ = "published_periods"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(unique=True)  # as qa.periods.Period writes it
    time_zone: Mapped[str]  # the hotline's, when the days of the period were counted
    scheme_version_id: Mapped[int] = mapped_column(ForeignKey("scheme_versions.id"), index=True)
    confidence: Mapped[float]  # of all intervals, 0 to 1
    observed: Mapped[bytes]  # what was counted, as scoring.observed writes it: JSON, zlib
    digest: Mapped[str]  # SHA-256 of `observed` before it was packed
    program: Mapped[str]  # version of this program
    note: Mapped[str | None]
    published_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    published_at: Mapped[created_now]

    scheme: Mapped[SchemeVersion] = relationship()
    published_by: Mapped[User] = relationship()
    scores: Mapped[list[PublishedScore]] = relationship(
        back_populates="period", cascade="all, delete-orphan", order_by="PublishedScore.id"
    )


class ScoreSubject(StrEnum):
    AGENT = "agent"
    TEAM = "team"
    CENTRE = "centre"


class PublishedScore(Base):
    """The score of one agent, team or the whole centre as it was published, with names as they were."""

    __tablename__ = "published_scores"
    __table_args__ = (
        UniqueConstraint("period_id", "subject", "subject_id"),
        Index("ix_published_scores_subject", "subject", "subject_id"),
        CheckConstraint("(low IS NULL) = (high IS NULL)", name="two_limits"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    period_id: Mapped[int] = mapped_column(ForeignKey("published_periods.id", ondelete="CASCADE"))
    subject: Mapped[ScoreSubject] = mapped_column(named(ScoreSubject))
    subject_id: Mapped[int]  # of the agent or team; 0 for the centre
    number: Mapped[str | None]  # staff number
    name: Mapped[str]
    team_id: Mapped[int | None]  # of the agent, then; no foreign key, as teams come and go
    team: Mapped[str | None]
    value: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    grade: Mapped[str | None]
    confirmed_fatals: Mapped[int] = mapped_column(default=0)
    score: Mapped[dict[str, Any]]  # all of scoring.agent_score.AgentScore

    period: Mapped[PublishedPeriod] = relationship(back_populates="scores")
    adjustments: Mapped[list[ScoreAdjustment]] = relationship(
        back_populates="origin", order_by="ScoreAdjustment.id", foreign_keys="ScoreAdjustment.origin_id"
    )


class ScoreAdjustment(Base):
    """A change that came after a period was published, counted in a later period, with a link to both."""

    __tablename__ = "score_adjustments"
    __table_args__ = (
        Index("ix_score_adjustments_period_agent", "period", "agent_id"),
        CheckConstraint("fatals >= 0", name="fatals_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    origin_id: Mapped[int] = mapped_column(ForeignKey("published_scores.id"), index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id"), index=True)
    period: Mapped[str]  # label of the period that it counts in
    points: Mapped[float]  # new value minus what was published and adjusted before
    fatals: Mapped[int] = mapped_column(default=0)  # fatal items confirmed since
    old_value: Mapped[float | None]
    new_value: Mapped[float | None]
    old_grade: Mapped[str | None]
    new_grade: Mapped[str | None]
    causes: Mapped[list[Any]]  # what changed: {"kind": "review", "id": 7, "change": "added"}
    reason: Mapped[str]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    made_at: Mapped[created_now]

    origin: Mapped[PublishedScore] = relationship(back_populates="adjustments", foreign_keys=[origin_id])
    agent: Mapped[Agent] = relationship()
    made_by: Mapped[User] = relationship()
