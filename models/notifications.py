"""What people are told about: in the page, and by mail where they have an address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, created_now
from models.people import User


class Notification(Base):
    """One piece of news for one person. `values` holds ids, dates and numbers; never a customer's words."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("user_id", "once"),
        Index("ix_notifications_user_read", "user_id", "read_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]  # key of qa.notifications.KINDS
    subject_kind: Mapped[str | None]  # what it is about, as in the audit trail
    subject_id: Mapped[int | None]
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    once: Mapped[str | None]  # the same news is not told twice
    created_at: Mapped[created_now]
    read_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]
    mail_attempts: Mapped[int] = mapped_column(default=0)

    user: Mapped[User] = relationship()
