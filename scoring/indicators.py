"""The indicator system: three levels of indicators with weights, sources, targets and owners.

It is the `indicator_system` part of templates/indicators.yaml. Weights are shares of 100 and add up at every level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from scoring.criteria_file import Criteria, Text, load_criteria
from scoring.uncertainty import Interval

INDICATOR_SOURCES = ("IM", "AQ", "DT", "MS", "NV", "SV", "CP", "TK", "AU")
_TARGET = re.compile(r"(?P<sign>>=|<=|)\s*(?P<figure>\d+(?:\.\d+)?)\s*(?P<unit>%|points|per 1000|per 10000|)")
_UNITS = {"%": 100.0, "per 1000": 1_000.0, "per 10000": 10_000.0}  # what a share is multiplied with


@dataclass(frozen=True, slots=True)
class Target:
    """What an indicator should reach: at least (>=), at most (<=) or exactly, in its unit."""

    sign: str  # ">=", "<=" or "" for exactly
    figure: float
    unit: str  # "%", "points", "per 1000", "per 10000" or "" for a score or count

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``>=85%``, ``<=1 per 1000``, ``>=90`` or ``0``.

        Raises:
            ValueError: the text has no such form.
        """
        found = _TARGET.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"a target is written like >=85%, <=1 per 1000, >=90 or 0, not {text!r}")
        return cls(found["sign"], float(found["figure"]), found["unit"])

    @property
    def scale(self) -> float:
        """What a share, 0 to 1, is multiplied with to be in the target's unit."""
        return _UNITS.get(self.unit, 1.0)

    def met(self, value: float) -> bool:
        if self.sign == ">=":
            return value >= self.figure
        if self.sign == "<=":
            return value <= self.figure
        return value == self.figure

    def verdict(self, value: float, interval: Interval | None) -> Verdict:
        """Say whether the target is reached, and whether the interval leaves any doubt."""
        met = self.met(value)
        if interval is None:
            return "met_unsure" if met else "missed_unsure"
        if all(self.met(limit) == met for limit in (interval.low, interval.high)):
            return "met" if met else "missed"
        return "met_unsure" if met else "missed_unsure"


Verdict = Literal["met", "met_unsure", "missed_unsure", "missed"]


class Indicator(Criteria):
    """One indicator of the third level: the only ones that are measured."""

    id: str
    name: Text
    en: Text = ""  # the name in English; empty: `name` serves both languages
    weight: float = Field(gt=0, le=100)
    src: tuple[str, ...] = Field(min_length=1)
    side: Literal["internal", "external", "both"]
    every: Literal["day", "week", "month", "quarter", "year"]
    lvl: Literal["agent", "team", "inspector", "centre"]  # the smallest unit that it may be shown for
    target: Text
    formula: Text
    note: Text = ""
    owner: Text = ""  # empty: that of the level above
    # Id of a scorecard or check sheet -> its items that the indicator rests on; empty: it rests on none.
    items: dict[Text, tuple[Text, ...]] = Field(default_factory=dict)

    @field_validator("src")
    @classmethod
    def _known(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [source for source in sources if source not in INDICATOR_SOURCES]:
            raise ValueError(f"{', '.join(unknown)}: write some of {', '.join(INDICATOR_SOURCES)}")
        return sources

    @field_validator("target")
    @classmethod
    def _understood(cls, text: str) -> str:
        Target.parse(text)
        return text

    @property
    def aim(self) -> Target:
        return Target.parse(self.target)


class SecondLevel(Criteria):
    id: str
    name: Text
    en: Text = ""  # the name in English; empty: `name` serves both languages
    weight: float = Field(gt=0, le=100)
    owner: Text = ""
    level3: tuple[Indicator, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> SecondLevel:
        _check_sum(self.id, self.weight, [indicator.weight for indicator in self.level3])
        return self


class FirstLevel(Criteria):
    id: str
    name: Text
    en: Text = ""  # the name in English; empty: `name` serves both languages
    weight: float = Field(gt=0, le=100)
    owner: Text = ""
    level2: tuple[SecondLevel, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> FirstLevel:
        _check_sum(self.id, self.weight, [second.weight for second in self.level2])
        return self


class IndicatorSystem(Criteria):
    """The whole tree, in the YAML's own shape."""

    id: str
    version: int = Field(ge=1)
    level1: tuple[FirstLevel, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> IndicatorSystem:
        _check_sum(self.id, 100, [first.weight for first in self.level1])
        ids = [one.id for one in self.level1]
        ids += [second.id for first in self.level1 for second in first.level2]
        ids += [indicator.id for indicator in self.indicators()]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"each id may be given once: {', '.join(twice)}")
        return self

    def indicators(self) -> Iterator[Indicator]:
        """Yield the indicators of the third level, in order."""
        for first in self.level1:
            for second in first.level2:
                yield from second.level3

    def owner(self, indicator: str) -> str:
        """Return who answers for an indicator: its own owner, else that of the nearest level above."""
        for first in self.level1:
            for second in first.level2:
                for one in second.level3:
                    if one.id == indicator:
                        return one.owner or second.owner or first.owner
        raise KeyError(indicator)


def load_indicators(source: Path | str) -> IndicatorSystem:
    """Read the `indicator_system` of a YAML file (a path) or of YAML text (a string).

    Raises:
        CriteriaError: naming file, line and place, and how to mend it.
    """
    return load_criteria(source, IndicatorSystem, "indicator_system")


def _check_sum(name: str, weight: float, parts: list[float]) -> None:
    if abs(sum(parts) - weight) > 1e-6:
        raise ValueError(f"{name}: the weights below must add up to {weight:g}, not {sum(parts):g}")
