"""What was said, by whom, when: the value that every check reads.

The JSON form is documented in docs/formats.md and checked by transcription/transcript.schema.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from transcription.json_values import JsonObject, WrongValue

AGENT = "agent"
CUSTOMER = "customer"
UNKNOWN = "unknown"
SPEAKERS = (AGENT, CUSTOMER, UNKNOWN)

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")  # the shape of a BCP 47 tag


class TranscriptError(ValueError):
    """A transcript that cannot be read; the message says where and how to mend it."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; times in seconds from the beginning of the call."""

    text: str
    start: float
    end: float
    confidence: float | None = None  # 0 to 1 as the recogniser reports it; None when it reports none


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch of speech by one speaker; times in seconds from the beginning of the call."""

    speaker: str  # AGENT, CUSTOMER or UNKNOWN
    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one call, ordered by the start of each turn.

    When `timed` is False the source gave an order but no times: the start and end of a turn are then its
    position (0, 1, 2 ...) and not seconds, no word has a time and `duration` is 0. A check that needs a time
    (a window in seconds, a pause, a rate) has to answer "cannot tell"; one that needs only the order may go on.
    """

    language: str  # BCP 47, for example "en" or "zh-CN"
    duration: float  # seconds; 0 when not timed
    channels: int  # of the recording: 1 or 2; 0 when the words came without a recording (chat, typed text)
    turns: tuple[Turn, ...] = ()
    engine: str | None = None  # what recognised it, for example "sphinx/en-us"
    timed: bool = True  # False: starts and ends are positions, not seconds

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Transcript:
        """Read the documented JSON form. Turns may come in any order; keys that it does not know are passed over.

        Raises:
            TranscriptError: a field is missing, of the wrong type or out of range; the message names
                its place, for example ``turns[3].start``.
        """
        try:
            return _transcript(JsonObject.of(data))
        except WrongValue as error:
            raise TranscriptError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the documented JSON form; `from_dict` gives the same value back."""
        data: dict[str, Any] = {"language": self.language, "duration": self.duration, "channels": self.channels}
        if self.engine is not None:
            data["engine"] = self.engine
        if not self.timed:
            data["timed"] = False
        data["turns"] = [_turn_to_dict(turn) for turn in self.turns]
        return data

    def said_by(self, speaker: str) -> Iterator[tuple[int, Turn]]:
        """Yield (turn index, turn) for each turn of `speaker`."""
        return ((index, turn) for index, turn in enumerate(self.turns) if turn.speaker == speaker)


def is_language_tag(tag: str) -> bool:
    """Tell whether `tag` has the shape of a BCP 47 language tag, such as "en" or "zh-CN"."""
    return _LANGUAGE_TAG.fullmatch(tag) is not None


def _turn_to_dict(turn: Turn) -> dict[str, Any]:
    data: dict[str, Any] = {"speaker": turn.speaker, "start": turn.start, "end": turn.end, "text": turn.text}
    if turn.words:
        data["words"] = [_word_to_dict(word) for word in turn.words]
    return data


def _word_to_dict(word: Word) -> dict[str, Any]:
    data: dict[str, Any] = {"text": word.text, "start": word.start, "end": word.end}
    if word.confidence is not None:
        data["confidence"] = word.confidence
    return data


def _transcript(data: JsonObject) -> Transcript:
    timed = data.flag("timed", default=True)
    language = data.text("language")
    if not is_language_tag(language):
        raise data.wrong("language", 'must be a language tag such as "en" or "zh-CN"')
    duration = data.seconds("duration")
    channels = data.number("channels", "must be 1 or 2, or 0 without a recording")
    if channels not in (0, 1, 2):
        raise data.wrong("channels", "must be 1 or 2, or 0 without a recording")
    turns = [_turn(turn, timed) for turn in data.objects("turns")]
    if timed:
        _require_starts_within(turns, duration)
    return Transcript(
        language=language,
        duration=duration,
        channels=int(channels),
        turns=tuple(sorted(turns, key=lambda turn: turn.start)),
        engine=data.text("engine") if "engine" in data else None,
        timed=timed,
    )


def _turn(data: JsonObject, timed: bool) -> Turn:
    speaker = data.choice("speaker", SPEAKERS)
    start, end = _start_and_end(data)
    text = data.text("text")
    words = _words(data) if "words" in data else ()
    if words and not timed:
        raise data.wrong("words", "leave them out, a transcript with timed = false has no word times")
    return Turn(speaker, start, end, text, words)


def _words(data: JsonObject) -> tuple[Word, ...]:
    given = data.value("words")
    usual = [_usual_word(word) for word in given] if type(given) is list else [None]
    if None not in usual:
        return tuple(usual)  # type: ignore[arg-type]
    return tuple(_word(word) for word in data.objects("words"))


def _usual_word(data: object) -> Word | None:
    """Return a word as nearly all of them are written, of which a call has thousands; None for `_word` to look at."""
    if type(data) is not dict:
        return None
    text, start, end, sure = data.get("text"), data.get("start"), data.get("end"), data.get("confidence")
    if type(text) is not str or type(start) is not float or type(end) is not float or not 0 <= start <= end < inf:
        return None
    if sure is not None and (type(sure) is not float or not 0 <= sure <= 1):
        return None
    return Word(text, start, end, sure)


def _word(data: JsonObject) -> Word:
    start, end = _start_and_end(data)
    return Word(data.text("text"), start, end, data.share("confidence"))


def _start_and_end(data: JsonObject) -> tuple[float, float]:
    start, end = data.seconds("start"), data.seconds("end")
    if end < start:
        raise data.wrong("end", f"must not lie before the start ({start:g})")
    return start, end


def _require_starts_within(turns: Sequence[Turn], duration: float) -> None:
    for index, turn in enumerate(turns):
        if turn.start > duration:
            raise WrongValue(
                f"turns[{index}].start: must not lie after the end of the call"
                f" (duration is {duration:g}), got {turn.start:g}"
            )
