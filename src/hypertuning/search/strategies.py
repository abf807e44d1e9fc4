"""Every search strategy: who proposes, and who may go on."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hypertuning.config import Budget
from hypertuning.domains import Value
from hypertuning.search.ladder import Asha, Halving, Ladder, hyperband_brackets, rungs, sweep
from hypertuning.search.model_options import ModelOptions
from hypertuning.search.sampler import Random, Sampler
from hypertuning.spaces import Space


class Strategy(NamedTuple):
    sampler: Callable[[Space, Mapping[str, Value], int, ModelOptions], Sampler]
    """From a space, the values that it leaves fixed, a seed, and what only a model asks for."""
    ladder: Callable[[Budget], Ladder]
    learns: bool = False
    """Whether its sampler is a `Bohb`."""


def _random(space: Space, fixed: Mapping[str, Value], seed: int, _: ModelOptions) -> Random:
    return Random(space, fixed, seed)


def _bohb(space: Space, fixed: Mapping[str, Value], seed: int, options: ModelOptions) -> Sampler:
    from hypertuning.search.bohb import Bohb  # hpbandster, SciPy and pandas take seconds to import

    return Bohb(space, fixed, seed, options)


def _halving(budget: Budget) -> Halving:
    return Halving(hyperband_brackets(budget))


def _asha(budget: Budget) -> Asha:
    return Asha(budget.num_samples, rungs(budget), budget.reduction_factor)


STRATEGIES: dict[str, Strategy] = {
    "random": Strategy(_random, lambda budget: sweep(budget.num_samples, budget.max_epochs)),
    "asha": Strategy(_random, _asha),
    "hyperband": Strategy(_random, _halving),
    "bohb": Strategy(_bohb, _halving, learns=True),
}
