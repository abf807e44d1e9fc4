"""What single hyperparameters do: slices, parallel coordinates, importance."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from hypertuning.config import DISPLAY
from hypertuning.report.tables.ladder import rung_losses
from hypertuning.report.tables.trials import BEST, best_first, varied, with_columns

FEWEST = 12
"""So few trials say nothing of the importance of anything."""
TELLING = 0.1
"""A forest that explains less of the variance says nothing of the parameters."""
LOGARITHMIC = {name for name, display in DISPLAY.items() if display.log}
_WANTED = 24
_REPEATS, _TREES = 5, 30


def slices(trials: pd.DataFrame) -> pd.DataFrame:
    """Put every trial once under each parameter that differs: its value, its lowest loss.

    `scale` is 'log', 'linear' or 'category'; a value that the trial has not got is None.
    """
    known = best_first(with_columns(trials, BEST, "epochs_run", "trial_id"))
    frames = [
        pd.DataFrame({
            "parameter": name,
            "scale": scale_of(known[name]),
            "value": known[name].astype(object).where(known[name].notna(), None),
            "trial_id": known["trial_id"],
            "epochs_run": known["epochs_run"],
            BEST: known[BEST].astype(float),
        })
        for name in varied(known)
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def scale_of(values: pd.Series) -> str:
    """How a parameter's values are best laid out, by its name and by what was tried of it."""
    known = values.dropna()
    if known.dtype == object or known.dtype.name in ("bool", "boolean", "str"):
        return "category"
    if known.nunique() <= 4:
        return "category"
    return "log" if values.name in LOGARITHMIC and known.astype(float).min() > 0 else "linear"


def parallel_coordinates(trials: pd.DataFrame) -> pd.DataFrame:
    """All trials that measured something, best first, with the parameters that differ.

    Nothing where none differs: one trial is no comparison.
    """
    known = best_first(with_columns(trials, BEST, "trial_id", "epochs_run"))
    if not varied(known):
        return pd.DataFrame()
    return known[["trial_id", "epochs_run", BEST, *varied(known)]].reset_index(drop=True)


def importance(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Ask a random forest which parameters the ranks of the losses depend on.

    The losses are those after `epoch` epochs, the most that enough trials had: losses after
    different numbers of epochs do not compare. `importance` is what shuffling a parameter takes
    from the share of the variance of the ranks that the forest explains of trials which it has not
    seen (permutation importance, Breiman 2001; cross-validation); `low` and `high` are the
    extremes over repeats with other folds. `explained` is that share: near 0 the rest says nothing.
    """
    columns = ["parameter", "importance", "low", "high", "explained", "epoch", "trials"]
    losses = rung_losses(trials, curves)
    counts = losses.groupby("epoch").size()
    enough = counts[counts >= _WANTED]
    counts = enough if len(enough) else counts[counts == counts.max()]
    names = varied(trials)
    if not len(counts) or counts.iloc[-1] < FEWEST or not names:
        return pd.DataFrame(columns=columns)
    epoch = counts.index[-1]
    at = losses[losses["epoch"] == epoch].merge(trials[["run_id", *names]], on="run_id")
    inputs = np.column_stack([_numbers(at[name]) for name in names])
    ranks = rankdata(at["val_loss"]) / len(at)
    if ranks.var() == 0:
        return pd.DataFrame(columns=columns)
    drops, explained = _cross_validated(inputs, ranks)
    rows = pd.DataFrame({
        "parameter": names, "importance": drops.mean(axis=0),
        "low": drops.min(axis=0), "high": drops.max(axis=0),
        "explained": explained, "epoch": epoch, "trials": len(at),
    })  # fmt: skip
    return rows.sort_values("importance", ascending=False, ignore_index=True)


def _cross_validated(inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float]:
    """Shares of the variance lost by shuffling, (repeats, parameters), and explained without."""
    # takes most of a second to import, and every command that prints a table comes by here
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    folds = 5 if len(targets) < 200 else 3  # what is held back says enough then
    drops, errors = [], []
    for repeat in range(_REPEATS):
        lost, missed = [], []
        for learnt, held in KFold(folds, shuffle=True, random_state=repeat).split(inputs):
            # trees of bounded size: what matters shows in hundreds of trials as in thousands
            forest = RandomForestRegressor(
                _TREES, max_samples=min(len(learnt), 300), random_state=repeat
            ).fit(inputs[learnt], targets[learnt])
            shuffled = permutation_importance(
                forest, inputs[held], targets[held], scoring="neg_mean_squared_error",
                n_repeats=1, random_state=repeat,
            )  # fmt: skip
            lost.append(len(held) * shuffled.importances_mean)
            missed.append(np.square(forest.predict(inputs[held]) - targets[held]).sum())
        drops.append(np.sum(lost, axis=0) / len(targets) / targets.var())
        errors.append(np.sum(missed) / len(targets) / targets.var())
    return np.array(drops), float(1 - np.mean(errors))


def _numbers(values: pd.Series) -> np.ndarray:
    """A parameter as a forest takes it: categories numbered, what is missing below all else."""
    if scale_of(values) == "category":
        return pd.Categorical(values).codes.astype(float)
    numbers = values.astype(float).to_numpy()
    return np.where(np.isnan(numbers), np.nanmin(numbers) - 1, numbers)
