"""The sentences of a script that are said word for word: what a recogniser may expect to hear."""

from __future__ import annotations

from scoring.entries import pattern_of, slot_names
from scoring.phrase_set import PhraseSet, Window
from scoring.tokens import TOKENS


def openings(phrases: PhraseSet) -> list[str]:
    """Return the wordings with which an agent opens a call: those required within its first seconds."""
    return [
        entry
        for rule in phrases.required
        if rule.role == "agent" and isinstance(rule.window, Window) and rule.window.start_s is not None
        for entries in rule.parts.values()
        for entry in entries
        if _is_plain(entry, phrases)
    ]


def script_wordings(phrases: PhraseSet) -> list[str]:
    """Return every wording that the script wants of an agent, in the script's order, each once."""
    found = [
        entry
        for rule in (*phrases.required, *phrases.conditional)
        if rule.role == "agent"
        for entries in rule.parts.values()
        for entry in entries
        if _is_plain(entry, phrases)
    ]
    return list(dict.fromkeys(found))


def _is_plain(entry: str, phrases: PhraseSet) -> bool:
    if entry in TOKENS or entry == "caller_name" or entry in phrases.lists:
        return False
    return not slot_names(entry) and pattern_of(entry, phrases.slots, phrases.normaliser) is None
