"""What an inspector of the demonstration answers and writes, from what was really said in a call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from qa.demonstration.people import DemoAgent, demo_agents
from qa.demonstration.plan import PlannedCall
from qa.demonstration.recording_scripts import RecordingScript
from qa.reviews import may_be_not_applicable
from scoring.call_score import GivenAnswer
from scoring.marks import Answer
from scoring.scorecard import Item, Scorecard

SLIP_SHARE = 0.4  # how often a careless agent earns a deduction in what only a person can judge


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened in a call: which steps of the script the agent took and left out."""

    external_id: str
    agent: DemoAgent
    started_at: datetime
    queue: str
    taken: frozenset[str]
    missed: frozenset[str]
    recorded: bool = False  # there is a recording to listen to
    review: str | None = None  # why this recording is reviewed; None: it is not

    @classmethod
    def of_plan(cls, call: PlannedCall) -> Truth:
        done = call.performance
        return cls(call.external_id, call.agent, call.started_at, call.dialogue.queue, done.taken, done.missed)

    @classmethod
    def of_recording(cls, script: RecordingScript, started_at: datetime) -> Truth:
        agent = next(agent for agent in demo_agents() if agent.number == script.agent)
        steps = (script.taken, script.missed)
        return cls(script.external_id, agent, started_at, script.queue, *steps, recorded=True, review=script.review)


@cache
def _rules(card: str) -> dict[str, Any]:
    document = yaml.safe_load((Path(__file__).parent / "scripts" / "reviewing.yaml").read_text("utf-8"))
    rules: dict[str, Any] = document[card]
    return rules


def answers(card: Scorecard, truth: Truth, suspected: Collection[str], random: Random) -> dict[str, GivenAnswer]:
    """Return an inspector's answer to every item, and to the fatal items that they or the machine point to."""
    rules = _rules(card.id)
    given = {item.id: _item_answer(card, item, truth, rules, random) for _, item in card.items()}
    return given | _fatal_answers(rules, truth, suspected)


def toss(card: Scorecard, random: Random) -> dict[str, GivenAnswer]:
    """Return an answer to the card's first item that is judged by ear, by the toss of a coin.

    In the demonstration's calibration nobody agrees on what that item asks.
    """
    by_ear = _rules(card.id)["by_ear"]
    item = next(item for _, item in card.items() if item.id in by_ear)
    met = random.random() < 0.5
    return {item.id: GivenAnswer(Answer.MET) if met else _lapse(card, item, [by_ear[item.id]])}


def remark(card: str, truth: Truth, random: Random) -> str:
    """Return an inspector's comment on the call, in the language of the scorecard."""
    rules = _rules(card)
    left_out = [step for step in rules["remarks"] if step in truth.missed]
    if not left_out:
        return str(random.choice(rules["remarks"]["none"]))
    separator = "" if card.startswith("zh") else " "
    return separator.join(random.choice(rules["remarks"][step]) for step in left_out[:2])


def _item_answer(card: Scorecard, item: Item, truth: Truth, rules: Mapping[str, Any], random: Random) -> GivenAnswer:
    if item.id in rules["never"]:
        return GivenAnswer(Answer.NOT_APPLICABLE)
    if item.id in rules["by_ear"]:
        slipped = random.random() < SLIP_SHARE * (1 - truth.agent.skill)
        return _lapse(card, item, [rules["by_ear"][item.id]]) if slipped else GivenAnswer(Answer.MET)

    steps = rules["items"].get(item.id, ())
    missed = [step for step in steps if step in truth.missed]
    if not missed:
        applies = not steps or any(step in truth.taken for step in steps) or item.id in rules["otherwise"]
        return GivenAnswer(Answer.MET if applies or not may_be_not_applicable(item) else Answer.NOT_APPLICABLE)
    if card.method == "deduct":
        return _lapse(card, item, [steps[step] for step in missed])
    some = any(step in truth.taken for step in steps)
    return GivenAnswer(Answer.PARTLY if some else Answer.NOT_MET)


def _lapse(card: Scorecard, item: Item, named: Sequence[str]) -> GivenAnswer:
    if card.method != "deduct":
        return GivenAnswer(Answer.PARTLY)
    names = tuple(dict.fromkeys(named))
    costs = sum(item.deduct[name] for name in names)
    return GivenAnswer(Answer.NOT_MET if costs >= item.weight else Answer.PARTLY, names)


def _fatal_answers(rules: Mapping[str, Any], truth: Truth, suspected: Collection[str]) -> dict[str, GivenAnswer]:
    cleared = rules["cleared"]
    given = {item: GivenAnswer(Answer.MET, comment=cleared.get(item, cleared["other"])) for item in suspected}
    for item, fault in rules["fatal"].items():
        if fault["step"] in truth.missed:
            given[item] = GivenAnswer(Answer.NOT_MET, comment=fault["comment"])
    return given
