"""What stays hidden from whoever has a blind appeal to decide: all that was found in the contested call before.

The one rule: while a blind appeal is open, a lead, and the inspector who has it, see of its call neither the reviews of
others nor the machine's marks. Their own review they know. Lists, pages and scripts ask here.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, exists, false, select, true
from sqlalchemy.orm import Session, aliased

from models import Appeal, AppealState, Review, Role, User

OPEN = (AppealState.RAISED, AppealState.PASSED, AppealState.FINAL)
DECIDED = (AppealState.UPHELD, AppealState.KEPT)


def contested_calls(user: User) -> Select[int]:
    """Return the query of the ids of the calls about which `user` may decide a blind appeal that is open."""
    theirs: dict[Role, ColumnElement[bool]] = {Role.LEAD: true(), Role.INSPECTOR: Appeal.assignee_id == user.id}
    return (
        select(Review.call_id)
        .join(Appeal, Appeal.review_id == Review.id)
        .where(
            Appeal.blind,
            Appeal.state.in_(OPEN),
            Review.inspector_id != user.id,
            theirs.get(user.role, false()),
        )
    )


def contested_of(session: Session, user: User, call_ids: Collection[int]) -> set[int]:
    """Return which of these calls are contested before `user`."""
    return set(session.scalars(contested_calls(user).where(Review.call_id.in_(call_ids))))


def unseen_rounds(user: User) -> ColumnElement[bool]:
    """Whether an appeal is an earlier round of a blind one that is open: what was decided then is hidden, too."""
    later = aliased(Appeal)
    return (
        Appeal.state.in_(DECIDED)
        & Appeal.decided_by_id.is_distinct_from(user.id)
        & exists().where(
            later.review_id == Appeal.review_id, later.item == Appeal.item, later.blind, later.state.in_(OPEN)
        )
    )
