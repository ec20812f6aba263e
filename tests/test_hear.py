from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.sounds import RATE, babble
from transcription.audio import Recording
from transcription.engine import Samples, ScriptedEngine, Span, spoken
from transcription.engines import ReadyTranscripts
from transcription.hear import Heard, hear
from transcription.transcript import AGENT, CUSTOMER, UNKNOWN, Transcript, Turn

AGENT_SPANS, CUSTOMER_SPANS = [(1.0, 3.0), (6.0, 8.0)], [(3.5, 5.5)]
AGENT_WORDS = (spoken("thank you for calling river bank", 1.0, 3.0), spoken("of course", 6.0, 8.0))
CUSTOMER_WORDS = (spoken("i want to pay my bill", 3.5, 5.5),)


@pytest.fixture(autouse=True)
def loud_means_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about what happens to speech once it is found; the model that finds it has its own."""

    def find(samples: Samples) -> list[Span]:
        loud = np.abs(samples).reshape(-1, 1600).max(axis=1, initial=0.0) > 0.02
        edges = np.flatnonzero(np.diff(np.r_[False, loud, False].astype(int))) / 10
        return [Span(float(start), float(end)) for start, end in edges.reshape(-1, 2)]

    monkeypatch.setattr("transcription.hear.find_speech", find)


def stereo(swap: bool = False) -> Recording:
    sides = [babble(AGENT_SPANS, 10.0, seed=1), babble(CUSTOMER_SPANS, 10.0, seed=2)]
    return Recording(np.stack(sides[::-1] if swap else sides), RATE)


def said(heard: Heard) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in heard.transcript.turns]


CONVERSATION = [
    (AGENT, "thank you for calling river bank"),
    (CUSTOMER, "i want to pay my bill"),
    (AGENT, "of course"),
]


def test_both_channels_become_one_conversation() -> None:
    heard = hear(stereo(), ScriptedEngine([AGENT_WORDS, CUSTOMER_WORDS]), agent_channel=0)

    assert said(heard) == CONVERSATION
    assert (heard.transcript.channels, heard.transcript.duration, heard.transcript.engine) == (2, 10.0, "scripted")
    assert set(heard.measures.sides) == {AGENT, CUSTOMER}
    assert set(heard.seconds) == {"vad", "recognise", "measure"}


def test_the_agent_is_who_says_the_opening() -> None:
    engine = ScriptedEngine([CUSTOMER_WORDS, AGENT_WORDS])

    heard = hear(stereo(swap=True), engine, openings=["thank you for calling"])

    assert heard.agent_channel == 1
    assert said(heard) == CONVERSATION


def test_what_is_given_outweighs_what_is_said() -> None:
    engine = ScriptedEngine([AGENT_WORDS, CUSTOMER_WORDS])

    heard = hear(stereo(), engine, openings=["thank you for calling"], agent_channel=1)

    assert heard.agent_channel == 1
    assert said(heard)[0] == (CUSTOMER, "thank you for calling river bank")


def test_speakers_stay_unknown_where_nothing_names_the_agent() -> None:
    heard = hear(stereo(), ScriptedEngine([AGENT_WORDS, CUSTOMER_WORDS]), openings=["good evening to you"])

    assert heard.agent_channel is None
    assert {speaker for speaker, _ in said(heard)} == {UNKNOWN}


@pytest.mark.parametrize("twice", [False, True], ids=["mono", "mono stored as stereo"])
def test_a_mono_call_is_heard_once_with_speakers_unknown(twice: bool) -> None:
    mixed = babble(AGENT_SPANS + CUSTOMER_SPANS, 10.0)
    engine = ScriptedEngine([AGENT_WORDS])

    heard = hear(Recording(np.stack([mixed] * (1 + twice)), RATE), engine, agent_channel=0, openings=["thank you"])

    assert len(engine.requests) == 1
    assert heard.agent_channel is None
    assert {speaker for speaker, _ in said(heard)} == {UNKNOWN}
    assert heard.transcript.channels == 1 + twice
    assert heard.measures.overlaps is None


def test_a_silent_channel_is_not_given_to_the_engine() -> None:
    recording = Recording(np.stack([babble(AGENT_SPANS, 10.0), np.zeros(10 * RATE, np.float32)]), RATE)
    engine = ScriptedEngine([AGENT_WORDS])

    heard = hear(recording, engine, agent_channel=0)

    assert len(engine.requests) == 1
    assert {speaker for speaker, _ in said(heard)} == {AGENT}


def test_a_silent_call_has_no_turns_and_no_language() -> None:
    heard = hear(Recording(np.zeros((1, 5 * RATE), np.float32), RATE), ScriptedEngine([()]))

    assert heard.transcript == Transcript("und", 5.0, 1, (), "scripted")


def test_the_engine_hears_the_speech_only_with_language_and_prompt() -> None:
    engine = ScriptedEngine([AGENT_WORDS, CUSTOMER_WORDS])

    heard = hear(stereo(), engine, language="en-GB", prompt="river bank")

    assert heard.transcript.language == "en-GB"
    assert [(request.language, request.prompt) for request in engine.requests] == [("en-GB", "river bank")] * 2
    assert all(span.start >= 0.5 and span.end <= 8.5 for request in engine.requests for span in request.spans)


def test_progress_only_grows_and_ends_at_one() -> None:
    shares: list[float] = []

    hear(stereo(), ScriptedEngine([AGENT_WORDS, CUSTOMER_WORDS]), progress=shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_an_agent_channel_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="agent_channel must be 0 or 1, got 2"):
        hear(stereo(), ScriptedEngine([()]), agent_channel=2)


def ready(*turns: Sequence[object]) -> ReadyTranscripts:
    return ReadyTranscripts(Transcript("zh-CN", 8.0, 0, tuple(Turn(*turn) for turn in turns)))  # type: ignore[arg-type]


@pytest.mark.parametrize("swap", [False, True])
def test_ready_words_are_kept_and_their_agent_is_found_by_who_speaks_when(swap: bool) -> None:
    engine = ready((AGENT, 1.0, 3.0, "您好"), (CUSTOMER, 3.5, 5.5, "你好，我想查话费"), (AGENT, 6.0, 8.0, "好的"))

    heard = hear(stereo(swap), engine)

    assert heard.agent_channel == int(swap)
    assert said(heard)[0] == (AGENT, "您好")
    assert (heard.transcript.duration, heard.transcript.channels) == (10.0, 2)
    assert heard.measures.sides[AGENT].talk_seconds == pytest.approx(4.0, abs=0.5)


def test_ready_words_without_times_stay_without(tmp_path: Path) -> None:
    transcript = Transcript("en", 0.0, 0, (Turn(AGENT, 0.0, 0.0, "hello"),), timed=False)

    heard = hear(stereo(), ReadyTranscripts(transcript))

    assert not heard.transcript.timed
    assert heard.agent_channel is None
