"""What must be masked before a stretch of a call is shown to others: numbers, mail addresses, given names.

Every run of three digits or more goes, however it is written or spoken: 13800138000, 一三八零零, "one three eight",
"a hundred and five", 两千三. So telephone, identity and bank card numbers go whatever their length, and a misheard
digit or a word between the digits does not save them. A number may be said in several turns of one speaker. Customers'
names and addresses cannot be told from other words: those a person has to find.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from transcription.transcript import Transcript, Turn

MASK = "＊"
LEAST_DIGITS = 3
BRIDGED = 2  # words between two digits that do not end a number
_LONG = 100  # what a hundred, 百 and anything above counts for: always a number of three digits

_ONES = ("zero", "oh", "o", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
    *("triple", "treble"),
)
_ENGLISH = dict.fromkeys(_ONES, 1) | dict.fromkeys(_TEENS, 2)
_TENS = frozenset(("twenty", "thirty", "forty", "fourty", "fifty", "sixty", "seventy", "eighty", "ninety"))
_LARGE = frozenset(("hundred", "hundreds", "thousand", "thousands", "million", "millions", "billion"))
_CHINESE = frozenset("零〇一二三四五六七八九两幺壹贰叁肆伍陆柒捌玖兩貳參陸")
_CHINESE_LARGE = frozenset("百千万亿佰仟萬億")
_CHINESE_TEN = frozenset("十拾")
# Words that people put between the digits of a number, or hear in between.
_BRIDGES = frozenset("然后嗯啊呃额那就是对好哦点杠横空格") | {
    *("and", "then", "the", "a", "dash", "hyphen", "slash", "point", "dot", "space", "star", "hash"),
    *("er", "erm", "um", "uh", "hm", "mhm", "yes", "yeah", "ok", "okay", "right"),
}
_MAIL = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"
    r"|\b[a-z0-9]{1,40}(?: (?:dot|underscore|dash|hyphen) [a-z0-9]{1,40}){0,4} at [a-z0-9]{1,40}"
    r"(?: dot [a-z]{2,6}){1,3}\b"
    r"|[a-z0-9]{2,40}\s?(?:艾特|at)\s?[a-z0-9]{2,30}\s?(?:点|dot)\s?(?:com|cn|net|org)",
    re.IGNORECASE,
)
# 千万 and 万一 by themselves are words: by all means, in case.
_UNIT = re.compile(
    r"\d+|(?<![零〇一二三四五六七八九十百千两])(?:千万|万一)|[\u3400-\u9fff〇]|[^\W\d_]+(?:['’][^\W\d_]+)*"
)
_CHINESE_GAP = re.compile(r"(?<=[\u3400-\u9fff〇]) (?=[\u3400-\u9fff〇])")
_SPELLED = re.compile(r"[xX叉]")  # the last sign of some identity numbers


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a turn that are masked."""

    turn: int  # index in the transcript
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Unit:
    turn: int
    start: int
    end: int
    text: str  # small letters

    @property
    def digits(self) -> int:
        """How many digits it stands for; 0: none."""
        text = self.text
        if text[0].isdigit():
            return len(text)
        if text in _LARGE:
            return _LONG
        return _ENGLISH.get(text, 2 if text in _TENS else 1 if text in _CHINESE else 0)


def spans_to_mask(transcript: Transcript, names: Sequence[str] = ()) -> list[Span]:
    """Return what must be masked in the texts of a transcript's turns, in order; spans do not overlap.

    Args:
        names: words that are masked wherever they are said, such as the agent's name.
    """
    found = [*_numbers(transcript), *_matches(transcript, _MAIL)]
    for name in names:
        found.extend(_matches(transcript, _name_pattern(name)))
    return _joined(found)


def masked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return `text` with each span in the place of one MASK.

    >>> masked("call 13800138000 now", [(5, 16)])
    'call ＊ now'
    """
    parts, at = [], 0
    for start, end in spans:
        parts.append(text[at:start])
        parts.append(MASK)
        at = end
    return "".join([*parts, text[at:]])


def hidden_words(transcript: Transcript, names: Sequence[str] = ()) -> list[set[int]]:
    """Return for each turn the indexes of the recognised words that must be masked.

    Looked for in the words themselves and in the turn's text, which may come from different sources: what is found in
    either is hidden.
    """
    spelled = replace(transcript, turns=tuple(replace(turn, text=_spelled(turn)) for turn in transcript.turns))
    hidden: list[set[int]] = [set() for _ in transcript.turns]
    for source in (spelled, transcript):
        for span in spans_to_mask(source, names):
            places = places_of_words(source.turns[span.turn])
            hidden[span.turn].update(
                number
                for number, (begin, end) in enumerate(places)
                if begin < span.end and span.start < max(end, begin + 1)
            )
    return hidden


def _spelled(turn: Turn) -> str:
    """Return the words of a turn as a text of its own."""
    if not turn.words:
        return turn.text
    return _CHINESE_GAP.sub("", " ".join(word.text.strip() for word in turn.words))


def places_of_words(turn: Turn) -> list[tuple[int, int]]:
    """Return the characters of the turn's text that each recognised word stands for.

    A word that the text does not have stands for all the text between its neighbours.
    """
    folded = turn.text.lower() if len(turn.text.lower()) == len(turn.text) else turn.text
    places: list[tuple[int, int] | None] = []
    at = 0
    for word in turn.words:
        text = word.text.strip()
        begin = folded.find(text.lower(), at) if text else -1
        places.append((begin, begin + len(text)) if begin >= 0 else None)
        at = begin + len(text) if begin >= 0 else at
    known: list[tuple[int, int]] = []
    for number, place in enumerate(places):
        before = known[-1][1] if known else 0
        after = next((later[0] for later in places[number + 1 :] if later), len(turn.text))
        known.append(place or (before, max(before, after)))
    return known


def _numbers(transcript: Transcript) -> Iterator[Span]:
    """Yield the runs of digits of each speaker; a run may go on in the speaker's next turn."""
    for speaker in dict.fromkeys(turn.speaker for turn in transcript.turns):
        run: list[_Unit] = []
        bridge: list[_Unit] = []
        for unit in _units(transcript, speaker):
            if unit.digits or _is_ten(unit) or unit.text in _CHINESE_LARGE:
                run.extend([*bridge, unit] if run else [unit])
                bridge = []
            elif run and len(bridge) < BRIDGED and (unit.text in _BRIDGES or _SPELLED.fullmatch(unit.text)):
                bridge.append(unit)
            else:
                yield from _spans(run, bridge)
                run, bridge = [], []
        yield from _spans(run, bridge)


def _units(transcript: Transcript, speaker: str) -> Iterator[_Unit]:
    for index, turn in transcript.said_by(speaker):
        for match in _UNIT.finditer(turn.text):
            yield _Unit(index, match.start(), match.end(), match.group().lower())


def _is_ten(unit: _Unit) -> bool:
    return unit.text in _CHINESE_TEN


def _spans(run: Sequence[_Unit], bridge: Sequence[_Unit]) -> Iterator[Span]:
    """Yield the characters of a run of three digits or more, turn by turn."""
    if _digits(run) < LEAST_DIGITS:
        return
    units = [*run, *bridge[:1]] if bridge and _SPELLED.fullmatch(bridge[0].text) else run
    for turn in dict.fromkeys(unit.turn for unit in units):
        inside = [unit for unit in units if unit.turn == turn]
        yield Span(turn, inside[0].start, inside[-1].end)


def _digits(run: Sequence[_Unit]) -> int:
    """Return how many digits a run has; 十 alone is ten, between digits it has none of its own."""
    total = 0
    for at, unit in enumerate(run):
        around = [near.text in _CHINESE for near in (*run[max(0, at - 1) : at], *run[at + 1 : at + 2])]
        if unit.text in _CHINESE_LARGE:
            # 百分之, 千万, 万一: without a numeral beside it, it is a part of a word.
            total += _LONG if any(around) else 0
        elif _is_ten(unit):
            total += 2 - sum(around)
        elif unit.text in _TENS:
            following = run[at + 1].text if at + 1 < len(run) else ""
            total += 1 if _ENGLISH.get(following) == 1 and following not in ("oh", "zero", "double") else 2
        else:
            total += unit.digits
    return total


def _matches(transcript: Transcript, pattern: re.Pattern[str]) -> Iterator[Span]:
    for index, turn in enumerate(transcript.turns):
        for match in pattern.finditer(turn.text):
            yield Span(index, match.start(), match.end())


def _name_pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of a name: Latin letters as a whole word, Chinese characters wherever they stand."""
    edge = r"(?<!\w)" if name[:1].isascii() else ""
    end = r"(?!\w)" if name[-1:].isascii() else ""
    return re.compile(edge + re.escape(name) + end, re.IGNORECASE)


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.turn, one.start, one.end)):
        last = joined[-1] if joined else None
        if last and last.turn == span.turn and span.start <= last.end:
            joined[-1] = Span(last.turn, last.start, max(last.end, span.end))
        else:
            joined.append(span)
    return joined
