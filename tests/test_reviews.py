"""A person's review: who may judge whom, what a submission needs, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, AuditEvent, Call, CallState, Review, ReviewReason, ReviewState, Role, ScorecardVersion, User
from qa.criteria import card_of
from qa.csv_import import ImportReport
from qa.refusals import Refused
from qa.review_import import import_reviews
from qa.reviews import (
    Entry,
    IncompleteReview,
    conflict,
    release_review,
    save_draft,
    submit_review,
    visible_reviews,
)
from scoring.call_score import GivenAnswer
from scoring.marks import Answer
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_team, make_user

MET = GivenAnswer(Answer.MET)
NOT_MET = GivenAnswer(Answer.NOT_MET)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    return make_scorecard(session)


@pytest.fixture
def call(session: Session, card: ScorecardVersion) -> Call:
    return make_call(session, agent=make_agent(session, "0728"), external_id="T-1")


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session, Role.INSPECTOR, "ines")


def all_met(card: ScorecardVersion, **changes: GivenAnswer) -> dict[str, GivenAnswer]:
    return {**{item.id: MET for _, item in card_of(card).items()}, **changes}


def submitted(session: Session, call: Call, inspector: User, card: ScorecardVersion, **changes: GivenAnswer) -> Review:
    return submit_review(session, call, inspector, all_met(card, **changes), reason=ReviewReason.RANDOM)


def test_a_submission_is_scored_and_keeps_its_answers(
    session: Session, call: Call, inspector: User, card: ScorecardVersion
) -> None:
    changes = {"R1": GivenAnswer(Answer.NOT_MET, (), " wrong fee "), "R2": GivenAnswer(Answer.PARTLY)}

    review = submitted(session, call, inspector, card, **changes)

    assert (review.raw, review.final) == (pytest.approx(84), pytest.approx(84))  # 100 - 12 - 8/2
    assert (review.state, review.fatal_confirmed) == (ReviewState.SUBMITTED, 0)
    marks = {mark.item: mark for mark in review.marks}
    assert (marks["R1"].answer, marks["R1"].points, marks["R1"].comment) == ("not_met", 0, "wrong fee")
    assert marks["R2"].points == pytest.approx(4)
    assert marks["X1"].answer == "met"  # Nothing points to it, so submitting clears it.


def test_a_confirmed_fatal_item_changes_the_final_score_only(
    session: Session, call: Call, inspector: User, card: ScorecardVersion
) -> None:
    review = submitted(session, call, inspector, card, X3=GivenAnswer(Answer.NOT_MET, (), "shouted at 1:02"))

    assert (review.raw, review.final, review.fatal_confirmed) == (100, 0, 1)


def test_deductions_decide_between_partly_and_not_met(session: Session, inspector: User) -> None:
    card = make_scorecard(session, "zh-mobile")
    call = make_call(session, language="zh-CN")
    changes = {
        "A1": GivenAnswer(Answer.NOT_MET, ("缺一要素",)),  # 4 - 2
        "D1": GivenAnswer(Answer.NOT_MET, ("错误且造成后果",)),  # 12 - 12
    }

    review = submitted(session, call, inspector, card, **changes)

    marks = {mark.item: mark for mark in review.marks}
    assert (marks["A1"].answer, marks["A1"].points) == ("partly", 2)
    assert (marks["D1"].answer, marks["D1"].points) == ("not_met", 0)
    assert review.final == pytest.approx(86)


@pytest.mark.parametrize(
    ("changes", "item", "message"),
    [
        ({"S1": None}, "S1", "Choose an answer"),
        ({"S1": GivenAnswer(Answer.CANNOT_TELL)}, "S1", "Choose an answer"),
        ({"R1": GivenAnswer(Answer.NOT_APPLICABLE)}, "R1", "always applies"),
        ({"S1": GivenAnswer(Answer.NOT_MET, ("x",))}, "S1", "has no deductions"),
        ({"X1": NOT_MET}, "X1", "needs a comment"),
        ({"X1": GivenAnswer(Answer.PARTLY)}, "X1", "confirmed or cleared"),
        ({"Q9": MET}, "Q9", "no item Q9"),
        ({"S2": GivenAnswer(Answer.MET, (), "x" * 4001)}, "S2", "4000 characters"),
    ],
)
def test_an_impossible_answer_is_named(
    session: Session,
    call: Call,
    inspector: User,
    card: ScorecardVersion,
    changes: Mapping[str, GivenAnswer | None],
    item: str,
    message: str,
) -> None:
    answers = {name: given for name, given in {**all_met(card), **changes}.items() if given is not None}

    with pytest.raises(IncompleteReview) as refusal:
        submit_review(session, call, inspector, answers, reason=ReviewReason.RANDOM)

    assert list(refusal.value.problems) == [item]
    assert message in str(refusal.value.problems[item])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (GivenAnswer(Answer.MET, ("缺一要素",)), "exclude each other"),
        (GivenAnswer(Answer.NOT_MET), "Say what is deducted"),
        (GivenAnswer(Answer.NOT_MET, ("迟到",)), "no deduction"),
        (GivenAnswer(Answer.NOT_APPLICABLE, ("缺一要素",)), "exclude each other"),
    ],
)
def test_deductions_must_fit_the_item(session: Session, inspector: User, given: GivenAnswer, message: str) -> None:
    card = make_scorecard(session, "zh-mobile")

    with pytest.raises(IncompleteReview, match=message):
        submitted(session, make_call(session, language="zh-CN"), inspector, card, A1=given)


def test_a_fatal_item_that_the_machine_suspects_must_be_decided(
    session: Session, call: Call, inspector: User, card: ScorecardVersion
) -> None:
    score = make_auto_score(session, call, card)
    score.summary = {"sections": [], "fatals": [{"item": "X2", "suspected": "not_met", "evidence": []}]}

    with pytest.raises(IncompleteReview, match="confirm or clear"):
        submitted(session, call, inspector, card)

    assert submitted(session, call, inspector, card, X2=MET).final == 100


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.TEST_CALLER, Role.ADMIN])
def test_only_inspectors_and_leads_review(session: Session, call: Call, card: ScorecardVersion, role: Role) -> None:
    with pytest.raises(Refused, match="Only inspectors and leads"):
        submitted(session, call, make_user(session, role), card)


def test_nobody_reviews_an_own_call_or_the_own_team(session: Session, call: Call, card: ScorecardVersion) -> None:
    assert call.agent is not None
    same = make_user(session, Role.INSPECTOR, agent=call.agent)
    of_team = make_user(session, Role.LEAD, team=call.agent.team)
    colleague = make_user(session, Role.INSPECTOR, agent=make_agent(session, team=call.agent.team))
    stranger = make_user(session, Role.INSPECTOR, team=make_team(session))

    for user, message in ((same, "own call"), (of_team, "own team"), (colleague, "own team")):
        with pytest.raises(Refused, match=message):
            submitted(session, call, user, card)
    assert conflict(stranger, call) is None


def test_two_without_a_team_are_not_of_the_same_team(session: Session, call: Call, inspector: User) -> None:
    assert call.agent is not None
    call.agent.team = None

    assert conflict(inspector, call) is None


def test_a_call_without_speech_is_not_reviewed(session: Session, inspector: User, card: ScorecardVersion) -> None:
    call = make_call(session, state=CallState.NOT_GRADABLE)

    with pytest.raises(Refused, match="not gradable"):
        submitted(session, call, inspector, card)


def test_a_draft_keeps_what_there_is_and_becomes_the_submission(
    session: Session, call: Call, inspector: User, card: ScorecardVersion
) -> None:
    entry = Entry(
        {"S1": GivenAnswer(Answer.NOT_MET, (), "nothing said")}, ReviewReason.COMPLAINT, "so far", {"S1": 3.5}
    )

    draft = save_draft(session, call, inspector, entry)
    assert (draft.state, draft.final, draft.comment) == (ReviewState.DRAFT, None, "so far")
    assert [(mark.item, mark.at_seconds) for mark in draft.marks] == [("S1", 3.5)]

    review = submitted(session, call, inspector, card)
    assert review.id == draft.id
    assert review.final == 100
    with pytest.raises(Refused, match="submitted"):
        save_draft(session, call, inspector, entry)


def test_a_release_is_final_and_audited(session: Session, call: Call, inspector: User, card: ScorecardVersion) -> None:
    review = submitted(session, call, inspector, card, S1=NOT_MET)
    submitted(session, call, inspector, card)  # Changed before the release.

    release_review(session, review, inspector)

    assert review.state is ReviewState.RELEASED
    assert review.released_at is not None
    with pytest.raises(Refused, match="cannot be changed"):
        submitted(session, call, inspector, card)
    with pytest.raises(Refused, match="released already"):
        release_review(session, review, inspector)
    events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [event.action for event in events] == ["review.submitted", "review.submitted", "review.released"]
    assert (events[1].details["before"], events[1].details["final"]) == (96, 100)


def test_a_release_needs_its_inspector_or_an_independent_lead(
    session: Session, call: Call, inspector: User, card: ScorecardVersion
) -> None:
    assert call.agent is not None
    review = submitted(session, call, inspector, card)

    with pytest.raises(Refused, match="Only its inspector or a lead"):
        release_review(session, review, make_user(session, Role.INSPECTOR))
    with pytest.raises(Refused, match="own team"):
        release_review(session, review, make_user(session, Role.LEAD, team=call.agent.team))
    release_review(session, review, make_user(session, Role.LEAD))


def test_a_draft_cannot_be_released(session: Session, call: Call, inspector: User, card: ScorecardVersion) -> None:
    draft = save_draft(session, call, inspector, Entry({}, ReviewReason.RANDOM))

    with pytest.raises(Refused, match="submit it first"):
        release_review(session, draft, inspector)


def test_each_role_reads_its_own_share(session: Session, inspector: User, card: ScorecardVersion) -> None:
    team = make_team(session)
    ours, other = make_agent(session, team=team), make_agent(session)
    released = submitted(session, make_call(session, agent=ours), inspector, card)
    release_review(session, released, inspector)
    waiting = submitted(session, make_call(session, agent=ours), inspector, card)
    foreign = submitted(session, make_call(session, agent=other), make_user(session), card)
    draft = save_draft(session, make_call(session, agent=ours), inspector, Entry({}, ReviewReason.RANDOM))

    def seen(role: Role, **fields: Any) -> set[int]:
        user = make_user(session, role, **fields)
        return {review.id for review in session.scalars(visible_reviews(user))}

    assert {review.id for review in session.scalars(visible_reviews(inspector))} == {released.id, waiting.id, draft.id}
    assert seen(Role.LEAD) == {released.id, waiting.id, foreign.id}
    assert seen(Role.SUPERVISOR, team=team) == {released.id, waiting.id}
    assert seen(Role.SUPERVISOR) == set()
    assert seen(Role.AGENT, agent=ours) == {released.id}
    assert seen(Role.TEST_CALLER) == seen(Role.ADMIN) == set()


def sheet(card: ScorecardVersion, **cells: str) -> bytes:
    items = [item.id for _, item in card_of(card).items()]
    row = {"call": "T-1", "reason": "random", **dict.fromkeys(items, "met"), **cells}
    return (",".join(row) + "\n" + ",".join(row.values()) + "\n").encode()


def imported(session: Session, content: bytes, by: User, *, release: bool = False) -> ImportReport:
    return import_reviews(session, content, by=by, release=release)


def test_a_sheet_of_reviews_is_imported_once(
    session: Session, call: Call, inspector: User, card: ScorecardVersion
) -> None:
    content = sheet(card, R1="not_met", S4="n/a", **{"R1.comment": "wrong fee", "R1.at": "1:15"}, comment="ok")

    first, again = imported(session, content, inspector), imported(session, content, inspector)

    assert (first.stored, first.unchanged, first.problems) == (1, 0, [])
    assert (again.stored, again.unchanged, again.problems) == (0, 1, [])
    (review,) = session.scalars(select(Review))
    marks = {mark.item: mark for mark in review.marks}
    assert (marks["R1"].comment, marks["R1"].at_seconds) == ("wrong fee", 75)
    # The weight of S4 goes to the others of its section, so R1 costs its own 12.
    assert review.final == pytest.approx(88)
    assert review.inspector is inspector


def test_a_changed_line_does_not_change_a_finished_review(
    session: Session, call: Call, inspector: User, card: ScorecardVersion
) -> None:
    imported(session, sheet(card), inspector)

    report = imported(session, sheet(card, R1="not_met"), inspector)

    assert (report.stored, str(report.problems[0].refusal)) == (
        0,
        "This inspector's review of the call is stored with other content.",
    )


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"call": "T-9"}, "no call T-9"),
        ({"reason": "whim"}, "not whim"),
        ({"R1": "perhaps"}, "perhaps is no answer"),
        ({"R1": ""}, "Choose an answer"),
        ({"Z1": "met"}, "no item Z1"),
        ({"inspector": "somebody"}, "your own reviews only"),
        ({"R1.at": "soon"}, "soon is no moment"),
    ],
)
def test_a_bad_line_is_named_and_not_stored(
    session: Session, call: Call, inspector: User, card: ScorecardVersion, cells: dict[str, str], message: str
) -> None:
    report = imported(session, sheet(card, **cells), inspector)

    assert report.stored == 0
    assert report.problems[0].line == 2
    assert message in str(report.problems[0].refusal)
    assert session.scalars(select(Review)).all() == []


def test_a_lead_imports_for_inspectors_and_releases(
    session: Session, call: Call, inspector: User, card: ScorecardVersion
) -> None:
    lead = make_user(session, Role.LEAD)

    report = imported(session, sheet(card, inspector="ines"), lead, release=True)

    assert report.stored == 1
    (review,) = session.scalars(select(Review))
    assert (review.inspector, review.state) == (inspector, ReviewState.RELEASED)


def test_a_chinese_sheet_names_deductions(session: Session, inspector: User) -> None:
    card = make_scorecard(session, "zh-mobile")
    make_call(session, language="zh-CN", external_id="T-1")

    report = imported(session, sheet(card, A1="缺一要素；超出时间窗", A4="不适用", B1="达标", reason="抽检"), inspector)

    assert [str(problem.refusal) for problem in report.problems] == []
    (review,) = session.scalars(select(Review))
    marks = {mark.item: mark for mark in review.marks}
    assert (marks["A1"].deductions, marks["A4"].answer) == (["缺一要素", "超出时间窗"], "not_applicable")


def test_reviews_of_the_own_team_are_refused_line_by_line(session: Session, call: Call, card: ScorecardVersion) -> None:
    assert isinstance(call.agent, Agent)
    by = make_user(session, Role.INSPECTOR, team=call.agent.team)

    report = imported(session, sheet(card), by)

    assert "own team" in str(report.problems[0].refusal)
