"""Reviews: the list, the plain entry form, one review with its evidence, and import from a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from models import AutoScore, Call, Review, ReviewReason, ReviewState, Role, ScorecardVersion, User
from models.base import now
from qa.appeal_rules import AppealRules
from qa.calls import visible_calls
from qa.criteria import card_of
from qa.refusals import Refused
from qa.review_import import import_reviews
from qa.reviews import (
    IncompleteReview,
    conflict,
    item_ids,
    release_review,
    review_of,
    save_draft,
    scorecard_for,
    submit_review,
    visible_reviews,
)
from qa.sampling import review_reason
from scoring.marks import Answer
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.csv_pages import UNPROCESSABLE, empty_csv, imported
from web.db import session
from web.i18n import REVIEW_REASONS, REVIEW_STATES
from web.listing import listed
from web.refusal_text import refusal_text
from web.review_form import (
    Typed,
    bonus_questions,
    entry_from,
    evidence_of,
    fatal_questions,
    groups,
    machine_marks,
    machine_phrases,
    read_form,
    typed_from,
)
from web.review_page import review_page

bp = Blueprint("reviews", __name__, url_prefix="/reviews")

READERS = (Role.AGENT, Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
REVIEWERS = (Role.INSPECTOR, Role.LEAD)


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List the reviews that the current user may read, newest first."""
    reviews = listed(
        visible_reviews(reader()),
        Review.state,
        REVIEW_STATES,
        asked="state",
        order=(Call.started_at.desc(), Review.id.desc()),
        options=(joinedload(Review.call).joinedload(Call.agent), joinedload(Review.inspector)),
    )
    return render_template("reviews/index.html", listing=reviews, reviewer=reader().role in REVIEWERS)


@bp.get("/new")
@allow(*REVIEWERS)
def new() -> ResponseReturnValue:
    """Show the entry form for a call, with what was entered before."""
    call = asked_call()
    present = review_of(session, call, reader())
    refusal = conflict(reader(), call)
    if present is not None and present.state is ReviewState.RELEASED:
        return redirect(url_for("reviews.show", review_id=present.id))
    if refusal is not None:
        flash(refusal_text(refusal), "danger")
        return redirect(url_for("calls.show", call_id=call.id))
    seen("call.viewed", "call", call.id, page="review")
    reason = review_reason(session, call, ReviewReason.RANDOM)
    return form_page(call, typed_from(present) if present else Typed(reason=reason), {}, present)


@bp.post("/new")
@allow(*REVIEWERS)
def enter() -> ResponseReturnValue:
    """Save a draft or submit; what was typed stays on the page when something is wrong with it."""
    call = asked_call()
    present = review_of(session, call, reader())
    try:
        version = present.scorecard if present else scorecard_for(session, call)
    except Refused as refusal:
        return refused_call(call, refusal)
    typed = read_form(request.form, card_of(version))
    entry, problems = entry_from(typed)
    if problems:
        return form_page(call, typed, problems, present, status=UNPROCESSABLE)
    try:
        if request.form.get("act") == "submit":
            review = submit_review(
                session,
                call,
                reader(),
                entry.answers,
                reason=entry.reason,
                comment=entry.comment,
                moments=entry.moments,
                address=address(),
            )
        else:
            review = save_draft(session, call, reader(), entry, address=address())
    except IncompleteReview as refusal:
        return typed_again(typed, refusal.problems)
    except Refused as refusal:
        flash(refusal_text(refusal), "danger")
        return typed_again(typed, {})
    session.commit()
    if review.state is ReviewState.DRAFT:
        flash(gettext("Draft saved."), "success")
        return redirect(url_for("reviews.new", call=call.id))
    flash(gettext("Submitted. Release it when the agent may see it."), "success")
    return redirect(url_for("reviews.show", review_id=review.id))


@bp.get("/<int:review_id>")
@allow(*READERS)
def show(review_id: int) -> ResponseReturnValue:
    """Show one review: marks, evidence, raw and final score."""
    review = visible_review(review_id)
    seen("review.viewed", "review", review.id)
    call = review.call
    own = reader().role is Role.AGENT
    autos, phrases = machine_marks(call), machine_phrases(call)
    marks = {mark.item: mark for mark in review.marks}
    evidence = {
        item: evidence_of(auto.evidence, phrases)
        for item, auto in autos.items()
        # To agents the machine's evidence is shown where it bears out the person's answer.
        if not own or (item in marks and marks[item].answer == auto.answer)
    }
    return render_template(
        "reviews/show.html",
        review=review,
        call=call,
        card=card_of(review.scorecard),
        marks=marks,
        autos={} if own else autos,
        evidence=evidence,
        own=own,
        page=(page := review_page(session, reader(), review, AppealRules.of(settings), now())),
        view=page.view,
        last_day=AppealRules.of(settings).last_day,
        refusal_text=refusal_text,
        may_release=review.state is ReviewState.SUBMITTED and may_release(review),
        may_edit=review.inspector_id == reader().id and review.state is not ReviewState.RELEASED,
        not_met=Answer.NOT_MET.value,
    )


@bp.post("/<int:review_id>/release")
@allow(*REVIEWERS)
def release(review_id: int) -> ResponseReturnValue:
    """Show a submitted review to its agent."""
    review = visible_review(review_id)
    try:
        release_review(session, review, reader(), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
    else:
        session.commit()
        flash(gettext("Released: the agent can see it and it counts."), "success")
    return redirect(url_for("reviews.show", review_id=review_id))


@bp.get("/import")
@allow(*REVIEWERS)
def import_csv() -> ResponseReturnValue:
    """Show what a file of reviews looks like, and take one."""
    return import_page()


@bp.post("/import")
@allow(*REVIEWERS)
def take_csv() -> ResponseReturnValue:
    """Import a file: good lines are stored, bad ones listed with their reason."""
    release_them = request.form.get("release") == "yes"
    return imported(
        lambda content: import_reviews(session, content, by=reader(), release=release_them, address=address()),
        import_page,
    )


@bp.get("/template")
@allow(*REVIEWERS)
def template() -> ResponseReturnValue:
    """Send an empty sheet with the columns of a scorecard."""
    version = session.get(ScorecardVersion, request.args.get("card", 0, type=int)) or abort(404)
    columns = ["call", "reason", "comment", *item_ids(card_of(version))]
    return empty_csv(columns, f"reviews-{version.key}-{version.version}.csv")


def reader() -> User:
    return cast(User, current_user)


def asked_call() -> Call:
    """Return the call that the address names, with what its form shows; 404 when it is not the user's to see."""
    call_id = request.values.get("call", 0, type=int)
    call: Call | None = session.scalar(
        visible_calls(reader())
        .where(Call.id == call_id)
        .options(
            joinedload(Call.agent),
            joinedload(Call.transcript),
            joinedload(Call.auto_score).joinedload(AutoScore.scorecard),
            joinedload(Call.auto_score).selectinload(AutoScore.marks),
        )
    )
    return call or abort(404)


def visible_review(review_id: int) -> Review:
    """Return the review; 404 when there is none or when it is not the current user's to read."""
    review: Review | None = session.scalar(
        visible_reviews(reader())
        .where(Review.id == review_id)
        .options(
            joinedload(Review.call).joinedload(Call.agent),
            joinedload(Review.call).joinedload(Call.auto_score).selectinload(AutoScore.marks),
            joinedload(Review.inspector),
            joinedload(Review.scorecard),
            selectinload(Review.marks),
        )
    )
    return review or abort(404)


def may_release(review: Review) -> bool:
    user = reader()
    independent = conflict(user, review.call) is None
    return independent and (user.role is Role.LEAD or user.id == review.inspector_id)


def refused_call(call: Call, refusal: Refused) -> ResponseReturnValue:
    flash(refusal_text(refusal), "danger")
    return redirect(url_for("calls.show", call_id=call.id))


def typed_again(typed: Typed, problems: Mapping[str, Refused]) -> ResponseReturnValue:
    """Undo what was begun in the database and return the form as it was sent."""
    session.rollback()
    call = asked_call()
    return form_page(call, typed, problems, review_of(session, call, reader()), status=UNPROCESSABLE)


def form_page(
    call: Call, typed: Typed, problems: Mapping[str, Refused], review: Review | None, *, status: int = 200
) -> ResponseReturnValue:
    """Return the entry form as `typed`, with the problems beside the rows they are about."""
    try:
        version = review.scorecard if review else scorecard_for(session, call)
    except Refused as refusal:
        return refused_call(call, refusal)
    card = card_of(version)
    page = render_template(
        "reviews/new.html",
        call=call,
        card=card,
        version=version,
        typed=typed,
        problems={item: refusal_text(problem) for item, problem in problems.items()},
        groups=list(groups(card, call)),
        fatals=fatal_questions(card, call),
        bonus=bonus_questions(card, call),
        turns=call.transcript.content.get("turns", []) if call.transcript else [],
        reasons=REVIEW_REASONS,
        submitted=review is not None and review.state is ReviewState.SUBMITTED,
    )
    return page, status


def import_page(**found: object) -> str:
    cards = session.scalars(
        select(ScorecardVersion).where(ScorecardVersion.active).order_by(ScorecardVersion.key)
    ).all()
    return render_template("reviews/import.html", cards=cards, lead=reader().role is Role.LEAD, **found)
