"""Whether the interval of the whole score holds what it says: simulated hotlines whose true scores are known.

python -m benchmarks.composite [REPETITIONS]

Each hotline has agents with levels and spreads of their own, automatic scores that are biased differently for each
agent, few drawn reviews, one to three test calls of each kind and some survey ratings. The truth of a score is its
weighted sum with every call reviewed, endless test calls and endless ratings. Printed is how often the 95 % interval
holds it, for agents, teams and the centre, its mean half width, and how far to trust the chance of a grade: among the
agents whose grade is said to be 70 to 90 % sure, how many have it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import numpy as np

from scoring.agent_score import AgentScore, Scheme, load_scheme, rounded
from scoring.observed import Calls, Observed, PeriodScores, Share
from scoring.shipped import shipped
from scoring.uncertainty import Tally

AGENTS, TEAMS, CALLS = 60, 4, 150
REVIEWS = (5, 8, 12)
SATISFIED = 0.92


@dataclass
class Count:
    """How often intervals held the truth."""

    held: int = 0
    of: int = 0
    half: list[float] = field(default_factory=list)

    def add(self, score: AgentScore, truth: float) -> None:
        if score.low is None or score.high is None:
            return
        self.held += score.low - 1e-9 <= truth <= score.high + 1e-9
        self.of += 1
        self.half.append((score.high - score.low) / 2)

    def __str__(self) -> str:
        return f"{100 * self.held / self.of:5.1f} % of {self.of:5,}, ± {np.mean(self.half):.1f}"


@dataclass
class World:
    """One simulated period with the true value of every part, by agent."""

    observed: Observed
    truth: dict[str, np.ndarray]
    calls: np.ndarray  # of each agent


def make_world(rng: np.random.Generator, reviews: int) -> World:
    calls = rng.poisson(CALLS, AGENTS) + 100
    level = rng.normal(85, 6, AGENTS)
    spread = 8 * np.sqrt(rng.chisquare(6, AGENTS) / 6)
    agent = np.repeat(np.arange(AGENTS), calls)
    manual = np.clip(rng.normal(level[agent], spread[agent]), 0, 100)
    bias = rng.normal(-5, 3, AGENTS)
    auto = np.clip(manual + bias[agent] + rng.normal(0, 7, len(agent)), 0, 100)
    final = np.full(len(agent), np.nan)
    for one in range(AGENTS):
        chosen = rng.choice(np.flatnonzero(agent == one), reviews, replace=False)
        final[chosen] = manual[chosen]
    means = {}
    tested = {}
    for source in ("DT", "MS"):
        tested[source] = np.clip(level + rng.normal(0, 3, AGENTS), 0, 92)
        drawn = [rng.normal(tested[source][one], 4, rng.integers(1, 4)) for one in range(AGENTS)]
        means[source] = {one: Tally.of(list(np.clip(values, 0, 100))) for one, values in enumerate(drawn)}
    satisfied = np.clip(rng.normal(SATISFIED, 0.04, AGENTS), 0.5, 1)
    rated = rng.integers(20, 60, AGENTS)
    surveys = {one: Share(int(rng.binomial(rated[one], satisfied[one])), int(rated[one])) for one in range(AGENTS)}
    observed = Observed(
        agents=tuple(range(AGENTS)),
        calls=Calls(np.arange(len(agent)), agent.astype(np.int64), auto, auto, final, np.full(len(agent), np.nan)),
        means=means,
        surveys=surveys,
    )
    per_agent = np.bincount(agent, manual, AGENTS) / calls
    machine = np.bincount(agent, auto, AGENTS) / calls
    return World(observed, {"IM": per_agent, "AQ": machine, **tested, "SV": 100 * satisfied}, calls)


def true_score(scheme: Scheme, world: World, members: list[int]) -> float:
    """The weighted sum of the parts' true values: means over calls for IM and AQ, over what was observed for others."""
    total = 0.0
    for part in scheme.parts:
        values = world.truth[part.src][members]
        if part.src in ("IM", "AQ"):
            weights = world.calls[members]
        elif part.src == "SV":
            weights = np.array([world.observed.surveys[one].n for one in members])
        else:
            weights = np.array([world.observed.means[part.src][one].n for one in members])
        total += part.weight / 100 * float(np.average(values, weights=weights))
    return total


def main(repetitions: int = 40) -> None:
    scheme = load_scheme(shipped("indicators"))
    for reviews in REVIEWS:
        rng = np.random.default_rng(reviews)
        agents, teams, centre = Count(), Count(), Count()
        said = right = sure = 0
        for _ in range(repetitions):
            world = make_world(rng, reviews)
            scores = PeriodScores(world.observed, scheme)
            for one in range(AGENTS):
                score, truth = scores.agent(one), true_score(scheme, world, [one])
                agents.add(score, truth)
                chance = score.chance(score.grade) if score.grade else None
                if chance is not None and 0.7 <= chance < 0.9:
                    said += 1
                    sure += chance
                    right += rounded(truth) >= scheme.bands[score.grade or ""] and (
                        score.grade == scheme.grades[0]
                        or rounded(truth) < scheme.bands[scheme.grades[scheme.grades.index(score.grade or "") - 1]]
                    )
            for team in range(TEAMS):
                members = [one for one in range(AGENTS) if one % TEAMS == team]
                teams.add(scores.group(members), true_score(scheme, world, members))
            everybody = list(range(AGENTS))
            centre.add(scores.group(everybody), true_score(scheme, world, everybody))
        print(f"{reviews} reviews an agent")
        print(f"  agents  {agents}")
        print(f"  teams   {teams}")
        print(f"  centre  {centre}")
        share = f"right in {100 * right / said:.0f} % of {said:,}"
        print(f"  grade said to be {100 * sure / said:.0f} % sure on average: {share}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
