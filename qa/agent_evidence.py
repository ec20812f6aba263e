"""What stands behind an agent's score in a period: the calls, reviews, sheets and items it was made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session, joinedload

from models import (
    AutoMark,
    AutoScore,
    Call,
    Complaint,
    ComplaintOutcome,
    Praise,
    Responsibility,
    Review,
    ReviewMark,
    ReviewReason,
    ReviewState,
    ScorecardVersion,
    TestCall,
)
from qa.criteria import card_of
from qa.periods import Period
from qa.test_calls import ordinary_call
from scoring.marks import ANSWERED, Answer
from scoring.uncertainty import Interval, share_interval

_RANDOM = (Review.state == ReviewState.RELEASED, Review.reason == ReviewReason.RANDOM, Review.ordinary)
MIN_ANSWERS = 5  # an item answered less often is neither a strength nor a weakness
CALLS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class CallValue:
    """One call's contribution to a part."""

    call_id: int
    started_at: datetime
    value: float  # 0 to 100


@dataclass(frozen=True, slots=True)
class ItemRate:
    """How often one scorecard item was met in a period."""

    item: str
    name: str
    auto_met: int
    auto_n: int
    review_met: int
    review_n: int
    missed: tuple[int, ...] = ()  # ids of the newest calls in which it was not fully met

    @property
    def n(self) -> int:
        return self.auto_n + self.review_n

    @property
    def share(self) -> float:
        """Met, of all answers by machine and people, 0 to 100."""
        return 100 * (self.auto_met + self.review_met) / self.n


@dataclass(slots=True)
class _Counts:
    auto_met: int = 0
    auto_n: int = 0
    review_met: int = 0
    review_n: int = 0
    missed: dict[int, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Behind:
    """Everything that one agent's score of one period was made from."""

    reviews: Sequence[Review]  # released, newest call first
    random_calls: Sequence[CallValue]  # the calls of the mean, newest first
    lowest_auto: Sequence[CallValue]  # the lowest automatic ones
    tests: Sequence[TestCall]  # matched
    released_calls: frozenset[int]  # what an agent may open
    complaints: Sequence[Complaint]  # upheld and the agent's own
    praises: Sequence[Praise]  # that count


def evidence_behind(
    session: Session, agent_id: int, period: Period, *, zone: ZoneInfo, until: datetime | None = None
) -> Behind:
    """Return what the score of `agent_id` in `period` was made from; a handful of queries.

    Args:
        until: when the score was published: reviews released later are listed, and not among its random calls;
            complaints and praise that came later are left out.
    """
    of_agent = _of_agent(agent_id, period, zone)
    tested = set(
        session.scalars(select(TestCall.call_id).where(TestCall.call_id.is_not(None)).join(Call).where(*of_agent))
    )
    reviews = session.scalars(
        select(Review)
        .join(Review.call)
        .options(joinedload(Review.call), joinedload(Review.inspector))
        .where(Review.state == ReviewState.RELEASED, Review.ordinary, *of_agent)
        .order_by(Call.started_at.desc(), Review.id.desc())
    ).all()
    auto = session.execute(
        select(Call.id, Call.started_at, AutoScore.auto_items)
        .join(AutoScore, AutoScore.call_id == Call.id)
        .where(AutoScore.auto_items.is_not(None), Call.id.not_in(tested), *of_agent)
        .order_by(AutoScore.auto_items, Call.started_at.desc())
        .limit(5)
    )
    start, end = period.bounds(zone)
    tests = session.scalars(
        select(TestCall)
        .where(
            TestCall.agent_id == agent_id,
            TestCall.status == "matched",
            TestCall.dialled_at >= start,
            TestCall.dialled_at < end,
        )
        .order_by(TestCall.dialled_at.desc())
    ).all()
    return Behind(
        reviews=reviews,
        random_calls=_random_calls(reviews, tested, until),
        lowest_auto=[CallValue(call_id, at, float(value)) for call_id, at, value in auto if value is not None],
        tests=tests,
        released_calls=frozenset(review.call_id for review in reviews),
        complaints=session.scalars(
            select(Complaint)
            .where(
                Complaint.agent_id == agent_id,
                Complaint.outcome == ComplaintOutcome.UPHELD,
                Complaint.responsibility == Responsibility.AGENT,
                Complaint.happened_at >= start,
                Complaint.happened_at < end,
                true() if until is None else Complaint.decided_at <= until,
            )
            .order_by(Complaint.happened_at.desc())
        ).all(),
        praises=session.scalars(
            select(Praise)
            .where(
                Praise.agent_id == agent_id,
                Praise.struck_at.is_(None),
                Praise.happened_at >= start,
                Praise.happened_at < end,
                true() if until is None else Praise.created_at <= until,
            )
            .order_by(Praise.happened_at.desc())
        ).all(),
    )


def _random_calls(reviews: Sequence[Review], tested: Collection[int | None], until: datetime | None) -> list[CallValue]:
    finals: defaultdict[int, list[float]] = defaultdict(list)
    started: dict[int, datetime] = {}
    for review in reviews:
        if until is not None and review.released_at is not None and review.released_at > until:
            continue
        if review.reason is ReviewReason.RANDOM and review.final is not None and review.call_id not in tested:
            finals[review.call_id].append(review.final)
            started[review.call_id] = review.call.started_at
    return [CallValue(call_id, started[call_id], sum(found) / len(found)) for call_id, found in finals.items()]


def item_rates(session: Session, agent_id: int, period: Period, *, zone: ZoneInfo) -> list[ItemRate]:
    """Return how often each item was met, weakest first; items with fewer than MIN_ANSWERS answers are left out.

    People's released answers count, and the machine's where it decides alone (its suggestions do not);
    "cannot tell" and "not applicable" never do. As in the score, reviews of calls that were picked for a reason and
    the recordings of test calls stay out: they are no sample of the agent's work.
    """
    of_agent = [*_of_agent(agent_id, period, zone), ordinary_call()]
    counts: defaultdict[tuple[int, str], _Counts] = defaultdict(_Counts)
    auto = (
        select(AutoScore.scorecard_version_id, AutoMark.item, AutoMark.answer, func.count())
        .join(AutoScore, AutoMark.auto_score_id == AutoScore.id)
        .join(Call, AutoScore.call_id == Call.id)
        .where(AutoMark.answer.in_(_answered()), ~AutoMark.needs_person, *of_agent)
        .group_by(AutoScore.scorecard_version_id, AutoMark.item, AutoMark.answer)
    )
    for version, item, answer, n in session.execute(auto):
        counts[version, item].auto_n += n
        counts[version, item].auto_met += n if answer == Answer.MET else 0
    people = (
        select(Review.scorecard_version_id, ReviewMark.item, ReviewMark.answer, func.count())
        .join(Review, ReviewMark.review_id == Review.id)
        .join(Review.call)
        .where(*_RANDOM, ReviewMark.answer.in_(_answered()), *of_agent)
        .group_by(Review.scorecard_version_id, ReviewMark.item, ReviewMark.answer)
    )
    for version, item, answer, n in session.execute(people):
        counts[version, item].review_n += n
        counts[version, item].review_met += n if answer == Answer.MET else 0
    _find_missed(session, counts, of_agent)
    names = _item_names(session, {version for version, _ in counts})
    rates = [
        ItemRate(
            item=item,
            name=names[version, item],
            auto_met=found.auto_met,
            auto_n=found.auto_n,
            review_met=found.review_met,
            review_n=found.review_n,
            missed=tuple(sorted(found.missed, key=lambda call: found.missed[call], reverse=True)[:CALLS_SHOWN]),
        )
        for (version, item), found in counts.items()
        if (version, item) in names
    ]
    return sorted((rate for rate in rates if rate.n >= MIN_ANSWERS), key=lambda rate: (rate.share, -rate.n, rate.item))


@dataclass(frozen=True, slots=True)
class ItemCell:
    """How often one agent met one item: by machine and people together, as a share with Wilson's interval."""

    met: int
    n: int

    @property
    def enough(self) -> bool:
        return self.n >= MIN_ANSWERS

    @property
    def share(self) -> float:
        return 100 * self.met / self.n

    @property
    def interval(self) -> Interval:
        found = share_interval(self.met, self.n)
        return Interval(100 * found.low, 100 * found.high)


@dataclass(frozen=True, slots=True)
class ItemTable:
    """Items by agents. A key is the scorecard's id and the item's: its versions are put together."""

    items: Sequence[tuple[tuple[str, str], str]]  # key and name in the newest version, in the scorecard's order
    cells: Mapping[tuple[int, tuple[str, str]], ItemCell]  # by agent id and key


def item_table(session: Session, agent_ids: Collection[int], period: Period, *, zone: ZoneInfo) -> ItemTable:
    """Return how often each of several agents met each item, by the rules of `item_rates`; four queries."""
    start, end = period.bounds(zone)
    counted = item_answers(session, [Call.agent_id.in_(agent_ids), Call.started_at >= start, Call.started_at < end])
    versions = session.scalars(
        select(ScorecardVersion)
        .where(ScorecardVersion.id.in_({version for _, version, *_ in counted}))
        .order_by(ScorecardVersion.version)
    ).all()
    keys = {version.id: version.key for version in versions}
    names = {(version.key, item.id): item.name for version in versions for _, item in card_of(version).items()}
    met: defaultdict[tuple[int, tuple[str, str]], list[int]] = defaultdict(lambda: [0, 0])
    for agent_id, version, item, answer, n in counted:
        key = (keys[version], item)
        if key in names and agent_id is not None:  # Fatal and bonus items have no name there.
            met[agent_id, key][0] += n if answer == Answer.MET else 0
            met[agent_id, key][1] += n
    seen = {key for _, key in met}
    return ItemTable(
        items=[(key, name) for key, name in names.items() if key in seen],
        cells={place: ItemCell(*found) for place, found in met.items()},
    )


def item_answers(
    session: Session, of_calls: Sequence[ColumnElement[bool]], items: Collection[str] | None = None
) -> list[tuple[int | None, int, str, str, int]]:
    """Count answers by the rules of `item_rates`; (agent id, scorecard version id, item, answer, how many).

    Args:
        of_calls: conditions on the calls.
        items: only these; None: all.
    """
    conditions = [*of_calls, ordinary_call()]
    of_items = [] if items is None else [AutoMark.item.in_(items)]
    of_marks = [] if items is None else [ReviewMark.item.in_(items)]
    auto = (
        select(Call.agent_id, AutoScore.scorecard_version_id, AutoMark.item, AutoMark.answer, func.count())
        .join(AutoScore, AutoMark.auto_score_id == AutoScore.id)
        .join(Call, AutoScore.call_id == Call.id)
        .where(AutoMark.answer.in_(_answered()), ~AutoMark.needs_person, *conditions, *of_items)
        .group_by(Call.agent_id, AutoScore.scorecard_version_id, AutoMark.item, AutoMark.answer)
    )
    people = (
        select(Call.agent_id, Review.scorecard_version_id, ReviewMark.item, ReviewMark.answer, func.count())
        .join(Review, ReviewMark.review_id == Review.id)
        .join(Call, Review.call_id == Call.id)
        .where(*_RANDOM, ReviewMark.answer.in_(_answered()), *conditions, *of_marks)
        .group_by(Call.agent_id, Review.scorecard_version_id, ReviewMark.item, ReviewMark.answer)
    )
    return [*session.execute(auto).tuples(), *session.execute(people).tuples()]


def _find_missed(
    session: Session, counts: Mapping[tuple[int, str], _Counts], of_agent: Sequence[ColumnElement[bool]]
) -> None:
    """Note the calls in which an item was not fully met."""
    missed = [answer.value for answer in (Answer.PARTLY, Answer.NOT_MET)]
    auto = (
        select(AutoScore.scorecard_version_id, AutoMark.item, Call.id, Call.started_at)
        .join(AutoScore, AutoMark.auto_score_id == AutoScore.id)
        .join(Call, AutoScore.call_id == Call.id)
        .where(AutoMark.answer.in_(missed), ~AutoMark.needs_person, *of_agent)
    )
    people = (
        select(Review.scorecard_version_id, ReviewMark.item, Call.id, Call.started_at)
        .join(Review, ReviewMark.review_id == Review.id)
        .join(Call, Review.call_id == Call.id)
        .where(*_RANDOM, ReviewMark.answer.in_(missed), *of_agent)
    )
    for query in (auto, people):
        for version, item, call_id, started_at in session.execute(query):
            counts[version, item].missed[call_id] = started_at


def _answered() -> list[str]:
    return [answer.value for answer in ANSWERED]


def _item_names(session: Session, versions: Collection[int]) -> dict[tuple[int, str], str]:
    """Return the names of ordinary items; fatal and bonus items are no strengths or weaknesses."""
    stored = session.scalars(select(ScorecardVersion).where(ScorecardVersion.id.in_(versions)))
    return {(version.id, item.id): item.name for version in stored for _, item in card_of(version).items()}


def _of_agent(agent_id: int, period: Period, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    start, end = period.bounds(zone)
    return [Call.agent_id == agent_id, Call.started_at >= start, Call.started_at < end]
