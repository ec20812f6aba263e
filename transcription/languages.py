"""What a language changes about its words: how they are counted, joined and recognised as its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from transcription.transcript import TranscriptError, is_language_tag

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HAN_LETTER = re.compile(f"[{_HAN}]")
_LETTER = re.compile(r"[^\W\d_]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HAN_SHARE = 0.3  # of the letters: Chinese text may carry product names in Latin letters

_WRITTEN_IN_CHARACTERS = frozenset({"zh", "cmn", "yue", "wuu", "nan", "hak", "gan", "hsn"})

_MARK = re.compile(r"\[[^\[\]]{1,20}\]|<[^<>]{1,20}>")  # [noise], [PII], <unk>: not words
_ORDINAL_ENDING = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
_ACRONYM = re.compile(r"(?<![A-Za-z])[A-Z]{2,5}(?![A-Za-z])")  # spelled out in Chinese speech: VIP, APP, WIFI
_UNIT = re.compile(rf"[{_HAN}]|\d|(?:(?![{_HAN}])[^\W\d_])+(?:['’](?:(?![{_HAN}])[^\W\d_])+)*")


def counts_characters(language: str) -> bool:
    """Tell whether speech in `language` (BCP 47) is counted in characters, as Chinese is, and not in words."""
    return language.split("-")[0].lower() in _WRITTEN_IN_CHARACTERS


def count_units(text: str, language: str) -> int:
    """Return how many words (characters in Chinese) a speaker says to speak `text`.

    Punctuation, spaces and marks such as ``[noise]`` count nothing. Each digit counts one, since numbers on the
    telephone are mostly read out digit by digit (10086 is five). In Chinese a Latin word counts one and each
    letter of an acronym of capitals one; in other languages a Han character counts as a word.

    >>> count_units("Thank you for calling, it's 9:30.", "en")
    8
    >>> count_units("您好，请拨10086。", "zh-CN")
    9
    """
    text = _ORDINAL_ENDING.sub("", _MARK.sub(" ", text))
    if counts_characters(language):
        text = _ACRONYM.sub(lambda match: " ".join(match[0]), text)
    return len(_UNIT.findall(text))


def join_pieces(pieces: Iterable[str]) -> str:
    """Join lines or words of one utterance: with a space, or with nothing between two Han characters."""
    joined = ""
    for piece in (piece.strip() for piece in pieces):
        gap = "" if not joined or not piece or _both_han(joined[-1], piece[0]) else " "
        joined += gap + piece
    return joined


def settle_language(given: str | None, stated: str | None, texts: Sequence[str]) -> str:
    """Return the language tag of a transcript: what the caller gave, else what the file states, else Chinese if
    it is written so. Text in Latin letters could be of many languages and is not guessed.

    Raises:
        TranscriptError: nothing says which language it is, or what says so is no language tag.
    """
    language = given or (_language_code(stated) if stated else None) or _guess(texts)
    if language is None:
        raise TranscriptError("does not say its language: give it with the file, for example en or zh-CN")
    if not is_language_tag(language):
        raise TranscriptError(f'the language must be a tag such as "en" or "zh-CN", got "{language[:40]}"')
    return language


def _both_han(left: str, right: str) -> bool:
    return bool(_HAN_LETTER.match(left) and _HAN_LETTER.match(right))


def _guess(texts: Sequence[str]) -> str | None:
    text = "".join(texts)
    letters, han = len(_LETTER.findall(text)), len(_HAN_LETTER.findall(text))
    return "zh" if letters and han / letters >= _HAN_SHARE and not _KANA.search(text) else None


def _language_code(stated: str) -> str:
    """Return the tag for what a file states; Whisper may write the English name of a language ("Chinese")."""
    from babel import Locale  # only here: few files need it

    names = {name.lower(): code for code, name in Locale("en").languages.items()}
    return stated if len(stated) <= 3 else names.get(stated.lower(), stated).replace("_", "-")
