"""How much memory trials hold: the workers of a study, of small and large networks.

Workers train in processes of their own, as they do under Ray. What is counted is their resident
memory, of which pages that several of them map count once (the PSS of Linux).
"""

import itertools
import multiprocessing
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pandas as pd

from hypertuning.config import Config
from hypertuning.learn.data import prepare
from hypertuning.search.problem import Problem
from hypertuning.search.ray_start import WORKER_ENVIRONMENT

CNN = {"num_conv_layers": 3, "kernel_size": 3, "padding": 1}
NETWORKS = {
    "nn, hidden 512": Config(model="nn", num_fully_connected_layers=5, hidden_size=512),
    "cnn, 64 filters, batch 64": Config(**CNN, filters=64, batch_size=64),
    "cnn, 64 filters, batch 512": Config(**CNN, filters=64, batch_size=512),
    "cnn, 200 filters, batch 64": Config(**CNN, filters=200, batch_size=64),
    "cnn, 200 filters, batch 512": Config(**CNN, filters=200, batch_size=512),
}
SECONDS = 0.05
"""Between two looks."""


def begin(problem: Problem, barrier: Barrier) -> None:
    global trainer, together
    from hypertuning.search.worker import Worker

    trainer, together = Worker(problem), barrier


def meet() -> None:
    together.wait()


def train(config: Config, trial: int) -> None:
    """One job of one epoch, begun when all workers have let go of the job before."""
    described = {"trial": trial, "until": 1, "recorded": 0}
    trainer.begin({"config": config.hyperparameters(), "job": described})
    together.wait()
    trainer.step()


def megabytes(process: int) -> float:
    rolled = Path("/proc", str(process), "smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+) kB", rolled, re.MULTILINE)[1]) * 1024 / 1e6


def measure(problem: Problem, workers: int) -> Iterator[dict]:
    """The jobs of NETWORKS one after the other, each in all workers at once."""
    spawned, numbers = multiprocessing.get_context("spawn"), itertools.count()
    barrier = spawned.Barrier(workers + 1)
    again = dict([*NETWORKS.items()][:2])
    with ProcessPoolExecutor(
        workers, spawned, initializer=begin, initargs=(problem, barrier)
    ) as pool:
        for name, config in [("none yet", None), *NETWORKS.items(), *again.items()]:
            trials = itertools.islice(numbers, workers)
            jobs = [
                pool.submit(train, config, trial) if config else pool.submit(meet)
                for trial in trials
            ]
            barrier.wait()
            most, held = watched(pool._processes, jobs)
            yield {"workers": workers, "network": name, "most_mb": most, "after_mb": held}


def watched(processes: Iterable[int], jobs: Sequence[Future]) -> tuple[float, float]:
    """The most that processes hold while jobs run, and what they hold after them."""
    most = 0.0
    while True:
        over = all(job.done() for job in jobs)
        held = sum(map(megabytes, processes))
        most = max(most, held)
        if over:
            break
        time.sleep(SECONDS)
    for job in jobs:
        job.result()
    return most, held


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--dataset", default="digits", help="As for a stage.")
@click.option("--data-dir", default="data", type=click.Path(path_type=Path))
@click.option("--images", default=512, help="For training; as many for validation.")
@click.option("--workers", default="1,2,4", help="With commas.")
def main(out: Path, dataset: str, data_dir: Path, images: int, workers: str) -> None:
    """Print and write the megabytes of all workers together, at most and after each job."""
    out.mkdir(parents=True, exist_ok=True)
    os.environ.update(WORKER_ENVIRONMENT)
    with TemporaryDirectory() as folder:
        cache = prepare(dataset, data_dir)
        problem = Problem(cache, images, images, 0, 1, "cpu", "float32", 1, Path(folder))
        rows = [row for count in workers.split(",") for row in measure(problem, int(count))]
    table = pd.DataFrame(rows)
    table.to_csv(out / "memory.csv", index=False, float_format="%.4g")
    print(table.to_string(index=False, float_format="%.4g"))


if __name__ == "__main__":
    main()
