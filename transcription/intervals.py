"""Arithmetic of time intervals, as arrays of shape (n, 2) in seconds: sorted, disjoint, each with start < end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Intervals = NDArray[np.float64]


class HasTimes(Protocol):
    """Anything with a start and an end in seconds: a Span, a Turn, a Word."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


def intervals_of(spans: Iterable[HasTimes], limit: float) -> Intervals:
    """Return the union of `spans`, cut to 0 .. `limit` seconds."""
    pairs = np.array([(span.start, span.end) for span in spans], dtype=np.float64).reshape(-1, 2)
    return union(np.clip(pairs, 0.0, limit))


def union(pairs: NDArray[np.float64]) -> Intervals:
    """Merge pairs of any order that overlap or touch; empty ones vanish."""
    return joined(pairs, 0.0)


def joined(pairs: NDArray[np.float64], gap: float) -> Intervals:
    """Merge pairs with at most `gap` seconds between them; empty ones vanish."""
    pairs = pairs[pairs[:, 1] > pairs[:, 0]]
    if not len(pairs):
        return np.empty((0, 2))
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    reached = np.maximum.accumulate(pairs[:, 1])
    begins = pairs[1:, 0] - reached[:-1] > gap
    return np.column_stack((pairs[np.r_[True, begins], 0], reached[np.r_[begins, True]]))


def gaps(intervals: Intervals, start: float, end: float) -> Intervals:
    """Return what lies between `start` and `end` and in none of `intervals`."""
    inside = np.clip(intervals, start, end)
    between = np.column_stack((np.r_[start, inside[:, 1]], np.r_[inside[:, 0], end]))
    return between[between[:, 1] > between[:, 0]]


def intersection(left: Intervals, right: Intervals) -> Intervals:
    """Return what lies in both."""
    edges = np.unique(np.concatenate((left.ravel(), right.ravel())))
    pieces = np.column_stack((edges[:-1], edges[1:]))
    in_both = covers(left, pieces[:, 0]) & covers(right, pieces[:, 0])
    return union(pieces[in_both])


def covers(intervals: Intervals, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell for each of `points` whether it lies in one of `intervals` (start included, end not)."""
    if not len(intervals):
        return np.zeros(len(points), dtype=bool)
    last_begun = np.searchsorted(intervals[:, 0], points, side="right") - 1
    return (last_begun >= 0) & (points < intervals[last_begun, 1])


def total(intervals: Intervals) -> float:
    """Return the summed length in seconds."""
    return float((intervals[:, 1] - intervals[:, 0]).sum())
