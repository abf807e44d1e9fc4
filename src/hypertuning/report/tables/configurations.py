"""Configurations, each with the runs that differ in nothing but their seed."""

import pandas as pd

from hypertuning.report.tables.trials import (
    BEST,
    LOWER_IS_BETTER,
    best_first,
    hyperparameters,
    with_columns,
)


def best_runs(trials: pd.DataFrame) -> pd.DataFrame:
    """The runs of the configuration with the lowest mean loss: one for each of its seeds.

    Only runs of as many epochs are counted together.
    """
    known = best_first(with_columns(trials, BEST, "epochs_run", "seed"))
    same = [*(name for name in hyperparameters(known) if name != "seed"), "epochs_run"]
    runs = known.drop_duplicates([*same, "seed"])
    if runs.empty:
        return runs
    groups = runs.groupby(same, dropna=False, sort=False).ngroup()
    means = runs.groupby(groups)[BEST].mean()
    return runs[groups == (means.idxmin() if LOWER_IS_BETTER else means.idxmax())]
