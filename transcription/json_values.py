"""Take values out of a JSON document, with errors that name the place: ``turns[3].start: must be ...``."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_SHOWN = 40  # characters of a wrong value that a message repeats


class WrongValue(ValueError):
    """A value is missing, of the wrong type or out of range; the message begins with its place."""


@dataclass(frozen=True, slots=True)
class JsonObject:
    """One JSON object and the place where it stands in its document ("" for the document itself)."""

    data: Mapping[str, Any]
    place: str = ""

    @classmethod
    def of(cls, value: object, place: str = "") -> JsonObject:
        """Return `value` as an object, or raise WrongValue when it is none."""
        if not isinstance(value, Mapping):
            raise WrongValue(f"{place or 'the document'}: must be a JSON object, got {_shown(value)}")
        return cls(value, place)

    def __contains__(self, key: str) -> bool:
        """Tell whether `key` has a value other than null."""
        return self.data.get(key) is not None

    def wrong(self, key: str, needed: str) -> WrongValue:
        """Return the error for `key`, which the caller raises."""
        got = f", got {_shown(self.data[key])}" if key in self.data else ""
        return WrongValue(f"{self._place_of(key)}: {needed}{got}")

    def value(self, key: str) -> Any:
        if key not in self.data:
            raise WrongValue(f"{self._place_of(key)}: is missing")
        return self.data[key]

    def text(self, key: str) -> str:
        value = self.value(key)
        if not isinstance(value, str):
            raise self.wrong(key, "must be text")
        return value

    def choice(self, key: str, choices: Collection[str]) -> str:
        value = self.value(key)
        if not isinstance(value, str) or value not in choices:
            raise self.wrong(key, f"must be one of {', '.join(choices)}")
        return value

    def number(self, key: str, needed: str = "must be a number") -> float:
        """Return a finite number; JSON true and false are none, though Python counts with them."""
        value = self.value(key)
        if not _is_number(value):
            raise self.wrong(key, needed)
        return float(value)

    def seconds(self, key: str, *, per_second: int = 1) -> float:
        """Return a time of at least 0 in seconds, from a value of `per_second` units a second."""
        unit = "seconds" if per_second == 1 else f"1/{per_second} seconds"
        value = self.number(key, f"must be a number of {unit}")
        if value < 0:
            raise self.wrong(key, "must not be negative")
        return value / per_second

    def share(self, key: str) -> float | None:
        """Return a number from 0 to 1, or None when it is absent or null."""
        if key not in self:
            return None
        value = self.number(key, "must be a number from 0 to 1 or left out")
        if not 0 <= value <= 1:
            raise self.wrong(key, "must be a number from 0 to 1 or left out")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def object(self, key: str) -> JsonObject:
        return JsonObject.of(self.value(key), self._place_of(key))

    def objects(self, key: str) -> Iterator[JsonObject]:
        """Return the objects of the list at `key`."""
        return objects_of(self.value(key), self._place_of(key))

    def _place_of(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


def objects_of(value: object, place: str = "") -> Iterator[JsonObject]:
    """Return the objects of a list that stands at `place`."""
    if not isinstance(value, list | tuple):
        raise WrongValue(f"{place or 'the document'}: must be a list, got {_shown(value)}")
    return (JsonObject.of(item, f"{place}[{index}]") for index, item in enumerate(value))


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def _shown(value: object) -> str:
    """Return a wrong value as JSON would write it, short enough for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return shown if len(shown) <= _LONGEST_SHOWN else shown[: _LONGEST_SHOWN - 1] + "…"
