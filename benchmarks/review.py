"""How fast the review page is: usable for a call of half an hour, and how long a mark takes to be saved.

Fills a SQLite database as benchmarks/pages.py does, adds a stereo call of 30 minutes (5,000 words, sound, waveform,
marks by the shipped scorecard), serves the application on this machine and opens the page in Chromium. The goals are
1 s until marks, words and waveform are there, and 100 ms at the 95th percentile for saving a mark over HTTP.

    python -m benchmarks.review [--calls 200000] [--opens 10] [--saves 200] [--database FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import soundfile
from flask import Flask
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.pages import PASSWORD, fill
from models import Base, Call, CallState, Team
from models.session import open_engine, session_factory
from qa.pipeline import score_stored
from qa.settings import Settings, load_settings
from qa.storage import RecordingStore
from tests.browser.conftest import DESKTOP, FLAGS, serve
from tests.conftest import require_program
from tests.factories import make_call, make_transcript
from tests.web_client import csrf_token
from transcription.audio import read_audio, waveform_peaks
from web.app import create_app

MINUTES, RATE, WORDS = 30, 8_000, 5_000
OPEN_GOAL_S, SAVE_GOAL_MS = 1.0, 100
SPOKEN = "thank you for calling how may I help you today"  # ten words
KEY = "benchmark/half-an-hour"


def add_call(session: Session, settings: Settings, store: RecordingStore) -> int:
    """Add the call of half an hour, as an ingest would have left it; return its id."""
    random = np.random.default_rng(7)
    sound = random.normal(0, 0.05, (MINUTES * 60 * RATE, 2)).astype("float32")
    sound[: len(sound) // 2, 1] *= 0.1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "call.flac"
        soundfile.write(path, sound, RATE, subtype="PCM_16")
        store.put(f"{KEY}.flac", path)
        store.put(f"{KEY}.json", json.dumps(waveform_peaks(read_audio(path))).encode())
    lines = []
    length = MINUTES * 60 / (WORDS / 10)
    for number in range(WORDS // 10):
        begin = number * length
        lines.append(("customer" if number % 2 else "agent", SPOKEN, begin, begin + length - 0.4))
    transcript = make_transcript(lines)  # type: ignore[arg-type]
    call = make_call(
        session,
        agent=session.get_one(Team, 3).agents[0],
        transcript=transcript,
        state=CallState.TRANSCRIBED,
        duration=float(MINUTES * 60),
        audio_key=f"{KEY}.flac",
        peaks_key=f"{KEY}.json",
        agent_channel=0,
    )
    call.source_name = KEY
    score_stored(session, call, settings)
    session.commit()
    return call.id


def open_times(address: str, call_id: int, opens: int) -> list[float]:
    """Return the seconds from going to the page until marks, words and waveform are there, for each time."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_program("chromium"), args=FLAGS)
        page = browser.new_page(base_url=address, viewport=DESKTOP)  # type: ignore[arg-type]
        page.goto("/login")
        page.fill("#login", "inspector")
        page.fill("#password", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url(lambda found: "/login" not in found)
        page.add_init_script(WATCH)
        found = [_open(page, call_id) for _ in range(opens + 1)]
        browser.close()
    return found[1:]  # the first fills the browser's cache of scripts and styles


# What the page itself says: asking from outside whether it is ready takes Chromium up to a quarter of a second.
# Of the lines in view each word can be clicked; of the others it is known.
WATCH = """
new MutationObserver((_, watch) => {
  const parts = ["[data-review][data-ready]", ".wave:not([hidden])", ".line .w"];
  if (!parts.every((part) => document.querySelector(part))) return;
  watch.disconnect();
  requestAnimationFrame(() => { window.usableAfter = performance.now(); });
}).observe(document, { subtree: true, childList: true, attributes: true });
"""


# Milliseconds since the browser set out for the page.
USABLE = """
() => new Promise((tell) => {
  const look = () => (window.usableAfter ? tell(window.usableAfter) : setTimeout(look, 50));
  look();
})
"""


def _open(page: Page, call_id: int) -> float:
    page.goto("/sampling/queue")  # where inspectors come from
    page.goto(f"/reviews/new?call={call_id}", wait_until="commit")
    taken = page.evaluate(USABLE) / 1000
    words = page.eval_on_selector_all(
        ".line-words", "lines => lines.flatMap((one) => one.dataset.words.split(' ')).length"
    )
    if words != WORDS:
        raise SystemExit(f"the page has {words} words, not {WORDS}")
    return float(taken)


def save_times(address: str, call_id: int, saves: int) -> list[float]:
    """Return the milliseconds of each save of one mark, over one connection."""
    connection = HTTPConnection(address.removeprefix("http://"))
    cookie, token = _logged_in(connection)
    headers = {"Cookie": cookie, "X-CSRFToken": token, "Accept": "application/json", "Content-Type": "application/json"}
    times, revision = [], 0
    for number in range(saves + 1):
        answer = ("met", "not_met")[number % 2]
        body = {"revision": revision, "seconds": 1, "marks": [{"item": f"S{1 + number % 5}", "answer": answer}]}
        begun = time.perf_counter()
        connection.request("POST", f"/reviews/save?call={call_id}", json.dumps(body), headers)
        response = connection.getresponse()
        found: dict[str, Any] = json.loads(response.read())
        times.append(1000 * (time.perf_counter() - begun))
        if response.status != 200:
            raise SystemExit(f"saving answered {response.status}: {found}")
        revision = found["revision"]
    return times[1:]


def _logged_in(connection: HTTPConnection) -> tuple[str, str]:
    connection.request("GET", "/login")
    answer = connection.getresponse()
    cookie, token = _cookie(answer.getheader("Set-Cookie")), csrf_token(answer.read().decode())
    form = f"login=inspector&password={PASSWORD.replace(' ', '+')}&csrf_token={token}"
    connection.request("POST", "/login", form, {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    answer.read()
    cookie = _cookie(answer.getheader("Set-Cookie"))
    connection.request("GET", "/reviews/", headers={"Cookie": cookie})
    answer = connection.getresponse()
    page = answer.read().decode()
    return _cookie(answer.getheader("Set-Cookie")) or cookie, csrf_token(page)


def _cookie(header: str | None) -> str:
    return (header or "").split(";")[0]


def measure(app: Flask, call_id: int, opens: int, saves: int) -> None:
    """Print how long the page takes to open and a mark to be saved."""
    with serve(app) as address:
        seconds = open_times(address, call_id, opens)
        print(f"usable after {median(seconds):.2f} s (slowest of {opens}: {max(seconds):.2f} s); goal {OPEN_GOAL_S} s")
        milliseconds = save_times(address, call_id, saves)
        cuts = quantiles(milliseconds, n=20, method="inclusive")
        print(f"a mark saved: p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms of {saves}; goal {SAVE_GOAL_MS} ms")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--calls", type=int, default=200_000)
    options.add_argument("--opens", type=int, default=10)
    options.add_argument("--saves", type=int, default=200)
    options.add_argument("--database", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = given.database or Path(folder) / "review.db"
        settings = load_settings(var_dir=Path(folder), database_url=f"sqlite:///{database}")
        fresh = not database.exists()
        engine = open_engine(settings.database_url)
        app = create_app(settings)
        with session_factory(engine)() as session:
            if fresh:
                Base.metadata.create_all(engine)
                fill(session, given.calls, settings)
            old = session.scalar(select(Call).where(Call.source_name == KEY))
            if old is not None:  # its sound was in a folder that is gone
                raise SystemExit(f"{database} holds the call of an earlier run: remove the file")
            call_id = add_call(session, settings, app.extensions["recordings"])
        measure(app, call_id, given.opens, given.saves)
        engine.dispose()


if __name__ == "__main__":
    main()
