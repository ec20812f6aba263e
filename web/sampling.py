"""The weekly sample: what a draw would tell, the draw and its proof, who reviews what, unsuitable calls, the plans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import contains_eager, joinedload, noload, selectinload

from models import (
    Agent,
    Call,
    Draw,
    Review,
    ReviewAssignment,
    ReviewReason,
    Role,
    SampledCall,
    SamplingPlan,
    User,
)
from models.base import now
from qa import audit
from qa.periods import Period, PeriodError, PeriodKind
from qa.refusals import Refused
from qa.reviews import REVIEWERS
from qa.sampling import (
    FINISHED,
    USUAL_PLAN,
    plan_named,
    proof_of,
    rules_of,
    store_plan,
    verify_draw,
)
from qa.sampling_planner import finite, preview
from qa.sampling_rules import LEFT_OUT, UNSUITABLE, WHY, PlanRules
from qa.sampling_work import (
    assign_one,
    bias_report,
    draw_week,
    inspectors_of,
    move_assignment,
    open_tasks,
    progress,
    too_few_joint,
    withdraw,
)
from scoring.sampling import DesignKind
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.csv_pages import UNPROCESSABLE
from web.db import session
from web.periods import period_name
from web.plan_form import FIELDS, read_plan, typed_plan
from web.refusal_text import refusal_text

bp = Blueprint("sampling", __name__, url_prefix="/sampling")

PAGE_SIZE = 50
MANAGERS = (Role.SUPERVISOR, Role.LEAD)
SHOWS = ("random", "targeted", "open", "nobody", "withdrawn")


@bp.get("/")
@allow(*MANAGERS)
def index() -> ResponseReturnValue:
    """Show a week under a plan: what a draw would do, what was drawn, who has it and how far it is."""
    week, plan = asked_week(), asked_plan()
    draws = draws_of(week, plan)
    mine = (*own_rows(), Draw.plan_id == plan.id, Draw.week == week.label) if plan else (false(),)
    shown = request.args.get("show") if request.args.get("show") in SHOWS else None
    page = max(1, request.args.get("page", 1, type=int))
    rows = drawn_rows((*mine, *shown_rows(shown)), page)
    today = now().astimezone(settings.zone).date()
    rules = rules_of(plan) if plan else PlanRules()
    month = Period.of_day(week.first_day, PeriodKind.MONTH)
    people = progress(session, week, zone=settings.zone, today=today, only=mine)
    return render_template(
        "sampling/index.html",
        week=week,
        plan=plan,
        plans=session.scalars(select(SamplingPlan).order_by(SamplingPlan.name)).all(),
        rules=rules,
        usual=USUAL_PLAN,
        draws=draws,
        foreseeable=not draws and week.bounds(settings.zone)[0] <= now(),
        rows=rows[:PAGE_SIZE],
        more=len(rows) > PAGE_SIZE,
        page=page,
        shown=shown,
        total=count_of(mine),
        counts={show: count_of((*mine, *shown_rows(show))) for show in SHOWS},
        done=done_reviews(rows),
        people=people,
        days=sorted({day for one in people for day in one.by_day}),
        bias=bias_report(session, mine),
        month=period_name(month),
        too_few_joint=too_few_joint(session, month, rules.joint_least, zone=settings.zone),
        why=WHY,
        left_out=LEFT_OUT,
        unsuitable=UNSUITABLE,
        today=today,
        lead=reader().role is Role.LEAD,
    )


@bp.get("/preview")
@allow(*MANAGERS)
def foresee() -> ResponseReturnValue:
    """Send the part of the page that says what a draw would do: it looks at every call of the week."""
    week, plan = asked_week(), asked_plan()
    # Which calls, and how many each agent gets, does not depend on how they are drawn.
    rules = (rules_of(plan) if plan else PlanRules()).model_copy(update={"design": DesignKind.SIMPLE, "strata": "none"})
    month = Period.of_day(week.first_day, PeriodKind.MONTH)
    found = preview(session, rules, week, zone=settings.zone, month=month)
    return render_template("sampling/_preview.html", preview=found, left_out=LEFT_OUT, finite=finite)


@bp.post("/draw")
@allow(*MANAGERS)
def draw() -> ResponseReturnValue:
    """Draw a week under a plan. Chance decides, so anybody who may see samples may ask for it."""
    week = asked_week()
    try:
        plan = plan_named(session, request.form.get("plan") or None)
        made = draw_week(session, week, zone=settings.zone, plan=plan, by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
        return redirect(url_for("sampling.index", week=week.label, plan=request.form.get("plan") or None))
    except IntegrityError:
        session.rollback()
        flash(gettext("Somebody else drew this week at the same moment; this is what came out."), "info")
        return redirect(url_for("sampling.index", week=week.label, plan=request.form.get("plan") or None))
    name, eligible = plan.name, made.eligible_count
    drawn = count_of((SampledCall.draw_id == made.id,))
    session.commit()
    flash(gettext("%(n)s calls are drawn from %(calls)s eligible ones.", n=drawn, calls=eligible), "success")
    return redirect(url_for("sampling.index", week=week.label, plan=name))


@bp.post("/<int:draw_id>/verify")
@allow(*MANAGERS)
def verify(draw_id: int) -> ResponseReturnValue:
    """Repeat a draw from what it kept and say whether the same comes out."""
    made = session.get(Draw, draw_id) or abort(404)
    found = verify_draw(session, made, zone=settings.zone)
    audit.record(
        session,
        "sample.verified",
        user_id=reader().id,
        subject=("draw", made.id),
        address=address(),
        proven=found.proven,
    )
    session.commit()
    if found.proven:
        flash(
            gettext(
                "Proven: the %(n)s drawn calls follow from the seed, the rules and the list of %(calls)s calls.",
                n=found.drawn,
                calls=found.eligible,
            ),
            "success",
        )
    for problem in found.problems:
        flash(refusal_text(problem), "danger")
    if found.late:
        flash(gettext("%(n)s calls became eligible after the draw and had no chance.", n=found.late), "info")
    return redirect(url_for("sampling.index", week=made.week, plan=made.plan.name))


@bp.get("/<int:draw_id>/proof")
@allow(*MANAGERS)
def proof(draw_id: int) -> ResponseReturnValue:
    """Send everything that repeats a draw elsewhere: `hotline sample verify FILE`."""
    made = session.get(Draw, draw_id) or abort(404)
    content = json.dumps(proof_of(session, made), ensure_ascii=False, indent=1)
    seen("sample.exported", "draw", made.id)
    response = Response(content, content_type="application/json; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"draw-{made.id}-{made.week}.json")
    return response


@bp.get("/calls/<int:sampled_id>")
@allow(*MANAGERS)
def call(sampled_id: int) -> ResponseReturnValue:
    """Show one drawn call: why, with what probability, who has it; move it or take it out."""
    return call_page(drawn_call(sampled_id))


@bp.post("/calls/<int:sampled_id>/assign")
@allow(*MANAGERS)
def assign(sampled_id: int) -> ResponseReturnValue:
    """Give a drawn call to an inspector, or move it from one to another."""
    sampled = drawn_call(sampled_id)
    to = session.get(User, request.form.get("inspector", 0, type=int)) or abort(404)
    task_id = request.form.get("task", 0, type=int)
    try:
        task = next((one for one in sampled.assignments if one.id == task_id), None)
        if task is None:
            assign_one(session, sampled, to, reader(), address=address())
        else:
            move_assignment(session, task, to, reader(), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
    else:
        session.commit()
        flash(gettext("%(name)s has the call now.", name=to.name), "success")
    return redirect(url_for("sampling.call", sampled_id=sampled_id))


@bp.post("/calls/<int:sampled_id>/withdraw")
@allow(*MANAGERS)
def take_out(sampled_id: int) -> ResponseReturnValue:
    """Take an unsuitable call out of the sample; the next reserve takes its place."""
    sampled = drawn_call(sampled_id)
    try:
        instead = withdraw(
            session,
            sampled,
            reader(),
            request.form.get("reason", ""),
            note=request.form.get("note"),
            address=address(),
        )
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
        return call_page(drawn_call(sampled_id)), UNPROCESSABLE
    following = instead.id if instead else sampled_id
    session.commit()
    if instead:
        flash(gettext("Withdrawn. This call takes its place."), "success")
    else:
        flash(gettext("Withdrawn. No call takes its place."), "info")
    return redirect(url_for("sampling.call", sampled_id=following))


@bp.get("/queue")
@allow(Role.INSPECTOR, Role.LEAD)
def queue() -> ResponseReturnValue:
    """Show the current user's open calls, what is due first in front."""
    tasks = session.scalars(open_tasks(reader().id).limit(PAGE_SIZE)).all()
    counted = open_tasks(reader().id).options(noload("*")).order_by(None).with_only_columns(func.count())
    total = session.scalars(counted).one()
    return render_template(
        "sampling/queue.html", tasks=tasks, total=total, today=now().astimezone(settings.zone).date()
    )


@bp.get("/plans")
@allow(Role.LEAD)
def plans() -> ResponseReturnValue:
    """Show a plan's rules to change them, or the form of a new plan."""
    plan = None if "new" in request.args else asked_plan()
    typed = typed_plan(rules_of(plan) if plan else PlanRules())
    return plan_page(plan.name if plan else "", typed, active=plan.active if plan else True)


@bp.post("/plans")
@allow(Role.LEAD)
def keep_plan() -> ResponseReturnValue:
    """Store a plan; what was typed stays on the page when something is wrong with it."""
    name, active = request.form.get("name", ""), request.form.get("active") == "yes"
    try:
        plan = store_plan(session, name, read_plan(request.form), active=active, by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        typed = {field.name: ", ".join(request.form.getlist(field.name)) for field in FIELDS}
        return plan_page(name, typed, active=active, refusal=refusal), UNPROCESSABLE
    session.commit()
    flash(gettext("The plan is stored. Draws that were made keep their rules."), "success")
    return redirect(url_for("sampling.index", plan=plan.name))


def reader() -> User:
    return cast(User, current_user)


def own_rows() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on drawn calls that the current user may see: a supervisor those of the own team."""
    if reader().role is Role.LEAD:
        return ()
    if reader().team_id is None:
        return (false(),)
    return (SampledCall.call.has(Call.agent.has(Agent.team_id == reader().team_id)),)


def asked_week() -> Period:
    """Return the week of the address or form; else that of the newest call."""
    try:
        found = Period.parse(request.values.get("week", ""))
        if found.kind is PeriodKind.WEEK:
            return found
    except PeriodError:
        pass  # A mistyped week is answered with the usual one, whose name the page shows.
    newest = session.scalar(select(func.max(Call.started_at)))
    return Period.containing(min(newest or now(), now()), settings.zone, PeriodKind.WEEK)


def asked_plan() -> SamplingPlan | None:
    """Return the plan of the address; else the first active one; None when there is none yet."""
    named = session.scalar(select(SamplingPlan).where(SamplingPlan.name == request.args.get("plan", "")))
    return (
        named
        or session.scalars(select(SamplingPlan).where(SamplingPlan.active).order_by(SamplingPlan.name).limit(1)).first()
    )


def draws_of(week: Period, plan: SamplingPlan | None) -> Sequence[Draw]:
    if plan is None:
        return []
    return session.scalars(
        select(Draw)
        .where(Draw.plan_id == plan.id, Draw.week == week.label)
        .options(joinedload(Draw.drawn_by), joinedload(Draw.risk_model))
        .order_by(Draw.part)
    ).all()


def shown_rows(shown: str | None) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a tab."""
    valid = SampledCall.withdrawn_at.is_(None)
    finished = select(Review.call_id).where(Review.state.in_(FINISHED), Review.ordinary)
    return {
        "random": (valid, SampledCall.reason == ReviewReason.RANDOM),
        "targeted": (valid, SampledCall.reason != ReviewReason.RANDOM),
        "open": (valid, SampledCall.call_id.not_in(finished)),
        "nobody": (valid, ~SampledCall.assignments.any()),
        "withdrawn": (SampledCall.withdrawn_at.is_not(None),),
    }.get(shown or "", ())


def drawn_rows(conditions: Sequence[ColumnElement[bool]], page: int) -> Sequence[SampledCall]:
    """Return a page of drawn calls and one more, if there is one."""
    return session.scalars(
        select(SampledCall)
        .join(SampledCall.draw)
        .join(SampledCall.agent)
        .join(SampledCall.call)
        .where(*conditions)
        .options(
            contains_eager(SampledCall.agent),
            contains_eager(SampledCall.call).options(joinedload(Call.auto_score), joinedload(Call.agent)),
            selectinload(SampledCall.assignments).joinedload(ReviewAssignment.inspector),
        )
        .order_by(Agent.number, SampledCall.id)
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    ).all()


def count_of(conditions: Sequence[ColumnElement[bool]]) -> int:
    return session.scalars(
        select(func.count()).select_from(SampledCall).join(SampledCall.draw).where(*conditions)
    ).one()


def done_reviews(rows: Sequence[SampledCall]) -> dict[tuple[int, int], int]:
    """Return the finished reviews of these calls by call and inspector."""
    found = session.execute(
        select(Review.call_id, Review.inspector_id, Review.id).where(
            Review.call_id.in_([row.call_id for row in rows]), Review.state.in_(FINISHED), Review.ordinary
        )
    )
    return {(call_id, inspector_id): review_id for call_id, inspector_id, review_id in found}


def drawn_call(sampled_id: int) -> SampledCall:
    """Return a drawn call; 404 when there is none or when it is not the current user's to see."""
    found: SampledCall | None = session.scalar(
        select(SampledCall)
        .where(SampledCall.id == sampled_id, *own_rows())
        .options(
            joinedload(SampledCall.agent),
            joinedload(SampledCall.call).options(joinedload(Call.auto_score), joinedload(Call.agent)),
            joinedload(SampledCall.draw).joinedload(Draw.plan),
            selectinload(SampledCall.assignments).joinedload(ReviewAssignment.inspector),
        )
    )
    return found or abort(404)


def call_page(sampled: SampledCall) -> str:
    place_of = session.scalar(select(SampledCall).where(SampledCall.replaces_id == sampled.id))
    rules = rules_of(sampled.draw)
    others = session.scalars(
        select(User)
        .where(
            User.active, User.role.in_(REVIEWERS), or_(User.role == Role.INSPECTOR, User.login.in_(rules.inspectors))
        )
        .order_by(User.name)
    ).all()
    return render_template(
        "sampling/call.html",
        sampled=sampled,
        week=Period.parse(sampled.draw.week),
        place_of=place_of,
        done=done_reviews([sampled]),
        inspectors=[*others, *(one for one in inspectors_of(session, rules) if one not in others)],
        why=WHY,
        unsuitable=UNSUITABLE,
        today=now().astimezone(settings.zone).date(),
    )


def plan_page(name: str, typed: dict[str, str], *, active: bool, refusal: Refused | None = None) -> str:
    return render_template(
        "sampling/plans.html",
        name=name,
        typed=typed,
        active=active,
        fields=FIELDS,
        problem=refusal_text(refusal) if refusal else None,
        wrong=(refusal.field or "").split(".")[0] if refusal else None,
        plans=session.scalars(select(SamplingPlan).order_by(SamplingPlan.name)).all(),
    )
