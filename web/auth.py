"""Log in, log out, choose a language."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext, refresh
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models import LoginFailure, User
from models.base import now
from qa import audit
from qa.people import hash_password, verify_password
from web.access import allow, public
from web.audit import address
from web.context import settings
from web.db import current_factory, session
from web.i18n import LANGUAGES, LOCALE_COOKIE

bp = Blueprint("auth", __name__)

THROTTLE_WINDOW = timedelta(minutes=15)
FAILURES_PER_LOGIN = 5
FAILURES_PER_ADDRESS = 20
FAILURES_KEPT = timedelta(days=1)
LONGEST_INPUT = 200  # characters; a login or password beyond it is refused unread
PASSWORD_MARK = "password"  # noqa: S105 - the cookie's field, not a secret
YEAR = 365 * 24 * 3600


@bp.get("/login")
@public
def login() -> ResponseReturnValue:
    """Show the login form."""
    if current_user.is_authenticated:
        return redirect(safe_target(request.args.get("next")))
    return render_template("auth/login.html", target=request.args.get("next"))


@bp.post("/login")
@public
def log_in() -> ResponseReturnValue:
    """Check login and password; on success begin a fresh session."""
    name = request.form.get("login", "").strip().casefold()[:LONGEST_INPUT]
    password = request.form.get("password", "")[:LONGEST_INPUT]
    # Hashing takes its time by design, and no other request should wait for it: nothing is written until it is done.
    with current_factory()() as reading:
        waiting = throttled(reading, name)
        user = reading.scalar(select(User).where(User.login == name))
    if waiting:
        flash(gettext("Too many attempts. Wait 15 minutes and try again."), "danger")
        return render_template("auth/login.html", target=request.form.get("next"), name=name), 429

    # The same work whether the login exists or not, so that time tells nothing.
    right = verify_password(user.password_hash if user else nobodys_hash(), password)
    if user is None or not right or not user.active:
        note_failure(name)
        flash(gettext("Login or password is wrong."), "danger")
        return render_template("auth/login.html", target=request.form.get("next"), name=name), 401

    begin(user)
    session.execute(delete(LoginFailure).where(LoginFailure.login == name))
    audit.record(session, "login.done", user_id=user.id, subject=("user", user.id), address=address())
    session.commit()
    return redirect(safe_target(request.form.get("next")))


@bp.post("/logout")
@allow()
def logout() -> ResponseReturnValue:
    """End the session."""
    audit.record(session, "login.ended", user_id=current_user.id, address=address())
    session.commit()
    logout_user()
    cookie.clear()
    flash(gettext("You are logged out."), "success")
    return redirect(url_for("auth.login"))


@bp.post("/language/<code>")
@public
def language(code: str) -> ResponseReturnValue:
    """Switch the language, remember it, and return to where the user was."""
    if code not in LANGUAGES:
        abort(404)
    if current_user.is_authenticated:
        user = session.get_one(User, current_user.id)
        user.locale = code
        session.commit()
        refresh()
    response = redirect(safe_target(request.form.get("next")))
    response.set_cookie(
        LOCALE_COOKIE, code, max_age=YEAR, httponly=True, samesite="Lax", secure=settings.secure_cookies
    )
    return response


def throttled(reading: Session, name: str) -> bool:
    """Return whether this login or this address has failed too often of late."""
    since = now() - THROTTLE_WINDOW
    recent = select(func.count()).select_from(LoginFailure).where(LoginFailure.at > since)
    by_login = reading.scalar(recent.where(LoginFailure.login == name)) or 0
    by_address = reading.scalar(recent.where(LoginFailure.address == (address() or ""))) or 0
    return by_login >= FAILURES_PER_LOGIN or by_address >= FAILURES_PER_ADDRESS


def note_failure(name: str) -> None:
    """Keep this failure, and forget those that slow nobody down any more."""
    session.execute(delete(LoginFailure).where(LoginFailure.at < now() - FAILURES_KEPT))
    session.add(LoginFailure(login=name, address=address() or "", at=now()))
    session.commit()


@cache
def nobodys_hash() -> str:
    """Return the hash of a password that nobody has, made by the same parameters as everybody's."""
    return hash_password(secrets.token_urlsafe(16))


def begin(user: User) -> None:
    """Start `user`'s session with nothing left of the one before, so that a planted cookie is worth nothing."""
    cookie.clear()
    cookie.permanent = True  # for PERMANENT_SESSION_LIFETIME after the last request
    cookie[PASSWORD_MARK] = password_mark(user)
    login_user(user)


def password_mark(user: User) -> str:
    """Return a fingerprint of the password's hash: a new password ends every session begun with the old one."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]


def load_user(user_id: str) -> User | None:
    """Return the user of a session cookie; none when deactivated or the password has changed since."""
    user = session.get(User, int(user_id))
    if user is None or not user.active or cookie.get(PASSWORD_MARK) != password_mark(user):
        return None
    return user


def safe_target(target: str | None) -> str:
    """Return `target` when it is a path of this application, else the start page: never another host."""
    start = url_for("start.index")
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return start
    if any(ord(letter) < 33 or letter == "\\" for letter in target):
        return start
    parts = urlsplit(target)
    return start if parts.scheme or parts.netloc else target


def init_app(app: Flask) -> None:
    manager = LoginManager(app)
    manager.session_protection = "strong"
    manager.user_loader(load_user)
