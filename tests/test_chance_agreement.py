"""Kappa, alpha and AC1 against published tables, what must hold for any answers, and intervals that hold."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.chance_agreement import Estimate, cohen_kappa, fleiss_kappa, gwet_ac1, krippendorff_alpha

# Krippendorff 2011, part C: four observers, twelve units, answers missing. By unit.
FOUR_OBSERVERS = [
    *[(1, 1, None, 1), (2, 2, 3, 2), (3, 3, 3, 3), (3, 3, 3, 3), (2, 2, 2, 2), (1, 2, 3, 4)],
    *[(4, 4, 4, 4), (1, 1, 2, 1), (2, 2, 2, 2), (None, 5, 5, 5), (None, None, 1, 1), (None, 3, None, None)],
]
# Fleiss 1971, table 1: how many of six psychiatrists gave each of 30 patients each of five diagnoses.
DIAGNOSES = [
    *("00060", "03003", "01401", "00006", "03030", "20400", "00402", "20310", "20040", "00006"),
    *("10050", "11040", "03300", "10050", "02031", "00501", "30012", "51000", "02040", "10203"),
    *("00006", "01050", "02013", "20040", "10041", "05010", "40002", "02040", "10500", "00006"),
]
ANSWERS = st.lists(
    st.lists(st.sampled_from(["met", "partly", "not_met", None]), min_size=3, max_size=3), min_size=1, max_size=25
)


def value_of(found: Estimate | None) -> float:
    assert found is not None
    assert -1 <= found.interval.low <= found.value <= found.interval.high <= 1
    return found.value


def of_table(table: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Return the two answers to each unit of a square table of counts."""
    cells = [(row, column) for row in range(len(table)) for column in range(len(table))]
    pairs = [cell for cell in cells for _ in range(table[cell[0]][cell[1]])]
    return [first for first, _ in pairs], [second for _, second in pairs]


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_four_observers(level: str, published: float) -> None:
    found = krippendorff_alpha(FOUR_OBSERVERS, level=level)  # type: ignore[arg-type]

    assert value_of(found) == pytest.approx(published, abs=5e-4)
    assert found is not None
    assert (found.n, found.calls) == (11, 11)  # the twelfth unit was answered once


def test_gwets_coefficient_of_the_same_table() -> None:
    """0.775 in K. Gwet's own package irrCAC, for the same answers (its data set raw4raters)."""
    assert value_of(gwet_ac1(FOUR_OBSERVERS)) == pytest.approx(0.77544, abs=5e-6)


def test_fleiss_psychiatrists() -> None:
    rows = [[kind for kind, count in enumerate(row) for _ in range(int(count))] for row in DIAGNOSES]

    assert np.array([[int(count) for count in row] for row in DIAGNOSES]).sum(axis=0).tolist() == [26, 26, 30, 55, 43]
    assert value_of(fleiss_kappa(rows)) == pytest.approx(0.430, abs=5e-4)


def test_cohens_two_psychologists() -> None:
    """Cohen 1960, table 1: 200 diagnoses, 0.70 of them alike, 0.41 by chance."""
    assert value_of(cohen_kappa(*of_table([[88, 14, 18], [10, 40, 10], [2, 6, 12]]))) == pytest.approx(0.492, abs=5e-4)


def test_weighted_kappa_of_agrestis_couples() -> None:
    """Agresti 1990, table 2.10 (the data set SexualFun of R's package vcd): 0.129, with linear weights 0.237."""
    wives, husbands = of_table([[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]])

    assert value_of(cohen_kappa(wives, husbands)) == pytest.approx(0.1293, abs=5e-5)
    assert value_of(cohen_kappa(wives, husbands, weights="linear")) == pytest.approx(0.2374, abs=5e-5)
    squared = value_of(cohen_kappa(wives, husbands, weights="quadratic"))
    # With squared distances kappa is the intraclass correlation but for a term of 1/n (Fleiss and Cohen 1973).
    assert squared == pytest.approx(
        value_of(krippendorff_alpha([*zip(wives, husbands, strict=True)], level="interval")), abs=0.02
    )


def test_what_cannot_be_told_apart_has_no_value() -> None:
    same = [("met", "met")] * 5

    assert krippendorff_alpha(same) is None
    assert krippendorff_alpha([("met", None)]) is None
    assert fleiss_kappa(same) is None
    assert cohen_kappa(["met"] * 5, ["met"] * 5) is None
    assert cohen_kappa(["met"], ["met"], order=["met", "not_met"]) is None
    assert gwet_ac1([("met", None)]) is None
    assert value_of(gwet_ac1(same)) == 1


def test_full_agreement_is_one_and_never_certain() -> None:
    answers = ["met", "not_met", "met", "partly"]
    rows = [(one, one) for one in answers]

    for found in (krippendorff_alpha(rows), fleiss_kappa(rows), gwet_ac1(rows), cohen_kappa(answers, answers)):
        assert value_of(found) == pytest.approx(1)
        assert found is not None
        assert found.interval.low < 0.5


def test_wrong_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="both answers"):
        cohen_kappa(["met"], [])
    with pytest.raises(ValueError, match="lacks 'partly'"):
        krippendorff_alpha([("met", "partly")], order=["met", "not_met"])
    with pytest.raises(ValueError, match="lacks 'partly'"):
        cohen_kappa(["met"], ["partly"], order=["met", "not_met"])
    with pytest.raises(ValueError, match="must be numbers"):
        krippendorff_alpha([("met", "partly")], level="interval")
    with pytest.raises(ValueError, match="same number of answers"):
        fleiss_kappa([("met", "met"), ("met", None)])


@given(ANSWERS)
def test_it_does_not_matter_who_is_who(ratings: list[list[str | None]]) -> None:
    order = ["met", "partly", "not_met"]
    for places in permutations(range(3)):
        turned = [[row[place] for place in places] for row in ratings]

        assert krippendorff_alpha(turned) == krippendorff_alpha(ratings)
        assert krippendorff_alpha(turned, level="ordinal", order=order) == krippendorff_alpha(
            ratings, level="ordinal", order=order
        )
        assert gwet_ac1(turned) == gwet_ac1(ratings)


@given(ANSWERS, st.integers(1, 5))
def test_values_lie_within_their_limits(ratings: list[list[str | None]], size: int) -> None:
    calls = [unit // size for unit in range(len(ratings))]
    complete = [row for row in ratings if None not in row]
    first, second = [row[0] for row in complete], [row[1] for row in complete]

    found = [krippendorff_alpha(ratings, calls=calls), gwet_ac1(ratings, calls=calls)]
    if complete:
        found += [fleiss_kappa(complete), cohen_kappa(first, second), cohen_kappa(second, first)]
    for one in found:
        if one is not None:
            value_of(one)


@given(ANSWERS)
def test_squared_distances_of_two_answers_are_answers_without_order(ratings: list[list[str | None]]) -> None:
    numbers = [[None if one is None else float(one == "met") for one in row] for row in ratings]

    nominal, measured = krippendorff_alpha(numbers), krippendorff_alpha(numbers, level="interval")

    assert (nominal is None) == (measured is None)
    if nominal is not None and measured is not None:
        assert nominal.value == pytest.approx(measured.value)


def test_the_interval_holds_where_nearly_all_answers_are_the_same() -> None:
    """20 calls, 95 % met, two people of whom each errs once in ten: kappa's usual intervals hold six times in ten."""
    chance = np.random.default_rng(3)
    truth, held = 0.2552, 0  # of a million calls
    rounds = 300
    for _ in range(rounds):
        met = chance.random((20, 1)) < 0.95
        answers = met ^ (chance.random((20, 2)) < 0.1)
        found = krippendorff_alpha(answers.tolist())
        held += found is None or found.interval.low <= truth <= found.interval.high

    assert held / rounds > 0.93


def test_people_rate_real_dialogues(shared_data: Path) -> None:
    """3 to 7 people rated how satisfied a customer would be, 1 to 5 (Sun et al. 2021): figures of docs/agreement.md."""
    for name, dialogues, alike, nominal, ordinal, interval in EXPECTED:
        rows = ratings_of(shared_data / "text-en" / "uss-satisfaction" / name)
        pairs = [(a == b) for row in rows for i, a in enumerate(row) for b in row[i + 1 :]]
        whole = [[*row, *[None] * (7 - len(row))] for row in rows]

        assert len(rows) == dialogues
        assert sum(pairs) / len(pairs) == pytest.approx(alike, abs=0.005)
        assert value_of(krippendorff_alpha(whole)) == pytest.approx(nominal, abs=0.0005)
        assert value_of(krippendorff_alpha(whole, level="ordinal")) == pytest.approx(ordinal, abs=0.0005)
        assert value_of(krippendorff_alpha(whole, level="interval")) == pytest.approx(interval, abs=0.0005)


EXPECTED = [
    ("SGD_first_half.txt", 500, 0.549, 0.1631, 0.2275, 0.2221),
    ("MWOZ_first_half.txt", 500, 0.566, 0.1107, 0.1656, 0.1530),
]


def ratings_of(file: Path) -> list[list[int]]:
    """Return the ratings of each whole dialogue."""
    lines = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    return [[int(one) for one in line[3].split(",")] for line in lines if len(line) > 3 and line[1] == "OVERALL"]
