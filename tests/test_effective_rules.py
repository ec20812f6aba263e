"""Rules that are in effect on some days only."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calls import Call
from qa.pipeline import facts_of
from qa.settings import Settings
from scoring.criteria_file import CriteriaError
from scoring.facts import CallFacts
from scoring.marks import Answer
from scoring.phrase_set import load_phrase_set
from scoring.rules import check_rules
from tests.dialogues import agent, dialogue

RULES = """
phrase_set:
  id: seasons
  version: 1
  language: en
  required:
    - {{id: WINTER, role: agent, effective: {effective}, parts: {{tariff: [ask about our winter tariff]}}}}
  forbidden:
    - {{id: OLD-NAME, role: agent, severity: major, effective: {effective}, any: [lakeside telephone company]}}
  acoustic:
    - {{id: SPEED, role: agent, effective: {effective}, unit: words_per_min, low: 1, high: 2, min_words: 3}}
  checks:
    - {{id: CHECK, effective: {effective}, conditions: {{bye: {{any: [goodbye]}}}}, expect: bye}}
"""
CALL = dialogue(agent("welcome to the lakeside telephone company how may i help you"))
WINTER = "{from: 2026-12-01, until: 2027-02-28}"


def verdicts(effective: str, day: date | None) -> dict[str, Answer]:
    outcomes = check_rules(CALL, load_phrase_set(RULES.format(effective=effective)), facts=CallFacts(day=day))
    return {rule: outcome.verdict for rule, outcome in outcomes.items()}


@pytest.mark.parametrize("day", [date(2026, 12, 1), date(2027, 2, 28), None])
def test_a_rule_counts_from_its_first_day_to_its_last_and_in_typed_dialogues(day: date | None) -> None:
    assert verdicts(WINTER, day) == dict.fromkeys(("WINTER", "OLD-NAME", "SPEED", "CHECK"), Answer.NOT_MET)


@pytest.mark.parametrize("day", [date(2026, 11, 30), date(2027, 3, 1)])
def test_on_other_days_it_does_not_apply_and_says_so(day: date) -> None:
    outcomes = check_rules(CALL, load_phrase_set(RULES.format(effective=WINTER)), facts=CallFacts(day=day))
    for outcome in outcomes.values():
        (finding,) = outcome.findings
        assert (finding.verdict, finding.evidence.reason) == (Answer.NOT_APPLICABLE, "not_in_effect")
        assert finding.evidence.values["day"] == day.isoformat()


@given(st.dates(), st.integers(0, 400), st.integers(-500, 500))
def test_the_days_in_effect_are_those_between(first: date, length: int, offset: int) -> None:
    last = min(first.toordinal() + length, date.max.toordinal())
    day = date.fromordinal(min(max(first.toordinal() + offset, 1), date.max.toordinal()))
    days = f"{{from: {first}, until: {date.fromordinal(last)}}}"
    inside = first <= day <= date.fromordinal(last)
    assert (verdicts(days, day)["CHECK"] is Answer.NOT_MET) == inside
    assert (verdicts(f"{{from: {first}}}", day)["CHECK"] is Answer.NOT_MET) == (day >= first)
    assert (verdicts(f"{{until: {first}}}", day)["CHECK"] is Answer.NOT_MET) == (day <= first)


@pytest.mark.parametrize(
    ("effective", "message"),
    [
        ("{}", "give from, until or both"),
        ("{from: 2027-02-01, until: 2027-01-01}", "would never be in effect"),
        ("{from: 20261201}", "write a day as 2026-12-31"),
        ("{from: soon}", "effective"),
    ],
)
def test_days_that_cannot_be_are_refused_when_the_rules_are_read(effective: str, message: str) -> None:
    with pytest.raises(CriteriaError, match=message):
        load_phrase_set(RULES.format(effective=effective))


def test_a_stored_call_is_judged_by_its_day_in_the_organisations_time_zone() -> None:
    late = Call(started_at=datetime(2026, 11, 30, 18, 0, tzinfo=UTC), facts={}, language="zh-CN")
    day = facts_of(late, Settings(time_zone="Asia/Shanghai")).day
    assert day == date(2026, 12, 1)
    assert facts_of(late, Settings(time_zone="Europe/London")).day == day - timedelta(days=1)
