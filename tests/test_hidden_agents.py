"""Inspectors do not see whose call it is before they have judged it: on no page that they can open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from models import (
    Agent,
    Appeal,
    AppealState,
    Call,
    Complaint,
    Praise,
    Review,
    ReviewReason,
    ReviewState,
    Role,
    SurveyKind,
    SurveyRating,
    TestCall,
)
from models.base import now
from qa.comments import CommentKind, add_comment
from qa.settings import Settings
from tests.factories import make_agent, make_call, make_team, make_user
from tests.web_client import make_app
from tests.web_world import World, body, drawn_call, finished_review, make_world, open_world, pages_of, scored_call

SECRET = ("9377", "Xaviera Quill")


class Hidden:
    """An agent of whom the inspector has judged nothing, with calls of every kind."""

    def __init__(self, session: Session, world: World) -> None:
        team = make_team(session, "Secluded")
        card, inspector, lead = (
            session.merge(one) for one in (world.card, world.users[Role.INSPECTOR], world.users[Role.LEAD])
        )
        self.agent: Agent = make_agent(session, SECRET[0], name=SECRET[1], team=team)
        login = make_user(session, Role.AGENT, "hidden", agent=self.agent)
        self.drawn = drawn_call(session, self.agent, card, inspector).call
        self.begun, self.contested, self.outside = (scored_call(session, self.agent, card) for _ in range(3))
        self.failed = make_call(session, agent=self.agent)
        self.draft = Review(
            call=self.begun, inspector=inspector, scorecard=card, reason=ReviewReason.RANDOM, state=ReviewState.DRAFT
        )
        session.add(self.draft)
        session.flush()
        add_comment(session, self.begun, inspector, "slow", review=self.draft, kind=CommentKind.COACHING)
        by_lead = finished_review(session, self.contested, lead, card)
        self.appeal = Appeal(
            review=by_lead, item="S1", state=AppealState.PASSED, raised_by=login, reason="It was announced.",
            due_at=now(), assignee=inspector, before={"answer": "not_met", "deductions": [], "rules": []},
        )  # fmt: skip
        about: dict[str, Any] = {"happened_at": now(), "agent": self.agent, "call": self.outside}
        self.complaint = Complaint(external_id="K-9", received_at=now(), **about)
        session.add_all(
            [
                self.appeal,
                self.complaint,
                Praise(external_id="P-9", received_at=now(), **about),
                SurveyRating(
                    external_id="B-9", kind=SurveyKind.DAILY, answered_at=now(), rating=1, scale="1-5", score=0,
                    satisfied=False, **about,
                ),
            ]
        )  # fmt: skip
        self.sheet = TestCall(
            source="MS", tester=world_tester(session, world), sheet="mystery-call/1", dialled_at=now(),
            staff_number=self.agent.number, agent=self.agent, call=self.failed, status="matched", answers={},
            norms=90.0, knowledge=80.0, total=86.0,
        )  # fmt: skip
        session.add(self.sheet)
        session.commit()
        self.calls = [one.id for one in (self.drawn, self.begun, self.contested, self.outside, self.failed)]

    def addresses(self) -> list[str]:
        """Return the pages about these calls themselves."""
        found = [f"/appeals/{self.appeal.id}", f"/complaints/{self.complaint.id}", f"/test-calls/{self.sheet.id}"]
        found += [f"/reviews/{self.draft.id}", f"/coaching/new?review={self.draft.id}"]
        for call_id in self.calls:
            found += [f"/calls/{call_id}", f"/calls/{call_id}/agent", f"/calls/{call_id}/status"]
            found += [f"/calls/{call_id}/transcript", f"/reviews/new?call={call_id}", f"/cases/new?call={call_id}"]
        return found


def world_tester(session: Session, world: World) -> Any:
    return session.merge(world.users[Role.TEST_CALLER])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, _empty_database: Path) -> tuple[Flask, World, Hidden]:
    app, world = open_world(tmp_path_factory.mktemp("hidden"), _empty_database, hide_agent=True)
    with app.extensions["session_factory"](expire_on_commit=False) as session:
        return app, world, Hidden(session, world)


def named_in(text: str) -> bool:
    return any(word in text for word in SECRET)


def heading_of(page: str) -> str:
    return "".join(re.findall(r"<h1.*?</h1>|<title>.*?</title>", page, flags=re.DOTALL))


def test_no_page_tells_an_inspector_whose_call_it_is(built: tuple[Flask, World, Hidden]) -> None:
    app, world, hidden = built
    client = world.client(app, Role.INSPECTOR)
    agents_own = [f"/agents/{hidden.agent.id}", f"/coaching/new?agent={hidden.agent.id}"]
    link = re.compile(rf"(?:/calls/|[?&;]call=|name=\"calls\" value=\")(?:{'|'.join(map(str, hidden.calls))})\b")

    for address in [*pages_of(app, world, Role.INSPECTOR), *agents_own]:
        text = body(client, address)
        # A page about people may name them; it may not say of a call whose agent is not to be known that it is theirs.
        assert not (named_in(heading_of(text)) and link.search(text)), address
        assert not [row for row in re.split(r"<(?:tr|li|section)\b", text) if named_in(row) and link.search(row)], (
            address
        )
    for address in hidden.addresses():
        assert not named_in(body(client, address)), address


def test_the_list_of_calls_hides_the_name_and_takes_no_filter_by_agent(built: tuple[Flask, World, Hidden]) -> None:
    app, world, hidden = built
    client = world.client(app, Role.INSPECTOR)

    every, asked = body(client, "/calls/"), body(client, f"/calls/?agent={SECRET[0]}&team={hidden.agent.team_id}")

    assert re.findall(r"/calls/\d+", every) == re.findall(r"/calls/\d+", asked)
    assert 'name="agent"' not in every
    assert 'name="team"' not in every
    assert "Agent hidden" in every
    assert world.agent.name in every  # whose calls this inspector has judged


def test_leads_see_names_as_ever(built: tuple[Flask, World, Hidden]) -> None:
    app, world, hidden = built
    client = world.client(app, Role.LEAD)

    for call_id in hidden.calls:
        assert named_in(body(client, f"/calls/{call_id}"))
    assert 'name="agent"' in body(client, "/calls/")


def test_the_name_appears_once_the_review_is_submitted(built: tuple[Flask, World, Hidden]) -> None:
    app, world, hidden = built
    client = world.client(app, Role.INSPECTOR)
    with app.extensions["session_factory"]() as session:
        draft = session.get_one(Review, hidden.draft.id)
        draft.state, draft.submitted_at, draft.raw, draft.final = ReviewState.SUBMITTED, now(), 80.0, 80.0
        session.commit()
    try:
        assert named_in(body(client, f"/calls/{hidden.begun.id}"))
        assert named_in(body(client, f"/reviews/new?call={hidden.begun.id}"))
        assert not named_in(body(client, f"/calls/{hidden.drawn.id}"))
    finally:
        with app.extensions["session_factory"]() as session:
            draft = session.get_one(Review, hidden.draft.id)
            draft.state, draft.submitted_at = ReviewState.DRAFT, None
            session.commit()


def test_without_the_setting_nothing_is_hidden(settings: Settings, session: Session) -> None:
    session.expire_on_commit = False
    world = make_world(session)
    call: Call = Hidden(session, world).drawn

    assert named_in(body(world.client(make_app(settings), Role.INSPECTOR), f"/calls/{call.id}"))
