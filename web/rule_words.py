"""Reasons that name a rule or an event by its id, said in the words that it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from flask_babel import gettext

from scoring.check_models import Check, Flow
from scoring.marks import Evidence, evidence_from_dict
from scoring.phrase_set import Acoustic, Forbidden, PhraseSet, Rule, Trigger
from scoring.reasons import REASONS
from web.check_words import condition_sentence
from web.i18n import N_

SHOWN = 3  # wordings of one sign: enough to see what is meant
# An entry with one of these is a pattern, a slot or the name of a check: nothing that anybody says.
NOT_PLAIN = frozenset(r"\[](){}|+*^$_")
NAMES_RULES = ("anchor", "after", "rules")  # values of reasons that hold rule ids
SILENCE = re.compile(r"customer_silent_(\d+)s")
# What is said of a sign that did not occur, by whose words it is.
UNSAID = {
    "agent": N_("The agent said nothing like %(words)s."),
    "customer": N_("The customer said nothing like %(words)s."),
    "any": N_("Nobody said anything like %(words)s."),
}


def in_words(evidence: Evidence, phrases: PhraseSet | None) -> Evidence:
    """Return `evidence` with the ids of rules in its reason replaced by the wordings they look for.

    The ids stay in the value "ids", to be shown beside the sentence. Without the phrase set that the evidence was
    found by, nothing is replaced.
    """
    if phrases is None or evidence.rule_version not in (None, phrases.key):
        return evidence
    sentence = REASONS.get(evidence.reason, "")
    named = {name: str(evidence.values.get(name)) for name in NAMES_RULES if f"%({name})s" in sentence}
    if not named:
        return evidence
    named |= _condition_words(evidence, phrases, named)
    ids = [part for value in named.values() for part in value.split(", ") if part in phrases.by_id]
    if evidence.reason == "anchor_absent" and ids:
        rule = phrases.by_id[ids[0]]
        if isinstance(rule, Trigger) and (words := wordings(rule)):
            return replace(evidence, reason=UNSAID[rule.role], values={"words": words, "ids": ids})
    said = {name: ", ".join(spoken(part, phrases) for part in value.split(", ")) for name, value in named.items()}
    return replace(evidence, values={**evidence.values, **said, "ids": ids})


def _condition_words(evidence: Evidence, phrases: PhraseSet, named: Mapping[str, str]) -> dict[str, str]:
    """Return those values that name a condition of the evidence's own rule, in words."""
    rule = phrases.by_id.get(evidence.rule or "")
    if not isinstance(rule, Check | Flow):
        return {}
    conditions = rule.everything()
    return {
        name: condition_sentence(conditions[value]) + _some(conditions[value].wordings())
        for name, value in named.items()
        if value in conditions
    }


def _some(words: Iterable[str]) -> str:
    plain = [entry for entry in words if not NOT_PLAIN.intersection(entry)][:SHOWN]
    return gettext(" (%(words)s)", words=gettext(", ").join(f"“{entry}”" for entry in plain)) if plain else ""


def stored_in_words(stored: Mapping[str, Any], phrases: PhraseSet | None) -> Evidence:
    """Return the evidence that a mark holds as JSON, in words."""
    return in_words(evidence_from_dict(stored), phrases)


def spoken(name: str, phrases: PhraseSet) -> str:
    """Return what the rule or event `name` stands for; the name itself where nobody says it."""
    if silence := SILENCE.fullmatch(name):
        return gettext("the customer is silent for %(seconds)s s", seconds=silence[1])
    rule = phrases.by_id.get(name)
    if isinstance(rule, Check | Flow) and rule.title:
        return rule.title
    return (wordings(rule) if rule else "") or name


def wordings(rule: Rule) -> str:
    """Return the first plain wordings of `rule` in quotation marks; of words that must be said, the first only.

    >>> wordings(Trigger(id="T", role="agent", any=("your balance", "[0-9]+ yuan", "you owe")))
    '“your balance”, “you owe”'
    """
    plain = [entry for entry in entries(rule) if not NOT_PLAIN.intersection(entry)]
    shown = plain[: SHOWN if isinstance(rule, Trigger) else 1]
    return gettext(", ").join(f"“{entry}”" for entry in shown)


def entries(rule: Rule) -> Iterator[str]:
    """Yield the wordings of `rule` as the phrase set writes them."""
    match rule:
        case Trigger():
            yield from rule.any
        case Forbidden():
            yield from (entry for _kind, entry in rule.entries())
        case Acoustic():
            return
        case Check() | Flow():
            yield from rule.wordings()
        case _:
            yield from chain.from_iterable(rule.parts.values())
