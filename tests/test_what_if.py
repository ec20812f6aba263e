"""What a score would be if an item were met: always the very score that those answers give."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.call_score import GivenAnswer, score_answers
from scoring.marks import Answer
from scoring.scorecard import Item, Scorecard, load_scorecard
from scoring.shipped import shipped
from scoring.what_if import at_best, missed_items, what_if

EN = load_scorecard(shipped("scorecard-en-bank"))
ZH = load_scorecard(shipped("scorecard-zh-mobile"))
MET, PARTLY, NOT_MET, NA = (
    GivenAnswer(answer) for answer in (Answer.MET, Answer.PARTLY, Answer.NOT_MET, Answer.NOT_APPLICABLE)
)


def all_met(card: Scorecard, **changes: GivenAnswer) -> dict[str, GivenAnswer]:
    return {item.id: MET for _, item in card.items()} | {fatal.id: MET for fatal in card.fatal} | changes


@st.composite
def answered(draw: st.DrawFn, card: Scorecard) -> dict[str, GivenAnswer]:
    """Answers to every item and fatal item of `card`, as a person may give them."""
    answers = {}
    for _, item in card.items():
        if card.method == "deduct":
            names = draw(st.lists(st.sampled_from(sorted(item.deduct)), max_size=2))
            answers[item.id] = GivenAnswer(Answer.NOT_MET, tuple(names)) if names else draw(st.sampled_from([MET, NA]))
        else:
            answers[item.id] = draw(st.sampled_from([MET, PARTLY, NOT_MET, NA]))
    for fatal in card.fatal:
        answers[fatal.id] = draw(st.sampled_from([MET, MET, MET, NOT_MET]))
    return answers


def test_one_item_would_have_made_94() -> None:
    found = what_if(EN, all_met(EN, R3=NOT_MET, R1=PARTLY))

    assert [(one.item, one.final, one.final_gain) for one in found.items] == [("R1", 94, 6), ("R3", 94, 6)]
    assert found.together == 100
    assert found.of("R3") == found.items[1]


def test_the_item_that_moved_the_total_most_comes_first() -> None:
    found = what_if(EN, all_met(EN, S1=NOT_MET, S3=NOT_MET))

    assert [(one.item, one.final_gain) for one in found.items] == [("S3", 12), ("S1", 4)]


def test_under_a_fatal_item_the_raw_score_still_tells_what_an_item_costs() -> None:
    found = what_if(EN, all_met(EN, S1=NOT_MET, X2=NOT_MET))

    fatal, item = found.items
    assert (fatal.item, fatal.fatal, fatal.final, fatal.final_gain) == ("X2", True, 96, 96)
    assert (item.item, item.final, item.final_gain, item.raw_gain) == ("S1", 0, 0, 4)


def test_what_does_not_apply_is_no_loss_and_hands_its_weight_on() -> None:
    found = what_if(EN, all_met(EN, S4=NA, S3=NOT_MET))

    (only,) = found.items
    assert only.item == "S3"
    assert only.final_gain == pytest.approx(30 * 12 / 23, abs=1e-3)


def test_an_item_answered_by_a_value_is_at_its_best_option() -> None:
    section = EN.sections[1]
    choice = Item.model_validate(
        {"id": "R1", "name": "Tone", "weight": 12, "check": "manual", "decide": "human", "type": "choice",
         "options": [{"name": "cold", "share": 0}, {"name": "fair", "share": 0.5}, {"name": "warm", "share": 1}]}
    )  # fmt: skip
    items = (choice, *section.items[1:])
    card = EN.model_copy(
        update={"sections": (EN.sections[0], section.model_copy(update={"items": items}), *EN.sections[2:])}
    )

    found = what_if(card, all_met(EN, R1=GivenAnswer(Answer.MET, value="fair")))

    assert [(one.item, one.final, one.final_gain) for one in found.items] == [("R1", 100, 6)]


def test_nothing_missing_and_nothing_scored_say_nothing() -> None:
    assert what_if(EN, all_met(EN)).items == ()
    assert what_if(EN, all_met(EN)).together is None
    assert what_if(EN, {"S1": NOT_MET}).items == ()


@pytest.mark.parametrize("card", [EN, ZH], ids=["answers", "deductions"])
@settings(max_examples=60)
@given(data=st.data())
def test_each_line_is_the_score_of_those_answers(card: Scorecard, data: st.DataObject) -> None:
    answers = data.draw(answered(card))
    now = score_answers(card, answers)

    found = what_if(card, answers)

    if now.raw is None or now.final is None:
        assert found.items == ()
        return
    assert {one.item for one in found.items} == set(missed_items(card, answers))
    for one in found.items:
        then = score_answers(card, {**answers, one.item: replace(answers[one.item], answer=Answer.MET, deductions=())})
        assert (one.raw, one.final) == (then.raw, then.final)
        assert one.raw >= now.raw
        assert one.final >= now.final
    if found.items:
        everything = {item: at_best(card, item, answers[item]) for item in missed_items(card, answers)}
        assert found.together == score_answers(card, {**answers, **everything}).final == 100
