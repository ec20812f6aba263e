"""What a scorecard, a draft of one and its problems say, in words of the page's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from scoring.criteria_file import Place
from scoring.marks import Answer
from scoring.scorecard import FatalItem, Item, Scorecard
from scoring.scorecard_changes import EntryChange
from scoring.scorecard_lint import Problem
from web.criteria_words import CHECKS, CLASSES, DECIDERS, EFFECTS, METHODS
from web.i18n import ANSWERS, CALL_LANGUAGES, N_, format_number, named

TYPES = {
    "deduction": N_("Deductions"),
    "met": N_("Met, partly, not met"),
    "yes_no": N_("Yes or no"),
    "choice": N_("Choice"),
    "scale": N_("Scale"),
    "number": N_("Number"),
    "text": N_("Text, not scored"),
}
TYPE_ICONS = {
    "deduction": "circle-minus",
    "met": "square-check",
    "yes_no": "toggle-right",
    "choice": "list",
    "scale": "ruler-2",
    "number": "hash",
    "text": "typography",
}
FIELDS = {
    "id": N_("Id"),
    "version": N_("Version"),
    "name": N_("Title"),
    "language": N_("Language"),
    "call_types": N_("Kinds of calls"),
    "pass_mark": N_("Pass mark"),
    "method": N_("Method"),
    "scale": N_("What an answer earns"),
    "floors": N_("Floors"),
    "bonus_cap": N_("Bonus at most"),
    "min_answered": N_("Least answered for a score"),
    "bands": N_("Grades"),
    "sections": N_("Sections"),
    "section": N_("Section"),
    "items": N_("Items"),
    "order": N_("Order"),
    "fatal": N_("Fatal items"),
    "bonus": N_("Bonus"),
    "weight": N_("Weight"),
    "points": N_("Points"),
    "effect": N_("Effect"),
    "type": N_("Type of answer"),
    "check": N_("Looks at"),
    "rules": N_("Rules"),
    "decide": N_("Decided by"),
    "class": N_("Error class"),
    "na": N_("Not applicable when"),
    "na_if": N_("Not applicable by a fact of the call"),
    "na_unless": N_("Applies only if one of these occurs"),
    "only_if": N_("Asked only if"),
    "deduct": N_("Deductions"),
    "deductions": N_("Several deductions"),
    "when": N_("Conditions"),
    "options": N_("Options"),
    "scale_from": N_("From"),
    "scale_to": N_("To"),
    "labels": N_("Labels"),
    "unit": N_("Unit"),
    "ranges": N_("Ranges"),
    "guidance": N_("Guidance"),
    "examples": N_("Examples"),
    "causes": N_("Root causes"),
    "note": N_("Note"),
    "share": N_("Earns"),
    "low": N_("From"),
    "high": N_("To"),
    "item": N_("Item"),
    "total": N_("Total"),
    "met": N_("Met"),
    "partly": N_("Partly met"),
    "not_met": N_("Not met"),
    "not_applicable": N_("Not applicable"),
}
DEDUCTIONS = {"sum": N_("add up"), "largest": N_("only the largest counts")}
PARTS = {
    "card": N_("Scorecard"),
    "section": N_("Section"),
    "item": N_("Item"),
    "fatal": N_("Fatal item"),
    "bonus": N_("Bonus item"),
}
CHANGE_KINDS = {"added": N_("New"), "removed": N_("Removed"), "changed": N_("Changed")}
ENTRY_LISTS = ("sections", "items", "fatal", "bonus")
# Values that are words of the criteria, by field.
VALUES: Mapping[str, Mapping[str, str]] = {
    "type": TYPES,
    "check": CHECKS,
    "decide": DECIDERS,
    "class": CLASSES,
    "effect": EFFECTS,
    "method": METHODS,
    "deductions": DEDUCTIONS,
    "language": CALL_LANGUAGES,
}


@dataclass(frozen=True, slots=True)
class ProblemView:
    """A problem as it is listed: where, what, and the entry of the draft to go to."""

    severity: str
    where: str
    text: str
    entry: Place
    field: str | None  # of that entry


def problem_views(problems: Sequence[Problem], content: Mapping[str, Any]) -> list[ProblemView]:
    return [
        ProblemView(one.severity, where_words(one.place, content), problem_text(one), *entry_and_field(one.place))
        for one in problems
    ]


def problem_text(problem: Problem) -> str:
    """Return what is wrong, in the page's language."""
    return gettext(problem.message, **problem.values) if problem.values else gettext(problem.message)


def entry_and_field(place: Place) -> tuple[Place, str | None]:
    """Return the entry that a place belongs to, and the field of it."""
    entry: Place = ()
    for at in range(0, len(place) - 1, 2):
        if place[at] in ENTRY_LISTS and isinstance(place[at + 1], int):
            entry = place[: at + 2]
        else:
            break
    rest = place[len(entry) :]
    return entry, str(rest[0]) if rest else None


def where_words(place: Place, content: Mapping[str, Any]) -> str:
    """Return where a place is, for people: the entry's id, then names of fields."""
    entry, field = entry_and_field(place)
    words = [entry_title(entry, content)]
    for step in place[len(entry) :]:
        words.append(str(step + 1) if isinstance(step, int) else named(FIELDS, step))
    return " · ".join(word for word in words if word) if field or entry else gettext("Scorecard")


def entry_title(entry: Place, content: Mapping[str, Any]) -> str:
    """Return the id of an entry; one without an id goes by its number."""
    if not entry:
        return ""
    spot: Any = content
    try:
        for step in entry:
            spot = spot[step]
        identity = spot.get("id")
    except (KeyError, IndexError, TypeError, AttributeError):
        identity = None
    number = entry[-1]
    shown = str(identity or (number + 1 if isinstance(number, int) else number))
    return f"{gettext('Section')} {shown}" if entry[-2] == "sections" else shown


def place_code(place: Place) -> str:
    """Return a place as it stands in addresses and forms: sections.0.items.2."""
    return ".".join(str(step) for step in place)


def read_place(code: str) -> Place:
    """Return the place of a code; what is no place of an entry is the card as a whole."""
    steps: list[int | str] = []
    for step in code.split(".") if code else []:
        if step.isascii() and step.isdigit() and len(step) < 5:
            steps.append(int(step))
        elif step in ENTRY_LISTS:
            steps.append(step)
        else:
            return ()
    return tuple(steps)


# What is another.


@dataclass(frozen=True, slots=True)
class FieldView:
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One part of a card that is another, as the page lists it."""

    part: str
    kind: str
    kind_name: str
    id: str
    name: str
    weight_before: float | None
    weight_after: float | None
    fields: list[FieldView]


def change_views(changes: Sequence[EntryChange]) -> list[ChangeView]:
    return [
        ChangeView(
            gettext(PARTS[one.part]),
            one.kind,
            gettext(CHANGE_KINDS[one.kind]),
            one.id,
            one.name,
            one.weight_before,
            one.weight_after,
            [
                FieldView(named(FIELDS, name), value_text(name, before), value_text(name, after))
                for name, before, after in ((field.name, field.before, field.after) for field in one.fields)
                if name != "weight"
            ],
        )
        for one in changes
    ]  # fmt: skip


def value_text(field: str, value: Any) -> str:
    """Return the value of a field as people read it."""
    if value is None or value in ([], {}, ""):
        return "–"
    if isinstance(value, str):
        return named(VALUES[field], value) if field in VALUES else value
    if field == "share" and isinstance(value, int | float):
        return f"{format_number(round(100 * value, 2))} %"
    if isinstance(value, bool) or not isinstance(value, int | float | list | dict):
        return str(value)
    if isinstance(value, int | float):
        return format_number(value)
    if isinstance(value, dict):
        return "\n".join(_pairs(value))
    separator = "\n" if any(isinstance(one, dict) for one in value) else gettext(", ")
    return separator.join(_entry_text(field, one) for one in value)


def _entry_text(field: str, value: Any) -> str:
    if not isinstance(value, dict):
        return value_text(field, value)
    if field == "options":
        return f"{value.get('name', '')}{gettext(': ')}{value_text('share', value.get('share'))}"
    if field == "ranges":
        ends = [value_text(name, value.get(name)) if value.get(name) is not None else "…" for name in ("low", "high")]
        return f"{' – '.join(ends)}{gettext(': ')}{value_text('share', value.get('share'))}"
    return gettext(", ").join(f"{named(FIELDS, name)} {value_text(name, child)}" for name, child in value.items())


def _pairs(value: Mapping[str, Any]) -> Iterator[str]:
    for name, child in value.items():
        yield f"{named(FIELDS, name)}{gettext(': ')}{value_text(name, child)}"


def item_details(card: Scorecard, item: Item) -> list[tuple[str, str]]:
    """Return what an item says beside its name and weight, as (name of the field, text)."""
    content = item.model_dump(mode="json", exclude_defaults=True)
    found = [(named(FIELDS, "type"), gettext(TYPES[card.type_of(item)]))]
    if item.type == "scale":
        found.append((named(TYPES, "scale"), f"{item.scale_from} – {item.scale_to}"))
    found += [
        (gettext(FIELDS[name]), value_text(name, content[name]))
        for name in ("options", "labels", "ranges")
        if name in content
    ]
    if item.only_if is not None:
        answers = gettext(", ").join(answer_words(name) for name in item.only_if.answers)
        found.append((named(FIELDS, "only_if"), f"{item.only_if.item}{gettext(': ')}{answers}"))
    return found + advice_details(item)


def advice_details(item: Item | FatalItem) -> list[tuple[str, str]]:
    """Return guidance, examples and root causes as (name of the field, text)."""
    content = item.model_dump(mode="json", exclude_defaults=True)
    names = [name for name in ("guidance", "examples", "causes") if name in content]
    return [(gettext(FIELDS[name]), value_text(name, content[name])) for name in names]


def answer_words(name: str) -> str:
    """Return how an answer that a condition names is called: an answer, or an option by its own name."""
    return gettext(ANSWERS[Answer(name)]) if name in {answer.value for answer in Answer} else name
