"""How much milder or stricter an inspector scores than the others: additive effects, and scores adjusted for them.

Calls are not compared directly, since each inspector hears others: the model is `score = agent + slope · automatic
score + inspector + rest`. The inspector's effect is a random one (Longford 1994, *Models for Uncertainty in Educational
Testing*), so an inspector with few reviews is drawn to zero. Adjusted scores stand beside the raw ones, never in their
place.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.spread import Floats

LEAST_BETWEEN = 1.0  # squared points: inspectors are never taken as exactly alike, so no interval has zero width


@dataclass(frozen=True, slots=True)
class InspectorEffect:
    """Points by which an inspector scores above (milder) or below (stricter) the mean of all, with its interval."""

    inspector: Hashable
    effect: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Leniency:
    """The effects, in the order of first appearance, and the scores without them (same order as the reviews)."""

    effects: tuple[InspectorEffect, ...]
    adjusted: Floats


def inspector_effects(
    inspector: Sequence[Hashable],
    agent: Sequence[Hashable],
    score: ArrayLike,
    auto: ArrayLike | None = None,
    *,
    confidence: float = 0.95,
) -> Leniency:
    """Estimate each inspector's leniency from reviews; all arguments have one entry per review.

    Args:
        score: the inspector's score, before fatal items (a fatal call says nothing about leniency).
        auto: the automatic score of the call, nan where there is none; None: no call has one.

    Effects are known where inspectors share agents. Where no two do, or reviews are too few to tell an inspector from
    chance, effects are zero and their intervals nan.

    Raises:
        ValueError: arguments of different lengths, or a score that is not a number.
    """
    from scipy.special import ndtri

    given = np.asarray(score, dtype=np.float64)
    if not len(inspector) == len(agent) == len(given):
        raise ValueError(f"give one inspector, agent and score a review: {len(inspector)}, {len(agent)}, {len(given)}")
    if not np.isfinite(given).all():
        raise ValueError("every review needs a score")
    names, by = _codes(inspector)
    agents, of = _codes(agent)
    machine = np.full(len(given), np.nan) if auto is None else np.asarray(auto, dtype=np.float64)
    if machine.shape != given.shape:
        raise ValueError(f"give one automatic score a review: {machine.shape} for {given.shape}")
    if not len(given):
        return Leniency((), given)

    response = _without_auto(given, machine, of, len(agents))
    # Agents are absorbed: what is left of the inspectors' design after centring within agents.
    table = np.zeros((len(agents), len(names)))
    np.add.at(table, (of, by), 1.0)
    per_agent = table.sum(axis=1)
    n = table.sum(axis=0)
    inner = np.diag(n) - table.T @ (table / per_agent[:, None])
    outer = np.bincount(by, response, len(names)).astype(np.float64)
    noise, between = _variances(response, by, of, inner, outer, len(agents))
    reach = ndtri(0.5 + confidence / 2)
    effect, error = np.zeros(len(names)), np.full(len(names), np.nan)
    if noise > 0:
        covariance = np.linalg.inv(inner / noise + np.eye(len(names)) / between)
        centre = np.eye(len(names)) - 1 / len(names)
        effect, error = centre @ covariance @ outer / noise, np.sqrt(np.diag(centre @ covariance @ centre))
    effects = tuple(
        InspectorEffect(name, float(e), float(e - reach * s), float(e + reach * s), int(count))
        for name, e, s, count in zip(names, effect, error, n, strict=True)
    )
    return Leniency(effects, given - effect[by])


def _codes(names: Sequence[Hashable]) -> tuple[list[Hashable], NDArray[np.int64]]:
    numbers: dict[Hashable, int] = {}
    code = np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int64)
    return list(numbers), code


def _centred(values: Floats, of: NDArray[np.int64], agents: int) -> Floats:
    return values - (np.bincount(of, values, agents) / np.bincount(of, minlength=agents))[of]


def _without_auto(score: Floats, auto: Floats, of: NDArray[np.int64], agents: int) -> Floats:
    """Return the scores within agents, less what the automatic score explains of them."""
    seen = ~np.isnan(auto)
    x = np.zeros(len(score))
    x[seen] = (
        auto[seen]
        - (np.bincount(of[seen], auto[seen], agents) / np.bincount(of[seen], minlength=agents).clip(1))[of[seen]]
    )
    x, y = _centred(x, of, agents), _centred(score, of, agents)
    squares = float(x @ x)
    return y - x * (float(x @ y) / squares) if squares > 1e-9 else y


def _variances(
    response: Floats, by: NDArray[np.int64], of: NDArray[np.int64], inner: Floats, outer: Floats, agents: int
) -> tuple[float, float]:
    """Return the variance of the rest and between inspectors (Henderson's method 3); 0 of the rest: not known."""
    rank = int(np.linalg.matrix_rank(inner))
    explained = float(outer @ np.linalg.pinv(inner) @ outer)
    df = len(response) - agents - rank
    if df < 1 or rank == 0:
        return 0.0, LEAST_BETWEEN
    noise = max((float(response @ response) - explained) / df, 1e-9)
    return noise, max((explained - rank * noise) / float(np.trace(inner)), LEAST_BETWEEN)
