"""What the rule workbench keeps: test cases of each phrase set, and what a changed set would do to stored calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, created_now


class StoredRuleCase(Base):
    """One test case of a phrase set, for all of its versions; `content` is what scoring.rule_cases.read_case reads."""

    __tablename__ = "rule_cases"
    __table_args__ = (UniqueConstraint("phrase_set_key", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    phrase_set_key: Mapped[str]  # the set's own id, for example "en-bank-hotline"
    name: Mapped[str]  # the case's own id
    content: Mapped[dict[str, Any]]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # who kept it
    created_at: Mapped[created_now]


class RuleComparison(Base):
    """A changed phrase set on its way over stored calls: what it would change. Each person has one; no score is
    written."""

    __tablename__ = "rule_comparisons"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    phrase_set_key: Mapped[str]
    definition: Mapped[dict[str, Any]]  # the changed set
    scope: Mapped[dict[str, Any]]  # which calls were asked for, see qa.rule_workbench.Scope
    call_ids: Mapped[list[Any]]  # in the order of the work
    done: Mapped[int] = mapped_column(default=0)  # of call_ids
    tally: Mapped[dict[str, Any]] = mapped_column(default=dict)  # scoring.rule_change.Tally of the calls done
    changes: Mapped[list[Any]] = mapped_column(default=list)  # the calls that change, see qa.rule_workbench.ChangedCall
    finished_at: Mapped[datetime | None]
    created_at: Mapped[created_now]
