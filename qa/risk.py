"""How likely a person would find something wrong in a call: what a draw in proportion to risk goes by.

Without a trained model it is read off the automatic score. A model (scoring.risk) is trained on the hotline's own
released random reviews, and put to use only when it foresaw scores better than chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import (
    Agent,
    AutoMark,
    AutoScore,
    Call,
    Review,
    ReviewReason,
    ReviewState,
    RiskModel,
    ScorecardVersion,
    StoredTranscript,
    User,
)
from qa import audit
from scoring.sampling import RISK_UNIT

if TYPE_CHECKING:
    from scoring.risk import Known, RiskWeights, Skill

CHUNK = 500  # ids in one query
NOTHING_KNOWN = 0.5  # the risk of a call that has no automatic score
SUSPECTED = 1.0  # is added where a fatal item is suspected


@dataclass(frozen=True, slots=True)
class Risks:
    """The risk of calls: the model's, or without one the points that the machine took away, of all."""

    model_id: int | None = None
    weights: RiskWeights | None = None

    def of_calls(self, session: Session, call_ids: Sequence[int]) -> dict[int, int]:
        """Return the risk of each call in scoring.sampling.RISK_UNIT; a fixed number of queries per CHUNK calls."""
        found: dict[int, int] = {}
        for ids in _chunks(call_ids):
            found |= self._by_score(session, ids) if self.weights is None else self._by_model(session, ids)
        return found

    def _by_score(self, session: Session, ids: Sequence[int]) -> dict[int, int]:
        found = dict.fromkeys(ids, round(NOTHING_KNOWN * RISK_UNIT))
        rows = session.execute(
            select(AutoScore.call_id, AutoScore.raw, AutoScore.fatal_suspected).where(AutoScore.call_id.in_(ids))
        )
        for call_id, raw, fatal in rows:
            lost = NOTHING_KNOWN if raw is None else 1 - raw / 100
            found[call_id] = round((max(0.0, lost) + SUSPECTED * fatal) * RISK_UNIT)
        return found

    def _by_model(self, session: Session, ids: Sequence[int]) -> dict[int, int]:
        assert self.weights is not None
        known = known_of(session, ids)
        risks = self.weights.risks([known[call_id] for call_id in ids])
        return {call_id: round(float(risk) * RISK_UNIT) for call_id, risk in zip(ids, risks, strict=True)}


def current_risks(session: Session) -> Risks:
    """Return the risks of the model in use, or those read off the automatic scores."""
    from scoring.risk import RiskWeights

    model = session.scalars(select(RiskModel).where(RiskModel.active).order_by(RiskModel.id.desc()).limit(1)).first()
    return Risks(model.id, RiskWeights.model_validate(model.weights)) if model else Risks()


def train_risk(session: Session, *, by: User | None = None, address: str | None = None) -> tuple[RiskModel, Skill]:
    """Train on the newest released random reviews; the model is used from now on if it has skill.

    A call that several people reviewed counts once, with their mean.

    Raises:
        scoring.risk.TooFewReviews: there is too little to learn from.
    """
    from scoring.risk import NEWEST, train

    rows = session.execute(
        select(Review.call_id, Agent.number, func.avg(Review.final))
        .join(Call, Review.call_id == Call.id)
        .join(Agent, Call.agent_id == Agent.id)
        .where(
            Review.state == ReviewState.RELEASED,
            Review.reason == ReviewReason.RANDOM,
            Review.final.is_not(None),
            Review.ordinary,
        )
        .group_by(Review.call_id, Agent.number)
        .order_by(func.max(Review.released_at).desc(), Review.call_id)
        .limit(NEWEST)
    ).all()
    ids = [call_id for call_id, _, _ in rows]
    known = {call_id: one for chunk in _chunks(ids) for call_id, one in known_of(session, chunk).items()}
    trained = train([known[one] for one in ids], [float(row[2]) for row in rows], [row[1] for row in rows])
    if trained.skill.useful:
        session.execute(update(RiskModel).values(active=False))
    model = RiskModel(
        weights=trained.weights.model_dump(mode="json"),
        skill=trained.skill.model_dump(mode="json"),
        reviews=trained.skill.reviews,
        active=trained.skill.useful,
    )
    session.add(model)
    session.flush()
    audit.record(
        session,
        "risk_model.trained",
        user_id=by.id if by else None,
        subject=("risk_model", model.id),
        address=address,
        reviews=model.reviews,
        auc=trained.skill.auc,
        used=model.active,
    )
    return model, trained.skill


def known_of(session: Session, ids: Sequence[int]) -> dict[int, Known]:
    """Return what the machine knows of calls; four queries."""
    from scoring.risk import Known

    numbers: dict[int, dict[str, float]] = {call_id: {} for call_id in ids}
    texts: dict[int, str] = {}
    for call_id, duration in session.execute(select(Call.id, Call.duration).where(Call.id.in_(ids))):
        if duration is not None:
            numbers[call_id]["duration"] = duration
    scores = session.execute(
        select(
            AutoScore.id,
            AutoScore.call_id,
            AutoScore.raw,
            AutoScore.answered_weight,
            AutoScore.cannot_tell_weight,
            AutoScore.fatal_suspected,
            ScorecardVersion.key,
        )
        .join(ScorecardVersion, ScorecardVersion.id == AutoScore.scorecard_version_id)
        .where(AutoScore.call_id.in_(ids))
    ).all()
    for row in scores:
        named = {
            "raw": row.raw,
            "answered": row.answered_weight,
            "cannot_tell": row.cannot_tell_weight,
            "fatal": float(row.fatal_suspected),
        }
        numbers[row.call_id] |= {name: float(value) for name, value in named.items() if value is not None}
    calls = {row.id: (row.call_id, row.key) for row in scores}
    for score_id, item, answer, points, possible in session.execute(
        select(AutoMark.auto_score_id, AutoMark.item, AutoMark.answer, AutoMark.points, AutoMark.possible).where(
            AutoMark.auto_score_id.in_(calls)
        )
    ):
        call_id, key = calls[score_id]
        if points is not None and possible:
            numbers[call_id][f"{key}/{item}"] = points / possible
        else:
            numbers[call_id][f"{key}/{item}/{answer}"] = 1.0
    for call_id, text, measures in session.execute(
        select(StoredTranscript.call_id, StoredTranscript.text, StoredTranscript.measures).where(
            StoredTranscript.call_id.in_(ids)
        )
    ):
        texts[call_id] = text
        numbers[call_id] |= dict(_measured(measures or {}, "measures"))
    return {call_id: Known(numbers[call_id], texts.get(call_id, "")) for call_id in ids}


def _measured(found: Mapping[str, Any], place: str) -> Iterator[tuple[str, float]]:
    """Yield the plain numbers among stored measures, by their place."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from _measured(value, f"{place}.{name}")
        elif isinstance(value, int | float) and isfinite(value):
            yield f"{place}.{name}", float(value)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), CHUNK):
        yield ids[at : at + CHUNK]
