"""Calibration: blind until results open, never counted, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Agent,
    AuditEvent,
    CalibrationSession,
    Call,
    CallState,
    Draw,
    Notification,
    Review,
    ReviewAssignment,
    ReviewMark,
    ReviewReason,
    ReviewState,
    Role,
    SampledCall,
    SamplingPlan,
    ScorecardVersion,
    User,
)
from models.base import now
from qa.agent_evidence import evidence_behind, item_rates, item_table
from qa.agent_scores import agent_scores
from qa.calibration import (
    NewCalibration,
    close_calibration,
    close_due_calibrations,
    conclude_calibration,
    create_calibration,
    extend_calibration,
    may_take_part,
    progress,
    results_open,
    visible_calibrations,
    waiting_calibrations,
)
from qa.calibration_results import calibration_results, similar_calls
from qa.calls import CallFilter, calls_to_judge, find_calls, reviews_seen_by
from qa.complaint_check import sightings
from qa.error_rates import critical_errors
from qa.indicator_facts import Reviewed
from qa.inspectors import inspection
from qa.periods import Period
from qa.published import pending
from qa.refusals import Refused
from qa.risk import train_risk
from qa.sampling import agent_spreads, eligible_calls
from qa.sampling_planner import what_is_known
from qa.sampling_rules import PlanRules
from scoring.risk import TooFewReviews
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_team, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
OCTOBER = Period.parse("2026-10")
DURING = datetime(2026, 10, 10, 3, tzinfo=UTC)
FINE = {"S1": "met", "R1": "met", "X1": "met"}


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def lead(session: Session) -> User:
    return make_user(session, Role.LEAD, "lena")


@pytest.fixture
def inspectors(session: Session) -> list[User]:
    return [make_user(session, Role.INSPECTOR, name) for name in ("ann", "ben", "cora")]


@pytest.fixture
def calls(session: Session, card: ScorecardVersion) -> list[Call]:
    agent = make_agent(session)
    found = [make_call(session, agent=agent, started_at=DURING + timedelta(hours=hour)) for hour in range(3)]
    for call in found:
        make_auto_score(session, call, card, raw=80.0, marks=[("S1", "not_met", 0.0, 4.0)])
    return found


def opened(session: Session, lead: User, calls: list[Call], people: list[User], **changes: Any) -> CalibrationSession:
    new: dict[str, Any] = {
        "name": "Greeting",
        "scorecard_version_id": calls[0].auto_score.scorecard_version_id if calls[0].auto_score else 0,
        "call_ids": [call.id for call in calls],
        "participant_ids": [user.id for user in people],
        "expert_id": people[0].id,
        "due_at": now() + timedelta(days=2),
    }
    return create_calibration(session, NewCalibration(**(new | changes)), by=lead)


def submitted(
    session: Session,
    call: Call,
    inspector: User,
    card: ScorecardVersion,
    calibration: CalibrationSession | None,
    marks: Mapping[str, str] = FINE,
    *,
    raw: float = 90.0,
    state: ReviewState = ReviewState.SUBMITTED,
) -> Review:
    review = Review(
        call=call,
        inspector=inspector,
        scorecard=card,
        reason=ReviewReason.RANDOM,
        state=state,
        raw=raw,
        final=raw,
        fatal_confirmed=sum(answer == "not_met" for item, answer in marks.items() if item.startswith("X")),
        calibration_id=calibration.id if calibration else None,
        submitted_at=None if state is ReviewState.DRAFT else DURING,
        released_at=DURING if state is ReviewState.RELEASED else None,
        marks=[ReviewMark(item=item, answer=answer) for item, answer in marks.items()],
    )
    session.add(review)
    session.flush()
    return review


def test_everybody_who_takes_part_is_told_once(
    session: Session, lead: User, calls: list[Call], inspectors: list[User]
) -> None:
    made = opened(session, lead, calls, inspectors)

    told = session.scalars(select(Notification).where(Notification.kind == "calibration.invited")).all()
    assert {one.user_id for one in told} == {user.id for user in inspectors}
    assert {(one.subject_kind, one.subject_id) for one in told} == {("calibration", made.id)}
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "calibration.created")).one()
    assert event.details["calls"] == [call.id for call in calls]
    assert [one.position for one in made.calls] == [1, 2, 3]
    assert [one.user.name for one in made.participants if one.expert] == ["Ann"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"scorecard_version_id": 999}, "scorecard"),
        ({"call_ids": []}, "calls"),
        ({"call_ids": [999]}, "calls"),
        ({"participant_ids": []}, "participants"),
        ({"participant_ids": [999, 998]}, "participants"),
        ({"expert_id": 999}, "expert"),
        ({"due_at": datetime(2026, 1, 1, tzinfo=UTC)}, "due_at"),
    ],
)
def test_what_is_missing_or_wrong_is_refused(
    session: Session, lead: User, calls: list[Call], inspectors: list[User], changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as caught:
        opened(session, lead, calls, inspectors, **changes)

    assert caught.value.field == field


def test_only_leads_open_and_nobody_judges_the_own_team(
    session: Session, lead: User, calls: list[Call], inspectors: list[User]
) -> None:
    with pytest.raises(Refused, match="Only leads"):
        opened(session, inspectors[0], calls, inspectors)
    team = make_team(session)
    inspectors[1].team = team
    own = make_call(session, agent=make_agent(session, team=team))
    with pytest.raises(Refused, match=r"Ben cannot take part .* own team"):
        opened(session, lead, [*calls, own], inspectors)
    waiting = make_call(session, state=CallState.RECEIVED)
    with pytest.raises(Refused, match="not scored yet"):
        opened(session, lead, [*calls, waiting], inspectors)


def test_results_open_when_all_are_in_when_time_is_up_or_when_a_lead_says_so(
    session: Session, lead: User, card: ScorecardVersion, calls: list[Call], inspectors: list[User]
) -> None:
    made = opened(session, lead, calls[:1], inspectors[:2])
    submitted(session, calls[0], inspectors[0], card, made)
    draft = submitted(session, calls[0], inspectors[1], card, made, state=ReviewState.DRAFT)

    assert not results_open(session, made)
    assert close_due_calibrations(session) == 0
    assert [(one.participant.user.name, one.submitted) for one in progress(session, made)] == [("Ann", 1), ("Ben", 0)]

    draft.state, draft.submitted_at = ReviewState.SUBMITTED, DURING
    session.flush()
    assert results_open(session, made)
    assert close_due_calibrations(session) == 1
    assert made.closed_at is not None
    assert close_due_calibrations(session) == 0
    told = session.scalars(select(Notification).where(Notification.kind == "calibration.closed")).all()
    assert {one.user_id for one in told} == {user.id for user in inspectors[:2]}

    late = opened(session, lead, calls[1:2], inspectors[:2])
    late.due_at = now() - timedelta(minutes=1)
    assert results_open(session, late)
    with pytest.raises(Refused, match="results are open"):
        extend_calibration(session, late, now() + timedelta(days=1), by=lead)

    early = opened(session, lead, calls[2:], inspectors[:2])
    extend_calibration(session, early, early.due_at + timedelta(days=1), by=lead)
    with pytest.raises(Refused, match="later than the old"):
        extend_calibration(session, early, early.due_at - timedelta(hours=1), by=lead)
    with pytest.raises(Refused, match="when the results are open"):
        conclude_calibration(session, early, "Say it in the first turn.", by=lead)
    close_calibration(session, early, by=lead)
    conclude_calibration(session, early, "Say it in the first turn.", by=lead)
    assert early.conclusion == "Say it in the first turn."
    with pytest.raises(Refused, match="closed"):
        close_calibration(session, early, by=lead)
    assert "first turn" not in str([one.details for one in session.scalars(select(AuditEvent))])


def test_who_may_enter_what(
    session: Session, lead: User, calls: list[Call], inspectors: list[User], card: ScorecardVersion
) -> None:
    made = opened(session, lead, calls[:2], inspectors[:2])

    assert may_take_part(session, inspectors[0], calls[0], made) is None
    assert may_take_part(session, inspectors[2], calls[0], made) is not None
    assert may_take_part(session, inspectors[0], calls[2], made) is not None
    assert waiting_calibrations(session, inspectors[0]) == [(made, 2)]
    assert waiting_calibrations(session, inspectors[2]) == []
    close_calibration(session, made, by=lead)
    assert may_take_part(session, inspectors[0], calls[0], made) is not None
    assert waiting_calibrations(session, inspectors[0]) == []
    assert session.scalars(visible_calibrations(inspectors[0])).all() == [made]
    assert session.scalars(visible_calibrations(inspectors[2])).all() == []
    assert session.scalars(visible_calibrations(lead)).all() == [made]


def test_results_compare_with_the_expert_and_find_what_to_reword(
    session: Session, lead: User, card: ScorecardVersion, inspectors: list[User]
) -> None:
    agent = make_agent(session)
    calls = [make_call(session, agent=agent, started_at=DURING + timedelta(hours=hour)) for hour in range(6)]
    for call in calls:
        make_auto_score(session, call, card)
    ann, ben, cora = inspectors
    made = opened(session, lead, calls, inspectors)
    for place, call in enumerate(calls):
        even = "met" if place % 2 else "not_met"
        submitted(session, call, ann, card, made, FINE | {"S1": even}, raw=80 + place)
        submitted(session, call, ben, card, made, FINE | {"S1": "met"}, raw=90 + place)
        if place < 5:  # Cora did not get to the last one.
            submitted(session, call, cora, card, made, FINE | {"S1": even}, raw=82 + place)

    found = calibration_results(session, made)

    assert [(one.user.name, one.expert, one.submitted) for one in found.people] == [
        ("Ann", True, 6), ("Ben", False, 6), ("Cora", False, 5),
    ]  # fmt: skip
    by_name = {one.user.name: one for one in found.people}
    assert (by_name["Ben"].mean_gap, by_name["Ben"].milder) == (10, 10)
    assert (by_name["Cora"].mean_gap, by_name["Cora"].milder) == (2, 2)
    assert by_name["Cora"].agreement is not None
    assert by_name["Cora"].agreement.share == 1
    assert by_name["Ben"].kappa is not None
    assert by_name["Ben"].kappa.value == 0  # always the same answer: no more than chance
    items = {one.item: one for one in found.items}
    assert [item for item, one in items.items() if one.reword] == ["S1"]
    assert items["S1"].agreement is not None
    assert (items["S1"].agreement.agreed, items["S1"].agreement.n) == (10, 16)
    assert items["S1"].answers[calls[0].id, ben.id] == "met"
    assert items["R1"].agreement is not None
    assert items["R1"].agreement.alpha is None
    assert [one.spread for one in found.calls] == [10] * 6
    assert len(found.apart) == 6
    assert found.totals is not None
    assert (found.totals.calls, found.totals.people) == (5, 3)
    assert found.totals.consistency.value == pytest.approx(1)


def test_similar_calls_miss_the_same_items_and_may_be_judged_by_all(
    session: Session, lead: User, card: ScorecardVersion, inspectors: list[User]
) -> None:
    def scored(raw: float, missed: list[str], agent: Agent | None = None) -> Call:
        call = make_call(session, agent=agent)
        make_auto_score(session, call, card, raw=raw, marks=[(item, "not_met", 0.0, 4.0) for item in missed])
        return call

    team = make_team(session)
    centre = scored(70, ["S1", "S2"])
    near, other, far = scored(60, ["S1", "S2"]), scored(70, ["S1"]), scored(71, [])
    own = scored(70, ["S1", "S2"], make_agent(session, team=team))
    made = opened(session, lead, [centre], inspectors[:2])
    inspectors[0].team = team
    submitted(session, centre, inspectors[0], card, made, raw=70)
    submitted(session, centre, inspectors[1], card, made, raw=95)

    found = similar_calls(session, made, calibration_results(session, made), 3)

    assert found == [near, other, far]
    assert own not in found


def test_a_second_inspector_knows_nothing_of_the_first(
    session: Session, lead: User, card: ScorecardVersion, calls: list[Call], inspectors: list[User]
) -> None:
    first = submitted(session, calls[0], inspectors[0], card, None, state=ReviewState.RELEASED)
    made = opened(session, lead, calls[:1], inspectors[1:])

    def seen_by(user: User) -> tuple[list[Review], float | None]:
        judging = calls[0].id in calls_to_judge(session, user, [calls[0].id])
        listed = find_calls(session, user, CallFilter(), zone=SHANGHAI).rows
        shown = reviews_seen_by(user, [first], judging=judging)
        return shown, next(row.human_score for row in listed if row.call.id == calls[0].id)

    assert seen_by(inspectors[1]) == ([], None)
    assert seen_by(inspectors[0]) == ([first], 90)
    close_calibration(session, made, by=lead)
    assert seen_by(inspectors[1]) == ([first], 90)


def test_a_drawn_call_is_judged_without_the_other_inspectors_review(
    session: Session, card: ScorecardVersion, calls: list[Call], inspectors: list[User]
) -> None:
    first = submitted(session, calls[0], inspectors[0], card, None)
    draw = Draw(
        plan=SamplingPlan(name="plan", rules={}), week="2026-W41", part=1, begins_at=DURING,
        ends_at=DURING + timedelta(days=1), begins_share="0",
        ends_share="1", due_on=DURING.date(), seed="s", method="m", rules="{}", eligible_hash="",
        eligible_count=0, eligible=b"", left_out={},
    )  # fmt: skip
    sampled = SampledCall(
        draw=draw, call=calls[0], agent=calls[0].agent, reason=ReviewReason.RANDOM, why="simple", stratum="",
        probability=1, joint=True,
    )  # fmt: skip
    for second, inspector in enumerate(inspectors[:2]):
        due = DURING.date()
        sampled.assignments.append(
            ReviewAssignment(inspector=inspector, second=bool(second), due_on=due, first_due_on=due)
        )
    session.add(sampled)
    session.flush()
    ids = [call.id for call in calls]

    assert calls_to_judge(session, inspectors[0], ids) == set()  # submitted
    assert calls_to_judge(session, inspectors[1], ids) == {calls[0].id}
    assert calls_to_judge(session, inspectors[2], ids) == set()
    assert calls_to_judge(session, make_user(session, Role.SUPERVISOR), ids) == set()
    own = submitted(session, calls[0], inspectors[1], card, None)
    assert calls_to_judge(session, inspectors[1], ids) == set()
    assert reviews_seen_by(inspectors[1], [first, own]) == [first, own]


def learnt(session: Session, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return what the risk model would learn from."""
    given: list[object] = []

    def train(calls: Sequence[object], scores: Sequence[float], agents: Sequence[str]) -> NoReturn:
        given.extend([calls, scores, agents])
        raise TooFewReviews("enough seen")

    monkeypatch.setattr("scoring.risk.train", train)
    with pytest.raises(TooFewReviews):
        train_risk(session)
    return given


def everything(session: Session, user: User, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return all that reviews feed, as far as it can be compared."""
    scores = agent_scores(session, OCTOBER, zone=SHANGHAI)
    evidence = evidence_behind(session, agent.id, OCTOBER, zone=SHANGHAI)
    begins, ends = OCTOBER.bounds(SHANGHAI)
    eligible = eligible_calls(session, PlanRules(), begins, ends, zone=SHANGHAI)
    rows = find_calls(session, user, CallFilter(), zone=SHANGHAI).rows
    ids = [row.call.id for row in rows]
    return {
        "scores": [row.score for row in scores],
        "evidence": [review.id for review in evidence.reviews],
        "items": item_rates(session, agent.id, OCTOBER, zone=SHANGHAI),
        "table": item_table(session, [agent.id], OCTOBER, zone=SHANGHAI),
        "errors": critical_errors(session, OCTOBER, zone=SHANGHAI).centre(),
        "facts": Reviewed(session, OCTOBER, SHANGHAI).marks({card_key(session): ("S1", "R1")}),
        "inspectors": inspection(session, OCTOBER, zone=SHANGHAI),
        "pending": pending(session, OCTOBER, zone=SHANGHAI),
        "eligible": eligible.frame.units,
        "left out": dict(eligible.left_out),
        "spread": agent_spreads(session, [agent.number], ends),
        "list": [(row.call.id, row.human_score, row.review_state) for row in rows],
        "reviewed": [row.call.id for row in find_calls(session, user, CallFilter(reviewed=True), zone=SHANGHAI).rows],
        "sightings": sightings(session, ids),
        "planner": what_is_known(session, ends),
        "learnt": learnt(session, monkeypatch),
    }


def card_key(session: Session) -> str:
    return session.scalars(select(ScorecardVersion.key)).first() or ""


def test_a_calibrations_reviews_count_nowhere(
    session: Session,
    lead: User,
    card: ScorecardVersion,
    calls: list[Call],
    inspectors: list[User],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Zero points and a confirmed fatal item, submitted and, against the rules, even released: nothing moves."""
    agent = calls[0].agent
    assert agent is not None
    submitted(session, calls[0], inspectors[0], card, None, raw=92, state=ReviewState.RELEASED)
    submitted(session, calls[1], inspectors[0], card, None, raw=88, state=ReviewState.RELEASED)
    outsider = make_user(session, Role.LEAD, "olga")
    before = everything(session, outsider, agent, monkeypatch)

    made = opened(session, lead, calls, inspectors[:2])
    worst = {"S1": "not_met", "R1": "not_met", "X1": "not_met"}
    for call in calls:
        for place, inspector in enumerate(inspectors[:2]):
            state = ReviewState.RELEASED if place else ReviewState.SUBMITTED
            submitted(session, call, inspector, card, made, worst, raw=0, state=state)
    session.expire_all()

    after = everything(session, outsider, agent, monkeypatch)
    for what, value in before.items():
        assert repr(after[what]) == repr(value), what  # as text: some figures are nan
