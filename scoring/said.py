"""Words that must be said in a window of the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scoring.alignment import DOUBTFUL_WORD
from scoring.anchors import farewell_said, last_turns
from scoring.case import GRACE_S, Case, Range
from scoring.entries import occurrences
from scoring.marks import Answer
from scoring.outcome import Finding, RuleOutcome
from scoring.phrase_set import Required, Said, Window
from scoring.phrases import PhraseMatch
from transcription.transcript import AGENT, CUSTOMER

LATE_FACTOR = 3  # up to this many times the window an opening counts as late, beyond it as missing
UNTIMED_OPENING = {True: 2.0, False: 1.5}  # characters (words) a second that even slow speech reaches
TIME_TO_CLOSE_S = 3.0  # of silence at the end in which an agent could have said goodbye

MANY_DOUBTFUL = 0.2  # share of words that the recogniser doubts: short words among them may be those counted

Outcomes = Mapping[str, RuleOutcome]


def check_required(case: Case, rule: Required, outcomes: Outcomes) -> RuleOutcome:
    """Check words that must be said in a window of the call; every part on its own."""
    if skipped := not_applicable(case, rule.id, rule.na_if):
        return skipped
    if rule.at_least is not None:
        return RuleOutcome(rule.id, (_counted(case, rule),))
    findings = [part_in_window(case, rule, rule.window, part, sources) for part, sources in rule.parts.items()]
    findings = [unless_part_na(case, rule, finding) for finding in findings]
    if rule.order_after:
        findings += _order(case, rule.id, rule.order_after, findings, outcomes)
    return RuleOutcome(rule.id, tuple(findings))


def not_applicable(case: Case, rule: str, fact: str | None) -> RuleOutcome | None:
    """Return the outcome when a fact makes the rule not apply, or leaves open whether it does; else None."""
    if fact and (value := case.flag(fact)) is not False:
        answer = Answer.NOT_APPLICABLE if value else Answer.CANNOT_TELL
        reason = "fact_says_na" if value else "fact_missing"
        return RuleOutcome(rule, (case.finding(rule, "missing", answer, reason, values={"fact": fact}),))
    return None


def unless_part_na(case: Case, rule: Said, finding: Finding) -> Finding:
    """Return the finding of a part, not applicable if a fact says so."""
    fact = rule.part_na_if.get(finding.part or "")
    if not fact or finding.verdict is Answer.MET or (value := case.flag(fact)) is False:
        return finding
    answer = Answer.NOT_APPLICABLE if value else Answer.CANNOT_TELL
    evidence = replace(
        finding.evidence,
        verdict=answer.value,
        reason="fact_says_na" if value else "fact_missing",
        values={"fact": fact},
    )
    return replace(finding, verdict=answer, evidence=evidence)


def part_in_window(
    case: Case,
    rule: Said,
    window: Window | str,
    part: str,
    sources: Sequence[str],
) -> Finding:
    """Return whether one part was said in a window of the call, and if late, how late."""
    if isinstance(window, Window) and window.start_s is not None:
        return _part_at_start(case, rule, window.start_s, part, sources)
    turns = window.end_turns if isinstance(window, Window) else None
    ranges = [last_turns(case, side, turns) if turns else Range(side, 0, len(side)) for side in case.sides(rule.role)]
    limits: dict[str, object] = {"turns": turns} if turns else {}
    match = case.search(sources, ranges, latest=bool(turns))
    finding = judged(case, rule, part, sources, match, ranges, limits)
    if turns and finding.verdict is Answer.NOT_MET and _may_be_cut_off(case):
        return doubted(finding, "customer_spoke_last")
    return finding


def _may_be_cut_off(case: Case) -> bool:
    """Whether the customer may have hung up before the agent could close: their words are the last, nobody knows
    who hung up, and the recording ends right after them."""
    last = case.spoken.stretches[-1] if case.spoken.stretches else None
    if last is None or last.speaker != CUSTOMER or case.agent_hung_up or farewell_said(case):
        return False
    return not case.timed or case.transcript.duration - last.end < TIME_TO_CLOSE_S


def doubted(finding: Finding, reason: str) -> Finding:
    """Return the finding as one that cannot be told, for `reason`."""
    evidence = replace(finding.evidence, verdict=Answer.CANNOT_TELL.value, reason=reason)
    return replace(finding, verdict=Answer.CANNOT_TELL, evidence=evidence)


def _part_at_start(case: Case, rule: Said, seconds: float, part: str, sources: Sequence[str]) -> Finding:
    limits: dict[str, object] = {"seconds": seconds}
    if not case.timed:
        return _part_at_untimed_start(case, rule, seconds, part, sources)
    begin = case.first_agent_word if rule.role == AGENT and not case.role_doubt(rule.role) else 0.0
    begin = begin or 0.0
    end = begin + seconds
    sides = case.sides(rule.role)
    ranges = [Range(side, *side.between_times(0.0, end + GRACE_S), begin, end) for side in sides]
    match = case.search(sources, ranges)
    finding = judged(case, rule, part, sources, match, ranges, limits)
    if finding.verdict is not Answer.NOT_MET:
        return finding
    later = [Range(side, *side.between_times(end + GRACE_S, begin + LATE_FACTOR * seconds), end) for side in sides]
    late = case.search(sources, later)
    if late is None or late.verdict != "said" or late.turn is None:
        return finding
    if not case.transcript.turns[late.turn].words and case.transcript.turns[late.turn].start <= end:
        # The turn began in time; without word times it is unknown when these words came.
        return case.finding(rule.id, "late", Answer.CANNOT_TELL, "time_uncertain", part=part, match=late, values=limits)
    return case.finding(rule.id, "late", Answer.NOT_MET, "said_late", part=part, match=late, values=limits)


def _part_at_untimed_start(case: Case, rule: Said, seconds: float, part: str, sources: Sequence[str]) -> Finding:
    """Without times only the first words of the first turn are surely within the first seconds."""
    ranges = []
    for side in case.sides(rule.role):
        surely = int(seconds * UNTIMED_OPENING[case.phrases.normaliser.chinese])
        first_turn = side.in_turns(side.turns[0], side.turns[0])[1] if len(side) else 0
        ranges.append(Range(side, 0, min(first_turn, surely)))
    match = case.search(sources, ranges)
    values: dict[str, object] = {"seconds": seconds}
    if match and match.verdict == "said" and not case.role_doubt(rule.role):
        return case.finding(rule.id, "missing", Answer.MET, "said", part=part, match=match, values=values)
    return case.finding(rule.id, "missing", Answer.CANNOT_TELL, "no_times", part=part, match=match, values=values)


def judged(
    case: Case,
    rule: Said,
    part: str,
    sources: Sequence[str],
    match: PhraseMatch | None,
    ranges: Sequence[Range],
    limits: Mapping[str, object],
) -> Finding:
    """Return the verdict on one part: said, not said, or cannot tell and why."""
    answer, reason, more = _verdict(case, rule.role, sources, match, ranges)
    values: dict[str, object] = {**limits, **_searched(ranges), **more}
    return case.finding(rule.id, "missing", answer, reason, part=part, match=match, values=values)


def _verdict(
    case: Case, role: str, sources: Sequence[str], match: PhraseMatch | None, ranges: Sequence[Range]
) -> tuple[Answer, str, dict[str, object]]:
    doubt = case.role_doubt(role)
    if match and match.verdict == "said":
        if doubt == "sides_may_be_swapped" or (doubt and not case.tells_speaker(match)):
            return Answer.CANNOT_TELL, doubt, {}
        return Answer.MET, "said", {}
    if case.needs_names(sources):
        return Answer.CANNOT_TELL, "names_missing", {}
    if doubt:
        return Answer.CANNOT_TELL, doubt, {}
    if match and match.verdict == "unsure":
        return Answer.CANNOT_TELL, "unsure", {}
    if absence := case.absence_doubt(ranges):
        return Answer.CANNOT_TELL, *absence
    return Answer.NOT_MET, "not_said", {}


def _searched(ranges: Sequence[Range]) -> dict[str, object]:
    """Return what was searched, for the evidence of an absence."""
    starts = [where.start for where in ranges if where.start is not None]
    ends = [where.end for where in ranges if where.end is not None]
    searched: dict[str, object] = {"words": sum(max(0, where.high - where.low) for where in ranges)}
    if starts and ends:
        searched |= {"from": round(min(starts), 1), "to": round(max(ends), 1)}
    return searched


def _counted(case: Case, rule: Required) -> Finding:
    """Count every hit of every wording; words inside another hit count once."""
    assert rule.at_least is not None
    taken: set[tuple[str, int]] = set()
    count = 0
    first: PhraseMatch | None = None
    sources = [source for group in rule.parts.values() for source in group]
    sides = case.sides(rule.role)
    for side in sides:
        for entry in sorted(case.entries(sources), key=lambda entry: -len(entry.words)):
            for low, high in occurrences(entry, side):
                units = {(side.speaker, unit) for unit in range(low, high)}
                if not units & taken:
                    taken |= units
                    count += 1
    if count:
        first = case.search(sources, [Range(side, 0, len(side)) for side in sides])
    values: dict[str, object] = {"count": count, "least": rule.at_least}
    if doubt := case.role_doubt(rule.role):
        return case.finding(rule.id, "too_few", Answer.CANNOT_TELL, doubt, match=first, values=values)
    if count >= rule.at_least:
        return case.finding(rule.id, "too_few", Answer.MET, "count_reached", match=first, values=values)
    if absence := case.absence_doubt([Range(side, 0, len(side)) for side in sides]):
        return case.finding(rule.id, "too_few", Answer.CANNOT_TELL, absence[0], values={**values, **absence[1]})
    if any(side.doubtful_share(DOUBTFUL_WORD) > MANY_DOUBTFUL for side in sides):
        return case.finding(rule.id, "too_few", Answer.CANNOT_TELL, "many_doubtful", match=first, values=values)
    kind = "too_few" if count else "none"
    return case.finding(rule.id, kind, Answer.NOT_MET, "count_too_small", match=first, values=values)


def _order(case: Case, rule: str, earlier: str, findings: Sequence[Finding], outcomes: Outcomes) -> list[Finding]:
    """Return whether what was found comes after the earlier rule; nothing when either is missing."""
    before = position(outcomes[earlier].findings)
    mine = position(findings)
    if before is None or mine is None:
        return []
    in_order = mine >= before
    return [
        case.finding(
            rule,
            "order",
            Answer.MET if in_order else Answer.NOT_MET,
            "in_order" if in_order else "wrong_order",
            values={"after": earlier},
            start=mine if case.timed else None,
        )
    ]


def position(findings: Sequence[Finding]) -> float | None:
    """Return when the last met part was said: seconds, or the turn number without times."""
    places = [
        finding.evidence.start if finding.evidence.start is not None else finding.evidence.turn
        for finding in findings
        if finding.verdict is Answer.MET and finding.kind == "missing"
    ]
    return max((float(place) for place in places if place is not None), default=None)
