"""The dialogues behind the ready transcripts, and one performance of a dialogue by one agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from qa.demonstration.people import DemoAgent

WEAKNESS = 0.3  # how much more often an agent leaves out a step that is a weakness
# Steps whose omission may fail the whole call: even careless agents seldom leave them out.
GRAVE_STEPS = frozenset({"identity", "complaint"})
GRAVE_SHARE = 0.3  # how often they are left out, compared with other steps
GRAVE_MARGIN = 0.1  # and never by the best agents
RARE_SHARE = 0.05  # how often a step is taken in words that no rule knows
LANGUAGES = {"en": "english", "zh": "mandarin"}  # team key to file name


@dataclass(frozen=True, slots=True)
class DialogueLine:
    """One line of a dialogue; see scripts/mandarin.yaml for the meaning of each field."""

    who: str
    say: tuple[str, ...] = ()
    step: str | None = None
    rare: tuple[str, ...] = ()
    lapse: tuple[str, ...] = ()
    with_step: str | None = None
    mood: str | None = None
    pause: float | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Dialogue:
    id: str
    queue: str
    weight: int
    upset_share: float
    lines: tuple[DialogueLine, ...]


@dataclass(frozen=True, slots=True)
class Repertoire:
    """All dialogues of one language, with what fills their places and how they are misheard."""

    language: str
    units_per_second: float  # words, or characters in Chinese
    pools: Mapping[str, Sequence[str]]
    dialogues: tuple[Dialogue, ...]
    misheard: Mapping[str, Sequence[str]]
    fillers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PerformedLine:
    who: str
    text: str
    pause: float | None  # seconds before it; None: an ordinary one
    hold: bool


@dataclass(frozen=True, slots=True)
class Performance:
    """What was really said in one call, and which steps of the script the agent took and left out."""

    dialogue: str
    lines: tuple[PerformedLine, ...]
    taken: frozenset[str]
    missed: frozenset[str]
    upset: bool


@cache
def repertoire(team: str) -> Repertoire:
    """Return the repertoire of a team's language: "en" or "zh"."""
    path = Path(__file__).parent / "scripts" / f"{LANGUAGES[team]}.yaml"
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    share = document["upset_share"]
    return Repertoire(
        language=document["language"],
        units_per_second=document.get("chars_per_second") or document["words_per_second"],
        pools=document["pools"],
        dialogues=tuple(_dialogue(entry, document["steps"], share) for entry in document["dialogues"]),
        misheard=document["misheard"],
        fillers=tuple(document["fillers"]),
    )


def _dialogue(entry: Mapping[str, Any], steps: Mapping[str, Any], share: float) -> Dialogue:
    lines = tuple(_line({**steps.get(line.get("step"), {}), **line}) for line in entry["lines"])
    return Dialogue(entry["id"], entry["queue"], entry["weight"], entry.get("upset_share", share), lines)


def _line(fields: Mapping[str, Any]) -> DialogueLine:
    given = dict(fields)
    given |= {name: _wordings(given.get(name)) for name in ("say", "rare", "lapse")}
    given["with_step"] = given.pop("with", None)
    return DialogueLine(**given)


def _wordings(given: str | Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)


def choose_dialogue(of: Repertoire, random: Random) -> Dialogue:
    return random.choices(of.dialogues, weights=[dialogue.weight for dialogue in of.dialogues])[0]


def perform(dialogue: Dialogue, of: Repertoire, agent: DemoAgent, hour: int, random: Random) -> Performance:
    """Let `agent` go through `dialogue`: each step of the script is taken with the chance of the agent's skill."""
    upset = random.random() < dialogue.upset_share
    places = {name: random.choice(pool) for name, pool in of.pools.items()}
    places |= {"agent": agent.name.split()[0], "staff": _spoken_digits(agent.number)}
    places["daytime"] = _daytime(of.language, hour)

    taken: set[str] = set()
    missed: set[str] = set()
    lines: list[PerformedLine] = []
    held: DialogueLine | None = None  # a hold whose first line was left out: the next line comes after it
    for line in dialogue.lines:
        if (line.mood == "upset" and not upset) or (line.with_step and line.with_step not in taken):
            continue
        wordings = _take(line, agent, random, taken, missed)
        if not wordings:
            held = line if line.hold else held
            continue
        before = held or line
        text = random.choice(wordings).format(**places)
        lines.append(PerformedLine(line.who, text, before.pause, before.hold))
        held = None
    return Performance(dialogue.id, tuple(lines), frozenset(taken), frozenset(missed), upset)


def _take(line: DialogueLine, agent: DemoAgent, random: Random, taken: set[str], missed: set[str]) -> Sequence[str]:
    """Return what may be said at `line`, noting whether its step was taken."""
    if line.step is None:
        return line.say
    omission = 1 - agent.skill + (WEAKNESS if line.step in agent.weak else 0)
    if line.step in GRAVE_STEPS:
        omission = GRAVE_SHARE * max(0.0, omission - GRAVE_MARGIN)
    if random.random() >= omission:
        taken.add(line.step)
        return line.rare if line.rare and random.random() < RARE_SHARE else line.say
    missed.add(line.step)
    return line.lapse


def _spoken_digits(number: str) -> str:
    return "".join("零一二三四五六七八九"[int(digit)] for digit in number)


def _daytime(language: str, hour: int) -> str:
    names = ("上午", "下午", "晚上") if language.startswith("zh") else ("morning", "afternoon", "evening")
    return names[0] if hour < 12 else names[1] if hour < 18 else names[2]
