"""Words become units of normal form: word by word where that is the same, together where it is not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring import reading
from scoring.phrases import PhraseFinder
from scoring.spoken import Side, Spoken
from scoring.stream import as_spoken, stream_of
from scoring.text import Normaliser, normaliser
from transcription.transcript import AGENT, CUSTOMER, Transcript, Turn, Word

EN = normaliser(
    "en", strip=["uh", "you know", "oh my god"], homophones={"pin": ["pen"], "all right now": ["alright no"]}
)
ZH = normaliser("zh", strip=["呃", "那个", "怎么说呢"], homophones={"工号": ["公号", "弓号"], "一": ["衣"]})
ENGLISH = (
    "one two nine twelve thirty forty hundred thousand double triple a and oh o 5 12 2003 uh you know oh my god pen all"
    " right alright no can't i'll $20 1st a.m. p m per cent [noise] the price is nine-thirty"
)
CHINESE = (
    "一 二 三 两 十 百 千 万 零 幺 洞 拐 5 12 三十 二十四小时 呃 那个 那 怎么 说呢 公 号 公号 衣 您好 的 价格 $3"
    " 3.5% [noise] 一下，"
)


def side_of(turns: Sequence[Sequence[str]], normal: Normaliser, confidence: float | None = 0.9) -> Side:
    """Return the agent's side of a call in which each word takes 0.3 s and no pause is long enough for a clause."""
    made, clock = [], 0.0
    for texts in turns:
        words = tuple(Word(text, clock + 0.3 * at, clock + 0.3 * (at + 1), confidence) for at, text in enumerate(texts))
        made.append(Turn(AGENT, clock, clock + 0.3 * len(texts), normal.joint.join(texts), words))
        clock += 0.3 * len(texts)
    return Spoken(Transcript("zh" if normal.chinese else "en", clock, 1, tuple(made), "test"), normal).side(AGENT)


def whole(texts: Sequence[str], normal: Normaliser) -> list[str]:
    """Return the normal form of a turn that is read as a whole."""
    bare: list[str] = []
    clauses: list[bool] = []
    opens = True
    for text in texts:
        for number, (unit, clause) in enumerate(normal.pieces(text)):
            bare.append(unit)
            clauses.append(clause if number else opens)
        opens = text.endswith("，")
    return [unit for unit, _, _ in normal.normal_form(bare, clauses)]


@settings(max_examples=300)
@given(st.lists(st.lists(st.sampled_from(ENGLISH.split()), min_size=1, max_size=14), max_size=4))
@example([["2003", "oh", "one"]])
def test_english_words_are_read_as_their_turn_would_be(turns: list[list[str]]) -> None:
    assert list(side_of(turns, EN).texts) == [unit for texts in turns for unit in whole(texts, EN)]


@settings(max_examples=300)
@given(st.lists(st.lists(st.sampled_from(CHINESE.split()), min_size=1, max_size=14), max_size=4))
def test_chinese_words_are_read_as_their_turn_would_be(turns: list[list[str]]) -> None:
    assert list(side_of(turns, ZH).texts) == [unit for texts in turns for unit in whole(texts, ZH)]


@given(st.lists(st.lists(st.sampled_from(ENGLISH.split()), min_size=1, max_size=10), min_size=1, max_size=4))
def test_each_unit_keeps_turn_times_and_confidence_of_its_words(turns: list[list[str]]) -> None:
    side = side_of(turns, EN)
    assert len(side) == len(side.texts) == len(side.turns) == len(side.tokens) == len(side.confidences)
    for unit, (token, turn) in enumerate(zip(side.tokens, side.turns, strict=True)):
        assert side.turn_of(unit) == turn
        start, end = side.moment(unit, unit + 1)
        assert (start, end) == pytest.approx((token.start, token.end))
        assert side.said.sources[turn].start <= start <= end <= side.said.sources[turn].end + 1e-9
        assert side.opens_clause(unit) == token.new_clause
        assert token.text == side.texts[unit]
        assert side.confidences[unit] == token.confidence == 0.9
    assert side.reported() == [0.9] * len(side)


def test_confidences_come_from_the_words_that_a_number_begins_with() -> None:
    words = tuple(
        Word(text, float(at), at + 1.0, confidence)
        for at, (text, confidence) in enumerate(
            [("a", 0.1), ("hundred", 0.2), ("uh", 0.3), ("pounds", None), ("now", 0.5)]
        )
    )
    side = Spoken(Transcript("en", 5.0, 1, (Turn(AGENT, 0.0, 5.0, "", words),), "test"), EN).side(AGENT)
    assert side.texts == ("100", "pounds", "now")
    assert side.reported() == [0.1, 0.5]
    assert side.moment(0, 1) == (0.0, 2.0)
    assert side.heard(0, 2) == "a hundred uh pounds"


def test_words_read_otherwise_keep_their_places() -> None:
    side = side_of([["uh", "twenty", "two", "pounds"]], EN)
    assert side.texts == ("22", "pounds")
    assert side.unstripped.texts == ("uh", "22", "pounds")
    assert side.spelled.texts == ("twenty", "two", "pounds")
    assert side.spelled.units_like(side, 0, 1) == (0, 2)
    assert side.spelled.reported() == [0.9, 0.9, 0.9]


def test_what_is_known_of_words_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_READ", 50)
    monkeypatch.setattr(reading, "_MOST_UNITS", 80)
    finder = PhraseFinder({"bye": ["have a pleasant evening"]}, language="en")
    for number in range(40):
        words = " ".join(f"w{chr(97 + number % 26)}x{chr(97 + at)}" for at in range(12))
        heard = Transcript("en", 5.0, 1, (Turn(AGENT, 0.0, 5.0, f"{words} have a pleasant evening"),), "test")
        assert finder.find(heard)["bye"].verdict == "said"
    assert len(reading.units_of(False)) < 200


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from((AGENT, CUSTOMER)), st.text(max_size=40)), max_size=5), st.booleans())
def test_any_text_at_all_can_be_searched(turns: list[tuple[str, str]], chinese: bool) -> None:
    language = "zh" if chinese else "en"
    finder = PhraseFinder(
        {"thanks": ["感谢您的来电", "thank you for calling"], "money": ["{MONEY}"]}, language=language
    )
    heard = Transcript(
        language, 10.0, 1, tuple(Turn(who, float(at), at + 1.0, text) for at, (who, text) in enumerate(turns)), "test"
    )
    for speaker in (AGENT, CUSTOMER):
        assert set(finder.find(heard, speaker)) == {"thanks", "money"}


@pytest.mark.parametrize(
    ("wording", "heard"),
    [
        ("一共二十美元", "一共$20"),
        ("一共20.5英镑", "一共£20.5"),
        ("百分之五欧元", "€5%"),
        ("一共一千二百美元", "一共 $1,200"),
    ],
)
def test_amounts_with_a_sign_are_read_aloud_in_chinese(wording: str, heard: str) -> None:
    call = Transcript("zh", 3.0, 1, (Turn(AGENT, 0.0, 3.0, heard),), "test")
    assert PhraseFinder({"amount": [wording]}, language="zh").find(call)["amount"].verdict == "said"


@pytest.mark.parametrize(
    ("units", "spoken"),
    [
        ("38", "3十 8"),
        ("10", "1十 0-"),
        ("30元", "3十 0- 元"),
        ("200", "2百 0- 0-"),
        ("5000", "5千 0- 0- 0-"),
        ("250", "2 5 0"),
        ("10086", "1 0 0 8 6"),
        ("03", "0 3"),
        ("3元20", "3 元 2十 0-"),
        ("1a3", "1 a 3"),
        ("", ""),
    ],
)
def test_short_chinese_numbers_are_spoken_with_their_places(units: str, spoken: str) -> None:
    assert as_spoken(list(units)) == spoken.split()
    if units:
        side = side_of([list(units)], normaliser("zh", numbers=False))
        assert [side.units.texts[number] for number in stream_of(side).ids.tolist()] == spoken.split()


def test_threads_that_read_new_words_at_once_agree_with_one_alone() -> None:
    syllables = ("ka", "lo", "mi", "ne", "ru", "ta", "vo", "si")
    words = ["".join(parts) for parts in itertools.product(syllables, repeat=4)]
    calls = [
        Transcript(
            "en", 9.0, 1, (Turn(AGENT, 0.0, 9.0, f"{' '.join(words[at::64])} two hundred and five pounds"),), "test"
        )
        for at in range(64)
    ]
    normal = normaliser("en", strip=["threads"])  # no other test has read words for it

    def read(call: Transcript) -> tuple[tuple[str, ...], list[int]]:
        side = Spoken(call, normal).side(AGENT)
        return side.texts, side.stream.symbols.tolist()

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(read, calls * 2))
    assert together == [read(call) for call in calls * 2]
    assert all(texts[-2:] == ("205", "pounds") for texts, _ in together)
