"""Numbers in one form: "thirty four", 三十四 and 34; 幺零零八六 and 10086."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoring.text import Token

_ZH_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_ZH_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}

_ONES = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_EN_SMALL = {word: value for value, word in enumerate(_ONES.split())}
_EN_TENS = {word: 10 * value for value, word in enumerate(_TENS.split(), 2)}


def chinese_numbers(tokens: Sequence[Token], *, yao: bool = True) -> list[Token]:
    """Write every run of Chinese numerals as Arabic digits, one unit each.

    A run with 十, 百, 千, 万 is read as a quantity, any other digit by digit.
    """
    known = {**_ZH_DIGITS, **_ZH_UNITS, **({"幺": 1} if yao else {})}
    return _by_runs(tokens, lambda token: token.text in known, lambda run: list(_chinese_value(run, known)))


def english_numbers(tokens: Sequence[Token]) -> list[Token]:
    """Write every English number word as digits: "a hundred and thirty four" is 134, "nine thirty" 9 30."""
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        used, value = _english_value([token.text for token in tokens[at : at + 12]])
        if used:
            run = tokens[at : at + used]
            result.append(replace(run[0], text=str(value), end=run[-1].end))
            at += used
        else:
            result.append(tokens[at])
            at += 1
    return result


def _by_runs(
    tokens: Sequence[Token], belongs: Callable[[Token], bool], rewrite: Callable[[Sequence[Token]], list[str]]
) -> list[Token]:
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        end = at
        while end < len(tokens) and belongs(tokens[end]) and (end == at or not tokens[end].new_clause):
            end += 1
        if end == at:
            result.append(tokens[at])
            at += 1
            continue
        run = tokens[at:end]
        digits = rewrite(run)
        if len(digits) == len(run):
            result.extend(replace(token, text=digit) for token, digit in zip(run, digits, strict=True))
        else:
            first = replace(run[0], end=run[-1].end)
            result.extend(
                replace(first, text=digit, new_clause=first.new_clause and index == 0)
                for index, digit in enumerate(digits)
            )
        at = end
    return result


def _chinese_value(run: Sequence[Token], known: dict[str, int]) -> str:
    """Return the digits of a run of numerals; units that make no number are read one by one."""
    texts = [token.text for token in run]
    if not any(text in _ZH_UNITS for text in texts):
        return "".join(str(known[text]) for text in texts)
    total = section = digit = 0
    last_unit = 1  # a digit that directly follows 百, 千 or 万 counts the next lower unit: 一百三 is 130
    for text in texts:
        if text not in _ZH_UNITS:
            digit = known[text]
            last_unit = 1 if text in "零〇" else last_unit
            continue
        unit = _ZH_UNITS[text]
        if unit >= 10_000:
            total = (total + section + digit or 1) * unit
            section = 0
        else:
            section += (digit or 1) * unit
        digit, last_unit = 0, unit
    return str(total + section + digit * (last_unit // 10 if last_unit > 10 else 1))


def _english_value(words: Sequence[str]) -> tuple[int, int]:
    """Return how many of the first words make a number, and which; (0, 0) if none."""
    at = 0
    total = current = 0
    if words and words[0] == "a":
        if len(words) < 2 or words[1] not in ("hundred", "thousand"):
            return 0, 0
        current, at = 1, 1
    elif not words or (words[0] not in _EN_SMALL and words[0] not in _EN_TENS):
        return 0, 0
    room = 0 if at else 100  # the size that the next word must stay under to add to the same number
    while at < len(words):
        word = words[at]
        if word in _EN_TENS and room >= 100:
            current, room = current + _EN_TENS[word], 10
        elif word in _EN_SMALL and _EN_SMALL[word] < room and (room != 10 or _EN_SMALL[word] > 0):
            current, room = current + _EN_SMALL[word], 0
        elif word == "hundred" and 0 < current < 100:
            current, room = current * 100, 100
        elif word == "thousand" and 0 < current < 1000:
            total, current, room = total + current * 1000, 0, 100
        elif word == "and" and room == 100 and current + total and _continues(words, at):
            pass
        else:
            break
        at += 1
    return at, total + current


def _continues(words: Sequence[str], at: int) -> bool:
    return at + 1 < len(words) and (words[at + 1] in _EN_SMALL or words[at + 1] in _EN_TENS)
