"""Checks and flows: the general rules of a phrase set, made of named conditions; see docs/rules.md.

A condition is one operator (what is looked for) and where it is looked for. A check joins conditions by
expressions; a flow expects them one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from scoring.criteria_file import Criteria, MisplacedError, Text
from scoring.expressions import RESERVED, Expression, ExpressionError, evaluate, names, parse
from scoring.rule_parts import Dated, Entries, Entry, Role, RuleId, Severity, did_you_mean

MAX_CONDITIONS = 40  # of one check
MAX_STEPS = 40  # of one flow
MAX_NESTING = 4  # all_of, any_of and not inside each other
END = "end"  # where a flow's branch may lead besides its steps

Entity = Literal["phone", "id_card", "bank_card", "money", "date", "email", "number"]
Percent = Annotated[float, Field(gt=0, le=100)]
Span = tuple[NonNegativeFloat, PositiveFloat]


def _readable(text: str) -> str:
    parse(text)
    return text


def _usable_name(name: str) -> str:
    if name.lower() in RESERVED or any(sign.isspace() or sign in "()" for sign in name):
        raise ValueError(f"{name!r} cannot be used in an expression: choose one word without parentheses")
    return name


ExpressionText = Annotated[Text, Field(min_length=1), AfterValidator(_readable)]
ConditionName = Annotated[Text, Field(min_length=1, max_length=40), AfterValidator(_usable_name)]


class Limits(Criteria):
    """A length of time: longer than `over_s`, shorter than `under_s`, or between both."""

    over_s: NonNegativeFloat | None = None
    under_s: PositiveFloat | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.over_s is None and self.under_s is None:
            raise ValueError("give over_s, under_s or both")
        if self.over_s is not None and self.under_s is not None and self.over_s >= self.under_s:
            raise ValueError("over_s must be below under_s: between them lies what is looked for")
        return self

    def hold(self, value: float) -> bool:
        """Whether a length lies within the limits."""
        return (self.over_s is None or value > self.over_s) and (self.under_s is None or value < self.under_s)


class Amounts(Criteria):
    """A number: greater than `over`, less than `under`, or between both."""

    over: float | None = None
    under: float | None = None

    def hold(self, value: float) -> bool:
        """Whether a number lies within the limits."""
        return (self.over is None or value > self.over) and (self.under is None or value < self.under)


class _Needed(Amounts):
    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.over is None and self.under is None:
            raise ValueError("give over, under or both")
        return self


class Silence(Limits):
    """Nobody speaks; `after` and `before` say who spoke last and who speaks next. Holds do not count."""

    over_s: PositiveFloat = Field(default=5, ge=1)  # shorter gaps are breaths
    after: Literal["agent", "customer"] | None = None
    before: Literal["agent", "customer"] | None = None


class HangupGap(Limits):
    """From the last words to the end of the recording; `last`: only if this side spoke last."""

    last: Literal["agent", "customer"] | None = None


class SpeechRate(_Needed):
    """Words (characters in Chinese) a minute, net of silence."""

    per: Literal["call", "turn"] = "call"
    min_units: PositiveInt = 20  # of the call or turn: fewer are no rate


class Interruption(Criteria):
    """Speaking while the other side speaks."""

    overlap_s: PositiveFloat = 2.0
    min_words: PositiveInt = 4  # characters in Chinese
    delay_s: NonNegativeFloat = 0  # the other side must have been speaking that long
    exceptions: tuple[Entry, ...] = Field(default=(), alias="except")  # a listener's yes


class Loudness(Criteria):
    """The level of one side: the mean, the jump from one turn to the next, the swing over the call."""

    below_dbfs: float | None = Field(default=None, le=0)
    above_dbfs: float | None = Field(default=None, le=0)
    jump_db: PositiveFloat | None = None
    swing_db: PositiveFloat | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [
            value for value in (self.below_dbfs, self.above_dbfs, self.jump_db, self.swing_db) if value is not None
        ]
        if len(given) != 1:
            raise ValueError("give exactly one of below_dbfs, above_dbfs, jump_db, swing_db")
        return self


class Repeated(Criteria):
    """A turn much like one of the speaker's turns before it."""

    similar: float = Field(default=0.6, gt=0, le=1)
    times: PositiveInt = 1  # alike turns before it
    back: int = Field(default=8, gt=0, le=50)  # turns of the speaker to look back
    min_units: PositiveInt = 4  # shorter turns are left out
    exceptions: tuple[Entry, ...] = Field(default=(), alias="except")


class Near(Criteria):
    """Words within so many words (characters in Chinese) of others in the same turn; `apart`: not within them."""

    any: Entries
    to: Entries
    words: int = Field(ge=0, le=50)  # at most so many between
    in_order: bool = False  # `to` must come after `any`
    apart: bool = False


class CallField(Amounts):
    """A field of the call, such as its queue or product."""

    name: Text = Field(min_length=1)
    equals: tuple[Text, ...] = Field(default=(), alias="is")
    differs: tuple[Text, ...] = Field(default=(), alias="is_not")
    given: bool | None = None  # only whether it has a value

    @model_validator(mode="before")
    @classmethod
    def _one_value_is_a_list(cls, data: object) -> object:
        if isinstance(data, dict):
            return {
                key: (value,) if key in ("is", "is_not") and isinstance(value, str | int | float) else value
                for key, value in data.items()
            }
        return data

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.given is None and not self.equals and not self.differs and self.over is None and self.under is None:
            raise ValueError("give is, is_not, over, under or given")
        return self


class Operator(Criteria):
    """What is looked for: exactly one of the fields up to `not`; the others refine it."""

    any: Entries | None = None
    all: Entries | None = None
    n_of: Entries | None = None
    none: Entries | None = None
    similar: Entries | None = None
    regex: Entry | None = None
    repeated: Repeated | None = None
    read_back: ConditionName | None = None
    entity: Entity | None = None
    near: Near | None = None
    reply: Entries | Literal["anything"] | None = None
    speaks: Literal[True] | None = None
    silence: Silence | None = None
    response_time: Limits | None = None
    speech_rate: SpeechRate | None = None
    interruption: Interruption | None = None
    loudness: Loudness | None = None
    pickup_gap: Limits | None = None
    hangup_gap: HangupGap | None = None
    duration: Limits | None = None
    turns: _Needed | None = None
    field: CallField | None = None
    all_of: tuple[Operator, ...] | None = Field(default=None, min_length=2)
    any_of: tuple[Operator, ...] | None = Field(default=None, min_length=2)
    negated: Operator | None = Field(default=None, alias="not")

    at_least: PositiveFloat | None = None  # n_of: how many different; similar: how alike, up to 1
    match: Literal["sound", "exact"] = "sound"
    hits: PositiveInt | None = None  # any: in all
    unless: tuple[Entry, ...] = ()  # cancels a hit in the same turn, within a few words
    without: Entry | None = None  # regex: must not match in the same turn
    in_turn: bool = False  # all, n_of, all_of: everything within one turn

    @model_validator(mode="before")
    @classmethod
    def _fields_are_known(cls, data: object) -> object:
        if isinstance(data, dict):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            for key in data:
                if (
                    key not in cls.model_fields
                    and key not in known
                    and (near := get_close_matches(str(key), known, n=1))
                ):
                    raise MisplacedError(f"unknown field {key!r}: did you mean {near[0]!r}?", (str(key),))
        return data

    @cached_property
    def kind(self) -> str:
        """The name of the operator, as the file writes it."""
        return self._given()[0]

    def _given(self) -> list[str]:
        return [name for name in OPERATORS if getattr(self, "negated" if name == "not" else name) is not None]

    @property
    def inner(self) -> tuple[Operator, ...]:
        """The operators that this one joins."""
        return self.all_of or self.any_of or ((self.negated,) if self.negated else ())

    def walk(self) -> Iterator[Operator]:
        """Yield this operator and all inside it."""
        yield self
        for operator in self.inner:
            yield from operator.walk()

    def wordings(self) -> Iterator[str]:
        """Yield every entry that this operator or one inside it compares."""
        for one in self.walk():
            for entries in (one.any, one.all, one.n_of, one.none, one.similar):
                yield from entries or ()
            if one.reply is not None and one.reply != "anything":
                yield from one.reply
            if one.near is not None:
                yield from (*one.near.any, *one.near.to)
            if one.regex is not None:
                yield one.regex

    def exception_wordings(self) -> Iterator[str]:
        """Yield every entry that excuses or leaves out."""
        for one in self.walk():
            yield from one.unless
            yield from (one.without,) if one.without else ()
            yield from one.repeated.exceptions if one.repeated else ()
            yield from one.interruption.exceptions if one.interruption else ()

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        given = self._given()
        if not given:
            raise ValueError(f"has no operator: give one of {', '.join(OPERATORS)}")
        if len(given) > 1:
            raise ValueError(
                f"has {len(given)} operators ({', '.join(given)}): make a condition of each and join them with and / or"
            )
        self._refinements_fit(given[0])
        if self._depth() > MAX_NESTING:
            raise ValueError(f"is nested more than {MAX_NESTING} deep: make conditions of the inner parts")
        return self

    def _refinements_fit(self, kind: str) -> None:
        fitting = {
            "at_least": {"n_of", "similar"},
            "hits": {"any"},
            "match": {"any", "all", "n_of", "none"},
            "unless": {"any", "all", "n_of", "none", "regex"},
            "without": {"regex"},
            "in_turn": {"all", "n_of", "all_of"},
        }
        for name, kinds in fitting.items():
            if getattr(self, name) != type(self).model_fields[name].default and kind not in kinds:
                raise ValueError(f"{name} goes with {', '.join(sorted(kinds))}, not with {kind}: remove it")
        if kind == "n_of":
            count = len(self.n_of or ())
            if self.at_least is None or self.at_least != int(self.at_least) or self.at_least > count:
                raise ValueError(f"n_of needs at_least, a whole number from 1 to {count}")
        if kind == "similar" and self.at_least is not None and self.at_least > 1:
            raise ValueError("at_least of similar is a share from 0 to 1, for example 0.8")

    def _depth(self) -> int:
        return 1 + max((operator._depth() for operator in self.inner), default=-1)


OPERATORS = (
    "any", "all", "n_of", "none", "similar", "regex", "repeated", "read_back", "entity", "near", "reply", "speaks",
    "silence", "response_time", "speech_rate", "interruption", "loudness", "pickup_gap", "hangup_gap", "duration",
    "turns", "field", "all_of", "any_of", "not",
)  # fmt: skip
# What is true or false of the call or a stretch of it as a whole, and has no moment of its own.
PLACELESS = frozenset({"none", "duration", "turns", "field", "not", "pickup_gap"})
WHOLE_CALL = frozenset({"duration", "field", "pickup_gap", "hangup_gap"})
BOTH_SIDES = frozenset({"silence", "turns", "duration", "field", "pickup_gap", "hangup_gap"})  # role: any by default


class Where(Criteria):
    """A stretch of the call: first or last seconds, turns or percent, or between two of them."""

    start_s: PositiveFloat | None = None
    end_s: PositiveFloat | None = None
    between_s: Span | None = None
    start_turns: PositiveInt | None = None
    end_turns: PositiveInt | None = None
    between_turns: tuple[PositiveInt, PositiveInt] | None = None
    start_percent: Percent | None = None
    end_percent: Percent | None = None
    between_percent: tuple[Annotated[float, Field(ge=0, lt=100)], Percent] | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if not given:
            raise ValueError(f"is empty: give one of {', '.join(type(self).model_fields)}")
        for name in ("between_s", "between_turns", "between_percent"):
            span = getattr(self, name)
            if span and (span[0] > span[1] or (span[0] == span[1] and name != "between_turns")):
                raise ValueError(f"{name} goes from a smaller to a greater number")
        return self


class CheckCondition(Operator):
    """An operator and where it looks."""

    role: Role | None = None
    window: Where | None = None
    after: RuleId | None = None  # another condition, step or rule
    before: RuleId | None = None
    around: RuleId | None = None
    same_turn: RuleId | None = None
    hit: Literal["any", "each", "first", "last"] | PositiveInt = "any"  # which hit of that condition
    within_s: PositiveFloat | None = None
    within_turns: PositiveInt | None = None
    outside: bool = False  # everywhere else
    starts_turn: bool = False  # the hit must be the first words of its turn

    @cached_property
    def speaker(self) -> Role:
        """Whose words are looked at."""
        return self.role or ("any" if self.kind in BOTH_SIDES else "agent")

    @cached_property
    def anchor(self) -> tuple[str, str] | None:
        """(before, after, around or same_turn; the name of the condition or rule)."""
        for side in SIDES:
            if (name := getattr(self, side)) is not None:
                return side, name
        return None

    def references(self) -> Iterator[str]:
        """Yield the conditions, steps and rules that must be looked at first."""
        if self.anchor:
            yield self.anchor[1]
        for operator in self.walk():
            if operator.read_back:
                yield operator.read_back

    @model_validator(mode="after")
    def _place_fits(self) -> Self:
        anchors = [side for side in SIDES if getattr(self, side) is not None]
        if len(anchors) > 1:
            raise ValueError(f"give one of {', '.join(anchors)}, and a condition of its own for the other")
        if not anchors and (self.within_s or self.within_turns or self.hit != "any"):
            raise ValueError("within_s, within_turns and hit need after, before or around")
        if self.within_s is not None and self.within_turns is not None:
            raise ValueError("give either within_s or within_turns")
        if self.around is not None and self.within_s is None and self.within_turns is None:
            raise ValueError("around needs within_s or within_turns")
        if self.same_turn is not None and (self.within_s or self.within_turns):
            raise ValueError("same_turn needs no within_s or within_turns: remove it")
        if self.outside and not anchors and self.window is None:
            raise ValueError("outside needs a window or an anchor whose outside is meant")
        if self.kind == "reply" and self.after is None:
            raise ValueError("reply needs after: the condition that asks")
        if self.kind in WHOLE_CALL and (anchors or self.window):
            raise ValueError(f"{self.kind} is about the whole call: remove window and anchor")
        return self


SIDES = ("after", "before", "around", "same_turn")


class Effect(Criteria):
    """What a check adds to an item (positive points, when it is met) or takes off it (negative, when it is not)."""

    points: float = Field(ge=-100, le=100)
    per: Literal["once", "hit"] = "once"
    at_most: PositiveFloat | None = None  # points in all, whatever their sign

    @model_validator(mode="after")
    def _not_nothing(self) -> Self:
        if self.points == 0:
            raise ValueError("0 points have no effect: remove effect")
        return self

    def amount(self, times: int) -> float:
        """Return the points, signed, for so many hits."""
        points = self.points * (min(times, 1) if self.per == "once" else times)
        return points if self.at_most is None else max(-self.at_most, min(self.at_most, points))


class _General(Dated):
    """What checks and flows share."""

    id: RuleId
    title: Text | None = Field(default=None, max_length=200)
    severity: Severity = "major"
    needs_person: bool = False  # a failure counts once a person has confirmed it
    conditions: dict[ConditionName, CheckCondition] = Field(default_factory=dict, max_length=MAX_CONDITIONS)

    def wordings(self) -> Iterator[str]:
        """Yield every entry that is compared with the call's words."""
        for condition in self.everything().values():
            yield from condition.wordings()

    def exception_wordings(self) -> Iterator[str]:
        """Yield every entry that excuses."""
        for condition in self.everything().values():
            yield from condition.exception_wordings()

    def everything(self) -> Mapping[str, CheckCondition]:
        """Return every condition by its name (a flow's steps among them)."""
        return self.conditions

    def expressions(self) -> Iterator[Expression]:
        """Yield every expression."""
        return iter(())

    def outside_names(self) -> list[str]:
        """Return the names that are no conditions of this rule: they must be ids of other rules."""
        mine = self.everything()
        used = [name for expression in self.expressions() for name, _ in names(expression)]
        used += [name for condition in mine.values() for name in condition.references()]
        return list(dict.fromkeys(name for name in used if name not in mine))

    def _located(self) -> set[str]:
        """Return the conditions of which every hit must be known, not only whether there is one."""
        mine = self.everything()
        used = [name for condition in mine.values() for name in condition.references()]
        used += [name for name, one in mine.items() if one.hits or one.in_turn]
        return set(used)

    @cached_property
    def complete(self) -> frozenset[str]:
        """The conditions of which every hit must be known, not only whether there is one."""
        return frozenset(self._located())

    @model_validator(mode="after")
    def _conditions_agree(self) -> Self:
        mine = self.everything()
        for name, condition in mine.items():
            for target in condition.references():
                if target == name:
                    raise ValueError(f"the condition {name} refers to itself: name another one")
                if target in mine and mine[target].kind in PLACELESS:
                    raise ValueError(
                        f"the condition {name} hangs on {target}, which has no moment in the call "
                        f"({mine[target].kind}): name a condition that is heard somewhere"
                    )
        _refuse_circles(mine)
        return self


class Check(_General):
    """Conditions of which an expression must hold (`expect`) or must not (`forbid`)."""

    effect: Effect | None = None
    applies: ExpressionText | None = None
    expect: ExpressionText | None = None
    forbid: ExpressionText | None = None
    unless: ExpressionText | None = None

    @property
    def goal(self) -> Expression:
        """What is expected or forbidden."""
        return parse(self.expect or self.forbid or "")

    def expressions(self) -> Iterator[Expression]:
        for text in (self.applies, self.expect, self.forbid, self.unless):
            if text is not None:
                yield parse(text)

    @cached_property
    def faults(self) -> frozenset[str]:
        """The conditions whose hits speak against the agent: these count only when surely heard."""
        against = self.forbid is not None
        mine = self.everything()
        direct = {name for name, positive in names(self.goal) if positive is against}
        anchors = {target for name in direct if name in mine for target in mine[name].references()}
        return frozenset(direct | anchors)

    @cached_property
    def complete(self) -> frozenset[str]:
        counted = {name for name, _ in names(self.goal)} if self.forbid or self._per_hit else set()
        return frozenset(self._located() | counted)

    @property
    def _per_hit(self) -> bool:
        return self.effect is not None and self.effect.per == "hit"

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        if (self.expect is None) == (self.forbid is None):
            raise ValueError("give either expect or forbid")
        _known_near(self, self.outside_names())
        unused = set(self.conditions) - _reached(self)
        for name in self.outside_names():
            if near := get_close_matches(name, sorted(unused), n=1):
                raise ValueError(f"{self.id} refers to {name!r}: did you mean {near[0]!r}?")
        if unused:
            raise ValueError(f"the condition {min(unused)} is used nowhere: remove it or name it in an expression")
        return self

    @model_validator(mode="after")
    def _customers_are_not_judged(self) -> Self:
        """What the customer says never counts against the agent."""
        counts = self.severity != "review" or (self.effect is not None and self.effect.points < 0)
        if not counts:
            return self
        if offending := _held_against(self):
            raise ValueError(
                f"{offending} holds what the customer may say against the agent: write role: agent, "
                "or severity: review without points to only point at it"
            )
        return self


def _held_against(check: Check) -> str | None:
    """Return a condition on the customer's words that alone can make the check fail, whatever the agent does."""
    against = {name: positive is (check.forbid is not None) for name, positive in names(check.goal)}
    theirs = {name for name in against if (one := check.conditions.get(name)) and _is_theirs(one)}
    worst = sorted(name for name in theirs if against[name])

    def fails(said: bool, others: bool) -> bool:
        def value(name: str) -> bool:
            if name not in theirs:
                return not against[name]
            return said if against[name] else others

        return evaluate(check.goal, value) is (check.forbid is not None)

    guilty = any(fails(True, others) and not fails(False, others) for others in (True, False))
    return worst[0] if worst and guilty else None


def _is_theirs(condition: CheckCondition) -> bool:
    return condition.speaker != "agent" and _is_speech(condition)


def _is_speech(condition: CheckCondition) -> bool:
    words = {"any", "all", "n_of", "similar", "regex", "entity", "near", "interruption", "speech_rate", "loudness"}
    return any(operator.kind in words for operator in condition.walk())


class Branch(Criteria):
    """Where a flow goes on when an expression holds."""

    when: ExpressionText
    go: Text


class Step(Criteria):
    """Something expected at its place in a flow."""

    id: ConditionName
    title: Text | None = None
    expect: CheckCondition
    within_turns: PositiveInt | None = None  # turns of the speaker after the step before
    within_s: PositiveFloat | None = None
    optional: bool = False
    points: float | None = Field(default=None, ge=-100, le=100)  # as in effect
    branches: tuple[Branch, ...] = ()
    next: Text | None = None

    @model_validator(mode="after")
    def _one_reach(self) -> Self:
        if self.within_s is not None and self.within_turns is not None:
            raise ValueError("give either within_s or within_turns")
        return self


class Flow(_General):
    """Steps that are expected one after the other; branches choose the way. Without the first step it is idle."""

    applies: ExpressionText | None = None
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MAX_STEPS)

    def everything(self) -> Mapping[str, CheckCondition]:
        return self._everything

    @cached_property
    def _everything(self) -> dict[str, CheckCondition]:
        return {**self.conditions, **{step.id: step.expect for step in self.steps}}

    def expressions(self) -> Iterator[Expression]:
        if self.applies is not None:
            yield parse(self.applies)
        for step in self.steps:
            yield from (parse(branch.when) for branch in step.branches)

    @cached_property
    def index(self) -> dict[str, int]:
        """The position of every step."""
        return {step.id: position for position, step in enumerate(self.steps)}

    @model_validator(mode="after")
    def _ways_lead_on(self) -> Self:
        known = [step.id for step in self.steps]
        for position, step in enumerate(self.steps):
            if step.id in known[:position] or step.id in self.conditions:
                raise ValueError(f"the name {step.id!r} is given twice: rename the step or the condition")
            if step.id == END:
                raise ValueError("a step cannot be called end, which ends the flow: rename it")
            for target in [*(branch.go for branch in step.branches), *((step.next,) if step.next else ())]:
                if target not in known and target != END:
                    raise ValueError(f"step {step.id} goes on to {target!r}: {did_you_mean(target, [*known, END])}")
                if target != END and known.index(target) <= position:
                    raise ValueError(f"step {step.id} goes back to {target!r}: only later steps or end can follow")
        _known_near(self, self.outside_names())
        return self


def _reached(check: Check) -> set[str]:
    todo = [name for expression in check.expressions() for name, _ in names(expression)]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen or name not in check.conditions:
            continue
        seen.add(name)
        todo.extend(check.conditions[name].references())
    return seen


def _known_near(rule: _General, outside: list[str]) -> None:
    """Refuse a rule that names itself; whether other names are rules is known to the whole set only."""
    if rule.id in outside:
        raise ValueError(f"{rule.id} refers to itself: name a condition or another rule")


def _refuse_circles(conditions: Mapping[str, CheckCondition]) -> None:
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ValueError(f"conditions refer to each other in a circle: {' → '.join((*path, name))}")
        if name in finished or name not in conditions:
            return
        for target in conditions[name].references():
            visit(target, (*path, name))
        finished.add(name)

    for name in conditions:
        visit(name, ())


__all__ = ["Check", "CheckCondition", "Effect", "ExpressionError", "Flow", "Operator", "Step", "Where"]
