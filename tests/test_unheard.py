"""A recogniser that did not understand a call settles nothing about it, for or against the agent."""

import pytest

from scoring.call_score import score_call
from scoring.marks import Answer, CallScore
from scoring.phrase_set import load_phrase_set
from scoring.scorecard import load_scorecard
from scoring.shipped import shipped
from tests.factories import make_transcript

GARBLED = [
    ("agent", "it ended up going platinum not and can let them handle it and how happening and economic " * 3),
    ("customer", "well in gentleman yeah and or are you calling and eight and twelve do you need to go " * 3),
    ("agent", "oh i think okay longer i want to be last night and get a kick in we think that it might be " * 3),
]


def scored(confidence: float) -> CallScore:
    transcript = make_transcript(GARBLED, confidence=confidence)
    return score_call(
        transcript, load_scorecard(shipped("scorecard-en-bank")), load_phrase_set(shipped("phrases-en-bank"))
    )


def test_a_garbled_call_loses_no_points_and_is_found_free_of_nothing() -> None:
    score = scored(confidence=0.2)

    answers = {mark.item: mark.answer for mark in score.marks}
    assert Answer.NOT_MET not in answers.values()
    assert {answers[item] for item in ("S1", "S3", "S4", "S5", "R2", "R4", "C2", "C4")} == {Answer.CANNOT_TELL}
    assert {fatal.suspected for fatal in score.fatals} == {Answer.CANNOT_TELL}


@pytest.mark.parametrize(("item", "answer"), [("S1", Answer.NOT_MET), ("S5", Answer.NOT_APPLICABLE)])
def test_the_same_words_heard_surely_do_count(item: str, answer: Answer) -> None:
    assert {mark.item: mark.answer for mark in scored(confidence=0.95).marks}[item] is answer
