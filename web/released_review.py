"""What the page of one review shows beside its marks: what each cost, what may be appealed, what was corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Acknowledgement, Appeal, AppealState, Call, CallComment, Praise, Review, ReviewState, Role, User
from qa.acknowledgements import Reading, acknowledgement_of, reading
from qa.appeal_rules import AppealRules
from qa.appeals import appeals_of, refusal_to_appeal, window
from qa.comments import visible_comments
from qa.criteria import card_of
from qa.reexamination import corrections_of
from qa.refusals import Refused
from qa.reviews import entry_of
from scoring.what_if import Counterfactuals, WhatIf, missed_items, what_if
from web.call_page import CallView, call_view, find_call


@dataclass(frozen=True, slots=True)
class Correction:
    """A mark that is not what it was: what it was before, and the appeal that it was changed by."""

    was: str  # an answer
    at: datetime
    appeal_id: int
    other_call: bool  # the appeal was about another call that the same rule hit


@dataclass(frozen=True, slots=True)
class MarkNotes:
    """What is to say about one mark beside its answer."""

    what_if: WhatIf | None = None
    appeals: Sequence[Appeal] = ()  # about this item, oldest first
    corrections: Sequence[Correction] = ()
    offered: bool = False  # to its agent: the item cost points
    refusal: Refused | None = None  # why the reader may not appeal against it

    @property
    def may_appeal(self) -> bool:
        return self.offered and self.refusal is None


@dataclass(frozen=True, slots=True)
class ReleasedReview:
    """Everything on the page of one review that its marks alone do not say."""

    view: CallView | None  # for the player; None when the reader may not hear the call
    notes: Mapping[str, MarkNotes] = field(default_factory=dict)  # by item
    losses: Counterfactuals = field(default_factory=Counterfactuals)
    acknowledgement: Acknowledgement | None = None
    reading: Reading | None = None  # None: it is not released
    closes: datetime | None = None  # of the window after the release
    days_left: int = 0
    locked: str | None = None  # the published period that ended the window
    praises: Sequence[Praise] = ()
    comments: Sequence[CallComment] = ()

    def of(self, item: str) -> MarkNotes:
        return self.notes.get(item, MarkNotes())


def released_review(session: Session, user: User, review: Review, rules: AppealRules, at: datetime) -> ReleasedReview:
    """Put together what `user`, who may read it, sees on the page of `review`."""
    call = find_call(session, user, review.call_id)
    view = call_view(session, user, call) if call is not None else None
    card, entry = card_of(review.scorecard), entry_of(review)
    scored = review.state is not ReviewState.DRAFT
    losses = what_if(card, entry.answers) if scored else Counterfactuals()
    praises, comments = praise_of(session, review.call), comments_on(session, user, review)
    if review.state is not ReviewState.RELEASED or review.released_at is None:
        notes = {one.item: MarkNotes(what_if=one) for one in losses.items}
        return ReleasedReview(view, notes, losses, praises=praises, comments=comments)
    until = window(session, review, rules)
    acknowledged = acknowledgement_of(session, review)
    return ReleasedReview(
        view=view,
        notes=_notes(session, user, review, losses, missed_items(card, entry.answers), rules, at),
        losses=losses,
        acknowledgement=acknowledged,
        reading=reading(review.released_at, acknowledged is not None, rules, at),
        closes=until.closes,
        days_left=0 if until.locked else rules.days_left(until.closes, at),
        locked=until.locked,
        praises=praises,
        comments=comments,
    )


def praise_of(session: Session, call: Call) -> Sequence[Praise]:
    """Return the customers' praise of this call that counts."""
    return session.scalars(
        select(Praise).where(Praise.call_id == call.id, Praise.struck_at.is_(None)).order_by(Praise.id)
    ).all()


def comments_on(session: Session, user: User, review: Review) -> Sequence[CallComment]:
    """Return the public remarks of a review that `user` may read, in the order of the call."""
    return [one for one in visible_comments(session, user, review=review) if one.public]


def _notes(
    session: Session,
    user: User,
    review: Review,
    losses: Counterfactuals,
    missed: Sequence[str],
    rules: AppealRules,
    at: datetime,
) -> dict[str, MarkNotes]:
    appeals: dict[str, list[Appeal]] = {}
    for one in appeals_of(session, review):
        appeals.setdefault(one.item, []).append(one)
    corrections = _corrections(session, review, appeals)
    own = user.role is Role.AGENT
    return {
        item: MarkNotes(
            what_if=losses.of(item),
            appeals=appeals.get(item, ()),
            corrections=corrections.get(item, ()),
            offered=own and item in missed,
            refusal=refusal_to_appeal(session, review, item, user, rules, at=at) if own and item in missed else None,
        )
        for item in {*missed, *appeals, *corrections}
    }


def _corrections(
    session: Session, review: Review, appeals: Mapping[str, Sequence[Appeal]]
) -> dict[str, list[Correction]]:
    """Return what became of marks, by item and oldest first: by appeal, and by re-examination after another's."""
    found: dict[str, list[Correction]] = {}
    for item, about in appeals.items():
        for one in about:
            if one.state is AppealState.UPHELD and one.decided_at is not None:
                found.setdefault(item, []).append(Correction(one.before["answer"], one.decided_at, one.id, False))
    for again in corrections_of(session, review):
        was = again.appeal.before["answer"]
        if again.done_at is not None and _answer(review, again.item) != was:
            found.setdefault(again.item, []).append(Correction(was, again.done_at, again.appeal_id, True))
    return found


def _answer(review: Review, item: str) -> str | None:
    return next((mark.answer for mark in review.marks if mark.item == item), None)
