"""Synthetic telephone speech made by flite, and the scoring of what was heard."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.conftest import require_program

VOICES = ("slt", "rms", "awb", "kal16")


def flite(folder: Path, text: str, voice: str, *, rate: int = 8000) -> NDArray[np.float32]:
    """Return `text` spoken by one of VOICES, as a telephone at `rate` carries it."""
    import soxr

    program = require_program("flite")
    path = folder / "spoken.wav"
    subprocess.run([program, "-voice", voice, "-t", text, "-o", str(path)], check=True, capture_output=True)
    sound, own_rate = soundfile.read(path, dtype="float32")
    telephone: NDArray[np.float32] = soxr.resample(sound, own_rate, rate)
    return telephone


def plain_words(text: str) -> str:
    """Return the words of `text` without case and punctuation."""
    return " ".join(re.findall(r"[a-z']+", text.lower()))
