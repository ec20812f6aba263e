"""The entry form of a review: what was typed, kept as typed, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from models import AutoMark, Call, Review, ReviewReason
from qa.criteria import phrases_of
from qa.refusals import N_, Refused
from qa.reviews import Entry, item_ids, may_be_not_applicable, suspected_fatals
from scoring.call_score import GivenAnswer
from scoring.marks import Answer, Evidence
from scoring.phrase_set import PhraseSet
from scoring.scorecard import BonusItem, FatalItem, Item, Scorecard
from web.i18n import ANSWERS, format_clock
from web.rule_words import stored_in_words

DEDUCT = "deduct"  # the answer of an item with deductions; which ones says its list
EVIDENCE_SHOWN = 3
FOR_PERSON = "for_person"  # the reason of items that no rule decides


@dataclass(slots=True)
class Typed:
    """The form's fields as a person left them, by item."""

    answers: dict[str, str] = field(default_factory=dict)
    deductions: dict[str, list[str]] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    moments: dict[str, str] = field(default_factory=dict)
    reason: str = ReviewReason.RANDOM.value
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the machine says about an item: beside the choices, never chosen for the person."""

    answer: str
    evidence: list[Evidence]
    deductions: list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    name: str


@dataclass(frozen=True, slots=True)
class Question:
    """One row of the form."""

    item: Item | FatalItem | BonusItem
    choices: list[Choice]
    suggestion: Suggestion | None
    suspected: bool = False


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    name: str
    weight: float | None
    questions: list[Question]


def read_form(form: MultiDict[str, str], card: Scorecard) -> Typed:
    """Return what was sent, for the items of `card` only."""
    typed = Typed(reason=form.get("reason", ""), comment=form.get("comment", ""))
    for item in item_ids(card):
        typed.answers[item] = form.get(f"answer-{item}", "")
        typed.deductions[item] = form.getlist(f"deduct-{item}")
        typed.comments[item] = form.get(f"comment-{item}", "")
        typed.moments[item] = form.get(f"at-{item}", "")
    return typed


def typed_from(review: Review) -> Typed:
    """Return the form of a review that is edited again."""
    typed = Typed(reason=review.reason.value, comment=review.comment or "")
    for mark in review.marks:
        typed.answers[mark.item] = DEDUCT if mark.deductions and mark.answer != Answer.MET else mark.answer
        typed.deductions[mark.item] = list(mark.deductions)
        typed.comments[mark.item] = mark.comment or ""
        typed.moments[mark.item] = "" if mark.at_seconds is None else format_clock(mark.at_seconds)
    return typed


def entry_from(typed: Typed) -> tuple[Entry, dict[str, Refused]]:
    """Return what the form means, and for each item what could not be understood."""
    problems: dict[str, Refused] = {}
    answers: dict[str, GivenAnswer] = {}
    moments: dict[str, float] = {}
    for item, text in typed.answers.items():
        comment = typed.comments.get(item, "").strip() or None
        answer = _answer(text, typed.deductions.get(item, []))
        if answer is None and (comment or typed.moments.get(item, "").strip()):
            answer = Answer.CANNOT_TELL  # Undecided: a draft keeps the remark, submitting asks for an answer.
        if answer is not None:
            answers[item] = GivenAnswer(answer, tuple(typed.deductions.get(item, [])), comment)
        try:
            seconds = read_clock(typed.moments.get(item, ""))
        except ValueError:
            problems[item] = Refused(N_("%(text)s is no moment: write seconds or m:ss."), text=typed.moments[item][:40])
        else:
            if seconds is not None:
                moments[item] = seconds
    try:
        reason = ReviewReason(typed.reason)
    except ValueError:
        problems["reason"] = Refused(N_("Choose why this call is reviewed."))
        reason = ReviewReason.RANDOM
    return Entry(answers, reason, typed.comment, moments), problems


def _answer(text: str, deductions: list[str]) -> Answer | None:
    if text == DEDUCT or (not text and deductions):
        return Answer.NOT_MET
    return Answer(text) if text in {answer.value for answer in Answer} else None


def read_clock(text: str) -> float | None:
    """Read seconds, m:ss or h:mm:ss; None when it is empty.

    Raises:
        ValueError: it is none of these.
    """
    text = text.strip()
    if not text:
        return None
    parts = text.replace("：", ":").split(":")
    if len(parts) > 3 or any(not part.replace(".", "", 1).isascii() for part in parts):
        raise ValueError("too many parts")
    seconds = 0.0
    for part in parts:
        if not part.replace(".", "", 1).isdigit():
            raise ValueError("not a number")
        seconds = seconds * 60 + float(part)
    return seconds


def groups(card: Scorecard, call: Call) -> Iterator[QuestionGroup]:
    """Yield the sections of the card with their rows."""
    marks, phrases = machine_marks(call), machine_phrases(call)
    for section in card.sections:
        questions = [
            Question(item, list(item_choices(card, item)), suggestion(marks.get(item.id), phrases))
            for item in section.items
        ]
        yield QuestionGroup(f"{section.id} {section.name}", section.weight, questions)


def fatal_questions(card: Scorecard, call: Call) -> list[Question]:
    """Return the fatal items, those that the machine suspects first."""
    suspected = suspected_fatals(call)
    findings = call.auto_score.summary.get("fatals", []) if call.auto_score else []
    evidence = {found["item"]: found.get("evidence", []) for found in findings}
    phrases = machine_phrases(call)
    choices = [Choice(Answer.MET.value, gettext("Nothing found")), Choice(Answer.NOT_MET.value, gettext("Confirmed"))]
    questions = [
        Question(
            item,
            choices,
            Suggestion("suspected", evidence_of(evidence.get(item.id, []), phrases), [])
            if item.id in suspected
            else None,
            suspected=item.id in suspected,
        )
        for item in card.fatal
    ]
    return sorted(questions, key=lambda question: not question.suspected)


def bonus_questions(card: Scorecard, call: Call) -> list[Question]:
    marks, phrases = machine_marks(call), machine_phrases(call)
    given = [Choice(Answer.MET.value, gettext("Given"))]
    return [Question(item, given, suggestion(marks.get(item.id), phrases)) for item in card.bonus]


def item_choices(card: Scorecard, item: Item) -> Iterator[Choice]:
    if card.method == "deduct":
        yield Choice(Answer.MET.value, gettext("No deduction"))
    else:
        for answer in (Answer.MET, Answer.PARTLY, Answer.NOT_MET):
            yield Choice(answer.value, gettext(ANSWERS[answer]))
    if may_be_not_applicable(item):
        yield Choice(Answer.NOT_APPLICABLE.value, gettext(ANSWERS[Answer.NOT_APPLICABLE]))


def machine_marks(call: Call) -> dict[str, AutoMark]:
    return {mark.item: mark for mark in call.auto_score.marks} if call.auto_score else {}


def machine_phrases(call: Call) -> PhraseSet | None:
    """Return the phrase set that the machine judged `call` by."""
    return phrases_of(call.auto_score.scorecard) if call.auto_score else None


def suggestion(mark: AutoMark | None, phrases: PhraseSet | None) -> Suggestion | None:
    """Return what the machine's mark suggests; None when it looked at nothing."""
    evidence = evidence_of(mark.evidence, phrases) if mark else []
    if mark is None or (mark.answer == Answer.CANNOT_TELL and not evidence):
        return None
    return Suggestion(mark.answer, evidence, [(name, points) for name, points in mark.deductions])


def evidence_of(stored: list[Mapping[str, Any]], phrases: PhraseSet | None) -> list[Evidence]:
    """Return the first pieces of evidence; that an item is for a person is nothing to show one."""
    found = [one for one in stored if one["reason"] != FOR_PERSON]
    return [stored_in_words(one, phrases) for one in found[:EVIDENCE_SHOWN]]
