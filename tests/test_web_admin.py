"""The administrator's pages: people, failures, the audit trail."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEvent, CallState, IngestFailure, Role, User
from qa.settings import Settings
from tests.factories import make_agent, make_call, make_team, make_user
from tests.web_client import logged_in, make_app


@pytest.fixture
def admin(session: Session) -> User:
    user = make_user(session, Role.ADMIN, "admin")
    session.commit()
    return user


@pytest.fixture
def client(settings: Settings, admin: User) -> FlaskClient:
    return logged_in(make_app(settings), admin)


def shown_password(page: str) -> str:
    found = re.search(r'id="new-password">([^<]+)<', page)
    assert found is not None
    return found[1]


def test_a_new_user_gets_a_password_that_is_shown_once(client: FlaskClient, session: Session) -> None:
    page = client.post("/admin/users", data={"login": "Eve", "name": "Eve", "role": "inspector"})

    assert page.status_code == 200
    password = shown_password(page.text)
    assert len(password) == 14
    assert password not in client.get("/admin/users").text
    client.post("/logout")
    assert client.post("/login", data={"login": "eve", "password": password}).status_code == 302


def test_an_agents_login_names_its_agent_and_a_supervisors_its_team(client: FlaskClient, session: Session) -> None:
    team = make_team(session)
    make_agent(session, "0728", team=team)
    session.commit()

    client.post("/admin/users", data={"login": "a", "role": "agent", "number": "0728"})
    client.post("/admin/users", data={"login": "s", "role": "supervisor", "team": str(team.id)})

    agent, supervisor = (session.scalars(select(User).where(User.login == login)).one() for login in "as")
    assert agent.agent is not None
    assert agent.agent.number == "0728"
    assert supervisor.team is team


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"login": " ", "role": "lead"}, "A login cannot be empty."),
        ({"login": "x", "role": "king"}, "Choose a role."),
        ({"login": "ADMIN", "role": "lead"}, "The login admin is taken."),
        ({"login": "x", "role": "agent", "number": "9999"}, "No agent has the staff number “9999”."),
        ({"login": "x", "role": "supervisor"}, "Choose the team that the supervisor looks after."),
    ],
)
def test_a_form_that_makes_no_sense_makes_nobody(
    client: FlaskClient, session: Session, form: dict[str, str], says: str
) -> None:
    page = client.post("/admin/users", data=form)

    assert page.status_code == 400
    assert says in page.text
    assert session.scalars(select(User.login)).all() == ["admin"]


def test_an_agent_has_one_login(client: FlaskClient, session: Session) -> None:
    agent = make_agent(session, "0728")
    make_user(session, Role.AGENT, agent=agent)
    session.commit()

    page = client.post("/admin/users", data={"login": "x", "role": "agent", "number": "0728"})

    assert "The agent 0728 has a login already." in page.text


def test_deactivating_shuts_somebody_out_and_activating_lets_them_in_again(
    client: FlaskClient, session: Session
) -> None:
    user = make_user(session, Role.LEAD, "lead")
    session.commit()

    client.post(f"/admin/users/{user.id}/active", data={"active": "no"})
    session.refresh(user)
    assert not user.active

    client.post(f"/admin/users/{user.id}/active", data={"active": "yes"})
    session.rollback()
    session.refresh(user)
    assert user.active


def test_an_administrator_cannot_shut_out_themself(client: FlaskClient, session: Session, admin: User) -> None:
    client.post(f"/admin/users/{admin.id}/active", data={"active": "no"})

    session.refresh(admin)
    assert admin.active


def test_a_reset_password_replaces_the_old_one(client: FlaskClient, session: Session, settings: Settings) -> None:
    user = make_user(session, Role.LEAD, "lead")
    session.commit()

    password = shown_password(client.post(f"/admin/users/{user.id}/password").text)

    other = make_app(settings).test_client()
    assert other.post("/login", data={"login": "lead", "password": "correct horse battery"}).status_code == 401
    assert other.post("/login", data={"login": "lead", "password": password}).status_code == 302


def test_what_an_administrator_does_to_people_is_in_the_audit_trail(
    client: FlaskClient, session: Session, admin: User
) -> None:
    page = client.post("/admin/users", data={"login": "eve", "role": "lead"})
    eve = session.scalars(select(User).where(User.login == "eve")).one()
    client.post(f"/admin/users/{eve.id}/password")
    client.post(f"/admin/users/{eve.id}/active", data={"active": "no"})

    session.rollback()
    events = session.scalars(select(AuditEvent).where(AuditEvent.subject_id == eve.id)).all()
    assert [event.action for event in events] == ["user.created", "user.password_reset", "user.deactivated"]
    assert {event.user_id for event in events} == {admin.id}
    assert shown_password(page.text) not in str([event.details for event in events])


def test_an_unknown_user_is_not_found(client: FlaskClient) -> None:
    assert client.post("/admin/users/999/password").status_code == 404
    assert client.post("/admin/users/999/active").status_code == 404


def test_failures_are_listed_with_their_reasons(client: FlaskClient, session: Session) -> None:
    assert "Nothing has failed" in client.get("/admin/failures").text
    session.add(IngestFailure(source_name="notes.docx", reason="not a recording"))
    call = make_call(session, state=CallState.FAILED, state_reason="the model ran out of memory")
    session.commit()

    page = client.get("/admin/failures").text

    assert "notes.docx" in page
    assert "not a recording" in page
    assert "the model ran out of memory" in page
    assert f"/calls/{call.id}" not in page  # an administrator may not open it


def add_events(session: Session, count: int, **fields: object) -> None:
    session.add_all(AuditEvent(action="call.viewed", **fields) for _ in range(count))
    session.commit()


def test_the_audit_trail_is_read_page_by_page(client: FlaskClient, session: Session) -> None:
    add_events(session, 60)

    first = client.get("/admin/audit?action=call.viewed").text
    older = re.search(r'href="(/admin/audit\?[^"]*before=\d+)"', first)
    assert older is not None
    second = client.get(older[1].replace("&amp;", "&")).text

    assert first.count("<tr>") - 1 == 50
    assert second.count("<tr>") - 1 == 10
    assert "action=call.viewed" in older[1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("since=2026-11-02&until=2026-11-02", True),  # 17:00 UTC on the 1st is the 2nd in Shanghai
        ("until=2026-11-01", False),
        ("user=1&action=call.viewed", True),
        ("user=999", False),
        ("since=yesterday", True),  # a filter that makes no sense is left out
    ],
)
def test_the_audit_trail_is_filtered(
    client: FlaskClient, session: Session, admin: User, query: str, found: bool
) -> None:
    moment = datetime(2026, 11, 1, 17, 0, tzinfo=UTC)
    add_events(session, 1, user_id=admin.id, at=moment, subject_kind="call", subject_id=4711)

    assert ("4711" in client.get(f"/admin/audit?{query}").text) is found


def test_looking_at_the_audit_trail_leaves_a_trace_itself(client: FlaskClient, session: Session, admin: User) -> None:
    client.get("/admin/audit")

    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "audit.viewed")).one()
    assert event.user_id == admin.id
    assert datetime.now(UTC) - event.at < timedelta(minutes=1)
