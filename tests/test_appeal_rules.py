"""Deadlines in working days: holidays, make-up Saturdays, and nights on which the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.appeal_rules import AppealRules
from qa.settings import Settings
from qa.working_days import Calendar, WorkingDays

SHANGHAI, LONDON, SAO_PAULO = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London"), ZoneInfo("America/Sao_Paulo")


def rules(zone: ZoneInfo = SHANGHAI, **changes: object) -> AppealRules:
    return AppealRules(zone, **changes)  # type: ignore[arg-type]


def local(zone: ZoneInfo, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=zone)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("released", "last"),
    [
        ((2026, 11, 16, 9, 0), date(2026, 11, 19)),  # Monday: Tuesday, Wednesday, Thursday
        ((2026, 11, 18, 23, 59), date(2026, 11, 23)),  # Wednesday night: Thursday, Friday, Monday
        ((2026, 11, 21, 8, 0), date(2026, 11, 25)),  # Saturday
    ],
)
def test_the_window_is_three_whole_working_days_after_the_day_of_release(released: tuple[int, ...], last: date) -> None:
    closes = rules().closes(local(SHANGHAI, *released))

    assert rules().last_day(closes) == last
    assert closes.astimezone(SHANGHAI) == local(SHANGHAI, last.year, last.month, last.day) + timedelta(days=1)


def test_the_day_is_the_hotlines_not_utcs() -> None:
    just_tuesday_there = datetime(2026, 11, 16, 16, 30, tzinfo=UTC)

    assert rules().last_day(rules().closes(just_tuesday_there)) == date(2026, 11, 20)


def test_a_holiday_does_not_count_and_a_make_up_saturday_does() -> None:
    days = WorkingDays(Calendar.CHINA)
    before_national_day = local(SHANGHAI, 2026, 9, 29, 10, 0)
    before_make_up_day = local(SHANGHAI, 2026, 10, 8, 10, 0)  # Thursday; Saturday 10 October is worked

    chinese = rules(working_days=days)
    assert chinese.last_day(chinese.closes(before_national_day)) == date(2026, 10, 9)
    assert chinese.last_day(chinese.closes(before_make_up_day)) == date(2026, 10, 12)
    own = rules(working_days=WorkingDays(holidays={date(2026, 11, 17)}, workdays={date(2026, 11, 22)}))
    assert own.last_day(own.closes(local(SHANGHAI, 2026, 11, 16, 9, 0))) == date(2026, 11, 20)
    assert own.last_day(own.end_after(local(SHANGHAI, 2026, 11, 20, 9, 0), 1)) == date(2026, 11, 22)


def test_the_last_day_has_25_hours_when_the_clocks_go_back() -> None:
    sunday = rules(LONDON, working_days=WorkingDays(workdays={date(2026, 10, 25)}))

    end = sunday.end_after(local(LONDON, 2026, 10, 23, 9, 0), 1)

    assert end == datetime(2026, 10, 26, 0, 0, tzinfo=UTC)
    assert sunday.reminds(end) == datetime(2026, 10, 24, 23, 0, tzinfo=UTC)
    assert sunday.last_day(end) == date(2026, 10, 25)


def test_days_left_count_today_and_skip_the_weekend() -> None:
    closes = rules().closes(local(SHANGHAI, 2026, 11, 19, 9, 0))  # Thursday: until Tuesday

    left = [rules().days_left(closes, local(SHANGHAI, 2026, 11, day, 12, 0)) for day in (20, 21, 23, 24, 25)]

    assert left == [3, 2, 2, 1, 0]


ZONES = st.sampled_from([SHANGHAI, LONDON, SAO_PAULO, ZoneInfo("America/Los_Angeles")])
CALENDARS = st.builds(
    WorkingDays,
    st.sampled_from(Calendar),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=30),
    workdays=st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=10),
)
MOMENTS = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 -- the strategy adds the zone
    datetime(2026, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(zone=ZONES, days=CALENDARS, since=MOMENTS, count=st.integers(1, 8))
def test_between_opening_and_end_lie_just_so_many_working_days(
    zone: ZoneInfo, days: WorkingDays, since: datetime, count: int
) -> None:
    made = rules(zone, working_days=days)

    end = made.end_after(since, count)

    first, last = since.astimezone(zone).date(), made.last_day(end)
    passed = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    assert sum(map(days.worked, passed)) == count
    assert days.worked(last)
    assert since < end
    assert since <= made.reminds(end) < end
    assert made.days_left(end, since) == count + days.worked(first)
    assert made.days_left(end, end) == 0
    assert made.days_left(end, end - timedelta(seconds=1)) == 1


def test_the_settings_name_the_calendar() -> None:
    chosen = Settings(
        working_days="china",
        holidays="2026-11-17,2026-11-18",
        workdays="",
        appeal_window_days=5,
        time_zone="Asia/Tokyo",
    )  # type: ignore[arg-type]

    made = AppealRules.of(chosen)

    off = frozenset({date(2026, 11, 17), date(2026, 11, 18)})
    assert made.working_days == WorkingDays(Calendar.CHINA, off, frozenset())
    assert (made.window_days, made.zone.key, made.blind) == (5, "Asia/Tokyo", False)
