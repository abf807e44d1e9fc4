"""What is read off the frames everywhere: `trials`, a row per trial; `curves`, per trial and epoch.

Both are as `tracking.runs` reads them.
"""

import numpy as np
import pandas as pd

from hypertuning.config import OBJECTIVE, Config

BEST = f"best_{OBJECTIVE.metric}"
ACCURACY = "best_val_accuracy"


def with_columns(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Add the columns that a study without results does not have yet, empty."""
    return frame.reindex(columns=[*frame.columns, *(c for c in columns if c not in frame.columns)])


def joined(trials: pd.DataFrame, curves: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Give each epoch of a curve the `columns` of its trial; leave out curves of other trials."""
    return curves.merge(with_columns(trials, *columns)[["run_id", *columns]], on="run_id")


def best_first(trials: pd.DataFrame) -> pd.DataFrame:
    """Sort the trials that have a finite loss."""
    measured = trials[np.isfinite(trials[BEST].astype(float))]
    return measured.sort_values(BEST, kind="stable")


def hyperparameters(trials: pd.DataFrame) -> list[str]:
    return [name for name in Config.model_fields if name in trials.columns]


def varied(trials: pd.DataFrame, *also: str) -> list[str]:
    """The hyperparameters that differ among trials, or that some trials do not have.

    Nobody tunes the seed, so it is left out unless it is in `also`.
    """
    names = [name for name in hyperparameters(trials) if name != "seed" or name in also]
    return [name for name in names if trials[name].nunique(dropna=False) > 1]


def fully_trained(trials: pd.DataFrame) -> pd.DataFrame:
    """Take loss and accuracy from trials that trained for fewer epochs than others."""
    known = with_columns(trials, ACCURACY, BEST, "epochs_run")
    epochs = pd.to_numeric(known["epochs_run"])
    whole = (epochs >= epochs.max()).fillna(False)
    return known.assign(**{name: known[name].where(whole) for name in (ACCURACY, BEST)})
