"""Load the demonstration: people, criteria, calls really recognised and scored, reviews and test calls."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from models import AuditEvent, Call, CallState, Review, TestCall
from models.session import transaction
from qa import audit
from qa.appeal_rules import AppealRules
from qa.batch import process_all
from qa.criteria import ensure_shipped
from qa.demonstration.appeals import store_appeals
from qa.demonstration.calibration import store_calibrations, store_checks
from qa.demonstration.judging import Truth
from qa.demonstration.learning import store_learning
from qa.demonstration.outside import store_outside
from qa.demonstration.people import organisation_names, store_people
from qa.demonstration.plan import PlannedCall, customer_number, plan_calls
from qa.demonstration.recording_scripts import RecordingScript, hold_events, recording_scripts
from qa.demonstration.remarks import store_remarks
from qa.demonstration.reviews import store_reviews
from qa.demonstration.sample import store_sample
from qa.demonstration.scorecard_draft import store_scorecard_draft
from qa.demonstration.test_calls import store_test_calls, tested_calls
from qa.ingest import IngestReport, ingest, receive_transcript
from qa.pipeline import UNFINISHED
from qa.settings import Settings
from qa.sources import CallMetadata, Source
from qa.storage import RecordingStore

BEGAN, LOADED = "demonstration.began", "demonstration.loaded"
# A recording takes as long as this many ready transcripts: for the progress bar only.
RECORDING_COST = 40

Progress = Callable[[str, float], None]  # (what is being done, share of the whole from 0 to 1)


class DemonstrationError(RuntimeError):
    """A part of the demonstration could not be loaded; the message says which."""


@dataclass
class DemoReport:
    """What the demonstration holds, and how long each stage took in seconds."""

    calls: Counter[str] = field(default_factory=Counter)  # by state
    recordings: int = 0
    reviews: int = 0
    test_calls: int = 0
    already_there: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        total = sum(self.calls.values())
        loaded = "is loaded already" if self.already_there else "is loaded"
        return (
            f"The demonstration {loaded}: {total} calls, {self.recordings} of them recordings, "
            f"{self.reviews} reviews, {self.test_calls} test calls"
        )


def load_demonstration(
    factory: sessionmaker[Session],
    settings: Settings,
    store: RecordingStore,
    *,
    progress: Progress = lambda _stage, _share: None,
    now: datetime | None = None,
    recordings: Collection[str] | None = None,
    scale: float = 1.0,
) -> DemoReport:
    """Fill an empty database with the demonstration; one that holds it already is left alone.

    A load that was cut off is taken up where it stopped, with the dates that it began with.

    Args:
        now: the moment up to which calls have come in; default: the present.
        recordings: load only those with these ids, for a quicker start.
        scale: load only this share of the ready transcripts.

    Raises:
        DemonstrationError: a recording or transcript of the demonstration could not be taken in.
    """
    report = DemoReport()
    with factory() as session:
        if _moment_of(session, LOADED) is not None:
            report.already_there = True
            return _counted(session, report)

    settings = settings.model_copy(update={"organisation_names": organisation_names()})
    clock = _Stages(report, progress)
    with clock.stage("People and criteria", 0.02), transaction(factory) as session:
        moment = _begin(session, now or datetime.now(UTC))
        ensure_shipped(session)
        store_people(session)

    scripts = [script for script in recording_scripts() if recordings is None or script.id in recordings]
    with clock.stage("Taking in recordings", 0.06):
        _receive(factory, settings, store, [_source(script, moment, settings.zone) for script in scripts])
    with clock.stage("Taking in transcripts", 0.12):
        planned = plan_calls(moment, settings.zone, scale=scale)
        _receive_transcripts(factory, settings, planned)
    with clock.stage("Recognising and scoring", 0.92):
        _process(factory, settings, store, clock)
    with clock.stage("Reviews and test calls", 1.0), transaction(factory) as session:
        truths = [Truth.of_plan(call) for call in planned]
        truths += [Truth.of_recording(script, _start(script, moment, settings.zone)) for script in scripts]
        tested = tested_calls(truths, moment, settings.zone)
        store_test_calls(session, tested, settings.zone)
        store_reviews(session, truths, moment, settings.zone, never=[sheet.truth.external_id for sheet in tested])
        store_outside(session, truths, moment, settings.zone, satisfied_from=settings.survey_satisfied_from)
        store_sample(session, moment, settings.zone)
        store_appeals(session, moment, AppealRules.of(settings))
        store_calibrations(session, truths, moment)
        store_checks(session, moment, settings.zone)
        store_learning(session, settings, store, moment, settings.zone)
        store_scorecard_draft(session)
        store_remarks(session)
        audit.record(session, LOADED, moment=moment.isoformat())
    with factory() as session:
        return _counted(session, report)


class _Stages:
    """Times the stages and turns them into one progress from 0 to 1."""

    def __init__(self, report: DemoReport, progress: Progress) -> None:
        self.report, self.progress = report, progress
        self.name, self.begin, self.end = "", 0.0, 0.0

    @contextmanager
    def stage(self, name: str, end: float) -> Iterator[None]:
        self.name, self.begin, self.end = name, self.end, end
        self.progress(name, self.begin)
        started = time.monotonic()
        yield
        self.report.seconds[name] = round(time.monotonic() - started, 2)
        self.progress(name, end)

    def within(self, share: float) -> None:
        """Say that `share` of the present stage is done."""
        self.progress(self.name, self.begin + share * (self.end - self.begin))


def _moment_of(session: Session, action: str) -> datetime | None:
    event = session.scalar(select(AuditEvent).where(AuditEvent.action == action).limit(1))
    return datetime.fromisoformat(event.details["moment"]) if event else None


def _begin(session: Session, now: datetime) -> datetime:
    """Return the moment up to which calls are told: that of a load that was cut off, else `now`."""
    earlier = _moment_of(session, BEGAN)
    if earlier is None:
        audit.record(session, BEGAN, moment=now.isoformat())
    return earlier or now


def _counted(session: Session, report: DemoReport) -> DemoReport:
    states = session.execute(select(Call.state, func.count()).where(Call.synthetic).group_by(Call.state))
    report.calls = Counter({state.value: count for state, count in states})
    recorded = select(func.count(Call.id)).where(Call.synthetic, Call.audio_key.is_not(None))
    report.recordings = session.scalar(recorded) or 0
    report.reviews = session.scalar(select(func.count(Review.id)).where(Review.ordinary)) or 0
    report.test_calls = session.scalar(select(func.count(TestCall.id))) or 0
    return report


def _start(script: RecordingScript, moment: datetime, zone: ZoneInfo) -> datetime:
    day = moment.astimezone(zone).date() - timedelta(days=script.days_ago)
    return datetime.combine(day, script.at, tzinfo=zone)


def _source(script: RecordingScript, moment: datetime, zone: ZoneInfo) -> Source:
    metadata = CallMetadata(
        external_id=script.external_id,
        agent=script.agent,
        started_at=_start(script, moment, zone),
        queue=script.queue,
        direction=script.direction,
        customer_number=customer_number("en", int(script.id.removeprefix("en-"))),
        language="en",
        # The telephone system says where the agent is in all but one call: there the opening tells.
        agent_channel=None if script.channels == 1 or script.id == "en-08" else 0,
        engine="sphinx",
        facts={"events": hold_events(script)},
        synthetic=True,
    )
    return Source(script.audio.name, metadata, (script.audio,))


def _receive(
    factory: sessionmaker[Session], settings: Settings, store: RecordingStore, sources: Sequence[Source]
) -> None:
    report: IngestReport = ingest(factory, settings, store, sources)
    if report.failures:
        name, reason = report.failures[0]
        raise DemonstrationError(f"{name} of the demonstration could not be taken in: {reason}")


def _receive_transcripts(factory: sessionmaker[Session], settings: Settings, planned: Sequence[PlannedCall]) -> None:
    with transaction(factory) as session:
        for call in planned:
            holds = [{"kind": hold.kind, "start": hold.start, "end": hold.end} for hold in call.written.holds]
            metadata = CallMetadata(
                external_id=call.external_id,
                agent=call.agent.number,
                started_at=call.started_at,
                queue=call.dialogue.queue,
                direction="inbound",
                customer_number=call.customer_number,
                language=call.language,
                facts={"events": holds},
                synthetic=True,
            )
            receive_transcript(session, settings, call.written.transcript, Source(call.external_id, metadata))


def _process(factory: sessionmaker[Session], settings: Settings, store: RecordingStore, clock: _Stages) -> None:
    """Recognise and score every call that waits, recordings first: they take longest."""
    with factory() as session:
        waiting = select(Call.id, Call.audio_key).where(Call.synthetic, Call.state.in_(UNFINISHED))
        rows = session.execute(waiting.order_by(Call.audio_key.is_(None), Call.duration.desc())).all()
    costs = [RECORDING_COST if audio_key else 1 for _, audio_key in rows]

    def step(done: int) -> None:
        clock.within(sum(costs[:done]) / sum(costs))

    process_all(factory, settings, store, [row.id for row in rows], jobs=settings.jobs, step=step)
    with factory() as session:
        failed = select(Call).where(Call.synthetic, Call.state == CallState.FAILED).limit(1)
        if call := session.scalar(failed):
            raise DemonstrationError(f"call {call.external_id} of the demonstration failed: {call.state_reason}")
