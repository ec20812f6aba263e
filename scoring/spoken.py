"""A transcript made ready for checking: the normal-form units of each side, with turns and times."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING

from scoring.numbers import Piece
from scoring.reading import CLAUSE_ENDS, PLAIN, Reading, Words, reader_of
from scoring.sounds import syllable
from scoring.text import Normaliser, Token
from transcription.transcript import AGENT, CUSTOMER, UNKNOWN, Transcript, Turn, Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scoring.stream import Stream

PAUSE_S = 0.6  # between two words: a new clause begins
INTERRUPTED = 6  # words of the other side from which what follows is another sentence


@dataclass(frozen=True, slots=True)
class Said:
    """The turns of one speaker, and their words read: those recognised, or those written where a turn has none."""

    turns: Sequence[int]  # indexes in the transcript
    sources: Sequence[Turn]
    interrupted: Sequence[int]  # places of turns before which the other side spoke at length
    cuts: Sequence[int]  # where each turn begins among the words, and the number of words
    heard: Sequence[Word]  # the words where all were recognised; none where some are only written
    words: Words
    read: NDArray[np.intp]  # of each word: its number among `words`

    def readings(self, first: int, last: int) -> list[Reading]:
        """Return words as each was read by itself."""
        return [self.words.readings[number] for number in self.read[first:last].tolist()]

    def openings(self, first: int, last: int) -> list[bool]:
        """Return for words of one turn whether a clause begins with them: punctuation or a pause stands before."""
        place = bisect_right(self.cuts, first) - 1
        low, words = self.cuts[place], self.sources[place].words
        if not words:
            return _written_openings(self.readings(low, last))[first - low :]
        return [
            index == 0 or _opens_clause(words[index - 1].text, words[index].start - words[index - 1].end)
            for index in range(first - low, last - low)
        ]


class Side:
    """All that one speaker says, as units in normal form, in order of time.

    Made for speed: words and units are numbers (scoring.reading); texts, and `tokens` with their times, are made when
    they are asked for. Numbers and mishearings are read within one turn, never across two.
    """

    def __init__(
        self, speaker: str, normal: Normaliser, said: Said, words: Words, groups: Sequence[tuple[int, int, int]]
    ) -> None:
        """`groups` are words read together: the first, the one after the last, and their number among `words`."""
        import numpy as np

        from scoring.unit_kernels import lay_out

        self.speaker = speaker
        self.normal = normal
        self.said = said
        self.units = words.units
        self._words = words
        # Of each unit: its number among `units`, and its word; where turns begin among them; then what was read of
        # each word or group, and the first word of it.
        self.ids, self._homes, begins, self._parts, self._firsts = lay_out(
            said.read, np.array(groups, np.int64).reshape(-1, 3), words.sizes.values, words.begins.values,
            words.flat.values, words.origins.values, np.array(said.cuts, np.int64),
        )  # fmt: skip
        self._begins: list[int] = begins.tolist()  # the first unit of each turn, and the number of all units

    @classmethod
    def of(cls, speaker: str, normal: Normaliser, said: Said) -> Side:
        """Return a side in the normal form of its words."""
        import numpy as np

        from scoring.unit_kernels import tied_words

        words = said.words
        tied = tied_words(said.read, words.sizes.values, words.flags.values, np.array(said.cuts, np.int64))
        groups = []
        for first, last in tied.tolist():
            opens = said.openings(first, last) if normal.chinese else ()
            number = words.group(tuple(said.read[first:last].tolist()), tuple(opens))
            if number >= 0:
                groups.append((first, last, number))
        return cls(speaker, normal, said, words, groups)

    def _read_otherwise(self, *, strip: bool = True, numbers: bool = True) -> Side:
        """Return the same words read with fillers, or with number words as they were spoken."""
        said, words = self.said, Words(reader_of(self.normal), self.units)
        groups = []
        for first, last in pairwise(said.cuts):
            if first < last:
                readings, opens = said.readings(first, last), said.openings(first, last)
                groups.append((first, last, words.add_together(readings, opens, strip=strip, numbers=numbers)))
        return Side(self.speaker, self.normal, said, words, groups)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The units."""
        return tuple(map(self.units.texts.__getitem__, self.ids.tolist()))

    @cached_property
    def _part_cuts(self) -> list[int]:
        """Where each turn begins among the words and groups that were read, and the number of them."""
        cuts: list[int] = self._firsts.searchsorted(self.said.cuts).tolist()
        return cuts

    def _turn_readings(self, place: int) -> list[Reading]:
        """Return what was read of each word or group of a turn."""
        low, high = self._part_cuts[place : place + 2]
        return [self._words.readings[number] for number in self._parts[low:high].tolist()]

    @cached_property
    def _plain(self) -> list[bool]:
        """Whether each word of a turn is one unit, before normalising and after."""
        import numpy as np

        other = np.append(0, np.cumsum(self._words.flags.values[self._parts] & PLAIN == 0))
        single = np.diff(self._part_cuts) == np.diff(self.said.cuts)
        plain: list[bool] = (single & (np.diff(other[self._part_cuts]) == 0)).tolist()
        return plain

    @cached_property
    def turns(self) -> tuple[int, ...]:
        """Of each unit: the index of its turn in the transcript."""
        sizes = [end - begin for begin, end in pairwise(self._begins)]
        return tuple(turn for turn, size in zip(self.said.turns, sizes, strict=True) for _ in range(size))

    @property
    def breaks(self) -> list[int]:
        """The units before which the other side spoke at length: what is said after it is another sentence."""
        begins = self._begins
        return [begins[place] for place in self.said.interrupted if begins[place] < begins[place + 1]]

    def turn_of(self, unit: int) -> int:
        """Return the index in the transcript of the turn that a unit belongs to."""
        return self.said.turns[self.place(unit)]

    def place(self, unit: int) -> int:
        """Return the place in `said` of the turn that a unit belongs to."""
        return bisect_right(self._begins, unit) - 1

    def _turn_pieces(self, place: int) -> Sequence[Piece]:
        """Return the units of one turn with the bare units that they stand for."""
        if place not in self._turn_pieces_made:
            pieces: list[Piece] = []
            bare = 0
            for reading in self._turn_readings(place):
                for unit, first, last in zip(reading.normal, reading.origins, reading.ends, strict=True):
                    pieces.append((unit, bare + first, bare + last))
                bare += len(reading.bare)
            self._turn_pieces_made[place] = pieces
        return self._turn_pieces_made[place]

    @cached_property
    def _turn_pieces_made(self) -> dict[int, list[Piece]]:
        return {}

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The units with their times."""
        return tuple(chain.from_iterable(map(self._turn_tokens, range(len(self.said.turns)))))

    def _turn_tokens(self, place: int) -> list[Token]:
        if place not in self._turn_tokens_made:
            bare = self._bare_turn(place)
            self._turn_tokens_made[place] = [
                bare[first]._replace(text=unit, end=bare[last - 1].end)
                for unit, first, last in self._turn_pieces(place)
            ]
        return self._turn_tokens_made[place]

    @cached_property
    def _turn_tokens_made(self) -> dict[int, list[Token]]:
        return {}

    def _bare_turn(self, place: int) -> list[Token]:
        if place not in self._bare_turns_made:
            self._bare_turns_made[place] = self._bare_tokens(place)
        return self._bare_turns_made[place]

    @cached_property
    def _bare_turns_made(self) -> dict[int, list[Token]]:
        return {}

    def _bare_tokens(self, place: int) -> list[Token]:
        """Return the bare units of a turn with times: from its words, else spread over the turn by length."""
        turn = self.said.sources[place]
        first, last = self.said.cuts[place : place + 2]
        readings, opens = self.said.readings(first, last), self.said.openings(first, last)
        if turn.words:
            tokens: list[Token] = []
            for index, (word, reading, begins) in enumerate(zip(turn.words, readings, opens, strict=True)):
                if len(reading.bare) == 1:
                    tokens.append(Token(reading.bare[0], word.start, word.end, word.confidence, begins, index))
                elif reading.bare:
                    clauses = [begins, *reading.clauses[1:]]
                    tokens += _spread(reading.bare, clauses, word.start, word.end, word.confidence, index)
            return tokens
        clauses = [
            clause if number else begins
            for reading, begins in zip(readings, opens, strict=True)
            for number, clause in enumerate(reading.clauses)
        ]
        return _spread([unit for reading in readings for unit in reading.bare], clauses, turn.start, turn.end, None, -1)

    @cached_property
    def bare(self) -> tuple[Token, ...]:
        """The units before normalising."""
        return tuple(token for place in range(len(self.said.turns)) for token in self._bare_turn(place))

    @cached_property
    def bare_turns(self) -> tuple[int, ...]:
        """Of each bare unit: the index of its turn in the transcript."""
        return tuple(turn for place, turn in enumerate(self.said.turns) for _ in self._bare_turn(place))

    @cached_property
    def stream(self) -> Stream:
        """The units as sounds, for the search of wordings."""
        from scoring.stream import stream_of

        return stream_of(self)

    @cached_property
    def confidences(self) -> NDArray[np.float64]:
        """The recogniser's confidence of each unit; NaN where it reports none."""
        import numpy as np

        if self.said.heard:
            heard = np.array([word.confidence for word in self.said.heard], np.float64)
        else:
            heard = np.full(self.said.cuts[-1], np.nan)
            for turn, begin in zip(self.said.sources, self.said.cuts, strict=False):
                heard[begin : begin + len(turn.words)] = [word.confidence for word in turn.words]
        return heard[self._homes]

    def reported(self, low: int = 0, high: int | None = None) -> list[float]:
        """Return the confidences of the units `low` to `high` that the recogniser reports."""
        return [confidence for confidence in self.confidences[low:high].tolist() if confidence == confidence]

    def moment(self, first: int, last: int) -> tuple[float, float]:
        """Return when the first of the units `first` to `last` begins and when the last one ends, in seconds."""
        begin, end = self._word_of(first), self._word_of(last - 1)
        start = begin.start if begin else self._token(first).start
        return start, end.end if end else self._token(last - 1).end

    def _word_of(self, unit: int) -> Word | None:
        """Return the word that a unit is the whole of; None when that takes a closer look."""
        place = self.place(unit)
        words = self.said.sources[place].words
        if not words or not self._plain[place]:
            return None
        return words[unit - self._begins[place]]

    def _token(self, unit: int) -> Token:
        place = self.place(unit)
        return self._turn_tokens(place)[unit - self._begins[place]]

    @cached_property
    def _offsets(self) -> list[int]:
        """Where each unit begins in `text`, and where the last one would be followed by the next."""
        gap = len(self.normal.joint)
        return list(accumulate([len(text) + gap for text in self.texts], initial=0))

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
        spelled = self._read_otherwise(numbers=False)
        return self if spelled.texts == self.texts else spelled

    @cached_property
    def unstripped(self) -> Side:
        """The same words with fillers, for short answers such as 嗯."""
        return self._read_otherwise(strip=False)

    def opens_clause(self, unit: int) -> bool:
        """Whether punctuation or a pause stands before a unit."""
        place = self.place(unit)
        if self._plain[place]:
            word = self.said.cuts[place] + unit - self._begins[place]
            return self.said.openings(word, word + 1)[0]
        return self._token(unit).new_clause

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
        needle = self.normal.joint.join(words)
        if needle not in self.text:
            return
        text, offset = self.text_between(low, len(self) if high is None else high)
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
        """Return the words behind the units `first` to `last` as they were recognised, fillers among them too."""
        if first >= last:
            return ""
        low, high = self.place(first), self.place(last - 1)
        texts: list[str] = []
        for place in range(low, high + 1):
            begin = first - self._begins[place] if place == low else 0
            end = (last if place == high else self._begins[place + 1]) - self._begins[place]
            texts.extend(self._bare_texts(place, begin, end))
        return self.normal.joint.join(texts)

    def _bare_texts(self, place: int, begin: int, end: int) -> list[str]:
        if begin >= end:
            return []
        readings = self._turn_readings(place)
        if self._plain[place]:
            return [reading.bare[0] for reading in readings[begin:end]]
        pieces = self._turn_pieces(place)
        bare = [unit for reading in readings for unit in reading.bare]
        return bare[pieces[begin][1] : pieces[end - 1][2]]

    def between_times(self, start: float, end: float) -> tuple[int, int]:
        """Return the units that begin within `start` to `end` seconds."""
        return bisect_left(self._starts, start), bisect_right(self._starts, end)

    @cached_property
    def _starts(self) -> list[float]:
        starts: list[float] = []
        for place, turn in enumerate(self.said.sources):
            plain = turn.words and self._plain[place]
            starts.extend([one.start for one in (turn.words if plain else self._turn_tokens(place))])
        return list(accumulate(starts, max))  # a recogniser's times may step back a little

    def in_turns(self, first: int, last: int) -> tuple[int, int]:
        """Return the units of the turns `first` to `last`, both included."""
        return bisect_left(self.turns, first), bisect_right(self.turns, last)

    def confidence(self, low: int = 0, high: int | None = None) -> float | None:
        """Return the mean recogniser confidence of the units; None when it reports none."""
        known = self.reported(low, high)
        return sum(known) / len(known) if known else None

    def doubtful_share(self, limit: float) -> float:
        """Return the share of units, 0 to 1, that the recogniser itself trusts less than `limit`."""
        known = self.reported()
        return sum(confidence < limit for confidence in known) / len(known) if known else 0.0


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
            self._sides[speaker] = self._side(speaker)
        return self._sides[speaker]

    def _side(self, speaker: str) -> Side:
        import numpy as np

        words, chinese, turns = reader_of(self.normal).words(), self.normal.chinese, self.transcript.turns
        mine = [index for index, turn in enumerate(turns) if turn.speaker == speaker]
        sources = [turns[index] if self.timed else self._placed(index, turns[index]) for index in mine]
        spoken = [turn.words for turn in sources]
        heard = list(chain.from_iterable(spoken)) if all(spoken) else []
        if heard:
            texts, sizes = [word.text for word in heard], list(map(len, spoken))
        else:
            written = [[word.text for word in turn.words] or _written_words(turn.text, chinese) for turn in sources]
            texts, sizes = list(chain.from_iterable(written)), list(map(len, written))
        interrupted = [
            place
            for place, (before, index) in enumerate(pairwise(mine), start=1)
            if index - before > 1 and _count(turns[before + 1 : index], chinese) >= INTERRUPTED
        ]
        read = np.fromiter(map(words.__getitem__, texts), np.intp, len(texts))
        cuts = list(accumulate(sizes, initial=0))
        return Side.of(speaker, self.normal, Said(mine, sources, interrupted, cuts, heard, words, read))

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
            if not self.normal.says_something(turn.text):
                continue
            placed = self._placed(index, turn)
            if result and result[-1].speaker == turn.speaker:
                last = result[-1]
                result[-1] = replace(last, last=index, end=max(last.end, placed.end))
            else:
                result.append(Stretch(turn.speaker, index, index, placed.start, placed.end))
        return tuple(result)


def _count(turns: Iterable[Turn], chinese: bool) -> int:
    """Return about how many words some turns hold."""
    return sum(len(turn.words) or (len(turn.text) // 2 if chinese else turn.text.count(" ") + 1) for turn in turns)


def _written_words(text: str, chinese: bool) -> list[str]:
    """Return the parts of a turn without word times that can be read one by one."""
    return [text] if chinese or "[" in text or "<" in text else text.split()


def _written_openings(readings: Sequence[Reading]) -> list[bool]:
    """Return for each word of a turn without times whether a clause begins with it: punctuation stands before."""
    opens, clause = [], True
    for reading in readings:
        opens.append(clause)
        clause = reading.closes or (clause and not reading.bare)
    return opens


def _opens_clause(before: str, pause: float) -> bool:
    return pause > PAUSE_S or before.rstrip()[-1:] in CLAUSE_ENDS


def _spread(
    units: Sequence[str], clauses: Sequence[bool], start: float, end: float, confidence: float | None, word: int
) -> list[Token]:
    """Return units with times in proportion to their lengths."""
    total = sum(map(len, units)) or 1
    at = 0
    tokens = []
    for unit, clause in zip(units, clauses, strict=True):
        begin = start + (end - start) * at / total
        at += len(unit)
        tokens.append(Token(unit, begin, start + (end - start) * at / total, confidence, clause, word))
    return tokens
