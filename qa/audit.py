"""The audit trail: who saw, changed or exported what."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from models import AuditEvent


def record(
    session: Session,
    action: str,
    *,
    user_id: int | None = None,
    subject: tuple[str, int] | None = None,
    address: str | None = None,
    **details: Any,
) -> None:
    """Add one event to the caller's transaction.

    Args:
        action: what was done, as "kind.verb", for example "review.released".
        user_id: who did it; None for the system itself.
        subject: what it was done to: table-like kind and id.
        details: ids, old and new values, reasons; never a customer's words.
    """
    kind, identity = subject or (None, None)
    session.add(
        AuditEvent(
            action=action,
            user_id=user_id,
            subject_kind=kind,
            subject_id=identity,
            address=address,
            details=details,
        )
    )
