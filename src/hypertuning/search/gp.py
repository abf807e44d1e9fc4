"""A sampler that learns from the results of all rungs at once: what would a configuration reach?

Bayesian optimisation with a Gaussian process that has the epoch as an input: it proposes the
candidate of the largest expected improvement at the largest number of epochs.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice

import numpy as np
from scipy.special import ndtr

from hypertuning.config import Config, UserError, parse_config
from hypertuning.domains import Value
from hypertuning.search.candidates import scattered, uphill
from hypertuning.search.gaussian_process import Points, Process, most_probable
from hypertuning.search.informed import draws
from hypertuning.search.levels import Levels
from hypertuning.search.model_options import PAPER, ModelOptions
from hypertuning.search.places import Places
from hypertuning.search.result import COIN, GAIN, MODEL, Result
from hypertuning.search.sampler import Proposal
from hypertuning.spaces import Space, acting, searched

BEST = 5
"""Around how many of the best results it looks for better ones."""
REFIT, REFIT_SHARE = 8, 1 / 8
"""The process's own parameters are fitted again after so many results, or such a share, more."""
MOST = 400
"""Results that the process learns from: its time grows with their cube."""
PROMISING, DRAWS = 200, 500
"""The expected gain: candidates among which the next ones are chosen, and draws of their losses."""


class Gp:
    """Proposes by a Gaussian process over configurations and epochs.

    Every draw depends on the seed, the trial's number, the trials that have begun, and the results
    observed, in their order.
    """

    def __init__(
        self,
        space: Space,
        fixed: Mapping[str, Value],
        seed: int,
        options: ModelOptions = PAPER,
        build: Callable[[dict[str, Value]], Config] = parse_config,
    ) -> None:
        self.fixed, self.seed, self.options, self.build = fixed, seed, options, build
        self.random, self.places = draws(space, fixed, seed, build), Places(space)
        self.searched = searched(space)
        self.results: list[tuple[np.ndarray, int, float]] = []
        """(vector, epoch, loss)"""
        self.begun: set[frozenset] = set()
        """The configurations of this study's trials."""
        self.own: Counter[int] = Counter()
        """Results of this study by epoch."""
        self._logs = (0, np.empty(0))
        """The process's own parameters, and the number of results to which they were fitted."""
        self._seen: tuple[int, tuple[Process, Levels] | None] = (0, None)
        """The process, and the number of results that it has seen."""

    def warm_start(self, results: Iterable[Result]) -> None:
        """Learn the results of earlier studies, before those of this one."""
        for values, epoch, loss in results:
            self.results.append((self.places.of(values), epoch, loss))

    @property
    def needed(self) -> int:
        """How many results on one budget make a model: d + 1."""
        return len(self.searched) + 1

    def _enough(self, results: Counter[int]) -> bool:
        return max(results.values(), default=0) >= self.needed

    def begin(self, config: Config) -> None:
        """Know that a trial has this configuration: no other one will."""
        self.begun.add(config.key())

    def observe(self, config: Config, epoch: int, loss: float) -> None:
        """Learn a result, unless its configuration lies outside the space."""
        given = config.hyperparameters()
        if self.random.misfit(given):
            return
        self.random.observe(config, epoch, loss)
        self.own[epoch] += 1
        self.results.append((self.places.of(acting(self.searched, given)), epoch, loss))

    def propose(self, trial: int) -> Proposal:
        """Propose by the model or, if the trial's coin says so, at random.

        Raises:
            UserError: no random configuration can be trained.
        """
        coin = np.random.default_rng((self.seed, trial, 0, COIN)).random()
        known = Counter(epoch for _, epoch, _ in self.results)
        if not self._enough(known) or coin < self.options.random_fraction:
            return self.random.propose(trial)
        origin = "model" if self._enough(self.own) else "warm"
        ranked = self._ranked(np.random.default_rng((self.seed, trial, 0, MODEL)))
        for _, config in self._trainable(ranked):
            if config.key() not in self.begun:  # the same seed would train it to the same losses
                return Proposal(config, origin)
        return self.random.propose(trial)

    def _ranked(self, rng: np.random.Generator) -> np.ndarray:
        """Candidates (n, d), that of the largest expected improvement first."""
        process, _ = self._process()
        last = process.points.epochs.max()
        known, _ = process.predict(_after(last, process.points.vectors))
        nearest = process.points.vectors[np.argsort(known, kind="stable")[:BEST]]
        gain = partial(_improvement, process, known.min(), last)
        return uphill(self.places, scattered(self.places, nearest, rng), gain, rng)

    def _trainable(self, vectors: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, Config]]:
        """Those of the vectors that can be trained, with their configurations."""
        for vector in vectors:
            with suppress(UserError):
                yield vector, self.build({**self.fixed, **self.places.values(vector)})

    def expected_gain(self, trials: int, max_epochs: int) -> float | None:
        """By how much the best loss is expected to fall with so many trials more.

        These are chosen one after the other among new ones and those that wait on a lower rung,
        each for what it adds to the ones before (Wilson, Hutter, Deisenroth, NeurIPS 2018, section
        4); the expectation is a mean of draws. The best trial counts as the process expects it.

        Returns:
            In the unit of the loss; None before there is a model, and a result after `max_epochs`.
        """
        own = self.results[len(self.results) - self.own.total() :]
        ended = np.array([vector for vector, epoch, _ in own if epoch == max_epochs])
        if not len(ended) or not self._enough(self.own):
            return None
        process, levels = self._process()
        rng = np.random.default_rng((self.seed, len(self.results), 0, GAIN))
        last = np.log(max_epochs)
        known, _ = process.predict(_after(last, ended))
        order = np.argsort(known, kind="stable")
        new = scattered(self.places, ended[order[:BEST]], rng)
        others = np.array([*new, *_waiting(own, max_epochs)])
        gain = _improvement(process, known.min(), last, others)
        ranked = others[np.argsort(-gain, kind="stable")]
        chosen = [vector for vector, _ in islice(self._trainable(ranked), PROMISING)]
        if not chosen:
            return 0.0
        draws = process.draw(_after(last, np.array([ended[order[0]], *chosen])), DRAWS, rng)
        losses = levels.losses(draws)
        return _gain_of(losses[:, 0], losses[:, 1:], trials)

    def _process(self) -> tuple[Process, Levels]:
        """The process that has seen the results, and what their losses are to it."""
        if self._seen[0] != len(self.results):
            points, losses = _learnt(self.results)
            levels = Levels.of(losses)
            choices, logs = self.places.counts > 0, self._most_probable()
            process = Process.fit(points, levels(losses), choices, logs)
            self._seen = len(self.results), (process, levels)
        return self._seen[1]

    def _most_probable(self) -> np.ndarray:
        """The process's own parameters.

        Fitted after certain numbers of results, they are a function of the results alone.
        """
        count = _fitted(len(self.results), self.needed)
        if self._logs[0] != count:
            points, losses = _learnt(self.results[:count])
            levels = Levels.of(losses)(losses)
            self._logs = count, most_probable(points, levels, self.places.counts > 0)
        return self._logs[1]


def _fitted(results: int, first: int) -> int:
    """After how many of the results the process's own parameters were last fitted."""
    count = first
    while (later := count + max(REFIT, int(REFIT_SHARE * count))) <= results:
        count = later
    return count


def _learnt(results: Sequence[tuple[np.ndarray, int, float]]) -> tuple[Points, np.ndarray]:
    """The points and losses (n,) of the results.

    At most `MOST` are kept: the best after the largest number of epochs, then those after most
    epochs, the newest first.
    """
    last = max(epoch for _, epoch, _ in results)
    ends = [at for at, (_, epoch, _) in enumerate(results) if epoch == last]
    best = sorted(ends, key=lambda at: results[at][2])[:BEST]
    by_epochs = sorted(range(len(results)), key=lambda at: (at in best, results[at][1], at))
    kept = [results[at] for at in sorted(by_epochs[-MOST:])]
    vectors, epochs, losses = (np.array(column) for column in zip(*kept, strict=True))
    return Points(vectors, np.log(epochs)), losses


def _after(log_epochs: float, vectors: np.ndarray) -> Points:
    return Points(vectors, np.full(len(vectors), log_epochs))


def _improvement(
    process: Process, best: float, log_epochs: float, vectors: np.ndarray
) -> np.ndarray:
    """The expected improvement (m,) of vectors (m, d) on the best loss."""
    return _expected_improvement(best, *process.predict(_after(log_epochs, vectors)))


def _expected_improvement(best: float, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """On the best loss, of losses that are normal (m,)."""
    z = (best - mean) / deviation
    return (best - mean) * ndtr(z) + deviation * np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)


def _gain_of(best: np.ndarray, losses: np.ndarray, trials: int) -> float:
    """How much lower the best of drawn losses (s,) is with so many of others (s, m), on average."""
    reached = best
    for _ in range(trials):
        lower = np.minimum(reached[:, None], losses)
        reached = lower[:, lower.mean(axis=0).argmin()]
    return float((best - reached).mean())


def _waiting(results: Iterable[tuple[np.ndarray, int, float]], max_epochs: int) -> list[np.ndarray]:
    """The vectors of trials that wait on a lower rung and have not failed."""
    known = {vector.tobytes(): vector for vector, *_ in results}
    for vector, epoch, loss in results:
        if epoch == max_epochs or not math.isfinite(loss):
            known.pop(vector.tobytes(), None)
    return list(known.values())
