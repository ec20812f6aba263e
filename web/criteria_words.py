"""What scorecards and rules say, in sentences that people who never saw the YAML can read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask_babel import gettext, ngettext

from scoring.check_models import Check, Flow
from scoring.phrase_set import Acoustic, Anchor, Conditional, Forbidden, Required, Rule, Trigger, Window
from scoring.rule_parts import Effective
from web.check_words import check_sentence, condition_groups, flow_sentence
from web.i18n import N_, format_number

METHODS = {
    "deduct": N_("Points are taken off for each fault"),
    "answer": N_("Each item is met, partly met or not met"),
}
CHECKS = {
    "phrase": N_("Wording"),
    "semi": N_("Wording and judgement"),
    "event": N_("Event in the call"),
    "acoustic": N_("Sound"),
    "manual": N_("Judgement"),
}
DECIDERS = {
    "auto": N_("Automatic"),
    "confirm": N_("Automatic, a person confirms"),
    "human": N_("A person"),
}
CLASSES = {
    "customer": N_("Customer"),
    "business": N_("Business"),
    "compliance": N_("Compliance"),
    "none": N_("Not critical"),
}
EFFECTS = {"zero": N_("The call scores 0"), "cap59": N_("The call scores 59 at most")}
SEVERITIES = {
    "minor": N_("Minor"),
    "major": N_("Major"),
    "review": N_("A person must look"),
    "fatal_candidate": N_("Suspicion of a fatal item"),
}
SPEAKING = {"agent": N_("The agent says"), "customer": N_("The customer says"), "any": N_("Somebody says")}
EVENTS = {
    "hold_start": N_("a hold begins"),
    "hold_end": N_("a hold ends"),
    "transfer": N_("the call is transferred"),
}


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule as it is read: what kind it is, a sentence, and its wordings in groups."""

    id: str
    kind: str
    icon: str
    sentence: str
    wordings: tuple[tuple[str | None, tuple[str, ...]], ...] = ()  # (part, any of these)
    exceptions: tuple[str, ...] = ()


def rule_view(rule: Rule) -> RuleView:
    """Return `rule` in the page's language; its wordings stay in their own."""
    view = _view(rule)
    effective = None if isinstance(rule, Trigger) else rule.effective
    if effective is None:
        return view
    return replace(view, sentence=gettext("; ").join(filter(None, (view.sentence, period_sentence(effective)))))


def period_sentence(effective: Effective) -> str:
    """Return on which days a rule is in effect."""
    first, last = effective.first, effective.last
    if first and last:
        return gettext("in effect from %(first)s until %(last)s", first=first, last=last)
    return (
        gettext("in effect from %(first)s on", first=first) if first else gettext("in effect until %(last)s", last=last)
    )


def _view(rule: Rule) -> RuleView:
    match rule:
        case Required():
            return RuleView(
                rule.id, gettext("Must be said"), "message-check", required_sentence(rule), tuple(rule.parts.items())
            )
        case Conditional():
            reply = ((gettext("and the other side answers"), rule.reply.any),) if rule.reply else ()
            return RuleView(
                rule.id,
                gettext("Must be said when it applies"),
                "message-question",
                conditional_sentence(rule),
                (*rule.parts.items(), *reply),
            )
        case Forbidden():
            wordings = (*(((None, rule.any),) if rule.any else ()), *rule.kinds.items())
            return RuleView(
                rule.id,
                gettext("Must not be said"),
                "message-off",
                gettext(SEVERITIES[rule.severity]),
                wordings,
                (*rule.unless, *rule.unless_person),
            )
        case Trigger():
            return RuleView(
                rule.id, gettext("Sign"), "bell", gettext(SPEAKING[rule.role]) + gettext(": "), ((None, rule.any),)
            )
        case Acoustic():
            return RuleView(
                rule.id,
                gettext("Measured"),
                "wave-sine",
                acoustic_sentence(rule),
                exceptions=(*rule.exceptions, *rule.excused_by, *rule.unless),
            )
        case Check():
            return RuleView(
                rule.id,
                gettext("Check"),
                "list-check",
                gettext("; ").join((check_sentence(rule), gettext(SEVERITIES[rule.severity]))),
                tuple(condition_groups(rule)),
                tuple(rule.exception_wordings()),
            )
        case Flow():
            return RuleView(
                rule.id,
                gettext("Flow"),
                "git-branch",
                flow_sentence(rule),
                tuple(condition_groups(rule)),
                tuple(rule.exception_wordings()),
            )


def required_sentence(rule: Required) -> str:
    sentence = said(rule.role, place(rule.window), rule.order_after)
    if rule.at_least:
        sentence += gettext("; ") + ngettext("at least once", "at least %(num)s times", rule.at_least)
    return sentence


def conditional_sentence(rule: Conditional) -> str:
    return said(rule.role, near(rule.anchor) if rule.anchor else place(rule.window), rule.after)


def said(role: str, where: str, after: str | None) -> str:
    """Return who must say something where, and after which other rule."""
    sentence = gettext("%(speaker)s %(where)s", speaker=gettext(SPEAKING[role]), where=where)
    return sentence + gettext("; ") + gettext("after %(rule)s", rule=after) if after else sentence


def acoustic_sentence(rule: Acoustic) -> str:
    """Return the limit that `rule` sets, with its unit."""
    match rule.measure:
        case "speed":
            low, high = format_number(rule.low), format_number(rule.high)
            if rule.unit == "chars_per_min":
                return gettext("Speech rate from %(low)s to %(high)s characters a minute, net", low=low, high=high)
            return gettext("Speech rate from %(low)s to %(high)s words a minute, net", low=low, high=high)
        case "level":
            return gettext(
                "Loudness not below %(low)s dBFS, swings of at most %(swing)s dB",
                low=format_number(rule.low_dbfs),
                swing=format_number(rule.swing_db),
            )
        case "overlap":
            return gettext(
                "No talking over the other for %(seconds)s s or longer", seconds=format_number(rule.overlap_s)
            )
        case "silence":
            if rule.grave_s is None:
                return gettext("No silence over %(seconds)s s", seconds=format_number(rule.over_s))
            return gettext(
                "No silence over %(seconds)s s; over %(grave)s s is grave",
                seconds=format_number(rule.over_s),
                grave=format_number(rule.grave_s),
            )
        case "repeat":
            return gettext("The customer need not say the same thing %(times)s times", times=rule.times)
        case _:
            return gettext(
                "The agent does not hang up within %(seconds)s s of the last words, before the customer does",
                seconds=format_number(rule.min_gap_s),
            )


def place(window: Window | str) -> str:
    """Return where in the call a rule looks."""
    if isinstance(window, str):
        return gettext("anywhere in the call")
    if window.start_s is not None:
        return gettext("within the first %(seconds)s s", seconds=format_number(window.start_s))
    return ngettext("in the agent's last turn", "in the agent's last %(num)s turns", window.end_turns or 1)


def near(anchor: Anchor) -> str:
    """Return the moment that a conditional rule hangs on, and how near to it."""
    moment = gettext(EVENTS[anchor.event]) if anchor.event in EVENTS else anchor.rule or anchor.event
    before = anchor.side == "before"
    if anchor.within_s is not None:
        values = {"seconds": format_number(anchor.within_s), "moment": moment}
        if before:
            return gettext("within %(seconds)s s before: %(moment)s", **values)
        return gettext("within %(seconds)s s after: %(moment)s", **values)
    turns = anchor.within_turns or 1
    if before:
        return ngettext(
            "in %(num)s turn before: %(moment)s", "in %(num)s turns before: %(moment)s", turns, moment=moment
        )
    return ngettext("in %(num)s turn after: %(moment)s", "in %(num)s turns after: %(moment)s", turns, moment=moment)
