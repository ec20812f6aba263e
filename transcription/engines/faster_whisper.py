"""faster-whisper: Whisper models in CTranslate2's format, several times quicker than PyTorch on a processor."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

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
    from faster_whisper import WhisperModel

DEFAULT_MODEL = "small"
MODEL_FILES = ("model.bin", "config.json", "tokenizer.json")


class FasterWhisperEngine:
    """Any language of the model, with word times and confidence.

    Args:
        model: folder of a converted model, or a name (`faster_whisper.available_models()`) or Hugging Face id
            that was fetched before; nothing is fetched here.
        device: "auto", "cpu" or "cuda".
        beam_size: hypotheses followed at a time; 1 is quickest.
        compute_type: CTranslate2's type of numbers, such as "int8" or "float16"; "default" is the model's own.
    """

    capabilities = Capabilities(None, detects_language=True, word_times=True, word_confidence=True, uses_prompt=True)

    def __init__(
        self, *, model: str | None = None, device: str = "auto", beam_size: int = 5, compute_type: str = "default"
    ) -> None:
        self.model = model or DEFAULT_MODEL
        self.device = device
        self.beam_size = beam_size
        self.compute_type = compute_type
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return f"faster-whisper/{Path(self.model).name}"

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
            EngineUnavailable: the model is not there, does not load, or fails for want of memory.
            UnsupportedLanguage: the model does not know `language`.
        """
        with self._lock:
            spoken = self._spoken_language(language)
            hint = guards.prompt_within(prompt, lambda text: len(self._network.hf_tokenizer.encode(" " + text).ids))
            utterances: list[Utterance] = []
            groups = guards.windows(spans)
            if spoken is None and groups:
                spoken = self._detected(samples, groups)
            for index, group in enumerate(groups):
                heard = self._heard(_cut(samples, group), spoken, hint)
                utterances += filter(None, (guards.utterance_of(sentence, group) for sentence in heard))
                progress((index + 1) / len(groups))
        return Recognition(language or spoken or "und", tuple(utterances))

    @cached_property
    def _network(self) -> WhisperModel:
        return _load(self.model, self.device, self.compute_type)

    def _spoken_language(self, language: str | None) -> str | None:
        """Return Whisper's name for `language`."""
        known = self._network.supported_languages
        if language is None:
            return None if len(known) > 1 else known[0]
        code = primary_subtag(language)
        if code not in known:
            raise UnsupportedLanguage(f"the Whisper model {self.model} does not know the language {language}")
        return code

    def _detected(self, samples: Samples, groups: Sequence[Sequence[Span]]) -> str:
        """Return the language of the longest window."""
        longest = max(groups, key=lambda group: group[-1].end - group[0].start)
        language, _, _ = self._network.detect_language(_cut(samples, longest))
        return str(language)

    def _heard(self, sound: Samples, language: str | None, prompt: str | None) -> Iterator[guards.Heard]:
        try:
            sentences, _ = self._network.transcribe(
                sound,
                language=language,
                initial_prompt=prompt,
                word_timestamps=True,
                condition_on_previous_text=False,
                temperature=list(guards.TEMPERATURES),
                compression_ratio_threshold=guards.MAX_COMPRESSION,
                log_prob_threshold=guards.MIN_LOG_PROBABILITY,
                no_speech_threshold=guards.MAX_NO_SPEECH,
                beam_size=self.beam_size,
                vad_filter=False,  # the windows hold speech already
            )
            for sentence in sentences:
                yield guards.Heard(
                    start=sentence.start,
                    end=sentence.end,
                    text=sentence.text,
                    words=guards.words_of(sentence.words or []),
                    log_probability=sentence.avg_logprob,
                    no_speech=sentence.no_speech_prob,
                    compression=sentence.compression_ratio,
                )
        except (RuntimeError, MemoryError) as error:  # CTranslate2 has no error of its own for want of memory
            raise EngineUnavailable(f"the Whisper model {self.model} failed: {str(error)[:160]}") from error


def _cut(samples: Samples, group: Sequence[Span]) -> Samples:
    return samples[int(group[0].start * SAMPLE_RATE) : int(group[-1].end * SAMPLE_RATE)]


def _load(model: str, device: str, compute_type: str) -> WhisperModel:
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise EngineUnavailable("faster-whisper is not installed; pip install faster-whisper") from error
    folder = _folder(model)
    missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if missing:  # without tokenizer.json, faster-whisper would fetch one
        raise EngineUnavailable(
            f"the folder {folder.name} is no converted Whisper model: {', '.join(missing)} missing;"
            " fetch the model again, or convert it with ct2-transformers-converter --copy_files tokenizer.json"
        )
    try:
        return WhisperModel(str(folder), device=device, compute_type=compute_type, local_files_only=True)
    except (RuntimeError, ValueError, OSError, json.JSONDecodeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise EngineUnavailable(f"the Whisper model {folder.name} cannot be loaded on {device}: {reason}") from error


def _folder(model: str) -> Path:
    """Return the folder of a model, given its path, its name or its Hugging Face id."""
    from faster_whisper.utils import download_model
    from huggingface_hub.errors import LocalEntryNotFoundError

    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    try:
        return Path(download_model(model, local_files_only=True))
    except ValueError as error:
        raise EngineUnavailable(f"there is no Whisper model {model}: neither a folder nor a known name") from error
    except LocalEntryNotFoundError as error:
        raise EngineUnavailable(
            f"the Whisper model {model} has not been fetched yet; fetch it once with:"
            f" {Path(sys.executable).name} -c \"import faster_whisper; faster_whisper.download_model('{model}')\""
        ) from error
