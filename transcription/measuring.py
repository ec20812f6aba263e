"""Measure the sound of a call: who talks how much, silences, interruptions, pace, loudness and quality.

Every figure rests on the spans of voice activity detection, one list for each channel, and is as good as they are:
music on hold counts as silence or as speech as the detector takes it. Definitions and units stand at each function;
the limits are those of shared practice where a source is named, and our own otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from transcription.audio import Recording
from transcription.crosstalk import is_one_sound
from transcription.engine import Span
from transcription.intervals import Intervals, gaps, intersection, intervals_of, joined, total, union
from transcription.languages import count_units, counts_characters, join_pieces
from transcription.levels import ChannelLevels
from transcription.measures import (
    AGENT_CHANNEL_UNKNOWN,
    NO_SPEECH,
    NO_WORD_TIMES,
    ONE_CHANNEL,
    SAME_CHANNELS,
    TOO_FEW_WORDS,
    AudioMeasures,
    Overlap,
    SideMeasures,
    Silence,
    TurnLevel,
)
from transcription.transcript import AGENT, CUSTOMER, UNKNOWN, Transcript, Turn

LEAST_SILENCE = 2.0  # seconds; shorter ones are the pauses of a conversation
BREATH = 0.3  # seconds; a speaker who pauses no longer keeps the floor
LEAST_OVERLAP = 0.2  # seconds; voice activity detection is no finer
FLOOR = 0.5  # seconds of speech that give a side the floor; who began together interrupts nobody
INTERRUPTION_SECONDS = 2.0  # the usual setting of Alibaba's 抢话 check is 2 to 3 s
INTERRUPTION_UNITS = 4  # words, or characters in Chinese: the same check asks for 4 characters
LEAST_UNITS_FOR_RATE = 20
LEAST_SECONDS_FOR_RATE = 5.0

GOOD_SNR_DB, POOR_SNR_DB = 20.0, 10.0
GOOD_CLIPPING, POOR_CLIPPING = 0.001, 0.01  # share of samples
QUIET_DBFS, FAINT_DBFS = -38.0, -48.0

# Words that show listening, not a wish to speak, at the beginning of what was said.
_BACK_CHANNEL = re.compile(
    r"""(?:[\W_]*(?:
        (?:yes|yeah|yep|yup|right|ok|okay|sure|exactly|absolutely|great|good|well|oh|ah|aha|uh|um|er|m+|h+m+|mhm|huh
          |i\s+see|got\s+it|of\s+course|thanks|thank\s+you|all\s+right|alright)\b
        |[嗯哦噢喔啊唉哎诶呃哈]|好的|好吧|是的|是啊|对的|对啊|对呀|没错|明白|知道了|这样啊|谢谢
        |[好是对行](?=[好是对行嗯啊哦\W]|$)
    ))+""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Side:
    """One channel with a name, its speech and its levels."""

    name: str
    speech: Intervals
    levels: ChannelLevels


def measure(
    recording: Recording, spans: Sequence[Sequence[Span]], transcript: Transcript, *, agent_channel: int | None
) -> AudioMeasures:
    """Return the measures of `recording`.

    Args:
        recording: samples of shape (channels, frames) from -1 to 1, one or two channels.
        spans: where there is speech, for each channel, from voice activity detection.
        transcript: of the same recording; its words give the pace and the content of overlaps.
        agent_channel: 0 or 1 on two channels; None when unknown or on one channel.

    On one channel, and on two channels with the same sound, the sides cannot be told apart: silences, end gap and
    quality are given, all that is per side is not. The same holds for interruptions when `agent_channel` is None,
    but talk time and loudness are given by channel.

    Raises:
        ValueError: not one or two channels, not a list of spans for each, or no such channel.
    """
    _require_fitting(recording.channels, spans, agent_channel)
    samples, duration = recording.samples, recording.duration
    speech = [intervals_of(channel, duration) for channel in spans]
    reason = _why_not_separable(recording, agent_channel)
    if reason in (ONE_CHANNEL, SAME_CHANNELS):
        samples, speech = samples[:1], [union(np.concatenate(speech))]
    names = _names(len(samples), agent_channel)
    sides = [
        _Side(name, channel_speech, ChannelLevels(channel, recording.rate, channel_speech))
        for name, channel_speech, channel in zip(names, speech, samples, strict=True)
    ]
    return _measured(sides, transcript, duration, recording.channels, reason)


def _measured(
    sides: Sequence[_Side], transcript: Transcript, duration: float, channels: int, reason: str | None
) -> AudioMeasures:
    anyone = union(np.concatenate([side.speech for side in sides]))
    described = {side.name: _side_measures(side, sides, transcript, reason) for side in sides}
    overlaps = None if reason else tuple(_overlaps(sides[0], sides[1], transcript))
    snr = min((found for side in sides if (found := side.levels.snr()) is not None), default=None)
    end = float(anyone[-1, 1]) if len(anyone) else None
    return AudioMeasures(
        duration=round(duration, 3),
        channels=channels,
        sides=described,
        silences=tuple(_silences(sides, anyone, duration, named=reason is None)),
        overlaps=overlaps,
        end_gap=None if end is None else round(duration - end, 3),
        last_speaker=None if end is None or reason else _last_before(sides, end),
        snr_db=_rounded(snr, 1),
        quality=_quality(snr, described.values()),
        not_measurable=_reasons(described, overlaps, snr, reason),
        turn_levels=None if reason else tuple(_turn_levels(sides, transcript)),
    )


def _turn_levels(sides: Sequence[_Side], transcript: Transcript) -> Iterator[TurnLevel]:
    """Yield the level of every turn that holds enough speech."""
    levels = {side.name: side.levels for side in sides}
    for turn in transcript.turns if transcript.timed else ():
        if turn.speaker in levels and (level := levels[turn.speaker].between(turn.start, turn.end)) is not None:
            yield TurnLevel(turn.speaker, turn.start, turn.end, round(level, 1))


def _require_fitting(channels: int, spans: Sequence[Sequence[Span]], agent: int | None) -> None:
    if channels not in (1, 2):
        raise ValueError(f"a recording of {channels} channels cannot be measured: it needs one or two")
    if len(spans) != channels:
        raise ValueError(f"{channels} channels need as many lists of spans, got {len(spans)}")
    if agent is not None and not 0 <= agent < channels:
        raise ValueError(f"agent_channel is {agent}, but the recording has {channels} channels")


def _why_not_separable(recording: Recording, agent_channel: int | None) -> str | None:
    if recording.channels == 1:
        return ONE_CHANNEL
    if is_one_sound(recording):
        return SAME_CHANNELS
    return AGENT_CHANNEL_UNKNOWN if agent_channel is None else None


def _names(channels: int, agent_channel: int | None) -> list[str]:
    if channels == 1:
        return [UNKNOWN]
    if agent_channel is None:
        return ["channel 0", "channel 1"]
    return [AGENT, CUSTOMER] if agent_channel == 0 else [CUSTOMER, AGENT]


def _side_measures(side: _Side, sides: Sequence[_Side], transcript: Transcript, reason: str | None) -> SideMeasures:
    """Describe one side.

    `talk_seconds` is the length of its speech and `talk_share` its part of both sides' talk time, which counts
    overlapping speech for each. `loudness_dbfs`, `loudness_swing_db` and `clipping_share`: see transcription/levels.py.
    """
    talk = total(side.speech)
    both = sum(total(each.speech) for each in sides)
    units = 0
    if reason is None:
        units = sum(count_units(turn.text, transcript.language) for _, turn in transcript.said_by(side.name))
    return SideMeasures(
        talk_seconds=round(talk, 3),
        talk_share=round(talk / both, 4) if len(sides) == 2 and both else None,
        speech_rate=_rounded(_speech_rate(units, talk), 1),
        rate_unit="chars/min" if counts_characters(transcript.language) else "words/min",
        rate_units_counted=units,
        loudness_dbfs=_rounded(side.levels.loudness(), 1),
        loudness_swing_db=_rounded(side.levels.swing(), 1),
        clipping_share=round(side.levels.clipping(), 6),
    )


def _speech_rate(units: int, talk_seconds: float) -> float | None:
    """Return words (characters in Chinese) a minute of this side's own speech, silence left out.

    The words are those of the transcript, counted without punctuation by `languages.count_units`. None below 20
    words or 5 s of speech, where one long name would decide.
    """
    if units < LEAST_UNITS_FOR_RATE or talk_seconds < LEAST_SECONDS_FOR_RATE:
        return None
    return 60 * units / talk_seconds


def _silences(sides: Sequence[_Side], anyone: Intervals, duration: float, *, named: bool) -> Iterator[Silence]:
    """Yield each stretch of 2 s or more in which nobody speaks, from the beginning of the recording to the last
    speech; what follows that is the end gap."""
    until = float(anyone[-1, 1]) if len(anyone) else duration
    for start, end in gaps(anyone, 0.0, until).tolist():
        if end - start >= LEAST_SILENCE:
            yield Silence(round(start, 3), round(end, 3), _last_before(sides, start) if named else None)


def _last_before(sides: Sequence[_Side], time: float) -> str | None:
    """Return the side whose speech ended last at or before `time`; None when none did."""
    ends = {side.name: side.speech[side.speech[:, 1] <= time, 1].max(initial=-1.0) for side in sides}
    name = max(ends, key=lambda each: ends[each])
    return name if ends[name] >= 0 else None


def _overlaps(first: _Side, second: _Side, transcript: Transcript) -> Iterator[Overlap]:
    """Yield each stretch of 0.2 s or more in which both sides speak, where a pause of up to 0.3 s is still speech.

    `by` is the side that began later. It interrupts when the stretch lasts 2.0 s or more, the other side had the floor
    (had been speaking for 0.5 s or more), and at least 4 words (characters in Chinese) of its own lie within it,
    not counting a back-channel such as "yeah, okay" or 嗯好的 at the beginning. A word lies where its middle lies.
    """
    runs = {side.name: joined(side.speech, BREATH) for side in (first, second)}
    for start, end in intersection(runs[first.name], runs[second.name]).tolist():
        if end - start < LEAST_OVERLAP:
            continue
        begun = {name: _begin_of_run(run, start) for name, run in runs.items()}
        by = max(begun, key=lambda name: begun[name])
        had_floor = max(begun.values()) - min(begun.values()) >= FLOOR
        text = _said_within(transcript, by, start, end)
        words = None if text is None else count_units(text, transcript.language)
        long_enough = had_floor and end - start >= INTERRUPTION_SECONDS
        interruption = None if long_enough and words is None else long_enough and (words or 0) >= INTERRUPTION_UNITS
        yield Overlap(round(start, 3), round(end, 3), by, words, interruption, text)


def _begin_of_run(run: Intervals, time: float) -> float:
    """Return when the interval that holds `time` began."""
    return float(run[np.searchsorted(run[:, 0], time, side="right") - 1, 0])


def _said_within(transcript: Transcript, speaker: str, start: float, end: float) -> str | None:
    """Return what `speaker` said from `start` to `end`, less a leading back-channel; None without word times."""
    turns = [turn for _, turn in transcript.said_by(speaker)]
    near = [turn for turn in turns if turn.end > start and turn.start < end]
    if not all(_has_word_times(turn) for turn in near or turns) or not transcript.timed:
        return None
    words = [word for turn in near for word in turn.words if start <= (word.start + word.end) / 2 < end]
    said = join_pieces(word.text for word in words)
    leading = _BACK_CHANNEL.match(said)
    return said[leading.end() :].lstrip(" ,.!?;:，。！？；：、") if leading else said


def _has_word_times(turn: Turn) -> bool:
    return bool(turn.words) or not turn.text.strip()


def _quality(snr: float | None, sides: Iterable[SideMeasures]) -> str:
    """Return the verdict on the sound, by the worst channel with speech.

    good: 20 dB or more over the noise, under 0.1 % of samples clipped, speech at -38 dBFS or louder.
    poor: under 10 dB, or 1 % or more clipped, or speech below -48 dBFS.
    fair: between these; unknown: no speech. The limits are ours: recognition errors rise steeply below 10 dB.
    """
    heard = [side for side in sides if side.loudness_dbfs is not None]
    if snr is None or not heard:
        return "unknown"
    clipping = max(side.clipping_share for side in heard)
    loudness = min(side.loudness_dbfs for side in heard if side.loudness_dbfs is not None)
    if snr < POOR_SNR_DB or clipping >= POOR_CLIPPING or loudness < FAINT_DBFS:
        return "poor"
    return "good" if snr >= GOOD_SNR_DB and clipping < GOOD_CLIPPING and loudness >= QUIET_DBFS else "fair"


def _reasons(
    sides: Mapping[str, SideMeasures], overlaps: Sequence[Overlap] | None, snr: float | None, reason: str | None
) -> dict[str, str]:
    """Say why a measure has no value, by the keys that AudioMeasures lists."""
    reasons: dict[str, str] = {}
    if reason:
        reasons = dict.fromkeys(("speech_rate", "overlaps", "interruptions"), reason)
    if len(sides) == 1 and reason:
        reasons["talk_share"] = reason
    if not reason:
        reasons |= {f"speech_rate.{name}": TOO_FEW_WORDS for name, side in sides.items() if side.speech_rate is None}
    if any(overlap.interruption is None for overlap in overlaps or ()):
        reasons["interruptions"] = NO_WORD_TIMES
    if not any(side.talk_seconds for side in sides.values()):
        reasons |= dict.fromkeys(("end_gap", "talk_share"), NO_SPEECH)
    if snr is None:
        reasons["snr"] = NO_SPEECH
    return reasons


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
