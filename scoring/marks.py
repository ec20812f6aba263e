"""The values that judging produces: an answer to each item of a scorecard, with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any


class Answer(StrEnum):
    """The answer to one item. `CANNOT_TELL` and `NOT_APPLICABLE` leave the denominator."""

    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not_met"
    NOT_APPLICABLE = "not_applicable"
    CANNOT_TELL = "cannot_tell"


ANSWERED = frozenset({Answer.MET, Answer.PARTLY, Answer.NOT_MET})


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a mark says what it says: the moment, the words and the rule."""

    rule: str | None  # rule id, for example "EN-OPEN"; None for a person's mark
    rule_version: str | None  # phrase set id and version, for example "en-bank-hotline/1"
    verdict: str  # "met", "not_met", "cannot_tell" or "not_applicable"
    reason: str  # a message id with its values, see scoring/reasons.py: translated where it is shown
    values: Mapping[str, Any] = field(default_factory=dict)  # for the reason: numbers, wordings, limits
    speaker: str | None = None
    turn: int | None = None
    start: float | None = None  # seconds
    end: float | None = None
    text: str | None = None  # the transcript's words
    wording: str | None = None  # the script's words that they were compared with
    probability: float | None = None  # that the wording was said, 0 to 1
    confidence: float | None = None  # mean recogniser confidence of the words, 0 to 1
    part: str | None = None  # which part of the rule, for example "greeting"


def evidence_to_dict(evidence: Evidence) -> dict[str, Any]:
    """Return a JSON form without empty fields; `evidence_from_dict` gives the same value back."""
    values = {one.name: getattr(evidence, one.name) for one in fields(evidence)}
    return {name: value for name, value in values.items() if value is not None} | {"values": dict(evidence.values)}


def evidence_from_dict(data: Mapping[str, Any]) -> Evidence:
    """Read the JSON form of `evidence_to_dict`; names that it does not know are left out."""
    known = {one.name for one in fields(Evidence)}
    given = {name: value for name, value in data.items() if name in known}
    return Evidence(**{"rule": None, "rule_version": None, **given})


@dataclass(frozen=True, slots=True)
class Mark:
    """The answer to one item, with what it costs or earns."""

    item: str  # item id, for example "S2"
    answer: Answer
    points: float | None  # earned; None when the answer leaves the denominator
    possible: float  # the item's effective weight in this call, points of 100
    evidence: tuple[Evidence, ...] = ()
    deductions: tuple[tuple[str, float], ...] = ()  # deduct method: what was taken off and how much
    needs_person: bool = False  # the automatic answer is a suggestion until a person confirms it
    comment: str | None = None
    value: str | float | None = None  # what was answered to a choice, a scale, a number or a text
    causes: tuple[str, ...] = ()  # root causes that a person named


@dataclass(frozen=True, slots=True)
class FatalFinding:
    """A fatal item (一票否决): a candidate until a person confirms it."""

    item: str
    suspected: Answer  # NOT_MET: the evidence points to it; CANNOT_TELL; MET: nothing found
    effect: str  # "zero" or "cap59"
    confirmed: bool | None  # None: nobody has decided
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionScore:
    section: str
    name: str
    points: float | None  # None: nothing in it was answered
    possible: float  # effective, after the weight of unanswered items went to the others


@dataclass(frozen=True, slots=True)
class CallScore:
    """The score of one call by one scorecard version, by the machine or by a person."""

    scorecard: str  # id/version
    marks: tuple[Mark, ...]
    fatals: tuple[FatalFinding, ...]
    sections: tuple[SectionScore, ...]
    raw: float | None  # 0 to 100 before fatal items; None: too little was answered
    final: float | None  # after confirmed fatal items; equals raw when none is confirmed
    answered_weight: float  # weight of answered items, of 100
    cannot_tell_weight: float
    not_applicable_weight: float
    bonus: float
    passed: bool | None
    band: str | None
    complete: bool  # enough was answered for the score to stand for the call
