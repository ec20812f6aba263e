from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.phrases import PhraseFinder
from tests.dialogues import agent, customer, dialogue
from transcription.transcript import Transcript


def verdict(wording: str, heard: str, *, language: str = "en", confidence: float | None = None) -> str:
    """Return whether one wording was said, in a transcript of one turn."""
    transcript = dialogue(agent(heard), language=language, confidence=confidence)
    return PhraseFinder({"it": [wording]}, language=language).find(transcript)["it"].verdict


EN = PhraseFinder(
    {
        "patience": ["thank you for your patience"],
        "more": ["is there anything else i can help with"],
        "greeting": ["thank you for calling lakeside telecom"],
        "recorded": ["this call may be recorded"],
        "security": ["take you through security"],
        "bye": ["goodbye", "bye"],
        "amount": ["that will be {MONEY}"],
    },
    language="en",
)
ZH = PhraseFinder(
    {
        "能办": ["我能为您办理"],
        "再问": ["请问还有其他可以帮您的吗"],
        "来电": ["感谢您的来电"],
        "服务": ["很高兴为您服务"],
        "核身": ["为保障您的信息安全"],
        "问好": ["您好"],
        "工号": ["{STAFF}号话务员"],
    },
    language="zh",
)


@pytest.mark.parametrize(
    ("phrase", "heard", "verdict"),
    [
        ("patience", "well thank you for your patience sir", "said"),
        ("patience", "thank you for your patients", "said"),
        ("patience", "thank you for your payment", "not_said"),
        ("patience", "thank you for calling", "not_said"),
        ("more", "is there any thing else i can help you with today", "said"),
        ("more", "i can help you", "not_said"),
        ("greeting", "thanks for calling lake side telecoms", "said"),
        ("recorded", "this call maybe recorded", "said"),
        ("recorded", "this call may not be recorded", "not_said"),
        ("recorded", "this call will be transferred", "not_said"),
        ("security", "let me just uh take you through security okay", "said"),
        ("bye", "be that as it may", "not_said"),
        ("bye", "good bye", "said"),
        ("amount", "that will be thirty four dollars fifty", "said"),
        ("amount", "that will be fine", "not_said"),
    ],
)
def test_english_phrases_survive_recognition_errors_but_near_misses_do_not_pass(
    phrase: str, heard: str, verdict: str
) -> None:
    assert EN.find(dialogue(agent(f"so {heard}")))[phrase].verdict == verdict


@pytest.mark.parametrize(
    ("phrase", "heard", "verdict"),
    [
        ("能办", "好的我能为您办理", "said"),
        ("能办", "我不能为您办理", "not_said"),
        ("再问", "请问还有其它可以帮您的吗", "said"),
        ("再问", "請問還有其他可以幫您的嗎", "said"),
        ("再问", "请问还有什么其他能够帮到您", "not_said"),
        ("再问", "请问您的号码是多少", "not_said"),
        ("来电", "感谢您的莱店", "said"),
        ("来电", "感谢您的等待", "not_said"),
        ("服务", "恨高兴为你服务", "said"),
        ("核身", "为保障你的心习安全", "said"),
        ("问好", "你好", "said"),
        ("问好", "好的", "not_said"),
        ("工号", "我是幺零二四号话务员", "said"),
        ("工号", "我是话务员", "not_said"),
    ],
)
def test_mandarin_phrases_survive_homophones_but_near_misses_do_not_pass(phrase: str, heard: str, verdict: str) -> None:
    assert ZH.find(dialogue(agent(heard), language="zh-CN"))[phrase].verdict == verdict


def test_a_match_points_to_the_words_and_their_time() -> None:
    transcript = dialogue(customer("hello"), agent("Right. Thank you for calling Lakeside Telecom!", 10.0), pace=0.5)

    match = EN.find(transcript)["greeting"]

    assert (match.turn, match.start, match.end) == (1, 10.5, 13.5)
    assert match.text == "thank you for calling lakeside telecom"
    assert {step.op for step in match.alignment} == {"equal"}


def test_the_alignment_shows_what_differs() -> None:
    match = EN.find(dialogue(agent("thank you for your payment")))["patience"]

    assert match.alignment[-1].op in ("replace", "delete")
    assert match.alignment[-1].wording == "patience"


def test_a_phrase_may_run_over_turns_of_one_speaker() -> None:
    transcript = dialogue(agent("is there anything else"), customer("no"), agent("i can help you with"))

    assert EN.find(transcript)["more"].verdict == "said"


def test_only_the_asked_speaker_counts() -> None:
    transcript = dialogue(customer("thank you for calling lakeside telecom"), agent("what do you want"))

    assert EN.find(transcript)["greeting"].verdict == "not_said"
    assert EN.find(transcript, speaker="customer")["greeting"].verdict == "said"


def test_every_phrase_has_an_answer_even_in_an_empty_transcript() -> None:
    matches = ZH.find(dialogue(language="zh-CN"))

    assert {match.verdict for match in matches.values()} == {"not_said"}
    assert all(match.turn is None and match.probability == 0 for match in matches.values())


def test_without_times_a_match_has_none() -> None:
    match = EN.find(dialogue(agent("goodbye"), timed=False))["bye"]

    assert (match.verdict, match.turn, match.start) == ("said", 0, None)


def test_a_hopeless_pattern_ends_in_bounded_time_and_leaves_the_others_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    finder = PhraseFinder({"slow": [r"(a|aa)+b"], "other": ["thank you for calling"]}, language="en")
    before = time.process_time()

    found = finder.find(dialogue(agent("a" * 4000), agent("thank you for calling")))

    assert (found["slow"].verdict, found["slow"].turn, found["slow"].text) == ("unsure", None, None)
    assert found["other"].verdict == "said"
    assert "(a|aa)+b" in caplog.text
    assert "without repeats inside repeats" in caplog.text
    assert time.process_time() - before < 3


@pytest.mark.parametrize(
    ("wording", "heard", "expected"),
    [
        ("we will reply within 24 hours", "we will reply within twenty four hours", "said"),
        ("we will reply within 24 hours", "we will reply within 48 hours", "not_said"),
        ("your reference is four five six", "your reference is 456", "said"),
        ("your code ends in double four", "your code ends in 4 4", "said"),
        ("i will call you back", "i will not call you back", "not_said"),
        ("i can not help you with that", "i can help you with that", "not_said"),
        ("your card has been cancelled", "your card has been changed", "not_said"),
        ("this call may be recorded", "this call maybe record it", "said"),
        ("please call 1st class support", "please call first class support", "said"),
    ],
)
def test_numbers_and_negations_must_agree(wording: str, heard: str, expected: str) -> None:
    assert verdict(wording, heard) == expected


@pytest.mark.parametrize(
    ("wording", "heard", "expected"),
    [
        ("我们会在24小时内回复您", "我们会在二十四小时内回复您", "said"),
        ("我们会在24小时内回复您", "我们会在二是四小时内回复您", "said"),
        ("我们会在24小时内回复您", "我们会在四十八小时内回复您", "not_said"),
        ("请拨打10086", "请拨打幺零零八六", "said"),
        ("一共两百元", "一共二百元", "said"),
        ("已经为您办理成功", "没有为您办理成功", "not_said"),
        ("感谢您的耐心等待", "感谢您的来电", "not_said"),
        ("请下载我们的app查询", "请下载我们的APP查询", "said"),
    ],
)
def test_mandarin_numbers_and_negations_must_agree(wording: str, heard: str, expected: str) -> None:
    assert verdict(wording, heard, language="zh-CN") == expected


@pytest.mark.parametrize(
    ("wording", "heard", "expected"),
    [
        ("my name is ____ how can i help", "my name is john smith how can i help", "said"),
        ("my name is {} how can i help", "my name is john how can i hell", "said"),
        ("(good morning|hello) and welcome to lakeside", "hello and welcome to lake side", "said"),
        ("thank you (very much)? for waiting today", "thank you for waiting today", "said"),
        ("thank you (very much)? for waiting today", "thank you very much for weighting today", "said"),
        ("the fee is {MONEY} per month", "the fee is thirty four pounds per month", "said"),
        ("the fee is {MONEY} per month", "the fee is paid every month", "not_said"),
    ],
)
def test_wordings_with_alternatives_and_blanks_are_heard_too(wording: str, heard: str, expected: str) -> None:
    assert verdict(wording, heard) == expected


@pytest.mark.parametrize(
    ("wording", "heard"),
    [
        ("您好（女士/先生）请问有什么可以帮您", "您好先生请问有什么可以帮您"),
        ("请稍等我查一下（此处应静音）", "请稍等我查一夏"),
        ("您的验证码是____请查收", "您的验证码是一二三四请查收"),
    ],
)
def test_a_script_may_be_written_as_scripts_are(wording: str, heard: str) -> None:
    assert verdict(wording, heard, language="zh-CN") == "said"


@pytest.mark.parametrize(
    ("wording", "heard", "confidence", "expected"),
    [
        ("bye", "bye", 0.9, "said"),
        ("bye", "bye", 0.2, "unsure"),
        ("bye", "by", 0.9, "unsure"),
        ("bye", "table", 0.9, "not_said"),
        ("再见", "再见", 0.9, "said"),
        ("再见", "在见", 0.9, "unsure"),
    ],
)
def test_a_short_phrase_gets_what_its_sound_can_tell(
    wording: str, heard: str, confidence: float, expected: str
) -> None:
    language = "en" if wording.isascii() else "zh-CN"

    assert verdict(wording, f"{heard}", language=language, confidence=confidence) == expected


def test_more_wrong_words_never_make_a_phrase_more_probable() -> None:
    words = ["we", "are", "sorry", "for", "the", "delay", "with", "your", "parcel", "delivery"]
    finder = PhraseFinder({"it": [" ".join(words)]}, language="en")
    probabilities = []
    for wrong in range(0, len(words), 2):
        heard = ["mango" if at < wrong else word for at, word in enumerate(words)]
        probabilities.append(finder.find(dialogue(agent(" ".join(heard))))["it"].probability)

    assert probabilities == sorted(probabilities, reverse=True)
    assert probabilities[0] > 0.9 > 0.1 > probabilities[-1]


def test_the_nearest_miss_is_kept_with_its_words() -> None:
    match = EN.find(dialogue(agent("so thank you for your payment sir")))["patience"]

    assert (match.verdict, match.turn) == ("not_said", 0)
    assert "thank you for your payment" in (match.text or "")


def test_words_far_apart_are_no_sentence() -> None:
    transcript = dialogue(
        agent("is there anything"), customer("i lost my card on the bus this morning you know"), agent("else i can do")
    )

    assert EN.find(transcript)["more"].verdict != "said"


@pytest.mark.parametrize("wording", ["", "   ", "！！", "（此处应静音）", "…"])
def test_a_wording_without_words_is_refused_with_its_phrase(wording: str) -> None:
    with pytest.raises(ValueError, match=r"phrase 'greeting'.*no words"):
        PhraseFinder({"greeting": [wording]}, language="zh")


@pytest.mark.parametrize(("wording", "problem"), [("(a", "no valid regular"), ("pay {SUM}", "unknown slot {SUM}")])
def test_a_broken_wording_is_refused(wording: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        PhraseFinder({"greeting": [wording]}, language="en")


def test_a_phrase_needs_a_list_of_wordings() -> None:
    with pytest.raises(ValueError, match="list of one wording"):
        PhraseFinder({"greeting": "hello"}, language="en")  # type: ignore[dict-item]


def test_a_match_is_a_value() -> None:
    transcript = dialogue(agent("thank you for your patients"))
    match = EN.find(transcript)["patience"]

    assert pickle.loads(pickle.dumps(match)) == match == EN.find(transcript)["patience"]
    assert len({match, EN.find(transcript)["patience"]}) == 1
    assert "patients" in repr(match)


@pytest.mark.parametrize("heard", ["🙂🙂", "שלום לך", "x" * 3000, "❶ ٣ ²", "\u0000", "。。", "1" * 500, "[noise]"])
@pytest.mark.parametrize("word_times", [True, False])
def test_odd_text_has_a_defined_answer(heard: str, word_times: bool) -> None:
    for finder, language in ((EN, "en"), (ZH, "zh-CN")):
        matches = finder.find(dialogue(agent(heard), language=language, word_times=word_times))

        assert {match.verdict for match in matches.values()} <= {"not_said", "unsure"}


@given(
    wordings=st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4),
    lines=st.lists(st.text(max_size=40), max_size=4),
    language=st.sampled_from(["en", "zh-CN"]),
)
@settings(max_examples=60)
def test_any_text_has_a_defined_answer(wordings: list[str], lines: list[str], language: str) -> None:
    phrases = {str(number): [f"a您{wording}".translate(_NO_SIGNS)] for number, wording in enumerate(wordings)}
    matches = PhraseFinder(phrases, language=language).find(
        dialogue(*(agent(line) for line in lines), language=language)
    )

    assert matches.keys() == phrases.keys()
    for match in matches.values():
        assert 0 <= match.probability <= 1
        assert (match.start is None) or match.start <= (match.end or 0)
        assert match.text is None or isinstance(match.alignment, tuple)


_NO_SIGNS = {ord(sign): " " for sign in r"\[](){}|+*?^$"}


@pytest.mark.parametrize("chinese", [False, True])
def test_hearing_a_sound_itself_speaks_more_for_it_than_hearing_another(chinese: bool) -> None:
    import numpy as np

    from scoring.phrase_model import phrase_model
    from scoring.sounds import INITIALS, PHONES

    sounds = list((INITIALS if chinese else PHONES).values())
    table = phrase_model(chinese).evidence[np.ix_(sounds, sounds)]

    assert (table.argmax(axis=1) == np.arange(len(sounds))).mean() > 0.95
    assert (table.diagonal() > 0).all()


def test_low_confidence_never_turns_unlike_words_into_said() -> None:
    for confidence in (0.05, 0.2, 0.5):
        assert verdict("slow down", "eight and twelve do you need", confidence=confidence) != "said"
        assert verdict("感谢您的耐心等待", "感谢您的来电", language="zh-CN", confidence=confidence) != "said"


@pytest.mark.parametrize(
    ("wording", "heard", "language"),
    [
        ("order number 4512", "order number forty five twelve", "en"),
        ("order number 4512", "order number four five one two", "en"),
        ("valid until twenty twenty five", "valid until 2025", "en"),
        ("there is a charge of £150", "there is a charge of one hundred and fifty pounds", "en"),
        ("the monthly fee is twenty dollars", "the monthly fee is $20", "en"),
        ("speak to doctor lee", "speak to dr lee", "en"),
        ("goodbye", "well good bye", "en"),
        ("年化利率三点五", "年化利率3.5", "zh"),
        ("三到五个工作日", "3-5个工作日", "zh"),
        ("您好工号0728为您服务", "您好工号洞拐二八为您服务", "zh"),
        ("每晚四百八十元含双早", "每晚480元含双早", "zh"),
        ("每晚四百八十元含双早", "每晚四百怕十元含双早", "zh"),
        ("房间保留到晚上六点", "房间保留到万上六点", "zh"),
    ],
)
def test_a_number_is_the_same_however_it_is_said_or_written(wording: str, heard: str, language: str) -> None:
    assert verdict(wording, heard, language=language) == "said"


@pytest.mark.parametrize(
    ("wording", "heard", "language"),
    [
        ("order number 4512", "order number forty five twenty", "en"),
        ("valid until 2025", "valid until twenty thirty five", "en"),
        ("there is a charge of £150", "there is a charge of $115", "en"),
        ("每晚四百八十元含双早", "每晚五百八十元含双早", "zh"),
        ("收取5%的手续费", "收取百分之八的手续费", "zh"),
    ],
)
def test_another_number_is_not_the_one_that_was_asked_for(wording: str, heard: str, language: str) -> None:
    assert verdict(wording, heard, language=language) == "not_said"


@pytest.mark.parametrize(
    ("wording", "heard", "language", "expected"),
    [
        ("your appointment is on monday", "your appointment is on friday", "en", "not_said"),
        ("your appointment is on monday", "your appointment is on mondays", "en", "said"),
        ("the nurse will call you before noon", "the nurse will call you after noon", "en", "not_said"),
        ("your policy includes theft", "your policy excludes theft", "en", "unsure"),  # they sound alike
        ("good morning and welcome", "good evening and welcome", "en", "not_said"),
        ("犹豫期内可以全额退保", "犹豫期后可以全额退保", "zh", "not_said"),
        ("明天上午送到您家", "明天下午送到您家", "zh", "not_said"),
    ],
)
def test_an_opposite_or_another_of_its_kind_is_no_mishearing(
    wording: str, heard: str, language: str, expected: str
) -> None:
    assert verdict(wording, heard, language=language) == expected


def test_a_rival_that_the_recogniser_doubts_settles_nothing() -> None:
    assert verdict("your appointment is on monday", "your appointment is on friday", confidence=0.3) != "said"


def test_a_sound_that_was_lost_makes_no_other_word() -> None:
    assert verdict("please hold the line", "please old the line") == "said"


def test_fillers_count_for_nothing_unless_they_are_asked_for() -> None:
    assert verdict("thank you for calling", "thank um you uh for erm calling") == "said"
    assert verdict("请您稍等一下", "请您呃稍嗯等一下", language="zh") == "said"
    assert verdict("嗯", "嗯嗯好的", language="zh") == "said"


@pytest.mark.parametrize(
    ("wording", "heard", "expected"),
    [
        ("退款将在十五个工作日内到账", "退款将在五个工作日内到账", "unsure"),
        ("退款将在十五个工作日内到账", "退款将在十五个工作日内到账", "said"),
        ("退款将在三十个工作日内到账", "退款将在三十个工作日内到账", "said"),
    ],
)
def test_a_number_of_which_a_digit_is_not_heard_settles_nothing(wording: str, heard: str, expected: str) -> None:
    assert verdict(wording, heard, language="zh") == expected


def test_words_that_look_like_numbers_are_words() -> None:
    assert verdict("千万不要开灯", "千万不要开灯", language="zh-CN") == "said"
    assert verdict("千万不要开灯", "一千万不要开灯", language="zh-CN") != "not_said"


@pytest.mark.slow
def test_a_four_hour_call_and_a_thousand_phrases_take_seconds() -> None:
    line = "i will check that for you one moment please the system is slow today"
    turns = [agent(line), customer("okay")] * 1500
    phrases = {f"phrase {number}": [f"sentence number {number} of the script"] for number in range(1000)}
    before = time.process_time()

    matches = PhraseFinder(phrases, language="en").find(dialogue(*turns))

    assert len(matches) == 1000
    assert {match.verdict for match in matches.values()} == {"not_said"}
    assert time.process_time() - before < 20


def test_a_long_wording_is_found_whole() -> None:
    wording = (
        "before we continue i have to tell you that this conversation is recorded so that we can train our staff and"
        " check the quality of our service and that you may object to this at any time by telling me so"
    )
    heard = wording.replace("conversation", "conservation").replace("object", "abject")

    assert verdict(wording, f"right {heard} okay") == "said"
    assert verdict(wording, " ".join(wording.split()[:18])) == "not_said"
    assert verdict(wording, " ".join(wording.split()[-18:])) == "not_said"


def test_without_word_times_or_confidences_phrases_are_found() -> None:
    transcript = dialogue(agent("hello. Thank you for your patience"), word_times=False)

    match = EN.find(transcript)["patience"]

    assert (match.verdict, match.turn) == ("said", 0)
    assert match.start is not None
    assert match.end is not None
    assert 0 < match.start < match.end <= transcript.duration


def test_every_phrase_has_an_answer_for_a_speaker_who_says_nothing() -> None:
    matches = EN.find(Transcript("en", 0.0, 1), speaker="customer")

    assert set(matches) == {"patience", "more", "greeting", "recorded", "security", "bye", "amount"}
