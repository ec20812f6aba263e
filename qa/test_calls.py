"""Test calls: internal dial tests (拨测, source DT), mystery shoppers' calls (MS) and leaders' own tests (LT).

A sheet counts once it is matched to its recording, which proves that the call took place. Three fields are
compared with the calls of the day before to the day after: the caller's number, the time when the agent
answered (within 120 s of the recording's start) and the staff number heard. At most one may differ. No such
call, two fields that differ, or several calls that fit equally: quarantine, and matching is tried again
whenever recordings have come in. A tester of the agent's own team: rejected. What a machine cannot settle a person
may: a lead names the recording or rejects the sheet, with a reason that is kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import Session, contains_eager

from models import Agent, Call, Role, TestCall, User
from qa import audit
from qa.people import staff_number
from qa.periods import Period
from qa.refusals import N_, Refused
from qa.test_scenarios import card_of_scenario, scenario_version
from scoring.check_sheet import CheckSheet, SheetError, SheetScore, load_check_sheet, score_sheet
from scoring.shipped import shipped
from scoring.uncertainty import Tally

DIAL_TEST, MYSTERY_SHOPPER, LEADERS_TEST = "DT", "MS", "LT"
KINDS = {
    DIAL_TEST: N_("Dial test"),
    MYSTERY_SHOPPER: N_("Mystery shopper"),
    LEADERS_TEST: N_("Leader's test"),
}
# Which kinds of sheet a role may enter.
SOURCES: Mapping[Role, tuple[str, ...]] = {
    Role.TEST_CALLER: (MYSTERY_SHOPPER,),
    Role.INSPECTOR: (DIAL_TEST,),
    Role.LEAD: (DIAL_TEST, MYSTERY_SHOPPER, LEADERS_TEST),
}
MATCHED, QUARANTINE, REJECTED = "matched", "quarantine", "rejected"
REASONS = {
    "unmatched": N_("No recording fits: neither number, time nor staff number lead to one."),
    "two_fields_differ": N_("Two of number, time and staff number differ from the recording."),
    "ambiguous": N_("Several recordings fit equally well."),
    "taken": N_("The recording that fits belongs to another test call."),
    "tester_in_same_team": N_("The tester belongs to the agent's own team."),
    "number": N_("Matched, although the caller's number differs."),
    "time": N_("Matched, although the time differs."),
    "staff": N_("Matched, although the staff number differs."),
    "by_hand": N_("Matched by a lead."),
    "rejected_by_hand": N_("Rejected by a lead."),
}
NEARNESS = timedelta(seconds=120)
SEARCH = timedelta(days=1)
MAX_FIELD = 200  # characters
_LEAST_DIGITS = 7  # that two writings of a number must share


@dataclass(frozen=True, slots=True)
class Times:
    """The three moments of a sheet."""

    dialled: datetime
    answered: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Match:
    """What the search for the recording of a sheet came to."""

    status: str
    reason: str | None  # key of REASONS
    call: Call | None


@cache
def default_sheet() -> CheckSheet:
    """Return the shipped check sheet."""
    return load_check_sheet(shipped("mystery-shopper"))


def enter_test_call(
    session: Session,
    *,
    source: str,
    tester: User,
    header: Mapping[str, str],
    answers: Mapping[str, Any],
    zone: ZoneInfo,
    key_points: int | None = None,
    external_id: str | None = None,
    entered_by: User | None = None,
    sheet: CheckSheet | None = None,
    address: str | None = None,
) -> TestCall:
    """Score a sheet, look for its recording and keep both, whatever the match came to.

    Args:
        source: "DT", "MS" or "LT", as the role of `entered_by` allows.
        tester: who made the call.
        header: the sheet's own fields by name; times as the hotline's clocks show them.
        answers: by item id; an item left out was not answered.
        key_points: how many key points the scenario's answer has, for items that count them; not needed when the
            scenario is stored.
        external_id: the sheet's own number, once only.
        entered_by: who types it in, when not the tester.

    Raises:
        Refused: a field or an answer is missing or impossible; `field` names it.
    """
    sheet = sheet or default_sheet()
    by = entered_by or tester
    if source not in SOURCES.get(by.role, ()):
        raise Refused(N_("Your role does not enter test calls of this kind."), field="source")
    fields = _checked_header(sheet, {"tester_id": tester.login, **header})
    times = read_times(fields, zone)
    scenario = scenario_version(session, fields.get("scenario_id", ""))
    if scenario is not None:
        card = card_of_scenario(scenario)
        if not card.valid_on(times.dialled.astimezone(zone).date()):
            raise Refused(N_("The answer key of %(key)s did not hold on that day."), field="scenario_id", key=card.key)
        key_points = key_points or len(card.answer_key_points)
    score = _score(sheet, answers, key_points)

    test = TestCall(
        external_id=external_id,
        source=source,
        tester=tester,
        sheet=sheet.key,
        dialled_at=times.dialled,
        staff_number=staff_number(fields["staff_number_heard"]),
        scenario=fields.get("scenario_id"),
        persona=fields.get("persona"),
        header={**fields, "answered_at": times.answered.isoformat(), "key_points": key_points},
        answers=dict(answers),
        norms=score.norms,
        knowledge=score.knowledge,
        total=score.total,
        status=QUARANTINE,
        status_reason="unmatched",
    )
    _settle(session, test)
    session.add(test)
    session.flush()
    audit.record(
        session,
        "test_call.entered",
        user_id=by.id,
        subject=("test_call", test.id),
        address=address,
        source=source,
        status=test.status,
        reason=test.status_reason,
    )
    return test


def match_again(session: Session, *, by: User | None = None, address: str | None = None) -> int:
    """Try all sheets in quarantine once more, for instance after recordings came in; return how many left it."""
    settled = 0
    waiting = session.scalars(select(TestCall).where(TestCall.status == QUARANTINE).order_by(TestCall.id)).all()
    for test in waiting:
        before = test.status_reason
        _settle(session, test)
        session.flush()  # The next sheet must not be given the same recording.
        if test.status == QUARANTINE:
            continue
        settled += 1
        audit.record(
            session,
            "test_call.matched",
            user_id=by.id if by else None,
            subject=("test_call", test.id),
            address=address,
            before=before,
            status=test.status,
        )
    return settled


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recording that may be a sheet's, and which of number, time and staff number differ from it."""

    call: Call
    differing: tuple[str, ...]
    taken: bool  # it proves another sheet already


def candidates(session: Session, test: TestCall) -> list[Candidate]:
    """Return the recordings that agree with a sheet in at least one field, those that agree most first."""
    answered, number = _answered(test), _digits(test.header.get("number_used", ""))
    calls = _candidates(session, answered, number, test.staff_number)
    others = select(TestCall.call_id).where(TestCall.call_id.in_([call.id for call in calls]), TestCall.id != test.id)
    taken = set(session.scalars(others))
    found = [
        Candidate(call, tuple(_differing(call, answered, number, test.staff_number)), call.id in taken)
        for call in calls
    ]
    return sorted(found, key=lambda one: (len(one.differing), abs(one.call.started_at - answered), one.call.id))


def settle_by_hand(
    session: Session, test: TestCall, call: Call | None, *, by: User, reason: str, address: str | None = None
) -> None:
    """Take a sheet out of quarantine: `call` is its recording, or None: it is rejected.

    A tester of the agent's own team stays rejected, whatever the recording is.

    Raises:
        Refused: the sheet is not in quarantine, `by` is no lead or made the test, no reason is given, or the
            recording proves another sheet.
    """
    if by.role is not Role.LEAD or by.id == test.tester_id:
        raise Refused(N_("Only a QA lead who did not make the test settles a sheet."))
    if test.status != QUARANTINE:
        raise Refused(N_("Only a sheet in quarantine is settled by hand."))
    if not reason.strip() or len(reason) > MAX_FIELD:
        raise Refused(N_("Say why, in at most %(limit)s characters."), field="reason", limit=MAX_FIELD)
    if call is None:
        test.status, test.status_reason = REJECTED, "rejected_by_hand"
    elif _taken(session, call, test):
        raise Refused(N_("The recording that fits belongs to another test call."), field="call")
    else:
        _assign(test, Match(MATCHED, "by_hand", call), call.agent)
    session.flush()
    audit.record(
        session,
        "test_call.settled",
        user_id=by.id,
        subject=("test_call", test.id),
        address=address,
        status=test.status,
        call=call.id if call else None,
        why=reason.strip(),
    )


def sheet_tallies(
    session: Session, period: Period, *, zone: ZoneInfo, agent_ids: Collection[int] | None = None
) -> dict[int, dict[str, Tally]]:
    """Return (norms + knowledge) / 2 of the matched sheets dialled in `period`, by agent id and source."""
    start, end = period.bounds(zone)
    half = (TestCall.norms + TestCall.knowledge) / 2
    counted = select(TestCall.agent_id, TestCall.source, func.count(), func.sum(half), func.sum(half * half)).where(
        TestCall.status == MATCHED,
        TestCall.agent_id.is_not(None),
        half.is_not(None),
        TestCall.dialled_at >= start,
        TestCall.dialled_at < end,
    )
    if agent_ids is not None:
        counted = counted.where(TestCall.agent_id.in_(agent_ids))
    tallies: dict[int, dict[str, Tally]] = {}
    for agent_id, source, n, total, squares in session.execute(counted.group_by(TestCall.agent_id, TestCall.source)):
        assert agent_id is not None
        tallies.setdefault(agent_id, {})[source] = Tally(n, float(total or 0), float(squares or 0))
    return tallies


def visible_test_calls(user: User) -> Select[TestCall]:
    """Return the query of all sheets that `user` may read.

    Testers read their own, inspectors and leads all, supervisors their team's. Agents read matched ones of their
    own on their score page only, without persona, scenario or tester.
    """
    return select(TestCall).where(_visible(user))


def _visible(user: User) -> ColumnElement[bool]:
    if user.role in (Role.INSPECTOR, Role.LEAD):
        return true()
    if user.role is Role.TEST_CALLER:
        return TestCall.tester_id == user.id
    if user.role is Role.SUPERVISOR and user.team_id is not None:
        return TestCall.agent_id.in_(select(Agent.id).where(Agent.team_id == user.team_id))
    return false()


def matched_call_ids() -> Select[int | None]:
    """Return the query of the ids of all recordings of test calls, whether their sheets count or not."""
    return select(TestCall.call_id).where(TestCall.call_id.is_not(None))


def ordinary_call() -> ColumnElement[bool]:
    """Return the condition on a call that it is not the recording of a test call: those leave the sample."""
    return Call.id.not_in(matched_call_ids())


def read_times(header: Mapping[str, str], zone: ZoneInfo) -> Times:
    """Read a sheet's times, written as the hotline's clocks show them.

    The dial time has a date (``2026-11-18 14:32`` or with seconds); the others may leave it out, and then are
    the next such moment after it.

    Raises:
        Refused: one cannot be read, or the call ends before it begins.
    """
    dialled = _moment(header["dial_time"], "dial_time", zone)
    answered = _moment(header["agent_answer_time"], "agent_answer_time", zone, after=dialled)
    ended = _moment(header["end_time"], "end_time", zone, after=answered)
    if not dialled <= answered <= ended:
        raise Refused(
            N_("The times must follow each other: dialled, answered by the agent, ended."), field="agent_answer_time"
        )
    if ended - dialled > timedelta(hours=4):
        raise Refused(N_("A call of more than four hours is hard to believe: check the times."), field="end_time")
    return Times(dialled, answered, ended)


def find_recording(session: Session, test: TestCall) -> Match:
    """Return the recording of a sheet by the rule in the head of this module; rejection is not decided here."""
    answered = _answered(test)
    number = _digits(test.header.get("number_used", ""))
    graded: list[tuple[frozenset[str], timedelta, Call]] = []
    for call in _candidates(session, answered, number, test.staff_number):
        differing = frozenset(_differing(call, answered, number, test.staff_number))
        graded.append((differing, abs(call.started_at - answered), call))
    if not graded:
        return Match(QUARANTINE, "unmatched", None)

    fewest = min(len(differing) for differing, _, _ in graded)
    if fewest >= 2:
        return Match(QUARANTINE, "two_fields_differ", None)
    best = [found for found in graded if len(found[0]) == fewest]
    free = [found for found in best if not _taken(session, found[2], test)]
    if not free:
        return Match(QUARANTINE, "taken", None)
    if len(free) > 1:
        return Match(QUARANTINE, "ambiguous", None)
    differing, _, call = free[0]
    return Match(MATCHED, next(iter(differing), None), call)


def _score(sheet: CheckSheet, answers: Mapping[str, Any], key_points: int | None) -> SheetScore:
    open_items = [item.id for item in sheet.items if str(answers.get(item.id) or "").strip() == ""]
    if open_items:
        raise Refused(N_("These items have no answer: %(items)s."), field=open_items[0], items=", ".join(open_items))
    if key_points is None and any(item.answer == "count_of_key" for item in sheet.items):
        raise Refused(N_("Say how many key points the scenario's answer has."), field="key_points")
    try:
        return score_sheet(sheet, answers, key_points=key_points)
    except SheetError as error:
        item, _, problem = str(error).partition(": ")
        raise Refused(
            N_("The answer to %(item)s does not fit: %(problem)s."), field=item, item=item, problem=problem
        ) from error


def _settle(session: Session, test: TestCall) -> None:
    """Match `test` and set agent, recording and status by what was found."""
    match = find_recording(session, test)
    heard = session.scalar(select(Agent).where(Agent.number == test.staff_number))
    agent = match.call.agent if match.call and match.call.agent else heard
    _assign(test, match, agent)


def _assign(test: TestCall, match: Match, agent: Agent | None) -> None:
    test.agent = agent
    test.call, test.status, test.status_reason = match.call, match.status, match.reason
    if agent is not None and test.tester is not None and _same_team(test.tester, agent):
        # The recording stays linked: whoever made the call, it is no customer's and leaves the ordinary sample.
        test.status, test.status_reason = REJECTED, "tester_in_same_team"


def _answered(test: TestCall) -> datetime:
    return datetime.fromisoformat(test.header["answered_at"])


def _same_team(tester: User, agent: Agent) -> bool:
    if tester.agent_id is not None and tester.agent_id == agent.id:
        return True
    teams = {tester.team_id, tester.agent.team_id if tester.agent else None} - {None}
    return agent.team_id in teams


def _candidates(session: Session, answered: datetime, number: str, staff_number: str) -> Sequence[Call]:
    agrees: list[ColumnElement[bool]] = [
        and_(Call.started_at >= answered - NEARNESS, Call.started_at <= answered + NEARNESS),
        Agent.number == staff_number,
    ]
    if len(number) >= _LEAST_DIGITS:
        agrees.append(Call.customer_number.endswith(number[-_LEAST_DIGITS:], autoescape=True))
    return session.scalars(
        select(Call)
        .outerjoin(Call.agent)
        .options(contains_eager(Call.agent))
        .where(Call.started_at >= answered - SEARCH, Call.started_at <= answered + SEARCH, or_(*agrees))
    ).all()


def _differing(call: Call, answered: datetime, number: str, staff_number: str) -> Sequence[str]:
    differing = []
    if not _same_number(number, _digits(call.customer_number or "")):
        differing.append("number")
    if abs(call.started_at - answered) > NEARNESS:
        differing.append("time")
    if call.agent is None or call.agent.number != staff_number:
        differing.append("staff")
    return differing


def _taken(session: Session, call: Call, test: TestCall) -> bool:
    others = select(TestCall.id).where(TestCall.call_id == call.id)
    with session.no_autoflush:
        return any(found != test.id for found in session.scalars(others))


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number, flags=re.ASCII)


def _same_number(one: str, other: str) -> bool:
    """Country and trunk prefixes differ between systems: 13800001111 is +86 138 0000 1111."""
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= _LEAST_DIGITS and longer.endswith(shorter)


def _checked_header(sheet: CheckSheet, header: Mapping[str, str]) -> dict[str, str]:
    fields = {}
    for wanted in sheet.header:
        text = str(header.get(wanted.field) or "").strip()
        if not text:
            if wanted.required:
                raise Refused(N_("Fill in this field."), field=wanted.field)
            continue
        if len(text) > MAX_FIELD:
            raise Refused(N_("At most %(limit)s characters."), field=wanted.field, limit=MAX_FIELD)
        if wanted.values and text not in wanted.values:
            raise Refused(N_("Choose one of: %(choices)s."), field=wanted.field, choices=", ".join(wanted.values))
        fields[wanted.field] = text
    return fields


def _moment(text: str, name: str, zone: ZoneInfo, *, after: datetime | None = None) -> datetime:
    try:
        if after is not None and re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text, re.ASCII):
            return _next_such_time(time.fromisoformat(text.zfill(5) if len(text) < 6 else text.zfill(8)), after, zone)
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise Refused(N_("%(text)s is no time: write 2026-11-18 14:32:05."), field=name, text=text[:40]) from None
    if not 1971 <= moment.year <= 2999:
        raise Refused(N_("%(text)s is no time: write 2026-11-18 14:32:05."), field=name, text=text[:40])
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _next_such_time(clock: time, after: datetime, zone: ZoneInfo) -> datetime:
    """A time without seconds may be the minute that `after` lies in."""
    local = after.astimezone(zone)
    moment = datetime.combine(local.date(), clock, tzinfo=zone)
    if moment < local.replace(second=0, microsecond=0):
        moment = datetime.combine(local.date() + timedelta(days=1), clock, tzinfo=zone)
    return max(moment.astimezone(UTC), after)
