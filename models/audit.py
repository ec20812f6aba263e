"""Who saw, changed or exported what. Rows are only ever added: the database itself refuses anything else."""

from __future__ import annotations

from typing import Any

from sqlalchemy import DDL, ForeignKey, Index, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now
from models.people import User


class AuditEvent(Base):
    """One act. `details` holds ids, old and new values; never a customer's words."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_subject", "subject_kind", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[created_now] = mapped_column(index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)  # None: the system
    action: Mapped[str]  # for example "call.viewed", "review.released", "scores.exported"
    subject_kind: Mapped[str | None]
    subject_id: Mapped[int | None]
    address: Mapped[str | None]  # network address of the request
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)

    user: Mapped[User | None] = relationship()


# Kept by the database itself, so that no code of ours, nor a mistake in it, can rewrite history.
_REFUSED = "the audit trail is append-only"
APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER audit_events_no_{verb.lower()} BEFORE {verb} ON audit_events "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$",
        "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()",
    ],
}
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(AuditEvent.__table__, "after_create", DDL(_statement).execute_if(dialect=_dialect))
