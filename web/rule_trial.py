"""Rules tried on one call: each verdict with its reasons, and the words that it rests on lit in the transcript."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scoring.facts import CallFacts
from scoring.marks import Answer, Evidence
from scoring.outcome import Finding, RuleOutcome
from scoring.phrase_set import PhraseSet, Trigger
from scoring.rules import check_rules
from transcription.measures import AudioMeasures
from transcription.transcript import Transcript, Turn, Word
from web.call_page import pieces
from web.criteria_words import RuleView, rule_view
from web.i18n import N_
from web.rule_words import in_words

FAR = 0.05  # the nearest miss of a wording is not shown when it is less probable than this
# Groups of verdicts in the order in which they are read, with their names.
GROUPS: dict[str, str] = {
    "not_met": N_("Not met"),
    "cannot_tell": N_("Cannot tell"),
    "met": N_("Met"),
    "sign": N_("Signs"),
    "not_applicable": N_("Not applicable"),
}


@dataclass(frozen=True, slots=True)
class Light:
    """Evidence that is lit in the transcript, under a number of the page."""

    number: int
    rule: str
    evidence: Evidence
    look: str  # "met", "not_met", "near" (the nearest miss) or "cannot_tell"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of the call."""

    rule: RuleView
    answer: str
    group: str
    reasons: tuple[tuple[Evidence, int | None], ...]  # with the number of its light
    needs_person: bool


@dataclass(frozen=True, slots=True)
class LitPiece:
    """Characters of a turn, and the lights that shine on them."""

    text: str
    lights: tuple[Light, ...]


@dataclass(frozen=True, slots=True)
class LitLine:
    """One turn of the transcript."""

    index: int
    turn: Turn
    pieces: list[LitPiece]
    rules: list[tuple[str, str]]  # rules that have a light here, with its look


@dataclass(frozen=True, slots=True)
class Trial:
    """Everything that the rules say of one call."""

    transcript: Transcript
    verdicts: list[Verdict]  # of every rule, in the order of the set
    lines: list[LitLine]
    chosen: Verdict | None  # of the rule that is edited

    @property
    def groups(self) -> list[tuple[str, str, list[Verdict]]]:
        """The verdicts of the other rules: (group, its name, verdicts), what matters most first."""
        others = [verdict for verdict in self.verdicts if verdict is not self.chosen]
        return [
            (group, name, found)
            for group, name in GROUPS.items()
            if (found := [verdict for verdict in others if verdict.group == group])
        ]


def try_rules(
    transcript: Transcript,
    phrases: PhraseSet,
    *,
    measures: AudioMeasures | None = None,
    facts: CallFacts | None = None,
    chosen: str | None = None,
) -> Trial:
    """Apply `phrases` to one call and show what each rule says and why."""
    outcomes = check_rules(transcript, phrases, measures=measures, facts=facts)
    lights = _lights(outcomes)
    verdicts = [_verdict(phrases, outcomes[rule.id], lights) for rule in phrases.rules()]
    edited = next((verdict for verdict in verdicts if verdict.rule.id == chosen), None)
    return Trial(transcript, verdicts, _lines(transcript, lights), edited)


def _lights(outcomes: Mapping[str, RuleOutcome]) -> dict[int, Light]:
    """Return the evidence that can be shown in the transcript, by the identity of its finding."""
    found: dict[int, Light] = {}
    for outcome in outcomes.values():
        for finding in outcome.findings:
            evidence = finding.evidence
            far = evidence.probability is not None and evidence.probability < FAR
            if evidence.turn is not None and evidence.text and not far:
                found[id(finding)] = Light(len(found), outcome.rule, evidence, _look(finding))
    return found


def _look(finding: Finding) -> str:
    if finding.verdict is Answer.NOT_MET:
        return "not_met" if finding.kind == "hit" else "near"
    return finding.verdict.value


def _verdict(phrases: PhraseSet, outcome: RuleOutcome, lights: Mapping[int, Light]) -> Verdict:
    rule, answer = phrases.by_id[outcome.rule], outcome.verdict.value
    reasons = []
    for finding in outcome.findings:
        light = lights.get(id(finding))
        reasons.append((in_words(finding.evidence, phrases), light.number if light else None))
    sign = isinstance(rule, Trigger) and outcome.verdict is not Answer.CANNOT_TELL
    return Verdict(rule_view(rule), answer, "sign" if sign else answer, tuple(reasons), outcome.needs_person)


def _lines(transcript: Transcript, lights: Mapping[int, Light]) -> list[LitLine]:
    by_turn: dict[int, list[Light]] = {}
    for light in lights.values():
        for index in _turns_of(transcript, light.evidence):
            by_turn.setdefault(index, []).append(light)
    return [
        LitLine(
            index,
            turn,
            _lit_pieces(turn, transcript.language, by_turn.get(index, [])),
            list(dict.fromkeys((light.rule, light.look) for light in by_turn.get(index, []))),
        )
        for index, turn in enumerate(transcript.turns)
    ]


def _turns_of(transcript: Transcript, evidence: Evidence) -> Iterator[int]:
    """Yield the turns that evidence lies in; a phrase may run on into the speaker's next turn."""
    first = evidence.turn
    if first is None or first >= len(transcript.turns):
        return
    yield first
    speaker = transcript.turns[first].speaker
    for index in range(first + 1, len(transcript.turns)):
        turn = transcript.turns[index]
        if not transcript.timed or evidence.end is None or turn.start >= evidence.end:
            return
        if turn.speaker == speaker:
            yield index


def _lit_pieces(turn: Turn, language: str, lights: list[Light]) -> list[LitPiece]:
    """Return the text of a turn cut where lights begin and end; without times of words all of it is lit."""
    if not turn.words:
        return [LitPiece(turn.text, tuple(lights))]
    joined: list[LitPiece] = []
    for piece in pieces(turn, language):
        if piece.word is None:  # what stands between two words is lit when both are
            joined.append(LitPiece(piece.text, ()))
            continue
        joined.append(LitPiece(piece.text, tuple(light for light in lights if _shines(light.evidence, piece.word))))
    return _together(joined)


def _shines(evidence: Evidence, word: Word) -> bool:
    if evidence.start is None or evidence.end is None:
        return False
    middle = (word.start + word.end) / 2
    return evidence.start - 0.01 <= middle <= evidence.end + 0.01  # evidence is rounded to 10 ms


def _together(parts: list[LitPiece]) -> list[LitPiece]:
    """Return `parts` with neighbours of the same lights joined, so that a phrase is one stretch."""
    found: list[LitPiece] = []
    for at, part in enumerate(parts):
        lights = part.lights
        if not lights and found and at + 1 < len(parts) and not part.text.strip():
            lights = found[-1].lights if found[-1].lights == parts[at + 1].lights else ()
        if found and found[-1].lights == lights:
            found[-1] = LitPiece(found[-1].text + part.text, lights)
        else:
            found.append(LitPiece(part.text, lights))
    return found
