"""Entries with a meaning of their own: values that are compared, facts that are looked up, and exceptions that
only a person can judge. docs/rules.md lists them all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from scoring.case import Case, Range
from scoring.marks import Answer
from scoring.phrases import PhraseMatch
from scoring.spoken import Side
from transcription.transcript import CUSTOMER

# Exceptions in words: the machine cannot judge them, so a hit that has one of them needs a person.
DESCRIPTIVE = frozenset(
    {
        "引述客户原话",
        "客户在说",
        "同句含抱歉且随后给出办法",
        "骚扰电话流程",
        "客户无声流程",
        "quoting the caller",
        "followed within 10 s by an alternative",
        "abusive_caller_procedure",
        "silent_line_procedure",
    }
)

# Excuses for a silence that stand for what the customer says.
CUSTOMER_EXCUSES: Mapping[str, tuple[str, ...]] = {
    "客户说等一下": ("等一下", "等会", "稍等", "等等", "等我"),
    "客户在找资料": ("我找一下", "我找找", "我看一下", "我看看", "我去拿", "我拿一下"),
}


@dataclass(frozen=True, slots=True)
class Spot:
    """What a token found."""

    verdict: Answer
    reason: str
    values: dict[str, object] = field(default_factory=dict)
    match: PhraseMatch | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """Where an anchor was hit."""

    start: float  # seconds; a turn number when the transcript has no times
    end: float
    turn: int | None = None
    speaker: str | None = None


Token = Callable[[Case, Sequence[Range], Sequence[Moment]], Spot]

_DIGITS = re.compile(r"\d")
_IDENTITY = {
    True: ("我叫", "名字叫", "姓名是", "我姓", "身份证", "地址是", "机主"),
    False: ("my name is", "born", "date of birth", "my address", "postcode", "passcode"),
}
MIN_VALUE_DIGITS = 4  # shorter runs of digits are amounts or counts, not numbers that are read back


def customer_data(case: Case, ranges: Sequence[Range], moments: Sequence[Moment]) -> Spot:
    """Data that identify the customer: three digits or more, or words such as "my name is"."""
    for where in ranges:
        texts = where.side.texts[where.low : where.high]
        if sum(len(_DIGITS.findall(text)) for text in texts) >= 3:
            return Spot(Answer.MET, "customer_data_given")
    match = case.search(_IDENTITY[case.phrases.normaliser.chinese], ranges)
    if match and match.verdict == "said":
        return Spot(Answer.MET, "customer_data_given", match=match)
    return Spot(Answer.CANNOT_TELL, "reply_unclear", match=match)


def keypad_event(case: Case, ranges: Sequence[Range], moments: Sequence[Moment]) -> Spot:
    """An entry on the telephone keypad, which only the telephone system knows."""
    if not case.facts.events:
        return Spot(Answer.CANNOT_TELL, "fact_missing", {"fact": "keypad events of the telephone system"})
    for event in case.facts.events:
        inside = any(
            where.start is not None and where.end is not None and where.start <= event.start <= where.end
            for where in ranges
        )
        if event.kind == "keypad" and inside:
            return Spot(Answer.MET, "event_seen", {"event": "keypad"})
    return Spot(Answer.NOT_MET, "event_not_seen", {"event": "keypad"})


def same_value_as_customer(case: Case, ranges: Sequence[Range], moments: Sequence[Moment]) -> Spot:
    """The number that the customer gave at the anchor, read back by the agent."""
    value = _given_value(case.spoken.side(CUSTOMER), moments, case.timed)
    if value is None:
        return Spot(Answer.NOT_APPLICABLE, "no_value_given")
    heard = [_digit_run(where.side.texts[where.low : where.high]) for where in ranges]
    tail = value[-MIN_VALUE_DIGITS:]
    if any(value in said or tail in said for said in heard):
        return Spot(Answer.MET, "value_read_back", {"digits": len(value)})
    if any(len(said) >= MIN_VALUE_DIGITS for said in heard):
        # One misheard digit on either side looks the same as a wrong read-back.
        return Spot(Answer.CANNOT_TELL, "value_differs", {"digits": len(value)})
    return Spot(Answer.NOT_MET, "value_not_read_back", {"digits": len(value)})


def ticket_exists(case: Case, ranges: Sequence[Range], moments: Sequence[Moment]) -> Spot:
    """A ticket with type and summary, known from the call's fields ticket_type and ticket_summary."""
    fields = case.facts.fields
    if "ticket_type" not in fields and "ticket_summary" not in fields:
        return Spot(Answer.CANNOT_TELL, "fact_missing", {"fact": "ticket_type, ticket_summary"})
    if fields.get("ticket_type") and fields.get("ticket_summary"):
        return Spot(Answer.MET, "ticket_found")
    return Spot(Answer.NOT_MET, "ticket_incomplete")


TOKENS: Mapping[str, Token] = {
    "customer_data": customer_data,
    "keypad_event": keypad_event,
    "same_value_as_customer": same_value_as_customer,
    "ticket_exists_with_type_and_summary": ticket_exists,
}


def _digit_run(texts: Sequence[str]) -> str:
    return "".join(re.sub(r"\D", "", text) for text in texts)


def _given_value(side: Side, moments: Sequence[Moment], timed: bool) -> str | None:
    """Return the longest run of digits that the customer says within 15 s of an anchor."""
    best = ""
    for moment in moments:
        reach = 15.0 if timed else 1.0
        low, high = side.between_times(moment.start - 1, moment.end + reach)
        run = ""
        for text in side.texts[low:high]:
            digits = re.sub(r"\D", "", text)
            run = run + digits if digits else ""
            best = max(best, run, key=len)
    return best if len(best) >= MIN_VALUE_DIGITS else None
