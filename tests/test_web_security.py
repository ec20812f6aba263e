"""What browsers are told, what pages contain, and what an error gives away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask, url_for

from models import Role
from qa.settings import Settings, SettingsError
from tests.web_client import make_app
from tests.web_world import World, method_of, open_world, rules
from web.access import roles_of
from web.app import create_app

# Roles that between them open every page.
READERS = (Role.LEAD, Role.ADMIN, Role.TEST_CALLER, Role.AGENT, Role.INSPECTOR)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, _empty_database: Path) -> tuple[Flask, World]:
    return open_world(tmp_path_factory.mktemp("hotline"), _empty_database, demo=True)


@pytest.fixture(scope="module")
def pages(built: tuple[Flask, World]) -> dict[str, str]:
    """Every HTML page of the application by role and route, each opened by those who may."""
    app, world = built
    found = {"anonymous /login": app.test_client().get("/login").text}
    for role in READERS:
        client = world.client(app, role)
        for rule in rules(app):
            with app.app_context():
                roles = roles_of(rule.endpoint)
            if method_of(rule) != "GET" or role not in (roles or ()):
                continue
            answer = client.get(world.address(app, rule))
            if answer.status_code == 200 and answer.mimetype == "text/html":
                found[f"{role.value} {rule.rule}"] = answer.text
    assert len(found) > 25
    return found


def test_no_page_names_another_host(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        elsewhere = re.findall(r'(?:src|href|action|srcset|content|hx-\w+)="((?:https?:)?//[^"]*)"', page)
        assert elsewhere == [], name
        assert "@import" not in page, name


def test_no_page_has_an_inline_script_or_style(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page) == [], name
        assert re.findall(r"<[^>]+\sstyle=", page) == [], name
        assert re.findall(r"<style", page) == [], name
        assert re.findall(r"<[^>]+\son[a-z]+=", page) == [], name
        assert "javascript:" not in page, name


def test_every_page_says_its_language_has_one_title_and_a_way_past_the_navigation(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        if "<!doctype html>" not in page:  # a fragment of a page
            continue
        assert '<html lang="en">' in page or '<html lang="zh-CN">' in page, name
        assert len(re.findall(r"<h1[ >]", page)) == 1, name
        assert 'href="#content"' in page, name
        assert 'id="content"' in page, name


def test_every_page_of_a_demonstration_says_that_it_is_one(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        if "<!doctype html>" in page:
            assert 'class="demo-banner"' in page, name


def test_every_form_that_changes_something_carries_a_csrf_token(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        for form in re.findall(r"<form\b.*?</form>", page, flags=re.DOTALL):
            if re.search(r'method="post"', form, flags=re.IGNORECASE):
                assert 'name="csrf_token"' in form, name


def test_ids_are_used_once_in_a_page(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert sorted(ids) == sorted(set(ids)), name


def test_every_answer_carries_the_security_headers(built: tuple[Flask, World]) -> None:
    app, world = built
    client = world.client(app, Role.LEAD)
    for address in ("/", "/login", "/nothing-here", "/static/app.css", "/calls/", "/admin/users"):
        with client.get(address) as answer:
            headers = answer.headers

        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "microphone=()" in headers["Permissions-Policy"]
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert {"form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'"}.items() <= policy.items()


def test_private_pages_are_kept_nowhere_and_static_files_are(built: tuple[Flask, World]) -> None:
    app, world = built
    client = world.client(app, Role.LEAD)

    assert client.get("/").headers["Cache-Control"] == "no-store"
    assert client.get("/nothing-here").headers["Cache-Control"] == "no-store"
    with app.test_request_context():
        script = url_for("static", filename="review.js")
    with client.get(script) as kept:
        assert "immutable" in kept.headers["Cache-Control"]
    for other in ("/static/app.css", "/static/v/of-yesterday/app.css"):
        with client.get(other) as asked_for_each_time:
            assert asked_for_each_time.headers["Cache-Control"] == "public, no-cache"
    with client.get(script.replace("review.js", "app.js")) as imported:  # as review.js names it: ./app.js
        assert "immutable" in imported.headers["Cache-Control"]


def test_the_style_nonce_is_new_for_each_answer(built: tuple[Flask, World]) -> None:
    app, _ = built
    first, second = (app.test_client().get("/login") for _ in range(2))

    nonces = [re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"]) for answer in (first, second)]

    assert nonces[0] is not None
    assert nonces[1] is not None
    assert nonces[0][1] != nonces[1][1]
    assert nonces[0][1] in first.text


def test_https_is_demanded_for_good_once_cookies_are_secure(settings: Settings) -> None:
    settings.secure_cookies = True
    answer = make_app(settings).test_client().get("/login")

    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_a_request_for_another_host_name_is_refused(built: tuple[Flask, World]) -> None:
    app, _ = built

    assert app.test_client().get("/login", headers={"Host": "elsewhere.example"}).status_code == 400
    assert app.test_client().get("/login", headers={"Host": "127.0.0.1:8000"}).status_code == 200


def test_an_upload_over_the_limit_is_refused_with_advice(settings: Settings) -> None:
    settings.max_upload_mb = 1
    client = make_app(settings, csrf=True).test_client()

    answer = client.post("/login", data=b"x" * (2 << 20), headers={"Accept-Language": "en"})

    assert answer.status_code == 413
    assert "The file is too large" in answer.text


def test_a_crash_gives_away_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(settings)  # the database has no tables: every query fails

    page = app.test_client().post("/login", data={"login": "x", "password": "y"}, headers={"Accept-Language": "en"})

    assert page.status_code == 500
    assert "Something went wrong on our side" in page.text
    for secret in ("Traceback", "sqlite", "SELECT", "login_failures"):
        assert secret not in page.text


@pytest.mark.parametrize(("status", "address"), [(404, "/nothing-here"), (405, "/logout")])
def test_scripts_are_told_errors_in_one_shape(built: tuple[Flask, World], status: int, address: str) -> None:
    app, world = built
    for headers in ({"Accept": "application/json"}, {"HX-Request": "true"}):
        answer = world.client(app, Role.LEAD).get(address, headers=headers)

        assert answer.status_code == status
        assert (answer.json or {})["error"].keys() == {"status", "message", "advice"}


def test_errors_are_told_in_both_languages(built: tuple[Flask, World]) -> None:
    app, _ = built

    english = app.test_client().get("/nothing-here", headers={"Accept-Language": "en"}).text
    chinese = app.test_client().get("/nothing-here", headers={"Accept-Language": "zh-CN"}).text

    assert "There is nothing here" in english
    assert "There is nothing here" not in chinese


def test_a_server_that_others_can_reach_needs_a_key_of_its_own(settings: Settings) -> None:
    settings.host = "0.0.0.0"

    with pytest.raises(SettingsError, match="HOTLINE_SECRET_KEY"):
        create_app(settings)
