"""A Gaussian process over configurations and epochs: the loss to expect, and how surely.

Sources: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), Algorithm 2.1 and
equation 5.9; Swersky, Snoek, Adams, Freeze-Thaw (2014) for a part of the loss that only the
configuration decides and a part that changes with the epoch.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.optimize import minimize

PRIOR_MEAN, PRIOR_DEVIATION = (0.7, (-0.5, -1.5, -0.5, -3.0)), 1.0
"""Of the logarithms: of each parameter's weight, which is the inverse square of its length scale;
and of the variances in the order of `_Terms`. Losses have mean 0 and variance 1."""
EPOCH_LENGTH = 1.0
"""Length scale of the logarithm of an epoch: losses a factor of e apart are related."""
ROOT5 = np.sqrt(5)


@dataclass(frozen=True)
class Points:
    """Configurations, each after a number of epochs."""

    vectors: np.ndarray
    """(n, d): a number's place in its range, which of its choices, NaN where it does not act."""
    epochs: np.ndarray
    """(n,): the natural logarithms of their numbers."""


def apart(one: np.ndarray, other: np.ndarray, choices: np.ndarray) -> np.ndarray:
    """Squared distances (d, n, m) between places (n, d) and (m, d), parameter by parameter.

    Two values of a choice are as far apart as the ends of a range; "does not act" counts as a
    value. A number that does not act has its place beside the middle of its range, as far from the
    ends as they are from one another. So these are the distances of points in a space, and a kernel
    of them is that of a process (Hutter and Osborne, arXiv 1310.5738).
    """
    a, b = one.T[:, :, None], other.T[:, None, :]
    (here, a), (there, b) = _beside(a), _beside(b)
    numbers = (a - b) ** 2 + 0.75 * (here != there)
    kinds = np.where(here | there, here != there, a != b)
    return np.where(choices[:, None, None], kinds, numbers)


def _beside(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which parameters do not act, and all places with theirs in the middle."""
    idle = np.isnan(places)
    return idle, np.where(idle, 0.5, places)


def _alike(distances: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matérn's 5/2 kernel of weighted squared distances, and its derivative by their sum."""
    total = np.tensordot(weights, distances, 1)
    r = ROOT5 * np.sqrt(total)
    decay = np.exp(-r)
    return (1 + r + r**2 / 3) * decay, -5 / 6 * (1 + r) * decay


def _alike_epochs(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * ((one[:, None] - other[None, :]) / EPOCH_LENGTH) ** 2)


@dataclass(frozen=True)
class Process:
    """A process that has seen losses."""

    points: Points
    choices: np.ndarray
    """(d,): whether a parameter is a choice."""
    logs: np.ndarray
    """(d + 4,): logarithms of the weights, and of the variances of: what the configuration decides
    at every epoch; what it decides at epochs that are near; what the epoch decides for all; noise.
    """
    factor: tuple[np.ndarray, bool]
    weighted: np.ndarray
    """(n,): the inverse covariance times the losses."""

    @classmethod
    def fit(
        cls, points: Points, losses: np.ndarray, choices: np.ndarray, logs: np.ndarray
    ) -> "Process":
        distances = apart(points.vectors, points.vectors, choices)
        kernel = _kernel(distances, points.epochs, points.epochs, logs)
        kernel[np.diag_indices_from(kernel)] += np.exp(logs[-1]) + 1e-8
        factor = cho_factor(kernel, lower=True)
        return cls(points, choices, logs, factor, cho_solve(factor, losses))

    def predict(self, at: Points) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation (m,) of the losses, without noise."""
        distances = apart(self.points.vectors, at.vectors, self.choices)
        shared = _kernel(distances, self.points.epochs, at.epochs, self.logs)  # (n, m)
        solved = cho_solve(self.factor, shared)
        variance = np.exp(self.logs[-4:-1]).sum() - (shared * solved).sum(axis=0)
        return self.weighted @ shared, np.sqrt(np.maximum(variance, 1e-12))

    def draw(self, at: Points, count: int, rng: np.random.Generator) -> np.ndarray:
        """Losses (count, m) that the points may have together, without noise."""
        distances = apart(self.points.vectors, at.vectors, self.choices)
        shared = _kernel(distances, self.points.epochs, at.epochs, self.logs)  # (n, m)
        among = apart(at.vectors, at.vectors, self.choices)
        covariance = _kernel(among, at.epochs, at.epochs, self.logs)
        covariance -= shared.T @ cho_solve(self.factor, shared)
        # of points that coincide, Cholesky has no factor; and only this root does not depend on
        # the signs and the order of the directions, which rounding decides
        sizes, directions = eigh(covariance)
        root = (directions * np.sqrt(np.maximum(sizes, 0))) @ directions.T
        return self.weighted @ shared + rng.standard_normal((count, len(sizes))) @ root


def _kernel(
    distances: np.ndarray, one: np.ndarray, other: np.ndarray, logs: np.ndarray
) -> np.ndarray:
    always, changing, epochs = np.exp(logs[-4:-1])
    near = _alike_epochs(one, other)
    return _alike(distances, np.exp(logs[:-4]))[0] * (always + changing * near) + epochs * near


def most_probable(points: Points, losses: np.ndarray, choices: np.ndarray) -> np.ndarray:
    """The logarithms (d + 4,) that are most probable, given the losses and the prior."""
    distances = apart(points.vectors, points.vectors, choices)
    near = _alike_epochs(points.epochs, points.epochs)
    mean = np.array([*[PRIOR_MEAN[0]] * len(choices), *PRIOR_MEAN[1]])

    def cost(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _surprise(distances, near, losses, logs)
        off = (logs - mean) / PRIOR_DEVIATION
        return value + 0.5 * off @ off, slope + off / PRIOR_DEVIATION

    bounds = [(m - 4, m + 4) for m in mean]
    return minimize(
        cost, mean, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 40}
    ).x


def _surprise(
    distances: np.ndarray, near: np.ndarray, losses: np.ndarray, logs: np.ndarray
) -> tuple[float, np.ndarray]:
    """Negative log probability of the losses, and its slope by each logarithm (d + 4,)."""
    weights, (always, changing, epochs, noise) = np.exp(logs[:-4]), np.exp(logs[-4:])
    alike, steepness = _alike(distances, weights)
    amount = always + changing * near
    kernel = alike * amount + epochs * near
    kernel[np.diag_indices_from(kernel)] += noise + 1e-8
    factor = cho_factor(kernel, lower=True)
    weighted = cho_solve(factor, losses)
    value = 0.5 * losses @ weighted + np.log(np.diag(factor[0])).sum()
    inner = cho_solve(factor, np.eye(len(losses))) - np.outer(weighted, weighted)
    by_weight = weights * np.tensordot(distances, inner * amount * steepness, 2)
    terms = (always * alike, changing * alike * near, epochs * near)
    by_variance = [*((inner * term).sum() for term in terms), noise * np.trace(inner)]
    return value, 0.5 * np.array([*by_weight, *by_variance])
