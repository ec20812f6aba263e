"""Exceptions in words: an allowed sentence around a hit cancels it."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.entries import Entry, occurrences
from scoring.phrases import best_match
from scoring.spoken import Side

NEAR_UNITS = 12  # an exception this near a hit, within the same turn, cancels it


def excepted(exceptions: Sequence[Entry], entries: Sequence[Entry], side: Side, first: int, last: int) -> str:
    """Return "said" when an exception stands at the hit, "unsure" when it may, else "not_said".

    An exception that holds one of the rule's own `entries` (请等一下 holds 等一下) allows those words only, and no
    other hit nearby.
    """
    low, high = side.in_turns(side.turns[first], side.turns[first])
    low, high = max(low, first - NEAR_UNITS), min(high, last + NEAR_UNITS)
    verdict = "not_said"
    for exception in exceptions:
        for begin, end in occurrences(exception, side, low, high):
            covers = begin < last and first < end
            if covers or not any(True for entry in entries for _ in occurrences(entry, side, begin, end)):
                return "said"
        if len(exception.words) > last - first + 1:
            reach = len(exception.words) if _holds_any(exception, entries) else NEAR_UNITS
            match = best_match([exception], side, max(low, first - reach), min(high, last + reach))
            if match.verdict == "said":
                return "said"
            if match.verdict == "unsure":
                verdict = "unsure"
    return verdict


def _holds_any(exception: Entry, entries: Sequence[Entry]) -> bool:
    words = exception.words
    return any(
        words[at : at + len(entry.words)] == entry.words
        for entry in entries
        if entry.words
        for at in range(len(words) - len(entry.words) + 1)
    )
