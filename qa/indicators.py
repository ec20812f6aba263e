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

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models import (
    Call,
    Complaint,
    Review,
    ReviewMark,
    ReviewReason,
    ReviewState,
    ScorecardVersion,
    ScoreSubject,
    TestCall,
)
from qa.agent_scores import Book
from qa.criteria import card_of
from qa.periods import Period
from qa.surveys import joined, survey_tallies
from qa.test_calls import ordinary_call
from scoring.agent_score import AgentScore
from scoring.indicators import Indicator, IndicatorSystem, Verdict, load_indicators
from scoring.shipped import shipped
from scoring.uncertainty import Interval, Tally, share_interval, student_interval


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
    period = book.period
    centre = next((group.score for group in book.groups() if group.subject is ScoreSubject.CENTRE), None)
    sources: Mapping[str, Callable[[], _Raw | None]] = {
        "I311": lambda: _reviews_without(session, period, zone, "business"),
        "I312": lambda: _knowledge(session, period, zone, "DT"),
        "I313": lambda: _knowledge(session, period, zone, "MS"),
        "I321": lambda: _fatal_share(session, period, zone),
        "I421": lambda: _satisfied(session, period, zone),
        "I423": lambda: _complaints(session, period, zone),
        "I511": lambda: _part(centre, "NV"),
        "I614": lambda: _gap(centre),
    }
    found = {}
    for indicator in indicator_system().indicators():
        raw = sources[indicator.id]() if indicator.id in sources else None
        if raw is not None:
            found[indicator.id] = _in_unit(indicator, raw)
    return found


def _in_unit(indicator: Indicator, raw: _Raw) -> Measured:
    aim = indicator.aim
    value = raw.value * aim.scale
    interval = Interval(raw.interval.low * aim.scale, raw.interval.high * aim.scale) if raw.interval else None
    return Measured(value, raw.n, interval, aim.verdict(value, interval))


def _share(good: int, n: int) -> _Raw | None:
    return _Raw(good / n, n, share_interval(good, n)) if n else None


def _of_tally(tally: Tally) -> _Raw | None:
    return _Raw(tally.mean, tally.n, student_interval(tally)) if tally.n else None


def _part(score: AgentScore | None, source: str) -> _Raw | None:
    part = next((one for one in score.parts if one.source == source), None) if score else None
    if part is None or part.value is None:
        return None
    interval = Interval(part.low, part.high) if part.low is not None and part.high is not None else None
    return _Raw(part.value, part.n, interval)


def _gap(score: AgentScore | None) -> _Raw | None:
    if score is None or score.gap is None:
        return None
    return _Raw(score.gap.value, score.part("MS").n, Interval(score.gap.low, score.gap.high))


def _began(period: Period, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    start, end = period.bounds(zone)
    return [Call.started_at >= start, Call.started_at < end]


def _reviews_without(session: Session, period: Period, zone: ZoneInfo, error_class: str) -> _Raw | None:
    """The share of released random reviews in which no item of `error_class` was missed."""
    random = (Review.state == ReviewState.RELEASED, Review.reason == ReviewReason.RANDOM, ordinary_call())
    total = select(func.count()).select_from(Review).join(Call, Review.call_id == Call.id)
    n = session.scalar(total.where(*random, *_began(period, zone))) or 0
    missed = session.execute(
        select(Review.id, Review.scorecard_version_id, ReviewMark.item)
        .join(ReviewMark, ReviewMark.review_id == Review.id)
        .join(Call, Review.call_id == Call.id)
        .where(*random, ReviewMark.answer == "not_met", *_began(period, zone))
    ).all()
    versions = session.scalars(
        select(ScorecardVersion).where(ScorecardVersion.id.in_({version for _, version, _ in missed}))
    )
    critical = {version.id: _items_of(version, error_class) for version in versions}
    wrong = {review for review, version, item in missed if item in critical[version]}
    return _share(n - len(wrong), n)


def _items_of(version: ScorecardVersion, error_class: str) -> frozenset[str]:
    card = card_of(version)
    items = [item.id for _, item in card.items() if item.error_class == error_class]
    return frozenset(items + [fatal.id for fatal in card.fatal if fatal.error_class == error_class])


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


def _fatal_share(session: Session, period: Period, zone: ZoneInfo) -> _Raw | None:
    """The share of calls with a released random review in which a fatal item was confirmed."""
    per_call = (
        select(Review.call_id, func.max(Review.fatal_confirmed).label("fatals"))
        .join(Call, Review.call_id == Call.id)
        .where(
            Review.state == ReviewState.RELEASED,
            Review.reason == ReviewReason.RANDOM,
            ordinary_call(),
            *_began(period, zone),
        )
        .group_by(Review.call_id)
        .subquery()
    )
    n = session.scalar(select(func.count()).select_from(per_call)) or 0
    hit = session.scalar(select(func.count()).select_from(per_call).where(per_call.c.fatals > 0)) or 0
    return _share(hit, n)


def _satisfied(session: Session, period: Period, zone: ZoneInfo) -> _Raw | None:
    whole = joined(survey_tallies(session, period, zone=zone).values())
    return _share(whole.satisfied, whole.ratings.n)


def _complaints(session: Session, period: Period, zone: ZoneInfo) -> _Raw | None:
    """Complaints of every outcome, by calls."""
    start, end = period.bounds(zone)
    calls = session.scalar(select(func.count()).select_from(Call).where(*_began(period, zone))) or 0
    count = (
        session.scalar(
            select(func.count())
            .select_from(Complaint)
            .where(Complaint.happened_at >= start, Complaint.happened_at < end)
        )
        or 0
    )
    return _share(min(count, calls), calls)
