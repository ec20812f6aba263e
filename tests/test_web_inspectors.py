"""The pages of critical errors, inspectors and praise, and what is said of them on the agent's page."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, Praise, Review, ReviewMark, ReviewReason, ReviewState, Role, User
from qa.settings import Settings
from tests.factories import make_agent, make_call, make_scorecard, make_team, make_user
from tests.web_client import logged_in, make_app

DURING = datetime(2025, 10, 10, 3, tzinfo=UTC)
PERIOD = "period=2025-10"


@pytest.fixture
def app(settings: Settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def inspectors(session: Session) -> list[User]:
    return [make_user(session, Role.INSPECTOR, name) for name in ("ann", "ben")]


@pytest.fixture
def agent(session: Session, inspectors: list[User]) -> Agent:
    """An agent of whose six calls both inspectors scored all; they differ on S1 of the first."""
    card = make_scorecard(session)
    agent = make_agent(session, "0700", name="Dana", team=make_team(session, "North"))
    for hour in range(6):
        call = make_call(session, agent=agent, started_at=DURING + timedelta(hours=hour))
        for inspector in inspectors:
            missed = hour == 0 and inspector is inspectors[0]
            marks = {"S1": "not_met" if missed else "met", "X1": "met"}
            score = 90.0 + hour - (4 if inspector is inspectors[0] else 0)
            session.add(
                Review(
                    call=call, inspector=inspector, scorecard=card, reason=ReviewReason.RANDOM,
                    state=ReviewState.RELEASED, raw=score, final=score, submitted_at=DURING, released_at=DURING,
                    marks=[ReviewMark(item=item, answer=answer) for item, answer in marks.items()],
                )
            )  # fmt: skip
    session.commit()
    return agent


def client_of(app: Flask, session: Session, role: Role, **fields: object) -> FlaskClient:
    user = make_user(session, role, **fields)  # type: ignore[arg-type]
    session.commit()
    return logged_in(app, user)


def lines_of(client: FlaskClient, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(address).get_data(as_text=True).removeprefix("\ufeff"))))


def test_critical_errors_have_rates_with_n_and_interval(app: Flask, session: Session, agent: Agent) -> None:
    lead = client_of(app, session, Role.LEAD)

    page = lead.get(f"/critical-errors/?{PERIOD}").get_data(as_text=True)
    lines = lines_of(lead, f"/critical-errors/?{PERIOD}&format=csv")
    book = load_workbook(io.BytesIO(lead.get(f"/critical-errors/?{PERIOD}&format=xlsx").data))
    plot = lead.get(f"/critical-errors/?{PERIOD}&format=json").get_json()

    assert "16.7 %" in page
    assert "(1/6)" in page
    own = next(one for one in lines if one["Name"] == "Dana" and one["Kind of error"] == "Compliance-critical")
    assert (own["Calls with it"], own["n"], own["Rate in percent"], own["Lower limit"]) == ("1", "6", "16.7", "3.0")
    assert book.active is not None
    assert book.active.max_row == len(lines) + 1
    assert plot["panels"][2]["rows"][-1]["n"] == 6


def test_a_supervisor_sees_the_own_teams_errors_only(app: Flask, session: Session, agent: Agent) -> None:
    own = client_of(app, session, Role.SUPERVISOR, login="own", team=agent.team)
    other = client_of(app, session, Role.SUPERVISOR, login="other", team=make_team(session))

    assert {one["Whose"] for one in lines_of(own, f"/critical-errors/?{PERIOD}&format=csv")} == {"Team", "Agent"}
    assert lines_of(other, f"/critical-errors/?{PERIOD}&format=csv") == []


def test_agreement_and_leniency_of_inspectors(
    app: Flask, session: Session, agent: Agent, inspectors: list[User]
) -> None:
    lead = client_of(app, session, Role.LEAD)

    page = lead.get(f"/inspectors/?{PERIOD}").get_data(as_text=True)
    lines = lines_of(lead, f"/inspectors/?{PERIOD}&format=csv")
    plot = lead.get(f"/inspectors/?{PERIOD}&format=json").get_json()

    assert "92 %" in page  # 11 of 12 answers
    assert [one["Name"] for one in lines] == ["", "Ann", "Ben", "S1 Caller told the call is recorded"] + [
        one["Name"] for one in lines[4:]
    ]
    assert lines[1]["Mean difference in points"] == "4.0"
    assert float(lines[1]["Leniency in points"]) < 0 < float(lines[2]["Leniency in points"])
    assert [panel["rows"][0]["n"] for panel in plot["panels"]] == [12, 6]


def test_an_inspector_sees_the_own_line_only(
    app: Flask, session: Session, agent: Agent, inspectors: list[User]
) -> None:
    lines = lines_of(logged_in(app, inspectors[0]), f"/inspectors/?{PERIOD}&format=csv")

    assert [one["Name"] for one in lines if one["Whose"] == "Inspector"] == ["Ann"]
    assert client_of(app, session, Role.SUPERVISOR, team=agent.team).get("/inspectors/").status_code == 403


def test_the_agents_page_names_errors_leniency_complaint_and_praise(app: Flask, session: Session, agent: Agent) -> None:
    session.add(
        Praise(external_id="P-1", received_at=DURING, happened_at=DURING, agent=agent, summary="Found the payment")
    )
    session.commit()
    page = client_of(app, session, Role.AGENT, agent=agent).get(f"/agents/{agent.id}?{PERIOD}").get_data(as_text=True)

    assert "Compliance-critical" in page
    assert "Without the estimated leniency" in page
    assert "Found the payment" in page
    assert "Bonus: 0.5 points." in page


def test_praise_is_imported_listed_and_struck_out(app: Flask, session: Session, agent: Agent) -> None:
    lead = client_of(app, session, Role.LEAD)
    file = io.BytesIO(b"external_id,received_at,agent,summary\nP-1,2025-10-10 09:00,0700,Kind\n")

    taken = lead.post("/praises/import", data={"file": (file, "praise.csv")})
    praise = session.scalars(select(Praise)).one()
    refused = lead.post(f"/praises/{praise.id}/strike", data={"reason": " "})
    done = lead.post(f"/praises/{praise.id}/strike", data={"reason": "about another agent"}, follow_redirects=True)

    assert taken.status_code == 200
    assert refused.status_code == 422
    assert "Say why" in refused.get_data(as_text=True)
    assert "about another agent" in done.get_data(as_text=True)
    assert "struck out" in done.get_data(as_text=True)


def test_empty_pages_say_what_will_fill_them(app: Flask, session: Session) -> None:
    lead = client_of(app, session, Role.LEAD)

    assert "first released review" in lead.get("/critical-errors/?period=2024-01").get_data(as_text=True)
    assert "two inspectors" in lead.get("/inspectors/?period=2024-01").get_data(as_text=True)
    assert "no praise yet" in lead.get("/praises/").get_data(as_text=True)
