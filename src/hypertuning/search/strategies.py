"""Every search strategy: who proposes, and who may go on."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hypertuning.config import Budget
from hypertuning.search.bohb import Bohb
from hypertuning.search.ladder import Asha, Halving, Ladder, hyperband_brackets, rungs, sweep
from hypertuning.search.sampler import Random, Sampler
from hypertuning.spaces import Space, Value


class Strategy(NamedTuple):
    sampler: Callable[[Space, Mapping[str, Value], int], Sampler]
    """From a space, the values that it leaves fixed, and a seed."""
    ladder: Callable[[Budget], Ladder]


def _halving(budget: Budget) -> Halving:
    return Halving(hyperband_brackets(budget))


def _asha(budget: Budget) -> Asha:
    return Asha(budget.num_samples, rungs(budget), budget.reduction_factor)


STRATEGIES: dict[str, Strategy] = {
    "random": Strategy(Random, lambda budget: sweep(budget.num_samples, budget.max_epochs)),
    "asha": Strategy(Random, _asha),
    "hyperband": Strategy(Random, _halving),
    "bohb": Strategy(Bohb, _halving),
}
