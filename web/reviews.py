"""Reviews: the list, the page on which they are made, one review with its evidence, and import from a spreadsheet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, cast

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from models import (
    AutoScore,
    Call,
    CallComment,
    CommentKind,
    Review,
    ReviewReason,
    ReviewState,
    Role,
    ScorecardVersion,
    User,
)
from models.base import now
from qa.appeal_rules import AppealRules
from qa.blind_appeals import contested_of
from qa.calls import visible_calls
from qa.comments import add_comment, remove_comment
from qa.corrections import StaleTranscript, correct_turn
from qa.criteria import card_of
from qa.refusals import N_, Refused
from qa.review_import import import_reviews
from qa.review_saving import Changes, StaleReview, opening_for, save_changes, submit_draft, take_back
from qa.reviews import (
    RELEASE_WITHIN,
    IncompleteReview,
    Opening,
    conflict,
    item_ids,
    release_later,
    release_review,
    review_of,
    visible_reviews,
)
from qa.sampling import review_reason
from qa.sampling_rules import UNSUITABLE
from qa.sampling_work import put_off, withdraw
from scoring.marks import Answer
from web.access import allow
from web.audit import address, seen
from web.call_page import LONG_SILENCE
from web.context import settings
from web.csv_pages import UNPROCESSABLE, empty_csv, imported
from web.db import session
from web.errors import describe
from web.i18n import REVIEW_REASONS, REVIEW_STATES, format_number, format_when
from web.listing import listed
from web.refusal_text import refusal_text
from web.released_review import released_review
from web.review_form import evidence_of, machine_marks, machine_phrases
from web.review_page import own_task, queue_at, review_page, script_words, state_of

bp = Blueprint("reviews", __name__, url_prefix="/reviews")

READERS = (Role.AGENT, Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
REVIEWERS = (Role.INSPECTOR, Role.LEAD)
CONFLICT = 409
CONTESTED = N_("A blind appeal about this call is yours to decide: review it afterwards.")


class Wish(BaseModel):
    """What a script of the review page asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Submission(Wish):
    revision: int = Field(ge=0)
    release: Literal["no", "now", "later"] = "no"
    at: str = Field("", max_length=40)  # of a later release, as the page's field writes it


class Correction(Wish):
    turn: int = Field(ge=0)
    text: str = Field(max_length=20_000)
    revision: int = Field(ge=0)  # of the transcript


class Comment(Wish):
    text: str = Field(max_length=20_000)
    kind: CommentKind = CommentKind.COMMENT
    public: bool = False
    item: str | None = Field(None, max_length=20)
    turn: int | None = None
    at: float | None = Field(None, ge=0, allow_inf_nan=False)


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
    """Show the review page of a call, with what was entered before."""
    call = asked_call()
    calibration_id = asked_calibration()
    review = review_of(session, call, reader(), calibration_id)
    if review is not None and review.state is ReviewState.RELEASED:
        return redirect(url_for("reviews.show", review_id=review.id))
    try:
        refusal = refusal_to_review(call)
        if refusal is not None:
            raise refusal
        opening = opening_for(session, reader(), call, calibration_id, settings)
        page = review_page(session, reader(), call, review, opening)
    except Refused as refused:
        flash(refusal_text(refused), "danger")
        return redirect(url_for("calls.show", call_id=call.id))
    seen("call.viewed", "call", call.id, page="review")
    return render_template(
        "reviews/new.html",
        page=page,
        call=call,
        view=page.view,
        review=review,
        remarks=page.remarks,
        corrected=page.corrected,
        open=page.open,
        workbench=True,
        words="",
        script_words=script_words(),
        state=state_of(review) if review else None,
        long_silence=LONG_SILENCE,
        reason=review.reason if review else review_reason(session, call, ReviewReason.RANDOM),
        reasons=REVIEW_REASONS,
        unsuitable=UNSUITABLE,
        release_by=(now() + RELEASE_WITHIN).astimezone(settings.zone),
        tomorrow=(now() + timedelta(days=1)).astimezone(settings.zone),
    )


@bp.post("/save")
@allow(*REVIEWERS)
def save() -> ResponseReturnValue:
    """Keep changes of a draft; answer with where the review stands now."""
    call = call_to_review(words=False)
    changes = Changes.model_validate(sent())
    review = save_changes(session, call, reader(), changes, opening_of(call), address=address())
    answer = state_of(review)
    session.commit()
    return jsonify(answer)


@bp.post("/submit")
@allow(*REVIEWERS)
def submit() -> ResponseReturnValue:
    """Submit a draft, release it now or later when asked, and say where the inspector goes next."""
    call = call_to_review()
    wish = Submission.model_validate(sent())
    review = review_of(session, call, reader(), asked_calibration(), lock=True)
    if review is None:
        raise Refused(N_("Nothing is entered yet."))
    following = next_address(call, review)  # before it is done: whether it is a task of the queue still shows
    submit_draft(session, review, revision=wish.revision, address=address())
    if review.calibration_id is None and wish.release == "now":
        release_review(session, review, reader(), address=address())
    elif review.calibration_id is None and wish.release == "later":
        release_later(session, review, reader(), hotline_time(wish.at), address=address())
    session.commit()
    flash(submitted_words(review), "success")
    return jsonify({"next": following})


@bp.post("/<int:review_id>/take-back")
@allow(*REVIEWERS)
def back_to_draft(review_id: int) -> ResponseReturnValue:
    """Make a submitted review a draft again and open it."""
    review = visible_review(review_id)
    try:
        take_back(session, review, reader(), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
        return redirect(url_for("reviews.show", review_id=review_id))
    call_id = review.call_id
    session.commit()
    return redirect(url_for("reviews.new", call=call_id))


@bp.post("/correct")
@allow(*REVIEWERS)
def correct() -> ResponseReturnValue:
    """Set the words of one turn right; the rules look again, and the page fetches what they found."""
    call = call_to_review()
    wish = Correction.model_validate(sent())
    correction = correct_turn(
        session,
        call,
        reader(),
        wish.turn,
        wish.text,
        revision=wish.revision,
        settings=settings,
        address=address(),
    )
    revision = correction.revision
    session.commit()
    return jsonify({"revision": revision})


@bp.post("/comments")
@allow(*REVIEWERS)
def comment() -> ResponseReturnValue:
    """Leave a remark on a moment, a turn or an item."""
    call = call_to_review()
    wish = Comment.model_validate(sent())
    review = review_of(session, call, reader(), asked_calibration())
    if review is None:
        review = save_changes(session, call, reader(), Changes(revision=0), opening_of(call), address=address())
    made = add_comment(
        session,
        call,
        reader(),
        wish.text,
        review=review,
        kind=wish.kind,
        public=wish.public,
        item=wish.item,
        turn=wish.turn,
        at_seconds=wish.at,
        address=address(),
    )
    answer = {"comment": made.id, "state": state_of(review)}
    session.commit()
    return jsonify(answer)


@bp.post("/comments/<int:comment_id>/remove")
@allow(*REVIEWERS)
def take_comment_back(comment_id: int) -> ResponseReturnValue:
    """Take an own remark back."""
    found: CallComment = session.scalar(
        select(CallComment).where(CallComment.id == comment_id, CallComment.author_id == reader().id)
    ) or abort(404)
    remove_comment(session, found, reader(), address=address())
    session.commit()
    return jsonify({"comment": comment_id})


@bp.post("/skip")
@allow(*REVIEWERS)
def skip() -> ResponseReturnValue:
    """Put the call off and go to the next one of the queue."""
    call = asked_call()
    task = own_task(session, reader(), call) or abort(404)
    following = next_address(call)
    try:
        put_off(session, task, reader(), request.form.get("reason", ""), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
        return redirect(url_for("reviews.new", call=call.id))
    session.commit()
    flash(gettext("Put off: it comes again after the others."), "info")
    return redirect(following)


@bp.post("/replace")
@allow(*REVIEWERS)
def replace() -> ResponseReturnValue:
    """Take a call that cannot be reviewed out of the sample and open the one in its place, or the next."""
    call = asked_call()
    task = own_task(session, reader(), call) or abort(404)
    following = next_address(call)
    try:
        instead = withdraw(
            session,
            task.sampled,
            reader(),
            request.form.get("reason", ""),
            note=request.form.get("note"),
            address=address(),
        )
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
        return redirect(url_for("reviews.new", call=call.id))
    if instead is not None:
        following = url_for("reviews.new", call=instead.call_id)
    session.commit()
    if instead is not None:
        flash(gettext("Withdrawn. This call takes its place."), "success")
    else:
        flash(gettext("Withdrawn. No call takes its place."), "info")
    return redirect(following)


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
        page=(page := released_review(session, reader(), review, AppealRules.of(settings), now())),
        view=page.view,
        long_silence=LONG_SILENCE,
        last_day=AppealRules.of(settings).last_day,
        refusal_text=refusal_text,
        may_release=review.state is ReviewState.SUBMITTED and may_release(review),
        may_edit=review.inspector_id == reader().id and review.state is not ReviewState.RELEASED,
        not_met=Answer.NOT_MET.value,
    )


@bp.post("/<int:review_id>/release")
@allow(*REVIEWERS)
def release(review_id: int) -> ResponseReturnValue:
    """Show a submitted review to its agent, at once or at a time to come."""
    review = visible_review(review_id)
    later = request.form.get("at", "")
    try:
        if later:
            release_later(session, review, reader(), hotline_time(later), address=address())
        else:
            release_review(session, review, reader(), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
    else:
        words = gettext("Released: the agent can see it and it counts.")
        if review.release_at and later:
            words = gettext("It is released by itself at %(when)s.", when=format_when(review.release_at))
        session.commit()
        flash(words, "success")
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


def sent() -> dict[str, Any]:
    """Return the JSON object that a script sent; 400 when it is none."""
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else abort(400)


def opening_of(call: Call) -> Opening:
    return opening_for(session, reader(), call, asked_calibration(), settings)


def call_to_review(*, words: bool = True) -> Call:
    """Return the call that the address names, for a script of its review page.

    Raises:
        Refused: what is found in it must stay hidden from the current user.
    """
    call = asked_call(words=words)
    if contested_of(session, reader(), [call.id]):
        raise Refused(CONTESTED)
    return call


def refusal_to_review(call: Call) -> Refused | None:
    """Return why the current user may not open the review page of `call`, None when nothing forbids it."""
    contested = contested_of(session, reader(), [call.id])
    return conflict(reader(), call) or (Refused(CONTESTED) if contested else None)


def asked_calibration() -> int | None:
    return request.args.get("calibration", type=int)


def hotline_time(text: str) -> datetime:
    """Read what a date-and-time field sends, in the hotline's zone.

    Raises:
        Refused: it is no date and time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(N_("Say when it is to be released."), field="at") from None
    return moment.replace(tzinfo=settings.zone) if moment.tzinfo is None else moment


def next_address(call: Call, review: Review | None = None) -> str:
    """Return where an inspector goes after `call`: the next task, else the queue; in a calibration, back to it."""
    if review is not None and review.calibration_id is not None:
        return url_for("calibration.show", calibration_id=review.calibration_id)
    queue = queue_at(session, reader(), call)
    if queue.next_call is not None:
        return url_for("reviews.new", call=queue.next_call)
    if queue.place is None and review is not None:
        return url_for("reviews.show", review_id=review.id)
    return url_for("sampling.queue")


def submitted_words(review: Review) -> str:
    final = format_number(review.final, 1)
    if review.state is ReviewState.RELEASED:
        return gettext("Submitted and released: %(final)s.", final=final)
    if review.release_at is not None:
        return gettext(
            "Submitted: %(final)s. Released by itself at %(when)s.", final=final, when=format_when(review.release_at)
        )
    if review.calibration_id is not None:
        return gettext("Submitted: %(final)s.", final=final)
    return gettext("Submitted: %(final)s. Release it when the agent may see it.", final=final)


def refused(refusal: Refused) -> ResponseReturnValue:
    """Answer a script whose wish the rules forbid: what is wrong, and with which items."""
    session.rollback()
    body: dict[str, Any] = {"error": {"status": UNPROCESSABLE, "message": refusal_text(refusal)}}
    if isinstance(refusal, StaleReview | StaleTranscript):
        body["error"]["status"] = CONFLICT
    if isinstance(refusal, StaleReview):
        body["conflict"] = {"who": refusal.who, "at": format_when(refusal.at), "revision": refusal.revision}
    if isinstance(refusal, IncompleteReview):
        body["problems"] = {item: refusal_text(problem) for item, problem in refusal.problems.items()}
    return jsonify(body), body["error"]["status"]


def misunderstood(_error: ValidationError) -> ResponseReturnValue:
    session.rollback()
    return describe(400)


bp.register_error_handler(Refused, refused)
bp.register_error_handler(ValidationError, misunderstood)


def asked_call(*, words: bool = True) -> Call:
    """Return the call that the address names; 404 when it is not the user's to see.

    Args:
        words: with its transcript, which takes time to read.
    """
    call_id = request.values.get("call", 0, type=int)
    call: Call | None = session.scalar(
        visible_calls(reader())
        .where(Call.id == call_id)
        .options(
            joinedload(Call.agent),
            *([joinedload(Call.transcript)] if words else []),
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


def import_page(**found: object) -> str:
    cards = session.scalars(
        select(ScorecardVersion).where(ScorecardVersion.active).order_by(ScorecardVersion.key)
    ).all()
    return render_template("reviews/import.html", cards=cards, lead=reader().role is Role.LEAD, **found)
