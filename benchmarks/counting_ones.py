"""Stochastic counting ones: the problem on which the BOHB paper compares methods.

Source: Falkner, Klein, Hutter, BOHB (ICML 2018), section 5.1: f(x) = −(Σ x_i + Σ mean of b draws
of Bernoulli(x_j)) over N binary x_i and N numbers x_j in 0–1. The more draws (the budget b), the
less noise. The best is all ones; its exact expectation is known, so regret is exact.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hypertuning.spaces import Choice, Float

DRAWS = 9
"""Per unit of budget: 1, 3, 9, 27, 81 units are the paper's 9, 27, 81, 243, 729 draws."""
MAX_UNITS, REDUCTION_FACTOR = 81, 3


class Point(NamedTuple):
    """A configuration, as the project's samplers handle one."""

    values: dict[str, float]

    def hyperparameters(self) -> dict[str, float]:
        return self.values


class Result(NamedTuple):
    spent: int
    """Units of budget spent until then."""
    units: int
    """The budget of this result."""
    loss: float
    regret: float
    """Exact, per dimension: 0 is the optimum, 1 the worst."""


class CountingOnes:
    """The problem in N + N dimensions, and the budget spent: a point that goes on adds to it."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.rng = n, np.random.default_rng((seed, n))
        self.spent = 0
        self.results: list[Result] = []

    def space(self) -> dict[str, Choice | Float]:
        binary = {f"binary_{i}": Choice((0, 1)) for i in range(self.n)}
        return {**binary, **{f"number_{i}": Float(0.0, 1.0) for i in range(self.n)}}

    def evaluate(self, values: dict[str, float], units: int, already: int = 0) -> float:
        """The loss with `units` of budget, of which `already` have been paid for."""
        ones = sum(values[f"binary_{i}"] for i in range(self.n))
        numbers = np.array([values[f"number_{i}"] for i in range(self.n)])
        draws = units * DRAWS
        loss = -float(ones + (self.rng.binomial(draws, numbers) / draws).sum())
        self.spent += units - already
        regret = 1 - (ones + numbers.sum()) / (2 * self.n)
        self.results.append(Result(self.spent, units, loss, float(regret)))
        return loss


def incumbents(results: list[Result]) -> Iterator[tuple[int, float]]:
    """(spent, regret) of the best result so far, among those of the largest budget so far."""
    best: Result | None = None
    for result in results:
        if best is None or (result.units, -result.loss) > (best.units, -best.loss):
            best = result
        yield result.spent, best.regret
