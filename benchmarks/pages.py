"""How fast lists and dashboards answer when there are many calls.

Fills a SQLite database in a temporary folder, opens the pages through Flask's test client as each role, and prints
the 50th and 95th percentile of each by the clock, and the median of the processor's time, which other programs on
the machine do not change. The goal is 150 ms at the 95th with 200,000 calls on 2 cores.

    python benchmarks/pages.py [--calls 200000] [--requests 30] [--database FILE]

With --database the file is kept, and filled only when it is not there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from models import Base, Call, CallState, Role, Team, User
from models.session import open_engine, session_factory
from qa.people import hash_password
from qa.pipeline import score_stored
from qa.settings import Settings, load_settings
from web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.factories import make_call, make_scorecard, make_transcript

AGENTS, TEAMS, ITEMS = 500, 20, 20
CONTENT_BYTES = 8_000  # of a transcript with word times, three minutes or so
GOAL_MS = 150
PASSWORD = "correct horse battery"

# One statement a table: the database itself counts from 1 to :calls.
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :calls) "
FILL = {
    "teams": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :teams) "
    "INSERT INTO teams (id, name) SELECT i, 'Team ' || i FROM n",
    "agents": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :agents) "
    "INSERT INTO agents (id, number, name, team_id, created_at) "
    "SELECT i, printf('%04d', i), 'Agent ' || i, 1 + i % :teams, '2026-01-01' FROM n",
    "calls": NUMBERS
    + "INSERT INTO calls (id, content_hash, source_name, agent_id, started_at, queue, direction, language, duration, "
    "channels, facts, synthetic, state, state_reason, attempts, received_at) "
    "SELECT i, printf('x%063d', i), 'call-' || i || '.wav', 1 + (i * 7919) % :agents, "
    "strftime('%Y-%m-%d %H:%M:%f000', 1767225600 + i * 120, 'unixepoch'), "
    "'queue ' || (i * 31 % 12), CASE i % 5 WHEN 0 THEN 'outbound' ELSE 'inbound' END, "
    "CASE i % 3 WHEN 0 THEN 'en' ELSE 'zh-CN' END, 30 + (i * 127) % 900, 2, '{}', 0, "
    "CASE WHEN i % 199 = 0 THEN 'failed' ELSE 'scored' END, CASE WHEN i % 199 = 0 THEN 'unreadable' END, "
    "1, '2026-11-01 00:00:00.000000' FROM n",
    "transcripts": NUMBERS
    + "INSERT INTO transcripts (call_id, content, text, revision, created_at) SELECT i, :content, "
    "'call number ' || i || ' speaking. ' || :words, 0, '2026-11-01 00:00:00.000000' FROM n",
    "auto_scores": NUMBERS
    + "INSERT INTO auto_scores (id, call_id, scorecard_version_id, raw, auto_items, answered_weight, "
    "cannot_tell_weight, fatal_suspected, summary, created_at) SELECT i, i, :card, 50 + (i * 37) % 50, 80, 60, 10, "
    "i % 97 = 0, :summary, '2026-11-01 00:00:00.000000' FROM n WHERE i % 199 <> 0",
    "auto_marks": NUMBERS + ", items(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM items WHERE k + 1 < :items) "
    "INSERT INTO auto_marks (auto_score_id, position, item, answer, points, possible, needs_person, deductions, "
    "evidence) SELECT i, k, 'S' || k, CASE WHEN (i * 13 + k) % 11 = 0 THEN 'not_met' ELSE 'met' END, 4, 5, 0, "
    "'[]', '[]' FROM n, items WHERE i % 199 <> 0",
    "reviews": NUMBERS
    + "INSERT INTO reviews (call_id, inspector_id, scorecard_version_id, reason, state, raw, final, bonus, "
    "fatal_confirmed, blind, agent_hidden, revision, seconds_spent, created_at, submitted_at, released_at) "
    "SELECT i, :inspector, :card, 'random', 'released', 85, 85, 0, 0, 0, 0, 1, 0, '2026-11-01 00:00:00.000000', "
    "'2026-11-01 00:00:00.000000', '2026-11-01 00:00:00.000000' FROM n "
    "WHERE i % 50 = 0",
}


def fill(session: Session, calls: int, settings: Settings) -> None:
    """Write `calls` calls with their marks, and people to look at them."""
    spoken = "thank you for calling how may I help you today. " * 12
    values = {
        "calls": calls,
        "teams": TEAMS,
        "agents": AGENTS,
        "items": ITEMS,
        "content": json.dumps({"padding": "." * CONTENT_BYTES}),
        "words": spoken,
        "summary": '{"sections": [], "fatals": []}',
    }
    for table in ("teams", "agents"):
        session.execute(text(FILL[table]), values)
    password = hash_password(PASSWORD)
    session.add_all(
        [
            User(login="inspector", name="I", password_hash=password, role=Role.INSPECTOR, locale="en"),
            User(login="supervisor", name="S", password_hash=password, role=Role.SUPERVISOR, locale="en", team_id=3),
            User(login="lead", name="L", password_hash=password, role=Role.LEAD, locale="en"),
            User(login="agent", name="A", password_hash=password, role=Role.AGENT, locale="en", agent_id=51),
        ]
    )
    values["card"] = make_scorecard(session).id
    session.flush()
    values["inspector"] = 1
    for table in ("calls", "transcripts", "auto_scores", "auto_marks", "reviews"):
        session.execute(text(FILL[table]), values)
    add_long_call(session, settings)
    session.commit()


def add_long_call(session: Session, settings: Settings) -> None:
    """Add one call of 1,600 words, about ten minutes of talk, with real marks."""
    spoken = "thank you for calling how may I help you today"
    lines = [("customer" if i % 2 else "agent", spoken) for i in range(160)]
    agent = session.get_one(Team, 3).agents[0]
    call = make_call(session, agent=agent, transcript=make_transcript(lines), state=CallState.TRANSCRIBED)
    call.source_name = "long"
    score_stored(session, call, settings)


PAGES = {
    "inspector": {
        "start page": "/",
        "reviews": "/reviews/",
        "newest calls": "/calls/",
        "page 20": "/calls/?page=20",
        "lowest score": "/calls/?sort=lowest",
        "longest": "/calls/?sort=longest",
        "one agent": "/calls/?agent=0077",
        "one team": "/calls/?team=5",
        "a queue in a month": "/calls/?queue=queue+3&from=2026-03-01&to=2026-03-31",
        "failed": "/calls/?state=failed",
        "item not met": "/calls/?item=S3",
        "item nobody missed": "/calls/?item=none",
        "fatal suspected": "/calls/?fatal=yes",
        "reviewed": "/calls/?reviewed=yes",
        "score 50 to 51": "/calls/?score_min=50&score_max=51",
        "a language nobody speaks": "/calls/?language=fr",
        "common words": "/calls/?words=thank+you",
        "rare words": "/calls/?words=call+number+195001",
        "words nobody said": "/calls/?words=没有人说过",
        "long call": "/calls/{long}",
        "its words": "/calls/{long}/transcript",
    },
    "supervisor": {
        "start page": "/",
        "team scores of a month": "/agents/?period=2026-06",
        "an agent's month": "/agents/2?period=2026-06",
        "an agent's trend": "/agents/2/trend?period=2026-06",
        "newest calls": "/calls/",
        "common words": "/calls/?words=thank+you",
        "lowest": "/calls/?sort=lowest",
    },
    "lead": {"start page": "/", "all scores of a month": "/agents/?period=2026-06"},
    "agent": {"start page": "/", "newest calls": "/calls/", "highest": "/calls/?sort=highest"},
}


def time_page(client: FlaskClient, path: str, requests: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds by the clock and of the processor for each request, after one that is not counted."""
    clock, processor = [], []
    for _ in range(requests + 1):
        begun, worked = time.perf_counter(), time.process_time()
        answer = client.get(path)
        clock.append(1000 * (time.perf_counter() - begun))
        processor.append(1000 * (time.process_time() - worked))
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered {answer.status_code}")
    return clock[1:], processor[1:]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--calls", type=int, default=200_000)
    options.add_argument("--requests", type=int, default=30)
    options.add_argument("--database", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = given.database or Path(folder) / "pages.db"
        settings = load_settings(var_dir=Path(folder), database_url=f"sqlite:///{database}")
        fresh = not database.exists()
        engine = open_engine(f"sqlite:///{database}")
        factory = session_factory(engine)
        if fresh:
            begun = time.perf_counter()
            Base.metadata.create_all(engine)
            with factory() as session:
                fill(session, given.calls, settings)
            print(f"filled with {given.calls} calls in {time.perf_counter() - begun:.0f} s")
        with factory() as session:
            long_call = session.query(Call.id).filter(Call.source_name == "long").scalar()
        app = create_app(settings)
        app.config["WTF_CSRF_ENABLED"] = False
        print(f"{'role':<11}{'page':<26}{'p50 ms':>8}{'p95 ms':>8}{'cpu ms':>8}")
        for role, pages in PAGES.items():
            client = app.test_client()
            client.post("/login", data={"login": role, "password": PASSWORD})
            for name, path in pages.items():
                clock, processor = time_page(client, path.format(long=long_call), given.requests)
                cuts = quantiles(clock, n=20, method="inclusive")
                mark = "" if cuts[18] <= GOAL_MS else "  over the goal"
                print(f"{role:<11}{name:<26}{cuts[9]:>8.1f}{cuts[18]:>8.1f}{median(processor):>8.1f}{mark}")
        engine.dispose()


if __name__ == "__main__":
    main()
