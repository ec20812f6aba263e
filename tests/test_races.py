"""Two processes at the same place at the same moment, and calls that others finish or delete meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

import qa.batch
import qa.criteria
import qa.ingest
import qa.pipeline
from models import Agent, AutoScore, Base, Call, CallState, IngestFailure, ScorecardVersion, StoredTranscript
from models.session import transaction
from qa.batch import ingest_and_process
from qa.ingest import IngestReport, ingest
from qa.pipeline import mark_failed, process_call
from qa.settings import Settings
from qa.sources import find_sources
from qa.storage import RecordingStore
from tests.conftest import Hotline
from tests.factories import make_transcript
from tests.sounds import write_call
from tests.test_ingest import SAID
from transcription.engine import TranscriptionError

PATIENCE = 20.0  # seconds


@pytest.fixture
def server(postgresql_factory: sessionmaker[Session], settings: Settings, store: RecordingStore) -> Hotline:
    return Hotline(postgresql_factory, settings, store)


def together(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, *, wait_at: int) -> None:
    """Let two threads leave the function `name` at the same time, each in its call number `wait_at`."""
    original, barrier, calls = getattr(module, name), Barrier(2), list[object]()

    def meet(*args: Any, **named: Any) -> Any:
        result = original(*args, **named)
        calls.append(result)
        if 2 * (wait_at - 1) < len(calls) <= 2 * wait_at:
            barrier.wait(PATIENCE)
        return result

    monkeypatch.setattr(module, name, meet)


def twice(work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, range(2)))


def write_transcript(path: Path, word: str = "please") -> Path:
    said = make_transcript([("agent", f"hello how can i help you {word}"), ("customer", "what are your hours " * 5)])
    path.write_text(json.dumps(said.to_dict()))
    return path


def count(hotline: Hotline, table: type[Base]) -> int:
    with hotline.factory() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def take_in(hotline: Hotline, path: Path) -> IngestReport:
    return ingest(hotline.factory, hotline.settings, hotline.store, find_sources([path], hotline.settings))


@pytest.mark.parametrize("name", ["a.wav", "a.json"])
def test_a_file_that_another_process_adds_first_is_known(
    hotline: Hotline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = write_call(tmp_path / name, SAID) if name.endswith(".wav") else write_transcript(tmp_path / name)
    first = take_in(hotline, path)
    original, looked = qa.ingest._known_call, list[None]()

    def too_early(session: Session, digest: str, external_id: str | None) -> int | None:
        """Look as if the other process had not committed yet, as often as one attempt looks."""
        looked.append(None)
        return None if len(looked) <= (2 if name == "a.wav" else 1) else original(session, digest, external_id)

    monkeypatch.setattr(qa.ingest, "_known_call", too_early)
    again = take_in(hotline, path)

    assert (again.known, again.received, again.failures, again.undated) == (first.received, [], [], [])
    assert len(hotline.calls()) == 1


@pytest.mark.service
def test_two_processes_that_add_the_same_file_make_one_call(
    server: Hotline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_transcript(tmp_path / "0728_20261118-143200.json")
    together(monkeypatch, qa.ingest, "_known_call", wait_at=1)

    reports = twice(lambda _: take_in(server, path))

    (call,) = server.calls()
    assert sorted((report.received, report.known) for report in reports) == [([], [call.id]), ([call.id], [])]
    assert not any(report.failures for report in reports)


@pytest.mark.service
def test_two_processes_that_meet_the_same_new_agent_add_one(
    server: Hotline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write_transcript(tmp_path / f"0728_20261118-14320{n}.json", f"word{n}") for n in range(2)]
    together(monkeypatch, qa.ingest, "_agent", wait_at=1)

    reports = twice(lambda number: take_in(server, paths[number]))

    assert all(len(report.received) == 1 and not report.failures for report in reports)
    assert (count(server, Agent), count(server, Call)) == (1, 2)


@pytest.mark.service
def test_two_processes_that_cannot_read_the_same_file_note_it_once(server: Hotline, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")

    reports = [report for _ in range(5) for report in twice(lambda _: take_in(server, tmp_path))]

    assert [len(report.failures) for report in reports] == [1] * 10
    assert count(server, IngestFailure) == 1


@pytest.mark.service
def test_two_workers_that_heard_the_same_call_store_it_once(
    server: Hotline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (call_id,) = take_in(server, write_call(tmp_path / "a.wav", SAID).parent).received
    together(monkeypatch, qa.pipeline, "_hear", wait_at=1)

    states = twice(lambda _: process_call(server.factory, server.settings, server.store, call_id, take_over=True))

    assert states == [CallState.SCORED, CallState.SCORED]
    assert (count(server, StoredTranscript), count(server, AutoScore)) == (1, 1)


@pytest.mark.service
def test_two_processes_that_start_together_store_the_shipped_criteria_once(
    server: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(server.factory) as session:
        session.execute(delete(ScorecardVersion))
    together(monkeypatch, qa.criteria, "load_scorecard", wait_at=1)

    def start(_: int) -> None:
        with transaction(server.factory) as session:
            qa.criteria.ensure_shipped(session)

    twice(start)

    assert count(server, ScorecardVersion) == 2


def test_a_worker_that_fails_leaves_alone_what_another_finished(
    hotline: Hotline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (call_id,) = take_in(hotline, write_call(tmp_path / "a.wav", SAID).parent).received
    place = (hotline.factory, hotline.settings, hotline.store)
    original = qa.pipeline._transcribe

    def slow(*_args: Any) -> None:
        monkeypatch.setattr(qa.pipeline, "_transcribe", original)
        process_call(*place, call_id, take_over=True)
        raise TranscriptionError("the recogniser gave up")

    monkeypatch.setattr(qa.pipeline, "_transcribe", slow)

    assert process_call(*place, call_id) is CallState.SCORED
    (call,) = hotline.calls()
    assert (call.state, call.state_reason, call.claimed_at) == (CallState.SCORED, None, None)


def test_a_call_that_is_deleted_while_it_is_worked_on_ends_quietly(
    hotline: Hotline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_call(tmp_path / "a.wav", SAID)
    original = qa.pipeline._hear

    def delete_meanwhile(*args: Any) -> Any:
        with transaction(hotline.factory) as session:
            session.execute(delete(Call))
        return original(*args)

    monkeypatch.setattr(qa.pipeline, "_hear", delete_meanwhile)
    sources = list(find_sources([tmp_path], hotline.settings))

    report, outcome = ingest_and_process(hotline.factory, hotline.settings, hotline.store, sources)

    assert (len(report.received), outcome.counts, outcome.failed) == (1, {}, [])
    assert mark_failed(hotline.factory, report.received[0], "too late") is None


def test_very_many_calls_are_looked_up_in_portions(
    hotline: Hotline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write_transcript(tmp_path / f"{number}.json", f"word{number}")
    monkeypatch.setattr(qa.batch, "AT_ONCE", 2)
    sources = list(find_sources([tmp_path], hotline.settings))

    _, outcome = ingest_and_process(hotline.factory, hotline.settings, hotline.store, sources)

    assert outcome.counts == {"scored": 3}
