"""Replay a study: the project's own ladder and sampler on losses that are looked up."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

import numpy as np

from hypertuning.config import Config
from hypertuning.domains import Value
from hypertuning.search.ladder import Job, Ladder
from hypertuning.search.outlook import Outlook
from hypertuning.search.sampler import Sampler


class Study(NamedTuple):
    ladder: Ladder
    sampler: Sampler
    told: Callable[[np.ndarray], float] = lambda losses: losses[-1]
    """What ladder and sampler hear of a trial's losses so far: by default the last."""
    outlook: Outlook | None = None
    """It may end the study."""


class Curves(Protocol):
    def __call__(self, values: dict) -> np.ndarray:
        """The expected loss after each epoch (R,)."""

    def noise(self, expected: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What one training seed adds to expected losses (R,)."""


class Trained(NamedTuple):
    """What is known of a trial that has begun."""

    expected: np.ndarray
    """(R,)"""
    measured: np.ndarray
    """(R,): the same with the noise of its seed, which is all that a method sees."""


class Spent(Exception):
    """All epochs are spent."""


class Trainer:
    """Looks up what trials reach, and keeps the account of the epochs spent."""

    def __init__(self, curves: Curves, seed: int, epochs: int) -> None:
        self.curves, self.seed, self.epochs = curves, seed, epochs
        self.trials: list[Trained] = []
        self.reached: list[int] = []
        """Epochs, by trial."""
        self.best: list[float] = []
        """After each epoch spent: the loss expected of the incumbent."""
        self._incumbent = math.inf, math.inf
        """The least measured loss, and the loss expected there."""

    def begin(self, values: Mapping[str, Value]) -> int:
        """A new trial of these hyperparameters; its number."""
        rng = np.random.default_rng((self.seed, len(self.trials)))
        expected = self.curves(values)
        self.trials.append(Trained(expected, expected + self.curves.noise(expected, rng)))
        self.reached.append(0)
        return len(self.trials) - 1

    def epoch(self, trial: int) -> np.ndarray:
        """Train a trial for one epoch more; all its measured losses.

        Raises:
            Spent: there are no epochs left.
        """
        if len(self.best) == self.epochs:
            raise Spent
        self.reached[trial] += 1
        expected, measured = (losses[: self.reached[trial]] for losses in self.trials[trial])
        self._incumbent = min(self._incumbent, (measured[-1], expected[-1]))
        self.best.append(float(self._incumbent[1]))
        return measured

    def until(self, trial: int, epoch: int) -> np.ndarray:
        """Train a trial up to an epoch; all its measured losses until then."""
        while self.reached[trial] < epoch:
            self.epoch(trial)
        return self.trials[trial].measured[:epoch]

    def whole(self) -> np.ndarray:
        """`best` (epochs,), the last incumbent kept where a method ended early."""
        return np.array(self.best + self.best[-1:] * (self.epochs - len(self.best)))


def climb(study: Study, trainer: Trainer, workers: int = 1) -> None:
    """Run a study until it is done or the epochs are spent.

    Every epoch takes the same time, and each of the workers does one job at a time.
    """
    with suppress(Spent):
        _climb(study, trainer, workers)


def _next(study: Study) -> Job | None:
    return None if study.outlook and study.outlook.is_enough() else study.ladder.next()


def _climb(study: Study, trainer: Trainer, workers: int) -> None:
    configs: dict[int, Config] = {}
    numbers: dict[int, int] = {}
    """The trainer's, by the study's: a ladder need not begin its trials in order."""
    running: list[tuple[float, int, Job]] = []
    """When each worker ends its next epoch."""
    now = 0.0
    while True:
        while len(running) < workers and (job := _next(study)):
            if job.trial not in configs:
                configs[job.trial] = study.sampler.propose(job.trial).config
                numbers[job.trial] = trainer.begin(configs[job.trial].hyperparameters())
            heappush(running, (now + 1, job.trial, job))
        if not running:
            return
        now, trial, job = heappop(running)
        losses = trainer.epoch(numbers[trial])
        if len(losses) < job.until:
            heappush(running, (now + 1, trial, job))
            continue
        loss = float(study.told(losses))
        study.ladder.tell(trial, job.until, loss)
        study.sampler.observe(configs[trial], job.until, loss)
