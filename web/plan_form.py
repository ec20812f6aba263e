"""The form of a sampling plan: its fields, what was typed, and the rules that it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from qa.refusals import N_, Refused
from qa.sampling_rules import PlanRules, read_rules
from qa.working_days import Calendar
from scoring.sampling import DesignKind

_COMMAS = re.compile(r"[,，、;；\n]+")


@dataclass(frozen=True, slots=True)
class PlanField:
    """One field of the form; `name` is that of the rule."""

    name: str
    kind: str  # "number", "list", "choice", "checks", "flag" or "outages"
    label: str  # message id
    group: str  # message id
    hint: str = ""  # message id
    choices: Mapping[str, str] = field(default_factory=dict)  # value: message id


WHOSE, WHICH, HOW_MANY, HOW, WHO = (
    N_("Whose calls"),
    N_("Which calls"),
    N_("How many"),
    N_("How they are drawn"),
    N_("Who reviews them"),
)
FIELDS = (
    PlanField("teams", "list", N_("Teams"), WHOSE, N_("Separated by commas; empty: all")),
    PlanField("agents", "list", N_("Staff numbers"), WHOSE, N_("Separated by commas; empty: all")),
    PlanField("queues", "list", N_("Queues"), WHOSE, N_("Separated by commas; empty: all")),
    PlanField("min_seconds", "number", N_("Shortest, in seconds"), WHICH),
    PlanField("max_seconds", "number", N_("Longest, in seconds"), WHICH, N_("Empty: no limit")),
    PlanField(
        "directions",
        "checks",
        N_("Direction"),
        WHICH,
        N_("None: both"),
        {"inbound": N_("Inbound"), "outbound": N_("Outbound")},
    ),
    PlanField("languages", "list", N_("Languages"), WHICH, N_("For example zh, en; empty: all")),
    PlanField("reviewed", "flag", N_("Calls that are reviewed already, too"), WHICH),
    PlanField(
        "outages", "outages", N_("Outages"), WHICH, N_("One a line: 2026-11-18 09:00 / 2026-11-18 11:30 / queues")
    ),
    PlanField("per_agent", "number", N_("Reviews of each agent a week"), HOW_MANY, N_("At least 2")),
    PlanField("per_new_agent", "number", N_("Reviews of new agents a week"), HOW_MANY),
    PlanField("new_days", "number", N_("Days that an agent is new"), HOW_MANY),
    PlanField(
        "budget",
        "number",
        N_("Reviews a week in all"),
        HOW_MANY,
        N_("When given: what is left goes to agents whose scores differ most"),
    ),
    PlanField(
        "design",
        "choice",
        N_("Way of drawing"),
        HOW,
        "",
        {
            DesignKind.SIMPLE: N_("simple random"),
            DesignKind.STRATIFIED: N_("random, by stratum"),
            DesignKind.RISK: N_("random, in proportion to risk"),
        },
    ),
    PlanField(
        "strata",
        "choice",
        N_("Strata"),
        HOW,
        "",
        {
            "none": N_("none"),
            "risk": N_("Risk"),
            "queue": N_("Queue"),
            "direction": N_("Direction"),
            "language": N_("Language"),
        },
    ),
    PlanField("floor", "number", N_("Equal part of the chances, in percent"), HOW, N_("At least 1: no call without")),
    PlanField(
        "picks",
        "checks",
        N_("Picked for a reason, kept apart"),
        HOW,
        "",
        {
            "fatal_suspected": N_("fatal item suspected"),
            "complaint": N_("complaint"),
            "low_rating": N_("lowest survey rating"),
        },
    ),
    PlanField("max_picks", "number", N_("Of these at most"), HOW),
    PlanField("inspectors", "list", N_("Logins of inspectors"), WHO, N_("Separated by commas; empty: all")),
    PlanField("quota", "number", N_("Open reviews of one inspector at most"), WHO, N_("Empty: no limit")),
    PlanField("joint_percent", "number", N_("Scored by a second inspector, in percent"), WHO),
    PlanField(
        "joint_least", "number", N_("Joint reviews of each inspector a month"), WHO, N_("At least; 0: no minimum")
    ),
    PlanField("due_days", "number", N_("Working days until they are due"), WHO),
    PlanField(
        "calendar",
        "choice",
        N_("Calendar"),
        WHO,
        "",
        {Calendar.WEEKDAYS: N_("Monday to Friday"), Calendar.CHINA: N_("China's holidays and make-up days")},
    ),
    PlanField("holidays", "list", N_("Further days off"), WHO, N_("For example 2026-12-31, 2027-01-01")),
    PlanField("workdays", "list", N_("Further working days"), WHO, N_("For example 2026-12-31, 2027-01-01")),
)


def typed_plan(rules: PlanRules) -> dict[str, str]:
    """Return the form's texts for stored rules."""
    stored = rules.model_dump(mode="json")
    return {one.name: _typed(one, stored[one.name]) for one in FIELDS}


def _typed(one: PlanField, value: Any) -> str:
    if value is None:
        return ""
    if one.kind == "flag":
        return "yes" if value else ""
    if one.kind == "outages":
        return "\n".join(
            " / ".join([_minute(outage["begins"]), _minute(outage["ends"]), ", ".join(outage["queues"])]).rstrip(" /")
            for outage in value
        )
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _minute(moment: str) -> str:
    return moment.replace("T", " ")[:16]


def read_plan(form: MultiDict[str, str]) -> PlanRules:
    """Return the rules that were typed.

    Raises:
        Refused: a value is wrong; the refusal's field names it.
    """
    found: dict[str, Any] = {}
    for one in FIELDS:
        text = form.get(one.name, "").strip()
        if one.kind == "number":
            found[one.name] = text or None
        elif one.kind == "list":
            found[one.name] = [part.strip() for part in _COMMAS.split(text) if part.strip()]
        elif one.kind == "checks":
            found[one.name] = form.getlist(one.name)
        elif one.kind == "flag":
            found[one.name] = text == "yes"
        elif one.kind == "outages":
            found[one.name] = [_outage(line) for line in text.splitlines() if line.strip()]
        else:
            found[one.name] = text
    return read_rules(found)


def _outage(line: str) -> dict[str, Any]:
    begins, slash, rest = line.partition("/")
    if not slash:
        raise Refused(N_("Write an outage as: begin / end / queues"), field="outages")
    ends, _, queues = rest.partition("/")
    return {
        "begins": begins.strip(),
        "ends": ends.strip(),
        "queues": [part.strip() for part in _COMMAS.split(queues) if part.strip()],
    }
