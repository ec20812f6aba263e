"""A week's sample from the calls in the database to the inspectors' tasks, and its proof."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from models import (
    Agent,
    AuditEvent,
    Call,
    CallState,
    Complaint,
    Draw,
    Review,
    ReviewAssignment,
    ReviewReason,
    ReviewState,
    Role,
    SampledCall,
    SamplingPlan,
    TestCall,
    User,
)
from qa.criteria import card_of
from qa.periods import Period
from qa.refusals import Refused
from qa.review_import import import_reviews
from qa.sampling import (
    draw_calls,
    drawn_reason,
    eligible_calls,
    plan_named,
    proof_of,
    review_probabilities,
    review_reason,
    store_plan,
    verify_draw,
    verify_proof,
)
from qa.sampling_planner import compare_shares, preview, reviews_to_tell, what_is_known
from qa.sampling_rules import PlanRules, read_rules
from qa.sampling_work import (
    assign_one,
    bias_report,
    draw_week,
    joint_counts,
    move_assignment,
    open_tasks,
    progress,
    too_few_joint,
    withdraw,
)
from qa.working_days import Calendar, WorkingDays
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_team, make_user

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = Period.parse("2026-W46")
START, END = WEEK.bounds(ZONE)
MONTH = Period.parse("2026-11")
AFTER = END + timedelta(hours=1)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    factory: sessionmaker[Session] = request.getfixturevalue(
        "factory" if request.param == "sqlite" else "postgresql_factory"
    )
    with factory() as opened:
        yield opened


@pytest.fixture
def hotline(session: Session) -> list[Agent]:
    """Four agents of two teams with ten scored calls each, and three inspectors."""
    card = make_scorecard(session)
    agents = [
        make_agent(session, f"07{i:02}", team=team)
        for team in (make_team(session), make_team(session))
        for i in range(2 * team.id, 2 * team.id + 2)
    ]
    for agent in agents:
        for i in range(10):
            call = make_call(session, agent=agent, started_at=START + timedelta(hours=15 * i, minutes=agent.id))
            make_auto_score(session, call, card, raw=95.0 - 5 * i)
    for name in ("ann", "ben", "cai"):
        make_user(session, Role.INSPECTOR, name)
    session.flush()
    return agents


def drawn(session: Session, **rules: object) -> Draw:
    plan = store_plan(session, "weekly", read_rules(rules))
    return draw_week(session, WEEK, zone=ZONE, plan=plan, at=AFTER)


def review(session: Session, call: Call, inspector: User) -> None:
    session.add(
        Review(
            call=call,
            inspector=inspector,
            scorecard=call.auto_score.scorecard,  # type: ignore[union-attr]
            reason=ReviewReason.RANDOM,
            state=ReviewState.SUBMITTED,
            final=80.0,
            raw=80.0,
            submitted_at=AFTER + timedelta(days=1),
        )
    )
    session.flush()


def test_each_agent_gets_two_calls_with_their_probability(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session)

    assert Counter(one.agent_id for one in made.calls) == {agent.id: 2 for agent in hotline}
    assert {one.probability for one in made.calls} == {0.2}
    assert {one.reason for one in made.calls} == {ReviewReason.RANDOM}
    assert review_probabilities(session, [one.call_id for one in made.calls] + [10**6]) == {
        one.call_id: 0.2 for one in made.calls
    }
    assert made.eligible_count == 40


def test_a_call_that_two_plans_could_draw_has_the_chance_of_either(session: Session, hotline: list[Agent]) -> None:
    weekly = drawn(session)
    second = store_plan(session, "second", read_rules({"per_agent": 5, "agents": [hotline[0].number], "picks": []}))
    other = draw_week(session, WEEK, zone=ZONE, plan=second, at=AFTER)

    found = review_probabilities(session, [one.call_id for one in [*weekly.calls, *other.calls]])

    # 2 and 5 of 10: at least one takes a call in 1 - 0.8 * 0.5 of the draws, whether both took it or not.
    shared = {call.id for call in session.scalars(select(Call).where(Call.agent_id == hotline[0].id))}
    assert {round(found[call], 9) for call in found.keys() & shared} == {0.6}
    assert {found[call] for call in found.keys() - shared} == {0.2}


@pytest.mark.slow
def test_weights_of_overlapping_plans_give_the_mean_without_bias(session: Session, hotline: list[Agent]) -> None:
    agent = hotline[0]
    calls = session.scalars(select(Call).where(Call.agent == agent)).all()
    raw = {call.id: float(call.auto_score.raw or 0) for call in calls if call.auto_score}
    totals, numbers = [], []
    for seed in range(60):
        plans = [
            store_plan(
                session, f"{name}{seed}", read_rules({"per_agent": n, "agents": [agent.number], "picks": []} | how)
            )
            for name, n, how in (("a", 2, {"design": "risk", "floor": 25}), ("b", 4, {}))
        ]
        made = [draw_calls(session, WEEK, zone=ZONE, plan=plan, seed=f"{plan.name}", at=AFTER) for plan in plans]
        session.expire_all()
        chosen = {one.call_id for draw in made for one in draw.calls}
        chances = review_probabilities(session, chosen)
        totals.append(sum(raw[call] / chances[call] for call in chosen))
        numbers.append(sum(1 / chances[call] for call in chosen))
        for draw in made:
            for one in draw.calls:
                session.delete(one)
            session.delete(draw)
        session.flush()

    spread = statistics.stdev(numbers) / math.sqrt(len(numbers))
    assert statistics.mean(numbers) == pytest.approx(10, abs=3 * spread)
    assert statistics.mean(totals) == pytest.approx(sum(raw.values()), rel=3 * spread / 10)


def test_new_agents_get_more(session: Session, hotline: list[Agent]) -> None:
    hotline[0].hired_on = date(2026, 9, 1)
    hotline[1].hired_on = date(2026, 1, 1)

    made = drawn(session)

    assert Counter(one.agent_id for one in made.calls)[hotline[0].id] == 5
    assert Counter(one.agent_id for one in made.calls)[hotline[1].id] == 2


def test_a_budget_goes_where_scores_differ_most(session: Session, hotline: list[Agent]) -> None:
    inspector = session.scalars(select(User)).first()
    assert inspector is not None
    for agent, finals in zip(hotline, [(40, 100, 60, 95)] + [(90, 91, 90, 91)] * 3, strict=True):
        for i, final in enumerate(finals):
            call = make_call(session, agent=agent, started_at=START - timedelta(days=i + 1))
            make_auto_score(session, call, make_scorecard(session))
            review(session, call, inspector)
            past = call.reviews[0]
            past.state, past.released_at, past.final = ReviewState.RELEASED, AFTER, float(final)
    session.flush()

    made = drawn(session, budget=12)

    counts = Counter(one.agent_id for one in made.calls)
    assert sum(counts.values()) == 12
    assert counts[hotline[0].id] == max(counts.values()) > 3
    assert min(counts.values()) == 2


@pytest.mark.parametrize(
    ("fields", "rules", "why"),
    [
        ({"duration": 10.0}, {}, "too_short"),
        ({"duration": 900.0}, {"max_seconds": 600}, "too_long"),
        ({"state": CallState.NOT_GRADABLE}, {}, "state"),
        ({"direction": "outbound"}, {"directions": ["inbound"]}, "direction"),
        ({"language": "en-GB"}, {"languages": ["zh"]}, "language"),
        ({}, {"outages": [{"begins": "2026-11-11 00:00", "ends": "2026-11-12 00:00"}]}, "outage"),
    ],
)
def test_what_is_not_eligible_is_left_out_and_counted(
    session: Session, fields: dict[str, object], rules: dict[str, object], why: str
) -> None:
    make_call(session, started_at=datetime(2026, 11, 11, 4, tzinfo=UTC), **fields)  # type: ignore[arg-type]

    found = eligible_calls(session, read_rules(rules), START, END, zone=ZONE)

    assert not found.frame.units
    assert found.left_out == {why: 1}


def test_test_calls_and_reviewed_calls_are_left_out(session: Session, hotline: list[Agent]) -> None:
    calls = session.scalars(select(Call).order_by(Call.id)).all()
    session.add(
        TestCall(
            source="MS", sheet="s/1", dialled_at=START, staff_number="1", status="matched", call=calls[0], answers={}
        )
    )
    review(session, calls[1], session.scalars(select(User)).all()[0])

    found = eligible_calls(session, PlanRules(), START, END, zone=ZONE)

    assert found.left_out == {"test_call": 1, "reviewed": 1}
    again = eligible_calls(session, PlanRules(reviewed=True), START, END, zone=ZONE)
    assert again.left_out == {"test_call": 1}


def test_teams_agents_and_queues_narrow_a_plan(session: Session, hotline: list[Agent]) -> None:
    assert hotline[0].team is not None
    of_team = eligible_calls(session, PlanRules(teams=(hotline[0].team.name,)), START, END, zone=ZONE)
    of_agent = eligible_calls(session, PlanRules(agents=(hotline[3].number,)), START, END, zone=ZONE)
    of_queue = eligible_calls(session, PlanRules(queues=("cards",)), START, END, zone=ZONE)

    assert [len(found.frame.units) for found in (of_team, of_agent, of_queue)] == [20, 10, 0]


def test_suspicious_calls_come_on_top_and_apart(session: Session, hotline: list[Agent]) -> None:
    calls = session.scalars(select(Call).order_by(Call.id)).all()
    for call in calls[:6]:
        call.auto_score.fatal_suspected = True  # type: ignore[union-attr]
    session.add(Complaint(external_id="c1", received_at=START, happened_at=START, call=calls[0]))
    session.flush()

    made = drawn(session, max_picks=3)

    picks = [one for one in made.calls if one.reason is not ReviewReason.RANDOM]
    assert len(made.calls) == 8 + len(picks)
    assert 1 <= len(picks) <= 3
    assert all(one.probability is None for one in picks)
    assert set(review_probabilities(session, [one.call_id for one in picks])) == set()
    random_calls = {one.call_id for one in made.calls if one.reason is ReviewReason.RANDOM}
    complained = [one for one in picks if one.why == "complaint"]
    assert bool(complained) != (calls[0].id in random_calls)
    assert {drawn_reason(session, one.call_id) for one in complained} <= {ReviewReason.COMPLAINT}


@pytest.mark.parametrize(
    "rules",
    [{"design": "risk"}, {"design": "stratified", "strata": "risk"}, {"design": "stratified", "strata": "queue"}],
)
def test_every_design_can_be_proven(session: Session, hotline: list[Agent], rules: dict[str, object]) -> None:
    made = drawn(session, **rules)

    assert verify_draw(session, made, zone=ZONE).proven
    assert len(made.calls) == 8


def test_risk_prefers_calls_with_low_automatic_scores(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session, design="risk", floor=10)

    chances = {one.call.auto_score.raw: one.probability for one in made.calls}  # type: ignore[union-attr]
    ordered = [chances[raw] for raw in sorted(chances)]
    assert ordered == sorted(ordered, reverse=True)


def test_a_draw_is_proven_from_a_file_alone_and_a_forged_one_is_not(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session, design="risk", joint_percent=50)
    proof = json.loads(json.dumps(proof_of(session, made)))

    assert verify_proof(proof).proven
    forgeries = [
        {**proof, "seed": "another"},
        {**proof, "drawn": proof["drawn"][1:]},
        {**proof, "eligible_hash": "0" * 64},
        {**proof, "drawn": [{**proof["drawn"][0], "probability": 0.5}, *proof["drawn"][1:]]},
        {**proof, "drawn": [*proof["drawn"], {**proof["drawn"][0], "call": "f" * 64}]},
    ]
    for forged in forgeries:
        assert not verify_proof(forged).proven
    with pytest.raises(Refused, match="no proof"):
        verify_proof({"format": "something"})
    with pytest.raises(Refused, match="no proof"):
        verify_proof({**proof, "eligible": {"units": 1}})


def test_a_changed_database_does_not_shake_the_proof_but_is_told(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session)
    make_call(session, agent=hotline[0], started_at=START + timedelta(hours=3))
    review(session, made.calls[0].call, session.scalars(select(User)).all()[0])

    found = verify_draw(session, made, zone=ZONE)

    assert found.proven
    assert found.late == 1


def test_a_stored_list_that_was_touched_is_found_out(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session)
    made.eligible = made.eligible[:-10]

    assert not verify_draw(session, made, zone=ZONE).proven


def test_a_week_drawn_in_parts_gives_each_agent_its_number_once(session: Session, hotline: list[Agent]) -> None:
    plan = plan_named(session, None)
    parts = [
        draw_week(session, WEEK, zone=ZONE, plan=plan, at=START + timedelta(days=day), seed="published")
        for day in (2, 4, 7)
    ]

    counts = Counter(one.agent_id for part in parts for one in part.calls)
    assert all(count == 2 for count in counts.values())
    assert len({one.call_id for part in parts for one in part.calls}) == 8
    assert all(verify_draw(session, part, zone=ZONE).proven for part in parts)
    assert sum(part.eligible_count for part in parts) == 40
    with pytest.raises(Refused, match="drawn already"):
        draw_calls(session, WEEK, zone=ZONE, plan=plan, at=AFTER)


def test_what_cannot_be_drawn_is_refused(session: Session) -> None:
    plan = plan_named(session, None)
    with pytest.raises(Refused, match="not begun"):
        draw_calls(session, WEEK, zone=ZONE, plan=plan, at=START - timedelta(seconds=1))
    with pytest.raises(Refused, match="is no week"):
        draw_calls(session, Period.parse("2026-11"), zone=ZONE, plan=plan, at=AFTER)
    with pytest.raises(Refused, match="No call"):
        draw_calls(session, WEEK, zone=ZONE, plan=plan, at=AFTER)
    assert session.scalar(select(func.count()).select_from(Draw)) == 0


def test_plans_are_found_by_name(session: Session) -> None:
    with pytest.raises(Refused, match="no plan other"):
        plan_named(session, "other")
    assert plan_named(session, None).name == "weekly"
    store_plan(session, "second", PlanRules())
    with pytest.raises(Refused, match="second, weekly"):
        plan_named(session, None)
    with pytest.raises(Refused, match="needs a name"):
        store_plan(session, " ", PlanRules())


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ({"per_agent": 1}, "per_agent"),
        ({"design": "magic"}, "design"),
        ({"colour": "red"}, "colour"),
        ({"design": "stratified"}, "strata"),
        ({"max_seconds": 10}, "max_seconds"),
        ({"outages": [{"begins": "2026-11-12 00:00", "ends": "2026-11-11 00:00"}]}, "outages"),
    ],
)
def test_rules_say_what_is_wrong_with_them(rules: dict[str, object], place: str) -> None:
    with pytest.raises(Refused, match=place):
        read_rules(rules)


# --- who reviews them -------------------------------------------------------------------------------------------


def tasks_of(session: Session, inspector: User) -> list[ReviewAssignment]:
    return list(session.scalars(open_tasks(inspector.id)))


def inspector(session: Session, login: str) -> User:
    return session.scalars(select(User).where(User.login == login)).one()


def test_calls_are_spread_evenly_and_never_to_the_own_team(session: Session, hotline: list[Agent]) -> None:
    ann = inspector(session, "ann")
    ann.team = hotline[0].team

    made = drawn(session, joint_percent=0, joint_least=0)

    loads = [len(tasks_of(session, inspector(session, login))) for login in ("ann", "ben", "cai")]
    assert sorted(loads) == [2, 3, 3]
    assert all(task.sampled.agent.team_id != ann.team_id for task in tasks_of(session, ann))
    assert made.due_on == date(2026, 11, 20)


def test_joint_calls_have_two_inspectors(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session, joint_percent=100)

    for one in made.calls:
        assert len({task.inspector_id for task in one.assignments}) == 2
        assert sorted(task.second for task in one.assignments) == [False, True]


def test_every_inspector_gets_two_joint_reviews_a_month(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session, joint_percent=0, per_agent=4)

    counts = joint_counts(session, MONTH, zone=ZONE)
    assert all(counts[user.id].joint >= 2 for user in session.scalars(select(User)))
    joint = [one for one in made.calls if one.joint]
    assert 3 <= len(joint) <= 6
    assert all(len(one.assignments) == 2 and one.reason is ReviewReason.RANDOM for one in joint)
    assert verify_draw(session, made, zone=ZONE).proven
    assert too_few_joint(session, MONTH, 2, zone=ZONE) == []


def test_joint_reviews_of_the_month_before_the_draw_count(session: Session, hotline: list[Agent]) -> None:
    drawn(session, joint_percent=100)
    for i in range(8):
        call = make_call(session, agent=hotline[0], started_at=START + timedelta(days=7, hours=i))
        make_auto_score(session, call, make_scorecard(session))
    plan = store_plan(session, "weekly", read_rules({"joint_percent": 0}))

    later = draw_week(session, WEEK.next(), zone=ZONE, plan=plan, at=AFTER + timedelta(days=7))

    assert [one.joint for one in later.calls] == [False, False]


def test_who_is_below_the_number_is_told(session: Session, hotline: list[Agent]) -> None:
    for user in session.scalars(select(User).where(User.login != "ann")):
        user.active = False
    drawn(session, joint_percent=0)

    found = too_few_joint(session, MONTH, 2, zone=ZONE)

    assert [(user.login, count.joint, count.reviews) for user, count in found] == [("ann", 0, 8)]


def test_a_joint_call_that_no_minimum_explains_is_found_out(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session, joint_percent=0, joint_least=0)
    made.calls[0].joint = True
    session.flush()

    assert not verify_draw(session, made, zone=ZONE).proven


def test_a_quota_leaves_calls_without_an_inspector_until_a_person_decides(
    session: Session, hotline: list[Agent]
) -> None:
    made = drawn(session, quota=2, joint_percent=0, joint_least=0)
    left = [one for one in made.calls if not one.assignments]
    assert len(left) == 2

    assign_one(session, left[0], inspector(session, "ann"), inspector(session, "ben"))

    assert len(tasks_of(session, inspector(session, "ann"))) == 3


def test_a_task_is_done_by_submitting_the_review(session: Session, hotline: list[Agent]) -> None:
    drawn(session, joint_percent=0, joint_least=0)
    ann = inspector(session, "ann")
    first, *rest = tasks_of(session, ann)

    review(session, first.sampled.call, ann)

    assert tasks_of(session, ann) == rest
    found = {one.inspector.login: one for one in progress(session, WEEK, zone=ZONE, today=date(2026, 11, 25))}
    assert found["ann"].done == 1
    assert found["ann"].by_day == {date(2026, 11, 17): 1}
    assert found["ann"].overdue == len(rest)
    assert sum(one.assigned for one in found.values()) == 8


def test_a_task_can_be_moved_but_not_to_somebody_dependent(session: Session, hotline: list[Agent]) -> None:
    drawn(session, joint_percent=0, joint_least=0)
    ann, ben = inspector(session, "ann"), inspector(session, "ben")
    task = tasks_of(session, ann)[0]

    move_assignment(session, task, ben, ann)

    assert task.inspector_id == ben.id
    ann.team = task.sampled.agent.team
    session.flush()
    with pytest.raises(Refused, match="own team"):
        move_assignment(session, task, ann, ben)
    review(session, task.sampled.call, ben)
    with pytest.raises(Refused, match="reviewed already"):
        move_assignment(session, task, inspector(session, "cai"), ben)
    assert session.scalars(select(AuditEvent.action)).all().count("sample.moved") == 1


def test_unfinished_work_is_carried_over_and_leaves_with_nobody(session: Session, hotline: list[Agent]) -> None:
    drawn(session, joint_percent=0, joint_least=0)
    cai = inspector(session, "cai")
    cai.active = False
    for agent in hotline:
        make_call(session, agent=agent, started_at=END + timedelta(days=2))
        make_call(session, agent=agent, started_at=END + timedelta(days=3))

    plan = session.scalars(select(SamplingPlan)).one()
    draw_week(session, WEEK.next(), zone=ZONE, plan=plan, at=AFTER + timedelta(days=7))

    tasks = session.scalars(select(ReviewAssignment)).all()
    assert {task.due_on for task in tasks} == {date(2026, 11, 27)}
    assert sorted(task.carried for task in tasks) == [0] * 8 + [1] * 8
    assert cai.id not in {task.inspector_id for task in tasks}
    loads = Counter(task.inspector_id for task in tasks)
    assert max(loads.values()) - min(loads.values()) <= 1


# --- unsuitable calls -------------------------------------------------------------------------------------------


def test_an_unsuitable_call_is_replaced_by_the_next_reserve(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session, design="risk", joint_percent=0, joint_least=0)
    ann = inspector(session, "ann")
    out = made.calls[0]
    before = out.assignments[0].inspector_id

    instead = withdraw(session, out, ann, "sound")
    assert instead is not None
    again = withdraw(session, instead, ann, "other", note="the customer asked for it")
    session.expire_all()

    assert again is not None
    assert instead.agent_id == again.agent_id == out.agent_id
    assert again.assignments[0].inspector_id == before
    assert not out.assignments
    assert verify_draw(session, made, zone=ZONE).proven
    assert set(review_probabilities(session, [out.call_id, instead.call_id, again.call_id])) == {again.call_id}
    report = bias_report(session, [Draw.id == made.id])
    assert (report.drawn, report.withdrawn, report.by_reason) == (8, 2, {"sound": 1, "other": 1})
    assert report.by_person == {ann.name: 2}
    assert report.mean_in_place == again.call.auto_score.raw  # type: ignore[union-attr]
    assert report.shift is not None


def test_a_replacement_chosen_by_hand_is_found_out(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session)
    instead = withdraw(session, made.calls[0], inspector(session, "ann"), "sound")
    assert instead is not None
    used = {one.call_id for one in session.scalars(select(SampledCall))}
    other = session.scalars(
        select(Call).where(Call.agent_id == instead.agent_id, Call.id.not_in(used)).order_by(Call.id)
    ).first()
    assert other is not None

    instead.call = other
    session.flush()

    assert not verify_draw(session, made, zone=ZONE).proven


def test_withdrawing_needs_a_reason_and_an_unreviewed_call(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session, joint_percent=0, joint_least=0)
    ann = inspector(session, "ann")
    with pytest.raises(Refused, match="Say why"):
        withdraw(session, made.calls[0], ann, "boring")
    with pytest.raises(Refused, match="in words"):
        withdraw(session, made.calls[0], ann, "other")
    task = made.calls[1].assignments[0]
    review(session, made.calls[1].call, task.inspector)
    with pytest.raises(Refused, match="reviewed already"):
        withdraw(session, made.calls[1], ann, "sound")
    withdraw(session, made.calls[0], ann, "sound")
    with pytest.raises(Refused, match="withdrawn"):
        withdraw(session, made.calls[0], ann, "sound")


def test_working_days() -> None:
    friday = date(2026, 11, 20)
    assert WorkingDays().after(friday, 1) == date(2026, 11, 23)
    assert WorkingDays(holidays=[date(2026, 11, 23)]).after(friday, 1) == date(2026, 11, 24)
    assert WorkingDays(workdays=[date(2026, 11, 21)]).after(friday, 1) == date(2026, 11, 21)
    assert WorkingDays().after(date(2026, 11, 21), 0) == date(2026, 11, 23)
    national_day = date(2026, 9, 30)
    assert WorkingDays(Calendar.CHINA).after(national_day, 1) == date(2026, 10, 8)
    assert WorkingDays(Calendar.CHINA).after(date(2200, 1, 3), 1).year == 2200  # no calendar yet: weekdays


def test_the_planner_learns_from_the_hotlines_own_reviews(session: Session, hotline: list[Agent]) -> None:
    before = what_is_known(session, START)
    assert (before.reviews, before.assumed, before.spread) == (0, True, 10.0)
    person, card = inspector(session, "ann"), make_scorecard(session)
    finals, raws = [70.0 + 2 * i for i in range(12)], [75.0 + (i * 7) % 12 + i for i in range(12)]
    for final, raw in zip(finals, raws, strict=True):
        call = make_call(session, agent=hotline[0], started_at=START - timedelta(days=2))
        make_auto_score(session, call, card, raw=raw)
        review(session, call, person)
        call.reviews[0].state, call.reviews[0].released_at = ReviewState.RELEASED, AFTER
        call.reviews[0].final = final
    session.flush()

    known = what_is_known(session, START, team_id=hotline[0].team_id)

    assert known.spread == pytest.approx(statistics.stdev(finals))
    assert known.correlation == pytest.approx(statistics.correlation(finals, raws))
    assert reviews_to_tell(known, 5) < reviews_to_tell(known, 5, assisted=False)
    assert what_is_known(session, START, team_id=hotline[3].team_id).assumed


def test_a_preview_says_what_a_draw_would_tell_and_shares_can_be_compared(
    session: Session, hotline: list[Agent]
) -> None:
    found = preview(session, PlanRules(), WEEK, zone=ZONE, month=Period.parse("2026-11"))
    assert (found.calls, found.agents, found.reviews) == (40, 4, 8)
    assert found.half_now == math.inf
    assert 50 < found.half_after < math.inf  # two reviews tell next to nothing, and the page says so

    shares = compare_shares(session, PlanRules(), WEEK, 12, zone=ZONE)
    assert sum(one.best for one in shares.shares) == sum(one.equal for one in shares.shares) == 12
    assert shares.best_error <= shares.equal_error
    assert session.scalar(select(func.count()).select_from(Draw)) == 0


def test_only_chance_makes_a_review_random(session: Session, hotline: list[Agent]) -> None:
    made = drawn(session)
    sampled = {one.call_id for one in made.calls}
    beside = session.scalars(select(Call).where(Call.id.not_in(sampled))).first()
    later = make_call(session, agent=hotline[0], started_at=AFTER)
    assert beside is not None

    assert review_reason(session, made.calls[0].call, ReviewReason.TARGETED) is ReviewReason.RANDOM
    assert review_reason(session, beside, ReviewReason.RANDOM) is ReviewReason.TARGETED
    assert review_reason(session, beside, ReviewReason.COMPLAINT) is ReviewReason.COMPLAINT
    assert review_reason(session, later, ReviewReason.RANDOM) is ReviewReason.RANDOM  # nothing is drawn of that time


def test_a_file_that_calls_a_drawn_call_targeted_is_imported_once_and_stays_random(
    session: Session, hotline: list[Agent]
) -> None:
    made = drawn(session, joint_percent=0, joint_least=0)
    call, person = made.calls[0].call, made.calls[0].assignments[0].inspector
    items = [item.id for _, item in card_of(call.auto_score.scorecard).items()]  # type: ignore[union-attr]
    row = {"call": f"#{call.id}", "reason": "targeted", **dict.fromkeys(items, "met")}
    content = (",".join(row) + "\n" + ",".join(row.values()) + "\n").encode()

    first, again = import_reviews(session, content, by=person), import_reviews(session, content, by=person)

    assert (first.stored, again.unchanged) == (1, 1)
    assert session.scalars(select(Review.reason)).all() == [ReviewReason.RANDOM]
