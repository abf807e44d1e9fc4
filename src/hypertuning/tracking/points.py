"""The numbers of a trial as points in MLflow, dated by when they were recorded."""

import math
from collections.abc import Iterable, Mapping

from mlflow.entities import Metric

from hypertuning.record.trial import EPOCH_METRICS, Row, Trial


def points_of(epochs: Iterable[Row]) -> list[Metric]:
    return [
        Metric(name, row[name], in_ms(row["timestamp"]), row["epoch"])
        for row in epochs
        for name in EPOCH_METRICS
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
