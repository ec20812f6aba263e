"""Apply every rule of a phrase set to one call."""

from __future__ import annotations

from collections.abc import Mapping

from scoring.acoustic import check_acoustic
from scoring.anchors import trigger_moments
from scoring.case import Case
from scoring.check_models import Check, Flow
from scoring.checks import examine, kind_of
from scoring.conditional import check_conditional
from scoring.entries import PatternTooSlow
from scoring.facts import CallFacts
from scoring.flows import follow
from scoring.forbidden import check_forbidden
from scoring.marks import Answer
from scoring.outcome import NOT_IN_EFFECT, RuleOutcome
from scoring.phrase_set import Acoustic, Conditional, Forbidden, PhraseSet, Required, Rule, Trigger
from scoring.said import check_required
from transcription.measures import AudioMeasures
from transcription.transcript import Transcript


def check_rules(
    transcript: Transcript,
    phrases: PhraseSet,
    *,
    measures: AudioMeasures | None = None,
    facts: CallFacts | None = None,
) -> dict[str, RuleOutcome]:
    """Return what every rule found, by rule id. A trigger is met when its words are said."""
    case = Case(transcript, phrases, measures, facts or CallFacts())
    outcomes: dict[str, RuleOutcome] = {}
    for rule in phrases.in_order:
        try:
            outcomes[rule.id] = _not_in_effect(case, rule) or _check(case, rule, outcomes)
        except PatternTooSlow as error:
            values: dict[str, object] = {"pattern": error.pattern[:80]}
            finding = case.finding(rule.id, _kind(rule), Answer.CANNOT_TELL, "pattern_too_slow", values=values)
            outcomes[rule.id] = RuleOutcome(rule.id, (finding,))
    return outcomes


def _kind(rule: Rule) -> str:
    """Return the kind of finding that a rule gives first of all."""
    match rule:
        case Forbidden():
            return "hit"
        case Trigger():
            return "trigger"
        case Acoustic():
            return {"overlap": "interruption"}.get(rule.measure, rule.measure)
        case Required() if rule.at_least is not None:
            return "too_few"
        case Check() | Flow():
            return kind_of(rule)
    return "missing"


def _not_in_effect(case: Case, rule: Rule) -> RuleOutcome | None:
    day = case.facts.day
    effective = None if isinstance(rule, Trigger) else rule.effective
    if day is None or effective is None or effective.covers(day):
        return None
    values: dict[str, object] = {"day": day.isoformat()}
    finding = case.finding(rule.id, _kind(rule), Answer.NOT_APPLICABLE, NOT_IN_EFFECT, values=values)
    return RuleOutcome(rule.id, (finding,))


def _check(case: Case, rule: Rule, outcomes: Mapping[str, RuleOutcome]) -> RuleOutcome:
    match rule:
        case Required():
            return check_required(case, rule, outcomes)
        case Conditional():
            return check_conditional(case, rule, outcomes)
        case Forbidden():
            return check_forbidden(case, rule)
        case Acoustic():
            return check_acoustic(case, rule, outcomes)
        case Trigger():
            return _check_trigger(case, rule)
        case Check():
            return examine(case, rule, outcomes)
        case Flow():
            return follow(case, rule, outcomes)


def _check_trigger(case: Case, rule: Trigger) -> RuleOutcome:
    moments = trigger_moments(case, rule)
    values: dict[str, object] = {"anchor": rule.id}
    if not moments:
        absent = case.finding(rule.id, "trigger", Answer.NOT_MET, "anchor_absent", values=values)
        return RuleOutcome(rule.id, (absent,))
    doubt = case.role_doubt(rule.role)
    answer = Answer.CANNOT_TELL if doubt else Answer.MET
    start = moments[0].start if case.timed else None
    found = case.finding(rule.id, "trigger", answer, doubt or "anchor_found", values=values, start=start)
    return RuleOutcome(rule.id, (found,))
