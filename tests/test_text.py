from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.sounds import likeness, syllable
from scoring.spoken import Spoken
from scoring.text import normaliser
from tests.dialogues import agent, dialogue

EN = normaliser("en", strip=["uh", "you know"], homophones={"pin": ["pen"]})
ZH = normaliser("zh-CN", strip=["呃", "嗯", "那个"], homophones={"工号": ["公号", "弓号"]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Alright, that's a hundred and thirty-four dollars.", "alright that is 134 dollars"),
        ("I'm sorry, I can't; you'll have to wait", "i am sorry i can not you will have to wait"),
        ("nine thirty", "9 30"),
        ("two thousand and six", "2006"),
        ("one two three", "1 2 3"),
        ("twenty twenty", "20 20"),
        ("a moment and a half", "a moment and a half"),
        ("OK, good bye [noise] [UNK]", "okay goodbye"),
        ("uh my pen, you know", "my pin"),
        ("the caller's name", "the caller name"),
        ("£34.50", "£34.50"),
        ("🙂 שלום", "שלום"),
    ],
)
def test_english_gets_one_form(text: str, words: str) -> None:
    assert " ".join(EN.words(text)) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("你好，公号幺零零八六。", "您好工号10086"),
        ("三十四块一毛九", "34块1毛9"),
        ("二十四小时内", "24小时内"),
        ("一百三", "130"),
        ("一千零五十", "1050"),
        ("两万三", "23000"),
        ("呃那个套餐", "套餐"),
        ("YD幺五幺", "yd151"),
        ("１００８６", "10086"),
        ("嗯", "嗯"),
    ],
)
def test_chinese_gets_one_form(text: str, words: str) -> None:
    assert "".join(ZH.words(text)) == words


@given(st.text(max_size=60))
@settings(max_examples=50, deadline=None)
def test_normal_form_is_stable(text: str) -> None:
    for normal in (EN, ZH):
        once = normal.joint.join(normal.words(text))

        assert all(unit.strip() for unit in normal.words(text))
        assert normal.joint.join(normal.words(once)) == once or any(c.isdigit() for c in once)


def test_units_keep_the_time_of_their_words() -> None:
    side = Spoken(dialogue(agent("that is twenty four pounds"), pace=1.0), EN).side("agent")

    assert [(token.text, token.start, token.end) for token in side.tokens][2] == ("24", 2.0, 4.0)
    assert side.heard(2, 3) == "twenty four"


def test_words_that_sound_alike_are_told_from_others() -> None:
    assert likeness("patience", "patients") > 0.75 > 0.6 > likeness("patience", "payment")
    assert syllable("莱") == syllable("来") != syllable("等")
    assert syllable("张") == syllable("脏")
