"""MLflow → frames: studies, trials and curves, typed, with their columns even when they are empty.

A missing text is None, a missing time NaT, a missing number NaN. Columns of whole numbers or truth
values with gaps have pandas' types `Int64` and `boolean`. Times are UTC.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
)

from hypertuning.config import BEST, Config, UserError
from hypertuning.epoch import EPOCH_METRICS
from hypertuning.record.trial import PLACE
from hypertuning.tracking.histories import histories
from hypertuning.tracking.queries import find_experiments, find_studies, find_trials

Columns = Mapping[str, type]


def _kind(annotation: Any) -> type:
    """The type of a hyperparameter's column; of `float | None`, float."""
    named = (annotation, *get_args(annotation))
    return next((kind for kind in (bool, int, float) if kind in named), str)


_NAMES = ("study_id", "stage", "run_id", "trial_id", "run_name", "outcome", "status")
_HYPERPARAMETERS = {name: _kind(field.annotation) for name, field in Config.model_fields.items()}
_SUMMARY = {
    BEST: float,
    "best_val_accuracy": float,
    "best_epoch": int,
    "epochs_run": int,
    "overfit_epoch": int,
}

STUDY_COLUMNS: Columns = {
    "study_id": str,
    "experiment_id": str,
    "parent_id": str,
    "stage": str,
    "strategy": str,
    "space": str,
    "planned_trials": int,
    "run_name": str,
    "outcome": str,
    "status": str,
    BEST: float,
    "best_val_accuracy": float,
    "best_epoch": int,
    "dataset": str,
    "digest": str,
    "train_images": int,
    "val_images": int,
    "split_seed": int,
    "seed": int,
    "started": datetime,
    "ended": datetime,
    "command": str,
    "commit": str,
    **dict.fromkeys(("git_dirty", "version.torch", "version.ray", "version.mlflow"), str),
    **dict.fromkeys(("hardware.cpu", "hardware.cores", "hardware.gpu"), str),
}
TRIAL_COLUMNS: Columns = {
    **dict.fromkeys(_NAMES, str),
    **PLACE,
    **_HYPERPARAMETERS,
    **_SUMMARY,
    "started": datetime,
}
CURVE_COLUMNS: Columns = {
    **dict.fromkeys(("study_id", "run_id", "trial_id"), str),
    "epoch": int,
    "timestamp": datetime,
    **dict.fromkeys(EPOCH_METRICS, float),
}


def studies(client: MlflowClient, experiment_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per study, the oldest first; by default of all experiments."""
    if experiment_ids is None:
        experiment_ids = [e.experiment_id for e in find_experiments(client)]
    rows = (
        {
            **_row(run),
            "study_id": run.info.run_id,
            "experiment_id": run.info.experiment_id,
            "parent_id": run.data.tags.get(MLFLOW_PARENT_RUN_ID),
            "ended": run.info.end_time,
            "commit": run.data.tags.get(MLFLOW_GIT_COMMIT),
            "seed": run.data.params.get("seed"),
            **_images(run),
        }
        for run in find_studies(client, experiment_ids)
    )
    return _frame(rows, STUDY_COLUMNS)


def trials(client: MlflowClient, study_ids: Iterable[str]) -> pd.DataFrame:
    """One row per trial, in the order of studies and trial numbers.

    Raises:
        UserError: there is no such study.
    """
    rows = (
        {**_row(run), **run.data.params, "study_id": study_id, "run_id": run.info.run_id}
        for study_id, run in _trial_runs(client, study_ids)
    )
    return _frame(rows, TRIAL_COLUMNS)


def curves(client: MlflowClient, study_ids: Iterable[str]) -> pd.DataFrame:
    """One row per trial and epoch, in the order of studies, trial numbers and epochs.

    Raises:
        UserError: there is no such study.
    """
    return curves_of(client, trials(client, study_ids))


def curves_of(
    client: MlflowClient, trials: pd.DataFrame, metrics: Sequence[str] = EPOCH_METRICS
) -> pd.DataFrame:
    """The curves of the rows of a frame of trials, one row per trial and epoch, in their order."""
    named = trials[["study_id", "run_id", "trial_id"]].to_dict("records")
    places = {place["run_id"]: place for place in named}
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for name in metrics:
        for run_id, point in histories(client, list(places), name):
            place = {**places[run_id], "epoch": point.step, "timestamp": point.timestamp}
            rows.setdefault((run_id, point.step), place)[name] = point.value
    turn = {run_id: number for number, run_id in enumerate(places)}
    order = sorted(rows, key=lambda at: (turn[at[0]], at[1]))
    left_out = set(EPOCH_METRICS) - set(metrics)
    columns = {name: kind for name, kind in CURVE_COLUMNS.items() if name not in left_out}
    return _frame((rows[at] for at in order), columns)


def _trial_runs(client: MlflowClient, study_ids: Iterable[str]) -> Iterator[tuple[str, Run]]:
    for study_id in study_ids:
        try:
            study = client.get_run(study_id)
        except MlflowException as error:
            raise UserError(f"there is no study {study_id}: {error.message}") from error
        found = find_trials(client, study.info.experiment_id, study_id)
        for run in sorted(found, key=lambda run: run.data.tags["trial_id"]):
            yield study_id, run


def _row(run: Run) -> dict[str, Any]:
    """The columns that studies and trials share: tags, best numbers, status."""
    return {
        **run.data.tags,
        **run.data.metrics,
        "run_name": run.info.run_name,
        "status": run.info.status,
        "started": run.info.start_time,
    }


def _images(run: Run) -> dict[str, Any]:
    """The data set that a study trained on; the digest as MLflow keeps it, cut to 36 characters."""
    for given in run.inputs.dataset_inputs:
        sizes = json.loads(given.dataset.profile)
        return {
            "dataset": given.dataset.name,
            "digest": given.dataset.digest,
            "train_images": run.data.tags.get("train_images", sizes.get("train")),
            "val_images": run.data.tags.get("val_images", sizes.get("val")),
            "split_seed": run.data.params.get("split_seed"),
        }
    return {}


def _frame(rows: Iterable[Mapping[str, Any]], columns: Columns) -> pd.DataFrame:
    rows = list(rows)
    typed = {name: _series([row.get(name) for row in rows], kind) for name, kind in columns.items()}
    return pd.DataFrame(typed)


def _series(values: Sequence[Any], kind: type) -> pd.Series:
    """Values as MLflow has them, texts and floats, as a column of one type."""
    if kind is datetime:
        return pd.to_datetime(pd.Series(values, dtype="Int64"), unit="ms", utc=True)
    read = {bool: "True".__eq__, int: int, float: float, str: str}[kind]
    typed = [None if pd.isna(value) else read(value) for value in values]
    whole = None not in typed
    dtypes = {
        bool: "bool" if whole else "boolean",
        int: "int64" if whole else "Int64",
        float: "float64",
        str: "object",
    }
    return pd.Series(typed, dtype=dtypes[kind])
