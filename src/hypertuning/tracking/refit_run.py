"""The run of a refit, below its register study: one point per epoch, then the test's scores."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NOTE

from hypertuning.tracking import queries
from hypertuning.tracking.points import points_of
from hypertuning.tracking.study_run import DatasetInfo, dataset_input

REFIT = "refit_run"
"""Tag of a register study: the run of its refit, once there is one."""


def open_refit(
    client: MlflowClient,
    study_run_id: str,
    name: str,
    config: Mapping[str, Any],
    dataset: DatasetInfo,
    note: str,
) -> str:
    """The run of a study's refit, made if there is none yet, and running; safe to repeat."""
    experiment_id = client.get_run(study_run_id).info.experiment_id
    if there := queries.find_refits(client, experiment_id, study_run_id):
        run = there[0]
    else:
        tags = {MLFLOW_PARENT_RUN_ID: study_run_id, "refit": "true", MLFLOW_RUN_NOTE: note}
        run = client.create_run(experiment_id, tags=tags, run_name=name)
    run_id = run.info.run_id
    try:
        client.log_batch(run_id, params=[Param(key, str(value)) for key, value in config.items()])
        client.log_inputs(run_id, [dataset_input(dataset)])
        client.set_tag(study_run_id, REFIT, run_id)
        client.update_run(run_id, status="RUNNING")
    except MlflowException:
        if not there:  # nothing names it yet, so it would stay open
            with suppress(MlflowException):
                client.set_terminated(run_id, "FAILED")
        raise
    return run_id


def log_epochs(client: MlflowClient, run_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Send epochs; sending one again changes nothing.

    A refit holds no images out for validation, so metrics that need some are not finite: left out.
    """
    client.log_batch(run_id, metrics=points_of(rows))


def log_test(
    client: MlflowClient,
    run_id: str,
    scores: Mapping[str, float],
    tags: Mapping[str, str],
    timestamp_ms: int,
) -> None:
    """Send the scores on the test images."""
    metrics = [Metric(name, value, timestamp_ms, 0) for name, value in scores.items()]
    client.log_batch(run_id, metrics=metrics, tags=[RunTag(k, v) for k, v in tags.items()])
