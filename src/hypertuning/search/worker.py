"""The work of one trial's job, an epoch a step: the part that needs PyTorch."""

import itertools
import math
from collections.abc import Iterator

import torch

from hypertuning.config import OBJECTIVE, parse_config
from hypertuning.epoch import Epoch
from hypertuning.learn import checkpoint
from hypertuning.learn.splits import load
from hypertuning.learn.training import Diverged, Hardware, TrainState, fit
from hypertuning.record.layout import checkpoint_name
from hypertuning.search.problem import Problem


class Worker:
    """Trains the trial of a job from its checkpoint, if there is one, until the job's epoch.

    The checkpoint is written before the epoch is reported, in one place whatever job wrote it, and
    carries the rows of all epochs so far: what the record lacks is reported first. Where it cannot
    be written, the epoch is reported all the same, with the reason as `unsaved`.
    """

    def __init__(self, problem: Problem) -> None:
        torch.set_num_threads(problem.threads)
        self.problem = problem
        self.data = load(problem.cache, problem.train_size, problem.val_size, problem.split_seed)

    def begin(self, config: dict) -> None:
        """Begin a job, given as its `config` and `job`."""
        job = config["job"]
        self.until = job["until"]
        self.checkpoint = self.problem.checkpoints / checkpoint_name(job["trial"])
        self.state = self._state(config["config"])
        known = [row for row in self.state.rows if row.epoch > job["recorded"]]
        self.epochs: Iterator[Epoch] = itertools.chain(known, self._train())
        self.unsaved: str | None = None

    def _state(self, given: dict) -> TrainState:
        """From the checkpoint, unless a crash has damaged it or left that of a lost proposal."""
        config = parse_config(given)
        hardware = Hardware.of(self.problem.device, self.problem.precision)
        kept = checkpoint.load(self.checkpoint, config, self.data, hardware)
        return kept or TrainState.new(config, self.data, self.problem.horizon, hardware)

    def _train(self) -> Iterator[Epoch]:
        for row in fit(self.state, self.data, self.until):
            try:
                checkpoint.save(self.state, self.checkpoint)
            except OSError as error:
                self.unsaved = f"{self.checkpoint} could not be written: {error.strerror}"
            yield row

    def step(self) -> dict:
        """Train one epoch more; give its row as Ray wants a result."""
        try:
            row = next(self.epochs)
        except Diverged as diverged:
            lost = {OBJECTIVE: math.inf}  # Ray ends a whole study over a result without it
            return {"epoch": diverged.epoch, **lost, "diverged": True, "done": True}
        unsaved = {"unsaved": self.unsaved} if self.unsaved else {}
        return {**row.as_dict(), **unsaved, "done": row.epoch >= self.until}
