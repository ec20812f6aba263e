"""The queue with a real worker: a folder on one machine, RabbitMQ on many."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from models import (
    Appeal,
    AppealState,
    AppealStep,
    CalibrationSession,
    Call,
    CallState,
    Complaint,
    Review,
    ReviewReason,
    ReviewState,
    Role,
    TestCall,
)
from models.base import now
from models.session import transaction
from qa import tasks
from qa.criteria import ensure_shipped
from qa.ingest import ingest
from qa.pipeline import take_waiting_calls
from qa.settings import Settings, as_environment
from qa.sources import find_sources
from qa.storage import RecordingStore
from tests.conftest import require_or_skip
from tests.factories import make_agent, make_call, make_scorecard, make_user
from tests.sounds import write_call
from tests.test_ingest import SAID
from tests.test_test_calls import entered, recorded

PATIENCE = 30.0  # seconds until a worker that does nothing fails the test


SERVERS = {
    "rabbitmq": ("HOTLINE_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672//"),
    "redis": ("HOTLINE_TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
}


@pytest.fixture(params=["folder", *(pytest.param(name, marks=pytest.mark.service) for name in SERVERS)])
def broker(request: pytest.FixtureRequest) -> str:
    if request.param == "folder":
        return ""
    from kombu import Connection
    from kombu.exceptions import OperationalError

    variable, usual = SERVERS[request.param]
    url = os.environ.get(variable, usual)
    try:
        with Connection(url, connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except OperationalError:
        require_or_skip(f"no {request.param} server answers; install and start {request.param}-server")
    return url


@pytest.fixture
def queue(broker: str, settings: Settings, factory: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of an installation with the test's own database and queue, for other processes to start in."""
    settings.broker_url = broker
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """Run `hotline worker` as an administrator would, and end it as a service manager would."""
    process = subprocess.Popen([sys.executable, "-m", "web.cli", "worker"], stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
        assert b"Traceback" not in log, log.decode()


def enqueue_elsewhere(call_id: int) -> None:
    """Put a call on the queue from another process, as the web server does."""
    program = "from qa import settings, tasks; tasks.configure(settings.load_settings()); tasks.enqueue({})"
    subprocess.run([sys.executable, "-c", program.format(call_id)], check=True, timeout=PATIENCE)


def wait_for(factory: sessionmaker[Session], call_id: int, state: CallState, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with factory() as session:
            call = session.get_one(Call, call_id)
        if call.state is state:
            return
        with suppress(subprocess.TimeoutExpired):
            pytest.fail(f"the worker ended with {process.wait(timeout=0.2)}")
    pytest.fail(f"the call is {call.state} ({call.state_reason}) after {PATIENCE} s, not {state}")


@pytest.mark.slow
@pytest.mark.usefixtures("queue")
def test_a_worker_scores_what_was_enqueued(
    factory: sessionmaker[Session], settings: Settings, store: RecordingStore, tmp_path: Path
) -> None:
    with transaction(factory) as session:
        ensure_shipped(session)
    write_call(tmp_path / "a.wav", SAID)
    (call_id,) = ingest(factory, settings, store, find_sources([tmp_path], settings)).received
    with factory() as session:
        assert session.get_one(Call, call_id).state is CallState.RECEIVED

    with worker() as process:
        enqueue_elsewhere(call_id)
        wait_for(factory, call_id, CallState.SCORED, process)


@pytest.mark.slow
def test_an_upload_survives_a_broker_that_is_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.broker_url = "amqp://guest:guest@127.0.0.1:1//"
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)

    enqueue_elsewhere(1)


def test_sheets_and_complaints_find_their_calls_when_these_come_in(
    factory: sessionmaker[Session], settings: Settings, store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "workplace", lambda: tasks.Workplace(factory, settings, store))
    with transaction(factory) as session:
        sheet = entered(session, make_user(session, Role.TEST_CALLER))
        complaint = Complaint(external_id="K", received_at=now(), happened_at=now(), call_reference="C-1")
        session.add(complaint)
    assert tasks.match() == 0

    with transaction(factory) as session:
        call = recorded(session, make_agent(session, "0728"), external_id="C-1")

    assert tasks.match() == 2
    with factory() as session:
        assert session.get_one(TestCall, sheet.id).call_id == call.id
        assert session.get_one(Complaint, complaint.id).agent_id == call.agent_id


def test_an_overdue_appeal_moves_on_by_itself(
    factory: sessionmaker[Session], settings: Settings, store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "workplace", lambda: tasks.Workplace(factory, settings, store))
    with transaction(factory) as session:
        card, agent = make_scorecard(session), make_agent(session)
        scorer, inspector = make_user(session), make_user(session)
        review = Review(
            call=make_call(session, agent=agent), inspector=scorer, scorecard=card, reason=ReviewReason.RANDOM,
            state=ReviewState.RELEASED, submitted_at=now(), released_at=now(), final=90.0,
        )  # fmt: skip
        session.add(review)
        session.flush()
        appeal = Appeal(
            review=review, item="S1", raised_by=make_user(session, Role.AGENT, agent=agent), reason="r",
            due_at=now() - timedelta(hours=1), steps=[AppealStep(act="raised")],
        )  # fmt: skip
        session.add(appeal)

    assert (tasks.appeals_due(), tasks.appeals_due()) == (1, 0)
    with factory() as session:
        moved = session.get_one(Appeal, appeal.id)
        assert (moved.state, moved.assignee_id) == (AppealState.PASSED, inspector.id)
    assert tasks.configure(settings).conf.beat_schedule["appeals_due"]["task"] == tasks.appeals_due.name


def test_the_sweep_offers_a_waiting_call_once_in_a_while(session: Session) -> None:
    long_ago = now() - timedelta(hours=1)
    waiting = make_call(session, state=CallState.RECEIVED, received_at=long_ago)
    abandoned = make_call(session, state=CallState.RECEIVED, received_at=long_ago, claimed_at=long_ago)
    make_call(session, state=CallState.RECEIVED, received_at=long_ago, claimed_at=now())
    make_call(session, state=CallState.RECEIVED)
    make_call(session, state=CallState.SCORED, received_at=long_ago)

    assert take_waiting_calls(session) == [waiting.id, abandoned.id]
    assert take_waiting_calls(session) == []


def test_what_nobody_foresaw_is_kept_with_the_call(
    settings: Settings, factory: sessionmaker[Session], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(factory) as other:
        call_id = make_call(other, state=CallState.RECEIVED).id
    place = tasks.Workplace(factory, settings, RecordingStore(settings.storage_url))
    monkeypatch.setattr(tasks, "workplace", lambda: place)

    tasks.process_call_task.on_failure(ZeroDivisionError("secret words"), "task", (call_id,), {}, None)

    call = session.scalars(select(Call)).one()
    assert call.state is CallState.FAILED
    assert "ZeroDivisionError" in (call.state_reason or "")
    assert "secret words" not in (call.state_reason or "")


def test_calibrations_close_by_themselves(
    factory: sessionmaker[Session], settings: Settings, store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "workplace", lambda: tasks.Workplace(factory, settings, store))
    with transaction(factory) as session:
        made = CalibrationSession(
            name="Friday", scorecard=make_scorecard(session), due_at=now(), created_by=make_user(session, Role.LEAD)
        )
        session.add(made)

    assert (tasks.close_calibrations(), tasks.close_calibrations()) == (1, 0)
    with factory() as session:
        assert session.get_one(CalibrationSession, made.id).closed_at is not None
