"""The agent has read a released review. Once the time to appeal is over, silence counts as acceptance."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models import Acknowledgement, Review, ReviewState, User
from models.base import now
from qa import audit
from qa.appeal_rules import AppealRules
from qa.notifications import notify
from qa.refusals import N_, Refused
from qa.reviews import MAX_COMMENT


class Reading(StrEnum):
    """How far the agent is with a released review. Only the acknowledgement is stored, the rest follows from it."""

    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    ACCEPTED = "accepted"  # the window closed without a word


def acknowledge(
    session: Session,
    review: Review,
    by: User,
    comment: str | None = None,
    *,
    address: str | None = None,
    at: datetime | None = None,
) -> Acknowledgement:
    """Note that the agent has read the review, with what they want to say about it; tell its inspector.

    Raises:
        Refused: `by` is not the agent of the call, the review is not released or acknowledged already, or the
            comment is too long.
    """
    if by.agent_id is None or by.agent_id != review.call.agent_id:
        raise Refused(N_("Only the agent of the call acknowledges its review."))
    if review.state is not ReviewState.RELEASED or not review.ordinary:
        raise Refused(N_("This review is not released."))
    if acknowledgement_of(session, review) is not None:
        raise Refused(N_("You have acknowledged this review already."))
    said = (comment or "").strip()
    if len(said) > MAX_COMMENT:
        raise Refused(N_("A comment may have %(limit)s characters."), limit=MAX_COMMENT, field="comment")
    made = Acknowledgement(review=review, by=by, comment=said or None, at=at or now())
    session.add(made)
    session.flush()
    audit.record(
        session,
        "review.acknowledged",
        user_id=by.id,
        subject=("review", review.id),
        address=address,
        commented=bool(said),
    )
    notify(
        session,
        review.inspector_id,
        "review.acknowledged",
        subject=("review", review.id),
        agent=by.name,
        commented=bool(said),
    )
    return made


def acknowledgement_of(session: Session, review: Review) -> Acknowledgement | None:
    return session.scalar(select(Acknowledgement).where(Acknowledgement.review_id == review.id))


def readings(
    session: Session, reviews: Collection[Review], rules: AppealRules, *, at: datetime | None = None
) -> dict[int, Reading]:
    """Return how far their agents are with released reviews, by review id; with one query."""
    wanted = [review.id for review in reviews]
    read = set(session.scalars(select(Acknowledgement.review_id).where(Acknowledgement.review_id.in_(wanted))))
    moment = at or now()
    return {
        review.id: reading(review.released_at, review.id in read, rules, moment)
        for review in reviews
        if review.released_at is not None
    }


def reading(released_at: datetime, acknowledged: bool, rules: AppealRules, at: datetime) -> Reading:
    if acknowledged:
        return Reading.ACKNOWLEDGED
    return Reading.ACCEPTED if at >= rules.closes(released_at) else Reading.WAITING


def unacknowledged(released: Select[Review]) -> Select[Review]:
    """Return those of the query `released` that their agents have not acknowledged, the oldest release first."""
    return released.where(
        Review.state == ReviewState.RELEASED,
        Review.ordinary,
        Review.id.not_in(select(Acknowledgement.review_id)),
    ).order_by(Review.released_at)
