"""What the demonstration has to learn from: coaching in two states, and three cases in the library."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from models import Call, CoachingRecord, Notification, Review, Role, User
from qa.cases import Cut, NewCase, publish
from qa.coaching import Plan, acknowledge, item_choices, plan_coaching, tick_step
from qa.refusals import Refused
from qa.settings import Settings
from qa.storage import RecordingStore
from transcription.transcript import Transcript

EVERYBODY = (Role.AGENT, Role.SUPERVISOR, Role.INSPECTOR, Role.LEAD)
LONGEST = 45.0  # seconds of a call
TO_RETEST = timedelta(days=24)
UNREAD = timedelta(days=3)
_ADDRESSED = re.compile(r"(.)(?:先生|女士|小姐)")  # 陈先生: a customer's name that no rule can find


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an agent and the coach agree on; `answer` is the agent's, None: not yet."""

    agent: str  # login
    coach: str
    goal: str  # with a place for the name of the item
    steps: tuple[str, ...]
    answer: str | None


COACHING = (
    Lesson(
        "agent",
        "supervisor",
        "In nine calls of ten by the retest: %s",
        ("Listen to two calls together", "Say the wording aloud five times", "Keep the card with the wording in sight"),
        "Thank you, that helps. I will keep the card on my desk.",
    ),
    Lesson(
        "agent2",
        "supervisor2",
        "到复测时，十通电话里九通做到：%s",
        ("一起听两通录音", "背熟话术并演练三次"),
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
    names: tuple[str, ...] = ()  # of customers, as the recogniser heard them


EXAMPLES = (
    Example(
        "demo-en-05",
        "en",
        "good",
        "A complaint taken calmly",
        "Listen first, name the problem, say what happens next.",
        ("complaint", "empathy"),
    ),
    Example(
        "demo-en-03",
        "en",
        "bad",
        "Account details without an identity check",
        "Where should the check have stood, and in which words?",
        ("identity", "fatal item"),
        ("joe", "john"),
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
    for lesson, days_ago in zip(COACHING, (TO_RETEST.days, 2), strict=True):
        _coach(session, lesson, today - timedelta(days=days_ago), zone)
    _date_news(session, moment)
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
            _publish(session, store, call, case, example.names, today)


def _coach(session: Session, lesson: Lesson, held_on: date, zone: ZoneInfo) -> None:
    """Add a coaching about the agent's weakest item of those days; none when nothing was marked yet."""
    user = session.scalars(select(User).where(User.login == lesson.agent)).one()
    leader = session.scalars(select(User).where(User.login == lesson.coach)).one()
    assert user.agent is not None
    choices = item_choices(session, user.agent, zone=zone, today=held_on)
    weakest = next((choice for choice in choices if choice.rate.enough), None)
    if weakest is None:
        return
    record = plan_coaching(
        session,
        Plan(
            agent=user.agent,
            goal=lesson.goal % weakest.name,
            held_on=held_on,
            retest_on=held_on + TO_RETEST,
            steps=lesson.steps,
            items=[weakest.key],
        ),
        by=leader,
        today=held_on,
    )
    record.created_at = datetime.combine(held_on, time(10), zone)
    if lesson.answer is not None:
        acknowledge(session, record, lesson.answer, by=user)
        record.acknowledged_at = record.created_at + timedelta(hours=6)
        tick_step(session, record, 0, done=True, by=leader)
    session.flush()
    about = [Notification.subject_kind == "coaching", Notification.subject_id == record.id]
    for news in session.scalars(select(Notification).where(*about)):
        news.created_at, news.read_at = record.created_at, record.acknowledged_at


def _date_news(session: Session, moment: datetime) -> None:
    """Give the news of released reviews the dates of the releases; what is older than some days has been read."""
    told = select(Notification, Review.released_at).join(
        Review, and_(Notification.subject_kind == "review", Notification.subject_id == Review.id)
    )
    for news, released_at in session.execute(told).tuples():
        if released_at is not None:
            news.created_at = released_at
            news.read_at = released_at + timedelta(hours=5) if released_at < moment - UNREAD else None


def _call(session: Session, example: Example) -> Call | None:
    calls = select(Call).where(Call.synthetic, Call.language.startswith(example.language), Call.transcript.has())
    if example.external_id is not None:
        calls = calls.where(Call.external_id == example.external_id)
    return session.scalars(calls.order_by(Call.started_at.desc()).limit(1)).first()


def _publish(
    session: Session, store: RecordingStore, call: Call, case: NewCase, names: Collection[str], today: date
) -> None:
    """Make a clip of the beginning of a call; of one that is too short, none."""
    lead = session.scalars(select(User).where(User.login == "lead")).one()
    assert call.transcript is not None
    transcript = Transcript.from_dict(call.transcript.content)
    cut = Cut(0.0, min(LONGEST, transcript.duration), tuple(_names(transcript, names)))
    with suppress(Refused):
        publish(session, store, call, cut, case, by=lead, today=today)


def _names(transcript: Transcript, names: Collection[str]) -> Iterator[tuple[float, float]]:
    """Yield when a customer's name is said, as the maker of a case would hear and mark it."""
    said = {found[1] for turn in transcript.turns for found in _ADDRESSED.finditer(turn.text)} | set(names)
    for turn in transcript.turns:
        yield from ((word.start, word.end) for word in turn.words if word.text.strip("，。,. ") in said)
