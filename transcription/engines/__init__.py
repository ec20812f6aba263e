"""The engines that ship: one module for each, loaded when it is asked for. docs/engines.md compares them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transcription.engine import Engine
from transcription.engines.ready import ReadyTranscripts

__all__ = ["ENGINES", "ReadyTranscripts", "make_engine"]


def _whisper(**options: Any) -> Engine:
    from transcription.engines.whisper import WhisperEngine

    return WhisperEngine(**options)


def _faster_whisper(**options: Any) -> Engine:
    from transcription.engines.faster_whisper import FasterWhisperEngine

    return FasterWhisperEngine(**options)


def _sphinx(*, model: str | None, device: str) -> Engine:
    from transcription.engines.sphinx import SphinxEngine

    return SphinxEngine()  # it brings its model and runs on any processor


def _ready(*, model: str | None, device: str) -> Engine:
    return ReadyTranscripts()


ENGINES: dict[str, Callable[..., Engine]] = {
    "whisper": _whisper,
    "faster-whisper": _faster_whisper,
    "sphinx": _sphinx,
    "ready": _ready,
}


def make_engine(name: str, *, model: str | None = None, device: str = "auto", **options: Any) -> Engine:
    """Return the engine called `name`; its model is loaded at its first use.

    Args:
        name: one of ENGINES.
        model: name or path of a model, for the two Whisper engines.
        device: "auto", "cpu" or "cuda", for the two Whisper engines.
        options: keyword arguments of the engine's class, such as ``beam_size=1``.

    Raises:
        ValueError: there is no such engine.
    """
    if name not in ENGINES:
        raise ValueError(f'there is no engine "{name}"; choose one of: {", ".join(ENGINES)}')
    return ENGINES[name](model=model or None, device=device, **options)
