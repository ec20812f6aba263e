"""One page of a list with its tabs: how many rows each state has, and the rows of the chosen one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import request
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.base import ExecutableOption

from web.db import session

PAGE_SIZE = 50

Row = TypeVar("Row")


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """What a list page shows."""

    rows: Sequence[Row]
    more: bool  # there is another page
    page: int  # from 1
    chosen: str | None  # the state whose tab is open; None: all
    counts: dict[Any, int]  # rows by state
    total: int


def listed(
    wanted: Select[Row],
    state: InstrumentedAttribute[Any],
    states: Collection[str],
    *,
    asked: str,
    order: Sequence[ColumnElement[Any]],
    options: Sequence[ExecutableOption] = (),
) -> Listing[Row]:
    """Return the page of `wanted` that the request asks for by the arguments `asked` and ``page``.

    Args:
        state: the column behind the tabs.
        states: its values that have a tab.
    """
    key = state.class_.id
    counted = select(state, func.count()).where(key.in_(wanted.with_only_columns(key))).group_by(state)
    counts: dict[Any, int] = dict(session.execute(counted).tuples().all())
    chosen = request.args.get(asked)
    if chosen in states:
        wanted = wanted.where(state == chosen)
    page = max(1, request.args.get("page", 1, type=int))
    rows = session.scalars(
        wanted.options(*options).order_by(*order).offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)
    ).all()
    return Listing(
        rows[:PAGE_SIZE],
        len(rows) > PAGE_SIZE,
        page,
        chosen if chosen in states else None,
        counts,
        sum(counts.values()),
    )
