"""Rules that are in effect on some days only."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calls import Call
from qa.pipeline import facts_of
from qa.settings import Settings
from scoring.call_score import score_call
from scoring.criteria_file import CriteriaError
from scoring.facts import CallFacts
from scoring.marks import Answer
from scoring.phrase_set import load_phrase_set
from scoring.rule_cases import CaseError, read_cases, run_case
from scoring.rules import check_rules
from scoring.scorecard import load_scorecard
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
        ("{from: 20261201}", "is no day: write it as 2026-12-31"),
        ("{from: soon}", "effective.from: is no day: write it as 2026-12-31"),
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


HANGING = """
phrase_set:
  id: hanging
  version: 1
  language: en
  required:
    - {id: NEW, role: agent, effective: {from: 2026-12-01}, parts: {a: [our new tariff]}}
    - {id: LATER, role: agent, order_after: NEW, parts: {a: [anything else]}}
  conditional:
    - {id: AFTER-NEW, role: agent, anchor: {rule: NEW, side: after, within_turns: 2}, parts: {a: [shall i send it]}}
  checks:
    - {id: BOTH, conditions: {more: {any: [anything else]}}, expect: NEW and more}
    - {id: EITHER, conditions: {more: {any: [anything else]}}, expect: NEW or more}
"""


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 12, 1), {"LATER": "not_met", "AFTER-NEW": "not_met", "BOTH": "met", "EITHER": "met"}),
        (date(2026, 11, 30), {"LATER": "met", "AFTER-NEW": "not_applicable", "BOTH": "cannot_tell", "EITHER": "met"}),
    ],
)
def test_what_hangs_on_a_rule_that_is_not_in_effect_punishes_nobody(day: date, expected: dict[str, str]) -> None:
    call = dialogue(agent("anything else"), agent("we have our new tariff"), agent("goodbye"))
    outcomes = check_rules(call, load_phrase_set(HANGING), facts=CallFacts(day=day))
    assert {rule: outcomes[rule].verdict.value for rule in expected} == expected


CARD = """
scorecard:
  id: card
  version: 1
  language: en
  call_types: [enquiry]
  pass_mark: 85
  method: answer
  scale: {met: 1.0, partly: 0.5, not_met: 0.0}
  floors: {item: 0, section: 0, total: 0}
  bonus_cap: 0
  sections:
    - id: S
      name: All
      weight: 100
      items:
        - {id: A, name: Old, weight: 60, check: phrase, rules: [LATER], na_unless: [NEW], decide: auto, class: customer}
        - {id: B, name: New, weight: 40, check: phrase, rules: [NEW], decide: auto, class: customer}
"""


def test_an_item_is_not_asked_for_by_a_rule_that_is_not_in_effect() -> None:
    phrases = load_phrase_set(HANGING)
    card = load_scorecard(CARD)
    call = dialogue(agent("we have our new tariff"), agent("anything else"))
    answers = {}
    for day in (date(2026, 11, 30), date(2026, 12, 1)):
        score = score_call(call, card, phrases, facts=CallFacts(day=day))
        answers[day.day] = {mark.item: mark.answer.value for mark in score.marks}
    assert answers[30] == {"A": "not_applicable", "B": "not_applicable"}
    assert answers[1] == {"A": "met", "B": "met"}


def test_a_test_case_may_have_a_day() -> None:
    phrases = load_phrase_set(HANGING)
    case = '{"id": "c", "dialogue": "agent: hello", "day": "2026-11-30", "expect": {"NEW": "not_applicable"}}'
    (read,) = read_cases(case, name="cases.jsonl", phrases=phrases)
    assert all(verdict.right for verdict in run_case(phrases, read).verdicts)
    with pytest.raises(CaseError, match="day: 'soon' is no day"):
        read_cases(case.replace("2026-11-30", "soon"), name="cases.jsonl", phrases=phrases)
