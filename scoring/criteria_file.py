"""Read criteria (scorecards, phrase sets, check sheets) from YAML, with errors that say where and how to mend.

YAML is read in a careful subset: only `true` and `false` are booleans, so that `yes`, `no`, `on` and `off` in a
list of phrases stay words; a number with a leading zero stays text, so that 0728 is not read as octal; no dates,
no tags, no anchors, no key twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

MAX_BYTES = 1_000_000
MAX_ERRORS = 20
WIDTH = 80  # of written criteria

M = TypeVar("M", bound=BaseModel)
Place = tuple[int | str, ...]  # leads to a value: keys of mappings and indexes of lists


class CriteriaError(ValueError):
    """Criteria that cannot be used; the message names file, line and field, and how to mend it."""


class MisplacedError(ValueError):
    """Something wrong inside what is validated as a whole; `place` leads there."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


class Criteria(BaseModel):
    """The base of every criteria model: unknown fields are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, serialize_by_alias=True)


def _as_text(value: Any) -> Any:
    """Let a plain whole number stand for its digits (10086); anything else must be text already."""
    if isinstance(value, bool):
        raise ValueError("is read as true/false here: put it in quotes")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        raise ValueError("is read as a number here: put it in quotes")
    return value


Text = Annotated[str, BeforeValidator(_as_text)]


class _Loader(yaml.SafeLoader):
    """SafeLoader with fewer surprises: see the module's docstring."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not used here", problem_mark=mark)
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {}  # none of SafeLoader's
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)\.[0-9]+$"), list("-+0123456789")
)


def load_criteria(source: Path | str, model: type[M], root: str) -> M:
    """Read `model` from the mapping under the key `root` of a YAML file (a Path) or text (a str).

    Raises:
        CriteriaError: one line per error, "FILE:LINE: place: what is wrong and how to mend it".
    """
    name, text = _read(source)
    document = _compose(text, name)
    node = _root_node(document, root, name)
    try:
        return model.model_validate(_plain(node))
    except ValidationError as error:
        raise CriteriaError("\n".join(_lines(error, node, name))) from error


def read_nodes(text: str, root: str) -> yaml.Node:
    """Return the YAML node under the key `root` of criteria text, with its places in the text.

    Raises:
        CriteriaError: the text is not readable as YAML or has no such key.
    """
    return _root_node(_compose(_read(text)[1], "<text>"), root, "<text>")


def plain(node: yaml.Node) -> Any:
    """Return a node of `read_nodes` as plain values, as the criteria models read it."""
    return _plain(node)


def write_criteria(content: Any) -> str:
    """Return plain values as YAML that is read back to the same: as people would write it, without anchors."""
    return yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=None, width=WIDTH)


class _Dumper(yaml.SafeDumper):
    """Writes lists indented below their key, and no anchors, which criteria files do not use."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _read(source: Path | str) -> tuple[str, str]:
    if isinstance(source, str):
        if len(source) > MAX_BYTES:
            raise CriteriaError(f"<text>: larger than {MAX_BYTES} characters: not a criteria file")
        return "<text>", source
    try:
        if source.stat().st_size > MAX_BYTES:
            raise CriteriaError(f"{source}: larger than {MAX_BYTES} bytes: not a criteria file")
        return source.name, source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CriteriaError(f"{source}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CriteriaError(f"{source}: is not UTF-8 text (byte {error.start}): save it as UTF-8") from error


def _compose(text: str, name: str) -> yaml.Node:
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CriteriaError(f"{name}:{line}: not readable as YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise CriteriaError(f"{name}:1: not readable as YAML: {error}") from error
    except RecursionError as error:
        raise CriteriaError(f"{name}:1: nested too deeply") from error
    finally:
        if loader is not None:
            loader.dispose()
    if node is None:
        raise CriteriaError(f"{name}:1: the file is empty")
    _refuse_surprises(node, name)
    return node


def _refuse_surprises(node: yaml.Node, name: str) -> None:
    """Refuse explicit tags and keys that are given twice: YAML would silently keep the last one."""
    if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.rsplit(":", 1)[-1] not in _KINDS:
        raise CriteriaError(f"{name}:{node.start_mark.line + 1}: the tag {node.tag} is not used here: remove it")
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_surprises(child, name)
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise CriteriaError(f"{name}:{line}: a key must be a plain word")
            if key.value in seen:
                raise CriteriaError(
                    f"{name}:{line}: the key {key.value!r} is given twice (first in line {seen[key.value]}): "
                    "remove or rename one of them"
                )
            seen[key.value] = line
            _refuse_surprises(child, name)


_KINDS = frozenset({"map", "seq", "str", "int", "float", "bool", "null"})


def _plain(node: yaml.Node) -> Any:
    """Return the node as plain values; keys are always text."""
    if isinstance(node, yaml.MappingNode):
        return _plain_mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child) for child in node.value]
    kind = node.tag.rsplit(":", 1)[-1]
    match kind:
        case "bool":
            return node.value == "true"
        case "int":
            return int(node.value) if len(node.value) < 20 else node.value
        case "float":
            return float(node.value)
        case "null":
            return None
    return node.value


def _plain_mapping(node: yaml.MappingNode) -> dict[str, Any]:
    """Return a mapping; a key without colon and value in {…} is the rest of the text before its comma.

    ``{note: first part,second part}`` is a note and a key "second part" to YAML, which nobody means.
    """
    values: dict[str, Any] = {}
    last = None
    for key, child in node.value:
        stray = node.flow_style and child.start_mark.index == child.end_mark.index == key.end_mark.index
        if stray and last is not None and isinstance(values[last], str):
            values[last] += f",{key.value}"
            continue
        values[key.value] = _plain(child)
        last = key.value
    return values


def _root_node(document: yaml.Node, root: str, name: str) -> yaml.Node:
    if isinstance(document, yaml.MappingNode):
        for key, child in document.value:
            if key.value == root:
                return child
        found = ", ".join(key.value for key, _ in document.value) or "nothing"
        raise CriteriaError(f"{name}:1: the key {root!r} is missing at the top (found: {found})")
    raise CriteriaError(f"{name}:1: expected the key {root!r} at the top")


def problems_in(error: ValidationError) -> list[tuple[Place, Mapping[str, Any]]]:
    """Return what pydantic found, each with the place in the criteria that it is about; what only follows from
    another problem is left out."""
    return [
        (_steps((*problem["loc"], *getattr(problem.get("ctx", {}).get("error"), "place", ()))), problem)
        for problem in _innermost(error.errors(include_url=False))
    ]


def _lines(error: ValidationError, node: yaml.Node, name: str) -> list[str]:
    problems = problems_in(error)
    lines = [
        f"{name}:{_line_of(node, place)}: {place_text(place)}: {_advice(problem)}"
        for place, problem in problems[:MAX_ERRORS]
    ]
    if len(problems) > MAX_ERRORS:
        lines.append(f"{name}: and {len(problems) - MAX_ERRORS} more")
    return lines


def _innermost(problems: Sequence[Any]) -> list[Any]:
    """Leave out what only follows from an error further inside: a list that lost its broken entry is "too short",
    and a mapping with a broken field is not "whole" either."""
    places = [_steps(problem["loc"]) for problem in problems]
    return [
        problem
        for problem, here in zip(problems, places, strict=True)
        if not any(len(place) > len(here) and place[: len(here)] == here for place in places)
    ]


def _line_of(node: yaml.Node, location: Sequence[int | str]) -> int:
    """Return the line of the deepest node that `location` leads to."""
    line = node.start_mark.line + 1
    for step in location:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            pairs = [(key, child) for key, child in node.value if key.value == step]
            if not pairs:
                continue
            key, node = pairs[0]
            line = key.start_mark.line + 1
            continue
        else:
            continue
        line = node.start_mark.line + 1
    return line


# How pydantic names the alternatives of a field, which are nothing that stands in the file.
_BRANCH = re.compile(r"(?:function-\w+|literal|constrained-\w+|tuple|list|dict)\[")


def _steps(location: Sequence[int | str]) -> Place:
    """Return the steps of a location that stand in the file."""
    return tuple(step for step in location if isinstance(step, int) or (step != "[key]" and not _BRANCH.match(step)))


def place_text(steps: Place) -> str:
    """Return a place as errors write it: sections[0].items[1].weight."""
    place = ""
    for step in steps:
        if isinstance(step, int):
            place += f"[{step}]"
        else:
            place += f".{step}" if place else step
    return place or "the whole"


def _advice(problem: Mapping[str, Any]) -> str:
    kind = problem["type"]
    if kind == "missing":
        return "is missing: add it"
    if kind == "extra_forbidden":
        return "unknown field: remove it or correct its spelling"
    if kind in ("value_error", "assertion_error"):
        return str(problem["ctx"]["error"])
    if kind == "too_short":
        return "is empty: add at least one"
    if kind == "literal_error":
        return f"{problem['input']!r} is not one of {problem['ctx']['expected']}"
    found = problem["input"]
    shown = repr(found) if isinstance(found, str | int | float | bool | None) else f"a {type(found).__name__}"
    message = problem["msg"]
    return f"{message[0].lower()}{message[1:]}, not {shown[:80]}"
