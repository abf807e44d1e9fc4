"""BOHB's model: hpbandster keeps the results, and its draws and densities are made here.

Source: Falkner, Klein, Hutter, BOHB: Robust and Efficient Hyperparameter Optimization at Scale
(ICML 2018), Algorithm 2. ladder.py decides which trials go on.
"""

import logging
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace

import numpy as np
from ConfigSpace import (
    AndConjunction,
    CategoricalHyperparameter,
    ConfigurationSpace,
    InCondition,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from hypertuning.config import Config, UserError, parse_config
from hypertuning.domains import Choice, Domain, Float, Value
from hypertuning.search.density import Density
from hypertuning.search.informed import draws
from hypertuning.search.model_options import PAPER, ModelOptions
from hypertuning.search.result import COIN, GAP, MODEL, Result
from hypertuning.search.sampler import Proposal
from hypertuning.spaces import Space, acting, conditions, searched

with warnings.catch_warnings():  # of escapes in hpbandster's docstrings, from Python 3.12 on
    warnings.simplefilter("ignore")
    from hpbandster.optimizers.config_generators.bohb import BOHB as Generator


class Bohb:
    """Proposes from the densities of the largest budget that has enough results.

    Every draw depends on the seed, the trial's number and the results observed, in their order.
    """

    def __init__(
        self,
        space: Space,
        fixed: Mapping[str, Value],
        seed: int,
        options: ModelOptions = PAPER,
        build: Callable[[dict[str, Value]], Config] = parse_config,
    ) -> None:
        self.searched, self.seed, self.build, self.options = searched(space), seed, build, options
        self.random = draws(space, fixed, seed, build)
        self.space, self.fixed = space, fixed
        self.generator = _Generator(configuration_space(self.searched), seed, options)
        self.own: Counter[int] = Counter()
        """Results of this study by epoch."""

    def warm_start(self, results: Iterable[Result]) -> None:
        """Learn the results of earlier studies, before those of this one.

        Smaller budgets come first: once a larger one has a model, hpbandster drops smaller ones.

        Raises:
            UserError: a result does not fit the space.
        """
        for values, epoch, loss in sorted(results, key=lambda result: result.epoch):
            # records of earlier versions also have parameters that are not searched
            known = {name: value for name, value in values.items() if name in self.searched}
            try:
                self.generator.learn(known, epoch, loss)
            except ValueError as error:
                raise UserError(
                    f"`warm_start`: {dict(values)} does not fit the space of this study"
                ) from error

    @property
    def needed(self) -> int:
        """How many results on one budget make a model: 2(d + 1)."""
        return 2 * (len(self.searched) + 1)

    def propose(self, trial: int) -> Proposal:
        """Propose by the model or, if the trial's coin says so, at random.

        Raises:
            UserError: no random configuration can be trained.
        """
        coin = np.random.default_rng((self.seed, trial, 0, COIN)).random()
        budget = self.generator.largest_budget_with_model()
        if budget < 0 or coin < self.options.random_fraction:
            return self.random.propose(trial)
        origin = "model" if self.own[budget] >= self.needed else "warm"
        rng = np.random.default_rng((self.seed, trial, 0, MODEL))
        for vector in self.generator.candidates(budget, rng):
            try:
                config = self.build({**self.fixed, **self._values(vector)})
            except UserError:
                continue  # the model never learns of these, and may rank them first
            return Proposal(config, origin, budget)
        return self.random.propose(trial)

    def begin(self, config: Config) -> None:
        pass

    def observe(self, config: Config, epoch: int, loss: float) -> None:
        """Learn a result, unless its configuration lies outside the space."""
        given = config.hyperparameters()
        if self.random.misfit(given):
            return
        self.random.observe(config, epoch, loss)
        self.own[epoch] += 1
        there = acting(self.searched, {n: given[n] for n in self.searched if n in given})
        self.generator.learn(there, epoch, loss)

    def _values(self, vector: np.ndarray) -> dict[str, Value]:
        """The space's values at a vector (d,), as plain Python, without those that do not act."""
        pairs = zip(list(self.generator.configspace.values()), vector, strict=True)
        values = {p.name: self._plain(p.name, p.to_value(x)) for p, x in pairs}
        return acting(self.space, {**self.space, **values})

    def _plain(self, name: str, value: object) -> Value:
        """Return the space's own value: ConfigSpace turns choices into numpy strings."""
        domain = self.searched[name]
        if isinstance(domain, Choice):
            return next(v for v in domain.values if v == value)
        return float(value) if isinstance(domain, Float) else int(value)


class _Generator(Generator):
    """hpbandster keeps the results and fits bandwidths; all draws are made here instead."""

    def __init__(self, space: ConfigurationSpace, seed: int, options: ModelOptions) -> None:
        self.seed, self.results = seed, Counter()
        logging.getLogger("hpbandster").setLevel(logging.ERROR)
        with _quiet():
            super().__init__(space, **options._asdict())

    def learn(self, values: Mapping[str, Value], budget: int, loss: float) -> None:
        self.results[budget] += 1
        kwargs = {"config": dict(values), "budget": budget}
        with _quiet():
            self.new_result(SimpleNamespace(kwargs=kwargs, result={"loss": loss}, exception=None))

    def candidates(self, budget: int, rng: np.random.Generator) -> np.ndarray:
        """Candidates (n, d), those of the highest ratio of good to bad density first."""
        models = (self.kde_models[budget][name] for name in ("good", "bad"))
        good, bad = (Density.fit(model.data, model.bw, self.vartypes) for model in models)
        drawn = good.sample(self.num_samples, self.bw_factor, rng)
        ratio = np.maximum(good(drawn), 1e-32) / np.maximum(bad(drawn), 1e-32)
        return drawn[np.argsort(-ratio, kind="stable")]

    def impute_conditional_data(self, array: np.ndarray) -> np.ndarray:
        """Fill each missing value with that of another configuration, or else with a random one."""
        rng = np.random.default_rng((self.seed, self.results.total(), 0, GAP))
        filled = np.array(array)
        for row, column in np.argwhere(np.isnan(array)):
            known = array[np.isfinite(array[:, column]), column]
            n = self.vartypes[column]
            anything = rng.integers(n) if n else rng.random()
            filled[row, column] = rng.choice(known) if len(known) else anything
        return filled


def _quiet() -> warnings.catch_warnings:
    """Hide ConfigSpace's warnings about the deprecated calls that hpbandster makes."""
    return warnings.catch_warnings(action="ignore")


def configuration_space(domains: Mapping[str, Domain]) -> ConfigurationSpace:
    """Express a space, with its conditions, in ConfigSpace's classes."""
    space = ConfigurationSpace()
    parameters = {name: _hyperparameter(name, domain) for name, domain in domains.items()}
    space.add(*parameters.values())
    for name, needed in conditions(domains).items():
        held = [InCondition(parameters[name], parameters[p], v) for p, v in needed.items()]
        space.add(AndConjunction(*held) if len(held) > 1 else held[0])
    return space


def _hyperparameter(name: str, domain: Domain):
    if isinstance(domain, Choice):
        return CategoricalHyperparameter(name, list(domain.values))
    kind = UniformFloatHyperparameter if isinstance(domain, Float) else UniformIntegerHyperparameter
    return kind(name, domain.low, domain.high, log=domain.log)
