from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.sounds import RATE, babble
from transcription.audio import Recording
from transcription.crosstalk import is_one_sound, without_leaks
from transcription.engine import Span


def speech(spans: list[tuple[float, float]], seed: int) -> NDArray[np.float32]:
    """Return babble whose colour changes all the time, as that of a voice does."""
    sound = babble(spans, 12.0, seed=seed)
    rng = np.random.default_rng(seed)
    return (sound * (0.5 + rng.random(len(sound)))).astype(np.float32)


def delayed(sound: NDArray[np.float32], seconds: float, level: float) -> NDArray[np.float32]:
    return level * np.r_[np.zeros(int(seconds * RATE), np.float32), sound][: len(sound)].astype(np.float32)


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.25])
def test_a_faint_copy_of_the_other_side_is_no_speech(delay: float) -> None:
    agent, customer = speech([(1.0, 4.0)], 1), speech([(6.0, 9.0)], 2)
    recording = Recording(np.stack([agent, customer + delayed(agent, delay, 0.1)]), RATE)
    spans = [[Span(1.0, 4.0)], [Span(1.0 + delay, 4.0 + delay), Span(6.0, 9.0)]]

    assert without_leaks(recording, spans) == [[Span(1.0, 4.0)], [Span(6.0, 9.0)]]


def test_a_faint_voice_of_its_own_stays() -> None:
    agent, customer = speech([(1.0, 4.0)], 1), 0.1 * speech([(1.0, 4.0)], 5)
    recording = Recording(np.stack([agent, customer]), RATE)
    spans = [[Span(1.0, 4.0)], [Span(1.0, 4.0)]]

    assert without_leaks(recording, spans) == spans


def test_a_copy_that_is_as_loud_stays_on_both_sides() -> None:
    agent = speech([(1.0, 4.0)], 1)
    recording = Recording(np.stack([agent, 0.8 * agent]), RATE)
    spans = [[Span(1.0, 4.0)], [Span(1.0, 4.0)]]

    assert without_leaks(recording, spans) == spans


def test_a_mono_call_stored_as_stereo_is_one_sound() -> None:
    agent, customer = speech([(1.0, 4.0)], 1), speech([(6.0, 9.0)], 2)

    assert is_one_sound(Recording(np.stack([agent, agent]), RATE))
    assert not is_one_sound(Recording(np.stack([agent, customer]), RATE))
    assert not is_one_sound(Recording(np.zeros((2, RATE), np.float32), RATE))
    assert not is_one_sound(Recording(agent[None, :], RATE))
