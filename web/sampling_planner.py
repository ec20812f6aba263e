"""How many reviews a question needs, where a week's reviews tell most, and what the risk model foresees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from models import Agent, RiskModel, Role, Team
from models.base import now
from qa.refusals import N_
from qa.sampling import rules_of
from qa.sampling_planner import Known, compare_shares, finite, reviews_to_tell, what_is_known
from qa.sampling_rules import PlanRules
from scoring.risk import Skill
from web.access import allow
from web.context import settings
from web.db import session
from web.sampling import MANAGERS, asked_plan, asked_week, reader

bp = Blueprint("sampling_planner", __name__, url_prefix="/sampling/planner")

USUAL_LOW, USUAL_HIGH = 85.0, 90.0
DIFFERENCES = (2.0, 3.0, 5.0, 10.0)  # points, to see how the number grows
MOST_REVIEWS = 100_000


@dataclass(frozen=True, slots=True)
class Needed:
    """How many reviews tell means so many points apart; None: more than anybody can make."""

    difference: float
    alone: int | None
    assisted: int | None


@bp.get("/")
@allow(*MANAGERS)
def index() -> ResponseReturnValue:
    """Answer how many reviews tell two means apart, and share a week's reviews where they tell most."""
    team, week, plan = asked_team(), asked_week(), asked_plan()
    low, high = asked_points("low", USUAL_LOW), asked_points("high", USUAL_HIGH)
    problem = None if low != high else N_("The two scores must differ.")
    known = what_is_known(session, now(), team_id=team.id if team else None)
    rules = rules_of(plan) if plan else PlanRules()
    reviews = min(max(1, request.args.get("reviews", usual_reviews(rules, team), type=int)), MOST_REVIEWS)
    own = rules.model_copy(update={"teams": (team.name,)}) if team else rules
    compared = compare_shares(session, own, week, reviews, zone=settings.zone)
    model = session.scalars(select(RiskModel).order_by(RiskModel.id.desc()).limit(1)).first()
    return render_template(
        "sampling/planner.html",
        week=week,
        plan=plan,
        team=team,
        teams=teams(),
        low=low,
        high=high,
        problem=problem,
        known=known,
        answer=None if problem else needed(known, abs(high - low)),
        table=[needed(known, difference) for difference in DIFFERENCES],
        reviews=reviews,
        compared=compared,
        names=names_of([one.agent for one in compared.shares]),
        finite=finite,
        model=model,
        skill=Skill.model_validate(model.skill) if model else None,
    )


def names_of(numbers: Sequence[str]) -> dict[str, str]:
    found = session.execute(select(Agent.number, Agent.name).where(Agent.number.in_(numbers)))
    return dict(found.tuples().all())


def needed(known: Known, difference: float) -> Needed:
    return Needed(difference, *(_reviews_or_none(known, difference, assisted=assisted) for assisted in (False, True)))


def _reviews_or_none(known: Known, difference: float, *, assisted: bool) -> int | None:
    try:
        return reviews_to_tell(known, difference, assisted=assisted)
    except ValueError:
        return None  # More than a million: the page says so.


def asked_points(name: str, usual: float) -> float:
    """Return a score of the address, 0 to 100; what is no number is answered with the usual one."""
    found = request.args.get(name, usual, type=float)
    return found if 0 <= found <= 100 else usual


def asked_team() -> Team | None:
    """Return the team that the page is about; a supervisor's own. None: all teams."""
    user = reader()
    if user.role is Role.SUPERVISOR:
        return user.team
    return session.get(Team, request.args.get("team", 0, type=int))


def teams() -> Sequence[Team]:
    return session.scalars(select(Team).order_by(Team.name)).all() if reader().role is Role.LEAD else []


def usual_reviews(rules: PlanRules, team: Team | None) -> int:
    """Return how many reviews the plan asks for in a week: its budget, or its number for each agent."""
    if rules.budget is not None and team is None:
        return rules.budget
    agents = select(func.count()).select_from(Agent)
    if team is not None:
        agents = agents.where(Agent.team_id == team.id)
    return max(1, session.scalars(agents).one() * rules.per_agent)
