"""The pages of the weekly sample: draw, verify, assign, replace, plans, and the inspector's queue."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEvent, Draw, Review, ReviewAssignment, ReviewReason, Role, SampledCall, SamplingPlan
from qa.sampling import store_plan, verify_proof
from qa.sampling_rules import PlanRules
from tests.factories import make_auto_score, make_call, make_user
from tests.web_world import World, open_world

WEEK = "2026-W40"
START = datetime(2026, 9, 27, 16, 0, tzinfo=UTC)  # Monday in Shanghai


@pytest.fixture
def built(tmp_path: Path, _empty_database: Path) -> tuple[Flask, World]:
    app, world = open_world(tmp_path, _empty_database)
    with app.extensions["session_factory"]() as session:
        for agent in (world.agent, world.other_agent):
            for i in range(8):
                call = make_call(session, agent=session.merge(agent), started_at=START + timedelta(hours=20 * i))
                make_auto_score(session, call, session.merge(world.card), raw=90.0 - i)
        session.add(SamplingPlan(name="autumn", rules={"joint_percent": 0, "joint_least": 0}))
        make_user(session, Role.INSPECTOR, "second")
        session.commit()
    return app, world


@pytest.fixture
def app(built: tuple[Flask, World]) -> Flask:
    return built[0]


@pytest.fixture
def world(built: tuple[Flask, World]) -> World:
    return built[1]


def database(app: Flask) -> Session:
    session: Session = app.extensions["session_factory"]()
    return session


def drawn(app: Flask, world: World, role: Role = Role.LEAD) -> Draw:
    """Draw the week through the page."""
    answer = world.client(app, role).post("/sampling/draw", data={"week": WEEK, "plan": "autumn"})
    assert answer.status_code == 302
    with database(app) as session:
        made = session.scalars(select(Draw).where(Draw.week == WEEK)).one()
        _ = made.calls
        return made


def test_the_page_says_what_a_draw_would_do_before_it_does(app: Flask, world: World) -> None:
    client = world.client(app, Role.LEAD)
    assert "/sampling/preview?week=2026-W40" in client.get(f"/sampling/?week={WEEK}&plan=autumn").text

    page = client.get(f"/sampling/preview?week={WEEK}&plan=autumn").text

    assert "Eligible calls" in page
    assert ">16<" in page
    assert "no interval" in page  # before: nothing is reviewed
    assert "Assumed" in page


def test_a_draw_is_listed_with_reason_probability_and_inspector(app: Flask, world: World) -> None:
    made = drawn(app, world)

    page = world.client(app, Role.LEAD).get(f"/sampling/?week={WEEK}&plan=autumn").text

    assert len(made.calls) == 4
    assert page.count("25.0 %") == 4
    assert "simple random" in page
    assert made.seed in page
    assert made.eligible_hash in page
    assert "Second" in page
    with database(app) as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "sample.drawn")).all()[-1]
        assert event.details["seed"] == made.seed


def test_the_page_of_the_week_says_who_has_too_few_joint_reviews(app: Flask, world: World) -> None:
    drawn(app, world)
    with database(app) as session:
        plan = session.scalars(select(SamplingPlan).where(SamplingPlan.name == "autumn")).one()
        plan.rules = {"joint_percent": 0, "joint_least": 2}
        for one in session.scalars(select(SampledCall)):  # the week lies in two months
            one.call.started_at = START + timedelta(days=1)
        session.commit()
        given = Counter(task.inspector.name for task in session.scalars(select(ReviewAssignment)))

    page = world.client(app, Role.LEAD).get(f"/sampling/?week={WEEK}&plan=autumn").text
    inspectors = world.client(app, Role.INSPECTOR).get("/sampling/queue").text

    assert "Fewer than 2 joint reviews in" in page
    for name, reviews in given.items():
        assert re.search(rf"<strong>{name}</strong>\s*0 of {reviews}<", page)
    assert "joint" not in inspectors


def test_a_week_is_drawn_once(app: Flask, world: World) -> None:
    drawn(app, world)

    answer = world.client(app, Role.LEAD).post(
        "/sampling/draw", data={"week": WEEK, "plan": "autumn"}, follow_redirects=True
    )

    assert "drawn already" in answer.text


def test_a_draw_is_verified_on_the_page_and_from_its_file(app: Flask, world: World) -> None:
    made = drawn(app, world)
    client = world.client(app, Role.LEAD)

    answer = client.post(f"/sampling/{made.id}/verify", follow_redirects=True)
    file = client.get(f"/sampling/{made.id}/proof")

    assert "Proven" in answer.text
    assert verify_proof(json.loads(file.text)).proven
    assert "attachment" in file.headers["Content-Disposition"]


def test_a_supervisor_sees_and_moves_the_own_teams_calls_only(app: Flask, world: World) -> None:
    made = drawn(app, world, Role.SUPERVISOR)
    client = world.client(app, Role.SUPERVISOR)

    page = client.get(f"/sampling/?week={WEEK}&plan=autumn").text

    assert world.agent.name in page
    assert world.other_agent.name not in page
    for one in made.calls:
        status = client.get(f"/sampling/calls/{one.id}").status_code
        assert status == (200 if one.agent_id == world.agent.id else 404)
        if status == 404:
            assert client.post(f"/sampling/calls/{one.id}/withdraw", data={"reason": "sound"}).status_code == 404


def test_a_call_is_moved_to_another_inspector(app: Flask, world: World) -> None:
    made = drawn(app, world)
    client = world.client(app, Role.LEAD)
    with database(app) as session:
        sampled = session.get_one(SampledCall, made.calls[0].id)
        (task,) = sampled.assignments
        other = next(
            user.id
            for user in (world.users[Role.INSPECTOR], *session.scalars(select(type(task.inspector))))
            if user.role is Role.INSPECTOR and user.id != task.inspector_id
        )

    answer = client.post(
        f"/sampling/calls/{sampled.id}/assign", data={"task": task.id, "inspector": other}, follow_redirects=True
    )
    again = client.post(
        f"/sampling/calls/{sampled.id}/assign", data={"task": task.id, "inspector": other}, follow_redirects=True
    )

    assert "has the call now" in answer.text
    assert "has this call already" in again.text


def test_an_unsuitable_call_is_replaced_and_the_report_says_so(app: Flask, world: World) -> None:
    made = drawn(app, world)
    client = world.client(app, Role.LEAD)

    refused = client.post(f"/sampling/calls/{made.calls[0].id}/withdraw", data={"reason": "other"})
    answer = client.post(
        f"/sampling/calls/{made.calls[0].id}/withdraw", data={"reason": "sound"}, follow_redirects=True
    )

    assert refused.status_code == 422
    assert "in words" in refused.text
    assert "takes its place" in answer.text
    page = client.get(f"/sampling/?week={WEEK}&plan=autumn").text
    assert "1 of 4 random calls were replaced" in page
    assert "sound damaged" in page
    assert client.get(f"/sampling/calls/{made.calls[0].id}").status_code == 200
    assert "Proven" in client.post(f"/sampling/{made.id}/verify", follow_redirects=True).text


def test_drawn_calls_wait_on_the_inspectors_pages_until_reviewed(app: Flask, world: World) -> None:
    made = drawn(app, world)
    client = world.client(app, Role.INSPECTOR)
    with database(app) as session:
        mine = next(
            one.call_id
            for one in session.scalars(select(SampledCall).where(SampledCall.draw_id == made.id))
            if one.assignments[0].inspector_id == world.users[Role.INSPECTOR].id
        )

    assert f"call={mine}" in client.get("/").text
    assert f"call={mine}" in client.get("/sampling/queue").text
    client.post(f"/reviews/save?call={mine}", json={"revision": 0, "reason": "targeted"})
    with database(app) as session:
        review = session.scalars(select(Review).where(Review.call_id == mine)).one()
        # What was drawn at random stays random, whatever the form said.
        assert review.reason is ReviewReason.RANDOM


def test_a_plan_is_changed_on_its_page(app: Flask, world: World) -> None:
    client = world.client(app, Role.LEAD)
    form = {
        "name": "autumn",
        "active": "yes",
        "teams": "",
        "queues": "cards， billing",
        "min_seconds": "45",
        "directions": "inbound",
        "outages": "2026-09-29 09:00 / 2026-09-29 11:00 / cards",
        "per_agent": "3",
        "per_new_agent": "5",
        "new_days": "90",
        "design": "stratified",
        "strata": "risk",
        "floor": "25",
        "picks": "complaint",
        "max_picks": "5",
        "joint_percent": "0",
        "joint_least": "3",
        "due_days": "5",
        "calendar": "china",
        "holidays": "2026-12-31",
    }

    assert client.post("/sampling/plans", data=form).status_code == 302
    with database(app) as session:
        rules = session.scalars(select(SamplingPlan).where(SamplingPlan.name == "autumn")).one().rules
    assert rules["queues"] == ["cards", "billing"]
    assert rules["outages"][0]["queues"] == ["cards"]
    page = client.get("/sampling/plans?plan=autumn").text
    assert "2026-09-29 09:00 / 2026-09-29 11:00 / cards" in page
    assert 'value="2026-12-31"' in page

    for wrong, words in (
        ({"per_agent": "1"}, "per_agent"),
        ({"outages": "yesterday"}, "begin / end"),
        ({"name": " "}, "needs a name"),
        ({"design": "stratified", "strata": "none"}, "strata"),
    ):
        refused = client.post("/sampling/plans", data={**form, **wrong})
        assert refused.status_code == 422
        assert words in refused.text
        assert "cards" in refused.text  # what was typed stays


def test_the_plans_page_opens_the_plan_in_use_and_a_new_one_on_request(app: Flask, world: World) -> None:
    with database(app) as session:
        store_plan(session, "a first plan", PlanRules())
        session.commit()
    client = world.client(app, Role.LEAD)

    assert 'value="a first plan"' in client.get("/sampling/plans").text
    assert 'value="a first plan"' not in client.get("/sampling/plans?new=1").text


def test_only_the_lead_changes_plans(app: Flask, world: World) -> None:
    assert world.client(app, Role.SUPERVISOR).get("/sampling/plans").status_code == 403
    assert "Change the plan" not in world.client(app, Role.SUPERVISOR).get("/sampling/").text


@pytest.mark.parametrize(
    "address", ["/sampling/?week=2026-13", "/sampling/?week=2999-W01", "/sampling/?plan=none&show=x"]
)
def test_odd_addresses_open_too(app: Flask, world: World, address: str) -> None:
    assert world.client(app, Role.LEAD).get(address).status_code == 200
