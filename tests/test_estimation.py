"""Estimates of agents' scores: exact where they can be worked out, honest where they are drawn."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from benchmarks.estimation import BASE, FLAT, Findings, make_world, measure, read_labels
from scoring.estimation import AgentEstimate, estimate_scores

NAN = math.nan


def worlds(scenario: object, agents: int = 3000) -> Findings:
    count = max(1, agents // scenario.agents)  # type: ignore[attr-defined]
    return measure(make_world(scenario, np.random.default_rng([5, i])) for i in range(count))  # type: ignore[arg-type]


def one(auto: list[float], manual: list[float], probability: list[float] | None = None) -> AgentEstimate:
    (found,) = estimate_scores(["ann"] * len(auto), auto, manual, probability or [NAN] * len(auto))
    return found


def test_all_calls_reviewed_leave_nothing_to_estimate() -> None:
    found = one([1, 2, 3], [80, 90, 0])

    assert found == AgentEstimate(
        "ann", pytest.approx(170 / 3), pytest.approx(170 / 3), pytest.approx(170 / 3), 3, 3, "census", 0
    )


def test_a_single_agent_with_few_reviews_gets_the_t_interval_of_the_sample() -> None:
    scores = [80.0, 90.0, 85.0, 88.0, 82.0]

    found = one([70.0] * 50, scores + [NAN] * 45)

    error = np.std(scores, ddof=1) * math.sqrt(1 / 5 - 1 / 50)
    assert found.method == "sample"
    assert found.value == pytest.approx(85)
    assert found.standard_error == pytest.approx(error)
    assert found.high - found.low == pytest.approx(2 * student.ppf(0.975, 4) * error)


def test_automatic_scores_of_all_calls_correct_an_unlucky_draw() -> None:
    # Manual = automatic + 10; the reviewed ten calls are all among the better ones.
    auto = [float(score) for score in range(40, 80)]
    wobble = [0.1, -0.1] * 5
    manual = [NAN] * 30 + [score + 10 + w for score, w in zip(auto[30:], wobble, strict=True)]

    found = one(auto, manual)

    assert found.method == "regression"
    assert found.value == pytest.approx(np.mean(auto) + 10, abs=1)
    assert found.low < np.mean(auto) + 10 < found.high
    assert found.high - found.low < 2


def test_reviewed_calls_weigh_by_the_inverse_of_their_probability() -> None:
    found = one([NAN] * 12, [60.0, 90.0] + [NAN] * 10, [0.5, 0.1] + [NAN] * 10)

    assert found.value == pytest.approx((2 * 60 + 10 * 90) / 12)


def test_a_certain_call_may_have_a_probability_of_one_and_a_rounding_error() -> None:
    rounded = one([NAN] * 4, [60.0, 90.0, NAN, NAN], [1 + 1e-12, 0.5, NAN, NAN])

    assert rounded == one([NAN] * 4, [60.0, 90.0, NAN, NAN], [1.0, 0.5, NAN, NAN])


def test_an_agent_is_judged_by_its_own_calls_whatever_the_automatic_bias() -> None:
    rng = np.random.default_rng(2)
    code = np.repeat(np.arange(40), 100)
    auto = rng.normal(70, 8, 4000)
    manual = 20 + auto + rng.normal(0, 4, 4000)
    seen = np.where(np.arange(4000) % 100 < 6, manual, NAN)

    before = estimate_scores(code, auto, seen, np.full(4000, NAN))
    biased = estimate_scores(code, auto - 30 * (code == 7), seen, np.full(4000, NAN))

    assert biased[7].value == pytest.approx(before[7].value)


def test_methods_are_named_and_agents_keep_their_order() -> None:
    rng = np.random.default_rng(3)
    names = ["none yet", "one", "blind", *(f"a{i}" for i in range(20))]
    agent = [name for name in names for _ in range(30)]
    manual = rng.normal(85, 5, len(agent)).clip(0, 100)
    auto = manual + rng.normal(0, 4, len(agent))
    seen = np.where(np.tile(np.arange(30), len(names)) < 5, manual, NAN)
    seen[:30] = NAN
    seen[31:60] = NAN
    auto[60:90] = NAN

    found = {e.agent: e for e in estimate_scores(agent, auto, seen, np.full(len(agent), NAN))}

    assert list(found) == names
    assert [found[name].method for name in ("none yet", "one", "blind", "a0")] == [
        "automatic",
        "one review",
        "sample",
        "regression",
    ]
    assert found["one"].n_reviewed == 1
    assert found["a0"].n_calls == 30
    assert all(e.low <= e.value <= e.high for e in found.values())
    assert found["one"].high - found["one"].low > found["a0"].high - found["a0"].low


def test_nothing_to_go_by_is_said_and_not_invented() -> None:
    nobody, alone = estimate_scores(["n"] * 5 + ["a"] * 5, [NAN] * 10, [NAN] * 9 + [80.0], [NAN] * 10)

    assert nobody.method == "none"
    assert math.isnan(nobody.value)
    assert math.isnan(nobody.low)
    assert (alone.method, alone.value, alone.low, alone.high) == ("one review", 80, 16, 96)
    assert math.isnan(alone.standard_error)


def test_the_interval_stays_where_scores_can_be() -> None:
    found = one([NAN] * 10, [100.0, 10.0] + [NAN] * 8)

    assert found.low == pytest.approx(11)
    assert found.high == pytest.approx(91)


def test_constant_scores_give_a_point() -> None:
    found = estimate_scores(["a", "a", "a", "b", "b", "b"], [50] * 6, [90, 90, NAN] * 2, [NAN] * 6)

    assert [(e.value, e.low, e.high) for e in found] == [(90, 90, 90)] * 2


def test_one_fatal_review_is_not_a_rate_of_one_in_five() -> None:
    rng = np.random.default_rng(4)
    code = np.repeat(np.arange(100), 200)
    manual = rng.normal(88, 5, len(code)).clip(1, 100)
    seen = np.where(np.tile(np.arange(200), 100) < 5, manual, NAN)
    seen[0] = 0.0

    found = estimate_scores(code, np.full(len(code), NAN), seen, np.full(len(code), NAN))

    assert 78 < found[0].value < np.nanmean(seen[1:5])
    assert found[0].low < found[1].low
    assert found[1].value == pytest.approx(np.mean(seen[200:205]), abs=0.5)


def test_an_agent_with_fatal_reviews_only_is_not_left_out() -> None:
    agent = [name for name in "abc" for _ in range(20)]
    seen = ([80.0, 85.0, 90.0] + [NAN] * 17) * 2 + [0.0] * 2 + [NAN] * 18

    found = estimate_scores(agent, [NAN] * 60, seen, [NAN] * 60)[2]

    assert (found.method, found.value, found.low, found.high) == ("sample", 0, 0, 90)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"auto": [1.0]}, "auto must have one entry"),
        ({"manual": [80.0, math.inf, NAN]}, "manual of call 1 .* infinite"),
        ({"probability": [0.0, 0.5, NAN]}, "call 0 .* above 0 and at most 1; it is 0"),
        ({"probability": [0.5, 50.0, NAN]}, "call 1 .* it is 50"),
        ({"probability": [0.5, NAN, NAN]}, "agent 'ann' has reviewed calls with and without"),
        ({"confidence": 95}, "between 0 and 1"),
    ],
)
def test_bad_input_is_refused_with_the_place(change: dict[str, object], message: str) -> None:
    given = {"auto": [70.0, 75.0, 80.0], "manual": [80.0, 90.0, NAN], "probability": [0.5, 0.5, NAN], **change}

    with pytest.raises(ValueError, match=message):
        estimate_scores(["ann"] * 3, **given)  # type: ignore[arg-type]


def test_no_calls_no_estimates() -> None:
    assert estimate_scores([], [], [], []) == []


score = st.one_of(st.just(NAN), st.floats(0, 100), st.sampled_from([0.0, 100.0]))


@example([(0, NAN, NAN, 1.0), (0, NAN, 0.0, 1.0), (0, NAN, 1.0, 0.5)], True)
@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 6), score, score, st.floats(0.001, 1)), min_size=1, max_size=60), st.booleans()
)
def test_any_calls_give_ordered_finite_bounds(rows: list[tuple[int, float, float, float]], said: bool) -> None:
    agent, auto, manual, probability = (list(column) for column in zip(*rows, strict=True))

    found = estimate_scores(agent, auto, manual, probability if said else [NAN] * len(rows))

    assert sum(e.n_calls for e in found) == len(rows)
    for e in found:
        if e.method == "none":
            assert math.isnan(e.value)
        else:
            assert 0 <= e.low <= e.value <= e.high <= 100
        if e.method == "census":
            assert e.low == e.high


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.2, 5), st.floats(-1000, 1000))
def test_points_on_another_scale_give_the_same_answer(seed: int, factor: float, offset: float) -> None:
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(30), 40)
    manual = rng.normal(-50, 6, 1200)
    seen = np.where(np.tile(np.arange(40), 30) < 4, manual, NAN)
    auto = manual + rng.normal(0, 6, 1200)
    unknown = np.full(1200, NAN)

    before = estimate_scores(code, auto, seen, unknown)
    after = estimate_scores(code, factor * auto + offset, factor * seen - 5000, unknown)

    assert [e.value for e in after] == pytest.approx([factor * e.value - 5000 for e in before], rel=1e-6)
    assert [e.high for e in after] == pytest.approx([factor * e.high - 5000 for e in before], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario",
    [
        BASE,
        type(BASE)("steady and erratic agents", tracks=False, reviews=(3, 3)),
        type(BASE)("ceiling", shape="ceiling", mean=92),
        type(BASE)("by risk", design="risk", reviews=(6, 6)),
        type(BASE)("very uneven chances", design="uneven"),
        type(BASE)("fatal", fatal=0.02, reviews=(10, 10)),
        type(BASE)("small census", design="unsaid", calls=(15, 25), reviews=(2, 20)),
    ],
    ids=lambda scenario: scenario.name,
)
def test_intervals_hold_the_truth_as_often_as_they_say(scenario: object) -> None:
    found = worlds(scenario)

    # 3,000 agents: four standard errors are 1.6 points, of a third 2.8.
    assert 0.925 < found.coverage < 0.98
    assert min(found.thirds) > 0.885
    assert found.ratio < 0.75
    assert abs(found.bias) < 0.4


@pytest.mark.slow
def test_five_reviews_and_a_fair_machine_shorten_the_interval_by_two_fifths() -> None:
    assert worlds(BASE).ratio < 0.6
    assert worlds(FLAT).ratio < 0.63


@pytest.mark.slow
def test_a_useless_machine_costs_nothing() -> None:
    useless = type(BASE)("useless", agents=1, correlation=0.0, reviews=(12, 12))

    assert worlds(useless, 300).ratio < 1.05


def test_real_labels_are_read_whole(shared_data: object) -> None:
    labels = read_labels(shared_data / "text-zh" / "jddc-satisfaction")  # type: ignore[operator]

    assert len(labels.chats) == 330
    assert len(labels.turns) == len(labels.texts) == 4676
    assert set(labels.chats) == {0, 50, 100}
