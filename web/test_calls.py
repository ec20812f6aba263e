"""Test calls: the list, a new sheet, one sheet with its sub-scores, and import from a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy.orm import joinedload

from models import Call, Role, TestAssignment, TestCall, User
from qa.calls import may_see
from qa.refusals import Refused
from qa.test_call_import import import_test_calls
from qa.test_calls import (
    KINDS as SHEET_KINDS,
)
from qa.test_calls import (
    QUARANTINE,
    REASONS,
    SOURCES,
    candidates,
    default_sheet,
    enter_test_call,
    match_again,
    settle_by_hand,
    visible_test_calls,
)
from qa.test_plans import enter_planned_call, open_assignments, visible_assignments
from qa.test_scenarios import card_of_scenario
from qa.test_truth import compare, comparison_csv, side_by_side
from scoring.detection import Verdict
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.csv_pages import UNPROCESSABLE, empty_csv, imported
from web.db import session
from web.i18n import N_
from web.listing import listed
from web.periods import asked_period, choices
from web.refusal_text import refusal_text
from web.test_call_form import (
    FIELDS,
    KINDS,
    PERSONAS,
    TypedSheet,
    after_call_questions,
    answer_name,
    item_name,
    question_groups,
    read_sheet,
)

bp = Blueprint("test_calls", __name__, url_prefix="/test-calls")

MAX_WAITING = 50  # sheets in quarantine that one page shows
READERS = (Role.TEST_CALLER, Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
WRITERS = (Role.TEST_CALLER, Role.INSPECTOR, Role.LEAD)
STATUSES = {
    "matched": (N_("Matched"), "pill-good", "circle-check"),
    "quarantine": (N_("Quarantine"), "pill-warn", "clock"),
    "rejected": (N_("Rejected"), "pill-bad", "ban"),
}
FIELDS_COMPARED = {"number": N_("Number"), "time": N_("Time"), "staff": N_("Staff number")}
VERDICTS = {
    Verdict.DEFECT: (N_("Defect"), "pill-bad", "alert-circle"),
    Verdict.FINE: (N_("Fine"), "pill-good", "circle-check"),
    Verdict.SILENT: (N_("Says nothing"), "pill-busy", "help-circle"),
}


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List the sheets that the current user may read, newest call first."""
    sheets = listed(
        visible_test_calls(reader()),
        TestCall.status,
        STATUSES,
        asked="status",
        order=(TestCall.dialled_at.desc(), TestCall.id.desc()),
        options=(joinedload(TestCall.agent), joinedload(TestCall.tester)),
    )
    return render_template(
        "test_calls/index.html",
        listing=sheets,
        statuses=STATUSES,
        parts=SHEET_KINDS,
        reasons=REASONS,
        outside=outside(),
        planned=open_assignments(session, reader()) if reader().role in WRITERS else [],
        personas=PERSONAS,
        may_match=reader().role in (Role.INSPECTOR, Role.LEAD) and sheets.counts.get(QUARANTINE, 0) > 0,
    )


@bp.get("/new")
@allow(*WRITERS)
def new() -> ResponseReturnValue:
    """Show an empty sheet."""
    return sheet_page(TypedSheet(source=SOURCES[reader().role][0]))


@bp.post("/new")
@allow(*WRITERS)
def enter() -> ResponseReturnValue:
    """Score and keep a sheet; what was typed stays on the page when something is wrong with it."""
    sheet = default_sheet()
    typed = read_sheet(request.form, sheet)
    try:
        test = enter_test_call(
            session,
            source=typed.source or SOURCES[reader().role][0],
            tester=reader(),
            header={name: text for name, text in typed.header.items() if text},
            answers=typed.answers,
            zone=settings.zone,
            key_points=int(typed.key_points) if typed.key_points.isdecimal() else None,
            address=address(),
        )
    except Refused as refusal:
        session.rollback()
        return sheet_page(typed, refusal), UNPROCESSABLE
    session.commit()
    flash(gettext("The sheet is stored."), "success")
    return redirect(url_for("test_calls.show", test_call_id=test.id))


@bp.get("/<int:test_call_id>")
@allow(*READERS)
def show(test_call_id: int) -> ResponseReturnValue:
    """Show one sheet; outside testers see nothing but what they entered and whether it counts."""
    test = session.scalar(
        visible_test_calls(reader())
        .where(TestCall.id == test_call_id)
        .options(joinedload(TestCall.agent), joinedload(TestCall.call), joinedload(TestCall.tester))
    ) or abort(404)
    seen("test_call.viewed", "test_call", test.id)
    sheet = default_sheet()
    lines = [] if outside() else side_by_side(session, test)
    return render_template(
        "test_calls/show.html",
        test=test,
        sheet=sheet,
        groups=list(question_groups(sheet)),
        after_call=after_call_questions(sheet),
        answer_name=lambda item, value: answer_name(sheet, item, str(value)),
        fields=FIELDS,
        personas=PERSONAS,
        statuses=STATUSES,
        parts=SHEET_KINDS,
        reasons=REASONS,
        outside=outside(),
        call=shown_call(test),
        lines=lines,
        judges=sorted({name for line in lines for name in line.inspectors}),
        verdicts=VERDICTS,
        item_names={item.id: item_name(item.name) for item in sheet.items},
    )


@bp.get("/planned/<int:assignment_id>")
@allow(*WRITERS)
def planned(assignment_id: int) -> ResponseReturnValue:
    """Show a planned call: the scenario with its answer key, and the sheet to fill in."""
    assignment = own_assignment(assignment_id)
    return sheet_page(TypedSheet(source=assignment.plan.source, header=planned_header(assignment)), None, assignment)


@bp.post("/planned/<int:assignment_id>")
@allow(*WRITERS)
def enter_planned(assignment_id: int) -> ResponseReturnValue:
    """Score and keep the sheet of a planned call."""
    assignment = own_assignment(assignment_id)
    typed = read_sheet(request.form, default_sheet())
    try:
        test = enter_planned_call(
            session,
            assignment,
            tester=reader(),
            header={name: text for name, text in typed.header.items() if text},
            answers=typed.answers,
            zone=settings.zone,
            address=address(),
        )
    except Refused as refusal:
        session.rollback()
        return sheet_page(typed, refusal, own_assignment(assignment_id)), UNPROCESSABLE
    session.commit()
    flash(gettext("The sheet is stored."), "success")
    return redirect(url_for("test_calls.show", test_call_id=test.id))


@bp.get("/quarantine")
@allow(Role.INSPECTOR, Role.LEAD)
def quarantine() -> ResponseReturnValue:
    """Show the sheets in quarantine beside the recordings that may be theirs."""
    waiting = session.scalars(
        visible_test_calls(reader())
        .where(TestCall.status == QUARANTINE)
        .options(joinedload(TestCall.tester))
        .order_by(TestCall.dialled_at.desc(), TestCall.id.desc())
        .limit(MAX_WAITING)
    ).all()
    return quarantine_page(waiting)


@bp.post("/<int:test_call_id>/settle")
@allow(Role.LEAD)
def settle(test_call_id: int) -> ResponseReturnValue:
    """Take a sheet out of quarantine by hand: name its recording, or reject it."""
    test = session.scalar(visible_test_calls(reader()).where(TestCall.id == test_call_id)) or abort(404)
    chosen = request.form.get("call", "")
    known = {str(one.call.id): one.call for one in candidates(session, test)}
    if chosen != "none" and chosen not in known:
        abort(400)
    try:
        settle_by_hand(
            session, test, known.get(chosen), by=reader(), reason=request.form.get("reason", ""), address=address()
        )
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
    else:
        session.commit()
        flash(gettext("The sheet is settled."), "success")
    return redirect(url_for("test_calls.quarantine"))


@bp.get("/truth")
@allow(Role.INSPECTOR, Role.LEAD)
def truth() -> ResponseReturnValue:
    """Show how well rules and inspectors find what testers heard; inspectors see their own line only."""
    period = asked_period()
    comparison = compare(session, zone=settings.zone, period=period)
    inspectors = [one for one in comparison.inspectors if reader().role is Role.LEAD or one.inspector_id == reader().id]
    seen("test_calls.compared", period=period.label)
    return render_template(
        "test_calls/truth.html",
        comparison=comparison,
        inspectors=inspectors,
        period=period,
        choices=list(choices(period)),
    )


@bp.get("/truth.csv")
@allow(Role.LEAD)
def truth_csv() -> ResponseReturnValue:
    """Send the same figures as CSV."""
    period = asked_period()
    seen("test_calls.compared", period=period.label, format="csv")
    content = comparison_csv(compare(session, zone=settings.zone, period=period))
    response = Response(content, content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"test-calls-{period.label}.csv")
    return response


@bp.post("/match")
@allow(Role.INSPECTOR, Role.LEAD)
def match() -> ResponseReturnValue:
    """Look for the recordings of the sheets in quarantine once more."""
    settled = match_again(session, by=reader(), address=address())
    session.commit()
    if settled:
        flash(gettext("%(n)s sheets left quarantine.", n=settled), "success")
    else:
        flash(gettext("No recording was found for the sheets in quarantine."), "info")
    return redirect(url_for("test_calls.index"))


@bp.get("/import")
@allow(*WRITERS)
def import_csv() -> ResponseReturnValue:
    """Show what a file of sheets looks like, and take one."""
    return import_page()


@bp.post("/import")
@allow(*WRITERS)
def take_csv() -> ResponseReturnValue:
    """Import a file: good lines are stored, bad ones listed with their reason."""
    return imported(
        lambda content: import_test_calls(session, content, by=reader(), zone=settings.zone, address=address()),
        import_page,
    )


@bp.get("/template")
@allow(*WRITERS)
def template() -> ResponseReturnValue:
    """Send an empty file with the columns of the check sheet."""
    sheet = default_sheet()
    names = [one.field for one in sheet.header if one.field != "tester_id"]
    items = [*(item.id for item in sheet.items), *(item.id for item in sheet.after_call)]
    columns = ["external_id", "source", "key_points", *names, *items]
    return empty_csv(columns, f"test-calls-{sheet.id}-{sheet.version}.csv")


def reader() -> User:
    return cast(User, current_user)


def outside() -> bool:
    """Return whether the current user is a tester from outside, who learns nothing of the inside."""
    return reader().role is Role.TEST_CALLER


def shown_call(test: TestCall) -> Call | None:
    """Return the recording of a sheet, when the current user may open it."""
    if outside() or test.call is None or not may_see(session, reader(), test.call):
        return None
    return test.call


def own_assignment(assignment_id: int) -> TestAssignment:
    """Return a planned call of the current user that has no sheet yet."""
    found: TestAssignment = session.scalar(
        visible_assignments(reader())
        .where(
            TestAssignment.id == assignment_id,
            TestAssignment.tester_id == reader().id,
            TestAssignment.test_call_id.is_(None),
        )
        .options(joinedload(TestAssignment.scenario), joinedload(TestAssignment.plan))
    ) or abort(404)
    return found


def planned_header(assignment: TestAssignment) -> dict[str, str]:
    card = card_of_scenario(assignment.scenario)
    return {"number_used": assignment.number_used, "scenario_id": card.key, "persona": assignment.persona}


def quarantine_page(waiting: Sequence[TestCall]) -> str:
    found = {test.id: candidates(session, test) for test in waiting}
    return render_template(
        "test_calls/quarantine.html",
        waiting=waiting,
        found=found,
        compared=FIELDS_COMPARED,
        reasons=REASONS,
        parts=SHEET_KINDS,
        may_settle=reader().role is Role.LEAD,
        me=reader(),
        limit=MAX_WAITING,
    )


def sheet_page(typed: TypedSheet, refusal: Refused | None = None, assignment: TestAssignment | None = None) -> str:
    sheet = default_sheet()
    return render_template(
        "test_calls/new.html",
        typed=typed,
        assignment=assignment,
        outside=outside(),
        card=card_of_scenario(assignment.scenario) if assignment else None,
        sheet=sheet,
        sources=SOURCES[reader().role],
        parts=SHEET_KINDS,
        groups=list(question_groups(sheet)),
        after_call=after_call_questions(sheet),
        fields=FIELDS,
        kinds=KINDS,
        personas=PERSONAS,
        problem=refusal_text(refusal) if refusal else None,
        wrong=refusal.field if refusal else None,
    )


def import_page(**found: Any) -> str:
    sheet = default_sheet()
    return render_template(
        "test_calls/import.html",
        sheet=sheet,
        fields=FIELDS,
        sources=SOURCES[reader().role],
        parts=SHEET_KINDS,
        item_name=item_name,
        **found,
    )
