"""The plan of test calls keeps its rules whatever it is made from, and names what it cannot keep."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.criteria_file import CriteriaError
from scoring.scenario import load_scenarios
from scoring.shipped import shipped
from scoring.test_plan import Plan, PlanError, PlanRules, plan_tests

NOVEMBER = [date(2026, 11, 1) + timedelta(days=n) for n in range(30)]
NUMBERS = [f"1380000{n:04}" for n in range(25)]
SCENARIOS = {1: ("calm", "angry"), 2: ("hurried",), 3: ("calm", "elderly", "confused")}


def november(calls: int = 40, testers: int = 10, *, seed: str = "a", **rules: object) -> Plan:
    return plan_tests(
        NOVEMBER,
        range(1, testers + 1),
        NUMBERS,
        SCENARIOS,
        PlanRules(calls, **rules),
        seed=seed,  # type: ignore[arg-type]
    )


def test_a_plan_has_its_shares_of_weekends_and_evenings() -> None:
    plan = november()

    assert plan.shortfalls == ()
    assert len(plan.calls) == 40
    assert sum(call.day.weekday() >= 5 for call in plan.calls) == 10
    assert sum(call.hour >= 18 for call in plan.calls) == 10


def test_a_plan_can_be_drawn_again_and_another_seed_gives_another() -> None:
    assert november() == november()
    assert november() != november(seed="b")


RULES = st.builds(
    PlanRules,
    calls=st.integers(1, 80),
    max_per_tester=st.integers(1, 6),
    weekend_share=st.floats(0, 1),
    evening_share=st.floats(0, 1),
    first_hour=st.integers(0, 12),
    last_hour=st.integers(13, 24),
    evening_from=st.integers(10, 22),
)


@given(
    rules=RULES,
    start=st.integers(0, 25),
    length=st.integers(1, 30),
    testers=st.lists(st.integers(1, 50), min_size=1, max_size=12, unique=True),
    numbers=st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=25, unique=True),
    seed=st.text(max_size=8),
)
def test_every_plan_keeps_its_rules_or_says_which_it_cannot(
    rules: PlanRules, start: int, length: int, testers: list[int], numbers: list[str], seed: str
) -> None:
    days = NOVEMBER[start : start + length]

    plan = plan_tests(days, testers, numbers, SCENARIOS, rules, seed=seed)

    missing = {short.of: short for short in plan.shortfalls}
    made = Counter(call.tester for call in plan.calls)
    assert max(made.values()) <= rules.max_per_tester
    assert max(made.values()) - min(made[tester] for tester in testers) <= 1
    assert len(plan.calls) == (missing["calls"].found if "calls" in missing else rules.calls)
    assert all(call.day in days and rules.first_hour <= call.hour < rules.last_hour for call in plan.calls)
    assert all(call.persona in SCENARIOS[call.scenario] for call in plan.calls)
    used = Counter(call.number for call in plan.calls)
    assert max(used.values()) - min(used[number] for number in numbers) <= 1
    assert ("numbers" in missing) == (len(numbers) < rules.min_numbers)
    for kind in (lambda call: call.day.weekday() >= 5, lambda call: call.day.weekday() < 5):
        for hours in (rules.evening_hours, rules.day_hours):
            at = Counter(call.hour for call in plan.calls if kind(call) and call.hour in hours)
            if at:
                assert max(at.values()) - min(at[hour] for hour in hours) <= 1
    if any(day.weekday() < 5 for day in days):
        wanted = round(len(plan.calls) * rules.weekend_share)
        found = sum(call.day.weekday() >= 5 for call in plan.calls)
        assert found == (missing["weekend"].found if "weekend" in missing else wanted)


def test_a_tester_meets_a_scenario_again_only_after_all_others() -> None:
    for tester in range(1, 11):
        mine = [call.scenario for call in november(calls=50).calls if call.tester == tester]

        assert len(set(mine[:3])) == 3


@pytest.mark.parametrize(
    "rules", [{"calls": 0}, {"calls": 5, "first_hour": 10, "last_hour": 10}, {"calls": 5, "weekend_share": 1.5}]
)
def test_rules_that_make_no_sense_are_refused(rules: dict[str, int]) -> None:
    with pytest.raises(PlanError):
        PlanRules(**rules)


def test_a_plan_without_testers_is_refused() -> None:
    with pytest.raises(PlanError, match="no tester"):
        plan_tests(NOVEMBER, [], NUMBERS, SCENARIOS, PlanRules(3), seed="a")


def test_the_shipped_scenarios_have_their_keys() -> None:
    scenarios = load_scenarios(shipped("test-scenarios"))

    assert {scenario.language for scenario in scenarios} == {"zh-CN", "en"}
    assert all(len(scenario.answer_key_points) >= 3 for scenario in scenarios)
    assert scenarios[0].valid_on(date(2026, 1, 1))
    assert not scenarios[0].valid_on(date(2025, 12, 31))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('valid_from: "2026-01-01"', 'valid_from: "2026-02-30"', "valid_from"),
        ('valid_from: "2026-01-01"', 'valid_from: "2026-01-01"\n      valid_to: "2025-01-01"', "lies before"),
        ("personas: [calm,", "personas: [bored,", "persona 'bored'"),
        ("follow_up_answer: 按天", "knowledge_url: 按天", "knowledge_url"),
        ("ZH-double-charge", "ZH-roaming", "twice"),
    ],
)
def test_a_wrong_scenario_is_named(old: str, new: str, message: str) -> None:
    text = shipped("test-scenarios").read_text(encoding="utf-8").replace(old, new, 1)

    with pytest.raises(CriteriaError, match=message):
        load_scenarios(text)
