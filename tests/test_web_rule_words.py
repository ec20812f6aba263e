"""Reasons name no rule ids to people: they say what was listened for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import force_locale

from qa.settings import Settings
from scoring.marks import Evidence
from scoring.phrase_set import PhraseSet
from tests.web_client import make_app
from web.i18n import reason_text
from web.rule_words import in_words

PHRASES = PhraseSet.model_validate(
    {
        "id": "bank",
        "version": 2,
        "language": "en",
        "slots": {"STAFF": "[0-9]+"},
        "required": [{"id": "MORE", "role": "agent", "parts": {"offer": ["{STAFF} asks", "anything else", "more"]}}],
        "triggers": [
            {"id": "BALANCE", "role": "agent", "any": ["your balance", "[0-9]+ yuan", "you owe", "we hold", "it says"]},
            {"id": "UPSET", "role": "customer", "any": ["fed up"]},
            {"id": "DIGITS", "role": "any", "any": ["[0-9]{9}"]},
        ],
    }
)


@pytest.fixture(autouse=True)
def page(settings: Settings) -> Iterator[Flask]:
    app = make_app(settings)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        yield app


def evidence(reason: str, version: str | None = "bank/2", **values: str) -> Evidence:
    return Evidence("R", version, "not_applicable", reason, values)


def test_a_sign_that_did_not_occur_is_told_by_its_first_plain_wordings_and_who_would_say_them() -> None:
    agents = in_words(evidence("anchor_absent", anchor="BALANCE"), PHRASES)
    customers = in_words(evidence("anchor_absent", anchor="UPSET"), PHRASES)

    assert reason_text(agents) == "The agent said nothing like “your balance”, “you owe”, “we hold”."
    assert reason_text(customers) == "The customer said nothing like “fed up”."
    assert agents.values["ids"] == ["BALANCE"]


def test_the_chinese_page_says_it_in_chinese() -> None:
    with force_locale("zh_CN"):
        text = reason_text(in_words(evidence("anchor_absent", anchor="BALANCE"), PHRASES))

    assert text == "坐席没有说过“your balance”、“you owe”、“we hold”这类话。"


def test_several_signs_and_words_that_must_come_before_are_told_too() -> None:
    none = in_words(evidence("no_trigger", version=None, rules="UPSET, DIGITS"), PHRASES)
    order = in_words(evidence("in_order", after="MORE"), PHRASES)

    assert reason_text(none) == "Nothing in the call asks for this (“fed up”, DIGITS)."
    assert reason_text(order) == "Said after “anything else”, as required."


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("end_of_need", "This did not occur: the customer says what they need."),
        ("customer_silent_5s", "This did not occur: the customer is silent for 5 s."),
        ("DIGITS", "This did not occur: DIGITS."),
    ],
)
def test_what_has_no_wordings_keeps_a_name(name: str, text: str) -> None:
    assert reason_text(in_words(evidence("anchor_absent", anchor=name), PHRASES)) == text


@pytest.mark.parametrize(
    "other", [evidence("anchor_absent", "bank/1", anchor="UPSET"), evidence("said", anchor="UPSET")]
)
def test_evidence_of_another_version_or_without_a_rule_in_its_sentence_stays_as_it_is(other: Evidence) -> None:
    assert in_words(other, PHRASES) is other
    assert in_words(other, None) is other
