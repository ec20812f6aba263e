"""The scorecard editor: drafts, versions, activation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import Call, CallState, PhraseSetVersion, Review, Role, ScorecardDraft, ScorecardVersion, User
from qa.calls import visible_calls
from qa.refusals import Refused
from qa.reviews import visible_reviews
from qa.scorecard_drafts import (
    StaleDraft,
    Trial,
    Unsound,
    activate,
    begin_from_text,
    begin_from_version,
    begin_new,
    changes_of,
    discard,
    displaced_by,
    draft_of,
    draft_phrases,
    named_card,
    newest_phrase_sets,
    newest_version,
    phrase_set_of,
    problems_of,
    retire,
    save,
    save_text,
    try_on_call,
    try_on_review,
)
from scoring.criteria_file import CriteriaError, Place
from scoring.scorecard_changes import changes
from scoring.scorecard_draft import (
    Content,
    NoSuchPlace,
    acted,
    add,
    changed,
    entry_at,
    total_weight,
    weights,
)
from scoring.scorecard_lint import Problem
from scoring.scorecard_text import card_content, card_yaml
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.criteria_words import CHECKS, CLASSES, DECIDERS, EFFECTS, METHODS
from web.db import session
from web.hidden_agents import hides_agent
from web.i18n import CALL_LANGUAGES, N_
from web.refusal_text import refusal_text
from web.scorecard_form import (
    Form,
    advised,
    answers_to,
    earlier_items,
    item_weights,
    percent_text,
    plain_text,
    read_entry,
    rows_of,
    rule_choices,
    steps_of,
    type_of,
)
from web.scorecard_words import (
    DEDUCTIONS,
    FIELDS,
    TYPE_ICONS,
    TYPES,
    ProblemView,
    answer_words,
    change_views,
    entry_and_field,
    place_code,
    problem_views,
    read_place,
)

bp = Blueprint("scorecards", __name__, url_prefix="/scorecards")

READERS = (Role.LEAD, Role.ADMIN)
EDITORS = (Role.LEAD,)
UNPROCESSABLE = 422
CONFLICT = 409
RECENT_CALLS = 40  # that one may pick from
LANGUAGE_TAGS = {"zh-CN": "zh", "en": "en"}
ACTS = ("up", "down", "duplicate", "remove")
YES_NO = {"met": N_("Yes"), "not_met": N_("No")}


# The list.


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List drafts, the versions in use and the earlier ones."""
    return list_page()


def list_page(*, problem: str | None = None, wrong: str | None = None) -> str:
    versions = session.scalars(
        select(ScorecardVersion)
        .options(joinedload(ScorecardVersion.phrase_set))
        .order_by(ScorecardVersion.key, ScorecardVersion.version.desc())
    ).all()
    drafts = session.scalars(select(ScorecardDraft).order_by(ScorecardDraft.saved_at.desc())).all()
    errors = {draft.id: sum(one.severity == "error" for one in problems_of(session, draft)) for draft in drafts}
    return render_template(
        "scorecards/index.html",
        drafts=drafts,
        errors=errors,
        drafted={draft.key: draft for draft in drafts},
        present=[version for version in versions if version.active],
        earlier=[version for version in versions if not version.active],
        authors={one.id: one.name for one in session.scalars(select(User).where(User.id.in_(authors_of(versions))))},
        may_edit=may_edit(),
        phrase_sets=newest_phrase_sets(session),
        languages=LANGUAGE_TAGS,
        language_names=CALL_LANGUAGES,
        methods=METHODS,
        problem=problem,
        wrong=wrong,
        given=request.form,
    )


def authors_of(versions: Sequence[ScorecardVersion]) -> set[int]:
    return {version.created_by_id for version in versions if version.created_by_id is not None}


# Beginning a draft.


@bp.post("/new")
@allow(*EDITORS)
def create() -> ResponseReturnValue:
    """Begin a scorecard from nothing."""
    form = request.form
    language, method = form.get("language", ""), form.get("method", "")
    try:
        draft = begin_new(
            session,
            reader(),
            key=form.get("key", "").strip(),
            name=" ".join(form.get("name", "").split()),
            language=language if language in LANGUAGE_TAGS else next(iter(LANGUAGE_TAGS)),
            method=method if method in METHODS else next(iter(METHODS)),
            phrase_set=chosen_phrase_set(form.get("phrase_set", "")),
            address=address(),
        )
    except Refused as refusal:
        session.rollback()
        return list_page(problem=refusal_text(refusal), wrong="new"), UNPROCESSABLE
    session.commit()
    return redirect(url_for("scorecards.edit", draft_id=draft.id))


@bp.post("/import")
@allow(*EDITORS)
def take_file() -> ResponseReturnValue:
    """Begin a draft from a YAML file."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return list_page(problem=gettext("Choose a YAML file."), wrong="import"), UNPROCESSABLE
    try:
        text = file.stream.read().decode("utf-8-sig")
        draft = begin_from_text(
            session, reader(), text, phrase_set=chosen_phrase_set(request.form.get("phrase_set", "")), address=address()
        )
    except UnicodeDecodeError:
        told = gettext("The file is not UTF-8 text: save it as UTF-8.")
        return list_page(problem=told, wrong="import"), UNPROCESSABLE
    except CriteriaError as error:
        session.rollback()
        return list_page(problem=str(error).replace("<text>", file.filename), wrong="import"), UNPROCESSABLE
    except Refused as refusal:
        session.rollback()
        return list_page(problem=refusal_text(refusal), wrong="import"), UNPROCESSABLE
    session.commit()
    return redirect(url_for("scorecards.edit", draft_id=draft.id))


@bp.post("/versions/<int:version_id>/draft")
@allow(*EDITORS)
def begin(version_id: int) -> ResponseReturnValue:
    """Begin the next version of a card, or go on with the draft that there is."""
    version = stored_version(version_id)
    draft = draft_of(session, version.key)
    if draft is None:
        draft = begin_from_version(session, reader(), version, address=address())
        session.commit()
    else:
        flash(gettext("There was a draft of this scorecard already: here it is."), "info")
    return redirect(url_for("scorecards.edit", draft_id=draft.id))


def chosen_phrase_set(text: str) -> PhraseSetVersion | None:
    known = {str(one.id): one for one in newest_phrase_sets(session)}
    return known.get(text)


# The editor.


@bp.get("/drafts/<int:draft_id>")
@allow(*READERS)
def edit(draft_id: int) -> ResponseReturnValue:
    """Show a draft: its outline, one entry as a form, what is to be mended."""
    draft = stored_draft(draft_id)
    return render_template("scorecards/edit.html", **bench(draft, read_place(request.args.get("at", ""))))


@bp.post("/drafts/<int:draft_id>/change")
@allow(*EDITORS)
def change(draft_id: int) -> ResponseReturnValue:
    """Keep what the form says and do what was asked for: go elsewhere, add, move, duplicate, remove."""
    draft = stored_draft(draft_id)
    place = read_place(request.form.get("at", ""))
    do, _, target = request.form.get("do", "save").partition(":")
    before, linked_before = draft.definition, draft.phrase_set
    try:
        content = with_form(before, place, request.form)
        content, goal = done(content, place, do, read_place(target))
        save(
            session, draft, content, revision=request.form.get("revision", default=-1, type=int), by=reader(),
            phrase_set=linked_set(draft, request.form), address=address(),
        )  # fmt: skip
    except NoSuchPlace:
        return refused(draft, place, gettext("This part of the draft is gone: somebody removed it. Reload the page."))
    except Refused as refusal:
        return refused(draft, place, refusal_text(refusal))
    session.commit()
    if "HX-Request" not in request.headers:
        return redirect(url_for("scorecards.edit", draft_id=draft.id, at=place_code(goal) or None))
    linked = (linked_before and linked_before.key) == (draft.phrase_set and draft.phrase_set.key)
    if do == "save" and linked and not needs_another_form(before, content, place):
        return render_template("scorecards/_saved.html", **bench(draft, goal))
    return whole_bench(draft, goal, fresh=do not in ("save", "up", "down"))


def whole_bench(draft: ScorecardDraft, goal: Place, *, fresh: bool) -> ResponseReturnValue:
    """Return the editor anew, opened at `goal`; `fresh` puts the cursor into the entry's form."""
    response = make_response(render_template("scorecards/_bench.html", **{**bench(draft, goal), "fresh": fresh}))
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#bench", "innerHTML"
    response.headers["HX-Push-Url"] = url_for("scorecards.edit", draft_id=draft.id, at=place_code(goal) or None)
    return response


def refused(draft: ScorecardDraft, place: Place, told: str) -> ResponseReturnValue:
    """Say why nothing was saved; what was typed stays in the page."""
    session.rollback()
    if "HX-Request" not in request.headers:
        flash(told, "danger")
        return redirect(url_for("scorecards.edit", draft_id=draft.id, at=place_code(place) or None))
    response = make_response(render_template("scorecards/_refused.html", told=told, draft=draft))
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#saved", "outerHTML"
    return response


def with_form(content: Content, place: Place, form: Form) -> Content:
    """Return the draft with what the form of the entry at `place` gives."""
    entry = entry_at(content, place)
    new = changed(content, place, read_entry(content, place, entry, form))
    for item, fields in item_weights(content, form):
        new = changed(new, item, fields)
    return new


def done(content: Content, place: Place, do: str, target: Place) -> tuple[Content, Place]:
    """Return the draft after an act, and the entry to open.

    Raises:
        NoSuchPlace: the act is about an entry that is not there.
    """
    if do == "select":
        return content, place_or_whole(content, target)
    if do == "add":
        return add(content, target)
    if do in ACTS and place:
        return acted(content, place, do)  # type: ignore[arg-type]
    return content, place


def place_or_whole(content: Content, place: Place) -> Place:
    """Return the place of an entry that there is, else of the whole card."""
    try:
        entry_at(content, place)
    except NoSuchPlace:
        return ()
    return place if place and isinstance(place[-1], int) else ()


def linked_set(draft: ScorecardDraft, form: Form) -> PhraseSetVersion | None:
    """Return the phrase set that the form chooses; the draft's own where the form does not ask."""
    return chosen_phrase_set(form["phrase_set"]) if "phrase_set" in form else draft.phrase_set


def needs_another_form(before: Content, after: Content, place: Place) -> bool:
    """Whether the form of an entry shows other fields than before, because its type or its condition is another."""
    if not place:
        return before.get("method") != after.get("method")
    if place[-2] != "items":
        return False
    old, new = entry_at(before, place), entry_at(after, place)
    return any(
        (
            type_of(before, old) != type_of(after, new),
            (old.get("only_if") or {}).get("item") != (new.get("only_if") or {}).get("item"),
            old.get("decide") != new.get("decide"),
            bool(old.get("rules")) != bool(new.get("rules")),
        )
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the outline."""

    place: str
    entry: Content
    kind: str | None = None  # of an item
    effective: float | None = None
    errors: int = 0
    warnings: int = 0


def bench(draft: ScorecardDraft, place: Place) -> dict[str, Any]:
    """Return everything that the editor shows of a draft, opened at one entry."""
    content = draft.definition
    place = place_or_whole(content, place)
    entry = entry_at(content, place)
    problems = problems_of(session, draft)
    phrases = draft_phrases(session, draft)
    total = total_weight(content)
    return {
        "draft": draft,
        "content": content,
        "place": place,
        "at": place_code(place),
        "kind": place[-2] if place else "card",
        "entry": entry,
        "type": type_of(content, entry),
        "total": total,
        "missing": round(100 - total, 6),
        "outline": outline(content, problems),
        "problems": problem_views(problems, content),
        "wrong": problems_by_field(problems, content, place),
        "effects_of_absence": without_each_section(content, place),
        "effective": weights(content),
        "phrases": phrases,
        "phrase_set": phrase_set_of(session, draft),
        "phrase_sets": newest_phrase_sets(session),
        "rules": rule_choices(phrases, entry.get("rules")),
        "triggers": rule_choices(phrases, entry.get("na_unless"), triggers=True),
        "advised": advised(content, entry),
        "earlier": earlier_items(content, place),
        "condition_answers": answers_to(content, str((entry.get("only_if") or {}).get("item", ""))),
        "may_edit": may_edit(),
        "languages": LANGUAGE_TAGS,
        "fresh": False,
        **WORDS,
    }


WORDS: Mapping[str, Any] = {
    "types": TYPES,
    "type_icons": TYPE_ICONS,
    "fields": FIELDS,
    "checks": CHECKS,
    "deciders": DECIDERS,
    "classes": CLASSES,
    "effects": EFFECTS,
    "methods": METHODS,
    "ways_to_add": DEDUCTIONS,
    "yes_no": YES_NO,
    "language_names": CALL_LANGUAGES,
    "rows_of": rows_of,
    "steps_of": steps_of,
    "percent": percent_text,
    "plain": plain_text,
    "answer_words": answer_words,
    "place_code": place_code,
}


def outline(content: Content, problems: Sequence[Problem]) -> dict[str, list[Any]]:
    """Return the lines of the outline: sections with their items, fatal and bonus items."""
    counts: dict[Place, list[int]] = {}
    for problem in problems:
        entry, _field = entry_and_field(problem.place)
        counts.setdefault(entry, [0, 0])[problem.severity == "warning"] += 1
    effective = weights(content)

    def row(place: Place, entry: Content) -> Row:
        errors, warnings = counts.get(place, [0, 0])
        if place[-2] != "items":
            return Row(place_code(place), entry, None, None, errors, warnings)
        counted = effective[cast(int, place[1]), cast(int, place[3])].effective
        return Row(place_code(place), entry, type_of(content, entry), counted, errors, warnings)

    sections = [
        (
            row(("sections", s), section),
            [row(("sections", s, "items", i), item) for i, item in enumerate(section.get("items", []))],
        )
        for s, section in enumerate(content.get("sections", []))
    ]
    return {
        "sections": sections,
        "fatal": [row(("fatal", at), entry) for at, entry in enumerate(content.get("fatal", []))],
        "bonus": [row(("bonus", at), entry) for at, entry in enumerate(content.get("bonus", []))],
    }


def without_each_section(content: Content, place: Place) -> list[tuple[str, float | None]]:
    """Return what an item counts when another section does not apply: (the section's id, points of 100)."""
    if len(place) != 4:
        return []
    here = (cast(int, place[1]), cast(int, place[3]))
    others = [str(section.get("id", "")) for s, section in enumerate(content["sections"]) if s != here[0]]
    return [(name, weights(content, away=name)[here].effective) for name in others]


def problems_by_field(problems: Sequence[Problem], content: Content, place: Place) -> dict[str, list[ProblemView]]:
    """Return the problems of one entry by its fields; those of none in particular under ""."""
    found: dict[str, list[ProblemView]] = {}
    for view in problem_views(problems, content):
        if view.entry == place:
            found.setdefault(view.field or "", []).append(view)
    return found


# The draft as text.


@bp.get("/drafts/<int:draft_id>/text")
@allow(*READERS)
def text(draft_id: int) -> ResponseReturnValue:
    """Show a draft as YAML, to be changed there: whatever the form has no field for, and without scripts."""
    draft = stored_draft(draft_id)
    return text_page(draft, card_yaml(draft.definition))


@bp.post("/drafts/<int:draft_id>/text")
@allow(*EDITORS)
def change_text(draft_id: int) -> ResponseReturnValue:
    """Keep a draft as its text says."""
    draft = stored_draft(draft_id)
    typed = request.form.get("yaml", "").replace("\r\n", "\n")
    revision = request.form.get("revision", default=-1, type=int)
    try:
        save_text(session, draft, typed, revision=revision, by=reader(), address=address())
    except CriteriaError as error:
        session.rollback()
        return text_page(draft, typed, problem=str(error).replace("<text>:", ""), revision=revision), UNPROCESSABLE
    except StaleDraft as refusal:
        session.rollback()
        return text_page(draft, typed, problem=refusal_text(refusal), revision=revision), CONFLICT
    except Refused as refusal:
        session.rollback()
        return text_page(draft, typed, problem=refusal_text(refusal), revision=revision), UNPROCESSABLE
    session.commit()
    flash(gettext("The draft is saved."), "success")
    return redirect(url_for("scorecards.text", draft_id=draft.id))


def text_page(draft: ScorecardDraft, yaml: str, *, problem: str | None = None, revision: int | None = None) -> str:
    problems = problem_views(problems_of(session, draft), draft.definition)
    return render_template(
        "scorecards/text.html",
        draft=draft,
        yaml=yaml,
        problem=problem,
        problems=problems,
        revision=draft.revision if revision is None else revision,
        may_edit=may_edit(),
        place_code=place_code,
    )


@bp.get("/drafts/<int:draft_id>/file")
@allow(*READERS)
def draft_file(draft_id: int) -> ResponseReturnValue:
    """Send a draft as a YAML file."""
    draft = stored_draft(draft_id)
    return yaml_file(card_yaml(draft.definition), f"{draft.key}-draft.yaml")


@bp.get("/versions/<int:version_id>/file")
@allow(*READERS)
def version_file(version_id: int) -> ResponseReturnValue:
    """Send a version as a YAML file, as `hotline criteria import` reads it."""
    version = stored_version(version_id)
    return yaml_file(card_yaml(card_content(named_card(version))), f"{version.key}-{version.version}.yaml")


def yaml_file(content: str, name: str) -> Response:
    response = Response(content, content_type="application/yaml; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


# What is another, and into use.


@bp.get("/drafts/<int:draft_id>/changes")
@allow(*READERS)
def review_draft(draft_id: int) -> ResponseReturnValue:
    """Show what a draft changes in the version in use, and what keeps it from being used."""
    return changes_page(stored_draft(draft_id))


def changes_page(draft: ScorecardDraft, *, problem: str | None = None) -> str:
    found = changes_of(session, draft)
    problems = problem_views(problems_of(session, draft), draft.definition)
    return render_template(
        "scorecards/changes.html",
        draft=draft,
        before=newest_version(session, draft.key),
        found=None if found is None else change_views(found),
        problems=problems,
        errors=sum(one.severity == "error" for one in problems),
        displaced=displaced_by(session, draft),
        problem=problem,
        note=request.form.get("note", ""),
        may_edit=may_edit(),
        place_code=place_code,
    )


@bp.post("/drafts/<int:draft_id>/activate")
@allow(*EDITORS)
def make_active(draft_id: int) -> ResponseReturnValue:
    """Put a draft into use as the next version of its card."""
    draft = stored_draft(draft_id)
    try:
        version = activate(
            session, draft, revision=request.form.get("revision", default=-1, type=int), by=reader(),
            note=request.form.get("note", ""), address=address(),
        )  # fmt: skip
    except Refused as refusal:
        session.rollback()
        return changes_page(draft, problem=refused_text(refusal, draft)), UNPROCESSABLE
    session.commit()
    told = gettext("%(name)s, version %(number)s, is in use.", name=version.name, number=version.version)
    flash(told + " " + gettext("New calls are scored by it; earlier scores keep their version."), "success")
    return redirect(url_for("criteria.show", version_id=version.id))


def refused_text(refusal: Refused, draft: ScorecardDraft) -> str:
    """Return why something was refused; the first error of a draft with its place, in the page's language."""
    if not isinstance(refusal, Unsound):
        return refusal_text(refusal)
    first = problem_views(refusal.problems[:1], draft.definition)[0]
    count = len(refusal.problems)
    return gettext(refusal.message, count=count, problem=gettext(": ").join((first.where, first.text)))


@bp.post("/drafts/<int:draft_id>/discard")
@allow(*EDITORS)
def drop(draft_id: int) -> ResponseReturnValue:
    """Delete a draft."""
    draft = stored_draft(draft_id)
    name = draft.name
    discard(session, draft, reader(), address=address())
    session.commit()
    flash(gettext("The draft of %(name)s is discarded.", name=name), "success")
    return redirect(url_for("scorecards.index"))


@bp.post("/versions/<int:version_id>/retire")
@allow(*EDITORS)
def take_out_of_use(version_id: int) -> ResponseReturnValue:
    """Take a version out of use."""
    version = stored_version(version_id)
    try:
        retire(session, version, reader(), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
        return redirect(url_for("scorecards.index"))
    session.commit()
    flash(gettext("%(name)s is retired: no new call is scored by it.", name=version.name), "success")
    return redirect(url_for("scorecards.index"))


@bp.get("/versions/<int:version_id>/changes")
@allow(*READERS)
def compare(version_id: int) -> ResponseReturnValue:
    """Show what a version changed in another one of its card, by default the one before it."""
    version = stored_version(version_id)
    others = session.scalars(
        select(ScorecardVersion)
        .where(ScorecardVersion.key == version.key, ScorecardVersion.id != version.id)
        .order_by(ScorecardVersion.version.desc())
    ).all()
    wanted = request.args.get("from", type=int)
    earlier = [one for one in others if one.version < version.version]
    before = next((one for one in others if one.id == wanted), None) or next(iter(earlier or others), None)
    found = changes(named_card(before), named_card(version)) if before else []
    author = session.get(User, version.created_by_id) if version.created_by_id else None
    return render_template(
        "scorecards/compare.html",
        version=version,
        before=before,
        others=others,
        found=change_views(found),
        author=author,
    )


# A call scored by the draft.


@bp.get("/drafts/<int:draft_id>/preview")
@allow(*EDITORS)
def preview(draft_id: int) -> ResponseReturnValue:
    """Score a call by a draft, by the machine and by the answers of its newest review; nothing is stored."""
    draft = stored_draft(draft_id)
    number = request.args.get("call", "").strip()
    call = picked_call(number) if number else None
    trials: list[Trial] = []
    problem = gettext("There is no call with this number that you may see.") if number and call is None else None
    if call is not None:
        try:
            trials = [try_on_call(session, draft, call, settings)]
            review = newest_review(call)
            if review is not None:
                trials.append(try_on_review(session, draft, review))
            seen("scorecard_draft.tried", "call", call.id, key=draft.key)
        except Refused as refusal:
            problem = refused_text(refusal, draft)
    return render_template(
        "scorecards/preview.html",
        draft=draft,
        call=call,
        number=number,
        trials=trials,
        problem=problem,
        recent=recent_calls(draft),
        described=described,
        may_edit=may_edit(),
    )


def picked_call(number: str) -> Call | None:
    known = number.isascii() and number.isdigit() and len(number) < 12
    found: Call | None = session.scalar(visible_calls(reader()).where(Call.id == int(number))) if known else None
    return found


def newest_review(call: Call) -> Review | None:
    found: Review | None = session.scalar(
        visible_reviews(reader())
        .where(Review.call_id == call.id, Review.submitted_at.is_not(None), Review.calibration_id.is_(None))
        .order_by(Review.submitted_at.desc())
        .limit(1)
    )
    return found


def recent_calls(draft: ScorecardDraft) -> list[tuple[int, str]]:
    """Return the newest scored calls in the draft's language: number and description."""
    primary = str(draft.definition.get("language", "")).split("-")[0].lower()
    rows = session.scalars(
        visible_calls(reader())
        .where(Call.state == CallState.SCORED, Call.language.startswith(primary or "?"))
        .options(joinedload(Call.agent))
        .order_by(Call.started_at.desc())
        .limit(RECENT_CALLS)
    ).all()
    return [(call.id, described(call)) for call in rows]


def described(call: Call) -> str:
    when = call.started_at.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M")
    agent = f"{call.agent.number} {call.agent.name}" if call.agent and not hides_agent(call.id) else ""
    return " · ".join(part for part in (when, agent, call.queue) if part)


# What all of them need.


def reader() -> User:
    return cast(User, current_user)


def may_edit() -> bool:
    return reader().role in EDITORS


def stored_draft(draft_id: int) -> ScorecardDraft:
    draft: ScorecardDraft = session.get(ScorecardDraft, draft_id) or abort(404)
    return draft


def stored_version(version_id: int) -> ScorecardVersion:
    version: ScorecardVersion = session.get(ScorecardVersion, version_id) or abort(404)
    return version
