"""The numbers of a trial as points in MLflow, dated by when they were recorded."""

import math
from collections.abc import Iterable, Mapping

from mlflow.entities import Metric

from hypertuning.epoch import EPOCH_METRICS, REQUIRED, finite
from hypertuning.record.trial import Trial

LAST_METRIC = [name for name in EPOCH_METRICS if name in REQUIRED][-1]
"""Sent after the others of an epoch: where it is stored, the whole epoch is."""
_ORDER = (*(name for name in EPOCH_METRICS if name != LAST_METRIC), LAST_METRIC)


def points_of(epochs: Iterable[Mapping[str, float | None]]) -> list[Metric]:
    """The finite metrics of epochs; an earlier version did not measure all of them."""
    return [
        Metric(name, row[name], in_ms(row["timestamp"]), row["epoch"])
        for row in map(finite, epochs)
        for name in _ORDER
        if name in row
    ]


def summary_of(trial: Trial, stored: Mapping[str, float]) -> list[Metric]:
    """The trial's best numbers, dated by its last epoch: the same end is the same points.

    A trial that went on after it had ended once may have outgrown its overfitting.
    """
    summary = trial.summary()
    if "overfit_epoch" in stored and "overfit_epoch" not in summary:
        summary["overfit_epoch"] = math.nan
    return [
        Metric(name, value, in_ms(trial.ended), trial.epochs_run) for name, value in summary.items()
    ]


def in_ms(seconds: float) -> int:
    return round(seconds * 1000)
