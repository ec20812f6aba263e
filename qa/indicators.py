"""The indicators of the centre in a period, as far as the sources for them are connected.

Each is worked out from the observations of the period and has its n and interval; an indicator without a source here
has no value and says so. What is compared with the target is the interval, not the point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import ScoreSubject, SurveyKind, TestCall
from models.base import now
from qa import indicator_facts as facts
from qa.agent_scores import Book
from qa.error_rates import critical_errors
from qa.indicator_facts import Count, Items
from qa.inspectors import inspection
from qa.periods import Period
from qa.surveys import joined, survey_tallies
from qa.test_calls import default_sheet
from scoring.agent_score import AgentScore
from scoring.agreement import Agreement
from scoring.error_rates import ErrorRate
from scoring.indicators import Indicator, IndicatorSystem, Verdict, load_indicators
from scoring.shipped import shipped
from scoring.uncertainty import Interval, Tally, share_interval, student_interval

# What nothing in this program records: figures of the telephone system and the ticket system, which complaints are
# special ones with a longer time, appeals, and actions. They are entered and watched elsewhere.
WITHOUT_SOURCE = frozenset({"I111", "I121", "I412", "I413", "I621", "I622", "I623"})


@dataclass(frozen=True, slots=True)
class Measured:
    """What an indicator shows in a period, in the unit of its target."""

    value: float
    n: int
    interval: Interval | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Raw:
    """Before the unit: a share is 0 to 1."""

    value: float
    n: int
    interval: Interval | None


@cache
def indicator_system() -> IndicatorSystem:
    """Return the shipped indicator system."""
    return load_indicators(shipped("indicators"))


def measured_indicators(session: Session, book: Book, *, zone: ZoneInfo) -> Mapping[str, Measured]:
    """Return the indicators that can be worked out for the whole centre, by id; a fixed number of queries."""
    sources = _sources(session, book, zone)
    found = {}
    for indicator in indicator_system().indicators():
        raw = sources[indicator.id](indicator.items) if indicator.id in sources else None
        if raw is not None:
            found[indicator.id] = _in_unit(indicator, raw)
    return found


def _sources(session: Session, book: Book, zone: ZoneInfo) -> Mapping[str, Callable[[Items], _Raw | None]]:
    period = book.period
    asked = (session, period, zone)
    centre = next((group.score for group in book.groups() if group.subject is ScoreSubject.CENTRE), None)
    errors = critical_errors(*asked[:2], zone=zone).centre()
    reviewed = facts.Reviewed(*asked)
    today = now().astimezone(zone).date()
    return {
        "I112": lambda items: _count(facts.sheets_with_full_points(*asked, "MS", items.get(_sheet(), ()))),
        "I211": lambda items: _count(facts.calls_that_met(*asked, items)),
        "I212": lambda items: _count(facts.calls_with_defect(reviewed.marks(items))),
        "I213": lambda items: _count(facts.marks_that_met(*asked, items)),
        "I221": lambda items: _of_tally(facts.points_of_calls(reviewed.marks(items))),
        "I222": lambda items: _of_tally(facts.sheet_scores(*asked, "MS", items.get(_sheet(), ()))),
        "I223": lambda _: _count(facts.attitude_complaints(*asked)),
        "I311": lambda _: _accuracy(errors.get(("critical", "business"))),
        "I312": lambda _: _knowledge(*asked, "DT"),
        "I313": lambda _: _knowledge(*asked, "MS"),
        "I321": lambda _: _rate(errors.get(("fatal", "compliance"))),
        "I322": lambda items: _count(facts.good_tickets(*asked, items, reviewed)),
        "I411": lambda _: _count(facts.solved_at_first(*asked)),
        "I421": lambda _: _satisfied(*asked, SurveyKind.DAILY),
        "I422": lambda _: _satisfied(*asked, SurveyKind.COMPLAINT),
        "I423": lambda _: _count(facts.all_complaints(*asked)),
        "I511": lambda _: _part(centre, "NV"),
        "I611": lambda _: _done(facts.due_reviews(session, period, today)),
        "I612": lambda _: _agreed(inspection(session, period, zone=zone).whole),
        "I613": lambda _: _count(facts.overturned_reviews(*asked)),
        "I614": lambda _: _gap(centre),
    }


def _sheet() -> str:
    return default_sheet().id


def _in_unit(indicator: Indicator, raw: _Raw) -> Measured:
    aim = indicator.aim
    value = raw.value * aim.scale
    interval = Interval(raw.interval.low * aim.scale, raw.interval.high * aim.scale) if raw.interval else None
    return Measured(value, raw.n, interval, aim.verdict(value, interval))


def _count(found: Count) -> _Raw | None:
    return _Raw(found.hits / found.n, found.n, share_interval(found.hits, found.n)) if found.n else None


def _done(found: Count) -> _Raw | None:
    """All that was due is counted: no chance is in it."""
    if not found.n:
        return None
    share = found.hits / found.n
    return _Raw(share, found.n, Interval(share, share))


def _rate(rate: ErrorRate | None) -> _Raw | None:
    return _Raw(rate.rate, rate.calls, Interval(rate.low, rate.high)) if rate else None


def _accuracy(rate: ErrorRate | None) -> _Raw | None:
    if rate is None:
        return None
    value, low, high = rate.accuracy
    return _Raw(value, rate.calls, Interval(low, high))


def _agreed(found: Agreement | None) -> _Raw | None:
    return _Raw(found.share, found.n, found.interval) if found else None


def _of_tally(tally: Tally) -> _Raw | None:
    return _Raw(tally.mean, tally.n, student_interval(tally)) if tally.n else None


def _part(score: AgentScore | None, source: str) -> _Raw | None:
    part = next((one for one in score.parts if one.source == source), None) if score else None
    if part is None or part.value is None:
        return None
    interval = Interval(part.low, part.high) if part.low is not None and part.high is not None else None
    return _Raw(part.value, part.n, interval)


def _gap(score: AgentScore | None) -> _Raw | None:
    """How far apart the two sides are, whichever is milder."""
    if score is None or score.gap is None:
        return None
    gap = score.gap
    ends = sorted((abs(gap.low), abs(gap.high)))
    return _Raw(abs(gap.value), score.part("MS").n, Interval(ends[0] if gap.real else 0.0, ends[1]))


def _knowledge(session: Session, period: Period, zone: ZoneInfo, source: str) -> _Raw | None:
    start, end = period.bounds(zone)
    knowledge = TestCall.knowledge
    summed: Sequence[Any] = session.execute(
        select(
            func.count(knowledge),
            func.coalesce(func.sum(knowledge), 0.0),
            func.coalesce(func.sum(knowledge * knowledge), 0.0),
        ).where(
            TestCall.source == source,
            TestCall.status == "matched",
            TestCall.dialled_at >= start,
            TestCall.dialled_at < end,
        )
    ).one()
    n, total, squares = summed
    return _of_tally(Tally(n, float(total), float(squares)))


def _satisfied(session: Session, period: Period, zone: ZoneInfo, kind: SurveyKind) -> _Raw | None:
    whole = joined(survey_tallies(session, period, zone=zone, kind=kind).values())
    return _count(Count(whole.satisfied, whole.ratings.n))
