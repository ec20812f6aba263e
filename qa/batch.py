"""A whole folder at once: take it in and bring every call to its score, in several processes."""

from __future__ import annotations

import logging
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, sessionmaker

from models import Call, CallState
from models.session import open_engine, session_factory, transaction
from qa import audit
from qa.ingest import IngestReport, ingest
from qa.pipeline import UNFINISHED, mark_failed, process_call, unforeseen
from qa.settings import Settings
from qa.sources import Source
from qa.storage import RecordingStore

log = logging.getLogger(__name__)

AT_ONCE = 10_000  # calls named in one query; SQLite takes 32,766 values at most

Progress = Callable[[int, int], None]  # (done, of) steps


@dataclass
class Outcome:
    """Where the calls of a batch ended up."""

    counts: Counter[str] = field(default_factory=Counter)  # by state
    failed: list[tuple[str, str]] = field(default_factory=list)  # (source name, reason)


def ingest_and_process(
    factory: sessionmaker[Session],
    settings: Settings,
    store: RecordingStore,
    sources: Sequence[Source],
    *,
    engine: str | None = None,
    jobs: int = 1,
    progress: Progress = lambda done, of: None,
) -> tuple[IngestReport, Outcome]:
    """Take in `sources`, then transcribe and score every call of theirs that is not finished.

    Calls that an earlier run received but did not finish, or that failed, are tried again.
    """
    report = IngestReport()
    for done, source in enumerate(sources, 1):
        ingest(factory, settings, store, [source], engine=engine, report=report)
        progress(done, 2 * len(sources))
    if report.received:
        with transaction(factory) as session:
            audit.record(
                session,
                "calls.ingested",
                first=min(report.received),
                last=max(report.received),
                received=len(report.received),
                known=len(report.known),
                failed=len(report.failures),
            )
    waiting = _unfinished(factory, [*report.received, *report.known])

    def step(done: int) -> None:
        progress(len(sources) + round(len(sources) * done / len(waiting)), 2 * len(sources))

    process_all(factory, settings, store, waiting, jobs=jobs, step=step)
    progress(2 * len(sources), 2 * len(sources))
    return report, _outcome(factory, [*report.received, *report.known])


def process_all(
    factory: sessionmaker[Session],
    settings: Settings,
    store: RecordingStore,
    calls: Sequence[int],
    *,
    jobs: int = 1,
    step: Callable[[int], None] = lambda done: None,
) -> None:
    """Bring `calls` to their scores in up to `jobs` processes; `step` hears how many are done."""
    jobs = min(jobs, len(calls))
    if not jobs:
        return
    pool: Executor
    work: Callable[[int], object]
    if jobs == 1:
        pool = ThreadPoolExecutor(1)
        work = partial(process_call, factory, settings, store, take_over=True)
    else:
        # Spawned, not forked: recognisers keep threads, which a fork would tear.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_open_place, initargs=(settings,))
        work = _work
    with pool:
        futures: dict[Future[object], int] = {pool.submit(work, call_id): call_id for call_id in calls}
        for done, future in enumerate(as_completed(futures), 1):
            if error := future.exception():
                _record_end(factory, futures[future], error)
            step(done)


def _record_end(factory: sessionmaker[Session], call_id: int, error: BaseException) -> None:
    """Keep with the call what nobody foresaw, so that it stops none of the others."""
    if isinstance(error, BrokenProcessPool):
        mark_failed(factory, call_id, "a worker process ended, perhaps for lack of memory; run again")
        return
    log.error("call %s", call_id, exc_info=error)
    mark_failed(factory, call_id, unforeseen(error))


_place: tuple[sessionmaker[Session], Settings, RecordingStore] | None = None


def _open_place(settings: Settings) -> None:
    global _place
    _place = (
        session_factory(open_engine(settings.database_url)),
        settings,
        RecordingStore(settings.storage_url),
    )


def _work(call_id: int) -> None:
    assert _place is not None
    factory, settings, store = _place
    process_call(factory, settings, store, call_id, take_over=True)


def _unfinished(factory: sessionmaker[Session], calls: Sequence[int]) -> list[int]:
    return [row.id for row in _standing(factory, calls) if row.state in UNFINISHED]


def _outcome(factory: sessionmaker[Session], calls: Sequence[int]) -> Outcome:
    outcome = Outcome()
    for row in _standing(factory, calls):
        outcome.counts[row.state.value] += 1
        if row.state is CallState.FAILED:
            outcome.failed.append((row.source_name, row.state_reason or ""))
    return outcome


def _standing(factory: sessionmaker[Session], calls: Sequence[int]) -> Iterator[Row[int, str, CallState, str | None]]:
    """Yield id, source name, state and its reason of those of `calls` that are still there, each once, by id."""
    columns = select(Call.id, Call.source_name, Call.state, Call.state_reason).order_by(Call.id)
    wanted = sorted(set(calls))
    with factory() as session:
        for begin in range(0, len(wanted), AT_ONCE):
            yield from session.execute(columns.where(Call.id.in_(wanted[begin : begin + AT_ONCE]))).all()
