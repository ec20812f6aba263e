"""Drafts that grow change by change: what is kept, what is noted, who may, and what one window leaves to another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    AuditEvent,
    CalibrationCall,
    CalibrationParticipant,
    CalibrationSession,
    Call,
    Notification,
    Review,
    ReviewState,
    Role,
    ScorecardVersion,
    User,
)
from models.base import now
from qa.criteria import card_of, store_scorecard
from qa.refusals import Refused
from qa.review_saving import (
    MAX_BEAT,
    Changes,
    MarkChange,
    StaleReview,
    opening_for,
    save_changes,
    standing,
    submit_draft,
    take_back,
)
from qa.reviews import IncompleteReview, release_due, release_later, release_review, visible_reviews
from qa.settings import Settings
from scoring.marks import Answer
from scoring.scorecard import Scorecard
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_transcript, make_user

MIXED: dict[str, Any] = {
    "id": "mixed",
    "version": 1,
    "language": "en",
    "method": "answer",
    "sections": [
        {
            "id": "A",
            "name": "All kinds",
            "weight": 100,
            "items": [
                {"id": "Y", "name": "Greeted?", "weight": 20, "type": "yes_no", "check": "manual", "decide": "human",
                 "causes": ["haste", "training"]},
                {"id": "C", "name": "How", "weight": 20, "type": "choice", "check": "manual", "decide": "human",
                 "options": [{"name": "warmly", "share": 1}, {"name": "coldly", "share": 0.2}]},
                {"id": "S", "name": "Tone", "weight": 20, "type": "scale", "scale_from": 1, "scale_to": 5,
                 "check": "manual", "decide": "human"},
                {"id": "N", "name": "Interruptions", "weight": 20, "type": "number", "check": "manual",
                 "decide": "human", "ranges": [{"low": 0, "high": 2, "share": 1}, {"low": 3, "high": 9, "share": 0}]},
                {"id": "O", "name": "If greeted coldly", "weight": 20, "check": "manual", "decide": "human",
                 "only_if": {"item": "C", "answers": ["coldly"]}},
                {"id": "T", "name": "In words", "weight": 0, "type": "text", "check": "manual", "decide": "human"},
            ],
        }
    ],
}  # fmt: skip


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def call(session: Session, card: ScorecardVersion) -> Call:
    made = make_call(session, agent=make_agent(session), transcript=make_transcript([("agent", "Good morning")]))
    make_auto_score(session, made, card, marks=[("S1", "met", 4.0, 4.0), ("S2", "cannot_tell", None, 0.0)])
    return made


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session, Role.INSPECTOR)


def changes(revision: int, *marks: dict[str, Any], **rest: Any) -> Changes:
    return Changes.model_validate({"revision": revision, "marks": marks, **rest})


def everything_met(card: ScorecardVersion, **others: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"item": item.id, **others.get(item.id, {"answer": "met"})} for _, item in card_of(card).items()]


def test_a_save_notes_old_and_new_answers_and_nobodys_words(session: Session, call: Call, inspector: User) -> None:
    save_changes(session, call, inspector, changes(0, {"item": "S1", "answer": "met", "comment": "so kind"}))
    save_changes(
        session, call, inspector, changes(1, {"item": "S1", "answer": "not_met", "override_reason": "no name said"})
    )
    save_changes(session, call, inspector, changes(2, {"item": "S1", "answer": "not_met", "comment": "typed on"}))

    events = session.scalars(select(AuditEvent).where(AuditEvent.action == "review.saved")).all()
    assert [event.details["marks"] for event in events] == [
        [{"item": "S1", "before": None, "after": "met"}],
        [{"item": "S1", "before": "met", "after": "not_met", "reason_given": True}],
    ]  # a comment alone is noted when the review is submitted, not with every keystroke


def test_an_answer_can_be_taken_back(session: Session, call: Call, inspector: User) -> None:
    save_changes(session, call, inspector, changes(0, {"item": "S1", "answer": "met"}))
    review = save_changes(session, call, inspector, changes(1, {"item": "S1"}))

    assert review.marks == []
    assert "S1" in standing(review).missing


def test_what_the_machine_said_is_kept_with_the_answer(session: Session, call: Call, inspector: User) -> None:
    review = save_changes(
        session,
        call,
        inspector,
        changes(0, {"item": "S1", "answer": "met"}, {"item": "S2", "answer": "met"}, {"item": "S3", "comment": "?"}),
    )

    assert [(mark.item, mark.auto_answer) for mark in review.marks] == [("S1", "met"), ("S2", None), ("S3", None)]
    assert standing(review).overridden == []  # where the machine could not tell there is nothing to override


def test_work_is_counted_in_small_beats(session: Session, call: Call, inspector: User) -> None:
    review = save_changes(session, call, inspector, changes(0, {"item": "S1", "answer": "met"}, seconds=40))
    save_changes(session, call, inspector, changes(1, seconds=9_999))

    assert review.seconds_spent == 40 + MAX_BEAT
    assert review.revision == 1  # a beat changes nothing that anybody entered


def test_a_save_whose_answer_got_lost_may_come_again(session: Session, call: Call, inspector: User) -> None:
    first = changes(0, {"item": "S1", "answer": "met"}, comment="well done", reason="targeted")

    save_changes(session, call, inspector, first)
    review = save_changes(session, call, inspector, first)

    assert review.revision == 1
    with pytest.raises(StaleReview):
        save_changes(session, call, inspector, changes(0, {"item": "S1", "answer": "partly"}))


def test_only_an_unchanged_draft_is_submitted(
    session: Session, call: Call, card: ScorecardVersion, inspector: User
) -> None:
    review = save_changes(session, call, inspector, changes(0, *everything_met(card)))

    with pytest.raises(StaleReview):
        submit_draft(session, review, revision=0)
    submit_draft(session, review, revision=1)
    with pytest.raises(Refused, match="submitted already"):
        submit_draft(session, review, revision=2)
    with pytest.raises(Refused, match="Take it back"):
        save_changes(session, call, inspector, changes(2, comment="more"))
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "review.submitted")).one()
    assert (event.details["final"], event.details["overridden"]) == (100, [])


def test_the_total_follows_while_items_are_open(session: Session, call: Call, inspector: User) -> None:
    review = save_changes(
        session, call, inspector, changes(0, {"item": "S1", "answer": "met"}, {"item": "S2", "answer": "not_met"})
    )

    found = standing(review)
    assert found.raw == pytest.approx(100 * 4 / 7)
    assert (found.final, found.complete) == (found.raw, False)
    assert found.points["S1"] == (4.0, 4.0)  # as printed on the card


def test_a_confirmed_fatal_item_leaves_the_raw_score_in_sight(
    session: Session, call: Call, card: ScorecardVersion, inspector: User
) -> None:
    fatal = {"item": "X3", "answer": "not_met", "comment": "shouted"}
    review = save_changes(session, call, inspector, changes(0, *everything_met(card), fatal))

    found = standing(review)
    assert (found.raw, found.final, found.fatal) == (100, 0, ["X3"])


@pytest.fixture
def mixed(session: Session) -> Call:
    store_scorecard(session, Scorecard.model_validate(MIXED), None)
    return make_call(session, agent=make_agent(session), transcript=make_transcript([("agent", "Good morning")]))


def test_items_of_all_types_are_answered(session: Session, mixed: Call, inspector: User) -> None:
    review = save_changes(
        session,
        mixed,
        inspector,
        changes(
            0,
            {"item": "Y", "answer": "not_met", "causes": ["haste"]},
            {"item": "C", "value": "warmly"},
            {"item": "S", "value": 3},
            {"item": "N", "value": 4},
            {"item": "T", "value": "a long story"},
        ),
    )
    assert standing(review).missing == []
    assert standing(review).unasked == ["O"]  # asked only of a cold greeting
    submit_draft(session, review, revision=1)

    marks = {mark.item: (mark.answer, mark.value, mark.causes) for mark in review.marks}
    assert marks["Y"] == ("not_met", None, ["haste"])
    assert marks["C"] == ("met", "warmly", [])
    assert marks["S"] == ("partly", 3, [])
    assert marks["N"] == ("not_met", 4, [])
    assert review.final == pytest.approx(100 * (0 + 20 + 10 + 0) / 80)
    saved = session.scalars(select(AuditEvent).where(AuditEvent.action == "review.saved")).one()
    assert "a long story" not in str(saved.details)
    take_back(session, review, inspector)
    assert standing(review).missing == []


def test_another_option_than_the_machines_needs_its_reason(session: Session, mixed: Call, inspector: User) -> None:
    version = session.scalars(select(ScorecardVersion).where(ScorecardVersion.key == "mixed")).one()
    make_auto_score(session, mixed, version, marks=[("C", "partly", 4.0, 20.0)])

    review = save_changes(session, mixed, inspector, changes(0, {"item": "C", "value": "coldly"}))
    assert standing(review).overridden == []
    save_changes(session, mixed, inspector, changes(1, {"item": "C", "value": "warmly"}))

    assert standing(review).unexplained == ["C"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item": "Y", "answer": "partly"}, "yes or no"),
        ({"item": "Y", "answer": "met", "causes": ["haste"]}, "not met"),
        ({"item": "Y", "answer": "not_met", "causes": ["weather"]}, "no root cause"),
        ({"item": "C", "value": "lukewarm"}, "no answer to the item"),
        ({"item": "S", "value": 6}, "no answer to the item"),
        ({"item": "N", "value": 2.5}, "says nothing about 2.5"),
        ({"item": "N", "answer": "not_applicable"}, "always applies"),
        ({"item": "C", "value": "coldly"}, None),
    ],
)
def test_values_must_fit_their_items(
    session: Session, mixed: Call, inspector: User, change: dict[str, Any], message: str | None
) -> None:
    good = [
        {"item": "Y", "answer": "met"},
        {"item": "C", "value": "warmly"},
        {"item": "S", "value": 5},
        {"item": "N", "value": 0},
    ]
    marks = {one["item"]: one for one in [*good, change]}
    review = save_changes(session, mixed, inspector, changes(0, *marks.values()))

    with pytest.raises(IncompleteReview) as refusal:
        submit_draft(session, review, revision=1)

    wrong = change["item"] if message else "O"  # a cold greeting asks one question more
    assert list(refusal.value.problems) == [wrong]
    assert (message or "Choose an answer") in str(refusal.value.problems[wrong])
    assert wrong in standing(review).missing


def released_later(session: Session, review: Review, inspector: User, **wait: float) -> None:
    release_later(session, review, inspector, now() + timedelta(**wait))


def test_a_review_is_released_by_itself_when_its_time_has_come(
    session: Session, call: Call, card: ScorecardVersion, inspector: User
) -> None:
    reader = make_user(session, Role.AGENT, agent=call.agent)
    review = save_changes(session, call, inspector, changes(0, *everything_met(card)))
    submit_draft(session, review, revision=1)
    released_later(session, review, inspector, days=2)

    assert release_due(session) == []
    assert release_due(session, at=now() + timedelta(days=3)) == [review.id]
    assert release_due(session, at=now() + timedelta(days=3)) == []

    assert review.state is ReviewState.RELEASED
    told = session.scalars(select(Notification)).one()
    assert (told.user_id, told.kind, told.subject_id) == (reader.id, "review.released", review.id)


@pytest.mark.parametrize(("wait", "message"), [({"hours": -1}, "in the future"), ({"days": 46}, "within 45 days")])
def test_a_time_of_release_lies_ahead_and_near(
    session: Session, call: Call, card: ScorecardVersion, inspector: User, wait: dict[str, float], message: str
) -> None:
    review = save_changes(session, call, inspector, changes(0, *everything_met(card)))
    submit_draft(session, review, revision=1)

    with pytest.raises(Refused, match=message):
        released_later(session, review, inspector, **wait)


def test_taking_back_is_for_the_inspector_before_release(
    session: Session, call: Call, card: ScorecardVersion, inspector: User
) -> None:
    review = save_changes(session, call, inspector, changes(0, *everything_met(card)))
    submit_draft(session, review, revision=1)
    released_later(session, review, inspector, days=1)
    with pytest.raises(Refused, match="Only its inspector"):
        take_back(session, review, make_user(session, Role.LEAD))

    take_back(session, review, inspector)

    assert (review.state, review.release_at) == (ReviewState.DRAFT, None)
    submit_draft(session, review, revision=3)
    release_review(session, review, inspector)
    with pytest.raises(Refused, match="released"):
        take_back(session, review, inspector)


@pytest.fixture
def calibration(session: Session, call: Call, card: ScorecardVersion, inspector: User) -> CalibrationSession:
    made = CalibrationSession(
        name="Friday", scorecard=card, due_at=now() + timedelta(days=1), created_by=make_user(session, Role.LEAD),
        calls=[CalibrationCall(call=call, position=1)], participants=[CalibrationParticipant(user=inspector)],
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def test_a_review_of_a_calibration_is_blind_and_apart(
    session: Session,
    call: Call,
    card: ScorecardVersion,
    inspector: User,
    calibration: CalibrationSession,
    settings: Settings,
) -> None:
    own = save_changes(session, call, inspector, changes(0, {"item": "S1", "answer": "met"}))
    opening = opening_for(session, inspector, call, calibration.id, settings)

    review = save_changes(
        session, call, inspector, changes(0, *everything_met(card, S1={"answer": "not_met"})), opening
    )
    submit_draft(session, review, revision=1)

    assert review.id != own.id
    assert (review.blind, review.calibration_id, review.state) == (True, calibration.id, ReviewState.SUBMITTED)
    assert review.marks[0].auto_answer is None  # nobody saw it
    assert session.scalars(visible_reviews(inspector)).all() == [own]
    with pytest.raises(Refused, match="never released"):
        release_review(session, review, inspector)
    with pytest.raises(Refused, match="stays as it was submitted"):
        take_back(session, review, inspector)


def test_a_calibration_is_entered_by_those_who_take_part_while_it_is_open(
    session: Session, call: Call, inspector: User, calibration: CalibrationSession, settings: Settings
) -> None:
    with pytest.raises(Refused, match="do not take part"):
        opening_for(session, make_user(session, Role.INSPECTOR), call, calibration.id, settings)
    with pytest.raises(Refused, match="not part of"):
        opening_for(session, inspector, make_call(session), calibration.id, settings)
    calibration.agent_hidden = True
    opening = opening_for(session, inspector, call, calibration.id, settings)
    assert opening.agent_hidden
    draft = save_changes(session, call, inspector, changes(0, {"item": "S1", "answer": "met"}), opening)
    calibration.closed_at = now()
    with pytest.raises(Refused, match="closed"):
        opening_for(session, inspector, call, calibration.id, settings)
    with pytest.raises(Refused, match="closed"):
        submit_draft(session, draft, revision=1)


def test_an_unknown_item_changes_nothing(session: Session, call: Call, inspector: User) -> None:
    with pytest.raises(Refused, match="no item Q9"):
        save_changes(session, call, inspector, Changes(revision=0, marks=(MarkChange(item="Q9", answer=Answer.MET),)))
