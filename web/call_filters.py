"""The filters of the call list as they stand in its address, and as a person reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from typing import TypeVar

from flask import url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, CallState, Role, ScorecardVersion, Team, User
from qa.calls import SEES_MARKS, CallFilter, Sort, queues_of
from qa.criteria import card_of
from web.i18n import CALL_LANGUAGES, CALL_STATES, DIRECTIONS, N_, format_number, named

YES_NO = {"yes": True, "no": False}
NOBODY = 0  # an id that no row has: a filter that names somebody unknown finds nothing
MAX_WORDS = 100  # characters of a search
NAMES = (
    "words", "agent", "team", "queue", "from", "to", "state", "score_min", "score_max", "item", "reviewed",
    "fatal", "language", "direction", "sort",
)  # fmt: skip
SORTS: dict[str, str] = {
    Sort.NEWEST: N_("Newest first"),
    Sort.OLDEST: N_("Oldest first"),
    Sort.LOWEST: N_("Lowest score first"),
    Sort.HIGHEST: N_("Highest score first"),
    Sort.LONGEST: N_("Longest first"),
    Sort.SHORTEST: N_("Shortest first"),
}

Choice = TypeVar("Choice", bound=StrEnum)
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter and the address of the list without it."""

    text: str
    without: str


@dataclass(frozen=True, slots=True)
class Options:
    """What the filters of one user can be set to."""

    agents: list[tuple[str, str]]  # (staff number, name)
    teams: list[tuple[int, str]]
    queues: list[str]
    items: list[tuple[str, list[tuple[str, str]]]]  # scorecard name and its (item id, item name)


def read_filter(session: Session, given: Mapping[str, str], *, by_agent: bool = True) -> CallFilter:
    """Return the filter that an address asks for; a value that makes no sense asks nothing.

    Args:
        by_agent: agents and teams may be asked for; else what the list leaves would say whose calls they are.
    """
    agent = _text(given, "agent") if by_agent else None
    return CallFilter(
        words=(_text(given, "words") or "")[:MAX_WORDS] or None,
        agent_id=(session.scalar(select(Agent.id).where(Agent.number == agent)) or NOBODY) if agent else None,
        team_id=_number(given, "team", int) if by_agent else None,
        queue=_text(given, "queue"),
        day_from=_day(given, "from"),
        day_to=_day(given, "to"),
        state=_choice(given, "state", CallState),
        score_min=_number(given, "score_min", float),
        score_max=_number(given, "score_max", float),
        item=_text(given, "item"),
        reviewed=YES_NO.get(given.get("reviewed", "")),
        fatal=YES_NO.get(given.get("fatal", "")),
        language=_text(given, "language"),
        direction=_text(given, "direction"),
    )


def read_sort(given: Mapping[str, str]) -> Sort:
    return _choice(given, "sort", Sort) or Sort.NEWEST


def read_page(given: Mapping[str, str]) -> int:
    return max(1, _number(given, "page", int) or 1)


def chips(session: Session, wanted: CallFilter, given: Mapping[str, str]) -> list[Chip]:
    """Return one chip for each active filter, in the order of the form."""
    team = session.get(Team, wanted.team_id) if wanted.team_id is not None else None
    score = partial(format_number, digits=None)
    reviewed = gettext("Reviewed") if wanted.reviewed else gettext("Not reviewed")
    fatal = gettext("Fatal item suspected") if wanted.fatal else gettext("No fatal item suspected")
    texts = {
        "words": wanted.words and gettext("Said: “%(words)s”", words=wanted.words),
        "agent": wanted.agent_id is not None and gettext("Agent: %(number)s", number=given.get("agent")),
        "team": wanted.team_id is not None and gettext("Team: %(name)s", name=team.name if team else "?"),
        "queue": wanted.queue and gettext("Queue: %(name)s", name=wanted.queue),
        "from": wanted.day_from and gettext("From %(day)s", day=wanted.day_from),
        "to": wanted.day_to and gettext("Until %(day)s", day=wanted.day_to),
        "state": wanted.state and gettext("State: %(state)s", state=named(CALL_STATES, wanted.state)),
        "score_min": wanted.score_min is not None and gettext("Score from %(n)s", n=score(wanted.score_min)),
        "score_max": wanted.score_max is not None and gettext("Score up to %(n)s", n=score(wanted.score_max)),
        "item": wanted.item and gettext("Not met: %(item)s", item=wanted.item),
        "reviewed": wanted.reviewed is not None and reviewed,
        "fatal": wanted.fatal is not None and fatal,
        "language": wanted.language and gettext("Language: %(name)s", name=named(CALL_LANGUAGES, wanted.language)),
        "direction": wanted.direction and named(DIRECTIONS, wanted.direction),
    }
    return [Chip(text, address(given, **{name: None})) for name, text in texts.items() if text]


def address(given: Mapping[str, str], **changes: object) -> str:
    """Return the address of the list with some values changed or, when None, left out; it begins at page 1."""
    kept = {name: value for name, value in given.items() if value and name in NAMES}
    return url_for("calls.index", **{**kept, **changes})  # type: ignore[arg-type]


def options(session: Session, user: User) -> Options:
    """Return what `user` can choose from: a supervisor the own team's agents, an agent nothing."""
    if user.role not in SEES_MARKS:
        return Options([], [], [], [])
    agents = select(Agent.number, Agent.name).order_by(Agent.number)
    teams = select(Team.id, Team.name).order_by(Team.name)
    if user.role is Role.SUPERVISOR:
        agents = agents.where(Agent.team_id == user.team_id)
        teams = teams.where(Team.id == NOBODY)
    return Options(
        agents=[(number, name) for number, name in session.execute(agents)],
        teams=[(identity, name) for identity, name in session.execute(teams)],
        queues=queues_of(session, user),
        items=_items(session),
    )


def _items(session: Session) -> list[tuple[str, list[tuple[str, str]]]]:
    active = session.scalars(select(ScorecardVersion).where(ScorecardVersion.active).order_by(ScorecardVersion.name))
    return [
        (version.name, [(item.id, item.name) for section in card_of(version).sections for item in section.items])
        for version in active
    ]


def _text(given: Mapping[str, str], name: str) -> str | None:
    return given.get(name, "").strip() or None


def _number(given: Mapping[str, str], name: str, kind: Callable[[str], Number]) -> Number | None:
    try:
        value = kind(given.get(name, ""))
    except ValueError:
        return None
    return value if abs(value) < 2**31 else None  # not so for "nan", and no database takes more


def _day(given: Mapping[str, str], name: str) -> date | None:
    try:
        day = date.fromisoformat(given.get(name, ""))
    except ValueError:
        return None
    return day if 1900 < day.year < 9000 else None  # room for a zone's hours on both sides


def _choice(given: Mapping[str, str], name: str, kind: type[Choice]) -> Choice | None:
    try:
        return kind(given.get(name, ""))
    except ValueError:
        return None
