"""Test cases that stay with a set, what a changed set would do to stored calls, and its activation."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from models import Agent, AutoScore, Call, CallState, RuleComparison, ScorecardVersion
from models.session import transaction
from qa.criteria import active_scorecard
from qa.refusals import Refused
from qa.rule_workbench import (
    Scope,
    activate,
    advance,
    case_lines,
    comparable_calls,
    compare,
    comparison_of,
    count_cases,
    delete_case,
    found_so_far,
    keep_cases,
    run_stored_cases,
    set_in_use,
    sets_in_use,
    start_comparison,
    stored_cases,
)
from qa.settings import Settings
from scoring.rule_cases import read_cases
from scoring.rule_change import CallChange, Shift, Tally
from tests.factories import make_agent, make_call, make_transcript, make_user
from tests.rule_sets import BRISK, GOOD, changed, desk, store_desk

GREETS_MORE = changed("[good morning, good afternoon]", "[good morning, good afternoon, hi there]")
NO_THANKS = changed("[goodbye, thank you for calling]", "[goodbye]")
CASE = {"id": "greets", "dialogue": "agent: good morning\ncustomer: hello\nagent: goodbye", "expect": {"HELLO": "met"}}


@pytest.fixture
def calls(factory: sessionmaker[Session]) -> list[int]:
    """Three calls: two of one agent (good, brisk), one brisk of another."""
    with transaction(factory) as session:
        store_desk(session)
        ann, ben = make_agent(session, "0001"), make_agent(session, "0002")
        made = [
            desk_call(session, ann, GOOD, day=1),
            desk_call(session, ann, BRISK, day=2),
            desk_call(session, ben, BRISK, day=3),
        ]
        return [call.id for call in made]


def desk_call(session: Session, agent: Agent, lines: list[tuple[str, str]], *, day: int) -> Call:
    return make_call(
        session,
        agent=agent,
        transcript=make_transcript(lines),
        started_at=datetime(2026, 11, day, 2, 0, tzinfo=UTC),
    )


# What would change.


def test_a_looser_rule_lets_calls_and_agents_gain(
    factory: sessionmaker[Session], settings: Settings, calls: list[int]
) -> None:
    found = compare(factory, settings, GREETS_MORE, Scope())

    good, *brisk = calls
    assert {change.call: change.difference for change in found.changes} == pytest.approx(dict.fromkeys(brisk, 40.0))
    assert good not in {change.call for change in found.changes}
    assert found.changes[0].items == [["A1", "not_met", "met"]]
    assert found.changes[0].rules == [["HELLO", "not_met", "met"]]
    assert (found.tally.calls, found.tally.gain, found.tally.lose, found.tally.marks) == (3, 2, 0, 2)
    assert found.tally.rules == {"HELLO": {"not_met>met": 2}}
    assert [round(one.difference, 6) for one in found.tally.moved_agents.values()] == [20.0, 40.0]


def test_a_stricter_rule_takes_from_calls(factory: sessionmaker[Session], settings: Settings, calls: list[int]) -> None:
    found = compare(factory, settings, NO_THANKS, Scope())

    assert (found.tally.gain, found.tally.lose) == (0, 2)
    assert all(change.difference == pytest.approx(-30) for change in found.changes)


def test_an_unchanged_set_changes_nothing(factory: sessionmaker[Session], settings: Settings, calls: list[int]) -> None:
    found = compare(factory, settings, desk(), Scope())

    assert found.changes == []
    assert found.tally.calls == 3


def test_a_rule_that_is_gone_leaves_its_item_open(
    factory: sessionmaker[Session], settings: Settings, calls: list[int]
) -> None:
    found = compare(factory, settings, changed("id: RUDE", "id: RUDER"), Scope())

    assert found.tally.items == {"A3": {"met>cannot_tell": 3}}
    assert found.tally.cannot_tell == 3
    assert found.tally.rules == {"RUDE": {"met>none": 3}, "RUDER": {"none>met": 3}}


def test_a_comparison_writes_no_score(factory: sessionmaker[Session], settings: Settings, calls: list[int]) -> None:
    compare(factory, settings, GREETS_MORE, Scope())

    with factory() as session:
        assert session.scalar(select(func.count()).select_from(AutoScore)) == 0
        assert len(sets_in_use(session)) == 1
        assert session.scalar(select(func.count()).select_from(ScorecardVersion)) == 1


@pytest.mark.parametrize(
    ("scope", "days"),
    [
        (Scope(limit=2), [3, 2]),
        (Scope(since=date(2026, 11, 2)), [3, 2]),
        (Scope(since=date(2026, 11, 2), until=date(2026, 11, 2)), [2]),
        (Scope(until=date(2026, 10, 31)), []),
    ],
    ids=["newest", "since", "one day", "none"],
)
def test_a_scope_chooses_the_calls(
    factory: sessionmaker[Session], settings: Settings, calls: list[int], scope: Scope, days: list[int]
) -> None:
    with factory() as session:
        found = comparable_calls(session, "desk", scope, settings.zone)

    assert found == [calls[day - 1] for day in days]


def test_a_random_draw_can_be_repeated(factory: sessionmaker[Session], settings: Settings, calls: list[int]) -> None:
    with factory() as session:
        draws = [
            comparable_calls(session, "desk", Scope(limit=2, random=True, seed=seed), settings.zone)
            for seed in (7, 7, 8, 9, 10, 11)
        ]

    assert draws[0] == draws[1]
    assert len({tuple(draw) for draw in draws}) > 1
    assert all(len(set(draw)) == 2 for draw in draws)


def test_calls_that_have_no_score_or_another_language_are_left_out(
    factory: sessionmaker[Session], settings: Settings, calls: list[int]
) -> None:
    with transaction(factory) as session:
        make_call(session, state=CallState.NOT_GRADABLE, transcript=make_transcript(GOOD))
        make_call(session, language="zh-CN", transcript=make_transcript(GOOD))
        make_call(session)

    with factory() as session:
        assert set(comparable_calls(session, "desk", Scope(), settings.zone)) == set(calls)


def test_a_comparison_is_worked_off_in_stretches_and_says_the_same(
    factory: sessionmaker[Session], settings: Settings, calls: list[int]
) -> None:
    with transaction(factory) as session:
        user = make_user(session)
        row = start_comparison(session, user.id, GREETS_MORE, Scope(), settings.zone)
    reached = []
    for _stretch in range(4):  # one more than there are calls
        advance(factory, settings, row.id, seconds=0)
        with factory() as session:
            now_there = comparison_of(session, user.id, "desk")
            assert now_there is not None
            reached.append((now_there.done, now_there.finished_at is not None))
            found = found_so_far(now_there)

    at_once = compare(factory, settings, GREETS_MORE, Scope())
    assert reached == [(1, False), (2, False), (3, True), (3, True)]
    assert found.tally == at_once.tally
    assert found.changes == at_once.changes


def test_a_person_has_one_comparison(factory: sessionmaker[Session], settings: Settings, calls: list[int]) -> None:
    with transaction(factory) as session:
        user = make_user(session)
        for phrases in (GREETS_MORE, NO_THANKS):
            start_comparison(session, user.id, phrases, Scope(), settings.zone)

    with factory() as session:
        assert session.scalar(select(func.count()).select_from(RuleComparison)) == 1


def test_a_call_that_is_deleted_meanwhile_is_passed_over(
    factory: sessionmaker[Session], settings: Settings, calls: list[int]
) -> None:
    with transaction(factory) as session:
        user = make_user(session)
        row = start_comparison(session, user.id, GREETS_MORE, Scope(), settings.zone)
        session.delete(session.get_one(Call, calls[2]))

    advance(factory, settings, row.id, seconds=60)

    with factory() as session:
        done = session.get_one(RuleComparison, row.id)
        assert (done.done, found_so_far(done).tally.calls) == (3, 2)


def test_nothing_to_compare_is_refused(factory: sessionmaker[Session], settings: Settings, calls: list[int]) -> None:
    with pytest.raises(Refused, match="No scored call"), transaction(factory) as session:
        start_comparison(session, make_user(session).id, desk(), Scope(until=date(2020, 1, 1)), settings.zone)
    with pytest.raises(Refused, match="No scorecard in use"):
        compare(factory, settings, changed("id: desk", "id: another"), Scope())


shifts = st.lists(st.builds(Shift, st.sampled_from("RS"), st.just("met"), st.sampled_from(["not_met", None]))).map(
    tuple
)
changes = st.lists(
    st.tuples(
        st.builds(
            CallChange,
            st.none() | st.floats(0, 100),
            st.none() | st.floats(0, 100),
            shifts,
            st.just(()),
            st.booleans(),
            st.booleans(),
        ),
        st.sampled_from(["", "1", "2"]),
    )
)  # fmt: skip


@given(changes, st.integers(0, 20))
def test_a_tally_can_be_put_away_and_taken_up_again(some: list[tuple[CallChange, str]], cut: int) -> None:
    whole, first = Tally(), Tally()
    for change, agent in some:
        whole.add(change, agent)
    for change, agent in some[:cut]:
        first.add(change, agent)
    again = Tally.from_dict(first.to_dict())
    for change, agent in some[cut:]:
        again.add(change, agent)

    assert again == whole
    assert whole.gain + whole.lose + whole.scored + whole.unscored <= whole.calls == len(some)


# Test cases.


def test_cases_stay_with_the_set(session: Session, settings: Settings) -> None:
    store_desk(session)

    assert keep_cases(session, "desk", [CASE, CASE | {"id": "second"}]) == (2, 0)
    assert keep_cases(session, "desk", [CASE, CASE | {"id": "second", "expect": {"BYE": "met"}}]) == (0, 1)

    assert [case.id for case in stored_cases(session, desk(), settings)] == ["greets", "second"]
    assert count_cases(session, "desk") == 2
    assert len(read_cases(case_lines(session, "desk"), name="c", phrases=desk())) == 2
    assert delete_case(session, "desk", "second")
    assert not delete_case(session, "desk", "second")
    assert run_stored_cases(session, desk(), settings).failing == ()
    assert len(run_stored_cases(session, changed("good morning, ", ""), settings).failing) == 1


def test_a_set_has_only_so_many_cases(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.rule_workbench.MAX_CASES", 1)

    with pytest.raises(Refused, match="at most 1"):
        keep_cases(session, "desk", [CASE, CASE | {"id": "second"}])

    assert count_cases(session, "desk") == 0


# Activation.


def test_a_changed_set_becomes_the_next_version_for_new_calls(session: Session) -> None:
    before = store_desk(session)

    (after,) = activate(session, GREETS_MORE)

    assert active_scorecard(session, "en") is after
    assert (after.key, after.version, after.name) == (before.key, 2, before.name)
    assert after.phrase_set is not None
    assert after.phrase_set.version == 2
    assert not before.active
    assert before.phrase_set is not None
    assert before.phrase_set.definition["required"][0]["parts"]["greeting"] == ["good morning", "good afternoon"]
    present = set_in_use(session, "desk")
    assert present is not None
    assert present.phrases.version == 2
    (third,) = activate(session, desk())  # back to what it was, as a version of its own
    assert third.version == 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1", "version: 5", "Nothing was changed"),
        ("id: desk", "id: another", "No scorecard in use"),
        ("language: en", "language: zh", "The language is zh"),
        ("id: RUDE", "id: RUDER", "names a rule that is gone.*no rule 'RUDE'"),
    ],
)
def test_what_cannot_be_activated_is_refused(session: Session, old: str, new: str, message: str) -> None:
    store_desk(session)

    with pytest.raises(Refused, match=message):
        activate(session, changed(old, new))

    assert session.scalar(select(func.count()).select_from(ScorecardVersion)) == 1
