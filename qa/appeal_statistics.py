"""How often appeals overturn a mark: by rule, item, inspector and team, each with n and Wilson's interval.

What is counted is a contested mark, one item of one review, however many rounds it went through: overturned when any
of them upheld it. A group with fewer than its least number of decided marks has no rate, for it would say nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from models import Agent, Appeal, AppealState, Call, Review, User
from qa.appeals import DECIDED
from qa.criteria import card_of
from scoring.uncertainty import Interval, share_interval


class Grouping(StrEnum):
    RULE = "rule"
    ITEM = "item"
    INSPECTOR = "inspector"  # whose marks were contested
    TEAM = "team"


LEAST = {Grouping.RULE: 5, Grouping.ITEM: 5, Grouping.INSPECTOR: 5, Grouping.TEAM: 30}


@dataclass(frozen=True, slots=True)
class Contested:
    """One mark that was appealed against and decided."""

    review_id: int
    item: str
    overturned: bool
    cause: str | None  # key of qa.appeal_rules.CAUSES
    groups: dict[Grouping, tuple[tuple[str, str], ...]]  # key and name of what the mark belongs to


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of contested marks that were overturned."""

    key: str
    name: str
    overturned: int
    n: int
    interval: Interval | None  # None: too few to say

    @property
    def share(self) -> float | None:
        return self.overturned / self.n if self.interval is not None else None


@dataclass(frozen=True, slots=True)
class Statistics:
    whole: Rate
    open: int  # appeals that are not decided
    withdrawn: int
    causes: Sequence[tuple[str, int]]  # of overturned marks, the most frequent first
    rates: dict[Grouping, Sequence[Rate]]  # the most overturned first; those with too few at the end


def statistics(
    session: Session, *, since: datetime | None = None, until: datetime | None = None, scorer: User | None = None
) -> Statistics:
    """Return the rates of appeals raised from `since` until before `until`; of `scorer`'s own reviews when given."""
    wanted: list[ColumnElement[bool]] = []
    if since is not None:
        wanted.append(Appeal.raised_at >= since)
    if until is not None:
        wanted.append(Appeal.raised_at < until)
    if scorer is not None:
        wanted.append(Review.inspector_id == scorer.id)
    appeals = session.scalars(
        select(Appeal)
        .join(Appeal.review)
        .where(*wanted)
        .options(
            joinedload(Appeal.review).joinedload(Review.call).joinedload(Call.agent).joinedload(Agent.team),
            joinedload(Appeal.review).joinedload(Review.inspector),
            joinedload(Appeal.review).joinedload(Review.scorecard),
        )
        .order_by(Appeal.id)
    ).all()
    marks = contested(appeals)
    causes = Counter(mark.cause for mark in marks if mark.overturned and mark.cause)
    states = Counter(one.state for one in appeals)
    return Statistics(
        whole=_rate("", "", marks, least=LEAST[Grouping.ITEM]),
        open=sum(count for state, count in states.items() if state not in (*DECIDED, AppealState.WITHDRAWN)),
        withdrawn=states[AppealState.WITHDRAWN],
        causes=causes.most_common(),
        rates={grouping: rates(marks, grouping) for grouping in Grouping},
    )


def contested(appeals: Iterable[Appeal]) -> list[Contested]:
    """Return the decided marks behind `appeals`, the rounds about one item taken together."""
    rounds: defaultdict[tuple[int, str], list[Appeal]] = defaultdict(list)
    for one in appeals:
        if one.state in DECIDED:
            rounds[one.review_id, one.item].append(one)
    found = []
    for (review_id, item), decided in rounds.items():
        upheld = [one for one in decided if one.state is AppealState.UPHELD]
        cause = next((one.cause for one in reversed(upheld) if one.cause), None)
        found.append(Contested(review_id, item, bool(upheld), cause, _groups(decided[0])))
    return found


def rates(marks: Sequence[Contested], grouping: Grouping) -> list[Rate]:
    """Return a rate for each group that `marks` belong to."""
    grouped: defaultdict[tuple[str, str], list[Contested]] = defaultdict(list)
    for mark in marks:
        for group in mark.groups[grouping]:
            grouped[group].append(mark)
    found = [_rate(key, name, members, least=LEAST[grouping]) for (key, name), members in grouped.items()]
    return sorted(found, key=lambda rate: (rate.share is None, -(rate.share or 0), -rate.n, rate.key))


def _rate(key: str, name: str, marks: Sequence[Contested], *, least: int) -> Rate:
    overturned = sum(mark.overturned for mark in marks)
    interval = share_interval(overturned, len(marks)) if len(marks) >= least else None
    return Rate(key, name, overturned, len(marks), interval)


def _groups(appeal: Appeal) -> dict[Grouping, tuple[tuple[str, str], ...]]:
    review = appeal.review
    agent = review.call.agent
    card = card_of(review.scorecard)
    names = {item.id: item.name for _, item in card.items()} | {fatal.id: fatal.name for fatal in card.fatal}
    return {
        Grouping.RULE: tuple((rule, version) for rule, version in appeal.before.get("rules", [])),
        Grouping.ITEM: ((f"{card.id} {appeal.item}", names.get(appeal.item, "")),),
        Grouping.INSPECTOR: ((str(review.inspector_id), review.inspector.name),),
        Grouping.TEAM: ((str(agent.team_id), agent.team.name),) if agent and agent.team else (),
    }
