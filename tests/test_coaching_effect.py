"""Whether coaching helped: chance and regression to the mean are not taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scoring.coaching_effect import LEAST_ANSWERS, MOST_PEERS, Change, Rate, Verdict, effect_of, similar


def change(before: int, after: int, n: int = 40) -> Change:
    return Change(Rate(before, n), Rate(after, n))


RATE = st.integers(0, 60).flatmap(lambda n: st.integers(0, n).map(lambda met: Rate(met, n)))
CHANGE = st.builds(Change, RATE, RATE)


def test_a_change_that_the_others_had_too_says_nothing() -> None:
    effect = effect_of(change(20, 32), [change(20, 32), change(21, 31), change(19, 33), change(20, 31)])

    assert effect.change_interval is not None
    assert effect.change_interval.low > 0  # taken by itself it looks like success
    assert effect.verdict is Verdict.CHANCE
    assert effect.effect == pytest.approx(0.0, abs=0.02)


def test_a_change_that_the_others_did_not_have_is_coachings() -> None:
    effect = effect_of(change(16, 38), [change(16, 17), change(15, 16), change(17, 16), change(16, 15)])

    assert effect.verdict is Verdict.BETTER
    assert effect.peers == 4
    assert effect.effect == pytest.approx(0.55, abs=0.01)


def test_getting_worse_is_said_too() -> None:
    effect = effect_of(change(30, 8), [change(30, 31), change(29, 30), change(31, 30)])

    assert effect.verdict is Verdict.WORSE


@pytest.mark.parametrize("own", [Change(Rate(1, LEAST_ANSWERS - 1), Rate(9, 9)), Change(Rate(3, 9), Rate(0, 0))])
def test_too_few_answers_are_called_too_few(own: Change) -> None:
    effect = effect_of(own, [change(10, 10)] * 5)

    assert effect.verdict is Verdict.FEW_ANSWERS
    assert effect.change is None


def test_without_similar_agents_nothing_is_claimed() -> None:
    effect = effect_of(change(10, 38), [change(36, 36), change(38, 38), change(40, 40), change(10, 10)])

    assert effect.verdict is Verdict.FEW_PEERS
    assert effect.change == pytest.approx(0.7)
    assert effect.effect is None


def test_the_most_similar_are_compared_with() -> None:
    others = [change(met, met) for met in range(10, 31)]

    found = {peer.before.met for peer in similar(change(20, 20), others)}

    assert len(found) == MOST_PEERS
    assert set(range(15, 26)) < found < set(range(14, 27))


def test_the_weakest_of_thirty_get_better_by_themselves_and_the_comparison_knows() -> None:
    """The worst of 30 agents is coached without any effect: how often is it called one?"""
    random = np.random.default_rng(20261128)
    naive = compared = covered = runs = 0
    for _ in range(400):
        ability = random.beta(16, 4, size=30)
        before, after = random.binomial(20, ability), random.binomial(20, ability)
        changes = [change(int(b), int(a), 20) for b, a in zip(before, after, strict=True)]
        worst = int(np.argmin(before))
        effect = effect_of(changes[worst], [one for at, one in enumerate(changes) if at != worst])
        if effect.effect_interval is None:
            continue
        assert effect.change_interval is not None
        runs += 1
        naive += effect.change_interval.low > 0
        compared += effect.verdict is Verdict.BETTER
        covered += effect.effect_interval.low <= 0 <= effect.effect_interval.high

    assert runs > 200
    assert naive / runs > 0.08  # of a true rate of 2.5 % that a fair interval would have
    assert compared / runs < 0.05
    assert covered / runs > 0.93


@given(CHANGE, st.lists(CHANGE, max_size=15))
def test_an_interval_holds_its_value_and_bounds_make_sense(own: Change, others: list[Change]) -> None:
    effect = effect_of(own, others)

    assert (effect.verdict is Verdict.FEW_ANSWERS) == (not own.enough)
    if effect.effect_interval is not None:
        assert effect.effect is not None
        assert effect.change_interval is not None
        assert effect.effect_interval.low <= effect.effect <= effect.effect_interval.high
        # Comparing can only add uncertainty.
        assert effect.effect_interval.half_width >= effect.change_interval.half_width - 1e-12


@given(CHANGE, st.lists(CHANGE, max_size=8), st.randoms())
def test_the_order_of_the_others_does_not_matter(own: Change, others: list[Change], random: object) -> None:
    assume(len(others) <= 8)
    shuffled = list(others)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    one, two = effect_of(own, others), effect_of(own, shuffled)

    assert one.verdict is two.verdict
    assert one.effect == pytest.approx(two.effect)
