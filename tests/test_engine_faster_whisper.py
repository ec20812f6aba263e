"""The faster-whisper engine up to its model: choice, errors, and what it asks of the library.

No converted model can be made here without a download, so recognition itself runs against a stand-in with the
library's signature; tests/test_engine_whisper.py runs the same guards on a real checkpoint.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from transcription.engine import SAMPLE_RATE, EngineUnavailable, Samples, Span, UnsupportedLanguage
from transcription.engines.faster_whisper import FasterWhisperEngine

SOUND = np.zeros(20 * SAMPLE_RATE, np.float32)


class Encoder:
    def encode(self, text: str) -> Any:
        return SimpleNamespace(ids=text.split())


class FakeModel:
    """Answers each window with one sentence that covers it."""

    supported_languages = ("en", "zh")
    hf_tokenizer = Encoder()

    def __init__(self, no_speech: float = 0.01) -> None:
        self.no_speech = no_speech
        self.asked: list[tuple[float, dict[str, Any]]] = []

    def detect_language(self, audio: Samples) -> tuple[str, float, list[Any]]:
        return "zh", 0.9, []

    def transcribe(self, audio: Samples, **options: Any) -> tuple[Iterator[Any], Any]:
        self.asked.append((len(audio) / SAMPLE_RATE, options))
        words = [
            SimpleNamespace(word=" good", start=0.2, end=0.6, probability=np.float32(0.9)),
            SimpleNamespace(word=" morning", start=0.6, end=1.1, probability=np.float32(1.2)),
        ]
        sentence = SimpleNamespace(start=0.2, end=1.1, text=" good morning", words=words, avg_logprob=-0.2)
        sentence.no_speech_prob, sentence.compression_ratio = self.no_speech, 0.9
        return iter([sentence]), None


def engine_with(model: FakeModel) -> FasterWhisperEngine:
    engine = FasterWhisperEngine(model="some-model", beam_size=2)
    vars(engine)["_network"] = model  # in the place of the loaded model
    return engine


def test_each_window_becomes_an_utterance_in_seconds_of_the_recording() -> None:
    model = FakeModel()
    shares: list[float] = []

    recognition = engine_with(model).recognise(
        SOUND, [Span(1.0, 3.0), Span(12.0, 14.0)], language="en-US", progress=shares.append
    )

    assert recognition.language == "en-US"
    assert [(each.text, each.start, each.end) for each in recognition.utterances] == [
        ("good morning", 1.2, 2.1),
        ("good morning", 12.2, 13.1),
    ]
    assert [word.confidence for word in recognition.utterances[0].words] == [0.9, 1.0]
    assert [length for length, _ in model.asked] == [2.0, 2.0]
    assert shares == [0.5, 1.0]


def test_the_language_is_detected_when_not_given() -> None:
    assert engine_with(FakeModel()).recognise(SOUND, [Span(1.0, 3.0)]).language == "zh"


def test_every_option_is_one_that_the_library_knows() -> None:
    faster_whisper = pytest.importorskip("faster_whisper", reason="pip install faster-whisper")
    model = FakeModel()
    engine_with(model).recognise(SOUND, [Span(1.0, 3.0)], language="en", prompt="river bank " * 500)
    options = model.asked[0][1]

    assert set(options) <= set(inspect.signature(faster_whisper.WhisperModel.transcribe).parameters)
    assert (options["language"], options["beam_size"], options["word_timestamps"]) == ("en", 2, True)
    assert options["condition_on_previous_text"] is False
    assert len(options["initial_prompt"].split()) == 200


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(UnsupportedLanguage, match="does not know the language fr"):
        engine_with(FakeModel()).recognise(SOUND, [Span(1.0, 3.0)], language="fr")


@pytest.mark.slow
def test_a_model_that_was_never_fetched_names_the_command_and_fetches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    with pytest.raises(EngineUnavailable, match=r"faster_whisper\.download_model\('tiny'\)"):
        FasterWhisperEngine(model="tiny").recognise(SOUND, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "is no converted Whisper model: model.bin, config.json, tokenizer.json missing"),
        (("model.bin", "config.json"), "tokenizer.json missing"),
        (("model.bin", "config.json", "tokenizer.json"), "cannot be loaded on cpu"),
    ],
    ids=["empty folder", "no tokenizer", "damaged"],
)
def test_a_folder_that_is_no_model_says_so(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    for name in files:
        (tmp_path / name).write_text("{}")

    with pytest.raises(EngineUnavailable, match=message):
        FasterWhisperEngine(model=str(tmp_path), device="cpu").recognise(SOUND, [])


@pytest.mark.slow
def test_an_unknown_name_says_so() -> None:
    with pytest.raises(EngineUnavailable, match="neither a folder nor a known name"):
        FasterWhisperEngine(model="enormous").recognise(SOUND, [])
