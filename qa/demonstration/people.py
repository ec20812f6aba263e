"""The people of the demonstration, as people.yaml gives them: agents, their teams, and logins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, Role, Team, User
from qa.people import create_user

# The same for everyone and printed at the start: it opens invented calls on one's own machine, nothing else.
PASSWORD = "demo-hotline"  # noqa: S105


@dataclass(frozen=True, slots=True)
class DemoAgent:
    """An invented agent and how well they work."""

    number: str
    name: str
    team: str  # "en" or "zh"
    skill: float  # chance that a step of the script is done in one call
    pace: float  # speech rate, 1 is usual
    month_calls: int  # ready transcripts in the last full month
    weak: frozenset[str] = frozenset()  # steps often left out
    voice: str | None = None  # of the recordings


@dataclass(frozen=True, slots=True)
class Login:
    """One login of the demonstration, for the list that is printed at the start."""

    login: str
    name: str
    role: Role
    agent: str | None = None
    team: str | None = None
    locale: str | None = None


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "people.yaml").read_text("utf-8"))
    return document


def organisation_names() -> tuple[str, ...]:
    """Return the names that the agents greet with."""
    return tuple(_document()["organisation_names"])


def team_names() -> dict[str, str]:
    """Return the name of each team by its key."""
    return {team["key"]: team["name"] for team in _document()["teams"]}


def demo_agents() -> tuple[DemoAgent, ...]:
    return tuple(
        DemoAgent(**{**fields, "weak": frozenset(fields.get("weak", ())), "team": team["key"]})
        for team in _document()["teams"]
        for fields in team["agents"]
    )


def agent_voices() -> dict[str, str]:
    """Return the name of the voice of each agent who is heard in a recording, by staff number."""
    return {agent.number: agent.voice for agent in demo_agents() if agent.voice}


def logins() -> tuple[Login, ...]:
    return tuple(Login(**{**fields, "role": Role(fields["role"])}) for fields in _document()["logins"])


def store_people(session: Session) -> None:
    """Add the teams, agents and logins that are not there yet to the caller's transaction."""
    teams = {key: _team(session, name) for key, name in team_names().items()}
    agents = {member.number: _agent(session, member, teams[member.team]) for member in demo_agents()}
    for login in logins():
        if session.scalar(select(User.id).where(User.login == login.login)) is None:
            create_user(
                session,
                login.login,
                PASSWORD,
                login.role,
                name=login.name,
                agent=agents[login.agent] if login.agent else None,
                team=teams[login.team] if login.team else None,
                locale=login.locale,
            )


def _team(session: Session, name: str) -> Team:
    team = session.scalar(select(Team).where(Team.name == name))
    if team is None:
        team = Team(name=name)
        session.add(team)
    return team


def _agent(session: Session, member: DemoAgent, team: Team) -> Agent:
    agent = session.scalar(select(Agent).where(Agent.number == member.number))
    if agent is None:
        agent = Agent(number=member.number, name=member.name, team=team)
        session.add(agent)
    return agent
