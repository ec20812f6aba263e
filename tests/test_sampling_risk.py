"""The risk model: honest about its skill, modest about little data, kept as plain numbers."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Call, Review, ReviewReason, ReviewState, RiskModel, Role
from models.base import now
from qa.risk import current_risks, train_risk
from scoring.risk import Known, RiskWeights, TooFewReviews, train
from tests.factories import make_agent, make_auto_score, make_call, make_scorecard, make_transcript, make_user


def reviewed(n: int, *, signal: float, seed: int = 1) -> tuple[list[Known], list[float], list[str]]:
    """Return calls whose score goes with the automatic one and with one word, as far as `signal` says."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    scores = np.clip(88 + 10 * (signal * hidden + (1 - signal) * rng.normal(size=n)), 0, 100)
    calls = [
        Known(
            {"raw": float(90 + 8 * one), "noise": float(rng.normal())}, "sorry sorry refund" if one < -1 else "thanks"
        )
        for one in hidden
    ]
    return calls, [float(score) for score in scores], [f"agent-{i % 12}" for i in range(n)]


@pytest.mark.slow
def test_a_signal_is_found_and_its_skill_is_that_of_unseen_calls() -> None:
    calls, scores, agents = reviewed(300, signal=0.8)

    trained = train(calls, scores, agents, low=84)

    assert trained.skill.useful
    assert trained.skill.explained > 0.5
    assert trained.skill.error < trained.skill.error_of_mean
    assert trained.skill.auc_low < trained.skill.auc < trained.skill.auc_high
    assert trained.skill.lift > 1.5
    fresh, outcome, _ = reviewed(300, signal=0.8, seed=2)
    risks = trained.weights.risks(fresh)
    assert np.corrcoef(risks, np.array(outcome) < 84)[0, 1] > 0.5
    assert risks.mean() == pytest.approx((np.array(outcome) < 84).mean(), abs=0.08)  # a probability, not a rank


@pytest.mark.slow
def test_noise_has_no_skill() -> None:
    calls, scores, agents = reviewed(200, signal=0.0)

    skill = train(calls, scores, agents, low=84).skill

    assert not skill.useful
    assert skill.explained < 0.1
    assert skill.lift > 0.85  # at worst as good as drawing at random, never set on the good calls


@pytest.mark.slow
def test_knowing_the_agents_is_no_skill() -> None:
    """Each agent says an own word and has an own level: a model that met the agents before would shine."""
    rng = np.random.default_rng(3)
    levels = rng.normal(85, 8, 12)
    agents = [f"agent-{i % 12}" for i in range(240)]
    calls = [Known({}, f"my name is number {i % 12:02} good day") for i in range(240)]
    scores = [float(np.clip(levels[i % 12] + rng.normal(), 0, 100)) for i in range(240)]

    assert train(calls, scores, agents, low=85).skill.explained < 0.2


def test_too_little_is_refused() -> None:
    calls, scores, agents = reviewed(120, signal=0.5)
    with pytest.raises(TooFewReviews, match="at least 100"):
        train(calls[:99], scores[:99], agents[:99])
    with pytest.raises(TooFewReviews, match="low"):
        train(calls, [95.0] * 120, agents)
    with pytest.raises(TooFewReviews, match="one agent"):
        train(calls, scores, ["a"] * 120, low=88)


@pytest.mark.slow
def test_a_model_survives_being_written_down() -> None:
    calls, scores, agents = reviewed(150, signal=0.6)
    weights = train(calls, scores, agents, low=86).weights

    again = RiskWeights.model_validate(json.loads(json.dumps(weights.model_dump(mode="json"))))

    assert np.array_equal(again.scores(calls), weights.scores(calls))


@pytest.mark.slow
def test_training_on_the_hotlines_own_reviews(session: Session) -> None:
    inspector, card = make_user(session, Role.INSPECTOR), make_scorecard(session)
    agents = [make_agent(session) for _ in range(6)]
    transcript = make_transcript([("agent", "Good morning, how can I help?")])
    for i in range(120):
        raw = 60.0 + (i * 37 % 40)
        call = make_call(session, agent=agents[i % 6], transcript=transcript, started_at=now() - timedelta(days=i))
        make_auto_score(session, call, card, raw=raw, marks=[("S1", "met" if raw > 80 else "not_met", raw, 100.0)])
        session.add(
            Review(
                call=call,
                inspector=inspector,
                scorecard=card,
                reason=ReviewReason.RANDOM,
                state=ReviewState.RELEASED,
                final=min(100.0, raw + i % 5),
                submitted_at=now(),
                released_at=now(),
            )
        )
    session.flush()
    with_scores = current_risks(session)

    model, skill = train_risk(session)

    assert skill.useful
    assert model.active
    ids = list(session.scalars(select(Call.id).order_by(Call.id)))
    by_model, by_score = current_risks(session).of_calls(session, ids), with_scores.of_calls(session, ids)
    assert current_risks(session).model_id == model.id
    assert np.corrcoef([by_model[one] for one in ids], [by_score[one] for one in ids])[0, 1] > 0.7

    train_risk(session)
    assert len(session.scalars(select(RiskModel).where(RiskModel.active)).all()) == 1


def test_nothing_to_train_on_changes_nothing(session: Session) -> None:
    with pytest.raises(TooFewReviews):
        train_risk(session)
    assert current_risks(session).model_id is None
