"""Tell which calls are no conversations and must not be scored."""

from __future__ import annotations

import re

from transcription.languages import count_units
from transcription.transcript import Transcript

TOO_SHORT = "too_short"
NO_SPEECH = "no_speech"
VOICEMAIL = "voicemail"

_VOICEMAIL = re.compile(
    r"""leave\ (?:a|your|me\ a|us\ a)\ (?:\w+\ )?message
    |after\ the\ (?:tone|beep)|at\ the\ (?:tone|beep)
    |(?:is|are|am)\ (?:not|currently\ not)\ available\ to\ (?:take|answer)
    |(?:can't|can\ not|cannot|unable\ to)\ (?:take|answer|come\ to)\ (?:your|the)\ (?:call|phone)
    |reached\ the\ (?:voice\ ?mail|mailbox)|voice\ ?mail\ box|record\ your\ message
    |the\ (?:person|number|customer|subscriber)\ you\ (?:are\ calling|have\ (?:called|dialled|dialed)|called|dialed)
    |语音信箱|语音邮箱|留言信箱
    |请?在?[“"]?(?:滴|嘀|哔|提示音)[^，。]{0,6}(?:后|之后)[^。]{0,4}(?:留言|录音)
    |请(?:您)?留言|听到提示音后
    |您(?:所)?拨(?:打|叫)的(?:电话|用户|号码)[^。]{0,12}(?:无法接通|无人接听|已关机|正在通话|不在服务区|是空号|已停机|暂时)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SPACES_AND_MARKS = re.compile(r"[\s,.!?;:，。！？；：、]+")


def why_not_gradable(transcript: Transcript, *, min_seconds: float = 10.0, min_words: int = 5) -> str | None:
    """Return why a call cannot be scored, None when it can.

    - "no_speech": fewer than `min_words` words (characters in Chinese) were heard.
    - "voicemail": the announcement of a mailbox, and no second side that answers.
    - "too_short": the recording is shorter than `min_seconds`. A transcript without times is never too short.
    """
    if transcript.timed and transcript.duration < min_seconds:
        return TOO_SHORT
    if sum(count_units(turn.text, transcript.language) for turn in transcript.turns) < min_words:
        return NO_SPEECH
    if _is_voicemail(transcript, min_words):
        return VOICEMAIL
    return None


def _is_voicemail(transcript: Transcript, min_words: int) -> bool:
    """Look for the announcement, then for someone else who answers.

    An agent who leaves a message on a customer's mailbox speaks too, but nobody talks with them: once the
    announcement has been heard, its channel stays silent.
    """
    turns = transcript.turns
    announced = [index for index, turn in enumerate(turns) if _VOICEMAIL.search(_spaced(turn.text))]
    if not announced or announced[0] > 3:  # someone on the telephone may speak about a mailbox
        return False
    speaker = turns[announced[0]].speaker
    if len({turn.speaker for turn in turns}) == 1:
        return True
    after = [turn for turn in turns[announced[-1] + 1 :] if turn.speaker == speaker]
    return sum(count_units(turn.text, transcript.language) for turn in after) < min_words


def _spaced(text: str) -> str:
    return _SPACES_AND_MARKS.sub(" ", text).strip()
