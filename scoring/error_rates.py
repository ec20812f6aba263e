"""Shares with their intervals: fatal and critical errors by class.

Critical error accuracy, as contact centre standards report it, is the share of calls without a critical error of a
class (of the customer, of the business, of compliance).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from scoring.uncertainty import share_interval

IntervalMethod = Literal["wilson", "exact"]


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """The share of calls with an error, 0 to 1, with its interval; nan when no call was judged."""

    errors: int
    calls: int
    rate: float
    low: float
    high: float
    method: IntervalMethod

    @property
    def accuracy(self) -> tuple[float, float, float]:
        """The share of calls without the error: value, low, high."""
        return 1 - self.rate, 1 - self.high, 1 - self.low


def error_rate(errors: int, calls: int, *, method: IntervalMethod = "wilson", confidence: float = 0.95) -> ErrorRate:
    """Return the rate with the interval of Wilson (1927) or the exact one of Clopper and Pearson (1934).

    Wilson's covers 95 % on average; the exact one at least 95 % always, and is wider. The calls must have been
    drawn with equal probability; `weighted_error_rate` is for others.

    >>> rate = error_rate(1, 20)
    >>> f"{rate.rate:.0%} ({rate.low:.1%} to {rate.high:.1%})"
    '5% (0.9% to 23.6%)'
    """
    if calls < 0 or not 0 <= errors <= calls:
        raise ValueError(f"errors must be 0 to the number of calls; got {errors} of {calls}")
    if not calls:
        return ErrorRate(0, 0, np.nan, np.nan, np.nan, method)
    if method == "wilson":
        interval = share_interval(errors, calls, confidence)
        low, high = interval.low, interval.high
    else:
        low, high = _clopper_pearson(errors, calls, confidence)
    return ErrorRate(errors, calls, errors / calls, low, high, method)


def weighted_error_rate(error: ArrayLike, probability: ArrayLike, *, confidence: float = 0.95) -> ErrorRate:
    """Return the rate over all calls when the judged ones were drawn with unequal probability.

    Args:
        error: one entry per judged call: 1 or True with the error, 0 without, nan not applicable.
        probability: its inclusion probability, above 0 to 1.

    The rate is Hájek's weighted mean. Its interval is that of Clopper and Pearson with the effective number of calls
    (Korn and Graubard 1998, Survey Methodology 24:193), where that number is Kish's: (Σw)² / Σw².
    """
    found, drawn = np.asarray(error, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    if found.shape != drawn.shape or found.ndim != 1:
        raise ValueError(f"give one probability for each judged call; got {drawn.shape} for {found.shape}")
    judged = ~np.isnan(found)
    found, drawn = found[judged], drawn[judged]
    if not np.isin(found, (0, 1)).all() or not ((drawn > 0) & (drawn <= 1)).all():
        raise ValueError("errors must be 0 or 1 (nan: not applicable), probabilities above 0 and at most 1")
    if not len(found):
        return ErrorRate(0, 0, np.nan, np.nan, np.nan, "exact")
    weight = 1 / drawn
    rate = float(weight @ found / weight.sum())
    n = float(weight.sum() ** 2 / (weight @ weight))
    low, high = _clopper_pearson(rate * n, n, confidence)
    return ErrorRate(int(found.sum()), len(found), rate, low, high, "exact")


def _clopper_pearson(errors: float, calls: float, confidence: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(errors, calls - errors + 1, tail)) if errors > 0 else 0.0
    high = float(betaincinv(errors + 1, calls - errors, 1 - tail)) if errors < calls else 1.0
    return low, high


def error_rates(
    classes: Mapping[str, ArrayLike], *, method: IntervalMethod = "wilson", confidence: float = 0.95
) -> dict[str, ErrorRate]:
    """Return the rate of each class; a class has one entry per reviewed call: 1 error, 0 none, nan not applicable."""
    rates = {}
    for name, entries in classes.items():
        found = np.asarray(entries, dtype=np.float64)
        judged = found[~np.isnan(found)]
        if not np.isin(judged, (0, 1)).all():
            raise ValueError(f"class {name!r}: every entry must be 1, 0 or nan")
        rates[name] = error_rate(int(judged.sum()), len(judged), method=method, confidence=confidence)
    return rates
