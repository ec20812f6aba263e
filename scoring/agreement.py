"""How far inspectors who scored the same call agree: the share of equal answers, and what is left of it beyond chance.

Answers to the items of one call belong together: who misheard a call differs on several items. The interval of a
share therefore counts calls as clusters and shrinks the number of answers to the number that as many independent
ones would be worth (Korn and Graubard 1998, Survey Methodology 24:193, with Wilson's interval).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from scoring.chance_agreement import Estimate, gwet_ac1, krippendorff_alpha
from scoring.uncertainty import CONFIDENCE, Interval, clustered_interval

AGREEMENT_ALARM = 0.85  # of answers to an item
# Below it conclusions from answers should not be drawn (Krippendorff 2004, Content Analysis, chapter 11).
LEAST_ALPHA = 0.667
LEAST_PAIRS = 10  # fewer pairs of answers, or from fewer calls than the next line says, are no reason to reword an item
LEAST_CALLS = 5


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """What two inspectors answered to one item of one call."""

    call: Hashable
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two inspectors gave the same answer, and what is left of it beyond chance (scoring.chance_agreement).

    `alpha` is Krippendorff's for answers without order; None when only one answer occurs, so that nothing could have
    been told apart. `ac1` is Gwet's, which stays high where nearly all answers are the same.
    """

    agreed: int
    n: int  # pairs of answers
    calls: int
    interval: Interval  # of the share, 0 to 1
    alpha: Estimate | None
    ac1: Estimate | None

    @property
    def share(self) -> float:
        """The share of equal answers, 0 to 1."""
        return self.agreed / self.n


def agreement(pairs: Sequence[AnswerPair], confidence: float = CONFIDENCE) -> Agreement:
    """Return how far `pairs` agree.

    >>> found = agreement([AnswerPair(1, "met", "met"), AnswerPair(2, "met", "not_met"), AnswerPair(3, "met", "met")])
    >>> found.agreed, found.n, round(found.alpha.value, 2)
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
    answers = [(pair.first, pair.second) for pair in pairs]
    calls = [pair.call for pair in pairs]
    return Agreement(
        agreed,
        len(pairs),
        len(clusters),
        clustered_interval(clusters, confidence),
        krippendorff_alpha(answers, calls=calls, confidence=confidence),
        gwet_ac1(answers, calls=calls, confidence=confidence),
    )


def needs_rewording(found: Agreement) -> bool:
    """Whether people read an item differently: few equal answers, and little of them beyond chance, often enough."""
    if found.n < LEAST_PAIRS or found.calls < LEAST_CALLS:
        return False
    return found.share < AGREEMENT_ALARM and (found.alpha is None or found.alpha.value < LEAST_ALPHA)
