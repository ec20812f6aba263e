"""Runs of digits: numbers as people say them, in one turn or in several."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scoring.spoken import Side

MIN_DIGITS = 4  # shorter runs of digits are amounts or counts, not numbers that are read back
RUN_PAUSE_S = 8.0  # a longer pause ends a number
PIECE = 6  # digits up to which what is said in one turn may be a piece of a number said in several


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits that follow each other, in however many turns of one speaker."""

    first: int
    last: int
    digits: str  # may end in X, as Chinese identity numbers do


_DIGITS = re.compile(r"^[0-9]+$")
_CROSS = frozenset({"x", "叉"})


def digit_runs(side: Side) -> Iterator[DigitRun]:
    """Yield every run of digits of a side; short pieces in turns that follow each other are one number."""
    run: DigitRun | None = None
    for piece in _pieces(side):
        if run is not None and _continues(side, run, piece):
            run = DigitRun(run.first, piece.last, run.digits + piece.digits)
            continue
        if run is not None:
            yield run
        run = piece
    if run is not None:
        yield run


def _continues(side: Side, run: DigitRun, piece: DigitRun) -> bool:
    """Whether a piece goes on with the number of the turn before: nothing between them, and a short piece itself."""
    if piece.first != run.last or len(piece.digits.rstrip("X")) > PIECE or run.digits.endswith("X"):
        return False
    before = side.in_turns(side.turn_of(run.last - 1), side.turn_of(run.last - 1))[0]
    last_piece = len("".join(side.texts[max(before, run.first) : run.last]))
    pause = side.moment(piece.first, piece.first + 1)[0] - side.moment(run.last - 1, run.last)[1]
    return last_piece <= PIECE and pause <= RUN_PAUSE_S


def _pieces(side: Side) -> Iterator[DigitRun]:
    """Yield every run of digits within one turn."""
    first, digits = 0, ""
    for index, text in enumerate(side.texts):
        if not digits and not _DIGITS.match(text):
            continue
        same_turn = not digits or side.turn_of(index) == side.turn_of(index - 1)
        if _DIGITS.match(text) and same_turn:
            first = first if digits else index
            digits += text
            continue
        crossed = same_turn and text in _CROSS and len(digits) in (3, 4, 17)  # of the last piece, or of all
        yield DigitRun(first, index + crossed, digits + "X" * crossed)
        first, digits = index, text if _DIGITS.match(text) else ""
    if digits:
        yield DigitRun(first, len(side.texts), digits)
