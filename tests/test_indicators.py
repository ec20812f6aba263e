"""The indicator tree: weights that add up, targets that are understood, verdicts that know their doubt."""

from __future__ import annotations

import pytest

from scoring.criteria_file import CriteriaError
from scoring.indicators import Target, load_indicators
from scoring.shipped import shipped
from scoring.uncertainty import Interval

SHIPPED = shipped("indicators")


def test_the_shipped_tree_has_three_levels_with_owners_and_both_languages() -> None:
    system = load_indicators(SHIPPED)
    indicators = list(system.indicators())

    assert sum(indicator.weight for indicator in indicators) == pytest.approx(100)
    assert all(system.owner(indicator.id) for indicator in indicators)
    assert all(indicator.en for indicator in indicators)
    assert len({indicator.id for indicator in indicators}) == len(indicators) > 20
    with pytest.raises(KeyError):
        system.owner("I999")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weight: 4, src: [TK]", "weight: 5, src: [TK]", "I11: the weights below must add up to 6, not 7"),
        ("src: [TK]", "src: [XX]", "XX: write some of IM"),
        ("'>=85%'", "about 85%", "a target is written like"),
        ("id: I112", "id: I111", "each id may be given once: I111"),
        ("lvl: centre", "lvl: planet", "is not one of"),
    ],
)
def test_a_wrong_tree_names_the_place(old: str, new: str, message: str) -> None:
    with pytest.raises(CriteriaError, match=message):
        load_indicators(SHIPPED.read_text(encoding="utf-8").replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (">=85%", Target(">=", 85, "%")),
        ("<=1 per 1000", Target("<=", 1, "per 1000")),
        ("<=0.5 per 10000", Target("<=", 0.5, "per 10000")),
        (">= 90", Target(">=", 90, "")),
        ("<=5 points", Target("<=", 5, "points")),
        ("0", Target("", 0, "")),
    ],
)
def test_targets_are_read(text: str, target: Target) -> None:
    assert Target.parse(text) == target


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [(95, 91, 98, "met"), (91, 88, 94, "met_unsure"), (89, 85, 93, "missed_unsure"), (80, 75, 85, "missed")],
)
def test_a_verdict_looks_at_the_whole_interval(value: float, low: float, high: float, verdict: str) -> None:
    target = Target.parse(">=90")

    assert target.verdict(value, Interval(low, high)) == verdict
    assert target.verdict(value, None) == ("met_unsure" if value >= 90 else "missed_unsure")


def test_shares_are_scaled_to_the_targets_unit() -> None:
    assert (Target.parse(">=85%").scale, Target.parse("<=3 per 10000").scale, Target.parse(">=90").scale) == (
        100,
        10_000,
        1,
    )
