"""Complaints: the list, one complaint with its decision and what quality control had seen, and import."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy.orm import joinedload

from models import Call, Complaint, ComplaintOutcome, Responsibility, Role, User
from qa.calls import may_see
from qa.complaint_check import back_test, sightings
from qa.complaints import COLUMNS, REQUIRED, Decision, decide_complaint, import_complaints, visible_complaints
from qa.refusals import Refused
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.csv_pages import UNPROCESSABLE, empty_csv, imported
from web.db import session
from web.i18n import N_
from web.listing import listed
from web.refusal_text import refusal_text

bp = Blueprint("complaints", __name__, url_prefix="/complaints")

READERS = (Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
OUTCOMES = {
    ComplaintOutcome.OPEN: (N_("Under investigation"), "pill-warn", "clock"),
    ComplaintOutcome.UPHELD: (N_("Upheld"), "pill-bad", "alert-circle"),
    ComplaintOutcome.NOT_UPHELD: (N_("Not upheld"), "pill-good", "circle-check"),
    ComplaintOutcome.WITHDRAWN: (N_("Withdrawn"), "pill-busy", "ban"),
}
RESPONSIBILITIES = {
    Responsibility.AGENT: N_("The agent"),
    Responsibility.PROCESS: N_("The process"),
    Responsibility.PRODUCT: N_("The product"),
    Responsibility.CUSTOMER: N_("The customer"),
    Responsibility.NOBODY: N_("Nobody"),
}
MEANINGS = {
    "external_id": N_("The complaint system's own number"),
    "received_at": N_("When it was received"),
    "happened_at": N_("What day it is about, when the call is not known; if empty: when it was received"),
    "channel": N_("How it came in"),
    "category": N_("Kind of complaint"),
    "summary": N_("What it is about"),
    "call": N_("The telephone system's id of the call, or #123 for our own number"),
    "agent": N_("Staff number; not needed when the call is known"),
    "outcome": N_("open (if empty), upheld, not_upheld or withdrawn"),
    "responsibility": N_("agent, process, product, customer or nobody; an upheld one needs it"),
    "cause": N_("What the investigation found"),
    "decided_at": N_("When it was decided; if empty: now"),
}


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List the complaints that the current user may read, newest first."""
    complaints = listed(
        visible_complaints(reader()),
        Complaint.outcome,
        OUTCOMES,
        asked="outcome",
        order=(Complaint.received_at.desc(), Complaint.id.desc()),
        options=(joinedload(Complaint.agent), joinedload(Complaint.call)),
    )
    return render_template(
        "sources/complaints.html",
        listing=complaints,
        outcomes=OUTCOMES,
        responsibilities=RESPONSIBILITIES,
        missed=back_test(session, visible_complaints(reader())),
    )


@bp.get("/<int:complaint_id>")
@allow(*READERS)
def show(complaint_id: int) -> ResponseReturnValue:
    """Show one complaint."""
    complaint = found(complaint_id)
    seen("complaint.viewed", "complaint", complaint.id)
    return complaint_page(complaint)


@bp.post("/<int:complaint_id>")
@allow(Role.LEAD)
def decide(complaint_id: int) -> ResponseReturnValue:
    """Settle a complaint."""
    complaint = found(complaint_id)
    outcome, who = request.form.get("outcome", ""), request.form.get("responsibility", "")
    if outcome not in OUTCOMES or (who and who not in RESPONSIBILITIES):
        abort(400)
    decision = Decision(
        ComplaintOutcome(outcome),
        Responsibility(who) if who else None,
        request.form.get("cause", "").strip() or None,
    )
    try:
        decide_complaint(session, complaint, decision, by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        return complaint_page(found(complaint_id), refusal, decision), UNPROCESSABLE
    session.commit()
    flash(gettext("The decision is stored."), "success")
    return redirect(url_for("complaints.show", complaint_id=complaint_id))


@bp.get("/import")
@allow(Role.LEAD)
def import_csv() -> ResponseReturnValue:
    """Show what a file of complaints looks like, and take one."""
    return import_page()


@bp.post("/import")
@allow(Role.LEAD)
def take_csv() -> ResponseReturnValue:
    """Import a file: good lines are stored, bad ones listed with their reason."""
    return imported(
        lambda content: import_complaints(session, content, by=reader(), zone=settings.zone, address=address()),
        import_page,
    )


@bp.get("/template")
@allow(Role.LEAD)
def template() -> ResponseReturnValue:
    """Send an empty file with the columns of a complaint."""
    return empty_csv(COLUMNS, "complaints.csv")


def reader() -> User:
    return cast(User, current_user)


def found(complaint_id: int) -> Complaint:
    complaint: Complaint = session.scalar(
        visible_complaints(reader())
        .where(Complaint.id == complaint_id)
        .options(joinedload(Complaint.agent), joinedload(Complaint.call), joinedload(Complaint.decided_by))
    ) or abort(404)
    return complaint


def shown_call(complaint: Complaint) -> Call | None:
    call = complaint.call
    return call if call is not None and may_see(session, reader(), call) else None


def complaint_page(complaint: Complaint, refusal: Refused | None = None, typed: Decision | None = None) -> str:
    return render_template(
        "sources/complaint.html",
        complaint=complaint,
        call=shown_call(complaint),
        seen=sightings(session, [complaint.call_id]).get(complaint.call_id) if complaint.call_id else None,
        outcomes=OUTCOMES,
        responsibilities=RESPONSIBILITIES,
        typed=typed or Decision(complaint.outcome, complaint.responsibility, complaint.cause),
        problem=refusal_text(refusal) if refusal else None,
        may_decide=reader().role is Role.LEAD,
    )


def import_page(**found: Any) -> str:
    return render_template(
        "sources/import.html",
        title=N_("Import complaints"),
        back=url_for("complaints.index"),
        action=url_for("complaints.take_csv"),
        empty=url_for("complaints.template"),
        meanings=MEANINGS,
        required=REQUIRED,
        **found,
    )
