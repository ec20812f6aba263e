"""Defects found per 100 reviews: random drawing against drawing in proportion to risk, on calls not learnt from.

python -m benchmarks.sampling [--data FOLDER] [--draws N]

A made-up hotline: 60 agents with a level and a spread of their own take 40 calls a week; about one call in ten is low
(below 80). Automatic scores correlate with the reviews' by 0.5, 0.7 or 0.85 and are off by an agent-specific bias. The
model learns from 1,200 random reviews of other agents. Each of N weeks draws 5 calls an agent by each design, and
estimates the share of low calls and the mean, weighted by the inverse probabilities (Hájek). The sd is over the draws:
a bias within two sd / sqrt(draws) is chance.

With --data also real chats with satisfaction labels of people (folders text-zh/jddc-satisfaction and
text-en/uss-satisfaction): five folds, the model learns from four and draws from the fifth, from words and counts alone.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np

from scoring.risk import Known, train
from scoring.sampling import RISK_UNIT, Design, DesignKind, Frame, Unit, draw

AGENTS, CALLS, HISTORY, EACH = 60, 40, 1_200, 5
LOW = 80.0


@dataclass(frozen=True)
class Calls:
    known: list[Known]
    scores: list[float]  # 0 to 100, by people
    agents: list[str]


@dataclass
class Found:
    """What the draws of one design came to."""

    low: list[float]  # per 100 reviews
    share: list[float]  # estimated share of low calls, in percent
    value: list[float]  # estimated mean


def hotline(agents: int, calls: int, correlation: float, seed: int) -> Calls:
    rng = np.random.default_rng(seed)
    known, scores, names = [], [], []
    for i in range(agents):
        level, spread, bias = rng.normal(90, 3), rng.uniform(5, 11), rng.normal(0, 3)
        hidden = rng.gamma(2.0, 1 / np.sqrt(2), calls) - np.sqrt(2)  # skewed: bad calls are far from the rest
        noise = rng.normal(0, np.sqrt(1 / correlation**2 - 1), calls)
        for bad, error in zip(hidden, noise, strict=True):
            scores.append(float(np.clip(level - spread * bad, 0, 100)))
            known.append(Known({"raw": float(level + bias - spread * (bad + error)), "length": rng.gamma(4, 60)}, ""))
            names.append(f"{seed}-{i}")
    return Calls(known, scores, names)


def compare(calls: Calls, risks: Sequence[float], low: float, draws: int, each: int) -> dict[str, Found]:
    units = tuple(
        Unit(f"{i:06}", agent, "", round(float(risk) * RISK_UNIT))
        for i, (agent, risk) in enumerate(zip(calls.agents, risks, strict=True))
    )
    frame = Frame(units, dict.fromkeys(calls.agents, each))
    designs = {
        "random": Design(),
        "risk, floor 25 %": Design(DesignKind.RISK, 25),
        "risk, floor 10 %": Design(DesignKind.RISK, 10),
    }
    found = {name: Found([], [], []) for name in designs}
    for seed in range(draws):
        for name, design in designs.items():
            sample = draw(frame, design, f"benchmark {seed}").sample
            scores = np.array([calls.scores[int(one.unit.key)] for one in sample])
            weights = np.array([1 / float(one.probability) for one in sample])
            found[name].low.append(100 * float((scores < low).mean()))
            found[name].share.append(100 * float((weights * (scores < low)).sum() / weights.sum()))
            found[name].value.append(float((weights * scores).sum() / weights.sum()))
    return found


def report(title: str, calls: Calls, found: dict[str, Found], low: float, auc: str) -> None:
    truth_low = 100 * mean(score < low for score in calls.scores)
    truth = mean(calls.scores)
    print(f"\n{title}: {len(calls.scores)} calls, {truth_low:.1f} % low, mean {truth:.2f}; AUC {auc}")
    print("design             low/100  times  est. low %    bias    sd    mean    bias    sd")
    base = mean(found["random"].low)
    for name, one in found.items():
        print(
            f"{name:18} {mean(one.low):8.1f} {mean(one.low) / base:6.2f} {mean(one.share):11.2f}"
            f" {mean(one.share) - truth_low:+7.2f} {np.std(one.share):5.2f} {mean(one.value):7.2f}"
            f" {mean(one.value) - truth:+7.2f} {np.std(one.value):5.2f}"
        )


def made_up(draws: int) -> None:
    for correlation in (0.5, 0.7, 0.85):
        past = hotline(HISTORY // 20, 20, correlation, seed=1)
        trained = train(past.known, past.scores, past.agents, low=LOW)
        week = hotline(AGENTS, CALLS, correlation, seed=2)
        risks = trained.weights.risks(week.known)
        auc = f"{trained.skill.auc:.2f} ({trained.skill.auc_low:.2f}-{trained.skill.auc_high:.2f})"
        report(
            f"made-up hotline, correlation {correlation}",
            week,
            compare(week, [float(risk) for risk in risks], LOW, draws, EACH),
            LOW,
            auc,
        )


def chats_of_jddc(file: Path) -> Iterator[tuple[Known, float]]:
    """Yield the chats with their overall label; of a long one the last exchanges, as the set gives them."""
    for line in file.read_text(encoding="utf-8").splitlines():
        said, _acts, label = line.rsplit("\t", 2)
        turns = [str(turn).partition("|||") for turn in ast.literal_eval(said)]
        if turns[-1][0].startswith("OVERALL"):
            yield known_chat([turn[0] for turn in turns[:-1]], [turn[2] for turn in turns[:-1]]), 50.0 * int(label)


def chats_of_uss(file: Path) -> Iterator[tuple[Known, float]]:
    for block in file.read_text(encoding="utf-8").split("\n\n"):
        rows = [row.split("\t") for row in block.splitlines() if row.strip()]
        overall = next((row for row in rows if row[1] == "OVERALL"), None)
        if overall is None:
            continue
        ratings = [int(rating) for rating in overall[3].split(",")]
        customer = [row[1] for row in rows if row[0] == "USER" and row[1] != "OVERALL"]
        agent = [row[1] for row in rows if row[0] != "USER"]
        yield known_chat(customer, agent), 25.0 * (mean(ratings) - 1)


def known_chat(customer: Sequence[str], agent: Sequence[str]) -> Known:
    asked, answered = sum(map(len, customer)), sum(map(len, agent))
    numbers = {
        "turns": float(len(customer)),
        "asked": float(np.log1p(asked)),
        "answered": float(np.log1p(answered)),
        "share": answered / max(1, asked + answered),
        "unanswered": float(sum(not one.strip() for one in agent)),
        "repeated": float(len(customer) - len(set(customer))),
        "last": float(len(customer[-1]) if customer else 0),
    }
    return Known(numbers, "\n".join([*customer, *agent]))


def real(title: str, chats: list[tuple[Known, float]], low: float, draws: int) -> None:
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import KFold

    known, scores = [one for one, _ in chats], [score for _, score in chats]
    risks = np.empty(len(chats))
    # Of no agents: each chat is its own for the inner folds, and the outer folds are drawn from like agents.
    folds = [""] * len(chats)
    for fold, (seen, unseen) in enumerate(KFold(5, shuffle=True, random_state=47).split(known)):
        trained = train([known[i] for i in seen], [scores[i] for i in seen], [str(i) for i in seen], low=low)
        risks[unseen] = trained.weights.risks([known[i] for i in unseen])
        for i in unseen:
            folds[i] = f"fold-{fold}"
    calls = Calls(known, scores, folds)
    auc = roc_auc_score(np.array(scores) < low, risks)
    found = compare(calls, [float(risk) for risk in risks], low, draws, 10)
    report(title, calls, found, low, f"{auc:.2f} (held out)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="Folder with text-zh and text-en.")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--only-data", action="store_true", help="Leave the made-up hotline out.")
    options = parser.parse_args()
    if not options.only_data:
        made_up(options.draws)
    if options.data:
        jddc = list(chats_of_jddc(options.data / "text-zh/jddc-satisfaction/valid_jddc.txt"))
        real("JDDC chats, dissatisfied", jddc, 25.0, options.draws)
        real("JDDC chats, not satisfied", jddc, 75.0, options.draws)
        for file in sorted((options.data / "text-en/uss-satisfaction").glob("*.txt")):
            rated = list(chats_of_uss(file))
            real(f"USS {file.stem}, below the middle", rated, 49.0, options.draws)


if __name__ == "__main__":
    main()
