"""How much memory trials hold: the workers of a study, of small and large networks.

Workers train in processes of their own, as they do under Ray. What is counted is their resident
memory, of which pages that several of them map count once (the PSS of Linux).
"""

import multiprocessing
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
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


def begin(problem: Problem) -> None:
    global trainer
    from hypertuning.search.worker import Worker

    trainer = Worker(problem)


def train(config: Config, trial: int) -> None:
    """One job of one epoch."""
    described = {"trial": trial, "until": 1, "recorded": 0}
    trainer.begin({"config": config.hyperparameters(), "job": described})
    trainer.step()


def megabytes(process: int) -> float:
    rolled = Path("/proc", str(process), "smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+) kB", rolled, re.MULTILINE)[1]) / 1000


def measure(problem: Problem, workers: int) -> Iterator[dict]:
    """The jobs of NETWORKS one after the other, each in all workers at once."""
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawned, initializer=begin, initargs=(problem,)) as pool:
        list(pool.map(time.sleep, [1.0] * workers))  # so that every worker has begun
        for name, config in [("none yet", None), *NETWORKS.items(), *[*NETWORKS.items()][:2]]:
            trials = range(workers)
            jobs = [pool.submit(train, config, trial) for trial in trials] if config else []
            most = 0.0
            while True:
                over = all(job.done() for job in jobs)
                held = sum(map(megabytes, pool._processes))
                most = max(most, held)
                if over:
                    break
                time.sleep(SECONDS)
            for job in jobs:
                job.result()
            yield {"workers": workers, "network": name, "most_mb": most, "after_mb": held}


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
