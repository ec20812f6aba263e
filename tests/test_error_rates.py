"""Error rates with intervals, against values worked out elsewhere."""

import math

import numpy as np
import pytest

from scoring.error_rates import error_rate, error_rates, weighted_error_rate


def test_wilson_and_exact_intervals_of_a_known_case() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 15 of 148.
    wilson = error_rate(15, 148)
    exact = error_rate(15, 148, method="exact")

    assert (round(wilson.low, 4), round(wilson.high, 4)) == (0.0624, 0.1605)
    assert (round(exact.low, 4), round(exact.high, 4)) == (0.0578, 0.1617)


def test_no_error_in_twenty_calls_is_not_a_rate_of_zero() -> None:
    rate = error_rate(0, 20, method="exact")

    assert (rate.rate, rate.low) == (0, 0)
    assert rate.high == pytest.approx(1 - 0.025 ** (1 / 20))
    assert rate.accuracy == (1, 1 - rate.high, 1)


def test_classes_leave_out_calls_to_which_they_do_not_apply() -> None:
    rates = error_rates({"customer": [1, 0, 0, math.nan], "compliance": [math.nan] * 4})

    assert (rates["customer"].errors, rates["customer"].calls) == (1, 3)
    assert rates["compliance"].calls == 0
    assert math.isnan(rates["compliance"].rate)


def test_equal_probabilities_give_the_exact_interval() -> None:
    weighted = weighted_error_rate([1, 0, 0, 0, 0, 0, 0, 1, 0, 0], [0.2] * 10)
    exact = error_rate(2, 10, method="exact")

    assert (weighted.rate, weighted.low, weighted.high) == pytest.approx((exact.rate, exact.low, exact.high))


def test_calls_drawn_for_their_risk_do_not_raise_the_rate() -> None:
    rate = weighted_error_rate([True, True, False, False], [1, 1, 0.1, 0.1])

    assert rate.rate == pytest.approx(2 / 22)
    assert rate.low < 2 / 22 < rate.high


@pytest.mark.parametrize(("errors", "calls"), [(-1, 3), (4, 3), (0, -1)])
def test_impossible_counts_are_refused(errors: int, calls: int) -> None:
    with pytest.raises(ValueError, match="errors must be"):
        error_rate(errors, calls)


def test_entries_that_are_no_verdict_are_refused() -> None:
    with pytest.raises(ValueError, match="class 'business'"):
        error_rates({"business": [0, 2]})
    with pytest.raises(ValueError, match="probabilities above 0"):
        weighted_error_rate([1, 0], [0, 0.5])
    with pytest.raises(ValueError, match="one probability"):
        weighted_error_rate(np.zeros(2), [0.5])
