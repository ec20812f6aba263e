"""The phrase set: what agents must say, may not say, and when; see docs/rules.md."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import regex
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from scoring.check_models import Check, Flow
from scoring.criteria_file import Criteria, MisplacedError, Text, load_criteria
from scoring.entries import Entry as ScriptEntry
from scoring.entries import pattern_of, slot_names
from scoring.rule_parts import Dated, Entries, Entry, Role, RuleId, Severity, did_you_mean
from scoring.text import Normaliser, normaliser

MAX_RULES = 500


class Normalise(Criteria):
    """How text is made alike before it is compared. Chinese and English share it; unused switches do nothing."""

    lowercase: Literal[True] = True  # there is no comparing by case
    contractions: Literal["expand", "keep"] = "expand"
    numbers: Literal["digits", "keep"] = "digits"
    digits: bool = True
    yao_as_yi: bool = True
    strip: tuple[Text, ...] = ()
    homophones: dict[Text, tuple[Text, ...]] = Field(default_factory=dict)


class Window(Criteria):
    """Where in the call a rule looks: the first seconds after the agent's first word, or the last agent turns."""

    start_s: PositiveFloat | None = None
    end_turns: PositiveInt | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.start_s is None) == (self.end_turns is None):
            raise ValueError("give either start_s or end_turns, or write window: whole")
        return self


class Reply(Criteria):
    """What the other side must answer."""

    role: Role
    any: Entries
    within_s: PositiveFloat = 10


class Anchor(Criteria):
    """The moment that a conditional rule hangs on: another rule's hit or an event."""

    rule: RuleId | None = None
    event: Text | None = None
    side: Literal["before", "after"]
    within_s: PositiveFloat | None = None
    within_turns: PositiveInt | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.rule is None) == (self.event is None):
            raise ValueError("give either rule or event")
        if (self.within_s is None) == (self.within_turns is None):
            raise ValueError("give either within_s or within_turns")
        return self


class Said(Dated):
    """Words that must be said. All `parts` are needed; of a part any wording will do."""

    id: RuleId
    role: Role
    window: Window | Literal["whole"] = "whole"
    parts: dict[Text, Entries] = Field(min_length=1)
    na_if: Text | None = None  # a yes/no fact of the call or of the site
    part_na_if: dict[Text, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _parts_are_known(self) -> Self:
        for part in self.part_na_if:
            if part not in self.parts:
                raise ValueError(f"part_na_if names the part {part!r}, which is none of {', '.join(self.parts)}")
        return self


class Required(Said):
    """Words that must be said somewhere in the call."""

    order_after: RuleId | None = None
    at_least: PositiveInt | None = None  # count every hit of every part instead


class Conditional(Said):
    """Words that must be said before or after an anchor, if the anchor occurs; without an anchor, in the window."""

    anchor: Anchor | None = None
    after: RuleId | None = None  # and only after this rule was met
    reply: Reply | None = None
    missing_is: Literal["fatal_candidate", "fatal_candidate_if_refused"] | None = None
    refused_by: tuple[RuleId, ...] = ()  # forbidden rules whose hit means a refusal
    na: Text | None = None


class Trigger(Criteria):
    """Words that other rules hang on; they never score by themselves."""

    id: RuleId
    role: Role
    any: Entries
    unless: tuple[Entry, ...] = ()  # cancels a hit in the same turn, within a few words


class Forbidden(Dated):
    """Words that must not be said. `unless` cancels a hit; see docs/rules.md."""

    id: RuleId
    role: Role
    severity: Severity
    any: Entries | None = None
    kinds: dict[Text, Entries] = Field(default_factory=dict)
    unless: tuple[Entry, ...] = ()
    unless_person: tuple[Text, ...] = ()  # exceptions in words, which only a person can judge
    confirm: Literal["human"] | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if (self.any is None) == (not self.kinds):
            raise ValueError("give either any or kinds")
        return self

    def entries(self) -> Iterator[tuple[str | None, str]]:
        """Yield (kind, entry) for every forbidden wording."""
        yield from ((None, entry) for entry in self.any or ())
        yield from ((kind, entry) for kind, entries in self.kinds.items() for entry in entries)


class Acoustic(Dated):
    """A limit on something measured: which one follows from the fields that are given (see `measure`)."""

    id: RuleId
    role: Role | None = None
    unit: Literal["chars_per_min", "words_per_min"] | None = None
    low: PositiveFloat | None = None
    high: PositiveFloat | None = None
    min_chars: PositiveInt | None = None
    min_words: PositiveInt | None = None
    net_of_silence: Literal[True] = True
    excused_by: tuple[Entry, ...] = ()
    low_dbfs: float | None = Field(default=None, le=0)
    swing_db: PositiveFloat | None = None
    overlap_s: PositiveFloat | None = None
    channels: Literal[2] | None = None
    exceptions: tuple[Entry, ...] = Field(default=(), alias="not")
    over_s: PositiveFloat | None = None
    grave_s: PositiveFloat | None = None
    similar: float | None = Field(default=None, gt=0, le=1)
    times: PositiveInt = 2
    window_turns: PositiveInt = 8
    event: Literal["agent_hangup_before_customer"] | None = None
    min_gap_s: NonNegativeFloat = 0
    unless: tuple[Entry, ...] = ()

    @property
    def measure(self) -> str:
        """What is measured: speed, level, overlap, silence, repeat or hangup."""
        return self._measures()[0]

    def _measures(self) -> list[str]:
        fields = {
            "speed": self.unit,
            "level": self.low_dbfs if self.low_dbfs is not None else self.swing_db,
            "overlap": self.overlap_s,
            "silence": self.over_s,
            "repeat": self.similar,
            "hangup": self.event,
        }
        return [name for name, value in fields.items() if value is not None]

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if len(self._measures()) != 1:
            raise ValueError(
                "give the fields of exactly one measure: unit, low, high (speed); low_dbfs, swing_db (level); "
                "overlap_s (overlap); over_s (silence); similar (repeat); event (hang-up)"
            )
        if self.unit and (self.low is None or self.high is None or self.low >= self.high):
            raise ValueError("a speed needs low and high, low below high")
        return self


GROUPS = ("required", "conditional", "triggers", "forbidden", "acoustic", "checks", "flows")
Rule = Required | Conditional | Trigger | Forbidden | Acoustic | Check | Flow


class PhraseSet(Criteria):
    """All rules of one language and line at one version."""

    id: Text = Field(min_length=1, max_length=80, pattern=r"^[\w.-]+$")
    version: PositiveInt
    language: Text = Field(min_length=2)
    normalise: Normalise = Normalise()
    slots: dict[Text, Text] = Field(default_factory=dict)
    lists: dict[Text, tuple[Text, ...]] = Field(default_factory=dict)  # named word lists, such as profanity_list
    site: dict[Text, Literal["yes", "no", "unknown"]] = Field(default_factory=dict)  # what is so on every call
    required: tuple[Required, ...] = ()
    conditional: tuple[Conditional, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    forbidden: tuple[Forbidden, ...] = ()
    acoustic: tuple[Acoustic, ...] = ()
    checks: tuple[Check, ...] = ()
    flows: tuple[Flow, ...] = ()

    @property
    def key(self) -> str:
        """The set's id and version, as it stands beside every finding."""
        return f"{self.id}/{self.version}"

    def rules(self) -> Iterator[Rule]:
        """Yield every rule."""
        for group in GROUPS:
            yield from getattr(self, group)

    def rule_ids(self) -> Iterator[str]:
        """Yield the id of every rule."""
        return (rule.id for rule in self.rules())

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        """Every rule by its id."""
        return {rule.id: rule for rule in self.rules()}

    @cached_property
    def in_order(self) -> tuple[Rule, ...]:
        """The rules so that each comes after those that it refers to."""
        ordered: dict[str, Rule] = {}

        def place(rule: Rule) -> None:
            if rule.id not in ordered:
                for name in needed_by(rule, self.by_id):
                    place(self.by_id[name])
                ordered[rule.id] = rule

        for rule in self.rules():
            place(rule)
        return tuple(ordered.values())

    @cached_property
    def approved_by_entry(self) -> dict[str, tuple[ScriptEntry, ...]]:
        """The wordings that the set wants said and that hold a forbidden one, kept as they are asked for."""
        return {}

    @cached_property
    def compiled(self) -> dict[tuple[str, ...], list[ScriptEntry]]:
        """Compiled entries that are the same in every call, kept as they are asked for."""
        return {}

    @cached_property
    def normaliser(self) -> Normaliser:
        """The normaliser that this set asks for."""
        settings = self.normalise
        return normaliser(
            self.language,
            strip=settings.strip,
            homophones=settings.homophones,
            numbers=settings.numbers == "digits" and settings.digits,
            contractions=settings.contractions == "expand",
            yao=settings.yao_as_yi,
        )

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        seen: set[str] = set()
        for rule in self.rules():
            if rule.id in seen:
                raise ValueError(f"the rule {rule.id!r} is given twice: rename one of them")
            seen.add(rule.id)
        return self

    @model_validator(mode="after")
    def _references_are_known(self) -> Self:
        known = set(self.rule_ids())
        if len(known) > MAX_RULES:
            raise ValueError(f"{len(known)} rules, at most {MAX_RULES}: split the set")
        forbidden = {rule.id for rule in self.forbidden}
        for rule in self.rules():
            for target in needed_by(rule, known):
                if target not in known:
                    near = did_you_mean(target, _near(rule, known))
                    raise self._at(rule, f"{rule.id} refers to {target!r}, which is not {_sought(rule)}: {near}")
                if target == rule.id:
                    raise self._at(rule, f"{rule.id} refers to itself: name another rule")
            if isinstance(rule, Conditional) and not set(rule.refused_by) <= forbidden:
                raise self._at(rule, f"{rule.id}: refused_by must name forbidden rules")
        _refuse_circles(self)
        return self

    def _at(self, rule: Rule, message: str) -> MisplacedError:
        """Return an error with the place of a rule in the file."""
        for group in GROUPS:
            for index, one in enumerate(getattr(self, group)):
                if one is rule:
                    return MisplacedError(message, (group, index))
        return MisplacedError(message, ())

    @model_validator(mode="after")
    def _patterns_are_sound(self) -> Self:
        for rule in self.rules():
            for entry in _entries(rule):
                for slot in slot_names(entry):
                    if slot not in self.slots:
                        raise self._at(
                            rule,
                            f"{rule.id}: {entry!r} uses the slot {{{slot}}}, which slots does not define: add it",
                        )
                try:
                    pattern = pattern_of(entry, self.slots, self.normaliser)
                except regex.error as error:
                    raise self._at(rule, f"{rule.id}: {entry!r} is not a valid regular expression: {error}") from error
                if pattern is None and not self.normaliser.words(entry):
                    raise self._at(rule, f"{rule.id}: {entry!r} holds no words: nobody can say it")
        return self


def load_phrase_set(source: Path | str) -> PhraseSet:
    """Read a phrase set from a YAML file (a Path) or YAML text (a str).

    Raises:
        CriteriaError: the message names file, line and field, and how to mend it.
    """
    return load_criteria(source, PhraseSet, "phrase_set")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a phrase set file, as shipped in scoring/phrase_set.schema.json."""
    return PhraseSet.model_json_schema(by_alias=True)


def _entries(rule: Rule) -> Iterator[str]:
    match rule:
        case Said():
            for entries in rule.parts.values():
                yield from entries
            if isinstance(rule, Conditional) and rule.reply:
                yield from rule.reply.any
        case Trigger():
            yield from (*rule.any, *rule.unless)
        case Forbidden():
            yield from (entry for _, entry in rule.entries())
            yield from rule.unless
        case Acoustic():
            yield from (*rule.excused_by, *rule.exceptions, *rule.unless)
        case Check() | Flow():
            yield from rule.wordings()
            yield from rule.exception_wordings()


def _sought(rule: Rule) -> str:
    return "a condition of it or a rule here" if isinstance(rule, Check | Flow) else "a rule here"


def _near(rule: Rule, known: set[str]) -> list[str]:
    mine = rule.everything() if isinstance(rule, Check | Flow) else ()
    return [*mine, *sorted(known - {rule.id})]


def needed_by(rule: Rule, known: Container[str]) -> list[str]:
    """Return the rules that must be looked at before `rule`; `known` tells rules from phrases in excuses."""
    match rule:
        case Required():
            named = [rule.order_after]
        case Conditional():
            named = [rule.anchor.rule if rule.anchor else None, rule.after, *rule.refused_by]
        case Acoustic():
            named = [entry for entry in (*rule.excused_by, *rule.unless) if entry in known]
        case Check() | Flow():
            named = list(rule.outside_names())
        case _:
            named = []
    return [name for name in named if name]


def _refuse_circles(phrases: PhraseSet) -> None:
    finished: set[str] = set()

    def visit(rule: str, path: tuple[str, ...]) -> None:
        if rule in path:
            raise ValueError(f"rules refer to each other in a circle: {' → '.join((*path, rule))}")
        if rule not in finished:
            for target in needed_by(phrases.by_id[rule], phrases.by_id):
                visit(target, (*path, rule))
            finished.add(rule)

    for rule in phrases.by_id:
        visit(rule, ())
