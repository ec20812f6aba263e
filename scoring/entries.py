"""Entries of a phrase set: plain words, regular expressions and slots, compiled once and found exactly.

Regular expressions run with a time limit: one that takes longer raises `PatternTooSlow`, never a hang.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex

from scoring.numbers import other_readings
from scoring.spoken import Side
from scoring.text import Normaliser
from scoring.variants import BLANK, GAP, sentences, written_plainly
from scoring.word_kinds import NEGATORS_CHINESE, NEGATORS_ENGLISH

TOO_LONG = 400  # characters of one entry
PATTERN_SECONDS = 0.25  # for one search; a sound pattern needs about a millisecond for an hour's call
NAMES_SLOT = "configured names"  # the value of a slot that stands for the organisation's names

BLANK_ENGLISH, BLANK_CHINESE = r"\w+(?: \w+){0,7}", r"\w{1,16}"
SOUND_ENGLISH, SOUND_CHINESE = 2, 3  # units of a pattern's sentence from which it can be told by its sound

_SLOT = regex.compile(r"\{([A-Z][A-Z_]*)\}")
_SIGNS = regex.compile(r"[\\\[\]()|+*?^$]|\{\d")
_PLAIN_QUESTION = regex.compile(r"^[^\\\[\]()|+*?^$]*\?$")


class PatternTooSlow(RuntimeError):
    """A regular expression ran into its time limit; the message holds the pattern and what to do."""

    def __init__(self, pattern: str) -> None:
        super().__init__(
            f"the pattern {pattern} takes longer than {PATTERN_SECONDS} s: write it without repeats inside repeats"
        )
        self.pattern = pattern


@dataclass(frozen=True, slots=True)
class Entry:
    """A compiled entry: either `words` in normal form, or a `pattern`."""

    source: str
    words: tuple[str, ...] = ()
    pattern: regex.Pattern[str] | None = None
    slot_only: regex.Pattern[str] | None = None  # the slots without the words around them
    # The sentences that a pattern stands for, as units with GAP for slots; of a plain entry other ways to say numbers.
    options: tuple[tuple[str, ...], ...] = ()

    short: bool = False  # a single word, or two characters: only exactly as it stands
    denies: bool = False  # it holds a negation itself

    @property
    def wording(self) -> str:
        """The entry as the phrase set writes it."""
        return self.source


def slot_names(entry: str) -> list[str]:
    """Return the names of the {SLOTS} in an entry."""
    return _SLOT.findall(entry)


def pattern_of(entry: str, slots: Mapping[str, str], normal: Normaliser) -> regex.Pattern[str] | None:
    """Return the regular expression of an entry, or None when it is plain text.

    Raises:
        regex.error: it is not a valid regular expression.
    """
    entry = written_plainly(entry)
    slots = {**slots, BLANK: BLANK_CHINESE if normal.chinese else BLANK_ENGLISH}
    names = slot_names(entry)
    if not names:
        if _PLAIN_QUESTION.match(entry) or not _SIGNS.search(entry):
            return None
        return _bounded(entry, normal)
    pieces = []
    at = 0
    for match in _SLOT.finditer(entry):
        pieces.append(_literal(entry[at : match.start()], normal))
        pieces.append(f"(?:{_slot(slots[match[1]])})")
        at = match.end()
    pieces.append(_literal(entry[at:], normal))
    gap = r"\s*" if not normal.chinese else ""
    return _bounded(gap.join(filter(None, pieces)), normal)


def compile_entry(entry: str, slots: Mapping[str, str], normal: Normaliser) -> Entry:
    """Return the compiled form of an entry; compiled once per text, slots and normaliser."""
    used = tuple(sorted((name, slots[name]) for name in set(slot_names(entry))))
    return _compiled(entry, used, normal)


@lru_cache(maxsize=8192)
def _compiled(entry: str, slots: tuple[tuple[str, str], ...], normal: Normaliser) -> Entry:
    values = dict(slots)
    pattern = pattern_of(entry, values, normal)
    if pattern is None:
        return _plain(entry, normal)
    options = _options(entry, normal) if NAMES_SLOT not in values.values() else ()
    slot_only = None
    if values and _SLOT.sub("", entry).strip():
        slot_only = _bounded("|".join(f"(?:{_slot(value)})" for value in values.values()), normal)
    return Entry(entry, pattern=pattern, slot_only=slot_only, options=options)


def _options(entry: str, normal: Normaliser) -> tuple[tuple[str, ...], ...]:
    """Return the sentences of a pattern that have words enough to be looked for by sound."""
    found = []
    for sentence in sentences(written_plainly(entry)):
        parts = [normal.words(part) if part.strip() else () for part in _SLOT.split(sentence)[::2]]
        if sum(map(len, parts)) >= (SOUND_CHINESE if normal.chinese else SOUND_ENGLISH):
            units = [unit for part in parts for unit in (GAP, *part)][1:]
            found.append(_trimmed(units))
    return tuple(dict.fromkeys(found))


def _trimmed(units: Sequence[str]) -> tuple[str, ...]:
    """Return units without gaps at the ends, where nothing has to be heard, nor two in a row."""
    kept = [unit for at, unit in enumerate(units) if unit != GAP or (at and units[at - 1] != GAP)]
    while kept and kept[-1] == GAP:
        kept.pop()
    return tuple(kept)


def _plain(entry: str, normal: Normaliser) -> Entry:
    words = normal.words(written_plainly(entry))
    return Entry(
        entry,
        words=words,
        options=other_readings(words, normal.chinese),
        short=len(words) <= (2 if normal.chinese else 1),
        denies=bool((NEGATORS_CHINESE if normal.chinese else NEGATORS_ENGLISH).intersection(words)),
    )


def _slot(value: str) -> str:
    return r"(?!)" if value == NAMES_SLOT else value


def _literal(text: str, normal: Normaliser) -> str:
    words = normal.words(text) if text.strip() else ()
    return regex.escape(normal.joint.join(words), special_only=True)


def _bounded(pattern: str, normal: Normaliser) -> regex.Pattern[str]:
    if not normal.chinese:
        regex.compile(pattern)  # an error then tells the place in what was written
        pattern = rf"(?<![\w£$€])(?:{pattern})(?!\w)"
    return regex.compile(pattern)


def occurrences(entry: Entry, side: Side, low: int = 0, high: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield (first, last + 1) unit of every exact occurrence between the units `low` and `high`.

    Raises:
        PatternTooSlow: the entry's regular expression ran into its time limit.
    """
    high = len(side.texts) if high is None else high
    if entry.pattern is not None:
        yield from _pattern_hits(entry.pattern, side, low, high)
        # "one time" is "1 time" in normal form, but a pattern may spell the number out.
        if side.spelled is not side:
            yield from _mapped(side, _pattern_hits(entry.pattern, side.spelled, 0, None), low, high)
    elif entry.words:
        yield from side.find(entry.words, low, high)


def slot_hit(entry: Entry, side: Side, low: int, high: int) -> tuple[int, int] | None:
    """Return where the entry's slots alone are filled, without the words around them."""
    if entry.slot_only is None:
        return None
    return next(iter(_pattern_hits(entry.slot_only, side, low, high)), None)


def _pattern_hits(pattern: regex.Pattern[str], side: Side, low: int, high: int | None) -> Iterator[tuple[int, int]]:
    text, offset = side.text_between(low, len(side.texts) if high is None else high)
    try:
        for match in pattern.finditer(text, timeout=PATTERN_SECONDS):
            if match.end() > match.start():
                yield side.units_at(offset + match.start(), offset + match.end())
    except TimeoutError as error:
        raise PatternTooSlow(pattern.pattern) from error


def _mapped(side: Side, hits: Iterator[tuple[int, int]], low: int, high: int) -> Iterator[tuple[int, int]]:
    """Translate unit positions of the spelled-out text into those of the normal text, by turn and time."""
    for first, last in hits:
        span = side.units_like(side.spelled, first, last)
        if span and span[0] >= low and span[1] <= high:
            yield span
