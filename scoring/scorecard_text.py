"""A scorecard as text: written as YAML, and read back as far as it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoring.criteria_file import CriteriaError, plain, read_nodes, write_criteria
from scoring.scorecard import Scorecard

ROOT = "scorecard"
LISTS = ("sections", "bonus", "fatal")  # of a card, whose entries are mappings
# The order in which a card and its parts are written.
ORDER = (
    "id", "version", "name", "language", "call_types", "method", "pass_mark", "scale", "floors", "bonus_cap",
    "min_answered", "bands", "weight", "points", "effect", "type", "check", "rules", "decide", "class", "na", "na_if",
    "na_unless", "only_if", "deduct", "deductions", "when", "options", "scale_from", "scale_to", "labels", "unit",
    "ranges", "guidance", "examples", "causes", "note", "sections", "items", "fatal", "bonus",
)  # fmt: skip


def card_content(card: Scorecard) -> dict[str, Any]:
    """Return what a card says, without what is as by default."""
    return card.model_dump(mode="json", exclude_defaults=True)


def card_yaml(content: Mapping[str, Any]) -> str:
    """Return the text of a card, or of one that is half written; comments are not part of it."""
    return write_criteria({ROOT: _ordered(content)})


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        known = [name for name in ORDER if name in value]
        return {name: _ordered(value[name]) for name in (*known, *(name for name in value if name not in known))}
    return [_ordered(child) for child in value] if isinstance(value, list | tuple) else value


def read_card_text(text: str) -> dict[str, Any]:
    """Return what the text of a card says; it may be half written or wrong, but has to have the form of a card.

    Raises:
        CriteriaError: it is not readable as YAML, or something stands where sections and items are expected.
    """
    node = read_nodes(text, ROOT)
    content = plain(node)
    if not isinstance(content, dict):
        raise CriteriaError(f"<text>:{node.start_mark.line + 1}: {ROOT}: expected fields such as name and sections")
    for name in LISTS:
        _refuse_other_than_entries(content, name, name)
    for at, section in enumerate(content.get("sections", [])):
        _refuse_other_than_entries(section, "items", f"sections[{at}].items")
    return content


def _refuse_other_than_entries(content: dict[str, Any], name: str, place: str) -> None:
    entries = content.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CriteriaError(f"<text>: {place}: expected a list of entries, each with its fields")
