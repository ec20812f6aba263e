"""Whose call it is: say that it is another agent's, when several took part in it or the wrong one was named."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import Agent, Call, Role, User
from qa.call_agents import MAX_REASON, REASSIGNERS, agents_for, reassign, refusal_to_reassign
from qa.calls import may_see
from qa.refusals import N_, Refused
from web.access import allow
from web.audit import address
from web.calls import visible_call
from web.context import settings
from web.csv_pages import UNPROCESSABLE
from web.db import session
from web.hidden_agents import hides_agent
from web.refusal_text import refusal_text

bp = Blueprint("call_agents", __name__, url_prefix="/calls/<int:call_id>/agent")


@bp.get("")
@allow(*REASSIGNERS)
def edit(call_id: int) -> ResponseReturnValue:
    """Show whose call it is, and the form that says otherwise or why it stays."""
    return page(visible_call(call_id))


@bp.post("")
@allow(*REASSIGNERS)
def change(call_id: int) -> ResponseReturnValue:
    """Make it another agent's call; what was typed stays on the page when something is wrong with it."""
    call, number = visible_call(call_id), request.form.get("agent", "").strip()
    try:
        to = session.scalar(select(Agent).where(Agent.number == number))
        if to is None:
            raise Refused(N_("Choose an agent by staff number."), field="agent")
        if (hidden := refusal_to(call)) is not None:
            raise hidden
        reassign(session, call, to, reader(), request.form.get("reason", ""), zone=settings.zone, address=address())
    except Refused as refusal:
        session.rollback()
        return page(visible_call(call_id), refusal), UNPROCESSABLE
    name = to.name
    still_seen = may_see(session, reader(), call)
    session.commit()
    flash(gettext("It is the call of %(name)s now.", name=name), "success")
    return redirect(back_address(call_id) if still_seen else url_for("calls.index"))


def reader() -> User:
    return cast(User, current_user)


def back_address(call_id: int) -> str:
    """Return the page that the form was opened from: the review of the call, or the call."""
    if request.args.get("back") == "review" and reader().role in (Role.INSPECTOR, Role.LEAD):
        return url_for("reviews.new", call=call_id)
    return url_for("calls.show", call_id=call_id)


def refusal_to(call: Call) -> Refused | None:
    """Return why the current user may not change whose call it is."""
    if hides_agent(call.id):
        return Refused(N_("You do not see whose call this is: ask a supervisor or lead."))
    return refusal_to_reassign(session, call, reader(), zone=settings.zone)


def page(call: Call, refusal: Refused | None = None) -> str:
    why_not = refusal_to(call)
    agents = agents_for(reader()).options(joinedload(Agent.team)) if why_not is None else None
    return render_template(
        "calls/agent.html",
        call=call,
        why_not=refusal_text(why_not) if why_not else None,
        agents=session.scalars(agents).all() if agents is not None else [],
        problem=refusal_text(refusal) if refusal else None,
        wrong=refusal.field if refusal else None,
        given=request.form,
        back=back_address(call.id),
        max_reason=MAX_REASON,
    )
