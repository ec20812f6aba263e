"""What another version of the rules would change: in one call, and summed up over many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scoring.call_score import score_outcomes
from scoring.facts import CallFacts
from scoring.marks import Answer, CallScore
from scoring.phrase_set import PhraseSet
from scoring.rules import check_rules
from scoring.scorecard import Scorecard
from transcription.measures import AudioMeasures
from transcription.transcript import Transcript

SAME = 0.05  # points: a score that moves by less is the same, as it is shown with one decimal
NO_RULE = "none"  # in the place of a verdict of a rule that one of the versions does not have


@dataclass(frozen=True, slots=True)
class Shift:
    """A rule or an item of the scorecard whose answer is another one; None: that version does not have it."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class CallChange:
    """One call by both versions of the rules, on the same scorecard."""

    before: float | None  # points of 100 as far as rules can tell; None: too little was answered
    after: float | None
    rules: tuple[Shift, ...]
    items: tuple[Shift, ...]
    fatal_before: bool = False  # a fatal item is suspected
    fatal_after: bool = False

    @property
    def difference(self) -> float:
        """How many points the call gains (above 0) or loses; 0 when one of the scores is missing."""
        if self.before is None or self.after is None:
            return 0.0
        return self.after - self.before

    @property
    def moved(self) -> bool:
        """Whether anything that somebody would notice is another: the score, an item, a suspicion or a rule."""
        same = self.rules == self.items == () and self.fatal_before == self.fatal_after
        return not same or (self.before is None) != (self.after is None) or abs(self.difference) >= SAME


def compare_call(
    transcript: Transcript,
    card: Scorecard,
    before: PhraseSet,
    after: PhraseSet,
    *,
    measures: AudioMeasures | None = None,
    facts: CallFacts | None = None,
) -> CallChange:
    """Score a call by `card` with the rules as they are and as they would be; nothing is stored."""
    facts = facts or CallFacts()
    old = check_rules(transcript, before, measures=measures, facts=facts)
    new = check_rules(transcript, after, measures=measures, facts=facts)
    first = score_outcomes(card, before, old, facts)
    second = score_outcomes(card, after, new, facts)
    return CallChange(
        first.raw,
        second.raw,
        _shifts({name: one.verdict for name, one in old.items()}, {name: one.verdict for name, one in new.items()}),
        _shifts({mark.item: mark.answer for mark in first.marks}, {mark.item: mark.answer for mark in second.marks}),
        _suspected(first),
        _suspected(second),
    )


def _shifts(before: Mapping[str, Answer], after: Mapping[str, Answer]) -> tuple[Shift, ...]:
    names = [*before, *(name for name in after if name not in before)]
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return tuple(
        Shift(name, old.value if old else None, new.value if new else None) for name, old, new in pairs if old != new
    )


def _suspected(score: CallScore) -> bool:
    return any(fatal.suspected is Answer.NOT_MET for fatal in score.fatals)


@dataclass(slots=True)
class AgentTally:
    """One agent's calls that have a score by both versions."""

    calls: int = 0
    before: float = 0.0  # sums of points
    after: float = 0.0
    gain: int = 0  # calls
    lose: int = 0

    @property
    def means(self) -> tuple[float, float]:
        """The mean score before and after; both 0 without calls."""
        return (self.before / self.calls, self.after / self.calls) if self.calls else (0.0, 0.0)

    @property
    def difference(self) -> float:
        """How far the agent's mean moves, in points."""
        return self.means[1] - self.means[0]


@dataclass(slots=True)
class Tally:
    """The sum of many call changes; can be kept as JSON between two stretches of work."""

    calls: int = 0
    gain: int = 0
    lose: int = 0
    scored: int = 0  # have a score that they did not have
    unscored: int = 0  # had a score and would have none
    suspicions: int = 0  # newly suspected of a fatal item
    cleared: int = 0  # no longer suspected
    marks: int = 0  # answers to items that change
    cannot_tell: int = 0  # answers to items that become "cannot tell"
    rules: dict[str, dict[str, int]] = field(default_factory=dict)  # rule: {"met>not_met": calls}
    items: dict[str, dict[str, int]] = field(default_factory=dict)
    agents: dict[str, AgentTally] = field(default_factory=dict)  # by id as text; "" for calls of nobody known

    def add(self, change: CallChange, agent: str = "") -> None:
        """Count one call of `agent`."""
        self.calls += 1
        self.gain += change.difference >= SAME
        self.lose += change.difference <= -SAME
        self.scored += change.before is None and change.after is not None
        self.unscored += change.before is not None and change.after is None
        self.suspicions += change.fatal_after and not change.fatal_before
        self.cleared += change.fatal_before and not change.fatal_after
        self.marks += len(change.items)
        self.cannot_tell += sum(shift.after == Answer.CANNOT_TELL for shift in change.items)
        for shifts, counted in ((change.rules, self.rules), (change.items, self.items)):
            for shift in shifts:
                ways = counted.setdefault(shift.name, {})
                way = f"{shift.before or NO_RULE}>{shift.after or NO_RULE}"
                ways[way] = ways.get(way, 0) + 1
        if change.before is not None and change.after is not None:
            self._add_scores(change.before, change.after, self.agents.setdefault(agent, AgentTally()))

    @staticmethod
    def _add_scores(before: float, after: float, tally: AgentTally) -> None:
        tally.calls += 1
        tally.before += before
        tally.after += after
        tally.gain += after - before >= SAME
        tally.lose += after - before <= -SAME

    @property
    def moved_agents(self) -> dict[str, AgentTally]:
        """The agents whose mean score moves, those who lose most first."""
        moved = {name: one for name, one in self.agents.items() if abs(one.difference) >= SAME}
        return dict(sorted(moved.items(), key=lambda pair: pair[1].difference))

    def ways(self, counted: Mapping[str, Mapping[str, int]]) -> list[tuple[str, list[tuple[str, str, int]]]]:
        """Return of each rule or item how many calls go from which answer to which, most changed first."""
        totals = Counter({name: sum(ways.values()) for name, ways in counted.items()})
        return [
            (name, [(*way.split(">"), n) for way, n in sorted(counted[name].items(), key=lambda pair: -pair[1])])  # type: ignore[misc]
            for name, _total in totals.most_common()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON form; `from_dict` gives the same value back."""
        data: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "agents"}
        data["agents"] = {
            name: [one.calls, one.before, one.after, one.gain, one.lose] for name, one in self.agents.items()
        }
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Tally:
        """Read the JSON form of `to_dict`."""
        agents = {name: AgentTally(*values) for name, values in data.get("agents", {}).items()}
        return cls(**{name: value for name, value in data.items() if name != "agents"}, agents=agents)
