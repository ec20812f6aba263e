from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.call_score import AnswerError, GivenAnswer, conditions, score_answers, score_call, score_outcomes
from scoring.criteria_file import CriteriaError
from scoring.facts import CallFacts
from scoring.item_types import option_of
from scoring.marks import ANSWERED, Answer, CallScore, Evidence, Mark
from scoring.outcome import Finding, RuleOutcome
from scoring.scorecard import Scorecard, load_scorecard
from tests.dialogues import agent, customer, dialogue

MET, NOT_MET, PARTLY = Answer.MET, Answer.NOT_MET, Answer.PARTLY
NA, OPEN = Answer.NOT_APPLICABLE, Answer.CANNOT_TELL

CARD = """
scorecard:
  id: mixed
  version: 1
  language: en
  method: deduct
  min_answered: 0
  sections:
    - id: A
      name: Service
      weight: 60
      items:
        - {id: A1, name: Opening, weight: 20, check: manual, decide: human, deduct: {late: 5, none: 20}}
        - {id: A2, name: Told the price, weight: 10, type: yes_no, check: manual, decide: human, na: no price}
        - id: A3
          name: Tone
          weight: 20
          type: choice
          check: manual
          decide: human
          options: [{name: warm, share: 1}, {name: flat, share: 0.4}, {name: cold, share: 0}]
          guidance: {warm: as to a friend, not_met: cold words}
          causes: [tired, not trained]
        - {id: A4, name: Listening, weight: 10, type: met, check: manual, decide: human, na: rarely}
    - id: B
      name: Result
      weight: 40
      items:
        - {id: B1, name: Ease, weight: 20, type: scale, check: manual, decide: human, scale_from: 1, scale_to: 5,
           labels: {1: hard, 5: easy}, na: rarely}
        - id: B2
          name: Transfers
          weight: 20
          type: number
          check: manual
          decide: human
          unit: times
          na: rarely
          ranges: [{high: 0, share: 1}, {low: 1, high: 2, share: 0.5}, {low: 3, share: 0}]
        - {id: B3, name: What else, weight: 0, type: text, check: manual, decide: human}
"""
MIXED = load_scorecard(CARD)
BEST = {
    "A1": GivenAnswer(MET),
    "A2": GivenAnswer(MET),
    "A3": GivenAnswer(OPEN, value="warm"),
    "A4": GivenAnswer(MET),
    "B1": GivenAnswer(OPEN, value=5),
    "B2": GivenAnswer(OPEN, value=0),
}


def changed(path: tuple[int, int], **fields: Any) -> Scorecard:
    """The mixed card with fields of one item changed."""
    content = MIXED.model_dump(mode="json")
    content["sections"][path[0]]["items"][path[1]].update(fields)
    return Scorecard.model_validate(content)


def mark(score: CallScore, item: str) -> Mark:
    return next(mark for mark in score.marks if mark.item == item)


def test_an_item_without_a_type_is_of_the_card_s_method() -> None:
    kinds = {item.id: MIXED.type_of(item) for _, item in MIXED.items()}

    assert kinds == {
        "A1": "deduction", "A2": "yes_no", "A3": "choice", "A4": "met", "B1": "scale", "B2": "number", "B3": "text",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("item", "given", "answer", "points"),
    [
        ("A1", GivenAnswer(NOT_MET, ("late",)), PARTLY, 15),
        ("A1", GivenAnswer(NOT_MET), NOT_MET, 0),
        ("A2", GivenAnswer(NOT_MET), NOT_MET, 0),
        ("A3", GivenAnswer(OPEN, value="flat"), PARTLY, 8),
        ("A3", GivenAnswer(MET, value="cold"), NOT_MET, 0),
        ("A4", GivenAnswer(PARTLY), PARTLY, 5),
        ("B1", GivenAnswer(OPEN, value=1), NOT_MET, 0),
        ("B1", GivenAnswer(OPEN, value=4.0), PARTLY, 15),
        ("B2", GivenAnswer(OPEN, value=-1), MET, 20),
        ("B2", GivenAnswer(OPEN, value=2), PARTLY, 10),
        ("B2", GivenAnswer(OPEN, value=7.5), NOT_MET, 0),
    ],
)
def test_each_type_earns_its_share(item: str, given: GivenAnswer, answer: Answer, points: float) -> None:
    score = score_answers(MIXED, BEST | {item: given})

    assert (mark(score, item).answer, mark(score, item).points) == (answer, pytest.approx(points))
    assert score.raw == pytest.approx(100 - mark(score, item).possible + points)


def test_a_text_is_kept_and_judges_nothing() -> None:
    score = score_answers(MIXED, BEST | {"B3": GivenAnswer(OPEN, value="Asked for a branch.")})

    assert (mark(score, "B3").value, mark(score, "B3").points, score.raw) == ("Asked for a branch.", None, 100)
    assert score.answered_weight == 100


def test_value_and_causes_stand_in_the_mark() -> None:
    score = score_answers(MIXED, BEST | {"A3": GivenAnswer(OPEN, value="cold", causes=("tired",), comment="sighed")})

    found = mark(score, "A3")
    assert (found.value, found.causes, found.comment) == ("cold", ("tired",), "sighed")


@pytest.mark.parametrize(
    ("item", "given", "message"),
    [
        ("A2", GivenAnswer(PARTLY), "A2: is answered yes or no"),
        ("A2", GivenAnswer(MET, value="yes"), "A2: is answered met or not met: leave out the value 'yes'"),
        ("A2", GivenAnswer(NOT_MET, ("late",)), "A2: has no deductions"),
        ("A3", GivenAnswer(MET), "A3: met needs a value: choose one of warm, flat, cold"),
        ("A3", GivenAnswer(OPEN, value="lukewarm"), "A3: choose one of warm, flat, cold, not 'lukewarm'"),
        ("A3", GivenAnswer(NA, value="warm"), "A3: answered not_applicable, but has a value"),
        ("A3", GivenAnswer(OPEN, value="warm", causes=("tired",)), "A3: answered met, but has root causes"),
        ("A3", GivenAnswer(OPEN, value="cold", causes=("bored",)), "A3: no root cause 'bored': choose from tired, not"),
        ("A3", GivenAnswer(OPEN, ("late",), value="warm"), "A3: has no deductions"),
        ("B1", GivenAnswer(OPEN, value=6), "B1: choose a whole number from 1 to 5, not 6"),
        ("B1", GivenAnswer(OPEN, value=2.5), "B1: choose a whole number from 1 to 5, not 2.5"),
        ("B1", GivenAnswer(OPEN, value="3"), "B1: choose a whole number from 1 to 5, not '3'"),
        ("B2", GivenAnswer(OPEN, value="many"), "B2: give a number, not 'many'"),
        ("B2", GivenAnswer(OPEN, value=float("nan")), "B2: give a number, not nan"),
        ("B2", GivenAnswer(OPEN, value=2.5), "B2: no range of this item holds 2.5"),
        ("B3", GivenAnswer(OPEN, value=" "), "B3: write a text"),
    ],
)
def test_what_is_no_answer_is_refused_by_name(item: str, given: GivenAnswer, message: str) -> None:
    with pytest.raises(AnswerError) as refused:
        score_answers(MIXED, BEST | {item: given})

    assert message in str(refused.value)


def test_open_and_not_applicable_hand_their_weight_on() -> None:
    score = score_answers(MIXED, BEST | {"A3": GivenAnswer(OPEN), "B2": GivenAnswer(NA), "A4": GivenAnswer(NOT_MET)})

    assert (score.cannot_tell_weight, score.not_applicable_weight) == (20, 20)
    assert mark(score, "B1").possible == 40
    assert score.raw == pytest.approx(100 - 60 * 10 / 40)


# Conditional items.

ONLY_IF_PRICED = changed((0, 3), only_if={"item": "A2", "answers": ["met"]})


@pytest.mark.parametrize(
    ("asked", "holds", "possible"),
    [
        (GivenAnswer(MET), True, 10),
        (GivenAnswer(NOT_MET), False, 0),
        (GivenAnswer(NA), False, 0),
        (GivenAnswer(OPEN), None, 0),
    ],
)
def test_a_conditional_item_counts_only_after_its_answer(
    asked: GivenAnswer, holds: bool | None, possible: float
) -> None:
    answers = BEST | {"A2": asked, "A4": GivenAnswer(NOT_MET)}

    score = score_answers(ONLY_IF_PRICED, answers)

    assert conditions(ONLY_IF_PRICED, answers) == {"A4": holds}
    assert mark(score, "A4").possible == possible
    assert mark(score, "A4").answer is {True: NOT_MET, False: NA, None: OPEN}[holds]


@pytest.mark.parametrize(
    ("control", "answers", "value", "holds"),
    [
        ("A3", ["cold"], "cold", True),
        ("A3", ["cold"], "flat", False),
        ("A3", ["partly", "not_met"], "flat", True),
        ("B1", ["1", "2"], 2, True),
        ("B1", ["1", "2"], 3, False),
    ],
)
def test_a_condition_may_name_options_and_steps(control: str, answers: list[str], value: object, holds: bool) -> None:
    card = changed((1, 1), only_if={"item": control, "answers": answers})

    given_answers = BEST | {control: GivenAnswer(OPEN, value=value)}  # type: ignore[arg-type]

    assert conditions(card, given_answers) == {"B2": holds}


def test_what_depends_on_an_item_that_does_not_apply_does_not_apply_either() -> None:
    content = ONLY_IF_PRICED.model_dump(mode="json")
    content["sections"][1]["items"][0]["only_if"] = {"item": "A4", "answers": ["met", "partly", "not_met"]}
    card = Scorecard.model_validate(content)

    score = score_answers(card, BEST | {"A2": GivenAnswer(NOT_MET)})

    assert mark(score, "B1").answer is NA
    assert mark(score, "B2").possible == 40


# By the machine.


def outcome(*verdicts: Answer, kind: str = "missing") -> RuleOutcome:
    findings = [Finding("R", kind, verdict, Evidence("R", None, verdict.value, "not_said")) for verdict in verdicts]
    return RuleOutcome("R", tuple(findings))


def judged_by_rule(card: Scorecard, *verdicts: Answer) -> CallScore:
    return score_outcomes(card, None, {"R": outcome(*verdicts)}, CallFacts())


@pytest.mark.parametrize(
    ("kind", "verdicts", "answer"),
    [
        ("met", (MET, NOT_MET), PARTLY),
        ("yes_no", (MET, NOT_MET), NOT_MET),
        ("yes_no", (MET, MET), MET),
        ("yes_no", (MET, OPEN), OPEN),
        ("yes_no", (NA,), NA),
    ],
)
def test_rules_answer_yes_or_no(kind: str, verdicts: tuple[Answer, ...], answer: Answer) -> None:
    card = changed((0, 1), type=kind, check="phrase", rules=["R"], decide="auto")

    assert mark(judged_by_rule(card, *verdicts), "A2").answer is answer


@pytest.mark.parametrize(
    ("when", "verdicts", "value"),
    [
        ({"cold": "missing >= 2", "flat": "missing"}, (NOT_MET, NOT_MET), "cold"),
        ({"cold": "missing >= 2", "flat": "missing"}, (NOT_MET, MET), "flat"),
        ({"cold": "missing >= 2", "flat": "missing"}, (MET, MET), "warm"),
        ({"cold": "missing >= 2", "flat": "missing"}, (NOT_MET, OPEN), None),
        ({"cold": "missing"}, (MET, MET), None),  # warm or flat: that is for a person
        ({"cold": "missing"}, (NOT_MET, MET), "cold"),
    ],
)
def test_rules_choose_an_option_where_conditions_say_which(
    when: dict[str, str], verdicts: tuple[Answer, ...], value: str | None
) -> None:
    card = changed((0, 2), check="phrase", rules=["R"], decide="confirm", when=when)

    found = mark(judged_by_rule(card, *verdicts), "A3")

    assert (found.value, found.answer is OPEN) == (value, value is None)
    assert found.needs_person


@pytest.mark.parametrize(
    ("verdict", "answer", "reason"), [(NOT_MET, NA, "only_if_unmet"), (OPEN, OPEN, "only_if_open"), (MET, OPEN, None)]
)
def test_the_machine_leaves_out_what_is_not_asked_and_says_why(
    verdict: Answer, answer: Answer, reason: str | None
) -> None:
    content = ONLY_IF_PRICED.model_dump(mode="json")
    content["sections"][0]["items"][1].update(check="phrase", rules=["R"], decide="auto")
    card = Scorecard.model_validate(content)

    found = mark(judged_by_rule(card, verdict), "A4")

    assert found.answer is answer
    assert found.evidence[0].reason == (reason or "for_person")


def test_the_machine_leaves_values_to_people() -> None:
    score = score_call(dialogue(agent("hello"), customer("hello")), MIXED, None)

    assert {mark(score, item).answer for item in ("A3", "B1", "B2", "B3")} == {OPEN}


# Cards that cannot be.


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        ((0, 0), {"type": "deduction", "deduct": {}}, "item A1 has no deductions"),
        ((0, 1), {"deduct": {"late": 1}}, "deductions belong to the type deduction"),
        ((0, 1), {"weight": 0}, "a weight of 0 is for texts"),
        ((0, 1), {"options": [{"name": "a", "share": 1}]}, "options belongs to the type choice"),
        ((0, 1), {"only_if": {"item": "B1", "answers": ["1"]}}, "only_if names 'B1', which is no earlier item"),
        ((0, 1), {"only_if": {"item": "A2", "answers": ["met"]}}, "only_if names 'A2', which is no earlier item"),
        ((0, 2), {"only_if": {"item": "A2", "answers": ["partly"]}}, "A2 is never answered 'partly'"),
        ((0, 2), {"options": [{"name": "warm", "share": 1}]}, "a choice needs two options"),
        ((0, 2), {"options": [{"name": "a", "share": 1}] * 2}, "the option a is given twice"),
        ((0, 2), {"options": [{"name": "met", "share": 1}, {"name": "b", "share": 0}]}, "met is the name of an answer"),
        ((0, 2), {"guidance": {"hot": "?"}}, "item A3 has no answer 'hot'"),
        ((0, 2), {"decide": "confirm", "rules": ["R"]}, "rules cannot answer this type of item"),
        ((1, 0), {"scale_to": 1}, "scale_to must lie above scale_from"),
        ((1, 0), {"scale_to": None}, "a scale needs both ends"),
        ((1, 0), {"labels": {"9": "?"}}, "9 is no step of this scale"),
        ((1, 1), {"ranges": []}, "a number needs ranges"),
        ((1, 1), {"ranges": [{"low": 3, "high": 1, "share": 1}]}, "low comes first"),
        ((1, 2), {"weight": 5}, "a text is not scored"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(path: tuple[int, int], fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        changed(path, **fields)


def test_an_error_of_a_type_is_told_with_its_line() -> None:
    with pytest.raises(CriteriaError, match=r"<text>:21: sections\[0\]\.items\[2\]\.options"):
        load_scorecard(CARD.replace(", {name: flat, share: 0.4}, {name: cold, share: 0}", ""))


# Arithmetic that must hold for any answers to any types.


def _answers(card: Scorecard) -> st.SearchStrategy[dict[str, GivenAnswer]]:
    spared = st.sampled_from([GivenAnswer(NA), GivenAnswer(OPEN)])
    values: dict[str, st.SearchStrategy[GivenAnswer]] = {
        "deduction": st.lists(st.sampled_from(["late", "none"]), min_size=1).map(
            lambda names: GivenAnswer(NOT_MET, tuple(names))
        ),
        "met": st.sampled_from([MET, PARTLY, NOT_MET]).map(GivenAnswer),
        "yes_no": st.sampled_from([MET, NOT_MET]).map(GivenAnswer),
        "choice": st.sampled_from(["warm", "flat", "cold"]).map(lambda name: GivenAnswer(OPEN, value=name)),
        "scale": st.integers(1, 5).map(lambda step: GivenAnswer(OPEN, value=step)),
        "number": st.integers(-3, 9).map(lambda number: GivenAnswer(OPEN, value=number)),
        "text": st.just(GivenAnswer(OPEN, value="words")),
    }
    entries = {item.id: st.one_of(values[card.type_of(item)], spared) for _, item in card.items()}
    return st.fixed_dictionaries({}, optional=entries)


@st.composite
def _cards(draw: st.DrawFn) -> Scorecard:
    """The mixed card with conditions between its items drawn at random."""
    content = MIXED.model_dump(mode="json")
    items = [item for section in content["sections"] for item in section["items"]]
    for at, item in enumerate(items[1:], start=1):
        earlier = [one["id"] for one in items[:at] if one["type"] != "text"]
        if draw(st.booleans()):
            item["only_if"] = {"item": draw(st.sampled_from(earlier)), "answers": ["met"]}
    return Scorecard.model_validate(content)


@given(_cards(), st.data())
@settings(max_examples=80)
def test_any_answers_give_a_sound_score(card: Scorecard, data: st.DataObject) -> None:
    answers = data.draw(_answers(card))

    score = score_answers(card, answers)

    marks = {one.item: one for one in score.marks}
    counted = [one for one in score.marks if one.answer in ANSWERED]
    assert sum(one.possible for one in counted) == pytest.approx(100 if counted else 0, abs=0.01)
    assert all(one.possible == 0 and one.points is None for one in score.marks if one.answer in (NA, OPEN))
    assert score.answered_weight + score.cannot_tell_weight + score.not_applicable_weight == pytest.approx(100)
    assert score.raw is None or 0 <= score.raw <= 100
    for item, holds in conditions(card, answers).items():
        assert (marks[item].answer in ANSWERED) <= bool(holds)


@given(st.integers(1, 100), st.sampled_from(["warm", "flat", "cold"]))
def test_the_machines_option_is_read_back_from_its_points(weight: int, option: str) -> None:
    item = changed((0, 2), type="choice").sections[0].items[2]
    share = next(one.share for one in item.options if one.name == option)

    assert option_of(item, round(weight / 3 * share, 6), round(weight / 3, 6)) == option


def test_an_option_is_not_guessed() -> None:
    tone, ease = MIXED.sections[0].items[2], MIXED.sections[1].items[0]
    alike = [{"name": "warm", "share": 0.4}, {"name": "flat", "share": 0.4}, {"name": "cold", "share": 0}]
    twins = changed((0, 2), options=alike).sections[0].items[2]

    assert option_of(tone, None, 0.0) is None  # the machine could not tell
    assert option_of(tone, 5.0, 20.0) is None  # no option earns that
    assert option_of(twins, 8.0, 20.0) is None  # two do
    assert option_of(ease, 20.0, 20.0) is None  # a scale: rules answer none
