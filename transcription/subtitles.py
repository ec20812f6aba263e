"""Read WebVTT and SubRip (SRT) subtitles, as recognisers and meeting software write them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile
from typing import TYPE_CHECKING

from transcription.languages import join_pieces, settle_language
from transcription.transcript import AGENT, CUSTOMER, UNKNOWN, Transcript, TranscriptError, Turn

if TYPE_CHECKING:
    import webvtt

_NAMES = {
    AGENT: (
        "agent", "operator", "representative", "advisor", "rep",
        "坐席", "座席", "坐席员", "座席员", "客服", "话务员", "客服代表",
    ),
    CUSTOMER: (
        "customer", "caller", "client", "member",
        "客户", "顾客", "用户", "来电人", "主叫",
    ),
}  # fmt: skip
_SPEAKER_OF = {name: speaker for speaker, names in _NAMES.items() for name in names}
_ANY_NAME = "|".join(sorted(map(re.escape, _SPEAKER_OF), key=len, reverse=True))
_PREFIX = re.compile(rf"^\s*[-–]?\s*[\[(【]?({_ANY_NAME})\s*\d*[\])】]?\s*[:：]\s*", re.IGNORECASE)
_NAME_ALONE = re.compile(rf"({_ANY_NAME})[\s_]*\d*", re.IGNORECASE)

_VOICE = re.compile(r"<v(?:\.[^\s.>]+)*\s+([^>]*)>")
_LINE_END = re.compile(r"\r\n|\r|\n")
_TAG = re.compile(r"<[^>\n]*>")
_STATED_LANGUAGE = re.compile(r"^\s*Language:\s*([A-Za-z-]+)\s*$", re.IGNORECASE)

_TIME_LINE = {
    "vtt": re.compile(r"\s*(\d{1,4}:)?\d{1,2}:\d{1,2}\.\d{1,3}\s*-->\s*(\d{1,4}:)?\d{1,2}:\d{1,2}\.\d{1,3}(\s.*)?"),
    "srt": re.compile(r"\s*\d{1,4}:\d{1,2}:\d{1,2}[,.]\d{1,3}\s*-->\s*\d{1,4}:\d{1,2}:\d{1,2}[,.]\d{1,3}(\s.*)?"),
}
_MEANT_AS_TIMES = re.compile(r"-->|^\s*[\d:]+:\d+[.,]\d+\s*[-=>–—→]")  # with a damaged arrow it is no cue to the parser
_EXAMPLE = {"vtt": "00:00:01.000 --> 00:00:04.500", "srt": "00:00:01,000 --> 00:00:04,500"}


def read_subtitles(text: str, form: str, *, language: str | None = None) -> Transcript:
    """Read the text of a subtitle file; `form` is "vtt" or "srt".

    The speaker comes from a WebVTT voice tag (``<v Agent>``) or a prefix (``Agent:``, ``坐席：``) and is unknown
    without one. Where two speak within one cue, both turns carry its times. The duration is the end of the last
    cue; such a file does not say how many channels were recorded, so one is assumed.

    Raises:
        TranscriptError: a line with times cannot be read, or the text is not of this form.
    """
    import webvtt  # only here: few files need it

    lines = _LINE_END.split(text)
    _require_readable_times(lines, form)
    lines = list(dropwhile(lambda line: not line.strip(), lines))
    try:
        lines = _numbered(lines) if form == "srt" else lines
        file = webvtt.WebVTT.from_buffer(lines, format=form, strict=form == "vtt")
    except webvtt.errors.MalformedFileError:
        first = 'a first line "WEBVTT"' if form == "vtt" else f'"1" and "{_EXAMPLE["srt"]}" as the first lines'
        raise TranscriptError(f"is not a {form.upper()} file: it needs {first}") from None
    except webvtt.errors.MalformedCaptionError as error:
        raise TranscriptError(str(error)[:200]) from None
    turns = sorted((turn for cue in file.captions for turn in _turns(cue)), key=lambda turn: turn.start)
    stated = next((match[1] for line in file.metadata if (match := _STATED_LANGUAGE.match(line))), None)
    return Transcript(
        language=settle_language(language, stated, [turn.text for turn in turns]),
        duration=max((turn.end for turn in turns), default=0.0),
        channels=1,
        turns=tuple(turns),
    )


def _require_readable_times(lines: Sequence[str], form: str) -> None:
    """Refuse what the parser would pass over in silence: a cue lost is a sentence nobody scores."""
    for number, line in enumerate(lines, start=1):
        if _MEANT_AS_TIMES.search(line) and not _TIME_LINE[form].fullmatch(line):
            raise TranscriptError(f'line {number}: must be times such as "{_EXAMPLE[form]}", got "{line[:60]}"')


def _numbered(lines: Sequence[str]) -> list[str]:
    """Return the lines of an SRT file with a number before each line of times; some programs leave it out, and the
    parser passes over such a cue."""
    numbered: list[str] = []
    for line in lines:
        if "-->" in line and not (numbered and numbered[-1].isdigit()):
            numbered += ["", "1"]
        numbered.append(line.strip())
    return numbered[1:] if numbered[:1] == [""] else numbered


def _turns(cue: webvtt.Caption) -> Iterator[Turn]:
    start = cue.start_time.in_milliseconds() / 1000
    end = cue.end_time.in_milliseconds() / 1000
    if end < start:
        raise TranscriptError(f"the cue at {cue.start} ends before it starts, at {cue.end}")
    for speaker, lines in _pieces(cue.raw_text):
        text = join_pieces(html.unescape(_TAG.sub("", line)) for line in lines)
        if text:
            yield Turn(speaker, start, end, text)


def _pieces(raw_text: str) -> Iterator[tuple[str, list[str]]]:
    """Split the text of a cue where a voice tag or a prefix names a speaker."""
    speaker, lines = UNKNOWN, list[str]()
    for line in _VOICE.sub(lambda match: f"\n\x00{match[1]}\n", raw_text).split("\n"):
        prefix = _PREFIX.match(line)
        if line.startswith("\x00") or prefix:
            yield speaker, lines
            speaker, lines = _speaker(prefix[1] if prefix else line[1:]), []
            line = line[prefix.end() :] if prefix else ""
        lines.append(line)
    yield speaker, lines


def split_speaker(line: str) -> tuple[str, str] | None:
    """Return the speaker that a line names before a colon, and what they say; None when it names nobody.

    >>> split_speaker("坐席1：您好")
    ('agent', '您好')
    """
    if match := _PREFIX.match(line):
        return _SPEAKER_OF[match[1].lower()], line[match.end() :].strip()
    name, colon, rest = line.strip().partition(":")
    return (UNKNOWN, rest.strip()) if colon and name.strip().lower() == UNKNOWN else None


def _speaker(name: str) -> str:
    match = _NAME_ALONE.fullmatch(html.unescape(name).strip())
    return _SPEAKER_OF[match[1].lower()] if match else UNKNOWN
