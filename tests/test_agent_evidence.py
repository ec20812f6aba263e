"""What stands behind a score: items that are met or missed, and the calls that show it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from models import Agent, Review, ReviewMark, ReviewReason, ReviewState, ScorecardVersion, TestCall
from qa.agent_evidence import evidence_behind, item_rates
from qa.periods import Period
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOVEMBER = Period.parse("2026-11")
DURING = datetime(2026, 11, 10, 3, tzinfo=UTC)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def agent(session: Session) -> Agent:
    return make_agent(session)


def reviewed(session: Session, agent: Agent, card: ScorecardVersion, answer: str, *, day: int = 0) -> Review:
    call = make_call(session, agent=agent, started_at=DURING + timedelta(days=day))
    review = Review(
        call=call,
        inspector=make_user(session),
        scorecard=card,
        reason=ReviewReason.RANDOM,
        state=ReviewState.RELEASED,
        raw=90.0,
        final=90.0,
        submitted_at=DURING,
        released_at=DURING,
        marks=[ReviewMark(item="S1", answer=answer), ReviewMark(item="X1", answer="met")],
    )
    session.add(review)
    session.flush()
    return review


def test_an_items_rate_joins_machine_and_people(session: Session, agent: Agent, card: ScorecardVersion) -> None:
    missed = [reviewed(session, agent, card, answer, day=i).call_id for i, answer in enumerate(("not_met", "partly"))]
    reviewed(session, agent, card, "met")
    reviewed(session, agent, card, "not_applicable")
    for answer in ("met", "met", "cannot_tell"):
        make_auto_score(session, make_call(session, agent=agent), card, marks=[("S1", answer, None, 4.0)])

    (rate,) = item_rates(session, agent.id, NOVEMBER, zone=SHANGHAI)

    assert (rate.item, rate.name) == ("S1", "Caller told the call is recorded")
    assert (rate.auto_met, rate.auto_n, rate.review_met, rate.review_n) == (2, 2, 1, 3)
    assert rate.share == 60
    assert rate.missed == (missed[1], missed[0])  # The newest first.


def test_what_was_picked_for_a_reason_is_no_rate(session: Session, agent: Agent, card: ScorecardVersion) -> None:
    for _ in range(5):
        make_auto_score(session, make_call(session, agent=agent), card, marks=[("S1", "met", 4.0, 4.0)])
    reviewed(session, agent, card, "not_met").reason = ReviewReason.TARGETED
    reviewed(session, agent, card, "not_met").reason = ReviewReason.COMPLAINT
    tested = make_call(session, agent=agent)
    make_auto_score(session, tested, card, marks=[("S1", "not_met", 0.0, 4.0)])
    session.add(sheet(agent, call_id=tested.id))
    session.flush()

    (rate,) = item_rates(session, agent.id, NOVEMBER, zone=SHANGHAI)

    assert (rate.auto_n, rate.review_n, rate.share, rate.missed) == (5, 0, 100, ())


def test_suggestions_and_rare_items_are_no_weakness(session: Session, agent: Agent, card: ScorecardVersion) -> None:
    for _ in range(6):
        score = make_auto_score(
            session,
            make_call(session, agent=agent),
            card,
            marks=[("S1", "not_met", 0.0, 4.0), ("S3", "not_met", 0.0, 12.0)],
        )
        score.marks[1].needs_person = True
    for _ in range(4):
        make_auto_score(session, make_call(session, agent=agent), card, marks=[("P4", "not_met", 0.0, 3.0)])
    session.flush()

    rates = item_rates(session, agent.id, NOVEMBER, zone=SHANGHAI)

    assert [(rate.item, rate.share, rate.n) for rate in rates] == [("S1", 0, 6)]


def test_weakest_items_come_first(session: Session, agent: Agent, card: ScorecardVersion) -> None:
    for i in range(5):
        marks = [("S1", "met", 4.0, 4.0), ("S2", "met" if i else "not_met", 0.0, 3.0)]
        make_auto_score(session, make_call(session, agent=agent), card, marks=marks)

    rates = item_rates(session, agent.id, NOVEMBER, zone=SHANGHAI)

    assert [(rate.item, rate.share) for rate in rates] == [("S2", 80), ("S1", 100)]


def test_the_calls_behind_the_parts_are_named(session: Session, agent: Agent, card: ScorecardVersion) -> None:
    review = reviewed(session, agent, card, "met")
    second = Review(
        call_id=review.call_id,
        inspector=make_user(session),
        scorecard=card,
        reason=ReviewReason.RANDOM,
        state=ReviewState.RELEASED,
        raw=70.0,
        final=70.0,
        submitted_at=DURING,
        released_at=DURING,
    )
    tested = make_call(session, agent=agent)
    session.add_all([second, sheet(agent, call_id=tested.id), sheet(agent, status="quarantine")])
    make_auto_score(session, tested, card, auto_items=1)
    lowest = make_call(session, agent=agent)
    make_auto_score(session, lowest, card, auto_items=40)
    make_auto_score(session, make_call(session, agent=agent), card, auto_items=None)
    session.flush()

    behind = evidence_behind(session, agent.id, NOVEMBER, zone=SHANGHAI)

    assert [(one.call_id, one.value) for one in behind.random_calls] == [(review.call_id, 80)]
    assert [(one.call_id, one.value) for one in behind.lowest_auto] == [(lowest.id, 40)]
    assert len(behind.tests) == 1
    assert behind.released_calls == {review.call_id}


def sheet(agent: Agent, **fields: object) -> TestCall:
    values = {"status": "matched", **fields}
    return TestCall(
        source="DT", sheet="s/1", dialled_at=DURING, staff_number=agent.number, agent_id=agent.id, answers={}, **values
    )
