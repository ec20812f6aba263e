"""Inspectors' leniency, from worlds where it is known."""

import numpy as np
import pytest

from scoring.leniency import Leniency, inspector_effects


def world(effects: list[float], *, reviews: int = 600, noise: float = 4) -> tuple[Leniency, np.ndarray]:
    rng = np.random.default_rng(1)
    agent, inspector = rng.integers(0, 30, reviews), rng.integers(0, len(effects), reviews)
    quality = rng.normal(0, noise, reviews)
    fair = rng.normal(85, 6, 30)[agent] + quality
    auto = fair + rng.normal(0, 3, reviews)
    auto[::9] = np.nan
    return inspector_effects(inspector.tolist(), agent.tolist(), fair + np.array(effects)[inspector], auto), fair


def test_a_mild_and_a_strict_inspector_are_found() -> None:
    found, fair = world([5, -5, 0, 0])

    by_name = {effect.inspector: effect for effect in found.effects}
    assert by_name[0].effect == pytest.approx(5, abs=1)
    assert by_name[1].effect == pytest.approx(-5, abs=1)
    assert all(by_name[i].low < truth < by_name[i].high for i, truth in enumerate([5, -5, 0, 0]))
    assert sum(effect.n for effect in found.effects) == 600
    assert np.abs(found.adjusted - fair).max() < 1


def test_inspectors_alike_are_left_alone() -> None:
    found, _ = world([0, 0, 0])

    assert max(abs(effect.effect) for effect in found.effects) < 1
    assert all(effect.low < 0 < effect.high for effect in found.effects)


def test_inspectors_who_share_no_agent_cannot_be_compared() -> None:
    found = inspector_effects(["x", "x", "y", "y"], ["a", "a", "b", "b"], [90, 92, 60, 62])

    assert [effect.effect for effect in found.effects] == [0, 0]
    assert all(np.isnan(effect.low) and np.isnan(effect.high) for effect in found.effects)
    assert found.adjusted.tolist() == [90, 92, 60, 62]


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="one inspector, agent and score"):
        inspector_effects(["x"], ["a", "b"], [1, 2])
    with pytest.raises(ValueError, match="needs a score"):
        inspector_effects(["x"], ["a"], [np.nan])
    with pytest.raises(ValueError, match="one automatic score"):
        inspector_effects(["x"], ["a"], [90], [1, 2])
    assert inspector_effects([], [], []).effects == ()
