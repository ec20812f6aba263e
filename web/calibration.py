"""Calibration sessions: several people review the same calls, and how far they agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from models import (
    CalibrationCall,
    CalibrationParticipant,
    CalibrationSession,
    Call,
    CallState,
    Role,
    ScorecardVersion,
    User,
)
from models.base import now
from qa.calibration import (
    MAX_CALLS,
    NewCalibration,
    close_calibration,
    conclude_calibration,
    create_calibration,
    extend_calibration,
    own_reviews,
    possible_participants,
    progress,
    results_open,
    visible_calibrations,
    waiting_calibrations,
)
from qa.calibration_results import SIMILAR, CalibrationResults, ItemResult, calibration_results, similar_calls
from qa.calls import CallFilter, find_calls
from qa.criteria import card_of
from qa.inspectors import GAP_ALARM
from qa.refusals import Refused
from qa.score_export import Cell, table_file
from qa.sources import SourceError, parse_time
from scoring.agreement import AGREEMENT_ALARM, LEAST_ALPHA, LEAST_CALLS, LEAST_PAIRS
from web.access import allow
from web.agents import FILES, download
from web.audit import address, seen
from web.context import settings
from web.csv_pages import UNPROCESSABLE
from web.db import session
from web.i18n import ANSWERS, N_, named
from web.refusal_text import refusal_text

bp = Blueprint("calibration", __name__, url_prefix="/calibration")

READERS = (Role.INSPECTOR, Role.LEAD)
OFFERED = 30  # calls to choose from on the form
USUAL_TIME = timedelta(days=3)
# A pasted line: a call's own address, or its id.
CALL_ID = re.compile(r"(?:/calls/|\bcall=)(\d+)|\b(\d+)\b")
HEADINGS = (
    N_("Item"), N_("Name"), N_("Call"), N_("Equal answers in percent"), N_("Lower limit"), N_("Upper limit"),
    N_("alpha"), N_("alpha, lower limit"), N_("alpha, upper limit"), N_("AC1"), N_("Fleiss’ kappa"), N_("n"),
)  # fmt: skip


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List the sessions that the current user may open, open ones first."""
    found = session.scalars(
        visible_calibrations(reader())
        .options(
            joinedload(CalibrationSession.scorecard),
            selectinload(CalibrationSession.calls),
            selectinload(CalibrationSession.participants).joinedload(CalibrationParticipant.user),
        )
        .order_by(CalibrationSession.closed_at.is_not(None), CalibrationSession.due_at.desc(), CalibrationSession.id)
    ).all()
    return render_template(
        "calibration/index.html",
        calibrations=found,
        far={one.id: progress(session, one) for one in found if one.closed_at is None},
        left={one.id: count for one, count in waiting_calibrations(session, reader())},
        now=now(),
        lead=reader().role is Role.LEAD,
    )


@bp.get("/new")
@allow(Role.LEAD)
def new() -> ResponseReturnValue:
    """Show the form of a new session, with calls to choose from."""
    return form_page()


@bp.post("/new")
@allow(Role.LEAD)
def create() -> ResponseReturnValue:
    """Open a session; what was typed stays on the page when something is wrong with it."""
    try:
        made = create_calibration(session, typed_calibration(), by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        return form_page(refusal), UNPROCESSABLE
    session.commit()
    flash(gettext("The session is open; everybody who takes part was told."), "success")
    return redirect(url_for("calibration.show", calibration_id=made.id))


@bp.get("/<int:calibration_id>")
@allow(*READERS)
def show(calibration_id: int) -> ResponseReturnValue:
    """Show a session: what is left to review, and the results once they are open. Those also as CSV or XLSX."""
    calibration = found_calibration(calibration_id)
    form = request.args.get("format", "page")
    is_open = results_open(session, calibration)
    if form not in ("page", *FILES) or (form in FILES and not is_open):
        abort(404)
    if form in FILES:
        seen("calibration.exported", "calibration", calibration.id, format=form)
        results = calibration_results(session, calibration)
        content = table_file([*headings(results)], [*lines_of(results)], form)
        return download(content, f"calibration-{calibration.id}.{form}", form)
    seen("calibration.viewed", "calibration", calibration.id, results=is_open)
    return calibration_page(calibration)


@bp.post("/<int:calibration_id>/extend")
@allow(Role.LEAD)
def extend(calibration_id: int) -> ResponseReturnValue:
    """Give a session more time."""
    calibration = found_calibration(calibration_id)
    try:
        extend_calibration(session, calibration, typed_time("due_at"), by=reader(), address=address())
    except Refused as refusal:
        return refused(calibration_id, refusal)
    session.commit()
    flash(gettext("There is more time now."), "success")
    return redirect(url_for("calibration.show", calibration_id=calibration_id))


@bp.post("/<int:calibration_id>/close")
@allow(Role.LEAD)
def close(calibration_id: int) -> ResponseReturnValue:
    """Open the results before the deadline."""
    try:
        close_calibration(session, found_calibration(calibration_id), by=reader(), address=address())
    except Refused as refusal:
        return refused(calibration_id, refusal)
    session.commit()
    flash(gettext("The session is closed; its results are open."), "success")
    return redirect(url_for("calibration.show", calibration_id=calibration_id))


@bp.post("/<int:calibration_id>/conclude")
@allow(Role.LEAD)
def conclude(calibration_id: int) -> ResponseReturnValue:
    """Write down what was agreed on."""
    text = request.form.get("conclusion", "")
    try:
        conclude_calibration(session, found_calibration(calibration_id), text, by=reader(), address=address())
    except Refused as refusal:
        return refused(calibration_id, refusal)
    session.commit()
    flash(gettext("The conclusion is kept."), "success")
    return redirect(url_for("calibration.show", calibration_id=calibration_id))


def reader() -> User:
    return cast(User, current_user)


def found_calibration(calibration_id: int) -> CalibrationSession:
    """Return the session; 404 when there is none or when it is not the current user's to see."""
    found: CalibrationSession | None = session.scalar(
        visible_calibrations(reader())
        .where(CalibrationSession.id == calibration_id)
        .options(
            joinedload(CalibrationSession.scorecard),
            joinedload(CalibrationSession.created_by),
            selectinload(CalibrationSession.calls).joinedload(CalibrationCall.call).joinedload(Call.agent),
            selectinload(CalibrationSession.calls).joinedload(CalibrationCall.call).joinedload(Call.auto_score),
            selectinload(CalibrationSession.participants).joinedload(CalibrationParticipant.user),
        )
    )
    return found or abort(404)


def calibration_page(calibration: CalibrationSession) -> str:
    is_open = results_open(session, calibration)
    results = calibration_results(session, calibration) if is_open else None
    takes_part = reader().id in {one.user_id for one in calibration.participants}
    mine = own_reviews(session, calibration, reader()) if takes_part else {}
    return render_template(
        "calibration/show.html",
        calibration=calibration,
        is_open=is_open,
        far=progress(session, calibration),
        mine=mine,
        takes_part=takes_part,
        left=[one for one in calibration.calls if one.call_id not in mine or mine[one.call_id].submitted_at is None],
        results=results,
        similar=similar_calls(session, calibration, results) if results and results.apart else [],
        again=SIMILAR,
        lead=reader().role is Role.LEAD,
        hidden=calibration.agent_hidden and not is_open,
        same=same_as_expert,
        limits={
            "alarm": AGREEMENT_ALARM,
            "gap": GAP_ALARM,
            "pairs": LEAST_PAIRS,
            "calls": LEAST_CALLS,
            "alpha": LEAST_ALPHA,
        },
    )


def same_as_expert(results: CalibrationResults, item: ItemResult, user_id: int) -> tuple[int, int] | None:
    """Return in how many calls somebody's answer to an item is the expert's, and of how many.

    Without an expert the answer that most people gave takes that place; None where there is nothing to compare with.
    """
    expert = next((one.user.id for one in results.people if one.expert), None)
    pairs = []
    for call in results.calls:
        own = item.answers.get((call.call.id, user_id))
        wanted = (
            usual_answer(item, call.call.id, results) if expert is None else item.answers.get((call.call.id, expert))
        )
        if own is not None and wanted is not None:
            pairs.append(own == wanted)
    return (sum(pairs), len(pairs)) if pairs else None


def usual_answer(item: ItemResult, call_id: int, results: CalibrationResults) -> str | None:
    """Return the answer that most people gave in a call; None when no answer is ahead of the others."""
    given = [answer for (call, _), answer in item.answers.items() if call == call_id]
    counts = sorted(((given.count(answer), answer) for answer in set(given)), reverse=True)
    if not counts or (len(counts) > 1 and counts[0][0] == counts[1][0]):
        return None
    return counts[0][1]


def typed_calibration() -> NewCalibration:
    """Return what the form says.

    Raises:
        Refused: the deadline is no time.
    """
    form = request.form
    return NewCalibration(
        name=form.get("name", ""),
        scorecard_version_id=form.get("card", 0, type=int),
        call_ids=[*form.getlist("call", type=int), *pasted_ids(form.get("calls", ""))],
        participant_ids=form.getlist("person", type=int),
        expert_id=form.get("expert", None, type=int),
        due_at=typed_time("due_at"),
        purpose=form.get("purpose"),
        agent_hidden=form.get("agent_hidden") == "yes",
    )


def pasted_ids(text: str) -> list[int]:
    """Return the call ids in lines of ids or addresses of calls.

    >>> pasted_ids("17\\nhttps://qa.example/calls/23?at=4")
    [17, 23]
    """
    found = []
    for line in text.splitlines():
        match = CALL_ID.search(line)
        if match:
            found.append(int(match[1] or match[2]))
    return found


def typed_time(field: str) -> datetime:
    text = request.form.get(field, "")
    try:
        return parse_time(text, settings.zone)
    except SourceError:
        raise Refused(N_("%(text)s is no time: write 2026-11-18 14:32:05."), field=field, text=text[:40]) from None


def refused(calibration_id: int, refusal: Refused) -> ResponseReturnValue:
    session.rollback()
    flash(refusal_text(refusal), "danger")
    return redirect(url_for("calibration.show", calibration_id=calibration_id))


def form_page(refusal: Refused | None = None) -> str:
    """Return the form of a new session with what was typed; ``calls`` in the address are chosen already."""
    cards = session.scalars(
        select(ScorecardVersion)
        .where(ScorecardVersion.active)
        .order_by(ScorecardVersion.key, ScorecardVersion.version.desc())
    ).all()
    asked = request.values.get("card", 0, type=int)
    card = next((one for one in cards if one.id == asked), cards[0] if cards else None)
    chosen_ids = [*request.form.getlist("call", type=int), *ids_in(request.args.get("calls", ""))]
    chosen = calls_by_id(chosen_ids)
    offered = offered_calls(card) if card else []
    return render_template(
        "calibration/new.html",
        cards=cards,
        card=card,
        items=list(card_of(card).items()) if card else [],
        asked=request.values,
        chosen=chosen,
        offered=[call for call in offered if call.id not in {one.id for one in chosen}],
        people=possible_participants(session),
        picked=request.form.getlist("person", type=int) or ids_in(request.args.get("people", "")),
        expert=request.values.get("expert", 0, type=int),
        due=request.form.get("due_at") or (now() + USUAL_TIME).astimezone(settings.zone).strftime("%Y-%m-%dT18:00"),
        limit=MAX_CALLS,
        problem=refusal_text(refusal) if refusal else None,
        wrong=refusal.field if refusal else None,
    )


def ids_in(text: str) -> list[int]:
    return [int(one) for one in text.split(",") if one.isascii() and one.isdigit() and len(one) < 19]


def calls_by_id(ids: Sequence[int]) -> list[Call]:
    wanted = select(Call).where(Call.id.in_(ids)).options(joinedload(Call.agent), joinedload(Call.auto_score))
    found = {call.id: call for call in session.scalars(wanted)}
    return [found[one] for one in dict.fromkeys(ids) if one in found]


def offered_calls(card: ScorecardVersion) -> list[Call]:
    """Return the newest scored calls that `card` is for and that the filter of the form describes."""
    asked = request.values
    item = asked.get("item") or None
    wanted = CallFilter(
        state=CallState.SCORED,
        language=card.language.split("-")[0],
        score_min=asked.get("score_min", None, type=float),
        score_max=asked.get("score_max", None, type=float),
        item=item if item in {one.id for _, one in card_of(card).items()} else None,
    )
    rows = find_calls(session, reader(), wanted, zone=settings.zone).rows[:OFFERED]
    return calls_by_id([row.call.id for row in rows])


def headings(results: CalibrationResults) -> Iterator[str]:
    yield from (gettext(one) for one in HEADINGS)
    for person in results.people:
        yield gettext("%(name)s (expert)", name=person.user.name) if person.expert else person.user.name


def lines_of(results: CalibrationResults) -> Iterator[list[Cell]]:
    """Yield the answers to each item call by call, then the totals of each call."""
    for item in results.items:
        figures = figures_of(item)
        for call in results.calls:
            answers = [item.answers.get((call.call.id, one.user.id)) for one in results.people]
            if any(answers):
                yield [item.item, item.name, call.call.id, *figures, *(answer_cell(one) for one in answers)]
    for call in results.calls:
        totals: Mapping[int, float] = call.totals
        scores: list[Cell] = [
            round(totals[one.user.id], 2) if one.user.id in totals else None for one in results.people
        ]
        yield [gettext("Total"), "", call.call.id, *[None] * (len(HEADINGS) - 3), *scores]


def figures_of(item: ItemResult) -> list[Cell]:
    found = item.agreement
    if found is None:
        return [None] * (len(HEADINGS) - 3)
    shares: list[Cell] = [round(100 * one, 1) for one in (found.share, found.interval.low, found.interval.high)]
    alpha, ac1, fleiss = found.alpha, found.ac1, item.fleiss
    limits = (alpha.value, alpha.interval.low, alpha.interval.high) if alpha else (None, None, None)
    beyond = (*limits, ac1.value if ac1 else None, fleiss.value if fleiss else None)
    return [*shares, *(None if one is None else round(one, 3) for one in beyond), found.n]


def answer_cell(answer: str | None) -> Cell:
    return None if answer is None else named(ANSWERS, answer)
