"""Exceptions in words: an allowed sentence around a hit cancels it."""

from __future__ import annotations

from scoring.entries import Entry, occurrences
from scoring.phrases import best_match
from scoring.spoken import Side

NEAR_UNITS = 12  # an exception this near a hit, within the same turn, cancels it


def excepted(exceptions: list[Entry], side: Side, first: int, last: int) -> str:
    """Return "said" when an exception stands at the hit, "unsure" when it may, else "not_said"."""
    low, high = side.in_turns(side.turns[first], side.turns[first])
    low, high = max(low, first - NEAR_UNITS), min(high, last + NEAR_UNITS)
    verdict = "not_said"
    for exception in exceptions:
        if any(True for _ in occurrences(exception, side, low, high)):
            return "said"
        if len(exception.words) > last - first + 1:
            match = best_match([exception], side, low, high)
            if match.verdict == "said":
                return "said"
            if match.verdict == "unsure":
                verdict = "unsure"
    return verdict
