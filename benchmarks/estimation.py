"""How honest the intervals of `estimate_scores` are: simulated hotlines, and real satisfaction labels.

python -m benchmarks.estimation [--agents 20000] [--only TEXT] [--labels FOLDER]

Each scenario makes calls with manual scores that are all known, draws reviews, estimates and looks whether the interval
holds the true mean of all calls of the agent. Thirds are of the agents by the true spread of their manual scores. The
width is compared with Student's t interval of the reviews' weighted mean, which gets the same finite-population
correction. FOLDER holds the JDDC satisfaction labels (valid_jddc.txt).
"""

from __future__ import annotations

import argparse
import ast
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from scoring.estimation import AgentEstimate, estimate_scores

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scenario:
    """A hotline. Scores are points of 100."""

    name: str
    agents: int = 200
    calls: tuple[int, int] = (100, 300)
    reviews: tuple[int, int] = (5, 5)
    correlation: float = 0.7
    variation: float = 0.3  # of the agents' spreads: the standard deviation of their logarithm
    tracks: bool = True  # the automatic scores of erratic agents vary more, too
    shape: str = "normal"  # or skewed, exponential, ceiling, steps
    mean: float = 85.0
    fatal: float = 0.0  # share of calls
    fatal_shape: float = 0.0  # of the gamma distribution of agents' rates; 0: all alike
    machine_sees: float = 0.0  # share of fatal calls whose automatic score is 0
    design: str = "equal"  # or unsaid (nan), risk, informative, poisson, strata, sometimes, uneven
    no_auto: float = 0.0  # share of calls


BASE = Scenario("5 reviews")
FLAT = replace(BASE, tracks=False)
SCENARIOS = (
    BASE,
    *(replace(BASE, name=f"{n} reviews", reviews=(n, n)) for n in (2, 3, 4, 8, 12, 20)),
    replace(BASE, name="2 to 20 reviews", reviews=(2, 20)),
    replace(BASE, name="correlation 0", correlation=0.0),
    replace(BASE, name="correlation 0.5", correlation=0.5),
    replace(BASE, name="correlation 0.85", correlation=0.85),
    replace(BASE, name="agents alike", variation=0.0),
    *(
        replace(FLAT, name=f"spread hidden {v}, {n} reviews", variation=v, reviews=(n, n))
        for v in (0.25, 0.3, 0.4)
        for n in (2, 3, 5, 10, 20)
    ),
    *(replace(BASE, name=f"skewed, {n} reviews", shape="skewed", reviews=(n, n)) for n in (3, 5)),
    *(replace(BASE, name=f"exponential, {n} reviews", shape="exponential", reviews=(n, n)) for n in (3, 5, 20)),
    *(replace(BASE, name=f"ceiling, {n} reviews", shape="ceiling", mean=92, reviews=(n, n)) for n in (3, 5, 20)),
    *(replace(BASE, name=f"steps of 10, {n} reviews", shape="steps", mean=92, reviews=(n, n)) for n in (3, 10)),
    *(replace(BASE, name=f"fatal 2 %, {n} reviews", fatal=0.02, reviews=(n, n)) for n in (3, 5, 20)),
    replace(BASE, name="fatal 0.3 %", fatal=0.003),
    replace(BASE, name="fatal 2 %, 1,000 to 2,000 calls", fatal=0.02, calls=(1000, 2000)),
    replace(BASE, name="fatal 1 %, rates differ", fatal=0.01, fatal_shape=1),
    replace(BASE, name="fatal 3 %, rates differ", fatal=0.03, fatal_shape=1),
    replace(BASE, name="fatal 3 %, rates differ, 20 reviews", fatal=0.03, fatal_shape=1, reviews=(20, 20)),
    *(replace(BASE, name=f"fatal 5 %, {n} reviews", fatal=0.05, reviews=(n, n)) for n in (3, 5, 20)),
    replace(BASE, name="fatal 5 %, rates differ", fatal=0.05, fatal_shape=1),
    replace(BASE, name="fatal 2 %, machine sees half", fatal=0.02, machine_sees=0.5),
    replace(BASE, name="fatal 2 %, 20 agents", fatal=0.02, agents=20),
    replace(BASE, name="fatal 2 %, 5 agents, 10 reviews", fatal=0.02, agents=5, reviews=(10, 10)),
    replace(BASE, name="zeros 20 %, 10 reviews", fatal=0.2, reviews=(10, 10)),
    *(replace(BASE, name=f"by risk, {n} reviews", design="risk", reviews=(n, n)) for n in (3, 5, 20)),
    *(replace(BASE, name=f"by hidden risk, {n} reviews", design="informative", reviews=(n, n)) for n in (5, 15)),
    *(replace(BASE, name=f"Poisson, {n} reviews", design="poisson", reviews=(n, n)) for n in (5, 10)),
    replace(BASE, name="strata, 6 reviews", design="strata", reviews=(6, 6)),
    replace(BASE, name="some calls 6 times as likely", design="sometimes"),
    *(replace(BASE, name=f"very uneven chances, {n} reviews", design="uneven", reviews=(n, n)) for n in (3, 5, 10)),
    replace(BASE, name="by risk, ceiling, fatal 2 %", design="risk", shape="ceiling", mean=92, fatal=0.02),
    replace(BASE, name="20 to 30 calls, 2 to 20 reviews", design="unsaid", calls=(20, 30), reviews=(2, 20)),
    replace(BASE, name="no automatic score on 20 %", no_auto=0.2),
    replace(BASE, name="no automatic scores", no_auto=1.0),
    replace(BASE, name="no automatic scores, by risk", no_auto=1.0, design="risk"),
    replace(BASE, name="0 to 6 reviews", reviews=(0, 6)),
    *(replace(BASE, name=f"1 agent, {n} reviews", agents=1, reviews=(n, n)) for n in (3, 5, 20)),
    *(
        replace(BASE, name=f"1 agent, ceiling, {n} reviews", agents=1, shape="ceiling", mean=97, reviews=(n, n))
        for n in (5, 10, 20)
    ),
    replace(BASE, name="1 agent, 12 reviews, correlation 0", agents=1, reviews=(12, 12), correlation=0.0),
    *(
        replace(FLAT, name=f"{agents} agents, {n} reviews", agents=agents, reviews=(n, n))
        for agents in (2, 5, 10, 20, 50)
        for n in (3, 5)
    ),
)


@dataclass(frozen=True)
class World:
    """All calls with both scores, and what was drawn."""

    code: NDArray[np.int64]
    auto: Floats
    manual: Floats  # of every call
    drawn: NDArray[np.bool_]
    probability: Floats

    @property
    def size(self) -> NDArray[np.int64]:
        return np.bincount(self.code)

    @property
    def truth(self) -> Floats:
        return np.bincount(self.code, self.manual) / self.size

    @property
    def spread(self) -> Floats:
        return np.sqrt(np.bincount(self.code, (self.manual - self.truth[self.code]) ** 2) / self.size)

    def estimates(self) -> list[AgentEstimate]:
        seen = np.where(self.drawn, self.manual, np.nan)
        return estimate_scores(self.code, self.auto, seen, np.where(self.drawn, self.probability, np.nan))

    def plain(self) -> tuple[Floats, Floats]:
        """Return mean and half width of the t interval of the reviews alone; nan with fewer than two."""
        known = self.drawn & ~np.isnan(self.probability)
        weight = np.where(self.drawn, 1 / np.where(known, self.probability, 1.0), 0.0)
        n = np.bincount(self.code, self.drawn)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = weight / np.bincount(self.code, weight)[self.code]
            mean = np.bincount(self.code, share * self.manual)
            squares = np.bincount(self.code, share**2)
            variance = np.bincount(self.code, share * (self.manual - mean[self.code]) ** 2) / (1 - squares)
            error = np.sqrt(variance * np.maximum(squares - 1 / self.size, 0))
            return mean, np.where(n >= 2, student.ppf(0.975, np.maximum(n - 1, 1)) * error, np.nan)


def make_world(scenario: Scenario, rng: np.random.Generator) -> World:
    """Make the calls of a scenario and draw the reviews."""
    agents = scenario.agents
    size = rng.integers(scenario.calls[0], scenario.calls[1] + 1, agents)
    code = np.repeat(np.arange(agents), size)
    level = rng.normal(scenario.mean, 5, agents)
    bias = rng.normal(-5, 6, agents)
    spread = 8 * rng.lognormal(0, scenario.variation, agents)
    shape = {
        "skewed": lambda: 2 - rng.gamma(4, 0.5, len(code)),
        "exponential": lambda: 1 - rng.exponential(size=len(code)),
    }.get(scenario.shape, lambda: rng.normal(size=len(code)))()
    noise = rng.normal(size=len(code))

    manual = level[code] + spread[code] * shape
    own = spread[code] if scenario.tracks else 8.0
    auto = (level + bias)[code] + own * (scenario.correlation * shape + np.sqrt(1 - scenario.correlation**2) * noise)
    if scenario.shape in ("ceiling", "steps"):
        manual, auto = np.minimum(manual, 100), np.minimum(auto, 100)
    if scenario.shape == "steps":
        manual = 10 * np.round(manual / 10)
    if scenario.fatal:
        factor = rng.gamma(scenario.fatal_shape, 1 / scenario.fatal_shape, agents) if scenario.fatal_shape else 1.0
        fatal = rng.random(len(code)) < (scenario.fatal * factor * np.ones(agents))[code]
        manual = np.where(fatal, 0.0, manual)
        auto = np.where(fatal & (rng.random(len(code)) < scenario.machine_sees), 0.0, auto)

    reviews = np.minimum(rng.integers(scenario.reviews[0], scenario.reviews[1] + 1, agents), size)
    drawn, probability = np.zeros(len(code), dtype=bool), np.full(len(code), np.nan)
    for agent, end in enumerate(np.cumsum(size)):
        own_calls = slice(end - size[agent], end)
        chance, picked = draw(scenario.design, reviews[agent], auto[own_calls], manual[own_calls], rng)
        drawn[own_calls], probability[own_calls] = picked, chance
    auto = np.where(rng.random(len(code)) < scenario.no_auto, np.nan, auto)
    return World(code, auto, manual, drawn, probability)


def draw(
    design: str, n: int, auto: Floats, manual: Floats, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return inclusion probabilities of one agent's calls, and which were drawn."""
    calls = len(auto)
    if design in ("equal", "unsaid"):
        picked = np.isin(np.arange(calls), rng.choice(calls, n, replace=False))
        return np.full(calls, n / calls if design == "equal" else np.nan), picked
    low = auto < np.median(auto)
    if design == "strata":  # Two thirds of the reviews in the lower half.
        first = round(2 * n / 3)
        picked = np.zeros(calls, dtype=bool)
        for stratum, share in ((low, first), (~low, n - first)):
            picked[rng.choice(np.flatnonzero(stratum), share, replace=False)] = True
        return np.where(low, first / low.sum(), (n - first) / (~low).sum()), picked
    score = manual if design == "informative" else auto
    risk = np.exp(-0.5 * (score - score.mean()) / max(float(score.std()), 1e-9))
    if design == "informative":
        risk *= np.exp(0.3 * rng.normal(size=calls))
    if design == "sometimes":
        risk = np.where(rng.random(calls) < 0.3, 6.0, 1.0)
    if design == "uneven":
        risk = rng.lognormal(0, 1.5, calls)
    chance = proportional(risk, n)
    if design == "poisson":
        return chance, rng.random(calls) < chance
    order, start = rng.permutation(calls), rng.random()  # Systematic, in random order: exact probabilities, fixed n.
    reached = np.floor(np.concatenate([[0.0], np.cumsum(chance[order])]) - start + 1e-9)
    picked = np.zeros(calls, dtype=bool)
    picked[order] = np.diff(reached) > 0
    return chance, picked


def proportional(risk: Floats, n: int) -> Floats:
    """Return probabilities in proportion to `risk` that add up to `n`, none above 1."""
    certain = np.zeros(len(risk), dtype=bool)
    while True:
        chance = np.where(certain, 1.0, (n - certain.sum()) * risk / risk[~certain].sum())
        if not (chance > 1).any():
            return chance
        certain |= chance >= 1


@dataclass(frozen=True)
class Findings:
    """What a scenario gave; shares of 1, widths in points."""

    coverage: float
    thirds: tuple[float, float, float]  # steady, middle, erratic
    width: float
    ratio: float
    bias: float
    plain_coverage: float

    def missed(self) -> str:
        """Name the goals that were missed."""
        flags = ["coverage"] if not 0.93 <= round(self.coverage, 3) <= 0.97 else []
        flags += ["third"] if np.nanmin(self.thirds) < 0.91 else []
        flags += ["wide"] if self.ratio > 1.05 else []
        return ", ".join(flags)


def measure(worlds: Iterator[World]) -> Findings:
    """Estimate in each world and compare with the truth."""
    rows = []
    for world in worlds:
        found = world.estimates()
        low, high, value = (np.array([getattr(e, part) for e in found]) for part in ("low", "high", "value"))
        mean, half = world.plain()
        rank = np.argsort(np.argsort(world.spread)) * 3 // len(found)
        holds = (low <= world.truth + 1e-9) & (world.truth <= high + 1e-9)
        plain_holds = np.abs(mean - world.truth) <= half + 1e-9
        rows.append(np.column_stack([holds, rank, high - low, 2 * half, value - world.truth, plain_holds]))
    table = np.concatenate(rows)
    table = table[~np.isnan(table[:, 4])]  # Agents without an estimate.
    both = table[~np.isnan(table[:, 3])]
    thirds = [table[table[:, 1] == third, 0] for third in range(3)]
    return Findings(
        coverage=float(table[:, 0].mean()),
        thirds=tuple(float(third.mean()) if len(third) else np.nan for third in thirds),  # type: ignore[arg-type]
        width=float(both[:, 2].mean()),
        ratio=float(both[:, 2].mean() / both[:, 3].mean()),
        bias=float(table[:, 4].mean()),
        plain_coverage=float(both[:, 5].mean()),
    )


HEADING = f"{'scenario':38} covered  steady middle erratic   width  of t   bias  t covers  missed"


def line(name: str, found: Findings) -> str:
    """Return one line of the table."""
    steady, middle, erratic = (f"{100 * third:6.1f}" if third == third else "     –" for third in found.thirds)
    return (
        f"{name:38} {100 * found.coverage:6.1f}  {steady} {middle} {erratic}   {found.width:6.1f} {found.ratio:5.2f}"
        f"  {found.bias:+5.2f}    {100 * found.plain_coverage:5.1f}   {found.missed()}"
    )


@dataclass(frozen=True)
class Labels:
    """The JDDC chats: satisfaction 0, 50 or 100 after each customer turn and for the whole chat."""

    texts: list[str]  # of each turn, with the two before
    turns: Floats
    chat: NDArray[np.int64]  # which chat each turn belongs to
    chats: Floats


def read_labels(folder: Path) -> Labels:
    """Read valid_jddc.txt; a line whose last turn begins with OVERALL closes a chat."""
    texts: list[str] = []
    turns: list[float] = []
    chat: list[int] = []
    chats: list[float] = []
    for row in (folder / "valid_jddc.txt").read_text(encoding="utf-8").splitlines():
        window, _, label = row.split("\t")
        said = ast.literal_eval(window)
        if said[-1].startswith("OVERALL"):
            chats.append(50.0 * int(label))
        else:
            texts.append(" ".join(said[-3:]))
            turns.append(50.0 * int(label))
            chat.append(len(chats))
    return Labels(texts, np.array(turns), np.array(chat), np.array(chats))


def predicted(labels: Labels) -> tuple[Floats, Floats]:
    """Return the satisfaction that text leads to expect, of turns and of chats; each from other chats' turns."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=3, sublinear_tf=True)
    model = make_pipeline(grams, Ridge(alpha=3.0))
    turns = cross_val_predict(model, labels.texts, labels.turns, groups=labels.chat, cv=GroupKFold(10))
    last = [turns[labels.chat == chat][-3:].mean() for chat in range(len(labels.chats))]
    return np.asarray(turns), np.array(last)


def labelled(auto: Floats, manual: Floats, agents: int, n: int, draws: int) -> Iterator[World]:
    """Deal the chats out to agents at random and draw n reviews of each, many times."""
    for number in range(draws):
        rng = np.random.default_rng([7, number])
        deal = rng.permutation(len(manual))
        code = np.sort(np.arange(len(manual)) % agents)
        drawn, chance = np.zeros(len(manual), dtype=bool), np.zeros(len(manual))
        for agent in range(agents):
            own = np.flatnonzero(code == agent)
            drawn[rng.choice(own, n, replace=False)] = True
            chance[own] = n / len(own)
        yield World(code, auto[deal], manual[deal], drawn, chance)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--agents", type=int, default=20_000, help="agents simulated in each scenario")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--labels", type=Path, help="folder with valid_jddc.txt")
    chosen = parser.parse_args()

    print(HEADING)
    for scenario in SCENARIOS:
        if chosen.only in scenario.name:
            worlds = max(1, min(chosen.agents // scenario.agents, 2000))
            made = (make_world(scenario, np.random.default_rng([1, number])) for number in range(worlds))
            print(line(scenario.name, measure(made)), flush=True)
    if chosen.labels:
        labels = read_labels(chosen.labels)
        for name, auto, manual in zip(("turns", "chats"), predicted(labels), (labels.turns, labels.chats), strict=True):
            print(f"\nJDDC: {len(manual)} {name}, correlation out of fold {np.corrcoef(auto, manual)[0, 1]:.2f}")
            for agents, n in ((20, 5), (20, 10), (5, 20)) if name == "turns" else ((10, 5), (10, 10), (3, 40)):
                found = measure(labelled(auto, manual, agents, n, min(chosen.agents // agents, 300)))
                print(line(f"{agents} agents, {n} reviews", found), flush=True)
    if not chosen.only:
        for fatal in (0.0, 0.02):
            scenario = replace(BASE, agents=5000, calls=(200, 200), fatal=fatal)
            world = make_world(scenario, np.random.default_rng(1))
            began, used = time.perf_counter(), time.process_time()
            world.estimates()
            wall, cpu = time.perf_counter() - began, time.process_time() - used
            print(f"\n5,000 agents, 200 calls each, fatal {fatal:.0%}: {wall:.2f} s ({cpu:.2f} s of processor time)")


if __name__ == "__main__":
    main()
