"""Was the script said? Finds phrases in what one speaker says, in spite of recognition errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scoring.alignment import NOT_SAID, SAID, UNSURE, Fit, Step, best_fit, exact_fit
from scoring.entries import Entry, compile_entry, occurrences, slot_hit
from scoring.spoken import Side, Spoken
from scoring.text import normaliser
from transcription.transcript import AGENT, Transcript


@dataclass(frozen=True, slots=True)
class PhraseMatch:
    """Where a phrase was said, or came nearest to being said.

    `probability` that it was said is not calibrated: see scoring.alignment. Times are seconds; they are None when
    nothing was compared or the transcript has no times.
    """

    verdict: str  # "said", "not_said" or "unsure"
    probability: float
    wording: str | None = None  # the script's words that fit best
    speaker: str | None = None
    turn: int | None = None  # index in the transcript
    start: float | None = None
    end: float | None = None
    text: str | None = None  # the transcript's words
    alignment: tuple[Step, ...] = ()
    confidence: float | None = None  # mean recogniser confidence of these words

    @property
    def length(self) -> int:
        """How many units of the wording were compared."""
        return sum(step.wording != "" for step in self.alignment)


NOTHING = PhraseMatch(NOT_SAID, 0.0)

STANDARD_SLOTS = {
    "STAFF": r"[0-9]{3,8}|[0-9](?: [0-9]){2,7}",
    "MONEY": r"[£$€]?[0-9][0-9,.]*(?: ?(?:pounds?|dollars?|euros?|pence|cents?|元|块))?",
    "TIME": r"[0-9]+ ?(?:个)?(?:小时|分钟|天|工作日|minutes?|hours?|days?|working days?)(?:之)?(?:以内|内|后)?",
}


class PhraseFinder:
    """Finds each of several phrases; a phrase is said when any of its wordings is.

    A wording is plain text, or holds slots ({STAFF}, {MONEY}, {TIME}) or regular-expression signs.
    """

    def __init__(self, phrases: Mapping[str, Sequence[str]], *, language: str) -> None:
        self._normal = normaliser(language)
        self._phrases = {
            name: [compile_entry(wording, STANDARD_SLOTS, self._normal) for wording in wordings]
            for name, wordings in phrases.items()
        }

    def find(self, transcript: Transcript, speaker: str = AGENT) -> dict[str, PhraseMatch]:
        """Return the best match of every phrase in what `speaker` says; every phrase is in the result."""
        spoken = Spoken(transcript, self._normal)
        side = spoken.side(speaker)
        return {
            name: best_match(entries, side, 0, len(side.tokens), timed=spoken.timed)
            for name, entries in self._phrases.items()
        }


def best_match(
    entries: Iterable[Entry], side: Side, low: int, high: int, *, timed: bool = True, latest: bool = False
) -> PhraseMatch:
    """Return the best match of any of the wordings between the units `low` and `high` of a side.

    Of several exact matches the first is taken, with `latest` the last.

    Raises:
        PatternTooSlow: a regular expression ran into its time limit.
    """
    entries = list(entries)
    exact: tuple[Entry, Fit] | None = None
    for entry in entries:
        for first, last in occurrences(entry, side, low, high):
            fit = exact_fit(entry.words, side, first, last)
            if fit.verdict == SAID and (exact is None or (fit.first < exact[1].first) != latest):
                exact = entry, fit
    if exact:
        return match_of(*exact, side, timed=timed)
    best: tuple[Entry, Fit] | None = None
    for entry in entries:
        fit_or_none = best_fit(entry.words, side, low, high) if entry.words else _slots_alone(entry, side, low, high)
        if fit_or_none and (best is None or fit_or_none.probability > best[1].probability):
            best = entry, fit_or_none
    return match_of(*best, side, timed=timed) if best else NOTHING


def _slots_alone(entry: Entry, side: Side, low: int, high: int) -> Fit | None:
    """Return an unsure fit where the slots are filled but the words around them were not recognised."""
    hit = slot_hit(entry, side, low, high)
    if hit is None:
        return None
    steps = tuple(Step("similar", entry.source, text) for text in side.texts[hit[0] : hit[1]])
    return Fit(UNSURE, 0.5, *hit, steps)


def match_of(entry: Entry, fit: Fit, side: Side, *, timed: bool = True) -> PhraseMatch:
    """Return a fit as a match with its turn, times and words."""
    first, last = fit.first, max(fit.last, fit.first + 1)
    if first >= len(side.tokens):
        return NOTHING
    tokens = side.tokens[first:last]
    return PhraseMatch(
        fit.verdict,
        fit.probability,
        wording=entry.wording,
        speaker=side.speaker,
        turn=side.turns[first],
        start=tokens[0].start if timed else None,
        end=tokens[-1].end if timed else None,
        text=side.heard(first, last),
        alignment=fit.steps,
        confidence=side.confidence(first, last),
    )
