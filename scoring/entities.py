"""Values in what was said: telephone numbers, identity and bank cards, money, dates, e-mail addresses, numbers.

A number of the right length whose check digit is wrong, one digit too few or too many, and digits that the
recogniser doubts are found as doubtful: one misheard digit looks the same as a wrong number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from scoring.case import LOW_CONFIDENCE, Case
from scoring.digits import MIN_DIGITS, DigitRun, digit_runs
from scoring.spoken import Side


@dataclass(frozen=True, slots=True)
class Value:
    """A value in the units `first` to `last` (exclusive) of a side."""

    first: int
    last: int
    value: str
    doubt: str | None = None


def numbers_between(case: Case, side: Side, low: int, high: int) -> Iterator[DigitRun]:
    """Yield every run of digits of a side that begins between the units `low` and `high`."""
    if side.speaker not in case.digits:
        case.digits[side.speaker] = tuple(digit_runs(side))
    return (run for run in case.digits[side.speaker] if low <= run.first < high)


def entities(kind: str, case: Case, side: Side, low: int, high: int) -> Iterator[Value]:
    """Yield every value of a kind that begins between the units `low` and `high`."""
    if kind in _NUMBERS:
        for run in numbers_between(case, side, low, high):
            verdict = _NUMBERS[kind](run.digits, side.normal.chinese)
            if verdict is None:
                continue
            yield Value(run.first, run.last, run.digits, verdict or _doubted(side, run.first, run.last))
        return
    if kind == "email":
        yield from _written_addresses(case, side, low, high)
    for first, last, text in _pattern(kind, side, low, high):
        yield Value(first, last, text, _doubted(side, first, last))


def _doubted(side: Side, first: int, last: int) -> str | None:
    known = side.reported(first, last)
    return "digits_doubted" if known and min(known) < LOW_CONFIDENCE else None


# Numbers: None: not of this kind; "": surely; else the reason of the doubt.


def _phone(digits: str, chinese: bool) -> str | None:
    if not chinese:
        if digits.startswith("00") and 10 <= len(digits) <= 15:
            return ""
        return "" if len(digits) in (10, 11) else "wrong_length" if len(digits) in (9, 12) else None
    digits = digits.removeprefix("0086") if len(digits) > 12 else digits
    digits = digits.removeprefix("86") if len(digits) == 13 else digits
    if re.fullmatch(r"1[3-9]\d{9}|0\d{2,3}[2-9]\d{6,7}|[48]00\d{7}", digits):
        return ""
    return "wrong_length" if re.fullmatch(r"1[3-9]\d{8}|1[3-9]\d{10}", digits) else None


def _id_card(digits: str, chinese: bool) -> str | None:
    if len(digits) == 18 and _born(digits[6:14]):
        return "" if id_card_check_digit(digits[:17]) == digits[17] else "check_digit_wrong"
    if len(digits) in (17, 19) and _born(digits[6:14]):
        return "wrong_length"
    return None


def id_card_check_digit(first: str) -> str:
    """Return the check digit of a Chinese identity number from its first 17 digits (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first))
    return "10X98765432"[total % 11]


def _born(text: str) -> bool:
    try:
        return 1900 <= date(int(text[:4]), int(text[4:6]), int(text[6:])).year <= 2100
    except ValueError:
        return False


def _bank_card(digits: str, chinese: bool) -> str | None:
    if not digits.isdigit() or not 13 <= len(digits) <= 19 or _id_card(digits, chinese) == "":
        return None
    if luhn(digits):
        return ""
    return "check_digit_wrong" if len(digits) >= 15 else None


def luhn(digits: str) -> bool:
    """Whether a number's last digit is its Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _number(digits: str, chinese: bool) -> str | None:
    return "" if len(digits) >= MIN_DIGITS else None


_NUMBERS: Mapping[str, Callable[[str, bool], str | None]] = {
    "phone": _phone,
    "id_card": _id_card,
    "bank_card": _bank_card,
    "number": _number,
}

# Words and digits.

_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_ORDINALS = (
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|"
    "fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth"
)
_DAY_EN = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?|(?:20 |30 |twenty |thirty )?(?:{_ORDINALS}))"
_PATTERNS: Mapping[tuple[str, bool], re.Pattern[str]] = {
    ("money", True): re.compile(r"[¥￥$€£]\d[\d.,]{0,15}|\d[\d点.]{0,12}[万千百亿]?(?:元|块|角|毛|美金|美元|欧元)\d?"),
    ("money", False): re.compile(
        r"[£$€]\d[\d,.]{0,15}|\b\d[\d,.]{0,15}(?: \d{1,6}){0,3}(?: (?:hundred|thousand|million))? "
        r"(?:pounds?|dollars?|euros?|pence|cents?|bucks|quid|yuan)\b"
    ),
    ("date", True): re.compile(
        r"(?:\d{2,4}年)?\d{1,2}月(?:\d{1,2}[日号]|份)?|\d{1,2}号|(?:大前|前|昨|今|明|后|大后)天|"
        r"(?:上|这|本|下)?(?:个)?(?:星期|周|礼拜)[1-6一二三四五六日天]|(?:上|这|本|下)(?:个)?月"
    ),
    ("date", False): re.compile(
        rf"\b(?:the )?{_DAY_EN} (?:of )?(?:{_MONTHS})\b(?: \d{{4}})?|\b(?:{_MONTHS}) (?:the )?{_DAY_EN}\b(?: \d{{4}})?|"
        rf"\b(?:today|tomorrow|yesterday|tonight|{_DAYS})\b|\b(?:this|next|last) (?:week|month|year)\b"
    ),
    ("email", True): re.compile(r"[a-z0-9]{2,40}(?:艾特|@|at)[a-z0-9]{2,30}(?:点|dot)(?:com|cn|net|org)"),
    ("email", False): re.compile(
        r"\b[a-z0-9]{1,40}(?: (?:dot|underscore|dash) [a-z0-9]{1,40}){0,4} at [a-z0-9]+(?: dot [a-z]{2,6}){1,3}\b"
    ),
}


def _pattern(kind: str, side: Side, low: int, high: int) -> Iterator[tuple[int, int, str]]:
    pattern = _PATTERNS[kind, side.normal.chinese]
    at = low
    while at < high:
        end = min(high, side.in_turns(side.turns[at], side.turns[at])[1])
        text, offset = side.text_between(at, end)
        for match in pattern.finditer(text):
            first, last = side.units_at(offset + match.start(), offset + match.end())
            yield max(first, at), min(last, end), match.group()
        at = end


_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")


def _written_addresses(case: Case, side: Side, low: int, high: int) -> Iterator[Value]:
    """Yield addresses that the recogniser wrote with @, which normal form drops."""
    for turn in dict.fromkeys(side.turns[low:high]):
        for match in _ADDRESS.finditer(case.transcript.turns[turn].text):
            first, last = side.in_turns(turn, turn)
            yield Value(max(first, low), min(last, high), match.group().lower())
