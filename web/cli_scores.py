"""`hotline scores …`: print, publish, prove and adjust the scores of a period. Heavy imports wait until needed."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from web.cli_common import open_installation, settings_or_stop, stop

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from models import PublishedPeriod, User
    from qa.periods import Period

AS_LEAD = click.option("--as", "login", required=True, help="Login of the QA lead in whose name it is done.")
PERIOD = "PERIOD"


@click.group(invoke_without_command=True)
@click.option("--period", help="2026-11 (month), 2026-W47 (week) or 2026-Q4 (quarter).")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv", "xlsx"]), default="table")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; needed for xlsx.")
@click.pass_context
def scores(context: click.Context, period: str | None, form: str, output: Path | None) -> None:
    """Print the agents' scores of a period with their intervals, parts and n; publish and verify them."""
    if context.invoked_subcommand is not None:
        if period is not None:
            stop(f"write the period behind the word: hotline scores {context.invoked_subcommand} {period}")
        return
    if period is None:
        stop("which period? add --period 2026-11 (month), 2026-W47 (week) or 2026-Q4 (quarter)")
    _print(period, form, output)


def _print(period: str, form: str, output: Path | None) -> None:
    from models.session import transaction
    from qa import audit
    from qa.agent_scores import agent_scores, export_scores

    settings = settings_or_stop()
    chosen = _period(period)
    if form == "xlsx" and output is None:
        stop("an xlsx file needs a place: add -o scores.xlsx")
    factory, _store = open_installation(settings)
    with transaction(factory) as session:
        rows = agent_scores(session, chosen, zone=settings.zone)
        audit.record(session, "scores.exported", period=chosen.label, format=form, agents=len(rows))
    content = export_scores(rows, form)
    if output is not None:
        output.write_bytes(content if isinstance(content, bytes) else content.encode())
        click.echo(f"{len(rows)} agents written to {output}")
    else:
        click.echo(content)


@scores.command()
@click.argument("period", metavar=PERIOD)
@AS_LEAD
@click.option("--note", help="A word to keep with it.")
def publish(period: str, login: str, note: str | None) -> None:
    """Close PERIOD: store its scores with everything that they were made from."""
    from models.session import transaction
    from qa.published import pending
    from qa.published import publish as close
    from qa.refusals import Refused

    settings = settings_or_stop()
    chosen = _period(period)
    factory, _store = open_installation(settings)
    try:
        with transaction(factory) as session:
            by = _user(session, login)
            left = pending(session, chosen, zone=settings.zone)
            closed = close(session, chosen, zone=settings.zone, by=by, note=note)
            click.echo(
                f"{counted(len(closed.scores), 'score')} of {chosen} published; observations SHA-256 {closed.digest}"
            )
    except Refused as refusal:
        stop(str(refusal))
    unsettled = (
        (left.unreleased_reviews, "review", "not released"),
        (left.quarantined_tests, "test call", "in quarantine"),
        (left.open_calls, "call", "not scored"),
        (left.open_appeals, "appeal", "not decided"),
    )
    for count, what, state in unsettled:
        if count:
            click.echo(f"{counted(count, what)} {state}: what comes of it later will be an adjustment", err=True)


@scores.command()
@click.argument("period", metavar=PERIOD)
def verify(period: str) -> None:
    """Make every published score of PERIOD again from what it stores; exit status 1 when one comes out otherwise."""
    from qa.published import verify as make_again

    chosen = _period(period)
    factory, _store = open_installation(settings_or_stop())
    with factory() as session:
        closed = _published(session, chosen)
        found = make_again(session, closed)
        click.echo(
            f"{chosen}: published {closed.published_at:%Y-%m-%d %H:%M} UTC by {closed.published_by.name}, "
            f"scheme {closed.scheme.key}/{closed.scheme.version}, program {closed.program}, SHA-256 {closed.digest}"
        )
    if found.problem:
        stop(found.problem)
    for one in found.differences:
        click.echo(f"{one.subject} {one.name}: {one.figure}: published {one.published}, again {one.again}", err=True)
    if found.differences:
        click.echo(
            f"{counted(found.scores, 'score')} made again, {counted(len(found.differences), 'figure')} not as published"
        )
        sys.exit(1)
    click.echo(f"{counted(found.scores, 'score')} made again, all as published")


@scores.command()
@click.argument("period", metavar=PERIOD)
def changes(period: str) -> None:
    """Show whose score of the published PERIOD would come out otherwise today, and why."""
    from qa.published import changes_since
    from scoring.agent_score import rounded

    chosen = _period(period)
    factory, _store = open_installation(settings_or_stop())
    with factory() as session:
        found = changes_since(session, _published(session, chosen))
        for change in found:
            old, new = change.published.value, change.now.value
            shown = [("–" if value is None else f"{rounded(value):.1f}") for value in (old, new)]
            causes = ", ".join(f"{cause['kind']} {cause['id'] or ''} {cause['change']}" for cause in change.causes)
            click.echo(
                f"{change.published.number} {change.published.name}: {shown[0]} → {shown[1]}, "
                f"to book {change.points:+.2f} points, {change.fatals} fatal; {causes}"
            )
        click.echo(f"{counted(len(found), 'agent')} changed, {sum(change.worth_booking for change in found)} to book")


@scores.command()
@click.argument("period", metavar=PERIOD)
@click.option("--into", required=True, help="The open period in which the points count.")
@click.option("--reason", required=True, help="Why; agents read it beside the points.")
@AS_LEAD
def adjust(period: str, into: str, reason: str, login: str) -> None:
    """Book what changed since PERIOD was published into an open period; published scores stay."""
    from models.session import transaction
    from qa.published import adjust as book
    from qa.refusals import Refused

    chosen, target = _period(period), _period(into)
    factory, _store = open_installation(settings_or_stop())
    try:
        with transaction(factory) as session:
            made = book(session, _published(session, chosen), target, reason=reason, by=_user(session, login))
            for one in made:
                click.echo(f"{one.origin.number} {one.origin.name}: {one.points:+.2f} points in {target}")
    except Refused as refusal:
        stop(str(refusal))


@scores.group()
def scheme() -> None:
    """The scheme by which the parts of a score are weighed, and its versions."""


@scheme.command("import")
@click.argument("source", type=click.Path(exists=True, path_type=Path), metavar="YAML")
@click.option("--from", "valid_from", required=True, help="First day of the first period that it governs, 2026-12-01.")
@click.option("--reason", required=True, help="Why the scheme changes.")
@AS_LEAD
def import_scheme(source: Path, valid_from: str, reason: str, login: str) -> None:
    """Store a new version of the scheme (the `agent_month_score` part of a YAML file)."""
    from models.session import transaction
    from qa.refusals import Refused
    from qa.schemes import store_scheme
    from scoring.agent_score import load_scheme
    from scoring.criteria_file import CriteriaError

    try:
        read = load_scheme(source)
    except CriteriaError as error:
        stop(str(error))
    factory, _store = open_installation(settings_or_stop())
    try:
        with transaction(factory) as session:
            by = _user(session, login)
            stored = store_scheme(session, read, valid_from=_day(valid_from), reason=reason, by=by)
            click.echo(
                f"{stored.key}/{stored.version} is in force for periods that begin on {stored.valid_from} or later"
            )
    except Refused as refusal:
        stop(str(refusal))


@scheme.command("list")
def list_schemes() -> None:
    """Show the stored versions of the scheme, the latest in force first."""
    from qa.schemes import default_scheme, scheme_of, scheme_versions

    factory, _store = open_installation(settings_or_stop())
    with factory() as session:
        stored = scheme_versions(session)
        for one in stored:
            weights = ", ".join(f"{part.src} {part.weight:g}" for part in scheme_of(one).parts)
            who = one.created_by.name if one.created_by else "shipped"
            click.echo(f"{one.key}/{one.version} from {one.valid_from} ({weights}) {who}: {one.reason or '–'}")
    if not stored:
        shipped = default_scheme()
        weights = ", ".join(f"{part.src} {part.weight:g}" for part in shipped.parts)
        click.echo(f"{shipped.id}/{shipped.version} (shipped; {weights})")


def counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _period(text: str) -> Period:
    from qa.periods import Period, PeriodError

    try:
        return Period.parse(text)
    except PeriodError as error:
        stop(str(error))


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  A day has no zone.
    except ValueError:
        stop(f"{text!r} is no day; write 2026-12-01")


def _user(session: Session, login: str) -> User:
    from sqlalchemy import select

    from models import User

    found = session.scalar(select(User).where(User.login == login, User.active))
    if found is None:
        stop(f"nobody may log in as {login}")
    return found


def _published(session: Session, period: Period) -> PublishedPeriod:
    from qa.published import published_period

    closed = published_period(session, period)
    if closed is None:
        stop(f"{period} is not published; `hotline scores publish {period} --as LOGIN` does it once it is over")
    return closed
