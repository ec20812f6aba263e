"""How the words that were heard differ from the script's: said, misheard, missing, or added."""

from __future__ import annotations

from scoring.alignment import Step, steps_of
from scoring.text import normaliser

NOTHING_ALIKE = 0.3  # share of the wording that must be found again for a comparison to say anything


def difference(wording: str, heard: str | None, language: str) -> tuple[Step, ...]:
    """Return the steps from a script's wording to the words heard in its place; empty when they have nothing in common.

    Units are those that checking compares: characters in Chinese, else words, in normal form.

    >>> [step.op for step in difference("how may I help you", "how may I help", "en")]
    ['equal', 'equal', 'equal', 'equal', 'delete']
    """
    normal = normaliser(language)
    words = normal.words(wording)
    if not words or not heard:
        return ()
    steps = steps_of(words, normal.words(heard), normal.chinese)
    found = sum(step.op in ("equal", "similar") for step in steps)
    return steps if found >= NOTHING_ALIKE * len(words) else ()
