"""The rule workbench: change a rule, see at once what it says of a dialogue, of test cases and of stored calls."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import Agent, Call, CallState, Role, RuleComparison, User
from qa import audit
from qa.calls import visible_calls
from qa.criteria import active_scorecard
from qa.pipeline import facts_of, organisation_names
from qa.refusals import Refused
from qa.rule_workbench import (
    MAX_CALLS,
    RulesInUse,
    Scope,
    activate,
    advance,
    case_lines,
    comparison_of,
    count_cases,
    delete_case,
    found_so_far,
    keep_cases,
    refuse_another_set,
    run_stored_cases,
    set_in_use,
    sets_in_use,
    start_comparison,
)
from scoring.facts import CallFacts
from scoring.marks import Answer
from scoring.phrase_set import PhraseSet
from scoring.rule_cases import EXPECTABLE, CaseError, read_case, read_case_data
from scoring.rule_text import replace_rule, to_yaml, with_values
from transcription.dialogue import read_dialogue, write_dialogue
from transcription.measures import AudioMeasures
from transcription.transcript import Transcript, TranscriptError
from web.access import allow
from web.audit import address, seen
from web.context import settings
from web.db import current_factory, session
from web.hidden_agents import hides_agent
from web.i18n import ANSWERS, N_, html_language
from web.refusal_text import refusal_text
from web.rule_form import RULE_GROUPS, Draft, read_draft, typed_values
from web.rule_trial import Trial, try_rules

bp = Blueprint("rules", __name__, url_prefix="/rules")

READERS = (Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD, Role.ADMIN)
EDITORS = (Role.LEAD, Role.ADMIN)
COMPARERS = (Role.LEAD,)  # a comparison names calls and agents
UNPROCESSABLE = 422
RECENT_CALLS = 40  # that one may pick from
SHOWN_CHANGES = 30  # calls of a comparison, of those that lose and those that gain each
SCOPES = (100, 200, 500, 1000, MAX_CALLS)
ANSWER_OF_NO_RULE = {"none": N_("no such rule")}
EXAMPLES = {
    "en": "agent: good morning, how can I help?\ncustomer: I lost my card yesterday",
    "zh": "坐席：您好，请问有什么可以帮您？\n客户：我想查一下话费",
}


class Unfit(ValueError):
    """What was sent cannot be used; the message says why, in the page's language."""


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """Open the workbench with the rules of the newest scorecard in use, of those in the page's language if any are."""
    present = sets_in_use(session)
    if present:
        spoken = html_language().split("-")[0]
        own = [one for one in present if one.phrases.language.split("-")[0] == spoken]
        newest = max(own or present, key=lambda one: max(card.id for card in one.cards))
        return redirect(url_for("rules.show", key=newest.phrases.id))
    return render_template("rules/none.html")


@bp.get("/<key>")
@allow(*READERS)
def show(key: str) -> ResponseReturnValue:
    """Show the rules of one phrase set with everything to try them on."""
    present = in_use(key)
    return workbench(present, read_draft(to_yaml(present.phrases), request.args.get("rule")))


def workbench(present: RulesInUse, draft: Draft, *, failing: int = 0) -> str:
    """Return the page; `failing` test cases are to be accepted before the rules are activated."""
    key = present.phrases.id
    return render_template(
        "rules/show.html",
        present=present,
        sets=sets_in_use(session),
        key=key,
        draft=draft,
        failing=failing,
        groups=RULE_GROUPS,
        cases=count_cases(session, key),
        recent=recent_calls(key),
        comparison=comparison_view(comparison_of(session, reader().id, key)) if may_compare() else None,
        may_edit=reader().role in EDITORS,
        may_compare=may_compare(),
        scopes=SCOPES,
        given={},
        language=present.phrases.language,
        example=EXAMPLES["zh" if present.phrases.language.startswith("zh") else "en"],
    )


# The text and the form.


@bp.post("/<key>/check")
@allow(*READERS)
def check(key: str) -> ResponseReturnValue:
    """Say whether the text can be used, by line, and show the chosen rule in a form."""
    return state(in_use(key), posted_draft())


@bp.post("/<key>/edit")
@allow(*EDITORS)
def edit(key: str) -> ResponseReturnValue:
    """Write what the form says into the text, in the place of the rule."""
    present, draft = in_use(key), posted_draft()
    if draft.chosen is not None:
        content = with_values(draft.chosen.content, typed_values(draft.chosen, request.form))
        draft = read_draft(replace_rule(draft.text, draft.chosen, content), draft.chosen.id)
    return state(present, draft, with_text=True)


def state(present: RulesInUse, draft: Draft, *, with_text: bool = False) -> ResponseReturnValue:
    """Return the form beside the text, and the text itself when it was changed here."""
    fragment = render_template(
        "rules/_state.html",
        key=present.phrases.id,
        present=present,
        draft=draft,
        with_text=with_text,
        groups=RULE_GROUPS,
        may_edit=reader().role in EDITORS,
    )
    # What hangs on the rules (test cases, the tried dialogue) looks again.
    return fragment, 200, {"HX-Trigger-After-Settle": "rulesChanged"} if draft.phrases else {}


# A dialogue or a call.


@bp.post("/<key>/try")
@allow(*READERS)
def try_out(key: str) -> ResponseReturnValue:
    """Show what every rule says of the dialogue in the box, or of a picked call."""
    present = in_use(key)
    try:
        draft = posted_draft()
        trial = call_trial(present, draft) if request.form.get("call", "").strip() else dialogue_trial(draft)
    except Unfit as problem:
        return render_template("rules/_problem.html", problem=str(problem))
    return render_template(
        "rules/_trial.html",
        key=key,
        trial=trial,
        chosen=draft.chosen.id if draft.chosen else None,
        call=request.form.get("call", "").strip() or None,
        may_edit=reader().role in EDITORS,
        expectable=[answer.value for answer in EXPECTABLE],
    )


def call_trial(present: RulesInUse, draft: Draft) -> Trial:
    """Try the rules on a call that the reader may see.

    Raises:
        Unfit: there is no such call for them, it has no transcript, or the rules cannot be used.
    """
    phrases = usable(draft)
    call = picked_call()
    stored = call.transcript
    assert stored is not None
    seen("rules.tried", "call", call.id, set=present.phrases.id)
    return try_rules(
        Transcript.from_dict(stored.content),
        phrases,
        measures=AudioMeasures.from_dict(stored.measures) if stored.measures else None,
        facts=facts_of(call, settings),
        chosen=draft.chosen.id if draft.chosen else None,
    )


def dialogue_trial(draft: Draft) -> Trial:
    """Try the rules on the dialogue in the box.

    Raises:
        Unfit: the dialogue or the rules cannot be used.
    """
    phrases = usable(draft)
    facts = CallFacts(organisation_names=organisation_names(settings, phrases.language))
    return try_rules(typed_dialogue(phrases), phrases, facts=facts, chosen=draft.chosen.id if draft.chosen else None)


def typed_dialogue(phrases: PhraseSet) -> Transcript:
    try:
        return read_dialogue(request.form.get("dialogue", ""), language=phrases.language)
    except TranscriptError as error:
        raise Unfit(gettext("The dialogue cannot be read: %(reason)s", reason=str(error))) from None


@bp.post("/<key>/words")
@allow(*READERS)
def words(key: str) -> ResponseReturnValue:
    """Put the words of a picked call into the box, to be changed there."""
    in_use(key)
    try:
        call = picked_call()
    except Unfit as problem:
        return render_template("rules/_dialogue.html", text="", problem=str(problem))
    assert call.transcript is not None
    seen("rules.tried", "call", call.id, set=key)
    return render_template("rules/_dialogue.html", text=write_dialogue(Transcript.from_dict(call.transcript.content)))


def picked_call() -> Call:
    """Return the call whose number was sent.

    Raises:
        Unfit: there is none that the reader may see, or it has no transcript.
    """
    number = request.form.get("call", "").strip()
    known = number.isascii() and number.isdigit() and len(number) < 12
    call: Call | None = session.scalar(visible_calls(reader()).where(Call.id == int(number))) if known else None
    if call is None:
        raise Unfit(gettext("There is no call with this number that you may see."))
    if call.transcript is None:
        raise Unfit(gettext("This call has no transcript yet."))
    return call


def recent_calls(key: str) -> list[tuple[int, str]]:
    """Return the newest calls that the reader may see and that these rules score: number and description."""
    rows = session.scalars(
        visible_calls(reader())
        .where(Call.state == CallState.SCORED)
        .options(joinedload(Call.agent))
        .order_by(Call.started_at.desc())
        .limit(RECENT_CALLS)
    ).all()
    cards = {language: active_scorecard(session, language) for language in {call.language for call in rows}}
    fits = [
        call
        for call in rows
        if (card := cards[call.language]) is not None and card.phrase_set is not None and card.phrase_set.key == key
    ]
    return [(call.id, described(call)) for call in fits]


def described(call: Call) -> str:
    when = call.started_at.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M")
    agent = f"{call.agent.number} {call.agent.name}" if call.agent and not hides_agent(call.id) else ""
    return " · ".join(part for part in (when, agent, call.queue) if part)


# Test cases.


@bp.post("/<key>/cases/run")
@allow(*READERS)
def run_cases(key: str) -> ResponseReturnValue:
    """Run the kept test cases on the rules in the text."""
    return cases_panel(in_use(key), posted_draft())


@bp.post("/<key>/cases")
@allow(*EDITORS)
def keep_case(key: str) -> ResponseReturnValue:
    """Keep the dialogue in the box as a test case."""
    present, draft = in_use(key, writing=True), posted_draft()
    try:
        content = typed_case(draft)
        read_case(content, usable(draft), known=usable(draft).by_id)
        store_cases(key, [content])
    except (Unfit, CaseError) as problem:
        return cases_panel(present, draft, problem=str(problem))
    except Refused as refusal:
        return cases_panel(present, draft, problem=refusal_text(refusal))
    return cases_panel(present, draft, done=gettext("The test case “%(name)s” is kept.", name=content["id"]))


def typed_case(draft: Draft) -> dict[str, object]:
    """Return the case that the form describes.

    Raises:
        Unfit: it has no name, the dialogue cannot be read, or the rules cannot be used.
    """
    form = request.form
    name = form.get("name", "").strip()
    if not name:
        raise Unfit(gettext("Give the test case a name."))
    rule, answer = form.get("rule", ""), form.get("answer", "")
    expect: dict[str, str] = {}
    if form.get("all"):
        others = (verdict for verdict in dialogue_trial(draft).verdicts if verdict.rule.id != rule)
        expect = {verdict.rule.id: verdict.answer for verdict in others}
    if answer:
        expect[rule] = answer
    return {"id": name[:80], "dialogue": form.get("dialogue", ""), "expect": expect}


@bp.post("/<key>/cases/import")
@allow(*EDITORS)
def import_cases(key: str) -> ResponseReturnValue:
    """Keep the test cases of a file."""
    present, draft = in_use(key, writing=True), posted_draft()
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise Unfit(gettext("Choose a file."))
        text = file.stream.read().decode("utf-8-sig")
        new, changed = store_cases(key, read_case_data(text, name=file.filename, phrases=present.phrases))
    except UnicodeDecodeError:
        return cases_panel(present, draft, problem=gettext("The file is not UTF-8 text: save it as UTF-8."))
    except (Unfit, CaseError) as problem:
        return cases_panel(present, draft, problem=str(problem))
    except Refused as refusal:
        return cases_panel(present, draft, problem=refusal_text(refusal))
    return cases_panel(
        present, draft, done=gettext("%(new)s new test cases, %(changed)s changed.", new=new, changed=changed)
    )


def store_cases(key: str, cases: list[dict[str, object]]) -> tuple[int, int]:
    """Keep cases and commit; return how many are new and changed."""
    new, changed = keep_cases(session, key, cases, user_id=reader().id)
    audit.record(
        session, "rule_cases.changed", user_id=reader().id, address=address(), set=key, new=new, changed=changed
    )
    session.commit()
    return new, changed


@bp.post("/<key>/cases/delete")
@allow(*EDITORS)
def remove_case(key: str) -> ResponseReturnValue:
    """Delete one test case."""
    present, name = in_use(key, writing=True), request.form.get("name", "")
    if delete_case(session, key, name):
        audit.record(session, "rule_cases.changed", user_id=reader().id, address=address(), set=key, deleted=1)
        session.commit()
    return cases_panel(present, posted_draft())


@bp.get("/<key>/cases.jsonl")
@allow(*READERS)
def download_cases(key: str) -> ResponseReturnValue:
    """Send the test cases, one JSON object a line."""
    in_use(key)
    response = Response(case_lines(session, key), mimetype="application/jsonl")
    response.headers.set("Content-Disposition", "attachment", filename=f"{key}-cases.jsonl")
    return response


def cases_panel(
    present: RulesInUse, draft: Draft, *, problem: str | None = None, done: str | None = None
) -> ResponseReturnValue:
    """Return the panel of the test cases, run on the rules in the text."""
    session.rollback()  # what was kept is committed; running takes a while and writes nothing
    key = present.phrases.id
    return render_template(
        "rules/_cases.html",
        key=key,
        report=run_stored_cases(session, draft.phrases, settings) if draft.phrases else None,
        count=count_cases(session, key),
        problem=problem,
        done=done,
        may_edit=reader().role in EDITORS,
    )


# What would change.


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A comparison as the page shows it."""

    row: RuleComparison
    found: object  # qa.rule_workbench.Comparison
    agents: Mapping[str, Agent]
    losing: list[tuple[object, Call | None]]
    gaining: list[tuple[object, Call | None]]


@bp.post("/<key>/compare")
@allow(*COMPARERS)
def begin_comparison(key: str) -> ResponseReturnValue:
    """Begin to go over stored calls with the rules in the text."""
    present = in_use(key, writing=True)
    try:
        changed = usable(posted_draft())
        refuse_another_set(changed, present.phrases)
        row = start_comparison(session, reader().id, changed, typed_scope(), settings.zone)
    except Unfit as problem:
        return compare_panel(key, None, problem=str(problem))
    except Refused as refusal:
        return compare_panel(key, None, problem=refusal_text(refusal))
    audit.record(session, "rules.compared", user_id=reader().id, address=address(), set=key, calls=len(row.call_ids))
    session.commit()
    return compare_panel(key, row)


def typed_scope() -> Scope:
    """Return which calls the form asks for.

    Raises:
        Unfit: a day cannot be read, or the first comes after the last.
    """
    given = request.form
    limit = given.get("limit", default=SCOPES[1], type=int)
    since, until = typed_day("since"), typed_day("until")
    if since and until and since > until:
        raise Unfit(gettext("The first day comes after the last one."))
    drawn = given.get("choice") == "random"
    seed = random.SystemRandom().randrange(2**31) if drawn else 0
    return Scope(max(1, min(limit, MAX_CALLS)), since, until, drawn, seed)


def typed_day(name: str) -> date | None:
    text = request.form.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Unfit(gettext("A day must look like 2026-11-18.")) from None


@bp.post("/<key>/compare/step")
@allow(*COMPARERS)
def continue_comparison(key: str) -> ResponseReturnValue:
    """Work on the reader's comparison for a second and say how far it is."""
    row = comparison_of(session, reader().id, key)
    identity = row.id if row else None
    session.rollback()  # this request's own transaction would make the one that stores the work wait for it
    if identity is not None:
        advance(current_factory(), settings, identity)
    return compare_panel(key, comparison_of(session, reader().id, key))


def compare_panel(key: str, row: RuleComparison | None, *, problem: str | None = None) -> ResponseReturnValue:
    return render_template(
        "rules/_compare.html",
        key=key,
        comparison=comparison_view(row),
        problem=problem,
        scopes=SCOPES,
        given=request.form,
    )


def comparison_view(row: RuleComparison | None) -> ComparisonView | None:
    """Return a comparison with the agents and calls that it names; only counts while it is under way."""
    if row is None:
        return None
    found = found_so_far(row)
    if row.finished_at is None:
        return ComparisonView(row, found, {}, [], [])
    agents = session.scalars(select(Agent).where(Agent.id.in_([int(one) for one in found.tally.agents if one])))
    ordered = sorted(found.changes, key=lambda change: change.difference)
    losing = [change for change in ordered if change.difference < 0][:SHOWN_CHANGES]
    gaining = [change for change in reversed(ordered) if change.difference > 0][:SHOWN_CHANGES]
    wanted = [change.call for change in (*losing, *gaining)]
    rows = session.scalars(visible_calls(reader()).where(Call.id.in_(wanted)).options(joinedload(Call.agent)))
    calls = {call.id: call for call in rows}
    return ComparisonView(
        row,
        found,
        {str(agent.id): agent for agent in agents},
        [(change, calls.get(change.call)) for change in losing],
        [(change, calls.get(change.call)) for change in gaining],
    )


# Activation.


@bp.post("/<key>/activate")
@allow(*EDITORS)
def make_active(key: str) -> ResponseReturnValue:
    """Store the rules in the text as the next version; failing test cases are to be accepted first."""
    present, draft = in_use(key, writing=True), posted_draft()
    try:
        changed = usable(draft)
        failing = len(run_stored_cases(session, changed, settings).failing)
        if failing and not request.form.get("accept_failing"):
            told = ngettext("%(num)s test case fails.", "%(num)s test cases fail.", failing)
            flash(told + " " + gettext("Mend the rules, or accept it below and activate again."), "warning")
            return workbench(present, draft, failing=failing), UNPROCESSABLE
        versions = activate(session, changed)
    except Unfit as problem:
        flash(str(problem), "danger")
        return workbench(present, draft), UNPROCESSABLE
    except Refused as refusal:
        flash(refusal_text(refusal), "danger")
        return workbench(present, draft), UNPROCESSABLE
    for version in versions:
        audit.record(
            session,
            "rules.activated",
            user_id=reader().id,
            subject=("scorecard", version.id),
            address=address(),
            set=key,
            failing_cases=failing,
        )
    session.commit()
    flash(gettext("The rules are in use: new calls are scored by them from now on."), "success")
    return redirect(url_for("rules.show", key=key))


# What all of them need.


def reader() -> User:
    return cast(User, current_user)


def may_compare() -> bool:
    return reader().role in COMPARERS


def in_use(key: str, *, writing: bool = False) -> RulesInUse:
    """Return the rules that are worked on; 404 when no scorecard in use has them.

    A request that only looks gives up the writer's turn that every POST begins with: trying rules takes a while.
    """
    if not writing:
        session.rollback()
    return set_in_use(session, key) or abort(404)


def posted_draft() -> Draft:
    return read_draft(request.form.get("yaml", "").replace("\r\n", "\n"), request.form.get("rule"))


def usable(draft: Draft) -> PhraseSet:
    """Return the rules of the text.

    Raises:
        Unfit: it has errors.
    """
    if draft.phrases is None:
        raise Unfit(gettext("The text of the rules has errors: mend them first."))
    return draft.phrases


def answer_words(answer: str) -> str:
    """Return the name of a rule's answer in a comparison."""
    names = {**ANSWERS, **ANSWER_OF_NO_RULE}
    return gettext(names[answer] if answer in names else names[Answer.CANNOT_TELL])


@bp.app_template_filter("rule_answer")
def rule_answer(answer: str) -> str:
    return answer_words(answer)
