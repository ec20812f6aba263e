"""Take in recordings in the browser, and show how far each one is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath
from typing import BinaryIO, cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from models import Agent, Call, Role
from qa.calls import queues_of, visible_calls
from qa.ingest import IngestReport, receive_upload
from qa.sources import AUDIO_SUFFIXES, TRANSCRIPT_SUFFIXES, CallMetadata, SourceError, parse_time
from qa.tasks import enqueue
from web.access import allow
from web.call_filters import options
from web.calls import POLL_SECONDS, UNDER_WAY, reader
from web.context import settings, store
from web.db import current_factory, session
from web.i18n import CALL_LANGUAGES, DIRECTIONS

bp = Blueprint("uploads", __name__, url_prefix="/calls/upload")

UPLOADERS = (Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
LANGUAGE_TAGS = {"zh-CN": "zh", "en": "en"}  # what a call is said to be in: BCP 47, and its name's key
CHANNELS = {"": None, "left": 0, "right": 1}
MAX_FIELD = 100  # characters
MAX_TOLD = 10  # failures that are told one by one; the failures page has them all


class UnfitForm(ValueError):
    """The form cannot be used; the message says why, in the page's language."""


@bp.get("")
@allow(*UPLOADERS)
def new() -> ResponseReturnValue:
    """Show the form, and after an upload what became of its files."""
    return form_page()


@bp.post("")
@allow(*UPLOADERS)
def create() -> ResponseReturnValue:
    """Take in the files of the form and queue them."""
    try:
        files, two_sides = chosen_files()
        metadata = given_metadata()
    except UnfitForm as problem:
        flash(str(problem), "danger")
        return form_page(), 400
    user_id = reader().id
    # This request's own transaction would make the ones that store the calls wait for it.
    session.rollback()
    report = receive_upload(current_factory(), settings, store, files, metadata, user_id, two_sides=two_sides)
    for call_id in report.received:
        enqueue(call_id)
    tell(report)
    return redirect(url_for("uploads.new", call=[*report.received, *report.known]))


def form_page() -> str:
    ids = request.args.getlist("call", type=int)[:200]
    calls = session.scalars(visible_calls(reader()).where(Call.id.in_(ids)).order_by(Call.id)).all() if ids else []
    return render_template(
        "calls/upload.html",
        calls=calls,
        hidden_calls=len(set(ids)) - len(calls),
        under_way_states=UNDER_WAY,
        poll_seconds=POLL_SECONDS,
        given=request.form,
        agents=options(session, reader()).agents,
        may_add_agent=reader().role is not Role.SUPERVISOR,
        queues=queues_of(session, reader()),
        language_tags={tag: CALL_LANGUAGES[key] for tag, key in LANGUAGE_TAGS.items()},
        directions=DIRECTIONS,
        accepted=",".join(sorted(AUDIO_SUFFIXES | TRANSCRIPT_SUFFIXES)),
        max_mb=settings.max_upload_mb,
        zone=settings.time_zone,
    )


def chosen_files() -> tuple[list[tuple[str, BinaryIO]], bool]:
    """Return the files of the form by name, and whether they are two sides of one call.

    Raises:
        UnfitForm: none was chosen, one is empty, or one of two sides is missing or no recording.
    """
    two_sides = request.form.get("kind") == "sides"
    if two_sides:
        sides = [request.files.get("agent_file"), request.files.get("customer_file")]
        if not all(side and side.filename for side in sides):
            raise UnfitForm(gettext("Choose two files: the agent's side and the customer's side."))
        found = [side for side in sides if side]
        if any(suffix(side) not in AUDIO_SUFFIXES for side in found):
            raise UnfitForm(gettext("Both sides of a call must be recordings."))
    else:
        found = [file for file in request.files.getlist("files") if file.filename]
        if not found:
            raise UnfitForm(gettext("Choose at least one file."))
    empty = next((file.filename for file in found if is_empty(file)), None)
    if empty:
        raise UnfitForm(gettext("The file %(name)s is empty.", name=empty))
    return [(file.filename or "", cast(BinaryIO, file.stream)) for file in found], two_sides


def suffix(file: FileStorage) -> str:
    return PurePath(file.filename or "").suffix.lower()


def is_empty(file: FileStorage) -> bool:
    first = file.stream.read(1)
    file.stream.seek(0)
    return not first


def given_metadata() -> CallMetadata:
    """Return what the form says about the calls.

    Raises:
        UnfitForm: a field has a value that cannot be used.
    """
    given = {name: value.strip()[:MAX_FIELD] for name, value in request.form.items()}
    language, direction = given.get("language") or None, given.get("direction") or None
    channel = given.get("agent_channel", "")
    if (language and language not in LANGUAGE_TAGS) or (direction and direction not in DIRECTIONS):
        raise UnfitForm(gettext("Choose language and direction from the lists."))
    if channel not in CHANNELS:
        raise UnfitForm(gettext("Choose the agent's channel from the list."))
    return CallMetadata(
        agent=given_agent(given.get("agent", "")),
        started_at=given_time(given.get("started_at", "")),
        queue=given.get("queue") or None,
        direction=direction,
        language=language,
        agent_channel=CHANNELS[channel],
    )


def given_agent(number: str) -> str | None:
    """Return the staff number; supervisors may name agents of their own team only, others add one knowingly.

    Raises:
        UnfitForm: it is nobody of the supervisor's team, or nobody at all and the form does not say to add them.
    """
    if not number:
        return None
    if reader().role is Role.SUPERVISOR:
        team = session.scalar(select(Agent.team_id).where(Agent.number == number))
        if team is None or team != reader().team_id:
            raise UnfitForm(gettext("Agent %(number)s is not in your team.", number=number))
    elif not request.form.get("new_agent") and session.scalar(select(Agent.id).where(Agent.number == number)) is None:
        raise UnfitForm(gettext("No agent has the number %(number)s. Mend it, or tick that it is new.", number=number))
    return number


def given_time(text: str) -> datetime | None:
    """Return the start time, in the hotline's zone as the form says.

    Raises:
        UnfitForm: it is no time, or has not come yet.
    """
    if not text:
        return None
    try:
        moment = parse_time(text, settings.zone)
    except SourceError:
        raise UnfitForm(gettext("The start time must look like 2026-11-18 14:32.")) from None
    if moment > datetime.now(UTC):
        raise UnfitForm(gettext("The start time lies in the future."))
    return moment


def tell(report: IngestReport) -> None:
    """Put what became of the files into messages of the next page."""
    if report.received:
        n = len(report.received)
        flash(ngettext("%(num)s call was taken in.", "%(num)s calls were taken in.", n), "success")
    if report.known:
        n = len(report.known)
        flash(ngettext("%(num)s call was there already.", "%(num)s calls were there already.", n), "info")
    if report.undated:
        names = ", ".join(report.undated[:MAX_TOLD])
        flash(
            gettext("No start time was given for %(files)s: the time of the upload stands in.", files=names), "warning"
        )
    for name, reason in report.failures[:MAX_TOLD]:
        flash(gettext("%(file)s was not taken in: %(reason)s", file=name, reason=reason[:300]), "danger")
    if len(report.failures) > MAX_TOLD:
        more = len(report.failures) - MAX_TOLD
        flash(ngettext("%(num)s more file failed.", "%(num)s more files failed.", more), "danger")
