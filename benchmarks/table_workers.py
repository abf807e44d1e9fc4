"""Processes that train the trials of a recorded table."""

import math
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from benchmarks.recorded import MEASURED, Trial
from benchmarks.table_draws import Asked
from hypertuning.search.ray_start import WORKER_ENVIRONMENT


class Images(NamedTuple):
    cache: Path
    train_size: int
    val_size: int


_data = _hardware = None
"""The images of a worker process, and what it trains on."""


def _begin(images: Images, hardware: tuple[str, str]) -> None:
    global _data, _hardware
    import torch

    from hypertuning.learn.splits import load
    from hypertuning.learn.training import Hardware

    torch.set_num_threads(1)
    _hardware = Hardware.of(*hardware)
    _data = load(*images, split_seed=0)


def train(asked: Asked, max_epochs: int, names: Sequence[str]) -> Trial:
    """Train one configuration for all epochs, in a worker process."""
    from hypertuning.learn.training import Diverged, TrainState, fit

    state = TrainState.new(asked.config, _data, max_epochs, _hardware)
    epochs = []
    try:
        for row in fit(state, _data, max_epochs):
            epochs.append({name: asdict(row)[name] for name in MEASURED})
    except Diverged:
        epochs.append({**dict.fromkeys(MEASURED, math.nan), "val_loss": math.inf})
    given = asked.config.hyperparameters()
    values = {name: given[name] for name in names if name in given}
    return Trial(asked.number, asked.drawn, asked.seed, values, epochs)


class Workers:
    """Trains trials in parallel, and hands no more out after a time."""

    def __init__(
        self, processes: int, images: Images, hardware: tuple[str, str], seconds: float
    ) -> None:
        self.processes = processes
        self.ends = time.monotonic() + (seconds or math.inf)
        os.environ.update(WORKER_ENVIRONMENT)  # glibc reads it when a process starts
        self.pool = ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), _begin, (images, hardware)
        )

    @property
    def late(self) -> bool:
        return time.monotonic() > self.ends

    def trained(
        self, asked: Sequence[Asked], max_epochs: int, names: Sequence[str]
    ) -> Iterator[Trial]:
        """Each trial as it ends; those that would begin too late are left out."""
        left, running = list(asked), set[Future[Trial]]()
        while running or (left and not self.late):
            while left and not self.late and len(running) < self.processes:
                running.add(self.pool.submit(train, left.pop(0), max_epochs, names))
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)
