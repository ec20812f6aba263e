"""The `hotline` command as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scoring.shipped import shipped
from tests.sounds import write_call
from tests.test_ingest import SAID
from web.cli import main


@pytest.fixture
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run the command in an empty folder with an installation of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, fails: int = 0, text: str | None = None) -> Result:
        result = CliRunner().invoke(main, list(arguments), input=text)
        assert result.exit_code == fails, result.output
        return result

    return run


def test_help_loads_nothing_heavy() -> None:
    heavy = ["torch", "numpy", "librosa", "whisper", "sqlalchemy", "flask", "celery", "pydantic", "rich", "sklearn"]
    program = f"import sys, web.cli; print([name for name in {heavy} if name in sys.modules])"

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"


def test_ingest_says_what_became_of_each_file_and_can_be_repeated(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    calls = tmp_path / "calls"
    calls.mkdir()
    write_call(calls / "0728_20261118-143200.wav", SAID)
    (calls / "broken.wav").write_text("no sound")

    first = hotline("ingest", str(calls), "--jobs", "1", fails=1)
    second = hotline("ingest", str(calls), "--jobs", "1", fails=1)

    assert "1 new, 0 already there, 1 unreadable" in first.output
    assert "1 scored" in first.output
    assert "failed: broken.wav" in first.output
    assert "0 new, 1 already there, 1 unreadable" in second.output


def test_ingest_without_a_path_or_with_a_wrong_one_says_so(hotline) -> None:  # type: ignore[no-untyped-def]
    assert "give a file" in hotline("ingest", fails=2).output
    assert "nowhere" in hotline("ingest", "nowhere", fails=2).output


def test_check_shows_each_item_with_its_evidence(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "call.json").write_text(json.dumps(SAID.to_dict()))

    table = hotline("check", "--scorecard", "en-bank", "call.json", "--organisation", "Lakeside Bank").output
    report = json.loads(hotline("check", "--scorecard", "en-bank", "--json", "call.json").output)

    assert "S2" in table
    assert "“lakeside bank”" in " ".join(table.split())
    (scored,) = report
    marks = {mark["item"]: mark for mark in scored["marks"]}
    assert {"S1", "S2", "R1", "C4", "P4"} <= marks.keys()
    assert any(evidence["text"] for evidence in marks["S2"]["evidence"])
    assert 0 <= scored["raw"] <= 100


def test_check_speaks_the_terminals_language(hotline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "call.json").write_text(json.dumps(SAID.to_dict()))
    arguments = ("check", "--scorecard", "en-bank", "call.json")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")

    assert "无法判断" in hotline(*arguments).output
    assert "cannot tell" in hotline(*arguments, "--locale", "en").output


@pytest.mark.parametrize(
    ("scorecard", "content", "says"),
    [
        ("en-bank", '{"language": "en"}', "call.json"),
        ("no-such-card", "{}", "no-such-card"),
        ("card.yaml", "{}", "card.yaml"),
    ],
)
def test_check_says_which_file_is_wrong(hotline, tmp_path: Path, scorecard: str, content: str, says: str) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "call.json").write_text(content)
    (tmp_path / "card.yaml").write_text("scorecard: {id: x}\n")

    result = hotline("check", "--scorecard", scorecard, "call.json", fails=2)

    assert says in result.output
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_scores_of_a_period_come_in_each_format(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    calls = tmp_path / "calls"
    calls.mkdir()
    write_call(calls / "0728_20261118-143200.wav", SAID)
    hotline("ingest", str(calls), "--jobs", "1")

    assert "0728" in hotline("scores", "--period", "2026-11").output
    assert json.loads(hotline("scores", "--period", "2026-W47", "--format", "json").output)
    assert "0728" in hotline("scores", "--period", "2026-Q4", "--format", "csv").output
    hotline("scores", "--period", "2026-11", "--format", "xlsx", "-o", "scores.xlsx")
    assert (tmp_path / "scores.xlsx").read_bytes().startswith(b"PK")
    assert "no month 13" in hotline("scores", "--period", "2026-13", fails=2).output
    assert "-o" in hotline("scores", "--period", "2026-11", "--format", "xlsx", fails=2).output


def test_a_login_can_be_added_once(hotline) -> None:  # type: ignore[no-untyped-def]
    arguments = ("user", "add", "wang", "--role", "lead", "--password", "correct horse battery")

    assert "wang may log in as lead" in hotline(*arguments).output
    assert "taken" in hotline(*arguments, fails=2).output


def test_a_wrong_setting_ends_the_command_with_its_name(hotline, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HOTLINE_PORT", "many")

    assert "HOTLINE_PORT" in hotline("settings", fails=2).output


def test_pages_are_not_served_to_other_machines_without_a_secret_key(hotline) -> None:  # type: ignore[no-untyped-def]
    assert "HOTLINE_SECRET_KEY" in hotline("serve", "--host", "0.0.0.0", "--no-worker", fails=2).output


@pytest.mark.slow
def test_transcribe_needs_no_database(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_call(tmp_path / "a.wav", SAID)

    hotline("transcribe", "a.wav", "--engine", "ready", "-o", "out.json")

    content = json.loads((tmp_path / "out.json").read_text())
    assert content["turns"][0]["speaker"] == "agent"
    assert content["measures"]["channels"] == 2
    assert not (tmp_path / "var").exists()


@pytest.mark.slow
def test_transcribe_knows_the_agent_by_the_opening(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The demonstration's recordings are really recognised; the agent is on the left."""
    recording = Path(__file__).parents[1] / "qa" / "demonstration" / "recordings" / "en-08.flac"

    hotline("transcribe", str(recording), "--engine", "sphinx", "-o", "out.json")

    turns = json.loads((tmp_path / "out.json").read_text())["turns"]
    assert turns[0]["speaker"] == "agent"
    assert {turn["speaker"] for turn in turns} == {"agent", "customer"}


@pytest.mark.slow
def test_surveys_complaints_and_scenarios_are_imported(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    hotline("user", "add", "lena", "--role", "lead", text="a long password\na long password\n")
    hotline("user", "add", "dana", "--role", "agent", "--agent", "0728", text="a long password\na long password\n")
    surveys, complaints, written = (tmp_path / name for name in ("surveys.csv", "complaints.csv", "written.csv"))
    surveys.write_text(
        "external_id,answered_at,rating,agent\nS-1,2026-11-18 09:30,5,0728\nS-2,2026-11-18 09:30,9,0728\n"
    )
    complaints.write_text("external_id,received_at,agent\nK-1,2026-11-18 09:30,0728\n")
    written.write_text(
        "channel,reference,handled_at,agent,reason,W1,W2,W3,W4,W5,W6,W7,W8\n"
        "chat,1,2026-11-18 09:30,0728,random,yes,3,right,3,3,yes,na,3\n"
    )

    said = hotline("import", "surveys", str(surveys), "--as", "lena", fails=1).output
    assert "1 stored, 0 there already, 1 refused" in said
    assert "line 3: The rating 9 is not on the scale 1-5." in said
    assert "1 stored" in hotline("import", "complaints", str(complaints), "--as", "lena").output
    assert "1 stored" in hotline("import", "non-voice", str(written), "--as", "lena", "--release").output
    assert "Only a QA lead" in hotline("import", "surveys", str(surveys), "--as", "dana", fails=2).output

    example = str(shipped("test-scenarios"))
    assert "4 stored, 0 there already" in hotline("import", "scenarios", example, "--as", "lena").output
    assert "0 stored, 4 there already" in hotline("import", "scenarios", example, "--as", "lena").output
    assert "no QA lead" in hotline("import", "scenarios", example, "--as", "dana", fails=2).output
    assert "surveys.csv:1" in hotline("import", "scenarios", str(surveys), "--as", "lena", fails=2).output


@pytest.mark.slow
def test_scores_are_published_verified_and_adjusted(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    hotline("user", "add", "lena", "--role", "lead", "--password", "correct horse battery")

    done = hotline("scores", "publish", "2025-10", "--as", "lena").output
    assert "1 score of 2025-10 published" in done  # nobody works here yet: the centre alone
    assert "1 score made again, all as published" in hotline("scores", "verify", "2025-10").output
    assert "0 agents changed" in hotline("scores", "changes", "2025-10").output
    nothing = hotline("scores", "adjust", "2025-10", "--into", "2025-11", "--reason", "x", "--as", "lena", fails=2)
    assert "Nothing changed" in nothing.output
    assert "published already" in hotline("scores", "publish", "2025-10", "--as", "lena", fails=2).output
    assert "is not published" in hotline("scores", "verify", "2025-09", fails=2).output
    assert "nobody may log in as mia" in hotline("scores", "publish", "2025-09", "--as", "mia", fails=2).output
    assert "which period" in hotline("scores", fails=2).output
    assert "behind the word" in hotline("scores", "--period", "2025-10", "verify", "2025-10", fails=2).output


def test_a_scheme_is_stored_from_a_file(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    hotline("user", "add", "lena", "--role", "lead", "--password", "correct horse battery")
    text = shipped("indicators").read_text(encoding="utf-8")
    (tmp_path / "next.yaml").write_text(
        text.replace("agent_month_score:\n", "agent_month_score:\n  version: 2\n"), encoding="utf-8"
    )
    given = ("scores", "scheme", "import", "next.yaml", "--reason", "tried", "--as", "lena")

    assert "(shipped;" in hotline("scores", "scheme", "list").output
    assert "is no day" in hotline(*given, "--from", "soon", fails=2).output
    assert "agent-month-score/2 is in force" in hotline(*given, "--from", "2026-12-01").output
    assert "stored already" in hotline(*given, "--from", "2027-01-01", fails=2).output
    assert "tried" in hotline("scores", "scheme", "list").output
