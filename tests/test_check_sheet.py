from __future__ import annotations

from typing import Any

import pytest

from scoring.check_sheet import SheetError, load_check_sheet, score_sheet
from scoring.criteria_file import CriteriaError
from scoring.shipped import shipped

SHEET = load_check_sheet(shipped("mystery-shopper"))
PERFECT: dict[str, Any] = {
    "M1": "yes", "M2": "3", "M3": "12", "M4": "3", "M5": "3", "M6": "yes", "M7": "5", "M8": "3", "M9": "right",
    "M10": "4", "M11": "right", "M12": "3", "M13": "yes", "M14": "3",
}  # fmt: skip


def score(**changed: Any) -> Any:
    return score_sheet(SHEET, PERFECT | changed, key_points=4)


def test_a_perfect_call_earns_all_of_both_sub_scores() -> None:
    result = score()

    assert (result.norms, result.knowledge, result.total) == (100, 100, 100)


@pytest.mark.parametrize(
    ("item", "answer", "points"),
    [
        ("M1", "no", 0),
        ("M1", True, 100),
        ("M2", 2, 50),
        ("M2", 1, 0),
        ("M3", 20, 100),
        ("M3", 40, 50),
        ("M3", "90", 0),
        ("M4", 2, 66.67),
        ("M7", 3, 50),
        ("M9", "partly", 50),
        ("M9", "Wrong", 0),
        ("M10", 1, 25),
        ("M8", "na", None),
    ],
)
def test_each_kind_of_answer_has_its_points(item: str, answer: Any, points: float | None) -> None:
    assert score(**{item: answer}).items[item] == points


def test_what_does_not_apply_leaves_its_sub_score() -> None:
    result = score(M12="na", M13="na", M8="na", M1="no")

    assert result.norms == pytest.approx(100 * (67 - 5 - 5 - 6 - 4) / (67 - 5 - 5 - 6), abs=0.01)
    assert result.knowledge == 100


def test_what_is_asked_after_the_call_is_kept_but_not_scored() -> None:
    result = score(N1="pending", N2="1", N3="rude")

    assert result.total == 100
    assert result.after_call == {"N1": "pending", "N2": "1", "N3": "rude"}


@pytest.mark.parametrize(
    ("item", "answer", "message"),
    [
        ("M1", "perhaps", "M1: 'perhaps' is none of yes, no"),
        ("M2", "4", "M2: 4 is not a whole number from 1 to 3"),
        ("M3", "soon", "M3: 'soon' is not a number"),
        ("M3", "nan", "M3: nan is not a number"),
        ("M4", "1.5", "M4: 1.5 is not a whole number from 0 to 3"),
        ("M10", "5", "M10: 5 is not a whole number from 0 to 4"),
        ("M5", "na", "M5: cannot be answered na"),
        ("M6", "", "M6: has no answer"),
        ("M99", "yes", "M99: no such item"),
        ("N2", "9", "N2: '9' is none of 1"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_by_name(item: str, answer: Any, message: str) -> None:
    with pytest.raises(SheetError, match=message):
        score(**{item: answer})


def test_key_points_are_needed_to_score_them() -> None:
    with pytest.raises(SheetError, match="M10: needs the number of key points"):
        score_sheet(SHEET, PERFECT)


def test_a_sheet_whose_weights_do_not_add_up_is_refused() -> None:
    text = shipped("mystery-shopper").read_text(encoding="utf-8").replace("weights_total: 100", "weights_total: 90")

    with pytest.raises(CriteriaError, match="add up to 100, weights_total is 90"):
        load_check_sheet(text)
