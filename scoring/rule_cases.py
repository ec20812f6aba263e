"""Test cases of a phrase set: calls of which somebody says what each rule must answer, and how well it does.

A case is a JSON object, one a line in a file; docs/workbench.md describes it.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

from scoring.facts import CallFacts, Event
from scoring.marks import Answer
from scoring.outcome import Finding
from scoring.phrase_set import PhraseSet, Trigger
from scoring.rules import check_rules
from transcription.dialogue import read_dialogue
from transcription.json_values import JsonObject, WrongValue
from transcription.measures import AudioMeasures
from transcription.transcript import Transcript, TranscriptError

MAX_CASES = 1000  # of one set: all are run before it is activated
MAX_ERRORS = 20
EXPECTABLE = (Answer.MET, Answer.NOT_MET, Answer.CANNOT_TELL, Answer.NOT_APPLICABLE)
FIELDS = (
    "id", "language", "dialogue", "transcript", "day", "fields", "events", "measures", "organisation_names", "expect",
)  # fmt: skip


class CaseError(ValueError):
    """Test cases that cannot be used; one line per error: file, line, what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class RuleCase:
    """One call and what some of the rules must answer to it."""

    id: str
    transcript: Transcript
    expect: Mapping[str, Answer]  # by rule id
    measures: AudioMeasures | None = None
    facts: CallFacts = field(default_factory=CallFacts)


@dataclass(frozen=True, slots=True)
class CaseVerdict:
    """What one rule answered in one case; `got` is None when the set has no such rule."""

    rule: str
    expected: Answer
    got: Answer | None
    findings: tuple[Finding, ...] = ()

    @property
    def right(self) -> bool:
        return self.got is self.expected


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What the rules answered in one case."""

    case: RuleCase
    verdicts: tuple[CaseVerdict, ...]

    @property
    def wrong(self) -> tuple[CaseVerdict, ...]:
        return tuple(verdict for verdict in self.verdicts if not verdict.right)


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """How well one rule does over its cases.

    The thing to find (`target`) is the fault, "not met"; of a trigger, which never scores, it is that its words occur.
    """

    rule: str
    target: Answer
    cases: int = 0
    right: int = 0
    found: int = 0  # the target, where it was expected
    false_alarms: int = 0  # the target, where something else was expected: an agent would be wronged
    missed: int = 0  # something else where the target was expected, "cannot tell" among it
    undecided: int = 0  # "cannot tell" where another answer was expected

    @property
    def precision(self) -> float | None:
        """The share of what was reported that was expected; None when nothing was reported."""
        return _share(self.found, self.found + self.false_alarms)

    @property
    def recall(self) -> float | None:
        """The share of what was expected that was reported; None when nothing was expected."""
        return _share(self.found, self.found + self.missed)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall; None when there was nothing to find and nothing was reported."""
        return _share(2 * self.found, 2 * self.found + self.false_alarms + self.missed)


@dataclass(frozen=True, slots=True)
class CaseReport:
    """What came of running test cases: each case, and each rule that a case names, in the order of the set."""

    results: tuple[CaseResult, ...]
    figures: tuple[RuleFigures, ...]

    @property
    def failing(self) -> tuple[CaseResult, ...]:
        return tuple(result for result in self.results if result.wrong)


def run_cases(phrases: PhraseSet, cases: Iterable[RuleCase]) -> CaseReport:
    """Return what the rules of `phrases` answer to `cases`, compared with what is expected."""
    results = tuple(run_case(phrases, case) for case in cases)
    return CaseReport(results, _figures(phrases, results))


def run_case(phrases: PhraseSet, case: RuleCase) -> CaseResult:
    """Return what the rules of `phrases` answer to one case."""
    outcomes = check_rules(case.transcript, phrases, measures=case.measures, facts=case.facts)
    verdicts = []
    for rule, expected in case.expect.items():
        outcome = outcomes.get(rule)
        verdicts.append(
            CaseVerdict(rule, expected, outcome.verdict, outcome.findings)
            if outcome
            else CaseVerdict(rule, expected, None)
        )
    return CaseResult(case, tuple(verdicts))


def target_of(phrases: PhraseSet, rule: str) -> Answer:
    """Return the answer of `rule` that matters: see `RuleFigures`."""
    return Answer.MET if isinstance(phrases.by_id.get(rule), Trigger) else Answer.NOT_MET


def _figures(phrases: PhraseSet, results: Sequence[CaseResult]) -> tuple[RuleFigures, ...]:
    by_rule: dict[str, list[CaseVerdict]] = {}
    for result in results:
        for verdict in result.verdicts:
            by_rule.setdefault(verdict.rule, []).append(verdict)
    order = {rule: position for position, rule in enumerate(phrases.by_id)}
    return tuple(
        figures_of(rule, target_of(phrases, rule), by_rule[rule])
        for rule in sorted(by_rule, key=lambda rule: (order.get(rule, len(order)), rule))
    )


def figures_of(rule: str, target: Answer, verdicts: Sequence[CaseVerdict]) -> RuleFigures:
    """Return how often a rule was right, and in which way it was not."""
    return RuleFigures(
        rule,
        target,
        cases=len(verdicts),
        right=sum(one.right for one in verdicts),
        found=sum(one.expected is target and one.got is target for one in verdicts),
        false_alarms=sum(one.expected is not target and one.got is target for one in verdicts),
        missed=sum(one.expected is target and one.got is not target for one in verdicts),
        undecided=sum(one.got is Answer.CANNOT_TELL and not one.right for one in verdicts),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


# Reading.


def read_cases(text: str, *, name: str, phrases: PhraseSet, organisation_names: Sequence[str] = ()) -> list[RuleCase]:
    """Read a file of cases, one JSON object a line; empty lines and lines that begin with # are passed over.

    Args:
        name: of the file, for messages.
        phrases: the set that the cases are for; its language is that of a case that does not say another.
        organisation_names: for cases that give none.

    Raises:
        CaseError: a line cannot be used, an id is given twice, or there are no cases or too many.
    """
    found = read_case_data(text, name=name, phrases=phrases)
    return [read_case(data, phrases, organisation_names=organisation_names) for data in found]


def read_case_data(text: str, *, name: str, phrases: PhraseSet) -> list[dict[str, Any]]:
    """Read a file of cases like `read_cases`, and return them as they are written, to be stored.

    Raises:
        CaseError: as `read_cases`.
    """
    problems: list[str] = []
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for number, line in _lines(text):
        try:
            data = json.loads(line)
            case = read_case(data, phrases, known=phrases.by_id)
        except json.JSONDecodeError as error:
            problems.append(f"{name}:{number}: is not JSON ({error.msg}, column {error.colno}): one object a line")
        except RecursionError:
            problems.append(f"{name}:{number}: is nested too deeply: one plain object a line")
        except CaseError as error:
            problems.append(f"{name}:{number}: {error}")
        else:
            if case.id in found:
                problems.append(f"{name}:{number}: id {case.id!r} is used in line {found[case.id][0]}: rename one")
            found.setdefault(case.id, (number, data))
    if problems:
        more = [f"{name}: and {len(problems) - MAX_ERRORS} more"] if len(problems) > MAX_ERRORS else []
        raise CaseError("\n".join(problems[:MAX_ERRORS] + more))
    if not found:
        raise CaseError(f"{name}:1: holds no test case: write one JSON object a line")
    if len(found) > MAX_CASES:
        raise CaseError(f"{name}: {len(found)} cases, at most {MAX_CASES}: leave some out")
    return [data for _number, data in found.values()]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def read_case(
    data: object,
    phrases: PhraseSet,
    *,
    known: Container[str] | None = None,
    organisation_names: Sequence[str] = (),
) -> RuleCase:
    """Return one case from its JSON object.

    Args:
        known: the rules that a case may name; None: any, for a stored case may name a rule that is gone since.
        organisation_names: for a case that gives none.

    Raises:
        CaseError: the message names the field and how to mend it.
    """
    try:
        document = JsonObject.of(data)
        _refuse_unknown(document)
        return RuleCase(
            id=_id(document),
            transcript=_transcript(document, phrases.language),
            expect=_expect(document, known, phrases),
            measures=_measures(document),
            facts=_facts(document, organisation_names),
        )
    except (WrongValue, TranscriptError) as error:
        raise CaseError(str(error)) from error


def _refuse_unknown(data: JsonObject) -> None:
    for key in data.data:
        if key not in FIELDS:
            raise CaseError(f"{key}: unknown field: {_nearest(str(key), FIELDS) or 'remove it'}")


def _id(data: JsonObject) -> str:
    identity = data.text("id").strip()
    if not 1 <= len(identity) <= 80:
        raise CaseError("id: must be 1 to 80 characters")
    return identity


def _transcript(data: JsonObject, language: str) -> Transcript:
    if ("dialogue" in data) == ("transcript" in data):
        raise CaseError('give either dialogue ("agent: …\\ncustomer: …") or transcript, and not both')
    if "transcript" in data:
        try:
            return Transcript.from_dict(data.object("transcript").data)
        except TranscriptError as error:
            raise CaseError(f"transcript: {error}") from error
    try:
        return read_dialogue(data.text("dialogue"), language=data.text("language") if "language" in data else language)
    except TranscriptError as error:
        raise CaseError(f"dialogue: {error}") from error


def _measures(data: JsonObject) -> AudioMeasures | None:
    if "measures" not in data:
        return None
    try:
        return AudioMeasures.from_dict(data.object("measures").data)
    except WrongValue as error:
        raise CaseError(f"measures: {error}") from error


def _expect(data: JsonObject, known: Container[str] | None, phrases: PhraseSet) -> dict[str, Answer]:
    expected = data.object("expect").data
    if not expected:
        raise CaseError('expect: names no rule: write for example {"expect": {"EN-OPEN": "met"}}')
    answers = {}
    for rule, answer in expected.items():
        if known is not None and rule not in known:
            advice = _nearest(rule, phrases.by_id) or f"it has {', '.join(list(phrases.by_id)[:8])} …"
            raise CaseError(f"expect: {phrases.key} has no rule {rule!r}: {advice}")
        if answer not in EXPECTABLE:
            choices = ", ".join(one.value for one in EXPECTABLE)
            raise CaseError(f"expect.{rule}: {answer!r} is no verdict: choose from {choices}")
        answers[rule] = Answer(answer)
    return answers


def _facts(data: JsonObject, organisation_names: Sequence[str]) -> CallFacts:
    events = tuple(
        Event(one.text("kind"), one.seconds("start"), one.seconds("end") if "end" in one else None)
        for one in (data.objects("events") if "events" in data else ())
    )
    fields = {str(name): str(value) for name, value in data.object("fields").data.items()} if "fields" in data else {}
    names = data.data.get("organisation_names") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CaseError("organisation_names: must be a list of names")
    return CallFacts(events, fields, tuple(names or organisation_names), _day(data))


def _day(data: JsonObject) -> date | None:
    if "day" not in data:
        return None
    try:
        return date.fromisoformat(data.text("day"))
    except ValueError:
        raise CaseError(f"day: {data.text('day')!r} is no day: write it as 2026-12-31") from None


def _nearest(name: str, known: Iterable[str]) -> str | None:
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else None
