"""Runs of this project that are RUNNING, do not belong to a study, and will never be closed.

`mlflow run` makes a run before it starts the command, and leaves it RUNNING where it cannot (no
conda, an environment that cannot be built). A command that is killed leaves its run as well.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.mlflow_tags import (
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_PROJECT_ENTRY_POINT,
    MLFLOW_SOURCE_NAME,
    MLFLOW_USER,
)

from hypertuning.addresses import without_secrets
from hypertuning.tracking import queries
from hypertuning.tracking.launch import LAUNCHER, is_free, name_launch
from hypertuning.tracking.mirror import STATUS
from hypertuning.tracking.processes import DRIVER, is_alive, launched_runs, preparing_since

NEW_SECONDS = 10
"""The driver or the record of a younger run may be about to begin."""
ELSEWHERE_SECONDS = 24 * 3600
"""If a run's driver cannot be seen from here, the run is left alone until it is that old."""
PROJECT = "hypertuning"
"""The name in MLproject."""


def find_leftovers(client: MlflowClient, experiment_ids: Sequence[str]) -> list[Run]:
    """The runs that no process will close, the oldest first."""
    running = queries.find_running(client, experiment_ids)
    found = [run for run in running if _is_open_launch(client, run) or DRIVER in run.data.tags]
    if not found:
        return []
    sources = queries.find_sources(client, experiment_ids)
    launched, preparing = launched_runs(), preparing_since()
    return [
        run
        for run in found
        if _is_ours(run, sources) and not _may_live(client, run, launched, preparing)
    ]


def close_leftover(client: MlflowClient, run: Run) -> None:
    """End such a run, and name it after its command."""
    name_launch(client, run)
    client.set_tag(run.info.run_id, "outcome", run.data.tags.get("outcome", "interrupted"))
    client.set_terminated(run.info.run_id, STATUS["interrupted"])


def _is_open_launch(client: MlflowClient, run: Run) -> bool:
    """Whether `mlflow run` made a run, and the run does not belong to a study."""
    tags = run.data.tags
    if tags.get("outcome") != LAUNCHER:
        return is_free(run) and MLFLOW_PROJECT_ENTRY_POINT in tags
    try:
        resumed = client.get_run(tags[MLFLOW_PARENT_RUN_ID])
    except MlflowException:
        return True
    beside = resumed.info.experiment_id == run.info.experiment_id
    return not (beside and "stage" in resumed.data.tags)


def _is_ours(run: Run, sources: set[str]) -> bool:
    tags = run.data.tags
    source = without_secrets(tags.get(MLFLOW_SOURCE_NAME, ""))  # as studies keep it
    return DRIVER in tags or not is_free(run) or source in sources or _is_this_project(source)


def _is_this_project(source: str) -> bool:
    """Whether the source of a run, as MLflow names it, is a folder that holds this project."""
    root, _, below = source.removeprefix("file://").partition("#")
    try:
        return yaml.safe_load(Path(root, below, "MLproject").read_text())["name"] == PROJECT
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return False


def _may_live(client: MlflowClient, run: Run, launched: set[str], preparing: float | None) -> bool:
    """Whether a process may still use a run."""
    began = run.info.start_time / 1000
    age = time.time() - began
    if age < NEW_SECONDS or run.info.run_id in launched:
        return True
    if driver := run.data.tags.get(DRIVER):
        return is_alive(driver) is not False
    if preparing is not None and began >= preparing:
        return True
    return age < ELSEWHERE_SECONDS and not _can_see(client, run)


def _can_see(client: MlflowClient, run: Run) -> bool:
    """Whether a living command of this run would be visible here to this user."""
    address = urlsplit(client.tracking_uri)
    here = address.scheme == "sqlite" or address.hostname in ("localhost", "127.0.0.1", "::1")
    return here and run.data.tags.get(MLFLOW_USER) == resolve_tags().get(MLFLOW_USER)
