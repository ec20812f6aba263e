"""Which calls somebody sees, and how they are found."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from models import (
    Call,
    CallState,
    Review,
    ReviewMark,
    ReviewReason,
    ReviewState,
    Role,
    ScorecardVersion,
    TestCall,
    User,
)
from qa import calls
from qa.calls import CallFilter, CallPage, Sort, find_calls, may_see, queues_of, snippet
from tests.factories import make_agent, make_auto_score, make_call, make_team, make_transcript, make_user

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session)


@pytest.fixture
def card(session: Session) -> ScorecardVersion:
    version = ScorecardVersion(key="card", version=1, name="Card", language="en", definition={})
    session.add(version)
    session.flush()
    return version


def make_review(
    session: Session, call: Call, card: ScorecardVersion, state: ReviewState = ReviewState.RELEASED, final: float = 80.0
) -> Review:
    review = Review(
        call=call,
        inspector=make_user(session),
        scorecard=card,
        reason=ReviewReason.RANDOM,
        state=state,
        raw=final,
        final=final,
        submitted_at=None if state is ReviewState.DRAFT else NOON,
        released_at=NOON if state is ReviewState.RELEASED else None,
    )
    session.add(review)
    session.flush()
    return review


def found(session: Session, user: User, sort: Sort = Sort.NEWEST, page: int = 1, **wanted: object) -> list[Call]:
    return [row.call for row in find(session, user, sort, page, **wanted).rows]


def find(session: Session, user: User, sort: Sort = Sort.NEWEST, page: int = 1, **wanted: object) -> CallPage:
    return find_calls(session, user, CallFilter(**wanted), zone=ZONE, sort=sort, page=page)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", [Role.INSPECTOR, Role.LEAD])
def test_inspectors_and_leads_see_every_call(session: Session, role: Role) -> None:
    call = make_call(session, agent=make_agent(session))

    assert found(session, make_user(session, role)) == [call]


@pytest.mark.parametrize("role", [Role.TEST_CALLER, Role.ADMIN])
def test_test_callers_and_administrators_see_no_call(session: Session, role: Role) -> None:
    call = make_call(session)
    user = make_user(session, role)

    assert found(session, user) == []
    assert not may_see(session, user, call)


def test_a_supervisor_sees_the_own_team_and_nobody_elses(session: Session) -> None:
    team = make_team(session)
    own = make_call(session, agent=make_agent(session, team=team))
    other = make_call(session)
    supervisor = make_user(session, Role.SUPERVISOR, team=team)

    assert found(session, supervisor) == [own]
    assert may_see(session, supervisor, own)
    assert not may_see(session, supervisor, other)


def test_a_supervisor_without_a_team_sees_nothing(session: Session) -> None:
    call = make_call(session)
    call.agent.team = None  # type: ignore[union-attr]
    session.flush()

    assert found(session, make_user(session, Role.SUPERVISOR)) == []


@pytest.mark.parametrize("state", [ReviewState.DRAFT, ReviewState.SUBMITTED])
def test_an_agent_does_not_see_a_call_before_its_review_is_released(
    session: Session, card: ScorecardVersion, state: ReviewState
) -> None:
    agent = make_agent(session)
    call = make_call(session, agent=agent)
    make_review(session, call, card, state)

    assert found(session, make_user(session, Role.AGENT, agent=agent)) == []


def test_an_agent_sees_an_own_call_with_a_released_review_and_only_its_score(
    session: Session, card: ScorecardVersion
) -> None:
    agent = make_agent(session)
    call = make_call(session, agent=agent)
    make_auto_score(session, call, card, raw=40.0, fatal_suspected=True)
    make_review(session, call, card, final=88.0)
    make_review(session, call, card, ReviewState.SUBMITTED, final=12.0)
    make_review(session, make_call(session), card)

    [row] = find(session, make_user(session, Role.AGENT, agent=agent)).rows

    assert row.call is call
    assert (row.human_score, row.auto_score, row.fatal_suspected) == (88.0, None, False)


def test_an_agents_score_filter_reads_the_released_review_not_the_machine(
    session: Session, card: ScorecardVersion
) -> None:
    agent = make_agent(session)
    call = make_call(session, agent=agent)
    make_auto_score(session, call, card, raw=40.0, fatal_suspected=True, marks=[("S1", "not_met", 0.0, 4.0)])
    review = make_review(session, call, card, final=88.0)
    review.marks.append(ReviewMark(item="S2", answer="not_met"))
    session.flush()
    user = make_user(session, Role.AGENT, agent=agent)

    assert found(session, user, score_max=50.0) == []
    assert found(session, user, score_min=85.0) == [call]
    assert found(session, user, item="S1") == []
    assert found(session, user, item="S2") == [call]
    assert found(session, user, fatal=False) == [call]  # the filter is not theirs, so it tells nothing


def test_days_are_those_of_the_hotlines_zone(session: Session, inspector: User) -> None:
    before = make_call(session, started_at=datetime(2026, 11, 9, 15, 59, tzinfo=UTC))  # 23:59 on the 9th
    after = make_call(session, started_at=datetime(2026, 11, 9, 16, 0, tzinfo=UTC))  # 0:00 on the 10th

    assert found(session, inspector, day_to=date(2026, 11, 9)) == [before]
    assert found(session, inspector, day_from=date(2026, 11, 10)) == [after]
    assert found(session, inspector, day_from=date(2026, 11, 9), day_to=date(2026, 11, 10)) == [after, before]


def test_filters_on_the_call_itself(session: Session, inspector: User) -> None:
    team = make_team(session)
    agent = make_agent(session, team=team)
    call = make_call(
        session, agent=agent, queue="billing", state=CallState.FAILED, language="zh-CN", direction="outbound"
    )
    make_call(session, queue="cards")

    for wanted in (
        {"agent_id": agent.id},
        {"team_id": team.id},
        {"queue": "billing"},
        {"state": CallState.FAILED},
        {"language": "zh"},
        {"direction": "outbound"},
    ):
        assert found(session, inspector, **wanted) == [call], wanted
    assert found(session, inspector, queue="billing", language="en") == []


def test_filters_on_marks_and_reviews(session: Session, inspector: User, card: ScorecardVersion) -> None:
    good, bad, unscored = (make_call(session) for _ in range(3))
    make_auto_score(session, good, card, raw=95.0, marks=[("S1", "met", 4.0, 4.0)])
    make_auto_score(session, bad, card, raw=55.0, marks=[("S1", "not_met", 0.0, 4.0)], fatal_suspected=True)
    make_review(session, good, card)
    make_review(session, bad, card, ReviewState.DRAFT)

    assert found(session, inspector, score_max=60.0) == [bad]
    assert found(session, inspector, score_min=60.0) == [good]
    assert found(session, inspector, item="S1") == [bad]
    assert found(session, inspector, fatal=True) == [bad]
    assert set(found(session, inspector, fatal=False)) == {good, unscored}
    assert found(session, inspector, reviewed=True) == [good]
    assert set(found(session, inspector, reviewed=False)) == {bad, unscored}


def test_an_item_that_is_missed_often_is_found_the_same(
    session: Session, inspector: User, card: ScorecardVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = [make_call(session) for _ in range(3)]
    for call in missed:
        make_auto_score(session, call, card, marks=[("S1", "not_met", 0.0, 4.0)])
    make_auto_score(session, make_call(session), card, marks=[("S1", "met", 4.0, 4.0)])

    few = set(found(session, inspector, item="S1"))
    monkeypatch.setattr(calls, "RARE", 1)

    assert set(found(session, inspector, item="S1")) == few == set(missed)


def test_words_are_found_in_english_and_chinese_and_shown_in_their_line(session: Session, inspector: User) -> None:
    english = make_call(
        session, transcript=make_transcript([("agent", "Good morning"), ("customer", "My CARD was stolen")])
    )
    chinese = make_call(session, transcript=make_transcript([("agent", "您好很高兴为您服务")], language="zh-CN"))

    [row] = find(session, inspector, words="card was").rows
    assert row.call is english
    assert row.snippet is not None
    assert (row.snippet.before, row.snippet.hit, row.snippet.after) == ("My ", "CARD was", " stolen")
    assert found(session, inspector, words="高兴") == [chinese]


@pytest.mark.parametrize("words", ["100%", "a_b", "back\\slash"])
def test_signs_of_the_search_language_are_ordinary_characters(session: Session, inspector: User, words: str) -> None:
    call = make_call(session, transcript=make_transcript([("agent", f"say {words} now")]))
    make_call(session, transcript=make_transcript([("agent", "say 1000 axb backslash now")]))

    assert found(session, inspector, words=words) == [call]


def test_search_looks_at_the_newest_calls_and_says_when_there_are_older(
    session: Session, inspector: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "SEARCH_WINDOW", 2)
    made = [
        make_call(session, started_at=NOON + timedelta(hours=i), transcript=make_transcript([("agent", "hello")]))
        for i in range(3)
    ]

    page = find(session, inspector, words="hello")

    assert [row.call for row in page.rows] == [made[2], made[1]]
    assert page.window_ended
    assert not find(session, inspector, words="hello", agent_id=made[0].agent_id).window_ended


def test_a_long_snippet_is_cut_on_both_sides() -> None:
    short = snippet("x" * 100 + "hit" + "y" * 100, "hit")

    assert short is not None
    assert short.before == "…" + "x" * calls.SNIPPET_REACH
    assert short.after == "y" * calls.SNIPPET_REACH + "…"
    assert snippet("nothing of it", "hit") is None


def test_calls_are_sorted_by_time_score_or_length_with_unknown_last(
    session: Session, inspector: User, card: ScorecardVersion
) -> None:
    early = make_call(session, started_at=NOON, duration=60.0)
    late = make_call(session, started_at=NOON + timedelta(hours=1), duration=None)
    middle = make_call(session, started_at=NOON + timedelta(minutes=1), duration=90.0)
    make_auto_score(session, early, card, raw=70.0)
    make_auto_score(session, late, card, raw=90.0)

    assert found(session, inspector, Sort.NEWEST) == [late, middle, early]
    assert found(session, inspector, Sort.OLDEST) == [early, middle, late]
    assert found(session, inspector, Sort.LOWEST) == [early, late, middle]
    assert found(session, inspector, Sort.HIGHEST) == [late, early, middle]
    assert found(session, inspector, Sort.LONGEST) == [middle, early, late]
    assert found(session, inspector, Sort.SHORTEST) == [early, middle, late]


def test_every_filter_goes_with_every_order(session: Session, inspector: User, card: ScorecardVersion) -> None:
    low, high = (make_call(session, transcript=make_transcript([("agent", "hello")])) for _ in range(2))
    for call, raw in ((low, 60.0), (high, 70.0)):
        make_auto_score(session, call, card, raw=raw, marks=[("S1", "not_met", 0.0, 4.0)], fatal_suspected=True)
    make_auto_score(session, make_call(session), card, raw=65.0)

    for wanted in ({"words": "hello"}, {"item": "S1"}, {"fatal": True}, {"score_min": 60.0, "fatal": True}):
        for sort in Sort:
            assert set(found(session, inspector, sort, **wanted)) == {low, high}, (wanted, sort)
        assert found(session, inspector, Sort.LOWEST, **wanted) == [low, high]


def test_pages_are_counted_and_end_at_the_cap(
    session: Session, inspector: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make_agent(session)
    made = [make_call(session, agent=agent, started_at=NOON - timedelta(minutes=i)) for i in range(7)]
    monkeypatch.setattr(calls, "PAGE_SIZE", 2)
    monkeypatch.setattr(calls, "COUNT_CAP", 5)

    last = find(session, inspector, page=99)

    assert (last.number, last.pages, last.count, last.capped) == (3, 3, 5, True)
    assert [row.call for row in last.rows] == [made[4]]
    assert found(session, inspector, page=2) == made[2:4]


def test_a_page_takes_the_same_queries_whatever_its_length(session: Session, inspector: User) -> None:
    statements: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *call: statements.append(call[2]))

    def count_statements() -> int:
        session.flush()
        session.expire_all()
        inspector.role  # noqa: B018 - read again before the count begins
        statements.clear()
        find(session, inspector)
        return len(statements)

    make_call(session)
    one = count_statements()
    for _ in range(20):
        make_call(session)

    assert count_statements() == one


def test_a_test_call_is_marked_as_one(session: Session, inspector: User) -> None:
    call = make_call(session)
    test_call = TestCall(
        source="DT", sheet="s/1", dialled_at=NOON, staff_number="1", status="matched", answers={}, call_id=call.id
    )
    session.add(test_call)
    session.flush()

    assert [row.test_call for row in find(session, inspector).rows] == [True]


def test_queues_are_listed_once_and_not_for_agents(session: Session, inspector: User) -> None:
    for queue in ("cards", "billing", "cards", None):
        make_call(session, queue=queue)

    assert queues_of(session, inspector) == ["billing", "cards"]
    assert queues_of(session, make_user(session, Role.AGENT)) == []


def test_drafts_are_read_by_their_own_inspector_only(session: Session, card: ScorecardVersion) -> None:
    call = make_call(session)
    draft = make_review(session, call, card, ReviewState.DRAFT)
    submitted = make_review(session, call, card, ReviewState.SUBMITTED)
    released = make_review(session, call, card, ReviewState.RELEASED)
    agent = make_user(session, Role.AGENT, agent=call.agent)
    everything = [draft, submitted, released]

    assert calls.reviews_seen_by(draft.inspector, everything) == everything
    assert calls.reviews_seen_by(make_user(session), everything) == [submitted, released]
    assert calls.reviews_seen_by(agent, everything) == [released]


@pytest.mark.service
def test_postgresql_finds_the_same_as_sqlite(postgresql_factory: sessionmaker[Session]) -> None:
    with postgresql_factory() as session:
        inspector, supervisor = make_user(session), make_user(session, Role.SUPERVISOR, team=make_team(session))
        version = ScorecardVersion(key="card", version=1, name="Card", language="en", definition={})
        session.add(version)
        agent = make_agent(session, team=supervisor.team)
        words = make_transcript([("customer", "My CARD, 100%")])
        call = make_call(session, agent=agent, transcript=words, queue="cards", duration=None)
        make_auto_score(session, call, version, raw=70.0, marks=[("S1", "not_met", 0.0, 4.0)])
        make_review(session, call, version)
        other = make_call(session, queue="billing", started_at=NOON)
        reader = make_user(session, Role.AGENT, agent=agent)

        wanted = {
            "words": "card, 100%",
            "score_max": 80.0,
            "item": "S1",
            "reviewed": True,
            "day_from": date(2026, 1, 1),
        }
        for user in (inspector, supervisor):
            for sort in Sort:
                assert found(session, user, sort, fatal=False, **wanted) == [call]
        assert found(session, reader, Sort.LOWEST, words="CARD") == [call]
        assert found(session, inspector, Sort.LONGEST) == [other, call]
        assert queues_of(session, inspector) == ["billing", "cards"]
