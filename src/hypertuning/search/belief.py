"""Where the best is believed to be: a density around one configuration.

Source: Mallik et al., PriorBand (NeurIPS 2023), section 4 and appendix; the deviations and weights
of a confidence are those of its authors' library, NePS.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from hypertuning.domains import Confidence
from hypertuning.search.places import Places

DEVIATIONS: dict[Confidence, float] = {"low": 0.5, "medium": 0.25, "high": 0.125}
"""Of a number, as a share of its range."""
WEIGHTS: dict[Confidence, float] = {"low": 2, "medium": 4, "high": 6}
"""Of the value of a choice; every other value has 1."""


@dataclass(frozen=True)
class Belief:
    """Independent for each parameter: a normal density cut at 0 and 1, or weights of choices."""

    centre: np.ndarray
    """(d,): a vector of `Places`; uniform where it is NaN."""
    deviations: np.ndarray
    """(d,)"""
    weights: np.ndarray
    """(d,)"""
    counts: np.ndarray
    """(d,): how many values a choice has; 0 for a number."""

    @classmethod
    def around(cls, places: Places, centre: np.ndarray) -> "Belief":
        """Belief of medium confidence in a configuration."""
        return cls(centre, *_confident(["medium"] * len(centre)), places.counts)

    @classmethod
    def of_priors(cls, places: Places) -> "Belief":
        domains = places.domains
        centre = places.of({n: d.prior for n, d in domains.items() if d.prior is not None})
        return cls(centre, *_confident([d.confidence for d in domains.values()]), places.counts)

    def draw(self, anywhere: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A vector (d,); from `anywhere`, which is uniform, where nothing is believed."""
        uniform = rng.random(len(self.centre))
        low, high = ndtr(-self.centre / self.deviations), ndtr((1 - self.centre) / self.deviations)
        number = self.centre + self.deviations * ndtri(low + uniform * (high - low))
        others = np.maximum(self.counts - 1, 0)
        kept = uniform < (self.weights - 1) / (self.weights + others)  # else any, this one too
        drawn = np.where(self.counts > 0, np.where(kept, self.centre, anywhere), number)
        return np.where(np.isnan(self.centre), anywhere, drawn)

    def density(self, vectors: np.ndarray) -> np.ndarray:
        """Density (n,) at vectors (n, d), that of the uniform being 1."""
        low, high = ndtr(-self.centre / self.deviations), ndtr((1 - self.centre) / self.deviations)
        z = (vectors - self.centre) / self.deviations
        normal = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) / self.deviations / (high - low)
        total = self.weights + self.counts - 1
        chosen = np.where(vectors == self.centre, self.weights, 1) * self.counts / total
        each = np.where(self.counts > 0, chosen, normal)
        return np.where(np.isnan(vectors) | np.isnan(self.centre), 1, each).prod(axis=1)


def _confident(confidences: list[Confidence]) -> tuple[np.ndarray, np.ndarray]:
    """The deviation of each parameter, and its weight."""
    deviations = np.array([DEVIATIONS[confidence] for confidence in confidences])
    return deviations, np.array([WEIGHTS[confidence] for confidence in confidences])
