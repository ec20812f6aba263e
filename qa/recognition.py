"""The speech recogniser that the settings ask for, loaded once for each process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from qa.settings import Settings

if TYPE_CHECKING:
    from transcription.engine import Engine


def engine_for(settings: Settings, name: str | None = None) -> Engine:
    """Return the engine called `name`, by default that of the settings, with the settings' options."""
    name = name or settings.engine
    options: dict[str, Any] = {}
    if name in ("whisper", "faster-whisper"):
        options |= {"model": settings.whisper_model, "device": settings.device}
    if name == "whisper":
        options["batch_size"] = settings.whisper_batch
    return _loaded(name, **options)


@lru_cache(maxsize=2)
def _loaded(name: str, **options: Any) -> Engine:
    from transcription.engines import make_engine

    return make_engine(name, **options)
