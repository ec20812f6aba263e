"""An agent's mean manual score over all calls, from the automatic scores of all and the reviews of a few.

The automatic score of every call is known and may be biased, for each agent differently; the manual score is known
for the reviewed calls. The estimate is the difference (generalised regression) estimator of survey sampling (Särndal,
Swensson and Wretman 1992, *Model Assisted Survey Sampling*, chapter 6; as "prediction-powered inference" in
Angelopoulos et al. 2023, Science 382:669): the weighted mean, over the reviewed calls, of
`manual - slope · (auto - the agent's mean auto)`. The slope is common to all agents and its uncertainty is counted.
An automatic score that is wrong, for one agent or for all, makes intervals wider, never the estimate biased.

Where a step comes from:

weights     Hájek (1971): reviewed calls weigh 1 / inclusion probability, divided by their sum.
variance    `variance of residuals · (Σa² - 1/N)` for weights a that add up to 1 and N calls: with equal weights the
            finite-population correction of simple random sampling.
spread      own variances moderated towards the common one: scoring/spread.py.
skew        scores that stick at 100 are skewed: the interval moves, it does not widen (Johnson 1978, JASA 73:536).
fatal       zeros by confirmed fatal items are rare and huge: their rate and the mean of the other calls are
            estimated apart and joined: scoring/fatal_rates.py. A fatal item that nobody found is not in it.
bounds      where all manual scores lie within 0 to 100, the unreviewed ones are taken to do so too.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.assisted_mean import Calls, Means, assisted_means
from scoring.fatal_rates import join, unseen_fatals
from scoring.spread import Floats

Method = Literal["census", "regression", "sample", "one review", "automatic", "none"]

# Zeros are fatal items when they are at most this share of all calls, and the other scores so many standard
# deviations away from zero. Elsewhere a zero is a score like others.
FATAL_MAX_SHARE, FATAL_MIN_DISTANCE = 0.35, 3.0
FATAL_MIN_DF = 4  # degrees of freedom of the other scores; with fewer nobody can say that a zero is apart
# Of the error allowed, the lower side gets less: it would fail those with the most fatal items.
LOWER_SHARE = 0.4
ROUNDING = 1e-9  # a probability may exceed 1 by so much when it was worked out in floating point


@dataclass(frozen=True, slots=True)
class AgentEstimate:
    """The mean manual score over all calls of an agent, and how sure it is.

    `method` says what it rests on:

    - census: all calls are reviewed; the interval has no width.
    - regression: the reviews, assisted by the automatic scores of all calls.
    - sample: the reviews alone; automatic scores are missing, all equal, or of no use.
    - one review: a single review; the spread is that of the other agents. Nothing known of that: the widest
      interval that the scale allows.
    - automatic: no review; what the other agents' reviews lead to expect, by the mean automatic score if any.
    - none: no review, and too few other agents to say anything; value and interval are nan.
    """

    agent: Hashable
    value: float
    low: float
    high: float
    n_calls: int
    n_reviewed: int
    method: Method
    standard_error: float  # nan when there is nothing to compute it from


def estimate_scores(
    agent: Sequence[Hashable] | NDArray[np.generic],
    auto: ArrayLike,
    manual: ArrayLike,
    probability: ArrayLike,
    confidence: float = 0.95,
) -> list[AgentEstimate]:
    """Estimate each agent's mean manual score over all calls. All arguments have one entry per eligible call.

    Args:
        agent: whose call it is.
        auto: automatic score; nan where there is none.
        manual: manual score after fatal items; nan where nobody reviewed the call.
        probability: inclusion probability of reviewed calls, above 0 to 1; nan for all reviewed calls of an agent
            means that each call of the agent was as likely. Values of calls without review are not looked at.
        confidence: of the interval, between 0 and 1.

    Returns:
        One estimate per agent, in the order of first appearance.

    Raises:
        ValueError: arguments of different lengths, infinite scores, or a probability that cannot be.
    """
    from scipy.special import ndtri  # SciPy takes half a second to import, and most commands do without.

    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, for instance 0.95; it is {confidence}")
    names, calls = _read(agent, auto, manual, probability)
    if not names:
        return []
    tail = (1 - confidence) / 2
    reviewed, n = calls.reviewed, calls.per_agent(np.ones(len(calls.reviewed)), calls.reviewed)
    fatal = _fatal(calls)
    means = assisted_means(calls, reviewed[~fatal], float(ndtri(1 - tail)))
    value, error, low, high = _joined(calls, fatal, means, tail) if fatal.any() else _interval(means, tail)

    total = calls.per_agent(calls.manual[reviewed], reviewed)
    least, most = _bounds(calls, total, n)
    # Reviewed, but nobody can tell the spread: a single review, or fatal ones only.
    alone = (n > 0) & np.isnan(low)
    value = np.where(alone & np.isnan(value), total / np.maximum(n, 1), value)
    low, high = np.where(alone, least, low), np.where(alone, most, high)
    value, low, high = (np.clip(part, least, most) for part in (value, low, high))
    low, high = np.minimum(low, value), np.maximum(high, value)  # Rounding, and the shift for skew.

    census = n == calls.size
    value, low, high = (np.where(census, total / calls.size, part) for part in (value, low, high))
    error = np.where(census, 0.0, error)
    method = np.select(
        [census, np.isnan(value), n == 0, n == 1, means.assisted],
        ["census", "none", "automatic", "one review", "regression"],
        "sample",
    )
    columns = (value, low, high, calls.size.astype(int), n.astype(int), method, error)
    return [AgentEstimate(*row) for row in zip(names, *(column.tolist() for column in columns), strict=True)]


def _read(
    agent: Sequence[Hashable] | NDArray[np.generic], auto: ArrayLike, manual: ArrayLike, probability: ArrayLike
) -> tuple[list[Hashable], Calls]:
    numbers: dict[Hashable, int] = {}
    listed = agent.tolist() if isinstance(agent, np.ndarray) else agent
    code = np.fromiter((numbers.setdefault(name, len(numbers)) for name in listed), np.int64)
    scores = {"auto": auto, "manual": manual, "probability": probability}
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in scores.items()}
    for name, column in columns.items():
        if column.shape != code.shape:
            raise ValueError(f"{name} must have one entry for each of the {len(code)} calls; it has {column.shape}")
        if np.isinf(column).any():
            raise ValueError(f"{name} of call {int(np.flatnonzero(np.isinf(column))[0])} (from 0) is infinite")
    names = list(numbers)
    weight = _weights(names, code, columns["manual"], columns["probability"])
    return names, Calls(code, columns["auto"], columns["manual"], weight, len(names))


def _weights(names: list[Hashable], code: NDArray[np.int64], manual: Floats, probability: Floats) -> Floats:
    """Return 1 / inclusion probability of reviewed calls, 0 for the others."""
    reviewed = ~np.isnan(manual)
    given = reviewed & ~np.isnan(probability)
    wrong = np.flatnonzero(given & ~((probability > 0) & (probability <= 1 + ROUNDING)))
    if len(wrong):
        raise ValueError(
            f"the inclusion probability of call {int(wrong[0])} (from 0) must be above 0 and at most 1; "
            f"it is {probability[wrong[0]]:g}"
        )
    agents = len(names)
    n = np.bincount(code[reviewed], minlength=agents)
    known = np.bincount(code[given], minlength=agents)
    mixed = np.flatnonzero((known > 0) & (known < n))
    if len(mixed):
        raise ValueError(
            f"agent {names[mixed[0]]!r} has reviewed calls with and without inclusion probability; "
            "give it for all of an agent's reviewed calls or for none"
        )
    equal = np.bincount(code, minlength=agents) / np.maximum(n, 1)
    weight = np.where(reviewed, equal[code], 0.0)
    weight[given] = np.maximum(1 / probability[given], 1.0)
    return weight


def _fatal(calls: Calls) -> NDArray[np.bool_]:
    """Return which reviewed calls are zeros by a confirmed fatal item."""
    manual, weight = calls.manual[calls.reviewed], calls.weight[calls.reviewed]
    zero = manual == 0
    rest = manual[~zero]
    repeated = len(rest) - len(np.unique(calls.code[calls.reviewed][~zero]))
    rare = zero.any() and repeated >= FATAL_MIN_DF and weight @ zero <= FATAL_MAX_SHARE * weight.sum()
    if rare and manual.min() >= 0 and rest.mean() >= FATAL_MIN_DISTANCE * rest.std():
        return np.asarray(zero)
    return np.zeros(len(manual), dtype=bool)


def _interval(means: Means, tail: float) -> tuple[Floats, Floats, Floats, Floats]:
    from scipy.special import stdtrit

    error = np.sqrt(means.variance)
    centre = means.value - means.shift * error
    reach = stdtrit(np.where(means.df > 0, means.df, np.nan), 1 - tail) * error
    return means.value, error, centre - reach, centre + reach


def _joined(calls: Calls, fatal: NDArray[np.bool_], means: Means, tail: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Return value, standard error and interval with the fatal calls as zeros."""
    reviewed = calls.reviewed
    # A reviewed call stands for this many that nobody reviewed; a call that was certain to be drawn for none.
    stands_for = np.maximum(calls.weight[reviewed] - 1, 0.0)
    squares = calls.per_agent(stands_for**2, reviewed)
    scale = calls.per_agent(stands_for, reviewed) / np.where(squares > 0, squares, 1.0)
    unseen = unseen_fatals(
        calls.code, calls.agents, calls.deviation, reviewed, fatal, stands_for * scale[calls.code[reviewed]]
    )
    # Fatal calls may have lower automatic scores; the mean of the other calls' is then above the agent's mean.
    offset = float(np.average(calls.deviation[reviewed][fatal], weights=calls.weight[reviewed][fatal]))
    error = np.sqrt(means.variance)
    joined = join(
        means.value,
        error,
        means.df,
        loss=means.value + means.slope * offset,
        seen=calls.per_agent(fatal.astype(float), reviewed),
        calls=calls.size,
        unseen=unseen,
        tails=(2 * LOWER_SHARE * tail, 2 * (1 - LOWER_SHARE) * tail),
    )
    return joined.value, joined.error, joined.low - means.shift * error, joined.high - means.shift * error


def _bounds(calls: Calls, total: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the least and the greatest mean that the unreviewed calls allow."""
    manual = calls.manual[calls.reviewed]
    if len(manual) and manual.min() >= 0 and manual.max() <= 100:
        return total / calls.size, (total + 100 * (calls.size - n)) / calls.size
    return np.full(calls.agents, -np.inf), np.full(calls.agents, np.inf)
