"""A small phrase set and scorecard for the tests of the workbench, and calls that they judge."""

from __future__ import annotations

from sqlalchemy.orm import Session

from models import ScorecardVersion
from qa.criteria import store_scorecard
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.scorecard import load_scorecard

RULES = """
phrase_set:
  id: desk
  version: 1
  language: en
  # What everybody says.
  required:
    - id: HELLO
      role: agent
      window: {start_s: 10}
      parts:
        greeting: [good morning, good afternoon]
    - {id: BYE, role: agent, window: {end_turns: 2}, parts: {bye: [goodbye, thank you for calling]}}
  triggers:
    - id: LOST
      role: customer
      any: [lost my card, card was stolen]
  forbidden:
    - id: RUDE
      role: agent
      severity: major
      any: [that is your problem, calm down]
      unless: [is that your problem]
"""

CARD = """
scorecard:
  id: desk-card
  version: 1
  name: Desk
  language: en
  method: answer
  min_answered: 0
  sections:
    - id: A
      name: Words
      weight: 100
      items:
        - {id: A1, name: Greets, weight: 40, check: phrase, decide: auto, rules: [HELLO]}
        - {id: A2, name: Says goodbye, weight: 30, check: phrase, decide: auto, rules: [BYE]}
        - {id: A3, name: Stays polite, weight: 30, check: phrase, decide: auto, rules: [RUDE]}
"""

GOOD = [
    ("agent", "Good morning this is the card desk speaking"),
    ("customer", "I lost my card yesterday evening in town"),
    ("agent", "I have blocked it for you goodbye"),
]
BRISK = [
    ("agent", "Hi there you have reached the card desk"),
    ("customer", "I would like to know my balance please"),
    ("agent", "It is forty pounds today thank you for calling"),
]


def desk() -> PhraseSet:
    return load_phrase_set(RULES)


def changed(old: str, new: str) -> PhraseSet:
    """Return the set with `old` in its text replaced by `new`."""
    assert old in RULES
    return load_phrase_set(RULES.replace(old, new))


def store_desk(session: Session) -> ScorecardVersion:
    return store_scorecard(session, load_scorecard(CARD), desk())
