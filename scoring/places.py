"""Where a condition looks: stretches of the call, as far as they are known.

A place is a set of half-open intervals of time [start, end), twice: `narrow` is surely inside, `wide` may be. They
differ where word times are off by a little, where the transcript has no times, and where an anchor is doubtful. What
is found in the narrow place is certain; what is found in the wide one only cannot be told.

Times are those of the words. In a transcript without times they are turn numbers, which mean order only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scoring.case import GRACE_S, Case, Range, units_between
from scoring.check_models import CheckCondition, Where
from scoring.found import Found, Hit
from scoring.spoken import Side, Stretch
from transcription.transcript import AGENT

Interval = tuple[float, float]
Intervals = tuple[Interval, ...]

EVERYWHERE: Intervals = ((-math.inf, math.inf),)
NOWHERE: Intervals = ()


def joined(intervals: Iterable[Interval]) -> Intervals:
    """Return the union of half-open intervals, sorted and disjoint."""
    result: list[Interval] = []
    for start, end in sorted(one for one in intervals if one[0] < one[1]):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return tuple(result)


def common(first: Intervals, second: Intervals) -> Intervals:
    """Return the intersection."""
    if first == EVERYWHERE:
        return second
    if second == EVERYWHERE:
        return first
    return joined((max(a, c), min(b, d)) for a, b in first for c, d in second)


def rest(intervals: Intervals) -> Intervals:
    """Return everything outside."""
    edges = [-math.inf, *(edge for interval in intervals for edge in interval), math.inf]
    return tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b)


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the call, surely (`narrow`) and perhaps (`wide`)."""

    narrow: Intervals = EVERYWHERE
    wide: Intervals = EVERYWHERE
    reason: str = "at_the_edge"  # why something in the wide place only cannot be told
    turn: int | None = None  # only this turn
    anchor: float | None = None  # the moment that the place hangs on

    @property
    def whole(self) -> bool:
        """Whether this is the whole call."""
        return self.narrow == EVERYWHERE and self.turn is None

    @property
    def empty(self) -> bool:
        """Whether nothing can lie in it."""
        return not self.wide

    def within(self, other: Place) -> Place:
        """Return what lies in both places."""
        doubtful = other if other.narrow != other.wide else self
        return Place(
            common(self.narrow, other.narrow),
            common(self.wide, other.wide),
            doubtful.reason,
            self.turn if self.turn is not None else other.turn,
            self.anchor if self.anchor is not None else other.anchor,
        )

    def outside(self) -> Place:
        """Return everything else."""
        return replace(self, narrow=rest(self.wide), wide=rest(self.narrow), turn=None, anchor=None)

    def holds(self, moment: float) -> bool | None:
        """Whether a moment lies in the place; None: it may."""
        if any(start <= moment < end for start, end in self.narrow):
            return True
        return None if any(start <= moment < end for start, end in self.wide) else False

    def admit(self, case: Case, hit: Hit) -> Hit | None:
        """Return a hit as it counts here: certain, doubtful, or None when it lies outside."""
        if self.turn is not None and hit.turn != self.turn:
            return None
        if self.whole:
            return hit
        if hit.turn is not None and case.timed and not case.transcript.turns[hit.turn].words:
            turn = case.transcript.turns[hit.turn]  # when in its turn it was said is not known
            if any(start <= turn.start and turn.end <= end for start, end in self.narrow):
                return hit
            near = any(turn.start < end and start < turn.end for start, end in self.wide)
            sure = self.turn is not None or (self.holds(turn.start) is True and self.holds(turn.end) is True)
            return hit if sure else hit.doubted("time_uncertain") if near else None
        inside = self.holds(hit.start)
        return hit if inside else hit.doubted(self.reason) if inside is None else None

    def ranges(self, case: Case, side: Side) -> list[Range]:
        """Return the units of a side that may lie in the place."""
        if self.turn is not None:
            return [Range(side, *side.in_turns(self.turn, self.turn))]
        if self.wide == EVERYWHERE:
            return [Range(side, 0, len(side.texts))]
        found: list[Range] = []
        for start, end in self.wide:
            low, high = units_between(side, start, math.nextafter(end, -math.inf))
            low, high = self._whole_turns(case, side, low, high, start, end)
            known = start > -math.inf, end < math.inf
            found.append(Range(side, low, high, start if known[0] else None, end if known[1] else None))
        return found

    @staticmethod
    def _whole_turns(case: Case, side: Side, low: int, high: int, start: float, end: float) -> tuple[int, int]:
        """Widen a range to the whole of the turns at its edges whose words have no times."""
        if not case.timed or not side.turns:
            return low, high
        for edge, at in ((start, low), (end, high)):
            for index in (at - 1, at):
                if 0 <= index < len(side.turns):
                    number = side.turns[index]
                    turn = case.transcript.turns[number]
                    if not turn.words and turn.start < edge < turn.end:
                        first, last = side.in_turns(number, number)
                        low, high = min(low, first), max(high, last)
        return low, high


UNPLACED = Place(NOWHERE, EVERYWHERE, "no_times")


def window_place(case: Case, window: Where, role: str, *, of_call: bool = False) -> Place:
    """Return the place of a window; with `of_call` its turns are those of the call, not of the speaker."""
    place = Place()
    for one in _time_windows(case, window, role):
        place = place.within(one)
    for one in _turn_windows(case, window, "any" if of_call else role):
        place = place.within(one)
    return place


def _time_windows(case: Case, window: Where, role: str) -> Iterable[Place]:
    spans = []
    wants_time = (window.start_s, window.end_s, window.between_s, window.start_percent, window.end_percent)
    if any(value is not None for value in (*wants_time, window.between_percent)) and not case.timed:
        yield UNPLACED
        return
    first, last = case.first_word, case.last_word
    opening = first
    if role == AGENT and not case.role_doubt(AGENT) and case.first_agent_word is not None:
        opening = case.first_agent_word
    length = last - first
    if window.start_s is not None:
        spans.append((-math.inf, opening + window.start_s))
    if window.end_s is not None:
        spans.append((last - window.end_s, math.inf))
    if window.between_s is not None:
        spans.append((opening + window.between_s[0], opening + window.between_s[1]))
    if window.start_percent is not None:
        spans.append((-math.inf, first + length * window.start_percent / 100))
    if window.end_percent is not None:
        spans.append((last - length * window.end_percent / 100, math.inf))
    if window.between_percent is not None:
        low, high = window.between_percent
        spans.append((first + length * low / 100, first + length * high / 100 if high < 100 else math.inf))
    for span in spans:
        yield about([span])


def about(spans: Iterable[Interval]) -> Place:
    """Return a place whose edges are known as well as word times are."""
    narrow = joined(spans)
    return Place(narrow, joined((start - GRACE_S, end + GRACE_S) for start, end in narrow))


def exactly(spans: Iterable[Interval]) -> Place:
    """Return a place whose edges lie between turns."""
    narrow = joined(spans)
    return Place(narrow, narrow)


def _turn_windows(case: Case, window: Where, role: str) -> Iterable[Place]:
    mine = stretches(case, role)
    if window.start_turns is not None:
        yield _turns(mine, 0, window.start_turns)
    if window.end_turns is not None:
        yield _turns(mine, max(0, len(mine) - window.end_turns), len(mine))
    if window.between_turns is not None:
        yield _turns(mine, window.between_turns[0] - 1, window.between_turns[1])


def stretches(case: Case, role: str) -> list[Stretch]:
    """Return the turns of a role; what the other side does not interrupt by a turn is one."""
    if role == "any" or case.role_doubt(role):
        return list(case.spoken.stretches)
    return [stretch for stretch in case.spoken.stretches if stretch.speaker == role]


def _turns(mine: Sequence[Stretch], low: int, high: int) -> Place:
    """Return the place of the stretches `low` to `high`: up to where the next one begins."""
    if not mine or low >= len(mine):
        return Place(NOWHERE, NOWHERE)
    start = -math.inf if low == 0 else mine[low].start
    end = mine[high].start if high < len(mine) else math.inf
    return exactly([(start, end)])


def anchor_places(case: Case, condition: CheckCondition, found: Found, role: str) -> list[Place]:
    """Return where a condition looks by its anchor: one place, or one for each hit of the anchor.

    The anchor must not be false; without a known moment the place is the whole call, and nothing in it is certain.
    """
    if not found.hits:
        return [Place(NOWHERE, EVERYWHERE, "anchor_unsure")]
    chosen, others = _chosen(condition, found)
    if condition.hit == "each":
        return [_doubted(_around(case, condition, hit, role), hit) for hit in chosen]
    sure = [_around(case, condition, hit, role) for hit in chosen if hit.certain]
    maybe = [_around(case, condition, hit, role) for hit in (*chosen, *others) if not hit.certain]
    unplaced = [place for place in (*sure, *maybe) if place.narrow == NOWHERE and place.wide]
    if condition.same_turn and len(chosen) == 1 and not maybe:
        return [sure[0]]
    reason = unplaced[0].reason if unplaced else "anchor_unsure" if maybe else "at_the_edge"
    return [
        Place(
            joined(one for place in sure for one in place.narrow),
            joined(one for place in (*sure, *maybe) for one in place.wide),
            reason,
            anchor=chosen[0].start if chosen else None,
        )
    ]


def _doubted(place: Place, hit: Hit) -> Place:
    return place if hit.certain else replace(place, narrow=NOWHERE, reason="anchor_unsure")


def _chosen(condition: CheckCondition, found: Found) -> tuple[list[Hit], list[Hit]]:
    """Return the hits that the anchor means, and doubtful ones that may be meant instead."""
    hits = list(found.hits)
    if condition.hit in ("any", "each"):
        return hits, []
    if condition.hit == "last":
        hits.reverse()
    number = condition.hit if isinstance(condition.hit, int) else 1
    certain = [hit for hit in hits if hit.certain]
    if len(certain) < number:
        return [], [hit for hit in hits if not hit.certain]
    chosen = certain[number - 1]
    before = [hit for hit in hits[: hits.index(chosen)] if not hit.certain]
    # An earlier doubtful hit, if it is one, moves the count: then the chosen one is doubtful as well.
    return ([chosen], []) if not before else ([], [*before, chosen.doubted(before[0].doubt or "unsure")])


def _around(case: Case, condition: CheckCondition, hit: Hit, role: str) -> Place:
    side, _ = condition.anchor or ("around", "")
    if side == "same_turn":
        return _same_turn(case, hit)
    before, after = side in ("before", "around"), side in ("after", "around")
    if condition.within_turns is not None:
        place = _within_turns(case, hit, role, condition.within_turns, before=before, after=after)
    elif condition.within_s is not None and case.timed:
        start = hit.start - condition.within_s if before else hit.end
        end = hit.end + condition.within_s if after else hit.start
        place = about([(start, end)])
    else:
        place = exactly([(-math.inf if before else hit.end, math.inf if after else hit.start)])
        if condition.within_s is not None:
            place = replace(place, narrow=NOWHERE, reason="no_times")
    return replace(place, anchor=hit.start)


def _same_turn(case: Case, hit: Hit) -> Place:
    if hit.turn is None:
        return Place(NOWHERE, EVERYWHERE, "anchor_unsure")
    turn = case.transcript.turns[hit.turn]
    span = (turn.start - GRACE_S, turn.end + GRACE_S) if case.timed else (float(hit.turn), hit.turn + 1.0)
    return replace(exactly([span]), turn=hit.turn, anchor=hit.start)


def _within_turns(case: Case, hit: Hit, role: str, turns: int, *, before: bool, after: bool) -> Place:
    mine = stretches(case, role)
    spans = []
    if after:
        near = [index for index, stretch in enumerate(mine) if stretch.end > hit.end + 1e-6]
        if near:
            last = near[:turns][-1]
            spans.append((hit.end, mine[last + 1].start if last + 1 < len(mine) else math.inf))
    if before:
        near = [index for index, stretch in enumerate(mine) if stretch.start < hit.start]
        if near:
            first = near[-turns:][0]
            spans.append((mine[first].start if first else -math.inf, hit.start))
    return exactly(spans)


def place_of(case: Case, condition: CheckCondition, anchor: Found | None, limit: Place | None) -> list[Place]:
    """Return where a condition looks; several places when it must hold at each hit of its anchor."""
    role = condition.speaker
    window = Place()
    if condition.window is not None:
        window = window_place(case, condition.window, role, of_call=condition.kind == "speaks")
    places = [Place()] if anchor is None else anchor_places(case, condition, anchor, role)
    places = [window.within(place) for place in places]
    if condition.outside:
        places = [_all_of(places).outside()]
    return places if limit is None else [place.within(limit) for place in places]


def _all_of(places: Sequence[Place]) -> Place:
    return Place(
        joined(one for place in places for one in place.narrow),
        joined(one for place in places for one in place.wide),
        places[0].reason,
    )
