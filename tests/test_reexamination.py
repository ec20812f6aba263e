"""After an upheld appeal the other calls that its rule hit are listed, and put right where the mark is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Agent,
    Appeal,
    AuditEvent,
    Call,
    Notification,
    Reexamination,
    Review,
    ReviewReason,
    Role,
    ScorecardVersion,
    User,
)
from qa.appeal_rules import AppealRules
from qa.appeals import Decision, decide, pass_on, raise_appeal
from qa.criteria import card_of
from qa.reexamination import corrections_of, defects, list_others, of_appeal, settle
from qa.refusals import Refused
from qa.reviews import release_review, submit_review
from scoring.call_score import GivenAnswer
from scoring.marks import Answer, Evidence, evidence_to_dict
from tests.factories import make_auto_score, make_call, make_scorecard, make_user

RULES = AppealRules(ZoneInfo("Asia/Shanghai"))
MET, NOT_MET = GivenAnswer(Answer.MET), GivenAnswer(Answer.NOT_MET)
BEGAN = datetime(2026, 11, 10, 3, 0, tzinfo=UTC)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def scorer(session: Session) -> User:
    return make_user(session, Role.INSPECTOR, "scorer")


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session, Role.INSPECTOR, "another")


def hit(
    session: Session,
    card: ScorecardVersion,
    *,
    rule: str = "EN-REC",
    version: str = "en-bank-hotline/1",
    answer: str = "not_met",
    hours: int = 0,
    agent: Agent | None = None,
) -> Call:
    """Return a call in which the machine gave `answer` to S1 by `rule`."""
    call = make_call(session, agent=agent, started_at=BEGAN + timedelta(hours=hours))
    score = make_auto_score(session, call, card, marks=[("S1", answer, 0.0, 4.0)])
    score.marks[0].evidence = [evidence_to_dict(Evidence(rule, version, answer, "not_said", start=1.0))]
    session.flush()
    return call


def hit_fatally(session: Session, card: ScorecardVersion) -> Call:
    call = make_call(session)
    evidence = evidence_to_dict(Evidence("EN-NEVER-ASK", "en-bank-hotline/1", "not_met", "forbidden_said"))
    score = make_auto_score(session, call, card, fatal_suspected=True)
    score.summary = {"sections": [], "fatals": [{"item": "X2", "suspected": "not_met", "evidence": [evidence]}]}
    session.flush()
    return call


def reviewed(session: Session, call: Call, by: User, *, released: bool = True, **changes: GivenAnswer) -> Review:
    assert call.auto_score is not None
    answers = {item.id: MET for _, item in card_of(call.auto_score.scorecard).items()} | changes
    review = submit_review(session, call, by, answers, reason=ReviewReason.RANDOM)
    return release_review(session, review, by) if released else review


def upheld(session: Session, review: Review, inspector: User, item: str = "S1") -> Appeal:
    agent = make_user(session, Role.AGENT, agent=review.call.agent)
    appeal = raise_appeal(session, review, item, agent, "I said it.", rules=RULES)
    if appeal.assignee is None:
        pass_on(session, appeal, make_user(session, Role.LEAD), rules=RULES)
    assert appeal.assignee is inspector
    return decide(session, appeal, inspector, Decision(MET, "It is there.", "recognition"), rules=RULES)


def test_released_reviews_come_first_then_calls_that_nobody_judged_the_newest_first(
    session: Session, card: ScorecardVersion, scorer: User, inspector: User
) -> None:
    contested = reviewed(session, hit(session, card), scorer, S1=NOT_MET)
    older, newer = (hit(session, card, hours=hours) for hours in (1, 2))
    released = reviewed(session, hit(session, card), scorer, S1=NOT_MET)
    submitted = reviewed(session, hit(session, card, hours=-1), scorer, released=False, S1=NOT_MET)
    reviewed(session, hit(session, card), scorer)  # A person said otherwise: settled.
    hit(session, card, rule="EN-OTHER")
    hit(session, card, version="en-bank-hotline/2")
    hit(session, card, answer="met")

    appeal = upheld(session, contested, inspector)

    listed = of_appeal(session, appeal)
    assert [(one.call_id, one.review_id) for one in listed] == [
        (released.call_id, released.id),
        (newer.id, None),
        (older.id, None),
        (submitted.call_id, None),
    ]
    assert appeal.steps[-1].act == "reexamined"
    assert appeal.steps[-1].note == "4"
    kinds = session.scalars(select(Notification.kind).where(Notification.user_id == inspector.id)).all()
    assert "reexamination.found" in kinds


def test_a_mark_that_a_person_gave_alone_says_nothing_about_a_rule(
    session: Session, card: ScorecardVersion, scorer: User, inspector: User
) -> None:
    hit(session, card)
    by_person = reviewed(session, hit(session, card, answer="met"), scorer, S1=NOT_MET)

    assert of_appeal(session, upheld(session, by_person, inspector)) == []


def test_the_list_is_bounded_and_says_how_many_there_are(
    session: Session, card: ScorecardVersion, scorer: User, inspector: User
) -> None:
    contested = reviewed(session, hit(session, card), scorer, S1=NOT_MET)
    appeal = upheld(session, contested, inspector)
    for hours in range(1, 5):
        hit(session, card, hours=hours)

    assert list_others(session, appeal, limit=3) == 4
    assert len(of_appeal(session, appeal)) == 3


def test_a_wrong_mark_in_a_released_review_rises_and_its_agent_is_told(
    session: Session, card: ScorecardVersion, scorer: User, inspector: User
) -> None:
    contested = reviewed(session, hit(session, card), scorer, S1=NOT_MET)
    other = reviewed(session, hit(session, card), scorer, S1=NOT_MET, R1=NOT_MET)
    other_agent = make_user(session, Role.AGENT, agent=other.call.agent)
    appeal = upheld(session, contested, inspector)
    (one,) = of_appeal(session, appeal)
    with pytest.raises(Refused, match="own review"):
        settle(session, one, "wrong", scorer)
    with pytest.raises(Refused, match="right or wrong"):
        settle(session, one, "perhaps", inspector)

    settle(session, one, "wrong", inspector, "same noise")

    assert other.final == pytest.approx(88)  # R1 stays lost
    assert next(mark.answer for mark in other.marks if mark.item == "S1") == "met"
    told = session.scalars(select(Notification).where(Notification.user_id == other_agent.id)).one()
    assert (told.kind, told.subject_id) == ("review.corrected", other.id)
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "review.corrected")).all()[-1]
    assert (event.details["old"]["final"], event.details["new"]["final"]) == (84, 88)
    assert corrections_of(session, other) == [one]
    with pytest.raises(Refused, match="already"):
        settle(session, one, "right", inspector)


def test_a_wrong_mark_of_the_machine_alone_is_a_defect_of_the_rule(
    session: Session, card: ScorecardVersion, scorer: User, inspector: User
) -> None:
    contested = reviewed(session, hit(session, card), scorer, S1=NOT_MET)
    for hours in (1, 2, 3):
        hit(session, card, hours=hours)
    first, second, _third = of_appeal(session, upheld(session, contested, inspector))

    settle(session, first, "wrong", inspector)
    settle(session, second, "right", inspector)

    (defect,) = defects(session)
    assert (defect.rule, defect.version, defect.wrong, defect.right, defect.open) == (
        "EN-REC",
        "en-bank-hotline/1",
        1,
        1,
        1,
    )
    assert first.call.auto_score is not None
    assert first.call.auto_score.marks[0].answer == "not_met"  # What the rules found is not rewritten.


def test_a_fatal_item_spreads_to_the_calls_in_which_it_is_suspected(
    session: Session, card: ScorecardVersion, scorer: User, inspector: User
) -> None:
    fatal = GivenAnswer(Answer.NOT_MET, (), "asked for the PIN")
    contested = reviewed(session, hit_fatally(session, card), scorer, X2=fatal)
    other = reviewed(session, hit_fatally(session, card), scorer, X2=fatal)
    suspected = hit_fatally(session, card)
    assert (contested.final, other.final) == (0, 0)

    listed = of_appeal(session, upheld(session, contested, inspector, "X2"))
    settle(session, listed[0], "wrong", inspector)

    assert [one.call_id for one in listed] == [other.call_id, suspected.id]
    assert (contested.final, other.final, other.fatal_confirmed) == (100, 100, 0)


def test_both_reviews_of_a_call_that_two_inspectors_scored_rise(
    session: Session, card: ScorecardVersion, scorer: User, inspector: User
) -> None:
    contested = reviewed(session, hit(session, card), scorer, S1=NOT_MET)
    call = hit(session, card)
    both = [reviewed(session, call, by, S1=NOT_MET) for by in (scorer, make_user(session, Role.INSPECTOR, "zoe"))]
    (one,) = of_appeal(session, upheld(session, contested, inspector))

    settle(session, one, "wrong", inspector)

    assert [review.final for review in both] == [100, 100]
    assert session.scalars(select(Reexamination.outcome)).all() == ["wrong"]


def test_the_other_inspectors_review_of_the_same_call_is_looked_at_too(
    session: Session, card: ScorecardVersion, scorer: User, inspector: User
) -> None:
    call = hit(session, card)
    contested = reviewed(session, call, scorer, S1=NOT_MET)
    second = reviewed(session, call, make_user(session, Role.INSPECTOR, "zoe"), S1=NOT_MET)

    (one,) = of_appeal(session, upheld(session, contested, inspector))
    settle(session, one, "wrong", inspector)

    assert (one.review_id, second.final) == (second.id, 100)
    assert corrections_of(session, contested) == []
    assert corrections_of(session, second) == [one]
