"""Appeals: an agent objects to an item of a released review, and somebody who did not score it decides.

The way: the agent's supervisor passes it on or returns it, an inspector other than the scorer decides, and what the
agent appeals again is the lead's to decide for good. A step that is not made in time is made by the calendar
(`appeals_due`). The agent's words and the reasons stay in the appeal; the audit trail holds who, when, old and new.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from models import (
    Agent,
    Appeal,
    AppealState,
    AppealStep,
    Call,
    PublishedPeriod,
    Review,
    ReviewState,
    Role,
    User,
)
from models.base import now
from qa import audit
from qa.appeal_effects import Effect, WouldLower, apply, effect_of, figures, given_in, mark_of, snapshot
from qa.appeal_rules import CAUSES, AppealRules
from qa.blind_appeals import DECIDED, OPEN, unseen_rounds
from qa.criteria import card_of
from qa.notifications import notify
from qa.periods import Period, PeriodKind
from qa.reexamination import list_others, rules_behind
from qa.refusals import N_, Refused
from qa.reviews import MAX_COMMENT, conflict, entry_of
from scoring.call_score import GivenAnswer
from scoring.what_if import missed_items


@dataclass(frozen=True, slots=True)
class Window:
    """Until when an item may be appealed. `locked` is the published period that closed it before its time."""

    closes: datetime
    locked: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody who decides says. `given` None keeps the mark as it is."""

    given: GivenAnswer | None
    reason: str  # for the agent
    cause: str | None = None  # key of CAUSES; why the mark was wrong


def visible_appeals(user: User) -> Select[Appeal]:
    """Return the query of all appeals that `user` may read.

    Agents read their own, supervisors their team's, leads all but the earlier rounds of a blind one; inspectors those
    that they decide or decided, and what became of appeals against their own reviews.
    """
    return select(Appeal).join(Appeal.review).join(Review.call).where(_visible(user))


def _visible(user: User) -> ColumnElement[bool]:
    if user.role is Role.LEAD:
        return ~unseen_rounds(user)
    if user.role is Role.INSPECTOR:
        theirs = and_(Review.inspector_id == user.id, Appeal.state.in_(DECIDED))
        return or_(Appeal.assignee_id == user.id, Appeal.decided_by_id == user.id, theirs)
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return Call.agent_id.in_(select(Agent.id).where(Agent.team_id == user.team_id))
    if user.role is Role.AGENT and user.agent_id is not None:
        return Call.agent_id == user.agent_id
    return false()


def waiting_for(user: User) -> Select[Appeal]:
    """Return the query of the appeals in which the next step is `user`'s, the earliest deadline first."""
    theirs: ColumnElement[bool] = false()
    if user.role is Role.SUPERVISOR:
        theirs = Appeal.state == AppealState.RAISED
    elif user.role is Role.INSPECTOR:
        theirs = and_(Appeal.assignee_id == user.id, Appeal.state.in_((AppealState.PASSED, AppealState.FINAL)))
    elif user.role is Role.LEAD:
        final = and_(Appeal.state == AppealState.FINAL, Appeal.assignee_id.is_(None))
        theirs = or_(final, and_(Appeal.assignee_id == user.id, Appeal.state.in_(OPEN)))
    return visible_appeals(user).where(theirs).order_by(Appeal.due_at, Appeal.id)


def appeals_of(session: Session, review: Review) -> list[Appeal]:
    """Return the appeals against a review, oldest first."""
    return list(session.scalars(select(Appeal).where(Appeal.review_id == review.id).order_by(Appeal.id)))


def window(session: Session, review: Review, rules: AppealRules, earlier: Sequence[Appeal] = ()) -> Window:
    """Return until when an item of a released review may be appealed, after the `earlier` appeals about it.

    The window opens with the release, and again with each decision. It ends in any case when a period that the call
    belongs to is published: what is known by then counts.
    """
    assert review.released_at is not None
    opened = max([review.released_at, *(one.decided_at for one in _decided(earlier) if one.decided_at)])
    labels = [Period.containing(review.call.started_at, rules.zone, kind).label for kind in PeriodKind]
    locked = session.scalar(
        select(PublishedPeriod.label)
        .where(PublishedPeriod.label.in_(labels), PublishedPeriod.published_at > opened)
        .order_by(PublishedPeriod.published_at)
        .limit(1)
    )
    return Window(rules.closes(opened), locked)


def refusal_to_appeal(
    session: Session, review: Review, item: str, by: User, rules: AppealRules, *, at: datetime | None = None
) -> Refused | None:
    """Return why `by` may not appeal against `item` now, None when nothing forbids it."""
    if by.role is not Role.AGENT or by.agent_id is None or by.agent_id != review.call.agent_id:
        return Refused(N_("Only the agent of the call appeals."))
    if review.state is not ReviewState.RELEASED or not review.ordinary:
        return Refused(N_("This review is not released."))
    if item not in missed_items(card_of(review.scorecard), entry_of(review).answers):
        return Refused(N_("Nothing was taken off for %(item)s: there is nothing to appeal."), item=item)
    earlier = [one for one in appeals_of(session, review) if one.item == item]
    if any(one.state in OPEN for one in earlier):
        return Refused(N_("An appeal about %(item)s is under way."), item=item)
    decided = _decided(earlier)
    if any(one.decided_by is not None and one.decided_by.role is Role.LEAD for one in decided):
        return Refused(N_("The lead has decided about %(item)s for good."), item=item)
    if len(decided) >= rules.rounds:
        return Refused(N_("An appeal about %(item)s has been decided as often as it may be."), item=item)
    until = window(session, review, rules, earlier)
    if until.locked is not None:
        return Refused(N_("%(period)s is published: what it holds can no longer be appealed."), period=until.locked)
    if (at or now()) >= until.closes:
        return Refused(N_("The time to appeal ended on %(day)s."), day=rules.last_day(until.closes).isoformat())
    return None


def raise_appeal(
    session: Session,
    review: Review,
    item: str,
    by: User,
    reason: str,
    *,
    rules: AppealRules,
    at_seconds: float | None = None,
    at: datetime | None = None,
    address: str | None = None,
) -> Appeal:
    """Object to one item or a confirmed fatal item; the supervisor is told, in the second round the lead.

    Args:
        reason: why, in the agent's words.
        at_seconds: the moment of the call that bears it out.

    Raises:
        Refused: see `refusal_to_appeal`; or there is no reason, or the moment lies outside the call.
    """
    moment = at or now()
    session.execute(select(Review.id).where(Review.id == review.id).with_for_update())
    refusal = refusal_to_appeal(session, review, item, by, rules, at=moment)
    if refusal is not None:
        raise refusal
    said = _said(reason, N_("Say why: whoever decides reads it."))
    if at_seconds is not None and not 0 <= at_seconds <= (review.call.duration or float("inf")):
        raise Refused(N_("A moment must lie within the call."), field="at")
    earlier = [one for one in appeals_of(session, review) if one.item == item]
    appeal = Appeal(
        review=review,
        item=item,
        round=1 + max((one.round for one in earlier), default=0),
        state=AppealState.RAISED,
        raised_by=by,
        raised_at=moment,
        reason=said,
        at_seconds=at_seconds,
        due_at=rules.end_after(moment, rules.pass_days),
        blind=rules.blind,
        before=snapshot(review, item) | {"rules": rules_behind(review, item)},
    )
    session.add(appeal)
    session.flush()
    _step(session, appeal, "raised", by, moment)
    _record(session, appeal, "appeal.raised", by, address, review=review.id, item=item, round=appeal.round)
    supervisors = _supervisors(session, review.call)
    if _decided(earlier):
        _to_lead(session, appeal, rules, moment)
    elif not supervisors:
        _to_inspector(session, appeal, rules, moment)
    else:
        for supervisor in supervisors:
            _tell(session, appeal, supervisor, "appeal.raised", rules)
    return appeal


def pass_on(
    session: Session,
    appeal: Appeal,
    by: User,
    note: str | None = None,
    *,
    rules: AppealRules,
    at: datetime | None = None,
    address: str | None = None,
) -> Appeal:
    """Hand a raised appeal to an inspector other than the scorer.

    Raises:
        Refused: it is not with the supervisor, or not `by`'s to pass on.
    """
    moment = at or now()
    _with_supervisor(session, appeal, by)
    _step(session, appeal, "passed", by, moment, note)
    _to_inspector(session, appeal, rules, moment)
    _record(session, appeal, "appeal.passed", by, address, assignee=appeal.assignee_id)
    _tell(session, appeal, appeal.raised_by, "appeal.passed", rules)
    return appeal


def return_to_agent(
    session: Session,
    appeal: Appeal,
    by: User,
    reason: str,
    *,
    rules: AppealRules,
    at: datetime | None = None,
    address: str | None = None,
) -> Appeal:
    """Keep the mark without an inspector; the agent reads why and may appeal once more, to the lead.

    Raises:
        Refused: it is not with the supervisor, not `by`'s to return, or there is no reason.
    """
    moment = at or now()
    _with_supervisor(session, appeal, by)
    said = _said(reason, N_("Say why: the agent reads it."))
    _step(session, appeal, "returned", by, moment)
    _close(appeal, AppealState.KEPT, by, said, None, moment)
    appeal.final_before = appeal.final_after = appeal.review.final
    _record(session, appeal, "appeal.returned", by, address, final=appeal.review.final)
    _tell(session, appeal, appeal.raised_by, "appeal.returned", rules)
    return appeal


def assign(
    session: Session,
    appeal: Appeal,
    to: User,
    by: User,
    *,
    rules: AppealRules,
    at: datetime | None = None,
    address: str | None = None,
) -> Appeal:
    """Give an appeal that waits for a decision to somebody else.

    Raises:
        Refused: `by` is no lead, it does not wait for a decision, or `to` may not decide it.
    """
    moment = at or now()
    _refresh(session, appeal)
    if by.role is not Role.LEAD:
        raise Refused(N_("Only a QA lead gives an appeal to somebody else."))
    if appeal.state not in (AppealState.PASSED, AppealState.FINAL):
        raise Refused(N_("This appeal does not wait for a decision."))
    refusal = _partial(session, appeal, to)
    if refusal is not None:
        raise refusal
    before = appeal.assignee_id
    appeal.assignee, appeal.reminded_at = to, None
    appeal.due_at = rules.end_after(moment, rules.decide_days)
    _step(session, appeal, "assigned", by, moment, to.name)
    _record(session, appeal, "appeal.assigned", by, address, old=before, new=to.id)
    _tell(session, appeal, to, "appeal.assigned", rules)
    return appeal


def refusal_to_decide(session: Session, appeal: Appeal, by: User) -> Refused | None:
    """Return why `by` may not decide the appeal, None when nothing forbids it."""
    if appeal.state not in (AppealState.PASSED, AppealState.FINAL):
        return Refused(N_("This appeal does not wait for a decision."))
    if by.role is not Role.LEAD and by.id != appeal.assignee_id:
        return Refused(N_("This appeal is somebody else's to decide."))
    return _partial(session, appeal, by)


def decide(
    session: Session,
    appeal: Appeal,
    by: User,
    decision: Decision,
    *,
    rules: AppealRules,
    at: datetime | None = None,
    address: str | None = None,
) -> Appeal:
    """Raise the mark or keep it. A better answer changes the review and its score; nothing ever lowers them.

    In a blind appeal the answer comes first, and only then shows whether it is better than the first one: one that
    is not keeps the mark.

    Raises:
        Refused: see `refusal_to_decide`; or the answer, its reason or its cause is missing or does not fit.
    """
    moment = at or now()
    _refresh(session, appeal)
    refusal = refusal_to_decide(session, appeal, by)
    if refusal is not None:
        raise refusal
    said = _said(decision.reason, N_("Say why: the agent reads it."))
    effect = _effect(appeal, decision)
    review = appeal.review
    before = snapshot(review, appeal.item)
    appeal.before = before | {"rules": rules_behind(review, appeal.item)}
    appeal.final_before = review.final
    if effect is None:
        _close(appeal, AppealState.KEPT, by, said, None, moment)
        _step(session, appeal, "kept", by, moment)
        appeal.final_after = review.final
    else:
        apply(review, effect)
        _close(appeal, AppealState.UPHELD, by, said, decision.cause, moment)
        _step(session, appeal, "upheld", by, moment)
        appeal.after, appeal.final_after = snapshot(review, appeal.item), review.final
        audit.record(
            session,
            "review.corrected",
            user_id=by.id,
            subject=("review", review.id),
            address=address,
            item=appeal.item,
            old=figures(before),
            new=figures(appeal.after),
            appeal=appeal.id,
        )
    _record(
        session,
        appeal,
        "appeal.decided",
        by,
        address,
        outcome=appeal.state.value,
        cause=appeal.cause,
        old=figures(before),
        new=figures(appeal.after),
        blind=appeal.blind,
    )
    if effect is not None:
        total = list_others(session, appeal)
        if total:
            _step(session, appeal, "reexamined", None, moment, str(total))
    for reader in _readers_of_decision(session, appeal, by):
        _tell(session, appeal, reader, "appeal.decided", rules)
    session.flush()
    return appeal


def name_cause(session: Session, appeal: Appeal, by: User, cause: str, *, address: str | None = None) -> None:
    """Say why the mark was wrong, after a blind appeal was upheld.

    Raises:
        Refused: it is not upheld, has a cause, is not `by`'s to say, or there is no such cause.
    """
    if appeal.state is not AppealState.UPHELD or appeal.cause is not None:
        raise Refused(N_("Only an upheld appeal without a cause takes one."))
    if by.id != appeal.decided_by_id and by.role is not Role.LEAD:
        raise Refused(N_("This appeal is somebody else's to decide."))
    appeal.cause = _known_cause(cause)
    _record(session, appeal, "appeal.cause_named", by, address, cause=cause)


def withdraw(
    session: Session, appeal: Appeal, by: User, *, at: datetime | None = None, address: str | None = None
) -> Appeal:
    """Take an appeal back before it is decided; the item may be appealed again while the window is open.

    Raises:
        Refused: it is decided, or somebody else's.
    """
    _refresh(session, appeal)
    if by.id != appeal.raised_by_id:
        raise Refused(N_("Only whoever raised an appeal withdraws it."))
    if appeal.state not in OPEN:
        raise Refused(N_("This appeal is closed already."))
    appeal.state, appeal.assignee = AppealState.WITHDRAWN, None
    _step(session, appeal, "withdrawn", by, at or now())
    _record(session, appeal, "appeal.withdrawn", by, address)
    return appeal


def appeals_due(session: Session, rules: AppealRules, *, at: datetime | None = None) -> int:
    """Remind those whose last day has begun and move on what is overdue; return how many appeals were touched.

    From a supervisor it goes to an inspector, from an inspector to the lead; there the leads are told.
    """
    moment = at or now()
    touched = 0
    open_ones = select(Appeal).where(Appeal.state.in_(OPEN)).order_by(Appeal.id).with_for_update()
    for appeal in session.scalars(open_ones):
        gone = appeal.assignee is not None and not appeal.assignee.active
        if appeal.due_at <= moment:
            touched += _escalate(session, appeal, rules, moment)
        elif gone:
            (_to_inspector if appeal.state is AppealState.PASSED else _to_lead)(session, appeal, rules, moment)
            touched += 1
        elif appeal.reminded_at is None and moment >= rules.reminds(appeal.due_at) and _old(appeal, rules):
            appeal.reminded_at = moment
            _step(session, appeal, "reminded", None, moment)
            for holder in holders(session, appeal):
                _tell(session, appeal, holder, "appeal.reminder", rules)
            touched += 1
    session.flush()
    return touched


def holders(session: Session, appeal: Appeal) -> list[User]:
    """Return those who may make the next step."""
    if appeal.state is AppealState.RAISED:
        return _supervisors(session, appeal.review.call)
    if appeal.assignee is not None:
        return [appeal.assignee]
    return _leads(session, appeal) if appeal.state is AppealState.FINAL else []


def deciders(session: Session, appeal: Appeal) -> list[User]:
    """Return the inspectors and leads who may decide it, those with the fewest open appeals first."""
    users = session.scalars(
        select(User).where(User.active, User.role.in_((Role.INSPECTOR, Role.LEAD))).order_by(User.id)
    ).all()
    load = _load(session)
    free = [user for user in users if _partial(session, appeal, user) is None]
    return sorted(free, key=lambda user: (user.role is Role.LEAD, load.get(user.id, 0), user.id))


def open_appeals(session: Session, start: datetime, end: datetime) -> int:
    """Return how many appeals about calls that began from `start` to `end` are not decided."""
    counted = (
        select(func.count())
        .select_from(Appeal)
        .join(Appeal.review)
        .join(Review.call)
        .where(Appeal.state.in_(OPEN), Call.started_at >= start, Call.started_at < end)
    )
    return session.scalar(counted) or 0


# Where an appeal goes next.


def _to_inspector(session: Session, appeal: Appeal, rules: AppealRules, at: datetime) -> None:
    """Give it to the independent inspector with the fewest open appeals, if possible one who does not know the call."""
    knows = set(session.scalars(select(Review.inspector_id).where(Review.call_id == appeal.review.call_id)))
    inspectors = [user for user in deciders(session, appeal) if user.role is Role.INSPECTOR]
    if not inspectors:
        _to_lead(session, appeal, rules, at)
        return
    chosen = min(inspectors, key=lambda user: user.id in knows)  # of equals the first, who has the fewest
    appeal.state, appeal.assignee, appeal.reminded_at = AppealState.PASSED, chosen, None
    appeal.due_at = rules.end_after(at, rules.decide_days)
    _step(session, appeal, "assigned", None, at, chosen.name)
    _tell(session, appeal, chosen, "appeal.assigned", rules)


def _to_lead(session: Session, appeal: Appeal, rules: AppealRules, at: datetime) -> None:
    """Give it to the leads. Where none of them is impartial an inspector decides in their place."""
    appeal.state, appeal.assignee, appeal.reminded_at = AppealState.FINAL, None, None
    appeal.due_at = rules.end_after(at, rules.decide_days)
    leads = _leads(session, appeal)
    if not leads:
        appeal.assignee = next(iter(deciders(session, appeal)), None)
    for holder in holders(session, appeal):
        _tell(session, appeal, holder, "appeal.assigned", rules)


def _escalate(session: Session, appeal: Appeal, rules: AppealRules, at: datetime) -> bool:
    """Move an overdue appeal on; False when it is with the lead, who has been told before."""
    if appeal.state is AppealState.FINAL:
        leads = session.scalars(select(User).where(User.active, User.role == Role.LEAD)).all()
        told = [
            _tell(session, appeal, lead, "appeal.escalated", rules, once=f"appeal-{appeal.id}-overdue")
            for lead in leads
        ]
        return any(told)
    was = appeal.state
    appeal.escalated_at = at
    _step(session, appeal, "escalated", None, at)
    (_to_inspector if was is AppealState.RAISED else _to_lead)(session, appeal, rules, at)
    _record(session, appeal, "appeal.escalated", None, None, old=was.value, new=appeal.state.value)
    _tell(session, appeal, appeal.raised_by, "appeal.escalated", rules)
    return True


def _supervisors(session: Session, call: Call) -> list[User]:
    team = call.agent.team_id if call.agent else None
    if team is None:
        return []
    return list(
        session.scalars(
            select(User).where(User.active, User.role == Role.SUPERVISOR, User.team_id == team).order_by(User.id)
        )
    )


def _leads(session: Session, appeal: Appeal) -> list[User]:
    return [user for user in deciders(session, appeal) if user.role is Role.LEAD]


def _load(session: Session) -> dict[int, int]:
    counted = select(Appeal.assignee_id, func.count()).where(Appeal.state.in_(OPEN)).group_by(Appeal.assignee_id)
    return {user: count for user, count in session.execute(counted).tuples() if user is not None}


def _partial(session: Session, appeal: Appeal, user: User) -> Refused | None:
    """Return why `user` would not be impartial."""
    if user.id == appeal.review.inspector_id:
        return Refused(N_("Nobody decides an appeal against the own review."))
    before = select(Appeal.id).where(
        Appeal.review_id == appeal.review_id,
        Appeal.item == appeal.item,
        Appeal.id != appeal.id,
        Appeal.decided_by_id == user.id,
    )
    if session.scalar(before.limit(1)) is not None:
        return Refused(N_("You decided about this item before: somebody else decides now."))
    return conflict(user, appeal.review.call)


def _with_supervisor(session: Session, appeal: Appeal, by: User) -> None:
    """Raises Refused unless the appeal is with the supervisor and `by` is one of the team, or a lead."""
    _refresh(session, appeal)
    if appeal.state is not AppealState.RAISED:
        raise Refused(N_("This appeal is not with the supervisor any more."))
    agent = appeal.review.call.agent
    own = by.role is Role.SUPERVISOR and agent is not None and by.team_id is not None and by.team_id == agent.team_id
    if not own and by.role is not Role.LEAD:
        raise Refused(N_("Only the agent's supervisor or a lead passes an appeal on."))


# Small parts.


def _effect(appeal: Appeal, decision: Decision) -> Effect | None:
    """Return what the decision changes; None when it keeps the mark.

    Raises:
        Refused: the answer is missing, does not fit or is no better than the present one, or has no known cause.
    """
    if decision.given is None:
        if appeal.blind:
            raise Refused(N_("Choose an answer."), field="answer")
        return None
    given = decision.given
    if not appeal.blind:
        _known_cause(decision.cause)
    elif decision.cause is not None:
        raise Refused(N_("The cause of a blind appeal is named once it is decided."), field="cause")
    present = mark_of(appeal.review, appeal.item)
    same = present is not None and given == given_in(snapshot(appeal.review, appeal.item))
    try:
        effect = None if same else effect_of(appeal.review, appeal.item, given)
    except WouldLower:
        if not appeal.blind:
            raise
        effect = None
    if effect is not None and effect.better:
        return effect
    if not appeal.blind:
        raise Refused(N_("This answer is no better than the present one: keep it instead."), field="answer")
    return None


def _known_cause(cause: str | None) -> str:
    if cause not in CAUSES:
        raise Refused(N_("Say what was wrong with the mark."), field="cause")
    return cause


def _said(text: str, missing: str) -> str:
    said = text.strip()
    if not said:
        raise Refused(missing, field="reason")
    if len(said) > MAX_COMMENT:
        raise Refused(N_("A comment may have %(limit)s characters."), limit=MAX_COMMENT, field="reason")
    return said


def _close(appeal: Appeal, state: AppealState, by: User, reason: str, cause: str | None, at: datetime) -> None:
    appeal.state, appeal.decided_by, appeal.decided_at = state, by, at
    appeal.decision, appeal.cause, appeal.assignee = reason, cause, None


def _decided(appeals: Iterable[Appeal]) -> list[Appeal]:
    return [one for one in appeals if one.state in DECIDED]


def _old(appeal: Appeal, rules: AppealRules) -> bool:
    """Whether its holder has had it since before the last day: nobody is reminded of what came a minute ago."""
    begun = max(step.at for step in appeal.steps)
    return begun < rules.reminds(appeal.due_at)


def _refresh(session: Session, appeal: Appeal) -> None:
    """Read the appeal anew and keep others from changing it meanwhile."""
    session.flush()
    session.get_one(Appeal, appeal.id, with_for_update=True, populate_existing=True)


def _readers_of_decision(session: Session, appeal: Appeal, by: User) -> list[User]:
    readers = [appeal.raised_by, *_supervisors(session, appeal.review.call), appeal.review.inspector]
    return [user for user in {user.id: user for user in readers}.values() if user.id != by.id]


def _step(
    session: Session, appeal: Appeal, act: str, by: User | None, at: datetime, note: str | None = None
) -> AppealStep:
    step = AppealStep(act=act, by=by, at=at, note=(note or "").strip()[:MAX_COMMENT] or None)
    appeal.steps.append(step)
    session.flush()
    return step


def _record(
    session: Session, appeal: Appeal, action: str, by: User | None, address: str | None, **details: Any
) -> None:
    audit.record(
        session,
        action,
        user_id=by.id if by else None,
        subject=("appeal", appeal.id),
        address=address,
        **details,
    )


def _tell(
    session: Session, appeal: Appeal, user: User, kind: str, rules: AppealRules, *, once: str | None = None
) -> bool:
    """Tell `user` what happened to the appeal; False when they were told before."""
    agent = appeal.review.call.agent
    told = notify(
        session,
        user.id,
        kind,
        subject=("appeal", appeal.id),
        once=once,
        agent=agent.name if agent else "",
        item=appeal.item,
        due=rules.last_day(appeal.due_at).isoformat(),
        outcome=appeal.state.value,
    )
    return told is not None
