"""Variances moderated towards the common one."""

import numpy as np
import pytest

from scoring.spread import c4, moderate


def test_a_single_agent_keeps_its_own_variance() -> None:
    found = moderate(np.array([9.0]), np.array([4.0]))

    assert (found.variance[0], found.df[0], found.own[0]) == (9, 4, 1)


def test_an_agent_without_reviews_gets_the_common_variance() -> None:
    found = moderate(np.array([4.0, 4.0, 4.0, 0.0]), np.array([50.0, 50.0, 50.0, 0.0]))

    assert found.variance[3] == pytest.approx(4, rel=0.25)
    assert found.own[3] == 0
    assert 0 < found.df[3] < found.df[0]


def test_nothing_known_is_nan() -> None:
    found = moderate(np.zeros(2), np.zeros(2))

    assert np.isnan(found.variance).all()


@pytest.mark.parametrize(("variation", "own"), [(0.0, (0.0, 0.25)), (0.8, (0.4, 1.0))])
def test_the_more_agents_differ_the_more_their_own_variance_counts(variation: float, own: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    spread = 5 * rng.lognormal(0, variation, 1000)

    found = moderate(spread**2 * rng.chisquare(4, 1000) / 4, np.full(1000, 4.0))

    assert own[0] <= found.own[0] <= own[1]


def test_what_explains_the_spread_is_used() -> None:
    rng = np.random.default_rng(2)
    trait = rng.normal(size=500)
    true = 25 * np.exp(trait)
    own = true * rng.chisquare(2, 500) / 2

    blind = moderate(own, np.full(500, 2.0)).variance
    told = moderate(own, np.full(500, 2.0), trait[:, None]).variance

    assert np.log(told / true).std() < 0.7 * np.log(blind / true).std()


def test_c4_of_small_samples() -> None:
    assert c4(np.array([1.0, 2.0, 4.0])) == pytest.approx([0.79788, 0.88623, 0.93999], abs=1e-5)
