"""Did quality control see it? Upheld complaints against agents, held against the marks that their calls had.

The share that neither the machine nor a person had marked is the miss rate of quality control itself. A mark counts
as seen when any item of the call is not met or a fatal item is suspected or confirmed, whatever the complaint was
about: a generous rule, so that a miss is a miss. A person's review counts when it was submitted before the complaint
came in; a review that the complaint itself brought about has seen nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from models import (
    AutoMark,
    AutoScore,
    Complaint,
    ComplaintOutcome,
    Responsibility,
    Review,
    ReviewMark,
    ReviewReason,
    ReviewState,
)
from scoring.marks import Answer
from scoring.uncertainty import Interval, share_interval

_AT_ONCE = 5_000  # calls that one query names


@dataclass(frozen=True, slots=True)
class Sighting:
    """What quality control knew of one call; None: it had not looked."""

    machine: bool | None
    person: bool | None

    @property
    def missed(self) -> bool:
        """Somebody looked and nobody saw anything."""
        return not self.machine and not self.person and (self.machine is not None or self.person is not None)


@dataclass(frozen=True, slots=True)
class BackTest:
    """Of `n` upheld complaints against agents whose calls were looked at, `missed` were seen by nobody."""

    n: int
    missed: int
    interval: Interval | None  # of the share, 0 to 1


def sightings(session: Session, call_ids: Collection[int | None]) -> dict[int, Sighting]:
    """Return what quality control knew of each of these calls; four queries however many there are."""
    ids = {call_id for call_id in call_ids if call_id is not None}
    if not ids:
        return {}
    scores = select(AutoScore.call_id, AutoScore.fatal_suspected).where(AutoScore.call_id.in_(ids))
    judged = dict(session.execute(scores).tuples().all())
    marked = set(
        session.scalars(
            select(AutoScore.call_id)
            .join(AutoMark, AutoMark.auto_score_id == AutoScore.id)
            .where(AutoScore.call_id.in_(ids), AutoMark.answer == Answer.NOT_MET.value)
        )
    )
    # Of several complaints about one call the first one decides what was known before.
    earlier = or_(Complaint.id.is_(None), Review.submitted_at < Complaint.received_at)
    own = (
        select(Review.call_id, Review.id)
        .outerjoin(Complaint, Complaint.call_id == Review.call_id)
        .where(
            Review.call_id.in_(ids),
            Review.state != ReviewState.DRAFT,
            Review.ordinary,
            Review.reason != ReviewReason.COMPLAINT,
            earlier,
        )
    )
    reviews = {review_id: call_id for call_id, review_id in session.execute(own)}
    found = set(
        session.scalars(
            select(ReviewMark.review_id).where(
                ReviewMark.review_id.in_(reviews), ReviewMark.answer == Answer.NOT_MET.value
            )
        )
    )
    return {
        call_id: Sighting(
            machine=(call_id in marked or judged[call_id]) if call_id in judged else None,
            person=any(reviews[one] == call_id for one in found) if call_id in reviews.values() else None,
        )
        for call_id in ids
    }


def back_test(session: Session, complaints: Select[Complaint]) -> BackTest:
    """Return the miss rate over those of `complaints` that are upheld, the agent's own fault, and have a call."""
    wanted = complaints.where(
        Complaint.outcome == ComplaintOutcome.UPHELD,
        Complaint.responsibility == Responsibility.AGENT,
        Complaint.call_id.is_not(None),
    )
    calls = session.scalars(wanted.with_only_columns(Complaint.call_id)).all()
    known: dict[int, Sighting] = {}
    for start in range(0, len(calls), _AT_ONCE):
        known |= sightings(session, calls[start : start + _AT_ONCE])
    looked_at = [known[call] for call in calls if call is not None and _looked_at(known[call])]
    missed = sum(one.missed for one in looked_at)
    return BackTest(len(looked_at), missed, share_interval(missed, len(looked_at)) if looked_at else None)


def _looked_at(sighting: Sighting) -> bool:
    return sighting.machine is not None or sighting.person is not None
