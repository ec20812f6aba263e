"""What people are told: once, in a sentence, counted, read, and forgotten after a while."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from models import Notification, Role, User
from models.base import now
from qa.notifications import KEPT_DAYS, KINDS, filled, forget_old, kind_of, mark_read, notify, notify_agent, unread
from tests.factories import make_agent, make_user
from tests.web_world import World, open_world


@pytest.fixture
def user(session: Session) -> User:
    return make_user(session)


@pytest.fixture
def built(tmp_path: Path, _empty_database: Path) -> tuple[Flask, World]:
    return open_world(tmp_path, _empty_database)


@pytest.fixture
def agent(built: tuple[Flask, World]) -> FlaskClient:
    app, world = built
    return world.client(app, Role.AGENT)


def test_the_same_news_is_told_once(session: Session, user: User) -> None:
    assert notify(session, user.id, "appeal.reminder", once="appeal.reminder:3") is not None
    session.flush()

    assert notify(session, user.id, "appeal.reminder", once="appeal.reminder:3") is None
    assert unread(session, user.id) == 1


def test_an_agent_without_a_login_is_told_nothing(session: Session) -> None:
    assert notify_agent(session, make_agent(session), "review.released") is None
    assert notify_agent(session, None, "review.released") is None


@pytest.mark.parametrize("kind", [*KINDS, "something.new"])
@pytest.mark.parametrize("values", [{}, {"day": "2026-12-01", "agent": "0728", "more": 3}], ids=["bare", "full"])
def test_every_kind_makes_a_sentence_whatever_values_it_brings(kind: str, values: dict[str, Any]) -> None:
    told = Notification(kind=kind, values=values)

    sentence = filled(kind_of(told).sentence, told)

    assert sentence.endswith(".")
    assert "%(" not in sentence


def test_only_own_news_are_marked_read(session: Session, user: User) -> None:
    other = make_user(session)
    mine = [notify(session, user.id, "review.released") for _ in range(3)]
    theirs = notify(session, other.id, "review.released")
    session.flush()
    assert theirs is not None
    assert mine[0] is not None

    assert mark_read(session, user.id, only=theirs.id) == 0
    assert mark_read(session, user.id, only=mine[0].id) == 1
    assert unread(session, user.id) == 2
    assert mark_read(session, user.id) == 2
    assert unread(session, other.id) == 1


def test_old_news_are_forgotten(session: Session, user: User) -> None:
    for days in (1, KEPT_DAYS - 1, KEPT_DAYS + 1):
        told = notify(session, user.id, "review.released")
        assert told is not None
        told.created_at = now() - timedelta(days=days)
    session.flush()

    assert forget_old(session) == 1
    assert session.scalar(select(func.count()).select_from(Notification)) == 2


def test_the_bell_counts_and_the_list_leads_to_the_review(built: tuple[Flask, World], agent: FlaskClient) -> None:
    _, world = built
    assert "2 unread notifications" in agent.get("/").text

    page = agent.get("/notifications/").text
    assert "A review of one of your calls was released." in page
    answer = agent.get(f"/notifications/{world.notification.id}")

    assert answer.status_code == 302
    assert answer.location == f"/reviews/{world.review.id}"
    assert "1 unread notification" in agent.get("/").text


def test_all_can_be_marked_as_read(agent: FlaskClient) -> None:
    answer = agent.post("/notifications/read", follow_redirects=True)

    assert "Mark all as read" not in answer.text
    assert "unread notification" not in answer.text


def test_news_of_somebody_else_are_not_there(built: tuple[Flask, World]) -> None:
    app, world = built

    assert world.client(app, Role.LEAD).get(f"/notifications/{world.notification.id}").status_code == 404


def test_news_about_what_has_no_page_lead_to_the_list(built: tuple[Flask, World], agent: FlaskClient) -> None:
    app, world = built
    with app.extensions["session_factory"]() as session:
        told = notify(session, world.users[Role.AGENT].id, "something.new", subject=("thing", 3))
        session.commit()
    assert told is not None

    assert "There is news for you." in agent.get("/notifications/").text
    assert agent.get(f"/notifications/{told.id}").location == "/notifications/"


def test_the_bell_costs_one_query(built: tuple[Flask, World], agent: FlaskClient) -> None:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    agent.get("/calls/")
    event.listen(Engine, "before_cursor_execute", note)
    try:
        agent.get("/calls/")
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert len([statement for statement in asked if "notifications" in statement]) == 1


def test_an_administrator_keeps_mail_addresses(built: tuple[Flask, World]) -> None:
    app, world = built
    client, address = world.client(app, Role.ADMIN), f"/admin/users/{world.users[Role.AGENT].id}/email"

    assert client.post(address, data={"email": "dana@hotline.test"}).status_code == 302
    assert 'value="dana@hotline.test"' in client.get("/admin/users").text
    assert client.post(address, data={"email": "dana at hotline"}).status_code == 400
    assert 'value="dana@hotline.test"' in client.get("/admin/users").text
    client.post(address, data={"email": ""})
    assert "dana@hotline.test" not in client.get("/admin/users").text
