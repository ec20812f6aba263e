from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from scoring.call_score import GivenAnswer, score_answers, score_call
from scoring.marks import Answer, Evidence, evidence_from_dict, evidence_to_dict
from scoring.phrase_set import load_phrase_set
from scoring.scorecard import Scorecard, load_scorecard
from scoring.shipped import shipped
from tests.dialogues import agent, customer, dialogue
from web.terminal import clock, render_score


def shown(score: object, card: Scorecard, locale: str = "en") -> str:
    console = Console(file=StringIO(), width=80, force_terminal=False)
    render_score(console, score, card, locale)  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_score_shows_each_item_with_answer_points_and_evidence() -> None:
    card, phrases = load_scorecard(shipped("scorecard-en-bank")), load_phrase_set(shipped("phrases-en-bank"))
    call = dialogue(customer("hello"), agent("shut up this is not my problem", 65.0))

    text = shown(score_call(call, card, phrases), card)

    assert all(f" {item.id} " in text for _, item in card.items())
    assert "1:05 EN-ABUSE" in text
    assert "suspected: a person must confirm it" in text
    assert "incomplete" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_confirmed_fatal_item_shows_both_scores() -> None:
    card = load_scorecard(shipped("scorecard-zh-mobile"))
    answers = {item.id: GivenAnswer(Answer.MET) for _, item in card.items()}

    text = shown(score_answers(card, answers | {"F6": GivenAnswer(Answer.NOT_MET)}), card)

    assert "100.0 → 59.0" in text
    assert "confirmed" in text


@pytest.mark.parametrize("locale", ["zh-CN", "en", "xx"])
def test_any_locale_can_be_asked_for(locale: str) -> None:
    card = load_scorecard(shipped("scorecard-zh-mobile"))

    assert "开头语完整" in shown(score_answers(card, {}), card, locale)


def test_a_moment_is_shown_in_minutes_and_seconds() -> None:
    assert [clock(0.0), clock(59.99), clock(3725.0)] == ["0:00", "0:59", "62:05"]


def test_evidence_survives_the_way_through_json() -> None:
    evidence = Evidence("R", "set/1", "not_met", "not_said", {"words": 3}, speaker="agent", start=0.0, probability=0.2)

    assert evidence_from_dict(evidence_to_dict(evidence)) == evidence
    assert "turn" not in evidence_to_dict(evidence)
    assert evidence_from_dict({**evidence_to_dict(evidence), "new": 1}) == evidence
