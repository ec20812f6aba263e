"""Appeals: an agent objects to an item, and who decides it; acknowledgements; calls to look at again; statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from models import Agent, Appeal, AppealState, AppealStep, AutoScore, Call, Reexamination, Review, Role, User
from models.base import now
from qa.acknowledgements import Reading, acknowledge, reading, readings, unacknowledged
from qa.appeal_rules import CAUSES, AppealRules
from qa.appeal_statistics import LEAST, Grouping, Rate, statistics
from qa.appeals import (
    OPEN,
    Decision,
    assign,
    decide,
    name_cause,
    pass_on,
    raise_appeal,
    return_to_agent,
    visible_appeals,
    waiting_for,
    withdraw,
)
from qa.blind_appeals import contested_of
from qa.criteria import card_of
from qa.reexamination import defects, of_appeal, open_reexaminations, refusal_to_settle, settle
from qa.refusals import N_, Refused
from qa.review_import import read_moment
from qa.reviews import visible_reviews
from qa.score_export import Cell, table_file
from web.access import allow
from web.agents import FILES, download
from web.appeal_page import STATES, appeal_page, item_of, machine_evidence, page_words, read_choice, step_text
from web.audit import address, seen
from web.call_page import LONG_SILENCE
from web.context import settings
from web.db import session
from web.i18n import named
from web.listing import listed
from web.refusal_text import refusal_text

bp = Blueprint("appeals", __name__, url_prefix="/appeals")

READERS = (Role.AGENT, Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
DECIDERS = (Role.INSPECTOR, Role.LEAD)
SILENT_SHOWN = 20  # reviews that were not acknowledged
RECENT = timedelta(days=14)  # a decision stays on the agent's start page
OWN_SHOWN = 5
SPANS = {"90": 90, "365": 365}  # days that the statistics look back
GROUPS: dict[Grouping, str] = {
    Grouping.RULE: N_("By rule"),
    Grouping.ITEM: N_("By item"),
    Grouping.INSPECTOR: N_("By inspector"),
    Grouping.TEAM: N_("By team"),
}
COLUMNS = (
    N_("Grouped by"), N_("Key"), N_("Name"), N_("Overturned"), N_("n"), N_("Overturned, in percent"),
    N_("Lower limit"), N_("Upper limit"),
)  # fmt: skip


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List the appeals that the current user may read; what waits for them stands first."""
    appeals = listed(
        visible_appeals(reader()),
        Appeal.state,
        STATES,
        asked="state",
        order=(Appeal.state.in_(OPEN).desc(), case((Appeal.state.in_(OPEN), Appeal.due_at)).asc(), Appeal.id.desc()),
        options=ROW_OPTIONS,
    )
    waiting = session.scalars(waiting_for(reader()).options(*ROW_OPTIONS)).all()
    return render_template(
        "appeals/index.html",
        listing=appeals,
        waiting=waiting,
        names={one.id: item_name(one) for one in (*appeals.rows, *waiting)},
        now=now(),
        last_day=rules().last_day,
        own=reader().role is Role.AGENT,
        again=open_again() if reader().role in DECIDERS else 0,
        silent=silent() if reader().role in (Role.SUPERVISOR, Role.LEAD) else [],
    )


@bp.get("/<int:appeal_id>")
@allow(*READERS)
def show(appeal_id: int) -> ResponseReturnValue:
    """Show one appeal: what is contested, what was heard, who did what, and the next step."""
    appeal = visible_appeal(appeal_id)
    seen("appeal.viewed", "appeal", appeal.id)
    user = reader()
    return render_template(
        "appeals/show.html",
        page=(page := appeal_page(session, user, appeal)),
        view=page.view,
        long_silence=LONG_SILENCE,
        appeal=appeal,
        review=appeal.review,
        call=appeal.review.call,
        may_pass=appeal.state is AppealState.RAISED and user.role in (Role.SUPERVISOR, Role.LEAD),
        may_withdraw=appeal.state in OPEN and appeal.raised_by_id == user.id,
        may_name_cause=appeal.state is AppealState.UPHELD
        and appeal.cause is None
        and (user.id == appeal.decided_by_id or user.role is Role.LEAD),
        may_reexamine=user.role in DECIDERS,
        sees_review=session.scalar(visible_reviews(user).where(Review.id == appeal.review_id)) is not None,
        now=now(),
        last_day=rules().last_day,
        still_open=appeal.state in OPEN,
    )


@bp.post("/raise/<int:review_id>")
@allow(Role.AGENT)
def raise_one(review_id: int) -> ResponseReturnValue:
    """Object to an item of an own review."""
    review = visible_review(review_id)
    item = request.form.get("item", "")
    moment = request.form.get("at", "").strip()
    try:
        appeal = raise_appeal(
            session,
            review,
            item,
            reader(),
            request.form.get("reason", ""),
            rules=rules(),
            at_seconds=read_moment(moment) if moment else None,
            address=address(),
        )
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
        return redirect(url_for("reviews.show", review_id=review_id, _anchor=f"item-{item}"))
    session.commit()
    flash(gettext("Your appeal is on its way. You see here where it stands."), "success")
    return redirect(url_for("appeals.show", appeal_id=appeal.id))


@bp.post("/<int:appeal_id>/pass")
@allow(Role.SUPERVISOR, Role.LEAD)
def hand_on(appeal_id: int) -> ResponseReturnValue:
    """Pass an appeal on to an inspector."""
    return done(
        appeal_id,
        lambda appeal: pass_on(session, appeal, reader(), request.form.get("note"), rules=rules(), address=address()),
        gettext("Passed on: an inspector who did not score the call decides."),
    )


@bp.post("/<int:appeal_id>/return")
@allow(Role.SUPERVISOR, Role.LEAD)
def send_back(appeal_id: int) -> ResponseReturnValue:
    """Return an appeal to the agent with a reason."""
    return done(
        appeal_id,
        lambda appeal: return_to_agent(
            session, appeal, reader(), request.form.get("reason", ""), rules=rules(), address=address()
        ),
        gettext("Returned: the agent reads your reason and may appeal once more, to the lead."),
    )


@bp.post("/<int:appeal_id>/assign")
@allow(Role.LEAD)
def give(appeal_id: int) -> ResponseReturnValue:
    """Give an appeal to somebody else."""
    to = session.get(User, request.form.get("to", 0, type=int)) or abort(404)
    return done(
        appeal_id,
        lambda appeal: assign(session, appeal, to, reader(), rules=rules(), address=address()),
        gettext("%(name)s decides now.", name=to.name),
    )


@bp.post("/<int:appeal_id>/decide")
@allow(*DECIDERS)
def settle_appeal(appeal_id: int) -> ResponseReturnValue:
    """Raise the mark or keep it."""
    form = request.form
    given = read_choice(form.get("answer", ""), form.getlist("deduct"), form.get("value", ""))
    decision = Decision(given, form.get("reason", ""), form.get("cause") or None)

    def act(appeal: Appeal) -> None:
        if given is None and form.get("answer") != "keep":
            raise Refused(N_("Choose an answer."), field="answer")
        decide(session, appeal, reader(), decision, rules=rules(), address=address())

    return done(
        appeal_id,
        act,
        gettext("Decided. The agent is told."),
    )


@bp.post("/<int:appeal_id>/cause")
@allow(*DECIDERS)
def say_cause(appeal_id: int) -> ResponseReturnValue:
    """Say why the mark was wrong, once a blind appeal is decided."""
    return done(
        appeal_id,
        lambda appeal: name_cause(session, appeal, reader(), request.form.get("cause", ""), address=address()),
        gettext("Noted."),
    )


@bp.post("/<int:appeal_id>/withdraw")
@allow(Role.AGENT)
def take_back(appeal_id: int) -> ResponseReturnValue:
    """Take an own appeal back."""
    return done(
        appeal_id,
        lambda appeal: withdraw(session, appeal, reader(), address=address()),
        gettext("Withdrawn."),
    )


@bp.post("/acknowledge/<int:review_id>")
@allow(Role.AGENT)
def read_it(review_id: int) -> ResponseReturnValue:
    """Note that the agent has read an own review."""
    review = visible_review(review_id)
    try:
        acknowledge(session, review, reader(), request.form.get("comment"), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
    else:
        session.commit()
        flash(gettext("Thank you: your inspector sees that you have read it."), "success")
    return redirect(url_for("reviews.show", review_id=review_id))


@bp.get("/again")
@allow(*DECIDERS)
def again() -> ResponseReturnValue:
    """List the upheld appeals whose rule hit other calls, and what was found out about the rules."""
    counted = (
        select(Reexamination.appeal_id, func.count(), func.count(Reexamination.outcome))
        .group_by(Reexamination.appeal_id)
        .order_by(func.count() == func.count(Reexamination.outcome), Reexamination.appeal_id.desc())
    )
    counts = session.execute(counted).tuples().all()
    found = session.scalars(
        select(Appeal).where(Appeal.id.in_([one for one, _, _ in counts])).options(*ROW_OPTIONS)
    ).all()
    appeals = {one.id: one for one in found}
    return render_template(
        "appeals/again.html",
        rows=[(appeals[one], total, done) for one, total, done in counts],
        names={one.id: item_name(one) for one in found},
        defects=defects(session),
        set_of=set_of,
    )


@bp.get("/<int:appeal_id>/again")
@allow(*DECIDERS)
def others(appeal_id: int) -> ResponseReturnValue:
    """Show the other calls that the rule behind an upheld appeal hit, with the evidence."""
    appeal = upheld(appeal_id)
    seen("appeal.viewed", "appeal", appeal.id, page="again")
    found = of_appeal(session, appeal)
    contested = contested_of(session, reader(), [one.call_id for one in found])
    found = [one for one in found if one.call_id not in contested]
    total = session.scalar(
        select(AppealStep.note).where(AppealStep.appeal_id == appeal.id, AppealStep.act == "reexamined")
    )
    return render_template(
        "appeals/others.html",
        appeal=appeal,
        item=item_of(card_of(appeal.review.scorecard), appeal.item),
        rows=[(one, machine_evidence(one.call, one.item), refusal_to_settle(one, reader())) for one in found],
        total=int(total) if total else len(found),
        set_of=set_of,
        refusal_text=refusal_text,
    )


@bp.post("/again/<int:reexamination_id>")
@allow(*DECIDERS)
def look_again(reexamination_id: int) -> ResponseReturnValue:
    """Say whether the mark of another call is right."""
    one = session.get(Reexamination, reexamination_id) or abort(404)
    appeal_id = one.appeal_id
    try:
        settle(session, one, request.form.get("outcome", ""), reader(), request.form.get("note"), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
    else:
        session.commit()
        if one.outcome == "right":
            flash(gettext("The mark stands."), "success")
        elif one.review_id is not None:
            flash(gettext("Put right: the review is raised and its agent is told."), "success")
        else:
            flash(gettext("Noted as a defect of the rule."), "success")
    return redirect(url_for("appeals.others", appeal_id=appeal_id))


@bp.get("/statistics")
@allow(*DECIDERS)
def figures() -> ResponseReturnValue:
    """Show how often appeals overturn a mark; inspectors see their own marks. As a page, or as CSV or XLSX."""
    form = request.args.get("format", "page")
    if form not in ("page", *FILES):
        abort(404)
    span = request.args.get("days", "")
    since = now() - timedelta(days=SPANS[span]) if span in SPANS else None
    scorer = None if reader().role is Role.LEAD else reader()
    found = statistics(session, since=since, scorer=scorer)
    if form in FILES:
        seen("appeals.exported", format=form)
        return download(
            table_file([gettext(head) for head in COLUMNS], [*cells(found.rates)], form), f"appeals.{form}", form
        )
    return render_template(
        "appeals/statistics.html",
        found=found,
        groups=GROUPS,
        least=LEAST,
        span=span if span in SPANS else "",
        spans=SPANS,
        own=scorer is not None,
        set_of=set_of,
    )


ROW_OPTIONS = (
    joinedload(Appeal.review).joinedload(Review.call).joinedload(Call.agent).joinedload(Agent.team),
    joinedload(Appeal.review).joinedload(Review.scorecard),
    joinedload(Appeal.assignee),
)


def reader() -> User:
    return cast(User, current_user)


def rules() -> AppealRules:
    return AppealRules.of(settings)


def visible_appeal(appeal_id: int) -> Appeal:
    """Return the appeal; 404 when there is none or when it is not the current user's to read."""
    appeal: Appeal | None = session.scalar(
        visible_appeals(reader())
        .where(Appeal.id == appeal_id)
        .options(
            *ROW_OPTIONS,
            joinedload(Appeal.review).joinedload(Review.inspector),
            joinedload(Appeal.review).selectinload(Review.marks),
            joinedload(Appeal.review).joinedload(Review.call).joinedload(Call.transcript),
            joinedload(Appeal.review).joinedload(Review.call).joinedload(Call.auto_score).selectinload(AutoScore.marks),
            selectinload(Appeal.steps).joinedload(AppealStep.by),
        )
    )
    return appeal or abort(404)


def visible_review(review_id: int) -> Review:
    review: Review | None = session.scalar(
        visible_reviews(reader()).where(Review.id == review_id).options(selectinload(Review.marks))
    )
    return review or abort(404)


def upheld(appeal_id: int) -> Appeal:
    appeal = session.scalar(
        select(Appeal).where(Appeal.id == appeal_id, Appeal.state == AppealState.UPHELD).options(*ROW_OPTIONS)
    )
    return appeal or abort(404)


def done(appeal_id: int, act: Callable[[Appeal], object], message: str) -> ResponseReturnValue:
    """Do `act` to an appeal of the current user's and say so, or why not."""
    appeal = visible_appeal(appeal_id)
    try:
        act(appeal)
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
    else:
        session.commit()
        flash(message, "success")
    still_visible = session.scalar(visible_appeals(reader()).where(Appeal.id == appeal_id)) is not None
    return redirect(url_for("appeals.show", appeal_id=appeal_id) if still_visible else url_for("appeals.index"))


def item_name(appeal: Appeal) -> str:
    return item_of(card_of(appeal.review.scorecard), appeal.item).name


def set_of(version: str) -> str:
    """Return the phrase set of "en-bank-hotline/1", as the rule workbench names it."""
    return version.rpartition("/")[0] or version


def open_again() -> int:
    return session.scalar(select(func.count()).select_from(open_reexaminations().subquery())) or 0


def silent() -> list[tuple[Review, Reading]]:
    """Return the newest released reviews whose agents have said nothing, with what that means by now."""
    released = unacknowledged(visible_reviews(reader())).options(joinedload(Review.call).joinedload(Call.agent))
    found = session.scalars(released.order_by(None).order_by(Review.released_at.desc()).limit(SILENT_SHOWN)).all()
    moment, by = now(), rules()
    return [(one, reading(one.released_at, False, by, moment)) for one in found if one.released_at is not None]


def news() -> dict[str, Any]:
    """Return what start pages say about appeals: the next steps of the current user, overdue ones first."""
    moment: datetime = now()
    waiting = session.scalars(waiting_for(reader()).options(*ROW_OPTIONS)).all()
    return {
        "appeals_waiting": waiting,
        "appeals_overdue": [one for one in waiting if one.due_at <= moment],
        "appeal_names": {one.id: item_name(one) for one in waiting},
        "appeals_again": open_again() if reader().role in DECIDERS else 0,
        "appeal_last_day": rules().last_day,
        "moment": moment,
    }


def own_news(newest: Sequence[Review]) -> dict[str, Any]:
    """Return what an agent's start page says: which of the `newest` released reviews wait, and own appeals."""
    moment = now()
    read = readings(session, newest, rules(), at=moment)
    mine = session.scalars(
        visible_appeals(reader())
        .where(or_(Appeal.state.in_(OPEN), Appeal.decided_at > moment - RECENT))
        .options(*ROW_OPTIONS)
        .order_by(Appeal.state.in_(OPEN).desc(), Appeal.id.desc())
        .limit(OWN_SHOWN)
    ).all()
    return {
        "readings": read,
        "to_acknowledge": [one for one in newest if read.get(one.id) is Reading.WAITING],
        "own_appeals": mine,
        "appeal_names": {one.id: item_name(one) for one in mine},
        "appeal_last_day": rules().last_day,
        "moment": moment,
    }


def cells(rates: dict[Grouping, Any]) -> Iterator[list[Cell]]:
    for grouping, found in rates.items():
        rate: Rate
        for rate in found:
            limits: list[Cell] = [None] * 3
            if rate.interval is not None and rate.share is not None:
                limits = [round(100 * one, 1) for one in (rate.share, rate.interval.low, rate.interval.high)]
            yield [gettext(GROUPS[grouping]), rate.key, rate.name, rate.overturned, rate.n, *limits]


@bp.app_context_processor
def appeal_words() -> dict[str, Any]:
    return page_words()


bp.add_app_template_filter(step_text)
bp.add_app_template_filter(lambda value: named(STATES, value), "appeal_state")
bp.add_app_template_filter(lambda value: named(CAUSES, value), "appeal_cause")
