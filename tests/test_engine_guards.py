from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcription.engine import Span, Utterance
from transcription.engines.guards import WINDOW, Heard, is_invented, prompt_within, utterance_of, windows
from transcription.transcript import Word

SENTENCE = Heard(0.0, 2.0, " my bill is wrong", (), log_probability=-0.3, no_speech=0.02, compression=1.1)


def test_an_ordinary_sentence_is_believed() -> None:
    assert not is_invented(SENTENCE)


@pytest.mark.parametrize(
    "changes",
    [
        {"compression": 8.0},
        {"log_probability": -1.4},
        {"no_speech": 0.9, "log_probability": -0.7},
        {"no_speech": 0.5, "text": "Thanks for watching!"},
        {"no_speech": 0.5, "text": "字幕由 Amara.org 社群提供"},
        {"no_speech": 0.5, "text": "谢谢大家观看"},
        {"no_speech": 0.5, "text": "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目"},
    ],
    ids=["repetition", "improbable", "silence", "watching", "subtitler", "thanks in Chinese", "subscribe in Chinese"],
)
def test_invented_sentences_are_dropped(changes: dict[str, object]) -> None:
    invented = replace(SENTENCE, **changes)  # type: ignore[arg-type]

    assert is_invented(invented)
    assert utterance_of(invented, [Span(5.0, 8.0)]) is None


@pytest.mark.parametrize("text", ["Thanks for watching my bags", "谢谢收看"])
def test_the_same_words_are_believed_where_somebody_surely_speaks(text: str) -> None:
    assert not is_invented(replace(SENTENCE, text=text))


@pytest.mark.parametrize("text", ["thank you for calling river bank", "感谢您的来电，再见"])
def test_courtesy_is_no_invention_even_on_a_noisy_line(text: str) -> None:
    assert not is_invented(replace(SENTENCE, text=text, no_speech=0.55))


def test_times_are_moved_to_the_recording_and_stay_within_the_speech() -> None:
    words = (Word("my", 0.0, 0.4, 0.9), Word("bill", 0.4, 9.0, 0.8))

    utterance = utterance_of(replace(SENTENCE, text=" my bill", words=words), [Span(5.0, 8.0)])

    assert utterance == Utterance(5.0, 8.0, "my bill", (Word("my", 5.0, 5.4, 0.9), Word("bill", 5.4, 8.0, 0.8)))


def test_words_heard_in_the_silence_between_spans_are_dropped() -> None:
    words = (Word("hello", 0.2, 0.8), Word("ghost", 1.9, 2.1), Word("bye", 3.2, 3.8))

    utterance = utterance_of(
        replace(SENTENCE, text=" hello ghost bye", words=words), [Span(10.0, 11.0), Span(13.0, 14.0)]
    )

    assert utterance is not None
    assert utterance.text == "hello bye"


def test_a_sentence_without_words_keeps_its_times() -> None:
    assert utterance_of(replace(SENTENCE, end=9.0), [Span(5.0, 8.0)]) == Utterance(5.0, 8.0, "my bill is wrong")


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 280)), max_size=12))
def test_windows_hold_every_span_once_and_are_no_longer_than_the_model_can_hear(drawn: list[tuple[int, int]]) -> None:
    spans, end = [], 0.0
    for pause, length in drawn:
        spans.append(Span(end + pause / 10, end + pause / 10 + length / 10))
        end = spans[-1].end

    groups = windows(spans)

    assert [span for group in groups for span in group] == spans
    assert all(group[-1].end - group[0].start <= WINDOW for group in groups)


def test_a_prompt_is_cut_at_a_word_and_keeps_its_beginning() -> None:
    assert prompt_within("thank you for calling", len, limit=12) == "thank you"
    assert prompt_within("thank you", len, limit=100) == "thank you"
    assert prompt_within("supercalifragilistic", len, limit=5) is None
    assert prompt_within(None, len) is None
