"""A call's score in a terminal: every item with its answer, points and evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from gettext import NullTranslations, translation
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from scoring.marks import Answer, CallScore, Evidence, FatalFinding, Mark
from scoring.reasons import N_, REASONS
from scoring.scorecard import Item, Scorecard, Section

TRANSLATIONS = Path(__file__).parent / "translations"

ANSWERS: dict[Answer, tuple[str, str, str]] = {  # sign, name, colour
    Answer.MET: ("✓", N_("met"), "green"),
    Answer.PARTLY: ("◐", N_("partly"), "yellow"),
    Answer.NOT_MET: ("✗", N_("not met"), "red"),
    Answer.CANNOT_TELL: ("?", N_("cannot tell"), "cyan"),
    Answer.NOT_APPLICABLE: ("–", N_("not applicable"), "dim"),
}
SUSPICIONS = {
    Answer.NOT_MET: (N_("suspected: a person must confirm it"), "red"),
    Answer.CANNOT_TELL: (N_("not decided"), "cyan"),
    Answer.MET: (N_("nothing found"), "green"),
}

FAR = 0.05  # the nearest miss of a wording is not shown when it is less probable than this

Say = Callable[[str], str]


def render_score(console: Console, score: CallScore, card: Scorecard, locale: str = "en") -> None:
    """Print a score to `console`; readable at 80 columns, in English or Chinese (``zh``…)."""
    say = translator(locale).gettext
    marks = {mark.item: mark for mark in score.marks}
    _print_head(console, score, say)
    sections = {section.section: section for section in score.sections}
    for section in card.sections:
        _print_section(console, section, sections[section.id].points, sections[section.id].possible)
        for item in section.items:
            _print_item(console, item, marks[item.id], say)
    _print_fatals(console, score, card, say)


def translator(locale: str) -> NullTranslations:
    """Return the messages of a language, ``en`` or ``zh…``."""
    return translation("messages", TRANSLATIONS, [locale.replace("-", "_"), _chinese(locale)], fallback=True)


def _chinese(locale: str) -> str:
    return "zh_Hans_CN" if locale.lower().startswith("zh") else locale


def _print_head(console: Console, score: CallScore, say: Say) -> None:
    head = Text(f"{score.scorecard}  ", style="bold")
    head.append("–" if score.raw is None else f"{score.raw:.1f}", style="bold magenta")
    if score.final != score.raw:
        head.append(f" → {0.0 if score.final is None else score.final:.1f}", style="bold red")
    if score.band:
        head.append(f"  {score.band}", style="bold")
    if not score.complete:
        head.append("  " + say(N_("incomplete")), style="yellow")
    console.print(head)
    shares = say(N_("answered %(answered)s %%, cannot tell %(cannot_tell)s %%, not applicable %(na)s %% of the weight"))
    figures = {
        "answered": f"{score.answered_weight:g}",
        "cannot_tell": f"{score.cannot_tell_weight:g}",
        "na": f"{score.not_applicable_weight:g}",
    }
    console.print(shares % figures, style="dim", highlight=False)


def _print_section(console: Console, section: Section, points: float | None, possible: float) -> None:
    line = Text(f"\n{section.id} {section.name}  ", style="bold")
    line.append("–" if points is None else f"{points:.1f} / {possible:.1f}", style="bold")
    if abs(possible - section.weight) > 0.05:
        line.append(f"  ({section.weight:g})", style="dim")
    console.print(line)


def _print_item(console: Console, item: Item, mark: Mark, say: Say) -> None:
    sign, name, colour = ANSWERS[mark.answer]
    line = Text(f"  {sign} {item.id} ", style=colour)
    line.append(item.name, style="default")
    line.append(f"  {say(name)}", style=colour)
    if mark.points is not None:
        line.append(f"  {mark.points:.1f} / {mark.possible:.1f}")
    if mark.needs_person:
        line.append("  " + say(N_("person decides")), style="yellow")
    console.print(line, highlight=False)
    if mark.deductions:
        taken = ", ".join(f"{name} −{amount:g}" for name, amount in mark.deductions)
        console.print(Padding(Text(taken, style="red"), (0, 0, 0, 6)))
    for evidence in mark.evidence:
        print_evidence(console, evidence, say)


def print_evidence(console: Console, evidence: Evidence, say: Say) -> None:
    """Print the moment, the words and the reason of one evidence, in one indented paragraph."""
    line = Text(style="dim" if evidence.verdict == Answer.MET.value else "")
    for piece, style in _pieces(evidence, say):
        line.append(piece, style=style)
    console.print(Padding(line, (0, 0, 0, 6)), highlight=False)


def _pieces(evidence: Evidence, say: Say) -> Iterator[tuple[str, str]]:
    near = evidence.text is not None and (evidence.probability is None or evidence.probability >= FAR)
    if evidence.start is not None and (near or evidence.text is None):
        yield f"{clock(evidence.start)} ", "blue"
    if evidence.rule:
        yield f"{evidence.rule}{f'/{evidence.part}' if evidence.part else ''} ", "dim"
    if near:
        yield f"“{evidence.text}” ", "italic"
        if evidence.wording and evidence.wording != evidence.text:
            yield f"{'≠' if evidence.verdict == Answer.NOT_MET.value else '≈'} {evidence.wording} ", "dim"
        if evidence.probability is not None:
            yield f"({evidence.probability:.0%}) ", "dim"
    yield reason_text(evidence, say), ""


def reason_text(evidence: Evidence, say: Say = str) -> str:
    """Return the sentence of an evidence's reason; the bare reason when a value of it is missing."""
    try:
        return say(REASONS[evidence.reason]) % evidence.values
    except KeyError:
        return evidence.reason


def _print_fatals(console: Console, score: CallScore, card: Scorecard, say: Say) -> None:
    if not score.fatals:
        return
    names = {fatal.id: fatal.name for fatal in card.fatal}
    console.print(Text("\n" + say(N_("Fatal items")), style="bold"))
    for fatal in score.fatals:
        console.print(_fatal_line(fatal, names[fatal.item], say), highlight=False)
        if fatal.suspected is not Answer.MET:
            for evidence in fatal.evidence:
                if evidence.verdict != Answer.MET.value:
                    print_evidence(console, evidence, say)


def _fatal_line(fatal: FatalFinding, name: str, say: Say) -> Text:
    message, colour = SUSPICIONS[fatal.suspected]
    if fatal.confirmed is not None:
        message, colour = (N_("confirmed"), "bold red") if fatal.confirmed else (N_("cleared"), "green")
    line = Text(f"  {fatal.item} {name}  ")
    line.append(say(message), style=colour)
    return line


def clock(seconds: float) -> str:
    """Return a moment of a call as minutes and seconds.

    >>> clock(65.4)
    '1:05'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
