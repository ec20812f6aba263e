from __future__ import annotations

from pathlib import Path

import pytest

from scoring.criteria_file import CriteriaError
from scoring.phrase_set import load_phrase_set
from scoring.scorecard import load_scorecard

CARD = """\
scorecard:
  id: small
  version: 1
  language: en
  method: answer
  sections:
    - id: A
      name: All
      weight: 100
      items:
        - {id: A1, name: Greeting, weight: 60, check: manual, decide: human}
        - {id: A2, name: Closing, weight: 40, check: manual, decide: human}
"""


def phrases(rules: str) -> str:
    return f"phrase_set:\n  id: small\n  version: 1\n  language: en\n{rules}"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        pytest.param("weight: 40", "weight: 30", 7, "add up to 90, the section's weight is 100", id="item weights"),
        pytest.param("weight: 100", "weight: 90", 7, "the section's weight is 90", id="section weight"),
        pytest.param("weight: 60", "weight: lots", 11, "items[0].weight: input should be a valid number", id="type"),
        pytest.param("weight: 60", "weight: -1", 11, "greater than or equal to 0, not -1", id="range"),
        pytest.param("decide: human", "decide: later", 11, "'later' is not one of", id="choice"),
        pytest.param("name: Closing", "nmae: Closing", 12, "sections[0].items[1].nmae: unknown field", id="typo"),
        pytest.param("id: A2", "id: A1", 2, "the id 'A1' is used twice", id="same id twice"),
        pytest.param("  language: en\n", "", 2, "language: is missing: add it", id="missing"),
        pytest.param("manual, decide: human", "phrase, decide: auto", 11, "needs rules", id="auto without rules"),
        pytest.param("name: All", "name: true", 8, "true/false here: put it in quotes", id="boolean"),
        pytest.param("version: 1", "version: 1\n  version: 2", 4, "given twice (first in line 3)", id="key twice"),
        pytest.param("version: 1", "version: !!python/object:os.system 1", 3, "not used here", id="tag"),
        pytest.param("version: 1", "version: &a 1\n  pass_mark: *a", 4, "anchors and aliases", id="alias"),
        pytest.param("version: 1", "version: [1", 4, "not readable as YAML", id="broken"),
        pytest.param("scorecard:", "card:", 1, "the key 'scorecard' is missing at the top (found: card)", id="root"),
    ],
)  # fmt: skip
def test_an_error_names_file_line_and_field(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(CARD.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(CriteriaError) as error:
        load_scorecard(path)

    assert str(error.value).startswith(f"card.yaml:{line}: ")
    assert message in str(error.value)


def test_every_error_is_reported_at_once() -> None:
    text = CARD.replace("weight: 60", "weight: x").replace("weight: 40", "weight: y")

    with pytest.raises(CriteriaError) as error:
        load_scorecard(text)

    assert len(str(error.value).splitlines()) == 2


def test_text_and_file_are_read_alike_with_or_without_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(CARD, encoding="utf-8-sig")

    assert load_scorecard(path) == load_scorecard(CARD)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"scorecard: [" * 5000, b"", b"x" * 1_000_001])
def test_a_file_that_is_no_criteria_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "card.yaml"
    path.write_bytes(content)

    with pytest.raises(CriteriaError, match=r"card\.yaml"):
        load_scorecard(path)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(CriteriaError, match=r"nowhere\.yaml: cannot be read"):
        load_scorecard(Path("nowhere.yaml"))


def test_yes_no_on_off_and_whole_numbers_stay_words_in_a_list() -> None:
    found = load_phrase_set(
        phrases("  triggers:\n    - {id: T, role: customer, any: [yes, no, on, off, 12315, 0728]}\n")
    )

    assert found.triggers[0].any == ("yes", "no", "on", "off", "12315", "0728")


def test_a_phrase_that_yaml_reads_as_a_number_must_be_quoted() -> None:
    with pytest.raises(CriteriaError, match=r"triggers\[0\]\.any\[0\].*put it in quotes"):
        load_phrase_set(phrases("  triggers:\n    - {id: T, role: customer, any: [12.50]}\n"))


def test_a_comma_in_a_braced_text_does_not_lose_the_rest() -> None:
    card = load_scorecard(CARD.replace("decide: human}", "decide: human, note: one,two}", 1))

    assert next(card.items())[1].note == "one,two"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("  required:\n    - {id: R, role: agent, order_after: X, parts: {a: [hello]}}\n", "refers to 'X'"),
        ("  required:\n    - {id: R, role: agent, order_after: R, parts: {a: [hello]}}\n", "refers to itself"),
        (
            "  required:\n    - {id: R, role: agent, order_after: Q, parts: {a: [hello]}}\n"
            "    - {id: Q, role: agent, order_after: R, parts: {a: [bye]}}\n",
            "in a circle: R → Q → R",
        ),
        ("  triggers:\n    - {id: T, role: agent, any: ['(unclosed']}\n", "not a valid regular expression"),
        ("  triggers:\n    - {id: T, role: agent, any: ['{NOPE} please']}\n", "the slot {NOPE}"),
        ("  acoustic:\n    - {id: A, role: agent}\n", "exactly one measure"),
        ("  forbidden:\n    - {id: F, role: agent, severity: minor}\n", "either any or kinds"),
    ],
)
def test_a_phrase_set_that_cannot_work_is_refused(rules: str, message: str) -> None:
    with pytest.raises(CriteriaError) as error:
        load_phrase_set(phrases(rules))

    assert message in str(error.value)


def test_a_switch_that_nothing_obeys_cannot_be_turned_off() -> None:
    with pytest.raises(CriteriaError, match=r"normalise\.lowercase"):
        load_phrase_set(phrases("  normalise: {lowercase: false}\n"))
