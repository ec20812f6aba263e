"""The scores of agents in a period: what the database holds about each, combined by the scheme.

What belongs to a period is decided by when a call began or a test was dialled, on the hotline's calendar; a
review belongs to the period of its call. docs/scores.md says what each part counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from models import Agent, AutoScore, Call, Review, ReviewReason, ReviewState, Team, TestCall
from qa.periods import Period
from qa.score_export import FORMATS, export_scores
from qa.test_calls import ordinary_call
from scoring.agent_score import AgentScore, Part, Scheme, combine, load_scheme
from scoring.shipped import shipped

__all__ = ["FORMATS", "AgentScoreRow", "agent_scores", "default_scheme", "export_scores", "score_history"]


@dataclass(frozen=True, slots=True)
class AgentScoreRow:
    """One agent's score in one period."""

    agent_id: int
    number: str
    name: str
    team_id: int | None
    team: str | None
    period: Period
    score: AgentScore
    confirmed_fatals: int
    reviews: int  # released random reviews, by calls: the n that "too few" is judged by


@dataclass(slots=True)
class _Observed:
    """What was found about one agent."""

    parts: list[Part] = field(default_factory=list)
    fatals: int = 0


@cache
def default_scheme() -> Scheme:
    """Return the shipped scheme."""
    return load_scheme(shipped("indicators"))


def agent_scores(
    session: Session,
    period: Period,
    *,
    zone: ZoneInfo,
    agent_ids: Collection[int] | None = None,
    team_id: int | None = None,
    scheme: Scheme | None = None,
) -> list[AgentScoreRow]:
    """Return the score of each agent in `period`, by team and staff number; five queries however many agents.

    Args:
        agent_ids: only these agents; None: all.
        team_id: only this team's agents; None: all teams.
        scheme: weights and rules; None: the shipped ones.
    """
    scheme = scheme or default_scheme()
    people = _people(agent_ids, team_id)
    agents = session.execute(people.order_by(Team.name, Agent.number)).all()
    chosen = None if agent_ids is None and team_id is None else [row.id for row in agents]
    observed = _observe(session, period, zone, chosen)
    return [
        AgentScoreRow(
            agent_id=row.id,
            number=row.number,
            name=row.name,
            team_id=row.team_id,
            team=row.team,
            period=period,
            score=combine(scheme, _known(observed[row.id].parts, scheme), confirmed_fatals=observed[row.id].fatals),
            confirmed_fatals=observed[row.id].fatals,
            reviews=next((part.n for part in observed[row.id].parts if part.source == "IM"), 0),
        )
        for row in agents
    ]


def score_history(
    session: Session, agent_id: int, last: Period, *, zone: ZoneInfo, count: int = 8, scheme: Scheme | None = None
) -> list[AgentScoreRow]:
    """Return one agent's scores in the `count` periods up to `last`, oldest first."""
    rows = []
    for period in last.back(count):
        rows += agent_scores(session, period, zone=zone, agent_ids=[agent_id], scheme=scheme)
    return rows


def _people(agent_ids: Collection[int] | None, team_id: int | None) -> Select[*tuple[Any, ...]]:
    people = select(Agent.id, Agent.number, Agent.name, Agent.team_id, Team.name.label("team")).outerjoin(Agent.team)
    if agent_ids is not None:
        people = people.where(Agent.id.in_(agent_ids))
    if team_id is not None:
        people = people.where(Agent.team_id == team_id)
    return people


def _known(parts: list[Part], scheme: Scheme) -> list[Part]:
    """A scheme need not use every source that was observed."""
    sources = {part.src for part in scheme.parts}
    return [part for part in parts if part.source in sources]


def _observe(
    session: Session, period: Period, zone: ZoneInfo, agent_ids: Collection[int] | None
) -> Mapping[int, _Observed]:
    start, end = period.bounds(zone)
    observed: defaultdict[int, _Observed] = defaultdict(_Observed)
    in_period: list[ColumnElement[bool]] = [Call.started_at >= start, Call.started_at < end]
    dialled: list[ColumnElement[bool]] = [TestCall.dialled_at >= start, TestCall.dialled_at < end]
    if agent_ids is not None:
        in_period.append(Call.agent_id.in_(agent_ids))
        dialled.append(TestCall.agent_id.in_(agent_ids))
    else:
        in_period.append(Call.agent_id.is_not(None))
        dialled.append(TestCall.agent_id.is_not(None))

    for source, query in _means(in_period, dialled):
        for agent_id, value, n, *named in session.execute(query):
            observed[agent_id].parts.append(Part(named[0] if named else source, _within(value), n))
    for agent_id, count in session.execute(_fatals(in_period)):
        observed[agent_id].fatals = int(count)
    return observed


def _within(mean: float | None) -> float | None:
    """The mean of values from 0 to 100 may overshoot by the last bit of a float."""
    return None if mean is None else min(100.0, max(0.0, float(mean)))


def _means(
    in_period: list[ColumnElement[bool]], dialled: list[ColumnElement[bool]]
) -> Iterator[tuple[str, Select[*tuple[Any, ...]]]]:
    """Yield a source and its query for (agent, mean, n[, source])."""
    # A call that several inspectors scored is one observation: their mean.
    per_call = (
        select(Call.agent_id, func.avg(Review.final).label("final"))
        .join(Call, Review.call_id == Call.id)
        .where(
            Review.state == ReviewState.RELEASED,
            Review.reason == ReviewReason.RANDOM,
            Review.final.is_not(None),
            ordinary_call(),
            *in_period,
        )
        .group_by(Call.agent_id, Call.id)
        .subquery()
    )
    yield (
        "IM",
        select(per_call.c.agent_id, func.avg(per_call.c.final), func.count()).group_by(per_call.c.agent_id),
    )
    yield (
        "AQ",
        select(Call.agent_id, func.avg(AutoScore.auto_items), func.count())
        .join(AutoScore, AutoScore.call_id == Call.id)
        .where(AutoScore.auto_items.is_not(None), ordinary_call(), *in_period)
        .group_by(Call.agent_id),
    )
    half = (TestCall.norms + TestCall.knowledge) / 2
    yield (
        "DT, MS",
        select(TestCall.agent_id, func.avg(half), func.count(), TestCall.source)
        .where(TestCall.status == "matched", half.is_not(None), *dialled)
        .group_by(TestCall.agent_id, TestCall.source),
    )


def _fatals(in_period: list[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    """Return the query for (agent, confirmed fatal items) of released reviews, whatever their reason.

    Two inspectors who confirm the same item of one call found it once: the larger count of each call is taken.
    """
    per_call = (
        select(Call.agent_id, func.max(Review.fatal_confirmed).label("fatals"))
        .join(Call, Review.call_id == Call.id)
        .where(Review.state == ReviewState.RELEASED, Review.fatal_confirmed > 0, *in_period)
        .group_by(Call.agent_id, Call.id)
        .subquery()
    )
    return select(per_call.c.agent_id, func.sum(per_call.c.fatals)).group_by(per_call.c.agent_id)
