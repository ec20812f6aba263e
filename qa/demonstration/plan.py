"""Who takes which call when: several weeks of two hotlines, told from the moment of loading.

The same moment gives the same calls. The last full month is the fullest, so that its scores stand on enough
calls; the current month is under way, and some days before both show a trend.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from qa.demonstration.dialogues import Dialogue, Performance, Repertoire, choose_dialogue, perform, repertoire
from qa.demonstration.people import DemoAgent, demo_agents
from qa.demonstration.transcripts import WrittenCall, write_down
from qa.periods import Period, PeriodKind

DAYS_BACK = 56
FEWEST_THIS_MONTH = 10  # calls of an agent once the month is a week old: enough to draw reviews from
SHARE_THIS_MONTH = 0.25  # of the calls of the last full month
SHARE_BEFORE = 0.3
WEEKEND_SHARE = 0.6  # of the calls of a working day
BUSY_HOURS = {8: 2, 9: 5, 10: 6, 11: 5, 12: 3, 13: 3, 14: 5, 15: 5, 16: 4, 17: 3, 18: 2, 19: 2, 20: 1}


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call that will come as a ready transcript."""

    external_id: str
    agent: DemoAgent
    started_at: datetime
    customer_number: str
    dialogue: Dialogue
    performance: Performance
    written: WrittenCall

    @property
    def language(self) -> str:
        return self.written.transcript.language


def plan_calls(now: datetime, zone: ZoneInfo, *, scale: float = 1.0) -> tuple[PlannedCall, ...]:
    """Return the calls up to `now`, oldest first; `scale` below 1 plans fewer of them."""
    starts = sorted(
        (moment, agent.number) for agent in demo_agents() for moment in _start_times(agent, now, zone, scale)
    )
    agents = {agent.number: agent for agent in demo_agents()}
    return tuple(_planned(index, agents[number], moment) for index, (moment, number) in enumerate(starts, 1))


def _planned(index: int, agent: DemoAgent, started_at: datetime) -> PlannedCall:
    external_id = f"demo-{agent.team}-{started_at:%Y%m%d-%H%M%S}-{agent.number}"
    random = Random(external_id)  # noqa: S311 -- the same call each time, no secret
    of: Repertoire = repertoire(agent.team)
    dialogue = choose_dialogue(of, random)
    performance = perform(dialogue, of, agent, started_at.hour, random)
    return PlannedCall(
        external_id=external_id,
        agent=agent,
        started_at=started_at,
        customer_number=customer_number(agent.team, index),
        dialogue=dialogue,
        performance=performance,
        written=write_down(performance, of, agent.pace, random),
    )


def customer_number(team: str, index: int) -> str:
    """Return a number that nobody has: 555 01.. in English, the unassigned prefix 10000 in Chinese."""
    return f"202555{100 + index % 100:04}" if team == "en" else f"100{index:08}"


def _start_times(agent: DemoAgent, now: datetime, zone: ZoneInfo, scale: float) -> Iterator[datetime]:
    """Yield when `agent` answered a call, in no order, all before `now`."""
    random = Random(f"{agent.number} {now.date()}")  # noqa: S311
    today = now.astimezone(zone).date()
    this_month = Period.of_day(today, PeriodKind.MONTH)
    last_month = this_month.previous()
    counts = (
        (this_month.first_day, today, _this_month(agent, (today - this_month.first_day).days)),
        (last_month.first_day, this_month.first_day, agent.month_calls),
        *_before(agent, today - timedelta(days=DAYS_BACK), last_month.first_day),
    )
    for first, end, count in counts:
        days = [first + timedelta(days=number) for number in range((end - first).days)]
        weights = [WEEKEND_SHARE if day.weekday() >= 5 else 1.0 for day in days]
        for day in random.choices(days, weights=weights, k=round(count * scale)) if days else ():
            yield _moment(day, zone, random)


def _this_month(agent: DemoAgent, days: int) -> int:
    return round(max(FEWEST_THIS_MONTH, agent.month_calls * SHARE_THIS_MONTH) * min(days, 7) / 7)


def _before(agent: DemoAgent, first: date, end: date) -> Iterator[tuple[date, date, int]]:
    if first < end:
        yield first, end, max(2, round(agent.month_calls * SHARE_BEFORE * (end - first).days / 30))


def _moment(day: date, zone: ZoneInfo, random: Random) -> datetime:
    hour = random.choices(list(BUSY_HOURS), weights=list(BUSY_HOURS.values()))[0]
    at = time(hour, random.randrange(60), random.randrange(60))
    return datetime.combine(day, at, tzinfo=zone)
