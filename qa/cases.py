"""The case library (案例库): clips of calls that others can learn from, with what is personal masked.

A clip is a copy of its own, in words and sound: numbers of three digits or more, mail addresses, the agent's name and
whatever its maker marks are not in it. It leaves the library on its day, and its sound is then deleted.
"""

from __future__ import annotations

import json
import math
import secrets
import tempfile
from collections.abc import Collection, Sequence
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
from scoring.masking import MASK, hidden_words, masked, places_of_words, spans_to_mask
from transcription.clip import cut_recording
from transcription.engine import UnreadableAudio
from transcription.transcript import Transcript, Turn, Word

MAKERS = frozenset({Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD})
AUDIENCES = (Role.AGENT, Role.SUPERVISOR, Role.INSPECTOR, Role.LEAD)
KINDS = ("good", "bad", "discuss")
MAX_SECONDS = 600.0
MIN_SECONDS = 1.0
MARGIN = 0.15  # seconds around a masked word: a recogniser's times are off by about so much
TOUCH = 0.015  # seconds
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
    """A word of the preview, or a whole turn whose words have no times."""

    text: str
    start: float  # seconds from the beginning of the call
    end: float
    after: str = " "  # what the text has up to the next word: a blank, punctuation
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

    cut: Cut
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
    names = _names(call)
    hidden = hidden_words(transcript, names)
    spans = spans_to_mask(transcript, names)
    turns: list[PreviewTurn] = []
    silenced: list[tuple[float, float]] = list(cut.masks)
    for index, turn in enumerate(transcript.turns):
        if turn.words:
            silenced += [_with_margin(turn.words[number]) for number in hidden[index]]
            words = _words_said(turn, hidden[index], cut)
        else:
            own = [(span.start, span.end) for span in spans if span.turn == index]
            silenced += [_with_margin(turn)] if own else []
            words = _turn_said(turn, own, cut)
        silenced += [_with_margin(word) for word in words if word.chosen]
        if words:
            turns.append(PreviewTurn(turn.speaker, words[0].start, words[-1].end, tuple(words)))
    quiet = _inside(silenced, cut)
    content = {
        "turns": [_stored_turn(turn, cut) for turn in turns],
        "duration": round(cut.end - cut.start, 2),
        "masked": [[round(begin - cut.start, 2), round(end - cut.start, 2)] for begin, end in quiet],
    }
    return MaskedClip(cut, tuple(turns), content, tuple(quiet))


def _names(call: Call) -> list[str]:
    """Return the agent's name and staff number, and the parts of a name of several words."""
    if call.agent is None:
        return []
    whole = [call.agent.name, call.agent.number]
    return [name for name in (*whole, *(part for part in call.agent.name.split() if len(part) > 2)) if name]


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


def _with_margin(said: Word | Turn | Said) -> tuple[float, float]:
    return said.start - MARGIN, said.end + MARGIN


def _words_said(turn: Turn, hidden: Collection[int], cut: Cut) -> list[Said]:
    """Return the words of a turn that lie wholly within the cut, with the punctuation between them."""
    places = places_of_words(turn)
    words = []
    for number, word in enumerate(turn.words):
        if word.start < cut.start or word.end > cut.end:
            continue
        following = places[number + 1][0] if number + 1 < len(places) else len(turn.text)
        after = turn.text[places[number][1] : following]
        if any(character.isalnum() for character in after):
            after = " "
        is_hidden = number in hidden
        chosen = not is_hidden and _chosen(word, cut)
        words.append(Said(word.text.strip(), word.start, word.end, after, is_hidden, chosen))
    return words


def _turn_said(turn: Turn, spans: Sequence[tuple[int, int]], cut: Cut) -> list[Said]:
    """Return a turn without word times as a whole, when it lies within the cut."""
    if turn.start < cut.start or turn.end > cut.end or not turn.text.strip():
        return []
    return [Said(masked(turn.text, spans), turn.start, turn.end, "", chosen=_chosen(turn, cut))]


def _chosen(said: Word | Turn, cut: Cut) -> bool:
    """Whether the maker masks any part of it; a neighbour that is touched by a hundredth of a second is not meant."""
    end = max(said.end, said.start + 2 * TOUCH)
    return any(min(end, finish) - max(said.start, begin) > TOUCH for begin, finish in cut.masks)


def _stored_turn(turn: PreviewTurn, cut: Cut) -> dict[str, Any]:
    return {
        "speaker": turn.speaker,
        "start": round(turn.start - cut.start, 2),
        "end": round(turn.end - cut.start, 2),
        "text": shown_text(turn.words),
    }


def shown_text(words: Sequence[Said]) -> str:
    """Return words as others read them; masked ones that follow each other are one sign."""
    parts: list[tuple[str, str]] = []
    for word in words:
        text = MASK if word.hidden or word.chosen else word.text
        if text == MASK and parts and parts[-1][0] == MASK:
            parts.pop()
        parts.append((text, word.after))
    return "".join(text + after for text, after in parts).strip()


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


def masked_sound(call: Call, clip: MaskedClip, store: RecordingStore) -> bytes | None:
    """Return the sound of a clip as a FLAC file; None when the call has no recording.

    Raises:
        Refused: the recording cannot be read.
    """
    if not call.audio_key or not store.exists(call.audio_key):
        return None
    with tempfile.TemporaryDirectory(prefix="hotline-") as folder, store.as_file(call.audio_key) as source:
        target = Path(folder) / "clip.flac"
        try:
            cut_recording(source, target, clip.cut.start, clip.cut.end, clip.silenced)
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
    sound = masked_sound(call, shown, store)
    key = None
    if sound is not None:
        key = f"cases/{today.year}/{secrets.token_hex(16)}.flac"
        store.put(key, sound)
    title, note = case.title.strip(), (case.note or "").strip() or None
    clip = CaseClip(
        call=call,
        starts=shown.cut.start,
        ends=shown.cut.end,
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
        starts=round(shown.cut.start, 2),
        ends=round(shown.cut.end, 2),
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
