"""Read CSV files from people's spreadsheets: bounded, with the line of every problem.

Good rows are stored and bad ones listed with line and reason; importing the corrected file again stores the
rest, because a row that is already there is left alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import User
from qa import audit
from qa.refusals import N_, Refused

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 20_000
MAX_CELL = 4_000  # characters
_ENCODINGS = ("utf-8-sig", "gb18030")  # Excel saves "CSV" in the system's encoding: GBK on Chinese Windows


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, by column name; `line` counts from 1 as an editor does."""

    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str | None:
        """Return the trimmed cell, None when it is empty or there is no such column."""
        return self.cells.get(column) or None

    def required(self, column: str) -> str:
        """Return the trimmed cell.

        Raises:
            Refused: it is empty.
        """
        text = self.text(column)
        if text is None:
            raise Refused(N_("Column %(column)s is empty."), field=column, column=column)
        return text


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was not stored, and why."""

    line: int
    refusal: Refused


class Outcome(Enum):
    STORED = "stored"
    UNCHANGED = "unchanged"  # it was there already, the same


@dataclass(slots=True)
class ImportReport:
    """What became of a file."""

    stored: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)


def read_rows(content: bytes, *, required: Collection[str]) -> list[Row]:
    """Return the rows of a CSV file with a line of column names.

    The separator is a comma, semicolon or tab, whichever the first line shows. Empty lines are skipped.

    Raises:
        Refused: the file as a whole cannot be read: too large, not text, a column missing or named twice.
    """
    if len(content) > MAX_BYTES:
        raise Refused(N_("The file is larger than %(limit)s MiB; split it."), limit=MAX_BYTES // 2**20)
    reader = csv.reader(io.StringIO(_decoded(content), newline=""), delimiter=_separator(content), strict=True)
    try:
        names = _names(next(reader, []), required)
        return list(_rows(reader, names))
    except csv.Error as error:
        raise Refused(N_("Line %(line)s is not CSV: %(error)s."), line=reader.line_num, error=str(error)) from error


def import_rows(
    session: Session,
    rows: Sequence[Row],
    store: Callable[[Row], Outcome],
    *,
    action: str,
    by: User | None,
    address: str | None = None,
) -> ImportReport:
    """Give each row to `store` in a savepoint of its own, so that a bad row takes nothing else with it.

    The caller owns the transaction. What became of the rows is audited as `action`; `by` is None when another system
    sent them.
    """
    report = ImportReport()
    for row in rows:
        try:
            outcome = _stored(session, row, store)
        except Refused as refusal:
            report.problems.append(Problem(row.line, refusal))
            continue
        if outcome is Outcome.STORED:
            report.stored += 1
        else:
            report.unchanged += 1
    audit.record(
        session,
        action,
        user_id=by.id if by else None,
        address=address,
        stored=report.stored,
        unchanged=report.unchanged,
        refused=len(report.problems),
    )
    return report


def _stored(session: Session, row: Row, store: Callable[[Row], Outcome]) -> Outcome:
    try:
        with session.begin_nested():
            return store(row)
    except IntegrityError:  # somebody else stored the same row meanwhile: it is found on looking again
        with session.begin_nested():
            return store(row)


def _decoded(content: bytes) -> str:
    if b"\x00" in content:
        raise Refused(N_("The file is not a CSV text file; save the sheet as CSV UTF-8."))
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(N_("The file is not a CSV text file; save the sheet as CSV UTF-8."))


def _separator(content: bytes) -> str:
    """Each separator is one ASCII byte in all encodings read, so the first line's bytes can be counted."""
    first = content.split(b"\n", 1)[0]
    return max(",;\t", key=lambda mark: first.count(mark.encode()))


def _names(cells: Sequence[str], required: Collection[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not any(names):
        raise Refused(N_("The first line must hold the column names."))
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise Refused(N_("Column %(column)s is there twice."), column=twice)
    missing = sorted(set(required) - set(names))
    if missing:
        raise Refused(N_("Columns are missing: %(columns)s."), columns=", ".join(missing))
    return names


def _rows(reader: Any, names: Sequence[str]) -> Iterator[Row]:
    count = 0
    next_line = reader.line_num + 1
    for cells in reader:
        # A quoted cell may span lines: the row is known by the line it begins on.
        begins, next_line = next_line, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        if count > MAX_ROWS:
            raise Refused(N_("The file has more than %(limit)s rows; split it."), limit=MAX_ROWS)
        if len(cells) > len(names):
            raise Refused(
                N_("Line %(line)s has %(found)s cells but there are %(expected)s columns."),
                line=begins,
                found=len(cells),
                expected=len(names),
            )
        if any(len(cell) > MAX_CELL for cell in cells):
            raise Refused(
                N_("Line %(line)s has a cell of more than %(limit)s characters."), line=begins, limit=MAX_CELL
            )
        padded = [*cells, *[""] * (len(names) - len(cells))]
        yield Row(begins, {name: cell.strip() for name, cell in zip(names, padded, strict=True) if name})
