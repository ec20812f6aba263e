"""Which calls somebody may see, and how they find them among many.

A list must answer at once whatever the number of calls: it counts and turns pages only up to COUNT_CAP calls,
and looks for words in the SEARCH_WINDOW newest calls that the other filters leave. Both say so when they bite.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    UnaryExpression,
    and_,
    exists,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from models import (
    Agent,
    AutoMark,
    AutoScore,
    CalibrationCall,
    CalibrationParticipant,
    CalibrationSession,
    Call,
    CallState,
    Review,
    ReviewAssignment,
    ReviewMark,
    ReviewState,
    Role,
    SampledCall,
    StoredTranscript,
    TestCall,
    User,
)
from qa.blind_appeals import contested_calls, contested_of

PAGE_SIZE = 50
COUNT_CAP = 1000
SEARCH_WINDOW = 10_000
RARE = 5_000  # marks: so few are read first, and their calls after them
SNIPPET_REACH = 40  # characters on each side of a hit
SEES_ALL = frozenset({Role.INSPECTOR, Role.LEAD})
SEES_MARKS = SEES_ALL | {Role.SUPERVISOR}  # the machine's marks, before any person has looked
NOT_MET = "not_met"  # as marks store scoring.marks.Answer
FINISHED = (ReviewState.SUBMITTED, ReviewState.RELEASED)


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    LOWEST = "lowest"  # score
    HIGHEST = "highest"
    LONGEST = "longest"
    SHORTEST = "shortest"


@dataclass(frozen=True, slots=True)
class CallFilter:
    """What the calls of a list have in common; None asks nothing."""

    words: str | None = None  # said by anybody in the call, as one phrase
    agent_id: int | None = None
    team_id: int | None = None
    queue: str | None = None
    day_from: date | None = None  # both days included, in the hotline's zone
    day_to: date | None = None
    state: CallState | None = None
    score_min: float | None = None  # 0 to 100: the machine's score; for agents their released one
    score_max: float | None = None
    item: str | None = None  # scorecard item that is not met
    reviewed: bool | None = None  # by a person who has finished
    fatal: bool | None = None  # a fatal item is suspected
    language: str | None = None  # primary subtag, for example "zh"
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class Snippet:
    """The words around a search hit."""

    before: str
    hit: str
    after: str


@dataclass(frozen=True, slots=True)
class CallRow:
    """One line of the list."""

    call: Call
    agent_number: str | None
    agent_name: str | None
    auto_score: float | None  # 0 to 100, as are all scores
    auto_answered: float | None  # points of 100 that the automatic score rests on
    fatal_suspected: bool
    human_score: float | None
    review_state: ReviewState | None
    test_call: bool
    snippet: Snippet | None


@dataclass(frozen=True, slots=True)
class CallPage:
    """One page of a list, and how far it can be trusted to be everything."""

    rows: tuple[CallRow, ...]
    number: int
    count: int
    capped: bool  # there are more than `count` calls; pages end there
    window_ended: bool  # words were looked for in the newest SEARCH_WINDOW calls only

    @property
    def pages(self) -> int:
        return max(1, -(-self.count // PAGE_SIZE))


def visible_calls(user: User) -> Select[Call]:
    """Return the query of all calls that `user` may see, hear and read.

    An agent sees the own calls that have a released review, a supervisor those of the own team, inspectors and
    leads all. Test callers and administrators see none.
    """
    return select(Call).where(_visible(user))


def may_see(session: Session, user: User, call: Call) -> bool:
    return session.scalar(select(Call.id).where(_visible(user), Call.id == call.id)) is not None


def find_calls(
    session: Session, user: User, wanted: CallFilter, *, zone: ZoneInfo, sort: Sort = Sort.NEWEST, page: int = 1
) -> CallPage:
    """Return one page of the calls that `user` may see and that `wanted` describes; `page` counts from 1."""
    matching, window_ended = _matching(session, user, wanted, zone)
    found = session.scalars(_sorted(matching, user, sort).limit(COUNT_CAP + 1)).all()
    count = min(len(found), COUNT_CAP)
    page = max(1, min(page, -(-count // PAGE_SIZE)))
    ids = found[:COUNT_CAP][(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    rows = _rows(session, user, ids, wanted.words) if ids else []
    return CallPage(tuple(rows), page, count, len(found) > COUNT_CAP, window_ended)


def queues_of(session: Session, user: User) -> list[str]:
    """Return the names of all queues, for the roles that see calls of more than one agent."""
    if user.role not in SEES_MARKS:
        return []
    return list(session.scalars(_distinct_queues()))


def reviews_seen_by(user: User, reviews: Sequence[Review], *, judging: bool = False) -> list[Review]:
    """Return the reviews of one call that `user` may read; those of calibrations belong to their own pages.

    Agents read released ones, everybody else finished ones and own drafts; who has still to judge the call
    (`calls_to_judge`) reads only what is their own.
    """
    ordinary = [review for review in reviews if review.ordinary]
    if user.role is Role.AGENT:
        return [review for review in ordinary if review.state is ReviewState.RELEASED]
    return [
        review for review in ordinary if review.inspector_id == user.id or (review.state in FINISHED and not judging)
    ]


def calls_to_judge(session: Session, user: User, ids: Collection[int]) -> set[int]:
    """Return which of the calls `ids` are waiting for an opinion of `user` that must be their own.

    That is a drawn call given to them, a call of an open calibration that they take part in, and one about which they
    decide a blind appeal. What others found there stays hidden until they have submitted: a second inspector should
    not even know that there is a first.
    """
    if user.role not in SEES_ALL:
        return set()
    submitted = exists().where(
        Review.call_id == SampledCall.call_id,
        Review.inspector_id == user.id,
        Review.state.in_(FINISHED),
        Review.ordinary,
    )
    drawn = (
        select(SampledCall.call_id)
        .join(ReviewAssignment, ReviewAssignment.sampled_call_id == SampledCall.id)
        .where(
            SampledCall.call_id.in_(ids),
            ReviewAssignment.inspector_id == user.id,
            SampledCall.withdrawn_at.is_(None),
            ~submitted,
        )
    )
    calibrated = (
        select(CalibrationCall.call_id)
        .join(CalibrationSession, CalibrationSession.id == CalibrationCall.session_id)
        .join(CalibrationParticipant, CalibrationParticipant.session_id == CalibrationSession.id)
        .where(
            CalibrationCall.call_id.in_(ids),
            CalibrationParticipant.user_id == user.id,
            CalibrationSession.closed_at.is_(None),
        )
    )
    return {*session.scalars(drawn), *session.scalars(calibrated), *contested_of(session, user, ids)}


def snippet(text: str, words: str) -> Snippet | None:
    """Return the first place in `text` (one turn a line) where `words` are said, within its line.

    >>> snippet("Good morning.\\nMy card was stolen yesterday.", "CARD")
    Snippet(before='My ', hit='card', after=' was stolen yesterday.')
    """
    at = text.lower().find(words.lower())
    if at < 0:
        return None
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at + len(words))
    end = len(text) if end < 0 else end
    before, after = text[start:at], text[at + len(words) : end]
    if len(before) > SNIPPET_REACH:
        before = "…" + before[-SNIPPET_REACH:]
    if len(after) > SNIPPET_REACH:
        after = after[:SNIPPET_REACH] + "…"
    return Snippet(before, text[at : at + len(words)], after)


def _visible(user: User) -> ColumnElement[bool]:
    if user.role in SEES_ALL:
        return true()
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return Call.agent_id.in_(select(Agent.id).where(Agent.team_id == user.team_id))
    if user.role is Role.AGENT and user.agent_id is not None:
        return and_(Call.agent_id == user.agent_id, _reviewed(ReviewState.RELEASED))
    return false()


def _reviewed(*states: ReviewState) -> ColumnElement[bool]:
    return exists().where(Review.call_id == Call.id, Review.state.in_(states), Review.ordinary)


def _matching(session: Session, user: User, wanted: CallFilter, zone: ZoneInfo) -> tuple[Select[int], bool]:
    """Return the query of matching call ids, and whether its search for words stops short of the oldest calls."""
    conditions = [_visible(user), *_call_conditions(wanted, zone), *_mark_conditions(session, user, wanted)]
    matching = select(Call.id).where(*conditions)
    if not wanted.words:
        return matching, False
    newest = select(Call.started_at).where(*conditions).order_by(Call.started_at.desc())
    oldest = session.scalars(newest.offset(SEARCH_WINDOW - 1).limit(2)).all()  # of the window, and the next one
    if oldest:
        matching = matching.where(Call.started_at >= oldest[0])
    matching = matching.join(StoredTranscript, StoredTranscript.call_id == Call.id)
    return matching.where(_contains(session, wanted.words)), len(oldest) == 2 and oldest[1] < oldest[0]


def _call_conditions(wanted: CallFilter, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.agent_id is not None:
        conditions.append(Call.agent_id == wanted.agent_id)
    if wanted.team_id is not None:
        conditions.append(Call.agent_id.in_(select(Agent.id).where(Agent.team_id == wanted.team_id)))
    if wanted.queue is not None:
        conditions.append(Call.queue == wanted.queue)
    if wanted.day_from is not None:
        conditions.append(Call.started_at >= _midnight(wanted.day_from, zone))
    if wanted.day_to is not None:
        conditions.append(Call.started_at < _midnight(wanted.day_to + timedelta(days=1), zone))
    if wanted.state is not None:
        conditions.append(Call.state == wanted.state)
    if wanted.language is not None:
        conditions.append(or_(Call.language == wanted.language, Call.language.like(f"{wanted.language}-%")))
    if wanted.direction is not None:
        conditions.append(Call.direction == wanted.direction)
    if wanted.reviewed is not None:
        reviewed = _reviewed(*FINISHED)
        conditions.append(reviewed if wanted.reviewed else ~reviewed)
    return conditions


def _mark_conditions(session: Session, user: User, wanted: CallFilter) -> list[ColumnElement[bool]]:
    """Return the conditions on marks: the machine's, or for agents those of their released reviews."""
    score: SQLColumnExpression[float | None]
    if user.role in SEES_MARKS:
        score, of_call = AutoScore.raw, exists().where(AutoScore.call_id == Call.id)
    else:
        score = Review.final
        of_call = exists().where(Review.call_id == Call.id, Review.state == ReviewState.RELEASED, Review.ordinary)
    bounds = []
    if wanted.score_min is not None:
        bounds.append(score >= wanted.score_min)
    if wanted.score_max is not None:
        bounds.append(score <= wanted.score_max)
    conditions: list[ColumnElement[bool]] = [of_call.where(*bounds)] if bounds else []
    if bounds or wanted.item is not None or wanted.fatal is not None:
        conditions.append(Call.id.not_in(contested_calls(user)))  # Being listed would tell their marks.
    if wanted.item is not None:
        conditions.append(_missed(session, user, wanted.item))
    if wanted.fatal is not None and user.role in SEES_MARKS:
        # Few calls are suspected: to begin with them is quicker than to ask each call.
        suspected = Call.id.in_(select(AutoScore.call_id).where(AutoScore.fatal_suspected))
        conditions.append(suspected if wanted.fatal else ~suspected)
    return conditions


def _missed(session: Session, user: User, item: str) -> ColumnElement[bool]:
    """Return whether `item` was answered "not met": by the machine, or for agents in their released review."""
    if user.role not in SEES_MARKS:
        return exists().where(
            Review.call_id == Call.id,
            Review.state == ReviewState.RELEASED,
            Review.ordinary,
            ReviewMark.review_id == Review.id,
            ReviewMark.item == item,
            ReviewMark.answer == NOT_MET,
        )
    missed = (AutoMark.item == item, AutoMark.answer == NOT_MET)
    if session.scalar(select(AutoMark.id).where(*missed).offset(RARE).limit(1)) is None:
        # SQLite keeps no statistics to see by itself that it is quicker to begin with the few marks.
        return Call.id.in_(
            select(AutoScore.call_id).join(AutoMark, AutoMark.auto_score_id == AutoScore.id).where(*missed)
        )
    return exists().where(AutoScore.call_id == Call.id, AutoMark.auto_score_id == AutoScore.id, *missed)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _contains(session: Session, words: str) -> ColumnElement[bool]:
    """Return whether a transcript holds `words`, in capitals or not."""
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    # LIKE ignores case on SQLite as it is; ILIKE would first copy every text in small letters.
    if session.get_bind().dialect.name == "sqlite":
        return StoredTranscript.text.like(pattern, escape="\\")
    return StoredTranscript.text.ilike(pattern, escape="\\")


def _sorted(matching: Select[int], user: User, sort: Sort) -> Select[int]:
    newest: tuple[UnaryExpression[Any], ...] = (Call.started_at.desc(), Call.id.desc())
    if sort is Sort.NEWEST:
        return matching.order_by(*newest)
    if sort is Sort.OLDEST:
        return matching.order_by(Call.started_at, Call.id)
    if sort in (Sort.LONGEST, Sort.SHORTEST):
        length = Call.duration.desc() if sort is Sort.LONGEST else Call.duration.asc()
        return matching.order_by(length.nulls_last(), *newest)
    score: SQLColumnExpression[float | None]
    if user.role in SEES_MARKS:
        ranked = aliased(AutoScore)  # a name of its own: filters ask auto scores too
        matching, score = matching.outerjoin(ranked, ranked.call_id == Call.id), ranked.raw
    else:
        score = (
            select(func.max(Review.final))
            .where(Review.call_id == Call.id, Review.state == ReviewState.RELEASED, Review.ordinary)
            .scalar_subquery()
        )
    return matching.order_by((score.desc() if sort is Sort.HIGHEST else score.asc()).nulls_last(), *newest)


def _rows(session: Session, user: User, ids: Sequence[int], words: str | None) -> list[CallRow]:
    """Return the rows of `ids` in their order, with a fixed number of queries."""
    found = session.execute(
        select(Call, Agent.number, Agent.name, AutoScore.raw, AutoScore.answered_weight, AutoScore.fatal_suspected)
        .outerjoin(Agent, Agent.id == Call.agent_id)
        .outerjoin(AutoScore, AutoScore.call_id == Call.id)
        .where(Call.id.in_(ids))
    ).all()
    tested = set(session.scalars(select(TestCall.call_id).where(TestCall.call_id.in_(ids))))
    reviews = _newest_reviews(session, user, ids)
    snippets = _snippets(session, ids, words) if words else {}
    contested = contested_of(session, user, ids)
    rows = {}
    for call, number, name, raw, answered, fatal in found:
        human = reviews.get(call.id)
        rows[call.id] = CallRow(
            call=call,
            agent_number=number,
            agent_name=name,
            auto_score=raw,
            auto_answered=answered,
            fatal_suspected=bool(fatal),
            human_score=human[0] if human else None,
            review_state=human[1] if human else None,
            test_call=call.id in tested,
            snippet=snippets.get(call.id),
        )
        if user.role not in SEES_MARKS or call.id in contested:
            rows[call.id] = replace(rows[call.id], auto_score=None, auto_answered=None, fatal_suspected=False)
    return [rows[identity] for identity in ids]


def _newest_reviews(session: Session, user: User, ids: Sequence[int]) -> Mapping[int, tuple[float | None, ReviewState]]:
    states = FINISHED if user.role in SEES_MARKS else (ReviewState.RELEASED,)
    to_judge = calls_to_judge(session, user, ids)
    found = session.execute(
        select(Review.call_id, Review.final, Review.state)
        .where(
            Review.call_id.in_([one for one in ids if one not in to_judge]),
            Review.state.in_(states),
            Review.ordinary,
        )
        .order_by(Review.id)
    )
    return {call_id: (final, state) for call_id, final, state in found}


def _snippets(session: Session, ids: Sequence[int], words: str) -> Mapping[int, Snippet | None]:
    texts = session.execute(
        select(StoredTranscript.call_id, StoredTranscript.text).where(StoredTranscript.call_id.in_(ids))
    )
    return {call_id: snippet(text, words) for call_id, text in texts}


def _distinct_queues() -> Select[str]:
    """Return the query of distinct queues: each is found from the one before it by the index, not by reading all."""
    first = select(func.min(Call.queue).label("queue")).cte("queues", recursive=True)
    following = select(func.min(Call.queue)).where(Call.queue > first.c.queue).correlate(first).scalar_subquery()
    queues = first.union_all(select(following).where(first.c.queue.is_not(None)))
    return select(queues.c.queue).where(queues.c.queue.is_not(None))
