"""Draws that follow the user's priors as far as results confirm them.

Source: Mallik et al., PriorBand (NeurIPS 2023), Algorithm 2. Half of the draws are uniform, which
is the paper's share on the lowest rung (1 / (1 + η^0)). The others come from the prior and, once
there are results, also from around the best one: their shares are as the densities of both at the
best configurations.
"""

from collections.abc import Callable, Mapping

import numpy as np

from hypertuning.config import Config, UserError, parse_config
from hypertuning.domains import Value
from hypertuning.search.belief import Belief
from hypertuning.search.places import Places
from hypertuning.search.result import PRIOR
from hypertuning.search.sampler import Proposal, Random
from hypertuning.spaces import Space, acting, searched

UNIFORM = 0.5
REDUCTION_FACTOR = 3
"""The densities are compared at one in so many of the results of a rung."""
MOVED = 0.5
"""Around the best configuration: the probability that a parameter is drawn anew."""
ATTEMPTS = 100


class Informed(Random):
    """Draws from the space, from its priors, and from around the best result."""

    def __init__(
        self,
        space: Space,
        fixed: Mapping[str, Value],
        seed: int,
        build: Callable[[dict[str, Value]], Config] = parse_config,
    ) -> None:
        super().__init__(space, fixed, seed, build)
        self.places = Places(space)
        self.prior = Belief.of_priors(self.places)
        self.results: dict[int, list[tuple[float, tuple[float, ...]]]] = {}
        """By epoch: losses and vectors."""

    def observe(self, config: Config, epoch: int, loss: float) -> None:
        """Learn a result, unless its configuration lies outside the space."""
        given = config.hyperparameters()
        if not self.misfit(given) and np.isfinite(loss):
            vector = self.places.of(acting(searched(self.space), given))
            self.results.setdefault(epoch, []).append((loss, tuple(vector)))

    def propose(self, trial: int) -> Proposal:
        """Draw from the space, the prior, or around the best.

        Raises:
            UserError: no random configuration can be trained.
        """
        coin = np.random.default_rng((self.seed, trial, 0, PRIOR)).random()
        if coin < UNIFORM:
            return super().propose(trial)
        best = self._best()
        share = UNIFORM + (1 - UNIFORM) * self._prior_share(best)
        for attempt in range(1, ATTEMPTS):
            rng = np.random.default_rng((self.seed, trial, attempt, PRIOR))
            anywhere = self.places.everywhere(1, rng)[0]
            if coin < share:
                vector, origin = self.prior.draw(anywhere, rng), "prior"
            else:
                vector, origin = self._near(best[0], anywhere, rng), "incumbent"
            try:
                config = self.build({**self.fixed, **self.places.values(vector)})
            except UserError:
                continue
            return Proposal(config, origin)
        return super().propose(trial)

    def _near(self, best: np.ndarray, anywhere: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        drawn = Belief.around(self.places, best).draw(anywhere, rng)
        return np.where((rng.random(len(best)) < MOVED) | np.isnan(best), drawn, best)

    def _best(self) -> np.ndarray:
        """The best vectors (n, d) on the highest rung that has enough results, the best first."""
        rungs = [epoch for epoch, seen in self.results.items() if len(seen) >= REDUCTION_FACTOR]
        if not rungs:
            return np.empty((0, len(self.places.names)))
        seen = sorted(self.results[max(rungs)])
        return np.array([vector for _, vector in seen[: len(seen) // REDUCTION_FACTOR]])

    def _prior_share(self, best: np.ndarray) -> float:
        """How much of what is not uniform comes from the prior.

        The densities of the prior and of what is around the best, at the best vectors; the better a
        vector, the more it counts.
        """
        if not len(best):
            return 1.0
        weights = np.arange(len(best), 0, -1)
        prior = weights @ self.prior.density(best)
        incumbent = weights @ Belief.around(self.places, best[0]).density(best)
        return float(prior / (prior + incumbent))


def draws(
    space: Space,
    fixed: Mapping[str, Value],
    seed: int,
    build: Callable[[dict[str, Value]], Config] = parse_config,
) -> Random:
    """The draws of a space: informed ones if it has a prior."""
    has_prior = any(domain.prior is not None for domain in searched(space).values())
    return (Informed if has_prior else Random)(space, fixed, seed, build)
