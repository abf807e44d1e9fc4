"""Run one study of many trials that take no time, and print in JSON what it took around them."""

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

import numpy as np

import hypertuning
from benchmarks.formula import Formula
from hypertuning.record.files import job_folders
from hypertuning.record.read import read_trials
from hypertuning.stages.study import run as stage_run

SMALL = {"dataset": "digits", "train_size": 80, "val_size": 40}


def grid(trials: int, **more) -> hypertuning.Study:
    rates = [float(rate) for rate in np.geomspace(1e-4, 1e-1, trials)]
    fixed = {"filters": 16, "num_conv_layers": 2, "num_fully_connected_layers": 2, "kernel_size": 3}
    return hypertuning.grid(**SMALL, space={"learning_rate": rates, **fixed}, epochs=1, **more)


def bohb(strategy: str) -> Callable[..., hypertuning.Study]:
    def study(trials: int, **more) -> hypertuning.Study:
        options = {"family": "plain", "num_samples": trials, "strategy": strategy}
        return hypertuning.bohb(**SMALL, **options, **more)

    return study


def hyperband(trials: int, **more) -> hypertuning.Study:
    return hypertuning.hyperband(**SMALL, num_samples=trials // 2, **more)


STUDIES = {
    "grid": grid,
    "hyperband": hyperband,
    **{strategy: bohb(strategy) for strategy in ("asha", "bohb", "gp")},
}
"""Two stages, the second with both arms, and strategies of the stage bohb."""


def megabytes() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def seconds_of(work: Callable[[], object]) -> float:
    began = time.time()
    with redirect_stdout(sys.stderr):
        work()
    return time.time() - began


def measure(name: str, trials: int) -> dict[str, object]:
    """Run a study, then what reads the whole of it again."""
    run = STUDIES[name]
    with mock.patch.object(stage_run, "trainable", return_value=Formula):
        with redirect_stdout(sys.stderr):
            study = run(trials)
        ended = time.time()
        held = megabytes()
        folder = Path("ray_results", study.id)
        told = sorted(row["timestamp"] for trial in read_trials(folder) for row in trial.epochs)
        jobs, middle = len(job_folders(folder)), told[len(told) // 2]
        return {
            "study": name,
            "trials": trials,
            "jobs": jobs,
            "epochs": len(told),
            "ms_per_job": 1000 * (told[-1] - told[0]) / jobs,
            "second_half_over_first": (told[-1] - middle) / (middle - told[0]),
            "end_seconds": ended - told[-1],
            "driver_megabytes": held,
            "resume_seconds": seconds_of(lambda: run(trials, resume=study.id)),
            "doctor_seconds": seconds_of(hypertuning.doctor),
            "report_seconds": seconds_of(lambda: hypertuning.write_report(source=study.id)),
        }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
