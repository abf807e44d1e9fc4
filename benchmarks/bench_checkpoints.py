"""How much of a job's time its checkpoints take: after every epoch, and as often as now.

A worker trains the same job in turn with either, and without any; what it takes longer than without
is the time of the checkpoints. All are flushed to the disk below `--out`.
"""

import statistics
import time
from collections.abc import Callable, Iterator
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
EPOCHS = 8


def none() -> mock._patch:
    return mock.patch.multiple(worker, write_measured=mock.DEFAULT, checkpoint=without_saving())


def without_saving() -> mock.Mock:
    return mock.Mock(load=lambda *_: None)


def after_every_epoch() -> mock._patch:
    return mock.patch.object(worker, "CHECKPOINT_SHARE", float("inf"))


def now() -> mock._patch:
    return mock.patch.object(worker, "CHECKPOINT_SHARE", worker.CHECKPOINT_SHARE)


WAYS: dict[str, Callable[[], mock._patch]] = {
    "none": none,
    "after every epoch": after_every_epoch,
    "now": now,
}


def job(config: Config, problem: Problem) -> tuple[float, int]:
    """The seconds of all epochs but the first, which warms up; and the bytes of the checkpoint."""
    trained = worker.Worker(problem)
    described = {"trial": 0, "until": EPOCHS, "recorded": 0}
    trained.begin({"config": config.hyperparameters(), "job": described})
    trained.step()
    began = time.perf_counter()
    while not trained.step()["done"]:
        pass
    seconds, file = time.perf_counter() - began, trained.checkpoint
    return seconds, file.stat().st_size if file.exists() else 0


def measure(problem: Problem, rounds: int) -> Iterator[dict]:
    for network, config in NETWORKS.items():
        taken: dict[str, list[float]] = {way: [] for way in WAYS}
        size = 0
        for _, (way, patched) in ((n, way) for n in range(rounds) for way in WAYS.items()):
            with TemporaryDirectory(dir=problem.checkpoints) as folder, patched():
                seconds, written = job(config, problem._replace(checkpoints=Path(folder)))
            taken[way].append(seconds)
            size = max(size, written)
        plain = statistics.median(taken["none"])
        for way, seconds in taken.items():
            took = statistics.median(seconds)
            yield {
                "network": network,
                "megabytes": size / 1e6,
                "checkpoints": way,
                "epoch_seconds": took / (EPOCHS - 1),
                "share": 1 - plain / took,
            }


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--dataset", default="digits", help="As for a stage.")
@click.option("--data-dir", default="data", type=click.Path(path_type=Path))
@click.option("--images", default=1000, help="For training.")
@click.option("--rounds", default=3)
def main(out: Path, dataset: str, data_dir: Path, images: int, rounds: int) -> None:
    """Print and write the time of an epoch, and the part of it that checkpoints take."""
    out.mkdir(parents=True, exist_ok=True)
    cache = prepare(dataset, data_dir)
    problem = Problem(cache, images, 100, 0, EPOCHS, "cpu", "float32", 1, out)
    rows = pd.DataFrame(measure(problem, rounds))
    rows.to_csv(out / "checkpoints.csv", index=False, float_format="%.4g")
    print(rows.to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    main()
