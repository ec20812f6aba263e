"""Types that every kind of rule shares."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import Field

from scoring.criteria_file import Text
from scoring.entries import TOO_LONG

Role = Literal["agent", "customer", "any"]
Severity = Literal["minor", "major", "review", "fatal_candidate"]
Entry = Annotated[Text, Field(min_length=1, max_length=TOO_LONG)]
Entries = Annotated[tuple[Entry, ...], Field(min_length=1)]
RuleId = Annotated[Text, Field(min_length=1, max_length=40)]


def did_you_mean(name: str, known: list[str]) -> str:
    """Return advice for a name that nothing has: the nearest known one, else all of them."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    shown = ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
    return f"known are {shown}" if known else "there is none to name"
