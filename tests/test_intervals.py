"""The arithmetic of intervals agrees with counting on a grid."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transcription.engine import Span
from transcription.intervals import covers, gaps, intersection, intervals_of, joined, total, union

GRID = 40  # whole seconds; a cell is the second from n to n + 1

pairs = st.lists(st.tuples(st.integers(0, GRID), st.integers(0, GRID)), max_size=8).map(
    lambda items: np.array(items, dtype=np.float64).reshape(-1, 2)
)
unions = pairs.map(union)


def cells(intervals: np.ndarray) -> set[int]:
    return {n for n in range(GRID) for start, end in intervals if start <= n and n + 1 <= end}


def assert_tidy(intervals: np.ndarray) -> None:
    assert (intervals[:, 0] < intervals[:, 1]).all()
    assert (intervals[1:, 0] > intervals[:-1, 1]).all()


@settings(max_examples=50)
@given(pairs)
def test_a_union_holds_what_any_pair_holds(given_pairs: np.ndarray) -> None:
    merged = union(given_pairs)

    assert_tidy(merged)
    assert cells(merged) == cells(given_pairs)
    assert total(merged) == len(cells(given_pairs))


@settings(max_examples=50)
@given(unions, unions)
def test_an_intersection_holds_what_both_hold(left: np.ndarray, right: np.ndarray) -> None:
    both = intersection(left, right)

    assert_tidy(both)
    assert cells(both) == cells(left) & cells(right)


@settings(max_examples=50)
@given(unions, st.integers(0, GRID), st.integers(0, GRID))
def test_gaps_hold_what_is_left_of_a_window(intervals: np.ndarray, start: int, end: int) -> None:
    between = gaps(intervals, start, end)

    assert cells(between) == set(range(start, end)) - cells(intervals)


@settings(max_examples=50)
@given(pairs, st.integers(0, 5))
def test_joining_fills_the_short_gaps_and_no_other(given_pairs: np.ndarray, gap: int) -> None:
    merged, close = union(given_pairs), joined(given_pairs, gap)

    filled = gaps(merged, merged[0, 0], merged[-1, 1]) if len(merged) else merged
    short = filled[filled[:, 1] - filled[:, 0] <= gap]
    assert cells(close) == cells(merged) | cells(short)


@settings(max_examples=50)
@given(unions)
def test_covering_is_membership_of_the_cell(intervals: np.ndarray) -> None:
    covered = covers(intervals, np.arange(GRID, dtype=np.float64) + 0.5)

    assert set(np.flatnonzero(covered)) == cells(intervals)


def test_spans_are_cut_to_the_recording() -> None:
    found = intervals_of([Span(2.0, 9.0), Span(-1.0, 0.5), Span(7.0, 12.0), Span(20.0, 21.0)], 10.0)

    assert found.tolist() == [[0.0, 0.5], [2.0, 10.0]]
