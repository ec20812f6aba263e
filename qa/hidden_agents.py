"""Whose call it is, hidden from inspectors until they have judged it (HOTLINE_HIDE_AGENT).

The one rule: with the setting on, an inspector sees the agent of a call once an ordinary review of it has been
submitted by them. Other roles see it as ever.
"""

from __future__ import annotations

from sqlalchemy import Select, select

from models import Review, Role, User
from qa.settings import Settings


def hides_agents(user: User, settings: Settings) -> bool:
    """Return whether the rule concerns `user`: there are calls whose agent they do not see."""
    return settings.hide_agent and user.role is Role.INSPECTOR


def judged_calls(user: User) -> Select[int]:
    """Return the query of the ids of the calls that `user` has submitted a review of."""
    return select(Review.call_id).where(
        Review.inspector_id == user.id, Review.submitted_at.is_not(None), Review.ordinary
    )
