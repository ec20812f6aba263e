"""The `hotline` command. Heavy imports wait until a command needs them, so `hotline --help` is immediate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from web.cli_common import open_installation, settings_or_stop, stop, terminal_locale
from web.cli_rules import rules
from web.cli_sample import sample
from web.cli_scores import scores

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from models import User
    from qa.batch import Outcome
    from qa.csv_import import ImportReport
    from qa.ingest import IngestReport as FileReport
    from scoring.phrase_set import PhraseSet

ENGINES = ("whisper", "faster-whisper", "sphinx", "ready")
EXISTING = click.Path(exists=True, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hotline-qa")
def main() -> None:
    """Quality scores for call-centre agents: recordings in, evidence-backed scores out."""


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="PATH…")
@click.option("--manifest", type=EXISTING, help="CSV with one line a call; see docs/formats.md.")
@click.option("--engine", type=click.Choice(ENGINES), help="Speech recogniser; default: HOTLINE_ENGINE.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Calls recognised at once; default: HOTLINE_JOBS.")
def ingest(paths: tuple[Path, ...], manifest: Path | None, engine: str | None, jobs: int | None) -> None:
    """Take in recordings and transcripts, transcribe and score them.

    A call that is there already is not taken in twice; one that failed or was cut off is tried again. Files that
    cannot be read are listed at the end, and the exit status is then 1.
    """
    from qa.batch import ingest_and_process
    from qa.sources import SourceError, find_sources
    from web.progress import progress

    if not paths and manifest is None:
        stop("give a file, a folder or --manifest")
    settings = settings_or_stop()
    factory, store = open_installation(settings)
    try:
        sources = list(find_sources(paths, settings, manifest))
    except SourceError as error:
        stop(str(error))
    with progress("Ingesting") as advance:
        report, states = ingest_and_process(
            factory, settings, store, sources, engine=engine, jobs=jobs or settings.jobs, progress=advance
        )
    sys.exit(print_report(report, states))


def print_report(report: FileReport, states: Outcome) -> int:
    """Print what became of an ingest; return the exit status."""
    click.echo(f"{len(report.received)} new, {len(report.known)} already there, {len(report.failures)} unreadable")
    for state, count in sorted(states.counts.items()):
        click.echo(f"  {count} {state}")
    if report.undated:
        click.echo(f"  {len(report.undated)} without a start time: the file's own date was taken")
    for name, reason in [*report.failures, *states.failed]:
        click.echo(f"failed: {name}: {reason}", err=True)
    return 1 if report.failures or states.failed else 0


@main.command()
@click.argument("audio", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="AUDIO…")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File for one recording, folder for several.")
@click.option("--engine", type=click.Choice(ENGINES), help="Speech recogniser; default: HOTLINE_ENGINE.")
@click.option("--language", help="BCP 47, for example en or zh-CN; default: detected if the engine can.")
@click.option("--agent-channel", type=click.Choice(["0", "1"]), help="Channel of the agent: 0 left, 1 right.")
@click.option("--prompt", help="Words that are likely to occur, for engines that take a hint.")
def transcribe(
    audio: tuple[Path, ...],
    output: Path | None,
    engine: str | None,
    language: str | None,
    agent_channel: str | None,
    prompt: str | None,
) -> None:
    """Transcribe recordings without a database; the JSON is described in docs/formats.md."""
    from web.offline import transcribe_files

    settings = settings_or_stop()
    failures = transcribe_files(
        audio,
        output,
        settings,
        engine=engine,
        language=language or settings.language or None,
        agent_channel=None if agent_channel is None else int(agent_channel),
        prompt=prompt,
    )
    for path, reason in failures:
        click.echo(f"failed: {path}: {reason}", err=True)
    sys.exit(1 if failures else 0)


@main.command()
@click.option("--scorecard", required=True, help="Scorecard YAML, or the name of a shipped one: en-bank, zh-mobile.")
@click.option("--phrases", help="Phrase set YAML; default: the one that goes with the scorecard.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--organisation", multiple=True, help="Name of the organisation as agents say it (repeatable).")
@click.option("--locale", type=click.Choice(["zh_CN", "en"]), help="Language of the table; default: the terminal's.")
@click.argument("transcript", type=click.Path(path_type=Path))
def check(
    scorecard: str,
    phrases: str | None,
    as_json: bool,
    organisation: tuple[str, ...],
    locale: str | None,
    transcript: Path,
) -> None:
    """Score a transcript without a database and show the evidence for each item."""
    from web.offline import CheckError, check_file

    settings = settings_or_stop()
    try:
        names = organisation or settings.organisation_names
        click.echo(check_file(transcript, scorecard, phrases, as_json, names, locale or terminal_locale()), nl=False)
    except CheckError as error:
        stop(str(error))


main.add_command(scores)


@main.command()
@click.option("--host", help="Address to listen on; default: HOTLINE_HOST.")
@click.option("--port", type=int, help="Port to listen on; default: HOTLINE_PORT.")
@click.option(
    "--worker/--no-worker", default=None, help="Bring a worker; default: yes unless HOTLINE_BROKER_URL is set."
)
def serve(host: str | None, port: int | None, worker: bool | None) -> None:
    """Serve the pages, with a worker for the calls."""
    from sqlalchemy import select

    from models import User
    from web.serve import ServeError, serve_forever

    overrides = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    settings = settings_or_stop(**overrides)
    factory, _store = open_installation(settings)
    with factory() as session:
        if session.scalar(select(User.id).limit(1)) is None:
            click.echo("Nobody may log in yet; add the first person with: hotline user add NAME --role lead")
    try:
        serve_forever(settings, with_worker=not settings.broker_url if worker is None else worker)
    except ServeError as error:
        stop(str(error))


@main.command()
@click.option("--quiet", is_flag=True, help="Say only what goes wrong.")
def worker(quiet: bool) -> None:
    """Work on queued calls until stopped (`hotline serve` brings one along on a single machine)."""
    settings = settings_or_stop()
    open_installation(settings)
    from qa.tasks import configure
    from web.mail import schedule_mails

    said = ["--quiet"] if quiet else []
    level = "WARNING" if quiet else "INFO"
    options = ["--beat", f"--loglevel={level}", "--without-gossip", "--without-mingle"]
    queue = configure(settings)
    schedule_mails(queue, settings)
    queue.worker_main([*said, "worker", *options])


@main.command()
@click.option("--serve/--no-serve", "serving", default=True, help="Serve the pages afterwards.")
def demo(serving: bool) -> None:
    """Load the demonstration (synthetic calls and people) and serve it on this machine."""
    from web.demo import run_demo

    run_demo(serving)


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Make the tables, or bring them to this version."""
    from qa.database import DatabaseError, upgrade

    settings = settings_or_stop()
    try:
        upgrade(settings.database_url)
    except DatabaseError as error:
        stop(str(error))
    click.echo("The database is up to date.")


@main.group()
def user() -> None:
    """The people who may log in."""


@user.command("add")
@click.argument("login")
@click.option(
    "--role", required=True, type=click.Choice(["agent", "inspector", "supervisor", "lead", "test_caller", "admin"])
)
@click.option("--name", help="Name to show; default: the login.")
@click.option("--agent", "number", help="Staff number, for an agent's login.")
@click.option("--team", help="Team, for a supervisor's login.")
@click.option("--email", help="Mail address that news are sent to.")
@click.password_option(help="Asked for when not given.")
def user_add(
    login: str, role: str, name: str | None, number: str | None, team: str | None, email: str | None, password: str
) -> None:
    """Add a login."""
    from sqlalchemy import select

    from models import Agent, Role, Team
    from models.session import transaction
    from qa import audit
    from qa.people import PersonError, create_user

    factory, _store = open_installation(settings_or_stop())
    try:
        with transaction(factory) as session:
            agent = session.scalar(select(Agent).where(Agent.number == number)) if number else None
            if number and agent is None:
                agent = Agent(number=number, name=name or login)
                session.add(agent)
            group = session.scalar(select(Team).where(Team.name == team)) if team else None
            if team and group is None:
                group = Team(name=team)
                session.add(group)
            made = create_user(session, login, password, Role(role), name=name, agent=agent, team=group, email=email)
            audit.record(session, "user.created", subject=("user", made.id), role=role)
    except PersonError as error:
        stop(str(error))
    click.echo(f"{made.login} may log in as {role}.")


@main.group("import")
def import_() -> None:
    """Bring in reviews, test calls, surveys, complaints and praise from CSV files; docs/scores.md and docs/sources.md
    have the columns.
    """


AS_USER = click.option("--as", "login", required=True, help="Login of the person in whose name they are entered.")


@import_.command("reviews")
@click.argument("table", type=EXISTING, metavar="CSV")
@AS_USER
@click.option("--release", is_flag=True, help="Release them to the agents at once.")
def import_reviews_command(table: Path, login: str, release: bool) -> None:
    """Enter the reviews of a CSV file; the same line twice changes nothing."""
    from qa.review_import import import_reviews

    _import(login, lambda session, by: import_reviews(session, table.read_bytes(), by=by, release=release))


@import_.command("test-calls")
@click.argument("table", type=EXISTING, metavar="CSV")
@AS_USER
def import_test_calls_command(table: Path, login: str) -> None:
    """Enter the test-call sheets of a CSV file; the same line twice changes nothing."""
    from qa.test_call_import import import_test_calls

    zone = settings_or_stop().zone
    _import(login, lambda session, by: import_test_calls(session, table.read_bytes(), by=by, zone=zone))


@import_.command("surveys")
@click.argument("table", type=EXISTING, metavar="CSV")
@AS_USER
def import_surveys_command(table: Path, login: str) -> None:
    """Take in the customers' ratings of a CSV file; the same line twice changes nothing."""
    from qa.surveys import import_surveys

    settings = settings_or_stop()
    zone, least = settings.zone, settings.survey_satisfied_from
    _import(
        login,
        lambda session, by: import_surveys(session, table.read_bytes(), by=by, zone=zone, satisfied_from=least),
    )


@import_.command("complaints")
@click.argument("table", type=EXISTING, metavar="CSV")
@AS_USER
def import_complaints_command(table: Path, login: str) -> None:
    """Take in the complaints of a CSV file, or the decisions on them; the same line twice changes nothing."""
    from qa.complaints import import_complaints

    zone = settings_or_stop().zone
    _import(login, lambda session, by: import_complaints(session, table.read_bytes(), by=by, zone=zone))


@import_.command("praises")
@click.argument("table", type=EXISTING, metavar="CSV")
@AS_USER
def import_praises_command(table: Path, login: str) -> None:
    """Take in customers' praise from a CSV file; the same line twice changes nothing."""
    from qa.praises import import_praises

    zone = settings_or_stop().zone
    _import(login, lambda session, by: import_praises(session, table.read_bytes(), by=by, zone=zone))


@import_.command("non-voice")
@click.argument("table", type=EXISTING, metavar="CSV")
@AS_USER
@click.option("--release", is_flag=True, help="Release them to the agents at once.")
def import_nonvoice_command(table: Path, login: str, release: bool) -> None:
    """Enter the reviews of chats and tickets of a CSV file; the same line twice changes nothing."""
    from qa.nonvoice import import_nonvoice_reviews

    zone = settings_or_stop().zone
    _import(
        login,
        lambda session, by: import_nonvoice_reviews(session, table.read_bytes(), by=by, zone=zone, release=release),
    )


@import_.command("scenarios")
@click.argument("file", type=EXISTING, metavar="YAML")
@AS_USER
def import_scenarios_command(file: Path, login: str) -> None:
    """Take in scenarios of test calls with their answer keys; docs/test_calls.md describes the file."""
    from sqlalchemy import select

    from models import Role, User
    from models.session import transaction
    from qa.refusals import Refused
    from qa.test_scenarios import store_scenarios
    from scoring.criteria_file import CriteriaError
    from scoring.scenario import load_scenarios

    factory, _store = open_installation(settings_or_stop())
    try:
        cards = load_scenarios(file)
        with transaction(factory) as session:
            by = session.scalar(select(User).where(User.login == login, User.active))
            if by is None or by.role is not Role.LEAD:
                stop(f"{login} is no QA lead; only a lead takes in scenarios")
            report = store_scenarios(session, cards, by=by)
    except (CriteriaError, Refused) as error:
        stop(str(error))
    click.echo(f"{report.stored} stored, {report.unchanged} there already")


def _import(login: str, read: Callable[[Session, User], ImportReport]) -> None:
    """Run an import in one transaction and print what became of the lines; exit status 1 if some were refused."""
    from sqlalchemy import select

    from models import User
    from models.session import transaction
    from qa.refusals import Refused

    factory, _store = open_installation(settings_or_stop())
    try:
        with transaction(factory) as session:
            by = session.scalar(select(User).where(User.login == login, User.active))
            if by is None:
                stop(f"nobody may log in as {login}")
            report = read(session, by)
    except Refused as refusal:
        stop(str(refusal))
    click.echo(f"{report.stored} stored, {report.unchanged} there already, {len(report.problems)} refused")
    for problem in report.problems:
        click.echo(f"line {problem.line}: {problem.refusal}", err=True)
    sys.exit(1 if report.problems else 0)


@main.group()
def criteria() -> None:
    """Scorecards and phrase sets."""


@criteria.command("import")
@click.argument("scorecard", type=EXISTING)
@click.option("--phrases", type=EXISTING, help="Phrase set that goes with it.")
def criteria_import(scorecard: Path, phrases: Path | None) -> None:
    """Check a scorecard and make it the one that calls of its language are scored by."""
    from models.session import transaction
    from qa import audit
    from qa.criteria import VersionConflict, store_scorecard
    from scoring.phrase_set import load_phrase_set
    from scoring.scorecard import CriteriaError, load_scorecard

    factory, _store = open_installation(settings_or_stop())
    try:
        card = load_scorecard(scorecard)
        spoken: PhraseSet | None = load_phrase_set(phrases) if phrases else None
        with transaction(factory) as session:
            version = store_scorecard(session, card, spoken)
            audit.record(session, "scorecard.imported", subject=("scorecard", version.id))
    except (CriteriaError, VersionConflict) as error:
        stop(str(error))
    click.echo(f"{card.id} version {card.version} scores calls in {card.language} from now on.")


@main.command("settings")
def show_settings() -> None:
    """Show each setting, its value and what it means; secrets are not shown."""
    from qa.settings import Settings

    settings = settings_or_stop()
    for name, field in Settings.model_fields.items():
        click.echo(f"HOTLINE_{name.upper()} = {getattr(settings, name)}\n    {field.description}")


main.add_command(rules)
main.add_command(sample)

if __name__ == "__main__":
    main()
