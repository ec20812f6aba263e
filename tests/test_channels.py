from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcription.channels import agent_by_opening, agent_by_turns, speakers, turns_of
from transcription.engine import Span, Utterance, spoken
from transcription.transcript import AGENT, CUSTOMER, UNKNOWN, Transcript, Turn

OPENINGS = ["hello", "thank you for calling river bank", "how may i help you", "您好", "很高兴为您服务"]


def test_who_says_the_opening_is_the_agent_though_some_words_are_misheard() -> None:
    customer = [spoken("hello i would like to pay my bill", 4.0, 6.0)]
    agent = [spoken("hello thank you for coming river bank how may i help", 0.0, 3.0)]

    assert agent_by_opening([customer, agent], OPENINGS) == 1
    assert agent_by_opening([agent, customer], OPENINGS) == 0


def test_a_chinese_opening_is_found_without_regard_to_spaces() -> None:
    agent, customer = [spoken("您好 很高兴 为您服务", 0.0, 3.0)], [spoken("您好我想查话费", 3.0, 5.0)]

    assert agent_by_opening([customer, agent], OPENINGS) == 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("hello", "hello"),
        ("something else altogether", "no opening here either"),
        ("thank you for calling river bank", "thank you for calling river bank"),
    ],
    ids=["both greet", "nobody says it", "both say it"],
)
def test_where_the_opening_settles_nothing_nobody_is_named(left: str, right: str) -> None:
    assert agent_by_opening([[spoken(left, 0.0, 2.0)], [spoken(right, 3.0, 5.0)]], OPENINGS) is None


def test_words_late_in_the_call_are_no_opening() -> None:
    left = [spoken("good afternoon", 0.0, 1.0), spoken("how may i help you", 300.0, 302.0)]

    assert agent_by_opening([left, [spoken("yes hello", 2.0, 3.0)]], OPENINGS) is None


def test_a_mono_call_has_no_agent_channel() -> None:
    assert agent_by_opening([[spoken("how may i help you", 0.0, 2.0)]], OPENINGS) is None


@pytest.mark.parametrize("agent_channel", [0, 1])
def test_a_ready_transcript_is_matched_to_the_channel_that_speaks_at_its_times(agent_channel: int) -> None:
    transcript = Transcript("en", 9.0, 2, (Turn(AGENT, 0.0, 3.0, "hello"), Turn(CUSTOMER, 4.0, 8.0, "good day")))
    spans = [[Span(0.1, 2.9)], [Span(4.2, 7.9)]]

    assert agent_by_turns(spans if agent_channel == 0 else spans[::-1], transcript) == agent_channel


def test_a_ready_transcript_that_fits_both_channels_names_nobody() -> None:
    transcript = Transcript("en", 9.0, 2, (Turn(AGENT, 0.0, 3.0, "hello"), Turn(CUSTOMER, 4.0, 8.0, "good day")))

    assert agent_by_turns([[Span(0.0, 8.0)], [Span(0.0, 8.0)]], transcript) is None
    assert agent_by_turns([[], []], transcript) is None


@pytest.mark.parametrize(
    ("channels", "agent_channel", "names"),
    [
        (2, 0, (AGENT, CUSTOMER)),
        (2, 1, (CUSTOMER, AGENT)),
        (2, None, (UNKNOWN, UNKNOWN)),
        (1, None, (UNKNOWN,)),
    ],
)
def test_speakers_are_named_only_when_the_agent_is_known(
    channels: int, agent_channel: int | None, names: tuple[str, ...]
) -> None:
    assert speakers(channels, agent_channel) == names


def test_both_sides_are_merged_by_time() -> None:
    agent = [spoken("good morning", 0.0, 1.0), spoken("of course", 5.0, 6.0)]
    customer = [spoken("i need help", 2.0, 4.0)]

    turns = turns_of([agent, customer], (AGENT, CUSTOMER))

    assert [(turn.speaker, turn.text) for turn in turns] == [
        (AGENT, "good morning"),
        (CUSTOMER, "i need help"),
        (AGENT, "of course"),
    ]


def test_a_long_utterance_is_divided_where_the_other_side_speaks_between_its_words() -> None:
    first, second = spoken("let me check that", 0.0, 2.0), spoken("here it is", 4.0, 5.0)
    agent = [Utterance(0.0, 5.0, "let me check that here it is", first.words + second.words)]
    customer = [spoken("thank you", 2.5, 3.2)]

    turns = turns_of([agent, customer], (AGENT, CUSTOMER))

    assert [(turn.speaker, turn.text, turn.start) for turn in turns] == [
        (AGENT, "let me check that", 0.0),
        (CUSTOMER, "thank you", 2.5),
        (AGENT, "here it is", 4.0),
    ]


def test_utterances_of_one_side_without_a_long_pause_are_one_turn() -> None:
    agent = [spoken("您好", 0.0, 1.0), spoken("请讲", 1.5, 2.0), spoken("喂", 9.0, 9.5)]

    turns = turns_of([agent, []], (AGENT, CUSTOMER))

    assert [(turn.text, turn.start, turn.end) for turn in turns] == [("您好请讲", 0.0, 2.0), ("喂", 9.0, 9.5)]


def test_on_one_channel_utterances_stay_apart() -> None:
    mixed = [spoken("good morning", 0.0, 1.0), spoken("hello", 1.2, 1.5)]

    assert len(turns_of([mixed], (UNKNOWN,))) == 2


utterances = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 40), st.integers(1, 6)).map(
        lambda drawn: spoken("word " * drawn[2], drawn[0] / 10, (drawn[0] + drawn[1]) / 10)
    ),
    max_size=6,
)


@settings(max_examples=50)
@given(utterances, utterances)
def test_merging_loses_no_word_and_keeps_the_order_of_time(left: list[Utterance], right: list[Utterance]) -> None:
    turns = turns_of([left, right], (AGENT, CUSTOMER))

    for side, heard in ((AGENT, left), (CUSTOMER, right)):
        said = Counter(word for turn in turns if turn.speaker == side for word in turn.words)
        assert said == Counter(word for utterance in heard for word in utterance.words)
    assert [turn.start for turn in turns] == sorted(turn.start for turn in turns)
    assert all(turn.text.split() == [word.text for word in turn.words] for turn in turns)
