"""Estimate the cost of a study from a few batches of some of its configurations."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypertuning.config import Config
from hypertuning.learn.checkpoint import save
from hypertuning.learn.splits import Split, Splits, load
from hypertuning.learn.threads import threads
from hypertuning.learn.training import Hardware, TrainState, fit
from hypertuning.search.problem import Problem

BATCHES = 4
VALIDATION_IMAGES = 500


class Cost(NamedTuple):
    """What one configuration costs."""

    seconds: float
    """For one epoch."""
    checkpoint_bytes: int


def measure(problem: Problem, configs: Sequence[Config]) -> Cost:
    """The mean cost of some configurations, each measured on a few batches after a warm-up."""
    data = load(problem.cache, problem.train_size, problem.val_size, problem.split_seed)
    with threads(problem.threads):
        costs = [_measure(problem, data, config) for config in configs]
    seconds, sizes = zip(*costs, strict=True)
    return Cost(statistics.fmean(seconds), round(statistics.fmean(sizes)))


def _measure(problem: Problem, data: Splits, config: Config) -> Cost:
    few = replace(
        data,
        train=_first(data.train, BATCHES * config.batch_size),
        val=_first(data.val, VALIDATION_IMAGES),
    )
    # a tiny learning rate keeps every configuration from diverging; the weights are not used
    calm = config.model_copy(update={"learning_rate": 1e-6, "lr_schedule": "constant"})
    hardware = Hardware.of(problem.device, problem.precision)
    state = TrainState.new(calm, few, problem.horizon, hardware)
    *_, row = fit(state, few, 2)
    per_image = 1 / row.images_per_second
    per_validation_image = (row.epoch_seconds - len(few.train) * per_image) / len(few.val)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "checkpoint.pt"
        save(state, file)
        size = file.stat().st_size
    return Cost(len(data.train) * per_image + len(data.val) * per_validation_image, size)


def _first(split: Split, n: int) -> Split:
    return replace(split, indices=split.indices[:n])
