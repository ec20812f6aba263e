"""Agents' scores from what the database holds, with figures worked out by hand."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from sqlalchemy import event
from sqlalchemy.orm import Session

from models import (
    Agent,
    Call,
    Complaint,
    ComplaintOutcome,
    Responsibility,
    Review,
    ReviewReason,
    ReviewState,
    Role,
    ScorecardVersion,
    SurveyKind,
    SurveyRating,
    TestCall,
    User,
)
from qa.agent_scores import AgentScoreRow, agent_scores, export_scores, open_book, score_history
from qa.periods import Period
from qa.score_export import harmless
from scoring.agent_score import load_scheme
from scoring.shipped import shipped
from tests.factories import make_agent, make_auto_score, make_call, make_team, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOVEMBER = Period.parse("2026-11")
DURING = datetime(2026, 11, 10, 3, tzinfo=UTC)
# As the shipped scheme, but three automatic marks are enough: a test need not make a hundred calls.
SMALL = load_scheme(shipped("indicators").read_text(encoding="utf-8").replace("min_n: 100", "min_n: 3"))


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    version = ScorecardVersion(key="card", version=1, name="card", language="en", definition={})
    session.add(version)
    session.flush()
    return version


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session, Role.INSPECTOR)


def reviewed(
    session: Session,
    call: Call,
    card: ScorecardVersion,
    inspector: User,
    final: float | None,
    *,
    reason: ReviewReason = ReviewReason.RANDOM,
    state: ReviewState = ReviewState.RELEASED,
    fatals: int = 0,
) -> Review:
    review = Review(
        call=call,
        inspector=inspector,
        scorecard=card,
        reason=reason,
        state=state,
        raw=final,
        final=final,
        fatal_confirmed=fatals,
        submitted_at=DURING,
        released_at=DURING,
    )
    session.add(review)
    session.flush()
    return review


def dialled(session: Session, agent: Agent, source: str, norms: float, knowledge: float, **fields: object) -> TestCall:
    values = {"status": "matched", "dialled_at": DURING, **fields}
    test = TestCall(
        source=source,
        sheet="s/1",
        staff_number=agent.number,
        agent=agent,
        answers={},
        norms=norms,
        knowledge=knowledge,
        total=0,
        **values,
    )
    session.add(test)
    session.flush()
    return test


def the_row(session: Session, agent: Agent, period: Period = NOVEMBER) -> AgentScoreRow:
    (row,) = agent_scores(session, period, zone=SHANGHAI, agent_ids=[agent.id], scheme=SMALL)
    return row


def test_the_parts_come_from_their_own_sources(session: Session, card: ScorecardVersion, inspector: User) -> None:
    agent = make_agent(session, "0728")
    for final in (80, 85, 90, 95, 100):
        call = make_call(session, agent=agent, started_at=DURING)
        make_auto_score(session, call, card, auto_items=70)
        reviewed(session, call, card, inspector, final)
    dialled(session, agent, "DT", 90, 70)
    dialled(session, agent, "MS", 60, 40)

    row = the_row(session, agent)

    found = {part.source: (part.value, part.n) for part in row.score.parts}
    assert found == {"IM": (90, 5), "AQ": (70, 5), "DT": (80, 1), "SV": (None, 0), "MS": (50, 1)}
    # (50·90 + 15·70 + 15·80 + 10·50) / 90
    assert row.score.value == pytest.approx(7250 / 90)
    assert (row.score.grade, row.score.complete, row.reviews) == ("B", False, 5)


def test_targeted_and_unreleased_reviews_stay_out_of_the_mean(
    session: Session, card: ScorecardVersion, inspector: User
) -> None:
    agent = make_agent(session)
    reviewed(session, make_call(session, agent=agent), card, inspector, 90)
    reviewed(session, make_call(session, agent=agent), card, inspector, 10, reason=ReviewReason.TARGETED)
    reviewed(session, make_call(session, agent=agent), card, inspector, 10, reason=ReviewReason.COMPLAINT)
    reviewed(session, make_call(session, agent=agent), card, inspector, 10, state=ReviewState.SUBMITTED)

    part = the_row(session, agent).score.part("IM")

    assert (part.value, part.n) == (90, 1)


def test_a_call_that_two_inspectors_scored_is_one_observation(
    session: Session, card: ScorecardVersion, inspector: User
) -> None:
    agent = make_agent(session)
    joint = make_call(session, agent=agent)
    reviewed(session, joint, card, inspector, 100, fatals=1)
    reviewed(session, joint, card, make_user(session), 80, fatals=1)
    reviewed(session, make_call(session, agent=agent), card, inspector, 60)

    row = the_row(session, agent)

    assert (row.score.part("IM").value, row.score.part("IM").n) == (75, 2)  # (90 + 60) / 2
    assert row.confirmed_fatals == 1


def test_fatal_items_count_whatever_the_reason_once_released(
    session: Session, card: ScorecardVersion, inspector: User
) -> None:
    agent = make_agent(session)
    for _ in range(5):
        reviewed(session, make_call(session, agent=agent), card, inspector, 100)
    dialled(session, agent, "DT", 100, 100)
    targeted = make_call(session, agent=agent)
    reviewed(session, targeted, card, inspector, 0, reason=ReviewReason.COMPLAINT, fatals=1)
    reviewed(session, make_call(session, agent=agent), card, inspector, 0, state=ReviewState.SUBMITTED, fatals=3)

    row = the_row(session, agent)

    assert row.confirmed_fatals == 1
    assert (row.score.value, row.score.grade) == (100, "B")


def test_the_recording_of_a_test_call_leaves_the_ordinary_sample(
    session: Session, card: ScorecardVersion, inspector: User
) -> None:
    agent = make_agent(session)
    ordinary, test = make_call(session, agent=agent), make_call(session, agent=agent)
    for call, value in ((ordinary, 80.0), (test, 20.0)):
        make_auto_score(session, call, card, auto_items=value)
        reviewed(session, call, card, inspector, value)
    dialled(session, agent, "MS", 50, 50, call=test)

    score = the_row(session, agent).score

    assert (score.part("IM").value, score.part("IM").n) == (80, 1)
    assert (score.part("AQ").value, score.part("AQ").n) == (80, 1)


def test_tests_in_quarantine_or_without_both_sub_scores_do_not_count(session: Session) -> None:
    agent = make_agent(session)
    dialled(session, agent, "DT", 80, 60)
    dialled(session, agent, "DT", 0, 0, status="quarantine")
    dialled(session, agent, "DT", 0, 0, status="rejected")
    dialled(session, agent, "DT", 90, 0, **{}).knowledge = None

    part = the_row(session, agent).score.part("DT")

    assert (part.value, part.n) == (70, 1)


def test_calls_without_automatic_items_do_not_count(session: Session, card: ScorecardVersion) -> None:
    agent = make_agent(session)
    make_auto_score(session, make_call(session, agent=agent), card, auto_items=None)
    make_auto_score(session, make_call(session, agent=agent), card, auto_items=60)

    part = the_row(session, agent).score.part("AQ")

    assert (part.value, part.n, part.why_not) == (60, 1, "too_few")


def test_a_period_ends_at_the_hotlines_midnight(session: Session, card: ScorecardVersion, inspector: User) -> None:
    agent = make_agent(session)
    first = datetime(2026, 10, 31, 16, tzinfo=UTC)  # 00:00 on 1 November in Shanghai
    for moment, final in ((first, 90), (first - timedelta(seconds=1), 10), (first + timedelta(days=30), 20)):
        reviewed(session, make_call(session, agent=agent, started_at=moment), card, inspector, final)

    assert the_row(session, agent).score.part("IM").value == 90
    assert the_row(session, agent, NOVEMBER.previous()).score.part("IM").value == 10
    assert the_row(session, agent, NOVEMBER.next()).score.part("IM").value == 20


def test_agents_come_by_team_and_those_without_anything_too(session: Session) -> None:
    second, first = make_team(session, "B"), make_team(session, "A")
    make_agent(session, "2", team=second)
    make_agent(session, "9", team=first)
    make_agent(session, "1", team=first)

    rows = agent_scores(session, NOVEMBER, zone=SHANGHAI)
    of_team = agent_scores(session, NOVEMBER, zone=SHANGHAI, team_id=first.id)

    assert [row.number for row in rows] == ["1", "9", "2"]
    assert [row.number for row in of_team] == ["1", "9"]
    assert {row.score.why_no_grade for row in rows} == {"nothing"}


def test_the_number_of_queries_does_not_grow_with_agents(session: Session, card: ScorecardVersion) -> None:
    asked: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: asked.append(args[2]))
    counts = []
    for more in (1, 5):
        for _ in range(more):
            make_auto_score(session, make_call(session), card)
        asked.clear()
        agent_scores(session, NOVEMBER, zone=SHANGHAI)
        counts.append(len(asked))

    assert counts[0] == counts[1]


def test_few_reviews_are_joined_with_the_automatic_scores_of_all_calls(
    session: Session, card: ScorecardVersion, inspector: User
) -> None:
    """Twelve agents whose reviewed calls happened to be their easy ones: the estimate knows the others were harder."""
    team = make_team(session)
    for number in range(12):
        agent = make_agent(session, f"{number:02}", team=team)
        for i in range(20):
            auto = 60.0 + 2 * i - number % 3
            call = make_call(session, agent=agent)
            make_auto_score(session, call, card, raw=auto, auto_items=auto)
            if i >= 14:
                reviewed(session, call, card, inspector, auto + (i % 2) - 5)

    rows = agent_scores(session, NOVEMBER, zone=SHANGHAI, scheme=SMALL)

    for row in rows:
        part = row.score.part("IM")
        assert part.method == "regression"
        assert part.plain is not None
        assert part.value is not None
        assert part.low is not None
        assert (part.n, part.population) == (6, 20)
        # All calls: 60 + 19 - number % 3 - 4.5; the reviewed ones lie 14 higher.
        assert part.value == pytest.approx(74.5 - int(row.number) % 3, abs=1)
        assert part.plain - part.value == pytest.approx(14, abs=1)
        assert part.low < part.value < (part.high or 0)


def test_all_calls_reviewed_leave_no_doubt(session: Session, card: ScorecardVersion, inspector: User) -> None:
    agent = make_agent(session)
    for final in (80, 90):
        reviewed(session, make_call(session, agent=agent), card, inspector, final)

    part = the_row(session, agent).score.part("IM")

    assert (part.value, part.low, part.high, part.method) == (85, 85, 85, "census")


def test_surveys_complaints_and_chats_find_their_agent(session: Session, inspector: User) -> None:
    agent, other = make_agent(session), make_agent(session)
    for number in range(25):
        session.add(
            SurveyRating(
                external_id=f"s{number}",
                kind=SurveyKind.DAILY,
                answered_at=DURING,
                happened_at=DURING,
                rating=5 if number < 20 else 1,
                scale="1-5",
                score=100 if number < 20 else 0,
                satisfied=number < 20,
                agent_id=agent.id,
            )
        )
    for number, responsibility in enumerate((Responsibility.AGENT, Responsibility.PROCESS)):
        session.add(
            Complaint(
                external_id=f"c{number}",
                received_at=DURING,
                happened_at=DURING,
                outcome=ComplaintOutcome.UPHELD,
                responsibility=responsibility,
                decided_at=DURING,
                agent_id=agent.id,
            )
        )
    session.flush()

    row = the_row(session, agent)

    survey = row.score.part("SV")
    assert (survey.value, survey.n, survey.counted) == (80, 25, True)
    assert (survey.low, survey.high) == pytest.approx((60.9, 91.1), abs=0.1)  # Wilson
    assert row.score.adjustments.complaints == -2
    assert row.score.value == 78
    assert the_row(session, other).score.value is None


def test_teams_and_the_centre_weigh_agents_by_their_calls(
    session: Session, card: ScorecardVersion, inspector: User
) -> None:
    one, two = make_team(session, "A"), make_team(session, "B")
    for team, calls, final in ((one, 6, 90), (one, 2, 70), (two, 4, 80)):
        agent = make_agent(session, team=team)
        for i in range(calls):
            reviewed(session, make_call(session, agent=agent), card, inspector, final + (i % 2) * 2 - 1)
        dialled(session, agent, "DT", final, final)

    book = open_book(session, NOVEMBER, zone=SHANGHAI, scheme=SMALL)
    centre, first, second = book.groups()

    assert [(group.name, group.agents) for group in (centre, first, second)] == [("", 3), ("A", 2), ("B", 1)]
    part = first.score.part("IM")
    assert (part.value, part.low, part.n, part.population) == (pytest.approx(85), pytest.approx(85), 8, 8)
    assert centre.score.part("IM").value == pytest.approx((6 * 90 + 2 * 70 + 4 * 80) / 12)
    assert (centre.score.part("DT").value, centre.score.part("DT").n) == (80, 3)
    assert centre.score.part("DT").low is not None
    assert second.score.part("DT").no_interval == "spread_unknown"  # one test call
    assert [row.score.part("DT").low is not None for row in book.rows()] == [True, True, True]


def test_history_goes_back_from_the_given_period(session: Session, card: ScorecardVersion, inspector: User) -> None:
    agent = make_agent(session)
    reviewed(session, make_call(session, agent=agent, started_at=DURING), card, inspector, 90)

    rows = score_history(session, agent.id, NOVEMBER, zone=SHANGHAI, count=3)

    assert [(row.period.label, row.score.part("IM").n) for row in rows] == [
        ("2026-09", 0),
        ("2026-10", 0),
        ("2026-11", 1),
    ]


@pytest.fixture
def rows(session: Session, card: ScorecardVersion, inspector: User) -> list[AgentScoreRow]:
    agent = make_agent(session, "0728", name='=HYPERLINK("http://example.org")', team=make_team(session, "一班"))
    for final in (80, 85, 90, 95, 99):
        reviewed(session, make_call(session, agent=agent), card, inspector, final)
    dialled(session, agent, "DT", 80, 75)
    return agent_scores(session, NOVEMBER, zone=SHANGHAI)


def test_csv_opens_in_a_spreadsheet_without_running_anything(rows: list[AgentScoreRow]) -> None:
    text = export_scores(rows, "csv", labels={"Staff number": "工号", "%(part)s score": "%(part)s得分"})

    assert isinstance(text, str)
    assert text.startswith("\ufeff工号,")
    (line,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert line["Agent"].startswith("'=HYPERLINK")
    assert line["工号"] == "0728"
    assert (line["Random reviews得分"], line["Random reviews n"], line["Dial tests得分"]) == ("89.8", "5", "77.5")
    assert (line["Grade"], line["Complete"]) == ("B", "no")  # (50·89.8 + 15·77.5) / 65 = 87.0


def test_xlsx_has_numbers_as_numbers_and_formulas_as_words(rows: list[AgentScoreRow]) -> None:
    content = export_scores(rows, "xlsx")

    assert isinstance(content, bytes)
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    cells = {str(head.value): cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert cells["Score"].value == 87.0
    assert cells["Score"].data_type == "n"
    assert cells["Random reviews n"].value == 5
    assert cells["Lower limit"].value is None
    assert cells["Staff number"].value == "0728"
    assert (cells["Agent"].data_type, cells["Agent"].value) == ("s", '=HYPERLINK("http://example.org")')


def test_json_holds_what_made_the_value(rows: list[AgentScoreRow]) -> None:
    (row,) = json.loads(export_scores(rows, "json"))

    assert row["period"] == "2026-11"
    assert row["score"]["value"] == pytest.approx((50 * 89.8 + 15 * 77.5) / 65)
    assert row["score"]["low"] is None
    assert [part["why_not"] for part in row["score"]["parts"]] == [None, "nothing", None, "nothing", "nothing"]


def test_the_table_is_for_reading(rows: list[AgentScoreRow]) -> None:
    text = export_scores(rows, "table")

    assert isinstance(text, str)
    head, line = text.splitlines()
    assert head.startswith("Staff number")
    assert head.endswith("Mystery shopper")
    assert "87.0" in line
    assert "n=" in line
    assert line.endswith("–")
    assert len(line) < 200


def test_an_empty_list_and_an_unknown_format() -> None:
    assert isinstance(export_scores([], "xlsx"), bytes)
    assert json.loads(export_scores([], "json")) == []
    with pytest.raises(ValueError, match="choose from table, json, csv, xlsx"):
        export_scores([], "pdf")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == "'" + text


def test_ordinary_text_stays() -> None:
    assert [harmless(text) for text in ("王芳", "0728", "A-1", "")] == ["王芳", "0728", "A-1", ""]
