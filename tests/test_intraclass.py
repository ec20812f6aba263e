"""The intraclass correlations against the published table, and what must hold for any scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoring.intraclass import Intraclass, intraclass

# Shrout & Fleiss 1979, table 2: four judges, six targets.
JUDGES = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]
SCORES = st.integers(2, 4).flatmap(
    lambda people: st.lists(
        st.lists(st.integers(0, 100).map(float), min_size=people, max_size=people), min_size=2, max_size=12
    )
)


def rounded(one: Intraclass) -> tuple[float, float, float]:
    return round(one.value, 2), round(one.interval.low, 2), round(one.interval.high, 2)


def test_shrout_and_fleiss_table() -> None:
    found = intraclass(JUDGES)

    assert found is not None
    assert rounded(found.one_way) == (0.17, -0.13, 0.72)
    assert rounded(found.agreement) == (0.29, 0.02, 0.76)
    assert rounded(found.consistency) == (0.71, 0.34, 0.95)
    assert (found.calls, found.people) == (6, 4)


def test_a_milder_person_lowers_agreement_and_not_consistency() -> None:
    scores = [(call, call + 10) for call in (60.0, 72.0, 80.0, 95.0)]

    found = intraclass(scores)

    assert found is not None
    assert found.consistency.value == pytest.approx(1)
    assert found.agreement.value < 0.9


def test_too_little_to_compare_is_none() -> None:
    assert intraclass([]) is None
    assert intraclass([(1.0, 2.0)]) is None
    assert intraclass([(1.0,), (2.0,)]) is None
    assert intraclass([(5.0, 5.0), (5.0, 5.0)]) is None
    with pytest.raises(ValueError, match="every call"):
        intraclass([(1.0, 2.0), (1.0,)])
    with pytest.raises(ValueError, match="a number"):
        intraclass([(1.0, 2.0), (1.0, float("nan"))])


@example([[12.0, 16.0], [38.0, 0.0]])
@given(SCORES)
def test_values_lie_within_their_limits_whoever_comes_first(scores: list[list[float]]) -> None:
    found, turned = intraclass(scores), intraclass([row[::-1] for row in scores])

    assert (found is None) == (turned is None)
    if found is not None and turned is not None:
        pairs = [(found.one_way, turned.one_way), (found.agreement, turned.agreement)]
        for one, other in [*pairs, (found.consistency, turned.consistency)]:
            assert one.value == pytest.approx(other.value)
            assert one.interval.low <= one.value + 1e-9
            assert one.value - 1e-9 <= one.interval.high <= 1 + 1e-9


def test_the_intervals_hold() -> None:
    chance = np.random.default_rng(11)
    held = {"agreement": 0, "consistency": 0}
    rounds = 600
    for _ in range(rounds):  # variances: 60 between calls, 10 between people, 30 of the rest
        scores = (
            75
            + chance.normal(0, 60**0.5, (15, 1))
            + chance.normal(0, 10**0.5, (1, 4))
            + chance.normal(0, 30**0.5, (15, 4))
        )
        found = intraclass(scores.tolist())
        assert found is not None
        held["agreement"] += found.agreement.interval.low <= 0.6 <= found.agreement.interval.high
        held["consistency"] += found.consistency.interval.low <= 60 / 90 <= found.consistency.interval.high

    assert min(held.values()) / rounds > 0.92
