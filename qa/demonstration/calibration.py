"""Calibrations of the demonstration, one closed and one open, and last month's checks of its inspectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import (
    AutoScore,
    CalibrationSession,
    Call,
    CallState,
    Review,
    ReviewerCheck,
    ReviewMark,
    ReviewReason,
    ReviewState,
    User,
)
from models.base import now
from qa.calibration import NewCalibration, close_calibration, conclude_calibration, create_calibration
from qa.criteria import card_of
from qa.demonstration.judging import Truth, answers, toss
from qa.periods import Period, PeriodKind
from qa.refusals import Refused
from qa.reviewer_checks import OF_MONTH, OF_REVIEW, CheckEntry, draw_checks, items_of, submit_check
from qa.reviewer_facts import month_facts, review_facts
from qa.reviews import suspected_fatals, with_cleared_fatals
from scoring.call_score import score_answers

LOGINS = ("lead", "inspector", "inspector2")  # the lead is the expert
CLOSED_CALLS, OPEN_CALLS = 8, 3
MILD = 0.4  # how much of what was left out the first inspector lets pass
CONCLUSION = "语气看整通电话，不看某一句；平淡到客户追问才扣分。下月起按此口径评分。"


def store_calibrations(session: Session, truths: Sequence[Truth], moment: datetime) -> None:
    """Add a closed session on Chinese calls and an open one on English calls; one that lacks calls is left out."""
    if session.scalar(select(CalibrationSession.id).limit(1)) is not None:
        return
    people = [session.scalars(select(User).where(User.login == login)).one() for login in LOGINS]
    known = {truth.external_id: truth for truth in truths}
    closed = _calls(session, known, "zh", CLOSED_CALLS)
    if len(closed) == CLOSED_CALLS:
        made = _open(session, "“语气亲切”的口径", "同一通电话，语气一项的评分不一致。", closed, people)
        for call in closed:
            for user in people:
                _review(session, made, call, known[str(call.external_id)], user, moment - timedelta(days=4))
        made.created_at, made.due_at = moment - timedelta(days=6), moment - timedelta(days=3)
        close_calibration(session, made)
        made.closed_at = made.due_at
        conclude_calibration(session, made, CONCLUSION, by=people[0])
    opened = _calls(session, known, "en", OPEN_CALLS)
    if len(opened) == OPEN_CALLS:
        made = _open(session, "When is a call closed well?", "Recap and goodbye: what must be said?", opened, people)
        _review(session, made, opened[0], known[str(opened[0].external_id)], people[1], moment)


def store_checks(session: Session, moment: datetime, zone: ZoneInfo) -> None:
    """Draw the checks of the month before `moment`; the first one is done, the others wait for the lead."""
    month = Period.containing(moment, zone, PeriodKind.MONTH).previous()
    if session.scalar(select(ReviewerCheck.id).limit(1)) is not None:
        return
    lead = session.scalars(select(User).where(User.login == LOGINS[0])).one()
    with suppress(Refused):  # a demonstration cut small may have no review in that month
        made = draw_checks(session, month, by=lead, zone=zone, seed="demonstration").made
        if made:
            _judge(session, made[0], zone)


def _calls(session: Session, known: Mapping[str, Truth], language: str, count: int) -> list[Call]:
    wanted = (
        select(Call)
        .join(Call.auto_score)
        .where(
            Call.synthetic, Call.state == CallState.SCORED, Call.language.startswith(language), Call.audio_key.is_(None)
        )
        .options(joinedload(Call.auto_score).joinedload(AutoScore.scorecard))
        .order_by(Call.started_at.desc(), Call.id)
    )
    found = (call for call in session.scalars(wanted) if call.external_id in known)
    return [call for call, _ in zip(found, range(count), strict=False)]


def _open(
    session: Session, name: str, purpose: str, calls: Sequence[Call], people: Sequence[User]
) -> CalibrationSession:
    assert calls[0].auto_score is not None
    new = NewCalibration(
        name=name,
        scorecard_version_id=calls[0].auto_score.scorecard_version_id,
        call_ids=[call.id for call in calls],
        participant_ids=[user.id for user in people],
        expert_id=people[0].id,
        due_at=now() + timedelta(days=3),
        purpose=purpose,
    )
    return create_calibration(session, new, by=people[0])


def _review(
    session: Session, made: CalibrationSession, call: Call, truth: Truth, user: User, submitted: datetime
) -> None:
    random = Random(f"calibration {truth.external_id} {user.login}")  # noqa: S311 -- the same answers each time
    if user.login == LOGINS[1]:
        passed = frozenset(step for step in sorted(truth.missed) if random.random() < MILD)
        truth = replace(truth, missed=frozenset(truth.missed) - passed, taken=frozenset(truth.taken) | passed)
    card = card_of(made.scorecard)
    given = answers(card, truth, suspected_fatals(call), random) | toss(card, random)
    decided = with_cleared_fatals(card, call, given)
    score = score_answers(card, decided)
    scored = {mark.item: mark for mark in score.marks}
    session.add(
        Review(
            call=call,
            inspector=user,
            scorecard=made.scorecard,
            reason=ReviewReason.RANDOM,
            state=ReviewState.SUBMITTED,
            calibration_id=made.id,
            blind=True,
            raw=score.raw,
            final=score.final,
            bonus=score.bonus,
            fatal_confirmed=sum(finding.confirmed is True for finding in score.fatals),
            submitted_at=submitted.astimezone(UTC),
            marks=[
                ReviewMark(
                    item=item,
                    answer=(scored[item].answer if item in scored and one.deductions else one.answer).value,
                    points=scored[item].points if item in scored else None,
                    deductions=list(one.deductions),
                    comment=one.comment,
                )
                for item, one in decided.items()
            ],
        )
    )
    session.flush()


def _judge(session: Session, check: ReviewerCheck, zone: ZoneInfo) -> None:
    """Submit a check with what the records suggest; what only a person can tell is good."""
    facts = review_facts(session, check)
    month = month_facts(session, check, zone=zone).suggested
    entry = CheckEntry(
        month={item.id: month.get(item.id, "3") for item in items_of(OF_MONTH)},
        reviews={
            one.id: {
                item.id: facts[one.review_id].suggested.get(item.id, "yes" if item.answer == "yes_no" else "3")
                for item in items_of(OF_REVIEW)
            }
            for one in check.entries
        },
        comment="Write down what was said, not only what was missing.",
    )
    submit_check(session, check, entry, by=check.checker)
