"""Mishear English as a recogniser does, without any sound: cheap cases beside those that were really recognised.

Stretches of some words are taken as phones (CMU dictionary), of which some are heard as a similar one, lost or added;
then the likeliest words with these phones or similar ones are written down, found by the Viterbi algorithm over the
word probabilities of PocketSphinx's language model. So words are exchanged, merged, split, lost and added. Both
tables come with the package pocketsphinx.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from benchmarks.phrase_corpus import Case, Job, case_of, jobs
from transcription.transcript import Transcript, Turn, Word

LEVELS = (0.2, 0.35, 0.5, 0.65, 0.8)  # share of the words that lie in badly heard stretches
LONGEST = 10  # phones of a word
CANDIDATES = 8
OUTSIDE = -500_000_000  # the language model's answer for a word that it does not know
LOG_BASE = 1e-4  # the language model's logarithms are to the base 1.0001

# Phones of one class are often taken for each other.
_CLASSES = (
    "P B", "T D", "K G", "F V TH DH", "S Z", "SH ZH CH JH", "M N NG", "L", "R ER", "W", "Y", "HH",
    "IY IH EY", "EH AE", "AH UH UW", "AA AO OW", "AY", "AW", "OY",
)  # fmt: skip
_CLASS = {phone: number for number, phones in enumerate(_CLASSES) for phone in phones.split()}
_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_NUMBERS = _NUMBER_WORDS.split()
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

Phones = tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """Pronunciations, and words by the classes of their phones with their log probability, likeliest first."""

    phones: dict[str, Phones]
    words: dict[tuple[int, ...], tuple[tuple[str, Phones, float], ...]]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Return the dictionary and the word probabilities of PocketSphinx's English model."""
    from pocketsphinx import Config, Decoder, get_model_path

    model = Decoder(Config(loglevel="FATAL")).get_lm()
    phones: dict[str, Phones] = {}
    entries: dict[tuple[int, ...], list[tuple[str, Phones, float]]] = defaultdict(list)
    with open(get_model_path("en-us/cmudict-en-us.dict"), encoding="utf-8") as lines:
        for line in lines:
            name, *sounds = line.split()
            word = re.sub(r"\(\d+\)$", "", name)
            phones.setdefault(word, tuple(sounds))
            score = model.prob([word])
            if score > OUTSIDE and len(sounds) <= LONGEST:
                entries[tuple(_CLASS[s] for s in sounds)].append((word, tuple(sounds), score * LOG_BASE))
    words = {key: tuple(sorted(found, key=lambda e: -e[2])[:CANDIDATES]) for key, found in entries.items()}
    return Lexicon(phones, words)


def spoken_words(text: str) -> list[str]:
    """Return the words of `text` as they are spoken, whole numbers under a hundred written out."""
    words: list[str] = []
    for word in re.findall(r"[a-z']+|\d+", text.lower()):
        words.extend(_number(int(word)) if word.isdigit() else [word])
    return words


def _number(value: int) -> list[str]:
    if value < 20:
        return [_NUMBERS[value]]
    return [_TENS[value // 10 - 2], *([_NUMBERS[value % 10]] if value % 10 else [])]


def misheard(words: Sequence[str], level: float, rng: random.Random) -> Iterator[tuple[str, bool]]:
    """Yield the words heard instead of `words`, each with whether it is right."""
    at = 0
    while at < len(words):
        bad = rng.random() < level
        length = rng.randint(1, 4) if bad else rng.randint(1, 3)
        stretch = words[at : at + length]
        at += length
        if not bad or not all(word in lexicon().phones for word in stretch):
            yield from ((word, True) for word in stretch)
        elif rng.random() > 0.04:  # else it is not heard at all
            observed = _observed([phone for word in stretch for phone in lexicon().phones[word]], rng)
            yield from ((word, word in stretch) for word in _likeliest(observed, rng))


def _observed(phones: Sequence[str], rng: random.Random) -> list[str]:
    heard: list[str] = []
    for phone in phones:
        chance = rng.random()
        if chance < 0.14:
            heard.append(rng.choice(_CLASSES[_CLASS[phone]].split()))
        elif chance < 0.18:
            heard.append(rng.choice(rng.choice(_CLASSES).split()))
        elif chance > 0.05 + 0.18:
            heard.append(phone)
        if rng.random() < 0.02:
            heard.append(rng.choice(rng.choice(_CLASSES).split()))
    return heard


def _likeliest(observed: Sequence[str], rng: random.Random) -> list[str]:
    words = lexicon().words
    best: list[tuple[float, list[str]]] = [(0.0, [])]
    for end in range(1, len(observed) + 1):
        options = [(best[end - 1][0] - 9, best[end - 1][1])]  # the phone stays unexplained
        for begin in range(max(0, end - LONGEST), end):
            for word, phones, score in words.get(tuple(_CLASS[p] for p in observed[begin:end]), ()):
                wrong = sum(a != b for a, b in zip(phones, observed[begin:end], strict=True))
                options.append((best[begin][0] + score - 2.2 * wrong + rng.gauss(0, 1.0), [*best[begin][1], word]))
        best.append(max(options, key=lambda option: option[0]))
    return best[-1][1]


def heard_call(job: Job, level: float, rng: random.Random) -> Transcript:
    """Return the transcript that a recogniser with errors at `level` makes of a planned call."""
    turns, clock = [], 0.4
    with_confidence = rng.random() < 0.8
    for speaker, texts in job.plan.turns:
        start, words = clock, []
        for text, right in misheard(spoken_words(" ".join(texts)), level, rng):
            length = 0.08 + 0.055 * len(text)
            confidence = round(rng.betavariate(5, 1) if right else rng.betavariate(2, 2), 3)
            words.append(Word(text, round(clock, 3), round(clock + length, 3), confidence if with_confidence else None))
            clock += length
        if words:
            turns.append(Turn(speaker, round(start, 3), words[-1].end, " ".join(w.text for w in words), tuple(words)))
        clock += rng.uniform(0.2, 0.9)
    return Transcript("en", round(clock, 3), 2, tuple(turns), "simulated")


def simulated_cases(split: str, count: int) -> Iterator[Case]:
    """Yield `count` English calls, misheard at each of LEVELS in turn."""
    for number, job in zip(range(count), jobs("en", split, seed=11), strict=False):
        rng = random.Random(job.seed)
        level = LEVELS[(number + number // len(LEVELS)) % len(LEVELS)]
        job = replace(job, id=f"{job.id}-simulated")
        yield case_of(job, heard_call(job, level, rng), "none", f"simulated-{level:.0%}")
