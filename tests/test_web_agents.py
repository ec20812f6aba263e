"""The pages about agents' scores, as each role meets them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, AuditEvent, Review, ReviewReason, ReviewState, Role, ScorecardVersion, TestCall, User
from qa.settings import Settings
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_team, make_user
from tests.web_client import logged_in, make_app

DURING = datetime(2026, 11, 10, 3, tzinfo=UTC)
PERIOD = "period=2026-11"


@pytest.fixture
def app(settings: Settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def agent(session: Session, card: ScorecardVersion) -> Agent:
    """An agent with five random reviews (mean 90), a dial test (80) and an unreviewed call."""
    agent = make_agent(session, "0728", name="王芳", team=make_team(session, "一班"))
    inspector = make_user(session, Role.INSPECTOR, "ines")
    for final in (80.0, 85.0, 90.0, 95.0, 100.0):
        call = make_call(session, agent=agent, started_at=DURING)
        make_auto_score(session, call, card, auto_items=70, marks=[("S1", "not_met", 0.0, 4.0)])
        session.add(review_of(call.id, inspector, card, final))
    make_auto_score(session, make_call(session, agent=agent, started_at=DURING), card, auto_items=50)
    session.add(
        TestCall(
            source="DT",
            sheet="s/1",
            dialled_at=DURING,
            staff_number="0728",
            agent=agent,
            status="matched",
            answers={},
            scenario="secret scenario",
            persona="angry",
            norms=90,
            knowledge=70,
            total=80,
        )
    )
    session.commit()
    return agent


def review_of(call_id: int, inspector: User, card: ScorecardVersion, final: float) -> Review:
    return Review(
        call_id=call_id,
        inspector=inspector,
        scorecard=card,
        reason=ReviewReason.RANDOM,
        state=ReviewState.RELEASED,
        raw=final,
        final=final,
        submitted_at=DURING,
        released_at=DURING,
    )


def client_of(app: Flask, session: Session, role: Role, **fields: object) -> FlaskClient:
    user = make_user(session, role, **fields)  # type: ignore[arg-type]
    session.commit()
    return logged_in(app, user)


def test_the_team_page_shows_value_grade_and_every_n(app: Flask, session: Session, agent: Agent) -> None:
    make_agent(session, "0900")

    page = client_of(app, session, Role.LEAD).get(f"/agents/?{PERIOD}").text

    assert "87.7" in page  # (50·90 + 15·80) / 65
    assert 'aria-label="Grade B"' in page
    assert "65 of 100 present" in page
    assert "n=5" in page
    assert "(66.7)" in page  # automatic: 6 calls of at least 100
    assert "no interval: Dial tests has none" in page  # one dial test of all agents says nothing about the spread
    assert "provisional" in page
    assert "nothing counted yet" in page  # The agent without any call is there all the same.


def test_supervisors_see_their_own_team_only(app: Flask, session: Session, agent: Agent) -> None:
    other = make_agent(session, "0900", team=make_team(session, "Other"))
    client = client_of(app, session, Role.SUPERVISOR, team=agent.team)

    page = client.get(f"/agents/?{PERIOD}&team={other.team_id}").text

    assert "0728" in page
    assert "0900" not in page
    assert client.get(f"/agents/{agent.id}").status_code == 200
    assert client.get(f"/agents/{other.id}").status_code == 404
    assert client.get(f"/agents/{other.id}/trend").status_code == 404
    assert "0900" not in client.get(f"/agents/export?{PERIOD}&format=csv").text


def test_a_supervisor_without_a_team_sees_nobody(app: Flask, session: Session, agent: Agent) -> None:
    client = client_of(app, session, Role.SUPERVISOR)

    assert "0728" not in client.get(f"/agents/?{PERIOD}").text
    assert client.get(f"/agents/{agent.id}").status_code == 404


def test_agents_come_to_their_own_page_and_no_other(app: Flask, session: Session, agent: Agent) -> None:
    other = make_agent(session, "0900")
    client = client_of(app, session, Role.AGENT, agent=agent)

    answer = client.get(f"/agents/?{PERIOD}")

    assert (answer.status_code, answer.location) == (302, f"/agents/{agent.id}?{PERIOD}")
    assert client.get(f"/agents/{other.id}").status_code == 404
    assert client.get("/agents/export?format=csv").status_code == 403


def test_an_agent_gets_links_to_released_calls_only(app: Flask, session: Session, agent: Agent) -> None:
    reviewed = set(session.scalars(select(Review.call_id)))
    (unreviewed,) = set(range(1, 7)) - reviewed
    own = client_of(app, session, Role.AGENT, agent=agent).get(f"/agents/{agent.id}?{PERIOD}").text
    staff = client_of(app, session, Role.LEAD).get(f"/agents/{agent.id}?{PERIOD}").text

    assert all(f'href="/calls/{call_id}"' in own for call_id in reviewed)
    assert f'href="/calls/{unreviewed}"' not in own
    assert f'href="/calls/{unreviewed}"' in staff
    assert "/test-calls/" not in own
    assert "secret scenario" not in own


def test_the_agent_page_opens_the_recipe(app: Flask, session: Session, agent: Agent) -> None:
    page = client_of(app, session, Role.INSPECTOR).get(f"/agents/{agent.id}?{PERIOD}").text

    assert "90.0 × 76.9 % = <strong>69.2</strong>" in page
    assert "80.0 × 23.1 % = <strong>18.5</strong>" in page
    assert "69.2 + 18.5 = <strong>87.7</strong>" in page
    assert "not counted: 6 of at least 100" in page
    assert "(90.0 + 70.0) / 2" in page
    assert "Caller told the call is recorded" in page  # S1, missed in all five: the weakest item
    assert "0/5" in page


def test_a_period_without_anything_says_so(app: Flask, session: Session, agent: Agent) -> None:
    page = client_of(app, session, Role.LEAD).get(f"/agents/{agent.id}?period=2020-W01").text

    assert "Week 1 of 2020" in page
    assert "No part counts, so there is no score." in page


@pytest.mark.parametrize("period", ["2026-13", "x", "", "9999-W99"])
def test_a_mistyped_period_is_answered_with_the_usual_one(
    app: Flask, session: Session, agent: Agent, period: str
) -> None:
    assert client_of(app, session, Role.LEAD).get(f"/agents/?period={period}").status_code == 200


def test_the_trend_has_eight_periods_and_the_place_of_the_interval(app: Flask, session: Session, agent: Agent) -> None:
    trend = client_of(app, session, Role.LEAD).get(f"/agents/{agent.id}/trend?{PERIOD}").get_json()

    assert trend["target"] == 90
    assert [band["grade"] for band in trend["bands"]] == ["A", "B", "C"]
    assert len(trend["points"]) == 8
    last = trend["points"][-1]
    assert (last["period"], last["value"], last["low"], last["reviews"]) == ("2026-11", 87.7, None, 5)
    assert trend["points"][0]["value"] is None
    assert last["team"] is None  # one agent alone: the team's score would be another name for the agent's


def test_the_trend_stands_beside_the_teams_once_the_team_is_large_enough(
    app: Flask, session: Session, agent: Agent
) -> None:
    for _ in range(2):
        make_agent(session, team=agent.team)
    session.commit()

    trend = client_of(app, session, Role.LEAD).get(f"/agents/{agent.id}/trend?{PERIOD}").get_json()

    assert trend["points"][-1]["team"] is not None


def test_exports_are_files_in_the_readers_language_and_leave_a_trace(
    app: Flask, session: Session, agent: Agent
) -> None:
    client = client_of(app, session, Role.LEAD)

    text = client.get(f"/agents/export?{PERIOD}&format=csv")
    sheet = client.get(f"/agents/export?{PERIOD}&format=xlsx")

    (line,) = csv.DictReader(io.StringIO(text.text.removeprefix("\ufeff")))
    assert (line["Staff number"], line["Agent"], line["Score"]) == ("0728", "王芳", "87.7")
    assert "filename=scores-2026-11.csv" in text.headers["Content-Disposition"].replace('"', "")
    assert load_workbook(io.BytesIO(sheet.data)).active is not None
    session.rollback()  # Ends the reading transaction: what requests wrote since is seen.
    traces = session.scalars(select(AuditEvent).where(AuditEvent.action == "scores.exported")).all()
    assert [trace.details["format"] for trace in traces] == ["csv", "xlsx"]
    assert client.get(f"/agents/export?{PERIOD}&format=exe").status_code == 404


def test_names_are_escaped(app: Flask, session: Session, agent: Agent) -> None:
    agent.name = "<script>alert(1)</script>"
    client = client_of(app, session, Role.LEAD)

    for address in (f"/agents/?{PERIOD}", f"/agents/{agent.id}?{PERIOD}"):
        assert "<script>alert" not in client.get(address).text
