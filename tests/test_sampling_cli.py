"""`hotline sample` as a supervisor types it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.orm import Session, sessionmaker

from models import Role
from models.session import transaction
from qa.periods import Period
from qa.settings import Settings
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_user
from web.cli import main


@pytest.fixture
def hotline(settings: Settings, factory: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run the command on a hotline with two agents and a week of calls."""
    monkeypatch.setenv("HOTLINE_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("HOTLINE_VAR_DIR", str(settings.var_dir))
    start, _end = Period.parse("2026-W40").bounds(settings.zone)
    with transaction(factory) as session:
        card = make_scorecard(session)
        for number in ("0101", "0102"):
            agent = make_agent(session, number)
            for i in range(6):
                call = make_call(session, agent=agent, started_at=start + timedelta(hours=20 * i))
                make_auto_score(session, call, card, raw=90.0 - i)
        make_user(session, Role.INSPECTOR, "ann")

    def run(*arguments: str, fails: int = 0) -> Result:
        result = CliRunner().invoke(main, ["sample", *arguments])
        assert result.exit_code == fails, result.output
        return result

    return run


def test_a_week_is_drawn_and_proven(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    drawn = hotline("--week", "2026-W40", "--seed", "published")
    assert "4 of 12 eligible calls at random, 2 agents" in drawn.output
    assert "seed published" in drawn.output

    assert "is proven: 4 calls" in hotline("verify", "1").output
    hotline("export", "1", "-o", str(tmp_path / "draw.json"))
    assert "is proven" in hotline("verify", str(tmp_path / "draw.json")).output
    assert "drawn already" in hotline("--week", "2026-W40", fails=2).output
    assert "ann: 0 of 4 done" in hotline("progress", "--week", "2026-W40").output


def test_a_forged_file_fails(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    hotline("--week", "2026-W40")
    proof = json.loads(hotline("export", "1").output)
    proof["drawn"].pop()
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(proof))

    assert "is missing" in hotline("verify", str(forged), fails=1).output
    forged.write_text("[]")
    assert "no proof" in hotline("verify", str(forged), fails=2).output
    forged.write_text("{")
    assert "cannot be read" in hotline("verify", str(forged), fails=2).output
    assert "no file" in hotline("verify", str(tmp_path / "none.json"), fails=2).output
    assert "no draw 77" in hotline("verify", "77", fails=2).output


def test_plans_come_from_yaml(hotline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    rules = tmp_path / "plan.yaml"
    rules.write_text("per_agent: 3\ndesign: risk\n")

    assert "per_agent: 3" in hotline("plan", "monday", str(rules)).output
    assert "design: risk" in hotline("plan", "monday").output
    assert "6 of 12" in hotline("--week", "2026-W40", "--plan", "monday").output
    rules.write_text("per_agent: 1\n")
    assert "per_agent" in hotline("plan", "monday", str(rules), fails=2).output
    rules.write_text("- 1")
    assert "names with values" in hotline("plan", "monday", str(rules), fails=2).output
    rules.write_text("a: [")
    assert "not YAML" in hotline("plan", "monday", str(rules), fails=2).output


def test_the_planner_names_its_assumption(hotline) -> None:  # type: ignore[no-untyped-def]
    found = hotline("size", "--from", "85", "--to", "90").output

    assert "assumed" in found
    assert "34 reviews" in found
    assert "To tell 85 from 90: 64" not in found
    assert "no team" in hotline("size", "--from", "85", "--to", "90", "--team", "West", fails=2).output
    assert "larger difference" in hotline("size", "--from", "85", "--to", "85.001", fails=2).output


def test_shares_are_compared(hotline) -> None:  # type: ignore[no-untyped-def]
    assert "0102" in hotline("shares", "--week", "2026-W40", "--reviews", "8").output


@pytest.mark.parametrize("week", ["2026-10", "soon", "2026-W60"])
def test_a_week_must_be_one(hotline, week: str) -> None:  # type: ignore[no-untyped-def]
    hotline("--week", week, fails=2)


def test_nothing_asked_says_what_to_ask(hotline) -> None:  # type: ignore[no-untyped-def]
    assert "--week" in hotline(fails=2).output


def test_too_few_reviews_train_nothing(hotline) -> None:  # type: ignore[no-untyped-def]
    assert "at least 100" in hotline("train", fails=2).output
