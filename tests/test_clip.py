"""A stretch of a recording: what is masked is silent, everything else is as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sounds import RATE, babble
from transcription.clip import cut_recording
from transcription.engine import UnreadableAudio

SECONDS = 12.0


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "call.flac"
    sides = [babble([(0.0, SECONDS)], SECONDS, seed=seed) for seed in (1, 2)]
    soundfile.write(path, np.stack(sides, axis=1), RATE, subtype="PCM_16")
    return path


MOMENT = st.floats(0, SECONDS, allow_nan=False)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.floats(0, 9), length=st.floats(0.1, 5), masks=st.lists(st.tuples(MOMENT, MOMENT), max_size=4))
def test_masked_spans_are_silent_and_the_rest_is_untouched(
    recording: Path, tmp_path: Path, start: float, length: float, masks: list[tuple[float, float]]
) -> None:
    masks = [(min(pair), max(pair)) for pair in masks]
    target = tmp_path / "clip.flac"

    cut_recording(recording, target, start, start + length, masks)

    before, _ = soundfile.read(recording, dtype="int16")
    after, rate = soundfile.read(target, dtype="int16")
    first = round(start * RATE)
    wanted = before[first : min(round((start + length) * RATE), len(before))].copy()
    times = (first + np.arange(len(wanted))) / RATE
    for begin, end in masks:
        assert not after[(times >= begin) & (times < end)].any()
        near = (times > begin - 1.5 / RATE) & (times < end + 1.5 / RATE)
        wanted[near], after[near] = 0, 0
    assert rate == RATE
    assert np.array_equal(wanted, after)


def test_a_clip_beyond_the_end_of_the_recording_is_refused(recording: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match="ends before"):
        cut_recording(recording, tmp_path / "clip.flac", SECONDS + 1, SECONDS + 2)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    nothing = tmp_path / "call.flac"
    nothing.write_bytes(b"not a sound")

    with pytest.raises(UnreadableAudio, match="cannot be cut"):
        cut_recording(nothing, tmp_path / "clip.flac", 0.0, 1.0)
    with pytest.raises(ValueError, match="ends after"):
        cut_recording(nothing, tmp_path / "clip.flac", 1.0, 1.0)
