"""Agents' scores: the team at a glance, one agent with everything behind the number, and files to take away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select

from models import Agent, Call, Role, Team, User
from qa.agent_evidence import Behind, ItemTable, evidence_behind, item_rates, item_table
from qa.agent_scores import AgentScoreRow, Book, GroupScore, export_scores, open_book, rank, score_history
from qa.blind_appeals import contested_calls
from qa.error_rates import critical_errors
from qa.inspectors import adjusted_means
from qa.published import adjustments_in, published_score
from qa.schemes import scheme_for
from qa.score_export import COLUMNS, PART_COLUMNS, PARTS, WORDS, Cell, table_file
from scoring.agent_score import Scheme, combine, rounded
from web.access import allow
from web.agent_page import axis_of, bands_of, gap_of, recipe, segments
from web.audit import seen
from web.context import settings
from web.db import session
from web.hidden_agents import hides_agent, hides_agents
from web.i18n import N_, format_number
from web.periods import asked_period, choices, period_name, short_name
from web.score_words import (
    ERROR_KINDS,
    METHODS,
    WHY_PROVISIONAL,
    chance_text,
    interval_text,
    part_interval_text,
    percent,
)

bp = Blueprint("agents", __name__, url_prefix="/agents")

STAFF = (Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
HISTORY = 8  # periods
LEAST_TEAM = 3  # agents: of two, each could work out the other's score
PAGE_SIZE = 50
ITEM_COLUMNS = (
    N_("Staff number"), N_("Agent"), N_("Scorecard"), N_("Item"), N_("Item name"), N_("Met, in percent"),
    N_("Lower limit"), N_("Upper limit"), N_("n"),
)  # fmt: skip
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
    book = open_book(session, period, zone=settings.zone)
    ranked = rank(visible_rows(book, team_id))
    pages = max(1, -(-len(ranked) // PAGE_SIZE))
    page = max(1, min(request.args.get("page", 1, type=int), pages))
    seen("scores.viewed", period=period.label, team=team_id)
    axis = axis_of([one.row for one in ranked])
    return render_template(
        "agents/index.html",
        ranked=ranked[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        groups=visible_groups(book, team_id),
        total=len(ranked),
        page=page,
        pages=pages,
        period=period,
        published_at=book.published_at,
        choices=list(choices(period)),
        teams=teams(),
        team_id=team_id,
        scheme=book.scheme,
        bands=bands_of(book.scheme, axis),
        axis=axis,
        parts=PARTS,
        view="parts" if request.args.get("view") == "parts" else "interval",
        segments=segments,
        graded=sum(one.row.score.grade is not None for one in ranked),
        firm=sum(one.row.score.firm for one in ranked),
    )


@bp.get("/plot")
@allow(*STAFF)
def plot() -> ResponseReturnValue:
    """Send what the plots of a team are drawn from: agents in order with interval, group and parts."""
    period, team_id = asked_period(), asked_team()
    book = open_book(session, period, zone=settings.zone)
    return jsonify(
        {
            "title": gettext("Agent scores, %(period)s", period=period_name(period)),
            "words": {
                "score": gettext("Score (of 100)"),
                "target": gettext("Target"),
                "points": gettext("Points of 100"),
            },
            **bands_and_target(book.scheme),
            "parts": [{"source": part.src, "name": gettext(PARTS[part.src])} for part in book.scheme.parts],
            "agents": [
                {
                    "name": f"{one.row.number} {one.row.name}",
                    "value": figure(one.row.score.value),
                    "low": figure(one.row.score.low),
                    "high": figure(one.row.score.high),
                    "grade": one.row.score.grade,
                    "group": one.group,
                    "points": {part.source: round(part.points, 2) for part in one.row.score.parts if part.counted},
                }
                for one in rank(visible_rows(book, team_id))
                if one.row.score.value is not None
            ],
        }
    )


@bp.get("/items")
@allow(*STAFF)
def items() -> ResponseReturnValue:
    """Show how often each agent met each item, with n; as a page, or as JSON, CSV or XLSX."""
    form = request.args.get("format", "page")
    if form not in ("page", "json", *FILES):
        abort(404)
    period, team_id = asked_period(), asked_team()
    rows = [] if sees_nobody() else people(team_id)
    pages = max(1, -(-len(rows) // PAGE_SIZE))
    page = max(1, min(request.args.get("page", 1, type=int), pages))
    shown = rows if form in FILES else rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    table = item_table(session, [agent.id for agent in shown], period, zone=settings.zone)
    if form == "page":
        seen("scores.viewed", period=period.label, team=team_id)
        return render_template(
            "agents/items.html",
            agents=shown,
            total=len(rows),
            page=page,
            pages=pages,
            cards=by_card(table, shown),
            period=period,
            choices=list(choices(period)),
            teams=teams(),
            team_id=team_id,
        )
    names = {key: f"{key[1]} {name}" for key, name in table.items}
    if form == "json":
        return jsonify(
            {
                "title": gettext("Items by agent, %(period)s", period=period_name(period)),
                "words": {"met": gettext("Met, in percent"), "few": gettext("too few to say")},
                "agents": [f"{agent.number} {agent.name}" for agent in shown],
                "items": list(names.values()),
                "cells": [
                    [x, y, round(cell.share, 1) if cell.enough else None, cell.n]
                    for x, agent in enumerate(shown)
                    for y, key in enumerate(names)
                    if (cell := table.cells.get((agent.id, key))) is not None
                ],
            }
        )
    heads = [gettext(word) for word in ITEM_COLUMNS]
    lines: list[list[Cell]] = []
    for agent in shown:
        for key, name in table.items:
            cell = table.cells.get((agent.id, key))
            if cell is not None:
                low, high = figure(cell.interval.low), figure(cell.interval.high)
                lines.append([agent.number, agent.name, *key, name, figure(cell.share), low, high, cell.n])
    seen("scores.exported", period=period.label, team=team_id, format=form, agents=len(shown))
    return download(table_file(heads, lines, form), f"items-{period.label}.{form}", form)


@bp.get("/<int:agent_id>")
@allow(Role.AGENT, *STAFF)
def show(agent_id: int) -> ResponseReturnValue:
    """Show one agent's score and everything that made it."""
    agent = visible_agent(agent_id)
    period = asked_period()
    book = open_book(session, period, zone=settings.zone)
    row = next(iter(book.rows(agent_ids=[agent.id])), None)
    if row is None:  # Joined after the period was published: there is a page, and nothing on it.
        row = newcomer(agent, book)
    shown = calls_shown()
    behind = shown_of(evidence_behind(session, agent.id, period, zone=settings.zone, until=book.published_at), shown)
    rates = [
        replace(rate, missed=tuple(filter(shown, rate.missed)))
        for rate in item_rates(session, agent.id, period, zone=settings.zone)
    ]
    weakest = [rate for rate in rates if rate.share < 100][:5]
    strongest = [rate for rate in reversed(rates) if rate.share >= 50][:5]
    published = published_score(session, agent.id, period) if book.published_at else None
    seen("agent.viewed", "agent", agent.id, period=period.label)
    own = reader().role is Role.AGENT
    return render_template(
        "agents/show.html",
        agent=agent,
        row=row,
        score=row.score,
        period=period,
        published_at=book.published_at,
        booked_later=published.adjustments if published else [],
        corrections=adjustments_in(session, agent.id, period),
        choices=list(choices(period)),
        segments=segments(row.score),
        recipe=recipe(row.score),
        gap=gap_of(row.score),
        behind=behind,
        weakest=weakest,
        strongest=strongest,
        started=started({call_id for rate in (*weakest, *strongest) for call_id in rate.missed}),
        scheme=book.scheme,
        periods_shown=HISTORY,
        parts=PARTS,
        own=own,
        openable=behind.released_calls if own else None,
        some_hidden=hides_agents(),
        errors=critical_errors(session, period, zone=settings.zone, agent_ids=[agent.id]).agent(agent.id),
        # An inspector's leniency is between the inspector and the lead; what it does to the mean may be seen.
        without_leniency=adjusted_means(session, period, zone=settings.zone).get(agent.id),
    )


@bp.get("/<int:agent_id>/trend")
@allow(Role.AGENT, *STAFF)
def trend(agent_id: int) -> ResponseReturnValue:
    """Send the scores of the last periods: JSON for the plot, a fragment for the table, or a CSV or XLSX file."""
    form = request.args.get("format", "json")
    if form not in ("json", "table", *FILES):
        abort(404)
    agent = visible_agent(agent_id)
    period = asked_period()
    rows = score_history(session, agent.id, period, zone=settings.zone, count=HISTORY)
    scheme = scheme_for(session, period)
    if form == "table":
        return render_template("agents/_history.html", history=rows, agent=agent, scheme=scheme)
    if form in FILES:
        seen("scores.exported", "agent", agent.id, period=period.label, format=form, agents=1)
        return download(
            export_scores(rows, form, labels=export_words(), places=False), f"trend-{agent.number}.{form}", form
        )
    return jsonify(
        {
            "title": gettext("%(agent)s: score by period", agent=f"{agent.number} {agent.name}"),
            **bands_and_target(scheme),
            "points": [
                trend_point(row, with_year=i == 0 or row.period.year != rows[i - 1].period.year)
                | {"team": team_value(row)}
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
    rows = visible_rows(open_book(session, period, zone=settings.zone), team_id)
    content = export_scores(rows, form, labels=export_words())
    seen("scores.exported", period=period.label, team=team_id, format=form, agents=len(rows))
    return download(content, f"scores-{period.label}.{form}", form)


@bp.app_template_filter("score")
def score_figure(value: float | None) -> str:
    """Write a score as it is graded: one decimal, halves up."""
    return format_number(None if value is None else rounded(value), 1)


@bp.app_context_processor
def score_words() -> dict[str, object]:
    """Give templates the sentences that stand for codes."""
    return {"ERROR_KINDS": ERROR_KINDS, "METHODS": METHODS, "WHY_PROVISIONAL": WHY_PROVISIONAL}


for words in (period_name, interval_text, part_interval_text, chance_text, percent):
    bp.add_app_template_filter(words)


def reader() -> User:
    return cast(User, current_user)


def figure(value: float | None) -> float | None:
    """Return a number as it is shown, for plots and files."""
    return None if value is None else rounded(value)


def export_words() -> dict[str, str]:
    """Return the headings of exports in the page's language."""
    words = (*COLUMNS.values(), *PART_COLUMNS.values(), *PARTS.values(), *WORDS.values())
    return {word: gettext(word) for word in words}


def download(content: str | bytes, name: str, form: str) -> Response:
    response = Response(content, content_type=FILES[form])
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def bands_and_target(scheme: Scheme) -> dict[str, object]:
    return {
        "target": scheme.target,
        "bands": [{"grade": grade, "from": scheme.bands[grade]} for grade in scheme.grades],
    }


def team_value(row: AgentScoreRow) -> float | None:
    """Return the score of the agent's team in the period of `row`; None where the team is too small to be a measure."""
    if row.team_id is None:
        return None
    for group in open_book(session, row.period, zone=settings.zone).groups():
        if group.subject == "team" and group.id == row.team_id and group.agents >= LEAST_TEAM:
            return figure(group.score.value)
    return None


def sees_nobody() -> bool:
    """Whether the current user is a supervisor without a team."""
    return reader().role is Role.SUPERVISOR and reader().team_id is None


def visible_rows(book: Book, team_id: int | None) -> list[AgentScoreRow]:
    """Return the scores that the current user may see."""
    return [] if sees_nobody() else book.rows(team_id=team_id)


def visible_groups(book: Book, team_id: int | None) -> list[GroupScore]:
    """Return the centre and its teams, or the one team that is asked for; supervisors see their own alone."""
    if sees_nobody():
        return []
    return [group for group in book.groups() if team_id is None or (group.subject == "team" and group.id == team_id)]


def people(team_id: int | None) -> list[Agent]:
    asked = select(Agent).outerjoin(Agent.team).order_by(Team.name, Agent.number)
    return list(session.scalars(asked if team_id is None else asked.where(Agent.team_id == team_id)))


def newcomer(agent: Agent, book: Book) -> AgentScoreRow:
    """Return an empty score, for an agent about whom nothing was published."""
    return AgentScoreRow(
        agent_id=agent.id,
        number=agent.number,
        name=agent.name,
        team_id=agent.team_id,
        team=agent.team.name if agent.team else None,
        period=book.period,
        score=combine(book.scheme, []),
        confirmed_fatals=0,
        reviews=0,
        published_at=book.published_at,
    )


def asked_team() -> int | None:
    """Return the team of the address; for a supervisor always the own one."""
    if reader().role is Role.SUPERVISOR:
        return reader().team_id
    return request.args.get("team", type=int)


def teams() -> list[Team]:
    if reader().role is Role.SUPERVISOR:
        return []
    return list(session.scalars(select(Team).order_by(Team.name)))


def calls_shown() -> Callable[[int], bool]:
    """Return what tells of a call's id whether the current user may place the call and know what was found in it."""
    contested = set(session.scalars(contested_calls(reader())))
    return lambda call_id: call_id not in contested and not hides_agent(call_id)


def shown_of(behind: Behind, shown: Callable[[int], bool]) -> Behind:
    """Return what stands behind a score, of calls only those that are `shown`."""
    return replace(
        behind,
        reviews=[one for one in behind.reviews if shown(one.call_id)],
        random_calls=[one for one in behind.random_calls if shown(one.call_id)],
        lowest_auto=[one for one in behind.lowest_auto if shown(one.call_id)],
        tests=[one for one in behind.tests if not hides_agent(one.call_id)],
        complaints=[one for one in behind.complaints if not hides_agent(one.call_id)],
        praises=[one for one in behind.praises if not hides_agent(one.call_id)],
    )


def visible_agent(agent_id: int) -> Agent:
    """Return the agent; 404 when there is none or when the page is not the current user's to see."""
    agent = session.get(Agent, agent_id) or abort(404)
    user = reader()
    if user.role is Role.AGENT and user.agent_id != agent.id:
        abort(404)
    if user.role is Role.SUPERVISOR and (user.team_id is None or user.team_id != agent.team_id):
        abort(404)
    return agent


def by_card(table: ItemTable, agents: Sequence[Agent]) -> list[dict[str, object]]:
    """Return a table for each scorecard: its items, and of `agents` those who were judged by it."""
    cards: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for (card, item), name in table.items:
        cards[card].append((item, name))
    judged = {(agent_id, card) for agent_id, (card, _) in table.cells}
    return [
        {
            "key": card,
            "items": items,
            "agents": [agent for agent in agents if (agent.id, card) in judged],
            "cells": table.cells,
        }
        for card, items in cards.items()
    ]


def started(call_ids: Collection[int]) -> dict[int, datetime]:
    """Return when each of some calls began: people know a call by its time, not by its number here."""
    return dict(session.execute(select(Call.id, Call.started_at).where(Call.id.in_(call_ids))).tuples().all())


def trend_point(row: AgentScoreRow, *, with_year: bool) -> dict[str, object]:
    score = row.score
    return {
        "period": row.period.label,
        "name": period_name(row.period),
        "tick": short_name(row.period, with_year=with_year),
        "value": figure(score.value),
        "low": figure(score.low),
        "high": figure(score.high),
        "interval": interval_text(score),
        "grade": score.grade,
        "chances": chance_text(score),
        "published": row.published_at is not None,
        "complete": score.complete,
        "present": score.present_weight,
        "reviews": row.reviews,
        "parts": [
            {
                "name": gettext(PARTS[part.source]),
                "value": figure(part.value),
                "interval": part_interval_text(part),
                "n": part.n,
            }
            for part in score.parts
            if part.n
        ],
    }
