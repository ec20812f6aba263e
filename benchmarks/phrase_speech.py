"""Say the sentences of a made call with speech synthesis, send them down a bad telephone line, and recognise them.

Needs the programs flite and espeak-ng. Sound is float32 at RATE, shape (frames,).

A condition reads BAND+NOISE: "8k" is a telephone's band, sampled at 8 kHz, "11k" what better codecs carry, "16k" a
wideband line; the noise is a kind and its distance under the speech ("pink-12dB"), a codec ("mulaw"), lost packets
("loss-3%") or overload ("clipping").
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transcription.audio import Recording, read_audio
from transcription.transcript import AGENT, Transcript

Sound = NDArray[np.float32]
SpokenTurn = tuple[str, Sequence[str]]  # speaker, sentences

RATE = 16000
BANDS = {"8k": (8000, 300.0, 3400.0), "11k": (11025, 100.0, 5000.0), "16k": (16000, 50.0, 7500.0)}  # rate, Hz to Hz
# Nobody in "train" is in another split; "check" and "test" share two persons, who speak differently.
VOICES = {
    "train": (
        "flite:rms", "flite:kal16", "flite:rms:1.15:1.06", "flite:kal16:1.1", "flite:rms:1.1:0.94",
        "flite:kal16:1.2:0.95", "espeak:en-us+f2:120", "flite:rms:1.2:1.12", "flite:kal16:1.15:1.08", "flite:rms:0.95",
        "flite:rms:1.3:1.02",
    ),
    "check": ("flite:slt", "flite:awb", "flite:slt:1.15", "flite:awb:1.1:1.05", "flite:slt:1.15:0.93"),
    "test": ("flite:slt:1.05:1.03", "flite:awb:1.2:0.97", "flite:slt:1.25:0.96", "flite:awb:1.05:1.02"),
    "fresh": (
        "flite:kal:1.05", "flite:slt:0.95:1.06", "flite:awb:1.1:0.98", "flite:rms:1.05:0.9", "flite:slt:1.1:0.9",
    ),
}  # fmt: skip
CONDITIONS = {
    "train": (
        "16k", "8k", "11k", "16k+white-28dB", "8k+mulaw", "11k+pink-27dB", "16k+mulaw", "11k+hum-20dB",
        "16k+pink-22dB", "8k+white-35dB",
    ),
    "check": (
        "16k+babble-25dB", "8k+alaw", "11k+loss-3%", "16k+clipping", "11k+babble-30dB", "16k+loss-5%", "11k+alaw",
    ),
    "test": (
        "16k+alaw", "11k+babble-28dB", "16k+loss-4%", "8k+loss-2%", "11k+clipping", "16k+babble-32dB",
    ),
    "fresh": (
        "16k+loss-2%", "11k+mulaw", "16k+hum-15dB", "16k+pink-26dB", "16k+alaw", "16k+white-33dB",
    ),
}  # fmt: skip
# PocketSphinx hears some voices so badly on a telephone's band that no evidence is left: they have a better line.
LEAST_BAND = {"espeak:": "16k", "flite:kal16": "11k"}


def say(text: str, voice: str) -> Sound:
    """Return `text` spoken by `voice`: "flite:NAME[:stretch[:pitch]]" or "espeak:VOICE:words per minute".

    Raises:
        FileNotFoundError: the program is not installed.
        subprocess.CalledProcessError: it does not know the voice.
    """
    import soxr

    program, name, *speed = voice.split(":")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        if program == "flite":
            stretch = ["--setf", f"duration_stretch={speed[0]}"] if speed else []
            pitch = float(speed[1]) if len(speed) > 1 else 1.0
            command = ["flite", "-voice", name, *stretch, "-t", text, "-o", str(path)]
        else:
            pitch = 1.0
            command = ["espeak-ng", "-v", name, "-s", *speed, "-w", str(path), text]
        subprocess.run(command, check=True, capture_output=True)
        recording = read_audio(path)
    sound: Sound = soxr.resample(recording.samples[0], recording.rate * pitch, RATE)
    return sound / max(float(np.abs(sound).max()), 1e-3)


def condition_for(voice: str, condition: str) -> str:
    """Return `condition`, or its like with a wider band where PocketSphinx would hear nothing of `voice`."""
    least = next((band for start, band in LEAST_BAND.items() if voice.startswith(start)), "8k")
    if least == "16k":
        return least
    band, plus, noise = condition.partition("+")
    return f"{least if BANDS[least][0] > BANDS[band][0] else band}{plus}{noise}"


def recording_of(turns: Sequence[SpokenTurn], voices: tuple[str, str], condition: str, seed: int) -> Recording:
    """Return a call in stereo, the agent on channel 0; `voices` are the agent's and the customer's."""
    rng = np.random.default_rng(seed)
    sides: tuple[list[Sound], list[Sound]] = ([], [])
    for speaker, sentences in turns:
        side = 0 if speaker == AGENT else 1
        for sentence in sentences:
            sound = say(sentence, voices[side])
            pause = np.zeros(int(RATE * rng.uniform(0.15, 0.5)), np.float32)
            sides[side].extend((sound, pause))
            sides[1 - side].append(np.zeros(len(sound) + len(pause), np.float32))
        gap = np.zeros(int(RATE * rng.uniform(0.3, 0.9)), np.float32)
        for channel in sides:
            channel.append(gap)
    lines = [degraded(np.concatenate(sides[0]), condition, seed), degraded(np.concatenate(sides[1]), "11k+mulaw", seed)]
    return Recording(np.stack(lines).astype(np.float32), RATE)


def degraded(sound: Sound, condition: str, seed: int) -> Sound:
    """Return `sound` as a telephone line in `condition` carries it: "pink-12dB" is pink noise 12 dB under the speech.

    Raises:
        KeyError: there is no such condition.
    """
    import soxr

    rng = np.random.default_rng(seed + 1)
    band, _, noise = condition.partition("+")
    rate, low, high = BANDS[band]
    narrow = _band(soxr.resample(sound, RATE, rate), low, high, rate)
    kind, _, amount = noise.partition("-")
    if kind in _NOISES:
        sounds_like = _band(_NOISES[kind](len(narrow), rate, rng), low, high, rate)
        level = _speech_level(narrow) / 10 ** (float(amount.removesuffix("dB")) / 20)
        narrow = _companded(narrow + level * sounds_like / np.sqrt(np.mean(sounds_like**2)), 255)
    elif kind:
        narrow = _LINES[kind](narrow, amount, rng)
    whole: Sound = soxr.resample(narrow + 0.0005 * rng.standard_normal(len(narrow)), rate, RATE).astype(np.float32)
    return np.resize(np.append(whole, np.zeros(max(0, len(sound) - len(whole)))), len(sound)).astype(np.float32)


def hear_call(recording: Recording) -> Transcript:
    """Return what the product's own pipeline with PocketSphinx makes of a call in English."""
    from transcription.hear import hear

    return hear(recording, _engine(), language="en", agent_channel=0).transcript


@lru_cache(maxsize=1)
def _engine():  # type: ignore[no-untyped-def]
    from transcription.engines.sphinx import SphinxEngine

    return SphinxEngine()


def _band(sound: Sound, low: float, high: float, rate: int) -> Sound:
    from scipy.signal import butter, sosfilt

    filtered = sosfilt(butter(4, [low, high], btype="band", fs=rate, output="sos"), sound)
    return (filtered / max(float(np.abs(filtered).max()), 1e-6)).astype(np.float32)


def _speech_level(sound: Sound) -> float:
    """Return the root mean square of the louder half, so that pauses do not count."""
    frames = sound[: len(sound) // 400 * 400].reshape(-1, 400)
    levels = np.sqrt(np.mean(frames**2, axis=1))
    return float(np.sqrt(np.mean(np.sort(levels)[len(levels) // 2 :] ** 2)))


def _companded(sound: Sound, mu: float) -> Sound:
    level = np.clip(0.5 * sound / max(float(np.abs(sound).max()), 1e-6), -1, 1)
    code = np.round(127 * np.sign(level) * np.log1p(mu * np.abs(level)) / np.log1p(mu)) / 127
    return (np.sign(code) * np.expm1(np.abs(code) * np.log1p(mu)) / mu).astype(np.float32)


def _mu(sound: Sound, _: str, __: np.random.Generator) -> Sound:
    return _companded(sound, 255)


def _a(sound: Sound, _: str, __: np.random.Generator) -> Sound:
    return _companded(sound, 87.6)  # near enough to A-law: the same slope at zero


def _lossy(sound: Sound, percent: str, rng: np.random.Generator) -> Sound:
    """Drop packets of 20 ms, in bursts of two on average, as no concealment leaves them: silent."""
    packets = len(sound) // 160 + 1
    starts = rng.random(packets) < float(percent.removesuffix("%")) / 200
    lost = starts | np.roll(starts, 1) & (rng.random(packets) < 0.9)
    return (sound * ~np.repeat(lost, 160)[: len(sound)]).astype(np.float32)


def _clipped(sound: Sound, _: str, __: np.random.Generator) -> Sound:
    limit = 1.8 * _speech_level(sound)
    return _companded(np.clip(sound, -limit, limit), 255)


def _white(length: int, rate: int, rng: np.random.Generator) -> Sound:
    return rng.standard_normal(length).astype(np.float32)


def _pink(length: int, rate: int, rng: np.random.Generator) -> Sound:
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    return np.fft.irfft(spectrum, length).astype(np.float32)


def _hum(length: int, rate: int, rng: np.random.Generator) -> Sound:
    seconds = np.arange(length) / rate
    tones = [np.sin(2 * np.pi * 50 * k * seconds + rng.uniform(0, 6)) / k for k in range(1, 40)]
    return np.sum(tones, axis=0).astype(np.float32)


_CROWD = (
    "well I said to her that we could go on Saturday if the weather stays like this",
    "they moved the whole office upstairs and now nobody can find the printer",
    "what did you have for lunch, I went to the place round the corner again",
    "the train was late and then the meeting had already started without us",
)


@lru_cache(maxsize=1)
def _crowd() -> tuple[Sound, ...]:
    voices = ("flite:slt", "flite:rms", "espeak:en-gb+f2:160", "espeak:en-us+m2:150")
    return tuple(say(text, voice) for text, voice in zip(_CROWD, voices, strict=True))


def _babble(length: int, rate: int, rng: np.random.Generator) -> Sound:
    import soxr

    total = np.zeros(length, np.float32)
    for voice in _crowd() * 2:
        talk = soxr.resample(voice, RATE, rate)
        begin = int(rng.integers(len(talk)))
        total += np.resize(talk, length + len(talk))[begin : begin + length]
    return total


_NOISES: dict[str, Callable[[int, int, np.random.Generator], Sound]] = {
    "white": _white, "pink": _pink, "hum": _hum, "babble": _babble,
}  # fmt: skip
_LINES: dict[str, Callable[[Sound, str, np.random.Generator], Sound]] = {
    "mulaw": _mu, "alaw": _a, "loss": _lossy, "clipping": _clipped,
}  # fmt: skip
