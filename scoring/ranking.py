"""A ranking that claims no more than the intervals carry: groups instead of places, and values drawn to the mean.

Who may have come before whom by chance alone shares a group. The shrunken value is a view for comparing agents about
whom unequally much is known; it never replaces a score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.spread import Floats
from scoring.uncertainty import CONFIDENCE, Term, difference

LEAST_ERROR = 1e-6  # points; what is known exactly has no error, and its weight must stay finite


@dataclass(frozen=True, slots=True)
class Place:
    """Where one value stands. All of a group share its places."""

    group: int  # from 0, the best
    first: int  # places from 1
    last: int
    shrunken: float  # drawn to the mean of all, the more the less is known
    above_target: float | None  # the probability that it lies above the target; None without target


def places(terms: Sequence[Term], *, target: float | None = None, confidence: float = CONFIDENCE) -> list[Place]:
    """Return the place of each of several values with their intervals, highest value first.

    Values are drawn towards the mean of all (empirical Bayes, Efron and Morris 1975; the variance between them by
    Paule and Mandel 1982), each with half its interval for its error: that holds Student's t, which a standard error
    alone does not.

    Raises:
        ValueError: the values do not fall.
    """
    from scipy.special import ndtr, ndtri

    if not terms:
        return []
    groups = tie_groups(terms)
    value = np.array([term.value for term in terms])
    half = np.array([term.high - term.low for term in terms]) / 2
    shrunken, left = _shrunken(value, np.maximum(half / ndtri(0.5 + confidence / 2), LEAST_ERROR))
    above = ndtr((shrunken - target) / np.maximum(left, LEAST_ERROR)) if target is not None else None
    return [
        Place(
            group,
            groups.index(group) + 1,
            len(groups) - groups[::-1].index(group),
            float(shrunken[at]),
            float(above[at]) if above is not None else None,
        )
        for at, group in enumerate(groups)
    ]


def tie_groups(terms: Sequence[Term]) -> list[int]:
    """Return the group, from 0, of each term, highest value first: within a group chance may have made the order.

    A term opens a new group when it lies below the first of the group by more than chance explains, that is when the
    interval of the difference leaves out 0. Neighbours across a border may still be close to each other.

    Raises:
        ValueError: the values do not fall.
    """
    groups: list[int] = []
    first: Term | None = None
    for i, term in enumerate(terms):
        if i and term.value > terms[i - 1].value:
            raise ValueError("the values must be in falling order")
        if first is None or difference(first, term).low > 0:
            first = term
            groups.append(groups[-1] + 1 if groups else 0)
        else:
            groups.append(groups[-1])
    return groups


def _shrunken(value: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Return the values drawn to their mean, and their standard errors."""
    between = _between(value, error**2)
    weight = 1 / (error**2 + between)
    mean = float(weight @ value / weight.sum())
    keep = between / (error**2 + between)
    return mean + keep * (value - mean), np.sqrt(keep * error**2 + (1 - keep) ** 2 / weight.sum())


def _between(value: Floats, variance: Floats) -> float:
    """Return the variance between the values: that at which the weighted squares are what they should be on average."""
    from scipy.optimize import brentq

    def excess(between: float) -> float:
        weight = 1 / (variance + between)
        return float(weight @ (value - weight @ value / weight.sum()) ** 2) - (len(value) - 1)

    if len(value) == 1:
        return 0.0  # the rest of a subtraction is no difference
    most = float(value.var()) * len(value) + 1
    return float(brentq(excess, 0.0, most)) if excess(0.0) > 0 else 0.0
