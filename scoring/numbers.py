"""Numbers in one form: "thirty four", 三十四 and 34; 幺零零八六 and 10086."""

from __future__ import annotations

from collections.abc import Sequence

Piece = tuple[str, int, int]  # a unit's text, and the units that it was made from: first, last + 1

_ZH_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_ZH_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}

_ONES = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_EN_SMALL = {word: value for value, word in enumerate(_ONES.split())}
_EN_TENS = {word: 10 * value for value, word in enumerate(_TENS.split(), 2)}
_EN_TIMES = {"double": 2, "triple": 3, "treble": 3}
_EN_OH = frozenset(("oh", "o"))
_EN_STARTS = frozenset((*_EN_SMALL, *_EN_TENS, *_EN_TIMES, *_EN_OH, "a"))
_ZH_RADIO = {"洞": "零", "拐": "七", "勾": "九"}
_ZH_KNOWN = {**_ZH_DIGITS, **_ZH_UNITS}
_ZH_WITH_YAO = {**_ZH_KNOWN, "幺": 1}

SINGLE_ENGLISH = {word: str(value) for word, value in (*_EN_SMALL.items(), *_EN_TENS.items())}
SINGLE_CHINESE = {character: str(value) for character, value in _ZH_DIGITS.items()}

PLACES_ENGLISH = frozenset(("hundred", "thousand"))
_ZH_LARGE = frozenset("百千万亿")  # with no digit before them they are words, or misheard ones: 百货, 晚 heard as 万
_ZH_WORDS = frozenset(("千万", "万一"))  # by all means, in case: words and no numbers
PLACES_CHINESE = frozenset("十百千万亿")
RADIO_CHINESE = frozenset(_ZH_RADIO)
TRIGGERS_ENGLISH = frozenset((*SINGLE_ENGLISH.values(), *PLACES_ENGLISH, *_EN_TIMES))


def is_several(units: Sequence[str], at: int) -> bool:
    """Whether an English number of several words may stand at a number in digits or another unit of `TRIGGERS_ENGLISH`.

    The single number words among the units are digits already.
    """
    unit = units[at]
    if unit in PLACES_ENGLISH:
        return at > 0 and (units[at - 1] == "a" or units[at - 1].isdecimal())
    after = units[at + 1] if at + 1 < len(units) else ""
    return after.isdigit() or (after in _EN_OH and at + 2 < len(units) and units[at + 2].isdigit())


def may_begin_number(unit: str) -> bool:
    """Whether an English number of several words may begin with a unit, so far as the next one shows (`is_several`)."""
    return unit in TRIGGERS_ENGLISH or unit == "a" or unit in _EN_OH or unit.isdecimal()


def may_go_on_in_number(unit: str) -> bool:
    """Whether an English number of several words may go on with a unit (`is_several`)."""
    return unit.isdigit() or unit in PLACES_ENGLISH or unit in _EN_OH


def numeral(unit: str, chinese: bool) -> bool:
    """Whether a unit may be part of a number of several words."""
    if chinese:
        return unit in _ZH_WITH_YAO or unit in _ZH_RADIO or unit.isdigit()
    return unit in _EN_STARTS or unit in PLACES_ENGLISH or unit == "and" or unit.isdigit()


def chinese_numbers(texts: Sequence[str], clauses: Sequence[bool], *, yao: bool = True) -> list[Piece]:
    """Write every run of Chinese numerals as Arabic digits, one unit each.

    A run with 十, 百, 千, 万 is read as a quantity, any other digit by digit; a run ends where a clause begins. Among
    digits 洞, 拐 and 勾 are 0, 7 and 9, as numbers are read aloud on a bad line.
    """
    texts = _radio_digits(texts)
    known = _ZH_WITH_YAO if yao else _ZH_KNOWN
    result: list[Piece] = []
    at = 0
    while at < len(texts):
        end = at
        while end < len(texts) and texts[end] in known and (end == at or not clauses[end]):
            end += 1
        if "".join(texts[at:end]) in _ZH_WORDS:
            result.extend((texts[place], place, place + 1) for place in range(at, end))
            at = end
            continue
        if end == at or texts[at] in _ZH_LARGE:
            result.append((texts[at], at, at + 1))
            at += 1
            continue
        digits = _chinese_value(texts[at:end], known)
        if len(digits) == end - at:
            result.extend((digit, at + index, at + index + 1) for index, digit in enumerate(digits))
        else:
            result.extend((digit, at, end) for digit in digits)
        at = end
    return result


def _radio_digits(texts: Sequence[str]) -> Sequence[str]:
    """Return the units with 洞, 拐 and 勾 written as digits before two others, or between two."""
    if _ZH_RADIO.keys().isdisjoint(texts):
        return texts
    plain = list(texts)
    for at, text in enumerate(texts):
        if text in _ZH_RADIO:
            before, after, next_but_one = (plain[max(0, at - 1) : at], texts[at + 1 : at + 2], texts[at + 2 : at + 3])
            if any(map(_is_digit, after)) and any(map(_is_digit, (*before, *next_but_one))):
                plain[at] = _ZH_RADIO[text]
    return plain


def _is_digit(text: str) -> bool:
    return text in _ZH_DIGITS or text in _ZH_RADIO or text == "幺" or text.isdecimal()


def english_numbers(texts: Sequence[str]) -> list[Piece]:
    """Write every English number word as digits: "a hundred and thirty four" is 134, "nine thirty" 9 30.

    "double four" is 4 4, and "oh" between two digits is 0.
    """
    result: list[Piece] = []
    at = 0
    while at < len(texts):
        if texts[at + 1 : at + 2] and texts[at + 1] in PLACES_ENGLISH and _is_small(texts[at]):  # 2 hundred
            size = 100 if texts[at + 1] == "hundred" else 1000
            result.append((str(int(texts[at]) * size), at, at + 2))
            at += 2
            continue
        if texts[at] not in _EN_STARTS:
            result.append((texts[at], at, at + 1))
            at += 1
            continue
        times = _EN_TIMES.get(texts[at])
        if times and at + 1 < len(texts) and _EN_SMALL.get(texts[at + 1], 10) < 10:
            result.extend((str(_EN_SMALL[texts[at + 1]]), at, at + 2) for _ in range(times))
            at += 2
            continue
        if texts[at] in _EN_OH and _between_digits(result, texts, at):
            result.append(("0", at, at + 1))
            at += 1
            continue
        used, value = _english_value(texts[at : at + 12])
        result.append((str(value) if used else texts[at], at, at + max(used, 1)))
        at += max(used, 1)
    return result


def _is_small(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 3


def _between_digits(before: Sequence[Piece], texts: Sequence[str], at: int) -> bool:
    follows = at + 1 < len(texts) and (_EN_SMALL.get(texts[at + 1], 10) < 10 or texts[at + 1].isdigit())
    return follows and bool(before) and before[-1][0].isdigit()


MOST_READINGS = 4  # of one wording


def other_readings(words: Sequence[str], chinese: bool) -> tuple[tuple[str, ...], ...]:
    """Return a wording with its numbers of three or four digits as they may be spoken as well.

    In English 4512 may be four five one two or forty five twelve, in Chinese 480 may be 四百八十; the place that is
    spoken with a Chinese digit is written behind it (scoring.sounds.digit_symbols).
    """
    readings: list[tuple[str, ...]] = [()]
    at = 0
    while at < len(words):
        end = at
        while end < len(words) and words[end].isdecimal() and words[end].isascii():
            end += 1
        run = tuple(words[at : max(end, at + 1)])
        ways = dict.fromkeys([run, *(_ways("".join(run), chinese) if end > at else ())])
        readings = [(*before, *way) for before in readings for way in ways][:MOST_READINGS]
        at += len(run)
    return tuple(reading for reading in readings if reading != tuple(words))


def _ways(digits: str, chinese: bool) -> list[tuple[str, ...]]:
    if not 3 <= len(digits) <= 4:
        return []
    if chinese:
        return [] if digits[0] == "0" else [_with_places(digits)]
    pairs = (digits[:-2], digits[-2:])
    return [tuple(digits), *([pairs] if all(part[0] != "0" for part in pairs) else ())]


def _with_places(digits: str) -> tuple[str, ...]:
    marked: list[str] = []
    for at, digit in enumerate(digits):
        place = ("", "十", "百", "千")[len(digits) - 1 - at]
        if digit != "0":
            marked.append(digit + place)
        else:  # one nought is spoken for several, and none at the end: 一千零五, 四百八十
            spoken = digits[at - 1] != "0" and digits[at:].strip("0")
            marked.append(digit if spoken else digit + "-")
    return tuple(marked)


def _chinese_value(texts: Sequence[str], known: dict[str, int]) -> str:
    """Return the digits of a run of numerals; units that make no number are read one by one."""
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
