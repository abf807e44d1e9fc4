"""Where a trial's configuration comes from: a list, chance, the user, or a model (bohb.py, gp.py).

A sampler is a function of the trial's number, the seed, the results it observed, and the trials
that had begun. No draw depends on how many were drawn before, so a study that starts again makes
the same proposals.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from hypertuning.config import Config, UserError, parse_config
from hypertuning.domains import Value, contains
from hypertuning.spaces import Space, acting, sample, searched


class Proposal(NamedTuple):
    config: Config
    sampler: str
    """Where it comes from: grid, point, repeat, random, prior, incumbent (near the best so far),
    model, or warm: a model that needed the results of earlier studies."""
    model_epochs: int | None = None
    """After how many epochs the results of the model were measured; None if it has those of all."""
    expected_gain: float | None = None
    """What the next tenth of the search was expected to lower the loss by, see `search.outlook`."""


class Sampler(Protocol):
    def propose(self, trial: int) -> Proposal:
        """The configuration of a trial."""

    def begin(self, config: Config) -> None:
        """Know that a trial has this configuration."""

    def observe(self, config: Config, epoch: int, loss: float) -> None:
        """Learn the loss of a configuration on a rung; +inf where it failed."""


class Listed:
    """The configurations of a list, in its order."""

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        self.proposals = tuple(proposals)

    def propose(self, trial: int) -> Proposal:
        return self.proposals[trial]

    def begin(self, config: Config) -> None:
        pass

    def observe(self, config: Config, epoch: int, loss: float) -> None:
        pass


class Random:
    """Independent draws from a space."""

    def __init__(
        self,
        space: Space,
        fixed: Mapping[str, Value],
        seed: int,
        build: Callable[[dict[str, Value]], Config] = parse_config,
    ) -> None:
        self.space, self.fixed, self.seed, self.build = space, fixed, seed, build

    def propose(self, trial: int) -> Proposal:
        """Draw until a configuration can be trained.

        Raises:
            UserError: none of a thousand draws can be trained.
        """
        for attempt in range(1000):
            values = sample(self.space, np.random.default_rng((self.seed, trial, attempt)))
            try:
                return Proposal(self.build({**self.fixed, **values}), "random")
            except UserError as error:
                refused = error
        raise UserError(f"the space holds no configuration that can be trained: {refused}")

    def begin(self, config: Config) -> None:
        pass

    def observe(self, config: Config, epoch: int, loss: float) -> None:
        pass

    def misfit(self, given: Mapping[str, Value], known: Iterable[str] | None = None) -> str | None:
        """The first reason why these hyperparameters do not belong to this space; None if they do.

        Args:
            known: The searched parameters that are compared; by default all of them.
        """
        opened = searched(self.space)
        there = acting(self.space, given)
        for name in opened if known is None else known:
            if name in there and not contains(opened[name], given[name]):
                return f"{name} outside {opened[name].extent()}"
        constants = {n: v for n, v in self.space.items() if n not in opened}
        values = {n: given[n] for n in opened if n in given}
        try:
            there = acting(self.space, {**constants, **values})
            own = self.build({**self.fixed, **there}).hyperparameters()
        except UserError:
            return "what cannot be trained here"
        unlike = (n for n in own if n in given and n not in opened and n != "seed")
        return next((f"another {n}" for n in unlike if own[n] != given[n]), None)


class PointsFirst:
    """The user's own configurations, then those of another sampler."""

    def __init__(self, points: Sequence[Config], then: Sampler) -> None:
        self.points, self.then = tuple(points), then

    def propose(self, trial: int) -> Proposal:
        if trial < len(self.points):
            return Proposal(self.points[trial], "point")
        return self.then.propose(trial)

    def begin(self, config: Config) -> None:
        self.then.begin(config)

    def observe(self, config: Config, epoch: int, loss: float) -> None:
        self.then.observe(config, epoch, loss)


class Paired:
    """Each configuration once per arm, as trials that follow each other: the partner of `Arms`."""

    def __init__(self, sampler: Sampler, arms: Sequence[Mapping[str, Value]]) -> None:
        self.sampler, self.arms = sampler, tuple(arms)

    def propose(self, trial: int) -> Proposal:
        number, arm = divmod(trial, len(self.arms))
        proposal = self.sampler.propose(number)
        return self._in(arm, proposal)

    def _in(self, arm: int, proposal: Proposal) -> Proposal:
        config = proposal.config.model_copy(update=dict(self.arms[arm]))
        return proposal._replace(config=config)

    def partners(self, begun: Mapping[int, Proposal]) -> dict[int, Proposal]:
        """All arms of what has begun, by trial, also if it was drawn from another space.

        What does not act in the arm that has begun is as the sampler proposes it.
        """
        return {
            trial - trial % len(self.arms) + arm: self._in(arm, self._whole(trial, proposal))
            for trial, proposal in begun.items()
            for arm in range(len(self.arms))
        }

    def _whole(self, trial: int, begun: Proposal) -> Proposal:
        drawn = self.sampler.propose(trial // len(self.arms)).config
        return begun._replace(config=drawn.model_copy(update=begun.config.hyperparameters()))

    def begin(self, config: Config) -> None:
        self.sampler.begin(config)

    def observe(self, config: Config, epoch: int, loss: float) -> None:
        self.sampler.observe(config, epoch, loss)
