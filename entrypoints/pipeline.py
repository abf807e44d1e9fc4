"""What `main` does: one stage after the other, each a command of its own, below one run."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml
from mlflow import MlflowClient
from rich.console import Console

from entrypoints.options import NONE
from entrypoints.show import say
from hypertuning.spaces import BOHB, plain
from hypertuning.tracking import runs
from hypertuning.tracking.main_run import close_main, find_main, open_main, reopen_main
from hypertuning.tracking.store import connect
from hypertuning.tracking.study_run import PARENT_VARIABLE

PROFILES: dict[str, dict[str, dict[str, object]]] = {
    "quick": {
        "compare": {"epochs": 3},
        "grid": {"epochs": 1},
        "hyperband": {"num_samples": 9, "grace_period": 1, "max_epochs": 9},
        "bohb": {"num_samples": 17},
        "register": {"top_k": 2, "repeats": 2},
    },
    "full": {
        "compare": {"repeats": 3},
        "grid": {},
        "hyperband": {},
        "bohb": {},
        "register": {},
    },
}
SIZES = {"quick": {"train_size": 1000, "val_size": 300}, "full": {}}
SPACE = {**BOHB, "kernel_size": 3, "padding": 1}
"""Of hyperband and of bohb: a model learns only from what was drawn from its own space."""
SEARCHES = ("compare", "grid", "hyperband", "bohb")
OF_ANY_STAGE = ("data_dir", "concurrency", "cpus_per_trial", "gpus_per_trial", "storage_path")


class Stopped(Exception):
    """A stage did not end well."""

    def __init__(self, stage: str, status: int) -> None:
        self.stage, self.status = stage, status


def run_all(options: Mapping) -> None:
    """Run what is left of the stages; exit with the status of the first that does not end well.

    Raises:
        UserError: there is no such main run.
    """
    console, client = Console(), connect()
    if options["resume"] == NONE:
        run_id = open_main(client, {k: str(v) for k, v in options.items()})
    else:
        run_id, had = find_main(client, options["resume"])
        options = {**options, **{k: v for k, v in had.items() if k in options and k != "resume"}}
        reopen_main(client, run_id)
    say(console, [f"main run {run_id}, profile {options['profile']}"])
    outcome = "failed"
    try:
        with TemporaryDirectory() as made:
            space = Path(made, "space.yaml")
            space.write_text(yaml.safe_dump(plain(SPACE), sort_keys=False))
            for stage in [*PROFILES[options["profile"]], "report"]:
                _run(console, client, run_id, stage, options, space)
        outcome = "completed"
    except Stopped as stopped:
        outcome = "interrupted" if stopped.status == 130 else "failed"
        how = f"python -m entrypoints.main --resume {run_id}"
        if "MLFLOW_RUN_ID" in os.environ:
            how = f"mlflow run . -e main -P resume={run_id}"
        say(console, [f"stage {stopped.stage} did not end well. To go on from there: {how}"])
        sys.exit(stopped.status)
    finally:
        close_main(client, run_id, outcome)


def _run(
    console: Console,
    client: MlflowClient,
    run_id: str,
    stage: str,
    options: Mapping,
    space: Path,
) -> None:
    """Run one stage, unless it is complete.

    Raises:
        Stopped: it did not end well.
    """
    studies = runs.studies(client)
    children = studies[studies["parent_id"] == run_id]
    had = children[children["stage"] == stage]
    if len(had) and _is_complete(client, had.iloc[-1]):
        return say(console, [f"\n{stage}: complete, run {had.iloc[-1]['study_id']}"])
    say(console, [f"\n{stage}"])
    if len(had):
        paths = {name: options[name] for name in OF_ANY_STAGE}
        given = {**paths, "resume": had.iloc[-1]["study_id"]}
    else:
        given = options_of(stage, run_id, options, children, space)
    command = [sys.executable, "-m", f"entrypoints.{stage}"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    status = _call(command, client.get_run(run_id).info.experiment_id, run_id)
    if status:
        raise Stopped(stage, status)


def _is_complete(client: MlflowClient, study: pd.Series) -> bool:
    if study["stage"] == "register":
        return "model_version" in client.get_run(study["study_id"]).data.tags
    return study["outcome"] == "completed"


def options_of(
    stage: str, run_id: str, options: Mapping, children: pd.DataFrame, space: Path
) -> dict[str, object]:
    """What a stage is to be started with."""
    profile = options["profile"]
    if stage == "report":
        return {"source": run_id, "out": options["out"]}
    given = {**PROFILES[profile][stage], **{name: options[name] for name in OF_ANY_STAGE}}
    latest = children.drop_duplicates("stage", keep="last").set_index("stage")["study_id"]
    if stage == "register":
        return {**given, "source": latest["bohb"], "model_name": options["model_name"]}
    given |= {**SIZES[profile], "dataset": options["dataset"], "seed": options["seed"]}
    given |= {n: options[n] for n in ("train_size", "val_size") if int(options[n])}
    if stage in ("hyperband", "bohb"):
        given["space"] = space
    if stage == "bohb":
        given["warm_start"] = latest["hyperband"]
    return given


def _call(command: list[str], experiment_id: str, run_id: str) -> int:
    """Run a stage's command to its end, however often the user presses Ctrl-C; give its status."""
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_RUN_ID"}
    environment |= {"MLFLOW_EXPERIMENT_ID": experiment_id, PARENT_VARIABLE: run_id}
    with subprocess.Popen(command, env=environment) as stage, _passed_on(stage):
        return stage.wait()


@contextmanager
def _passed_on(stage: subprocess.Popen) -> Iterator[None]:
    """Pass Ctrl-C, SIGTERM and the end of the terminal on to a stage, which ends in its own way."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def pass_on(*_) -> None:
        stage.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
