"""What tracking costs the search: our callbacks beside Ray's own, on the same results.

Results come at a fixed pace, as from a search with many workers; the time that each callback keeps
the driver from its work is taken, and how long an epoch takes to stand in the store.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import click
import mlflow
import pandas as pd
from mlflow import MlflowClient
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.logger import LoggerCallback

from benchmarks.stores import STORES
from hypertuning.config import Config
from hypertuning.record.write import write_study
from hypertuning.search.recorder import Recorder
from hypertuning.tracking.callback import MLflowMirror

METRIC = "images_per_second"
"""The last of an epoch that both send."""


def result(epoch: int, trial: SimpleNamespace) -> dict:
    """What Ray hands to its callbacks after an epoch of ours."""
    return {
        "epoch": epoch,
        **dict.fromkeys(("train_loss", "val_loss", "generalization_gap"), 1.0 / epoch),
        **dict.fromkeys(("train_accuracy", "val_accuracy"), 1 - 0.9 / epoch),
        "learning_rate": 1e-3,
        "epoch_seconds": 0.2,
        METRIC: 900.0 + epoch,
        "timestamp": time.time(),
        "done": False,
        "training_iteration": epoch,
        "trial_id": trial.trial_id,
        "date": "2026-11-24_16-01-48",
        "time_this_iter_s": 0.2,
        "time_total_s": 0.2 * epoch,
        "pid": os.getpid(),
        "hostname": "vm",
        "node_ip": "::1",
        "config": trial.config,
        "time_since_restore": 0.2,
        "iterations_since_restore": epoch,
    }


class Trial(SimpleNamespace):
    """As much of Ray's trial as the callbacks look at."""

    def __str__(self) -> str:
        return self.trial_id

    __hash__ = object.__hash__


def make_trials(count: int, study_dir: Path) -> list[Trial]:
    return [
        Trial(
            trial_id=f"t{number:04d}-e999",
            config={
                "config": Config().hyperparameters(),
                "job": {"trial": number, "until": 999, "sampler": "random"},
            },
            storage=SimpleNamespace(
                trial_fs_path=str(study_dir / "part-001" / f"t{number:04d}-e999")
            ),
            error_file=None,
        )
        for number in range(count)
    ]


def ours(study_dir: Path, client: MlflowClient) -> list[LoggerCallback]:
    return [Recorder(), MLflowMirror(study_dir.name, study_dir)]


def stock(study_dir: Path, client: MlflowClient) -> list[LoggerCallback]:
    return [MLflowLoggerCallback(tracking_uri=client.tracking_uri, experiment_name="bench")]


METHODS: dict[str, Callable[[Path, MlflowClient], list[LoggerCallback]]] = {
    "ours": ours,
    "stock": stock,
}


def measure(
    method: str, client: MlflowClient, database: Path, trials: int, pace: float, results: int
) -> dict:
    """Report results of some trials in turn; give seconds per result, and until they are there."""
    experiment = client.get_experiment_by_name("bench")
    experiment_id = experiment.experiment_id if experiment else client.create_experiment("bench")
    study_id = client.create_run(experiment_id, tags={"stage": "bench"}).info.run_id
    with TemporaryDirectory() as folder:
        study_dir = Path(folder) / study_id
        write_study(study_dir, {"stage": "bench", "max_epochs": 999, "parameters": {}})
        callbacks = METHODS[method](study_dir, client)
        for callback in callbacks:
            callback.setup()
        studied = make_trials(trials, study_dir)
        for trial in studied:
            for callback in callbacks:
                callback.log_trial_start(trial)
        with looked_at(database) as look:
            reported, costs = report(callbacks, studied, pace, results)
            arrived = look(reported)
        for callback in callbacks:
            callback.on_experiment_end([])
    delays = [there - told for told, there in zip(reported, arrived, strict=True)]
    return {
        "median_ms": 1000 * statistics.median(costs),
        "p99_ms": 1000 * statistics.quantiles(costs, n=100)[-1],
        "asked_per_s": pace,
        "reported_per_s": (results - 1) / (reported[-1] - reported[0]),
        "median_delay_s": statistics.median(delays),
        "max_delay_s": max(delays),
    }


def report(
    callbacks: list[LoggerCallback], trials: list[Trial], pace: float, results: int
) -> tuple[list[float], list[float]]:
    """Report at a pace, or as fast as the callbacks let us; give when, and how long each took."""
    began, reported, costs = time.perf_counter(), [], []
    for number in range(results):
        time.sleep(max(0, began + number / pace - time.perf_counter()))
        trial, epoch = trials[number % len(trials)], number // len(trials) + 1
        told = result(epoch, trial)
        reported.append(time.time())
        started = time.perf_counter()
        for callback in callbacks:
            callback.log_trial_result(number, trial, told)
        costs.append(time.perf_counter() - started)
    return reported, costs


@contextmanager
def looked_at(database: Path) -> Iterator[Callable[[list[float]], list[float]]]:
    """Watch, from another process, how many epochs the database holds."""
    watcher = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.watch", str(database), METRIC],
        stdout=subprocess.PIPE,
        text=True,
    )
    watcher.stdout.readline()
    seen: list[tuple[float, int]] = []

    def look(reported: list[float]) -> list[float]:
        for line in watcher.stdout:
            when, epochs = line.split()
            seen.append((float(when), int(epochs)))
            if seen[-1][1] >= len(reported):
                break
        return [next(t for t, n in seen if n > index) for index in range(len(reported))]

    try:
        yield look
    finally:
        watcher.kill()
        watcher.communicate()


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--trials", default=20)
@click.option("--pace", default="5,100", help="Results a second, with commas.")
@click.option("--seconds", default=20, help="Of each measurement at its pace.")
def main(out: Path, trials: int, pace: str, seconds: int) -> None:
    """Measure both on each store, one after the other."""
    rows = []
    for store, opened in STORES.items():
        for each in map(float, pace.split(",")):
            for method in METHODS:
                with TemporaryDirectory() as name, opened(Path(name)) as uri:
                    mlflow.set_tracking_uri(uri)
                    client = MlflowClient(uri)
                    database, results = Path(name) / "mlflow.db", round(each * seconds)
                    measured = measure(method, client, database, trials, each, results)
                rows.append({"store": store, "method": method, **measured})
                print(rows[-1], flush=True)
    out.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(out / "tracking.csv", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
