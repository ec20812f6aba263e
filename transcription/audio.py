"""Read recordings of any common format, join two one-sided files, write the copy that people listen to.

libsndfile reads most formats; the ffmpeg program reads the rest (m4a, amr, raw gsm ...). Both are told where to
stop, so that a damaged or hostile file costs a message and not the machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transcription.engine import SAMPLE_RATE, Samples, UnreadableAudio

MAX_SECONDS = 4 * 3600.0
MAX_SAMPLES = 500_000_000  # 2 GB in memory: 4.3 hours of stereo at 16 kHz, 1.4 hours at 48 kHz
LOWEST_RATE, HIGHEST_RATE = 4_000, 192_000  # Hz
BLOCK = 1 << 18  # frames

# Demuxers of sound files only: playlists (hls, concat) could make ffmpeg read other files of this computer.
_DEMUXERS = "aac,ac3,aiff,alaw,amr,amrnb,amrwb,ape,asf,au,caf,flac,g722,gsm,matroska,mov,mp3,mulaw,ogg,w64,wav,wv"
_UNKNOWN_LENGTH = 0x7FFF0000  # recorders that stream write such a length, or 0, and never come back to mend it
_WAV_LENGTHS = re.compile(r"^\s*data\s*:\s*(\d+)\s*\(should be (\d+)\)", re.MULTILINE)
# What libsndfile reports of a WAV file whose sound goes on where its header says that it ends.
_WAV_GOES_ON = re.compile(r"^Length : (\d+)$.*^data : (\d+)$.*^\*\*\* Unknown chunk marker", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Recording:
    """Decoded sound."""

    samples: NDArray[np.float32]  # (channels, frames), -1 to 1
    rate: int  # Hz
    path: Path | None = None  # where it came from; ready transcripts are looked for beside it

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def duration(self) -> float:
        """Return the length in seconds."""
        return float(self.samples.shape[1] / self.rate)

    def for_engine(self, channel: int) -> Samples:
        """Return one channel at SAMPLE_RATE."""
        return _resampled(self.samples[channel], self.rate, SAMPLE_RATE)


def read_audio(path: Path, *, max_seconds: float = MAX_SECONDS) -> Recording:
    """Decode the recording at `path`, of one or two channels, at its own rate.

    Raises:
        UnreadableAudio: missing, empty, damaged, too long, of more than two channels or of no known format; the
            message begins with the file's name and says how to mend it.
    """
    try:
        _require_content(path)
        try:
            samples, rate = _decode(path, max_seconds)
        except _UnknownFormat as problem:
            samples, rate = _decode_by_ffmpeg(path, max_seconds, str(problem))
    except UnreadableAudio as error:
        raise UnreadableAudio(f"{_printable(path.name)}: {error}") from error
    return Recording(samples, rate, path)


def join_sides(agent: Path, customer: Path, *, max_seconds: float = MAX_SECONDS) -> Recording:
    """Return one stereo recording of two one-sided files that begin at the same moment: the agent is channel 0.

    The shorter side is filled up with silence; a lower rate is brought up to the higher.

    Raises:
        UnreadableAudio: a file cannot be read, or holds more than one channel.
    """
    sides = [read_audio(path, max_seconds=max_seconds) for path in (agent, customer)]
    for side, path in zip(sides, (agent, customer), strict=True):
        if side.channels != 1:
            raise UnreadableAudio(
                f"{_printable(path.name)}: has two channels; a file for one side of a call must have one"
            )
    rate = max(side.rate for side in sides)
    sounds = [_resampled(side.samples[0], side.rate, rate) for side in sides]
    samples = np.zeros((2, max(map(len, sounds))), dtype=np.float32)
    for channel, sound in enumerate(sounds):
        samples[channel, : len(sound)] = sound
    return Recording(samples, rate, agent)


def write_listening_copy(recording: Recording, path: Path) -> None:
    """Write `recording` as 16-bit FLAC, which browsers play."""
    import soundfile

    with soundfile.SoundFile(path, "w", recording.rate, recording.channels, "PCM_16", format="FLAC") as file:
        for start in range(0, recording.samples.shape[1], BLOCK):
            file.write(recording.samples[:, start : start + BLOCK].T)


def waveform_peaks(recording: Recording, *, per_second: int = 20) -> dict[str, Any]:
    """Return what a waveform is drawn from: the largest level in each of `per_second` buckets a second.

    ``{"per_second": 20, "duration": 61.2, "channels": [[0.0, 0.131, ...], ...]}``, levels from 0 to 1.
    """
    frames = recording.samples.shape[1]
    buckets = max(1, round(recording.duration * per_second))
    edges = np.linspace(0, frames, buckets, endpoint=False).astype(np.int64)
    channels = []
    for samples in recording.samples:
        highest, lowest = np.maximum.reduceat(samples, edges), np.minimum.reduceat(samples, edges)
        channels.append(np.maximum(highest, -lowest).clip(0, 1).astype(float).round(3).tolist())
    return {"per_second": per_second, "duration": round(recording.duration, 3), "channels": channels}


def coarser_peaks(peaks: dict[str, Any], buckets: int) -> dict[str, Any]:
    """Return `peaks`, as made above, with at most `buckets` a channel: the largest level of each few neighbours."""
    together = ceil(max((len(levels) for levels in peaks["channels"]), default=0) / buckets)
    if together <= 1:
        return peaks
    channels = [
        [max(levels[at : at + together]) for at in range(0, len(levels), together)] for levels in peaks["channels"]
    ]
    return peaks | {"per_second": peaks["per_second"] / together, "channels": channels}


class _UnknownFormat(Exception):
    """libsndfile does not know the file; ffmpeg may."""


def _require_content(path: Path) -> None:
    try:
        if not path.is_file():
            raise UnreadableAudio("is not a file" if path.exists() else "does not exist")
        if path.stat().st_size == 0:
            raise UnreadableAudio("is empty (0 bytes); fetch it again from the recorder")
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise UnreadableAudio(f"cannot be read: {error.strerror or error}") from error


def _decode(path: Path, max_seconds: float) -> tuple[NDArray[np.float32], int]:
    import soundfile

    try:
        # Without its name: libsndfile would take anything called .mp3 for MP3, and complain on standard error.
        with path.open("rb") as content, soundfile.SoundFile(content.fileno(), closefd=False) as file:
            _require_reasonable(file.channels, file.samplerate)
            _require_complete(file.extra_info, file.samplerate, file.channels)
            limit = _frame_limit(file.channels, file.samplerate, max_seconds)
            return _gathered(_blocks(file), file.channels, limit), file.samplerate
    except soundfile.LibsndfileError as error:
        raise _UnknownFormat(error.error_string.rstrip(".")) from error


def _blocks(file: Any) -> Iterator[NDArray[np.float32]]:
    import soundfile

    done = 0
    while True:
        try:
            block = file.read(BLOCK, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise UnreadableAudio(_damaged(done / file.samplerate)) from error
        if not len(block):
            break
        done += len(block)
        yield block
    missing = file.frames - done
    if file.format != "MP3" and file.samplerate / 2 < missing < _UNKNOWN_LENGTH:  # the length of an mp3 is a guess
        raise UnreadableAudio(_damaged(done / file.samplerate))


def _gathered(blocks: Iterator[NDArray[np.float32]], channels: int, limit: int) -> NDArray[np.float32]:
    """Return all `blocks` side by side as (channels, frames), cleaned of what is no level."""
    kept: deque[NDArray[np.float32]] = deque()
    frames = 0
    for block in blocks:
        frames += len(block)
        if frames > limit:
            raise UnreadableAudio("is too long: cut it into single calls, or raise the limit in the settings")
        kept.append(np.nan_to_num(block.T, nan=0.0, posinf=1.0, neginf=-1.0).clip(-1.0, 1.0))
    if not frames:
        raise UnreadableAudio("holds no sound; fetch it again from the recorder")
    samples = np.empty((channels, frames), dtype=np.float32)
    place = 0
    while kept:  # each block is let go as it is copied, so that a long call is not in memory twice
        block = kept.popleft()
        samples[:, place : place + block.shape[1]] = block
        place += block.shape[1]
    return samples


def _require_reasonable(channels: int, rate: int) -> None:
    if channels > 2:
        raise UnreadableAudio(
            f"has {channels} channels where one or two are expected; keep those of the two speakers,"
            " for example: ffmpeg -i IN.wav -af 'pan=stereo|c0=c0|c1=c1' OUT.wav"
        )
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise UnreadableAudio(f"says that it has {rate} samples a second, which no telephone recording has")


def _require_complete(information: str, rate: int, channels: int) -> None:
    """Refuse a WAV file of which much less is there than its header says: half a call must not be scored."""
    lengths = _WAV_LENGTHS.search(information)
    if lengths is None:
        _require_announced(information, rate * channels)
        return
    said, there = int(lengths[1]), int(lengths[2])
    if there < said < _UNKNOWN_LENGTH and (said - there) > rate * channels:  # at least half a second is missing
        raise UnreadableAudio(
            f"is cut off: only {100 * there // said} % of the sound that its header announces is there;"
            " fetch it again from the recorder"
        )


def _require_announced(information: str, enough: int) -> None:
    """Refuse a WAV file of which `enough` bytes more are there than its header says."""
    lengths = _WAV_GOES_ON.search(information)
    if lengths is None or int(lengths[1]) - int(lengths[2]) < enough:
        return
    if lengths[2] == "0":
        raise _UnknownFormat("its header announces no sound")  # a recorder that stopped early; ffmpeg reads on
    raise UnreadableAudio(
        f"is damaged: its header announces {lengths[2]} bytes of sound, and the file has {lengths[1]};"
        " fetch it again from the recorder"
    )


def _frame_limit(channels: int, rate: int, max_seconds: float) -> int:
    return int(min(max_seconds * rate, MAX_SAMPLES // channels))


def _damaged(seconds: float) -> str:
    return f"is damaged or cut off (nothing can be read after about {seconds:.0f} s); fetch it again from the recorder"


def _decode_by_ffmpeg(path: Path, max_seconds: float, problem: str) -> tuple[NDArray[np.float32], int]:
    program = shutil.which("ffmpeg")
    if program is None:
        raise UnreadableAudio(
            f"is of a format that only ffmpeg may read ({problem}), and ffmpeg is not installed;"
            " install the system package ffmpeg, or convert the file to WAV or FLAC"
        )
    with tempfile.TemporaryDirectory(prefix="hotline-") as folder:
        decoded = Path(folder) / "decoded.w64"
        _run_ffmpeg(program, path, decoded, max_seconds)
        try:
            return _decode(decoded, max_seconds)
        except _UnknownFormat as error:
            raise UnreadableAudio(f"is no recording that libsndfile or ffmpeg knows ({problem})") from error


def _run_ffmpeg(program: str, path: Path, decoded: Path, max_seconds: float) -> None:
    """Decode the first sound track of `path` to 16 bit; it may take a minute and a twentieth of the longest call."""
    command = [program, "-nostdin", "-v", "error", "-threads", "1"]
    command += ["-protocol_whitelist", "file,pipe", "-format_whitelist", _DEMUXERS]
    command += ["-i", f"file:{path.resolve()}", "-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1"]
    command += ["-t", f"{max_seconds + 1:.0f}", "-fs", str(2 * MAX_SAMPLES + 4096), "-c:a", "pcm_s16le"]
    command += ["-f", "w64", f"file:{decoded}"]
    try:
        done = subprocess.run(  # noqa: S603 -- no shell, and the file's name is one absolute argument
            command, capture_output=True, timeout=60 + max_seconds / 20, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UnreadableAudio("took too long to decode; convert it to WAV or FLAC first") from error
    if done.returncode != 0 or not decoded.exists():
        raise UnreadableAudio(
            f"is no recording that libsndfile or ffmpeg can decode ({_last_words(done.stderr, path)});"
            " play it to see whether it is sound at all, and fetch it again from the recorder"
        )


def _last_words(stderr: bytes, path: Path) -> str:
    """Return ffmpeg's last message without the folders of this computer."""
    text = stderr.decode("utf-8", "replace").replace(f"file:{path.resolve()}", path.name).strip()
    if "matches no streams" in text:
        return "there is no sound track in it"
    lines = text.splitlines() or ["no reason given"]
    return _printable(lines[-1]).strip(" .")[:200]


def _printable(name: str) -> str:
    """Return a file's name as one line that any terminal and log can take."""
    return "".join(character if character.isprintable() else "?" for character in name)


def _resampled(samples: Samples, rate: int, target: int) -> Samples:
    if rate == target:
        return np.ascontiguousarray(samples)
    import soxr

    result: Samples = soxr.resample(np.ascontiguousarray(samples), rate, target, quality="HQ")
    return np.clip(result, -1.0, 1.0, out=result)
