"""Words as they sound, in a coarse form that recognition errors rarely change."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from rapidfuzz.distance import Indel

_RULES = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^(kn|gn)", "n"), (r"^wr", "r"), (r"^wh", "w"), (r"mb$", "m"),
        (r"[ct]i(?=o|e|a)", "S"), (r"tch|ch|sh", "S"), (r"ph|gh(?=t)", "f"), (r"th", "t"), (r"gh", ""),
        (r"qu", "kw"), (r"ck|q", "k"), (r"c(?=[eiy])", "s"), (r"c", "k"), (r"g(?=[eiy])", "j"), (r"g", "k"),
        (r"x", "ks"), (r"z", "s"), (r"d", "t"), (r"b", "p"), (r"v", "f"), (r"(?<=[aeiou])r(?![aeiouy])", ""),
        (r"(?<!^)[aeiouyhw]+", ""), (r"^[aeiouy]+", "A"), (r"(.)\1+", r"\1"), (r"S", "s"),
    )
)  # fmt: skip


@lru_cache(maxsize=20_000)
def skeleton(word: str) -> str:
    """Return the consonants of an English word as they sound, voiced and voiceless alike: "patience" is ptsns."""
    for pattern, sound in _RULES:
        word = pattern.sub(sound, word)
    return word


@lru_cache(maxsize=50_000)
def likeness(wording: str, heard: str) -> float:
    """Return how alike two words are by letters and by sound, 0 to 1."""
    if wording == heard:
        return 1.0
    letters = Indel.normalized_similarity(wording, heard)
    if wording[0].isdigit() or heard[0].isdigit():
        return 0.0
    first, second = skeleton(wording), skeleton(heard)
    sound = Indel.normalized_similarity(first, second) if min(len(first), len(second)) > 1 else 0.0
    return max(letters, 0.35 * letters + 0.6 * sound)


_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("h", "f"))
_FINALS = (("iang", "ian"), ("uang", "uan"), ("ang", "an"), ("eng", "en"), ("ing", "in"), ("ong", "on"))


@cache
def syllable(character: str) -> str:
    """Return one sign for the sound of a Chinese character: no tone, usual confusions (z/zh, l/n, n/ng) merged.

    Characters that sound alike in this sense get the same sign; a letter or digit is its own.
    """
    if not "\u3400" <= character <= "\u9fff":
        return character
    from pypinyin import Style, pinyin

    sound = pinyin(character, style=Style.NORMAL)[0][0]
    for initial, merged in _INITIALS:
        if sound.startswith(initial):
            sound = merged + sound[len(initial) :]
            break
    for final, merged in _FINALS:
        if sound.endswith(final):
            sound = sound[: -len(final)] + merged
            break
    return _sign(sound)


_signs: dict[str, str] = {}


def _sign(sound: str) -> str:
    # The private use area holds 6,400 signs; merged Mandarin has about 300 syllables.
    return _signs.setdefault(sound, chr(0xE000 + len(_signs)))
