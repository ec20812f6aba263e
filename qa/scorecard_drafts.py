"""Scorecards while they are written: begun, saved, compared, tried on a call, put into use, retired.

A draft may be incomplete or wrong. Activation makes the next version of its card; versions never change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Call, PhraseSetVersion, Review, Role, ScorecardDraft, ScorecardVersion, User
from models.base import now
from qa import audit
from qa.criteria import active_scorecard, card_of, phrases_of, phrases_of_stored, store_scorecard
from qa.pipeline import facts_of
from qa.refusals import N_, Refused
from qa.reviews import entry_of
from qa.settings import Settings
from scoring.call_score import GivenAnswer, score_answers, score_call, unfit
from scoring.marks import CallScore, Mark
from scoring.phrase_set import PhraseSet
from scoring.scorecard import Scorecard
from scoring.scorecard_changes import EntryChange, changes
from scoring.scorecard_draft import Content, new_card
from scoring.scorecard_lint import Problem, as_written, lint
from scoring.scorecard_text import card_content, read_card_text
from transcription.measures import AudioMeasures
from transcription.transcript import Transcript

WRITERS = frozenset({Role.LEAD})
MAX_NOTE = 2_000  # characters
MAX_NAME = 200


class StaleDraft(Refused):
    """A save that began from an older state: nothing was stored, and what is stored stays."""

    def __init__(self, draft: ScorecardDraft) -> None:
        super().__init__(
            N_("%(name)s has changed this draft meanwhile. Reload the page; what you see is not saved yet."),
            name=draft.saved_by.name,
        )


class Unsound(Refused):
    """A draft that cannot be put into use; `problems` are its errors."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            N_("%(count)s errors are to be mended before the scorecard can be used; the first: %(problem)s"),
            count=len(problems),
            problem=str(problems[0]),
        )
        self.problems = problems


# Beginning.


def begin_new(
    session: Session,
    by: User,
    *,
    key: str,
    name: str,
    language: str,
    method: str,
    phrase_set: PhraseSetVersion | None = None,
    address: str | None = None,
) -> ScorecardDraft:
    """Begin a card that there is no version of yet.

    Raises:
        Refused: `by` may not, or there is a draft or version with this key.
    """
    _refuse_others(by)
    if session.scalar(select(ScorecardVersion.id).where(ScorecardVersion.key == key).limit(1)) is not None:
        raise Refused(
            N_("There is a scorecard %(key)s already: begin a draft from it, or choose another id."),
            field="key", key=key,
        )  # fmt: skip
    return _begin(session, by, new_card(key, name, language, method), phrase_set, None, address)


def begin_from_version(
    session: Session, by: User, version: ScorecardVersion, *, address: str | None = None
) -> ScorecardDraft:
    """Begin the next version of a card from a stored one.

    Raises:
        Refused: `by` may not, or there is a draft of this card.
    """
    _refuse_others(by)
    content = card_content(card_of(version)) | {"name": version.name}
    return _begin(session, by, content, version.phrase_set, version, address)


def begin_from_text(
    session: Session,
    by: User,
    text: str,
    *,
    phrase_set: PhraseSetVersion | None = None,
    address: str | None = None,
) -> ScorecardDraft:
    """Begin a draft from a YAML file; a file of a card that there is becomes a draft of its next version.

    Raises:
        Refused: `by` may not, or there is a draft of this card.
        CriteriaError: the text has not the form of a scorecard.
    """
    _refuse_others(by)
    content = read_card_text(text)
    newest = newest_version(session, str(content.get("id", "")))
    if phrase_set is None and newest is not None:
        phrase_set = newest.phrase_set
    return _begin(session, by, content, phrase_set, newest, address)


def _begin(
    session: Session,
    by: User,
    content: Content,
    phrase_set: PhraseSetVersion | None,
    based_on: ScorecardVersion | None,
    address: str | None,
) -> ScorecardDraft:
    key = str(content.get("id") or "").strip()
    if not key or len(key) > 80 or any(not (sign.isalnum() or sign in "-._") for sign in key):
        raise Refused(N_("The id is made of letters, digits, hyphens, dots and underscores, 80 at most."), field="key")
    present = draft_of(session, key)
    if present is not None:
        raise Refused(
            N_("There is a draft of %(key)s already, last saved by %(name)s: go on with it, or discard it first."),
            field="key", key=key, name=present.saved_by.name,
        )  # fmt: skip
    draft = ScorecardDraft(
        key=key,
        name=_named(content, key),
        definition=content,
        phrase_set=phrase_set,
        based_on=based_on,
        created_by=by,
        saved_by=by,
    )
    session.add(draft)
    session.flush()
    audit.record(
        session, "scorecard_draft.begun", user_id=by.id, subject=("scorecard_draft", draft.id), address=address,
        key=key, based_on=based_on.version if based_on else None,
    )  # fmt: skip
    return draft


def draft_of(session: Session, key: str) -> ScorecardDraft | None:
    return session.scalar(select(ScorecardDraft).where(ScorecardDraft.key == key))


def newest_version(session: Session, key: str) -> ScorecardVersion | None:
    """Return the version of a card that is in use, else the highest there is."""
    return session.scalar(
        select(ScorecardVersion)
        .where(ScorecardVersion.key == key)
        .order_by(ScorecardVersion.active.desc(), ScorecardVersion.version.desc())
        .limit(1)
    )


def newest_phrase_sets(session: Session) -> list[PhraseSetVersion]:
    """Return the highest version of every phrase set, by key: what a card may be linked to."""
    stored = session.scalars(select(PhraseSetVersion).order_by(PhraseSetVersion.key, PhraseSetVersion.version))
    return list({one.key: one for one in stored}.values())


def phrase_set_of(session: Session, draft: ScorecardDraft) -> PhraseSetVersion | None:
    """Return the phrase set of a draft at its newest version: rules may have been changed since it was begun."""
    if draft.phrase_set is None:
        return None
    return session.scalar(
        select(PhraseSetVersion)
        .where(PhraseSetVersion.key == draft.phrase_set.key)
        .order_by(PhraseSetVersion.version.desc())
        .limit(1)
    )


def draft_phrases(session: Session, draft: ScorecardDraft) -> PhraseSet | None:
    stored = phrase_set_of(session, draft)
    return phrases_of_stored(stored) if stored else None


# Saving.


def save(
    session: Session,
    draft: ScorecardDraft,
    content: Content,
    *,
    revision: int,
    by: User,
    phrase_set: PhraseSetVersion | None,
    address: str | None = None,
) -> bool:
    """Keep the content of a draft that was at `revision`; return whether anything is another.

    Raises:
        Refused: `by` may not, or the id is another card's.
        StaleDraft: somebody saved meanwhile.
    """
    _refuse_others(by)
    session.refresh(draft, with_for_update=True)
    if draft.revision != revision:
        raise StaleDraft(draft)
    key = str(content.get("id") or "").strip()
    if key != draft.key:
        raise Refused(
            N_("The id is %(found)s, but this is a draft of %(key)s: write the id as it was."),
            field="id", found=key, key=draft.key,
        )  # fmt: skip
    if content == draft.definition and phrase_set is draft.phrase_set:
        return False
    draft.definition, draft.phrase_set = content, phrase_set
    draft.name = _named(content, draft.key)
    draft.revision += 1
    draft.saved_by, draft.saved_at = by, now()
    session.flush()
    audit.record(
        session, "scorecard_draft.saved", user_id=by.id, subject=("scorecard_draft", draft.id), address=address,
        key=draft.key, revision=draft.revision,
    )  # fmt: skip
    return True


def save_text(
    session: Session, draft: ScorecardDraft, text: str, *, revision: int, by: User, address: str | None = None
) -> bool:
    """Keep what the YAML text says, see `save`.

    Raises:
        Refused, StaleDraft: as `save`.
        CriteriaError: the text has not the form of a scorecard.
    """
    content = read_card_text(text)
    return save(session, draft, content, revision=revision, by=by, phrase_set=draft.phrase_set, address=address)


def discard(session: Session, draft: ScorecardDraft, by: User, *, address: str | None = None) -> None:
    """Delete a draft for good.

    Raises:
        Refused: `by` may not.
    """
    _refuse_others(by)
    audit.record(
        session, "scorecard_draft.discarded", user_id=by.id, subject=("scorecard_draft", draft.id), address=address,
        key=draft.key, revision=draft.revision,
    )  # fmt: skip
    session.delete(draft)
    session.flush()


# Reading.


def problems_of(session: Session, draft: ScorecardDraft) -> list[Problem]:
    """Return what is to be mended in a draft, errors first."""
    return lint(_numbered(draft, 1), draft_phrases(session, draft))


def changes_of(session: Session, draft: ScorecardDraft) -> list[EntryChange] | None:
    """Return what a draft changes in the version that is in use; None where there is none to compare with, or the
    draft cannot be read."""
    present = newest_version(session, draft.key)
    after, _unread = as_written(_numbered(draft, 1))
    if present is None or after is None:
        return None
    return changes(named_card(present), after)


def named_card(version: ScorecardVersion) -> Scorecard:
    """Return a version's card with the name that it is listed under."""
    card = card_of(version)
    return card if card.name else card.model_copy(update={"name": version.name})


def _numbered(draft: ScorecardDraft, version: int) -> dict[str, Any]:
    return {**draft.definition, "id": draft.key, "version": version}


def _named(content: Mapping[str, Any], key: str) -> str:
    name = content.get("name")
    return name.strip()[:MAX_NAME] if isinstance(name, str) and name.strip() else key


def _refuse_others(by: User) -> None:
    if by.role not in WRITERS:
        raise Refused(N_("Only QA leads change scorecards."))


# Into use, and out of it.


def activate(
    session: Session, draft: ScorecardDraft, *, revision: int, by: User, note: str, address: str | None = None
) -> ScorecardVersion:
    """Make the next version of the card from a draft; new calls are scored by it. The draft is gone then.

    Raises:
        Refused: `by` may not, there is no note, or nothing is another than in the version in use.
        StaleDraft: somebody saved meanwhile.
        Unsound: errors are to be mended first.
    """
    _refuse_others(by)
    session.refresh(draft, with_for_update=True)
    if draft.revision != revision:
        raise StaleDraft(draft)
    note = note.strip()
    if not note:
        raise Refused(N_("Say in a sentence what changes and why: agents and inspectors will read it."), field="note")
    if len(note) > MAX_NOTE:
        raise Refused(N_("The note may have %(limit)s characters."), field="note", limit=MAX_NOTE)
    errors = [problem for problem in problems_of(session, draft) if problem.severity == "error"]
    if errors:
        raise Unsound(errors)
    phrases = draft_phrases(session, draft)
    before = newest_version(session, draft.key)
    card = Scorecard.model_validate(_numbered(draft, _next_number(session, draft.key)))
    if before is not None and before.active and not changes(named_card(before), card) and phrases == phrases_of(before):
        raise Refused(N_("Nothing was changed: version %(version)s stays in use."), version=before.version)
    version = store_scorecard(session, card, phrases, name=draft.name)
    version.note, version.created_by_id = note, by.id
    audit.record(
        session, "scorecard.activated", user_id=by.id, subject=("scorecard", version.id), address=address,
        key=version.key, version=version.version, before=before.version if before else None,
    )  # fmt: skip
    session.delete(draft)
    session.flush()
    return version


def _next_number(session: Session, key: str) -> int:
    return 1 + (session.scalar(select(func.max(ScorecardVersion.version)).where(ScorecardVersion.key == key)) or 0)


def retire(session: Session, version: ScorecardVersion, by: User, *, address: str | None = None) -> None:
    """Take a version out of use: no new call is scored by it. What it scored stays as it is.

    Raises:
        Refused: `by` may not, or it is not in use.
    """
    _refuse_others(by)
    if not version.active:
        raise Refused(N_("This version is not in use."))
    version.active, version.retired_at = False, now()
    session.flush()
    audit.record(
        session, "scorecard.retired", user_id=by.id, subject=("scorecard", version.id), address=address,
        key=version.key, version=version.version,
    )  # fmt: skip


def displaced_by(session: Session, draft: ScorecardDraft) -> ScorecardVersion | None:
    """Return another card's version that scores the calls of the draft's language until the draft is in use."""
    language = draft.definition.get("language")
    present = active_scorecard(session, language) if isinstance(language, str) else None
    return present if present is not None and present.key != draft.key else None


# Trying a draft on a call.


@dataclass(frozen=True, slots=True)
class ItemTrial:
    """One item by both cards; None where the card does not have it, or it was not judged."""

    id: str
    name: str
    before: Mark | None
    after: Mark | None


@dataclass(frozen=True, slots=True)
class Trial:
    """A call by the draft, beside the score that is stored: by the machine, or by a person's answers."""

    before: float | None  # final score of 100 as it is stored
    after: CallScore
    items: tuple[ItemTrial, ...]
    version: ScorecardVersion  # that the stored score goes by
    left_out: tuple[str, ...] = ()  # ids of answers that do not fit the draft: its items stay open
    review: Review | None = None


def usable_card(session: Session, draft: ScorecardDraft) -> tuple[Scorecard, PhraseSet | None]:
    """Return the card of a draft without errors, and its rules.

    Raises:
        Unsound: it has errors.
    """
    errors = [problem for problem in problems_of(session, draft) if problem.severity == "error"]
    if errors:
        raise Unsound(errors)
    return Scorecard.model_validate(_numbered(draft, _next_number(session, draft.key))), draft_phrases(session, draft)


def try_on_call(session: Session, draft: ScorecardDraft, call: Call, settings: Settings) -> Trial:
    """Score a call by a draft as the machine would; nothing is stored.

    Raises:
        Unsound: the draft has errors.
        Refused: the machine has not scored the call.
    """
    card, phrases = usable_card(session, draft)
    stored = call.transcript
    if stored is None or call.auto_score is None:
        raise Refused(N_("This call is not scored yet."))
    measures = AudioMeasures.from_dict(stored.measures) if stored.measures else None
    transcript, facts = Transcript.from_dict(stored.content), facts_of(call, settings)
    after = score_call(transcript, card, phrases, measures=measures, facts=facts)
    version = call.auto_score.scorecard
    before = score_call(transcript, card_of(version), phrases_of(version), measures=measures, facts=facts)
    return Trial(call.auto_score.raw, after, tuple(_items(card_of(version), before, card, after)), version)


def try_on_review(session: Session, draft: ScorecardDraft, review: Review) -> Trial:
    """Score a person's answers by a draft; nothing is stored. Answers go to the items of the same id.

    Raises:
        Unsound: the draft has errors.
    """
    card, _phrases = usable_card(session, draft)
    given = entry_of(review).answers
    fitting = {item: answer for item, answer in given.items() if not unfit(card, item, answer)}
    version = review.scorecard
    after, before = score_answers(card, fitting), score_answers(card_of(version), _own(card_of(version), given))
    return Trial(
        review.final,
        after,
        tuple(_items(card_of(version), before, card, after)),
        version,
        tuple(item for item in given if item not in fitting),
        review,
    )


def _own(card: Scorecard, given: Mapping[str, GivenAnswer]) -> dict[str, GivenAnswer]:
    return {item: answer for item, answer in given.items() if not unfit(card, item, answer)}


def _items(old: Scorecard, before: CallScore, new: Scorecard, after: CallScore) -> Iterator[ItemTrial]:
    names = {item.id: item.name for _, item in old.items()} | {item.id: item.name for _, item in new.items()}
    first, second = ({mark.item: mark for mark in score.marks} for score in (before, after))
    order = [item.id for _, item in new.items()]
    for item in (*order, *(item.id for _, item in old.items() if item.id not in order)):
        yield ItemTrial(item, names[item], first.get(item), second.get(item))
