"""Working days: a calendar, and the days on which an organisation decides otherwise."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

_SATURDAY = 5


class Calendar(StrEnum):
    WEEKDAYS = "weekdays"  # Monday to Friday
    CHINA = "china"  # the State Council's holidays and make-up working days (调休)


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Which days are worked. China's calendar is published year by year; where it is not yet, weekdays are worked."""

    calendar: Calendar = Calendar.WEEKDAYS
    holidays: Collection[date] = ()  # not worked, whatever the calendar says
    workdays: Collection[date] = ()  # worked, whatever the calendar says

    def worked(self, day: date) -> bool:
        if day in self.workdays:
            return True
        if day in self.holidays:
            return False
        if self.calendar is Calendar.CHINA:
            import chinese_calendar

            try:
                return bool(chinese_calendar.is_workday(day))
            except NotImplementedError:  # not published yet
                pass
        return day.weekday() < _SATURDAY

    def after(self, day: date, count: int) -> date:
        """Return the `count`-th working day after `day`; with 0 the first one from `day` on."""
        if not count:
            while not self.worked(day):
                day += timedelta(days=1)
            return day
        for _ in range(count):
            day += timedelta(days=1)
            while not self.worked(day):
                day += timedelta(days=1)
        return day
