"""What the records say about an inspector's reviews: facts and suggestions for the monthly check, never verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from models import (
    Appeal,
    AppealState,
    AutoScore,
    Call,
    CallState,
    Review,
    ReviewAssignment,
    ReviewerCheck,
    ReviewMark,
    SampledCall,
)
from qa.inspectors import GAP_ALARM
from qa.periods import Period
from qa.sampling import FINISHED
from scoring.agreement import AGREEMENT_ALARM
from scoring.marks import Answer

NOT_APPLICABLE = "na"
GOOD, FAIR, POOR = "3", "2", "1"
MARKED_DOWN = (Answer.PARTLY.value, Answer.NOT_MET.value)
HOURS = 4  # a day has bins of so many hours
# From which value on a suggestion is good, and fair.
ON_TIME = (0.95, 0.8)
AGREED = (0.9, AGREEMENT_ALARM)
WITH_REASON = (1.0, 0.5)
EVEN = (0.8, 0.6)
HELD = (1.0, 0.8)


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """One drawn review: what can be counted in it, and what that suggests, by item of the sheet."""

    review: Review
    marked_down: Sequence[ReviewMark]
    with_reason: int  # of those
    with_moment: int
    others: int  # other inspectors' finished reviews of the call
    equal: int  # of `compared` answers of these
    compared: int
    gap: float | None  # points, the widest
    fatal: bool  # a fatal item was suspected or confirmed
    suggested: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """The month as a whole; shares are 0 to 1, None where nothing can be said."""

    reviews: int
    agents: int
    due: int
    on_time: int
    even_agents: float | None  # 1: as many reviews of each agent
    even_hours: float | None  # 1: over the day as the calls are
    appeals: int  # decided, by item
    overturned: int
    suggested: Mapping[str, str]


def review_facts(session: Session, check: ReviewerCheck) -> dict[int, ReviewFacts]:
    """Return the facts of every drawn review, by review id."""
    ids = [entry.review_id for entry in check.entries]
    wanted = select(Review).where(Review.id.in_(ids)).options(joinedload(Review.call).joinedload(Call.agent))
    reviews = session.scalars(wanted.options(joinedload(Review.call).joinedload(Call.auto_score))).all()
    others: dict[int, list[Review]] = {}
    for other in session.scalars(
        select(Review).where(
            Review.call_id.in_([review.call_id for review in reviews]),
            Review.inspector_id != check.inspector_id,
            Review.state.in_(FINISHED),
            Review.ordinary,
        )
    ):
        others.setdefault(other.call_id, []).append(other)
    return {review.id: _facts(review, others.get(review.call_id, [])) for review in reviews}


def month_facts(session: Session, check: ReviewerCheck, *, zone: ZoneInfo) -> MonthFacts:
    """Return what the check's month says of its inspector."""
    month = Period.parse(check.month)
    start, end = month.bounds(zone)
    own = (
        Review.inspector_id == check.inspector_id,
        Review.state.in_(FINISHED),
        Review.ordinary,
        Review.submitted_at >= start,
        Review.submitted_at < end,
    )
    calls = session.execute(
        select(Call.agent_id, Call.started_at).join(Review, Review.call_id == Call.id).where(*own)
    ).all()
    agents = Counter(agent for agent, _ in calls)
    hours = Counter(_bin(moment.astimezone(zone).hour) for _, moment in calls)
    due, on_time = _timeliness(session, check.inspector_id, month, zone)
    appeals, overturned = _appeals(session, check.inspector_id, month, zone)
    even_agents = evenness(agents)
    even_hours = likeness(hours, _hours_of_calls(session, month, zone)) if calls else None
    suggested = {
        "K5": _level(on_time / due, ON_TIME) if due else NOT_APPLICABLE,
        "K6": (
            _level(min(even_agents, even_hours), EVEN)
            if len(calls) > 1 and even_agents is not None and even_hours is not None
            else NOT_APPLICABLE
        ),
        "K7": _level(1 - overturned / appeals, HELD) if appeals else NOT_APPLICABLE,
    }
    return MonthFacts(len(calls), len(agents), due, on_time, even_agents, even_hours, appeals, overturned, suggested)


def evenness(counts: Mapping[Any, int]) -> float | None:
    """Return how evenly things are spread, 1 for all alike: Simpson's effective number over the number of kinds.

    >>> evenness({"a": 5, "b": 5}), round(evenness({"a": 9, "b": 1}), 2)
    (1.0, 0.61)
    """
    total = sum(counts.values())
    if not total:
        return None
    return 1 / sum((count / total) ** 2 for count in counts.values()) / len(counts)


def likeness(first: Mapping[int, int], second: Mapping[int, int]) -> float | None:
    """Return how alike two distributions are, 0 to 1: one less the total variation between them."""
    one, other = sum(first.values()), sum(second.values())
    if not one or not other:
        return None
    apart = sum(abs(first.get(key, 0) / one - second.get(key, 0) / other) for key in {*first, *second})
    return 1 - apart / 2


def _facts(review: Review, others: Sequence[Review]) -> ReviewFacts:
    marks = {mark.item: mark for mark in review.marks}
    down = [mark for mark in review.marks if mark.answer in MARKED_DOWN]
    pairs = [
        marks[theirs.item].answer == theirs.answer for other in others for theirs in other.marks if theirs.item in marks
    ]
    gaps = [abs(review.raw - other.raw) for other in others if review.raw is not None and other.raw is not None]
    reasons = sum(bool(mark.comment or mark.deductions) for mark in down)
    # A mark that the machine gave too has the machine's moment.
    moments = sum(mark.at_seconds is not None or mark.auto_answer == mark.answer for mark in down)
    score = review.call.auto_score
    fatal = review.fatal_confirmed > 0 or bool(score and score.fatal_suspected)
    suggested = {
        "K1": _agreed(pairs, gaps),
        "K2": _level(reasons / len(down), WITH_REASON) if down else NOT_APPLICABLE,
        "K3": _level(moments / len(down), WITH_REASON) if down else NOT_APPLICABLE,
    }
    if not fatal:
        suggested["K4"] = NOT_APPLICABLE  # Otherwise a person has to listen.
    return ReviewFacts(
        review, down, reasons, moments, len(others), sum(pairs), len(pairs), max(gaps, default=None), fatal, suggested
    )


def _agreed(pairs: Sequence[bool], gaps: Sequence[float]) -> str:
    if not pairs:
        return NOT_APPLICABLE
    level = _level(sum(pairs) / len(pairs), AGREED)
    return FAIR if level == GOOD and max(gaps, default=0.0) > GAP_ALARM else level


def _level(share: float, limits: tuple[float, float]) -> str:
    good, fair = limits
    return GOOD if share >= good else FAIR if share >= fair else POOR


def _timeliness(session: Session, inspector_id: int, month: Period, zone: ZoneInfo) -> tuple[int, int]:
    """Return how many drawn calls were first due in the month, and how many of them were submitted by that day."""
    rows = session.execute(
        select(ReviewAssignment.first_due_on, Review.submitted_at)
        .join(SampledCall, ReviewAssignment.sampled_call_id == SampledCall.id)
        .outerjoin(
            Review,
            (Review.call_id == SampledCall.call_id)
            & (Review.inspector_id == ReviewAssignment.inspector_id)
            & Review.state.in_(FINISHED)
            & Review.ordinary,
        )
        .where(
            ReviewAssignment.inspector_id == inspector_id,
            ReviewAssignment.first_due_on >= month.first_day,
            ReviewAssignment.first_due_on <= month.last_day,
            SampledCall.withdrawn_at.is_(None),
        )
    ).all()
    done = sum(at is not None and at.astimezone(zone).date() <= due for due, at in rows)
    return len(rows), done


def _appeals(session: Session, inspector_id: int, month: Period, zone: ZoneInfo) -> tuple[int, int]:
    start, end = month.bounds(zone)
    states = dict(
        session.execute(
            select(Appeal.state, func.count())
            .join(Review, Appeal.review_id == Review.id)
            .where(
                Review.inspector_id == inspector_id,
                Appeal.state.in_([AppealState.UPHELD, AppealState.KEPT]),
                Appeal.decided_at >= start,
                Appeal.decided_at < end,
            )
            .group_by(Appeal.state)
        )
        .tuples()
        .all()
    )
    return sum(states.values()), states.get(AppealState.UPHELD, 0)


def _hours_of_calls(session: Session, month: Period, zone: ZoneInfo) -> Counter[int]:
    start, end = month.bounds(zone)
    moments = session.scalars(
        select(Call.started_at)
        .join(AutoScore, AutoScore.call_id == Call.id)
        .where(Call.state == CallState.SCORED, Call.started_at >= start, Call.started_at < end)
    )
    return Counter(_bin(moment.astimezone(zone).hour) for moment in moments)


def _bin(hour: int) -> int:
    return hour // HOURS
