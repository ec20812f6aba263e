"""More phrases for training than the written scripts have: near-misses made by exchanging words.

    python -m benchmarks.phrase_variety --out FOLDER

Writes FOLDER/train-en-varied.jsonl (clear speech, which the spoken cases lack) and FOLDER/train-zh-varied.jsonl.

The wordings of the training scripts and of the shipped phrase sets become scripts of their own, a dozen phrases each.
The near-misses of a wording are made from it: a word that carries meaning exchanged for one of another wording,
another number, a negation put in or taken out. What is no near-miss by accident (the exchanged word sounds the same)
is left out.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from benchmarks.phrase_corpus import Case, Job, Script, ScriptPhrase, case_of, load_scripts, plan_call, write_cases
from scoring.phrase_set import load_phrase_set
from scoring.shipped import shipped
from scoring.sounds import english_symbols, han_symbols
from scoring.word_kinds import FUNCTION_WORDS, LIGHT_CHINESE, NEGATORS_CHINESE, NEGATORS_ENGLISH
from scoring.wordings import script_wordings

PHRASES_A_SCRIPT = 14
SETS = {"en": ("phrases-en-bank",), "zh": ("phrases-zh-mobile",)}
LEVELS = {"en": (0.0, 0.05, 0.15), "zh": (0.0, 0.08, 0.15, 0.22, 0.3, 0.4)}  # share of words, characters misheard
CALLS = {"en": 90, "zh": 300}
_INSIDE = {
    "en": ("...", "okay so ...", "right, ... is that okay"),
    "zh": ("...", "好的，...", "嗯，...，您看可以吗", "那..."),
}
_DIGITS_ZH = "一二三四五六七八九"
_DIGITS_EN = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "twelve",
    "fifteen",
    "twenty",
    "thirty",
]


@cache
def scripts(language: str) -> tuple[Script, ...]:
    """Return scripts of all wordings that may be trained on."""
    written = load_scripts(language, "train")
    wordings = {wording for script in written for phrase in script.phrases for wording in phrase.wordings}
    for name in SETS[language]:
        wordings.update(w for w in script_wordings(load_phrase_set(shipped(name))) if len(_words(w, language)) > 1)
    rng = random.Random(language)
    pool = sorted(wordings)
    exchange = sorted({word for wording in pool for word in _words(wording, language) if _tells(word, language)})
    rng.shuffle(pool)
    talk = {side: tuple(line for script in written for line in script.talk[side]) for side in ("agent", "customer")}
    made = []
    for number in range(0, len(pool), PHRASES_A_SCRIPT):
        phrases = tuple(
            ScriptPhrase(
                f"variety-{number + place}",
                (wording,),
                _INSIDE[language],
                near_misses(wording, exchange, language, rng),
            )
            for place, wording in enumerate(pool[number : number + PHRASES_A_SCRIPT])
        )
        made.append(Script(language, f"variety-{number // PHRASES_A_SCRIPT}", "train", phrases, talk))
    return tuple(made)


_DENIABLE = {
    "zh": ("能", "会", "可以", "需要", "是", "已经"),
    "en": ("can", "will", "is", "are", "do", "may", "have"),
}


def near_misses(wording: str, exchange: Sequence[str], language: str, rng: random.Random) -> tuple[str, ...]:
    """Return sentences that differ from a wording in a word that matters."""
    words = _words(wording, language)
    joint = "" if language == "zh" else " "
    places = [at for at, word in enumerate(words) if _tells(word, language)]
    made: set[str] = set()
    for _ in range(10):
        other = list(words)
        chance = rng.random()
        if chance < 0.15:
            other = _negated(other, language, rng)
        elif places:
            for at in rng.sample(places, min(len(places), rng.choice((1, 1, 1, 2)))):
                other[at] = _exchanged(other[at], exchange, language, rng)
        if other != words and not _sound_alike(other, words, language):
            made.add(joint.join(other))
    return tuple(sorted(made))


def _exchanged(word: str, exchange: Sequence[str], language: str, rng: random.Random) -> str:
    digits = _DIGITS_ZH if language == "zh" else _DIGITS_EN
    if word in digits:
        return rng.choice([digit for digit in digits if digit != word])
    size = [one for one in exchange if len(one) == len(word)] if language == "zh" else exchange
    return rng.choice(size) if size else word


def _negated(words: Sequence[str], language: str, rng: random.Random) -> list[str]:
    negators = NEGATORS_CHINESE if language == "zh" else NEGATORS_ENGLISH
    if any(word in negators for word in words):
        return [word for word in words if word not in negators]
    before = {
        "zh": ("能", "会", "可以", "需要", "是", "已经"),
        "en": ("can", "will", "is", "are", "do", "may", "have"),
    }[language]
    places = [at + (language == "en") for at, word in enumerate(words) if word in before]
    if not places:
        return list(words)
    at = rng.choice(places)
    return [*words[:at], "不" if language == "zh" else "not", *words[at:]]


def _sound_alike(one: Sequence[str], other: Sequence[str], language: str) -> bool:
    """Whether no word of the two, place by place, sounds different."""
    if len(one) != len(other):
        return False
    return all(_sound(a, language) == _sound(b, language) for a, b in zip(one, other, strict=True))


def _sound(word: str, language: str) -> tuple[int, ...]:
    if language == "en":
        return english_symbols(word)
    return tuple(symbol for character in word for symbol in han_symbols(character))


def _tells(word: str, language: str) -> bool:
    small = LIGHT_CHINESE if language == "zh" else FUNCTION_WORDS
    return word not in small and bool(re.search(r"\w", word))


def _words(wording: str, language: str) -> list[str]:
    if language == "en":
        return re.findall(r"[a-z0-9']+", wording.lower())
    import jieba

    return [word for word in jieba.cut(wording, HMM=False) if re.search(r"\w", word)]


def varied_cases(language: str, count: int, seed: int = 11) -> Iterator[Case]:
    """Yield `count` calls of these scripts, misheard at each of the levels in turn."""
    made = scripts(language)
    rng = random.Random(f"{seed} {language}")
    for number in range(count):
        level = LEVELS[language][number % len(LEVELS[language])]
        plan = plan_call(made[rng.randrange(len(made))], made, rng)
        job = Job(f"{language}-varied-{number:04}", plan, "train", ("none", "none"), "none", rng.randrange(2**31))
        yield _heard(job, level)


def _heard(job: Job, level: float) -> Case:
    if job.plan.script.language == "zh":
        from benchmarks.phrase_homophones import heard_call
    else:
        from benchmarks.phrase_mishear import heard_call
    transcript = heard_call(job, level, random.Random(job.seed))
    case = case_of(job, transcript, "none", f"errors-{level:.0%}")
    return replace(case, domain=case.id[-1])  # domains in common: the scripts share their phrases' words


def main() -> None:
    """Write the cases of both languages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the cases")
    folder = parser.parse_args().out
    for language, count in CALLS.items():
        write_cases(folder / f"train-{language}-varied.jsonl", varied_cases(language, count))


if __name__ == "__main__":
    main()
