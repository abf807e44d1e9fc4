"""The rungs of a study, and the losses of the trials after each of them."""

import pandas as pd

from hypertuning.report.frames import joined, with_columns

MOST_RUNGS = 5


def ends_of_rungs(trials: pd.DataFrame) -> list[int]:
    """The epochs at which rungs end: at most MOST_RUNGS of them, the last included.

    A rung ends at the most epochs of the trials whose last job was on it, waiting ones included.
    """
    known = on_their_way(with_columns(trials, "outcome", "epochs_run", "bracket", "rung"))
    ends = known.groupby(["bracket", "rung"], dropna=False)["epochs_run"].max()
    found = sorted({int(epoch) for epoch in ends})
    if len(found) <= MOST_RUNGS:
        return found
    step = (len(found) - 1) / (MOST_RUNGS - 1)
    return [found[round(place * step)] for place in range(MOST_RUNGS)]


def on_their_way(trials: pd.DataFrame) -> pd.DataFrame:
    """Leave out the trials that diverged or failed: they did not end at a rung."""
    epochs = pd.to_numeric(trials["epochs_run"]).fillna(0)
    return trials[~trials["outcome"].isin(["diverged", "failed"]) & (epochs > 0)]


def rung_losses(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """The validation loss of each trial at the end of every rung that it reached."""
    rows = joined(trials, curves, "sampler").dropna(subset=["val_loss"])
    rows = rows[rows["epoch"].isin(ends_of_rungs(trials))]
    rows["sampler"] = rows["sampler"].astype(object).fillna("other")
    return rows[["trial_id", "run_id", "sampler", "epoch", "val_loss"]].reset_index(drop=True)
