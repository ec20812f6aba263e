"""Read transcripts that others made: our own JSON, Whisper, WebVTT, SRT, Amazon Transcribe and two corpora.

docs/formats.md shows each form.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from transcription import imported_json
from transcription.imported_json import Reader
from transcription.json_values import WrongValue
from transcription.languages import settle_language
from transcription.subtitles import read_subtitles
from transcription.transcript import Transcript, TranscriptError

TRANSCRIPT_SUFFIXES = {".json", ".vtt", ".srt"}
MAX_BYTES = 64 * 1024 * 1024  # a call of four hours with word times has about 8 MB

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_READERS: tuple[tuple[Any, Reader], ...] = (
    (imported_json.is_harper_valley, imported_json.read_harper_valley),
    (imported_json.is_whisper_cpp, imported_json.read_whisper_cpp),
    (imported_json.is_amazon, imported_json.read_amazon),
    (imported_json.is_whisper, imported_json.read_whisper),
)


def read_transcript(path: Path, *, language: str | None = None, corrected: bool = False) -> Transcript:
    """Read the one transcript of the file at `path`.

    Args:
        path: a .json, .vtt or .srt file of at most MAX_BYTES, in UTF-8, UTF-16 with a byte order mark or GB18030.
        language: BCP 47 tag; it overrides what the file says and is needed where a file says nothing and is not
            written in Chinese.
        corrected: where a corpus holds both, take the text that a person corrected, not the recogniser's own.

    Raises:
        TranscriptError: the file cannot be read, or holds several dialogues; the message begins with its name.
    """
    transcripts = read_transcripts(path, language=language, corrected=corrected)
    if len(transcripts) != 1:
        raise TranscriptError(
            f"{path.name}: holds {len(transcripts)} dialogues where one was expected; split it into a file for each"
        )
    return transcripts[0][1]


def read_transcripts(
    path: Path, *, language: str | None = None, corrected: bool = False
) -> list[tuple[str, Transcript]]:
    """Read every transcript of the file at `path` as (name, transcript).

    The name is the dialogue's own in a file that may hold several, else the file's name without its suffix.
    Arguments and errors are those of `read_transcript`, but several dialogues are no error.
    """
    try:
        return list(_read(path, language, corrected))
    except (TranscriptError, WrongValue) as error:
        raise TranscriptError(f"{path.name}: {error}") from error


def _read(path: Path, language: str | None, corrected: bool) -> Iterator[tuple[str, Transcript]]:
    suffix = path.suffix.lower()
    if suffix not in TRANSCRIPT_SUFFIXES:
        raise TranscriptError(f"is no transcript: the name must end in {', '.join(sorted(TRANSCRIPT_SUFFIXES))}")
    text = _decoded(_bytes_of(path))
    if suffix != ".json":
        yield path.stem, read_subtitles(text, suffix[1:], language=language)
        return
    data = _parsed(text)
    if imported_json.is_dialogues(data):
        yield from imported_json.read_dialogues(data, language)
    else:
        yield path.stem, _one(data, language, corrected)


def _one(data: Any, language: str | None, corrected: bool) -> Transcript:
    if isinstance(data, dict) and "turns" in data:
        transcript = Transcript.from_dict(data)
        return replace(transcript, language=settle_language(language, None, ())) if language else transcript
    if corrected and imported_json.is_harper_valley(data):
        return imported_json.read_harper_valley(data, language, corrected=True)
    for recognises, read in _READERS:
        if recognises(data):
            return read(data, language)
    raise TranscriptError(
        "is JSON of no known form: it has neither turns (our own), segments (Whisper), transcription (whisper.cpp)"
        " nor Transcript (Amazon Transcribe Call Analytics); see docs/formats.md"
    )


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise TranscriptError(f"cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_BYTES:
        raise TranscriptError(f"is larger than {MAX_BYTES // 2**20} MiB: one call never needs so much")
    if not content.strip():
        raise TranscriptError("is empty")
    return content


def _decoded(content: bytes) -> str:
    """Return the text: by its byte order mark, else as UTF-8, else as GB18030, which old Chinese systems write.

    GB18030 gives some text for nearly any bytes, so UTF-8 has to come first.
    """
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if content.startswith(mark)), None)
    for candidate in [encoding] if encoding else ["utf-8", "gb18030"]:
        try:
            return content.decode(candidate)
        except UnicodeDecodeError as error:
            failure = error
    raise TranscriptError(
        f"is neither UTF-8 nor GB18030 text (byte {failure.start} fits neither); save it as UTF-8"
    ) from failure


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise TranscriptError(f"line {error.lineno}, column {error.colno}: is not JSON ({error.msg})") from error
    except (RecursionError, ValueError) as error:  # nested a thousand deep, or a number of thousands of digits
        raise TranscriptError("is JSON that no transcript needs: nested too deep or with an endless number") from error
