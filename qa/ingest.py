"""Recordings and ready transcripts become calls: each once, whatever happens on the way.

A call's files are put into the store under its content hash before its row is written, so a crash leaves at
most files that the next run writes again. The same content or the same external id is the same call.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session, sessionmaker

from models import Agent, Call, CallState, IngestFailure, StoredTranscript, Team
from models.session import in_transaction, transaction
from qa import audit
from qa.people import staff_number
from qa.settings import Settings
from qa.sources import AUDIO_SUFFIXES, TRANSCRIPT_SUFFIXES, CallMetadata, Source, from_file_name, plain_name
from qa.storage import RecordingStore
from transcription.engine import UnreadableAudio
from transcription.transcript import Transcript, TranscriptError

if TYPE_CHECKING:
    from transcription.audio import Recording


# JSON can write them, but they are no characters, and databases refuse them.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


@dataclass
class IngestReport:
    """What became of the files that were offered."""

    received: list[int] = field(default_factory=list)  # ids of new calls
    known: list[int] = field(default_factory=list)  # ids of calls that were there already
    failures: list[tuple[str, str]] = field(default_factory=list)  # (file, reason)
    undated: list[str] = field(default_factory=list)  # files whose own date had to serve as the start time


def ingest(
    factory: sessionmaker[Session],
    settings: Settings,
    store: RecordingStore,
    sources: Iterable[Source],
    *,
    engine: str | None = None,
    report: IngestReport | None = None,
) -> IngestReport:
    """Take in each of `sources`, one transaction a call; an unreadable one is recorded and stops nothing.

    Args:
        engine: recogniser for these calls, unless a source names its own.
        report: filled while the work goes on, for a caller that shows progress.
    """
    report = report or IngestReport()
    for source in sources:
        source = replace(source, name=plain_name(source.name))
        if engine and not source.metadata.engine:
            source = replace(source, metadata=replace(source.metadata, engine=engine))
        try:
            if source.recording:
                receive_recording(factory, settings, store, source, report)
            else:
                receive_transcripts(factory, settings, source, report)
        except (UnreadableAudio, TranscriptError, OSError) as error:
            _record_failure(factory, source.name, str(error), report)
    return report


def receive_recording(
    factory: sessionmaker[Session], settings: Settings, store: RecordingStore, source: Source, report: IngestReport
) -> None:
    """Take in one recording, or an agent's and a customer's side of one.

    Raises:
        UnreadableAudio, TranscriptError, OSError: nothing was stored in the database.
    """
    digest = _hash_files(source.recording)
    with factory() as session:
        known = _known_call(session, digest, source.metadata.external_id)
    if known is not None:
        report.known.append(known)
        return

    from transcription.audio import join_sides, read_audio

    limit = settings.max_call_hours * 3600
    recording = (
        join_sides(source.recording[0], source.recording[1], max_seconds=limit)
        if len(source.recording) == 2
        else read_audio(source.recording[0], max_seconds=limit)
    )
    transcript = _read_beside(source, settings) if source.transcript else None
    keys = _store_recording(store, digest, source, recording)

    def add(session: Session) -> None:
        known = _known_call(session, digest, source.metadata.external_id)
        if known is not None:  # another process was faster
            report.known.append(known)
            return
        call = _new_call(session, settings, source, digest)
        call.duration, call.channels = recording.duration, recording.channels
        call.original_key, call.audio_key, call.peaks_key = keys
        if transcript is not None:
            call.engine = "ready"
            call.transcript = stored(transcript)
        _finish(session, call, source, report)

    in_transaction(factory, add)


def receive_transcripts(
    factory: sessionmaker[Session], settings: Settings, source: Source, report: IngestReport
) -> None:
    """Take in the call, or calls, of one transcript file.

    Raises:
        TranscriptError, OSError: nothing was stored in the database.
    """
    from transcription.formats import read_transcripts

    assert source.transcript is not None
    digest = _hash_files((source.transcript,))
    found = read_transcripts(source.transcript, language=source.metadata.language or settings.language or None)
    for name, transcript in found:
        several = len(found) > 1
        own = hashlib.sha256(f"{digest}/{name}".encode()).hexdigest() if several else digest
        metadata = replace(source.metadata, external_id=None) if several else source.metadata
        one = replace(source, name=plain_name(f"{source.name}: {name}") if several else source.name, metadata=metadata)
        add = partial(
            receive_transcript, settings=settings, transcript=transcript, source=one, digest=own, report=report
        )
        in_transaction(factory, add)


def receive_transcript(
    session: Session,
    settings: Settings,
    transcript: Transcript,
    source: Source,
    *,
    digest: str | None = None,
    report: IngestReport | None = None,
) -> Call | None:
    """Add a call whose words are known to the caller's transaction; None when it is there already."""
    report = report or IngestReport()
    if digest is None:
        digest = hashlib.sha256(json.dumps(transcript.to_dict(), sort_keys=True).encode()).hexdigest()
    known = _known_call(session, digest, source.metadata.external_id)
    if known is not None:
        report.known.append(known)
        return None
    call = _new_call(session, settings, source, digest)
    call.duration = transcript.duration
    call.channels = transcript.channels
    call.language = call.language or transcript.language
    call.engine = "ready"
    call.transcript = stored(transcript)
    _finish(session, call, source, report)
    return call


def receive_upload(
    factory: sessionmaker[Session],
    settings: Settings,
    store: RecordingStore,
    files: Sequence[tuple[str, BinaryIO]],
    metadata: CallMetadata,
    uploaded_by: int,
    *,
    two_sides: bool = False,
) -> IngestReport:
    """Take in what somebody uploaded; the caller enqueues `report.received` afterwards.

    Args:
        files: (file name as the browser gave it, content).
        metadata: what the form says; it holds for every file, and wins over the file name.
        two_sides: `files` are the agent's and the customer's side of one call, in this order.
    """
    report = IngestReport()
    with tempfile.TemporaryDirectory(prefix="hotline-upload-") as folder:
        paths: list[tuple[str, Path]] = []
        for number, (given, stream) in enumerate(files):
            # Only the last part and the suffix of a foreign name are used, and never to open a file.
            name = plain_name(PurePath(given.replace("\\", "/")).name)[:200] or f"upload-{number}"
            suffix = PurePath(name).suffix.lower()
            if suffix not in AUDIO_SUFFIXES | TRANSCRIPT_SUFFIXES:
                reason = (
                    f"files of the kind {suffix or 'without suffix'} are not read; upload a recording or transcript"
                )
                _record_failure(factory, name, reason, report)
                continue
            path = Path(folder) / f"{number}{suffix}"
            with path.open("wb") as target:
                shutil.copyfileobj(stream, target)
            paths.append((name, path))
        ingest(factory, settings, store, _uploaded_sources(paths, metadata, two_sides, settings), report=report)
    with transaction(factory) as session:
        for call_id in report.received:
            audit.record(session, "call.uploaded", user_id=uploaded_by, subject=("call", call_id))
    return report


def _uploaded_sources(
    paths: list[tuple[str, Path]], metadata: CallMetadata, two_sides: bool, settings: Settings
) -> list[Source]:
    if two_sides and len(paths) == 2:
        (agent_name, agent), (customer_name, customer) = paths
        merged = _over_file_name(metadata, agent_name, settings)
        return [Source(f"{agent_name} + {customer_name}", replace(merged, agent_channel=0), (agent, customer))]
    sources = []
    for name, path in paths:
        merged = _over_file_name(metadata, name, settings)
        if path.suffix in TRANSCRIPT_SUFFIXES:
            sources.append(Source(name, merged, (), path))
        else:
            sources.append(Source(name, merged, (path,)))
    return sources


def _over_file_name(metadata: CallMetadata, name: str, settings: Settings) -> CallMetadata:
    from_name = from_file_name(PurePath(name).stem, settings)
    given = {item.name: getattr(metadata, item.name) for item in fields(CallMetadata)}
    return replace(from_name, **{item: value for item, value in given.items() if value not in (None, "")})


def stored(transcript: Transcript, **columns: object) -> StoredTranscript:
    """Return the row that keeps `transcript`.

    Raises:
        TranscriptError: its words hold what is no character.
    """
    text = "\n".join(turn.text for turn in transcript.turns)
    if found := _UNSTORABLE.search(text):
        raise TranscriptError(f"the words hold U+{ord(found[0]):04X}, which is no character: remove it")
    return StoredTranscript(
        content=transcript.to_dict(),
        text=text,
        engine=transcript.engine,
        **columns,
    )


def _hash_files(paths: Sequence[Path]) -> str:
    digests = []
    for path in paths:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("+".join(digests).encode()).hexdigest()


def _known_call(session: Session, digest: str, external_id: str | None) -> int | None:
    same = Call.content_hash == digest
    return session.scalar(
        select(Call.id).where(or_(same, Call.external_id == external_id) if external_id else same).limit(1)
    )


def _read_beside(source: Source, settings: Settings) -> Transcript:
    from transcription.formats import read_transcript

    assert source.transcript is not None
    return read_transcript(source.transcript, language=source.metadata.language or settings.language or None)


def _store_recording(store: RecordingStore, digest: str, source: Source, recording: Recording) -> tuple[str, str, str]:
    """Put the original, the copy that browsers play and the waveform into the store; return their keys."""
    from transcription.audio import waveform_peaks, write_listening_copy

    folder = f"{digest[:2]}/{digest}"
    keys = (f"{folder}/original{source.recording[0].suffix.lower()}", f"{folder}/listen.flac", f"{folder}/peaks.json")
    store.put(keys[0], source.recording[0])
    if len(source.recording) == 2:
        store.put(f"{folder}/original-customer{source.recording[1].suffix.lower()}", source.recording[1])
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "listen.flac"
        write_listening_copy(recording, copy)
        store.put(keys[1], copy)
    store.put(keys[2], json.dumps(waveform_peaks(recording)).encode())
    return keys


def _new_call(session: Session, settings: Settings, source: Source, digest: str) -> Call:
    metadata = source.metadata
    started_at = metadata.started_at
    if started_at is None:
        first = source.recording[0] if source.recording else source.transcript
        modified = first.stat().st_mtime if first else datetime.now(UTC).timestamp()
        started_at = datetime.fromtimestamp(modified, UTC)
    return Call(
        external_id=metadata.external_id,
        content_hash=digest,
        source_name=source.name,
        agent=_agent(session, metadata),
        started_at=started_at,
        queue=metadata.queue,
        direction=metadata.direction,
        customer_number=metadata.customer_number,
        language=metadata.language or settings.language or None,
        agent_channel=metadata.agent_channel,
        engine=metadata.engine,
        facts=dict(metadata.facts),
        synthetic=metadata.synthetic,
    )


def _finish(session: Session, call: Call, source: Source, report: IngestReport) -> None:
    if call.transcript is not None and call.audio_key is None:
        call.state = CallState.TRANSCRIBED
    session.add(call)
    session.execute(delete(IngestFailure).where(IngestFailure.source_name == source.name))
    session.flush()
    report.received.append(call.id)
    if source.metadata.started_at is None:
        report.undated.append(source.name)


def _agent(session: Session, metadata: CallMetadata) -> Agent | None:
    """Return the agent with this staff number, added when it is the first call of somebody new."""
    number = staff_number(metadata.agent or "")
    if not number:
        return None
    agent = session.scalar(select(Agent).where(Agent.number == number))
    if agent is None:
        agent = Agent(number=number, name=metadata.agent_name or number)
        session.add(agent)
    if metadata.team and agent.team is None:
        agent.team = session.scalar(select(Team).where(Team.name == metadata.team)) or Team(name=metadata.team)
    return agent


def _record_failure(factory: sessionmaker[Session], name: str, reason: str, report: IngestReport) -> None:
    report.failures.append((name, reason))

    def note(session: Session) -> None:
        row = session.scalar(select(IngestFailure).where(IngestFailure.source_name == name))
        if row is None:
            session.add(IngestFailure(source_name=name, reason=reason))
        else:
            row.reason, row.at = reason, datetime.now(UTC)

    in_transaction(factory, note)
