"""Reading transcripts that others made: files of the real shapes, with words of our own."""

import contextlib
import json
import os
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcription import formats
from transcription.formats import read_transcript, read_transcripts
from transcription.subtitles import read_subtitles
from transcription.transcript import Transcript, TranscriptError, Turn, Word

SHARED_DATA = Path(os.environ.get("HOTLINE_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")

WHISPER = {
    "text": " Good morning, bank hotline. I lost my card.",
    "segments": [
        {
            "id": 0,
            "seek": 0,
            "start": 0.0,
            "end": 2.4,
            "text": " Good morning, bank hotline.",
            "tokens": [50364, 2205, 2446, 11, 3765, 50484],
            "temperature": 0.0,
            "avg_logprob": -0.21,
            "compression_ratio": 0.93,
            "no_speech_prob": 0.01,
            "words": [
                {"word": " Good", "start": 0.0, "end": 0.5, "probability": 0.91},
                {"word": " morning,", "start": 0.5, "end": 1.1, "probability": 0.99},
                {"word": " bank", "start": 1.2, "end": 1.6, "probability": 0.8},
                {"word": " hotline.", "start": 1.6, "end": 2.4, "probability": 0.75},
            ],
        },
        {
            "id": 1,
            "seek": 0,
            "start": 2.9,
            "end": 4.0,
            "text": " I lost my card.",
            "tokens": [50484, 286, 2731],
            "temperature": 0.0,
            "avg_logprob": -0.3,
            "compression_ratio": 0.93,
            "no_speech_prob": 0.02,
        },
    ],
    "language": "en",
}

WHISPER_CPP = {
    "systeminfo": "AVX = 1",
    "model": {"type": "base", "multilingual": True},
    "params": {"model": "ggml-base.bin", "language": "en", "translate": False},
    "result": {"language": "en"},
    "transcription": [
        {
            "timestamps": {"from": "00:00:00,000", "to": "00:00:01,500"},
            "offsets": {"from": 0, "to": 1500},
            "text": " Hello there",
            "tokens": [
                {"text": "[_BEG_]", "offsets": {"from": 0, "to": 0}, "id": 50364, "p": 0.9, "t_dtw": -1},
                {"text": " Hel", "offsets": {"from": 0, "to": 300}, "id": 1, "p": 0.9, "t_dtw": -1},
                {"text": "lo", "offsets": {"from": 300, "to": 600}, "id": 2, "p": 0.7, "t_dtw": -1},
                {"text": " there", "offsets": {"from": 600, "to": 1500}, "id": 3, "p": 0.8, "t_dtw": -1},
                {"text": "[_TT_75]", "offsets": {"from": 1500, "to": 1500}, "id": 4, "p": 0.1, "t_dtw": -1},
            ],
        }
    ],
}

AMAZON: dict[str, Any] = {
    "JobStatus": "COMPLETED",
    "LanguageCode": "en-US",
    "Transcript": [
        {
            "LoudnessScores": [78.1, 80.2],
            "Content": "Thanks for calling.",
            "Items": [
                {"Confidence": "0.9987", "BeginOffsetMillis": 440, "EndOffsetMillis": 800, "Content": "Thanks"},
                {"Confidence": "1.0", "BeginOffsetMillis": 800, "EndOffsetMillis": 950, "Content": "for"},
                {"Confidence": "0.87", "BeginOffsetMillis": 950, "EndOffsetMillis": 1600, "Content": "calling"},
                {"Confidence": "0.0", "Content": "."},
            ],
            "Id": "aaaaaaaa-0000-0000-0000-000000000001",
            "BeginOffsetMillis": 440,
            "EndOffsetMillis": 1600,
            "Sentiment": "NEUTRAL",
            "ParticipantRole": "AGENT",
        },
        {
            "Content": "This is [PII].",
            "Redaction": {"RedactedTimestamps": [[{"BeginOffsetMillis": 2300, "EndOffsetMillis": 2900}]]},
            "IssuesDetected": [{"CharacterOffsets": {"Begin": 0, "End": 4}}],
            "Id": "aaaaaaaa-0000-0000-0000-000000000002",
            "BeginOffsetMillis": 2000,
            "EndOffsetMillis": 2900,
            "Sentiment": "NEUTRAL",
            "ParticipantRole": "CUSTOMER",
        },
    ],
    "AccountId": "000000000000",
    "Categories": {"MatchedCategories": [], "MatchedDetails": {}},
    "Channel": "VOICE",
    "JobName": "call-1",
    "Participants": [{"ParticipantRole": "AGENT"}, {"ParticipantRole": "CUSTOMER"}],
    "ConversationCharacteristics": {"TotalConversationDurationMillis": 3500, "TalkTime": {"TotalTimeMillis": 2060}},
    "ContentMetadata": {"Output": "Redacted", "RedactionTypes": ["PII"]},
}

VTT = """\ufeffWEBVTT - call 17
Kind: captions
Language: en

STYLE
::cue { color: white }

NOTE
made by hand,
two lines

greeting
00:00.500 --> 00:02.000 align:start position:10%
<v Agent>Good <b>morning</b>,
how can I help?</v>

2
00:00:02.500 --> 00:00:04.000
<v.loud Mary Smith>My card &amp; my PIN

00:01:05.000 --> 00:01:06.250
<v Agent>Of course.
<v Customer>Thanks.
"""

SRT = """1
00:00:01,000 --> 00:00:02,500
坐席：您好
请讲

2
00:00:03,000 --> 00:00:04,000
客户:我的卡丢了

3
01:00:00,000 --> 01:00:01,000
嗯
""".replace("\n", "\r\n")

HARPER_VALLEY: dict[str, Any] = {
    "metadata": {"sid": "x", "agent": {"agent_name": "Ann"}},
    "segments": [
        {
            "index": 1,
            "speaker_role": "caller",
            "channel_index": 1,
            "offset_ms": 1490,
            "duration_ms": 150,
            "human_transcript": "[noise]",
            "transcript": "[noise]",
        },
        {
            "index": 2,
            "speaker_role": "agent",
            "channel_index": 2,
            "offset_ms": 3730,
            "duration_ms": 1270,
            "human_transcript": "this is the valley bank [noise]",
            "transcript": "this is the happy bank",
        },
    ],
}

DIALOGUES = [
    {
        "id": "d1",
        "content": [
            {
                "[SPEAKER 1]": "您好_请讲",
                "[SPEAKER 2]": "查话费",
                "客服意图": "问候",
                "用户意图": "求助-查询",
                "info": {"ents": [], "triples": []},
            },
            {
                "[SPEAKER 1]": "稍等",
                "[SPEAKER 2]": "",
                "客服意图": "",
                "用户意图": "",
                "info": {"ents": [], "triples": []},
            },
        ],
    },
    {"id": "d2", "content": [{"[SPEAKER 1]": "你好", "[SPEAKER 2]": "你好"}]},
]


def written(folder: Path, content: object, name: str = "call.json") -> Path:
    """Write `content` (JSON, text or bytes) to a file and return its path."""
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8", newline="")
    return path


def lines(transcript: Transcript) -> list[tuple[str, float, float, str]]:
    return [(turn.speaker, turn.start, turn.end, turn.text) for turn in transcript.turns]


def test_our_own_json_is_read_and_a_given_language_overrides_it(tmp_path: Path) -> None:
    transcript = Transcript(
        "en", 4.0, 2, (Turn("agent", 0.5, 1.0, "Hello", (Word("Hello", 0.5, 1.0, 0.9),)),), "sphinx/en-us"
    )
    path = written(tmp_path, transcript.to_dict())

    assert read_transcript(path) == transcript
    assert read_transcript(path, language="en-GB").language == "en-GB"


def test_whisper_json_gives_words_with_confidence_and_unknown_speakers(tmp_path: Path) -> None:
    transcript = read_transcript(written(tmp_path, WHISPER))

    assert (transcript.language, transcript.duration, transcript.channels) == ("en", 4.0, 1)
    assert lines(transcript) == [
        ("unknown", 0.0, 2.4, "Good morning, bank hotline."),
        ("unknown", 2.9, 4.0, "I lost my card."),
    ]
    assert transcript.turns[0].words[1] == Word("morning,", 0.5, 1.1, 0.99)
    assert transcript.turns[1].words == ()


def test_whisper_may_name_its_language_in_english(tmp_path: Path) -> None:
    assert read_transcript(written(tmp_path, WHISPER | {"language": "Chinese"})).language == "zh"


def test_whisper_json_of_a_silent_call_has_no_turns(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "", "segments": [], "language": "en"})

    assert read_transcript(path).turns == ()


def test_whisper_cpp_pieces_become_words_as_sure_as_their_least_piece(tmp_path: Path) -> None:
    transcript = read_transcript(written(tmp_path, WHISPER_CPP))

    assert lines(transcript) == [("unknown", 0.0, 1.5, "Hello there")]
    assert transcript.turns[0].words == (Word("Hello", 0.0, 0.6, 0.7), Word("there", 0.6, 1.5, 0.8))


def test_amazon_call_analytics_gives_both_sides_with_word_confidence(tmp_path: Path) -> None:
    transcript = read_transcript(written(tmp_path, AMAZON))

    assert (transcript.language, transcript.duration, transcript.channels) == ("en-US", 3.5, 2)
    assert lines(transcript) == [
        ("agent", 0.44, 1.6, "Thanks for calling."),
        ("customer", 2.0, 2.9, "This is [PII]."),
    ]
    assert transcript.turns[0].words[2] == Word("calling.", 0.95, 1.6, 0.87)


def test_live_output_names_the_speaker_by_participant_id(tmp_path: Path) -> None:
    live = {
        "Version": "1.1.0",
        "LanguageCode": "en-US",
        "Participants": [{"ParticipantId": "p7", "ParticipantRole": "AGENT"}],
        "Transcript": [
            {"ParticipantId": "p7", "Content": "Hello.", "BeginOffsetMillis": 0, "EndOffsetMillis": 900, "Id": "1"},
            {
                "ParticipantId": "CUSTOMER",
                "Content": "Hi.",
                "BeginOffsetMillis": 1000,
                "EndOffsetMillis": 1200,
                "Id": "2",
            },
            {
                "ParticipantId": "SYSTEM",
                "Content": "Beep.",
                "BeginOffsetMillis": 1300,
                "EndOffsetMillis": 1400,
                "Id": "3",
            },
        ],
    }

    transcript = read_transcript(written(tmp_path, live))

    assert [turn.speaker for turn in transcript.turns] == ["agent", "customer", "unknown"]


def test_a_chat_without_offsets_is_untimed(tmp_path: Path) -> None:
    chat = {
        "LanguageCode": "en-US",
        "Participants": [{"ParticipantId": "a", "ParticipantRole": "AGENT"}],
        "Transcript": [{"ParticipantId": "a", "Content": "Hello."}, {"ParticipantId": "a", "Content": "Still there?"}],
    }

    transcript = read_transcript(written(tmp_path, chat))

    assert (transcript.timed, transcript.channels, transcript.duration) == (False, 0, 0.0)
    assert lines(transcript) == [("agent", 0.0, 0.0, "Hello."), ("agent", 1.0, 1.0, "Still there?")]


def test_webvtt_with_voices_settings_notes_and_lines(tmp_path: Path) -> None:
    transcript = read_transcript(written(tmp_path, VTT, "call.vtt"))

    assert (transcript.language, transcript.duration, transcript.channels) == ("en", 66.25, 1)
    assert lines(transcript) == [
        ("agent", 0.5, 2.0, "Good morning, how can I help?"),
        ("unknown", 2.5, 4.0, "My card & my PIN"),
        ("agent", 65.0, 66.25, "Of course."),
        ("customer", 65.0, 66.25, "Thanks."),
    ]


def test_srt_with_chinese_speaker_prefixes(tmp_path: Path) -> None:
    transcript = read_transcript(written(tmp_path, SRT, "call.srt"))

    assert transcript.language == "zh"
    assert lines(transcript) == [
        ("agent", 1.0, 2.5, "您好请讲"),
        ("customer", 3.0, 4.0, "我的卡丢了"),
        ("unknown", 3600.0, 3601.0, "嗯"),
    ]


def test_srt_without_numbers_loses_no_cue() -> None:
    srt = "\n\n00:00:01,000 --> 00:00:02,000\none\n00:00:03,000 --> 00:00:04,000\ntwo\n\nand more\n"

    assert [turn.text for turn in read_subtitles(srt, "srt", language="en").turns] == ["one", "two and more"]


@pytest.mark.parametrize(
    ("prefix", "speaker"),
    [
        ("Agent: ", "agent"),
        ("AGENT 1: ", "agent"),
        ("- Caller: ", "customer"),
        ("[Customer]: ", "customer"),
        ("【客服】：", "agent"),
        ("用户：", "customer"),
        ("The agent: ", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_prefix_names_the_speaker(prefix: str, speaker: str) -> None:
    srt = f"1\n00:00:01,000 --> 00:00:02,000\n{prefix}fine\n"

    (turn,) = read_subtitles(srt, "srt", language="en").turns

    assert (turn.speaker, turn.text.endswith("fine")) == (speaker, True)


cues = st.lists(
    st.tuples(
        st.integers(0, 5_000_000),
        st.integers(0, 60_000),
        st.text(st.characters(categories=["Ll", "Lo"]), min_size=1, max_size=8),
    ),
    max_size=6,
)


def clock(milliseconds: int, point: str) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{thousandths:03}"


@settings(max_examples=50)
@given(cues, st.sampled_from(["vtt", "srt"]))
def test_generated_cues_come_back_in_order_of_time(made: list[tuple[int, int, str]], form: str) -> None:
    point, blocks = {"vtt": (".", ["WEBVTT\n"]), "srt": (",", [])}[form]
    for number, (start, length, text) in enumerate(made, start=1):
        blocks.append(f"{number}\n{clock(start, point)} --> {clock(start + length, point)}\nAgent: {text}\n")
    if form == "srt" and not made:
        return

    read = read_subtitles("\n".join(blocks), form, language="en")

    expected = sorted(made, key=lambda cue: cue[0])
    assert lines(read) == [("agent", start / 1000, (start + length) / 1000, text) for start, length, text in expected]


def test_harper_valley_gives_the_recognisers_words_or_the_corrected_ones(tmp_path: Path) -> None:
    path = written(tmp_path, HARPER_VALLEY)

    assert lines(read_transcript(path)) == [("agent", 3.73, 5.0, "this is the happy bank")]
    assert lines(read_transcript(path, corrected=True)) == [("agent", 3.73, 5.0, "this is the valley bank")]
    assert read_transcript(path).channels == 2
    assert read_transcript(written(tmp_path, HARPER_VALLEY["segments"])) == read_transcript(path)


def test_a_file_of_several_dialogues_gives_an_untimed_transcript_for_each(tmp_path: Path) -> None:
    (name, first), (other, _) = read_transcripts(written(tmp_path, DIALOGUES))

    assert (name, other) == ("d1", "d2")
    assert (first.language, first.timed, first.channels, first.duration) == ("zh", False, 0, 0.0)
    assert lines(first) == [
        ("agent", 0.0, 0.0, "您好 请讲"),
        ("customer", 1.0, 1.0, "查话费"),
        ("agent", 2.0, 2.0, "稍等"),
    ]


def test_a_file_of_several_dialogues_is_not_one_transcript(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match=r"^call\.json: holds 2 dialogues where one was expected"):
        read_transcript(written(tmp_path, DIALOGUES))


def test_one_dialogue_alone_is_one_transcript(tmp_path: Path) -> None:
    assert len(read_transcript(written(tmp_path, DIALOGUES[0])).turns) == 3


def test_the_name_of_a_single_transcript_is_that_of_its_file(tmp_path: Path) -> None:
    assert [name for name, _ in read_transcripts(written(tmp_path, WHISPER, "A-17.json"))] == ["A-17"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_the_encodings_of_the_trade_are_read(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, SRT.encode(encoding), "call.srt")

    assert read_transcript(path).turns[0].text == "您好请讲"


def amazon_item(**values: object) -> dict[str, Any]:
    """Return Amazon output with one item of `values`."""
    item = {"Content": "x", "BeginOffsetMillis": 440, "EndOffsetMillis": 500} | values
    return {"LanguageCode": "en-US", "Transcript": [AMAZON["Transcript"][0] | {"Items": [item]}]}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "hello", "is no transcript: the name must end in .json, .srt, .vtt"),
        ("a.json", "", "is empty"),
        ("a.json", b"\xff\xff\xff", "is neither UTF-8 nor GB18030 text (byte 0 fits neither); save it as UTF-8"),
        ("a.json", '{"turns": [,]}', "line 1, column 12: is not JSON (Expecting value)"),
        ("a.json", "[" * 100_000, "is JSON that no transcript needs"),
        ("a.json", '{"a": ' + "1" * 5000 + "}", "is JSON that no transcript needs"),
        ("a.json", {"results": {"items": []}}, "is JSON of no known form"),
        ("a.json", [], "is JSON of no known form"),
        ("a.json", 5, "is JSON of no known form"),
        ("a.json", {"turns": 5}, "language: is missing"),
        (
            "a.json",
            {"segments": [{"start": "x", "end": 1, "text": ""}]},
            'segments[0].start: must be a number of seconds, got "x"',
        ),
        ("a.json", {"segments": [{"start": 0, "end": 1, "text": "hi"}]}, "does not say its language: give it"),
        (
            "a.json",
            amazon_item(BeginOffsetMillis=-5),
            "Transcript[0].Items[0].BeginOffsetMillis: must not be negative, got -5",
        ),
        (
            "a.json",
            amazon_item(Confidence="high"),
            'Transcript[0].Items[0].Confidence: must be a number from 0 to 1, got "high"',
        ),
        (
            "a.json",
            [HARPER_VALLEY["segments"][1] | {"speaker_role": "bot"}],
            '[0].speaker_role: must be one of agent, caller, got "bot"',
        ),
        ("a.vtt", "00:01.000 --> 00:02.000\nhello\n", 'is not a VTT file: it needs a first line "WEBVTT"'),
        ("a.vtt", "WEBVTT\n\n00:01.000 --> 2 s\nhello\n", 'line 3: must be times such as "00:00:01.000 -->'),
        ("a.vtt", "WEBVTT\n\n00:01.000 -> 00:02.000\nhello\n", 'line 3: must be times such as "00:00:01.000 -->'),
        ("a.vtt", "WEBVTT\n\n00:03.000 --> 00:02.000\nhi\n", "the cue at 00:00:03.000 ends before it starts"),
        ("a.srt", "hello", "is not a SRT file: it needs"),
        ("a.srt", "1\n00:00:01,000 --> oops\nhello\n", 'line 2: must be times such as "00:00:01,000 -->'),
    ],
)
def test_what_cannot_be_read_is_refused_with_file_place_and_cure(
    tmp_path: Path, name: str, content: object, message: str
) -> None:
    with pytest.raises(TranscriptError) as caught:
        read_transcript(written(tmp_path, content, name))

    assert str(caught.value).startswith(f"{name}: {message}")


def test_a_file_that_is_not_there_and_one_too_large_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TranscriptError, match=r"^gone\.json: cannot be read: No such file"):
        read_transcript(tmp_path / "gone.json")

    monkeypatch.setattr(formats, "MAX_BYTES", 2 * 2**20)
    with pytest.raises(TranscriptError, match=r"^big\.json: is larger than 2 MiB"):
        read_transcript(written(tmp_path, b" " * (2 * 2**20 + 1), "big.json"))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (WHISPER, "a.json"),
        (AMAZON, "a.json"),
        (VTT, "a.vtt"),
        (SRT, "a.srt"),
        (HARPER_VALLEY, "a.json"),
        (DIALOGUES, "a.json"),
    ],
    ids=["whisper", "amazon", "vtt", "srt", "harper valley", "dialogues"],
)
def test_whatever_is_imported_survives_our_own_form(tmp_path: Path, content: object, name: str) -> None:
    for _, transcript in read_transcripts(written(tmp_path, content, name)):
        assert Transcript.from_dict(json.loads(json.dumps(transcript.to_dict()))) == transcript


TURN = {"speaker": "agent", "start": 0, "end": 1, "text": "a", "words": [{"text": "a", "start": 0, "end": 1}]}
OWN = {"language": "en", "duration": 9, "channels": 2, "turns": [TURN]}
FORMS = [OWN, WHISPER, WHISPER_CPP, AMAZON, HARPER_VALLEY, DIALOGUES]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
junk = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)


@settings(max_examples=100)
@given(st.data(), st.sampled_from(FORMS), junk)
def test_a_damaged_value_anywhere_is_read_or_refused_but_never_a_crash(
    data: st.DataObject, form: Any, value: object
) -> None:
    damaged = deepcopy(form)
    inner = damaged
    while True:
        key = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
        if not isinstance(inner[key], dict | list) or not inner[key] or data.draw(st.integers(0, 3)) == 0:
            break
        inner = inner[key]
    inner[key] = value

    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(TranscriptError):
        for _, transcript in read_transcripts(written(Path(folder), damaged)):
            assert Transcript.from_dict(transcript.to_dict()) == transcript


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"no test data at {SHARED_DATA} (set HOTLINE_SHARED_DATA)")
def test_the_real_harper_valley_calls_are_read() -> None:
    calls = [read_transcript(path) for path in sorted((SHARED_DATA / "text-en" / "harper-valley").glob("*.json"))]

    assert len(calls) == 5
    assert all(call.language == "en" and 35 < call.duration < 60 and len(call.turns) >= 10 for call in calls)
    assert all({turn.speaker for turn in call.turns} == {"agent", "customer"} for call in calls)
    assert not any("[" in turn.text for call in calls for turn in call.turns)


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"no test data at {SHARED_DATA} (set HOTLINE_SHARED_DATA)")
def test_the_real_10086_dialogues_are_read() -> None:
    dialogues = read_transcripts(SHARED_DATA / "text-zh" / "mobilecs-10086" / "example_first5.json")

    assert len(dialogues) == 5
    assert sum(len(transcript.turns) for _, transcript in dialogues) == 94
    assert all(transcript.language == "zh" and not transcript.timed for _, transcript in dialogues)
    assert all(transcript.turns[0].speaker == "agent" for _, transcript in dialogues)
