"""The types of items: what may be answered to each, and what share of the item's weight an answer earns.

``deduction``: starts full, named deductions are taken off. ``met``: met, partly or not met. ``yes_no``: met or not
met. ``choice``: one of its options. ``scale``: a whole number between two ends. ``number``: a measured number, worth
what its range says. ``text``: words, never scored.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Self, TypeGuard

from pydantic import Field, model_validator

from scoring.criteria_file import Criteria, Text
from scoring.marks import Answer

if TYPE_CHECKING:
    from scoring.scorecard import Item

ItemType = Literal["deduction", "met", "yes_no", "choice", "scale", "number", "text"]
BY_VALUE = frozenset({"choice", "scale", "number", "text"})  # answered by a value, not by met and not met
BY_RULES = frozenset({"deduction", "met", "yes_no"})  # what rules can answer; of the others a choice with `when`
MAX_STEPS = 100  # of a scale
SAME_SHARE = 1e-4  # of a weight: points are stored with six decimals
Value = str | float | None


class UnfitValue(ValueError):
    """A value that is no answer to its item; the message says what would fit."""


class Option(Criteria):
    """One answer of a choice, and the share of the weight that it earns."""

    name: Text = Field(min_length=1, max_length=200)
    share: float = Field(ge=0, le=1)


class NumberRange(Criteria):
    """The numbers from `low` to `high`, both included, and the share of the weight that they earn."""

    low: float | None = None  # None: without a lower end
    high: float | None = None
    share: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low is {self.low:g}, high is {self.high:g}: low comes first")
        return self

    def __contains__(self, number: float) -> bool:
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)


class OnlyIf(Criteria):
    """When a conditional item applies: an earlier item has one of these answers."""

    item: Text = Field(min_length=1)
    # An answer's name (met, partly, not_met, not_applicable), a choice's option or a step of a scale.
    answers: tuple[Text, ...] = Field(min_length=1)


def answer_of(share: float) -> Answer:
    """Return the answer that a share of the weight stands for."""
    if share >= 1:
        return Answer.MET
    return Answer.NOT_MET if share <= 0 else Answer.PARTLY


def expected(item: Item) -> str:
    """Return what would fit as a value of `item`, as an advice."""
    match item.type:
        case "choice":
            return f"choose one of {', '.join(own_names(item))}"
        case "scale":
            return f"choose a whole number from {item.scale_from} to {item.scale_to}"
        case "number":
            return "give a number"
        case "text":
            return "write a text"
    return "answer met or not_met, without a value"


def share_of(item: Item, value: Value) -> float | None:
    """Return the share of the weight that `value` earns, 0 to 1; None for a text, which earns nothing.

    Raises:
        UnfitValue: it is no answer to an item of this type.
    """
    share: float | None = None
    match item.type:
        case "choice":
            share = next((option.share for option in item.options if option.name == value), None)
        case "scale":
            share = _share_of_step(item, value)
        case "number" if _is_number(value):
            share = next((one.share for one in item.ranges if value in one), None)
            if share is None:
                raise UnfitValue(f"no range of this item holds {value:g}")
        case "text" if isinstance(value, str) and value.strip():
            return None
    if share is None:
        raise UnfitValue(f"{expected(item)}, not {value!r}")
    return share


def option_of(item: Item, points: float | None, possible: float) -> str | None:
    """Return the option of a choice that earned `points` of `possible`; None when several options earn that much.

    It is how the machine's choice is read back: a stored mark holds points and no option. Items of other types have
    none: rules do not answer a scale, a number or a text.
    """
    if item.type != "choice" or points is None or possible <= 0:
        return None
    found = [option.name for option in item.options if abs(option.share - points / possible) < SAME_SHARE]
    return found[0] if len(found) == 1 else None


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _share_of_step(item: Item, value: Value) -> float | None:
    if not _is_number(value) or not float(value).is_integer() or item.scale_from is None or item.scale_to is None:
        return None
    if not item.scale_from <= value <= item.scale_to:
        return None
    return (value - item.scale_from) / (item.scale_to - item.scale_from)


def names_of(value: Value) -> frozenset[str]:
    """Return how `only_if` may name a value: an option by its name, a step of a scale by its digits."""
    if isinstance(value, str):
        return frozenset({value})
    return frozenset() if value is None or not float(value).is_integer() else frozenset({f"{int(value)}"})


def own_names(item: Item) -> tuple[str, ...]:
    """Return the answers that only this item has, in order: its options or the steps of its scale."""
    if item.type == "choice":
        return tuple(option.name for option in item.options)
    if item.type == "scale" and item.scale_from is not None and item.scale_to is not None:
        return tuple(str(step) for step in range(item.scale_from, item.scale_to + 1))
    return ()


def possible_answers(item: Item, kind: ItemType) -> tuple[str, ...]:
    """Return what `only_if` of a later item may name: the answers that an item of this kind can have."""
    answers = [Answer.MET.value, Answer.PARTLY.value, Answer.NOT_MET.value]
    match kind:
        case "yes_no":
            answers = [Answer.MET.value, Answer.NOT_MET.value]
        case "text":
            return ()
        case "choice" | "scale" | "number":
            answers = _answers_of_shares(item, kind)
    spared = [Answer.NOT_APPLICABLE.value] if item.may_not_apply else []
    return (*own_names(item), *answers, *spared)


def _answers_of_shares(item: Item, kind: ItemType) -> list[str]:
    shares = [one.share for one in (item.options if kind == "choice" else item.ranges)]
    if kind == "scale" and item.scale_from is not None and item.scale_to is not None:
        shares = [0.0, 1.0, *([0.5] if item.scale_to - item.scale_from > 1 else [])]
    return list(dict.fromkeys(answer_of(share).value for share in shares))
