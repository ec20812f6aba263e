"""What a calibration came to: all answers side by side, how far people agree, and which calls to score next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import fsum

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from models import (
    AutoMark,
    AutoScore,
    CalibrationSession,
    Call,
    CallState,
    Review,
    ReviewMark,
    User,
)
from qa.calibration import FINISHED
from qa.criteria import card_of
from qa.inspectors import GAP_ALARM
from qa.reviews import conflict
from qa.test_calls import ordinary_call
from scoring.agreement import Agreement, AnswerPair, agreement, needs_rewording
from scoring.chance_agreement import Estimate, cohen_kappa, fleiss_kappa, gwet_ac1, krippendorff_alpha
from scoring.intraclass import IntraclassCorrelations, intraclass
from scoring.marks import Answer

SIMILAR = 3  # calls to score again when people are still apart
CANDIDATES = 400  # calls of the same card that are looked at for similar ones
MISSED = (Answer.PARTLY.value, Answer.NOT_MET.value)


@dataclass(frozen=True, slots=True)
class PersonResult:
    """One person's answers against the expert's; figures are None for the expert and where nothing can be compared."""

    user: User
    expert: bool
    submitted: int
    mean_gap: float | None  # points between the totals of a call, without sign
    milder: float | None  # points by which the totals lie above the expert's
    agreement: Agreement | None  # of item answers
    kappa: Estimate | None


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item: everybody's answer to it in every call, and how far they agree."""

    item: str
    name: str
    answers: Mapping[tuple[int, int], str]  # by call id and user id
    agreement: Agreement | None  # of every two people; alpha and AC1 of all together. None: nobody to compare with
    fleiss: Estimate | None  # None: answers are missing
    reword: bool


@dataclass(frozen=True, slots=True)
class CallResult:
    """One call: everybody's total before fatal items, by user id."""

    call: Call
    totals: Mapping[int, float]

    @property
    def spread(self) -> float | None:
        """Points between the highest and the lowest total; None: fewer than two."""
        return max(self.totals.values()) - min(self.totals.values()) if len(self.totals) > 1 else None

    @property
    def apart(self) -> bool:
        return self.spread is not None and self.spread > GAP_ALARM


@dataclass(frozen=True, slots=True)
class CalibrationResults:
    """The results of one session, from the reviews that were submitted."""

    people: Sequence[PersonResult]  # the expert first, then by name
    items: Sequence[ItemResult]  # in the card's order
    calls: Sequence[CallResult]  # in the session's order
    whole: Agreement | None
    totals: IntraclassCorrelations | None  # None: not everybody has scored every call

    @property
    def apart(self) -> list[CallResult]:
        """The calls on which people are more than GAP_ALARM points apart, widest first."""
        return sorted((one for one in self.calls if one.apart), key=lambda one: -(one.spread or 0.0))


@dataclass(frozen=True, slots=True)
class _Given:
    """What was submitted: answers by item, call id and user id, totals by call id and user id."""

    answers: Mapping[str, Mapping[tuple[int, int], str]]
    totals: Mapping[tuple[int, int], float]
    submitted: Mapping[int, int]  # calls by user id


def calibration_results(session: Session, calibration: CalibrationSession) -> CalibrationResults:
    """Return the results; who may see them is the caller's matter (qa.calibration.results_open)."""
    given = _given(session, calibration)
    calls = [one.call for one in calibration.calls]
    people = sorted(calibration.participants, key=lambda one: (not one.expert, one.user.name, one.user_id))
    expert = next((one.user_id for one in people if one.expert), None)
    card = card_of(calibration.scorecard)
    names = {item.id: item.name for _, item in card.items()}
    names |= {fatal.id: fatal.name for fatal in card.fatal} | {bonus.id: bonus.name for bonus in card.bonus}
    call_ids, user_ids = [call.id for call in calls], [one.user_id for one in people]
    items = [_item(item, name, given.answers.get(item, {}), call_ids, user_ids) for item, name in names.items()]
    pairs = [pair for item in items for pair in _pairs(item.answers, call_ids, user_ids)]
    return CalibrationResults(
        people=[_person(one.user, expert, given, call_ids) for one in people],
        items=items,
        calls=[
            CallResult(
                call, {user: given.totals[call.id, user] for user in user_ids if (call.id, user) in given.totals}
            )
            for call in calls
        ],
        whole=agreement(pairs) if pairs else None,
        totals=_totals(given, call_ids, [user for user in user_ids if given.submitted.get(user)]),
    )


def similar_calls(
    session: Session, calibration: CalibrationSession, results: CalibrationResults, count: int = SIMILAR
) -> list[Call]:
    """Return calls like the one on which people are furthest apart, for a session that tries again.

    Alike is what the machine scored by the same card, missing the same items and with a score nearby. Calls of this
    session, test calls and calls that one of the people may not judge are left out.
    """
    centre = next(iter(results.apart), None)
    centre = centre or max(results.calls, key=lambda one: one.spread or 0.0, default=None)
    if centre is None or centre.call.auto_score is None:
        return []
    here = {one.call.id for one in results.calls}
    rows = session.execute(
        select(Call, AutoScore)
        .join(AutoScore, AutoScore.call_id == Call.id)
        .where(
            AutoScore.scorecard_version_id == centre.call.auto_score.scorecard_version_id,
            AutoScore.raw.is_not(None),
            Call.state == CallState.SCORED,
            Call.id.not_in(here),
            ordinary_call(),
        )
        .options(selectinload(Call.agent))
        .order_by(Call.started_at.desc(), Call.id.desc())
        .limit(CANDIDATES)
    ).all()
    missed = _missed(session, [score.id for _, score in rows] + [centre.call.auto_score.id])
    wanted, score_there = missed[centre.call.auto_score.id], centre.call.auto_score.raw or 0.0
    ranked = sorted(
        rows,
        key=lambda row: (-_alike(wanted, missed[row[1].id]), abs((row[1].raw or 0.0) - score_there), -row[0].id),
    )
    people = [one.user for one in calibration.participants]
    fit = (call for call, _ in ranked if all(conflict(user, call) is None for user in people))
    return [call for call, _ in zip(fit, range(count), strict=False)]


def _given(session: Session, calibration: CalibrationSession) -> _Given:
    totals: dict[tuple[int, int], float] = {}
    submitted: defaultdict[int, int] = defaultdict(int)
    of: dict[int, tuple[int, int]] = {}
    reviews = session.execute(
        select(Review.id, Review.call_id, Review.inspector_id, Review.raw)
        .where(Review.calibration_id == calibration.id, Review.state.in_(FINISHED))
        .order_by(Review.id)
    )
    for review, call, user, raw in reviews.tuples():
        of[review] = call, user
        submitted[user] += 1
        if raw is not None:
            totals[call, user] = raw
    answers: defaultdict[str, dict[tuple[int, int], str]] = defaultdict(dict)
    marks = select(ReviewMark.review_id, ReviewMark.item, ReviewMark.answer).where(ReviewMark.review_id.in_(of))
    for review, item, answer in session.execute(marks.order_by(ReviewMark.id)).tuples():
        answers[item][of[review]] = answer
    return _Given(answers, totals, submitted)


def _item(
    item: str, name: str, answers: Mapping[tuple[int, int], str], calls: Sequence[int], users: Sequence[int]
) -> ItemResult:
    pairs = list(_pairs(answers, calls, users))
    ratings = [[answers.get((call, user)) for user in users] for call in calls]
    found = fleiss = None
    if pairs:
        found = replace(agreement(pairs), alpha=krippendorff_alpha(ratings), ac1=gwet_ac1(ratings))
        complete = [row for row in ratings if None not in row]
        fleiss = fleiss_kappa(complete) if complete else None
    return ItemResult(item, name, answers, found, fleiss, found is not None and needs_rewording(found))


def _pairs(answers: Mapping[tuple[int, int], str], calls: Sequence[int], users: Sequence[int]) -> Iterator[AnswerPair]:
    for call in calls:
        here = [answers[call, user] for user in users if (call, user) in answers]
        for first, second in combinations(here, 2):
            yield AnswerPair(call, first, second)


def _person(user: User, expert: int | None, given: _Given, calls: Sequence[int]) -> PersonResult:
    submitted = given.submitted.get(user.id, 0)
    if expert is None or user.id == expert:
        return PersonResult(user, user.id == expert, submitted, None, None, None, None)
    both = [
        AnswerPair(call, own[call, expert], own[call, user.id])
        for own in given.answers.values()
        for call in calls
        if (call, user.id) in own and (call, expert) in own
    ]
    gaps = [
        given.totals[call, user.id] - given.totals[call, expert]
        for call in calls
        if (call, user.id) in given.totals and (call, expert) in given.totals
    ]
    of: list[Hashable] = [pair.call for pair in both]
    return PersonResult(
        user=user,
        expert=False,
        submitted=submitted,
        mean_gap=fsum(map(abs, gaps)) / len(gaps) if gaps else None,
        milder=fsum(gaps) / len(gaps) if gaps else None,
        agreement=agreement(both) if both else None,
        kappa=cohen_kappa([one.first for one in both], [one.second for one in both], calls=of) if both else None,
    )


def _totals(given: _Given, calls: Sequence[int], users: Sequence[int]) -> IntraclassCorrelations | None:
    """Return the correlations over the calls that everybody who took part has a total of."""
    rows = [[given.totals[call, user] for user in users if (call, user) in given.totals] for call in calls]
    return intraclass([row for row in rows if len(row) == len(users)])


def _missed(session: Session, score_ids: Collection[int]) -> Mapping[int, frozenset[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    rows = session.execute(
        select(AutoMark.auto_score_id, AutoMark.item).where(
            AutoMark.auto_score_id.in_(score_ids), AutoMark.answer.in_(MISSED)
        )
    )
    for score, item in rows.tuples():
        found[score].add(item)
    return {score: frozenset(found[score]) for score in score_ids}


def _alike(first: Collection[str], second: Collection[str]) -> float:
    """Return the share of items missed in either that were missed in both; two calls without a miss are alike."""
    either = {*first, *second}
    return len({*first} & {*second}) / len(either) if either else 1.0
