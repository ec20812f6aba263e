"""Points of checks and flows inside the items of a scorecard."""

from __future__ import annotations

import pytest

from scoring.call_score import score_call
from scoring.criteria_file import CriteriaError
from scoring.marks import Answer, Mark
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.scorecard import load_scorecard
from tests.dialogues import Line, agent, customer, dialogue

RULES = """
phrase_set:
  id: test
  version: 1
  language: en
  checks:
    - id: EACH
      effect: {points: -2, per: hit, at_most: 5}
      conditions: {a: {any: [whatever], match: exact}}
      forbid: a
    - {id: ONCE, effect: {points: -3}, conditions: {a: {any: [no idea], match: exact}}, forbid: a}
    - {id: PLUS, effect: {points: 1}, conditions: {a: {any: [thank you very much indeed]}}, expect: a}
    - {id: PLAIN, conditions: {a: {any: [whatever], match: exact}}, forbid: a}
  flows:
    - id: SALE
      steps:
        - {id: offer, expect: {any: [special offer for you]}}
        - {id: price, expect: {entity: money}, points: -4}
"""


@pytest.fixture(scope="module")
def phrases() -> PhraseSet:
    return load_phrase_set(RULES)


def mark(phrases: PhraseSet, rules: str, *lines: Line, method: str = "answer", more: str = "", **how: float) -> Mark:
    card = load_scorecard(
        f"""
scorecard:
  id: card
  version: 1
  language: en
  method: {method}
  sections:
    - id: S
      name: All
      weight: 100
      items:
        - {{id: A, name: Tone, weight: 10, check: phrase, rules: [{rules}], decide: auto{more}}}
        - {{id: B, name: Rest, weight: 90, check: manual, decide: human, deduct: {{some: 5}}}}
""",
        phrases=phrases,
    )
    return score_call(dialogue(*lines, **how), card, phrases).marks[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "answer", "share"),
    [
        ("good morning", Answer.MET, 1.0),
        ("whatever", Answer.PARTLY, 0.8),
        ("whatever you say whatever", Answer.PARTLY, 0.6),
        ("whatever whatever whatever whatever", Answer.PARTLY, 0.5),  # five points at most
        ("whatever and no idea", Answer.PARTLY, 0.5),
        ("whatever and thank you very much indeed", Answer.PARTLY, 0.9),
        ("thank you very much indeed", Answer.MET, 1.0),  # never over the weight
    ],
)
def test_points_count_per_hit_or_once_inside_the_item(
    phrases: PhraseSet, words: str, answer: Answer, share: float
) -> None:
    found = mark(phrases, "EACH, ONCE, PLUS", agent(words), customer("ok"))

    assert found.answer is answer
    assert found.points == pytest.approx(share * found.possible)


def test_what_cannot_be_told_leaves_the_item_open(phrases: PhraseSet) -> None:
    found = mark(phrases, "EACH, ONCE", agent("whatever"), customer("ok"), confidence=0.3)

    assert (found.answer, found.points) == (Answer.CANNOT_TELL, None)


def test_a_flow_takes_off_the_points_of_missed_steps_and_is_idle_without_its_first(phrases: PhraseSet) -> None:
    missed = mark(phrases, "SALE", agent("i have a special offer for you"), customer("oh"), agent("so good"))
    idle = mark(phrases, "SALE", agent("hello"), customer("oh"))

    assert missed.points == pytest.approx(0.6 * missed.possible)
    assert idle.answer is Answer.NOT_APPLICABLE


def test_a_card_of_deductions_must_offer_people_the_same_points(phrases: PhraseSet) -> None:
    given = mark(
        phrases, "EACH, ONCE", agent("whatever whatever"), method="deduct", more=", deduct: {EACH: 2, ONCE: 3}"
    )

    assert given.deductions == (("EACH", 4.0),)
    with pytest.raises(CriteriaError, match=r"items\[0\].deduct: ONCE takes off 3: add ONCE: 3"):
        mark(phrases, "EACH, ONCE", agent("whatever"), method="deduct", more=", deduct: {EACH: 2}")


def test_checks_work_with_the_conditions_of_scorecards_too(phrases: PhraseSet) -> None:
    rude = mark(
        phrases, "EACH", agent("whatever whatever"), method="deduct",
        more=", deduct: {rude: 3}, when: {rude: each hit of EACH}",
    )  # fmt: skip
    plain = mark(phrases, "PLAIN", agent("whatever"), customer("ok"))

    assert rude.deductions == (("rude", 3.0), ("rude", 3.0))
    assert plain.answer is Answer.NOT_MET
