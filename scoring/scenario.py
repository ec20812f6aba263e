"""Scenarios of test calls (拨测): what the tester asks, and what a right answer holds."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PositiveInt, model_validator

from scoring.criteria_file import Criteria, Text, load_criteria

PERSONAS = ("calm", "hurried", "angry", "grateful", "confused", "elderly")
MAX_KEY_POINTS = 50


class Scenario(Criteria):
    """One scenario card at one version.

    The tester asks `question_asked`, gives `facts_to_give` when asked for them and compares the answer with the key:
    `answer_key_points` should all be given, `key_wrong_answers` make it wrong, `allowed_answers` are right as well.
    """

    id: Text = Field(min_length=1, max_length=80, pattern=r"^[\w.-]+$")
    version: PositiveInt
    title: Text = Field(min_length=1, max_length=200)
    language: Text = Field(min_length=2, max_length=20)
    question_asked: Text = Field(min_length=1)
    facts_to_give: tuple[Text, ...] = ()
    answer_key_points: tuple[Text, ...] = Field(min_length=1, max_length=MAX_KEY_POINTS)
    key_wrong_answers: tuple[Text, ...] = ()
    allowed_answers: tuple[Text, ...] = ()
    follow_up_question: Text | None = None
    follow_up_answer: Text | None = None
    knowledge_ref: Text | None = None  # where the right answer stands
    personas: tuple[Text, ...] = PERSONAS
    valid_from: date
    valid_to: date | None = None  # the last day on which the key holds

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError(f"valid_to {self.valid_to} lies before valid_from {self.valid_from}")
        if unknown := [persona for persona in self.personas if persona not in PERSONAS]:
            raise ValueError(f"the persona {unknown[0]!r} is none of {', '.join(PERSONAS)}")
        if not self.personas:
            raise ValueError("name at least one persona, or leave personas out for all of them")
        if self.follow_up_question and not self.follow_up_answer:
            raise ValueError("a follow_up_question needs its follow_up_answer")
        return self

    @property
    def key(self) -> str:
        """The scenario's id and version, as sheets name it."""
        return f"{self.id}/{self.version}"

    def valid_on(self, day: date) -> bool:
        """Return whether the answer key holds on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class ScenarioFile(Criteria):
    """The scenarios of one file."""

    scenarios: tuple[Scenario, ...] = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _once(self) -> Self:
        keys = [scenario.key for scenario in self.scenarios]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"the scenario {min(twice)} is there twice: give it another version")
        return self


def load_scenarios(source: Path | str) -> tuple[Scenario, ...]:
    """Read scenarios from a YAML file (a Path) or YAML text (a str).

    Raises:
        CriteriaError: the message names file, line and field, and how to mend it.
    """
    return load_criteria(source, ScenarioFile, "test_scenarios").scenarios


def scenario_from(definition: dict[str, Any]) -> Scenario:
    """Return the scenario of a stored definition."""
    return Scenario.model_validate(definition)
