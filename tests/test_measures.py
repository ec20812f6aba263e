"""The audio measures on sound whose answers are known because the test makes it."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from transcription.audio import Recording
from transcription.engine import Span
from transcription.intervals import intervals_of
from transcription.json_values import WrongValue
from transcription.levels import ChannelLevels
from transcription.measures import AudioMeasures, Overlap, Silence
from transcription.measuring import measure
from transcription.transcript import AGENT, CUSTOMER, UNKNOWN, Transcript, Turn, Word

RATE = 8_000  # Hz
SHARED_DATA = Path(os.environ.get("HOTLINE_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")


def sound(
    seconds: float, *spans: tuple[float, float], level: float = -20.0, noise: float = -60.0, seed: int = 7
) -> NDArray[np.float32]:
    """Return a channel with noise at `level` dBFS within `spans` and at `noise` dBFS elsewhere."""
    random = np.random.default_rng(seed)
    samples = random.normal(0, 10 ** (noise / 20), int(seconds * RATE))
    for start, end in spans:
        place = slice(int(start * RATE), int(end * RATE))
        samples[place] = random.normal(0, 10 ** (level / 20), place.stop - place.start)
    return samples.astype(np.float32)


def recording_of(*channels: NDArray[np.float32]) -> Recording:
    return Recording(np.stack(channels), RATE)


def spans_of(*pairs: tuple[float, float]) -> list[Span]:
    return [Span(start, end) for start, end in pairs]


def call(
    agent: list[tuple[float, float]],
    customer: list[tuple[float, float]],
    *turns: Turn,
    seconds: float = 60.0,
    language: str = "en",
    agent_channel: int | None = 0,
    level: float = -20.0,
    noise: float = -60.0,
) -> AudioMeasures:
    """Measure a stereo call with speech at the given times; the agent is on the left unless said otherwise."""
    left = sound(seconds, *agent, level=level, noise=noise)
    recording = recording_of(left, sound(seconds, *customer, level=-26.0, seed=8))
    transcript = Transcript(language, seconds, 2, tuple(sorted(turns, key=lambda turn: turn.start)))
    return measure(recording, [spans_of(*agent), spans_of(*customer)], transcript, agent_channel=agent_channel)


def said(speaker: str, start: float, end: float, text: str, *, timed_words: bool = True) -> Turn:
    """Return a turn with its words (characters in Chinese) spread evenly from start to end."""
    words = text.split() if " " in text or text.isascii() else list(text)
    edges = np.linspace(start, end, len(words) + 1).tolist()
    spread = tuple(Word(word, edges[n], edges[n + 1]) for n, word in enumerate(words))
    return Turn(speaker, start, end, text, spread if timed_words else ())


def test_talk_time_is_the_length_of_each_sides_speech() -> None:
    measures = call([(1, 11), (9, 13)], [(20, 28)])

    assert measures.sides[AGENT].talk_seconds == 12.0
    assert measures.sides[CUSTOMER].talk_seconds == 8.0
    assert (measures.sides[AGENT].talk_share, measures.sides[CUSTOMER].talk_share) == (0.6, 0.4)


def test_the_agent_may_be_on_the_right() -> None:
    measures = call([(1, 11)], [(20, 25)], agent_channel=1)

    assert measures.sides[AGENT].talk_seconds == 5.0
    assert measures.last_speaker == AGENT


def test_silences_of_two_seconds_are_listed_with_who_spoke_before() -> None:
    measures = call([(3, 10), (30, 32)], [(11.5, 20), (33.9, 40)])

    assert measures.silences == (Silence(0.0, 3.0, None), Silence(20.0, 30.0, CUSTOMER))


def test_what_follows_the_last_speech_is_the_end_gap_and_no_silence() -> None:
    measures = call([(0, 10)], [(11, 48)])

    assert (measures.end_gap, measures.last_speaker, measures.silences) == (12.0, CUSTOMER, ())


def test_who_begins_while_the_other_speaks_overlaps() -> None:
    measures = call([(0, 10), (20, 25)], [(9, 15), (19.9, 30)])

    assert measures.overlaps is not None
    assert [(o.start, o.end, o.by) for o in measures.overlaps] == [(9.0, 10.0, CUSTOMER), (20.0, 25.0, AGENT)]


def test_an_interruption_needs_two_seconds_four_words_and_the_others_floor() -> None:
    interrupting = "no wait let me tell you what happened there"

    measures = call([(0, 10)], [(7, 12)], said(CUSTOMER, 7, 12, interrupting))

    assert measures.overlaps == (Overlap(7.0, 10.0, CUSTOMER, 5, True, "no wait let me tell"),)


@pytest.mark.parametrize(
    ("agent", "customer", "words"),
    [
        pytest.param((0, 8.9), (7, 12), "no wait let me tell you what happened there", id="shorter than 2 s"),
        pytest.param((0, 10), (7, 12), "but why is that", id="too few words within"),
        pytest.param((0, 10), (0.2, 12), "no wait let me tell you what happened there", id="both began together"),
        pytest.param((0, 12), (7, 9.5), "yes okay right mm hmm sure", id="a back-channel"),
        pytest.param((0, 12), (7, 9.5), "", id="noise without words"),
    ],
)
def test_other_overlaps_are_no_interruption(
    agent: tuple[float, float], customer: tuple[float, float], words: str
) -> None:
    anchor = said(AGENT, 0, 1, "hello")

    measures = call([agent], [customer], anchor, *([said(CUSTOMER, *customer, words)] if words else []))

    assert [overlap.interruption for overlap in measures.overlaps or ()] == [False]
    assert "interruptions" not in measures.not_measurable


@pytest.mark.parametrize(
    ("text", "units", "counts"),
    [
        ("嗯嗯好的好的是的对啊", 0, False),
        ("对不起我想先问一下", 9, True),
        ("嗯，那你先听我说完", 7, True),
        ("好的谢谢啊好", 0, False),
    ],
)
def test_chinese_back_channels_do_not_interrupt(text: str, units: int, counts: bool) -> None:
    measures = call([(0, 20)], [(7, 11)], said(CUSTOMER, 7, 11, text), language="zh-CN")

    assert [(o.words, o.interruption) for o in measures.overlaps or ()] == [(units, counts)]


def test_a_pause_for_breath_keeps_the_floor() -> None:
    measures = call([(0, 8.0), (8.2, 10)], [(7, 12)])

    assert [(o.start, o.end) for o in measures.overlaps or ()] == [(7.0, 10.0)]


def test_without_word_times_nobody_can_tell_an_interruption() -> None:
    measures = call([(0, 10)], [(7, 12)], said(CUSTOMER, 7, 12, "let me tell you now please", timed_words=False))

    assert [(o.words, o.interruption) for o in measures.overlaps or ()] == [(None, None)]
    assert measures.not_measurable["interruptions"] == "no_word_times"


@pytest.mark.parametrize(
    ("language", "text", "rate", "unit"),
    [
        ("en", "one, two three four five! " * 6, 180.0, "words/min"),
        ("zh-CN", "您好，请拨10086。" * 4, 216.0, "chars/min"),
    ],
)
def test_pace_is_words_or_characters_over_talk_time(language: str, text: str, rate: float, unit: str) -> None:
    measures = call([(0, 4), (30, 36)], [(40, 50)], said(AGENT, 0, 36, text), language=language)

    side = measures.sides[AGENT]
    assert (side.speech_rate, side.rate_unit) == (rate, unit)
    assert side.rate_units_counted == rate / 6


def test_pace_of_a_few_words_is_not_measurable() -> None:
    measures = call([(0, 10)], [(20, 30)], said(AGENT, 0, 10, "word " * 25), said(CUSTOMER, 20, 30, "word " * 19))

    assert measures.sides[CUSTOMER].speech_rate is None
    assert measures.not_measurable == {"speech_rate.customer": "too_few_words"}


def test_loudness_is_the_level_over_speech_only() -> None:
    measures = call([(10, 20)], [(30, 40)], level=-18.0)

    assert measures.sides[AGENT].loudness_dbfs == pytest.approx(-18.0, abs=0.2)
    assert measures.sides[CUSTOMER].loudness_dbfs == pytest.approx(-26.0, abs=0.2)


def test_a_full_scale_sine_reads_three_decibels_below_full_scale() -> None:
    sine = np.sin(2 * np.pi * 440 * np.arange(5 * RATE) / RATE).astype(np.float32)

    levels = ChannelLevels(sine + np.float32(0.2), RATE, intervals_of([Span(0, 5)], 5.0))

    assert levels.loudness() == pytest.approx(-3.01, abs=0.01)


def test_swing_is_the_spread_of_levels_within_speech() -> None:
    steady = ChannelLevels(sound(20, (0, 20)), RATE, intervals_of([Span(0, 20)], 20.0))
    samples = np.concatenate((sound(10, (0, 10), level=-20), sound(10, (0, 10), level=-32)))
    swinging = ChannelLevels(samples, RATE, intervals_of([Span(0, 20)], 20.0))

    assert steady.swing() == pytest.approx(0.4, abs=0.4)
    assert swinging.swing() == pytest.approx(12.0, abs=0.6)


@pytest.mark.parametrize("noise", [-70.0, -50.0, -35.0])
def test_snr_is_the_known_ratio_of_speech_to_noise(noise: float) -> None:
    levels = ChannelLevels(sound(30, (5, 15), noise=noise), RATE, intervals_of([Span(5, 15)], 30.0))

    # Where the test puts speech it puts no noise, so the true ratio is that of the two levels less the noise.
    assert levels.snr() == pytest.approx(-20 - noise, abs=0.6)


@pytest.mark.parametrize(("peak", "clipped"), [(1.0, True), (0.98, True), (0.5, False)], ids=["full", "g711", "half"])
def test_clipping_is_a_flat_top_at_the_ceiling_of_the_codec(peak: float, clipped: bool) -> None:
    tone = np.sin(2 * np.pi * 200 * np.arange(10 * RATE) / RATE)
    flattened = (np.clip(1.5 * tone, -1, 1) * peak).astype(np.float32)

    share = ChannelLevels(flattened, RATE, intervals_of([Span(0, 10)], 10.0)).clipping()

    assert share == pytest.approx(0.55 if clipped else 0.0, abs=0.06)


def test_a_sine_that_just_fits_is_not_clipped() -> None:
    tone = np.sin(2 * np.pi * 213 * np.arange(10 * RATE) / RATE).astype(np.float32)

    assert ChannelLevels(tone, RATE, intervals_of([Span(0, 10)], 10.0)).clipping() == 0.0


@pytest.mark.parametrize(
    ("level", "noise", "quality"),
    [
        (-20.0, -60.0, "good"),
        (-20.0, -34.0, "fair"),
        (-20.0, -27.0, "poor"),
        (-42.0, -80.0, "fair"),
        (-55.0, -85.0, "poor"),
    ],
)
def test_quality_follows_noise_and_level(level: float, noise: float, quality: str) -> None:
    assert call([(5, 25)], [(30, 50)], level=level, noise=noise).quality == quality


def test_one_channel_has_silences_and_quality_but_nothing_per_side() -> None:
    transcript = Transcript("en", 30.0, 1, (said(AGENT, 2, 8, "word " * 30),))
    measures = measure(
        recording_of(sound(30, (2, 8), (15, 25))), [spans_of((2, 8), (15, 25))], transcript, agent_channel=None
    )

    assert set(measures.sides) == {UNKNOWN}
    assert measures.sides[UNKNOWN].talk_seconds == 16.0
    assert (measures.sides[UNKNOWN].speech_rate, measures.sides[UNKNOWN].talk_share) == (None, None)
    assert (measures.overlaps, measures.last_speaker) == (None, None)
    assert measures.silences == (Silence(0.0, 2.0, None), Silence(8.0, 15.0, None))
    assert (measures.end_gap, measures.quality) == (5.0, "good")
    assert measures.not_measurable == dict.fromkeys(
        ("speech_rate", "overlaps", "interruptions", "talk_share"), "one_channel"
    )


def test_the_same_sound_on_two_channels_is_one_channel() -> None:
    channel = sound(30, (2, 8))
    transcript = Transcript("en", 30.0, 2)

    measures = measure(
        recording_of(channel, channel * 0.5), [spans_of((2, 8)), spans_of((2, 8))], transcript, agent_channel=0
    )

    assert (measures.channels, set(measures.sides), measures.overlaps) == (2, {UNKNOWN}, None)
    assert measures.not_measurable["overlaps"] == "same_channels"


def test_an_unknown_agent_channel_leaves_talk_time_by_channel() -> None:
    measures = call([(0, 10)], [(9, 15)], agent_channel=None)

    assert {name: side.talk_seconds for name, side in measures.sides.items()} == {"channel 0": 10.0, "channel 1": 6.0}
    assert measures.overlaps is None
    assert measures.not_measurable["interruptions"] == "agent_channel_unknown"


def test_a_recording_without_speech_says_so() -> None:
    measures = call([], [])

    assert measures.silences == (Silence(0.0, 60.0, None),)
    assert (measures.end_gap, measures.snr_db, measures.quality) == (None, None, "unknown")
    assert measures.sides[AGENT].loudness_dbfs is None
    assert measures.not_measurable["snr"] == "no_speech"


def test_digital_silence_and_an_empty_recording_are_measured_without_warnings() -> None:
    silent = np.zeros(RATE * 5, dtype=np.float32)
    transcript = Transcript("en", 5.0, 2)

    measures = measure(recording_of(silent, silent), [spans_of((1, 3)), []], transcript, agent_channel=0)
    empty = measure(recording_of(silent[:0]), [[]], transcript, agent_channel=None)

    assert (measures.snr_db, measures.quality) == (None, "unknown")
    assert (empty.duration, empty.quality) == (0.0, "unknown")


@pytest.mark.parametrize(
    ("channels", "lists", "agent", "message"),
    [
        (3, 3, None, "3 channels cannot be measured"),
        (2, 1, 0, "2 channels need as many lists of spans, got 1"),
        (1, 1, 1, "agent_channel is 1, but the recording has 1 channels"),
    ],
)
def test_arguments_that_do_not_fit_together_are_refused(
    channels: int, lists: int, agent: int | None, message: str
) -> None:
    recording = recording_of(*[sound(1)] * channels)

    with pytest.raises(ValueError, match=message):
        measure(recording, [[]] * lists, Transcript("en", 1.0, channels), agent_channel=agent)


def test_every_turn_with_enough_speech_has_its_level() -> None:
    left = sound(20.0, (0, 5), level=-30.0) + sound(20.0, (10, 15), level=-15.0, seed=3)
    turns = [said(AGENT, 0, 5, "a b c"), said(AGENT, 10, 15, "d e f"), said(CUSTOMER, 16, 16.2, "ok")]
    spans = [spans_of((0, 5), (10, 15)), spans_of((16, 16.2))]
    recording = recording_of(left, sound(20.0, (16, 16.2), seed=8))
    measures = measure(recording, spans, Transcript("en", 20.0, 2, tuple(turns)), agent_channel=0)

    assert measures.turn_levels is not None
    assert [(level.speaker, level.start) for level in measures.turn_levels] == [(AGENT, 0), (AGENT, 10)]
    quiet, loud = (level.dbfs for level in measures.turn_levels)
    assert loud - quiet == pytest.approx(15, abs=0.5)
    assert call([(0, 9)], [(9, 18)], *turns, agent_channel=None).turn_levels is None


@pytest.mark.parametrize("agent_channel", [0, None])
def test_measures_come_back_from_their_json(agent_channel: int | None) -> None:
    turns = [said(AGENT, 0, 10, "word " * 25), said(CUSTOMER, 7, 12, "let me tell you now", timed_words=False)]
    measures = call([(0, 10)], [(7, 12)], *turns, agent_channel=agent_channel)

    assert AudioMeasures.from_dict(json.loads(json.dumps(measures.to_dict()))) == measures


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"duration": "x"}, r'^duration: must be a number of seconds, got "x"$'),
        ({"quality": "nice"}, "^quality: must be one of good, fair, poor, unknown"),
        ({"overlaps": [{"start": 1, "end": 2}]}, r"^overlaps\[0\].by: is missing$"),
        ({"sides": {"agent": {}}}, r"^sides\.agent\.talk_seconds: is missing$"),
    ],
)
def test_a_wrong_measure_is_refused_with_its_place(change: dict[str, Any], message: str) -> None:
    data = call([(0, 10)], [(12, 20)]).to_dict()

    with pytest.raises(WrongValue, match=message):
        AudioMeasures.from_dict(data | change)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"no test data at {SHARED_DATA} (set HOTLINE_SHARED_DATA)")
def test_the_two_sides_of_a_real_call_hardly_overlap() -> None:
    from transcription.audio import join_sides
    from transcription.vad import find_speech

    folder = SHARED_DATA / "audio-en-calls" / "aws-lca"
    recording = join_sides(folder / "Auto_Repairs_40_UTC_agent.wav", folder / "Auto_Repairs_40_UTC_caller.wav")
    spans = [find_speech(recording.for_engine(channel)) for channel in (0, 1)]

    measures = measure(recording, spans, Transcript("en", recording.duration, 2), agent_channel=0)

    both = sum(overlap.end - overlap.start for overlap in measures.overlaps or ())
    assert both / measures.duration < 0.02  # 0.5 % by the activity of the two files
    assert 70 < measures.sides[AGENT].talk_seconds < 110
    assert 70 < measures.sides[CUSTOMER].talk_seconds < 110
    assert measures.quality == "good"
