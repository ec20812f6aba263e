"""Complaints: taken in from the complaint system, decided, and counted.

Only what is upheld and the agent's own responsibility touches an agent's score. Everything else is kept, because it
says where the process or the product fails.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import Agent, Complaint, ComplaintOutcome, Responsibility, Role, User
from models.base import now
from qa import audit
from qa.csv_import import ImportReport, Outcome, Row, import_rows, read_rows
from qa.origins import (
    Origin,
    choice_in,
    link_again,
    moment_in,
    name_in,
    origin_of,
    refuse_unknown_columns,
)
from qa.periods import Period
from qa.refusals import N_, Refused

COLUMNS = (
    "external_id", "received_at", "happened_at", "channel", "category", "summary", "call", "agent", "outcome",
    "responsibility", "cause", "decided_at",
)  # fmt: skip
REQUIRED = ("external_id", "received_at")
OUTCOME_WORDS = {
    **{outcome.value: outcome.value for outcome in ComplaintOutcome},
    "处理中": "open",
    "成立": "upheld",
    "不成立": "not_upheld",
    "撤诉": "withdrawn",
}
RESPONSIBILITY_WORDS = {
    **{who.value: who.value for who in Responsibility},
    "坐席": "agent",
    "流程": "process",
    "产品": "product",
    "客户": "customer",
    "无责": "nobody",
}
MAX_CAUSE = 2_000  # characters
READERS = frozenset({Role.SUPERVISOR, Role.INSPECTOR, Role.LEAD})


@dataclass(frozen=True, slots=True)
class Decision:
    """How a complaint ended and whose fault it was."""

    outcome: ComplaintOutcome
    responsibility: Responsibility | None
    cause: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CountedComplaint:
    """A complaint that touches an agent's score; `decided_at` tells decisions that came after a period was locked."""

    id: int
    external_id: str
    happened_at: datetime
    category: str | None
    call_id: int | None
    decided_at: datetime | None


def import_complaints(
    session: Session, content: bytes, *, by: User, zone: ZoneInfo, address: str | None = None
) -> ImportReport:
    """Take in the complaints of a CSV file; the caller owns the transaction.

    A complaint is known by its `external_id`. The same line again changes nothing; one that brings a decision where
    there was none, or another decision of the other system's, is taken over and audited with what it was before.

    Raises:
        Refused: the file as a whole cannot be read, or `by` may not import.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only a QA lead takes in surveys and complaints."))
    rows = read_rows(content, required=REQUIRED)
    return store_complaints(session, rows, by=by, zone=zone, address=address)


def store_complaints(
    session: Session, rows: Collection[Row], *, by: User | None, zone: ZoneInfo, address: str | None = None
) -> ImportReport:
    """Take in complaints, from a file or from the complaint system itself (`by` is None then)."""

    def store(row: Row) -> Outcome:
        return _store(session, row, zone, by, address)

    report = import_rows(session, list(rows), store, action="complaints.imported", by=by, address=address)
    link_again(session)
    return report


def decide_complaint(
    session: Session, complaint: Complaint, decision: Decision, *, by: User, address: str | None = None
) -> None:
    """Settle a complaint, or settle it anew; the caller owns the transaction.

    Raises:
        Refused: `by` is no QA lead, or the decision is incomplete.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only a QA lead decides a complaint."))
    _decide(session, complaint, decision, by=by, address=address)


def counted_complaints(
    session: Session, period: Period, *, zone: ZoneInfo, agent_ids: Collection[int] | None = None
) -> dict[int, list[CountedComplaint]]:
    """Return the complaints of `period` that touch an agent's score, by agent id: upheld and the agent's own fault.

    A complaint belongs to the period of its call when that is known, else to that of what it is about.
    """
    start, end = period.bounds(zone)
    counted = select(Complaint).where(
        Complaint.outcome == ComplaintOutcome.UPHELD,
        Complaint.responsibility == Responsibility.AGENT,
        Complaint.agent_id.is_not(None),
        Complaint.happened_at >= start,
        Complaint.happened_at < end,
    )
    if agent_ids is not None:
        counted = counted.where(Complaint.agent_id.in_(agent_ids))
    found: defaultdict[int, list[CountedComplaint]] = defaultdict(list)
    for one in session.scalars(counted.order_by(Complaint.happened_at, Complaint.id)):
        assert one.agent_id is not None
        found[one.agent_id].append(
            CountedComplaint(one.id, one.external_id, one.happened_at, one.category, one.call_id, one.decided_at)
        )
    return dict(found)


def complaint_counts(
    session: Session, period: Period, *, zone: ZoneInfo
) -> dict[tuple[ComplaintOutcome, Responsibility | None], int]:
    """Return how many complaints of `period` ended how, in the whole centre."""
    start, end = period.bounds(zone)
    counts = (
        select(Complaint.outcome, Complaint.responsibility, func.count())
        .where(Complaint.happened_at >= start, Complaint.happened_at < end)
        .group_by(Complaint.outcome, Complaint.responsibility)
    )
    return {(outcome, who): n for outcome, who, n in session.execute(counts).tuples()}


def visible_complaints(user: User) -> Select[Complaint]:
    """Return the query of all complaints that `user` may read: inspectors and leads all, supervisors their team's."""
    complaints = select(Complaint)
    if user.role in (Role.INSPECTOR, Role.LEAD):
        return complaints
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return complaints.where(Complaint.agent_id.in_(select(Agent.id).where(Agent.team_id == user.team_id)))
    return complaints.where(Complaint.id.is_(None))


def _store(session: Session, row: Row, zone: ZoneInfo, by: User | None, address: str | None) -> Outcome:
    refuse_unknown_columns(row, frozenset(COLUMNS))
    name_in(row, "external_id")
    external_id = row.required("external_id")
    origin = origin_of(session, row)
    received = moment_in(row, "received_at", zone)
    decision = _decision_in(row, zone)
    given = {
        "received_at": received,
        "channel": name_in(row, "channel"),
        "category": name_in(row, "category"),
        "summary": row.text("summary"),
        "call_reference": origin.reference,
    }
    present = session.scalar(select(Complaint).where(Complaint.external_id == external_id))
    if present is not None:
        return _bring_up_to_date(session, present, origin, given, decision, by, address)
    happened = moment_in(row, "happened_at", zone) if row.text("happened_at") else received
    complaint = Complaint(
        external_id=external_id,
        happened_at=origin.call.started_at if origin.call else happened,
        call=origin.call,
        agent=origin.agent,
        outcome=ComplaintOutcome.OPEN,
        **given,
    )
    session.add(complaint)
    session.flush()
    if decision.outcome is not ComplaintOutcome.OPEN:
        _decide(session, complaint, decision, by=by, address=address)
    return Outcome.STORED


def _bring_up_to_date(
    session: Session,
    present: Complaint,
    origin: Origin,
    given: dict[str, Any],
    decision: Decision,
    by: User | None,
    address: str | None,
) -> Outcome:
    """A complaint's decision comes days after the complaint; everything else about it stays."""
    other_agent = origin.agent is not None and present.agent_id not in (None, origin.agent.id)
    if other_agent or any(getattr(present, name) != value for name, value in given.items()):
        raise Refused(N_("A complaint with this number is stored with other content."), field="external_id")
    newly_known = present.agent_id is None and origin.agent is not None
    if newly_known:
        present.agent = origin.agent
    same = (present.outcome, present.responsibility, present.cause) == (
        decision.outcome,
        decision.responsibility,
        decision.cause,
    )
    if same or decision.outcome is ComplaintOutcome.OPEN:
        return Outcome.STORED if newly_known else Outcome.UNCHANGED
    if present.decided_by_id is not None and (by is None or by.id != present.decided_by_id):
        raise Refused(
            N_("This complaint was decided here by a person: change the decision on its page."), field="outcome"
        )
    _decide(session, present, decision, by=by, address=address)
    return Outcome.STORED


def _decide(
    session: Session, complaint: Complaint, decision: Decision, *, by: User | None, address: str | None
) -> None:
    if decision.outcome is ComplaintOutcome.UPHELD and decision.responsibility is None:
        raise Refused(N_("Say whose responsibility an upheld complaint is."), field="responsibility")
    blames_agent = decision.responsibility is Responsibility.AGENT
    if decision.outcome is ComplaintOutcome.UPHELD and blames_agent and complaint.agent is None:
        raise Refused(N_("Nobody is known to be responsible: give the call or the agent first."), field="agent")
    if decision.cause and len(decision.cause) > MAX_CAUSE:
        raise Refused(N_("At most %(limit)s characters."), field="cause", limit=MAX_CAUSE)
    before = (complaint.outcome.value, complaint.responsibility.value if complaint.responsibility else None)
    is_open = decision.outcome is ComplaintOutcome.OPEN
    complaint.outcome = decision.outcome
    complaint.responsibility = decision.responsibility
    complaint.cause = decision.cause
    complaint.decided_at = None if is_open else decision.decided_at or now()
    complaint.decided_by_id = by.id if by and not is_open else None
    session.flush()
    audit.record(
        session,
        "complaint.decided",
        user_id=by.id if by else None,
        subject=("complaint", complaint.id),
        address=address,
        before=before,
        outcome=decision.outcome.value,
        responsibility=decision.responsibility.value if decision.responsibility else None,
    )


def _decision_in(row: Row, zone: ZoneInfo) -> Decision:
    outcome = ComplaintOutcome(choice_in(row, "outcome", OUTCOME_WORDS, "open"))
    who = choice_in(row, "responsibility", RESPONSIBILITY_WORDS) if row.text("responsibility") else None
    decided = moment_in(row, "decided_at", zone) if row.text("decided_at") else None
    if outcome is ComplaintOutcome.OPEN and (who or decided):
        raise Refused(N_("An open complaint has no responsibility yet: say how it ended."), field="outcome")
    return Decision(outcome, Responsibility(who) if who else None, row.text("cause"), decided)
