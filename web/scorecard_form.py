"""The form of one entry of a draft: what was typed into it, as fields of the draft, and what it offers to choose from.

What does not fit its field, such as a word for a weight, is kept as it was typed: the page then says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from scoring.criteria_file import Place
from scoring.item_types import possible_answers
from scoring.marks import Answer
from scoring.phrase_set import PhraseSet, Rule
from scoring.scorecard_draft import Content, items_of
from scoring.scorecard_lint import as_written
from web.criteria_words import rule_view

Form = MultiDict[str, str]
EMPTY_ROWS = 2  # offered where there is no row yet; below rows there is one
MAX_ROWS = 60
MAX_LABELS = 12  # steps of a scale that have a field for their label each
NUMBER = re.compile(r"[-+]?\d{1,12}(?:[.,]\d{1,12})?")
# Fields of an item that only some types have; they go when the type is another.
TYPED = ("deduct", "deductions", "when", "options", "scale_from", "scale_to", "labels", "unit", "ranges")
# What a new type begins with.
BEGINNINGS: Mapping[str, Mapping[str, Any]] = {
    "choice": {"options": [{"name": "", "share": 1}, {"name": "", "share": 0}], "decide": "human"},
    "scale": {"scale_from": 1, "scale_to": 5, "decide": "human"},
    "number": {"ranges": [{"high": 0, "share": 1}, {"low": 1, "share": 0}], "decide": "human"},
    "text": {"weight": 0, "decide": "human"},
}
ADVISED = {
    "deduction": (Answer.MET, Answer.NOT_MET, Answer.NOT_APPLICABLE),
    "met": (Answer.MET, Answer.PARTLY, Answer.NOT_MET, Answer.NOT_APPLICABLE),
    "yes_no": (Answer.MET, Answer.NOT_MET, Answer.NOT_APPLICABLE),
}


def type_of(content: Content, item: Content) -> str:
    """Return the type of an item that may be half written."""
    kind = item.get("type")
    return str(kind) if kind else ("deduction" if content.get("method") == "deduct" else "met")


def advised(content: Content, item: Content) -> list[str]:
    """Return the answers that have a field for guidance each; options and deductions have it in their rows."""
    answers = ADVISED.get(type_of(content, item), (Answer.NOT_APPLICABLE,))
    return [answer.value for answer in answers]


# What was typed.


def read_entry(content: Content, place: Place, entry: Content, form: Form) -> Content:
    """Return the fields of the entry at `place` that a form gives; None takes a field away."""
    match place[-2] if place else None:
        case "items":
            return _read_item(content, entry, form)
        case "sections":
            return _texts(form, "id", "name")
        case "fatal":
            return {
                **_texts(form, "id", "name", "note"),
                **_choices(form, "effect", "check", "decide", "class"),
                **_checked(form, "rules"),
                **_advice(form, [Answer.MET.value, Answer.NOT_MET.value]),
            }
        case "bonus":
            return {**_texts(form, "id", "name", "note"), **_numbers(form, "points")}
    return _read_card(form)


def item_weights(content: Content, form: Form) -> Iterator[tuple[Place, Content]]:
    """Yield the weights of items that a form of their section, or of the whole card, gives."""
    for s, i, _ in items_of(content):
        name = f"weight-{s}-{i}"
        if name in form:
            yield ("sections", s, "items", i), {"weight": typed_number(form[name])}


def _read_card(form: Form) -> Content:
    fields: Content = {
        **_texts(form, "name"),
        **_choices(form, "language", "method"),
        **_numbers(form, "pass_mark", "min_answered", "bonus_cap"),
    }
    if "call_types" in form:
        fields["call_types"] = _parted(form["call_types"]) or None
    if "bands-0-name" in form:
        rows = _rows(form, "bands", "name", "floor")
        fields["bands"] = {row["name"]: typed_number(row["floor"]) for row in rows if row["name"]} or None
    for group, names in (("scale", ("met", "partly", "not_met")), ("floors", ("item", "section", "total"))):
        given = {name: typed_number(form[f"{group}-{name}"]) for name in names if form.get(f"{group}-{name}")}
        if any(f"{group}-{name}" in form for name in names):
            fields[group] = given or None
    return fields


def _read_item(content: Content, entry: Content, form: Form) -> Content:
    fields: Content = {
        **_texts(form, "id", "name", "na", "na_if", "note"),
        **_numbers(form, "weight"),
        **_choices(form, "type", "check", "decide", "class"),
        **_checked(form, "rules"),
        **_checked(form, "na_unless"),
        **_condition(form),
    }
    if "causes" in form:
        fields["causes"] = _lines(form["causes"]) or None
    before, after = type_of(content, entry), type_of(content, {**entry, **fields})
    if before != after:
        return fields | _retyped(entry, after)
    return {**fields, **_read_type(after, form), **_advice_of_rows(content, entry, after, form)}


def _retyped(entry: Content, kind: str) -> Content:
    """Return what changes in an item whose type becomes `kind`: fields of other types go."""
    gone: Content = dict.fromkeys(name for name in TYPED if name in entry)
    kept = {answer.value for answer in ADVISED.get(kind, (Answer.NOT_APPLICABLE,))}
    for name in ("guidance", "examples"):
        if name in entry and isinstance(entry[name], dict):
            gone[name] = {answer: text for answer, text in entry[name].items() if answer in kept} or None
    return gone | dict(BEGINNINGS.get(kind, {}))


def _read_type(kind: str, form: Form) -> Content:
    match kind:
        case "deduction" if "deduct-0-name" in form:
            rows = [row for row in _rows(form, "deduct", "name", "points", "when") if row["name"]]
            return {
                "deduct": {row["name"]: typed_number(row["points"]) for row in rows} or None,
                "when": {row["name"]: row["when"] for row in rows if row["when"]} or None,
                "deductions": "largest" if form.get("deductions") == "largest" else None,
            }
        case "choice" if "options-0-name" in form:
            rows = [row for row in _rows(form, "options", "name", "share", "when") if row["name"]]
            return {
                "options": [{"name": row["name"], "share": _share(row["share"])} for row in rows] or None,
                "when": {row["name"]: row["when"] for row in rows if row["when"]} or None,
            }
        case "scale" if "scale_from" in form:
            labels = {
                name.removeprefix("label-"): " ".join(text.split())
                for name, text in form.items()
                if name.startswith("label-") and text.strip()
            }
            return {**_numbers(form, "scale_from", "scale_to"), "labels": labels or None}
        case "number" if "ranges-0-share" in form:
            return {**_texts(form, "unit"), "ranges": [*_ranges(form)] or None}
        case "met" | "yes_no":
            names = [name for name in ("partly", "not_met") if f"when-{name}" in form]
            found = {name: text for name in names if (text := " ".join(form[f"when-{name}"].split()))}
            return {"when": found or None} if names else {}
    return {}


def _ranges(form: Form) -> Iterator[Content]:
    for row in _rows(form, "ranges", "low", "high", "share"):
        if any(row.values()):
            ends = {name: typed_number(row[name]) for name in ("low", "high") if row[name]}
            yield {**ends, "share": _share(row["share"])}


def _advice_of_rows(content: Content, entry: Content, kind: str, form: Form) -> Content:
    """Return guidance and examples: of answers, and of the rows of options or deductions."""
    fields = _advice(form, advised(content, entry))
    rows = {"deduction": "deduct", "choice": "options"}.get(kind)
    if rows is None or f"{rows}-0-name" not in form:
        return fields
    for name in ("guidance", "examples"):
        own = {row["name"]: row[name] for row in _rows(form, rows, "name", name) if row["name"] and row[name]}
        fields[name] = {**(fields.get(name) or {}), **own} or None
    return fields


def _advice(form: Form, answers: list[str]) -> Content:
    fields: Content = {}
    for name in ("guidance", "examples"):
        if any(f"{name}-{answer}" in form for answer in answers):
            texts = {answer: form.get(f"{name}-{answer}", "").strip().replace("\r\n", "\n") for answer in answers}
            fields[name] = {answer: text for answer, text in texts.items() if text} or None
    return fields


def _condition(form: Form) -> Content:
    if "only_if-item" not in form:
        return {}
    item = form["only_if-item"].strip()
    return {"only_if": {"item": item, "answers": form.getlist("only_if-answers")} if item else None}


def _texts(form: Form, *names: str) -> Content:
    """Return texts of one line; a note keeps its lines."""
    given = {name: form[name] for name in names if name in form}
    return {name: ("\n" if name == "note" else " ").join(_lines(text)) or None for name, text in given.items()}


def _numbers(form: Form, *names: str) -> Content:
    return {name: typed_number(form[name]) for name in names if name in form}


def _choices(form: Form, *names: str) -> Content:
    return {name: form[name] or None for name in names if name in form}


def _checked(form: Form, name: str) -> Content:
    """Return what is ticked; a hidden field beside the boxes says that they were there at all."""
    return {name: form.getlist(name) or None} if f"has-{name}" in form else {}


def _rows(form: Form, group: str, *names: str) -> Iterator[dict[str, str]]:
    for at in range(MAX_ROWS):
        if not any(f"{group}-{at}-{name}" in form for name in names):
            return
        yield {name: " ".join(form.get(f"{group}-{at}-{name}", "").split()) for name in names}


def _lines(text: str) -> list[str]:
    return [line for part in text.splitlines() if (line := " ".join(part.split()))]


def _parted(text: str) -> list[str]:
    return [part.strip() for part in re.split("[,，;；、]", text) if part.strip()]


def typed_number(text: str) -> int | float | str | None:
    """Return the number that was typed, None for nothing; other words stay as they are."""
    plain = " ".join(text.split())
    if not plain:
        return None
    if not NUMBER.fullmatch(plain):
        return plain[:40]
    value = float(plain.replace(",", "."))
    return int(value) if value.is_integer() else value


def _share(text: str) -> int | float | str | None:
    """Return the share that a percentage stands for."""
    percent = typed_number(text.replace("%", "").replace("％", ""))
    if not isinstance(percent, int | float):
        return percent
    share = round(percent / 100, 6)
    return int(share) if float(share).is_integer() else share


def percent_text(share: Any) -> str:
    """Return a share as the form shows it; what is no number as it was typed."""
    if isinstance(share, int | float) and not isinstance(share, bool):
        return f"{round(100 * share, 4):g}"
    return "" if share is None else str(share)


def plain_text(value: Any) -> str:
    """Return a value as a field shows it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


# What the form offers.


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """A rule of the phrase set that an item may be linked to."""

    id: str
    kind: str
    title: str
    wording: str  # the first that it listens for
    chosen: bool


def rule_choices(phrases: PhraseSet | None, chosen: Any, *, triggers: bool = False) -> list[RuleChoice]:
    """Return the rules of the set, those that are chosen first; chosen ones that it lacks stay to be taken off."""
    taken = [str(one) for one in chosen] if isinstance(chosen, list) else []
    offered = (phrases.triggers if triggers else list(phrases.rules())) if phrases else []
    found = [_rule_choice(rule, rule.id in taken) for rule in offered]
    names = {one.id for one in found}
    gone = [RuleChoice(name, "", "", "", True) for name in taken if name not in names]
    return sorted([*found, *gone], key=lambda one: not one.chosen)


def _rule_choice(rule: Rule, chosen: bool) -> RuleChoice:
    view = rule_view(rule)
    wordings = [wording for _, group in view.wordings for wording in group]
    return RuleChoice(rule.id, view.kind, getattr(rule, "title", None) or "", next(iter(wordings), ""), chosen)


def rows_of(entry: Content, name: str) -> list[Any]:
    """Return the rows of a table in the form, with empty ones below."""
    given = entry.get(name)
    rows = list(given.items()) if isinstance(given, dict) else list(given) if isinstance(given, list) else []
    blank: Any = ("", "") if name in ("deduct", "bands") else {}
    return [*rows, *[blank] * (1 if rows else EMPTY_ROWS)][:MAX_ROWS]


def steps_of(entry: Content) -> list[int]:
    """Return the steps of a scale that have a field for a label."""
    first, last = entry.get("scale_from"), entry.get("scale_to")
    if not isinstance(first, int) or not isinstance(last, int) or not first < last <= first + MAX_LABELS:
        return []
    return list(range(first, last + 1))


def earlier_items(content: Content, place: Place) -> list[Content]:
    """Return the items that the one at `place` may depend on."""
    here = (place[1], place[3]) if len(place) == 4 else (0, 0)
    return [
        item
        for s, i, item in items_of(content)
        if (s, i) < here and item.get("id") and type_of(content, item) != "text"
    ]


def answers_to(content: Content, identity: str) -> list[str]:
    """Return the answers that a condition on an item may name; none where the item cannot be read yet."""
    card, _unread = as_written(content)
    if card is None:
        return []
    for _, item in card.items():
        if item.id == identity:
            return list(possible_answers(item, card.type_of(item)))
    return []
