from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.speech import VOICES, flite, plain_words
from transcription.audio import Recording
from transcription.engine import SAMPLE_RATE, EngineUnavailable, Recognition, Span, UnsupportedLanguage
from transcription.engines.sphinx import SphinxEngine

SENTENCES = (
    "Hello, welcome to City Water, you are speaking with Daniel. What can I do for you?",
    "May I put you on hold while I check your account?",
    "So to recap, the fee is ten dollars a month and you can cancel at any time.",
)


@pytest.fixture(scope="module")
def sphinx() -> SphinxEngine:
    return SphinxEngine()


def heard(sphinx: SphinxEngine, folder: Path, text: str, voice: str) -> Recognition:
    samples = Recording(flite(folder, text, voice)[None, :], 8000).for_engine(0)
    return sphinx.recognise(samples, [Span(0.0, len(samples) / SAMPLE_RATE)])


@pytest.mark.slow
def test_synthetic_telephone_speech_is_understood(sphinx: SphinxEngine, tmp_path: Path) -> None:
    import jiwer

    pairs = [
        (plain_words(sentence), " ".join(each.text for each in heard(sphinx, tmp_path, sentence, voice).utterances))
        for voice in VOICES
        for sentence in SENTENCES
    ]

    error_rate = jiwer.wer([said for said, _ in pairs], [plain_words(found) for _, found in pairs])
    assert error_rate < 0.30


@pytest.mark.slow
def test_words_have_times_within_the_span_and_a_confidence(sphinx: SphinxEngine, tmp_path: Path) -> None:
    speech = Recording(flite(tmp_path, "I would like to pay my bill", "rms")[None, :], 8000).for_engine(0)
    samples = np.r_[np.zeros(3 * SAMPLE_RATE, np.float32), speech]

    (utterance,) = sphinx.recognise(samples, [Span(3.0, len(samples) / SAMPLE_RATE)]).utterances

    assert utterance.text == " ".join(word.text for word in utterance.words)
    assert "bill" in utterance.text
    starts = [word.start for word in utterance.words]
    assert starts == sorted(starts)
    assert all(3.0 <= word.start < word.end <= len(samples) / SAMPLE_RATE for word in utterance.words)
    assert all(word.confidence is not None and 0.0 <= word.confidence <= 1.0 for word in utterance.words)


@pytest.mark.slow
def test_what_was_heard_before_does_not_change_the_words(sphinx: SphinxEngine, tmp_path: Path) -> None:
    text = "I have lost my job and I cannot pay this bill"
    noise = np.random.default_rng(0).normal(0, 0.05, 2 * SAMPLE_RATE).astype(np.float32)

    first = heard(sphinx, tmp_path, text, "slt")
    sphinx.recognise(noise, [Span(0.0, 2.0)])
    second = heard(sphinx, tmp_path, text, "slt")

    assert first == second


@pytest.mark.slow
def test_marks_of_the_dictionary_are_no_words(sphinx: SphinxEngine, tmp_path: Path) -> None:
    text = " ".join(each.text for each in heard(sphinx, tmp_path, "The bank, and the bill. " * 2, "rms").utterances)

    assert text
    assert not set(text) & set("<>[]()+0123456789")


@pytest.mark.slow
def test_noise_and_a_moment_of_sound_are_borne(sphinx: SphinxEngine) -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, SAMPLE_RATE).astype(np.float32)

    recognition = sphinx.recognise(noise, [Span(0.0, 0.01), Span(0.5, 0.5), Span(0.6, 0.95)], language="en-GB")

    assert recognition.language == "en-GB"


def test_another_language_is_refused_with_a_way_out() -> None:
    with pytest.raises(UnsupportedLanguage, match='in zh-CN; choose the engine "whisper"'):
        SphinxEngine().recognise(np.zeros(SAMPLE_RATE, np.float32), [], language="zh-CN")


def test_without_the_package_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)

    with pytest.raises(EngineUnavailable, match="pip install pocketsphinx"):
        SphinxEngine().recognise(np.ones(SAMPLE_RATE, np.float32), [Span(0.0, 1.0)])
