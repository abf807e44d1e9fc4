"""All trials as the page's script reads them: the rows of its table, and each trial's curve."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hypertuning.config import BEST
from hypertuning.report.data import Data
from hypertuning.report.frames import hyperparameters, varied, with_columns

CURVES = ("train_loss", "val_loss")
SIGNIFICANT, ALL = 5, 17
"""Digits of measured numbers and of parameters. 2,000 trials have 40,000 measured numbers, and more
digits of them could not be seen. A parameter keeps all digits, because it may be copied."""


class Column(NamedTuple):
    name: str
    title: str
    digits: int | None = None
    """Digits after the point; None writes the value as it is."""
    minor: bool = False
    """Hidden in a narrow window."""

    @property
    def classes(self) -> str:
        """Its classes in the page's style sheet."""
        number = " number" if self.digits is not None else ""
        return self.name + number + (" minor" if self.minor else "")


FIRST = (
    Column("trial_id", "trial"),
    Column("study", "study"),
    Column("run_name", "configuration", minor=True),
    Column("outcome", "outcome", minor=True),
    Column(BEST, "lowest val loss", 4),
    Column("best_val_accuracy", "highest val accuracy", 3),
    Column("best_epoch", "epoch of that loss", 0, minor=True),
    Column("epochs_run", "epochs", 0, minor=True),
)


class TrialList(NamedTuple):
    """Trials of all studies, the lowest loss first, those without a loss last."""

    columns: list[Column]
    """The first columns of every table; the parameters follow them."""
    rows: list[list]
    """Values in the order of the columns, each number rounded."""
    data: dict[str, Any]
    """Everything that the script needs, as plain JSON values."""


def trial_list(data: Data) -> TrialList:
    """Sort all trials, and round their numbers."""
    trials = with_columns(data.trials, *(c.name for c in FIRST), "augment")
    trials = trials.sort_values(BEST, na_position="last", kind="stable")
    stages = data.studies.set_index("study_id")["stage"]
    names = {study: f"{stage} {study[:6]}" for study, stage in stages.items()}
    trials = trials.assign(
        study=trials["study_id"].map(names), outcome=trials["outcome"].fillna("running")
    )
    columns = [c for c in FIRST if c.name != "study" or len(names) > 1]
    rows = _rows(trials, [column.name for column in columns])
    parameters = hyperparameters(trials)
    searched = {
        names[study]: varied(own, "seed") for study, own in trials.groupby("study_id", sort=False)
    }
    return TrialList(columns, rows, {
        "columns": [column._asdict() for column in columns],
        "by": BEST,
        "parameters": parameters,
        "searched": searched,
        "rows": rows,
        "values": _rows(trials, parameters, ALL),
        "curves": _curves(trials, data.curves),
        "studies": trials["study"].tolist(),
        "runs": trials["run_id"].tolist(),
        "pages": {name: data.page(study_id, "") for study_id, name in names.items()},
    })  # fmt: skip


def _rows(trials: pd.DataFrame, names: list[str], digits: int = SIGNIFICANT) -> list[list]:
    columns = [[_plain(value, digits) for value in trials[name].tolist()] for name in names]
    return [list(row) for row in zip(*columns, strict=True)]


def _plain(value: object, digits: int) -> object:
    """A value for JSON: None if it is missing or not finite."""
    if value is None or pd.isna(value):
        return None
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if np.isfinite(value) else None
    return value


def _curves(trials: pd.DataFrame, curves: pd.DataFrame) -> list[list[list]]:
    """For each trial a list of (epoch, training loss, validation loss)."""
    rows = _rows(curves, ["run_id", "epoch", *CURVES])
    by_run: dict[str, list[list]] = {}
    for run_id, *point in rows:
        by_run.setdefault(run_id, []).append(point)
    return [by_run.get(run_id, []) for run_id in trials["run_id"]]
