"""Calls: find one, listen to it, read it, see its marks with their evidence."""

from __future__ import annotations

import json
import mimetypes
from typing import cast

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from models import Call, CallState, Role, User
from qa import audit as audit_trail
from qa.calls import PAGE_SIZE, SEARCH_WINDOW, SEES_MARKS, find_calls, visible_calls
from qa.tasks import enqueue
from transcription.audio import coarser_peaks
from web.access import allow
from web.audit import address as network_address
from web.audit import seen
from web.call_filters import SORTS, address, chips, options, read_filter, read_page, read_sort
from web.call_page import LONG_SILENCE, call_view, find_call, may_retry, side_name, why_not
from web.context import settings, store
from web.db import session
from web.hidden_agents import hides_agents
from web.i18n import CALL_LANGUAGES, CALL_STATES, DIRECTIONS

bp = Blueprint("calls", __name__, url_prefix="/calls")

LISTENERS = (Role.AGENT, Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
UNDER_WAY = frozenset({CallState.RECEIVED, CallState.TRANSCRIBED})
POLL_SECONDS = 2
OUTLINE = 2_000  # levels a channel: the widest screens have room for fewer bars


@bp.get("/")
@allow(*LISTENERS)
def index() -> ResponseReturnValue:
    """List the calls that the current user may see, filtered, sorted and paged by the address."""
    given = request.args
    wanted, sort = read_filter(session, given, by_agent=not hides_agents()), read_sort(given)
    found = find_calls(session, reader(), wanted, zone=settings.zone, sort=sort, page=read_page(given))
    active = chips(session, wanted, given)
    return render_template(
        "calls/index.html",
        found=found,
        chips=active,
        nothing_yet=not found.rows and not active,
        options=options(session, reader()),
        given=given,
        sort=sort,
        sorts=SORTS,
        states=CALL_STATES,
        directions=DIRECTIONS,
        call_languages=CALL_LANGUAGES,
        sees_marks=reader().role in SEES_MARKS,
        page_address=lambda page: address(given, page=page),
        page_size=PAGE_SIZE,
        window=SEARCH_WINDOW,
    )


@bp.get("/<int:call_id>")
@allow(*LISTENERS)
def show(call_id: int) -> ResponseReturnValue:
    """Show one call: sound, words, marks."""
    call = find_call(session, reader(), call_id) or abort(404)
    seen("call.viewed", "call", call.id)
    return render_template(
        "calls/show.html",
        view=call_view(session, reader(), call),
        call=call,
        words=request.args.get("words", ""),
        under_way=call.state in UNDER_WAY,
        may_retry=may_retry(reader(), call),
        may_reassign=reader().role in (Role.SUPERVISOR, Role.LEAD),
        sees_marks=reader().role in SEES_MARKS,
        long_silence=LONG_SILENCE,
        side_name=side_name,
        why_not=why_not,
        poll_seconds=POLL_SECONDS,
    )


@bp.get("/<int:call_id>/audio")
@allow(*LISTENERS)
def audio(call_id: int) -> ResponseReturnValue:
    """Send the recording, or the range of it that a player asks for."""
    call = visible_call(call_id)
    if not call.audio_key or not store.exists(call.audio_key):
        abort(404)
    if begins_at_start(request.headers.get("Range")):
        seen("recording.played", "call", call.id)
    return send_recording(call.audio_key)


@bp.get("/<int:call_id>/peaks")
@allow(*LISTENERS)
def peaks(call_id: int) -> ResponseReturnValue:
    """Send the outline of the waveform, made when the recording came in, as finely as a screen can show it."""
    call = visible_call(call_id)
    if not call.peaks_key or not store.exists(call.peaks_key):
        abort(404)
    return jsonify(coarser_peaks(json.loads(store.read(call.peaks_key)), OUTLINE))


@bp.get("/<int:call_id>/transcript")
@allow(*LISTENERS)
def transcript(call_id: int) -> ResponseReturnValue:
    """Send the transcript as a JSON file, see docs/formats.md."""
    call = visible_call(call_id)
    if call.transcript is None:
        abort(404)
    seen("transcript.exported", "call", call.id)
    response = jsonify(call.transcript.content)
    response.headers.set("Content-Disposition", "attachment", filename=f"call-{call.id}.json")
    return response


@bp.get("/<int:call_id>/status")
@allow(*LISTENERS)
def status(call_id: int) -> ResponseReturnValue:
    """Say how far a call is. On the call's own page it reloads the page when the work is done."""
    call = visible_call(call_id)
    row = request.args.get("view") == "row"
    under_way = call.state in UNDER_WAY
    fragment = render_template(
        "calls/_row_status.html" if row else "calls/_status.html",
        call=call,
        under_way=under_way,
        may_retry=may_retry(reader(), call),
        poll_seconds=POLL_SECONDS,
    )
    return fragment, 200, {} if row or under_way else {"HX-Refresh": "true"}


@bp.post("/<int:call_id>/retry")
@allow(Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
def retry(call_id: int) -> ResponseReturnValue:
    """Have a failed call worked on again."""
    call = visible_call(call_id)
    if may_retry(reader(), call):
        heard = call.transcript is not None and (call.audio_key is None or call.transcript.measures is not None)
        call.state = CallState.TRANSCRIBED if heard else CallState.RECEIVED
        call.state_reason = call.claimed_at = None
        audit_trail.record(
            session, "call.retried", user_id=reader().id, subject=("call", call.id), address=network_address()
        )
        session.commit()
        enqueue(call.id)  # After the commit, so that the worker finds the row.
        flash(gettext("The call is in the queue again."), "success")
    return redirect(url_for("calls.show", call_id=call_id))


def reader() -> User:
    return cast(User, current_user)


def visible_call(call_id: int) -> Call:
    """Return the call; 404 when there is none or when it is not the current user's to see."""
    call: Call | None = session.scalar(visible_calls(reader()).where(Call.id == call_id))
    return call or abort(404)


def begins_at_start(asked: str | None) -> bool:
    """Return whether a player's request is the first of a play: the whole file or its beginning."""
    return asked is None or asked.replace(" ", "").startswith("bytes=0-")


def send_recording(key: str) -> BaseResponse:
    """Answer with the recording under `key`, honouring Range wherever it is stored."""
    kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
    path = store.local_path(key)
    if path is not None:
        response: BaseResponse = send_file(path.absolute(), mimetype=kind, conditional=True)
    else:
        response = send_file(store.open(key), mimetype=kind, conditional=False)
        response = response.make_conditional(request.environ, accept_ranges=True, complete_length=store.size(key))
    # A browser may keep the sound to seek in it, but asks each time whether it still may play it.
    response.cache_control.public = False
    response.cache_control.private = True
    response.cache_control.no_cache = True
    return response
