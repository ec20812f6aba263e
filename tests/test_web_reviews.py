"""The review pages: entry that keeps what was typed, release, reading by role, import."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AutoScore, Call, Review, ReviewState, Role, ScorecardVersion, User
from qa.criteria import card_of
from qa.settings import Settings
from scoring.marks import Evidence, evidence_to_dict
from tests.factories import (
    make_agent,
    make_auto_score,
    make_call,
    make_scorecard,
    make_team,
    make_transcript,
    make_user,
)
from tests.web_client import logged_in, make_app


@pytest.fixture
def app(settings: Settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def call(session: Session, card: ScorecardVersion) -> Call:
    agent = make_agent(session, "0728", name="Dana Reed", team=make_team(session, "North"))
    call = make_call(session, agent=agent, transcript=make_transcript([("agent", "Good morning, this is the bank.")]))
    score = make_auto_score(session, call, card, marks=[("S2", "met", 3.0, 3.0)])
    evidence = Evidence("EN-OPEN", "en-bank-hotline/1", "met", "said", start=0.5, text="this is the bank")
    score.marks[0].evidence = [evidence_to_dict(evidence)]
    session.commit()
    return call


@pytest.fixture
def inspector(session: Session) -> User:
    user = make_user(session, Role.INSPECTOR, "ines")
    session.commit()
    return user


@pytest.fixture
def client(app: Flask, inspector: User) -> FlaskClient:
    return logged_in(app, inspector)


def form(card: ScorecardVersion, **changes: str) -> dict[str, str]:
    answers = {f"answer-{item.id}": "met" for _, item in card_of(card).items()}
    return {"act": "submit", "reason": "random", **answers, **changes}


def stored(session: Session) -> list[Review]:
    session.rollback()  # Ends the reading transaction: what requests wrote since is seen.
    return list(session.scalars(select(Review)))


def test_the_form_shows_suggestions_and_chooses_nothing(client: FlaskClient, call: Call) -> None:
    page = client.get(f"/reviews/new?call={call.id}").text

    assert "Agent and bank named in the opening" in page
    assert "this is the bank" in page  # the machine's evidence
    assert "The wording was said." in page
    assert " checked>" not in page
    assert "Nothing found" in page  # fatal items stand apart


def test_a_submission_is_scored_and_shown(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    data = form(card, **{"answer-R1": "not_met", "comment-R1": "wrong fee", "at-R1": "1:05", "comment": "Well done"})

    answer = client.post(f"/reviews/new?call={call.id}", data=data)

    (review,) = stored(session)
    assert (answer.status_code, answer.location) == (302, f"/reviews/{review.id}")
    assert (review.state, review.final, review.comment) == (ReviewState.SUBMITTED, 88, "Well done")
    page = client.get(answer.location).text
    assert "wrong fee" in page
    assert "1:05" in page
    assert "88.0" in page


def test_a_refused_form_keeps_what_was_typed(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    data = form(card, **{"answer-S1": "", "comment-S2": "spoke too fast", "at-S3": "soon", "comment": "half done"})

    answer = client.post(f"/reviews/new?call={call.id}", data=data)

    assert answer.status_code == 422
    assert "soon is no moment" in answer.text
    assert 'value="spoke too fast"' in answer.text
    assert 'value="soon"' in answer.text
    assert "half done" in answer.text
    assert stored(session) == []

    again = client.post(f"/reviews/new?call={call.id}", data={**data, "at-S3": "3"})
    assert again.status_code == 422
    assert "Choose an answer." in again.text
    assert 'href="#question-S1"' in again.text
    assert 'value="spoke too fast"' in again.text
    assert stored(session) == []


def test_a_draft_is_kept_and_taken_up_again(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    data = {"act": "draft", "reason": "complaint", "answer-S1": "not_met", "comment-S2": "to be heard again"}

    answer = client.post(f"/reviews/new?call={call.id}", data=data)
    page = client.get(answer.location).text

    assert [review.state for review in stored(session)] == [ReviewState.DRAFT]
    assert 'name="answer-S1" value="not_met" checked' in page
    assert 'value="to be heard again"' in page
    assert '<option value="complaint" selected>' in page
    client.post(f"/reviews/new?call={call.id}", data=form(card))
    assert [(review.state, review.final) for review in stored(session)] == [(ReviewState.SUBMITTED, 100)]


def test_a_suspected_fatal_item_must_be_decided(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    score = session.scalars(select(AutoScore)).one()
    score.summary = {"sections": [], "fatals": [{"item": "X3", "suspected": "not_met", "evidence": []}]}
    session.commit()

    refused = client.post(f"/reviews/new?call={call.id}", data=form(card))
    client.post(f"/reviews/new?call={call.id}", data=form(card, **{"answer-X3": "not_met", "comment-X3": "shouted"}))

    assert "confirm or clear it" in refused.text
    (review,) = stored(session)
    assert (review.raw, review.final, review.fatal_confirmed) == (100, 0, 1)
    assert "Fatal item confirmed" in client.get(f"/reviews/{review.id}").text


def test_deductions_are_ticked(app: Flask, client: FlaskClient, session: Session) -> None:
    card = make_scorecard(session, "zh-mobile")
    call = make_call(session, language="zh-CN")
    session.commit()
    data: dict[str, Any] = form(card, **{"answer-A1": ""})
    data["deduct-A1"] = ["缺一要素", "超出时间窗"]

    page = client.get(f"/reviews/new?call={call.id}").text
    client.post(f"/reviews/new?call={call.id}", data=data)

    assert "No deduction" in page
    assert "缺一要素 −2" in page
    (review,) = stored(session)
    assert review.final == 97
    assert 'value="超出时间窗" checked' in client.get(f"/reviews/new?call={call.id}").text


def test_nobody_reviews_the_own_team(app: Flask, session: Session, call: Call, card: ScorecardVersion) -> None:
    assert call.agent is not None
    user = make_user(session, Role.INSPECTOR, team=call.agent.team)
    session.commit()
    client = logged_in(app, user)

    shown = client.get(f"/reviews/new?call={call.id}", follow_redirects=True)
    sent = client.post(f"/reviews/new?call={call.id}", data=form(card))

    assert "0728 is of your own team: nobody reviews the own team." in shown.text
    assert sent.status_code == 422
    assert stored(session) == []


def test_release_shows_it_to_the_agent(
    app: Flask, client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    agent = logged_in(app, committed(session, make_user(session, Role.AGENT, agent=call.agent)))
    client.post(f"/reviews/new?call={call.id}", data=form(card, **{"answer-S2": "not_met", "comment": "Slow down"}))
    (review,) = stored(session)
    assert agent.get(f"/reviews/{review.id}").status_code == 404

    answer = client.post(f"/reviews/{review.id}/release", follow_redirects=True)

    assert "Released: the agent can see it" in answer.text
    page = agent.get(f"/reviews/{review.id}").text
    assert "Slow down" in page
    assert "this is the bank" not in page  # The machine's evidence says otherwise than the person: not for the agent.
    assert "/release" not in page
    assert "Released" in agent.get("/reviews/").text
    assert client.get(f"/reviews/new?call={call.id}").location == f"/reviews/{review.id}"
    assert "released already" in client.post(f"/reviews/{review.id}/release", follow_redirects=True).text


def committed(session: Session, user: User) -> User:
    session.commit()
    return user


def test_lists_hold_what_the_role_may_read(
    app: Flask, client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    client.post(f"/reviews/new?call={call.id}", data=form(card))
    assert call.agent is not None
    lead = logged_in(app, committed(session, make_user(session, Role.LEAD)))
    supervisor = logged_in(app, committed(session, make_user(session, Role.SUPERVISOR, team=call.agent.team)))
    stranger = logged_in(app, committed(session, make_user(session, Role.SUPERVISOR, team=make_team(session))))
    colleague = logged_in(app, committed(session, make_user(session, Role.INSPECTOR)))
    (review,) = stored(session)

    for reader in (client, lead, supervisor):
        assert "Dana Reed" in reader.get("/reviews/").text
        assert "Dana Reed" in reader.get("/reviews/?state=submitted").text
        assert "Dana Reed" not in reader.get("/reviews/?state=released").text
        assert reader.get(f"/reviews/{review.id}").status_code == 200
    for outsider in (stranger, colleague):
        assert "There are no reviews yet" in outsider.get("/reviews/").text
        assert outsider.get(f"/reviews/{review.id}").status_code == 404
    assert colleague.post(f"/reviews/{review.id}/release").status_code == 404


def test_a_call_that_is_not_there_is_not_reviewed(client: FlaskClient) -> None:
    assert client.get("/reviews/new?call=99").status_code == 404
    assert client.get("/reviews/new").status_code == 404
    assert client.post("/reviews/new", data={"act": "submit"}).status_code == 404


def upload(client: FlaskClient, content: bytes, **fields: str) -> Any:
    return client.post("/reviews/import", data={"file": (io.BytesIO(content), "reviews.csv"), **fields})


def test_a_file_is_imported_with_its_bad_lines_listed(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    items = [item.id for _, item in card_of(card).items()]
    lines = [
        ",".join(["call", "reason", *items]),
        ",".join([f"#{call.id}", "random", *["met"] * len(items)]),
        ",".join(["#999", "random", *["met"] * len(items)]),
    ]

    answer = upload(client, "\n".join(lines).encode(), release="yes")

    assert "1 stored, 0 already there, 1 refused." in answer.text
    assert "There is no call #999." in answer.text
    assert [review.state for review in stored(session)] == [ReviewState.RELEASED]


@pytest.mark.parametrize(
    ("content", "message"), [(b"a,b\n1,2\n", "Columns are missing: call, reason."), (b"\x00", "not a CSV text file")]
)
def test_an_unreadable_file_is_refused(client: FlaskClient, content: bytes, message: str) -> None:
    answer = upload(client, content)

    assert answer.status_code == 422
    assert message in answer.text


def test_an_import_without_a_file_asks_for_one(client: FlaskClient) -> None:
    assert "Choose a CSV file." in client.post("/reviews/import", data={}).text


def test_an_empty_sheet_has_the_cards_columns(client: FlaskClient, call: Call, card: ScorecardVersion) -> None:
    answer = client.get(f"/reviews/template?card={card.id}")

    assert answer.text.startswith("\ufeffcall,reason,comment,S1,S2,")
    assert client.get("/reviews/template?card=99").status_code == 404
