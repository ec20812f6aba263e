"""The form beside a rule's text: each value of the rule with a name for people, and what was typed into it.

It shows every kind of rule: what it does not know by name it shows by the name that the text uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from scoring.criteria_file import CriteriaError
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.rule_text import RuleField, RuleText, Step, Value, fields_of, rules_in
from web.criteria_words import SEVERITIES, RuleView, rule_view
from web.i18n import N_, SPEAKERS

FIELD_NAMES: dict[str, str] = {
    "title": N_("Title"),
    "role": N_("Who speaks"),
    "window": N_("Where"),
    "start_s": N_("first seconds"),
    "end_s": N_("last seconds"),
    "start_turns": N_("first turns"),
    "end_turns": N_("last turns"),
    "start_percent": N_("first percent"),
    "end_percent": N_("last percent"),
    "parts": N_("Part"),
    "kinds": N_("Kind"),
    "any": N_("Any of these"),
    "all": N_("All of these"),
    "n_of": N_("Some of these"),
    "none": N_("None of these"),
    "similar": N_("Similar to"),
    "at_least": N_("at least"),
    "unless": N_("Unless"),
    "not": N_("Except"),
    "excused_by": N_("Excused by"),
    "unless_person": N_("Exceptions for a person to judge"),
    "severity": N_("Severity"),
    "confirm": N_("Confirmed by"),
    "order_after": N_("In order after"),
    "after": N_("After"),
    "before": N_("Before"),
    "anchor": N_("Next to"),
    "rule": N_("rule"),
    "event": N_("event"),
    "side": N_("side"),
    "within_s": N_("within seconds"),
    "within_turns": N_("within turns"),
    "reply": N_("Reply"),
    "na_if": N_("Not applicable if"),
    "part_na_if": N_("Part not applicable if"),
    "conditions": N_("Condition"),
    "applies": N_("Applies if"),
    "expect": N_("Expected"),
    "forbid": N_("Forbidden"),
    "effect": N_("Effect"),
    "points": N_("points"),
    "steps": N_("Step"),
    "low": N_("at least"),
    "high": N_("at most"),
    "over_s": N_("longer than seconds"),
    "under_s": N_("shorter than seconds"),
    "grave_s": N_("grave above seconds"),
    "overlap_s": N_("seconds of overlap"),
    "regex": N_("Regular expression"),
    "without": N_("but not"),
    "read_back": N_("Reads back"),
    "entity": N_("Value"),
    "near": N_("Near each other"),
    "to": N_("to"),
    "words": N_("words apart"),
    "repeated": N_("Said again"),
    "times": N_("times"),
    "silence": N_("Silence"),
    "response_time": N_("Time to answer"),
    "speech_rate": N_("Speech rate"),
    "interruption": N_("Interruption"),
    "loudness": N_("Loudness"),
    "pickup_gap": N_("Silence after pick-up"),
    "hangup_gap": N_("Silence before hang-up"),
    "duration": N_("Length of the call"),
    "turns": N_("Turns"),
    "field": N_("Field of the call"),
    "name": N_("name"),
    "over": N_("more than"),
    "under": N_("less than"),
    "is": N_("is"),
    "is_not": N_("is not"),
    "around": N_("Around"),
    "same_turn": N_("In the turn of"),
    "hit": N_("which hit"),
    "outside": N_("Everywhere else"),
    "starts_turn": N_("Begins the turn"),
    "in_turn": N_("All in one turn"),
    "match": N_("Compared by"),
    "hits": N_("hits in all"),
    "needs_person": N_("A person must look"),
    "per": N_("per"),
    "at_most": N_("at most"),
    "optional": N_("May be left out"),
    "branches": N_("Branch"),
    "when": N_("if"),
    "go": N_("go to"),
    "next": N_("then"),
    "speaks": N_("Speaks"),
    "effective": N_("In effect"),
    "from": N_("from the day"),
    "until": N_("until the day"),
}
# The lists of a phrase set that hold rules.
RULE_GROUPS: dict[str, str] = {
    "required": N_("Must be said"),
    "conditional": N_("Must be said when it applies"),
    "triggers": N_("Signs"),
    "forbidden": N_("Must not be said"),
    "acoustic": N_("Measured"),
    "checks": N_("Checks"),
    "flows": N_("Flows"),
}
OWN_NAMES = frozenset({"parts", "kinds", "conditions", "part_na_if"})  # fields whose keys the rule's author chose
CHOICES: dict[str, dict[str, str]] = {
    "role": {**{name: SPEAKERS[name] for name in ("agent", "customer")}, "any": N_("Anybody")},
    "severity": SEVERITIES,
    "side": {"before": N_("before"), "after": N_("after")},
}
# The usual errors of a text, as scoring.criteria_file words them.
ADVICE: dict[re.Pattern[str], str] = {
    re.compile(r"(?P<place>\S+): is missing: add it"): N_("%(place)s: is missing: add it"),
    re.compile(r"(?P<place>\S+): unknown field: remove it or correct its spelling"): N_(
        "%(place)s: unknown field: remove it or correct its spelling"
    ),
    re.compile(r"(?P<place>\S+): is empty: add at least one"): N_("%(place)s: is empty: add at least one"),
    re.compile(r"(?P<place>\S+): (?P<found>.+) is not one of (?P<known>.+)"): N_(
        "%(place)s: %(found)s is not one of %(known)s"
    ),
    re.compile(r"(?P<place>\S+): is no day: write it as 2026-12-31"): N_(
        "%(place)s: is no day: write it as 2026-12-31"
    ),
    re.compile(r"not readable as YAML: (?P<problem>.+)", re.DOTALL): N_("not readable as YAML: %(problem)s"),
    re.compile(r"the file is empty"): N_("the text is empty"),
    re.compile(r"the whole: the rule (?P<rule>.+) is given twice: rename one of them"): N_(
        "the rule %(rule)s is given twice: rename one of them"
    ),
    re.compile(r"the whole: (?P<rule>.+) refers to (?P<target>.+), which is not a rule here: correct the name"): N_(
        "%(rule)s refers to %(target)s, which is not a rule here: correct the name"
    ),
}
PLACE = re.compile(r"<text>:(\d+): (.*)", re.DOTALL)
WHOLE = re.compile(r"[-+]?\d{1,18}")
DECIMAL = re.compile(r"[-+]?\d{1,18}\.\d{1,18}")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the text; the line is None where the whole is meant."""

    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a rule as a form shows it."""

    name: str  # of the input
    label: str
    kind: str  # "lines", "choice", "number", "flag" or "text"
    value: str
    rows: int = 1
    choices: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of a phrase set while it is edited: what it says, or what is wrong with it."""

    text: str
    phrases: PhraseSet | None
    problems: tuple[Problem, ...]
    rules: tuple[RuleText, ...]  # as far as the text can be read at all
    chosen: RuleText | None

    @property
    def groups(self) -> list[tuple[str, list[RuleText]]]:
        """The rules under the lists that they stand in, in the order of the text."""
        found: dict[str, list[RuleText]] = {}
        for rule in self.rules:
            found.setdefault(rule.group, []).append(rule)
        return list(found.items())

    @property
    def view(self) -> RuleView | None:
        """The chosen rule in sentences."""
        rule = self.phrases.by_id.get(self.chosen.id) if self.phrases and self.chosen else None
        return rule_view(rule) if rule else None

    @property
    def fields(self) -> list[Field]:
        """The values of the chosen rule."""
        return list(_fields(self.chosen)) if self.chosen else []


def read_draft(text: str, chosen: str | None = None) -> Draft:
    """Return what `text` says, with the rule `chosen`, else its first."""
    problems: list[Problem] = []
    phrases = None
    rules: list[RuleText] = []
    try:
        rules = rules_in(text)
        phrases = load_phrase_set(text)
    except CriteriaError as error:
        problems = list(dict.fromkeys(_problem(line) for line in str(error).split("\n")))
    rule = next((rule for rule in rules if rule.id == chosen), rules[0] if rules else None)
    return Draft(text, phrases, tuple(problems), tuple(rules), rule)


def _problem(line: str) -> Problem:
    match = PLACE.fullmatch(line)
    return Problem(int(match[1]), _advice(match[2])) if match else Problem(None, _advice(line.removeprefix("<text>: ")))


def _advice(message: str) -> str:
    """Return what is wrong in the page's language, as far as it is one of the usual errors."""
    for pattern, translated in ADVICE.items():
        if match := pattern.fullmatch(message):
            return gettext(translated, **match.groupdict())
    return message


def _fields(rule: RuleText) -> Iterator[Field]:
    for index, field in enumerate(fields_of(rule.content)):
        yield _field(f"field-{index}", _label(rule.content, field.path), field)


def _field(name: str, label: str, field: RuleField) -> Field:
    key, value = str(field.path[-1]), field.value
    if isinstance(value, list):
        text = "\n".join(value)
        return Field(name, label, "lines", text, rows=min(12, max(2, len(value) + 1)))
    if key in CHOICES and value in CHOICES[key]:
        return Field(name, label, "choice", str(value), choices=CHOICES[key])
    if isinstance(value, bool):
        return Field(name, label, "flag", "true" if value else "false")
    if isinstance(value, int | float):
        return Field(name, label, "number", f"{value:g}" if abs(value) < 1e6 else str(value))
    return Field(name, label, "text", value)


def _label(content: Mapping[str, Any], path: Sequence[Step]) -> str:
    """Return where a value stands, for people: ("parts", "greeting") is "Part: greeting"."""
    words, place = [], content
    for at, step in enumerate(path):
        place = place[step]  # type: ignore[index]
        words.append(_step_name(path, at, place))
    return gettext(": ").join(words)


def _step_name(path: Sequence[Step], at: int, place: Any) -> str:
    """Return the name of one step; below parts, kinds and conditions, and of steps, the names are the rule's own."""
    step = path[at]
    if isinstance(step, int):
        return str(place["id"] if isinstance(place, Mapping) and "id" in place else step + 1)
    own = at > 0 and path[at - 1] in OWN_NAMES
    return gettext(FIELD_NAMES[step]) if step in FIELD_NAMES and not own else step


def typed_values(rule: RuleText, form: Mapping[str, str]) -> list[tuple[tuple[Step, ...], Value]]:
    """Return the values that a form gave for the fields of `rule`; those that the form lacks stay as they are.

    What does not fit its field, such as a word for a number, is kept as it was typed: the text then says what is wrong.
    """
    found = []
    for index, field in enumerate(fields_of(rule.content)):
        typed = form.get(f"field-{index}")
        if typed is not None:
            found.append((field.path, _typed(typed, field.value)))
    return found


def _typed(typed: str, before: Value) -> Value:
    if isinstance(before, list):
        return [line.strip() for line in typed.splitlines() if line.strip()]
    text = " ".join(typed.split())
    if isinstance(before, bool):
        return text == "true" if text in ("true", "false") else text
    if isinstance(before, int | float):
        if WHOLE.fullmatch(text):
            number = int(text)
            return before if number == before else number
        return float(text) if DECIMAL.fullmatch(text) else text
    return text
