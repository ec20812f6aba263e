"""A turn whose words a person corrected: words that stayed keep their times, the others share the time between."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from transcription.transcript import Turn, Word

# A Chinese character stands alone; a run of anything else is cut at spaces.
_UNIT = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")
_HEARD_BY_A_PERSON = 1.0  # the confidence of every word in a turn that somebody listened to and set right


@dataclass(frozen=True, slots=True)
class _Unit:
    """The smallest piece that is compared: a Chinese character or a word, with the word that it is of."""

    text: str
    start: float
    end: float
    word: int

    @property
    def bare(self) -> str:
        return bare(self.text)


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of text as it was and as it is; both are the same where nothing changed."""

    before: str
    after: str

    @property
    def same(self) -> bool:
        return self.before == self.after


def corrected(turn: Turn, text: str) -> Turn:
    """Return `turn` with the words of `text`, within the same times.

    Words that are unchanged keep their times; those in between share the time that is free there evenly. All of the
    turn's words get confidence 1: whoever corrected the turn listened to it. A turn without word times stays without.
    """
    text = text.strip()
    if not turn.words:
        return replace(turn, text=text)
    old = list(_units_of(turn.words))
    new = [found[0] for found in _UNIT.finditer(text) if bare(found[0])]
    kept: list[_Unit | None] = [None] * len(new)
    matcher = SequenceMatcher(None, [unit.bare for unit in old], [bare(unit) for unit in new], autojunk=False)
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            kept[block.b + offset] = old[block.a + offset]
    return replace(turn, text=text, words=tuple(_timed(turn, new, kept)))


def changes(before: str, after: str) -> list[Change]:
    """Return two texts side by side, cut where they begin or cease to differ.

    >>> changes("my cart was", "my card was")
    [Change(before='my ', after='my '), Change(before='cart ', after='card '), Change(before='was', after='was')]
    """
    old, new = _pieces(before), _pieces(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [Change("".join(old[a:b]), "".join(new[c:d])) for _, a, b, c, d in matcher.get_opcodes()]


def bare(text: str) -> str:
    """Return a unit as it is compared: without case, width or punctuation around it."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded.strip("".join({char for char in folded if unicodedata.category(char)[0] in "PSZ"}))


def _pieces(text: str) -> list[str]:
    return re.findall(r"[\u3400-\u9fff]\s*|[^\s\u3400-\u9fff]+\s*|\s+", text)


def _units_of(words: Sequence[Word]) -> Iterator[_Unit]:
    """Yield the units of the recogniser's words; the characters of a longer Chinese word share its time."""
    for number, word in enumerate(words):
        parts = _UNIT.findall(word.text)
        step = (word.end - word.start) / max(1, len(parts))
        for place, part in enumerate(parts):
            yield _Unit(part, word.start + place * step, word.start + (place + 1) * step, number)


def _timed(turn: Turn, new: Sequence[str], kept: Sequence[_Unit | None]) -> Iterator[Word]:
    at = 0
    last = turn.start
    while at < len(new):
        unit = kept[at]
        if unit is not None:
            last = max(last, unit.end)
            yield _word(new[at], unit.start, unit.end)
            at += 1
            continue
        until = at
        while until < len(new) and kept[until] is None:
            until += 1
        following = kept[until] if until < len(new) else None
        free_to = max(last, following.start if following else turn.end)
        step = (free_to - last) / (until - at)
        for place in range(at, until):
            yield _word(new[place], last + (place - at) * step, last + (place - at + 1) * step)
        at, last = until, free_to


def _word(text: str, start: float, end: float) -> Word:
    return Word(text, round(start, 3), round(max(start, end), 3), _HEARD_BY_A_PERSON)
