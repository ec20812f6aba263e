"""The pages of appeals: whose they are, what a blind decision hides, what is refused, figures to take away."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Acknowledgement, Appeal, AppealState, Review, ReviewReason, Role, ScorecardVersion, User
from qa.appeal_rules import AppealRules
from qa.appeals import pass_on, raise_appeal
from qa.criteria import card_of
from qa.reviews import release_review, submit_review
from qa.settings import Settings
from scoring.call_score import GivenAnswer
from scoring.marks import Answer
from tests.factories import make_agent, make_call, make_scorecard, make_team, make_transcript, make_user
from tests.web_client import logged_in, make_app
from web.appeal_page import read_choice


@pytest.fixture
def app(settings: Settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def people(session: Session) -> dict[str, User]:
    """The agent, their supervisor, an agent and a supervisor of elsewhere, two inspectors and a lead."""
    team, other = make_team(session), make_team(session)
    return {
        "agent": make_user(session, Role.AGENT, "agent", agent=make_agent(session, "0728", team=team)),
        "stranger": make_user(session, Role.AGENT, "stranger", agent=make_agent(session, "0800", team=other)),
        "supervisor": make_user(session, Role.SUPERVISOR, "supervisor", team=team),
        "elsewhere": make_user(session, Role.SUPERVISOR, "elsewhere", team=other),
        "scorer": make_user(session, Role.INSPECTOR, "scorer"),
        "inspector": make_user(session, Role.INSPECTOR, "inspector"),
        "lead": make_user(session, Role.LEAD, "lead"),
    }


@pytest.fixture
def review(session: Session, people: dict[str, User], card: ScorecardVersion) -> Review:
    call = make_call(session, agent=people["agent"].agent, transcript=make_transcript([("agent", "Good morning.")]))
    answers = {item.id: GivenAnswer(Answer.MET) for _, item in card_of(card).items()}
    answers |= {"S1": GivenAnswer(Answer.NOT_MET, (), "not a word of it"), "R2": GivenAnswer(Answer.PARTLY)}
    made = submit_review(session, call, people["scorer"], answers, reason=ReviewReason.RANDOM)
    release_review(session, made, people["scorer"])
    session.commit()
    return made


def appealed(session: Session, review: Review, people: dict[str, User], app: Flask, *, blind: bool = False) -> Appeal:
    rules = AppealRules.of(app.extensions["settings"].model_copy(update={"appeal_blind": blind}))
    appeal = raise_appeal(session, review, "S1", people["agent"], "It was said.", rules=rules)
    pass_on(session, appeal, people["supervisor"], rules=rules)
    session.commit()
    return appeal


def browser(app: Flask, people: dict[str, User], name: str) -> FlaskClient:
    return logged_in(app, people[name])


def status(app: Flask, people: dict[str, User], address: str) -> dict[str, int]:
    return {name: browser(app, people, name).get(address).status_code for name in people}


def test_an_appeal_is_shown_to_those_it_concerns_and_to_nobody_else(
    app: Flask, session: Session, review: Review, people: dict[str, User]
) -> None:
    appeal = appealed(session, review, people, app)

    found = status(app, people, f"/appeals/{appeal.id}")

    shown = {name for name, code in found.items() if code == 200}
    assert shown == {"agent", "supervisor", "inspector", "lead"}
    assert {code for name, code in found.items() if name not in shown} == {404}


def test_nobody_acts_on_what_is_not_theirs(
    app: Flask, session: Session, review: Review, people: dict[str, User]
) -> None:
    stranger = browser(app, people, "stranger")
    assert stranger.post(f"/appeals/raise/{review.id}", data={"item": "S1", "reason": "x"}).status_code == 404
    assert stranger.post(f"/appeals/acknowledge/{review.id}").status_code == 404
    appeal = appealed(session, review, people, app)
    assert stranger.post(f"/appeals/{appeal.id}/withdraw").status_code == 404
    assert browser(app, people, "elsewhere").post(f"/appeals/{appeal.id}/pass").status_code == 404
    assert browser(app, people, "scorer").post(f"/appeals/{appeal.id}/decide").status_code == 404
    session.rollback()
    assert session.scalars(select(Appeal.state)).all() == [AppealState.PASSED]


def test_the_agents_review_says_what_each_item_cost_and_offers_the_appeal(
    app: Flask, review: Review, people: dict[str, User]
) -> None:
    page = browser(app, people, "agent").get(f"/reviews/{review.id}").text

    assert "Would score 96.0 if it were met (+4.0)" in page
    assert "It would be 100.0 with every item met." in page
    assert page.count('name="item" value="') == 2
    assert "working days left" in page
    assert browser(app, people, "supervisor").get(f"/reviews/{review.id}").text.count('name="item" value="') == 0


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"item": "S1", "reason": " "}, "Say why"),
        ({"item": "S1", "reason": "x", "at": "soon"}, "is no moment"),
        ({"item": "S1", "reason": "x", "at": "nan"}, "within the call"),
        ({"item": "S2", "reason": "x"}, "Nothing was taken off"),
        ({"item": "<b>", "reason": "x"}, "Nothing was taken off"),
    ],
)
def test_a_refused_appeal_says_why(
    app: Flask, session: Session, review: Review, people: dict[str, User], form: dict[str, str], message: str
) -> None:
    agent = browser(app, people, "agent")

    page = agent.post(f"/appeals/raise/{review.id}", data=form, follow_redirects=True).text

    assert message in page
    session.rollback()
    assert session.scalars(select(Appeal)).all() == []


def test_an_acknowledgement_is_kept_with_its_comment(
    app: Flask, session: Session, review: Review, people: dict[str, User]
) -> None:
    agent = browser(app, people, "agent")
    assert "1 review waits to be read" in agent.get("/").text

    agent.post(f"/appeals/acknowledge/{review.id}", data={"comment": "thanks"})

    session.rollback()
    assert session.scalars(select(Acknowledgement.comment)).all() == ["thanks"]
    assert "thanks" in browser(app, people, "scorer").get(f"/reviews/{review.id}").text
    assert "waits to be read" not in agent.get("/").text


def test_a_blind_decision_shows_neither_the_verdict_nor_whose_it_was(
    app: Flask, session: Session, review: Review, people: dict[str, User]
) -> None:
    appeal = appealed(session, review, people, app, blind=True)
    inspector = browser(app, people, "inspector")

    page = inspector.get(f"/appeals/{appeal.id}").text
    assert "This appeal is blind" in page
    assert "not a word of it" not in page
    assert people["scorer"].name not in page
    assert f"/reviews/{review.id}" not in page

    inspector.post(f"/appeals/{appeal.id}/decide", data={"answer": "met", "reason": "It is there."})
    after = inspector.get(f"/appeals/{appeal.id}").text
    assert "not a word of it" in after
    assert "What was wrong with the mark?" in after
    inspector.post(f"/appeals/{appeal.id}/cause", data={"cause": "rule"})
    session.rollback()
    assert session.scalars(select(Appeal.cause)).all() == ["rule"]


def test_a_decision_needs_an_answer(app: Flask, session: Session, review: Review, people: dict[str, User]) -> None:
    appeal = appealed(session, review, people, app)
    inspector = browser(app, people, "inspector")

    for form in ({"reason": "so"}, {"answer": "perhaps", "reason": "so"}, {"answer": "[1", "reason": "so"}):
        page = inspector.post(f"/appeals/{appeal.id}/decide", data=form, follow_redirects=True).text
        assert "Choose an answer." in page
    session.rollback()
    assert session.scalars(select(Appeal.state)).all() == [AppealState.PASSED]


def test_figures_are_files_too_and_inspectors_see_their_own(
    app: Flask, session: Session, review: Review, people: dict[str, User]
) -> None:
    appeal = appealed(session, review, people, app)
    browser(app, people, "inspector").post(
        f"/appeals/{appeal.id}/decide", data={"answer": '["met", [], null]', "reason": "there", "cause": "rule"}
    )

    lead, scorer, inspector = (browser(app, people, name) for name in ("lead", "scorer", "inspector"))
    assert "too few to say" in lead.get("/appeals/statistics?days=90").text
    lines = lead.get("/appeals/statistics?format=csv").text.splitlines()
    assert any(line.startswith("By item") and ",1,1," in line for line in lines)
    assert "en-bank-hotline S1" in scorer.get("/appeals/statistics?format=csv").text
    assert "en-bank-hotline S1" not in inspector.get("/appeals/statistics?format=csv").text
    assert lead.get("/appeals/statistics?format=pdf").status_code == 404


@pytest.mark.parametrize(
    ("sent", "deductions", "number", "expected"),
    [
        ("met", [], "", GivenAnswer(Answer.MET)),
        ("", ["late"], "", GivenAnswer(Answer.NOT_MET, ("late",))),
        ('["not_met", ["late"], null]', [], "", GivenAnswer(Answer.NOT_MET, ("late",))),
        ('["met", [], 4.0]', [], "", GivenAnswer(Answer.MET, value=4.0)),
        ("", [], "2.5", GivenAnswer(Answer.MET, value=2.5)),
        ("keep", [], "", None),
        ("", [], "many", None),
        ("[", [], "", None),
        ('["met"]', [], "", None),
        ('["well", [], null]', [], "", None),
    ],
)
def test_what_a_form_sends_is_an_answer_or_none(
    sent: str, deductions: list[str], number: str, expected: GivenAnswer | None
) -> None:
    assert read_choice(sent, deductions, number) == expected
