"""News for the current user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Blueprint, abort, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select

from models import Notification, Role, User
from models.session import transaction
from qa.notifications import KEPT_DAYS, filled, kind_of, mark_read, unread
from web.access import allow, may_visit
from web.db import current_factory, session

bp = Blueprint("notifications", __name__, url_prefix="/notifications")

READERS = (Role.AGENT, Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
SHOWN = 100
# The page of what a piece of news is about, by the kind of its subject.
PAGES = {
    "review": "reviews.show",
    "appeal": "appeals.show",
    "reexamination": "appeals.reexaminations",
    "calibration": "calibration.show",
    "reviewer_check": "reviewer_checks.show",
    "coaching": "coaching.show",
    "case": "cases.show",
    "call": "calls.show",
}


@dataclass(frozen=True, slots=True)
class News:
    """One line of the list."""

    id: int
    text: str
    icon: str
    at: datetime
    read: bool
    leads_on: bool  # there is a page about it that the reader may open


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List the current user's news, unread ones first."""
    found = session.scalars(
        select(Notification)
        .where(Notification.user_id == reader().id)
        .order_by(Notification.read_at.is_not(None), Notification.created_at.desc(), Notification.id.desc())
        .limit(SHOWN)
    ).all()
    return render_template("notifications/index.html", news=[news_of(told) for told in found], kept_days=KEPT_DAYS)


@bp.get("/<int:notification_id>")
@allow(*READERS)
def open_one(notification_id: int) -> ResponseReturnValue:
    """Lead to what a piece of news is about; from then on it is read."""
    told = session.scalar(
        select(Notification).where(Notification.id == notification_id, Notification.user_id == reader().id)
    )
    if told is None:
        abort(404)
    target = target_of(told)
    if told.read_at is None:
        session.rollback()  # this request has read; the note is written in a transaction of its own
        with transaction(current_factory()) as writing:
            mark_read(writing, reader().id, only=notification_id)
    return redirect(target or url_for("notifications.index"))


@bp.post("/read")
@allow(*READERS)
def read_all() -> ResponseReturnValue:
    """Mark all news as read."""
    mark_read(session, reader().id)
    session.commit()
    return redirect(url_for("notifications.index"))


@bp.app_context_processor
def bell() -> dict[str, object]:
    """Give every page the number of unread news, counted when it is asked for."""
    return {"unread_news": lambda: unread(session, reader().id)}


def reader() -> User:
    return cast(User, current_user)


def news_of(told: Notification) -> News:
    kind = kind_of(told)
    return News(
        id=told.id,
        text=filled(gettext(kind.sentence), told),
        icon=kind.icon,
        at=told.created_at,
        read=told.read_at is not None,
        leads_on=target_of(told) is not None,
    )


def target_of(told: Notification) -> str | None:
    """Return the address of what a piece of news is about; None when there is no page for it."""
    endpoint = PAGES.get(told.subject_kind or "")
    if endpoint is None or endpoint not in current_app.view_functions or not may_visit(endpoint):
        return None
    places = next(current_app.url_map.iter_rules(endpoint)).arguments
    if len(places) > 1:
        return None
    return url_for(endpoint, **dict.fromkeys(places, told.subject_id))
