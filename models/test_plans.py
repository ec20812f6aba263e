"""Test calls before they are made: what to ask, and who calls when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now
from models.people import User
from models.scores import TestCall

SOURCES_CHECK = "source IN ('DT', 'MS', 'LT')"


class TestScenario(Base):
    """One version of a scenario card; `definition` is what scoring.scenario.Scenario reads."""

    __tablename__ = "test_scenarios"
    __test__ = False  # not a test class, whatever pytest thinks of the name
    __table_args__ = (UniqueConstraint("key", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]  # the card's own id, for example "ZH-LIULIANGBAO"
    version: Mapped[int]
    title: Mapped[str]
    language: Mapped[str]
    definition: Mapped[dict[str, Any]]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    active: Mapped[bool] = mapped_column(default=True)  # an older version is kept for its sheets
    created_at: Mapped[created_now]


class TestPlan(Base):
    """The test calls of one period and kind, drawn once; the seed draws them again."""

    __tablename__ = "test_plans"
    __test__ = False
    __table_args__ = (UniqueConstraint("period", "source"), CheckConstraint(SOURCES_CHECK, name="known_source"))

    id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str]  # as qa.periods.Period writes it: "2026-11" or "2026-W47"
    source: Mapped[str]
    seed: Mapped[str]
    rules: Mapped[dict[str, Any]]  # as drawn: counts, shares, service hours
    shortfalls: Mapped[list[Any]] = mapped_column(default=list)  # what the rules wanted and could not have
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[created_now]

    created_by: Mapped[User] = relationship()
    assignments: Mapped[list[TestAssignment]] = relationship(
        back_populates="plan", cascade="all, delete-orphan", order_by="TestAssignment.opens_at"
    )


class TestAssignment(Base):
    """One call that a tester is to make between two moments."""

    __tablename__ = "test_assignments"
    __test__ = False
    __table_args__ = (CheckConstraint("closes_at > opens_at", name="window"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("test_plans.id", ondelete="CASCADE"), index=True)
    tester_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    scenario_id: Mapped[int] = mapped_column(ForeignKey("test_scenarios.id"), index=True)
    persona: Mapped[str]
    number_used: Mapped[str]  # to call from
    opens_at: Mapped[datetime] = mapped_column(index=True)
    closes_at: Mapped[datetime]
    test_call_id: Mapped[int | None] = mapped_column(ForeignKey("test_calls.id"), unique=True)
    cancelled_at: Mapped[datetime | None]

    plan: Mapped[TestPlan] = relationship(back_populates="assignments")
    tester: Mapped[User] = relationship()
    scenario: Mapped[TestScenario] = relationship()
    test_call: Mapped[TestCall | None] = relationship()
