"""Trials as tables, the best first."""

import numpy as np
import pandas as pd

from hypertuning.config import BEST, OBJECTIVE
from hypertuning.report.frames import best_first, hyperparameters, varied, with_columns


def leaderboard(trials: pd.DataFrame, n: int | None = 5) -> pd.DataFrame:
    """List the `n` best trials, or all, with the hyperparameters that differ in `trials`."""
    numbers = [BEST, "best_val_accuracy", "best_epoch", "epochs_run"]
    shown = ["trial_id", "run_name", *numbers, "outcome", *varied(trials, "seed")]
    rows = best_first(with_columns(trials, *shown))[shown]
    rows = rows.head(len(rows) if n is None else n).reset_index(drop=True)
    rows.insert(0, "rank", np.arange(1, len(rows) + 1))
    return rows


def best_configurations(trials: pd.DataFrame) -> pd.DataFrame:
    """One column for the best trial of each arm: its numbers, then its hyperparameters."""
    ranked = best_first(with_columns(trials, "augment", BEST))
    best = ranked.drop_duplicates("augment").set_index("augment")
    shown = ["trial_id", BEST, "best_val_accuracy", "best_epoch", "epochs_run"]
    names = [name for name in hyperparameters(trials) if name not in ("augment", "seed")]
    table = best[[*shown, *names]].dropna(axis=1, how="all").T
    return table.rename_axis(index="of the best trial", columns=None).reset_index()


def best_runs(trials: pd.DataFrame) -> pd.DataFrame:
    """The runs of the configuration with the lowest mean loss: one for each of its seeds.

    A mean is taken over runs of the same number of epochs only.
    """
    known = best_first(with_columns(trials, BEST, "epochs_run", "seed"))
    same = [*(name for name in hyperparameters(known) if name != "seed"), "epochs_run"]
    runs = known.drop_duplicates([*same, "seed"])
    if runs.empty:
        return runs
    groups = runs.groupby(same, dropna=False, sort=False).ngroup()
    return runs[groups == runs.groupby(groups)[BEST].mean().idxmin()]


def with_bests(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Give the trials that have not ended their best numbers so far.

    MLflow gets these numbers only when a trial ends, so for a trial that was resumed it still has
    the earlier ones.
    """
    so_far = curves.dropna(subset=[OBJECTIVE]).sort_values("epoch", kind="stable")
    by_run = so_far.groupby("run_id")
    at = so_far.loc[by_run[OBJECTIVE].idxmin()].set_index("run_id")
    found = pd.DataFrame({
        BEST: at[OBJECTIVE],
        "best_epoch": at["epoch"],
        "best_val_accuracy": by_run["val_accuracy"].max(),
        "epochs_run": by_run["epoch"].max(),
    })  # fmt: skip
    found = found.reindex(trials["run_id"]).set_index(trials.index)
    going_on = trials["outcome"].isna() & found[BEST].notna()
    whole = dict.fromkeys(("best_epoch", "epochs_run"), "Int64")
    kept, found = trials[[*found]].astype(whole), found.astype(whole)
    return trials.assign(**{name: kept[name].mask(going_on, found[name]) for name in found})
