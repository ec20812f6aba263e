"""Tester, inspector and machine on the same call: test calls as cases whose truth is known.

The tester was there with the answer key, so the sheet is the truth that the machine's rules and the inspectors are
held against, item by item where a sheet's item and a scorecard's ask the same (`same_as` of the check sheet). Only
matched sheets take part, and no review by whoever made the test.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from models import AutoMark, AutoScore, Review, ReviewMark, ReviewState, ScorecardVersion, TestCall, User
from qa.criteria import card_of
from qa.periods import Period
from qa.test_calls import MATCHED, default_sheet
from scoring.check_sheet import CheckSheet, score_sheet
from scoring.detection import Detection, Share, Verdict, verdict_of_answers, verdict_of_points

COLUMNS = (
    "kind", "name", "sheet_item", "rules", "n", "found", "missed", "false_alarms", "cleared", "silent",
    "precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleRow:
    """The machine on one item of a scorecard (or several that one question of the sheet covers)."""

    card: str
    items: tuple[str, ...]
    rules: tuple[str, ...]
    sheet_item: str
    detection: Detection

    @property
    def name(self) -> str:
        return f"{self.card} {'+'.join(self.items)}"


@dataclass(frozen=True, slots=True)
class InspectorRow:
    """One inspector on all items that test calls speak about."""

    inspector_id: int
    name: str
    calls: int
    detection: Detection


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the test calls of a period say about the measuring; `sheets` of them had a recording with marks."""

    sheets: int
    rules: tuple[RuleRow, ...]
    inspectors: tuple[InspectorRow, ...]
    machine: Detection  # all rules together


@dataclass(frozen=True, slots=True)
class SideLine:
    """One question of a sheet with everybody's verdict on it."""

    sheet_item: str
    items: tuple[str, ...]
    tester: Verdict
    machine: Verdict | None  # None: did not judge the call
    inspectors: Mapping[str, Verdict]  # by name


@dataclass(frozen=True, slots=True)
class _Judged:
    """Marks of one call by one judge on one scorecard."""

    card: str
    answers: Mapping[str, str]


def compare(session: Session, *, zone: ZoneInfo, period: Period | None = None) -> Comparison:
    """Return precision and recall of each rule and inspector over the matched test calls of `period` (None: all).

    Five queries however many calls there are.
    """
    wanted = [TestCall.status == MATCHED, TestCall.call_id.is_not(None)]
    if period is not None:
        start, end = period.bounds(zone)
        wanted += [TestCall.dialled_at >= start, TestCall.dialled_at < end]
    sheet = default_sheet()
    tests = session.scalars(select(TestCall).where(*wanted, TestCall.sheet.startswith(f"{sheet.id}/"))).all()
    machine, people = _machine(session, wanted), _people(session, wanted)
    rules: defaultdict[tuple[str, tuple[str, ...], str], Detection] = defaultdict(Detection)
    inspectors: defaultdict[int, Detection] = defaultdict(Detection)
    calls: defaultdict[int, set[int]] = defaultdict(set)
    seen = 0
    for test in tests:
        assert test.call_id is not None
        truth = tester_verdicts(sheet, test)
        judged = machine.get(test.call_id)
        seen += judged is not None
        if judged is not None:
            for item, group, said in _paired(sheet, judged):
                rules[judged.card, group, item] = rules[judged.card, group, item].add(truth[item], said)
        for inspector_id, review in people.get(test.call_id, ()):
            if inspector_id == test.tester_id:
                continue
            calls[inspector_id].add(test.call_id)
            for item, _group, said in _paired(sheet, review):
                inspectors[inspector_id] = inspectors[inspector_id].add(truth[item], said)
    names = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_(inspectors)))}
    named_rules = _rules_of_items(session, {card for card, _, _ in rules})
    return Comparison(
        sheets=seen,
        rules=tuple(
            RuleRow(card, group, _rules_in(named_rules, card, group), item, found)
            for (card, group, item), found in sorted(rules.items())
            if found.n or found.silent
        ),
        inspectors=tuple(
            InspectorRow(one, names[one], len(calls[one]), found)
            for one, found in sorted(inspectors.items(), key=lambda pair: names[pair[0]])
        ),
        machine=sum(rules.values(), Detection()),
    )


def side_by_side(session: Session, test: TestCall) -> list[SideLine]:
    """Return each question of a matched sheet that scorecards ask too, with everybody's verdict."""
    if test.status != MATCHED or test.call_id is None:
        return []
    sheet = default_sheet()
    wanted: list[ColumnElement[bool]] = [TestCall.id == test.id]
    judged = _machine(session, wanted).get(test.call_id)
    reviews = [
        (inspector, review)
        for inspector, review in _people(session, wanted).get(test.call_id, ())
        if inspector != test.tester_id
    ]
    names = {
        user.id: user.name for user in session.scalars(select(User).where(User.id.in_([one for one, _ in reviews])))
    }
    said = {item: (group, verdict) for item, group, verdict in _paired(sheet, judged)} if judged else {}
    by_people = {
        names[inspector]: {item: (group, verdict) for item, group, verdict in _paired(sheet, review)}
        for inspector, review in reviews
    }
    lines = []
    for item, verdict in tester_verdicts(sheet, test).items():
        groups = [found[item][0] for found in (said, *by_people.values()) if item in found]
        if groups:
            people = {name: found[item][1] for name, found in by_people.items() if item in found}
            lines.append(SideLine(item, groups[0], verdict, said[item][1] if item in said else None, people))
    return lines


def tester_verdicts(sheet: CheckSheet, test: TestCall) -> dict[str, Verdict]:
    """Return what the tester says of each question that a scorecard asks too."""
    points = score_sheet(sheet, test.answers, key_points=test.header.get("key_points")).items if test.answers else {}
    return {item.id: verdict_of_points(item, points.get(item.id)) for item in sheet.items if item.same_as}


def comparison_csv(comparison: Comparison) -> str:
    """Return the figures as CSV (UTF-8 with a byte-order mark when it is encoded so); shares from 0 to 1."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for rule in comparison.rules:
        writer.writerow(["rule", rule.name, rule.sheet_item, " ".join(rule.rules), *_figures(rule.detection)])
    for inspector in comparison.inspectors:
        writer.writerow(["inspector", _harmless(inspector.name), "", "", *_figures(inspector.detection)])
    return "\ufeff" + out.getvalue()


def _figures(found: Detection) -> list[str]:
    counts = (found.n, found.found, found.missed, found.false_alarms, found.cleared, found.silent)
    return [*map(str, counts), *_limits(found.precision), *_limits(found.recall)]


def _limits(share: Share | None) -> list[str]:
    if share is None:
        return ["", "", ""]
    return [f"{value:.4f}" for value in (share.value, share.interval.low, share.interval.high)]


def _harmless(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _paired(sheet: CheckSheet, judged: _Judged) -> Iterable[tuple[str, tuple[str, ...], Verdict]]:
    """Yield the sheet's item, the scorecard's items that ask the same, and the judge's verdict on them."""
    for item in sheet.items:
        group = item.same_as.get(judged.card, ())
        answers = [judged.answers[one] for one in group if one in judged.answers]
        if answers:
            yield item.id, group, verdict_of_answers(answers)


def _machine(session: Session, wanted: Sequence[ColumnElement[bool]]) -> dict[int, _Judged]:
    rows = session.execute(
        select(AutoScore.call_id, ScorecardVersion.key, AutoMark.item, AutoMark.answer)
        .join(AutoMark, AutoMark.auto_score_id == AutoScore.id)
        .join(ScorecardVersion, ScorecardVersion.id == AutoScore.scorecard_version_id)
        .where(AutoScore.call_id.in_(_calls(wanted)), AutoMark.item.in_(_items()))
    )
    cards: dict[int, str] = {}
    answers: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for call_id, card, item, answer in rows:
        cards[call_id] = card
        answers[call_id][item] = answer
    return {call_id: _Judged(card, answers[call_id]) for call_id, card in cards.items()}


def _people(session: Session, wanted: Sequence[ColumnElement[bool]]) -> dict[int, list[tuple[int, _Judged]]]:
    rows = session.execute(
        select(Review.id, Review.call_id, Review.inspector_id, ScorecardVersion.key, ReviewMark.item, ReviewMark.answer)
        .join(ReviewMark, ReviewMark.review_id == Review.id)
        .join(ScorecardVersion, ScorecardVersion.id == Review.scorecard_version_id)
        .where(
            Review.state != ReviewState.DRAFT,
            Review.ordinary,
            Review.call_id.in_(_calls(wanted)),
            ReviewMark.item.in_(_items()),
        )
        .order_by(Review.id)
    )
    heads: dict[int, tuple[int, int, str]] = {}
    answers: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for review_id, call_id, inspector_id, card, item, answer in rows:
        heads[review_id] = (call_id, inspector_id, card)
        answers[review_id][item] = answer
    found: defaultdict[int, list[tuple[int, _Judged]]] = defaultdict(list)
    for review_id, (call_id, inspector_id, card) in heads.items():
        found[call_id].append((inspector_id, _Judged(card, answers[review_id])))
    return found


def _calls(wanted: Sequence[ColumnElement[bool]]) -> Select[int | None]:
    return select(TestCall.call_id).where(*wanted)


def _items() -> set[str]:
    return {one for item in default_sheet().items for group in item.same_as.values() for one in group}


def _rules_of_items(session: Session, cards: Iterable[str]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the rules of each item by the newest version of each card."""
    versions = session.scalars(
        select(ScorecardVersion).where(ScorecardVersion.key.in_(cards)).order_by(ScorecardVersion.version)
    )
    return {(one.key, item.id): item.rules for one in versions for _, item in card_of(one).items()}


def _rules_in(known: Mapping[tuple[str, str], tuple[str, ...]], card: str, group: Iterable[str]) -> tuple[str, ...]:
    return tuple(rule for item in group for rule in known.get((card, item), ()))
