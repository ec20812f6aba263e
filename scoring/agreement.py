"""How far inspectors who scored the same call agree: the share of equal answers, and what is left of it beyond chance.

Answers to the items of one call belong together: who misheard a call differs on several items. The interval of a
share therefore counts calls as clusters and shrinks the number of answers to the number that as many independent
ones would be worth (Korn and Graubard 1998, Survey Methodology 24:193, with Wilson's interval).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from scoring.uncertainty import CONFIDENCE, Interval, share_interval


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """What two inspectors answered to one item of one call."""

    call: Hashable
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two inspectors gave the same answer.

    `alpha` is Krippendorff's (2004, *Content Analysis*, chapter 11) for answers without order: 1 for full agreement, 0
    for no more than chance; None when only one answer occurs, so that nothing could have been told apart.
    """

    agreed: int
    n: int  # pairs of answers
    calls: int
    interval: Interval  # of the share, 0 to 1
    alpha: float | None

    @property
    def share(self) -> float:
        """The share of equal answers, 0 to 1."""
        return self.agreed / self.n


def agreement(pairs: Sequence[AnswerPair], confidence: float = CONFIDENCE) -> Agreement:
    """Return how far `pairs` agree.

    >>> found = agreement([AnswerPair(1, "met", "met"), AnswerPair(2, "met", "not_met"), AnswerPair(3, "met", "met")])
    >>> found.agreed, found.n, round(found.alpha, 2)
    (2, 3, 0.0)

    Raises:
        ValueError: there are no pairs.
    """
    if not pairs:
        raise ValueError("agreement needs at least one pair of answers")
    by_call: defaultdict[Hashable, list[bool]] = defaultdict(list)
    for pair in pairs:
        by_call[pair.call].append(pair.first == pair.second)
    clusters = [(sum(found), len(found)) for found in by_call.values()]
    agreed = sum(met for met, _ in clusters)
    return Agreement(agreed, len(pairs), len(clusters), clustered_interval(clusters, confidence), _alpha(pairs))


def clustered_interval(clusters: Sequence[tuple[int, int]], confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of a share, 0 to 1, whose observations come in clusters of (met, n).

    Wilson's interval of as many independent observations as these are worth: n over the design effect, which is the
    variance of the ratio of the sums over that of a simple sample. It is never taken for less than the number of
    clusters, nor for more than n. Where all observations are alike nothing is known of it: each cluster counts once.

    Raises:
        ValueError: there is no observation.
    """
    met, n, k = sum(met for met, _ in clusters), sum(size for _, size in clusters), len(clusters)
    if not n:
        raise ValueError("a share needs at least one observation")
    share = met / n
    worth = float(k)
    if 0 < share < 1 and k > 1:
        variance = k / (k - 1) * sum((one - share * size) ** 2 for one, size in clusters) / n**2
        simple = share * (1 - share)
        worth = min(float(n), max(float(k), simple / variance)) if variance > 0 else float(n)
    return share_interval(share * worth, worth, confidence)


def _alpha(pairs: Sequence[AnswerPair]) -> float | None:
    values = Counter(answer for pair in pairs for answer in (pair.first, pair.second))
    differing = sum(pair.first != pair.second for pair in pairs)
    total = 2 * len(pairs)
    # Ordered pairs of different answers that chance would make of the same answers.
    unlike = total * (total - 1) - sum(count * (count - 1) for count in values.values())
    return 1 - 2 * differing * (total - 1) / unlike if unlike else None
