from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from transcription.audio import Recording
from transcription.engine import EngineUnavailable, Recogniser, ScriptedEngine, TranscriptSource
from transcription.engines import ENGINES, ReadyTranscripts, make_engine
from transcription.transcript import Transcript, Turn

WORDS = Transcript("en", 1.0, 1, (Turn("agent", 0.0, 1.0, "good morning"),))


def recording(path: Path | None) -> Recording:
    return Recording(np.zeros((1, 8000), np.float32), 8000, path)


def test_the_words_lie_beside_the_recording(tmp_path: Path) -> None:
    (tmp_path / "call.json").write_text(json.dumps(WORDS.to_dict()), encoding="utf-8")

    assert ReadyTranscripts().transcript_of(recording(tmp_path / "call.wav")) == WORDS


def test_subtitles_beside_the_recording_will_do(tmp_path: Path) -> None:
    (tmp_path / "call.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nGood morning\n", encoding="utf-8")

    transcript = ReadyTranscripts().transcript_of(recording(tmp_path / "call.wav"), language="en")

    assert [turn.text for turn in transcript.turns] == ["Good morning"]


def test_a_transcript_that_is_given_needs_no_file() -> None:
    assert ReadyTranscripts(WORDS).transcript_of(recording(None)) is WORDS


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, r"none of call\.json, call\.srt, call\.vtt lies beside it"), ("{", r"call\.json: .*is not JSON")],
    ids=["missing", "broken"],
)
def test_without_usable_words_the_message_says_what_is_wrong(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "call.json").write_text(content, encoding="utf-8")

    with pytest.raises(EngineUnavailable, match=message):
        ReadyTranscripts().transcript_of(recording(tmp_path / "call.wav"))


def test_every_engine_can_be_made_and_says_what_it_can_do() -> None:
    for name in ENGINES:
        engine = make_engine(name, model="some-model", device="cpu")

        assert engine.name.startswith(name)
        assert engine.capabilities.word_times


def test_an_unknown_engine_names_the_choices() -> None:
    with pytest.raises(ValueError, match='no engine "kaldi"; choose one of: whisper, faster-whisper, sphinx, ready'):
        make_engine("kaldi")


def test_recognisers_and_sources_are_told_apart() -> None:
    assert isinstance(ScriptedEngine([()]), Recogniser)
    assert not isinstance(ScriptedEngine([()]), TranscriptSource)
    assert isinstance(ReadyTranscripts(), TranscriptSource)
    assert not isinstance(ReadyTranscripts(), Recogniser)
