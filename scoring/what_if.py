"""What a score would be if one item were met: which items moved the total, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scoring.call_score import GivenAnswer, score_answers
from scoring.marks import Answer
from scoring.scorecard import Scorecard


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The score of the call if `item` alone had been met, or a confirmed fatal item had not been found."""

    item: str
    fatal: bool
    raw: float  # 0 to 100, before fatal items
    final: float
    raw_gain: float  # points more than the score has now, 0 or more
    final_gain: float  # 0 while a fatal item decides the final score


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """Every item of a call that is not fully met, the one that moved the total most first."""

    items: tuple[WhatIf, ...] = ()
    together: float | None = None  # the final score if all of them were met; None when nothing is missing

    def of(self, item: str) -> WhatIf | None:
        return next((one for one in self.items if one.item == item), None)


def what_if(card: Scorecard, answers: Mapping[str, GivenAnswer]) -> Counterfactuals:
    """Return what each missed item of a person's review costs; nothing for a review that has no score.

    Weights follow the answers as always: an item that does not apply stays out, and so do items without an answer.

    Raises:
        AnswerError: an answer does not fit the card.
    """
    now = score_answers(card, answers)
    if now.raw is None or now.final is None:
        return Counterfactuals()
    missed = missed_items(card, answers)
    found = []
    for item in missed:
        then = score_answers(card, {**answers, item: met(answers[item])})
        if then.raw is not None and then.final is not None:
            found.append(
                WhatIf(
                    item,
                    fatal=any(fatal.id == item for fatal in card.fatal),
                    raw=then.raw,
                    final=then.final,
                    raw_gain=max(0.0, round(then.raw - now.raw, 4)),
                    final_gain=max(0.0, round(then.final - now.final, 4)),
                )
            )
    together = score_answers(card, {**answers, **{item: met(answers[item]) for item in missed}}).final
    order = {item: place for place, item in enumerate(missed)}
    found.sort(key=lambda one: (-one.final_gain, -one.raw_gain, order[one.item]))
    return Counterfactuals(tuple(found), together if missed else None)


def missed_items(card: Scorecard, answers: Mapping[str, GivenAnswer]) -> list[str]:
    """Return the items that cost points and the confirmed fatal items, in the card's order."""
    ids = [*(item.id for _, item in card.items()), *(fatal.id for fatal in card.fatal)]
    return [item for item in ids if item in answers and costs(answers[item])]


def costs(given: GivenAnswer) -> bool:
    """Return whether an answer takes points, or confirms a fatal item."""
    return bool(given.deductions) or given.answer in (Answer.PARTLY, Answer.NOT_MET)


def met(given: GivenAnswer) -> GivenAnswer:
    """Return the answer to the same item if nothing were wrong with it."""
    return replace(given, answer=Answer.MET, deductions=())
