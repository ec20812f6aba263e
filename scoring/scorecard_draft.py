"""The content of a scorecard that is being written, and the changes that an editor makes to it.

A draft is plain values in the shape of scoring.scorecard.Scorecard, as far as they are written. Every function returns
a new content and leaves the one that it was given alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, Literal

from scoring.criteria_file import Place
from scoring.weights import spread

Content = dict[str, Any]
Act = Literal["up", "down", "duplicate", "remove"]
LISTS = ("sections", "fatal", "bonus")


class NoSuchPlace(LookupError):
    """The draft has nothing there: it was changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Weight:
    """The weight of one item as it is written, and what it comes to."""

    id: str
    weight: float | None  # None: not written, or no number
    effective: float | None  # of 100, when everything that is not away is answered


def new_card(key: str, name: str, language: str, method: str) -> Content:
    """Return a card with a first section and item, to be filled in."""
    card: Content = {
        "id": key,
        "version": 1,
        "name": name,
        "language": language,
        "method": method,
        "bands": {"A": 90, "B": 80, "C": 0},
        "sections": [],
    }
    return add(add(card, ("sections",))[0], ("sections", 0, "items"))[0]


def entry_at(content: Content, place: Place) -> Content:
    """Return the section, item, fatal or bonus item at `place`, or the card itself for ().

    Raises:
        NoSuchPlace: there is none.
    """
    spot: Any = content
    for step in place:
        try:
            spot = spot[step]
        except (KeyError, IndexError, TypeError):
            raise NoSuchPlace(step) from None
    if not isinstance(spot, dict):
        raise NoSuchPlace(place)
    return spot


def changed(content: Content, place: Place, fields: Mapping[str, Any]) -> Content:
    """Return the content with fields of the entry at `place` replaced; None takes a field away."""
    new = copy.deepcopy(content)
    entry = entry_at(new, place)
    for name, value in fields.items():
        if value is None:
            entry.pop(name, None)
        else:
            entry[name] = value
    return summed(new)


def add(content: Content, place: Place) -> tuple[Content, Place]:
    """Return the content with a new entry at the end of the list at `place`, and where that stands.

    Raises:
        NoSuchPlace: it is no list of a card.
    """
    new = copy.deepcopy(content)
    name = place[-1] if place else None
    entries = entry_at(new, place[:-1]).setdefault(str(name), [])
    make = _NEW.get(str(name))
    if make is None or not isinstance(entries, list):
        raise NoSuchPlace(place)
    entries.append(make(new, place))
    return summed(new), (*place, len(entries) - 1)


def acted(content: Content, place: Place, act: Act) -> tuple[Content, Place]:
    """Return the content with the entry at `place` moved, duplicated or removed, and where to go on.

    An item at the end of its section moves into the next one. What cannot move stays.

    Raises:
        NoSuchPlace: there is no such entry.
    """
    new = copy.deepcopy(content)
    entry = entry_at(new, place)
    *above, at = place
    siblings = entry_of_list(new, tuple(above))
    assert isinstance(at, int)
    goal: Place = place
    match act:
        case "up" | "down":
            goal = _moved(new, place, siblings, -1 if act == "up" else 1)
        case "duplicate":
            twin = copy.deepcopy(entry)
            _rename(new, twin)
            siblings.insert(at + 1, twin)
            goal = (*above, at + 1)
        case "remove":
            del siblings[at]
            goal = (*above, min(at, len(siblings) - 1)) if siblings else tuple(above[:-1])
    return summed(new), goal


def _moved(content: Content, place: Place, siblings: list[Content], step: int) -> Place:
    *above, at = place
    assert isinstance(at, int)
    if 0 <= at + step < len(siblings):
        siblings[at], siblings[at + step] = siblings[at + step], siblings[at]
        return (*above, at + step)
    if len(place) == 4 and isinstance(place[1], int) and 0 <= place[1] + step < len(content["sections"]):
        items = content["sections"][place[1] + step].setdefault("items", [])
        to = len(items) if step < 0 else 0
        items.insert(to, siblings.pop(at))
        return ("sections", place[1] + step, "items", to)
    return place


def entry_of_list(content: Content, place: Place) -> list[Content]:
    """Return the list of entries at `place`.

    Raises:
        NoSuchPlace: there is none.
    """
    entries = entry_at(content, place[:-1]).get(str(place[-1])) if place else None
    if not isinstance(entries, list):
        raise NoSuchPlace(place)
    return entries


def summed(content: Content) -> Content:
    """Return the content with each section weighing what its items add up to."""
    for section in content.get("sections", []):
        weights = [number(item.get("weight")) for item in section.get("items", [])]
        total = sum(weight for weight in weights if weight is not None)
        section["weight"] = int(total) if float(total).is_integer() else round(total, 6)
    return content


def number(value: Any) -> float | None:
    """Return `value` where it is a number."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def total_weight(content: Content) -> float:
    """Return what all items weigh together; a card that can be used weighs 100."""
    weights = (number(item.get("weight")) for _, _, item in items_of(content))
    return round(sum(weight for weight in weights if weight is not None), 6)


def items_of(content: Content) -> list[tuple[int, int, Content]]:
    """Return every item with the index of its section and its own."""
    return [
        (s, i, item)
        for s, section in enumerate(content.get("sections", []))
        for i, item in enumerate(section.get("items", []))
    ]


def weights(content: Content, away: str | None = None) -> dict[tuple[int, int], Weight]:
    """Return the weights of all items by section and item.

    Args:
        away: id of a section that does not apply; its weight goes to the others.
    """
    sections: list[tuple[float, list[tuple[tuple[int, int], float]]]] = []
    for s, section in enumerate(content.get("sections", [])):
        written = [(i, number(item.get("weight")) or 0.0) for i, item in enumerate(section.get("items", []))]
        live = [((s, i), weight) for i, weight in written if weight > 0]
        if live and (away is None or section.get("id") != away):
            sections.append((sum(weight for _, weight in live), live))
    effective = spread(sections)
    return {
        (s, i): Weight(str(item.get("id", "")), number(item.get("weight")), effective.get((s, i)))
        for s, i, item in items_of(content)
    }


# New entries.


def _new_section(content: Content, _place: Place) -> Content:
    return {"id": _free_letter(content), "name": "", "weight": 0, "items": []}


def _new_item(content: Content, place: Place) -> Content:
    section = entry_at(content, place[:-1])
    identity = _free(str(section.get("id") or "I"), _taken(content))
    return {"id": identity, "name": "", "check": "manual", "decide": "human"}


def _new_fatal(content: Content, _place: Place) -> Content:
    return {"id": _free("F", _taken(content)), "name": "", "effect": "zero", "check": "manual", "decide": "human"}


def _new_bonus(content: Content, _place: Place) -> Content:
    return {"id": _free("P", _taken(content)), "name": "", "points": 1}


_NEW: Mapping[str, Callable[[Content, Place], Content]] = {
    "sections": _new_section,
    "items": _new_item,
    "fatal": _new_fatal,
    "bonus": _new_bonus,
}


def _taken(content: Content) -> set[str]:
    """Return the ids of everything that is answered."""
    ids = {str(item.get("id")) for _, _, item in items_of(content)}
    return ids | {str(entry.get("id")) for name in ("fatal", "bonus") for entry in content.get(name, [])}


def _free_letter(content: Content) -> str:
    """Return an id for a new section: the first letter that none has."""
    taken = {str(section.get("id")) for section in content.get("sections", [])}
    return next((letter for letter in ascii_uppercase if letter not in taken), None) or _free("S", taken)


def _free(prefix: str, taken: set[str]) -> str:
    at = 1
    while f"{prefix}{at}" in taken:
        at += 1
    return f"{prefix}{at}"


def _rename(content: Content, twin: Content) -> None:
    """Give a duplicate, and the items in it, ids of their own."""
    taken = _taken(content)
    if "items" in twin:
        twin["id"] = _free_letter(content)
        for item in twin["items"]:
            item["id"] = _free(str(twin["id"]), taken)
            taken.add(item["id"])
        return
    twin["id"] = _free(str(twin.get("id", "I")).rstrip("0123456789") or "I", taken)
