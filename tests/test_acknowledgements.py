"""The agent has read a review: once, by the agent alone, and silence is acceptance when the window is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, AuditEvent, Notification, Review, ReviewReason, ReviewState, Role, User
from qa.acknowledgements import Reading, acknowledge, readings, unacknowledged
from qa.appeal_rules import AppealRules
from qa.refusals import Refused
from qa.reviews import visible_reviews
from tests.factories import make_agent, make_call, make_scorecard, make_user

RULES = AppealRules(ZoneInfo("Asia/Shanghai"))
MONDAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)


@pytest.fixture
def agent(session: Session) -> Agent:
    return make_agent(session)


@pytest.fixture
def user(session: Session, agent: Agent) -> User:
    return make_user(session, Role.AGENT, agent=agent)


@pytest.fixture
def review(session: Session, agent: Agent) -> Review:
    return make_review(session, agent)


def make_review(session: Session, agent: Agent, state: ReviewState = ReviewState.RELEASED) -> Review:
    review = Review(
        call=make_call(session, agent=agent),
        inspector=make_user(session),
        scorecard=make_scorecard(session),
        reason=ReviewReason.RANDOM,
        state=state,
        final=90.0,
        submitted_at=MONDAY,
        released_at=MONDAY if state is ReviewState.RELEASED else None,
    )
    session.add(review)
    session.flush()
    return review


def test_the_inspector_hears_of_it_and_the_trail_keeps_no_words(session: Session, review: Review, user: User) -> None:
    made = acknowledge(session, review, user, "  thank you  ")

    assert made.comment == "thank you"
    told = session.scalars(select(Notification)).one()
    assert (told.user_id, told.kind, told.subject_id) == (review.inspector_id, "review.acknowledged", review.id)
    event = session.scalars(select(AuditEvent)).one()
    assert (event.action, event.user_id, event.details) == ("review.acknowledged", user.id, {"commented": True})


def test_nobody_else_acknowledges_and_nobody_twice(session: Session, review: Review, user: User, agent: Agent) -> None:
    for other in (make_user(session, Role.AGENT), make_user(session, Role.LEAD)):
        with pytest.raises(Refused, match="Only the agent"):
            acknowledge(session, review, other)
    with pytest.raises(Refused, match="not released"):
        acknowledge(session, make_review(session, agent, ReviewState.SUBMITTED), user)
    with pytest.raises(Refused, match="4000 characters"):
        acknowledge(session, review, user, "x" * 4001)
    acknowledge(session, review, user)
    with pytest.raises(Refused, match="already"):
        acknowledge(session, review, user)


def test_silence_is_acceptance_once_the_window_is_over(
    session: Session, review: Review, user: User, agent: Agent
) -> None:
    read = make_review(session, agent)
    acknowledge(session, read, user)

    open_still = readings(session, [review, read], RULES, at=RULES.closes(MONDAY) - timedelta(seconds=1))
    over = readings(session, [review, read], RULES, at=RULES.closes(MONDAY))

    assert open_still == {review.id: Reading.WAITING, read.id: Reading.ACKNOWLEDGED}
    assert over == {review.id: Reading.ACCEPTED, read.id: Reading.ACKNOWLEDGED}
    lead = make_user(session, Role.LEAD)
    assert session.scalars(unacknowledged(visible_reviews(lead))).all() == [review]
