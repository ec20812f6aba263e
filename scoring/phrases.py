"""Was the script said? Finds phrases in what one speaker says, in spite of recognition errors.

Every wording is looked for by its sounds in one pass over all that a speaker says (scoring.kernels); the places that
may be it are aligned phone by phone, and a small logistic model (scoring.phrase_model) says how probable it is that
the wording was said there. Regular expressions are found exactly, or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import regex

from scoring.alignment import NOT_SAID, SAID, UNSURE, Fit, Step, negated_before, steps_of
from scoring.entries import Entry, PatternTooSlow, compile_entry, occurrences, slot_hit, slot_names
from scoring.phrase_model import PhraseModel, phrase_model
from scoring.spoken import Side, Spoken
from scoring.text import Normaliser, normaliser
from transcription.transcript import AGENT, Transcript

if TYPE_CHECKING:
    from scoring.stream import Pack

log = logging.getLogger(__name__)

CERTAIN = 0.99  # of words found as they stand
CERTAIN_SHORT = 0.95  # the same of a single word or two characters
DENIED = 0.05  # the words are there, with a negation that turns them round
DOUBTED_WORDS = 0.5  # recogniser confidence under which a single word decides nothing

_FIELDS = ("verdict", "probability", "wording", "speaker", "turn", "start", "end", "text", "alignment", "confidence")


Place = tuple[float, int, int]  # probability, first unit, last unit + 1


class PhraseMatch:
    """Where a phrase was said, or came nearest to being said; a value, not to be changed.

    Times are seconds; they are None when nothing was compared or the transcript has no times. Words, times and the
    alignment are worked out when they are first asked for.
    """

    __slots__ = ("_rest", "probability", "verdict", "wording")

    def __init__(
        self,
        verdict: str,  # "said", "not_said" or "unsure"
        probability: float,
        wording: str | None = None,  # the script's words that fit best
        speaker: str | None = None,
        turn: int | None = None,  # index in the transcript
        start: float | None = None,
        end: float | None = None,
        text: str | None = None,  # the transcript's words
        alignment: tuple[Step, ...] = (),
        confidence: float | None = None,  # mean recogniser confidence of these words
    ) -> None:
        self.verdict = verdict
        self.probability = probability
        self.wording = wording
        self._rest: tuple[Any, ...] = (speaker, turn, start, end, text, alignment, confidence)

    def _details(self) -> tuple[Any, ...]:
        if len(self._rest) == 4:  # as `_match` leaves it
            side, words, (_, first, last), timed = self._rest
            words = words or side.texts[first:last]
            start, end = side.moment(first, last) if timed else (None, None)
            steps = steps_of(words, side.texts[first:last], side.normal.chinese)
            self._rest = (
                side.speaker, side.turn_of(first), start, end, side.heard(first, last), steps,
                side.confidence(first, last),
            )  # fmt: skip
        return self._rest

    @property
    def speaker(self) -> str | None:
        """Who said it."""
        return self._details()[0]

    @property
    def turn(self) -> int | None:
        """The index of the turn in the transcript."""
        return self._details()[1]

    @property
    def start(self) -> float | None:
        """When it begins, in seconds."""
        return self._details()[2]

    @property
    def end(self) -> float | None:
        """When it ends, in seconds."""
        return self._details()[3]

    @property
    def text(self) -> str | None:
        """The transcript's words."""
        return self._details()[4]

    @property
    def alignment(self) -> tuple[Step, ...]:
        """How the wording and the words heard differ, unit by unit."""
        return self._details()[5]

    @property
    def confidence(self) -> float | None:
        """The mean recogniser confidence of these words."""
        return self._details()[6]

    @property
    def length(self) -> int:
        """How many units of the wording were compared."""
        return sum(step.wording != "" for step in self.alignment)

    def _values(self) -> tuple[Any, ...]:
        return (self.verdict, self.probability, self.wording, *self._details())

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, PhraseMatch) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in zip(_FIELDS, self._values(), strict=True))
        return f"PhraseMatch({values})"

    def __reduce__(self) -> tuple[Any, ...]:
        return PhraseMatch, self._values()


NOTHING = PhraseMatch(NOT_SAID, 0.0)

STANDARD_SLOTS = {
    "STAFF": r"[0-9]{3,8}|[0-9](?: [0-9]){2,7}",
    "MONEY": r"[£$€]?[0-9][0-9,.]*(?: ?(?:pounds?|dollars?|euros?|pence|cents?|元|块))?",
    "TIME": r"[0-9]+ ?(?:个)?(?:小时|分钟|天|工作日|minutes?|hours?|days?|working days?)(?:之)?(?:以内|内|后)?",
}


FILLERS = {True: ("呃", "嗯", "唔"), False: ("um", "uh", "er", "erm", "hmm", "mm", "uhm")}  # by "is Chinese"


class PhraseFinder:
    """Finds each of several phrases; a phrase is said when any of its wordings is.

    A wording is plain text, or holds slots ({STAFF}, {MONEY}, {TIME}) or regular-expression signs.

    Raises:
        ValueError: a phrase without wordings, or a wording without words, with an unknown slot or a broken regular
            expression; the message names phrase and wording.
    """

    def __init__(self, phrases: Mapping[str, Sequence[str]], *, language: str) -> None:
        for name, wordings in phrases.items():
            if isinstance(wordings, str) or not wordings:
                raise ValueError(f"phrase {name!r}: give a list of one wording or more")
        self._normal = _normal_form(language, phrases)
        self._phrases = {
            name: [self._compiled(name, wording) for wording in wordings] for name, wordings in phrases.items()
        }
        self._wordings = Wordings.of(
            (entry for entries in self._phrases.values() for entry in entries), chinese=self._normal.chinese
        )

    def _compiled(self, name: str, wording: str) -> Entry:
        unknown = set(slot_names(wording)).difference(STANDARD_SLOTS)
        if unknown:
            known = ", ".join(f"{{{slot}}}" for slot in STANDARD_SLOTS)
            raise ValueError(f"phrase {name!r}: {wording!r} has an unknown slot {{{min(unknown)}}}; known are {known}")
        try:
            entry = compile_entry(wording, STANDARD_SLOTS, self._normal)
        except regex.error as error:
            raise ValueError(f"phrase {name!r}: {wording!r} is no valid regular expression: {error}") from error
        if not entry.words and entry.pattern is None:
            raise ValueError(f"phrase {name!r}: wording {wording!r} holds no words; write some or remove it")
        return entry

    def find(self, transcript: Transcript, speaker: str = AGENT) -> dict[str, PhraseMatch]:
        """Return the best match of every phrase in what `speaker` says; every phrase is in the result.

        A regular expression that runs into its time limit is "unsure" without a place, and logged.
        """
        spoken = Spoken(transcript, self._normal)
        side = spoken.side(speaker)
        if not len(side):
            return dict.fromkeys(self._phrases, NOTHING)
        fits = _fits(self._wordings, side, 0, len(side), patient=True)
        model, timed = phrase_model(self._normal.chinese), spoken.timed
        found: dict[str, PhraseMatch] = {}
        at = 0
        for name, entries in self._phrases.items():
            entry, best = entries[0], fits[at]
            at += 1
            for other in entries[1:] if len(entries) > 1 else ():
                place = fits[at]
                at += 1
                if place is not None and (best is None or place[0] > best[0]):
                    entry, best = other, place
            if best is None:
                found[name] = NOTHING
            elif best[1] < 0:
                found[name] = PhraseMatch(UNSURE, best[0], entry.source)
            else:
                found[name] = _match(entry, best, side, model, timed)
        return found


def _normal_form(language: str, phrases: Mapping[str, Sequence[str]]) -> Normaliser:
    """Return the normal form in which fillers count for nothing, unless some wording consists of them."""
    bare = normaliser(language)
    fillers = {bare.words(filler) for filler in FILLERS[bare.chinese]}
    if any(bare.words(wording) in fillers for wordings in phrases.values() for wording in wordings):
        return bare
    return normaliser(language, strip=FILLERS[bare.chinese])


@dataclass(frozen=True)
class Wordings:
    """Entries, and all that is looked for by its sounds for them."""

    entries: tuple[Entry, ...]
    texts: tuple[tuple[str, ...], ...]  # the words of the entries that have any, then the options of all
    plain: tuple[int, ...]  # of each of the words: the number of its entry
    # Entries that take a closer look: the number, where in `texts` its words are (-1: none), and where its options.
    closer: tuple[tuple[int, int, int], ...]
    chinese: bool

    @cached_property
    def pack(self) -> Pack:
        """The texts packed for the search."""
        from scoring.stream import pack_of

        return pack_of(self.texts, self.chinese)

    @classmethod
    def of(cls, entries: Iterable[Entry], *, chinese: bool) -> Wordings:
        """Return what is looked for by its sounds for some entries."""
        entries = tuple(entries)
        plain = tuple([number for number, entry in enumerate(entries) if entry.words])
        words = [entries[number].words for number in plain]
        options: list[tuple[str, ...]] = []
        closer = []
        for number, entry in enumerate(entries):
            if entry.short or entry.options or not entry.words:
                closer.append((number, plain.index(number) if entry.words else -1, len(words) + len(options)))
            options.extend(entry.options)
        return cls(entries, (*words, *options), plain, tuple(closer), chinese)


def _fits(
    wordings: Wordings, side: Side, low: int, high: int, *, latest: bool = False, patient: bool = False
) -> list[Place | None]:
    """Return the best place of each entry between the units `low` and `high`.

    With `patient` a pattern that takes too long has a doubtful place that is nowhere (-1, -1).

    Raises:
        PatternTooSlow: a pattern took too long, without `patient`.
    """
    entries = wordings.entries
    sounds, odd = _sound_places(wordings, side, low, high, latest) if wordings.texts else ([], [])
    places: list[Place | None]
    if len(wordings.plain) == len(entries):
        places = [*sounds[: len(entries)]]
    else:
        places = [None] * len(entries)
        for number, place in zip(wordings.plain, sounds, strict=False):
            places[number] = place
    for at in odd:
        if at < len(wordings.plain):
            number = wordings.plain[at]
            places[number] = _unless_denied(entries[number], sounds[at], side)
    for number, at, options in wordings.closer:
        entry = entries[number]
        alike = sounds[options : options + len(entry.options)]
        try:
            places[number] = _closer_place(
                entry, [*sounds[at : at + 1], *alike] if at >= 0 else alike, side, (low, high), latest
            )
        except PatternTooSlow as error:
            if not patient:
                raise
            log.warning("%r: %s", entry.source, error)
            places[number] = phrase_model(side.normal.chinese).doubt, -1, -1
    return places


def _closer_place(
    entry: Entry, alike: Sequence[Place], side: Side, where: tuple[int, int], latest: bool
) -> Place | None:
    """Return the place of a short entry, of a pattern, or of one that may be said in several ways."""
    model = phrase_model(side.normal.chinese)
    if not entry.words:
        return _pattern_place(entry, side, where, alike, model, latest)
    place = max(alike, key=itemgetter(0))
    if entry.short and place[1] >= 0:
        return _short_place(entry, side, place, where, model, latest)
    return _unless_denied(entry, place, side)


def _unless_denied(entry: Entry, place: Place, side: Side) -> Place | None:
    """Return a place, hardly probable where a negation stands before it; None when it is nowhere."""
    probability, first, last = place
    if first < 0:
        return None
    if probability > DENIED and not entry.denies and negated_before(side, first):
        return _denied(side, first, probability, phrase_model(side.normal.chinese)), first, last
    return place


def _denied(side: Side, first: int, probability: float, model: PhraseModel) -> float:
    """Return how probable a wording is before which a negation was heard: one that the recogniser doubts settles
    nothing ("all done" heard as "all don't")."""
    confidence = side.confidence(first - 1, first)
    return DENIED if confidence is None or confidence >= DOUBTED_WORDS else min(probability, model.doubt)


def _sound_places(wordings: Wordings, side: Side, low: int, high: int, latest: bool) -> tuple[list[Place], list[int]]:
    """Return the best place of each of the texts by its sounds; the first unit is -1 where nothing fits.

    Then which of them are nowhere or may have a negation before them.
    """
    from scoring.stream import search

    hits = search(wordings.pack, side.stream, phrase_model(side.normal.chinese), low, high, latest)
    return list(zip(hits.probabilities.tolist(), *hits.spans.T.tolist(), strict=True)), hits.odd.tolist()


def _short_place(
    entry: Entry, side: Side, place: Place, where: tuple[int, int], model: PhraseModel, latest: bool
) -> Place:
    """Return the place of a single word or of two characters: said as they stand, unsure when they sound the same."""
    exact = list(side.find(entry.words, *where))
    for first, last in reversed(exact) if latest else exact:
        if not negated_before(side, first):
            confidence = side.confidence(first, last)
            sure = confidence is None or confidence >= DOUBTED_WORDS
            return (CERTAIN_SHORT if sure else model.doubt), first, last
    probability, first, last = place
    same = side.stream.same_sound(entry.words, first, last)
    return (model.doubt if same else min(probability, model.unlikely)), first, last


def _pattern_place(
    entry: Entry, side: Side, where: tuple[int, int], alike: Sequence[Place], model: PhraseModel, latest: bool
) -> Place | None:
    """Return the place of a pattern: found exactly, else as one of its sentences sounds, its slots filled."""
    hits = list(occurrences(entry, side, *where))
    for first, last in reversed(hits) if latest else hits:
        if not negated_before(side, first):
            return CERTAIN, first, last
    if hits:
        return DENIED, *hits[0]
    best = max(alike, default=(0.0, -1, -1))
    if best[1] >= 0 and entry.slot_only is not None and best[0] > SLOT_EMPTY:
        around = max(where[0], best[1] - SLOT_UNITS), min(where[1], best[2] + SLOT_UNITS)
        best = best if slot_hit(entry, side, *around) else (SLOT_EMPTY, best[1], best[2])
    alone = slot_hit(entry, side, *where)
    if alone and best[0] < model.doubt:  # the words around the slots may not have been recognised
        return model.doubt, *alone
    return best if best[1] >= 0 else None


SLOT_EMPTY = 0.05  # the words are there, but nothing fills the slots
SLOT_UNITS = 8  # this near to the words


def best_match(
    entries: Iterable[Entry], side: Side, low: int, high: int, *, timed: bool = True, latest: bool = False
) -> PhraseMatch:
    """Return the best match of any of the wordings between the units `low` and `high` of a side.

    Of several exact matches the first is taken, with `latest` the last.

    Raises:
        PatternTooSlow: a regular expression ran into its time limit.
    """
    entries = tuple(entries)
    low, high = max(low, 0), min(high, len(side))
    model = phrase_model(side.normal.chinese)
    exact: tuple[Entry, Place] | None = None
    for entry in entries:
        for first, last in occurrences(entry, side, low, high):
            if not negated_before(side, first) and (exact is None or (first < exact[1][1]) != latest):
                exact = entry, (CERTAIN_SHORT if entry.short else CERTAIN, first, last)
    if exact:
        return _match(*exact, side, model, timed)
    if low >= high or not entries:
        return NOTHING
    best: tuple[Entry, Place] | None = None
    fits = _fits(Wordings.of(entries, chinese=side.normal.chinese), side, low, high, latest=latest)
    for entry, place in zip(entries, fits, strict=True):
        if place is not None and (best is None or place[0] > best[1][0]):
            best = entry, place
    return _match(*best, side, model, timed) if best else NOTHING


def _match(entry: Entry, place: Place, side: Side, model: PhraseModel, timed: bool) -> PhraseMatch:
    probability = place[0]
    match = PhraseMatch.__new__(PhraseMatch)
    match.verdict = SAID if probability >= model.said_from else UNSURE if probability >= model.unsure_from else NOT_SAID
    match.probability = probability
    match.wording = entry.source
    match._rest = side, entry.words, place, timed
    return match


def match_of(entry: Entry, fit: Fit, side: Side, *, timed: bool = True) -> PhraseMatch:
    """Return a fit as a match with its turn, times and words."""
    first, last = fit.first, max(fit.last, fit.first + 1)
    if first >= len(side):
        return NOTHING
    start, end = side.moment(first, last) if timed else (None, None)
    return PhraseMatch(
        fit.verdict, fit.probability, entry.wording, side.speaker, side.turn_of(first), start, end,
        side.heard(first, last), fit.steps, side.confidence(first, last),
    )  # fmt: skip
