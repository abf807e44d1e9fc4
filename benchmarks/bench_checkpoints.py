"""How much of a job's time its checkpoints take: after every epoch, and as often as now.

A worker trains the same job in turn with either, and without any; what it takes longer than without
is the time of the checkpoints. All are flushed to the disk below `--out`.
"""

import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import click
import pandas as pd

from hypertuning.config import Config
from hypertuning.learn.data import prepare
from hypertuning.search import worker
from hypertuning.search.problem import Problem

NETWORKS = {
    "cnn, 3 × 64 filters": Config(num_conv_layers=3, filters=64, kernel_size=3, padding=1),
    "cnn, 2 × 200 filters, hidden 512": Config(
        num_conv_layers=2, filters=200, kernel_size=3, padding=1, hidden_size=512
    ),
    "nn, 5 layers, hidden 512": Config(model="nn", num_fully_connected_layers=5, hidden_size=512),
}
LENGTHS = 1, 9
"""Epochs of a job."""


def none() -> mock._patch:
    saving = mock.Mock(load=lambda *_: None)
    return mock.patch.multiple(worker, write_measured=mock.Mock(), checkpoint=saving)


def after_every_epoch() -> mock._patch:
    """As before: the weights with the rows in them, and no file of rows."""
    return mock.patch.multiple(worker, write_measured=mock.Mock(), CHECKPOINT_SHARE=math.inf)


WAYS: dict[str, Callable[[], AbstractContextManager]] = {
    "none": none,
    "after every epoch": after_every_epoch,
    "now": nullcontext,
}


def job(trained: worker.Worker, config: Config, epochs: int) -> tuple[float, int]:
    """The seconds of a job, and the bytes of its checkpoint."""
    described = {"trial": 0, "until": epochs, "recorded": 0}
    trained.begin({"config": config.hyperparameters(), "job": described})
    began = time.perf_counter()
    while not trained.step()["done"]:
        pass
    seconds, file = time.perf_counter() - began, trained.checkpoint
    return seconds, file.stat().st_size if file.exists() else 0


def measure(problem: Problem, rounds: int) -> Iterator[dict]:
    for (network, config), epochs in itertools.product(NETWORKS.items(), LENGTHS):
        taken: dict[str, list[float]] = {way: [] for way in WAYS}
        size = 0
        for number, (way, patched) in itertools.product(range(rounds + 1), WAYS.items()):
            with TemporaryDirectory(dir=problem.checkpoints) as folder, patched():
                trained = worker.Worker(problem._replace(checkpoints=Path(folder)))
                seconds, written = job(trained, config, epochs if number else 1)
            size = max(size, written)
            if number:  # the first round warms up
                taken[way].append(seconds)
        plain = statistics.median(taken["none"])
        for way, seconds in taken.items():
            took = statistics.median(seconds)
            yield {
                "network": network,
                "megabytes": size / 1e6,
                "epochs": epochs,
                "checkpoints": way,
                "seconds": took,
                "share": 1 - plain / took,
            }


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--dataset", default="digits", help="As for a stage.")
@click.option("--data-dir", default="data", type=click.Path(path_type=Path))
@click.option("--images", default=1000, help="For training.")
@click.option("--rounds", default=3)
def main(out: Path, dataset: str, data_dir: Path, images: int, rounds: int) -> None:
    """Print and write the time of jobs, and the part of it that checkpoints take."""
    out.mkdir(parents=True, exist_ok=True)
    cache = prepare(dataset, data_dir)
    problem = Problem(cache, images, 100, 0, max(LENGTHS), "cpu", "float32", 1, out)
    rows = pd.DataFrame(measure(problem, rounds))
    rows.to_csv(out / "checkpoints.csv", index=False, float_format="%.4g")
    print(rows.to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    main()
