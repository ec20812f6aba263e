"""Several windows of speech heard together by OpenAI's Whisper.

`whisper.transcribe` hears one window after the other, which leaves a GPU idle for most of the time. Here up to
`batch_size` windows go through the model at once. What becomes of each result follows `whisper.transcribe`: a window
that comes out badly is tried again at a higher temperature, sentences lie between time marks, words get their times
from the cross-attention, and where a sentence was left unfinished the window is heard again from there. Two things
differ. The prompt is given with every pass, because windows of one batch must share it. And chance is seeded, so
that the same recording gives the same words.

This module loads PyTorch; it is imported once a model is at work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
import whisper
from torch import Tensor
from whisper.audio import FRAMES_PER_SECOND, N_FRAMES, N_SAMPLES, log_mel_spectrogram, pad_or_trim
from whisper.decoding import DecodingOptions, DecodingResult, DecodingTask
from whisper.timing import add_word_timestamps
from whisper.tokenizer import get_tokenizer

from transcription.engine import Progress, Samples, ignore_progress
from transcription.engines import guards

if TYPE_CHECKING:
    from whisper.model import Whisper

# Versions whose beam search `_BeamTask` mends; with another one, beams are searched for one window at a time.
BEAMS_MENDED = frozenset({"20250625"})

SHORTEST_REST = FRAMES_PER_SECOND // 2  # frames; what is shorter is the padding around the speech
LEAST_STEP = FRAMES_PER_SECOND // 2  # frames that each pass goes on by, so that a window ends


def log_mel(network: Whisper, sound: Samples) -> Tensor:
    """Return the mel spectrogram of `sound` on the network's device, in frames of 10 ms."""
    mel: Tensor = log_mel_spectrogram(sound, network.dims.n_mels, padding=N_SAMPLES, device=network.device)
    return mel[:, : mel.shape[-1] - N_FRAMES]


@dataclass
class _Window:
    """One window, and how far it has been heard."""

    place: int  # among all windows
    mel: Tensor  # (n_mels, frames)
    seek: int = 0  # frames
    spoken_until: float = 0.0  # seconds
    heard: list[guards.Heard] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """Return how many frames the next pass hears."""
        return min(N_FRAMES, self.mel.shape[-1] - self.seek)

    @property
    def finished(self) -> bool:
        return self.frames < (SHORTEST_REST if self.seek else 1)

    def next_sound(self) -> Tensor:
        sound: Tensor = pad_or_trim(self.mel[:, self.seek : self.seek + self.frames], N_FRAMES)
        return sound


class WindowDecoder:
    """What hears the windows of one channel.

    Args:
        language: Whisper's name of the language.
        prompt: words likely to occur, no more than the model can take.
        beam_size: hypotheses followed at a time; 1 takes the likeliest token each time.
        batch_size: windows heard at a time; halved when memory runs out.
    """

    def __init__(self, network: Whisper, *, language: str, prompt: str | None, beam_size: int, batch_size: int) -> None:
        self.network = network
        self.language = language
        self.prompt = prompt
        self.beam_size = beam_size
        self.batch_size = batch_size
        self._half = network.device.type == "cuda"
        self._tokenizer: Any = get_tokenizer(
            network.is_multilingual, num_languages=network.num_languages, language=language, task="transcribe"
        )
        self._second_per_mark = N_FRAMES / network.dims.n_audio_ctx / FRAMES_PER_SECOND

    def hear(self, sounds: Sequence[Samples], progress: Progress = ignore_progress) -> list[list[guards.Heard]]:
        """Return the sentences of each of `sounds`, in their order, with times in seconds within each.

        Raises:
            torch.OutOfMemoryError: not even one window fits.
        """
        result: list[list[guards.Heard]] = [[] for _ in sounds]
        waiting = deque(enumerate(sounds))
        active: list[_Window] = []
        while waiting or active:
            while waiting and len(active) < self.batch_size:
                place, sound = waiting.popleft()
                active.append(_Window(place, log_mel(self.network, sound)))
            self._pass([window for window in active if not window.finished][: self.batch_size])
            for window in active:
                result[window.place] = window.heard
            active = [window for window in active if not window.finished]
            progress((len(sounds) - len(waiting) - len(active)) / len(sounds))
        return result

    def _pass(self, windows: Sequence[_Window]) -> None:
        """Hear the next part of each of `windows`; nothing happens to them when memory runs out."""
        if not windows:
            return
        sounds = torch.stack([window.next_sound() for window in windows])
        sounds = sounds.half() if self._half else sounds
        try:
            results = self._decoded(sounds)
        except torch.OutOfMemoryError:
            if self.batch_size == 1:
                raise
            self.batch_size = max(1, len(windows) // 2)
            return
        for window, sound, result in zip(windows, sounds, results, strict=True):
            self._take(window, sound, result)

    def _decoded(self, sounds: Tensor) -> list[DecodingResult]:
        """Return the result of each of `sounds`, at the lowest temperature at which it can be believed."""
        results: list[DecodingResult] = self._decoded_at(guards.TEMPERATURES[0], sounds)
        for temperature in guards.TEMPERATURES[1:]:
            again = [place for place, result in enumerate(results) if _is_worth_another_try(result)]
            if not again:
                break
            features = torch.stack([results[place].audio_features for place in again])  # no need to encode it anew
            for place, result in zip(again, self._decoded_at(temperature, features), strict=True):
                results[place] = result
        return results

    def _decoded_at(self, temperature: float, sounds: Tensor) -> list[DecodingResult]:
        options = DecodingOptions(
            language=self.language,
            prompt=self.prompt,
            temperature=temperature,
            beam_size=self.beam_size if self.beam_size > 1 and temperature == 0 else None,
            fp16=self._half,
        )
        with torch.random.fork_rng([self.network.device] if self._half else []):
            torch.manual_seed(0)
            if options.beam_size is None or len(sounds) == 1:
                return list(whisper.decode(self.network, sounds, options))
            if whisper.__version__ in BEAMS_MENDED:
                return list(_BeamTask(self.network, options).run(sounds))
            return [whisper.decode(self.network, sound, options) for sound in sounds]

    def _take(self, window: _Window, sound: Tensor, result: DecodingResult) -> None:
        """Add what was heard to `window` and move on to what was not."""
        frames = window.frames
        offset = window.seek / FRAMES_PER_SECOND
        sentences, goes_on = self._sentences(result.tokens, frames)
        rest = window.seek + frames if goes_on is None else window.seek + round(goes_on * FRAMES_PER_SECOND)
        if not guards.is_unreliable(result.avg_logprob, result.no_speech_prob, result.compression_ratio):
            segments = [
                {"seek": window.seek, "start": offset + start, "end": offset + end, "tokens": tokens}
                for start, end, tokens in sentences
            ]
            add_word_timestamps(
                segments=segments,
                model=self.network,
                tokenizer=self._tokenizer,
                mel=sound,
                num_frames=frames,
                last_speech_timestamp=window.spoken_until,
            )
            window.heard += [self._heard(segment, result) for segment in segments]
            window.spoken_until = _end(segments)
            if not _ends_in_silence(result.tokens, self._tokenizer.timestamp_begin) and window.spoken_until > offset:
                rest = round(window.spoken_until * FRAMES_PER_SECOND)
        window.seek = max(rest, window.seek + LEAST_STEP)

    def _sentences(self, tokens: list[int], frames: int) -> tuple[list[tuple[float, float, list[int]]], float | None]:
        """Return start, end and tokens of each sentence, and where an unfinished one begins, in seconds.

        Two time marks in a row divide sentences: the end of one and the beginning of the next.
        """
        first_mark = self._tokenizer.timestamp_begin

        def time(token: int) -> float:
            return max(0, token - first_mark) * self._second_per_mark

        cuts = [place for place, pair in enumerate(pairwise(tokens), start=1) if min(pair) >= first_mark]
        if not cuts:
            marks = [token for token in tokens if token > first_mark]
            return [(0.0, time(marks[-1]) if marks else frames / FRAMES_PER_SECOND, tokens)], None
        complete = _ends_in_silence(tokens, first_mark)
        if complete:
            cuts.append(len(tokens))
        pieces = [tokens[start:end] for start, end in pairwise([0, *cuts])]
        return [(time(piece[0]), time(piece[-1]), piece) for piece in pieces], None if complete else time(
            pieces[-1][-1]
        )

    def _heard(self, segment: dict[str, Any], result: DecodingResult) -> guards.Heard:
        if segment["end"] <= segment["start"]:  # what was said in no time was not said
            segment = segment | {"tokens": [], "words": []}
        text = self._tokenizer.decode([token for token in segment["tokens"] if token < self._tokenizer.eot])
        return guards.Heard(
            start=float(segment["start"]),
            end=float(segment["end"]),
            text=text,
            words=guards.words_of([SimpleNamespace(**word) for word in segment["words"]]),
            log_probability=result.avg_logprob,
            no_speech=result.no_speech_prob,
            compression=result.compression_ratio,
        )


def _is_worth_another_try(result: DecodingResult) -> bool:
    """Tell whether a result is bad; that of silence does not get better."""
    if result.no_speech_prob > guards.MAX_NO_SPEECH and result.avg_logprob < guards.MIN_LOG_PROBABILITY:
        return False
    return bool(result.compression_ratio > guards.MAX_COMPRESSION or result.avg_logprob < guards.MIN_LOG_PROBABILITY)


def _ends_in_silence(tokens: Sequence[int], first_mark: int) -> bool:
    """Tell whether a single time mark comes last: the model heard everything, and nothing after it."""
    return [token >= first_mark for token in tokens[-2:]] == [False, True]


def _end(segments: Sequence[dict[str, Any]]) -> float:
    """Return when the last word of `segments` ends; when they hold none, the last of them."""
    words = [word for segment in segments for word in segment["words"]]
    return float((words or segments)[-1]["end"])


class _BeamTask(DecodingTask):
    """Beam search over several windows at once.

    Whisper's own beam search takes one window only: it does not give each beam the sound of its window. Here the beams
    of a window stand side by side in one query of the cross-attention, so that the keys and values of its sound,
    by far the largest things in memory, are there once.
    """

    def _get_audio_features(self, mel: Tensor) -> Tensor:
        features: Tensor = super()._get_audio_features(mel)
        return features.repeat_interleave(self.n_group, dim=0)

    def _detect_language(self, audio_features: Tensor, tokens: Tensor) -> tuple[list[str | None], None]:
        return [self.options.language] * len(tokens), None

    def _main_loop(self, audio_features: Tensor, tokens: Tensor) -> Any:
        with _beams_side_by_side(self.model, self.n_group):
            return super()._main_loop(audio_features[:: self.n_group], tokens)


@contextmanager
def _beams_side_by_side(network: Whisper, beams: int) -> Iterator[None]:
    def join(module: object, arguments: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        queries, sound = arguments
        return queries.reshape(len(sound), -1, queries.shape[-1]), sound

    def divide(module: object, arguments: object, outcome: tuple[Tensor, object]) -> tuple[Tensor, object]:
        joined, weights = outcome
        return joined.reshape(len(joined) * beams, -1, joined.shape[-1]), weights

    with ExitStack() as hooks:
        for block in network.decoder.blocks:
            hooks.callback(block.cross_attn.register_forward_pre_hook(join).remove)
            hooks.callback(block.cross_attn.register_forward_hook(divide).remove)
        yield
