"""What one side says as a stream of sounds, and wordings packed for the search in it.

Import this module only inside the functions that search: it loads numba and numpy.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scoring import kernels, unit_kernels
from scoring.reading import Growing, Units, units_of
from scoring.sounds import (
    CLASSES,
    classes,
    costs,
    digit_symbols,
    english_symbols,
    han_symbols,
    is_han,
    wording_symbols,
)
from scoring.variants import GAP
from scoring.word_kinds import (
    CONTENT,
    DIGIT,
    DIGIT_SHIFT,
    FUNCTION_WORDS,
    LIGHT_CHINESE,
    NEGATOR,
    NEGATORS_CHINESE,
    NEGATORS_ENGLISH,
    RIVALS,
)

if TYPE_CHECKING:
    from scoring.phrase_model import PhraseModel
    from scoring.spoken import Side

_DIGITS = frozenset("0123456789")
SILENT = "0-"  # a nought that is not spoken
_PLACES = "十百千"
FUNCTION_WEIGHT, LIGHT_WEIGHT = 0.35, 0.5
ALIKE = 0.13  # cost of two symbols up to which they sound the same


class Lexicon:
    """What the kernels need to know of each unit of a language, by its number among `units`."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.chinese = units.chinese
        self._lock = threading.Lock()
        self._flat = Growing("int16")  # symbols of one unit after the other
        self._offsets = Growing("int32")
        self._flags = Growing("uint8")
        self._weights = Growing("float32")
        self._rivals = Growing("int16")
        self._offsets.extend([0])
        # Of each digit: the unit that it is with 十, 百 or 千 after it; at the end the one of a silent nought.
        forms = [[*(f"{digit}{place}" for place in _PLACES), SILENT] for digit in range(10)] if self.chinese else []
        self.forms = np.array([[units[form] for form in row] for row in forms], np.int32).reshape(-1, len(_PLACES) + 1)

    def known(self) -> Lexicon:
        """Return the lexicon with all units that have a number by now."""
        if self._flags.size < len(self.units.texts):
            with self._lock:
                for unit in self.units.texts[self._flags.size :]:
                    self._add(unit)
        return self

    def _add(self, unit: str) -> None:
        self._flat.extend(unit_symbols(unit, self.chinese))
        self._offsets.extend([self._flat.size])
        self._weights.extend([unit_weight(unit, self.chinese)])
        self._rivals.extend([RIVALS[self.chinese].get(unit, 0)])
        self._flags.extend([unit_flags(unit, self.chinese)])

    @property
    def flat(self) -> NDArray[np.int16]:
        """The symbols of all units, those of one after those of another."""
        return self._flat.values

    @property
    def offsets(self) -> NDArray[np.int32]:
        """Where the symbols of each unit begin in `flat`, and where the next ones do."""
        return self._offsets.values

    @property
    def flags(self) -> NDArray[np.uint8]:
        """The flags of each unit (scoring.kernels)."""
        return self._flags.values

    @property
    def weights(self) -> NDArray[np.float32]:
        """How much each unit counts."""
        return self._weights.values

    @property
    def rivals(self) -> NDArray[np.int16]:
        """The place of each unit among word_kinds.RIVALS, 0 for none."""
        return self._rivals.values


_lexicons: dict[bool, Lexicon] = {}


def lexicon(units: Units) -> Lexicon:
    """Return the lexicon of some units."""
    known = _lexicons.get(units.chinese)
    if known is None or known.units is not units:
        known = _lexicons[units.chinese] = Lexicon(units)
    return known.known()


def unit_symbols(unit: str, chinese: bool) -> tuple[int, ...]:
    """Return the symbols of one unit."""
    if chinese:
        if unit[0] in _DIGITS:
            return digit_symbols(unit)
        if is_han(unit[0]):
            return han_symbols(unit[0])
    return english_symbols(unit)


def as_spoken(units: Sequence[str]) -> list[str]:
    """Return Chinese units with the digits of short numbers marked by how they are spoken.

    38 is san-shi ba, 10 shi, 30 san-shi, 200 er-bai; any other number is read digit by digit.
    """
    known = units_of(True)
    ids = np.array([known[unit] for unit in units], np.int32)
    words = lexicon(known)
    return [known.texts[number] for number in unit_kernels.say_numbers(ids, words.flags, words.forms).tolist()]


def unit_flags(unit: str, chinese: bool) -> int:
    """Return what kind of unit it is, as flags of scoring.kernels."""
    light = LIGHT_CHINESE if chinese else FUNCTION_WORDS
    negators = NEGATORS_CHINESE if chinese else NEGATORS_ENGLISH
    flags = 0 if unit in light else CONTENT
    if unit in negators:
        flags |= NEGATOR | CONTENT
    if any("0" <= character <= "9" for character in unit):
        flags |= DIGIT
        if chinese and unit[0] in _DIGITS:
            flags |= int(unit[0]) + 1 << DIGIT_SHIFT
    return flags


def unit_weight(unit: str, chinese: bool) -> float:
    """Return how much a unit counts."""
    if unit_flags(unit, chinese) & CONTENT:
        return 1.0
    return LIGHT_WEIGHT if chinese else FUNCTION_WEIGHT


@dataclass(slots=True)
class Stream:
    """One side as symbols. Shapes: units (n), symbols (m), with starts (n + 1) of each unit among the symbols."""

    lexicon: Lexicon
    ids: NDArray[np.int32]
    symbols: NDArray[np.int16]
    homes: NDArray[np.int32]
    starts: NDArray[np.int32]
    classes: NDArray[np.uint8]
    heard_costs: NDArray[np.int32]  # per symbol: what it costs in kernels.align when only heard
    confidences: NDArray[np.float32]  # per unit, NaN when unknown
    side_confidence: float

    def same_sound(self, words: Sequence[str], first: int, last: int) -> bool:
        """Whether the units `first` to `last` sound just as these words do."""
        units = as_spoken(words) if self.lexicon.chinese else words
        wanted = [symbol for unit in units for symbol in unit_symbols(unit, self.lexicon.chinese)]
        heard = self.symbols[self.starts[first] : self.starts[last]]
        table = costs()
        return len(wanted) == len(heard) and all(table[pair] <= ALIKE for pair in zip(wanted, heard, strict=True))


def stream_of(side: Side) -> Stream:
    """Return what a side says as sounds."""
    words = lexicon(side.units)
    ids = unit_kernels.say_numbers(side.ids, words.flags, words.forms) if words.chinese else side.ids
    symbols, homes, starts, coarse, heard_costs = unit_kernels.spell(
        ids, words.offsets, words.flat, words.weights, classes(), np.array(side.breaks, np.int64)
    )
    confidences = side.confidences.astype(np.float32)
    mean = float(confidences.mean()) if len(confidences) else float("nan")
    if np.isnan(mean):  # some have none
        known = confidences[~np.isnan(confidences)]
        mean = float(known.mean()) if len(known) else mean
    return Stream(words, ids, symbols, homes, starts, coarse, heard_costs, confidences, mean)


class Pack:
    """Several wordings, each a run of units, packed for one pass over a stream."""

    def __init__(self, wordings: Sequence[tuple[str, ...]], chinese: bool) -> None:
        whole = [tuple(as_spoken(words)) if chinese else words for words in wordings]
        self.wordings = wordings = [tuple(unit for unit in words if unit != GAP) for words in whole]
        self.chinese = chinese
        spelled = [_spelled(words, chinese) for words in wordings]
        sizes = [sum(map(len, symbols)) for symbols in spelled]
        counts = [len(words) for words in wordings]
        self.offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        self.unit_offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        flat = [symbol for symbols in spelled for unit in symbols for symbol in unit]
        self.pattern = np.array(flat, np.int16)
        self.units = np.array(
            [number for symbols in spelled for number, unit in enumerate(symbols) for _ in unit], np.int32
        )
        texts = [unit for words in wordings for unit in words]
        self.unit_flags = np.array([unit_flags(unit, chinese) for unit in texts], np.uint8)
        self.unit_weights = np.array([unit_weight(unit, chinese) for unit in texts], np.float32)
        self.weights = np.array(
            [
                unit_weight(word, chinese)
                for words, symbols in zip(wordings, spelled, strict=True)
                for word, unit in zip(words, symbols, strict=True)
                for _ in unit
            ],
            np.float32,
        )
        self.gaps = np.zeros(len(flat), np.int32)
        self._bits_from = [(int(begin), int(end)) for begin, end in zip(self.offsets, self.offsets[1:], strict=False)]
        for number, words in enumerate(whole):
            if GAP in words:
                self._open_gaps(number, words, spelled[number])
        self._pack_bits()
        self._ids: tuple[Lexicon, NDArray[np.int32]] | None = None

    def _open_gaps(self, number: int, words: Sequence[str], symbols: Sequence[tuple[int, ...]]) -> None:
        """Mark the symbols after which there is a gap, and let the longest part between gaps be located."""
        ends = [int(self.offsets[number])]
        sizes = iter(symbols)
        at = ends[0]
        for word in words:
            if word == GAP:
                self.gaps[max(at - 1, ends[0])] = 1
                ends.append(at)
            else:
                at += len(next(sizes))
        parts = list(zip(ends, [*ends[1:], at], strict=True))
        self._bits_from[number] = max(parts, key=lambda part: part[1] - part[0])

    def _pack_bits(self) -> None:
        count = len(self.wordings)
        coarse = classes()[self.pattern]
        lanes = -(-count // kernels.LANES) * kernels.LANES
        masks = np.zeros((CLASSES, lanes), np.uint64)
        self.lengths = np.ones(count, np.int32)
        self.part_ends = np.ones(count, np.int32)
        self.ups = np.full(lanes, 0xFFFFFFFF, np.uint32)
        for number in range(count):
            begin, end = self._bits_from[number]
            if end - begin > kernels.LONGEST:  # the part with the most content is located, the whole is verified
                sums = np.convolve(self.weights[begin:end], np.ones(kernels.LONGEST), "valid")
                begin += int(sums.argmax())
            size = min(end - begin, kernels.LONGEST)
            below = kernels.LONGEST - size
            masks[:, number] = (1 << below) - 1
            for bit, symbol in enumerate(coarse[begin : begin + size]):
                masks[symbol, number] |= np.uint64(1 << below + bit)
            self.ups[number] = 0xFFFFFFFF << below & 0xFFFFFFFF
            self.lengths[number] = max(size, 1)
            self.part_ends[number] = begin + size - int(self.offsets[number])
        self.masks = masks.astype(np.uint32)

    def unit_ids(self, words: Lexicon) -> NDArray[np.int32]:
        """Return the numbers of the wordings' units, which the lexicon knows then."""
        if self._ids is None or self._ids[0] is not words:
            texts = [unit for wording in self.wordings for unit in wording]
            self._ids = words, np.array([words.units[unit] for unit in texts], np.int32)
            words.known()
        return self._ids[1]


def _spelled(words: Sequence[str], chinese: bool) -> list[tuple[int, ...]]:
    if not chinese:
        return [english_symbols(word) for word in words]
    readings: list[tuple[int, ...]] = []
    at = 0
    text = list(words)
    while at < len(text):  # runs of characters are read together, so that 银行行长 is yinhang hangzhang
        end = at
        while end < len(text) and len(text[end]) == 1 and is_han(text[end]):
            end += 1
        if end > at:
            readings.extend(wording_symbols("".join(text[at:end])))
        else:
            readings.append(unit_symbols(text[at], True))
            end = at + 1
        at = end
    return readings


@lru_cache(maxsize=4096)
def pack_of(wordings: tuple[tuple[str, ...], ...], chinese: bool) -> Pack:
    """Return wordings packed for the search; packed once."""
    return Pack(wordings, chinese)


@dataclass(slots=True)
class Hits:
    """Where each wording of a pack fits best: units (first, last + 1), -1 where it does not at all."""

    spans: NDArray[np.int32]
    scores: NDArray[np.float64]  # linear score, on the logit scale
    features: NDArray[np.float32]
    probabilities: NDArray[np.float64]  # to four places
    odd: NDArray[np.int32]  # which wordings have no place, or a negation before it


def search(
    pack: Pack, stream: Stream, model: PhraseModel, low: int = 0, high: int | None = None, latest: bool = False
) -> Hits:
    """Return the best fit of each wording between the units `low` and `high` of a stream."""
    coefficients = model.without_confidence if np.isnan(stream.side_confidence) else model.with_confidence
    high = len(stream.ids) if high is None else min(high, len(stream.ids))
    begin, end = int(stream.starts[low]), int(stream.starts[high])
    ids = pack.unit_ids(stream.lexicon)
    return Hits(*kernels.seek(
        pack.masks, pack.ups, latest, pack.lengths, pack.part_ends, pack.offsets, pack.pattern, pack.weights, pack.gaps,
        pack.units, pack.unit_offsets, ids, pack.unit_flags, pack.unit_weights,
        stream.classes, stream.symbols, stream.homes, stream.starts, stream.ids,
        stream.lexicon.flags, stream.lexicon.rivals, stream.heard_costs, stream.confidences, stream.side_confidence,
        costs(), model.evidence, model.wrong, coefficients, begin, end,
    ))  # fmt: skip
