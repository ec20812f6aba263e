from __future__ import annotations

from collections.abc import Sequence

import pytest

from scoring.facts import CallFacts, Event
from scoring.marks import Answer
from scoring.outcome import RuleOutcome
from scoring.phrase_set import PhraseSet
from scoring.rules import check_rules
from tests.dialogues import agent, customer, dialogue, unknown
from transcription.measures import AudioMeasures, Overlap, SideMeasures, Silence

TALK = "well let me see what i can find for you here in our system about this payment"


def measures(
    *,
    rate: float | None = 150.0,
    counted: int = 200,
    unit: str = "words/min",
    loudness: float = -25.0,
    swing: float = 8.0,
    silences: Sequence[Silence] = (),
    overlaps: Sequence[Overlap] | None = (),
    quality: str = "good",
) -> AudioMeasures:
    side = SideMeasures(60.0, 0.5, rate, unit, counted, loudness, swing, 0.0)
    return AudioMeasures(
        120.0,
        2,
        {"agent": side},
        tuple(silences),
        None if overlaps is None else tuple(overlaps),
        quality=quality,
    )


def reason(outcome: RuleOutcome) -> str:
    return outcome.findings[0].evidence.reason


CALL = dialogue(agent(TALK), customer("okay thanks"), agent(TALK))


@pytest.mark.parametrize(
    ("rate", "counted", "verdict", "why"),
    [
        (150.0, 200, Answer.MET, "speed_within"),
        (100.0, 200, Answer.NOT_MET, "too_slow"),
        (200.0, 200, Answer.NOT_MET, "too_fast"),
        (200.0, 30, Answer.CANNOT_TELL, "too_little_speech"),
        (None, 0, Answer.CANNOT_TELL, "not_measured"),
    ],
)
def test_speech_rate_is_judged_from_enough_speech(
    english: PhraseSet, rate: float | None, counted: int, verdict: Answer, why: str
) -> None:
    outcome = check_rules(CALL, english, measures=measures(rate=rate, counted=counted))["EN-SPEED"]

    assert (outcome.verdict, reason(outcome)) == (verdict, why)


def test_speech_rate_comes_from_word_times_when_the_sound_was_not_measured(english: PhraseSet) -> None:
    fast = dialogue(*[agent(TALK)] * 4, pace=0.2)

    outcome = check_rules(fast, english)["EN-SPEED"]

    assert outcome.findings[0].evidence.values["rate"] == 300
    assert outcome.verdict is Answer.NOT_MET


def test_a_caller_who_asks_for_another_pace_excuses_it(english: PhraseSet) -> None:
    call = dialogue(customer("could you slow down please"), agent(TALK))

    assert check_rules(call, english, measures=measures(rate=80))["EN-SPEED"].verdict is Answer.NOT_APPLICABLE


def test_several_stray_turns_are_found_one_by_one(chinese: PhraseSet) -> None:
    quick = dialogue(
        *[agent("这个套餐每月三十八元包含通话一百分钟流量十个吉字节全国通用")] * 3, language="zh-CN", pace=0.15
    )

    kinds = [finding.kind for finding in check_rules(quick, chinese)["ZH-SPEED"].findings]

    assert kinds == ["speed", "speed_turn", "speed_turn", "speed_turn"]


def test_level_and_its_swing_are_judged_unless_the_recording_is_poor(chinese: PhraseSet) -> None:
    call = dialogue(agent("您好"), customer("你好"), language="zh-CN")

    def level(**how: object) -> RuleOutcome:
        return check_rules(call, chinese, measures=measures(**how))["ZH-LEVEL"]  # type: ignore[arg-type]

    assert level().verdict is Answer.MET
    assert reason(level(loudness=-45.0)) == "too_quiet"
    assert [f.verdict for f in level(swing=20.0).findings] == [Answer.MET, Answer.NOT_MET]
    assert level(quality="poor", loudness=-45.0).verdict is Answer.NOT_APPLICABLE


def overlap(words: int | None, *, by: str = "agent", counts: bool = True, start: float = 2.0) -> Overlap:
    return Overlap(start, start + 2.5, by, words, counts)


@pytest.mark.parametrize(
    ("overlaps", "verdict"),
    [
        ([overlap(6)], Answer.NOT_MET),
        ([overlap(6, by="customer")], Answer.MET),
        ([overlap(2)], Answer.MET),
        ([overlap(6, counts=False)], Answer.MET),
        ([overlap(None)], Answer.CANNOT_TELL),
        ([], Answer.MET),
        (None, Answer.CANNOT_TELL),
    ],
)
def test_only_a_long_wordy_overlap_by_the_agent_is_an_interruption(
    english: PhraseSet, overlaps: list[Overlap] | None, verdict: Answer
) -> None:
    assert check_rules(CALL, english, measures=measures(overlaps=overlaps))["EN-OVERLAP"].verdict is verdict


def test_a_listeners_yes_is_no_interruption(english: PhraseSet) -> None:
    call = dialogue(customer("so i went to the shop and then they told me"), agent("yes yes right okay sure", 2.0))

    assert check_rules(call, english, measures=measures(overlaps=[overlap(5)]))["EN-OVERLAP"].verdict is Answer.MET


def silent(seconds: float, *before: object, after: str = "customer") -> tuple[object, AudioMeasures]:
    call = dialogue(
        agent("hello what can i do for you"), customer("where is my card", 4.0), *before, agent("it is here", 60.0)
    )  # type: ignore[arg-type]
    start = 60.0 - seconds
    return call, measures(silences=[Silence(start, 60.0, after)])


@pytest.mark.parametrize(
    ("seconds", "kinds"), [(8.0, {"silence": 0}), (12.0, {"silence": 1}), (25.0, {"silence": 1, "grave_silence": 1})]
)
def test_an_unexplained_silence_counts_and_a_grave_one_twice(
    english: PhraseSet, seconds: float, kinds: dict[str, int]
) -> None:
    call, measured = silent(seconds)
    findings = check_rules(call, english, measures=measured)["EN-SILENCE"].findings  # type: ignore[arg-type]

    for kind, times in kinds.items():
        assert sum(f.kind == kind and f.verdict is Answer.NOT_MET for f in findings) == times


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (agent("may i put you on hold", 32.0), "silence_excused"),
        (agent("bear with me please", 33.0), "silence_excused"),
        (agent("where do you live", 33.0), "long_silence"),
    ],
)
def test_a_sentence_before_a_silence_may_excuse_it(english: PhraseSet, said: object, why: str) -> None:
    call, measured = silent(24.0, said, after="agent")

    assert reason(check_rules(call, english, measures=measured)["EN-SILENCE"]) == why  # type: ignore[arg-type]


def test_a_silence_before_the_customers_answer_is_the_customers(english: PhraseSet) -> None:
    call = dialogue(agent("what is your number"), customer("er it is seven", 20.0))

    assert reason(check_rules(call, english)["EN-SILENCE"]) == "customer_paused"


def test_a_silence_on_hold_or_in_a_search_of_the_customers_is_excused(chinese: PhraseSet) -> None:
    call = dialogue(customer("等一下我找一下"), agent("您慢慢找", 30.0), language="zh-CN")
    plain = dialogue(customer("号码是多少"), agent("您好", 30.0), language="zh-CN")
    held = CallFacts(events=(Event("hold", 3.0, 29.0),))

    assert reason(check_rules(call, chinese)["ZH-SILENCE"]) == "silence_excused"
    assert reason(check_rules(plain, chinese, facts=held)["ZH-SILENCE"]) == "silence_on_hold"
    assert reason(check_rules(plain, chinese)["ZH-SILENCE"]) == "long_silence"


def test_whose_silence_it_was_is_unknown_on_one_channel(english: PhraseSet) -> None:
    call = dialogue(unknown("what is your number"), unknown("seven", 20.0))

    assert check_rules(call, english)["EN-SILENCE"].verdict is Answer.CANNOT_TELL


def test_a_customer_who_says_the_same_again_was_not_understood(chinese: PhraseSet) -> None:
    again = dialogue(
        customer("我要取消那个流量包"),
        agent("什么"),
        customer("我要取消那个流量包啊"),
        agent("哪个"),
        customer("我想取消那个流量包"),
        language="zh-CN",
    )

    assert [f.kind for f in check_rules(again, chinese)["ZH-REPEAT"].findings] == ["repeat", "repeat"]


@pytest.mark.parametrize(
    ("last", "facts", "verdict", "why"),
    [
        ("goodbye", CallFacts(fields={"hangup_by": "agent"}), Answer.MET, "closed_by_agent"),
        ("whatever", CallFacts(fields={"hangup_by": "agent"}), Answer.NOT_MET, "agent_hung_up"),
        ("whatever", CallFacts(events=(Event("agent_hangup", 3.0),)), Answer.NOT_MET, "agent_hung_up"),
        ("whatever", CallFacts(fields={"hangup_by": "customer"}), Answer.MET, "customer_hung_up"),
        ("whatever", CallFacts(), Answer.CANNOT_TELL, "fact_missing"),
    ],
)
def test_hanging_up_counts_only_when_it_is_known_and_unexplained(
    english: PhraseSet, last: str, facts: CallFacts, verdict: Answer, why: str
) -> None:
    outcome = check_rules(dialogue(customer("hello"), agent(last)), english, facts=facts)["EN-HANGUP"]

    assert (outcome.verdict, reason(outcome)) == (verdict, why)
