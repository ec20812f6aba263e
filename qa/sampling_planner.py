"""Before a draw: what it will tell, how many reviews a question needs, and where further ones tell most."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf, isfinite
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models import Agent, AutoScore, Call, Review, ReviewReason, ReviewState
from qa.periods import Period
from qa.sampling import SPREAD_DAYS, Eligible, agent_spreads, eligible_calls
from qa.sampling_rules import PlanRules
from scoring.allocation import (
    ASSUMED_SPREAD,
    Work,
    best_shares,
    equal_shares,
    half_width,
    reviews_needed,
    standard_errors,
)

_RANDOM = (
    Review.state == ReviewState.RELEASED,
    Review.reason == ReviewReason.RANDOM,
    Review.final.is_not(None),
    Review.ordinary,
)
_NOTHING = 1e-6  # variance in squared points: all scores are alike
MIN_PAIRS = 10  # fewer reviews say nothing about spread and correlation


@dataclass(frozen=True, slots=True)
class Known:
    """What the reviews of the last SPREAD_DAYS days say about the scores of a group of agents."""

    reviews: int
    calls: int  # that the group took in the same time
    spread: float  # standard deviation of the review scores, in points
    correlation: float  # with the automatic scores
    assumed: bool  # too few reviews: the spread is ASSUMED_SPREAD and the correlation 0


@dataclass(frozen=True, slots=True)
class Share:
    """One agent's part of the week's reviews, in two ways of sharing."""

    agent: str
    calls: int
    spread: float
    best: int
    equal: int
    best_half: float  # half-width of the interval of this week's mean; infinite below two reviews
    equal_half: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same number of reviews, shared where it tells most and equally."""

    shares: tuple[Share, ...]
    best_error: float  # root of the mean squared standard error over the agents, in points
    equal_error: float

    @property
    def saving(self) -> float:
        """Return the share of reviews that equal shares would need more for the same precision, about, in percent."""
        return 100 * ((self.equal_error / self.best_error) ** 2 - 1) if self.best_error else 0.0


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draw of a week would do; nothing is drawn."""

    eligible: Eligible
    agents: int
    reviews: int
    half_now: float  # median over the agents, with this month's reviews so far; infinite below two
    half_after: float
    known: Known

    @property
    def calls(self) -> int:
        return len(self.eligible.frame.units)


def what_is_known(session: Session, before: datetime, *, team_id: int | None = None) -> Known:
    """Return what the released random reviews of a team, or of everybody, say about the spread of scores."""
    since = before - timedelta(days=SPREAD_DAYS)
    of_group: list[ColumnElement[bool]] = [Call.started_at >= since, Call.started_at < before]
    if team_id is not None:
        of_group.append(Call.agent_id.in_(select(Agent.id).where(Agent.team_id == team_id)))
    final, raw = Review.final, AutoScore.raw
    n, mean, square = session.execute(
        select(func.count(), func.avg(final), func.avg(final * final))
        .select_from(Review)
        .join(Call, Review.call_id == Call.id)
        .where(*_RANDOM, *of_group)
    ).one()
    calls = session.scalars(select(func.count()).select_from(Call).where(*of_group)).one()
    variance = 0.0 if n < MIN_PAIRS else max(0.0, square - mean**2) * n / (n - 1)
    if variance < _NOTHING:
        return Known(n, calls, ASSUMED_SPREAD, 0.0, True)
    both = session.execute(
        select(
            func.count(),
            func.avg(final),
            func.avg(raw),
            func.avg(final * final),
            func.avg(raw * raw),
            func.avg(final * raw),
        )
        .select_from(Review)
        .join(Call, Review.call_id == Call.id)
        .join(AutoScore, AutoScore.call_id == Call.id)
        .where(*_RANDOM, raw.is_not(None), *of_group)
    ).one()
    return Known(n, calls, variance**0.5, _correlation(*both), False)


def _correlation(
    n: int,
    x: float | None,
    y: float | None,
    xx: float | None,
    yy: float | None,
    xy: float | None,
) -> float:
    """Return the correlation of two columns from the means of them, their squares and products; never below 0."""
    if n < MIN_PAIRS or x is None or y is None or xx is None or yy is None or xy is None:
        return 0.0
    spread_x, spread_y = xx - x**2, yy - y**2
    if min(spread_x, spread_y) < _NOTHING:
        return 0.0
    return max(0.0, min(0.99, (xy - x * y) / (spread_x * spread_y) ** 0.5))


def reviews_to_tell(
    known: Known, difference: float, *, power: float = 0.8, groups: int = 1, assisted: bool = True
) -> int:
    """Return how many reviews tell two means apart that lie `difference` points from each other.

    Args:
        assisted: whether the estimate uses the automatic scores.

    Raises:
        ValueError: see scoring.allocation.reviews_needed.
    """
    return reviews_needed(
        difference, known.spread, power=power, groups=groups, correlation=known.correlation if assisted else 0.0
    )


def compare_shares(
    session: Session, rules: PlanRules, week: Period, reviews: int, *, zone: ZoneInfo, least: int = 2
) -> Comparison:
    """Return what `reviews` tell about the agents of `week` when they are shared well, and when equally."""
    begins, ends = week.bounds(zone)
    found = eligible_calls(session, rules.model_copy(update={"budget": None}), begins, ends, zone=zone)
    calls = Counter(unit.agent for unit in found.frame.units)
    spreads = agent_spreads(session, calls, begins)
    work = [Work(agent, calls[agent], spreads[agent], least=least) for agent in sorted(calls)]
    best, equal = best_shares(work, reviews), equal_shares(work, reviews)
    shares = tuple(
        Share(
            one.agent,
            one.calls,
            one.spread,
            best[one.agent],
            equal[one.agent],
            half_width(best[one.agent], one.spread, population=one.calls),
            half_width(equal[one.agent], one.spread, population=one.calls),
        )
        for one in work
    )
    return Comparison(shares, _root_mean_square(work, best), _root_mean_square(work, equal))


def preview(session: Session, rules: PlanRules, week: Period, *, zone: ZoneInfo, month: Period) -> Preview:
    """Return what drawing `week` would do to what is known about the agents in `month`."""
    begins, ends = week.bounds(zone)
    eligible = eligible_calls(session, rules, begins, ends, zone=zone)
    calls = Counter(unit.agent for unit in eligible.frame.units)
    spreads = agent_spreads(session, calls, begins)
    start, end = month.bounds(zone)
    reviewed = session.execute(
        select(Agent.number, func.count())
        .select_from(Review)
        .join(Call, Review.call_id == Call.id)
        .join(Agent, Call.agent_id == Agent.id)
        .where(*_RANDOM, Call.started_at >= start, Call.started_at < end)
        .group_by(Agent.number)
    )
    so_far = dict(reviewed.tuples().all())
    sizes = {agent: min(eligible.frame.sizes[agent], count) for agent, count in calls.items()}
    now_halves = [half_width(so_far.get(agent, 0), spreads[agent]) for agent in calls]
    after = [half_width(so_far.get(agent, 0) + sizes[agent], spreads[agent]) for agent in calls]
    return Preview(
        eligible,
        len(calls),
        sum(sizes.values()),
        median(now_halves) if now_halves else inf,
        median(after) if after else inf,
        what_is_known(session, begins),
    )


def finite(value: float) -> float | None:
    """Return `value`, None when it is infinite: there is no interval."""
    return value if isfinite(value) else None


def _root_mean_square(work: list[Work], shares: dict[str, int]) -> float:
    errors = standard_errors(work, shares)
    return (sum(error**2 for error in errors.values()) / len(errors)) ** 0.5 if errors else 0.0
