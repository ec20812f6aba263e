"""Reviews from a spreadsheet: one line a call, one column an item.

Columns: `call` (the telephone system's id, or ours with a # in front), `reason` (random, targeted or complaint),
optional `inspector` (login) and `comment`; a column per item of the scorecard, named by the item's id, with the
answer; optional `ID.comment` and `ID.at` (seconds or m:ss). An answer is met, partly, not_met or na; of an item with
deductions met, na, or what is deducted, several separated by semicolons; of a choice, a scale, a number or a text na or
its value. Fatal items: met (nothing found)
or not_met (confirmed). Bonus items: met. docs/scores.md has examples.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Call, Review, ReviewReason, ReviewState, Role, User
from qa.criteria import card_of
from qa.csv_import import ImportReport, Outcome, Row, import_rows, read_rows
from qa.refusals import N_, Refused
from qa.reviews import (
    Entry,
    as_drawn,
    entry_of,
    item_ids,
    release_review,
    review_of,
    scorecard_for,
    submit_review,
    with_cleared_fatals,
)
from scoring.call_score import GivenAnswer
from scoring.item_types import BY_VALUE, Value, share_of
from scoring.marks import Answer
from scoring.scorecard import Item, Scorecard

WORDS = {
    "met": Answer.MET,
    "yes": Answer.MET,
    "达标": Answer.MET,
    "partly": Answer.PARTLY,
    "部分达标": Answer.PARTLY,
    "not_met": Answer.NOT_MET,
    "not met": Answer.NOT_MET,
    "no": Answer.NOT_MET,
    "不达标": Answer.NOT_MET,
    "na": Answer.NOT_APPLICABLE,
    "n/a": Answer.NOT_APPLICABLE,
    "不适用": Answer.NOT_APPLICABLE,
}
REASONS = {
    "random": ReviewReason.RANDOM,
    "抽检": ReviewReason.RANDOM,
    "targeted": ReviewReason.TARGETED,
    "定向": ReviewReason.TARGETED,
    "complaint": ReviewReason.COMPLAINT,
    "投诉": ReviewReason.COMPLAINT,
}


def import_reviews(
    session: Session, content: bytes, *, by: User, release: bool = False, address: str | None = None
) -> ImportReport:
    """Submit the reviews of a CSV file, and release them when asked; the caller owns the transaction.

    A line is known by its call and inspector: the same line again changes nothing, a different one is refused.
    Inspectors import their own reviews, leads anybody's.

    Raises:
        Refused: the file as a whole cannot be read.
    """
    rows = read_rows(content, required=("call", "reason"))

    def store(row: Row) -> Outcome:
        return _store(session, row, by, release=release, address=address)

    return import_rows(session, rows, store, action="reviews.imported", by=by, address=address)


def _store(session: Session, row: Row, by: User, *, release: bool, address: str | None) -> Outcome:
    call = _call(session, row.required("call"))
    inspector = _inspector(session, row, by)
    present = review_of(session, call, inspector)
    card = card_of(present.scorecard if present else scorecard_for(session, call))
    entry = _entry(row, card)
    if present is not None and present.state is not ReviewState.DRAFT:
        # The weekly sample may have given the review another reason than the file's, or none yet when it was stored.
        reasons = {entry.reason, as_drawn(session, call, entry).reason}
        return _compare(present, card, call, entry, reasons)
    if present is not None:
        raise Refused(N_("There is a draft of this review: submit or empty it first."), field="call")
    review = submit_review(
        session,
        call,
        inspector,
        entry.answers,
        reason=entry.reason,
        comment=entry.comment,
        moments=entry.moments,
        address=address,
    )
    if release:
        release_review(session, review, by, address=address)
    return Outcome.STORED


def _compare(present: Review, card: Scorecard, call: Call, entry: Entry, reasons: Collection[ReviewReason]) -> Outcome:
    """A line that says what is stored is no news; one that says otherwise would change a finished review."""
    stored = entry_of(present)
    same = (
        with_cleared_fatals(card, call, entry.answers) == dict(stored.answers)
        and entry.comment == stored.comment
        and stored.reason in reasons
        and dict(entry.moments) == dict(stored.moments)
    )
    if not same:
        raise Refused(N_("This inspector's review of the call is stored with other content."), field="call")
    return Outcome.UNCHANGED


def _call(session: Session, name: str) -> Call:
    wanted = Call.external_id == name
    if name.startswith("#") and name[1:].isascii() and name[1:].isdigit() and len(name) <= 16:
        wanted = Call.id == int(name[1:])
    call = session.scalar(select(Call).where(wanted))
    if call is None:
        raise Refused(N_("There is no call %(call)s."), field="call", call=name)
    return call


def _inspector(session: Session, row: Row, by: User) -> User:
    login = (row.text("inspector") or by.login).casefold()
    if login == by.login:
        return by
    if by.role is not Role.LEAD:
        raise Refused(N_("You can import your own reviews only."), field="inspector")
    user = session.scalar(select(User).where(User.login == login, User.active))
    if user is None:
        raise Refused(N_("There is no inspector with the login %(login)s."), field="inspector", login=login)
    return user


def _entry(row: Row, card: Scorecard) -> Entry:
    reason = row.required("reason").casefold()
    if reason not in REASONS:
        raise Refused(N_("The reason is random, targeted or complaint, not %(reason)s."), field="reason", reason=reason)
    ids = item_ids(card)
    _refuse_unknown_columns(row, ids)
    answers = dict(_answers(row, card, ids))
    moments = {item: read_moment(text) for item in ids if item in answers and (text := row.text(f"{item}.at"))}
    return Entry(answers, REASONS[reason], row.text("comment"), moments)


def _refuse_unknown_columns(row: Row, ids: list[str]) -> None:
    """A filled column that nothing reads is a mark that would be lost without a word."""
    known = {"call", "inspector", "reason", "comment"}
    known |= {name for item in ids for name in (item, f"{item}.comment", f"{item}.at")}
    for column, text in row.cells.items():
        if text and column not in known:
            raise Refused(N_("The scorecard has no item %(item)s."), field=column, item=column)


def _answers(row: Row, card: Scorecard, ids: list[str]) -> Iterator[tuple[str, GivenAnswer]]:
    items = {item.id: item for _, item in card.items()}
    deducting = {name for name, item in items.items() if card.type_of(item) == "deduction"}
    by_value = {name: item for name, item in items.items() if card.type_of(item) in BY_VALUE}
    for item in ids:
        text = row.text(item)
        if text is None:
            continue
        comment = row.text(f"{item}.comment")
        answer = WORDS.get(text.casefold())
        if item in by_value and answer is not Answer.NOT_APPLICABLE:
            yield item, GivenAnswer(Answer.MET, (), comment, _value(by_value[item], text))
        elif answer is not None and not (item in deducting and answer in (Answer.PARTLY, Answer.NOT_MET)):
            yield item, GivenAnswer(answer, (), comment)
        elif item in deducting:
            names = [name.strip() for name in text.replace("；", ";").split(";")]
            yield item, GivenAnswer(Answer.NOT_MET, tuple(name for name in names if name), comment)
        else:
            raise Refused(N_("%(item)s: %(text)s is no answer."), field=item, item=item, text=text)


def _value(item: Item, text: str) -> Value:
    """Return what a cell answers to a choice, a scale, a number or a text."""
    try:
        value: Value = float(text) if item.type in ("scale", "number") else text
        share_of(item, value)
    except ValueError:
        raise Refused(N_("%(item)s: %(text)s is no answer."), field=item.id, item=item.id, text=text) from None
    return value


def read_moment(text: str) -> float:
    """Return the seconds that 75, 75.5 or 1:15 stands for.

    Raises:
        Refused: it is none of these.
    """
    try:
        *minutes, seconds = [float(part) for part in text.replace("：", ":").split(":")]
    except ValueError:
        raise Refused(N_("%(text)s is no moment: write seconds or m:ss."), text=text) from None
    if len(minutes) > 2:
        raise Refused(N_("%(text)s is no moment: write seconds or m:ss."), text=text)
    whole = 0.0
    for part in minutes:
        whole = whole * 60 + part
    return whole * 60 + seconds
