from __future__ import annotations

import time

import pytest

from scoring.phrases import PhraseFinder
from tests.dialogues import agent, customer, dialogue

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
        ("再问", "请问还有什么其他能够帮到您", "unsure"),
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


def test_a_hopeless_pattern_ends_in_bounded_time() -> None:
    from scoring.entries import PatternTooSlow

    finder = PhraseFinder({"slow": [r"(?:a+)+(?:b+)+(?:a|aa)+$c"]}, language="en")
    before = time.perf_counter()

    try:
        verdict = finder.find(dialogue(agent("a" * 4000)))["slow"].verdict
    except PatternTooSlow:
        verdict = "too slow"

    assert verdict in ("not_said", "too slow")
    assert time.perf_counter() - before < 3
