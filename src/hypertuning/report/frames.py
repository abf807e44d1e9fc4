"""What all exhibits need from the frames that `tracking.runs` reads.

`trials` has one row per trial, `curves` one per trial and epoch.
"""

import numpy as np
import pandas as pd

from hypertuning.config import BEST, Config, is_default

ACCURACY = "best_val_accuracy"


def with_columns(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Add missing columns without values: a study without results does not have them yet."""
    return frame.reindex(columns=[*frame.columns, *(c for c in columns if c not in frame.columns)])


def joined(trials: pd.DataFrame, curves: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Give each epoch of a curve the `columns` of its trial; leave out curves of other trials."""
    return curves.merge(with_columns(trials, *columns)[["run_id", *columns]], on="run_id")


def best_first(trials: pd.DataFrame) -> pd.DataFrame:
    """Sort the trials by their loss, and leave out those without a finite one."""
    measured = trials[np.isfinite(trials[BEST].astype(float))]
    return measured.sort_values(BEST, kind="stable")


def hyperparameters(trials: pd.DataFrame) -> list[str]:
    return [name for name in Config.model_fields if name in trials.columns]


def varied(trials: pd.DataFrame, *also: str) -> list[str]:
    """The hyperparameters that differ among trials, or that some trials do not have.

    Nobody tunes the seed, so it is left out unless it is in `also`; one that is at its default
    wherever it acts tells nothing either.
    """
    names = [name for name in hyperparameters(trials) if name != "seed" or name in also]
    values = {name: set(trials[name].unique()) for name in names}
    return [n for n in names if len(values[n]) > 1 and not is_default(n, trials[n].dropna())]


def fully_trained(trials: pd.DataFrame) -> pd.DataFrame:
    """Remove loss and accuracy of the trials that trained for fewer epochs than others."""
    known = with_columns(trials, ACCURACY, BEST, "epochs_run")
    epochs = pd.to_numeric(known["epochs_run"])
    whole = (epochs >= epochs.max()).fillna(False)
    return known.assign(**{name: known[name].where(whole) for name in (ACCURACY, BEST)})
