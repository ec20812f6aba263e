from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.speech import flite
from transcription.audio import Recording, read_audio
from transcription.engine import SAMPLE_RATE, EngineUnavailable, Samples, Span
from transcription.vad import LONGEST_SPAN, find_speech, for_recognition


def call(tmp_path: Path, *parts: str | float) -> Samples:
    """Return telephone speech (text) and silence (seconds), one after the other, with the noise of a line."""
    sounds = [
        np.zeros(round(part * 8000), dtype=np.float32)
        if isinstance(part, float | int)
        else flite(tmp_path, part, "rms")
        for part in parts
    ]
    sound = np.concatenate(sounds)
    sound += 0.001 * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    return Recording(sound[None, :], 8000).for_engine(0)


@pytest.mark.slow
def test_speech_on_a_telephone_line_is_found_where_it_is(tmp_path: Path) -> None:
    first, second = "Good morning, how may I help you?", "I would like to pay my bill."
    lengths = [len(flite(tmp_path, text, "rms")) / 8000 for text in (first, second)]

    spans = find_speech(call(tmp_path, 2.0, first, 3.0, second, 2.0))

    assert min(span.start for span in spans) == pytest.approx(2.0, abs=0.4)
    assert max(span.end for span in spans) == pytest.approx(2.0 + lengths[0] + 3.0 + lengths[1], abs=0.4)
    assert not any(span.start < 2.0 + lengths[0] + 1.5 < span.end for span in spans)


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.0, 1e-4, 0.01])
def test_a_silent_or_noisy_line_has_no_speech(level: float) -> None:
    noise = np.random.default_rng(0).standard_normal(20 * SAMPLE_RATE).astype(np.float32)

    assert find_speech(level * noise) == []


@pytest.mark.slow
def test_nothing_at_all_has_no_speech() -> None:
    assert find_speech(np.zeros(0, dtype=np.float32)) == []


@pytest.mark.slow
def test_a_span_across_two_pieces_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = call(tmp_path, 1.0, "Before we go on I need to take you through some security questions.", 1.0)
    whole = find_speech(sound)

    monkeypatch.setattr("transcription.vad.PIECE", 3)
    pieces = find_speech(sound)

    assert sum(span.end - span.start for span in pieces) == pytest.approx(
        sum(span.end - span.start for span in whole), abs=0.5
    )
    assert all(a.end < b.start for a, b in pairwise(pieces))


def test_without_the_package_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper.vad", None)

    with pytest.raises(EngineUnavailable, match="pip install faster-whisper"):
        find_speech(np.zeros(16000, dtype=np.float32))


def test_short_pauses_are_joined_and_spans_are_padded_no_further_than_their_neighbours() -> None:
    spans = [Span(0.1, 1.0), Span(1.3, 2.0), Span(3.0, 4.0), Span(4.7, 5.0)]

    assert for_recognition(spans, 5.1) == [Span(0.0, 2.2), Span(2.8, 4.2), Span(4.5, 5.1)]


def test_no_span_for_recognition_is_longer_than_a_model_can_hear() -> None:
    speech = [Span(start, start + 3.9) for start in np.arange(0, 120, 4.0)] + [Span(200.0, 300.0)]

    pieces = for_recognition(speech, 400.0)

    assert all(piece.end - piece.start <= LONGEST_SPAN + 0.5 for piece in pieces)
    assert sum(piece.end - piece.start for piece in pieces) >= 30 * 3.9 + 100


@pytest.mark.slow
def test_real_telephone_speech_is_found_about_as_often_as_it_is_spoken(shared_data: Path) -> None:
    recording = read_audio(shared_data / "audio-en-calls/aws-lca/agent1.wav")

    spans = find_speech(recording.for_engine(0))

    talk = sum(span.end - span.start for span in spans)
    assert 370 / talk == pytest.approx(3.6, abs=0.6)  # words of the script, at the rate that its README states


@pytest.mark.slow
@pytest.mark.parametrize("frames", [1, 2, 100])
def test_a_moment_of_sound_is_no_speech(frames: int) -> None:
    assert find_speech(np.full(frames, 0.5, dtype=np.float32)) == []
