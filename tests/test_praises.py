"""Praise: taken in once, counted for its agent and period, struck out with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEvent, Praise, Role, User
from qa.agent_scores import agent_scores
from qa.csv_import import ImportReport
from qa.periods import Period
from qa.praises import counted_praises, import_praises, strike, visible_praises
from qa.refusals import Refused
from tests.factories import make_agent, make_call, make_team, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOVEMBER = Period.parse("2026-11")
HEAD = "external_id,received_at,call,agent,summary\n"


@pytest.fixture
def lead(session: Session) -> User:
    return make_user(session, Role.LEAD)


def taken_in(session: Session, lead: User, *lines: str) -> ImportReport:
    return import_praises(session, (HEAD + "\n".join(lines)).encode(), by=lead, zone=SHANGHAI)


def test_praise_counts_for_its_agent_in_the_period_of_its_call(session: Session, lead: User) -> None:
    agent = make_agent(session, "0728")
    make_call(session, agent=agent, external_id="C-1", started_at=datetime(2026, 10, 31, 3, tzinfo=UTC))

    report = taken_in(session, lead, "P-1,2026-11-18 09:30,,0728,Kind", "P-2,2026-11-18 10:00,C-1,,Quick")

    assert report.stored == 2
    (november,) = counted_praises(session, NOVEMBER, zone=SHANGHAI)[agent.id]
    assert session.get_one(Praise, november).external_id == "P-1"
    assert list(counted_praises(session, Period.parse("2026-10"), zone=SHANGHAI)) == [agent.id]
    (row,) = agent_scores(session, NOVEMBER, zone=SHANGHAI, agent_ids=[agent.id])
    assert row.score.adjustments.bonus == 0.5


def test_the_same_line_changes_nothing_and_another_is_refused(session: Session, lead: User) -> None:
    make_agent(session, "0728")
    taken_in(session, lead, "P-1,2026-11-18 09:30,,0728,Kind")

    assert taken_in(session, lead, "P-1,2026-11-18 09:30,,0728,Kind").unchanged == 1
    (problem,) = taken_in(session, lead, "P-1,2026-11-18 09:30,,0728,Rude").problems
    assert "other content" in str(problem.refusal)
    (problem,) = taken_in(session, lead, "P-2,2026-11-18 09:30,,9999,Kind").problems
    assert "9999" in str(problem.refusal)


def test_praise_without_its_call_is_linked_when_the_call_comes_in(session: Session, lead: User) -> None:
    agent = make_agent(session, "0728")
    taken_in(session, lead, "P-1,2026-11-18 09:30,C-9,,Kind")
    assert counted_praises(session, NOVEMBER, zone=SHANGHAI) == {}

    make_call(session, agent=agent, external_id="C-9", started_at=datetime(2026, 11, 17, 3, tzinfo=UTC))
    taken_in(session, lead)

    assert list(counted_praises(session, NOVEMBER, zone=SHANGHAI)) == [agent.id]


def test_struck_out_it_counts_no_longer_and_the_reason_stays(session: Session, lead: User) -> None:
    make_agent(session, "0728")
    taken_in(session, lead, "P-1,2026-11-18 09:30,,0728,Kind")
    praise = session.scalars(select(Praise)).one()
    inspector = make_user(session, Role.INSPECTOR)

    with pytest.raises(Refused, match="Only a QA lead"):
        strike(session, praise, "sarcasm", by=inspector)
    with pytest.raises(Refused, match="Say why"):
        strike(session, praise, "  ", by=lead)
    strike(session, praise, "sarcasm", by=lead)

    assert counted_praises(session, NOVEMBER, zone=SHANGHAI) == {}
    assert praise.struck_reason == "sarcasm"
    assert session.scalars(select(AuditEvent).where(AuditEvent.action == "praise.struck")).one().user_id == lead.id
    with pytest.raises(Refused, match="already"):
        strike(session, praise, "again", by=lead)


def test_only_a_lead_takes_praise_in_and_supervisors_read_their_teams(session: Session, lead: User) -> None:
    team = make_team(session)
    make_agent(session, "0728", team=team)
    taken_in(session, lead, "P-1,2026-11-18 09:30,,0728,Kind")

    def sees(user: User) -> int:
        return len(session.scalars(visible_praises(user)).all())

    assert sees(make_user(session, Role.SUPERVISOR, team=team)) == sees(lead) == 1
    assert sees(make_user(session, Role.SUPERVISOR, team=make_team(session))) == 0
    assert sees(make_user(session, Role.AGENT)) == 0
    with pytest.raises(Refused, match="Only a QA lead"):
        taken_in(session, make_user(session, Role.INSPECTOR), "P-2,2026-11-18 09:30,,0728,Kind")
