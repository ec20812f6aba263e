"""Agents' scores as a table to read, and as files that a spreadsheet or a program opens."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from qa.refusals import N_
from scoring.agent_score import rounded

if TYPE_CHECKING:
    from qa.agent_scores import AgentScoreRow, Ranked
    from scoring.agent_score import AgentScore, PartScore

FORMATS = ("table", "json", "csv", "xlsx")

# Column id -> English heading; `export_scores(labels=…)` may give other words for any of them.
COLUMNS = {
    "number": N_("Staff number"),
    "name": N_("Agent"),
    "team": N_("Team"),
    "period": N_("Period"),
    "score": N_("Score"),
    "low": N_("Lower limit"),
    "high": N_("Upper limit"),
    "grade": N_("Grade"),
    "chance": N_("Chance of the grade in percent"),
    "firm": N_("Firm"),
    "first": N_("Place from"),
    "last": N_("Place to"),
    "shrunken": N_("Drawn to the mean of all"),
    "complete": N_("Complete"),
    "present": N_("Weight present"),
    "fatals": N_("Confirmed fatal items"),
    "complaints": N_("Complaint points"),
    "bonus": N_("Bonus points"),
    "corrections": N_("Points from closed periods"),
}
PART_COLUMNS = {
    "value": N_("%(part)s score"),
    "low": N_("%(part)s lower limit"),
    "high": N_("%(part)s upper limit"),
    "n": N_("%(part)s n"),
    "used": N_("%(part)s weight used"),
}
PARTS = {
    "IM": N_("Random reviews"),
    "AQ": N_("Automatic checks"),
    "DT": N_("Dial tests"),
    "SV": N_("Survey"),
    "MS": N_("Mystery shopper"),
    "LT": N_("Leaders' tests"),
    "NV": N_("Non-voice reviews"),
}
WORDS = {"yes": N_("yes"), "no": N_("no")}

Cell = str | float | int | None

# Control characters that a worksheet may not hold.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def export_scores(
    rows: Sequence[AgentScoreRow], form: str, *, labels: Mapping[str, str] | None = None, places: bool = True
) -> str | bytes:
    """Return `rows` in one of FORMATS: text for table, json and csv, bytes for xlsx.

    Args:
        labels: translations, by English heading: of COLUMNS, PART_COLUMNS, PARTS and WORDS.
        places: say who ranks where; False for rows that are not of one period.

    Raises:
        ValueError: another format.
    """
    if form == "json":
        return json.dumps([_as_dict(row) for row in rows], ensure_ascii=False, indent=2)
    if form not in FORMATS:
        raise ValueError(f"unknown format {form!r}; choose from {', '.join(FORMATS)}")
    words = labels or {}
    if form == "table":
        return _table(rows, words)
    from qa.agent_scores import rank

    found = {one.row.agent_id: one for one in rank(rows)} if places else {}
    heads = list(_heads(rows, words))
    cells = [list(_cells(row, found.get(row.agent_id), words)) for row in rows]
    return table_file(heads, cells, form)


def table_file(heads: Sequence[str], cells: Sequence[Sequence[Cell]], form: str) -> str | bytes:
    """Return a table as a file that a spreadsheet opens: text for csv, bytes for xlsx.

    Raises:
        ValueError: another format.
    """
    if form == "csv":
        return _csv(heads, cells)
    if form == "xlsx":
        return _xlsx(heads, cells)
    raise ValueError(f"unknown format {form!r}; choose csv or xlsx")


def harmless(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula.

    A cell that begins like one gets an apostrophe in front, as OWASP advises against CSV injection.
    """
    return (
        "'" + text
        if text.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
        else text
    )


def _heads(rows: Sequence[AgentScoreRow], words: Mapping[str, str]) -> Iterator[str]:
    yield from (words.get(head, head) for head in COLUMNS.values())
    for part in rows[0].score.parts if rows else ():
        name = PARTS.get(part.source, part.source)
        for head in PART_COLUMNS.values():
            yield words.get(head, head) % {"part": words.get(name, name)}


def _cells(row: AgentScoreRow, place: Ranked | None, words: Mapping[str, str]) -> Iterator[Cell]:
    score = row.score
    chance = score.chance(score.grade) if score.grade else None
    yield from (row.number, row.name, row.team, row.period.label)
    yield from (_shown(score.value), _shown(score.low), _shown(score.high), score.grade)
    yield from (None if chance is None else _shown(100 * chance), _yes_no(score.firm, words))
    yield from (place.first, place.last, _shown(place.shrunken)) if place else (None, None, None)
    yield _yes_no(score.complete, words)
    yield from (score.present_weight, row.confirmed_fatals)
    yield from (score.adjustments.complaints, score.adjustments.bonus, _shown(score.adjustments.corrections))
    for part in score.parts:
        yield from (_shown(part.value), _shown(part.low), _shown(part.high), part.n, _shown(part.used))


def _yes_no(answer: bool, words: Mapping[str, str]) -> str:
    word = WORDS["yes" if answer else "no"]
    return words.get(word, word)


def _shown(value: float | None) -> float | None:
    return None if value is None else rounded(value)


def _csv(heads: Sequence[str], cells: Sequence[Sequence[Cell]]) -> str:
    """UTF-8 with a byte-order mark: without one Excel reads Chinese names as something else."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([harmless(head) for head in heads])
    writer.writerows([[harmless(cell) if isinstance(cell, str) else cell for cell in line] for line in cells])
    return "\ufeff" + out.getvalue()


def _xlsx(heads: Sequence[str], cells: Sequence[Sequence[Cell]]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    assert sheet is not None  # A new workbook has one sheet.
    sheet.title = "Scores"
    for line_number, line in enumerate([heads, *cells], start=1):
        for column, content in enumerate(line, start=1):
            cell = sheet.cell(line_number, column)
            if isinstance(content, str):
                cell.value = _UNPRINTABLE.sub("", content)
                cell.data_type = "s"  # A text that begins with "=" stays a text.
                cell.number_format = "@"
            else:
                cell.value = content
                if isinstance(content, float):
                    cell.number_format = "0.0"
    for column, head in enumerate(heads, start=1):
        sheet.cell(1, column).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = max(10, 2 + _width(head))
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = sheet.dimensions
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _width(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def _table(rows: Sequence[AgentScoreRow], words: Mapping[str, str]) -> str:
    """What fits a terminal: each part with its n, in brackets where it does not count.

    Wide characters count two columns; numbers stand right.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("number", "name", "team"):
        table.add_column(Text(words.get(COLUMNS[name], COLUMNS[name])), no_wrap=True)
    parts = [PARTS.get(part.source, part.source) for part in rows[0].score.parts] if rows else []
    for head in (COLUMNS["score"], COLUMNS["grade"], COLUMNS["present"], *parts):
        table.add_column(Text(words.get(head, head)), justify="right", no_wrap=True)
    for row in rows:
        score = row.score
        who = (row.number, row.name, row.team or "–")
        figures = (
            _figure(score.value) + _limits(score.low, score.high),
            _grade(score),
            f"{score.present_weight:g}",
        )
        table.add_row(*(Text(cell) for cell in (*who, *figures, *map(_part, score.parts))))
    console = Console(width=10_000, record=True, file=io.StringIO(), color_system=None)
    console.print(table, soft_wrap=True)
    lines = console.export_text().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _part(part: PartScore) -> str:
    if not part.n:
        return "–"
    shown = f"{_figure(part.value)}{_limits(part.low, part.high)} n={part.n}"
    return shown if part.used else f"({shown})"


def _grade(score: AgentScore) -> str:
    """The grade with its chance, and a question mark while it is provisional."""
    if score.grade is None:
        return "–"
    chance = score.chance(score.grade)
    known = "" if chance is None else f" {100 * chance:.0f} %"
    return f"{score.grade}{known}{'' if score.firm else ' ?'}"


def _limits(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({_figure(low)}–{_figure(high)})"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{rounded(value):.1f}"


def _as_dict(row: AgentScoreRow) -> dict[str, Any]:
    """Unrounded, with everything that made the value."""
    data = asdict(row)
    data["period"] = row.period.label
    data["published_at"] = None if row.published_at is None else row.published_at.isoformat()
    return data
