"""What a report of a large study costs, step by step, and reading it beside the usual way.

The usual way is MLflow's own client: one `get_metric_history` for every run and metric.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from benchmarks.stores import STORES
from hypertuning.config import parse_config
from hypertuning.epoch import EPOCH_METRICS
from hypertuning.report.data import Data
from hypertuning.report.document import document
from hypertuning.report.page import render, write
from hypertuning.spaces import BOHB, sample
from hypertuning.stages.report.write import CURVES
from hypertuning.tracking import runs

START_MS = 1_764_000_000_000
COMPARED = 100
"""Trials that are read in both ways."""


def fill(client: MlflowClient, trials: int, epochs: int) -> str:
    """Make up a study of the bohb stage, by MLflow's client alone; give its run id."""
    experiment_id = client.create_experiment("bench")
    study = {"stage": "bohb", "strategy": "bohb", "outcome": "completed"}
    study_id = client.create_run(experiment_id, tags=study).info.run_id
    rng = np.random.default_rng(0)
    for number in range(trials):
        config = parse_config(sample(BOHB, rng)).hyperparameters()
        tags = {
            "mlflow.parentRunId": study_id, "stage": "bohb", "trial_id": f"t{number:04d}",
            "sampler": "model" if number % 3 else "random", "bracket": "0",
            "outcome": "completed",
        }  # fmt: skip
        run_id = client.create_run(experiment_id, tags=tags).info.run_id
        losses = 1 + abs(np.log10(config["learning_rate"]) + 3) + np.exp(-np.arange(epochs) / 3)
        losses += rng.normal(0, 0.05, epochs)
        points = [
            Metric(name, float(loss), START_MS + 1000 * (number + epoch), epoch)
            for epoch, loss in enumerate(losses, start=1)
            for name in EPOCH_METRICS
        ]
        best = {"best_val_loss": losses.min(), "best_epoch": losses.argmin() + 1}
        best |= {"best_val_accuracy": 0.5, "epochs_run": epochs}
        points += [Metric(name, float(value), START_MS, epochs) for name, value in best.items()]
        client.log_batch(run_id, points, [Param(name, str(v)) for name, v in config.items()])
        client.set_terminated(run_id)
    return study_id


def steps(client: MlflowClient, folder: Path) -> dict[str, float]:
    """Make a report, and give the seconds of each step."""
    taken: dict[str, float] = {}

    def timed(name: str, step: Callable):
        started = time.perf_counter()
        made = step()
        taken[name] = time.perf_counter() - started
        return made

    studies = timed("studies", lambda: runs.studies(client))
    trials = timed("trials", lambda: runs.trials(client, studies["study_id"]))
    curves = timed("curves", lambda: runs.curves_of(client, trials, CURVES))
    made = timed("figures and tables", lambda: document(Data(studies, trials, curves)))
    files = timed("pages", lambda: render("bench", made, datetime.now(UTC)))
    timed("files", lambda: write(files, folder / "report"))
    return {**taken, "all": sum(taken.values())}


def command(uri: str, folder: Path) -> float:
    """Seconds that the whole command takes, from its start as a process."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "entrypoints.report", "--out", str(folder / "reports")],
        env={**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_NAME": "bench"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def reading(client: MlflowClient, trials: pd.DataFrame) -> dict[str, float]:
    """Seconds to read the same curves in both ways."""
    started = time.perf_counter()
    ours = runs.curves_of(client, trials, CURVES)
    between = time.perf_counter()
    found = [
        point
        for run_id in trials["run_id"]
        for name in CURVES
        for point in client.get_metric_history(run_id, name)
    ]
    ended = time.perf_counter()
    assert len(found) == len(CURVES) * len(ours)
    return {"ours": between - started, "run by run": ended - between}


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--trials", default=2000)
@click.option("--epochs", default=10)
def main(out: Path, trials: int, epochs: int) -> None:
    """Fill a database, then report from it, directly and through a server."""
    rows = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        filled = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        study_id = fill(filled, trials, epochs)
        for store, opened in STORES.items():
            with opened(folder) as uri:
                mlflow.set_tracking_uri(uri)
                client = MlflowClient(uri)
                taken = steps(client, folder)
                some = runs.trials(client, [study_id]).head(COMPARED)
                both = reading(client, some)
                whole = command(uri, folder)
            ratio = both["run by run"] / both["ours"]
            rows.append({"store": store, **taken, "command": whole, "run by run / ours": ratio})
            print({key: round(v, 2) if key != "store" else v for key, v in rows[-1].items()})
    out.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(out / "report.csv", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
