"""Where conditional rules hang: the moments of a trigger, a rule or an event, and the stretch to search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scoring.case import GRACE_S, Case, Range
from scoring.entries import occurrences
from scoring.exceptions import excepted
from scoring.marks import Answer
from scoring.outcome import RuleOutcome
from scoring.phrase_set import Anchor, Trigger, Window
from scoring.spoken import Side
from scoring.tokens import Moment
from transcription.transcript import AGENT, CUSTOMER

HOLD_LIKE_S = 10.0  # a shorter silence is no hold
MIN_NEED_UNITS = 4  # of a customer's turn that can be the statement of the need


@dataclass(frozen=True, slots=True)
class Anchored:
    """The moments of an anchor, or why there are none.

    `verdict` is MET when the anchor occurred, NOT_APPLICABLE when it did not, CANNOT_TELL when it cannot be known;
    `likely` holds moments at which it may have occurred: a silence that may be a hold.
    """

    verdict: Answer
    moments: tuple[Moment, ...] = ()
    reason: str = "anchor_absent"
    values: dict[str, object] | None = None
    likely: tuple[Moment, ...] = ()


def trigger_moments(case: Case, rule: Trigger) -> tuple[Moment, ...]:
    """Return every moment at which the trigger's words are said (by anyone, when speakers are unknown)."""
    moments = []
    entries = case.entries(rule.any)
    exceptions = case.entries(rule.unless)
    for side in case.sides(rule.role):
        for entry in entries:
            for first, last in occurrences(entry, side):
                if excepted(exceptions, entries, side, first, last) != "not_said":
                    continue
                moments.append(Moment(*side.moment(first, last), side.turns[first], side.speaker))
    return tuple(sorted(moments, key=lambda moment: moment.start))


def anchored(case: Case, anchor: Anchor, outcome: RuleOutcome | None) -> Anchored:
    """Return where the anchor occurs; `outcome` is that of the anchor's rule if it is not a trigger."""
    if anchor.event is not None:
        return _event(case, anchor.event)
    rule = case.phrases.by_id[anchor.rule or ""]
    values: dict[str, object] = {"anchor": rule.id}
    if isinstance(rule, Trigger):
        moments = trigger_moments(case, rule)
        if moments and (doubt := case.role_doubt(rule.role)):
            return Anchored(Answer.CANNOT_TELL, (), doubt, values)
        # Words that were not understood may have held the anchor: that is no reason to call the rule idle.
        if not moments and (unheard := case.absence_doubt(case.whole(rule.role))):
            return Anchored(Answer.CANNOT_TELL, (), unheard[0], values | unheard[1])
    else:
        moments = _met_moments(outcome)
    if not moments:
        return Anchored(Answer.NOT_APPLICABLE, (), "anchor_absent", values)
    return Anchored(Answer.MET, moments, "anchor_found", values)


def _met_moments(outcome: RuleOutcome | None) -> tuple[Moment, ...]:
    found = [
        finding.evidence
        for finding in (outcome.findings if outcome else ())
        if finding.verdict is (Answer.NOT_MET if finding.kind == "hit" else Answer.MET)
    ]
    return tuple(
        Moment(
            evidence.start if evidence.start is not None else float(evidence.turn),
            evidence.end if evidence.end is not None else float(evidence.turn),
            evidence.turn,
            evidence.speaker,
        )
        for evidence in found
        if evidence.turn is not None
    )


def _event(case: Case, name: str) -> Anchored:
    values: dict[str, object] = {"anchor": name}
    if name in ("hold_start", "hold_end") or name.startswith("hold_over_"):
        return _holds(case, name, values)
    if name == "transfer":
        return _transfers(case, values)
    if name == "call_end":
        end = case.transcript.duration
        return Anchored(Answer.MET, (Moment(end, end),), "anchor_found", values)
    if name == "end_of_need":
        return _end_of_need(case, values)
    if name.startswith("customer_silent_"):
        return _customer_silent(case, _number(name), values)
    if not case.facts.events:
        return Anchored(Answer.CANNOT_TELL, (), "fact_missing", {"fact": name})
    moments = tuple(Moment(e.start, e.end or e.start) for e in case.facts.events if e.kind == name)
    return Anchored(Answer.MET if moments else Answer.NOT_APPLICABLE, moments, "anchor_absent", values)


def _holds(case: Case, name: str, values: dict[str, object]) -> Anchored:
    least = _number(name) if name.startswith("hold_over_") else 0.0
    if case.facts.events:
        moments = [_hold_moment(name, hold.start, hold.end, least) for hold in case.facts.holds()]
        known = tuple(moment for moment in moments if moment)
        return Anchored(Answer.MET if known else Answer.NOT_APPLICABLE, known, "no_hold", values)
    quiet = case.pauses
    if quiet is None:
        return Anchored(Answer.CANNOT_TELL, (), "fact_missing", {"fact": "hold events"})
    long = [pause for pause in quiet if pause.length > max(HOLD_LIKE_S, least)]
    if not long:
        limit = max(HOLD_LIKE_S, least)
        return Anchored(Answer.NOT_APPLICABLE, (), "no_long_silence", {**values, "seconds": limit})
    likely = tuple(
        moment for pause in long if (moment := _hold_moment(name, pause.start, pause.end, least)) is not None
    )
    return Anchored(Answer.CANNOT_TELL, (), "hold_unknown", {"seconds": round(long[0].length, 1)}, likely)


def _hold_moment(name: str, start: float, end: float | None, least: float) -> Moment | None:
    if name == "hold_start":
        return Moment(start, start)
    if end is None:
        return None
    if name == "hold_end":
        return Moment(end, end)
    return Moment(start + least, start + least) if end - start > least else None


def _transfers(case: Case, values: dict[str, object]) -> Anchored:
    if case.facts.events:
        moments = tuple(Moment(e.start, e.start) for e in case.facts.events if e.kind == "transfer")
        return Anchored(Answer.MET if moments else Answer.NOT_APPLICABLE, moments, "no_transfer", values)
    if farewell_said(case):
        return Anchored(Answer.NOT_APPLICABLE, (), "closed_by_agent", values)
    return Anchored(Answer.CANNOT_TELL, (), "fact_missing", {"fact": "transfer events"})


def farewell_said(case: Case) -> bool:
    """Whether the agent says any of the words that the set wants last of all: the call was closed, not cut off."""
    side = case.spoken.side(AGENT)
    ends = [
        (rule.window.end_turns, rule)
        for rule in case.phrases.required
        if isinstance(rule.window, Window) and rule.window.end_turns and rule.role == AGENT
    ]
    latest = min((turns for turns, _ in ends), default=0)
    for turns, rule in ends:
        if turns == latest:
            where = last_turns(case, side, turns)
            for sources in rule.parts.values():
                if any(
                    True for entry in case.entries(sources) for _ in occurrences(entry, side, where.low, where.high)
                ):
                    return True
    return False


def _end_of_need(case: Case, values: dict[str, object]) -> Anchored:
    """The end of the customer's first stretch of some length after the agent's first words."""
    if not case.spoken.speakers_known:
        return Anchored(Answer.CANNOT_TELL, (), "speakers_unknown", values)
    agent_spoke = False
    for stretch in case.spoken.stretches:
        agent_spoke = agent_spoke or stretch.speaker == AGENT
        if agent_spoke and stretch.speaker == CUSTOMER:
            low, high = case.spoken.side(CUSTOMER).in_turns(stretch.first, stretch.last)
            if high - low >= MIN_NEED_UNITS:
                moment = Moment(stretch.end, stretch.end, stretch.last, CUSTOMER)
                return Anchored(Answer.MET, (moment,), "anchor_found", values)
    return Anchored(Answer.NOT_APPLICABLE, (), "anchor_absent", values)


def _customer_silent(case: Case, least: float, values: dict[str, object]) -> Anchored:
    quiet = case.pauses
    if quiet is None or not case.spoken.speakers_known:
        return Anchored(Answer.CANNOT_TELL, (), "no_times", values)
    found = [pause for pause in quiet if pause.length >= least and pause.after == AGENT]
    moments = tuple(Moment(pause.start + least, pause.start + least) for pause in found)
    return Anchored(Answer.MET if moments else Answer.NOT_APPLICABLE, moments, "anchor_absent", values)


def _number(name: str) -> float:
    match = re.search(r"_(\d+)s$", name)
    return float(match[1]) if match else 0.0


def last_turns(case: Case, side: Side, turns: int) -> Range:
    """Return the units of the last `turns` stretches of a side.

    A first stretch with words of the opening is not the end of even a short call, unless it is all there is: "what
    can I do for you" must not pass for "what else can I do for you".
    """
    mine = [stretch for stretch in case.spoken.stretches if stretch.speaker == side.speaker]
    if not mine:
        return Range(side, 0, 0)
    if len(mine) > 1 and case.says_opening(side, *side.in_turns(mine[0].first, mine[0].last)):
        mine = mine[1:]
    mine = mine[-turns:]
    low, high = side.in_turns(mine[0].first, mine[-1].last)
    return Range(side, low, high, mine[0].start, mine[-1].end)


def around(case: Case, anchor: Anchor, moment: Moment, side: Side) -> Range:
    """Return what `side` says before or after a moment, within the anchor's seconds or turns."""
    if anchor.within_turns is not None:
        return _within_turns(case, anchor, moment, side)
    assert anchor.within_s is not None
    if not case.timed:
        whole = (0.0, moment.end) if anchor.side == "before" else (moment.start, float("inf"))
        return Range(side, *side.between_times(*whole))
    if anchor.side == "before":
        start, end = max(0.0, moment.start - anchor.within_s), moment.end
    else:
        start, end = _since(case, moment, side), moment.end + anchor.within_s
    low, high = side.between_times(start - GRACE_S, end + GRACE_S)
    return Range(side, low, high, start, min(end, case.transcript.duration))


def _since(case: Case, moment: Moment, side: Side) -> float:
    """Return from when on words count as "after": from the start of the speaker's own stretch of speech.

    "38 yuan a month, shall I open it for you?" gives the fee in the sentence of the anchor, and before it.
    """
    if moment.speaker == side.speaker:
        for stretch in case.spoken.stretches:
            if moment.turn is not None and stretch.first <= moment.turn <= stretch.last:
                return min(stretch.start, moment.start)
    return moment.start


def _within_turns(case: Case, anchor: Anchor, moment: Moment, side: Side) -> Range:
    assert anchor.within_turns is not None
    mine = [stretch for stretch in case.spoken.stretches if stretch.speaker == side.speaker]
    if anchor.side == "before":
        near = [stretch for stretch in mine if stretch.start <= moment.start][-anchor.within_turns :]
    else:
        near = [stretch for stretch in mine if stretch.end >= moment.end][: anchor.within_turns]
    if not near:
        return Range(side, 0, 0)
    low, high = side.in_turns(near[0].first, near[-1].last)
    return Range(side, low, high, near[0].start, near[-1].end)


def merged(ranges: Sequence[Range]) -> list[Range]:
    """Join ranges of one side that overlap, so that nothing is searched twice."""
    result: list[Range] = []
    for where in sorted((r for r in ranges if not r.empty), key=lambda r: (r.side.speaker, r.low)):
        last = result[-1] if result else None
        if last and last.side is where.side and where.low <= last.high:
            end = max(last.end, where.end) if last.end is not None and where.end is not None else None
            result[-1] = Range(last.side, last.low, max(last.high, where.high), last.start, end)
        else:
            result.append(where)
    return result
