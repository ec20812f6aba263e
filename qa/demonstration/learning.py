"""What the demonstration has to learn from: coaching in two states, and three cases in the library."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, Call, CoachingRecord, Review, ReviewMark, ReviewState, Role, User
from qa.cases import Cut, NewCase, publish
from qa.coaching import Plan, acknowledge, plan_coaching, tick_step
from qa.refusals import Refused
from qa.settings import Settings
from qa.storage import RecordingStore
from scoring.marks import Answer
from transcription.transcript import Transcript

EVERYBODY = (Role.AGENT, Role.SUPERVISOR, Role.INSPECTOR, Role.LEAD)
LONGEST = 45.0  # seconds of a call


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an agent and the coach agree on; `answer` is the agent's, None: not yet."""

    agent: str  # login
    coach: str
    goal: str
    steps: tuple[str, ...]
    answer: str | None


COACHING = (
    Lesson(
        "agent",
        "supervisor",
        "Every caller hears that the call is recorded, in the first ten seconds.",
        ("Listen to two calls together", "Say the opening aloud five times", "Keep the card with the opening in sight"),
        "Thank you, that helps. I will keep the card on my desk.",
    ),
    Lesson(
        "agent2",
        "supervisor2",
        "每通电话结束前确认客户没有其他问题，再说结束语。",
        ("一起听两通录音", "背熟结束语并演练三次"),
        None,
    ),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A case for the library, made of the beginning of a call."""

    external_id: str | None  # of the call; None: the newest in the language
    language: str
    kind: str
    title: str
    note: str
    tags: tuple[str, ...]


EXAMPLES = (
    Example(
        "en-05",
        "en",
        "good",
        "A complaint taken calmly",
        "Listen first, name the problem, say what happens next.",
        ("complaint", "empathy"),
    ),
    Example(
        "en-03",
        "en",
        "bad",
        "Account details without an identity check",
        "Where should the check have stood, and in which words?",
        ("identity", "fatal item"),
    ),
    Example(None, "zh", "discuss", "扣费疑问怎样解释更清楚", "客户听懂了吗？换成你会怎么说？", ("扣费", "解释")),
)


def store_learning(
    session: Session, settings: Settings, store: RecordingStore, moment: datetime, zone: ZoneInfo
) -> None:
    """Add coaching and cases once, in the caller's transaction."""
    if session.scalar(select(CoachingRecord.id).limit(1)) is not None:
        return
    today = moment.astimezone(zone).date()
    for lesson, days_ago in zip(COACHING, (24, 2), strict=True):
        _coach(session, lesson, today - timedelta(days=days_ago))
    for example in EXAMPLES:
        call = _call(session, example)
        if call is not None:
            case = NewCase(
                kind=example.kind,
                title=example.title,
                note=example.note,
                tags=example.tags,
                audience=EVERYBODY,
                team_id=None,
                expires_on=today + timedelta(days=settings.case_days),
            )
            _publish(session, store, call, case, today)


def _coach(session: Session, lesson: Lesson, held_on: date) -> None:
    user = session.scalars(select(User).where(User.login == lesson.agent)).one()
    leader = session.scalars(select(User).where(User.login == lesson.coach)).one()
    assert user.agent is not None
    review, item = _missed(session, user.agent)
    record = plan_coaching(
        session,
        Plan(
            agent=user.agent,
            goal=lesson.goal,
            held_on=held_on,
            retest_on=held_on + timedelta(days=24),
            steps=lesson.steps,
            items=[(review.scorecard.key, item)] if review and item else [],
            calls=[review.call_id] if review else [],
            review=review,
        ),
        by=leader,
        today=held_on,
    )
    if lesson.answer is not None:
        acknowledge(session, record, lesson.answer, by=user)
        tick_step(session, record, 0, done=True, by=leader)


def _missed(session: Session, agent: Agent) -> tuple[Review | None, str | None]:
    """Return the agent's newest released review with an item that was not met, and the item."""
    found = session.execute(
        select(Review, ReviewMark.item)
        .join(ReviewMark, ReviewMark.review_id == Review.id)
        .join(Review.call)
        .where(
            Call.agent_id == agent.id,
            Review.state == ReviewState.RELEASED,
            Review.fatal_confirmed == 0,
            ReviewMark.answer == Answer.NOT_MET.value,
        )
        .order_by(Call.started_at.desc(), ReviewMark.id)
        .limit(1)
    ).first()
    return (found[0], found[1]) if found else (None, None)


def _call(session: Session, example: Example) -> Call | None:
    calls = select(Call).where(Call.synthetic, Call.language.startswith(example.language), Call.transcript.has())
    if example.external_id is not None:
        calls = calls.where(Call.external_id == example.external_id)
    return session.scalars(calls.order_by(Call.started_at.desc()).limit(1)).first()


def _publish(session: Session, store: RecordingStore, call: Call, case: NewCase, today: date) -> None:
    """Make a clip of the beginning of a call; of one that is too short, none."""
    lead = session.scalars(select(User).where(User.login == "lead")).one()
    assert call.transcript is not None
    end = min(LONGEST, Transcript.from_dict(call.transcript.content).duration)
    with suppress(Refused):
        publish(session, store, call, Cut(0.0, end), case, by=lead, today=today)
