"""What an appeal goes by: its deadlines in working days, its rounds, and what a mark that falls was wrong for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from qa.refusals import N_
from qa.settings import Settings
from qa.working_days import WorkingDays

# Why an overturned mark was wrong. The first two are the machine's doing, the others a person's or the card's.
CAUSES: dict[str, str] = {
    "recognition": N_("Recognition error"),
    "rule": N_("The rule is wrong"),
    "evidence_missed": N_("Evidence was missed"),
    "item_unclear": N_("The item is unclear"),
    "other": N_("Other"),
}


@dataclass(frozen=True, slots=True)
class AppealRules:
    """How the hotline deals with appeals. Days are working days of its calendar, in its zone."""

    zone: ZoneInfo
    working_days: WorkingDays = field(default_factory=WorkingDays)
    window_days: int = 3  # to appeal or acknowledge, after the day of release or of the decision
    pass_days: int = 1  # for the supervisor
    decide_days: int = 3  # for whoever decides
    rounds: int = 2  # decisions that an agent may ask for about one item; the last is the lead's
    blind: bool = False  # whoever decides does not see the first verdict

    @classmethod
    def of(cls, settings: Settings) -> AppealRules:
        return cls(
            zone=settings.zone,
            working_days=settings.calendar,
            window_days=settings.appeal_window_days,
            pass_days=settings.appeal_pass_days,
            decide_days=settings.appeal_decide_days,
            rounds=settings.appeal_rounds,
            blind=settings.appeal_blind,
        )

    def closes(self, since: datetime) -> datetime:
        """Return the first moment at which a window that opened at `since` is closed."""
        return self.end_after(since, self.window_days)

    def end_after(self, since: datetime, days: int) -> datetime:
        """Return the end of the `days`-th working day after the day of `since`, in UTC."""
        return self._midnight(self._last_day(since, days) + timedelta(days=1))

    def last_day(self, end: datetime) -> date:
        """Return the day that ends at `end`: what people are told as the deadline."""
        return (end - timedelta(microseconds=1)).astimezone(self.zone).date()

    def reminds(self, due: datetime) -> datetime:
        """Return when whoever has to act by `due` is reminded: as the last day begins."""
        return self._midnight(self.last_day(due))

    def days_left(self, end: datetime, at: datetime) -> int:
        """Return how many working days are left until `end`, today counted when it is one; 0 when it has passed."""
        if at >= end:
            return 0
        day, last = at.astimezone(self.zone).date(), self.last_day(end)
        return sum(self.working_days.worked(day + timedelta(days=n)) for n in range((last - day).days + 1))

    def _last_day(self, since: datetime, days: int) -> date:
        return self.working_days.after(since.astimezone(self.zone).date(), days)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self.zone).astimezone(UTC)
