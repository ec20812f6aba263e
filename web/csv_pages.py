"""What the pages that import a CSV file share: take the file, list what was refused, hand out an empty one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from qa.csv_import import ImportReport
from qa.refusals import Refused
from web.db import session
from web.refusal_text import refusal_text

UNPROCESSABLE = 422


def imported(read: Callable[[bytes], ImportReport], page: Callable[..., str]) -> ResponseReturnValue:
    """Give the uploaded file to `read`, commit what it stored, and return `page` with what became of the lines.

    Args:
        page: called with `problem` (the file as a whole is refused), or with `report` and `problems` (line, reason).
    """
    file = request.files.get("file")
    if file is None or not file.filename:
        return page(problem=gettext("Choose a CSV file.")), UNPROCESSABLE
    try:
        report = read(file.read())
    except Refused as refusal:
        session.rollback()
        return page(problem=refusal_text(refusal)), UNPROCESSABLE
    session.commit()
    return page(report=report, problems=[(problem.line, refusal_text(problem.refusal)) for problem in report.problems])


def empty_csv(columns: Iterable[Any], name: str) -> Response:
    """Return a file with a line of column names only; the byte-order mark tells Excel that it is UTF-8."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(columns)
    response = Response("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
