"""Written-down calls for the tests of scoring: who says what, when."""

from __future__ import annotations

from transcription.transcript import Transcript, Turn, Word

Line = tuple[str, str] | tuple[str, str, float]


def dialogue(
    *lines: Line,
    language: str = "en",
    pace: float | None = None,
    gap: float = 0.5,
    confidence: float | None = None,
    word_times: bool = True,
    timed: bool = True,
    tail: float = 0.4,
) -> Transcript:
    """Return a transcript of (speaker, text[, start second]) lines that follow each other after `gap` seconds.

    `pace` is seconds per word (character in Chinese); it is about that of ordinary speech by default.
    """
    chinese = language.startswith("zh")
    pace = pace or (0.27 if chinese else 0.38)
    turns: list[Turn] = []
    clock = 0.0
    for index, (speaker, text, *at) in enumerate(lines):
        clock = at[0] if at else clock
        units = [*text] if chinese else text.split()
        words = tuple(Word(unit, clock + pace * n, clock + pace * (n + 1), confidence) for n, unit in enumerate(units))
        end = clock + pace * len(units)
        if timed:
            turns.append(Turn(speaker, clock, end, text, words if word_times else ()))
        else:
            turns.append(Turn(speaker, float(index), float(index), text))
        clock = end + gap
    duration = clock - gap + tail if timed else 0.0
    return Transcript(language, duration, 2 if timed else 0, tuple(turns), timed=timed)


def agent(text: str, *at: float) -> Line:
    return ("agent", text, *at)  # type: ignore[return-value]


def customer(text: str, *at: float) -> Line:
    return ("customer", text, *at)  # type: ignore[return-value]


def unknown(text: str, *at: float) -> Line:
    return ("unknown", text, *at)  # type: ignore[return-value]
