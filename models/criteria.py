"""Scorecards and phrase sets as they were at each version: never changed once stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now
from models.people import User


class PhraseSetVersion(Base):
    """One version of a phrase set; `definition` is what scoring.phrase_set.PhraseSet reads."""

    __tablename__ = "phrase_set_versions"
    __table_args__ = (UniqueConstraint("key", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]  # the set's own id, for example "en-bank-hotline"
    version: Mapped[int]
    language: Mapped[str]
    definition: Mapped[dict[str, Any]]
    created_at: Mapped[created_now]


class ScorecardVersion(Base):
    """One version of a scorecard; `definition` is what scoring.scorecard.Scorecard reads."""

    __tablename__ = "scorecard_versions"
    __table_args__ = (UniqueConstraint("key", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]  # the card's own id, for example "zh-mobile-hotline"
    version: Mapped[int]
    name: Mapped[str]
    language: Mapped[str]
    definition: Mapped[dict[str, Any]]
    phrase_set_version_id: Mapped[int | None] = mapped_column(ForeignKey("phrase_set_versions.id"))
    active: Mapped[bool] = mapped_column(default=True)  # new calls of its language are scored by it
    note: Mapped[str | None]  # what changed and why
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)  # None: shipped or imported
    created_at: Mapped[created_now]
    retired_at: Mapped[datetime | None]  # no longer active since

    phrase_set: Mapped[PhraseSetVersion | None] = relationship()


class ScorecardDraft(Base):
    """A scorecard that is being written. It may be incomplete or wrong; activation makes a version of it."""

    __tablename__ = "scorecard_drafts"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)  # of the card that it will be a version of
    name: Mapped[str]
    definition: Mapped[dict[str, Any]]  # as far as it is written: the shape of scoring.scorecard.Scorecard
    phrase_set_version_id: Mapped[int | None] = mapped_column(ForeignKey("phrase_set_versions.id"))
    based_on_id: Mapped[int | None] = mapped_column(ForeignKey("scorecard_versions.id"))  # None: begun from nothing
    revision: Mapped[int] = mapped_column(default=0)  # a save that knows an older one is refused
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    saved_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[created_now]
    saved_at: Mapped[created_now]

    phrase_set: Mapped[PhraseSetVersion | None] = relationship()
    based_on: Mapped[ScorecardVersion | None] = relationship()
    created_by: Mapped[User] = relationship(foreign_keys=[created_by_id])
    saved_by: Mapped[User] = relationship(foreign_keys=[saved_by_id])
