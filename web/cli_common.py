"""What every part of the `hotline` command needs: settings, the installation, and how a command ends in an error."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

    from qa.settings import Settings
    from qa.storage import RecordingStore


def stop(message: str) -> NoReturn:
    """End the command with `message` on standard error and exit status 2."""
    click.echo(f"hotline: {message}", err=True)
    sys.exit(2)


def terminal_locale() -> str:
    """Return the language that the terminal is set to, of the two that there are."""
    spoken = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh_CN" if spoken.startswith("zh") else "en"


def settings_or_stop(**overrides: Any) -> Settings:
    from qa.settings import SettingsError, load_settings

    try:
        return load_settings(**overrides)
    except SettingsError as error:
        stop(str(error))


def open_installation(settings: Settings) -> tuple[sessionmaker[Session], RecordingStore]:
    """Return the database's sessions and the recording store, or end the command with what is wrong."""
    from models.session import session_factory, transaction
    from qa.criteria import ensure_shipped
    from qa.database import DatabaseError, open_database
    from qa.storage import RecordingStore, StorageError

    try:
        factory, store = session_factory(open_database(settings)), RecordingStore(settings.storage_url)
    except (DatabaseError, StorageError) as error:
        stop(str(error))
    with transaction(factory) as session:
        ensure_shipped(session)
    return factory, store
