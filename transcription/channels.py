"""Bring the two sides of a call together: which channel is the agent, and who spoke when.

A wrong guess would charge the agent with the words of an angry customer, so where nothing says clearly which side
is the agent, speakers stay "unknown".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from transcription.engine import Span, Utterance
from transcription.intervals import intersection, intervals_of, total
from transcription.languages import join_pieces
from transcription.transcript import AGENT, CUSTOMER, UNKNOWN, Transcript, Turn

OPENING_SECONDS = 45.0  # from the first words of the call
LIKENESS = 80.0  # of a wording and its best match, 0 to 100: recognisers mishear every fifth letter
CLEARLY = 2.0  # how many times more of the opening one side must say than the other
SAME_TURN = 1.5  # seconds of pause that do not end a turn

_NO_LETTERS = re.compile(r"\{[^{}]*\}|[^\w']+|_")
_HAN = re.compile(r"[\u3400-\u9fff]")


def speakers(channels: int, agent_channel: int | None) -> tuple[str, ...]:
    """Return the speaker of each channel."""
    if channels == 1 or agent_channel is None:
        return (UNKNOWN,) * channels
    return (AGENT, CUSTOMER) if agent_channel == 0 else (CUSTOMER, AGENT)


def agent_by_opening(channels: Sequence[Sequence[Utterance]], openings: Sequence[str]) -> int | None:
    """Return the channel that says the opening of the script, None where that is not clear.

    Args:
        channels: what was heard on each.
        openings: wordings of the opening. Those that a customer says as well, such as 您好 or "hello", are passed
            over: only wordings of two words and eight letters, or of three Chinese characters, count.
    """
    telling = {wording for wording in map(_plain, openings) if _is_telling(wording)}
    begin = min((heard.start for channel in channels for heard in channel), default=0.0)
    said = [
        sum(len(wording) for wording in telling if _says(_beginning(channel, begin), wording)) for channel in channels
    ]
    if len(said) != 2 or max(said) == 0 or max(said) < CLEARLY * min(said):
        return None
    return said.index(max(said))


def agent_by_turns(spans: Sequence[Sequence[Span]], transcript: Transcript) -> int | None:
    """Return the channel whose speech fits the agent's turns of a ready transcript, None where that is not clear."""
    if len(spans) != 2 or not transcript.timed:
        return None
    length = transcript.duration
    speech = [intervals_of(channel, length) for channel in spans]
    agent, customer = (
        intervals_of((turn for _, turn in transcript.said_by(side)), length) for side in (AGENT, CUSTOMER)
    )
    straight = total(intersection(speech[0], agent)) + total(intersection(speech[1], customer))
    crossed = total(intersection(speech[1], agent)) + total(intersection(speech[0], customer))
    if max(straight, crossed) == 0 or max(straight, crossed) < CLEARLY * min(straight, crossed):
        return None
    return 0 if straight > crossed else 1


def turns_of(channels: Sequence[Sequence[Utterance]], names: Sequence[str]) -> tuple[Turn, ...]:
    """Merge what was heard on each channel into turns, ordered by their start.

    An utterance is divided where the other side speaks between its words. Utterances of one side with no more than
    SAME_TURN seconds between them and nobody else in between are one turn. On one channel the pieces stay as the
    engine gave them, since nobody knows where the speaker changes.
    """
    pieces = [_Piece(utterance, channel) for channel, heard in enumerate(channels) for utterance in heard]
    if len(channels) == 2:
        pieces = [part for piece in pieces for part in _divided(piece, channels[1 - piece.channel])]
    pieces.sort(key=lambda piece: (piece.heard.start, piece.channel))
    merged: list[_Piece] = []
    for piece in pieces:
        if len(channels) == 2 and merged and _continues(merged[-1], piece):
            merged[-1] = _joined(merged[-1], piece)
        else:
            merged.append(piece)
    return tuple(
        Turn(names[piece.channel], piece.heard.start, piece.heard.end, piece.heard.text, piece.heard.words)
        for piece in merged
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    heard: Utterance
    channel: int


def _divided(piece: _Piece, others: Sequence[Utterance]) -> list[_Piece]:
    """Cut a piece at the pauses between its words in which the other side begins to speak."""
    words = piece.heard.words
    starts = [
        0,
        *(
            index
            for index in range(1, len(words))
            if any(words[index - 1].end <= other.start < words[index].start for other in others)
        ),
        len(words),
    ]
    if len(starts) == 2:
        return [piece]
    groups = [words[first:last] for first, last in pairwise(starts)]
    parts = [
        Utterance(group[0].start, group[-1].end, join_pieces(word.text for word in group), group) for group in groups
    ]
    return [replace(piece, heard=part) for part in parts]


def _continues(last: _Piece, piece: _Piece) -> bool:
    return last.channel == piece.channel and piece.heard.start - last.heard.end <= SAME_TURN


def _joined(first: _Piece, second: _Piece) -> _Piece:
    heard = Utterance(
        first.heard.start,
        max(first.heard.end, second.heard.end),
        join_pieces((first.heard.text, second.heard.text)),
        first.heard.words + second.heard.words,
    )
    return replace(first, heard=heard)


def _plain(text: str) -> str:
    """Return the words of `text` in small letters; Chinese without spaces, since recognisers set them at will."""
    words = _NO_LETTERS.sub(" ", text.lower()).split()
    return ("" if _HAN.search(text) else " ").join(words)


def _is_telling(wording: str) -> bool:
    if _HAN.search(wording):
        return len(wording) >= 3
    return len(wording) >= 8 and " " in wording


def _beginning(channel: Sequence[Utterance], begin: float) -> str:
    return _plain(join_pieces(heard.text for heard in channel if heard.start < begin + OPENING_SECONDS))


def _says(text: str, wording: str) -> bool:
    from rapidfuzz import fuzz

    if len(text) < len(wording):  # a partial match would then look for the text in the wording
        return fuzz.ratio(text, wording) >= LIKENESS
    return fuzz.partial_ratio(wording, text) >= LIKENESS
