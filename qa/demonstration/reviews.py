"""The reviews of the demonstration: random ones each month, targeted ones where the machine suspects, work in hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import AutoScore, Call, CallState, Review, ReviewReason, ReviewState, ScorecardVersion, User
from qa.criteria import card_of
from qa.demonstration.judging import Truth, answers, remark
from qa.periods import Period, PeriodKind
from qa.reviews import Entry, release_review, save_draft, submit_review, suspected_fatals
from scoring.scorecard import Scorecard

INSPECTORS = {"en": "inspector", "zh": "inspector2"}
RANDOM_A_MONTH = 7  # of each agent; five are enough for the agent's score
TOO_FEW = {"2103": 3, "0714": 4}  # in the current month, to show how a missing part is dealt with
TARGETED = 6
JOINT_EVERY = 6  # of an inspector's random reviews: the other inspector scored the call too
LET_PASS = 0.25
IN_HAND = 5  # of each inspector's newest: drafts and then submitted ones, the others are released
DRAFTS = 2


@dataclass(frozen=True, slots=True)
class Task:
    """One call that an inspector looks at, and why."""

    truth: Truth
    reason: ReviewReason


def store_reviews(
    session: Session, truths: Sequence[Truth], now: datetime, zone: ZoneInfo, *, never: Collection[str] = ()
) -> int:
    """Add the reviews that are not there yet to the caller's transaction; return how many were added.

    Args:
        truths: the calls of the demonstration.
        never: external ids of calls that are not drawn, because a test caller made them.
    """
    calls = _scored_calls(session)
    known = [truth for truth in truths if truth.external_id in calls and truth.external_id not in never]
    recorded = [truth for truth in known if truth.recorded]
    others = [truth for truth in known if not truth.recorded]
    tasks = {task.truth.external_id: task for task in _targeted(others, calls)}
    # A call that chance drew stays a random one, whatever is found in it.
    tasks |= {task.truth.external_id: task for task in _random_draw(others, now, zone)}
    added = 0
    for team, login in INSPECTORS.items():
        inspector = session.scalars(select(User).where(User.login == login)).one()
        done = set(session.scalars(select(Review.call_id).where(Review.inspector_id == inspector.id, Review.ordinary)))
        own = sorted((t for t in tasks.values() if t.truth.agent.team == team), key=lambda task: task.truth.started_at)
        finished = [Task(t, ReviewReason(t.review)) for t in recorded if t.review and t.agent.team == team]
        states = [ReviewState.RELEASED] * len(finished) + _states(len(own))
        for task, state in zip(finished + own, states, strict=True):
            call = calls[task.truth.external_id]
            if call.id not in done:
                _review(session, call, inspector, task, state, now)
                added += 1
        added += _second_opinions(session, calls, own, states[len(finished) :], _other(session, login), now)
    return added


def _other(session: Session, login: str) -> User:
    other = next(name for name in INSPECTORS.values() if name != login)
    return session.scalars(select(User).where(User.login == other)).one()


def _second_opinions(
    session: Session,
    calls: Mapping[str, Call],
    tasks: Sequence[Task],
    states: Sequence[ReviewState],
    second: User,
    now: datetime,
) -> int:
    """Add the second inspector's reviews of a part of the random calls, so that agreement can be shown."""
    released = [
        task
        for task, state in zip(tasks, states, strict=True)
        if task.reason is ReviewReason.RANDOM and state is ReviewState.RELEASED
    ]
    done = set(session.scalars(select(Review.call_id).where(Review.inspector_id == second.id, Review.ordinary)))
    added = 0
    for task in released[::JOINT_EVERY]:
        call = calls[task.truth.external_id]
        if call.id not in done:
            _review(session, call, second, task, ReviewState.RELEASED, now)
            added += 1
    return added


def _states(count: int) -> list[ReviewState]:
    """Return how far the reviews of calls in the order of time have come: the newest are in hand."""
    in_hand = [ReviewState.SUBMITTED] * (IN_HAND - DRAFTS) + [ReviewState.DRAFT] * DRAFTS
    return ([ReviewState.RELEASED] * count + in_hand)[-count:] if count else []


def _scored_calls(session: Session) -> dict[str, Call]:
    card = joinedload(Call.auto_score).joinedload(AutoScore.scorecard).joinedload(ScorecardVersion.phrase_set)
    query = select(Call).where(Call.state == CallState.SCORED, Call.synthetic).options(card, joinedload(Call.agent))
    return {call.external_id: call for call in session.scalars(query) if call.external_id}


def _random_draw(truths: Iterable[Truth], now: datetime, zone: ZoneInfo) -> Iterator[Task]:
    """Draw each agent's calls of each month at random: these are the reviews that make up a mean."""
    this_month = Period.of_day(now.astimezone(zone).date(), PeriodKind.MONTH)
    drawn_from: dict[tuple[str, str], list[Truth]] = {}
    for truth in truths:
        month = Period.of_day(truth.started_at.astimezone(zone).date(), PeriodKind.MONTH)
        drawn_from.setdefault((month.label, truth.agent.number), []).append(truth)
    for (month_label, number), calls in sorted(drawn_from.items()):
        wanted = TOO_FEW.get(number, RANDOM_A_MONTH) if month_label == this_month.label else RANDOM_A_MONTH
        ordered = sorted(calls, key=lambda truth: truth.external_id)
        random = Random(f"draw {number} {month_label}")  # noqa: S311 -- the same draw each time
        for truth in random.sample(ordered, min(wanted, len(ordered))):
            yield Task(truth, ReviewReason.RANDOM)


def _targeted(truths: Sequence[Truth], calls: Mapping[str, Call]) -> Iterator[Task]:
    """Pick the oldest calls in which the machine suspects a fatal item; the newer ones wait for a person."""
    suspicious = [truth for truth in truths if suspected_fatals(calls[truth.external_id])]
    for truth in sorted(suspicious, key=lambda truth: truth.started_at)[:TARGETED]:
        yield Task(truth, ReviewReason.TARGETED)


def _review(session: Session, call: Call, inspector: User, task: Task, state: ReviewState, now: datetime) -> None:
    """Store one review that has come as far as `state`."""
    assert call.auto_score is not None
    truth = task.truth
    first = inspector.login == INSPECTORS[truth.agent.team]
    random = Random(f"review {truth.external_id}{'' if first else ' second'}")  # noqa: S311
    if not first:  # The second inspector is milder, and lets some of what was left out pass.
        passed = frozenset(step for step in sorted(truth.missed) if random.random() < LET_PASS)
        truth = replace(truth, missed=frozenset(truth.missed) - passed, taken=frozenset(truth.taken) | passed)
    card = card_of(call.auto_score.scorecard)
    given = answers(card, truth, suspected_fatals(call), random)
    submitted = min(call.started_at + timedelta(hours=random.uniform(18, 66)), now.astimezone(UTC))
    if state is ReviewState.DRAFT:
        entry = Entry({item: given[item] for item in _begun(card)}, task.reason, None)
        save_draft(session, call, inspector, entry).created_at = submitted
        return
    comment = remark(card.id, task.truth, random)
    review = submit_review(session, call, inspector, given, reason=task.reason, comment=comment)
    review.created_at = review.submitted_at = submitted
    if state is ReviewState.RELEASED:
        release_review(session, review, inspector, tell=False)
        review.released_at = min(submitted + timedelta(hours=random.uniform(1, 20)), now.astimezone(UTC))


def _begun(card: Scorecard) -> list[str]:
    """Return the items of the first section: as far as a draft has come."""
    return [item.id for item in card.sections[0].items]
