from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEvent, Review, ReviewMark, ReviewReason, ReviewState, Role, ScorecardDraft, ScorecardVersion
from models.base import now
from qa.criteria import active_scorecard, card_of
from qa.demonstration.scorecard_draft import store_scorecard_draft
from qa.refusals import Refused
from qa.rule_workbench import activate as activate_rules
from qa.scorecard_drafts import (
    StaleDraft,
    Unsound,
    activate,
    begin_from_text,
    begin_from_version,
    begin_new,
    changes_of,
    discard,
    displaced_by,
    draft_phrases,
    problems_of,
    retire,
    save,
    save_text,
    try_on_call,
    try_on_review,
)
from qa.settings import Settings
from scoring.criteria_file import CriteriaError
from scoring.marks import Answer
from scoring.phrase_set import PhraseSet
from scoring.scorecard_draft import changed
from scoring.scorecard_text import card_yaml
from tests.factories import make_auto_score, make_call, make_scorecard, make_transcript, make_user

S1 = ("sections", 0, "items", 0)
DIALOGUE = [("agent", "Good morning, my name is Dana, how can I help?"), ("customer", "hello"), ("agent", "goodbye")]


def lead(session: Session) -> Any:
    return make_user(session, Role.LEAD)


def renamed(draft: ScorecardDraft, **fields: Any) -> dict[str, Any]:
    return changed(draft.definition, S1, fields or {"name": "Recording notice"})


def saved(session: Session, draft: ScorecardDraft, content: dict[str, Any], by: Any) -> ScorecardDraft:
    save(session, draft, content, revision=draft.revision, by=by, phrase_set=draft.phrase_set)
    return draft


def test_a_draft_from_a_version_says_what_that_version_says(session: Session) -> None:
    version, by = make_scorecard(session), lead(session)

    draft = begin_from_version(session, by, version)

    assert (draft.key, draft.based_on, draft.phrase_set) == (version.key, version, version.phrase_set)
    assert changes_of(session, draft) == []
    assert [problem for problem in problems_of(session, draft) if problem.severity == "error"] == []


def test_there_is_one_draft_of_a_card(session: Session) -> None:
    version, by = make_scorecard(session), lead(session)
    begin_from_version(session, by, version)

    with pytest.raises(Refused, match="a draft of en-bank-hotline already"):
        begin_from_version(session, by, version)
    with pytest.raises(Refused, match="begin a draft from it"):
        begin_new(session, by, key=version.key, name="Another", language="en", method="answer")


@pytest.mark.parametrize("key", ["", "two words", "a/b", "x" * 81])
def test_an_id_that_no_card_may_have_is_refused(session: Session, key: str) -> None:
    with pytest.raises(Refused, match="letters, digits"):
        begin_new(session, lead(session), key=key, name="New", language="en", method="answer")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.LEAD])
def test_only_leads_change_scorecards(session: Session, role: Role) -> None:
    version, other = make_scorecard(session), make_user(session, role)
    draft = begin_from_version(session, lead(session), version)

    for act in (
        lambda: begin_new(session, other, key="new", name="New", language="en", method="answer"),
        lambda: saved(session, draft, renamed(draft), other),
        lambda: discard(session, draft, other),
        lambda: activate(session, draft, revision=0, by=other, note="because"),
        lambda: retire(session, version, other),
    ):
        with pytest.raises(Refused, match="Only QA leads"):
            act()


def test_a_save_that_began_from_an_older_state_is_refused_and_nothing_is_lost(session: Session) -> None:
    first, second = lead(session), lead(session)
    draft = begin_from_version(session, first, make_scorecard(session))
    saved(session, draft, renamed(draft, name="Mine"), first)

    with pytest.raises(StaleDraft, match="has changed this draft meanwhile"):
        save(session, draft, renamed(draft, name="Theirs"), revision=0, by=second, phrase_set=draft.phrase_set)

    assert draft.definition["sections"][0]["items"][0]["name"] == "Mine"
    assert draft.revision == 1


def test_saving_the_same_again_is_no_new_revision(session: Session) -> None:
    by = lead(session)
    draft = begin_from_version(session, by, make_scorecard(session))

    assert not save(session, draft, dict(draft.definition), revision=0, by=by, phrase_set=draft.phrase_set)
    assert draft.revision == 0


def test_text_is_kept_as_far_as_it_is_written(session: Session) -> None:
    by = lead(session)
    draft = begin_new(session, by, key="new", name="New", language="en", method="answer")

    save_text(session, draft, "scorecard: {id: new, sections: [{id: A, items: [{id: A1}]}]}", revision=0, by=by)

    assert draft.definition["sections"] == [{"id": "A", "items": [{"id": "A1"}]}]
    with pytest.raises(CriteriaError, match="expected a list of entries"):
        save_text(session, draft, "scorecard: {id: new, sections: 5}", revision=1, by=by)
    with pytest.raises(Refused, match="this is a draft of new"):
        save_text(session, draft, "scorecard: {id: other, sections: []}", revision=1, by=by)


def test_an_uploaded_card_becomes_the_draft_of_its_next_version(session: Session) -> None:
    version, by = make_scorecard(session), lead(session)
    text = card_yaml(card_of(version).model_dump(mode="json", exclude_defaults=True) | {"pass_mark": 80})

    draft = begin_from_text(session, by, text)

    assert (draft.based_on, draft.phrase_set) == (version, version.phrase_set)
    assert [(one.part, one.fields[0].name) for one in changes_of(session, draft) or []] == [("card", "pass_mark")]


# Into use.


def test_activation_stores_the_next_version_and_retires_the_one_before(session: Session) -> None:
    version, by = make_scorecard(session), lead(session)
    draft = begin_from_version(session, by, version)
    saved(session, draft, renamed(draft), by)

    new = activate(session, draft, revision=draft.revision, by=by, note=" Clearer words ")

    assert (new.version, new.active, new.note, new.created_by_id) == (2, True, "Clearer words", by.id)
    assert (version.active, version.retired_at is not None) == (False, True)
    assert active_scorecard(session, "en") is new
    assert card_of(new).version == 2
    assert session.scalar(select(ScorecardDraft)) is None
    assert session.scalars(select(AuditEvent.action)).all()[-1] == "scorecard.activated"


def test_errors_keep_a_draft_from_use(session: Session) -> None:
    by = lead(session)
    draft = begin_from_version(session, by, make_scorecard(session))
    saved(session, draft, renamed(draft, weight=5), by)

    with pytest.raises(Unsound, match="errors are to be mended") as refused:
        activate(session, draft, revision=draft.revision, by=by, note="because")

    assert "add up to 101" in str(refused.value.problems[0])
    assert len(session.scalars(select(ScorecardVersion)).all()) == 1


def test_activation_wants_a_note_a_change_and_the_newest_state(session: Session) -> None:
    by = lead(session)
    draft = begin_from_version(session, by, make_scorecard(session))

    with pytest.raises(Refused, match="Say in a sentence"):
        activate(session, draft, revision=0, by=by, note=" ")
    with pytest.raises(Refused, match="Nothing was changed: version 1"):
        activate(session, draft, revision=0, by=by, note="because")
    with pytest.raises(StaleDraft):
        activate(session, draft, revision=7, by=by, note="because")


def test_a_draft_follows_rules_that_changed_meanwhile(session: Session) -> None:
    by = lead(session)
    draft = begin_from_version(session, by, make_scorecard(session))
    saved(session, draft, renamed(draft), by)
    before = draft_phrases(session, draft)
    assert before is not None
    content = before.model_dump(mode="json")
    content["required"][0]["parts"] = {"notice": ["this call is recorded"]}
    activate_rules(session, PhraseSet.model_validate(content))

    new = activate(session, draft, revision=draft.revision, by=by, note="Clearer words")

    assert new.version == 3
    assert new.phrase_set is not None
    assert new.phrase_set.version == before.version + 1


def test_a_new_card_takes_over_the_calls_of_its_language(session: Session) -> None:
    present, by = make_scorecard(session), lead(session)
    draft = begin_new(session, by, key="front-desk", name="Front desk", language="en-GB", method="answer")
    content = changed(draft.definition, S1, {"name": "Tone", "weight": 100})
    saved(session, draft, changed(content, ("sections", 0), {"name": "All"}), by)

    assert displaced_by(session, draft) is present
    new = activate(session, draft, revision=draft.revision, by=by, note="New desk")

    assert (new.key, new.version, new.name) == ("front-desk", 1, "Front desk")
    assert active_scorecard(session, "en") is new


def test_a_retired_version_scores_no_new_call(session: Session) -> None:
    version, by = make_scorecard(session), lead(session)

    retire(session, version, by)

    assert version.retired_at is not None
    assert active_scorecard(session, "en") is None
    with pytest.raises(Refused, match="not in use"):
        retire(session, version, by)


def test_a_discarded_draft_is_gone(session: Session) -> None:
    by = lead(session)
    discard(session, begin_from_version(session, by, make_scorecard(session)), by)

    assert session.scalar(select(ScorecardDraft)) is None


def test_a_card_of_an_earlier_release_is_the_same_card(session: Session) -> None:
    version = make_scorecard(session)
    version.definition = {name: value for name, value in version.definition.items() if name != "floors"}
    session.flush()

    assert make_scorecard(session) is version


# Tried on a call.


def test_a_draft_is_tried_on_what_the_machine_heard(session: Session) -> None:
    version, by = make_scorecard(session), lead(session)
    call = make_call(session, transcript=make_transcript(DIALOGUE))
    make_auto_score(session, call, version, raw=77.0)
    draft = begin_from_version(session, by, version)
    # Ten points go from R1 to S1, the first items of their sections.
    saved(session, draft, changed(renamed(draft, weight=14), ("sections", 1, "items", 0), {"weight": 2}), by)

    trial = try_on_call(session, draft, call, Settings())

    assert (trial.before, trial.version) == (77.0, version)
    assert all(one.before and one.after and one.before.answer is one.after.answer for one in trial.items)
    recording_notice = next(one for one in trial.items if one.id == "S1")
    assert recording_notice.before
    assert recording_notice.after
    assert recording_notice.after.possible > recording_notice.before.possible > 0


def test_a_person_s_answers_are_scored_by_the_draft_where_they_fit(session: Session) -> None:
    version, by = make_scorecard(session), lead(session)
    call = make_call(session)
    review = Review(
        call=call,
        inspector=make_user(session),
        scorecard=version,
        reason=ReviewReason.RANDOM,
        state=ReviewState.RELEASED,
        raw=96.0,
        final=96.0,
        submitted_at=now(),
        released_at=now(),
        marks=[
            ReviewMark(item=item.id, answer=Answer.NOT_MET if item.id == "S1" else Answer.MET)
            for _, item in card_of(version).items()
        ],
    )
    session.add(review)
    draft = begin_from_version(session, by, version)
    choice = {"type": "choice", "options": [{"name": "clear", "share": 1}, {"name": "not", "share": 0}]}
    content = changed(renamed(draft, weight=6), ("sections", 0, "items", 1), {"weight": 1})
    saved(session, draft, changed(content, ("sections", 2, "items", 2), choice), by)

    trial = try_on_review(session, draft, review)

    assert trial.left_out == ("C3",)
    assert trial.before == 96.0
    assert trial.after.raw == pytest.approx(94)


def test_a_draft_with_errors_is_not_tried(session: Session) -> None:
    by = lead(session)
    call = make_call(session)
    draft = begin_new(session, by, key="new", name="New", language="en", method="answer")

    with pytest.raises(Unsound):
        try_on_call(session, draft, call, Settings())


def test_the_demonstration_s_draft_has_one_error_to_mend(session: Session) -> None:
    version, by = make_scorecard(session, "zh-mobile"), lead(session)

    store_scorecard_draft(session)

    draft = session.scalars(select(ScorecardDraft)).one()
    assert (draft.based_on, draft.saved_by) == (version, by)
    errors = [str(problem) for problem in problems_of(session, draft) if problem.severity == "error"]
    assert errors == ["the sections' weights add up to 99, not 100: change them until they do"]
    assert {one.id for one in changes_of(session, draft) or []} >= {"A1", "C2", "D1"}
