"""Logging in and out, the language switch, and what slows down guessing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import AuditEvent, LoginFailure, Role, User
from models.base import now
from qa.people import hash_password
from qa.settings import Settings
from tests.factories import PASSWORD, make_user
from tests.web_client import csrf_token, logged_in, make_app
from web.auth import FAILURES_PER_ADDRESS, FAILURES_PER_LOGIN, THROTTLE_WINDOW


@pytest.fixture
def user(session: Session) -> User:
    user = make_user(session, Role.ADMIN, "dana")
    session.commit()
    return user


@pytest.fixture
def app(settings: Settings, user: User) -> Flask:
    return make_app(settings)


def test_a_right_password_opens_the_start_page(app: Flask) -> None:
    client = app.test_client()

    answer = client.post("/login", data={"login": " Dana ", "password": PASSWORD})

    assert answer.status_code == 302
    assert answer.location == "/"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(("login", "password"), [("dana", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_login_and_a_wrong_password_sound_the_same(app: Flask, login: str, password: str) -> None:
    client = app.test_client()

    answer = client.post("/login", data={"login": login, "password": password}, headers={"Accept-Language": "en"})

    assert answer.status_code == 401
    assert "Login or password is wrong." in answer.text
    assert client.get("/").status_code == 302


def test_an_unknown_login_costs_one_password_check_as_a_known_one_does(
    app: Flask, session: Session, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from web import auth

    user.password_hash = hash_password(PASSWORD)  # as a real one is made
    session.commit()

    checked: list[str] = []
    real = auth.verify_password

    def counted(kept: str, given: str) -> bool:
        checked.append(kept)
        return real(kept, given)

    monkeypatch.setattr(auth, "verify_password", counted)
    client = app.test_client()

    client.post("/login", data={"login": "dana", "password": "wrong"})
    client.post("/login", data={"login": "nobody", "password": "wrong"})

    assert len(checked) == 2
    assert {kept.split("$")[3] for kept in checked} == {checked[0].split("$")[3]}  # the same argon2 parameters


@pytest.mark.parametrize("login", ["dana", "nobody"])
def test_after_five_failures_a_login_waits_even_with_the_right_password(
    app: Flask, session: Session, login: str
) -> None:
    add_failures(session, FAILURES_PER_LOGIN, login=login)

    answer = app.test_client().post("/login", data={"login": login, "password": PASSWORD})

    assert answer.status_code == 429


def test_failures_are_forgiven_after_the_window(app: Flask, session: Session) -> None:
    add_failures(session, FAILURES_PER_LOGIN, login="dana", age=THROTTLE_WINDOW + timedelta(seconds=1))

    answer = app.test_client().post("/login", data={"login": "dana", "password": PASSWORD})

    assert answer.status_code == 302


def test_an_address_that_tries_many_logins_waits(app: Flask, session: Session) -> None:
    for i in range(FAILURES_PER_ADDRESS):
        add_failures(session, 1, login=f"guess{i}")

    assert app.test_client().post("/login", data={"login": "dana", "password": PASSWORD}).status_code == 429
    elsewhere = app.test_client().post(
        "/login", data={"login": "dana", "password": PASSWORD}, environ_base={"REMOTE_ADDR": "192.0.2.7"}
    )
    assert elsewhere.status_code == 302


def test_refused_logins_are_counted_and_a_success_clears_them(app: Flask, session: Session) -> None:
    client = app.test_client()
    for _ in range(FAILURES_PER_LOGIN - 1):
        client.post("/login", data={"login": "dana", "password": "wrong"})
    assert session.scalar(select(func.count()).select_from(LoginFailure)) == FAILURES_PER_LOGIN - 1

    client.post("/login", data={"login": "dana", "password": PASSWORD})

    session.rollback()
    assert session.scalar(select(func.count()).select_from(LoginFailure)) == 0


def test_a_deactivated_user_is_out_at_once(app: Flask, session: Session, user: User) -> None:
    client = logged_in(app, user)
    assert client.get("/").status_code == 200

    user.active = False
    session.commit()

    assert client.get("/").status_code == 302
    assert client.post("/login", data={"login": "dana", "password": PASSWORD}).status_code == 401


def test_a_new_password_ends_sessions_begun_with_the_old_one(app: Flask, session: Session, user: User) -> None:
    client = logged_in(app, user)

    user.password_hash = hash_password("quite another one")
    session.commit()

    assert client.get("/").status_code == 302


def test_logging_in_leaves_nothing_of_the_session_before(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
        cookie["csrf_token"] = "known to somebody else"

    client.post("/login", data={"login": "dana", "password": PASSWORD})

    with client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie.get("csrf_token") != "known to somebody else"


def test_logging_out_needs_a_post_and_ends_the_session(app: Flask, user: User) -> None:
    client = logged_in(app, user)
    assert client.get("/logout").status_code == 405

    assert client.post("/logout").location == "/login"

    assert client.get("/").status_code == 302


def test_logins_and_logouts_are_in_the_audit_trail(app: Flask, session: Session, user: User) -> None:
    logged_in(app, user).post("/logout")

    events = session.execute(select(AuditEvent.action, AuditEvent.user_id, AuditEvent.address)).all()
    assert events == [("login.done", user.id, "127.0.0.1"), ("login.ended", user.id, "127.0.0.1")]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/admin/users?page=2", "/admin/users?page=2"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("/\t/elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_the_way_back_after_login_stays_in_the_application(app: Flask, asked: str, given: str) -> None:
    answer = app.test_client().post("/login", data={"login": "dana", "password": PASSWORD, "next": asked})

    assert answer.location == given


def test_a_page_that_needs_a_login_is_returned_to(app: Flask) -> None:
    answer = app.test_client().get("/admin/users?since=2026-11-01")

    assert answer.location == "/login?next=/admin/users?since%3D2026-11-01"


def test_the_language_is_remembered_by_the_user_and_by_the_browser(app: Flask, session: Session, user: User) -> None:
    client = logged_in(app, user)
    assert '<html lang="en">' in client.get("/").text

    answer = client.post("/language/zh_CN", data={"next": "/admin/users"})

    assert answer.location == "/admin/users"
    assert '<html lang="zh-CN">' in client.get("/").text
    session.refresh(user)
    assert user.locale == "zh_CN"
    client.post("/logout")
    assert '<html lang="zh-CN">' in client.get("/login", headers={"Accept-Language": "en"}).text


@pytest.mark.parametrize(
    ("asked", "given"), [("zh-TW,zh;q=0.9", "zh-CN"), ("de, en-GB;q=0.8", "en"), ("fr", "zh-CN"), ("", "zh-CN")]
)
def test_without_a_choice_the_browser_decides_and_then_the_setting(app: Flask, asked: str, given: str) -> None:
    page = app.test_client().get("/login", headers={"Accept-Language": asked})

    assert f'<html lang="{given}">' in page.text


def test_an_unknown_language_is_not_found(app: Flask) -> None:
    assert app.test_client().post("/language/xx").status_code == 404


def test_a_form_without_its_token_changes_nothing_and_says_why(
    settings: Settings, session: Session, user: User
) -> None:
    app = make_app(settings, csrf=True)
    client = logged_in(app, user)

    answer = client.post("/logout")

    assert answer.status_code == 400
    assert "The form was open for too long" in answer.text
    assert client.get("/").status_code == 200
    token = csrf_token(client.get("/").text)
    assert client.post("/logout", headers={"X-CSRFToken": token}).status_code == 302


def test_the_session_cookie_is_hidden_from_scripts_and_from_other_sites(settings: Settings, user: User) -> None:
    settings.secure_cookies = True
    client = make_app(settings).test_client()

    answer = client.post("/login", data={"login": "dana", "password": PASSWORD})

    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("hotline="))
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Expires=" in cookie


def add_failures(session: Session, count: int, *, login: str, age: timedelta = timedelta()) -> None:
    session.add_all(LoginFailure(login=login, address="127.0.0.1", at=now() - age) for _ in range(count))
    session.commit()
