"""Customers' ratings: taken in from the survey system, and summed up for agents' scores.

Daily surveys and those after a complaint are kept apart. Ratings are few and self-chosen, so who was invited and did
not answer is kept too when the survey system says so: the share that answered stands beside every figure.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from models import Agent, Role, SurveyKind, SurveyRating, TestCall, User
from qa.csv_import import ImportReport, Outcome, Row, import_rows, read_rows
from qa.origins import (
    choice_in,
    link_again,
    moment_in,
    name_in,
    origin_of,
    refuse_unknown_columns,
)
from qa.periods import Period
from qa.refusals import N_, Refused
from scoring.ratings import Scale, ScaleError, is_satisfied
from scoring.uncertainty import Tally

COLUMNS = ("external_id", "answered_at", "rating", "scale", "kind", "call", "agent", "channel", "comment")
REQUIRED = ("external_id", "answered_at", "rating")
DEFAULT_SCALE = "1-5"
KIND_WORDS = {"daily": "daily", "日常": "daily", "complaint": "complaint", "投诉回访": "complaint"}
READERS = frozenset({Role.SUPERVISOR, Role.INSPECTOR, Role.LEAD})


@dataclass(frozen=True, slots=True)
class SurveyTally:
    """What customers said of one agent in a period.

    `ratings` sums the scores from 0 to 100 up; `satisfied` of them count as satisfied; `invited` were asked, with or
    without an answer.
    """

    ratings: Tally
    satisfied: int
    invited: int


def import_surveys(
    session: Session,
    content: bytes,
    *,
    by: User,
    zone: ZoneInfo,
    satisfied_from: float,
    address: str | None = None,
) -> ImportReport:
    """Take in the ratings of a CSV file; the caller owns the transaction.

    A rating is known by its `external_id`: the same line again changes nothing, a different one is refused.

    Args:
        satisfied_from: share of the scale from which a rating counts as satisfied, 0 to 1.

    Raises:
        Refused: the file as a whole cannot be read, or `by` may not import.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only a QA lead takes in surveys and complaints."))
    rows = read_rows(content, required=REQUIRED)
    return store_surveys(session, rows, by=by, zone=zone, satisfied_from=satisfied_from, address=address)


def store_surveys(
    session: Session,
    rows: Collection[Row],
    *,
    by: User | None,
    zone: ZoneInfo,
    satisfied_from: float,
    address: str | None = None,
) -> ImportReport:
    """Take in ratings, from a file or from the survey system itself (`by` is None then)."""

    def store(row: Row) -> Outcome:
        return _store(session, row, zone, satisfied_from)

    report = import_rows(session, list(rows), store, action="surveys.imported", by=by, address=address)
    link_again(session)
    return report


def survey_tallies(
    session: Session,
    period: Period,
    *,
    zone: ZoneInfo,
    agent_ids: Collection[int] | None = None,
    kind: SurveyKind = SurveyKind.DAILY,
) -> dict[int, SurveyTally]:
    """Return what customers said in `period`, by agent id; one query.

    A rating belongs to the period of its call when that is known, else to that of its answer. Ratings of test calls
    are left out: a tester is no customer.
    """
    start, end = period.bounds(zone)
    score = SurveyRating.score
    counted = select(
        SurveyRating.agent_id,
        func.count(score),
        func.coalesce(func.sum(score), 0.0),
        func.coalesce(func.sum(score * score), 0.0),
        func.sum(case((SurveyRating.satisfied.is_(True), 1), else_=0)),
        func.count(),
    ).where(
        SurveyRating.agent_id.is_not(None),
        SurveyRating.kind == kind,
        SurveyRating.happened_at >= start,
        SurveyRating.happened_at < end,
        _of_customers(),
    )
    if agent_ids is not None:
        counted = counted.where(SurveyRating.agent_id.in_(agent_ids))
    return {
        agent_id: SurveyTally(Tally(n, float(total), float(squares)), int(satisfied), invited)
        for agent_id, n, total, squares, satisfied, invited in session.execute(
            counted.group_by(SurveyRating.agent_id)
        ).tuples()
        if agent_id is not None
    }


def joined(tallies: Iterable[SurveyTally]) -> SurveyTally:
    """Return several agents' ratings as one."""
    whole = SurveyTally(Tally(0, 0.0, 0.0), 0, 0)
    for tally in tallies:
        whole = SurveyTally(
            whole.ratings + tally.ratings, whole.satisfied + tally.satisfied, whole.invited + tally.invited
        )
    return whole


def visible_surveys(user: User) -> Select[SurveyRating]:
    """Return the query of all ratings that `user` may read: inspectors and leads all, supervisors their team's."""
    ratings = select(SurveyRating)
    if user.role in (Role.INSPECTOR, Role.LEAD):
        return ratings
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return ratings.where(SurveyRating.agent_id.in_(select(Agent.id).where(Agent.team_id == user.team_id)))
    return ratings.where(SurveyRating.id.is_(None))


def _of_customers() -> ColumnElement[bool]:
    tested = select(TestCall.call_id).where(TestCall.call_id.is_not(None))
    return or_(SurveyRating.call_id.is_(None), SurveyRating.call_id.not_in(tested))


def _store(session: Session, row: Row, zone: ZoneInfo, satisfied_from: float) -> Outcome:
    refuse_unknown_columns(row, frozenset(COLUMNS))
    name_in(row, "external_id")
    external_id = row.required("external_id")
    origin = origin_of(session, row)
    answered = moment_in(row, "answered_at", zone)
    scale, rating = _scale(row), _rating(row)
    score = _score(scale, rating)
    given = {
        "kind": SurveyKind(choice_in(row, "kind", KIND_WORDS, "daily")),
        "answered_at": answered,
        "rating": rating,
        "scale": str(scale),
        "channel": name_in(row, "channel"),
        "comment": row.text("comment"),
        "call_reference": origin.reference,
    }
    present = session.scalar(select(SurveyRating).where(SurveyRating.external_id == external_id))
    if present is not None:
        other_agent = origin.agent is not None and present.agent_id != origin.agent.id
        if other_agent or any(getattr(present, name) != value for name, value in given.items()):
            raise Refused(N_("A rating with this number is stored with other content."), field="external_id")
        return Outcome.UNCHANGED
    session.add(
        SurveyRating(
            external_id=external_id,
            happened_at=origin.call.started_at if origin.call else answered,
            score=score,
            satisfied=None if score is None else is_satisfied(score, satisfied_from),
            call=origin.call,
            agent=origin.agent,
            **given,
        )
    )
    session.flush()
    return Outcome.STORED


def _scale(row: Row) -> Scale:
    try:
        return Scale.parse(row.text("scale") or DEFAULT_SCALE)
    except ScaleError:
        raise Refused(
            N_("%(text)s is no scale: write the worst and the best rating, for example 1-5 or 3-1."),
            field="scale",
            text=(row.text("scale") or "")[:20],
        ) from None


def _rating(row: Row) -> float | None:
    text = row.text("rating")
    if text is None:
        return None
    try:
        rating = float(text)
    except ValueError:
        rating = math.nan
    if not math.isfinite(rating):
        raise Refused(N_("%(text)s is no rating: write a number."), field="rating", text=text[:20])
    return rating


def _score(scale: Scale, rating: float | None) -> float | None:
    if rating is None:
        return None
    try:
        return scale.score(rating)
    except ScaleError:
        raise Refused(
            N_("The rating %(rating)s is not on the scale %(scale)s."),
            field="rating",
            rating=f"{rating:g}",
            scale=str(scale),
        ) from None
