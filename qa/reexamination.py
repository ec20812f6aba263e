"""One overturned mark is a doubt about its rule: the other calls that the rule hit in the same way are looked at.

Released reviews come first, for they count against somebody; then calls that no person has judged. A person says of
each whether the mark is right. A wrong one in a released review is raised as the appeal raised its own, a wrong one
of the machine alone stays with the rule as a known defect: see docs/appeals.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from models import Appeal, AutoMark, AutoScore, Call, Reexamination, Review, ReviewState, Role, User
from models.base import now
from qa import audit
from qa.appeal_effects import apply, effect_of, figures, given_in, mark_of, snapshot
from qa.criteria import card_of
from qa.notifications import notify
from qa.refusals import N_, Refused
from qa.reviews import MAX_COMMENT, conflict
from scoring.marks import Answer

LISTED = 200  # calls at most, the newest
SEARCHED = 20_000  # marks of the item, the newest: more are not searched for the rule
CHUNK = 500  # calls asked for at once
OUTCOMES = ("right", "wrong")

Rule = tuple[str, str]  # rule id, version of its phrase set


@dataclass(frozen=True, slots=True)
class Defect:
    """What re-examinations found out about a rule."""

    rule: str
    version: str
    right: int
    wrong: int
    open: int


@dataclass(frozen=True, slots=True)
class _Hit:
    call_id: int
    review_id: int | None


def rules_behind(review: Review, item: str) -> list[list[str]]:
    """Return the rules, as [id, version], on whose evidence the present mark rests; none when a person judged alone.

    A mark rests on the machine's when it says the same, and the machine found a rule not kept.
    """
    mark = mark_of(review, item)
    score = review.call.auto_score
    if mark is None or score is None:
        return []
    said, evidence = _automatic(score, item)
    if mark.auto_answer is not None:
        said = mark.auto_answer
    return [list(rule) for rule in _failed(evidence)] if said == mark.answer else []


def list_others(session: Session, appeal: Appeal, *, limit: int = LISTED) -> int:
    """Add rows for the other calls that the rules behind an upheld appeal hit; return how many there are in all."""
    rules = {(rule, version) for rule, version in appeal.before.get("rules", [])}
    answer = appeal.before.get("answer")
    if not rules or answer is None:
        return 0
    found = [hit for hit in _hits(session, appeal, rules) if hit is not None]
    found.sort(key=lambda hit: hit.review_id is None)  # stable: the newest first within both
    session.add_all(
        Reexamination(appeal_id=appeal.id, call_id=hit.call_id, review_id=hit.review_id, item=appeal.item)
        for hit in found[:limit]
    )
    session.flush()
    if found:
        audit.record(
            session, "appeal.reexamined", subject=("appeal", appeal.id), rules=sorted(map(list, rules)),
            listed=min(limit, len(found)), total=len(found),
        )  # fmt: skip
        _tell_leads(session, appeal, len(found))
    return len(found)


def settle(
    session: Session, one: Reexamination, outcome: str, by: User, note: str | None = None, *, address: str | None = None
) -> None:
    """Say whether the mark is right. A wrong one in released reviews becomes what the appeal made of its own.

    Raises:
        Refused: `by` may not judge the call or scored it, it is settled already, or the score would fall.
    """
    session.get_one(Reexamination, one.id, with_for_update=True, populate_existing=True)
    refusal = refusal_to_settle(one, by)
    if refusal is not None:
        raise refusal
    if outcome not in OUTCOMES:
        raise Refused(N_("Say whether the mark is right or wrong."), field="outcome")
    said = (note or "").strip()
    if len(said) > MAX_COMMENT:
        raise Refused(N_("A comment may have %(limit)s characters."), limit=MAX_COMMENT, field="note")
    one.outcome, one.note, one.done_by, one.done_at = outcome, said or None, by, now()
    corrected = _correct(session, one, by, address) if outcome == "wrong" else []
    session.flush()
    audit.record(
        session,
        "reexamination.settled",
        user_id=by.id,
        subject=("appeal", one.appeal_id),
        address=address,
        call=one.call_id,
        item=one.item,
        outcome=outcome,
        reviews=corrected,
        rules=one.appeal.before.get("rules", []),
    )
    _tell_agent(session, one, corrected)


def refusal_to_settle(one: Reexamination, by: User) -> Refused | None:
    """Return why `by` may not say whether the mark is right, None when nothing forbids it."""
    if one.outcome is not None:
        return Refused(N_("This call has been looked at already."))
    if one.review is not None and one.review.inspector_id == by.id:
        return Refused(N_("Nobody re-examines the own review."))
    return conflict(by, one.call)


def of_appeal(session: Session, appeal: Appeal) -> Sequence[Reexamination]:
    """Return the calls to look at: open ones first, released reviews before calls without one."""
    return session.scalars(
        select(Reexamination)
        .where(Reexamination.appeal_id == appeal.id)
        .options(
            joinedload(Reexamination.call).joinedload(Call.agent),
            joinedload(Reexamination.call).joinedload(Call.auto_score).selectinload(AutoScore.marks),
            joinedload(Reexamination.review).selectinload(Review.marks),
            joinedload(Reexamination.done_by),
        )
        .order_by(Reexamination.outcome.is_not(None), Reexamination.id)
    ).all()


def corrections_of(session: Session, review: Review) -> Sequence[Reexamination]:
    """Return the re-examinations that changed a review."""
    return session.scalars(
        select(Reexamination)
        .join(Reexamination.appeal)
        .where(
            Reexamination.call_id == review.call_id,
            Appeal.review_id != review.id,
            Reexamination.outcome == "wrong",
            Reexamination.review_id.is_not(None),
        )
        .options(joinedload(Reexamination.appeal))
        .order_by(Reexamination.done_at)
    ).all()


def open_reexaminations() -> Select[Reexamination]:
    """Return the query of all calls that wait to be looked at again, oldest first."""
    return select(Reexamination).where(Reexamination.outcome.is_(None)).order_by(Reexamination.id)


def defects(session: Session) -> list[Defect]:
    """Return what was found out about each rule behind an upheld appeal, the most wrong hits first."""
    counted: dict[Rule, Counter[str]] = {}
    rows = session.execute(
        select(Appeal.before, Reexamination.outcome).join(Appeal, Reexamination.appeal_id == Appeal.id)
    )
    for before, outcome in rows:
        for rule, version in before.get("rules", []):
            counted.setdefault((rule, version), Counter())[outcome or "open"] += 1
    found = [
        Defect(rule, version, tally["right"], tally["wrong"], tally["open"])
        for (rule, version), tally in counted.items()
    ]
    return sorted(found, key=lambda one: (-one.wrong, one.rule, one.version))


def evidence_against(score: AutoScore | None, item: str) -> list[Mapping[str, Any]]:
    """Return the machine's evidence that an item, or a fatal item, was not kept."""
    if score is None:
        return []
    _, evidence = _automatic(score, item)
    return [one for one in evidence if one.get("rule") and one.get("verdict") == Answer.NOT_MET]


def _automatic(score: AutoScore, item: str) -> tuple[str | None, list[Mapping[str, Any]]]:
    """Return the machine's answer to an item with its evidence; a suspected fatal item is answered "not met"."""
    mark = next((mark for mark in score.marks if mark.item == item), None)
    if mark is not None:
        return mark.answer, mark.evidence
    finding = next((one for one in score.summary.get("fatals", []) if one["item"] == item), None)
    return (finding.get("suspected"), finding.get("evidence", [])) if finding else (None, [])


def _failed(evidence: Sequence[Mapping[str, Any]]) -> list[Rule]:
    found = {
        (str(one["rule"]), str(one.get("rule_version") or ""))
        for one in evidence
        if one.get("rule") and one.get("verdict") == Answer.NOT_MET
    }
    return sorted(found)


def _hits(session: Session, appeal: Appeal, rules: set[Rule]) -> Iterator[_Hit | None]:
    """Yield the calls in which one of `rules` led to the same answer, the newest first; its own with another review.

    A call where a person has answered otherwise is left out: it is settled. None stands for such a call.
    """
    answer = appeal.before["answer"]
    calls = [
        call
        for call, evidence in _marked(session, appeal.item, answer, _is_fatal(appeal))
        if rules & set(_failed(evidence))
    ]
    reviews: dict[int, list[Review]] = {}
    for i in range(0, len(calls), CHUNK):
        finished = (
            select(Review)
            .where(
                Review.call_id.in_(calls[i : i + CHUNK]),
                Review.state != ReviewState.DRAFT,
                Review.ordinary,
                Review.id != appeal.review_id,
            )
            .options(selectinload(Review.marks))
            .order_by(Review.id)
        )
        for review in session.scalars(finished):
            reviews.setdefault(review.call_id, []).append(review)
    for call in calls:
        if call == appeal.review.call_id and call not in reviews:
            continue  # Of this call there is no other review.
        yield _hit(call, reviews.get(call, []), appeal.item, answer)


def _hit(call_id: int, reviews: Sequence[Review], item: str, answer: str) -> _Hit | None:
    same = [review for review in reviews if (mark := mark_of(review, item)) is not None and mark.answer == answer]
    if reviews and not same:
        return None
    released = next((review.id for review in same if review.state is ReviewState.RELEASED), None)
    return _Hit(call_id, released)


def _is_fatal(appeal: Appeal) -> bool:
    return any(fatal.id == appeal.item for fatal in card_of(appeal.review.scorecard).fatal)


def _marked(session: Session, item: str, answer: str, fatal: bool) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    """Yield (call id, evidence) where the machine answered `item` so, or suspects a fatal item, the newest first."""
    # By the connection: in a large centre these are thousands of rows, and the session would wrap each.
    run = session.connection().execute
    if fatal:
        suspected = select(AutoScore.call_id, AutoScore.summary).join(AutoScore.call).where(AutoScore.fatal_suspected)
        for call, summary in run(suspected.order_by(Call.started_at.desc()).limit(SEARCHED)):
            finding: Mapping[str, Any] = next((one for one in summary.get("fatals", []) if one["item"] == item), {})
            if finding.get("suspected") == answer:
                yield call, finding.get("evidence", [])
        return
    marked = (
        select(AutoScore.call_id, AutoMark.evidence)
        .select_from(AutoMark)
        .join(AutoScore, AutoMark.auto_score_id == AutoScore.id)
        .join(Call, AutoScore.call_id == Call.id)
        .where(AutoMark.item == item, AutoMark.answer == answer)
    )
    for call, evidence in run(marked.order_by(Call.started_at.desc()).limit(SEARCHED)):
        yield call, evidence


def _correct(session: Session, one: Reexamination, by: User, address: str | None) -> list[int]:
    """Raise the item in every released review of the call that says what the appeal overturned; return their ids."""
    after, before = one.appeal.after, one.appeal.before
    given = given_in(after)
    released = session.scalars(
        select(Review)
        .where(
            Review.call_id == one.call_id,
            Review.state == ReviewState.RELEASED,
            Review.ordinary,
        )
        .options(selectinload(Review.marks))
        .with_for_update()
    ).all()
    changed = []
    for review in released:
        mark = mark_of(review, one.item)
        if mark is None or mark.answer != before["answer"]:
            continue
        old = snapshot(review, one.item)
        effect = effect_of(review, one.item, given)
        if not effect.better:
            continue
        apply(review, effect)
        changed.append(review.id)
        audit.record(
            session,
            "review.corrected",
            user_id=by.id,
            subject=("review", review.id),
            address=address,
            item=one.item,
            old=figures(old),
            new=figures(snapshot(review, one.item)),
            appeal=one.appeal_id,
            reexamination=one.id,
        )
    return changed


def _tell_agent(session: Session, one: Reexamination, changed: Sequence[int]) -> None:
    """Tell the agent that reviews of a call rose without an appeal of their own."""
    agent = session.scalar(select(User.id).where(User.active, User.agent_id == one.call.agent_id))
    if agent is None:
        return
    for review in changed:
        notify(session, agent, "review.corrected", subject=("review", review), item=one.item)


def _tell_leads(session: Session, appeal: Appeal, total: int) -> None:
    """Tell the leads, and whoever decided, that other calls wait to be looked at."""
    readers = set(session.scalars(select(User.id).where(User.active, User.role == Role.LEAD)))
    if appeal.decided_by_id is not None:
        readers.add(appeal.decided_by_id)
    for reader in sorted(readers):
        notify(
            session, reader, "reexamination.found", subject=("appeal", appeal.id), item=appeal.item, count=str(total)
        )
