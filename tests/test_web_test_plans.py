"""The pages of planned test calls: plan, scenario card and sheet, quarantine, and the comparison."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, Call, Role, TestAssignment, TestCall, TestPlan, User
from qa.settings import Settings
from qa.test_scenarios import store_scenarios
from scoring.scenario import load_scenarios
from scoring.shipped import shipped
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_user
from tests.test_test_calls import ANSWERED, ANSWERS, HEADER, SHANGHAI, entered
from tests.web_client import logged_in, make_app

PLAN = {
    "period": "2026-11", "source": "MS", "calls": "4", "max_per_tester": "5", "min_numbers": "2", "weekend_share": "25",
    "evening_share": "25", "evening_from": "18", "first_hour": "8", "last_hour": "22",
    "numbers": "13900000001\r\n\r\n13900000002\r\n",
}  # fmt: skip
SHEET = {
    **{name: text for name, text in HEADER.items() if name not in ("scenario_id", "persona", "number_used")},
    "dial_time": "2026-11-18T14:32:00",
    "number_used": "13800001111",
    **{f"answer-{item}": answer for item, answer in ANSWERS.items()},
}


@pytest.fixture
def app(settings: Settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def lead(session: Session) -> User:
    return make_user(session, Role.LEAD)


@pytest.fixture
def tester(session: Session) -> User:
    return make_user(session, Role.TEST_CALLER, "mia")


@pytest.fixture
def planning(app: Flask, session: Session, lead: User, tester: User) -> FlaskClient:
    """A lead's browser; there are scenarios and one tester."""
    store_scenarios(session, load_scenarios(shipped("test-scenarios")), by=lead)
    session.commit()
    return logged_in(app, lead)


def first_call(session: Session) -> TestAssignment:
    session.rollback()
    return session.scalars(select(TestAssignment).order_by(TestAssignment.id)).all()[0]


def test_a_plan_is_drawn_worked_through_and_followed(
    app: Flask, session: Session, planning: FlaskClient, tester: User
) -> None:
    call = make_call(session, agent=make_agent(session, "0728"), started_at=ANSWERED, customer_number="13800001111")
    session.commit()
    call_id = call.id
    shopper = logged_in(app, tester)

    drawn = planning.post("/test-plans/", data=PLAN)
    planned = first_call(session)
    address = f"/test-calls/planned/{planned.id}"

    assert drawn.status_code == 302
    assert "0 of 4 made" in planning.get(drawn.location).text
    assert address in shopper.get("/test-calls/").text
    assert address in shopper.get("/").text
    page = shopper.get(address).text
    assert planned.scenario.definition["question_asked"] in page
    assert planned.scenario.definition["answer_key_points"][0] in page
    assert planned.scenario.definition["knowledge_ref"] not in page  # where the hotline keeps it is the inside

    refused = shopper.post(address, data={**SHEET, "answer-M5": ""})
    assert refused.status_code == 422
    done = shopper.post(address, data={**SHEET, "answer-M10": "3"})

    assert done.status_code == 302, done.text
    session.rollback()
    test = session.scalars(select(TestCall)).one()
    assert (test.status, test.call_id, test.scenario) == ("matched", call_id, f"{planned.scenario.key}/1")
    assert shopper.get(address).status_code == 404  # It has its sheet.
    assert "1 of 4 made" in planning.get(drawn.location).text
    assert planning.post(drawn.location + "/drop").location == drawn.location


def test_a_planned_call_is_shown_to_its_tester_only(app: Flask, session: Session, planning: FlaskClient) -> None:
    other = make_user(session, Role.TEST_CALLER)
    other.active = False  # is not planned
    session.commit()
    planning.post("/test-plans/", data=PLAN)
    other.active = True
    session.commit()
    address = f"/test-calls/planned/{first_call(session).id}"

    assert planning.get(address).status_code == 404
    assert logged_in(app, other).get(address).status_code == 404


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"period": "soon"}, "soon is no period"),
        ({"calls": "many"}, "Fill in whole numbers"),
        ({"weekend_share": "120"}, "Fill in whole numbers"),
        ({"numbers": " "}, "Give at least one number"),
        ({"source": "DT"}, "Nobody is free to test"),
    ],
)
def test_a_plan_that_cannot_be_made_stays_on_the_page(
    session: Session, planning: FlaskClient, changes: dict[str, str], message: str
) -> None:
    page = planning.post("/test-plans/", data={**PLAN, **changes})

    assert page.status_code == 422
    assert message in page.text
    assert 'value="22"' in page.text
    assert session.scalars(select(TestPlan)).all() == []


def test_what_a_plan_lacks_is_shown_and_it_can_be_taken_back(session: Session, planning: FlaskClient) -> None:
    address = planning.post("/test-plans/", data={**PLAN, "calls": "9", "min_numbers": "20"}).location

    page = planning.get(address).text
    assert "Calls: testers have their limit: 5 of 9" in page
    assert "Different numbers to call from: 2 of 20" in page
    assert planning.post(address + "/drop").location == "/test-plans/"
    assert session.scalars(select(TestPlan)).all() == []


def test_scenarios_are_taken_in_from_a_file(session: Session, planning: FlaskClient) -> None:
    text = shipped("test-scenarios").read_text("utf-8")

    def taken(content: str) -> str:
        data = {"file": (io.BytesIO(content.encode()), "a.yaml")}
        return planning.post("/test-plans/scenarios", data=data, follow_redirects=True).text

    assert "0 scenarios stored, 4 there already" in taken(text)
    assert "1 scenarios stored, 3 there already" in taken(text.replace("version: 1", "version: 2", 1))
    assert "give the changed one a new version" in taken(text.replace("话费多扣咨询", "another title", 1))
    assert "not taken in" in taken("test_scenarios: 5")
    assert "ZH-roaming" in planning.get("/test-plans/scenarios/example").text


def test_inspectors_see_their_own_duties_and_no_plan(app: Flask, session: Session, planning: FlaskClient) -> None:
    dana, omar = make_user(session, login="dana"), make_user(session, login="omar")
    for user in (dana, omar):
        user.created_at = datetime(2020, 1, 1, tzinfo=UTC)
    session.commit()
    planning.post("/test-plans/", data=PLAN)

    page = logged_in(app, dana).get("/test-plans/").text

    assert dana.name in page
    assert "overdue" in page
    assert omar.name not in page
    assert "13900000001" not in page
    assert omar.name in planning.get("/test-plans/").text
    assert "voluntary" in planning.get("/test-plans/").text


@pytest.fixture
def doubtful(session: Session, tester: User) -> tuple[TestCall, Call, Agent]:
    """A sheet in quarantine, and a recording two hours later from another number."""
    agent = make_agent(session, "0728")
    call = make_call(
        session, agent=agent, started_at=ANSWERED + timedelta(hours=2), customer_number="13900002222", external_id="C-7"
    )
    test = entered(session, tester)
    session.commit()
    return test, call, agent


def test_a_lead_settles_a_sheet_beside_its_candidates(
    app: Flask, session: Session, lead: User, doubtful: tuple[TestCall, Call, Agent]
) -> None:
    test, call, agent = doubtful
    inspector = make_user(session)
    session.commit()
    client, watching = logged_in(app, lead), logged_in(app, inspector)
    address = f"/test-calls/{test.id}/settle"

    page = client.get("/test-calls/quarantine").text
    assert "C-7" in page
    assert page.count(">differs<") == 2
    assert page.count(">agrees<") == 1
    assert "Settle" not in watching.get("/test-calls/quarantine").text
    assert watching.post(address, data={"call": str(call.id), "reason": "x"}).status_code == 403
    assert client.post(address, data={"call": "4711", "reason": "x"}).status_code == 400
    assert "Say why" in client.post(address, data={"call": "none"}, follow_redirects=True).text
    client.post(address, data={"call": str(call.id), "reason": "The clock was wrong"})

    session.refresh(test)
    assert (test.status, test.call_id, test.agent_id) == ("matched", call.id, agent.id)
    assert "No sheet is in quarantine" in client.get("/test-calls/quarantine").text


def test_testers_see_neither_quarantine_nor_comparison(
    app: Flask, session: Session, tester: User, doubtful: tuple[TestCall, Call, Agent]
) -> None:
    client = logged_in(app, tester)

    for page in ("quarantine", "truth", "truth.csv"):
        assert client.get(f"/test-calls/{page}").status_code == 403
    assert client.get("/test-plans/").status_code == 403


def test_tester_and_machine_are_held_against_each_other(app: Flask, session: Session, lead: User, tester: User) -> None:
    call = make_call(session, agent=make_agent(session, "0728"), started_at=ANSWERED, customer_number="13800001111")
    make_auto_score(
        session, call, make_scorecard(session), marks=[("S2", "not_met", 0.0, 3.0), ("P4", "met", 3.0, 3.0)]
    )
    test = entered(session, tester, answers={**ANSWERS, "M4": "1", "M14": "2"}, zone=SHANGHAI)
    session.commit()
    client = logged_in(app, lead)

    page = client.get("/test-calls/truth?period=2026-11").text
    assert "EN-OPEN" in page
    assert "100 % <span" in page  # S2
    assert "21–100, n=1" in page
    assert "0 / 1 / 0 / 0" in page  # P4: the defect was missed
    assert "Nothing to compare" in client.get("/test-calls/truth?period=2026-10").text
    sheet = client.get(f"/test-calls/{test.id}").text
    assert "The same call, three judges" in sheet
    text = client.get("/test-calls/truth.csv?period=2026-11").text
    assert text.startswith("\ufeffkind,name,")
    assert "en-bank-hotline S2,M4,EN-OPEN,1,1,0,0,0,0,1.0000,0.2065,1.0000" in text
    own = logged_in(app, tester).get(f"/test-calls/{test.id}").text
    assert "three judges" not in own


def test_a_leaders_test_is_named_on_the_agents_page(app: Flask, session: Session, lead: User) -> None:
    agent = make_agent(session, "0728")
    make_call(session, agent=agent, started_at=ANSWERED, customer_number="13800001111")
    assert entered(session, lead, source="LT").status == "matched"
    session.commit()

    page = logged_in(app, lead).get(f"/agents/{agent.id}?period=2026-11")

    assert page.status_code == 200
    assert "Leaders&#39; tests" in page.text or "Leaders' tests" in page.text
