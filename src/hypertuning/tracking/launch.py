"""The run that `mlflow run` makes for a command: found, checked, and put where it belongs.

A new study, report or main run takes it over. A command that resumes one does not need it, and
neither does a command such as `predict`. It cannot be deleted, because `mlflow run` would then fail
at the end, so it gets a name that says what the command did.
"""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import (
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_PROJECT_ENTRY_POINT,
    MLFLOW_RUN_NOTE,
)

from hypertuning.addresses import without_password
from hypertuning.config import UserError
from hypertuning.environment import RUN_ID, read
from hypertuning.tracking.provenance import public

LAUNCH = "launch"
"""Tag of a run that holds no results: the command for which `mlflow run` made it."""
LAUNCHER = "launcher"
"""Outcome of a run whose command resumed another run."""
_HOLDS = {"stage", "trial_id", "report", "main", "refit"}
"""Tags of runs that hold results, or that belong to a study."""
_MADE_UP_NAME = re.compile(r"[a-z]+-[a-z]+-\d+")
"""The names that MLflow gives to runs without one: `bold-fox-123`."""
_NO_SUCH_RUN = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
_SUBJECTS = {
    "download": "dataset",
    "predict": "images",
    "rollback": "model_name",
    "sync": "study",
    "doctor": "study",
}
"""By command: the parameter whose value becomes part of the run's name."""


def find_launch(client: MlflowClient, free: bool = True) -> Run | None:
    """The run that `mlflow run` made for this command; None if the command was started otherwise.

    Args:
        free: It must not hold results.

    Raises:
        UserError: the store has no such run, it was deleted, or it is not free.
    """
    run_id = read(RUN_ID)
    if run_id is None:
        return None
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code not in _NO_SUCH_RUN:
            raise
        raise UserError(
            f"{RUN_ID} is {run_id}, but {without_password(client.tracking_uri)} has no such run; "
            "unset it"
        ) from error
    if run.info.lifecycle_stage != "active":
        raise UserError(f"{RUN_ID} is {run_id}, which was deleted; unset it")
    if free and not is_free(run):
        raise UserError(f"{RUN_ID} is {run_id}, which holds something else already; unset it")
    return run


def is_free(run: Run) -> bool:
    """Whether a run holds no results, and is not part of a run that does."""
    return not _HOLDS & run.data.tags.keys()


def adopt(client: MlflowClient, launch: Run, name: str, tags: Mapping[str, str]) -> Run:
    """Take over the run of a command, under a name unless the user has given it one."""
    run_id = launch.info.run_id
    known = {**public(launch.data.tags), **tags}
    changed = {key: value for key, value in known.items() if launch.data.tags.get(key) != value}
    client.log_batch(run_id, tags=_tags(changed))
    for tag in {"outcome", LAUNCH} & launch.data.tags.keys():  # `doctor` may have closed it
        client.delete_tag(run_id, tag)
    client.update_run(run_id, status="RUNNING", name=name if is_nameless(launch) else None)
    return launch


def file_launcher(client: MlflowClient, launch: Run | None, run_id: str, stage: str) -> None:
    """Put the run of a command that resumed another run below that one, and say so in its note."""
    if launch is None or not is_free(launch):
        return  # the shell still names the run of another study
    tags = {
        **public(launch.data.tags),
        "outcome": LAUNCHER,
        "stage": stage,
        MLFLOW_PARENT_RUN_ID: run_id,
        MLFLOW_RUN_NOTE: f"Started run {run_id} again, and holds nothing itself.",
    }
    client.log_batch(launch.info.run_id, tags=_tags(tags))
    if is_nameless(launch):
        client.update_run(launch.info.run_id, name=f"{stage} resumed")


def name_launch(client: MlflowClient, launch: Run) -> None:
    """Name a run after its command, if it holds no results."""
    command = launch.data.tags.get(MLFLOW_PROJECT_ENTRY_POINT)
    if command is None or not is_free(launch):
        return
    client.log_batch(launch.info.run_id, tags=_tags({**public(launch.data.tags), LAUNCH: command}))
    if is_nameless(launch):
        client.update_run(launch.info.run_id, name=_name(command, launch.data.params))


def is_nameless(run: Run) -> bool:
    return bool(_MADE_UP_NAME.fullmatch(run.info.run_name or ""))


def _name(command: str, parameters: Mapping[str, str]) -> str:
    """`predict cat.png`, `bohb dry run`, `bohb not started`."""
    if command in _SUBJECTS:
        about = shlex.split(parameters.get(_SUBJECTS[command], ""))  # MLflow quotes for the shell
        return " ".join([command, *(Path(word).name for word in about)])
    dry = parameters.get("dry_run") == "true"
    return f"{command} dry run" if dry else f"{command} not started"


def _tags(tags: Mapping[str, str]) -> list[RunTag]:
    return [RunTag(key, value) for key, value in tags.items()]
