"""Who makes which test call when: spread over days, hours, numbers, scenarios and moods, and the same for everyone
who draws it again.

Nothing here is random to a reader of the plan and everything is to the agents: the order of all choices comes from
SHA-256 of the plan's seed, so that a plan can be drawn again on any machine. What the rules ask for and the hotline
cannot give is not bent silently: it is listed as a shortfall.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import cycle, islice
from typing import TypeVar

Thing = TypeVar("Thing", bound=Hashable)
SATURDAY = 5


class PlanError(ValueError):
    """A plan that cannot be made; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class PlanRules:
    """What a plan of test calls must keep to; hours are of the hotline's clock, the last one not included."""

    calls: int
    max_per_tester: int = 5
    min_numbers: int = 20
    weekend_share: float = 0.25
    evening_share: float = 0.25
    first_hour: int = 8
    last_hour: int = 22
    evening_from: int = 18

    def __post_init__(self) -> None:
        if self.calls < 1 or self.max_per_tester < 1 or self.min_numbers < 1:
            raise PlanError("a plan needs at least one call, one call for each tester and one number")
        if not 0 <= self.first_hour < self.last_hour <= 24:
            raise PlanError("service hours begin before they end, between 0 and 24")
        for share in (self.weekend_share, self.evening_share):
            if not 0 <= share <= 1:
                raise PlanError("the shares of weekends and evenings lie between 0 and 1")

    @property
    def evening_hours(self) -> tuple[int, ...]:
        return tuple(hour for hour in range(self.first_hour, self.last_hour) if hour >= self.evening_from)

    @property
    def day_hours(self) -> tuple[int, ...]:
        return tuple(hour for hour in range(self.first_hour, self.last_hour) if hour < self.evening_from)


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call that somebody is to make within one hour."""

    tester: int
    scenario: int
    persona: str
    number: str
    day: date
    hour: int


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Something that the rules ask for and cannot have: "calls", "numbers", "weekend" or "evening"."""

    of: str
    wanted: int
    found: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls by day and hour, and what is missing."""

    calls: tuple[PlannedCall, ...]
    shortfalls: tuple[Shortfall, ...] = field(default=())


def plan_tests(
    days: Sequence[date],
    testers: Sequence[int],
    numbers: Sequence[str],
    scenarios: Mapping[int, Sequence[str]],
    rules: PlanRules,
    *,
    seed: str,
) -> Plan:
    """Return who makes which test call when.

    Testers differ by at most one call and never pass the rules' maximum; within weekday and weekend, day and evening,
    hours differ by at most one call; numbers are taken in turn, so that none is used twice before all were used once;
    a tester meets a scenario again only after all others.

    Args:
        days: on which the hotline serves.
        testers: ids of those who are free to test.
        numbers: telephone numbers to call from.
        scenarios: the personas that each scenario may be played with, by the scenario's id.
        seed: decides everything that the rules leave open.

    Raises:
        PlanError: there is no day, tester, number or scenario at all.
    """
    for name, given in (("day", days), ("tester", testers), ("number", numbers), ("scenario", scenarios)):
        if not given:
            raise PlanError(f"there is no {name} to plan with")
    count = min(rules.calls, rules.max_per_tester * len(testers))
    shortfalls = [Shortfall("calls", rules.calls, count)] if count < rules.calls else []
    if len(set(numbers)) < rules.min_numbers:
        shortfalls.append(Shortfall("numbers", rules.min_numbers, len(set(numbers))))

    slots, missing = _slots(days, count, rules, seed)
    shortfalls += missing
    chosen_numbers = cycle(_shuffled(sorted(set(numbers)), seed, "numbers"))
    people = islice(cycle(_shuffled(sorted(set(testers)), seed, "testers")), count)
    parts = _Parts(scenarios, seed)
    calls = [
        PlannedCall(tester, *parts.next_for(tester), next(chosen_numbers), day, hour)
        for (day, hour), tester in zip(slots, people, strict=True)
    ]
    return Plan(tuple(calls), tuple(shortfalls))


class _Parts:
    """Hands out scenario and persona, to each tester in an order of the tester's own."""

    def __init__(self, scenarios: Mapping[int, Sequence[str]], seed: str) -> None:
        self.scenarios, self.seed = scenarios, seed
        self.orders: dict[int, Iterator[int]] = {}
        self.personas: dict[int, Iterator[str]] = {
            scenario: cycle(_shuffled(personas, seed, f"personas {scenario}"))
            for scenario, personas in scenarios.items()
        }

    def next_for(self, tester: int) -> tuple[int, str]:
        if tester not in self.orders:
            order = _shuffled(sorted(self.scenarios), self.seed, "scenarios")
            turn = len(self.orders) % len(order)  # so that the first calls of all testers differ
            self.orders[tester] = cycle(order[turn:] + order[:turn])
        scenario = next(self.orders[tester])
        return scenario, next(self.personas[scenario])


def _slots(
    days: Sequence[date], count: int, rules: PlanRules, seed: str
) -> tuple[list[tuple[date, int]], list[Shortfall]]:
    """Return days and hours in the order of time."""
    weekend = [day for day in days if day.weekday() >= SATURDAY]
    working = [day for day in days if day.weekday() < SATURDAY]
    shortfalls = []
    at_weekend = _share(count, rules.weekend_share, bool(weekend), bool(working))
    if (wanted := round(count * rules.weekend_share)) > at_weekend:
        shortfalls.append(Shortfall("weekend", wanted, at_weekend))
    slots: list[tuple[date, int]] = []
    evenings = 0
    for name, kind, size in (("weekend", weekend, at_weekend), ("working", working, count - at_weekend)):
        # The remainder of rounding goes to the second kind, so that the whole plan has its share.
        share = (
            round(size * rules.evening_share) if name == "weekend" else round(count * rules.evening_share) - evenings
        )
        late = _clamp(share, size, bool(rules.evening_hours), bool(rules.day_hours))
        evenings += late
        for hours, part in ((rules.evening_hours, late), (rules.day_hours, size - late)):
            label = f"{name} {hours}"
            slots += zip(
                islice(cycle(_shuffled(kind, seed, f"days {label}")), part),
                islice(cycle(_shuffled(hours, seed, f"hours {label}")), part),
                strict=True,
            )
    if (wanted := round(count * rules.evening_share)) > evenings:
        shortfalls.append(Shortfall("evening", wanted, evenings))
    return sorted(slots), shortfalls


def _share(count: int, share: float, some: bool, others: bool) -> int:
    return _clamp(round(count * share), count, some, others)


def _clamp(wanted: int, size: int, some: bool, others: bool) -> int:
    """Return how many of `size` can be of a kind: none where there is none of it, all where there is nothing else."""
    if not some:
        return 0
    return size if not others else max(0, min(wanted, size))


def _shuffled(things: Sequence[Thing], seed: str, label: str) -> list[Thing]:
    return sorted(things, key=lambda thing: hashlib.sha256(f"{seed}/{label}/{thing}".encode()).digest())
