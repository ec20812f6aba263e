"""Recognise one side's voice where it leaks into the other side's channel.

On many lines each channel carries a faint copy of the other. Left alone, the copy would be recognised a second
time, as words of the wrong speaker.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from transcription.audio import Recording
from transcription.engine import Span

SAME_SOUND = 0.98  # correlation of two channels above which they are one recording stored twice

QUIETER = 10 ** (10 / 20)  # a leak is at least 10 dB fainter than the voice it copies
LIKENESS = 0.6  # correlation with that voice; chosen high, so that a voice of its own stays
LONGEST_DELAY = 0.4  # seconds: echoes of mobile networks
COMPARED = 3.0  # seconds from the middle of a span
SHORTEST = 0.25  # seconds; shorter sounds are alike by chance


def is_one_sound(recording: Recording) -> bool:
    """Tell whether both channels hold the same sound: a mono call that was stored as stereo."""
    if recording.channels != 2:
        return False
    left, right = recording.samples
    power = float(np.dot(left, left)) * float(np.dot(right, right))
    return power > 0 and float(np.dot(left, right)) / power**0.5 > SAME_SOUND


def without_leaks(recording: Recording, spans: Sequence[Sequence[Span]]) -> list[list[Span]]:
    """Return the spans of both channels without those in which only the other side is heard.

    A span goes when its sound is a delayed, fainter copy of what the other channel has at that time.
    """
    return [
        [span for span in channel_spans if not _is_leak(recording, channel, span)]
        for channel, channel_spans in enumerate(spans)
    ]


def _is_leak(recording: Recording, channel: int, span: Span) -> bool:
    middle, length = (span.start + span.end) / 2, min(COMPARED, span.end - span.start)
    if length < SHORTEST:
        return False
    first, last = (int((middle + half * length / 2) * recording.rate) for half in (-1, 1))
    before = max(0, first - int(LONGEST_DELAY * recording.rate))
    copy = recording.samples[channel, first:last]
    source = recording.samples[1 - channel, before:last]
    if np.linalg.norm(recording.samples[1 - channel, first:last]) < QUIETER * np.linalg.norm(copy):
        return False
    return _likeness(copy, source) >= LIKENESS


def _likeness(copy: NDArray[np.float32], source: NDArray[np.float32]) -> float:
    """Return the largest correlation, 0 to 1, of `copy` with an equally long part of `source`."""
    size = 1 << int(len(copy) + len(source) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(source, size) * np.conj(np.fft.rfft(copy, size)), size)
    energy = np.r_[0.0, np.cumsum(source.astype(np.float64) ** 2)]
    parts = energy[len(copy) :] - energy[: -len(copy)]
    scale = np.sqrt(np.maximum(parts, 1e-12)) * (float(np.linalg.norm(copy)) + 1e-12)
    return float(np.abs(product[: len(parts)] / scale).max(initial=0.0))
