"""The text of a turn, cut at the words whose times are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from transcription.transcript import Turn, Word
from web.call_page import Piece, pieces, word_times, written


def turn(text: str, *words: str) -> Turn:
    spoken = tuple(Word(word, float(i), i + 0.5, 0.9) for i, word in enumerate(words))
    return Turn("agent", 0.0, float(len(words)), text, spoken)


def shown(found: list[Piece]) -> list[str]:
    return [f"[{piece.text}]" if piece.word else piece.text for piece in found]


@pytest.mark.parametrize(
    ("said", "language", "expected"),
    [
        (
            turn("Good morning, Dana.", "good", "morning", "dana"),
            "en",
            ["[Good]", " ", "[morning]", ", ", "[Dana]", "."],
        ),
        (turn("您好,王芳", "您好", "王", "芳"), "zh-CN", ["[您好]", ",", "[王]", "[芳]"]),
        (turn("Good day", " Good", " day"), "en", ["[Good]", " ", "[day]"]),
        (turn("ten dollars", "10", "dollars"), "en", ["[10]", " ", "[dollars]", " "]),
        (turn("十元", "10", "元"), "zh-CN", ["[10]", "[元]"]),
        (turn("no word times"), "en", ["no word times"]),
        (turn("İzmir has none"), "en", ["İzmir has none"]),
        (turn("", "uh"), "en", ["[uh]", " "]),
    ],
)
def test_text_is_cut_at_its_words(said: Turn, language: str, expected: list[str]) -> None:
    assert shown(pieces(said, language)) == expected


@hypothesis_settings(max_examples=50)
@given(st.lists(st.text("abc您好ßİ", min_size=1, max_size=5), min_size=1, max_size=8), st.sampled_from([", ", " ", ""]))
def test_every_word_is_shown_once_and_in_order(words: list[str], between: str) -> None:
    text = between.join(words)

    found = pieces(turn(text, *words), "en")

    assert [piece.word.text for piece in found if piece.word] == words
    if len(text.lower()) == len(text):  # else the text cannot be searched and the words alone are shown
        assert "".join(piece.text for piece in found) == text


def test_a_script_finds_the_words_of_a_text_by_what_it_is_told_of_them() -> None:
    said = turn("Good 𠮷 day, Dana.", "good", "day", "dana")

    text, places = written(said, "en")

    assert text == "Good 𠮷 day, Dana."
    assert word_times(said.words, places) == "0:4:0.00:0.50 3:3:1.00:1.50 2:4:2.00:2.50"
    assert word_times((), written(turn("no word times"), "en")[1]) == ""
