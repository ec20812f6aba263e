"""A draft grows change by change, so that a crash or a lost connection costs at most the last keystroke.

Each save names the revision that it knows: what another window saved meanwhile is never overwritten. A change says
the whole of what it is about, so that a save whose answer got lost may be sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import (
    AutoMark,
    CalibrationSession,
    Call,
    Review,
    ReviewMark,
    ReviewReason,
    ReviewState,
    User,
)
from models.base import now
from qa import audit
from qa.calibration import may_take_part
from qa.criteria import card_of
from qa.refusals import N_, Refused
from qa.reviews import (
    MAX_COMMENT,
    Entry,
    IncompleteReview,
    Opening,
    answer_given,
    as_drawn,
    asked_items,
    conflict,
    entry_of,
    finish,
    item_ids,
    item_problem,
    open_review,
    problems_of,
    sound_answers,
    suspected_fatals,
    with_cleared_fatals,
)
from qa.settings import Settings
from scoring.call_score import GivenAnswer, score_answers
from scoring.item_types import option_of
from scoring.marks import Answer, CallScore
from scoring.scorecard import Item, Scorecard
from scoring.weights import after_fatals

MAX_BEAT = 60  # seconds of work that one save may report; a client reports more often than that
MAX_CHANGES = 500  # in one save: a whole card many times over

ItemId = Annotated[str, Field(min_length=1, max_length=20)]
Remark = Annotated[str, Field(max_length=MAX_COMMENT)]


class MarkChange(BaseModel):
    """All that a person says about one item; `answer` None takes an answer back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: ItemId
    answer: Answer | None = None
    deductions: tuple[Annotated[str, Field(max_length=200)], ...] = Field(default=(), max_length=50)
    comment: Remark | None = None
    moment: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)  # seconds into the call
    override_reason: Remark | None = None
    value: Annotated[str, Field(max_length=MAX_COMMENT)] | float | None = None  # of a choice, scale, number or text
    causes: tuple[Annotated[str, Field(max_length=200)], ...] = Field(default=(), max_length=50)


class Changes(BaseModel):
    """What one save brings; what is None stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    revision: int = Field(ge=0)  # that the client knows; 0: there is no review yet
    marks: tuple[MarkChange, ...] = Field(default=(), max_length=MAX_CHANGES)
    reason: ReviewReason | None = None
    comment: Remark | None = None
    seconds: int = Field(default=0, ge=0)  # of work since the last save, by the client's clock


class StaleReview(Refused):
    """The review was changed elsewhere since the client read it."""

    def __init__(self, review: Review) -> None:
        super().__init__(N_("This review was changed in another window. Nothing of it was overwritten."))
        self.who = review.inspector.name
        self.at = review.saved_at
        self.revision = review.revision


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a review stands with what is answered so far."""

    auto: float | None  # the machine's score of the call; None also where it must not be seen
    raw: float | None  # of what a person answered so far, before fatal items; None: nothing yet
    final: float | None
    complete: bool  # enough is answered for the score to stand for the call
    answered: float  # points of 100 that the person's score rests on
    points: dict[str, tuple[float, float]]  # answered items: points and possible points
    missing: list[str]  # items that still need an answer
    unasked: list[str]  # conditional items whose condition does not hold, or not yet
    overridden: list[str]  # items answered otherwise than the machine did
    unexplained: list[str]  # of these, the ones without a reason
    fatal: list[str]  # confirmed fatal items


def opening_for(session: Session, user: User, call: Call, calibration_id: int | None, settings: Settings) -> Opening:
    """Return how a review of `call` begins: as the settings say, or blind and by the card of a calibration.

    Raises:
        Refused: results of the calibration are open, or it is not this user's or not about this call.
    """
    if calibration_id is None:
        return Opening(blind=settings.review_mode == "blind", agent_hidden=settings.hide_agent)
    calibration = session.get(CalibrationSession, calibration_id)
    if calibration is None:
        raise Refused(N_("You do not take part in this calibration."))
    refusal = may_take_part(session, user, call, calibration)
    if refusal is not None:
        raise refusal
    return Opening(True, settings.hide_agent or calibration.agent_hidden, calibration.id, calibration.scorecard)


def save_changes(
    session: Session,
    call: Call,
    inspector: User,
    changes: Changes,
    opening: Opening | None = None,
    *,
    address: str | None = None,
) -> Review:
    """Bring `changes` into the inspector's draft of `call`, which begins as `opening` says when there is none.

    Raises:
        Refused: the inspector may not review this call, the review is no draft, or an item is not on its card.
        StaleReview: another window saved since `changes.revision`, and not just the same.
    """
    review = open_review(session, call, inspector, opening, lock=True)
    if changes.revision != review.revision:
        if _holds(review, changes):  # the answer to an earlier sending got lost
            return review
        raise StaleReview(review)
    if review.state is not ReviewState.DRAFT:
        raise Refused(N_("This review is submitted. Take it back to change it."))
    card = card_of(review.scorecard)
    known = set(item_ids(card))
    for change in changes.marks:
        if change.item not in known:
            raise Refused(N_("The scorecard has no item %(item)s."), item=change.item)

    began = review.id is None
    review.seconds_spent += min(changes.seconds, MAX_BEAT)
    if began or changes.reason is not None:
        given = Entry({}, changes.reason or ReviewReason.RANDOM)
        review.reason = as_drawn(session, call, given).reason
    if changes.comment is not None:
        review.comment = changes.comment.strip() or None
    machine = machine_answers(review)
    answered = [noted for change in changes.marks if (noted := _apply(review, card, change, machine)) is not None]
    if began or changes.marks or changes.reason is not None or changes.comment is not None:
        review.revision += 1
        review.saved_at = now()
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:  # two windows began it in the same moment
        raise Refused(N_("This review was begun in another window just now. Reload the page.")) from None
    if began or answered:
        audit.record(
            session,
            "review.saved",
            user_id=inspector.id,
            subject=("review", review.id),
            address=address,
            revision=review.revision,
            marks=answered,
        )
    return review


def submit_draft(session: Session, review: Review, *, revision: int, address: str | None = None) -> Review:
    """Score a draft as it is stored and keep it for release.

    An answer that differs from the machine's needs its reason, unless the machine's answers were hidden.

    Raises:
        Refused: it is submitted already, its calibration's results are open, or nothing in it can be scored.
        StaleReview: it was changed since `revision`.
        IncompleteReview: answers are missing or impossible, or reasons are missing.
    """
    refusal = conflict(review.inspector, review.call)
    if refusal is None and review.calibration_id is not None:
        calibration = session.get_one(CalibrationSession, review.calibration_id)
        refusal = may_take_part(session, review.inspector, review.call, calibration)
    if refusal is not None:
        raise refusal
    if review.revision != revision:
        raise StaleReview(review)
    if review.state is not ReviewState.DRAFT:
        raise Refused(N_("This review is submitted already."))
    card = card_of(review.scorecard)
    entry = entry_of(review)
    answers = {item: given for item, given in entry.answers.items() if _is_more_than_a_remark(card, item, given)}
    decided = with_cleared_fatals(card, review.call, answers, unseen=hides_machine(review))
    problems = {**_unexplained(review), **problems_of(card, entry, decided)}
    if problems:
        order = [*item_ids(card), "reason", "comment"]
        raise IncompleteReview(dict(sorted(problems.items(), key=lambda one: order.index(one[0]))))
    return finish(session, review, card, entry, decided, address=address)


def take_back(session: Session, review: Review, by: User, *, address: str | None = None) -> Review:
    """Make a submitted review a draft again, for its inspector to change it.

    Raises:
        Refused: it is released, a calibration's, no longer to be judged by them, or somebody else's.
    """
    refusal = conflict(by, review.call)
    if refusal is not None:
        raise refusal
    if review.inspector_id != by.id:
        raise Refused(N_("Only its inspector changes a review."))
    if review.state is not ReviewState.SUBMITTED:
        raise Refused(N_("This review is released and cannot be changed."))
    if review.calibration_id is not None:
        raise Refused(N_("A review of a calibration stays as it was submitted: the automatic marks have been shown."))
    review.state = ReviewState.DRAFT
    review.release_at = None
    review.revision += 1
    session.flush()
    audit.record(
        session,
        "review.taken_back",
        user_id=by.id,
        subject=("review", review.id),
        address=address,
        final=review.final,
        blind=review.blind,
    )
    return review


def hides_machine(review: Review) -> bool:
    """Whether the machine's marks are still hidden from the inspector of a review."""
    return review.blind and review.submitted_at is None


def machine_answers(review: Review) -> dict[str, GivenAnswer]:
    """Return what the machine decided and the inspector sees, by item; suspected fatal items count as not met."""
    score = review.call.auto_score
    if score is None or hides_machine(review):
        return {}
    items = {item.id: item for _, item in card_of(review.scorecard).items()}
    same_card = review.scorecard_version_id == score.scorecard_version_id
    decided = {
        mark.item: machine_answer(mark, items.get(mark.item) if same_card else None)
        for mark in score.marks
        if mark.answer != Answer.CANNOT_TELL
    }
    return {**decided, **{item: GivenAnswer(Answer.NOT_MET) for item in suspected_fatals(review.call)}}


def machine_answer(mark: AutoMark, item: Item | None = None) -> GivenAnswer:
    """Return the machine's mark as a person would have given it.

    Args:
        item: that it is about, on the machine's own card: then a choice has its option as value.
    """
    names = tuple(name for name, _points in mark.deductions)
    option = option_of(item, mark.points, mark.possible) if item is not None else None
    return GivenAnswer(Answer.NOT_MET if names else Answer(mark.answer), names, value=option)


def differs(item: Item | None, given: GivenAnswer, machine: GivenAnswer) -> bool:
    """Whether a person's answer, which has no problem, is another one than the machine's.

    Args:
        item: None for a fatal or bonus item.
    """
    if item is not None and given.value is not None:
        if machine.value is not None:
            return given.value != machine.value
        return answer_given(item, given) is not machine.answer
    return given.answer is not machine.answer or sorted(given.deductions) != sorted(machine.deductions)


def standing(review: Review) -> Standing:
    """Return the scores of what is answered so far; what is not answered, or cannot stand, is left open."""
    card = card_of(review.scorecard)
    answers = entry_of(review).answers
    sound = dict(sound_answers(card, answers))
    score = score_answers(card, sound)
    asked = asked_items(card, answers)
    hidden = hides_machine(review)
    auto = review.call.auto_score
    cleared = with_cleared_fatals(card, review.call, answers, unseen=hidden)
    missing = [
        item.id
        for _, item in card.items()
        if item.id in asked and item.id not in sound and item_problem(card, item, answers.get(item.id))
    ]
    raw = score.raw if score.raw is not None else _so_far(card, score)
    return Standing(
        auto=auto.raw if auto is not None and not hidden else None,
        raw=raw,
        final=after_fatals(raw, score.fatals),
        complete=score.complete,
        answered=score.answered_weight,
        points=_points(card, score, as_printed=bool(missing)),
        missing=[*missing, *(fatal.id for fatal in card.fatal if not _decided(cleared.get(fatal.id)))],
        unasked=[item.id for _, item in card.items() if item.id not in asked],
        overridden=[mark.item for mark in _overridden(review)],
        unexplained=list(_unexplained(review)),
        fatal=[finding.item for finding in score.fatals if finding.confirmed],
    )


def _so_far(card: Scorecard, score: CallScore) -> float | None:
    """Return the score of a review in hand: what the answered items earn of what they could earn."""
    earned = [section.points for section in score.sections if section.points is not None]
    if not earned:
        return None
    return round(min(100.0, max(card.floors.total, sum(earned)) + score.bonus), 4)


def _points(card: Scorecard, score: CallScore, *, as_printed: bool) -> dict[str, tuple[float, float]]:
    """Return what each answered item earns of what it can.

    While items are open (`as_printed`) by the weights that are printed on the card; in the end by those that count,
    which take over what does not apply.
    """
    weights = {item.id: item.weight for _, item in card.items()}
    found = {}
    for mark in score.marks:
        if mark.points is None:
            continue
        weight = weights.get(mark.item)
        if as_printed and weight is not None and mark.possible:
            found[mark.item] = (round(weight * mark.points / mark.possible, 4), weight)
        else:
            found[mark.item] = (mark.points, mark.possible)
    return found


def _decided(given: GivenAnswer | None) -> bool:
    return given is not None and given.answer is not Answer.CANNOT_TELL


def _extra(card: Scorecard) -> list[str]:
    """Return the ids of what may stay without an answer: fatal and bonus items."""
    return [*(fatal.id for fatal in card.fatal), *(bonus.id for bonus in card.bonus)]


def _is_more_than_a_remark(card: Scorecard, item: str, given: GivenAnswer) -> bool:
    """Whether an entry answers its item: of a fatal or bonus item a remark without an answer is nothing yet."""
    return item not in _extra(card) or given.answer is not Answer.CANNOT_TELL


def _overridden(review: Review) -> Iterator[ReviewMark]:
    machine = machine_answers(review)
    card = card_of(review.scorecard)
    items = {item.id: item for _, item in card.items()}
    sound = dict(sound_answers(card, entry_of(review).answers))
    for mark in review.marks:
        known, given = machine.get(mark.item), sound.get(mark.item)
        if known is not None and given is not None and differs(items.get(mark.item), given, known):
            yield mark


def _unexplained(review: Review) -> dict[str, Refused]:
    return {
        mark.item: Refused(N_("Say why you decide otherwise than the automatic check."))
        for mark in _overridden(review)
        if not mark.override_reason
    }


def _apply(
    review: Review, card: Scorecard, change: MarkChange, machine: Mapping[str, GivenAnswer]
) -> dict[str, Any] | None:
    """Bring one change into the draft; return what the audit trail keeps of it: nothing for words alone."""
    mark = next((one for one in review.marks if one.item == change.item), None)
    before = (mark.answer, list(mark.deductions), mark.value) if mark else (None, [], None)
    comment, reason = (_trimmed(text) for text in (change.comment, change.override_reason))
    answer, deductions, value = change.answer, list(change.deductions), change.value
    if answer is None and (deductions or value is not None):
        answer = Answer.NOT_MET if deductions else _by_value(card, change)
    words = next((item.type == "text" for _, item in card.items() if item.id == change.item), False)
    after = (answer and answer.value, deductions, value)
    if answer is None and value is None and not (comment or reason or change.moment is not None):
        if mark is not None:
            review.marks.remove(mark)
        return _noted(change.item, before, after, explained=False, words=words)
    if mark is None:
        mark = ReviewMark(item=change.item)
        review.marks.append(mark)
    known = machine.get(change.item)
    # Undecided: the draft keeps the remark, submitting asks for an answer.
    mark.answer = (answer or Answer.CANNOT_TELL).value
    mark.deductions = deductions
    mark.points = None
    mark.comment, mark.override_reason, mark.at_seconds = comment, reason, change.moment
    mark.value, mark.causes = value, list(change.causes)
    mark.auto_answer = known.answer.value if known is not None and answer is not None else None
    return _noted(change.item, before, after, explained=reason is not None, words=words)


def _by_value(card: Scorecard, change: MarkChange) -> Answer | None:
    """Return the answer that a value stands for; None while it is no answer to its item."""
    for _, item in card.items():
        given = GivenAnswer(Answer.MET, value=change.value)
        if item.id == change.item and item_problem(card, item, given) is None:
            return answer_given(item, given)
    return None


def _noted(
    item: str,
    before: tuple[str | None, list[Any], Any],
    after: tuple[str | None, list[Any], Any],
    *,
    explained: bool,
    words: bool,
) -> dict[str, Any] | None:
    """Return what changed in an answer; of a text (`words`) only that it did."""
    if before == after:
        return None
    noted: dict[str, Any] = {"item": item, "before": before[0], "after": after[0]}
    if before[1] or after[1]:
        noted |= {"deductions_before": before[1], "deductions_after": after[1]}
    if before[2] != after[2] and not words:
        noted |= {"value_before": before[2], "value_after": after[2]}
    return noted | ({"reason_given": True} if explained else {})


def _holds(review: Review, changes: Changes) -> bool:
    """Whether the draft already says what `changes` would make it say."""
    marks = {mark.item: mark for mark in review.marks}
    if changes.comment is not None and review.comment != _trimmed(changes.comment):
        return False
    return bool(changes.marks or changes.comment is not None) and all(
        _says(marks.get(change.item), change) for change in changes.marks
    )


def _says(mark: ReviewMark | None, change: MarkChange) -> bool:
    words = (_trimmed(change.comment), _trimmed(change.override_reason), change.moment)
    answer = change.answer or (Answer.NOT_MET if change.deductions else None)
    if mark is None:
        return answer is None and change.value is None and words == (None, None, None)
    stored = None if answer is None and (mark.answer == Answer.CANNOT_TELL or change.value is not None) else mark.answer
    said = (mark.comment, mark.override_reason, mark.at_seconds)
    rest = (tuple(mark.deductions), mark.value, tuple(mark.causes or ()))
    return stored == answer and rest == (change.deductions, change.value, change.causes) and said == words


def _trimmed(text: str | None) -> str | None:
    return (text or "").strip() or None
