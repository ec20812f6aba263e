"""The form of a review: the rows of the scorecard with their choices, and what the machine says beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from models import AutoMark, Call
from qa.criteria import card_of, phrases_of
from qa.reviews import may_be_not_applicable, suspected_fatals
from scoring.alignment import Step
from scoring.difference import difference
from scoring.item_types import BY_VALUE, option_of, own_names
from scoring.marks import Answer, Evidence
from scoring.phrase_set import PhraseSet
from scoring.scorecard import BonusItem, FatalItem, Item, Scorecard
from web.i18n import ANSWERS, N_
from web.rule_words import stored_in_words

EVIDENCE_SHOWN = 3
FOR_PERSON = "for_person"  # the reason of items that no rule decides


@dataclass(frozen=True, slots=True)
class Proof:
    """A piece of the machine's evidence; for a wording that was not said, how what was heard differs from it."""

    evidence: Evidence
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the machine says about an item: beside the choices, never chosen for the person."""

    answer: str
    proofs: list[Proof]
    deductions: list[tuple[str, float]]
    needs_person: bool = False
    option: str | None = None  # of a choice

    @property
    def decided(self) -> bool:
        """Whether there is an answer to accept."""
        return self.answer != Answer.CANNOT_TELL


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer, or one deduction that may stand beside others."""

    value: str
    name: str
    points: float | None = None  # of a deduction
    kind: str = "answer"  # or "deduction", "option" (of a choice), "step" (of a scale)


@dataclass(frozen=True, slots=True)
class Advice:
    """When an answer is the right one, and an example of it."""

    answer: str
    guidance: str | None
    example: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """One row of the form."""

    item: Item | FatalItem | BonusItem
    kind: str  # "item", "fatal" or "bonus"
    choices: list[Choice]
    suggestion: Suggestion | None
    suspected: bool = False
    type: str = "met"  # of an ordinary item: scoring.item_types.ItemType
    advice: tuple[Advice, ...] = ()

    @property
    def acceptable(self) -> bool:
        """Whether one key takes the machine's answer over: it must be one of the choices."""
        if self.suggestion is None or not self.suggestion.decided:
            return False
        if self.kind != "item" or self.type not in BY_VALUE:
            return True
        return self.suggestion.option is not None or self.suggestion.answer in {one.value for one in self.choices}


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    id: str
    name: str
    weight: float | None
    questions: list[Question]


def groups(card: Scorecard, call: Call, *, blind: bool = False) -> Iterator[QuestionGroup]:
    """Yield the sections of the card with their rows, then bonus and fatal items."""
    marks = {} if blind else machine_marks(call)
    phrases = machine_phrases(call)
    # Options are those of the machine's card; another version may have others of the same worth.
    own_card = call.auto_score is not None and card_of(call.auto_score.scorecard) == card
    for section in card.sections:
        questions = [
            Question(
                item,
                "item",
                list(item_choices(card, item)),
                suggestion(marks.get(item.id), phrases, call, item if own_card else None),
                type=card.type_of(item),
                advice=tuple(advice_on(item, card.type_of(item))),
            )
            for item in section.items
        ]
        yield QuestionGroup(section.id, f"{section.id} {section.name}", section.weight, questions)
    if card.bonus:
        given = [Choice(Answer.MET.value, gettext("Given"))]
        bonus = [Question(one, "bonus", given, suggestion(marks.get(one.id), phrases, call)) for one in card.bonus]
        yield QuestionGroup("bonus", gettext("Bonus"), None, bonus)
    if card.fatal:
        yield QuestionGroup("fatal", gettext("Fatal items"), None, fatal_questions(card, call, blind=blind))


def fatal_questions(card: Scorecard, call: Call, *, blind: bool = False) -> list[Question]:
    """Return the fatal items, those that the machine suspects first."""
    suspected = frozenset() if blind else suspected_fatals(call)
    findings = call.auto_score.summary.get("fatals", []) if call.auto_score else []
    evidence = {found["item"]: found.get("evidence", []) for found in findings}
    phrases = machine_phrases(call)
    choices = [Choice(value, gettext(name)) for value, name in answer_names("fatal").items()]
    questions = [
        Question(
            item,
            "fatal",
            choices,
            Suggestion(Answer.NOT_MET.value, proofs_of(evidence.get(item.id, []), phrases, call), [])
            if item.id in suspected
            else None,
            suspected=item.id in suspected,
            advice=tuple(advice_on(item, "fatal")),
        )
        for item in card.fatal
    ]
    return sorted(questions, key=lambda question: not question.suspected)


def item_choices(card: Scorecard, item: Item) -> Iterator[Choice]:
    """Yield the answers that the card offers for an item, "not applicable" last; none for a number or a text."""
    kind = card.type_of(item)
    match kind:
        case "deduction":
            yield Choice(Answer.MET.value, gettext("No deduction"))
            for name, points in item.deduct.items():
                yield Choice(name, name, points, "deduction")
        case "met" | "yes_no":
            for value, name in answer_names(kind).items():
                yield Choice(value, gettext(name))
        case "choice":
            for option in item.options:
                yield Choice(option.name, option.name, kind="option")
        case "scale":
            for step in map(int, own_names(item)):
                label = item.labels.get(step)
                yield Choice(str(step), f"{step} {label}" if label else str(step), kind="step")
    if may_be_not_applicable(item):
        yield Choice(Answer.NOT_APPLICABLE.value, gettext(ANSWERS[Answer.NOT_APPLICABLE]))


def answer_names(kind: str) -> dict[str, str]:
    """Return the names of the answers to an item of this kind, as message ids."""
    if kind == "yes_no":
        return {Answer.MET.value: N_("Yes"), Answer.NOT_MET.value: N_("No")}
    if kind == "fatal":
        return {Answer.MET.value: N_("Nothing found"), Answer.NOT_MET.value: N_("Confirmed")}
    return {answer.value: ANSWERS[answer] for answer in (Answer.MET, Answer.PARTLY, Answer.NOT_MET)}


def advice_on(item: Item | FatalItem, kind: str) -> Iterator[Advice]:
    """Yield what the card says about the answers to an item."""
    names = {**ANSWERS, **answer_names(kind)}
    for answer in dict.fromkeys([*item.guidance, *item.examples]):
        name = gettext(names[answer]) if answer in names else answer
        yield Advice(name, item.guidance.get(answer), item.examples.get(answer))


def machine_marks(call: Call) -> dict[str, AutoMark]:
    return {mark.item: mark for mark in call.auto_score.marks} if call.auto_score else {}


def machine_phrases(call: Call) -> PhraseSet | None:
    """Return the phrase set that the machine judged `call` by."""
    return phrases_of(call.auto_score.scorecard) if call.auto_score else None


def suggestion(
    mark: AutoMark | None, phrases: PhraseSet | None, call: Call, item: Item | None = None
) -> Suggestion | None:
    """Return what the machine's mark suggests; None when it looked at nothing.

    Args:
        item: that it is about, on the machine's own card: then a choice has its option.
    """
    proofs = proofs_of(mark.evidence, phrases, call) if mark else []
    if mark is None or (mark.answer == Answer.CANNOT_TELL and not proofs):
        return None
    deductions = [(name, points) for name, points in mark.deductions]
    option = option_of(item, mark.points, mark.possible) if item is not None else None
    return Suggestion(mark.answer, proofs, deductions, mark.needs_person, option)


def proofs_of(stored: list[Mapping[str, Any]], phrases: PhraseSet | None, call: Call) -> list[Proof]:
    """Return the machine's evidence with the difference between script and words, where it is a near miss."""
    proofs = []
    for evidence in evidence_of(stored, phrases, shown=len(stored)):
        near_miss = evidence.verdict != Answer.MET and evidence.wording is not None
        steps = difference(str(evidence.wording), evidence.text, call.language or "") if near_miss else ()
        proofs.append(Proof(evidence, steps))
    return proofs


def evidence_of(
    stored: list[Mapping[str, Any]], phrases: PhraseSet | None, *, shown: int = EVIDENCE_SHOWN
) -> list[Evidence]:
    """Return the first pieces of evidence; that an item is for a person is nothing to show one."""
    found = [one for one in stored if one["reason"] != FOR_PERSON]
    return [stored_in_words(one, phrases) for one in found[:shown]]
