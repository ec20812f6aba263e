from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.criteria_file import CriteriaError
from scoring.scorecard import load_scorecard
from scoring.scorecard_changes import changes
from scoring.scorecard_draft import (
    Content,
    NoSuchPlace,
    acted,
    add,
    changed,
    entry_at,
    items_of,
    new_card,
    total_weight,
    weights,
)
from scoring.scorecard_text import card_content, card_yaml, read_card_text
from scoring.shipped import shipped
from scoring.weights import effective_weights

ZH = load_scorecard(shipped("scorecard-zh-mobile"))
EN = load_scorecard(shipped("scorecard-en-bank"))


def ids(content: Content) -> list[list[str]]:
    return [[item["id"] for item in section["items"]] for section in content["sections"]]


def small() -> Content:
    """Two sections: A with A1 (20) and A2 (30), B with B1 (40)."""
    content = new_card("small", "Small", "en", "answer")
    content = changed(content, ("sections", 0, "items", 0), {"weight": 20})
    content, place = add(content, ("sections", 0, "items"))
    content = changed(content, place, {"weight": 30})
    content, _ = add(content, ("sections",))
    content, place = add(content, ("sections", 1, "items"))
    return changed(content, place, {"weight": 40})


def test_new_entries_get_free_ids_and_sections_weigh_what_their_items_do() -> None:
    content = small()

    assert ids(content) == [["A1", "A2"], ["B1"]]
    assert [section["weight"] for section in content["sections"]] == [50, 40]
    assert total_weight(content) == 90


@pytest.mark.parametrize(
    ("place", "act", "expected", "goal"),
    [
        (("sections", 0, "items", 0), "down", [["A2", "A1"], ["B1"]], ("sections", 0, "items", 1)),
        (("sections", 0, "items", 1), "down", [["A1"], ["A2", "B1"]], ("sections", 1, "items", 0)),
        (("sections", 1, "items", 0), "up", [["A1", "A2", "B1"], []], ("sections", 0, "items", 2)),
        (("sections", 0, "items", 0), "up", [["A1", "A2"], ["B1"]], ("sections", 0, "items", 0)),
        (("sections", 0), "down", [["B1"], ["A1", "A2"]], ("sections", 1)),
        (("sections", 0, "items", 0), "duplicate", [["A1", "A3", "A2"], ["B1"]], ("sections", 0, "items", 1)),
        (("sections", 0), "duplicate", [["A1", "A2"], ["C1", "C2"], ["B1"]], ("sections", 1)),
        (("sections", 0, "items", 1), "remove", [["A1"], ["B1"]], ("sections", 0, "items", 0)),
        (("sections", 1, "items", 0), "remove", [["A1", "A2"], []], ("sections", 1)),
    ],
)
def test_entries_are_moved_duplicated_and_removed(
    place: tuple[Any, ...], act: Any, expected: list[list[str]], goal: tuple[Any, ...]
) -> None:
    before = small()

    content, where = acted(before, place, act)

    assert ids(content) == expected
    assert where == goal
    assert before == small()
    assert [section["weight"] for section in content["sections"]] == [
        sum(item["weight"] for item in section["items"]) for section in content["sections"]
    ]


def test_a_duplicate_has_ids_of_its_own() -> None:
    content, _ = acted(small(), ("sections", 0), "duplicate")

    names = [name for section in ids(content) for name in section]
    assert len(names) == len(set(names)) == 5
    assert len({section["id"] for section in content["sections"]}) == 3


@pytest.mark.parametrize("place", [("sections", 7), ("sections", 0, "items", 9), ("fatal", 0), ("pass_mark",)])
def test_a_place_that_is_gone_is_said(place: tuple[Any, ...]) -> None:
    with pytest.raises(NoSuchPlace):
        entry_at(small(), place)
    with pytest.raises(NoSuchPlace):
        changed(small(), place, {"name": "x"})


def test_effective_weights_are_those_of_scoring() -> None:
    content = card_content(EN)

    whole, without_p = weights(content), weights(content, away="P")

    scored = effective_weights(EN, {item.id for section, item in EN.items() if section.id != "P"})
    assert [one.effective for one in whole.values()] == pytest.approx([item.weight for _, item in EN.items()])
    assert {one.id: one.effective for one in without_p.values() if one.effective is not None} == pytest.approx(scored)


def test_a_draft_below_100_shows_what_its_weights_come_to() -> None:
    found = weights(small())

    assert [one.effective for one in found.values()] == pytest.approx([100 * w / 90 for w in (20, 30, 40)])


@given(st.data())
@settings(max_examples=50)
def test_no_sequence_of_acts_loses_or_invents_weight(data: st.DataObject) -> None:
    content = card_content(ZH)
    for _ in range(data.draw(st.integers(1, 8))):
        places = [("sections", s, "items", i) for s, i, _ in items_of(content)]
        places += [("sections", s) for s in range(len(content["sections"]))]  # type: ignore[misc]
        act = data.draw(st.sampled_from(["up", "down", "duplicate"]))
        content, goal = acted(content, data.draw(st.sampled_from(places)), act)  # type: ignore[arg-type]
        entry_at(content, goal)

    names = [item["id"] for _, _, item in items_of(content)]
    assert len(names) == len(set(names))
    assert sum(section["weight"] for section in content["sections"]) == pytest.approx(total_weight(content))
    assert sum(one.effective or 0 for one in weights(content).values()) == pytest.approx(100)


# As text.


@pytest.mark.parametrize("name", ["zh-mobile", "en-bank"])
def test_a_card_is_read_back_from_its_text_as_it_was(name: str) -> None:
    card = load_scorecard(shipped(f"scorecard-{name}"))

    text = card_yaml(card_content(card))

    assert load_scorecard(text) == card
    assert card_yaml(read_card_text(text)) == text


def test_the_text_is_for_people_to_read() -> None:
    text = card_yaml(card_content(ZH))

    assert "name: 服务规范" in text or "服务规范" in text
    assert "\\u" not in text
    assert text.index("  id:") < text.index("  method:") < text.index("  sections:")


@given(
    st.dictionaries(
        st.sampled_from(["id", "name", "note", "language", "na"]), st.text(st.characters(codec="utf-8"), max_size=30)
    )
)
@settings(max_examples=60)
def test_any_words_survive_the_text(fields: dict[str, str]) -> None:
    # YAML itself has no place for these signs; a form does not send them either.
    clean = {name: "".join(sign for sign in text if sign.isprintable()) for name, text in fields.items()}

    assert read_card_text(card_yaml({"sections": [], **clean})) == {"sections": [], **clean}


@pytest.mark.parametrize(
    "text",
    ["scorecard: 5", "scorecard: {sections: 5}", "scorecard: {sections: [5]}", "scorecard: {sections: [{items: 5}]}"],
)
def test_a_text_without_the_form_of_a_card_is_refused(text: str) -> None:
    with pytest.raises(CriteriaError, match="expected"):
        read_card_text(text)


# What is another.


def test_changes_name_each_part_and_field() -> None:
    content = card_content(EN)
    content["pass_mark"] = 80
    content, _ = acted(content, ("sections", 3, "items", 4), "remove")
    content = changed(content, ("sections", 0, "items", 1), {"weight": 5, "name": "Opening"})
    content, place = add(content, ("fatal",))
    content = changed(content, place, {"name": "Fraud", "class": "customer"})
    after = type(EN).model_validate(content)

    found = {(one.part, one.kind, one.id): one for one in changes(EN, after)}

    assert set(found) == {
        ("card", "changed", "en-bank-hotline"),
        ("section", "changed", "S"),
        ("section", "changed", "P"),
        ("item", "changed", "S2"),
        ("item", "removed", "P5"),
        ("fatal", "added", "F1"),
    }
    assert [(one.name, one.before, one.after) for one in found["item", "changed", "S2"].fields] == [
        ("name", "Agent and bank named in the opening", "Opening"),
        ("weight", 3, 5),
    ]
    assert found["item", "removed", "P5"].weight_before == 2


def test_an_item_that_moved_says_from_where() -> None:
    content, _ = acted(card_content(EN), ("sections", 0, "items", 4), "down")
    after = type(EN).model_validate(content)

    moved = next(one for one in changes(EN, after) if one.part == "item")

    assert (moved.id, [(one.name, one.before, one.after) for one in moved.fields]) == ("S5", [("section", "S", "R")])


def test_a_card_is_like_itself() -> None:
    assert changes(EN, EN.model_copy(update={"version": 9})) == []
