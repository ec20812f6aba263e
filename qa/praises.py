"""Customers' praise: taken in from letters and messages, counted for agents' scores, struck out where it is none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models import Agent, Praise, Role, User
from models.base import now
from qa import audit
from qa.csv_import import ImportReport, Outcome, Row, import_rows, read_rows
from qa.origins import link_again, moment_in, name_in, origin_of, refuse_unknown_columns
from qa.periods import Period
from qa.refusals import N_, Refused

COLUMNS = ("external_id", "received_at", "happened_at", "channel", "summary", "call", "agent")
REQUIRED = ("external_id", "received_at")
MAX_REASON = 2_000  # characters


def import_praises(
    session: Session, content: bytes, *, by: User, zone: ZoneInfo, address: str | None = None
) -> ImportReport:
    """Take in the praise of a CSV file; the caller owns the transaction.

    A praise is known by its `external_id`: the same line again changes nothing, a different one is refused.

    Raises:
        Refused: the file as a whole cannot be read, or `by` may not import.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only a QA lead takes in praise."))
    return store_praises(session, read_rows(content, required=REQUIRED), by=by, zone=zone, address=address)


def store_praises(
    session: Session, rows: Collection[Row], *, by: User, zone: ZoneInfo, address: str | None = None
) -> ImportReport:
    """Take in praise line by line."""
    report = import_rows(
        session, list(rows), lambda row: _store(session, row, zone), action="praises.imported", by=by, address=address
    )
    link_again(session)
    return report


def counted_praises(session: Session, period: Period, *, zone: ZoneInfo) -> dict[int, tuple[int, ...]]:
    """Return the ids of the praises of `period` that count, by agent id.

    A praise belongs to the period of its call when that is known, else to that of what it is about.
    """
    start, end = period.bounds(zone)
    counted = (
        select(Praise.agent_id, Praise.id)
        .where(
            Praise.struck_at.is_(None),
            Praise.agent_id.is_not(None),
            Praise.happened_at >= start,
            Praise.happened_at < end,
        )
        .order_by(Praise.id)
    )
    found: defaultdict[int, tuple[int, ...]] = defaultdict(tuple)
    for agent_id, praise_id in session.execute(counted).tuples():
        assert agent_id is not None  # Asked for above.
        found[agent_id] += (praise_id,)
    return dict(found)


def strike(session: Session, praise: Praise, reason: str, *, by: User, address: str | None = None) -> None:
    """Let a praise count no longer; the caller owns the transaction.

    Raises:
        Refused: `by` is no QA lead, there is no reason, or it is struck out already.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only a QA lead strikes out praise."))
    if praise.struck_at is not None:
        raise Refused(N_("This praise is struck out already."))
    said = reason.strip()
    if not said:
        raise Refused(N_("Say why it does not count."), field="reason")
    if len(said) > MAX_REASON:
        raise Refused(N_("At most %(limit)s characters."), field="reason", limit=MAX_REASON)
    praise.struck_at, praise.struck_by_id, praise.struck_reason = now(), by.id, said
    session.flush()
    audit.record(session, "praise.struck", user_id=by.id, subject=("praise", praise.id), address=address)


def visible_praises(user: User) -> Select[Praise]:
    """Return the query of all praise that `user` may read: inspectors and leads all, supervisors their team's."""
    praises = select(Praise)
    if user.role in (Role.INSPECTOR, Role.LEAD):
        return praises
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return praises.where(Praise.agent_id.in_(select(Agent.id).where(Agent.team_id == user.team_id)))
    return praises.where(Praise.id.is_(None))


def _store(session: Session, row: Row, zone: ZoneInfo) -> Outcome:
    refuse_unknown_columns(row, frozenset(COLUMNS))
    name_in(row, "external_id")
    external_id = row.required("external_id")
    origin = origin_of(session, row)
    received = moment_in(row, "received_at", zone)
    given = {
        "received_at": received,
        "channel": name_in(row, "channel"),
        "summary": row.text("summary"),
        "call_reference": origin.reference,
    }
    present = session.scalar(select(Praise).where(Praise.external_id == external_id))
    if present is not None:
        other_agent = origin.agent is not None and present.agent_id not in (None, origin.agent.id)
        if other_agent or any(getattr(present, name) != value for name, value in given.items()):
            raise Refused(N_("A praise with this number is stored with other content."), field="external_id")
        return Outcome.UNCHANGED
    happened = moment_in(row, "happened_at", zone) if row.text("happened_at") else received
    session.add(
        Praise(
            external_id=external_id,
            happened_at=origin.call.started_at if origin.call else happened,
            call=origin.call,
            agent=origin.agent,
            **given,
        )
    )
    session.flush()
    return Outcome.STORED
