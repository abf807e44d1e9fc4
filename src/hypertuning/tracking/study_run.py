"""The run of a study: adopted from `mlflow run` or made, and closed."""

import json
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NOTE,
)

from hypertuning import environment
from hypertuning.config import UserError
from hypertuning.record.files import has_record
from hypertuning.record.layout import StudyDir
from hypertuning.record.trial import Trial, best_trial, count_epochs
from hypertuning.tracking.labels import is_study_name
from hypertuning.tracking.launch import adopt, file_launcher, find_launch
from hypertuning.tracking.mirror import STATUS
from hypertuning.tracking.provenance import provenance, public
from hypertuning.tracking.view import SEARCHED, offer_views

RECORD_TAG = "record"
"""Tag of a study: machine and folder of its record, so that it is found from any shell."""
_DIGEST_LENGTH = 36
"""The most characters that MLflow takes."""


class DatasetInfo(TypedDict):
    """The images that a study trains on."""

    name: str
    digest: str
    classes: list[str]
    train: int
    val: int


class Opening(NamedTuple):
    """What the run of a study says from its start."""

    stage: str
    name: str
    note: str
    tags: Mapping[str, str]
    searched: Mapping[str, bool]
    """The parameters in which its trials differ, and whether every trial has them."""

    def all_tags(self) -> dict[str, str]:
        return {MLFLOW_RUN_NOTE: self.note, SEARCHED: ", ".join(self.searched), **self.tags}


def open_study(
    client: MlflowClient,
    study: Opening,
    parameters: Mapping[str, Any],
    dataset: DatasetInfo,
    storage_path: Path,
) -> str:
    """Open the run of a study; give its id, which names the folder of its record.

    It is the run that `mlflow run` made for this command, if there is one; otherwise a new run in
    the experiment that MLflow's variables name.

    Raises:
        UserError: the store has no such run or experiment, or the run has a use already.
    """
    machine = provenance()  # before there is a run that an error would leave open
    run = open_run(client, study.name, {"stage": study.stage})
    record = f"{socket.gethostname()}:{StudyDir.of(storage_path, run.info.run_id)}"
    sizes = {"train_images": str(dataset["train"]), "val_images": str(dataset["val"])}
    known = {**study.all_tags(), RECORD_TAG: record, **sizes, **machine}
    try:
        client.log_batch(
            run.info.run_id,
            params=[Param(k, str(v)) for k, v in parameters.items() if k not in run.data.params],
            tags=[RunTag(key, value) for key, value in known.items()],
        )
        client.log_inputs(run.info.run_id, [dataset_input(dataset)])
        offer_views(client, run, study.name, study.searched)
    except MlflowException:
        with suppress(MlflowException):
            close_study(client, run.info.run_id, "failed")
        raise
    return run.info.run_id


def open_run(client: MlflowClient, name: str, tags: Mapping[str, str]) -> Run:
    """Adopt the run that `mlflow run` made for this command, or make one.

    A new one belongs to the run that PARENT_RUN names, if it does.

    Args:
        name: Of a new run, or of an adopted one without a name of its own.

    Raises:
        UserError: the store has no such run or experiment.
    """
    if launch := find_launch(client):
        return adopt(client, launch, name, tags)
    belongs_to = environment.read(environment.PARENT_RUN)
    parent = {MLFLOW_PARENT_RUN_ID: belongs_to} if belongs_to else {}
    experiment_id = this_experiment(client)
    given = public(resolve_tags(parent)) | tags
    return client.create_run(experiment_id, tags=given, run_name=name)


def reopen_study(client: MlflowClient, study_run_id: str, study: Opening) -> None:
    """Open the run of a study again, and put the run of the command that resumes it below it.

    `mlflow run` has made that run; its note says that it holds nothing.

    Raises:
        UserError: the run of the command cannot be used; nothing has changed.
    """
    run, launch = client.get_run(study_run_id), find_launch(client, free=False)
    tags = [RunTag(key, value) for key, value in study.all_tags().items()]
    client.log_batch(study_run_id, tags=tags)
    if "outcome" in run.data.tags:
        client.delete_tag(study_run_id, "outcome")
    is_ours = is_study_name(run.info.run_name, study.stage)
    client.update_run(study_run_id, "RUNNING", study.name if is_ours else None)
    offer_views(client, run, study.name if is_ours else run.info.run_name, study.searched)
    file_launcher(client, launch, study_run_id, study.stage)


def record_here(run: Run) -> Path | None:
    """Where the record of a study is, if it was written on this machine."""
    host, _, path = run.data.tags.get(RECORD_TAG, "").partition(":")
    return Path(path) if host == socket.gethostname() else None


def record_places(run: Run, storage_path: Path) -> list[Path]:
    """Where the record of a study may be: in `storage_path`, or where it was written."""
    written = record_here(run)
    return [StudyDir.of(storage_path, run.info.run_id).path, *([written] if written else [])]


def find_record(run: Run, storage_path: Path) -> Path | None:
    """The record of a study; None if it is in none of its places."""
    return next(filter(has_record, record_places(run, storage_path)), None)


def close_study(
    client: MlflowClient,
    study_run_id: str,
    outcome: str,
    trials: Sequence[Trial] = (),
    tags: Mapping[str, str] | None = None,
) -> None:
    """Close the run of a study with the numbers of its best trial and some last tags.

    Its files are to be sent next; then call `mark_delivered`.

    When the command ends, `mlflow run` sets the status once more: FINISHED after a success, else
    FAILED, also if the study was interrupted. The tag `outcome` is the truth.
    """
    best = best_trial(trials)
    found = best.summary() if best else {}
    timestamp = round(best.ended * 1000) if best else 0
    epochs = count_epochs(trials)
    last = {"outcome": outcome, **(tags or {})}
    client.log_batch(
        study_run_id,
        metrics=[
            Metric(name, value, timestamp, step=epochs)
            for name, value in found.items()
            if name.startswith("best_")
        ],
        tags=[RunTag(key, value) for key, value in last.items()],
    )
    run = client.get_run(study_run_id)
    if run.info.status != STATUS[outcome]:  # again, it would move the end of the study
        client.set_terminated(study_run_id, STATUS[outcome])


def mark_delivered(client: MlflowClient, study_run_id: str, trials: Sequence[Trial]) -> None:
    """Note that all numbers and files of these trials are in the store."""
    client.set_tag(study_run_id, "epochs", str(count_epochs(trials)))


def is_delivered(run: Run, outcome: str, trials: Sequence[Trial]) -> bool:
    """Whether a study was closed with this outcome, after all of these trials had arrived."""
    tags = run.data.tags
    said = (tags.get("outcome"), tags.get("epochs"), run.info.status)
    return said == (outcome, str(count_epochs(trials)), STATUS[outcome])


def this_experiment(client: MlflowClient, make: bool = True) -> str:
    """The experiment that MLflow's variables name, else its default one.

    Args:
        make: Make it if it is not there.

    Raises:
        UserError: it cannot be used.
    """
    name = environment.read(environment.EXPERIMENT_NAME) or "Default"
    experiment_id = environment.read(environment.EXPERIMENT_ID)
    try:
        if experiment_id:
            found = client.get_experiment(experiment_id)
        else:
            found = client.get_experiment_by_name(name)
        if not found and not make:
            raise UserError(f"there is no experiment {name}; MLFLOW_EXPERIMENT_NAME names another")
        if found and found.lifecycle_stage != "active":
            raise UserError(
                f"experiment {found.name} was deleted; `mlflow experiments restore "
                f"--experiment-id {found.experiment_id}` brings it back, and "
                "MLFLOW_EXPERIMENT_NAME names another one"
            )
        return found.experiment_id if found else client.create_experiment(name)
    except MlflowException as error:
        raise UserError(
            f"experiment {experiment_id or name} cannot be used: {error.message}; choose another "
            "one by MLFLOW_EXPERIMENT_NAME"
        ) from error


def dataset_input(dataset: DatasetInfo) -> DatasetInput:
    """The images that a run trains on, as MLflow notes them."""
    entity = Dataset(
        name=dataset["name"],
        digest=dataset["digest"][:_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps({"uri": dataset["name"]}),
        # not the sizes of the splits: MLflow keeps one entity for all studies of these images
        profile=json.dumps({"classes": dataset["classes"]}),
    )
    return DatasetInput(entity, [InputTag(MLFLOW_DATASET_CONTEXT, "training")])
