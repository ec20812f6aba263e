"""Coaching: a goal and the steps to it, agreed on with the agent, and later a look whether it helped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, false, select, true
from sqlalchemy.orm import Session, joinedload

from models import (
    Agent,
    Call,
    CallComment,
    CoachingRecord,
    CoachingState,
    CommentKind,
    Review,
    Role,
    ScorecardVersion,
    User,
)
from models.base import now
from qa import audit
from qa.agent_evidence import item_answers
from qa.blind_appeals import contested_calls
from qa.calls import visible_calls
from qa.criteria import card_of
from qa.notifications import notify, notify_agent
from qa.refusals import N_, Refused
from qa.reviews import visible_reviews
from scoring.coaching_effect import Change, Effect, Rate, Verdict, effect_of
from scoring.marks import Answer
from scoring.uncertainty import Interval

COACHES = frozenset({Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD})
OPEN = (CoachingState.PLANNED, CoachingState.AGREED)
BEFORE_DAYS = 60  # before the talk, whose calls the agent is compared with
MAX_GOAL, MAX_STEP, MAX_STEPS, MAX_COMMENT, MAX_CALLS = 1_000, 300, 10, 2_000, 20  # characters, steps, calls
FURTHEST = timedelta(days=366)
SUGGESTED = 20  # flagged moments

ItemKey = tuple[str, str]  # scorecard and item: an item's versions are put together


@dataclass(frozen=True, slots=True)
class Plan:
    """What a coach enters."""

    agent: Agent
    goal: str
    held_on: date  # the day of the talk
    retest_on: date
    steps: Sequence[str] = ()
    items: Sequence[ItemKey] = ()
    calls: Sequence[int] = ()  # to listen to together
    review: Review | None = None  # that it came from


@dataclass(frozen=True, slots=True)
class ItemChoice:
    """An item that coaching may be about, with how the agent did of late."""

    key: ItemKey
    name: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class ItemEffect:
    key: ItemKey
    name: str
    effect: Effect


@dataclass(slots=True)
class _Counts:
    met: int = 0
    n: int = 0

    @property
    def rate(self) -> Rate:
        return Rate(self.met, self.n)


_ByAgent = Mapping[ItemKey, Mapping[int, Rate]]


# --- who -----------------------------------------------------------------------------------------------------


def visible_coaching(user: User) -> Select[CoachingRecord]:
    """Return the query of the records that `user` may read.

    An agent reads the own ones, a supervisor those of the own team, an inspector those that he or she holds, leads
    all.
    """
    return select(CoachingRecord).where(_visible(user))


def _visible(user: User) -> ColumnElement[bool]:
    if user.role is Role.LEAD:
        return true()
    if user.role is Role.INSPECTOR:
        return CoachingRecord.coach_id == user.id
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return CoachingRecord.agent_id.in_(select(Agent.id).where(Agent.team_id == user.team_id))
    if user.role is Role.AGENT and user.agent_id is not None:
        return CoachingRecord.agent_id == user.agent_id
    return false()


def coachable(user: User) -> Select[Agent]:
    """Return the query of the agents whom `user` may coach: never oneself, supervisors the own team only."""
    agents = select(Agent)
    if user.agent_id is not None:
        agents = agents.where(Agent.id != user.agent_id)
    if user.role in (Role.INSPECTOR, Role.LEAD):
        return agents
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return agents.where(Agent.team_id == user.team_id)
    return agents.where(false())


def may_lead(user: User, record: CoachingRecord) -> bool:
    """Whether `user` ticks steps of a record and closes it: its coach, the team's supervisor, a lead."""
    if user.agent_id is not None and user.agent_id == record.agent_id:
        return False
    of_team = user.role is Role.SUPERVISOR and user.team_id is not None and user.team_id == record.agent.team_id
    return user.role is Role.LEAD or of_team or (user.id == record.coach_id and user.role in COACHES)


# --- from plan to conclusion ---------------------------------------------------------------------------------


def plan_coaching(session: Session, plan: Plan, *, by: User, today: date, address: str | None = None) -> CoachingRecord:
    """Add a record in the caller's transaction and tell the agent.

    Raises:
        Refused: `by` may not coach the agent, or something of the plan is missing or makes no sense.
    """
    if session.scalar(coachable(by).where(Agent.id == plan.agent.id)) is None:
        raise Refused(N_("You cannot coach this agent."), field="agent")
    _check(session, plan, by, today)
    record = CoachingRecord(
        agent=plan.agent,
        coach=by,
        review=plan.review,
        items=[list(key) for key in plan.items],
        calls=list(dict.fromkeys(plan.calls)),
        goal=plan.goal.strip(),
        steps=[{"text": text.strip(), "done_at": None} for text in plan.steps if text.strip()],
        held_on=plan.held_on,
        retest_on=plan.retest_on,
        state=CoachingState.PLANNED,
    )
    session.add(record)
    session.flush()
    audit.record(
        session,
        "coaching.planned",
        user_id=by.id,
        subject=("coaching", record.id),
        address=address,
        agent=plan.agent.id,
        review=plan.review.id if plan.review else None,
        items=record.items,
        held_on=plan.held_on.isoformat(),
        retest_on=plan.retest_on.isoformat(),
    )
    notify_agent(session, plan.agent, "coaching.planned", subject=("coaching", record.id), day=plan.held_on.isoformat())
    return record


def _check(session: Session, plan: Plan, by: User, today: date) -> None:
    steps = [text.strip() for text in plan.steps if text.strip()]
    if not plan.goal.strip():
        raise Refused(N_("Say what the goal is."), field="goal")
    if len(plan.goal) > MAX_GOAL:
        raise Refused(N_("A goal may have %(limit)s characters."), field="goal", limit=MAX_GOAL)
    if len(steps) > MAX_STEPS:
        raise Refused(N_("Agree on %(limit)s steps at the most."), field="steps", limit=MAX_STEPS)
    if any(len(text) > MAX_STEP for text in steps):
        raise Refused(N_("A step may have %(limit)s characters."), field="steps", limit=MAX_STEP)
    if abs(plan.held_on - today) > FURTHEST:
        raise Refused(N_("The talk lies more than a year away."), field="held_on")
    if plan.retest_on <= plan.held_on:
        raise Refused(N_("The retest comes after the talk."), field="retest_on")
    if plan.retest_on - plan.held_on > FURTHEST:
        raise Refused(N_("The retest comes within a year of the talk."), field="retest_on")
    if plan.review is not None and plan.review.call.agent_id != plan.agent.id:
        raise Refused(N_("The review is about another agent."), field="agent")
    known = item_names(session, {key for key, _ in plan.items})
    if any(key not in known for key in plan.items):
        raise Refused(N_("There is no such item in the scorecard."), field="items")
    if len(plan.calls) > MAX_CALLS:
        raise Refused(N_("Choose %(limit)s calls at the most."), field="calls", limit=MAX_CALLS)
    wanted = set(plan.calls)
    seen = set(
        session.scalars(
            visible_calls(by).with_only_columns(Call.id).where(Call.id.in_(wanted), Call.agent_id == plan.agent.id)
        )
    )
    if wanted - seen:
        raise Refused(
            N_("Call %(call)s is not one of this agent's, or not yours to see."),
            field="calls",
            call=min(wanted - seen),
        )


def acknowledge(
    session: Session, record: CoachingRecord, comment: str | None, *, by: User, address: str | None = None
) -> None:
    """Note that the agent has read goal and steps and agrees to them; tell the coach.

    Raises:
        Refused: somebody else, or it is agreed on or closed already, or the comment is too long.
    """
    if by.agent_id != record.agent_id:
        raise Refused(N_("Only the agent agrees to a coaching."))
    if record.state is not CoachingState.PLANNED:
        raise Refused(N_("This coaching is agreed on or closed already."))
    text = (comment or "").strip() or None
    if text and len(text) > MAX_COMMENT:
        raise Refused(N_("A comment may have %(limit)s characters."), field="comment", limit=MAX_COMMENT)
    record.state, record.acknowledged_at, record.agent_comment = CoachingState.AGREED, now(), text
    audit.record(
        session,
        "coaching.acknowledged",
        user_id=by.id,
        subject=("coaching", record.id),
        address=address,
        commented=text is not None,
    )
    notify(
        session,
        record.coach_id,
        "coaching.acknowledged",
        subject=("coaching", record.id),
        agent=record.agent.number,
    )


def tick_step(
    session: Session, record: CoachingRecord, number: int, *, done: bool, by: User, address: str | None = None
) -> None:
    """Note that a step (counted from 0) is done, or not done after all.

    Raises:
        Refused: not by somebody who leads the coaching, or it is closed, or there is no such step.
    """
    _require_open(record, by)
    if not 0 <= number < len(record.steps):
        raise Refused(N_("There is no such step."))
    steps = [dict(step) for step in record.steps]
    steps[number]["done_at"] = now().isoformat() if done else None
    record.steps = steps
    audit.record(
        session,
        "coaching.step_done" if done else "coaching.step_reopened",
        user_id=by.id,
        subject=("coaching", record.id),
        address=address,
        step=number + 1,
    )


def retest(
    session: Session,
    record: CoachingRecord,
    *,
    effective: bool,
    conclusion: str,
    by: User,
    zone: ZoneInfo,
    today: date,
    address: str | None = None,
) -> None:
    """Close a record with the coach's judgement; the rates of its items then are kept with it.

    Raises:
        Refused: not by somebody who leads the coaching, or before the day after the talk, or without a conclusion.
    """
    _require_open(record, by)
    if today <= record.held_on:
        raise Refused(N_("The retest comes after the talk."))
    text = conclusion.strip()
    if not text:
        raise Refused(N_("Say what you conclude."), field="conclusion")
    if len(text) > MAX_COMMENT:
        raise Refused(N_("A comment may have %(limit)s characters."), field="conclusion", limit=MAX_COMMENT)
    found = effects(session, record, zone=zone, today=today)
    record.before = {_name_of(one.key): _stored(one.effect.own.before) for one in found}
    record.after = {_name_of(one.key): _stored_effect(one.effect) for one in found}
    record.effective, record.conclusion = effective, text
    record.state, record.closed_at = CoachingState.RETESTED, now()
    audit.record(
        session,
        "coaching.retested",
        user_id=by.id,
        subject=("coaching", record.id),
        address=address,
        effective=effective,
        verdicts={_name_of(one.key): one.effect.verdict.value for one in found},
    )


def cancel(session: Session, record: CoachingRecord, reason: str, *, by: User, address: str | None = None) -> None:
    """Close a record without a retest.

    Raises:
        Refused: not by somebody who leads the coaching, or it is closed, or without a reason.
    """
    _require_open(record, by)
    text = reason.strip()[:MAX_COMMENT]
    if not text:
        raise Refused(N_("Say why it is cancelled."), field="reason")
    record.state, record.closed_at, record.conclusion = CoachingState.CANCELLED, now(), text
    audit.record(session, "coaching.cancelled", user_id=by.id, subject=("coaching", record.id), address=address)


def _require_open(record: CoachingRecord, by: User) -> None:
    if not may_lead(by, record):
        raise Refused(N_("Only the coach, the team's supervisor or a lead may do this."))
    if record.state not in OPEN:
        raise Refused(N_("This coaching is closed."))


def due_retests(user: User, today: date) -> Select[CoachingRecord]:
    """Return the query of the open records that `user` may read and whose day of the retest has come."""
    return visible_coaching(user).where(CoachingRecord.state.in_(OPEN), CoachingRecord.retest_on <= today)


def remind_retests(session: Session, today: date) -> int:
    """Tell each coach once that a retest is due; return how many were told."""
    due = session.scalars(
        select(CoachingRecord)
        .where(CoachingRecord.state.in_(OPEN), CoachingRecord.retest_on <= today)
        .options(joinedload(CoachingRecord.agent))
    )
    told = [
        notify(
            session,
            record.coach_id,
            "coaching.retest_due",
            subject=("coaching", record.id),
            once=f"coaching.retest_due:{record.id}",
            agent=record.agent.number,
            day=record.retest_on.isoformat(),
        )
        for record in due
    ]
    return sum(one is not None for one in told)


# --- what it may be about ------------------------------------------------------------------------------------


def item_choices(
    session: Session, agent: Agent, *, zone: ZoneInfo, today: date, review: Review | None = None
) -> list[ItemChoice]:
    """Return the items that coaching of `agent` may be about, weakest first and those without answers last.

    They are those of the scorecards that the agent was marked by of late, and of `review`.
    """
    window = [Call.agent_id == agent.id, *_days(today - timedelta(days=BEFORE_DAYS), today, zone)]
    counts = _by_agent(session, item_answers(session, window))
    cards = {key for key, _ in counts} | ({review.scorecard.key} if review else set())
    names = item_names(session, cards)
    choices = [ItemChoice(key, name, counts.get(key, {}).get(agent.id, Rate(0, 0))) for key, name in names.items()]
    return sorted(choices, key=lambda one: (one.rate.share is None, one.rate.share or 0.0, -one.rate.n))


def flagged_moments(session: Session, agent: Agent, reader: User) -> Sequence[CallComment]:
    """Return what inspectors flagged for coaching in the agent's calls that `reader` may see, newest first."""
    return session.scalars(
        select(CallComment)
        .join(CallComment.call)
        .where(
            CallComment.kind == CommentKind.COACHING,
            CallComment.removed_at.is_(None),
            Call.id.in_(visible_calls(reader).with_only_columns(Call.id)),
            Call.id.not_in(contested_calls(reader)),
            Call.agent_id == agent.id,
        )
        .options(joinedload(CallComment.call), joinedload(CallComment.author))
        .order_by(CallComment.id.desc())
        .limit(SUGGESTED)
    ).all()


def visible_review(session: Session, review_id: int, reader: User) -> Review | None:
    """Return a review that `reader` may read, with its call and scorecard."""
    return session.scalar(
        visible_reviews(reader)
        .where(Review.id == review_id)
        .options(joinedload(Review.call).joinedload(Call.agent), joinedload(Review.scorecard))
    )


def item_names(session: Session, cards: Collection[str]) -> dict[ItemKey, str]:
    """Return the names of all items of some scorecards, as their newest versions say them."""
    names: dict[ItemKey, str] = {}
    stored = select(ScorecardVersion).where(ScorecardVersion.key.in_(cards)).order_by(ScorecardVersion.version)
    for version in session.scalars(stored):
        card = card_of(version)
        found = [(item.id, item.name) for _, item in card.items()] + [(item.id, item.name) for item in card.fatal]
        names |= {(version.key, item): name for item, name in found}
    return names


def item_keys(record: CoachingRecord) -> list[ItemKey]:
    return [(str(card), str(item)) for card, item in record.items]


# --- whether it helped ---------------------------------------------------------------------------------------


def effects(session: Session, record: CoachingRecord, *, zone: ZoneInfo, today: date) -> list[ItemEffect]:
    """Return what became of each item: as it was kept at the retest, else as it stands today."""
    keys = item_keys(record)
    names = item_names(session, {card for card, _ in keys})
    if record.state is CoachingState.RETESTED:
        return [
            ItemEffect(key, names.get(key, key[1]), _read_effect(record.before, record.after, _name_of(key)))
            for key in keys
            if _name_of(key) in record.after
        ]
    if not keys:
        return []
    items = {item for _, item in keys}
    first = record.held_on - timedelta(days=BEFORE_DAYS)
    before = _by_agent(session, item_answers(session, _days(first, record.held_on, zone), items))
    following = record.held_on + timedelta(days=1)
    until = max(following, min(record.retest_on, today) + timedelta(days=1))
    after = _by_agent(session, item_answers(session, _days(following, until, zone), items))
    coached = _coached(session, keys, first, until)
    return [
        ItemEffect(key, names.get(key, key[1]), _effect(record.agent_id, key, before, after, coached[key]))
        for key in keys
    ]


def _effect(agent_id: int, key: ItemKey, before: _ByAgent, after: _ByAgent, coached: Collection[int]) -> Effect:
    none = Rate(0, 0)
    then, later = before.get(key, {}), after.get(key, {})
    changes = {who: Change(rate, later.get(who, none)) for who, rate in then.items()}
    own = changes.get(agent_id, Change(none, later.get(agent_id, none)))
    return effect_of(own, [change for who, change in changes.items() if who not in coached and who != agent_id])


def _coached(session: Session, keys: Iterable[ItemKey], first: date, until: date) -> Mapping[ItemKey, set[int]]:
    """Return who had a talk about each item in the time: they are nobody to compare with."""
    found: Mapping[ItemKey, set[int]] = {key: set() for key in keys}
    records = session.scalars(
        select(CoachingRecord).where(
            CoachingRecord.state != CoachingState.CANCELLED,
            CoachingRecord.held_on >= first,
            CoachingRecord.held_on < until,
        )
    )
    for record in records:
        for key in item_keys(record):
            if key in found:
                found[key].add(record.agent_id)
    return found


def _by_agent(session: Session, counted: Sequence[tuple[int | None, int, str, str, int]]) -> _ByAgent:
    """Return answers as rates by item and agent, the versions of a scorecard put together."""
    cards = dict(
        session.execute(
            select(ScorecardVersion.id, ScorecardVersion.key).where(
                ScorecardVersion.id.in_({version for _, version, *_ in counted})
            )
        )
        .tuples()
        .all()
    )
    found: defaultdict[ItemKey, defaultdict[int, _Counts]] = defaultdict(lambda: defaultdict(_Counts))
    for agent_id, version, item, answer, n in counted:
        if agent_id is not None:
            counts = found[cards[version], item][agent_id]
            counts.n += n
            counts.met += n if answer == Answer.MET else 0
    return {key: {who: counts.rate for who, counts in agents.items()} for key, agents in found.items()}


def _days(first: date, end: date, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    """Return the conditions on calls of the days from `first` up to, and without, `end`."""
    return [Call.started_at >= _midnight(first, zone), Call.started_at < _midnight(end, zone)]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _name_of(key: ItemKey) -> str:
    return "/".join(key)


def _stored(rate: Rate) -> dict[str, Any]:
    return {"met": rate.met, "n": rate.n}


def _stored_effect(effect: Effect) -> dict[str, Any]:
    limits = effect.effect_interval
    return {
        **_stored(effect.own.after),
        "peers": effect.peers,
        "peer_change": effect.peer_change,
        "effect": effect.effect,
        "low": limits.low if limits else None,
        "high": limits.high if limits else None,
        "verdict": effect.verdict.value,
    }


def _read_effect(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> Effect:
    then, later = before[name], after[name]
    own = Change(Rate(then["met"], then["n"]), Rate(later["met"], later["n"]))
    return Effect(
        own=own,
        change=own.points if own.enough else None,
        change_interval=own.interval if own.enough else None,
        peers=later["peers"],
        peer_change=later["peer_change"],
        effect=later["effect"],
        effect_interval=None if later["low"] is None else Interval(later["low"], later["high"]),
        verdict=Verdict(later["verdict"]),
    )
