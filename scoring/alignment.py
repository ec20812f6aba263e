"""How well a wording fits a stretch of recognised text: a rough place by RapidFuzz, then unit by unit.

The probability is a plain curve over the fit, not calibrated on data: it orders findings and separates "said",
"unsure" and "not said", and should be read no finer than that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from scoring.sounds import likeness, syllable
from scoring.spoken import Side

SAID, UNSURE, NOT_SAID = "said", "unsure", "not_said"
SAID_FROM, UNSURE_FROM = 0.8, 0.3  # probability

_FUNCTION_WORDS_LIST = """
    a an the to of for in on at by with and or but so is are was were be been am do does did have has had will
    would can could may might shall should i you he she it we they me my your our his her its us them this that
    there here as if just then now well okay oh yes please today sir madam
"""
_FUNCTION_WORDS = frozenset(_FUNCTION_WORDS_LIST.split())
_NEGATORS_EN = frozenset(["not", "never", "no", "none", "without", "neither", "nor", "unable"])
_NEGATORS_ZH = frozenset("不没未无非别莫")
_LIGHT_ZH = frozenset("的了吗呢吧啊呀哦么嘛是就也都我您你请")
DOUBTFUL_WORD = 0.6  # recogniser confidence below which a word may well be another one
DOUBTED = 0.5  # of its weight: what a wrong word costs that the recogniser itself doubted
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


def best_fit(words: tuple[str, ...], side: Side, low: int, high: int) -> Fit | None:
    """Return the best fit of a wording between the units `low` and `high`; None when there is no text."""
    if low >= high or not words:
        return None
    first, last = _place(words, side, low, high)
    steps, begin, end = _align(words, side.texts[first:last], side.normal.chinese)
    begin, end = first + begin, first + end
    probability = _probability(words, steps, side, begin)
    verdict = SAID if probability >= SAID_FROM else UNSURE if probability >= UNSURE_FROM else NOT_SAID
    return Fit(verdict, round(probability, 3), begin, end, steps)


def exact_fit(words: Sequence[str], side: Side, first: int, last: int) -> Fit:
    """Return the fit of a wording that was found word for word, unless a negation stands before it."""
    steps = tuple(Step("equal", text, text) for text in side.texts[first:last])
    if _negated(steps, [True] * len(steps), side, first):
        return Fit(NOT_SAID, 0.05, first, last, steps)
    return Fit(SAID, 0.99 if _letters(words, side.normal.chinese) > 3 else 0.95, first, last, steps)


def _place(words: tuple[str, ...], side: Side, low: int, high: int) -> tuple[int, int]:
    """Return roughly where the wording fits best, with room on both sides."""
    room = 2 + len(words) // 3  # for words that were dropped or added
    if high - low <= len(words) + 2 * room:
        return low, high
    if side.normal.chinese:
        begin, end = _rough_place(_sounds(words), side.sounds[low:high])
        first, last = low + begin, low + end
    else:
        text, offset = side.text_between(low, high)
        begin, end = _rough_place(" ".join(words), text)
        first, last = side.units_at(offset + begin, offset + end)
    return max(low, first - room), min(high, last + room)


def _rough_place(wording: str, text: str) -> tuple[int, int]:
    found = fuzz.partial_ratio_alignment(wording, text)
    return (found.dest_start, max(found.dest_end, found.dest_start + 1)) if found else (0, 1)


@lru_cache(maxsize=8192)
def _sounds(words: tuple[str, ...]) -> str:
    return "".join(syllable(word) if len(word) == 1 else word[0] for word in words)


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
        return 0.5 if word in _LIGHT_ZH else 1.0
    return 0.35 if word in _FUNCTION_WORDS else 1.0


def _extra(word: str, chinese: bool) -> float:
    if chinese:
        return 0.1 if word in _LIGHT_ZH else 0.3
    return 0.1 if word in _FUNCTION_WORDS else 0.3


def _distance(wording: str, heard: str, chinese: bool) -> float:
    """Return 0 for the same unit, up to 1 for units that do not sound alike."""
    if wording == heard:
        return 0.0
    if chinese:
        same_sound = len(wording) == len(heard) == 1 and syllable(wording) == syllable(heard)
        return 0.08 if same_sound else 1.0
    alike = likeness(wording, heard)
    return 1.0 if alike < _ALIKE else 0.6 * (1 - alike)


def _letters(words: Sequence[str], chinese: bool) -> int:
    """Return how much a wording tells: characters in Chinese, words otherwise."""
    return len(words) if chinese else sum(len(word) > 2 for word in words) or 1


def _cuts(words: Sequence[str], chinese: bool) -> tuple[float, float]:
    """Return the fit from which a wording counts as said, and as unsure: the shorter, the stricter."""
    size = len(words)
    table: tuple[tuple[int, float, float], ...]
    if chinese:
        table = ((2, 1.0, 0.85), (3, 0.9, 0.7), (4, 0.85, 0.68), (6, 0.8, 0.62), (9, 0.76, 0.57))
        last = (0.72, 0.54)
    else:
        table = ((1, 1.0, 0.92), (2, 0.9, 0.7), (3, 0.85, 0.65), (5, 0.8, 0.6))
        last = (0.75, 0.55)
    return next(((said, unsure) for longest, said, unsure in table if size <= longest), last)


def _probability(words: tuple[str, ...], steps: Sequence[Step], side: Side, first: int) -> float:
    chinese = side.normal.chinese
    sure = _confident(steps, side, first)
    total = sum(_weight(word, chinese) for word in words)
    loss = sum(_loss(step, chinese) * (1.0 if trusted else DOUBTED) for step, trusted in zip(steps, sure, strict=True))
    fit = max(0.0, 1 - loss / total)
    said, unsure = _cuts(words, chinese)
    # A straight line through the two cuts on the logit scale.
    slope = (_logit(SAID_FROM) - _logit(UNSURE_FROM)) / (said - unsure)
    probability = 1 / (1 + math.exp(-(_logit(SAID_FROM) + slope * (fit - said))))
    if _negated(steps, sure, side, first):
        return min(probability, 0.1)
    return min(probability, _replaced_limit(steps, sure, chinese), 0.98)


def _confident(steps: Sequence[Step], side: Side, first: int) -> list[bool]:
    """Return for each step whether the recogniser trusted what it heard there and beside it."""
    heard = iter(side.tokens[first:])
    levels = [next(heard).confidence if step.text else -1.0 for step in steps]
    sure = []
    for index in range(len(levels)):
        near = levels[max(0, index - 1) : index + 2]
        known = [one for one in near if one is not None and one != -1.0]
        sure.append(not known or min(known) >= DOUBTFUL_WORD)
    return sure


def _loss(step: Step, chinese: bool) -> float:
    match step.op:
        case "similar":
            return _weight(step.wording, chinese) * _distance(step.wording, step.text, chinese)
        case "replace" | "delete":
            return _weight(step.wording, chinese)
        case "insert":
            return _extra(step.text, chinese)
    return 0.0


def _replaced_limit(steps: Sequence[Step], sure: Sequence[bool], chinese: bool) -> float:
    """Return the most that a wording may score when words that carry its meaning were replaced by others."""
    if chinese:
        return 0.75 if _longest_loss(steps) >= 2 and len(steps) < 14 else 1.0
    content = sum(step.wording != "" and step.wording not in _FUNCTION_WORDS for step in steps)
    lost = [
        trusted
        for step, trusted in zip(steps, sure, strict=True)
        if step.op in ("replace", "delete") and step.wording not in _FUNCTION_WORDS
    ]
    if not lost:
        return 1.0
    if (content <= 2 and any(lost)) or len(lost) > content / 2:
        return 0.2
    return 0.75 if content <= 2 or len(lost) / content > 0.2 else 1.0


def _longest_loss(steps: Sequence[Step]) -> int:
    """Return the most characters in a row that were lost: two are a word (来电, 等待)."""
    longest = run = 0
    for step in steps:
        run = run + 1 if step.op in ("replace", "delete") and step.wording not in _LIGHT_ZH else 0
        longest = max(longest, run)
    return longest


def _negated(steps: Sequence[Step], sure: Sequence[bool], side: Side, first: int) -> bool:
    """Whether the heard words deny what the wording says, or leave out the wording's own "not"."""
    negators = _NEGATORS_ZH if side.normal.chinese else _NEGATORS_EN
    heard = [step.text for step in steps]
    wanted = found = 0
    for at, (step, trusted) in enumerate(zip(steps, sure, strict=True)):
        wanted += step.wording in negators
        # A "not" that sounds like what was heard instead is there; one that the recogniser doubted does not count.
        there = step.op == "similar" and step.wording in negators
        found += there or (step.text in negators and trusted and not _asks(heard, at))
    if wanted != found:
        return True
    before = side.tokens[first - 1] if first else None
    if before is None or wanted or side.tokens[first].new_clause:
        return False
    if before.text not in negators or side.turns[first - 1] != side.turns[first]:
        return False
    around = side.texts[max(0, first - 2) : first + 1]
    return not _asks(around, len(around) - 2)


def _asks(units: Sequence[str], at: int) -> bool:
    """Whether 不 stands in a question of the form 能不能, 是不是, 有没有."""
    return 0 < at < len(units) - 1 and units[at - 1] == units[at + 1]


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
