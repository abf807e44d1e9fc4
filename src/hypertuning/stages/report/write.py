"""Run `report`: choose studies, read them once, write the report, log a copy to MLflow."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE
from rich.console import Console

from hypertuning.addresses import without_password
from hypertuning.config import UserError
from hypertuning.report.data import Data, Registered, RunPages
from hypertuning.report.document import document
from hypertuning.report.exhibits import STAGES
from hypertuning.report.page import render, write
from hypertuning.report.section import file_name
from hypertuning.report.trials import with_bests
from hypertuning.stages.console.commands import command_of
from hypertuning.stages.console.pages import site, start_command
from hypertuning.stages.console.show import say
from hypertuning.stages.done import Done
from hypertuning.stages.options import Images, UsageError
from hypertuning.tracking import runs
from hypertuning.tracking.artifacts import send
from hypertuning.tracking.processes import DRIVER, this_process
from hypertuning.tracking.refit_tables import read_refit
from hypertuning.tracking.store import NotStored, connect, reason
from hypertuning.tracking.study_run import open_run, this_experiment
from hypertuning.words import counted

CURVES = ("train_loss", "val_loss", "val_accuracy", "train_accuracy")
"""The metrics that a report shows; the last one only if there is a study of `compare`."""
_SEARCHES = [stage for stage in STAGES if stage != "register"]
_SHORT = 6
"""Leading characters of a run id that a report shows."""


def write_report(source: str | None, out: Path) -> Done:
    """Write a report, log it to a run, print where it is, and return its file.

    Raises:
        UserError: there is nothing to report on, or the report cannot be written.
    """
    client = connect(must_exist=True)
    name, studies = choose(client, source)
    folder = out / name
    if folder.exists() and not (folder / "report.html").exists():
        raise UserError(f"{folder} is there and is no report; name another folder by `out`")
    trials = runs.trials(client, studies["study_id"])
    compared = "compare" in set(studies["stage"])
    curves = runs.curves_of(client, trials, CURVES if compared else CURVES[:-1])
    chosen = studies.loc[studies["stage"] == "register", "study_id"]
    made = {study_id: Registered(*read_refit(client, study_id)) for study_id in chosen}
    makes, pages = what_makes(client, studies), pages_of(client.tracking_uri)
    data = Data(studies, with_bests(trials, curves), curves, made, makes, pages)
    written = document(data)
    try:
        write(render(f"Report on {name}", written, datetime.now(UTC)), folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}; see `out`") from error
    console = Console()
    say(console, [written.summary.counts])
    say(console, [f"the report: {folder / 'report.html'}"])
    _keep(client, name, studies, folder)
    return Done(folder / "report.html")


def what_makes(client: MlflowClient, studies: pd.DataFrame) -> dict[str, str]:
    """By stage, the command that adds such a study, on the images of the latest search.

    Args:
        studies: At least one, as `tracking.runs` reads them.
    """
    searches = studies[studies["stage"].isin(_SEARCHES)]
    latest = (searches if len(searches) else studies).iloc[-1]
    run = client.get_run(latest["study_id"]).data
    had = {**run.params, "dataset": run.tags.get("images", run.params.get("dataset"))}
    images = Images.of({n: had[n] for n in Images.names() if had.get(n) is not None})
    same = {name: had[name] for name in images.changed(Images.names())}
    place = _unless_here(client, latest["experiment_id"])
    made = {stage: command_of(stage, place, **same) for stage in _SEARCHES}
    there = {name: value for name, value in same.items() if name == "data_dir"}
    return {**made, "register": command_of("register", place, source=latest["study_id"], **there)}


def _unless_here(client: MlflowClient, experiment_id: str) -> str | None:
    """The name of an experiment; None if it is the experiment of this command."""
    with suppress(UserError):  # this command's experiment need not exist
        if this_experiment(client, make=False) == experiment_id:
            return None
    return client.get_experiment(experiment_id).name


def pages_of(tracking_uri: str) -> RunPages:
    """Where the pages of the runs are: on the tracking server, or on the `mlflow ui` to start."""
    return RunPages(site(tracking_uri), start_command(tracking_uri))


def choose(client: MlflowClient, source: str | None) -> tuple[str, pd.DataFrame]:
    """A name for the studies that `source` names, and the studies, the oldest first.

    Raises:
        UserError: it names none.
    """
    if source is None:
        experiment_id = this_experiment(client, make=False)
        found = runs.studies(client, [experiment_id])
        name = client.get_experiment(experiment_id).name
        if found.empty:
            raise UserError(f"experiment {name} has no study yet{_experiments(client)}")
        return file_name(name), found
    studies = runs.studies(client)
    names, chosen = [], pd.Series(False, studies.index)
    for word in dict.fromkeys(filter(None, map(str.strip, source.split(",")))):
        experiment = client.get_experiment_by_name(word)
        meant = (studies["study_id"] == word) | (studies["parent_id"] == word)
        if experiment:
            meant |= studies["experiment_id"] == experiment.experiment_id
        if not meant.any():
            raise UsageError(
                f"`source` must be run ids of studies or names of experiments that have some, got "
                f"{word!r}{_experiments(client)}"
            )
        is_id = re.fullmatch("[0-9a-f]{32}", word)
        stage = studies.loc[meant, "stage"].iloc[0] if meant.sum() == 1 else "main"
        names.append(f"{stage}-{word[:_SHORT]}" if is_id else word)
        chosen |= meant
    more = f"-and-{len(names) - 3}-more" if len(names) > 3 else ""
    return file_name("-".join(names[:3])) + more, studies[chosen].reset_index(drop=True)


def _experiments(client: MlflowClient) -> str:
    """The experiments that have studies, as the end of an error message."""
    ids = runs.studies(client)["experiment_id"].unique()
    named = ", ".join(client.get_experiment(experiment_id).name for experiment_id in ids)
    return f"; experiments with studies: {named}" if named else "; run a stage first"


def _keep(client: MlflowClient, name: str, studies: pd.DataFrame, folder: Path) -> None:
    """Log the report's files to a run.

    Raises:
        UserError: the store does not take them; the report is on disk nevertheless.
    """
    count, ids = counted(len(studies), "study", "studies"), studies["study_id"].str[:_SHORT]
    tags = {
        "report": name,
        DRIVER: this_process(),
        MLFLOW_RUN_NOTE: f"Report on {count}, {', '.join(ids)}. Open report.html under Artifacts.",
    }
    run_id = None
    try:
        run_id = open_run(client, f"report {name}", tags).info.run_id
        send(client, run_id, folder)
        client.set_terminated(run_id)
    except (MlflowException, NotStored, OSError) as error:
        with suppress(MlflowException):
            client.set_terminated(run_id, "FAILED") if run_id else None
        raise UserError(
            f"{folder} is written, but the tracking store {without_password(client.tracking_uri)} "
            f"did not take a copy: {reason(error)}"
        ) from error
