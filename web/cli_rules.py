"""`hotline rules`: try changed rules on test cases and on stored calls before they are activated."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from web.cli_common import open_installation, settings_or_stop, stop, terminal_locale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.rule_workbench import Scope
    from scoring.phrase_set import PhraseSet
    from scoring.rule_cases import RuleCase

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
DAY = click.DateTime(["%Y-%m-%d"])
RULES = click.argument("rules", metavar="RULES.yaml")
LOCALE = click.option(
    "--locale", type=click.Choice(["zh_CN", "en"]), help="Language of the report; default: the terminal's."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")


@click.group()
def rules() -> None:
    """Try changed rules on test cases and stored calls, and activate them; see docs/workbench.md."""


@rules.command("test")
@RULES
@click.argument("cases", type=EXISTING, metavar="CASES.jsonl")
@click.option("--organisation", multiple=True, help="Name of the organisation as agents say it (repeatable).")
@AS_JSON
@LOCALE
def test(rules: str, cases: Path, organisation: tuple[str, ...], as_json: bool, locale: str | None) -> None:
    """Run test cases: precision, recall and F1 of each rule, and the cases that fail.

    RULES.yaml is a phrase set, or the name of a shipped one: en-bank, zh-mobile. The exit status is 1 when a case
    fails and 2 when a file cannot be used.
    """
    from qa.pipeline import organisation_names
    from scoring.rule_cases import run_cases
    from web.terminal_rules import case_report, case_report_dict

    phrases = _phrases(rules)
    names = organisation or organisation_names(settings_or_stop(), phrases.language)
    report = run_cases(phrases, _cases(cases, phrases, names))
    if as_json:
        _echo_json(case_report_dict(phrases, report))
    else:
        click.echo(case_report(phrases, report, locale or terminal_locale()), nl=False)
    sys.exit(1 if report.failing else 0)


@rules.command("compare")
@RULES
@click.option("--since", type=DAY, help="First day, for example 2026-11-01.")
@click.option("--until", type=DAY, help="Last day.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Calls at most.")
@click.option("--sample", is_flag=True, help="Draw the calls at random; default: the newest.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw: the same draws the same calls.")
@AS_JSON
@LOCALE
def compare(
    rules: str,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    sample: bool,
    seed: int,
    as_json: bool,
    locale: str | None,
) -> None:
    """Show what a changed phrase set would do to stored calls: which gain or lose, by agent and rule.

    No score is written. The calls are those that the set in use of the same id scores.
    """
    from qa.refusals import Refused
    from qa.rule_workbench import Scope
    from qa.rule_workbench import compare as compare_calls
    from web.progress import progress
    from web.terminal_rules import agent_names, comparison_dict, comparison_report

    phrases = _phrases(rules)
    scope: Scope = Scope(limit, since and since.date(), until and until.date(), sample, seed)
    settings = settings_or_stop()
    factory, _store = open_installation(settings)
    try:
        with progress("Comparing") as advance:
            found = compare_calls(factory, settings, phrases, scope, progress=advance)
    except Refused as refusal:
        stop(str(refusal))
    with factory() as session:
        names = agent_names(session, found)
    if as_json:
        _echo_json(comparison_dict(phrases, found, names))
    else:
        click.echo(comparison_report(phrases, found, names, locale or terminal_locale()), nl=False)


@rules.command("keep")
@click.argument("key", metavar="SET")
@click.argument("cases", type=EXISTING, metavar="CASES.jsonl")
def keep(key: str, cases: Path) -> None:
    """Keep test cases with the phrase set SET (its id), to be run before each activation."""
    from models.session import transaction
    from qa import audit
    from qa.refusals import Refused
    from qa.rule_workbench import keep_cases, set_in_use
    from scoring.rule_cases import CaseError, read_case_data

    factory, _store = open_installation(settings_or_stop())
    try:
        with transaction(factory) as session:
            present = set_in_use(session, key)
            if present is None:
                stop(f"no scorecard in use has the rules {key}; hotline rules list shows which there are")
            data = read_case_data(_read(cases), name=cases.name, phrases=present.phrases)
            new, changed = keep_cases(session, key, data)
            audit.record(session, "rule_cases.changed", set=key, new=new, changed=changed)
    except (CaseError, Refused) as error:
        stop(str(error))
    click.echo(f"{new} new, {changed} changed, {len(data) - new - changed} there already")


@rules.command("cases")
@click.argument("key", metavar="SET")
def cases_command(key: str) -> None:
    """Print the test cases that are kept with the phrase set SET, one JSON object a line."""
    from qa.rule_workbench import case_lines

    factory, _store = open_installation(settings_or_stop())
    with factory() as session:
        click.echo(case_lines(session, key), nl=False)


@rules.command("list")
def list_command() -> None:
    """List the phrase sets in use: id, version, language, rules, test cases, scorecards."""
    from qa.rule_workbench import count_cases, sets_in_use

    factory, _store = open_installation(settings_or_stop())
    with factory() as session:
        for one in sets_in_use(session):
            phrases, cards = one.phrases, ", ".join(f"{card.key}/{card.version}" for card in one.cards)
            cases = count_cases(session, phrases.id)
            click.echo(f"{phrases.key}  {phrases.language}  {len(phrases.by_id)} rules  {cases} cases  {cards}")


@rules.command("show")
@click.argument("key", metavar="SET")
def show(key: str) -> None:
    """Print the phrase set SET as it is in use, as YAML to be changed."""
    from qa.rule_workbench import set_in_use
    from scoring.rule_text import to_yaml

    factory, _store = open_installation(settings_or_stop())
    with factory() as session:
        present = set_in_use(session, key)
    if present is None:
        stop(f"no scorecard in use has the rules {key}; hotline rules list shows which there are")
    click.echo(to_yaml(present.phrases), nl=False)


@rules.command("activate")
@RULES
@click.option("--although-failing", is_flag=True, help="Also when test cases fail.")
@LOCALE
def activate(rules: str, although_failing: bool, locale: str | None) -> None:
    """Make a changed phrase set the next version that new calls are scored by.

    Its version number is given here. The test cases that are kept with it are run first; when one fails nothing is
    changed, unless --although-failing says so.
    """
    from models.session import transaction
    from qa import audit
    from qa.refusals import Refused
    from qa.rule_workbench import activate as activate_set
    from qa.rule_workbench import run_stored_cases
    from web.terminal_rules import case_report

    phrases, settings = _phrases(rules), settings_or_stop()
    factory, _store = open_installation(settings)
    try:
        with transaction(factory) as session:
            report = run_stored_cases(session, phrases, settings)
            if report.failing:
                click.echo(case_report(phrases, report, locale or terminal_locale()), nl=False)
                if not although_failing:
                    stop(f"{len(report.failing)} test cases fail; mend the rules, or add --although-failing")
            for version in activate_set(session, phrases):
                number = version.phrase_set.version if version.phrase_set else None
                audit.record(
                    session,
                    "rules.activated",
                    subject=("scorecard", version.id),
                    set=phrases.id,
                    version=number,
                    failing_cases=len(report.failing),
                )
                click.echo(f"{version.key} version {version.version} uses {phrases.id} version {number} from now on.")
    except Refused as refusal:
        stop(str(refusal))


def _phrases(name: str) -> PhraseSet:
    """Return the phrase set of a file or of a shipped name, or end the command with what is wrong with it."""
    from scoring.phrase_set import load_phrase_set
    from scoring.scorecard import CriteriaError
    from web.offline import CheckError, criteria_path

    try:
        return load_phrase_set(criteria_path(name, "phrases"))
    except (CriteriaError, CheckError) as error:
        stop(str(error))


def _cases(path: Path, phrases: PhraseSet, organisation_names: Sequence[str]) -> list[RuleCase]:
    from scoring.rule_cases import CaseError, read_cases

    try:
        return read_cases(_read(path), name=path.name, phrases=phrases, organisation_names=organisation_names)
    except CaseError as error:
        stop(str(error))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        stop(f"{path}: is not UTF-8 text (byte {error.start}): save it as UTF-8")
    except OSError as error:
        stop(f"{path}: cannot be read: {error.strerror}")


def _echo_json(content: object) -> None:
    click.echo(json.dumps(content, ensure_ascii=False, indent=1))
