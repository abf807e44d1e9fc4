"""Means, shares, correlations and chances with their 95 % intervals."""

from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.optimize import brentq

LEVEL = 0.95


class Interval(NamedTuple):
    """An estimate and the ends of its interval, which are NaN if there are too few values."""

    value: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        return bool(self.low > value or self.high < value)

    def text(self, digits: int = 3, sign: bool = False) -> str:
        """`0.024 (0.010 to 0.038)`, each with its sign if it is a difference."""
        form = f"{{:{'+' if sign else ''}z.{digits}f}}"
        value = form.format(self.value)
        if not np.isfinite(self.low):
            return value
        return f"{value} ({form.format(self.low)} to {form.format(self.high)})"


def of_mean(values: np.ndarray) -> Interval:
    """The mean and its t interval."""
    values = np.asarray(values, dtype=float)
    mean = values.mean() if len(values) else np.nan
    if len(values) < 2:
        return Interval(mean, np.nan, np.nan)
    room = _t(len(values)) * values.std(ddof=1) / np.sqrt(len(values))
    return Interval(mean, mean - room, mean + room)


def of_share(successes: int, count: int) -> Interval:
    """A share of `count` and its interval, Wilson's (1927), which stays inside 0 to 1."""
    if not count:
        return Interval(np.nan, np.nan, np.nan)
    found = stats.binomtest(successes, count).proportion_ci(LEVEL, "wilson")
    return Interval(successes / count, float(found.low), float(found.high))


def of_blocked_means(blocks: np.ndarray) -> list[Interval]:
    """The mean of each column of (blocks, levels), without the differences between blocks.

    A block that is good or bad at all levels says nothing about them, so each block is moved to the
    mean of all before the spread is taken (Cousineau 2005). The variance is then too small, and is
    multiplied by levels / (levels − 1) (Morey 2008).
    """
    count, levels = blocks.shape
    means = blocks.mean(axis=0)
    if count < 2 or levels < 2:
        return [Interval(mean, np.nan, np.nan) for mean in means]
    moved = blocks - blocks.mean(axis=1, keepdims=True) + blocks.mean()
    errors = np.sqrt(moved.var(axis=0, ddof=1) * levels / (levels - 1) / count)
    rooms = _t(count) * errors
    return [Interval(m, m - room, m + room) for m, room in zip(means, rooms, strict=True)]


def of_rank_correlation(first: np.ndarray, second: np.ndarray) -> Interval:
    """Spearman's ρ; its interval is Fisher's, with the variance of Bonett and Wright (2000)."""
    count = len(first)
    if count < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Interval(np.nan, np.nan, np.nan)
    rho = float(stats.spearmanr(first, second).statistic)
    if count < 5 or abs(rho) > 1 - 1e-12:  # too little for the normal approximation
        return Interval(rho, np.nan, np.nan)
    room = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt((1 + rho**2 / 2) / (count - 3))
    return Interval(rho, *np.tanh(np.arctanh(rho) + np.array([-room, room])))


def of_chance_below(first: np.ndarray, second: np.ndarray) -> Interval:
    """The chance that one of `first` lies below one of `second`, ties half.

    The statistic of Mann and Whitney over its largest value; the interval is that of Newcombe
    (2006, method 5) for two samples, which stays inside 0 to 1 and needs no normal values.
    """
    m, n = len(first), len(second)
    if not m or not n:
        return Interval(np.nan, np.nan, np.nan)
    chance = float(stats.mannwhitneyu(second, first).statistic / (m * n))
    if m < 2 or n < 2:
        return Interval(chance, np.nan, np.nan)
    z = stats.norm.ppf((1 + LEVEL) / 2)
    middle = (m + n) / 2 - 1

    def too_far(theta: float) -> float:
        """Above 0 if `chance` lies outside the interval around a true chance of `theta`."""
        shape = 1 + middle * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (chance - theta) ** 2 - z**2 * theta * (1 - theta) * shape / (m * n)

    inside = np.clip(chance, 1e-9, 1 - 1e-9)  # at 0 and 1 there is a root that is no bound
    low = brentq(too_far, 0, inside) if chance > 0 else 0.0
    high = brentq(too_far, inside, 1) if chance < 1 else 1.0
    return Interval(chance, low, high)


def _t(count: int) -> float:
    return float(stats.t.ppf((1 + LEVEL) / 2, count - 1))
