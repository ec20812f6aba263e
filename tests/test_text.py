from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.sounds import SYMBOLS, costs, english_symbols, han_symbols, likeness, syllable, wording_symbols
from scoring.spoken import Spoken
from scoring.text import normaliser
from scoring.variants import sentences, written_plainly
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
        ("OK, goodbye [noise] [UNK]", "okay good bye"),
        ("Mr Lee pays $20, or 5 per cent, at 10 a.m.", "mister lee pays $20 or 5 percent at 10 am"),
        ("2 hundred", "200"),
        ("uh my pen, you know", "my pin"),
        ("the caller's name", "the caller name"),
        ("£34.50", "£34.50"),
        ("1,250 pounds", "1250 pounds"),
        ("double four oh seven", "4 4 0 7"),
        ("oh dear", "oh dear"),
        ("the 3rd of May, the 21st", "the third of may the 20 first"),
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
        ("請問您的號碼", "请问您的号码"),
        ("嗯", "嗯"),
        ("洞七二八，拐弯", "0728拐弯"),
        ("百货公司，万一", "百货公司万一"),
        ("5%和百分之五", "百分之5和百分之5"),
        ("9:30，3-5天，1,200.5元", "9点303到5天1200点5元"),
    ],
)
def test_chinese_gets_one_form(text: str, words: str) -> None:
    assert "".join(ZH.words(text)) == words


@given(st.text(max_size=60))
@settings(max_examples=50)
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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lakeside", "lake side"),
        ("34", "thirty four"),
        ("5000", "five thousand"),
        ("456", "four five six"),
        ("wait", "weight"),
    ],
)
def test_words_that_sound_the_same_have_the_same_symbols(one: str, other: str) -> None:
    assert english_symbols(one) == tuple(symbol for word in other.split() for symbol in english_symbols(word))


@given(st.text(max_size=20))
@settings(max_examples=50)
def test_every_word_has_symbols_within_bounds(word: str) -> None:
    assert all(0 <= symbol < SYMBOLS for symbol in english_symbols(word.lower()))


def test_confusions_cost_less_than_other_sounds() -> None:
    table = costs()

    def cost(one: str, other: str) -> float:
        pairs = zip(han_symbols(one), han_symbols(other), strict=True)
        return sum(float(table[a, b]) for a, b in pairs)

    assert cost("来", "莱") == 0 < cost("张", "脏") < cost("张", "帮") < cost("张", "谷")
    assert (table == table.T).all()
    assert table.diagonal().max() <= 1


def test_a_character_is_read_as_its_word_wants_it() -> None:
    bank, walk = wording_symbols("银行")[1], wording_symbols("行走")[0]

    assert bank != walk


@pytest.mark.parametrize(
    ("entry", "meant"),
    [
        ("(good morning|hello) sir", ("good morning sir", "hello sir")),
        ("calls?", ("calls", "call")),
        ("您好（女士/先生）", ("您好女士", "您好先生")),
        ("请稍等（此处应静音）", ("请稍等",)),
        ("my name is ____", ("my name is {BLANK}",)),
        ("a.*b", ()),
        ("(a|b", ()),
        ("(a|b)(c|d)(e|f)(g|h)(i|j)(k|l)", ()),
    ],
)
def test_a_wording_stands_for_sentences(entry: str, meant: tuple[str, ...]) -> None:
    assert sentences(written_plainly(entry)) == meant


@given(st.text(alphabet="ab(|)?/_{} ", max_size=14))
def test_any_wording_is_read_in_bounded_time(entry: str) -> None:
    assert len(sentences(written_plainly(entry))) <= 32
