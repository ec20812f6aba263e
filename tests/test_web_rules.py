"""The rule workbench: form and text, dialogues and calls, test cases, what would change, activation."""

from __future__ import annotations

import io
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEvent, AutoScore, Role, ScorecardVersion, StoredRuleCase, User
from qa.settings import Settings
from tests.factories import make_agent, make_call, make_team, make_transcript, make_user
from tests.rule_sets import BRISK, GOOD, RULES, store_desk
from tests.web_client import logged_in, make_app

DIALOGUE = "agent: Good morning, this is the desk\ncustomer: I lost my card\nagent: Calm down please. Goodbye"


@dataclass
class Site:
    """The desk's rules with two calls of one agent of the team North."""

    app: Flask
    users: dict[str, User]  # by login: each role's own, and "south", a supervisor of another team
    calls: list[int]

    def client(self, login: str) -> FlaskClient:
        return logged_in(self.app, self.users[login])


@pytest.fixture
def site(tmp_path: Path, _empty_database: Path) -> Site:
    shutil.copy(_empty_database, tmp_path / "hotline.db")
    app = make_app(Settings(var_dir=tmp_path))
    with app.extensions["session_factory"]() as session:
        store_desk(session)
        team = make_team(session, "North")
        agent = make_agent(session, "0101", team=team)
        calls = [make_call(session, agent=agent, transcript=make_transcript(lines)) for lines in (GOOD, BRISK)]
        people = [
            make_user(session, role, role.value, team=team if role is Role.SUPERVISOR else None)
            for role in (Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD, Role.ADMIN)
        ]
        people.append(make_user(session, Role.SUPERVISOR, "south", team=make_team(session, "South")))
        session.commit()
    return Site(app, {user.login: user for user in people}, [call.id for call in calls])


@pytest.fixture
def lead(site: Site) -> FlaskClient:
    return site.client("lead")


@pytest.fixture
def stored(site: Site) -> Session:
    session: Session = site.app.extensions["session_factory"]()
    return session


def post(client: FlaskClient, act: str, text: str = RULES, status: int = 200, **fields: Any) -> str:
    answer = client.post(f"/rules/desk/{act}", data={"yaml": text, "rule": "HELLO", **fields})
    assert answer.status_code == status, answer.text
    return answer.text


def words(page: str) -> str:
    """Return what a person reads: the text without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# Form and text.


def test_the_workbench_opens_with_the_rules_in_use(lead: FlaskClient) -> None:
    page = lead.get("/rules/", follow_redirects=True).text

    assert "Rule workbench" in page
    assert "id: desk" in page
    assert "Activate as version 2" in page
    assert "As in use" in page
    assert "good morning\ngood afternoon" in page  # the form, one wording a line


def test_errors_are_shown_by_line(lead: FlaskClient) -> None:
    page = post(lead, "check", RULES.replace("role: agent\n      window", "role: agnet\n      window"))

    assert 'data-line="9"' in page
    assert "is not one of" in words(page)
    assert "1 error" in words(page)


def test_text_that_is_no_yaml_keeps_the_page_alive(lead: FlaskClient) -> None:
    assert "not readable as YAML" in words(post(lead, "check", "phrase_set: ["))
    assert "the text is empty" in words(post(lead, "check", ""))
    assert "mend them first" in words(post(lead, "try", "phrase_set: [", dialogue=DIALOGUE))
    assert "mend them first" in words(post(lead, "cases/run", "phrase_set: ["))
    assert "mend them first" in words(post(lead, "compare", "phrase_set: ["))


def test_the_form_writes_into_the_text(lead: FlaskClient) -> None:
    page = post(lead, "edit", **{"field-2": "hi there\r\n\r\n hello there ", "field-1": "12"})

    assert "greeting: [hi there, hello there]" in page
    assert "window: {start_s: 12}" in page
    assert "# What everybody says." in page
    assert "Changed, not in use" in page


def test_a_value_that_does_not_fit_is_told_at_its_line(lead: FlaskClient) -> None:
    page = post(lead, "edit", **{"field-1": "soon"})

    assert "start_s: soon" in page
    assert "1 error" in words(page)


# Dialogues and calls.


def test_a_dialogue_shows_every_verdict_and_lights_the_words(lead: FlaskClient) -> None:
    page = post(lead, "try", rule="RUDE", dialogue=DIALOGUE)

    assert "Calm down" in re.sub(r"\s+", " ", " ".join(re.findall(r'<span class="lit lit-not_met"[^>]*>([^<]*)', page)))
    assert "Good morning" in " ".join(re.findall(r'<span class="lit lit-met"[^>]*>([^<]*)', page))
    assert "A forbidden wording was said" in words(page)
    assert {"HELLO", "BYE", "LOST", "RUDE"} <= set(words(page).split())
    assert "Keep this dialogue as a test case" in page


def test_a_dialogue_that_cannot_be_read_says_which_line(lead: FlaskClient) -> None:
    assert "line 2" in post(lead, "try", dialogue="agent: hello\nwhat")


def test_a_call_is_tried_and_leaves_a_trace(lead: FlaskClient, site: Site, stored: Session) -> None:
    page = post(lead, "try", call=str(site.calls[0]), dialogue="")

    assert "blocked it for you" in words(page)
    event = stored.scalars(select(AuditEvent).where(AuditEvent.action == "rules.tried")).one()
    assert event.subject_id == site.calls[0]


def test_the_words_of_a_call_can_be_taken_into_the_box(lead: FlaskClient, site: Site) -> None:
    page = post(lead, "words", call=str(site.calls[0]))

    assert "agent: Good morning this is the card desk speaking" in page


@pytest.mark.parametrize("number", ["999999", "x", "-1", "²", "9" * 40])
def test_a_call_that_is_not_there_is_no_error(lead: FlaskClient, number: str) -> None:
    assert "There is no call with this number" in words(post(lead, "try", call=number))
    assert "There is no call with this number" in words(post(lead, "words", call=number))


@pytest.mark.parametrize("login", ["admin", "south"])
def test_nobody_tries_a_call_that_they_may_not_see(site: Site, login: str) -> None:
    assert "There is no call with this number" in words(post(site.client(login), "try", call=str(site.calls[0])))


@pytest.mark.parametrize("login", ["inspector", "supervisor"])
def test_inspectors_and_supervisors_read_and_try_but_change_nothing(site: Site, login: str) -> None:
    client = site.client(login)
    page = client.get("/rules/desk").text

    assert "Activate as version" not in page
    assert "Compare" not in words(page)
    assert "HELLO" in post(client, "try", dialogue=DIALOGUE)
    assert "blocked it for you" in words(post(client, "try", call=str(site.calls[0])))
    for act in ("edit", "cases", "cases/import", "cases/delete", "compare", "compare/step", "activate"):
        post(client, act, status=403)


def test_a_set_that_is_not_in_use_has_no_page(lead: FlaskClient) -> None:
    assert lead.get("/rules/elsewhere").status_code == 404
    assert lead.post("/rules/elsewhere/try").status_code == 404


# Test cases.


def test_a_dialogue_is_kept_and_run_with_the_text(lead: FlaskClient, stored: Session) -> None:
    kept = post(lead, "cases", dialogue=DIALOGUE, name="lost card", answer="met", all="1")
    broken = post(lead, "cases/run", RULES.replace("[good morning, good afternoon]", "[welcome to our branch]"))

    assert "is kept" in kept
    assert "The test case passes" in kept
    assert stored.scalars(select(StoredRuleCase)).one().content["expect"] == {
        "HELLO": "met", "BYE": "met", "LOST": "met", "RUDE": "not_met",
    }  # fmt: skip
    assert "1 of 1 test cases fails" in words(broken)
    assert "lost card · HELLO · expected: Met · answered: Not met" in words(broken)


def test_a_case_needs_a_name_and_an_expectation(lead: FlaskClient, stored: Session) -> None:
    assert "Give the test case a name." in post(lead, "cases", dialogue=DIALOGUE, name=" ", answer="met")
    assert "names no rule" in post(lead, "cases", dialogue=DIALOGUE, name="x", answer="")
    assert "does not say who speaks" in post(lead, "cases", dialogue="hello", name="x", answer="met")
    assert stored.scalars(select(StoredRuleCase)).all() == []


def test_cases_come_from_a_file_and_go_into_one(lead: FlaskClient) -> None:
    case = {"id": "one", "dialogue": DIALOGUE, "expect": {"HELLO": "met"}}
    file = json.dumps(case).encode()

    taken = post(lead, "cases/import", file=(io.BytesIO(file), "cases.jsonl"))
    refused = post(lead, "cases/import", file=(io.BytesIO(b'{"id": 1}'), "bad.jsonl"))

    assert "1 new test cases, 0 changed." in taken
    assert "bad.jsonl:1: id: must be text" in refused
    assert "not UTF-8" in post(lead, "cases/import", file=(io.BytesIO(b"\xff\xff"), "x.jsonl"))
    assert "Choose a file." in post(lead, "cases/import")
    assert json.loads(lead.get("/rules/desk/cases.jsonl").text) == case
    assert "There is no test case yet" in post(lead, "cases/delete", name="one")


# What would change.


def test_a_comparison_runs_in_steps_and_names_calls_and_agents(lead: FlaskClient, site: Site, stored: Session) -> None:
    text = RULES.replace("good afternoon]", "hi there]")

    page = post(lead, "compare", text, choice="newest", limit="100")
    assert "0 / 2" in words(page)
    for _step in range(10):
        if "compare/step" not in page:
            break
        page = post(lead, "compare/step")

    said = words(page)
    assert "1 call gains" in said
    assert "0 calls lose" in said
    assert "1 agent moves" in said
    assert "HELLO 1 × Not met Met" in said
    assert "0101" in said
    assert f'href="/calls/{site.calls[1]}"' in page
    assert stored.scalars(select(AutoScore)).all() == []
    assert "1 call gains" in words(lead.get("/rules/desk").text)  # still there when the page is opened again


def test_what_cannot_be_compared_is_told(lead: FlaskClient) -> None:
    assert "A day must look like" in post(lead, "compare", since="soon")
    assert "comes after the last" in post(lead, "compare", since="2026-11-02", until="2026-11-01")
    assert "No scored call" in post(lead, "compare", until="2020-01-01")
    assert "The id is another" in post(lead, "compare", RULES.replace("id: desk", "id: another"))
    assert "compare/step" not in post(lead, "compare/step")  # nothing was begun


# Activation.


def test_changed_rules_are_activated_as_the_next_version(lead: FlaskClient, stored: Session) -> None:
    text = RULES.replace("good afternoon]", "hi there]")

    post(lead, "activate", text, status=302)

    versions = stored.scalars(select(ScorecardVersion).order_by(ScorecardVersion.version)).all()
    assert [(version.version, version.active) for version in versions] == [(1, False), (2, True)]
    assert stored.scalars(select(AuditEvent.action)).all().count("rules.activated") == 1
    page = lead.get("/rules/desk").text
    assert "version 2 in use" in page
    assert "good morning\nhi there" in page


def test_a_failing_case_warns_before_activation(lead: FlaskClient, stored: Session) -> None:
    post(lead, "cases", dialogue=DIALOGUE, name="lost card", answer="met")
    text = RULES.replace("[good morning, good afternoon]", "[welcome to our branch]")

    warned = post(lead, "activate", text, status=422)
    assert "1 test case fails." in words(warned)
    assert "greeting: [welcome to our branch]" in warned  # what was typed is still there
    assert len(stored.scalars(select(ScorecardVersion)).all()) == 1
    post(lead, "activate", text, status=302, accept_failing="1")

    assert lead.get("/rules/desk").text.count("version 2 in use") == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("version: 1", "version: 9", "Nothing was changed"),
        ("id: RUDE", "id: RUDER", "names a rule that is gone"),
        ("role: agent", "role: agnet", "has errors"),
    ],
)
def test_what_cannot_be_activated_is_told_and_kept_on_the_page(
    lead: FlaskClient, stored: Session, old: str, new: str, told: str
) -> None:
    page = post(lead, "activate", RULES.replace(old, new), status=422)

    assert told in words(page)
    assert new in page
    assert len(stored.scalars(select(ScorecardVersion)).all()) == 1


def test_the_page_speaks_chinese(lead: FlaskClient) -> None:
    lead.post("/language/zh_CN")

    assert "规则工作台" in lead.get("/rules/desk").text
