"""Tester, inspector and machine on one call: precision and recall against the sheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from models import Agent, Call, Review, ReviewMark, ReviewReason, ReviewState, Role, TestCall, User
from qa.periods import Period
from qa.test_truth import compare, comparison_csv, side_by_side
from scoring.check_sheet import load_check_sheet
from scoring.detection import Detection, Verdict, verdict_of_answers, verdict_of_points
from scoring.shipped import shipped
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_user
from tests.test_test_calls import ANSWERS, SHANGHAI

MOMENT = datetime(2026, 11, 18, 6, tzinfo=UTC)
NOVEMBER = Period.parse("2026-11")


@pytest.fixture
def tester(session: Session) -> User:
    return make_user(session, Role.TEST_CALLER)


@pytest.fixture
def agent(session: Session) -> Agent:
    return make_agent(session, "0728")


def sheet_on(
    session: Session,
    tester: User,
    agent: Agent,
    machine: dict[str, str] | None,
    *,
    status: str = "matched",
    **answers: str,
) -> TestCall:
    """Return a sheet on a recorded call that the machine marked by the English card."""
    call = make_call(session, agent=agent, started_at=MOMENT)
    if machine is not None:
        marks = [(item, answer, None, 1.0) for item, answer in machine.items()]
        make_auto_score(session, call, make_scorecard(session), marks=marks)
    test = TestCall(
        source="MS", tester=tester, sheet="mystery-call/1", dialled_at=MOMENT, staff_number=agent.number, agent=agent,
        call=call, status=status, header={"key_points": 4}, answers={**ANSWERS, **answers},
    )  # fmt: skip
    session.add(test)
    session.flush()
    return test


def reviewed(session: Session, call: Call | None, inspector: User, state: str = "submitted", **marks: str) -> None:
    session.add(
        Review(
            call=call, inspector=inspector, scorecard=make_scorecard(session), reason=ReviewReason.RANDOM,
            state=ReviewState(state), submitted_at=MOMENT,
            marks=[ReviewMark(item=item, answer=answer) for item, answer in marks.items()],
        )
    )  # fmt: skip
    session.flush()


def test_a_rule_is_held_against_what_testers_heard(session: Session, tester: User, agent: Agent) -> None:
    opening = [("0", "not_met"), ("2", "partly"), ("3", "met"), ("1", "met"), ("3", "not_met"), ("0", "cannot_tell")]
    for heard, marked in opening:
        sheet_on(session, tester, agent, {"S2": marked}, M4=heard)

    (row,) = compare(session, zone=SHANGHAI, period=NOVEMBER).rules

    found = row.detection
    assert (row.card, row.items, row.rules, row.sheet_item) == ("en-bank-hotline", ("S2",), ("EN-OPEN",), "M4")
    assert (found.found, found.missed, found.false_alarms, found.cleared, found.silent) == (2, 1, 1, 1, 1)
    assert found.precision is not None
    assert found.recall is not None
    assert (found.precision.value, found.recall.value) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (found.precision.n, found.n) == (3, 5)
    # Wilson's interval of 2 of 3.
    assert found.recall.interval.low == pytest.approx(0.2077, abs=1e-4)
    assert found.recall.interval.high == pytest.approx(0.9385, abs=1e-4)


def test_inspectors_are_held_against_the_same_truth(session: Session, tester: User, agent: Agent) -> None:
    careful, careless = make_user(session, login="careful"), make_user(session, login="careless")
    test = sheet_on(session, tester, agent, None, M4="0", M9="wrong")
    reviewed(session, test.call, careful, S2="not_met", R1="not_met", C3="not_met")
    reviewed(session, test.call, careless, S2="met", R1="not_met")

    first, second = compare(session, zone=SHANGHAI).inspectors

    assert (first.name, first.calls, first.detection.found, first.detection.missed) == ("Careful", 1, 2, 0)
    assert (second.detection.found, second.detection.missed) == (1, 1)


def test_what_proves_nothing_takes_no_part(session: Session, tester: User, agent: Agent) -> None:
    sheet_on(session, tester, agent, {"S2": "met"}, status="quarantine", M4="0")
    test = sheet_on(session, tester, agent, None, M4="0")
    reviewed(session, test.call, tester, S2="met")  # whoever made the test
    reviewed(session, test.call, make_user(session), "draft", S2="met")

    comparison = compare(session, zone=SHANGHAI, period=NOVEMBER)

    assert (comparison.rules, comparison.inspectors, comparison.sheets) == ((), (), 0)
    assert compare(session, zone=SHANGHAI, period=NOVEMBER.next()).rules == ()


def test_a_sheet_shows_everybodys_verdict(session: Session, tester: User, agent: Agent) -> None:
    test = sheet_on(session, tester, agent, {"S2": "met", "P4": "not_met"}, M4="0")
    reviewed(session, test.call, make_user(session, login="dana"), S2="not_met")

    lines = {line.sheet_item: line for line in side_by_side(session, test)}

    assert set(lines) == {"M4", "M14"}
    opening = lines["M4"]
    assert (opening.tester, opening.machine, opening.inspectors) == (
        Verdict.DEFECT,
        Verdict.FINE,
        {"Dana": Verdict.DEFECT},
    )
    assert (lines["M14"].tester, lines["M14"].machine) == (Verdict.FINE, Verdict.DEFECT)
    test.status = "quarantine"
    assert side_by_side(session, test) == []


def test_the_figures_are_a_table_too(session: Session, tester: User, agent: Agent) -> None:
    test = sheet_on(session, tester, agent, {"S2": "not_met"}, M4="0")
    inspector = make_user(session)
    inspector.name = "=cmd()"
    reviewed(session, test.call, inspector, S2="met")

    text = comparison_csv(compare(session, zone=SHANGHAI))

    rule, person = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (rule["name"], rule["rules"], rule["found"], rule["precision"]) == (
        "en-bank-hotline S2",
        "EN-OPEN",
        "1",
        "1.0000",
    )
    assert (person["name"], person["recall"], person["precision"]) == ("'=cmd()", "0.0000", "")


SHEET = {item.id: item for item in load_check_sheet(shipped("mystery-shopper")).items}


@pytest.mark.parametrize(
    ("item", "points", "verdict"),
    [
        ("M4", 100, Verdict.FINE),
        ("M4", 66.67, Verdict.DEFECT),
        ("M9", 50, Verdict.DEFECT),
        ("M5", 50, Verdict.SILENT),
        ("M7", 75, Verdict.FINE),
        ("M7", 25, Verdict.DEFECT),
        ("M8", None, Verdict.SILENT),
    ],
)
def test_a_testers_answer_is_a_verdict(item: str, points: float | None, verdict: Verdict) -> None:
    assert verdict_of_points(SHEET[item], points) is verdict


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        (["met", "not_met"], Verdict.DEFECT),
        (["met", "partly"], Verdict.DEFECT),
        (["met", "not_applicable"], Verdict.FINE),
        (["cannot_tell", "not_applicable"], Verdict.SILENT),
        ([], Verdict.SILENT),
    ],
)
def test_several_items_speak_as_one(answers: list[str], verdict: Verdict) -> None:
    assert verdict_of_answers(answers) is verdict


@given(st.lists(st.tuples(st.sampled_from(list(Verdict)), st.sampled_from(list(Verdict)))))
def test_every_verdict_is_counted_once(pairs: list[tuple[Verdict, Verdict]]) -> None:
    found = Detection()
    for truth, said in pairs:
        found = found.add(truth, said)

    assert found.n + found.silent == sum(truth is not Verdict.SILENT for truth, _ in pairs)
    for share in (found.precision, found.recall):
        if share is not None:
            assert 0 <= share.interval.low <= share.value <= share.interval.high <= 1
