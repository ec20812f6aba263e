"""The scorecard: sections of weighted items, fatal items, bonus items, floors, bands.

Two methods. ``deduct``: each item starts full and named deductions are taken off. ``answer``: each item is
answered met, partly or not met, and the scale says what share of its weight that earns.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from scoring.conditions import Condition
from scoring.criteria_file import Criteria, CriteriaError, Text, load_criteria
from scoring.effects import has_effects, named_effects
from scoring.phrase_set import PhraseSet

Check = Literal["phrase", "semi", "event", "acoustic", "manual"]
Decide = Literal["auto", "confirm", "human"]
ErrorClass = Literal["customer", "business", "compliance", "none"]


def _condition(text: str) -> str:
    Condition.parse(text)
    return text


When = Annotated[Text, AfterValidator(_condition)]


class Item(Criteria):
    """One question of the scorecard."""

    id: Text = Field(min_length=1, max_length=20)
    name: Text = Field(min_length=1, max_length=200)
    weight: PositiveFloat
    check: Check
    rules: tuple[Text, ...] = ()
    decide: Decide
    error_class: ErrorClass = Field(default="none", alias="class")
    na: Text | None = None  # for people: when the item does not apply
    na_if: Text | None = None  # a yes/no fact of the call: a failed item does not apply when it is true
    na_unless: tuple[Text, ...] = ()  # triggers of the phrase set: without any of them the item does not apply
    deduct: dict[Text, PositiveFloat] = Field(default_factory=dict)  # may exceed the weight: floored
    when: dict[Text, When] = Field(default_factory=dict)  # deduction or answer: condition, see scoring.conditions
    deductions: Literal["sum", "largest"] = "sum"  # how automatic deductions of one item add up
    note: Text | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.decide == "auto" and not self.rules:
            raise ValueError("an item that is decided automatically needs rules: add them or write decide: human")
        if self.check == "manual" and self.decide == "auto":
            raise ValueError("a manual check cannot be decided automatically: write decide: human")
        return self


class FatalItem(Criteria):
    """A fault that takes the whole score (一票否决) once a person has confirmed it."""

    id: Text = Field(min_length=1, max_length=20)
    name: Text = Field(min_length=1, max_length=200)
    effect: Literal["zero", "cap59"]
    check: Check
    rules: tuple[Text, ...] = ()
    decide: Literal["confirm", "human"] = "confirm"
    error_class: ErrorClass = Field(default="none", alias="class")
    note: Text | None = None


class BonusItem(Criteria):
    """Points on top, given by a person, up to the card's cap."""

    id: Text = Field(min_length=1, max_length=20)
    name: Text = Field(min_length=1, max_length=200)
    points: PositiveFloat
    check: Check = "manual"
    decide: Literal["confirm", "human"] = "human"
    note: Text | None = None


class Section(Criteria):
    """A group of items; its weight is what its items add up to."""

    id: Text = Field(min_length=1, max_length=20)
    name: Text = Field(min_length=1, max_length=200)
    weight: PositiveFloat
    items: tuple[Item, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum(item.weight for item in self.items)
        if abs(total - self.weight) > 1e-6:
            raise ValueError(
                f"the items' weights add up to {total:g}, the section's weight is {self.weight:g}: make them equal"
            )
        return self


class Floors(Criteria):
    """The least that an item, a section and the whole can earn, in points.

    An item or section floor below zero lets its deductions eat into the points of the others.
    """

    item: float = Field(default=0, le=0)
    section: float = Field(default=0, le=0)
    total: float = Field(default=0, ge=0, lt=100)


class Scale(Criteria):
    """The share of the weight that each answer earns (answer method)."""

    met: float = Field(default=1.0, ge=0, le=1)
    partly: float = Field(default=0.5, ge=0, le=1)
    not_met: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _falls(self) -> Self:
        if not self.met >= self.partly >= self.not_met:
            raise ValueError("met, partly and not_met must not rise: for example 1, 0.5 and 0")
        return self


class Scorecard(Criteria):
    """A scorecard at one version; immutable once used."""

    id: Text = Field(min_length=1, max_length=80, pattern=r"^[\w.-]+$")
    version: PositiveInt
    name: Text | None = None
    language: Text = Field(min_length=2)
    call_types: tuple[Text, ...] = ()
    pass_mark: float = Field(default=85, ge=0, le=100)
    method: Literal["deduct", "answer"]
    scale: Scale = Scale()
    floors: Floors = Floors()
    bonus_cap: float = Field(default=0, ge=0, le=100)
    min_answered: float = Field(default=60, ge=0, le=100)  # of 100: below it the score is incomplete
    sections: tuple[Section, ...] = Field(min_length=1)
    bonus: tuple[BonusItem, ...] = ()
    fatal: tuple[FatalItem, ...] = ()
    bands: dict[Text, float] = Field(default_factory=dict)  # band: from which score on

    @property
    def key(self) -> str:
        """The card's id and version, as it stands beside every mark."""
        return f"{self.id}/{self.version}"

    def items(self) -> Iterator[tuple[Section, Item]]:
        """Yield every item with its section, in order."""
        return ((section, item) for section in self.sections for item in section.items)

    def band(self, score: float) -> str | None:
        """Return the highest band that `score` reaches."""
        reached = [(floor, name) for name, floor in self.bands.items() if score >= floor]
        return max(reached)[1] if reached else None

    @model_validator(mode="after")
    def _weights_total_100(self) -> Self:
        total = sum(section.weight for section in self.sections)
        if abs(total - 100) > 1e-6:
            raise ValueError(f"the sections' weights add up to {total:g}, not 100: change them until they do")
        return self

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        seen: set[str] = set()
        entries: list[Section | Item | BonusItem | FatalItem] = [*self.sections, *self.bonus, *self.fatal]
        entries += [item for _, item in self.items()]
        for entry in entries:
            kind = "section:" if isinstance(entry, Section) else ""
            if kind + entry.id in seen:
                raise ValueError(f"the id {entry.id!r} is used twice: rename one of them")
            seen.add(kind + entry.id)
        return self

    @model_validator(mode="after")
    def _method_and_when_agree(self) -> Self:
        for _, item in self.items():
            if self.method == "deduct" and not item.deduct:
                raise ValueError(f"item {item.id} has no deductions, but the method is deduct: add deduct: {{…}}")
            known = item.deduct if self.method == "deduct" else {"partly": 0, "not_met": 0}
            for name in item.when:
                if name not in known:
                    raise ValueError(
                        f"item {item.id}: when names {name!r}, which is none of {', '.join(known)}: correct it"
                    )
        return self


def load_scorecard(source: Path | str, *, phrases: PhraseSet | None = None) -> Scorecard:
    """Read a scorecard from a YAML file (a Path) or YAML text (a str).

    With `phrases`, every rule that the card names must be in that set.

    Raises:
        CriteriaError: the message names file, line and field, and how to mend it.
    """
    card = load_criteria(source, Scorecard, "scorecard")
    if phrases is not None:
        check_rules(card, phrases)
    return card


def check_rules(card: Scorecard, phrases: PhraseSet) -> None:
    """Refuse a card that names rules which `phrases` does not have.

    Raises:
        CriteriaError: one line per unknown rule, with the place in the card.
    """
    known = set(phrases.rule_ids())
    lines = []
    for place, rule in _references(card):
        if rule not in known:
            lines.append(
                f"{card.key}: {place}: no rule {rule!r} in the phrase set {phrases.key}: "
                "correct the name or add the rule"
            )
    lines += _effects_without_deductions(card, phrases)
    if lines:
        raise CriteriaError("\n".join(lines))


def _effects_without_deductions(card: Scorecard, phrases: PhraseSet) -> Iterator[str]:
    """Yield a line for each effect that takes off points which people could not take off: no deduction is named so."""
    for s, section in enumerate(card.sections):
        for i, item in enumerate(section.items):
            if card.method != "deduct" or item.when or not has_effects(item.rules, phrases):
                continue
            for name, points in named_effects(item.rules, phrases):
                if points < 0 and item.deduct.get(name) != -points:
                    yield (
                        f"{card.key}: sections[{s}].items[{i}].deduct: {name} takes off {-points:g}: "
                        f"add {name}: {-points:g}, or say under when what is deducted"
                    )


def _references(card: Scorecard) -> Iterator[tuple[str, str]]:
    for s, section in enumerate(card.sections):
        for i, item in enumerate(section.items):
            place = f"sections[{s}].items[{i}]"
            yield from ((f"{place}.rules[{r}]", rule) for r, rule in enumerate(item.rules))
            yield from ((f"{place}.na_unless[{r}]", rule) for r, rule in enumerate(item.na_unless))
            for name, text in item.when.items():
                if rule_name := Condition.parse(text).rule:
                    yield f"{place}.when.{name}", rule_name
    for f, fatal in enumerate(card.fatal):
        yield from ((f"fatal[{f}].rules[{r}]", rule) for r, rule in enumerate(fatal.rules))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scorecard file, as shipped in scoring/scorecard.schema.json."""
    return Scorecard.model_json_schema(by_alias=True)
