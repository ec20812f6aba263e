"""Time of the agents' scores for a month, with 200,000 calls of 1,000 agents over half a year on SQLite.

Timed are the whole book of an open period (observations, estimates, intervals of all agents), teams and centre with
it, publishing, making every published score again, and reading a published period.

python -m benchmarks.agent_scores [CALLS] [AGENTS]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, insert
from sqlalchemy.orm import Session

from models import Agent, AutoScore, Base, Call, Review, ScorecardVersion, Team, TestCall, User
from models.base import now
from models.session import open_engine, session_factory
from qa.agent_scores import agent_scores, export_scores, open_book
from qa.period_facts import observe
from qa.periods import Period
from qa.published import publish, verify

Result = TypeVar("Result")
ZONE = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2025, 6, 1, tzinfo=UTC)
DAYS = 183
BATCH = 20_000
REVIEWED, DIALLED = 40, 200  # one call in so many


def fill(connection: Connection, calls: int, agents: int) -> None:
    rng = np.random.default_rng(1)
    connection.execute(insert(Team), [{"id": i, "name": f"Team {i}"} for i in range(1, 41)])
    connection.execute(
        insert(Agent),
        [
            {"id": i, "number": f"{i:05}", "name": f"Agent {i}", "team_id": 1 + i % 40, "created_at": now()}
            for i in range(1, agents + 1)
        ],
    )
    connection.execute(
        insert(User),
        [
            {
                "id": 1,
                "login": "i",
                "name": "I",
                "password_hash": "",
                "role": "lead",
                "active": True,
                "created_at": now(),
            }
        ],
    )
    connection.execute(
        insert(ScorecardVersion),
        [
            {
                "id": 1,
                "key": "c",
                "version": 1,
                "name": "c",
                "language": "en",
                "definition": {},
                "active": True,
                "created_at": now(),
            }
        ],
    )
    for table, rows in (
        (Call, call_rows(calls, agents, rng)),
        (AutoScore, auto_rows(calls, rng)),
        (Review, review_rows(calls, rng)),
        (TestCall, test_rows(calls, agents, rng)),
    ):
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH:
                connection.execute(insert(table), batch)
                batch = []
        if batch:
            connection.execute(insert(table), batch)


def call_rows(calls: int, agents: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    seconds = np.sort(rng.integers(0, DAYS * 86_400, calls))
    people = rng.integers(1, agents + 1, calls)
    for i in range(calls):
        yield {
            "id": i + 1,
            "content_hash": f"{i:064}",
            "source_name": f"{i}.wav",
            "agent_id": int(people[i]),
            "started_at": FIRST + timedelta(seconds=int(seconds[i])),
            "state": "scored",
            "facts": {},
            "synthetic": True,
            "attempts": 1,
            "received_at": FIRST,
        }


def auto_rows(calls: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    values = np.random.default_rng(2).uniform(50, 100, calls)
    for i in range(calls):
        yield {
            "call_id": i + 1,
            "scorecard_version_id": 1,
            "raw": float(values[i]),
            "auto_items": float(values[i]),
            "answered_weight": 60.0,
            "cannot_tell_weight": 10.0,
            "fatal_suspected": False,
            "summary": {},
            "created_at": FIRST,
        }


def review_rows(calls: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    values = np.random.default_rng(2).uniform(50, 100, calls)  # as the automatic scores
    for i in range(0, calls, REVIEWED):
        final = float(np.clip(values[i] + rng.normal(5, 8), 0, 100))
        yield {
            "call_id": i + 1,
            "inspector_id": 1,
            "scorecard_version_id": 1,
            "reason": "random",
            "state": "released",
            "raw": final,
            "final": final,
            "bonus": 0.0,
            "fatal_confirmed": int(rng.random() < 0.01),
            "created_at": FIRST,
            "submitted_at": FIRST,
            "released_at": FIRST,
        }


def test_rows(calls: int, agents: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for i in range(0, calls, DIALLED):
        yield {
            "source": "DT" if i // DIALLED % 2 else "MS",
            "sheet": "s/1",
            "dialled_at": FIRST + timedelta(seconds=int(rng.integers(0, DAYS * 86_400))),
            "staff_number": "",
            "agent_id": int(rng.integers(1, agents + 1)),
            "call_id": i + 1,
            "status": "matched",
            "header": {},
            "answers": {},
            "norms": float(rng.uniform(60, 100)),
            "knowledge": float(rng.uniform(60, 100)),
            "created_at": FIRST,
        }


def whole_book(session: Session, period: Period) -> int:
    book = open_book(session, period, zone=ZONE)
    return len(book.rows()) + len(book.groups())


def timed(what: str, work: Callable[[], Result]) -> Result:
    began, busy = time.perf_counter(), time.process_time()
    result = work()
    taken, cpu = time.perf_counter() - began, time.process_time() - busy
    print(f"  {what}: {1000 * taken:.0f} ms (CPU {1000 * cpu:.0f})")
    return result


def main(calls: int = 200_000, agents: int = 1_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'bench.db'}")
        Base.metadata.create_all(engine)
        started = time.perf_counter()
        with engine.begin() as connection:
            fill(connection, calls, agents)
        print(f"{calls:,} calls, {agents:,} agents, filled in {time.perf_counter() - started:.0f} s")
        with session_factory(engine)() as session:
            for label in ("2025-09", "2025-W36", "2025-Q3"):
                period = Period.parse(label)
                times, work = [], []
                for _ in range(5):
                    began, busy = time.perf_counter(), time.process_time()
                    rows = agent_scores(session, period, zone=ZONE)
                    times.append(1000 * (time.perf_counter() - began))
                    work.append(1000 * (time.process_time() - busy))
                middle, worst, cpu = np.median(times), max(times), np.median(work)
                spread = f"median of 5; worst {worst:.0f}; CPU {cpu:.0f}"
                print(f"  {label:9} {len(rows):,} agents: {middle:4.0f} ms ({spread})")
            period = Period.parse("2025-09")
            timed("observations alone", lambda: observe(session, period, zone=ZONE))
            timed("agents, teams and centre", lambda: whole_book(session, period))
            closed = timed("publish", lambda: publish(session, period, zone=ZONE, by=session.get_one(User, 1)))
            session.commit()
            print(f"  stored observations: {len(closed.observed) / 1024:.0f} KiB")
            found = timed("verify", lambda: verify(session, closed))
            print(f"  {found.scores:,} scores made again, {len(found.differences)} figures differ")
            session.expire_all()
            timed("read a published period", lambda: agent_scores(session, period, zone=ZONE))
            timed("read one agent's published score", lambda: agent_scores(session, period, zone=ZONE, agent_ids=[1]))
            for form in ("csv", "xlsx"):
                began = time.perf_counter()
                export_scores(rows, form)
                print(f"  export {form}: {1000 * (time.perf_counter() - began):.0f} ms")
        engine.dispose()
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
