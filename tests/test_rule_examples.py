"""Every example of docs/rules.md loads, and says of the dialogues under it what the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from scoring.check_models import OPERATORS, CheckCondition, Operator, Where
from scoring.facts import CallFacts
from scoring.marks import Answer
from scoring.outcome import RuleOutcome
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.rules import check_rules
from tests.dialogues import Line, dialogue
from transcription.measures import AudioMeasures, Overlap, SideMeasures
from transcription.transcript import Transcript

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
BLOCK = re.compile(r"^```(yaml|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SPOKEN = re.compile(r"^(?:(\d+(?:\.\d+)?) )?(agent|customer): (.*)$")


@dataclass
class Told:
    """One dialogue of the page with what it says of it."""

    lines: list[Line] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    overlaps: list[Overlap] = field(default_factory=list)
    loudness: tuple[float, float] | None = None
    verdicts: dict[str, str] = field(default_factory=dict)

    def transcript(self, language: str) -> Transcript:
        return dialogue(*self.lines, language=language)

    def measures(self) -> AudioMeasures | None:
        if not self.overlaps and self.loudness is None:
            return None
        level, swing = self.loudness or (-25.0, 5.0)
        side = SideMeasures(10.0, 0.5, None, "words/min", 0, level, swing, 0.0)
        return AudioMeasures(30.0, 2, {"agent": side}, overlaps=tuple(self.overlaps), quality="good")


def examples() -> list[tuple[str, str]]:
    """Return every (YAML, dialogues) of the page; the dialogues are empty where the page has none."""
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    found = []
    for (kind, text), follower in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "yaml":
            found.append((text, follower[1] if follower[0] == "text" else ""))
    return found


def told(text: str) -> Iterator[Told]:
    for paragraph in filter(None, text.strip().split("\n\n")):
        one = Told()
        for line in paragraph.splitlines():
            read_line(one, line)
        yield one


def read_line(one: Told, line: str) -> None:
    if match := SPOKEN.match(line):
        at, speaker, words = match.groups()
        one.lines.append((speaker, words, float(at)) if at else (speaker, words))
        return
    name, _, rest = line.partition(": ")
    match name:
        case "field":
            key, _, value = rest.partition(" = ")
            one.fields[key] = value
        case "overlap":
            by, start, end, words = rest.split()
            one.overlaps.append(Overlap(float(start), float(end), by, int(words), True))
        case "loudness":
            _, level, swing = rest.split()
            one.loudness = float(level), float(swing)
        case _:
            one.verdicts[name] = rest


def phrase_set(text: str) -> PhraseSet:
    language = "zh-CN" if re.search(r"[\u4e00-\u9fff]", text) else "en"
    body = "".join(f"  {line}\n" for line in text.splitlines())
    return load_phrase_set(f"phrase_set:\n  id: example\n  version: 1\n  language: {language}\n{body}")


def named(text: str) -> str:
    return (re.findall(r"id: ([^,\s}]+)", text) or ["?"])[0]


EXAMPLES = examples()


@pytest.mark.parametrize(("text", "dialogues"), EXAMPLES, ids=[named(text) for text, _ in EXAMPLES])
def test_an_example_loads_and_says_what_the_page_says(text: str, dialogues: str) -> None:
    phrases = phrase_set(text)

    for one in told(dialogues):
        transcript = one.transcript(phrases.language)
        outcomes = check_rules(
            transcript, phrases, measures=one.measures(), facts=CallFacts(fields=one.fields, events=())
        )
        said = {name: verdict(outcomes, name) for name in one.verdicts}
        assert said == one.verdicts, (one.lines, [f.evidence for o in outcomes.values() for f in o.findings])


def verdict(outcomes: dict[str, RuleOutcome], name: str) -> str:
    rule, _, part = name.partition("/")
    outcome = outcomes[rule]
    answer = outcome.verdict
    if part:
        answer = next((f.verdict for f in outcome.findings if f.part == part), Answer.NOT_APPLICABLE)
    return answer.value.replace("_", " ")


def test_every_example_has_dialogues_and_each_a_verdict() -> None:
    for text, dialogues in EXAMPLES:
        assert list(told(dialogues)), text
        assert all(one.verdicts for one in told(dialogues)), text


def test_every_operator_and_every_place_has_an_example() -> None:
    used: set[str] = set()
    for text, _ in EXAMPLES:
        used |= set(keys(yaml.safe_load(text)))
    places = set(CheckCondition.model_fields) - set(Operator.model_fields)

    assert sorted(set(OPERATORS) - used) == []
    assert sorted(places - used - {"role"}) == []
    assert sorted(set(Where.model_fields) - used) == []


def keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)
