"""How many calls of an agent have a confirmed fatal item, when such calls are rare and few calls were reviewed.

A fatal item makes a score of zero. One among five reviews is not a rate of 20 %, and none among five is not a rate
of zero. Agents' rates are taken as beta distributed around a common rate (beta-binomial model; Gelman et al. 2013,
*Bayesian Data Analysis*, section 5.1), so that an agent's rate is drawn towards the common one the more, the fewer
reviews there are. The unreviewed fatal calls then follow a beta-binomial distribution. How much agents' rates differ
is averaged over what the data leave open. The common rate may depend on the automatic score (logistic regression),
so a machine that sees fatal items helps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.spread import Floats

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# How much agents' rates differ, as coefficients of variation, and what is usual where the data do not tell.
VARIATIONS = np.geomspace(0.05, 1.8, 11)
USUAL_VARIATION, VARIATION_LOG_SD = 0.55, 1.0
LEAST_CHANCE = 1e-3  # of a variation to be looked at
SLOPE_MIN_FATALS = 5
SLOPE_CHI2 = 6.6  # about 1 in 100 by chance
SLOPE_RIDGE = 0.1  # keeps the slope finite when the automatic score separates perfectly
NODES = 28


@dataclass(frozen=True, slots=True)
class UnseenFatals:
    """For each agent the fatal calls among those nobody reviewed: a mixture of beta-binomials.

    `rate` (its mean) and `precision` (alpha + beta) have shape (agents, variations), `chance` (variations,).
    """

    calls: Floats  # (agents,): the unreviewed calls
    rate: Floats
    precision: Floats
    chance: Floats


def unseen_fatals(
    code: Ints, agents: int, deviation: Floats, reviewed: Ints, fatal: Flags, weight: Floats
) -> UnseenFatals:
    """Return what is known of the fatal calls among the unreviewed ones of each agent.

    Args:
        code: the agent of each call, 0 to agents - 1.
        deviation: automatic score of each call less the agent's mean of it.
        reviewed: indices of the reviewed calls; `fatal` (at least one) and `weight` belong to these. A weight
            tells for how many unreviewed calls it stands, scaled to add up to the effective number of reviews.
    """
    effort = float(weight.sum())
    # Never quite zero: those found may all be calls that were certain to be drawn.
    common = (float(weight @ fatal) + 1e-3) / (effort + 1)
    rate = np.full(len(code), common)
    if fatal.sum() >= SLOPE_MIN_FATALS:
        rate = _rates(deviation, reviewed, fatal, weight, common)

    def per_agent(values: Floats) -> Floats:
        return np.bincount(code[reviewed], values, agents).astype(np.float64)

    calls = np.bincount(code, minlength=agents) - per_agent(np.ones(len(reviewed)))
    unseen = (np.bincount(code, rate, agents) - per_agent(rate[reviewed])) / np.maximum(calls, 1)
    n, z = per_agent(weight), per_agent(weight * fatal)
    expected = np.where(n > 0, per_agent(weight * rate[reviewed]) / np.where(n > 0, n, 1), common)
    before = _precision(expected)
    found = (before * expected[:, None] + z[:, None]) / (before + n[:, None])
    after = np.clip(unseen[:, None] * found / expected[:, None], 1e-9, 0.95)
    # The common rate is itself known from so many fatal calls only; its variation adds to the agent's.
    odds = (1 - after) / after
    precision = 1 / (1 / (before + n[:, None] + 1) + 1 / (odds * (fatal.sum() + 0.5)))
    return UnseenFatals(calls, after, precision, _chances(z, n, expected, before))


def _precision(rate: Floats) -> Floats:
    """Return alpha + beta of the beta distributions with mean `rate` and the coefficients VARIATIONS."""
    return np.maximum((1 - rate[:, None]) / rate[:, None] / VARIATIONS**2 - 1, 0.5)


def _rates(deviation: Floats, reviewed: Ints, fatal: Flags, weight: Floats, common: float) -> Floats:
    """Return the probability of a fatal item for each call by its automatic score, or the common rate."""
    from scipy.special import expit

    flat = np.full(len(deviation), common)
    seen = deviation[reviewed]
    scale = float(seen.std())
    if scale < 1e-9 or not (weight @ fatal) > 0:
        return flat
    design = np.column_stack([np.ones(len(seen)), (seen - seen.mean()) / scale])
    start = np.array([np.log(common / (1 - common)), 0.0])
    slopes, ridge = start.copy(), np.array([1e-6, SLOPE_RIDGE])
    for _ in range(50):  # Newton, in steps that cannot run away
        fitted = expit(design @ slopes)
        gradient = design.T @ (weight * (fatal - fitted)) - ridge * slopes
        hessian = (design * (weight * fitted * (1 - fitted))[:, None]).T @ design + np.diag(ridge)
        step = np.clip(np.linalg.solve(hessian, gradient), -1, 1)
        slopes += step
        if np.abs(step).max() < 1e-6:
            break
    if 2 * (_likelihood(design, slopes, fatal, weight) - _likelihood(design, start, fatal, weight)) < SLOPE_CHI2:
        return flat
    inside = np.clip(deviation, seen.min(), seen.max())
    return np.clip(expit(slopes[0] + slopes[1] * (inside - seen.mean()) / scale), 1e-9, 1 - 1e-9)


def _likelihood(design: Floats, slopes: Floats, fatal: Flags, weight: Floats) -> float:
    at = design @ slopes
    return float(weight @ (fatal * at - np.logaddexp(0, at)))


def _chances(seen: Floats, n: Floats, rate: Floats, precision: Floats) -> Floats:
    """Return the posterior probability of each of VARIATIONS."""
    from scipy.special import betaln

    z, m, alpha = seen[:, None], n[:, None], rate[:, None] * precision
    fit = (betaln(alpha + z, precision - alpha + m - z) - betaln(alpha, precision - alpha)).sum(axis=0)
    fit -= 0.5 * (np.log(VARIATIONS / USUAL_VARIATION) / VARIATION_LOG_SD) ** 2
    chance = np.exp(fit - fit.max())
    return np.asarray(chance / chance.sum())


@dataclass(frozen=True, slots=True)
class Joined:
    """The mean over all calls, fatal ones as zeros; one entry per agent."""

    value: Floats
    error: Floats  # standard error
    low: Floats
    high: Floats


def join(
    mean: Floats,
    error: Floats,
    df: Floats,
    *,
    loss: Floats,
    seen: Floats,
    calls: Floats,
    unseen: UnseenFatals,
    tails: tuple[float, float],
) -> Joined:
    """Join the mean of the other calls with the share of fatal ones; nan where the mean or its error is nan.

    The share of fatal calls is P = (seen + unseen) / calls, and the mean over all calls is `mean - P · loss`. Its
    distribution is a mixture, over the number of unseen ones, of Student's t with `df` and scale `(1 - P) · error`.
    """
    from scipy.optimize.elementwise import find_root
    from scipy.special import stdtr

    count, chance = _counts(unseen)
    share = (seen[:, None] + count) / calls[:, None]
    centre = mean[:, None] - share * loss[:, None]
    scale = np.maximum((1 - share) * error[:, None], 1e-9)
    value = (chance * centre).sum(axis=1)
    total = np.sqrt((chance * ((centre - value[:, None]) ** 2 + scale**2)).sum(axis=1))

    known = np.flatnonzero(~np.isnan(total) & (df > 0))

    def quantile(tail: float) -> Floats:
        def missed(at: Floats, i: Ints) -> Floats:
            reached = stdtr(df[i][:, None], (at[:, None] - centre[i]) / scale[i])
            return np.asarray((chance[i] * reached).sum(axis=1) - tail)

        result = np.full(len(value), np.nan)
        if len(known):
            # With one degree of freedom the tails are very long.
            reach = (200 if df[known].min() < 2 else 20) * total[known] + 1e-6
            ends = value[known] - reach, value[known] + reach
            found = find_root(missed, ends, args=(known,), tolerances={"xatol": 5e-3})
            result[known] = np.where(found.success, found.x, ends[int(tail > 0.5)])
        return result

    return Joined(value, total, quantile(tails[0]), quantile(1 - tails[1]))


def _counts(unseen: UnseenFatals) -> tuple[Floats, Floats]:
    """Return numbers of unseen fatal calls, shape (agents, NODES), and their probabilities."""
    from scipy.special import gammaln

    calls, rate, precision = unseen.calls[:, None], unseen.rate, unseen.precision
    means = calls * rate
    variances = means * (1 - rate) * (precision + calls) / (precision + 1)
    mean = means @ unseen.chance
    square = (variances + means**2) @ unseen.chance
    step = np.maximum(1.0, np.ceil((mean + 6 * np.sqrt(square - mean**2) + 3) / NODES))
    count = step[:, None] * np.arange(NODES)
    possible = count <= calls
    count = np.minimum(count, calls)
    rest = calls - count
    ways = -gammaln(count + 1) - gammaln(rest + 1)
    total = np.zeros_like(count)
    for i, weight in enumerate(unseen.chance):
        if weight > LEAST_CHANCE:
            alpha, both = (rate * precision)[:, i : i + 1], precision[:, i : i + 1]
            log_p = np.where(possible, ways + gammaln(count + alpha) + gammaln(rest + both - alpha), -np.inf)
            chance = np.exp(log_p - log_p.max(axis=1, keepdims=True))
            total += weight * chance / chance.sum(axis=1, keepdims=True)
    return count, total / total.sum(axis=1, keepdims=True)
