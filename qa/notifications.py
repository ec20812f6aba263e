"""What people are told: kept for the page, and sent by mail to those who have an address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from models import Agent, Notification, User
from models.base import now
from qa.refusals import N_

KEPT_DAYS = 90
COUNT_CAP = 100  # news that are counted; more are "99+"
# How old a piece of news must be, by the attempts that failed, before its mail is tried (again).
_PATIENCE = (timedelta(), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
MAIL_ATTEMPTS = len(_PATIENCE)
MAILED_WITHIN = timedelta(days=2)  # what is older is no news: it stays in the page alone
LETTERS = 50  # people who are written to in one run


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of news is told: `sentence` has ``%(name)s`` places that the news fills, or leaves open."""

    sentence: str  # message id
    icon: str


KINDS: dict[str, Kind] = {
    "review.released": Kind(N_("A review of one of your calls was released."), "checklist"),
    "review.acknowledged": Kind(N_("An agent has read the review that you released."), "message-check"),
    "review.corrected": Kind(N_("A mark of one of your reviews was put right, and its score rose."), "arrow-up"),
    "appeal.raised": Kind(N_("An agent of your team has appealed: pass it on or give it back."), "gavel"),
    "appeal.passed": Kind(N_("An appeal was passed on and waits for a decision."), "gavel"),
    "appeal.returned": Kind(N_("An appeal was given back."), "arrow-back-up"),
    "appeal.assigned": Kind(N_("An appeal is yours to decide."), "gavel"),
    "appeal.decided": Kind(N_("An appeal is decided."), "gavel"),
    "appeal.reminder": Kind(N_("An appeal is due soon and still open."), "clock"),
    "appeal.escalated": Kind(N_("An appeal is overdue and was handed up."), "alert-triangle"),
    "reexamination.found": Kind(N_("An upheld appeal touches other calls: look at them again."), "search"),
    "calibration.invited": Kind(N_("You are asked to score the calls of a calibration."), "adjustments-check"),
    "calibration.closed": Kind(N_("A calibration is closed: its results can be seen."), "adjustments-check"),
    "check.assigned": Kind(N_("You are asked to check the work of an inspector."), "user-check"),
    "check.submitted": Kind(N_("The check of your reviews of a month is done."), "user-check"),
    "coaching.planned": Kind(N_("A coaching talk is planned for you on %(day)s."), "school"),
    "coaching.acknowledged": Kind(N_("%(agent)s has agreed to the coaching."), "circle-check"),
    "coaching.retest_due": Kind(N_("The coaching of %(agent)s is due for its retest (%(day)s)."), "clock"),
}
UNKNOWN = Kind(N_("There is news for you."), "bell")


class _Values(dict[str, Any]):
    """The values of a sentence; what the news does not bring is left open."""

    def __missing__(self, name: str) -> str:
        return "–"


def kind_of(told: Notification) -> Kind:
    return KINDS.get(told.kind, UNKNOWN)


def filled(sentence: str, told: Notification) -> str:
    """Return `sentence`, translated or not, with the values of `told`."""
    return sentence % _Values(told.values)


def notify(
    session: Session,
    user_id: int,
    kind: str,
    *,
    subject: tuple[str, int] | None = None,
    once: str | None = None,
    **values: Any,
) -> Notification | None:
    """Tell somebody something, in the caller's transaction; None when they were told before.

    Args:
        kind: key of KINDS, for example "review.released".
        subject: what it is about, as in the audit trail: ("review", 5). The page links to it.
        once: the same news under this key is told to a person one time only.
        values: ids, names, dates and numbers for the sentence; never a customer's words.
    """
    if once and session.scalar(
        select(Notification.id).where(Notification.user_id == user_id, Notification.once == once)
    ):
        return None
    subject_kind, subject_id = subject or (None, None)
    told = Notification(
        user_id=user_id, kind=kind, subject_kind=subject_kind, subject_id=subject_id, once=once, values=values
    )
    session.add(told)
    return told


def notify_agent(
    session: Session,
    agent: Agent | None,
    kind: str,
    *,
    subject: tuple[str, int] | None = None,
    once: str | None = None,
    **values: Any,
) -> Notification | None:
    """Tell an agent something; None when the agent has no login, or was told before."""
    if agent is None:
        return None
    user_id = session.scalar(select(User.id).where(User.agent_id == agent.id, User.active))
    return notify(session, user_id, kind, subject=subject, once=once, **values) if user_id is not None else None


def unread(session: Session, user_id: int) -> int:
    """Return how many news a person has not read, at most COUNT_CAP."""
    newest = select(Notification.id).where(Notification.user_id == user_id, Notification.read_at.is_(None))
    return session.scalar(select(func.count()).select_from(newest.limit(COUNT_CAP).subquery())) or 0


def mark_read(session: Session, user_id: int, *, only: int | None = None) -> int:
    """Mark a person's news as read, all or one; return how many were not."""
    wanted = [Notification.user_id == user_id, Notification.read_at.is_(None)]
    if only is not None:
        wanted.append(Notification.id == only)
    return _rows(session, update(Notification).where(*wanted).values(read_at=now()))


def forget_old(session: Session) -> int:
    """Delete news older than KEPT_DAYS, read or not; return how many."""
    return _rows(session, delete(Notification).where(Notification.created_at < now() - timedelta(days=KEPT_DAYS)))


def claim_mail(session: Session) -> dict[User, list[Notification]]:
    """Return the news that are to be mailed now, by person, and note them as mailed.

    The caller commits before it sends: what a crash interrupts is then never mailed twice, and may not be mailed at
    all. It still stands in the page. Give back by `give_back` what could not be sent.
    """
    found = session.scalars(
        select(Notification)
        .join(Notification.user)
        .where(
            Notification.mailed_at.is_(None),
            Notification.read_at.is_(None),
            User.email.is_not(None),
            User.active,
            Notification.created_at > now() - MAILED_WITHIN,
            _due(now()),
        )
        .order_by(Notification.id)
        .limit(LETTERS * 10)
        .with_for_update(of=Notification, skip_locked=True)
    ).all()
    letters: dict[User, list[Notification]] = {}
    for told in found:
        if told.user in letters or len(letters) < LETTERS:
            letters.setdefault(told.user, []).append(told)
            told.mailed_at = now()
            told.mail_attempts += 1
    return letters


def give_back(session: Session, ids: Sequence[int], *, for_good: bool = False) -> None:
    """Note that news were not mailed after all: they are tried again later, unless `for_good`."""
    session.execute(
        update(Notification)
        .where(Notification.id.in_(ids))
        .values(mailed_at=None, **({"mail_attempts": MAIL_ATTEMPTS} if for_good else {}))
    )


def _due(at: datetime) -> ColumnElement[bool]:
    return or_(
        *(
            and_(Notification.mail_attempts == tried, Notification.created_at <= at - wait)
            for tried, wait in enumerate(_PATIENCE)
        )
    )


def _rows(session: Session, statement: Any) -> int:
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    return result.rowcount
