"""Several windows heard together: the words must not depend on how many, nor memory on how long the call is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checkpoint import one_thread, write_checkpoint, write_listening_checkpoint
from transcription.engine import SAMPLE_RATE, EngineUnavailable, Recognition, Samples, Span
from transcription.engines import guards
from transcription.engines.whisper import WhisperEngine

pytestmark = [
    pytest.mark.slow,
    # Whisper leaves the file of its vocabulary open.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

# Level, Hz, and seconds of sounds with 3 s between them, so that each is a window of its own.
SOUNDS = ((0.9, 300, 3.0), (0.3, 2000, 3.0), (0.9, 5000, 26.0), (0.9, 3000, 3.0), (0.3, 1200, 2.2))
ENDS = [3.0 * place + sum(length for _, _, length in SOUNDS[:place]) for place in range(1, 6)]
SPANS = [Span(end - length, end) for end, (_, _, length) in zip(ENDS, SOUNDS, strict=True)]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a model that hears other words in other sounds."""
    return str(write_listening_checkpoint(tmp_path_factory.mktemp("model") / "listening.pt"))


@pytest.fixture(scope="module")
def call() -> Samples:
    samples = 0.01 * np.random.default_rng(0).standard_normal(54 * SAMPLE_RATE)
    for (level, pitch, _), span in zip(SOUNDS, SPANS, strict=True):
        place = np.arange(int(span.start * SAMPLE_RATE), int(span.end * SAMPLE_RATE))
        samples[place] += level * np.sin(2 * np.pi * pitch * place / SAMPLE_RATE)
    return samples.astype(np.float32)


def engine_of(model: str | Path, *, beam_size: int = 1, batch_size: int = 4) -> WhisperEngine:
    return WhisperEngine(model=str(model), device="cpu", beam_size=beam_size, batch_size=batch_size)


def recognised(engine: WhisperEngine, samples: Samples, spans: list[Span] = SPANS) -> Recognition:
    return engine.recognise(samples, spans, language="en")


Decode = Callable[..., Any]


def watch_decoding(monkeypatch: pytest.MonkeyPatch, inside: Callable[[Decode, Any, Any, Any], Any]) -> None:
    """Have `inside(decode, network, sounds, options)` called in place of whisper.decode."""
    import whisper

    decode = whisper.decode
    monkeypatch.setattr(whisper, "decode", lambda network, sounds, options: inside(decode, network, sounds, options))


@pytest.mark.parametrize("beam_size", [1, 3])
def test_words_and_times_are_the_same_however_many_windows_are_heard_at_a_time(
    listening: str, call: Samples, beam_size: int
) -> None:
    one, four = (recognised(engine_of(listening, beam_size=beam_size, batch_size=size), call) for size in (1, 4))

    assert one == four
    assert len({utterance.text for utterance in one.utterances}) > 2
    assert sum(len(utterance.words) for utterance in one.utterances) > 12


@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_whisper_of_another_version_gives_the_same_words(
    listening: str, call: Samples, beam_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import whisper

    known = recognised(engine_of(listening, beam_size=beam_size), call)
    monkeypatch.setattr(whisper, "__version__", "20991231")

    assert recognised(engine_of(listening, beam_size=beam_size), call) == known


@pytest.mark.parametrize("beam_size", [1, 3])
def test_the_sentences_are_those_that_whisper_itself_finds(listening: str, call: Samples, beam_size: int) -> None:
    import whisper

    from transcription.engines.whisper_windows import WindowDecoder

    network = whisper.load_model(listening, device="cpu")
    sounds = [call[int(span.start * SAMPLE_RATE) : int(span.end * SAMPLE_RATE)] for span in SPANS]
    decoder = WindowDecoder(network, language="en", prompt=None, beam_size=beam_size, batch_size=4)

    for sound, sentences in zip(sounds, decoder.hear(sounds), strict=True):
        found = whisper.transcribe(network, sound, language="en", word_timestamps=True, beam_size=beam_size, fp16=False)
        expected = [
            (one["text"], [(w["word"].strip(), w["start"], w["end"]) for w in one["words"]])
            for one in found["segments"]
        ]
        assert [(one.text, [(w.text, w.start, w.end) for w in one.words]) for one in sentences] == expected


def test_each_window_keeps_its_place_and_its_words_stay_within_it(listening: str, call: Samples) -> None:
    found = recognised(engine_of(listening), call).utterances
    homes = [next(span for span in SPANS if span.start <= one.start <= one.end <= span.end) for one in found]

    assert all(before.start < after.start for before, after in pairwise(homes))
    for utterance, span in zip(found, homes, strict=True):
        assert all(span.start <= word.start <= word.end <= span.end for word in utterance.words)


def test_no_more_windows_are_in_memory_than_the_batch_holds(
    listening: str, call: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def inside(decode: Decode, network: Any, sounds: Any, options: Any) -> Any:
        sizes.append(len(sounds))
        return decode(network, sounds, options)

    watch_decoding(monkeypatch, inside)

    recognised(engine_of(listening, batch_size=3), call)

    assert sizes == [3, 2]


def test_progress_is_told_after_each_batch(listening: str, call: Samples) -> None:
    shares: list[float] = []

    engine_of(listening, batch_size=3).recognise(call, SPANS, language="en", progress=shares.append)

    assert shares == [pytest.approx(3 / 5), 1.0]


def test_the_batch_is_halved_when_memory_runs_out(
    listening: str, call: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    sizes: list[int] = []

    def inside(decode: Decode, network: Any, sounds: Any, options: Any) -> Any:
        sizes.append(len(sounds))
        if len(sounds) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode(network, sounds, options)

    expected = recognised(engine_of(listening), call)
    watch_decoding(monkeypatch, inside)

    assert recognised(engine_of(listening, batch_size=5), call) == expected
    assert sizes == [5, 2, 2, 1]


@pytest.mark.parametrize("message", ["CUDA out of memory", "DefaultCPUAllocator: can't allocate memory"])
def test_a_model_too_large_for_one_window_says_so(
    listening: str, call: Samples, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    import torch

    def inside(decode: Decode, network: Any, sounds: Any, options: Any) -> Any:
        raise torch.OutOfMemoryError(message) if "CUDA" in message else RuntimeError(message)

    watch_decoding(monkeypatch, inside)

    with pytest.raises(EngineUnavailable, match="does not fit into memory"):
        recognised(engine_of(listening), call)


def test_only_the_windows_that_came_out_badly_are_tried_again(
    listening: str, call: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[tuple[float, int]] = []

    def inside(decode: Decode, network: Any, sounds: Any, options: Any) -> Any:
        tries.append((options.temperature, len(sounds)))
        results = decode(network, sounds, options)
        bad = {(0.0, 5): [1, 3], (0.2, 2): [1]}.get(tries[-1], [])
        return [replace(one, avg_logprob=-2.0) if place in bad else one for place, one in enumerate(results)]

    expected = recognised(engine_of(listening), call)
    watch_decoding(monkeypatch, inside)

    assert recognised(engine_of(listening, batch_size=5), call) == expected
    assert tries == [(0.0, 5), (0.2, 2), (0.4, 1)]


def noise(seconds: float = 20.0) -> Samples:
    return np.random.default_rng(0).normal(0, 0.1, int(seconds * SAMPLE_RATE)).astype(np.float32)


def said(model: Path, *spans: Span, language: str = "en") -> list[tuple[str, float, float]]:
    recognition = engine_of(model).recognise(noise(), spans or [Span(1.0, 7.0)], language=language)
    return [(one.text, one.start, one.end) for one in recognition.utterances]


def test_a_window_of_noise_in_which_one_word_comes_again_and_again_is_dropped(tmp_path: Path) -> None:
    assert said(write_checkpoint(tmp_path / "again.pt", " okay" * 25), Span(1.0, 4.0), Span(10.0, 14.0)) == []


@pytest.mark.parametrize(
    ("starts_with", "equally_likely", "kept"),
    [(None, 1, True), ("no speech", 1, True), (None, 3, True), ("no speech", 3, False), (None, 9, False)],
    ids=["sure", "sure of the words", "unsure of the words", "unsure of both", "guessed"],
)
def test_improbable_words_are_dropped_sooner_where_nobody_is_likely_to_speak(
    tmp_path: Path, starts_with: str | None, equally_likely: int, kept: bool
) -> None:
    model = write_checkpoint(
        tmp_path / "m.pt", " my bill is wrong this month", starts_with=starts_with, equally_likely=equally_likely
    )

    assert bool(said(model)) is kept


@pytest.mark.parametrize(
    ("language", "text"), [("en", " Thanks for watching!"), ("zh", "字幕由 Amara 社群提供"), ("zh", "谢谢观看")]
)
@pytest.mark.parametrize("starts_with", [None, "no speech"])
def test_known_inventions_are_dropped_only_where_nobody_is_likely_to_speak(
    tmp_path: Path, language: str, text: str, starts_with: str | None
) -> None:
    model = write_checkpoint(tmp_path / "m.pt", text, language=language, starts_with=starts_with)

    assert bool(said(model, language=language)) is (starts_with is None)


def test_sentences_of_one_window_are_told_apart(tmp_path: Path) -> None:
    found = said(write_checkpoint(tmp_path / "two.pt", " good morning", " how are you"))

    assert [text for text, _, _ in found] == ["good morning", "how are you"]
    assert found[0][2] <= found[1][1]


def test_an_unfinished_sentence_is_heard_again_from_its_beginning(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "cut.pt", " good morning", " how are", unfinished=True)

    found = said(model, Span(1.0, 16.0))

    assert {text for text, _, _ in found} == {"good morning"}  # this model hears the same wherever it begins
    assert len(found) > 1
    assert all(before[2] <= after[1] for before, after in pairwise(found))


def test_a_recording_heard_twice_has_the_same_words_even_where_chance_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "TEMPERATURES", (0.6,))
    model = write_checkpoint(tmp_path / "chance.pt", " my bill is wrong this month", equally_likely=2)

    assert said(model) == said(model) != []


def test_a_span_without_a_sample_is_no_obstacle(listening: str, call: Samples) -> None:
    spans = [Span(0.5, 0.5), *SPANS, Span(90.0, 91.0)]

    assert recognised(engine_of(listening), call, spans) == recognised(engine_of(listening), call)


@pytest.mark.parametrize(("beam_size", "batch_size"), [(0, 8), (5, 0)])
def test_sizes_below_one_are_refused(beam_size: int, batch_size: int) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        WhisperEngine(beam_size=beam_size, batch_size=batch_size)


def test_a_whisper_without_what_is_needed_names_the_version_to_install(
    listening: str, call: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transcription.engines

    monkeypatch.delattr(transcription.engines, "whisper_windows", raising=False)
    monkeypatch.setitem(sys.modules, "transcription.engines.whisper_windows", None)

    with pytest.raises(EngineUnavailable, match=r"pip install openai-whisper==\d+"):
        recognised(engine_of(listening), call)
