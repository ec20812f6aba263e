"""The expressions of checks: names joined by and, or, not and parentheses, in three values.

    expression = term {"or" term}
    term       = factor {"and" factor}
    factor     = "not" factor | "(" expression ")" | NAME

Kleene's logic: None is "cannot tell". False and anything is false, true or anything is true, and every other
combination with "cannot tell", its negation among them, cannot be told either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 1000  # characters
DEEPEST = 20  # parentheses and nots inside each other
RESERVED = frozenset({"and", "or", "not"})

_TOKEN = re.compile(r"[()]|[^\s()]+")


class ExpressionError(ValueError):
    """An expression that cannot be read; the message says what is wrong where."""


@dataclass(frozen=True, slots=True)
class Name:
    """A condition of the check, a step of the flow or another rule."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    inner: Expression


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expression, ...]


Expression = Name | Not | And | Or


def negation(value: bool | None) -> bool | None:
    """Return Kleene's not."""
    return None if value is None else not value


def conjunction(values: Iterable[bool | None]) -> bool | None:
    """Return Kleene's and; true of nothing."""
    result: bool | None = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def disjunction(values: Iterable[bool | None]) -> bool | None:
    """Return Kleene's or; false of nothing."""
    return negation(conjunction(negation(value) for value in values))


def evaluate(expression: Expression, value_of: Callable[[str], bool | None]) -> bool | None:
    """Return the value of an expression whose names have the values that `value_of` gives."""
    match expression:
        case Name(name):
            return value_of(name)
        case Not(inner):
            return negation(evaluate(inner, value_of))
        case And(parts):
            return conjunction(evaluate(part, value_of) for part in parts)
        case Or(parts):
            return disjunction(evaluate(part, value_of) for part in parts)


def names(expression: Expression, *, positive: bool = True) -> Iterator[tuple[str, bool]]:
    """Yield every name with whether it stands under an even number of nots."""
    match expression:
        case Name(name):
            yield name, positive
        case Not(inner):
            yield from names(inner, positive=not positive)
        case And(parts) | Or(parts):
            for part in parts:
                yield from names(part, positive=positive)


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Read an expression.

    >>> parse("a and not (b or c)")
    And(parts=(Name(name='a'), Not(inner=Or(parts=(Name(name='b'), Name(name='c'))))))

    Raises:
        ExpressionError: it does not follow the grammar above, or is too long or too deep.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"{len(text)} characters, at most {LONGEST}: split the check")
    return _Reader(text).whole()


class _Reader:
    """Recursive descent over the words of an expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = _TOKEN.findall(text)
        self.at = 0

    def whole(self) -> Expression:
        if not self.words:
            raise ExpressionError("is empty: write the name of a condition")
        result = self._any_of(0)
        if self.at < len(self.words):
            raise self._wrong(f"{self.words[self.at]!r} is not expected here: join with and / or")
        return result

    def _any_of(self, depth: int) -> Expression:
        parts = [self._all_of(depth)]
        while self._take("or"):
            parts.append(self._all_of(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all_of(self, depth: int) -> Expression:
        parts = [self._single(depth)]
        while self._take("and"):
            parts.append(self._single(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _single(self, depth: int) -> Expression:
        if depth > DEEPEST:
            raise self._wrong(f"nested more than {DEEPEST} deep: make a check of its own of the inner part")
        if self._take("not"):
            return Not(self._single(depth + 1))
        if self._take("("):
            inner = self._any_of(depth + 1)
            if not self._take(")"):
                raise self._wrong("a parenthesis is not closed: add )")
            return inner
        if self.at >= len(self.words):
            raise self._wrong("a name is missing at the end")
        word = self.words[self.at]
        if word == ")" or word.lower() in RESERVED:
            raise self._wrong(f"a name is missing before {word!r}")
        self.at += 1
        return Name(word)

    def _take(self, word: str) -> bool:
        if self.at < len(self.words) and self.words[self.at].lower() == word:
            self.at += 1
            return True
        return False

    def _wrong(self, what: str) -> ExpressionError:
        return ExpressionError(f"{self.text[:80]!r}: {what}")
