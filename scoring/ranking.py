"""A ranking that claims no more than the estimates carry: values drawn to the mean, and groups instead of places.

Two agents whose intervals say that either may be the better one share a group. Nobody below the minimum number of
reviews is ranked. The shrunken value is a view for ranking and never replaces an agent's estimate.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.estimation import AgentEstimate
from scoring.spread import Floats

MIN_REVIEWS = 5
LEAST_ERROR = 1e-6  # points; a census has no error, and its weight must stay finite


@dataclass(frozen=True, slots=True)
class Ranked:
    """One agent's place."""

    agent: Hashable
    group: int  # 1 is the best
    best_place: int  # one more than the agents that are separably better
    worst_place: int
    shrunken: float
    above_target: float | None  # the probability that the shrunken value lies above the target; None without target
    estimate: AgentEstimate


def rank_groups(
    estimates: Sequence[AgentEstimate],
    *,
    minimum: int = MIN_REVIEWS,
    confidence: float = 0.95,
    target: float | None = None,
    estimate_confidence: float = 0.95,
) -> list[Ranked]:
    """Rank the agents with at least `minimum` reviews (or all calls reviewed) in groups, best first.

    Values are drawn towards the mean of all (empirical Bayes, Efron and Morris 1975; the variance between agents by
    Paule and Mandel 1982). Two agents are separable when their estimates differ by more than chance explains at
    `confidence`. A group runs from its best agent to the last that is not separable from that one. Places are the range
    that pairwise comparisons leave (Goldstein and Healy 1995); they are not corrected for the number of pairs.

    Args:
        estimate_confidence: the confidence with which `estimates` were made.
    """
    from scipy.special import ndtr, ndtri

    able = [e for e in estimates if (e.n_reviewed >= minimum or e.method == "census") and np.isfinite(e.high - e.low)]
    if not able:
        return []
    value = np.array([e.value for e in able])
    # Half the interval holds Student's t, which the standard error alone does not.
    half = np.array([e.high - e.low for e in able]) / 2
    error = np.maximum(half / ndtri(0.5 + estimate_confidence / 2), LEAST_ERROR)
    shrunken, left = _shrunken(value, error)
    above = ndtr((shrunken - target) / np.maximum(left, LEAST_ERROR)) if target is not None else None

    order = np.argsort(-shrunken, kind="stable")
    reach = ndtri(0.5 + confidence / 2)
    group, leader, ranked = 0, -1, []
    for at in order:
        if leader < 0 or _separable(value, error, leader, at, reach):
            group, leader = group + 1, int(at)
        apart = reach * np.hypot(error, error[at])
        better, worse = int((value - value[at] > apart).sum()), int((value[at] - value > apart).sum())
        chance = float(above[at]) if above is not None else None
        ranked.append(
            Ranked(able[at].agent, group, better + 1, len(able) - worse, float(shrunken[at]), chance, able[at])
        )
    return ranked


def _separable(value: Floats, error: Floats, better: int, worse: int, reach: float) -> bool:
    return bool(value[better] - value[worse] > reach * np.hypot(error[better], error[worse]))


def _shrunken(value: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Return the values drawn to their mean, and their standard errors."""
    between = _between(value, error**2)
    weight = 1 / (error**2 + between)
    mean = float(weight @ value / weight.sum())
    keep = between / (error**2 + between)
    return mean + keep * (value - mean), np.sqrt(keep * error**2 + (1 - keep) ** 2 / weight.sum())


def _between(value: Floats, variance: Floats) -> float:
    """Return the variance between agents: that at which the weighted squares are what they should be on average."""
    from scipy.optimize import brentq

    def excess(between: float) -> float:
        weight = 1 / (variance + between)
        return float(weight @ (value - weight @ value / weight.sum()) ** 2) - (len(value) - 1)

    most = float(value.var()) * len(value) + 1
    return float(brentq(excess, 0.0, most)) if excess(0.0) > 0 else 0.0
