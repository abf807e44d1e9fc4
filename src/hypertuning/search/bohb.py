"""BOHB's model: Ray's TuneBOHB over hpbandster's generator, told everything and seeded.

Source: Falkner, Klein, Hutter, BOHB: Robust and Efficient Hyperparameter Optimization at Scale
(ICML 2018), Algorithm 2. Which trial goes on is the ladder's business (ladder.py).
"""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from ConfigSpace import (
    CategoricalHyperparameter,
    Configuration,
    ConfigurationSpace,
    EqualsCondition,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from hypertuning.config import OBJECTIVE, Config, UserError, parse_config
from hypertuning.search.sampler import Proposal
from hypertuning.spaces import Choice, Domain, Float, Space, Value, searched

with warnings.catch_warnings():  # of escapes in hpbandster's docstrings, from Python 3.12 on
    warnings.simplefilter("ignore")
    from ray.tune.search.bohb import TuneBOHB

PROPOSAL, OBSERVATION = 0, 1
"""What random numbers are drawn for, so that no two draws share theirs."""


class Bohb(TuneBOHB):
    """Proposes from the kernel density model of the largest budget that has one.

    Unlike its base it learns every rung's result (TuneBOHB never sees one that ends a trial), says
    which proposals are the model's, and draws from nobody's random numbers but its own.
    """

    def __init__(self, space: Space, fixed: Mapping[str, Value], seed: int) -> None:
        self.searched = searched(space)
        constants = {n: v for n, v in space.items() if n not in self.searched}
        self.fixed = {**fixed, **constants}
        self.draws = seed
        self.observations = 0
        # it prints whole kernel density models where one density is 0, which is no fault
        logging.getLogger("hpbandster").setLevel(logging.ERROR)
        super().__init__(
            configuration_space(self.searched), metric=OBJECTIVE.metric, mode=OBJECTIVE.mode
        )

    def propose(self, trial: int) -> Proposal:
        """Ask the model until it names a configuration that can be trained.

        Raises:
            UserError: it did not a thousand times in a row.
        """
        for attempt in range(1000):
            with self._own_randomness(trial, PROPOSAL, attempt):
                values, info = self.bohber.get_config(None)
            plain = {name: self._plain(name, value) for name, value in values.items()}
            origin = "model" if info["model_based_pick"] else "random"
            try:
                return Proposal(parse_config({**self.fixed, **plain}), origin)
            except UserError as error:
                refused = error
        raise UserError(f"the space holds no configuration that can be trained: {refused}")

    def observe(self, config: Config, epoch: int, loss: float) -> None:
        given = config.hyperparameters()
        values = {n: given[n] for n in self.searched if n in given}
        try:
            Configuration(self._space, values)
        except ValueError:
            return  # a point of the user's outside the space: the model cannot place it
        key = str(self.observations)
        self.trial_to_params[key] = values
        # imputing a momentum that is not there draws at random
        with self._own_randomness(self.observations + 1, OBSERVATION):
            result = {OBJECTIVE.metric: loss, "hyperband_info": {"budget": epoch}}
            self.on_trial_result(key, result)
        self.observations += 1

    def _plain(self, name: str, value: object) -> Value:
        """Give back the space's own value: ConfigSpace turns choices into numpy strings."""
        domain = self.searched[name]
        if isinstance(domain, Choice):
            return next(v for v in domain.values if v == value)
        return float(value) if isinstance(domain, Float) else int(value)

    @contextmanager
    def _own_randomness(self, *key: int) -> Iterator[None]:
        """Lend hpbandster, which draws from numpy's global state, one that hangs on `key` alone."""
        seed = np.random.SeedSequence((self.draws, *key)).generate_state(1)[0]
        outside = np.random.get_state()
        np.random.seed(seed)
        self._space.seed(int(seed))
        try:
            with warnings.catch_warnings():  # ConfigSpace deprecates what hpbandster calls
                warnings.simplefilter("ignore")
                yield
        finally:
            np.random.set_state(outside)


def configuration_space(domains: Mapping[str, Domain]) -> ConfigurationSpace:
    """Project a space on ConfigSpace's classes, conditions included."""
    space = ConfigurationSpace()
    parameters = {name: _hyperparameter(name, domain) for name, domain in domains.items()}
    space.add(*parameters.values())
    for name, domain in domains.items():
        if domain.when and domain.when[0] in parameters:
            parent, value = domain.when
            space.add(EqualsCondition(parameters[name], parameters[parent], value))
    return space


def _hyperparameter(name: str, domain: Domain):
    if isinstance(domain, Choice):
        return CategoricalHyperparameter(name, list(domain.values))
    kind = UniformFloatHyperparameter if isinstance(domain, Float) else UniformIntegerHyperparameter
    return kind(name, domain.low, domain.high, log=domain.log)
