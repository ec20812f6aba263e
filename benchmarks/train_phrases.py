"""Train the matcher's logistic model (scoring/phrase_model.json) on cases made by benchmarks.phrase_corpus.

    python -m benchmarks.train_phrases --cases FOLDER [--cases FOLDER ...] [--out FILE]

Reads every train-*.jsonl in the folders (those of benchmarks.phrase_variety too), never the split "test". Which place
of a transcript is compared depends on the model, so it is trained in rounds: find the best places, fit, again. There is
a model for words with confidences and one for words without. Coefficients may not change the sign that their feature
means, so that more wrong words never make a phrase more probable. The thresholds are best in the middle of calls with
near-misses and without ("unsure" counted as not said). Prints the figures that it stores, and those of each domain
judged by a model of the others. The first round starts at the model that is there.
"""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.learn_sounds import learned
from benchmarks.phrase_corpus import HALF, NEAR, SPREAD, Case, read_cases
from scoring import kernels
from scoring.alignment import negated_before
from scoring.entries import compile_entry
from scoring.kernels import FEATURES
from scoring.phrase_model import MODEL_FILE, SOUNDS_FILE, PhraseModel
from scoring.phrases import STANDARD_SLOTS
from scoring.sounds import evidence
from scoring.spoken import Spoken
from scoring.stream import pack_of, search
from scoring.text import is_chinese, normaliser
from transcription.transcript import AGENT, Transcript

FOLDS = 5
ROUNDS = 1
SIMULATED = "simulated"  # the engine of transcripts that were made without sound
SMOOTHING = {"en": 150.0, "zh": 1500.0}  # counts; Mandarin's errors are made by a program and trusted less
NOTHING_ALIKE, DENIED_BEFORE = 0.002, 0.047  # probabilities where no model is asked
MOST_UNSURE = 0.055  # share of the training phrases
# The least probability of "said". Really recognised English garbles whole words: what is hardly more probable than not
# is too often a near-miss, and an unsure phrase costs nobody anything. Higher limits cost phrases that were said.
LEAST_SAID = {"en": 0.5, "zh": 0.4}
PENALTY = 2e-4  # of squared coefficients, on features scaled to unit spread
RISING = frozenset(
    ("rest_fit", "bits", "sound_share", "told_worst", "told_second", "told", "told_small", "told_denial", "run_clear",
     "clear", "pair_clear", "worst_clear")
)  # fmt: skip
FREE = frozenset(("log_length", "one_over_content", "confidence_known"))  # either way
# How sure the recogniser is. Real errors show what that means: either way in English. Confidences that a program made
# up for Mandarin do not: there, low confidence must never make a phrase more probable.
SURER = frozenset(("confidence", "side_confidence"))
DOUBT = "doubt"
# The cases hold more near-misses than calls do; simulated errors teach less than real ones.
WEIGHTS = {NEAR: 0.4, HALF: 0.4, SPREAD: 0.4, "simulated": 0.4}
START = {"rest_fit": 12.0, "second": -5.0, "told_worst": 1.0, "intercept": -7.5}


@dataclass
class Sample:
    """The best places of one language's training cases. Shapes: features (n, FEATURE_COUNT), the others (n).

    `fixed` holds the probability where no model is asked (nothing alike was said, or a negation stands before), else
    NaN.
    """

    features: NDArray[np.float64]
    truth: NDArray[np.bool_]
    domains: NDArray[np.str_]
    kinds: NDArray[np.str_]
    weights: NDArray[np.float64]
    fixed: NDArray[np.float64]
    real: bool  # errors of a recogniser, not of a program

    def fit(self, chosen: NDArray[np.bool_] | bool = True) -> NDArray[np.float64]:
        """Return coefficients learned from the chosen places."""
        rows = np.isnan(self.fixed) & chosen
        return fit(self.features[rows], self.truth[rows], self.weights[rows], real=self.real)

    def probabilities(self, coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how probable each phrase is by a model."""
        return np.where(np.isnan(self.fixed), probabilities(self.features, coefficients, real=self.real), self.fixed)


def gather(cases: Sequence[Case], model: PhraseModel) -> Sample:
    """Return features and truth of every plain phrase of the cases."""
    rows: list[NDArray[np.float32]] = []
    truth: list[bool] = []
    domains: list[str] = []
    kinds: list[str] = []
    weights: list[float] = []
    fixed: list[float] = []
    for case in cases:
        for name, features, denied in _best_places(case, model):
            fixed.append(NOTHING_ALIKE if not features.any() else DENIED_BEFORE if denied else np.nan)
            rows.append(features)
            truth.append(case.truth[name])
            domains.append(case.domain)
            kinds.append(case.kind[name])
            weights.append(WEIGHTS.get(case.kind[name], 1.0) * WEIGHTS.get(case.transcript.get("engine", ""), 1.0))
    return Sample(np.array(rows, np.float64), np.array(truth), np.array(domains), np.array(kinds), np.array(weights),
                  np.array(fixed), not is_chinese(cases[0].language))  # fmt: skip


def has_confidences(case: Case) -> bool:
    """Whether the recogniser reported confidences."""
    words = (word for turn in case.transcript["turns"] for word in turn.get("words", ()))
    return any(word.get("confidence") is not None for word in words)


def without_confidences(case: Case) -> Case:
    """Return a case as a recogniser gives it that reports no confidences."""
    turns = [
        {**turn, "words": [{name: value for name, value in word.items() if name != "confidence"} for word in words]}
        if (words := turn.get("words"))
        else turn
        for turn in case.transcript["turns"]
    ]
    return replace(case, transcript={**case.transcript, "turns": turns})


def _best_places(case: Case, model: PhraseModel) -> Iterator[tuple[str, NDArray[np.float32], bool]]:
    normal = normaliser(case.language)
    side = Spoken(Transcript.from_dict(case.transcript), normal).side(AGENT)
    names, entries = [], []
    for name, wordings in case.phrases.items():
        for wording in wordings:
            entry = compile_entry(wording, STANDARD_SLOTS, normal)
            if entry.words and not entry.short:
                names.append(name)
                entries.append(entry.words)
    if not entries or not side.texts:
        return
    hits = search(pack_of(tuple(entries), normal.chinese), side.stream, model)
    best: dict[str, int] = {}
    for index, (name, span) in enumerate(zip(names, hits.spans, strict=True)):
        if span[0] >= 0 and (name not in best or hits.scores[index] > hits.scores[best[name]]):
            best[name] = index
    for name, index in best.items():
        yield name, hits.features[index].copy(), negated_before(side, int(hits.spans[index][0]))


def fit(
    features: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64], *, real: bool = True
) -> NDArray[np.float64]:
    """Return coefficients and intercept of a logistic regression with the signs that the features mean."""
    spread = features.std(axis=0)
    spread[spread == 0] = 1.0
    scaled = np.hstack([features / spread, np.ones((len(features), 1))])
    signs = np.where(truth, 1.0, -1.0)
    shares = weights / weights.sum()

    def loss(coefficients: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = signs * (scaled @ coefficients)
        slope = -signs * shares / (1 + np.exp(np.clip(margin, -500, 500)))
        penalty = PENALTY * coefficients * np.append(np.ones(len(coefficients) - 1), 0)
        value = (shares * np.logaddexp(0, -margin)).sum() + 0.5 * (penalty * coefficients).sum()
        return float(value), scaled.T @ slope + penalty

    bounds = [_bounds(name, real) for name in FEATURES]
    start = np.zeros(features.shape[1] + 1)
    result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)],
                      options={"maxiter": 500})  # fmt: skip
    return np.append(result.x[:-1] / spread, result.x[-1])


def _bounds(name: str, real: bool) -> tuple[float | None, float | None]:
    if name == DOUBT and not real:
        return 0.0, 0.0
    if name in FREE or (real and (name == DOUBT or name in SURER)):
        return None, None
    return (0.0, None) if name in RISING | SURER else (None, 0.0)


def probabilities(
    features: NDArray[np.float64], coefficients: NDArray[np.float64], *, real: bool
) -> NDArray[np.float64]:
    """Return the probability of each row; a denied one cannot be probable.

    A number that may be another one misheard settles nothing in English (`real`), as in scoring.kernels.verify.
    """
    score = features @ coefficients[:-1] + coefficients[-1]
    denied = features[:, [kernels.DENIAL_ADDED, kernels.NUMBER_OTHER]].any(axis=1)
    score = np.where(denied, np.minimum(score, kernels.DENIED), score)
    doubted = features[:, [kernels.DENIAL_DOUBTED, kernels.NUMBER_CUT]].any(axis=1)
    if real:
        doubted |= features[:, kernels.NUMBER_ALIKE] > 0
    score = np.where(doubted, np.minimum(score, kernels.DOUBTED), score)
    trusted = (features[:, kernels.CONFIDENCE] >= kernels.SURE) | (features[:, kernels.CONFIDENCE_KNOWN] == 0)
    missing = (features[:, kernels.DENIAL_MISSING] > 0) & (features[:, kernels.CLEARNESS] > kernels.CLEAR) & trusted
    replaced = (features[:, kernels.ONE_OTHER] > 0) | missing
    score = np.where(replaced, np.minimum(score, kernels.REPLACED), score)
    return np.asarray(1 / (1 + np.exp(-np.clip(score, -30, 30))))


def f1(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """Return the F1 score, 0 to 1."""
    return float(2 * (truth & said).sum() / max(1, truth.sum() + said.sum()))


def thresholds(sample: Sample, probability: NDArray[np.float64], least: float) -> tuple[float, float]:
    """Return from where on a phrase is said, and unsure: best in the middle of calls with near-misses and without."""
    grid = np.arange(least, 0.81, 0.02)
    plain = sample.kinds != NEAR
    scores = [
        f1(sample.truth, probability >= limit) + f1(sample.truth[plain], probability[plain] >= limit) for limit in grid
    ]
    good = [limit for limit, score in zip(grid, scores, strict=True) if score >= max(scores) - 0.002]
    said = float(np.round(np.mean(good), 2))
    for limit in np.arange(0.02, said, 0.005):
        if ((probability >= limit) & (probability < said)).mean() <= MOST_UNSURE:
            return said, float(np.round(limit, 3))
    return said, said


def figures(truth: NDArray[np.bool_], probability: NDArray[np.float64], said: float, unsure: float) -> dict[str, Any]:
    """Return what a model reaches on cases."""
    yes = probability >= said
    maybe = (probability >= unsure) & ~yes
    edges = np.clip((probability * 10).astype(int), 0, 9)
    gaps = [
        (edges == bin).sum() * abs(probability[edges == bin].mean() - truth[edges == bin].mean())
        for bin in range(10)
        if (edges == bin).any()
    ]
    return {
        "phrases": len(truth),
        "f1": round(f1(truth, yes), 4),
        "precision": round(float(truth[yes].mean()) if yes.any() else 0.0, 4),
        "recall": round(float(yes[truth].mean()), 4),
        "unsure": round(float(maybe.mean()), 4),
        "brier": round(float(((probability - truth) ** 2).mean()), 4),
        "calibration_error": round(float(sum(gaps) / len(truth)), 4),
    }


def left_out(sample: Sample, said: float, unsure: float) -> dict[str, Any]:
    """Return the figures when the domains, in FOLDS parts, are judged by models of the others."""
    probability = np.zeros(len(sample.truth))
    domains = np.unique(sample.domains)
    for fold in range(FOLDS):
        inside = np.isin(sample.domains, domains[fold::FOLDS])
        if inside.all():
            continue
        probability[inside] = sample.probabilities(sample.fit(~inside))[inside]
    return figures(sample.truth, probability, said, unsure)


def _start(known: dict[str, Any], name: str) -> NDArray[np.float64]:
    """Return the coefficients of the model that is there, else rough ones."""
    values = {**known[name]["coefficients"], "intercept": known[name]["intercept"]} if known else START
    return np.array([values.get(feature, 0.0) for feature in (*FEATURES, "intercept")])


def train(cases: Sequence[Case], sounds: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return the model of one language as it is stored: for words with confidences and for words without."""
    tables = evidence(sounds), np.array(sounds["wrong"], np.float32)
    models, samples = {}, []
    for name, chosen in (
        ("with_confidence", [case for case in cases if has_confidences(case)]),
        ("without_confidence", [without_confidences(case) for case in cases]),
    ):
        coefficients = _start(known, name)
        for _ in range(ROUNDS):
            sample = gather(chosen, PhraseModel(coefficients, coefficients, 0.5, 0.25, *tables))
            coefficients = sample.fit()
        probability = sample.probabilities(coefficients)
        samples.append((name, len(chosen), sample, probability))
        models[name] = {
            "coefficients": {n: round(float(value), 4) for n, value in zip(FEATURES, coefficients, strict=False)},
            "intercept": round(float(coefficients[-1]), 4),
        }
    said, unsure = thresholds(samples[0][2], samples[0][3], LEAST_SAID[cases[0].language])
    for name, calls, sample, probability in samples:
        models[name] = {
            "trained_on": {"calls": calls, **figures(sample.truth, probability, said, unsure)},
            "domain_left_out": left_out(sample, said, unsure),
            **models[name],
        }
    made = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"made": made, **models, "said_from": said, "unsure_from": unsure}


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def main() -> None:
    """Train and store the models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, action="append", required=True, help="folder with train-*.jsonl")
    parser.add_argument("--out", type=Path, default=MODEL_FILE)
    parser.add_argument("--sounds", type=Path, default=SOUNDS_FILE)
    arguments = parser.parse_args()
    cases = [
        case for folder in arguments.cases for path in sorted(folder.glob("train-*.jsonl")) for case in read_cases(path)
    ]
    models, sounds = _read(arguments.out), _read(arguments.sounds)
    for language in ("en", "zh"):
        chosen = [case for case in cases if is_chinese(case.language) == (language == "zh")]
        if chosen:
            real = [case for case in chosen if case.transcript.get("engine") != SIMULATED]
            sounds[language] = learned(real, SMOOTHING[language])
            models[language] = train(chosen, sounds[language], models.get(language, {}))
            print(language, json.dumps(models[language], indent=1))
    arguments.sounds.write_text(json.dumps(sounds) + "\n", encoding="utf-8")
    arguments.out.write_text(json.dumps(models, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
