"""What `main` does: one stage after the other, each a command of its own, below one run."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click
import pandas as pd
import yaml
from mlflow import MlflowClient
from rich.console import Console

from hypertuning import environment
from hypertuning.learn import data
from hypertuning.learn.cache import read_meta
from hypertuning.learn.sources import find_source
from hypertuning.record.files import has_record
from hypertuning.registry.checks import check_registration
from hypertuning.registry.versions import name_for
from hypertuning.space_files import plain
from hypertuning.spaces import BOHB
from hypertuning.stages.console.commands import command_of
from hypertuning.stages.console.pages import how_to_see
from hypertuning.stages.console.show import say
from hypertuning.stages.main.call import call
from hypertuning.stages.options import AUTO, NONE, show_log, usage
from hypertuning.stages.study.resumed_options import merge
from hypertuning.tracking import runs
from hypertuning.tracking.artifacts import check_artifact_store as check_writable
from hypertuning.tracking.launch import find_launch
from hypertuning.tracking.main_run import close_main, find_main, open_main, reopen_main
from hypertuning.tracking.store import connect
from hypertuning.tracking.study_run import this_experiment
from hypertuning.tracking.view import address_in

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
STOPPED = 130
"""The status of a command that was stopped by its user."""
FREE = {
    *("concurrency", "cpus_per_trial", "data_dir", "gpus_per_trial", "model_name", "out", "trust"),
}
"""What a main run may go on with in another way."""
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
    run_id, options = _open(client, options)
    say(console, [f"main run {run_id}, profile {options['profile']}"])
    status = 1
    try:
        space = Path(options["storage_path"], f"main-{run_id}-space.yaml")
        space.parent.mkdir(parents=True, exist_ok=True)
        space.write_text(yaml.safe_dump(plain(SPACE), sort_keys=False))
        for stage in [*PROFILES[options["profile"]], "report"]:
            _run(console, client, run_id, stage, options, space)
        status = 0
    except Stopped as stopped:
        status = stopped.status
        how = "was interrupted" if status == STOPPED else "did not end well"
        say(console, [f"stage {stopped.stage} {how}"])
    except KeyboardInterrupt:  # between two stages
        status = STOPPED
    finally:
        outcome = {0: "completed", STOPPED: "interrupted"}.get(status, "failed")
        close_main(client, run_id, outcome)
        if status:
            say(console, [f"to go on from there: {command_of('main', resume=run_id)}"])
    if status:
        sys.exit(status)
    page = address_in(client.get_run(run_id).info.experiment_id)
    say(console, how_to_see(client, page))


def _open(client: MlflowClient, options: Mapping) -> tuple[str, Mapping]:
    """The main run that begins or goes on, with its options.

    Raises:
        UserError: it could not end well: no such images, none to test on, or a name in the registry
            that is taken by a model of others.
    """
    had = {}
    if options["resume"] != NONE:
        with usage():
            run_id, had = find_main(client, options["resume"])
            context, owner = click.get_current_context(), f"main run {run_id}"
            options = merge(context, options, had, owner, free=FREE, new={"resume", "dry_run"})
    with usage():
        find_launch(client, free=not had)
        run = client.get_run(run_id) if had else None
        find_source(options["dataset"], options["data_dir"])
    check_writable(client, run.info.experiment_id if run else this_experiment(client))
    show_log()
    cache = data.prepare(options["dataset"], options["data_dir"])
    name = options["model_name"]
    name = name_for(read_meta(cache)["dataset"]) if name == AUTO else name
    check_registration(client, name, cache, trust=options["trust"])
    if not had:
        run_id = open_main(client, {k: str(v) for k, v in options.items()})
    else:
        reopen_main(client, run_id)
    return run_id, {**options, "model_name": name}


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
    children = _children(client, run_id, Path(options["storage_path"]))
    had = children[children["stage"] == stage]
    if len(had) and _is_complete(client, had.iloc[-1]):
        return say(console, [f"\n{stage}: complete, run {had.iloc[-1]['study_id']}"])
    say(console, [f"\n{stage}"])
    if len(had):
        again = OF_ANY_STAGE + (("model_name", "trust") if stage == "register" else ())
        given = {**{name: options[name] for name in again}, "resume": had.iloc[-1]["study_id"]}
    else:
        given = options_of(stage, run_id, options, children, space)
    command = [sys.executable, "-m", f"entrypoints.{stage}"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    named = {
        environment.EXPERIMENT_ID: client.get_run(run_id).info.experiment_id,
        environment.PARENT_RUN: run_id,
    }
    status = call(command, environment.without(environment.RUN_ID) | named)
    if status:
        raise Stopped(stage, status)


def _children(client: MlflowClient, run_id: str, storage_path: Path) -> pd.DataFrame:
    """The studies below a main run, but for those that were cut off before they had a record."""
    studies = runs.studies(client)
    below = studies[studies["parent_id"] == run_id]
    records = [has_record(storage_path / study_id) for study_id in below["study_id"]]
    recorded = pd.Series(records, below.index, dtype=bool)
    return below[recorded | below["outcome"].notna()]


def _is_complete(client: MlflowClient, study: pd.Series) -> bool:
    """Whether nothing is left to do; `epochs` stands once all files have arrived."""
    tags = client.get_run(study["study_id"]).data.tags
    if study["stage"] == "register":
        return "model_version" in tags
    return study["outcome"] == "completed" and "epochs" in tags


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
        named = {name: options[name] for name in ("model_name", "trust")}
        return {**given, **named, "source": latest["bohb"]}
    given |= {**SIZES[profile], "dataset": options["dataset"], "seed": options["seed"]}
    given |= {n: options[n] for n in ("train_size", "val_size") if int(options[n])}
    if stage in ("hyperband", "bohb"):
        given["space"] = space
    if stage == "bohb":
        given["warm_start"] = latest["hyperband"]
    return given
