"""The administrator's pages: people who may log in, files that could not be taken in, and the audit trail."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from models import Agent, AuditEvent, Call, CallState, IngestFailure, Role, Team, User
from qa import audit as trail
from qa.people import PersonError, checked_email, create_user, hash_password
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.db import session

bp = Blueprint("admin", __name__, url_prefix="/admin")

PAGE_LENGTH = 50
# Letters and digits that nobody confuses when a password is read out: no 0 O, 1 l I.
PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # noqa: S105 - an alphabet
PASSWORD_LENGTH = 14


class Unfit(ValueError):
    """A form cannot be accepted; the message is for the person who filled it in, in their language."""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that is shown once, right after it was made, and kept nowhere."""

    login: str
    password: str


# --- people ---------------------------------------------------------------------------------------------------


@bp.get("/users")
@allow(Role.ADMIN)
def users() -> ResponseReturnValue:
    """List everyone who may log in."""
    return people_page()


@bp.post("/users")
@allow(Role.ADMIN)
def add_user() -> ResponseReturnValue:
    """Make a login with a password that is shown once."""
    try:
        user, password = new_user()
    except Unfit as problem:
        flash(str(problem), "danger")
        return people_page(), 400
    trail.record(
        session,
        "user.created",
        user_id=current_user.id,
        subject=("user", user.id),
        address=address(),
        role=user.role.value,
    )
    session.commit()
    return people_page(NewPassword(user.login, password))


@bp.post("/users/<int:user_id>/active")
@allow(Role.ADMIN)
def set_active(user_id: int) -> ResponseReturnValue:
    """Let somebody in again, or shut them out at once."""
    user = session.get(User, user_id) or abort(404)
    if user.id == current_user.id:
        flash(gettext("You cannot deactivate yourself."), "danger")
        return redirect(url_for("admin.users"))

    user.active = request.form.get("active") == "yes"
    action = "user.activated" if user.active else "user.deactivated"
    trail.record(session, action, user_id=current_user.id, subject=("user", user.id), address=address())
    session.commit()
    return redirect(url_for("admin.users"))


@bp.post("/users/<int:user_id>/password")
@allow(Role.ADMIN)
def reset_password(user_id: int) -> ResponseReturnValue:
    """Give somebody a new password, shown once; their sessions end."""
    user = session.get(User, user_id) or abort(404)
    password = new_password()
    user.password_hash = hash_password(password)
    trail.record(session, "user.password_reset", user_id=current_user.id, subject=("user", user.id), address=address())
    session.commit()
    return people_page(NewPassword(user.login, password))


@bp.post("/users/<int:user_id>/email")
@allow(Role.ADMIN)
def set_email(user_id: int) -> ResponseReturnValue:
    """Keep the mail address that somebody's notifications go to; an empty one ends the mails."""
    user = session.get(User, user_id) or abort(404)
    try:
        user.email = email_of_form()
    except Unfit as problem:
        flash(str(problem), "danger")
        return people_page(), 400
    trail.record(
        session,
        "user.email_changed",
        user_id=current_user.id,
        subject=("user", user.id),
        address=address(),
        mailed=user.email is not None,
    )
    session.commit()
    flash(gettext("The mail address is stored."), "success")
    return redirect(url_for("admin.users"))


def people_page(shown: NewPassword | None = None) -> str:
    people = session.scalars(
        select(User).options(joinedload(User.agent), joinedload(User.team)).order_by(User.active.desc(), User.login)
    ).all()
    teams = session.scalars(select(Team).order_by(Team.name)).all()
    return render_template("admin/users.html", people=people, teams=teams, roles=list(Role), shown=shown)


def new_user() -> tuple[User, str]:
    """Add the person whom the form describes.

    Raises:
        Unfit: the form is incomplete, or the login is taken.
    """
    form = request.form
    login = form.get("login", "").strip().casefold()
    if not login:
        raise Unfit(gettext("A login cannot be empty."))
    if form.get("role") not in {role.value for role in Role}:
        raise Unfit(gettext("Choose a role."))
    role = Role(form["role"])
    if session.scalar(select(User.id).where(User.login == login)):
        raise Unfit(gettext("The login %(login)s is taken.", login=login))

    agent = agent_of_form() if role is Role.AGENT else None
    team = session.get(Team, form.get("team", 0, type=int)) if role is Role.SUPERVISOR else None
    if role is Role.SUPERVISOR and team is None:
        raise Unfit(gettext("Choose the team that the supervisor looks after."))
    password, name = new_password(), form.get("name", "").strip() or None
    user = create_user(session, login, password, role, name=name, agent=agent, team=team, email=email_of_form())
    return user, password


def email_of_form() -> str | None:
    """Return the mail address of the form, None for an empty one.

    Raises:
        Unfit: it is no mail address.
    """
    try:
        return checked_email(request.form.get("email"))
    except PersonError:
        raise Unfit(gettext("This is not a mail address: %(address)s", address=request.form["email"][:100])) from None


def agent_of_form() -> Agent:
    """Return the agent whose staff number the form names.

    Raises:
        Unfit: there is none, or that agent has a login already.
    """
    number = request.form.get("number", "").strip()
    agent = session.scalar(select(Agent).where(Agent.number == number))
    if agent is None:
        raise Unfit(gettext("No agent has the staff number “%(number)s”.", number=number))
    if session.scalar(select(User.id).where(User.agent_id == agent.id)):
        raise Unfit(gettext("The agent %(number)s has a login already.", number=number))
    return agent


def new_password() -> str:
    return "".join(secrets.choice(PASSWORD_LETTERS) for _ in range(PASSWORD_LENGTH))


# --- files that could not be taken in ---------------------------------------------------------------------------


@bp.get("/failures")
@allow(Role.ADMIN, Role.LEAD)
def failures() -> ResponseReturnValue:
    """List files that never became a call, and calls whose processing failed, with their reasons."""
    files = session.scalars(select(IngestFailure).order_by(IngestFailure.at.desc()).limit(PAGE_LENGTH * 4)).all()
    calls = session.scalars(
        select(Call).where(Call.state == CallState.FAILED).order_by(Call.received_at.desc()).limit(PAGE_LENGTH * 4)
    ).all()
    return render_template("admin/failures.html", files=files, calls=calls)


# --- the audit trail --------------------------------------------------------------------------------------------


@bp.get("/audit")
@allow(Role.ADMIN)
def audit() -> ResponseReturnValue:
    """Show who saw, changed or exported what, newest first."""
    found = session.scalars(
        wanted_events().options(joinedload(AuditEvent.user)).order_by(AuditEvent.id.desc()).limit(PAGE_LENGTH + 1)
    ).all()
    events = found[:PAGE_LENGTH]
    seen("audit.viewed")
    return render_template(
        "admin/audit.html",
        events=events,
        older=events[-1].id if len(found) > PAGE_LENGTH else None,
        actions=session.scalars(select(AuditEvent.action).distinct().order_by(AuditEvent.action)).all(),
        people=session.execute(select(User.id, User.login).order_by(User.login)).all(),
        total=session.scalar(select(func.count()).select_from(AuditEvent)),
    )


def wanted_events() -> Select[AuditEvent]:
    """Return the events that the address asks for; a filter that makes no sense is left out."""
    asked = request.args
    events = select(AuditEvent)
    if before := asked.get("before", type=int):
        events = events.where(AuditEvent.id < before)
    if action := asked.get("action"):
        events = events.where(AuditEvent.action == action)
    if user_id := asked.get("user", type=int):
        events = events.where(AuditEvent.user_id == user_id)
    if since := asked.get("since", type=date.fromisoformat):
        events = events.where(AuditEvent.at >= midnight(since))
    if until := asked.get("until", type=date.fromisoformat):
        events = events.where(AuditEvent.at < midnight(until + timedelta(days=1)))
    return events


def midnight(day: date) -> datetime:
    """Return the beginning of `day` in the hotline's zone."""
    return datetime.combine(day, time(), settings.zone)
