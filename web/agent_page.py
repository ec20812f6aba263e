"""The drawings and sums of the agent pages, worked out before a template sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qa.agent_scores import AgentScoreRow
from scoring.agent_score import AgentScore, PartScore, Scheme, rounded


@dataclass(frozen=True, slots=True)
class Axis:
    """The stretch of the score scale that a plot shows; the same for all rows."""

    low: float
    high: float = 100.0

    def at(self, value: float) -> float:
        """Return where `value` lies, in percent of the width."""
        inside = min(self.high, max(self.low, value))
        return round(100 * (inside - self.low) / (self.high - self.low), 2)

    @property
    def ticks(self) -> list[float]:
        step = 10 if self.high - self.low <= 50 else 20
        return [self.low + step * i for i in range(int((self.high - self.low) // step) + 1)]


@dataclass(frozen=True, slots=True)
class Band:
    """The stretch of an axis that earns a grade, in percent of the width."""

    grade: str
    rank: int  # 0 is the best
    at: float
    width: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One part in the stacked bar: as wide as its weight, filled as far as its value; in percent of the bar."""

    source: str
    at: float
    width: float
    filled: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """The sum that makes the value, with the figures as they are shown."""

    parts: Sequence[PartScore]
    total: float | None  # of the parts, before adjustments
    value: float | None


@dataclass(frozen=True, slots=True)
class GapText:
    """The internal-external gap with its figures as they are shown."""

    value: float
    low: float
    high: float
    real: bool


def axis_of(rows: Sequence[AgentScoreRow]) -> Axis:
    """Return an axis that begins at 50, or lower at a round ten when somebody's value is lower."""
    values = [row.score.value for row in rows if row.score.value is not None]
    lows = [row.score.low for row in rows if row.score.low is not None]
    least = min([*values, *lows, 60.0])
    return Axis(low=min(50.0, 10 * (least // 10)))


def bands_of(scheme: Scheme, axis: Axis) -> list[Band]:
    bands = []
    top = axis.high
    for rank, grade in enumerate(scheme.grades):
        start, end = axis.at(scheme.bands[grade]), axis.at(top)
        bands.append(Band(grade, rank, start, round(end - start, 2)))
        top = scheme.bands[grade]
    return bands


def segments(score: AgentScore) -> list[Segment]:
    found = []
    at = 0.0
    for part in score.parts:
        if part.counted:
            found.append(Segment(part.source, round(at, 3), round(part.used, 3), round(part.points, 3)))
            at += part.used
    return found


def recipe(score: AgentScore) -> Recipe:
    counted = [part for part in score.parts if part.counted]
    return Recipe(
        parts=counted,
        total=rounded(sum(part.points for part in counted)) if counted else None,
        value=None if score.value is None else rounded(score.value),
    )


def gap_of(score: AgentScore) -> GapText | None:
    gap = score.gap
    return None if gap is None else GapText(rounded(gap.value), rounded(gap.low), rounded(gap.high), gap.real)
