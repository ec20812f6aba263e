"""The sentences of a script that are said word for word: what a recogniser may expect to hear."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.check_models import Check, Flow
from scoring.entries import pattern_of, slot_names
from scoring.expressions import names
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
    ]
    general: list[Check | Flow] = [*phrases.checks, *phrases.flows]
    found += [entry for rule in general for entry in _expected(rule)]
    return list(dict.fromkeys(entry for entry in found if _is_plain(entry, phrases)))


def _expected(rule: Check | Flow) -> Iterator[str]:
    """Yield the wordings that a check or flow wants the agent to say."""
    if isinstance(rule, Flow):
        wanted = {step.id for step in rule.steps}
    elif rule.expect is not None:
        wanted = {name for name, positive in names(rule.goal) if positive}
    else:
        return
    for name, condition in rule.everything().items():
        if name in wanted and condition.speaker == "agent":
            for entries in (condition.any, condition.all, condition.n_of):
                yield from entries or ()


def _is_plain(entry: str, phrases: PhraseSet) -> bool:
    if entry in TOKENS or entry == "caller_name" or entry in phrases.lists:
        return False
    return not slot_names(entry) and pattern_of(entry, phrases.slots, phrases.normaliser) is None
