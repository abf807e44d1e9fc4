"""Losses as a Gaussian process learns them, and back."""

from typing import NamedTuple

import numpy as np

SMALLEST = 0.01
"""Of the median: losses that are smaller count as this, or one near 0 would rule their ratios."""
WORST = 2.0
"""Losses count as no worse than this many times as far from the median as the best one."""


class Levels(NamedTuple):
    """Turns losses into levels of mean 0 and variance 1; failures count as the worst.

    If no loss is negative, losses are compared by their ratios: the best of a search are small at
    their last epochs, and so are the differences between them, which matter most.
    """

    by_ratio: bool = False
    least: float = 0.0
    """Smaller losses count as this, if losses are compared by their ratios."""
    worst: float = 0.0
    """Losses that are larger count as this; if they are compared by their ratios, its logarithm."""
    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def of(cls, losses: np.ndarray) -> "Levels":
        """Args: losses: (n,); one that failed or diverged is not finite."""
        finite = losses[np.isfinite(losses)]
        if not len(finite):
            return cls()
        least = SMALLEST * np.median(finite)
        by_ratio = bool(finite.min() >= 0 and least > 0)
        if by_ratio:
            losses, finite = (np.log(np.maximum(some, least)) for some in (losses, finite))
        median = np.median(finite)
        spread = (median - finite.min()) or 1.0  # a failure is worse than losses that are all equal
        worst = median + WORST * spread
        cut = np.minimum(losses, worst)
        return cls(by_ratio, least, worst, cut.mean(), cut.std() or 1.0)

    def __call__(self, losses: np.ndarray) -> np.ndarray:
        """Levels of losses of any shape."""
        some = np.log(np.maximum(losses, self.least)) if self.by_ratio else losses
        return (np.minimum(some, self.worst) - self.mean) / self.deviation

    def losses(self, levels: np.ndarray) -> np.ndarray:
        """Losses that have these levels, of any shape."""
        some = levels * self.deviation + self.mean
        return np.exp(some) if self.by_ratio else some
