"""Corrected transcripts: words keep their times, both texts stay, the rules look again, people's marks do not move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEvent, Call, CallState, ReviewReason, Role, ScorecardVersion, TranscriptCorrection, User
from qa.corrections import StaleTranscript, correct_turn, corrections_of, turns_as_heard
from qa.criteria import card_of
from qa.pipeline import score_stored
from qa.refusals import Refused
from qa.reviews import release_review, submit_review
from qa.settings import Settings
from scoring.call_score import GivenAnswer
from scoring.difference import difference
from scoring.marks import Answer
from tests.factories import make_agent, make_call, make_scorecard, make_transcript, make_user
from transcription.correction import changes, corrected
from transcription.transcript import Transcript, Turn, Word

LINES = [
    ("agent", "Good morning this is Dana how may I help you today"),
    ("customer", "My card was charged twice and I do not know why"),
    ("agent", "Let me look into that for you it takes a moment"),
]


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def call(session: Session, card: ScorecardVersion, settings: Settings) -> Call:
    made = make_call(session, transcript=make_transcript(LINES), state=CallState.TRANSCRIBED)
    score_stored(session, made, settings)
    session.flush()
    return made


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session, Role.INSPECTOR)


def turn(text: str, start: float = 10.0) -> Turn:
    """Return a turn whose words take half a second each and are doubted."""
    words = tuple(Word(word, start + i / 2, start + (i + 1) / 2, 0.4) for i, word in enumerate(text.split()))
    return Turn("agent", start, words[-1].end, text, words)


def test_words_that_stay_keep_their_times_and_others_share_what_is_between() -> None:
    found = corrected(turn("my cart was charged"), "my own card was charged")

    assert [(word.text, word.start, word.end) for word in found.words] == [
        ("my", 10.0, 10.5),
        ("own", 10.5, 10.75),
        ("card", 10.75, 11.0),
        ("was", 11.0, 11.5),
        ("charged", 11.5, 12.0),
    ]
    assert {word.confidence for word in found.words} == {1.0}  # a person listened to the turn
    assert (found.start, found.end, found.text) == (10.0, 12.0, "my own card was charged")


def test_chinese_is_compared_by_characters() -> None:
    heard = Turn("agent", 0.0, 2.0, "您好公号", (Word("您好", 0.0, 1.0, 0.9), Word("公号", 1.0, 2.0, 0.3)))

    found = corrected(heard, "您好,工号。")

    assert [(word.text, word.start, word.end) for word in found.words] == [
        ("您", 0.0, 0.5),
        ("好", 0.5, 1.0),
        ("工", 1.0, 1.5),
        ("号", 1.5, 2.0),
    ]


def test_a_turn_without_word_times_stays_without() -> None:
    assert corrected(Turn("agent", 0.0, 1.0, "helo"), "hello") == Turn("agent", 0.0, 1.0, "hello")


TEXT = st.lists(st.sampled_from(["yes", "no,", "您好", "my", "card", "a1", "!"]), min_size=1, max_size=12).map(" ".join)


@given(before=TEXT, after=TEXT)
def test_times_never_leave_the_turn_or_run_backwards(before: str, after: str) -> None:
    found = corrected(turn(before), after)

    times = [time for word in found.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(10.0 <= time <= found.end for time in times)


@given(before=TEXT, after=TEXT)
def test_the_pieces_of_a_comparison_are_the_two_texts(before: str, after: str) -> None:
    pieces = changes(before, after)

    assert "".join(piece.before for piece in pieces) == before
    assert "".join(piece.after for piece in pieces) == after


def test_both_texts_are_kept_and_the_rules_look_again(
    session: Session, call: Call, inspector: User, settings: Settings
) -> None:
    assert call.transcript is not None
    before = call.auto_score

    made = correct_turn(session, call, inspector, 0, "Good evening", revision=0, settings=settings)

    assert (made.revision, made.before, made.after) == (1, LINES[0][1], "Good evening")
    assert call.transcript.original is not None
    assert Transcript.from_dict(call.transcript.original).turns[0].text == LINES[0][1]
    assert Transcript.from_dict(call.transcript.content).turns[0].text == "Good evening"
    assert call.transcript.text.startswith("Good evening\n")
    assert call.auto_score is not before
    assert [one.turn for one in corrections_of(session, call)] == [0]
    assert turns_as_heard(call)[0].text == LINES[0][1]
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "transcript.corrected")).one()
    assert (event.details["turn"], event.details["revision"]) == (0, 1)
    assert "evening" not in str(event.details)  # never anybody's words


def test_what_was_heard_comes_back_as_it_was(session: Session, call: Call, inspector: User, settings: Settings) -> None:
    assert call.transcript is not None
    heard = call.transcript.content

    correct_turn(session, call, inspector, 1, "My cart was charged", revision=0, settings=settings)
    correct_turn(session, call, inspector, 1, LINES[1][1], revision=1, settings=settings)

    assert call.transcript.content == heard
    assert call.transcript.revision == 2
    assert turns_as_heard(call) == {}


def test_people_and_released_scores_are_not_touched(
    session: Session, call: Call, card: ScorecardVersion, inspector: User, settings: Settings
) -> None:
    answers = {item.id: GivenAnswer(Answer.MET) for _, item in card_of(card).items()}
    review = submit_review(session, call, inspector, answers, reason=ReviewReason.RANDOM)
    release_review(session, review, inspector)

    correct_turn(session, call, inspector, 0, "What do you want", revision=0, settings=settings)

    session.refresh(review)
    assert (review.final, {mark.answer for mark in review.marks}) == (100, {"met"})


@pytest.mark.parametrize(
    ("which", "text", "message"),
    [
        (9, "anything", "no turn 9"),
        (0, LINES[0][1], "same as before"),
        (0, "x" * 5001, "5000 characters"),
        (0, "bad \x07 bell", "control characters"),
    ],
)
def test_a_correction_that_makes_no_sense_is_refused(
    session: Session, call: Call, inspector: User, settings: Settings, which: int, text: str, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        correct_turn(session, call, inspector, which, text, revision=0, settings=settings)

    assert session.scalars(select(TranscriptCorrection)).all() == []


def test_nobody_corrects_unseen_or_for_the_own_team(
    session: Session, card: ScorecardVersion, settings: Settings, inspector: User
) -> None:
    agent = make_agent(session)
    call = make_call(session, agent=agent, transcript=make_transcript(LINES), state=CallState.TRANSCRIBED)
    score_stored(session, call, settings)
    colleague = make_user(session, Role.INSPECTOR, team=agent.team)
    correct_turn(session, call, inspector, 0, "Good evening to you", revision=0, settings=settings)

    with pytest.raises(StaleTranscript):
        correct_turn(session, call, inspector, 0, "Good night to you", revision=0, settings=settings)
    with pytest.raises(Refused, match="own team"):
        correct_turn(session, call, colleague, 0, "Good night to you", revision=1, settings=settings)


def test_a_call_keeps_enough_to_be_judged(session: Session, inspector: User, settings: Settings) -> None:
    make_scorecard(session)
    call = make_call(
        session, transcript=make_transcript([("agent", "one two three four five six")]), state=CallState.TRANSCRIBED
    )
    call.state = CallState.SCORED

    with pytest.raises(Refused, match="So little would be left"):
        correct_turn(session, call, inspector, 0, "", revision=0, settings=settings)


@pytest.mark.parametrize(
    ("wording", "heard", "language", "ops"),
    [
        ("how may I help", "how may I help", "en", ["equal"] * 4),
        (
            "charge will be refunded tomorrow",
            "charge be refunded",
            "en",
            ["equal", "delete", "equal", "equal", "delete"],
        ),
        ("请稍等", "请少等", "zh-CN", ["equal", "similar", "equal"]),
        ("how may I help", "the weather is fine", "en", []),
        ("how may I help", None, "en", []),
    ],
)
def test_a_near_miss_is_compared_unit_by_unit(wording: str, heard: str | None, language: str, ops: list[str]) -> None:
    assert [step.op for step in difference(wording, heard, language)] == ops
