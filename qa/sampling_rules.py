"""The rules of a sampling plan: whose calls, which of them, how many, how they are drawn, who reviews them until when.

A plan is written as YAML (docs/sampling.md) or filled in on the page; each draw keeps the text of its rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime, ValidationError, model_validator

from models import CallState
from qa.refusals import N_, Refused
from qa.working_days import Calendar, WorkingDays
from scoring.sampling import Design, DesignKind

# Why a call was drawn.
WHY = {
    "simple": N_("simple random"),
    "stratified": N_("random, by stratum"),
    "risk": N_("random, in proportion to risk"),
    "fatal_suspected": N_("fatal item suspected"),
    "complaint": N_("complaint"),
    "low_rating": N_("lowest survey rating"),
}
# Why a call of the plan's agents and queues was not eligible.
LEFT_OUT = {
    "no_agent": N_("no agent is known"),
    "state": N_("not scored yet, or not gradable"),
    "too_short": N_("too short"),
    "too_long": N_("too long"),
    "direction": N_("other direction"),
    "language": N_("other language"),
    "test_call": N_("test call"),
    "outage": N_("inside an outage"),
    "reviewed": N_("reviewed already"),
}
# Why a drawn call was taken out again.
UNSUITABLE = {
    "sound": N_("sound damaged or missing"),
    "wrong_agent": N_("another agent's call"),
    "not_a_call": N_("no conversation: voicemail, silence, wrong number"),
    "language": N_("a language that no inspector speaks"),
    "test_call": N_("a test call"),
    "private": N_("private or confidential"),
    "other": N_("another reason"),
}


class Outage(BaseModel):
    """A time in which nobody could work properly; its calls are never drawn. Times as the hotline's clocks show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begins: NaiveDatetime
    ends: NaiveDatetime
    queues: tuple[str, ...] = ()  # none named: all

    @model_validator(mode="after")
    def _has_length(self) -> Outage:
        if self.ends <= self.begins:
            raise ValueError("an outage must end after it begins")
        return self

    def covers(self, moment: datetime, queue: str | None, zone: ZoneInfo) -> bool:
        here = moment.astimezone(zone).replace(tzinfo=None)
        return self.begins <= here < self.ends and (not self.queues or queue in self.queues)


class PlanRules(BaseModel):
    """One plan. An empty list of agents, teams, queues, directions, languages or inspectors means all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agents: tuple[str, ...] = Field((), description="Staff numbers.")
    teams: tuple[str, ...] = Field((), description="Names of teams.")
    queues: tuple[str, ...] = Field((), description="Names of queues.")
    directions: tuple[Literal["inbound", "outbound"], ...] = ()
    languages: tuple[str, ...] = Field((), description="Primary subtags, for example zh.")
    states: tuple[CallState, ...] = (CallState.SCORED,)
    min_seconds: float = Field(30, ge=0)
    max_seconds: float | None = Field(None, gt=0)
    reviewed: bool = Field(False, description="Calls that have a finished review may be drawn too.")
    outages: tuple[Outage, ...] = ()

    per_agent: int = Field(2, ge=2, le=100, description="Reviews a week; one call shows nothing of the spread.")
    per_new_agent: int = Field(5, ge=2, le=100)
    new_days: int = Field(90, ge=0, le=3650, description="So long an agent is new, by the hiring date.")
    budget: int | None = Field(
        None, ge=1, le=1_000_000, description="Reviews a week in all, shared where the intervals shrink most."
    )
    design: DesignKind = DesignKind.SIMPLE
    strata: Literal["none", "risk", "queue", "direction", "language"] = "none"
    floor: int = Field(25, ge=1, le=100, description="Percent of the probability that is spread equally.")
    picks: tuple[Literal["fatal_suspected", "complaint", "low_rating"], ...] = (
        "fatal_suspected",
        "complaint",
        "low_rating",
    )
    max_picks: int = Field(20, ge=0, le=10_000, description="Targeted calls a draw at most.")
    joint_percent: int = Field(5, ge=0, le=100, description="Drawn calls that a second inspector scores too.")
    joint_least: int = Field(2, ge=0, le=50, description="Joint reviews of each inspector a month at least.")

    inspectors: tuple[str, ...] = Field((), description="Logins; none: every active inspector.")
    quota: int | None = Field(None, ge=1, le=1_000, description="Open reviews of one inspector at most.")
    due_days: int = Field(5, ge=1, le=60, description="Working days from the end of the drawn time.")
    calendar: Calendar = Calendar.WEEKDAYS
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> PlanRules:
        if self.design is DesignKind.STRATIFIED and self.strata == "none":
            raise ValueError("a stratified draw needs strata: risk, queue, direction or language")
        if self.max_seconds is not None and self.max_seconds <= self.min_seconds:
            raise ValueError("max_seconds must be above min_seconds")
        return self

    @property
    def how(self) -> Design:
        return Design(self.design, self.floor)

    @property
    def working_days(self) -> WorkingDays:
        return WorkingDays(self.calendar, self.holidays, self.workdays)

    @property
    def needs_risk(self) -> bool:
        return self.design is DesignKind.RISK or self.strata == "risk"

    def text(self) -> str:
        """Return the rules in their one written form, which a draw keeps."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)


def read_rules(found: Mapping[str, Any]) -> PlanRules:
    """Return the rules that `found` says; what it does not say is as usual.

    Raises:
        Refused: a value is wrong or a name unknown; the first is named.
    """
    try:
        return PlanRules.model_validate(dict(found))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "plan"
        problem = first["msg"].removeprefix("Value error, ")
        raise Refused(N_("%(place)s: %(problem)s"), field=place, place=place, problem=problem) from None


def load_rules(file: Path) -> PlanRules:
    """Read a plan's YAML file.

    Raises:
        Refused: it is not YAML, or says something that a plan does not know.
    """
    import yaml

    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused(N_("%(file)s is not YAML: %(problem)s"), file=file.name, problem=str(error)) from None
    if not isinstance(found, Mapping):
        raise Refused(N_("%(file)s must hold names with values, for example per_agent: 2"), file=file.name)
    return read_rules(found)
