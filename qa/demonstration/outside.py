"""What the demonstration knows from outside: customers' ratings, complaints, a reviewed ticket, planned test calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, NonVoiceChannel, ReviewReason, SurveyRating, User
from qa.complaints import store_complaints
from qa.csv_import import ImportReport, Row
from qa.demonstration.judging import Truth
from qa.nonvoice import NonVoiceEntry, WrittenRecord, enter_nonvoice_review, nonvoice_sheet, release_nonvoice_review
from qa.periods import Period, PeriodKind
from qa.praises import store_praises
from qa.surveys import store_surveys
from qa.test_plans import make_plan
from qa.test_scenarios import store_scenarios
from scoring.scenario import load_scenarios
from scoring.shipped import shipped
from scoring.test_plan import PlanRules

LEAD, REVIEWER = "lead", "inspector"
INVITED, ANSWERED = 0.6, 0.6  # share of calls whose customer is asked, and of those asked who answer
CLOCK = "%Y-%m-%d %H:%M:%S"


def store_outside(
    session: Session, truths: Sequence[Truth], moment: datetime, zone: ZoneInfo, *, satisfied_from: float
) -> None:
    """Take everything in once, in the caller's transaction, as a QA lead of the hotline would."""
    if session.scalar(select(SurveyRating.id).limit(1)) is not None:
        return
    lead = session.scalars(select(User).where(User.login == LEAD)).one()
    content = _content()
    calls = sorted(truths, key=lambda truth: truth.external_id)
    _none_refused(
        store_surveys(session, _ratings(calls, zone, content), by=lead, zone=zone, satisfied_from=satisfied_from)
    )
    _none_refused(store_complaints(session, _complaints(calls, zone, content), by=lead, zone=zone))
    _none_refused(store_praises(session, _praises(calls, zone, content), by=lead, zone=zone))
    _review_tickets(session, content, moment)
    store_scenarios(session, load_scenarios(shipped("test-scenarios")), by=lead)
    month = Period.containing(moment, zone, PeriodKind.MONTH).next()
    numbers = [f"1390000{number:04}" for number in range(20)]
    make_plan(session, month, "MS", PlanRules(5), numbers=numbers, by=lead, zone=zone, seed="demonstration")


def _content() -> dict[str, Any]:
    path = Path(__file__).parent / "scripts" / "outside.yaml"
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return document


def _ratings(calls: Sequence[Truth], zone: ZoneInfo, content: dict[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for truth in calls:
        random = Random(f"rating {truth.external_id}")  # noqa: S311 -- the same choice each time
        if random.random() >= INVITED:
            continue
        rating = ""
        if random.random() < ANSWERED:
            rating = str(5 - sum(random.random() > truth.agent.skill for _ in range(4)))
        cells = {
            "external_id": f"R-{truth.external_id}",
            "answered_at": (truth.started_at + timedelta(minutes=10)).astimezone(zone).strftime(CLOCK),
            "rating": rating,
            "call": truth.external_id,
            "channel": "sms",
            "comment": str(random.choice(content["unhappy"][truth.agent.team])) if rating in ("1", "2") else "",
        }
        rows.append(Row(len(rows) + 1, cells))
    return rows


def _complaints(calls: Sequence[Truth], zone: ZoneInfo, content: dict[str, Any]) -> list[Row]:
    """One complaint for each told in the content: about the last call of its agent."""
    rows: list[Row] = []
    for told in content["complaints"]:
        own = [one for one in calls if one.agent.number == told["agent"]]
        if not own:  # a smaller demonstration has no call of everybody
            continue
        truth = max(own, key=lambda one: one.started_at)
        received = truth.started_at + timedelta(hours=3)
        cells = {
            "external_id": f"K-{len(rows) + 1:03}",
            "received_at": received.astimezone(zone).strftime(CLOCK),
            "call": truth.external_id,
            "decided_at": (received + timedelta(days=1)).astimezone(zone).strftime(CLOCK) if "outcome" in told else "",
            **{name: told.get(name, "") for name in ("category", "summary", "outcome", "responsibility", "cause")},
        }
        rows.append(Row(len(rows) + 1, cells))
    return rows


def _praises(calls: Sequence[Truth], zone: ZoneInfo, content: dict[str, Any]) -> list[Row]:
    """One praise for each told in the content: about the last call of its agent."""
    rows: list[Row] = []
    for told in content["praises"]:
        own = [one for one in calls if one.agent.number == told["agent"]]
        if own:
            truth = max(own, key=lambda one: one.started_at)
            received = (truth.started_at + timedelta(hours=5)).astimezone(zone).strftime(CLOCK)
            cells = {"external_id": f"P-{len(rows) + 1:03}", "received_at": received, "call": truth.external_id}
            rows.append(Row(len(rows) + 1, cells | {name: told[name] for name in ("channel", "summary")}))
    return rows


def _review_tickets(session: Session, content: dict[str, Any], moment: datetime) -> None:
    inspector = session.scalars(select(User).where(User.login == REVIEWER)).one()
    full = {"yes_no": "yes", "scale3": "3", "right_partly_wrong": "right"}
    perfect = {item.id: full[item.answer] for item in nonvoice_sheet().items}
    for number, told in enumerate(content["tickets"], start=1):
        agent = session.scalars(select(Agent).where(Agent.number == told["agent"])).one()
        record = WrittenRecord(
            NonVoiceChannel(told["channel"]), f"T-{number:03}", moment - timedelta(days=number), agent
        )
        entry = NonVoiceEntry(perfect | told["answers"], ReviewReason.RANDOM, told["remarks"])
        release_nonvoice_review(
            session, enter_nonvoice_review(session, record, entry, inspector=inspector), by=inspector
        )


def _none_refused(report: ImportReport) -> None:
    assert not report.problems, str(report.problems[0].refusal)
