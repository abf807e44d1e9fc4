"""The run that holds the studies of all stages."""

from collections.abc import Mapping
from contextlib import suppress

from mlflow import MlflowClient
from mlflow.entities import Param, Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from hypertuning.config import UserError
from hypertuning.tracking.labels import study_name
from hypertuning.tracking.launch import file_launcher, find_launch
from hypertuning.tracking.mirror import STATUS
from hypertuning.tracking.processes import DRIVER, is_alive, this_process
from hypertuning.tracking.study_run import open_run, this_experiment

TAG = "main"
"""Of a main run: its profile."""


def open_main(client: MlflowClient, options: Mapping[str, str]) -> str:
    """Adopt the run that `mlflow run` made, or make one; give its id."""
    note = "All stages of the study, each a run below this one; the report is among them."
    tags = {TAG: options["profile"], DRIVER: this_process(), MLFLOW_RUN_NOTE: note}
    run = open_run(client, study_name(TAG, options["dataset"], options["profile"]), tags)
    missing = [Param(k, v) for k, v in options.items() if k not in run.data.params]
    try:
        client.log_batch(run.info.run_id, params=missing)
    except MlflowException:
        with suppress(MlflowException):
            close_main(client, run.info.run_id, "failed")
        raise
    return run.info.run_id


def find_main(client: MlflowClient, name: str) -> tuple[str, Mapping[str, str]]:
    """A main run by its id, or the last one of the experiment, with its options.

    Raises:
        UserError: there is none, it was deleted, or it is being run.
    """
    try:
        if name == "last":
            experiment_id = this_experiment(client, make=False)
            order = ["attributes.start_time DESC"]
            found = client.search_runs([experiment_id], f"tags.{TAG} != ''", order_by=order)
        else:
            found = [client.get_run(name)]
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        found = []
    found = [run for run in found if TAG in run.data.tags]
    if not found:
        raise UserError(f"`resume` must be the run id of a main run, or last, got {name!r}")
    run_id = found[0].info.run_id
    if found[0].info.lifecycle_stage != "active":
        raise UserError(
            f"`resume`: run {run_id} was deleted; `mlflow runs restore --run-id {run_id}` brings "
            "it back"
        )
    if _is_driven(found[0]):
        raise UserError(f"main run {run_id} is being run by another process; wait until it ends")
    return run_id, found[0].data.params


def _is_driven(run: Run) -> bool:
    """Whether a living process of this machine runs it."""
    driver = run.data.tags.get(DRIVER)
    return run.info.status == "RUNNING" and driver is not None and is_alive(driver) is True


def reopen_main(client: MlflowClient, run_id: str) -> None:
    """Open a main run again, and put the run that `mlflow run` made for that below it.

    Raises:
        UserError: that run cannot be used; nothing has changed.
    """
    run, launch = client.get_run(run_id), find_launch(client, free=False)
    client.set_tag(run_id, DRIVER, this_process())
    if "outcome" in run.data.tags:
        client.delete_tag(run_id, "outcome")
    client.update_run(run_id, status="RUNNING")
    file_launcher(client, launch, run_id, TAG)


def close_main(client: MlflowClient, run_id: str, outcome: str) -> None:
    client.set_tag(run_id, "outcome", outcome)
    client.set_terminated(run_id, STATUS[outcome])
