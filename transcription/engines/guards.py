"""What both Whisper engines share: windows of speech, the prompt, and guards against invented text.

Given silence, noise or music, a Whisper model writes what its training subtitles said in such places: thanks for
watching, the name of a subtitler, one word over and over. Voice activity detection keeps most of it out; what
comes through all the same is dropped here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from transcription.engine import Span, Utterance
from transcription.languages import join_pieces
from transcription.transcript import Word

# The thresholds are those of openai-whisper's own transcription.
MAX_COMPRESSION = 2.4  # of the text by zlib; above it the same words come again and again
MIN_LOG_PROBABILITY = -1.0  # mean over the tokens
MAX_NO_SPEECH = 0.6
TEMPERATURES = (0.0, 0.2, 0.4, 0.6)  # above these, text is drawn at random

LIKELY_NO_SPEECH = 0.3  # from here on a sentence that is a known invention is taken for one
WINDOW = 29.0  # seconds; Whisper always works on 30 s, however little of it is speech
WINDOW_PAUSE = 2.0  # seconds of silence that end a window
PROMPT_TOKENS = 200  # Whisper keeps 223, and drops the first ones of a longer prompt
OUTSIDE = 0.5  # seconds that a word may lie outside the speech

_INVENTIONS = re.compile(
    r"""(?:
        thank(?:s|\ you)(?:\ (?:so|very)\ much)?\ for\ (?:watching|listening|viewing)
        |(?:please\ )?(?:like\ and\ )?subscribe(?:\ to\ (?:my|our|the)\ channel)?
        |see\ you\ (?:in\ the\ )?next\ (?:time|video)
        |(?:subtitles|captions|transcription|translated)\ by
        |(?:中文)?字幕(?:由|志愿者|提供|制作|校对|by|:|：)|字幕組|字幕组|由.{0,16}(?:提供字幕|社群提供的字幕)
        |(?:谢谢|感谢|多谢)(?:大家|您|你们?)?(?:的)?(?:观看|收看|收听)|謝謝(?:大家)?(?:觀看|收看|收聽)
        |请不吝点赞|請不吝點贊|(?:点赞|订阅|转发|打赏){2,}|明镜与点点|優優獨播劇場|优优独播剧场|下期(?:再见|再見)
        |amara\.org
    )""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One sentence as a Whisper model gave it; times in seconds within its window."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    log_probability: float
    no_speech: float
    compression: float


def windows(spans: Sequence[Span]) -> list[list[Span]]:
    """Group spans that lie close together, so that one run of the model hears them.

    >>> windows([Span(0.0, 5.0), Span(6.0, 9.0), Span(20.0, 21.0)])
    [[Span(start=0.0, end=5.0), Span(start=6.0, end=9.0)], [Span(start=20.0, end=21.0)]]
    """
    groups: list[list[Span]] = []
    for span in spans:
        group = groups[-1] if groups else None
        if group and span.start - group[-1].end <= WINDOW_PAUSE and span.end - group[0].start <= WINDOW:
            group.append(span)
        else:
            groups.append([span])
    return groups


def prompt_within(prompt: str | None, count_tokens: Callable[[str], int], limit: int = PROMPT_TOKENS) -> str | None:
    """Return the beginning of `prompt`, at whole words, that has at most `limit` tokens; None if nothing is left."""
    words = (prompt or "").split()
    low, high = 0, min(len(words), limit)
    while low < high:  # the largest number of words that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count_tokens(" ".join(words[:middle])) <= limit else (low, middle - 1)
    return " ".join(words[:low]) or None


def is_unreliable(log_probability: float, no_speech: float, compression: float) -> bool:
    """Tell whether the model's own figures speak against what it wrote, whatever the words are."""
    if compression > MAX_COMPRESSION or log_probability < MIN_LOG_PROBABILITY:
        return True
    return no_speech > MAX_NO_SPEECH and log_probability < MIN_LOG_PROBABILITY / 2


def is_invented(heard: Heard) -> bool:
    """Tell whether a sentence is more likely the model's invention than speech."""
    if is_unreliable(heard.log_probability, heard.no_speech, heard.compression):
        return True
    return heard.no_speech > LIKELY_NO_SPEECH and _INVENTIONS.search(heard.text) is not None


def utterance_of(heard: Heard, group: Sequence[Span]) -> Utterance | None:
    """Return a sentence in seconds of the recording, None where nothing of it can have been said.

    The model hears silence as well, between the spans of a window: words that it places there are dropped.
    """
    offset, end = group[0].start, group[-1].end
    if is_invented(heard) or not heard.text.strip():
        return None
    if not heard.words:
        first, last = _within(offset + heard.start, offset, end), _within(offset + heard.end, offset, end)
        return Utterance(first, max(first, last), heard.text.strip())
    moved = [_moved(word, offset, end) for word in heard.words]
    kept = tuple(word for word in moved if _in_speech(word, group))
    if not kept:
        return None
    text = heard.text.strip() if len(kept) == len(moved) else join_pieces(word.text for word in kept)
    return Utterance(kept[0].start, max(word.end for word in kept), text, kept)


def words_of(words: Sequence[Any]) -> tuple[Word, ...]:
    """Return words that have `word`, `start`, `end` and `probability`, without empty ones."""
    return tuple(
        Word(text, float(word.start), max(float(word.start), float(word.end)), _share(word.probability))
        for word in words
        if (text := word.word.strip())
    )


def _share(probability: float) -> float:
    return round(min(1.0, max(0.0, float(probability))), 3)


def _moved(word: Word, offset: float, end: float) -> Word:
    first, last = _within(offset + word.start, offset, end), _within(offset + word.end, offset, end)
    return Word(word.text, first, max(first, last), word.confidence)


def _in_speech(word: Word, group: Sequence[Span]) -> bool:
    middle = (word.start + word.end) / 2
    return any(span.start - OUTSIDE <= middle <= span.end + OUTSIDE for span in group)


def _within(seconds: float, start: float, end: float) -> float:
    return round(min(max(seconds, start), end), 3)
