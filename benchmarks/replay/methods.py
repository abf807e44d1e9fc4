"""The methods that are replayed: ours, its parts, and simple rivals."""

from collections.abc import Callable

import numpy as np

from benchmarks.replay.climb import Study
from hypertuning.config import Budget
from hypertuning.search.brackets import Bracket
from hypertuning.search.halving import Halving
from hypertuning.search.ladder import Ladder
from hypertuning.search.model_options import PAPER, ModelOptions
from hypertuning.search.strategies import STRATEGIES
from hypertuning.spaces import Space

Method = Callable[[Space, int, int, int], Study]
"""(space, seed, largest number of epochs of a trial, epochs to spend)"""


def ours(
    name: str,
    options: ModelOptions = PAPER,
    ladder: Callable[[Budget], Ladder] | None = None,
    told: Callable[[np.ndarray], float] | None = None,
) -> Method:
    """A strategy of the project's, or its sampler with another ladder.

    It has as many samples as it may have epochs: the epochs end it.
    """

    def method(space: Space, seed: int, max_epochs: int, epochs: int) -> Study:
        strategy = STRATEGIES[name]
        climbed = (ladder or strategy.ladder)(Budget(epochs, max_epochs))
        sampler = strategy.sampler(space, {"seed": seed}, seed, options)
        return Study(climbed, sampler, *([told] if told else []))

    return method


def one_epoch_then_the_best(budget: Budget) -> Ladder:
    """As many trials as leave the best one all its epochs, for one epoch each."""
    many = budget.num_samples - budget.max_epochs + 1
    return Halving([Bracket(0, (many, 1), (1, budget.max_epochs))])


METHODS: dict[str, Method] = {
    "random": ours("random"),
    "hyperband": ours("hyperband"),
    "asha": ours("asha"),
    "one_epoch": ours("random", ladder=one_epoch_then_the_best),
    "bohb": ours("bohb"),
    "bohb_less_random": ours("bohb", ModelOptions(random_fraction=0.1)),
    "bohb_on_asha": ours("bohb", ladder=STRATEGIES["asha"].ladder),
    "bohb_on_asha_best_told": ours("bohb", ladder=STRATEGIES["asha"].ladder, told=np.min),
    "asha_best_told": ours("asha", told=np.min),
    "bohb_best_told": ours("bohb", told=np.min),
    "bohb_on_asha_less_random": ours(
        "bohb", ModelOptions(random_fraction=0.1), STRATEGIES["asha"].ladder
    ),
}
