"""A real Chromium against a real server, both of the test's own. Nothing outside this machine is reached."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright
from waitress import wasyncore

from models import User
from tests.conftest import require_or_skip, require_program
from tests.factories import PASSWORD
from tests.web_world import World, open_world
from web.assets import is_current

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# A busy machine is slow, not wrong: what is expected comes, or it does not.
expect.set_options(timeout=15_000)


@dataclass(frozen=True)
class Site:
    """A hotline that is served: its address, the application behind it and what is in it."""

    address: str
    app: Flask
    world: World


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = require_program("chromium")
    if not is_current():
        require_or_skip("the front-end files are not installed; run python -m web.assets")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, _empty_database: Path) -> Iterator[Site]:
    """A small hotline (see tests/web_world.py), served on a free port for the tests of one module."""
    app, world = open_world(tmp_path_factory.mktemp("hotline"), _empty_database, csrf=True)
    with serve(app) as address:
        yield Site(address, app, world)


class serve:
    """Serve `app` in a thread while the block runs; its address is the block's value."""

    def __init__(self, app: Flask) -> None:
        import waitress

        self.server: Any = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.server.effective_port}"

    def __exit__(self, *_error: object) -> None:
        self.server.task_dispatcher.shutdown()
        # Sockets are closed by the thread that waits on them: closed under its hands, they make it fail.
        self.server.trigger.pull_trigger(lambda: wasyncore.close_all(self.server._map))
        self.thread.join(timeout=5)


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Return `open_page(user, path="/", viewport=DESKTOP, locale="en")`: a page in a browser of that user's own.

    After the test no page may have asked another host for anything, or have logged an error but those that the test
    brings about: `open_page.expected` holds parts of their words.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    expected: list[str] = []

    def watch(page: Page) -> None:
        def asked(request: Request) -> None:
            if not request.url.startswith((site.address, "data:", "blob:")):
                complaints.append(f"asked another host: {request.url}")

        page.on("request", asked)
        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"console: {message.text} {message.location.get('url', '')}")
                if message.type == "error"
                else None
            ),
        )

    def opener(
        user: User | None = None, path: str = "/", *, viewport: dict[str, int] = DESKTOP, locale: str = "en"
    ) -> Page:
        context = browser.new_context(base_url=site.address, viewport=viewport, locale=locale)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        watch(page)
        if user is not None:
            log_in(page, user)
        page.goto(path)
        return page

    opener.expected = expected  # type: ignore[attr-defined]
    yield opener
    for context in contexts:
        context.close()
    assert [one for one in complaints if not any(words in one for words in expected)] == []


def log_in(page: Page, user: User) -> None:
    page.goto("/login")
    page.fill("#login", user.login)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda address: "/login" not in address)
