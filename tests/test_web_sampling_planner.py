"""The planner's page: how many reviews tell two scores apart, and how a week's reviews are best shared."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from models import Review, ReviewReason, ReviewState, RiskModel, Role, SamplingPlan
from scoring.allocation import reviews_needed
from scoring.risk import Skill
from tests.factories import make_auto_score, make_call
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
        session.add(SamplingPlan(name="autumn", rules={}))
        session.commit()
    return app, world


def test_it_says_how_many_reviews_tell_two_scores_apart(built: tuple[Flask, World]) -> None:
    app, world = built

    page = world.client(app, Role.LEAD).get("/sampling/planner/?low=80&high=84").text

    assert f"<strong>{reviews_needed(4, 10)}</strong>" in page  # 10 points of spread are assumed
    assert "Assumed" in page


def test_equal_scores_are_refused_at_the_field(built: tuple[Flask, World]) -> None:
    app, world = built

    page = world.client(app, Role.LEAD).get("/sampling/planner/?low=80&high=80").text

    assert "The two scores must differ." in page
    assert "<strong>" not in page.partition('class="needed"')[2]


@pytest.mark.parametrize("query", ["low=x&high=nan", "low=-3&high=1e9", "reviews=-5", "reviews=9999999999", "team=77"])
def test_a_mistyped_address_is_answered_with_the_usual_values(built: tuple[Flask, World], query: str) -> None:
    app, world = built

    assert world.client(app, Role.LEAD).get(f"/sampling/planner/?{query}").status_code == 200


def test_reviews_are_shared_and_compared_with_equal_shares(built: tuple[Flask, World]) -> None:
    app, world = built

    page = world.client(app, Role.LEAD).get(f"/sampling/planner/?week={WEEK}&plan=autumn&reviews=8").text

    assert world.agent.name in page
    assert world.other_agent.name in page
    assert "points shared best" in page


def test_a_supervisor_plans_for_the_own_team_only(built: tuple[Flask, World]) -> None:
    app, world = built

    page = world.client(app, Role.SUPERVISOR).get(f"/sampling/planner/?week={WEEK}&plan=autumn&team=999").text

    assert f">{world.agent.number}<" in page
    assert f">{world.other_agent.number}<" not in page


def test_the_risk_models_skill_is_told_with_its_interval(built: tuple[Flask, World]) -> None:
    app, world = built
    skill = Skill(
        reviews=140,
        low=30,
        agents=9,
        error=6.5,
        error_of_mean=8.0,
        explained=0.3,
        auc=0.55,
        auc_low=0.44,
        auc_high=0.66,
        lift=1.2,
        lift_low=0.9,
        lift_high=1.6,
    )
    with app.extensions["session_factory"]() as session:
        session.add(RiskModel(weights={}, skill=skill.model_dump(mode="json"), reviews=140, active=skill.useful))
        session.commit()

    page = world.client(app, Role.LEAD).get("/sampling/planner/").text

    assert "not used: no better than chance" in page
    assert "44–66 %" in page


def test_the_spread_is_that_of_the_teams_released_reviews(built: tuple[Flask, World]) -> None:
    app, world = built
    with app.extensions["session_factory"]() as session:
        for i in range(12):
            when = datetime.now(UTC) - timedelta(days=i + 1)
            session.add(
                Review(
                    call=make_call(session, agent=session.merge(world.agent), started_at=when),
                    inspector=session.merge(world.users[Role.INSPECTOR]),
                    scorecard=session.merge(world.card),
                    reason=ReviewReason.RANDOM,
                    state=ReviewState.RELEASED,
                    raw=70.0 + 2 * i,
                    final=70.0 + 2 * i,
                    submitted_at=when,
                    released_at=when,
                )
            )
        session.commit()

    page = world.client(app, Role.SUPERVISOR).get("/sampling/planner/").text

    assert re.search(r"standard deviation of 1[23] reviews", page)  # one may stand in every test's world
