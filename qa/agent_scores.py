"""The scores of agents, teams and the centre in a period: as published, or from what the database holds now.

`open_book` decides which of the two. qa/period_facts.py says what is counted, scoring/observed.py what follows from
it, qa/published.py how a period is closed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models import Agent, PublishedPeriod, PublishedScore, ScoreSubject, Team
from qa.period_facts import observe
from qa.periods import Period
from qa.schemes import default_scheme, scheme_for, scheme_of
from qa.score_export import FORMATS, export_scores
from scoring.agent_score import AgentScore, Scheme
from scoring.observed import Observed, PeriodScores
from scoring.ranking import places
from scoring.uncertainty import Term

__all__ = [
    "FORMATS", "AgentScoreRow", "Book", "GroupScore", "Ranked", "agent_scores", "book_of", "default_scheme",
    "export_scores", "open_book", "rank", "read_score", "score_history", "write_score",
]  # fmt: skip


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
    published_at: datetime | None = None  # None: the period is open, the score may change


@dataclass(frozen=True, slots=True)
class GroupScore:
    """The score of a team or of the whole centre in one period."""

    subject: ScoreSubject
    id: int  # of the team; 0 for the centre
    name: str  # empty for the centre
    agents: int
    score: AgentScore


class Book(Protocol):
    """The scores of one period, open or published."""

    period: Period
    scheme: Scheme
    published_at: datetime | None

    def rows(self, *, agent_ids: Collection[int] | None = None, team_id: int | None = None) -> list[AgentScoreRow]:
        """Return the agents' scores, by team and staff number."""
        ...

    def groups(self) -> list[GroupScore]:
        """Return the centre's score, then the teams' by name."""
        ...


def open_book(session: Session, period: Period, *, zone: ZoneInfo, scheme: Scheme | None = None) -> Book:
    """Return the scores of `period`: the published ones, else those that follow from what is known now.

    Args:
        scheme: weigh by this one instead of the one in force; then nothing published is looked at.
    """
    if scheme is None:
        published = session.scalar(select(PublishedPeriod).where(PublishedPeriod.label == period.label))
        if published is not None:
            return _PublishedBook(session, period, published)
        scheme = scheme_for(session, period)
    return book_of(session, period, observe(session, period, zone=zone), scheme)


def book_of(session: Session, period: Period, observed: Observed, scheme: Scheme) -> Book:
    """Return the scores that follow from what was observed, with names and teams as they are now."""
    return _OpenBook(session, period, PeriodScores(observed, scheme))


def agent_scores(
    session: Session,
    period: Period,
    *,
    zone: ZoneInfo,
    agent_ids: Collection[int] | None = None,
    team_id: int | None = None,
    scheme: Scheme | None = None,
) -> list[AgentScoreRow]:
    """Return the score of each agent in `period`, by team and staff number; few queries however many agents.

    Args:
        agent_ids: only these agents; None: all.
        team_id: only this team's agents; None: all teams.
        scheme: weights and rules; None: those in force for the period.
    """
    return open_book(session, period, zone=zone, scheme=scheme).rows(agent_ids=agent_ids, team_id=team_id)


def score_history(
    session: Session, agent_id: int, last: Period, *, zone: ZoneInfo, count: int = 8, scheme: Scheme | None = None
) -> list[AgentScoreRow]:
    """Return one agent's scores in the `count` periods up to `last`, oldest first.

    A published period in which the agent was not there is left out.
    """
    rows = []
    for period in last.back(count):
        rows += agent_scores(session, period, zone=zone, agent_ids=[agent_id], scheme=scheme)
    return rows


class _OpenBook:
    published_at: datetime | None = None

    def __init__(self, session: Session, period: Period, scores: PeriodScores) -> None:
        self.period = period
        self.scheme = scores.scheme
        self._session = session
        self._scores = scores

    def rows(self, *, agent_ids: Collection[int] | None = None, team_id: int | None = None) -> list[AgentScoreRow]:
        people = self._session.execute(_people(agent_ids, team_id)).all()
        return [
            AgentScoreRow(
                agent_id=row.id,
                number=row.number,
                name=row.name,
                team_id=row.team_id,
                team=row.team,
                period=self.period,
                score=self._scores.agent(row.id),
                confirmed_fatals=self._scores.fatals(row.id),
                reviews=self._scores.reviews(row.id),
            )
            for row in people
        ]

    def groups(self) -> list[GroupScore]:
        members: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
        everybody = []
        for row in self._session.execute(_people(None, None)):
            everybody.append(row.id)
            if row.team_id is not None:
                members[row.team_id, row.team].append(row.id)
        centre = GroupScore(ScoreSubject.CENTRE, 0, "", len(everybody), self._scores.group(everybody))
        return [
            centre,
            *(
                GroupScore(ScoreSubject.TEAM, team_id, name, len(agents), self._scores.group(agents))
                for (team_id, name), agents in members.items()
            ),
        ]


class _PublishedBook:
    def __init__(self, session: Session, period: Period, published: PublishedPeriod) -> None:
        self.period = period
        self.scheme = scheme_of(published.scheme)
        self.published_at: datetime | None = published.published_at
        self._session = session
        self._of_period = select(PublishedScore).where(PublishedScore.period_id == published.id)

    def rows(self, *, agent_ids: Collection[int] | None = None, team_id: int | None = None) -> list[AgentScoreRow]:
        asked = self._of_period.where(PublishedScore.subject == ScoreSubject.AGENT)
        if agent_ids is not None:
            asked = asked.where(PublishedScore.subject_id.in_(agent_ids))
        if team_id is not None:
            asked = asked.where(PublishedScore.team_id == team_id)
        return [self._row(stored) for stored in self._session.scalars(asked.order_by(PublishedScore.id))]

    def _row(self, stored: PublishedScore) -> AgentScoreRow:
        score = read_score(stored.score)
        return AgentScoreRow(
            agent_id=stored.subject_id,
            number=stored.number or "",
            name=stored.name,
            team_id=stored.team_id,
            team=stored.team,
            period=self.period,
            score=score,
            confirmed_fatals=stored.confirmed_fatals,
            reviews=next((part.n for part in score.parts if part.source == "IM"), 0),
            published_at=self.published_at,
        )

    def groups(self) -> list[GroupScore]:
        asked = self._of_period.where(PublishedScore.subject != ScoreSubject.AGENT).order_by(PublishedScore.id)
        return [
            GroupScore(stored.subject, stored.subject_id, stored.name, stored.score["agents"], read_score(stored.score))
            for stored in self._session.scalars(asked)
        ]


@cache
def _adapter() -> TypeAdapter[AgentScore]:
    return TypeAdapter(AgentScore)


def write_score(score: AgentScore) -> dict[str, Any]:
    """Return `score` as JSON values, every figure unrounded."""
    written: dict[str, Any] = _adapter().dump_python(score, mode="json")
    return written


def read_score(written: dict[str, Any]) -> AgentScore:
    """Read what `write_score` wrote."""
    return _adapter().validate_python(written, strict=False)


def _people(agent_ids: Collection[int] | None, team_id: int | None) -> Select[*tuple[Any, ...]]:
    people = select(Agent.id, Agent.number, Agent.name, Agent.team_id, Team.name.label("team")).outerjoin(Agent.team)
    if agent_ids is not None:
        people = people.where(Agent.id.in_(agent_ids))
    if team_id is not None:
        people = people.where(Agent.team_id == team_id)
    return people.order_by(Team.name, Agent.number)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row in its place. Agents of one group share their places: chance alone may have ordered them."""

    row: AgentScoreRow
    group: int | None = None  # from 0; None: too little behind the score to rank it
    first: int | None = None  # places from 1
    last: int | None = None
    shrunken: float | None = None  # the value drawn to the mean of all ranked: a view, never instead of the score


def rank(rows: Sequence[AgentScoreRow]) -> list[Ranked]:
    """Return `rows` highest first, with their places where they can be told apart.

    Ranked are scores with a grade and an interval; after them come those with a value alone, then those with none.
    """
    ordered = sorted(
        rows,
        key=lambda row: (
            row.score.value is None,
            row.score.grade is None or row.score.low is None,
            -(row.score.value or 0.0),
            row.number,
        ),
    )
    terms = [term for row in ordered if (term := _rankable(row)) is not None]
    found = [
        Ranked(row, place.group, place.first, place.last, place.shrunken)
        for row, place in zip(ordered[: len(terms)], places(terms), strict=True)
    ]
    return found + [Ranked(row) for row in ordered[len(terms) :]]


def _rankable(row: AgentScoreRow) -> Term | None:
    score = row.score
    if score.value is None or score.grade is None or score.low is None or score.high is None:
        return None
    return Term(1.0, score.value, score.low, score.high)
