"""How sure a score is: intervals of its parts, and what they leave of the weighted sum, the grade and a difference.

Intervals are the currency. Each part brings its own, by the method that suits it, and the sum is made from their
limits by MOVER, the "method of variance estimates recovery" (Zou & Donner 2008, Statistics in Medicine 27:1693):
the distance from the value to the lower limit is the root of the summed squares of the parts' own distances, and
likewise upwards. With symmetric parts that is the ordinary sum of variances; lop-sided parts (a share near 100 %)
keep their shape, which a sum of variances would lose.

The parts are taken as independent: they come from different samples (drawn reviews, test calls, ratings).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
# How much the other agents' spread says about one agent's, in degrees of freedom (the d0 of Smyth 2004). Test calls
# are too few to estimate it, so it is set, and low: an agent's own values overrule the others' after a handful.
PRIOR_DF = 4.0
LEAST_FOR_SPREAD = 3  # fewer values, of all agents together, say nothing about the spread


@dataclass(frozen=True, slots=True)
class Interval:
    """Limits that hold the true value with the stated confidence, in the unit of the value."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a weighted sum: its weight (may be negative), value and limits."""

    weight: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers summed up: how many, their sum and the sum of their squares."""

    n: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        return self.total / self.n

    @property
    def deviations(self) -> float:
        """The sum of squared deviations from the mean."""
        return max(0.0, self.squares - self.total**2 / self.n)

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @classmethod
    def of(cls, values: Sequence[float]) -> Tally:
        return cls(len(values), math.fsum(values), math.fsum(value * value for value in values))


def share_interval(met: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Return Wilson's score interval of a share, 0 to 1 (Wilson 1927, JASA 22:209).

    `n` may be a number of observations that others are worth, and broken.

    Raises:
        ValueError: n below 1, or met outside 0 to n.
    """
    if n < 1 or not 0 <= met <= n:
        raise ValueError(f"a share needs 0 <= met <= n and n >= 1, not {met:g} of {n:g}")
    z = _z(confidence)
    p = met / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At 0 and n the limit is the end itself; the formula misses it by the last bit of a float.
    return Interval(0.0 if met == 0 else max(0.0, middle - half), 1.0 if met == n else min(1.0, middle + half))


def clustered_interval(
    clusters: Sequence[tuple[float, float]], confidence: float = CONFIDENCE, *, graded: bool = False
) -> Interval:
    """Return the interval of a share, 0 to 1, whose observations come in clusters of (met, n).

    Wilson's interval of as many independent observations as these are worth: n over the design effect, which is the
    variance of the ratio of the sums over that of a simple sample. It is never taken for less than the number of
    clusters, nor for more than n unless an observation may be met in part (`graded`), which tells more than yes or no.
    Where all observations are alike nothing is known of it: each cluster counts once.

    Raises:
        ValueError: there is no observation.
    """
    met, n, k = sum(met for met, _ in clusters), sum(size for _, size in clusters), len(clusters)
    if not n:
        raise ValueError("a share needs at least one observation")
    share = min(1.0, met / n)
    worth = float(k)
    if 0 < share < 1 and k > 1:
        variance = k / (k - 1) * sum((one - share * size) ** 2 for one, size in clusters) / n**2
        simple = share * (1 - share)
        worth = max(float(k), simple / variance) if variance > 0 else max(float(k), n)
        worth = worth if graded else min(worth, max(1.0, n))
    return share_interval(share * worth, worth, confidence)


def census_interval(tally: Tally, population: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Return the interval of the mean over `population` values of which those in `tally` are known.

    Student's t with the finite-population correction (Cochran 1977, section 2.8): when all are known it has no width.
    None with one known value of several: nothing is known about their spread.

    Raises:
        ValueError: fewer in the population than known.
    """
    if population < tally.n or tally.n < 1:
        raise ValueError(f"{tally.n} known values of {population}")
    if tally.n == population:
        return Interval(tally.mean, tally.mean)
    if tally.n < 2:
        return None
    error = math.sqrt(tally.deviations / (tally.n - 1) / tally.n * (1 - tally.n / population))
    return around(tally.mean, error, tally.n - 1, confidence)


def student_interval(tally: Tally, confidence: float = CONFIDENCE) -> Interval | None:
    """Return Student's interval of the mean that the values in `tally` (0 to 100) were drawn around.

    None: fewer than LEAST_FOR_SPREAD values, or all are alike, so the spread cannot be told.
    """
    if tally.n < LEAST_FOR_SPREAD or tally.deviations <= 0:
        return None
    return around(tally.mean, math.sqrt(tally.deviations / (tally.n - 1) / tally.n), tally.n - 1, confidence)


def around(value: float, error: float, freedom: float, confidence: float = CONFIDENCE) -> Interval:
    """Return Student's interval around a value from 0 to 100, from its standard error and degrees of freedom."""
    half = _t(freedom, confidence) * error
    return clipped(Interval(value - half, value + half))


def moderated_intervals(tallies: Mapping[int, Tally], confidence: float = CONFIDENCE) -> dict[int, Interval] | None:
    """Return the interval of each agent's mean from very few values (0 to 100) of each.

    An agent's variance is moderated towards that of all agents, and Student's t has the degrees of freedom of both
    (Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3:3, with PRIOR_DF for its d0). So one test call gives an interval too:
    that of the usual spread between two test calls of one agent. When no agent has two, the spread between the
    agents takes its place, which is too wide rather than too narrow.

    None: there are fewer than LEAST_FOR_SPREAD values, or all are alike, so nobody's spread can be told.
    """
    if sum(tally.n for tally in tallies.values()) < LEAST_FOR_SPREAD:
        return None
    freedom = sum(tally.n - 1 for tally in tallies.values())
    if freedom:
        usual = sum(tally.deviations for tally in tallies.values()) / freedom
    else:
        between = Tally.of([tally.mean for tally in tallies.values()])
        freedom = between.n - 1
        usual = between.deviations / freedom
    if usual <= 0:
        return None
    prior = min(PRIOR_DF, float(freedom))
    return {agent: _moderated(tally, usual, prior, confidence) for agent, tally in tallies.items()}


def strata_interval(
    members: Sequence[Tally], everybody: Sequence[Tally], confidence: float = CONFIDENCE
) -> Interval | None:
    """Return Student's interval of the mean of all values (0 to 100) of some agents, agents being strata.

    What differs between these agents is no matter of chance: only the spread within an agent counts, taken from
    `everybody` (Cochran 1977, section 5.4 with a common variance). When no agent has two values, the spread of the
    members' values takes its place. None where neither can be told.
    """
    total = sum(members, Tally(0, 0.0, 0.0))
    freedom = sum(tally.n - 1 for tally in everybody)
    if not freedom:
        return student_interval(total, confidence)
    usual = sum(tally.deviations for tally in everybody) / freedom
    if usual <= 0 or not total.n:
        return None
    return around(total.mean, math.sqrt(usual / total.n), freedom, confidence)


def _moderated(tally: Tally, usual: float, prior: float, confidence: float) -> Interval:
    freedom = prior + tally.n - 1
    variance = (prior * usual + tally.deviations) / freedom
    return around(tally.mean, math.sqrt(variance / tally.n), freedom, confidence)


def weighted_sum(terms: Sequence[Term]) -> Interval:
    """Return the interval of Σ weight · value by MOVER (see the module); not cut to any scale.

    Raises:
        ValueError: a term's value lies outside its limits.
    """
    value = math.fsum(term.weight * term.value for term in terms)
    down = up = 0.0
    for term in terms:
        if not term.low - 1e-9 <= term.value <= term.high + 1e-9:
            raise ValueError(f"the value lies outside its limits: {term}")
        below, above = term.weight * (term.value - term.low), term.weight * (term.high - term.value)
        if term.weight < 0:
            below, above = -above, -below
        down += below * below
        up += above * above
    return Interval(value - math.sqrt(down), value + math.sqrt(up))


def difference(a: Term, b: Term) -> Interval:
    """Return the interval of a − b; the weights of the two do not matter."""
    return weighted_sum([Term(1.0, a.value, a.low, a.high), Term(-1.0, b.value, b.low, b.high)])


def chance_below(limit: float, value: float, interval: Interval, confidence: float = CONFIDENCE) -> float:
    """Return how likely the true value lies below `limit`, 0 to 1, from a value and its interval.

    Read off the confidence distribution (Xie & Singh 2013, Int. Stat. Rev. 81:3): a normal on each side of the value,
    as wide as the limits of that side say, half of it on either side.
    """
    side = value - interval.low if limit < value else interval.high - value
    if side <= 0:
        return 0.0 if limit <= value else 1.0
    return NormalDist(0.0, side / _z(confidence)).cdf(limit - value)


def band_chances(
    bands: Sequence[tuple[str, float]], value: float, interval: Interval, confidence: float = CONFIDENCE
) -> dict[str, float]:
    """Return how likely the true value lies in each band; they add up to 1.

    Args:
        bands: (name, lowest value that belongs to it), highest band first; the last takes all that is left.
    """
    chances = {}
    above = 0.0
    for name, least in bands[:-1]:
        reached = 1.0 - chance_below(least, value, interval, confidence)
        chances[name] = max(0.0, reached - above)
        above = max(above, reached)
    chances[bands[-1][0]] = 1.0 - above
    return chances


def clipped(interval: Interval, low: float = 0.0, high: float = 100.0) -> Interval:
    """Return the interval cut to a scale."""
    return Interval(min(high, max(low, interval.low)), min(high, max(low, interval.high)))


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _t(freedom: float, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))
