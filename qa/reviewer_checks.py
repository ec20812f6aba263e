"""The monthly check of the inspectors' own work: a drawn sample of their reviews, judged by a lead on a sheet.

Drawn are reviews that an inspector submitted in the month, as many as CHECKED_REVIEWS, spread over agents; the seed
draws the same ones again. The sheet (scoring/templates/reviewer-check.yaml) has items for every drawn review and items
for the month as a whole; the month's score is made of both by their weights. It stands beside the inspector's work and
changes no review and no agent's score.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from math import fsum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy.orm import Session

from models import Call, Review, ReviewerCheck, ReviewerCheckEntry, Role, User
from models.base import now
from qa import audit
from qa.notifications import notify
from qa.periods import Period, PeriodKind
from qa.refusals import N_, Refused
from qa.reviews import MAX_COMMENT, REVIEWERS
from qa.sampling import FINISHED
from qa.working_days import WorkingDays
from scoring.check_sheet import CheckSheet, SheetError, SheetItem, load_check_sheet, score_items
from scoring.sampling import ticket
from scoring.shipped import shipped

CHECKED_REVIEWS = 5  # of each inspector and month
DUE_DAYS = 5  # working days from the draw
OF_REVIEW, OF_MONTH = "review", "month"


@dataclass(frozen=True, slots=True)
class DrawnChecks:
    """What a month's draw came to: the checks made, and inspectors for whom there is no other lead."""

    made: Sequence[ReviewerCheck]
    without_checker: Sequence[User]


@dataclass(frozen=True, slots=True)
class CheckEntry:
    """What a lead entered: answers to the month's items, and answers and a comment by drawn review (entry id)."""

    month: Mapping[str, str]
    reviews: Mapping[int, Mapping[str, str]]
    comments: Mapping[int, str] = field(default_factory=dict)
    comment: str | None = None


@cache
def reviewer_sheet() -> CheckSheet:
    """Return the shipped sheet for the check of inspectors."""
    return load_check_sheet(shipped("reviewer-check"))


def items_of(part: str) -> list[SheetItem]:
    """Return the sheet's items of one part: OF_REVIEW or OF_MONTH."""
    return [item for item in reviewer_sheet().items if item.part == part]


def draw_checks(
    session: Session,
    month: Period,
    *,
    by: User,
    zone: ZoneInfo,
    count: int = CHECKED_REVIEWS,
    seed: str | None = None,
    address: str | None = None,
) -> DrawnChecks:
    """Draw a check for everybody who submitted reviews in `month` and has none yet, and give it to another lead.

    Args:
        seed: draws the same again; None: a new one for each check.

    Raises:
        Refused: `by` is no lead, `month` is no month or lies in the future, or nobody submitted a review.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only leads draw checks of inspectors."))
    today = now().astimezone(zone).date()
    if month.kind is not PeriodKind.MONTH or month.first_day > today:
        raise Refused(N_("Choose a month that has begun."), field="month")
    submitted = _submitted(session, month, zone)
    if not submitted:
        raise Refused(N_("Nobody submitted a review in this month."), field="month")
    there = set(session.scalars(select(ReviewerCheck.inspector_id).where(ReviewerCheck.month == month.label)))
    leads = session.scalars(select(User).where(User.active, User.role == Role.LEAD).order_by(User.name, User.id)).all()
    load = Counter(session.scalars(select(ReviewerCheck.checker_id).where(ReviewerCheck.submitted_at.is_(None))))
    people = session.scalars(select(User).where(User.id.in_(submitted), User.role.in_(REVIEWERS)).order_by(User.id))
    made, nobody = [], []
    for inspector in people:
        if inspector.id in there:
            continue
        checker = min((one for one in leads if one.id != inspector.id), key=lambda one: load[one.id], default=None)
        if checker is None:
            nobody.append(inspector)
            continue
        load[checker.id] += 1
        own_seed = seed or secrets.token_hex(8)
        check = ReviewerCheck(
            month=month.label,
            inspector=inspector,
            checker=checker,
            sheet=reviewer_sheet().key,
            seed=own_seed,
            due_on=due_day(month, today),
            entries=[
                ReviewerCheckEntry(review_id=review_id)
                for review_id in drawn_reviews(submitted[inspector.id], count, own_seed)
            ],
        )
        session.add(check)
        session.flush()
        made.append(check)
        notify(
            session,
            checker.id,
            "check.assigned",
            subject=("reviewer_check", check.id),
            once=f"check.assigned:{check.id}",
            month=month.label,
            name=inspector.name,
            due=check.due_on.isoformat(),
        )
        audit.record(
            session,
            "reviewer_check.drawn",
            user_id=by.id,
            subject=("reviewer_check", check.id),
            address=address,
            month=month.label,
            inspector=inspector.id,
            checker=checker.id,
            seed=own_seed,
            reviews=[entry.review_id for entry in check.entries],
        )
    return DrawnChecks(made, nobody)


def due_day(month: Period, today: date) -> date:
    """Return the day by which a check is to be done: some working days from today, and from the end of the month."""
    return WorkingDays().after(max(today, month.last_day), DUE_DAYS)


def drawn_reviews(reviews: Mapping[int, int | None], count: int, seed: str) -> list[int]:
    """Return `count` of the reviews (agent id by review id) in the order drawn: one of each agent before a second.

    >>> sorted(drawn_reviews({1: 7, 2: 7, 3: 7, 4: 8}, 2, "seed") + [4])[-1]
    4
    """
    order = sorted(reviews, key=lambda review: ticket(seed, "review", str(review)))
    rounds: defaultdict[int | None, int] = defaultdict(int)
    ranked = []
    for place, review in enumerate(order):
        ranked.append((rounds[reviews[review]], place, review))
        rounds[reviews[review]] += 1
    return [review for _, _, review in sorted(ranked)[:count]]


def visible_checks(user: User) -> Select[ReviewerCheck]:
    """Return the query of the checks that `user` may read: everybody the own ones once submitted, leads the others'."""
    own = (ReviewerCheck.inspector_id == user.id) & ReviewerCheck.submitted_at.is_not(None)
    condition: ColumnElement[bool] = false()
    if user.role is Role.LEAD:
        condition = or_(own, ReviewerCheck.inspector_id != user.id)
    elif user.role is Role.INSPECTOR:
        condition = own
    return select(ReviewerCheck).where(condition)


def save_check(
    session: Session, check: ReviewerCheck, entry: CheckEntry, *, by: User, address: str | None = None
) -> None:
    """Keep what was entered so far, complete or not.

    Raises:
        Refused: `by` may not enter it, or it is submitted.
    """
    _refuse_unless_checker(check, by)
    _fill(check, entry)
    session.flush()
    audit.record(session, "reviewer_check.saved", user_id=by.id, subject=("reviewer_check", check.id), address=address)


def submit_check(
    session: Session, check: ReviewerCheck, entry: CheckEntry, *, by: User, address: str | None = None
) -> None:
    """Score the check and show it to the inspector; from then on it cannot be changed.

    Raises:
        Refused: `by` may not enter it, it is submitted, or an answer is missing or impossible; `field` names the item
            as "entry-item" or "item".
    """
    _refuse_unless_checker(check, by)
    _fill(check, entry)
    sheet = reviewer_sheet()
    for one in check.entries:
        one.score = _score(sheet, one.answers, OF_REVIEW, f"{one.id}-")
    month = _score(sheet, check.answers, OF_MONTH, "")
    scores = [one.score for one in check.entries if one.score is not None]
    parts = [(_weight(OF_REVIEW), fsum(scores) / len(scores) if scores else None), (_weight(OF_MONTH), month)]
    known = [(weight, value) for weight, value in parts if value is not None]
    if not known:
        raise Refused(N_('Every item is answered "not applicable": there is nothing to score.'))
    check.score = round(fsum(weight * value for weight, value in known) / fsum(weight for weight, _ in known), 2)
    check.submitted_at = now()
    session.flush()
    notify(
        session,
        check.inspector_id,
        "check.submitted",
        subject=("reviewer_check", check.id),
        once=f"check.submitted:{check.id}",
        month=check.month,
        score=f"{check.score:g}",
    )
    audit.record(
        session,
        "reviewer_check.submitted",
        user_id=by.id,
        subject=("reviewer_check", check.id),
        address=address,
        score=check.score,
        reviews={str(one.review_id): one.score for one in check.entries},
    )


def take_over(session: Session, check: ReviewerCheck, *, by: User, address: str | None = None) -> None:
    """Let another lead do a check that is not submitted yet.

    Raises:
        Refused: `by` is no lead or the inspector in question, or the check is submitted.
    """
    if by.role is not Role.LEAD or by.id == check.inspector_id:
        raise Refused(N_("A check is done by a lead, and never of the own work."))
    if check.submitted_at is not None:
        raise Refused(N_("This check is submitted and cannot be changed."))
    before, check.checker = check.checker_id, by
    session.flush()
    audit.record(
        session,
        "reviewer_check.taken_over",
        user_id=by.id,
        subject=("reviewer_check", check.id),
        address=address,
        before=before,
        after=by.id,
    )


def months_to_check(session: Session, user: User) -> int:
    """Return how many checks `user` has still to do."""
    waiting = select(func.count(ReviewerCheck.id)).where(
        ReviewerCheck.checker_id == user.id, ReviewerCheck.submitted_at.is_(None)
    )
    return session.scalars(waiting).one()


def _submitted(session: Session, month: Period, zone: ZoneInfo) -> dict[int, dict[int, int | None]]:
    """Return the agent of every review submitted in the month, by inspector and review."""
    start, end = month.bounds(zone)
    rows = session.execute(
        select(Review.inspector_id, Review.id, Call.agent_id)
        .join(Call, Review.call_id == Call.id)
        .where(Review.state.in_(FINISHED), Review.ordinary, Review.submitted_at >= start, Review.submitted_at < end)
        .order_by(Review.id)
    )
    found: defaultdict[int, dict[int, int | None]] = defaultdict(dict)
    for inspector, review, agent in rows.tuples():
        found[inspector][review] = agent
    return found


def _refuse_unless_checker(check: ReviewerCheck, by: User) -> None:
    if by.id != check.checker_id or by.role is not Role.LEAD:
        raise Refused(N_("This check belongs to another lead."))
    if check.submitted_at is not None:
        raise Refused(N_("This check is submitted and cannot be changed."))


def _fill(check: ReviewerCheck, entry: CheckEntry) -> None:
    texts = [entry.comment, *entry.comments.values()]
    if any(text and len(text) > MAX_COMMENT for text in texts):
        raise Refused(N_("A comment may have %(limit)s characters."), field="comment", limit=MAX_COMMENT)
    check.answers = _known(entry.month, OF_MONTH)
    check.comment = (entry.comment or "").strip() or None
    for one in check.entries:
        one.answers = _known(entry.reviews.get(one.id, {}), OF_REVIEW)
        one.comment = entry.comments.get(one.id, "").strip() or None


def _known(answers: Mapping[str, str], part: str) -> dict[str, Any]:
    items = {item.id for item in items_of(part)}
    return {item: answer for item, answer in answers.items() if item in items and answer}


def _score(sheet: CheckSheet, answers: Mapping[str, Any], part: str, place: str) -> float | None:
    items = [item.id for item in items_of(part)]
    for item in items:  # One by one, so that the refusal names the item.
        try:
            score_items(sheet, answers, [item])
        except SheetError:
            raise Refused(
                N_("%(item)s has no answer, or one that does not fit."), field=f"{place}{item}", item=item
            ) from None
    score = score_items(sheet, answers, items)
    return None if score is None else round(score, 2)


def _weight(part: str) -> float:
    return fsum(item.weight for item in items_of(part))
