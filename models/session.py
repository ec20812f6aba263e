"""How the database is reached: an engine from a URL, sessions from the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

_Result = TypeVar("_Result")


def open_engine(url: str) -> Engine:
    """Return an engine for `url`; on SQLite with foreign keys, WAL and real transactions."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)

    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN is late and skips reads; SQLAlchemy issues it instead (see `begin`).
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA mmap_size = 268435456")  # bytes; long texts are searched without copying

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def session_factory(engine: Engine) -> sessionmaker[Session]:
    return sessionmaker(engine, expire_on_commit=False)


def begin_write(session: Session) -> None:
    """Begin `session`'s transaction as a writer.

    A SQLite transaction that reads first and writes later fails at once when another wrote in between;
    one that says so from the start waits its turn. Other databases need no such word.
    """
    session.connection(execution_options={"immediate": True})


@contextmanager
def transaction(factory: sessionmaker[Session]) -> Iterator[Session]:
    """Yield a session; commit at the end, roll back on any error: the one place where work ends."""
    with factory() as session, session.begin():
        begin_write(session)
        yield session


def in_transaction(factory: sessionmaker[Session], work: Callable[[Session], _Result], *, attempts: int = 3) -> _Result:
    """Return what `work` returns in a transaction of its own; done again when another writer was first.

    Two processes on a server may both find that a row is missing and both add it; the database refuses the second,
    which finds the row when it looks again. So `work` must look before it adds, and must not keep anything from a
    transaction that failed.
    """
    for left in reversed(range(attempts)):
        try:
            with transaction(factory) as session:
                return work(session)
        except IntegrityError:
            if not left:
                raise
    raise AssertionError("attempts must be at least 1")
