"""What happens to a call after it came in: transcribe, score. Each step ends in one commit and may be repeated.

The call's row says how far it is. A worker claims a call before it works on it and renews the claim while it
makes progress; a claim that was not renewed for STALE_CLAIM is free to take, so a crash holds nothing up.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, selectinload, sessionmaker

from models import AutoMark, AutoScore, Call, CallState, ScorecardVersion
from models.base import now
from models.session import transaction
from qa.criteria import active_scorecard, card_of, phrases_of
from qa.ingest import stored
from qa.recognition import engine_for
from qa.settings import Settings
from qa.storage import RecordingStore
from scoring.call_score import auto_items_score, score_call
from scoring.facts import CallFacts, Event
from scoring.marks import Answer, CallScore, evidence_to_dict
from scoring.phrase_set import PhraseSet
from scoring.text import is_chinese
from scoring.wordings import openings, script_wordings
from transcription.engine import TranscriptionError
from transcription.gradable import why_not_gradable
from transcription.measures import AudioMeasures
from transcription.transcript import Transcript

if TYPE_CHECKING:
    from transcription.hear import Heard

STALE_CLAIM = timedelta(minutes=5)
REQUEUE_AFTER = timedelta(minutes=30)
SETTLED = timedelta(seconds=30)  # whoever received a call queues it itself; the sweep leaves it that long
HEARTBEAT_SECONDS = 2.0
UNFINISHED = (CallState.RECEIVED, CallState.TRANSCRIBED, CallState.FAILED)
_HAN = re.compile("[\u3400-\u9fff]")


def process_call(
    factory: sessionmaker[Session],
    settings: Settings,
    store: RecordingStore,
    call_id: int,
    *,
    take_over: bool = False,
) -> CallState | None:
    """Bring one call as far as it will go; return its state, None when another worker has it or it is gone.

    A finished call is left alone. What cannot be transcribed or scored becomes FAILED with its reason.

    Args:
        take_over: ignore other workers' claims, for a run that knows they are dead.
    """
    if not _claim(factory, call_id, take_over):
        return None
    with factory() as session:
        call = session.get(Call, call_id, options=[selectinload(Call.transcript)])
        if call is None:  # deleted since it was claimed
            return None
        heard_already = call.transcript is not None and (call.audio_key is None or call.transcript.measures is not None)
    try:
        if not heard_already:
            _transcribe(factory, settings, store, call)
        return _score(factory, settings, call_id)
    except (TranscriptionError, OSError) as error:
        return mark_failed(factory, call_id, str(error))


def mark_failed(factory: sessionmaker[Session], call_id: int, reason: str) -> CallState | None:
    """Record that a call failed and why; running it again retries.

    Returns the call's state: another worker's, when that one finished it meanwhile; None when the call is gone.
    """
    with transaction(factory) as session:
        call = _locked(session, call_id)
        if call is None:
            return None
        if call.state in UNFINISHED:
            call.state, call.state_reason = CallState.FAILED, reason[:2000]
            call.claimed_at = call.progress = None
        return call.state


def unforeseen(error: BaseException) -> str:
    """Return the reason of a failure that nobody foresaw; the error's own text may hold a customer's words."""
    return f"internal error: {type(error).__name__}; the log has the details"


def _locked(session: Session, call_id: int) -> Call | None:
    """Return the call as it is now, and keep other workers from finishing it until this transaction ends.

    Two workers can have one call: a claim that went stale, or an ingest that takes it over. (On SQLite a
    transaction that writes is alone anyway.)
    """
    return session.get(Call, call_id, with_for_update=True)


def take_waiting_calls(session: Session, *, at_most: int = 1000) -> list[int]:
    """Return calls that wait and that nobody alive works on, and note that they are queued again.

    A call is offered again only after REQUEUE_AFTER, so that a long backlog does not fill the queue with copies.
    """
    moment = now()
    waiting = list(
        session.scalars(
            select(Call.id)
            .where(
                Call.state.in_((CallState.RECEIVED, CallState.TRANSCRIBED)),
                or_(Call.claimed_at.is_(None), Call.claimed_at < moment - STALE_CLAIM),
                or_(Call.queued_at.is_(None), Call.queued_at < moment - REQUEUE_AFTER),
                Call.received_at < moment - SETTLED,
            )
            .order_by(Call.id)
            .limit(at_most)
        )
    )
    session.execute(update(Call).where(Call.id.in_(waiting)).values(queued_at=moment))
    return waiting


def score_stored(
    session: Session, call: Call, settings: Settings, *, version: ScorecardVersion | None = None
) -> CallState:
    """Score a transcribed call within the caller's transaction.

    Args:
        version: the scorecard to score by; None: the active one of the call's language.
    """
    assert call.transcript is not None
    transcript = Transcript.from_dict(call.transcript.content)
    reason = why_not_gradable(transcript, min_seconds=settings.min_call_seconds, min_words=settings.min_call_words)
    call.claimed_at = call.progress = None
    if reason:
        call.state, call.state_reason = CallState.NOT_GRADABLE, reason
        return call.state
    version = version or active_scorecard(session, call.language)
    if version is None:
        call.state = CallState.FAILED
        call.state_reason = (
            f"there is no active scorecard for calls in {call.language or 'an unknown language'}; "
            "import one with: hotline criteria import"
        )
        return call.state
    measures = AudioMeasures.from_dict(call.transcript.measures) if call.transcript.measures else None
    score = score_call(
        transcript, card_of(version), phrases_of(version), measures=measures, facts=facts_of(call, settings)
    )
    if call.auto_score is not None:
        session.delete(call.auto_score)
        session.flush()
    call.auto_score = _auto_score(version, score)
    call.state, call.state_reason = CallState.SCORED, None
    return call.state


def _claim(factory: sessionmaker[Session], call_id: int, take_over: bool) -> bool:
    free = or_(Call.claimed_at.is_(None), Call.claimed_at < now() - STALE_CLAIM)
    wanted = [Call.id == call_id, Call.state.in_(UNFINISHED)]
    with transaction(factory) as session:
        result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(Call)
            .where(*wanted, *([] if take_over else [free]))
            .values(claimed_at=now(), progress=0.0, attempts=Call.attempts + 1)
        )
    return bool(result.rowcount)


def _transcribe(factory: sessionmaker[Session], settings: Settings, store: RecordingStore, call: Call) -> None:
    from transcription.audio import read_audio

    assert call.audio_key is not None
    with factory() as session:
        phrases = _script(session, call.language or settings.language or None)
    with store.as_file(call.audio_key) as path:
        recording = read_audio(path, max_seconds=settings.max_call_hours * 3600)
    heard = _hear(recording, call, settings, phrases, _heartbeat(factory, call.id))
    with transaction(factory) as session:
        row = _locked(session, call.id)
        if row is None or row.state not in UNFINISHED:  # somebody deleted or finished it meanwhile
            return
        if row.transcript is not None:
            session.delete(row.transcript)
            session.flush()
        row.transcript = stored(
            heard.transcript, measures=heard.measures.to_dict(), seconds_taken=heard.seconds.get("recognise")
        )
        row.language = row.language or heard.transcript.language
        row.agent_channel = heard.agent_channel
        row.state, row.state_reason = CallState.TRANSCRIBED, None


def _hear(
    recording: Any, call: Call, settings: Settings, phrases: Sequence[PhraseSet], progress: Callable[[float], None]
) -> Heard:
    from transcription.engines import ReadyTranscripts
    from transcription.hear import hear

    if call.transcript is not None:
        engine: Any = ReadyTranscripts(Transcript.from_dict(call.transcript.content))
    else:
        engine = engine_for(settings, call.engine)
    return hear(
        recording,
        engine,
        language=call.language,
        prompt=" ".join(wording for one in phrases for wording in script_wordings(one)) or None,
        agent_channel=call.agent_channel,
        openings=[wording for one in phrases for wording in openings(one)],
        progress=progress,
    )


def _script(session: Session, language: str | None) -> list[PhraseSet]:
    """Return the phrase sets that a call may be judged by: of its language, or of any when that is unknown."""
    if language:
        version = active_scorecard(session, language)
        found = [phrases_of(version)] if version else []
    else:
        found = [phrases_of(v) for v in session.scalars(select(ScorecardVersion).where(ScorecardVersion.active))]
    return [phrases for phrases in found if phrases]


def _heartbeat(factory: sessionmaker[Session], call_id: int) -> Callable[[float], None]:
    last = time.monotonic()

    def beat(share: float) -> None:
        nonlocal last
        if time.monotonic() - last < HEARTBEAT_SECONDS:
            return
        last = time.monotonic()
        unfinished = Call.state.in_(UNFINISHED)
        # A database that is busy for long costs a heartbeat, not minutes of recognition: the next one comes soon.
        with suppress(OperationalError), transaction(factory) as session:
            session.execute(update(Call).where(Call.id == call_id, unfinished).values(claimed_at=now(), progress=share))

    return beat


def _score(factory: sessionmaker[Session], settings: Settings, call_id: int) -> CallState | None:
    with transaction(factory) as session:
        call = _locked(session, call_id)
        if call is None:
            return None
        if call.state is CallState.FAILED and call.transcript is not None:
            call.state = CallState.TRANSCRIBED
        if call.state is not CallState.TRANSCRIBED:
            return call.state
        return score_stored(session, call, settings)


def facts_of(call: Call, settings: Settings) -> CallFacts:
    """Return what is known of a stored call beside its words and its sound."""
    events = tuple(Event(e["kind"], e["start"], e.get("end")) for e in call.facts.get("events", []))
    names = organisation_names(settings, call.language or "")
    return CallFacts(
        events, dict(call.facts.get("fields", {})), names, call.started_at.astimezone(settings.zone).date()
    )


def organisation_names(settings: Settings, language: str) -> tuple[str, ...]:
    """Return how agents who speak `language` say the organisation's name.

    A name in Chinese characters is not what an agent says in another language.
    """
    chinese = is_chinese(language)
    return tuple(name for name in settings.organisation_names if chinese or not _HAN.search(name))


def _auto_score(version: ScorecardVersion, score: CallScore) -> AutoScore:
    card = card_of(version)
    return AutoScore(
        scorecard=version,
        raw=score.raw,
        auto_items=auto_items_score(card, score),
        answered_weight=score.answered_weight,
        cannot_tell_weight=score.cannot_tell_weight,
        fatal_suspected=any(fatal.suspected is Answer.NOT_MET for fatal in score.fatals),
        summary={
            "sections": [
                {"section": s.section, "name": s.name, "points": s.points, "possible": s.possible}
                for s in score.sections
            ],
            "fatals": [
                {
                    "item": f.item,
                    "suspected": f.suspected.value,
                    "effect": f.effect,
                    "evidence": [evidence_to_dict(e) for e in f.evidence],
                }
                for f in score.fatals
            ],
            "complete": score.complete,
            "band": score.band,
            "not_applicable_weight": score.not_applicable_weight,
        },
        marks=[
            AutoMark(
                position=position,
                item=mark.item,
                answer=mark.answer.value,
                points=mark.points,
                possible=mark.possible,
                needs_person=mark.needs_person,
                deductions=[list(deduction) for deduction in mark.deductions],
                evidence=[evidence_to_dict(e) for e in mark.evidence],
            )
            for position, mark in enumerate(score.marks)
        ],
    )
