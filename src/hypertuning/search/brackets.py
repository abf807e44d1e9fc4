"""The arithmetic of brackets and rungs.

Source: Li et al., Hyperband (JMLR 2018), Algorithm 1.
"""

import math
from typing import NamedTuple

from hypertuning.config import Budget, UserError


class Bracket(NamedTuple):
    """One run of successive halving."""

    first: int
    """Number of its first trial."""
    sizes: tuple[int, ...]
    """n_i of Hyperband: how many trials train on each rung, the lowest first."""
    epochs: tuple[int, ...]
    """r_i of Hyperband: until which epoch."""

    def trials(self) -> range:
        return range(self.first, self.first + self.sizes[0])


def rungs(budget: Budget) -> tuple[int, ...]:
    """Epochs of the rungs: r·η^k from the lowest on, and R, which takes the place of the last.

    Where R is r·η^k these are the paper's r_i = R·η^(i−s); where it is not, trials still get
    exactly r epochs before they can be stopped, and exactly R in the end.

    Raises:
        UserError: bounds that leave no rung.
    """
    _, top, low, eta = budget
    if low > top:
        raise UserError(f"`min_epochs` (={low}) must not exceed `max_epochs` (={top})")
    if eta < 2:
        raise UserError(f"`reduction_factor` must be at least 2, got {eta}")
    epochs = [low] if low < top else []
    while epochs and epochs[-1] * eta * eta <= top:
        epochs.append(epochs[-1] * eta)
    return (*epochs, top)


def regular_max_epochs(budget: Budget) -> int:
    """The r·η^k nearest to R: where it is R itself, the rungs are the paper's."""
    _, top, low, eta = budget
    ends = [low]
    while ends[-1] < top:
        ends.append(ends[-1] * eta)
    return min(ends, key=lambda end: (abs(end - top), -end))


def hyperband_brackets(budget: Budget) -> list[Bracket]:
    """Hyperband's brackets s = s_max … 0, over and over, until the samples are used up.

    Algorithm 1, lines 1–7: n = ⌈(s_max + 1)/(s + 1)·η^s⌉ trials from r = R·η^−s on, and
    n_i = ⌊n·η^−i⌋ of them on rung i. A last bracket that is cut short halves what it has.
    """
    epochs = rungs(budget)
    s_max = len(epochs) - 1
    brackets: list[Bracket] = []
    first = 0
    while first < budget.num_samples:
        s = s_max - len(brackets) % (s_max + 1)
        n = math.ceil((s_max + 1) * budget.reduction_factor**s / (s + 1))
        n = min(n, budget.num_samples - first)
        sizes = tuple(max(1, n // budget.reduction_factor**i) for i in range(s + 1))
        brackets.append(Bracket(first, sizes, epochs[s_max - s :]))
        first += n
    return brackets
