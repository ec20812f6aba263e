"""Calibration: several people review the same calls, each blind to the others, and results open for all at once.

A lead names the calls, who takes part, whose answers are the reference and until when. What those people enter are
reviews of the session (Review.calibration_id); they count nowhere. Results open when the last review is in, when the
deadline has passed or when a lead closes the session, and from then on nothing can be entered. The rule of
independence holds here too: nobody takes part with an own call or one of the own team.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, false, func, select, true
from sqlalchemy.orm import Session, selectinload

from models import (
    CalibrationCall,
    CalibrationParticipant,
    CalibrationSession,
    Call,
    CallState,
    Review,
    ReviewState,
    Role,
    ScorecardVersion,
    User,
)
from models.base import now
from qa import audit
from qa.notifications import notify
from qa.refusals import N_, Refused
from qa.reviews import REVIEWERS, conflict

MAX_CALLS = 50
MAX_NAME = 200  # characters
MAX_TEXT = 4_000
FINISHED = (ReviewState.SUBMITTED, ReviewState.RELEASED)


@dataclass(frozen=True, slots=True)
class NewCalibration:
    """What a lead decides on: calls in their order, people, and the one of them whose answers are the reference."""

    name: str
    scorecard_version_id: int
    call_ids: Sequence[int]
    participant_ids: Sequence[int]
    expert_id: int | None
    due_at: datetime
    purpose: str | None = None
    agent_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the session's calls somebody has submitted."""

    participant: CalibrationParticipant
    submitted: int
    calls: int

    @property
    def complete(self) -> bool:
        return self.submitted >= self.calls


def create_calibration(
    session: Session, new: NewCalibration, *, by: User, address: str | None = None
) -> CalibrationSession:
    """Open a session and tell those who take part; the caller owns the transaction.

    Raises:
        Refused: `by` is no lead; a name, call, person or deadline is missing or wrong; somebody is not independent of
            an agent. `field` names the part of the form.
    """
    _refuse_unless_lead(by)
    name = new.name.strip()
    if not name or len(name) > MAX_NAME:
        raise Refused(N_("Give the session a name of at most %(limit)s characters."), field="name", limit=MAX_NAME)
    version = session.get(ScorecardVersion, new.scorecard_version_id)
    if version is None:
        raise Refused(N_("Choose a scorecard."), field="scorecard")
    calls, people = _calls(session, new.call_ids), _people(session, new.participant_ids)
    for user in people:
        for call in calls:
            refusal = conflict(user, call)
            if refusal is not None:
                raise Refused(
                    N_("%(name)s cannot take part with call %(call)s: %(reason)s"),
                    field="participants",
                    name=user.name,
                    call=call.id,
                    reason=refusal,
                )
    if new.expert_id is not None and new.expert_id not in {user.id for user in people}:
        raise Refused(N_("The expert is one of those who take part."), field="expert")
    _refuse_past(new.due_at)
    made = CalibrationSession(
        name=name,
        scorecard=version,
        purpose=_trimmed(new.purpose),
        due_at=new.due_at,
        agent_hidden=new.agent_hidden,
        created_by=by,
        calls=[CalibrationCall(call=call, position=place) for place, call in enumerate(calls, 1)],
        participants=[CalibrationParticipant(user=user, expert=user.id == new.expert_id) for user in people],
    )
    session.add(made)
    session.flush()
    for user in people:
        notify(
            session,
            user.id,
            "calibration.invited",
            subject=("calibration", made.id),
            once=f"calibration.invited:{made.id}",
            name=made.name,
            calls=str(len(calls)),
            due=made.due_at.isoformat(),
        )
    audit.record(
        session,
        "calibration.created",
        user_id=by.id,
        subject=("calibration", made.id),
        address=address,
        calls=[call.id for call in calls],
        people=[user.id for user in people],
        expert=new.expert_id,
        due=made.due_at.isoformat(),
    )
    return made


def visible_calibrations(user: User) -> Select[CalibrationSession]:
    """Return the query of the sessions that `user` may open: leads all, inspectors those they take part in."""
    condition: ColumnElement[bool]
    if user.role is Role.LEAD:
        condition = true()
    elif user.role is Role.INSPECTOR:
        condition = CalibrationSession.participants.any(CalibrationParticipant.user_id == user.id)
    else:
        condition = false()
    return select(CalibrationSession).where(condition)


def may_take_part(session: Session, user: User, call: Call, calibration: CalibrationSession) -> Refused | None:
    """Return why `user` may not enter a review of `call` in `calibration`, None when nothing forbids it."""
    if user.id not in {one.user_id for one in calibration.participants}:
        return Refused(N_("You do not take part in this calibration."))
    if call.id not in {one.call_id for one in calibration.calls}:
        return Refused(N_("This call is not part of the calibration."))
    if results_open(session, calibration):
        return Refused(N_("The calibration is closed: its results are open."))
    return conflict(user, call)


def results_open(session: Session, calibration: CalibrationSession) -> bool:
    """Whether everybody may see everybody's answers: it is closed, time is up, or all reviews are in."""
    if calibration.closed_at is not None or calibration.due_at <= now():
        return True
    return all(one.complete for one in progress(session, calibration))


def progress(session: Session, calibration: CalibrationSession) -> list[Progress]:
    """Return how far everybody is, the expert first and then by name; one query."""
    counts = dict(
        session.execute(
            select(Review.inspector_id, func.count())
            .where(Review.calibration_id == calibration.id, Review.state.in_(FINISHED))
            .group_by(Review.inspector_id)
        )
        .tuples()
        .all()
    )
    people = sorted(calibration.participants, key=lambda one: (not one.expert, one.user.name, one.user_id))
    return [Progress(one, counts.get(one.user_id, 0), len(calibration.calls)) for one in people]


def own_reviews(session: Session, calibration: CalibrationSession, user: User) -> dict[int, Review]:
    """Return what `user` has entered in a session, drafts too, by call id."""
    wanted = select(Review).where(Review.calibration_id == calibration.id, Review.inspector_id == user.id)
    return {review.call_id: review for review in session.scalars(wanted)}


def waiting_calibrations(session: Session, user: User) -> list[tuple[CalibrationSession, int]]:
    """Return the open sessions in which `user` has calls left to review, with how many, what is due first in front."""
    submitted = (
        select(func.count())
        .where(
            Review.calibration_id == CalibrationSession.id,
            Review.inspector_id == user.id,
            Review.state.in_(FINISHED),
        )
        .correlate(CalibrationSession)
        .scalar_subquery()
    )
    calls = (
        select(func.count())
        .where(CalibrationCall.session_id == CalibrationSession.id)
        .correlate(CalibrationSession)
        .scalar_subquery()
    )
    rows = session.execute(
        select(CalibrationSession, calls - submitted)
        .where(
            CalibrationSession.closed_at.is_(None),
            CalibrationSession.due_at > now(),
            CalibrationSession.participants.any(CalibrationParticipant.user_id == user.id),
            calls > submitted,
        )
        .order_by(CalibrationSession.due_at, CalibrationSession.id)
    )
    return [(calibration, left) for calibration, left in rows.tuples()]


def extend_calibration(
    session: Session, calibration: CalibrationSession, due_at: datetime, *, by: User, address: str | None = None
) -> None:
    """Give an open session more time.

    Raises:
        Refused: `by` is no lead, results are open already, or the new deadline is past or not later than the old one.
    """
    _refuse_unless_lead(by)
    if results_open(session, calibration):
        raise Refused(N_("The calibration is closed: its results are open."))
    _refuse_past(due_at)
    if due_at <= calibration.due_at:
        raise Refused(N_("The new deadline must be later than the old one."), field="due_at")
    before, calibration.due_at = calibration.due_at, due_at
    session.flush()
    audit.record(
        session,
        "calibration.extended",
        user_id=by.id,
        subject=("calibration", calibration.id),
        address=address,
        before=before.isoformat(),
        after=due_at.isoformat(),
    )


def close_calibration(
    session: Session, calibration: CalibrationSession, *, by: User | None = None, address: str | None = None
) -> None:
    """Open the results of a session for good and tell those who took part; `by` None: time is up or all are in.

    Raises:
        Refused: `by` is no lead, or the session is closed already.
    """
    if by is not None:
        _refuse_unless_lead(by)
    if calibration.closed_at is not None:
        raise Refused(N_("The calibration is closed: its results are open."))
    calibration.closed_at = now()
    session.flush()
    for one in calibration.participants:
        notify(
            session,
            one.user_id,
            "calibration.closed",
            subject=("calibration", calibration.id),
            once=f"calibration.closed:{calibration.id}",
            name=calibration.name,
        )
    audit.record(
        session,
        "calibration.closed",
        user_id=by.id if by else None,
        subject=("calibration", calibration.id),
        address=address,
        submitted={str(one.participant.user_id): one.submitted for one in progress(session, calibration)},
    )


def close_due_calibrations(session: Session) -> int:
    """Close the sessions whose time is up or whose reviews are all in; return how many. Once a minute is plenty."""
    still_open = session.scalars(
        select(CalibrationSession)
        .where(CalibrationSession.closed_at.is_(None))
        .options(
            selectinload(CalibrationSession.calls),
            selectinload(CalibrationSession.participants).joinedload(CalibrationParticipant.user),
        )
    ).all()
    due = [one for one in still_open if results_open(session, one)]
    for calibration in due:
        close_calibration(session, calibration)
    return len(due)


def conclude_calibration(
    session: Session, calibration: CalibrationSession, text: str, *, by: User, address: str | None = None
) -> None:
    """Write down what was agreed on.

    Raises:
        Refused: `by` is no lead, the results are not open yet, or the text is missing or too long.
    """
    _refuse_unless_lead(by)
    if not results_open(session, calibration):
        raise Refused(N_("The conclusion is written when the results are open."))
    conclusion = _trimmed(text)
    if conclusion is None or len(conclusion) > MAX_TEXT:
        raise Refused(N_("Say in at most %(limit)s characters what was agreed on."), field="conclusion", limit=MAX_TEXT)
    calibration.conclusion = conclusion
    session.flush()
    audit.record(
        session,
        "calibration.concluded",
        user_id=by.id,
        subject=("calibration", calibration.id),
        address=address,
        characters=len(conclusion),
    )


def possible_participants(session: Session) -> Sequence[User]:
    """Return the active people who review calls, inspectors first, by name."""
    people = session.scalars(select(User).where(User.active, User.role.in_(REVIEWERS))).all()
    return sorted(people, key=lambda user: (user.role is Role.LEAD, user.name, user.id))


def _calls(session: Session, ids: Sequence[int]) -> list[Call]:
    wanted = list(dict.fromkeys(ids))
    if not wanted or len(wanted) > MAX_CALLS:
        raise Refused(N_("Choose from 1 to %(limit)s calls."), field="calls", limit=MAX_CALLS)
    found = {call.id: call for call in session.scalars(select(Call).where(Call.id.in_(wanted)))}
    for call_id in wanted:
        if call_id not in found:
            raise Refused(N_("There is no call %(call)s."), field="calls", call=call_id)
        if found[call_id].state is not CallState.SCORED:
            raise Refused(N_("Call %(call)s is not scored yet, or cannot be judged."), field="calls", call=call_id)
    return [found[call_id] for call_id in wanted]


def _people(session: Session, ids: Sequence[int]) -> list[User]:
    wanted = set(ids)
    found = [user for user in possible_participants(session) if user.id in wanted]
    if len(found) < len(wanted):
        raise Refused(N_("Only active inspectors and leads take part."), field="participants")
    if len(found) < 2:
        raise Refused(N_("At least two people take part."), field="participants")
    return found


def _refuse_past(due_at: datetime) -> None:
    if due_at <= now():
        raise Refused(N_("The deadline must lie in the future."), field="due_at")


def _refuse_unless_lead(by: User) -> None:
    if by.role is not Role.LEAD:
        raise Refused(N_("Only leads open, extend, close and conclude calibrations."))


def _trimmed(text: str | None) -> str | None:
    return (text or "").strip() or None
