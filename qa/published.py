"""Closing a period: its scores are published with what they were made from, can be made again, and stay.

What comes later (a review released late, an upheld appeal, a decided complaint) never changes a published score. It
becomes an adjustment: points in the score of an open period, with a link to the published one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from models import (
    Call,
    PublishedPeriod,
    PublishedScore,
    Review,
    ReviewState,
    Role,
    ScoreAdjustment,
    ScoreSubject,
    TestCall,
    User,
)
from models.base import now
from qa import audit
from qa.agent_scores import book_of, write_score
from qa.appeals import open_appeals
from qa.period_facts import observe
from qa.periods import Period
from qa.refusals import N_, Refused
from qa.schemes import keep_scheme, scheme_for, scheme_of
from scoring.agent_score import AgentScore
from scoring.observed import Observed, PeriodScores, changed_agents
from scoring.uncertainty import CONFIDENCE

TOLERANCE = 1e-6  # points: another machine may differ in the last bits of a sum
WORTH_BOOKING = 0.05  # points: less does not show in the first decimal


@dataclass(frozen=True, slots=True)
class Pending:
    """What is not settled yet in a period: it would come in as adjustments once the period is published."""

    unreleased_reviews: int
    quarantined_tests: int
    open_calls: int  # not recognised or not scored yet
    open_appeals: int  # not decided yet


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that did not come out as it was published."""

    subject: ScoreSubject
    name: str
    figure: str  # path inside the score, for example parts[0].value
    published: Any
    again: Any


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of making the scores of a published period again."""

    period: str
    scores: int
    differences: Sequence[Difference]
    problem: str | None = None  # the stored observations cannot be used at all

    @property
    def proven(self) -> bool:
        return not self.differences and self.problem is None


@dataclass(frozen=True, slots=True)
class Change:
    """An agent whose published score would come out otherwise today."""

    published: PublishedScore
    now: AgentScore
    causes: Sequence[Mapping[str, Any]]  # as scoring.observed.changed_agents gives them
    points: float  # new minus published minus what was booked before
    fatals: int  # confirmed since, not booked before

    @property
    def worth_booking(self) -> bool:
        return abs(self.points) >= WORTH_BOOKING or self.fatals > 0


def published_period(session: Session, period: Period) -> PublishedPeriod | None:
    """Return the row that closes `period`; None while it is open."""
    return session.scalar(
        select(PublishedPeriod)
        .where(PublishedPeriod.label == period.label)
        .options(joinedload(PublishedPeriod.scheme), joinedload(PublishedPeriod.published_by))
    )


def published_periods(session: Session) -> Sequence[PublishedPeriod]:
    """Return all published periods, the newest publication first."""
    return session.scalars(
        select(PublishedPeriod)
        .options(joinedload(PublishedPeriod.scheme), joinedload(PublishedPeriod.published_by))
        .order_by(PublishedPeriod.published_at.desc(), PublishedPeriod.id.desc())
    ).all()


def pending(session: Session, period: Period, *, zone: ZoneInfo) -> Pending:
    """Return what is not settled yet in `period`."""
    start, end = period.bounds(zone)
    in_period = (Call.started_at >= start, Call.started_at < end)
    reviews = (
        select(func.count())
        .select_from(Review)
        .join(Call)
        .where(Review.state != ReviewState.RELEASED, Review.ordinary, *in_period)
    )
    tests = (
        select(func.count())
        .select_from(TestCall)
        .where(TestCall.status == "quarantine", TestCall.dialled_at >= start, TestCall.dialled_at < end)
    )
    calls = select(func.count()).select_from(Call).where(Call.state.in_(("received", "transcribed")), *in_period)
    return Pending(
        unreleased_reviews=session.scalar(reviews) or 0,
        quarantined_tests=session.scalar(tests) or 0,
        open_calls=session.scalar(calls) or 0,
        open_appeals=open_appeals(session, start, end),
    )


def publish(
    session: Session,
    period: Period,
    *,
    zone: ZoneInfo,
    by: User,
    note: str | None = None,
    address: str | None = None,
) -> PublishedPeriod:
    """Close `period`: store its scores and everything that they were made from.

    Raises:
        Refused: not a lead, the period is not over, or it is published already.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only QA leads publish scores."))
    if period.bounds(zone)[1] > now():
        raise Refused(N_("%(period)s is not over yet; it can be published from its end."), period=period.label)
    if published_period(session, period) is not None:
        raise Refused(N_("%(period)s is published already."), period=period.label)

    stored_scheme = keep_scheme(session, scheme_for(session, period))
    observed = observe(session, period, zone=zone)
    packed, digest = observed.pack()
    closed = PublishedPeriod(
        label=period.label,
        time_zone=zone.key,
        scheme=stored_scheme,
        confidence=CONFIDENCE,
        observed=packed,
        digest=digest,
        program=version("hotline-qa"),
        note=note,
        published_by=by,
    )
    # From the very observations that are stored: a second look might find a review that was just released.
    book = book_of(session, period, observed, scheme_of(stored_scheme))
    session.add(closed)
    closed.scores = [
        *(
            PublishedScore(
                subject=ScoreSubject.AGENT,
                subject_id=row.agent_id,
                number=row.number,
                name=row.name,
                team_id=row.team_id,
                team=row.team,
                confirmed_fatals=row.confirmed_fatals,
                score=write_score(row.score),
                **_figures(row.score),
            )
            for row in book.rows()
        ),
        *(
            PublishedScore(
                subject=group.subject,
                subject_id=group.id,
                name=group.name,
                score=write_score(group.score) | {"agents": group.agents},
                **_figures(group.score),
            )
            for group in book.groups()
        ),
    ]
    session.flush()
    audit.record(
        session,
        "scores.published",
        user_id=by.id,
        subject=("published_period", closed.id),
        address=address,
        period=period.label,
        scores=len(closed.scores),
        digest=digest,
    )
    return closed


def _figures(score: AgentScore) -> dict[str, Any]:
    return {"value": score.value, "low": score.low, "high": score.high, "grade": score.grade}


def verify(session: Session, closed: PublishedPeriod) -> Verification:
    """Make every score of a published period again from what was stored with it, and compare figure by figure."""
    stored = session.scalars(
        select(PublishedScore).where(PublishedScore.period_id == closed.id).order_by(PublishedScore.id)
    ).all()
    try:
        observed = Observed.unpack(closed.observed, closed.digest)
    except ValueError as error:
        return Verification(closed.label, len(stored), (), str(error))
    scores = PeriodScores(observed, scheme_of(closed.scheme), closed.confidence)
    teams: dict[int, list[int]] = {}
    for one in stored:
        if one.subject is ScoreSubject.AGENT and one.team_id is not None:
            teams.setdefault(one.team_id, []).append(one.subject_id)
    found = []
    for one in stored:
        if one.subject is ScoreSubject.AGENT:
            again = scores.agent(one.subject_id)
        elif one.subject is ScoreSubject.TEAM:
            again = scores.group(teams.get(one.subject_id, []))
        else:
            again = scores.group(observed.agents)
        published = {**one.score, **_columns(one)}
        published.pop("agents", None)
        expected = write_score(again) | {f"column {name}": value for name, value in _figures(again).items()}
        found += [
            Difference(one.subject, one.name, figure, old, new)
            for figure, old, new in _differing("", published, expected)
        ]
    return Verification(closed.label, len(stored), found)


def _columns(one: PublishedScore) -> dict[str, Any]:
    return {"column value": one.value, "column low": one.low, "column high": one.high, "column grade": one.grade}


def _differing(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield (path, published, again) where the two differ by more than TOLERANCE."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(set(old) | set(new)):
            yield from _differing(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differing(f"{path}[{i}]", one, other)
    elif _is_number(old) and _is_number(new):
        if not math.isclose(old, new, rel_tol=0, abs_tol=TOLERANCE):
            yield path, old, new
    elif old != new:
        yield path, old, new


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def changes_since(session: Session, closed: PublishedPeriod) -> list[Change]:
    """Return the agents whose score would come out otherwise today, and why, by staff number.

    Calls that were scored again since keep the automatic marks that they were published with: old calls keep old
    rules. Each agent is scored anew with what changed about that agent alone: what changed about others would move the
    estimate a little too, through what all share, and is not this agent's to bear.
    """
    period, zone = Period.parse(closed.label), ZoneInfo(closed.time_zone)
    before = Observed.unpack(closed.observed, closed.digest)
    after = _with_old_marks(before, observe(session, period, zone=zone))
    scheme = scheme_of(closed.scheme)
    stored = {
        one.subject_id: one
        for one in session.scalars(
            select(PublishedScore)
            .where(PublishedScore.period_id == closed.id, PublishedScore.subject == ScoreSubject.AGENT)
            .options(joinedload(PublishedScore.adjustments))
        ).unique()
    }
    found = []
    for agent, causes in changed_agents(before, after):
        published = stored.get(agent)
        if published is None:  # Joined since: nothing was published about this agent.
            continue
        scores = PeriodScores(before.with_agent(after, agent), scheme, closed.confidence)
        again = scores.agent(agent)
        booked = math.fsum(one.points for one in published.adjustments)
        points = 0.0
        if again.value is not None and published.value is not None:
            points = again.value - published.value - booked
        fatals = scores.fatals(agent) - published.confirmed_fatals - sum(one.fatals for one in published.adjustments)
        found.append(Change(published, again, causes, points, max(0, fatals)))
    return sorted(found, key=lambda change: change.published.number or "")


def _with_old_marks(before: Observed, after: Observed) -> Observed:
    """`after` with the automatic marks of `before` where a call is in both, and the corrections of `before`."""
    place = {int(call): i for i, call in enumerate(before.calls.call)}
    raw, items = after.calls.raw.copy(), after.calls.auto_items.copy()
    for i, call in enumerate(after.calls.call):
        old = place.get(int(call))
        if old is not None:
            raw[i], items[i] = before.calls.raw[old], before.calls.auto_items[old]
    calls = replace(after.calls, raw=np.asarray(raw), auto_items=np.asarray(items))
    return replace(after, calls=calls, corrections=before.corrections)


def adjust(
    session: Session,
    closed: PublishedPeriod,
    into: Period,
    *,
    reason: str,
    by: User,
    agent_ids: Collection[int] | None = None,
    address: str | None = None,
) -> list[ScoreAdjustment]:
    """Book what changed since publication into the open period `into`; the published scores stay.

    Args:
        agent_ids: only these agents; None: all whose score changed.

    Raises:
        Refused: not a lead, no reason, nothing to book, or a period that cannot take it.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only QA leads book adjustments."))
    if not reason.strip():
        raise Refused(N_("Say why: agents read the reason beside the points."), field="reason")
    origin = Period.parse(closed.label)
    if into.kind is not origin.kind or into.first_day <= origin.first_day:
        raise Refused(
            N_("What changed in %(origin)s goes into a later period of the same kind, not into %(into)s."),
            field="into",
            origin=origin.label,
            into=into.label,
        )
    if published_period(session, into) is not None:
        raise Refused(N_("%(period)s is published already; choose an open period."), field="into", period=into.label)
    chosen = [
        change
        for change in changes_since(session, closed)
        if change.worth_booking and (agent_ids is None or change.published.subject_id in agent_ids)
    ]
    if not chosen:
        raise Refused(N_("Nothing changed since %(period)s was published."), period=closed.label)
    made = [
        ScoreAdjustment(
            origin=change.published,
            agent_id=change.published.subject_id,
            period=into.label,
            points=round(change.points, 6),
            fatals=change.fatals,
            old_value=change.published.value,
            new_value=change.now.value,
            old_grade=change.published.grade,
            new_grade=change.now.grade,
            causes=[dict(cause) for cause in change.causes],
            reason=reason.strip(),
            made_by=by,
        )
        for change in chosen
    ]
    session.add_all(made)
    session.flush()
    audit.record(
        session,
        "scores.adjusted",
        user_id=by.id,
        subject=("published_period", closed.id),
        address=address,
        period=closed.label,
        into=into.label,
        agents=[one.agent_id for one in made],
    )
    return made


def adjustments_in(session: Session, agent_id: int, period: Period) -> Sequence[ScoreAdjustment]:
    """Return the adjustments that count in an agent's score of `period`, oldest first."""
    return session.scalars(
        select(ScoreAdjustment)
        .where(ScoreAdjustment.agent_id == agent_id, ScoreAdjustment.period == period.label)
        .options(
            joinedload(ScoreAdjustment.origin).joinedload(PublishedScore.period), joinedload(ScoreAdjustment.made_by)
        )
        .order_by(ScoreAdjustment.id)
    ).all()


def published_score(session: Session, agent_id: int, period: Period) -> PublishedScore | None:
    """Return what was published about an agent in `period`, with the adjustments made to it since."""
    return session.scalar(
        select(PublishedScore)
        .join(PublishedScore.period)
        .where(
            PublishedPeriod.label == period.label,
            PublishedScore.subject == ScoreSubject.AGENT,
            PublishedScore.subject_id == agent_id,
        )
        .options(joinedload(PublishedScore.adjustments))
    )
