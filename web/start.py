"""The start page: what needs me today. Each role has its own, put together from a few queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import contains_eager, joinedload

from models import (
    Agent,
    AuditEvent,
    AutoScore,
    Call,
    CallState,
    IngestFailure,
    Review,
    ReviewState,
    Role,
    TestCall,
    User,
)
from models.base import now
from qa.agent_scores import AgentScoreRow, agent_scores, default_scheme, open_book
from qa.calibration import waiting_calibrations
from qa.inspectors import own_joint_results
from qa.periods import Period, PeriodKind
from qa.reviewer_checks import months_to_check
from qa.sampling_work import open_tasks
from qa.test_plans import open_assignments
from web import appeals
from web.access import allow
from web.coaching import open_for_agent, retests_due
from web.context import settings
from web.db import session
from web.periods import asked_period, period_name
from web.test_call_form import PERSONAS

bp = Blueprint("start", __name__)

SHOWN = 8  # rows in a list that only begins something
DONE = (ReviewState.SUBMITTED, ReviewState.RELEASED)


@bp.get("/")
@allow()
def index() -> ResponseReturnValue:
    """Show what waits for the current user."""
    role: Role = current_user.role
    return render_template(f"start/{role.value}.html", **PAGES[role]())


def inspector_page() -> dict[str, Any]:
    me = current_user.id
    week_start, week_end = this_week().bounds(settings.zone)
    drafts = session.scalars(
        select(Review)
        .where(Review.inspector_id == me, Review.state == ReviewState.DRAFT, Review.ordinary)
        .options(joinedload(Review.call).joinedload(Call.agent))
        .order_by(Review.created_at)
    ).all()
    done = session.scalar(
        select(func.count())
        .select_from(Review)
        .where(
            Review.inspector_id == me,
            Review.submitted_at >= week_start,
            Review.submitted_at < week_end,
            Review.ordinary,
        )
    )
    waiting = select(Review).where(Review.inspector_id == me, Review.state == ReviewState.SUBMITTED, Review.ordinary)
    return {
        "tasks": session.scalars(open_tasks(me).limit(SHOWN)).all(),
        "today": now().astimezone(settings.zone).date(),
        "drafts": drafts,
        "done": done,
        "to_release": session.scalar(select(func.count()).select_from(waiting.subquery())),
        "to_review": session.scalars(calls_without_review().limit(SHOWN)).all(),
        **appeals.news(),
        "calibrations": waiting_calibrations(session, current_user),
        "joint": own_joint_results(session, me),
    }


def agent_page() -> dict[str, Any]:
    agent: Agent = current_user.agent
    newest = session.scalars(
        select(Review)
        .join(Review.call)
        .where(Call.agent_id == agent.id, Review.state == ReviewState.RELEASED, Review.ordinary)
        .options(contains_eager(Review.call), joinedload(Review.scorecard))
        .order_by(Review.released_at.desc(), Call.started_at.desc())
        .limit(SHOWN)
    ).all()
    month = asked_period()
    return {
        "newest": newest,
        "coaching": open_for_agent(),
        "month": period_name(month),
        "score": own_score(agent.id, month),
        "before": own_score(agent.id, month.previous()),
        "target": default_scheme().target,
        **appeals.own_news(newest),
    }


def supervisor_page() -> dict[str, Any]:
    team_id: int | None = current_user.team_id
    month = asked_period()
    rows = scores(month, team_id) if team_id is not None else []
    return {
        "team": current_user.team,
        "suspicions": suspicions(Agent.team_id == team_id),
        "retests": retests_due(SHOWN),
        "month": period_name(month),
        "rows": lowest_first(rows),
        "target": default_scheme().target,
        **appeals.news(),
    }


def lead_page() -> dict[str, Any]:
    month = asked_period()
    book = open_book(session, month, zone=settings.zone)
    rows, (centre, *groups) = book.rows(), book.groups()
    states: dict[CallState, int] = dict(
        session.execute(select(Call.state, func.count()).group_by(Call.state)).tuples().all()
    )
    week_start, _ = this_week().bounds(settings.zone)
    return {
        "states": [(state, states.get(state, 0)) for state in CallState],
        "calls": sum(states.values()),
        "refused": session.scalar(select(func.count()).select_from(IngestFailure)),
        "reviews_week": session.scalar(
            select(func.count()).select_from(Review).where(Review.submitted_at >= week_start, Review.ordinary)
        ),
        "suspicions": suspicions(),
        "calibrations": waiting_calibrations(session, current_user),
        "checks": months_to_check(session, current_user),
        "month": period_name(month),
        "groups": groups,
        "centre": centre,
        "scored_agents": sum(row.score.value is not None for row in rows),
        "grades": Counter(row.score.grade for row in rows),
        "grade_names": default_scheme().grades,
        "rows": lowest_first(rows)[:SHOWN],
        "target": default_scheme().target,
        **appeals.news(),
    }


def test_caller_page() -> dict[str, Any]:
    sheets = session.scalars(
        select(TestCall).where(TestCall.tester_id == current_user.id).order_by(TestCall.dialled_at.desc()).limit(20)
    ).all()
    return {"sheets": sheets, "planned": open_assignments(session, current_user), "personas": PERSONAS}


def admin_page() -> dict[str, Any]:
    failed = select(func.count()).select_from(Call).where(Call.state == CallState.FAILED)
    return {
        "roles": session.execute(
            select(User.role, func.count()).where(User.active).group_by(User.role).order_by(User.role)
        ).all(),
        "failed_calls": session.scalar(failed),
        "refused": session.scalar(select(func.count()).select_from(IngestFailure)),
        "failures": session.scalars(select(IngestFailure).order_by(IngestFailure.at.desc()).limit(SHOWN)).all(),
        "events": session.scalars(
            select(AuditEvent).options(joinedload(AuditEvent.user)).order_by(AuditEvent.id.desc()).limit(SHOWN)
        ).all(),
    }


PAGES: dict[Role, Callable[[], dict[str, Any]]] = {
    Role.INSPECTOR: inspector_page,
    Role.AGENT: agent_page,
    Role.SUPERVISOR: supervisor_page,
    Role.LEAD: lead_page,
    Role.TEST_CALLER: test_caller_page,
    Role.ADMIN: admin_page,
}


def this_week() -> Period:
    """Return the week that today falls in, on the hotline's calendar."""
    return Period.containing(now(), settings.zone, PeriodKind.WEEK)


def reviewed() -> ColumnElement[bool]:
    """Whether a person has finished a review of the call."""
    return exists().where(Review.call_id == Call.id, Review.state.in_(DONE), Review.ordinary)


def calls_without_review() -> Select[Call]:
    """Return scored calls that nobody has begun to review, newest first."""
    return (
        select(Call)
        .where(Call.state == CallState.SCORED, ~exists().where(Review.call_id == Call.id, Review.ordinary))
        .options(joinedload(Call.agent), joinedload(Call.auto_score))
        .order_by(Call.started_at.desc())
    )


def suspicions(*conditions: ColumnElement[bool]) -> Sequence[Call]:
    """Return calls in which the machine suspects a fatal item and no person has decided, newest first."""
    return session.scalars(
        select(Call)
        .join(Call.auto_score)
        .join(Call.agent)
        .where(AutoScore.fatal_suspected, ~reviewed(), *conditions)
        .options(contains_eager(Call.auto_score), contains_eager(Call.agent))
        .order_by(Call.started_at.desc())
        .limit(SHOWN)
    ).all()


def scores(period: Period, team_id: int | None) -> list[AgentScoreRow]:
    return agent_scores(session, period, zone=settings.zone, team_id=team_id)


def own_score(agent_id: int, period: Period) -> AgentScoreRow | None:
    return next(iter(agent_scores(session, period, zone=settings.zone, agent_ids=[agent_id])), None)


def lowest_first(rows: Sequence[AgentScoreRow]) -> list[AgentScoreRow]:
    """Return agents with a score by score, then those without one."""
    return sorted(rows, key=lambda row: (row.score.value is None, row.score.value or 0.0))
