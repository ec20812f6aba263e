"""A phrase set as text that people edit: written as YAML, taken apart into its rules, one rule put back.

The text is the truth. What a form changes is written into it, in the place of the rule and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from scoring.criteria_file import plain, read_nodes, write_criteria
from scoring.phrase_set import PhraseSet

ROOT = "phrase_set"
Step = str | int
Value = str | int | float | bool | list[str]


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule as it stands in the text of a phrase set."""

    id: str
    group: str  # the list that it stands in, for example "forbidden"
    line: int  # its first line, from 1
    start: int  # its place in the text, in characters
    end: int
    column: int
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RuleField:
    """One value of a rule that a form can show: where it stands in the rule, and what it is."""

    path: tuple[Step, ...]
    value: Value


def to_yaml(phrases: PhraseSet) -> str:
    """Return `phrases` as YAML that load_phrase_set reads back to the same; what is as by default is left out."""
    content = phrases.model_dump(mode="json", exclude_defaults=True)
    return write_criteria({ROOT: content})


def rules_in(text: str) -> list[RuleText]:
    """Return every rule of a phrase set's text, also of one that cannot be used yet.

    Raises:
        CriteriaError: the text is not readable as YAML.
    """
    root = read_nodes(text, ROOT)
    return list(_rules(root)) if isinstance(root, yaml.MappingNode) else []


def _rules(root: yaml.MappingNode) -> Iterator[RuleText]:
    for key, group in root.value:
        if not isinstance(group, yaml.SequenceNode):
            continue
        for node in group.value:
            content = plain(node) if isinstance(node, yaml.MappingNode) else {}
            if isinstance(content.get("id"), str):
                begin = node.start_mark
                yield RuleText(content["id"], key.value, begin.line + 1, begin.index, _end(node), begin.column, content)


def _end(node: yaml.Node) -> int:
    """Return where the last word of `node` ends; YAML lets a block reach to whatever comes next, comments included."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    end: int = node.end_mark.index
    return end


def fields_of(content: dict[str, Any]) -> list[RuleField]:
    """Return what a form can show of a rule: its plain values and lists of text, however deep; ids are not among
    them, for others name them."""
    return [field for field in _fields((), content) if field.path[-1] != "id"]


def _fields(path: tuple[Step, ...], value: Any) -> Iterator[RuleField]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _fields((*path, name), child)
    elif isinstance(value, list) and all(isinstance(entry, str | int) for entry in value):
        yield RuleField(path, [str(entry) for entry in value])
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _fields((*path, index), child)
    elif value is not None:
        yield RuleField(path, value)


def with_values(content: dict[str, Any], values: Sequence[tuple[tuple[Step, ...], Value]]) -> dict[str, Any]:
    """Return the content of a rule with the values at these paths replaced; `content` stays as it is."""
    changed = _copied(content)
    for path, value in values:
        place: Any = changed
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
    return dict(changed)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(child) for name, child in value.items()}
    return [_copied(child) for child in value] if isinstance(value, list) else value


def replace_rule(text: str, rule: RuleText, content: dict[str, Any]) -> str:
    """Return `text` with `rule` written anew as `content`; comments inside the rule are lost, all others stay."""
    if content == rule.content:
        return text
    old = text[rule.start : rule.end]
    indent = " " * rule.column
    lines = write_criteria(content).rstrip("\n").split("\n")
    new = f"\n{indent}".join(lines)
    # A text block (|) ends behind its line's end: what comes next must begin on a line of its own still.
    trailing = old[len(old.rstrip()) :]
    return text[: rule.start] + new + trailing + text[rule.end :]
