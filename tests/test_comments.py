"""Remarks on a call: what they may be about, who reads them, who takes them back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, AuditEvent, Call, CommentKind, Review, ReviewReason, Role, ScorecardVersion, User
from qa.comments import add_comment, remove_comment, visible_comments
from qa.criteria import card_of
from qa.refusals import Refused
from qa.reviews import Entry, release_review, save_draft, submit_review
from scoring.call_score import GivenAnswer
from scoring.marks import Answer
from tests.factories import make_agent, make_call, make_scorecard, make_transcript, make_user


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def agent(session: Session) -> Agent:
    return make_agent(session)


@pytest.fixture
def call(session: Session, card: ScorecardVersion, agent: Agent) -> Call:
    return make_call(session, agent=agent, transcript=make_transcript([("agent", "Good morning")]))


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session, Role.INSPECTOR)


@pytest.fixture
def review(session: Session, call: Call, inspector: User) -> Review:
    return save_draft(session, call, inspector, Entry({}, ReviewReason.RANDOM))


def finish(session: Session, review: Review, *, released: bool = False) -> None:
    answers = {item.id: GivenAnswer(Answer.MET) for _, item in card_of(review.scorecard).items()}
    submit_review(session, review.call, review.inspector, answers, reason=ReviewReason.RANDOM)
    if released:
        release_review(session, review, review.inspector)


def seen_by(session: Session, user: User, call: Call) -> list[str]:
    return [comment.text for comment in visible_comments(session, user, call)]


def test_a_remark_is_about_a_moment_a_turn_or_an_item(
    session: Session, call: Call, inspector: User, review: Review
) -> None:
    add_comment(session, call, inspector, " on an item ", review=review, item="S1")
    add_comment(session, call, inspector, "later", review=review, at_seconds=60.0)
    add_comment(session, call, inspector, "sooner", review=review, turn=0, at_seconds=0.5, kind=CommentKind.PRAISE)

    assert seen_by(session, inspector, call) == ["sooner", "later", "on an item"]
    events = session.scalars(select(AuditEvent).where(AuditEvent.action == "comment.added")).all()
    assert len(events) == 3
    assert "sooner" not in str([event.details for event in events])


def test_the_agent_reads_public_remarks_of_released_reviews_only(
    session: Session, call: Call, agent: Agent, inspector: User, review: Review
) -> None:
    reader = make_user(session, Role.AGENT, agent=agent)
    stranger = make_user(session, Role.AGENT)
    add_comment(session, call, inspector, "for you", review=review, public=True)
    add_comment(session, call, inspector, "for us", review=review)
    assert seen_by(session, reader, call) == []

    finish(session, review, released=True)

    assert seen_by(session, reader, call) == ["for you"]
    assert seen_by(session, stranger, call) == []


def test_inspectors_read_their_own_leads_and_the_teams_supervisor_finished_ones(
    session: Session, call: Call, agent: Agent, inspector: User, review: Review
) -> None:
    other = make_user(session, Role.INSPECTOR)
    lead = make_user(session, Role.LEAD)
    supervisor = make_user(session, Role.SUPERVISOR, team=agent.team)
    add_comment(session, call, inspector, "in hand", review=review)
    for reader in (other, lead, supervisor):
        assert seen_by(session, reader, call) == []

    finish(session, review)

    assert seen_by(session, other, call) == []
    for reader in (inspector, lead, supervisor):
        assert seen_by(session, reader, call) == ["in hand"]
    assert [one.text for one in visible_comments(session, lead, review=review)] == ["in hand"]


@pytest.mark.parametrize(
    ("text", "about", "message"),
    [
        ("  ", {}, "Write the comment"),
        ("x" * 4001, {}, "4000 characters"),
        ("x", {"item": "Q9"}, "no item Q9"),
        ("x", {"turn": 3}, "no turn 3"),
        ("x", {"at_seconds": 999.0}, "within the call"),
    ],
)
def test_a_remark_about_nothing_is_refused(
    session: Session, call: Call, inspector: User, review: Review, text: str, about: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        add_comment(session, call, inspector, text, review=review, **about)


def test_a_public_remark_needs_a_review_of_ones_own(
    session: Session, call: Call, inspector: User, review: Review
) -> None:
    with pytest.raises(Refused, match="belongs to a review"):
        add_comment(session, call, inspector, "x", public=True)
    with pytest.raises(Refused, match="another person's review"):
        add_comment(session, call, make_user(session, Role.INSPECTOR), "x", review=review)


def test_nobody_remarks_on_the_own_team(session: Session, call: Call, agent: Agent) -> None:
    with pytest.raises(Refused, match="own team"):
        add_comment(session, call, make_user(session, Role.INSPECTOR, team=agent.team), "x")


def test_a_remark_is_taken_back_by_its_author_until_the_agent_has_it(
    session: Session, call: Call, inspector: User, review: Review
) -> None:
    private = add_comment(session, call, inspector, "for us", review=review)
    public = add_comment(session, call, inspector, "for you", review=review, public=True)
    with pytest.raises(Refused, match="Only its author"):
        remove_comment(session, private, make_user(session, Role.LEAD))
    finish(session, review, released=True)

    remove_comment(session, private, inspector)

    assert seen_by(session, inspector, call) == ["for you"]
    with pytest.raises(Refused, match="already"):
        remove_comment(session, private, inspector)
    with pytest.raises(Refused, match="The agent has"):
        remove_comment(session, public, inspector)
