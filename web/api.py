"""Where other systems hand in surveys and complaints: JSON, one token for each, and nothing can be read.

A token opens its own address and no other. Without a token in the settings the address does not exist.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Flask, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import SecretStr

from qa.complaints import store_complaints
from qa.csv_import import MAX_BYTES, MAX_CELL, ImportReport, Row
from qa.surveys import store_surveys
from web.access import public
from web.audit import address
from web.context import settings
from web.db import session

bp = Blueprint("api", __name__, url_prefix="/api")

MAX_API_ROWS = 1_000
log = logging.getLogger(__name__)


class Unreadable(ValueError):
    """The body of a request has another form than docs/sources.md says; the message says which."""


@bp.post("/surveys")
@public  # to whoever has the token: see `taken_in`
def surveys() -> ResponseReturnValue:
    """Take in ratings."""
    store = partial(store_surveys, satisfied_from=settings.survey_satisfied_from)
    return taken_in(settings.survey_token, store)


@bp.post("/complaints")
@public
def complaints() -> ResponseReturnValue:
    """Take in complaints, or the decisions on them."""
    return taken_in(settings.complaint_token, store_complaints)


def taken_in(token: SecretStr, store: Callable[..., ImportReport]) -> ResponseReturnValue:
    """Check the token, give the rows of the body to `store` and answer what became of each."""
    wanted = token.get_secret_value()
    if not wanted:
        return problem(404, "This address is switched off; docs/sources.md says which setting switches it on.")
    if not hmac.compare_digest(given_token().encode(), wanted.encode()):
        log.warning("a wrong token was sent to %s from %s", request.path, address())
        answer, status = problem(401, "Send the token as: Authorization: Bearer TOKEN")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer, status
    if (request.content_length or 0) > MAX_BYTES:
        return problem(413, f"Send at most {MAX_BYTES // 2**20} MiB at once.")
    try:
        rows = rows_of(request.get_json(silent=True))
    except Unreadable as error:
        return problem(400, str(error))
    report = store(session, rows, by=None, zone=settings.zone, address=address())
    session.commit()
    refused = [
        {"row": found.line, "field": found.refusal.field, "message": str(found.refusal)} for found in report.problems
    ]
    return jsonify(stored=report.stored, unchanged=report.unchanged, refused=refused)


def given_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.casefold() == "bearer" else ""


def rows_of(body: Any) -> list[Row]:
    """Return the rows of a request, counted from 1.

    Raises:
        Unreadable: the body is no object with a list of flat rows, or there are too many.
    """
    rows = body.get("rows") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unreadable('Send JSON like {"rows": [{"external_id": "1", ...}]} as application/json.')
    if len(rows) > MAX_API_ROWS:
        raise Unreadable(f"Send at most {MAX_API_ROWS} rows at once.")
    return [Row(number, {name: cell(number, name, value) for name, value in row.items()}) for number, row in
            enumerate(rows, start=1)]  # fmt: skip


def cell(number: int, name: str, value: Any) -> str:
    """Return a value as a cell of a spreadsheet has it."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unreadable(f"Row {number}, {name[:40]}: a value is text, a number or null.")
    text = str(value).strip()
    if len(text) > MAX_CELL or "\x00" in text:
        raise Unreadable(f"Row {number}, {name[:40]}: at most {MAX_CELL} characters, none of them NUL.")
    return text


def problem(status: int, message: str) -> tuple[Any, int]:
    return jsonify(error={"status": status, "message": message}), status


def init_app(app: Flask) -> None:
    # No cookie opens these addresses, so no other site can make a browser use them.
    app.extensions["csrf"].exempt(bp)
