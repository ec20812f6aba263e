"""What the pages about appeals say and show: words for codes, the item in question, the talk around its moment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Appeal, AppealState, Call, Reexamination, Review, Role, User
from qa.appeal_effects import Effect, better_answers, mark_of
from qa.appeal_rules import CAUSES
from qa.appeals import OPEN, deciders, refusal_to_decide
from qa.criteria import card_of, phrases_of
from qa.reexamination import evidence_against
from qa.reviews import entry_of, may_be_not_applicable
from scoring.call_score import GivenAnswer
from scoring.marks import Answer, Evidence
from scoring.scorecard import FatalItem, Item, Scorecard
from scoring.what_if import values_of, what_if
from transcription.transcript import Transcript, Turn
from web.call_page import CallView, call_view, find_call
from web.i18n import ANSWERS, N_, named, readable
from web.rule_words import stored_in_words

AROUND = 4  # turns on each side of the moment
EVIDENCE_SHOWN = 5

STATES: dict[str, str] = {
    AppealState.RAISED: N_("With the supervisor"),
    AppealState.PASSED: N_("With an inspector"),
    AppealState.FINAL: N_("With the lead"),
    AppealState.UPHELD: N_("Upheld"),
    AppealState.KEPT: N_("Kept"),
    AppealState.WITHDRAWN: N_("Withdrawn"),
}
STEPS: dict[str, str] = {
    "raised": N_("Raised"),
    "passed": N_("Passed on by the supervisor"),
    "returned": N_("Returned to the agent"),
    "assigned": N_("Given to %(note)s"),
    "reminded": N_("Reminded of the deadline"),
    "escalated": N_("Deadline passed: moved on"),
    "upheld": N_("Upheld"),
    "kept": N_("Mark kept"),
    "withdrawn": N_("Withdrawn"),
    "reexamined": N_("Other calls that the same rule hit: %(note)s"),
}
LOOKS: dict[str, tuple[str, str]] = {  # class and icon of a state
    AppealState.RAISED: ("pill-busy", "user-up"),
    AppealState.PASSED: ("pill-busy", "scale"),
    AppealState.FINAL: ("pill-busy", "gavel"),
    AppealState.UPHELD: ("pill-good", "circle-check"),
    AppealState.KEPT: ("", "equal"),
    AppealState.WITHDRAWN: ("", "arrow-back-up"),
}
_SENT = TypeAdapter(tuple[Answer, tuple[str, ...], float | str | None])  # what `_sent` writes
NAMES_PERSON = frozenset({"assigned", "reexamined"})  # steps whose note stands inside their name


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer that whoever decides may give."""

    value: str  # what the form sends, see `read_choice`
    name: str
    final: float | None  # the score that it would lead to; None where that stays hidden
    raw: float | None


@dataclass(frozen=True, slots=True)
class AppealPage:
    """One appeal as its reader may see it."""

    appeal: Appeal
    view: CallView | None  # without the machine's moments: they would tell its answer
    item: Item | FatalItem
    fatal: bool
    hidden: bool  # the first verdict is not shown: a blind appeal before its decision
    evidence: Sequence[Evidence]  # of the machine, against the item
    excerpt: Sequence[Turn]
    moment: float | None  # seconds; where the excerpt was taken
    gain: float | None  # points of the final score that are contested
    may_decide: bool
    choices: Sequence[Choice]
    deductions: Sequence[tuple[str, float]]  # of a blind decision by deductions
    by_number: bool  # of a blind decision: a number is written
    candidates: Sequence[User]  # to whom a lead may give it
    others: int  # calls to re-examine
    others_open: int


def appeal_page(session: Session, user: User, appeal: Appeal) -> AppealPage:
    """Put together the page of `appeal` for `user`, who may read it."""
    review = appeal.review
    card = card_of(review.scorecard)
    hidden = is_hidden(user, appeal)
    call = find_call(session, user, review.call_id)
    fatal = any(one.id == appeal.item for one in card.fatal)
    evidence = [] if hidden else machine_evidence(review.call, appeal.item)
    moment = moment_of(appeal, evidence, hidden=hidden)
    may_decide = user.role in (Role.INSPECTOR, Role.LEAD) and refusal_to_decide(session, appeal, user) is None
    lead = user.role is Role.LEAD and appeal.state in (AppealState.PASSED, AppealState.FINAL)
    again = session.scalars(select(Reexamination.outcome).where(Reexamination.appeal_id == appeal.id)).all()
    losses = what_if(card, entry_of(review).answers).of(appeal.item) if appeal.state in OPEN else None
    return AppealPage(
        appeal=appeal,
        view=replace(call_view(session, user, call), moments=[]) if call is not None else None,
        item=item_of(card, appeal.item),
        fatal=fatal,
        hidden=hidden,
        evidence=evidence,
        excerpt=excerpt(review, moment),
        moment=moment,
        gain=None if hidden or losses is None else losses.final_gain,
        may_decide=may_decide,
        choices=choices(appeal, card, hidden=hidden) if may_decide else (),
        deductions=blind_deductions(card, appeal.item) if hidden else (),
        by_number=hidden and any(one.id == appeal.item and card.type_of(one) == "number" for _, one in card.items()),
        candidates=deciders(session, appeal) if lead else (),
        others=len(again),
        others_open=sum(outcome is None for outcome in again),
    )


def is_hidden(user: User, appeal: Appeal) -> bool:
    """Whether the first verdict must not be shown: to whoever decides a blind appeal, until it is decided."""
    return appeal.blind and appeal.state in OPEN and user.role in (Role.INSPECTOR, Role.LEAD)


def blind_deductions(card: Scorecard, item: str) -> list[tuple[str, float]]:
    """Return the deductions that a blind decision chooses from, with their points."""
    found = item_of(card, item)
    return list(found.deduct.items()) if isinstance(found, Item) else []


def item_of(card: Scorecard, item: str) -> Item | FatalItem:
    everything: list[Item | FatalItem] = [*(one for _, one in card.items()), *card.fatal]
    return next(one for one in everything if one.id == item)


def machine_evidence(call: Call, item: str) -> list[Evidence]:
    """Return what the machine found against an item, in words."""
    score = call.auto_score
    phrases = phrases_of(score.scorecard) if score else None
    return [stored_in_words(one, phrases) for one in evidence_against(score, item)[:EVIDENCE_SHOWN]]


def moment_of(appeal: Appeal, evidence: Sequence[Evidence], *, hidden: bool) -> float | None:
    """Return the moment that the agent points to, else the inspector's, else the machine's."""
    if appeal.at_seconds is not None or hidden:
        return appeal.at_seconds
    mark = mark_of(appeal.review, appeal.item)
    if mark is not None and mark.at_seconds is not None:
        return mark.at_seconds
    return next((one.start for one in evidence if one.start is not None), None)


def excerpt(review: Review, moment: float | None) -> list[Turn]:
    """Return the turns around a moment of the call."""
    stored = review.call.transcript
    if stored is None or moment is None:
        return []
    turns = Transcript.from_dict(stored.content).turns
    begun = [i for i, turn in enumerate(turns) if turn.start is not None and turn.start <= moment]
    at = begun[-1] if begun else 0
    return list(turns[max(0, at - AROUND) : at + AROUND + 1])


def choices(appeal: Appeal, card: Scorecard, *, hidden: bool) -> list[Choice]:
    """Return the answers to choose from: when blind all of the item's, else only those that raise it."""
    if not hidden:
        return [_choice(effect) for effect in better_answers(appeal.review, appeal.item)]
    item = item_of(card, appeal.item)
    if not isinstance(item, Item):
        return [_plain(Answer.MET, gettext("Nothing found")), _plain(Answer.NOT_MET, gettext("Confirmed"))]
    spared = [_plain(Answer.NOT_APPLICABLE)] if may_be_not_applicable(item) else []
    match card.type_of(item):
        case "deduction":
            return [_plain(Answer.MET, gettext("No deduction")), *spared]
        case "choice" | "scale":
            values = [
                Choice(_sent(GivenAnswer(Answer.MET, value=one)), readable(one), None, None) for one in values_of(item)
            ]
            return [*values, *spared]
        case "number":
            return spared
        case "yes_no":
            return [_plain(Answer.MET), _plain(Answer.NOT_MET), *spared]
    return [_plain(Answer.MET), _plain(Answer.PARTLY), _plain(Answer.NOT_MET), *spared]


def _plain(answer: Answer, name: str = "") -> Choice:
    return Choice(answer.value, name or named(ANSWERS, answer), None, None)


def _choice(effect: Effect) -> Choice:
    given = effect.given
    name = named(ANSWERS, given.answer)
    if given.deductions:
        name = gettext("Only: %(deductions)s", deductions=gettext(", ").join(given.deductions))
    elif given.value is not None:
        name = readable(given.value)
    return Choice(_sent(given), name, effect.score.final, effect.score.raw)


def _sent(given: GivenAnswer) -> str:
    return json.dumps([given.answer.value, list(given.deductions), given.value], ensure_ascii=False)


def read_choice(sent: str, deductions: Sequence[str] = (), number: str = "") -> GivenAnswer | None:
    """Return the answer that a form sent; None when it keeps the mark, or nothing is chosen.

    Args:
        sent: an answer's name, "keep", or what `Choice.value` holds of an answer with deductions or a value.
        deductions: chosen beside it, in a blind decision.
        number: written, for an item that is answered by a number.

    >>> read_choice('["not_met", ["late"], null]').deductions
    ('late',)
    """
    if sent.startswith("["):
        try:
            answer, remaining, value = _SENT.validate_json(sent)
        except ValidationError:
            return None
        return GivenAnswer(answer, remaining, value=value)
    if deductions:
        return GivenAnswer(Answer.NOT_MET, tuple(deductions))
    if number and not sent:
        try:
            return GivenAnswer(Answer.MET, value=float(number))
        except ValueError:
            return None
    return GivenAnswer(Answer(sent)) if sent in set(Answer) else None


def step_text(act: str, note: str | None) -> str:
    """Return what a step says, with the name or number in it that its note holds."""
    sentence = STEPS.get(act, act)
    return gettext(sentence, note=note or "–") if act in NAMES_PERSON else gettext(sentence)


def page_words() -> dict[str, Any]:
    """Return what all templates about appeals need."""
    return {"APPEAL_LOOKS": LOOKS, "APPEAL_CAUSES": CAUSES}
