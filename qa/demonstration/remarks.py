"""What inspectors of the demonstration left on calls: comments on moments and items, and a planned release."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Call, CallComment, CommentKind, Review, ReviewState
from models.base import now
from qa.comments import add_comment
from qa.reviews import release_later

COMMENTED = 3  # released reviews of each language
WORDS = {
    "en": ("A clear and friendly opening.", "The pause could have been announced.", "Use this one in coaching."),
    "zh": ("开场清楚、亲切。", "等待前应先说明原因。", "可作为辅导材料。"),
}


def store_remarks(session: Session) -> int:
    """Add comments to some released reviews, and plan a release, where there are none yet; return how many."""
    if session.scalar(select(CallComment.id).limit(1)) is not None:
        return 0
    added = sum(_comment(session, language) for language in WORDS)
    waiting = session.scalar(
        select(Review).where(Review.state == ReviewState.SUBMITTED, Review.ordinary).order_by(Review.id).limit(1)
    )
    if waiting is not None:
        release_later(session, waiting, waiting.inspector, now() + timedelta(days=2))
    return added


def _comment(session: Session, language: str) -> int:
    reviews = session.scalars(
        select(Review)
        .join(Review.call)
        .where(Review.state == ReviewState.RELEASED, Review.ordinary, Call.language.startswith(language))
        .order_by(Review.id.desc())
        .limit(COMMENTED)
    ).all()
    praise, remark, coaching = WORDS[language]
    for review in reviews:
        call, author = review.call, review.inspector
        turns = call.transcript.content["turns"] if call.transcript else []
        if len(turns) < 4:
            continue
        add_comment(
            session, call, author, praise, review=review, kind=CommentKind.PRAISE, public=True, turn=0,
            at_seconds=turns[0]["start"],
        )  # fmt: skip
        add_comment(session, call, author, remark, review=review, public=True, turn=3, at_seconds=turns[3]["start"])
        add_comment(session, call, author, coaching, review=review, kind=CommentKind.COACHING)
    return 3 * len(reviews)
