"""Rules about what must not be said. Only exact words count as a hit; exceptions cancel it."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.alignment import Fit, Step
from scoring.approved import approved
from scoring.case import LOW_CONFIDENCE, Case, Range
from scoring.entries import Entry, occurrences
from scoring.exceptions import excepted
from scoring.marks import Answer
from scoring.outcome import Finding, RuleOutcome
from scoring.phrase_set import Forbidden
from scoring.phrases import match_of
from scoring.spoken import Side
from scoring.tokens import DESCRIPTIVE
from scoring.word_operators import quoted


def check_forbidden(case: Case, rule: Forbidden) -> RuleOutcome:
    """Return one finding per hit, or one that nothing was found."""
    described = rule.unless_person or tuple(entry for entry in rule.unless if entry in DESCRIPTIVE)
    findings = list(_hits(case, rule, described))
    needs_person = bool(findings) and (rule.confirm == "human" or bool(described))
    if not findings:
        findings = [_clean(case, rule)]
    return RuleOutcome(rule.id, tuple(findings), needs_person)


def _clean(case: Case, rule: Forbidden) -> Finding:
    ranges = [Range(side, 0, len(side)) for side in case.sides(rule.role)]
    if absence := case.absence_doubt(ranges):
        return case.finding(rule.id, "hit", Answer.CANNOT_TELL, absence[0], values=absence[1])
    return case.finding(rule.id, "hit", Answer.MET, "nothing_forbidden")


def _hits(case: Case, rule: Forbidden, described: tuple[str, ...]) -> Iterator[Finding]:
    exceptions = case.entries(entry for entry in rule.unless if entry not in DESCRIPTIVE)
    wordings = case.entries(source for _, source in rule.entries())
    doubt = case.role_doubt(rule.role)
    for side in case.sides(rule.role):
        taken: set[int] = set()
        for kind, source in rule.entries():
            for entry in case.entries([source]):
                for first, last in occurrences(entry, side):
                    if taken & set(range(first, last)) or _only_a_syllable(rule, side, first, last):
                        continue
                    cancelled = excepted(exceptions, wordings, side, first, last)
                    if cancelled == "said" or approved(case, entry, side, first, last):
                        continue
                    taken |= set(range(first, last))
                    unsure = doubt or _unsure(side, first, last, cancelled)
                    yield _hit(case, rule, side, entry, (first, last), kind, unsure, described)


def _unsure(side: Side, first: int, last: int, cancelled: str) -> str | None:
    """Return why a hit may be none: an exception that may stand there, or words that may be misheard."""
    if cancelled == "unsure":
        return "exception_unsure"
    if quoted(side, first):
        return "quoted"
    known = side.reported(first, last)
    return "doubtful_hit" if known and min(known) < LOW_CONFIDENCE else None


def _hit(
    case: Case,
    rule: Forbidden,
    side: Side,
    entry: Entry,
    span: tuple[int, int],
    kind: str | None,
    unsure: str | None,
    described: tuple[str, ...],
) -> Finding:
    steps = tuple(Step("equal", text, text) for text in side.texts[span[0] : span[1]])
    match = match_of(entry, Fit("said", 0.99, *span, steps), side, timed=case.timed)
    values: dict[str, object] = {"severity": rule.severity}
    if described:
        values["exceptions"] = ", ".join(described)
    answer = Answer.CANNOT_TELL if unsure else Answer.NOT_MET
    return case.finding(rule.id, "hit", answer, unsure or "forbidden_said", part=kind, match=match, values=values)


def _only_a_syllable(rule: Forbidden, side: Side, first: int, last: int) -> bool:
    """Whether a grave word of one character is only part of a longer clause: 滚 in 滚动."""
    if not side.normal.chinese or rule.severity != "fatal_candidate" or last - first > 1:
        return False
    alone_before = first == 0 or side.opens_clause(first)
    alone_after = last == len(side) or side.opens_clause(last) or side.turns[last] != side.turns[first]
    return not (alone_before and alone_after)
