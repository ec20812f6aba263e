"""How many reviews, for whom, by whom."""

from __future__ import annotations

import itertools
from collections import Counter
from math import inf, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.allocation import (
    ASSUMED_SPREAD,
    Inspector,
    JointCount,
    Single,
    Task,
    Work,
    assign,
    best_shares,
    equal_shares,
    half_width,
    moderated_spreads,
    more_joint,
    reviews_needed,
    standard_errors,
)

works = st.lists(
    st.tuples(st.integers(1, 12), st.floats(0.5, 30), st.sampled_from([1.0, 6.0, 9.5])), min_size=1, max_size=5
).map(lambda rows: [Work(str(i), *row) for i, row in enumerate(rows)])


def test_the_planner_agrees_with_published_sample_sizes() -> None:
    # Cohen (1988), tables 2.3 and 2.4: an effect of 0.5 at 5 % two-sided with power 0.8; of 0.8: 26 a group.
    assert reviews_needed(5, 10, groups=2) == 64
    assert reviews_needed(8, 10, groups=2) == 26
    assert reviews_needed(5, 10) == 34


def test_automatic_scores_and_small_teams_need_fewer_reviews() -> None:
    assert reviews_needed(5, 10, correlation=0.7) < 0.6 * reviews_needed(5, 10)
    assert reviews_needed(5, 10, population=40) < reviews_needed(5, 10)
    assert reviews_needed(1, 10, population=40) <= 40


@pytest.mark.parametrize(
    "wrong", [{"difference": 0}, {"spread": 0}, {"confidence": 1}, {"power": 0}, {"groups": 3}, {"difference": 0.001}]
)
def test_questions_without_an_answer_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must be|lie between|would be needed"):
        reviews_needed(**{"difference": 5, "spread": 10, **wrong})  # type: ignore[arg-type]


def test_half_widths() -> None:
    assert half_width(5, 10) == pytest.approx(12.42, abs=0.01)
    assert half_width(1, 10) == inf
    assert half_width(20, 10, population=20) == 0
    assert half_width(5, 10, correlation=0.7) == pytest.approx(12.42 * sqrt(0.51), abs=0.01)


@given(works, st.floats(1, 120))
def test_shares_keep_to_the_time_and_to_the_calls(work: list[Work], minutes: float) -> None:
    least = sum(min(2, one.calls) * one.minutes for one in work)

    for shares in (best_shares(work, minutes), equal_shares(work, minutes)):
        assert all(min(2, one.calls) <= shares[one.agent] <= one.calls for one in work)
        assert sum(shares[one.agent] * one.minutes for one in work) <= max(least, minutes) + 1e-6


@given(works.map(lambda rows: [Work(one.agent, min(one.calls, 6), one.spread) for one in rows[:3]]), st.integers(1, 14))
def test_no_other_whole_numbers_are_better_when_reviews_take_equally_long(work: list[Work], reviews: int) -> None:
    found = best_shares(work, reviews)

    def total(shares: dict[str, int]) -> float:
        return sum(error**2 for error in standard_errors(work, shares).values())

    choices = itertools.product(*(range(min(2, one.calls), one.calls + 1) for one in work))
    possible = (dict(zip(found, choice, strict=True)) for choice in choices if sum(choice) <= reviews)
    assert total(found) <= min(map(total, possible), default=inf) + 1e-9


@given(works, st.floats(20, 200))
def test_an_agent_who_varies_more_never_gets_fewer(work: list[Work], minutes: float) -> None:
    alike = [Work(one.agent, 12, one.spread) for one in work]

    shares = best_shares(alike, minutes)

    ordered = sorted(alike, key=lambda one: one.spread)
    assert all(shares[a.agent] <= shares[b.agent] + 1 for a, b in itertools.pairwise(ordered))


def test_spreads_are_moderated_and_assumed_where_nothing_is_known() -> None:
    assert moderated_spreads({"a": (0.0, 1), "b": (0.0, 0)}) == {"a": ASSUMED_SPREAD, "b": ASSUMED_SPREAD}

    found = moderated_spreads({"few": (30.0, 2), "many": (30.0, 200), "usual": (10.0, 500), "none": (0.0, 0)})

    assert found["few"] < found["many"] < 30.1
    assert 9 < found["usual"] < 20
    assert found["none"] > 0


people = st.lists(st.integers(0, 4), min_size=1, max_size=5).map(
    lambda waiting: [Inspector(i, load) for i, load in enumerate(waiting)]
)


@given(st.integers(0, 40), people, st.integers(0, 10))
def test_work_spreads_evenly(count: int, inspectors: list[Inspector], seed: int) -> None:
    tasks = [Task(f"call-{i}", f"agent-{i % 7}") for i in range(count)]

    found = assign(tasks, inspectors, {}, str(seed))

    assert len(found) == count
    load = {one.id: one.waiting + sum(who == one.id for who in found.values()) for one in inspectors}
    given_any = [load[who] for who in set(found.values())]
    assert max(given_any, default=0) - min(load.values()) <= 1 or not found


def test_nobody_gets_a_call_that_they_may_not_judge_nor_more_than_the_quota() -> None:
    tasks = [Task(f"call-{i}", "0728", frozenset({1})) for i in range(6)]
    inspectors = [Inspector(1), Inspector(2, waiting=1, quota=3), Inspector(3, quota=3)]

    found = assign(tasks, inspectors, {}, "seed")

    assert sorted(found.values()) == [2, 2, 3, 3, 3]  # the sixth call stays without an inspector


def test_agents_meet_all_inspectors_in_turn() -> None:
    inspectors = [Inspector(1), Inspector(2), Inspector(3)]

    found = assign([Task("new", "0728")], inspectors, {(1, "0728"): 2, (3, "0728"): 1}, "seed")

    assert found == {"new": 2}


# Joint reviews.

PEOPLE = range(1, 5)


@st.composite
def months(draw: st.DrawFn) -> tuple[list[Single], dict[int, JointCount], list[Inspector], int]:
    """Return a drawn week of a small hotline in a month that has begun, and how many joint reviews are wanted."""
    barred = st.sets(st.sampled_from(PEOPLE), max_size=2)
    singles = [
        Single(f"call{i}", f"agent{i % 3}", first, frozenset(draw(barred)) | {first})
        for i, first in enumerate(draw(st.lists(st.sampled_from(PEOPLE), max_size=12)))
    ]
    counts = {}
    for who in PEOPLE:
        joint = draw(st.integers(0, 3))
        counts[who] = JointCount(sum(one.first == who for one in singles) + joint, joint)
    quotas = st.none() | st.integers(0, 15)
    people = [Inspector(who, counts[who].reviews, draw(quotas)) for who in PEOPLE]
    return singles, counts, people, draw(st.integers(0, 5))


@given(months(), st.text(max_size=5))
def test_nobody_has_fewer_joint_reviews_than_wanted_unless_nothing_can_be_done(
    month: tuple[list[Single], dict[int, JointCount], list[Inspector], int], seed: str
) -> None:
    singles, counts, people, least = month
    by_key, quota = {one.key: one for one in singles}, {one.id: one.quota for one in people}

    found = more_joint(singles, counts, people, least, {}, seed)

    extra = Counter(found.values())
    joint = extra + Counter(by_key[key].first for key in found)
    after = {who: JointCount(counts[who].reviews + extra[who], counts[who].joint + joint[who]) for who in PEOPLE}

    def may(who: int, one: Single) -> bool:
        limit = quota[who]
        return who not in one.barred and (limit is None or counts[who].reviews + extra[who] < limit)

    for key, second in found.items():
        assert second not in by_key[key].barred
        limit = quota[second]
        assert limit is None or counts[second].reviews + extra[second] <= limit
    for who in PEOPLE:
        if after[who].short_of(least):
            for one in singles:
                if one.key not in found:
                    assert not may(who, one)
                    assert one.first != who or not any(may(other, one) for other in PEOPLE)
    # No work that nobody was short of: each added call helps at least one.
    assert len(found) <= sum(counts[who].short_of(least) for who in PEOPLE)
    assert more_joint(singles[::-1], counts, people, least, {}, seed) == found


def test_each_own_call_has_the_same_chance_of_becoming_joint() -> None:
    # One inspector needs two joint reviews and has five calls; the other, who has none, becomes the second.
    singles = [Single(f"call{i}", "agent", 1, frozenset({1})) for i in range(5)]
    people = [Inspector(1, 5), Inspector(2, 0)]
    draws = 4_000

    chosen = Counter(
        key for seed in range(draws) for key in more_joint(singles, {1: JointCount(5, 0)}, people, 2, {}, str(seed))
    )

    assert sum(chosen.values()) == 2 * draws
    for one in singles:
        assert chosen[one.key] / draws == pytest.approx(2 / 5, abs=0.03)


def test_two_who_are_both_short_help_each_other() -> None:
    singles = [Single("a", "x", 1, frozenset({1})), Single("b", "y", 2, frozenset({2}))]
    counts = {1: JointCount(2, 0), 2: JointCount(2, 0), 3: JointCount(2, 2)}

    found = more_joint(singles, counts, [Inspector(who, 0) for who in (1, 2, 3)], 2, {}, "seed")

    assert sorted(found.items()) == [("a", 2), ("b", 1)]


def test_who_has_no_single_call_becomes_the_second_on_anothers() -> None:
    singles = [Single("a", "x", 1, frozenset({1}))]

    found = more_joint(singles, {1: JointCount(4, 2), 2: JointCount(3, 1)}, [Inspector(1), Inspector(2)], 2, {}, "s")

    assert found == {"a": 2}
