"""What tests of pages share: an application on a test's own database, and browsers that are logged in."""

from __future__ import annotations

import re
from copy import copy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask
from flask.testing import FlaskClient

from models import User
from qa.settings import Settings
from tests.factories import PASSWORD
from web.app import configure, create_app


@cache
def built() -> Flask:
    """Return an application to copy. The guard against forged forms reads the settings of the one it was made for."""
    with TemporaryDirectory() as folder:
        app = create_app(Settings(var_dir=Path(folder) / "var"))
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def make_app(settings: Settings, *, csrf: bool = False) -> Flask:
    """Return the application; forms need a CSRF token only when `csrf` says so.

    Addresses and templates are the same in every test and are made once; settings and database are the test's own.
    """
    if csrf or settings.trusted_proxies:
        app = create_app(settings)
    else:
        app = copy(built())
        app.config, app.extensions = copy(app.config), dict(app.extensions)
        configure(app, settings)
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
