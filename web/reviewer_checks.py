"""The monthly check of inspectors' own work."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_login import current_user
from sqlalchemy.orm import joinedload, selectinload

from models import Call, Review, ReviewerCheck, ReviewerCheckEntry, Role, User
from models.base import now
from qa.blind_appeals import contested_of
from qa.criteria import card_of
from qa.periods import Period, PeriodError, PeriodKind
from qa.refusals import Refused
from qa.reviewer_checks import (
    CHECKED_REVIEWS,
    OF_MONTH,
    OF_REVIEW,
    CheckEntry,
    draw_checks,
    items_of,
    save_check,
    submit_check,
    take_over,
    visible_checks,
)
from qa.reviewer_facts import month_facts, review_facts
from scoring.check_sheet import SheetItem
from scoring.scorecard import Scorecard
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.csv_pages import UNPROCESSABLE
from web.db import session
from web.i18n import N_
from web.periods import period_name
from web.refusal_text import refusal_text
from web.test_call_form import CHOICES, NOT_APPLICABLE, SheetChoice, SheetQuestion

bp = Blueprint("reviewer_checks", __name__, url_prefix="/reviewer-checks")

READERS = (Role.INSPECTOR, Role.LEAD)
MONTHS_SHOWN = 12
# The shipped sheet's own sentences, so that the form speaks both languages.
ITEMS = (
    N_("Answers agree with the second opinion"),
    N_("Reason written and specific"),
    N_("Evidence points to the right moment"),
    N_("Fatal item confirmed or cleared rightly"),
    N_("Reviews submitted on time"),
    N_("Coverage even over agents and hours"),
    N_("Marks held in appeals"),
    N_("nobody else scored the call"),
    N_("nothing was marked down"),
    N_("no fatal item was in question"),
    N_("nothing was due"),
    N_("fewer than two reviews"),
    N_("no appeal was decided"),
)


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List the checks: leads those of all others, inspectors their own results."""
    checks = session.scalars(
        visible_checks(reader())
        .options(
            joinedload(ReviewerCheck.inspector),
            joinedload(ReviewerCheck.checker),
            selectinload(ReviewerCheck.entries),
        )
        .order_by(ReviewerCheck.month.desc(), ReviewerCheck.submitted_at.is_not(None), ReviewerCheck.id)
    ).all()
    return render_template(
        "reviewer_checks/index.html",
        checks=checks,
        lead=reader().role is Role.LEAD,
        months=months(),
        named=lambda label: period_name(Period.parse(label)),
        today=now().astimezone(settings.zone).date(),
        count=CHECKED_REVIEWS,
    )


@bp.post("/draw")
@allow(Role.LEAD)
def draw() -> ResponseReturnValue:
    """Draw the checks of the month of the form."""
    try:
        month = asked_month()
        drawn = draw_checks(session, month, by=reader(), zone=settings.zone, address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
        return redirect(url_for("reviewer_checks.index"))
    made, alone = len(drawn.made), [user.name for user in drawn.without_checker]
    session.commit()
    if made:
        flash(ngettext("%(num)s check is drawn.", "%(num)s checks are drawn.", made), "success")
    else:
        flash(gettext("Everybody who submitted reviews in this month has a check already."), "info")
    for name in alone:
        flash(gettext("%(name)s has no check: there is no other lead.", name=name), "warning")
    return redirect(url_for("reviewer_checks.index"))


@bp.get("/<int:check_id>")
@allow(*READERS)
def show(check_id: int) -> ResponseReturnValue:
    """Show a check: the form to the lead who has it, the result to everybody who may read it."""
    check = found_check(check_id)
    seen("reviewer_check.viewed", "reviewer_check", check.id)
    return check_page(check)


@bp.post("/<int:check_id>")
@allow(Role.LEAD)
def enter(check_id: int) -> ResponseReturnValue:
    """Save or submit what was entered; it stays on the page when something is wrong with it."""
    check = found_check(check_id)
    entry = typed_entry(check)
    submit = request.form.get("act") == "submit"
    try:
        if submit:
            submit_check(session, check, entry, by=reader(), address=address())
        else:
            save_check(session, check, entry, by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        return check_page(found_check(check_id), entry, refusal), UNPROCESSABLE
    session.commit()
    flash(gettext("The check is submitted; the inspector was told.") if submit else gettext("Draft saved."), "success")
    return redirect(url_for("reviewer_checks.show", check_id=check_id))


@bp.post("/<int:check_id>/take-over")
@allow(Role.LEAD)
def take(check_id: int) -> ResponseReturnValue:
    """Do a check in another lead's place."""
    try:
        take_over(session, found_check(check_id), by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
    else:
        session.commit()
        flash(gettext("The check is yours now."), "success")
    return redirect(url_for("reviewer_checks.show", check_id=check_id))


def reader() -> User:
    return cast(User, current_user)


def found_check(check_id: int) -> ReviewerCheck:
    """Return the check; 404 when there is none or when it is not the current user's to see."""
    of_review = selectinload(ReviewerCheck.entries).joinedload(ReviewerCheckEntry.review)
    found: ReviewerCheck | None = session.scalar(
        visible_checks(reader())
        .where(ReviewerCheck.id == check_id)
        .options(
            joinedload(ReviewerCheck.inspector),
            joinedload(ReviewerCheck.checker),
            of_review.joinedload(Review.call).joinedload(Call.agent),
            of_review.joinedload(Review.scorecard),
            of_review.selectinload(Review.marks),
        )
    )
    return found or abort(404)


def check_page(check: ReviewerCheck, typed: CheckEntry | None = None, refusal: Refused | None = None) -> str:
    typed = typed or stored_entry(check)
    return render_template(
        "reviewer_checks/show.html",
        check=check,
        month=period_name(Period.parse(check.month)),
        mine=check.checker_id == reader().id and check.submitted_at is None,
        may_take=reader().role is Role.LEAD and check.checker_id != reader().id and check.submitted_at is None,
        typed=typed,
        facts=review_facts(session, check),
        contested=contested_of(session, reader(), [entry.review.call_id for entry in check.entries]),
        month_facts=month_facts(session, check, zone=settings.zone),
        of_review=[question(item) for item in items_of(OF_REVIEW)],
        of_month=[question(item) for item in items_of(OF_MONTH)],
        names={entry.id: item_names(card_of(entry.review.scorecard)) for entry in check.entries},
        problem=refusal_text(refusal) if refusal else None,
        wrong=refusal.field if refusal else None,
    )


def question(item: SheetItem) -> SheetQuestion:
    choices = [SheetChoice(value, gettext(name)) for value, name in CHOICES[item.answer]]
    if item.na:
        name = gettext("Not applicable (%(when)s)", when=gettext(item.na))
        choices.append(SheetChoice(NOT_APPLICABLE, name))
    return SheetQuestion(item.id, gettext(item.name), item.weight, choices, "text", None)


def item_names(card: Scorecard) -> dict[str, str]:
    names = {item.id: item.name for _, item in card.items()}
    return names | {item.id: item.name for item in card.fatal} | {item.id: item.name for item in card.bonus}


def stored_entry(check: ReviewerCheck) -> CheckEntry:
    return CheckEntry(
        month=check.answers,
        reviews={entry.id: entry.answers for entry in check.entries},
        comments={entry.id: entry.comment for entry in check.entries if entry.comment},
        comment=check.comment,
    )


def typed_entry(check: ReviewerCheck) -> CheckEntry:
    form = request.form
    return CheckEntry(
        month={item.id: form.get(f"answer-{item.id}", "") for item in items_of(OF_MONTH)},
        reviews={
            entry.id: {item.id: form.get(f"answer-{entry.id}-{item.id}", "") for item in items_of(OF_REVIEW)}
            for entry in check.entries
        },
        comments={entry.id: form.get(f"comment-{entry.id}", "") for entry in check.entries},
        comment=form.get("comment"),
    )


def asked_month() -> Period:
    try:
        return Period.parse(request.form.get("month", ""))
    except PeriodError:
        raise Refused(N_("Choose a month that has begun."), field="month") from None


def months() -> list[Period]:
    """Return the months that may be drawn for, the newest first."""
    month = Period.containing(now(), settings.zone, PeriodKind.MONTH)
    found = [month]
    while len(found) < MONTHS_SHOWN:
        found.append(found[-1].previous())
    return found
