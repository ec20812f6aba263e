"""The start page of each role, and the pages of the criteria."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from models import CallState, Review, ReviewReason, Role
from qa.settings import Settings
from tests.factories import make_auto_score, make_call, make_scorecard, make_user
from tests.web_client import logged_in, make_app
from tests.web_world import World, open_world


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, _empty_database: Path) -> tuple[Flask, World]:
    return open_world(tmp_path_factory.mktemp("hotline"), _empty_database)


def start_page(built: tuple[Flask, World], role: Role) -> str:
    app, world = built
    return world.client(app, role).get("/").text


def test_a_supervisor_sees_the_own_teams_suspicions_and_scores_only(built: tuple[Flask, World]) -> None:
    page = start_page(built, Role.SUPERVISOR)

    assert "North" in page
    assert "No suspicion is open" in page  # the suspected call is another team's
    assert "0101" in page
    assert "0202" not in page


def test_a_lead_sees_the_whole_centre(built: tuple[Flask, World]) -> None:
    page = start_page(built, Role.LEAD)

    assert "North" in page
    assert "South" in page
    assert "0202" in page


def test_an_agent_sees_released_reviews_only(built: tuple[Flask, World]) -> None:
    _, world = built
    page = start_page(built, Role.AGENT)

    assert set(re.findall(r'href="/reviews/(\d+)"', page)) == {str(world.review.id)}


def test_a_test_caller_sees_own_sheets(built: tuple[Flask, World]) -> None:
    _, world = built
    page = start_page(built, Role.TEST_CALLER)

    assert f"/test-calls/{world.sheet.id}" in page
    assert f"/test-calls/{world.other_sheet.id}" not in page


def test_an_inspector_is_led_to_drafts_first_and_to_new_calls_then(settings: Settings, session: Session) -> None:
    inspector, card = make_user(session), make_scorecard(session)
    fresh, begun = make_call(session), make_call(session)
    for call in (fresh, begun):
        make_auto_score(session, call, card)
    make_call(session, state=CallState.NOT_GRADABLE)
    session.commit()
    client = logged_in(make_app(settings), inspector)
    page = client.get("/").text
    assert f"/reviews/new?call={begun.id}" in page
    assert "Start next" in page

    session.add(Review(call=begun, inspector=inspector, scorecard=card, reason=ReviewReason.RANDOM))
    session.commit()

    page = client.get("/").text
    assert "Continue draft" in page
    assert page.index(f"/reviews/new?call={begun.id}") < page.index(f"/reviews/new?call={fresh.id}")
    assert page.count(f'href="/calls/{begun.id}"') == 0  # no longer among the calls without a review


def test_a_suspicion_is_open_until_a_person_has_decided(built: tuple[Flask, World]) -> None:
    page = start_page(built, Role.LEAD)

    assert "No suspicion is open" in page  # the suspected call has a released review


@pytest.mark.parametrize("role", list(Role))
def test_an_empty_hotline_tells_everyone_what_comes_next(settings: Settings, session: Session, role: Role) -> None:
    user = make_user(session, role)
    session.commit()

    assert logged_in(make_app(settings), user).get("/").status_code == 200


@pytest.mark.parametrize("role", list(Role))
def test_a_start_page_takes_few_queries_however_many_agents(built: tuple[Flask, World], role: Role) -> None:
    app, world = built
    client = world.client(app, role)
    statements: list[str] = []
    engine: Engine = app.extensions["session_factory"].kw["bind"]

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    client.get("/")
    event.remove(engine, "before_cursor_execute", note)

    assert len([statement for statement in statements if statement.startswith("SELECT")]) <= 38


def test_the_criteria_show_items_rules_and_wordings(built: tuple[Flask, World]) -> None:
    app, world = built
    client = world.client(app, Role.AGENT)

    assert "en-bank-hotline" in client.get("/criteria/").text
    page = client.get(f"/criteria/{world.card.id}").text

    for words in (
        "Caller told the call is recorded",  # an item
        'href="#EN-REC"',  # its rule
        "this call is recorded",  # a wording of it
        "The agent says within the first 30 s",  # where it is looked for
        "within 15 s before: a hold begins",
        "Speech rate from 120 to 180 words a minute, net",
        "The call scores 59 at most",
    ):
        assert words in page, words


def test_a_scorecard_that_is_not_there_is_not_found(built: tuple[Flask, World]) -> None:
    app, world = built

    assert world.client(app, Role.LEAD).get("/criteria/999").status_code == 404


def test_the_chinese_scorecard_is_readable_too(settings: Settings, session: Session) -> None:
    user, card = make_user(session, locale="zh_CN"), make_scorecard(session, "zh-mobile")
    session.commit()

    page = logged_in(make_app(settings), user).get(f"/criteria/{card.id}").text

    for words in ("服务规范", "开头语完整", "缺一要素 −2", "一票否决"):
        assert words in page, words
