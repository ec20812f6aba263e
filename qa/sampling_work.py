"""What becomes of drawn calls: who reviews them until when, moved, carried over, replaced, and how far they are.

Nobody is given an own call or one of the own team, nor the same call twice. A task is done when its inspector has
submitted the review; nothing else needs to be ticked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, case, exists, func, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, noload

from models import (
    Agent,
    AutoScore,
    Call,
    Draw,
    Review,
    ReviewAssignment,
    ReviewReason,
    Role,
    SampledCall,
    SamplingPlan,
    User,
)
from models.base import now
from qa import audit
from qa.periods import Period, PeriodKind
from qa.refusals import N_, Refused
from qa.reviews import REVIEWERS, conflict, dependence
from qa.sampling import FINISHED, draw_calls, frame_of, rules_of, span_of
from qa.sampling_rules import UNSUITABLE, PlanRules
from scoring.allocation import Inspector, JointCount, Single, Task, assign, more_joint
from scoring.sampling import Chosen, Outcome, inclusion_probabilities, reserves

ROTATION_DAYS = 91  # whom an inspector reviewed in so many days counts for the rotation
MAX_NOTE = 500  # characters


@dataclass(slots=True)
class Progress:
    """How far one inspector is with the drawn calls of a week."""

    inspector: User
    assigned: int = 0
    done: int = 0
    overdue: int = 0
    carried: int = 0
    by_day: dict[date, int] = field(default_factory=dict)  # reviews submitted, by day on the hotline's calendar

    @property
    def open(self) -> int:
        return self.assigned - self.done


@dataclass(frozen=True, slots=True)
class BiasReport:
    """What replacing did to the random sample. Means are of automatic scores, which all calls have."""

    drawn: int
    withdrawn: int
    by_reason: dict[str, int]
    by_person: dict[str, int]  # name of who withdrew: how many
    mean_kept: float | None  # calls that stayed
    mean_withdrawn: float | None
    mean_in_place: float | None  # the calls that took their places

    @property
    def shift(self) -> float | None:
        """Return how many points the places taken changed: above 0 the sample became better than chance made it."""
        if self.mean_in_place is None or self.mean_withdrawn is None:
            return None
        return self.mean_in_place - self.mean_withdrawn


def draw_week(
    session: Session,
    week: Period,
    *,
    zone: ZoneInfo,
    plan: SamplingPlan,
    by: User | None = None,
    seed: str | None = None,
    at: datetime | None = None,
    address: str | None = None,
) -> Draw:
    """Draw a week's calls (see qa.sampling.draw_calls), bring over unfinished ones, and give each its inspector.

    Raises:
        Refused: there is nothing to draw.
    """
    made = draw_calls(session, week, zone=zone, plan=plan, by=by, seed=seed, at=at, address=address)
    carry_over(session, made, by=by, address=address)
    assign_draw(session, made)
    top_up_joint(session, made, zone=zone)
    return made


# --- who reviews what -------------------------------------------------------------------------------------------


def assign_draw(session: Session, made: Draw) -> int:
    """Give every drawn call without an inspector one, joint ones two; return how many found nobody."""
    rules = rules_of(made)
    inspectors = inspectors_of(session, rules)
    calls = session.scalars(
        select(SampledCall)
        .where(SampledCall.draw_id == made.id, SampledCall.withdrawn_at.is_(None))
        .options(
            joinedload(SampledCall.agent),
            joinedload(SampledCall.call).joinedload(Call.agent),
            joinedload(SampledCall.assignments),
        )
        .order_by(SampledCall.id)
    ).unique()
    waiting = [one for one in calls if len(one.assignments) < 1 + one.joint]
    seen = _seen(session, made.drawn_at)
    due = made.due_on
    left = 0
    for second in (False, True):
        tasks = {
            str(one.id): one for one in waiting if (one.joint if second else True) and len(one.assignments) == second
        }
        people = _people(session, inspectors, rules.quota)
        found = assign([_task(one, inspectors) for one in tasks.values()], people, seen, f"{made.seed}/{second}")
        for key, inspector_id in found.items():
            tasks[key].assignments.append(
                ReviewAssignment(inspector_id=inspector_id, second=second, due_on=due, first_due_on=due)
            )
        session.flush()
        left += len(tasks) - len(found)
    return left


def top_up_joint(session: Session, made: Draw, *, zone: ZoneInfo) -> int:
    """Give further random calls of a draw a second inspector; return how many.

    Nobody is to have fewer joint reviews in a month than the plan says, or than they have reviews; which calls it
    becomes is chance's matter (scoring.allocation.more_joint). A call belongs to the month in which it began.
    """
    rules = rules_of(made)
    inspectors = inspectors_of(session, rules)
    last = (made.ends_at - timedelta(seconds=1)).astimezone(zone).date()
    first = Period.of_day(made.begins_at.astimezone(zone).date(), PeriodKind.MONTH)
    added = []
    for month in dict.fromkeys((first, Period.of_day(last, PeriodKind.MONTH))):
        singles = _singles(session, made, month, zone)
        tasks = [_task(one, inspectors) for one in singles.values()]
        found = more_joint(
            [
                Single(task.key, task.agent, singles[task.key].assignments[0].inspector_id, task.barred)
                for task in tasks
            ],
            joint_counts(session, month, zone=zone),
            _people(session, inspectors, rules.quota),
            rules.joint_least,
            _seen(session, made.drawn_at),
            made.seed,
        )
        for key, inspector_id in found.items():
            singles[key].joint = True
            singles[key].assignments.append(
                ReviewAssignment(inspector_id=inspector_id, second=True, due_on=made.due_on, first_due_on=made.due_on)
            )
            added.append(singles[key].call_id)
        session.flush()
    if added:
        audit.record(session, "sample.made_joint", subject=("draw", made.id), calls=added)
    return len(added)


def _singles(session: Session, made: Draw, month: Period, zone: ZoneInfo) -> dict[str, SampledCall]:
    """Return the random calls of a draw that began in `month` and have one inspector, by id as text."""
    start, end = month.bounds(zone)
    calls = session.scalars(
        select(SampledCall)
        .join(SampledCall.call)
        .where(
            SampledCall.draw_id == made.id,
            SampledCall.reason == ReviewReason.RANDOM,
            SampledCall.withdrawn_at.is_(None),
            Call.started_at >= start,
            Call.started_at < end,
        )
        .options(
            joinedload(SampledCall.agent),
            contains_eager(SampledCall.call).joinedload(Call.agent),
            joinedload(SampledCall.assignments),
        )
        .order_by(SampledCall.id)
    ).unique()
    return {str(one.id): one for one in calls if len(one.assignments) == 1}


def joint_counts(session: Session, month: Period, *, zone: ZoneInfo) -> dict[int, JointCount]:
    """Return how many calls that began in `month` inspectors were given, and how many together with another."""
    start, end = month.bounds(zone)
    other = aliased(ReviewAssignment)
    shared = exists().where(
        other.sampled_call_id == ReviewAssignment.sampled_call_id, other.inspector_id != ReviewAssignment.inspector_id
    )
    rows = session.execute(
        select(ReviewAssignment.inspector_id, func.count(), func.sum(case((shared, 1), else_=0)))
        .join(ReviewAssignment.sampled)
        .join(SampledCall.call)
        .where(SampledCall.withdrawn_at.is_(None), Call.started_at >= start, Call.started_at < end)
        .group_by(ReviewAssignment.inspector_id)
    ).tuples()
    return {inspector: JointCount(reviews, int(joint or 0)) for inspector, reviews, joint in rows}


def too_few_joint(session: Session, month: Period, least: int, *, zone: ZoneInfo) -> list[tuple[User, JointCount]]:
    """Return the active inspectors with reviews in `month` and fewer joint ones than `least`, by name.

    Unlike in the choice, whoever has fewer reviews than `least` in all is here too.
    """
    counts = joint_counts(session, month, zone=zone)
    below = {who for who, found in counts.items() if found.joint < least}
    people = session.scalars(select(User).where(User.id.in_(below), User.active).order_by(User.name, User.id))
    return [(user, counts[user.id]) for user in people]


def inspectors_of(session: Session, rules: PlanRules) -> list[User]:
    """Return the active people who review for a plan: those it names, else every inspector."""
    people = select(User).where(User.active).options(joinedload(User.agent)).order_by(User.id)
    if rules.inspectors:
        people = people.where(User.login.in_(rules.inspectors), User.role.in_(REVIEWERS))
    else:
        people = people.where(User.role == Role.INSPECTOR)
    return list(session.scalars(people))


def _task(one: SampledCall, inspectors: Collection[User]) -> Task:
    agent = one.agent_now
    barred = {user.id for user in inspectors if dependence(user, agent) is not None}
    return Task(str(one.id), agent.number, frozenset(barred | {given.inspector_id for given in one.assignments}))


def _people(session: Session, inspectors: Collection[User], quota: int | None) -> list[Inspector]:
    open_tasks = dict(
        session.execute(
            select(ReviewAssignment.inspector_id, func.count()).where(~_done()).group_by(ReviewAssignment.inspector_id)
        )
        .tuples()
        .all()
    )
    return [Inspector(user.id, open_tasks.get(user.id, 0), quota) for user in inspectors]


def _seen(session: Session, before: datetime) -> dict[tuple[int, str], int]:
    rows = session.execute(
        select(ReviewAssignment.inspector_id, Agent.number, func.count())
        .join(ReviewAssignment.sampled)
        .join(SampledCall.agent)
        .where(ReviewAssignment.assigned_at >= before - timedelta(days=ROTATION_DAYS))
        .group_by(ReviewAssignment.inspector_id, Agent.number)
    )
    return {(inspector, number): count for inspector, number, count in rows}


def _done() -> ColumnElement[bool]:
    """Whether the inspector of an assignment has submitted the review of its call."""
    return (
        exists()
        .where(
            SampledCall.id == ReviewAssignment.sampled_call_id,
            Review.call_id == SampledCall.call_id,
            Review.inspector_id == ReviewAssignment.inspector_id,
            Review.state.in_(FINISHED),
            Review.ordinary,
        )
        .correlate(ReviewAssignment)
    )


def open_tasks(inspector_id: int) -> Select[ReviewAssignment]:
    """Return the query of an inspector's open tasks, what is due first in front and what was put off at the end."""
    return (
        select(ReviewAssignment)
        .join(ReviewAssignment.sampled)
        .join(SampledCall.call)
        .where(ReviewAssignment.inspector_id == inspector_id, ~_done())
        .options(
            contains_eager(ReviewAssignment.sampled).contains_eager(SampledCall.call).joinedload(Call.auto_score),
            contains_eager(ReviewAssignment.sampled).contains_eager(SampledCall.call).joinedload(Call.agent),
        )
        .order_by(ReviewAssignment.skipped_at.nulls_first(), ReviewAssignment.due_on, ReviewAssignment.id)
    )


def queue_of(session: Session, inspector_id: int) -> list[tuple[int, int]]:
    """Return an inspector's open tasks in their order, each as (id of the task, id of its call)."""
    rows = session.execute(
        open_tasks(inspector_id).options(noload("*")).with_only_columns(ReviewAssignment.id, SampledCall.call_id)
    )
    return [(task, call) for task, call in rows]


def put_off(
    session: Session, assignment: ReviewAssignment, by: User, reason: str, *, address: str | None = None
) -> None:
    """Let the other tasks of an inspector come before this one; it stays theirs and is due when it was.

    Raises:
        Refused: no reason is given, it is somebody else's, or it is done.
    """
    reason = reason.strip()
    if not reason:
        raise Refused(N_("Say why the call is put off."), field="reason")
    if len(reason) > MAX_NOTE:
        raise Refused(N_("A note may have %(limit)s characters."), field="reason", limit=MAX_NOTE)
    if assignment.inspector_id != by.id:
        raise Refused(N_("This task is somebody else's."))
    if is_done(session, assignment):
        raise Refused(N_("This call is reviewed already."))
    assignment.skipped_at, assignment.skipped_reason = now(), reason
    session.flush()
    audit.record(
        session,
        "sample.put_off",
        user_id=by.id,
        subject=("call", assignment.sampled.call_id),
        address=address,
        draw=assignment.sampled.draw_id,
    )


def move_assignment(
    session: Session, assignment: ReviewAssignment, to: User, by: User, *, address: str | None = None
) -> None:
    """Give a task to somebody else.

    Raises:
        Refused: it is done, the other may not judge the call or has it already.
    """
    sampled = assignment.sampled
    refusal = conflict(to, sampled.call)
    if not to.active or refusal is not None:
        raise refusal or Refused(N_("%(name)s does not work here any more."), name=to.name)
    if any(other.inspector_id == to.id for other in sampled.assignments):
        raise Refused(N_("%(name)s has this call already."), name=to.name)
    if is_done(session, assignment):
        raise Refused(N_("This call is reviewed already."))
    before = assignment.inspector_id
    assignment.inspector = to
    session.flush()
    audit.record(
        session,
        "sample.moved",
        user_id=by.id,
        subject=("call", sampled.call_id),
        address=address,
        draw=sampled.draw_id,
        before=before,
        after=to.id,
    )


def assign_one(session: Session, sampled: SampledCall, to: User, by: User, *, address: str | None = None) -> None:
    """Give a drawn call that found nobody an inspector.

    Raises:
        Refused: the other may not judge the call or has it already, or the call is withdrawn.
    """
    if sampled.withdrawn_at is not None:
        raise Refused(N_("This call is withdrawn from the sample."))
    refusal = conflict(to, sampled.call)
    if refusal is not None:
        raise refusal
    if any(other.inspector_id == to.id for other in sampled.assignments):
        raise Refused(N_("%(name)s has this call already."), name=to.name)
    due = sampled.draw.due_on
    sampled.assignments.append(
        ReviewAssignment(inspector=to, second=bool(sampled.assignments), due_on=due, first_due_on=due)
    )
    session.flush()
    audit.record(
        session,
        "sample.moved",
        user_id=by.id,
        subject=("call", sampled.call_id),
        address=address,
        draw=sampled.draw_id,
        before=None,
        after=to.id,
    )


def is_done(session: Session, assignment: ReviewAssignment) -> bool:
    return bool(session.scalar(select(_done()).where(ReviewAssignment.id == assignment.id)))


def carry_over(session: Session, made: Draw, *, by: User | None = None, address: str | None = None) -> int:
    """Bring what is unfinished of the plan's earlier weeks into this one; return how many tasks that are.

    They are due with the new ones. Tasks of people who have left go to others.
    """
    rules = rules_of(made)
    due = made.due_on
    late = session.scalars(
        select(ReviewAssignment)
        .join(ReviewAssignment.sampled)
        .join(SampledCall.draw)
        .where(Draw.plan_id == made.plan_id, Draw.week < made.week, ReviewAssignment.due_on < due, ~_done())
        .options(
            contains_eager(ReviewAssignment.sampled).joinedload(SampledCall.agent),
            contains_eager(ReviewAssignment.sampled).joinedload(SampledCall.call).joinedload(Call.agent),
            joinedload(ReviewAssignment.inspector),
        )
    ).all()
    for task in late:
        task.due_on = due
        task.carried += 1
    _hand_on(session, [task for task in late if not task.inspector.active], rules, made)
    session.flush()
    if late:
        audit.record(
            session,
            "sample.carried_over",
            user_id=by.id if by else None,
            subject=("draw", made.id),
            address=address,
            tasks=[task.id for task in late],
        )
    return len(late)


def hand_over_dependent(session: Session, call: Call) -> int:
    """Give the open tasks of those who may not judge the agent of `call` to others; return how many there were.

    A task that nobody can take is left without an inspector, for a person to assign.
    """
    if call.agent is None:
        return 0
    tasks = session.scalars(
        select(ReviewAssignment)
        .join(ReviewAssignment.sampled)
        .where(SampledCall.call_id == call.id, SampledCall.withdrawn_at.is_(None), ~_done())
        .options(contains_eager(ReviewAssignment.sampled), joinedload(ReviewAssignment.inspector))
        .order_by(ReviewAssignment.id)
    ).all()
    dependent = [task for task in tasks if dependence(task.inspector, call.agent) is not None]
    for task in dependent:
        made = task.sampled.draw
        if not _hand_on(session, [task], rules_of(made), made):
            task.sampled.assignments.remove(task)
        session.flush()
    return len(dependent)


def _hand_on(session: Session, left: Sequence[ReviewAssignment], rules: PlanRules, made: Draw) -> int:
    """Give tasks to others; return how many found somebody."""
    inspectors = inspectors_of(session, rules)
    tasks = {str(task.id): task for task in left}
    wanted = [replace(_task(task.sampled, inspectors), key=key) for key, task in tasks.items()]
    found = assign(wanted, _people(session, inspectors, rules.quota), _seen(session, made.drawn_at), made.seed)
    for key, inspector_id in found.items():
        tasks[key].inspector_id = inspector_id
    return len(found)


# --- unsuitable calls -------------------------------------------------------------------------------------------


def withdraw(
    session: Session,
    sampled: SampledCall,
    by: User,
    reason: str,
    *,
    note: str | None = None,
    address: str | None = None,
) -> SampledCall | None:
    """Take a call out of the sample and let the next reserve of its agent and stratum take its place.

    Returns:
        The call in its place; None for a targeted call, and when no reserve is left.

    Raises:
        Refused: the reason is unknown or "other" without a note, or the call is withdrawn or reviewed already.
    """
    note = (note or "").strip() or None
    if reason not in UNSUITABLE:
        raise Refused(N_("Say why the call cannot be reviewed."), field="reason")
    if reason == "other" and note is None:
        raise Refused(N_("Say in words why the call cannot be reviewed."), field="note")
    if note and len(note) > MAX_NOTE:
        raise Refused(N_("A note may have %(limit)s characters."), field="note", limit=MAX_NOTE)
    if sampled.withdrawn_at is not None:
        raise Refused(N_("This call is withdrawn from the sample."))
    if any(is_done(session, one) for one in sampled.assignments):
        raise Refused(N_("This call is reviewed already."))

    sampled.withdrawn_at, sampled.withdrawn_by = now(), by
    sampled.withdrawn_reason, sampled.withdrawn_note = reason, note
    inspectors = [(one.inspector_id, one.second, one.due_on, one.first_due_on) for one in sampled.assignments]
    sampled.assignments.clear()
    session.flush()
    replacement = _next_reserve(session, sampled) if sampled.reason is ReviewReason.RANDOM else None
    if replacement is not None:
        session.add(replacement)
        for inspector_id, second, due, first_due in inspectors:
            replacement.assignments.append(
                ReviewAssignment(inspector_id=inspector_id, second=second, due_on=due, first_due_on=first_due)
            )
        session.flush()
    audit.record(
        session,
        "sample.replaced",
        user_id=by.id,
        subject=("call", sampled.call_id),
        address=address,
        draw=sampled.draw_id,
        reason=reason,
        by_call=replacement.call_id if replacement else None,
    )
    return replacement


def _next_reserve(session: Session, sampled: SampledCall) -> SampledCall | None:
    """Return the row of the reserve whose turn it is, not yet added."""
    made = sampled.draw
    rules, frame = rules_of(made), frame_of(made)
    used = set(
        session.scalars(
            select(Call.content_hash)
            .join(SampledCall, SampledCall.call_id == Call.id)
            .where(SampledCall.draw_id == made.id)
        )
    )
    units = {unit.key: unit for unit in frame.units}
    unit = units[sampled.call.content_hash]
    of_agent = [one for one in frame.units if one.agent == unit.agent]
    chances = inclusion_probabilities(of_agent, frame.sizes[unit.agent], rules.how, span_of(made))
    outcome = Outcome(tuple(Chosen(units[key], chances[key]) for key in used if key in chances), (), chances)
    free = [one for one in reserves(outcome, unit, frame, made.seed) if one.key not in used]
    if not free:
        return None
    call = session.scalars(select(Call).where(Call.content_hash == free[0].key)).one()
    return SampledCall(
        draw=made,
        call=call,
        agent_id=sampled.agent_id,
        reason=ReviewReason.RANDOM,
        why=sampled.why,
        stratum=sampled.stratum,
        probability=float(chances[free[0].key]),
        joint=sampled.joint,
        replaces=sampled,
    )


def bias_report(session: Session, drawn: Sequence[ColumnElement[bool]] = ()) -> BiasReport:
    """Return what withdrawing did to the random samples of the draws that `drawn` describes; one query.

    Args:
        drawn: conditions on Draw and SampledCall; none: all draws.
    """
    by = aliased(User)
    rows = session.execute(
        select(
            SampledCall.withdrawn_reason, by.name.label("person"), SampledCall.replaces_id, AutoScore.raw.label("score")
        )
        .join(SampledCall.draw)
        .outerjoin(AutoScore, AutoScore.call_id == SampledCall.call_id)
        .outerjoin(by, by.id == SampledCall.withdrawn_by_id)
        .where(SampledCall.reason == ReviewReason.RANDOM, *drawn)
    ).all()
    out = [row for row in rows if row.withdrawn_reason is not None]
    kept = [row for row in rows if row.withdrawn_reason is None]
    return BiasReport(
        drawn=sum(row.replaces_id is None for row in rows),
        withdrawn=len(out),
        by_reason=dict(Counter(row.withdrawn_reason for row in out).most_common()),
        by_person=dict(Counter(row.person or "" for row in out).most_common()),
        mean_kept=_mean(row.score for row in kept if row.replaces_id is None),
        mean_withdrawn=_mean(row.score for row in out),
        mean_in_place=_mean(row.score for row in kept if row.replaces_id is not None),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


# --- how far it is ------------------------------------------------------------------------------------------------


def progress(
    session: Session, week: Period, *, zone: ZoneInfo, today: date, only: Sequence[ColumnElement[bool]] = ()
) -> list[Progress]:
    """Return how far each inspector is with the calls drawn for `week`, by name; two queries.

    Args:
        only: further conditions on Draw and SampledCall.
    """
    rows = session.execute(
        select(ReviewAssignment.inspector_id, ReviewAssignment.due_on, ReviewAssignment.carried, Review.submitted_at)
        .join(ReviewAssignment.sampled)
        .join(SampledCall.draw)
        .outerjoin(
            Review,
            (Review.call_id == SampledCall.call_id)
            & (Review.inspector_id == ReviewAssignment.inspector_id)
            & Review.state.in_(FINISHED)
            & Review.ordinary,
        )
        .where(Draw.week == week.label, SampledCall.withdrawn_at.is_(None), *only)
    ).all()
    people = {
        user.id: user for user in session.scalars(select(User).where(User.id.in_({row.inspector_id for row in rows})))
    }
    found = {one: Progress(user) for one, user in people.items()}
    for inspector_id, due_on, carried, submitted_at in rows:
        one = found[inspector_id]
        one.assigned += 1
        one.carried += carried > 0
        if submitted_at is not None:
            day = submitted_at.astimezone(zone).date()
            one.done += 1
            one.by_day[day] = one.by_day.get(day, 0) + 1
        elif due_on < today:
            one.overdue += 1
    return sorted(found.values(), key=lambda one: (one.inspector.name, one.inspector.id))
