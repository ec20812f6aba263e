"""The inspectors as measuring instruments: how far they agree on calls that two of them scored, and who is milder.

Agreement comes from finished reviews of the same call by the same version of a scorecard, whether a plan gave the
call to two inspectors or not. Leniency comes from all released random reviews: inspectors who share agents can be
compared without sharing calls. Both are views; no score is changed by them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import fsum, nan
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models import AutoScore, Call, Review, ReviewMark, ReviewReason, ReviewState, ScorecardVersion, User
from qa.criteria import card_of
from qa.periods import Period
from qa.sampling import CHUNK, FINISHED
from qa.test_calls import ordinary_call
from scoring.agreement import Agreement, AnswerPair, agreement
from scoring.leniency import InspectorEffect, Leniency, inspector_effects

GAP_ALARM = 5.0  # points between two inspectors on one call
AGREEMENT_TARGET = 0.9  # of item answers


@dataclass(frozen=True, slots=True)
class Gap:
    """How far apart two inspectors' scores of the same call are, before fatal items."""

    calls: int
    mean: float  # points, without sign
    wide: int  # calls on which they are more than GAP_ALARM points apart


@dataclass(frozen=True, slots=True)
class ItemAgreement:
    """One item of a scorecard on all calls that two inspectors scored."""

    card: str
    item: str
    name: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class InspectorRow:
    """One inspector: against those who scored the same calls, and against all as to leniency."""

    inspector_id: int
    name: str
    agreement: Agreement | None  # None: no call that another inspector scored too
    gap: Gap | None
    effect: InspectorEffect | None  # None: no released random review


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a period says about its inspectors."""

    whole: Agreement | None
    gap: Gap | None
    items: Sequence[ItemAgreement]  # least agreement first
    inspectors: Sequence[InspectorRow]


@dataclass(frozen=True, slots=True)
class AdjustedMean:
    """The mean of an agent's random reviews, as it is and without the inspectors' estimated leniency."""

    raw: float
    adjusted: float
    n: int


@dataclass(frozen=True, slots=True)
class _Joint:
    """Two finished reviews of one call."""

    call_id: int
    version_id: int
    inspectors: tuple[int, int]
    scores: tuple[float | None, float | None]
    reviews: tuple[int, int]


def inspection(session: Session, period: Period, *, zone: ZoneInfo) -> Inspection:
    """Return agreement and leniency of the inspectors in `period`; few queries."""
    joint = _joint_reviews(session, _in_period(period, zone))
    pairs = _answer_pairs(session, joint)
    effects = {int(str(one.inspector)): one for one in _leniency(session, period, zone)[0].effects}
    concerned = effects.keys() | {who for one in joint for who in one.inspectors}
    people = session.execute(select(User.id, User.name).where(User.id.in_(concerned)).order_by(User.name)).tuples()
    rows = [
        InspectorRow(
            inspector_id,
            name,
            _agreement(pair for one, _, pair in pairs if inspector_id in one.inspectors),
            _gap([one for one in joint if inspector_id in one.inspectors]),
            effects.get(inspector_id),
        )
        for inspector_id, name in people
    ]
    return Inspection(_agreement(pair for _, _, pair in pairs), _gap(joint), _by_item(session, pairs), rows)


def adjusted_means(session: Session, period: Period, *, zone: ZoneInfo) -> dict[int, AdjustedMean]:
    """Return each agent's mean score of random reviews, before fatal items, with and without leniency, by agent id.

    Empty where the inspectors' effects cannot be told: then an adjusted value would only look like one.
    """
    found, agents, scores = _leniency(session, period, zone)
    if not found.effects or any(one.low != one.low for one in found.effects):
        return {}
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, agent in enumerate(agents):
        places[agent].append(place)
    return {
        agent: AdjustedMean(
            _mean(scores[at] for at in own),
            min(100.0, max(0.0, _mean(float(found.adjusted[at]) for at in own))),
            len(own),
        )
        for agent, own in places.items()
    }


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return fsum(listed) / len(listed)


def _in_period(period: Period, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    start, end = period.bounds(zone)
    return [Call.started_at >= start, Call.started_at < end]


def _leniency(session: Session, period: Period, zone: ZoneInfo) -> tuple[Leniency, list[int], list[float]]:
    """Return the effects, and of each review the agent and the score before fatal items."""
    reviews = (
        session.execute(
            select(Review.inspector_id, Call.agent_id, Review.raw, AutoScore.raw)
            .join(Call, Review.call_id == Call.id)
            .outerjoin(AutoScore, AutoScore.call_id == Call.id)
            .where(
                Review.state == ReviewState.RELEASED,
                Review.reason == ReviewReason.RANDOM,
                Review.raw.is_not(None),
                Review.ordinary,
                Call.agent_id.is_not(None),
                ordinary_call(),
                *_in_period(period, zone),
            )
            .order_by(Review.id)
        )
        .tuples()
        .all()
    )
    inspectors = [inspector for inspector, _, _, _ in reviews]
    agents = [int(agent or 0) for _, agent, _, _ in reviews]
    scores = [float(score or 0.0) for _, _, score, _ in reviews]
    machine = [nan if auto is None else float(auto) for _, _, _, auto in reviews]
    return inspector_effects(inspectors, agents, scores, machine), agents, scores


def _joint_reviews(session: Session, in_period: Iterable[ColumnElement[bool]]) -> list[_Joint]:
    twice = select(Review.call_id).where(Review.state.in_(FINISHED)).group_by(Review.call_id).having(func.count() > 1)
    reviews = session.execute(
        select(Review.call_id, Review.scorecard_version_id, Review.inspector_id, Review.raw, Review.id)
        .join(Call, Review.call_id == Call.id)
        .where(Review.state.in_(FINISHED), Review.call_id.in_(twice), *in_period)
        .order_by(Review.call_id, Review.id)
    ).tuples()
    same: defaultdict[tuple[int, int], list[tuple[int, float | None, int]]] = defaultdict(list)
    for call, version, inspector, score, review in reviews:
        same[call, version].append((inspector, score, review))
    return [
        _Joint(call, version, (a[0], b[0]), (a[1], b[1]), (a[2], b[2]))
        for (call, version), found in same.items()
        for a, b in combinations(found, 2)
    ]


def _answer_pairs(session: Session, joint: Sequence[_Joint]) -> list[tuple[_Joint, str, AnswerPair]]:
    """Return the answers of both to each item that both answered."""
    wanted = sorted({review for one in joint for review in one.reviews})
    marks: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for at in range(0, len(wanted), CHUNK):
        for review, item, answer in session.execute(
            select(ReviewMark.review_id, ReviewMark.item, ReviewMark.answer)
            .where(ReviewMark.review_id.in_(wanted[at : at + CHUNK]))
            .order_by(ReviewMark.id)
        ).tuples():
            marks[review][item] = answer
    return [
        (one, item, AnswerPair(one.call_id, answer, marks[one.reviews[1]][item]))
        for one in joint
        for item, answer in marks[one.reviews[0]].items()
        if item in marks[one.reviews[1]]
    ]


def _agreement(pairs: Iterable[AnswerPair]) -> Agreement | None:
    found = list(pairs)
    return agreement(found) if found else None


def _gap(joint: Sequence[_Joint]) -> Gap | None:
    gaps = [abs(a - b) for a, b in (one.scores for one in joint) if a is not None and b is not None]
    return Gap(len(gaps), fsum(gaps) / len(gaps), sum(gap > GAP_ALARM for gap in gaps)) if gaps else None


def _by_item(session: Session, pairs: Sequence[tuple[_Joint, str, AnswerPair]]) -> list[ItemAgreement]:
    """Return the agreement on each item, its versions put together as those of one scorecard."""
    versions = session.scalars(
        select(ScorecardVersion)
        .where(ScorecardVersion.id.in_({one.version_id for one, _, _ in pairs}))
        .order_by(ScorecardVersion.version)
    ).all()
    keys = {version.id: version.key for version in versions}
    names: dict[tuple[str, str], str] = {}
    for version in versions:
        card = card_of(version)
        names |= {(version.key, item.id): item.name for _, item in card.items()}
        names |= {(version.key, fatal.id): fatal.name for fatal in card.fatal}
        names |= {(version.key, bonus.id): bonus.name for bonus in card.bonus}
    grouped: defaultdict[tuple[str, str], list[AnswerPair]] = defaultdict(list)
    for one, item, pair in pairs:
        grouped[keys[one.version_id], item].append(pair)
    found = [ItemAgreement(*key, names[key], agreement(own)) for key, own in grouped.items()]
    return sorted(found, key=lambda one: (one.agreement.share, -one.agreement.n, one.card, one.item))
