"""Foresee the score that a person would give a call, from what the machine knows of it, and say how well that works.

A ridge regression on the automatic marks and measures (standardised) and on the words (TF-IDF of groups of one to three
characters, the same for Chinese and English). From the predicted score a logistic curve reads the probability that the
call is *low*: what a draw in proportion to risk goes by. The curve and every figure of `Skill` rest on predictions for
calls that the model had not seen, nor any other call of the same agent (grouped cross-validation), so that it cannot
shine by knowing the agents.

A model is kept as plain numbers, not as a pickle: nothing in it can run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]

MIN_REVIEWS = 100
MIN_LOW = 20  # calls with a low score, and as many with a better one
NEWEST = 5_000  # more reviews do not make it better, but slower
FOLDS = 5
MAX_TERMS = 5_000
RESAMPLES = 400  # of the bootstrap intervals
ALPHAS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
LOW = 80.0  # below this score a call counts as low: the lowest grade
_SEED = 47


class TooFewReviews(ValueError):
    """A model cannot be trained on so little; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the machine knows of one call."""

    numbers: Mapping[str, float]  # marks and measures by name; what is missing counts as the mean
    text: str


class Skill(BaseModel):
    """How well scores were foreseen, all out of fold."""

    model_config = ConfigDict(frozen=True)

    reviews: int
    low: int  # how many of them have a low score
    agents: int
    error: float  # mean absolute error, in points
    error_of_mean: float  # the same when the mean of the others is said of every call
    explained: float  # share of the variance, 1 at best; below 0: worse than the mean
    auc: float  # the chance that a low call gets a higher risk than another one
    auc_low: float  # 95 % interval by bootstrap
    auc_high: float
    lift: float  # low calls per review when drawn in proportion to risk, as a multiple of drawing at random
    lift_low: float
    lift_high: float

    @property
    def useful(self) -> bool:
        """Whether it does better than chance beyond doubt."""
        return self.auc_low > 0.5


class RiskWeights(BaseModel):
    """A trained model."""

    model_config = ConfigDict(frozen=True)

    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    terms: tuple[str, ...]
    idf: tuple[float, ...]
    slopes: tuple[float, ...]  # of the numbers, then of the terms
    intercept: float
    curve: tuple[float, float]  # of the logistic curve: intercept and slope
    low: float

    def scores(self, calls: Sequence[Known]) -> Floats:
        """Return the score that a person would give each call."""
        if not calls:
            return np.zeros(0)
        numbers = _standardised(_numbers(calls, self.names, self.means), np.array(self.means), np.array(self.scales))
        found = numbers @ np.array(self.slopes[: len(self.names)]) + self.intercept
        if self.terms:
            found = found + _tfidf(self.terms, self.idf).transform([one.text for one in calls]) @ np.array(
                self.slopes[len(self.names) :]
            )
        return np.asarray(found, float)

    def risks(self, calls: Sequence[Known]) -> Floats:
        """Return the probability that each call is low."""
        return _curve(self.scores(calls), self.curve)


@dataclass(frozen=True, slots=True)
class Trained:
    weights: RiskWeights
    skill: Skill
    out_of_fold: Floats  # predicted scores, in the order of the calls
    risks: Floats  # from these


def train(calls: Sequence[Known], scores: Sequence[float], agents: Sequence[str], *, low: float = LOW) -> Trained:
    """Return a model of `scores` and its skill.

    Args:
        agents: whose calls they are; calls of one agent are never on both sides of a fold.
        low: scores below it are what a review is to find.

    Raises:
        TooFewReviews: there are fewer than MIN_REVIEWS calls, or MIN_LOW low or better ones, or two agents.
    """
    found = np.asarray(scores, float)
    is_low = found < low
    _enough(is_low, agents)
    predicted = np.empty(len(found))
    for seen, unseen in _folds(agents):
        fitted = _fit([calls[i] for i in seen], found[seen])
        predicted[unseen] = fitted.scores([calls[i] for i in unseen])
    curve = _fit_curve(predicted, is_low)
    risks = _curve(predicted, curve)
    weights = _fit(calls, found).model_copy(update={"curve": curve, "low": low})
    return Trained(weights, _skill(found, predicted, risks, is_low, agents), predicted, risks)


def _enough(is_low: NDArray[np.bool_], agents: Sequence[str]) -> None:
    count, found = len(is_low), int(is_low.sum())
    if count < MIN_REVIEWS:
        raise TooFewReviews(f"{count} reviews are too few to learn from: at least {MIN_REVIEWS} are needed")
    if min(found, count - found) < MIN_LOW:
        raise TooFewReviews(
            f"{found} of {count} reviews are low: at least {MIN_LOW} low and {MIN_LOW} better ones are needed"
        )
    if len(set(agents)) < 2:
        raise TooFewReviews("all reviews are of one agent: at least two agents are needed")


def _folds(agents: Sequence[str]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    from sklearn.model_selection import GroupKFold

    splitter = GroupKFold(min(FOLDS, len(set(agents))))
    return list(splitter.split(np.zeros(len(agents)), groups=np.asarray(agents)))


def _fit(calls: Sequence[Known], scores: Floats) -> RiskWeights:
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import RidgeCV

    names = tuple(sorted({name for one in calls for name in one.numbers}))
    means, scales = _centre(calls, names)
    terms, idf = _vocabulary([one.text for one in calls])
    columns = _standardised(_numbers(calls, names, means), np.array(means), np.array(scales))
    matrix: csr_matrix = csr_matrix(columns)
    if terms:
        matrix = hstack([matrix, _tfidf(terms, idf).transform([one.text for one in calls])], format="csr")
    if not matrix.shape[1]:
        slopes, intercept = np.zeros(0), float(scores.mean())
    else:
        dense = matrix.toarray() if matrix.shape[0] * matrix.shape[1] < 30_000_000 else matrix
        model = RidgeCV(alphas=ALPHAS).fit(dense, scores)
        slopes, intercept = model.coef_, float(model.intercept_)
    return RiskWeights(
        names=names,
        means=means,
        scales=scales,
        terms=terms,
        idf=idf,
        slopes=tuple(map(float, slopes)),
        intercept=intercept,
        curve=(0.0, 0.0),
        low=LOW,
    )


def _numbers(calls: Sequence[Known], names: Sequence[str], means: Sequence[float]) -> Floats:
    rows = [[one.numbers.get(name, mean) for name, mean in zip(names, means, strict=True)] for one in calls]
    return np.array(rows, float).reshape(len(calls), len(names))


def _standardised(columns: Floats, means: Floats, scales: Floats) -> Floats:
    # A value far outside what was learnt from must not decide alone.
    return np.clip((columns - means) / scales, -4, 4)


def _centre(calls: Sequence[Known], names: Sequence[str]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    means, scales = [], []
    for name in names:
        known = np.array([one.numbers[name] for one in calls if name in one.numbers])
        means.append(float(known.mean()))
        scales.append(float(known.std()) or 1.0)
    return tuple(means), tuple(scales)


def _tfidf(terms: Sequence[str], idf: Sequence[float] | None = None) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    options = {"analyzer": "char_wb", "ngram_range": (1, 3), "sublinear_tf": True}
    if not terms:
        return TfidfVectorizer(**options, min_df=3, max_features=MAX_TERMS)
    made = TfidfVectorizer(**options, vocabulary={term: i for i, term in enumerate(terms)})
    made.idf_ = np.array(idf, float)
    return made


def _vocabulary(texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return the terms that occur in three calls at least and their weights; none when there is no text."""
    if sum(bool(text.strip()) for text in texts) < MIN_REVIEWS // 2:
        return (), ()
    made = _tfidf(()).fit(texts)
    return tuple(map(str, made.get_feature_names_out())), tuple(map(float, made.idf_))


def _fit_curve(predicted: Floats, is_low: NDArray[np.bool_]) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    scale = float(predicted.std()) or 1.0
    model = LogisticRegression().fit(((predicted - predicted.mean()) / scale).reshape(-1, 1), is_low)
    slope = float(model.coef_[0, 0]) / scale
    if slope >= 0:
        # Predictions without skill lean the wrong way out of fold: each fold's mean moves against what it left out.
        share = float(is_low.mean())
        return float(np.log(share / (1 - share))), 0.0
    return float(model.intercept_[0]) - slope * float(predicted.mean()), slope


def _curve(scores: Floats, curve: tuple[float, float]) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(curve[0] + curve[1] * scores), float)


def _skill(scores: Floats, predicted: Floats, risks: Floats, is_low: NDArray[np.bool_], agents: Sequence[str]) -> Skill:
    from sklearn.metrics import roc_auc_score

    of_mean = np.empty(len(scores))
    for seen, unseen in _folds(agents):
        of_mean[unseen] = scores[seen].mean()
    rng = np.random.default_rng(_SEED)
    aucs, lifts = [], []
    for _ in range(RESAMPLES):
        again = rng.integers(0, len(scores), len(scores))
        if 0 < is_low[again].sum() < len(again):
            aucs.append(roc_auc_score(is_low[again], risks[again]))
            lifts.append(_lift(is_low[again], risks[again]))
    (auc_low, auc_high), (lift_low, lift_high) = np.percentile([aucs, lifts], [2.5, 97.5], axis=1).T
    return Skill(
        reviews=len(scores),
        low=int(is_low.sum()),
        agents=len(set(agents)),
        error=float(np.abs(scores - predicted).mean()),
        error_of_mean=float(np.abs(scores - of_mean).mean()),
        explained=float(1 - ((scores - predicted) ** 2).sum() / ((scores - of_mean) ** 2).sum()),
        auc=float(roc_auc_score(is_low, risks)),
        auc_low=float(auc_low),
        auc_high=float(auc_high),
        lift=_lift(is_low, risks),
        lift_low=float(lift_low),
        lift_high=float(lift_high),
    )


def _lift(is_low: NDArray[np.bool_], risks: Floats, floor: float = 0.25) -> float:
    """Return how many times as many low calls a draw in proportion to risk finds, with the usual floor."""
    weights = floor / len(risks) + (1 - floor) * risks / risks.sum()
    return float((weights * is_low).sum() / is_low.mean())
