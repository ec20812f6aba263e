"""Written dialogues: read with assumed times, written back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcription.dialogue import read_dialogue, write_dialogue
from transcription.transcript import Transcript, TranscriptError


def test_a_dialogue_gets_the_times_of_ordinary_speech() -> None:
    transcript = read_dialogue("agent: good morning\n\ncustomer: hello there you", language="en")

    first, second = transcript.turns
    assert (first.speaker, first.text, first.start) == ("agent", "good morning", 0.0)
    assert [word.text for word in first.words] == ["good", "morning"]
    assert first.end == pytest.approx(0.72)
    assert second.start == pytest.approx(1.22)
    assert second.speaker == "customer"
    assert transcript.channels == 2
    assert transcript.duration > second.end


def test_a_line_may_say_when_it_begins() -> None:
    transcript = read_dialogue("0:03 agent: hello\n[1:10.5] customer: hello\n1:00:00 agent: bye", language="en")

    assert [turn.start for turn in transcript.turns] == [3.0, 70.5, 3600.0]


def test_speakers_may_be_named_in_chinese_and_chinese_is_timed_by_characters() -> None:
    transcript = read_dialogue("坐席：您好，ok吗\n客户: 你好", language="zh-CN")

    assert [turn.speaker for turn in transcript.turns] == ["agent", "customer"]
    assert [word.text for word in transcript.turns[0].words] == ["您", "好", "，ok", "吗"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("agent: hello\nhow are you", "line 2: 'how are you' does not say who speaks"),
        ("agent:   ", "says nothing"),
        ("0:10 agent: a\n0:05 customer: b", "line 2: begins before"),
        ("agent: " + "word " * 30_000, "at most 100000"),
    ],
    ids=["empty", "nobody", "nothing", "backwards", "long"],
)
def test_a_dialogue_that_cannot_be_read_says_where(text: str, message: str) -> None:
    with pytest.raises(TranscriptError, match=message):
        read_dialogue(text, language="en")


speakers = st.sampled_from(["agent", "customer", "unknown"])
sentences = st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=6).map(" ".join)


@settings(max_examples=50)
@given(st.lists(st.tuples(speakers, sentences), min_size=1, max_size=8))
def test_what_is_written_is_read_back(lines: list[tuple[str, str]]) -> None:
    transcript = read_dialogue("\n".join(f"{who}: {said}" for who, said in lines), language="en")

    again = read_dialogue(write_dialogue(transcript), language="en")

    assert [(turn.speaker, turn.text) for turn in again.turns] == lines
    assert [turn.start for turn in again.turns] == pytest.approx([turn.start for turn in transcript.turns], abs=0.051)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        transcript = read_dialogue(text, language="zh-CN")
    except TranscriptError:
        return
    assert Transcript.from_dict(transcript.to_dict()) == transcript
