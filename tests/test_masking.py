"""What is masked in words: every number of three digits or more, however it is said; and nothing much else."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.masking import MASK, hidden_words, masked, places_of_words, spans_to_mask
from transcription.transcript import Transcript, Turn, Word

ENGLISH = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
CHINESE = "零一二三四五六七八九幺两"


def of(*said: tuple[str, str]) -> Transcript:
    """Return a transcript of (speaker, text)."""
    turns = tuple(Turn(who, 5.0 * at, 5.0 * at + 4, text) for at, (who, text) in enumerate(said))
    return Transcript("en", 5.0 * len(turns), 2, turns)


def shown(transcript: Transcript, names: tuple[str, ...] = ()) -> list[str]:
    spans = spans_to_mask(transcript, names)
    return [
        masked(turn.text, [(span.start, span.end) for span in spans if span.turn == index])
        for index, turn in enumerate(transcript.turns)
    ]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("我的号码是13800138000。", "我的号码是＊。"),
        ("身份证一一零一零五一九四九一二三一零零二叉，对吗", "身份证＊，对吗"),
        ("幺三八，零零幺三，八零零零", "＊"),
        ("工号0728为您服务", "工号＊为您服务"),
        ("扣了两千三", "扣了＊"),
        ("一百块", "＊块"),
        ("my number is one three eight, zero zero one", "my number is ＊"),
        ("it is double four seven", "it is ＊"),
        ("a hundred and five dollars", "a ＊ dollars"),
        ("it's twenty one thirty two", "it's ＊"),
        ("four five, and then six seven", "＊"),
        ("card 6222-0210 0112", "card ＊"),
        ("write to j dot smith at gmail dot com please", "write to ＊ please"),
        ("write to dana.w@example.co.uk", "write to ＊"),
    ],
)
def test_numbers_and_addresses_are_masked(said: str, left: str) -> None:
    assert shown(of(("customer", said))) == [left]


@pytest.mark.parametrize(
    "said",
    [
        "请等一下，一共二十四小时，十八号之前",
        "百分之十的手续费，千万别忘了，万一呢",
        "第一步，第二步",
        "twenty four hours, two cards and one account",
        "one moment please, I have two questions for you",
        "it was 24 hours ago on the 3rd",
    ],
)
def test_small_numbers_and_words_like_numbers_stay(said: str) -> None:
    assert shown(of(("agent", said))) == [said]


def test_a_number_said_in_several_turns_is_masked_in_all_of_them() -> None:
    transcript = of(("customer", "幺三"), ("agent", "嗯"), ("customer", "八零"), ("agent", "好的"))

    assert shown(transcript) == [MASK, "嗯", MASK, "好的"]


def test_names_are_masked_as_whole_words_and_chinese_ones_anywhere() -> None:
    transcript = of(("agent", "Dana speaking, not Danadoo"), ("agent", "我是王芳，很高兴"))

    assert shown(transcript, ("dana", "王芳")) == ["＊ speaking, not Danadoo", "我是＊，很高兴"]


def test_words_are_hidden_when_the_text_writes_the_number_otherwise() -> None:
    words = tuple(Word(text, at, at + 1) for at, text in enumerate(["it", "is", "one", "three", "eight", "thanks"]))
    transcript = Transcript("en", 9.0, 1, (Turn("customer", 0.0, 6.0, "It is 138, thanks.", words),))

    assert hidden_words(transcript) == [{2, 3, 4}]
    assert places_of_words(transcript.turns[0])[2] == (5, 11)  # the text between "is" and "thanks"


DIGITS = [*ENGLISH, *CHINESE, *"0123456789", "０", "９"]
OTHERS = ["hello", "card", "please", "请问", "号码", "账单", "the", "and", "嗯", "um", "，", "."]


@given(st.lists(st.sampled_from([*DIGITS, *OTHERS, *OTHERS]), max_size=40), st.sampled_from(["", " ", "-", "，"]))
def test_no_three_digits_in_a_row_are_left(parts: list[str], joint: str) -> None:
    text = (joint or " ").join(parts)

    (left,) = shown(of(("customer", text)))

    spelled = re.sub(r"\b(?:" + "|".join(ENGLISH) + r")\b", "0", left)
    spelled = re.sub(f"[{CHINESE}]", "0", spelled)
    assert not re.search(r"\d\W*\d\W*\d", spelled.replace(MASK, "x"))


@given(st.text(alphabet="零一二三四五六七八九十百千万两幺0123456789 oneabc，.@", max_size=60))
def test_what_is_masked_has_nothing_left_to_mask(text: str) -> None:
    once = shown(of(("customer", text)))[0]

    assert shown(of(("customer", once.replace(MASK, " § ")))) == [once.replace(MASK, " § ")]


@given(st.text(max_size=80))
def test_any_text_can_be_masked_and_only_loses_what_is_masked(text: str) -> None:
    spans = spans_to_mask(of(("customer", text)))

    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.end < two.start for one, two in itertools.pairwise(spans))
