"""How often intervals of agreement beyond chance hold the true value: the one in use, a bootstrap and a jackknife.

    python -m benchmarks.agreement [ROUNDS]

Made up: an item is truly met in a share of calls (prevalence), and each person errs with a chance that may differ from
call to call. The true alpha is that of 200,000 calls. Undefined samples, in which only one answer occurs, are left out.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from scoring.chance_agreement import cohen_kappa, gwet_ac1, krippendorff_alpha
from scoring.intraclass import intraclass

RESAMPLES = 400
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    calls: int
    people: int
    prevalence: float
    error: float
    items: int = 1  # of each call
    alike: float = 0.0  # correlation of the errors within a call

    def answers(self, chance: np.random.Generator, calls: int | None = None) -> NDArray[np.bool_]:
        """Return answers, calls × items × people."""
        n = calls or self.calls
        error: Floats | float = self.error
        if self.alike:
            size = (1 - self.alike) / self.alike
            error = chance.beta(self.error * size, (1 - self.error) * size, (n, 1, 1))
        truth = chance.random((n, self.items, 1)) < self.prevalence
        return truth ^ (chance.random((n, self.items, self.people)) < error)


def coincidences(answers: NDArray[np.bool_]) -> Floats:
    """Return the coincidence matrix of each call."""
    people = answers.shape[-1]
    met = answers.sum(axis=-1).astype(float)
    counts = np.stack([people - met, met], axis=-1)
    pairs = counts[..., :, None] * counts[..., None, :]
    pairs[..., 0, 0] -= counts[..., 0]
    pairs[..., 1, 1] -= counts[..., 1]
    return np.asarray((pairs / (people - 1)).sum(axis=1))


def alpha(total: Floats) -> Floats:
    """Return Krippendorff's alpha of coincidence matrices, nan where only one answer occurs."""
    n, sums = total.sum((-1, -2)), total.sum(-1)
    unlike = n * (n - 1) - (sums * (sums - 1)).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(unlike > 0, 1 - (n - np.trace(total, axis1=-2, axis2=-1)) * (n - 1) / unlike, np.nan)


def bootstrap(parts: Floats, chance: np.random.Generator) -> tuple[float, float]:
    calls = len(parts)
    drawn = chance.multinomial(calls, np.full(calls, 1 / calls), RESAMPLES).astype(float)
    values = alpha(np.tensordot(drawn, parts, 1))
    values = values[~np.isnan(values)]
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))


def jackknife(parts: Floats) -> tuple[float, float]:
    total = parts.sum(axis=0)
    values = alpha(total - parts)
    values = values[~np.isnan(values)]
    n = len(values)
    error = float(np.sqrt((n - 1) / n * ((values - values.mean()) ** 2).sum()))
    reach = float(stdtrit(n - 1, 0.975)) * error
    value = float(alpha(total[None])[0])
    return value - reach, value + reach


def measure(world: World, rounds: int, chance: np.random.Generator) -> None:
    truth = float(alpha(sum(coincidences(world.answers(chance, 5_000)) for _ in range(40)).sum(axis=0)[None])[0])
    held = {"Wilson carried over": 0, "bootstrap": 0, "jackknife": 0}
    width = dict.fromkeys(held, 0.0)
    defined = 0
    for _ in range(rounds):
        answers = world.answers(chance)
        parts = coincidences(answers)
        if np.isnan(alpha(parts.sum(axis=0)[None])[0]):
            continue
        defined += 1
        units = answers.reshape(-1, world.people).astype(int).tolist()
        found = krippendorff_alpha(units, calls=[unit // world.items for unit in range(len(units))])
        assert found is not None
        limits = [(found.interval.low, found.interval.high), bootstrap(parts, chance), jackknife(parts)]
        for name, (low, high) in zip(held, limits, strict=True):
            held[name] += low <= truth <= high
            width[name] += high - low
    shown = "  ".join(f"{100 * held[name] / defined:5.1f} % ({width[name] / defined:.2f})" for name in held)
    print(
        f"{world.calls:5} {world.people:6} {world.prevalence:10} {world.error:6} {world.items:6} {world.alike:6} "
        f"{truth:6.2f}  {shown}"
    )


def measure_others(rounds: int, chance: np.random.Generator) -> None:
    """Print the coverage of kappa and AC1 (20 calls, two people) and of ICC(2,1) and ICC(3,1) (15 calls, four)."""
    world = World(20, 2, 0.8, 0.1)
    big = world.answers(chance, 200_000).reshape(-1, 2)
    same = float((big[:, 0] == big[:, 1]).mean())
    met = float(big.mean())
    kappa = (same - met**2 - (1 - met) ** 2) / (1 - met**2 - (1 - met) ** 2)
    ac1 = (same - 2 * met * (1 - met)) / (1 - 2 * met * (1 - met))
    held = {"Cohen's kappa": 0, "AC1": 0, "ICC(2,1)": 0, "ICC(3,1)": 0}
    defined = dict.fromkeys(held, 0)
    for _ in range(rounds):
        units = world.answers(chance).reshape(-1, 2).astype(int)
        first, second = units[:, 0].tolist(), units[:, 1].tolist()
        for name, found, truth in (
            ("Cohen's kappa", cohen_kappa(first, second), kappa),
            ("AC1", gwet_ac1(units.tolist()), ac1),
        ):
            if found is not None:
                defined[name] += 1
                held[name] += found.interval.low <= truth <= found.interval.high
        scores = (
            75
            + chance.normal(0, 60**0.5, (15, 1))
            + chance.normal(0, 10**0.5, (1, 4))
            + chance.normal(0, 30**0.5, (15, 4))
        )
        both = intraclass(scores.tolist())
        assert both is not None
        for name, one, truth in (("ICC(2,1)", both.agreement, 0.6), ("ICC(3,1)", both.consistency, 60 / 90)):
            defined[name] += 1
            held[name] += one.interval.low <= truth <= one.interval.high
    print("  ".join(f"{name} {100 * held[name] / defined[name]:.1f} %" for name in held))


def main(rounds: int) -> None:
    chance = np.random.default_rng(7)
    print("calls people prevalence  error  items  alike  alpha  Wilson carried over, bootstrap, jackknife (width)")
    for prevalence, error in ((0.5, 0.1), (0.8, 0.03), (0.8, 0.1), (0.95, 0.03), (0.95, 0.1)):
        for calls, people in ((10, 2), (20, 2), (20, 4), (60, 2)):
            measure(World(calls, people, prevalence, error), rounds, chance)
    for calls in (10, 30):
        measure(World(calls, 3, 0.8, 0.1, items=8, alike=0.1), rounds, chance)
    measure_others(rounds, chance)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
