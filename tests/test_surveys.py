"""Ratings by customers: read on their own scale, taken in once, and summed up by agent and period."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEvent, Role, SurveyKind, SurveyRating, TestCall, User
from qa.csv_import import ImportReport
from qa.periods import Period
from qa.refusals import Refused
from qa.surveys import import_surveys, joined, store_surveys, survey_tallies, visible_surveys
from scoring.ratings import Scale, ScaleError, is_satisfied
from tests.factories import make_agent, make_call, make_team, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOVEMBER = Period.parse("2026-11")


@pytest.fixture
def lead(session: Session) -> User:
    return make_user(session, Role.LEAD)


def table(*lines: dict[str, str]) -> bytes:
    """Return a CSV file of ratings; each line has a number of its own unless it says."""
    out = io.StringIO()
    columns = list(dict.fromkeys(name for line in lines for name in {"external_id": "", "answered_at": "", **line}))
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    for number, line in enumerate(lines):
        writer.writerow({"external_id": f"S-{number}", "answered_at": "2026-11-18 09:30", **line})
    return out.getvalue().encode()


def taken_in(session: Session, lead: User, *lines: dict[str, str]) -> ImportReport:
    return import_surveys(session, table(*lines), by=lead, zone=SHANGHAI, satisfied_from=0.75)


@pytest.mark.parametrize(
    ("scale", "rating", "score", "satisfied"),
    [
        ("1-5", 4, 75, True),
        ("1-5", 3, 50, False),
        ("0-10", 8, 80, True),
        ("3-1", 1, 100, True),
        ("3-1", 2, 50, False),
        ("0-1", 1, 100, True),
    ],
)
def test_each_scale_is_read_from_its_worst_to_its_best(
    scale: str, rating: float, score: float, satisfied: bool
) -> None:
    read = Scale.parse(scale).score(rating)

    assert (read, is_satisfied(read, 0.75)) == (score, satisfied)


@pytest.mark.parametrize("text", ["", "5", "1-1", "one-five", "1-5-7", "1-99999"])
def test_what_is_no_scale_is_refused(text: str) -> None:
    with pytest.raises(ScaleError):
        Scale.parse(text)


ENDS = st.integers(-999, 999)


@given(ENDS, ENDS, st.floats(0, 1))
def test_a_scale_keeps_the_order_of_ratings(worst: int, best: int, share: float) -> None:
    if worst == best:
        return
    scale = Scale.parse(f"{worst}-{best}") if min(worst, best) >= 0 else Scale(worst, best)
    rating = worst + share * (best - worst)

    if min(worst, best) <= rating <= max(worst, best):
        assert scale.score(rating) == pytest.approx(100 * share, abs=1e-6)
    assert (scale.score(worst), scale.score(best)) == (0, 100)


def test_ratings_are_summed_up_by_agent_with_who_did_not_answer(session: Session, lead: User) -> None:
    dana, omar = make_agent(session, "0728"), make_agent(session, "0731")

    report = taken_in(
        session,
        lead,
        {"rating": "5", "agent": "0728"},
        {"rating": "3", "agent": "0728"},
        {"rating": "", "agent": "0728"},
        {"rating": "4", "agent": "0731"},
    )

    tallies = survey_tallies(session, NOVEMBER, zone=SHANGHAI)
    assert (report.stored, len(report.problems)) == (4, 0)
    mine = tallies[dana.id]
    assert (mine.ratings.n, mine.ratings.total, mine.ratings.squares) == (2, 150, 12_500)
    assert (mine.satisfied, mine.invited) == (1, 3)
    assert tallies[omar.id].satisfied == 1
    assert survey_tallies(session, NOVEMBER, zone=SHANGHAI, agent_ids=[omar.id]).keys() == {omar.id}
    assert joined(tallies.values()).ratings.n == 3


def test_the_two_kinds_of_survey_are_kept_apart(session: Session, lead: User) -> None:
    agent = make_agent(session, "0728")
    taken_in(
        session,
        lead,
        {"rating": "5", "agent": "0728", "kind": "daily"},
        {"rating": "1", "agent": "0728", "kind": "投诉回访"},
    )

    daily = survey_tallies(session, NOVEMBER, zone=SHANGHAI)
    after = survey_tallies(session, NOVEMBER, zone=SHANGHAI, kind=SurveyKind.COMPLAINT)

    assert (daily[agent.id].ratings.total, after[agent.id].ratings.total) == (100, 0)


def test_a_rating_belongs_to_the_period_and_agent_of_its_call(session: Session, lead: User) -> None:
    agent = make_agent(session, "0728")
    call = make_call(session, agent=agent, external_id="C-1", started_at=datetime(2026, 10, 31, 15, tzinfo=UTC))

    taken_in(session, lead, {"rating": "5", "call": "C-1"}, {"rating": "1", "call": f"#{call.id}"})

    (first, second) = session.scalars(select(SurveyRating).order_by(SurveyRating.id))
    assert (first.agent, first.call, first.happened_at) == (agent, call, call.started_at)
    assert second.call is call
    assert survey_tallies(session, NOVEMBER, zone=SHANGHAI) == {}
    assert survey_tallies(session, NOVEMBER.previous(), zone=SHANGHAI)[agent.id].ratings.n == 2


def test_a_rating_finds_its_call_when_that_comes_in_later(session: Session, lead: User) -> None:
    taken_in(session, lead, {"rating": "5", "call": "C-9"})
    call = make_call(session, external_id="C-9")

    taken_in(session, lead, {"external_id": "other", "rating": "4"})

    rating = session.scalar(select(SurveyRating).where(SurveyRating.call_reference == "C-9"))
    assert rating is not None
    assert (rating.call, rating.agent, rating.happened_at) == (call, call.agent, call.started_at)


def test_a_tester_is_no_customer(session: Session, lead: User) -> None:
    call = make_call(session, external_id="C-1")
    session.add(
        TestCall(
            source="MS", sheet="s/1", dialled_at=call.started_at, staff_number="0728", call=call,
            status="matched", answers={},
        )
    )  # fmt: skip
    session.flush()

    taken_in(session, lead, {"rating": "1", "call": "C-1"})

    assert survey_tallies(session, NOVEMBER, zone=SHANGHAI) == {}


def test_the_same_file_twice_changes_nothing(session: Session, lead: User) -> None:
    make_agent(session, "0728")
    line = {"rating": "5", "agent": "0728", "comment": "很满意"}
    first, again = taken_in(session, lead, line), taken_in(session, lead, line)
    changed = taken_in(session, lead, {**line, "rating": "1"})

    assert (first.stored, again.unchanged, again.stored, changed.stored) == (1, 1, 0, 0)
    assert "other content" in str(changed.problems[0].refusal)
    assert session.scalars(select(AuditEvent.action)).all() == ["surveys.imported"] * 3


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        ({"rating": "6"}, "rating", "6 is not on the scale 1-5"),
        ({"rating": "good"}, "rating", "is no rating"),
        ({"rating": "nan"}, "rating", "is no rating"),
        ({"rating": "2", "scale": "five"}, "scale", "is no scale"),
        ({"rating": "2", "answered_at": "yesterday"}, "answered_at", "is no time"),
        ({"rating": "2", "agent": "9999"}, "agent", "no agent with the number 9999"),
        ({"rating": "2", "call": "#12345"}, "call", "no call #12345"),
        ({"rating": "2", "kind": "weekly"}, "kind", "none of daily, complaint"),
        ({"rating": "2", "mood": "blue"}, "mood", "no column mood"),
        ({"rating": "2", "external_id": "x" * 201}, "external_id", "200 characters"),
        ({"rating": "2", "external_id": ""}, "external_id", "is empty"),
    ],
)
def test_a_bad_line_is_named(session: Session, lead: User, line: dict[str, str], field: str, message: str) -> None:
    report = taken_in(session, lead, line)

    (problem,) = report.problems
    assert (report.stored, problem.line, problem.refusal.field) == (0, 2, field)
    assert message in str(problem.refusal)


def test_a_line_that_names_another_agent_than_its_call_is_refused(session: Session, lead: User) -> None:
    make_agent(session, "0728")
    make_call(session, agent=make_agent(session, "0731"), external_id="C-1")

    report = taken_in(session, lead, {"rating": "1", "call": "C-1", "agent": "0728"})

    assert "is agent 0731's, not 0728's" in str(report.problems[0].refusal)


def test_only_a_lead_takes_ratings_in(session: Session) -> None:
    with pytest.raises(Refused, match="Only a QA lead"):
        taken_in(session, make_user(session, Role.INSPECTOR), {"rating": "1"})


def test_another_system_hands_ratings_in_without_a_person(session: Session) -> None:
    report = store_surveys(session, [], by=None, zone=SHANGHAI, satisfied_from=0.75)

    assert report.stored == 0
    assert session.scalars(select(AuditEvent.user_id)).all() == [None]


def test_supervisors_read_their_teams_ratings(session: Session, lead: User) -> None:
    team = make_team(session)
    make_agent(session, "0728", team=team)
    make_agent(session, "0731")
    taken_in(session, lead, {"rating": "5", "agent": "0728"}, {"rating": "5", "agent": "0731"})

    def seen(user: User) -> int:
        return len(session.scalars(visible_surveys(user)).all())

    assert seen(make_user(session, Role.SUPERVISOR, team=team)) == 1
    assert seen(lead) == seen(make_user(session, Role.INSPECTOR)) == 2
    assert seen(make_user(session, Role.AGENT)) == seen(make_user(session, Role.TEST_CALLER)) == 0
