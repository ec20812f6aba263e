"""What all tests share: databases, settings, a store, and the rule about missing services."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy
from sqlalchemy import Dialect, Engine, select
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.util import LRUCache

import models.session
from models import Base, Call
from models.session import open_engine, session_factory, transaction
from qa.batch import ingest_and_process
from qa.criteria import ensure_shipped
from qa.database import upgrade
from qa.ingest import IngestReport
from qa.settings import Settings
from qa.sources import find_sources
from qa.storage import RecordingStore
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.shipped import shipped

# How long an example takes depends on what else the machine does; benchmarks measure time.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def _connected_dialect() -> Dialect:
    """Return a dialect of SQLite that has seen a connection: only then it knows what the database can do."""
    engine = sqlalchemy.create_engine("sqlite://")
    engine.connect().close()
    return engine.dialect


_dialect = _connected_dialect()
_statements: MutableMapping[Any, Any] = LRUCache(3000)


def _create_engine(url: Any, **options: Any) -> Engine:
    """Return an engine as SQLAlchemy makes it; those of SQLite share the statements that were compiled before.

    Each test has a database of its own, and to compile the same statements again for each takes a third of the time.
    """
    engine = sqlalchemy.create_engine(url, **options)
    if engine.dialect.name == "sqlite":
        engine.dialect = _dialect  # statements are kept by dialect
        engine._compiled_cache = _statements
    return engine


models.session.create_engine = _create_engine  # type: ignore[attr-defined]


def require_or_skip(reason: str) -> None:
    """Skip with `reason`, which names what to install; on the CI machine nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"on the CI machine this may not be missing: {reason}")
    pytest.skip(reason)


def require_program(name: str, package: str | None = None) -> str:
    """Return the path of a system program, else skip (on CI: fail)."""
    path = shutil.which(name)
    if path is None:
        require_or_skip(f"{name} is not installed; install the system package {package or name}")
    assert path is not None
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real calls that lies beside the project on some machines."""
    folder = Path(os.environ.get("HOTLINE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"there is no folder {folder} with real calls (HOTLINE_SHARED_DATA names another)")
    return folder


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the machine's owner must not reach the tests."""
    for name in list(os.environ):
        if name.startswith("HOTLINE_") and not name.startswith(("HOTLINE_TEST_", "HOTLINE_SHARED_DATA")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def english() -> PhraseSet:
    return load_phrase_set(shipped("phrases-en-bank"))


@pytest.fixture(scope="session")
def chinese() -> PhraseSet:
    return load_phrase_set(shipped("phrases-zh-mobile"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(var_dir=tmp_path / "var", time_zone="Asia/Shanghai")


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, migrated once and copied for each test."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def factory(settings: Settings, _empty_database: Path) -> Iterator[sessionmaker[Session]]:
    """Sessions on a SQLite database of the test's own; `settings.database_url` names the same one."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy(_empty_database, settings.var_dir / "hotline.db")
    engine = open_engine(settings.database_url)
    yield session_factory(engine)
    engine.dispose()


@pytest.fixture
def session(factory: sessionmaker[Session]) -> Iterator[Session]:
    with factory() as session:
        yield session


@pytest.fixture
def store(settings: Settings) -> RecordingStore:
    return RecordingStore(settings.storage_url)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test process's own."""
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.exc import OperationalError

    server = os.environ.get("HOTLINE_TEST_POSTGRESQL_URL", "postgresql+psycopg://root@127.0.0.1:5432/postgres")
    name = f"hotline_test_{os.getpid()}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        require_or_skip(f"no PostgreSQL answers at {make_url(server).host}; install and start postgresql")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def postgresql_factory(postgresql_url: str) -> Iterator[sessionmaker[Session]]:
    """Sessions on PostgreSQL, on tables that are emptied first."""
    engine = open_engine(postgresql_url)
    Base.metadata.drop_all(engine)
    from sqlalchemy import text

    with engine.begin() as connection:
        connection.execute(text("DROP FUNCTION IF EXISTS refuse_audit_change CASCADE"))
    Base.metadata.create_all(engine)
    yield session_factory(engine)
    engine.dispose()


class Hotline:
    """One installation with its database and store, used as the command line uses it."""

    def __init__(self, factory: sessionmaker[Session], settings: Settings, store: RecordingStore) -> None:
        self.factory, self.settings, self.store = factory, settings, store
        with transaction(factory) as session:
            ensure_shipped(session)

    def ingest(self, *paths: Path, manifest: Path | None = None) -> IngestReport:
        """Take in and process what `paths` and `manifest` hold."""
        sources = list(find_sources(paths, self.settings, manifest))
        return ingest_and_process(self.factory, self.settings, self.store, sources)[0]

    def calls(self) -> list[Call]:
        with self.factory() as session:
            return list(session.scalars(select(Call).order_by(Call.id)))


@pytest.fixture
def hotline(factory: sessionmaker[Session], settings: Settings, store: RecordingStore) -> Hotline:
    return Hotline(factory, settings, store)
