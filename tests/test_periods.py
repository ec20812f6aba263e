"""Periods meet without gap or overlap, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.periods import Period, PeriodError, PeriodKind

SHANGHAI = ZoneInfo("Asia/Shanghai")
# Midnight is skipped in spring in Beirut, and comes twice in autumn in Havana.
ZONES = [ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/London", "Asia/Beirut", "America/Havana")]

moments = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
days = st.dates(date(1971, 1, 1), date(2999, 9, 1))
kinds = st.sampled_from(PeriodKind)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026-W47", date(2026, 11, 16), date(2026, 11, 22)),
        ("2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        (" 2026-w47 ", date(2026, 11, 16), date(2026, 11, 22)),
    ],
)
def test_a_written_period_has_its_days(text: str, first: date, last: date) -> None:
    period = Period.parse(text)

    assert (period.first_day, period.last_day) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-13",
        "2026-00",
        "2026-W00",
        "2025-W53",
        "2026-W54",
        "2026-Q5",
        "2026-1",
        "0001-01",
        "２０２６-11",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(PeriodError):
        Period.parse(text)


def test_a_month_begins_at_the_hotlines_midnight() -> None:
    start, end = Period.parse("2026-11").bounds(SHANGHAI)

    assert start == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert end == datetime(2026, 11, 30, 16, tzinfo=UTC)


def test_the_week_of_a_clock_change_is_an_hour_longer_or_shorter() -> None:
    london = ZoneInfo("Europe/London")
    spring, autumn = Period.parse("2026-W13").bounds(london), Period.parse("2026-W43").bounds(london)

    assert spring[1] - spring[0] == timedelta(days=7, hours=-1)
    assert autumn[1] - autumn[0] == timedelta(days=7, hours=1)


def test_a_day_whose_midnight_is_skipped_begins_as_the_clocks_jump() -> None:
    beirut = ZoneInfo("Asia/Beirut")  # On 30 March 2025 the clocks went from 00:00 to 01:00.

    assert Period.of_day(date(2025, 3, 29), PeriodKind.WEEK).bounds(beirut)[1] > datetime(2025, 3, 29, tzinfo=UTC)
    assert Period.containing(datetime(2025, 3, 29, 22, tzinfo=UTC), beirut, PeriodKind.WEEK).label == "2025-W13"


@settings(max_examples=60)
@given(moment=moments, kind=kinds, zone=st.sampled_from(ZONES))
def test_every_moment_lies_in_exactly_one_period(moment: datetime, kind: PeriodKind, zone: ZoneInfo) -> None:
    period = Period.containing(moment, zone, kind)

    start, end = period.bounds(zone)
    assert start <= moment < end
    assert period.previous().bounds(zone)[1] == start
    assert period.next().bounds(zone)[0] == end


@settings(max_examples=60)
@given(day=days, kind=kinds)
def test_a_label_reads_back_and_neighbours_return(day: date, kind: PeriodKind) -> None:
    period = Period.of_day(day, kind)

    assert Period.parse(period.label) == period
    assert period.next().previous() == period == period.previous().next()
    assert period.first_day <= day <= period.last_day


def test_the_last_eight_come_oldest_first() -> None:
    labels = [period.label for period in Period.parse("2026-Q1").back(3)]

    assert labels == ["2025-Q3", "2025-Q4", "2026-Q1"]


@pytest.mark.parametrize("label", ["2999-12", "2999-Q4", "1970-01", "1970-W01"])
def test_the_first_and_last_periods_have_neighbours(label: str) -> None:
    period = Period.parse(label)
    start, end = period.bounds(ZoneInfo("Asia/Shanghai"))

    assert start < end
    assert len(period.back(8)) == 8
