"""Conditions about words: phrases, patterns, numbers, repetition.

Every function takes a `Look` and returns what was `Found` there. Words that speak for the agent count as the matcher
finds them. Words that speak against (`Look.fault`) count only when they are there exactly, in words that the
recogniser does not doubt, and not as a quotation; what only sounds like them cannot be told.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import regex
from rapidfuzz import fuzz

from scoring.approved import approved
from scoring.case import LOW_CONFIDENCE, Case, Range
from scoring.check_models import Near, Operator, Repeated
from scoring.digits import MIN_DIGITS
from scoring.entities import entities, numbers_between
from scoring.entries import PATTERN_SECONDS, Entry, PatternTooSlow, occurrences, pattern_of
from scoring.exceptions import excepted
from scoring.expressions import conjunction, disjunction, negation
from scoring.found import Found, Hit, by_hits
from scoring.phrases import PhraseMatch, best_match
from scoring.places import Place
from scoring.sounds import syllable
from scoring.spoken import Side

QUOTE_UNITS = 8  # a quoting verb this many units before a hit makes it a quotation
SIMILAR_DEFAULT = 0.8
SIMILAR_DOUBT = 0.1  # this little below the limit, doubtful words leave it open

_QUOTING = {
    True: re.compile(r"([你您他她]|客户|用户|机主)(刚|刚才|刚刚|之前|前面|是|就)*(说|讲|提到|提的|反映|反应|表示|问)"),
    False: re.compile(
        r"\b(you|he|she|they|customer|caller|client) (just |had |have |has |are |is |was |were |did )*"
        r"(said|saying|says|mentioned|mentioning|told|telling|asked|quoted)\b"
    ),
}


@dataclass(frozen=True, slots=True)
class Look:
    """What one condition looks at: the call, whose words, where, and what a hit would mean."""

    case: Case
    role: str
    place: Place
    fault: bool = False  # a hit speaks against the agent
    complete: bool = False  # every hit is wanted
    values_of: Callable[[str], Found] | None = None  # of another condition, for read_back

    @property
    def sides(self) -> list[Side]:
        return self.case.sides(self.role)

    def ranges(self) -> list[Range]:
        return [where for side in self.sides for where in self.place.ranges(self.case, side)]

    def reversed(self) -> Look:
        """Return the look with which the opposite is sought."""
        return replace(self, fault=not self.fault)

    def absent(
        self, reason: str, *, nearest: PhraseMatch | None = None, values: Mapping[str, object] | None = None
    ) -> Found:
        """Return false, or cannot tell when "not heard" does not mean "not said" here."""
        ranges = self.ranges()
        if doubt := self.case.role_doubt(self.role):
            return Found(None, doubt, nearest=nearest)
        if unheard := self.case.absence_doubt(ranges):
            return Found(None, unheard[0], values=unheard[1], nearest=nearest)
        return Found(False, reason, values={**searched(self, ranges), **(values or {})}, nearest=nearest)

    def judged(self, hits: Iterable[Hit], found: str, absent: str, **more: object) -> Found:
        """Return what hits mean here; hits whose speaker is not known only may be there."""
        doubt = self.case.role_doubt(self.role)
        admitted = [hit for one in hits if (hit := self.place.admit(self.case, one)) is not None]
        if doubt:
            admitted = [hit if self._tells(hit, doubt) else hit.doubted(doubt) for hit in admitted]
        if any(admitted):
            return by_hits(admitted, found, Found(False, absent))
        return self.absent(absent, values=more)

    def _tells(self, hit: Hit, doubt: str) -> bool:
        """Whether words tell by themselves who said them: never when they speak against the agent."""
        if self.fault or doubt == "sides_may_be_swapped" or not hit.text:
            return False
        return len(self.case.phrases.normaliser.words(hit.text)) >= self.case.distinctive


def searched(look: Look, ranges: Sequence[Range]) -> dict[str, object]:
    """Return what was searched, for the evidence of an absence."""
    values: dict[str, object] = {"words": sum(max(0, where.high - where.low) for where in ranges)}
    if look.place.anchor is not None and look.case.timed:
        values["at"] = round(look.place.anchor, 1)
    starts = [where.start for where in ranges if where.start is not None]
    ends = [where.end for where in ranges if where.end is not None]
    if look.case.timed and starts and ends:
        values |= {"from": round(max(0.0, min(starts)), 1), "to": round(min(max(ends), look.case.last_word), 1)}
    return values


# Phrases and keywords.


def any_of_phrases(look: Look, operator: Operator, sources: Sequence[str]) -> Found:
    """Any of the wordings: once, or `hits` times in all."""
    if look.case.needs_names(sources):
        return Found(None, "names_missing")
    hits, nearest = phrase_hits(look, operator, sources)
    found = look.judged(hits, "said", "not_said")
    if found.value is not True and not found.hits and nearest is not None:
        found = replace(found, nearest=nearest)
    return found if operator.hits is None else _enough(found, operator.hits)


def _enough(found: Found, least: int) -> Found:
    sure, most = len(found.certain), len(found.hits)
    values = {"count": sure, "least": least}
    if sure >= least:
        return Found(True, "count_reached", found.hits, values)
    if found.value is None and not found.hits:
        return found
    if most >= least:
        return Found(None, found.doubtful[0].doubt or "unsure", found.hits, values)
    return Found(False, "count_too_small", found.hits, values)


def phrase_hits(look: Look, operator: Operator, sources: Sequence[str]) -> tuple[list[Hit], PhraseMatch | None]:
    """Return every hit of the wordings (without `complete`: enough to know of one), and what came nearest."""
    case = look.case
    entries = case.entries(sources)
    exceptions = case.entries(operator.unless) if operator.unless else []
    sounding = operator.match == "sound"
    hits: list[Hit] = []
    nearest: PhraseMatch | None = None
    for where in look.ranges():
        if where.empty:
            continue
        cancelled: set[int | None] = set()
        exact = list(_exact(look, entries, exceptions, where, cancelled))
        hits.extend(exact)
        certain = any(hit.certain and (got := look.place.admit(case, hit)) and got.certain for hit in exact)
        if not sounding or (certain and not look.complete):
            continue
        more, near = _sounding(look, entries, exceptions, where, cancelled.union(hit.turn for hit in exact))
        hits.extend(more)
        if near is not None and (nearest is None or near.probability > nearest.probability):
            nearest = near
    return hits, nearest


def _exact(
    look: Look, entries: Sequence[Entry], exceptions: Sequence[Entry], where: Range, cancelled: set[int | None]
) -> Iterator[Hit]:
    """Yield every exact hit; the turns of those that an exception cancels are added to `cancelled`."""
    side = where.side
    taken: set[int] = set()
    for entry in sorted(entries, key=lambda entry: -len(entry.words)) if len(entries) > 1 else entries:
        for first, last in occurrences(entry, side, where.low, where.high):
            if not taken.isdisjoint(range(first, last)):
                continue
            match = best_match([entry], side, first, last, timed=look.case.timed)
            if match.verdict == "not_said":  # a negation stands before it
                continue
            hit = _phrase_hit(look, side, match, first, last)
            if look.fault and approved(look.case, entry, side, first, last):
                cancelled.add(hit.turn)
                continue
            if exceptions and (excuse := excepted(exceptions, entries, side, first, last)) != "not_said":
                if excuse == "said":
                    cancelled.add(hit.turn)
                    continue
                hit = hit.doubted("exception_unsure")
            taken.update(range(first, last))
            yield hit


def _phrase_hit(look: Look, side: Side, match: PhraseMatch, first: int, last: int) -> Hit:
    start, end = side.moment(first, last)
    hit = Hit(
        start, end, side.turn_of(first), side.speaker, match.text or side.heard(first, last),
        match.wording, match.probability, side.confidence(first, last), content="".join(side.texts[first:last]),
    )  # fmt: skip
    return hit.doubted(doubt) if look.fault and (doubt := _fault_doubt(side, first, last)) else hit


def _fault_doubt(side: Side, first: int, last: int) -> str | None:
    """Return why words that would speak against the agent may not: misheard, or a quotation."""
    known = side.reported(first, last)
    if known and min(known) < LOW_CONFIDENCE:
        return "doubtful_hit"
    return "quoted" if quoted(side, first) else None


def quoted(side: Side, first: int) -> bool:
    """Whether the words at the unit `first` follow "you said" or the like in the same turn."""
    low, _ = side.in_turns(side.turns[first], side.turns[first])
    text, _ = side.text_between(max(low, first - QUOTE_UNITS), first)
    return bool(text) and _QUOTING[side.normal.chinese].search(text) is not None


def _sounding(
    look: Look, entries: Sequence[Entry], exceptions: Sequence[Entry], where: Range, turns: set[int | None]
) -> tuple[list[Hit], PhraseMatch | None]:
    """Return hits by sound, at most one a turn, in turns without an exact hit; and what came nearest."""
    side, timed = where.side, look.case.timed
    plain = [entry for entry in entries if entry.words] or list(entries)
    best = best_match(plain, side, where.low, where.high, timed=timed)
    if best.verdict == "not_said" or best.turn is None:
        return [], best
    found = [best] if best.turn not in turns else []
    if look.complete or not found:
        seen = {*turns, best.turn}
        for turn, low, high in _turns_between(side, where.low, where.high):
            if turn not in seen:
                found.append(best_match(plain, side, low, high, timed=timed))
    hits = [hit for match in found if (hit := _by_sound(look, exceptions, entries, side, match)) is not None]
    return hits, best


def _by_sound(
    look: Look, exceptions: Sequence[Entry], entries: Sequence[Entry], side: Side, match: PhraseMatch
) -> Hit | None:
    if match.verdict == "not_said" or match.turn is None or (look.fault and match.verdict != "said"):
        return None
    start = match.start if match.start is not None else float(match.turn)
    end = match.end if match.end is not None else match.turn + 0.9
    hit = Hit(
        start, end, match.turn, match.speaker, match.text, match.wording, match.probability, match.confidence
    )  # fmt: skip
    if exceptions:
        first, last = side.between_times(start, end)
        excuse = excepted(exceptions, entries, side, first, last) if first < last else "unsure"
        if excuse == "said":
            return None
        hit = hit if excuse == "not_said" else hit.doubted("exception_unsure")
    # What only sounds like words that speak against the agent may be others.
    return hit.doubted("unsure") if look.fault or match.verdict == "unsure" else hit


def _turns_between(side: Side, low: int, high: int) -> Iterator[tuple[int, int, int]]:
    at = low
    while at < high:
        turn = side.turns[at]
        end = min(high, side.in_turns(turn, turn)[1])
        yield turn, at, end
        at = end


def several(look: Look, operator: Operator, sources: Sequence[str], least: int) -> Found:
    """At least so many different ones of the wordings; with `in_turn` within one turn."""
    if operator.in_turn:
        return _in_one_turn([any_of_phrases(replace(look, complete=True), operator, [s]) for s in sources], (), least)
    founds = [any_of_phrases(look, operator, [source]) for source in sources]
    return counted(founds, least)


def counted(founds: Sequence[Found], least: int) -> Found:
    """Return whether at least so many of the values are true."""
    sure = [found for found in founds if found.value is True]
    open_ones = [found for found in founds if found.value is None]
    missing = [found for found in founds if found.value is False]
    values = {"count": len(sure), "least": least}
    hits = tuple(sorted((hit for found in (*sure, *open_ones) for hit in found.hits), key=lambda hit: hit.start))
    if len(sure) >= least:
        return Found(True, "count_reached" if least > 1 else sure[0].reason, hits, values)
    if len(sure) + len(open_ones) >= least:
        return Found(None, open_ones[0].reason, hits, {**open_ones[0].values, **values}, open_ones[0].nearest)
    return Found(False, "count_too_small", hits, values, missing[0].nearest)


def _in_one_turn(wanted: Sequence[Found], unwanted: Sequence[Found], least: int) -> Found:
    """Return whether one turn holds so many of `wanted` and none of `unwanted`."""
    sure: dict[int, int] = {}
    most: dict[int, int] = {}
    for found in wanted:
        for turn in {hit.turn for hit in found.certain if hit.turn is not None}:
            sure[turn] = sure.get(turn, 0) + 1
        for turn in {hit.turn for hit in found.hits if hit.turn is not None}:
            most[turn] = most.get(turn, 0) + 1
    surely_not = {hit.turn for found in unwanted for hit in found.certain}
    maybe_not = {hit.turn for found in unwanted for hit in found.hits}
    met = {turn for turn, count in sure.items() if count >= least and turn not in maybe_not}
    may = {turn for turn, count in most.items() if count >= least and turn not in surely_not}
    hits = [hit for found in wanted for hit in found.hits if hit.turn in (met or may)]
    hits.sort(key=lambda hit: hit.start)
    if met:
        return Found(True, "said_in_one_turn", tuple(hits))
    if may:
        return Found(None, next((hit.doubt for hit in hits if hit.doubt), "unsure"), tuple(hits))
    unheard = next((found for found in wanted if found.value is None and not found.hits), None)
    return unheard or Found(False, "not_in_one_turn", nearest=wanted[0].nearest if wanted else None)


def none_of(look: Look, operator: Operator, sources: Sequence[str]) -> Found:
    """None of the wordings."""
    found = any_of_phrases(look.reversed(), operator, sources)
    reason = {True: "said", False: "none_said"}.get(bool(found.value), found.reason)
    return replace(found, value=negation(found.value), reason=found.reason if found.value is None else reason)


def reply(look: Look, operator: Operator) -> Found:
    """An answer of the other side; recognisers drop short ones, so that a missing one cannot be told."""
    case = look.case
    if operator.reply == "anything":
        found = speaks(look)
    else:
        entries = case.entries(operator.reply or ())
        hits = []
        for side in look.sides:
            full = side.unstripped
            for where in look.place.ranges(case, full):
                match = best_match(entries, full, where.low, where.high, timed=case.timed)
                if (hit := _by_sound(replace(look, fault=False), (), entries, full, match)) is not None:
                    hits.append(hit)
        found = look.judged(hits, "said", "reply_unclear")
    return found if found.value is not False else replace(found, value=None, reason="reply_unclear")


def speaks(look: Look) -> Found:
    """The role says anything at the place; a hit for each of its turns."""
    hits = []
    for where in look.ranges():
        for turn, low, high in _turns_between(where.side, where.low, where.high):
            hits.append(_unit_hit(where.side, turn, low, high))
    doubt = look.case.role_doubt(look.role)
    admitted = [hit.doubted(doubt) if doubt else hit for one in hits if (hit := look.place.admit(look.case, one))]
    return by_hits(admitted, "spoke", Found(None, doubt) if doubt else Found(False, "did_not_speak"))


def _unit_hit(side: Side, turn: int, low: int, high: int, **more: object) -> Hit:
    start, end = side.moment(low, high)
    return Hit(
        start, end, turn, side.speaker, side.heard(low, high),
        confidence=side.confidence(low, high), **more,  # type: ignore[arg-type]
    )  # fmt: skip


# Likeness, patterns, distance.


def similar(look: Look, operator: Operator) -> Found:
    """A turn much like one of the examples, by letters (sounds in Chinese)."""
    limit = 100 * (operator.at_least or SIMILAR_DEFAULT)
    hits = []
    best: Hit | None = None
    for where in look.ranges():
        examples = [(source, _sounds(where.side, source)) for source in operator.similar or ()]
        for turn, low, high in _turns_between(where.side, where.low, where.high):
            text = _sounds_of(where.side, low, high)
            score, source = max((_alike(example, text), source) for source, example in examples)
            hit = _unit_hit(where.side, turn, low, high, wording=source, probability=round(score / 100, 3))
            if score >= limit:
                hits.append(hit)
            elif score >= limit - 100 * SIMILAR_DOUBT and _doubtful(hit):
                hits.append(hit.doubted("low_likeness"))
            elif best is None or (hit.probability or 0) > (best.probability or 0):
                best = hit
    found = look.judged(hits, "similar_said", "nothing_similar")
    return found if found.hits else replace(found, nearest=best)


def _doubtful(hit: Hit) -> bool:
    return hit.confidence is not None and hit.confidence < LOW_CONFIDENCE + 0.2


def _alike(example: str, text: str) -> float:
    """Return 0 to 100: of a longer turn the stretch that fits best counts."""
    if not text or not example:
        return 0.0
    return fuzz.partial_ratio(example, text) if len(text) > len(example) else fuzz.ratio(example, text)


def _sounds(side: Side, source: str) -> str:
    return sounding(side, side.normal.words(source))


def _sounds_of(side: Side, low: int, high: int) -> str:
    return sounding(side, side.texts[low:high])


def sounding(side: Side, units: Sequence[str]) -> str:
    """Return units as they are compared: Chinese by sound, all else by letters."""
    if not side.normal.chinese:
        return " ".join(units)
    return "".join(syllable(unit) if len(unit) == 1 else unit for unit in units)


def matches_pattern(look: Look, operator: Operator) -> Found:
    """A regular expression within one turn, in normal form; `without` must not match in the same turn."""
    case = look.case
    pattern = _pattern(case, operator.regex or "")
    without = _pattern(case, operator.without) if operator.without else None
    exceptions = case.entries(operator.unless) if operator.unless else []
    budget = _Budget()
    hits: list[Hit] = []
    for side in look.sides:
        for form in (side, side.spelled) if side.spelled is not side else (side,):
            taken = {(hit.turn, hit.start) for hit in hits}
            for hit in _pattern_hits(look, form, pattern, without, exceptions, budget):
                if (hit.turn, hit.start) not in taken:
                    hits.append(hit)
    return look.judged(hits, "pattern_found", "pattern_absent")


class _Budget:
    """The time that one pattern may take in one call."""

    def __init__(self) -> None:
        self.until = time.monotonic() + PATTERN_SECONDS

    def search(self, pattern: regex.Pattern[str], text: str) -> Iterator[regex.Match[str]]:
        """Yield the matches.

        Raises:
            PatternTooSlow: the time is spent.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise PatternTooSlow(pattern.pattern)
        try:
            yield from pattern.finditer(text, timeout=left)
        except TimeoutError as error:
            raise PatternTooSlow(pattern.pattern) from error


def _pattern(case: Case, source: str) -> regex.Pattern[str]:
    found = pattern_of(source, case.phrases.slots, case.phrases.normaliser)
    if found is not None:
        return found
    normal = case.phrases.normaliser
    plain = regex.escape(normal.joint.join(normal.words(source)), special_only=True)
    return regex.compile(plain if normal.chinese else rf"(?<!\w){plain}(?!\w)")


def _pattern_hits(
    look: Look,
    side: Side,
    pattern: regex.Pattern[str],
    without: regex.Pattern[str] | None,
    exceptions: Sequence[Entry],
    budget: _Budget,
) -> Iterator[Hit]:
    for turn in dict.fromkeys(side.turns):
        low, high = side.in_turns(turn, turn)
        text, offset = side.text_between(low, high)
        spans = [
            (side.units_at(offset + match.start(), offset + match.end()), match.group(1) if match.groups() else "")
            for match in budget.search(pattern, text)
            if match.end() > match.start()
        ]
        if not spans or (without is not None and next(budget.search(without, text), None) is not None):
            continue
        for (first, last), group in spans:
            first, last = max(first, low), min(last, high)
            if exceptions and excepted(exceptions, (), side, first, last) == "said":
                continue
            hit = _unit_hit(
                side, turn, first, last, wording=pattern.pattern[:120], content=group or "".join(side.texts[first:last])
            )
            yield hit.doubted(doubt) if look.fault and (doubt := _fault_doubt(side, first, last)) else hit


def near(look: Look, wanted: Near) -> Found:
    """Words with others within so many words of them in the same turn, or (`apart`) without."""
    case = look.case
    first, second = case.entries(wanted.any), case.entries(wanted.to)
    hits = []
    for where in look.ranges():
        side = where.side
        others = sorted(span for entry in second for span in occurrences(entry, side, where.low, where.high))
        longest = max((last - first for first, last in others), default=0)
        for entry in first:
            for span in occurrences(entry, side, where.low, where.high):
                low = bisect_left(others, (span[0] - wanted.words - longest, 0))
                high = bisect_right(others, (span[1] + wanted.words, 0))
                close = [other for other in others[low : high + 1] if _close(side, span, other, wanted)]
                if bool(close) is wanted.apart:
                    continue
                begin, end = span
                if close:
                    begin, end = min(begin, close[0][0]), max(end, close[0][1])
                hit = _unit_hit(side, side.turns[begin], begin, end, wording=entry.wording)
                hits.append(hit.doubted(d) if look.fault and (d := _fault_doubt(side, *span)) else hit)
    return look.judged(hits, "near_said", "not_near")


def _close(side: Side, one: tuple[int, int], other: tuple[int, int], wanted: Near) -> bool:
    if side.turns[one[0]] != side.turns[other[0]] or (other[0] < one[1] and one[0] < other[1]):
        return False
    if other[0] >= one[1]:
        return other[0] - one[1] <= wanted.words
    return not wanted.in_order and one[0] - other[1] <= wanted.words


# Repetition, entities, reading back.


def repeated(look: Look, wanted: Repeated) -> Found:
    """A turn like one of the speaker's turns before it."""
    case = look.case
    hits = []
    for side in look.sides:
        excluded = case.entries(wanted.exceptions)
        earlier: list[str] = []
        for turn in dict.fromkeys(side.turns):
            low, high = side.in_turns(turn, turn)
            if high - low < wanted.min_units or any(
                True for entry in excluded for _ in occurrences(entry, side, low, high)
            ):
                continue
            text = _sounds_of(side, low, high)
            like = sum(fuzz.ratio(text, other) >= 100 * wanted.similar for other in earlier[-wanted.back :])
            if like >= wanted.times:
                hits.append(_unit_hit(side, turn, low, high, values={"times": like}))
            earlier.append(text)
    return look.judged(hits, "said_again", "not_said_again")


def entity(look: Look, kind: str) -> Found:
    """A value of a kind: a telephone number, a sum of money, a date."""
    hits = []
    for side in look.sides:
        for place in look.place.ranges(look.case, side):
            for one in entities(kind, look.case, side, place.low, place.high):
                hit = _unit_hit(
                    side, side.turns[one.first], one.first, one.last, content=one.value, values={"entity": kind}
                )
                hits.append(hit.doubted(one.doubt) if one.doubt else hit)
    return look.judged(hits, "entity_found", "entity_absent", entity=kind)


def read_back(look: Look, name: str) -> Found:
    """A value that another condition found, said again: a number by its digits or its last four, else word for word."""
    assert look.values_of is not None
    given = look.values_of(name)
    if given.value is False or not any(hit.content for hit in given.hits):
        value = None if given.value is not False else False
        return Found(value, given.reason if value is None else "no_value_given", values=given.values)
    return disjunction_of([_one_read_back(look, hit) for hit in given.hits if hit.content])


def _one_read_back(look: Look, given: Hit) -> Found:
    digits = re.sub(r"\D", "", given.content)
    if len(digits) < MIN_DIGITS:
        return _text_read_back(look, given)
    values = {"digits": len(digits)}
    hits, others = [], []
    for where in look.ranges():
        runs = list(numbers_between(look.case, where.side, where.low, where.high))
        said = "".join(run.digits for run in runs)
        for run in runs:
            hit = _unit_hit(where.side, where.side.turns[run.first], run.first, run.last, values=values)
            if digits in run.digits or digits[-MIN_DIGITS:] in run.digits:
                hits.append(hit)
            elif len(run.digits) >= MIN_DIGITS:
                others.append(hit.doubted("value_differs"))
        if not hits and digits in said:  # in pieces
            hits.append(
                _unit_hit(where.side, where.side.turns[runs[0].first], runs[0].first, runs[-1].last, values=values)
            )
    if not hits and given.doubt and not others:
        return Found(None, given.doubt, values=values)
    # One misheard digit on either side looks the same as a wrong read-back.
    found = look.judged(hits or others, "value_read_back", "value_not_read_back", **values)
    return replace(found, values={**values, **found.values})


def _text_read_back(look: Look, given: Hit) -> Found:
    words = tuple(look.case.phrases.normaliser.words(given.content))
    hits = [
        _unit_hit(where.side, where.side.turns[first], first, last)
        for where in look.ranges()
        for first, last in where.side.find(words, where.low, where.high)
    ]
    found = look.judged(hits, "value_said_again", "value_not_said_again")
    return replace(found, value=None, reason="value_differs") if found.value is False and given.doubt else found


# Joining what was found.


def disjunction_of(founds: Sequence[Found]) -> Found:
    """Return Kleene's or of what was found, with the evidence that decides it."""
    value = disjunction(found.value for found in founds)
    deciding = [found for found in founds if found.value is value]
    if value is False:
        nearest = max((f.nearest for f in founds if f.nearest), key=lambda match: match.probability or 0, default=None)
        hits = tuple(hit for found in founds for hit in found.hits)
        return replace(deciding[0], nearest=nearest, hits=hits) if deciding else Found(False, "not_said")
    if value is True and len(founds) > len(deciding):
        deciding += [found for found in founds if found.value is None and found.hits]
    hits = tuple(sorted((hit for found in deciding for hit in found.hits), key=lambda hit: hit.start))
    different = {(hit.start, hit.end, hit.turn, hit.speaker): hit for hit in _reasoned(deciding, hits)}
    return replace(deciding[0], hits=tuple(different.values()))


def _reasoned(founds: Sequence[Found], hits: Sequence[Hit]) -> Iterator[Hit]:
    """Yield hits, each with the reason of the condition that found it."""
    reasons = {id(hit): found for found in founds for hit in found.hits}
    for hit in hits:
        found = reasons[id(hit)]
        yield replace(hit, reason=hit.reason or found.reason, values={**found.values, **hit.values})


def conjunction_of(founds: Sequence[Found]) -> Found:
    """Return Kleene's and of what was found; the hits are those of the first that has any."""
    value = conjunction(found.value for found in founds)
    deciding = [found for found in founds if found.value is value]
    if value is not True:
        return deciding[0]
    return next((found for found in deciding if found.hits), deciding[0])


def opposite(found: Found) -> Found:
    """Return Kleene's not; what was found stays as evidence."""
    return replace(found, value=negation(found.value))


def joined_operators(look: Look, operator: Operator, find: Callable[[Look, Operator], Found]) -> Found:
    """all_of, any_of and not: operators at the same place."""
    if operator.negated is not None:
        return opposite(find(look.reversed(), operator.negated))
    if operator.any_of is not None:
        return disjunction_of([find(look, one) for one in operator.any_of])
    inner = operator.all_of or ()
    if not operator.in_turn:
        return conjunction_of([find(look, one) for one in inner])
    full = replace(look, complete=True)
    wanted = [find(full, one) for one in inner if one.negated is None]
    unwanted = [find(full.reversed(), one.negated) for one in inner if one.negated is not None]
    return _in_one_turn(wanted, unwanted, len(wanted))
