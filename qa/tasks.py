"""The queue: it only says "look at this call"; where the call stands is in its row.

Without HOTLINE_BROKER_URL the queue is a folder under HOTLINE_VAR_DIR and needs no server; with one it is
RabbitMQ or Redis. The tasks are the same.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any

from celery import Celery, Task
from kombu.exceptions import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from models.session import open_engine, session_factory, transaction
from qa.calibration import close_due_calibrations
from qa.origins import link_again
from qa.pipeline import mark_failed, process_call, take_waiting_calls, unforeseen
from qa.reviews import release_due
from qa.settings import Settings, load_settings
from qa.storage import RecordingStore
from qa.test_calls import match_again

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0
MATCH_SECONDS = 900.0
RELEASE_SECONDS = 60.0

app = Celery("hotline")


def configure(settings: Settings) -> Celery:
    """Point the queue at the broker of `settings` and return it."""
    (settings.var_dir / "queue").mkdir(parents=True, exist_ok=True)
    app.conf.update(
        broker_url=settings.celery_broker,
        broker_connection_retry_on_startup=True,
        task_ignore_result=True,
        task_acks_late=True,  # a call whose worker died is delivered again
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_concurrency=settings.jobs,
        worker_hijack_root_logger=False,
        timezone="UTC",
        beat_schedule={
            "sweep": {"task": "qa.tasks.sweep", "schedule": SWEEP_SECONDS},
            "match": {"task": "qa.tasks.match", "schedule": MATCH_SECONDS},
            "calibrations": {"task": "qa.tasks.close_calibrations", "schedule": SWEEP_SECONDS},
            "release": {"task": "qa.tasks.release", "schedule": RELEASE_SECONDS},
        },
        beat_schedule_filename=str(settings.var_dir / "queue" / "beat"),
    )
    app.conf.broker_transport_options = {} if settings.broker_url else _folder_queue(settings)
    return app


def _folder_queue(settings: Settings) -> dict[str, Any]:
    """Make the folders of a queue that needs no server; return the options that name them."""
    folder = settings.var_dir / "queue"
    for name in ("messages", "processed", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "processed_folder": str(folder / "processed"),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.5,
    }


@dataclass(frozen=True)
class Workplace:
    """What a task needs, opened once for each process."""

    factory: sessionmaker[Session]
    settings: Settings
    store: RecordingStore


@cache
def workplace() -> Workplace:
    settings = load_settings()
    return Workplace(
        session_factory(open_engine(settings.database_url)), settings, RecordingStore(settings.storage_url)
    )


class CallTask(Task):
    """A task whose first argument is a call id: what nobody foresaw is recorded with the call."""

    def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        mark_failed(workplace().factory, args[0], unforeseen(exc))


@app.task(base=CallTask, name="qa.tasks.process_call")
def process_call_task(call_id: int) -> str | None:
    """Transcribe and score one call. A second delivery finds it done, or claimed, and leaves it alone."""
    place = workplace()
    state = process_call(place.factory, place.settings, place.store, call_id)
    log.info("call %s: %s", call_id, state or "left alone")
    return state.value if state else None


@app.task(name="qa.tasks.sweep")
def sweep() -> int:
    """Queue again whatever is waiting and in nobody's hands; return how many."""
    with transaction(workplace().factory) as session:
        waiting = take_waiting_calls(session)
    for call_id in waiting:
        process_call_task.delay(call_id)
    return len(waiting)


@app.task(name="qa.tasks.match")
def match() -> int:
    """Look for the calls of what came in before them: test-call sheets, surveys, complaints; return how many."""
    with transaction(workplace().factory) as session:
        return match_again(session) + link_again(session)


@app.task(name="qa.tasks.close_calibrations")
def close_calibrations() -> int:
    """Open the results of calibrations whose time is up or whose reviews are all in; return how many."""
    with transaction(workplace().factory) as session:
        return close_due_calibrations(session)


@app.task(name="qa.tasks.release")
def release() -> int:
    """Release the reviews whose time has come; return how many."""
    with transaction(workplace().factory) as session:
        return len(release_due(session))


def enqueue(call_id: int) -> None:
    """Ask the workers to look at a call. Call it after the commit, so that they find the row.

    When the broker is away the call simply waits for the next sweep.
    """
    try:
        process_call_task.apply_async((call_id,), retry=False)
    except (OperationalError, OSError):
        log.warning("the broker is away; call %s waits for the next sweep", call_id)
