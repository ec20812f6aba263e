"""Whose call it is, for pages: the rule of qa.hidden_agents for the current user, asked of one call or of many."""

from __future__ import annotations

from typing import cast

from flask import Flask, g
from flask_login import current_user

from models import User
from qa import hidden_agents as rule
from web.context import settings
from web.db import session


def hides_agents() -> bool:
    """Return whether there are calls whose agent the current user does not see."""
    return bool(current_user.is_authenticated) and rule.hides_agents(cast(User, current_user), settings)


def hides_agent(call_id: int | None) -> bool:
    """Return whether the current user may not see whose call this is; no call is nobody's secret."""
    if call_id is None or not hides_agents():
        return False
    if "judged_calls" not in g:  # One query for a whole list.
        g.judged_calls = frozenset(session.scalars(rule.judged_calls(cast(User, current_user))))
    return call_id not in g.judged_calls


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(hides_agents=hides_agents, hides_agent=hides_agent)
