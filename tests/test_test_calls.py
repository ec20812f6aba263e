"""Test calls: the sheet, its two sub-scores, and the recording that proves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, AuditEvent, Call, Role, TestCall, User
from qa.refusals import Refused
from qa.test_call_import import import_test_calls
from qa.test_calls import enter_test_call, match_again, read_times, visible_test_calls
from tests.factories import make_agent, make_call, make_team, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
ANSWERED = datetime(2026, 11, 18, 6, 32, 40, tzinfo=UTC)  # 14:32:40 in Shanghai
HEADER = {
    "number_used": "13800001111",
    "hotline_dialled": "10086",
    "dial_time": "2026-11-18 14:32:00",
    "agent_answer_time": "14:32:40",
    "end_time": "14:36",
    "staff_number_heard": "0728",
    "attempts_before_connection": "1",
    "scenario_id": "SC-7",
    "persona": "hurried",
}
# Everything full but M3 (40 s lies half way from 20 to 60), M9 (partly) and M10 (3 of 4 points).
ANSWERS = {
    "M1": "yes",
    "M2": "3",
    "M3": "40",
    "M4": "3",
    "M5": "3",
    "M6": "yes",
    "M7": "5",
    "M8": "3",
    "M9": "partly",
    "M10": "3",
    "M11": "right",
    "M12": "na",
    "M13": "na",
    "M14": "3",
}


@pytest.fixture
def tester(session: Session) -> User:
    return make_user(session, Role.TEST_CALLER, "mia")


@pytest.fixture
def agent(session: Session) -> Agent:
    return make_agent(session, "0728")


def entered(session: Session, tester: User, *, source: str = "MS", **changes: Any) -> TestCall:
    values: dict[str, Any] = {"header": HEADER, "answers": ANSWERS, "zone": SHANGHAI, "key_points": 4, **changes}
    return enter_test_call(session, source=source, tester=tester, **values)


def recorded(session: Session, agent: Agent, **fields: Any) -> Call:
    return make_call(session, agent=agent, **{"started_at": ANSWERED, "customer_number": "+86 138 0000 1111", **fields})


def test_a_sheet_has_two_sub_scores(session: Session, tester: User) -> None:
    test = entered(session, tester)

    # Norms: 57 of weight apply (67 less M12 and M13), M3 loses half of 7. Knowledge: (9 + 6 + 7) / 33.
    assert test.norms == pytest.approx(100 * 53.5 / 57, abs=0.01)
    assert test.knowledge == pytest.approx(100 * 22 / 33, abs=0.01)
    assert (test.scenario, test.persona, test.sheet) == ("SC-7", "hurried", "mystery-call/1")
    assert test.dialled_at == datetime(2026, 11, 18, 6, 32, tzinfo=UTC)


def test_a_sheet_is_matched_when_all_three_fields_agree(session: Session, tester: User, agent: Agent) -> None:
    call = recorded(session, agent, started_at=ANSWERED + timedelta(seconds=120))
    recorded(session, make_agent(session), customer_number="13900002222")  # The same minute, somebody else.

    test = entered(session, tester)

    assert (test.status, test.status_reason, test.call, test.agent) == ("matched", None, call, agent)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"customer_number": "13900002222"}, "number"),
        ({"customer_number": None}, "number"),
        ({"started_at": ANSWERED + timedelta(seconds=121)}, "time"),
    ],
)
def test_one_field_may_differ(
    session: Session, tester: User, agent: Agent, fields: dict[str, Any], reason: str
) -> None:
    call = recorded(session, agent, **fields)

    test = entered(session, tester)

    assert (test.status, test.status_reason, test.call) == ("matched", reason, call)


def test_a_misheard_staff_number_is_mended_by_the_recording(session: Session, tester: User) -> None:
    really = make_agent(session, "0782")
    recorded(session, really)

    test = entered(session, tester)

    assert (test.status, test.status_reason, test.agent) == ("matched", "staff", really)


def test_two_fields_that_differ_are_quarantined(session: Session, tester: User, agent: Agent) -> None:
    recorded(session, agent, customer_number="13900002222", started_at=ANSWERED + timedelta(hours=2))

    test = entered(session, tester)

    assert (test.status, test.status_reason, test.call, test.agent) == (
        "quarantine",
        "two_fields_differ",
        None,
        agent,
    )


def test_a_sheet_without_any_recording_is_quarantined(session: Session, tester: User) -> None:
    test = entered(session, tester)

    assert (test.status, test.status_reason, test.agent) == ("quarantine", "unmatched", None)


def test_recordings_that_fit_equally_are_not_guessed_between(session: Session, tester: User, agent: Agent) -> None:
    for minutes in (10, 30):
        recorded(session, agent, started_at=ANSWERED + timedelta(minutes=minutes))

    test = entered(session, tester)

    assert (test.status, test.status_reason) == ("quarantine", "ambiguous")


def test_a_recording_proves_one_sheet_only(session: Session, tester: User, agent: Agent) -> None:
    recorded(session, agent)

    first, second = entered(session, tester), entered(session, tester)

    assert first.status == "matched"
    assert (second.status, second.status_reason) == ("quarantine", "taken")


@pytest.mark.parametrize("how", ["own team", "own agent"])
def test_a_tester_of_the_agents_team_is_rejected(session: Session, agent: Agent, how: str) -> None:
    tester = make_user(
        session,
        Role.INSPECTOR,
        team=agent.team if how == "own team" else None,
        agent=agent if how == "own agent" else None,
    )
    call = recorded(session, agent)

    test = entered(session, tester, source="DT")

    assert (test.status, test.status_reason) == ("rejected", "tester_in_same_team")
    assert test.call is call  # It is still no customer's call and leaves the ordinary sample.


def test_quarantined_sheets_are_matched_when_recordings_come_in(session: Session, tester: User, agent: Agent) -> None:
    test = entered(session, tester)
    assert match_again(session) == 0

    call = recorded(session, agent)

    assert match_again(session, by=make_user(session, Role.LEAD)) == 1
    assert (test.status, test.call) == ("matched", call)
    actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["test_call.entered", "test_call.matched"]


@pytest.mark.parametrize(
    ("role", "source", "allowed"),
    [
        (Role.TEST_CALLER, "MS", True),
        (Role.TEST_CALLER, "DT", False),
        (Role.INSPECTOR, "DT", True),
        (Role.INSPECTOR, "MS", False),
        (Role.LEAD, "DT", True),
        (Role.LEAD, "MS", True),
        (Role.SUPERVISOR, "DT", False),
        (Role.AGENT, "MS", False),
        (Role.ADMIN, "MS", False),
    ],
)
def test_each_role_enters_its_own_kind(session: Session, role: Role, source: str, allowed: bool) -> None:
    user = make_user(session, role)

    if allowed:
        assert entered(session, user, source=source).source == source
    else:
        with pytest.raises(Refused, match="does not enter"):
            entered(session, user, source=source)


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"header": {**HEADER, "persona": ""}}, "persona", "Fill in"),
        ({"header": {**HEADER, "persona": "bored"}}, "persona", "Choose one of"),
        ({"header": {**HEADER, "dial_time": "yesterday"}}, "dial_time", "is no time"),
        ({"header": {**HEADER, "end_time": "25:00"}}, "end_time", "is no time"),
        ({"header": {**HEADER, "end_time": "2026-11-18 14:00"}}, "agent_answer_time", "follow each other"),
        ({"header": {**HEADER, "end_time": "2026-11-19 14:00"}}, "end_time", "four hours"),
        ({"header": {**HEADER, "scenario_id": "x" * 201}}, "scenario_id", "200 characters"),
        ({"answers": {**ANSWERS, "M5": ""}}, "M5", "no answer: M5"),
        ({"answers": {**ANSWERS, "M7": "6"}}, "M7", "whole number from 1 to 5"),
        ({"answers": {**ANSWERS, "M1": "na"}}, "M1", "cannot be answered na"),
        ({"answers": {**ANSWERS, "M10": "5"}}, "M10", "from 0 to 4"),
        ({"key_points": None}, "key_points", "how many key points"),
    ],
)
def test_a_wrong_field_is_named(
    session: Session, tester: User, changes: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(Refused, match=message) as refusal:
        entered(session, tester, **changes)

    assert refusal.value.field == field


def test_a_call_over_midnight_has_its_times_in_order() -> None:
    times = read_times(
        {"dial_time": "2026-11-18T23:59:30", "agent_answer_time": "00:00:10", "end_time": "0:04"}, SHANGHAI
    )

    assert times.answered - times.dialled == timedelta(seconds=40)
    assert times.ended - times.answered == timedelta(minutes=3, seconds=50)


def test_a_time_without_seconds_may_lie_in_the_same_minute() -> None:
    times = read_times(
        {"dial_time": "2026/11/18 14:32:30", "agent_answer_time": "14:32", "end_time": "14:35"}, SHANGHAI
    )

    assert times.answered == times.dialled


def test_testers_read_their_own_sheets_only(session: Session, tester: User) -> None:
    team = make_team(session)
    make_agent(session, "0728", team=team)
    own = entered(session, tester)
    entered(session, make_user(session, Role.TEST_CALLER))

    assert session.scalars(visible_test_calls(tester)).all() == [own]
    assert len(session.scalars(visible_test_calls(make_user(session, Role.INSPECTOR))).all()) == 2
    assert len(session.scalars(visible_test_calls(make_user(session, Role.SUPERVISOR, team=team))).all()) == 2
    for role in (Role.SUPERVISOR, Role.AGENT, Role.ADMIN):
        assert session.scalars(visible_test_calls(make_user(session, role))).all() == []


def sheet(**changes: str) -> bytes:
    row = {"external_id": "A-1", "source": "MS", "key_points": "4", **HEADER, **ANSWERS, **changes}
    return (",".join(row) + "\n" + ",".join(row.values()) + "\n").encode()


def test_a_file_of_sheets_is_imported_once(session: Session, tester: User, agent: Agent) -> None:
    call = recorded(session, agent)

    first = import_test_calls(session, sheet(), by=tester, zone=SHANGHAI)
    again = import_test_calls(session, sheet(), by=tester, zone=SHANGHAI)
    changed = import_test_calls(session, sheet(M1="no"), by=tester, zone=SHANGHAI)

    assert (first.stored, again.unchanged, changed.stored) == (1, 1, 0)
    assert "other content" in str(changed.problems[0].refusal)
    (test,) = session.scalars(select(TestCall))
    assert (test.call, test.external_id, test.tester) == (call, "A-1", tester)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"external_id": ""}, "external_id is empty"),
        ({"source": "DT"}, "does not enter"),
        ({"key_points": "many"}, "1 to 50"),
        ({"tester": "somebody"}, "your own sheets only"),
        ({"M99": "yes"}, "no field M99"),
        ({"dial_time": "noon"}, "is no time"),
    ],
)
def test_a_bad_line_is_named(session: Session, tester: User, changes: dict[str, str], message: str) -> None:
    report = import_test_calls(session, sheet(**changes), by=tester, zone=SHANGHAI)

    assert (report.stored, report.problems[0].line) == (0, 2)
    assert message in str(report.problems[0].refusal)


def test_a_lead_imports_for_testers(session: Session, tester: User) -> None:
    lead = make_user(session, Role.LEAD)

    report = import_test_calls(session, sheet(tester="mia"), by=lead, zone=SHANGHAI)

    assert report.stored == 1
    assert session.scalars(select(TestCall.tester_id)).all() == [tester.id]
