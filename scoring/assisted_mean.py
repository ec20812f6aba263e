"""The model-assisted mean of each agent's manual scores, with its variance: the core of scoring/estimation.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scoring.spread import Floats, Spread, moderate

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SLOPE_MIN_DF = 8  # below, a slope costs more certainty than it brings
OTHERS_MIN = 10  # agents with two reviews, before an agent without any gets an estimate from them
SHIFT_MOST = 0.6  # standard errors; beyond, the expansion means nothing
SKEW_PRIOR = 20  # reviews' worth of belief that scores are not skewed
DESIGN_PRIOR = 20  # degrees of freedom's worth of belief that weights and residuals are unrelated


@dataclass(frozen=True)
class Calls:
    """All calls, with the agents numbered from 0; arrays have the calls' length."""

    code: Ints  # the agent
    auto: Floats  # nan: none
    manual: Floats  # nan: not reviewed
    weight: Floats  # 1 / inclusion probability of reviewed calls, 0 for the others
    agents: int

    def per_agent(self, values: Floats, at: Ints | Flags | None = None) -> Floats:
        """Return the sum of `values` of each agent's calls, or of the calls `at` some places."""
        return np.bincount(self.code if at is None else self.code[at], values, self.agents).astype(np.float64)

    @cached_property
    def size(self) -> Floats:
        """The number of calls of each agent."""
        return np.bincount(self.code, minlength=self.agents).astype(float)

    @cached_property
    def reviewed(self) -> Ints:
        return np.flatnonzero(~np.isnan(self.manual))

    @cached_property
    def scored(self) -> Floats:
        """The number of calls of each agent that have an automatic score."""
        return self.per_agent((~np.isnan(self.auto)).astype(float))

    @cached_property
    def mean_auto(self) -> Floats:
        """Each agent's mean automatic score; nan where there is none."""
        sums = self.per_agent(np.nan_to_num(self.auto))
        return np.where(self.scored > 0, sums / np.maximum(self.scored, 1), np.nan)

    @cached_property
    def deviation(self) -> Floats:
        """Automatic score less the agent's mean; 0 where there is none, so that it adds up to 0 over each agent."""
        return np.nan_to_num(self.auto - self.mean_auto[self.code])

    @cached_property
    def spread_auto(self) -> Floats:
        """The standard deviation of each agent's automatic scores; 0 where there are none."""
        squares = np.sqrt(self.per_agent(self.deviation**2) / np.maximum(self.scored - 1, 1))
        # What rounding leaves of equal scores is no spread.
        return np.where(squares > 1e-9 * (1 + np.abs(np.nan_to_num(self.mean_auto))), squares, 0.0)


@dataclass(frozen=True)
class Means:
    """One entry per agent; nan where nothing is known."""

    value: Floats
    variance: Floats
    df: Floats  # for Student's t
    shift: Floats  # of the interval downwards, in standard errors, for skew
    slope: float  # of manual on automatic scores, 0 when these are not used
    assisted: Flags  # the automatic scores entered


class _Reviews:
    """The reviewed calls with their Hájek weights `a`, which add up to 1 for each agent."""

    def __init__(self, calls: Calls, at: Ints) -> None:
        self.calls, self.code = calls, calls.code[at]
        weight = calls.weight[at]
        self.a = weight / self.sums(weight)[self.code]
        self.probability = np.minimum(1 / weight, 1.0)
        self.n = self.sums(np.ones(len(at)))
        self.a2, self.a3 = self.sums(self.a**2), self.sums(self.a**3)
        self.several = self.n >= 2
        # Satterthwaite's degrees of freedom of the weighted variance; n - 1 where weights are equal.
        exact = (1 - self.a2) ** 2 / np.where(self.several, self.a2 - 2 * self.a3 + self.a2**2, 1.0)
        self.df = np.where(self.several, exact, 0.0)
        # The variance of a mean is this times the variance of scores; 0 when all calls are reviewed.
        self.factor = np.where(self.n > 0, np.maximum(self.a2 - 1 / calls.size, 0.0), np.nan)

    def sums(self, values: Floats) -> Floats:
        return np.bincount(self.code, values, self.calls.agents).astype(np.float64)

    def means(self, values: Floats) -> Floats:
        return self.sums(self.a * values)

    def centred(self, values: Floats) -> Floats:
        return values - self.means(values)[self.code]

    def variances(self, values: Floats, *, alike: bool) -> tuple[Floats, Floats]:
        """Return the variance of values within each agent, with its degrees of freedom; 0 of these with one review.

        `alike`: weights say nothing about the values, so each counts as much. A weighted variance would follow the
        one call that dominates the mean: large just when that call is far off, which widens intervals for nothing.
        """
        if not alike:
            squares = self.means(self.centred(values) ** 2)
            return squares / np.where(self.several, 1 - self.a2, 1.0), self.df
        df = np.maximum(self.n - 1, 0.0)
        around = values - (self.sums(values) / np.maximum(self.n, 1))[self.code]
        return self.sums(around**2) / np.maximum(df, 1.0), df


@dataclass(frozen=True)
class _Slope:
    value: float
    squares: float  # of the automatic scores around their agents' means; infinite when there is no slope
    df_share: float  # of the degrees of freedom that are left


def assisted_means(calls: Calls, at: Ints, reach: float) -> Means:
    """Return the mean manual score over each agent's calls, from the reviewed ones `at` these places.

    `reach` is half the interval in standard errors if scores were normal: 1.96 for 95 %.

    An agent without a review gets an estimate from the other agents, by its mean automatic score if there is one,
    when OTHERS_MIN of them have reviews; its variance is then that between agents.
    """
    reviews = _Reviews(calls, at)
    manual, deviation = calls.manual[at], calls.deviation[at]
    slope = _slope(reviews, manual, deviation)
    assisted = (calls.spread_auto > 0) & (slope.value != 0)

    value = np.where(reviews.n > 0, reviews.means(manual - slope.value * deviation), np.nan)
    variance, df, shift = (np.full(calls.agents, np.nan) for _ in range(3))
    # Agents without automatic scores vary more: they are compared with the plain scores of all.
    plain = _Slope(0.0, np.inf, 1.0)
    for group, pool, line in ((assisted, assisted, slope), (~assisted, np.ones_like(assisted), plain)):
        if group.any():
            found = _uncertainty(reviews, manual - line.value * deviation, deviation, line, pool, reach)
            variance[group], df[group], shift[group] = (part[group] for part in found)
    _fill(calls, reviews, value, variance, df, shift)
    return Means(value, variance, df, shift, slope.value, assisted)


def _slope(reviews: _Reviews, manual: Floats, deviation: Floats) -> _Slope:
    """Return the common slope within agents, or none when it would not make intervals narrower."""
    from scipy.special import stdtrit  # SciPy takes half a second to import, and most commands do without.

    none = _Slope(0.0, np.inf, 1.0)
    df = float(reviews.df.sum())
    weight = reviews.a * reviews.n[reviews.code]
    x, y = reviews.centred(deviation), reviews.centred(manual)
    xx, xy, yy = float(weight @ x**2), float(weight @ (x * y)), float(weight @ y**2)
    if df < SLOPE_MIN_DF or yy == 0 or xx <= 1e-12 * yy:
        return none
    left = max(yy - xy**2 / xx, 0.0)
    counted = reviews.several & (reviews.factor > 1e-9)
    extra = reviews.means(deviation)[counted] ** 2 / xx / reviews.factor[counted]
    reach = stdtrit(df - 1, 0.975) / stdtrit(df, 0.975)
    gain = left / (df - 1) / (yy / df) * (1 + float(np.median(extra)) if counted.any() else 1.0) * reach**2
    return _Slope(xy / xx, xx, (df - 1) / df) if gain < 1 else none


def _uncertainty(
    reviews: _Reviews, response: Floats, deviation: Floats, slope: _Slope, pool: Flags, reach: float
) -> tuple[Floats, Floats, Floats]:
    """Return variance of the mean, degrees of freedom and shift; the agents in `pool` say what is common."""
    residual = reviews.centred(response)
    # What is left when the automatic score is taken into account hardly depends on the probability; scores do.
    left, df = reviews.variances(response, alike=slope.value != 0)
    own, known = left / slope.df_share, reviews.several & pool
    spread = moderate(own, np.where(known, df * slope.df_share, 0.0), _traits(reviews.calls) if slope.value else None)
    variance = spread.variance * reviews.factor * _design_effect(reviews, residual, left, df, known)
    if known.any():
        common = float(df[known] @ own[known] / df[known].sum())
        variance = variance + reviews.means(deviation) ** 2 * common / slope.squares
    return variance, spread.df, _shift(reviews, residual, spread, known, reach)


def _traits(calls: Calls) -> Floats:
    """Return what may tell an agent's spread: spread, mean and share missing of the automatic scores."""
    seen = calls.spread_auto[calls.spread_auto > 0]
    smallest = 0.05 * float(np.median(seen))
    mean = np.where(np.isnan(calls.mean_auto), np.nanmean(calls.mean_auto), calls.mean_auto)
    return np.column_stack([np.log(calls.spread_auto + smallest), mean, 1 - calls.scored / calls.size])


def _design_effect(reviews: _Reviews, residual: Floats, own: Floats, own_df: Floats, known: Flags) -> float:
    """Return by how much weights that go with large residuals raise the variance, over all agents together.

    The ratio of the design-based variance of Hájek's mean, Σ a²(1 - π)e², to the one that takes residuals and
    weights as unrelated. For a single agent it could not be told from noise.
    """
    share = reviews.a**2 * (1 - reviews.probability)
    expected = reviews.sums(share * (1 - 2 * reviews.a + reviews.a2[reviews.code]))
    usable = known & (expected > 0) & (reviews.factor > 0)
    plain = float(own[usable] @ reviews.factor[usable])
    if plain <= 0:
        return 1.0
    found = reviews.sums(share * residual**2)[usable] * reviews.factor[usable] / expected[usable]
    # One agent's reviews alone cannot tell it.
    df = float(own_df[usable].sum()) * (1 - 1 / int(usable.sum()))
    return float((df * found.sum() / plain + DESIGN_PRIOR) / (df + DESIGN_PRIOR))


def _shift(reviews: _Reviews, residual: Floats, spread: Spread, known: Flags, reach: float) -> Floats:
    """Return how far the interval moves down for skew, in standard errors.

    With skewness g of a score, mean and moderated variance are correlated as far as the variance is the agent's
    own (share w). The t statistic then has mean -w·g/(2√n) and third cumulant (1 - 3w)·g/√n, and by Cornish and
    Fisher both ends, z standard errors away, move by g/√n·((1 - 3w)·(z² - 1)/6 - w/2).
    """
    three = known & (reviews.n >= 3)
    weight = reviews.n[three] - 2
    cubes = float(weight @ spread.variance[three] ** 1.5)
    if cubes <= 0:
        return np.zeros(len(three))
    n = reviews.n[three]
    third = reviews.sums(residual**3)[three] * n / ((n - 1) * (n - 2))
    skew = float(np.clip(weight @ third / cubes, -2, 2) * weight.sum() / (weight.sum() + SKEW_PRIOR))
    of_mean = skew * reviews.a3 / np.where(reviews.a2 > 0, reviews.a2, 1.0) ** 1.5
    moved = (1 - 3 * spread.own) * (reach**2 - 1) / 6 - spread.own / 2
    return np.clip(of_mean * moved, -SHIFT_MOST, SHIFT_MOST)


def _fill(calls: Calls, reviews: _Reviews, value: Floats, variance: Floats, df: Floats, shift: Floats) -> None:
    """Write into agents without reviews what the others lead to expect: by regression between agents."""
    empty, x = reviews.n == 0, calls.mean_auto
    variance[empty], df[empty], shift[empty] = np.nan, 0.0, 0.0
    for use_auto in (False, True):
        base = reviews.several & (~np.isnan(x) if use_auto else True)
        at = empty & (~np.isnan(x) if use_auto else True)
        agents = int(base.sum())
        centre = float(x[base].mean()) if use_auto and agents else 0.0
        squares = float(((x[base] - centre) ** 2).sum()) if use_auto else np.inf
        if not at.any() or agents < OTHERS_MIN or squares < 1e-9:
            continue
        level = float(value[base].mean())
        across = np.nan_to_num(x) - centre if use_auto else np.zeros(len(x))
        slope = float(across[base] @ (value[base] - level)) / squares
        left = value[base] - level - slope * across[base]
        value[at] = level + slope * across[at]
        df[at] = agents - 1 - use_auto
        variance[at] = float(left @ left) / df[at] * (1 + 1 / agents + across[at] ** 2 / squares)
