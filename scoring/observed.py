"""What was counted in one period, and the scores that follow from it: plain values in, plain values out.

Nothing here reads a database or a clock. So a score that was published can be made again from the observations
that were stored with it, and must come out the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scoring.agent_score import AgentScore, Part, Scheme, combine
from scoring.uncertainty import (
    CONFIDENCE,
    Interval,
    Tally,
    around,
    census_interval,
    moderated_intervals,
    share_interval,
    strata_interval,
)

if TYPE_CHECKING:
    from scoring.estimation import AgentEstimate

V = TypeVar("V")
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MEANS = ("DT", "MS", "NV")  # sources that are the mean of a few values of each agent
_FORMAT = 1  # of the stored observations


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """The ordinary, gradable calls of a period; one place per call in every array, nan where there is nothing."""

    call: Integers  # ids, ascending
    agent: Integers  # agent ids
    raw: Floats  # the machine's score, 0 to 100
    auto_items: Floats  # the share of points over items that the machine decides alone, 0 to 100
    final: Floats  # the mean final score of released random reviews, 0 to 100
    probability: Floats  # with which a reviewed call was drawn; nan: as likely as the agent's others

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, float | None, float | None, float | None, float | None]]) -> Calls:
        """Return calls from (id, agent, raw, auto_items, final, probability)."""
        columns = list(zip(*sorted(rows, key=lambda row: row[0]), strict=True)) or [()] * 6
        call, agent = (np.array(column, dtype=np.int64) for column in columns[:2])
        # numpy turns None into nan when it is told to make floats.
        return cls(call, agent, *(np.array(column, dtype=np.float64) for column in columns[2:]))

    def __len__(self) -> int:
        return len(self.call)

    def sorted(self) -> Calls:
        order = np.argsort(self.call, kind="stable")
        return Calls(*(getattr(self, one.name)[order] for one in fields(self)))

    def columns(self) -> list[list[float | None]]:
        """Return the columns as plain numbers, None for nan."""
        columns: list[list[float | None]] = [self.call.tolist(), self.agent.tolist()]
        for column in (self.raw, self.auto_items, self.final, self.probability):
            columns.append([None if math.isnan(value) else value for value in column.tolist()])
        return columns


@dataclass(frozen=True, slots=True)
class Share:
    """How many of `n` answers were good."""

    good: int
    n: int


@dataclass(frozen=True, slots=True)
class Correction:
    """A change to a closed period that counts in this one."""

    id: int
    points: float
    fatals: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that was counted in one period, by agent id."""

    agents: tuple[int, ...]
    calls: Calls
    means: Mapping[str, Mapping[int, Tally]] = field(default_factory=dict)  # by source, of MEANS
    surveys: Mapping[int, Share] = field(default_factory=dict)  # satisfied of all ratings
    complaints: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # ids: upheld and the agent's
    praises: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # ids
    fatals: Mapping[int, Mapping[int, int]] = field(default_factory=dict)  # confirmed, by call id
    corrections: Mapping[int, tuple[Correction, ...]] = field(default_factory=dict)

    def with_agent(self, other: Observed, agent: int) -> Observed:
        """Return these observations with all about one agent taken from `other`; corrections stay."""

        def taken(here: Mapping[int, V], there: Mapping[int, V]) -> dict[int, V]:
            kept = {key: value for key, value in here.items() if key != agent}
            return kept | ({agent: there[agent]} if agent in there else {})

        stay, come = self.calls.agent != agent, other.calls.agent == agent
        columns = [one.name for one in fields(Calls)]
        calls = Calls(
            *(np.concatenate([getattr(self.calls, name)[stay], getattr(other.calls, name)[come]]) for name in columns)
        )
        return replace(
            self,
            calls=calls.sorted(),
            means={
                source: taken(self.means.get(source, {}), other.means.get(source, {}))
                for source in sorted({*self.means, *other.means})
            },
            surveys=taken(self.surveys, other.surveys),
            complaints=taken(self.complaints, other.complaints),
            praises=taken(self.praises, other.praises),
            fatals=taken(self.fatals, other.fatals),
        )

    def pack(self) -> tuple[bytes, str]:
        """Return the observations as packed JSON, and the SHA-256 of the JSON."""
        text = json.dumps(self._plain(), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        return zlib.compress(text, 6), hashlib.sha256(text).hexdigest()

    @classmethod
    def unpack(cls, packed: bytes, digest: str) -> Observed:
        """Read what `pack` wrote.

        Raises:
            ValueError: they are not what `digest` was made from, or of a form that this version does not know.
        """
        text = zlib.decompress(packed)
        if hashlib.sha256(text).hexdigest() != digest:
            raise ValueError("the stored observations were changed: their SHA-256 is another")
        plain = json.loads(text)
        if plain["format"] != _FORMAT:
            raise ValueError(f"the stored observations have form {plain['format']}; this version reads {_FORMAT}")
        return cls(
            agents=tuple(plain["agents"]),
            calls=Calls.of(list(zip(*plain["calls"], strict=True))),
            means={
                source: {int(agent): Tally(*tally) for agent, tally in tallies.items()}
                for source, tallies in plain["means"].items()
            },
            surveys={int(agent): Share(*share) for agent, share in plain["surveys"].items()},
            complaints={int(agent): tuple(ids) for agent, ids in plain["complaints"].items()},
            praises={int(agent): tuple(ids) for agent, ids in plain["praises"].items()},
            fatals={
                int(agent): {int(call): count for call, count in found.items()}
                for agent, found in plain["fatals"].items()
            },
            corrections={
                int(agent): tuple(Correction(*one) for one in made) for agent, made in plain["corrections"].items()
            },
        )

    def _plain(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "agents": list(self.agents),
            "calls": self.calls.columns(),
            "means": {
                source: {agent: [tally.n, tally.total, tally.squares] for agent, tally in tallies.items()}
                for source, tallies in self.means.items()
            },
            "surveys": {agent: [share.good, share.n] for agent, share in self.surveys.items()},
            "complaints": {agent: list(ids) for agent, ids in self.complaints.items()},
            "praises": {agent: list(ids) for agent, ids in self.praises.items()},
            "fatals": {agent: dict(found) for agent, found in self.fatals.items()},
            "corrections": {
                agent: [[one.id, one.points, one.fatals] for one in made] for agent, made in self.corrections.items()
            },
        }


class PeriodScores:
    """The scores that follow from what was observed in one period."""

    def __init__(self, observed: Observed, scheme: Scheme, confidence: float = CONFIDENCE) -> None:
        self.observed = observed
        self.scheme = scheme
        self.confidence = confidence
        self._sources = [part.src for part in scheme.parts]

    def agent(self, agent: int) -> AgentScore:
        """Return the score of one agent."""
        found = self.observed
        corrections = found.corrections.get(agent, ())
        return combine(
            self.scheme,
            [part for source in self._sources if (part := self._part(source, agent)) is not None],
            confirmed_fatals=self.fatals(agent),
            upheld_complaints=len(found.complaints.get(agent, ())),
            bonus=self.scheme.praise_points * len(found.praises.get(agent, ())),
            corrections=math.fsum(one.points for one in corrections),
            confidence=self.confidence,
        )

    def fatals(self, agent: int) -> int:
        """Return the confirmed fatal items that cap the grade: the period's, and late ones of closed periods."""
        late = sum(one.fatals for one in self.observed.corrections.get(agent, ()))
        return sum(self.observed.fatals.get(agent, {}).values()) + late

    def reviews(self, agent: int) -> int:
        """Return how many of the agent's calls have a released random review."""
        place = self._place.get(agent)
        return 0 if place is None else int(self._reviewed[place])

    def group(self, agents: Collection[int]) -> AgentScore:
        """Return the score of a team or of the centre: every call, test and rating counts once.

        Agents are strata: a mean over calls is the agents' means weighed by their calls, and its variance the
        weighted sum of theirs (Cochran 1977, chapter 5). Points for complaints, praise and corrections, and caps by
        fatal items, belong to a person and stay out.
        """
        members = [agent for agent in agents if agent in self._known]
        parts = [part for source in self._sources if (part := self._group_part(source, members)) is not None]
        return combine(self.scheme, parts, confidence=self.confidence)

    # Parts of one agent

    def _part(self, source: str, agent: int) -> Part | None:
        if source == "IM":
            return self._reviewed_part(agent)
        if source == "AQ":
            return self._automatic_part(agent)
        if source == "SV":
            return self._survey_part([agent])
        tally = self.observed.means.get(source, {}).get(agent)
        if tally is None or not tally.n:
            return None
        interval = (self._moderated[source] or {}).get(agent)
        return _with_interval(source, tally, interval, "spread_unknown")

    def _reviewed_part(self, agent: int) -> Part | None:
        n = self.reviews(agent)
        if not n:
            return None
        estimate = self.estimates[agent]
        plain = float(self._review_sum[self._place[agent]]) / n
        if math.isnan(estimate.value):
            return Part("IM", _scale(plain), n, no_interval="one_of_many", population=estimate.n_calls, method="mean")
        sure = not math.isnan(estimate.low) and not math.isnan(estimate.high)
        value = _scale(estimate.value)
        return Part(
            "IM",
            value,
            n,
            low=min(value, _scale(estimate.low)) if sure else None,
            high=max(value, _scale(estimate.high)) if sure else None,
            no_interval=None if sure else "one_of_many",
            population=estimate.n_calls,
            plain=_scale(plain),
            method=estimate.method,
        )

    def _automatic_part(self, agent: int) -> Part | None:
        tally = self._automatic.get(agent)
        if tally is None:
            return None
        population = int(self._n_calls[self._place[agent]])
        interval = census_interval(tally, population, self.confidence)
        return _with_interval("AQ", tally, interval, "one_of_many", population)

    def _survey_part(self, agents: Sequence[int]) -> Part | None:
        shares = [share for agent in agents if (share := self.observed.surveys.get(agent)) is not None]
        good, n = sum(share.good for share in shares), sum(share.n for share in shares)
        if not n:
            return None
        interval = share_interval(good, n, self.confidence)
        return Part("SV", 100 * good / n, n, low=100 * interval.low, high=100 * interval.high)

    # Parts of a group

    def _group_part(self, source: str, members: Sequence[int]) -> Part | None:
        if source == "IM":
            return self._group_reviews(members)
        if source == "AQ":
            return self._group_automatic(members)
        if source == "SV":
            return self._survey_part(members)
        tallies = [tally for agent in members if (tally := self.observed.means.get(source, {}).get(agent)) is not None]
        total = sum(tallies, Tally(0, 0.0, 0.0))
        if not total.n:
            return None
        everybody = list(self.observed.means[source].values())
        return _with_interval(source, total, strata_interval(tallies, everybody, self.confidence), "spread_unknown")

    def _group_reviews(self, members: Sequence[int]) -> Part | None:
        """The agents' estimates, weighed by their calls; agents without one stay out, of `population` too."""
        sure = [
            (agent, estimate)
            for agent in members
            if (estimate := self.estimates.get(agent)) is not None
            and estimate.n_reviewed > 0
            and not math.isnan(estimate.standard_error)
        ]
        if not sure:
            return None
        calls = np.array([estimate.n_calls for _, estimate in sure], dtype=np.float64)
        weights = calls / calls.sum()
        value = float(weights @ np.array([estimate.value for _, estimate in sure]))
        error = math.sqrt(float(weights**2 @ np.array([estimate.standard_error**2 for _, estimate in sure])))
        freedom = max(1, sum(estimate.n_reviewed - 1 for _, estimate in sure))
        interval = around(value, error, freedom, self.confidence)
        n = sum(estimate.n_reviewed for _, estimate in sure)
        plain = math.fsum(float(self._review_sum[self._place[agent]]) for agent, _ in sure) / n
        return Part(
            "IM",
            _scale(value),
            n,
            low=min(_scale(value), interval.low),
            high=max(_scale(value), interval.high),
            population=int(calls.sum()),
            plain=_scale(plain),
            method="stratified",
        )

    def _group_automatic(self, members: Sequence[int]) -> Part | None:
        tallies = [tally for agent in members if (tally := self._automatic.get(agent)) is not None]
        total = sum(tallies, Tally(0, 0.0, 0.0))
        if not total.n:
            return None
        population = sum(
            int(self._n_calls[place]) for agent in members if (place := self._place.get(agent)) is not None
        )
        return _with_interval(
            "AQ", total, census_interval(total, population, self.confidence), "one_of_many", population
        )

    # What all agents share, worked out once

    @cached_property
    def estimates(self) -> dict[int, AgentEstimate]:
        """The estimated mean final score over all calls of each agent with calls, from reviews and automatic scores.

        All agents are estimated together, whoever is asked for: they share what the automatic score is worth.
        """
        calls = self.observed.calls
        if not len(calls):
            return {}
        from scoring.estimation import estimate_scores

        found = estimate_scores(calls.agent, calls.raw, calls.final, calls.probability, confidence=self.confidence)
        by_agent = {estimate.agent: estimate for estimate in found}
        return {agent: by_agent[agent] for agent in self._place}

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(self.observed.agents)

    @cached_property
    def _moderated(self) -> dict[str, dict[int, Interval] | None]:
        return {source: moderated_intervals(self.observed.means.get(source, {}), self.confidence) for source in MEANS}

    @cached_property
    def _grouping(self) -> tuple[Integers, NDArray[np.intp]]:
        ids, place = np.unique(self.observed.calls.agent, return_inverse=True)
        return ids, place

    @cached_property
    def _place(self) -> dict[int, int]:
        """Where an agent with calls stands in the arrays by agent."""
        return {int(agent): i for i, agent in enumerate(self._grouping[0])}

    @cached_property
    def _n_calls(self) -> Integers:
        return np.bincount(self._grouping[1], minlength=len(self._grouping[0])).astype(np.int64)

    @cached_property
    def _reviewed(self) -> Integers:
        return self._sums(~np.isnan(self.observed.calls.final)).astype(np.int64)

    @cached_property
    def _review_sum(self) -> Floats:
        return self._sums(np.nan_to_num(self.observed.calls.final))

    @cached_property
    def _automatic(self) -> dict[int, Tally]:
        values = self.observed.calls.auto_items
        known = ~np.isnan(values)
        values = np.nan_to_num(values)
        n, total, squares = self._sums(known), self._sums(values), self._sums(values**2)
        return {agent: Tally(int(n[i]), float(total[i]), float(squares[i])) for agent, i in self._place.items() if n[i]}

    def _sums(self, values: NDArray[Any]) -> Floats:
        return np.bincount(self._grouping[1], weights=values, minlength=len(self._grouping[0])).astype(np.float64)


def changed_agents(before: Observed, after: Observed) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield the agents about whom something differs, and what: {"kind", "id", "change"}, in a fixed order.

    Kinds are call (its automatic marks), review (by call id), test, survey, complaint, praise and fatal (by call id);
    changes are added, removed and changed. Corrections are left out: they are made from such differences.
    """
    for agent in sorted(set(before.agents) | set(after.agents)):
        found = [
            *_call_changes(_of_agent(before.calls, agent), _of_agent(after.calls, agent)),
            *_keyed("fatal", before.fatals.get(agent, {}), after.fatals.get(agent, {})),
            *_keyed("complaint", *(dict.fromkeys(one.complaints.get(agent, ()), True) for one in (before, after))),
            *_keyed("praise", *(dict.fromkeys(one.praises.get(agent, ()), True) for one in (before, after))),
        ]
        if before.surveys.get(agent) != after.surveys.get(agent):
            found.append({"kind": "survey", "id": None, "change": "changed"})
        for source in MEANS:
            if before.means.get(source, {}).get(agent) != after.means.get(source, {}).get(agent):
                found.append({"kind": "test", "id": None, "change": "changed", "source": source})
        if found:
            yield agent, found


def _of_agent(calls: Calls, agent: int) -> dict[int, tuple[float, ...]]:
    chosen = np.flatnonzero(calls.agent == agent)
    columns = (calls.final, calls.raw, calls.auto_items, calls.probability)
    return {int(calls.call[i]): tuple(float(column[i]) for column in columns) for i in chosen}


def _call_changes(
    before: Mapping[int, tuple[float, ...]], after: Mapping[int, tuple[float, ...]]
) -> Iterator[dict[str, Any]]:
    yield from _keyed(
        "review", *({call: row[0] for call, row in one.items() if row[0] == row[0]} for one in (before, after))
    )
    yield from _keyed("call", *({call: repr(row[1:]) for call, row in one.items()} for one in (before, after)))


def _keyed(kind: str, before: Mapping[int, Any], after: Mapping[int, Any]) -> Iterator[dict[str, Any]]:
    for key in sorted(set(before) | set(after)):
        if before.get(key) != after.get(key):
            change = "added" if key not in before else "removed" if key not in after else "changed"
            yield {"kind": kind, "id": key, "change": change}


def _with_interval(
    source: str, tally: Tally, interval: Interval | None, why_not: str, population: int | None = None
) -> Part:
    value = _scale(tally.mean)
    if interval is None:
        return Part(source, value, tally.n, no_interval=why_not, population=population)
    low, high = min(value, interval.low), max(value, interval.high)
    return Part(source, value, tally.n, low=low, high=high, population=population)


def _scale(value: float) -> float:
    """The mean of values from 0 to 100 may overshoot by the last bit of a float."""
    return min(100.0, max(0.0, float(value)))
