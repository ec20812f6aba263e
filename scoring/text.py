"""Text made alike before it is compared: one form for numbers, contractions, fillers and known mishearings.

Chinese text is taken apart into characters (a Latin word or a digit is one unit), all other text into words. Each
unit keeps the time of the words that it came from, so that whatever is found can be pointed at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from scoring.numbers import chinese_numbers, english_numbers


@dataclass(frozen=True, slots=True)
class Token:
    """One unit of text: a character in Chinese, else a word."""

    text: str
    start: float = 0.0  # seconds
    end: float = 0.0
    confidence: float | None = None
    new_clause: bool = False  # punctuation or a pause stands before it
    word: int = -1  # index of the recognised word in its turn; -1 when the turn has none


_BRACKETED = re.compile(r"\[[^\]]{0,40}\]|<[^>]{0,40}>")  # [noise], [UNK], <unk>
_UNIT = re.compile(r"[£$€]?\d+(?:[.,]\d+)*%?|[a-zà-öø-ÿ]+(?:'[a-zà-öø-ÿ]+)*|[\u3400-\u9fff]|[^\W\d_]+|[^\w\s]|_")
_WORDLIKE = re.compile(r"[\w£$€]")

_CONTRACTIONS = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "let's": "let us",
    "gonna": "going to", "wanna": "want to", "gotta": "got to", "'cause": "because", "cos": "because",
}  # fmt: skip
_ENDINGS = {"n't": "not", "'ll": "will", "'re": "are", "'ve": "have", "'m": "am", "'d": "would"}
_BEFORE_IS = "it that what here there how who where when why he she this everything"
_IS_BEFORE = frozenset(_BEFORE_IS.split())
_CHINESE_FORMS = {"您": ("你",)}  # recognisers do not keep them apart
_ENGLISH_FORMS = {"okay": ("ok", "o k"), "goodbye": ("good bye",), "alright": ("all right",)}


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
        text = _BRACKETED.sub(" ", unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("`", "'"))
        tokens: list[Token] = []
        new_clause = True
        for unit in _UNIT.findall(text):
            if not _WORDLIKE.match(unit):
                new_clause = new_clause or unit not in "'\"-_&"
                continue
            for part in self._written_out(unit):
                tokens.append(Token(part, new_clause=new_clause))
                new_clause = False
        return tokens

    def normal(self, tokens: Sequence[Token], *, strip: bool = True, numbers: bool = True) -> list[Token]:
        """Return the normal form of bare units; with ``strip=False`` fillers stay."""
        result = list(tokens)
        if self.numbers and numbers:
            result = chinese_numbers(result, yao=self.yao) if self.chinese else english_numbers(result)
        result = _replaced(result, self._by_first(self.homophones))
        if strip:
            result = _replaced(result, self._by_first(tuple((filler, ()) for filler in self.strip)))
        return result

    def words(self, text: str, *, strip: bool = True) -> tuple[str, ...]:
        """Return the normal form of a script wording; fillers stay if nothing else is left."""
        units = self.units(text)
        kept = self.normal(units, strip=strip) or self.normal(units, strip=False)
        return tuple(token.text for token in kept)

    def _written_out(self, unit: str) -> list[str]:
        if self.chinese:
            return list(unit) if unit[0].isdigit() else [unit]
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

    @staticmethod
    def _by_first(
        table: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...],
    ) -> Mapping[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]:
        return _index_by_first(table)


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
    tokens: list[Token], index: Mapping[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]
) -> list[Token]:
    """Replace each run of units that the index knows; the new units share the time of the old ones."""
    if not index:
        return tokens
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        for heard, meant in index.get(tokens[at].text, ()):
            run = tokens[at : at + len(heard)]
            if tuple(token.text for token in run) == heard:
                result.extend(_renamed(run, meant))
                at += len(heard)
                break
        else:
            result.append(tokens[at])
            at += 1
    return result


def _renamed(run: Sequence[Token], texts: Sequence[str]) -> list[Token]:
    if len(run) == len(texts):
        return [replace(token, text=text) for token, text in zip(run, texts, strict=True)]
    return [
        replace(run[0], text=text, end=run[-1].end, new_clause=run[0].new_clause and index == 0)
        for index, text in enumerate(texts)
    ]


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
