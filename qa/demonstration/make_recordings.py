"""Speak scripts/recordings.yaml and write the demonstration's recordings.

    python -m qa.demonstration.make_recordings [ID…]

Needs the `flite` program (Debian package flite, voices included) and is run by whoever changes the scripts: the
FLAC files it writes are part of the source. The same script, flite and libFLAC give the same bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa.demonstration.people import agent_voices
from qa.demonstration.recording_scripts import (
    RECORDINGS,
    Line,
    RecordingScript,
    SpokenLine,
    Voice,
    recording_scripts,
    voices,
)

RATE = 8_000  # Hz: what telephone systems record
BAND = (300.0, 3_400.0)  # Hz: what a telephone line carries
LEAD_IN = 0.6  # seconds before the first word
LEAD_OUT = 0.9  # seconds after the last
LEVEL_DBFS = -24.0  # of speech, mean square
PCM_BITS = 13  # what the µ-law code of telephone lines resolves; fewer bits also make smaller files
COLUMN = {"agent": 0, "customer": 1}

Sound = NDArray[np.float64]


def speak(voice: Voice, text: str) -> Sound:
    """Return `text` in `voice` at RATE, levelled.

    Raises:
        FileNotFoundError: flite is not installed.
        subprocess.CalledProcessError: flite refused the voice or the text.
    """
    import soundfile
    from scipy.signal import resample_poly

    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "line.wav"
        stretch = f"duration_stretch={voice.stretch}"
        command = ["flite", "-voice", voice.flite, "--setf", stretch, "-t", text, "-o", str(wav)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 -- our own words, no shell
        samples, rate = soundfile.read(wav, dtype="float64")

    # Playing the samples faster raises pitch and formants together: another throat for the same voice.
    sound: Sound = resample_poly(samples, RATE * 1000, round(rate * voice.pitch * 1000))
    return _levelled(_without_edges(sound))


def _without_edges(sound: Sound, threshold: float = 0.01) -> Sound:
    """Cut the silence that flite puts around a sentence: the pauses are the script's."""
    loud = np.flatnonzero(np.abs(sound) > threshold * np.abs(sound).max())
    margin = int(0.03 * RATE)
    return sound[max(loud[0] - margin, 0) : loud[-1] + margin]


def _levelled(sound: Sound) -> Sound:
    level: float = np.sqrt(np.mean(sound**2))
    return sound * (10 ** (LEVEL_DBFS / 20) / level)


def place(lines: Sequence[Line], sounds: Sequence[Sound]) -> list[SpokenLine]:
    """Return each line with its moment: after the line before it and its pause."""
    placed: list[SpokenLine] = []
    end = LEAD_IN
    for line, sound in zip(lines, sounds, strict=True):
        start = end + line.pause if placed else end
        hold = (round(end + 0.2, 3), round(start, 3)) if line.hold else None
        end = start + len(sound) / RATE
        placed.append(SpokenLine(line.who, line.say, round(start, 3), round(end, 3), hold))
    return placed


def record(script: RecordingScript) -> tuple[NDArray[np.int16], list[SpokenLine]]:
    """Return the samples of `script` (frames, channels) and when each line is spoken."""
    cast = {"agent": voices()[agent_voices()[script.agent]], "customer": voices()[script.customer_voice]}
    sounds = [speak(cast[line.who], line.say) for line in script.lines]
    placed = place(script.lines, sounds)

    last = max(line.end for line in placed)
    call = np.zeros((round((last + LEAD_OUT) * RATE), 2))
    for line, sound in zip(placed, sounds, strict=True):
        first = round(line.start * RATE)
        call[first : first + len(sound), COLUMN[line.who]] += sound
    if script.channels == 1:
        call = call.sum(axis=1, keepdims=True)
    return _telephone_line(call, script), placed


def _telephone_line(call: Sound, script: RecordingScript) -> NDArray[np.int16]:
    """Band-pass `call`, add the line's noise and round to what a telephone line resolves."""
    from scipy.signal import butter, sosfilt

    generator = np.random.default_rng(zlib.crc32(script.id.encode()))
    noisy = call + generator.normal(scale=10 ** (script.noise_dbfs / 20), size=call.shape)
    line: Sound = sosfilt(butter(1, BAND, btype="bandpass", fs=RATE, output="sos"), noisy, axis=0)

    step = 2 ** (16 - PCM_BITS)
    rounded = np.clip(np.round(line * 2**15 / step) * step, -(2**15), 2**15 - step)
    return rounded.astype(np.int16)


def write(script: RecordingScript, folder: Path) -> list[SpokenLine]:
    """Write the recording of `script` into `folder` and return when each line is spoken."""
    import soundfile

    samples, placed = record(script)
    soundfile.write(folder / f"{script.id}.flac", samples, RATE, subtype="PCM_16", compression_level=1.0)
    return placed


def _as_json(line: SpokenLine) -> dict[str, object]:
    spoken: dict[str, object] = {"who": line.who, "say": line.say, "start": line.start, "end": line.end}
    if line.hold is not None:
        spoken["hold"] = list(line.hold)
    return spoken


def main(wanted: Sequence[str]) -> None:
    """Write the recordings named in `wanted` (all when empty) and spoken.json beside them."""
    index = RECORDINGS / "spoken.json"
    spoken = json.loads(index.read_text("utf-8")) if index.exists() else {}
    for script in recording_scripts():
        if not wanted or script.id in wanted:
            lines = write(script, RECORDINGS)
            spoken[script.id] = [_as_json(line) for line in lines]
            print(f"{script.id}  {lines[-1].end:6.1f} s  {script.audio.stat().st_size / 1024:6.0f} KiB  {script.title}")
    index.write_text(json.dumps(dict(sorted(spoken.items())), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
