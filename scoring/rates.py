"""Speech rate: from the audio's measures, else from the times of the words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from transcription.measures import AudioMeasures
from transcription.transcript import Transcript, Turn

BREATH_S = 0.3  # a longer gap between two words is silence and does not count as speech
_CHARACTER = re.compile(r"[\u3400-\u9fff]|[a-zA-Z]+|\d")


@dataclass(frozen=True, slots=True)
class Rate:
    """Words (characters in Chinese) a minute, net of silence."""

    per_minute: float
    units: int
    start: float | None = None  # seconds, of a single turn
    end: float | None = None


def mean_rate(
    transcript: Transcript, measures: AudioMeasures | None, role: str, *, chinese: bool, timed: bool
) -> Rate | None:
    """Return the rate of one side over the call; None when it cannot be measured."""
    if measures is not None:
        side = measures.sides.get(role)
        if side is None or side.speech_rate is None:
            return None
        unit = "chars/min" if chinese else "words/min"
        return Rate(side.speech_rate, side.rate_units_counted) if side.rate_unit == unit else None
    rates = turn_rates(transcript, role, chinese=chinese) if timed else []
    units = sum(rate.units for rate in rates)
    minutes = sum(rate.units / rate.per_minute for rate in rates)
    return Rate(units / minutes, units) if minutes else None


def turn_rates(transcript: Transcript, role: str, *, chinese: bool) -> list[Rate]:
    """Return the rate of each turn of one side that has word times."""
    rates = []
    for turn in transcript.turns:
        if turn.speaker == role and turn.words:
            seconds = _speech_seconds(turn)
            units = sum(_units(word.text, chinese) for word in turn.words)
            if seconds > 0 and units:
                rates.append(Rate(60 * units / seconds, units, turn.words[0].start, turn.words[-1].end))
    return rates


def _speech_seconds(turn: Turn) -> float:
    seconds = turn.words[-1].end - turn.words[0].start
    for before, after in zip(turn.words, turn.words[1:], strict=False):
        gap = after.start - before.end
        if gap > BREATH_S:
            seconds -= gap
    return seconds


def _units(text: str, chinese: bool) -> int:
    return len(_CHARACTER.findall(text)) if chinese else 1
