"""Trials as a table, best first, and what the tables of all stages begin with."""

import numpy as np
import pandas as pd

from hypertuning.config import OBJECTIVE, Config

BEST = f"best_{OBJECTIVE.metric}"
ARM_NAMES = {"none": "without augmentation", "crop_flip": "with crop and flip"}
LOWER_IS_BETTER = True


def leaderboard(trials: pd.DataFrame, n: int | None = 5) -> pd.DataFrame:
    """List the `n` best trials, or all, with the hyperparameters that differ in `trials`."""
    shown = [
        "trial_id",
        "run_name",
        BEST,
        "best_val_accuracy",
        "best_epoch",
        "epochs_run",
        "outcome",
    ]
    shown += varied(trials, "seed")
    rows = (
        best_first(with_columns(trials, *shown))[shown]
        .head(len(trials) if n is None else n)
        .reset_index(drop=True)
    )
    rows.insert(0, "rank", np.arange(1, len(rows) + 1))
    return rows


def with_bests(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Give the trials that have not ended the best numbers that they have had so far.

    MLflow has them only of trials that have ended, and of one that goes on those of its last end.
    """
    so_far = curves.dropna(subset=[OBJECTIVE.metric]).sort_values("epoch", kind="stable")
    by_run = so_far.groupby("run_id")
    at = so_far.loc[by_run[OBJECTIVE.metric].idxmin()].set_index("run_id")
    found = pd.DataFrame({
        BEST: at[OBJECTIVE.metric],
        "best_epoch": at["epoch"],
        "best_val_accuracy": by_run["val_accuracy"].max(),
        "epochs_run": by_run["epoch"].max(),
    })  # fmt: skip
    found = found.reindex(trials["run_id"]).set_index(trials.index)
    going_on = trials["outcome"].isna() & found[BEST].notna()
    whole = dict.fromkeys(("best_epoch", "epochs_run"), "Int64")
    kept, found = trials[[*found]].astype(whole), found.astype(whole)
    return trials.assign(**{name: kept[name].mask(going_on, found[name]) for name in found})


def with_columns(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Add the columns that a study without results has not got yet, empty."""
    return frame.reindex(columns=[*frame.columns, *(c for c in columns if c not in frame.columns)])


def hyperparameters(trials: pd.DataFrame) -> list[str]:
    return [name for name in Config.model_fields if name in trials.columns]


def varied(trials: pd.DataFrame, *also: str) -> list[str]:
    """The hyperparameters that differ among trials, or are missing from some.

    The seed is none that anybody would tune: it is left out unless it is in `also`.
    """
    names = [name for name in hyperparameters(trials) if name != "seed" or name in also]
    return [name for name in names if trials[name].nunique(dropna=False) > 1]


def best_first(trials: pd.DataFrame) -> pd.DataFrame:
    measured = trials[np.isfinite(trials[BEST].astype(float))]
    return measured.sort_values(BEST, ascending=LOWER_IS_BETTER, kind="stable")


def joined(trials: pd.DataFrame, curves: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Give each epoch of a curve the `columns` of its trial; other trials' curves are left out."""
    return curves.merge(with_columns(trials, *columns)[["run_id", *columns]], on="run_id")
