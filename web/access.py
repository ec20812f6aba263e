"""Who may open which page. Every view says so itself; a view that says nothing is closed to all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from models import Role

View = TypeVar("View", bound=Callable[..., Any])

EVERYBODY = frozenset(Role)
log = logging.getLogger(__name__)


def allow(*roles: Role) -> Callable[[View], View]:
    """Open a view to users of `roles`; with no role named, to everyone who is logged in."""

    def declare(view: View) -> View:
        view.allowed_roles = frozenset(roles) or EVERYBODY  # type: ignore[attr-defined]
        return view

    return declare


def public(view: View) -> View:
    """Open a view to people who are not logged in."""
    view.allowed_roles = None  # type: ignore[attr-defined]
    return view


def roles_of(endpoint: str) -> frozenset[Role] | None:
    """Return the roles that may open `endpoint`; None when it is public; nobody when it does not say."""
    view = current_app.view_functions.get(endpoint)
    roles: frozenset[Role] | None = getattr(view, "allowed_roles", frozenset())
    return roles


def may_visit(endpoint: str) -> bool:
    """Return whether the current user's role opens `endpoint`; which rows they see there is the view's own matter."""
    roles = roles_of(endpoint)
    return roles is None or bool(current_user.is_authenticated and current_user.role in roles)


def guard() -> ResponseReturnValue | None:
    """Stop a request whose user may not open the page; runs before every view."""
    endpoint = request.endpoint
    if endpoint is None:  # no such address: the router's own 404 or 405 follows
        return None
    if may_visit(endpoint):
        return None
    if not roles_of(endpoint):
        log.error("view %s does not say who may open it", endpoint)
    if current_user.is_authenticated:
        abort(403)
    return to_login()


def to_login() -> ResponseReturnValue:
    """Send a person to the login page and back afterwards; tell a script in its own way."""
    if "HX-Request" in request.headers:
        return "", 401, {"HX-Redirect": url_for("auth.login")}
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        abort(401)
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.login", next=back if back != "/" else None))


def init_app(app: Flask) -> None:
    app.before_request(guard)
    app.jinja_env.globals["may_visit"] = may_visit
