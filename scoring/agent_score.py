"""Combine what is known about an agent in a period into one score, by the weights of a scheme.

The scheme is the `agent_month_score` part of templates/indicators.yaml. A part counts when it has its minimum
number of observations. The weight of parts that do not count goes to those that do, in proportion, and the score
is marked incomplete; when too little weight is present there is a value but no grade.

Values are kept unrounded. What is shown, and what the bands are applied to, is `rounded`: one decimal, halves up.
So a page that says 90.0 never carries the grade of 89.96.

Every part brings its interval or the reason why it has none; scoring/uncertainty.py carries them to the total, and
from there to the chance of each grade and to "firm" or "provisional".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator, model_validator

from scoring.criteria_file import Criteria, load_criteria
from scoring.uncertainty import CONFIDENCE, Interval, Term, band_chances, clipped, difference, weighted_sum

# Random reviews, automatic checks, dial tests, survey, mystery shopper, non-voice reviews.
SOURCES = ("IM", "AQ", "DT", "SV", "MS", "NV")


class SchemePart(Criteria):
    """One source of the score, with its weight (of 100) and the fewest observations that count."""

    src: str
    weight: float = Field(gt=0, le=100)
    min_n: int = Field(ge=1)
    rule: str = ""

    @field_validator("src")
    @classmethod
    def _known(cls, source: str) -> str:
        if source not in SOURCES:
            raise ValueError(f"write one of {', '.join(SOURCES)}")
        return source


# The shipped file says its rules in sentences. Their numbers are read, and a sentence of another form is
# refused: a rule that was edited and then silently not followed would be worse than none.
_SENTENCES = {
    "missing": r"spread the weight over present parts and mark the score incomplete; "
    r"below (\d+) of 100 present show no grade",
    "fatal": r"one confirmed fatal caps the grade at (\w+), two at (\w+)",
    "complaints": r"upheld and agent-responsible only, minus ([\d.]+) each, at most minus ([\d.]+)",
    "bonus": r"(?:plus ([\d.]+) for each praise, )?at most ([\d.]+)",
}
INTERNAL, EXTERNAL = "IM", "MS"  # the two sides of the internal-external gap: both judge whole calls, 0 to 100


class Scheme(Criteria):
    """How the parts of an agent's score are weighed, in the YAML's own shape."""

    id: str = "agent-month-score"
    version: int = 1
    parts: tuple[SchemePart, ...] = Field(min_length=1)
    missing: str
    targeted_reviews: str = ""
    fatal: str
    complaints: str
    bonus: str
    bands: dict[str, float]
    firm_from: float = Field(default=80, ge=50, lt=100)  # percent: a likelier grade is firm, others are provisional
    tie_to_reward: str = ""

    @field_validator("missing", "fatal", "complaints", "bonus", mode="before")
    @classmethod
    def _understood(cls, sentence: object, info: ValidationInfo) -> str:
        text = " ".join(str(sentence).split())
        if re.fullmatch(_SENTENCES[str(info.field_name)], text) is None:
            form = re.sub(r"\(\?:(.*?)\)\?", r"[\1]", _SENTENCES[str(info.field_name)].replace(r"([\d.]+)", "…"))
            form = re.sub(r"\([^)]*\)", "…", form)
            raise ValueError(f"this sentence is not understood; write: {form}")
        return text

    @model_validator(mode="after")
    def _consistent(self) -> Scheme:
        total = sum(part.weight for part in self.parts)
        if abs(total - 100) > 1e-6:
            raise ValueError(f"the weights of the parts must add up to 100, not {total:g}")
        if len({part.src for part in self.parts}) < len(self.parts):
            raise ValueError("each source may be named once")
        if not self.bands or min(self.bands.values()) != 0:
            raise ValueError("the lowest band must begin at 0")
        unknown = {grade for grade in self.fatal_caps if grade not in self.bands}
        if unknown:
            raise ValueError(f"fatal names a grade that bands lacks: {', '.join(sorted(unknown))}")
        return self

    def _numbers(self, rule: str) -> tuple[str, ...]:
        found = re.fullmatch(_SENTENCES[rule], getattr(self, rule))
        assert found is not None  # Validated on the way in.
        return found.groups()

    @property
    def min_present(self) -> float:
        """The weight, of 100, below which there is no grade."""
        return float(self._numbers("missing")[0])

    @property
    def fatal_caps(self) -> tuple[str, str]:
        """The best grades after one confirmed fatal, and after two or more."""
        one, more = self._numbers("fatal")
        return one, more

    @property
    def complaint_points(self) -> float:
        return float(self._numbers("complaints")[0])

    @property
    def complaint_limit(self) -> float:
        return float(self._numbers("complaints")[1])

    @property
    def bonus_limit(self) -> float:
        return float(self._numbers("bonus")[1])

    @property
    def praise_points(self) -> float:
        """Points for each praise; 0 when the scheme names none, so that praises are shown and do not count."""
        return float(self._numbers("bonus")[0] or 0)

    @property
    def grades(self) -> tuple[str, ...]:
        """All grades, best first."""
        return tuple(sorted(self.bands, key=lambda grade: -self.bands[grade]))

    @property
    def target(self) -> float:
        """The value from which the best grade is given: the line to aim at."""
        return max(self.bands.values())


@dataclass(frozen=True, slots=True)
class Part:
    """What one source says about an agent: the mean of `n` observations, 0 to 100."""

    source: str
    value: float | None  # None: nothing observed
    n: int
    low: float | None = None  # of a 95 % interval
    high: float | None = None
    no_interval: str | None = None  # why it has none: one of NO_INTERVAL
    population: int | None = None  # how many there were to observe; None: without end, such as possible test calls
    plain: float | None = None  # the plain mean of the n, where `value` is an estimate that uses more
    method: str | None = None  # how the value was estimated, as scoring.estimation names it


# Why a part has no interval.
NO_INTERVAL = (
    "not_estimated",  # nobody worked one out
    "one_of_many",  # one observation of several that there were: its spread is unknown
    "spread_unknown",  # too few observations of all agents together, or all alike, to tell the usual spread
)


@dataclass(frozen=True, slots=True)
class PartScore:
    """A part as it entered the score."""

    source: str
    weight: float  # by the scheme, of 100
    used: float  # after the weight of missing parts was spread, of 100; 0 when it does not count
    value: float | None
    n: int
    min_n: int
    why_not: str | None  # why it does not count: "nothing" observed, or "too_few"
    low: float | None = None
    high: float | None = None
    no_interval: str | None = None  # as in Part; None also when nothing was observed
    population: int | None = None
    plain: float | None = None
    method: str | None = None

    @property
    def counted(self) -> bool:
        return self.why_not is None

    @property
    def points(self) -> float:
        """What it contributes to the value, in points of 100."""
        return self.used * self.value / 100 if self.counted and self.value is not None else 0.0


@dataclass(frozen=True, slots=True)
class Adjustments:
    """What was added or taken off after the parts were weighed, in points."""

    complaints: float  # zero or negative
    bonus: float  # zero or positive
    cap: str | None  # the best grade that the confirmed fatal items leave; None when they leave all
    corrections: float = 0.0  # what later changes to closed periods add or take off here

    @property
    def points(self) -> float:
        return self.complaints + self.bonus + self.corrections


@dataclass(frozen=True, slots=True)
class Gap:
    """How much higher the internal side judges than the external one, in points, with the limits of its interval."""

    value: float
    low: float
    high: float

    @property
    def real(self) -> bool:
        """Whether the interval leaves out 0: chance alone would seldom make such a gap."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class GradeChance:
    grade: str
    chance: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class AgentScore:
    """An agent's score for a period, 0 to 100.

    `low` and `high` are the limits of a 95 % interval; where a counted part has none they are None, and
    `without_interval` names the parts.
    """

    scheme: str  # id/version
    value: float | None  # None: no part counts
    grade: str | None
    why_no_grade: str | None  # "nothing" counts, or "too_little" weight is present
    complete: bool  # every part of the scheme counts
    present_weight: float  # of 100
    parts: tuple[PartScore, ...]
    adjustments: Adjustments
    low: float | None = None
    high: float | None = None
    chances: tuple[GradeChance, ...] = ()  # of each grade, likeliest first; empty without grade or interval
    firm: bool = False  # the grade is as likely as the scheme asks; else the score is provisional
    gap: Gap | None = None

    @property
    def without_interval(self) -> tuple[str, ...]:
        """The sources that count and have no interval, so that the total can have none."""
        return tuple(part.source for part in self.parts if part.counted and part.low is None)

    @property
    def why_provisional(self) -> str | None:
        """Why the score is not firm: "no_grade", "no_interval" or "unsure" which grade it is; None when it is firm."""
        if self.firm:
            return None
        return "no_grade" if self.grade is None else "no_interval" if self.low is None else "unsure"

    def chance(self, grade: str) -> float | None:
        """Return how likely `grade` is, 0 to 1; None where nothing can be said."""
        return next((one.chance for one in self.chances if one.grade == grade), None)

    def part(self, source: str) -> PartScore:
        """Return the part of `source`; KeyError when the scheme has none."""
        for part in self.parts:
            if part.source == source:
                return part
        raise KeyError(source)


def rounded(value: float) -> float:
    """Return `value` as it is shown and graded: one decimal, halves up.

    >>> rounded(89.95)
    90.0
    """
    # repr gives the shortest decimal that means this float, so 89.95 is a half and not 89.9500000000000028.
    return float(Decimal(repr(value)).quantize(Decimal("0.1"), ROUND_HALF_UP))


def load_scheme(source: Path | str) -> Scheme:
    """Read the `agent_month_score` of a YAML file (a path) or of YAML text (a string).

    Raises:
        CriteriaError: naming file, line and place, and how to mend it.
    """
    return load_criteria(source, Scheme, "agent_month_score")


def combine(
    scheme: Scheme,
    parts: Sequence[Part],
    *,
    confirmed_fatals: int = 0,
    upheld_complaints: int = 0,
    bonus: float = 0.0,
    corrections: float = 0.0,
    confidence: float = CONFIDENCE,
) -> AgentScore:
    """Weigh `parts` by `scheme`; a part that is not given counts as nothing observed.

    The interval of the value is that of the weighted sum (scoring.uncertainty.weighted_sum), moved by the points
    that are added and taken off: those are counts, known without error. The weights count as fixed.

    Args:
        confirmed_fatals: fatal items that a person confirmed: they cap the grade, never the value.
        upheld_complaints: upheld complaints for which the agent is responsible.
        bonus: points; more than the scheme's limit is cut.
        corrections: points from changes to periods that were closed before.
        confidence: of the parts' intervals, and so of the total's.

    Raises:
        ValueError: a value outside 0 to 100, a negative count, or a source given twice.
    """
    given = _checked(parts)
    if confirmed_fatals < 0 or upheld_complaints < 0 or bonus < 0:
        raise ValueError("fatal items, complaints and bonus cannot be negative")

    weighed = tuple(_weighed(scheme, given))
    present = sum(part.weight for part in weighed if part.counted)
    cap = scheme.fatal_caps[min(confirmed_fatals, 2) - 1] if confirmed_fatals else None
    adjustments = Adjustments(
        complaints=0.0 - min(scheme.complaint_limit, scheme.complaint_points * upheld_complaints),
        bonus=min(scheme.bonus_limit, bonus),
        cap=cap,
        corrections=corrections,
    )

    full = sum(part.points for part in weighed) + adjustments.points  # not yet cut to the scale
    value = min(100.0, max(0.0, full)) if present else None
    enough = value is not None and present >= scheme.min_present
    grade = _grade(scheme, value, cap) if value is not None and enough else None
    interval = _interval(weighed, adjustments.points)
    shown = clipped(interval) if interval else None
    chances = _chances(scheme, full, interval, cap, confidence) if interval and grade else ()
    return AgentScore(
        scheme=f"{scheme.id}/{scheme.version}",
        value=value,
        grade=grade,
        why_no_grade=None if enough else "nothing" if value is None else "too_little",
        complete=all(part.counted for part in weighed),
        present_weight=present,
        parts=weighed,
        adjustments=adjustments,
        low=shown.low if shown else None,
        high=shown.high if shown else None,
        chances=chances,
        firm=any(one.grade == grade and 100 * one.chance >= scheme.firm_from for one in chances),
        gap=_gap(weighed),
    )


def _interval(parts: Sequence[PartScore], points: float) -> Interval | None:
    """The interval of the value before it is cut to the scale; None when a counted part has none."""
    terms = []
    for part in parts:
        if not part.counted:
            continue
        if part.value is None or part.low is None or part.high is None:
            return None
        terms.append(Term(part.used / 100, part.value, part.low, part.high))
    if not terms:
        return None
    found = weighted_sum(terms)
    return Interval(found.low + points, found.high + points)


def _chances(
    scheme: Scheme, value: float, interval: Interval, cap: str | None, confidence: float
) -> tuple[GradeChance, ...]:
    # The grade is that of the rounded figure: 89.95 is an A already.
    bands = [(grade, scheme.bands[grade] - 0.05) for grade in scheme.grades]
    chances = band_chances(bands, value, interval, confidence)
    if cap is not None:
        for grade in scheme.grades[: scheme.grades.index(cap)]:
            chances[cap] += chances[grade]
            chances[grade] = 0.0
    order = sorted(chances, key=lambda grade: (-chances[grade], scheme.grades.index(grade)))
    return tuple(GradeChance(grade, chances[grade]) for grade in order)


def _gap(parts: Sequence[PartScore]) -> Gap | None:
    """The internal side's value minus the external side's, when both have an interval; counted or not."""
    sides = []
    for source in (INTERNAL, EXTERNAL):
        part = next((one for one in parts if one.source == source), None)
        if part is None or part.value is None or part.low is None or part.high is None:
            return None
        sides.append(Term(1.0, part.value, part.low, part.high))
    found = difference(sides[0], sides[1])
    return Gap(sides[0].value - sides[1].value, found.low, found.high)


def _checked(parts: Sequence[Part]) -> Mapping[str, Part]:
    given: dict[str, Part] = {}
    for part in parts:
        if part.source in given:
            raise ValueError(f"{part.source} is given twice")
        if part.n < 0 or (part.value is not None and not 0 <= part.value <= 100):
            raise ValueError(f"{part.source}: a value must be 0 to 100 and n not negative: {part}")
        if (part.low is None) != (part.high is None) or (part.low is not None and part.value is None):
            raise ValueError(f"{part.source}: an interval has two limits and a value between them: {part}")
        given[part.source] = part
    return given


def _weighed(scheme: Scheme, given: Mapping[str, Part]) -> Iterator[PartScore]:
    reasons = {part.src: _why_not(given.get(part.src), part.min_n) for part in scheme.parts}
    present = sum(part.weight for part in scheme.parts if reasons[part.src] is None)
    for part in scheme.parts:
        observed = given.get(part.src, Part(part.src, None, 0))
        why_not = reasons[part.src]
        yield PartScore(
            source=part.src,
            weight=part.weight,
            used=100 * part.weight / present if why_not is None else 0.0,
            value=observed.value,
            n=observed.n,
            min_n=part.min_n,
            why_not=why_not,
            low=observed.low,
            high=observed.high,
            no_interval=(observed.no_interval or "not_estimated")
            if observed.value is not None and observed.low is None
            else None,
            population=observed.population,
            plain=observed.plain,
            method=observed.method,
        )


def _why_not(part: Part | None, min_n: int) -> str | None:
    if part is None or part.value is None or part.n == 0:
        return "nothing"
    return "too_few" if part.n < min_n else None


def _grade(scheme: Scheme, value: float, cap: str | None) -> str:
    shown = rounded(value)
    earned = next(grade for grade in scheme.grades if shown >= scheme.bands[grade])
    if cap is None:
        return earned
    return max(earned, cap, key=scheme.grades.index)  # The later of the two in the order is the worse.
