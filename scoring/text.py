"""Text made alike before it is compared: one form for numbers, contractions, fillers and known mishearings.

Chinese text is taken apart into characters (a Latin word or a digit is one unit), all other text into words. Each
unit keeps the time of the words that it came from, so that whatever is found can be pointed at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from scoring.numbers import Piece, chinese_numbers, english_numbers


class Token(NamedTuple):
    """One unit of text: a character in Chinese, else a word."""

    text: str
    start: float = 0.0  # seconds
    end: float = 0.0
    confidence: float | None = None
    new_clause: bool = False  # punctuation or a pause stands before it
    word: int = -1  # index of the recognised word in its turn; -1 when the turn has none


_BRACKETED = re.compile(r"\[[^\]]{0,40}\]|<[^>]{0,40}>")  # [noise], [UNK], <unk>
_UNIT = re.compile(
    r"\d+(?:st|nd|rd|th)\b|[£$€]?\d+(?:[.,]\d+)*%?|[a-zà-öø-ÿ]+(?:'[a-zà-öø-ÿ]+)*|[\u3400-\u9fff]"
    r"|[^\W\d_]+|[^\w\s]|_"
)
_THOUSANDS = re.compile(r"[£$€]?\d{1,3}(?:,\d{3})+(?:\.\d+)?%?")
_ORDINAL_WORDS = (
    "th first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_ORDINALS = _ORDINAL_WORDS.split()
_WORDLIKE = re.compile(r"[\w£$€]")
_CLOCK_CHINESE = re.compile(r"(?<=\d):(?=\d\d(?!\d))")  # 9:30 is spoken 九点三十
_RANGE_CHINESE = re.compile(r"(?<![\d.-])(\d{1,2})[-~—](\d{1,2})(?![\d.-])")  # 3-5 is spoken 三到五

_CONTRACTIONS = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "let's": "let us",
    "gonna": "going to", "wanna": "want to", "gotta": "got to", "'cause": "because", "cos": "because",
    "goodbye": "good bye", "thankyou": "thank you",
}  # fmt: skip
_ENDINGS = {"n't": "not", "'ll": "will", "'re": "are", "'ve": "have", "'m": "am", "'d": "would"}
_BEFORE_IS = "it that what here there how who where when why he she this everything"
_IS_BEFORE = frozenset(_BEFORE_IS.split())
_CURRENCIES_CHINESE = {"$": "美元", "£": "英镑", "€": "欧元"}
_CHINESE_FORMS = {"您": ("你",)}  # recognisers do not keep them apart
_ENGLISH_FORMS = {
    "okay": ("ok", "o k"), "alright": ("all right",), "percent": ("per cent",), "mister": ("mr",),
    "doctor": ("dr",), "missus": ("mrs",), "am": ("a m",), "pm": ("p m",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Normaliser:
    """The way to normal form; hashable, so that compiled phrases can be kept by it."""

    chinese: bool
    strip: tuple[tuple[str, ...], ...] = ()  # fillers, as units
    homophones: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()  # (heard, meant), as units
    numbers: bool = True
    contractions: bool = True
    yao: bool = True

    @property
    def joint(self) -> str:
        """What stands between two units in joined text."""
        return "" if self.chinese else " "

    def units(self, text: str) -> list[Token]:
        """Return the bare units of `text`: lower case, no punctuation, contractions written out."""
        return [Token(unit, new_clause=clause) for unit, clause in self.pieces(text)]

    def says_something(self, text: str) -> bool:
        """Whether `text` has any bare unit."""
        if "[" in text or "<" in text:
            return bool(self.pieces(text))
        return _WORDLIKE.search(unicodedata.normalize("NFKC", text)) is not None

    def pieces(self, text: str) -> list[tuple[str, bool]]:
        """Return the bare units of `text`, each with whether punctuation stands before it."""
        text = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("`", "'")
        if "[" in text or "<" in text:
            text = _BRACKETED.sub(" ", text)
        if self.chinese and self.numbers:
            text = _RANGE_CHINESE.sub(r"\1到\2", _CLOCK_CHINESE.sub("点", text))
        pieces: list[tuple[str, bool]] = []
        new_clause = True
        for unit in _UNIT.findall(text):
            if not _WORDLIKE.match(unit):
                new_clause = new_clause or unit not in "'\"-_&"
                continue
            for part in self._written_out(unit):
                pieces.append((part, new_clause))
                new_clause = False
        return pieces

    def normal_form(
        self, texts: Sequence[str], clauses: Sequence[bool], *, strip: bool = True, numbers: bool = True
    ) -> list[Piece]:
        """Return the normal form of bare units, each unit with the bare ones that it stands for.

        `clauses` tells of each whether a clause begins with it; only Chinese numbers end there, English needs none.
        With ``strip=False`` fillers stay.
        """
        if self.chinese:
            texts = [simplified(text) for text in texts]
        if self.numbers and numbers:
            pieces = chinese_numbers(texts, clauses, yao=self.yao) if self.chinese else english_numbers(texts)
        else:
            pieces = [(text, at, at + 1) for at, text in enumerate(texts)]
        pieces = _replaced(pieces, _index_by_first(self.homophones))
        if strip:
            pieces = _replaced(pieces, _index_by_first(tuple((filler, ()) for filler in self.strip)))
        return pieces

    def words(self, text: str, *, strip: bool = True) -> tuple[str, ...]:
        """Return the normal form of a script wording; fillers stay if nothing else is left."""
        bare = self.pieces(text)
        texts, clauses = [unit for unit, _ in bare], [clause for _, clause in bare]
        kept = self.normal_form(texts, clauses, strip=strip) or self.normal_form(texts, clauses, strip=False)
        return tuple(unit for unit, _, _ in kept)

    def _written_out(self, unit: str) -> list[str]:
        if self.chinese:
            return _read_aloud(unit) if unit[0].isdigit() or unit[0] in _CURRENCIES_CHINESE else [unit]
        if unit[0].isdigit() and unit[-1] in "thdr":
            return _ordinal(unit)
        if self.numbers and _THOUSANDS.fullmatch(unit):
            return [unit.replace(",", "")]
        if not self.contractions or ("'" not in unit and unit not in _CONTRACTIONS):
            return [unit]
        if unit in _CONTRACTIONS:
            return _CONTRACTIONS[unit].split()
        for ending, word in _ENDINGS.items():
            if unit.endswith(ending) and len(unit) > len(ending):
                return [unit.removesuffix(ending), word]
        if unit.endswith("'s"):
            stem = unit.removesuffix("'s")
            return [stem, "is"] if stem in _IS_BEFORE else [stem]
        return [unit.replace("'", "")]


def _read_aloud(unit: str) -> list[str]:
    """Return a Chinese number in Arabic digits as it is read aloud: 3.5% is 百分之3点5, $20 is 20美元."""
    number = unit.lstrip("£$€").removesuffix("%").replace(",", "").replace(".", "点")
    return [*("百分之" if unit.endswith("%") else ""), *number, *_CURRENCIES_CHINESE.get(unit[0], "")]


def _ordinal(unit: str) -> list[str]:
    """Return "21st" as it is spoken when tens are digits: 20 first."""
    value = int(unit[:-2]) if len(unit) < 6 else 0
    if 0 < value < 20:
        return [_ORDINALS[value]]
    if 20 < value < 100 and value % 10:
        return [str(value - value % 10), _ORDINALS[value % 10]]
    return [unit[:-2]]


@lru_cache(maxsize=64)
def _index_by_first(
    table: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...],
) -> dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]:
    index: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for heard, meant in sorted(table, key=lambda pair: -len(pair[0])):
        if heard:
            index.setdefault(heard[0], []).append((heard, meant))
    return {first: tuple(pairs) for first, pairs in index.items()}


def _replaced(
    pieces: list[Piece], index: Mapping[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]
) -> list[Piece]:
    """Replace each run of units that the index knows; the new units stand for all of the old ones."""
    if index.keys().isdisjoint([text for text, _, _ in pieces]):
        return pieces
    result: list[Piece] = []
    at = 0
    while at < len(pieces):
        for heard, meant in index.get(pieces[at][0], ()):
            run = pieces[at : at + len(heard)]
            if tuple(text for text, _, _ in run) == heard:
                result.extend(_renamed(run, meant))
                at += len(heard)
                break
        else:
            result.append(pieces[at])
            at += 1
    return result


def _renamed(run: Sequence[Piece], texts: Sequence[str]) -> list[Piece]:
    if len(run) == len(texts):
        return [(text, first, last) for text, (_, first, last) in zip(texts, run, strict=True)]
    return [(text, run[0][1], run[-1][2]) for text in texts]


@cache
def _simplifier() -> Callable[[str], str]:
    from opencc import OpenCC

    return OpenCC("t2s").convert


@lru_cache(maxsize=30_000)
def simplified(unit: str) -> str:
    """Return a Chinese character in its simplified form; anything else as it is."""
    if unit.isascii():
        return unit
    plain = _simplifier()(unit)
    return plain if len(plain) == len(unit) else unit


@lru_cache(maxsize=256)
def _normaliser(
    chinese: bool,
    strip: tuple[str, ...],
    homophones: tuple[tuple[str, tuple[str, ...]], ...],
    numbers: bool,
    contractions: bool,
    yao: bool,
) -> Normaliser:
    bare = Normaliser(chinese, contractions=contractions)

    def units(text: str) -> tuple[str, ...]:
        return tuple(token.text for token in bare.units(text))

    forms = tuple((_CHINESE_FORMS if chinese else _ENGLISH_FORMS).items())
    pairs = tuple((units(variant), units(meant)) for meant, heard in (*forms, *homophones) for variant in heard)
    return Normaliser(
        chinese,
        strip=tuple(filter(None, (units(filler) for filler in strip))),
        homophones=tuple((heard, meant) for heard, meant in pairs if heard and meant),
        numbers=numbers,
        contractions=contractions,
        yao=yao,
    )


def normaliser(
    language: str,
    *,
    strip: Iterable[str] = (),
    homophones: Mapping[str, Sequence[str]] | None = None,
    numbers: bool = True,
    contractions: bool = True,
    yao: bool = True,
) -> Normaliser:
    """Return the normaliser for a language ("zh…" or any other) and a phrase set's settings."""
    table = tuple((meant, tuple(heard)) for meant, heard in (homophones or {}).items())
    return _normaliser(is_chinese(language), tuple(strip), table, numbers, contractions, yao)


def is_chinese(language: str) -> bool:
    """Whether text of this language is compared by characters."""
    return language.lower().replace("_", "-").split("-")[0] in ("zh", "cmn", "yue")
