"""The demonstration's weekly sample: the last whole week, drawn by the usual plan, so that every inspector has work."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from qa.periods import Period, PeriodKind
from qa.refusals import Refused
from qa.sampling import plan_named
from qa.sampling_work import draw_week


def store_sample(session: Session, moment: datetime, zone: ZoneInfo) -> None:
    """Draw the week before `moment`; a demonstration cut so small that it has no eligible call has no sample."""
    week = Period.containing(moment, zone, PeriodKind.WEEK).previous()
    plan = plan_named(session, None)
    with suppress(Refused):
        draw_week(session, week, zone=zone, plan=plan, seed="demonstration", at=moment)
