"""Transcripts set right by a person who listened: both texts are kept, and the rules look again at once.

What people answered is never touched, and scores that are released stay as they are. Only the machine's marks are
made anew, by the scorecard that made them before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Call, CallState, TranscriptCorrection, User
from qa import audit
from qa.pipeline import score_stored
from qa.refusals import N_, Refused
from qa.reviews import conflict
from qa.settings import Settings
from transcription.correction import corrected
from transcription.transcript import Transcript, Turn

MAX_TURN = 5_000  # characters
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class StaleTranscript(Refused):
    """The transcript was corrected elsewhere since it was read."""

    def __init__(self) -> None:
        super().__init__(N_("This transcript was corrected by somebody else just now. Look at it again first."))


def correct_turn(
    session: Session,
    call: Call,
    by: User,
    turn: int,
    text: str,
    *,
    revision: int,
    settings: Settings,
    address: str | None = None,
) -> TranscriptCorrection:
    """Put `text` in the place of what the recogniser heard in one turn, and have the rules look at the call again.

    The text as it was heard at first gives that turn back as it was, with its times and its doubts.

    Args:
        turn: its index in the transcript.
        revision: of the transcript that was read.

    Raises:
        Refused: `by` may not judge the call, or the text cannot be kept.
        StaleTranscript: it was corrected since `revision`.
    """
    refusal = conflict(by, call)
    if refusal is not None:
        raise refusal
    stored = call.transcript
    if stored is None:
        raise Refused(N_("There is no transcript of this call."))
    if stored.revision != revision:
        raise StaleTranscript
    transcript = Transcript.from_dict(stored.content)
    text = " ".join(text.split())
    if not 0 <= turn < len(transcript.turns):
        raise Refused(N_("The transcript has no turn %(turn)s."), turn=turn)
    if len(text) > MAX_TURN or _UNSTORABLE.search(text):
        raise Refused(N_("A turn may have %(limit)s characters, and no control characters."), limit=MAX_TURN)
    before = transcript.turns[turn]
    if text == before.text:
        raise Refused(N_("The text is the same as before."))

    heard = Transcript.from_dict(stored.original or stored.content).turns[turn]
    after = heard if text == heard.text else corrected(before, text)
    turns = (*transcript.turns[:turn], after, *transcript.turns[turn + 1 :])
    if stored.original is None:
        stored.original = stored.content
    stored.content = replace(transcript, turns=turns).to_dict()
    stored.text = "\n".join(one.text for one in turns)
    stored.revision += 1
    correction = TranscriptCorrection(
        call_id=call.id, revision=stored.revision, turn=turn, before=before.text, after=text, by=by
    )
    session.add(correction)
    changed = _score_again(session, call, settings)
    audit.record(
        session,
        "transcript.corrected",
        user_id=by.id,
        subject=("call", call.id),
        address=address,
        turn=turn,
        revision=stored.revision,
        marks=changed,
    )
    return correction


def corrections_of(session: Session, call: Call) -> list[TranscriptCorrection]:
    """Return what was corrected in the transcript of `call`, oldest first."""
    wanted = select(TranscriptCorrection).where(TranscriptCorrection.call_id == call.id)
    return list(session.scalars(wanted.order_by(TranscriptCorrection.revision)))


def turns_as_heard(call: Call) -> Mapping[int, Turn]:
    """Return the turns that were corrected, by index, as the recogniser heard them."""
    stored = call.transcript
    if stored is None or stored.revision == 0 or stored.original is None:
        return {}
    heard, now = Transcript.from_dict(stored.original).turns, Transcript.from_dict(stored.content).turns
    return {index: first for index, (first, last) in enumerate(zip(heard, now, strict=True)) if first.text != last.text}


def _score_again(session: Session, call: Call, settings: Settings) -> dict[str, list[str]]:
    """Make the machine's marks anew; return those that changed, as item: [before, after]."""
    if call.state is not CallState.SCORED:
        session.flush()
        return {}
    before = _answers(call)
    version = call.auto_score.scorecard if call.auto_score else None
    if score_stored(session, call, settings, version=version) is not CallState.SCORED:
        raise Refused(N_("So little would be left that the call could not be judged."))
    session.flush()
    after = _answers(call)
    return {item: [before.get(item, ""), answer] for item, answer in after.items() if before.get(item, "") != answer}


def _answers(call: Call) -> dict[str, Any]:
    score = call.auto_score
    if score is None:
        return {}
    fatals = {found["item"]: found["suspected"] for found in score.summary.get("fatals", [])}
    return {**{mark.item: mark.answer for mark in score.marks}, **fatals}
