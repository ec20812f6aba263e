"""The test calls of the demonstration: dial tests by inspectors and mystery shoppers' calls, one of them doubtful."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Call, TestCall, User
from qa.demonstration.judging import Truth
from qa.demonstration.reviews import INSPECTORS
from qa.periods import Period, PeriodKind
from qa.test_calls import DIAL_TEST, MYSTERY_SHOPPER, QUARANTINE, enter_test_call

SHOPPER = "tester"
SHOPPED = ("2101", "2103", "2105", "0711", "0713", "0715")  # agents whom the mystery shopper reached last month
DOUBTFUL = "0714"  # the agent whose sheet does not fit its recording
CLOCK = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One test call to be entered: which call it was, and who made it."""

    truth: Truth
    source: str
    tester: str
    doubtful: bool = False

    @property
    def external_id(self) -> str:
        return f"{self.truth.external_id}-{self.source}"


@cache
def _content() -> dict[str, Any]:
    path = Path(__file__).parent / "scripts" / "test-calls.yaml"
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return document


def tested_calls(truths: Sequence[Truth], now: datetime, zone: ZoneInfo) -> tuple[Sheet, ...]:
    """Return which of the calls were test calls: one dial test of each agent in each of the last two months, and
    the shopper's in the last full one.
    """
    this_month = Period.of_day(now.astimezone(zone).date(), PeriodKind.MONTH)
    sheets = []
    for period, numbers in ((this_month.previous(), SHOPPED), (this_month, ())):
        for number, calls in _plain_calls(truths, period, zone):
            random = Random(f"test calls {number} {period.label}")  # noqa: S311 -- the same choice each time
            chosen = random.sample(calls, min(3, len(calls)))
            inspector = INSPECTORS[chosen[0].agent.team]
            sheets.append(Sheet(chosen[0], DIAL_TEST, inspector))
            if number in numbers and len(chosen) > 1:
                sheets.append(Sheet(chosen[1], MYSTERY_SHOPPER, SHOPPER))
            if number == DOUBTFUL and numbers and len(chosen) > 2:
                sheets.append(Sheet(chosen[2], MYSTERY_SHOPPER, SHOPPER, doubtful=True))
    return tuple(sheets)


def _plain_calls(truths: Sequence[Truth], period: Period, zone: ZoneInfo) -> Iterator[tuple[str, list[Truth]]]:
    """Yield each agent's enquiries of the period by staff number: nobody tests with a complaint."""
    first, end = period.bounds(zone)
    by_agent: dict[str, list[Truth]] = {}
    for truth in sorted(truths, key=lambda truth: truth.external_id):
        asked = truth.queue in ("enquiry", "lending", "咨询", "办理") and "identity" not in truth.missed
        if asked and first <= truth.started_at < end:
            by_agent.setdefault(truth.agent.number, []).append(truth)
    yield from sorted(by_agent.items())


def store_test_calls(session: Session, sheets: Sequence[Sheet], zone: ZoneInfo) -> int:
    """Enter the sheets that are not there yet in the caller's transaction; return how many were entered."""
    known = set(session.scalars(select(TestCall.external_id)))
    entered = 0
    for sheet in sheets:
        if sheet.external_id not in known:
            _enter(session, sheet, zone)
            entered += 1
    return entered


def _enter(session: Session, sheet: Sheet, zone: ZoneInfo) -> None:
    call = session.scalars(select(Call).where(Call.external_id == sheet.truth.external_id)).one()
    tester = session.scalars(select(User).where(User.login == sheet.tester)).one()
    random = Random(sheet.external_id)  # noqa: S311
    scenario = random.choice(_content()["scenarios"][sheet.truth.agent.team])
    persona = random.choice(_content()["personas"])
    test = enter_test_call(
        session,
        source=sheet.source,
        tester=tester,
        header=_header(sheet, call, zone, random) | {"scenario_id": scenario["id"], "persona": persona},
        answers=_answers(sheet.truth, persona, scenario["key_points"], random),
        zone=zone,
        key_points=scenario["key_points"],
        external_id=sheet.external_id,
    )
    assert (test.status == QUARANTINE) == sheet.doubtful


def _header(sheet: Sheet, call: Call, zone: ZoneInfo, random: Random) -> dict[str, str]:
    answered = call.started_at.astimezone(zone) + timedelta(seconds=random.randrange(-20, 20))
    staff_number = sheet.truth.agent.number
    if sheet.doubtful:  # Half an hour off, and another staff number than the recording's.
        answered += timedelta(minutes=30)
        staff_number = "0799"
    ended = answered + timedelta(seconds=call.duration or 60)
    return {
        "number_used": call.customer_number or "",
        "hotline_dialled": _content()["hotline"][sheet.truth.agent.team],
        "dial_time": (answered - timedelta(seconds=random.randrange(25, 70))).strftime(CLOCK),
        "agent_answer_time": answered.strftime(CLOCK),
        "end_time": ended.strftime(CLOCK),
        "staff_number_heard": staff_number,
        "attempts_before_connection": "1",
    }


def _answers(truth: Truth, persona: str, key_points: int, random: Random) -> dict[str, Any]:
    """Fill in the sheet from what happened in the call; where that says nothing, by the agent's skill."""

    def good() -> bool:
        return random.random() < 0.3 + 0.7 * truth.agent.skill

    def kept(step: str) -> bool:
        return step not in truth.missed

    held = "hold_ask" in truth.taken | truth.missed
    answers: dict[str, Any] = {
        "M1": "yes",
        "M2": 3 if good() else 2,
        "M3": random.randrange(6, 35),
        "M4": 3 if kept("open") else 2,
        "M5": 3 if good() else 2,
        "M6": "yes" if kept("confirm") and good() else "no",
        "M7": 5 if good() else 3,
        "M8": "na" if persona == "calm" else 3 if kept("empathy") else 2,
        "M9": "right" if good() else "partly",
        "M10": key_points if good() else key_points - 1,
        "M11": "right" if good() else "partly" if good() else "wrong",
        "M12": (3 if kept("hold_ask") else 1) if held else "na",
        "M13": "na",
        "M14": sum(map(kept, ("more", "bye"))) + 1,
        "N2": 5 if good() else 3,
    }
    remarks = _content()["remarks"][truth.agent.team]
    if said := next((remarks[step] for step in remarks if step in truth.missed), None):
        answers["N3"] = said
    return answers
