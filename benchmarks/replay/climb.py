"""Replay a study: the project's own ladder and sampler on losses that are looked up."""

import math
from collections.abc import Callable
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

import numpy as np

from hypertuning.search.ladder import Job, Ladder
from hypertuning.search.sampler import Sampler


class Study(NamedTuple):
    ladder: Ladder
    sampler: Sampler
    told: Callable[[np.ndarray], float] = lambda losses: losses[-1]
    """What ladder and sampler hear of a trial's losses so far: by default the last."""


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


class Incumbent:
    """The trial and epoch of least measured loss, and the loss expected there."""

    def __init__(self) -> None:
        self.measured = self.expected = math.inf

    def see(self, trained: Trained, epoch: int) -> float:
        if trained.measured[epoch - 1] < self.measured:
            self.measured = trained.measured[epoch - 1]
            self.expected = trained.expected[epoch - 1]
        return self.expected


def replay(study: Study, curves: Curves, seed: int, epochs: int, workers: int = 1) -> np.ndarray:
    """The expected loss of the incumbent after each epoch spent (epochs,).

    Every epoch takes the same time, and each of the workers does one job at a time. A study that
    ends earlier keeps its last incumbent.
    """
    trained: dict[int, Trained] = {}
    configs, reached, incumbent = {}, {}, Incumbent()
    running: list[tuple[float, int, Job]] = []
    """When each worker ends its next epoch; the spent epochs break ties."""
    best, now = [], 0.0
    while len(best) < epochs:
        while len(running) < workers and (job := study.ladder.next()):
            if job.trial not in trained:
                configs[job.trial] = study.sampler.propose(job.trial).config
                trained[job.trial] = _train(configs[job.trial], curves, (seed, job.trial))
            heappush(running, (now + 1, job.trial, job))
        if not running:
            break
        now, trial, job = heappop(running)
        reached[trial] = epoch = reached.get(trial, 0) + 1
        best.append(incumbent.see(trained[trial], epoch))
        if epoch < job.until:
            heappush(running, (now + 1, trial, job))
            continue
        loss = float(study.told(trained[trial].measured[:epoch]))
        study.ladder.tell(trial, epoch, loss)
        study.sampler.observe(configs[trial], epoch, loss)
    return np.array(best + best[-1:] * (epochs - len(best)))


def _train(config, curves: Curves, seed: tuple[int, int]) -> Trained:
    expected = curves(config.hyperparameters())
    return Trained(expected, expected + curves.noise(expected, np.random.default_rng(seed)))
