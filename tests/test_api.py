"""Where other systems hand things in: off by default, one token for each, nothing to read."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models import AuditEvent, Complaint, ComplaintOutcome, SurveyRating
from qa.settings import Settings, SettingsError, load_settings
from tests.factories import make_agent
from tests.web_client import make_app
from web.api import MAX_API_ROWS

SURVEY_TOKEN = "s" * 40
COMPLAINT_TOKEN = "c" * 40
RATING = {"external_id": "S-1", "answered_at": "2026-11-18 09:30", "rating": 4, "agent": "0728"}
COMPLAINT = {"external_id": "K-1", "received_at": "2026-11-18T09:30:00+08:00", "agent": "0728", "outcome": None}


@pytest.fixture
def app(settings: Settings, session: Session, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setenv("HOTLINE_SURVEY_TOKEN", SURVEY_TOKEN)
    monkeypatch.setenv("HOTLINE_COMPLAINT_TOKEN", COMPLAINT_TOKEN)
    make_agent(session, "0728")
    session.commit()
    return make_app(load_settings(var_dir=settings.var_dir), csrf=True)


def sent(app: Flask, address: str, token: str | None, body: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return app.test_client().post(address, json=body, headers=headers)


def test_ratings_are_handed_in_without_a_login(app: Flask, session: Session) -> None:
    answer = sent(app, "/api/surveys", SURVEY_TOKEN, {"rows": [RATING, {**RATING, "external_id": "S-2", "rating": 9}]})

    assert (answer.status_code, answer.json["stored"]) == (200, 1)  # type: ignore[index]
    assert answer.json["refused"] == [  # type: ignore[index]
        {"row": 2, "field": "rating", "message": "The rating 9 is not on the scale 1-5."}
    ]
    assert sent(app, "/api/surveys", SURVEY_TOKEN, {"rows": [RATING]}).json == {
        "stored": 0,
        "unchanged": 1,
        "refused": [],
    }
    assert session.scalars(select(SurveyRating.rating)).all() == [4.0]
    assert session.scalars(select(AuditEvent.user_id)).all() == [None, None]


def test_complaints_and_their_decisions_are_handed_in(app: Flask, session: Session) -> None:
    decided = {**COMPLAINT, "outcome": "upheld", "responsibility": "agent"}

    for row in (COMPLAINT, decided):
        assert sent(app, "/api/complaints", COMPLAINT_TOKEN, {"rows": [row]}).json["stored"] == 1  # type: ignore[index]

    assert session.scalars(select(Complaint.outcome)).all() == [ComplaintOutcome.UPHELD]


@pytest.mark.parametrize("token", [None, "", "wrong" * 8, COMPLAINT_TOKEN, "令牌" * 20])
def test_only_its_own_token_opens_an_address(app: Flask, session: Session, token: str | None) -> None:
    given = token.encode().decode("latin-1") if token else token

    answer = sent(app, "/api/surveys", given, {"rows": [RATING]})

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert session.scalars(select(SurveyRating.id)).all() == []


def test_a_token_reads_nothing(app: Flask) -> None:
    client = app.test_client()
    headers = {"Authorization": f"Bearer {SURVEY_TOKEN}", "Accept": "application/json"}

    assert client.get("/api/surveys", headers=headers).status_code == 405
    assert client.get("/surveys/", headers=headers).status_code == 401
    assert client.get("/calls/", headers=headers).status_code == 401


def test_without_a_token_in_the_settings_there_is_no_such_address(settings: Settings, session: Session) -> None:
    app = make_app(settings)

    for token in (None, "", SURVEY_TOKEN):
        assert sent(app, "/api/surveys", token, {"rows": [RATING]}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"rows": {}},
        {"rows": [1]},
        {"rows": [{"rating": [5]}]},
        {"rows": [{"rating": True}]},
        {"rows": [{"comment": "x" * 5000}]},
        {"rows": [RATING] * (MAX_API_ROWS + 1)},
    ],
)
def test_a_body_of_another_form_is_refused_as_a_whole(app: Flask, session: Session, body: Any) -> None:
    answer = sent(app, "/api/surveys", SURVEY_TOKEN, body)

    assert answer.status_code == 400
    assert answer.json["error"]["message"]  # type: ignore[index]
    assert session.scalars(select(SurveyRating.id)).all() == []


def test_a_short_token_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_SURVEY_TOKEN", "guess-me")

    with pytest.raises(SettingsError, match="HOTLINE_SURVEY_TOKEN: is too short") as error:
        load_settings()

    assert "guess-me" not in str(error.value)
