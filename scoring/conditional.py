"""Words that must be said before or after an anchor, if the anchor occurs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scoring.anchors import Anchored, anchored, around, merged
from scoring.case import GRACE_S, Case, Range
from scoring.entries import occurrences
from scoring.marks import Answer
from scoring.outcome import Finding, RuleOutcome
from scoring.phrase_set import Conditional, Reply
from scoring.said import Outcomes, doubted, judged, not_applicable, part_in_window, position, unless_part_na
from scoring.tokens import TOKENS, Moment

UNTIMED_TURNS = 2  # without times, words within this many turns of the anchor count as in time


def check_conditional(case: Case, rule: Conditional, outcomes: Outcomes) -> RuleOutcome:
    """Check words that must be said around an anchor, if the anchor occurs."""
    if skipped := not_applicable(case, rule.id, rule.na_if):
        return skipped
    if rule.anchor is None:
        findings = [part_in_window(case, rule, rule.window, part, s) for part, s in rule.parts.items()]
        return RuleOutcome(rule.id, tuple(unless_part_na(case, rule, finding) for finding in findings))
    where = anchored(case, rule.anchor, outcomes.get(rule.anchor.rule or ""))
    if where.verdict is Answer.CANNOT_TELL and where.likely:
        return _if_it_was_a_hold(case, rule, where, outcomes)
    if where.verdict is not Answer.MET:
        answer = where.verdict
        return RuleOutcome(rule.id, (case.finding(rule.id, "missing", answer, where.reason, values=where.values),))
    return RuleOutcome(rule.id, tuple(_around_anchor(case, rule, where.moments, outcomes)))


def _if_it_was_a_hold(case: Case, rule: Conditional, where: Anchored, outcomes: Outcomes) -> RuleOutcome:
    """Judge a long silence as if it were a hold: all said is met either way, anything else cannot be told."""
    findings = _around_anchor(case, rule, where.likely, outcomes)
    if all(finding.verdict is Answer.MET for finding in findings):
        return RuleOutcome(rule.id, tuple(findings))
    unknown = case.finding(rule.id, "missing", Answer.CANNOT_TELL, where.reason, values=where.values)
    return RuleOutcome(rule.id, (unknown,))


def _around_anchor(case: Case, rule: Conditional, moments: Sequence[Moment], outcomes: Outcomes) -> list[Finding]:
    """Return the findings at the anchor: at each event; before the first hit; after any hit of a rule."""
    assert rule.anchor is not None
    if rule.anchor.event is not None:
        groups = [[moment] for moment in moments]
    elif rule.anchor.side == "before":
        groups = [list(moments[:1])]
    else:
        groups = [list(moments)]
    findings: list[Finding] = []
    for group in groups:
        findings += _at_moments(case, rule, group, outcomes)
    return findings


def _at_moments(case: Case, rule: Conditional, moments: Sequence[Moment], outcomes: Outcomes) -> list[Finding]:
    assert rule.anchor is not None
    ranges = [around(case, rule.anchor, moment, side) for side in case.sides(rule.role) for moment in moments]
    ranges = merged(ranges) or ranges[:1]
    not_before = position(outcomes[rule.after].findings) if rule.after else None
    findings = []
    for part, sources in rule.parts.items():
        finding = _anchored_part(case, rule, part, sources, ranges, moments)
        later = [] if not_before is None else [_since_time(where, not_before) for where in ranges]
        if later and _only_by_sound(case, sources, ranges, finding):
            # Words before the rule that must come first cannot be what was asked for, however they sounded.
            finding = _anchored_part(case, rule, part, sources, later, moments)
        findings.append(unless_part_na(case, rule, finding))
        if later:
            findings += _after_rule(case, rule, finding, sources, later)
    if rule.reply:
        findings.append(_reply(case, rule, rule.reply, findings))
    return findings


def _only_by_sound(case: Case, sources: Sequence[str], ranges: Sequence[Range], finding: Finding) -> bool:
    """Whether what was found is not there word for word."""
    if finding.evidence.reason not in ("said", "unsure"):
        return False
    entries = case.entries(source for source in sources if source not in TOKENS)
    return not any(
        True for entry in entries for where in ranges for _ in occurrences(entry, where.side, where.low, where.high)
    )


def _anchored_part(
    case: Case,
    rule: Conditional,
    part: str,
    sources: Sequence[str],
    ranges: Sequence[Range],
    moments: Sequence[Moment],
) -> Finding:
    tokens = [TOKENS[source] for source in sources if source in TOKENS]
    for token in tokens:
        spot = token(case, ranges, moments)
        if spot.verdict is Answer.MET or len(tokens) == len(sources):
            return case.finding(
                rule.id, "missing", spot.verdict, spot.reason, part=part, match=spot.match, values=spot.values
            )
    words = [source for source in sources if source not in TOKENS]
    match = case.search(words, ranges)
    limits = _anchor_limits(rule)
    if case.timed:
        limits["at"] = round(moments[0].start, 1)
    finding = judged(case, rule, part, words, match, ranges, limits)
    if case.timed or finding.verdict is Answer.CANNOT_TELL or rule.anchor is None or rule.anchor.within_turns:
        return _with_turns_to_speak(case, rule, finding, ranges)
    if finding.verdict is Answer.MET and finding.evidence.turn is not None:
        near = min(abs(finding.evidence.turn - moment.start) for moment in moments)
        if near <= 2 * UNTIMED_TURNS:
            return finding
    return case.finding(rule.id, "missing", Answer.CANNOT_TELL, "no_times", part=part, match=match)


def _with_turns_to_speak(case: Case, rule: Conditional, finding: Finding, ranges: Sequence[Range]) -> Finding:
    """Nobody who had no more turn after the anchor can be blamed for not saying it."""
    after = rule.anchor is not None and rule.anchor.side == "after" and rule.anchor.within_turns is not None
    if after and finding.verdict is Answer.NOT_MET and all(where.empty for where in ranges):
        return doubted(finding, "no_turn_after")
    return finding


def _anchor_limits(rule: Conditional) -> dict[str, object]:
    if rule.anchor is None:
        return {}
    limits: dict[str, object] = {"anchor": rule.anchor.rule or rule.anchor.event, "side": rule.anchor.side}
    if rule.anchor.within_s is not None:
        limits["seconds"] = rule.anchor.within_s
    else:
        limits["turns"] = rule.anchor.within_turns
    return limits


def _since_time(where: Range, moment: float) -> Range:
    """Return what of a range begins at `moment` or later."""
    start = None if where.start is None else max(where.start, moment)
    return replace(where, low=max(where.low, where.side.between_times(moment, moment)[0]), start=start)


def _after_rule(
    case: Case,
    rule: Conditional,
    finding: Finding,
    sources: Sequence[str],
    later: Sequence[Range],
) -> list[Finding]:
    """Return whether a part that was said was (also) said `later`, after the rule that must come first."""
    if finding.verdict is not Answer.MET or rule.after is None:
        return []
    match = case.search([source for source in sources if source not in TOKENS], later)
    said = match is not None and match.verdict == "said"
    doubtful = match is not None and match.verdict == "unsure"
    answer = Answer.MET if said else Answer.CANNOT_TELL if doubtful else Answer.NOT_MET
    reason = "in_order" if said else "unsure" if doubtful else "wrong_order"
    return [case.finding(rule.id, "order", answer, reason, match=match, values={"after": rule.after})]


def _reply(case: Case, rule: Conditional, reply: Reply, findings: Sequence[Finding]) -> Finding:
    """Return whether the other side answered what was asked; recognisers drop short answers, so never not met."""
    asked = [
        f.evidence for f in findings if f.verdict is Answer.MET and f.kind == "missing" and f.evidence.turn is not None
    ]
    if not asked:
        return case.finding(rule.id, "reply", Answer.NOT_APPLICABLE, "nothing_asked")
    if doubt := case.role_doubt(reply.role):
        return case.finding(rule.id, "reply", Answer.CANNOT_TELL, doubt)
    last = max(asked, key=lambda evidence: evidence.turn or 0)
    side = case.spoken.side(reply.role)
    begin = last.end if case.timed and last.end is not None else float(last.turn or 0)
    reach = reply.within_s if case.timed else UNTIMED_TURNS
    where = Range(side, *side.between_times(begin - GRACE_S, begin + reach), begin, begin + reach)
    for source in reply.any:
        if source in TOKENS and (spot := TOKENS[source](case, [where], ())).verdict is Answer.MET:
            return case.finding(
                rule.id, "reply", Answer.MET, spot.reason, match=spot.match, values=spot.values, start=begin
            )
    full = side.unstripped
    span = Range(full, *full.between_times(begin - GRACE_S, begin + reach))
    match = case.search([source for source in reply.any if source not in TOKENS], [span])
    if match and match.verdict == "said":
        return case.finding(rule.id, "reply", Answer.MET, "said", match=match)
    return case.finding(rule.id, "reply", Answer.CANNOT_TELL, "reply_unclear", match=match)
