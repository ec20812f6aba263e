"""What every page shares: navigation, icons, addresses of static files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, request, url_for
from flask_babel import gettext
from flask_login import current_user
from markupsafe import Markup

from models import Role
from web.access import may_visit
from web.context import settings
from web.i18n import LANGUAGES, N_, html_language

VENDOR = Path(__file__).parent / "static" / "vendor"


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the top navigation, shown to those who may open it."""

    title: str  # message id
    endpoint: str
    icon: str
    own_title: str | None = None  # for an agent, who finds the own part of it there


PLACES = (
    Place(N_("Start"), "start.index", "home"),
    Place(N_("Calls"), "calls.index", "phone", N_("My calls")),
    Place(N_("Reviews"), "reviews.index", "checklist", N_("My reviews")),
    Place(N_("Sampling"), "sampling.index", "dice-5"),
    Place(N_("Agent scores"), "agents.index", "chart-dots", N_("My score")),
    Place(N_("Test calls"), "test_calls.index", "phone-outgoing"),
    Place(N_("Feedback"), "surveys.index", "message"),
    Place(N_("Criteria"), "criteria.index", "list-details"),
    Place(N_("Users"), "admin.users", "users"),
    Place(N_("Failures"), "admin.failures", "alert-triangle"),
    Place(N_("Audit trail"), "admin.audit", "history"),
)

# Blueprints that have no place of their own.
PART_OF = {
    "rules": "criteria",
    "uploads": "calls",
    "score_pages": "agents",
    "complaints": "surveys",
    "nonvoice": "surveys",
    "test_plans": "test_calls",
}


def places() -> list[dict[str, Any]]:
    """Return the navigation of the current user, with the subject of this page marked."""
    own = current_user.role is Role.AGENT
    here = request.endpoint if request.blueprint == "admin" else PART_OF.get(str(request.blueprint), request.blueprint)
    return [
        {
            "title": gettext(place.own_title if own and place.own_title else place.title),
            "endpoint": place.endpoint,
            "icon": place.icon,
            "here": here in (place.endpoint, place.endpoint.split(".")[0]),
        }
        for place in PLACES
        if may_visit(place.endpoint)
    ]


@lru_cache(maxsize=1)
def icon_shapes() -> dict[str, list[tuple[str, dict[str, str]]]]:
    """Return the shapes of each outline icon; none before the front-end files are installed."""
    file = VENDOR / "icons.json"
    shapes: dict[str, list[tuple[str, dict[str, str]]]] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return shapes


@lru_cache(maxsize=512)
def icon(name: str, classes: str = "") -> Markup:
    """Return an icon as inline SVG. It is decoration: the word beside it says the same."""
    shapes = Markup("").join(
        Markup("<{} {}/>").format(tag, Markup(" ").join(Markup('{}="{}"').format(*pair) for pair in attributes.items()))
        for tag, attributes in icon_shapes().get(name, [])
    )
    return Markup(
        '<svg class="icon {}" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>'
    ).format(classes, shapes)


def add_version(endpoint: str, values: dict[str, Any]) -> None:
    """Give static files an address that changes with their content, so that browsers may keep them."""
    if endpoint == "static" and "filename" in values:
        file = VENDOR.parent / values["filename"]
        if file.is_file():
            values["v"] = int(file.stat().st_mtime)


def page_address(**changes: Any) -> str:
    """Return this page's address with parts of its query changed; None takes a part away."""
    wanted = {**request.args.to_dict(flat=False), **changes}
    query = {name: value for name, value in wanted.items() if value is not None}
    return url_for(str(request.endpoint), **(request.view_args or {}), **query)


def shared_values() -> dict[str, Any]:
    return {
        "places": places,
        "languages": LANGUAGES,
        "html_language": html_language(),
        "demo": settings.demo,
        "user": current_user,
    }


def init_app(app: Flask) -> None:
    app.url_defaults(add_version)
    app.context_processor(shared_values)
    app.jinja_env.globals.update(icon=icon, page_address=page_address)
