"""The methods that are replayed: ours, its parts, and simple rivals."""

from collections.abc import Callable

import numpy as np

from benchmarks.replay.believed import Spaces
from benchmarks.replay.climb import Study
from hypertuning.config import Budget
from hypertuning.search.brackets import Bracket
from hypertuning.search.halving import Halving
from hypertuning.search.ladder import Ladder
from hypertuning.search.model_options import PAPER, ModelOptions
from hypertuning.search.outlook import Outlook
from hypertuning.search.strategies import STRATEGIES

Method = Callable[[Spaces, int, int, int], Study]
"""(spaces, seed, largest number of epochs of a trial, epochs to spend)"""


def ours(
    name: str,
    options: ModelOptions = PAPER,
    ladder: Callable[[Budget], Ladder] | None = None,
    told: Callable[[np.ndarray], float] | None = None,
    priors: str = "plain",
    min_epochs: int = 1,
    reduction_factor: int = 3,
    stop_when: float = 0.0,
) -> Method:
    """A strategy of the project's, or its sampler with another ladder.

    It has as many samples as it may have epochs: the epochs end it.

    Args:
        priors: Which of the spaces it is given.
        min_epochs: Of the lowest rung.
        stop_when: As the stage's option.
    """

    def method(spaces: Spaces, seed: int, max_epochs: int, epochs: int) -> Study:
        space = getattr(spaces, priors)
        strategy = STRATEGIES[name]
        budget = Budget(epochs, max_epochs, min_epochs, reduction_factor)
        climbed = (ladder or strategy.ladder)(budget)
        sampler = strategy.sampler(space, {"seed": seed}, seed, options)
        study = Study(climbed, sampler, *([told] if told else []))
        if not stop_when:
            return study
        proposed = 1 - options.random_fraction
        return study._replace(outlook=Outlook(sampler, epochs, max_epochs, proposed, stop_when))

    return method


def one_epoch_then_the_best(budget: Budget) -> Ladder:
    """As many trials as leave the best one all its epochs, for one epoch each."""
    many = budget.num_samples - budget.max_epochs + 1
    return Halving([Bracket(0, (many, 1), (1, budget.max_epochs))])


STOPS = (0.02, 0.01, 0.007, 0.005)
"""Expected gains below which a study ends."""
LESS_RANDOM = ModelOptions(random_fraction=0.1)

METHODS: dict[str, Method] = {
    **{name: ours(name) for name in STRATEGIES},
    **{
        f"{name}_4": ours(name, reduction_factor=4)
        for name in ("hyperband", "asha", "bohb", "abohb", "gp")
    },
    "gp_2": ours("gp", reduction_factor=2),
    "gp_from_2": ours("gp", min_epochs=2),
    "gp_from_3": ours("gp", min_epochs=3),
    "gp_all_rungs": ours("gp", ladder=STRATEGIES["asha"].ladder),
    **{f"gp_until_{least}": ours("gp", stop_when=least) for least in STOPS},
    "gp_all_epochs": ours("gp", ladder=STRATEGIES["random"].ladder),
    "one_epoch": ours("random", ladder=one_epoch_then_the_best),
    "bohb_less_random": ours("bohb", LESS_RANDOM),
    "abohb_less_random": ours("abohb", LESS_RANDOM),
    "gp_less_random": ours("gp", LESS_RANDOM),
    **{f"{name}_best_told": ours(name, told=np.min) for name in ("asha", "bohb", "abohb", "gp")},
    **{f"{name}_priors": ours(name, priors="good") for name in ("hyperband", "abohb", "gp")},
    **{f"{name}_wrong": ours(name, priors="wrong") for name in ("hyperband", "abohb", "gp")},
}
