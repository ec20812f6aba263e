"""Scorecards and phrase sets in the database: stored once per version, never changed."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import PhraseSetVersion, ScorecardVersion
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.scorecard import Scorecard, load_scorecard
from scoring.shipped import SHIPPED, shipped


class VersionConflict(ValueError):
    """The same id and version is stored with other content: raise the version number."""


def store_phrase_set(session: Session, phrases: PhraseSet) -> PhraseSetVersion:
    """Return the stored version of `phrases`, adding it when it is new.

    Raises:
        VersionConflict: this id and version is stored with other content.
    """
    definition = phrases.model_dump(mode="json")
    stored = session.scalar(
        select(PhraseSetVersion).where(PhraseSetVersion.key == phrases.id, PhraseSetVersion.version == phrases.version)
    )
    if stored is None:
        stored = PhraseSetVersion(
            key=phrases.id, version=phrases.version, language=phrases.language, definition=definition
        )
        session.add(stored)
        session.flush()
    elif stored.definition != definition:
        raise VersionConflict(
            f"phrase set {phrases.id} version {phrases.version} is stored with other content; "
            "give the changed one a new version number"
        )
    return stored


def store_scorecard(
    session: Session, card: Scorecard, phrases: PhraseSet | None, *, name: str | None = None
) -> ScorecardVersion:
    """Return the stored version of `card`, adding it when it is new.

    The highest version of a key is the active one: what was scored before keeps the version it was scored by.

    Raises:
        VersionConflict: this id and version is stored with other content.
    """
    phrase_set = store_phrase_set(session, phrases) if phrases else None
    definition = card.model_dump(mode="json")
    stored = session.scalar(
        select(ScorecardVersion).where(ScorecardVersion.key == card.id, ScorecardVersion.version == card.version)
    )
    if stored is not None:
        # Compared as cards: what an earlier release stored has no word of the fields that came later.
        if card_of(stored) != card or stored.phrase_set is not phrase_set:
            raise VersionConflict(
                f"scorecard {card.id} version {card.version} is stored with other content; "
                "give the changed one a new version number"
            )
        return stored
    others = session.scalars(select(ScorecardVersion).where(ScorecardVersion.key == card.id)).all()
    newest = all(other.version < card.version for other in others)
    if newest:
        for older in others:
            older.active = False
    stored = ScorecardVersion(
        key=card.id,
        version=card.version,
        name=name or card.id,
        language=card.language,
        definition=definition,
        phrase_set=phrase_set,
        active=newest,
    )
    session.add(stored)
    session.flush()
    return stored


def ensure_shipped(session: Session) -> None:
    """Store the shipped scorecards with their phrase sets where there is no scorecard at all."""
    if session.scalar(select(ScorecardVersion.id).limit(1)) is not None:
        return
    # Two processes may start at the same moment: whoever is second finds that the first has stored them.
    with suppress(IntegrityError), session.begin_nested():
        for name in SHIPPED:
            card, phrases = load_scorecard(shipped(f"scorecard-{name}")), load_phrase_set(shipped(f"phrases-{name}"))
            store_scorecard(session, card, phrases)


def active_scorecard(session: Session, language: str | None) -> ScorecardVersion | None:
    """Return the scorecard that calls in `language` are scored by now; the primary subtag decides."""
    if not language:
        return None
    active = session.scalars(
        select(ScorecardVersion).where(ScorecardVersion.active).order_by(ScorecardVersion.id.desc())
    )
    primary = _primary(language)
    return next((card for card in active if _primary(card.language) == primary), None)


def _primary(language: str) -> str:
    """Return the primary subtag: zh of zh-CN, and of zh_CN as other systems write it."""
    return language.replace("_", "-").split("-")[0].lower()


def card_of(version: ScorecardVersion) -> Scorecard:
    """Return the scorecard behind a stored version."""
    return _parsed_card(version.key, version.version, _Definition(version.definition))


def phrases_of(version: ScorecardVersion) -> PhraseSet | None:
    """Return the phrase set that belongs to a stored scorecard version."""
    stored = version.phrase_set
    return _parsed_phrases(stored.key, stored.version, _Definition(stored.definition)) if stored else None


class _Definition:
    """A definition that caches let pass unhashed: key and version name it, for it never changes."""

    def __init__(self, content: dict[str, object]) -> None:
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Definition) and self.content == other.content

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=64)
def _parsed_card(_key: str, _version: int, definition: _Definition) -> Scorecard:
    return Scorecard.model_validate(definition.content)


@lru_cache(maxsize=64)
def _parsed_phrases(_key: str, _version: int, definition: _Definition) -> PhraseSet:
    return PhraseSet.model_validate(definition.content)
