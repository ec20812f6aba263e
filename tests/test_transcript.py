"""The transcript JSON: what it accepts, how it refuses, and that its schema says the same."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import transcription
from transcription.transcript import SPEAKERS, Transcript, TranscriptError, Turn, Word

SCHEMA = json.loads((Path(transcription.__file__).parent / "transcript.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

EXAMPLE: dict[str, Any] = {
    "language": "en",
    "duration": 8.0,
    "channels": 2,
    "engine": "sphinx/en-us",
    "turns": [
        {
            "speaker": "agent",
            "start": 0.5,
            "end": 2.0,
            "text": "Good morning",
            "words": [
                {"text": "Good", "start": 0.5, "end": 1.0, "confidence": 0.9},
                {"text": "morning", "start": 1.0, "end": 2.0},
            ],
        },
        {"speaker": "customer", "start": 2.5, "end": 3.0, "text": "Hello"},
    ],
}

UNTIMED: dict[str, Any] = {
    "language": "zh-CN",
    "duration": 0.0,
    "channels": 0,
    "timed": False,
    "turns": [{"speaker": "agent", "start": 0.0, "end": 0.0, "text": "您好"}],
}

Case = tuple[str, Any, str]  # place, value, message

BAD_VALUES: list[Case] = [
    ("language", None, "must be text, got null"),
    ("language", "English!", 'must be a language tag such as "en" or "zh-CN", got "English!"'),
    ("duration", -1, "must not be negative, got -1"),
    ("duration", True, "must be a number of seconds, got true"),
    ("channels", 3, "must be 1 or 2, or 0 without a recording, got 3"),
    ("engine", 5, "must be text, got 5"),
    ("timed", "no", 'must be true or false, got "no"'),
    ("turns", {}, "must be a list, got an object"),
    ("turns[0]", "hello", 'must be a JSON object, got "hello"'),
    ("turns[1].speaker", "bot", 'must be one of agent, customer, unknown, got "bot"'),
    ("turns[1].start", "abc", 'must be a number of seconds, got "abc"'),
    ("turns[1].text", ["a"], "must be text, got a list"),
    ("turns[0].words[1].confidence", 1.5, "must be a number from 0 to 1 or left out, got 1.5"),
]

BEYOND_THE_SCHEMA: list[Case] = [
    ("turns[0].end", 0.1, "must not lie before the start (0.5), got 0.1"),
    ("turns[1].start", float("nan"), "must be a number of seconds, got nan"),
    ("duration", 10**400, "must be a number of seconds, got 1" + 38 * "0" + "…"),
]


def changed(place: str, value: Any) -> dict[str, Any]:
    """Return the example with `value` at a place such as turns[1].start."""
    data = deepcopy(EXAMPLE)
    *parents, last = [int(step) if step.isdigit() else step for step in re.findall(r"\w+", place)]
    inner: Any = data
    for step in parents:
        inner = inner[step]
    inner[last] = value
    return data


times = st.floats(0, 3600, allow_nan=False)


@st.composite
def words(draw: st.DrawFn) -> Word:
    start, end = sorted((draw(times), draw(times)))
    return Word(draw(st.text(max_size=5)), start, end, draw(st.none() | st.floats(0, 1)))


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    start, end = sorted((draw(times), draw(times)))
    spoken = tuple(draw(st.lists(words(), max_size=3)))
    return Turn(draw(st.sampled_from(SPEAKERS)), start, end, draw(st.text(max_size=9)), spoken)


transcripts = st.builds(
    lambda language, channels, engine, spoken: Transcript(
        language, 3600.0, channels, tuple(sorted(spoken, key=lambda turn: turn.start)), engine
    ),
    st.sampled_from(["en", "zh-CN", "yue-Hant-HK"]),
    st.sampled_from([0, 1, 2]),
    st.none() | st.text(max_size=9),
    st.lists(turns(), max_size=4),
)


@settings(max_examples=50)
@given(transcripts)
def test_a_transcript_comes_back_from_its_json_and_fits_the_schema(transcript: Transcript) -> None:
    written = json.loads(json.dumps(transcript.to_dict()))

    assert Transcript.from_dict(written) == transcript
    VALIDATOR.validate(written)


@pytest.mark.parametrize("data", [EXAMPLE, UNTIMED], ids=["timed", "untimed"])
def test_the_json_form_is_written_as_it_was_read(data: dict[str, Any]) -> None:
    assert Transcript.from_dict(data).to_dict() == data


@pytest.mark.parametrize(("place", "value", "message"), BAD_VALUES + BEYOND_THE_SCHEMA)
def test_a_wrong_value_is_refused_with_its_place(place: str, value: Any, message: str) -> None:
    with pytest.raises(TranscriptError) as caught:
        Transcript.from_dict(changed(place, value))

    assert str(caught.value) == f"{place}: {message}"


@pytest.mark.parametrize(("place", "value", "message"), BAD_VALUES)
def test_the_schema_refuses_the_same_values(place: str, value: Any, message: str) -> None:
    assert not VALIDATOR.is_valid(changed(place, value))


@pytest.mark.parametrize("key", ["language", "duration", "channels", "turns"])
def test_a_missing_field_is_named(key: str) -> None:
    data = {name: value for name, value in EXAMPLE.items() if name != key}

    with pytest.raises(TranscriptError, match=f"^{key}: is missing$"):
        Transcript.from_dict(data)
    assert not VALIDATOR.is_valid(data)


def test_the_schema_is_itself_valid_and_accepts_the_examples() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    VALIDATOR.validate(EXAMPLE)
    VALIDATOR.validate(UNTIMED)


def test_a_turn_after_the_end_of_the_call_is_refused() -> None:
    with pytest.raises(TranscriptError, match=r"^turns\[1\]\.start: must not lie after the end .* 2\), got 2\.5$"):
        Transcript.from_dict(changed("duration", 2))


def test_an_untimed_transcript_has_no_word_times() -> None:
    data = changed("timed", False)

    with pytest.raises(TranscriptError, match=r"^turns\[0\]\.words: leave them out"):
        Transcript.from_dict(data)
    assert not VALIDATOR.is_valid(data)


def test_turns_in_any_order_are_put_in_order_of_time() -> None:
    transcript = Transcript.from_dict(EXAMPLE | {"turns": EXAMPLE["turns"][::-1]})

    assert [turn.start for turn in transcript.turns] == [0.5, 2.5]


def test_unknown_keys_are_passed_over() -> None:
    data = EXAMPLE | {"call": "c-17"}

    assert Transcript.from_dict(data) == Transcript.from_dict(EXAMPLE)
    VALIDATOR.validate(data)


def test_a_side_is_found_with_the_index_of_its_turns() -> None:
    found = list(Transcript.from_dict(EXAMPLE).said_by("customer"))

    assert [(index, turn.text) for index, turn in found] == [(1, "Hello")]
