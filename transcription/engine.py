"""Turn sound into words, whatever recogniser does the work.

TranscriptionError
├── UnreadableAudio     missing, empty, damaged or of an unknown format: a retry cannot help
├── EngineUnavailable   the model is not there, did not load or ran out of memory: the message says how to mend it
└── UnsupportedLanguage the engine does not know the language of the call

There are two kinds of `Engine`. A `Recogniser` hears one channel and gives its words. A `TranscriptSource` has
the words already, each with its speaker. `transcription.hear.hear` takes either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from transcription.transcript import Transcript, Word

if TYPE_CHECKING:
    from transcription.audio import Recording

SAMPLE_RATE = 16_000  # Hz: what every recogniser is given

Samples = NDArray[np.float32]  # mono, -1 to 1
Progress = Callable[[float], None]  # hears the share that is done, 0 to 1


class TranscriptionError(Exception):
    """A recording did not become a transcript; the message can be shown to a user."""


class UnreadableAudio(TranscriptionError):
    """The file is missing, empty, damaged or of an unknown format: a retry cannot help."""


class EngineUnavailable(TranscriptionError):
    """The recogniser could not be started; a retry may help once it is mended."""


class UnsupportedLanguage(TranscriptionError):
    """The recogniser does not know the language of the call."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of speech in seconds from the beginning of the recording."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one engine heard in one span of one channel."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognition:
    """What an engine heard on one channel."""

    language: str
    utterances: tuple[Utterance, ...]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do, so that callers need not guess."""

    languages: tuple[str, ...] | None  # primary BCP 47 subtags; None: whatever the model or the file holds
    detects_language: bool
    word_times: bool
    word_confidence: bool
    uses_prompt: bool = False


def ignore_progress(done: float) -> None:
    """Stand in where nobody watches."""


@runtime_checkable
class Recogniser(Protocol):
    """Anything that recognises speech on one channel."""

    @property
    def name(self) -> str:
        """Stored with each transcript, for example "sphinx/en-us"."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    def recognise(
        self,
        samples: Samples,
        spans: Sequence[Span],
        *,
        language: str | None = None,
        prompt: str | None = None,
        progress: Progress = ignore_progress,
    ) -> Recognition:
        """Return the words heard within `spans` of `samples`, in order of time.

        Args:
            samples: one channel at SAMPLE_RATE.
            spans: where there is speech (from voice activity detection), none longer than 30 s; nothing else is
                transcribed.
            language: BCP 47 tag; detected when None and the engine can.
            prompt: words likely to occur (script phrases, names), for engines that take a hint.
            progress: called after each piece of work.

        Raises:
            EngineUnavailable, UnsupportedLanguage
        """
        ...


@runtime_checkable
class TranscriptSource(Protocol):
    """Anything that knows the words of a recording without listening to it."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def transcript_of(self, recording: Recording, *, language: str | None = None) -> Transcript:
        """Return the words of `recording`.

        Raises:
            EngineUnavailable: there is no transcript for it.
        """
        ...


Engine = Recogniser | TranscriptSource


@dataclass(frozen=True, slots=True)
class Request:
    """What a ScriptedEngine was asked."""

    spans: tuple[Span, ...]
    language: str | None
    prompt: str | None


@dataclass
class ScriptedEngine:
    """A recogniser that replays known utterances, for tests and demonstrations.

    It hears `channels` one after the other, one at each call, and begins anew after the last.
    """

    channels: Sequence[Sequence[Utterance]]
    language: str = "en"
    name: str = "scripted"
    capabilities: Capabilities = Capabilities(None, detects_language=False, word_times=True, word_confidence=True)
    requests: list[Request] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._turns = cycle(self.channels)

    def recognise(
        self,
        samples: Samples,
        spans: Sequence[Span],
        *,
        language: str | None = None,
        prompt: str | None = None,
        progress: Progress = ignore_progress,
    ) -> Recognition:
        """Return the next channel's utterances, whatever the sound."""
        self.requests.append(Request(tuple(spans), language, prompt))
        progress(1.0)
        return Recognition(language or self.language, tuple(next(self._turns)))


def spoken(text: str, start: float, end: float, *, confidence: float | None = 1.0) -> Utterance:
    """Return an utterance for a ScriptedEngine, its words spread evenly from `start` to `end` seconds.

    >>> [word.start for word in spoken("good morning", 1.0, 2.0).words]
    [1.0, 1.5]
    """
    pieces = text.split()
    edges = np.linspace(start, end, len(pieces) + 1).round(3).tolist()
    words = (Word(*piece, confidence) for piece in zip(pieces, edges, edges[1:], strict=False))
    return Utterance(start, end, text, tuple(words))


def primary_subtag(language: str) -> str:
    """Return what recognisers call a language: "zh" for "zh-CN"."""
    return language.split("-")[0].lower()
