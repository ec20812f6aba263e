"""Coaching: planned, agreed on, its steps ticked, and at the retest compared with agents who had none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Agent,
    AuditEvent,
    CallComment,
    CoachingRecord,
    CoachingState,
    CommentKind,
    Notification,
    Role,
    ScorecardVersion,
    Team,
    User,
)
from models.base import now
from qa.coaching import (
    Plan,
    acknowledge,
    cancel,
    due_retests,
    effects,
    flagged_moments,
    item_choices,
    plan_coaching,
    remind_retests,
    retest,
    tick_step,
    visible_coaching,
)
from qa.refusals import Refused
from scoring.coaching_effect import Rate, Verdict
from tests.factories import (
    make_agent,
    make_auto_score,
    make_call,
    make_scorecard,
    make_team,
    make_user,
)
from tests.web_world import World, open_world

ZONE = ZoneInfo("Asia/Shanghai")
HELD = date(2026, 11, 1)
RETEST = date(2026, 11, 28)
GREETING = ("en-bank-hotline", "S1")


@pytest.fixture
def team(session: Session) -> Team:
    return make_team(session)


@pytest.fixture
def agent(session: Session, team: Team) -> Agent:
    return make_agent(session, "0728", team=team)


@pytest.fixture
def login(session: Session, agent: Agent) -> User:
    return make_user(session, Role.AGENT, agent=agent)


@pytest.fixture
def coach(session: Session, team: Team) -> User:
    return make_user(session, Role.SUPERVISOR, team=team)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


def today_there() -> date:
    return now().astimezone(ZONE).date()


def planned(session: Session, agent: Agent, coach: User, **changed: Any) -> CoachingRecord:
    given: dict[str, Any] = {
        "agent": agent,
        "goal": "Greets every customer",
        "steps": ["Listen to two calls", " ", "Say the opening aloud"],
        "items": [GREETING],
        "held_on": HELD,
        "retest_on": RETEST,
    }
    return plan_coaching(session, Plan(**(given | changed)), by=coach, today=HELD)


@pytest.fixture
def record(session: Session, agent: Agent, coach: User, card: ScorecardVersion, login: User) -> CoachingRecord:
    return planned(session, agent, coach)


def calls(session: Session, agent: Agent, card: ScorecardVersion, day: date, met: int, n: int) -> None:
    """Add `n` calls of a day of which the machine found the greeting in `met`."""
    for at in range(n):
        moment = datetime(day.year, day.month, day.day, 3, 0, tzinfo=UTC) + timedelta(minutes=at)
        call = make_call(session, agent=agent, started_at=moment)
        make_auto_score(session, call, card, marks=[("S1", "met" if at < met else "not_met", 1.0, 4.0)])


def told(session: Session, kind: str) -> list[Notification]:
    session.flush()
    return list(session.scalars(select(Notification).where(Notification.kind == kind)))


def test_a_plan_tells_the_agent_and_leaves_a_trace(session: Session, record: CoachingRecord, login: User) -> None:
    assert record.state is CoachingState.PLANNED
    assert [step["text"] for step in record.steps] == ["Listen to two calls", "Say the opening aloud"]
    (news,) = told(session, "coaching.planned")
    assert (news.user_id, news.subject_kind, news.subject_id) == (login.id, "coaching", record.id)
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "coaching.planned")).one()
    assert "Greets" not in str(event.details)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"goal": "  "}, "goal"),
        ({"goal": "x" * 1001}, "goal"),
        ({"steps": ["step"] * 11}, "steps"),
        ({"steps": ["x" * 301]}, "steps"),
        ({"retest_on": HELD}, "retest_on"),
        ({"retest_on": HELD + timedelta(days=400)}, "retest_on"),
        ({"held_on": HELD - timedelta(days=400)}, "held_on"),
        ({"items": [("en-bank-hotline", "S99")]}, "items"),
        ({"calls": [4711]}, "calls"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    session: Session, agent: Agent, coach: User, card: ScorecardVersion, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        planned(session, agent, coach, **changed)

    assert refusal.value.field == field


def test_supervisors_coach_the_own_team_and_nobody_coaches_oneself(
    session: Session, agent: Agent, team: Team, card: ScorecardVersion
) -> None:
    other = make_user(session, Role.SUPERVISOR, team=make_team(session))
    herself = make_user(session, Role.INSPECTOR)
    herself.agent = agent
    for stranger in (other, herself, make_user(session, Role.ADMIN), make_user(session, Role.TEST_CALLER)):
        with pytest.raises(Refused, match="cannot coach"):
            planned(session, agent, stranger)

    for coach in (make_user(session, Role.INSPECTOR), make_user(session, Role.LEAD)):
        assert planned(session, agent, coach).coach is coach


def test_calls_to_listen_to_are_the_agents_own(
    session: Session, agent: Agent, coach: User, card: ScorecardVersion
) -> None:
    own, other = make_call(session, agent=agent), make_call(session)

    assert planned(session, agent, coach, calls=[own.id, own.id]).calls == [own.id]
    with pytest.raises(Refused, match=f"Call {other.id}"):
        planned(session, agent, coach, calls=[own.id, other.id])


def test_who_reads_a_record(session: Session, record: CoachingRecord, coach: User, login: User, team: Team) -> None:
    readers = [coach, login, make_user(session, Role.LEAD), make_user(session, Role.SUPERVISOR, team=team)]
    strangers = [
        make_user(session, Role.AGENT),
        make_user(session, Role.INSPECTOR),
        make_user(session, Role.SUPERVISOR),
        make_user(session, Role.ADMIN),
        make_user(session, Role.TEST_CALLER),
    ]

    assert all(session.scalars(visible_coaching(user)).all() == [record] for user in readers)
    assert not any(session.scalars(visible_coaching(user)).all() for user in strangers)


def test_the_agent_agrees_once_and_the_coach_is_told(
    session: Session, record: CoachingRecord, coach: User, login: User
) -> None:
    with pytest.raises(Refused, match="Only the agent"):
        acknowledge(session, record, None, by=coach)

    acknowledge(session, record, " I will. ", by=login)

    assert record.state is CoachingState.AGREED
    assert record.agent_comment == "I will."
    assert [news.user_id for news in told(session, "coaching.acknowledged")] == [coach.id]
    with pytest.raises(Refused, match="already"):
        acknowledge(session, record, None, by=login)


def test_steps_are_ticked_by_the_coach(session: Session, record: CoachingRecord, coach: User, login: User) -> None:
    tick_step(session, record, 1, done=True, by=coach)
    assert [bool(step["done_at"]) for step in record.steps] == [False, True]
    tick_step(session, record, 1, done=False, by=coach)
    assert not any(step["done_at"] for step in record.steps)

    with pytest.raises(Refused, match="no such step"):
        tick_step(session, record, 2, done=True, by=coach)
    with pytest.raises(Refused, match="Only the coach"):
        tick_step(session, record, 0, done=True, by=login)


def test_the_rates_around_the_talk_are_compared_with_uncoached_agents(
    session: Session, record: CoachingRecord, agent: Agent, card: ScorecardVersion
) -> None:
    before, after = HELD - timedelta(days=10), HELD + timedelta(days=10)
    for who, earlier, later in [(agent, 6, 19), *((make_agent(session), 6, 7) for _ in range(4))]:
        calls(session, who, card, before, earlier, 20)
        calls(session, who, card, after, later, 20)
    calls(session, agent, card, HELD, 0, 9)  # the day of the talk is neither
    calls(session, agent, card, HELD - timedelta(days=61), 0, 9)
    calls(session, agent, card, RETEST + timedelta(days=1), 0, 9)

    (found,) = effects(session, record, zone=ZONE, today=RETEST + timedelta(days=5))

    assert found.effect.own.before == Rate(6, 20)
    assert found.effect.own.after == Rate(19, 20)
    assert found.effect.peers == 4
    assert found.effect.verdict is Verdict.BETTER


def test_agents_who_were_coached_on_the_item_are_nobody_to_compare_with(
    session: Session, record: CoachingRecord, agent: Agent, card: ScorecardVersion
) -> None:
    lead = make_user(session, Role.LEAD)
    others = [make_agent(session) for _ in range(4)]
    for who in (agent, *others):
        calls(session, who, card, HELD - timedelta(days=10), 6, 20)
        calls(session, who, card, HELD + timedelta(days=10), 19, 20)
    planned(session, others[0], lead)
    planned(session, others[1], lead, items=[("en-bank-hotline", "S2")])  # about something else
    cancel(session, planned(session, others[2], lead), "ill", by=lead)

    (found,) = effects(session, record, zone=ZONE, today=RETEST)

    assert found.effect.peers == 3


def test_the_retest_keeps_what_was_known(
    session: Session, record: CoachingRecord, agent: Agent, coach: User, login: User, card: ScorecardVersion
) -> None:
    calls(session, agent, card, HELD - timedelta(days=5), 6, 20)
    calls(session, agent, card, HELD + timedelta(days=5), 12, 20)
    options: dict[str, Any] = {"by": coach, "zone": ZONE}
    with pytest.raises(Refused, match="after the talk"):
        retest(session, record, effective=True, conclusion="Good", today=HELD, **options)
    with pytest.raises(Refused, match="conclude"):
        retest(session, record, effective=True, conclusion=" ", today=RETEST, **options)

    retest(session, record, effective=True, conclusion="Greets now", today=RETEST, **options)
    calls(session, agent, card, HELD + timedelta(days=6), 0, 20)  # came in later

    assert record.state is CoachingState.RETESTED
    (kept,) = effects(session, record, zone=ZONE, today=RETEST + timedelta(days=30))
    assert kept.effect.own.after == Rate(12, 20)
    assert kept.effect.verdict is Verdict.FEW_PEERS
    with pytest.raises(Refused, match="closed"):
        tick_step(session, record, 0, done=True, by=coach)


def test_a_retest_that_is_due_is_told_once(session: Session, record: CoachingRecord, coach: User) -> None:
    assert remind_retests(session, RETEST - timedelta(days=1)) == 0
    assert remind_retests(session, RETEST) == 1
    assert remind_retests(session, RETEST + timedelta(days=1)) == 0
    assert [news.user_id for news in told(session, "coaching.retest_due")] == [coach.id]
    assert session.scalars(due_retests(coach, RETEST)).all() == [record]

    cancel(session, record, "left the team", by=coach)

    assert session.scalars(due_retests(coach, RETEST)).all() == []


def test_items_are_offered_weakest_first(session: Session, agent: Agent, card: ScorecardVersion) -> None:
    calls(session, agent, card, HELD - timedelta(days=3), 2, 10)

    choices = item_choices(session, agent, zone=ZONE, today=HELD)

    assert choices[0].key == GREETING
    assert choices[0].rate == Rate(2, 10)
    assert len(choices) > 5
    assert choices[-1].rate.n == 0


def test_moments_flagged_for_coaching_are_offered(session: Session, agent: Agent, coach: User) -> None:
    call = make_call(session, agent=agent)
    inspector = make_user(session)
    for kind, removed in (("coaching", None), ("coaching", now()), ("praise", None)):
        session.add(
            CallComment(call=call, author=inspector, kind=CommentKind(kind), text="Interrupts", removed_at=removed)
        )
    session.add(CallComment(call=make_call(session), author=inspector, kind=CommentKind.COACHING, text="Another's"))
    session.flush()

    assert [moment.text for moment in flagged_moments(session, agent, coach)] == ["Interrupts"]


# --- the pages ------------------------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path, _empty_database: Path) -> tuple[Flask, World]:
    return open_world(tmp_path, _empty_database)


def form(world: World, **changed: Any) -> dict[str, Any]:
    today = today_there()
    given = {
        "agent": world.agent.id, "review": world.review.id, "goal": "Says the opening", "steps": "Listen\nPractise",
        "held_on": today.isoformat(), "retest_on": (today + timedelta(days=20)).isoformat(),
        "item": f"{world.card.key}/S1", "calls": world.call.id,
    }  # fmt: skip
    return given | changed


def test_from_a_review_to_a_conclusion(built: tuple[Flask, World]) -> None:
    app, world = built
    inspector, agent = world.client(app, Role.INSPECTOR), world.client(app, Role.AGENT)
    page = inspector.get(f"/coaching/new?review={world.review.id}&item=S1").text
    assert f'value="{world.card.key}/S1" checked' in page
    assert f'name="calls" value="{world.call.id}" checked' in page

    address = inspector.post("/coaching/new", data=form(world)).location
    assert "Says the opening" in agent.get("/").text
    assert "Read and agree" in agent.get(address).text
    agreed = agent.post(f"{address}/acknowledge", data={"comment": "Gladly"}, follow_redirects=True)
    assert "Gladly" in agreed.text
    assert "0101 has agreed to the coaching." in inspector.get("/notifications/").text
    ticked = inspector.post(f"{address}/steps", data={"step": "0", "done": "yes"}, follow_redirects=True)
    assert "1 / 2" in ticked.text

    early = inspector.post(f"{address}/retest", data={"effective": "yes", "conclusion": "Fine"})
    assert early.status_code == 422
    assert "The retest comes after the talk." in early.text
    with app.extensions["session_factory"]() as session:
        record = session.get_one(CoachingRecord, int(address.rsplit("/", 1)[1]))
        record.held_on -= timedelta(days=3)
        record.retest_on = record.held_on + timedelta(days=2)
        session.commit()
    assert "due" in inspector.get("/coaching/?view=due").text
    assert "too few answers to say" in inspector.get(address).text
    done = inspector.post(
        f"{address}/retest", data={"effective": "no", "conclusion": "Once more"}, follow_redirects=True
    )
    assert "goal not reached" in done.text
    assert "Once more" in agent.get(address).text
    assert "Retested" in inspector.get("/coaching/?view=done").text


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"goal": ""}, "Say what the goal is."),
        ({"held_on": "soon"}, "This is no date."),
        ({"item": "nothing"}, "There is no such item"),
        ({"retest_on": "2020-01-01"}, "The retest comes after the talk."),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_and_nothing_is_lost(
    built: tuple[Flask, World], changed: dict[str, str], says: str
) -> None:
    app, world = built

    answer = world.client(app, Role.LEAD).post("/coaching/new", data=form(world, **changed))

    assert answer.status_code == 422
    assert says in answer.text
    assert "Practise" in answer.text


def test_others_cannot_open_act_on_or_plan_what_is_not_theirs(built: tuple[Flask, World]) -> None:
    app, world = built
    supervisor = world.client(app, Role.SUPERVISOR)
    with app.extensions["session_factory"]() as session:
        lead = session.merge(world.users[Role.LEAD])
        agent = session.merge(world.other_agent)
        today = today_there()
        plan = Plan(agent, "Asks", today, today + timedelta(days=9), items=[(world.card.key, "S1")])
        other = plan_coaching(session, plan, by=lead, today=today).id
        session.commit()

    for role in (Role.SUPERVISOR, Role.AGENT, Role.INSPECTOR):
        assert world.client(app, role).get(f"/coaching/{other}").status_code == 404
    assert supervisor.post(f"/coaching/{other}/cancel", data={"reason": "x"}).status_code == 404
    assert world.client(app, Role.AGENT).post(f"/coaching/{other}/acknowledge").status_code == 404
    assert supervisor.get(f"/coaching/new?agent={world.other_agent.id}").status_code == 404
    assert supervisor.get(f"/coaching/new?review={world.other_review.id}").status_code == 404
    assert supervisor.post("/coaching/new", data=form(world, review="", agent=world.other_agent.id)).status_code == 422
    page = supervisor.get("/coaching/new").text
    assert world.agent.number in page
    assert world.other_agent.number not in page


def test_a_supervisor_sees_retests_that_are_due_on_the_start_page(built: tuple[Flask, World]) -> None:
    app, world = built
    with app.extensions["session_factory"]() as session:
        session.get_one(CoachingRecord, world.coaching.id).retest_on = today_there() - timedelta(days=1)
        session.commit()

    assert f"/coaching/{world.coaching.id}" in world.client(app, Role.SUPERVISOR).get("/").text


def test_the_agent_page_leads_to_coaching(built: tuple[Flask, World]) -> None:
    app, world = built

    assert f"/coaching/new?agent={world.agent.id}" in world.client(app, Role.LEAD).get(f"/agents/{world.agent.id}").text
    assert "/coaching/new" not in world.client(app, Role.AGENT).get(f"/agents/{world.agent.id}").text
