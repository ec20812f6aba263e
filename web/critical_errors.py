"""Fatal and critical errors by class: the centre, teams and agents side by side, each rate with n and interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import Blueprint, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from models import Agent, Role
from qa.error_rates import KINDS, CriticalErrors, Kind, critical_errors
from qa.score_export import Cell, table_file
from scoring.error_rates import ErrorRate
from web.access import allow
from web.agents import FILES, PAGE_SIZE, asked_team, download, people, sees_nobody, teams
from web.audit import seen
from web.context import settings
from web.db import session
from web.i18n import N_
from web.periods import asked_period, choices, period_name
from web.score_words import ERROR_KINDS

bp = Blueprint("critical_errors", __name__, url_prefix="/critical-errors")

STAFF = (Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
SHOWN = (("critical", "customer"), ("critical", "business"), ("critical", "compliance"), ("fatal", "any"))
COLUMNS = (
    N_("Whose"), N_("Staff number"), N_("Name"), N_("Kind of error"), N_("Calls with it"), N_("n"),
    N_("Rate in percent"), N_("Lower limit"), N_("Upper limit"), N_("Interval by"),
)  # fmt: skip
METHODS = {"wilson": "Wilson", "exact": "Korn-Graubard"}


@dataclass(frozen=True, slots=True)
class Line:
    """The rates of the centre, a team or an agent."""

    kind: str  # "centre", "team" or "agent"
    number: str
    name: str
    agent_id: int | None
    rates: Mapping[Kind, ErrorRate]


@bp.get("/")
@allow(*STAFF)
def index() -> ResponseReturnValue:
    """Show how many reviewed calls have a critical error of each class; as a page, or as JSON, CSV or XLSX."""
    form = request.args.get("format", "page")
    if form not in ("page", "json", *FILES):
        abort(404)
    period, team_id = asked_period(), asked_team()
    rows = [] if sees_nobody() else people(team_id)
    mine = [agent.id for agent in rows] if team_id is not None or sees_nobody() else None
    found = critical_errors(session, period, zone=settings.zone, agent_ids=mine)
    known = {one.agent_id for one in found.calls}
    rows = [agent for agent in rows if agent.id in known]
    groups = [*group_lines(found, team_id)] if known else []
    if form == "page":
        pages = max(1, -(-len(rows) // PAGE_SIZE))
        page = max(1, min(request.args.get("page", 1, type=int), pages))
        seen("scores.viewed", period=period.label, team=team_id)
        return render_template(
            "agents/errors.html",
            groups=groups,
            lines=[*agent_lines(found, rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])],
            kinds=SHOWN,
            page=page,
            pages=pages,
            period=period,
            choices=list(choices(period)),
            teams=teams(),
            team_id=team_id,
        )
    lines = [*groups, *agent_lines(found, rows)]
    if form == "json":
        return jsonify(plot(lines, period_name(period)))
    seen("scores.exported", period=period.label, team=team_id, format=form, agents=len(rows))
    cells = [cell for line in lines for cell in cells_of(line)]
    content = table_file([gettext(head) for head in COLUMNS], cells, form)
    return download(content, f"critical-errors-{period.label}.{form}", form)


def group_lines(found: CriticalErrors, team_id: int | None) -> Iterator[Line]:
    """Yield the centre and its teams, or the one team that is asked for."""
    if team_id is None:
        yield Line("centre", "", gettext("The whole centre"), None, found.centre())
    named = {agent.team_id: agent.team.name for agent in people(team_id) if agent.team}
    for team, name in named.items():
        if team is not None and (rates := found.team(team)):
            yield Line("team", "", name, None, rates)


def agent_lines(found: CriticalErrors, agents: list[Agent]) -> Iterator[Line]:
    for agent in agents:
        yield Line("agent", agent.number, agent.name, agent.id, found.agent(agent.id))


def plot(lines: list[Line], period: str) -> dict[str, object]:
    """Return what a plot of dots and intervals is drawn from, one panel for each kind of error."""
    return {
        "title": gettext("Critical errors, %(period)s", period=period),
        "axis": gettext("Reviewed calls with an error, in percent"),
        "panels": [
            {
                "name": gettext(ERROR_KINDS[kind]),
                "rows": [
                    {
                        "name": f"{line.number} {line.name}".strip(),
                        "value": 100 * rate.rate,
                        "low": 100 * rate.low,
                        "high": 100 * rate.high,
                        "n": rate.calls,
                    }
                    for line in lines
                    if (rate := line.rates.get(kind)) is not None
                ],
            }
            for kind in SHOWN
        ],
    }


def cells_of(line: Line) -> Iterator[list[Cell]]:
    whose = {"centre": gettext("Centre"), "team": gettext("Team"), "agent": gettext("Agent")}[line.kind]
    for kind in KINDS:
        rate = line.rates.get(kind)
        if rate is not None:
            figures = (round(100 * one, 1) for one in (rate.rate, rate.low, rate.high))
            yield [
                whose, line.number, line.name, gettext(ERROR_KINDS[kind]), rate.errors, rate.calls, *figures,
                METHODS[rate.method],
            ]  # fmt: skip
