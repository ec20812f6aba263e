"""Conditions about the sound and the run of the call: silence, pace, loudness, who talks over whom, its fields."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from scoring.case import Case
from scoring.check_models import CallField, HangupGap, Interruption, Limits, Loudness, Silence, SpeechRate
from scoring.found import Found, Hit, by_hits
from scoring.places import stretches
from scoring.quiet import Pause
from scoring.rates import mean_rate, turn_rates
from scoring.spoken import Stretch
from scoring.word_operators import Look
from transcription.measures import Overlap
from transcription.transcript import AGENT, CUSTOMER, Turn

OTHER = {AGENT: CUSTOMER, CUSTOMER: AGENT}


def silence(look: Look, wanted: Silence) -> Found:
    """Nobody speaks for so long, but for holds."""
    case = look.case
    if case.pauses is None:
        return Found(None, "no_times")
    doubt = case.role_doubt(AGENT) if wanted.after or wanted.before else None
    hits = []
    for pause in case.pauses:
        if not wanted.hold(pause.length) or _on_hold(case, pause):
            continue
        sides = [(wanted.after, pause.after), (wanted.before, pause.before)]
        if any(asked and known and asked != known for asked, known in sides):
            continue
        hit = Hit(pause.start, pause.end, values={"seconds": round(pause.length, 1)})
        unknown = doubt or ("speakers_unknown" if any(asked and not known for asked, known in sides) else None)
        hits.append(hit.doubted(unknown) if unknown else hit)
    return _placed(look, hits, "silence_found", Found(False, "no_such_silence"))


def _on_hold(case: Case, pause: Pause) -> bool:
    return any(hold.start < pause.end and (hold.end or pause.end) > pause.start for hold in case.facts.holds())


def _placed(look: Look, hits: Iterable[Hit], reason: str, absent: Found) -> Found:
    admitted = [hit for one in hits if (hit := look.place.admit(look.case, one)) is not None]
    return by_hits(admitted, reason, absent)


def response_time(look: Look, wanted: Limits) -> Found:
    """From the end of the other side's words to the beginning of this one's."""
    case = look.case
    if not case.timed:
        return Found(None, "no_times")
    if doubt := case.role_doubt(look.role):
        return Found(None, doubt)
    hits = []
    before: Stretch | None = None
    for stretch in case.spoken.stretches:
        if before is not None and before.speaker != stretch.speaker and look.role in ("any", stretch.speaker):
            start, end = _heard(case, before)[1], _heard(case, stretch)[0]
            gap = max(0.0, end - start)
            if wanted.hold(gap):
                values = {"seconds": round(gap, 1)}
                hits.append(Hit(end, end, stretch.first, stretch.speaker, values=values))
        before = stretch
    return _placed(look, hits, "response_found", Found(False, "no_such_response"))


def _heard(case: Case, stretch: Stretch) -> tuple[float, float]:
    """Return when the first words of a stretch begin and its last end."""
    turns = [case.transcript.turns[index] for index in range(stretch.first, stretch.last + 1)]
    mine = [turn for turn in turns if turn.speaker == stretch.speaker]
    return min(map(_start, mine)), max(map(_end, mine))


def _start(turn: Turn) -> float:
    return turn.words[0].start if turn.words else turn.start


def _end(turn: Turn) -> float:
    return turn.words[-1].end if turn.words else turn.end


def speech_rate(look: Look, wanted: SpeechRate) -> Found:
    """Words or characters a minute, of the whole call or of single turns."""
    case = look.case
    if doubt := case.role_doubt(look.role):
        return Found(None, doubt)
    if unheard := case.absence_doubt(look.ranges()):  # a rate counts words: it is as good as they are
        return Found(None, unheard[0], values=unheard[1])
    chinese = case.phrases.normaliser.chinese
    unit = "chars/min" if chinese else "words/min"
    if wanted.per == "call" and look.place.whole:
        rate = mean_rate(case.transcript, case.measures, look.role, chinese=chinese, timed=case.timed)
        if rate is None or rate.units < wanted.min_units:
            reason = "not_measured" if rate is None else "too_little_speech"
            return Found(None, reason, values={"least": wanted.min_units})
        holds = wanted.hold(rate.per_minute)
        return Found(holds, "rate_is", values={"rate": round(rate.per_minute), "unit": unit})
    rates = [] if not case.timed else turn_rates(case.transcript, look.role, chinese=chinese)
    inside = [rate for rate in rates if look.place.holds(rate.start or 0.0)]
    if wanted.per == "call":
        units, minutes = sum(r.units for r in inside), sum(r.units / r.per_minute for r in inside)
        if units < wanted.min_units:
            return Found(None, "too_little_speech", values={"least": wanted.min_units})
        return Found(wanted.hold(units / minutes), "rate_is", values={"rate": round(units / minutes), "unit": unit})
    if not rates:
        return Found(None, "not_measured")
    hits = [
        Hit(
            rate.start or 0.0, rate.end or 0.0, speaker=look.role,
            values={"rate": round(rate.per_minute), "unit": unit},
        )
        for rate in rates
        if rate.units >= wanted.min_units and wanted.hold(rate.per_minute)
    ]  # fmt: skip
    return _placed(look, hits, "rate_is", Found(False, "no_such_rate"))


def interruption(look: Look, wanted: Interruption) -> Found:
    """Speaking while the other side has been speaking."""
    case = look.case
    if case.measures is None:
        return Found(None, "not_measured")
    if case.measures.overlaps is None or (look.role != "any" and case.role_doubt(look.role)):
        return Found(None, "one_channel")
    yes = {unit for entry in case.entries(wanted.exceptions) for unit in entry.words}
    hits = []
    for overlap in case.measures.overlaps:
        if look.role in ("any", overlap.by) and overlap.end - overlap.start >= wanted.overlap_s:
            hit = _overlap_hit(case, wanted, overlap, yes)
            hits += [hit] if hit else []
    return _placed(look, hits, "interrupted", Found(False, "no_interruption", values={"seconds": wanted.overlap_s}))


def _overlap_hit(case: Case, wanted: Interruption, overlap: Overlap, yes: set[str]) -> Hit | None:
    values = {"seconds": round(overlap.end - overlap.start, 1), "words": overlap.words}
    hit = Hit(overlap.start, overlap.end, speaker=overlap.by, text=overlap.text, values=values)
    if overlap.words is None:
        return hit.doubted("words_unknown")
    side = case.spoken.side(overlap.by).unstripped
    low, high = side.between_times(overlap.start - 0.2, overlap.end)
    heard = side.texts[low:high]
    if overlap.words < wanted.min_words or (heard and all(text in yes for text in heard)):
        return None
    if wanted.delay_s:
        floor = [turn for turn in case.transcript.turns if turn.speaker == OTHER.get(overlap.by)]
        since = [_start(turn) for turn in floor if _start(turn) <= overlap.start <= _end(turn)]
        if since and overlap.start - min(since) < wanted.delay_s:
            return None
        if not since:
            return hit.doubted("speakers_unknown")
    return hit


def loudness(look: Look, wanted: Loudness) -> Found:
    """The level of one side: its mean, its swing, or a jump from one of its turns to the next."""
    case = look.case
    if case.measures is None:
        return Found(None, "not_measured")
    if case.measures.quality == "poor":
        return Found(None, "poor_audio")
    side = case.measures.sides.get(look.role)
    if side is None or case.role_doubt(look.role):
        return Found(None, "one_channel")
    if wanted.jump_db is not None:
        return _jumps(look, wanted.jump_db)
    if wanted.swing_db is not None:
        value, limit = side.loudness_swing_db, wanted.swing_db
    else:
        value = side.loudness_dbfs
        limit = wanted.below_dbfs if wanted.below_dbfs is not None else wanted.above_dbfs or 0.0
    if value is None:
        return Found(None, "not_measured")
    holds = value < limit if wanted.below_dbfs is not None else value > limit
    reason = "swing_is" if wanted.swing_db is not None else "level_is"
    return Found(holds, reason, values={"value": round(value, 1), "limit": limit})


def _jumps(look: Look, least: float) -> Found:
    """Jumps between neighbouring turns; levels of single turns are measured with the recording."""
    case = look.case
    levels = case.measures.turn_levels if case.measures is not None else None
    if levels is None:
        return Found(None, "not_measured")
    mine = [level for level in levels if level.speaker == look.role]
    hits = []
    for before, after in pairwise(mine):
        if (jump := abs(after.dbfs - before.dbfs)) >= least:
            values = {"value": round(jump, 1), "limit": least}
            hits.append(Hit(after.start, after.end, speaker=look.role, values=values))
    return _placed(look, hits, "level_jumped", Found(False, "no_jump", values={"limit": least}))


def pickup_gap(look: Look, wanted: Limits) -> Found:
    """From the beginning of the recording to the agent's first word."""
    case = look.case
    if not case.timed:
        return Found(None, "no_times")
    if doubt := case.role_doubt(AGENT):
        return Found(None, doubt)
    if case.first_agent_word is None:
        return Found(None, "nothing_heard")
    seconds = case.first_agent_word
    hit = Hit(0.0, seconds, values={"seconds": round(seconds, 1)})
    return Found(wanted.hold(seconds), "gap_is", (hit,) if wanted.hold(seconds) else (), hit.values)


def hangup_gap(look: Look, wanted: HangupGap) -> Found:
    """From the last words to the end of the recording."""
    case = look.case
    if not case.timed or not case.spoken.stretches:
        return Found(None, "no_times" if not case.timed else "nothing_heard")
    if wanted.last is not None:
        if doubt := case.role_doubt(wanted.last):
            return Found(None, doubt)
        if max(case.spoken.stretches, key=lambda stretch: stretch.end).speaker != wanted.last:
            return Found(False, "other_side_spoke_last")
    measured = case.measures.end_gap if case.measures is not None else None
    gap = measured if measured is not None else max(0.0, case.transcript.duration - case.last_word)
    hit = Hit(case.last_word, case.last_word + gap, values={"seconds": round(gap, 1)})
    return Found(wanted.hold(gap), "gap_is", (hit,) if wanted.hold(gap) else (), hit.values)


def duration(look: Look, wanted: Limits) -> Found:
    """The length of the recording."""
    case = look.case
    known = case.measures.duration if case.measures is not None else case.transcript.duration
    if not known:
        return Found(None, "no_times")
    return Found(wanted.hold(known), "duration_is", values={"seconds": round(known, 1)})


def turn_count(look: Look, over: float | None, under: float | None) -> Found:
    """How many turns of the role begin at the place."""
    case = look.case
    if doubt := case.role_doubt(look.role):
        return Found(None, doubt)
    held = [look.place.holds(stretch.start) for stretch in stretches(case, look.role)]
    counts = {held.count(True), held.count(True) + held.count(None)}
    verdicts = {(over is None or count > over) and (under is None or count < under) for count in counts}
    values = {"count": min(counts)}
    return (
        Found(None, look.place.reason, values=values)
        if len(verdicts) > 1
        else Found(verdicts.pop(), "turns_are", values=values)
    )


def call_field(look: Look, wanted: CallField) -> Found:
    """A field that came with the call."""
    value = look.case.facts.fields.get(wanted.name, "").strip()
    values = {"fact": wanted.name, "field": wanted.name, "value": value[:80]}
    if wanted.given is not None:
        return Found(bool(value) is wanted.given, "field_is" if value else "field_empty", values=values)
    if not value:
        return Found(None, "fact_missing", values=values)
    holds = True
    if wanted.equals:
        holds = value.casefold() in {one.casefold() for one in wanted.equals}
    if wanted.differs:
        holds = holds and value.casefold() not in {one.casefold() for one in wanted.differs}
    if wanted.over is not None or wanted.under is not None:
        try:
            holds = holds and wanted.hold(float(value))
        except ValueError:
            return Found(None, "field_no_number", values=values)
    return Found(holds, "field_is", values=values)
