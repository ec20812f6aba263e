"""What a condition found: a value of three, the places that speak for it, and why it cannot be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol


class Matched(Protocol):
    """What evidence needs to know of words that were found, or came nearest."""

    @property
    def wording(self) -> str | None: ...
    @property
    def speaker(self) -> str | None: ...
    @property
    def turn(self) -> int | None: ...
    @property
    def start(self) -> float | None: ...
    @property
    def end(self) -> float | None: ...
    @property
    def text(self) -> str | None: ...
    @property
    def probability(self) -> float | None: ...
    @property
    def confidence(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a condition holds, or may hold.

    `start` and `end` are seconds, or turn numbers when the transcript has no times.
    """

    start: float
    end: float
    turn: int | None = None
    speaker: str | None = None
    text: str | None = None
    wording: str | None = None
    probability: float | None = None
    confidence: float | None = None
    doubt: str | None = None  # a reason id; None: certain
    values: Mapping[str, Any] = field(default_factory=dict)  # for the reason
    reason: str | None = None  # of this hit; None: that of the whole
    content: str = ""  # of entities: digits or words to compare, never shown

    @property
    def certain(self) -> bool:
        return self.doubt is None

    def doubted(self, reason: str) -> Hit:
        """Return the hit as one that only may be there."""
        return replace(self, doubt=self.doubt or reason)


@dataclass(frozen=True, slots=True)
class Found:
    """What a condition or expression found: true, false or (None) cannot tell."""

    value: bool | None
    reason: str
    hits: tuple[Hit, ...] = ()  # certain and doubtful ones, in order of time
    values: Mapping[str, Any] = field(default_factory=dict)
    nearest: Matched | None = None  # of words that were not found

    @property
    def certain(self) -> tuple[Hit, ...]:
        return tuple(hit for hit in self.hits if hit.certain)

    @property
    def doubtful(self) -> tuple[Hit, ...]:
        return tuple(hit for hit in self.hits if not hit.certain)


def by_hits(hits: list[Hit], found: str, absent: Found, *, values: Mapping[str, Any] | None = None) -> Found:
    """Return true if any hit is certain, cannot tell if there are only doubtful ones, else `absent`."""
    hits.sort(key=lambda hit: hit.start)
    if any(hit.certain for hit in hits):
        return Found(True, found, tuple(hits), values or {})
    if hits:
        return Found(None, hits[0].doubt or "unsure", tuple(hits), {**(values or {}), **hits[0].values})
    return absent
