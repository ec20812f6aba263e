"""What lies before ingest: which files make one call, and what is known about it beside its sound.

Metadata comes from a manifest's columns, else from the file name by the configured pattern.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from qa.settings import Settings

_AUDIO = "wav flac mp3 ogg opus m4a aac mp4 gsm amr au aif aiff wma webm al ul w64 caf"
AUDIO_SUFFIXES = frozenset(f".{kind}" for kind in _AUDIO.split())
TRANSCRIPT_SUFFIXES = frozenset({".json", ".vtt", ".srt"})

_AGENT_SIDE = re.compile(r"(?P<stem>.*?)[_. -]?agent", re.IGNORECASE)
_CUSTOMER_SIDE = re.compile(r"(?P<stem>.*?)[_. -]?(caller|customer|client)", re.IGNORECASE)
_EVENT = re.compile(r"(?P<kind>[a-z_]+)@(?P<start>\d+(\.\d+)?)(-(?P<end>\d+(\.\d+)?))?")
MAX_MANIFEST_BYTES = 64 * 2**20
MAX_CELL = 200  # characters of one value in a manifest; file names may be longer
MAX_NAME = 600  # characters of a source's name: two file names at their longest
# No text of a call has these, and databases refuse some: controls, and the halves that undecodable bytes become.
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class SourceError(ValueError):
    """A path, manifest line or file name that cannot be used; the message says where and how to mend it."""


@dataclass(frozen=True, slots=True)
class CallMetadata:
    """What the telephone system knows about a call."""

    external_id: str | None = None
    agent: str | None = None  # staff number
    agent_name: str | None = None
    team: str | None = None
    started_at: datetime | None = None
    queue: str | None = None
    direction: str | None = None  # "inbound" or "outbound"
    customer_number: str | None = None
    language: str | None = None  # BCP 47
    agent_channel: int | None = None  # 0 (left) or 1 (right)
    engine: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)  # {"events": [...], "fields": {...}}
    synthetic: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one call: a recording or an agent's and a customer's side, a transcript, or both."""

    name: str
    metadata: CallMetadata
    recording: tuple[Path, ...] = ()  # one file, or the agent's then the customer's side
    transcript: Path | None = None


_COLUMNS = (
    "file agent_file customer_file transcript external_id agent agent_name team started_at queue direction "
    "customer_number language agent_channel engine events"
)
COLUMNS = frozenset(_COLUMNS.split())
_VALUES = COLUMNS - {"file", "agent_file", "customer_file", "transcript", "events"}


CHANNELS = {"": None, "0": 0, "1": 1, "left": 0, "right": 1}


def find_sources(paths: Iterable[Path], settings: Settings, manifest: Path | None = None) -> Iterator[Source]:
    """Yield the calls that `paths` and `manifest` hold, folders searched to any depth, in a stable order.

    Raises:
        SourceError: a path does not exist, or the manifest has a line that cannot be used.
    """
    named: set[Path] = set()
    if manifest is not None:
        for source in read_manifest(manifest, settings):
            named.update(path.resolve() for path in (*source.recording, source.transcript) if path)
            yield source
    files: dict[Path, str] = {}  # with the name that each is known by: its place below the folder that was given
    for path in paths:
        if path.is_dir():
            found = sorted(inner for inner in path.rglob("*") if _is_wanted(inner, path, settings))
            files |= {inner: inner.relative_to(path).as_posix() for inner in found}
        elif path.exists():
            files[path] = path.name
        else:
            raise SourceError(f"there is no file or folder {path}")
    yield from _group({path: name for path, name in files.items() if path.resolve() not in named}, settings)


def _is_wanted(path: Path, folder: Path, settings: Settings) -> bool:
    """Say whether a file found below `folder` may be a call: no hidden file, and none of the product's own."""
    if path.suffix.lower() not in AUDIO_SUFFIXES | TRANSCRIPT_SUFFIXES or not path.is_file():
        return False
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and not path.resolve().is_relative_to(settings.var_dir.resolve())


def _group(files: Mapping[Path, str], settings: Settings) -> Iterator[Source]:
    """Join a recording's sides, and a recording with the transcript that lies beside it."""
    transcripts = {path.with_suffix(""): path for path in files if path.suffix.lower() in TRANSCRIPT_SUFFIXES}
    recordings = [path for path in files if path.suffix.lower() not in TRANSCRIPT_SUFFIXES]
    sides: dict[tuple[Path, str, str], Path] = {}
    for path in recordings:
        if match := _CUSTOMER_SIDE.fullmatch(path.stem):
            sides[path.parent, match["stem"].lower(), path.suffix.lower()] = path
    used: set[Path] = set()
    for path in recordings:
        match = _AGENT_SIDE.fullmatch(path.stem)
        other = sides.get((path.parent, match["stem"].lower(), path.suffix.lower())) if match else None
        if other is not None:
            used |= {path, other}
            name = f"{files[path]} + {other.name}"
            metadata = replace(from_file_name(match["stem"] if match else path.stem, settings), agent_channel=0)
            yield Source(name, metadata, (path, other))
    for path in recordings:
        if path not in used:
            beside = transcripts.pop(path.with_suffix(""), None)
            yield Source(files[path], from_file_name(path.stem, settings), (path,), beside)
    for path in transcripts.values():
        yield Source(files[path], from_file_name(path.stem, settings), (), path)


def plain_name(name: str) -> str:
    """Return the name of a file as one line of text that every database keeps.

    >>> plain_name("a\\nb.wav")
    'a\ufffdb.wav'
    """
    return _NO_TEXT.sub("\ufffd", name)[:MAX_NAME]


def from_file_name(stem: str, settings: Settings) -> CallMetadata:
    """Return what the configured pattern reads from a file name without its suffix.

    A time that no calendar has (20261399) is not told: the file's own date serves, as without any.
    """
    match = re.match(settings.file_name_pattern, plain_name(stem))
    found = {name: value for name, value in match.groupdict().items() if value} if match else {}
    number = found.pop("agent_number", None)
    started = found.pop("started_at", None)
    try:
        started_at = parse_time(started, settings.zone) if started else None
    except SourceError:
        started_at = None
    channel = CHANNELS.get(found.pop("agent_channel", "").lower())
    return CallMetadata(
        **{"agent": number, **found},  # type: ignore[arg-type]
        started_at=started_at,
        agent_channel=channel,
    )


def parse_time(text: str, zone: ZoneInfo) -> datetime:
    """Return the time that `text` writes: ISO 8601, or the digits of date and time; in `zone` unless it says.

    Raises:
        SourceError: it is neither, or lies outside the years 1971 to 2999.
    """
    wrong = SourceError(f"{text!r} is not a time; write it as 2026-11-18T14:32:00")
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        digits = re.sub(r"\D", "", text)
        if len(digits) not in (12, 14):
            raise wrong from None
        try:
            moment = datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=zone)
        except ValueError:
            raise wrong from None
    if not 1971 <= moment.year <= 2999:
        raise wrong
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def read_manifest(path: Path, settings: Settings) -> Iterator[Source]:
    """Yield one source for each line of a CSV manifest; file names are relative to its folder.

    Raises:
        SourceError: the file is not UTF-8 CSV, has an unknown column, or a line cannot be used; it names the line.
    """
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise SourceError(f"{path}: is larger than {MAX_MANIFEST_BYTES // 2**20} MiB; split it")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"{path}: is not UTF-8 text; save it as CSV UTF-8") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        unknown = [name for name in reader.fieldnames or [] if name not in COLUMNS and not name.startswith("field:")]
        if unknown:
            raise SourceError(f"unknown columns {unknown}; known are {sorted(COLUMNS)} and field:NAME")
        for row in reader:
            yield _from_row(_cells(row), path.parent, settings)
    except (SourceError, csv.Error) as error:
        raise SourceError(f"{path}:{max(1, reader.line_num)}: {error}") from None


def _cells(row: Mapping[str | None, Any]) -> dict[str, str]:
    """Return a line's values by column.

    Raises:
        SourceError: there are more of them than columns, or one is too long or holds control characters.
    """
    if row.get(None):
        raise SourceError("has more cells than there are columns; quote a value that holds a comma")
    cells = {name: (value or "").strip() for name, value in row.items() if name}
    for name, value in cells.items():
        if name.startswith("field:"):
            cells[name] = " ".join(value.split())
        elif name in _VALUES and len(value) > MAX_CELL:
            raise SourceError(f"{name}: has {len(value)} characters; at most {MAX_CELL}")
        if _NO_TEXT.search(cells[name]):
            raise SourceError(f"{name}: holds a control character or a line break")
    return cells


def _from_row(row: dict[str, str], folder: Path, settings: Settings) -> Source:
    def file(column: str) -> Path | None:
        return folder / row[column] if row.get(column) else None

    one, agent, customer, transcript = file("file"), file("agent_file"), file("customer_file"), file("transcript")
    if one and one.suffix.lower() in TRANSCRIPT_SUFFIXES and not transcript:
        one, transcript = None, one
    if bool(agent) != bool(customer) or (one and agent):
        raise SourceError("give either file, or both agent_file and customer_file")
    recording = (one,) if one else (agent, customer) if agent and customer else ()
    if not recording and not transcript:
        raise SourceError("names no file")
    missing = [path for path in (*recording, transcript) if path and not path.is_file()]
    if missing:
        raise SourceError(f"there is no file {missing[0]}")
    channel = row.get("agent_channel", "").lower()
    if channel not in CHANNELS:
        raise SourceError(f"agent_channel: {channel!r} is not 0, 1, left or right")
    if row.get("direction", "") not in ("", "inbound", "outbound"):
        raise SourceError(f"direction: {row['direction']!r} is not inbound or outbound")
    first = recording[0] if recording else transcript
    assert first is not None
    base = from_file_name(first.stem, settings)
    given: dict[str, Any] = {
        item.name: row[item.name]
        for item in fields(CallMetadata)
        if row.get(item.name) and item.name not in ("started_at", "agent_channel", "facts", "synthetic")
    }
    if row.get("started_at"):
        given["started_at"] = parse_time(row["started_at"], settings.zone)
    if agent:
        given["agent_channel"] = 0
    elif channel:
        given["agent_channel"] = CHANNELS[channel]
    given["facts"] = {
        "events": [_event(text) for text in row.get("events", "").split(";") if text.strip()],
        "fields": {
            name.removeprefix("field:"): value for name, value in row.items() if name.startswith("field:") and value
        },
    }
    name = " + ".join(path.name for path in recording) or first.name
    return Source(name, replace(base, **given), recording, transcript)


def _event(text: str) -> dict[str, Any]:
    match = _EVENT.fullmatch(text.strip())
    if not match:
        raise SourceError(f"events: {text.strip()!r} is not KIND@SECONDS or KIND@SECONDS-SECONDS, e.g. hold_start@12.5")
    end = match["end"]
    return {"kind": match["kind"], "start": float(match["start"]), "end": float(end) if end else None}
