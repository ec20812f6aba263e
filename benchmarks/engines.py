"""Measure how well and how fast an engine hears: python benchmarks/engines.py [--engine sphinx] [--model PATH]

Prints one row for each set of recordings. Synthetic speech needs the program flite; real recordings are taken from
the folder named by HOTLINE_SHARED_DATA (or --data) and left out where it is absent. Rows are whole runs of
`transcription.hear.hear`, so voice activity detection and measuring are part of the time. The word error rate
counts words in small letters without punctuation, numbers as they are written.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transcription.audio import Recording, read_audio
from transcription.engine import Engine
from transcription.engines import ENGINES, make_engine
from transcription.hear import hear

VOICES = ("slt", "rms", "awb", "kal16")
SENTENCES = (
    "Hello, welcome to City Water, you are speaking with Daniel. What can I do for you?",
    "I have been waiting for twenty minutes and this is not good enough.",
    "I am sorry about that. I can see why you are upset.",
    "May I put you on hold while I check your account?",
    "We will write to you within five working days with the result.",
    "So to recap, the fee is ten dollars a month and you can cancel at any time.",
    "Has anyone asked you to move money to a new account?",
    "I have lost my job and I cannot pay this bill until next month.",
)


@dataclass(frozen=True)
class Case:
    """Recordings that belong together, each with the words of each of its channels."""

    name: str
    recordings: list[tuple[Recording, list[str]]]


def main() -> None:
    options = _options()
    engine = make_engine(options.engine, model=options.model, device=options.device)
    print(f"engine {engine.name}, {os.cpu_count()} processors\n")
    print("| recordings | audio | words | word error rate | CPU s per s of audio |")
    print("| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for case in (*_synthetic(Path(folder)), *_real(options.data)):
            print(_row(case, engine), flush=True)
    print(f"\nmost memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="sphinx", choices=[name for name in ENGINES if name != "ready"])
    parser.add_argument("--model", help="name or path, for the Whisper engines")
    parser.add_argument("--device", default="auto")
    beside = Path(__file__).parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HOTLINE_SHARED_DATA", beside)))
    return parser.parse_args()


def _row(case: Case, engine: Engine) -> str:
    import jiwer

    warm_up = case.recordings[0][0]
    hear(Recording(warm_up.samples[:, : warm_up.rate], warm_up.rate), engine, language="en")  # loads the model
    expected, found = [], []
    begin = time.process_time()
    for recording, references in case.recordings:
        sides = hear(recording, engine, language="en", agent_channel=0)
        for speaker, reference in zip(_speakers(recording), references, strict=True):
            expected.append(_plain(reference))
            found.append(_plain(" ".join(turn.text for _, turn in sides.transcript.said_by(speaker))))
    taken = time.process_time() - begin
    audio = sum(recording.duration for recording, _ in case.recordings)
    words = sum(len(text.split()) for text in expected)
    rate = jiwer.wer(expected, found)
    return f"| {case.name} | {audio:.0f} s | {words} | {100 * rate:.1f} % | {taken / audio:.2f} |"


def _speakers(recording: Recording) -> tuple[str, ...]:
    return ("unknown",) if recording.channels == 1 else ("agent", "customer")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9']+", text.lower().replace("’", "'")))


def _synthetic(folder: Path) -> Iterator[Case]:
    if shutil.which("flite") is None:
        print("(no synthetic speech: install the system package flite)")
        return
    rng = np.random.default_rng(0)
    for label, rate, telephone in (
        ("flite, 16 kHz", 16000, False),
        ("flite, 8 kHz", 8000, False),
        ("flite, 8 kHz, 300-3400 Hz, mu-law", 8000, True),
    ):
        recordings = []
        for voice in VOICES:
            for sentence in SENTENCES:
                sound = _spoken(folder / "spoken.wav", sentence, voice, rate)
                sound = _line(sound) if telephone else sound
                silence = 0.0005 * rng.standard_normal((2, rate // 2)).astype(np.float32)
                whole = np.concatenate([silence[0], sound, silence[1]])
                recordings.append((Recording(whole[None, :], rate), [sentence]))
        yield Case(f"{label}, {len(VOICES)} voices x {len(SENTENCES)}", recordings)


def _spoken(path: Path, text: str, voice: str, rate: int) -> NDArray[np.float32]:
    import soxr

    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True, capture_output=True)
    recording = read_audio(path)
    sound: NDArray[np.float32] = soxr.resample(recording.samples[0], recording.rate, rate)
    return sound


def _line(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what a telephone line leaves of 8 kHz speech: its band, in 8-bit mu-law."""
    from scipy.signal import butter, sosfilt

    band = sosfilt(butter(4, [300, 3400], btype="band", fs=8000, output="sos"), sound)
    level = np.clip(0.5 * band / np.abs(band).max(), -1, 1)
    code = np.round(127 * np.sign(level) * np.log1p(255 * np.abs(level)) / np.log(256)) / 127
    return (np.sign(code) * np.expm1(np.abs(code) * np.log(256)) / 255).astype(np.float32)


def _real(data: Path) -> Iterator[Case]:
    if not data.is_dir():
        print(f"(no real recordings: there is no folder {data.name})")
        return
    calls = data / "audio-en-calls" / "aws-lca"
    script = (calls / "agent-assist-demo-script1.md").read_text(encoding="utf-8")
    agent = " ".join(re.findall(r"^\*\*Agent\*\*:(.*)$", script, re.MULTILINE))
    yield Case("agent1.wav: acted call, 8 kHz", [(read_audio(calls / "agent1.wav"), [agent])])
    stereo = read_audio(data / "audio-stereo/faster-whisper/stereo_diarization.wav")
    left = "He began a confused complaint against the wizard, who had vanished behind the curtain on the left."
    yield Case("stereo_diarization.wav: 16 kHz", [(stereo, [left, "The horizon seems extremely distant."])])
    read = data / "audio-read/azure-customspeech/en-US-training"
    lines = (read / "trans.txt").read_text(encoding="utf-8-sig").splitlines()
    pairs = [line.split("\t") for line in lines if "\t" in line]
    yield Case("en-US read aloud, 16 kHz", [(read_audio(read / name), [text]) for name, text in pairs])
    narrow = [(_narrowed(read_audio(read / name)), [text]) for name, text in pairs]
    yield Case("the same at 8 kHz", narrow)


def _narrowed(recording: Recording) -> Recording:
    import soxr

    return Recording(soxr.resample(recording.samples[0], recording.rate, 8000)[None, :], 8000)


if __name__ == "__main__":
    main()
