"""`hotline demo`: the demonstration in a database and folder of its own, then served on this machine."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from qa.settings import Settings, SettingsError, load_settings
from web.progress import progress

FOLDER = Path("var") / "demo"


def demo_settings() -> Settings:
    """Return the settings of the demonstration: nothing of a real installation is touched.

    Raises:
        SettingsError: a setting in the environment has a wrong value.
    """
    from qa.demonstration import ORGANISATION_NAMES

    return load_settings(
        var_dir=FOLDER,
        database_url=f"sqlite:///{FOLDER / 'hotline.db'}",
        storage_url=str(FOLDER / "recordings"),
        broker_url="",
        engine="sphinx",
        organisation_names=ORGANISATION_NAMES,
        host="127.0.0.1",
        jobs=min(8, os.cpu_count() or 1),
        demo=True,
    )


def run_demo(serving: bool) -> None:
    """Load the demonstration where it is not loaded yet, print the logins, and serve it."""
    from models.session import session_factory
    from qa.database import open_database
    from qa.demonstration import LOGINS, PASSWORD
    from qa.demonstration.load import load_demonstration
    from qa.storage import RecordingStore
    from web.serve import ServeError, serve_forever

    try:
        settings = demo_settings()
    except SettingsError as error:
        click.echo(f"hotline: {error}", err=True)
        sys.exit(2)
    started = time.monotonic()
    factory = session_factory(open_database(settings))
    with progress("Loading the demonstration") as advance:
        report = load_demonstration(
            factory,
            settings,
            RecordingStore(settings.storage_url),
            progress=lambda stage, share: advance(round(100 * share), 100, stage),
        )
    click.echo(f"{report} ({time.monotonic() - started:.0f} s)")
    click.echo(f"\nOpen http://{settings.host}:{settings.port} and log in; the password is {PASSWORD} for all:\n")
    for login, role in LOGINS:
        click.echo(f"  {login:<12} {role}")
    click.echo("\nAll people, calls and scores are synthetic.\n")
    if not serving:
        return
    try:
        serve_forever(settings, with_worker=True)
    except ServeError as error:
        click.echo(f"hotline: {error}", err=True)
        sys.exit(2)
