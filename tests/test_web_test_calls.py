"""The pages of test calls: what testers from outside see, and what they do not."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, Call, Role, TestCall, User
from qa.settings import Settings
from tests.factories import make_agent, make_call, make_team, make_user
from tests.test_test_calls import ANSWERED, ANSWERS, HEADER
from tests.web_client import logged_in, make_app

FORM = {
    **HEADER,
    "dial_time": "2026-11-18T14:32:00",
    "key_points": "4",
    **{f"answer-{item}": answer for item, answer in ANSWERS.items()},
    "answer-N2": "4",
}


@pytest.fixture
def app(settings: Settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def agent(session: Session) -> Agent:
    agent = make_agent(session, "0728", name="Dana Reed", team=make_team(session, "North"))
    session.commit()
    return agent


def client_of(app: Flask, session: Session, role: Role, **fields: object) -> FlaskClient:
    user: User = make_user(session, role, **fields)  # type: ignore[arg-type]
    session.commit()
    return logged_in(app, user)


@pytest.fixture
def tester(app: Flask, session: Session) -> FlaskClient:
    return client_of(app, session, Role.TEST_CALLER)


@pytest.fixture
def recording(session: Session, agent: Agent) -> Call:
    call = make_call(session, agent=agent, started_at=ANSWERED, customer_number="13800001111")
    session.commit()
    return call


def stored(session: Session) -> list[TestCall]:
    session.rollback()  # Ends the reading transaction: what requests wrote since is seen.
    return list(session.scalars(select(TestCall)))


def test_a_sheet_is_stored_with_its_sub_scores(tester: FlaskClient, session: Session, recording: Call) -> None:
    answer = tester.post("/test-calls/new", data=FORM)

    (test,) = stored(session)
    assert (answer.status_code, answer.location) == (302, f"/test-calls/{test.id}")
    assert (test.source, test.status, test.call_id) == ("MS", "matched", recording.id)
    assert test.dialled_at == datetime(2026, 11, 18, 6, 32, tzinfo=UTC)
    page = tester.get(answer.location).text
    assert "93.9" in page  # 53.5 / 57
    assert "66.7" in page
    assert "4" in page


def test_outside_testers_learn_nothing_of_the_inside(
    app: Flask, tester: FlaskClient, session: Session, recording: Call
) -> None:
    tester.post("/test-calls/new", data=FORM)
    (test,) = stored(session)
    other = client_of(app, session, Role.TEST_CALLER)

    for page in (tester.get("/test-calls/").text, tester.get(f"/test-calls/{test.id}").text):
        assert "0728" in page  # the number that they heard
        assert "Dana Reed" not in page
        assert "/calls/" not in page.replace("/test-calls/", "")
        assert "/agents/" not in page
    assert other.get(f"/test-calls/{test.id}").status_code == 404
    assert "There are no test calls yet" in other.get("/test-calls/").text


def test_a_refused_sheet_keeps_what_was_typed(tester: FlaskClient, session: Session) -> None:
    answer = tester.post("/test-calls/new", data={**FORM, "answer-M5": "", "end_time": "14:41:07"})

    assert answer.status_code == 422
    assert "These items have no answer: M5." in answer.text
    assert 'value="14:41:07"' in answer.text
    assert 'name="answer-M1" value="yes" checked' in answer.text
    assert '<option value="hurried" selected>' in answer.text
    assert stored(session) == []


def test_a_missing_field_is_named(tester: FlaskClient) -> None:
    answer = tester.post("/test-calls/new", data={**FORM, "staff_number_heard": ""})

    assert 'href="#staff_number_heard"' in answer.text
    assert tester.post("/test-calls/new", data={}).status_code == 422


def test_a_tester_cannot_enter_an_internal_test(tester: FlaskClient, session: Session) -> None:
    answer = tester.post("/test-calls/new", data={**FORM, "source": "DT"})

    assert answer.status_code == 422
    assert stored(session) == []


def test_inspectors_see_agent_and_recording_and_may_match_again(
    app: Flask, tester: FlaskClient, session: Session, agent: Agent
) -> None:
    tester.post("/test-calls/new", data=FORM)
    (test,) = stored(session)
    inspector = client_of(app, session, Role.INSPECTOR)
    assert "neither number, time nor staff number" in inspector.get("/test-calls/?status=quarantine").text
    assert "No recording was found" in inspector.post("/test-calls/match", follow_redirects=True).text
    make_call(session, agent=agent, started_at=ANSWERED, customer_number="13800001111")
    session.commit()

    answer = inspector.post("/test-calls/match", follow_redirects=True)

    assert "1 sheets left quarantine" in answer.text
    assert "Dana Reed" in answer.text
    assert 'href="/calls/' in inspector.get(f"/test-calls/{test.id}").text
    assert tester.post("/test-calls/match").status_code == 403


def test_supervisors_read_their_teams_sheets(
    app: Flask, tester: FlaskClient, session: Session, recording: Call
) -> None:
    tester.post("/test-calls/new", data=FORM)
    (test,) = stored(session)
    assert recording.agent is not None
    ours = client_of(app, session, Role.SUPERVISOR, team=recording.agent.team)
    others = client_of(app, session, Role.SUPERVISOR, team=make_team(session))

    assert "Dana Reed" in ours.get("/test-calls/").text
    assert ours.get(f"/test-calls/{test.id}").status_code == 200
    assert others.get(f"/test-calls/{test.id}").status_code == 404
    assert ours.get("/test-calls/new").status_code == 403


def test_a_file_of_sheets_is_imported(tester: FlaskClient, session: Session) -> None:
    columns = tester.get("/test-calls/template").text.removeprefix("\ufeff").strip().split(",")
    row = {"external_id": "A-1", "source": "MS", "key_points": "4", **HEADER, **ANSWERS}
    content = ",".join(columns) + "\n" + ",".join(row.get(column, "") for column in columns) + "\n"

    first = tester.post("/test-calls/import", data={"file": (io.BytesIO(content.encode()), "sheets.csv")})
    again = tester.post("/test-calls/import", data={"file": (io.BytesIO(content.encode()), "sheets.csv")})

    assert "1 stored, 0 already there, 0 refused." in first.text
    assert "0 stored, 1 already there, 0 refused." in again.text
    assert len(stored(session)) == 1


def test_an_import_without_a_file_asks_for_one(tester: FlaskClient) -> None:
    assert "Choose a CSV file." in tester.post("/test-calls/import", data={}).text
    assert tester.get("/test-calls/import").status_code == 200
