"""What every page shares: navigation, icons, addresses of static files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request, url_for
from flask_babel import gettext
from flask_login import current_user
from markupsafe import Markup

from models import Role
from web.access import may_visit, public
from web.context import settings
from web.i18n import LANGUAGES, N_, html_language

VENDOR = Path(__file__).parent / "static" / "vendor"


@dataclass(frozen=True, slots=True)
class Place:
    """A page that people go to by name, shown to those who may open it."""

    title: str  # message id
    endpoint: str
    icon: str
    own_title: str | None = None  # for an agent, who finds the own part of it there
    shown_as: str | None = None  # the endpoint that answers, where `endpoint` only leads to it

    @property
    def endpoints(self) -> tuple[str, ...]:
        return (self.endpoint, self.shown_as) if self.shown_as else (self.endpoint,)


@dataclass(frozen=True, slots=True)
class Area:
    """One entry of the top navigation. Its pages are tabs when the user may open more than one."""

    title: str  # message id
    places: tuple[Place, ...]


AREAS = (
    Area(N_("Start"), (Place(N_("Start"), "start.index", "home"),)),
    Area(
        N_("Calls"),
        (
            Place(N_("Calls"), "calls.index", "phone", own_title=N_("My calls")),
            Place(N_("Failures"), "admin.failures", "alert-triangle"),
        ),
    ),
    Area(
        N_("Reviews"),
        (
            Place(N_("Reviews"), "reviews.index", "checklist", own_title=N_("My reviews")),
            Place(N_("Appeals"), "appeals.index", "gavel", own_title=N_("My appeals")),
            Place(N_("Weekly sample"), "sampling.index", "dice-5"),
            Place(N_("How many reviews"), "sampling_planner.index", "calculator"),
            Place(N_("My drawn calls"), "sampling.queue", "list-check"),
            Place(N_("Sampling plan"), "sampling.plans", "adjustments"),
            Place(N_("Written work"), "nonvoice.index", "message"),
            Place(N_("Calibration"), "calibration.index", "adjustments-check"),
            Place(N_("Checks of inspectors"), "reviewer_checks.index", "user-check"),
        ),
    ),
    Area(
        N_("Scores"),
        (
            Place(N_("Agent scores"), "agents.index", "chart-dots", own_title=N_("My score")),
            Place(N_("Items by agent"), "agents.items", "grid-dots"),
            Place(N_("Critical errors"), "critical_errors.index", "ban"),
            Place(N_("Inspectors"), "inspectors.index", "ruler-measure"),
            Place(N_("Indicators"), "score_pages.indicators", "binary-tree"),
            Place(N_("Published periods"), "score_pages.periods", "calendar-check"),
            Place(N_("Weights"), "score_pages.schemes", "scale"),
        ),
    ),
    Area(
        N_("Test calls"),
        (
            Place(N_("Test calls"), "test_calls.index", "phone-outgoing"),
            Place(N_("Plan"), "test_plans.index", "calendar"),
            Place(N_("Quarantine"), "test_calls.quarantine", "clock"),
            Place(N_("Precision"), "test_calls.truth", "target"),
        ),
    ),
    Area(
        N_("Feedback"),
        (
            Place(N_("Surveys"), "surveys.index", "star"),
            Place(N_("Complaints"), "complaints.index", "message-report"),
            Place(N_("Praise"), "praises.index", "heart"),
        ),
    ),
    Area(
        N_("Coaching"),
        (
            Place(N_("Coaching"), "coaching.index", "school", own_title=N_("My coaching")),
            Place(N_("Case library"), "cases.index", "books"),
        ),
    ),
    Area(
        N_("Criteria"),
        (
            Place(N_("Criteria"), "criteria.index", "list-details"),
            Place(N_("Scorecard editor"), "scorecards.index", "edit"),
            Place(N_("Rule workbench"), "rules.index", "tools", shown_as="rules.show"),
        ),
    ),
    Area(
        N_("Administration"),
        (
            Place(N_("Users"), "admin.users", "users"),
            Place(N_("Audit trail"), "admin.audit", "history"),
        ),
    ),
)

# Blueprints without a place of their own, and the area that their pages belong to.
PART_OF = {"uploads": "Calls", "call_agents": "Calls"}


def areas() -> list[dict[str, Any]]:
    """Return the navigation of the current user, with the area of this page marked."""
    shown = []
    for area in AREAS:
        places = [place for place in area.places if may_visit(place.endpoint)]
        if places:
            shown.append(
                {
                    "title": gettext(title_of_area(area, places)),
                    "endpoint": places[0].endpoint,
                    "icon": places[0].icon,
                    "here": is_here(area),
                }
            )
    return shown


def tabs() -> list[dict[str, Any]]:
    """Return the pages beside this one in its area; none on a page that is no place, or that stands alone."""
    for area in AREAS:
        if any(request.endpoint in place.endpoints for place in area.places):
            places = [place for place in area.places if may_visit(place.endpoint)]
            return [
                {
                    "title": gettext(title_of(place)),
                    "endpoint": place.endpoint,
                    "icon": place.icon,
                    "here": request.endpoint in place.endpoints,
                }
                for place in places
                if len(places) > 1
            ]
    return []


def title_of_area(area: Area, places: Sequence[Place]) -> str:
    """Return the name of an area of which the user may open `places`: an agent's own, one page's, or its own."""
    first = title_of(places[0])
    return first if len(places) == 1 or first == places[0].own_title else area.title


def title_of(place: Place) -> str:
    own = current_user.role is Role.AGENT
    return place.own_title if own and place.own_title else place.title


def is_here(area: Area) -> bool:
    """Whether this page belongs to `area`: it is one of its places, or of the same blueprint as one of them."""
    named = {endpoint for one in AREAS for place in one.places for endpoint in place.endpoints}
    own = {endpoint for place in area.places for endpoint in place.endpoints}
    if request.endpoint in named:
        return request.endpoint in own
    subjects = {endpoint.split(".")[0] for endpoint in own}
    return request.blueprint in subjects or PART_OF.get(str(request.blueprint)) == area.title


@lru_cache(maxsize=1)
def icon_shapes() -> dict[str, list[tuple[str, dict[str, str]]]]:
    """Return the shapes of each outline icon; none before the front-end files are installed."""
    file = VENDOR / "icons.json"
    shapes: dict[str, list[tuple[str, dict[str, str]]]] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return shapes


@lru_cache(maxsize=512)
def icon(name: str, classes: str = "") -> Markup:
    """Return an icon as inline SVG. It is decoration: the word beside it says the same."""
    return Markup(
        '<svg class="icon {}" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>'
    ).format(classes, _shapes(name))


OUTLINE = Markup('fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"')


def icon_sheet(*names: str) -> Markup:
    """Return icons to be drawn many times on a page by `icon_use`: their shapes are then written once."""
    symbols = Markup("").join(
        Markup('<symbol id="icon-{}" viewBox="0 0 24 24" {}>{}</symbol>').format(name, OUTLINE, _shapes(name))
        for name in names
    )
    return Markup('<svg width="0" height="0" class="icon-sheet" aria-hidden="true">{}</svg>').format(symbols)


@lru_cache(maxsize=512)
def icon_use(name: str) -> Markup:
    """Return an icon of the page's `icon_sheet`."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="#icon-{}"/></svg>').format(name)


def _shapes(name: str) -> Markup:
    return Markup("").join(
        Markup("<{} {}/>").format(tag, Markup(" ").join(Markup('{}="{}"').format(*pair) for pair in attributes.items()))
        for tag, attributes in icon_shapes().get(name, [])
    )


@cache
def static_version() -> str:
    """Return what changes with the content of any static file."""
    digest = sha256()
    for file in sorted(path for path in VENDOR.parent.rglob("*") if path.is_file()):
        digest.update(file.relative_to(VENDOR.parent).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def add_version(endpoint: str, values: dict[str, Any]) -> None:
    """Give static files an address that changes with their content, so that browsers may keep them.

    It stands in the path: scripts import each other by relative addresses, so that these have it too.
    """
    if endpoint == "static":
        values.setdefault("version", static_version())


@public  # scripts, styles and icons: nothing of anybody's
def static_file(filename: str, version: str | None = None) -> Response:
    """Send a static file; the version in its address is for the browser."""
    return current_app.send_static_file(filename)


def page_address(**changes: Any) -> str:
    """Return this page's address with parts of its query changed; None takes a part away."""
    wanted = {**request.args.to_dict(flat=False), **changes}
    query = {name: value for name, value in wanted.items() if value is not None}
    return url_for(str(request.endpoint), **(request.view_args or {}), **query)


def shared_values() -> dict[str, Any]:
    return {
        "areas": areas,
        "tabs": tabs,
        "languages": LANGUAGES,
        "html_language": html_language(),
        "demo": settings.demo,
        "user": current_user,
    }


def init_app(app: Flask) -> None:
    app.view_functions["static"] = static_file
    app.add_url_rule("/static/v/<version>/<path:filename>", "static", static_file)
    app.url_defaults(add_version)
    app.context_processor(shared_values)
    app.jinja_env.globals.update(icon=icon, icon_sheet=icon_sheet, icon_use=icon_use, page_address=page_address)
