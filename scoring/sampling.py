"""Draw calls for review so that anybody can draw them again, with the exact probability that each one had.

Chance comes from a keyed hash instead of a generator: the *ticket* of a name is HMAC-SHA-256 of that name under the
draw's seed, read as a number. Whoever has the seed and the list gets the same tickets in any language on any machine.
All arithmetic is on whole numbers and fractions, so nothing depends on how a processor rounds.

Three designs, for each agent on its own:

simple      the calls with the lowest tickets: simple random sampling without replacement
stratified  systematic sampling down the list that is ordered by stratum and, within it, by ticket: every stratum
            gets its share of the reviews, rounded up or down by chance
risk        systematic sampling down the list ordered by ticket, in steps of unequal width: randomised systematic
            sampling with probability proportional to size (Madow 1949; Hartley and Rao 1962)

Systematic sampling keeps the probabilities exactly, whatever the order of the list. A call's size mixes equal chances
into its risk (`Design.floor`), so that no eligible call has a probability of zero. Probabilities above 1 are cut and
their surplus goes to the rest (Tillé 2006, section 2.10).

A week may be drawn in parts, for example day by day. What an agent gets up to a moment is n times the elapsed share
of the week, rounded by one ticket for the whole week; a part gets the difference. So the parts add up to n, and a
call's probability is that of its part's two possible sizes, weighed.

W. G. Madow (1949), On the theory of systematic sampling II, Ann. Math. Stat. 20.
H. O. Hartley, J. N. K. Rao (1962), Sampling with unequal probabilities and without replacement, Ann. Math. Stat. 33.
Y. Tillé (2006), Sampling Algorithms, Springer.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from math import floor

METHOD = "hmac-sha256/1"  # stored with each draw: another method would get another name
TICKETS = 1 << 256  # a ticket is a whole number from 0 up to here
RISK_UNIT = 1_000_000  # sizes are whole numbers of millionths


class FrameError(ValueError):
    """A list that cannot be drawn from, or a text that is no such list; the message says where."""


class DesignKind(StrEnum):
    SIMPLE = "simple"
    STRATIFIED = "stratified"
    RISK = "risk"


@dataclass(frozen=True, slots=True)
class Design:
    """How the calls of one agent are drawn.

    `floor` is the share of the probability, in percent, that is spread equally; it matters to the risk design only.
    A call's probability is never below that share of what a simple draw would give it, other than by cutting at 1.
    """

    kind: DesignKind = DesignKind.SIMPLE
    floor: int = 25

    def __post_init__(self) -> None:
        if not 1 <= self.floor <= 100:
            raise ValueError(f"the floor must be 1 to 100 percent, not {self.floor}: no call may have no chance")


@dataclass(frozen=True, slots=True)
class Unit:
    """One eligible call as a draw sees it."""

    key: str  # SHA-256 of the recording: the call's name on every machine
    agent: str  # staff number
    stratum: str = ""
    risk: int = 0  # expected harm in whole millionths; only its proportions matter


@dataclass(frozen=True, slots=True)
class Frame:
    """The eligible list: every call that could be drawn, how many each agent gets, and what is suspicious anyway."""

    units: tuple[Unit, ...]
    sizes: Mapping[str, int]  # reviews a week by staff number
    suspicious: Mapping[str, str] = field(default_factory=dict)  # key: why it is picked whatever chance says

    def __post_init__(self) -> None:
        keys = {unit.key for unit in self.units}
        if len(keys) < len(self.units):
            raise FrameError("a call stands in the list twice")
        if strangers := sorted(set(self.suspicious) - keys):
            raise FrameError(f"{strangers[0]} is suspicious but not in the list")
        for unit in self.units:
            if unit.risk < 0:
                raise FrameError(f"the risk of {unit.key} is negative")
            if self.sizes.get(unit.agent, 0) < 1:
                raise FrameError(f"agent {unit.agent} has calls in the list but no number of reviews")

    def text(self) -> str:
        """Return the list in its one written form, which is hashed and kept: JSON, calls in the order of their keys."""
        return _written(
            {
                "sizes": dict(self.sizes),
                "suspicious": dict(self.suspicious),
                "units": [
                    [unit.key, unit.agent, unit.stratum, unit.risk]
                    for unit in sorted(self.units, key=lambda unit: unit.key)
                ],
            }
        )

    @classmethod
    def read(cls, text: str) -> Frame:
        """Return the list that `text` writes.

        Raises:
            FrameError: it is no such list.
        """
        try:
            found = json.loads(text)
            units = tuple(
                Unit(str(key), str(agent), str(stratum), int(risk)) for key, agent, stratum, risk in found["units"]
            )
            sizes = {str(agent): int(size) for agent, size in found["sizes"].items()}
            suspicious = {str(key): str(why) for key, why in found["suspicious"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FrameError(f"this is no eligible list: {error}") from None
        return cls(units, sizes, suspicious)

    def digest(self) -> str:
        """Return the SHA-256 of the written list, in hexadecimal."""
        return hashlib.sha256(self.text().encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a week that a draw covers, as shares of the week from 0 to 1; the whole week unless said."""

    begin: Fraction = Fraction(0)
    end: Fraction = Fraction(1)
    part: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end <= 1:
            raise ValueError(f"a part of a week must lie within it and have a length, not {self.begin} to {self.end}")


WHOLE_WEEK = Span()


@dataclass(frozen=True, slots=True)
class Chosen:
    """One drawn call."""

    unit: Unit
    probability: Fraction


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a draw gives: the random sample, and apart from it the suspicious calls that chance left out."""

    sample: tuple[Chosen, ...]
    picks: tuple[tuple[Unit, str], ...]
    probabilities: Mapping[str, Fraction]  # of every eligible call, by key


def draw(frame: Frame, design: Design, seed: str, *, span: Span = WHOLE_WEEK, picks: int = 0) -> Outcome:
    """Draw the reviews of a week, or of a part of it, from `frame`.

    Args:
        seed: any text; whoever knows it can repeat the draw.
        picks: how many suspicious calls are added at most. The random sample is drawn first and from all calls:
            taking the suspicious ones out of the list would make every agent look better than they are.

    The result depends on nothing but the arguments, and not on the order of the list.
    """
    sample: list[Chosen] = []
    probabilities: dict[str, Fraction] = {}
    for agent, units in sorted(_by_agent(frame.units).items()):
        chances = inclusion_probabilities(units, frame.sizes[agent], design, span)
        probabilities.update(chances)
        size = size_of_part(frame.sizes[agent], agent, seed, span)
        sample += [Chosen(unit, chances[unit.key]) for unit in _take(units, size, design, seed, span)]
    taken = {one.unit.key for one in sample}
    left = [unit for unit in frame.units if unit.key in frame.suspicious and unit.key not in taken]
    left.sort(key=lambda unit: (frame.suspicious[unit.key], ticket(seed, "pick", unit.key)))
    return Outcome(
        tuple(sample), tuple((unit, frame.suspicious[unit.key]) for unit in left[: max(0, picks)]), probabilities
    )


def inclusion_probabilities(
    units: Sequence[Unit], size: int, design: Design, span: Span = WHOLE_WEEK
) -> dict[str, Fraction]:
    """Return the exact probability with which `draw` takes each of one agent's calls, by key.

    Args:
        size: reviews in a whole week; a part of the week has one of two sizes, which are weighed by their chance.
    """
    expected = size * (span.end - span.begin)
    low = floor(expected)
    more = expected - low  # the chance of one review more than `low`
    weights = _weights(units, design)
    fewer_chances = _proportional(weights, low)
    more_chances = _proportional(weights, low + 1) if more else fewer_chances
    return {
        unit.key: (1 - more) * one + more * other
        for unit, one, other in zip(units, fewer_chances, more_chances, strict=True)
    }


def size_of_part(size: int, agent: str, seed: str, span: Span = WHOLE_WEEK) -> int:
    """Return how many of an agent's `size` reviews a week fall to a part of it; all parts together give `size`."""
    start = Fraction(ticket(seed, "size", agent), TICKETS)
    return floor(size * span.end + start) - floor(size * span.begin + start)


def reserves(outcome: Outcome, unit: Unit, frame: Frame, seed: str) -> list[Unit]:
    """Return who would replace `unit`, in order: calls of its agent and stratum that were not drawn.

    The order is that of ticket / probability, as in sequential Poisson sampling (Ohlsson 1998), so that a reserve too
    comes up in proportion to its probability. Nobody chooses it.
    """
    taken = {one.unit.key for one in outcome.sample}
    others = [
        one
        for one in frame.units
        if (one.agent, one.stratum) == (unit.agent, unit.stratum) and one.key not in taken and one.key != unit.key
    ]
    return sorted(others, key=lambda one: (ticket(seed, "order", one.key) / outcome.probabilities[one.key], one.key))


def joint_reviews(keys: Iterable[str], percent: int, seed: str) -> frozenset[str]:
    """Return which of the drawn calls a second inspector reviews too: `percent` of them, by ticket."""
    ordered = sorted(keys, key=lambda key: ticket(seed, "joint", key))
    # The share is rounded by chance, so that it holds over many weeks also for small samples.
    start = Fraction(ticket(seed, "joint"), TICKETS)
    return frozenset(ordered[: floor(len(ordered) * Fraction(percent, 100) + start)])


def ticket(seed: str, *name: str) -> int:
    """Return the number from 0 to TICKETS - 1 that `name` draws under `seed`.

    >>> hex(ticket("2026-W47", "order", "a"))[:10]
    '0x8809e143'
    """
    return int.from_bytes(hmac.digest(seed.encode(), "\x1f".join(name).encode(), "sha256"))


def _by_agent(units: Iterable[Unit]) -> dict[str, list[Unit]]:
    groups: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        groups[unit.agent].append(unit)
    return groups


def _weights(units: Sequence[Unit], design: Design) -> list[int]:
    """Return whole numbers in proportion to the probabilities, before they are cut at 1."""
    total = sum(unit.risk for unit in units)
    if design.kind is not DesignKind.RISK or total == 0:
        return [1] * len(units)
    return [design.floor * total + (100 - design.floor) * len(units) * unit.risk for unit in units]


def _proportional(weights: Sequence[int], size: int) -> list[Fraction]:
    """Return probabilities that add up to `size`, in proportion to `weights` and none above 1."""
    if size >= len(weights):
        return [Fraction(1)] * len(weights)
    certain: set[int] = set()
    while True:
        total = sum(weight for i, weight in enumerate(weights) if i not in certain)
        left = size - len(certain)
        beyond = {i for i, weight in enumerate(weights) if i not in certain and left * weight > total}
        if not beyond:
            break
        certain |= beyond
    return [Fraction(1) if i in certain else Fraction(left * weight, total) for i, weight in enumerate(weights)]


def _take(units: Sequence[Unit], size: int, design: Design, seed: str, span: Span) -> Iterator[Unit]:
    """Yield the drawn calls of one agent."""
    tickets = {unit.key: ticket(seed, "order", unit.key) for unit in units}
    if design.kind is DesignKind.SIMPLE:
        yield from sorted(units, key=lambda unit: (tickets[unit.key], unit.key))[:size]
        return
    stratified = design.kind is DesignKind.STRATIFIED
    ordered = sorted(units, key=lambda unit: (unit.stratum if stratified else "", tickets[unit.key], unit.key))
    # Above 0 and at most 1; a call is taken where the sum of probabilities reaches start, start + 1, …
    start = Fraction(ticket(seed, "start", ordered[0].agent, str(span.part)) + 1, TICKETS)
    reached, steps = -start, 0
    for unit, chance in zip(ordered, _proportional(_weights(ordered, design), size), strict=True):
        reached += chance
        if floor(reached) >= steps:
            steps = floor(reached) + 1
            yield unit


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
