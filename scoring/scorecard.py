"""The scorecard: sections of weighted items, fatal items, bonus items, floors, bands.

Two methods. ``deduct``: each item starts full and named deductions are taken off. ``answer``: each item is
answered met, partly or not met, and the scale says what share of its weight that earns. The method is what an item
is without a `type` of its own; items of all types may stand on one card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    model_validator,
)

from scoring.conditions import Condition
from scoring.criteria_file import (
    Criteria,
    CriteriaError,
    MisplacedError,
    Place,
    Text,
    load_criteria,
    place_text,
)
from scoring.effects import has_effects, named_effects
from scoring.item_types import (
    BY_RULES,
    MAX_STEPS,
    ItemType,
    NumberRange,
    OnlyIf,
    Option,
    own_names,
    possible_answers,
)
from scoring.marks import Answer
from scoring.phrase_set import PhraseSet
from scoring.reasons import N_

Check = Literal["phrase", "semi", "event", "acoustic", "manual"]
Decide = Literal["auto", "confirm", "human"]
ErrorClass = Literal["customer", "business", "compliance", "none"]
NEVER = frozenset({"never", "无"})  # in the place of when an item does not apply: it always does
ANSWER_NAMES = frozenset(answer.value for answer in Answer)
ADVISED = ANSWER_NAMES - {Answer.CANNOT_TELL.value}  # answers that guidance and examples may stand beside
# Fields that one type has alone.
FIELD_OF = {
    "options": "choice",
    "scale_from": "scale",
    "scale_to": "scale",
    "labels": "scale",
    "unit": "number",
    "ranges": "number",
}


class CardError(MisplacedError):
    """Something wrong with a card as a whole: a sentence with %(name)s places, what fills them, and where it is."""

    def __init__(self, message: str, *place: int | str, **values: object) -> None:
        super().__init__(message % values if values else message, place)
        self.message, self.values = message, values

    def within(self, *outside: int | str) -> CardError:
        """Return the same error of a part that stands at the place `outside`."""
        return CardError(self.message, *outside, *self.place, **self.values)


class Sound(Criteria):
    """What must hold of a card beyond the form of its fields: `errors` finds all that does not."""

    def errors(self) -> Iterator[CardError]:
        """Yield what contradicts itself."""
        yield from ()

    @model_validator(mode="after")
    def _is_sound(self, info: ValidationInfo) -> Self:
        if info.context is not AS_WRITTEN:
            for error in self.errors():
                raise error
        return self


# The context under which a card is read as it is written, contradictions and all: for drafts.
AS_WRITTEN: Final[Mapping[str, str]] = {"errors": "kept"}


def _condition(text: str) -> str:
    Condition.parse(text)
    return text


When = Annotated[Text, AfterValidator(_condition)]


class Item(Sound):
    """One question of the scorecard."""

    id: Text = Field(min_length=1, max_length=20)
    name: Text = Field(min_length=1, max_length=200)
    weight: NonNegativeFloat  # 0 for a text only
    type: ItemType | None = None  # None: by the card's method, see Scorecard.type_of
    check: Check
    rules: tuple[Text, ...] = ()
    decide: Decide
    error_class: ErrorClass = Field(default="none", alias="class")
    na: Text | None = None  # for people: when the item does not apply
    na_if: Text | None = None  # a yes/no fact of the call: a failed item does not apply when it is true
    na_unless: tuple[Text, ...] = ()  # triggers of the phrase set: without any of them the item does not apply
    only_if: OnlyIf | None = None  # asked and counted only after this answer to an earlier item
    deduct: dict[Text, PositiveFloat] = Field(default_factory=dict)  # may exceed the weight: floored
    # Deduction, answer or option: condition, see scoring.conditions.
    when: dict[Text, When] = Field(default_factory=dict)
    deductions: Literal["sum", "largest"] = "sum"  # how automatic deductions of one item add up
    options: tuple[Option, ...] = ()  # of a choice
    scale_from: int | None = None  # of a scale: earns nothing
    scale_to: int | None = None  # earns all; evenly between
    labels: dict[int, Text] = Field(default_factory=dict)  # of steps of a scale
    unit: Text | None = None  # of a number, for people
    ranges: tuple[NumberRange, ...] = ()  # of a number: the first that holds it decides
    guidance: dict[Text, Text] = Field(default_factory=dict)  # answer or option: when it is the right one
    examples: dict[Text, Text] = Field(default_factory=dict)
    causes: tuple[Text, ...] = ()  # root causes, offered under an answer that is not met or partly met
    note: Text | None = None

    @property
    def may_not_apply(self) -> bool:
        """Whether a person may answer "not applicable", or an earlier answer can say so."""
        return self.na_allowed or self.only_if is not None

    @property
    def na_allowed(self) -> bool:
        """Whether the card lets a person answer "not applicable"."""
        return self.na is not None and self.na.strip().casefold() not in ("", *NEVER)

    def errors(self) -> Iterator[CardError]:
        """Yield what contradicts itself within the item."""
        if self.decide == "auto" and not self.rules:
            yield CardError(
                N_("an item that is decided automatically needs rules: add them or write decide: human"), "rules"
            )
        if self.check == "manual" and self.decide == "auto":
            yield CardError(N_("a manual check cannot be decided automatically: write decide: human"), "decide")
        if self.type == "text" and self.weight:
            yield CardError(N_("a text is not scored: write weight: 0"), "weight")
        if self.type != "text" and not self.weight:
            yield CardError(N_("a weight of 0 is for texts: give the item a weight above 0"), "weight")
        yield from self._errors_of_its_type()
        rules_answer = self.type is None or self.type in BY_RULES or (self.type == "choice" and self.when)
        if not rules_answer and self.decide != "human":
            yield CardError(N_("rules cannot answer this type of item: write decide: human"), "decide")

    def _errors_of_its_type(self) -> Iterator[CardError]:
        for name, kind in FIELD_OF.items():
            if getattr(self, name) not in (None, (), {}) and self.type != kind:
                yield CardError(
                    N_("%(field)s belongs to the type %(type)s: write type: %(type)s"), name, field=name, type=kind
                )
        if self.deduct and self.type not in (None, "deduction"):
            yield CardError(N_("deductions belong to the type deduction: write type: deduction"), "deduct")
        match self.type:
            case "choice":
                yield from self._errors_of_options()
            case "scale":
                yield from self._errors_of_steps()
            case "number" if not self.ranges:
                yield CardError(N_("a number needs ranges: add ranges: [{low: 0, high: 3, share: 1}, …]"), "ranges")

    def _errors_of_options(self) -> Iterator[CardError]:
        names = own_names(self)
        if len(names) < 2:
            yield CardError(N_("a choice needs two options or more: add them"), "options")
        for at, name in enumerate(names):
            if name in names[:at]:
                yield CardError(N_("the option %(name)s is given twice: rename one of them"), "options", at, name=name)
            if name in ANSWER_NAMES:
                yield CardError(
                    N_("%(name)s is the name of an answer: call the option something else"), "options", at, name=name
                )

    def _errors_of_steps(self) -> Iterator[CardError]:
        if self.scale_from is None or self.scale_to is None:
            yield CardError(N_("a scale needs both ends: add scale_from and scale_to"), "scale_from")
            return
        if not 0 < self.scale_to - self.scale_from <= MAX_STEPS:
            yield CardError(N_("scale_to must lie above scale_from, by at most %(most)s"), "scale_to", most=MAX_STEPS)
        for step in self.labels:
            if not self.scale_from <= step <= self.scale_to:
                yield CardError(N_("%(step)s is no step of this scale: correct the label"), "labels", step=step)


class FatalItem(Criteria):
    """A fault that takes the whole score (一票否决) once a person has confirmed it."""

    id: Text = Field(min_length=1, max_length=20)
    name: Text = Field(min_length=1, max_length=200)
    effect: Literal["zero", "cap59"]
    check: Check
    rules: tuple[Text, ...] = ()
    decide: Literal["confirm", "human"] = "confirm"
    error_class: ErrorClass = Field(default="none", alias="class")
    guidance: dict[Text, Text] = Field(default_factory=dict)  # met (nothing found) or not_met (confirmed): when
    examples: dict[Text, Text] = Field(default_factory=dict)
    note: Text | None = None


class BonusItem(Criteria):
    """Points on top, given by a person, up to the card's cap."""

    id: Text = Field(min_length=1, max_length=20)
    name: Text = Field(min_length=1, max_length=200)
    points: PositiveFloat
    check: Check = "manual"
    decide: Literal["confirm", "human"] = "human"
    note: Text | None = None


class Section(Sound):
    """A group of items; its weight is what its items add up to."""

    id: Text = Field(min_length=1, max_length=20)
    name: Text = Field(min_length=1, max_length=200)
    weight: NonNegativeFloat  # 0 where all items are texts
    items: tuple[Item, ...] = Field(min_length=1)

    def errors(self) -> Iterator[CardError]:
        """Yield where the section's weight is another than its items'."""
        total = sum(item.weight for item in self.items)
        if abs(total - self.weight) > 1e-6:
            yield CardError(
                N_("the items' weights add up to %(total)s, the section's weight is %(weight)s: make them equal"),
                total=f"{total:g}",
                weight=f"{self.weight:g}",
            )


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


class Scorecard(Sound):
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

    def type_of(self, item: Item) -> ItemType:
        """Return the type of `item`: its own, else the one of the card's method."""
        return item.type or ("deduction" if self.method == "deduct" else "met")

    def band(self, score: float) -> str | None:
        """Return the highest band that `score` reaches."""
        reached = [(floor, name) for name, floor in self.bands.items() if score >= floor]
        return max(reached)[1] if reached else None

    def errors(self) -> Iterator[CardError]:
        """Yield what contradicts itself between the parts of the card."""
        total = sum(section.weight for section in self.sections)
        if abs(total - 100) > 1e-6:
            yield CardError(
                N_("the sections' weights add up to %(total)s, not 100: change them until they do"), total=f"{total:g}"
            )
        yield from self._errors_of_ids()
        for place, item in self.placed():
            yield from self._errors_of_names(place, item)
        yield from self._errors_of_conditions()

    def _errors_of_ids(self) -> Iterator[CardError]:
        entries: list[tuple[Place, str]] = [
            (("sections", s), f"section {one.id}") for s, one in enumerate(self.sections)
        ]
        entries += [(place, item.id) for place, item in self.placed()]
        entries += [(("bonus", b), item.id) for b, item in enumerate(self.bonus)]
        entries += [(("fatal", f), item.id) for f, item in enumerate(self.fatal)]
        seen: set[str] = set()
        for place, name in entries:
            if name in seen:
                yield CardError(
                    N_("the id %(id)s is used twice: rename one of them"),
                    *place,
                    id=repr(name.removeprefix("section ")),
                )
            seen.add(name)

    def _errors_of_names(self, place: Place, item: Item) -> Iterator[CardError]:
        kind = self.type_of(item)
        if kind == "deduction" and not item.deduct:
            yield CardError(
                N_("item %(item)s has no deductions, but takes points off: add deduct: {…}, or another type"),
                *place,
                item=item.id,
            )
        known = names_in_when(item, kind)
        for name in item.when:
            if name not in known:
                yield CardError(
                    N_("item %(item)s: when names %(name)s, which is none of %(known)s: correct it"),
                    *place,
                    item=item.id,
                    name=repr(name),
                    known=", ".join(known),
                )
        answers = {*ADVISED, *own_names(item), *item.deduct}
        for field in ("guidance", "examples"):
            for name in getattr(item, field):
                if name not in answers:
                    yield CardError(
                        N_("item %(item)s has no answer %(name)s: correct the name"),
                        *place,
                        field,
                        item=item.id,
                        name=repr(name),
                    )

    def _errors_of_conditions(self) -> Iterator[CardError]:
        earlier: dict[str, Item] = {}
        for place, item in self.placed():
            if item.only_if is not None:
                asked = earlier.get(item.only_if.item)
                if asked is None:
                    yield CardError(
                        N_("item %(item)s: only_if names %(name)s, which is no earlier item: correct it"),
                        *place,
                        "only_if",
                        item=item.id,
                        name=repr(item.only_if.item),
                    )
                else:
                    yield from self._errors_of_condition(place, item, item.only_if, asked)
            earlier[item.id] = item

    def _errors_of_condition(self, place: Place, item: Item, only_if: OnlyIf, asked: Item) -> Iterator[CardError]:
        possible = possible_answers(asked, self.type_of(asked))
        for name in only_if.answers:
            if name not in possible:
                yield CardError(
                    N_("item %(item)s: %(asked)s is never answered %(name)s: correct only_if"),
                    *place,
                    "only_if",
                    item=item.id,
                    asked=asked.id,
                    name=repr(name),
                )

    def placed(self) -> Iterator[tuple[Place, Item]]:
        """Yield every item with the place where it stands in the card."""
        for s, section in enumerate(self.sections):
            for i, item in enumerate(section.items):
                yield ("sections", s, "items", i), item


def names_in_when(item: Item, kind: ItemType) -> tuple[str, ...]:
    """Return what the `when` of an item of this kind may name: deductions, answers below met, or options."""
    match kind:
        case "deduction":
            return tuple(item.deduct)
        case "met":
            return (Answer.PARTLY.value, Answer.NOT_MET.value)
        case "yes_no":
            return (Answer.NOT_MET.value,)
        case "choice":
            return own_names(item)
    return ()


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
    errors = [*rule_errors(card, phrases)]
    if errors:
        raise CriteriaError("\n".join(f"{card.key}: {place_text(error.place)}: {error}" for error in errors))


def rule_errors(card: Scorecard, phrases: PhraseSet) -> Iterator[CardError]:
    """Yield where `card` names a rule that `phrases` does not have, or contradicts the points that a rule has."""
    known = set(phrases.rule_ids())
    for place, rule in _references(card):
        if rule not in known:
            yield CardError(
                N_("no rule %(rule)s in the phrase set %(set)s: correct the name or add the rule"),
                *place,
                rule=repr(rule),
                set=phrases.key,
            )
    for place, item in card.placed():
        if known.issuperset(item.rules):
            yield from _effects_without_deductions(card, place, item, phrases)


def _effects_without_deductions(card: Scorecard, place: Place, item: Item, phrases: PhraseSet) -> Iterator[CardError]:
    """Yield each effect that takes off points which people could not take off: no deduction is named so."""
    if card.type_of(item) != "deduction" or item.when or not has_effects(item.rules, phrases):
        return
    for name, points in named_effects(item.rules, phrases):
        if points < 0 and item.deduct.get(name) != -points:
            yield CardError(
                N_("%(name)s takes off %(points)s: add %(name)s: %(points)s, or say under when what is deducted"),
                *place,
                "deduct",
                name=name,
                points=f"{-points:g}",
            )


def _references(card: Scorecard) -> Iterator[tuple[Place, str]]:
    for place, item in card.placed():
        yield from (((*place, "rules", r), rule) for r, rule in enumerate(item.rules))
        yield from (((*place, "na_unless", r), rule) for r, rule in enumerate(item.na_unless))
        for name, text in item.when.items():
            if rule_name := Condition.parse(text).rule:
                yield (*place, "when", name), rule_name
    for f, fatal in enumerate(card.fatal):
        yield from ((("fatal", f, "rules", r), rule) for r, rule in enumerate(fatal.rules))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scorecard file, as shipped in scoring/scorecard.schema.json."""
    return Scorecard.model_json_schema(by_alias=True)
