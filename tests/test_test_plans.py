"""Plans of test calls: who may be planned, what a tester owes, and sheets that settle a planned call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEvent, Role, TestAssignment, TestCall, TestPlan, TestScenario, User
from qa.periods import Period
from qa.refusals import Refused
from qa.test_calls import candidates, enter_test_call, settle_by_hand, sheet_tallies
from qa.test_plans import (
    drop_plan,
    duties,
    enter_planned_call,
    free_testers,
    make_plan,
    off_plan,
    open_assignments,
    usual_rules,
    visible_assignments,
)
from qa.test_scenarios import scenario_version, store_scenarios
from scoring.scenario import load_scenarios
from scoring.shipped import shipped
from scoring.test_plan import PlanRules
from tests.factories import make_agent, make_call, make_user
from tests.test_test_calls import ANSWERED, ANSWERS, HEADER, SHANGHAI, entered, recorded

NOVEMBER = Period.parse("2026-11")
NUMBERS = [f"1390000{n:04}" for n in range(20)]
RULES = PlanRules(6, max_per_tester=5)


@pytest.fixture
def lead(session: Session) -> User:
    return make_user(session, Role.LEAD)


@pytest.fixture
def tester(session: Session) -> User:
    return make_user(session, Role.TEST_CALLER, "mia")


@pytest.fixture
def scenarios(session: Session, lead: User) -> list[TestScenario]:
    store_scenarios(session, load_scenarios(shipped("test-scenarios")), by=lead)
    return list(session.scalars(select(TestScenario)))


def planned(session: Session, lead: User, period: Period = NOVEMBER, **changes: Any) -> TestPlan:
    wanted: dict[str, Any] = {"numbers": NUMBERS, "by": lead, "zone": SHANGHAI, "seed": "one", **changes}
    return make_plan(session, period, wanted.pop("source", "MS"), wanted.pop("rules", RULES), **wanted)


def test_scenarios_are_stored_once_by_version(session: Session, lead: User, scenarios: list[TestScenario]) -> None:
    cards = load_scenarios(shipped("test-scenarios"))
    changed = cards[0].model_copy(update={"title": "Another"})
    newer = cards[0].model_copy(update={"title": "Another", "version": 2})

    assert store_scenarios(session, cards, by=lead).unchanged == len(scenarios) == 4
    with pytest.raises(Refused, match="give the changed one a new version"):
        store_scenarios(session, [changed], by=lead)
    assert store_scenarios(session, [newer], by=lead).stored == 1

    active = scenario_version(session, "ZH-roaming")
    assert active is not None
    assert (active.version, active.title) == (2, "Another")
    older = scenario_version(session, "ZH-roaming/1")
    assert older is not None
    assert not older.active
    assert scenario_version(session, "ZH-roaming/x") is None


def test_a_plan_gives_every_call_a_tester_an_hour_and_a_scenario(
    session: Session, lead: User, tester: User, scenarios: list[TestScenario]
) -> None:
    other = make_user(session, Role.TEST_CALLER)
    make_user(session, Role.INSPECTOR)

    plan = planned(session, lead)

    start, end = NOVEMBER.bounds(SHANGHAI)
    assert {one.tester_id for one in plan.assignments} == {tester.id, other.id}
    assert len(plan.assignments) == 6
    assert all(start <= one.opens_at < one.closes_at <= end for one in plan.assignments)
    assert plan.shortfalls == []
    assert len(open_assignments(session, tester)) == 3
    assert session.scalars(select(AuditEvent.action)).all() == ["scenarios.stored", "test_plan.drawn"]


def test_the_same_seed_draws_the_same_plan(
    session: Session, lead: User, tester: User, scenarios: list[TestScenario]
) -> None:
    def drawn(seed: str) -> list[tuple[Any, ...]]:
        plan = planned(session, lead, rules=PlanRules(5), seed=seed)
        calls = [(one.scenario_id, one.persona, one.number_used, one.opens_at) for one in plan.assignments]
        drop_plan(session, plan, by=lead)
        return sorted(calls)

    assert drawn("one") == drawn("one") != drawn("two")


def test_what_the_rules_ask_for_and_cannot_have_is_kept_with_the_plan(
    session: Session, lead: User, tester: User, scenarios: list[TestScenario]
) -> None:
    plan = planned(session, lead, numbers=NUMBERS[:3], rules=usual_rules(30))

    assert plan.shortfalls == [
        {"of": "calls", "wanted": 30, "found": 5},
        {"of": "numbers", "wanted": 20, "found": 3},
    ]


def test_a_shopper_rests_after_two_months_in_a_row(
    session: Session, lead: User, tester: User, scenarios: list[TestScenario]
) -> None:
    for month in ("2026-09", "2026-10"):
        planned(session, lead, Period.parse(month))
    fresh = make_user(session, Role.TEST_CALLER)

    assert free_testers(session, "MS", NOVEMBER, SHANGHAI) == [fresh]
    assert set(free_testers(session, "MS", NOVEMBER.next(), SHANGHAI)) == {fresh, tester}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"numbers": []}, "at least one number"),
        ({"numbers": ["1" * 41]}, "at most 40 characters"),
        ({"tester_ids": []}, "Nobody is free"),
        ({"scenario_ids": []}, "No scenario in use"),
        ({"source": "XX"}, "no such kind"),
        ({"rules": PlanRules(9_999)}, "at most 5000 calls"),
    ],
)
def test_a_plan_that_cannot_be_made_says_what_is_missing(
    session: Session,
    lead: User,
    tester: User,
    scenarios: list[TestScenario],
    changes: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(Refused) as refusal:
        planned(session, lead, **changes)

    assert message in str(refusal.value)
    assert session.scalars(select(TestPlan)).all() == []


def test_a_period_has_one_plan_of_a_kind_and_only_leads_make_it(
    session: Session, lead: User, tester: User, scenarios: list[TestScenario]
) -> None:
    planned(session, lead)

    with pytest.raises(Refused, match="already"):
        planned(session, lead)
    with pytest.raises(Refused, match="Only a QA lead"):
        planned(session, make_user(session), Period.parse("2026-12"))


def test_a_key_that_runs_out_within_the_period_is_not_planned(
    session: Session, lead: User, tester: User, scenarios: list[TestScenario]
) -> None:
    card = load_scenarios(shipped("test-scenarios"))[0]
    ends = card.model_copy(update={"version": 2, "valid_to": NOVEMBER.first_day + timedelta(days=20)})
    store_scenarios(session, [ends], by=lead)

    plan = planned(session, lead)

    assert "ZH-roaming" not in {one.scenario.key for one in plan.assignments}


def sheet_of(session: Session, tester: User, assignment: TestAssignment) -> TestCall:
    header = {name: text for name, text in HEADER.items() if name not in ("scenario_id", "persona", "number_used")}
    return enter_planned_call(session, assignment, tester=tester, header=header, answers=ANSWERS, zone=SHANGHAI)


def test_the_sheet_of_a_planned_call_has_the_plans_scenario(
    session: Session, lead: User, tester: User, scenarios: list[TestScenario]
) -> None:
    plan = planned(session, lead, scenario_ids=[scenarios[0].id])
    first = plan.assignments[0]

    test = sheet_of(session, tester, first)

    assert (test.scenario, test.persona, test.source) == ("ZH-roaming/1", first.persona, "MS")
    assert (test.header["number_used"], test.header["key_points"]) == (first.number_used, 4)
    assert first.test_call is test
    assert first not in open_assignments(session, tester)
    assert off_plan(first) == (not first.opens_at <= test.dialled_at < first.closes_at)
    with pytest.raises(Refused, match="is there already"):
        sheet_of(session, tester, first)
    with pytest.raises(Refused, match="come in"):
        drop_plan(session, plan, by=lead)


def test_a_planned_call_is_nobody_elses(
    session: Session, lead: User, tester: User, scenarios: list[TestScenario]
) -> None:
    plan = planned(session, lead)
    other = make_user(session, Role.TEST_CALLER)

    with pytest.raises(Refused, match="somebody else"):
        sheet_of(session, other, plan.assignments[0])
    assert session.scalars(visible_assignments(other)).all() == []
    assert len(session.scalars(visible_assignments(lead)).all()) == len(plan.assignments)


def test_inspectors_owe_dial_tests_and_leaders_do_not(session: Session, lead: User) -> None:
    week = Period.parse("2026-W02")  # long over, whenever this is run
    diligent, idle = make_user(session, login="a"), make_user(session, login="b")
    for user in (diligent, idle):
        user.created_at = datetime(2026, 1, 1, tzinfo=UTC)
    newcomer = make_user(session, login="c")
    newcomer.created_at = datetime(2026, 1, 7, tzinfo=UTC)  # in the middle of the week
    header = {**HEADER, "dial_time": "2026-01-07 14:32:00"}
    entered(session, diligent, source="DT", header=header)
    entered(session, lead, source="LT", header=header)

    def found(per_inspector: int) -> dict[int, tuple[str, int, int, bool]]:
        week_duties = duties(session, week, zone=SHANGHAI, per_inspector=per_inspector)
        return {duty.user.id: (duty.source, duty.owed, duty.done, duty.overdue) for duty in week_duties}

    assert found(1) == {
        diligent.id: ("DT", 1, 1, False),
        idle.id: ("DT", 1, 0, True),
        newcomer.id: ("DT", 0, 0, False),
        lead.id: ("LT", 0, 1, False),
    }
    assert found(0)[idle.id] == ("DT", 0, 0, False)
    assert not any(one.overdue for one in duties(session, Period.parse("2999-W02"), zone=SHANGHAI, per_inspector=1))


def test_a_lead_names_the_recording_of_a_doubtful_sheet(session: Session, lead: User, tester: User) -> None:
    agent = make_agent(session, "0728")
    far = recorded(session, agent, customer_number="13900002222", started_at=ANSWERED + timedelta(hours=2))
    test = entered(session, tester)
    assert test.status == "quarantine"

    (candidate,) = candidates(session, test)
    assert (candidate.call, set(candidate.differing), candidate.taken) == (far, {"number", "time"}, False)
    settle_by_hand(session, test, far, by=lead, reason="The clock of the tester was wrong")

    assert (test.status, test.status_reason, test.call, test.agent) == ("matched", "by_hand", far, agent)
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "test_call.settled")).one()
    assert event.details["why"] == "The clock of the tester was wrong"
    with pytest.raises(Refused, match="in quarantine"):
        settle_by_hand(session, test, None, by=lead, reason="again")


def test_settling_by_hand_keeps_the_rules(session: Session, lead: User, tester: User) -> None:
    agent = make_agent(session, "0728")
    taken = recorded(session, agent)
    assert entered(session, tester).status == "matched"
    test = entered(session, tester)

    with pytest.raises(Refused, match="belongs to another"):
        settle_by_hand(session, test, taken, by=lead, reason="It is")
    with pytest.raises(Refused, match="Say why"):
        settle_by_hand(session, test, None, by=lead, reason=" ")
    for user in (tester, make_user(session)):
        with pytest.raises(Refused, match="Only a QA lead"):
            settle_by_hand(session, test, None, by=user, reason="x")
    settle_by_hand(session, test, None, by=lead, reason="No such call")
    assert (test.status, test.status_reason, test.call) == ("rejected", "rejected_by_hand", None)


def test_a_tester_of_the_team_stays_rejected_by_hand_too(session: Session, lead: User) -> None:
    agent = make_agent(session, "0728")
    far = recorded(session, agent, customer_number="1", started_at=ANSWERED + timedelta(hours=2))
    inspector = make_user(session, team=agent.team)
    test = entered(session, inspector, source="DT", header={**HEADER, "staff_number_heard": "9999"})

    settle_by_hand(session, test, far, by=lead, reason="Found by the notes")

    assert (test.status, test.status_reason) == ("rejected", "tester_in_same_team")


def test_matched_sheets_are_summed_up_by_agent_and_source(session: Session, lead: User, tester: User) -> None:
    agent = make_agent(session, "0728")
    recorded(session, agent)
    test = entered(session, tester)
    entered(session, make_user(session, Role.TEST_CALLER))  # finds its recording taken
    assert test.norms is not None
    assert test.knowledge is not None

    tally = sheet_tallies(session, NOVEMBER, zone=SHANGHAI)[agent.id]["MS"]

    assert (tally.n, tally.total) == (1, pytest.approx((test.norms + test.knowledge) / 2))
    assert sheet_tallies(session, NOVEMBER, zone=SHANGHAI, agent_ids=[agent.id + 1]) == {}


def test_a_leaders_test_has_a_tag_of_its_own(session: Session, lead: User) -> None:
    make_call(session, agent=make_agent(session, "0728"), started_at=ANSWERED, customer_number="13800001111")

    test = entered(session, lead, source="LT")

    assert (test.source, test.status) == ("LT", "matched")
    with pytest.raises(Refused, match="does not enter"):
        enter_test_call(
            session, source="LT", tester=make_user(session), header=HEADER, answers=ANSWERS, zone=SHANGHAI, key_points=4
        )


def test_a_sheet_takes_its_key_points_from_the_stored_scenario(session: Session, lead: User, tester: User) -> None:
    card = load_scenarios(shipped("test-scenarios"))[0]
    store_scenarios(session, [card], by=lead)

    test = entered(session, tester, key_points=None, header={**HEADER, "scenario_id": "ZH-roaming/1"})

    assert test.header["key_points"] == 4
    over = card.model_copy(update={"version": 2, "valid_to": NOVEMBER.first_day})
    store_scenarios(session, [over], by=lead)
    with pytest.raises(Refused, match="did not hold on that day") as refusal:
        entered(session, tester, header={**HEADER, "scenario_id": "ZH-roaming"})
    assert refusal.value.field == "scenario_id"
