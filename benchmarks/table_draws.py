"""Which configurations a recorded table has: some of the whole space, others near its best."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.recorded import Trial
from hypertuning.config import Config, UserError, parse_config
from hypertuning.domains import Choice, Domain, Value
from hypertuning.search.sampler import Random
from hypertuning.search.unit import from_unit, to_unit
from hypertuning.spaces import Space, acting, searched

TWICE = 3
"""One configuration in so many is trained with a second seed."""
STEP, SWITCH = 0.15, 0.25
"""Near a configuration: the deviation of a number, as a share of its range, and the probability
that a choice is drawn anew."""


class Size(NamedTuple):
    """How many configurations a table has."""

    rounds: int
    drawn: int
    """From the space, in each round."""
    near: int
    """Near the best so far, in each round."""


class Asked(NamedTuple):
    """A trial to record."""

    number: int
    drawn: str
    seed: int
    config: Config


def parts(space: Space, size: Size, trials: Sequence[Trial]) -> Iterator[list[Asked]]:
    """The trials of each part of each round; the next part may depend on what those reached.

    Args:
        trials: Those recorded so far; the caller adds to them between two parts.
    """
    for first in range(0, size.rounds * (size.drawn + size.near), size.drawn + size.near):
        last = first + size.drawn
        yield _twice("space", {n: drawn(space, n) for n in range(first, last)})
        centres = best_tenth([trial for trial in trials if trial.number < last])
        yield _twice("near", {n: near(space, centres, n) for n in range(last, last + size.near)})


def _twice(kind: str, configs: dict[int, Config]) -> list[Asked]:
    return [
        Asked(number, kind, seed, config.model_copy(update={"seed": seed}))
        for number, config in configs.items()
        for seed in range(1 + (number % TWICE == 0))
    ]


def drawn(space: Space, number: int) -> Config:
    return Random(space, {}, seed=0).propose(number).config


def best_tenth(trials: Sequence[Trial]) -> list[dict[str, Value]]:
    """The values of the best tenth of the configurations, by their first seed."""
    once = sorted((t for t in trials if t.seed == 0), key=lambda t: (t.best, t.number))
    return [trial.values for trial in once[: math.ceil(len(once) / 10)]]


def near(space: Space, centres: Sequence[dict[str, Value]], number: int) -> Config:
    """A configuration near one of the centres; what does not act there is drawn from the space.

    Raises:
        UserError: none of a thousand can be trained.
    """
    for attempt in range(1000):
        rng = np.random.default_rng((1, number, attempt))
        centre = centres[rng.integers(len(centres))]
        anywhere = {name: domain.sample(rng) for name, domain in searched(space).items()}
        values = {**anywhere, **centre}
        moved = {n: _moved(d, values[n], rng) for n, d in searched(space).items()}
        try:
            return parse_config(acting(space, {**space, **moved}))
        except UserError as error:
            refused = error
    raise UserError(f"nothing near the best configurations can be trained: {refused}")


def _moved(domain: Domain, value: Value, rng: np.random.Generator) -> Value:
    if isinstance(domain, Choice):
        return domain.sample(rng) if rng.random() < SWITCH else value
    place = to_unit(domain, value) + STEP * rng.standard_normal()
    return from_unit(domain, 1 - abs(1 - abs(place) % 2))  # reflected at both ends
