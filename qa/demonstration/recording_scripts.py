"""The dialogues of the English recordings, as scripts/recordings.yaml gives them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import time
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
RECORDINGS = HERE / "recordings"
ORDINARY_PAUSE = 0.45  # seconds between two speakers
ORDINARY_NOISE = -72.0  # dB relative to full scale


@dataclass(frozen=True, slots=True)
class Voice:
    """A flite voice; `pitch` above 1 is higher and quicker, `stretch` above 1 is slower."""

    flite: str
    pitch: float = 1.0
    stretch: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said; `pause` is seconds after the end of the line before, negative when it cuts in."""

    who: str
    say: str
    pause: float = ORDINARY_PAUSE
    hold: bool = False


@dataclass(frozen=True, slots=True)
class RecordingScript:
    """One recorded call: who speaks, what, and on what kind of line."""

    id: str
    title: str
    agent: str
    customer_voice: str
    queue: str
    days_ago: int
    at: time
    lines: tuple[Line, ...]
    channels: int = 2
    direction: str = "inbound"
    noise_dbfs: float = ORDINARY_NOISE
    taken: frozenset[str] = frozenset()  # steps of the script, as a person who listens judges them
    missed: frozenset[str] = frozenset()
    review: str | None = None  # why an inspector has looked at it

    @property
    def external_id(self) -> str:
        return f"demo-{self.id}"

    @property
    def audio(self) -> Path:
        return RECORDINGS / f"{self.id}.flac"

    def words_of(self, speaker: str) -> str:
        """Return all that `speaker` says, in order."""
        return " ".join(line.say for line in self.lines if line.who == speaker)


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A line with the moment it is spoken, in seconds from the beginning of the recording."""

    who: str
    say: str
    start: float
    end: float
    hold: tuple[float, float] | None = None  # the hold before it


def spoken_lines(script: RecordingScript) -> tuple[SpokenLine, ...]:
    """Return what is really said in the recording and when, as make_recordings.py wrote it down."""
    lines = json.loads((RECORDINGS / "spoken.json").read_text("utf-8"))[script.id]
    return tuple(SpokenLine(**{**line, "hold": tuple(line["hold"]) if "hold" in line else None}) for line in lines)


def hold_events(script: RecordingScript) -> list[dict[str, Any]]:
    """Return the holds of the recording as the telephone system reports them."""
    holds = [line.hold for line in spoken_lines(script) if line.hold]
    return [
        {"kind": kind, "start": moment, "end": None}
        for hold in holds
        for kind, moment in zip(("hold_start", "hold_end"), hold, strict=True)
    ]


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((HERE / "scripts" / "recordings.yaml").read_text("utf-8"))
    return document


def voices() -> dict[str, Voice]:
    return {name: Voice(**fields) for name, fields in _document()["voices"].items()}


def recording_scripts() -> tuple[RecordingScript, ...]:
    """Return the recordings in the order of the file."""
    return tuple(_script(entry) for entry in _document()["recordings"])


def _script(entry: dict[str, Any]) -> RecordingScript:
    fields = dict(entry)
    lines = tuple(Line(**line) for line in fields.pop("lines"))
    taken, missed = (frozenset(fields.pop(name, ())) for name in ("taken", "missed"))
    at = time.fromisoformat(fields.pop("at"))
    return RecordingScript(
        customer_voice=fields.pop("customer"), at=at, lines=lines, taken=taken, missed=missed, **fields
    )
