"""Scenarios of test calls as they are kept: every version with its answer key, one of each in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import TestScenario, User
from qa import audit
from qa.refusals import N_, Refused
from scoring.scenario import Scenario, scenario_from


@dataclass(frozen=True, slots=True)
class ScenarioReport:
    """What became of a file of scenarios."""

    stored: int
    unchanged: int


def store_scenarios(
    session: Session, scenarios: Sequence[Scenario], *, by: User | None, address: str | None = None
) -> ScenarioReport:
    """Keep scenario cards; a new version takes the place of the one before it, which its sheets keep.

    Raises:
        Refused: a version is stored already with another content.
    """
    stored = unchanged = 0
    for scenario in scenarios:
        definition = scenario.model_dump(mode="json")
        present = scenario_version(session, scenario.key)
        if present is not None:
            if present.definition != definition:
                raise Refused(
                    N_("The scenario %(key)s is stored with other content: give the changed one a new version."),
                    key=scenario.key,
                )
            unchanged += 1
            continue
        for older in session.scalars(select(TestScenario).where(TestScenario.key == scenario.id)):
            older.active = False
        session.add(
            TestScenario(
                key=scenario.id,
                version=scenario.version,
                title=scenario.title,
                language=scenario.language,
                definition=definition,
                valid_from=scenario.valid_from,
                valid_to=scenario.valid_to,
            )
        )
        session.flush()
        stored += 1
    audit.record(
        session,
        "scenarios.stored",
        user_id=by.id if by else None,
        address=address,
        stored=stored,
        unchanged=unchanged,
    )
    return ScenarioReport(stored, unchanged)


def scenario_version(session: Session, key: str) -> TestScenario | None:
    """Return the stored scenario that "id/version" names, or by "id" alone the one in use."""
    name, _, version = key.partition("/")
    wanted = select(TestScenario).where(TestScenario.key == name)
    if not version:
        return session.scalar(wanted.where(TestScenario.active))
    if not (version.isascii() and version.isdigit() and len(version) <= 9):
        return None
    return session.scalar(wanted.where(TestScenario.version == int(version)))


def card_of_scenario(stored: TestScenario) -> Scenario:
    return scenario_from(stored.definition)


def scenarios_for(session: Session, first: date, last: date) -> list[TestScenario]:
    """Return the scenarios in use whose answer key holds from `first` to `last`."""
    active = session.scalars(select(TestScenario).where(TestScenario.active).order_by(TestScenario.key)).all()
    return [one for one in active if one.valid_from <= first and (one.valid_to is None or last <= one.valid_to)]
