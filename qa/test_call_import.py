"""Test-call sheets from a spreadsheet: one line a sheet.

Columns: `external_id` (the sheet's own number), `source` (DT or MS), optional `tester` (login; by default
whoever imports) and `key_points`; the header fields and the items of the check sheet by their own names.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Role, TestCall, User
from qa.csv_import import ImportReport, Outcome, Row, import_rows, read_rows
from qa.refusals import N_, Refused
from qa.test_calls import default_sheet, enter_test_call
from scoring.check_sheet import CheckSheet


def import_test_calls(
    session: Session,
    content: bytes,
    *,
    by: User,
    zone: ZoneInfo,
    sheet: CheckSheet | None = None,
    address: str | None = None,
) -> ImportReport:
    """Enter the sheets of a CSV file; the caller owns the transaction.

    A sheet is known by its `external_id`: the same line again changes nothing, a different one is refused.

    Raises:
        Refused: the file as a whole cannot be read.
    """
    used = sheet or default_sheet()
    required = {"external_id", "source", *(one.field for one in used.header if one.required)} - {"tester_id"}
    rows = read_rows(content, required=required)

    def store(row: Row) -> Outcome:
        return _store(session, row, by, zone, used, address)

    return import_rows(session, rows, store, action="test_calls.imported", by=by, address=address)


def _store(session: Session, row: Row, by: User, zone: ZoneInfo, sheet: CheckSheet, address: str | None) -> Outcome:
    items = [*(item.id for item in sheet.items), *(item.id for item in sheet.after_call)]
    names = [one.field for one in sheet.header]
    for column, text in row.cells.items():
        if text and column not in {"external_id", "source", "tester", "key_points", *names, *items}:
            raise Refused(N_("The check sheet has no field %(column)s."), field=column, column=column)
    header = _filled(row, names)
    answers = _filled(row, items)
    tester = _tester(session, row, by)
    external_id = row.required("external_id")

    present = session.scalar(select(TestCall).where(TestCall.external_id == external_id))
    if present is not None:
        return _compare(present, header, answers)
    enter_test_call(
        session,
        source=row.required("source").upper(),
        tester=tester,
        header=header,
        answers=answers,
        zone=zone,
        key_points=_key_points(row),
        external_id=external_id,
        entered_by=by,
        sheet=sheet,
        address=address,
    )
    return Outcome.STORED


def _filled(row: Row, columns: list[str]) -> dict[str, str]:
    return {column: text for column in columns if (text := row.text(column))}


def _compare(present: TestCall, header: dict[str, str], answers: dict[str, str]) -> Outcome:
    same = present.answers == answers and all(present.header.get(name) == text for name, text in header.items())
    if not same:
        raise Refused(N_("A sheet with this number is stored with other content."), field="external_id")
    return Outcome.UNCHANGED


def _tester(session: Session, row: Row, by: User) -> User:
    login = (row.text("tester") or by.login).casefold()
    if login == by.login:
        return by
    if by.role is not Role.LEAD:
        raise Refused(N_("You can import your own sheets only."), field="tester")
    user = session.scalar(select(User).where(User.login == login))
    if user is None:
        raise Refused(N_("There is no tester with the login %(login)s."), field="tester", login=login)
    return user


def _key_points(row: Row) -> int | None:
    text = row.text("key_points")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 50):
        raise Refused(N_("The number of key points is 1 to 50."), field="key_points")
    return int(text)
