"""The pages of surveys, complaints and written work."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Agent,
    Complaint,
    ComplaintOutcome,
    NonVoiceReview,
    Responsibility,
    Review,
    ReviewMark,
    ReviewReason,
    ReviewState,
    Role,
    SurveyKind,
    SurveyRating,
)
from qa.settings import Settings
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_team, make_user
from tests.test_nonvoice import PERFECT
from tests.web_client import logged_in, make_app

MOMENT = datetime(2026, 11, 18, 2, tzinfo=UTC)
PERIOD = "?period=2026-11"


@pytest.fixture
def app(settings: Settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def agent(session: Session) -> Agent:
    agent = make_agent(session, "0728", name="Dana Reed", team=make_team(session, "North"))
    session.commit()
    return agent


def client_of(app: Flask, session: Session, role: Role, **fields: object) -> FlaskClient:
    user = make_user(session, role, **fields)  # type: ignore[arg-type]
    session.commit()
    return logged_in(app, user)


def rated(session: Session, agent: Agent, *scores: float | None) -> None:
    for number, score in enumerate(scores):
        session.add(
            SurveyRating(
                external_id=f"{agent.number}-{number}", kind=SurveyKind.DAILY, answered_at=MOMENT, happened_at=MOMENT,
                rating=score, scale="0-100", score=score, satisfied=None if score is None else score >= 75,
                agent=agent, comment="Waited for ever" if score == 0 else None,
            )
        )  # fmt: skip
    session.commit()


def complained(session: Session, agent: Agent, **fields: object) -> Complaint:
    complaint = Complaint(external_id="K-1", received_at=MOMENT, happened_at=MOMENT, agent=agent, **fields)
    session.add(complaint)
    session.commit()
    return complaint


def test_a_rate_has_its_interval_and_its_answers(app: Flask, session: Session, agent: Agent) -> None:
    rated(session, agent, 100, 100, 75, 75, 0, None, None, None)

    page = client_of(app, session, Role.LEAD).get("/surveys/" + PERIOD).text

    assert "80 %" in page
    assert "38–96" in page  # Wilson's interval of 4 of 5
    assert "62 %" in page  # 5 of 8 answered: halves go to the even number
    assert "Waited for ever" in page
    assert "too few for a rate: 30 are needed" in page


def test_few_ratings_have_no_rate(app: Flask, session: Session, agent: Agent) -> None:
    rated(session, agent, 100, 100)

    page = client_of(app, session, Role.LEAD).get("/surveys/" + PERIOD).text

    assert "100 %" not in page
    assert "too few" in page


def test_supervisors_see_their_teams_ratings_only(app: Flask, session: Session, agent: Agent) -> None:
    other = make_agent(session, "0731", name="Omar Stone")
    for who in (agent, other):
        rated(session, who, 100, 100, 0, 0, 100)

    page = client_of(app, session, Role.SUPERVISOR, team=agent.team).get("/surveys/" + PERIOD).text

    assert "Dana Reed" in page
    assert "Omar Stone" not in page
    assert client_of(app, session, Role.AGENT).get("/surveys/").status_code == 403


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("/surveys/import", "external_id,answered_at,rating,agent\nS-1,2026-11-18 09:30,5,0728\nS-2,never,5,0728\n"),
        ("/complaints/import", "external_id,received_at,agent\nK-1,2026-11-18 09:30,0728\nK-2,never,0728\n"),
    ],
)
def test_a_lead_imports_a_file(app: Flask, session: Session, agent: Agent, address: str, line: str) -> None:
    lead = client_of(app, session, Role.LEAD)

    page = lead.post(address, data={"file": (io.BytesIO(line.encode()), "a.csv")})

    assert "1 stored, 0 already there, 1 refused" in page.text
    assert "never is no time" in page.text
    assert lead.get(address.replace("import", "template")).text.startswith("\ufeffexternal_id,")
    assert client_of(app, session, Role.INSPECTOR).get(address).status_code == 403


def test_a_lead_decides_a_complaint(app: Flask, session: Session, agent: Agent) -> None:
    complaint = complained(session, agent)
    lead = client_of(app, session, Role.LEAD)
    address = f"/complaints/{complaint.id}"

    refused = lead.post(address, data={"outcome": "upheld", "responsibility": "", "cause": "unclear"})
    done = lead.post(address, data={"outcome": "upheld", "responsibility": "agent", "cause": "rude"})

    assert refused.status_code == 422
    assert "Say whose responsibility" in refused.text
    assert "unclear" in refused.text
    assert done.status_code == 302
    session.refresh(complaint)
    assert complaint.counts
    assert "It touches the agent's score." in lead.get(address).text
    assert "counts" in lead.get("/complaints/?outcome=upheld").text
    assert lead.post(address, data={"outcome": "lost"}).status_code == 400


def test_others_read_complaints_of_theirs_and_decide_nothing(app: Flask, session: Session, agent: Agent) -> None:
    complaint = complained(session, agent)
    address = f"/complaints/{complaint.id}"
    own = client_of(app, session, Role.SUPERVISOR, team=agent.team)
    other = client_of(app, session, Role.SUPERVISOR, team=make_team(session))

    assert own.get(address).status_code == 200
    assert own.post(address, data={"outcome": "withdrawn"}).status_code == 403
    assert other.get(address).status_code == 404
    assert client_of(app, session, Role.INSPECTOR).get(address).status_code == 200


@pytest.mark.parametrize(
    ("machine", "person", "when", "missed"),
    [
        ("met", None, "before", 1),
        ("not_met", None, "before", 0),
        ("met", "not_met", "before", 0),
        ("met", "not_met", "after", 1),  # The complaint was known by then.
        ("met", "met", "before", 1),
    ],
)
def test_upheld_complaints_are_held_against_what_was_seen(
    app: Flask, session: Session, agent: Agent, machine: str, person: str | None, when: str, missed: int
) -> None:
    card = make_scorecard(session)
    call = make_call(session, agent=agent)
    make_auto_score(session, call, card, marks=[("S1", machine, 4.0, 4.0)])
    if person:
        submitted = MOMENT.replace(day=17 if when == "before" else 19)
        session.add(
            Review(
                call=call, inspector=make_user(session), scorecard=card, reason=ReviewReason.RANDOM,
                state=ReviewState.SUBMITTED, submitted_at=submitted, marks=[ReviewMark(item="S1", answer=person)],
            )
        )  # fmt: skip
    complained(
        session, agent, call=call, outcome=ComplaintOutcome.UPHELD, responsibility=Responsibility.AGENT,
        decided_at=MOMENT,
    )  # fmt: skip

    page = client_of(app, session, Role.LEAD).get("/complaints/").text

    assert f'<div class="figure-value">{missed} <span' in page
    assert "of 1 whose call was looked at" in page


FORM = {
    "channel": "chat", "reference": "CH-9", "handled_at": "2026-11-12T10:00", "agent": "0728", "reason": "random",
    **{f"answer-{item}": answer for item, answer in PERFECT.items()},
}  # fmt: skip


def test_written_work_is_reviewed_released_and_read_by_the_agent(app: Flask, session: Session, agent: Agent) -> None:
    inspector = client_of(app, session, Role.INSPECTOR)
    reader = client_of(app, session, Role.AGENT, agent=agent)
    stranger = client_of(app, session, Role.AGENT)

    answer = inspector.post("/non-voice/new", data={**FORM, "answer-W5": "1", "remark-W5": "Look it up yourself."})
    address = answer.location

    assert reader.get(address).status_code == 404
    assert "Look it up yourself." in inspector.get(address).text
    assert inspector.post(address + "/release").status_code == 302
    assert "Look it up yourself." in reader.get(address).text
    assert "CH-9" in reader.get("/non-voice/").text
    assert stranger.get(address).status_code == 404


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answer-W5": "1"}, "quote the written words"),
        ({"agent": "9999"}, "no agent with the number 9999"),
        ({"channel": "smoke"}, "Fill in this field"),
        ({"handled_at": "noon"}, "is no time"),
    ],
)
def test_a_refused_review_keeps_what_was_typed(
    app: Flask, session: Session, agent: Agent, changes: dict[str, str], message: str
) -> None:
    page = client_of(app, session, Role.INSPECTOR).post("/non-voice/new", data={**FORM, **changes})

    assert page.status_code == 422
    assert message in page.text
    assert 'value="CH-9"' in page.text
    assert session.scalars(select(NonVoiceReview)).all() == []
