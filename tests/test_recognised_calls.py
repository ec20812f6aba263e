"""Real calls, written down by a recogniser, judged by the shipped criteria: nothing unfair may come of it."""

from __future__ import annotations

from pathlib import Path

from scoring.call_score import score_call
from scoring.facts import CallFacts
from scoring.marks import Answer, CallScore
from scoring.phrase_set import load_phrase_set
from scoring.scorecard import load_scorecard
from scoring.shipped import shipped
from tests.dialogues import agent, customer, dialogue
from transcription.formats import read_transcript, read_transcripts


def answers(score: CallScore) -> dict[str, Answer]:
    return {mark.item: mark.answer for mark in score.marks}


def suspected(score: CallScore) -> set[str]:
    return {fatal.item for fatal in score.fatals if fatal.suspected is Answer.NOT_MET}


def test_real_english_calls_are_judged_fairly(shared_data: Path) -> None:
    card, phrases = load_scorecard(shipped("scorecard-en-bank")), load_phrase_set(shipped("phrases-en-bank"))
    facts = CallFacts(organisation_names=("Harper Valley National Bank",))
    scores = {
        path.stem: score_call(read_transcript(path), card, phrases, facts=facts)
        for path in (shared_data / "text-en" / "harper-valley").glob("*.json")
    }

    assert len(scores) == 5
    # Every agent opens by the book, also the one whose bank name is recognised as "tom for valley".
    openings = [answers(score)["S2"] for score in scores.values()]
    assert sorted(openings) == [Answer.MET] * 5
    # Two agents give a balance; one says so in the rule's words, without any question about identity.
    assert {name: suspected(score) for name, score in scores.items() if suspected(score)} == {
        "0091a706bc604188": {"X1"}
    }
    for score in scores.values():
        assert answers(score)["P4"] in (Answer.PARTLY, Answer.CANNOT_TELL)
        assert answers(score)["P3"] is Answer.MET


def test_real_mandarin_calls_without_times_are_judged_fairly(shared_data: Path) -> None:
    card, phrases = load_scorecard(shipped("scorecard-zh-mobile")), load_phrase_set(shipped("phrases-zh-mobile"))
    calls = read_transcripts(shared_data / "text-zh" / "mobilecs-10086" / "example_first5.json")
    scores = [score_call(call, card, phrases) for _, call in calls]

    assert len(scores) == 5
    assert [suspected(score) for score in scores] == [set()] * 5
    for score in scores:
        auto = {item.id for _, item in card.items() if item.decide == "auto"}
        unfair = [item for item in auto if answers(score)[item] in (Answer.NOT_MET, Answer.PARTLY)]
        assert unfair == []
        greeting = next(e for mark in score.marks for e in mark.evidence if e.part == "问候")
        assert greeting.verdict == "met"


# The same with calls of our own, misrecognised in the ways that recognisers do.


def test_a_misheard_english_call_has_no_unfair_mark() -> None:
    card, phrases = load_scorecard(shipped("scorecard-en-bank")), load_phrase_set(shipped("phrases-en-bank"))
    call = dialogue(
        agent("good morning thank you for cooling lake side bank my name is joe this call is record it how can i help"),
        customer("high i lost mike card"),
        agent("i am sorry to here that let me take you through security watt is your date of birth"),
        customer("third of may nineteen eighty"),
        agent("thanks for confirming those details i have cancelled the card"),
        customer("thank you"),
        agent("so to recap the card is stopped is their anything else i can help with"),
        customer("no"),
        agent("thank you for your time good bye"),
    )

    score = score_call(call, card, phrases, facts=CallFacts(organisation_names=("Lakeside Bank",)))

    given = answers(score)
    assert {given[item] for item in ("S1", "S2", "S3", "P4")} == {Answer.MET}
    assert suspected(score) == set()


def test_a_misheard_mandarin_call_has_no_unfair_mark() -> None:
    card, phrases = load_scorecard(shipped("scorecard-zh-mobile")), load_phrase_set(shipped("phrases-zh-mobile"))
    call = dialogue(
        agent("你好弓号幺零二四请问有什么可以邦您"),
        customer("喂我想换个套参"),
        agent("没月三十八元次月升效可以谁时退订您看可以吗"),
        customer("好的办吧"),
        agent("已经为你办里"),
        agent("请问海有其他可以帮你的吗"),
        customer("没有了"),
        agent("请您少后为本次福务打分感谢你的来店再见"),
        language="zh-CN",
    )

    score = score_call(call, card, phrases)

    given = answers(score)
    assert {given[item] for item in ("A1", "A2", "D2")} == {Answer.MET}
    assert suspected(score) == set()
