"""Words as they sound: English phones, Mandarin initials and finals, and how easily one is heard for another.

A unit (an English word, a Chinese character) becomes a short run of *symbols*, numbers under `SYMBOLS`. English phones
come from the pronouncing dictionary inside the PocketSphinx wheel, with letter-to-sound rules for words that it lacks;
Mandarin readings from pypinyin: an initial and a final with its tone. `costs()` says how unlike two symbols sound.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from rapidfuzz.distance import Indel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"
PHONES = {phone: number for number, phone in enumerate(f"{_VOWELS} {_CONSONANTS}".split())}
_INITIALS_LIST = "- b p m f d t n l g k h j q x zh ch sh r z c s y w"
_FINALS_LIST = """
    a o e i u v ai ei ui ao ou iu ie ve er an en in un vn ang eng ing ong ia iao ian iang iong ua uo uai uan uang van
    m n ng hm
"""
_INITIAL_NAMES = _INITIALS_LIST.split()
FINALS = _FINALS_LIST.split()
TONES = 5  # the neutral tone is 0
_FIRST_INITIAL = len(PHONES)
_FIRST_FINAL = _FIRST_INITIAL + len(_INITIAL_NAMES)
_FIRST_LETTER = _FIRST_FINAL + len(FINALS) * TONES
SYMBOLS = _FIRST_LETTER + 16  # letters of other scripts share what is left
BREAK = SYMBOLS - 1  # a break in one side's speech; sounds like nothing

INITIALS = {name: _FIRST_INITIAL + number for number, name in enumerate(_INITIAL_NAMES)}


def final_symbol(name: str, tone: int) -> int:
    """Return the symbol of a Mandarin final in a tone."""
    return _FIRST_FINAL + FINALS.index(name) * TONES + tone


# --- English -------------------------------------------------------------------------------------------------------

# Letters to sounds for words that the dictionary lacks, longest first at each place.
_SPELLING = {
    "tion": "SH AH N", "sion": "ZH AH N", "ture": "CH ER", "ough": "AO", "augh": "AO", "eigh": "EY", "igh": "AY",
    "tch": "CH", "dge": "JH", "sch": "S K", "chr": "K R", "ear": "IH R", "eer": "IH R", "air": "EH R", "our": "AO R",
    "oor": "AO R", "ing": "IH NG", "ck": "K", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "wh": "W", "kn": "N",
    "wr": "R", "gh": "G", "qu": "K W", "ng": "NG", "nk": "NG K", "ee": "IY", "ea": "IY", "ie": "IY", "ei": "EY",
    "ai": "EY", "ay": "EY", "ey": "IY", "oa": "OW", "ow": "OW", "oo": "UW", "ou": "AW", "oi": "OY", "oy": "OY",
    "au": "AO", "aw": "AO", "ew": "UW", "ue": "UW", "ui": "UW", "ar": "AA R", "er": "ER", "ir": "ER", "or": "AO R",
    "ur": "ER", "ss": "S", "ll": "L", "tt": "T", "pp": "P", "mm": "M", "nn": "N", "ff": "F", "bb": "B", "dd": "D",
    "gg": "G", "rr": "R", "zz": "Z", "cc": "K", "ce": "S", "ci": "S IH", "cy": "S IY", "ge": "JH", "gi": "JH IH",
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K",
    "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V",
    "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_FINAL_SPELLING = {"e": "", "es": "Z", "ed": "D", "y": "IY", "o": "OW", "a": "AH", "i": "IY", "le": "AH L", "s": "Z"}
_LETTER_NAMES = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip
_DIGITS_LIST = "zero one two three four five six seven eight nine"
_TEENS_LIST = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS_LIST = "twenty thirty forty fifty sixty seventy eighty ninety"
_DIGIT_NAMES, _TEEN_NAMES, _TEN_NAMES = _DIGITS_LIST.split(), _TEENS_LIST.split(), _TENS_LIST.split()
_SIGNS = {"£": "pounds", "$": "dollars", "€": "euros", "%": "percent"}
_LONGEST = 48  # symbols of one unit; a longer "word" is noise


@cache
def _dictionary() -> dict[str, str]:
    """Return the pronouncing dictionary, word to phones; read once (0.1 s), the first reading of each word."""
    import pocketsphinx

    with open(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"), encoding="utf-8") as lines:
        return {word: phones for word, _, phones in (line.partition(" ") for line in lines) if "(" not in word}


def english_symbols(word: str) -> tuple[int, ...]:
    """Return the phones of an English unit in normal form: a word, a number or an amount."""
    symbols: list[int] = []
    if word.startswith(("£", "$", "€")):  # the amount is spoken first: twenty pounds
        word = word[1:] + word[0]
    for piece in re.findall(r"[0-9]+|[a-z']+|[£$€%]|[^\W\d_]", word):
        symbols.extend(_piece(piece))
    return tuple(symbols[:_LONGEST])


def _piece(piece: str) -> tuple[int, ...]:
    if "0" <= piece[0] <= "9":
        return _of_phones(" ".join(_known(name) for name in number_names(piece)))
    if piece in _SIGNS:
        return _of_phones(_known(_SIGNS[piece]))
    if piece.isascii():
        return _of_phones(_pronounced(piece.replace("'", "")))
    return (_FIRST_LETTER + ord(piece) % (BREAK - _FIRST_LETTER),)


def number_names(digits: str) -> list[str]:
    """Return the words for a number: two digits as one number, round hundreds and thousands, else digit by digit."""
    value = int(digits) if len(digits) <= 6 else -1
    if digits[0] == "0" or len(digits) > 4 or value < 0:
        return [_DIGIT_NAMES[int(digit)] for digit in digits]
    if value < 10:
        return [_DIGIT_NAMES[value]]
    if value < 20:
        return [_TEEN_NAMES[value - 10]]
    if value < 100:
        return [_TEN_NAMES[value // 10 - 2], *([_DIGIT_NAMES[value % 10]] if value % 10 else [])]
    if value % 1000 == 0:
        return [_DIGIT_NAMES[value // 1000], "thousand"]
    if value % 100 == 0 and value < 1000:
        return [_DIGIT_NAMES[value // 100], "hundred"]
    return [_DIGIT_NAMES[int(digit)] for digit in digits]


def _of_phones(phones: str) -> tuple[int, ...]:
    return tuple(PHONES[phone] for phone in phones.split())


def _known(word: str) -> str:
    return _dictionary()[word]


def _pronounced(word: str) -> str:
    """Return the phones of a word: from the dictionary, from the parts of a compound, else from its letters."""
    known = _dictionary()
    if word in known:
        return known[word]
    if not word:
        return ""
    if len(word) <= 5 and not re.search("[aeiouy]", word):
        return " ".join(_LETTER_NAMES[letter] for letter in word)
    for ending, sound in (("s", "Z"), ("ed", "D"), ("d", "D"), ("ing", "IH NG"), ("er", "ER"), ("ly", "L IY")):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and stem in known:
            return f"{known[stem]} {sound}"
    for cut in range(3, min(len(word) - 2, 20)):
        if word[:cut] in known and word[cut:] in known:
            return f"{known[word[:cut]]} {known[word[cut:]]}"
    return _spelled(word[:_LONGEST])


def _spelled(word: str) -> str:
    phones: list[str] = []
    at = 0
    while at < len(word):
        if at and word[at:] in _FINAL_SPELLING:
            phones.append(_FINAL_SPELLING[word[at:]])
            break
        size = next(size for size in (4, 3, 2, 1) if word[at : at + size] in _SPELLING)
        phones.append(_SPELLING[word[at : at + size]])
        at += size
    return " ".join(phones)


# --- Mandarin ------------------------------------------------------------------------------------------------------


def is_han(character: str) -> bool:
    """Whether a character is a Chinese one."""
    return "\u3400" <= character <= "\u9fff"


@lru_cache(maxsize=30_000)
def han_symbols(character: str) -> tuple[int, ...]:
    """Return initial and final of a Chinese character in its most usual reading."""
    from pypinyin import Style, pinyin

    return pinyin_symbols(pinyin(character, style=Style.TONE3, neutral_tone_with_five=True)[0][0])


def wording_symbols(text: str) -> list[tuple[int, ...]]:
    """Return initial and final of each character of a Chinese wording, its readings chosen by the words it forms."""
    from pypinyin import Style, pinyin

    readings = pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)
    if len(readings) != len(text):  # only when some of it is not Chinese
        return [han_symbols(character) if is_han(character) else () for character in text]
    return [
        pinyin_symbols(reading[0]) if is_han(character) else ()
        for character, reading in zip(text, readings, strict=True)
    ]


@cache
def pinyin_symbols(syllable: str) -> tuple[int, ...]:
    """Return initial and final of a syllable such as "zhuang1"; nothing for what is none."""
    found = re.fullmatch(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)([a-zêü]+?)([1-5]?)", syllable)
    if found is None:
        return ()
    initial, final, tone = found[1] or "-", found[2].replace("ü", "v").replace("ê", "e"), int(found[3] or 5) % TONES
    if initial in "jqxy" and final in ("u", "un", "uan", "ue"):
        final = "v" + final[1:]
    final = {"ue": "ve", "io": "o"}.get(final, final)
    if final not in FINALS:
        return ()
    return INITIALS[initial], final_symbol(final, tone)


_DIGIT_READINGS = "ling2 yi1 er4 san1 si4 wu3 liu4 qi1 ba1 jiu3"
_DIGIT_SYLLABLES = _DIGIT_READINGS.split()
_PLACE_SYLLABLES = {"十": "shi2", "百": "bai3", "千": "qian1"}


@cache
def digit_symbols(digit: str) -> tuple[int, ...]:
    """Return the symbols of a digit read aloud in Mandarin, with its place: "3", "3十", "1十" (shi), "0-" (silent)."""
    if digit[1:] == "-":
        return ()
    first = pinyin_symbols(_DIGIT_SYLLABLES[int(digit[0])])
    if digit[1:] not in _PLACE_SYLLABLES:
        return first
    place = pinyin_symbols(_PLACE_SYLLABLES[digit[1:]])
    return place if digit == "1十" else first + place


# --- How unlike two symbols sound ----------------------------------------------------------------------------------

# place (lips .. throat), manner, voice
_ARTICULATION = {
    "P": (0, "stop", 0), "B": (0, "stop", 1), "T": (3, "stop", 0), "D": (3, "stop", 1), "K": (6, "stop", 0),
    "G": (6, "stop", 1), "CH": (4, "affricate", 0), "JH": (4, "affricate", 1), "F": (1, "fricative", 0),
    "V": (1, "fricative", 1), "TH": (2, "fricative", 0), "DH": (2, "fricative", 1), "S": (3, "sibilant", 0),
    "Z": (3, "sibilant", 1), "SH": (4, "sibilant", 0), "ZH": (4, "sibilant", 1), "HH": (7, "fricative", 0),
    "M": (0, "nasal", 1), "N": (3, "nasal", 1), "NG": (6, "nasal", 1), "L": (3, "liquid", 1), "R": (4, "liquid", 1),
    "W": (0, "glide", 1), "Y": (5, "glide", 1),
}  # fmt: skip
_MANNERS = {
    frozenset(("stop", "affricate")): 0.5, frozenset(("affricate", "sibilant")): 0.35,
    frozenset(("fricative", "sibilant")): 0.35, frozenset(("stop", "fricative")): 0.5,
    frozenset(("liquid", "glide")): 0.4, frozenset(("nasal", "liquid")): 0.55, frozenset(("stop", "nasal")): 0.6,
}  # fmt: skip
# open (0) .. close (3), front (0) .. back (2), glide at the end
_VOWEL_PLACES = {
    "AA": (0, 2, ""), "AE": (0, 0, ""), "AH": (1.2, 1, ""), "AO": (0.6, 2, ""), "AW": (0, 1.4, "w"),
    "AY": (0, 1.2, "y"), "EH": (1, 0, ""), "ER": (1.4, 1, "r"), "EY": (1.6, 0, "y"), "IH": (2.3, 0.3, ""),
    "IY": (3, 0, ""), "OW": (1.6, 2, "w"), "OY": (0.8, 2, "y"), "UH": (2.2, 1.7, ""), "UW": (3, 1.8, ""),
}  # fmt: skip
_OTHER_PAIRS = {
    ("IY", "Y"): 0.3, ("UW", "W"): 0.3, ("ER", "R"): 0.2, ("OW", "L"): 0.6, ("UH", "L"): 0.6, ("AO", "R"): 0.6,
    ("AH", "R"): 0.7, ("AO", "L"): 0.6, ("TH", "T"): 0.35, ("DH", "D"): 0.25, ("V", "B"): 0.4, ("HH", "F"): 0.5,
    ("N", "NG"): 0.25, ("M", "N"): 0.3, ("F", "TH"): 0.2, ("V", "DH"): 0.25, ("IH", "Y"): 0.5, ("UH", "W"): 0.5,
}  # fmt: skip
_INITIAL_PAIRS = {
    ("z", "zh"): 0.08, ("c", "ch"): 0.08, ("s", "sh"): 0.08, ("l", "n"): 0.12, ("f", "h"): 0.2, ("r", "l"): 0.25,
    ("j", "z"): 0.45, ("q", "c"): 0.45, ("x", "s"): 0.45, ("j", "zh"): 0.4, ("q", "ch"): 0.4, ("x", "sh"): 0.4,
    ("b", "p"): 0.4, ("d", "t"): 0.4, ("g", "k"): 0.4, ("j", "q"): 0.4, ("zh", "ch"): 0.45, ("z", "c"): 0.45,
    ("q", "x"): 0.5, ("ch", "sh"): 0.5, ("c", "s"): 0.5, ("g", "h"): 0.6, ("k", "h"): 0.55, ("m", "n"): 0.5,
    ("m", "l"): 0.7, ("-", "y"): 0.3, ("-", "w"): 0.3, ("r", "y"): 0.5, ("z", "ch"): 0.5, ("c", "zh"): 0.5,
    ("b", "m"): 0.6, ("w", "h"): 0.6, ("d", "l"): 0.7, ("r", "n"): 0.45, ("-", "h"): 0.6, ("y", "w"): 0.8,
    ("zh", "sh"): 0.7, ("z", "s"): 0.7, ("b", "d"): 0.7, ("d", "g"): 0.7, ("p", "t"): 0.7, ("t", "k"): 0.7,
    ("f", "w"): 0.6, ("x", "f"): 0.8, ("s", "c"): 0.5, ("sh", "r"): 0.7,
}  # fmt: skip
_FINAL_PAIRS = {
    ("an", "ang"): 0.12, ("en", "eng"): 0.1, ("in", "ing"): 0.08, ("ian", "iang"): 0.2, ("uan", "uang"): 0.15,
    ("un", "ong"): 0.35, ("eng", "ong"): 0.3, ("uo", "o"): 0.05, ("ou", "uo"): 0.45, ("e", "uo"): 0.5, ("v", "u"): 0.35,
    ("v", "i"): 0.35, ("vn", "in"): 0.3, ("vn", "un"): 0.35, ("ve", "ie"): 0.3, ("van", "ian"): 0.3,
    ("van", "uan"): 0.35, ("ei", "ai"): 0.45, ("ui", "ei"): 0.2, ("iu", "ou"): 0.3, ("ao", "ou"): 0.5,
    ("iao", "ao"): 0.35, ("ia", "a"): 0.3, ("ua", "a"): 0.35, ("ie", "ei"): 0.6, ("ian", "an"): 0.45,
    ("iang", "ang"): 0.35, ("uan", "an"): 0.4, ("uang", "ang"): 0.35, ("en", "in"): 0.4, ("eng", "ing"): 0.4,
    ("an", "en"): 0.5, ("ang", "eng"): 0.55, ("un", "en"): 0.35, ("ai", "uai"): 0.35, ("ian", "in"): 0.4,
    ("iao", "iu"): 0.5, ("er", "e"): 0.4, ("iong", "ong"): 0.3, ("u", "ou"): 0.5, ("u", "o"): 0.55, ("e", "er"): 0.4,
    ("i", "ei"): 0.6, ("i", "ie"): 0.5, ("e", "a"): 0.6, ("e", "en"): 0.6, ("a", "an"): 0.6, ("i", "in"): 0.5,
    ("ui", "un"): 0.6, ("uo", "u"): 0.6, ("v", "iu"): 0.6, ("ai", "ei"): 0.45, ("e", "o"): 0.4, ("ai", "an"): 0.6,
    ("ong", "un"): 0.35, ("in", "ei"): 0.7,
}  # fmt: skip
TONE_COST = 0.06  # of a symbol: recognisers mistake tones more often than anything else


@cache
def costs() -> NDArray[np.float32]:
    """Return how unlike two symbols sound, 0 (the same) to 1; shape (SYMBOLS, SYMBOLS)."""
    import numpy as np

    table = np.ones((SYMBOLS, SYMBOLS), dtype=np.float32)
    np.fill_diagonal(table, 0.0)
    for one, first in PHONES.items():
        for other, second in PHONES.items():
            table[first, second] = _phone_cost(one, other)
    for one, first in INITIALS.items():
        for other, second in INITIALS.items():
            if one != other:
                table[first, second] = _listed(_INITIAL_PAIRS, one, other)
    for one in FINALS:
        for other in FINALS:
            base = 0.0 if one == other else _listed(_FINAL_PAIRS, one, other)
            for tone in range(TONES):
                for wanted in range(TONES):
                    known = tone and wanted and tone != wanted  # the neutral tone goes with every other
                    cost = min(1.0, base + (TONE_COST if known else 0.0))
                    table[final_symbol(one, tone), final_symbol(other, wanted)] = cost
    table[BREAK, :] = table[:, BREAK] = 1.0
    return table


CONFIDENCES = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98)  # where a recogniser's trust was measured
GONE = SYMBOLS  # row and column of `evidence` for no sound at all


def evidence(learned: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return what hearing one symbol says for another one having been spoken: shape (spoken, heard), SYMBOLS + 1 each.

    Natural logs of the likelihood ratio against anything having been spoken; [symbol, GONE] of a sound that was lost,
    [GONE, symbol] of one added. `learned` are the tables that benchmarks.train_phrases stores.
    """
    import numpy as np

    table = np.full((SYMBOLS + 1, SYMBOLS + 1), _UNLIKE, np.float32)
    table[GONE, :] = learned["added"]
    table[:, GONE] = learned["lost"]
    np.fill_diagonal(table, _ALIKE)
    if "phones" in learned:
        count = len(PHONES)
        table[:count, :count] = learned["phones"]
        return table
    firsts = list(INITIALS.values())
    table[np.ix_(firsts, firsts)] = learned["initials"]
    tones = np.full((TONES, TONES), -_TONE_EVIDENCE, np.float32)
    tones[0, :] = tones[:, 0] = 0.0  # the neutral tone goes with every other
    np.fill_diagonal(tones, _TONE_EVIDENCE)
    for at, one in enumerate(FINALS):
        for place, other in enumerate(FINALS):
            spoken, heard = final_symbol(one, 0), final_symbol(other, 0)
            table[spoken : spoken + TONES, heard : heard + TONES] = learned["finals"][at][place] + tones
    return table


_TONE_EVIDENCE = 0.8  # light: recognisers write down homophones of any tone
_UNLIKE, _ALIKE = -2.0, 3.0  # of symbols that are in no table: the letters of other scripts


def _listed(pairs: dict[tuple[str, str], float], one: str, other: str) -> float:
    return pairs.get((one, other), pairs.get((other, one), 1.0))


def _phone_cost(one: str, other: str) -> float:
    if one == other:
        return 0.0
    listed = _listed(_OTHER_PAIRS, one, other)
    if listed < 1:
        return listed
    if one in _VOWEL_PLACES and other in _VOWEL_PLACES:
        (height, back, glide), (height2, back2, glide2) = _VOWEL_PLACES[one], _VOWEL_PLACES[other]
        away = 0.14 * abs(height - height2) + 0.12 * abs(back - back2) + (0.15 if glide != glide2 else 0.0)
        # Vowels of unstressed syllables are spoken as a murmur.
        return min(0.7, 0.08 + away * (0.6 if "AH" in (one, other) else 1.0))
    if one in _ARTICULATION and other in _ARTICULATION:
        (place, manner, voice), (place2, manner2, voice2) = _ARTICULATION[one], _ARTICULATION[other]
        apart = min(0.45, 0.1 * abs(place - place2) + (0.1 if place != place2 else 0.0))
        kind = 0.0 if manner == manner2 else _MANNERS.get(frozenset((manner, manner2)), 0.8)
        return min(1.0, 0.05 + apart + kind + (0.15 if voice != voice2 else 0.0))
    return 1.0


_PHONE_GROUPS = "AA AO,AE EH,AH IH UH,AW OW,AY,ER R,EY,IY,OY,UW,B P,CH JH SH ZH,D T DH,F V TH,G K,HH,L,M N NG,S Z,W,Y"
_INITIAL_GROUPS = "-,b,p,m,f h,d,t,n l,g,k,j,q,x,zh z,ch c,sh s,r,y,w"
_FINAL_GROUPS = (
    "a,o uo,e er,i,u,v,ai uai,ei ui,ao iao,ou iu,ie ve,an ang,en eng,in ing,un vn,ong iong,ia ua,ian iang,uan uang van,"
    "m n ng hm"
)


@cache
def classes() -> NDArray[np.uint8]:
    """Return the coarse class of each symbol, under `CLASSES`: what is often heard for one another is one class."""
    import numpy as np

    table = np.zeros(SYMBOLS, dtype=np.uint8)
    at = 0
    for group in _PHONE_GROUPS.split(","):
        for phone in group.split():
            table[PHONES[phone]] = at
        at += 1
    for group in _INITIAL_GROUPS.split(","):
        for name in group.split():
            table[INITIALS[name]] = at
        at += 1
    for group in _FINAL_GROUPS.split(","):
        for name in group.split():
            for tone in range(TONES):
                table[final_symbol(name, tone)] = at
        at += 1
    for symbol in range(_FIRST_LETTER, SYMBOLS):
        table[symbol] = at
        at += 1
    assert at <= CLASSES
    return table


CLASSES = 80


# --- Coarse forms ----------------------------------------------------------------------------------------------------


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
