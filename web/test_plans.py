"""The plan of test calls: what each period asks for, who does it, the week's duties, and the scenarios."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from models import Role, TestAssignment, TestPlan, TestScenario, User
from models.base import now
from qa.periods import Period, PeriodError, PeriodKind
from qa.refusals import Refused
from qa.test_calls import KINDS
from qa.test_plans import drop_plan, duties, free_testers, make_plan, off_plan, usual_rules
from qa.test_scenarios import card_of_scenario, store_scenarios
from scoring.criteria_file import CriteriaError
from scoring.scenario import load_scenarios
from scoring.shipped import shipped
from scoring.test_plan import PlanError, PlanRules
from web.access import allow
from web.audit import address
from web.context import settings
from web.csv_pages import UNPROCESSABLE
from web.db import session
from web.i18n import N_
from web.periods import period_name
from web.refusal_text import refusal_text
from web.test_call_form import PERSONAS

bp = Blueprint("test_plans", __name__, url_prefix="/test-plans")

USUAL_CALLS = 40
WEEKS = 4  # of duties that the page shows
SHORT_OF = {
    "calls": N_("Calls: testers have their limit"),
    "numbers": N_("Different numbers to call from"),
    "weekend": N_("Calls at weekends"),
    "evening": N_("Calls in the evening"),
}
FIGURES = ("calls", "max_per_tester", "min_numbers", "first_hour", "last_hour", "evening_from")
SHARES = ("weekend_share", "evening_share")


@bp.get("/")
@allow(Role.INSPECTOR, Role.LEAD)
def index() -> ResponseReturnValue:
    """Show the plans, the duties of the last weeks and the scenarios; inspectors see their own duties only."""
    return plans_page()


@bp.post("/")
@allow(Role.LEAD)
def make() -> ResponseReturnValue:
    """Draw the plan of a period; what was typed stays on the page when it cannot be made."""
    form = request.form
    try:
        plan = make_plan(
            session,
            typed_period(),
            form.get("source", ""),
            typed_rules(),
            numbers=[line.strip() for line in form.get("numbers", "").splitlines() if line.strip()],
            by=reader(),
            zone=settings.zone,
            address=address(),
        )
    except Refused as refusal:
        session.rollback()
        return plans_page(refusal), UNPROCESSABLE
    session.commit()
    flash(gettext("The plan is drawn."), "success")
    return redirect(url_for("test_plans.show", test_plan_id=plan.id))


@bp.get("/<int:test_plan_id>")
@allow(Role.LEAD)
def show(test_plan_id: int) -> ResponseReturnValue:
    """Show the calls of one plan and what became of them."""
    plan = found(test_plan_id)
    return render_template(
        "test_plans/show.html",
        plan=plan,
        kinds=KINDS,
        personas=PERSONAS,
        short_of=SHORT_OF,
        off_plan=off_plan,
        done=sum(one.test_call_id is not None for one in plan.assignments),
        now=now(),
        name=period_name(Period.parse(plan.period)),
    )


@bp.post("/<int:test_plan_id>/drop")
@allow(Role.LEAD)
def drop(test_plan_id: int) -> ResponseReturnValue:
    """Take back a plan of which nothing has been done."""
    try:
        drop_plan(session, found(test_plan_id), by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
        return redirect(url_for("test_plans.show", test_plan_id=test_plan_id))
    session.commit()
    flash(gettext("The plan is taken back."), "success")
    return redirect(url_for("test_plans.index"))


@bp.get("/scenarios/<int:scenario_id>")
@allow(Role.INSPECTOR, Role.LEAD)
def scenario(scenario_id: int) -> ResponseReturnValue:
    """Show one scenario with its answer key."""
    stored = session.get(TestScenario, scenario_id) or abort(404)
    return render_template("test_plans/scenario.html", card=card_of_scenario(stored), stored=stored, personas=PERSONAS)


@bp.post("/scenarios")
@allow(Role.LEAD)
def take_scenarios() -> ResponseReturnValue:
    """Take in a YAML file of scenarios."""
    file = request.files.get("file")
    try:
        cards = load_scenarios(file.read().decode("utf-8-sig") if file else "")
        report = store_scenarios(session, cards, by=reader(), address=address())
    except UnicodeDecodeError:
        flash(gettext("The file is not UTF-8 text: save it as UTF-8."), "danger")
    except CriteriaError as error:
        flash(gettext("The scenarios were not taken in: %(error)s", error=str(error)[:2000]), "danger")
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
    else:
        session.commit()
        flash(
            gettext(
                "%(stored)s scenarios stored, %(same)s there already.", stored=report.stored, same=report.unchanged
            ),
            "success",
        )
    return redirect(url_for("test_plans.index"))


@bp.get("/scenarios/example")
@allow(Role.LEAD)
def example() -> ResponseReturnValue:
    """Send the shipped scenarios as an example of the file."""
    response = Response(shipped("test-scenarios").read_text("utf-8"), content_type="text/yaml; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename="test-scenarios.yaml")
    return response


def reader() -> User:
    return cast(User, current_user)


def found(test_plan_id: int) -> TestPlan:
    plan: TestPlan = session.scalar(
        select(TestPlan)
        .where(TestPlan.id == test_plan_id)
        .options(
            selectinload(TestPlan.assignments).joinedload(TestAssignment.tester),
            selectinload(TestPlan.assignments).joinedload(TestAssignment.scenario),
            selectinload(TestPlan.assignments).joinedload(TestAssignment.test_call),
        )
    ) or abort(404)
    return plan


def typed_period() -> Period:
    """Return the period of the form.

    Raises:
        Refused: it is none.
    """
    text = request.form.get("period", "")
    try:
        return Period.parse(text)
    except PeriodError:
        raise Refused(N_("%(text)s is no period: write 2026-11 or 2026-W47."), field="period", text=text[:20]) from None


def typed_rules() -> PlanRules:
    """Return the rules of the form.

    Raises:
        Refused: a number is missing or makes no sense.
    """
    form = request.form
    try:
        figures = {name: int(form.get(name, "")) for name in FIGURES}
        weekend, evening = (int(form.get(name, "")) / 100 for name in SHARES)
        return PlanRules(**figures, weekend_share=weekend, evening_share=evening)
    except (ValueError, PlanError):
        raise Refused(
            N_("Fill in whole numbers: at least one call, hours from 0 to 24, shares from 0 to 100 percent.")
        ) from None


def plans_page(refusal: Refused | None = None) -> str:
    this_month = Period.containing(now(), settings.zone, PeriodKind.MONTH)
    this_week = Period.containing(now(), settings.zone, PeriodKind.WEEK)
    lead = reader().role is Role.LEAD
    weeks = {week: duties_of(week) for week in reversed(this_week.back(WEEKS))}
    done = (
        select(TestAssignment.plan_id, func.count(), func.count(TestAssignment.test_call_id))
        .where(TestAssignment.cancelled_at.is_(None))
        .group_by(TestAssignment.plan_id)
    )
    return render_template(
        "test_plans/index.html",
        lead=lead,
        plans=session.scalars(
            select(TestPlan).options(joinedload(TestPlan.created_by)).order_by(TestPlan.id.desc()).limit(24)
        ).all()
        if lead
        else [],
        progress={plan: (made, planned) for plan, planned, made in session.execute(done).tuples()},
        weeks=weeks,
        scenarios=session.scalars(select(TestScenario).where(TestScenario.active).order_by(TestScenario.key)).all(),
        kinds=KINDS,
        typed=request.form or usual_form(this_month.next()),
        free={kind: len(free_testers(session, kind, this_month.next(), settings.zone)) for kind in KINDS},
        problem=refusal_text(refusal) if refusal else None,
        period_name=period_name,
        named=lambda label: period_name(Period.parse(label)),
        today=now().astimezone(settings.zone).date(),
    )


def duties_of(week: Period) -> list[Any]:
    everybody = duties(session, week, zone=settings.zone, per_inspector=settings.dial_tests_per_week)
    return [duty for duty in everybody if reader().role is Role.LEAD or duty.user.id == reader().id]


def usual_form(period: Period) -> dict[str, str]:
    rules = usual_rules(USUAL_CALLS)
    figures = {name: str(getattr(rules, name)) for name in FIGURES}
    shares = {name: str(round(100 * getattr(rules, name))) for name in SHARES}
    return {"period": period.label, "source": "MS", "numbers": "", **figures, **shares}
