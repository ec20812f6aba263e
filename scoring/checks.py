"""Whether a check or a flow holds in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from scoring.anchors import trigger_moments
from scoring.case import Case
from scoring.check_models import Check, CheckCondition, Flow, Operator
from scoring.entries import PatternTooSlow
from scoring.expressions import And, Expression, Name, Not, Or, parse
from scoring.found import Found, Hit
from scoring.marks import Answer
from scoring.outcome import NOT_IN_EFFECT, Finding, RuleOutcome
from scoring.phrase_set import Acoustic, Forbidden, Rule, Trigger
from scoring.places import Place, place_of
from scoring.sound_operators import (
    call_field,
    duration,
    hangup_gap,
    interruption,
    loudness,
    pickup_gap,
    response_time,
    silence,
    speech_rate,
    turn_count,
)  # fmt: skip
from scoring.word_operators import (
    Look,
    any_of_phrases,
    conjunction_of,
    disjunction_of,
    entity,
    joined_operators,
    matches_pattern,
    near,
    none_of,
    opposite,
    read_back,
    repeated,
    reply,
    several,
    similar,
    speaks,
)  # fmt: skip

T = TypeVar("T")
Outcomes = Mapping[str, RuleOutcome]
# Why a condition is false that never had its chance: what it hangs on did not happen.
IDLE = frozenset({"anchor_absent", "no_value_given"})
MOST_HITS = 50  # findings of one check

_FINDERS: Mapping[str, Callable[[Look, Operator], Found]] = {
    "any": lambda look, one: any_of_phrases(look, one, one.any or ()),
    "all": lambda look, one: several(look, one, one.all or (), len(one.all or ())),
    "n_of": lambda look, one: several(look, one, one.n_of or (), int(one.at_least or 1)),
    "none": lambda look, one: none_of(look, one, one.none or ()),
    "similar": similar,
    "regex": matches_pattern,
    "repeated": lambda look, one: repeated(look, _given(one.repeated)),
    "read_back": lambda look, one: read_back(look, one.read_back or ""),
    "entity": lambda look, one: entity(look, one.entity or ""),
    "near": lambda look, one: near(look, _given(one.near)),
    "reply": reply,
    "speaks": lambda look, one: speaks(look),
    "silence": lambda look, one: silence(look, _given(one.silence)),
    "response_time": lambda look, one: response_time(look, _given(one.response_time)),
    "speech_rate": lambda look, one: speech_rate(look, _given(one.speech_rate)),
    "interruption": lambda look, one: interruption(look, _given(one.interruption)),
    "loudness": lambda look, one: loudness(look, _given(one.loudness)),
    "pickup_gap": lambda look, one: pickup_gap(look, _given(one.pickup_gap)),
    "hangup_gap": lambda look, one: hangup_gap(look, _given(one.hangup_gap)),
    "duration": lambda look, one: duration(look, _given(one.duration)),
    "turns": lambda look, one: turn_count(look, _given(one.turns).over, _given(one.turns).under),
    "field": lambda look, one: call_field(look, _given(one.field)),
}


def _given(value: T | None) -> T:
    assert value is not None  # the operator's kind says so
    return value


def find(look: Look, operator: Operator) -> Found:
    """Return what one operator finds where it looks."""
    if operator.inner:
        return joined_operators(look, operator, find)
    return _FINDERS[operator.kind](look, operator)


@dataclass
class Examination:
    """One rule before one call: what its conditions and the rules that it names found, each looked for once."""

    case: Case
    rule: Check | Flow
    outcomes: Outcomes
    limits: dict[str, Place | None] = field(default_factory=dict)  # where a flow's step may lie
    known: dict[str, Found] = field(default_factory=dict)

    def found(self, name: str) -> Found:
        """Return what a condition, a step or another rule found."""
        if name not in self.known:
            conditions = self.rule.everything()
            if name in conditions:
                self.known[name] = self.look_for(name, conditions[name], self.limits.get(name))
            else:
                self.known[name] = _of_rule(self.case, self.case.phrases.by_id[name], self.outcomes[name])
        return self.known[name]

    def look_for(self, name: str, condition: CheckCondition, limit: Place | None = None) -> Found:
        """Return what a condition finds where it looks."""
        try:
            return self._look_for(name, condition, limit)
        except PatternTooSlow as error:
            return Found(None, "pattern_too_slow", values={"pattern": error.pattern[:80]})

    def _look_for(self, name: str, condition: CheckCondition, limit: Place | None) -> Found:
        anchor = None
        if condition.anchor:
            anchor = self.found(condition.anchor[1])
            if anchor.value is False and not condition.outside:
                return Found(False, "anchor_absent", values={"anchor": condition.anchor[1]})
            if anchor.value is False:
                anchor = None
        role = condition.speaker
        look = Look(
            self.case, role, Place(), isinstance(self.rule, Check) and name in self.rule.faults,
            name in self.rule.complete, self.found,
        )  # fmt: skip
        if condition.outside and condition.anchor and anchor is None:
            places = [limit or Place()]  # outside of what did not happen is everywhere
        else:
            places = place_of(self.case, condition, anchor, limit)
        founds = [self._at(replace(look, place=place), condition) for place in places]
        return founds[0] if len(founds) == 1 else _at_each(founds)

    def _at(self, look: Look, condition: CheckCondition) -> Found:
        if not look.place.empty or condition.inner or condition.kind == "none":
            found = find(look, condition)
        else:
            found = Found(False, "no_turn_there" if condition.within_turns else "place_empty")
        return _starting_turns(look, found) if condition.starts_turn else found

    def judged(self, expression: Expression) -> Found:
        """Return what an expression comes to, with the evidence that decides it."""
        match expression:
            case Name(name):
                return self.found(name)
            case Not(inner):
                return opposite(self.judged(inner))
            case And(parts):
                return conjunction_of(self._until_false(parts))
            case Or(parts):
                return disjunction_of([self.judged(part) for part in parts])

    def _until_false(self, parts: tuple[Expression, ...]) -> list[Found]:
        founds: list[Found] = []
        for part in parts:
            founds.append(self.judged(part))
            if founds[-1].value is False:
                break
        return founds


def _at_each(founds: list[Found]) -> Found:
    """Return whether a condition holds at each of several places; the evidence is that of the place that decides."""
    result = conjunction_of(founds)
    if result.value is True:
        hits = tuple(sorted((hit for found in founds for hit in found.hits), key=lambda hit: hit.start))
        return replace(result, hits=hits)
    return result


def _starting_turns(look: Look, found: Found) -> Found:
    """Return what is left when only hits count that begin a turn."""
    hits = []
    for hit in found.hits:
        side = look.case.spoken.side(hit.speaker) if hit.speaker else None
        if side is None or hit.turn is None:
            continue
        first, _ = side.in_turns(hit.turn, hit.turn)
        if side.moment(first, first + 1)[0] >= hit.start - 1e-6:
            hits.append(hit)
    if any(hit.certain for hit in hits):
        return replace(found, value=True, hits=tuple(hits))
    if hits:
        return replace(found, value=None, reason=hits[0].doubt or "unsure", hits=tuple(hits))
    return found if found.value is None and not found.hits else Found(False, "not_at_turn_start", values=found.values)


# Other rules, as conditions.


def _of_rule(case: Case, rule: Rule, outcome: RuleOutcome) -> Found:
    """Return what another rule found: of one that forbids whether there was a hit, else whether it was met."""
    values = {"anchor": rule.id}
    if isinstance(rule, Trigger):
        hits = tuple(Hit(m.start, m.end, m.turn, m.speaker) for m in trigger_moments(case, rule))
        if doubt := case.role_doubt(rule.role):
            return Found(None if hits else False, doubt, tuple(hit.doubted(doubt) for hit in hits), values)
        if not hits and (unheard := case.absence_doubt(case.whole(rule.role))):
            return Found(None, unheard[0], values=unheard[1])
        return Found(bool(hits), "anchor_found" if hits else "anchor_absent", hits, values)
    if not outcome.in_effect:  # whether it would have been met is not known
        return Found(None, NOT_IN_EFFECT, values={**outcome.findings[0].evidence.values, **values})
    forbids = isinstance(rule, Forbidden | Acoustic) or (isinstance(rule, Check) and rule.forbid is not None)
    wanted = Answer.NOT_MET if forbids else Answer.MET
    hits = tuple(
        hit
        for finding in outcome.findings
        if finding.verdict in (wanted, Answer.CANNOT_TELL) and (hit := _hit_of(case, finding, wanted)) is not None
    )
    if outcome.verdict is Answer.CANNOT_TELL:
        why = next(f.evidence for f in outcome.findings if f.verdict is Answer.CANNOT_TELL)
        doubted = tuple(hit.doubted("anchor_unsure") for hit in hits)
        return Found(None, why.reason, doubted, {**why.values, **values})
    holds = outcome.verdict is wanted
    return Found(holds, "anchor_found" if holds else "anchor_absent", hits if holds else (), values)


def _hit_of(case: Case, finding: Finding, wanted: Answer) -> Hit | None:
    evidence = finding.evidence
    if evidence.start is None and evidence.turn is None:
        return None
    start = evidence.start if evidence.start is not None else float(evidence.turn or 0)
    end = evidence.end if evidence.end is not None else start if case.timed else start + 0.9
    hit = Hit(start, end, evidence.turn, evidence.speaker, evidence.text, evidence.wording, evidence.probability)
    return hit if finding.verdict is wanted else hit.doubted("anchor_unsure")


# The verdict on a check.


def examine(case: Case, rule: Check, outcomes: Outcomes) -> RuleOutcome:
    """Return whether a check is met in the call."""
    examination = Examination(case, rule, outcomes)
    applies, expect_or_forbid, unless = _expressions(rule)
    if applies is not None and (idle := _unless_it_applies(examination, applies)):
        return RuleOutcome(rule.id, (idle,))
    found = examination.judged(expect_or_forbid)
    verdict = Verdict(examination, found)
    findings = verdict.forbidden() if rule.forbid is not None else [verdict.expected()]
    failed = [finding for finding in findings if finding.verdict in (Answer.NOT_MET, Answer.CANNOT_TELL)]
    if failed and unless is not None:
        findings = _excused(examination, unless, findings)
    needs_person = rule.needs_person and any(f.verdict is Answer.NOT_MET for f in findings)
    return RuleOutcome(rule.id, tuple(findings), needs_person)


def _expressions(rule: Check) -> tuple[Expression | None, Expression, Expression | None]:
    applies = parse(rule.applies) if rule.applies is not None else None
    return applies, rule.goal, parse(rule.unless) if rule.unless is not None else None


def kind_of(rule: Check | Flow) -> str:
    """Return the kind of finding that a check gives."""
    return "hit" if isinstance(rule, Check) and rule.forbid is not None else "missing"


def _unless_it_applies(examination: Examination, expression: Expression) -> Finding | None:
    case, rule = examination.case, examination.rule
    applies = examination.judged(expression)
    if applies.value is True:
        return None
    if applies.value is None:
        return shown(case, rule.id, kind_of(rule), Answer.CANNOT_TELL, applies)
    return shown(case, rule.id, kind_of(rule), Answer.NOT_APPLICABLE, applies, reason="does_not_apply")


def _excused(examination: Examination, unless: Expression, findings: list[Finding]) -> list[Finding]:
    """Return the findings of a check that failed, or may have, as its exception leaves them."""
    case, rule = examination.case, examination.rule
    excuse = examination.judged(unless)
    if excuse.value is False:
        return findings
    if excuse.value is None:
        return [
            shown(case, rule.id, kind_of(rule), Answer.CANNOT_TELL, excuse, reason="excuse_unsure")
            if finding.verdict is Answer.NOT_MET
            else finding
            for finding in findings
        ]
    answer = Answer.MET if kind_of(rule) == "hit" else Answer.NOT_APPLICABLE
    return [shown(case, rule.id, kind_of(rule), answer, excuse, reason="excused")]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an expression that was found means for the check."""

    examination: Examination
    found: Found

    def expected(self) -> Finding:
        """Return the finding of what had to hold."""
        case, rule, found = self.examination.case, self.examination.rule, self.found
        values: dict[str, object] = {}
        if found.value is True and len(found.certain) > 1:
            values["count"] = len(found.certain)
        if found.value is False and found.reason in IDLE:
            return shown(case, rule.id, "missing", Answer.NOT_APPLICABLE, found)
        if found.value is False and found.reason == "no_turn_there":
            return shown(case, rule.id, "missing", Answer.CANNOT_TELL, found, reason="no_turn_after")
        return shown(case, rule.id, "missing", ANSWERS[found.value], found, values=values)

    def forbidden(self) -> list[Finding]:
        """Return a finding for each hit of what must not hold, or that there is none."""
        case, rule, found = self.examination.case, self.examination.rule, self.found
        if found.value is False:
            return [shown(case, rule.id, "hit", Answer.MET, Found(False, "nothing_forbidden"))]
        hits = found.hits if found.value is True else found.doubtful
        if not hits:
            return [shown(case, rule.id, "hit", OPPOSITE[found.value], found)]
        return [self._hit(hit) for hit in hits[:MOST_HITS]]

    def _hit(self, hit: Hit) -> Finding:
        case, rule, found = self.examination.case, self.examination.rule, self.found
        answer = Answer.CANNOT_TELL if hit.doubt or found.value is None else Answer.NOT_MET
        said = (hit.reason or found.reason) == "said"
        reason = hit.doubt or ("forbidden_said" if said and answer is Answer.NOT_MET else hit.reason or found.reason)
        values = {**found.values, **hit.values, "severity": rule.severity}
        return hit_finding(case, rule.id, "hit", answer, reason, hit, values)


ANSWERS = {True: Answer.MET, False: Answer.NOT_MET, None: Answer.CANNOT_TELL}
OPPOSITE = {True: Answer.NOT_MET, False: Answer.MET, None: Answer.CANNOT_TELL}


def shown(
    case: Case,
    rule: str,
    kind: str,
    answer: Answer,
    found: Found,
    *,
    reason: str | None = None,
    part: str | None = None,
    values: Mapping[str, object] | None = None,
) -> Finding:
    """Return a finding with the first hit as its evidence, else with what came nearest."""
    hits = found.certain or found.hits
    said = {**found.values, **(values or {}), **({"why": found.reason} if reason else {})}
    if hits:
        return hit_finding(case, rule, kind, answer, reason or found.reason, hits[0], {**said, **hits[0].values}, part)
    finding = case.finding(rule, kind, answer, reason or found.reason, part=part, match=found.nearest, values=said)
    return _timeless(case, finding)


def hit_finding(
    case: Case,
    rule: str,
    kind: str,
    answer: Answer,
    reason: str,
    hit: Hit,
    values: Mapping[str, object],
    part: str | None = None,
) -> Finding:
    """Return a finding with a hit as its evidence."""
    return _timeless(case, case.finding(rule, kind, answer, reason, part=part, match=hit, values=values))


def _timeless(case: Case, finding: Finding) -> Finding:
    """Return a finding without the turn numbers that stand for times in a transcript without times."""
    if case.timed:
        return finding
    return replace(finding, evidence=replace(finding.evidence, start=None, end=None))
