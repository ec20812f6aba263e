"""Did coaching help? An agent's rate on an item before and after, against agents who were not coached.

Agents are coached on what went badly of late, and what went badly by chance gets better by itself: regression to the
mean. A plain before-and-after comparison takes that for success. So the change is compared with that of agents who
were as weak in the same weeks and got no coaching (difference in differences; they regress alike). The interval has
the agent's own chance (Wilson's limits, put together by MOVER) and how differently the others changed: the spread of
their changes counts twice, once for their mean and once, as far as chance does not explain it, because the coached
agent would have been one more of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scoring.uncertainty import CONFIDENCE, Interval, Term, difference, share_interval

LEAST_ANSWERS = 5  # on either side; fewer say nothing
LEAST_PEERS = 3  # agents to compare with
MOST_PEERS = 12  # the most similar ones
SIMILAR = 0.15  # how far a peer's rate before may lie from the agent's


class Verdict(StrEnum):
    BETTER = "better"  # than without coaching, beyond chance
    WORSE = "worse"
    CHANCE = "chance"  # the difference may be chance
    FEW_ANSWERS = "few_answers"
    FEW_PEERS = "few_peers"  # a change is seen, and nothing says what it would have been without coaching


@dataclass(frozen=True, slots=True)
class Rate:
    """How often an item was met, of how many answers."""

    met: int
    n: int

    @property
    def share(self) -> float | None:
        """0 to 1; None without an answer."""
        return self.met / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval of the share, 0 to 1; None without an answer."""
        return share_interval(self.met, self.n) if self.n else None

    @property
    def enough(self) -> bool:
        return self.n >= LEAST_ANSWERS


@dataclass(frozen=True, slots=True)
class Change:
    """One agent's rate before and after the same day."""

    before: Rate
    after: Rate

    @property
    def enough(self) -> bool:
        return self.before.enough and self.after.enough

    @property
    def points(self) -> float:
        """After minus before, −1 to 1; both need an answer."""
        return self.after.met / self.after.n - self.before.met / self.before.n

    @property
    def interval(self) -> Interval:
        """What chance alone leaves of `points`, −1 to 1: Wilson's limits of both rates, put together."""
        return difference(_term(self.after), _term(self.before))


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one item. Differences are shares, −1 to 1."""

    own: Change
    change: float | None  # of the agent
    change_interval: Interval | None
    peers: int  # similar agents without coaching
    peer_change: float | None  # their mean change: what time and chance did by themselves
    effect: float | None  # change minus peer_change
    effect_interval: Interval | None
    verdict: Verdict


def effect_of(own: Change, others: Sequence[Change]) -> Effect:
    """Return what coaching did to an agent's rate.

    Args:
        own: the coached agent's.
        others: those of agents who were not coached on the item, in the same time.
    """
    if not own.enough:
        return Effect(own, None, None, 0, None, None, None, Verdict.FEW_ANSWERS)
    own_interval = own.interval
    peers = similar(own, others)
    if len(peers) < LEAST_PEERS:
        return Effect(own, own.points, own_interval, len(peers), None, None, None, Verdict.FEW_PEERS)
    changes = [peer.points for peer in peers]
    usual = math.fsum(changes) / len(changes)
    effect = own.points - usual
    allowance = _t(len(changes) - 1) * _spread_error(peers, changes, usual)
    interval = Interval(
        effect - math.hypot(own.points - own_interval.low, allowance),
        effect + math.hypot(own_interval.high - own.points, allowance),
    )
    verdict = Verdict.BETTER if interval.low > 0 else Verdict.WORSE if interval.high < 0 else Verdict.CHANCE
    return Effect(own, own.points, own_interval, len(peers), usual, effect, interval, verdict)


def similar(own: Change, others: Sequence[Change]) -> list[Change]:
    """Return the changes of those who began most nearly where `own` did, the nearest first."""
    start = own.before.met / own.before.n
    near = [
        (abs(other.before.met / other.before.n - start), at, other) for at, other in enumerate(others) if other.enough
    ]
    return [other for distance, _, other in sorted(near, key=lambda one: one[:2]) if distance <= SIMILAR + 1e-9][
        :MOST_PEERS
    ]


def _spread_error(peers: Sequence[Change], changes: Sequence[float], usual: float) -> float:
    """Return the standard error that the others' changes bring: of their mean, and between agents beyond chance."""
    k = len(changes)
    variance = math.fsum((change - usual) ** 2 for change in changes) / (k - 1)
    by_chance = math.fsum(_chance(peer.before) + _chance(peer.after) for peer in peers) / k
    return math.sqrt(variance / k + max(0.0, variance - by_chance))


def _chance(rate: Rate) -> float:
    """Return the variance of a share by chance alone, not zero for none or all (Agresti & Coull's two of each)."""
    share = (rate.met + 2) / (rate.n + 4)
    return share * (1 - share) / rate.n


def _term(rate: Rate) -> Term:
    limits = share_interval(rate.met, rate.n)
    return Term(1.0, rate.met / rate.n, limits.low, limits.high)


def _t(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
