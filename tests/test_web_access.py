"""Who may open what: the whole URL map, for every role, with real objects behind the addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import Role
from tests.web_world import World, method_of, open_world, rules
from web.access import EVERYBODY, roles_of

PUBLIC = {"auth.login", "auth.log_in", "auth.language", "static"}
BY_TOKEN = {"api.surveys", "api.complaints"}  # other systems come in here: tests/test_api.py


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, _empty_database: Path) -> tuple[Flask, World]:
    return open_world(tmp_path_factory.mktemp("hotline"), _empty_database)


@pytest.fixture
def app(built: tuple[Flask, World]) -> Flask:
    return built[0]


@pytest.fixture
def world(built: tuple[Flask, World]) -> World:
    return built[1]


def ask(client: FlaskClient, method: str, address: str) -> int:
    return client.open(address, method=method).status_code


def test_every_route_says_who_may_open_it(app: Flask) -> None:
    silent = {rule.endpoint for rule in rules(app) if not hasattr(app.view_functions[rule.endpoint], "allowed_roles")}

    assert silent == set()


def test_only_login_language_and_static_files_are_open_to_all(app: Flask) -> None:
    with app.app_context():
        assert {rule.endpoint for rule in rules(app) if roles_of(rule.endpoint) is None} == PUBLIC | BY_TOKEN


def test_nobody_gets_in_without_logging_in(app: Flask, world: World) -> None:
    client = app.test_client()
    inside = [rule for rule in rules(app) if rule.endpoint not in PUBLIC | BY_TOKEN]
    assert len(inside) > 25

    for rule in inside:
        answer = client.open(world.address(app, rule), method=method_of(rule))

        assert answer.status_code == 302, rule
        assert answer.location.startswith("/login"), rule


def test_a_script_without_a_login_is_told_so_in_json(app: Flask, world: World) -> None:
    answer = app.test_client().get("/", headers={"Accept": "application/json"})

    assert answer.status_code == 401
    assert (answer.json or {})["error"]["status"] == 401


def test_a_fragment_without_a_login_leads_the_whole_page_to_the_login(app: Flask, world: World) -> None:
    answer = app.test_client().get("/", headers={"HX-Request": "true"})

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login"


@pytest.mark.slow
@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_its_own_routes_and_no_other(app: Flask, world: World, role: Role) -> None:
    client = world.client(app, role)
    for rule in rules(app):
        with app.app_context():
            allowed = roles_of(rule.endpoint)
        if allowed is None:
            continue
        method = method_of(rule)
        if role not in allowed:
            assert ask(client, method, world.address(app, rule)) == 403, rule
        elif method == "GET":
            status = ask(client, method, world.address(app, rule))
            absent = rule.endpoint in NO_FILE or (rule.endpoint in OWN and role is not OWN[rule.endpoint])
            assert status in (200, 302) or absent, f"{status} from {rule}"


# The calls of this test have a transcript but no sound.
NO_FILE = {"calls.audio", "calls.peaks", "cases.audio", "cases.preview_audio"}
# Somebody's alone: the test caller's planned call, the agent's notification.
OWN = {"test_calls.planned": Role.TEST_CALLER, "notifications.open_one": Role.AGENT}


def test_a_test_caller_reaches_test_calls_and_nothing_else(app: Flask) -> None:
    with app.app_context():
        reachable = {
            rule.endpoint.split(".")[0]
            for rule in rules(app)
            if (roles := roles_of(rule.endpoint)) is not None and Role.TEST_CALLER in roles
        }

    assert reachable == {"auth", "start", "test_calls"}


def test_an_administrator_reaches_no_recording_transcript_or_review(app: Flask) -> None:
    with app.app_context():
        for rule in rules(app):
            if rule.endpoint.split(".")[0] in ("calls", "reviews", "uploads"):
                assert Role.ADMIN not in (roles_of(rule.endpoint) or EVERYBODY), rule


CALL_PAGES = ("", "/audio", "/peaks", "/transcript", "/status")


@pytest.mark.parametrize("page", CALL_PAGES)
def test_an_agent_sees_nothing_of_another_agents_call(app: Flask, world: World, page: str) -> None:
    client = world.client(app, Role.AGENT)

    assert ask(client, "GET", f"/calls/{world.other_call.id}{page}") == 404


@pytest.mark.parametrize("page", CALL_PAGES)
def test_an_agent_sees_nothing_of_an_own_call_before_its_review_is_released(
    app: Flask, world: World, page: str
) -> None:
    client = world.client(app, Role.AGENT)

    assert ask(client, "GET", f"/calls/{world.unreleased_call.id}{page}") == 404


@pytest.mark.parametrize("page", CALL_PAGES)
def test_a_supervisor_sees_nothing_of_another_teams_call(app: Flask, world: World, page: str) -> None:
    client = world.client(app, Role.SUPERVISOR)

    assert ask(client, "GET", f"/calls/{world.other_call.id}{page}") == 404


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
@pytest.mark.parametrize("page", ["", "/trend"])
def test_another_teams_agent_has_no_page_for_them(app: Flask, world: World, role: Role, page: str) -> None:
    client = world.client(app, role)

    assert ask(client, "GET", f"/agents/{world.other_agent.id}{page}") == 404
    assert ask(client, "GET", f"/agents/{world.agent.id}{page}") == 200


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
def test_another_teams_review_has_no_page_for_them(app: Flask, world: World, role: Role) -> None:
    client = world.client(app, role)

    assert ask(client, "GET", f"/reviews/{world.other_review.id}") == 404
    assert ask(client, "GET", f"/reviews/{world.review.id}") == 200


def test_a_test_caller_sees_own_sheets_only(app: Flask, world: World) -> None:
    client = world.client(app, Role.TEST_CALLER)

    assert ask(client, "GET", f"/test-calls/{world.sheet.id}") == 200
    assert ask(client, "GET", f"/test-calls/{world.other_sheet.id}") == 404


def test_lists_show_an_agent_and_a_supervisor_nobody_elses_name(app: Flask, world: World) -> None:
    for role in (Role.AGENT, Role.SUPERVISOR):
        client = world.client(app, role)
        for address in ("/", "/calls/", "/agents/", "/reviews/"):
            page = client.get(address, follow_redirects=True)

            assert page.status_code in (200, 403)
            assert world.other_agent.name not in page.text, (role, address)


def test_the_navigation_leads_only_where_the_user_may_go(app: Flask, world: World) -> None:
    for role in Role:
        client = world.client(app, role)
        navigation = client.get("/").text.split("<nav ")[1].split("</nav>")[0]
        addresses = [part.split('"')[0] for part in navigation.split('href="')[1:]]

        assert addresses
        for address in addresses:
            assert client.get(address, follow_redirects=True).status_code == 200, (role, address)
