"""What the review page shows: the call on one side, the scorecard on the other, where the inspector stands.

Of a blind review the machine's marks are not put in here until it is submitted, so that no template can show them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import Call, CallComment, Review, ReviewAssignment, ReviewMark, ReviewState, ScorecardVersion, User
from qa.comments import visible_comments
from qa.corrections import turns_as_heard
from qa.criteria import card_of
from qa.review_saving import Standing, hides_machine, standing
from qa.reviews import Opening, scorecard_for, visible_reviews
from qa.sampling_work import queue_of
from scoring.scorecard import Scorecard
from transcription.correction import Change, changes
from transcription.transcript import Transcript
from web.call_page import CallView, call_view
from web.hidden_agents import hides_agent
from web.i18n import N_
from web.review_form import QuestionGroup, groups

EARLIER_SHOWN = 5
# What the page's scripts say; $1, $2 are filled in by them.
WORDS: dict[str, str] = {
    "saved": N_("Saved"),
    "saving": N_("Saving …"),
    "nothing": N_("Nothing entered yet"),
    "waiting": N_("Not saved: no connection, $1 changes are waiting"),
    "failing": N_("Not saved: the server does not answer, $1 changes are waiting"),
    "logged_out": N_("Not saved: your session has ended. Log in in another window, nothing is lost."),
    "refused": N_("Not saved"),
    "restored": N_("$1 changes from before the page was closed are saved now."),
    "answered": N_("$1 of 100 points answered"),
    "open_items": N_("$1 open"),
    "complete": N_("all answered"),
    "now": N_("now"),
    "so_far": N_("so far"),
    "conflict": N_("$1 saved this review in another window at $2. Your last change was not saved over it."),
    "moment": N_("at $1"),
    "set_moment": N_("Set the moment"),
    "comment_at": N_("Comment at $1"),
    "comment_item": N_("Comment on the call"),
    "correct_at": N_("Correct the words at $1"),
    "corrected": N_("Corrected. The rules have looked again."),
    "no_evidence": N_("There is no moment to play for this item."),
    "nothing_to_accept": N_("The automatic check has no answer here."),
}


@dataclass(frozen=True, slots=True)
class Remarks:
    """The comments that the reader may see, by what they are about."""

    timed: list[CallComment]  # with a moment: they stand on the waveform
    by_turn: Mapping[int, list[CallComment]]
    by_item: Mapping[str, list[CallComment]]
    others: list[CallComment]  # about a moment or the call as a whole


@dataclass(frozen=True, slots=True)
class Queue:
    """Where a call stands among the reader's tasks."""

    place: int | None  # from 1; None: it is no task of theirs
    total: int
    task_id: int | None
    next_call: int | None


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Everything on the review page of one call."""

    call: Call
    view: CallView
    review: Review | None  # None: nothing is entered yet
    version: ScorecardVersion
    card: Scorecard
    groups: list[QuestionGroup]
    marks: Mapping[str, ReviewMark]
    hidden: bool  # the machine's marks
    agent_hidden: bool
    calibration_id: int | None
    standing: Standing | None
    auto: float | None  # the machine's score, when it may be seen
    remarks: Remarks
    corrected: Mapping[int, list[Change]]
    queue: Queue
    earlier: Sequence[Review] = field(default=())

    @property
    def open(self) -> bool:
        """Whether something can be entered."""
        return self.review is None or self.review.state is ReviewState.DRAFT

    @property
    def may_reassign(self) -> bool:
        """Whether its inspector may say that it is another agent's call, see qa.call_agents."""
        in_hand = self.queue.place is not None or self.review is not None
        return self.open and in_hand and not self.agent_hidden and self.calibration_id is None


def review_page(session: Session, user: User, call: Call, review: Review | None, opening: Opening) -> ReviewPage:
    """Put together the page of `user`'s review of `call`, which begins as `opening` says when there is none.

    Raises:
        Refused: there is no scorecard for the call.
    """
    version = review.scorecard if review else opening.scorecard or scorecard_for(session, call)
    card = card_of(version)
    hidden = hides_machine(review) if review else opening.blind
    begun_hidden = review.agent_hidden if review else opening.agent_hidden
    judged = review is not None and review.ordinary and review.submitted_at is not None
    agent_hidden = (begun_hidden and not judged) or hides_agent(call.id)
    heard = turns_as_heard(call)
    now = Transcript.from_dict(call.transcript.content).turns if call.transcript and heard else ()
    return ReviewPage(
        call=call,
        view=call_view(session, user, call, blind=hidden, alone=True),
        review=review,
        version=version,
        card=card,
        groups=list(groups(card, call, blind=hidden)),
        marks={mark.item: mark for mark in review.marks} if review else {},
        hidden=hidden,
        agent_hidden=agent_hidden,
        calibration_id=opening.calibration_id,
        standing=standing(review) if review else None,
        auto=call.auto_score.raw if call.auto_score and not hidden else None,
        remarks=_remarks(visible_comments(session, user, call), review),
        corrected={turn: changes(first.text, now[turn].text) for turn, first in heard.items()},
        queue=queue_at(session, user, call),
        earlier=() if agent_hidden or opening.calibration_id else earlier_reviews(session, user, call),
    )


def queue_at(session: Session, user: User, call: Call) -> Queue:
    """Return where `call` stands in the user's queue, and what comes after it."""
    tasks = queue_of(session, user.id)
    place = next((number for number, (_, call_id) in enumerate(tasks, 1) if call_id == call.id), None)
    others = [call_id for _, call_id in tasks if call_id != call.id]
    return Queue(place, len(tasks), tasks[place - 1][0] if place else None, others[0] if others else None)


def earlier_reviews(session: Session, user: User, call: Call) -> Sequence[Review]:
    """Return the newest released reviews of the agent's other calls that `user` may read."""
    if call.agent_id is None:
        return ()
    return session.scalars(
        visible_reviews(user)
        .where(Call.agent_id == call.agent_id, Review.call_id != call.id, Review.state == ReviewState.RELEASED)
        .options(joinedload(Review.call), joinedload(Review.inspector))
        .order_by(Review.released_at.desc())
        .limit(EARLIER_SHOWN)
    ).all()


def own_task(session: Session, user: User, call: Call) -> ReviewAssignment | None:
    """Return the user's open task to review `call`."""
    task_id = queue_at(session, user, call).task_id
    return session.scalar(select(ReviewAssignment).where(ReviewAssignment.id == task_id)) if task_id else None


def script_words() -> dict[str, str]:
    """Return what the page's scripts say, in the page's language."""
    return {name: gettext(message) for name, message in WORDS.items()}


def state_of(review: Review) -> dict[str, Any]:
    """Return where a review stands, as the page's scripts read it; nothing of the machine's while it is hidden."""
    found = standing(review)
    state: dict[str, Any] = {
        "review": review.id,
        "revision": review.revision,
        "seconds": review.seconds_spent,
        "raw": found.raw,
        "final": found.final,
        "answered": found.answered,
        "complete": found.complete,
        "points": found.points,
        "missing": found.missing,
        "unasked": found.unasked,
        "fatal": found.fatal,
    }
    if hides_machine(review):
        return state
    return state | {"auto": found.auto, "overridden": found.overridden, "unexplained": found.unexplained}


def _remarks(comments: Iterable[CallComment], review: Review | None) -> Remarks:
    found = [one for one in comments if one.review_id is None or (review is not None and one.review_id == review.id)]
    by_turn: dict[int, list[CallComment]] = {}
    by_item: dict[str, list[CallComment]] = {}
    others: list[CallComment] = []
    for comment in found:
        if comment.turn is not None:
            by_turn.setdefault(comment.turn, []).append(comment)
        elif comment.item is not None:
            by_item.setdefault(comment.item, []).append(comment)
        else:
            others.append(comment)
    return Remarks([one for one in found if one.at_seconds is not None], by_turn, by_item, others)
