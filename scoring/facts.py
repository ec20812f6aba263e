"""What is known about a call besides its words and its sound: telephony events and call fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the telephone system or the desktop reported.

    Kinds that the rules know: ``hold`` (start and end), ``hold_start``, ``hold_end``, ``transfer``,
    ``agent_hangup``, ``customer_hangup``, ``keypad``. Times in seconds from the beginning of the recording.
    """

    kind: str
    start: float
    end: float | None = None


@dataclass(frozen=True, slots=True)
class CallFacts:
    """Everything that is known of one call beside transcript and audio.

    `fields` holds call data and flags by name, for example ``{"caller_name": "Mary Smith",
    "ivr_recording_notice": "yes"}``; a flag is on for yes, true or 1, off for no, false or 0. An empty `events`
    means that the telephone system told us nothing; when it holds anything, it is taken to be complete. `day` is the
    day of the call in the organisation's time zone; without it every rule is in effect, as for a typed dialogue.
    """

    events: tuple[Event, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    organisation_names: tuple[str, ...] = ()
    day: date | None = None

    def flag(self, name: str) -> bool | None:
        """Return the value of a yes/no field; None when it is absent or unclear."""
        value = str(self.fields.get(name, "")).strip().lower()
        if value in ("yes", "true", "1", "是"):
            return True
        if value in ("no", "false", "0", "否"):
            return False
        return None

    def holds(self) -> tuple[Event, ...]:
        """Return the holds, each with start and, when known, end."""
        whole = [event for event in self.events if event.kind == "hold"]
        ends = sorted(event.start for event in self.events if event.kind == "hold_end")
        for event in self.events:
            if event.kind == "hold_start":
                end = next((moment for moment in ends if moment >= event.start), None)
                whole.append(Event("hold", event.start, end))
        return tuple(sorted(whole, key=lambda event: event.start))
