"""The case library: clips of calls that others can learn from."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import cast

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import MultiDict

from models import Call, CaseClip, Role, User
from models.base import now
from qa.calls import may_see
from qa.cases import (
    AUDIENCES,
    KINDS,
    MAKERS,
    CaseFilter,
    Cut,
    MaskedClip,
    NewCase,
    call_to_clip,
    find_cases,
    masked_sound,
    may_withdraw,
    preview,
    publish,
    tags_in,
    teams_of,
    visible_cases,
    withdraw,
)
from qa.refusals import Refused
from web.access import allow
from web.audit import address, seen
from web.calls import begins_at_start, send_recording
from web.context import settings, store
from web.csv_pages import UNPROCESSABLE
from web.db import session
from web.i18n import CALL_LANGUAGES, N_, format_clock
from web.refusal_text import refusal_text

bp = Blueprint("cases", __name__, url_prefix="/cases")

READERS = (Role.AGENT, Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD)
PAGE_SIZE = 30
USUAL_SECONDS = 60.0
KIND_LOOKS = {
    "good": (N_("Good example"), "pill-good", "thumb-up"),
    "bad": (N_("Bad example"), "pill-bad", "thumb-down"),
    "discuss": (N_("To discuss"), "pill-busy", "messages"),
}
_CLOCK = re.compile(r"(?:(?:(?P<hours>\d{1,2}):)?(?P<minutes>\d{1,3}):)?(?P<seconds>\d{1,5}(?:\.\d{1,3})?)")
_SPAN = re.compile(r"(?P<start>[\d:.]+)\s*[-–—~至到]\s*(?P<end>[\d:.]+)")


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it was filled in."""

    start: str
    end: str
    kind: str = ""
    title: str = ""
    note: str = ""
    tags: str = ""
    audience: frozenset[str] = frozenset({role.value for role in AUDIENCES})
    team: int | None = None
    expires_on: str = ""
    spans: str = ""  # masks for sound without words, one a line
    words: frozenset[str] = field(default=frozenset())  # masks of words: "12.30-12.84"


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List the cases that the current user may see, found by words, kind, tag and language."""
    given = request.args
    kind, language = given.get("kind") or None, given.get("language") or None
    wanted = CaseFilter(
        words=given.get("words", "").strip()[:200] or None,
        kind=kind if kind in KINDS else None,
        tag=given.get("tag") or None,
        language=language if language in CALL_LANGUAGES else None,
    )
    page = max(1, given.get("page", 1, type=int))
    found = find_cases(reader(), wanted, today())
    rows = session.scalars(
        found.options(joinedload(CaseClip.created_by))
        .order_by(CaseClip.id.desc())
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    ).all()
    return render_template(
        "cases/index.html",
        rows=rows[:PAGE_SIZE],
        more=len(rows) > PAGE_SIZE,
        page=page,
        total=session.scalar(select(func.count()).select_from(found.subquery())),
        wanted=wanted,
        filtered=wanted != CaseFilter(),
        tags=tags_in(session, reader(), today()),
        kinds=KIND_LOOKS,
        call_languages=CALL_LANGUAGES,
        maker=reader().role in MAKERS,
    )


@bp.get("/<int:case_id>")
@allow(*READERS)
def show(case_id: int) -> ResponseReturnValue:
    """Show one case: sound, masked words, what to learn from it."""
    clip = found_case(case_id)
    seen("case.viewed", "case", clip.id)
    return render_template(
        "cases/show.html",
        clip=clip,
        kinds=KIND_LOOKS,
        call=clip.call if may_see(session, reader(), clip.call) and reader().role in MAKERS else None,
        may_withdraw=may_withdraw(reader(), clip),
        audience=[Role(role) for role in clip.audience],
    )


@bp.get("/<int:case_id>/audio")
@allow(*READERS)
def audio(case_id: int) -> ResponseReturnValue:
    """Send the masked sound, or the range of it that a player asks for."""
    clip = found_case(case_id)
    if not clip.audio_key or not store.exists(clip.audio_key):
        abort(404)
    if begins_at_start(request.headers.get("Range")):
        seen("case.played", "case", clip.id)
    return send_recording(clip.audio_key)


@bp.get("/new")
@allow(*MAKERS)
def new() -> ResponseReturnValue:
    """Show the form for a stretch of a call, with its masked words."""
    call = asked_call()
    start = request.args.get("from", 0.0, type=float)
    end = request.args.get("to", start + USUAL_SECONDS, type=float)
    typed = Typed(
        start=format_clock(max(0.0, start)),
        end=format_clock(math.ceil(min(end, call.duration or end))),
        expires_on=(today() + timedelta(days=settings.case_days)).isoformat(),
        team=reader().team_id if reader().role is Role.SUPERVISOR else None,
    )
    return form_page(call, typed)


@bp.post("/new")
@allow(*MAKERS)
def make() -> ResponseReturnValue:
    """Show the stretch with the masks as chosen, or publish it."""
    call = asked_call()
    typed = read_form(request.form)
    try:
        cut = cut_of(typed)
        if request.form.get("act") != "publish":
            preview(call, cut)
            return form_page(call, typed)
        clip = publish(
            session,
            store,
            call,
            cut,
            NewCase(
                kind=typed.kind,
                title=typed.title,
                note=typed.note,
                tags=re.split(r"[,，、;；\n]", typed.tags),
                audience=[role for role in AUDIENCES if role.value in typed.audience],
                team_id=typed.team,
                expires_on=day_of(typed.expires_on),
            ),
            by=reader(),
            today=today(),
            address=address(),
        )
    except Refused as refusal:
        session.rollback()
        return form_page(asked_call(), typed, refusal), UNPROCESSABLE
    session.commit()
    flash(gettext("The case is in the library."), "success")
    return redirect(url_for("cases.show", case_id=clip.id))


@bp.get("/preview/<int:call_id>")
@allow(*MAKERS)
def preview_audio(call_id: int) -> ResponseReturnValue:
    """Send the sound of a stretch as it would be published."""
    call = call_to_clip(session, call_id, reader()) or abort(404)
    start, end = request.args.get("start", 0.0, type=float), request.args.get("end", USUAL_SECONDS, type=float)
    try:
        masks = tuple(mask_of(text) for text in request.args.getlist("mask"))
        sound = masked_sound(call, preview(call, Cut(start, end, masks)), store)
    except Refused:
        abort(404)
    if sound is None:
        abort(404)
    seen("case.previewed", "call", call.id, starts=start, ends=end)
    response = Response(sound, mimetype="audio/flac")
    response.cache_control.no_store = True
    return response.make_conditional(request.environ, accept_ranges=True, complete_length=len(sound))


@bp.post("/<int:case_id>/withdraw")
@allow(*MAKERS)
def take_out(case_id: int) -> ResponseReturnValue:
    """Take a case out of the library."""
    clip = found_case(case_id)
    try:
        withdraw(session, clip, by=reader(), address=address())
    except Refused as refusal:
        session.rollback()
        flash(refusal_text(refusal), "danger")
        return redirect(url_for("cases.show", case_id=case_id))
    session.commit()
    flash(gettext("The case is withdrawn."), "success")
    return redirect(url_for("cases.index"))


def reader() -> User:
    return cast(User, current_user)


def today() -> date:
    """Return the day on the hotline's calendar."""
    return now().astimezone(settings.zone).date()


def found_case(case_id: int) -> CaseClip:
    """Return the case; 404 when there is none or when it is not the current user's to see."""
    clip: CaseClip | None = session.scalar(
        visible_cases(reader(), today())
        .where(CaseClip.id == case_id)
        .options(joinedload(CaseClip.created_by), joinedload(CaseClip.call))
    )
    return clip or abort(404)


def asked_call() -> Call:
    """Return the call that the address or form names; 404 when it is not the current user's to see."""
    return call_to_clip(session, request.values.get("call", 0, type=int), reader()) or abort(404)


def read_form(form: MultiDict[str, str]) -> Typed:
    return Typed(
        start=form.get("start", ""),
        end=form.get("end", ""),
        kind=form.get("kind", ""),
        title=form.get("title", ""),
        note=form.get("note", ""),
        tags=form.get("tags", ""),
        audience=frozenset(form.getlist("audience")),
        team=form.get("team", type=int),
        expires_on=form.get("expires_on", ""),
        spans=form.get("spans", ""),
        words=frozenset(form.getlist("word")),
    )


def cut_of(typed: Typed) -> Cut:
    """Return the stretch and masks that the form names.

    Raises:
        Refused: a time cannot be read.
    """
    lines = [line for line in typed.spans.splitlines() if line.strip()]
    return Cut(
        seconds_of(typed.start, "start"),
        seconds_of(typed.end, "end"),
        (*(mask_of(line) for line in lines), *(mask_of(word) for word in sorted(typed.words))),
    )


def seconds_of(text: str, name: str) -> float:
    """Read 2:05, 1:02:05 or 125 as seconds.

    Raises:
        Refused: it is none of these.
    """
    read = _CLOCK.fullmatch(text.strip())
    if read is None:
        raise Refused(N_("Write a time as minutes and seconds, for example 2:05."), field=name)
    return 3600 * int(read["hours"] or 0) + 60 * int(read["minutes"] or 0) + float(read["seconds"])


def mask_of(text: str) -> tuple[float, float]:
    """Read 1:02-1:04 or 62.1-64 as seconds.

    Raises:
        Refused: it is no such span.
    """
    read = _SPAN.fullmatch(text.strip())
    if read is None:
        raise Refused(N_("Write each masked place as two times, for example 1:02-1:04."), field="spans")
    return seconds_of(read["start"], "spans"), seconds_of(read["end"], "spans")


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(N_("This is no date."), field="expires_on") from None


def form_page(call: Call, typed: Typed, refusal: Refused | None = None) -> str:
    shown: MaskedClip | None = None
    try:
        shown = preview(call, cut_of(typed))
    except Refused as problem:
        refusal = refusal or problem
    return render_template(
        "cases/new.html",
        call=call,
        typed=typed,
        shown=shown,
        sound=sound_address(call, shown) if shown and call.audio_key else None,
        kinds=KIND_LOOKS,
        audiences=AUDIENCES,
        teams=teams_of(session, reader()),
        all_teams=reader().role is not Role.SUPERVISOR,
        problem=refusal_text(refusal) if refusal else None,
        wrong=refusal.field if refusal else None,
    )


def sound_address(call: Call, shown: MaskedClip) -> str:
    """Return where the sound of the preview is: the address holds times only."""
    masks = [f"{begin:.2f}-{end:.2f}" for begin, end in shown.cut.masks]
    return url_for("cases.preview_audio", call_id=call.id, start=shown.cut.start, end=shown.cut.end, mask=masks)
