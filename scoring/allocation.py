"""How many reviews are needed, who gets them, and who makes them.

The half-width of an interval is t(n - 1) · S · sqrt(1/n - 1/N): S is the spread (standard deviation) of an agent's
scores, n of N calls are reviewed. Automatic scores that correlate by r with the reviews' explain r² of the variance,
and S shrinks to S · sqrt(1 - r²), the spread of what they leave unexplained (Cochran 1977, section 7.3).

W. G. Cochran (1977), Sampling Techniques, 3rd ed., Wiley.
J. Neyman (1934), On the two different aspects of the representative method, J. R. Stat. Soc. 97.
T. Wright (2012), The equivalence of Neyman optimum allocation for sampling and equal proportions for apportioning the
    U.S. House of Representatives, The American Statistician 66.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heapreplace
from math import inf, sqrt

from scoring.sampling import ticket

ASSUMED_SPREAD = 10.0  # points, where no review says better; pages and reports name it as an assumption
MOST = 1_000_000  # reviews; more are no answer
_FAR = 37.0  # standard errors; beyond, the test finds everything and the distribution's series break down


@dataclass(frozen=True, slots=True)
class Work:
    """One agent's calls, as far as the number of reviews depends on them."""

    agent: str
    calls: int
    spread: float  # standard deviation of the review scores, in points
    minutes: float = 1.0  # that one review takes
    least: int = 2  # reviews that this agent gets whatever the time


def half_width(
    n: int, spread: float, *, population: int | None = None, confidence: float = 0.95, correlation: float = 0.0
) -> float:
    """Return half the width of the interval of a mean of `n` reviews; infinite for fewer than two.

    Args:
        population: calls that the mean is about; None: so many that it does not matter.
        correlation: between automatic and review scores, when the estimate uses the automatic ones.
    """
    if population is not None and n >= population:
        return 0.0
    if n < 2:
        return inf
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + confidence) / 2)) * _standard_error(n, spread, population, correlation)


def reviews_needed(
    difference: float,
    spread: float,
    *,
    confidence: float = 0.95,
    power: float = 0.8,
    population: int | None = None,
    correlation: float = 0.0,
    groups: int = 1,
) -> int:
    """Return how many reviews of each group tell a mean from another `difference` points away.

    "To tell 85 from 90 for this team": the two-sided t-test of level 1 - `confidence` finds a true difference with
    probability `power`.

    Args:
        spread: standard deviation of the scores, in points.
        population: calls of the group in the period; no more than all of them are ever needed.
        groups: 1 compares a mean with a fixed target, 2 two means of equally many reviews.

    Raises:
        ValueError: an argument is outside its range, or no number of reviews up to MOST is enough.

    >>> reviews_needed(5, 10), reviews_needed(5, 10, groups=2)
    (34, 64)
    """
    if not difference > 0 or not spread > 0:
        raise ValueError("the difference and the spread must be above 0")
    if not 0 < confidence < 1 or not 0 < power < 1 or not -1 < correlation < 1 or groups not in (1, 2):
        raise ValueError(
            "confidence and power lie between 0 and 1, the correlation between -1 and 1; groups are 1 or 2"
        )
    low, high = 1, 2
    while _power(high, difference, spread, confidence, population, correlation, groups) < power:
        low, high = high, high * 2
        if high > MOST:
            raise ValueError(f"more than {MOST:,} reviews would be needed: look for a larger difference")
    while high - low > 1:
        middle = (low + high) // 2
        enough = _power(middle, difference, spread, confidence, population, correlation, groups) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high if population is None else min(high, population)


def moderated_spreads(spreads: Mapping[str, tuple[float, int]]) -> dict[str, float]:
    """Return each agent's spread moved towards the common one, the more the fewer reviews it rests on.

    Args:
        spreads: (standard deviation, number of reviews) by agent; fewer than two reviews say nothing of their own.
            Where nobody has two, every spread is ASSUMED_SPREAD.
    """
    import numpy as np

    from scoring.spread import moderate

    known = [(spread if n > 1 else 0.0, max(0, n - 1)) for spread, n in spreads.values()]
    if not any(freedom for _, freedom in known):
        return dict.fromkeys(spreads, ASSUMED_SPREAD)
    moderated = moderate(
        np.array([spread**2 for spread, _ in known]), np.array([freedom for _, freedom in known], float)
    )
    return dict(zip(spreads, np.sqrt(moderated.variance).tolist(), strict=True))


def best_shares(work: Sequence[Work], minutes: float) -> dict[str, int]:
    """Return how many reviews each agent gets so that the sum of the squared standard errors becomes smallest.

    Each agent gets its least reviews (or all its calls, when they are fewer) whatever the time; every further one goes
    where it takes most variance away for its minutes. With equal minutes that is the exact optimum among all whole
    numbers (Neyman's allocation as an apportionment, Wright 2012); with unequal ones at most one review from it.
    """
    shares = {one.agent: min(one.least, one.calls) for one in work}
    left = minutes - sum(shares[one.agent] * one.minutes for one in work)
    waiting: list[tuple[float, str, Work]] = [
        (-_gain(one, shares[one.agent]), one.agent, one) for one in work if _gain(one, shares[one.agent]) > 0
    ]
    heapify(waiting)
    while waiting and waiting[0][0] < 0:
        _, agent, one = waiting[0]
        if one.minutes <= left:
            left -= one.minutes
            shares[agent] += 1
            heapreplace(waiting, (-_gain(one, shares[agent]), agent, one))
        else:
            heapreplace(waiting, (0.0, agent, one))  # what is left does not reach for this agent's review
    return shares


def equal_shares(work: Sequence[Work], minutes: float) -> dict[str, int]:
    """Return the same number of reviews for every agent as far as the time and the calls allow: the yardstick."""
    shares = {one.agent: min(one.least, one.calls) for one in work}
    left = minutes - sum(shares[one.agent] * one.minutes for one in work)
    waiting: list[tuple[float, str, Work]] = [
        (shares[one.agent], one.agent, one) for one in work if shares[one.agent] < one.calls
    ]
    heapify(waiting)
    while waiting and waiting[0][0] < inf:
        count, agent, one = waiting[0]
        if one.minutes <= left:
            left -= one.minutes
            shares[agent] += 1
            heapreplace(waiting, (count + 1 if count + 1 < one.calls else inf, agent, one))
        else:
            heapreplace(waiting, (inf, agent, one))
    return shares


def standard_errors(work: Sequence[Work], shares: Mapping[str, int]) -> dict[str, float]:
    """Return the standard error of each agent's mean under `shares`; infinite where nothing is reviewed."""
    return {
        one.agent: _standard_error(shares[one.agent], one.spread, one.calls, 0.0) if shares[one.agent] else inf
        for one in work
    }


@dataclass(frozen=True, slots=True)
class Task:
    """One drawn call that needs an inspector."""

    key: str
    agent: str
    barred: frozenset[int] = frozenset()  # inspectors who may not judge it: own call, own team, first reviewer


@dataclass(frozen=True, slots=True)
class Inspector:
    """One person who reviews."""

    id: int
    waiting: int = 0  # reviews assigned before and not done
    quota: int | None = None  # reviews at most, those that wait included; None: no limit


def assign(
    tasks: Collection[Task], inspectors: Sequence[Inspector], seen: Mapping[tuple[int, str], int], seed: str
) -> dict[str, int]:
    """Return the inspector of each task, by key; a task that nobody may or can take is left out.

    Work spreads evenly. Among those with equally little to do, the one takes a call who reviewed its agent least
    (`seen`: reviews by inspector and agent), so that agents meet all inspectors in turn; a ticket decides ties. Tasks
    with few permitted inspectors choose first.
    """
    load = {one.id: one.waiting for one in inspectors}
    met = Counter(seen)
    found: dict[str, int] = {}

    def permitted(task: Task) -> list[Inspector]:
        return [one for one in inspectors if one.id not in task.barred]

    for task in sorted(tasks, key=lambda task: (len(permitted(task)), ticket(seed, "assign", task.key))):
        free = [one for one in permitted(task) if one.quota is None or load[one.id] < one.quota]
        if not free:
            continue
        chosen = min(
            free, key=lambda one: (load[one.id], met[one.id, task.agent], ticket(seed, "assign", task.key, str(one.id)))
        )
        found[task.key] = chosen.id
        load[chosen.id] += 1
        met[chosen.id, task.agent] += 1
    return found


@dataclass(frozen=True, slots=True)
class Single:
    """A drawn call that one inspector reviews so far."""

    key: str
    agent: str
    first: int  # its inspector
    barred: frozenset[int] = frozenset()  # others who may not judge it


@dataclass(frozen=True, slots=True)
class JointCount:
    """How many reviews an inspector has in a month, and how many of calls that somebody else reviews too."""

    reviews: int = 0
    joint: int = 0

    def short_of(self, least: int) -> int:
        """Return how many joint reviews are missing to `least`, or to all where there are fewer reviews."""
        return max(0, min(least, self.reviews) - self.joint)


def more_joint(
    singles: Collection[Single],
    counts: Mapping[int, JointCount],
    inspectors: Sequence[Inspector],
    least: int,
    seen: Mapping[tuple[int, str], int],
    seed: str,
) -> dict[str, int]:
    """Return which calls get a second inspector, and whom, so that nobody has fewer than `least` joint reviews.

    Whoever is furthest below comes first. Of their own `c` single calls that somebody else can take, the ones with the
    lowest tickets are chosen: of `k` that are needed each call has the chance k / c. Where there is none they become
    the second on somebody else's call, chosen in the same way. The second is one who is below, too, if possible, then
    the one with the least to do.
    """
    people = {one.id: one for one in inspectors}
    have = {one: counts.get(one, JointCount()) for one in {*people, *counts}}
    load = {one.id: one.waiting for one in inspectors}
    met = Counter(seen)
    left = sorted(singles, key=lambda one: (ticket(seed, "joint-least", one.key), one.key))
    found: dict[str, int] = {}

    def free(one: Single) -> list[int]:
        return [
            who
            for who, person in people.items()
            if who != one.first and who not in one.barred and (person.quota is None or load[who] < person.quota)
        ]

    def chosen(who: int) -> tuple[Single, int] | None:
        for one in left:
            if one.first == who and (others := free(one)):
                return one, min(
                    others,
                    key=lambda other: (
                        have[other].short_of(least) == 0,
                        load[other],
                        met[other, one.agent],
                        ticket(seed, "joint-second", one.key, str(other)),
                    ),
                )
        return next(((one, who) for one in left if who in free(one)), None)

    waiting = {who for who in people if have[who].short_of(least)}
    while waiting:
        who = min(waiting, key=lambda one: (-have[one].short_of(least), ticket(seed, "joint-turn", str(one))))
        pair = chosen(who)
        if pair is None:
            waiting.discard(who)
            continue
        one, second = pair
        left.remove(one)
        found[one.key] = second
        load[second] += 1
        met[second, one.agent] += 1
        if one.first in have:
            have[one.first] = replace(have[one.first], joint=have[one.first].joint + 1)
        have[second] = JointCount(have[second].reviews + 1, have[second].joint + 1)
        waiting = {one for one in waiting if have[one].short_of(least)}
    return found


def _standard_error(n: int, spread: float, population: int | None, correlation: float) -> float:
    unseen = 1 / n - (1 / population if population else 0.0)
    return spread * sqrt((1 - correlation**2) * max(0.0, unseen))


def _power(
    n: int,
    difference: float,
    spread: float,
    confidence: float,
    population: int | None,
    correlation: float,
    groups: int,
) -> float:
    """Return the probability that the t-test finds `difference` with `n` reviews a group."""
    from scipy.stats import nct, t

    error = _standard_error(n, spread, population, correlation) * sqrt(groups)
    if error == 0 or (population is not None and n >= population):
        return 1.0
    freedom = groups * (n - 1)
    beyond = t.ppf((1 + confidence) / 2, freedom)
    return float(nct.sf(beyond, freedom, min(difference / error, _FAR)))


def _gain(one: Work, n: int) -> float:
    """Return the variance per minute that the review after `n` takes away; without a first one, everything."""
    if n >= one.calls:
        return 0.0
    return inf if n == 0 else one.spread**2 / (n * (n + 1)) / one.minutes
