"""The demonstration's acknowledgements and appeals: read and unread reviews, appeals at every stop of their way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from models import Acknowledgement, Appeal, AutoScore, Call, Review, ReviewState, Role, User
from qa.acknowledgements import acknowledge
from qa.appeal_effects import better_answers
from qa.appeal_rules import AppealRules
from qa.appeals import Decision, decide, pass_on, raise_appeal, refusal_to_appeal, return_to_agent
from qa.criteria import card_of
from qa.reexamination import rules_behind
from qa.reviews import entry_of
from scoring.what_if import missed_items

UNREAD = 3  # of each agent's newest reviews
LATELY = timedelta(hours=20)  # before the moment of loading: these were released, so that their window is open
WAITING = ("pass", "decide")
SETTLED = ("upheld", "upheld", "kept", "returned")


def store_appeals(session: Session, moment: datetime, rules: AppealRules) -> None:
    """Let the agents who have a login read their reviews and object to some marks, up to `moment`."""
    words = _words()
    for agent in session.scalars(select(User).where(User.role == Role.AGENT).order_by(User.id)):
        reviews = _released(session, agent)
        for review in reviews[:UNREAD]:
            review.released_at = max(review.submitted_at or moment, moment - LATELY)
        language = agent.locale or "en"
        for i, review in enumerate(reviews[UNREAD:]):
            assert review.released_at is not None
            if _unread(session, review):
                said = words[language]["read"] if i % 3 == 0 else None
                at = min(review.released_at + timedelta(hours=3), moment)
                acknowledge(session, review, agent, said, at=at)
        _appeal(session, agent, reviews, moment, rules, words[language])


def _appeal(
    session: Session,
    agent: User,
    reviews: list[Review],
    moment: datetime,
    rules: AppealRules,
    words: Mapping[str, Any],
) -> None:
    """Send an appeal along each way, as far as the agent has marks to object to."""
    if session.scalar(select(Appeal.id).where(Appeal.raised_by_id == agent.id).limit(1)) is not None:
        return
    team = agent.agent.team_id if agent.agent else None
    supervisor = session.scalar(select(User).where(User.role == Role.SUPERVISOR, User.team_id == team).limit(1))
    if supervisor is None:
        return
    fresh, older = reviews[:UNREAD], reviews[UNREAD:]
    on_their_way = zip(WAITING, _contestable(session, agent, fresh, rules), strict=False)
    settled = zip(SETTLED, _contestable(session, agent, older, rules), strict=False)
    for route, (review, item) in [*settled, *on_their_way]:
        assert review.released_at is not None
        began = min(review.released_at + timedelta(hours=4), moment)
        appeal = raise_appeal(session, review, item, agent, words["reason"], rules=rules, at=began)
        later = min(began + timedelta(hours=2), moment)
        if route == "pass":
            continue
        if route == "returned":
            return_to_agent(session, appeal, supervisor, words["returned"], rules=rules, at=later)
            continue
        pass_on(session, appeal, supervisor, rules=rules, at=later)
        if route == "decide" or appeal.assignee is None:
            continue
        decision = Decision(None, words["kept"])
        better = better_answers(review, item)
        if route == "upheld" and better:
            cause = "recognition" if appeal.before["rules"] else "evidence_missed"
            decision = Decision(better[0].given, words["upheld"], cause)
        decide(session, appeal, appeal.assignee, decision, rules=rules, at=min(later + timedelta(hours=20), moment))


def _contestable(
    session: Session, agent: User, reviews: list[Review], rules: AppealRules
) -> Iterator[tuple[Review, str]]:
    """Yield one mark of each review that may be appealed against, those that rest on a rule first."""
    found = []
    for review in reviews:
        assert review.released_at is not None
        for item in missed_items(card_of(review.scorecard), entry_of(review).answers):
            if refusal_to_appeal(session, review, item, agent, rules, at=review.released_at) is None:
                found.append((review, item, not rules_behind(review, item)))
                break
    for review, item, _ in sorted(found, key=lambda one: one[2]):
        yield review, item


def _released(session: Session, agent: User) -> list[Review]:
    """Return the agent's released reviews, newest first."""
    return list(
        session.scalars(
            select(Review)
            .join(Review.call)
            .where(
                Call.agent_id == agent.agent_id,
                Review.state == ReviewState.RELEASED,
                Review.ordinary,
            )
            .options(
                selectinload(Review.marks),
                joinedload(Review.call).joinedload(Call.auto_score).selectinload(AutoScore.marks),
            )
            .order_by(Review.released_at.desc(), Review.id.desc())
        )
    )


def _unread(session: Session, review: Review) -> bool:
    return session.scalar(select(Acknowledgement.id).where(Acknowledgement.review_id == review.id)) is None


def _words() -> dict[str, Any]:
    path = Path(__file__).parent / "scripts" / "appeals.yaml"
    words: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return words
