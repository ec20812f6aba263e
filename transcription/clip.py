"""A stretch of a recording as a file of its own, with parts of it silenced for good."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from transcription.audio import BLOCK
from transcription.engine import UnreadableAudio


def cut_recording(
    source: Path, target: Path, start: float, end: float, silenced: Sequence[tuple[float, float]] = ()
) -> None:
    """Write the seconds `start` to `end` of `source` to `target` as 16-bit FLAC; nothing else of it is copied.

    Args:
        silenced: spans in seconds of `source` in which both sides fall silent. What is masked is overwritten by
            zeros; it is not in the file.

    Raises:
        UnreadableAudio: the recording cannot be read, or ends before `start`.
        ValueError: `end` does not lie after `start`.
    """
    import soundfile

    if end <= start:
        raise ValueError(f"a clip ends after it starts, not {start:g} to {end:g}")
    try:
        with source.open("rb") as content, soundfile.SoundFile(content.fileno(), closefd=False) as file:
            _copy(file, target, start, end, silenced)
    except (OSError, soundfile.LibsndfileError) as error:
        raise UnreadableAudio(f"cannot be cut: {getattr(error, 'error_string', error)}") from error


def _copy(file: object, target: Path, start: float, end: float, silenced: Sequence[tuple[float, float]]) -> None:
    import soundfile

    assert isinstance(file, soundfile.SoundFile)
    rate = file.samplerate
    first, last = round(start * rate), min(round(end * rate), file.frames)
    if first >= last:
        raise UnreadableAudio("ends before the clip begins")
    file.seek(first)
    with soundfile.SoundFile(target, "w", rate, file.channels, "PCM_16", format="FLAC") as clip:
        at = first
        while at < last:
            block = file.read(min(BLOCK, last - at), dtype="int16", always_2d=True)
            if not len(block):
                raise UnreadableAudio("is damaged or cut off")
            for begin, finish in silenced:
                # Rounded outwards: the first and the last sound of what is masked are silent too.
                low, high = int(np.floor(begin * rate)) - at, int(np.ceil(finish * rate)) - at
                block[max(0, low) : max(0, high)] = 0
            clip.write(block)
            at += len(block)
