"""Appeals: who may object to what, who decides, what a decision does, and what the calendar does by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Agent,
    Appeal,
    AppealState,
    AuditEvent,
    Call,
    Notification,
    Review,
    ReviewReason,
    Role,
    ScorecardVersion,
    Team,
    User,
)
from qa.appeal_effects import WouldLower, better_answers, effect_of
from qa.appeal_rules import AppealRules
from qa.appeals import (
    Decision,
    appeals_due,
    assign,
    decide,
    name_cause,
    open_appeals,
    pass_on,
    raise_appeal,
    refusal_to_appeal,
    return_to_agent,
    visible_appeals,
    waiting_for,
    withdraw,
)
from qa.criteria import card_of
from qa.indicator_facts import Count, overturned_reviews
from qa.periods import Period
from qa.published import changes_since, pending, publish
from qa.refusals import Refused
from qa.reviews import release_review, submit_review
from scoring.call_score import GivenAnswer
from scoring.marks import Answer
from tests.factories import make_agent, make_call, make_scorecard, make_team, make_user

ZONE = ZoneInfo("Asia/Shanghai")
RULES = AppealRules(ZONE)
MET, PARTLY, NOT_MET, NA = (
    GivenAnswer(answer) for answer in (Answer.MET, Answer.PARTLY, Answer.NOT_MET, Answer.NOT_APPLICABLE)
)
MONDAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)  # 10:00 at the hotline
UPHOLD = Decision(MET, "It is said at 0:04.", "evidence_missed")
KEEP = Decision(None, "Nothing of it is said.")


@dataclass
class Office:
    """An agent with a released review, and everybody who has to do with an appeal against it."""

    team: Team
    agent: Agent
    agent_user: User
    supervisor: User
    scorer: User
    inspector: User
    other_inspector: User
    lead: User
    call: Call
    review: Review
    card: ScorecardVersion


@pytest.fixture
def office(session: Session) -> Office:
    team = make_team(session)
    agent = make_agent(session, team=team)
    card = make_scorecard(session)
    scorer = make_user(session, Role.INSPECTOR, "scorer")
    call = make_call(session, agent=agent)
    review = released(session, call, scorer, card, S1=NOT_MET, R2=PARTLY)
    return Office(
        team=team,
        agent=agent,
        agent_user=make_user(session, Role.AGENT, agent=agent),
        supervisor=make_user(session, Role.SUPERVISOR, team=team),
        scorer=scorer,
        inspector=make_user(session, Role.INSPECTOR, "first"),
        other_inspector=make_user(session, Role.INSPECTOR, "second"),
        lead=make_user(session, Role.LEAD),
        call=call,
        review=review,
        card=card,
    )


def released(
    session: Session,
    call: Call,
    inspector: User,
    card: ScorecardVersion,
    at: datetime = MONDAY,
    **changes: GivenAnswer,
) -> Review:
    answers = {item.id: MET for _, item in card_of(card).items()} | changes
    review = submit_review(session, call, inspector, answers, reason=ReviewReason.RANDOM)
    release_review(session, review, inspector)
    review.released_at = at
    session.flush()
    return review


def raised(
    session: Session, office: Office, item: str = "S1", rules: AppealRules = RULES, at: datetime = MONDAY
) -> Appeal:
    return raise_appeal(session, office.review, item, office.agent_user, "I said it.", rules=rules, at=at)


def passed(
    session: Session, office: Office, rules: AppealRules = RULES, at: datetime = MONDAY, item: str = "S1"
) -> Appeal:
    appeal = raised(session, office, item, rules=rules, at=at)
    return pass_on(session, appeal, office.supervisor, rules=rules, at=at)


def told(session: Session, user: User) -> list[str]:
    kinds = select(Notification.kind).where(Notification.user_id == user.id).order_by(Notification.id)
    return list(session.scalars(kinds))


def acts(appeal: Appeal) -> list[str]:
    return [step.act for step in appeal.steps]


def test_an_upheld_appeal_goes_through_the_supervisor_to_another_inspector_and_raises_the_score(
    session: Session, office: Office
) -> None:
    appeal = raised(session, office)
    assert (appeal.state, appeal.assignee, told(session, office.supervisor)) == ("raised", None, ["appeal.raised"])
    assert session.scalars(waiting_for(office.supervisor)).all() == [appeal]

    pass_on(session, appeal, office.supervisor, "I heard it too.", rules=RULES, at=MONDAY)
    assert (appeal.state, appeal.assignee) == (AppealState.PASSED, office.inspector)
    assert session.scalars(waiting_for(office.inspector)).all() == [appeal]
    assert session.scalars(waiting_for(office.other_inspector)).all() == []

    before = office.review.final
    decide(session, appeal, office.inspector, UPHOLD, rules=RULES, at=MONDAY + timedelta(hours=1))
    assert before is not None
    assert office.review.final == pytest.approx(before + 4)
    assert (appeal.state, appeal.final_before, appeal.final_after) == ("upheld", before, office.review.final)
    assert (appeal.before["answer"], appeal.after["answer"], appeal.cause) == ("not_met", "met", "evidence_missed")
    assert acts(appeal) == ["raised", "passed", "assigned", "upheld"]
    assert told(session, office.agent_user) == ["appeal.passed", "appeal.decided"]
    assert told(session, office.scorer) == ["appeal.decided"]
    marks = {mark.item: mark for mark in office.review.marks}
    assert (marks["S1"].answer, marks["S1"].points) == ("met", 4)


def test_the_audit_trail_says_who_when_old_and_new_and_never_a_persons_words(session: Session, office: Office) -> None:
    appeal = passed(session, office)
    decide(session, appeal, office.inspector, UPHOLD, rules=RULES)

    events = session.scalars(select(AuditEvent).where(AuditEvent.subject_kind == "appeal")).all()
    assert [event.action for event in events] == ["appeal.raised", "appeal.passed", "appeal.decided"]
    decided = events[-1]
    assert (decided.user_id, decided.details["outcome"], decided.details["cause"]) == (
        office.inspector.id,
        "upheld",
        "evidence_missed",
    )
    assert (decided.details["old"]["answer"], decided.details["new"]["answer"]) == ("not_met", "met")
    changed = session.scalars(select(AuditEvent).where(AuditEvent.action == "review.corrected")).one()
    assert changed.details["new"]["final"] == office.review.final
    assert "said" not in str([event.details for event in events])


def test_a_kept_mark_changes_nothing(session: Session, office: Office) -> None:
    appeal, before = passed(session, office), office.review.final

    decide(session, appeal, office.inspector, KEEP, rules=RULES)

    assert (appeal.state, office.review.final, appeal.after, appeal.decision) == (
        "kept",
        before,
        {},
        "Nothing of it is said.",
    )


def test_only_the_agent_of_a_released_review_appeals_and_only_against_what_cost_points(
    session: Session, office: Office
) -> None:
    stranger = make_user(session, Role.AGENT)
    waiting = submit_review(
        session, make_call(session, agent=office.agent), office.scorer,
        {item.id: NOT_MET for _, item in card_of(office.card).items()}, reason=ReviewReason.RANDOM,
    )  # fmt: skip

    def refusal(item: str, by: User = office.agent_user, review: Review = office.review) -> str:
        return str(refusal_to_appeal(session, review, item, by, RULES, at=MONDAY))

    assert "Only the agent" in refusal("S1", stranger)
    assert "Only the agent" in refusal("S1", office.supervisor)
    assert "not released" in refusal("S1", review=waiting)
    assert "Nothing was taken off" in refusal("S2")
    assert "Nothing was taken off" in refusal("X1")
    assert "Nothing was taken off" in refusal("Q9")
    with pytest.raises(Refused, match="Say why"):
        raise_appeal(session, office.review, "S1", office.agent_user, "  ", rules=RULES, at=MONDAY)
    with pytest.raises(Refused, match="within the call"):
        raise_appeal(session, office.review, "S1", office.agent_user, "why", rules=RULES, at=MONDAY, at_seconds=500.0)
    raised(session, office)
    assert "under way" in refusal("S1")
    assert refusal("R2") == "None"


def test_the_window_closes_at_the_end_of_the_third_working_day(session: Session, office: Office) -> None:
    end = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)  # midnight after Thursday

    in_time = refusal_to_appeal(session, office.review, "S1", office.agent_user, RULES, at=end - timedelta(seconds=1))
    too_late = refusal_to_appeal(session, office.review, "S1", office.agent_user, RULES, at=end)

    assert in_time is None
    assert str(too_late) == "The time to appeal ended on 2026-11-19."


def test_a_confirmed_fatal_item_can_be_overturned(session: Session, office: Office) -> None:
    call = make_call(session, agent=office.agent)
    fatal = GivenAnswer(Answer.NOT_MET, (), "asked for the PIN")
    office.review = released(session, call, office.scorer, office.card, S1=NOT_MET, X2=fatal)
    assert (office.review.raw, office.review.final) == (96, 0)

    appeal = pass_on(session, raised(session, office, "X2"), office.supervisor, rules=RULES, at=MONDAY)
    decide(session, appeal, office.inspector, UPHOLD, rules=RULES)

    assert (office.review.raw, office.review.final, office.review.fatal_confirmed) == (96, 96, 0)
    assert appeal.before["comment"] == "asked for the PIN"


def test_points_are_given_back_under_a_fatal_item_though_the_final_score_stays(
    session: Session, office: Office
) -> None:
    fatal = GivenAnswer(Answer.NOT_MET, (), "asked for the PIN")
    office.review = released(
        session, make_call(session, agent=office.agent), office.scorer, office.card, S1=NOT_MET, X2=fatal
    )
    appeal = passed(session, office)

    decide(session, appeal, office.inspector, UPHOLD, rules=RULES)

    assert (office.review.raw, office.review.final) == (100, 0)
    assert (appeal.final_before, appeal.final_after) == (0, 0)


def test_deductions_are_taken_back_one_by_one(session: Session, office: Office) -> None:
    card = make_scorecard(session, "zh-mobile")
    call = make_call(session, agent=office.agent, language="zh-CN")
    two = GivenAnswer(Answer.NOT_MET, ("缺一要素", "超出时间窗"))
    office.review = released(session, call, office.scorer, card, A1=two)
    appeal = pass_on(session, raised(session, office, "A1"), office.supervisor, rules=RULES, at=MONDAY)

    choices = [(effect.given.deductions, effect.score.final) for effect in better_answers(office.review, "A1")]
    assert choices == [((), 100), (("超出时间窗",), 99), (("缺一要素",), 98), ((), 100)]
    less = Decision(GivenAnswer(Answer.NOT_MET, ("超出时间窗",)), "One is there.", "item_unclear")
    decide(session, appeal, office.inspector, less, rules=RULES)

    assert appeal.after["deductions"] == ["超出时间窗"]
    assert office.review.final == 99


def test_the_scorer_the_own_team_and_outsiders_do_not_decide(session: Session, office: Office) -> None:
    appeal = passed(session, office)
    of_team = make_user(session, Role.LEAD, team=office.team)

    for user, message in (
        (office.scorer, "somebody else's"),
        (office.other_inspector, "somebody else's"),
        (office.supervisor, "somebody else's"),
        (of_team, "own team"),
    ):
        with pytest.raises(Refused, match=message):
            decide(session, appeal, user, UPHOLD, rules=RULES)
    with pytest.raises(Refused, match="own review"):
        assign(session, appeal, office.scorer, office.lead, rules=RULES)
    assign(session, appeal, office.other_inspector, office.lead, rules=RULES)
    decide(session, appeal, office.other_inspector, UPHOLD, rules=RULES)
    with pytest.raises(Refused, match="does not wait"):
        decide(session, appeal, office.lead, KEEP, rules=RULES)


def test_the_inspector_with_the_fewest_open_appeals_gets_the_next(session: Session, office: Office) -> None:
    first = passed(session, office)
    second = pass_on(session, raised(session, office, "R2"), office.supervisor, rules=RULES, at=MONDAY)

    assert [first.assignee, second.assignee] == [office.inspector, office.other_inspector]


def test_an_inspector_who_knows_the_call_comes_last(session: Session, office: Office) -> None:
    submit_review(
        session, office.call, office.inspector, {item.id: MET for _, item in card_of(office.card).items()},
        reason=ReviewReason.RANDOM,
    )  # fmt: skip

    assert passed(session, office).assignee is office.other_inspector


def test_what_a_decision_says_must_be_complete_and_better(session: Session, office: Office) -> None:
    appeal = passed(session, office)

    for decision, message in (
        (replace(UPHOLD, reason=" "), "Say why"),
        (replace(UPHOLD, cause=None), "what was wrong"),
        (replace(UPHOLD, cause="mood"), "what was wrong"),
        (replace(UPHOLD, given=NOT_MET), "no better"),
        (replace(UPHOLD, given=GivenAnswer(Answer.MET, ("x",))), "no deductions"),
        (replace(UPHOLD, given=GivenAnswer(Answer.CANNOT_TELL)), "Choose an answer"),
    ):
        with pytest.raises(Refused, match=message):
            decide(session, appeal, office.inspector, decision, rules=RULES)
    assert appeal.state is AppealState.PASSED


def test_a_blind_answer_raises_or_keeps_and_its_cause_is_named_afterwards(session: Session, office: Office) -> None:
    blind = replace(RULES, blind=True)
    appeal = passed(session, office, blind)

    with pytest.raises(Refused, match="Choose an answer"):
        decide(session, appeal, office.inspector, KEEP, rules=blind)
    decide(session, appeal, office.inspector, Decision(PARTLY, "Half of it."), rules=blind)

    assert (appeal.state, appeal.cause, appeal.after["answer"]) == ("upheld", None, "partly")
    with pytest.raises(Refused, match="somebody else's"):
        name_cause(session, appeal, office.other_inspector, "rule")
    name_cause(session, appeal, office.inspector, "rule")
    assert appeal.cause == "rule"


@pytest.mark.parametrize("given_answer", [NOT_MET, NA], ids=["the same", "one that would lower"])
def test_a_blind_answer_that_is_not_better_keeps_the_mark(
    session: Session, office: Office, given_answer: GivenAnswer
) -> None:
    blind = replace(RULES, blind=True)
    call = make_call(session, agent=office.agent)
    # S4 is partly met among items that were not: without it the section would stand lower.
    office.review = released(session, call, office.scorer, office.card, S3=NOT_MET, S4=PARTLY, S5=NOT_MET, S1=NOT_MET)
    appeal = pass_on(session, raised(session, office, "S4", blind), office.supervisor, rules=blind, at=MONDAY)
    before = office.review.final

    decide(session, appeal, office.inspector, Decision(given_answer, "As I hear it."), rules=blind)

    assert (appeal.state, office.review.final) == (AppealState.KEPT, before)


def test_a_returned_appeal_may_be_raised_once_more_and_the_lead_is_final(session: Session, office: Office) -> None:
    first = raised(session, office)
    with pytest.raises(Refused, match="Say why"):
        return_to_agent(session, first, office.supervisor, "", rules=RULES)
    return_to_agent(session, first, office.supervisor, "It is not there.", rules=RULES, at=MONDAY)
    assert (first.state, first.decided_by, told(session, office.agent_user)) == (
        "kept",
        office.supervisor,
        ["appeal.returned"],
    )

    second = raised(session, office, at=MONDAY + timedelta(days=1))
    assert (second.round, second.state, second.assignee) == (2, AppealState.FINAL, None)
    assert session.scalars(waiting_for(office.lead)).all() == [second]
    decide(session, second, office.lead, KEEP, rules=RULES, at=MONDAY + timedelta(days=1))

    refusal = refusal_to_appeal(session, office.review, "S1", office.agent_user, RULES, at=MONDAY + timedelta(days=1))
    assert "for good" in str(refusal)


def test_one_round_means_no_second_appeal(session: Session, office: Office) -> None:
    once = replace(RULES, rounds=1)
    decide(session, passed(session, office, once), office.inspector, KEEP, rules=once, at=MONDAY)

    refusal = refusal_to_appeal(session, office.review, "S1", office.agent_user, once, at=MONDAY)

    assert "as often as it may" in str(refusal)


def test_a_second_round_is_not_decided_by_whoever_decided_the_first(session: Session, office: Office) -> None:
    decide(session, passed(session, office), office.inspector, KEEP, rules=RULES, at=MONDAY)
    second = raised(session, office)

    with pytest.raises(Refused, match="decided about this item before"):
        assign(session, second, office.inspector, office.lead, rules=RULES)


def test_where_no_lead_is_impartial_an_inspector_decides_in_their_place(session: Session, office: Office) -> None:
    office.lead.team = office.team
    decide(session, passed(session, office), office.inspector, KEEP, rules=RULES, at=MONDAY)

    second = raised(session, office)

    assert (second.state, second.assignee) == (AppealState.FINAL, office.other_inspector)
    decide(session, second, office.other_inspector, UPHOLD, rules=RULES)


def test_a_withdrawn_appeal_counts_for_nothing_and_may_be_raised_again(session: Session, office: Office) -> None:
    first = passed(session, office)
    with pytest.raises(Refused, match="whoever raised"):
        withdraw(session, first, office.supervisor)
    withdraw(session, first, office.agent_user)
    with pytest.raises(Refused, match="closed already"):
        withdraw(session, first, office.agent_user)

    again = raised(session, office)

    assert (first.state, again.round, again.state) == (AppealState.WITHDRAWN, 2, AppealState.RAISED)


def test_without_a_supervisor_it_goes_straight_to_an_inspector(session: Session, office: Office) -> None:
    office.supervisor.active = False

    appeal = raised(session, office)

    assert (appeal.state, appeal.assignee, acts(appeal)) == (
        AppealState.PASSED,
        office.inspector,
        ["raised", "assigned"],
    )


def test_only_the_teams_supervisor_or_a_lead_passes_on(session: Session, office: Office) -> None:
    appeal = raised(session, office)

    for user in (make_user(session, Role.SUPERVISOR, team=make_team(session)), office.inspector, office.agent_user):
        with pytest.raises(Refused, match="supervisor or a lead"):
            pass_on(session, appeal, user, rules=RULES)
    pass_on(session, appeal, office.lead, rules=RULES)
    with pytest.raises(Refused, match="not with the supervisor"):
        return_to_agent(session, appeal, office.supervisor, "no", rules=RULES)


def test_the_calendar_reminds_passes_on_and_escalates(session: Session, office: Office) -> None:
    appeal = raised(session, office)  # on Monday: the supervisor has until the end of Tuesday
    hour = timedelta(hours=1)

    def at(day: int, hour: int) -> datetime:
        return datetime(2026, 11, day, hour, 0, tzinfo=ZONE)

    assert appeals_due(session, RULES, at=MONDAY + hour) == 0
    assert appeals_due(session, RULES, at=at(17, 0)) == 1
    assert appeals_due(session, RULES, at=at(17, 9)) == 0
    assert told(session, office.supervisor) == ["appeal.raised", "appeal.reminder"]

    assert appeals_due(session, RULES, at=at(18, 0)) == 1
    assert (appeal.state, appeal.assignee) == (AppealState.PASSED, office.inspector)
    assert RULES.last_day(appeal.due_at).day == 23  # Thursday, Friday, Monday

    assert appeals_due(session, RULES, at=at(23, 1)) == 1
    assert appeals_due(session, RULES, at=at(24, 0)) == 1
    assert (appeal.state, appeal.assignee) == (AppealState.FINAL, None)
    assert appeals_due(session, RULES, at=at(28, 0)) == 1  # The lead is late too: told once.
    assert appeals_due(session, RULES, at=at(29, 0)) == 0
    assert acts(appeal) == ["raised", "reminded", "escalated", "assigned", "reminded", "escalated"]
    assert told(session, office.lead) == ["appeal.assigned", "appeal.escalated"]
    assert told(session, office.agent_user) == ["appeal.escalated", "appeal.escalated"]


def test_an_appeal_of_somebody_who_left_goes_to_another(session: Session, office: Office) -> None:
    appeal = passed(session, office)
    office.inspector.active = False
    session.flush()

    assert appeals_due(session, RULES, at=MONDAY) == 1

    assert appeal.assignee is office.other_inspector


def test_each_role_reads_its_own_share(session: Session, office: Office) -> None:
    appeal = raised(session, office)
    stranger = make_user(session, Role.AGENT)
    other_supervisor = make_user(session, Role.SUPERVISOR, team=make_team(session))

    def readers() -> list[User]:
        everybody = [*vars(office).values(), stranger, other_supervisor]
        return [user for user in everybody if isinstance(user, User) and session.scalars(visible_appeals(user)).all()]

    assert readers() == [office.agent_user, office.supervisor, office.lead]
    pass_on(session, appeal, office.supervisor, rules=RULES, at=MONDAY)
    assert readers() == [office.agent_user, office.supervisor, office.inspector, office.lead]
    decide(session, appeal, office.inspector, UPHOLD, rules=RULES)
    assert readers() == [office.agent_user, office.supervisor, office.scorer, office.inspector, office.lead]


def test_publishing_a_period_closes_the_window_and_a_later_decision_becomes_an_adjustment(
    session: Session, office: Office
) -> None:
    october = Period.parse("2026-10")
    begins, ends = october.bounds(ZONE)
    for day in range(1, 6):  # five reviews are enough for a score
        call = make_call(session, agent=office.agent, started_at=begins + timedelta(days=day))
        office.review = released(session, call, office.scorer, office.card, S1=NOT_MET, R2=PARTLY)
    appeal = passed(session, office)
    assert open_appeals(session, begins, ends) == 1
    assert pending(session, october, zone=ZONE).open_appeals == 1

    closed = publish(session, october, zone=ZONE, by=office.lead)

    refusal = refusal_to_appeal(session, office.review, "R2", office.agent_user, RULES, at=MONDAY)
    assert str(refusal) == "2026-10 is published: what it holds can no longer be appealed."
    assert changes_since(session, closed) == []
    decide(session, appeal, office.inspector, UPHOLD, rules=RULES)
    (change,) = changes_since(session, closed)
    assert change.published.subject_id == office.agent.id
    assert change.points > 0
    assert [cause["kind"] for cause in change.causes] == ["review"]


def test_upheld_appeals_are_an_indicator(session: Session, office: Office) -> None:
    released(session, make_call(session, agent=office.agent), office.scorer, office.card)
    for item in ("S1", "R2"):  # two marks of one review
        appeal = passed(session, office, item=item)
        assert appeal.assignee is not None
        decide(session, appeal, appeal.assignee, UPHOLD, rules=RULES)

    assert overturned_reviews(session, Period.parse("2026-11"), ZONE) == Count(1, 2)


ANSWERS = st.sampled_from([MET, PARTLY, NOT_MET, NA])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_answer_ever_lowers_a_score(session: Session, office: Office, data: st.DataObject) -> None:
    """Whatever was answered, what an answer may become is never below it, and what would be is refused."""
    card = card_of(office.card)
    answers = {item.id: data.draw(st.sampled_from([MET, MET, PARTLY, NOT_MET])) for _, item in card.items()}
    answers["X5"] = data.draw(st.sampled_from([MET, GivenAnswer(Answer.NOT_MET, (), "a promise")]))
    call = make_call(session, agent=office.agent)
    review = released(session, call, office.scorer, office.card, **answers)
    item = data.draw(st.sampled_from([*answers]))

    try:
        effect = effect_of(review, item, data.draw(ANSWERS))
    except WouldLower:
        return
    except Refused:
        return
    assert review.raw is not None
    assert review.final is not None
    assert effect.score.raw is not None
    assert effect.score.final is not None
    assert effect.score.raw >= review.raw
    assert effect.score.final >= review.final
    for one in better_answers(review, item):
        assert (one.score.raw or 0) >= review.raw
