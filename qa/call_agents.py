"""Whose call it is, put right: several agents took part in it, or the telephone system named the wrong one.

A call has one agent, the one who is scored for it; the automatic score, and reviews that are not released yet, are the
call's and follow it. What somebody has been told already stays: no call changes hands under a released review, an
appeal or a published period. Whoever reviews it must be independent of the new agent too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, false, select, update
from sqlalchemy.orm import Session

from models import (
    Agent,
    Appeal,
    AppealState,
    Call,
    CallComment,
    CoachingRecord,
    Complaint,
    Praise,
    PublishedPeriod,
    Review,
    ReviewState,
    Role,
    SurveyRating,
    TestCall,
    User,
)
from models.base import now
from qa import audit
from qa.calls import may_see
from qa.periods import Period, PeriodKind
from qa.refusals import N_, Refused
from qa.reviews import conflict, dependence, review_of
from qa.sampling import review_reason
from qa.sampling_work import hand_over_dependent, queue_of

REASSIGNERS = frozenset({Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD})
MAX_REASON = 500  # characters
Follower = type[SurveyRating] | type[Complaint] | type[Praise]
FOLLOWERS: tuple[Follower, ...] = (SurveyRating, Complaint, Praise)


def refusal_to_reassign(session: Session, call: Call, by: User, *, zone: ZoneInfo) -> Refused | None:
    """Return why `by` may not say that `call` is another agent's, None when nothing forbids it.

    Leads may for every call, supervisors for those of their team, inspectors for the one that they have in hand: a
    task or a draft of theirs, as long as they see whose call it is.
    """
    return _not_theirs(session, call, by) or _settled(session, call, zone)


def agents_for(by: User) -> Select[Agent]:
    """Return the query of the agents whom `by` may name: a supervisor those of the own team, nobody themselves."""
    agents = select(Agent).where(Agent.id != (by.agent_id or 0)).order_by(Agent.number)
    if by.role not in REASSIGNERS or (by.role is Role.SUPERVISOR and by.team_id is None):
        return agents.where(false())
    return agents.where(Agent.team_id == by.team_id) if by.role is Role.SUPERVISOR else agents


def reassign(
    session: Session, call: Call, to: Agent, by: User, reason: str, *, zone: ZoneInfo, address: str | None = None
) -> None:
    """Make `call` the one of agent `to`.

    Open tasks of inspectors who may not judge `to` go to others and their drafts are dropped. Surveys, complaints and
    praise of the call that name the agent before follow it.

    Args:
        reason: how it is known, in words; it stays in the audit trail.

    Raises:
        Refused: see `refusal_to_reassign`; or there is no reason, `by` may not name `to`, or somebody who is not
            independent of `to` has submitted a review.
    """
    session.flush()
    session.get_one(Call, call.id, with_for_update=True, populate_existing=True)
    # Nobody releases one of its reviews meanwhile.
    reviews = select(Review).where(Review.call_id == call.id).order_by(Review.id).with_for_update()
    session.scalars(reviews.execution_options(populate_existing=True)).all()
    refusal = refusal_to_reassign(session, call, by, zone=zone) or _not_to(session, call, to, by)
    if refusal is not None:
        raise refusal
    said = reason.strip()
    if not said:
        raise Refused(N_("Say how you know whose call it is."), field="reason")
    if len(said) > MAX_REASON:
        raise Refused(N_("A note may have %(limit)s characters."), field="reason", limit=MAX_REASON)

    before = call.agent
    call.agent = to
    session.flush()
    dropped = _drop_dependent_drafts(session, call, to)
    for review in _unfinished(session, call):
        review.reason = review_reason(session, call, review.reason)
    moved = hand_over_dependent(session, call)
    followed = _follow(session, call, before, to)
    session.flush()
    audit.record(
        session,
        "call.reassigned",
        user_id=by.id,
        subject=("call", call.id),
        address=address,
        old=before.number if before else None,
        new=to.number,
        reason=said,
        tasks_moved=moved,
        drafts_dropped=dropped,
        followed=followed,
    )


def _not_theirs(session: Session, call: Call, by: User) -> Refused | None:
    if by.role not in REASSIGNERS or not may_see(session, by, call):
        return Refused(N_("Whose call it is, is for a lead, the supervisor or its inspector to say."))
    if by.agent_id is not None and by.agent_id == call.agent_id:
        return Refused(N_("This is your own call: somebody else says whose it is."))
    if by.role is not Role.INSPECTOR:
        return None
    own = review_of(session, call, by)
    in_hand = own.state is ReviewState.DRAFT if own else call.id in {one for _, one in queue_of(session, by.id)}
    if not in_hand:
        return Refused(N_("An inspector says whose call it is while reviewing it; else a supervisor or lead does."))
    if own is not None and own.agent_hidden:
        return Refused(N_("You do not see whose call this is: ask a supervisor or lead."))
    return conflict(by, call)


def _settled(session: Session, call: Call, zone: ZoneInfo) -> Refused | None:
    """Return what has been told or published on the ground of whose call it is."""
    reviews = select(Review.id).where(Review.call_id == call.id, Review.ordinary)
    appealed = select(Appeal.id).where(Appeal.review_id.in_(reviews), Appeal.state != AppealState.WITHDRAWN)
    if session.scalar(appealed.limit(1)) is not None:
        return Refused(N_("An appeal has been raised about this call: whose it is stays as it is."))
    if session.scalar(reviews.where(Review.state == ReviewState.RELEASED).limit(1)) is not None:
        return Refused(N_("A review of this call is released, and its agent has been told: whose it is stays."))
    if session.scalar(select(TestCall.id).where(TestCall.call_id == call.id)) is not None:
        return Refused(N_("This is the recording of a test call: its sheet says whose it is."))
    labels = [Period.containing(call.started_at, zone, kind).label for kind in PeriodKind]
    published = session.scalar(select(PublishedPeriod.label).where(PublishedPeriod.label.in_(labels)).limit(1))
    if published is not None:
        return Refused(N_("%(period)s is published: whose call it is stays as it is."), period=published)
    return None


def _not_to(session: Session, call: Call, to: Agent, by: User) -> Refused | None:
    """Return why it may not become the call of `to`."""
    if to.id == call.agent_id:
        return Refused(N_("It is the call of %(agent)s already."), field="agent", agent=to.number)
    if session.scalar(agents_for(by).where(Agent.id == to.id)) is None:
        return Refused(N_("You may not give a call to %(agent)s."), field="agent", agent=to.number)
    if by.role is Role.INSPECTOR and dependence(by, to) is not None:
        return Refused(
            N_("You could not review a call of %(agent)s: a supervisor or lead says that it is theirs."),
            field="agent",
            agent=to.number,
        )
    for review in _unfinished(session, call):
        if review.state is ReviewState.SUBMITTED and dependence(review.inspector, to) is not None:
            return Refused(
                N_("%(name)s has submitted a review of this call and may not judge %(agent)s: it is taken back first."),
                name=review.inspector.name,
                agent=to.number,
            )
    return None


def _unfinished(session: Session, call: Call) -> Sequence[Review]:
    """Return the reviews of a call that are not released."""
    return session.scalars(
        select(Review).where(Review.call_id == call.id, Review.ordinary, Review.state != ReviewState.RELEASED)
    ).all()


def _drop_dependent_drafts(session: Session, call: Call, to: Agent) -> list[int]:
    """Delete the drafts of those who may not judge `to`, and take their remarks back; return the drafts' ids."""
    dependent = {one.id: one for one in _unfinished(session, call) if dependence(one.inspector, to) is not None}
    coached = set(session.scalars(select(CoachingRecord.review_id).where(CoachingRecord.review_id.in_(dependent))))
    dropped = [review for identity, review in dependent.items() if identity not in coached]
    ids = [review.id for review in dropped]
    session.execute(update(CallComment).where(CallComment.review_id.in_(ids)).values(review_id=None, removed_at=now()))
    for review in dropped:
        session.delete(review)
    session.flush()
    session.expire(call, ["reviews"])
    return ids


def _follow(session: Session, call: Call, before: Agent | None, to: Agent) -> dict[str, int]:
    """Let what came from outside about this call and named the agent before name the new one; return how many."""
    return {table.__tablename__: _follow_in(session, table, call, before, to) for table in FOLLOWERS}


def _follow_in(session: Session, table: Follower, call: Call, before: Agent | None, to: Agent) -> int:
    named: Sequence[Any] = session.scalars(
        select(table).where(table.call_id == call.id, table.agent_id == (before.id if before else None))
    ).all()
    for row in named:
        row.agent = to
    return len(named)
