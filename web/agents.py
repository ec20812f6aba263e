"""Agents' scores: the team at a glance, one agent with everything behind the number, and files to take away."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select

from models import Agent, Role, Team, User
from qa.agent_evidence import evidence_behind, item_rates
from qa.agent_scores import AgentScoreRow, agent_scores, default_scheme, export_scores, score_history
from qa.periods import Period
from qa.score_export import COLUMNS, PART_COLUMNS, PARTS, WORDS
from scoring.agent_score import rounded
from web.access import allow
from web.agent_page import axis_of, bands_of, recipe, segments
from web.audit import seen
from web.context import settings
from web.db import session
from web.i18n import format_number
from web.periods import asked_period, choices, period_name, short_name

bp = Blueprint("agents", __name__, url_prefix="/agents")

STAFF = (Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
HISTORY = 8  # periods
PAGE_SIZE = 50
MIN_REVIEWS = 5  # fewer say too little about a person
FILES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@bp.get("/")
@allow(Role.AGENT, *STAFF)
def index() -> ResponseReturnValue:
    """Show the agents of a period side by side; agents go to their own page."""
    if reader().role is Role.AGENT:
        return redirect(url_for("agents.show", agent_id=reader().agent_id, period=request.args.get("period")))
    period, team_id = asked_period(), asked_team()
    rows = sorted(scores(period, team_id), key=by_score)
    pages = max(1, -(-len(rows) // PAGE_SIZE))
    page = max(1, min(request.args.get("page", 1, type=int), pages))
    seen("scores.viewed", period=period.label, team=team_id)
    return render_template(
        "agents/index.html",
        rows=rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        total=len(rows),
        page=page,
        pages=pages,
        period=period,
        choices=list(choices(period)),
        teams=teams(),
        team_id=team_id,
        scheme=default_scheme(),
        bands=bands_of(default_scheme(), axis_of(rows)),
        axis=axis_of(rows),
        min_reviews=MIN_REVIEWS,
        parts=PARTS,
        graded=sum(row.score.grade is not None for row in rows),
    )


@bp.get("/<int:agent_id>")
@allow(Role.AGENT, *STAFF)
def show(agent_id: int) -> ResponseReturnValue:
    """Show one agent's score and everything that made it."""
    agent = visible_agent(agent_id)
    period = asked_period()
    (row,) = agent_scores(session, period, zone=settings.zone, agent_ids=[agent.id])
    behind = evidence_behind(session, agent.id, period, zone=settings.zone)
    rates = item_rates(session, agent.id, period, zone=settings.zone)
    seen("agent.viewed", "agent", agent.id, period=period.label)
    own = reader().role is Role.AGENT
    return render_template(
        "agents/show.html",
        agent=agent,
        row=row,
        score=row.score,
        period=period,
        choices=list(choices(period)),
        segments=segments(row.score),
        recipe=recipe(row.score),
        behind=behind,
        weakest=[rate for rate in rates if rate.share < 100][:5],
        strongest=[rate for rate in reversed(rates) if rate.share >= 50][:5],
        scheme=default_scheme(),
        history=score_history(session, agent.id, period, zone=settings.zone, count=HISTORY),
        parts=PARTS,
        min_reviews=MIN_REVIEWS,
        own=own,
        openable=behind.released_calls if own else None,
    )


@bp.get("/<int:agent_id>/trend")
@allow(Role.AGENT, *STAFF)
def trend(agent_id: int) -> ResponseReturnValue:
    """Send the scores of the last periods for the plot; low and high are the place of the interval."""
    agent = visible_agent(agent_id)
    rows = score_history(session, agent.id, asked_period(), zone=settings.zone, count=HISTORY)
    scheme = default_scheme()
    return jsonify(
        {
            "target": scheme.target,
            "bands": [{"grade": grade, "from": scheme.bands[grade]} for grade in scheme.grades],
            "points": [
                trend_point(row, with_year=i == 0 or row.period.year != rows[i - 1].period.year)
                for i, row in enumerate(rows)
            ],
        }
    )


@bp.get("/export")
@allow(*STAFF)
def export() -> ResponseReturnValue:
    """Send the scores of a period as CSV or XLSX, with headings in the page's language."""
    form = request.args.get("format", "xlsx")
    if form not in FILES:
        abort(404)
    period, team_id = asked_period(), asked_team()
    rows = scores(period, team_id)
    words = (*COLUMNS.values(), *PART_COLUMNS.values(), *PARTS.values(), *WORDS.values())
    content = export_scores(rows, form, labels={word: gettext(word) for word in words})
    seen("scores.exported", period=period.label, team=team_id, format=form, agents=len(rows))
    response = Response(content, content_type=FILES[form])
    response.headers.set("Content-Disposition", "attachment", filename=f"scores-{period.label}.{form}")
    return response


@bp.app_template_filter("score")
def score_figure(value: float | None) -> str:
    """Write a score as it is graded: one decimal, halves up."""
    return format_number(None if value is None else rounded(value), 1)


bp.add_app_template_filter(period_name)


def reader() -> User:
    return cast(User, current_user)


def scores(period: Period, team_id: int | None) -> list[AgentScoreRow]:
    """Return the scores that the current user may see; a supervisor without a team sees none."""
    if reader().role is Role.SUPERVISOR and reader().team_id is None:
        return []
    return agent_scores(session, period, zone=settings.zone, team_id=team_id)


def asked_team() -> int | None:
    """Return the team of the address; for a supervisor always the own one."""
    if reader().role is Role.SUPERVISOR:
        return reader().team_id
    return request.args.get("team", type=int)


def teams() -> list[Team]:
    if reader().role is Role.SUPERVISOR:
        return []
    return list(session.scalars(select(Team).order_by(Team.name)))


def visible_agent(agent_id: int) -> Agent:
    """Return the agent; 404 when there is none or when the page is not the current user's to see."""
    agent = session.get(Agent, agent_id) or abort(404)
    user = reader()
    if user.role is Role.AGENT and user.agent_id != agent.id:
        abort(404)
    if user.role is Role.SUPERVISOR and (user.team_id is None or user.team_id != agent.team_id):
        abort(404)
    return agent


def by_score(row: AgentScoreRow) -> tuple[bool, bool, float, str]:
    """Highest first; a score with too little behind it is not ranked among the others, none comes last."""
    value = row.score.value
    return value is None, row.score.grade is None, -(value or 0.0), row.number


def trend_point(row: AgentScoreRow, *, with_year: bool) -> dict[str, object]:
    score = row.score
    return {
        "period": row.period.label,
        "name": period_name(row.period),
        "tick": short_name(row.period, with_year=with_year),
        "value": None if score.value is None else rounded(score.value),
        "low": score.low,
        "high": score.high,
        "grade": score.grade,
        "complete": score.complete,
        "present": score.present_weight,
        "reviews": row.reviews,
        "parts": [
            {
                "name": gettext(PARTS[part.source]),
                "value": None if part.value is None else rounded(part.value),
                "n": part.n,
            }
            for part in score.parts
            if part.n
        ],
    }
