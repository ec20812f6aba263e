"""Complaints: only what is upheld and the agent's own responsibility touches a score."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import AuditEvent, Complaint, ComplaintOutcome, Responsibility, Role, User
from qa.complaints import (
    Decision,
    complaint_counts,
    counted_complaints,
    decide_complaint,
    import_complaints,
    visible_complaints,
)
from qa.csv_import import ImportReport
from qa.periods import Period
from qa.refusals import Refused
from tests.factories import make_agent, make_call, make_team, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOVEMBER = Period.parse("2026-11")
UPHELD_AGENT = Decision(ComplaintOutcome.UPHELD, Responsibility.AGENT)


@pytest.fixture
def lead(session: Session) -> User:
    return make_user(session, Role.LEAD)


def taken_in(session: Session, lead: User, *lines: dict[str, str]) -> ImportReport:
    out = io.StringIO()
    columns = list(dict.fromkeys(name for line in lines for name in {"external_id": "", "received_at": "", **line}))
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    for number, line in enumerate(lines):
        writer.writerow({"external_id": f"K-{number}", "received_at": "2026-11-18 09:30", **line})
    return import_complaints(session, out.getvalue().encode(), by=lead, zone=SHANGHAI)


def complaint(session: Session) -> Complaint:
    (found,) = session.scalars(select(Complaint))
    return found


@pytest.mark.parametrize("outcome", list(ComplaintOutcome))
@pytest.mark.parametrize("who", [None, *Responsibility])
def test_only_upheld_and_agent_responsible_counts(
    session: Session, lead: User, outcome: ComplaintOutcome, who: Responsibility | None
) -> None:
    agent = make_agent(session, "0728")
    line = {"agent": "0728", "outcome": outcome.value, "responsibility": who.value if who else ""}

    report = taken_in(session, lead, line)

    possible = who is None if outcome is ComplaintOutcome.OPEN else who or outcome is not ComplaintOutcome.UPHELD
    assert report.stored == (1 if possible else 0)
    counted = counted_complaints(session, NOVEMBER, zone=SHANGHAI)
    expected = {agent.id} if (outcome, who) == (ComplaintOutcome.UPHELD, Responsibility.AGENT) else set()
    assert counted.keys() == expected


def test_a_decision_comes_later_than_the_complaint(session: Session, lead: User) -> None:
    agent = make_agent(session, "0728")
    line = {"agent": "0728", "category": "态度"}

    taken_in(session, lead, line)
    assert complaint(session).outcome is ComplaintOutcome.OPEN
    decided = taken_in(session, lead, {**line, "outcome": "成立", "responsibility": "坐席", "cause": "语气生硬"})
    again = taken_in(session, lead, {**line, "outcome": "upheld", "responsibility": "agent", "cause": "语气生硬"})
    stale = taken_in(session, lead, line)

    assert (decided.stored, again.unchanged, stale.unchanged) == (1, 1, 1)
    (one,) = counted_complaints(session, NOVEMBER, zone=SHANGHAI)[agent.id]
    assert (one.external_id, one.category) == ("K-0", "态度")
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "complaint.decided")).one()
    assert event.details == {"before": ["open", None], "outcome": "upheld", "responsibility": "agent"}


def test_a_persons_decision_is_not_overwritten_by_a_file(session: Session, lead: User) -> None:
    make_agent(session, "0728")
    taken_in(session, lead, {"agent": "0728"})
    decide_complaint(session, complaint(session), UPHELD_AGENT, by=lead)

    other = taken_in(session, make_user(session, Role.LEAD), {"agent": "0728", "outcome": "not_upheld"})

    assert "decided here by a person" in str(other.problems[0].refusal)
    assert complaint(session).counts


def test_a_decision_can_be_taken_back(session: Session, lead: User) -> None:
    make_agent(session, "0728")
    taken_in(session, lead, {"agent": "0728"})
    decide_complaint(session, complaint(session), UPHELD_AGENT, by=lead)

    decide_complaint(session, complaint(session), Decision(ComplaintOutcome.OPEN, None), by=lead)

    assert counted_complaints(session, NOVEMBER, zone=SHANGHAI) == {}
    assert complaint(session).decided_at is None


def test_nobody_is_blamed_who_is_not_known(session: Session, lead: User) -> None:
    taken_in(session, lead, {})

    with pytest.raises(Refused, match="Nobody is known"):
        decide_complaint(session, complaint(session), UPHELD_AGENT, by=lead)
    with pytest.raises(Refused, match="whose responsibility"):
        decide_complaint(session, complaint(session), Decision(ComplaintOutcome.UPHELD, None), by=lead)


@pytest.mark.parametrize("role", [Role.INSPECTOR, Role.SUPERVISOR, Role.AGENT, Role.ADMIN])
def test_only_a_lead_decides(session: Session, lead: User, role: Role) -> None:
    taken_in(session, lead, {})

    with pytest.raises(Refused, match="Only a QA lead"):
        decide_complaint(
            session, complaint(session), Decision(ComplaintOutcome.WITHDRAWN, None), by=make_user(session, role)
        )


def test_the_database_refuses_an_upheld_complaint_of_nobodys(session: Session) -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    session.add(
        Complaint(
            external_id="K", received_at=moment, happened_at=moment, outcome=ComplaintOutcome.UPHELD, decided_at=moment
        )
    )

    with pytest.raises(IntegrityError, match="upheld_has_responsibility"):
        session.flush()


def test_a_complaint_belongs_to_the_period_of_its_call(session: Session, lead: User) -> None:
    agent = make_agent(session, "0728")
    make_call(session, agent=agent, external_id="C-1", started_at=datetime(2026, 10, 20, tzinfo=UTC))

    taken_in(session, lead, {"call": "C-1", "outcome": "upheld", "responsibility": "agent"})

    assert counted_complaints(session, NOVEMBER, zone=SHANGHAI) == {}
    assert counted_complaints(session, NOVEMBER.previous(), zone=SHANGHAI).keys() == {agent.id}
    upheld = (ComplaintOutcome.UPHELD, Responsibility.AGENT)
    assert complaint_counts(session, NOVEMBER.previous(), zone=SHANGHAI) == {upheld: 1}


def test_without_a_call_the_day_it_is_about_decides(session: Session, lead: User) -> None:
    make_agent(session, "0728")
    line = {"agent": "0728", "happened_at": "2026-10-30 12:00", "outcome": "upheld", "responsibility": "agent"}

    taken_in(session, lead, line)

    assert len(counted_complaints(session, NOVEMBER.previous(), zone=SHANGHAI)) == 1


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"outcome": "lost"}, "outcome"),
        ({"outcome": "upheld"}, "responsibility"),
        ({"responsibility": "agent"}, "outcome"),
        ({"outcome": "upheld", "responsibility": "the moon"}, "responsibility"),
        ({"received_at": "noon"}, "received_at"),
        ({"agent": "9999"}, "agent"),
        ({"outcome": "upheld", "responsibility": "agent"}, "agent"),
    ],
)
def test_a_bad_line_is_named_and_leaves_nothing(session: Session, lead: User, line: dict[str, str], field: str) -> None:
    report = taken_in(session, lead, line)

    assert report.problems[0].refusal.field == field
    assert session.scalars(select(Complaint)).all() == []


def test_supervisors_read_their_teams_complaints(session: Session, lead: User) -> None:
    team = make_team(session)
    make_agent(session, "0728", team=team)
    taken_in(session, lead, {"agent": "0728"}, {})

    assert len(session.scalars(visible_complaints(make_user(session, Role.SUPERVISOR, team=team))).all()) == 1
    assert len(session.scalars(visible_complaints(lead)).all()) == 2
    assert session.scalars(visible_complaints(make_user(session, Role.AGENT))).all() == []
