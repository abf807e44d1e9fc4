"""Kernel densities over the unit cube: what BOHB samples from, and what it compares.

Source: Falkner, Klein, Hutter, BOHB (ICML 2018), section 3.2, which takes its kernels from
statsmodels: a Gaussian for a number, Aitchison and Aitken's for a choice.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri


@dataclass(frozen=True)
class Density:
    """A product of one kernel per parameter around each of n points."""

    points: np.ndarray
    """(n, d), numbers scaled to 0–1, choices as their index."""
    bandwidths: np.ndarray
    """(d,): standard deviations; of a choice, the probability of any value but the point's."""
    choices: np.ndarray
    """(d,): how many values a choice has; 0 for a number."""

    @classmethod
    def fit(cls, points: np.ndarray, bandwidths: np.ndarray, choices: np.ndarray) -> "Density":
        """Take hpbandster's bandwidths, but none below half a count in n + 1.

        Where the n points agree, hpbandster's bandwidth is 0.001: a choice could never change
        again, and all candidates of a number would coincide. Half a count is Krichevsky and
        Trofimov's estimate for values not seen; the evidence is in docs/bohb.md. For a choice, the
        bandwidth is at most that at which all values are equally probable.
        """
        floored = np.maximum(bandwidths, 0.5 / (len(points) + 1))
        alike = 1 - 1 / np.maximum(choices, 1)
        return cls(points, np.where(choices > 0, np.minimum(floored, alike), floored), choices)

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Density (m,) at vectors (m, d).

        The number of choices is the space's. statsmodels counts those among the points: if all
        points agree, every other choice gets an infinite density, and hpbandster proposes it.
        """
        apart = vectors[:, None, :] - self.points[None, :, :]  # (m, n, d)
        h, others = self.bandwidths, np.maximum(self.choices - 1, 1)
        gaussian = np.exp(-0.5 * (apart / h) ** 2) / (h * np.sqrt(2 * np.pi))
        matching = np.where(apart == 0, 1 - h, h / others)
        kernels = np.where(self.choices > 0, matching, gaussian)
        return kernels.prod(axis=2).mean(axis=1)

    def sample(self, count: int, widen: float, rng: np.random.Generator) -> np.ndarray:
        """Draw vectors (count, d) near the points, numbers with `widen` times their bandwidth."""
        centres = self.points[rng.integers(len(self.points), size=count)]
        spread = widen * self.bandwidths
        low, high = ndtr(-centres / spread), ndtr((1 - centres) / spread)
        uniform = rng.random(centres.shape)
        numbers = centres + spread * ndtri(low + uniform * (high - low))  # normal, cut at 0 and 1
        any_choice = np.floor(rng.random(centres.shape) * self.choices)
        kept = rng.random(centres.shape) < 1 - self.bandwidths
        vectors = np.where(self.choices > 0, np.where(kept, centres, any_choice), numbers)
        return np.where(self.choices > 0, vectors, np.clip(vectors, 0, 1))
