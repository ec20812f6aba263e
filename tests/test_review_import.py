"""Reviews from a spreadsheet by a scorecard whose items are of all types; tests/test_reviews.py has the rest."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Review
from qa.criteria import store_scorecard
from qa.review_import import import_reviews
from scoring.scorecard import load_scorecard
from tests.factories import make_call, make_user

CARD = """
scorecard:
  id: mixed
  version: 1
  language: en
  method: answer
  sections:
    - id: A
      name: All
      weight: 100
      items:
        - {id: A1, name: Tone, weight: 40, type: choice, check: manual, decide: human, na: rarely,
           options: [{name: warm, share: 1}, {name: cold, share: 0}]}
        - {id: A2, name: Ease, weight: 40, type: scale, check: manual, decide: human, scale_from: 1, scale_to: 5}
        - {id: A3, name: Opening, weight: 20, type: deduction, check: manual, decide: human, deduct: {late: 5}}
"""


@pytest.fixture(autouse=True)
def _call(session: Session) -> None:
    store_scorecard(session, load_scorecard(CARD), None)
    make_call(session, external_id="K-1")


def rows(*answers: str) -> bytes:
    return f"call,reason,A1,A2,A3\nK-1,random,{','.join(answers)}\n".encode()


@pytest.mark.parametrize(
    ("answers", "final"),
    [(("warm", "5", "met"), 100), (("cold", "3", "met"), 40), (("n/a", "1", "met"), 100 * 20 / 60)],
)
def test_each_type_is_answered_in_its_own_words(session: Session, answers: tuple[str, ...], final: float) -> None:
    report = import_reviews(session, rows(*answers), by=make_user(session))

    assert report.problems == []
    assert session.scalars(select(Review.final)).one() == pytest.approx(final, abs=0.01)


@pytest.mark.parametrize("answers", [("lukewarm", "5", "met"), ("warm", "6", "met"), ("warm", "high", "met")])
def test_a_value_that_is_no_answer_is_refused(session: Session, answers: tuple[str, ...]) -> None:
    report = import_reviews(session, rows(*answers), by=make_user(session))

    assert [problem.refusal.field for problem in report.problems] in (["A1"], ["A2"])
    assert session.scalars(select(Review)).all() == []
