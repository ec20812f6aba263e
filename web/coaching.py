"""Coaching: goals that agent and coach agree on, and whether they were reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from models import Agent, Call, CoachingRecord, CoachingState, Review, Role, Team, User
from models.base import now
from qa.calls import visible_calls
from qa.coaching import (
    COACHES,
    OPEN,
    ItemKey,
    Plan,
    acknowledge,
    cancel,
    coachable,
    due_retests,
    effects,
    flagged_moments,
    item_choices,
    item_keys,
    item_names,
    may_lead,
    plan_coaching,
    retest,
    tick_step,
    visible_coaching,
    visible_review,
)
from qa.refusals import Refused
from scoring.coaching_effect import Verdict
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.csv_pages import UNPROCESSABLE
from web.db import session
from web.hidden_agents import hides_agent
from web.i18n import N_
from web.refusal_text import refusal_text

bp = Blueprint("coaching", __name__, url_prefix="/coaching")

READERS = (Role.AGENT, Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
PAGE_SIZE = 50
RETEST_AFTER = timedelta(days=30)
ITEMS_SHOWN = 8  # weakest ones, before "all items"
STATES = {
    CoachingState.PLANNED: (N_("Waits for the agent"), "pill-warn", "clock"),
    CoachingState.AGREED: (N_("Agreed"), "pill-busy", "user-check"),
    CoachingState.RETESTED: (N_("Retested"), "pill-good", "circle-check"),
    CoachingState.CANCELLED: (N_("Cancelled"), "", "ban"),
}
VIEWS = {"open": N_("Under way"), "due": N_("Retest due"), "done": N_("Closed")}
VERDICTS = {
    Verdict.BETTER: (N_("better than without coaching, beyond chance"), "pill-good", "trending-up"),
    Verdict.WORSE: (N_("worse than without coaching, beyond chance"), "pill-bad", "trending-down"),
    Verdict.CHANCE: (N_("may be chance"), "", "help"),
    Verdict.FEW_ANSWERS: (N_("too few answers to say"), "pill-warn", "help"),
    Verdict.FEW_PEERS: (N_("nobody to compare with"), "pill-warn", "help"),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it was filled in."""

    goal: str = ""
    steps: str = ""  # one a line
    held_on: str = ""
    retest_on: str = ""
    items: frozenset[str] = frozenset()  # "card/item"
    calls: tuple[int, ...] = field(default=())


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List coaching: what is open, whose retest is due, what is closed."""
    view = request.args.get("view", "open")
    if view not in VIEWS:
        abort(404)
    page = max(1, request.args.get("page", 1, type=int))
    wanted = wanted_in(view).order_by(
        CoachingRecord.retest_on.asc() if view != "done" else CoachingRecord.closed_at.desc(), CoachingRecord.id.desc()
    )
    rows = session.scalars(
        wanted.options(joinedload(CoachingRecord.agent), joinedload(CoachingRecord.coach))
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    ).all()
    return render_template(
        "coaching/index.html",
        rows=rows[:PAGE_SIZE],
        more=len(rows) > PAGE_SIZE,
        page=page,
        view=view,
        views=VIEWS,
        counts={one: session.scalar(select(func.count()).select_from(wanted_in(one).subquery())) for one in VIEWS},
        states=STATES,
        today=today(),
        coach=reader().role in COACHES,
    )


@bp.get("/new")
@allow(Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
def new() -> ResponseReturnValue:
    """Show the form for an agent, filled in as far as the address tells; without one, ask whom it is about."""
    review = asked_review()
    agent = review.call.agent if review else asked_agent()
    if agent is None:
        return render_template("coaching/choose.html", teams=people_by_team())
    if session.scalar(coachable(reader()).where(Agent.id == agent.id)) is None:
        abort(404)
    item, call_id = request.args.get("item"), request.args.get("call", type=int)
    calls = [call_id] if call_id else [review.call_id] if review else []
    typed = Typed(
        held_on=today().isoformat(),
        retest_on=(today() + RETEST_AFTER).isoformat(),
        items=frozenset({f"{review.scorecard.key}/{item}"} if review and item else {item} if item else ()),
        calls=tuple(calls),
    )
    return form_page(agent, review, typed)


@bp.post("/new")
@allow(Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
def plan() -> ResponseReturnValue:
    """Store a plan; what was typed stays on the page when something is wrong with it."""
    review = asked_review()
    agent = (review.call.agent if review else asked_agent()) or abort(404)
    form = request.form
    typed = Typed(
        goal=form.get("goal", ""),
        steps=form.get("steps", ""),
        held_on=form.get("held_on", ""),
        retest_on=form.get("retest_on", ""),
        items=frozenset(form.getlist("item")),
        calls=tuple(form.getlist("calls", type=int)),
    )
    try:
        record = plan_coaching(
            session,
            Plan(
                agent=agent,
                goal=typed.goal,
                held_on=day_of(typed.held_on, "held_on"),
                retest_on=day_of(typed.retest_on, "retest_on"),
                steps=typed.steps.splitlines(),
                items=[key_of(name) for name in sorted(typed.items)],
                calls=typed.calls,
                review=review,
            ),
            by=reader(),
            today=today(),
            address=address(),
        )
    except Refused as refusal:
        session.rollback()
        return form_page(agent, review, typed, refusal), UNPROCESSABLE
    session.commit()
    flash(gettext("Planned. The agent is told and can agree to it."), "success")
    return redirect(url_for("coaching.show", coaching_id=record.id))


@bp.get("/<int:coaching_id>")
@allow(*READERS)
def show(coaching_id: int) -> ResponseReturnValue:
    """Show one record: goal, steps, and how its items went before and after."""
    record = found(coaching_id)
    seen("coaching.viewed", "coaching", record.id)
    return record_page(record)


@bp.post("/<int:coaching_id>/acknowledge")
@allow(Role.AGENT)
def agree(coaching_id: int) -> ResponseReturnValue:
    """Agree to goal and steps, as the agent."""
    record = found(coaching_id)
    try:
        acknowledge(session, record, request.form.get("comment"), by=reader(), address=address())
    except Refused as refusal:
        return refused(coaching_id, refusal)
    return done(record, gettext("Thank you. Your coach is told."))


@bp.post("/<int:coaching_id>/steps")
@allow(Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
def step(coaching_id: int) -> ResponseReturnValue:
    """Tick a step, or take the tick back."""
    record = found(coaching_id)
    number, is_done = request.form.get("step", -1, type=int), request.form.get("done") == "yes"
    try:
        tick_step(session, record, number, done=is_done, by=reader(), address=address())
    except Refused as refusal:
        return refused(coaching_id, refusal)
    return done(record, gettext("Stored."))


@bp.post("/<int:coaching_id>/retest")
@allow(Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
def judge(coaching_id: int) -> ResponseReturnValue:
    """Close a record with a judgement."""
    record = found(coaching_id)
    effective = request.form.get("effective")
    if effective not in ("yes", "no"):
        return refused(coaching_id, Refused(N_("Say whether the goal was reached.")))
    try:
        retest(
            session,
            record,
            effective=effective == "yes",
            conclusion=request.form.get("conclusion", ""),
            by=reader(),
            zone=settings.zone,
            today=today(),
            address=address(),
        )
    except Refused as refusal:
        return refused(coaching_id, refusal)
    return done(record, gettext("Closed. The rates of today are kept with it."))


@bp.post("/<int:coaching_id>/cancel")
@allow(Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
def call_off(coaching_id: int) -> ResponseReturnValue:
    """Close a record without a retest."""
    record = found(coaching_id)
    try:
        cancel(session, record, request.form.get("reason", ""), by=reader(), address=address())
    except Refused as refusal:
        return refused(coaching_id, refusal)
    return done(record, gettext("Cancelled."))


def reader() -> User:
    return cast(User, current_user)


def today() -> date:
    """Return the day on the hotline's calendar."""
    return now().astimezone(settings.zone).date()


def wanted_in(view: str) -> Select[CoachingRecord]:
    if view == "due":
        return due_retests(reader(), today())
    is_open = CoachingRecord.state.in_(OPEN)
    return visible_coaching(reader()).where(is_open if view == "open" else ~is_open)


def found(coaching_id: int) -> CoachingRecord:
    """Return the record; 404 when there is none or when it is not the current user's to read."""
    record: CoachingRecord | None = session.scalar(
        visible_coaching(reader())
        .where(CoachingRecord.id == coaching_id)
        .options(
            joinedload(CoachingRecord.agent).joinedload(Agent.team),
            joinedload(CoachingRecord.coach),
            joinedload(CoachingRecord.review).joinedload(Review.call),
        )
    )
    return record or abort(404)


def asked_review() -> Review | None:
    """Return the review that the address names; 404 when it is not the current user's to read."""
    review_id = request.values.get("review", type=int)
    if review_id is None:
        return None
    review = visible_review(session, review_id, reader())
    return review if review is not None and not hides_agent(review.call_id) else abort(404)


def asked_agent() -> Agent | None:
    agent_id = request.values.get("agent", type=int)
    return None if agent_id is None else session.get(Agent, agent_id) or abort(404)


def people_by_team() -> list[tuple[Team | None, list[Agent]]]:
    """Return the agents whom the current user may coach, team by team."""
    agents = session.scalars(
        coachable(reader()).outerjoin(Agent.team).options(joinedload(Agent.team)).order_by(Team.name, Agent.number)
    ).all()
    teams: dict[Team | None, list[Agent]] = {}
    for agent in agents:
        teams.setdefault(agent.team, []).append(agent)
    return list(teams.items())


def day_of(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(N_("This is no date."), field=name) from None


def key_of(name: str) -> ItemKey:
    card, _slash, item = name.rpartition("/")
    return card, item


def form_page(agent: Agent, review: Review | None, typed: Typed, refusal: Refused | None = None) -> str:
    choices = item_choices(session, agent, zone=settings.zone, today=today(), review=review)
    chosen = {choice.key for choice in choices if "/".join(choice.key) in typed.items}
    moments = flagged_moments(session, agent, reader())
    offered = {moment.call_id for moment in moments} | set(typed.calls)
    return render_template(
        "coaching/new.html",
        agent=agent,
        review=review,
        typed=typed,
        first=[choice for at, choice in enumerate(choices) if choice.key in chosen or at < ITEMS_SHOWN],
        rest=[choice for at, choice in enumerate(choices) if choice.key not in chosen and at >= ITEMS_SHOWN],
        chosen=chosen,
        moments=moments,
        calls=calls_of(agent, offered),
        problem=refusal_text(refusal) if refusal else None,
        wrong=refusal.field if refusal else None,
    )


def calls_of(agent: Agent, ids: set[int]) -> list[Call]:
    """Return calls of the agent that the current user may hear: those that are named, newest first."""
    named = visible_calls(reader()).where(Call.id.in_(ids), Call.agent_id == agent.id)
    return [call for call in session.scalars(named.order_by(Call.started_at.desc())) if not hides_agent(call.id)]


def record_page(record: CoachingRecord, problem: str | None = None) -> str:
    keys = item_keys(record)
    names = item_names(session, {card for card, _ in keys})
    looks_back = today() > record.held_on and record.state is not CoachingState.CANCELLED
    return render_template(
        "coaching/show.html",
        record=record,
        items=[(key, names.get(key, key[1])) for key in keys],
        calls=calls_of(record.agent, set(record.calls)),
        effects=effects(session, record, zone=settings.zone, today=today()) if looks_back else [],
        states=STATES,
        verdicts=VERDICTS,
        today=today(),
        is_open=record.state in OPEN,
        own=reader().agent_id == record.agent_id,
        leads=may_lead(reader(), record),
        planned=CoachingState.PLANNED,
        retested=CoachingState.RETESTED,
        problem=problem,
    )


def done(record: CoachingRecord, said: str) -> ResponseReturnValue:
    session.commit()
    flash(said, "success")
    return redirect(url_for("coaching.show", coaching_id=record.id))


def refused(coaching_id: int, refusal: Refused) -> ResponseReturnValue:
    session.rollback()
    return record_page(found(coaching_id), refusal_text(refusal)), UNPROCESSABLE


def open_for_agent() -> CoachingRecord | None:
    """Return the open coaching that the current agent is to see first: one that waits for them, else the next due."""
    record: CoachingRecord | None = session.scalar(
        visible_coaching(reader())
        .where(CoachingRecord.state.in_(OPEN))
        .options(joinedload(CoachingRecord.coach))
        .order_by(CoachingRecord.state.desc(), CoachingRecord.retest_on)
        .limit(1)
    )
    return record


def retests_due(limit: int) -> list[CoachingRecord]:
    """Return the records whose retest waits for the current user."""
    due: Any = due_retests(reader(), today()).options(joinedload(CoachingRecord.agent))
    return list(session.scalars(due.order_by(CoachingRecord.retest_on).limit(limit)))
