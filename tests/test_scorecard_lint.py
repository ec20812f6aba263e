from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.phrase_set import load_phrase_set
from scoring.scorecard import Scorecard, load_scorecard
from scoring.scorecard_lint import LEAST_COUNTED, lint
from scoring.scorecard_text import card_content
from scoring.shipped import shipped

Content = dict[str, Any]


def item(identity: str, weight: float, **fields: Any) -> Content:
    basis = {"id": identity, "name": identity, "weight": weight, "check": "manual", "decide": "human"}
    return {**basis, "guidance": {"met": "as it should be"}, **fields}


def card(*items: Content, **fields: Any) -> Content:
    weight = sum(one["weight"] for one in items)
    section = {"id": "A", "name": "All", "weight": weight, "items": list(items)}
    return {"id": "small", "version": 1, "language": "en", "method": "answer", "sections": [section], **fields}


def found(content: Content | Scorecard, severity: str | None = None) -> list[tuple[tuple[int | str, ...], str]]:
    return [(one.place, str(one)) for one in lint(content, None) if severity in (None, one.severity)]


def test_a_card_that_can_be_used_has_no_error() -> None:
    assert found(card(item("A1", 60), item("A2", 40))) == []


@pytest.mark.parametrize("name", ["zh-mobile", "en-bank"])
def test_the_shipped_cards_can_be_activated(name: str) -> None:
    problems = lint(load_scorecard(shipped(f"scorecard-{name}")), load_phrase_set(shipped(f"phrases-{name}")))

    assert [str(problem) for problem in problems if problem.severity == "error"] == []


ITEM = ("sections", 0, "items")


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        pytest.param(card(item("A1", 60)), (), "add up to 60, not 100", id="total"),
        pytest.param(card(item("A1", 60), item("A1", 40)), (*ITEM, 1), "'A1' is used twice", id="ids"),
        pytest.param(card(item("A1", 100, name="")), (*ITEM, 0, "name"), "is empty: write something", id="empty"),
        pytest.param(card(item("A1", 100, pass_mark=1)), (*ITEM, 0, "pass_mark"), "unknown field", id="field"),
        pytest.param(card(item("A1", 100), pass_mark=101), ("pass_mark",), "must be 100.0 or less", id="limit"),
        pytest.param(
            card(item("A1", 100, check="phrase", decide="auto")), (*ITEM, 0, "rules"), "needs rules", id="auto"
        ),
        pytest.param(
            card(item("A1", 100, check="phrase", rules=["R"])), (*ITEM, 0, "rules"), "has no phrase set", id="no set"
        ),
        pytest.param(
            card(item("A1", 60), item("A2", 40, only_if={"item": "A3", "answers": ["met"]})),
            (*ITEM, 1, "only_if"),
            "names 'A3', which is no earlier item",
            id="unknown condition",
        ),
        pytest.param(
            card(item("A1", 60, only_if={"item": "A2", "answers": ["met"]}), item("A2", 40)),
            (*ITEM, 0, "only_if"),
            "names 'A2', which is no earlier item",
            id="later condition",
        ),
        pytest.param(
            card(item("A1", 60, type="yes_no"), item("A2", 40, only_if={"item": "A1", "answers": ["partly"]})),
            (*ITEM, 1, "only_if"),
            "A2 is never asked: A1 never has one of these answers",
            id="never asked",
        ),
        pytest.param(
            card(item("A1", 100), fatal=[{"id": "F1", "name": "Abuse", "effect": "zero", "check": "manual"}]),
            ("fatal", 0, "class"),
            "whom does F1 hurt?",
            id="fatal without class",
        ),
        pytest.param(
            card(item("A1", 10), item("A2", 90, na="often"), min_answered=0),
            ("min_answered",),
            "may answer only A1, 10 of 100",
            id="not applicable",
        ),
    ],
)
def test_an_error_says_where_and_what(content: Content, place: tuple[int | str, ...], message: str) -> None:
    matching = [text for where, text in found(content, "error") if where == place]

    assert any(message in text for text in matching), found(content)


def test_a_chain_of_conditions_that_can_never_hold_is_an_error() -> None:
    content = card(
        item("A1", 40),
        item("A2", 30, type="yes_no", only_if={"item": "A1", "answers": ["met"]}),
        item("A3", 20, only_if={"item": "A2", "answers": ["partly"]}),
        item("A4", 10, only_if={"item": "A3", "answers": ["met", "not_met"]}),
    )

    never = [text for _, text in found(content, "error") if "is never asked" in text]

    assert never == [
        "A3 is never asked: A2 never has one of these answers",
        "A4 is never asked: A3 never has one of these answers",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (card(item("A1", 5, type="deduction", deduct={"late": 8}), item("A2", 95)), "takes off 8, but the item"),
        (card(item("A1", 100, check="semi", decide="confirm")), "a person answers A1"),
        (card(item("A1", 100, guidance={})), "no guidance says when to answer what: A1"),
        (
            card(item("A1", 40), item("A2", 60, na="rarely")),
            "40 of 100 is left (A1): below 60 a review has no score",
        ),
        (
            card(item("A1", 60), item("A2", 40, only_if={"item": "A1", "answers": ["met", "partly", "not_met"]})),
            "A2 is always asked",
        ),
        (
            card(item("A1", 100, type="number", ranges=[{"high": 3, "share": 1}, {"low": 2, "high": 3, "share": 0}])),
            "is never reached",
        ),
        (
            card(item("A1", 100, type="number", ranges=[{"high": 3, "share": 1}, {"low": 5, "share": 0}])),
            "no range holds 4",
        ),
    ],
)  # fmt: skip
def test_a_warning_does_not_keep_a_card_from_use(content: Content, message: str) -> None:
    assert found(content, "error") == []
    assert any(message in text for _, text in found(content, "warning")), found(content)


def test_a_deduction_may_be_larger_where_the_floor_lets_it() -> None:
    content = card(item("A1", 5, type="deduction", deduct={"late": 8}), item("A2", 95), floors={"item": -3})

    assert not any("takes off" in text for _, text in found(content))


def test_unknown_rules_are_told_by_place() -> None:
    content = card_content(load_scorecard(shipped("scorecard-en-bank")))
    content["sections"][0]["items"][0]["rules"] = ["EN-WRECK"]

    problems = lint(content, load_phrase_set(shipped("phrases-en-bank")))

    assert [(one.place, str(one)) for one in problems if one.severity == "error"] == [
        (
            (*ITEM, 0, "rules", 0),
            "no rule 'EN-WRECK' in the phrase set en-bank-hotline/1: correct the name or add the rule",
        )
    ]


def test_a_half_written_card_is_looked_at_as_far_as_it_goes() -> None:
    half = {
        "sections": [{"id": "A", "items": [{"id": "A1", "weight": "x"}, item("A1", 30)]}],
        "fatal": [{"id": "F1", "name": "Abuse", "effect": "zero", "check": "manual"}],
    }

    told = found(half, "error")

    assert ((*ITEM, 0, "weight"), "is no number") in told
    assert (("method",), "is missing: add it") in told
    assert any("'A1' is used twice" in text for _, text in told)
    assert any("whom does F1 hurt?" in text for _, text in told)


def test_a_field_that_cannot_be_read_is_told_once_and_hides_no_other() -> None:
    content = card(item("A1", 60), item("A2", 30, only_if={"item": "A1", "answers": []}))

    assert found(content, "error") == [
        ((*ITEM, 1, "only_if", "answers"), "is empty: add at least one"),
        ((), "the sections' weights add up to 90, not 100: change them until they do"),
    ]


# Whatever is written, something can be said of it.

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=4) | st.floats(allow_nan=False),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=6), child, max_size=3),
    max_leaves=6,
)
FIELDS = sorted(Scorecard.model_json_schema()["$defs"]["Item"]["properties"])


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6), max_size=4), VALUES)
@settings(max_examples=60)
def test_no_half_written_card_breaks_the_look_at_it(entries: list[Content], other: Any) -> None:
    content = {"sections": [{"id": "A", "items": entries}], "pass_mark": other, "bands": other}

    problems = lint(content, load_phrase_set(shipped("phrases-en-bank")))

    assert any(problem.severity == "error" for problem in problems)
    assert all(str(problem) for problem in problems)


@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=2, max_size=7), st.integers(0, 100))
@settings(max_examples=60)
def test_a_thin_score_is_found_whenever_there_is_one(drawn: list[tuple[int, bool]], least: int) -> None:
    whole = sum(weight for weight, _ in drawn)
    drawn = [*drawn, (100 - whole, False)] if whole < 100 else drawn
    items = [
        item(f"A{at}", weight, **({"na": "rarely"} if spared else {})) for at, (weight, spared) in enumerate(drawn)
    ]

    warned = any(place == ("min_answered",) for place, _ in found(card(*items, min_answered=least), "error"))

    kept = sum(weight for weight, spared in drawn if not spared)
    sums = {kept}
    for weight in (weight for weight, spared in drawn if spared):
        sums |= {one + weight for one in sums}
    assert warned == any(max(least, 1) <= one < LEAST_COUNTED for one in sums)
