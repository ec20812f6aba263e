"""What single indicators are worked out from: marks of some items, sheets, complaints, repeated calls, due reviews."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from models import (
    Appeal,
    AppealState,
    AutoMark,
    AutoScore,
    Call,
    Complaint,
    ComplaintOutcome,
    NonVoiceChannel,
    NonVoiceReview,
    Responsibility,
    Review,
    ReviewAssignment,
    ReviewMark,
    ReviewReason,
    ReviewState,
    SampledCall,
    ScorecardVersion,
    TestCall,
)
from models.base import now
from qa.criteria import card_of
from qa.nonvoice import nonvoice_sheet
from qa.periods import Period
from qa.sampling import FINISHED
from qa.test_calls import default_sheet, ordinary_call
from scoring.check_sheet import score_items
from scoring.marks import ANSWERED, Answer
from scoring.uncertainty import Tally
from scoring.weights import effective_weights

Items = Mapping[str, Collection[str]]  # by the id of a scorecard or check sheet

AGAIN_WITHIN = timedelta(days=7)  # another call of the same customer: the first one did not solve it
ATTITUDE = ("attitude", "态度", "服务态度")  # categories of complaints, in lower case


@dataclass(frozen=True, slots=True)
class Count:
    """How many of `n` are good (or are hits, where the indicator counts those)."""

    hits: int
    n: int


def in_period(period: Period, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    """Return the condition that a call began in `period`."""
    start, end = period.bounds(zone)
    return [Call.started_at >= start, Call.started_at < end]


def calls_that_met(session: Session, period: Period, zone: ZoneInfo, items: Items) -> Count:
    """Return of how many calls the machine found all of these items met, of those in which it answered one of them."""
    met = func.min(case((AutoMark.answer == Answer.MET, 1), else_=0)).label("met")
    calls = _auto_marks(session, period, zone, items, Call.id, met).group_by(Call.id).subquery()
    good, n = session.execute(select(func.coalesce(func.sum(calls.c.met), 0), func.count(calls.c.id))).one()
    return Count(int(good), int(n))


def marks_that_met(session: Session, period: Period, zone: ZoneInfo, items: Items) -> Count:
    """Return how many of the machine's answers to these items are "met"."""
    asked = _auto_marks(session, period, zone, items, AutoMark.answer, func.count()).group_by(AutoMark.answer)
    found = {answer: int(n) for answer, n in session.execute(asked).tuples()}
    return Count(found.get(Answer.MET, 0), sum(found.values()))


def _auto_marks(session: Session, period: Period, zone: ZoneInfo, items: Items, *what: Any) -> Select[Any]:
    return (
        select(*what)
        .select_from(AutoMark)
        .join(AutoScore, AutoMark.auto_score_id == AutoScore.id)
        .join(Call, AutoScore.call_id == Call.id)
        .where(
            AutoMark.answer.in_([answer.value for answer in ANSWERED]),
            ~AutoMark.needs_person,
            ordinary_call(),
            _of(session, items, AutoScore.scorecard_version_id, AutoMark.item),
            *in_period(period, zone),
        )
    )


@dataclass(frozen=True, slots=True)
class ReviewedMark:
    """A person's answer to one item of a call."""

    call_id: int
    answer: str
    points: float | None
    possible: float  # what the item was worth in this review


class Reviewed:
    """People's answers in the released random reviews of a period; read once, however many indicators ask."""

    def __init__(self, session: Session, period: Period, zone: ZoneInfo) -> None:
        # By the connection: a month has some hundred thousand marks, and the session would wrap each.
        marks: Sequence[Any] = (
            session.connection()
            .execute(
                select(
                    Review.id,
                    Review.call_id,
                    Review.scorecard_version_id,
                    ReviewMark.item,
                    ReviewMark.answer,
                    ReviewMark.points,
                )
                .join(Review, ReviewMark.review_id == Review.id)
                .join(Call, Review.call_id == Call.id)
                .where(
                    Review.state == ReviewState.RELEASED,
                    Review.reason == ReviewReason.RANDOM,
                    Review.ordinary,
                    ReviewMark.answer.in_([answer.value for answer in ANSWERED]),
                    ordinary_call(),
                    *in_period(period, zone),
                )
            )
            .all()
        )
        self._reviews: defaultdict[tuple[int, int, int], dict[str, tuple[str, float | None]]] = defaultdict(dict)
        for review, call, version, item, answer, points in marks:
            self._reviews[review, call, version][item] = (answer, points)
        self._weights: dict[tuple[int, frozenset[str]], Mapping[str, float]] = {}
        versions = {version for _, _, version in self._reviews}
        self._cards = {
            version.id: card_of(version)
            for version in session.scalars(select(ScorecardVersion).where(ScorecardVersion.id.in_(versions)))
        }

    def marks(self, items: Items) -> list[ReviewedMark]:
        """Return the answers to some items."""
        found = []
        for (_, call, version), given in self._reviews.items():
            wanted = [item for item in items.get(self._cards[version].id, ()) if item in given]
            if wanted:
                weights = self._worth(version, frozenset(given))
                found += [ReviewedMark(call, *given[item], weights[item]) for item in wanted]
        return found

    def _worth(self, version: int, answered: frozenset[str]) -> Mapping[str, float]:
        """What an item is worth depends on which others were answered; most reviews answer the same ones."""
        if (version, answered) not in self._weights:
            self._weights[version, answered] = effective_weights(self._cards[version], set(answered))
        return self._weights[version, answered]


def points_of_calls(marks: Iterable[ReviewedMark]) -> Tally:
    """Return the share of points over some items, 0 to 100, of each reviewed call."""
    earned: defaultdict[int, float] = defaultdict(float)
    possible: defaultdict[int, float] = defaultdict(float)
    for mark in marks:
        if mark.points is not None:
            earned[mark.call_id] += mark.points
            possible[mark.call_id] += mark.possible
    return Tally.of([max(0.0, 100 * earned[call] / possible[call]) for call in possible if possible[call]])


def calls_with_defect(marks: Iterable[ReviewedMark]) -> Count:
    """Return in how many reviewed calls some item was not fully met."""
    calls: defaultdict[int, bool] = defaultdict(bool)
    for mark in marks:
        calls[mark.call_id] |= mark.answer != Answer.MET
    return Count(sum(calls.values()), len(calls))


def _of(session: Session, items: Items, version: Any, item: Any) -> ColumnElement[bool]:
    """Return the condition that a mark is one of `items`, whatever the version of its scorecard."""
    versions = session.execute(
        select(ScorecardVersion.id, ScorecardVersion.key).where(ScorecardVersion.key.in_(items))
    ).tuples()
    wanted = [(number, one) for number, key in versions for one in items[key]]
    return tuple_(version, item).in_(wanted)


def sheet_scores(session: Session, period: Period, zone: ZoneInfo, source: str, items: Collection[str]) -> Tally:
    """Return the points over some items of each matched sheet of one kind, 0 to 100."""
    return Tally.of(_points(_sheets(session, period, zone, source, matched=True), items))


def sheets_with_full_points(
    session: Session, period: Period, zone: ZoneInfo, source: str, items: Collection[str]
) -> Count:
    """Return how many sheets have full points in some items; those in quarantine count, rejected ones do not.

    Whether a call came through does not depend on its recording: one that did not has none.
    """
    found = _points(_sheets(session, period, zone, source, matched=False), items)
    return Count(sum(points == 100 for points in found), len(found))


def _sheets(
    session: Session, period: Period, zone: ZoneInfo, source: str, *, matched: bool
) -> Sequence[Mapping[str, Any]]:
    start, end = period.bounds(zone)
    sheet = default_sheet()
    return session.scalars(
        select(TestCall.answers).where(
            TestCall.source == source,
            TestCall.sheet == sheet.key,
            TestCall.status == "matched" if matched else TestCall.status != "rejected",
            TestCall.dialled_at >= start,
            TestCall.dialled_at < end,
        )
    ).all()


def _points(sheets: Iterable[Mapping[str, Any]], items: Collection[str]) -> list[float]:
    """Return the points of each sheet that answers all of these items; none where no item applies."""
    sheet = default_sheet()
    found = (score_items(sheet, answers, items) for answers in sheets if answers.keys() >= set(items))
    return [points for points in found if points is not None]


def good_tickets(session: Session, period: Period, zone: ZoneInfo, items: Items, reviewed: Reviewed) -> Count:
    """Return how many ticket records are complete: by reviews of calls, and by reviews of the tickets themselves."""
    start, end = period.bounds(zone)
    sheet = nonvoice_sheet()
    calls = calls_with_defect(reviewed.marks(items))
    tickets = session.execute(
        select(NonVoiceReview.reference, NonVoiceReview.answers).where(
            NonVoiceReview.channel == NonVoiceChannel.TICKET,
            NonVoiceReview.sheet == sheet.key,
            NonVoiceReview.released_at.is_not(None),
            NonVoiceReview.reason == ReviewReason.RANDOM,
            NonVoiceReview.handled_at >= start,
            NonVoiceReview.handled_at < end,
        )
    ).tuples()
    good: defaultdict[str, bool] = defaultdict(lambda: True)
    asked = set(items.get(sheet.id, ()))
    for reference, answers in tickets:
        if answers.keys() >= asked:
            good[reference] &= score_items(sheet, answers, asked) in (None, 100.0)
    return Count(calls.n - calls.hits + sum(good.values()), calls.n + len(good))


def attitude_complaints(session: Session, period: Period, zone: ZoneInfo) -> Count:
    """Return the upheld complaints about an agent's attitude, and the calls of the period."""
    return _by_calls(
        session,
        period,
        zone,
        Complaint.outcome == ComplaintOutcome.UPHELD,
        Complaint.responsibility == Responsibility.AGENT,
        func.lower(Complaint.category).in_(ATTITUDE),
    )


def all_complaints(session: Session, period: Period, zone: ZoneInfo) -> Count:
    """Return the complaints of every outcome, and the calls of the period."""
    return _by_calls(session, period, zone)


def _by_calls(session: Session, period: Period, zone: ZoneInfo, *conditions: ColumnElement[bool]) -> Count:
    start, end = period.bounds(zone)
    calls = session.scalar(select(func.count()).select_from(Call).where(*in_period(period, zone))) or 0
    made = select(func.count()).select_from(Complaint)
    made = made.where(Complaint.happened_at >= start, Complaint.happened_at < end, *conditions)
    return Count(min(session.scalar(made) or 0, calls), calls)


def solved_at_first(session: Session, period: Period, zone: ZoneInfo) -> Count:
    """Return after how many incoming calls the same number did not call again within AGAIN_WITHIN.

    Calls of the last days, after which there was no time yet to call again, do not count; nor do calls without a
    number.
    """
    start, end = period.bounds(zone)
    inbound = or_(Call.direction.is_(None), Call.direction == "inbound")
    rows = (
        session.execute(
            select(Call.customer_number, Call.started_at).where(
                Call.customer_number.is_not(None),
                inbound,
                ordinary_call(),
                Call.started_at >= start,
                Call.started_at < end + AGAIN_WITHIN,
            )
        )
        .tuples()
        .all()
    )
    calls: defaultdict[str, list[datetime]] = defaultdict(list)
    for number, at in rows:
        calls[str(number)].append(at)
    last = min(end, now() - AGAIN_WITHIN)
    solved = n = 0
    for times in calls.values():
        times.sort()
        for i, at in enumerate(times):
            if at < last:
                n += 1
                solved += bisect_right(times, at + AGAIN_WITHIN) == i + 1
    return Count(solved, n)


def due_reviews(session: Session, period: Period, today: date) -> Count:
    """Return how many drawn calls that were to be reviewed in `period`, and by now, are."""
    last = min(period.last_day, today)
    done = and_(
        Review.call_id == SampledCall.call_id,
        Review.inspector_id == ReviewAssignment.inspector_id,
        Review.state.in_(FINISHED),
        Review.ordinary,
    )
    n, finished = session.execute(
        select(func.count(ReviewAssignment.id), func.count(Review.id))
        .select_from(ReviewAssignment)
        .join(SampledCall, ReviewAssignment.sampled_call_id == SampledCall.id)
        .outerjoin(Review, done)
        .where(
            SampledCall.withdrawn_at.is_(None),
            ReviewAssignment.due_on >= period.first_day,
            ReviewAssignment.due_on <= last,
        )
    ).one()
    return Count(int(finished), int(n))


def overturned_reviews(session: Session, period: Period, zone: ZoneInfo) -> Count:
    """Return of how many released reviews of the period's calls an appeal was upheld."""
    upheld = exists().where(Appeal.review_id == Review.id, Appeal.state == AppealState.UPHELD)
    n, overturned = session.execute(
        select(func.count(), func.count().filter(upheld))
        .select_from(Review)
        .join(Review.call)
        .where(Review.state == ReviewState.RELEASED, Review.ordinary, *in_period(period, zone))
    ).one()
    return Count(int(overturned), int(n))
