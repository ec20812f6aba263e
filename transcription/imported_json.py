"""Read the JSON that other programs write for one call: recognisers, and corpora of call-centre dialogues."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from transcription.json_values import JsonObject, objects_of
from transcription.languages import settle_language
from transcription.transcript import AGENT, CUSTOMER, UNKNOWN, Transcript, Turn, Word

_CORPUS_MARK = re.compile(r"\[[a-z]+\]|<unk>")  # [noise], [laughter]
_CORPUS_ROLES = {"agent": AGENT, "caller": CUSTOMER}
_AMAZON_ROLES = {"AGENT": AGENT, "CUSTOMER": CUSTOMER}
_DIALOGUE_ROLES = {"[SPEAKER 1]": AGENT, "[SPEAKER 2]": CUSTOMER}
_WHISPER_CPP_MARK = re.compile(r"\[_[A-Z]+_?[^\]]*\]")  # [_BEG_], [_TT_100]: positions, not words


def is_whisper(data: Any) -> bool:
    """openai-whisper's JSON, and the same shape as WhisperX and others write it."""
    return _has_first(data, "segments", "start") or (_has(data, "segments", "text") and not data["segments"])


def read_whisper(data: Any, language: str | None) -> Transcript:
    """Read ``whisper --output_format json``; the speakers are unknown and one channel is assumed."""
    document = JsonObject.of(data)
    turns = [_whisper_turn(segment) for segment in document.objects("segments")]
    stated = document.text("language") if "language" in document else None
    return _timed(turns, language, stated, channels=1, engine="whisper")


def _whisper_turn(segment: JsonObject) -> Turn:
    words = [_whisper_word(word) for word in segment.objects("words") if "start" in word] if "words" in segment else []
    return _turn(UNKNOWN, segment.seconds("start"), segment.seconds("end"), segment.text("text"), words)


def _whisper_word(word: JsonObject) -> Word:
    start = word.seconds("start")
    confidence = word.share("probability") if "probability" in word else word.share("score")
    return Word(word.text("word").strip(), start, max(start, word.seconds("end")), confidence)


def is_whisper_cpp(data: Any) -> bool:
    """whisper.cpp's ``--output-json`` and ``--output-json-full``."""
    return _has_first(data, "transcription", "offsets")


def read_whisper_cpp(data: Any, language: str | None) -> Transcript:
    """Read whisper.cpp's JSON; the full form carries pieces of words with probabilities, joined to words here."""
    document = JsonObject.of(data)
    turns = []
    for segment in document.objects("transcription"):
        start, end = _offsets(segment)
        words = _words_of_pieces(segment.objects("tokens")) if "tokens" in segment else []
        turns.append(_turn(UNKNOWN, start, end, segment.text("text"), words))
    stated = document.object("result").text("language") if "result" in document else None
    return _timed(turns, language, stated, channels=1, engine="whisper.cpp")


def _offsets(item: JsonObject) -> tuple[float, float]:
    offsets = item.object("offsets")
    return offsets.seconds("from", per_second=1000), offsets.seconds("to", per_second=1000)


def _words_of_pieces(pieces: Iterable[JsonObject]) -> list[Word]:
    """Join tokens to words: a token that begins with a space begins a word. A word is as sure as its least token."""
    words: list[Word] = []
    for piece in pieces:
        text = piece.text("text")
        if _WHISPER_CPP_MARK.fullmatch(text) or not text.strip() or "offsets" not in piece:
            continue
        start, end = _offsets(piece)
        confidence = piece.share("p")
        if words and not text.startswith(" "):
            last = words.pop()
            least = None if confidence is None or last.confidence is None else min(confidence, last.confidence)
            words.append(Word(last.text + text.strip(), last.start, max(last.end, end), least))
        else:
            words.append(Word(text.strip(), start, max(start, end), confidence))
    return words


def is_amazon(data: Any) -> bool:
    """Amazon Transcribe Call Analytics, after the call or from a stream, and Amazon Connect Contact Lens."""
    return _has(data, "Transcript") and isinstance(data["Transcript"], list)


def read_amazon(data: Any, language: str | None) -> Transcript:
    """Read Call Analytics output. It needs a recording of two channels, so two are stated; a Contact Lens chat,
    which has no times, is read as an untimed transcript without a recording."""
    document = JsonObject.of(data)
    roles = _amazon_roles(document)
    stated = document.text("LanguageCode") if "LanguageCode" in document else None
    utterances = [item for item in document.objects("Transcript") if "Content" in item]
    if utterances and not any("BeginOffsetMillis" in item for item in utterances):
        return _untimed([(_amazon_role(item, roles), item.text("Content")) for item in utterances], language, stated)
    turns = [_amazon_turn(item, _amazon_role(item, roles)) for item in utterances]
    duration = 0.0
    if "ConversationCharacteristics" in document:
        figures = document.object("ConversationCharacteristics")
        if "TotalConversationDurationMillis" in figures:
            duration = figures.seconds("TotalConversationDurationMillis", per_second=1000)
    return _timed(turns, language, stated, channels=2, engine="amazon-transcribe", duration=duration)


def _amazon_roles(document: JsonObject) -> dict[str, str]:
    """Return the role of each participant id; live and Connect output names turns by id."""
    roles = dict(_AMAZON_ROLES)
    for participant in document.objects("Participants") if "Participants" in document else ():
        if "ParticipantId" in participant and "ParticipantRole" in participant:
            roles[participant.text("ParticipantId")] = _AMAZON_ROLES.get(participant.text("ParticipantRole"), UNKNOWN)
    return roles


def _amazon_role(item: JsonObject, roles: dict[str, str]) -> str:
    if "ParticipantRole" in item:
        return _AMAZON_ROLES.get(item.text("ParticipantRole"), UNKNOWN)
    return roles.get(item.text("ParticipantId"), UNKNOWN)


def _amazon_turn(item: JsonObject, speaker: str) -> Turn:
    start, end = _millis(item)
    words = _amazon_words(item.objects("Items")) if "Items" in item else []
    return _turn(speaker, start, end, item.text("Content"), words)


def _amazon_words(items: Iterable[JsonObject]) -> list[Word]:
    words: list[Word] = []
    for item in items:
        content = item.text("Content")
        if "BeginOffsetMillis" in item:
            start, end = _millis(item)
            words.append(Word(content, start, max(start, end), _amazon_confidence(item)))
        elif words:  # punctuation has no time of its own and belongs to the word before it
            last = words[-1]
            words[-1] = Word(last.text + content, last.start, last.end, last.confidence)
    return words


def _amazon_confidence(item: JsonObject) -> float | None:
    """Return the confidence, which Amazon writes as text ("0.9871") or as a number."""
    if "Confidence" not in item:
        return None
    try:
        confidence = float(item.value("Confidence"))
    except (TypeError, ValueError):
        raise item.wrong("Confidence", "must be a number from 0 to 1") from None
    if not 0 <= confidence <= 1:
        raise item.wrong("Confidence", "must be a number from 0 to 1")
    return confidence


def _millis(item: JsonObject) -> tuple[float, float]:
    return item.seconds("BeginOffsetMillis", per_second=1000), item.seconds("EndOffsetMillis", per_second=1000)


def is_harper_valley(data: Any) -> bool:
    """A call of the Gridspace-Stanford Harper Valley corpus: its own list of segments, or an object with them."""
    return _has_first({"segments": data} if isinstance(data, list) else data, "segments", "offset_ms")


def read_harper_valley(data: Any, language: str | None, *, corrected: bool = False) -> Transcript:
    """Read the recogniser's own text, or with `corrected` the transcriptionist's. Segments that hold nothing but
    a mark such as ``[noise]`` are left out. The corpus is English and records a channel for each side."""
    segments = objects_of(data) if isinstance(data, list) else JsonObject.of(data).objects("segments")
    turns, duration = [], 0.0
    for segment in segments:
        start = segment.seconds("offset_ms", per_second=1000)
        end = round(start + segment.seconds("duration_ms", per_second=1000), 3)
        speaker = _CORPUS_ROLES[segment.choice("speaker_role", _CORPUS_ROLES)]
        text = segment.text("human_transcript" if corrected else "transcript")
        turns.append(_turn(speaker, start, end, " ".join(_CORPUS_MARK.sub(" ", text).split()), []))
        duration = max(duration, end)
    engine = "harper-valley/human" if corrected else "harper-valley/recogniser"
    return _timed(turns, language, "en", channels=2, engine=engine, duration=duration)


def is_dialogues(data: Any) -> bool:
    """Dialogues of the MobileCS (10086) corpus: one, or a list of them."""
    return _has_first(data[0] if isinstance(data, list) and data else data, "content", "[SPEAKER 1]")


def read_dialogues(data: Any, language: str | None) -> Iterator[tuple[str, Transcript]]:
    """Yield (id, untimed transcript) for each dialogue: the corpus has the order of the sentences but no times."""
    for dialogue in objects_of(data if isinstance(data, list) else [data]):
        lines = [
            (speaker, exchange.text(key).replace("_", " ").strip())  # the corpus writes a break in speech as _
            for exchange in dialogue.objects("content")
            for key, speaker in _DIALOGUE_ROLES.items()
            if key in exchange
        ]
        yield dialogue.text("id"), _untimed([line for line in lines if line[1]], language, "zh")


Reader = Callable[[Any, str | None], Transcript]


def _turn(speaker: str, start: float, end: float, text: str, words: list[Word]) -> Turn:
    """Return a turn; recognisers round, so an end may stand a hair before its start."""
    return Turn(speaker, start, max(start, end), text.strip(), tuple(word for word in words if word.text))


def _timed(
    turns: list[Turn], language: str | None, stated: str | None, *, channels: int, engine: str, duration: float = 0.0
) -> Transcript:
    spoken = sorted((turn for turn in turns if turn.text), key=lambda turn: turn.start)
    return Transcript(
        language=settle_language(language, stated, [turn.text for turn in spoken]),
        duration=max([duration, *(turn.end for turn in spoken)]),
        channels=channels,
        turns=tuple(spoken),
        engine=engine,
    )


def _untimed(lines: list[tuple[str, str]], language: str | None, stated: str | None) -> Transcript:
    turns = tuple(Turn(speaker, float(n), float(n), text) for n, (speaker, text) in enumerate(lines))
    language = settle_language(language, stated, [text for _, text in lines])
    return Transcript(language=language, duration=0.0, channels=0, turns=turns, timed=False)


def _has(data: Any, *keys: str) -> bool:
    return isinstance(data, dict) and all(key in data for key in keys)


def _has_first(data: Any, key: str, inner: str) -> bool:
    """Tell whether `data` has a list at `key` whose first item has `inner`: enough to know the shape by."""
    items = data.get(key) if isinstance(data, dict) else None
    return isinstance(items, list) and bool(items) and _has(items[0], inner)
