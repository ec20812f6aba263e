"""What the database holds about one period, as plain values that scores are made from.

What belongs to a period is decided by when a call began, a test was dialled or a rating was given, on the hotline's
calendar; a review belongs to the period of its call. docs/scores.md says what each source counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from models import Agent, AutoScore, Call, CallState, Review, ReviewReason, ReviewState, ScoreAdjustment, TestCall
from qa.complaints import counted_complaints
from qa.nonvoice import nonvoice_tallies
from qa.periods import Period
from qa.praises import counted_praises
from qa.sampling import review_probabilities
from qa.surveys import survey_tallies
from qa.test_calls import ordinary_call
from scoring.observed import Calls, Correction, Observed, Share
from scoring.uncertainty import Tally


def observe(session: Session, period: Period, *, zone: ZoneInfo) -> Observed:
    """Return what is known about every agent in `period`; a fixed number of queries however many agents."""
    start, end = period.bounds(zone)
    began: list[ColumnElement[bool]] = [Call.started_at >= start, Call.started_at < end, Call.agent_id.is_not(None)]
    surveys = survey_tallies(session, period, zone=zone)
    complaints = counted_complaints(session, period, zone=zone)
    return Observed(
        agents=tuple(session.scalars(select(Agent.id).order_by(Agent.id))),
        calls=_calls(session, began),
        means={
            **_tests(session, period, zone),
            "NV": nonvoice_tallies(session, period, zone=zone),
        },
        surveys={agent: Share(tally.satisfied, tally.ratings.n) for agent, tally in surveys.items() if tally.ratings.n},
        complaints={agent: tuple(one.id for one in found) for agent, found in complaints.items()},
        praises=counted_praises(session, period, zone=zone),
        fatals=_fatals(session, began),
        corrections=_corrections(session, period),
    )


def _calls(session: Session, began: list[ColumnElement[bool]]) -> Calls:
    """The ordinary calls that could be scored, with the mean final score of their released random reviews.

    A call that several inspectors scored is one observation: their mean. A call that a person reviewed could be
    scored, whatever became of its recognition.
    """
    finals = session.execute(
        select(Review.call_id, func.avg(Review.final))
        .join(Call, Review.call_id == Call.id)
        .where(
            Review.state == ReviewState.RELEASED,
            Review.reason == ReviewReason.RANDOM,
            Review.final.is_not(None),
            Review.ordinary,
            *began,
        )
        .group_by(Review.call_id)
    )
    reviewed = {call: float(final) for call, final in finals}
    scored = (
        select(Call.id, Call.agent_id, AutoScore.raw, AutoScore.auto_items)
        .outerjoin(AutoScore, AutoScore.call_id == Call.id)
        .where(
            or_(
                Call.state == CallState.SCORED,
                Call.id.in_(select(Review.call_id).where(Review.state == ReviewState.RELEASED, Review.ordinary)),
            ),
            ordinary_call(),
            *began,
        )
    )
    # By the connection: a month of a large centre is some ten thousand rows, and the session would wrap each.
    rows: Sequence[Any] = session.connection().execute(scored).all()
    agents = {call: agent for call, agent, _, _ in rows if call in reviewed}
    chances = _whole(agents, review_probabilities(session, list(agents)))
    return Calls.of(
        [(call, agent, raw, items, reviewed.get(call), chances.get(call)) for call, agent, raw, items in rows]
    )


def _whole(agents: Mapping[int, int], chances: Mapping[int, float]) -> dict[int, float]:
    """Keep the probabilities of agents all of whose random reviews were drawn by a plan.

    Beside a review that came in without one (an import) the others' probabilities cannot be weighed: then all count
    the same.
    """
    without = {agent for call, agent in agents.items() if call not in chances}
    return {call: chances[call] for call, agent in agents.items() if agent not in without}


def _tests(session: Session, period: Period, zone: ZoneInfo) -> dict[str, dict[int, Tally]]:
    """The mean of the two sub-scores of matched sheets, by source and agent."""
    start, end = period.bounds(zone)
    half = (TestCall.norms + TestCall.knowledge) / 2
    summed: Sequence[Any] = session.execute(
        select(TestCall.source, TestCall.agent_id, func.count(), func.sum(half), func.sum(half * half))
        .where(
            TestCall.status == "matched",
            half.is_not(None),
            TestCall.agent_id.is_not(None),
            TestCall.dialled_at >= start,
            TestCall.dialled_at < end,
        )
        .group_by(TestCall.source, TestCall.agent_id)
    ).all()
    found: defaultdict[str, dict[int, Tally]] = defaultdict(dict)
    for source, agent, n, total, squares in summed:
        found[source][agent] = Tally(n, float(total), float(squares))
    return dict(found)


def _fatals(session: Session, began: list[ColumnElement[bool]]) -> dict[int, dict[int, int]]:
    """Confirmed fatal items of released reviews, whatever their reason, by agent and call.

    Two inspectors who confirm the same item of one call found it once: the larger count of each call is taken.
    """
    counted = session.execute(
        select(Call.agent_id, Call.id, func.max(Review.fatal_confirmed))
        .join(Review, Review.call_id == Call.id)
        .where(Review.state == ReviewState.RELEASED, Review.fatal_confirmed > 0, Review.ordinary, *began)
        .group_by(Call.agent_id, Call.id)
    )
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for agent, call, count in counted.tuples():
        assert agent is not None  # Asked for by `began`.
        found[agent][call] = count
    return dict(found)


def _corrections(session: Session, period: Period) -> dict[int, tuple[Correction, ...]]:
    made = session.execute(
        select(ScoreAdjustment.agent_id, ScoreAdjustment.id, ScoreAdjustment.points, ScoreAdjustment.fatals)
        .where(ScoreAdjustment.period == period.label)
        .order_by(ScoreAdjustment.id)
    )
    found: defaultdict[int, tuple[Correction, ...]] = defaultdict(tuple)
    for agent, number, points, fatals in made.tuples():
        found[agent] += (Correction(number, points, fatals),)
    return dict(found)
