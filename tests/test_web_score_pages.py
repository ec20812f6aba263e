"""The pages around the scores: publishing a period, proving it, booking what changed, schemes and indicators."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Agent,
    Call,
    PublishedPeriod,
    PublishedScore,
    Review,
    ReviewMark,
    ReviewReason,
    ReviewState,
    Role,
    SchemeVersion,
    ScoreAdjustment,
    ScorecardVersion,
    User,
)
from qa.settings import Settings
from scoring.shipped import shipped
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_team, make_user
from tests.web_client import logged_in, make_app

DURING = datetime(2025, 10, 10, 3, tzinfo=UTC)
PERIOD = "period=2025-10"


@pytest.fixture
def app(settings: Settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session, Role.INSPECTOR, "ines")


@pytest.fixture
def agents(session: Session, card: ScorecardVersion, inspector: User) -> list[Agent]:
    """Three agents with eight calls, six of them reviewed: the third far below the others."""
    team = make_team(session, "一班")
    agents = [make_agent(session, f"070{i}", team=team) for i in range(3)]
    for agent, level in zip(agents, (94.0, 93.0, 70.0), strict=True):
        for i in range(8):
            call = make_call(session, agent=agent, started_at=DURING + timedelta(hours=i))
            marks = [("S1", "met" if i % 4 else "not_met", 0.0, 4.0)]
            make_auto_score(session, call, card, raw=level - i, auto_items=level, marks=marks)
            if i < 6:
                review(session, call, card, inspector, level + i % 3)
    session.commit()
    return agents


def review(session: Session, call: Call, card: ScorecardVersion, inspector: User, final: float) -> None:
    session.add(
        Review(
            call=call,
            inspector=inspector,
            scorecard=card,
            reason=ReviewReason.RANDOM,
            state=ReviewState.RELEASED,
            raw=final,
            final=final,
            submitted_at=DURING,
            released_at=DURING,
        )
    )
    session.flush()


def client_of(app: Flask, session: Session, role: Role, **fields: object) -> FlaskClient:
    user = make_user(session, role, **fields)  # type: ignore[arg-type]
    session.commit()
    return logged_in(app, user)


def published(app: Flask, session: Session) -> FlaskClient:
    client = client_of(app, session, Role.LEAD)
    assert client.post("/scores/periods/publish", data={"period": "2025-10", "note": "first"}).status_code == 302
    session.rollback()  # Ends the reading transaction: what the request wrote is seen.
    return client


def test_a_period_is_published_once(app: Flask, session: Session, agents: list[Agent]) -> None:
    client = published(app, session)

    page = client.get(f"/scores/periods?{PERIOD}").text
    again = client.post("/scores/periods/publish", data={"period": "2025-10"})

    assert session.scalars(select(PublishedPeriod.note)).all() == ["first"]
    assert "Published October 2025" in page
    assert "Nothing: today every score would come out as it was published." in page
    assert again.status_code == 422
    assert "2025-10 is published already" in again.text
    assert "published 20" in client.get(f"/agents/?{PERIOD}").text


def test_an_open_period_says_what_is_not_settled(
    app: Flask, session: Session, agents: list[Agent], card: ScorecardVersion, inspector: User
) -> None:
    call = session.scalars(select(Call).where(Call.id.not_in(select(Review.call_id)))).first()
    assert call is not None
    review(session, call, card, inspector, 80)
    newest = session.scalars(select(Review).order_by(Review.id.desc())).first()
    assert newest is not None
    newest.state = ReviewState.SUBMITTED
    client = client_of(app, session, Role.LEAD)

    assert "1 review is not released" in client.get(f"/scores/periods?{PERIOD}").text
    assert "not over yet" in client.get("/scores/periods?period=2900-01").text


def test_publishing_needs_a_period(app: Flask, session: Session, agents: list[Agent]) -> None:
    client = client_of(app, session, Role.LEAD)

    answer = client.post("/scores/periods/publish", data={"period": "x"})

    assert (answer.status_code, "Choose a period." in answer.text) == (422, True)
    assert client.post("/scores/periods/verify", data={"period": "2025-09"}).status_code == 422


def test_all_scores_are_made_again_on_demand(app: Flask, session: Session, agents: list[Agent]) -> None:
    client = published(app, session)
    proven = client.post("/scores/periods/verify", data={"period": "2025-10"}).text
    stored = session.scalars(select(PublishedScore).where(PublishedScore.number == "0701")).one()
    stored.value = 12.0
    session.commit()
    tampered = client.post("/scores/periods/verify", data={"period": "2025-10"}).text

    assert "5 scores made again, all as published." in proven
    assert "1 figure differs from what was published:" in tampered
    assert "column value" in tampered


def test_what_changed_since_is_booked_into_an_open_period(
    app: Flask, session: Session, agents: list[Agent], card: ScorecardVersion, inspector: User
) -> None:
    client = published(app, session)
    reviewed = select(Review.call_id)
    call = session.scalars(select(Call).where(Call.agent_id == agents[0].id, Call.id.not_in(reviewed))).first()
    assert call is not None
    review(session, call, card, inspector, 20)
    session.commit()

    page = client.get(f"/scores/periods?{PERIOD}").text
    data = {"period": "2025-10", "into": "2025-11", "reason": "Released late"}
    answer = client.post("/scores/periods/adjust", data=data)
    session.rollback()

    assert f"#{call.id}</a> added" in page
    assert answer.status_code == 302
    made = session.scalars(select(ScoreAdjustment)).one()
    assert (made.period, made.reason, made.points < 0) == ("2025-11", "Released late", True)
    own = client_of(app, session, Role.AGENT, agent=agents[0])
    assert "Released late" in own.get(f"/agents/{agents[0].id}?period=2025-11").text  # where it counts
    assert "Released late" in own.get(f"/agents/{agents[0].id}?{PERIOD}").text  # where it comes from
    assert client.post("/scores/periods/adjust", data=data).status_code == 422


def test_the_team_page_ranks_only_what_can_be_told_apart(app: Flask, session: Session, agents: list[Agent]) -> None:
    page = client_of(app, session, Role.LEAD).get(f"/agents/?{PERIOD}").text
    plot = client_of(app, session, Role.LEAD).get(f"/agents/plot?{PERIOD}").get_json()

    assert page.index("0700") < page.index("0701") < page.index("0702")
    assert all(agent["low"] <= agent["value"] <= agent["high"] for agent in plot["agents"])
    assert plot["agents"][2]["value"] < plot["agents"][0]["low"]
    assert plot["target"] == 90


def test_the_parts_can_be_seen_side_by_side(app: Flask, session: Session, agents: list[Agent]) -> None:
    page = client_of(app, session, Role.LEAD).get(f"/agents/?{PERIOD}&view=parts").text

    assert page.count('class="parts-bar"') == 3


def test_items_by_agents_show_every_n_as_page_and_as_files(app: Flask, session: Session, agents: list[Agent]) -> None:
    client = client_of(app, session, Role.LEAD)

    page = client.get(f"/agents/items?{PERIOD}").text
    data = client.get(f"/agents/items?{PERIOD}&format=json").get_json()
    text = client.get(f"/agents/items?{PERIOD}&format=csv").text
    sheet = client.get(f"/agents/items?{PERIOD}&format=xlsx").data

    assert "n=8" in page
    assert data["cells"][0] == [0, 0, 75.0, 8]
    lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [(line["Staff number"], line["Item"], line["Met, in percent"], line["n"]) for line in lines] == [
        (f"070{i}", "S1", "75.0", "8") for i in range(3)
    ]
    assert load_workbook(io.BytesIO(sheet)).active is not None
    assert client.get(f"/agents/items?{PERIOD}&format=exe").status_code == 404


def test_a_supervisor_sees_the_own_team_in_plots_and_items(app: Flask, session: Session, agents: list[Agent]) -> None:
    client = client_of(app, session, Role.SUPERVISOR, team=make_team(session, "Other"))
    nobody = client_of(app, session, Role.SUPERVISOR)

    for reader in (client, nobody):
        assert reader.get(f"/agents/plot?{PERIOD}").get_json()["agents"] == []
        assert "0700" not in reader.get(f"/agents/items?{PERIOD}&team={agents[0].team_id}").text
        assert reader.get("/scores/periods").status_code == 403
        assert "n=18" not in reader.get(f"/scores/indicators?{PERIOD}").text


def test_the_trend_comes_as_table_and_file(app: Flask, session: Session, agents: list[Agent]) -> None:
    client = client_of(app, session, Role.AGENT, agent=agents[0])

    table = client.get(f"/agents/{agents[0].id}/trend?{PERIOD}&format=table").text
    text = client.get(f"/agents/{agents[0].id}/trend?{PERIOD}&format=csv").text

    assert "October 2025" in table
    assert len(list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))) == 8
    assert client.get(f"/agents/{agents[0].id}/trend?format=exe").status_code == 404


SECOND = (
    shipped("indicators")
    .read_text(encoding="utf-8")
    .replace("agent_month_score:\n", "agent_month_score:\n  version: 2\n")
)


def upload(client: FlaskClient, text: str, **fields: str) -> tuple[int, str]:
    data = {"file": (io.BytesIO(text.encode()), "scheme.yaml"), "valid_from": "2025-11-01", "reason": "Tried", **fields}
    answer = client.post("/scores/schemes", data=data, content_type="multipart/form-data")
    return answer.status_code, answer.text


def test_a_new_scheme_is_a_new_version_with_a_reason(app: Flask, session: Session) -> None:
    client = client_of(app, session, Role.LEAD)

    assert upload(client, SECOND)[0] == 302
    session.rollback()
    assert session.scalars(select(SchemeVersion.version)).all() == [2]
    assert "Tried" in client.get("/scores/schemes").text
    status, text = upload(client, SECOND)
    assert (status, "stored already" in text) == (422, True)


@pytest.mark.parametrize(
    ("text", "fields", "said"),
    [
        ("agent_month_score: {}", {}, "is missing: add it"),
        (SECOND, {"valid_from": "soon"}, "Choose the day"),
        (SECOND, {"reason": " "}, "Say why the scheme changes"),
        ("x" * 200_000, {}, "too large"),
    ],
)
def test_a_scheme_that_cannot_be_used_is_refused_with_the_reason(
    app: Flask, session: Session, text: str, fields: dict[str, str], said: str
) -> None:
    status, page = upload(client_of(app, session, Role.LEAD), text, **fields)

    assert status == 422
    assert said in page
    assert session.scalars(select(SchemeVersion)).all() == []


def test_indicators_have_value_interval_and_verdict_or_say_why_not(
    app: Flask, session: Session, agents: list[Agent]
) -> None:
    for one in session.scalars(select(Review)):
        one.marks.append(ReviewMark(item="R1", answer="met"))
    session.commit()

    page = client_of(app, session, Role.LEAD).get(f"/scores/indicators?{PERIOD}").text

    assert "Answered by a person within 20 s" in page
    assert "recorded in no system that is connected" in page  # the telephone system's
    assert "nothing in this period" in page  # no test calls
    assert "n=18" in page  # 18 reviews: the share without a business-critical error
    assert "≥ 96 %" in page
    assert "met, may be chance" in page
