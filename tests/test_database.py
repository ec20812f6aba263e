"""The tables on both databases: migrations give what the models say, and history cannot be rewritten."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from models import AuditEvent, Call, CallState
from models.session import transaction
from qa import audit
from qa.database import DatabaseError, migrations, open_database, upgrade
from qa.settings import Settings
from tests.factories import make_agent, make_call


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'fresh.db'}"
    url = request.getfixturevalue("postgresql_url")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def any_factory(request: pytest.FixtureRequest) -> sessionmaker[Session]:
    return request.getfixturevalue("factory" if request.param == "sqlite" else "postgresql_factory")


@pytest.mark.slow
def test_migrations_give_the_tables_of_the_models_and_can_be_undone(any_url: str) -> None:
    upgrade(any_url)
    command.check(migrations(any_url))

    command.downgrade(migrations(any_url), "base")
    upgrade(any_url)
    upgrade(any_url)


def test_the_audit_trail_can_only_grow(any_factory: sessionmaker[Session]) -> None:
    with transaction(any_factory) as session:
        audit.record(session, "call.viewed", subject=("call", 1), n=3)

    for statement in (update(AuditEvent).values(action="nothing"), text("DELETE FROM audit_events")):
        with pytest.raises(DBAPIError, match="append-only"), transaction(any_factory) as session:
            session.execute(statement)

    with any_factory() as session:
        assert session.query(AuditEvent).one().action == "call.viewed"


def test_a_migrated_audit_trail_can_only_grow_too(any_url: str) -> None:
    upgrade(any_url)
    engine = create_engine(any_url)

    with engine.begin() as connection:
        connection.execute(AuditEvent.__table__.insert().values(action="call.viewed", at=datetime.now(UTC), details={}))
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_events"))
    engine.dispose()


def test_times_come_back_in_utc_and_need_a_zone(any_factory: sessionmaker[Session]) -> None:
    with transaction(any_factory) as session:
        call = make_call(session, started_at=datetime(2026, 11, 18, 14, 32, tzinfo=timezone(timedelta(hours=8))))
        identity = call.id

    with any_factory() as session:
        assert session.get_one(Call, identity).started_at == datetime(2026, 11, 18, 6, 32, tzinfo=UTC)
    with any_factory() as session, pytest.raises(Exception, match="without a zone"):
        make_call(session, started_at=datetime(2026, 11, 18, 14, 32))  # noqa: DTZ001


def test_a_failed_call_has_a_reason(any_factory: sessionmaker[Session]) -> None:
    with any_factory() as session:
        call = make_call(session)
        call.state, call.state_reason = CallState.FAILED, None

        with pytest.raises(IntegrityError):
            session.flush()


def test_a_staff_number_belongs_to_one_agent(any_factory: sessionmaker[Session]) -> None:
    with any_factory() as session:
        make_agent(session, "0728")

        with pytest.raises(IntegrityError):
            make_agent(session, "0728")


@pytest.mark.service
def test_a_server_database_without_tables_says_what_to_run(postgresql_url: str, settings: Settings) -> None:
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    settings.database_url = postgresql_url

    with pytest.raises(DatabaseError, match="hotline db upgrade"):
        open_database(settings)
    upgrade(postgresql_url)
    open_database(settings).dispose()


def test_a_database_that_is_away_is_named(settings: Settings) -> None:
    settings.database_url = "postgresql+psycopg://nobody@127.0.0.1:1/none"

    with pytest.raises(DatabaseError, match="HOTLINE_DATABASE_URL"):
        open_database(settings)
