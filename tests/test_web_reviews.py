"""The review pages: entry that keeps what was typed, release, reading by role, import."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models import AutoScore, Call, Review, ReviewState, Role, ScorecardVersion, User
from models.base import now
from qa.criteria import card_of, store_scorecard
from qa.periods import Period, PeriodKind
from qa.sampling import store_plan
from qa.sampling_rules import PlanRules
from qa.sampling_work import draw_week, queue_of
from qa.settings import Settings
from scoring.marks import Evidence, evidence_to_dict
from scoring.scorecard import Scorecard
from tests.factories import (
    make_agent,
    make_auto_score,
    make_call,
    make_scorecard,
    make_team,
    make_transcript,
    make_user,
)
from tests.test_review_saving import MIXED
from tests.web_client import logged_in, make_app

JSON = {"Accept": "application/json"}
LINES = [
    ("agent", "Good morning, this is the bank."),
    ("customer", "My card was charged twice last week and I do not know why."),
    ("agent", "Let me look into that for you, it takes a moment."),
]


@pytest.fixture
def app(settings: Settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def call(session: Session, card: ScorecardVersion) -> Call:
    agent = make_agent(session, "0728", name="Dana Reed", team=make_team(session, "North"))
    call = make_call(session, agent=agent, transcript=make_transcript(LINES))
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


def marks(card: ScorecardVersion, **changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Return changes that answer every item "met", but for `changes`."""
    answers = {item.id: {"item": item.id, "answer": "met"} for _, item in card_of(card).items()}
    for item, change in changes.items():
        answers[item] = {"item": item, **change}
    return list(answers.values())


def save(client: FlaskClient, call: Call, revision: int = 0, **changes: Any) -> TestResponse:
    return client.post(f"/reviews/save?call={call.id}", json={"revision": revision, **changes}, headers=JSON)


def submit(client: FlaskClient, call: Call, revision: int = 1, **wish: Any) -> TestResponse:
    return client.post(f"/reviews/submit?call={call.id}", json={"revision": revision, **wish}, headers=JSON)


def submitted(client: FlaskClient, call: Call, card: ScorecardVersion, **changes: dict[str, Any]) -> TestResponse:
    save(client, call, marks=marks(card, **changes))
    return submit(client, call)


def stored(session: Session) -> list[Review]:
    session.rollback()  # Ends the reading transaction: what requests wrote since is seen.
    return list(session.scalars(select(Review)))


def test_the_page_shows_suggestions_and_chooses_nothing(client: FlaskClient, call: Call) -> None:
    page = client.get(f"/reviews/new?call={call.id}").text

    assert "Agent and bank named in the opening" in page
    assert "this is the bank" in page  # the machine's evidence
    assert "The wording was said." in page
    assert 'data-answer="met" aria-pressed="true"' not in page
    assert "Nothing found" in page  # fatal items stand apart


def test_a_choice_that_rules_made_is_taken_over_by_one_key(client: FlaskClient, session: Session) -> None:
    version = store_scorecard(session, Scorecard.model_validate(MIXED), None)
    call = make_call(session, agent=make_agent(session), transcript=make_transcript(LINES))
    make_auto_score(session, call, version, marks=[("C", "partly", 4.0, 20.0), ("S", "partly", 10.0, 20.0)])
    session.commit()

    page = client.get(f"/reviews/new?call={call.id}").text

    rows = {row[:1]: row for row in re.split(r'id="item-', page)[1:]}
    assert 'data-auto-option="coldly"' in rows["C"]
    assert "data-accept" in rows["C"]
    assert "data-accept" not in rows["S"]  # no rule answers a scale, so no value is known


def test_each_change_is_saved_and_the_total_follows(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    first = save(client, call, marks=[{"item": "S1", "answer": "not_met", "comment": "no name"}], comment="Well").json
    second = save(client, call, 1, marks=[{"item": "S3", "answer": "met", "moment": 65.0}], seconds=20).json

    assert first is not None
    assert second is not None
    assert (first["revision"], first["final"], first["points"]["S1"]) == (1, 0.0, [0.0, 4.0])
    assert (second["revision"], second["seconds"]) == (2, 20)
    assert 0 < second["final"] < 100
    assert "R1" in second["missing"]
    (review,) = stored(session)
    assert (review.state, review.comment, review.final) == (ReviewState.DRAFT, "Well", None)
    page = client.get(f"/reviews/new?call={call.id}").text
    assert "no name" in page
    assert "at 1:05" in page


def test_an_answer_otherwise_than_the_machines_needs_its_reason(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    state = save(client, call, marks=marks(card, S2={"answer": "not_met"})).json
    refused = submit(client, call)
    save(client, call, 1, marks=[{"item": "S2", "answer": "not_met", "override_reason": "another bank's name"}])
    done = submit(client, call, 2)

    assert state is not None
    assert (state["auto"], state["overridden"], state["unexplained"]) == (90.0, ["S2"], ["S2"])
    assert refused.status_code == 422
    assert (refused.json or {})["problems"] == {"S2": "Say why you decide otherwise than the automatic check."}
    assert done.status_code == 200
    (review,) = stored(session)
    mark = next(mark for mark in review.marks if mark.item == "S2")
    assert (mark.auto_answer, mark.override_reason) == ("met", "another bank's name")


def test_a_submission_is_scored_and_shown(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    save(client, call, marks=marks(card, R1={"answer": "not_met", "comment": "wrong fee", "moment": 65.0}))

    answer = submit(client, call)

    (review,) = stored(session)
    assert answer.json == {"next": f"/reviews/{review.id}"}
    assert (review.state, review.final) == (ReviewState.SUBMITTED, 88)
    page = client.get(f"/reviews/{review.id}").text
    assert "Submitted: 88.0." in page
    assert "wrong fee" in page
    assert "1:05" in page


def test_a_refused_submission_names_the_items_and_keeps_the_draft(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    save(client, call, marks=marks(card, S1={"answer": None, "comment": "hear it again"}))

    answer = submit(client, call)

    assert answer.status_code == 422
    assert (answer.json or {})["problems"] == {"S1": "Choose an answer."}
    assert [review.state for review in stored(session)] == [ReviewState.DRAFT]


def test_two_windows_do_not_overwrite_each_other(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    save(client, call, marks=[{"item": "S1", "answer": "met"}])

    late = save(client, call, marks=[{"item": "S1", "answer": "not_met"}])
    again = save(client, call, marks=[{"item": "S1", "answer": "met"}])  # the answer to the first got lost
    stale = submit(client, call, 0)

    assert late.status_code == 409
    assert (late.json or {})["conflict"]["who"] == "Ines"
    assert (again.status_code, (again.json or {})["revision"]) == (200, 1)
    assert stale.status_code == 409
    (review,) = stored(session)
    assert [(mark.item, mark.answer) for mark in review.marks] == [("S1", "met")]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"revision": -1},
        {"revision": 0, "marks": [{"item": "S1", "answer": "perhaps"}]},
        {"revision": 0, "marks": [{"item": "S1", "moment": -3}]},
        {"revision": 0, "comment": "x" * 4001},
        {"revision": 0, "more": 1},
    ],
)
def test_a_save_that_makes_no_sense_is_refused(
    client: FlaskClient, session: Session, call: Call, body: dict[str, Any]
) -> None:
    assert client.post(f"/reviews/save?call={call.id}", json=body, headers=JSON).status_code == 400
    assert save(client, call, marks=[{"item": "Q9", "answer": "met"}]).status_code == 422
    assert stored(session) == []


def test_a_suspected_fatal_item_must_be_decided(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    score = session.scalars(select(AutoScore)).one()
    score.summary = {"sections": [], "fatals": [{"item": "X3", "suspected": "not_met", "evidence": []}]}
    session.commit()

    save(client, call, marks=marks(card))
    refused = submit(client, call)
    save(client, call, 1, marks=[{"item": "X3", "answer": "not_met", "comment": "shouted"}])
    submit(client, call, 2)

    assert "confirm or clear it" in refused.text
    (review,) = stored(session)
    assert (review.raw, review.final, review.fatal_confirmed) == (100, 0, 1)
    assert "Fatal item confirmed" in client.get(f"/reviews/{review.id}").text


def test_deductions_are_pressed(client: FlaskClient, session: Session) -> None:
    card = make_scorecard(session, "zh-mobile")
    call = make_call(session, language="zh-CN")
    session.commit()

    page = client.get(f"/reviews/new?call={call.id}").text
    save(client, call, marks=marks(card, A1={"deductions": ["缺一要素", "超出时间窗"]}))
    submit(client, call)

    assert "No deduction" in page
    assert "缺一要素" in page
    (review,) = stored(session)
    assert review.final == 97
    assert 'data-deduction="超出时间窗" aria-pressed="true"' in client.get(f"/reviews/new?call={call.id}").text


def test_a_blind_review_shows_nothing_of_the_machine_until_it_is_submitted(
    settings: Settings, session: Session, call: Call, card: ScorecardVersion, inspector: User
) -> None:
    score = session.scalars(select(AutoScore)).one()
    score.summary = {"sections": [], "fatals": [{"item": "X3", "suspected": "not_met", "evidence": []}]}
    session.commit()
    client = logged_in(make_app(settings.model_copy(update={"review_mode": "blind", "hide_agent": True})), inspector)

    page = client.get(f"/reviews/new?call={call.id}").text
    state = save(client, call, marks=marks(card, S2={"answer": "not_met"}))
    call_page, listed = client.get(f"/calls/{call.id}").text, client.get("/reviews/").text
    done = submit(client, call)

    for shown in (page, state.text, call_page):
        assert "The wording was said." not in shown
        assert "EN-OPEN" not in shown
        assert "Suspected" not in shown
    assert not {"auto", "overridden", "unexplained"} & (state.json or {}).keys()
    assert "data-auto-total" not in page
    for shown in (page, listed):
        assert "0728" not in shown
        assert "Dana Reed" not in shown
    assert done.status_code == 200  # what the machine suspects asks nothing of somebody who does not see it
    (review,) = stored(session)
    assert (review.blind, review.agent_hidden, review.state) == (True, True, ReviewState.SUBMITTED)
    assert "The wording was said." in client.get(f"/reviews/new?call={call.id}").text


@pytest.fixture
def tasks(session: Session, call: Call, card: ScorecardVersion, inspector: User) -> list[Call]:
    """Two drawn calls, `call` the first, with a third in reserve; both are the inspector's to review."""
    assert call.agent is not None
    others = [make_call(session, agent=call.agent, transcript=make_transcript(LINES)) for _ in range(2)]
    for other in others:
        make_auto_score(session, other, card)
    plan = store_plan(session, "autumn", PlanRules(agents=("0728",), joint_percent=0, joint_least=0))
    zone = ZoneInfo("Asia/Shanghai")
    week = Period.containing(call.started_at, zone, PeriodKind.WEEK)
    draw_week(session, week, zone=zone, plan=plan, at=week.bounds(zone)[1])
    session.commit()
    return [session.get_one(Call, call_id) for _, call_id in queue_of(session, inspector.id)]


def test_a_call_is_put_off_with_a_reason(client: FlaskClient, session: Session, tasks: list[Call]) -> None:
    first, second = tasks
    assert "queue 1/2" in client.get(f"/reviews/new?call={first.id}").text

    without = client.post(f"/reviews/skip?call={first.id}", data={"reason": " "}, follow_redirects=True)
    answer = client.post(f"/reviews/skip?call={first.id}", data={"reason": "the customer shouts"})

    assert "Say why the call is put off." in without.text
    assert answer.location == f"/reviews/new?call={second.id}"
    assert "queue 2/2" in client.get(f"/reviews/new?call={first.id}").text
    assert "put off" in client.get("/sampling/queue").text


def test_a_call_that_cannot_be_reviewed_is_replaced(client: FlaskClient, session: Session, tasks: list[Call]) -> None:
    first, second = tasks

    without = client.post(f"/reviews/replace?call={first.id}", data={"reason": ""}, follow_redirects=True)
    answer = client.post(f"/reviews/replace?call={first.id}", data={"reason": "sound"})

    assert "Say why the call cannot be reviewed." in without.text
    instead = int(answer.location.split("=")[1])
    assert instead not in (first.id, second.id)
    assert "queue" not in client.get(f"/reviews/new?call={first.id}").text.split("<main")[1].split("</header>")[0]
    assert client.post(f"/reviews/skip?call={first.id}", data={"reason": "x"}).status_code == 404


def test_after_the_last_task_comes_the_queue(
    client: FlaskClient, session: Session, tasks: list[Call], card: ScorecardVersion
) -> None:
    first, second = tasks

    assert submitted(client, first, card).json == {"next": f"/reviews/new?call={second.id}"}
    assert submitted(client, second, card).json == {"next": "/sampling/queue"}


def test_nobody_reviews_the_own_team(app: Flask, session: Session, call: Call, card: ScorecardVersion) -> None:
    assert call.agent is not None
    user = make_user(session, Role.INSPECTOR, team=call.agent.team)
    session.commit()
    client = logged_in(app, user)

    shown = client.get(f"/reviews/new?call={call.id}", follow_redirects=True)
    sent = save(client, call, marks=marks(card))

    assert "0728 is of your own team: nobody reviews the own team." in shown.text
    assert sent.status_code == 422
    assert stored(session) == []


def test_a_submitted_review_is_taken_back_to_be_changed(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    submitted(client, call, card)
    (review,) = stored(session)

    locked = save(client, call, 2, comment="more")
    back = client.post(f"/reviews/{review.id}/take-back")

    assert "Take it back" in locked.text
    assert back.location == f"/reviews/new?call={call.id}"
    assert save(client, call, 3, comment="more").status_code == 200


def test_a_correction_changes_the_machines_marks_at_once(client: FlaskClient, session: Session, call: Call) -> None:
    page = f"/reviews/correct?call={call.id}"

    done = client.post(page, json={"turn": 0, "text": "Good evening, this is a bank.", "revision": 0}, headers=JSON)
    late = client.post(page, json={"turn": 0, "text": "Good night.", "revision": 0}, headers=JSON)

    assert done.json == {"revision": 1}
    assert late.status_code == 409
    shown = client.get(f"/reviews/new?call={call.id}").text
    assert "<del>morning, </del><ins>evening, </ins>" in shown
    assert ">good evening</q>" in shown  # found by the rules in the new words


def test_comments_stand_beside_what_they_are_about(client: FlaskClient, session: Session, call: Call) -> None:
    address = f"/reviews/comments?call={call.id}"

    first = client.post(address, json={"text": "nicely put", "turn": 0, "at": 0.5, "kind": "praise"}, headers=JSON)
    client.post(address, json={"text": "look at S2", "item": "S2", "public": True}, headers=JSON)
    refused = client.post(address, json={"text": " "}, headers=JSON)

    page = client.get(f"/reviews/new?call={call.id}").text
    assert "nicely put" in page
    assert "look at S2" in page
    assert refused.status_code == 422
    assert client.post(f"/reviews/comments/{(first.json or {})['comment']}/remove", headers=JSON).status_code == 200
    assert "nicely put" not in client.get(f"/reviews/new?call={call.id}").text


def test_release_shows_it_to_the_agent(
    app: Flask, client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    agent = logged_in(app, committed(session, make_user(session, Role.AGENT, agent=call.agent)))
    save(
        client,
        call,
        marks=marks(card, S2={"answer": "not_met", "override_reason": "said too late"}),
        comment="Slow down",
    )
    submit(client, call)
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


def test_release_can_come_with_the_submission_or_wait(
    client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    save(client, call, marks=marks(card))
    past = submit(client, call, release="later", at="2020-01-01T09:00")
    soon = (now() + timedelta(days=2)).strftime("%Y-%m-%dT09:00")
    submit(client, call, release="later", at=soon)
    (review,) = stored(session)
    planned = review.release_at
    client.post(f"/reviews/{review.id}/take-back")
    submit(client, call, 3, release="now")

    assert past.status_code == 422
    assert planned is not None
    (review,) = stored(session)
    assert (review.state, review.release_at) == (ReviewState.RELEASED, None)


def committed(session: Session, user: User) -> User:
    session.commit()
    return user


def test_lists_hold_what_the_role_may_read(
    app: Flask, client: FlaskClient, session: Session, call: Call, card: ScorecardVersion
) -> None:
    submitted(client, call, card)
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
    assert client.post("/reviews/save?call=99", json={"revision": 0}, headers=JSON).status_code == 404


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
