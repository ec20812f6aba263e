"""A blind appeal is blind everywhere: until it is decided, whoever decides finds the first verdict on no page."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Appeal,
    AppealState,
    AutoMark,
    Call,
    CallComment,
    CommentKind,
    Review,
    ReviewerCheck,
    ReviewMark,
    Role,
    User,
)
from models.base import now
from qa.blind_appeals import contested_of
from qa.periods import Period, PeriodKind
from qa.reviewer_checks import draw_checks
from tests.factories import make_agent, make_user
from tests.web_world import World, body, finished_review, open_world, pages_of, scored_call

VERDICT = (
    "verdict-of-the-scorer",
    "remark-of-the-scorer",
    "whole-of-the-scorer",
    "heard-by-the-machine",
    "first-round",
)
DECIDERS = (Role.INSPECTOR, Role.LEAD)


class Contested:
    """A call with a released review by a stranger, and a blind appeal about its item S1 before the inspector."""

    def __init__(self, session: Session, world: World) -> None:
        card, inspector, lead = (
            session.merge(one) for one in (world.card, world.users[Role.INSPECTOR], world.users[Role.LEAD])
        )
        agent = make_agent(session, "4411", team=session.merge(world.other_team))
        login = make_user(session, Role.AGENT, "contesting", agent=agent)
        scorer = make_user(session, login="scorer")
        self.call: Call = scored_call(session, agent, card)
        machine = next(mark for mark in self.machine_marks() if mark.item == "S1")
        machine.evidence = [{**EVIDENCE, "text": "heard-by-the-machine"}]
        self.review: Review = finished_review(session, self.call, scorer, card)
        self.review.comment = "whole-of-the-scorer"
        self.review.marks = [
            ReviewMark(item="S1", answer="not_met", points=0.0, comment="verdict-of-the-scorer", at_seconds=1.0),
            ReviewMark(item="S2", answer="met", points=3.0),
        ]
        remark = CallComment(
            call=self.call, review=self.review, author=scorer, text="remark-of-the-scorer", kind=CommentKind.COACHING
        )
        before: dict[str, Any] = {"answer": "not_met", "deductions": [], "points": 0.0, "rules": [], "raw": 91.0}
        common: dict[str, Any] = {"review": self.review, "item": "S1", "raised_by": login, "due_at": now()}
        first = Appeal(
            **common, state=AppealState.KEPT, decided_by=scorer, decided_at=now(), decision="first-round",
            reason="It was announced.", before=before, final_before=91.0, final_after=91.0,
        )  # fmt: skip
        self.appeal = Appeal(
            **common, state=AppealState.PASSED, round=2, assignee=inspector, blind=True, reason="It was.", before=before
        )
        session.add_all([remark, first, self.appeal])
        session.flush()
        self.first = first
        zone = ZoneInfo("Asia/Shanghai")
        month = Period.containing(now(), zone, PeriodKind.MONTH)
        self.check: ReviewerCheck = draw_checks(session, month, by=lead, zone=zone, seed="contested").made[0]
        session.commit()
        self.agent_id = agent.id

    def machine_marks(self) -> list[AutoMark]:
        assert self.call.auto_score is not None
        return self.call.auto_score.marks

    def addresses(self) -> list[str]:
        call, review = self.call.id, self.review.id
        return [
            f"/calls/{call}", f"/reviews/{review}", f"/reviews/new?call={call}", f"/appeals/{self.appeal.id}",
            f"/appeals/{self.first.id}", f"/agents/{self.agent_id}", f"/coaching/new?agent={self.agent_id}",
            f"/coaching/new?review={review}", f"/reviewer-checks/{self.check.id}", f"/cases/new?call={call}",
        ]  # fmt: skip


EVIDENCE = {
    "rule": "EN-REC", "rule_version": None, "verdict": "not_met", "reason": "not_said", "values": {}, "turn": 0,
    "start": 1.0, "end": 2.0, "wording": None, "similarity": None, "confidence": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, _empty_database: Path) -> tuple[Flask, World, Contested]:
    app, world = open_world(tmp_path_factory.mktemp("contested"), _empty_database)
    with app.extensions["session_factory"](expire_on_commit=False) as session:
        return app, world, Contested(session, world)


def told_in(text: str) -> list[str]:
    return [words for words in VERDICT if words in text]


@pytest.mark.parametrize("role", DECIDERS)
def test_no_page_tells_the_first_verdict_to_whoever_decides(built: tuple[Flask, World, Contested], role: Role) -> None:
    app, world, contested = built
    client = world.client(app, role)

    for address in [*pages_of(app, world, role), *contested.addresses()]:
        assert told_in(body(client, address)) == [], address
    shown = body(client, f"/calls/{contested.call.id}")
    assert "blind appeal" in shown
    assert 'data-item="S1"' not in shown


@pytest.mark.parametrize("role", DECIDERS)
def test_lists_of_calls_do_not_tell_it_either(built: tuple[Flask, World, Contested], role: Role) -> None:
    app, world, contested = built
    client = world.client(app, role)
    link = f'href="/calls/{contested.call.id}"'

    assert link in body(client, "/calls/")
    for asked in ("item=S1", "fatal=no", "score_max=95"):
        assert link not in body(client, f"/calls/?{asked}")


def test_neither_page_nor_script_of_the_review_opens(built: tuple[Flask, World, Contested]) -> None:
    app, world, contested = built
    client = world.client(app, Role.INSPECTOR)
    call = contested.call.id

    page = client.get(f"/reviews/new?call={call}")
    saved = client.post(f"/reviews/save?call={call}", json={"revision": 0, "marks": [{"item": "S1", "answer": "met"}]})

    assert page.location == f"/calls/{call}"
    assert saved.status_code == 422
    assert "blind appeal" in saved.text


def test_others_see_it(built: tuple[Flask, World, Contested]) -> None:
    app, _world, contested = built
    with app.extensions["session_factory"]() as session:
        agent = session.scalars(select(User).where(User.login == "contesting")).one()
        scorer = session.scalars(select(User).where(User.login == "scorer")).one()
        stranger = make_user(session)

        assert [contested_of(session, who, [contested.call.id]) for who in (agent, scorer, stranger)] == [set()] * 3


def test_everything_is_shown_once_it_is_decided(built: tuple[Flask, World, Contested]) -> None:
    app, world, contested = built
    with app.extensions["session_factory"]() as session:
        appeal = session.get_one(Appeal, contested.appeal.id)
        appeal.state, appeal.decided_at, appeal.decided_by_id = (
            AppealState.KEPT, now(), world.users[Role.INSPECTOR].id,
        )  # fmt: skip
        session.commit()

    shown = told_in(body(world.client(app, Role.LEAD), f"/calls/{contested.call.id}"))
    assert {"verdict-of-the-scorer", "heard-by-the-machine"} <= set(shown)
    assert "verdict-of-the-scorer" in body(world.client(app, Role.LEAD), f"/reviews/{contested.review.id}")
    assert "first-round" in body(world.client(app, Role.LEAD), f"/appeals/{contested.first.id}")
