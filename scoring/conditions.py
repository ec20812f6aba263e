"""The small language of `when`: which deduction applies when the rules of an item find what.

A condition reads ``[each] KIND [of RULE[/PART|PART…]] [>= N | == N]``, for example

- ``missing`` - any part of any rule of the item was not said
- ``each missing of ZH-FEE/生效|期限`` - once for each of these two parts that was not said
- ``hit of ZH-FORB-MAJOR`` - this forbidden rule was hit
- ``interruption >= 3`` - three or more interruptions

docs/rules.md lists the kinds and which rule gives which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from scoring.marks import Answer
from scoring.outcome import Finding

KINDS = frozenset(
    {
        "missing",
        "late",
        "order",
        "reply",
        "too_few",
        "none",
        "hit",
        "speed",
        "speed_turn",
        "level",
        "interruption",
        "silence",
        "grave_silence",
        "repeat",
        "hangup",
    }
)

_PATTERN = re.compile(
    r"^(?P<each>each\s+)?(?P<kind>[a-z_]+)(?:\s+of\s+(?P<rule>[^\s/]+)(?:/(?P<parts>\S+))?)?"
    r"(?:\s*(?P<compare>>=|==)\s*(?P<count>\d+))?$"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed `when` condition."""

    kind: str
    each: bool = False
    rule: str | None = None
    parts: frozenset[str] = frozenset()
    compare: str = ">="
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition.

        Raises:
            ValueError: it does not follow the pattern or names an unknown kind.
        """
        match = _PATTERN.match(text.strip())
        if not match:
            raise ValueError(f"{text!r} is not a condition; write for example 'each missing of RULE/PART'")
        if match["kind"] not in KINDS:
            raise ValueError(f"{match['kind']!r} is not one of the kinds {', '.join(sorted(KINDS))}")
        if match["each"] and match["count"]:
            raise ValueError(f"{text!r}: 'each' and a comparison exclude each other")
        return cls(
            match["kind"],
            bool(match["each"]),
            match["rule"],
            frozenset(match["parts"].split("|")) if match["parts"] else frozenset(),
            match["compare"] or ">=",
            int(match["count"] or 1),
        )

    def times(self, findings: Iterable[Finding]) -> tuple[int, int]:
        """Return how often the condition holds: at least, and at most if all that cannot be told failed."""
        sure = doubtful = 0
        for finding in findings:
            if self._concerns(finding):
                sure += finding.verdict is Answer.NOT_MET
                doubtful += finding.verdict is Answer.CANNOT_TELL
        if self.each:
            return sure, sure + doubtful
        if self.compare == "==":
            certain = sure == self.count and not doubtful
            possible = sure <= self.count <= sure + doubtful
            return int(certain), int(possible)
        return int(sure >= self.count), int(sure + doubtful >= self.count)

    def _concerns(self, finding: Finding) -> bool:
        return (
            finding.kind == self.kind
            and (self.rule is None or finding.rule == self.rule)
            and (not self.parts or finding.part in self.parts)
        )
