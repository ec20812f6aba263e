"""How a wording and the words heard for it differ, unit by unit, and whether a negation stands in the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scoring.sounds import likeness, syllable
from scoring.spoken import Side
from scoring.word_kinds import FUNCTION_WORDS, LIGHT_CHINESE, NEGATORS_CHINESE, NEGATORS_ENGLISH, OPENERS

SAID, UNSURE, NOT_SAID = "said", "unsure", "not_said"

DOUBTFUL_WORD = 0.6  # recogniser confidence below which a word may well be another one
_ALIKE = 0.6  # likeness from which two words may be one word misheard


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an alignment, for a coloured difference."""

    op: str  # "equal", "similar", "replace", "insert" (only heard) or "delete" (only in the wording)
    wording: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a wording fits the units `first` to `last` (exclusive) of a side."""

    verdict: str
    probability: float
    first: int
    last: int
    steps: tuple[Step, ...]


def steps_of(words: Sequence[str], heard: Sequence[str], chinese: bool) -> tuple[Step, ...]:
    """Return the alignment of a wording with the units heard for it."""
    if not heard:
        return tuple(Step("delete", word) for word in words)
    return _align(words, heard, chinese)[0]


def _align(words: Sequence[str], heard: Sequence[str], chinese: bool) -> tuple[tuple[Step, ...], int, int]:
    """Align the wording inside the heard units (free ends); return the steps and the units they span."""
    weights = [_weight(word, chinese) for word in words]
    rows, columns = len(words) + 1, len(heard) + 1
    cost = [[0.0] * columns for _ in range(rows)]
    for i in range(1, rows):
        cost[i][0] = cost[i - 1][0] + weights[i - 1]
        for j in range(1, columns):
            swap = cost[i - 1][j - 1] + weights[i - 1] * _distance(words[i - 1], heard[j - 1], chinese)
            drop = cost[i - 1][j] + weights[i - 1]
            extra = cost[i][j - 1] + _extra(heard[j - 1], chinese)
            cost[i][j] = min(swap, drop, extra)
    end = min(range(columns), key=lambda j: (round(cost[-1][j], 9), -j))
    return _trace(words, heard, cost, weights, end, chinese)


def _trace(
    words: Sequence[str],
    heard: Sequence[str],
    cost: list[list[float]],
    weights: list[float],
    end: int,
    chinese: bool,
) -> tuple[tuple[Step, ...], int, int]:
    steps: list[Step] = []
    i, j = len(words), end
    while i > 0:
        if j > 0:
            distance = _distance(words[i - 1], heard[j - 1], chinese)
            if math.isclose(cost[i][j], cost[i - 1][j - 1] + weights[i - 1] * distance, abs_tol=1e-9):
                op = "equal" if distance == 0 else "similar" if distance < 1 else "replace"
                steps.append(Step(op, words[i - 1], heard[j - 1]))
                i, j = i - 1, j - 1
                continue
            if math.isclose(cost[i][j], cost[i][j - 1] + _extra(heard[j - 1], chinese), abs_tol=1e-9):
                steps.append(Step("insert", "", heard[j - 1]))
                j -= 1
                continue
        steps.append(Step("delete", words[i - 1], ""))
        i -= 1
    return tuple(reversed(steps)), j, end


def _weight(word: str, chinese: bool) -> float:
    if chinese:
        return 0.5 if word in LIGHT_CHINESE else 1.0
    return 0.35 if word in FUNCTION_WORDS else 1.0


def _extra(word: str, chinese: bool) -> float:
    if chinese:
        return 0.1 if word in LIGHT_CHINESE else 0.3
    return 0.1 if word in FUNCTION_WORDS else 0.3


def _distance(wording: str, heard: str, chinese: bool) -> float:
    """Return 0 for the same unit, up to 1 for units that do not sound alike."""
    if wording == heard:
        return 0.0
    if chinese:
        same_sound = len(wording) == len(heard) == 1 and syllable(wording) == syllable(heard)
        return 0.08 if same_sound else 1.0
    alike = likeness(wording, heard)
    return 1.0 if alike < _ALIKE else 0.6 * (1 - alike)


def negated_before(side: Side, first: int) -> bool:
    """Whether a negation stands right before a unit, in the same clause, and is no question (能不能)."""
    negators = NEGATORS_CHINESE if side.normal.chinese else NEGATORS_ENGLISH
    if first == 0 or side.texts[first - 1] not in negators or side.texts[first] in OPENERS:
        return False
    if side.turns[first - 1] != side.turns[first] or side.opens_clause(first):
        return False
    around = side.texts[max(0, first - 2) : first + 1]
    return not asks(around, len(around) - 2)


def has_negator(words: Sequence[str], chinese: bool) -> bool:
    """Whether one of the units denies something."""
    negators = NEGATORS_CHINESE if chinese else NEGATORS_ENGLISH
    return any(word in negators for word in words)


def asks(units: Sequence[str], at: int) -> bool:
    """Whether 不 stands in a question of the form 能不能, 是不是, 有没有."""
    return 0 < at < len(units) - 1 and units[at - 1] == units[at + 1]
