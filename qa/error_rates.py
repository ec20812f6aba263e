"""Fatal and critical errors by class: how many reviewed calls of an agent, a team or the centre have one.

A critical error is an item of a class (the customer's, the business's, compliance) that is not met, or a fatal item of
the class that a person confirmed; a fatal error is the second alone. Only released random reviews count. Where calls
were drawn with unequal probability, they weigh accordingly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from models import Agent, Call, Review, ReviewMark, ReviewReason, ReviewState, ScorecardVersion
from qa.criteria import card_of
from qa.periods import Period
from qa.sampling import review_probabilities
from qa.test_calls import ordinary_call
from scoring.error_rates import ErrorRate, error_rate, weighted_error_rate
from scoring.marks import ANSWERED, Answer

CLASSES = ("customer", "business", "compliance")
# Kind and class of error, in the order of the pages; "any" fatal item, whatever its class.
KINDS = (*(("critical", one) for one in CLASSES), *(("fatal", one) for one in CLASSES), ("fatal", "any"))
Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """What the reviews of one call found; a kind that no answered item belongs to is not in `found`."""

    call_id: int
    agent_id: int
    team_id: int | None
    found: Mapping[Kind, bool]


@dataclass(frozen=True)
class CriticalErrors:
    """The reviewed calls of a period, from which rates of any group of agents follow."""

    calls: Sequence[JudgedCall]
    probabilities: Mapping[int, float]  # with which they came into the sample, where that is known

    def centre(self) -> dict[Kind, ErrorRate]:
        return self._rates(self.calls)

    def team(self, team_id: int) -> dict[Kind, ErrorRate]:
        return self._rates(one for one in self.calls if one.team_id == team_id)

    def agent(self, agent_id: int) -> dict[Kind, ErrorRate]:
        return self._rates(self._by_agent.get(agent_id, []))

    @cached_property
    def _by_agent(self) -> Mapping[int, list[JudgedCall]]:
        found: defaultdict[int, list[JudgedCall]] = defaultdict(list)
        for one in self.calls:
            found[one.agent_id].append(one)
        return found

    def _rates(self, calls: Iterable[JudgedCall]) -> dict[Kind, ErrorRate]:
        """Return the rate of each kind that was judged at all."""
        listed = list(calls)
        return {
            kind: self._rate([one for one in listed if kind in one.found], kind)
            for kind in KINDS
            if any(kind in one.found for one in listed)
        }

    def _rate(self, judged: Sequence[JudgedCall], kind: Kind) -> ErrorRate:
        errors = [one.found[kind] for one in judged]
        chances = [self.probabilities[one.call_id] for one in judged if one.call_id in self.probabilities]
        # Beside a call without a probability the others' cannot be weighed.
        if len(chances) < len(judged) or len(set(chances)) == 1:
            return error_rate(sum(errors), len(errors))
        return weighted_error_rate(errors, chances)


def critical_errors(
    session: Session, period: Period, *, zone: ZoneInfo, agent_ids: Collection[int] | None = None
) -> CriticalErrors:
    """Return what the released random reviews of `period` found; few queries however many agents.

    A call that several inspectors reviewed has an error that any of them found.
    """
    start, end = period.bounds(zone)
    released = [
        Review.state == ReviewState.RELEASED,
        Review.reason == ReviewReason.RANDOM,
        Review.ordinary,
        ordinary_call(),
        Call.started_at >= start,
        Call.started_at < end,
    ]
    if agent_ids is not None:
        released.append(Call.agent_id.in_(agent_ids))
    versions = session.scalars(
        select(ScorecardVersion).where(
            ScorecardVersion.id.in_(
                select(Review.scorecard_version_id).join(Call, Review.call_id == Call.id).where(*released)
            )
        )
    ).all()
    kinds = list(_conditions(versions).items())
    # The database finds the worst answer of each kind: a month of reviews has some hundred thousand marks.
    missed = case((ReviewMark.answer == Answer.NOT_MET, 1), else_=0)
    worst = [func.max(case((condition, missed))) for _, condition in kinds]
    asked = (
        select(Call.id, Call.agent_id, Agent.team_id, *worst)
        .join(Review, Review.call_id == Call.id)
        .join(ReviewMark, ReviewMark.review_id == Review.id)
        .join(Agent, Agent.id == Call.agent_id)
        .where(ReviewMark.answer.in_([answer.value for answer in ANSWERED]), *released)
        .group_by(Call.id, Call.agent_id, Agent.team_id)
        .order_by(Call.id)
    )
    rows: Sequence[Any] = session.execute(asked).all()
    judged = [
        JudgedCall(
            call_id,
            agent_id,
            team_id,
            {kind: bool(found) for (kind, _), found in zip(kinds, answers, strict=True) if found is not None},
        )
        for call_id, agent_id, team_id, *answers in rows
    ]
    return CriticalErrors(judged, review_probabilities(session, [one.call_id for one in judged]))


def _conditions(versions: Sequence[ScorecardVersion]) -> dict[Kind, ColumnElement[bool]]:
    """Return for each kind of error the condition that a mark belongs to an item that can be one."""
    items: defaultdict[Kind, dict[int, list[str]]] = defaultdict(dict)
    for version in versions:
        card = card_of(version)
        for kind, item in [
            *((("critical", item.error_class), item.id) for _, item in card.items()),
            *((("critical", fatal.error_class), fatal.id) for fatal in card.fatal),
            *((("fatal", fatal.error_class), fatal.id) for fatal in card.fatal),
            *((("fatal", "any"), fatal.id) for fatal in card.fatal),
        ]:
            items[kind].setdefault(version.id, []).append(item)
    return {
        kind: or_(
            *(
                and_(Review.scorecard_version_id == version, ReviewMark.item.in_(own))
                for version, own in items[kind].items()
            )
        )
        for kind in KINDS
        if kind in items
    }
