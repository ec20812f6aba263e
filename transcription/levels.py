"""Levels of one channel: loudness over speech, its swing, the noise floor and clipping.

Levels are in dBFS where 0 dBFS is the power of a full-scale square wave (a mean square of 1): a full-scale sine reads
-3.0. The channel's constant offset is taken out first, since cheap recorders have one. There is no frequency
weighting, and speech is what voice activity detection says it is; so these are not the figures of ITU-T P.56 or
EBU R 128, though the blocks of 0.4 s with a relative gate follow the idea of EBU Tech 3342.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transcription.intervals import Intervals, covers, total, union

FRAME_SECONDS = 0.02
BLOCK_FRAMES = 20  # 0.4 s, a momentary level
BLOCK_STEP = 5  # frames from one block to the next: 0.1 s
SWING_GATE_DB = -20.0  # blocks this far below the mean over speech are pauses within it
LEAST_BLOCKS = 10  # for a percentile to mean anything: about 1.3 s of speech

NOISE_MARGIN = 0.2  # seconds around speech that may hold its beginning or end and are no noise
NOISE_PERCENTILE = 25  # of the frames without speech, so that ringing or music does not pass for the noise floor
NOISE_PERCENTILE_IN_SPEECH = 10  # of all frames, when too little of the channel is without speech
LEAST_NOISE_FRAMES = 25  # 0.5 s
QUIETEST_POWER = 1e-9  # -90 dBFS, about one step of 16 bits: digital silence is not infinitely quiet
HIGHEST_SNR_DB = 60.0  # more than a telephone carries

CLIPPING_FROM = 0.97  # of full scale; G.711 decodes its loudest code to 0.98
CLIPPING_TOLERANCE = 2.0**-12  # below the peak that still counts as the peak
CLIPPING_RUN = 3  # neighbouring samples at the peak: a sine wave that just fits touches it with one or two


class ChannelLevels:
    """The frame powers of one channel with a mask of its speech, from which each figure follows."""

    def __init__(self, samples: NDArray[np.float32], rate: int, speech: Intervals) -> None:
        self.samples = samples
        self.rate = rate
        self.speech = speech
        length = round(rate * FRAME_SECONDS)
        self.power = _frame_powers(samples, length)
        self.centres: NDArray[np.float64] = (np.arange(len(self.power), dtype=np.float64) + 0.5) * (length / rate)
        self.in_speech = covers(speech, self.centres)

    def loudness(self) -> float | None:
        """Return the mean power over speech in dBFS; None without speech or when speech is digital silence."""
        power = self._speech_power()
        return None if power is None else 10 * float(np.log10(power))

    def swing(self) -> float | None:
        """Return the 95th minus the 5th percentile, in dB, of the levels of blocks of 0.4 s that lie in speech.

        Blocks more than 20 dB below the mean over speech are left out; None with fewer than 10 blocks.
        """
        mean = self._speech_power()
        if mean is None:
            return None
        blocks = _block_means(self.power)[_block_means(self.in_speech.astype(np.float64)) > 1 - 1e-6]
        blocks = blocks[blocks > mean * 10 ** (SWING_GATE_DB / 10)]
        if len(blocks) < LEAST_BLOCKS:
            return None
        low, high = np.percentile(blocks, [5, 95])
        return 10 * float(np.log10(high / low))

    def between(self, start: float, end: float) -> float | None:
        """Return the mean power of the speech within `start` to `end` seconds in dBFS; None under 0.4 s of it."""
        first, last = np.searchsorted(self.centres, (start, end))
        power = self.power[first:last][self.in_speech[first:last]]
        if len(power) < BLOCK_FRAMES or (mean := float(power.mean())) <= QUIETEST_POWER:
            return None
        return 10 * float(np.log10(mean))

    def snr(self) -> float | None:
        """Return speech power over noise power in dB, at most 60; None without speech.

        The noise floor is the 25th percentile of the frame powers more than 0.2 s away from speech. With less than
        0.5 s of these it is the 10th percentile of all frames, which takes the pauses between words for noise.
        """
        speech = self._speech_power()
        if speech is None:
            return None
        widened = union(self.speech + np.array([-NOISE_MARGIN, NOISE_MARGIN]))
        quiet = self.power[~covers(widened, self.centres)]
        if len(quiet) >= LEAST_NOISE_FRAMES:
            noise = float(np.percentile(quiet, NOISE_PERCENTILE))
        else:
            noise = float(np.percentile(self.power, NOISE_PERCENTILE_IN_SPEECH))
        noise = max(noise, QUIETEST_POWER)
        ratio = max(speech - noise, QUIETEST_POWER) / noise  # speech frames hold the noise as well
        return min(10 * float(np.log10(ratio)), HIGHEST_SNR_DB)

    def clipping(self) -> float:
        """Return the share of the samples in speech that are clipped, 0 to 1.

        Clipped is a run of three or more neighbouring samples at the channel's highest (or lowest) value, when that
        is within 3 % of full scale. The channel's own peak is the ceiling because codecs place it differently.
        """
        spoken = total(self.speech) * self.rate
        if spoken < 1:
            return 0.0
        clipped = np.concatenate((_places_at_peak(self.samples, 1), _places_at_peak(self.samples, -1)))
        return min(int(np.count_nonzero(covers(self.speech, clipped / self.rate))) / spoken, 1.0)

    def _speech_power(self) -> float | None:
        if not self.in_speech.any():
            return None
        power = float(self.power[self.in_speech].mean())
        return power if power > QUIETEST_POWER else None


def _frame_powers(samples: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """Return the mean square of each whole frame of `length` samples around the channel's mean."""
    count = len(samples) // length
    frames = samples[: count * length].reshape(count, length)
    squares = np.einsum("ij,ij->i", frames, frames).astype(np.float64) / length
    means = frames.mean(axis=1, dtype=np.float64)
    offset = float(means.mean()) if count else 0.0
    return np.maximum(squares - 2 * offset * means + offset**2, 0.0)


def _block_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each block of frames, one block every 0.1 s."""
    if len(values) < BLOCK_FRAMES:
        return np.empty(0)
    sums = np.r_[0.0, np.cumsum(values)]
    return ((sums[BLOCK_FRAMES:] - sums[:-BLOCK_FRAMES]) / BLOCK_FRAMES)[::BLOCK_STEP]


def _places_at_peak(samples: NDArray[np.float32], sign: int) -> NDArray[np.float64]:
    """Return the places of the samples in runs at the maximum (with sign 1) or the minimum (-1)."""
    peak = float(samples.max() if sign > 0 else samples.min())
    if peak * sign < CLIPPING_FROM:
        return np.empty(0)
    ceiling = peak * (1 - CLIPPING_TOLERANCE)
    at_peak = np.flatnonzero(samples >= ceiling if sign > 0 else samples <= ceiling)
    begins = np.r_[0, np.flatnonzero(np.diff(at_peak) > 1) + 1]
    lengths = np.diff(np.r_[begins, len(at_peak)])
    return at_peak[np.repeat(lengths >= CLIPPING_RUN, lengths)].astype(np.float64)
