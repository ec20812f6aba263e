"""Types that every kind of rule shares."""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from scoring.criteria_file import Criteria, Text
from scoring.entries import TOO_LONG

Role = Literal["agent", "customer", "any"]
Severity = Literal["minor", "major", "review", "fatal_candidate"]
Entry = Annotated[Text, Field(min_length=1, max_length=TOO_LONG)]
Entries = Annotated[tuple[Entry, ...], Field(min_length=1)]
RuleId = Annotated[Text, Field(min_length=1, max_length=40)]


def _written_day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("is no day: write it as 2026-12-31") from None


Day = Annotated[date, BeforeValidator(_written_day)]


class Effective(Criteria):
    """The days on which a rule is in effect, both included."""

    first: Day | None = Field(default=None, alias="from")
    last: Day | None = Field(default=None, alias="until")

    @model_validator(mode="after")
    def _some_days(self) -> Self:
        if self.first is None and self.last is None:
            raise ValueError("give from, until or both")
        if self.first and self.last and self.first > self.last:
            raise ValueError(f"from {self.first} is after until {self.last}: the rule would never be in effect")
        return self

    def covers(self, day: date) -> bool:
        """Whether the rule is in effect on a day."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


class Dated(Criteria):
    """What every rule that marks anything has."""

    effective: Effective | None = None  # always


def did_you_mean(name: str, known: list[str]) -> str:
    """Return advice for a name that nothing has: the nearest known one, else all of them."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    shown = ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
    return f"known are {shown}" if known else "there is none to name"
