"""The matcher's logistic model: numbers in phrase_model.json, made by benchmarks/train_phrases.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.sounds import evidence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL_FILE = Path(__file__).parent / "phrase_model.json"
SOUNDS_FILE = Path(__file__).parent / "phrase_sounds.json"


@dataclass(frozen=True)
class PhraseModel:
    """How features become a probability, and where "said" and "unsure" begin."""

    with_confidence: NDArray[np.float64]  # coefficients: one per feature, then the intercept
    without_confidence: NDArray[np.float64]  # the same for a recogniser that reports no confidence
    said_from: float  # probability
    unsure_from: float
    evidence: NDArray[np.float32]  # scoring.sounds.evidence: what sounds heard say for sounds spoken
    wrong: NDArray[np.float32]  # at scoring.sounds.CONFIDENCES: log P(wrong | confidence) / P(wrong)

    @property
    def doubt(self) -> float:
        """A probability in the middle of "unsure"."""
        return round((self.said_from + self.unsure_from) / 2, 3)

    @property
    def unlikely(self) -> float:
        """The most probable "not said"."""
        return round(0.9 * self.unsure_from, 3)


@cache
def phrase_model(chinese: bool) -> PhraseModel:
    """Return the shipped model of a language.

    Raises:
        ValueError: the file was made for other features than this program computes.
    """
    import numpy as np

    from scoring.kernels import FEATURES

    language = "zh" if chinese else "en"
    data = json.loads(MODEL_FILE.read_text(encoding="utf-8"))[language]
    sounds = json.loads(SOUNDS_FILE.read_text(encoding="utf-8"))[language]
    return PhraseModel(
        _coefficients(data["with_confidence"], FEATURES),
        _coefficients(data["without_confidence"], FEATURES),
        data["said_from"],
        data["unsure_from"],
        evidence(sounds),
        np.array(sounds["wrong"], np.float32),
    )


def _coefficients(part: dict[str, Any], features: Sequence[str]) -> NDArray[np.float64]:
    import numpy as np

    if list(part["coefficients"]) != list(features):
        raise ValueError(f"{MODEL_FILE.name}: made for other features; run python -m benchmarks.train_phrases again")
    return np.array([*part["coefficients"].values(), part["intercept"]], np.float64)
