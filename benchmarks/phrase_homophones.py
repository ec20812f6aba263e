"""Mishear Mandarin as a recogniser does: homophones, the usual confusions, and the words that are most likely.

There is no Mandarin recogniser where the cases are made, so this stands in for one. Each character's syllable may be
heard as a neighbour (z/zh, c/ch, s/sh, l/n, f/h, r/l, n/ng, another tone, seldom anything), may be lost, and a little
is added; then the likeliest words with these syllables are written down, found by the Viterbi algorithm over the word
frequencies of jieba's dictionary. Confidences are lower where a word is wrong, with overlap, and some cases have none.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log
from pathlib import Path

from benchmarks.phrase_corpus import Case, Job, case_of, jobs
from transcription.transcript import Transcript, Turn, Word

LEVELS = {  # share of characters aimed at
    "train": (0.0, 0.1, 0.2, 0.3, 0.45), "check": (0.05, 0.15, 0.25, 0.35, 0.45),
    "test": (0.08, 0.18, 0.28, 0.38, 0.45), "fresh": (0.0, 0.12, 0.22, 0.33, 0.42),
}  # fmt: skip
LONGEST = 4  # characters of a word
CANDIDATES = 6  # words kept for each string of syllables
STEP = 0.22  # seconds a character
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_SPOKEN = re.compile(r"[\u4e00-\u9fff]+|[A-Za-z0-9]+")

_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcsyw")
_INITIAL_NEIGHBOURS = {
    "z": ("zh",), "zh": ("z", "j"), "c": ("ch",), "ch": ("c", "q"), "s": ("sh",), "sh": ("s", "x"), "l": ("n", "r"),
    "n": ("l",), "f": ("h",), "h": ("f",), "r": ("l",), "b": ("p",), "p": ("b",), "d": ("t",), "t": ("d",),
    "g": ("k",), "k": ("g",), "j": ("q", "zh"), "q": ("j",), "x": ("sh",),
}  # fmt: skip
_FINAL_NEIGHBOURS = {
    "an": ("ang",), "ang": ("an",), "en": ("eng",), "eng": ("en",), "in": ("ing",), "ing": ("in",), "uan": ("uang",),
    "uang": ("uan",), "ian": ("in",), "ai": ("ei",), "ei": ("ai",), "uo": ("ou",), "ou": ("uo",), "e": ("o",),
}  # fmt: skip


@dataclass(frozen=True)
class Lexicon:
    """Words by their toneless syllables, with tones and log probability, likeliest first."""

    words: dict[tuple[str, ...], tuple[tuple[str, tuple[str, ...], float], ...]]
    syllables: tuple[str, ...]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Return the lexicon made of jieba's dictionary (install the package jieba, it is needed for nothing else)."""
    import jieba  # type: ignore[import-untyped]

    entries: dict[tuple[str, ...], list[tuple[str, tuple[str, ...], float]]] = defaultdict(list)
    total = 60_101_967  # the sum of all counts
    with (Path(jieba.__file__).parent / "dict.txt").open(encoding="utf-8") as lines:
        for line in lines:
            text, count, *_ = line.split()
            if len(text) <= LONGEST and int(count) >= (20 if len(text) > 1 else 100) and _HAN.fullmatch(text):
                toned = syllables(text)
                key = tuple(syllable[:-1] for syllable in toned)
                entries[key].append((text, toned, log(int(count) / total)))
    words = {key: tuple(sorted(found, key=lambda e: -e[2])[:CANDIDATES]) for key, found in entries.items()}
    return Lexicon(words, tuple(sorted({key[0] for key in words})))


def syllables(text: str) -> tuple[str, ...]:
    """Return the syllable of each character with its tone, 5 where it has none: ("ni3", "hao3")."""
    from pypinyin import Style, lazy_pinyin

    return tuple(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True))


def misheard(text: str, level: float, rng: random.Random) -> list[tuple[str, bool]]:
    """Return the words heard instead of `text`, each with whether it is right; about `level` of the characters differ.

    Runs of Chinese characters are heard in stretches, so that errors come in groups; the rest stays as it is.
    """
    heard: list[tuple[str, bool]] = []
    for run in _SPOKEN.findall(text):
        if not _HAN.fullmatch(run):
            heard.append((run, True))
            continue
        for stretch, meant in _stretches(run, level, rng):
            if meant:
                heard.extend((word, True) for word in _cut(stretch))
            else:
                heard.extend(_decoded(stretch, rng))
    return heard


def _stretches(run: str, level: float, rng: random.Random) -> Iterator[tuple[str, bool]]:
    """Yield stretches of a run, each with whether it is heard well; of the others a part still comes out right."""
    at = 0
    while at < len(run):
        bad = rng.random() < min(0.95, 1.5 * level)
        length = rng.randint(1, 4) if bad else rng.randint(1, 3)
        yield run[at : at + length], not bad
        at += length


def _decoded(stretch: str, rng: random.Random) -> Iterator[tuple[str, bool]]:
    if rng.random() < 0.025:
        return  # not heard at all
    observed = [_heard_as(syllable, rng) for syllable in syllables(stretch) if rng.random() > 0.02]
    if rng.random() < 0.03:
        observed.insert(rng.randrange(len(observed) + 1), rng.choice(("en5", "a5", "de5", "na4", "shi4")))
    words = _likeliest(observed, rng) if rng.random() < 0.6 else [_homophone(s, rng) for s in observed]
    for word in words:
        yield word, word in stretch


def _heard_as(syllable: str, rng: random.Random) -> str:
    """Return what a syllable is heard as."""
    base, tone = syllable[:-1], syllable[-1]
    chance = rng.random()
    if chance < 0.02:
        return rng.choice(lexicon().syllables) + rng.choice("1234")
    initial = next((i for i in _INITIALS if base.startswith(i)), "")
    final = base[len(initial) :]
    if chance < 0.22 and initial in _INITIAL_NEIGHBOURS:
        initial = rng.choice(_INITIAL_NEIGHBOURS[initial])
    if 0.14 < chance < 0.32 and final in _FINAL_NEIGHBOURS:
        final = rng.choice(_FINAL_NEIGHBOURS[final])
    if rng.random() < 0.3:
        tone = rng.choice("1234")
    return (initial + final if (initial + final,) in lexicon().words else base) + tone


def _homophone(syllable: str, rng: random.Random) -> str:
    """Return a character of this sound, common ones more often."""
    found = lexicon().words.get((syllable[:-1],), ())
    if not found:
        return "嗯"
    weights = [2.718 ** (0.6 * p) * (3 if toned[0] == syllable else 1) for _, toned, p in found]
    return rng.choices([text for text, _, _ in found], weights=weights)[0]


def _likeliest(observed: Sequence[str], rng: random.Random) -> list[str]:
    """Return the likeliest words for a string of syllables; a wrong tone costs, and chance has a little say."""
    words = lexicon().words
    best: list[tuple[float, list[str]]] = [(0.0, [])]
    for end in range(1, len(observed) + 1):
        options: list[tuple[float, list[str]]] = []
        for begin in range(max(0, end - LONGEST), end):
            key = tuple(s[:-1] for s in observed[begin:end])
            for text, toned, score in words.get(key, ()):
                wrong = sum(a != b for a, b in zip(toned, observed[begin:end], strict=True))
                options.append((best[begin][0] + score - 2.0 * wrong + rng.gauss(0, 1.0), [*best[begin][1], text]))
        best.append(max(options, default=(best[end - 1][0] - 30, [*best[end - 1][1], "嗯"])))
    return best[-1][1]


def _cut(text: str) -> list[str]:
    """Return the likeliest words that `text` consists of."""
    import jieba

    return list(jieba.cut(text, HMM=False))


def heard_call(job: Job, level: float, rng: random.Random) -> Transcript:
    """Return the transcript that a recogniser with errors at `level` makes of a planned call."""
    form = rng.choice(("words", "words", "characters", "text"))  # what engines return
    script = rng.choice((None, None, None, None, "s2t", "s2tw"))
    with_confidence = rng.random() < 0.75
    turns, clock = [], 0.4
    for speaker, texts in job.plan.turns:
        start, words = clock, []
        for text in texts:
            for heard, right in misheard(text, level, rng):
                for piece in heard if form == "characters" and _HAN.fullmatch(heard) else (heard,):
                    piece = _converted(piece, script)
                    length = STEP * len(piece) if _HAN.search(piece) else 0.3
                    confidence = round(rng.betavariate(6, 1.3) if right else rng.betavariate(3, 2.2), 3)
                    kept = confidence if with_confidence else None
                    words.append(Word(piece, round(clock, 3), round(clock + length, 3), kept))
                    clock += length
            clock += rng.uniform(0.1, 0.4)
        if not words:
            continue
        mark = "，" if rng.random() < 0.3 else ""
        text = mark.join("".join(word.text for word in words[at : at + 8]) for at in range(0, len(words), 8))
        turns.append(Turn(speaker, round(start, 3), words[-1].end, text, () if form == "text" else tuple(words)))
        clock += rng.uniform(0.2, 0.9)
    return Transcript("zh-CN", round(clock, 3), 2, tuple(turns), "homophones")


@lru_cache(maxsize=4)
def _converter(script: str):  # type: ignore[no-untyped-def]
    from opencc import OpenCC

    return OpenCC(script)


def _converted(text: str, script: str | None) -> str:
    return text if script is None else str(_converter(script).convert(text))


def chinese_cases(split: str, count: int) -> Iterator[Case]:
    """Yield `count` Chinese calls, misheard at each of the levels of their split in turn."""
    levels = LEVELS[split]
    for number, job in zip(range(count), jobs("zh", split), strict=False):
        rng = random.Random(job.seed)
        level = levels[number % len(levels)]
        if number // len(levels) % 2:  # so that no script keeps its level
            level = levels[(number + 1) % len(levels)]
        transcript = heard_call(job, level, rng)
        yield case_of(replace(job, voices=("none", "none")), transcript, "none", f"errors-{level:.0%}")
