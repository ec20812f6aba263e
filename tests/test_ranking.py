"""Groups instead of places."""

import math

import pytest

from scoring.estimation import AgentEstimate
from scoring.ranking import rank_groups


def estimate(agent: str, value: float, half: float, reviews: int = 8) -> AgentEstimate:
    return AgentEstimate(agent, value, value - half, value + half, 200, reviews, "regression", half / 1.96)


def test_agents_that_cannot_be_told_apart_share_a_group() -> None:
    ranked = rank_groups([estimate("c", 70, 2), estimate("a", 92, 4), estimate("b", 90, 4)])

    assert [(r.agent, r.group) for r in ranked] == [("a", 1), ("b", 1), ("c", 2)]
    assert [(r.best_place, r.worst_place) for r in ranked] == [(1, 2), (1, 2), (3, 3)]


def test_an_interval_too_wide_is_drawn_to_the_mean() -> None:
    close = [estimate(f"a{i}", 80 + i, 1) for i in range(10)]
    lucky = estimate("lucky", 95, 20)

    ranked = {r.agent: r for r in rank_groups([*close, lucky])}

    assert ranked["lucky"].shrunken < 90
    assert ranked["a9"].shrunken == pytest.approx(89, abs=0.5)
    assert ranked["lucky"].estimate.value == 95


def test_below_the_minimum_nobody_is_ranked() -> None:
    nobody = AgentEstimate("new", math.nan, math.nan, math.nan, 50, 0, "none", math.nan)
    census = AgentEstimate("small", 85, 85, 85, 3, 3, "census", 0)

    ranked = rank_groups([estimate("few", 99, 5, reviews=4), nobody, census, estimate("enough", 80, 5)])

    assert [r.agent for r in ranked] == ["small", "enough"]
    assert rank_groups([nobody]) == []


def test_the_chance_to_be_above_a_target() -> None:
    high, low = rank_groups([estimate("high", 95, 4), estimate("low", 80, 4)], target=90)

    assert high.above_target is not None
    assert low.above_target is not None
    assert high.above_target > 0.95
    assert low.above_target < 0.05
    assert rank_groups([estimate("high", 95, 4)])[0].above_target is None


def test_equal_agents_are_one_group_with_one_value() -> None:
    ranked = rank_groups([estimate(f"a{i}", 85 + 0.1 * i, 5) for i in range(6)])

    assert {r.group for r in ranked} == {1}
    assert len({round(r.shrunken, 6) for r in ranked}) == 1
