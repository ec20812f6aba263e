"""Silences of a call, from the audio's measures or, without them, from the times of the words."""

from __future__ import annotations

from dataclasses import dataclass

from transcription.measures import AudioMeasures
from transcription.transcript import UNKNOWN, Transcript

SHORTEST_S = 1.0  # a shorter gap between words is a breath, not a silence


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which nobody speaks; `after` and `before` are the speakers around it, None when unknown."""

    start: float  # seconds
    end: float
    after: str | None
    before: str | None

    @property
    def length(self) -> float:
        return self.end - self.start


def pauses_of(transcript: Transcript, measures: AudioMeasures | None, *, timed: bool) -> list[Pause] | None:
    """Return the pauses between the first and the last words; None when neither sound nor words have times."""
    if not timed:
        return None
    spans = _spoken_spans(transcript)
    if not spans:
        return None
    if measures is None:
        return _between(spans)
    return [
        Pause(silence.start, silence.end, silence.after, _next_speaker(spans, silence.end))
        for silence in measures.silences
        if silence.start >= spans[0][0] and silence.end <= spans[-1][1]
    ]


def _spoken_spans(transcript: Transcript) -> list[tuple[float, float, str]]:
    spans: list[tuple[float, float, str]] = []
    for turn in transcript.turns:
        if turn.words:
            spans.extend((word.start, word.end, turn.speaker) for word in turn.words)
        elif turn.text.strip():
            spans.append((turn.start, turn.end, turn.speaker))
    return sorted(spans)


def _between(spans: list[tuple[float, float, str]]) -> list[Pause]:
    result = []
    _, last_end, last_speaker = spans[0]
    for start, end, speaker in spans[1:]:
        if start > last_end + SHORTEST_S:
            result.append(Pause(last_end, start, _known(last_speaker), _known(speaker)))
        if end > last_end:
            last_end, last_speaker = end, speaker
    return result


def _known(speaker: str) -> str | None:
    return None if speaker == UNKNOWN else speaker


def _next_speaker(spans: list[tuple[float, float, str]], moment: float) -> str | None:
    return next((_known(speaker) for start, _, speaker in spans if start >= moment - 0.5), None)
