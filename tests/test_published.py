"""Closing a period: what was published stays, can be made again, and later changes are booked in an open period."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from models import (
    Agent,
    AuditEvent,
    Call,
    Complaint,
    ComplaintOutcome,
    PublishedPeriod,
    PublishedScore,
    Responsibility,
    Review,
    ReviewReason,
    ReviewState,
    Role,
    ScorecardVersion,
    ScoreSubject,
    TestCall,
    User,
)
from qa.agent_scores import agent_scores, open_book
from qa.periods import Period
from qa.published import adjust, adjustments_in, changes_since, pending, publish, published_score, verify
from qa.refusals import Refused
from qa.schemes import default_scheme, scheme_for, scheme_versions, store_scheme
from scoring.agent_score import load_scheme
from scoring.shipped import shipped
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_team, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
OCTOBER, NOVEMBER = Period.parse("2025-10"), Period.parse("2025-11")
DURING = datetime(2025, 10, 10, 3, tzinfo=UTC)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def lead(session: Session) -> User:
    return make_user(session, Role.LEAD)


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session, Role.INSPECTOR)


@pytest.fixture
def agents(session: Session, card: ScorecardVersion, inspector: User) -> list[Agent]:
    """Four agents of two teams with ten calls, six reviews and a dial test each, all in October."""
    teams = [make_team(session, "A"), make_team(session, "B")]
    agents = []
    for number in range(4):
        agent = make_agent(session, f"{number:04}", team=teams[number // 2])
        for i in range(10):
            call = make_call(session, agent=agent, started_at=DURING + timedelta(hours=i))
            make_auto_score(session, call, card, raw=70.0 + 2 * i, auto_items=80.0 + i)
            if i < 6:
                add_review(session, call, card, inspector, 80.0 + 2 * i - number)
        session.add(
            TestCall(
                source="DT",
                sheet="s/1",
                dialled_at=DURING,
                staff_number=agent.number,
                agent=agent,
                status="matched",
                answers={},
                norms=90 - number,
                knowledge=80,
                total=0,
            )
        )
        agents.append(agent)
    session.commit()
    return agents


def add_review(
    session: Session, call: Call, card: ScorecardVersion, inspector: User, final: float, *, fatals: int = 0
) -> None:
    session.add(
        Review(
            call=call,
            inspector=inspector,
            scorecard=card,
            reason=ReviewReason.RANDOM,
            state=ReviewState.RELEASED,
            raw=final,
            final=final,
            fatal_confirmed=fatals,
            submitted_at=DURING,
            released_at=DURING,
        )
    )
    session.flush()


def unreviewed(session: Session, agent: Agent) -> Call:
    reviewed = select(Review.call_id)
    call = session.scalars(select(Call).where(Call.agent_id == agent.id, Call.id.not_in(reviewed))).first()
    assert call is not None
    return call


def closed(session: Session, lead: User) -> PublishedPeriod:
    period = publish(session, OCTOBER, zone=SHANGHAI, by=lead)
    session.commit()
    session.expire_all()
    return period


def test_published_scores_are_those_that_were_shown(session: Session, agents: list[Agent], lead: User) -> None:
    before = open_book(session, OCTOBER, zone=SHANGHAI)
    rows, groups = before.rows(), before.groups()

    closed(session, lead)
    after = open_book(session, OCTOBER, zone=SHANGHAI)

    assert after.published_at is not None
    assert [row.score for row in after.rows()] == [row.score for row in rows]
    assert [(group.name, group.agents, group.score) for group in after.groups()] == [
        (group.name, group.agents, group.score) for group in groups
    ]
    assert [row.number for row in after.rows(team_id=agents[0].team_id)] == ["0000", "0001"]
    assert session.scalar(select(AuditEvent.action).where(AuditEvent.action == "scores.published"))


def test_later_changes_leave_a_published_score_alone(
    session: Session, agents: list[Agent], lead: User, card: ScorecardVersion, inspector: User
) -> None:
    closed(session, lead)
    (before,) = agent_scores(session, OCTOBER, zone=SHANGHAI, agent_ids=[agents[0].id])

    add_review(session, unreviewed(session, agents[0]), card, inspector, 0, fatals=1)
    agents[0].name = "Renamed"
    agents[0].team_id = agents[3].team_id
    (after,) = agent_scores(session, OCTOBER, zone=SHANGHAI, agent_ids=[agents[0].id])

    assert after == before


def test_every_score_can_be_made_again(session: Session, agents: list[Agent], lead: User) -> None:
    found = verify(session, closed(session, lead))

    assert (found.scores, found.differences, found.proven) == (7, [], True)  # 4 agents, 2 teams, the centre


def test_a_score_that_was_tampered_with_is_named(session: Session, agents: list[Agent], lead: User) -> None:
    period = closed(session, lead)
    stored = session.scalars(select(PublishedScore).where(PublishedScore.number == "0001")).one()
    stored.value = 99.0
    stored.score = stored.score | {"grade": "A+"}
    session.commit()

    found = verify(session, period)

    assert not found.proven
    assert {(one.name, one.figure) for one in found.differences} == {
        (stored.name, "column value"),
        (stored.name, "grade"),
    }


def test_changed_observations_are_noticed(session: Session, agents: list[Agent], lead: User) -> None:
    period = closed(session, lead)
    period.digest = "0" * 64

    found = verify(session, period)

    assert not found.proven
    assert "SHA-256" in (found.problem or "")


def test_a_late_review_becomes_an_adjustment_with_a_link(
    session: Session, agents: list[Agent], lead: User, card: ScorecardVersion, inspector: User
) -> None:
    period = closed(session, lead)
    assert changes_since(session, period) == []
    call = unreviewed(session, agents[1])
    add_review(session, call, card, inspector, 20)

    (change,) = changes_since(session, period)
    (made,) = adjust(session, period, NOVEMBER, reason="Released late", by=lead)

    assert (change.published.number, change.causes) == (
        "0001",
        [{"kind": "review", "id": call.id, "change": "added"}],
    )
    assert change.points < -0.5
    assert (made.period, made.points, made.origin.period.label) == (
        "2025-11",
        pytest.approx(change.points, abs=1e-6),
        "2025-10",
    )
    session.expire_all()
    assert [one.worth_booking for one in changes_since(session, period)] == [False]  # booked once
    assert list(adjustments_in(session, agents[1].id, NOVEMBER)) == [made]
    origin = published_score(session, agents[1].id, OCTOBER)
    assert origin is not None
    assert origin.adjustments == [made]
    with pytest.raises(Refused, match="Nothing changed"):
        adjust(session, period, NOVEMBER, reason="Again", by=lead)


def test_an_agent_does_not_bear_what_changed_about_others(
    session: Session, agents: list[Agent], lead: User, card: ScorecardVersion, inspector: User
) -> None:
    period = closed(session, lead)
    add_review(session, unreviewed(session, agents[0]), card, inspector, 20)
    (alone,) = changes_since(session, period)
    add_review(session, unreviewed(session, agents[1]), card, inspector, 30)

    first, second = changes_since(session, period)

    assert (first.published.number, second.published.number) == ("0000", "0001")
    assert first.points == alone.points


def test_an_adjustment_counts_in_the_open_period(
    session: Session, agents: list[Agent], lead: User, card: ScorecardVersion, inspector: User
) -> None:
    agent = agents[1]
    for i in range(6):
        call = make_call(session, agent=agent, started_at=DURING + timedelta(days=30, hours=i))
        add_review(session, call, card, inspector, 92 + i % 2)
    period = closed(session, lead)
    (before,) = agent_scores(session, NOVEMBER, zone=SHANGHAI, agent_ids=[agent.id])
    add_review(session, unreviewed(session, agent), card, inspector, 0, fatals=1)

    (made,) = adjust(session, period, NOVEMBER, reason="Confirmed late", by=lead)
    (after,) = agent_scores(session, NOVEMBER, zone=SHANGHAI, agent_ids=[agent.id])

    assert made.fatals == 1
    assert after.score.adjustments.corrections == pytest.approx(made.points)
    assert after.score.value == pytest.approx((before.score.value or 0) + made.points)
    assert (before.score.adjustments.cap, after.score.adjustments.cap) == (None, "B")
    assert after.confirmed_fatals == 1
    november = publish(session, NOVEMBER, zone=SHANGHAI, by=lead)
    assert verify(session, november).proven  # The correction is stored with what November was made from.
    with pytest.raises(Refused, match="published already"):
        adjust(session, period, NOVEMBER, reason="Too late", by=lead)


def test_calls_scored_again_keep_the_marks_that_they_were_published_with(
    session: Session, agents: list[Agent], lead: User
) -> None:
    period = closed(session, lead)
    for call in session.scalars(select(Call).where(Call.agent_id == agents[0].id)):
        assert call.auto_score is not None
        call.auto_score.auto_items = call.auto_score.raw = 10.0
    session.flush()

    assert changes_since(session, period) == []


def test_a_complaint_decided_late_is_booked_for_its_agent_only(
    session: Session, agents: list[Agent], lead: User
) -> None:
    period = closed(session, lead)
    complaint = Complaint(
        external_id="c",
        received_at=DURING,
        happened_at=DURING,
        outcome=ComplaintOutcome.UPHELD,
        responsibility=Responsibility.AGENT,
        decided_at=DURING,
        agent_id=agents[2].id,
    )
    session.add(complaint)
    session.flush()

    (change,) = changes_since(session, period)

    assert change.published.subject_id == agents[2].id
    assert change.causes == [{"kind": "complaint", "id": complaint.id, "change": "added"}]
    assert change.points == pytest.approx(-2)


def test_what_is_not_settled_is_counted(
    session: Session, agents: list[Agent], card: ScorecardVersion, inspector: User
) -> None:
    add_review(session, unreviewed(session, agents[0]), card, inspector, 80)
    newest = session.scalars(select(Review).order_by(Review.id.desc())).first()
    assert newest is not None
    newest.state = ReviewState.SUBMITTED
    session.flush()

    found = pending(session, OCTOBER, zone=SHANGHAI)

    assert (found.unreleased_reviews, found.quarantined_tests, found.open_calls) == (1, 0, 0)


def test_who_may_publish_what(session: Session, agents: list[Agent], lead: User, inspector: User) -> None:
    with pytest.raises(Refused, match="Only QA leads publish"):
        publish(session, OCTOBER, zone=SHANGHAI, by=inspector)
    with pytest.raises(Refused, match="is not over yet"):
        publish(session, Period.parse("2999-12"), zone=SHANGHAI, by=lead)
    period = closed(session, lead)
    with pytest.raises(Refused, match="published already"):
        publish(session, OCTOBER, zone=SHANGHAI, by=lead)
    for into in ("2025-09", "2025-10", "2025-W50"):
        with pytest.raises(Refused, match="later period of the same kind"):
            adjust(session, period, Period.parse(into), reason="x", by=lead)
    with pytest.raises(Refused, match="Say why"):
        adjust(session, period, NOVEMBER, reason=" ", by=lead)
    with pytest.raises(Refused, match="Only QA leads book"):
        adjust(session, period, NOVEMBER, reason="x", by=inspector)


SECOND = load_scheme(
    shipped("indicators")
    .read_text(encoding="utf-8")
    .replace("agent_month_score:\n", "agent_month_score:\n  version: 2\n")
    .replace("{src: IM, weight: 50,", "{src: IM, weight: 40,")
    .replace("{src: AQ, weight: 15,", "{src: AQ, weight: 25,")
)


def test_a_scheme_is_in_force_for_the_periods_that_begin_under_it(session: Session, lead: User) -> None:
    store_scheme(session, SECOND, valid_from=date(2025, 11, 1), reason="More automatic marks", by=lead)

    assert scheme_for(session, OCTOBER) == default_scheme()
    assert scheme_for(session, NOVEMBER) == SECOND
    assert scheme_for(session, Period.parse("2025-W44")) == default_scheme()  # begins on 27 October
    assert [(one.version, one.reason) for one in scheme_versions(session)] == [(2, "More automatic marks")]


def test_a_published_period_keeps_its_scheme(session: Session, agents: list[Agent], lead: User) -> None:
    closed(session, lead)

    with pytest.raises(Refused, match="2025-10 is published already"):
        store_scheme(session, SECOND, valid_from=date(2025, 10, 1), reason="x", by=lead)
    store_scheme(session, SECOND, valid_from=date(2025, 11, 1), reason="x", by=lead)
    assert open_book(session, OCTOBER, zone=SHANGHAI).scheme == default_scheme()


def test_a_scheme_version_is_never_replaced(session: Session, lead: User, inspector: User) -> None:
    store_scheme(session, SECOND, valid_from=date(2025, 11, 1), reason="x", by=lead)
    with pytest.raises(Refused, match="stored already"):
        store_scheme(session, SECOND, valid_from=date(2025, 12, 1), reason="x", by=lead)
    with pytest.raises(Refused, match="Say why"):
        store_scheme(session, SECOND, valid_from=date(2025, 12, 1), reason="", by=lead)
    with pytest.raises(Refused, match="Only QA leads"):
        store_scheme(session, SECOND, valid_from=date(2025, 12, 1), reason="x", by=inspector)


def test_subjects_are_kept_apart(session: Session, agents: list[Agent], lead: User) -> None:
    closed(session, lead)

    counts = {
        subject: len(session.scalars(select(PublishedScore).where(PublishedScore.subject == subject)).all())
        for subject in ScoreSubject
    }
    assert counts == {ScoreSubject.AGENT: 4, ScoreSubject.TEAM: 2, ScoreSubject.CENTRE: 1}


@pytest.mark.service
def test_publishing_proving_and_booking_on_postgresql(postgresql_factory: sessionmaker[Session]) -> None:
    with postgresql_factory() as session:
        card, inspector, lead = make_scorecard(session), make_user(session), make_user(session, Role.LEAD)
        agent = make_agent(session, "0728", team=make_team(session, "A"))
        for i in range(9):
            call = make_call(session, agent=agent, started_at=DURING + timedelta(hours=i))
            make_auto_score(session, call, card, raw=70.0 + i, auto_items=80.0)
            if i < 6:
                add_review(session, call, card, inspector, 90.0 - i)
        session.commit()

        period = publish(session, OCTOBER, zone=SHANGHAI, by=lead)
        session.commit()
        add_review(session, unreviewed(session, agent), card, inspector, 10)
        found = verify(session, period)
        (made,) = adjust(session, period, NOVEMBER, reason="late", by=lead)
        session.commit()
        (row,) = agent_scores(session, NOVEMBER, zone=SHANGHAI)

    assert (found.scores, found.proven) == (3, True)
    assert made.points < 0
    assert row.score.adjustments.corrections == pytest.approx(made.points)
