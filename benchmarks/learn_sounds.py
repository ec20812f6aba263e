"""Learn how a recogniser mishears, for benchmarks.train_phrases: what was spoken aligned with what was heard.

Sound by sound: how often a phone (in Mandarin an initial, a final, a tone) is heard as another one, is lost or added,
as log-likelihood ratios against what is heard anyhow. Words of which nothing is left are left out: they teach nothing
about sounds. Word by word: how often a word is wrong that was recognised with this confidence.

Counts are smoothed towards the costs of scoring.sounds, by which sounds are confused that are made alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from benchmarks.phrase_corpus import Case
from scoring.sounds import CONFIDENCES, FINALS, INITIALS, PHONES, SYMBOLS, TONES, costs, final_symbol
from scoring.spoken import Spoken
from scoring.stream import as_spoken, unit_symbols
from scoring.text import is_chinese, normaliser
from transcription.transcript import AGENT, CUSTOMER, Transcript

HALF = 0.7  # cost of a sound lost or added
GARBLED = {"en": 0.45, "zh": 0.3}  # mean cost of a word's sounds from which it says nothing about them
STEEPNESS = 9.0  # the smoothing makes a sound at cost 1 this much (natural log) less likely than the right one
RAREST = -4.0  # the least log probability of a sound lost or added
USUALLY_WRONG = 0.2  # share of words, where no confidences are known
DOUBTED = 40.0  # words that the smoothing of each confidence stands for

Units = Sequence[str]
Pair = tuple[int, int]  # symbol spoken, symbol heard; -1 for none


def spoken_and_heard(cases: Iterable[Case]) -> Iterator[tuple[Units, Units, NDArray[np.float64]]]:
    """Yield of each side of each case: the units spoken, those heard, and the confidences of these."""
    for case in cases:
        normal = normaliser(case.language)
        transcript = Spoken(Transcript.from_dict(case.transcript), normal)
        for speaker in (AGENT, CUSTOMER):
            spoken = [word for turn in case.spoken if turn["speaker"] == speaker for word in normal.words(turn["text"])]
            side = transcript.side(speaker)
            if spoken and side.texts:
                yield spoken, side.texts, side.confidences


def learned(cases: Sequence[Case], pseudo: float) -> dict[str, Any]:
    """Return the tables of one language as they are stored; `pseudo` counts smooth each sound."""
    chinese = is_chinese(cases[0].language)
    swaps = np.zeros((SYMBOLS, SYMBOLS))
    lost, added = np.zeros(SYMBOLS), np.zeros(SYMBOLS)
    sure: list[tuple[float, bool]] = []
    for spoken, heard, confidences in spoken_and_heard(cases):
        same = {
            at for code in Levenshtein.opcodes(spoken, heard) if code.tag == "equal"
            for at in range(code.dest_start, code.dest_end)
        }  # fmt: skip
        sure.extend((value, at in same) for at, value in enumerate(confidences) if not np.isnan(value))
        for one, other in _pairs(spoken, heard, chinese):
            if one < 0:
                added[other] += 1
            elif other < 0:
                lost[one] += 1
            else:
                swaps[one, other] += 1
    tables: dict[str, Any] = {"wrong": _wrong(sure)}
    heard_of = swaps.sum()
    tables["lost"] = round(max(RAREST, float(np.log((lost.sum() + 1) / heard_of))), 3)
    tables["added"] = round(max(RAREST, float(np.log((added.sum() + 1) / heard_of))), 3)
    if chinese:
        firsts = list(INITIALS.values())
        tables["initials"] = _ratios(swaps[np.ix_(firsts, firsts)], costs()[np.ix_(firsts, firsts)], pseudo)
        finals = np.array([[final_symbol(name, tone) for tone in range(TONES)] for name in FINALS])
        by_final = swaps[finals[:, :, None, None], finals[None, None, :, :]]  # final, tone, final, tone
        plain = costs()[np.ix_(finals[:, 1], finals[:, 1])]
        tables["finals"] = _ratios(by_final.sum(axis=(1, 3)), plain, pseudo)
    else:
        count = len(PHONES)
        tables["phones"] = _ratios(swaps[:count, :count], costs()[:count, :count], pseudo)
    return tables


def _ratios(swaps: NDArray[np.float64], cost: NDArray[np.floating[Any]], pseudo: float) -> list[list[float]]:
    """Return log P(heard | spoken) / P(heard) of counts (spoken, heard), smoothed."""
    anyhow = swaps.sum(axis=0) + 5.0
    anyhow /= anyhow.sum()
    expected = anyhow * np.exp(-STEEPNESS * cost)
    expected /= expected.sum(axis=1, keepdims=True)
    likely = (swaps + pseudo * expected) / (swaps.sum(axis=1, keepdims=True) + pseudo)
    return np.round(np.log(likely / anyhow), 2).tolist()


def _wrong(sure: Sequence[tuple[float, bool]]) -> list[float]:
    """Return at each of CONFIDENCES: log P(wrong | confidence) / P(wrong), then P(wrong)."""
    if not sure:
        return [*[0.0] * len(CONFIDENCES), USUALLY_WRONG]
    from sklearn.isotonic import IsotonicRegression

    values, right = np.array(sure).T
    base = 1 - right.mean()
    knots = np.abs(values[:, None] - np.array(CONFIDENCES)).argmin(axis=1)
    counts = np.bincount(knots, minlength=len(CONFIDENCES))
    wrong = np.bincount(knots, weights=1 - right, minlength=len(CONFIDENCES))
    rate = (wrong + DOUBTED * base) / (counts + DOUBTED)
    falling = IsotonicRegression(increasing=False).fit_transform(CONFIDENCES, rate, sample_weight=counts + 1.0)
    return [*np.round(np.log(falling / base), 3).tolist(), round(float(base), 3)]


def _pairs(spoken: Units, heard: Units, chinese: bool) -> Iterator[Pair]:
    """Yield the sounds of two rows of units, aligned; without those of words that are not to be recognised any more."""
    said, homes = _symbols(spoken, chinese)
    caught, _ = _symbols(heard, chinese)
    pairs = _aligned(said, caught, costs())
    price = np.zeros(len(spoken))
    size = np.zeros(len(spoken))
    at = -1
    owners = []
    for one, other in pairs:
        at += one >= 0
        home = homes[max(at, 0)]
        owners.append(home)
        if one < 0 or other < 0:
            price[home] += HALF
        else:
            price[home] += costs()[one, other]
        size[home] += one >= 0
    clear = price <= GARBLED["zh" if chinese else "en"] * size
    return (pair for pair, home in zip(pairs, owners, strict=True) if clear[home])


def _symbols(units: Units, chinese: bool) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
    spelled = [unit_symbols(unit, chinese) for unit in (as_spoken(units) if chinese else units)]
    flat = [(symbol, number) for number, symbols in enumerate(spelled) for symbol in symbols]
    return np.array([s for s, _ in flat], np.int16), np.array([n for _, n in flat], np.int32)


def _aligned(said: NDArray[np.int16], caught: NDArray[np.int16], cost: NDArray[np.float32]) -> list[Pair]:
    one, other = _trace(said, caught, cost, np.float32(HALF))
    return list(zip(one.tolist(), other.tolist(), strict=True))


@numba.njit
def _trace(said, caught, cost, half):  # type: ignore[no-untyped-def]
    """Align two whole rows of symbols; return the symbols of both, -1 for none."""
    rows, columns = said.shape[0], caught.shape[0]
    price = np.zeros((rows + 1, columns + 1), np.float32)
    moves = np.zeros((rows + 1, columns + 1), np.uint8)
    for i in range(1, rows + 1):
        price[i, 0] = i * half
        moves[i, 0] = 1
    for j in range(1, columns + 1):
        price[0, j] = j * half
        moves[0, j] = 2
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            swap = price[i - 1, j - 1] + cost[said[i - 1], caught[j - 1]]
            drop = price[i - 1, j] + half
            extra = price[i, j - 1] + half
            if swap <= drop and swap <= extra:
                price[i, j] = swap
            elif drop <= extra:
                price[i, j] = drop
                moves[i, j] = 1
            else:
                price[i, j] = extra
                moves[i, j] = 2
    one = np.full(rows + columns, -1, np.int32)
    other = np.full(rows + columns, -1, np.int32)
    i, j, at = rows, columns, rows + columns
    while i > 0 or j > 0:
        at -= 1
        move = moves[i, j]
        if move != 2:
            i -= 1
            one[at] = said[i]
        if move != 1:
            j -= 1
            other[at] = caught[j]
    return one[at:], other[at:]
