"""The check sheet of a test call (拨测): what a test caller answers, and the two sub-scores that come of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from scoring.criteria_file import Criteria, Text, load_criteria

NOT_APPLICABLE = "na"

AnswerKind = Literal["yes_no", "scale3", "scale5", "seconds", "count_of_3", "right_partly_wrong", "count_of_key"]
Sub = Literal["norms", "knowledge"]


class SheetError(ValueError):
    """An answer that does not fit the sheet; the message names the item and what would fit."""


class HeaderField(Criteria):
    """One field of the sheet's head; `match` names what it is compared with in the call's own record."""

    field: Text
    required: bool = False
    match: Text | None = None
    values: tuple[Text, ...] = ()


class SheetItem(Criteria):
    """One question of the sheet."""

    id: Text = Field(min_length=1, max_length=20)
    part: Text
    name: Text
    weight: PositiveFloat
    sub: Sub
    answer: AnswerKind
    full: NonNegativeFloat | None = None  # seconds: full points up to here
    zero: PositiveFloat | None = None  # seconds: no points from here
    na: Text | None = None  # when "na" may be answered
    # Scorecard id -> its items that ask the same: what the tester, inspectors and the machine say is compared there.
    same_as: dict[Text, tuple[Text, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _seconds_have_limits(self) -> Self:
        if self.answer == "seconds" and (self.full is None or self.zero is None or self.full >= self.zero):
            raise ValueError("seconds need full and zero, full below zero")
        return self


class AfterCall(Criteria):
    """A question that is answered later and never scored."""

    id: Text = Field(min_length=1, max_length=20)
    name: Text
    answer: Literal["yes_no_pending", "scale5", "text"]
    counted: Literal["separately", "perception_only"] | None = None
    triggers: Literal["fatal_review"] | None = None


class CheckSheet(Criteria):
    """A check sheet at one version."""

    id: Text = Field(min_length=1, max_length=80, pattern=r"^[\w.-]+$")
    version: PositiveInt
    source_side: Literal["internal", "external"] = "external"
    header: tuple[HeaderField, ...] = ()
    validity: dict[Text, Text] = Field(default_factory=dict)
    plan: dict[str, Any] = Field(default_factory=dict)
    scenario_card: tuple[Text, ...] = ()
    sub_scores: tuple[Sub, ...] = ("norms", "knowledge")
    items: tuple[SheetItem, ...] = Field(min_length=1)
    weights_total: PositiveFloat = 100
    after_call: tuple[AfterCall, ...] = ()

    @property
    def key(self) -> str:
        """The sheet's id and version."""
        return f"{self.id}/{self.version}"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        total = sum(item.weight for item in self.items)
        if abs(total - self.weights_total) > 1e-6:
            raise ValueError(
                f"the items' weights add up to {total:g}, weights_total is {self.weights_total:g}: make them equal"
            )
        ids = [item.id for item in self.items] + [item.id for item in self.after_call]
        if twice := {name for name in ids if ids.count(name) > 1}:
            raise ValueError(f"the id {min(twice)!r} is used twice: rename one of them")
        return self


@dataclass(frozen=True, slots=True)
class SheetScore:
    """What a sheet came to, 0 to 100 each; None where nothing was answered.

    `items` holds the points of every item (None: not applicable), of 100. What is asked after the call stands in
    `after_call` as it was answered and is in no score.
    """

    norms: float | None
    knowledge: float | None
    total: float | None
    items: Mapping[str, float | None]
    after_call: Mapping[str, str] = field(default_factory=dict)


def load_check_sheet(source: Path | str) -> CheckSheet:
    """Read a check sheet from a YAML file (a Path) or YAML text (a str).

    Raises:
        CriteriaError: the message names file, line and field, and how to mend it.
    """
    return load_criteria(source, CheckSheet, "check_sheet")


def score_sheet(sheet: CheckSheet, answers: Mapping[str, Any], *, key_points: int | None = None) -> SheetScore:
    """Score a filled-in sheet: each item's share by its weight, over the items that apply.

    Answers are text or numbers: yes/no (also booleans), 1 to 3, 1 to 5, seconds, 0 to 3, right/partly/wrong, and
    for ``count_of_key`` how many of the scenario's `key_points` were given. "na" where the item allows it.

    Raises:
        SheetError: an item has no answer, one that does not fit, or is not on the sheet.
    """
    known = {item.id for item in sheet.items} | {item.id for item in sheet.after_call}
    if unknown := sorted(set(answers) - known):
        raise SheetError(f"{unknown[0]}: no such item on {sheet.key}")
    shares = {item.id: _share(item, answers.get(item.id), key_points) for item in sheet.items}
    return SheetScore(
        norms=_mean(sheet, shares, "norms"),
        knowledge=_mean(sheet, shares, "knowledge"),
        total=_mean(sheet, shares, None),
        items={name: None if share is None else round(100 * share, 2) for name, share in shares.items()},
        after_call={item.id: _after_call(item, answers[item.id]) for item in sheet.after_call if answers.get(item.id)},
    )


def score_items(sheet: CheckSheet, answers: Mapping[str, Any], items: Collection[str]) -> float | None:
    """Return the points over some of a sheet's items, 0 to 100, by their weights; None when none applies.

    Items that count key points cannot be among them: how many there were stands with the scenario.

    Raises:
        SheetError: one of them has no answer or one that does not fit.
    """
    weight = earned = 0.0
    for item in sheet.items:
        if item.id not in items:
            continue
        share = _share(item, answers.get(item.id), None)
        if share is not None:
            weight += item.weight
            earned += item.weight * share
    return 100 * earned / weight if weight else None


def _mean(sheet: CheckSheet, shares: Mapping[str, float | None], sub: Sub | None) -> float | None:
    weight = earned = 0.0
    for item in sheet.items:
        share = shares[item.id]
        if share is not None and sub in (None, item.sub):
            weight += item.weight
            earned += item.weight * share
    return round(100 * earned / weight, 2) if weight else None


_WORDS: Mapping[str, Mapping[str, float]] = {
    "yes_no": {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0},
    "right_partly_wrong": {"right": 1.0, "partly": 0.5, "wrong": 0.0},
}
_LEVELS = {"scale3": (1, 3), "scale5": (1, 5), "count_of_3": (0, 3)}


def _share(item: SheetItem, answer: Any, key_points: int | None) -> float | None:
    """Return the share of the item's weight that an answer earns, 0 to 1; None when it does not apply."""
    text = "" if answer is None else str(answer).strip().lower()
    if not text:
        raise SheetError(f"{item.id}: has no answer" + (f" (na: {item.na})" if item.na else ""))
    if text == NOT_APPLICABLE:
        if item.na is None:
            raise SheetError(f"{item.id}: cannot be answered na")
        return None
    if words := _WORDS.get(item.answer):
        if text not in words:
            raise SheetError(f"{item.id}: {text[:40]!r} is none of {', '.join(list(words)[:3])}")
        return words[text]
    number = _number(item, text)
    if item.answer == "seconds":
        assert item.full is not None
        assert item.zero is not None
        return min(1.0, max(0.0, (item.zero - number) / (item.zero - item.full)))
    low, high = _LEVELS.get(item.answer) or (0, _key_points(item, key_points))
    if number != int(number) or not low <= number <= high:
        raise SheetError(f"{item.id}: {text[:40]} is not a whole number from {low} to {high}")
    return (number - low) / (high - low)


def _number(item: SheetItem, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise SheetError(f"{item.id}: {text[:40]!r} is not a number") from None
    if not math.isfinite(number) or number < 0:
        raise SheetError(f"{item.id}: {text[:40]} is not a number from 0 on")
    return number


def _key_points(item: SheetItem, key_points: int | None) -> int:
    if key_points is None or key_points < 1:
        raise SheetError(f"{item.id}: needs the number of key points of the scenario")
    return key_points


_LATER = {"yes_no_pending": ("yes", "no", "pending"), "scale5": ("1", "2", "3", "4", "5")}


def _after_call(item: AfterCall, answer: Any) -> str:
    text = str(answer).strip()
    choices = _LATER.get(item.answer)
    if choices and text.lower() not in choices:
        raise SheetError(f"{item.id}: {text[:40]!r} is none of {', '.join(choices)}")
    return text.lower() if choices else text
