"""Ready transcripts as a recogniser would have written them: with times, confidence and misheard words.

Nobody spoke these calls. Times follow from the length of the text, and the errors are of the kind that
recognisers make: words of the same or nearly the same sound, dropped words, fillers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from qa.demonstration.dialogues import Performance, PerformedLine, Repertoire
from scoring.facts import Event
from transcription.transcript import AGENT, Transcript, Turn, Word

ENGINE = "synthetic"  # stands where a recogniser's name would
# How often a word that can be misheard is misheard, by the quality of the line, and how often such lines occur.
ERROR_RATES = (0.02, 0.08, 0.25)
LINES_SEEN = (5, 4, 1)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, or one character of Chinese, as the recogniser wrote it."""

    text: str
    misheard: bool = False


@dataclass(frozen=True, slots=True)
class WrittenCall:
    transcript: Transcript
    holds: tuple[Event, ...]  # as the telephone system reports them


def write_down(performance: Performance, of: Repertoire, pace: float, random: Random) -> WrittenCall:
    """Return the transcript of `performance`; `pace` is the agent's speech rate, 1 is usual."""
    rate = random.choices(ERROR_RATES, weights=LINES_SEEN)[0]
    turns: list[Turn] = []
    holds: list[Event] = []
    clock = random.uniform(0.4, 1.2)
    for line in performance.lines:
        start = clock + _pause(line, random)
        if line.hold:
            holds += [Event("hold_start", round(clock + 0.3, 2), None), Event("hold_end", round(start - 0.1, 2), None)]
        speed = of.units_per_second * (pace if line.who == AGENT else 1.0) * random.uniform(0.92, 1.08)
        words = _timed(list(_heard(line, of, rate, random)), start, speed, rate, random)
        text = _joined(words, of.language)
        clock = words[-1].end
        turns.append(Turn(line.who, words[0].start, clock, text, words))
    duration = round(clock + random.uniform(0.5, 2.0), 2)
    return WrittenCall(Transcript(of.language, duration, 0, tuple(turns), ENGINE), tuple(holds))


def _pause(line: PerformedLine, random: Random) -> float:
    return random.uniform(0.25, 0.9) if line.pause is None else line.pause * random.uniform(0.85, 1.4)


def _heard(line: PerformedLine, of: Repertoire, rate: float, random: Random) -> Iterator[Token]:
    """Yield what the recogniser made of `line`; never nothing."""
    if line.who != AGENT and random.random() < 0.12:
        yield Token(random.choice(of.fillers))
    pieces = _chinese_pieces(line.text, of) if of.language.startswith("zh") else line.text.split()
    for position, piece in enumerate(pieces):
        sounds_like = of.misheard.get(re.sub(r"\W", "", piece)) or of.misheard.get(re.sub(r"\W", "", piece).lower())
        if sounds_like and random.random() < rate:
            yield from _tokens(random.choice(sounds_like), of.language, misheard=True)
        elif position and len(piece) < 4 and piece.isalpha() and random.random() < rate / 8:
            continue
        else:
            yield from _tokens(piece, of.language, misheard=False)


def _chinese_pieces(text: str, of: Repertoire) -> list[str]:
    """Split `text` into words that can be misheard and single characters, punctuation at the one before."""
    words = "|".join(map(re.escape, sorted(of.misheard, key=len, reverse=True)))
    return re.findall(rf"(?:{words}|.)[，。、？！]*", text)


def _tokens(piece: str, language: str, *, misheard: bool) -> Iterator[Token]:
    parts = re.findall(r"\w\W*", piece) if language.startswith("zh") else piece.split()
    yield from (Token(part, misheard) for part in parts)


def _timed(tokens: list[Token], start: float, speed: float, rate: float, random: Random) -> tuple[Word, ...]:
    words = []
    clock = start
    for token in tokens:
        end = clock + random.uniform(0.85, 1.15) / speed
        words.append(Word(token.text, round(clock, 2), round(end, 2), _confidence(token, rate, random)))
        clock = end + (0.18 if token.text[-1] in ",.?，。、？！" else 0.0)
    return tuple(words)


def _confidence(token: Token, rate: float, random: Random) -> float:
    mean = 0.58 if token.misheard else 0.95 - rate / 2
    return round(min(max(random.gauss(mean, 0.08), 0.05), 0.99), 2)


def _joined(words: tuple[Word, ...], language: str) -> str:
    return ("" if language.startswith("zh") else " ").join(word.text for word in words)
