"""What a score would be if one item were met: which items moved the total, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scoring.call_score import GivenAnswer, score_answers
from scoring.item_types import Value, share_of
from scoring.marks import Answer, CallScore
from scoring.scorecard import Item, Scorecard


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
    missed = _missed(now)
    found = []
    for item in missed:
        then = score_answers(card, {**answers, item: at_best(card, item, answers[item])})
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
    everything = {item: at_best(card, item, answers[item]) for item in missed}
    together = score_answers(card, {**answers, **everything}).final
    order = {item: place for place, item in enumerate(missed)}
    found.sort(key=lambda one: (-one.final_gain, -one.raw_gain, order[one.item]))
    return Counterfactuals(tuple(found), together if missed else None)


def missed_items(card: Scorecard, answers: Mapping[str, GivenAnswer]) -> list[str]:
    """Return the items that cost points and the confirmed fatal items, in the card's order.

    Raises:
        AnswerError: an answer does not fit the card.
    """
    return _missed(score_answers(card, answers))


def at_best(card: Scorecard, item_id: str, given: GivenAnswer) -> GivenAnswer:
    """Return the answer to the same item if nothing were wrong with it."""
    best = replace(given, answer=Answer.MET, deductions=(), causes=())
    if given.value is None:
        return best
    item = next(item for _, item in card.items() if item.id == item_id)
    return replace(best, value=max(values_of(item), key=lambda value: share_of(item, value) or 0.0))


def values_of(item: Item) -> list[Value]:
    """Return the values that an item may have: its options, its steps, of a number one in each range."""
    if item.scale_from is not None and item.scale_to is not None:
        return [float(step) for step in range(item.scale_from, item.scale_to + 1)]
    ends = [end for one in item.ranges for end in (one.low, one.high) if end is not None]
    return [*(option.name for option in item.options), *dict.fromkeys(ends)]


def _missed(score: CallScore) -> list[str]:
    costly = [mark.item for mark in score.marks if mark.points is not None and mark.points < mark.possible - 1e-6]
    return [*costly, *(finding.item for finding in score.fatals if finding.confirmed)]
