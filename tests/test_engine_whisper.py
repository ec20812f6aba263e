"""The Whisper engine on checkpoints made by tests/checkpoint.py: models, languages, words and errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.checkpoint import one_thread, write_checkpoint
from transcription.engine import SAMPLE_RATE, EngineUnavailable, Samples, Span, UnsupportedLanguage
from transcription.engines import make_engine
from transcription.engines.whisper import WhisperEngine

pytestmark = [
    pytest.mark.slow,
    # Whisper leaves the file of its vocabulary open.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def greeting(tmp_path_factory: pytest.TempPathFactory) -> WhisperEngine:
    path = write_checkpoint(tmp_path_factory.mktemp("model") / "greeting.pt", " good morning")
    return WhisperEngine(model=str(path), device="cpu", beam_size=1)


def noise(seconds: float) -> Samples:
    return np.random.default_rng(0).normal(0, 0.1, int(seconds * SAMPLE_RATE)).astype(np.float32)


def heard(engine: WhisperEngine, spans: Sequence[Span], language: str | None = "en") -> list[tuple[str, float, float]]:
    recognition = engine.recognise(noise(20), spans, language=language)
    return [(utterance.text, utterance.start, utterance.end) for utterance in recognition.utterances]


def test_each_window_of_speech_is_heard_at_its_place(greeting: WhisperEngine) -> None:
    found = heard(greeting, [Span(1.0, 4.0), Span(10.0, 12.0)])

    assert [text for text, _, _ in found] == ["good morning", "good morning"]
    assert all(1.0 <= start <= end <= 4.0 for _, start, end in found[:1])
    assert all(10.0 <= start <= end <= 12.0 for _, start, end in found[1:])


def test_words_lie_within_the_call_and_carry_confidence(greeting: WhisperEngine) -> None:
    recognition = greeting.recognise(noise(12.5), [Span(11.0, 12.5)], language="en")
    words = [word for utterance in recognition.utterances for word in utterance.words]

    assert [word.text for word in words] == ["good", "morning"]
    assert all(11.0 <= word.start <= word.end <= 12.5 for word in words)
    assert all(word.confidence is not None and 0.5 < word.confidence <= 1.0 for word in words)


def test_the_language_is_detected_when_not_given(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "chinese.pt", "您好", language="zh")
    engine = make_engine("whisper", model=str(model), device="cpu", beam_size=1)
    assert isinstance(engine, WhisperEngine)

    recognition = engine.recognise(noise(5), [Span(0.0, 3.0)])

    assert recognition.language == "zh"
    assert recognition.utterances[0].text == "您好"


def test_a_given_language_is_kept_as_it_was_given(greeting: WhisperEngine) -> None:
    assert greeting.recognise(noise(3), [], language="en-GB").language == "en-GB"


def test_a_language_unknown_to_the_model_is_refused(greeting: WhisperEngine) -> None:
    with pytest.raises(UnsupportedLanguage, match="tlh"):
        greeting.recognise(noise(3), [Span(0.0, 3.0)], language="tlh")


def test_thanks_for_watching_is_dropped_where_nobody_is_likely_to_speak(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "silence.pt", " Thanks for watching!", starts_with="no speech")
    engine = WhisperEngine(model=str(model), device="cpu", beam_size=1)

    assert heard(engine, [Span(0.0, 3.0)]) == []


def test_a_prompt_longer_than_the_model_can_take_does_no_harm(greeting: WhisperEngine) -> None:
    shares: list[float] = []

    greeting.recognise(
        noise(3), [Span(0.0, 0.4)], language="en", prompt="thank you for calling " * 100, progress=shares.append
    )

    assert shares == [1.0]


def test_the_engine_is_called_after_its_checkpoint(greeting: WhisperEngine) -> None:
    assert greeting.name == "whisper/greeting"


def test_a_damaged_checkpoint_says_so(tmp_path: Path) -> None:
    model = tmp_path / "damaged.pt"
    model.write_bytes(b"PK\x03\x04 no model")

    with pytest.raises(EngineUnavailable, match=r"damaged\.pt cannot be loaded"):
        heard(WhisperEngine(model=str(model), device="cpu"), [Span(0.0, 1.0)])


def test_a_file_that_holds_something_else_says_so(tmp_path: Path) -> None:
    import torch

    torch.save({"weights": torch.zeros(2)}, tmp_path / "other.pt")

    with pytest.raises(EngineUnavailable, match="no Whisper checkpoint"):
        heard(WhisperEngine(model=str(tmp_path / "other.pt"), device="cpu"), [Span(0.0, 1.0)])


def test_a_model_that_was_never_fetched_names_the_command_and_fetches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    with pytest.raises(EngineUnavailable, match=r"whisper\.load_model\('tiny'\)"):
        heard(WhisperEngine(model="tiny"), [Span(0.0, 1.0)])
    assert list(tmp_path.rglob("*.pt")) == []


def test_an_unknown_model_name_lists_the_known_ones() -> None:
    with pytest.raises(EngineUnavailable, match=r"no Whisper model enormous: .*large-v3"):
        heard(WhisperEngine(model="enormous"), [Span(0.0, 1.0)])
