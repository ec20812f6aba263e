"""Agreement of inspectors: the share, its interval over calls, and what is left beyond chance."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.agreement import AnswerPair, agreement
from scoring.chance_agreement import Estimate
from scoring.uncertainty import clustered_interval, share_interval

PAIRS = st.lists(
    st.builds(AnswerPair, st.integers(0, 9), st.sampled_from(["met", "not_met"]), st.sampled_from(["met", "partly"])),
    min_size=1,
    max_size=40,
)


def value_of(found: Estimate | None) -> float:
    assert found is not None
    return found.value


def test_full_agreement_is_one_and_chance_is_none() -> None:
    same = [AnswerPair(i, answer, answer) for i, answer in enumerate(["met", "not_met"] * 10)]
    chance = [AnswerPair(i, "met", "met" if i % 2 else "not_met") for i in range(20)]

    assert value_of(agreement(same).alpha) == pytest.approx(1)
    assert agreement(chance).share == 0.5
    assert value_of(agreement(chance).alpha) < 0
    # Only one answer: nothing could have been told apart.
    assert agreement([AnswerPair(1, "met", "met")]).alpha is None
    with pytest.raises(ValueError, match="at least one"):
        agreement([])


def test_krippendorffs_own_example() -> None:
    """Two observers, ten units of yes and no (Computing Krippendorff's Alpha-Reliability, 2011, part A): 0.095."""
    first, second = "0100000010", "1110010000"

    found = agreement([AnswerPair(i, a, b) for i, (a, b) in enumerate(zip(first, second, strict=True))])

    assert value_of(found.alpha) == pytest.approx(0.095, abs=5e-4)
    assert (found.agreed, found.n) == (6, 10)


def test_answers_that_come_in_calls_tell_less_than_as_many_calls() -> None:
    together = [(10, 10)] * 8 + [(0, 10)] * 2
    apart = [(8, 10)] * 10

    wide, narrow = clustered_interval(together), clustered_interval(apart)
    assert wide.high - wide.low > 1.8 * (narrow.high - narrow.low)
    assert narrow == share_interval(80, 100)
    with pytest.raises(ValueError, match="at least one"):
        clustered_interval([])


def test_the_interval_over_calls_covers() -> None:
    """20 calls of 8 items; whole calls go wrong. Counting answers as independent covers far too rarely."""
    chance = random.Random(5)
    held = naive = 0
    rounds = 1500
    for _ in range(rounds):
        calls = [chance.betavariate(8 * 0.85, 8 * 0.15) for _ in range(20)]
        clusters = [(sum(chance.random() < p for _ in range(8)), 8) for p in calls]
        found = clustered_interval(clusters)
        held += found.low <= 0.85 <= found.high
        plain = share_interval(sum(met for met, _ in clusters), 160)
        naive += plain.low <= 0.85 <= plain.high

    assert 0.92 < held / rounds < 0.985
    assert naive / rounds < 0.9


@given(PAIRS)
def test_it_does_not_matter_who_was_first(pairs: list[AnswerPair]) -> None:
    found = agreement(pairs)
    turned = agreement([AnswerPair(pair.call, pair.second, pair.first) for pair in pairs])

    assert found == turned
    assert 0 <= found.interval.low <= found.share + 1e-9
    assert found.share - 1e-9 <= found.interval.high <= 1
    assert found.alpha is None or found.alpha.value <= 1
