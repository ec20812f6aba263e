"""Reviews of written work: every lost point quotes what was written, and only released random ones count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from models import Agent, NonVoiceChannel, NonVoiceReview, ReviewReason, Role, User
from qa.nonvoice import (
    NonVoiceEntry,
    WrittenRecord,
    enter_nonvoice_review,
    import_nonvoice_reviews,
    nonvoice_tallies,
    release_nonvoice_review,
    visible_nonvoice_reviews,
)
from qa.periods import Period
from qa.refusals import Refused
from tests.factories import make_agent, make_team, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOVEMBER = Period.parse("2026-11")
HANDLED = datetime(2026, 11, 12, 2, tzinfo=UTC)
PERFECT = {"W1": "yes", "W2": "3", "W3": "right", "W4": "3", "W5": "3", "W6": "yes", "W7": "na", "W8": "3"}


@pytest.fixture
def agent(session: Session) -> Agent:
    return make_agent(session, "0728")


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session)


def entered(
    session: Session,
    agent: Agent,
    inspector: User,
    *,
    reference: str = "T-1",
    reason: ReviewReason = ReviewReason.RANDOM,
    remarks: dict[str, str] | None = None,
    **answers: str,
) -> NonVoiceReview:
    record = WrittenRecord(NonVoiceChannel.TICKET, reference, HANDLED, agent)
    entry = NonVoiceEntry(PERFECT | answers, reason, remarks or {})
    return enter_nonvoice_review(session, record, entry, inspector=inspector)


def test_a_review_has_a_score_from_0_to_100(session: Session, agent: Agent, inspector: User) -> None:
    assert entered(session, agent, inspector).score == 100

    review = entered(session, agent, inspector, reference="T-2", W3="partly", remarks={"W3": "Fee quoted as 10."})

    assert review.score == pytest.approx(100 * (88 - 12.5) / 88, abs=0.01)  # W7 does not apply: 88 of weight are left.


def test_a_lost_point_needs_the_words_that_it_rests_on(session: Session, agent: Agent, inspector: User) -> None:
    with pytest.raises(Refused, match="quote the written words") as refusal:
        entered(session, agent, inspector, W5="1")

    assert refusal.value.field == "W5"


@pytest.mark.parametrize("changes", [{"W1": ""}, {"W2": "9"}, {"W1": "na"}])
def test_an_answer_that_does_not_fit_is_named(
    session: Session, agent: Agent, inspector: User, changes: dict[str, str]
) -> None:
    with pytest.raises(Refused) as refusal:
        entered(session, agent, inspector, **changes)

    assert refusal.value.field in changes


def test_only_released_random_reviews_count(session: Session, agent: Agent, inspector: User) -> None:
    first = entered(session, agent, inspector)
    entered(session, agent, inspector, reference="T-2")
    targeted = entered(session, agent, inspector, reference="T-3", reason=ReviewReason.TARGETED)
    for review in (first, targeted):
        release_nonvoice_review(session, review, by=inspector)

    tally = nonvoice_tallies(session, NOVEMBER, zone=SHANGHAI)[agent.id]

    assert (tally.n, tally.total, tally.squares) == (1, 100, 10_000)
    assert nonvoice_tallies(session, NOVEMBER.next(), zone=SHANGHAI) == {}


def test_a_record_reviewed_twice_is_one_observation(session: Session, agent: Agent, inspector: User) -> None:
    second = make_user(session)
    for who, answer in ((inspector, "yes"), (second, "no")):
        review = entered(session, agent, who, W1=answer, remarks={"W1": "Answered after 3 days."})
        release_nonvoice_review(session, review, by=who)

    tally = nonvoice_tallies(session, NOVEMBER, zone=SHANGHAI, agent_ids=[agent.id])[agent.id]

    assert tally.n == 1
    assert tally.total == pytest.approx((100 + 100 * 78 / 88) / 2, abs=0.01)


def test_nobody_reviews_the_own_team_or_the_same_record_twice(session: Session, agent: Agent, inspector: User) -> None:
    with pytest.raises(Refused, match="own team"):
        entered(session, agent, make_user(session, team=agent.team))
    with pytest.raises(Refused, match="your own work"):
        entered(session, agent, make_user(session, agent=agent))
    with pytest.raises(Refused, match="Only inspectors"):
        entered(session, agent, make_user(session, Role.SUPERVISOR))
    entered(session, agent, inspector)
    with pytest.raises(Refused, match="reviewed this record already"):
        entered(session, agent, inspector)


def test_only_its_inspector_or_a_lead_releases_once(session: Session, agent: Agent, inspector: User) -> None:
    review = entered(session, agent, inspector)

    with pytest.raises(Refused, match="Only its inspector"):
        release_nonvoice_review(session, review, by=make_user(session))
    release_nonvoice_review(session, review, by=make_user(session, Role.LEAD))
    with pytest.raises(Refused, match="released already"):
        release_nonvoice_review(session, review, by=inspector)


def test_an_agent_reads_own_released_reviews(session: Session, agent: Agent, inspector: User) -> None:
    team = make_team(session)
    agent.team = team
    entered(session, agent, inspector)
    released = release_nonvoice_review(session, entered(session, agent, inspector, reference="T-2"), by=inspector)

    def seen(user: User) -> list[NonVoiceReview]:
        return list(session.scalars(visible_nonvoice_reviews(user)))

    assert seen(make_user(session, Role.AGENT, agent=agent)) == [released]
    assert seen(make_user(session, Role.AGENT)) == []
    assert len(seen(make_user(session, Role.SUPERVISOR, team=team))) == 2
    assert len(seen(make_user(session, Role.LEAD))) == 2
    assert seen(make_user(session)) == []


def row(**changes: Any) -> bytes:
    cells = {
        "channel": "工单", "reference": "T-1", "handled_at": "2026-11-12 10:00", "agent": "0728", "reason": "抽检",
        **PERFECT, **changes,
    }  # fmt: skip
    return (",".join(cells) + "\n" + ",".join(cells.values()) + "\n").encode()


def test_a_file_of_reviews_is_imported_once(session: Session, agent: Agent, inspector: User) -> None:
    def imported(**changes: Any) -> tuple[int, int, int]:
        report = import_nonvoice_reviews(session, row(**changes), by=inspector, zone=SHANGHAI, release=True)
        return report.stored, report.unchanged, len(report.problems)

    assert imported() == (1, 0, 0)
    assert imported() == (0, 1, 0)
    assert imported(W1="no", **{"W1.remark": "late"}) == (0, 0, 1)
    assert imported(reference="T-2", W1="no") == (0, 0, 1)  # The words are missing.
    assert imported(reference="T-2", W1="no", **{"W1.remark": "late"}) == (1, 0, 0)
    assert nonvoice_tallies(session, NOVEMBER, zone=SHANGHAI)[agent.id].n == 2
