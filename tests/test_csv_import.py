"""CSV files as people's spreadsheets write them, and what happens to bad lines."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEvent, Team
from qa import csv_import
from qa.csv_import import Outcome, Row, import_rows, read_rows
from qa.refusals import Refused
from tests.factories import make_team, make_user


@pytest.mark.parametrize(
    "content",
    [
        "call,班组\n1,一班\n".encode(),
        "\ufeffcall,班组\r\n1,一班\r\n".encode(),
        "call,班组\n1,一班\n".encode("gbk"),
        "call;班组\n1;一班\n".encode(),
        "call\t班组\n1\t一班".encode(),
        ' call ,"班组"\n1, 一班 \n\n,\n'.encode(),
    ],
    ids=["utf-8", "excel", "gbk", "semicolon", "tab", "quoted"],
)
def test_a_spreadsheets_file_is_read_whatever_it_is_saved_as(content: bytes) -> None:
    (row,) = read_rows(content, required=["call"])

    assert row.line == 2
    assert row.cells == {"call": "1", "班组": "一班"}


def test_a_row_is_known_by_the_line_it_begins_on() -> None:
    rows = read_rows(b'call,comment\n1,"two\nlines"\n\n2,x\n', required=["call"])

    assert [(row.line, row.text("call")) for row in rows] == [(2, "1"), (5, "2")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "first line"),
        (b"\n1,2\n", "first line"),
        (b"a,b\n", "Columns are missing: call"),
        (b"call,call\n", "Column call is there twice"),
        (b"call\n1,2\n", "Line 2 has 2 cells"),
        (b'call\n"1\n', "is not CSV"),
        (b"PK\x03\x04\x00\x00", "not a CSV text file"),
        (b"call\n\xff\xff\xff\n", "not a CSV text file"),
        (b"call\n" + b"x" * 4001, "Line 2 has a cell"),
    ],
)
def test_an_unreadable_file_is_refused_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read_rows(content, required=["call"])


def test_a_file_beyond_the_limits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_import, "MAX_ROWS", 2)
    with pytest.raises(Refused, match="more than 2 rows"):
        read_rows(b"call\n1\n2\n3\n", required=["call"])

    monkeypatch.setattr(csv_import, "MAX_BYTES", 10)
    with pytest.raises(Refused, match="larger than"):
        read_rows(b"call\n1\n2\n3\n", required=["call"])


def test_an_empty_required_cell_names_its_column() -> None:
    with pytest.raises(Refused, match="Column call is empty") as refusal:
        Row(2, {"call": ""}).required("call")

    assert refusal.value.field == "call"


def test_a_bad_row_takes_nothing_else_with_it(session: Session) -> None:
    rows = read_rows("team\n一班\n\n坏\n二班\n一班\n".encode(), required=["team"])

    def store(row: Row) -> Outcome:
        name = row.required("team")
        if session.scalar(select(Team).where(Team.name == name)):
            return Outcome.UNCHANGED
        session.add(Team(name=name))
        session.flush()
        if name == "坏":
            raise Refused("No.")
        return Outcome.STORED

    report = import_rows(session, rows, store, action="teams.imported", by=make_user(session))

    assert (report.stored, report.unchanged) == (2, 1)
    event = session.scalars(select(AuditEvent)).one()
    assert (event.action, event.details) == ("teams.imported", {"stored": 2, "unchanged": 1, "refused": 1})
    assert [(problem.line, str(problem.refusal)) for problem in report.problems] == [(4, "No.")]
    assert sorted(session.scalars(select(Team.name))) == ["一班", "二班"]


def test_a_row_that_somebody_else_stores_meanwhile_is_there_already(session: Session) -> None:
    make_team(session, "一班")
    looked: list[Row] = []

    def store(row: Row) -> Outcome:
        looked.append(row)
        if len(looked) > 1:
            return Outcome.UNCHANGED
        session.add(Team(name="一班"))  # the other's row was not there yet when this one looked
        session.flush()
        return Outcome.STORED

    rows = read_rows("team\n一班\n".encode(), required=["team"])
    report = import_rows(session, rows, store, action="teams.imported", by=make_user(session))

    assert (report.stored, report.unchanged, report.problems) == (0, 1, [])


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_refusal(content: bytes) -> None:
    rows: list[Row] = []

    with contextlib.suppress(Refused):
        rows = read_rows(b"call,comment\n" + content, required=["call"])

    assert all(set(row.cells) == {"call", "comment"} for row in rows)
