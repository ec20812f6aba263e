"""Whose call it is: who may put it right and when, and what follows the call to its new agent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Agent,
    Appeal,
    AppealState,
    AuditEvent,
    Call,
    CallComment,
    Complaint,
    Draw,
    PublishedPeriod,
    Review,
    ReviewAssignment,
    ReviewReason,
    ReviewState,
    Role,
    SampledCall,
    SchemeVersion,
    SurveyKind,
    SurveyRating,
    TestCall,
    User,
)
from models.base import now
from qa.call_agents import agents_for, reassign, refusal_to_reassign
from qa.period_facts import observe
from qa.periods import Period
from qa.refusals import Refused
from qa.sampling import review_probabilities, store_plan, verify_draw
from qa.sampling_rules import PlanRules
from qa.sampling_work import draw_week, withdraw
from qa.settings import Settings
from scoring.sampling import Design, Frame, Unit, draw
from tests.factories import (
    make_agent,
    make_auto_score,
    make_call,
    make_scorecard,
    make_team,
    make_transcript,
    make_user,
)
from tests.web_client import logged_in, make_app

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = Period.parse("2026-W46")
WHEN = datetime(2026, 11, 10, 3, 0, tzinfo=UTC)


@pytest.fixture
def lead(session: Session) -> User:
    return make_user(session, Role.LEAD)


@pytest.fixture
def call(session: Session) -> Call:
    return make_call(session, agent=make_agent(session, "0101", team=make_team(session, "North")), started_at=WHEN)


@pytest.fixture
def other(session: Session) -> Agent:
    return make_agent(session, "0202", team=make_team(session, "South"))


def review_of(session: Session, call: Call, inspector: User, state: ReviewState) -> Review:
    review = Review(
        call=call,
        inspector=inspector,
        scorecard=make_scorecard(session),
        reason=ReviewReason.RANDOM,
        state=state,
        raw=80.0,
        final=80.0,
        submitted_at=None if state is ReviewState.DRAFT else now(),
        released_at=now() if state is ReviewState.RELEASED else None,
    )
    session.add(review)
    session.flush()
    return review


def move(session: Session, call: Call, to: Agent, by: User, reason: str = "The line was handed over.") -> None:
    reassign(session, call, to, by, reason, zone=ZONE)


def why_not(session: Session, call: Call, by: User) -> str:
    return str(refusal_to_reassign(session, call, by, zone=ZONE) or "")


def test_a_lead_gives_a_call_to_another_agent_and_the_trail_says_why(
    session: Session, call: Call, other: Agent, lead: User
) -> None:
    move(session, call, other, lead)

    assert call.agent is other
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "call.reassigned")).one()
    assert (event.details["old"], event.details["new"]) == ("0101", "0202")
    assert event.details["reason"] == "The line was handed over."


def test_the_automatic_score_counts_for_the_new_agent(session: Session, call: Call, other: Agent, lead: User) -> None:
    make_auto_score(session, call, make_scorecard(session), auto_items=72.0)

    move(session, call, other, lead)

    observed = observe(session, WEEK, zone=ZONE)
    assert list(observed.calls.agent) == [other.id]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_it_needs_a_reason_that_fits(session: Session, call: Call, other: Agent, lead: User, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        move(session, call, other, lead, reason)

    assert refusal.value.field == "reason"


def test_a_supervisor_moves_calls_within_the_own_team_only(session: Session, call: Call, other: Agent) -> None:
    assert call.agent is not None
    colleague = make_agent(session, "0102", team=call.agent.team)
    supervisor = make_user(session, Role.SUPERVISOR, team=call.agent.team)
    stranger = make_user(session, Role.SUPERVISOR, team=other.team)

    assert "lead" in why_not(session, call, stranger)
    with pytest.raises(Refused, match="may not give"):
        move(session, call, other, supervisor)
    move(session, call, colleague, supervisor)

    assert call.agent is colleague
    assert [one.number for one in session.scalars(agents_for(supervisor))] == ["0101", "0102"]


@pytest.mark.parametrize("role", [Role.AGENT, Role.TEST_CALLER, Role.ADMIN])
def test_nobody_else_says_whose_call_it_is(session: Session, call: Call, role: Role) -> None:
    assert why_not(session, call, make_user(session, role))


def test_an_inspector_says_so_only_of_the_call_in_hand(session: Session, call: Call, other: Agent) -> None:
    inspector = make_user(session)

    assert "while reviewing it" in why_not(session, call, inspector)
    draft = review_of(session, call, inspector, ReviewState.DRAFT)
    assert not why_not(session, call, inspector)
    draft.agent_hidden = True
    assert "do not see" in why_not(session, call, inspector)
    draft.agent_hidden, draft.state, draft.submitted_at = False, ReviewState.SUBMITTED, now()
    assert "while reviewing it" in why_not(session, call, inspector)


def test_an_inspector_names_nobody_whom_they_could_not_review(session: Session, call: Call, other: Agent) -> None:
    inspector = make_user(session, team=other.team)
    review_of(session, call, inspector, ReviewState.DRAFT)

    with pytest.raises(Refused, match="could not review"):
        move(session, call, other, inspector)


def test_nobody_gives_away_or_takes_an_own_call(session: Session, call: Call, other: Agent) -> None:
    own = make_user(session, Role.LEAD, agent=call.agent)
    taker = make_user(session, Role.LEAD, agent=other)

    assert "own call" in why_not(session, call, own)
    with pytest.raises(Refused, match="may not give"):
        move(session, call, other, taker)


def release(session: Session, call: Call) -> None:
    review_of(session, call, make_user(session), ReviewState.RELEASED)


def appeal(session: Session, call: Call) -> None:
    review = review_of(session, call, make_user(session), ReviewState.RELEASED)
    session.add(
        Appeal(
            review=review,
            item="S1",
            state=AppealState.RAISED,
            raised_by=make_user(session),
            reason="No.",
            due_at=now(),
        )
    )
    session.flush()


def publish(session: Session, call: Call) -> None:
    scheme = SchemeVersion(key="scheme", version=1, definition={}, valid_from=WHEN.date())
    session.add(
        PublishedPeriod(
            label="2026-11", time_zone="Asia/Shanghai", scheme=scheme, confidence=0.95, observed=b"", digest="",
            program="1", published_by=make_user(session, Role.LEAD),
        )
    )  # fmt: skip
    session.flush()


def test_call(session: Session, call: Call) -> None:
    session.add(
        TestCall(
            source="MS", sheet="mystery-call/1", dialled_at=WHEN, staff_number="0101", status="matched", answers={},
            call=call,
        )
    )  # fmt: skip
    session.flush()


test_call.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("settle", "said"),
    [
        (release, "is released"),
        (appeal, "An appeal"),
        (publish, "2026-11 is published"),
        (test_call, "test call"),
    ],
    ids=["released review", "appeal", "published period", "test call"],
)
def test_what_somebody_was_told_stays(
    session: Session, call: Call, other: Agent, lead: User, settle: Callable[[Session, Call], None], said: str
) -> None:
    settle(session, call)

    with pytest.raises(Refused, match=said):
        move(session, call, other, lead)


def test_a_submitted_review_of_somebody_dependent_is_taken_back_first(
    session: Session, call: Call, other: Agent, lead: User
) -> None:
    inspector = make_user(session, team=other.team)
    review = review_of(session, call, inspector, ReviewState.SUBMITTED)

    with pytest.raises(Refused, match="taken back first"):
        move(session, call, other, lead)
    review.state = ReviewState.DRAFT
    review.submitted_at = None
    session.add(CallComment(call=call, review=review, author=inspector, text="calm"))
    session.flush()
    move(session, call, other, lead)

    assert session.scalars(select(Review)).all() == []  # a draft that could never be submitted
    assert session.scalars(select(CallComment)).one().removed_at is not None


def test_a_draft_of_somebody_independent_stays(session: Session, call: Call, other: Agent, lead: User) -> None:
    draft = review_of(session, call, make_user(session), ReviewState.DRAFT)

    move(session, call, other, lead)

    assert session.scalars(select(Review)).all() == [draft]


def test_surveys_and_complaints_about_the_call_follow_it(
    session: Session, call: Call, other: Agent, lead: User
) -> None:
    third = make_agent(session, "0303")
    complaints = [
        Complaint(external_id=f"K-{who.number}", received_at=WHEN, happened_at=WHEN, agent=who, call=call)
        for who in (call.agent, third)
        if who
    ]
    rating = SurveyRating(
        external_id="B-1", kind=SurveyKind.DAILY, answered_at=WHEN, happened_at=WHEN, rating=1, scale="1-5", score=0,
        satisfied=False, agent=call.agent, call=call,
    )  # fmt: skip
    session.add_all([*complaints, rating])
    session.flush()

    move(session, call, other, lead)

    assert rating.agent is other
    assert [one.agent for one in complaints] == [other, third]  # who was named for a reason of its own stays


# The weekly sample.


@pytest.fixture
def drawn(session: Session) -> Draw:
    """A week with ten calls of each of two agents in two teams, and three inspectors, one of the second team."""
    card = make_scorecard(session)
    agents = [make_agent(session, f"010{i}", team=make_team(session)) for i in (1, 2)]
    for agent in agents:
        for _ in range(10):
            make_auto_score(session, make_call(session, agent=agent, started_at=WHEN), card)
    for login in ("li", "wang"):
        make_user(session, login=login)
    make_user(session, login="own", team=agents[1].team)
    plan = store_plan(session, "weekly", PlanRules(per_agent=4, joint_percent=0, joint_least=0))
    return draw_week(session, WEEK, zone=ZONE, plan=plan, seed="2026", at=WEEK.bounds(ZONE)[1])


def test_a_drawn_call_keeps_its_place_and_probability_and_counts_for_its_new_agent(
    session: Session, drawn: Draw, lead: User
) -> None:
    first, second = session.scalars(select(Agent).order_by(Agent.number).limit(2))
    sampled = next(one for one in drawn.calls if one.agent is first)

    move(session, sampled.call, second, lead)

    assert verify_draw(session, drawn, zone=ZONE).proven
    assert review_probabilities(session, [sampled.call_id]) == {sampled.call_id: 0.4}
    assert (sampled.agent, sampled.agent_now) == (first, second)
    instead = withdraw(session, sampled, lead, "sound")
    assert instead is not None
    assert instead.agent is first  # a reserve comes from whose calls it was drawn from


def test_tasks_of_people_who_may_not_judge_the_new_agent_go_to_others(
    session: Session, drawn: Draw, lead: User
) -> None:
    own = session.scalars(select(User).where(User.login == "own")).one()
    second = session.scalars(select(Agent).where(Agent.number == "0102")).one()
    task = session.scalars(
        select(ReviewAssignment).join(SampledCall).where(ReviewAssignment.inspector_id == own.id)
    ).first()
    assert task is not None

    move(session, task.sampled.call, second, lead)

    session.refresh(task)
    assert task.inspector.login in {"li", "wang"}


def test_a_task_that_nobody_can_take_waits_for_a_person(session: Session, drawn: Draw, lead: User) -> None:
    own = session.scalars(select(User).where(User.login == "own")).one()
    second = session.scalars(select(Agent).where(Agent.number == "0102")).one()
    task = session.scalars(select(ReviewAssignment).where(ReviewAssignment.inspector_id == own.id)).first()
    assert task is not None
    for login in ("li", "wang"):
        session.scalars(select(User).where(User.login == login)).one().active = False
    sampled = task.sampled

    move(session, sampled.call, second, lead)

    session.refresh(sampled)
    assert sampled.assignments == []


def test_a_review_beside_the_new_agents_sample_becomes_targeted(session: Session, drawn: Draw, lead: User) -> None:
    second = session.scalars(select(Agent).where(Agent.number == "0102")).one()
    undrawn = make_call(session, started_at=WHEN)
    draft = review_of(session, undrawn, make_user(session), ReviewState.DRAFT)

    move(session, undrawn, second, lead)

    assert draft.reason is ReviewReason.TARGETED


def test_keeping_the_probability_estimates_both_agents_without_bias() -> None:
    # Of the twelve calls that came in under A four are really B's, better by 30 points. Only drawn ones are found out.
    units = tuple(Unit(f"{agent}{i:02d}", agent) for agent in "AB" for i in range(12))
    frame = Frame(units, {"A": 3, "B": 3})
    really = {unit.key: "B" if unit.agent == "B" or unit.key < "A04" else "A" for unit in units}
    score = {unit.key: 60.0 + i % 7 + (30.0 if really[unit.key] == "B" else 0.0) for i, unit in enumerate(units)}
    draws = 3_000
    totals = {"A": Fraction(0), "B": Fraction(0)}

    for seed in range(draws):
        for one in draw(frame, Design(), str(seed)).sample:
            totals[really[one.unit.key]] += Fraction(score[one.unit.key]) / one.probability

    for agent in "AB":
        true = sum(score[key] for key, whose in really.items() if whose == agent)
        assert float(totals[agent]) / draws == pytest.approx(true, rel=0.02)


# The page.


@pytest.fixture
def app(settings: Settings, session: Session) -> Flask:
    return make_app(settings)


def test_the_form_changes_the_agent_and_goes_back_to_the_review(
    app: Flask, session: Session, call: Call, other: Agent
) -> None:
    inspector = make_user(session)
    make_auto_score(session, call, make_scorecard(session))
    review_of(session, call, inspector, ReviewState.DRAFT)
    session.commit()
    client = logged_in(app, inspector)

    assert f"/calls/{call.id}/agent?back=review" in client.get(f"/reviews/new?call={call.id}").text
    form = client.get(f"/calls/{call.id}/agent?back=review").text
    answer = client.post(
        f"/calls/{call.id}/agent?back=review", data={"agent": " 0202 ", "reason": "B took over at 1:10."}
    )

    assert '<option value="0202">' in form
    assert answer.location == f"/reviews/new?call={call.id}"
    session.refresh(call)
    assert call.agent is not None
    assert call.agent.number == "0202"


def test_the_page_says_why_it_stays_and_what_was_wrong(app: Flask, session: Session, call: Call, lead: User) -> None:
    session.commit()
    client = logged_in(app, lead)

    unknown = client.post(f"/calls/{call.id}/agent", data={"agent": "9999", "reason": "heard it"})
    release(session, call)
    session.commit()
    settled = client.get(f"/calls/{call.id}/agent").text

    assert unknown.status_code == 422
    assert "Choose an agent" in unknown.text
    assert "heard it" in unknown.text
    assert "is released" in settled
    assert "<textarea" not in settled


def test_a_supervisor_who_no_longer_sees_the_call_is_not_sent_to_it(
    app: Flask, session: Session, call: Call, other: Agent
) -> None:
    assert call.agent is not None
    supervisor = make_user(session, Role.SUPERVISOR, team=call.agent.team)
    make_call(session, agent=call.agent, transcript=make_transcript([("agent", "Hello")]))
    session.commit()
    client = logged_in(app, supervisor)

    assert client.get(f"/calls/{call.id}/agent").status_code == 200
    stranger = make_user(session, Role.SUPERVISOR, team=other.team)
    session.commit()
    assert logged_in(app, stranger).get(f"/calls/{call.id}/agent").status_code == 404
