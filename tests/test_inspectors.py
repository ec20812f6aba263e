"""The inspectors as instruments, and critical errors, from reviews in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from models import (
    Agent,
    Call,
    Draw,
    Review,
    ReviewMark,
    ReviewReason,
    ReviewState,
    Role,
    SampledCall,
    SamplingPlan,
    ScorecardVersion,
    User,
)
from qa.error_rates import critical_errors
from qa.inspectors import adjusted_means, inspection
from qa.periods import Period
from tests.factories import make_agent, make_call, make_scorecard, make_team, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
OCTOBER = Period.parse("2026-10")
DURING = datetime(2026, 10, 10, 3, tzinfo=UTC)
FINE = {"S1": "met", "R1": "met", "X1": "met"}


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def inspectors(session: Session) -> list[User]:
    return [make_user(session, Role.INSPECTOR, name) for name in ("ann", "ben")]


def review(
    session: Session,
    call: Call,
    card: ScorecardVersion,
    inspector: User,
    marks: dict[str, str],
    *,
    raw: float = 90.0,
    state: ReviewState = ReviewState.RELEASED,
    reason: ReviewReason = ReviewReason.RANDOM,
) -> None:
    session.add(
        Review(
            call=call,
            inspector=inspector,
            scorecard=card,
            reason=reason,
            state=state,
            raw=raw,
            final=raw,
            submitted_at=DURING,
            released_at=DURING if state is ReviewState.RELEASED else None,
            marks=[ReviewMark(item=item, answer=answer) for item, answer in marks.items()],
        )
    )
    session.flush()


def call_of(session: Session, agent: Agent, hour: int = 0) -> Call:
    return make_call(session, agent=agent, started_at=DURING + timedelta(hours=hour))


def test_agreement_is_counted_by_item_and_by_inspector(
    session: Session, card: ScorecardVersion, inspectors: list[User]
) -> None:
    agent = make_agent(session)
    ann, ben = inspectors
    for hour in range(4):
        call = call_of(session, agent, hour)
        review(session, call, card, ann, FINE, raw=90)
        # Submitted is enough: the second review of a call may never be released.
        other = FINE | ({"S1": "not_met"} if hour == 0 else {})
        review(session, call, card, ben, other, raw=88 if hour else 80, state=ReviewState.SUBMITTED)
    review(session, call_of(session, agent, 9), card, ann, FINE)

    found = inspection(session, OCTOBER, zone=SHANGHAI)

    assert found.whole is not None
    assert (found.whole.agreed, found.whole.n, found.whole.calls) == (11, 12, 4)
    assert [(one.item, one.agreement.share) for one in found.items] == [("S1", 0.75), ("R1", 1), ("X1", 1)]
    assert found.items[0].name == "Caller told the call is recorded"
    assert {one.name: one.agreement.n for one in found.inspectors if one.agreement} == {"Ann": 12, "Ben": 12}
    assert found.gap is not None
    assert (found.gap.calls, found.gap.mean, found.gap.wide) == (4, 4.0, 1)


def test_drafts_and_other_periods_stay_out(session: Session, card: ScorecardVersion, inspectors: list[User]) -> None:
    agent = make_agent(session)
    call = call_of(session, agent)
    review(session, call, card, inspectors[0], FINE)
    review(session, call, card, inspectors[1], FINE, state=ReviewState.DRAFT)

    assert inspection(session, OCTOBER, zone=SHANGHAI).whole is None
    assert inspection(session, OCTOBER.next(), zone=SHANGHAI).inspectors == []


def test_leniency_stands_beside_the_mean(session: Session, card: ScorecardVersion, inspectors: list[User]) -> None:
    """Ann scores everybody eight points above Ben; one agent was reviewed by Ann alone."""
    agents = [make_agent(session) for _ in range(7)]
    for number, agent in enumerate(agents):
        for i in range(6):
            milder = i % 2 == 0 or agent is agents[0]
            score = 75.0 + number + (i % 3) + (8 if milder else 0)
            review(session, call_of(session, agent, i), card, inspectors[0 if milder else 1], FINE, raw=score)

    rows = {one.name: one for one in inspection(session, OCTOBER, zone=SHANGHAI).inspectors}
    means = adjusted_means(session, OCTOBER, zone=SHANGHAI)

    assert rows["Ann"].effect is not None
    assert rows["Ann"].effect.low > 0
    assert means[agents[0].id].raw == pytest.approx(84)
    assert means[agents[0].id].adjusted < 81.5
    assert means[agents[1].id].adjusted == pytest.approx(means[agents[1].id].raw, abs=0.5)


def test_where_inspectors_share_no_agent_nothing_is_adjusted(
    session: Session, card: ScorecardVersion, inspectors: list[User]
) -> None:
    for inspector in inspectors:
        agent = make_agent(session)
        for hour in range(5):
            review(session, call_of(session, agent, hour), card, inspector, FINE, raw=80.0 + hour)

    assert adjusted_means(session, OCTOBER, zone=SHANGHAI) == {}


def test_critical_errors_by_class_for_agent_team_and_centre(
    session: Session, card: ScorecardVersion, inspectors: list[User]
) -> None:
    team = make_team(session)
    one, other = make_agent(session, team=team), make_agent(session)
    review(session, call_of(session, one), card, inspectors[0], FINE | {"S1": "not_met"})  # compliance
    review(session, call_of(session, one, 1), card, inspectors[0], FINE | {"X1": "not_met"})  # fatal, compliance
    review(session, call_of(session, one, 2), card, inspectors[0], FINE | {"R1": "partly"})
    review(session, call_of(session, other), card, inspectors[0], FINE | {"R1": "not_met"})  # business
    targeted = call_of(session, other, 1)
    review(session, targeted, card, inspectors[0], {"X1": "not_met"}, reason=ReviewReason.TARGETED)

    found = critical_errors(session, OCTOBER, zone=SHANGHAI)

    own = found.agent(one.id)
    assert (own["critical", "compliance"].errors, own["critical", "compliance"].calls) == (2, 3)
    assert (own["fatal", "any"].errors, own["fatal", "compliance"].errors) == (1, 1)
    assert own["critical", "business"].errors == 0
    assert own == found.team(team.id)
    assert found.centre()["critical", "business"].errors == 1
    assert found.centre()["fatal", "any"].calls == 4
    assert ("fatal", "business") not in own  # nothing of the kind was asked
    assert found.agent(-1) == {}


def test_calls_drawn_with_unequal_probability_weigh_by_it(
    session: Session, card: ScorecardVersion, inspectors: list[User]
) -> None:
    agent = make_agent(session)
    plan = SamplingPlan(name="risk", rules={})
    draw = Draw(
        plan=plan, week="2026-W41", part=1, begins_at=DURING, ends_at=DURING + timedelta(days=1), begins_share="0",
        ends_share="1", due_on=DURING.date(), seed="s", method="m", rules="{}", eligible_hash="", eligible_count=0,
        eligible=b"", left_out={},
    )  # fmt: skip
    for hour, (chance, answer) in enumerate([(0.5, "not_met"), (0.5, "not_met"), (0.1, "met"), (0.1, "met")]):
        call = call_of(session, agent, hour)
        review(session, call, card, inspectors[0], FINE | {"S1": answer})
        session.add(
            SampledCall(
                draw=draw, call=call, agent=agent, reason=ReviewReason.RANDOM, why="risk", stratum="",
                probability=chance,
            )
        )  # fmt: skip
    session.flush()

    rate = critical_errors(session, OCTOBER, zone=SHANGHAI).agent(agent.id)["critical", "compliance"]

    # 2 of 4 reviewed calls stand for 4 of 24.
    assert (rate.errors, rate.calls, rate.method) == (2, 4, "exact")
    assert rate.rate == pytest.approx(4 / 24)
