"""Groups instead of places, and values drawn to the mean."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoring.ranking import places, tie_groups
from scoring.uncertainty import Term


def term(value: float, half: float) -> Term:
    return Term(1.0, value, value - half, value + half)


def test_groups_begin_where_chance_ends() -> None:
    terms = [term(value, 3) for value in (95, 93, 91, 90, 80, 79)]

    # 95 − 91 = 4 < √18 = 4.24 < 95 − 90
    assert tie_groups(terms) == [0, 0, 0, 1, 2, 2]
    assert tie_groups([]) == []
    with pytest.raises(ValueError, match="falling"):
        tie_groups(terms[::-1])


def test_those_who_cannot_be_told_apart_share_their_places() -> None:
    found = places([term(92, 4), term(90, 4), term(70, 2)])

    assert [(one.group, one.first, one.last) for one in found] == [(0, 1, 2), (0, 1, 2), (1, 3, 3)]
    assert places([]) == []


def test_an_interval_too_wide_is_drawn_to_the_mean() -> None:
    lucky, *close = places([term(95, 20), *(term(89 - i, 1) for i in range(10))])

    assert lucky.shrunken < 90
    assert close[0].shrunken == pytest.approx(89, abs=0.5)


def test_the_chance_to_be_above_a_target() -> None:
    high, low = places([term(95, 4), term(80, 4)], target=90)

    assert high.above_target is not None
    assert low.above_target is not None
    assert high.above_target > 0.95
    assert low.above_target < 0.05
    assert places([term(95, 4)])[0].above_target is None


def test_alike_they_are_one_group_with_one_value() -> None:
    found = places([term(85.5 - 0.1 * i, 5) for i in range(6)])

    assert {one.group for one in found} == {0}
    assert len({round(one.shrunken, 6) for one in found}) == 1


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30)), min_size=1, max_size=12))
@example([(31.5, 14.0)])
def test_every_place_is_given_once_and_no_value_is_drawn_past_the_others(pairs: list[tuple[float, float]]) -> None:
    terms = [term(value, half) for value, half in sorted(pairs, reverse=True)]
    found = places(terms)

    assert all(one.first <= at <= one.last for at, one in enumerate(found, start=1))
    assert all(terms[-1].value - 1e-6 <= one.shrunken <= terms[0].value + 1e-6 for one in found)
