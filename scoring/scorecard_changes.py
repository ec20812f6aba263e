"""What is another between two scorecards: entries added, removed and changed, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scoring.scorecard import Scorecard
from scoring.scorecard_text import LISTS

Part = Literal["card", "section", "item", "fatal", "bonus"]
Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: plain values before and after; None where it was or is not there."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One part of the card that was added, removed or changed; entries are the same if their ids are."""

    part: Part
    kind: Kind
    id: str
    name: str
    weight_before: float | None  # of an item or section
    weight_after: float | None
    fields: tuple[FieldChange, ...] = ()  # of what was changed, weight among them


def changes(before: Scorecard, after: Scorecard) -> list[EntryChange]:
    """Return what is another in `after`, in its order, what was removed last; versions and ids of cards do not
    matter."""
    old, new = _plain(before), _plain(after)
    found: list[EntryChange] = []
    whole = tuple(_fields(_without(old, *LISTS, "id", "version"), _without(new, *LISTS, "id", "version")))
    if whole:
        found.append(EntryChange("card", "changed", after.id, after.name or after.id, None, None, whole))
    parts: Sequence[Part] = ("section", "item", "fatal", "bonus")
    for part in parts:
        found += _entries(part, _listed(old, part), _listed(new, part))
    return found


def _plain(card: Scorecard) -> dict[str, Any]:
    """Return a card as plain values; one without a name goes by its id."""
    return {"name": card.id, **card.model_dump(mode="json", exclude_defaults=True)}


def _listed(content: Mapping[str, Any], part: Part) -> dict[str, dict[str, Any]]:
    """Return the entries of one kind by id; items know their section, sections the order of their items."""
    sections = content.get("sections", ())
    match part:
        case "section":
            return {one["id"]: _without(one, "items") | {"order": [i["id"] for i in one["items"]]} for one in sections}
        case "item":
            return {item["id"]: {**item, "section": one["id"]} for one in sections for item in one["items"]}
    return {one["id"]: one for one in content.get(part, ())}


def _entries(part: Part, old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> Iterator[EntryChange]:
    for identity, entry in new.items():
        if identity not in old:
            yield _entry(part, "added", identity, {}, entry)
            continue
        fields = tuple(_fields(*_orders(part, old[identity], entry)))
        if fields:
            yield _entry(part, "changed", identity, old[identity], entry, fields)
    for identity, entry in old.items():
        if identity not in new:
            yield _entry(part, "removed", identity, entry, {})


def _orders(part: Part, old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both sections with the order of the items that both have: what came and went is told elsewhere."""
    if part != "section":
        return old, new
    both = set(old["order"]) & set(new["order"])
    return tuple(one | {"order": [name for name in one["order"] if name in both]} for one in (old, new))  # type: ignore[return-value]


def _entry(
    part: Part,
    kind: Kind,
    identity: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    fields: tuple[FieldChange, ...] = (),
) -> EntryChange:
    return EntryChange(
        part, kind, identity, str((new or old).get("name", "")), old.get("weight"), new.get("weight"), fields
    )


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldChange]:
    names = [*old, *(name for name in new if name not in old)]
    for name in names:
        before, after = old.get(name), new.get(name)
        if before != after:
            yield FieldChange(name, before, after)


def _without(content: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in names}
