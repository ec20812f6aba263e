"""What tests of pages share: an application on a test's own database, and browsers that are logged in."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

from models import User
from qa.settings import Settings
from tests.factories import PASSWORD
from web.app import create_app


def make_app(settings: Settings, *, csrf: bool = False) -> Flask:
    """Return the application; forms need a CSRF token only when `csrf` says so."""
    app = create_app(settings)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=csrf, PROPAGATE_EXCEPTIONS=False)
    return app


def logged_in(app: Flask, user: User) -> FlaskClient:
    """Return a client whose user went through the login form; commit the user first."""
    client = app.test_client()
    form = {"login": user.login, "password": PASSWORD}
    if app.config["WTF_CSRF_ENABLED"]:
        form["csrf_token"] = csrf_token(client.get("/login").text)
    answer = client.post("/login", data=form)
    assert answer.status_code == 302, answer.text
    return client


def csrf_token(page: str) -> str:
    """Return the token that the page's forms carry."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found is not None
    return found[1]
