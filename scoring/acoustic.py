"""Rules about the sound of the call: speed, level, interruptions, silence, repetition, who hung up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rapidfuzz.distance import Indel

from scoring.case import LOW_CONFIDENCE, Case, Range
from scoring.marks import Answer
from scoring.outcome import Finding, RuleOutcome
from scoring.phrase_set import Acoustic
from scoring.phrases import best_match
from scoring.quiet import Pause
from scoring.rates import mean_rate, turn_rates
from scoring.tokens import CUSTOMER_EXCUSES, DESCRIPTIVE
from transcription.measures import Overlap
from transcription.transcript import AGENT, CUSTOMER

EXCUSE_S = 15.0  # an excusing sentence this long before a silence, or within it, excuses it
TURN_MARGIN = 0.15  # a single turn may stray this much further than the whole call
STANDARD_OVERLAP_S = 2.0  # from here on AudioMeasures itself says what is an interruption

Outcomes = Mapping[str, RuleOutcome]


def check_acoustic(case: Case, rule: Acoustic, outcomes: Outcomes) -> RuleOutcome:
    """Check one limit on the sound of the call."""
    checks: dict[str, Callable[[Case, Acoustic, Outcomes], Sequence[Finding]]] = {
        "speed": _speed,
        "level": _level,
        "overlap": _overlap,
        "silence": _silence,
        "repeat": _repeat,
        "hangup": _hangup,
    }
    findings = tuple(checks[rule.measure](case, rule, outcomes))
    described = any(entry in DESCRIPTIVE for entry in (*rule.unless, *rule.excused_by))
    failed = any(finding.verdict is Answer.NOT_MET for finding in findings)
    return RuleOutcome(rule.id, findings, needs_person=described and failed)


def _speed(case: Case, rule: Acoustic, outcomes: Outcomes) -> Sequence[Finding]:
    role = rule.role or AGENT
    if _customer_asked(case, rule.excused_by):
        return [case.finding(rule.id, "speed", Answer.NOT_APPLICABLE, "customer_asked")]
    if doubt := case.role_doubt(role):
        return [case.finding(rule.id, "speed", Answer.CANNOT_TELL, doubt)]
    if unheard := case.absence_doubt(case.whole(role)):  # a rate counts words: it is as good as they are
        return [case.finding(rule.id, "speed", Answer.CANNOT_TELL, unheard[0], values=unheard[1])]
    low, high = rule.low or 0.0, rule.high or math.inf
    rate = mean_rate(case.transcript, case.measures, role, chinese=rule.unit == "chars_per_min", timed=case.timed)
    least = rule.min_chars or rule.min_words or 1
    if rate is None or rate.units < least:
        reason = "not_measured" if rate is None else "too_little_speech"
        return [case.finding(rule.id, "speed", Answer.CANNOT_TELL, reason, values={"least": least})]
    values: dict[str, object] = {
        "rate": round(rate.per_minute), "low": rule.low, "high": rule.high, "unit": rule.unit,
    }  # fmt: skip
    within = low <= rate.per_minute <= high
    reason = "speed_within" if within else "too_slow" if rate.per_minute < low else "too_fast"
    answer = Answer.MET if within else Answer.NOT_MET
    findings = [case.finding(rule.id, "speed", answer, reason, values=values)]
    if not within:
        findings += _stray_turns(case, rule, role, least)
    return findings


def _stray_turns(case: Case, rule: Acoustic, role: str, least: int) -> list[Finding]:
    low, high = (rule.low or 0.0) * (1 - TURN_MARGIN), (rule.high or math.inf) * (1 + TURN_MARGIN)
    return [
        case.finding(
            rule.id,
            "speed_turn",
            Answer.NOT_MET,
            "too_slow" if rate.per_minute < low else "too_fast",
            values={"rate": round(rate.per_minute), "low": rule.low, "high": rule.high, "unit": rule.unit},
            start=rate.start,
            end=rate.end,
        )
        for rate in turn_rates(case.transcript, role, chinese=rule.unit == "chars_per_min")
        if rate.units >= least / 2 and not low <= rate.per_minute <= high
    ]


def _customer_asked(case: Case, sources: Sequence[str]) -> bool:
    side = case.spoken.side(CUSTOMER)
    match = case.search(sources, [Range(side, 0, len(side))]) if sources else None
    # Words that were hardly recognised ask for nothing.
    heard = match is not None and (match.confidence is None or match.confidence >= LOW_CONFIDENCE)
    return heard and match is not None and match.verdict == "said"


def _level(case: Case, rule: Acoustic, outcomes: Outcomes) -> Sequence[Finding]:
    if case.measures is None:
        return [case.finding(rule.id, "level", Answer.CANNOT_TELL, "not_measured")]
    if case.measures.quality == "poor":
        return [case.finding(rule.id, "level", Answer.NOT_APPLICABLE, "poor_audio")]
    side = case.measures.sides.get(rule.role or AGENT)
    if side is None or case.role_doubt(rule.role or AGENT):
        return [case.finding(rule.id, "level", Answer.CANNOT_TELL, "one_channel")]
    quiet = (side.loudness_dbfs, rule.low_dbfs, "too_quiet")
    swing = (side.loudness_swing_db, rule.swing_db, "uneven_level")
    findings = []
    for value, limit, fault in (quiet, swing):
        if limit is None:
            continue
        if value is None:
            findings.append(case.finding(rule.id, "level", Answer.CANNOT_TELL, "not_measured"))
            continue
        failed = value < limit if fault == "too_quiet" else value > limit
        answer = Answer.NOT_MET if failed else Answer.MET
        values: dict[str, object] = {"value": round(value, 1), "limit": limit}
        findings.append(case.finding(rule.id, "level", answer, fault if failed else "level_fine", values=values))
    return findings


def _overlap(case: Case, rule: Acoustic, outcomes: Outcomes) -> Sequence[Finding]:
    if case.measures is None:
        return [case.finding(rule.id, "interruption", Answer.CANNOT_TELL, "not_measured")]
    if case.measures.overlaps is None or case.role_doubt(rule.role or AGENT):
        return [case.finding(rule.id, "interruption", Answer.CANNOT_TELL, "one_channel")]
    assert rule.overlap_s is not None
    findings = []
    for overlap in case.measures.overlaps:
        long = overlap.end - overlap.start >= rule.overlap_s
        counts = overlap.interruption or rule.overlap_s < STANDARD_OVERLAP_S
        if overlap.by != (rule.role or AGENT) or not long or not counts:
            continue
        if finding := _interruption(case, rule, overlap):
            findings.append(finding)
    if not findings:
        return [
            case.finding(rule.id, "interruption", Answer.MET, "no_interruption", values={"seconds": rule.overlap_s})
        ]
    return findings


def _interruption(case: Case, rule: Acoustic, overlap: Overlap) -> Finding | None:
    """Return the finding for an overlap, or None when it is short or only a listener's yes."""
    side = case.spoken.side(rule.role or AGENT).unstripped
    low, high = side.between_times(overlap.start - 0.2, overlap.end)
    least = rule.min_chars or rule.min_words or 1
    values: dict[str, object] = {"seconds": round(overlap.end - overlap.start, 1), "words": overlap.words}
    finding = partial(case.finding, rule.id, "interruption", values=values, start=overlap.start, end=overlap.end)
    if overlap.words is None:
        return finding(Answer.CANNOT_TELL, "words_unknown")
    yes = {unit for entry in case.entries(rule.exceptions) for unit in entry.words}
    heard = side.texts[low:high]
    if overlap.words < least or (heard and all(text in yes for text in heard)):
        return None
    return finding(Answer.NOT_MET, "interrupted")


def _silence(case: Case, rule: Acoustic, outcomes: Outcomes) -> Sequence[Finding]:
    assert rule.over_s is not None
    if case.pauses is None:
        return [case.finding(rule.id, "silence", Answer.CANNOT_TELL, "no_times")]
    findings = []
    for pause in case.pauses:
        if pause.length <= rule.over_s:
            continue
        answer, reason = _blame(case, rule, pause)
        values: dict[str, object] = {"seconds": round(pause.length, 1), "limit": rule.over_s}
        grave = rule.grave_s is not None and pause.length > rule.grave_s
        for kind in ("silence", "grave_silence") if grave else ("silence",):
            findings.append(
                case.finding(rule.id, kind, answer, reason, values=values, start=pause.start, end=pause.end)
            )
    if not findings:
        return [case.finding(rule.id, "silence", Answer.MET, "no_long_silence", values={"seconds": rule.over_s})]
    return findings


def _blame(case: Case, rule: Acoustic, pause: Pause) -> tuple[Answer, str]:
    """Return whether a long silence counts against the agent."""
    if any(hold.start < pause.end and (hold.end or pause.end) > pause.start for hold in case.facts.holds()):
        return Answer.MET, "silence_on_hold"
    if not case.spoken.speakers_known or case.sides_may_be_swapped:
        return Answer.CANNOT_TELL, "speakers_unknown"
    if _excused(case, rule, pause):
        return Answer.MET, "silence_excused"
    if pause.after == AGENT and pause.before == CUSTOMER:
        return Answer.MET, "customer_paused"
    return Answer.NOT_MET, "long_silence"


def _excused(case: Case, rule: Acoustic, pause: Pause) -> bool:
    for source in rule.excused_by:
        role, sources = AGENT, [source]
        if source in CUSTOMER_EXCUSES:
            role, sources = CUSTOMER, list(CUSTOMER_EXCUSES[source])
        elif source in case.phrases.by_id:
            asked = case.phrases.by_id[source]
            sources = [entry for entries in getattr(asked, "parts", {}).values() for entry in entries]
        elif source in DESCRIPTIVE:
            continue
        side = case.spoken.side(role)
        low, high = side.between_times(pause.start - EXCUSE_S, pause.end)
        if best_match(case.entries(sources), side, low, high).verdict != "not_said":
            return True
    return False


def _repeat(case: Case, rule: Acoustic, outcomes: Outcomes) -> Sequence[Finding]:
    """Find what one side says again: turns alike by their letters within the last few turns of that side."""
    role = rule.role or CUSTOMER
    if doubt := case.role_doubt(role):
        return [case.finding(rule.id, "repeat", Answer.CANNOT_TELL, doubt)]
    assert rule.similar is not None
    side = case.spoken.side(role)
    least = 6 if side.normal.chinese else 4
    said: list[tuple[int, str]] = []
    findings = []
    for turn in dict.fromkeys(side.turns):
        low, high = side.in_turns(turn, turn)
        text, _ = side.text_between(low, high)
        if high - low < least:
            continue
        earlier = [
            old for old, words in said[-rule.window_turns :] if Indel.normalized_similarity(words, text) >= rule.similar
        ]
        if earlier:
            findings.append(
                case.finding(
                    rule.id, "repeat", Answer.NOT_MET, "repeated", values={"turn": earlier[-1] + 1},
                    start=side.moment(low, low + 1)[0] if case.timed else None,
                )
            )  # fmt: skip
        said.append((turn, text))
    return findings or [case.finding(rule.id, "repeat", Answer.MET, "no_repetition")]


def _hangup(case: Case, rule: Acoustic, outcomes: Outcomes) -> Sequence[Finding]:
    for source in rule.unless:
        if source in outcomes and outcomes[source].moment is not None:
            return [case.finding(rule.id, "hangup", Answer.MET, "closed_by_agent")]
        if source in outcomes and any(f.verdict is Answer.MET for f in outcomes[source].findings):
            return [case.finding(rule.id, "hangup", Answer.MET, "closed_by_agent")]
    by = case.facts.fields.get("hangup_by", "")
    kinds = {event.kind: event.start for event in case.facts.events}
    if case.agent_hung_up:
        return [_agent_hung_up(case, rule, kinds.get("agent_hangup"))]
    if "customer_hangup" in kinds or by in ("customer", "caller"):
        return [case.finding(rule.id, "hangup", Answer.MET, "customer_hung_up")]
    return [case.finding(rule.id, "hangup", Answer.CANNOT_TELL, "fact_missing", values={"fact": "hangup_by"})]


def _agent_hung_up(case: Case, rule: Acoustic, moment: float | None) -> Finding:
    """The agent ended the call without a goodbye; right after the last words it looks like cutting the caller off,
    and after a longer gap like giving up on a silent line, which a person must judge."""
    last = max((turn.end for turn in case.transcript.turns), default=0.0)
    end = moment if moment is not None else case.transcript.duration
    gap = round(max(0.0, end - last), 1)
    answer = Answer.NOT_MET if gap <= rule.min_gap_s or case.timed else Answer.CANNOT_TELL
    return case.finding(rule.id, "hangup", answer, "agent_hung_up", values={"gap": gap}, start=end, end=end)
