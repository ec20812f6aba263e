"""`hotline serve` as a new user meets it: log in, upload a recording, watch the worker bring it to a score."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.sounds import write_call
from tests.test_ingest import SAID

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "correct horse battery"
PATIENCE = 60.0  # seconds


def hotline(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "web.cli", *arguments]


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An installation of its own, served with its worker on a free port."""
    monkeypatch.setenv("HOTLINE_VAR_DIR", str(tmp_path / "var"))
    subprocess.run(hotline("user", "add", "wang", "--role", "lead", "--password", PASSWORD), check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(hotline("serve", "--port", str(port)), stderr=subprocess.DEVNULL)
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}/login", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(timeout=30) is not None


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    pause = threading.Event()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.URLError:
            pause.wait(0.2)
    pytest.fail(f"{url} does not answer; the server ended with {process.poll()}")


def test_an_uploaded_recording_becomes_a_scored_call_before_ones_eyes(
    address: str, browser: Browser, tmp_path: Path
) -> None:
    recording = write_call(tmp_path / "0728_20261118-143200.wav", SAID)
    recording.with_suffix(".json").unlink()
    page = browser.new_page(locale="en")
    page.goto(address)
    page.fill("#login", "wang")
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.goto(f"{address}/calls/upload")

    page.set_input_files("#files", recording)
    page.fill("[name=agent]", "0728")
    page.check("[name=new_agent]")
    page.get_by_role("button", name="Upload", exact=True).click()

    expect(page.get_by_role("link", name=recording.name)).to_be_visible()
    # A buzz is no speech that anybody could grade: the worker says so, and the page shows it without a reload.
    expect(page.locator(".upload-results")).to_contain_text("Not gradable", timeout=1000 * PATIENCE)
    page.close()
