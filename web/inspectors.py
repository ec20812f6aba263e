"""The inspectors as instruments: agreement on calls that two of them scored, item by item, and who is milder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import cast

from flask import Blueprint, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user

from models import Role, User
from qa.inspectors import AGREEMENT_TARGET, GAP_ALARM, Gap, Inspection, inspection
from qa.score_export import Cell, table_file
from scoring.agreement import AGREEMENT_ALARM, LEAST_ALPHA, LEAST_CALLS, LEAST_PAIRS, Agreement
from scoring.chance_agreement import Estimate
from web.access import allow
from web.agents import FILES, download
from web.audit import seen
from web.context import settings
from web.db import session
from web.i18n import N_
from web.periods import asked_period, choices, period_name

bp = Blueprint("inspectors", __name__, url_prefix="/inspectors")

MIN_PAIRS = 5  # fewer answers of an item say nothing: no verdict on it
COLUMNS = (
    N_("Whose"), N_("Name"), N_("Agreement in percent"), N_("Lower limit"), N_("Upper limit"),
    N_("Beyond chance (alpha)"), N_("n"), N_("Number of calls"), N_("Mean difference in points"),
    N_("Leniency in points"), N_("Leniency, lower limit"), N_("Leniency, upper limit"), N_("Number of reviews"),
    N_("alpha, lower limit"), N_("alpha, upper limit"), N_("AC1"), N_("AC1, lower limit"), N_("AC1, upper limit"),
    N_("kappa"), N_("kappa, lower limit"), N_("kappa, upper limit"), N_("Alarm"),
)  # fmt: skip


@bp.get("/")
@allow(Role.INSPECTOR, Role.LEAD)
def index() -> ResponseReturnValue:
    """Show how far inspectors agree; inspectors see their own line only. As a page, or as JSON, CSV or XLSX."""
    form = request.args.get("format", "page")
    if form not in ("page", "json", *FILES):
        abort(404)
    period = asked_period()
    found = visible(inspection(session, period, zone=settings.zone))
    if form == "json":
        return jsonify(plot(found, period_name(period)))
    if form in FILES:
        seen("scores.exported", period=period.label, format=form)
        content = table_file([gettext(head) for head in COLUMNS], [*cells_of(found)], form)
        return download(content, f"inspectors-{period.label}.{form}", form)
    seen("scores.viewed", period=period.label)
    return render_template(
        "scores/inspectors.html",
        found=found,
        period=period,
        choices=list(choices(period)),
        target=AGREEMENT_TARGET,
        alarm=GAP_ALARM,
        item_alarm=AGREEMENT_ALARM,
        least=MIN_PAIRS,
        least_pairs=LEAST_PAIRS,
        least_calls=LEAST_CALLS,
        least_alpha=LEAST_ALPHA,
    )


def visible(found: Inspection) -> Inspection:
    """Return what the current user may see: an inspector the own line, and what concerns all together."""
    user = cast(User, current_user)
    if user.role is Role.LEAD:
        return found
    return replace(found, inspectors=[one for one in found.inspectors if one.inspector_id == user.id])


def plot(found: Inspection, period: str) -> dict[str, object]:
    inspectors = [(one.name, one.agreement) for one in found.inspectors]
    items = [(f"{one.item} {one.name}", one.agreement) for one in found.items]
    return {
        "title": gettext("Agreement of inspectors, %(period)s", period=period),
        "axis": gettext("Equal answers, in percent"),
        "target": 100 * AGREEMENT_TARGET,
        "words": {"target": gettext("Target")},
        "panels": [
            {
                "name": gettext("By inspector"),
                "rows": [*rows_of([(gettext("All together"), found.whole), *inspectors])],
            },
            {"name": gettext("By item"), "rows": [*rows_of(items)]},
        ],
    }


def rows_of(named: Iterable[tuple[str, Agreement | None]]) -> Iterator[dict[str, object]]:
    for name, one in named:
        if one is not None:
            low, high = 100 * one.interval.low, 100 * one.interval.high
            yield {"name": name, "value": 100 * one.share, "low": low, "high": high, "n": one.n}


def cells_of(found: Inspection) -> Iterator[list[Cell]]:
    nothing: list[Cell] = [None] * 4
    yield [
        gettext("All together"),
        "",
        *figures(found.whole),
        round(found.gap.mean, 2) if found.gap else None,
        *nothing,
        *beyond_chance(found.whole, None),
        alarm_of(found.gap, found.whole),
    ]
    for one in found.inspectors:
        effect = one.effect
        known = effect is not None and effect.low == effect.low
        yield [
            gettext("Inspector"),
            one.name,
            *figures(one.agreement),
            round(one.gap.mean, 2) if one.gap else None,
            *(
                [round(effect.effect, 2), round(effect.low, 2), round(effect.high, 2)]
                if effect and known
                else [None] * 3
            ),
            effect.n if effect else 0,
            *beyond_chance(one.agreement, one.kappa),
            alarm_of(one.gap, one.agreement),
        ]
    for item in found.items:
        yield [
            gettext("Item"),
            f"{item.item} {item.name}",
            *figures(item.agreement),
            None,
            *nothing,
            *beyond_chance(item.agreement, None),
            gettext("reword") if item.reword else alarm_of(None, item.agreement),
        ]


def figures(one: Agreement | None) -> list[Cell]:
    if one is None:
        return [None] * 6
    alpha = None if one.alpha is None else round(one.alpha.value, 3)
    shares = (round(100 * share, 1) for share in (one.share, one.interval.low, one.interval.high))
    return [*shares, alpha, one.n, one.calls]


def beyond_chance(one: Agreement | None, kappa: Estimate | None) -> list[Cell]:
    """Return the limits of alpha, then AC1 and kappa with theirs."""
    alpha, ac1 = (one.alpha, one.ac1) if one else (None, None)
    return [*estimate_cells(alpha)[1:], *estimate_cells(ac1), *estimate_cells(kappa)]


def estimate_cells(one: Estimate | None) -> list[Cell]:
    if one is None:
        return [None] * 3
    return [round(value, 3) for value in (one.value, one.interval.low, one.interval.high)]


def alarm_of(gap: Gap | None, one: Agreement | None) -> Cell:
    """Return what is beyond the alarm's limits: calls that are too far apart, or too few equal answers."""
    words = []
    if gap and gap.wide:
        words.append(gettext("gap"))
    if one and one.n >= MIN_PAIRS and one.share < AGREEMENT_ALARM:
        words.append(gettext("agreement"))
    return ", ".join(words)
