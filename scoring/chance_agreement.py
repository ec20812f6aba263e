"""Agreement beyond chance: kappa of Cohen and Fleiss, Krippendorff's alpha, Gwet's AC1, each with an interval.

All four compare the agreement seen with the agreement that chance would bring: (seen − chance) / (1 − chance). They
differ in what they take for chance:

- Cohen's kappa (1960, Educ. Psychol. Meas. 20:37; weighted 1968, Psychol. Bull. 70:213): two given people, each with
  their own habit of answering. The value is scikit-learn's.
- Fleiss' kappa (1971, Psychol. Bull. 76:378): the same number of any people on every unit, one habit for all.
- Krippendorff's alpha (2011, *Computing Krippendorff's Alpha-Reliability*): any number of people, answers may be
  missing, answers without order, in order, or measured; small samples are corrected for.
- Gwet's AC1 (2008, Br. J. Math. Stat. Psychol. 61:29): chance is only what nobody can tell apart. Where nearly all
  answers are the same the others fall to zero although everybody agrees; AC1 does not.

The interval is Wilson's of the agreement seen, over calls as clusters, carried over to the
statistic with its chance agreement as it is. It is wide where answers are few or nearly all the same, and it never
has zero width. A bootstrap or a jackknife over calls, tried first, held the true value in as few as three of ten
samples of 20 calls with skewed answers; docs/agreement.md has the table.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scoring.spread import Floats
from scoring.uncertainty import CONFIDENCE, Interval, clustered_interval

Level = Literal["nominal", "ordinal", "interval"]
Weights = Literal["linear", "quadratic"]
# One row per unit (an item of a call), one column per person; None: not answered.
Ratings = Sequence[Sequence[Hashable | None]]

LEAST_CHANCE = 1e-12  # disagreement by chance: less is none, and nothing could have been told apart


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic of agreement: 1 for full agreement, 0 for no more than chance, negative for less."""

    value: float
    interval: Interval
    n: int  # units that at least two people answered
    calls: int  # clusters among them


def cohen_kappa(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    *,
    order: Sequence[Hashable] | None = None,
    weights: Weights | None = None,
    calls: Sequence[Hashable] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate | None:
    """Return Cohen's kappa of two people's answers to the same units; None when only one answer occurs.

    Args:
        order: the answers from one end to the other; weights need it unless the answers sort by themselves.
        weights: how much a near miss counts; None: a miss is a miss.
        calls: the call that each unit belongs to; None: every unit is a call of its own.

    Raises:
        ValueError: no answers, lists of different lengths, or an answer that `order` lacks.
    """
    from sklearn.metrics import cohen_kappa_score, confusion_matrix

    if not first or len(first) != len(second):
        raise ValueError(f"give both answers of every unit: {len(first)} and {len(second)}")
    codes, count = _codes([first, second], order)
    if count < 2:
        return None
    table = confusion_matrix(codes[0], codes[1], labels=range(count))
    kept = _closeness(count, weights)
    by_chance = float(((table.sum(1)[:, None] * table.sum(0)) * kept).sum() / table.sum() ** 2)
    if 1 - by_chance < LEAST_CHANCE:
        return None
    value = float(cohen_kappa_score(codes[0], codes[1], labels=range(count), weights=weights))
    seen = kept[codes[0], codes[1]]
    return _estimate(value, seen, np.ones(len(seen)), 1 - by_chance, calls, confidence, graded=weights is not None)


def fleiss_kappa(
    ratings: Ratings, *, calls: Sequence[Hashable] | None = None, confidence: float = CONFIDENCE
) -> Estimate | None:
    """Return Fleiss' kappa of `ratings` without gaps; None when only one answer occurs.

    Raises:
        ValueError: fewer than two people, no unit, or units with different numbers of answers.
    """
    counts = _counts(ratings, None)
    people = counts.sum(axis=1)
    if len(people) == 0 or people[0] < 2 or (people != people[0]).any():
        raise ValueError("Fleiss' kappa needs the same number of answers, two or more, to every unit")
    seen = _pair_agreement(counts)
    shares = counts.sum(axis=0) / counts.sum()
    expected = 1 - float((shares**2).sum())
    if expected < LEAST_CHANCE:
        return None
    value = 1 - (1 - float(seen.mean())) / expected
    return _estimate(value, seen, people / 2, expected, calls, confidence)


def gwet_ac1(
    ratings: Ratings, *, calls: Sequence[Hashable] | None = None, confidence: float = CONFIDENCE
) -> Estimate | None:
    """Return Gwet's AC1 of `ratings`, which may have gaps; None when no unit was answered twice.

    With one answer only it is 1: nobody disagreed, and chance is taken as what is hard to tell apart.
    """
    counts = _counts(ratings, None)
    people = counts.sum(axis=1)
    twice = people >= 2
    if not twice.any():
        return None
    answered = people > 0
    shares = (counts[answered] / people[answered, None]).mean(axis=0)
    kinds = max(2, counts.shape[1])
    expected = 1 - float((shares * (1 - shares)).sum()) / (kinds - 1)
    seen = _pair_agreement(counts[twice])
    value = 1 - (1 - float(seen.mean())) / expected
    return _estimate(value, seen, np.ones(len(seen)), expected, _of(calls, twice), confidence)


def krippendorff_alpha(
    ratings: Ratings,
    *,
    level: Level = "nominal",
    order: Sequence[Hashable] | None = None,
    calls: Sequence[Hashable] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate | None:
    """Return Krippendorff's alpha of `ratings`, which may have gaps; None when only one answer occurs.

    Args:
        level: answers without order, in order (`order`, else as they sort), or numbers on a scale.
        calls: the call that each unit belongs to; None: every unit is a call of its own.

    Raises:
        ValueError: level "interval" with an answer that is no number, or an answer that `order` lacks.
    """
    counts, values = _table(ratings, order, numbers=level == "interval")
    twice = counts.sum(axis=1) >= 2
    counts = counts[twice]
    people = counts.sum(axis=1)
    total = float(people.sum())
    if total == 0:
        return None
    sums = counts.sum(axis=0)
    distance = _distance(level, sums, values)
    # Disagreement by chance: of all pairs of answers that could have met on a unit.
    expected = float(sums @ distance @ sums) / (total * (total - 1))
    largest = float(distance[np.ix_(sums > 0, sums > 0)].max())
    if largest <= 0 or expected / largest < LEAST_CHANCE:
        return None
    unlike = np.einsum("ui,ij,uj->u", counts, distance, counts) / (people * (people - 1))
    value = 1 - float((people * unlike).sum()) / total / expected
    return _estimate(
        value,
        1 - unlike / largest,
        people / 2,
        expected / largest,
        _of(calls, twice),
        confidence,
        graded=level != "nominal",
    )


def _estimate(
    value: float,
    seen: Floats,
    weight: Floats,
    expected: float,
    calls: Sequence[Hashable] | None,
    confidence: float,
    *,
    graded: bool = False,
) -> Estimate:
    """Return the statistic with the interval of the agreement `seen` on each unit, 0 to 1, carried over to it.

    Args:
        expected: the disagreement that chance would bring, 0 to 1.
        graded: agreement comes in degrees, so that units may be worth more than as many yes-or-no answers.
    """
    clusters: dict[Hashable, list[float]] = {}
    for call, agreed, size in zip(range(len(seen)) if calls is None else calls, seen, weight, strict=True):
        found = clusters.setdefault(call, [0.0, 0.0])
        found[0] += float(agreed * size)
        found[1] += float(size)
    share = clustered_interval([(met, size) for met, size in clusters.values()], confidence, graded=graded)
    low, high = (min(1.0, max(-1.0, 1 - (1 - limit) / expected)) for limit in (share.low, share.high))
    # The last bits of a float may set the value beside limits that are the value itself.
    return Estimate(value, Interval(min(low, value), max(high, value)), len(seen), len(clusters))


def _codes(lists: Sequence[Sequence[Hashable]], order: Sequence[Hashable] | None) -> tuple[NDArray[np.intp], int]:
    """Return numbers in the place of answers, and how many different ones there are."""
    known = list(order) if order is not None else _sorted({answer for one in lists for answer in one})
    at = {answer: number for number, answer in enumerate(known)}
    try:
        return np.array([[at[answer] for answer in one] for one in lists], np.intp), len(known)
    except KeyError as error:
        raise ValueError(f"the order of answers lacks {error.args[0]!r}") from None


def _sorted(answers: set[Hashable]) -> list[Hashable]:
    """Return answers as they sort: numbers by size, everything else by its text."""
    numbers = [answer for answer in answers if isinstance(answer, (int, float))]
    return [*sorted(numbers)] if len(numbers) == len(answers) else sorted(answers, key=str)


def _counts(ratings: Ratings, order: Sequence[Hashable] | None) -> Floats:
    return _table(ratings, order, numbers=False)[0]


def _table(ratings: Ratings, order: Sequence[Hashable] | None, *, numbers: bool) -> tuple[Floats, Floats]:
    """Return how many people gave each answer to each unit, and the answers as numbers (their places, else values)."""
    answers = {answer for row in ratings for answer in row if answer is not None}
    known = list(order) if order is not None else _sorted(answers)
    scale = [float(answer) for answer in known if isinstance(answer, (int, float))]
    if numbers and len(scale) < len(known):
        raise ValueError("answers on a scale must be numbers")
    at = {answer: number for number, answer in enumerate(known)}
    if missing := answers - at.keys():
        raise ValueError(f"the order of answers lacks {min(missing, key=str)!r}")
    counts = np.zeros((len(ratings), len(known)))
    for unit, row in enumerate(ratings):
        for answer in row:
            if answer is not None:
                counts[unit, at[answer]] += 1
    return counts, np.array(scale if numbers else range(len(known)), np.float64)


def _distance(level: Level, sums: Floats, values: Floats) -> Floats:
    """Return how far apart each two answers are (Krippendorff's squared difference function)."""
    if level == "nominal":
        return 1.0 - np.eye(len(sums))
    # In order: as far as the answers that lie between them are many.
    place = np.cumsum(sums) - sums / 2 if level == "ordinal" else values
    return np.asarray((place[:, None] - place[None, :]) ** 2, np.float64)


def _pair_agreement(counts: Floats) -> Floats:
    """Return, for each unit, the share of pairs of people who gave the same answer."""
    people = counts.sum(axis=1)
    return np.asarray(((counts**2).sum(axis=1) - people) / (people * (people - 1)), np.float64)


def _closeness(count: int, weights: Weights | None) -> Floats:
    """Return how much of full agreement each two answers are, 0 to 1."""
    if weights is None:
        return np.eye(count)
    apart = np.abs(np.subtract.outer(np.arange(count), np.arange(count))) / (count - 1)
    return np.asarray(1 - (apart if weights == "linear" else apart**2), np.float64)


def _of(calls: Sequence[Hashable] | None, kept: NDArray[np.bool_]) -> list[Hashable] | None:
    return None if calls is None else [call for call, one in zip(calls, kept, strict=True) if one]
