"""Draws: exact probabilities, fixed sizes, nothing but the seed and the list decides."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.sampling import (
    WHOLE_WEEK,
    Design,
    DesignKind,
    Frame,
    FrameError,
    Span,
    Unit,
    draw,
    inclusion_probabilities,
    joint_reviews,
    reserves,
    size_of_part,
    ticket,
)

DESIGNS = [Design(kind, share) for kind, share in itertools.product(DesignKind, (1, 25, 100))]
designs = st.sampled_from(DESIGNS)
risks = st.lists(st.tuples(st.sampled_from(["", "low", "high"]), st.integers(0, 10**7)), min_size=1, max_size=25)
spans = st.tuples(st.integers(0, 6), st.integers(1, 7)).map(
    lambda days: Span(Fraction(min(days), 7), Fraction(max(min(days) + 1, days[1]), 7), 1 + min(days))
)


def units_of(found: list[tuple[str, int]], agent: str = "0728") -> tuple[Unit, ...]:
    return tuple(Unit(f"{agent}-{i}", agent, stratum, risk) for i, (stratum, risk) in enumerate(found))


@given(risks, st.integers(1, 12), designs, spans)
def test_probabilities_are_positive_at_most_one_and_add_up_to_the_reviews(
    found: list[tuple[str, int]], size: int, design: Design, span: Span
) -> None:
    units = units_of(found)

    chances = inclusion_probabilities(units, size, design, span)

    assert all(0 < chance <= 1 for chance in chances.values())
    expected = size * (span.end - span.begin)
    low = expected // 1
    reachable = (1 - expected % 1) * min(low, len(units)) + (expected % 1) * min(low + 1, len(units))
    assert sum(chances.values()) == reachable
    if design.kind is not DesignKind.RISK:
        assert len(set(chances.values())) == 1


@given(risks, st.integers(1, 12), st.integers(1, 100))
def test_the_floor_holds_for_every_call(found: list[tuple[str, int]], size: int, share: int) -> None:
    units = units_of(found)

    chances = inclusion_probabilities(units, size, Design(DesignKind.RISK, share))

    assert min(chances.values()) >= min(Fraction(1), Fraction(share * size, 100 * len(units)))


@given(risks, st.integers(1, 12), designs, spans, st.text(max_size=8))
def test_a_draw_has_the_size_that_was_asked_for_and_takes_nothing_twice(
    found: list[tuple[str, int]], size: int, design: Design, span: Span, seed: str
) -> None:
    frame = Frame(units_of(found), {"0728": size})

    outcome = draw(frame, design, seed, span=span)

    keys = [one.unit.key for one in outcome.sample]
    assert len(keys) == len(set(keys)) == min(len(found), size_of_part(size, "0728", seed, span))
    assert all(one.probability == outcome.probabilities[one.unit.key] for one in outcome.sample)


@given(risks, st.integers(1, 5), designs, st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_matter(found: list, size: int, design: Design, random: object) -> None:
    units = list(units_of(found))
    first = draw(Frame(tuple(units), {"0728": size}), design, "seed")
    random.shuffle(units)  # type: ignore[attr-defined]

    again = draw(Frame(tuple(units), {"0728": size}), design, "seed")

    assert {one.unit.key for one in first.sample} == {one.unit.key for one in again.sample}
    assert first.probabilities == again.probabilities


@given(st.integers(1, 9), st.lists(st.integers(1, 6), unique=True), st.text(max_size=5))
def test_the_parts_of_a_week_add_up_to_the_week(size: int, days: list[int], seed: str) -> None:
    edges = [Fraction(0), *(Fraction(day, 7) for day in sorted(days)), Fraction(1)]

    parts = [size_of_part(size, "0728", seed, Span(*edge, i)) for i, edge in enumerate(itertools.pairwise(edges), 1)]

    assert sum(parts) == size


UNITS = units_of([("low", 0), ("low", 1), ("low", 4), ("high", 9), ("high", 16), ("high", 25), ("high", 90)])
PARTS = [WHOLE_WEEK, Span(Fraction(1, 7), Fraction(3, 7), 2)]
REPEATS = 2_000
SEEDS = [f"run-{i}" for i in range(REPEATS)]


@pytest.mark.parametrize("span", PARTS, ids=["week", "part"])
@pytest.mark.parametrize("kind", list(DesignKind))
def test_calls_are_drawn_as_often_as_their_probabilities_say(kind: DesignKind, span: Span) -> None:
    frame, design = Frame(UNITS, {"0728": 3}), Design(kind)
    chances = inclusion_probabilities(UNITS, 3, design, span)

    drawn = Counter(one.unit.key for seed in SEEDS for one in draw(frame, design, seed, span=span).sample)

    for key, chance in chances.items():
        deviation = (drawn[key] - REPEATS * chance) / float(REPEATS * chance * (1 - chance) or 1) ** 0.5
        assert abs(deviation) < 4.5, key  # of a fixed run: one of 42 such would be 1 in 4,000 by chance


def test_a_simple_draw_gives_every_pair_the_same_chance() -> None:
    frame = Frame(UNITS[:5], {"0728": 2})

    pairs = Counter(frozenset(one.unit.key for one in draw(frame, Design(), seed).sample) for seed in SEEDS)

    assert len(pairs) == 10
    assert sum((n - REPEATS / 10) ** 2 / (REPEATS / 10) for n in pairs.values()) < 27.9  # chi-square, 9 df, 0.1 %


def test_a_weighted_mean_over_a_risk_draw_is_unbiased() -> None:
    """Horvitz and Thompson's total of a value that goes with risk, over many seeds."""
    frame, design = Frame(UNITS, {"0728": 3}), Design(DesignKind.RISK)
    value = {unit.key: 100 - unit.risk / 2 for unit in UNITS}

    totals = [
        float(sum(value[one.unit.key] / one.probability for one in draw(frame, design, seed).sample)) for seed in SEEDS
    ]

    mean = sum(totals) / REPEATS
    error = (sum((total - mean) ** 2 for total in totals) / REPEATS / REPEATS) ** 0.5
    assert abs(mean - sum(value.values())) < 4 * error


@given(st.lists(st.sampled_from("abc"), min_size=3, max_size=30), st.integers(1, 10), st.integers(0, 50))
def test_each_stratum_gets_its_share_rounded_up_or_down(strata: list[str], size: int, seed: int) -> None:
    units = units_of([(stratum, 0) for stratum in strata])
    sample = draw(Frame(units, {"0728": size}), Design(DesignKind.STRATIFIED), str(seed)).sample

    got = Counter(one.unit.stratum for one in sample)

    for stratum, n in Counter(strata).items():
        share = min(1.0, size / len(strata)) * n
        assert share - 1 < got[stratum] < share + 1


def test_anybody_can_repeat_a_simple_draw_with_a_hash_and_a_sort() -> None:
    frame = Frame(UNITS, {"0728": 3})

    by_hand = sorted(
        (unit.key for unit in UNITS),
        key=lambda key: hmac.new(b"published seed", b"order\x1f" + key.encode(), hashlib.sha256).hexdigest(),
    )[:3]

    assert {one.unit.key for one in draw(frame, Design(), "published seed").sample} == set(by_hand)


def test_draws_stay_what_they_are() -> None:
    """Golden values: a change here would make every stored draw fail its proof."""
    units = tuple(Unit(f"call-{i}", f"07{i % 2}", "ab"[i % 3 == 0], i * i * 1000) for i in range(20))
    frame = Frame(units, {"070": 3, "071": 2}, {"call-4": "fatal", "call-5": "fatal"})

    assert frame.digest() == "f2838ac27d52bd6f9ae8c2a4995991a35c508fb8f53af255efafc9a8bd2386c6"
    for kind, expected in GOLDEN.items():
        outcome = draw(frame, Design(kind), "golden", picks=2)
        assert ([one.unit.key for one in outcome.sample], [unit.key for unit, _ in outcome.picks]) == expected
    assert ticket("golden", "order", "call-1") == int(
        "c90ee1be90e512272f07dfa758d49b287dc3f5505a3fc7071f6ecd887704272c", 16
    )


GOLDEN: dict[DesignKind, tuple[list[str], list[str]]] = {
    DesignKind.SIMPLE: (["call-0", "call-6", "call-2", "call-15", "call-5"], ["call-4"]),
    DesignKind.STRATIFIED: (["call-8", "call-0", "call-18", "call-17", "call-1"], ["call-5", "call-4"]),
    DesignKind.RISK: (["call-16", "call-18", "call-4", "call-5", "call-19"], []),
}


def test_suspicious_calls_are_picked_apart_and_stay_in_the_list() -> None:
    suspicious = {UNITS[-1].key: "fatal_suspected", UNITS[0].key: "complaint"}
    frame = Frame(UNITS, {"0728": 3}, suspicious)

    for seed in range(50):
        outcome = draw(frame, Design(), str(seed), picks=5)

        sample, picks = {one.unit.key for one in outcome.sample}, {unit.key for unit, _ in outcome.picks}
        assert not sample & picks
        assert sample | picks >= set(suspicious)
        assert picks <= set(suspicious)
        assert outcome.probabilities[UNITS[-1].key] == Fraction(3, 7)
    assert len(draw(frame, Design(), "1", picks=1).picks) <= 1


def test_a_reserve_is_of_the_same_agent_and_stratum_and_nobody_chooses_it() -> None:
    other = units_of([("high", 5)], agent="0902")
    frame = Frame(UNITS + other, {"0728": 2, "0902": 1})
    outcome = draw(frame, Design(DesignKind.RISK), "seed")
    out = outcome.sample[0].unit

    first = reserves(outcome, out, frame, "seed")

    assert {(one.agent, one.stratum) for one in first} <= {(out.agent, out.stratum)}
    assert not {one.key for one in first} & {one.unit.key for one in outcome.sample}
    assert first == reserves(outcome, out, frame, "seed")


def test_the_share_of_joint_reviews_holds_over_the_weeks() -> None:
    keys = [f"call-{i}" for i in range(7)]

    counts = [len(joint_reviews(keys, 10, str(week))) for week in range(400)]

    assert set(counts) == {0, 1}
    assert sum(counts) / len(counts) == pytest.approx(0.7, abs=0.08)


@given(risks, st.dictionaries(st.text(max_size=4), st.integers(1, 9), max_size=3))
def test_a_written_list_reads_back(found: list[tuple[str, int]], sizes: dict[str, int]) -> None:
    frame = Frame(units_of(found), {**sizes, "0728": 2}, {"0728-0": "complaint"})

    again = Frame.read(frame.text())

    assert again.text() == frame.text()
    assert again.digest() == frame.digest()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"units": [[1]], "sizes": {}, "suspicious": {}}', '{"units": 3}'])
def test_a_text_that_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(FrameError, match="eligible list"):
        Frame.read(text)


def test_impossible_lists_and_designs_are_refused() -> None:
    with pytest.raises(FrameError, match="twice"):
        Frame((Unit("a", "0728"), Unit("a", "0728")), {"0728": 2})
    with pytest.raises(FrameError, match="no number of reviews"):
        Frame((Unit("a", "0728"),), {})
    with pytest.raises(FrameError, match="negative"):
        Frame((Unit("a", "0728", risk=-1),), {"0728": 2})
    with pytest.raises(FrameError, match="not in the list"):
        Frame((Unit("a", "0728"),), {"0728": 2}, {"b": "complaint"})
    with pytest.raises(ValueError, match="no chance"):
        Design(DesignKind.RISK, 0)
    with pytest.raises(ValueError, match="have a length"):
        Span(Fraction(1, 2), Fraction(1, 2))
