"""`hotline rules` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.orm import Session, sessionmaker

from models import AuditEvent
from models.session import transaction
from qa.settings import Settings
from tests.factories import make_agent, make_call, make_transcript
from tests.rule_sets import BRISK, RULES, store_desk
from web.cli import main

POLITE = "agent: good morning\ncustomer: hello\nagent: goodbye"
CASES = [
    {"id": "greets", "dialogue": POLITE, "expect": {"HELLO": "met", "RUDE": "met"}},
    {"id": "rude", "dialogue": "agent: good morning\nagent: calm down\nagent: goodbye", "expect": {"RUDE": "not_met"}},
]  # fmt: skip
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "C")
    (tmp_path / "rules.yaml").write_text(RULES)
    write_cases(tmp_path / "cases.jsonl", CASES)

    def run(*arguments: str, fails: int = 0) -> Result:
        result = CliRunner().invoke(main, ["rules", *arguments])
        assert result.exit_code == fails, result.output
        return result

    return run


@pytest.fixture
def installed(factory: sessionmaker[Session], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation with the desk's scorecard and two calls of one agent."""
    monkeypatch.setenv("HOTLINE_VAR_DIR", str(settings.var_dir))
    with transaction(factory) as session:
        store_desk(session)
        agent = make_agent(session, "0042", name="Ann Lee")
        for _call in range(2):
            make_call(session, agent=agent, transcript=make_transcript(BRISK))


def write_cases(path: Path, cases: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))


def test_cases_that_pass_end_well(run: Run) -> None:
    printed = run("test", "rules.yaml", "cases.jsonl").output

    assert "2 cases, 3 of 3 verdicts right, 0 cases fail" in printed
    assert "RUDE" in printed


def test_a_failing_case_is_shown_with_words_and_reason(run: Run, tmp_path: Path) -> None:
    write_cases(tmp_path / "cases.jsonl", [CASES[0], CASES[1] | {"expect": {"RUDE": "met", "BYE": "met"}}])

    printed = run("test", "rules.yaml", "cases.jsonl", fails=1).output

    assert "✗ rude  RUDE  expected: met, answered: not met" in printed
    assert "“calm down”" in printed
    assert "A forbidden wording was said (major)." in printed
    assert "✗ rude  BYE" not in printed


def test_the_report_speaks_chinese_and_json(run: Run, tmp_path: Path) -> None:
    write_cases(tmp_path / "cases.jsonl", [CASES[1] | {"expect": {"RUDE": "met"}}])

    chinese = run("test", "--locale", "zh_CN", "rules.yaml", "cases.jsonl", fails=1).output
    report = json.loads(run("test", "--json", "rules.yaml", "cases.jsonl", fails=1).output)

    assert "精确率" in chinese
    (rule,) = report["rules"]
    assert (rule["rule"], rule["target"], rule["false_alarms"], rule["precision"]) == ("RUDE", "not_met", 1, 0.0)
    (failure,) = report["failures"]
    assert failure["case"] == "rude"
    assert failure["evidence"][0]["text"] == "calm down"


def test_files_that_cannot_be_used_end_with_where_and_why(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"id": "x"}\n{')
    (tmp_path / "bad.yaml").write_text("phrase_set: {id: x}")
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe\xfd")

    assert "bad.jsonl:1: " in run("test", "rules.yaml", "bad.jsonl", fails=2).output
    assert "bad.yaml:1: version: is missing" in run("test", "bad.yaml", "cases.jsonl", fails=2).output
    assert "is not UTF-8" in run("test", "rules.yaml", "latin.jsonl", fails=2).output
    assert "there is no file" in run("test", "nowhere", "cases.jsonl", fails=2).output


@pytest.mark.usefixtures("installed")
def test_a_comparison_shows_calls_agents_and_rules(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text(RULES.replace("good afternoon]", "hi there]"))

    printed = run("compare", "new.yaml", "--locale", "en").output
    report = json.loads(run("compare", "new.yaml", "--json", "--limit", "1").stdout)

    assert "desk over 2 calls: 2 gain, 0 lose, 1 agents move, 2 marks change" in printed
    assert "HELLO: 2 × not met → met" in printed
    assert "0042 Ann Lee" in printed
    assert (report["calls"], report["gain"], len(report["changes"])) == (1, 1, 1)
    assert report["agents"][0]["mean_after"] - report["agents"][0]["mean_before"] == pytest.approx(40)


@pytest.mark.usefixtures("installed")
def test_a_set_of_which_no_call_is_scored_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text(RULES.replace("id: desk", "id: elsewhere"))

    assert "No scorecard in use has the rules elsewhere" in run("compare", "new.yaml", fails=2).output


@pytest.mark.usefixtures("installed")
def test_rules_are_activated_when_their_cases_pass(run: Run, tmp_path: Path, factory: sessionmaker[Session]) -> None:
    assert "2 new, 0 changed" in run("keep", "desk", "cases.jsonl").output
    assert len(run("cases", "desk").output.splitlines()) == 2
    assert "desk/1  en  4 rules  2 cases  desk-card/1" in run("list").output
    (tmp_path / "new.yaml").write_text(run("show", "desk").output.replace("calm down", "be quiet"))

    refused = run("activate", "new.yaml", fails=2).output
    accepted = run("activate", "new.yaml", "--although-failing").output

    assert "1 test cases fail" in refused
    assert "desk-card version 2 uses desk version 2 from now on." in accepted
    assert "Nothing was changed" in run("activate", "new.yaml", "--although-failing", fails=2).output
    with factory() as session:
        acts = [event.action for event in session.query(AuditEvent)]
    assert acts.count("rule_cases.changed") == 1
    assert acts.count("rules.activated") == 1
