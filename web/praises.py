"""Customers' praise: the list, striking out what is none, and import."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy.orm import joinedload

from models import Praise, Role, User
from qa.praises import COLUMNS, REQUIRED, import_praises, strike, visible_praises
from qa.refusals import Refused
from qa.schemes import scheme_for
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.csv_pages import UNPROCESSABLE, empty_csv, imported
from web.db import session
from web.i18n import N_
from web.periods import asked_period
from web.refusal_text import refusal_text

bp = Blueprint("praises", __name__, url_prefix="/praises")

READERS = (Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
PAGE_SIZE = 50
MEANINGS = {
    "external_id": N_("The other system's own number: the same one again changes nothing"),
    "received_at": N_("When it was received"),
    "happened_at": N_("What day it is about, when the call is not known; if empty: when it was received"),
    "channel": N_("How it came in"),
    "summary": N_("What is praised"),
    "call": N_("The telephone system's id of the call, or #123 for our own number"),
    "agent": N_("Staff number; not needed when the call is known"),
}


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List the praise that the current user may read, newest first."""
    return list_page()


@bp.post("/<int:praise_id>/strike")
@allow(Role.LEAD)
def strike_out(praise_id: int) -> ResponseReturnValue:
    """Let a praise count no longer."""
    praise = session.scalar(visible_praises(reader()).where(Praise.id == praise_id)) or abort(404)
    try:
        strike(session, praise, request.form.get("reason", ""), by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        return list_page(problem=refusal_text(refusal), asked=praise_id), UNPROCESSABLE
    session.commit()
    flash(gettext("The praise counts no longer."), "success")
    return redirect(url_for("praises.index"))


@bp.get("/import")
@allow(Role.LEAD)
def import_csv() -> ResponseReturnValue:
    """Show what a file of praise looks like, and take one."""
    return import_page()


@bp.post("/import")
@allow(Role.LEAD)
def take_csv() -> ResponseReturnValue:
    """Import a file: good lines are stored, bad ones listed with their reason."""
    return imported(
        lambda content: import_praises(session, content, by=reader(), zone=settings.zone, address=address()),
        import_page,
    )


@bp.get("/template")
@allow(Role.LEAD)
def template() -> ResponseReturnValue:
    """Send an empty file with the columns of a praise."""
    return empty_csv(COLUMNS, "praises.csv")


def reader() -> User:
    return cast(User, current_user)


def list_page(*, problem: str | None = None, asked: int | None = None) -> str:
    page = max(1, request.args.get("page", 1, type=int))
    rows = session.scalars(
        visible_praises(reader())
        .options(joinedload(Praise.agent), joinedload(Praise.call), joinedload(Praise.struck_by))
        .order_by(Praise.received_at.desc(), Praise.id.desc())
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    ).all()
    seen("praises.viewed")
    return render_template(
        "sources/praises.html",
        rows=rows[:PAGE_SIZE],
        more=len(rows) > PAGE_SIZE,
        page=page,
        scheme=scheme_for(session, asked_period()),
        problem=problem,
        asked=asked,
        may_strike=reader().role is Role.LEAD,
    )


def import_page(**found: Any) -> str:
    return render_template(
        "sources/import.html",
        title=N_("Import praise"),
        back=url_for("praises.index"),
        action=url_for("praises.take_csv"),
        empty=url_for("praises.template"),
        meanings=MEANINGS,
        required=REQUIRED,
        **found,
    )
