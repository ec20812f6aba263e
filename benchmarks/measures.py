"""Time the audio measures against librosa's own features, called one by one on the same call.

Run: python benchmarks/measures.py

The call is made here: 10 minutes, two channels, 8 kHz, modulated noise where somebody "speaks" and faint noise between.
Ours is the whole of `measure`; voice activity detection is left out of it, so the spans are those of the making.
librosa's figures are the comparable ones: frame levels (feature.rms with power_to_db) for loudness, swing and noise
floor, and effects.split for talk time and silences; for overlaps, words, pace and clipping it has nothing to call.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import librosa
import numpy as np
from numpy.typing import NDArray

from transcription.audio import Recording
from transcription.engine import Span
from transcription.measuring import measure
from transcription.transcript import AGENT, CUSTOMER, Transcript, Turn, Word

RATE = 8_000  # Hz
MINUTES = 10
REPEATS = 7
GOAL = 300  # times real time on one core
FRAME, HOP = 160, 160  # samples: 20 ms, as in ours

Samples = NDArray[np.float32]


def main() -> None:
    recording, spans, transcript = make_call(np.random.default_rng(1))
    left, right = recording.samples
    rows: list[tuple[str, Callable[[], object]]] = [
        ("librosa.feature.rms + power_to_db, both channels", lambda: [levels(left), levels(right)]),
        ("librosa.effects.split, both channels", lambda: [split(left), split(right)]),
    ]
    ours = seconds_of(lambda: measure(recording, spans, transcript, agent_channel=0))
    theirs = [(name, seconds_of(work)) for name, work in rows]
    theirs.append(("librosa in all", sum(taken for _, taken in theirs)))
    length = MINUTES * 60
    print(f"{'':<52}{'ms':>9}{'x real time':>13}{'time of ours':>14}")
    for name, taken in [("ours: measure()", ours), *theirs]:
        print(f"{name:<52}{1000 * taken:>9.1f}{length / taken:>13,.0f}{taken / ours:>13.1f}x")
    print(f"\ngoal: {GOAL} x real time; ours: {length / ours:,.0f} x ({'met' if length / ours >= GOAL else 'missed'})")


def make_call(random: np.random.Generator) -> tuple[Recording, list[list[Span]], Transcript]:
    """Make a call in which the sides take turns of 1 to 8 s and sometimes begin before the other has ended."""
    samples = random.normal(0, 0.001, (2, MINUTES * 60 * RATE)).astype(np.float32)
    spans: list[list[Span]] = [[], []]
    turns: list[Turn] = []
    time_, side = 1.0, 0
    while time_ < MINUTES * 60 - 10:
        end = time_ + random.uniform(1, 8)
        spans[side].append(Span(time_, end))
        turns.append(speak(samples[side], side, time_, end, random))
        time_, side = max(0.0, end + random.uniform(-1.5, 3.0)), 1 - side
    turns.sort(key=lambda turn: turn.start)
    transcript = Transcript("en", float(MINUTES * 60), 2, tuple(turns))
    return Recording(samples, RATE), spans, transcript


def speak(channel: Samples, side: int, start: float, end: float, random: np.random.Generator) -> Turn:
    """Write noise with the rhythm of syllables into `channel` and return the turn with a word every 0.4 s."""
    begin, stop = int(start * RATE), int(end * RATE)
    rhythm = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * np.arange(stop - begin) / RATE)
    channel[begin:stop] += (random.normal(0, 0.1, stop - begin) * rhythm).astype(np.float32)
    words = tuple(Word("word", at, at + 0.3, 0.9) for at in np.arange(start, end - 0.4, 0.4).tolist())
    return Turn(AGENT if side == 0 else CUSTOMER, start, end, " ".join(word.text for word in words), words)


def levels(channel: Samples) -> object:
    return librosa.power_to_db(librosa.feature.rms(y=channel, frame_length=FRAME, hop_length=HOP, center=False) ** 2)


def split(channel: Samples) -> object:
    return librosa.effects.split(channel, top_db=30, frame_length=2 * FRAME, hop_length=HOP)


def seconds_of(work: Callable[[], object]) -> float:
    """Return the median time of `REPEATS` runs after one to warm up."""
    work()
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
