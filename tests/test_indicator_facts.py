"""Single indicators from what the database holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from models import (
    Complaint,
    ComplaintOutcome,
    Draw,
    Responsibility,
    Review,
    ReviewAssignment,
    ReviewMark,
    ReviewReason,
    ReviewState,
    Role,
    SampledCall,
    SamplingPlan,
    TestCall,
)
from qa import indicator_facts as facts
from qa.indicator_facts import Count
from qa.indicators import WITHOUT_SOURCE, indicator_system
from qa.periods import Period
from scoring.scorecard import load_scorecard
from scoring.shipped import shipped
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
OCTOBER = Period.parse("2025-10")
DURING = datetime(2025, 10, 10, 3, tzinfo=UTC)
ASKED = (OCTOBER, SHANGHAI)
OPENING = {"en-bank-hotline": ("S2", "P4")}


def test_the_shipped_indicators_name_items_that_exist() -> None:
    cards = {f"scorecard-{name}": load_scorecard(shipped(f"scorecard-{name}")) for name in ("en-bank", "zh-mobile")}
    known: dict[str, set[str]] = {card.id: {item.id for _, item in card.items()} for card in cards.values()}
    known |= {sheet.id: {item.id for item in sheet.items} for sheet in (facts.default_sheet(), facts.nonvoice_sheet())}
    indicators = list(indicator_system().indicators())

    assert any(one.items for one in indicators)
    for one in indicators:
        for card, items in one.items.items():
            assert set(items) <= known[card], one.id
    assert {one.id for one in indicators} > WITHOUT_SOURCE


def test_a_call_met_the_script_when_the_machine_found_all_of_it(session: Session) -> None:
    card, agent = make_scorecard(session), make_agent(session)
    given = [("met", "met"), ("met", "not_met"), ("met", "cannot_tell"), ("cannot_tell", "cannot_tell")]
    for hour, (opening, closing) in enumerate(given):
        call = make_call(session, agent=agent, started_at=DURING + timedelta(hours=hour))
        make_auto_score(session, call, card, marks=[("S2", opening, 1, 1), ("P4", closing, 1, 1)])

    assert facts.calls_that_met(session, *ASKED, OPENING) == Count(2, 3)
    assert facts.marks_that_met(session, *ASKED, OPENING) == Count(4, 5)


def reviewed(session: Session, marks: Mapping[str, tuple[str, float]]) -> None:
    call = make_call(session, started_at=DURING)
    session.add(
        Review(
            call=call, inspector=make_user(session), scorecard=make_scorecard(session), reason=ReviewReason.RANDOM,
            state=ReviewState.RELEASED, raw=90, final=90, submitted_at=DURING, released_at=DURING,
            marks=[ReviewMark(item=item, answer=answer, points=points) for item, (answer, points) in marks.items()],
        )
    )  # fmt: skip
    session.flush()


def test_points_are_shares_of_what_the_items_were_worth_in_their_review(session: Session) -> None:
    # C1 and C2 weigh the same: alone in their section and card each is worth 50.
    reviewed(session, {"C1": ("met", 50.0), "C2": ("not_met", 0.0)})
    reviewed(session, {"C1": ("met", 100.0)})
    marks = facts.Reviewed(session, *ASKED).marks({"en-bank-hotline": ("C1", "C2")})

    tally = facts.points_of_calls(marks)

    assert (tally.n, tally.mean) == (2, pytest.approx(75))
    assert facts.calls_with_defect(marks) == Count(1, 2)


def test_a_customer_who_calls_again_within_a_week_was_not_helped(session: Session) -> None:
    for number, day in (("a", 0), ("a", 3), ("b", 0), ("b", 10), ("c", 25), (None, 1)):
        make_call(session, started_at=DURING + timedelta(days=day), customer_number=number)
    make_call(session, started_at=DURING + timedelta(days=1), customer_number="d", direction="outbound")

    # November's call of c is too late to matter here; a's first is the one that did not help.
    assert facts.solved_at_first(session, *ASKED) == Count(3, 4)


def test_complaints_about_attitude_are_upheld_and_the_agents(session: Session) -> None:
    agent = make_agent(session)
    for number in range(4):
        make_call(session, agent=agent, started_at=DURING + timedelta(hours=number))
    kinds = [
        ("Attitude", ComplaintOutcome.UPHELD, Responsibility.AGENT),
        ("服务态度", ComplaintOutcome.UPHELD, Responsibility.PROCESS),
        ("态度", ComplaintOutcome.NOT_UPHELD, None),
        ("Fees", ComplaintOutcome.UPHELD, Responsibility.AGENT),
    ]
    for number, (category, outcome, who) in enumerate(kinds):
        session.add(
            Complaint(
                external_id=f"K-{number}", received_at=DURING, happened_at=DURING, agent=agent, category=category,
                outcome=outcome, responsibility=who, decided_at=DURING,
            )
        )  # fmt: skip
    session.flush()

    assert facts.attitude_complaints(session, *ASKED) == Count(1, 4)
    assert facts.all_complaints(session, *ASKED) == Count(4, 4)


def test_sheets_count_by_their_items_and_one_without_answers_is_left_out(session: Session) -> None:
    answers: list[dict[str, str]] = [{"M1": "yes", "M7": "5"}, {"M1": "no", "M7": "3"}, {}]
    for number, (given, status) in enumerate(zip(answers, ("matched", "quarantine", "matched"), strict=True)):
        session.add(
            TestCall(
                external_id=f"T-{number}", source="MS", sheet="mystery-call/1", dialled_at=DURING, staff_number="1",
                status=status, answers=given,
            )
        )  # fmt: skip
    session.flush()

    assert facts.sheets_with_full_points(session, *ASKED, "MS", ["M1"]) == Count(1, 2)
    assert facts.sheet_scores(session, *ASKED, "MS", ["M7"]).mean == 100  # matched ones only


def test_due_reviews_are_done_when_their_inspector_submitted(session: Session) -> None:
    agent, inspector = make_agent(session), make_user(session, Role.INSPECTOR)
    draw = Draw(
        plan=SamplingPlan(name="p", rules={}), week="2025-W41", part=1, begins_at=DURING,
        ends_at=DURING + timedelta(days=1), begins_share="0", ends_share="1", due_on=date(2025, 10, 15), seed="s",
        method="m", rules="{}", eligible_hash="", eligible_count=0, eligible=b"", left_out={},
    )  # fmt: skip
    for number, due in enumerate((date(2025, 10, 15), date(2025, 10, 15), date(2025, 10, 30), date(2025, 11, 3))):
        call = make_call(session, agent=agent, started_at=DURING)
        sampled = SampledCall(
            draw=draw, call=call, agent=agent, reason=ReviewReason.RANDOM, why="simple", stratum="", probability=0.5
        )
        session.add(ReviewAssignment(sampled=sampled, inspector=inspector, due_on=due, first_due_on=due))
        if number == 0:
            session.add(
                Review(
                    call=call, inspector=inspector, scorecard=make_scorecard(session), reason=ReviewReason.RANDOM,
                    state=ReviewState.SUBMITTED, submitted_at=DURING,
                )
            )  # fmt: skip
    session.flush()

    assert facts.due_reviews(session, OCTOBER, date(2025, 10, 20)) == Count(1, 2)
    assert facts.due_reviews(session, OCTOBER, date(2025, 11, 20)) == Count(1, 3)
