"""The arithmetic of a score: effective weights, floors, bonus, fatal items, bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scoring.marks import ANSWERED, Answer, CallScore, FatalFinding, Mark, SectionScore
from scoring.scorecard import Item, Scorecard, Section

CAP = {"zero": 0.0, "cap59": 59.0}


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer to one item before weights: the share of its weight that it earns.

    The share is 1 at most; below 0 when deductions exceed the item and its floor allows that.
    """

    mark: Mark
    share: float | None = None  # None: not answered


def effective_weights(card: Scorecard, answered: set[str]) -> dict[str, float]:
    """Return the weight of every answered item in this call, adding up to 100; empty when none is answered.

    The weight of items that were not answered goes to the others of their section, that of a section without any
    answer to the other sections, always in proportion.
    """
    live: list[tuple[Section, list[Item]]] = []
    for section in card.sections:
        items = [item for item in section.items if item.id in answered]
        if items:
            live.append((section, items))
    total = sum(section.weight for section, _ in live)
    weights: dict[str, float] = {}
    for section, items in live:
        share = 100 * section.weight / total
        inside = sum(item.weight for item in items)
        weights |= {item.id: share * item.weight / inside for item in items}
    return weights


def total_up(
    card: Scorecard,
    judged: Mapping[str, Judged],
    fatals: Sequence[FatalFinding],
    *,
    bonus: Sequence[Mark] = (),
    by_person: bool,
) -> CallScore:
    """Return the score of one call from the answers to its items.

    A person's score below the card's `min_answered` is None; the machine's is the share over what it could answer,
    marked incomplete. Unconfirmed fatal items change nothing.
    """
    answered = {item for item, entry in judged.items() if entry.share is not None}
    weights = effective_weights(card, answered)
    marks = tuple(_weighted(judged[item.id], weights.get(item.id, 0.0)) for _, item in card.items())
    sections = tuple(_section(card, section, marks) for section in card.sections)
    shares = _weight_by_answer(card, judged)
    answered_weight = sum(weight for answer, weight in shares.items() if answer in ANSWERED)
    complete = bool(answered) and answered_weight >= card.min_answered
    extra = min(card.bonus_cap, sum(mark.points or 0.0 for mark in bonus))
    raw = None
    if answered and (complete or not by_person):
        earned = sum(section.points for section in sections if section.points is not None)
        raw = round(min(100.0, max(card.floors.total, earned) + extra), 4)
    final = after_fatals(raw, fatals)
    return CallScore(
        scorecard=card.key,
        marks=(*marks, *bonus),
        fatals=tuple(fatals),
        sections=sections,
        raw=raw,
        final=final,
        answered_weight=round(answered_weight, 4),
        cannot_tell_weight=round(shares.get(Answer.CANNOT_TELL, 0.0), 4),
        not_applicable_weight=round(shares.get(Answer.NOT_APPLICABLE, 0.0), 4),
        bonus=extra,
        passed=final >= card.pass_mark if complete and final is not None else None,
        band=card.band(final) if complete and final is not None else None,
        complete=complete,
    )


def _weighted(entry: Judged, weight: float) -> Mark:
    if entry.share is None:
        return replace(entry.mark, points=None, possible=0.0)
    return replace(entry.mark, points=round(weight * entry.share, 6), possible=round(weight, 6))


def _section(card: Scorecard, section: Section, marks: Sequence[Mark]) -> SectionScore:
    mine = {item.id for item in section.items}
    answered = [mark for mark in marks if mark.item in mine and mark.points is not None]
    if not answered:
        return SectionScore(section.id, section.name, None, 0.0)
    possible = sum(mark.possible for mark in answered)
    points = sum(mark.points for mark in answered if mark.points is not None)
    floor = card.floors.section * possible / section.weight
    return SectionScore(section.id, section.name, round(max(floor, points), 6), round(possible, 6))


def _weight_by_answer(card: Scorecard, judged: Mapping[str, Judged]) -> dict[Answer, float]:
    """Return the form's own weight per answer; the values add up to 100."""
    shares: dict[Answer, float] = {}
    for _, item in card.items():
        answer = judged[item.id].mark.answer
        shares[answer] = shares.get(answer, 0.0) + item.weight
    return shares


def after_fatals(raw: float | None, fatals: Sequence[FatalFinding]) -> float | None:
    """Return the score after confirmed fatal items; they count even when too little else was answered."""
    caps = [CAP[fatal.effect] for fatal in fatals if fatal.confirmed]
    if not caps:
        return raw
    if raw is None:
        return 0.0 if min(caps) == 0 else None
    return min(raw, *caps)
