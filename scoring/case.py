"""One call before the rules: its words, its facts, its measures, and what each rule found so far."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from scoring.digits import DigitRun
from scoring.entries import NAMES_SLOT, Entry, compile_entry, occurrences
from scoring.facts import CallFacts
from scoring.found import Matched
from scoring.marks import Answer, Evidence
from scoring.outcome import Finding
from scoring.phrase_set import PhraseSet, Required, Window
from scoring.phrases import PhraseMatch, best_match
from scoring.quiet import Pause, pauses_of
from scoring.spoken import Side, Spoken
from transcription.measures import AudioMeasures
from transcription.transcript import AGENT, CUSTOMER, Transcript

LOW_CONFIDENCE = 0.5  # mean recogniser confidence below which nothing counts as absent
GRACE_S = 0.5  # word times of recognisers are off by about this much
DISTINCTIVE = 3  # units of a wording from which it tells by itself who speaks (twice as many in Chinese)
OPENING_SENTENCE = 2  # half (Chinese: a third) of the units from which a wording is a sentence, not a hello


@dataclass(frozen=True, slots=True)
class Range:
    """The units of one side among which a rule looks, with its limits for the evidence."""

    side: Side
    low: int
    high: int
    start: float | None = None  # seconds
    end: float | None = None

    @property
    def empty(self) -> bool:
        return self.low >= self.high


class Case:
    """What the rules of one phrase set need to know of one call."""

    def __init__(
        self,
        transcript: Transcript,
        phrases: PhraseSet,
        measures: AudioMeasures | None,
        facts: CallFacts,
    ) -> None:
        self.phrases = phrases
        self.spoken = Spoken(transcript, phrases.normaliser)
        self.transcript = transcript
        self.measures = measures
        self.facts = facts
        self.timed = self.spoken.timed
        self._slots = phrases.slots
        self.digits: dict[str, tuple[DigitRun, ...]] = {}  # of each side, read once

    def entries(self, sources: Iterable[str]) -> list[Entry]:
        """Return compiled entries; a slot for the organisation becomes one entry per configured name."""
        key = tuple(sources)
        kept = self.phrases.compiled.get(key)
        if kept is None:
            kept = self._compiled(key)
            if not self._differs_by_call(key):
                self.phrases.compiled[key] = kept
        return kept

    def _differs_by_call(self, sources: Iterable[str]) -> bool:
        names = [f"{{{slot}}}" for slot, value in self._slots.items() if value == NAMES_SLOT]
        return any(source == "caller_name" or any(name in source for name in names) for source in sources)

    def _compiled(self, sources: Iterable[str]) -> list[Entry]:
        compiled = []
        for source in self._expanded(sources):
            names = [slot for slot, value in self._slots.items() if value == NAMES_SLOT and f"{{{slot}}}" in source]
            if not names:
                compiled.append(compile_entry(source, self._slots, self.phrases.normaliser))
                continue
            for name in self.facts.organisation_names:
                filled = source.replace(f"{{{names[0]}}}", name)
                compiled.append(compile_entry(filled, self._slots, self.phrases.normaliser))
        return compiled

    def _expanded(self, sources: Iterable[str]) -> Iterator[str]:
        """Yield plain entries for the names of word lists and of call fields (caller_name)."""
        for source in sources:
            if source in self.phrases.lists:
                yield from self.phrases.lists[source]
            elif source == "profanity_list":
                continue  # no such list is configured
            elif source == "caller_name":
                yield from self.facts.fields.get("caller_name", "").split()
            else:
                yield source

    def needs_names(self, sources: Iterable[str]) -> bool:
        """Whether these entries ask for the organisation's names and none is configured."""
        asked = any(
            value == NAMES_SLOT and f"{{{slot}}}" in source for source in sources for slot, value in self._slots.items()
        )
        return asked and not self.facts.organisation_names

    def flag(self, name: str) -> bool | None:
        """Return a yes/no fact of the call, else of the site; not named anywhere means no; None: unknown."""
        value = self.facts.flag(name)
        if value is not None:
            return value
        return {"yes": True, "unknown": None}.get(self.phrases.site.get(name, "no"), False)

    @cached_property
    def first_agent_word(self) -> float | None:
        """When the agent begins to speak, in seconds."""
        side = self.spoken.side(AGENT)
        return side.moment(0, 1)[0] if side.texts else None

    @cached_property
    def _spans(self) -> tuple[float, float]:
        spoken = [turn for turn in self.transcript.turns if turn.text.strip() or turn.words]
        starts = [turn.words[0].start if turn.words else turn.start for turn in spoken]
        ends = [turn.words[-1].end if turn.words else turn.end for turn in spoken]
        return min(starts, default=0.0), max(ends, default=0.0)

    @property
    def first_word(self) -> float:
        """When anybody begins to speak, in seconds."""
        return self._spans[0]

    @property
    def last_word(self) -> float:
        """When the last words end, in seconds."""
        return self._spans[1]

    @cached_property
    def pauses(self) -> list[Pause] | None:
        """The silences within the call; None when nothing has times."""
        return pauses_of(self.transcript, self.measures, timed=self.timed)

    @property
    def agent_hung_up(self) -> bool:
        """Whether it is known that the agent ended the call."""
        told = any(event.kind == "agent_hangup" for event in self.facts.events)
        return told or self.facts.fields.get("hangup_by") == "agent"

    def role_doubt(self, role: str) -> str | None:
        """Return the reason why it cannot be told what `role` said, or None."""
        if role != "any" and not self.spoken.speakers_known:
            return "speakers_unknown"
        if role != "any" and self.sides_may_be_swapped:
            return "sides_may_be_swapped"
        return None

    def sides(self, role: str) -> list[Side]:
        """Return where to look for what `role` says: with unknown speakers, everywhere."""
        return self.spoken.sides("any" if self.role_doubt(role) else role)

    def whole(self, role: str) -> list[Range]:
        """Return all that may be the words of `role`."""
        return [Range(side, 0, len(side.texts)) for side in self.sides(role)]

    @cached_property
    def sides_may_be_swapped(self) -> bool:
        """Whether the customer opens the call with an agent's sentence and the agent does not.

        A hello is no sentence: whoever is called says it too.
        """
        return self._opens(CUSTOMER) and not self._opens(AGENT)

    def _opens(self, speaker: str) -> bool:
        """Whether `speaker` says a sentence of an opening near the beginning."""
        side = self.spoken.side(speaker)
        if not self._openings or not side.texts:
            return False
        least = OPENING_SENTENCE * (3 if self.phrases.normaliser.chinese else 2)
        reach = 3 * max((seconds for seconds, _ in self._openings), default=0.0) if self.timed else 2
        return self.says_opening(side, *units_between(side, 0.0, side.moment(0, 1)[0] + reach), least=least)

    def says_opening(self, side: Side, low: int, high: int, *, least: int = 1) -> bool:
        """Whether words of an opening, of at least so many units, stand between the units `low` and `high`."""
        return any(
            last - first >= least
            for _, rule in self._openings
            for entries in rule.parts.values()
            for entry in self.entries(entries)
            for first, last in occurrences(entry, side, low, high)
        )

    @cached_property
    def _openings(self) -> list[tuple[float, Required]]:
        """The rules for what an agent says first, in several parts, each with its seconds."""
        return [
            (rule.window.start_s, rule)
            for rule in self.phrases.required
            if rule.role == AGENT and isinstance(rule.window, Window) and rule.window.start_s and len(rule.parts) > 1
        ]

    def search(self, sources: Iterable[str], ranges: Iterable[Range], *, latest: bool = False) -> PhraseMatch | None:
        """Return the best match of any entry in any of the ranges; None when the ranges hold no words."""
        entries = self.entries(sources)
        best: PhraseMatch | None = None
        for where in ranges:
            if where.empty:
                continue
            match = best_match(entries, where.side, where.low, where.high, timed=self.timed, latest=latest)
            if best is None or match.probability > best.probability:
                best = match
        return best

    def tells_speaker(self, match: PhraseMatch) -> bool:
        """Whether a wording is long enough to tell that it was the agent who said it."""
        return match.length >= self.distinctive

    @property
    def distinctive(self) -> int:
        """How many units of a wording tell by themselves who speaks."""
        return DISTINCTIVE * (2 if self.phrases.normaliser.chinese else 1)

    def absence_doubt(self, ranges: Iterable[Range]) -> tuple[str, dict[str, object]] | None:
        """Return the reason (and its values) why "not heard" does not mean "not said" here, or None."""
        ranges = list(ranges)
        if not any(where.side.texts for where in ranges):
            return "nothing_heard", {}
        for where in ranges:
            confidence = where.side.confidence(where.low, where.high)
            if confidence is not None and confidence < LOW_CONFIDENCE:
                return "low_confidence", {"confidence": round(confidence, 2), "limit": LOW_CONFIDENCE}
        if self.measures is not None and self.measures.quality == "poor":
            return "poor_audio", {}
        return None

    def finding(
        self,
        rule: str,
        kind: str,
        verdict: Answer,
        reason: str,
        *,
        part: str | None = None,
        match: Matched | None = None,
        values: Mapping[str, object] | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> Finding:
        """Return a finding whose evidence is a match, a stretch of time, or neither."""
        evidence = Evidence(
            rule,
            self.phrases.key,
            verdict.value,
            reason,
            dict(values or {}),
            speaker=match.speaker if match else None,
            turn=match.turn if match else None,
            start=_rounded(match.start if match else start),
            end=_rounded(match.end if match else end),
            text=match.text if match else None,
            wording=match.wording if match else None,
            probability=match.probability if match else None,
            confidence=_rounded(match.confidence) if match else None,
            part=part,
        )
        return Finding(rule, kind, verdict, evidence, part)


def units_between(side: Side, start: float, end: float) -> tuple[int, int]:
    """Return the units of a side that begin within `start` to `end` seconds, both included.

    Like `Side.between_times`, but looks at the times of few units only while those of all were not asked for.
    """
    if "tokens" in side.__dict__:
        return side.between_times(start, end)

    def begin(unit: int) -> float:
        return side.moment(unit, unit + 1)[0]

    units = range(len(side.texts))
    return bisect_left(units, start, key=begin), bisect_right(units, end, key=begin)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
