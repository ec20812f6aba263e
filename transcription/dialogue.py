"""Read a written dialogue, as one types it to try something out: ``agent: …`` and ``customer: …``, line by line.

Nobody spoke it, so its times are assumed: each line begins half a second after the one before and runs at an ordinary
pace, unless a line says when it begins (``0:42 agent: …``).
"""

from __future__ import annotations

import re

from transcription.languages import counts_characters
from transcription.subtitles import split_speaker
from transcription.transcript import Transcript, TranscriptError, Turn, Word

WORD_SECONDS = 0.36  # about 165 words a minute
CHARACTER_SECONDS = 0.27  # about 220 characters a minute
GAP_SECONDS = 0.5
TAIL_SECONDS = 0.5
MAX_CHARACTERS = 100_000

_CLOCK = re.compile(r"^\s*[\[(]?(?:(\d{1,2}):)?(\d{1,3}):(\d{2}(?:\.\d{1,3})?)[\])]?\s+")
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CHARACTERS = re.compile(rf"[{_HAN}]|[^\s{_HAN}]+")
_WORDS = re.compile(r"\S+")


def read_dialogue(text: str, *, language: str) -> Transcript:
    """Return the transcript of a written dialogue in `language` (BCP 47); two channels, as if each side had its own.

    Empty lines are passed over. Speakers may be named in English or Chinese (agent, customer, 坐席, 客户 …).

    Raises:
        TranscriptError: a line names no speaker, goes back in time, or there are no lines or too many; the message
            names the line and how to mend it.
    """
    if len(text) > MAX_CHARACTERS:
        raise TranscriptError(f"the dialogue has {len(text)} characters, at most {MAX_CHARACTERS}: shorten it")
    pace = CHARACTER_SECONDS if counts_characters(language) else WORD_SECONDS
    units = _CHARACTERS if counts_characters(language) else _WORDS
    turns: list[Turn] = []
    clock = 0.0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        given, rest = _clock(line)
        spoken = split_speaker(rest)
        if spoken is None or not spoken[1]:
            raise TranscriptError(
                f"line {number}: {line.strip()[:40]!r} does not say who speaks, or says nothing: "
                'write "agent: words" or "customer: words"'
            )
        if given is not None and turns and given < turns[-1].start:
            raise TranscriptError(f"line {number}: begins before the line above it: put the lines in order of time")
        clock = clock if given is None else given
        words = tuple(
            Word(unit[0], round(clock + pace * n, 3), round(clock + pace * (n + 1), 3))
            for n, unit in enumerate(units.finditer(spoken[1]))
        )
        turns.append(Turn(spoken[0], clock, words[-1].end, spoken[1], words))
        clock = round(words[-1].end + GAP_SECONDS, 3)
    if not turns:
        raise TranscriptError('the dialogue is empty: write lines such as "agent: hello" and "customer: hello"')
    return Transcript(language, round(max(turn.end for turn in turns) + TAIL_SECONDS, 3), 2, tuple(turns), "typed")


def write_dialogue(transcript: Transcript) -> str:
    """Return `transcript` as lines that `read_dialogue` reads; the times of turns stay, those of words are lost."""
    lines = []
    for turn in transcript.turns:
        minutes, seconds = divmod(round(turn.start, 1), 60)
        when = f"{int(minutes)}:{seconds:04.1f} " if transcript.timed else ""
        words = " ".join(turn.text.split())
        if words:
            lines.append(f"{when}{turn.speaker}: {words}")
    return "\n".join(lines)


def _clock(line: str) -> tuple[float | None, str]:
    """Return when a line says that it begins, in seconds, and the rest of it."""
    match = _CLOCK.match(line)
    if match is None:
        return None, line
    hours, minutes, seconds = match.groups()
    return 3600 * int(hours or 0) + 60 * int(minutes) + float(seconds), line[match.end() :]
