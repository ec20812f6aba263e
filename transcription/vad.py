"""Find where somebody speaks, with the Silero model that comes inside the faster-whisper package."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from transcription.engine import SAMPLE_RATE, EngineUnavailable, Samples, Span

if TYPE_CHECKING:
    from faster_whisper.vad import VadOptions

THRESHOLD = 0.5  # probability of speech
LEAST_SPEECH = 0.1  # seconds; shorter sounds are clicks
LEAST_PAUSE = 0.2  # seconds; shorter pauses are part of speech
PAD = 0.03  # seconds added on each side: the model begins a little late and its steps are 32 ms
NOISE_FLOOR = 10 ** (-66 / 20)  # level below which a span is the noise of the line, whatever the model says

PIECE = 600  # seconds looked at in one go, to bound memory on long calls

LONGEST_SPAN = 28.0  # seconds; Whisper hears 30 s at a time
SENTENCE_PAUSE = 0.6  # seconds; spans closer than this are recognised together
RECOGNITION_PAD = 0.2  # seconds; a recogniser wants to hear the silence around the words


def find_speech(samples: Samples) -> list[Span]:
    """Return the stretches of speech in one channel at SAMPLE_RATE, sorted and disjoint.

    They are as tight as they can be measured; `for_recognition` gives those that recognisers want.

    Raises:
        EngineUnavailable: faster-whisper, which carries the model, is not installed.
    """
    try:
        from faster_whisper.vad import VadOptions, get_speech_timestamps
    except ImportError as error:
        raise EngineUnavailable(
            "voice activity detection needs the package faster-whisper, which carries the Silero model;"
            " install it with: pip install faster-whisper"
        ) from error
    options = _options(VadOptions)
    spans: list[Span] = []
    for start in range(0, len(samples), PIECE * SAMPLE_RATE):
        piece = samples[start : start + PIECE * SAMPLE_RATE]
        if np.abs(piece).max(initial=0.0) < NOISE_FLOOR:
            continue
        for found in get_speech_timestamps(piece, options, sampling_rate=SAMPLE_RATE):
            if _level(piece[found["start"] : found["end"]]) >= NOISE_FLOOR:
                first, last = start + found["start"], start + found["end"]
                _append(spans, Span(round(first / SAMPLE_RATE, 3), round(last / SAMPLE_RATE, 3)))
    return spans


def for_recognition(spans: Sequence[Span], duration: float) -> list[Span]:
    """Return `spans` joined over short pauses, padded, and none longer than LONGEST_SPAN.

    >>> for_recognition([Span(1.0, 2.0), Span(2.4, 3.0), Span(9.0, 9.5)], 9.6)
    [Span(start=0.8, end=3.2), Span(start=8.8, end=9.6)]
    """
    pieces: list[Span] = []
    for span in chain.from_iterable(map(_cut, spans)):
        last = pieces[-1] if pieces else None
        if last and span.start - last.end < SENTENCE_PAUSE and span.end - last.start <= LONGEST_SPAN:
            pieces[-1] = Span(last.start, span.end)
        else:
            pieces.append(span)
    return _padded(pieces, duration)


def _options(kind: type[VadOptions]) -> VadOptions:
    return kind(
        threshold=THRESHOLD,
        min_speech_duration_ms=round(1000 * LEAST_SPEECH),
        min_silence_duration_ms=round(1000 * LEAST_PAUSE),
        speech_pad_ms=round(1000 * PAD),
    )


def _level(samples: Samples) -> float:
    return float(np.sqrt(np.dot(samples, samples) / max(1, len(samples))))


def _append(spans: list[Span], span: Span) -> None:
    """Add `span`, joined with the last one where they touch (at the border of two pieces)."""
    if spans and span.start - spans[-1].end < LEAST_PAUSE / 2:
        spans[-1] = Span(spans[-1].start, span.end)
    elif span.end > span.start:
        spans.append(span)


def _cut(span: Span) -> list[Span]:
    """Cut a span that is too long into equal parts; someone who never pauses for so long is music on hold."""
    parts = int(np.ceil((span.end - span.start) / LONGEST_SPAN))
    edges = np.linspace(span.start, span.end, parts + 1).round(3).tolist()
    return [Span(start, end) for start, end in pairwise(edges)]


def _padded(spans: Sequence[Span], duration: float) -> list[Span]:
    """Widen each span by RECOGNITION_PAD, but no further than halfway to its neighbour."""
    result = []
    for index, span in enumerate(spans):
        before = spans[index - 1].end if index else -np.inf
        after = spans[index + 1].start if index + 1 < len(spans) else np.inf
        start = max(0.0, span.start - RECOGNITION_PAD, (before + span.start) / 2)
        end = min(duration, span.end + RECOGNITION_PAD, (span.end + after) / 2)
        result.append(Span(round(float(start), 3), round(float(end), 3)))
    return result
