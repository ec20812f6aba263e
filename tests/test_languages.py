"""Counting, joining and naming languages."""

import pytest

from transcription.languages import count_units, counts_characters, join_pieces, settle_language
from transcription.transcript import TranscriptError


@pytest.mark.parametrize(
    ("text", "language", "units"),
    [
        ("Thank you for calling.", "en", 4),
        ("It's — well — fine!", "en-GB", 3),
        ("at 9:30 on the 2nd", "en", 7),
        ("twenty-four", "en", 2),
        ("[noise] yes <unk>", "en", 1),
        ("您好，请问有什么可以帮您？", "zh-CN", 11),
        ("请拨10086", "zh", 7),
        ("开通VIP套餐", "zh-CN", 7),
        ("下载 App 吧", "yue", 4),
        ("", "zh-CN", 0),
        ("…。！？", "zh-CN", 0),
    ],
)
def test_speech_is_counted_in_words_or_in_characters(text: str, language: str, units: int) -> None:
    assert count_units(text, language) == units


@pytest.mark.parametrize(
    ("language", "characters"), [("zh", True), ("zh-TW", True), ("yue-Hant-HK", True), ("en", False)]
)
def test_chinese_languages_count_characters(language: str, characters: bool) -> None:
    assert counts_characters(language) is characters


def test_pieces_join_with_a_space_but_not_between_chinese_characters() -> None:
    assert join_pieces(["hello ", " there"]) == "hello there"
    assert join_pieces(["您好，", "请讲"]) == "您好， 请讲"
    assert join_pieces(["您", "好"]) == "您好"
    assert join_pieces(["办 ", "", "VIP"]) == "办 VIP"


@pytest.mark.parametrize(
    ("given", "stated", "text", "language"),
    [
        ("en", "zh", "您好", "en"),
        (None, "en-US", "hello", "en-US"),
        (None, "Chinese", "您好", "zh"),
        (None, "en", "", "en"),
        (None, None, "您好，我想办 VIP 卡", "zh"),
    ],
)
def test_the_language_is_what_was_given_then_stated_then_seen(
    given: str | None, stated: str | None, text: str, language: str
) -> None:
    assert settle_language(given, stated, [text]) == language


@pytest.mark.parametrize("text", ["hello there", "もしもし、鈴木です", "12345", ""])
def test_a_language_that_is_not_chinese_is_not_guessed(text: str) -> None:
    with pytest.raises(TranscriptError, match="does not say its language"):
        settle_language(None, None, [text])


def test_a_language_that_is_no_tag_is_refused() -> None:
    with pytest.raises(TranscriptError, match='must be a tag such as "en"'):
        settle_language("English (US)", None, [])
