"""Recognised words read as units of normal form: each different word is read once and known by its number."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scoring.numbers import (
    PLACES_CHINESE,
    RADIO_CHINESE,
    SINGLE_CHINESE,
    SINGLE_ENGLISH,
    TRIGGERS_ENGLISH,
    is_several,
    may_begin_number,
    may_go_on_in_number,
    numeral,
)
from scoring.text import Normaliser, simplified

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLAUSE_ENDS = tuple(".,;:!?。，；：！？、")
PLAIN, ALONE, BEGUN, ENDED, NEAR = 1, 2, 4, 8, 16  # flags of a word (Reader.flags)
_MOST_UNITS = 200_000  # different units that are kept
_MOST_READ = 300_000  # different words and their units that are kept; then they are read anew


class Growing:
    """A row of numbers that grows at its end; whoever took `values` before may go on reading them."""

    def __init__(self, kind: str) -> None:
        import numpy as np

        self.values: NDArray[Any] = np.zeros(1024, kind)
        self.size = 0

    def extend(self, more: Sequence[float]) -> None:
        """Add values at the end."""
        import numpy as np

        end = self.size + len(more)
        if end > len(self.values):
            room = np.zeros(max(len(self.values), len(more)), self.values.dtype)
            self.values = np.concatenate([self.values, room])
        self.values[self.size : end] = more
        self.size = end


class Units(dict[str, int]):
    """Numbers for the units of normal form of a language; one that is not there is added."""

    def __init__(self, chinese: bool) -> None:
        super().__init__()
        self.chinese = chinese
        self.texts: list[str] = []  # by number
        self._lock = threading.Lock()

    def __missing__(self, unit: str) -> int:
        with self._lock:
            if unit not in self:
                self.texts.append(unit)
                self[unit] = len(self.texts) - 1
            return self[unit]


_units: dict[bool, Units] = {}


def units_of(chinese: bool) -> Units:
    """Return the units of a language; new ones when the old ones have become too many."""
    known = _units.get(chinese)
    if known is None or len(known) > _MOST_UNITS:
        known = _units[chinese] = Units(chinese)
    return known


@dataclass(frozen=True, slots=True)
class Reading:
    """The units of one recognised word."""

    bare: tuple[str, ...]
    clauses: tuple[bool, ...]  # whether punctuation stands before the unit
    normal: tuple[str, ...]  # normal form so far as it can be told without the words around it
    origins: tuple[int, ...]  # of each normal unit: the first bare one that it stands for
    ends: tuple[int, ...]  # and the one after the last
    closes: bool  # punctuation stands at the end of the word


class Words(dict[str, int]):
    """Numbers for recognised words; one that is not there is read. Arrays hold what is known of each number.

    Words that mean something else together have a number as well (`group`).
    """

    def __init__(self, reader: Reader, units: Units) -> None:
        super().__init__()
        self.units = units
        self.readings: list[Reading] = []
        self.sizes = Growing("int32")  # how many normal units
        self.begins = Growing("int32")  # the first of them in `flat`
        self.flags = Growing("uint8")  # PLAIN, ALONE, BEGUN, ENDED, NEAR
        self.flat = Growing("int32")  # numbers of units
        self.origins = Growing("int32")  # of each unit in `flat`: which of the words read together it comes from
        self._groups: dict[tuple[tuple[int, ...], tuple[bool, ...]], int] = {}
        self._reader = reader
        self._lock = threading.RLock()

    @property
    def kept(self) -> int:
        """How many words, groups and units are kept."""
        return len(self) + len(self._groups) + self.flat.size

    def __missing__(self, text: str) -> int:
        with self._lock:
            if text not in self:
                reading = self._reader.read(text)
                self[text] = self._add(reading, [0] * len(reading.normal))
            return self[text]

    def group(self, numbers: tuple[int, ...], opens: tuple[bool, ...]) -> int:
        """Return the number of words that are read together; -1 where each means what it means alone.

        `opens` tells of each word whether a clause begins with it (Chinese only, else empty).
        """
        key = numbers, opens
        if key not in self._groups:
            with self._lock:
                readings = [self.readings[number] for number in numbers]
                apart = [unit for reading in readings for unit in reading.normal]
                needed = self._reader.needs_neighbours(apart)
                self._groups[key] = self.add_together(readings, opens) if needed else -1
        return self._groups[key]

    def add_together(
        self, readings: Sequence[Reading], opens: Sequence[bool], *, strip: bool = True, numbers: bool = True
    ) -> int:
        """Return a number for words that are read together (Reader.together)."""
        together = self._reader.together(readings, opens, strip=strip, numbers=numbers)
        homes = [word for word, reading in enumerate(readings) for _ in reading.bare]
        return self._add(together, [homes[origin] for origin in together.origins])

    def _add(self, reading: Reading, origins: Sequence[int]) -> int:
        self.begins.extend([self.flat.size])
        self.flat.extend([self.units[unit] for unit in reading.normal])
        self.origins.extend(origins)
        self.sizes.extend([len(reading.normal)])
        self.flags.extend([self._reader.flags(reading)])
        self.readings.append(reading)
        return len(self.readings) - 1


class Reader:
    """Reads recognised words.

    What depends on the words around (numbers of several words, fillers such as "you know") is left to
    `Normaliser.normal_form`; `needs_neighbours` tells where that is so.
    """

    def __init__(self, normal: Normaliser) -> None:
        self.normal = normal
        self._words: Words | None = None
        self._singles: dict[str, str | None] = {}
        self._several: dict[str, list[tuple[str, ...]]] = {}  # mishearings and fillers of several units, by the first
        if normal.numbers:
            self._singles |= SINGLE_CHINESE if normal.chinese else SINGLE_ENGLISH
            if normal.chinese and normal.yao:
                self._singles["幺"] = "1"
        inside = {unit for heard, _ in (*normal.homophones, *((one, ()) for one in normal.strip)) if len(heard) > 1
                  for unit in heard}  # fmt: skip
        for heard, meant in (*normal.homophones, *((filler, ()) for filler in normal.strip)):
            if len(heard) == 1 and len(meant) < 2 and heard[0] not in inside:
                for unit in (heard[0], *(one for one, made in self._singles.items() if made == heard[0])):
                    self._singles[unit] = meant[0] if meant else None
            else:
                mapped = tuple([self._singles.get(unit, unit) or unit for unit in heard])
                self._several.setdefault(mapped[0], []).append(mapped)
        self._numbers: frozenset[str] = frozenset()
        if normal.numbers:
            self._numbers = PLACES_CHINESE | RADIO_CHINESE if normal.chinese else TRIGGERS_ENGLISH
        self._english_numbers = normal.numbers and not normal.chinese
        several = [heard for known in self._several.values() for heard in known]
        self._begin = self._numbers.union(*(heard[:-1] for heard in several))
        self._go_on = frozenset[str]().union(*(heard[1:] for heard in several))
        self._tied = frozenset[str]().union(*several)

    def words(self) -> Words:
        """Return the words that are known; they begin anew when they, or their units, have become too many."""
        words, units = self._words, units_of(self.normal.chinese)
        if words is None or words.units is not units or words.kept > _MOST_READ:
            words = self._words = Words(self, units)
        return words

    def flags(self, reading: Reading) -> int:
        """Return PLAIN for a word of one bare and one normal unit, and how it goes together with others.

        Where a word is not ALONE, and never one that is BEGUN stands before one that is ENDED, `needs_neighbours` need
        not be asked; what goes together is NEAR all along.
        """
        units = reading.normal
        flags = PLAIN if len(reading.bare) == len(units) == 1 else 0
        if not reading.bare or any(map(self._near, (*reading.bare, *units))):
            flags |= NEAR
        if not units:
            return flags
        if self.needs_neighbours(units):
            flags |= ALONE
        if units[-1] in self._begin or (self._english_numbers and may_begin_number(units[-1])):
            flags |= BEGUN
        if units[0] in self._go_on or (self._english_numbers and may_go_on_in_number(units[0])):
            flags |= ENDED
        return flags

    def _near(self, unit: str) -> bool:
        return unit in self._tied or numeral(unit, self.normal.chinese)

    def needs_neighbours(self, units: Sequence[str]) -> bool:
        """Whether some of the normal units of a turn mean something else together than one by one."""
        for at, unit in enumerate(units):
            number = unit in self._numbers or (self._english_numbers and unit.isdecimal())
            if number and (self.normal.chinese or is_several(units, at)):
                return True
            if any(tuple(units[at : at + len(heard)]) == heard for heard in self._several.get(unit, ())):
                return True
        return False

    def read(self, text: str) -> Reading:
        """Return the units of a word."""
        bare = self.normal.pieces(text)
        kept: list[tuple[str, int]] = []
        for index, (unit, _) in enumerate(bare):
            plain = simplified(unit) if self.normal.chinese else unit
            meant = self._singles.get(plain, plain)
            if meant is not None:
                kept.append((meant, index))
        return Reading(
            tuple(unit for unit, _ in bare),
            tuple(clause for _, clause in bare),
            tuple(unit for unit, _ in kept),
            tuple(index for _, index in kept),
            tuple(index + 1 for _, index in kept),
            text.rstrip()[-1:] in CLAUSE_ENDS,
        )

    def together(
        self, readings: Sequence[Reading], opens: Sequence[bool], *, strip: bool = True, numbers: bool = True
    ) -> Reading:
        """Return words read together, with fillers when not `strip`, with number words as spoken when not `numbers`."""
        bare = [unit for reading in readings for unit in reading.bare]
        clauses = [
            clause if number else begins
            for reading, begins in zip(readings, opens or [False] * len(readings), strict=True)
            for number, clause in enumerate(reading.clauses)
        ]
        pieces = self.normal.normal_form(bare, clauses, strip=strip, numbers=numbers)
        return Reading(
            tuple(bare),
            tuple(clauses),
            tuple(unit for unit, _, _ in pieces),
            tuple(first for _, first, _ in pieces),
            tuple(last for _, _, last in pieces),
            readings[-1].closes,
        )


@lru_cache(maxsize=64)
def reader_of(normal: Normaliser) -> Reader:
    """Return the reader for a normal form; what it has read is kept between calls."""
    return Reader(normal)
