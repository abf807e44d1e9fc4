"""The work of one trial's job, an epoch a step: the part that needs PyTorch."""

import ctypes
import itertools
import math
import time
from collections.abc import Iterator
from contextlib import suppress

import torch

from hypertuning.config import OBJECTIVE, parse_config
from hypertuning.epoch import Epoch
from hypertuning.learn import checkpoint
from hypertuning.learn.splits import load
from hypertuning.learn.training import Diverged, Hardware, TrainState, fit
from hypertuning.record.layout import checkpoint_name, measured_name
from hypertuning.record.measured import read_measured, write_measured
from hypertuning.search.problem import Problem

CHECKPOINT_SHARE = 0.05
"""At most this share of a job's time goes into checkpoints between its first and its last epoch."""


class Worker:
    """Trains the trial of a job from its checkpoint, if there is one, until the job's epoch.

    What an epoch measured is written down before it is reported, in one place whatever job wrote
    it: what the record lacks is reported first. The weights are written there after a job's first
    and last epoch, and between them as often as CHECKPOINT_SHARE allows. If they are behind after a
    crash, the worker trains these epochs again without reporting them: what was measured first
    counts. Where something cannot be written, the epoch is reported all the same, with the reason
    as `unsaved`.
    """

    def __init__(self, problem: Problem) -> None:
        torch.set_num_threads(problem.threads)
        self.problem = problem
        self.data = load(problem.cache, problem.train_size, problem.val_size, problem.split_seed)

    def begin(self, config: dict) -> None:
        """Begin a job, given as its `config` and `job`."""
        self._forget()
        job, hyperparameters = config["job"], config["config"]
        self.until, self.config = job["until"], hyperparameters
        self.checkpoint = self.problem.checkpoints / checkpoint_name(job["trial"])
        self.measured = self.problem.checkpoints / measured_name(job["trial"])
        self.state = self._state(hyperparameters)
        kept = read_measured(self.measured, hyperparameters)
        # earlier versions kept the rows in the checkpoint alone
        self.rows = max(kept, list(self.state.rows), key=len)
        self.recorded = job["recorded"]
        unknown = [row for row in self.rows if row.epoch > self.recorded]
        self.epochs: Iterator[Epoch] = itertools.chain(unknown, self._train())
        self.unsaved: str | None = None
        self.due = -math.inf

    def _forget(self) -> None:
        """Let go of the job before, and of the memory that it needed.

        Between batches the C library keeps what is freed, see WORKER_ENVIRONMENT: without this, a
        worker would hold for good what its largest network needed.
        """
        self.state = self.epochs = None
        with suppress(AttributeError):  # another library than glibc
            ctypes.CDLL(None).malloc_trim(0)

    def _state(self, given: dict) -> TrainState:
        """From the checkpoint, unless a crash has damaged it or left that of a lost proposal."""
        config = parse_config(given)
        hardware = Hardware.of(self.problem.device, self.problem.precision)
        kept = checkpoint.load(self.checkpoint, config, self.data, hardware)
        return kept or TrainState.new(config, self.data, self.problem.horizon, hardware)

    def _train(self) -> Iterator[Epoch]:
        for row in fit(self.state, self.data, self.until):
            new = row.epoch > len(self.rows)
            if new:
                self.rows.append(row)
            else:
                self.state.rows[-1] = self.rows[row.epoch - 1]
            try:
                if new:
                    write_measured(self.measured, self.config, self.rows)
                self._save_if_due()
            except OSError as error:
                folder = self.problem.checkpoints
                self.unsaved = f"{folder} could not be written: {error.strerror}"
            if new and row.epoch > self.recorded:
                yield row

    def _save_if_due(self) -> None:
        began = time.monotonic()
        if began >= self.due or self.state.epoch == self.until:
            checkpoint.save(self.state, self.checkpoint)
            ended = time.monotonic()
            self.due = ended + (ended - began) / CHECKPOINT_SHARE

    def step(self) -> dict:
        """Train one epoch more; give its row as Ray wants a result."""
        try:
            row = next(self.epochs)
        except Diverged as diverged:
            lost = {OBJECTIVE: math.inf}  # Ray ends a whole study over a result without it
            return {"epoch": diverged.epoch, **lost, "diverged": True, "done": True}
        unsaved = {"unsaved": self.unsaved} if self.unsaved else {}
        return {**row.as_dict(), **unsaved, "done": row.epoch >= self.until}
