"""What people are told: kept for the page, and sent by mail to those who have an address."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Notification


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
