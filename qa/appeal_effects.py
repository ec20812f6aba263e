"""What another answer to one item does to a released review. It may raise the score or leave it, never lower it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from models import Review, ReviewMark
from qa.criteria import card_of
from qa.refusals import N_, Refused
from qa.reviews import Entry, entry_of, problems_of
from scoring.call_score import AnswerError, GivenAnswer, score_answers
from scoring.item_types import BY_VALUE, Value, share_of
from scoring.marks import Answer, CallScore
from scoring.scorecard import Scorecard
from scoring.what_if import values_of


class WouldLower(Refused):
    """The answer fits the item and would lower the raw or the final score."""

    def __init__(self) -> None:
        super().__init__(N_("This answer would lower the score: a decision raises it or keeps it."))


# Of a mark's snapshot: the rest are people's words.
AUDITED = ("answer", "deductions", "points", "raw", "final")


@dataclass(frozen=True, slots=True)
class Effect:
    """A changed answer worked out; nothing is stored yet."""

    item: str
    given: GivenAnswer
    score: CallScore
    better: bool  # the item earns more, or leaves the card to the good of the total


def mark_of(review: Review, item: str) -> ReviewMark | None:
    return next((mark for mark in review.marks if mark.item == item), None)


def effect_of(review: Review, item: str, given: GivenAnswer) -> Effect:
    """Return what `given` makes of the review; of the present answer it replaces answer, deductions and comment.

    Raises:
        Refused: the answer does not fit the item.
        WouldLower: it would lower the raw or the final score.
    """
    card, entry = card_of(review.scorecard), entry_of(review)
    present = entry.answers.get(item)
    if present is None:
        raise Refused(N_("The review has no answer to %(item)s."), item=item)
    below = given.answer in (Answer.PARTLY, Answer.NOT_MET)
    given = replace(
        present,
        answer=given.answer,
        deductions=given.deductions,
        comment=given.comment,
        value=given.value,
        causes=present.causes if below else (),
    )
    answers = {**entry.answers, item: given}
    problem = problems_of(card, Entry(answers, review.reason), answers).get(item)
    if problem is not None:
        raise problem
    before = score_answers(card, entry.answers)
    try:
        after = score_answers(card, answers)
    except AnswerError:
        raise Refused(N_("This is no answer to %(item)s."), item=item) from None
    if _below(after.raw, review.raw) or _below(after.final, review.final):
        raise WouldLower
    return Effect(item, given, after, _better(card, item, before, after))


def apply(review: Review, effect: Effect) -> None:
    """Store the changed answer and the scores that follow from it."""
    scored = {mark.item: mark for mark in effect.score.marks}
    for mark in review.marks:
        if mark.item == effect.item:
            # With deductions the points left decide between partly and not met, and a value decides by itself.
            mark.answer = scored.get(mark.item, effect.given).answer.value
            mark.deductions, mark.causes = list(effect.given.deductions), list(effect.given.causes)
            mark.comment, mark.value = effect.given.comment, effect.given.value
        if mark.item in scored:  # The others too: an item that leaves the card hands its weight to them.
            mark.points = scored[mark.item].points
    review.raw, review.final = effect.score.raw, effect.score.final
    review.bonus = effect.score.bonus
    review.fatal_confirmed = sum(finding.confirmed is True for finding in effect.score.fatals)


def snapshot(review: Review, item: str) -> dict[str, Any]:
    """Return the mark as it is now, for the history of an appeal."""
    mark = mark_of(review, item)
    if mark is None:
        return {}
    return {
        "answer": mark.answer,
        "deductions": list(mark.deductions),
        "value": mark.value,
        "points": mark.points,
        "comment": mark.comment,
        "raw": review.raw,
        "final": review.final,
    }


def figures(mark: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a snapshot what the audit trail may hold: no words of people."""
    return {name: value for name, value in mark.items() if name in AUDITED}


def better_answers(review: Review, item: str) -> list[Effect]:
    """Return the answers that would raise the item, the best first; of several deductions each may be taken back."""
    card, entry = card_of(review.scorecard), entry_of(review)
    present = entry.answers.get(item)
    if present is None:
        return []
    kept = present.deductions
    answers = [
        *(GivenAnswer(Answer.MET, value=value) for value in _values(card, item) if value != present.value),
        GivenAnswer(Answer.MET),
        *(GivenAnswer(Answer.NOT_MET, kept[:i] + kept[i + 1 :]) for i in range(len(kept)) if len(kept) > 1),
        GivenAnswer(Answer.PARTLY),
        GivenAnswer(Answer.NOT_APPLICABLE),
    ]
    found = []
    for given in dict.fromkeys(answers):
        try:
            effect = effect_of(review, item, given)
        except Refused:
            continue
        if effect.better:
            found.append(effect)
    return found


def given_in(snapshot: Mapping[str, Any]) -> GivenAnswer:
    """Return the answer that the snapshot of a mark holds, without its comment."""
    value, deductions = snapshot.get("value"), tuple(snapshot["deductions"])
    if value is not None:
        return GivenAnswer(Answer.MET, value=value)
    return GivenAnswer(Answer.NOT_MET if deductions else Answer(snapshot["answer"]), deductions)


def _values(card: Scorecard, item_id: str) -> list[Value]:
    item = next((item for _, item in card.items() if item.id == item_id), None)
    if item is None or card.type_of(item) not in BY_VALUE:
        return []
    found = values_of(item)
    return sorted(found, key=lambda value: -(share_of(item, value) or 0.0))


def _below(after: float | None, before: float | None) -> bool:
    return before is not None and (after is None or after < before)


def _better(card: Scorecard, item: str, before: CallScore, after: CallScore) -> bool:
    if any(fatal.id == item for fatal in card.fatal):
        return _confirmed(before, item) and not _confirmed(after, item)
    old, new = _share(before, item), _share(after, item)
    if old is None or new is None:
        return after.raw is not None and (before.raw is None or after.raw > before.raw)
    return new > old


def _confirmed(score: CallScore, item: str) -> bool:
    return any(finding.item == item and finding.confirmed is True for finding in score.fatals)


def _share(score: CallScore, item: str) -> float | None:
    """Return the share of its weight that an item earned; None when it is out of the card."""
    mark = next((mark for mark in score.marks if mark.item == item), None)
    return None if mark is None or mark.points is None or not mark.possible else mark.points / mark.possible
