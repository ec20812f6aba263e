"""The case library (案例库): clips of calls that others can learn from, with what is personal masked.

A clip is a copy of its own, in words and sound: numbers of three digits or more, mail addresses, the agent's name and
whatever its maker marks are not in it. It leaves the library on its day, and its sound is then deleted.
"""

from __future__ import annotations

import json
import math
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, false, func, or_, select, true
from sqlalchemy.orm import Session, joinedload

from models import Call, CaseClip, Role, StoredTranscript, Team, User
from models.base import now
from qa import audit
from qa.calls import visible_calls
from qa.refusals import N_, Refused
from qa.storage import RecordingStore
from scoring.masking import Span, masked, places_of_words, spans_to_mask
from transcription.clip import cut_recording
from transcription.engine import UnreadableAudio
from transcription.transcript import Transcript, Turn

MAKERS = frozenset({Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD})
AUDIENCES = (Role.AGENT, Role.SUPERVISOR, Role.INSPECTOR, Role.LEAD)
KINDS = ("good", "bad", "discuss")
MAX_SECONDS = 600.0
MIN_SECONDS = 1.0
MARGIN = 0.15  # seconds around a masked word: a recogniser's times are off by about so much
MAX_TITLE, MAX_NOTE, MAX_TAG, MAX_TAGS = 120, 2_000, 30, 10
MAX_MASKS = 2_000
LONGEST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a call and what is masked in it beyond what the rules find; all times in seconds of the call."""

    start: float
    end: float
    masks: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A word of the preview, or a stretch of text without a time of its own."""

    text: str
    start: float | None = None
    end: float | None = None
    hidden: bool = False  # by the rules: nobody can show it
    chosen: bool = False  # by the maker


@dataclass(frozen=True, slots=True)
class PreviewTurn:
    speaker: str
    start: float  # seconds from the beginning of the call
    end: float
    words: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class MaskedClip:
    """A stretch of a call as others will read and hear it."""

    turns: tuple[PreviewTurn, ...]
    content: dict[str, Any]  # masked turns, times from the clip's beginning
    silenced: tuple[tuple[float, float], ...]  # seconds of the call

    @property
    def text(self) -> str:
        return "\n".join(turn["text"] for turn in self.content["turns"])


@dataclass(frozen=True, slots=True)
class NewCase:
    """What its maker says about a clip."""

    kind: str
    title: str
    note: str | None
    tags: Sequence[str]
    audience: Sequence[Role]
    team_id: int | None
    expires_on: date


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What the clips of a list have in common; None asks nothing."""

    words: str | None = None
    kind: str | None = None
    tag: str | None = None
    language: str | None = None  # primary subtag


# --- who -----------------------------------------------------------------------------------------------------


def visible_cases(user: User, today: date) -> Select[CaseClip]:
    """Return the query of the clips that `user` may see and hear today: not withdrawn, not expired, and meant for them.

    Its maker and leads see a clip whatever its audience.
    """
    return select(CaseClip).where(CaseClip.withdrawn_at.is_(None), CaseClip.expires_on >= today, _meant_for(user))


def _meant_for(user: User) -> ColumnElement[bool]:
    if user.role is Role.LEAD:
        return true()
    if user.role not in AUDIENCES:
        return false()
    own_team = user.agent.team_id if user.role is Role.AGENT and user.agent else user.team_id
    of_team: ColumnElement[bool] = true()
    if user.role in (Role.AGENT, Role.SUPERVISOR):
        of_team = or_(CaseClip.team_id.is_(None), CaseClip.team_id == own_team)
    return or_(and_(_lists(CaseClip.audience, user.role.value), of_team), CaseClip.created_by_id == user.id)


def _lists(column: Any, value: str) -> ColumnElement[bool]:
    """Return whether a stored list holds `value`, on any database."""
    return cast(column, String).contains(json.dumps(value), autoescape=True)


def may_withdraw(user: User, clip: CaseClip) -> bool:
    return user.role is Role.LEAD or (user.role in MAKERS and clip.created_by_id == user.id)


def teams_of(session: Session, user: User) -> list[Team]:
    """Return the teams that `user` may make a clip for alone: a supervisor's own, else all."""
    teams = select(Team).order_by(Team.name)
    return list(session.scalars(teams.where(Team.id == user.team_id) if user.role is Role.SUPERVISOR else teams))


def call_to_clip(session: Session, call_id: int, user: User) -> Call | None:
    """Return a call that `user` may see, with its words."""
    return session.scalar(
        visible_calls(user).where(Call.id == call_id).options(joinedload(Call.agent), joinedload(Call.transcript))
    )


# --- masking -------------------------------------------------------------------------------------------------


def preview(call: Call, cut: Cut) -> MaskedClip:
    """Return what would be in a clip of `call`.

    Raises:
        Refused: the call has no words with times, or the stretch is empty, too long or outside the call.
    """
    transcript = _words_of(call)
    cut = _checked(call, transcript, cut)
    names = [name for name in (call.agent.name, call.agent.number) if name] if call.agent else []
    names += [part for name in names for part in name.split() if len(part) > 2]
    spans = spans_to_mask(transcript, names)
    turns: list[PreviewTurn] = []
    shown: list[dict[str, Any]] = []
    silenced: list[tuple[float, float]] = list(cut.masks)
    for index, turn in enumerate(transcript.turns):
        own = [span for span in spans if span.turn == index]
        silenced.extend(_times(turn, own))
        words = _said(turn, own, cut)
        if words:
            start, end = max(turn.start, cut.start), min(turn.end, cut.end)
            turns.append(PreviewTurn(turn.speaker, start, end, tuple(words)))
            shown.append(
                {
                    "speaker": turn.speaker,
                    "start": round(start - cut.start, 2),
                    "end": round(end - cut.start, 2),
                    "text": _text(words),
                }
            )
    quiet = _inside(silenced, cut)
    content = {
        "turns": shown,
        "duration": round(cut.end - cut.start, 2),
        "masked": [[round(begin - cut.start, 2), round(end - cut.start, 2)] for begin, end in quiet],
    }
    return MaskedClip(tuple(turns), content, tuple(quiet))


def _words_of(call: Call) -> Transcript:
    stored: StoredTranscript | None = call.transcript
    transcript = Transcript.from_dict(stored.content) if stored is not None else None
    if transcript is None or not transcript.timed or not transcript.turns:
        raise Refused(N_("This call has no words with times: nothing can be cut out of it."))
    return transcript


def _checked(call: Call, transcript: Transcript, cut: Cut) -> Cut:
    length = call.duration or transcript.duration
    if not all(math.isfinite(moment) for moment in (cut.start, cut.end, *(m for mask in cut.masks for m in mask))):
        raise Refused(N_("These are no moments of the call."), field="start")
    if cut.start < 0 or cut.start >= length:
        raise Refused(N_("The clip begins outside the call."), field="start")
    end = min(cut.end, length)
    if end - cut.start < MIN_SECONDS:
        raise Refused(N_("The clip ends at least a second after it begins."), field="end")
    if end - cut.start > MAX_SECONDS:
        raise Refused(N_("A clip may last %(limit)s minutes."), field="end", limit=round(MAX_SECONDS / 60))
    if len(cut.masks) > MAX_MASKS:
        raise Refused(N_("These are too many masked places."), field="masks")
    return Cut(cut.start, end, tuple(mask for mask in cut.masks if mask[0] < mask[1]))


def _times(turn: Turn, spans: Sequence[Span]) -> list[tuple[float, float]]:
    """Return the seconds of the words that `spans` touch; of the whole turn where its words have no times."""
    if not spans:
        return []
    if not turn.words:
        return [(turn.start - MARGIN, turn.end + MARGIN)]
    return [
        (word.start - MARGIN, word.end + MARGIN)
        for word, begin, end in places_of_words(turn)
        if any(begin < span.end and span.start < max(end, begin + 1) for span in spans)
    ]


def _said(turn: Turn, spans: Sequence[Span], cut: Cut) -> list[Said]:
    """Return the words of a turn that lie wholly within the cut."""
    if not turn.words:
        if turn.start < cut.start or turn.end > cut.end:
            return []
        chosen = _chosen(turn.start, turn.end, cut)
        text = masked(turn.text, [(span.start, span.end) for span in spans])
        return [Said(text, turn.start, turn.end, hidden=False, chosen=chosen)]
    words = []
    for word, begin, end in places_of_words(turn):
        if word.start >= cut.start and word.end <= cut.end:
            hidden = any(begin < span.end and span.start < max(end, begin + 1) for span in spans)
            chosen = not hidden and _chosen(word.start, word.end, cut)
            words.append(Said(word.text.strip(), word.start, word.end, hidden, chosen))
    return words


def _chosen(start: float, end: float, cut: Cut) -> bool:
    """Whether the maker masks any part of a word."""
    middle = max(end, start + 0.01)
    return any(begin < middle and start < finish for begin, finish in cut.masks)


def _text(words: Sequence[Said]) -> str:
    """Return words as one text; masked ones that follow each other are one sign."""
    from scoring.masking import MASK

    text = ""
    for word in words:
        part = MASK if word.hidden or word.chosen else word.text
        if part == MASK and text.endswith(MASK):
            continue
        joint = " " if text and text[-1].isascii() and part[:1].isascii() else ""
        if part == MASK and text and text[-1].isascii():
            joint = " "
        if text.endswith(MASK) and part[:1].isascii():
            joint = " "
        text += joint + part
    return text


def _inside(spans: Sequence[tuple[float, float]], cut: Cut) -> list[tuple[float, float]]:
    """Return `spans` cut to the clip and joined where they meet."""
    joined: list[tuple[float, float]] = []
    for begin, end in sorted((max(begin, cut.start), min(end, cut.end)) for begin, end in spans):
        if begin >= end:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def masked_sound(call: Call, cut: Cut, store: RecordingStore) -> bytes | None:
    """Return the sound of a clip as a FLAC file; None when the call has no recording.

    Raises:
        Refused: the stretch cannot be cut, or the recording cannot be read.
    """
    shown = preview(call, cut)
    if not call.audio_key or not store.exists(call.audio_key):
        return None
    cut = _checked(call, _words_of(call), cut)
    with tempfile.TemporaryDirectory(prefix="hotline-") as folder, store.as_file(call.audio_key) as source:
        target = Path(folder) / "clip.flac"
        try:
            cut_recording(source, target, cut.start, cut.end, shown.silenced)
        except UnreadableAudio:
            raise Refused(N_("The recording of this call cannot be read.")) from None
        return target.read_bytes()


# --- from making to deleting ---------------------------------------------------------------------------------


def publish(
    session: Session,
    store: RecordingStore,
    call: Call,
    cut: Cut,
    case: NewCase,
    *,
    by: User,
    today: date,
    address: str | None = None,
) -> CaseClip:
    """Put a clip of `call` into the library, in the caller's transaction.

    Raises:
        Refused: `by` may not, or something of the case is missing or makes no sense.
    """
    if by.role not in MAKERS or session.scalar(visible_calls(by).where(Call.id == call.id)) is None:
        raise Refused(N_("You cannot make a clip of this call."))
    tags = _tags(case.tags)
    _check_case(session, case, by, today)
    shown = preview(call, cut)
    cut = _checked(call, _words_of(call), cut)
    sound = masked_sound(call, cut, store)
    key = None
    if sound is not None:
        key = f"cases/{today.year}/{secrets.token_hex(16)}.flac"
        store.put(key, sound)
    title, note = case.title.strip(), (case.note or "").strip() or None
    clip = CaseClip(
        call=call,
        starts=cut.start,
        ends=cut.end,
        kind=case.kind,
        title=title,
        note=note,
        tags=tags,
        language=call.language,
        text="\n".join(part for part in (title, note, " ".join(tags), shown.text) if part),
        content=shown.content,
        audio_key=key,
        audience=[role.value for role in dict.fromkeys(case.audience)],
        team_id=case.team_id,
        expires_on=case.expires_on,
        created_by=by,
    )
    session.add(clip)
    session.flush()
    audit.record(
        session,
        "case.published",
        user_id=by.id,
        subject=("case", clip.id),
        address=address,
        call=call.id,
        starts=round(cut.start, 2),
        ends=round(cut.end, 2),
        masked=len(shown.silenced),
        audience=clip.audience,
        team=clip.team_id,
        expires_on=clip.expires_on.isoformat(),
    )
    return clip


def _check_case(session: Session, case: NewCase, by: User, today: date) -> None:
    if case.kind not in KINDS:
        raise Refused(N_("Say what kind of case it is."), field="kind")
    if not case.title.strip():
        raise Refused(N_("Give the case a title."), field="title")
    if len(case.title) > MAX_TITLE:
        raise Refused(N_("A title may have %(limit)s characters."), field="title", limit=MAX_TITLE)
    if case.note and len(case.note) > MAX_NOTE:
        raise Refused(N_("A note may have %(limit)s characters."), field="note", limit=MAX_NOTE)
    if not case.audience or any(role not in AUDIENCES for role in case.audience):
        raise Refused(N_("Choose who may see it."), field="audience")
    if case.team_id is not None and case.team_id not in {team.id for team in teams_of(session, by)}:
        raise Refused(N_("Choose a team."), field="team")
    if case.team_id is None and by.role is Role.SUPERVISOR:
        raise Refused(N_("A supervisor shares cases with the own team."), field="team")
    if not today < case.expires_on <= today + timedelta(days=LONGEST_DAYS):
        raise Refused(N_("The last day lies after today, within ten years."), field="expires_on")


def _tags(given: Sequence[str]) -> list[str]:
    tags = list(dict.fromkeys(" ".join(tag.split()) for tag in given if tag.strip()))
    if len(tags) > MAX_TAGS:
        raise Refused(N_("Give %(limit)s tags at the most."), field="tags", limit=MAX_TAGS)
    if any(len(tag) > MAX_TAG for tag in tags):
        raise Refused(N_("A tag may have %(limit)s characters."), field="tags", limit=MAX_TAG)
    return tags


def withdraw(session: Session, clip: CaseClip, *, by: User, address: str | None = None) -> None:
    """Take a clip out of the library at once; its sound is deleted by the next `delete_expired`.

    Raises:
        Refused: `by` neither made it nor leads.
    """
    if not may_withdraw(by, clip):
        raise Refused(N_("Only its maker or a lead withdraws a case."))
    clip.withdrawn_at = now()
    audit.record(session, "case.withdrawn", user_id=by.id, subject=("case", clip.id), address=address)


def delete_expired(session: Session, today: date) -> list[str]:
    """Take the sound from clips that are withdrawn or past their day; return the keys to delete after the commit."""
    gone = session.scalars(
        select(CaseClip).where(
            CaseClip.audio_key.is_not(None),
            or_(CaseClip.withdrawn_at.is_not(None), CaseClip.expires_on < today),
        )
    ).all()
    keys = []
    for clip in gone:
        assert clip.audio_key is not None
        keys.append(clip.audio_key)
        clip.audio_key = None
        audit.record(
            session,
            "case.sound_deleted",
            subject=("case", clip.id),
            expired=clip.withdrawn_at is None,
            expires_on=clip.expires_on.isoformat(),
        )
    return keys


# --- finding -------------------------------------------------------------------------------------------------


def find_cases(user: User, wanted: CaseFilter, today: date) -> Select[CaseClip]:
    """Return the query of the visible clips that `wanted` describes."""
    found = visible_cases(user, today)
    if wanted.words:
        for word in wanted.words.split():
            found = found.where(func.lower(CaseClip.text).contains(word.lower(), autoescape=True))
    if wanted.kind:
        found = found.where(CaseClip.kind == wanted.kind)
    if wanted.tag:
        found = found.where(_lists(CaseClip.tags, wanted.tag))
    if wanted.language:
        found = found.where(
            or_(CaseClip.language == wanted.language, CaseClip.language.startswith(f"{wanted.language}-"))
        )
    return found


def tags_in(session: Session, user: User, today: date) -> list[str]:
    """Return the tags of all clips that `user` may see, the most used first."""
    counts: dict[str, int] = {}
    for (tags,) in session.execute(visible_cases(user, today).with_only_columns(CaseClip.tags)):
        for tag in tags:
            counts[tag] = counts.get(tag, 0) + 1
    return sorted(counts, key=lambda tag: (-counts[tag], tag))
