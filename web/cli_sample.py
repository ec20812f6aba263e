"""`hotline sample`: draw a week, prove a draw, plan reviews, train the risk model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from web.cli_common import open_installation, settings_or_stop, stop

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from models import Draw
    from qa.periods import Period
    from qa.sampling import Verification
    from qa.settings import Settings

Result = TypeVar("Result")
PLAN = click.option("--plan", "plan_name", help="Name of the plan; needed only when there are several.")
WEEK = click.option("--week", required=True, help="For example 2026-W47.")


@click.group(invoke_without_command=True)
@click.option("--week", help="The week to draw, for example 2026-W47.")
@PLAN
@click.option("--seed", help="A seed that was published before; default: made here and shown.")
@click.pass_context
def sample(context: click.Context, week: str | None, plan_name: str | None, seed: str | None) -> None:
    """Draw a week's calls for review: hotline sample --week 2026-W47.

    A week that is not over is drawn up to now; the same command later draws the rest. docs/sampling.md says how calls
    are drawn and how anybody can repeat it.
    """
    if context.invoked_subcommand is not None:
        if week is not None:
            stop("--week belongs to the draw; give it after the command's name if that takes one")
        return
    if week is None:
        stop("say which week to draw: --week 2026-W47")
    chosen = week_or_stop(week)

    def work(session: Session, settings: Settings) -> None:
        from qa.sampling import plan_named
        from qa.sampling_work import draw_week

        made = draw_week(session, chosen, zone=settings.zone, plan=plan_named(session, plan_name), seed=seed)
        session.flush()
        session.refresh(made)
        print_draw(made)

    run(work)


def print_draw(made: Draw) -> None:
    from models import ReviewReason
    from qa.sampling_rules import LEFT_OUT

    random = sum(one.reason is ReviewReason.RANDOM for one in made.calls)
    agents = len({one.agent_id for one in made.calls})
    nobody = sum(not one.assignments for one in made.calls)
    part = f", part {made.part}" if made.part > 1 or made.ends_share != "1" else ""
    click.echo(f"Draw {made.id}: {made.plan.name}, {made.week}{part}")
    click.echo(f"  {random} of {made.eligible_count} eligible calls at random, {agents} agents")
    click.echo(f"  {len(made.calls) - random} more for a reason, kept apart")
    if made.left_out:
        click.echo(
            "  left out: " + ", ".join(f"{count} {LEFT_OUT[why]}" for why, count in sorted(made.left_out.items()))
        )
    click.echo(f"  due {made.due_on}" + (f"; {nobody} without an inspector" if nobody else ""))
    click.echo(f"  seed {made.seed}")
    click.echo(f"  list {made.eligible_hash}")


@sample.command("verify")
@click.argument("draw", metavar="DRAW")
def verify(draw: str) -> None:
    """Repeat a draw and compare: DRAW is its number, or a file from `hotline sample export`."""
    if not draw.isdecimal():
        print_verification(draw, verify_file(Path(draw)))
        return

    def work(session: Session, settings: Settings) -> Verification:
        from qa import audit
        from qa.sampling import verify_draw

        made = draw_or_stop(session, int(draw))
        found = verify_draw(session, made, zone=settings.zone)
        audit.record(session, "sample.verified", subject=("draw", made.id), proven=found.proven)
        return found

    print_verification(draw, run(work))


def verify_file(file: Path) -> Verification:
    from qa.refusals import Refused
    from qa.sampling import verify_proof

    try:
        proof = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(proof, dict):
            stop(f"{file} is no proof of a draw")
        return verify_proof(proof)
    except FileNotFoundError:
        stop(f"there is no draw and no file {file}")
    except (OSError, ValueError) as error:
        if isinstance(error, Refused):
            stop(f"{file}: {error}")
        stop(f"{file} cannot be read: {error}")


def print_verification(name: str, found: Verification) -> None:
    """Print what the proof came to; exit status 1 when the draw is not what it says."""
    if found.proven:
        click.echo(f"Draw {name} is proven: {found.drawn} calls follow from seed, rules and {found.eligible} calls.")
    for problem in found.problems:
        click.echo(f"draw {name}: {problem}", err=True)
    if found.late:
        click.echo(f"{found.late} calls of its time became eligible after the draw and had no chance.")
    sys.exit(0 if found.proven else 1)


@sample.command("export")
@click.argument("draw", type=int, metavar="DRAW")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; default: standard output.")
def export(draw: int, output: Path | None) -> None:
    """Write everything that repeats a draw as JSON, for `hotline sample verify` on another machine."""

    def work(session: Session, _settings: Settings) -> str:
        from qa import audit
        from qa.sampling import proof_of

        made = draw_or_stop(session, draw)
        audit.record(session, "sample.exported", subject=("draw", made.id))
        return json.dumps(proof_of(session, made), ensure_ascii=False, indent=1)

    text = run(work)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        click.echo(f"Draw {draw} is written to {output}.")


@sample.command("plan")
@click.argument("name")
@click.argument("rules", type=click.Path(exists=True, path_type=Path), required=False, metavar="[YAML]")
@click.option("--active/--inactive", default=True, help="Whether the plan is drawn from now on.")
def plan_command(name: str, rules: Path | None, active: bool) -> None:
    """Show a plan, or store it from a YAML file; docs/sampling.md lists the rules."""

    def work(session: Session, _settings: Settings) -> str:
        from qa.sampling import plan_named, store_plan
        from qa.sampling_rules import load_rules

        plan = (
            plan_named(session, name) if rules is None else store_plan(session, name, load_rules(rules), active=active)
        )
        import yaml

        state = "" if plan.active else "  # inactive"
        return f"# plan {plan.name}{state}\n" + yaml.safe_dump(plan.rules, allow_unicode=True, sort_keys=False)

    click.echo(run(work), nl=False)


@sample.command("progress")
@WEEK
def progress_command(week: str) -> None:
    """Print how far each inspector is with a week's calls."""
    chosen = week_or_stop(week)

    def work(session: Session, settings: Settings) -> list[str]:
        from models.base import now
        from qa.sampling_work import progress

        rows = progress(session, chosen, zone=settings.zone, today=now().astimezone(settings.zone).date())
        return [
            f"{one.inspector.login}: {one.done} of {one.assigned} done, {one.overdue} overdue, {one.carried} carried on"
            for one in rows
        ]

    for line in run(work) or [f"Nothing is assigned for {chosen.label}."]:
        click.echo(line)


@sample.command("size")
@click.option("--from", "low", type=float, required=True, help="One mean, for example 85.")
@click.option("--to", "high", type=float, required=True, help="The other mean, for example 90.")
@click.option("--team", help="The team whose reviews say how much scores differ; default: everybody's.")
@click.option("--spread", type=click.FloatRange(min=0, min_open=True), help="Standard deviation; default: as found.")
@click.option("--power", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.8, show_default=True)
def size(low: float, high: float, team: str | None, spread: float | None, power: float) -> None:
    """Say how many reviews tell two means apart."""

    def work(session: Session, _settings: Settings) -> list[str]:
        from dataclasses import replace

        from models.base import now
        from qa.sampling_planner import reviews_to_tell, what_is_known

        known = what_is_known(session, now(), team_id=team_or_stop(session, team))
        if spread is not None:
            known = replace(known, spread=spread, assumed=False)
        source = "assumed: there are too few reviews" if known.assumed else f"{known.reviews} reviews"
        if spread is not None:
            source = "as given"
        try:
            alone = reviews_to_tell(known, abs(high - low), power=power, assisted=False)
            assisted = reviews_to_tell(known, abs(high - low), power=power)
        except ValueError as error:
            stop(str(error))
        return [
            f"Spread {known.spread:.1f} points ({source}), correlation with automatic scores {known.correlation:.2f}.",
            f"To tell {low:g} from {high:g}: {alone} reviews, {assisted} with the automatic scores' help.",
        ]

    for line in run(work):
        click.echo(line)


@sample.command("shares")
@WEEK
@PLAN
@click.option("--reviews", type=click.IntRange(min=1), required=True, help="Reviews that there is time for.")
def shares(week: str, plan_name: str | None, reviews: int) -> None:
    """Share a week's reviews where they tell most, and compare with equal shares."""
    chosen = week_or_stop(week)

    def work(session: Session, settings: Settings) -> list[str]:
        from qa.sampling import plan_named, rules_of
        from qa.sampling_planner import compare_shares

        rules = rules_of(plan_named(session, plan_name))
        found = compare_shares(session, rules, chosen, reviews, zone=settings.zone)
        if not found.shares:
            stop(f"no call of week {chosen} is eligible yet, so there is nothing to share")
        lines = ["agent  calls  spread  best ±points  equal ±points"]
        lines += [
            f"{one.agent:<6} {one.calls:>5}  {one.spread:>6.1f}  {one.best:>4} {one.best_half:>7.1f}  "
            f"{one.equal:>5} {one.equal_half:>7.1f}"
            for one in found.shares
        ]
        return [
            *lines,
            f"Standard error over the agents: {found.best_error:.2f} best, {found.equal_error:.2f} equal; "
            f"equal shares would need about {found.saving:.0f} % more reviews.",
        ]

    for line in run(work):
        click.echo(line)


@sample.command("train")
def train_command() -> None:
    """Train the risk model on the hotline's released random reviews, and say how well it foresees them."""

    def work(session: Session, _settings: Settings) -> list[str]:
        from qa.risk import train_risk
        from scoring.risk import TooFewReviews

        try:
            model, skill = train_risk(session)
        except TooFewReviews as error:
            stop(str(error))
        return [
            f"{skill.reviews} reviews of {skill.agents} agents, {skill.low} of them low. On calls and agents not seen:",
            f"  error {skill.error:.1f} points; saying the mean of every call: {skill.error_of_mean:.1f}",
            f"  share of the variance explained: {skill.explained:.2f}",
            f"  low calls ranked above others: {skill.auc:.2f} ({skill.auc_low:.2f} to {skill.auc_high:.2f})",
            f"  low calls found: {skill.lift:.1f} times as many as at random"
            f" ({skill.lift_low:.1f} to {skill.lift_high:.1f})",
            "It is used from now on." if model.active else "That is no better than chance: it is not used.",
        ]

    for line in run(work):
        click.echo(line)


def run(work: Callable[[Session, Settings], Result]) -> Result:
    """Return what `work` returns in one transaction; a refusal ends the command with its sentence."""
    from models.session import transaction
    from qa.refusals import Refused

    settings = settings_or_stop()
    factory, _store = open_installation(settings)
    try:
        with transaction(factory) as session:
            return work(session, settings)
    except Refused as refusal:
        stop(str(refusal))


def week_or_stop(text: str) -> Period:
    from qa.periods import Period, PeriodError, PeriodKind

    try:
        found = Period.parse(text)
    except PeriodError as error:
        stop(str(error))
    if found.kind is not PeriodKind.WEEK:
        stop(f"{text} is no week; write for example 2026-W47")
    return found


def draw_or_stop(session: Session, draw_id: int) -> Draw:
    from models import Draw

    return session.get(Draw, draw_id) or stop(f"there is no draw {draw_id}")


def team_or_stop(session: Session, name: str | None) -> int | None:
    from sqlalchemy import select

    from models import Team

    if name is None:
        return None
    return session.scalar(select(Team.id).where(Team.name == name)) or stop(f"there is no team {name}")
