"""The pages around the scores: periods that are published, versions of the scheme, and the indicators."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_login import current_user

from models import PublishedPeriod, Role, User
from models.base import now
from qa import audit
from qa.agent_scores import open_book
from qa.indicators import WITHOUT_SOURCE, indicator_system, measured_indicators
from qa.periods import Period, PeriodError, PeriodKind
from qa.published import adjust, changes_since, pending, publish, published_period, published_periods, verify
from qa.refusals import Refused
from qa.schemes import scheme_for, scheme_of, scheme_versions, store_scheme
from qa.score_export import PARTS
from scoring.agent_score import load_scheme
from scoring.criteria_file import CriteriaError
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.db import session
from web.i18n import N_
from web.periods import asked_period, choices, period_name
from web.refusal_text import refusal_text
from web.score_words import (
    CAUSES,
    CHANGES,
    EVERY,
    LEVELS,
    OWNERS,
    SIDES,
    SOURCES,
    VERDICTS,
    in_page_language,
    in_unit,
    target_text,
)

bp = Blueprint("score_pages", __name__, url_prefix="/scores")

READERS = (Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
UNPROCESSABLE = 422
OFFERED = 6  # closed months that a lead may choose from without typing
MAX_SCHEME = 100_000  # bytes


@bp.get("/periods")
@allow(Role.LEAD)
def periods() -> ResponseReturnValue:
    """Show which periods are published and which could be, and what changed since in the one that is asked for."""
    return periods_page()


@bp.post("/periods/publish")
@allow(Role.LEAD)
def publish_period() -> ResponseReturnValue:
    """Close the period of the form."""
    try:
        period = form_period("period")
        closed = publish(session, period, zone=settings.zone, by=reader(), note=note(), address=address())
    except Refused as refusal:
        session.rollback()
        return periods_page(problem=refusal_text(refusal)), UNPROCESSABLE
    count = len(closed.scores)
    session.commit()
    flash(
        ngettext(
            "%(period)s is published: %(num)s score is stored with what it was made from.",
            "%(period)s is published: %(num)s scores are stored with what they were made from.",
            count,
            period=period_name(period),
        ),
        "success",
    )
    return redirect(url_for("score_pages.periods", period=period.label))


@bp.post("/periods/verify")
@allow(Role.LEAD)
def verify_period() -> ResponseReturnValue:
    """Make every score of the published period of the form again and show what came out."""
    try:
        closed = form_published("period")
    except Refused as refusal:
        return periods_page(problem=refusal_text(refusal)), UNPROCESSABLE
    found = verify(session, closed)
    audit.record(
        session,
        "scores.verified",
        user_id=reader().id,
        subject=("published_period", closed.id),
        address=address(),
        period=closed.label,
        proven=found.proven,
    )
    session.commit()
    return periods_page(shown=closed, verified=found)


@bp.post("/periods/adjust")
@allow(Role.LEAD)
def adjust_period() -> ResponseReturnValue:
    """Book what changed since the period of the form was published into an open one."""
    try:
        closed = form_published("period")
        into = form_period("into")
        made = adjust(session, closed, into, reason=request.form.get("reason", ""), by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        return periods_page(problem=refusal_text(refusal)), UNPROCESSABLE
    count = len(made)
    session.commit()
    flash(
        ngettext(
            "%(num)s adjustment counts in %(period)s.",
            "%(num)s adjustments count in %(period)s.",
            count,
            period=period_name(into),
        ),
        "success",
    )
    return redirect(url_for("score_pages.periods", period=closed.label))


@bp.get("/schemes")
@allow(*READERS)
def schemes() -> ResponseReturnValue:
    """Show by which weights and rules scores are made, now and before."""
    return schemes_page()


@bp.post("/schemes")
@allow(Role.LEAD)
def add_scheme() -> ResponseReturnValue:
    """Store the scheme of the uploaded YAML file as a new version."""
    try:
        text = uploaded_scheme()
        scheme = load_scheme(text)
        store_scheme(
            session,
            scheme,
            valid_from=form_day("valid_from"),
            reason=request.form.get("reason", ""),
            by=reader(),
            address=address(),
        )
    except CriteriaError as error:
        session.rollback()
        return schemes_page(problem=gettext("The file cannot be used:"), lines=str(error).splitlines()), UNPROCESSABLE
    except Refused as refusal:
        session.rollback()
        return schemes_page(problem=refusal_text(refusal)), UNPROCESSABLE
    session.commit()
    flash(gettext("Version %(version)s of the scheme is stored.", version=scheme.version), "success")
    return redirect(url_for("score_pages.schemes"))


@bp.get("/indicators")
@allow(*READERS)
def indicators() -> ResponseReturnValue:
    """Show the indicator system with the values of the centre in a period, as far as they can be worked out."""
    period = asked_period()
    book = open_book(session, period, zone=settings.zone)
    # A supervisor sees the own team's scores alone; the system itself is no secret.
    measured = {} if reader().role is Role.SUPERVISOR else measured_indicators(session, book, zone=settings.zone)
    seen("scores.viewed", period=period.label)
    return render_template(
        "scores/indicators.html",
        system=indicator_system(),
        measured=measured,
        unsourced=WITHOUT_SOURCE,
        period=period,
        choices=list(choices(period)),
        sources=SOURCES,
        sides=SIDES,
        every=EVERY,
        levels=LEVELS,
        owners=OWNERS,
        verdicts=VERDICTS,
        in_unit=in_unit,
        in_page_language=in_page_language,
        target_text=target_text,
    )


def periods_page(*, problem: str | None = None, shown: PublishedPeriod | None = None, verified: object = None) -> str:
    published = published_periods(session)
    period = asked_period() if shown is None else Period.parse(shown.label)
    shown = shown or published_period(session, period)
    labels = {one.label for one in published}
    offered = [one for one in closed_periods(period.kind) if one.label not in labels]
    return render_template(
        "scores/periods.html",
        problem=problem,
        published=[(Period.parse(one.label), one) for one in published],
        offered=offered,
        period=period,
        shown=shown,
        verified=verified,
        changes=changes_since(session, shown) if shown else [],
        open_periods=list(open_periods(period, labels)),
        pending=None if shown else pending(session, period, zone=settings.zone),
        over=period.bounds(settings.zone)[1] <= now(),
        choices=list(choices(period)),
        causes=CAUSES,
        changes_names=CHANGES,
    )


def schemes_page(*, problem: str | None = None, lines: list[str] | None = None) -> str:
    today = Period.containing(now(), settings.zone, PeriodKind.MONTH)
    return render_template(
        "scores/schemes.html",
        problem=problem,
        lines=lines or [],
        current=scheme_for(session, today),
        versions=[(one, scheme_of(one)) for one in scheme_versions(session)],
        month=today,
        next_month=today.next(),
        parts=PARTS,
        may_change=reader().role is Role.LEAD,
    )


def closed_periods(kind: PeriodKind) -> Iterator[Period]:
    """Yield the last periods of a kind that are over, newest first."""
    period = Period.containing(now(), settings.zone, kind)
    for _ in range(OFFERED):
        period = period.previous()
        yield period


def open_periods(after: Period, published: set[str]) -> Iterator[Period]:
    """Yield the open periods after one, of its kind, up to now."""
    last = Period.containing(now(), settings.zone, after.kind)
    period = after.next()
    while period.first_day <= last.first_day:
        if period.label not in published:
            yield period
        period = period.next()


def reader() -> User:
    return cast(User, current_user)


def note() -> str | None:
    return request.form.get("note", "").strip() or None


def form_period(name: str) -> Period:
    try:
        return Period.parse(request.form.get(name, ""))
    except PeriodError:
        raise Refused(N_("Choose a period."), field=name) from None


def form_published(name: str) -> PublishedPeriod:
    period = form_period(name)
    closed = published_period(session, period)
    if closed is None:
        raise Refused(N_("%(period)s is not published."), field=name, period=period.label)
    return closed


def form_day(name: str) -> date:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise Refused(N_("Choose the day from which the scheme is in force."), field=name) from None


def uploaded_scheme() -> str:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Refused(N_("Choose the YAML file of the scheme."), field="file")
    content = file.read(MAX_SCHEME + 1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(N_("The file is not UTF-8 text: save it as UTF-8."), field="file") from None
    if len(content) > MAX_SCHEME:
        raise Refused(N_("The file is too large to be a scheme."), field="file")
    return text
