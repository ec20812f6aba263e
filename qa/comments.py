"""Remarks on a moment, a turn or an item of a call, made while it is reviewed.

A private one is for the people who review; a public one is the agent's to read once its review is released.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session, joinedload

from models import Agent, Call, CallComment, CommentKind, Review, ReviewState, Role, User
from models.base import now
from qa import audit
from qa.blind_appeals import contested_calls
from qa.criteria import card_of
from qa.refusals import N_, Refused
from qa.reviews import MAX_COMMENT, conflict, item_ids

FINISHED = (ReviewState.SUBMITTED, ReviewState.RELEASED)


def add_comment(
    session: Session,
    call: Call,
    author: User,
    text: str,
    *,
    review: Review | None = None,
    kind: CommentKind = CommentKind.COMMENT,
    public: bool = False,
    item: str | None = None,
    turn: int | None = None,
    at_seconds: float | None = None,
    address: str | None = None,
) -> CallComment:
    """Leave a remark on a call; with none of `item`, `turn` and `at_seconds` it is about the call as a whole.

    Args:
        review: that it belongs to, the author's own. A public remark needs one: its release shows the remark.
        item: of the review's scorecard.
        turn: index in the transcript.
        at_seconds: moment in the call.

    Raises:
        Refused: the author may not judge the call, or the remark is empty, too long or about nothing there is.
    """
    refusal = conflict(author, call)
    if refusal is not None:
        raise refusal
    text = text.strip()
    if not text:
        raise Refused(N_("Write the comment first."), field="text")
    if len(text) > MAX_COMMENT:
        raise Refused(N_("A comment may have %(limit)s characters."), field="text", limit=MAX_COMMENT)
    if review is not None and (review.call_id != call.id or review.inspector_id != author.id):
        raise Refused(N_("This is another person's review, or of another call."))
    if public and review is None:
        raise Refused(N_("A public comment belongs to a review: begin one first."))
    _check_place(call, review, item, turn, at_seconds)
    comment = CallComment(
        call_id=call.id,
        review=review,
        author=author,
        kind=kind,
        public=public,
        item=item,
        turn=turn,
        at_seconds=at_seconds,
        text=text,
    )
    session.add(comment)
    session.flush()
    audit.record(
        session,
        "comment.added",
        user_id=author.id,
        subject=("call", call.id),
        address=address,
        comment=comment.id,
        kind=kind.value,
        public=public,
        item=item,
        turn=turn,
    )
    return comment


def remove_comment(session: Session, comment: CallComment, by: User, *, address: str | None = None) -> None:
    """Take a remark back; it is kept for the audit and shown to nobody.

    Raises:
        Refused: it is somebody else's, taken back already, or public and the agent has it.
    """
    if comment.author_id != by.id:
        raise Refused(N_("Only its author takes a comment back."))
    if comment.removed_at is not None:
        raise Refused(N_("This comment is taken back already."))
    if comment.public and comment.review is not None and comment.review.state is ReviewState.RELEASED:
        raise Refused(N_("The agent has this comment: it cannot be taken back."))
    comment.removed_at = now()
    session.flush()
    audit.record(
        session,
        "comment.removed",
        user_id=by.id,
        subject=("call", comment.call_id),
        address=address,
        comment=comment.id,
    )


def visible_comments(
    session: Session, user: User, call: Call | None = None, review: Review | None = None
) -> list[CallComment]:
    """Return the remarks on a call, or of one review, that `user` may read, in the order of the call.

    Inspectors read their own, so that two who review one call do not see each other's; leads those of finished reviews
    and those that belong to none; supervisors those of finished reviews of their team; agents the public ones of
    their own released reviews.
    """
    wanted = (
        select(CallComment)
        .join(CallComment.call)
        .outerjoin(CallComment.review)
        .where(CallComment.removed_at.is_(None), _visible(user))
        .options(joinedload(CallComment.author))
    )
    if call is not None:
        wanted = wanted.where(CallComment.call_id == call.id)
    if review is not None:
        wanted = wanted.where(CallComment.review_id == review.id)
    return list(session.scalars(wanted.order_by(CallComment.at_seconds.nulls_last(), CallComment.id)))


def _visible(user: User) -> ColumnElement[bool]:
    finished = and_(Review.state.in_(FINISHED), Review.ordinary)
    own = CallComment.author_id == user.id
    if user.role is Role.LEAD:
        seen = CallComment.call_id.not_in(contested_calls(user))
        return or_(own, and_(seen, or_(finished, CallComment.review_id.is_(None))))
    if user.role is Role.INSPECTOR:
        return own
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return Call.agent_id.in_(select(Agent.id).where(Agent.team_id == user.team_id)) & finished
    if user.role is Role.AGENT and user.agent_id is not None:
        released = and_(Review.state == ReviewState.RELEASED, Review.ordinary)
        return and_(Call.agent_id == user.agent_id, CallComment.public, released)
    return false()


def _check_place(
    call: Call, review: Review | None, item: str | None, turn: int | None, at_seconds: float | None
) -> None:
    if item is not None and (review is None or item not in item_ids(card_of(review.scorecard))):
        raise Refused(N_("The scorecard has no item %(item)s."), item=item)
    turns = call.transcript.content.get("turns", []) if call.transcript else []
    if turn is not None and not 0 <= turn < len(turns):
        raise Refused(N_("The transcript has no turn %(turn)s."), turn=turn)
    if at_seconds is not None and not 0 <= at_seconds <= (call.duration or at_seconds):
        raise Refused(N_("A moment must lie within the call."))
