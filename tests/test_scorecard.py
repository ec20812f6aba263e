from __future__ import annotations

import json
from pathlib import Path

import pytest

from scoring.conditions import KINDS, Condition
from scoring.criteria_file import CriteriaError
from scoring.marks import Answer, Evidence
from scoring.outcome import Finding
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.schemas import schema_files
from scoring.scorecard import Scorecard, load_scorecard
from scoring.shipped import shipped
from scoring.tokens import CUSTOMER_EXCUSES, DESCRIPTIVE, TOKENS

PAIRS = [("scorecard-en-bank", "phrases-en-bank"), ("scorecard-zh-mobile", "phrases-zh-mobile")]


def finding(kind: str, verdict: Answer = Answer.NOT_MET, rule: str = "R", part: str | None = None) -> Finding:
    return Finding(rule, kind, verdict, Evidence(rule, None, verdict.value, "not_said"), part)


@pytest.mark.parametrize(("card", "phrases"), PAIRS)
def test_the_shipped_criteria_load_and_know_each_other(card: str, phrases: str) -> None:
    loaded = load_scorecard(shipped(card), phrases=load_phrase_set(shipped(phrases)))

    assert sum(item.weight for _, item in loaded.items()) == 100
    assert loaded.key == f"{loaded.id}/{loaded.version}"


@pytest.mark.parametrize(("card", "phrases"), PAIRS)
def test_criteria_survive_the_way_through_json(card: str, phrases: str) -> None:
    scorecard, spoken = load_scorecard(shipped(card)), load_phrase_set(shipped(phrases))

    stored = json.loads(json.dumps([scorecard.model_dump(mode="json"), spoken.model_dump(mode="json")]))

    assert Scorecard.model_validate(stored[0]) == scorecard
    assert PhraseSet.model_validate(stored[1]) == spoken


def test_every_deduction_of_the_chinese_card_that_a_rule_can_find_has_a_condition() -> None:
    card = load_scorecard(shipped("scorecard-zh-mobile"))

    without = {item.id for _, item in card.items() if item.decide == "auto" and set(item.deduct) - set(item.when)}

    assert without == set()


def test_a_card_that_names_an_unknown_rule_is_refused() -> None:
    text = shipped("scorecard-en-bank").read_text(encoding="utf-8").replace("rules: [EN-REC]", "rules: [EN-WRECK]")

    with pytest.raises(CriteriaError, match=r"sections\[0\]\.items\[0\]\.rules\[0\]: no rule 'EN-WRECK'"):
        load_scorecard(text, phrases=load_phrase_set(shipped("phrases-en-bank")))


@pytest.mark.parametrize(("score", "band"), [(100, "A"), (90, "A"), (89.99, "B"), (80, "B"), (0, "C")])
def test_a_band_begins_at_its_floor(score: float, band: str) -> None:
    assert load_scorecard(shipped("scorecard-en-bank")).band(score) == band


def test_the_shipped_schemas_are_current() -> None:
    for path, text in schema_files().items():
        assert path.read_text(encoding="utf-8") == text, f"run python -m scoring.schemas to renew {path.name}"


def test_an_unknown_template_is_answered_with_those_there_are() -> None:
    with pytest.raises(LookupError, match="scorecard-en-bank"):
        shipped("scorecard-xx")


@pytest.mark.parametrize(
    ("condition", "findings", "times"),
    [
        ("missing", [], (0, 0)),
        ("missing", [finding("missing"), finding("missing")], (1, 1)),
        ("each missing", [finding("missing"), finding("missing")], (2, 2)),
        ("each missing", [finding("missing"), finding("missing", Answer.CANNOT_TELL)], (1, 2)),
        ("missing of Q", [finding("missing")], (0, 0)),
        ("missing of R/a|b", [finding("missing", part="b")], (1, 1)),
        ("missing of R/a", [finding("missing", part="b")], (0, 0)),
        ("hit >= 2", [finding("hit")], (0, 0)),
        ("hit >= 2", [finding("hit"), finding("hit", Answer.CANNOT_TELL)], (0, 1)),
        ("hit == 1", [finding("hit")], (1, 1)),
        ("hit == 1", [finding("hit"), finding("hit")], (0, 0)),
        ("missing", [finding("missing", Answer.MET), finding("missing", Answer.NOT_APPLICABLE)], (0, 0)),
    ],
)
def test_a_condition_counts_what_surely_and_what_possibly_failed(
    condition: str, findings: list[Finding], times: tuple[int, int]
) -> None:
    assert Condition.parse(condition).times(findings) == times


@pytest.mark.parametrize("text", ["", "nonsense here", "lost", "each hit >= 2", "missing of"])
def test_a_condition_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Condition.parse(text)


def test_every_kind_of_condition_and_every_token_is_documented() -> None:
    docs = Path(__file__).parents[1] / "docs"
    scorecards, rules = ((docs / name).read_text(encoding="utf-8") for name in ("scorecards.md", "rules.md"))

    assert [kind for kind in sorted(KINDS) if f"`{kind}`" not in scorecards] == []
    assert [token for token in (*TOKENS, *DESCRIPTIVE, *CUSTOMER_EXCUSES) if token not in rules] == []
