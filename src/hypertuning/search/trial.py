"""What Ray runs: the job of one trial, an epoch a step."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from ray import tune

from hypertuning.config import OBJECTIVE, parse_config
from hypertuning.learn.data import load
from hypertuning.learn.training import Diverged, Epoch, Hardware, TrainState, fit


class Problem(NamedTuple):
    """What all trials of a study share besides the space."""

    cache: Path
    """Decoded images, from `learn.data.prepare`."""
    train_size: int
    val_size: int
    split_seed: int
    horizon: int
    """Epochs over which a learning-rate schedule runs: the study's largest number."""
    device: str
    """cpu or cuda."""
    precision: str
    """auto, float32 or bfloat16."""
    threads: int
    checkpoints: Path
    """Folder of one checkpoint per trial of the study."""


class TrialRunner(tune.Trainable):
    """Trains the trial of a job from its checkpoint, if there is one, until the job's epoch.

    The checkpoint is written before the epoch is reported, in one place whatever job wrote it, and
    carries the rows of all epochs so far: what the record lacks is reported first.
    """

    def setup(self, config: dict, problem: Problem) -> None:
        torch.set_num_threads(problem.threads)
        self.problem = problem
        self.data = load(problem.cache, problem.train_size, problem.val_size, problem.split_seed)
        self._begin(config)

    def reset_config(self, new_config: dict) -> bool:
        self._begin(new_config)
        return True

    def _begin(self, config: dict) -> None:
        job = config["job"]
        self.until = job["until"]
        self.checkpoint = self.problem.checkpoints / f"t{job['trial']:04d}.pt"
        self.state = self._state(config["config"])
        known = [row for row in self.state.rows if row.epoch > job["recorded"]]
        self.epochs: Iterator[Epoch] = itertools.chain(known, self._train())

    def _state(self, given: dict) -> TrainState:
        hardware = Hardware.of(self.problem.device, self.problem.precision)
        if self.checkpoint.exists():
            return TrainState.load(self.checkpoint, self.data, hardware)
        return TrainState.new(parse_config(given), self.data, self.problem.horizon, hardware)

    def _train(self) -> Iterator[Epoch]:
        for row in fit(self.state, self.data, self.until):
            self.state.save(self.checkpoint)
            yield row

    def step(self) -> dict:
        try:
            row = next(self.epochs)
        except Diverged as diverged:
            lost = {OBJECTIVE.metric: math.inf}  # Ray ends a whole study over a result without it
            return {"epoch": diverged.epoch, **lost, "diverged": True, "done": True}
        return {**asdict(row), "done": row.epoch >= self.until}


def trainable(problem: Problem) -> type[tune.Trainable]:
    """The trainable of a study, with the problem on board."""
    problem.checkpoints.mkdir(parents=True, exist_ok=True)
    return tune.with_parameters(TrialRunner, problem=problem)
