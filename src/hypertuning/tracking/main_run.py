"""The run that holds the studies of all stages."""

import os
from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import Param
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from hypertuning.config import UserError
from hypertuning.tracking.mirror import STATUS
from hypertuning.tracking.study_run import file_launcher, open_run, this_experiment

TAG = "main"
"""Of a main run: its profile."""


def open_main(client: MlflowClient, options: Mapping[str, str]) -> str:
    """Adopt the run that `mlflow run` made, or make one; give its id."""
    note = "All stages of the study, each a run below this one; the report is among them."
    run = open_run(client, "main", {TAG: options["profile"], MLFLOW_RUN_NOTE: note})
    missing = [Param(k, v) for k, v in options.items() if k not in run.data.params]
    client.log_batch(run.info.run_id, params=missing)
    return run.info.run_id


def find_main(client: MlflowClient, name: str) -> tuple[str, Mapping[str, str]]:
    """A main run by its id, or the last one of the experiment, with its options.

    Raises:
        UserError: there is none.
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
    return found[0].info.run_id, found[0].data.params


def reopen_main(client: MlflowClient, run_id: str) -> None:
    """Open a main run again, and put the run that `mlflow run` made for that below it."""
    client.update_run(run_id, status="RUNNING")
    launcher = os.environ.get("MLFLOW_RUN_ID", run_id)
    if launcher != run_id:
        file_launcher(client, launcher, run_id, TAG)


def close_main(client: MlflowClient, run_id: str, outcome: str) -> None:
    client.set_tag(run_id, "outcome", outcome)
    client.set_terminated(run_id, STATUS[outcome])
