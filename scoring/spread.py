"""How much an agent's calls vary, when each agent has only a few reviews: own variances drawn towards a common one.

With three reviews an agent's own variance says next to nothing, and the common one is wrong for the erratic and
for the steady. Each is therefore moderated (Smyth 2004, Statistical Applications in Genetics and Molecular Biology
3:3): the true variances of the agents are taken as `level² · prior_df / χ²(prior_df)`, and an agent's variance becomes
the mean of its own and the common one, weighted by degrees of freedom. The interval then uses Student's t with the
sum of both.

Two things differ from Smyth. The prior is fitted to the mean of s and of s² instead of log s², because scores that
stick at 100 make variances of zero; and how much agents differ is itself drawn towards a usual value as far as the
data leave it open, because with five agents it cannot be known. As in Law et al. 2014 (Genome Biology 15:R29) the
common spread may depend on what is known of all calls of an agent: the spread and the mean of the automatic scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# What is usual where the data do not tell: the squared coefficient of variation of agents' standard deviations
# (0.08: two thirds of the agents within ±28 % of the common one) and how far that may be off.
USUAL_VARIATION, VARIATION_SD = 0.08, 0.08
LEAST_VARIATION = 0.01
# With all of the prior's degrees of freedom the intervals hold on average, but too rarely for the erratic third of
# agents. So only this part of them counts: the first number plus the second for each degree of freedom of one's own.
CAUTION, CAUTION_RANGE = (0.46, 0.06), (0.58, 0.9)
DOUBT = 0.8  # as far as the data do not tell how much agents differ, so many VARIATION_SD more are assumed
TREND_MIN_AGENTS = 30
TREND_F = 7.0  # a trend must be plain (about 1 in 1,000 by chance) before it decides an agent's interval


@dataclass(frozen=True, slots=True)
class Spread:
    """Moderated variances, one per agent; all arrays have the agents' length."""

    variance: Floats  # of the scores of one agent's calls
    df: Floats  # degrees of freedom for Student's t
    own: Floats  # the weight of the agent's own variance, 0 to 1


def moderate(variance: Floats, df: Floats, traits: Floats | None = None) -> Spread:
    """Draw `variance` (one per agent, with `df` degrees of freedom; 0 = none of its own) towards the common one.

    Args:
        traits: shape (agents, k), what may explain an agent's spread; finite. None: nothing.

    Returns:
        The moderated variances. With one agent they are its own; with no degrees of freedom at all every
        variance is nan and every df is 0.
    """
    known = df > 0
    if not known.any():
        return Spread(np.full(len(df), np.nan), np.zeros(len(df)), np.zeros(len(df)))

    deviation = np.sqrt(variance[known]) / c4(df[known])  # unbiased for the standard deviation if normal
    trend = _trend(deviation, df[known] / (df[known] + 2), known, traits)
    even = deviation / trend[known]
    likeness = _prior_df(even, variance[known] / trend[known] ** 2, df[known])

    own_df = np.where(known, df, 0.0)
    prior_df = likeness * np.clip(CAUTION[0] + CAUTION[1] * own_df, *CAUTION_RANGE)
    level, others = _others(even, known, own_df, likeness)
    with np.errstate(divide="ignore"):
        common_df = np.where(others > 0, 1 / (1 / prior_df + 1 / others), 0.0)
    prior = (level * trend / _inverse_chi(np.array(likeness))) ** 2
    own = own_df / np.maximum(own_df + common_df, 1e-300)
    moderated = own * np.where(known, variance, 0.0) + (1 - own) * prior
    nothing = own_df + common_df == 0
    return Spread(np.where(nothing, np.nan, moderated), own_df + common_df, own)


def _others(even: Floats, known: NDArray[np.bool_], own_df: Floats, prior_df: float) -> tuple[Floats, Floats]:
    """Return for each agent the mean standard deviation of all others, and how many degrees of freedom it is worth."""
    worth = own_df * prior_df / (own_df + prior_df)
    deviation = np.zeros(len(known))
    deviation[known] = even
    others = np.maximum(worth.sum() - worth, 0.0)
    others[others < 1e-9 * worth.sum()] = 0.0
    level = (worth @ deviation - worth * deviation) / np.where(others > 0, others, 1.0)
    return np.maximum(level, 0.0), others


def c4(df: Floats) -> Floats:
    """Return E[s] / σ of a normal sample with `df` degrees of freedom."""
    from scipy.special import gammaln

    return np.exp(0.5 * np.log(2 / df) + gammaln((df + 1) / 2) - gammaln(df / 2))


def _prior_df(deviation: Floats, variance: Floats, df: Floats) -> float:
    """Return how alike the agents' variances are, as the degrees of freedom of their inverse chi-square."""
    weight = df / (df + 2)
    share = weight / weight.sum()
    mean, square = float(share @ deviation), float(share @ variance)
    agents = len(deviation)
    trust, found = 0.0, 0.0
    if agents > 1 and mean > 0:
        found = square / mean**2 - 1
        influence = share * ((variance - square) / mean**2 - 2 * square / mean**3 * (deviation - mean))
        noise = float(influence @ influence) * agents / (agents - 1)
        # The least noise is that of normal scores and equal agents: the observed one is itself too small by chance.
        noise = max(noise, float((share**2 * 2 / df).sum()))
        trust = VARIATION_SD**2 / (VARIATION_SD**2 + noise)
    variation = max(LEAST_VARIATION, trust * found + (1 - trust) * USUAL_VARIATION)
    variation += DOUBT * VARIATION_SD * (1 - trust)
    return float(np.interp(variation, *_variations()))


def _inverse_chi(df: Floats) -> Floats:
    """Return E[sqrt(df / χ²(df))], for df > 1."""
    from scipy.special import gammaln

    return np.exp(0.5 * np.log(df / 2) + gammaln((df - 1) / 2) - gammaln(df / 2))


@cache
def _variations() -> tuple[Floats, Floats]:
    """Return squared coefficients of variation of a standard deviation, rising, with the prior's degrees of freedom."""
    df = np.geomspace(100, 2.2, 200)
    return df / (df - 2) / _inverse_chi(df) ** 2 - 1, df


def _trend(deviation: Floats, weight: Floats, known: NDArray[np.bool_], traits: Floats | None) -> Floats:
    """Return the factor by which each agent's spread is expected to differ from the common one."""
    flat = np.ones(len(known))
    if traits is None or len(deviation) < TREND_MIN_AGENTS or not deviation.any():
        return flat
    centre, scale = traits[known].mean(axis=0), traits[known].std(axis=0)
    useful = scale > 1e-9 * (1 + np.abs(centre))
    if not useful.any():
        return flat
    # Traits beyond what the reviewed agents show are not extrapolated.
    standard = np.clip((traits[:, useful] - centre[useful]) / scale[useful], -2.5, 2.5)
    design = np.column_stack([flat, standard])
    inside = design[known]
    normal = (inside * weight[:, None]).T @ inside + 1e-9 * np.eye(inside.shape[1])
    slopes = np.zeros(inside.shape[1])
    slopes[0] = np.log(weight @ deviation / weight.sum())
    for _ in range(20):  # Fisher scoring of a gamma regression with log link
        step = np.linalg.solve(normal, inside.T @ (weight * (deviation * np.exp(-inside @ slopes) - 1)))
        slopes += np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-6:
            break
    noise = weight @ (deviation * np.exp(-inside @ slopes) - 1) ** 2 / (len(deviation) - inside.shape[1])
    explained = slopes[1:] @ np.linalg.solve(np.linalg.inv(normal)[1:, 1:], slopes[1:])
    if explained / (len(slopes) - 1) < TREND_F * noise:
        return flat
    return np.exp(np.clip(design[:, 1:] @ slopes[1:], -2, 2))
