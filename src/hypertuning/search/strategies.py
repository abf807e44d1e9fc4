"""Every search strategy: who proposes, and who may go on. One entry of STRATEGIES each.

Commands list the strategies before they import anything heavy, so samplers are imported on use.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from hypertuning.config import Budget
from hypertuning.search.asha import Asha
from hypertuning.search.brackets import hyperband_brackets, rungs
from hypertuning.search.halving import Halving, sweep
from hypertuning.search.ladder import Ladder
from hypertuning.search.model_options import ModelOptions

if TYPE_CHECKING:
    from hypertuning.domains import Value
    from hypertuning.search.bohb import Bohb
    from hypertuning.search.gp import Gp
    from hypertuning.search.sampler import Sampler
    from hypertuning.spaces import Space

    Model = Bohb | Gp
    """A sampler that learns."""


class Strategy(NamedTuple):
    help: str
    """In a few words, for a list of the strategies."""
    sampler: "Callable[[Space, Mapping[str, Value], int, ModelOptions], Sampler]"
    """From a space, the values that it leaves fixed, a seed, and the options of a model."""
    ladder: Callable[[Budget], Ladder]
    learns: bool = False
    """Whether its sampler has a model: it can start warm, and cannot serve two arms at once."""
    foresees: bool = False
    """Whether its model says what to expect of more trials."""
    brackets: bool = False
    """Whether it has Hyperband's brackets: only some numbers of epochs give the paper's rungs."""


def _random(space: "Space", fixed: "Mapping[str, Value]", seed: int, _: ModelOptions) -> "Sampler":
    from hypertuning.search.informed import draws

    return draws(space, fixed, seed)


def _bohb(
    space: "Space", fixed: "Mapping[str, Value]", seed: int, options: ModelOptions
) -> "Sampler":
    from hypertuning.search.bohb import Bohb  # hpbandster, SciPy and pandas take seconds to import

    return Bohb(space, fixed, seed, options)


def _gp(
    space: "Space", fixed: "Mapping[str, Value]", seed: int, options: ModelOptions
) -> "Sampler":
    from hypertuning.search.gp import Gp

    return Gp(space, fixed, seed, options)


def _halving(budget: Budget) -> Halving:
    return Halving(hyperband_brackets(budget))


def _asha(budget: Budget) -> Asha:
    return Asha(budget.num_samples, rungs(budget), budget.reduction_factor)


def _sparse_asha(budget: Budget) -> Asha:
    """ASHA whose rungs lie η² apart: of nine epochs, 1 and 9.

    The rung after three stops good trials as often as others (measured in docs/search.md).
    """
    apart = budget._replace(reduction_factor=budget.reduction_factor**2)
    return Asha(budget.num_samples, rungs(apart), budget.reduction_factor)


def _sweep(budget: Budget) -> Halving:
    return sweep(budget.num_samples, budget.max_epochs)


STRATEGIES: dict[str, Strategy] = {
    "bohb": Strategy("a model proposes, in brackets", _bohb, _halving, learns=True, brackets=True),
    "abohb": Strategy("BOHB's model, promoted one by one", _bohb, _asha, learns=True),
    "gp": Strategy(
        "a model of all rungs, promoted one by one on every second rung",
        _gp,
        _sparse_asha,
        learns=True,
        foresees=True,
    ),
    "hyperband": Strategy("random, in brackets", _random, _halving, brackets=True),
    "asha": Strategy("random, promoted one by one", _random, _asha),
    "random": Strategy("random, all epochs each", _random, _sweep),
}


def described(names: Iterable[str]) -> str:
    """What each of some strategies does, in one line."""
    return "; ".join(f"{name}: {STRATEGIES[name].help}" for name in names)


PAIRED = tuple(name for name, strategy in STRATEGIES.items() if not strategy.learns)
"""The strategies that can train every configuration in two arms."""
LEARNING = tuple(name for name, strategy in STRATEGIES.items() if strategy.learns)
"""The strategies that learn from results, and so can start warm."""
FORESEEING = tuple(name for name, strategy in STRATEGIES.items() if strategy.foresees)
"""The strategies that say what to expect of more trials, and so can end a search."""
