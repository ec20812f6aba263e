"""The monthly check of inspectors' own work: drawn, judged by another lead, shown to the inspector."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Appeal,
    AppealState,
    AuditEvent,
    Call,
    Draw,
    Notification,
    Review,
    ReviewAssignment,
    ReviewerCheck,
    ReviewMark,
    ReviewReason,
    ReviewState,
    Role,
    SampledCall,
    SamplingPlan,
    ScorecardVersion,
    User,
)
from qa.periods import Period
from qa.refusals import Refused
from qa.reviewer_checks import (
    CheckEntry,
    draw_checks,
    drawn_reviews,
    due_day,
    items_of,
    reviewer_sheet,
    save_check,
    submit_check,
    take_over,
    visible_checks,
)
from qa.reviewer_facts import evenness, likeness, month_facts, review_facts
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
OCTOBER = Period.parse("2025-10")
DURING = datetime(2025, 10, 10, 3, tzinfo=UTC)
GOOD = {item.id: "yes" if item.answer == "yes_no" else "3" for item in reviewer_sheet().items}


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def leads(session: Session) -> list[User]:
    return [make_user(session, Role.LEAD, name) for name in ("lena", "luis")]


@pytest.fixture
def ann(session: Session) -> User:
    return make_user(session, Role.INSPECTOR, "ann")


def reviewed(
    session: Session, card: ScorecardVersion, inspector: User, call: Call | None = None, **fields: object
) -> Review:
    call = call or make_call(session, agent=make_agent(session), started_at=DURING)
    marks = fields.pop("marks", {"S1": "met"})
    assert isinstance(marks, dict)
    values = {"submitted_at": DURING, "state": ReviewState.SUBMITTED, "raw": 90.0, "final": 90.0} | fields
    review = Review(
        call=call, inspector=inspector, scorecard=card, reason=ReviewReason.RANDOM, **values,
        marks=[ReviewMark(item=item, answer=answer) for item, answer in marks.items()],
    )  # fmt: skip
    session.add(review)
    session.flush()
    return review


def checked(session: Session, leads: list[User], count: int = 5) -> ReviewerCheck:
    return draw_checks(session, OCTOBER, by=leads[0], zone=SHANGHAI, count=count).made[0]


def test_a_month_is_drawn_once_for_everybody_who_reviewed(
    session: Session, card: ScorecardVersion, leads: list[User], ann: User
) -> None:
    reviews = [reviewed(session, card, ann) for _ in range(7)]
    reviewed(session, card, ann, state=ReviewState.DRAFT, submitted_at=None)
    reviewed(session, card, ann, submitted_at=DURING - timedelta(days=40))
    own = reviewed(session, card, leads[0])

    drawn = draw_checks(session, OCTOBER, by=leads[0], zone=SHANGHAI)

    by_inspector = {one.inspector.name: one for one in drawn.made}
    assert set(by_inspector) == {"Ann", "Lena"}
    assert {entry.review_id for entry in by_inspector["Ann"].entries} < {review.id for review in reviews}
    assert len(by_inspector["Ann"].entries) == 5
    assert [entry.review_id for entry in by_inspector["Lena"].entries] == [own.id]
    assert by_inspector["Lena"].checker is leads[1]  # never of the own work
    told = session.scalars(select(Notification).where(Notification.kind == "check.assigned")).all()
    assert {one.user_id for one in told} == {one.checker_id for one in drawn.made}
    again = draw_checks(session, OCTOBER, by=leads[0], zone=SHANGHAI)
    assert (again.made, again.without_checker) == ([], [])


def test_the_only_lead_is_checked_by_nobody(session: Session, card: ScorecardVersion) -> None:
    lead = make_user(session, Role.LEAD, "lena")
    reviewed(session, card, lead)

    drawn = draw_checks(session, OCTOBER, by=lead, zone=SHANGHAI)

    assert (drawn.made, drawn.without_checker) == ([], [lead])


def test_what_cannot_be_drawn_is_refused(session: Session, leads: list[User], ann: User) -> None:
    for month, by, words in [
        (OCTOBER, ann, "Only leads"),
        (Period.parse("2099-01"), leads[0], "has begun"),
        (Period.parse("2025-W40"), leads[0], "has begun"),
        (OCTOBER, leads[0], "Nobody submitted"),
    ]:
        with pytest.raises(Refused, match=words):
            draw_checks(session, month, by=by, zone=SHANGHAI)


@given(st.dictionaries(st.integers(1, 60), st.integers(1, 6) | st.none(), max_size=40), st.integers(1, 8), st.text())
def test_a_seed_draws_the_same_and_every_agent_before_a_second(
    reviews: dict[int, int | None], count: int, seed: str
) -> None:
    found = drawn_reviews(reviews, count, seed)

    assert found == drawn_reviews(dict(reversed(reviews.items())), count, seed)
    assert len(found) == len(set(found)) == min(count, len(reviews))
    agents = [reviews[review] for review in found]
    assert len(set(agents)) == min(count, len(set(reviews.values())))


def test_the_score_is_made_of_reviews_and_month_by_their_weights(
    session: Session, card: ScorecardVersion, leads: list[User], ann: User
) -> None:
    for _ in range(2):
        reviewed(session, card, ann)
    check = checked(session, leads)
    first, second = check.entries
    # The first review misses half of K1 (20 of 65) and has no fatal item; all else is full, but the month's coverage.
    entry = CheckEntry(
        GOOD | {"K6": "1"},
        {first.id: GOOD | {"K1": "2", "K4": "na"}, second.id: GOOD},
        {first.id: " Say which words. "},
        "Good month",
    )

    with pytest.raises(Refused, match="another lead"):
        submit_check(session, check, entry, by=next(one for one in leads if one.id != check.checker_id))
    save_check(session, check, CheckEntry({}, {}), by=check.checker)
    with pytest.raises(Refused) as caught:
        submit_check(session, check, CheckEntry(GOOD, {first.id: GOOD}), by=check.checker)
    assert caught.value.field == f"{second.id}-K1"
    submit_check(session, check, entry, by=check.checker)

    assert (first.score, second.score) == (80.0, 100.0)  # 40 of 50, 65 of 65
    assert check.score == pytest.approx(0.65 * 90 + 0.35 * 100 * 25 / 35, abs=0.01)
    assert first.comment == "Say which words."
    with pytest.raises(Refused, match="cannot be changed"):
        save_check(session, check, entry, by=check.checker)
    told = session.scalars(select(Notification).where(Notification.kind == "check.submitted")).one()
    assert told.user_id == ann.id
    assert "which words" not in str([event.details for event in session.scalars(select(AuditEvent))])


def test_who_sees_a_check(session: Session, card: ScorecardVersion, leads: list[User], ann: User) -> None:
    reviewed(session, card, ann)
    reviewed(session, card, leads[0])
    draw_checks(session, OCTOBER, by=leads[0], zone=SHANGHAI)

    def seen_by(user: User) -> list[str]:
        return sorted(one.inspector.name for one in session.scalars(visible_checks(user)))

    assert seen_by(leads[0]) == ["Ann"]  # the own one only when it is done
    assert seen_by(leads[1]) == ["Ann", "Lena"]
    assert seen_by(ann) == []
    for check in session.scalars(select(ReviewerCheck)).all():
        submit_check(session, check, CheckEntry(GOOD, {one.id: GOOD for one in check.entries}), by=check.checker)
    assert seen_by(leads[0]) == ["Ann", "Lena"]
    assert seen_by(ann) == ["Ann"]
    assert seen_by(make_user(session, Role.SUPERVISOR)) == []


def test_another_lead_takes_over(session: Session, card: ScorecardVersion, leads: list[User], ann: User) -> None:
    reviewed(session, card, leads[0])
    check = checked(session, leads)
    third = make_user(session, Role.LEAD, "mona")

    with pytest.raises(Refused, match="never of the own work"):
        take_over(session, check, by=leads[0])
    with pytest.raises(Refused, match="never of the own work"):
        take_over(session, check, by=ann)
    take_over(session, check, by=third)
    assert check.checker is third


def test_what_the_records_say_of_a_review_is_suggested(
    session: Session, card: ScorecardVersion, leads: list[User], ann: User
) -> None:
    plain = reviewed(session, card, ann)
    busy = reviewed(session, card, ann, marks={"S1": "not_met", "S2": "partly", "R1": "met", "R2": "met"}, raw=80.0)
    make_auto_score(session, busy.call, card, fatal_suspected=True)
    busy.marks[0].comment, busy.marks[0].at_seconds = "never said", 3.0
    busy.marks[1].auto_answer = "partly"
    other = make_user(session, Role.INSPECTOR, "ben")
    reviewed(session, card, other, busy.call, marks={"S1": "not_met", "S2": "met", "R1": "met", "R2": "met"}, raw=90.0)

    facts = review_facts(session, checked(session, leads))

    assert facts[plain.id].suggested == {"K1": "na", "K2": "na", "K3": "na", "K4": "na"}
    found = facts[busy.id]
    assert (len(found.marked_down), found.with_reason, found.with_moment) == (2, 1, 2)
    assert (found.equal, found.compared, found.gap, found.fatal) == (3, 4, 10.0, True)
    assert found.suggested == {"K1": "1", "K2": "2", "K3": "3"}  # a fatal item: a person has to listen


def test_what_the_records_say_of_the_month_is_suggested(
    session: Session, card: ScorecardVersion, leads: list[User], ann: User
) -> None:
    agents = [make_agent(session) for _ in range(2)]
    calls = [make_call(session, agent=agents[i % 2], started_at=DURING + timedelta(hours=i)) for i in range(4)]
    for call in calls:
        make_auto_score(session, call, card)
    plan = SamplingPlan(name="plan", rules={})
    draw = Draw(
        plan=plan, week="2025-W41", part=1, begins_at=DURING, ends_at=DURING + timedelta(days=1), begins_share="0",
        ends_share="1", due_on=DURING.date(), seed="s", method="m", rules="{}", eligible_hash="", eligible_count=0,
        eligible=b"", left_out={},
    )  # fmt: skip
    for place, call in enumerate(calls):
        review = reviewed(session, card, ann, call, submitted_at=DURING + timedelta(days=place // 3))
        sampled = SampledCall(
            draw=draw, call=call, agent=call.agent, reason=ReviewReason.RANDOM, why="simple", stratum="", probability=1
        )
        due = DURING.date()
        sampled.assignments.append(ReviewAssignment(inspector=ann, due_on=due, first_due_on=due))
        session.add(sampled)
        for item, state in [("S1", AppealState.UPHELD), ("S2", AppealState.KEPT)][: 2 if place == 0 else 0]:
            session.add(
                Appeal(
                    review=review, item=item, state=state, raised_by=leads[0], reason="no", due_at=DURING,
                    decided_at=DURING,
                )
            )  # fmt: skip
    session.flush()

    found = month_facts(session, checked(session, leads), zone=SHANGHAI)

    assert (found.reviews, found.agents, found.due, found.on_time) == (4, 2, 4, 3)
    assert (found.even_agents, found.even_hours) == (1, 1)
    assert (found.appeals, found.overturned) == (2, 1)
    assert found.suggested == {"K5": "1", "K6": "3", "K7": "1"}


def test_evenness_and_likeness() -> None:
    assert evenness({}) is None
    assert evenness({"a": 3}) == 1
    assert likeness({}, {1: 2}) is None
    assert likeness({1: 2, 2: 2}, {1: 5, 2: 5}) == 1
    assert likeness({1: 4}, {2: 4}) == 0


def test_checks_are_due_after_the_month(session: Session) -> None:
    assert due_day(OCTOBER, date(2025, 10, 1)) == date(2025, 11, 7)  # five working days after the 31st
    assert due_day(OCTOBER, date(2025, 11, 10)) == date(2025, 11, 17)


def test_the_sheet_weighs_100(session: Session) -> None:
    assert [item.id for item in items_of("review")] == ["K1", "K2", "K3", "K4"]
    assert sum(item.weight for item in reviewer_sheet().items) == 100
