"""Sound made by the tests: tones that stand for speech, and files in many formats."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from transcription.transcript import Transcript

RATE = 8000


def babble(spans: list[tuple[float, float]], seconds: float, *, seed: int = 1, rate: int = RATE) -> NDArray[np.float32]:
    """Return one channel with speech-like sound (a voiced buzz, syllable by syllable) within `spans`."""
    return _babble(tuple(spans), seconds, seed, rate).copy()


@lru_cache(maxsize=32)
def _babble(spans: tuple[tuple[float, float], ...], seconds: float, seed: int, rate: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    sound = 0.001 * rng.standard_normal(time.size)
    pitch = 110 + 30 * seed
    buzz = sum(np.sin(2 * np.pi * pitch * k * time + rng.uniform(0, 6)) / k for k in range(1, 20))
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * time)
    for start, end in spans:
        inside = (time >= start) & (time < end)
        sound[inside] += 0.15 * (buzz * syllables)[inside]
    return np.clip(sound, -1, 1).astype(np.float32)


def write_call(
    path: Path, transcript: Transcript | None = None, *, seconds: float = 20.0, seed: int = 1, swap: bool = False
) -> Path:
    """Write a stereo call (agent left), with its transcript beside it as JSON when one is given."""
    agent = [(1.0, 5.0), (9.0, 13.0)]
    customer = [(5.5, 8.5), (13.5, 17.0)]
    if transcript is not None:
        seconds = transcript.duration
        agent = [(turn.start, turn.end) for turn in transcript.turns if turn.speaker == "agent"]
        customer = [(turn.start, turn.end) for turn in transcript.turns if turn.speaker == "customer"]
    sides = [babble(agent, seconds, seed=seed), babble(customer, seconds, seed=seed + 1)]
    soundfile.write(path, np.stack(sides[::-1] if swap else sides, axis=1), RATE, subtype="PCM_16")
    if transcript is not None:
        path.with_suffix(".json").write_text(json.dumps(transcript.to_dict()), encoding="utf-8")
    return path
