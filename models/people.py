"""Who works at the hotline and who may log in."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now, named


class Role(StrEnum):
    AGENT = "agent"
    INSPECTOR = "inspector"
    SUPERVISOR = "supervisor"
    LEAD = "lead"
    TEST_CALLER = "test_caller"
    ADMIN = "admin"


class Team(Base):
    """A group of agents with one supervisor's eye on it."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)

    agents: Mapped[list[Agent]] = relationship(back_populates="team", order_by="Agent.number")


class Agent(Base):
    """Somebody whose calls are recorded; `number` is the staff number (工号) as the telephone system writes it."""

    __tablename__ = "agents"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    hired_on: Mapped[date | None]
    created_at: Mapped[created_now]

    team: Mapped[Team | None] = relationship(back_populates="agents")


class User(Base):
    """Somebody who may log in. An agent's login names its agent, a supervisor's its team."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("role <> 'agent' OR agent_id IS NOT NULL", name="agent_login_has_agent"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[Role] = mapped_column(named(Role))
    locale: Mapped[str | None]  # "zh_CN" or "en"; None: as the browser asks
    email: Mapped[str | None]  # None: no mail
    active: Mapped[bool] = mapped_column(default=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"), unique=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    created_at: Mapped[created_now]

    agent: Mapped[Agent | None] = relationship()
    team: Mapped[Team | None] = relationship()

    # The questions that a login manager asks of whoever is logged in.
    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        return self.active

    def get_id(self) -> str:
        return str(self.id)


class LoginFailure(Base):
    """One refused login, kept to slow down guessing."""

    __tablename__ = "login_failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)
