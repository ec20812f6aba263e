"""A person's review of a call: begun as a draft, submitted, released to the agent.

Nobody reviews an own call or a call of the own team, and nobody releases one: the rule of independence. A review that
belongs to a calibration compares inspectors: it is submitted, never released. How a draft grows change by change is
qa.review_saving's matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import Session

from models import (
    Agent,
    Call,
    CallState,
    Review,
    ReviewMark,
    ReviewReason,
    ReviewState,
    Role,
    ScorecardVersion,
    User,
)
from models.base import now
from qa import audit
from qa.blind_appeals import contested_calls, contested_of
from qa.criteria import active_scorecard, card_of
from qa.notifications import notify_agent
from qa.refusals import N_, Refused
from qa.sampling import review_reason
from scoring.call_score import GivenAnswer, conditions, score_answers
from scoring.item_types import BY_VALUE, ItemType, UnfitValue, answer_of, share_of
from scoring.marks import Answer, CallScore
from scoring.scorecard import Item, Scorecard

REVIEWERS = frozenset({Role.INSPECTOR, Role.LEAD})
MAX_COMMENT = 4_000  # characters
RELEASE_WITHIN = timedelta(days=45)  # later than that nobody remembers the call


class IncompleteReview(Refused):
    """Answers that cannot be submitted: `problems` says for each item what is wrong."""

    def __init__(self, problems: Mapping[str, Refused]) -> None:
        first = next(iter(problems.values()))
        super().__init__(
            N_("%(count)s answers need another look; the first: %(item)s: %(problem)s"),
            count=len(problems),
            item=next(iter(problems)),
            problem=str(first),
        )
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person entered for a whole call; answers and moments (seconds) are keyed by item."""

    answers: Mapping[str, GivenAnswer]
    reason: ReviewReason
    comment: str | None = None
    moments: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opening:
    """How a review begins: what its inspector does not see, and the calibration that it belongs to, with its card."""

    blind: bool = False
    agent_hidden: bool = False
    calibration_id: int | None = None
    scorecard: ScorecardVersion | None = None  # None: the machine's


def conflict(user: User, call: Call) -> Refused | None:
    """Return why `user` may not judge `call`, None when nothing forbids it."""
    if user.role not in REVIEWERS:
        return Refused(N_("Only inspectors and leads review calls."))
    return None if call.agent is None else dependence(user, call.agent)


def dependence(user: User, agent: Agent) -> Refused | None:
    """Return why `user` is not independent of `agent`: it is themselves, or somebody of their team."""
    if user.agent_id is not None and user.agent_id == agent.id:
        return Refused(N_("This is your own call: nobody reviews an own call."))
    own_teams = {user.team_id, user.agent.team_id if user.agent else None} - {None}
    if agent.team_id in own_teams:
        return Refused(N_("%(agent)s is of your own team: nobody reviews the own team."), agent=agent.number)
    return None


def scorecard_for(session: Session, call: Call) -> ScorecardVersion:
    """Return the scorecard version that a review of `call` uses: the machine's, so that both can be compared.

    Raises:
        Refused: there is no scorecard for the call's language.
    """
    version = call.auto_score.scorecard if call.auto_score else active_scorecard(session, call.language)
    if version is None:
        raise Refused(N_("There is no scorecard for calls in %(language)s."), language=call.language or "?")
    return version


def may_be_not_applicable(item: Item) -> bool:
    """Return whether the card allows the answer "not applicable" to `item`."""
    return item.na_allowed


def visible_reviews(user: User) -> Select[Review]:
    """Return the query of all ordinary reviews that `user` may read.

    Leads read all that are finished (unless a blind appeal hides them, see qa.blind_appeals), inspectors all their own,
    supervisors the finished ones of their team, agents their own released ones.
    """
    return select(Review).join(Review.call).where(_visible(user), Review.ordinary)


def _visible(user: User) -> ColumnElement[bool]:
    finished = Review.state.in_([ReviewState.SUBMITTED, ReviewState.RELEASED])
    if user.role is Role.LEAD:
        return or_(finished & Review.call_id.not_in(contested_calls(user)), Review.inspector_id == user.id)
    if user.role is Role.INSPECTOR:
        return Review.inspector_id == user.id
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return Call.agent_id.in_(select(Agent.id).where(Agent.team_id == user.team_id)) & finished
    if user.role is Role.AGENT and user.agent_id is not None:
        return (Call.agent_id == user.agent_id) & (Review.state == ReviewState.RELEASED)
    return false()


def review_of(
    session: Session, call: Call, inspector: User, calibration_id: int | None = None, *, lock: bool = False
) -> Review | None:
    """Return the inspector's review of `call`: the ordinary one, or that of a calibration.

    Args:
        lock: keep others from changing it until this transaction ends.
    """
    wanted = select(Review).where(
        Review.call_id == call.id,
        Review.inspector_id == inspector.id,
        Review.calibration_id == calibration_id if calibration_id is not None else Review.ordinary,
    )
    return session.scalar(wanted.with_for_update() if lock else wanted)


def blind_to(session: Session, user: User, call: Call) -> bool:
    """Whether `user` has a blind review of `call` in hand, or a blind appeal.

    Until it is done the machine's marks stay hidden.
    """
    return bool(contested_of(session, user, [call.id])) or (
        session.scalar(
            select(Review.id).where(
                Review.call_id == call.id,
                Review.inspector_id == user.id,
                Review.blind,
                Review.submitted_at.is_(None),
            )
        )
        is not None
    )


def save_draft(session: Session, call: Call, inspector: User, entry: Entry, *, address: str | None = None) -> Review:
    """Keep what was entered so far, complete or not.

    Raises:
        Refused: the inspector may not review this call, or the review is submitted already.
    """
    review = open_review(session, call, inspector)
    if review.state is not ReviewState.DRAFT:
        raise Refused(N_("This review is submitted: submit it again instead of saving a draft."))
    card = card_of(review.scorecard)
    entry = as_drawn(session, call, entry)
    known = item_ids(card)
    _fill(review, entry, None, {item: given for item, given in entry.answers.items() if item in known})
    review.saved_at = now()
    review.revision += 1
    session.flush()
    audit.record(session, "review.saved", user_id=inspector.id, subject=("review", review.id), address=address)
    return review


def submit_review(
    session: Session,
    call: Call,
    inspector: User,
    answers: Mapping[str, GivenAnswer],
    *,
    reason: ReviewReason,
    comment: str | None = None,
    moments: Mapping[str, float] | None = None,
    address: str | None = None,
) -> Review:
    """Score `answers` and keep the review for release; until then the inspector may submit it again.

    Fatal items that were not answered count as "nothing found", except those that the machine suspects:
    these a person must decide.

    Raises:
        Refused: the inspector may not review this call, or the review is released.
        IncompleteReview: answers are missing or impossible.
    """
    entry = as_drawn(session, call, Entry(answers, reason, comment, moments or {}))
    review = open_review(session, call, inspector)
    if review.state is ReviewState.RELEASED:
        raise Refused(N_("This review is released and cannot be changed."))
    card = card_of(review.scorecard)
    decided = with_cleared_fatals(card, call, entry.answers)
    problems = problems_of(card, entry, decided)
    if problems:
        raise IncompleteReview(problems)
    return finish(session, review, card, entry, decided, address=address)


def finish(
    session: Session,
    review: Review,
    card: Scorecard,
    entry: Entry,
    answers: Mapping[str, GivenAnswer],
    *,
    address: str | None = None,
) -> Review:
    """Score `answers`, which have no problems, and note that the review is submitted.

    Raises:
        Refused: nothing in it can be scored.
    """
    before = review.final
    score = score_answers(card, answers)
    if score.final is None:
        raise Refused(N_('Every item is answered "not applicable": there is nothing to score.'))
    _fill(review, entry, score, answers)
    review.state = ReviewState.SUBMITTED
    review.submitted_at = review.saved_at = now()
    review.revision += 1
    session.flush()
    audit.record(
        session,
        "review.submitted",
        user_id=review.inspector_id,
        subject=("review", review.id),
        address=address,
        raw=review.raw,
        final=review.final,
        before=before,
        fatal_confirmed=review.fatal_confirmed,
        overridden=[mark.item for mark in review.marks if mark.override_reason],
        comments=sum(mark.comment is not None for mark in review.marks),
        seconds=review.seconds_spent,
    )
    return review


def release_review(
    session: Session, review: Review, by: User, *, tell: bool = True, address: str | None = None
) -> Review:
    """Show a submitted review to its agent; from now on it counts and cannot be changed.

    Args:
        tell: the agent gets word of it.

    Raises:
        Refused: it is a draft, released already or a calibration's, or `by` is neither its inspector nor a lead, or
            is not independent of the agent.
    """
    _check_release(review, by)
    _release(session, review, by, tell=tell, address=address)
    return review


def release_later(session: Session, review: Review, by: User, at: datetime, *, address: str | None = None) -> Review:
    """Have a submitted review released by itself at a time to come; `at` is aware.

    Raises:
        Refused: as `release_review`, or the time is past or too far away.
    """
    _check_release(review, by)
    moment = now()
    if at <= moment:
        raise Refused(N_("The time of release must lie in the future."), field="at")
    if at > moment + RELEASE_WITHIN:
        raise Refused(N_("A review is released within %(days)s days."), field="at", days=RELEASE_WITHIN.days)
    before, review.release_at = review.release_at, at
    session.flush()
    audit.record(
        session,
        "review.release_planned",
        user_id=by.id,
        subject=("review", review.id),
        address=address,
        before=before.isoformat() if before else None,
        after=at.isoformat(),
    )
    return review


def release_due(session: Session, *, at: datetime | None = None) -> list[int]:
    """Release every submitted review whose time has come, in the caller's transaction; return their ids."""
    due = session.scalars(
        select(Review)
        .where(Review.state == ReviewState.SUBMITTED, Review.release_at <= (at or now()), Review.ordinary)
        .order_by(Review.id)
        .with_for_update()
    ).all()
    for review in due:
        _release(session, review, None)
    return [review.id for review in due]


def _check_release(review: Review, by: User) -> None:
    refusal = conflict(by, review.call)
    if refusal is not None:
        raise refusal
    if review.calibration_id is not None:
        raise Refused(N_("A review of a calibration is never released."))
    if by.role is not Role.LEAD and by.id != review.inspector_id:
        raise Refused(N_("Only its inspector or a lead releases a review."))
    if review.state is ReviewState.DRAFT:
        raise Refused(N_("A draft cannot be released: submit it first."))
    if review.state is ReviewState.RELEASED:
        raise Refused(N_("This review is released already."))


def _release(
    session: Session, review: Review, by: User | None, *, tell: bool = True, address: str | None = None
) -> None:
    review.state = ReviewState.RELEASED
    review.released_at = now()
    session.flush()
    audit.record(
        session,
        "review.released",
        user_id=by.id if by else None,
        subject=("review", review.id),
        address=address,
        final=review.final,
    )
    if tell:
        notify_agent(
            session,
            review.call.agent,
            "review.released",
            subject=("review", review.id),
            once=f"review.released:{review.id}",
        )


def as_drawn(session: Session, call: Call, entry: Entry) -> Entry:
    """Return `entry` with the reason that the weekly sample gives the call (see qa.sampling.review_reason)."""
    return replace(entry, reason=review_reason(session, call, entry.reason))


def item_ids(card: Scorecard) -> list[str]:
    """Return the ids of everything that a person may answer: items, fatal items, bonus items."""
    fatals, bonus = [item.id for item in card.fatal], [item.id for item in card.bonus]
    return [*(item.id for _, item in card.items()), *fatals, *bonus]


def with_cleared_fatals(
    card: Scorecard, call: Call, answers: Mapping[str, GivenAnswer], *, unseen: bool = False
) -> dict[str, GivenAnswer]:
    """Return `answers` with "nothing found" for each fatal item that nobody, person or machine, points to.

    Args:
        unseen: the person did not see what the machine suspects, so that it asks nothing of them.
    """
    suspected = frozenset() if unseen else suspected_fatals(call)
    cleared = {
        item.id: GivenAnswer(Answer.MET) for item in card.fatal if item.id not in answers and item.id not in suspected
    }
    return {**answers, **cleared}


def suspected_fatals(call: Call) -> frozenset[str]:
    """Return the fatal items that the machine's marks point to."""
    findings = call.auto_score.summary.get("fatals", []) if call.auto_score else []
    return frozenset(finding["item"] for finding in findings if finding.get("suspected") == Answer.NOT_MET)


def problems_of(card: Scorecard, entry: Entry, answers: Mapping[str, GivenAnswer]) -> dict[str, Refused]:
    """Return what is wrong with `answers`, by item in the card's order; items that are not asked need none."""
    problems: dict[str, Refused] = {}
    asked = asked_items(card, answers)
    for _, item in card.items():
        problem = item_problem(card, item, answers.get(item.id)) if item.id in asked else None
        if problem:
            problems[item.id] = problem
    for fatal in card.fatal:
        problem = _fatal_problem(answers.get(fatal.id))
        if problem:
            problems[fatal.id] = problem
    known = item_ids(card)
    for item_id in answers:
        if item_id not in known:
            problems[item_id] = Refused(N_("The scorecard has no item %(item)s."), item=item_id)
    texts = {item: given.comment for item, given in answers.items()}
    for item_id, text in {**texts, "comment": entry.comment}.items():
        if text and len(text) > MAX_COMMENT:
            problems[item_id] = Refused(N_("A comment may have %(limit)s characters."), limit=MAX_COMMENT)
    for item_id, moment in entry.moments.items():
        if not math.isfinite(moment) or moment < 0:
            problems[item_id] = Refused(N_("A moment must lie within the call."))
    return problems


def asked_items(card: Scorecard, answers: Mapping[str, GivenAnswer]) -> frozenset[str]:
    """Return the items that are to be answered: all but the conditional ones whose condition does not hold (yet)."""
    holds = conditions(card, dict(sound_answers(card, answers)))
    return frozenset(item.id for _, item in card.items() if holds.get(item.id, True))


def sound_answers(card: Scorecard, answers: Mapping[str, GivenAnswer]) -> Iterator[tuple[str, GivenAnswer]]:
    """Yield the answers that can be scored as they stand."""
    for _, item in card.items():
        given = answers.get(item.id)
        if given is not None and item_problem(card, item, given) is None:
            yield item.id, given
    for extra in (*[fatal.id for fatal in card.fatal], *[bonus.id for bonus in card.bonus]):
        given = answers.get(extra)
        if given is not None and given.answer in (Answer.MET, Answer.NOT_MET):
            yield extra, given


def item_problem(card: Scorecard, item: Item, given: GivenAnswer | None) -> Refused | None:
    """Return what is wrong with the answer to an ordinary item, None when nothing is."""
    kind = card.type_of(item)
    if given is None or (given.answer is Answer.CANNOT_TELL and given.value is None):
        return None if kind == "text" else Refused(N_("Choose an answer."))
    if given.answer is Answer.NOT_APPLICABLE:
        if given.deductions:
            return Refused(N_('"Not applicable" and a deduction exclude each other.'))
        if given.value is not None:
            return Refused(N_('"Not applicable" and another answer exclude each other.'))
        return None if may_be_not_applicable(item) else Refused(N_("This item always applies."))
    wrong = _value_problem(item, given) if kind in BY_VALUE else _answer_problem(item, kind, given)
    return wrong or _cause_problem(item, given)


def _answer_problem(item: Item, kind: ItemType, given: GivenAnswer) -> Refused | None:
    if kind != "deduction":
        if given.deductions:
            return Refused(N_("This item has no deductions."))
        if kind == "yes_no" and given.answer is Answer.PARTLY:
            return Refused(N_("This item is answered yes or no."))
        return None
    unknown = [name for name in given.deductions if name not in item.deduct]
    if unknown:
        return Refused(N_('There is no deduction "%(name)s" in this item.'), name=unknown[0])
    if given.answer is Answer.MET and given.deductions:
        return Refused(N_('"No deduction" and a deduction exclude each other.'))
    if given.answer is not Answer.MET and not given.deductions:
        return Refused(N_("Say what is deducted."))
    return None


def _value_problem(item: Item, given: GivenAnswer) -> Refused | None:
    if given.deductions:
        return Refused(N_("This item has no deductions."))
    if given.value is None:
        return Refused(N_("Choose an answer."))
    try:
        share_of(item, given.value)
    except UnfitValue:
        if item.type == "number":
            return Refused(N_("The scorecard says nothing about %(value)s: correct the number."), value=given.value)
        return Refused(N_("This is no answer to the item."))
    return None


def _cause_problem(item: Item, given: GivenAnswer) -> Refused | None:
    if not given.causes:
        return None
    if any(cause not in item.causes for cause in given.causes):
        return Refused(N_("This is no root cause of the item."))
    if answer_given(item, given) not in (Answer.PARTLY, Answer.NOT_MET):
        return Refused(N_("A root cause belongs to an answer that is not met."))
    return None


def answer_given(item: Item, given: GivenAnswer) -> Answer:
    """Return the answer that `given`, which has no problem, comes to: of a value, what its share stands for."""
    share = share_of(item, given.value) if given.value is not None else None
    return given.answer if share is None else answer_of(share)


def _fatal_problem(given: GivenAnswer | None) -> Refused | None:
    if given is None:
        return Refused(N_("The automatic check points to this fatal item: confirm or clear it."))
    if given.answer not in (Answer.MET, Answer.NOT_MET):
        return Refused(N_("A fatal item is confirmed or cleared."))
    if given.answer is Answer.NOT_MET and not (given.comment or "").strip():
        return Refused(N_("A confirmed fatal item needs a comment that says what happened."))
    return None


def open_review(
    session: Session, call: Call, inspector: User, opening: Opening | None = None, *, lock: bool = False
) -> Review:
    """Return the inspector's review of `call`, new when there is none; `opening` says how a new one begins.

    Raises:
        Refused: the inspector may not review the call, or nothing in it can be judged.
    """
    opening = opening or Opening()
    refusal = conflict(inspector, call)
    if refusal is not None:
        raise refusal
    if call.state is CallState.NOT_GRADABLE:
        raise Refused(N_("This call is not gradable: there is nothing in it to judge."))
    review = review_of(session, call, inspector, opening.calibration_id, lock=lock)
    if review is None:
        review = Review(
            call=call,
            inspector=inspector,
            scorecard=opening.scorecard or scorecard_for(session, call),
            reason=ReviewReason.RANDOM,
            state=ReviewState.DRAFT,
            blind=opening.blind,
            agent_hidden=opening.agent_hidden,
            calibration_id=opening.calibration_id,
            revision=0,
            seconds_spent=0,
        )
        session.add(review)
    return review


def _fill(review: Review, entry: Entry, score: CallScore | None, answers: Mapping[str, GivenAnswer]) -> None:
    scored = {mark.item: mark for mark in score.marks} if score else {}
    review.reason = entry.reason
    review.comment = _trimmed(entry.comment)
    review.raw = score.raw if score else None
    review.final = score.final if score else None
    review.bonus = score.bonus if score else 0.0
    review.fatal_confirmed = sum(finding.confirmed is True for finding in score.fatals) if score else 0

    kept = {mark.item: mark for mark in review.marks}
    marks = []
    for item, given in answers.items():
        mark = kept.get(item) or ReviewMark(item=item)
        # With deductions the points left decide between partly and not met, with a value its share.
        decided = item in scored and (given.deductions or given.value is not None)
        mark.answer = (scored[item].answer if decided else given.answer).value
        mark.value, mark.causes = given.value, list(given.causes)
        mark.points = scored[item].points if item in scored else None
        mark.deductions = list(given.deductions)
        mark.comment = _trimmed(given.comment)
        mark.at_seconds = entry.moments.get(item)
        marks.append(mark)
    review.marks = marks


def _trimmed(text: str | None) -> str | None:
    return (text or "").strip() or None


def entry_of(review: Review) -> Entry:
    """Return what was entered, as `submit_review` takes it."""
    return Entry(
        answers={
            mark.item: GivenAnswer(
                _answer_of(mark), tuple(mark.deductions), mark.comment, mark.value, tuple(mark.causes or ())
            )
            for mark in review.marks
        },
        reason=review.reason,
        comment=review.comment,
        moments={mark.item: mark.at_seconds for mark in review.marks if mark.at_seconds is not None},
    )


def _answer_of(mark: ReviewMark) -> Answer:
    """Return the answer as it was given: a value decides by itself, as deductions do."""
    if mark.value is not None:
        return Answer.MET
    return Answer.NOT_MET if mark.deductions else Answer(mark.answer)
