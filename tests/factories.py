"""Rows and values for tests: sensible defaults, and only what a test is about is named."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from models import (
    Agent,
    AutoMark,
    AutoScore,
    Call,
    CallState,
    Role,
    ScorecardVersion,
    StoredTranscript,
    Team,
    User,
)
from transcription.transcript import Transcript, Turn, Word

if TYPE_CHECKING:
    from scoring.phrase_set import PhraseSet
    from scoring.scorecard import Scorecard

_numbers = itertools.count(1)

PASSWORD = "correct horse battery"
# argon2 takes its time by design: all test users share one hash, made once and cheap to verify.
_password_hash: list[str] = []


def make_team(session: Session, name: str | None = None) -> Team:
    team = Team(name=name or f"Team {next(_numbers)}")
    session.add(team)
    session.flush()
    return team


def make_agent(
    session: Session, number: str | None = None, *, name: str | None = None, team: Team | None = None
) -> Agent:
    number = number or f"{next(_numbers):04d}"
    agent = Agent(number=number, name=name or f"Agent {number}", team=team or make_team(session))
    session.add(agent)
    session.flush()
    return agent


def make_user(
    session: Session,
    role: Role = Role.INSPECTOR,
    login: str | None = None,
    *,
    agent: Agent | None = None,
    team: Team | None = None,
    locale: str | None = "en",
) -> User:
    """Return a user whose password is PASSWORD; an agent's login gets an agent when none is given."""
    if not _password_hash:
        from argon2 import PasswordHasher

        _password_hash.append(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD))
    if role is Role.AGENT and agent is None:
        agent = make_agent(session)
    login = login or f"{role.value}{next(_numbers)}"
    user = User(
        login=login,
        name=login.title(),
        password_hash=_password_hash[0],
        role=role,
        agent=agent,
        team=team,
        locale=locale,
    )
    session.add(user)
    session.flush()
    return user


def make_transcript(
    lines: Sequence[tuple[str, str] | tuple[str, str, float, float]],
    *,
    language: str = "en",
    channels: int = 2,
    confidence: float | None = 0.9,
) -> Transcript:
    """Return a transcript of (speaker, text[, start, end]) lines; times follow each other when not given."""
    turns: list[Turn] = []
    clock = 0.5
    for line in lines:
        speaker, text = line[0], line[1]
        units = list(text.replace(" ", "")) if language.startswith("zh") else text.split()
        start, end = (line[2], line[3]) if len(line) == 4 else (clock, clock + 0.3 * max(1, len(units)))
        step = (end - start) / max(1, len(units))
        words = tuple(
            Word(unit, round(start + i * step, 3), round(start + (i + 1) * step, 3), confidence)
            for i, unit in enumerate(units)
        )
        turns.append(Turn(speaker, start, end, text, words))
        clock = end + 0.4
    return Transcript(language, round(clock + 1.0, 3), channels, tuple(turns), engine="scripted")


def make_call(
    session: Session,
    *,
    agent: Agent | None = None,
    state: CallState = CallState.SCORED,
    started_at: datetime | None = None,
    transcript: Transcript | None = None,
    **fields: Any,
) -> Call:
    number = next(_numbers)
    if state in (CallState.FAILED, CallState.NOT_GRADABLE):
        fields.setdefault("state_reason", "too_short")
    fields.setdefault("language", "en")
    fields.setdefault("duration", 120.0)
    fields.setdefault("channels", 2)
    call = Call(
        content_hash=f"{number:064d}",
        source_name=f"call-{number}.wav",
        agent=agent or make_agent(session),
        started_at=started_at or datetime(2026, 11, 10, 3, 0, tzinfo=UTC),
        state=state,
        **fields,
    )
    if transcript is not None:
        call.transcript = StoredTranscript(
            content=transcript.to_dict(),
            text="\n".join(turn.text for turn in transcript.turns),
            measures=None,
        )
    session.add(call)
    session.flush()
    return call


@cache
def _shipped_criteria(name: str) -> tuple[Scorecard, PhraseSet]:
    from scoring.phrase_set import load_phrase_set
    from scoring.scorecard import load_scorecard
    from scoring.shipped import shipped

    return load_scorecard(shipped(f"scorecard-{name}")), load_phrase_set(shipped(f"phrases-{name}"))


def make_scorecard(session: Session, name: str = "en-bank") -> ScorecardVersion:
    """Return the stored version of a shipped scorecard ("en-bank" or "zh-mobile") with its phrase set."""
    from qa.criteria import store_scorecard

    return store_scorecard(session, *_shipped_criteria(name))


def make_auto_score(
    session: Session,
    call: Call,
    scorecard: ScorecardVersion,
    *,
    raw: float | None = 90.0,
    auto_items: float | None = 90.0,
    marks: Sequence[tuple[str, str, float | None, float]] = (),
    fatal_suspected: bool = False,
) -> AutoScore:
    """Return a stored machine score; `marks` are (item, answer, points, possible)."""
    score = AutoScore(
        call=call,
        scorecard=scorecard,
        raw=raw,
        auto_items=auto_items,
        answered_weight=60.0,
        cannot_tell_weight=10.0,
        fatal_suspected=fatal_suspected,
        summary={"sections": [], "fatals": []},
        marks=[
            AutoMark(position=i, item=item, answer=answer, points=points, possible=possible, needs_person=False)
            for i, (item, answer, points, possible) in enumerate(marks)
        ],
    )
    session.add(score)
    session.flush()
    return score
