"""Periods on a page: the one that the address asks for, its name, its neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from babel.dates import format_skeleton
from flask import request
from flask_babel import get_locale, gettext
from sqlalchemy import func, select

from models import Call
from models.base import now
from qa.periods import Period, PeriodError, PeriodKind
from web.context import settings
from web.db import session
from web.i18n import N_

KINDS = {PeriodKind.WEEK: N_("Week"), PeriodKind.MONTH: N_("Month"), PeriodKind.QUARTER: N_("Quarter")}


@dataclass(frozen=True, slots=True)
class PeriodChoice:
    """One kind of period in the picker."""

    name: str
    period: Period
    chosen: bool


def asked_period() -> Period:
    """Return the period of the address; else the month of the newest call, so that the page has something to say."""
    asked = request.args.get("period")
    if asked:
        try:
            return Period.parse(asked)
        except PeriodError:
            pass  # A mistyped period is answered with the usual one, whose name the page shows.
    newest = session.scalar(select(func.max(Call.started_at)))
    return Period.containing(min(newest or now(), now()), settings.zone, PeriodKind.MONTH)


def period_name(period: Period) -> str:
    """Return the period's name in the page's language, for example "November 2026"."""
    if period.kind is PeriodKind.WEEK:
        return gettext("Week %(week)s of %(year)s", week=period.number, year=period.year)
    skeleton = "yQQQ" if period.kind is PeriodKind.QUARTER else "yMMMM"
    return format_skeleton(skeleton, period.first_day, locale=get_locale() or "en")


def short_name(period: Period, *, with_year: bool) -> str:
    """Return a name that fits under a tick of a plot, with the year on a second line when asked."""
    if period.kind is PeriodKind.WEEK:
        name = gettext("W%(week)s", week=f"{period.number:02}")
    else:
        skeleton = "Q" if period.kind is PeriodKind.QUARTER else "MMM"
        name = format_skeleton(skeleton, period.first_day, locale=get_locale() or "en")
    return f"{name}\n{period.year}" if with_year else name


def choices(period: Period) -> Iterator[PeriodChoice]:
    """Yield the three kinds: a change of kind stays where `period` ends, but not in the future."""
    day = min(period.last_day, now().astimezone(settings.zone).date())
    day = max(day, period.first_day)
    for kind, name in KINDS.items():
        chosen = kind is period.kind
        yield PeriodChoice(gettext(name), period if chosen else Period.of_day(day, kind), chosen)
