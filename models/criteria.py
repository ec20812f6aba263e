"""Scorecards and phrase sets as they were at each version: never changed once stored."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now


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
    created_at: Mapped[created_now]

    phrase_set: Mapped[PhraseSetVersion | None] = relationship()
