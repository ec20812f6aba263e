"""Test calls before they are made: the plan of a period, and who still owes which call."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from models import Role, TestAssignment, TestCall, TestPlan, TestScenario, User
from models.base import now
from qa import audit
from qa.periods import Period, PeriodKind
from qa.refusals import N_, Refused
from qa.test_calls import DIAL_TEST, LEADERS_TEST, MYSTERY_SHOPPER, REJECTED, default_sheet, enter_test_call
from qa.test_scenarios import card_of_scenario, scenarios_for
from scoring.test_plan import PlanError, PlanRules, plan_tests

# Who makes the tests of each kind.
TESTERS: Mapping[str, Role] = {
    MYSTERY_SHOPPER: Role.TEST_CALLER,
    DIAL_TEST: Role.INSPECTOR,
    LEADERS_TEST: Role.LEAD,
}
MAX_NUMBERS = 1_000
MAX_NUMBER = 40  # characters of a telephone number
MAX_CALLS = 5_000


@dataclass(frozen=True, slots=True)
class Duty:
    """How many tests somebody made in a week of those owed; what is voluntary is never overdue."""

    user: User
    source: str
    owed: int  # 0: voluntary
    done: int
    overdue: bool

    @property
    def mandatory(self) -> bool:
        return self.owed > 0


def rotation_months() -> int:
    """Return after how many months in a row a shopper rests, by the shipped sheet."""
    return int(default_sheet().plan.get("rotate_testers_months", 2))


def usual_rules(calls: int) -> PlanRules:
    """Return the rules of the shipped sheet."""
    plan = default_sheet().plan
    spread = plan.get("spread", {})
    return PlanRules(
        calls,
        max_per_tester=int(plan.get("max_calls_per_tester_month", 5)),
        min_numbers=int(plan.get("min_numbers_per_month", 20)),
        weekend_share=float(spread.get("weekend_share", 0.25)),
        evening_share=float(spread.get("evening_share", 0.25)),
    )


def free_testers(session: Session, source: str, period: Period, zone: ZoneInfo) -> list[User]:
    """Return who may be planned: active people of the kind's role; shoppers rest after `rotation_months` in a row.

    A voice that calls every month is known in the hotline by the third.
    """
    people = session.scalars(select(User).where(User.role == TESTERS[source], User.active).order_by(User.login)).all()
    if source != MYSTERY_SHOPPER:
        return list(people)
    months = Period.of_day(period.first_day, PeriodKind.MONTH).previous().back(rotation_months())
    served = [_testers_of(session, month, zone) for month in months]
    return [user for user in people if not all(user.id in month for month in served)]


def make_plan(
    session: Session,
    period: Period,
    source: str,
    rules: PlanRules,
    *,
    numbers: Collection[str],
    by: User,
    zone: ZoneInfo,
    tester_ids: Collection[int] | None = None,
    scenario_ids: Collection[int] | None = None,
    seed: str | None = None,
    address: str | None = None,
) -> TestPlan:
    """Draw the test calls of a period and give them to testers; the caller owns the transaction.

    Args:
        source: "MS" shoppers, "DT" inspectors, "LT" leaders.
        numbers: to call from.
        tester_ids: only these of the free testers; None: all of them.
        scenario_ids: only these of the scenarios that hold throughout the period; None: all of them.
        seed: None: a new one; a known one draws the same plan again.

    Raises:
        Refused: `by` is no lead, the period has a plan of this kind, or something to plan with is missing.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only a QA lead plans test calls."))
    if source not in TESTERS:
        raise Refused(N_("There is no such kind of test call."), field="source")
    if session.scalar(select(TestPlan.id).where(TestPlan.period == period.label, TestPlan.source == source)):
        raise Refused(N_("There is a plan of this kind for %(period)s already."), field="period", period=period.label)
    if rules.calls > MAX_CALLS:
        raise Refused(N_("A plan has at most %(limit)s calls."), field="calls", limit=MAX_CALLS)
    _refuse_numbers(numbers)
    testers = [user.id for user in free_testers(session, source, period, zone)]
    if tester_ids is not None:
        testers = [user for user in testers if user in set(tester_ids)]
    scenarios = scenarios_for(session, period.first_day, period.last_day)
    if scenario_ids is not None:
        scenarios = [one for one in scenarios if one.id in set(scenario_ids)]
    days = [period.first_day + timedelta(days=n) for n in range((period.last_day - period.first_day).days + 1)]
    seed = seed or secrets.token_hex(8)
    try:
        plan = plan_tests(
            days,
            testers,
            [number.strip() for number in numbers],
            {one.id: card_of_scenario(one).personas for one in scenarios},
            rules,
            seed=seed,
        )
    except PlanError:
        raise Refused(_what_is_missing(testers, numbers, scenarios)) from None
    stored = TestPlan(
        period=period.label,
        source=source,
        seed=seed,
        rules=asdict(rules),
        shortfalls=[asdict(short) for short in plan.shortfalls],
        created_by=by,
    )
    for call in plan.calls:
        opens = datetime.combine(call.day, time(call.hour), tzinfo=zone).astimezone(UTC)
        stored.assignments.append(
            TestAssignment(
                tester_id=call.tester,
                scenario_id=call.scenario,
                persona=call.persona,
                number_used=call.number,
                opens_at=opens,
                closes_at=opens + timedelta(hours=1),
            )
        )
    session.add(stored)
    session.flush()
    audit.record(
        session,
        "test_plan.drawn",
        user_id=by.id,
        subject=("test_plan", stored.id),
        address=address,
        period=period.label,
        source=source,
        seed=seed,
        calls=len(plan.calls),
    )
    return stored


def drop_plan(session: Session, plan: TestPlan, *, by: User, address: str | None = None) -> None:
    """Take back a plan of which nothing has been done.

    Raises:
        Refused: `by` is no lead, or a sheet has come in.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only a QA lead plans test calls."))
    if any(one.test_call_id is not None for one in plan.assignments):
        raise Refused(N_("Sheets of this plan have come in: it stays."))
    audit.record(
        session,
        "test_plan.dropped",
        user_id=by.id,
        subject=("test_plan", plan.id),
        address=address,
        period=plan.period,
        source=plan.source,
    )
    session.delete(plan)
    session.flush()


def visible_assignments(user: User) -> Select[TestAssignment]:
    """Return the query of the planned calls that `user` may read: leads all, everybody else their own."""
    wanted = select(TestAssignment).where(TestAssignment.cancelled_at.is_(None))
    return wanted if user.role is Role.LEAD else wanted.where(TestAssignment.tester_id == user.id)


def open_assignments(session: Session, user: User) -> list[TestAssignment]:
    """Return the calls that `user` is still to make, the next one first."""
    return list(
        session.scalars(
            visible_assignments(user)
            .where(TestAssignment.tester_id == user.id, TestAssignment.test_call_id.is_(None))
            .options(joinedload(TestAssignment.scenario), joinedload(TestAssignment.plan))
            .order_by(TestAssignment.opens_at, TestAssignment.id)
        )
    )


def enter_planned_call(
    session: Session,
    assignment: TestAssignment,
    *,
    tester: User,
    header: Mapping[str, str],
    answers: Mapping[str, Any],
    zone: ZoneInfo,
    address: str | None = None,
) -> TestCall:
    """Enter the sheet of a planned call: scenario, mood, number and key points are the plan's.

    Raises:
        Refused: the call is somebody else's or has its sheet, or the sheet is incomplete.
    """
    if assignment.tester_id != tester.id or assignment.cancelled_at is not None:
        raise Refused(N_("This call is planned for somebody else."))
    if assignment.test_call_id is not None:
        raise Refused(N_("The sheet of this call is there already."))
    scenario = card_of_scenario(assignment.scenario)
    planned = {
        "number_used": header.get("number_used") or assignment.number_used,
        "scenario_id": scenario.key,
        "persona": assignment.persona,
    }
    test = enter_test_call(
        session,
        source=assignment.plan.source,
        tester=tester,
        header={**header, **planned},
        answers=answers,
        zone=zone,
        key_points=len(scenario.answer_key_points),
        address=address,
    )
    assignment.test_call = test
    session.flush()
    return test


def off_plan(assignment: TestAssignment) -> bool:
    """Return whether a call was made outside its hour."""
    test = assignment.test_call
    return test is not None and not assignment.opens_at <= test.dialled_at < assignment.closes_at


def duties(session: Session, week: Period, *, zone: ZoneInfo, per_inspector: int) -> list[Duty]:
    """Return what inspectors and leaders did of the week's dial tests.

    Inspectors owe `per_inspector` in each week that began after they got their login; leaders may test and owe
    nothing, so they are never overdue.
    """
    start, end = week.bounds(zone)
    made: dict[tuple[int | None, str], int] = {
        (tester, source): n
        for tester, source, n in session.execute(
            select(TestCall.tester_id, TestCall.source, func.count())
            .where(TestCall.dialled_at >= start, TestCall.dialled_at < end, TestCall.status != REJECTED)
            .group_by(TestCall.tester_id, TestCall.source)
        ).tuples()
    }
    people = session.scalars(
        select(User).where(User.active, User.role.in_([Role.INSPECTOR, Role.LEAD])).order_by(User.name, User.id)
    )
    over = end <= now()
    found = []
    for user in people:
        source = DIAL_TEST if user.role is Role.INSPECTOR else LEADERS_TEST
        # Nobody owes anything for a week that began before they could log in.
        owed = per_inspector if user.role is Role.INSPECTOR and user.created_at <= start else 0
        done = made.get((user.id, source), 0)
        found.append(Duty(user, source, owed, done, over and done < owed))
    return found


def _testers_of(session: Session, month: Period, zone: ZoneInfo) -> set[int]:
    """Return who made or was planned to make a shopper's call in a month."""
    start, end = month.bounds(zone)
    made = session.scalars(
        select(TestCall.tester_id).where(
            TestCall.source == MYSTERY_SHOPPER, TestCall.dialled_at >= start, TestCall.dialled_at < end
        )
    )
    planned = session.scalars(
        select(TestAssignment.tester_id)
        .join(TestAssignment.plan)
        .where(
            TestPlan.source == MYSTERY_SHOPPER,
            TestAssignment.opens_at >= start,
            TestAssignment.opens_at < end,
            TestAssignment.cancelled_at.is_(None),
        )
    )
    return {tester for tester in [*made, *planned] if tester is not None}


def _refuse_numbers(numbers: Collection[str]) -> None:
    if len(numbers) > MAX_NUMBERS or any(len(number) > MAX_NUMBER for number in numbers):
        raise Refused(
            N_("Give at most %(limit)s numbers, one on each line, each of at most %(length)s characters."),
            field="numbers",
            limit=MAX_NUMBERS,
            length=MAX_NUMBER,
        )


def _what_is_missing(testers: Collection[int], numbers: Collection[str], scenarios: Collection[TestScenario]) -> str:
    if not testers:
        return N_("Nobody is free to test in this period: add a test caller, or wait until one has rested.")
    if not numbers:
        return N_("Give at least one number to call from.")
    if not scenarios:
        return N_("No scenario in use holds throughout this period: import one.")
    raise AssertionError("a period has days")
