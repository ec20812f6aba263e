"""The main job on PostgreSQL, as a hotline with several machines runs it."""

from __future__ import annotations

import html
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from models import Call, CallState, ReviewReason, Role
from models.session import transaction
from qa.agent_scores import agent_scores
from qa.calls import CallFilter, Sort, find_calls
from qa.demonstration import LOGINS, ORGANISATION_NAMES, PASSWORD
from qa.demonstration.load import load_demonstration
from qa.ingest import ingest
from qa.periods import Period
from qa.pipeline import process_call
from qa.reviews import release_review, submit_review
from qa.settings import Settings
from qa.sources import find_sources
from qa.storage import RecordingStore
from scoring.call_score import GivenAnswer
from scoring.marks import Answer
from tests.conftest import Hotline
from tests.factories import make_user
from tests.sounds import write_call
from tests.test_ingest import SAID
from tests.web_client import make_app

pytestmark = pytest.mark.service


@pytest.fixture
def server(postgresql_factory: sessionmaker[Session], settings: Settings, store: RecordingStore) -> Hotline:
    return Hotline(postgresql_factory, settings, store)


def test_from_a_recording_to_an_agents_score(server: Hotline, tmp_path: Path) -> None:
    write_call(tmp_path / "0728_20261118-143200.wav", SAID)
    (tmp_path / "0728_20261118-153200.json").write_text(json.dumps(SAID.to_dict()))

    server.ingest(tmp_path)
    server.ingest(tmp_path)

    assert [call.state for call in server.calls()] == [CallState.SCORED, CallState.SCORED]
    with transaction(server.factory) as session:
        inspector = make_user(session, Role.INSPECTOR)
        call = session.get_one(Call, server.calls()[0].id)
        assert call.auto_score is not None
        card = call.auto_score.scorecard.definition
        answers = {item["id"]: GivenAnswer(Answer.MET) for part in card["sections"] for item in part["items"]}
        review = submit_review(session, call, inspector, answers, reason=ReviewReason.RANDOM)
        release_review(session, review, inspector)
        found = find_calls(
            session, inspector, CallFilter(words="lakeside"), zone=server.settings.zone, sort=Sort.NEWEST, page=1
        )
        assert len(found.rows) == 2
        (row,) = agent_scores(session, Period.parse("2026-11"), zone=server.settings.zone)
    assert row.number == "0728"
    parts = {part.source: (part.value, part.n) for part in row.score.parts}
    assert parts["IM"] == (100.0, 1)
    assert parts["AQ"][1] == 2


def test_two_workers_on_one_call_score_it_once(server: Hotline, tmp_path: Path) -> None:
    write_call(tmp_path / "a.wav", SAID)
    (call_id,) = ingest(
        server.factory, server.settings, server.store, find_sources([tmp_path], server.settings)
    ).received

    def work(_worker: int) -> CallState | None:
        return process_call(server.factory, server.settings, server.store, call_id)

    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(work, range(4)))

    assert states.count(CallState.SCORED) == 1
    assert states.count(None) == 3


@pytest.mark.slow
def test_every_page_that_is_linked_opens(server: Hotline) -> None:
    """A small demonstration, walked from link to link: no query is SQLite's alone."""
    server.settings.database_url = server.factory.kw["bind"].url.render_as_string(hide_password=False)
    server.settings.organisation_names = ORGANISATION_NAMES
    load_demonstration(
        server.factory, server.settings, server.store, progress=lambda stage, share: None, recordings=set(), scale=0.1
    )
    app = make_app(server.settings)
    first = [
        "/",
        "/calls/?words=card&item=S1&score_min=10&reviewed=yes",
        "/calls/?sort=lowest",
        "/agents/?period=2026-Q4",
    ]

    for login, role in LOGINS:
        client = app.test_client()
        assert client.post("/login", data={"login": login, "password": PASSWORD}).status_code == 302
        waiting, seen = list(first) if role in ("lead", "inspector") else ["/"], set[str]()
        while waiting:
            address = waiting.pop()
            kind = re.sub(r"\d+", "N", address)
            if kind in seen or kind.startswith(("/static", "/language", "/logout")):
                continue
            seen.add(kind)
            answer = client.get(address)
            assert answer.status_code < 500, f"{login}: {address}"
            if answer.mimetype == "text/html":
                waiting += [html.unescape(link) for link in re.findall(r'href="(/[^"#]*)"', answer.text)]
        assert len(seen) >= 3
    app.extensions["session_factory"].kw["bind"].dispose()
