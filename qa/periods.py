"""The weeks, months and quarters that scores are given for, in the hotline's own time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_FORM = re.compile(
    r"(?P<year>\d{4})-(?:W(?P<week>\d{2})|Q(?P<quarter>[1-4])|(?P<month>\d{2}))", re.ASCII | re.IGNORECASE
)
_FIRST_YEAR, _LAST_YEAR = 1970, 2999  # that one may ask for; their neighbours exist too


class PeriodError(ValueError):
    """Not a period; the message shows the three forms."""


class PeriodKind(StrEnum):
    WEEK = "week"  # ISO 8601: Monday to Sunday, the first week holds the year's first Thursday
    MONTH = "month"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True)
class Period:
    """A week, month or quarter; `number` counts within `year` (for a week the ISO year)."""

    kind: PeriodKind
    year: int
    number: int

    def __post_init__(self) -> None:
        if not _FIRST_YEAR - 100 <= self.year <= _LAST_YEAR + 100:
            raise PeriodError(f"the year of a period must be {_FIRST_YEAR} to {_LAST_YEAR}, not {self.year}")
        try:
            self.first_day  # noqa: B018  A 13th month or a 53rd week that the year lacks has no first day.
        except ValueError:
            raise PeriodError(f"{self.year} has no {self.kind} {self.number}") from None

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read ``2026-11`` (month), ``2026-W47`` (ISO week) or ``2026-Q4`` (quarter).

        Raises:
            PeriodError: the text has none of these forms, or the year lacks that week or month.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise PeriodError(f"{text[:20]!r} is no period; write 2026-11, 2026-W47 or 2026-Q4")
        if not _FIRST_YEAR <= int(found["year"]) <= _LAST_YEAR:
            raise PeriodError(f"the year of a period must be {_FIRST_YEAR} to {_LAST_YEAR}, not {found['year']}")
        for kind in PeriodKind:
            if found[kind.value] is not None:
                return cls(kind, int(found["year"]), int(found[kind.value]))
        raise PeriodError(f"{text[:20]!r} is no period")

    @classmethod
    def containing(cls, moment: datetime, zone: ZoneInfo, kind: PeriodKind) -> Period:
        """Return the period of `kind` that an aware `moment` falls into on the hotline's calendar."""
        return cls.of_day(moment.astimezone(zone).date(), kind)

    @classmethod
    def of_day(cls, day: date, kind: PeriodKind) -> Period:
        if kind is PeriodKind.WEEK:
            iso = day.isocalendar()
            return cls(kind, iso.year, iso.week)
        if kind is PeriodKind.QUARTER:
            return cls(kind, day.year, (day.month + 2) // 3)
        return cls(kind, day.year, day.month)

    @property
    def label(self) -> str:
        """The form that `parse` reads."""
        mark = {PeriodKind.WEEK: "W", PeriodKind.QUARTER: "Q", PeriodKind.MONTH: ""}[self.kind]
        digits = 1 if self.kind is PeriodKind.QUARTER else 2
        return f"{self.year:04}-{mark}{self.number:0{digits}}"

    @property
    def first_day(self) -> date:
        if self.kind is PeriodKind.WEEK:
            return date.fromisocalendar(self.year, self.number, 1)
        if self.kind is PeriodKind.QUARTER:
            return date(self.year, 3 * self.number - 2, 1)
        return date(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        return self.next().first_day - timedelta(days=1)

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return its first moment and the first moment after it, in UTC.

        Days begin at local midnight whatever the clocks do, so periods meet without gap or overlap:
        where midnight comes twice the first counts, where it is skipped the day begins as it ends.
        """
        return _midnight(self.first_day, zone), _midnight(self.next().first_day, zone)

    def next(self) -> Period:
        if self.kind is PeriodKind.WEEK:
            return self.of_day(self.first_day + timedelta(days=7), self.kind)
        months = 3 if self.kind is PeriodKind.QUARTER else 1
        later = self.first_day + timedelta(days=31 * months)  # Always inside the next month or quarter.
        return self.of_day(later, self.kind)

    def previous(self) -> Period:
        return self.of_day(self.first_day - timedelta(days=1), self.kind)

    def back(self, count: int) -> list[Period]:
        """Return the last `count` periods up to this one, oldest first."""
        return sorted(self._backwards(count), key=lambda period: period.first_day)

    def _backwards(self, count: int) -> Iterator[Period]:
        period = self
        for _ in range(count):
            yield period
            period = period.previous()

    def __str__(self) -> str:
        return self.label


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
