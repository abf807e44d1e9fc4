"""Run `main`: one stage after the other, each as its own command, below one run."""

import sys
from pathlib import Path

import pandas as pd
import yaml
from mlflow import MlflowClient
from rich.console import Console

from hypertuning import environment
from hypertuning.learn import data
from hypertuning.learn.cache import read_meta
from hypertuning.learn.sources import find_source
from hypertuning.record.files import has_record
from hypertuning.record.layout import StudyDir
from hypertuning.registry.checks import check_registration
from hypertuning.registry.versions import name_for
from hypertuning.space_files import plain
from hypertuning.spaces import BOHB
from hypertuning.stages.console.commands import command_of, module_of
from hypertuning.stages.console.log import show_log
from hypertuning.stages.console.pages import how_to_see
from hypertuning.stages.console.show import say
from hypertuning.stages.done import STOPPED, Done
from hypertuning.stages.main import Main
from hypertuning.stages.main.call import call
from hypertuning.stages.options import AUTO, as_text, usage
from hypertuning.stages.study.resumed_options import merge
from hypertuning.stages.table import STAGES
from hypertuning.tracking import runs
from hypertuning.tracking.artifacts import check_artifact_store
from hypertuning.tracking.launch import find_launch
from hypertuning.tracking.main_run import close_main, find_main, open_main, reopen_main
from hypertuning.tracking.store import connect
from hypertuning.tracking.study_run import this_experiment
from hypertuning.tracking.view import address_in
from hypertuning.whole_file import write_whole

SIZES = {"quick": {"train_size": 1000, "val_size": 300}, "full": {}}
"""Numbers of images by profile, unless the user gives others."""
SPACE = {**BOHB, "kernel_size": 3, "padding": 1}
"""For hyperband and bohb of the quick profile: a model learns only from its own space."""
STAGES_RUN = [name for name, stage in STAGES.items() if stage.profiles]
"""In the order in which they run; the report is the last."""
FREE = {
    *("concurrency", "cpus_per_trial", "data_dir", "gpus_per_trial", "model_name", "out", "trust"),
}
"""Options that may change when a main run is resumed."""
OF_ANY_STAGE = ("data_dir", "concurrency", "cpus_per_trial", "gpus_per_trial", "storage_path")


class Stopped(Exception):
    """Raised when a stage ends with another status than 0."""

    def __init__(self, stage: str, status: int) -> None:
        self.stage, self.status = stage, status


def run_all(options: Main) -> Done:
    """Run the stages that are not complete; return the main run, and the last stage's status.

    Raises:
        UserError: there is no such main run.
    """
    console, client = Console(), connect()
    run_id, options = _open(client, options)
    say(console, [f"main run {run_id}, profile {options.profile}"])
    status, how = 1, "did not end well"
    try:
        space = options.storage_path / f"main-{run_id}-space.yaml"
        space.parent.mkdir(parents=True, exist_ok=True)
        write_whole(space, yaml.safe_dump(plain(SPACE), sort_keys=False))
        for stage in [*STAGES_RUN, "report"]:
            _run(console, client, run_id, stage, options, space)
        status = 0
    except Stopped as stopped:
        status = stopped.status
        how = "was interrupted" if status == STOPPED else "did not end well"
        how = f"stage {stopped.stage} {how}"
        say(console, [how])
    except KeyboardInterrupt:
        status, how = STOPPED, "was interrupted between two stages"
        say(console, [how])
    finally:
        outcome = {0: "completed", STOPPED: "interrupted"}.get(status, "failed")
        close_main(client, run_id, outcome)
        if status:
            say(console, [f"to go on from there: {command_of('main', resume=run_id)}"])
    if status == 0:
        page = address_in(client.get_run(run_id).info.experiment_id)
        say(console, how_to_see(client, page))
    return Done(run_id, status, f"main run {run_id}: {how}" if status else "")


def _open(client: MlflowClient, options: Main) -> tuple[str, Main]:
    """Open or resume the main run; return its id and its options.

    Raises:
        UserError: it could not be completed: the images or the test images are missing, or the name
            in the registry belongs to a model that this project did not make.
    """
    run_id = None
    if options.resume:
        with usage():
            run_id, had = find_main(client, options.resume)
            owner, new = f"main run {run_id}", {"resume", "dry_run"}
            options = merge(options, had, owner, free=FREE, new=new)
    with usage():
        find_launch(client, free=run_id is None)
        run = client.get_run(run_id) if run_id else None
        find_source(options.dataset, options.data_dir)
    check_artifact_store(client, run.info.experiment_id if run else this_experiment(client))
    show_log()
    cache = data.prepare(options.dataset, options.data_dir)
    name = options.model_name
    name = name_for(read_meta(cache)["dataset"]) if name == AUTO else name
    check_registration(client, name, cache, trust=options.trust)
    if run_id:
        reopen_main(client, run_id)
    else:
        run_id = open_main(client, options.parameters())
    return run_id, options.but(model_name=name)


def _run(
    console: Console,
    client: MlflowClient,
    run_id: str,
    stage: str,
    options: Main,
    space: Path,
) -> None:
    """Run one stage, unless it is complete.

    Raises:
        Stopped: it did not end well.
    """
    children = _children(client, run_id, options.storage_path)
    had = children[children["stage"] == stage]
    if len(had) and _is_complete(client, had.iloc[-1]):
        return say(console, [f"\n{stage}: complete, run {had.iloc[-1]['study_id']}"])
    say(console, [f"\n{stage}"])
    if len(had):
        again = OF_ANY_STAGE + (("model_name", "trust") if stage == "register" else ())
        same = {name: getattr(options, name) for name in again}
        given = {**same, "resume": had.iloc[-1]["study_id"]}
    else:
        given = options_of(stage, run_id, options, children, space)
    words = [f"--{name.replace('_', '-')}={as_text(value)}" for name, value in given.items()]
    command = [sys.executable, *module_of(stage), *words]
    named = {
        environment.EXPERIMENT_ID: client.get_run(run_id).info.experiment_id,
        environment.PARENT_RUN: run_id,
    }
    status = call(command, environment.without(environment.RUN_ID) | named)
    if status:
        raise Stopped(stage, status)


def _children(client: MlflowClient, run_id: str, storage_path: Path) -> pd.DataFrame:
    """The studies below a main run, without those that ended before they had a record."""
    studies = runs.studies(client)
    below = studies[studies["parent_id"] == run_id]
    records = [has_record(StudyDir.of(storage_path, study_id)) for study_id in below["study_id"]]
    recorded = pd.Series(records, below.index, dtype=bool)
    return below[recorded | below["outcome"].notna()]


def _is_complete(client: MlflowClient, study: pd.Series) -> bool:
    """Whether nothing is left to do; the tag `epochs` is set when all files have arrived."""
    tags = client.get_run(study["study_id"]).data.tags
    if study["stage"] == "register":
        return "model_version" in tags
    return study["outcome"] == "completed" and "epochs" in tags


def options_of(
    stage: str, run_id: str, options: Main, children: pd.DataFrame, space: Path
) -> dict[str, object]:
    """The options with which to start a stage."""
    if stage == "report":
        return {"source": run_id, "out": options.out}
    profile = options.profile
    given = {**STAGES[stage].profiles[profile], **{n: getattr(options, n) for n in OF_ANY_STAGE}}
    latest = children.drop_duplicates("stage", keep="last").set_index("stage")["study_id"]
    if stage == "register":
        named = {"model_name": options.model_name, "trust": options.trust}
        return {**given, **named, "source": latest["bohb"]}
    given |= {**SIZES[profile], "dataset": options.dataset, "seed": options.seed}
    given |= options.changed(["train_size", "val_size"])
    if profile == "quick" and stage in ("hyperband", "bohb"):
        given["space"] = space
    if profile == "quick" and stage == "bohb":
        given["warm_start"] = latest["hyperband"]
    return given
