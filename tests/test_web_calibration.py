"""The pages of calibrations and of the checks of inspectors, and what start pages say of them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    CalibrationSession,
    Call,
    Review,
    ReviewerCheck,
    ReviewMark,
    ReviewReason,
    ReviewState,
    Role,
    ScorecardVersion,
    User,
)
from models.base import now
from qa.calibration import NewCalibration, create_calibration
from qa.reviewer_checks import reviewer_sheet
from qa.settings import Settings
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_user
from tests.web_client import logged_in, make_app
from web.calibration import pasted_ids

DURING = datetime(2025, 10, 10, 3, tzinfo=UTC)
DUE = "2099-12-01T18:00"


@pytest.fixture
def app(settings: Settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def people(session: Session) -> dict[str, User]:
    found = {name: make_user(session, Role.INSPECTOR, name) for name in ("ann", "ben", "cora")}
    found["lena"] = make_user(session, Role.LEAD, "lena")
    session.commit()
    return found


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def calls(session: Session, card: ScorecardVersion) -> list[Call]:
    agent = make_agent(session, "0700", name="Dana")
    found = [make_call(session, agent=agent, started_at=DURING + timedelta(hours=hour)) for hour in range(4)]
    for place, call in enumerate(found):
        make_auto_score(session, call, card, raw=60.0 + 10 * place, marks=[("S1", "not_met", 0.0, 4.0)])
    session.commit()
    return found


@pytest.fixture
def opened(session: Session, card: ScorecardVersion, calls: list[Call], people: dict[str, User]) -> CalibrationSession:
    """Ann and Ben on two calls, Ann as the expert; nothing is entered yet."""
    ids = [people["ann"].id, people["ben"].id]
    new = NewCalibration(
        "Greeting", card.id, [calls[0].id, calls[1].id], ids, people["ann"].id, now() + timedelta(days=2)
    )
    made = create_calibration(session, new, by=people["lena"])
    session.commit()
    return made


def enter(
    session: Session,
    made: CalibrationSession | None,
    call: Call,
    user: User,
    card: ScorecardVersion,
    s1: str,
    raw: float,
) -> Review:
    review = Review(
        call=call, inspector=user, scorecard=card, reason=ReviewReason.RANDOM, state=ReviewState.SUBMITTED, raw=raw,
        final=raw, submitted_at=DURING, calibration_id=made.id if made else None,
        marks=[ReviewMark(item="S1", answer=s1), ReviewMark(item="R1", answer="met", comment="heard at the end")],
    )  # fmt: skip
    session.add(review)
    session.commit()
    return review


def test_a_lead_opens_a_session_from_the_form(
    app: Flask, session: Session, card: ScorecardVersion, calls: list[Call], people: dict[str, User]
) -> None:
    lead = logged_in(app, people["lena"])
    form = {
        "card": str(card.id), "name": "Greeting", "call": [str(calls[0].id)],
        "calls": f"https://qa.example/calls/{calls[1].id}?at=3\n{calls[2].id}\n",
        "person": [str(people["ann"].id), str(people["ben"].id)], "expert": str(people["ben"].id), "due_at": DUE,
        "agent_hidden": "yes",
    }  # fmt: skip

    shown = lead.get("/calibration/new?score_max=75").text
    refused = lead.post("/calibration/new", data=form | {"person": [str(people["ann"].id)]})
    made = lead.post("/calibration/new", data=form)

    assert shown.count('name="call"') == 2  # 60 and 70 points
    assert refused.status_code == 422
    assert "At least two people" in refused.text
    assert 'value="Greeting"' in refused.text
    assert made.status_code == 302
    stored = session.scalars(select(CalibrationSession)).one()
    assert [one.call_id for one in stored.calls] == [call.id for call in calls[:3]]
    assert stored.agent_hidden
    assert stored.due_at.isoformat() == "2099-12-01T10:00:00+00:00"
    page = lead.get(made.location).text
    assert "0 / 3" in page
    assert "Close now" in page


def test_pasted_lines_are_ids_or_addresses() -> None:
    text = "12\n http://host/calls/34 \nhttps://host/reviews/new?call=56&x=7\nnothing\n"

    assert pasted_ids(text) == [12, 34, 56]


def test_nobody_sees_answers_before_all_are_in(
    app: Flask, session: Session, card: ScorecardVersion, calls: list[Call], people: dict[str, User],
    opened: CalibrationSession,
) -> None:  # fmt: skip
    address = f"/calibration/{opened.id}"
    enter(session, opened, calls[0], people["ann"], card, "not_met", 71.5)
    enter(session, opened, calls[1], people["ann"], card, "met", 81.5)
    enter(session, opened, calls[0], people["ben"], card, "met", 61.5)
    readers = {name: logged_in(app, people[name]) for name in ("ann", "ben", "lena")}

    for client in readers.values():
        page = client.get(address).text
        assert "71.5" not in page
        assert "side by side" not in page
        assert client.get(f"{address}?format=csv").status_code == 404
    assert "You have submitted all calls" in readers["ann"].get(address).text
    assert f"call={calls[1].id}&amp;calibration={opened.id}" in readers["ben"].get(address).text
    assert "1 call left" in readers["ben"].get("/").text
    assert "Calibrations waiting" not in readers["ann"].get("/").text
    assert logged_in(app, people["cora"]).get(address).status_code == 404
    assert "no calibration yet" in logged_in(app, people["cora"]).get("/calibration/").text
    for client in readers.values():  # Nor elsewhere: neither on the page of the call nor in lists of reviews.
        assert "71.5" not in client.get(f"/calls/{calls[0].id}").text
        assert "71.5" not in client.get("/calls/").text

    enter(session, opened, calls[1], people["ben"], card, "met", 71.5)
    page = readers["ben"].get(address).text
    assert "71.5" in page
    assert "Against the expert, Ann" in page
    assert readers["ben"].post(f"{address}/conclude", data={"conclusion": "x"}).status_code == 403
    kept = readers["lena"].post(f"{address}/conclude", data={"conclusion": "Say the name"}, follow_redirects=True)
    assert "Say the name" in kept.text
    assert "Still apart" in kept.text
    assert f"calls={calls[2].id}%2C{calls[3].id}" in kept.text or f"calls={calls[2].id},{calls[3].id}" in kept.text


def test_results_as_files(
    app: Flask, session: Session, card: ScorecardVersion, calls: list[Call], people: dict[str, User],
    opened: CalibrationSession,
) -> None:  # fmt: skip
    for place, name in enumerate(("ann", "ben")):
        for call in calls[:2]:
            enter(session, opened, call, people[name], card, "met" if place else "not_met", 80 + place)
    client = logged_in(app, people["ben"])

    text = client.get(f"/calibration/{opened.id}?format=csv").get_data(as_text=True).removeprefix("\ufeff")
    lines = list(csv.DictReader(io.StringIO(text)))
    book = load_workbook(io.BytesIO(client.get(f"/calibration/{opened.id}?format=xlsx").data))

    first = next(one for one in lines if one["Item"] == "S1")
    assert (first["Call"], first["Equal answers in percent"], first["n"]) == (str(calls[0].id), "0.0", "2")
    assert (first["Ann (expert)"], first["Ben"]) == ("Not met", "Met")
    assert (lines[-1]["Item"], lines[-1]["Ann (expert)"], lines[-1]["Ben"]) == ("Total", "80.0", "81.0")
    assert book.active is not None
    assert book.active.max_row == len(lines) + 1
    assert client.get(f"/calibration/{opened.id}?format=pdf").status_code == 404


def test_a_lead_extends_and_closes(
    app: Flask, session: Session, people: dict[str, User], opened: CalibrationSession
) -> None:
    lead = logged_in(app, people["lena"])
    address = f"/calibration/{opened.id}"

    wrong = lead.post(f"{address}/extend", data={"due_at": "soon"}, follow_redirects=True)
    later = lead.post(f"{address}/extend", data={"due_at": DUE}, follow_redirects=True)
    closed = lead.post(f"{address}/close", follow_redirects=True)
    again = lead.post(f"{address}/close", follow_redirects=True)

    assert "is no time" in wrong.text
    assert "2099-12-01 18:00" in later.text
    assert "Nothing can be compared" in closed.text
    assert "its results are open" in again.text


def test_start_pages_and_lists_do_not_change_by_a_calibration(
    app: Flask, session: Session, card: ScorecardVersion, calls: list[Call], people: dict[str, User],
    opened: CalibrationSession,
) -> None:  # fmt: skip
    agent_login = make_user(session, Role.AGENT, "dana", agent=calls[0].agent)
    session.commit()
    watched = {
        "lena": ["/", "/calls/", "/agents/?period=2025-10"],
        "dana": ["/", "/reviews/"],
        "cora": ["/", "/calls/"],
    }
    clients = {name: logged_in(app, people.get(name, agent_login)) for name in watched}

    def pages() -> dict[str, str]:
        found = {}
        for name, addresses in watched.items():
            for address in addresses:
                page = clients[name].get(address)
                assert page.status_code == 200
                lines = [line for line in page.text.splitlines() if "nonce" not in line and "csrf" not in line]
                found[f"{name} {address}"] = "\n".join(lines)
        return found

    before = pages()
    for name in ("ann", "ben"):
        review = enter(session, opened, calls[0], people[name], card, "not_met", 0.0)
        review.state, review.released_at = ReviewState.RELEASED, now()
    session.commit()

    assert pages() == before


def test_an_inspector_reads_how_second_opinions_compare(
    app: Flask, session: Session, card: ScorecardVersion, calls: list[Call], people: dict[str, User]
) -> None:
    client = logged_in(app, people["ann"])
    enter(session, None, calls[0], people["ann"], card, "met", 90)
    assert "jointly scored" not in client.get("/").text

    enter(session, None, calls[0], people["ben"], card, "not_met", 84)

    page = client.get("/").text
    assert "jointly scored" in page
    assert "50 % of my answers" in page
    assert "Ben" not in page


def test_checks_are_drawn_entered_and_read(
    app: Flask, session: Session, card: ScorecardVersion, calls: list[Call], people: dict[str, User]
) -> None:
    for call in calls[:2]:
        enter(session, None, call, people["ann"], card, "not_met", 80)
    lead, ann = logged_in(app, people["lena"]), logged_in(app, people["ann"])
    assert "There is no check yet" in lead.get("/reviewer-checks/").text
    nothing = lead.post("/reviewer-checks/draw", data={"month": "2024-01"}, follow_redirects=True)
    wrong = lead.post("/reviewer-checks/draw", data={"month": "soon"}, follow_redirects=True)
    drawn = lead.post("/reviewer-checks/draw", data={"month": "2025-10"}, follow_redirects=True)
    again = lead.post("/reviewer-checks/draw", data={"month": "2025-10"}, follow_redirects=True)
    check = session.scalars(select(ReviewerCheck)).one()
    address = f"/reviewer-checks/{check.id}"

    assert "Nobody submitted" in nothing.text
    assert "has begun" in wrong.text
    assert "1 check is drawn" in drawn.text
    assert "has a check already" in again.text
    assert "1 check of an inspector waits" in lead.get("/").text
    assert ann.get(address).status_code == 404
    page = lead.get(address).text
    assert "1, of them 0 with a reason" in page
    assert page.count("checked") == 2 * 2 + 3  # what can be counted: K1 and K4 of each review, and the month

    good = {item.id: "yes" if item.answer == "yes_no" else "3" for item in reviewer_sheet().items}
    form = {f"answer-{item}": value for item, value in good.items()}
    refused = lead.post(address, data=form | {"act": "submit"})
    form |= {f"answer-{entry.id}-{item}": value for entry in check.entries for item, value in good.items()}
    saved = lead.post(address, data=form | {"act": "save", "comment": "Name the words"}, follow_redirects=True)
    done = lead.post(address, data=form | {"act": "submit", "comment": "Name the words"}, follow_redirects=True)

    assert refused.status_code == 422
    assert "question-wrong" in refused.text
    assert "Draft saved" in saved.text
    assert "The check is submitted" in done.text
    page = ann.get(address).text
    assert "Name the words" in page
    assert "100" in page
    assert "Checks of my work" in ann.get("/reviewer-checks/").text
    assert lead.post(address, data=form | {"act": "save"}).status_code == 422


def test_another_lead_takes_a_check_over(
    app: Flask, session: Session, card: ScorecardVersion, calls: list[Call], people: dict[str, User]
) -> None:
    enter(session, None, calls[0], people["ann"], card, "met", 80)
    logged_in(app, people["lena"]).post("/reviewer-checks/draw", data={"month": "2025-10"})
    second = make_user(session, Role.LEAD, "luis")
    session.commit()
    check = session.scalars(select(ReviewerCheck)).one()
    client = logged_in(app, second)

    assert client.post(f"/reviewer-checks/{check.id}", data={"act": "save"}).status_code == 422
    taken = client.post(f"/reviewer-checks/{check.id}/take-over", follow_redirects=True)

    assert "The check is yours" in taken.text
    assert "Submit the check" in taken.text
