"""Serve the pages and, on one machine, the worker with them."""

from __future__ import annotations

import ipaddress
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType

import click

from qa.settings import Settings, SettingsError, as_environment
from scoring.ready import get_ready

THREADS = 8


class ServeError(RuntimeError):
    """The pages cannot be served like this; the message says what to do."""


def serve_forever(settings: Settings, *, with_worker: bool) -> None:
    """Serve until interrupted.

    Raises:
        ServeError: others can reach the address and there is no HOTLINE_SECRET_KEY, or the port is taken.
    """
    import waitress

    from web.app import create_app

    if settings.demo and not is_loopback(settings.host):
        raise ServeError("the demonstration has known passwords: it is served on this machine only")
    try:
        server = waitress.create_server(create_app(settings), host=settings.host, port=settings.port, threads=THREADS)
    except SettingsError as error:
        raise ServeError(str(error)) from None
    except OSError as error:
        raise ServeError(f"cannot listen on {settings.host}:{settings.port}: {error}") from None
    get_ready(click.echo)
    with _worker(settings) if with_worker else nullcontext():
        click.echo(f"Serving on http://{settings.host}:{settings.port}  (stop with Ctrl-C)")
        for ending in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, _interrupt)
        server.run()


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _worker(settings: Settings) -> Iterator[None]:
    """Run the Celery worker beside the server, with the same settings, and end it with the server."""
    environment = os.environ | as_environment(settings)
    # The command is this program itself: nothing of it comes from outside.
    process = subprocess.Popen([sys.executable, "-m", "web.cli", "worker", "--quiet"], env=environment)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
