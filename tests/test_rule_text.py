"""A phrase set as text: written, taken apart, one rule put back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.criteria_file import CriteriaError
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.rule_text import fields_of, replace_rule, rules_in, to_yaml, with_values
from scoring.shipped import SHIPPED, shipped
from tests.rule_sets import RULES, desk


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_set_is_written_as_text_that_reads_back_to_the_same(name: str) -> None:
    phrases = load_phrase_set(shipped(f"phrases-{name}"))

    assert load_phrase_set(to_yaml(phrases)) == phrases


@given(st.lists(st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable() and text.strip()), min_size=1))
def test_any_wording_is_written_so_that_it_reads_back(wordings: list[str]) -> None:
    triggers = [
        {"id": "T", "role": "agent", "any": [wording.replace("{", "(").replace("\\", "/") for wording in wordings]}
    ]
    try:
        phrases = PhraseSet.model_validate({"id": "x", "version": 1, "language": "en", "triggers": triggers})
    except ValueError:  # no valid regular expression
        return

    assert load_phrase_set(to_yaml(phrases)) == phrases


def test_rules_are_found_with_their_lines() -> None:
    assert [(rule.id, rule.group, rule.line) for rule in rules_in(RULES)] == [
        ("HELLO", "required", 8),
        ("BYE", "required", 13),
        ("LOST", "triggers", 15),
        ("RUDE", "forbidden", 19),
    ]


def test_one_rule_is_put_back_and_nothing_else_moves() -> None:
    rule = rules_in(RULES)[0]
    content = with_values(rule.content, [(("parts", "greeting"), ["good day"]), (("window", "start_s"), 12)])

    text = replace_rule(RULES, rule, content)

    assert "# What everybody says." in text
    assert text.split("- {id: BYE")[1] == RULES.split("- {id: BYE")[1]
    hello = load_phrase_set(text).by_id["HELLO"]
    assert hello.parts == {"greeting": ("good day",)}  # type: ignore[union-attr]
    assert rule.content["parts"]["greeting"] == ["good morning", "good afternoon"]


@pytest.mark.parametrize("name", SHIPPED)
def test_rules_of_a_shipped_set_can_be_put_back(name: str) -> None:
    source = text = shipped(f"phrases-{name}").read_text("utf-8")
    ids = [rule.id for rule in rules_in(source)]
    for at in range(0, len(ids), 6):
        rule = rules_in(text)[at]
        text = replace_rule(text, rule, {**rule.content, "id": "ANOTHER"})
        there = rules_in(text)
        assert [one.id for one in there] == [*ids[:at], "ANOTHER", *ids[at + 1 :]]
        text = replace_rule(text, there[at], rule.content)

    assert load_phrase_set(text) == load_phrase_set(source)


def test_an_unchanged_rule_leaves_the_text_as_it_is() -> None:
    rule = rules_in(RULES)[3]

    assert replace_rule(RULES, rule, rule.content) is RULES


def test_a_form_can_show_values_and_lists_at_any_depth_but_no_id() -> None:
    shown = {field.path: field.value for field in fields_of(rules_in(RULES)[0].content)}

    assert shown == {
        ("role",): "agent",
        ("window", "start_s"): 10,
        ("parts", "greeting"): ["good morning", "good afternoon"],
    }


def test_text_that_is_no_yaml_says_where() -> None:
    with pytest.raises(CriteriaError, match=":3:"):
        rules_in("phrase_set:\n  id: x\n  - y: [")


def test_a_half_written_rule_does_not_hide_the_others() -> None:
    assert [rule.id for rule in rules_in(RULES + "    - role: agent\n    - id:\n    - more\n")] == list(desk().by_id)
