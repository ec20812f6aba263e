"""Ratings that customers give: each on its survey's own scale, brought to one from 0 to 100."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"(-?\d{1,4})\s*[-–~～至]\s*(-?\d{1,4})", re.ASCII)
_LAST_BIT = 1e-9


class ScaleError(ValueError):
    """Not a scale, or a rating that is not on it; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale from its worst to its best rating; 3 to 1 where 1 stands for "very satisfied"."""

    worst: int
    best: int

    def __post_init__(self) -> None:
        if self.worst == self.best:
            raise ScaleError(f"a scale needs two different ends, not {self.worst}-{self.best}")

    @classmethod
    def parse(cls, text: str) -> Scale:
        """Read ``1-5``, ``0-10`` or ``3-1``: the worst rating, then the best.

        Raises:
            ScaleError: the text has another form.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise ScaleError(f"{text[:20]!r} is no scale; write the worst and the best rating: 1-5, 0-10 or 3-1")
        return cls(int(found[1]), int(found[2]))

    def score(self, rating: float) -> float:
        """Return the place of `rating` on the scale, 0 the worst and 100 the best.

        Raises:
            ScaleError: the rating lies outside.

        >>> Scale.parse("1-5").score(4)
        75.0
        """
        if not min(self.worst, self.best) <= rating <= max(self.worst, self.best):
            raise ScaleError(f"{rating:g} is not on the scale {self}")
        return 100 * (rating - self.worst) / (self.best - self.worst)

    def __str__(self) -> str:
        return f"{self.worst}-{self.best}"


def is_satisfied(score: float, satisfied_from: float) -> bool:
    """Return whether a rating of `score` (0 to 100) says "satisfied": from the share `satisfied_from` of the scale on.

    With 0.75 these are 4 and 5 of five, 3 of three, and 8 to 10 of ten.
    """
    return score >= 100 * satisfied_from - _LAST_BIT
