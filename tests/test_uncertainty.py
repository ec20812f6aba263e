"""Intervals of parts, of their weighted sum and of a difference, and the chance of each band."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scoring.uncertainty import (
    Interval,
    Tally,
    Term,
    band_chances,
    census_interval,
    chance_below,
    difference,
    moderated_intervals,
    share_interval,
    strata_interval,
    student_interval,
    weighted_sum,
)

BANDS = [("A", 90.0), ("B", 80.0), ("C", 0.0)]
shares = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_wilsons_interval_as_published() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
    for met, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = share_interval(met, n)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(shares)
def test_a_share_lies_in_its_interval_and_mirrors(counts: tuple[int, int]) -> None:
    met, n = counts
    found, mirrored = share_interval(met, n), share_interval(n - met, n)

    assert 0 <= found.low <= met / n <= found.high <= 1
    assert found.low == pytest.approx(1 - mirrored.high)


@pytest.mark.parametrize(("met", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_impossible_shares_are_refused(met: int, n: int) -> None:
    with pytest.raises(ValueError, match="a share needs"):
        share_interval(met, n)


def test_a_mean_over_all_calls_has_no_sampling_error_and_one_of_many_no_interval() -> None:
    values = [80.0, 90.0, 70.0, 100.0]

    assert census_interval(Tally.of(values), 4) == Interval(85.0, 85.0)
    assert census_interval(Tally.of([80.0]), 4) is None
    # s = 12.91, t with 3 degrees = 3.182, half of the population known: 3.182 · 12.91 / 2 · √½ = 14.53
    half = census_interval(Tally.of(values), 8)
    assert half is not None
    assert half.half_width == pytest.approx(14.53, abs=0.01)
    with pytest.raises(ValueError, match="4 known values of 3"):
        census_interval(Tally.of(values), 3)


def test_one_test_call_borrows_the_spread_of_others() -> None:
    found = moderated_intervals({1: Tally.of([80, 90]), 2: Tally.of([70, 80]), 3: Tally.of([75])})

    assert found is not None
    # The usual variance is (50 + 50) / 2; t with 2 degrees is 4.303: 4.303 · √50 = 30.4
    assert found[3].half_width == pytest.approx((100 - (75 - 30.43)) / 2, abs=0.05)  # cut at 100
    assert found[1].half_width < found[3].half_width


def test_without_any_pair_the_spread_between_agents_takes_its_place() -> None:
    found = moderated_intervals({1: Tally.of([70]), 2: Tally.of([80]), 3: Tally.of([75])})

    assert found is not None
    assert found[2].low == pytest.approx(80 - 4.303 * 5, abs=0.01)


@pytest.mark.parametrize(
    "tallies",
    [
        {},
        {1: Tally.of([80])},
        {1: Tally.of([80]), 2: Tally.of([90])},
        {1: Tally.of([100, 100]), 2: Tally.of([100])},
    ],
)
def test_too_little_or_all_alike_says_nothing_about_the_spread(tallies: dict[int, Tally]) -> None:
    assert moderated_intervals(tallies) is None


def test_moderated_intervals_cover_as_they_say() -> None:
    rng = np.random.default_rng(7)
    covered = total = 0
    for _ in range(40):
        truth = rng.normal(75, 4, 50)
        spread = 6 * np.sqrt(rng.chisquare(8, 50) / 8)  # every agent has a spread of their own
        values = {i: rng.normal(truth[i], spread[i], rng.integers(1, 5)) for i in range(50)}
        found = moderated_intervals({i: Tally.of(list(drawn)) for i, drawn in values.items()})
        assert found is not None
        covered += sum(found[i].low <= truth[i] <= found[i].high for i in values)
        total += len(values)
    assert 0.93 <= covered / total <= 0.985


terms = st.builds(
    lambda weight, value, down, up: Term(weight, value, value - down, value + up),
    st.floats(-1, 1),
    st.floats(0, 100),
    st.floats(0, 30),
    st.floats(0, 30),
)


@given(st.lists(terms, min_size=1, max_size=6))
def test_a_sum_is_no_surer_than_its_least_sure_term_and_no_less_than_all_together(given_: list[Term]) -> None:
    found = weighted_sum(given_)

    value = sum(term.weight * term.value for term in given_)
    widths = [abs(term.weight) * (term.high - term.low) for term in given_]
    assert found.low - 1e-6 <= value <= found.high + 1e-6
    assert found.high - found.low <= sum(widths) + 1e-6


def test_symmetric_terms_add_their_variances() -> None:
    found = weighted_sum([Term(0.6, 80, 74, 86), Term(0.4, 90, 80, 100)])

    assert (found.low, found.high) == pytest.approx((84 - math.hypot(3.6, 4), 84 + math.hypot(3.6, 4)))


def test_a_lop_sided_term_keeps_its_shape_and_a_negative_weight_turns_it() -> None:
    upright = weighted_sum([Term(1, 98, 90, 100)])
    turned = weighted_sum([Term(-1, 98, 90, 100)])

    assert (upright.low, upright.high) == pytest.approx((90, 100))
    assert (turned.low, turned.high) == pytest.approx((-100, -90))


def test_a_difference_ignores_the_weights() -> None:
    found = difference(Term(0.5, 90, 87, 93), Term(0.1, 80, 76, 84))

    assert (found.low, found.high) == pytest.approx((5, 15))


def test_a_value_outside_its_limits_is_refused() -> None:
    with pytest.raises(ValueError, match="outside its limits"):
        weighted_sum([Term(1, 80, 85, 90)])


def test_the_chance_of_each_band() -> None:
    # 1.96 standard errors from 88 to 92: half a standard error is 1.0204; 90 lies 1.96 of them above.
    chances = band_chances(BANDS, 88, Interval(86, 90))
    assert chances == pytest.approx({"A": 0.025, "B": 0.975, "C": 0.0}, abs=1e-4)
    even = band_chances(BANDS, 90, Interval(80, 95))
    assert even["A"] == pytest.approx(0.5)
    assert even["C"] == pytest.approx(0.025, abs=1e-4)


def test_a_certain_value_has_one_band() -> None:
    assert band_chances(BANDS, 90, Interval(90, 90)) == {"A": 1.0, "B": 0.0, "C": 0.0}
    assert chance_below(80, 79.9, Interval(79.9, 79.9)) == 1.0


@given(st.floats(0, 100), st.floats(0, 40), st.floats(0, 40))
def test_chances_add_up_to_one(value: float, down: float, up: float) -> None:
    assume(down + up > 0)
    chances = band_chances(BANDS, value, Interval(value - down, value + up))

    assert sum(chances.values()) == pytest.approx(1)
    assert all(0 <= chance <= 1 for chance in chances.values())


def test_a_group_mean_needs_three_values_that_differ() -> None:
    assert student_interval(Tally.of([80, 90])) is None
    assert student_interval(Tally.of([80, 80, 80])) is None
    found = student_interval(Tally.of([70, 80, 90]))
    assert found is not None
    assert found.low == pytest.approx(80 - 4.303 * 10 / 3**0.5, abs=0.01)
    assert found.high == 100  # the scale ends


def test_agents_are_strata_of_their_teams_mean() -> None:
    team = [Tally.of([70, 72]), Tally.of([90, 92])]
    found = strata_interval(team, [*team, Tally.of([80])])

    assert found is not None
    # Within an agent the variance is 2, between them 200: 4.303 · √(2 / 4).
    assert (found.low, found.high) == pytest.approx((81 - 3.043, 81 + 3.043), abs=1e-3)
    assert strata_interval([Tally.of([80])], [Tally.of([80]), Tally.of([90])]) is None  # nobody has two
    alone = strata_interval([Tally.of([v]) for v in (70, 80, 90)], [Tally.of([v]) for v in (70, 80, 90)])
    assert alone == student_interval(Tally.of([70, 80, 90]))
