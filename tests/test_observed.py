"""What was counted in a period, packed and unpacked, and the scores that follow from it without any database."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.agent_score import Scheme, load_scheme
from scoring.observed import Calls, Correction, Observed, PeriodScores, Share, changed_agents
from scoring.shipped import shipped
from scoring.uncertainty import Tally

SCHEME: Scheme = load_scheme(shipped("indicators"))
score = st.none() | st.floats(0, 100)
rows = st.lists(
    st.tuples(st.integers(1, 10_000), st.integers(1, 4), score, score, score, st.none() | st.floats(0.01, 1)),
    unique_by=lambda row: row[0],
    max_size=40,
)


def example(**fields: object) -> Observed:
    calls = [
        (100 * agent + i, agent, 80.0 - i, 90.0, 85.0 + i if i < 6 else None, None)
        for agent in (1, 2, 3)
        for i in range(12)
    ]
    values: dict[str, object] = {
        "agents": (1, 2, 3),
        "calls": Calls.of(calls),
        "means": {"DT": {1: Tally.of([80, 90]), 2: Tally.of([70])}},
        "surveys": {1: Share(19, 20)},
        "complaints": {2: (7, 9)},
        "fatals": {3: {301: 1}},
        "corrections": {1: (Correction(5, -1.5, 1),)},
        **fields,
    }
    return Observed(**values)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(rows)
def test_what_is_packed_comes_back_bit_by_bit(
    calls: list[tuple[int, int, float | None, float | None, float, None]],
) -> None:
    observed = example(calls=Calls.of(calls))

    packed, digest = observed.pack()
    again = Observed.unpack(packed, digest)

    assert again.calls.columns() == observed.calls.columns()
    assert again.pack() == (packed, digest)
    assert (again.means, again.surveys, again.complaints) == (observed.means, observed.surveys, observed.complaints)
    assert (again.fatals, again.corrections, again.agents) == (observed.fatals, observed.corrections, observed.agents)


def test_calls_may_come_in_any_order() -> None:
    rows = [(2, 1, 50.0, None, None, None), (1, 1, None, 60.0, 70.0, 0.5)]

    assert Calls.of(rows).columns() == Calls.of(rows[::-1]).columns()
    assert len(Calls.of([])) == 0


def test_a_changed_package_is_refused() -> None:
    packed, _ = example().pack()

    with pytest.raises(ValueError, match="SHA-256"):
        Observed.unpack(packed, "0" * 64)


def test_scores_are_the_same_from_packed_observations() -> None:
    observed = example()
    first, again = (PeriodScores(one, SCHEME) for one in (observed, Observed.unpack(*observed.pack())))

    assert [first.agent(one) for one in (1, 2, 3)] == [again.agent(one) for one in (1, 2, 3)]
    assert first.group((1, 2, 3)) == again.group((1, 2, 3))


def test_adjustments_reach_the_agent_and_no_group() -> None:
    scores = PeriodScores(example(), SCHEME)

    one, two, three = (scores.agent(agent) for agent in (1, 2, 3))
    assert (one.adjustments.corrections, one.adjustments.cap) == (-1.5, "B")  # a fatal item confirmed late
    assert two.adjustments.complaints == -4
    assert three.adjustments.cap == "B"
    group = scores.group((1, 2, 3))
    assert (group.adjustments.points, group.adjustments.cap) == (0, None)


def test_an_agent_without_anything_has_no_score() -> None:
    scores = PeriodScores(example(calls=Calls.of([]), means={}, surveys={}), SCHEME)

    assert scores.agent(1).value is None
    assert scores.group((1, 2, 3)).value is None
    assert scores.reviews(1) == 0


def test_only_agents_about_whom_something_changed_are_named() -> None:
    before = example()
    rows = list(zip(*before.calls.columns(), strict=True))
    changed = [(*row[:4], 60.0, row[5]) if row[0] == 207 else row for row in rows]  # a late review
    after = example(calls=Calls.of(changed), complaints={2: (7,)})  # type: ignore[arg-type]

    assert list(changed_agents(before, after)) == [
        (
            2,
            [
                {"kind": "review", "id": 207, "change": "added"},
                {"kind": "complaint", "id": 9, "change": "removed"},
            ],
        )
    ]
    assert list(changed_agents(before, before)) == []


def test_one_agents_news_leave_the_others_observations_alone() -> None:
    before = example()
    rows = [(*row[:4], 10.0, row[5]) for row in zip(*before.calls.columns(), strict=True)]
    after = example(calls=Calls.of(rows), means={"DT": {3: Tally.of([50])}}, complaints={})  # type: ignore[arg-type]

    mixed = before.with_agent(after, 2)

    assert np.all(mixed.calls.final[mixed.calls.agent == 2] == 10)
    others = mixed.calls.agent != 2
    assert np.array_equal(mixed.calls.final[others], before.calls.final[before.calls.agent != 2], equal_nan=True)
    assert mixed.means["DT"] == {1: Tally.of([80, 90])}
    assert mixed.complaints == {}
    assert [agent for agent, _ in changed_agents(before, mixed)] == [2]
