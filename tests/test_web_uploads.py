"""Recordings and transcripts that come in through the browser."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
import soundfile
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, AuditEvent, Call, Role, User
from qa.settings import Settings
from qa.storage import RecordingStore
from tests.factories import (
    make_agent,
    make_team,
    make_transcript,
    make_user,
)
from tests.sounds import RATE, babble
from tests.web_client import logged_in, make_app
from web import uploads

TALK = make_transcript([("agent", "Thank you for calling."), ("customer", "My card was charged twice.")])


@pytest.fixture
def app(settings: Settings, session: Session) -> Flask:
    return make_app(settings)


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session)


def client_of(app: Flask, session: Session, user: User) -> FlaskClient:
    session.commit()
    return logged_in(app, user)


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []
    monkeypatch.setattr(uploads, "enqueue", found.append)
    return found


def file(name: str = "call.json", content: bytes | None = None) -> tuple[io.BytesIO, str]:
    return io.BytesIO(json.dumps(TALK.to_dict()).encode() if content is None else content), name


def test_an_uploaded_transcript_becomes_a_call_with_the_forms_facts(
    app: Flask, session: Session, inspector: User, queued: list[int]
) -> None:
    make_agent(session, "0728")
    client = client_of(app, session, inspector)
    form = {"files": [file()], "agent": "0728", "queue": "cards", "direction": "inbound", "language": "en",
            "started_at": "2026-11-18T14:32"}  # fmt: skip

    answer = client.post("/calls/upload", data=form)
    shown = client.get(answer.headers["Location"]).text
    session.expire_all()
    call = session.scalars(select(Call)).one()

    assert answer.status_code == 302
    assert (call.agent.number, call.queue, call.direction) == ("0728", "cards", "inbound")  # type: ignore[union-attr]
    assert call.started_at == datetime(2026, 11, 18, 6, 32, tzinfo=UTC)
    assert queued == [call.id]
    assert "1 call was taken in." in shown
    assert "call.json" in shown
    assert 'hx-trigger="every 2s"' in shown
    assert session.scalar(select(AuditEvent.subject_id).where(AuditEvent.action == "call.uploaded")) == call.id


def test_two_one_sided_recordings_become_one_call_with_the_agent_left(
    app: Flask, session: Session, store: RecordingStore, inspector: User, queued: list[int]
) -> None:
    sides = {}
    for name, spans in (("agent", [(0.0, 1.0)]), ("customer", [(1.0, 2.0)])):
        sound = io.BytesIO()
        soundfile.write(sound, babble(spans, 2.0), RATE, format="WAV", subtype="PCM_16")
        sides[f"{name}_file"] = (io.BytesIO(sound.getvalue()), f"{name}.wav")

    client_of(app, session, inspector).post("/calls/upload", data={"kind": "sides", "queue": "cards", **sides})
    session.expire_all()
    call = session.scalars(select(Call)).one()

    assert (call.channels, call.agent_channel, call.queue) == (2, 0, "cards")
    assert call.audio_key is not None
    assert store.exists(call.audio_key)
    assert queued == [call.id]


def test_the_same_file_twice_is_one_call(app: Flask, session: Session, inspector: User, queued: list[int]) -> None:
    client = client_of(app, session, inspector)
    client.post("/calls/upload", data={"files": [file()]})

    answer = client.post("/calls/upload", data={"files": [file()]})

    assert "1 call was there already." in client.get(answer.headers["Location"]).text
    assert len(queued) == 1


def test_a_file_that_cannot_be_read_is_named_and_stops_no_other(
    app: Flask, session: Session, inspector: User, queued: list[int]
) -> None:
    client = client_of(app, session, inspector)

    answer = client.post("/calls/upload", data={"files": [file("notes.pdf", b"%PDF"), file()]})

    page = client.get(answer.headers["Location"]).text
    assert "notes.pdf was not taken in" in page
    assert len(queued) == 1


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Choose at least one file."),
        ({"files": [("empty.wav", b"")]}, "The file empty.wav is empty."),
        ({"kind": "sides", "agent_file": [("a.wav", b"x")]}, "Choose two files"),
        ({"kind": "sides", "agent_file": [("a.wav", b"x")], "customer_file": [("c.json", b"x")]}, "must be recordings"),
        ({"files": [("a.wav", b"x")], "started_at": "yesterday"}, "The start time must look like"),
        ({"files": [("a.wav", b"x")], "started_at": "2999-01-01T10:00"}, "lies in the future"),
        ({"files": [("a.wav", b"x")], "language": "xx"}, "Choose language and direction"),
        ({"files": [("a.wav", b"x")], "agent_channel": "middle"}, "Choose the agent&#39;s channel"),
    ],
)
def test_a_form_that_cannot_be_used_says_why_and_keeps_what_was_entered(
    app: Flask, session: Session, inspector: User, queued: list[int], form: dict[str, Any], words: str
) -> None:
    data = {name: [file(*pair) for pair in value] if isinstance(value, list) else value for name, value in form.items()}

    answer = client_of(app, session, inspector).post("/calls/upload", data={**data, "queue": "cards & loans"})

    assert answer.status_code == 400
    assert words in answer.text
    assert "cards &amp; loans" in answer.text
    assert queued == []


def test_a_staff_number_that_nobody_has_is_asked_back_before_an_agent_is_made(
    app: Flask, session: Session, inspector: User, queued: list[int]
) -> None:
    client = client_of(app, session, inspector)

    asked = client.post("/calls/upload", data={"files": [file()], "agent": "0728"})
    taken = client.post("/calls/upload", data={"files": [file()], "agent": "0728", "new_agent": "yes"})
    session.expire_all()

    assert asked.status_code == 400
    assert "No agent has the number 0728." in asked.text
    assert taken.status_code == 302
    assert session.scalars(select(Agent.number)).all() == ["0728"]
    assert len(queued) == 1


def test_the_upload_page_belongs_to_the_calls(app: Flask, session: Session, inspector: User) -> None:
    page = client_of(app, session, inspector).get("/calls/upload").text

    assert re.search(r'href="/calls/"[^>]*aria-current="true"', page)


def test_a_supervisor_uploads_for_the_own_team_only(app: Flask, session: Session, queued: list[int]) -> None:
    team = make_team(session)
    make_agent(session, "0101", team=team)
    make_agent(session, "0202")
    client = client_of(app, session, make_user(session, Role.SUPERVISOR, team=team))

    refused = client.post("/calls/upload", data={"files": [file()], "agent": "0202"})
    taken = client.post("/calls/upload", data={"files": [file()], "agent": "0101"})

    assert refused.status_code == 400
    assert "Agent 0202 is not in your team." in refused.text
    assert taken.status_code == 302
    assert len(queued) == 1


def test_a_call_of_nobodys_team_is_not_shown_to_the_supervisor_who_uploaded_it(
    app: Flask, session: Session, queued: list[int]
) -> None:
    client = client_of(app, session, make_user(session, Role.SUPERVISOR, team=make_team(session)))

    answer = client.post("/calls/upload", data={"files": [file()]})

    assert "belongs to nobody in your team" in client.get(answer.headers["Location"]).text
    assert len(queued) == 1


def test_more_than_the_limit_is_refused(settings: Settings, session: Session, queued: list[int]) -> None:
    settings.max_upload_mb = 1
    client = client_of(make_app(settings), session, make_user(session))

    answer = client.post("/calls/upload", data=b"x" * (2**20 + 1), content_type="multipart/form-data; boundary=b")

    assert answer.status_code == 413
    assert queued == []
