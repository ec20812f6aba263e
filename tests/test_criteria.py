"""Scorecards and phrase sets in the database: new versions for new calls, old marks as they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AutoScore, ScorecardVersion
from models.session import transaction
from qa.criteria import VersionConflict, active_scorecard, card_of, phrases_of, store_scorecard
from scoring.scorecard import Scorecard
from tests.conftest import Hotline
from tests.factories import make_scorecard, make_transcript
from tests.test_ingest import SAID


def changed(version: ScorecardVersion, number: int, **fields: object) -> ScorecardVersion:
    """Store the card of `version` under another version number."""
    session = Session.object_session(version)
    assert session is not None
    card = Scorecard.model_validate({**version.definition, "version": number, **fields})
    return store_scorecard(session, card, phrases_of(version))


def test_a_new_version_scores_new_calls_and_old_marks_keep_theirs(hotline: Hotline, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(SAID.to_dict()))
    hotline.ingest(tmp_path)
    with transaction(hotline.factory) as session:
        first = active_scorecard(session, "en")
        assert first is not None
        changed(first, 2, pass_mark=70)
    other = make_transcript([("agent", "good afternoon how may i help you"), ("customer", "what is the time " * 5)])
    (tmp_path / "b.json").write_text(json.dumps(other.to_dict()))

    hotline.ingest(tmp_path)

    with hotline.factory() as session:
        scores = session.scalars(select(AutoScore).order_by(AutoScore.call_id)).all()
        assert [score.scorecard.version for score in scores] == [1, 2]
        assert [card_of(score.scorecard).pass_mark for score in scores] == [85, 70]


def test_an_older_version_that_is_imported_later_does_not_become_the_active_one(session: Session) -> None:
    first = make_scorecard(session)
    newest = changed(first, 3)

    late = changed(first, 2)

    assert (first.active, late.active, newest.active) == (False, False, True)
    assert active_scorecard(session, "en") is newest


def test_the_same_version_with_other_content_is_refused(session: Session) -> None:
    first = make_scorecard(session)

    assert changed(first, 1) is first
    with pytest.raises(VersionConflict, match="version 1 is stored with other content"):
        changed(first, 1, pass_mark=70)


@pytest.mark.parametrize("language", ["zh", "zh-CN", "zh_CN", "ZH-Hans-CN"])
def test_the_primary_language_chooses_the_scorecard(session: Session, language: str) -> None:
    chinese = make_scorecard(session, "zh-mobile")
    make_scorecard(session, "en-bank")

    assert active_scorecard(session, language) is chinese
    assert active_scorecard(session, "fr") is None
