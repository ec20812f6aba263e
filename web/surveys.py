"""What customers said: ratings by agent with their interval, the worst ones with their calls, and import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from models import Agent, Role, SurveyKind, SurveyRating, User
from qa.surveys import COLUMNS, REQUIRED, SurveyTally, import_surveys, joined, survey_tallies, visible_surveys
from scoring.uncertainty import share_interval
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.csv_pages import empty_csv, imported
from web.db import session
from web.i18n import N_
from web.periods import asked_period, choices

bp = Blueprint("surveys", __name__, url_prefix="/surveys")

READERS = (Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
MIN_PERSON = 5  # ratings below which an agent has no rate
MIN_CENTRE = 30  # ratings below which the whole of what is shown has no rate
WORST_SHOWN = 20
KINDS = {SurveyKind.DAILY: N_("After calls"), SurveyKind.COMPLAINT: N_("After complaints")}
MEANINGS = {
    "external_id": N_("The survey system's own number: the same one again changes nothing"),
    "answered_at": N_("When the customer answered or was asked, as the hotline's clocks show it"),
    "rating": N_("As the customer gave it; empty: invited, no answer"),
    "scale": N_("Worst and best rating: 1-5 (if empty), 0-10; 3-1 where 1 is the best"),
    "kind": N_("daily (if empty) or complaint"),
    "call": N_("The telephone system's id of the call, or #123 for our own number"),
    "agent": N_("Staff number; not needed when the call is known"),
    "channel": N_("How the customer was asked"),
    "comment": N_("The customer's words"),
}


@dataclass(frozen=True, slots=True)
class RateRow:
    """A share with its interval in percent; no figure at all below the least n."""

    name: str
    number: str | None
    tally: SurveyTally
    satisfied: float | None
    low: float | None
    high: float | None

    @property
    def answered(self) -> float | None:
        """How many of those asked gave a rating, in percent; None when only ratings are known."""
        asked, rated = self.tally.invited, self.tally.ratings.n
        return 100 * rated / asked if asked > rated else None


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """Show the ratings of a period by agent."""
    period = asked_period()
    agents = session.scalars(visible_agents(reader()).order_by(Agent.number)).all()
    mine = None if reader().role is not Role.SUPERVISOR else [agent.id for agent in agents]
    kinds = {
        kind: survey_tallies(session, period, zone=settings.zone, agent_ids=mine, kind=kind) for kind in SurveyKind
    }
    daily = kinds[SurveyKind.DAILY]
    start, end = period.bounds(settings.zone)
    worst = session.scalars(
        visible_surveys(reader())
        .where(SurveyRating.score == 0, SurveyRating.happened_at >= start, SurveyRating.happened_at < end)
        .options(joinedload(SurveyRating.agent), joinedload(SurveyRating.call))
        .order_by(SurveyRating.happened_at.desc())
        .limit(WORST_SHOWN)
    ).all()
    seen("surveys.viewed", period=period.label)
    return render_template(
        "sources/surveys.html",
        period=period,
        choices=list(choices(period)),
        rows=[rate_row(agent.name, agent.number, daily[agent.id]) for agent in agents if agent.id in daily],
        wholes={KINDS[kind]: rate_row("", None, joined(found.values()), MIN_CENTRE) for kind, found in kinds.items()},
        worst=worst,
        least=MIN_PERSON,
    )


@bp.get("/import")
@allow(Role.LEAD)
def import_csv() -> ResponseReturnValue:
    """Show what a file of ratings looks like, and take one."""
    return import_page()


@bp.post("/import")
@allow(Role.LEAD)
def take_csv() -> ResponseReturnValue:
    """Import a file: good lines are stored, bad ones listed with their reason."""
    return imported(
        lambda content: import_surveys(
            session,
            content,
            by=reader(),
            zone=settings.zone,
            satisfied_from=settings.survey_satisfied_from,
            address=address(),
        ),
        import_page,
    )


@bp.get("/template")
@allow(Role.LEAD)
def template() -> ResponseReturnValue:
    """Send an empty file with the columns of a survey."""
    return empty_csv(COLUMNS, "surveys.csv")


def reader() -> User:
    return cast(User, current_user)


def visible_agents(user: User) -> Select[Agent]:
    agents = select(Agent)
    return agents if user.role is not Role.SUPERVISOR else agents.where(Agent.team_id == (user.team_id or 0))


def rate_row(name: str, number: str | None, tally: SurveyTally, least: int = MIN_PERSON) -> RateRow:
    n = tally.ratings.n
    if n < least:
        return RateRow(name, number, tally, None, None, None)
    limits = share_interval(tally.satisfied, n)
    return RateRow(name, number, tally, 100 * tally.satisfied / n, 100 * limits.low, 100 * limits.high)


def import_page(**found: Any) -> str:
    return render_template(
        "sources/import.html",
        title=N_("Import surveys"),
        back=url_for("surveys.index"),
        action=url_for("surveys.take_csv"),
        empty=url_for("surveys.template"),
        meanings=MEANINGS,
        required=REQUIRED,
        **found,
    )
