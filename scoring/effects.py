"""What checks and flows add to an item of a scorecard or take off it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scoring.check_models import Check, Effect, Flow
from scoring.marks import Answer
from scoring.outcome import Finding, RuleOutcome
from scoring.phrase_set import PhraseSet, Rule


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one check or step, signed; `least` and `most` differ when something cannot be told."""

    name: str  # the check's id, or FLOW/step
    least: float
    most: float


def has_effects(rules: Iterable[str], phrases: PhraseSet) -> bool:
    """Whether all of these rules are checks with an effect or flows with points."""
    known = [phrases.by_id.get(rule) for rule in rules]
    return bool(known) and all(rule is not None and any(True for _ in _effects(rule)) for rule in known)


def named_effects(rules: Iterable[str], phrases: PhraseSet) -> Iterator[tuple[str, float]]:
    """Yield (name, points of one hit) of every effect of these rules."""
    for rule in rules:
        for name, _, effect in _effects(phrases.by_id[rule]):
            yield name, effect.points


def effects_of(rule: Rule, outcome: RuleOutcome) -> list[Points]:
    """Return the points of a rule's findings; none where it does not apply."""
    found = []
    for name, part, effect in _effects(rule):
        findings = [
            finding
            for finding in outcome.findings
            if finding.verdict is not Answer.NOT_APPLICABLE and (part is None or finding.part == part)
        ]
        if findings:
            found.append(_points(name, effect, findings))
    return found


def _effects(rule: Rule) -> Iterator[tuple[str, str | None, Effect]]:
    if isinstance(rule, Check) and rule.effect is not None:
        yield rule.id, None, rule.effect
    elif isinstance(rule, Flow):
        for step in rule.steps:
            if step.points:
                yield f"{rule.id}/{step.id}", step.id, Effect(points=step.points)


def _points(name: str, effect: Effect, findings: list[Finding]) -> Points:
    counted = Answer.NOT_MET if effect.points < 0 else Answer.MET
    sure = sum(_times(finding) for finding in findings if finding.verdict is counted)
    open_ones = sum(finding.verdict is Answer.CANNOT_TELL for finding in findings)
    amounts = effect.amount(sure), effect.amount(sure + open_ones)
    return Points(name, min(amounts), max(amounts))


def _times(finding: Finding) -> int:
    """Return how often what was expected was found; a finding of anything else is one."""
    return int(finding.evidence.values.get("count", 1)) if finding.verdict is Answer.MET else 1
