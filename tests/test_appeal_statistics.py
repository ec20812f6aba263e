"""Overturn rates: a contested mark counts once, small groups have no rate, intervals are Wilson's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from models import Agent, Appeal, AppealState, Review, ReviewReason, ReviewState, User
from qa.appeal_statistics import LEAST, Grouping, statistics
from scoring.uncertainty import share_interval
from tests.factories import make_agent, make_call, make_scorecard, make_user

AT = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)


def appealed(
    session: Session,
    agent: Agent,
    inspector: User,
    *states: AppealState,
    item: str = "S1",
    cause: str | None = None,
    rules: tuple[str, ...] = (),
    at: datetime = AT,
) -> None:
    """Add a review with one round of appeal for each of `states`."""
    review = Review(
        call=make_call(session, agent=agent), inspector=inspector, scorecard=make_scorecard(session),
        reason=ReviewReason.RANDOM, state=ReviewState.RELEASED, final=90.0, submitted_at=at, released_at=at,
    )  # fmt: skip
    session.add(review)
    for number, state in enumerate(states, start=1):
        decided = state in (AppealState.UPHELD, AppealState.KEPT)
        session.add(
            Appeal(
                review=review, item=item, round=number, state=state, raised_by=inspector, raised_at=at, reason="r",
                due_at=at, decided_at=at if decided else None, cause=cause if state is AppealState.UPHELD else None,
                before={"answer": "not_met", "rules": [[rule, "en-bank-hotline/1"] for rule in rules]},
            )
        )  # fmt: skip
    session.flush()


@pytest.fixture
def people(session: Session) -> tuple[Agent, User, User]:
    return make_agent(session), make_user(session, login="ann"), make_user(session, login="bob")


def test_rounds_about_one_mark_count_once_and_what_is_open_or_withdrawn_not_at_all(
    session: Session, people: tuple[Agent, User, User]
) -> None:
    agent, ann, _ = people
    appealed(session, agent, ann, AppealState.KEPT, AppealState.UPHELD, cause="rule")
    appealed(session, agent, ann, AppealState.KEPT)
    appealed(session, agent, ann, AppealState.RAISED)
    appealed(session, agent, ann, AppealState.WITHDRAWN)

    found = statistics(session)

    assert (found.whole.overturned, found.whole.n, found.open, found.withdrawn) == (1, 2, 1, 1)
    assert found.causes == [("rule", 1)]


def test_a_group_with_too_few_has_a_count_and_no_rate(session: Session, people: tuple[Agent, User, User]) -> None:
    agent, ann, bob = people
    for n in range(5):
        state = AppealState.UPHELD if n < 2 else AppealState.KEPT
        appealed(session, agent, ann, state, rules=("EN-REC",))
    for _ in range(4):
        appealed(session, agent, bob, AppealState.UPHELD, item="S2")

    found = statistics(session)

    ann_rate, bob_rate = found.rates[Grouping.INSPECTOR]
    assert (ann_rate.name, ann_rate.share, ann_rate.n) == ("Ann", 0.4, 5)
    assert ann_rate.interval == share_interval(2, 5)
    assert (bob_rate.name, bob_rate.share, bob_rate.overturned, bob_rate.n) == ("Bob", None, 4, 4)
    (rule,) = found.rates[Grouping.RULE]
    assert (rule.key, rule.name, rule.n) == ("EN-REC", "en-bank-hotline/1", 5)
    assert [rate.key for rate in found.rates[Grouping.ITEM]] == ["en-bank-hotline S1", "en-bank-hotline S2"]
    (team,) = found.rates[Grouping.TEAM]
    assert (team.n, team.share) == (9, None)  # 30 are needed for a team
    assert LEAST[Grouping.TEAM] == 30


def test_an_inspector_sees_own_marks_and_a_span_its_appeals(session: Session, people: tuple[Agent, User, User]) -> None:
    agent, ann, bob = people
    appealed(session, agent, ann, AppealState.KEPT)
    appealed(session, agent, bob, AppealState.UPHELD)
    appealed(session, agent, bob, AppealState.KEPT, at=AT - timedelta(days=100))

    assert statistics(session, scorer=ann).whole.n == 1
    assert statistics(session, since=AT - timedelta(days=90)).whole.n == 2
    assert statistics(session, until=AT).whole.n == 1
