"""Listen to a recording: find the speech, have it recognised, bring the sides together, measure the sound."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from transcription.audio import Recording
from transcription.channels import agent_by_opening, agent_by_turns, speakers, turns_of
from transcription.crosstalk import is_one_sound, without_leaks
from transcription.engine import (
    Engine,
    Progress,
    Recogniser,
    Recognition,
    Span,
    TranscriptSource,
    Utterance,
    ignore_progress,
)
from transcription.measures import AudioMeasures
from transcription.measuring import measure
from transcription.transcript import Transcript
from transcription.vad import find_speech, for_recognition

UNDETERMINED = "und"  # BCP 47: nobody spoke, and nobody said which language it would have been

_SPEECH_FOUND, _WORDS_FOUND = 0.05, 0.95  # share of the work done after these stages

Spans = Sequence[Sequence[Span]]


@dataclass(frozen=True)
class Heard:
    """All that a recording tells."""

    transcript: Transcript
    measures: AudioMeasures
    agent_channel: int | None  # None on one channel, and where it is not known
    seconds: dict[str, float] = field(default_factory=dict)  # taken by each stage: vad, recognise, measure


def hear(
    recording: Recording,
    engine: Engine,
    *,
    language: str | None = None,
    prompt: str | None = None,
    agent_channel: int | None = None,
    openings: Sequence[str] = (),
    progress: Callable[[float], None] | None = None,
) -> Heard:
    """Return the transcript and the measures of `recording`.

    Args:
        language: BCP 47 tag; else the engine detects it, on the channel with more speech.
        prompt: words likely to occur, for engines that take a hint.
        agent_channel: the agent's channel, 0 or 1, where it is known; ignored on one channel.
        openings: wordings of the script's opening; who says them is the agent, where `agent_channel` is not given.
        progress: called with the share done, from 0 to 1.

    Raises:
        EngineUnavailable, UnsupportedLanguage
        ValueError: there is no such `agent_channel`.
    """
    report = progress or ignore_progress
    seconds: dict[str, float] = {}
    if recording.channels == 1 or is_one_sound(recording):
        agent_channel = None
    elif agent_channel not in (None, 0, 1):
        raise ValueError(f"agent_channel must be 0 or 1, got {agent_channel}")
    with _timed(seconds, "vad"):
        spans = _speech(recording)
    report(_SPEECH_FOUND)
    with _timed(seconds, "recognise"):
        if isinstance(engine, TranscriptSource):
            transcript, agent_channel = _ready(recording, spans, engine, language, agent_channel)
        else:
            channels, language = _recognised(recording, spans, engine, language, prompt, report)
            if agent_channel is None and len(channels) == 2:
                agent_channel = agent_by_opening(channels, openings)
            turns = turns_of(channels, speakers(len(channels), agent_channel))
            transcript = Transcript(language, round(recording.duration, 3), recording.channels, turns, engine.name)
    report(_WORDS_FOUND)
    with _timed(seconds, "measure"):
        measures = measure(recording, spans, transcript, agent_channel=agent_channel)
    report(1.0)
    return Heard(transcript, measures, agent_channel, seconds)


def _speech(recording: Recording) -> list[list[Span]]:
    """Return where there is speech on each channel; both are alike where both hold the same sound."""
    if is_one_sound(recording):
        return [find_speech(recording.for_engine(0))] * 2
    spans = [find_speech(recording.for_engine(channel)) for channel in range(recording.channels)]
    return without_leaks(recording, spans) if recording.channels == 2 else spans


def _ready(
    recording: Recording, spans: Spans, engine: TranscriptSource, language: str | None, agent_channel: int | None
) -> tuple[Transcript, int | None]:
    """Return the known words, as those of this recording, and the agent's channel."""
    transcript = engine.transcript_of(recording, language=language)
    if transcript.timed:
        longest = max((turn.end for turn in transcript.turns), default=0.0)
        transcript = replace(transcript, duration=round(max(recording.duration, longest), 3))
    transcript = replace(transcript, channels=recording.channels)
    if agent_channel is None and recording.channels == 2 and not is_one_sound(recording):
        agent_channel = agent_by_turns(spans, transcript)
    return transcript, agent_channel


def _recognised(
    recording: Recording,
    spans: Spans,
    engine: Recogniser,
    language: str | None,
    prompt: str | None,
    report: Progress,
) -> tuple[list[Sequence[Utterance]], str]:
    """Return what was heard on each channel, and the language.

    The channel with more speech comes first where the language has to be detected. Two channels of the same sound
    are heard once.
    """
    wanted = spans[:1] if is_one_sound(recording) else spans
    lengths = [sum(span.end - span.start for span in channel) for channel in wanted]
    order = list(range(len(wanted)))
    if language is None and engine.capabilities.detects_language:
        order.sort(key=lambda channel: -lengths[channel])
    heard: list[Sequence[Utterance]] = [() for _ in wanted]
    done = 0.0
    for channel in order:
        if not wanted[channel]:
            continue
        result = _recognise_channel(
            recording, channel, wanted[channel], engine, language, prompt, _part(report, done, lengths, channel)
        )
        heard[channel], language = result.utterances, language or result.language
        done += lengths[channel]
    return heard, language or UNDETERMINED


def _recognise_channel(
    recording: Recording,
    channel: int,
    spans: Sequence[Span],
    engine: Recogniser,
    language: str | None,
    prompt: str | None,
    report: Progress,
) -> Recognition:
    pieces = for_recognition(spans, recording.duration)
    samples = recording.for_engine(channel)
    return engine.recognise(samples, pieces, language=language, prompt=prompt, progress=report)


def _part(report: Progress, done: float, lengths: Sequence[float], channel: int) -> Progress:
    """Return the progress of one channel as a part of the whole."""
    everything = sum(lengths)

    def report_part(share: float) -> None:
        heard = (done + share * lengths[channel]) / everything
        report(_SPEECH_FOUND + heard * (_WORDS_FOUND - _SPEECH_FOUND))

    return report_part


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - begin, 3)
