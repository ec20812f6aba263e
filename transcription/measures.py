"""What can be measured in the sound of a call, apart from its words.

All times are seconds from the beginning of the recording. A figure that the recording cannot give (who
interrupted whom on one channel) is None, and `AudioMeasures.not_measurable` says why: it is never a number.
How each figure is computed is written in transcription/measuring.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from transcription.json_values import JsonObject

# Why a measure has no value: ids, put into words where they are shown.
ONE_CHANNEL = "one_channel"  # both sides share the one channel
SAME_CHANNELS = "same_channels"  # two channels with the same sound: mono stored as stereo
AGENT_CHANNEL_UNKNOWN = "agent_channel_unknown"  # two channels, but nobody knows which is the agent
NO_SPEECH = "no_speech"
NO_WORD_TIMES = "no_word_times"  # the transcript has no times of single words
TOO_FEW_WORDS = "too_few_words"  # too little was said for a rate

QUALITIES = ("good", "fair", "poor", "unknown")


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch in which nobody speaks."""

    start: float
    end: float
    after: str | None  # who spoke last before it; None at the start of the call or on one channel


@dataclass(frozen=True, slots=True)
class Overlap:
    """A stretch in which both sides speak."""

    start: float
    end: float
    by: str  # who began to speak while the other was speaking
    words: int | None  # that this side said within the overlap (characters in Chinese); None without word times
    # Long and wordy enough to count while the other side had the floor; None: long enough, but without word times
    # nobody can tell a back-channel ("mm hm") from an interruption.
    interruption: bool | None
    text: str | None = None  # the words counted: what `by` said within the overlap, less leading back-channels


@dataclass(frozen=True, slots=True)
class SideMeasures:
    """One side of the call."""

    talk_seconds: float
    talk_share: float | None  # of both sides' talk time, 0 to 1
    speech_rate: float | None  # words a minute (characters in Chinese), net of silence, no punctuation
    rate_unit: str  # "words/min" or "chars/min"
    rate_units_counted: int  # words or characters behind the rate
    loudness_dbfs: float | None  # mean level over speech, dB relative to full scale
    loudness_swing_db: float | None  # 95th minus 5th percentile of the level over speech
    clipping_share: float  # of samples in speech at full scale, 0 to 1


@dataclass(frozen=True, slots=True)
class TurnLevel:
    """How loud one turn was spoken."""

    speaker: str
    start: float
    end: float
    dbfs: float  # mean level over its speech


@dataclass(frozen=True, slots=True)
class AudioMeasures:
    """The measurements of one recording.

    `sides` is keyed by speaker: "agent" and "customer"; "channel 0" and "channel 1" when nobody knows which is the
    agent; "unknown" for both together on one channel, where the sound is measured but no rate or share is given.

    Keys of `not_measurable`: "talk_share", "speech_rate", "overlaps", "interruptions", "end_gap", "snr"; a rate
    that is missing for one side only has its own key, such as "speech_rate.customer".
    """

    duration: float
    channels: int
    sides: Mapping[str, SideMeasures] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    overlaps: tuple[Overlap, ...] | None = None
    end_gap: float | None = None  # seconds from the last speech to the end of the recording
    last_speaker: str | None = None
    snr_db: float | None = None  # speech level over noise floor
    quality: str = "unknown"  # "good", "fair", "poor" or "unknown"
    not_measurable: Mapping[str, str] = field(default_factory=dict)  # name of a measure: why it has no value
    # Of the turns with 0.4 s of speech or more; None where the sides cannot be told apart, and in older measures.
    turn_levels: tuple[TurnLevel, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON form; `from_dict` gives the same value back."""
        data = {
            name: getattr(self, name)
            for name in ("duration", "channels", "end_gap", "last_speaker", "snr_db", "quality")
        }
        data["sides"] = {speaker: asdict(side) for speaker, side in self.sides.items()}
        data["silences"] = [asdict(silence) for silence in self.silences]
        data["overlaps"] = None if self.overlaps is None else [asdict(overlap) for overlap in self.overlaps]
        data["not_measurable"] = dict(self.not_measurable)
        if self.turn_levels is not None:
            data["turn_levels"] = [asdict(level) for level in self.turn_levels]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AudioMeasures:
        """Read the JSON form of `to_dict`.

        Raises:
            WrongValue: a value is missing or of the wrong type; the message names its place.
        """
        document = JsonObject.of(data)
        sides = document.object("sides")
        reasons = document.object("not_measurable")
        return cls(
            duration=document.seconds("duration"),
            channels=int(document.number("channels")),
            sides={speaker: _side(sides.object(speaker)) for speaker in sides.data},
            silences=tuple(_silence(item) for item in document.objects("silences")),
            overlaps=tuple(map(_overlap, document.objects("overlaps"))) if "overlaps" in document else None,
            end_gap=_number_or_none(document, "end_gap"),
            last_speaker=_text_or_none(document, "last_speaker"),
            snr_db=_number_or_none(document, "snr_db"),
            quality=document.choice("quality", QUALITIES),
            not_measurable={name: reasons.text(name) for name in reasons.data},
            turn_levels=tuple(map(_level, document.objects("turn_levels"))) if "turn_levels" in document else None,
        )


def _side(data: JsonObject) -> SideMeasures:
    return SideMeasures(
        talk_seconds=data.seconds("talk_seconds"),
        talk_share=data.share("talk_share"),
        speech_rate=_number_or_none(data, "speech_rate"),
        rate_unit=data.text("rate_unit"),
        rate_units_counted=int(data.number("rate_units_counted")),
        loudness_dbfs=_number_or_none(data, "loudness_dbfs"),
        loudness_swing_db=_number_or_none(data, "loudness_swing_db"),
        clipping_share=data.number("clipping_share"),
    )


def _silence(data: JsonObject) -> Silence:
    return Silence(data.seconds("start"), data.seconds("end"), _text_or_none(data, "after"))


def _level(data: JsonObject) -> TurnLevel:
    return TurnLevel(data.text("speaker"), data.seconds("start"), data.seconds("end"), data.number("dbfs"))


def _overlap(data: JsonObject) -> Overlap:
    return Overlap(
        start=data.seconds("start"),
        end=data.seconds("end"),
        by=data.text("by"),
        words=int(data.number("words")) if "words" in data else None,
        interruption=data.flag("interruption", default=False) if "interruption" in data else None,
        text=_text_or_none(data, "text"),
    )


def _number_or_none(data: JsonObject, key: str) -> float | None:
    return data.number(key) if key in data else None


def _text_or_none(data: JsonObject, key: str) -> str | None:
    return data.text(key) if key in data else None
