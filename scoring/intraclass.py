"""Intraclass correlation: how much of the differences between totals comes from the calls, and not from who scored.

The three cases of Shrout & Fleiss (1979, Psychol. Bull. 86:420) with their intervals from the F distribution; that of
ICC(2,1) is the corrected one of McGraw & Wong (1996, Psychol. Methods 1:30), ICC(A,1) there, ICC(3,1) being ICC(C,1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.uncertainty import CONFIDENCE, Interval

LEAST = 1e-12  # squared points


@dataclass(frozen=True, slots=True)
class Intraclass:
    """One coefficient with its interval."""

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class IntraclassCorrelations:
    """Of a table in which the same `people` scored all of `calls`.

    `one_way` is ICC(1,1): who scored is not told apart. `agreement` is ICC(2,1): a milder person counts as
    disagreement. `consistency` is ICC(3,1): only the order and the distances of calls count.
    """

    one_way: Intraclass
    agreement: Intraclass
    consistency: Intraclass
    calls: int
    people: int


def intraclass(scores: Sequence[Sequence[float]], confidence: float = CONFIDENCE) -> IntraclassCorrelations | None:
    """Return the correlations of `scores`, one row per call and one column per person.

    None when there are fewer than two calls or people, when all scores are alike, and for two calls and two people
    who only change places.

    Raises:
        ValueError: rows of different lengths, or a score that is not a number.
    """
    if len({len(row) for row in scores}) > 1:
        raise ValueError("every person must have scored every call")
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        return None
    if not np.isfinite(table).all():
        raise ValueError("every score must be a number")
    n, k = table.shape
    centre = table.mean()
    calls, people = table.mean(axis=1) - centre, table.mean(axis=0) - centre
    rest = table - centre - calls[:, None] - people[None, :]
    between = k * float(calls @ calls) / (n - 1)
    columns = n * float(people @ people) / (k - 1)
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    within = (float((rest**2).sum()) + n * float(people @ people)) / (n * (k - 1))
    all_in_all = between + (k - 1) * error + k * (columns - error) / n
    if between + within < LEAST or all_in_all < LEAST * error + LEAST:
        return None
    tail = (1 - confidence) / 2
    return IntraclassCorrelations(
        one_way=_ratio(between, within, n - 1, n * (k - 1), k, tail),
        agreement=_absolute(between, columns, error, n, k, tail),
        consistency=_ratio(between, error, n - 1, (n - 1) * (k - 1), k, tail),
        calls=n,
        people=k,
    )


def _ratio(between: float, noise: float, first: float, second: float, k: int, tail: float) -> Intraclass:
    """Return (F − 1) / (F + k − 1) of F = between / noise, and of the limits of F."""
    from scipy.special import fdtri

    if noise < 1e-12 * max(between, 1.0):
        return Intraclass(1.0, Interval(1.0, 1.0))
    f = between / noise
    low, high = f / fdtri(first, second, 1 - tail), f * fdtri(second, first, 1 - tail)
    value, lower, upper = ((one - 1) / (one + k - 1) for one in (f, float(low), float(high)))
    return Intraclass(value, Interval(lower, upper))


def _absolute(between: float, columns: float, error: float, n: int, k: int, tail: float) -> Intraclass:
    from scipy.special import fdtri

    value = (between - error) / (between + (k - 1) * error + k * (columns - error) / n)
    a = k * value / (n * (1 - value)) if value < 1 else 0.0
    b = 1 + k * value * (n - 1) / (n * (1 - value)) if value < 1 else 0.0
    spread = (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    if spread <= 0:
        return Intraclass(value, Interval(value, value))
    # Where people differ more than calls the formula may leave next to no degree of freedom, and F no limits.
    freedom = max(1.0, (a * columns + b * error) ** 2 / spread)
    above, below = float(fdtri(n - 1, freedom, 1 - tail)), float(fdtri(freedom, n - 1, 1 - tail))
    common = k * columns + (k * n - k - n) * error
    lower = n * (between - above * error) / (above * common + n * between)
    upper = n * (below * between - error) / (common + n * below * between)
    return Intraclass(value, Interval(min(lower, value), max(upper, value)))
