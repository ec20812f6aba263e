"""OpenAI's Whisper, on PyTorch. A model is a checkpoint file, or a name whose file was fetched before."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from transcription.engine import (
    SAMPLE_RATE,
    Capabilities,
    EngineUnavailable,
    Progress,
    Recognition,
    Samples,
    Span,
    UnsupportedLanguage,
    Utterance,
    ignore_progress,
    primary_subtag,
)
from transcription.engines import guards

if TYPE_CHECKING:
    from whisper.model import Whisper

DEFAULT_MODEL = "small"


class WhisperEngine:
    """Any language of the model, with word times and confidence.

    Args:
        model: name of a model (`whisper.available_models()`), or path of a checkpoint (.pt). A name is never
            fetched: its file must lie in Whisper's cache folder.
        device: "auto", "cpu" or "cuda".
        beam_size: hypotheses followed at a time; 1 is quickest.
        batch_size: windows of up to 30 s heard at a time; halved for the rest of the channel when memory runs out.

    Raises:
        ValueError: `beam_size` or `batch_size` is below 1.
    """

    capabilities = Capabilities(None, detects_language=True, word_times=True, word_confidence=True, uses_prompt=True)

    def __init__(
        self, *, model: str | None = None, device: str = "auto", beam_size: int = 5, batch_size: int = 8
    ) -> None:
        if beam_size < 1 or batch_size < 1:
            raise ValueError(f"beam_size and batch_size must be 1 or more, got {beam_size} and {batch_size}")
        self.model = model or DEFAULT_MODEL
        self.device = device
        self.beam_size = beam_size
        self.batch_size = batch_size
        self._lock = threading.Lock()  # the model's attention caches serve one batch at a time

    @property
    def name(self) -> str:
        return f"whisper/{Path(self.model).stem if _is_path(self.model) else self.model}"

    def recognise(
        self,
        samples: Samples,
        spans: Sequence[Span],
        *,
        language: str | None = None,
        prompt: str | None = None,
        progress: Progress = ignore_progress,
    ) -> Recognition:
        """Return what is said within `spans`, without what the model is likely to have made up.

        A word's confidence is the mean probability of its tokens.

        Raises:
            EngineUnavailable: the model is not there, does not load, or does not fit into memory.
            UnsupportedLanguage: the model does not know `language`.
        """
        with self._lock, _memory_guard(self.model):
            spoken = self._spoken_language(language)
            hint = guards.prompt_within(
                prompt,
                lambda text: len(self._tokenizer.encode(" " + text)),
                min(guards.PROMPT_TOKENS, self._network.dims.n_text_ctx // 2 - 1),
            )
            utterances: list[Utterance] = []
            groups = guards.windows(spans)
            if spoken is None and groups:
                spoken = self._detected(samples, groups)
            heard = self._heard([_cut(samples, group) for group in groups], spoken or "en", hint, progress)
            for group, sentences in zip(groups, heard, strict=True):
                utterances += filter(None, (guards.utterance_of(sentence, group) for sentence in sentences))
        return Recognition(language or spoken or "und", tuple(utterances))

    @cached_property
    def _network(self) -> Whisper:
        return _load(self.model, self.device)

    @cached_property
    def _tokenizer(self) -> Any:
        from whisper.tokenizer import get_tokenizer

        return get_tokenizer(self._network.is_multilingual, num_languages=self._network.num_languages)

    def _spoken_language(self, language: str | None) -> str | None:
        """Return Whisper's name for `language`."""
        if language is None:
            return None if self._network.is_multilingual else "en"
        from whisper.tokenizer import LANGUAGES

        code = primary_subtag(language)
        if code not in LANGUAGES or not (self._network.is_multilingual or code == "en"):
            raise UnsupportedLanguage(f"the Whisper model {self.model} does not know the language {language}")
        return code

    def _detected(self, samples: Samples, groups: Sequence[Sequence[Span]]) -> str:
        """Return the language of the longest window."""
        from whisper.audio import N_FRAMES, pad_or_trim

        longest = max(groups, key=lambda group: group[-1].end - group[0].start)
        mel = pad_or_trim(_windows().log_mel(self._network, _cut(samples, longest)), N_FRAMES)
        _, probabilities = self._network.detect_language(mel)
        return max(probabilities, key=probabilities.get)

    def _heard(
        self, sounds: Sequence[Samples], language: str, prompt: str | None, progress: Progress
    ) -> list[list[guards.Heard]]:
        decoder = _windows().WindowDecoder(
            self._network,
            language=language,
            prompt=prompt,
            beam_size=self.beam_size,
            batch_size=self.batch_size,
        )
        return decoder.hear(sounds, progress)


def _windows() -> ModuleType:
    """Return the module that hears with Whisper, which loads PyTorch."""
    try:
        from transcription.engines import whisper_windows
    except ImportError as error:
        raise EngineUnavailable(
            f"this engine does not know the installed version of Whisper ({error});"
            " pip install openai-whisper==20250625"
        ) from error
    return whisper_windows


def _is_path(model: str) -> bool:
    return model.endswith(".pt") or os.sep in model


def _cut(samples: Samples, group: Sequence[Span]) -> Samples:
    return samples[int(group[0].start * SAMPLE_RATE) : int(group[-1].end * SAMPLE_RATE)]


def _load(model: str, device: str) -> Whisper:
    try:
        import torch
        import whisper
    except ImportError as error:
        raise EngineUnavailable("Whisper is not installed; pip install openai-whisper") from error
    checkpoint = _checkpoint(model)
    wanted = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    try:
        # By path: given a name, Whisper would fetch a file whose checksum differs.
        network = whisper.load_model(str(checkpoint), device=wanted)
    except (RuntimeError, OSError, EOFError, KeyError, TypeError, ValueError, pickle.UnpicklingError) as error:
        raise EngineUnavailable(
            f"the Whisper model {checkpoint.name} cannot be loaded on {wanted}: the file is damaged, no Whisper"
            f" checkpoint, or the device is missing ({_first_line(error)})"
        ) from error
    heads = whisper._ALIGNMENT_HEADS.get(model)
    if heads is not None:  # which attention heads follow the time; without it all of the upper half are used
        network.set_alignment_heads(heads)
    return network


def _checkpoint(model: str) -> Path:
    """Return the file of a model, given its path or its name."""
    import whisper

    path = Path(model).expanduser()
    if path.is_file():
        return path
    if model not in whisper.available_models():
        raise EngineUnavailable(
            f"there is no Whisper model {model}: neither a file nor one of {', '.join(whisper.available_models())}"
        )
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "whisper"
    fetched = cache / Path(whisper._MODELS[model]).name
    if not fetched.is_file():
        raise EngineUnavailable(
            f"the Whisper model {model} has not been fetched yet; fetch it once with:"
            f" {Path(sys.executable).name} -c \"import whisper; whisper.load_model('{model}')\""
        )
    return fetched


@contextmanager
def _memory_guard(model: str) -> Iterator[None]:
    """Turn running out of memory into EngineUnavailable."""
    try:
        yield
    except MemoryError as error:
        raise EngineUnavailable(_too_large(model)) from error
    except RuntimeError as error:
        import torch

        # A processor's memory has no error class of its own.
        if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
            raise EngineUnavailable(_too_large(model)) from error
        raise


def _too_large(model: str) -> str:
    return f"the Whisper model {model} does not fit into memory; choose a smaller one or another device"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
