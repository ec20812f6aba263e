"""The combination of parts into an agent's score, with figures worked out by hand."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.agent_score import AgentScore, Part, Scheme, combine, load_scheme, rounded
from scoring.criteria_file import CriteriaError

SHIPPED = Path(__file__).parent.parent / "scoring" / "templates" / "indicators.yaml"
SCHEME = load_scheme(SHIPPED)
ALL = [Part("IM", 90, 8), Part("AQ", 80, 200), Part("DT", 70, 1), Part("SV", 96, 20), Part("MS", 60, 2)]


def graded(value: float, *, fatals: int = 0) -> AgentScore:
    parts = [Part(source, value, 500) for source in ("IM", "AQ", "DT", "SV", "MS")]
    return combine(SCHEME, parts, confirmed_fatals=fatals)


def test_the_shipped_scheme_says_what_its_sentences_say() -> None:
    assert [(part.src, part.weight, part.min_n) for part in SCHEME.parts] == [
        ("IM", 50, 5),
        ("AQ", 15, 100),
        ("DT", 15, 1),
        ("SV", 10, 20),
        ("MS", 10, 1),
    ]
    assert (SCHEME.min_present, SCHEME.fatal_caps) == (60, ("B", "C"))
    assert (SCHEME.complaint_points, SCHEME.complaint_limit, SCHEME.bonus_limit) == (2, 6, 3)
    assert (SCHEME.grades, SCHEME.target) == (("A", "B", "C"), 90)


def test_all_parts_weigh_as_the_scheme_says() -> None:
    score = combine(SCHEME, ALL)

    # 45 + 12 + 10.5 + 9.6 + 6
    assert score.value == pytest.approx(83.1)
    assert (score.grade, score.complete, score.present_weight) == ("B", True, 100)
    assert score.part("DT").points == pytest.approx(10.5)


def test_the_weight_of_a_missing_part_is_spread_in_proportion() -> None:
    score = combine(SCHEME, [part for part in ALL if part.source != "SV"])

    # (50·90 + 15·80 + 15·70 + 10·60) / 90
    assert score.value == pytest.approx(7350 / 90)
    assert (score.complete, score.present_weight) == (False, 90)
    assert score.part("IM").used == pytest.approx(5000 / 90)
    assert (score.part("SV").why_not, score.part("SV").used) == ("nothing", 0)


def test_a_part_below_its_minimum_does_not_count_but_is_shown() -> None:
    score = combine(SCHEME, [Part("IM", 100, 4), *ALL[1:]])

    assert score.part("IM").why_not == "too_few"
    assert score.part("IM").value == 100
    # (15·80 + 15·70 + 10·96 + 10·60) / 50
    assert score.value == pytest.approx(3810 / 50)


def test_below_sixty_of_a_hundred_present_there_is_a_value_but_no_grade() -> None:
    below = combine(SCHEME, ALL[1:])  # 50
    at = combine(SCHEME, [ALL[0], ALL[3]])  # 60

    assert (below.grade, below.why_no_grade) == (None, "too_little")
    assert below.value is not None
    assert (at.grade, at.why_no_grade) == ("A", None)  # (50·90 + 10·96) / 60 = 91


def test_nothing_observed_gives_no_value() -> None:
    score = combine(SCHEME, [Part("IM", 50, 2), Part("AQ", None, 0)])

    assert (score.value, score.grade, score.why_no_grade) == (None, None, "nothing")
    assert score.present_weight == 0


@pytest.mark.parametrize(
    ("value", "fatals", "grade"),
    [(95, 0, "A"), (95, 1, "B"), (95, 2, "C"), (95, 7, "C"), (85, 1, "B"), (70, 1, "C"), (85, 2, "C")],
)
def test_a_confirmed_fatal_caps_the_grade_and_leaves_the_value(value: float, fatals: int, grade: str) -> None:
    score = graded(value, fatals=fatals)

    assert score.grade == grade
    assert score.value == pytest.approx(value)


def test_complaints_take_two_points_each_and_six_at_most() -> None:
    values = [combine(SCHEME, ALL, upheld_complaints=count).value for count in (0, 1, 3, 9)]

    assert values == pytest.approx([83.1, 81.1, 77.1, 77.1])


def test_a_bonus_is_cut_at_three_and_the_value_at_a_hundred() -> None:
    assert combine(SCHEME, ALL, bonus=5).value == pytest.approx(86.1)
    full = combine(SCHEME, [Part("IM", 100, 9)], bonus=3)
    assert full.value == 100


@pytest.mark.parametrize(("value", "grade"), [(89.94, "B"), (89.95, "A"), (90, "A"), (79.94, "C"), (79.96, "B")])
def test_the_grade_is_that_of_the_figure_shown(value: float, grade: str) -> None:
    score = graded(value)

    assert score.grade == grade
    assert score.value is not None
    assert (rounded(score.value) >= SCHEME.bands[grade]) is True


SURE = [
    Part("IM", 90, 8, low=84, high=96),
    Part("AQ", 80, 200, low=80, high=80),
    Part("DT", 70, 1, low=50, high=90),
    Part("SV", 96, 20, low=80, high=99),
    Part("MS", 60, 2, low=45, high=75),
]


def test_the_total_has_the_interval_of_its_weighted_parts() -> None:
    score = combine(SCHEME, SURE)

    # Half widths in points of the total: 3, 0, 3, then 1.6 down and 0.3 up, then 1.5.
    assert score.value == pytest.approx(83.1)
    assert score.low == pytest.approx(83.1 - (9 + 9 + 1.6**2 + 2.25) ** 0.5)
    assert score.high == pytest.approx(83.1 + (9 + 9 + 0.3**2 + 2.25) ** 0.5)
    assert score.without_interval == ()


def test_points_move_the_interval_and_the_scale_ends_it() -> None:
    plain, moved = combine(SCHEME, SURE), combine(SCHEME, SURE, upheld_complaints=1, corrections=-1.5)

    assert (moved.value, moved.low) == (pytest.approx(79.6), pytest.approx((plain.low or 0) - 3.5))
    top = combine(SCHEME, [Part("IM", 99, 8, low=95, high=100)], bonus=3)
    assert (top.value, top.low, top.high) == (100, 98, 100)


def test_one_counted_part_without_an_interval_leaves_the_total_without() -> None:
    score = combine(SCHEME, [*SURE[:2], Part("DT", 70, 1, no_interval="spread_unknown"), *SURE[3:]])
    uncounted = combine(SCHEME, [SURE[0], Part("AQ", 80, 5), *SURE[2:]])

    assert (score.low, score.high, score.chances, score.firm) == (None, None, (), False)
    assert (score.without_interval, score.why_provisional) == (("DT",), "no_interval")
    assert score.part("DT").no_interval == "spread_unknown"
    assert uncounted.low is not None  # The part that does not count need not be sure.
    assert uncounted.part("AQ").no_interval == "not_estimated"


def test_each_grade_has_its_chance_and_a_likely_one_is_firm() -> None:
    sure = combine(SCHEME, [Part("IM", 93, 9, low=91, high=95), Part("AQ", 93, 200, low=93, high=93)])
    torn = combine(SCHEME, [Part("IM", 90, 9, low=85, high=94), Part("AQ", 90, 200, low=90, high=90)])

    assert (sure.grade, sure.firm, sure.why_provisional) == ("A", True, None)
    assert [one.grade for one in torn.chances] == ["A", "B", "C"]
    assert 0.5 < (torn.chance("A") or 0) < 0.55
    assert sum(one.chance for one in torn.chances) == pytest.approx(1)
    assert (torn.firm, torn.why_provisional) == (False, "unsure")


def test_a_cap_takes_the_chance_of_better_grades() -> None:
    score = combine(SCHEME, [Part("IM", 95, 9, low=93, high=97), SURE[1]], confirmed_fatals=1)

    assert (score.grade, score.firm, score.chance("A")) == ("B", True, 0.0)
    assert score.chance("B") == pytest.approx(1, abs=1e-6)


def test_the_gap_of_internal_and_external_has_an_interval() -> None:
    gap = combine(SCHEME, SURE).gap

    assert gap is not None
    assert gap.value == 30
    assert (gap.low, gap.high) == pytest.approx((30 - (36 + 225) ** 0.5, 30 + (36 + 225) ** 0.5))
    assert gap.real
    assert combine(SCHEME, SURE[:4]).gap is None


def test_praise_counts_as_the_scheme_says() -> None:
    silent = SHIPPED.read_text(encoding="utf-8").replace("plus 0.5 for each praise, at most 3", "at most 3")

    assert (SCHEME.praise_points, SCHEME.bonus_limit) == (0.5, 3)
    assert (load_scheme(silent).praise_points, load_scheme(silent).bonus_limit) == (0, 3)


@pytest.mark.parametrize(
    "part", [Part("IM", 90, 5, low=80), Part("IM", None, 0, low=80, high=90)], ids=["one limit", "no value"]
)
def test_half_an_interval_is_refused(part: Part) -> None:
    with pytest.raises(ValueError, match="two limits"):
        combine(SCHEME, [part])


@pytest.mark.parametrize(
    "parts",
    [[Part("IM", 101, 5)], [Part("IM", -1, 5)], [Part("IM", 5, -1)], [Part("IM", 5, 5), Part("IM", 5, 5)]],
)
def test_impossible_parts_are_refused(parts: list[Part]) -> None:
    with pytest.raises(ValueError, match="IM"):
        combine(SCHEME, parts)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.integers(0, 300)),
        min_size=5,
        max_size=5,
    )
)
def test_the_value_lies_between_its_parts_and_used_weights_fill_a_hundred(given_: list[tuple[float, int]]) -> None:
    parts = [Part(one.src, value, n) for one, (value, n) in zip(SCHEME.parts, given_, strict=True)]

    score = combine(SCHEME, parts)

    counted = [part.value for part in score.parts if part.counted and part.value is not None]
    assert (score.value is None) == (not counted)
    if score.value is not None:
        assert min(counted) - 1e-9 <= score.value <= max(counted) + 1e-9
        assert sum(part.used for part in score.parts) == pytest.approx(100)


def written(text: str) -> Scheme:
    return load_scheme(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weight: 50", "weight: 40", "add up to 100"),
        ("src: IM", "src: XX", r"parts\[0\]\.src: write one of IM"),
        ("minus 2 each", "minus two each", r"complaints: this sentence is not understood"),
        ("plus 0.5", "half a point", r"write: \[plus … for each praise, \]at most …"),
        ("two at C", "two at D", "a grade that bands lacks: D"),
        ("C: 0", "C: 10", "lowest band must begin at 0"),
        ("agent_month_score", "agent_score", "agent_month_score' is missing"),
        ("tie_to_reward", "tie_to_pay", "tie_to_pay"),
    ],
)
def test_a_wrong_scheme_names_the_place(old: str, new: str, message: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8").replace(old, new)

    with pytest.raises(CriteriaError, match=message):
        written(text)


def test_numbers_in_the_sentences_are_followed() -> None:
    text = SHIPPED.read_text(encoding="utf-8").replace(
        "minus 2 each, at most minus 6", "minus 1.5 each, at most minus 4"
    )

    score = combine(written(text), ALL, upheld_complaints=2)

    assert score.value == pytest.approx(80.1)
