"""Sentences that the set itself wants said: forbidden words inside them are no fault."""

from __future__ import annotations

from scoring.case import Case
from scoring.entries import Entry, compile_entry
from scoring.exceptions import excepted
from scoring.phrase_set import PhraseSet
from scoring.spoken import Side
from scoring.wordings import script_wordings


def approved(case: Case, entry: Entry, side: Side, first: int, last: int) -> bool:
    """Whether the units `first` to `last`, where `entry` was found, belong to a sentence that the set wants said."""
    holding = _holding(case.phrases, entry)
    return bool(holding) and excepted(holding, [entry], side, first, last) == "said"


def _holding(phrases: PhraseSet, entry: Entry) -> tuple[Entry, ...]:
    """Return the wanted wordings that hold the words of `entry` and more; found once per set and entry."""
    known = phrases.approved_by_entry
    if entry.source not in known:
        normal, size = phrases.normaliser, len(entry.words)
        found = []
        for wording, words in _wanted(phrases):
            if size and len(words) > size and any(words[at : at + size] == entry.words for at in range(len(words))):
                found.append(compile_entry(wording, phrases.slots, normal))
        known[entry.source] = tuple(found)
    return known[entry.source]


def _wanted(phrases: PhraseSet) -> list[tuple[str, tuple[str, ...]]]:
    return [(wording, phrases.normaliser.words(wording)) for wording in script_wordings(phrases)]
