"""A transcript made ready for checking: the normal-form units of each side, with turns and times."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from scoring.sounds import syllable
from scoring.text import Normaliser, Token
from transcription.transcript import AGENT, CUSTOMER, UNKNOWN, Transcript, Turn


@dataclass(frozen=True)
class Side:
    """All that one speaker says, as units in normal form, in order of time."""

    speaker: str
    normal: Normaliser
    tokens: tuple[Token, ...]
    turns: tuple[int, ...]  # of each unit: the index of its turn in the transcript
    bare: tuple[Token, ...]  # before normalising
    bare_turns: tuple[int, ...]

    @cached_property
    def texts(self) -> tuple[str, ...]:
        return tuple(token.text for token in self.tokens)

    @cached_property
    def _offsets(self) -> list[int]:
        """Where each unit begins in `text`, and where the last one would be followed by the next."""
        gap = len(self.normal.joint)
        offsets, at = [], 0
        for text in self.texts:
            offsets.append(at)
            at += len(text) + gap
        offsets.append(at)
        return offsets

    @cached_property
    def text(self) -> str:
        """All units joined: without spaces in Chinese."""
        return self.normal.joint.join(self.texts)

    @cached_property
    def sounds(self) -> str:
        """One sign per unit for how it sounds (Chinese)."""
        return "".join(syllable(text) if len(text) == 1 else text[0] for text in self.texts)

    @cached_property
    def spelled(self) -> Side:
        """The same words with number words as they were spoken; itself when there are none (or in Chinese)."""
        if self.normal.chinese:
            return self
        spelled = side_of(self.speaker, self.normal, self.bare, self.bare_turns, numbers=False)
        return self if spelled.texts == self.texts else spelled

    @cached_property
    def unstripped(self) -> Side:
        """The same words with fillers, for short answers such as 嗯."""
        return side_of(self.speaker, self.normal, self.bare, self.bare_turns, strip=False)

    def text_between(self, low: int, high: int) -> tuple[str, int]:
        """Return the joined text of units `low` to `high`, and where it begins in `text`."""
        if low >= high:
            return "", 0
        begin = self._offsets[low]
        return self.text[begin : self._offsets[high] - len(self.normal.joint)], begin

    def units_at(self, begin: int, end: int) -> tuple[int, int]:
        """Return the units that the characters `begin` to `end` of `text` lie in."""
        first = bisect_right(self._offsets, begin, 0, len(self.texts)) - 1
        last = bisect_left(self._offsets, end, 0, len(self.texts))
        return max(first, 0), max(last, first + 1)

    def find(self, words: Sequence[str], low: int = 0, high: int | None = None) -> Iterator[tuple[int, int]]:
        """Yield every place where exactly these units stand between the units `low` and `high`."""
        joint = self.normal.joint
        needle = joint.join(words)
        text, offset = self.text_between(low, len(self.tokens) if high is None else high)
        at = text.find(needle)
        while at >= 0:
            first, last = self.units_at(offset + at, offset + at + len(needle))
            if self.texts[first:last] == tuple(words):
                yield first, last
            at = text.find(needle, at + 1)

    def units_like(self, other: Side, first: int, last: int) -> tuple[int, int] | None:
        """Return my units of the moment of another form's units, or None."""
        start, end = other.tokens[first].start, other.tokens[last - 1].end
        mine = [
            index
            for index, token in enumerate(self.tokens)
            if other.turns[first] <= self.turns[index] <= other.turns[last - 1]
            and token.end > start
            and token.start < end
        ]
        return (mine[0], mine[-1] + 1) if mine else None

    def heard(self, first: int, last: int) -> str:
        """Return the words behind the units `first` to `last` as they were recognised."""
        start, end = self.tokens[first].start, self.tokens[last - 1].end
        low = bisect_left(self.bare_turns, self.turns[first])
        high = bisect_right(self.bare_turns, self.turns[last - 1])
        return self.normal.joint.join(
            token.text for token in self.bare[low:high] if start <= (token.start + token.end) / 2 <= end
        )

    def between_times(self, start: float, end: float) -> tuple[int, int]:
        """Return the units that begin within `start` to `end` seconds."""
        return bisect_left(self._starts, start), bisect_right(self._starts, end)

    @cached_property
    def _starts(self) -> list[float]:
        starts, latest = [], 0.0
        for token in self.tokens:
            latest = max(latest, token.start)  # a recogniser's times may step back a little
            starts.append(latest)
        return starts

    def in_turns(self, first: int, last: int) -> tuple[int, int]:
        """Return the units of the turns `first` to `last`, both included."""
        return bisect_left(self.turns, first), bisect_right(self.turns, last)

    def confidence(self, low: int = 0, high: int | None = None) -> float | None:
        """Return the mean recogniser confidence of the units; None when it reports none."""
        known = [token.confidence for token in self.tokens[low:high] if token.confidence is not None]
        return sum(known) / len(known) if known else None

    def doubtful_share(self, limit: float) -> float:
        """Return the share of units, 0 to 1, that the recogniser itself trusts less than `limit`."""
        known = [token.confidence for token in self.tokens if token.confidence is not None]
        return sum(confidence < limit for confidence in known) / len(known) if known else 0.0


def side_of(
    speaker: str,
    normal: Normaliser,
    bare: Iterable[Token],
    turns: Iterable[int],
    *,
    strip: bool = True,
    numbers: bool = True,
) -> Side:
    """Make a side from bare units; numbers and mishearings are read within one turn, never across two."""
    bare, turns = tuple(bare), tuple(turns)
    tokens: list[Token] = []
    homes: list[int] = []
    at = 0
    while at < len(bare):
        end = bisect_right(turns, turns[at], at)
        normalised = normal.normal(bare[at:end], strip=strip, numbers=numbers)
        tokens.extend(normalised)
        homes.extend([turns[at]] * len(normalised))
        at = end
    return Side(speaker, normal, tuple(tokens), tuple(homes), bare, turns)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Turns of one speaker that the other side does not interrupt by a turn of their own."""

    speaker: str
    first: int  # turn indexes
    last: int
    start: float
    end: float


class Spoken:
    """The sides of one transcript. Times of a transcript without times are turn numbers and mean order only."""

    def __init__(self, transcript: Transcript, normal: Normaliser) -> None:
        self.transcript = transcript
        self.timed: bool = getattr(transcript, "timed", True)
        self.normal = normal
        self._sides: dict[str, Side] = {}

    def side(self, speaker: str) -> Side:
        """Return the units of one speaker."""
        if speaker not in self._sides:
            bare: list[Token] = []
            homes: list[int] = []
            for index, turn in enumerate(self.transcript.turns):
                if turn.speaker == speaker:
                    units = _turn_units(self._placed(index, turn), self.normal)
                    bare.extend(units)
                    homes.extend([index] * len(units))
            self._sides[speaker] = side_of(speaker, self.normal, bare, homes)
        return self._sides[speaker]

    def sides(self, role: str) -> list[Side]:
        """Return the sides that a rule's role may mean: one, or all for "any"."""
        if role != "any":
            return [self.side(role)]
        return [self.side(speaker) for speaker in (AGENT, CUSTOMER, UNKNOWN) if self._speaks(speaker)]

    def _speaks(self, speaker: str) -> bool:
        return any(turn.speaker == speaker for turn in self.transcript.turns)

    def _placed(self, index: int, turn: Turn) -> Turn:
        return turn if self.timed else replace(turn, start=float(index), end=index + 0.9, words=())

    @cached_property
    def speakers_known(self) -> bool:
        """Whether it is known who speaks: no turn that holds words is by an unknown speaker."""
        return not self._speaks(UNKNOWN)

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """The call as alternating stretches of speech."""
        result: list[Stretch] = []
        for index, turn in enumerate(self.transcript.turns):
            if not self.normal.units(turn.text):
                continue
            placed = self._placed(index, turn)
            if result and result[-1].speaker == turn.speaker:
                last = result[-1]
                result[-1] = replace(last, last=index, end=max(last.end, placed.end))
            else:
                result.append(Stretch(turn.speaker, index, index, placed.start, placed.end))
        return tuple(result)


def _turn_units(turn: Turn, normal: Normaliser) -> list[Token]:
    """Return the bare units of a turn with times: from its words, else spread over the turn by length."""
    if not turn.words:
        units = normal.units(turn.text)
        return _spread(units, turn.start, turn.end, None, -1)
    tokens: list[Token] = []
    for index, word in enumerate(turn.words):
        units = normal.units(word.text)
        clause = _opens_clause(turn.words[index - 1].text, word.start - turn.words[index - 1].end) if index else True
        placed = _spread(units, word.start, word.end, word.confidence, index)
        tokens.extend(
            replace(token, new_clause=clause if number == 0 else token.new_clause)
            for number, token in enumerate(placed)
        )
    return tokens


def _opens_clause(before: str, pause: float) -> bool:
    return pause > 0.6 or before.rstrip()[-1:] in tuple(".,;:!?。，；：！？、")


def _spread(units: Sequence[Token], start: float, end: float, confidence: float | None, word: int) -> list[Token]:
    total = sum(len(unit.text) for unit in units) or 1
    at = 0
    tokens = []
    for unit in units:
        begin = start + (end - start) * at / total
        at += len(unit.text)
        tokens.append(Token(unit.text, begin, start + (end - start) * at / total, confidence, unit.new_clause, word))
    return tokens
