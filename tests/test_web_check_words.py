"""Checks and flows are shown in sentences, in the page's language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import force_locale

from qa.settings import Settings
from scoring.marks import Evidence
from tests.test_rule_examples import EXAMPLES, phrase_set
from tests.web_client import make_app
from web.criteria_words import rule_view
from web.i18n import reason_text
from web.rule_words import in_words


@pytest.fixture(autouse=True)
def page(settings: Settings) -> Iterator[Flask]:
    app = make_app(settings)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        yield app


def test_every_rule_of_the_documentation_has_words_in_both_languages() -> None:
    for text, _ in EXAMPLES:
        for rule in phrase_set(text).rules():
            english = rule_view(rule)
            with force_locale("zh_CN"):
                chinese = rule_view(rule)
            assert english.sentence != chinese.sentence, rule.id
            assert english.kind != chinese.kind
            for (one, wordings), (other, same) in zip(english.wordings, chinese.wordings, strict=True):
                assert "%(" not in f"{one}{other}"
                assert wordings == same


def test_a_condition_says_who_what_and_where() -> None:
    phrases = phrase_set(
        "checks:\n  - {id: X, effect: {points: -2, per: hit, at_most: 6}, conditions: {"
        "asked: {any: [your number], hits: 2, window: {between_percent: [10, 50]}}, "
        "given: {entity: phone, role: customer, after: asked, hit: last, within_s: 30}}, expect: given}"
    )
    view = rule_view(phrases.by_id["X"])
    with force_locale("zh_CN"):
        chinese = rule_view(phrases.by_id["X"])

    assert view.sentence == "Expected: given; takes off 2 points each time, 6 at most; Major"
    assert [label for label, _ in view.wordings] == [
        "asked: the agent says one of these, 2 times in all, from 10 % to 50 % of the call",
        "given: the customer says a telephone number, after “asked”, within 30 s, the last time it happens",
    ]
    assert chinese.wordings[1][0] == "given: 客户说出电话号码，在“asked”之后，30 秒之内，最后一次出现时"


def test_a_reason_names_a_condition_by_what_it_looks_for() -> None:
    phrases = phrase_set("checks:\n  - {id: X, conditions: {a: {any: [fee]}, b: {any: [ok], after: a}}, expect: b}")
    absent = Evidence("X", phrases.key, "not_applicable", "anchor_absent", {"anchor": "a"})

    assert reason_text(in_words(absent, phrases)) == "This did not occur: the agent says one of these (“fee”)."


@pytest.mark.parametrize(
    ("effective", "english", "chinese"),
    [
        (
            "{from: 2026-12-01, until: 2027-02-28}",
            "in effect from 2026-12-01 until 2027-02-28",
            "2026-12-01至2027-02-28有效",
        ),
        ("{from: 2026-12-01}", "in effect from 2026-12-01 on", "自2026-12-01起生效"),
        ("{until: 2027-02-28}", "in effect until 2027-02-28", "有效期至2027-02-28"),
    ],
)
def test_a_rule_says_when_it_is_in_effect(effective: str, english: str, chinese: str) -> None:
    phrases = phrase_set(
        f"required:\n  - {{id: SAID, role: agent, effective: {effective}, parts: {{a: [hello]}}}}\n"
        f"forbidden:\n  - {{id: NEVER, role: agent, severity: major, effective: {effective}, any: [nonsense]}}\n"
        f"checks:\n  - {{id: CHECK, effective: {effective}, conditions: {{c: {{any: [hello]}}}}, expect: c}}\n"
    )
    for rule in phrases.rules():
        assert rule_view(rule).sentence.endswith(english)
        with force_locale("zh_CN"):
            assert rule_view(rule).sentence.endswith(chinese)
