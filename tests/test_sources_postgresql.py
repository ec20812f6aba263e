"""Surveys, complaints, written work and test calls on PostgreSQL: the same figures as on SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from models import ReviewReason, Role
from qa.complaint_check import back_test
from qa.complaints import complaint_counts, counted_complaints, visible_complaints
from qa.nonvoice import nonvoice_tallies, release_nonvoice_review
from qa.surveys import survey_tallies
from qa.test_calls import sheet_tallies
from qa.test_plans import duties, make_plan
from qa.test_scenarios import store_scenarios
from qa.test_truth import compare
from scoring.scenario import load_scenarios
from scoring.shipped import shipped
from scoring.test_plan import PlanRules
from tests import test_complaints, test_nonvoice, test_surveys
from tests.factories import make_agent, make_auto_score, make_scorecard, make_user
from tests.test_complaints import NOVEMBER, SHANGHAI
from tests.test_test_calls import entered, recorded

pytestmark = pytest.mark.service


@pytest.fixture
def session(postgresql_factory: sessionmaker[Session]) -> Iterator[Session]:
    with postgresql_factory() as session:
        yield session


def test_every_source_has_its_figures(session: Session) -> None:
    lead, inspector = make_user(session, Role.LEAD), make_user(session)
    agent = make_agent(session, "0728")

    test_surveys.taken_in(session, lead, {"rating": "5", "agent": "0728"}, {"rating": "", "agent": "0728"})
    test_complaints.taken_in(
        session, lead, {"agent": "0728", "outcome": "upheld", "responsibility": "agent"}, {"agent": "0728"}
    )
    review = test_nonvoice.entered(session, agent, inspector, reason=ReviewReason.RANDOM)
    release_nonvoice_review(session, review, by=inspector)
    call = recorded(session, agent)
    make_auto_score(session, call, make_scorecard(session), marks=[("S2", "met", 3.0, 3.0)])
    tester = make_user(session, Role.TEST_CALLER)
    entered(session, tester)
    store_scenarios(session, load_scenarios(shipped("test-scenarios")), by=lead)
    plan = make_plan(session, NOVEMBER, "MS", PlanRules(3), numbers=["139"], by=lead, zone=SHANGHAI)
    session.commit()

    survey = survey_tallies(session, NOVEMBER, zone=SHANGHAI)[agent.id]
    assert (survey.ratings.n, survey.ratings.total, survey.satisfied, survey.invited) == (1, 100, 1, 2)
    assert len(counted_complaints(session, NOVEMBER, zone=SHANGHAI)[agent.id]) == 1
    assert sum(complaint_counts(session, NOVEMBER, zone=SHANGHAI).values()) == 2
    assert back_test(session, visible_complaints(lead)).n == 0
    assert nonvoice_tallies(session, NOVEMBER, zone=SHANGHAI)[agent.id].total == 100
    assert sheet_tallies(session, NOVEMBER, zone=SHANGHAI)[agent.id]["MS"].n == 1
    assert compare(session, zone=SHANGHAI, period=NOVEMBER).rules[0].detection.cleared == 1
    assert len(plan.assignments) == 3
    assert len(duties(session, NOVEMBER, zone=SHANGHAI, per_inspector=1)) == 2


def test_the_database_has_the_last_word(session: Session) -> None:
    lead = make_user(session, Role.LEAD)
    test_complaints.taken_in(session, lead, {})
    test_complaints.complaint(session).outcome = test_complaints.ComplaintOutcome.UPHELD

    with pytest.raises(IntegrityError, match=r"upheld_has_responsibility|decided_when"):
        session.flush()
