"""Reports of rule test cases and comparisons, for a terminal and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent
from qa.rule_workbench import ChangedCall, Comparison
from scoring.marks import Answer, evidence_to_dict
from scoring.phrase_set import PhraseSet
from scoring.reasons import N_
from scoring.rule_cases import CaseReport, CaseResult, CaseVerdict, RuleFigures
from scoring.rule_change import NO_RULE, AgentTally
from web.terminal import ANSWERS, Say, print_evidence, translator

SHOWN_CALLS = 20  # of those that gain most and lose most, each
NOTHING = "–"


def case_report(phrases: PhraseSet, report: CaseReport, locale: str = "en") -> str:
    """Return a table of the rules' figures, and each failing case with the words and the reason."""
    say = translator(locale).gettext
    console, out = _console()
    verdicts = [verdict for result in report.results for verdict in result.verdicts]
    head = N_("%(set)s: %(cases)s cases, %(right)s of %(all)s verdicts right, %(failing)s cases fail")
    values = {
        "set": phrases.key,
        "cases": len(report.results),
        "right": sum(verdict.right for verdict in verdicts),
        "all": len(verdicts),
        "failing": len(report.failing),
    }
    console.print(Text(say(head) % values, style="bold"))
    console.print(_figures_table(report.figures, say))
    for result in report.failing:
        _print_failing(console, result, say)
    return out.getvalue()


def _console() -> tuple[Console, StringIO]:
    out = StringIO()
    terminal = sys.stdout.isatty()
    return Console(file=out, width=None if terminal else 110, force_terminal=terminal), out


def _figures_table(figures: Sequence[RuleFigures], say: Say) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(say(N_("rule")))
    table.add_column(say(N_("finds")))
    for name in (
        N_("cases"), N_("right"), N_("false alarms"), N_("missed"), N_("cannot tell"),
        N_("precision"), N_("recall"), "F1",
    ):  # fmt: skip
        table.add_column(say(name), justify="right")
    for one in figures:
        counts = (one.cases, one.right, one.false_alarms, one.missed, one.undecided)
        shares = (_share(one.precision), _share(one.recall), _share(one.f1))
        style = "" if one.right == one.cases else "red"
        table.add_row(one.rule, say(ANSWERS[one.target][1]), *map(str, counts), *shares, style=style)
    return table


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _print_failing(console: Console, result: CaseResult, say: Say) -> None:
    console.print()
    for verdict in result.wrong:
        console.print(_failing_line(result.case.id, verdict, say), highlight=False)
        if verdict.got is None:
            console.print(Text("      " + say(N_("The phrase set has no such rule."))))
        for finding in verdict.findings:
            print_evidence(console, finding.evidence, say)


def _failing_line(case: str, verdict: CaseVerdict, say: Say) -> Text:
    line = Text(f"✗ {case}  ", style="bold red")
    line.append(f"{verdict.rule}  ", style="bold")
    expected, got = (say(ANSWERS[one][1]) if one else NOTHING for one in (verdict.expected, verdict.got))
    line.append(say(N_("expected: %(expected)s, answered: %(got)s")) % {"expected": expected, "got": got}, style="")
    return line


def case_report_dict(phrases: PhraseSet, report: CaseReport) -> dict[str, Any]:
    """Return the figures and the failing verdicts with their evidence, as JSON."""
    return {
        "phrase_set": phrases.key,
        "cases": len(report.results),
        "failing": len(report.failing),
        "rules": [
            {**asdict(one), "precision": one.precision, "recall": one.recall, "f1": one.f1} for one in report.figures
        ],
        "failures": [
            {
                "case": result.case.id,
                "rule": verdict.rule,
                "expected": verdict.expected,
                "got": verdict.got,
                "evidence": [evidence_to_dict(finding.evidence) for finding in verdict.findings],
            }
            for result in report.failing
            for verdict in result.wrong
        ],
    }


# Comparisons.


def agent_names(session: Session, found: Comparison) -> dict[str, str]:
    """Return number and name of the agents of a comparison, by id as text."""
    ids = [int(one) for one in found.tally.agents if one]
    agents = session.scalars(select(Agent).where(Agent.id.in_(ids)))
    return {str(agent.id): f"{agent.number} {agent.name}" for agent in agents}


def comparison_report(phrases: PhraseSet, found: Comparison, names: Mapping[str, str], locale: str = "en") -> str:
    """Return what would change: the sums, the rules, the agents, the calls that lose and gain most."""
    say = translator(locale).gettext
    console, out = _console()
    tally = found.tally
    head = N_(
        "%(set)s over %(calls)s calls: %(gain)s gain, %(lose)s lose, %(agents)s agents move, "
        "%(marks)s marks change, %(cannot_tell)s become “cannot tell”"
    )
    moved = tally.moved_agents
    values = {
        "set": phrases.id,
        "calls": tally.calls,
        "gain": tally.gain,
        "lose": tally.lose,
        "agents": len(moved),
        "marks": tally.marks,
        "cannot_tell": tally.cannot_tell,
    }
    console.print(Text(say(head) % values, style="bold"))
    if tally.scored or tally.unscored:
        text = N_("%(scored)s calls would have a score that have none now, %(unscored)s would have none any more")
        console.print(say(text) % {"scored": tally.scored, "unscored": tally.unscored})
    if tally.suspicions or tally.cleared:
        text = N_("%(new)s new suspicions of a fatal item, %(cleared)s suspicions fewer")
        console.print(say(text) % {"new": tally.suspicions, "cleared": tally.cleared})
    for title, counted in ((N_("Rules"), tally.rules), (N_("Items"), tally.items)):
        if counted:
            console.print(Text("\n" + say(title), style="bold"))
            for name, ways in tally.ways(counted):
                shown = ", ".join(f"{n} × {_answer(old, say)} → {_answer(new, say)}" for old, new, n in ways)
                console.print(f"  {name}: {shown}", highlight=False)
    if moved:
        console.print(Text("\n" + say(N_("Agents")), style="bold"))
        console.print(_agents_table(moved, names, say))
    _print_calls(console, found.changes, say)
    return out.getvalue()


def _answer(answer: str, say: Say) -> str:
    return say(N_("no such rule")) if answer == NO_RULE else say(ANSWERS[Answer(answer)][1])


def _agents_table(moved: Mapping[str, AgentTally], names: Mapping[str, str], say: Say) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column(say(N_("agent")))
    for name in (N_("calls"), N_("gain"), N_("lose"), N_("mean before"), N_("mean after"), N_("difference")):
        table.add_column(say(name), justify="right")
    for agent, one in moved.items():
        before, after = one.means
        figures = (f"{before:.1f}", f"{after:.1f}", f"{one.difference:+.1f}")
        who = names.get(agent, say(N_("unknown")))
        table.add_row(who, str(one.calls), str(one.gain), str(one.lose), *figures)
    return table


def _print_calls(console: Console, changes: Sequence[ChangedCall], say: Say) -> None:
    ordered = sorted(changes, key=lambda change: change.difference)
    losing = [change for change in ordered if change.difference < 0][:SHOWN_CALLS]
    gaining = [change for change in reversed(ordered) if change.difference > 0][:SHOWN_CALLS]
    for title, some in ((N_("Calls that lose most"), losing), (N_("Calls that gain most"), gaining)):
        if some:
            console.print(Text("\n" + say(title), style="bold"))
        for change in some:
            items = ", ".join(str(item) for item, _before, _after in change.items)
            score = f"{change.before:.1f} → {change.after:.1f} ({change.difference:+.1f})"
            console.print(f"  {change.call}: {score}  {items}", highlight=False)


def comparison_dict(phrases: PhraseSet, found: Comparison, names: Mapping[str, str]) -> dict[str, Any]:
    """Return everything that a comparison found, as JSON."""
    tally = found.tally.to_dict()
    tally["agents"] = [
        {
            "agent": int(agent) if agent else None,
            "name": names.get(agent),
            "calls": one.calls,
            "gain": one.gain,
            "lose": one.lose,
            "mean_before": one.means[0],
            "mean_after": one.means[1],
        }
        for agent, one in found.tally.agents.items()
    ]
    return {"phrase_set": phrases.id, **tally, "changes": [asdict(change) for change in found.changes]}
