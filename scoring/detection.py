"""How well somebody finds defects: held against what is known of the same calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from scoring.check_sheet import SheetItem
from scoring.marks import Answer
from scoring.uncertainty import Interval, share_interval

_SCALES = frozenset({"scale3", "scale5"})


class Verdict(StrEnum):
    """What somebody says of one item of one call."""

    DEFECT = "defect"
    FINE = "fine"
    SILENT = "silent"  # not applicable, cannot tell, or neither good nor bad


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` with Wilson's interval, all from 0 to 1."""

    value: float
    interval: Interval
    n: int


@dataclass(frozen=True, slots=True)
class Detection:
    """Verdicts counted against the truth: defects found and missed, false alarms, and silence."""

    found: int = 0
    missed: int = 0
    false_alarms: int = 0
    cleared: int = 0  # rightly fine
    silent: int = 0

    def add(self, truth: Verdict, said: Verdict) -> Detection:
        """Return the counts with one more verdict; where the truth is silent nothing can be learnt."""
        if truth is Verdict.SILENT:
            return self
        defect = truth is Verdict.DEFECT
        return self + Detection(
            found=int(defect and said is Verdict.DEFECT),
            missed=int(defect and said is Verdict.FINE),
            false_alarms=int(not defect and said is Verdict.DEFECT),
            cleared=int(not defect and said is Verdict.FINE),
            silent=int(said is Verdict.SILENT),
        )

    def __add__(self, other: Detection) -> Detection:
        return Detection(
            self.found + other.found,
            self.missed + other.missed,
            self.false_alarms + other.false_alarms,
            self.cleared + other.cleared,
            self.silent + other.silent,
        )

    @property
    def n(self) -> int:
        """Verdicts that could be compared."""
        return self.found + self.missed + self.false_alarms + self.cleared

    @property
    def precision(self) -> Share | None:
        """The share of reported defects that are real; None when none was reported."""
        return _share(self.found, self.found + self.false_alarms)

    @property
    def recall(self) -> Share | None:
        """The share of real defects that were reported, of those with a verdict; None when there was none."""
        return _share(self.found, self.found + self.missed)


def verdict_of_answers(answers: Iterable[str]) -> Verdict:
    """Return what the marks of one or more items say together: a defect when one of them has one.

    "Cannot tell" and "not applicable" are silent; they say nothing when another item of the group speaks.
    """
    given = set(answers)
    if given & {Answer.NOT_MET.value, Answer.PARTLY.value}:
        return Verdict.DEFECT
    return Verdict.FINE if Answer.MET.value in given else Verdict.SILENT


def verdict_of_points(item: SheetItem, points: float | None) -> Verdict:
    """Return what a tester's answer says, by its points from 0 to 100 (None: not applicable).

    Of what is counted or right or wrong, anything short of all is a defect. On a scale the lower half is one, the
    upper half is fine, and the middle says neither.
    """
    if points is None:
        return Verdict.SILENT
    if item.answer not in _SCALES:
        return Verdict.FINE if points >= 100 else Verdict.DEFECT
    if points == 50:
        return Verdict.SILENT
    return Verdict.FINE if points > 50 else Verdict.DEFECT


def _share(part: int, n: int) -> Share | None:
    return Share(part / n, share_interval(part, n), n) if n else None
