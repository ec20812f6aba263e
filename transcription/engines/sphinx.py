"""PocketSphinx with the US-English model of its own package: works offline and at once, and hears so-so.

Its model was trained on wideband speech read aloud. Clear 8 kHz speech comes out well enough to show the product;
real telephone calls do not. docs/engines.md holds the measured word error rates.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

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
from transcription.transcript import Word

if TYPE_CHECKING:
    from pocketsphinx import Decoder

FRAMES_PER_SECOND = 100
LEVEL = 0.5  # of full scale: the peak that each span is brought to
# A third of the default: a tenth quicker, and one word in two hundred more was wrong on 32 synthetic sentences.
STATES_PER_FRAME = 10_000

_FILLER = re.compile(r"[<\[+].*")  # <s>, <sil>, [NOISE], ++um++
_PRONUNCIATION = re.compile(r"\(\d+\)$")  # "the(2)" is "the", spoken the second way


class SphinxEngine:
    """English on any processor, without a download."""

    name = "sphinx/en-us"
    capabilities = Capabilities(("en",), detects_language=False, word_times=True, word_confidence=True)

    def __init__(self) -> None:
        self._lock = threading.Lock()  # one decoder hears one channel at a time

    @cached_property
    def _decoder(self) -> Decoder:
        try:
            from pocketsphinx import Config, Decoder
        except ImportError as error:
            raise EngineUnavailable("PocketSphinx is not installed; pip install pocketsphinx") from error
        try:
            return Decoder(Config(loglevel="FATAL", maxhmmpf=STATES_PER_FRAME))
        except RuntimeError as error:
            raise EngineUnavailable(
                "PocketSphinx cannot load its model; pip install --force-reinstall pocketsphinx"
            ) from error

    def recognise(
        self,
        samples: Samples,
        spans: Sequence[Span],
        *,
        language: str | None = None,
        prompt: str | None = None,
        progress: Progress = ignore_progress,
    ) -> Recognition:
        """Return the words heard in each of `spans`; `prompt` is not used.

        A word's confidence is its posterior probability in the word lattice.

        Raises:
            UnsupportedLanguage: `language` is not English.
            EngineUnavailable: PocketSphinx is not installed or its model is damaged.
        """
        if language is not None and primary_subtag(language) != "en":
            raise UnsupportedLanguage(
                f'the engine "sphinx" knows English only, and this call is in {language};'
                ' choose the engine "whisper" or "faster-whisper" with a model, or bring ready transcripts'
            )
        utterances = []
        with self._lock:
            # Forgets the noise and the mean cepstrum of what came before: without it, the words of a call would
            # depend on which call was heard before. PocketSphinx calls this unnecessary; the test shows it is not.
            self._decoder.start_stream()
            for index, span in enumerate(spans):
                sound = samples[int(span.start * SAMPLE_RATE) : int(span.end * SAMPLE_RATE)]
                words = _words(self._decoder, sound, span)
                if words:
                    text = " ".join(word.text for word in words)
                    utterances.append(Utterance(words[0].start, words[-1].end, text, words))
                progress((index + 1) / len(spans))
        return Recognition(language or "en", tuple(utterances))


def _words(decoder: Decoder, sound: Samples, span: Span) -> tuple[Word, ...]:
    if len(sound) < SAMPLE_RATE // 10:
        return ()
    decoder.start_utt()
    decoder.process_raw(_pcm(sound), full_utt=True)  # the whole span at once, for its mean cepstrum
    decoder.end_utt()
    return tuple(_word(segment, span) for segment in decoder.seg() or () if not _FILLER.match(segment.word))


def _pcm(sound: Samples) -> bytes:
    """Return 16-bit samples at a level like that of the speech which the model was trained on."""
    peak = float(np.abs(sound).max())
    return (sound * (LEVEL * 32767 / max(peak, 1e-4))).astype("<i2").tobytes()


def _word(segment: Any, span: Span) -> Word:
    start = span.start + segment.start_frame / FRAMES_PER_SECOND
    end = span.start + (segment.end_frame + 1) / FRAMES_PER_SECOND
    text = _PRONUNCIATION.sub("", segment.word)
    confidence = min(1.0, max(0.0, float(segment.prob)))
    return Word(text, round(min(start, span.end), 3), round(min(end, span.end), 3), round(confidence, 3))
