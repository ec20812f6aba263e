"""What the pages about scores say in place of codes: why there is no interval, how a value was estimated, and so on."""

from __future__ import annotations

from flask_babel import get_locale, gettext

from qa.score_export import PARTS
from scoring.agent_score import AgentScore, PartScore, rounded
from scoring.indicators import Target
from web.i18n import N_, format_number

NO_INTERVAL = {
    "not_estimated": N_("no interval: it was not worked out"),
    "one_of_many": N_("no interval: one observation of several says nothing about their spread"),
    "spread_unknown": N_("no interval: too few observations, of all agents together, to tell their spread"),
}
METHODS = {
    "census": N_("All calls were reviewed, so nothing is estimated."),
    "regression": N_("The reviews, put right by the automatic scores of all calls (regression estimate)."),
    "sample": N_("The weighted mean of the reviews: the automatic scores do not help here."),
    "one review": N_("One review; its spread is taken from the other agents."),
    "automatic": N_("No review: foreseen from the automatic scores."),
    "mean": N_("The plain mean of the reviews."),
    "none": N_("Nothing could be estimated."),
    "stratified": N_("The agents' estimates, weighed by their calls."),
}
ERROR_KINDS = {
    ("critical", "customer"): N_("Customer-critical"),
    ("critical", "business"): N_("Business-critical"),
    ("critical", "compliance"): N_("Compliance-critical"),
    ("fatal", "customer"): N_("Fatal, customer"),
    ("fatal", "business"): N_("Fatal, business"),
    ("fatal", "compliance"): N_("Fatal, compliance"),
    ("fatal", "any"): N_("Any fatal item"),
}
WHY_PROVISIONAL = {
    "no_grade": N_("provisional: too little is known for a grade"),
    "no_interval": N_("provisional: a part has no interval, so nobody can say how sure the grade is"),
    "unsure": N_("provisional: another grade is too likely"),
}
VERDICTS = {
    "met": N_("met"),
    "met_unsure": N_("met, may be chance"),
    "missed_unsure": N_("missed, may be chance"),
    "missed": N_("target missed"),
}
CAUSES = {
    "review": N_("review"),
    "call": N_("call"),
    "fatal": N_("fatal item"),
    "complaint": N_("complaint"),
    "praise": N_("praise"),
    "survey": N_("survey"),
    "test": N_("test calls"),
}
CHANGES = {"added": N_("added"), "removed": N_("removed"), "changed": N_("changed")}
OWNERS = {
    "duty-manager": N_("Duty manager"),
    "qa-lead": N_("QA lead"),
    "centre-manager": N_("Centre manager"),
}
SIDES = {"internal": N_("internal"), "external": N_("external"), "both": N_("both sides")}
EVERY = {
    "day": N_("daily"),
    "week": N_("weekly"),
    "month": N_("monthly"),
    "quarter": N_("quarterly"),
    "year": N_("yearly"),
}
LEVELS = {"agent": N_("agents"), "team": N_("teams"), "inspector": N_("inspectors"), "centre": N_("the centre")}
TARGET_UNITS = {
    "points": N_("%(figure)s points"),
    "per 1000": N_("%(figure)s per 1000"),
    "per 10000": N_("%(figure)s per 10000"),
}
SOURCES = {
    **PARTS,
    "CP": N_("Complaints"),
    "TK": N_("Tickets and telephony"),
    "AU": N_("Audit and action records"),
}


def in_page_language(name: str, english: str) -> str:
    """Return the one of two names of criteria that the page's reader understands; `english` may be empty."""
    return english if english and str(get_locale()).startswith("en") else name


def target_text(aim: Target) -> str:
    """Return a target as people write it: "≥ 85 %", "≤ 1 per 1000"."""
    return {">=": "≥ ", "<=": "≤ "}.get(aim.sign, "") + in_unit(format_number(aim.figure), aim)


def in_unit(figure: str, aim: Target) -> str:
    """Return a written figure with the unit that its target is in."""
    if aim.unit in TARGET_UNITS:
        return gettext(TARGET_UNITS[aim.unit], figure=figure)
    return f"{figure} {aim.unit}".rstrip()


def range_text(low: float | None, high: float | None) -> str:
    """Return "84.1–95.0", or nothing where there is no interval."""
    if low is None or high is None:
        return ""
    return f"{format_number(rounded(low), 1)}–{format_number(rounded(high), 1)}"


def interval_text(score: AgentScore) -> str:
    """Return the limits of a score, or why there are none."""
    if score.value is None:
        return ""
    if score.low is not None:
        return range_text(score.low, score.high)
    parts = gettext(", ").join(gettext(PARTS.get(source, source)) for source in score.without_interval)
    return gettext("no interval: %(parts)s has none", parts=parts)


def part_interval_text(part: PartScore) -> str:
    """Return the limits of a part, or why there are none; nothing when nothing was observed."""
    if part.value is None or not part.n:
        return ""
    if part.low is not None:
        if part.low == part.high and part.n == part.population:
            return gettext("exact: all calls")
        return range_text(part.low, part.high)
    reason = part.no_interval or "not_estimated"
    return gettext(NO_INTERVAL[reason])


def percent(chance: float) -> str:
    """Return a chance as whole percent; what is not quite impossible or certain is not shown as such."""
    whole = round(100 * chance)
    if whole == 0 and chance > 0:
        return gettext("below %(percent)s %%", percent=1)
    if whole == 100 and chance < 1:
        return gettext("above %(percent)s %%", percent=99)
    return f"{whole} %"


def chance_text(score: AgentScore) -> str:
    """Return "B 81 %; A 19 %": the grades that are at all likely, likeliest first."""
    shown = [one for one in score.chances if one.chance >= 0.005]
    return gettext("; ").join(f"{one.grade} {percent(one.chance)}" for one in shown)
