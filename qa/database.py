"""The database of an installation: made, brought up to date, and checked before anything uses it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from models.session import open_engine

if TYPE_CHECKING:
    from alembic.config import Config

    from qa.settings import Settings


class DatabaseError(RuntimeError):
    """The database cannot be used as it is; the message says what to do."""


def migrations(url: str) -> Config:
    """Return Alembic's configuration for the database at `url`."""
    from alembic.config import Config

    import models

    config = Config()
    config.set_main_option("script_location", str(Path(models.__file__).parent / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str) -> None:
    """Make or migrate the tables; a database that is up to date is left alone.

    Raises:
        DatabaseError: it cannot be reached.
    """
    from alembic import command

    try:
        command.upgrade(migrations(url), "head")
    except OperationalError as error:
        raise DatabaseError(f"HOTLINE_DATABASE_URL: the database cannot be reached: {error.orig}") from None


def open_database(settings: Settings) -> Engine:
    """Return an engine for the installation's database, ready to use.

    A SQLite file is made and migrated on the way; on a server that is the administrator's act.

    Raises:
        DatabaseError: it cannot be reached, or its tables are not those of this version.
    """
    engine = open_engine(settings.database_url)
    if engine.dialect.name == "sqlite":
        upgrade(settings.database_url)
        return engine
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        raise DatabaseError(f"HOTLINE_DATABASE_URL: the database cannot be reached: {error.orig}") from None
    finally:
        engine.dispose()
    if found != ScriptDirectory.from_config(migrations(settings.database_url)).get_current_head():
        raise DatabaseError("the tables are not those of this version; run: hotline db upgrade")
    return engine
