"""Whom a survey, a complaint or another finding from outside is about: the call, if it is known, and the agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, Call, Complaint, Praise, SurveyRating
from qa.csv_import import Row
from qa.people import staff_number
from qa.refusals import N_, Refused
from qa.sources import SourceError, parse_time

MAX_NAME = 200  # characters of ids, channels and categories


@dataclass(frozen=True, slots=True)
class Origin:
    """What a row says about its call; `reference` is kept so that a call that comes in later is found."""

    call: Call | None
    agent: Agent | None
    reference: str | None


def origin_of(session: Session, row: Row) -> Origin:
    """Read the columns `call` (the telephone system's id, or ours with a # in front) and `agent` (staff number).

    Raises:
        Refused: there is no such agent, no such call of ours, or the call is another agent's.
    """
    reference = name_in(row, "call")
    call = _call(session, reference) if reference else None
    number = row.text("agent")
    agent = _agent(session, number) if number else None
    if call is not None and call.agent is not None:
        if agent is not None and agent.id != call.agent_id:
            raise Refused(
                N_("The call is agent %(found)s's, not %(given)s's: correct one of them, or leave the agent empty."),
                field="agent",
                found=call.agent.number,
                given=agent.number,
            )
        agent = call.agent
    return Origin(call, agent, reference)


def link_again(session: Session) -> int:
    """Look once more for the calls of surveys, complaints and praise that came in before their calls; return how many
    are found. A row that names another agent than its call stays as it is.
    """
    linked = sum(_link_rows(session, table) for table in (SurveyRating, Complaint, Praise))
    session.flush()
    return linked


def _link_rows(session: Session, table: type[SurveyRating] | type[Complaint] | type[Praise]) -> int:
    waiting: Sequence[Any] = session.execute(
        select(table, Call).join(Call, Call.external_id == table.call_reference).where(table.call_id.is_(None))
    ).all()
    return sum(_link(row, call) for row, call in waiting)


def _link(row: SurveyRating | Complaint | Praise, call: Call) -> bool:
    if row.agent_id is not None and call.agent_id not in (None, row.agent_id):
        return False
    row.call, row.happened_at = call, call.started_at
    row.agent_id = row.agent_id or call.agent_id
    return True


def moment_in(row: Row, column: str, zone: ZoneInfo) -> datetime:
    """Return the time in a column, written as the hotline's clocks show it.

    Raises:
        Refused: it is empty or no time.
    """
    text = row.required(column)
    try:
        return parse_time(text.replace("/", "-"), zone)
    except SourceError:
        raise Refused(N_("%(text)s is no time: write 2026-11-18 14:32:05."), field=column, text=text[:40]) from None


def name_in(row: Row, column: str) -> str | None:
    """Return the text of a column that holds an id or a short name.

    Raises:
        Refused: it is too long for one.
    """
    text = row.text(column)
    if text is not None and len(text) > MAX_NAME:
        raise Refused(N_("At most %(limit)s characters."), field=column, limit=MAX_NAME)
    return text


def choice_in(row: Row, column: str, words: dict[str, str], default: str | None = None) -> str:
    """Return what the word in a column stands for.

    Raises:
        Refused: it is none of `words`, or empty and there is no default.
    """
    text = row.text(column) if default is not None else row.required(column)
    if text is None:
        assert default is not None
        return default
    if text.casefold() not in words:
        raise Refused(
            N_("%(column)s: %(text)s is none of %(choices)s."),
            field=column,
            column=column,
            text=text[:40],
            choices=", ".join(dict.fromkeys(words.values())),
        )
    return words[text.casefold()]


def refuse_unknown_columns(row: Row, known: frozenset[str]) -> None:
    """A filled column that nothing reads is something lost without a word.

    Raises:
        Refused: there is one.
    """
    for column, text in row.cells.items():
        if text and column not in known:
            raise Refused(
                N_("There is no column %(column)s here; there are %(columns)s."),
                field=column,
                column=column[:40],
                columns=", ".join(sorted(known)),
            )


def _call(session: Session, reference: str) -> Call | None:
    if not reference.startswith("#"):
        return session.scalar(select(Call).where(Call.external_id == reference))
    digits = reference[1:]
    call = session.get(Call, int(digits)) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None
    if call is None:
        raise Refused(N_("There is no call %(call)s."), field="call", call=reference[:40])
    return call


def _agent(session: Session, number: str) -> Agent:
    agent = session.scalar(select(Agent).where(Agent.number == staff_number(number)))
    if agent is None:
        raise Refused(N_("There is no agent with the number %(number)s."), field="agent", number=number[:40])
    return agent
