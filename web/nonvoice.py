"""Reviews of written work: the list, the form, one review with the words it rests on, release and import."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import Agent, NonVoiceChannel, NonVoiceReview, ReviewReason, Role, User
from qa.nonvoice import (
    HEAD,
    NonVoiceEntry,
    WrittenRecord,
    enter_nonvoice_review,
    import_nonvoice_reviews,
    nonvoice_sheet,
    release_nonvoice_review,
    visible_nonvoice_reviews,
)
from qa.people import staff_number
from qa.refusals import Refused
from qa.sources import SourceError, parse_time
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.csv_pages import UNPROCESSABLE, empty_csv, imported
from web.db import session
from web.i18n import N_, REVIEW_REASONS
from web.listing import listed
from web.refusal_text import refusal_text
from web.test_call_form import answer_name, item_name, question_groups

bp = Blueprint("nonvoice", __name__, url_prefix="/non-voice")

READERS = (Role.AGENT, Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
REVIEWERS = (Role.INSPECTOR, Role.LEAD)
CHANNELS = {
    NonVoiceChannel.CHAT: N_("Chat"),
    NonVoiceChannel.SMS: N_("Text message"),
    NonVoiceChannel.EMAIL: N_("E-mail"),
    NonVoiceChannel.TICKET: N_("Ticket"),
    NonVoiceChannel.BACK_OFFICE: N_("Back office"),
}
MEANINGS = {
    "channel": N_("chat, sms, email, ticket or back_office"),
    "reference": N_("The record's number in its own system"),
    "handled_at": N_("When the agent dealt with it"),
    "agent": N_("Staff number"),
    "reason": N_("random, targeted or complaint"),
    "comment": N_("For the agent; may be empty"),
    "W1 …": N_("One column per item of the sheet"),
    "W1.remark": N_("The written words that a lost point rests on"),
}


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List the reviews of written work that the current user may read, newest first."""
    reviews = listed(
        visible_nonvoice_reviews(reader()),
        NonVoiceReview.channel,
        CHANNELS,
        asked="channel",
        order=(NonVoiceReview.handled_at.desc(), NonVoiceReview.id.desc()),
        options=(joinedload(NonVoiceReview.agent), joinedload(NonVoiceReview.inspector)),
    )
    return render_template("sources/nonvoice.html", listing=reviews, channels=CHANNELS)


@bp.get("/new")
@allow(*REVIEWERS)
def new() -> ResponseReturnValue:
    """Show an empty sheet."""
    return form_page()


@bp.post("/new")
@allow(*REVIEWERS)
def enter() -> ResponseReturnValue:
    """Score and keep a review; what was typed stays on the page when something is wrong with it."""
    form = request.form
    items = [item.id for item in nonvoice_sheet().items]
    try:
        entry = NonVoiceEntry(
            {item: form.get(f"answer-{item}", "").strip() for item in items},
            ReviewReason(chosen("reason", REVIEW_REASONS)),
            {item: text for item in items if (text := form.get(f"remark-{item}", "").strip())},
            form.get("comment"),
        )
        review = enter_nonvoice_review(session, typed_record(), entry, inspector=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        return form_page(refusal), UNPROCESSABLE
    session.commit()
    flash(gettext("The review is stored. Release it when the agent may see it."), "success")
    return redirect(url_for("nonvoice.show", nonvoice_id=review.id))


@bp.get("/<int:nonvoice_id>")
@allow(*READERS)
def show(nonvoice_id: int) -> ResponseReturnValue:
    """Show one review."""
    review = found(nonvoice_id)
    seen("nonvoice_review.viewed", "nonvoice_review", review.id)
    sheet = nonvoice_sheet()
    may_release = review.released_at is None and (reader().role is Role.LEAD or review.inspector_id == reader().id)
    return render_template(
        "sources/nonvoice_review.html",
        review=review,
        groups=list(question_groups(sheet)),
        answer_name=lambda item, value: answer_name(sheet, item, str(value)),
        channels=CHANNELS,
        may_release=may_release,
    )


@bp.post("/<int:nonvoice_id>/release")
@allow(*REVIEWERS)
def release(nonvoice_id: int) -> ResponseReturnValue:
    """Show a review to its agent."""
    review = found(nonvoice_id)
    try:
        release_nonvoice_review(session, review, by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
    else:
        session.commit()
        flash(gettext("The review is released."), "success")
    return redirect(url_for("nonvoice.show", nonvoice_id=nonvoice_id))


@bp.get("/import")
@allow(*REVIEWERS)
def import_csv() -> ResponseReturnValue:
    """Show what a file of reviews looks like, and take one."""
    return import_page()


@bp.post("/import")
@allow(*REVIEWERS)
def take_csv() -> ResponseReturnValue:
    """Import a file: good lines are stored, bad ones listed with their reason."""
    return imported(
        lambda content: import_nonvoice_reviews(session, content, by=reader(), zone=settings.zone, address=address()),
        import_page,
    )


@bp.get("/template")
@allow(*REVIEWERS)
def template() -> ResponseReturnValue:
    """Send an empty file with the columns of the sheet."""
    items = [item.id for item in nonvoice_sheet().items]
    return empty_csv([*HEAD, *items, *(f"{item}.remark" for item in items)], "non-voice-reviews.csv")


def reader() -> User:
    return cast(User, current_user)


def found(nonvoice_id: int) -> NonVoiceReview:
    review: NonVoiceReview = session.scalar(
        visible_nonvoice_reviews(reader())
        .where(NonVoiceReview.id == nonvoice_id)
        .options(joinedload(NonVoiceReview.agent), joinedload(NonVoiceReview.inspector))
    ) or abort(404)
    return review


def typed_record() -> WrittenRecord:
    """Return what the form says is reviewed.

    Raises:
        Refused: a field is missing or wrong.
    """
    number = staff_number(request.form.get("agent", ""))
    agent = session.scalar(select(Agent).where(Agent.number == number))
    if agent is None:
        raise Refused(N_("There is no agent with the number %(number)s."), field="agent", number=number[:40])
    channel = NonVoiceChannel(chosen("channel", CHANNELS))
    return WrittenRecord(channel, request.form.get("reference", ""), typed_time(), agent)


def chosen(name: str, values: Any) -> str:
    value = request.form.get(name, "")
    if value not in values:
        raise Refused(N_("Fill in this field."), field=name)
    return value


def typed_time() -> datetime:
    text = request.form.get("handled_at", "")
    try:
        return parse_time(text, settings.zone)
    except SourceError:
        raise Refused(
            N_("%(text)s is no time: write 2026-11-18 14:32:05."), field="handled_at", text=text[:40]
        ) from None


def form_page(refusal: Refused | None = None) -> str:
    return render_template(
        "sources/nonvoice_form.html",
        groups=list(question_groups(nonvoice_sheet())),
        channels=CHANNELS,
        reasons=REVIEW_REASONS,
        typed=request.form,
        problem=refusal_text(refusal) if refusal else None,
        wrong=refusal.field if refusal else None,
    )


def import_page(**found: Any) -> str:
    return render_template(
        "sources/import.html",
        title=N_("Import reviews of written work"),
        back=url_for("nonvoice.index"),
        action=url_for("nonvoice.take_csv"),
        empty=url_for("nonvoice.template"),
        meanings=MEANINGS,
        required=HEAD[:-1],
        items={item.id: item_name(item.name) for item in nonvoice_sheet().items},
        **found,
    )
