"""Reviews of what is written: chats, messages, e-mails, tickets, back-office work.

The written record stays in its own system; a review names it by its number there. Every point that is not full needs
the words that it rests on, so that agent and lead read the same evidence. Only reviews of randomly drawn records that
were released count; their monthly mean is the non-voice score (source NV), apart from the calls' scores.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, false, func, select, true
from sqlalchemy.orm import Session

from models import Agent, NonVoiceChannel, NonVoiceReview, ReviewReason, Role, User
from models.base import now
from qa import audit
from qa.csv_import import ImportReport, Outcome, Row, import_rows, read_rows
from qa.origins import MAX_NAME, choice_in, moment_in, origin_of, refuse_unknown_columns
from qa.periods import Period
from qa.refusals import N_, Refused
from qa.review_import import REASONS as REASON_WORDS
from scoring.check_sheet import CheckSheet, SheetError, load_check_sheet, score_sheet
from scoring.shipped import shipped
from scoring.uncertainty import Tally

REVIEWERS = frozenset({Role.INSPECTOR, Role.LEAD})
MAX_REMARK = 2_000  # characters
CHANNEL_WORDS = {
    **{channel.value: channel.value for channel in NonVoiceChannel},
    "在线": "chat",
    "短信": "sms",
    "邮件": "email",
    "工单": "ticket",
    "后台": "back_office",
}
HEAD = ("channel", "reference", "handled_at", "agent", "reason", "comment")


@dataclass(frozen=True, slots=True)
class WrittenRecord:
    """What is reviewed: whose work it is and where it can be read again."""

    channel: NonVoiceChannel
    reference: str
    handled_at: datetime
    agent: Agent


@dataclass(frozen=True, slots=True)
class NonVoiceEntry:
    """A person's answers by item, and the written words that the lost points rest on."""

    answers: Mapping[str, str]
    reason: ReviewReason
    remarks: Mapping[str, str] = field(default_factory=dict)
    comment: str | None = None


@cache
def nonvoice_sheet() -> CheckSheet:
    """Return the shipped check sheet for written work."""
    return load_check_sheet(shipped("non-voice"))


def enter_nonvoice_review(
    session: Session,
    record: WrittenRecord,
    entry: NonVoiceEntry,
    *,
    inspector: User,
    sheet: CheckSheet | None = None,
    address: str | None = None,
) -> NonVoiceReview:
    """Score a written record and keep the review for release; the caller owns the transaction.

    Raises:
        Refused: the inspector is not independent of the agent or has reviewed the record, or an answer or the words
            that a lost point rests on are missing; `field` names the item.
    """
    sheet = sheet or nonvoice_sheet()
    _refuse_dependence(inspector, record.agent)
    reference = record.reference.strip()
    if not reference or len(reference) > MAX_NAME:
        raise Refused(N_("Give the record's number in its own system, so that it can be found."), field="reference")
    once = select(NonVoiceReview.id).where(
        NonVoiceReview.channel == record.channel,
        NonVoiceReview.reference == reference,
        NonVoiceReview.inspector_id == inspector.id,
    )
    if session.scalar(once) is not None:
        raise Refused(N_("You have reviewed this record already."), field="reference")
    score = _score(sheet, entry)
    review = NonVoiceReview(
        channel=record.channel,
        reference=reference,
        handled_at=record.handled_at,
        agent=record.agent,
        inspector=inspector,
        reason=entry.reason,
        sheet=sheet.key,
        answers=dict(entry.answers),
        remarks={item: text for item, text in entry.remarks.items() if text},
        score=score,
        comment=(entry.comment or "").strip() or None,
    )
    session.add(review)
    session.flush()
    audit.record(
        session,
        "nonvoice_review.entered",
        user_id=inspector.id,
        subject=("nonvoice_review", review.id),
        address=address,
        score=score,
        reason=entry.reason.value,
    )
    return review


def release_nonvoice_review(
    session: Session, review: NonVoiceReview, *, by: User, address: str | None = None
) -> NonVoiceReview:
    """Show a review to its agent; from now on it counts.

    Raises:
        Refused: it is released already, or `by` is neither its inspector nor a lead, or not independent of the agent.
    """
    _refuse_dependence(by, review.agent)
    if by.role is not Role.LEAD and by.id != review.inspector_id:
        raise Refused(N_("Only its inspector or a lead releases a review."))
    if review.released_at is not None:
        raise Refused(N_("This review is released already."))
    review.released_at = now()
    session.flush()
    audit.record(
        session,
        "nonvoice_review.released",
        user_id=by.id,
        subject=("nonvoice_review", review.id),
        address=address,
        score=review.score,
    )
    return review


def import_nonvoice_reviews(
    session: Session, content: bytes, *, by: User, zone: ZoneInfo, release: bool = False, address: str | None = None
) -> ImportReport:
    """Enter the reviews of a CSV file in the name of `by`; the caller owns the transaction.

    A line is known by channel, reference and inspector: the same line again changes nothing, a different one is
    refused. Columns: `channel`, `reference`, `handled_at`, `agent`, `reason`, optional `comment`; one for each item
    of the sheet, and `ID.remark` with the written words.

    Raises:
        Refused: the file as a whole cannot be read.
    """
    sheet = nonvoice_sheet()
    items = [item.id for item in sheet.items]
    rows = read_rows(content, required=(*HEAD[:-1], *items))

    def store(row: Row) -> Outcome:
        return _store(session, row, sheet, by, zone, release=release, address=address)

    return import_rows(session, rows, store, action="nonvoice_reviews.imported", by=by, address=address)


def nonvoice_tallies(
    session: Session, period: Period, *, zone: ZoneInfo, agent_ids: Collection[int] | None = None
) -> dict[int, Tally]:
    """Return the scores of the released reviews of randomly drawn records in `period`, by agent id.

    A record that several inspectors reviewed is one observation: their mean.
    """
    start, end = period.bounds(zone)
    conditions: list[ColumnElement[bool]] = [
        NonVoiceReview.released_at.is_not(None),
        NonVoiceReview.reason == ReviewReason.RANDOM,
        NonVoiceReview.handled_at >= start,
        NonVoiceReview.handled_at < end,
    ]
    if agent_ids is not None:
        conditions.append(NonVoiceReview.agent_id.in_(agent_ids))
    per_record = (
        select(NonVoiceReview.agent_id, func.avg(NonVoiceReview.score).label("score"))
        .where(*conditions)
        .group_by(NonVoiceReview.agent_id, NonVoiceReview.channel, NonVoiceReview.reference)
        .subquery()
    )
    score = per_record.c.score
    summed = select(per_record.c.agent_id, func.count(), func.sum(score), func.sum(score * score)).group_by(
        per_record.c.agent_id
    )
    return {agent: Tally(n, float(total), float(squares)) for agent, n, total, squares in session.execute(summed)}


def visible_nonvoice_reviews(user: User) -> Select[NonVoiceReview]:
    """Return the query of all reviews that `user` may read: as for reviews of calls."""
    return select(NonVoiceReview).where(_visible(user))


def _visible(user: User) -> ColumnElement[bool]:
    if user.role is Role.LEAD:
        return true()
    if user.role is Role.INSPECTOR:
        return NonVoiceReview.inspector_id == user.id
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return NonVoiceReview.agent_id.in_(select(Agent.id).where(Agent.team_id == user.team_id))
    if user.role is Role.AGENT and user.agent_id is not None:
        return (NonVoiceReview.agent_id == user.agent_id) & NonVoiceReview.released_at.is_not(None)
    return false()


def _refuse_dependence(user: User, agent: Agent) -> None:
    if user.role not in REVIEWERS:
        raise Refused(N_("Only inspectors and leads review written work."))
    if user.agent_id is not None and user.agent_id == agent.id:
        raise Refused(N_("This is your own work: nobody reviews it themselves."), field="agent")
    own_teams = {user.team_id, user.agent.team_id if user.agent else None} - {None}
    if agent.team_id in own_teams:
        raise Refused(
            N_("%(agent)s is of your own team: nobody reviews the own team."), field="agent", agent=agent.number
        )


def _score(sheet: CheckSheet, entry: NonVoiceEntry) -> float:
    for text in (*entry.remarks.values(), entry.comment):
        if text and len(text) > MAX_REMARK:
            raise Refused(N_("At most %(limit)s characters."), limit=MAX_REMARK)
    open_items = [item.id for item in sheet.items if not str(entry.answers.get(item.id) or "").strip()]
    if open_items:
        raise Refused(N_("These items have no answer: %(items)s."), field=open_items[0], items=", ".join(open_items))
    try:
        scored = score_sheet(sheet, entry.answers)
    except SheetError as error:
        item, _, problem = str(error).partition(": ")
        raise Refused(
            N_("The answer to %(item)s does not fit: %(problem)s."), field=item, item=item, problem=problem
        ) from error
    for item, points in scored.items.items():
        if points is not None and points < 100 and not (entry.remarks.get(item) or "").strip():
            raise Refused(N_("%(item)s loses points: quote the written words that it rests on."), field=item, item=item)
    if scored.total is None:
        raise Refused(N_('Every item is answered "not applicable": there is nothing to score.'))
    return scored.total


def _store(
    session: Session, row: Row, sheet: CheckSheet, by: User, zone: ZoneInfo, *, release: bool, address: str | None
) -> Outcome:
    items = [item.id for item in sheet.items]
    refuse_unknown_columns(row, frozenset({*HEAD, *items, *(f"{item}.remark" for item in items)}))
    row.required("agent")
    origin = origin_of(session, row)
    assert origin.agent is not None
    channel = NonVoiceChannel(choice_in(row, "channel", CHANNEL_WORDS))
    reason = ReviewReason(choice_in(row, "reason", {word: str(reason) for word, reason in REASON_WORDS.items()}))
    record = WrittenRecord(channel, row.required("reference"), moment_in(row, "handled_at", zone), origin.agent)
    answers = {item: text for item in items if (text := row.text(item))}
    remarks = {item: text for item in items if (text := row.text(f"{item}.remark"))}
    present = session.scalar(
        select(NonVoiceReview).where(
            NonVoiceReview.channel == channel,
            NonVoiceReview.reference == record.reference,
            NonVoiceReview.inspector_id == by.id,
        )
    )
    if present is not None:
        same = (present.agent_id, present.handled_at, present.reason, present.comment) == (
            record.agent.id,
            record.handled_at,
            reason,
            row.text("comment"),
        )
        if not same or present.answers != answers or present.remarks != remarks:
            raise Refused(N_("Your review of this record is stored with other content."), field="reference")
        return Outcome.UNCHANGED
    entry = NonVoiceEntry(answers, reason, remarks, row.text("comment"))
    review = enter_nonvoice_review(session, record, entry, inspector=by, sheet=sheet, address=address)
    if release:
        release_nonvoice_review(session, review, by=by, address=address)
    return Outcome.STORED
