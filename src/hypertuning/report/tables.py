"""Frames of trials and curves → the tidy rows of each figure, under the figure's name.

`trials` holds one row per trial, `curves` one per trial and epoch, as `tracking.runs` reads them.
Losses are in nats per image, accuracies are fractions of the images, 0 to 1.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from hypertuning.config import OBJECTIVE, Config

BEST = f"best_{OBJECTIVE.metric}"
LOWER_IS_BETTER = OBJECTIVE.mode == "min"

MODEL_NAMES = {"nn": "NN", "resnn": "NN + residual", "cnn": "CNN"}
GRID_AXES = ["kernel_size", "num_fully_connected_layers", "num_conv_layers", "filters"]
"""Rows and columns of panels, then rows and columns of cells within each."""


def leaderboard(trials: pd.DataFrame, n: int = 5) -> pd.DataFrame:
    """List the best trials, with the hyperparameters that differ anywhere in `trials`."""
    shown = [
        "trial_id",
        "run_name",
        BEST,
        "best_val_accuracy",
        "best_epoch",
        "epochs_run",
        "outcome",
    ]
    varied = [name for name in _hyperparameters(trials) if trials[name].nunique(dropna=False) > 1]
    rows = _best_first(_with(trials, *shown)).head(n)[shown + varied].reset_index(drop=True)
    rows.insert(0, "rank", np.arange(1, len(rows) + 1))
    return rows


def learning_curves(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Summarise the repeats of each model: one row per model, measure, split and epoch.

    `middle` is the median, `low` and `high` are the extremes of `repeats` trials.
    """
    measured = ["train_loss", "val_loss", "train_accuracy", "val_accuracy"]
    runs = _joined(trials, curves, "model").dropna(subset=["model", *measured])
    long = runs.melt(["model", "epoch"], measured, "metric")
    long["split"] = long["metric"].str.replace("_.*", "", regex=True)
    long["measure"] = long["metric"].str.replace(".*_", "", regex=True)
    return (
        long.groupby(["model", "measure", "split", "epoch"])["value"]
        .agg(middle="median", low="min", high="max", repeats="count")
        .reset_index()
        .assign(name=lambda rows: rows["model"].map(lambda model: MODEL_NAMES.get(model, model)))
    )


def grid_heat_maps(trials: pd.DataFrame) -> pd.DataFrame:
    """Give every combination of the structure's values a row, trained or not.

    `best_val_accuracy` is the mean over the cell's `trials`; where there is none, `state` says why:
    'not run', or the trial's outcome. `best` marks one cell.
    """
    known = _with(trials, *GRID_AXES, "best_val_accuracy", "outcome").dropna(subset=GRID_AXES)
    cells = known.groupby(GRID_AXES).agg(
        best_val_accuracy=("best_val_accuracy", "mean"),
        trials=("best_val_accuracy", "size"),
        outcome=("outcome", "last"),
    )
    values = [sorted(known[axis].unique()) for axis in GRID_AXES]
    cells = cells.reindex(pd.MultiIndex.from_product(values, names=GRID_AXES)).reset_index()
    accuracy = cells["best_val_accuracy"]
    unmeasured = cells["outcome"].where(cells["outcome"].notna(), "running")
    unmeasured = unmeasured.where(cells["trials"] > 0, "not run")
    return cells.drop(columns="outcome").assign(
        trials=cells["trials"].fillna(0).astype(int),
        state=unmeasured.where(accuracy.isna(), "measured"),
        best=(accuracy == accuracy.max()) & ~accuracy.duplicated(),
    )


def overfitting(trials: pd.DataFrame, curves: pd.DataFrame, n: int = 3) -> pd.DataFrame:
    """Follow the `n` best configurations of each augmentation through their epochs.

    `place` is 1 for the best; `pair` is the same number for the same configuration in both arms;
    `turns` marks the epoch where validation loss is lowest.
    """
    ranked = _pairs_first(_with(trials, "augment", "run_name", "epochs_run", BEST))
    chosen = ranked.groupby("augment").head(n)
    chosen = chosen.assign(place=chosen.groupby("augment").cumcount() + 1)
    rows = _joined(chosen, curves, "augment", "place", "pair", "run_name")
    rows = rows.dropna(subset=["train_loss", "val_loss"])
    rows = rows.sort_values(["augment", "place", "epoch"], ignore_index=True)
    lowest = rows.groupby("run_id")["val_loss"].transform("min")
    rows["turns"] = (rows["val_loss"] == lowest) & ~rows.duplicated(["run_id", "val_loss"])
    shown = ["augment", "place", "pair", "trial_id", "run_name", "epoch", "train_loss", "val_loss"]
    return rows[[*shown, "turns"]]


def anytime(
    trials: pd.DataFrame, curves: pd.DataFrame, names: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Put each study's results in the order of their recording, with the best loss so far.

    `epochs_spent` counts the epochs of all trials of the study until then; `name` is the study's in
    `names` (by `study_id`), otherwise its stage.
    """
    rows = _joined(trials, curves, "sampler", "stage")
    rows = rows.sort_values(["study_id", "timestamp", "trial_id", "epoch"], ignore_index=True)
    losses = rows["val_loss"].astype(float).groupby(rows["study_id"])
    rows["epochs_spent"] = losses.cumcount() + 1
    rows["best_so_far"] = losses.cummin().groupby(rows["study_id"]).ffill()
    rows["sampler"] = rows["sampler"].astype(object).fillna("other")
    rows["name"] = rows["study_id"].map(_study_names(rows, names or {})).astype(object)
    shown = ["study_id", "name", "trial_id", "sampler", "epoch", "epochs_spent", "val_loss"]
    return rows[[*shown, "best_so_far"]].dropna(subset=["best_so_far"], ignore_index=True)


def _with(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Add the columns that a study without results has not got yet, empty."""
    return frame.reindex(columns=[*frame.columns, *(c for c in columns if c not in frame.columns)])


def _hyperparameters(trials: pd.DataFrame) -> list[str]:
    return [name for name in Config.model_fields if name in trials.columns]


def _best_first(trials: pd.DataFrame) -> pd.DataFrame:
    measured = trials[np.isfinite(trials[BEST].astype(float))]
    return measured.sort_values(BEST, ascending=LOWER_IS_BETTER, kind="stable")


def _joined(trials: pd.DataFrame, curves: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Give each epoch of a curve the `columns` of its trial; other trials' curves are left out."""
    return curves.merge(_with(trials, *columns)[["run_id", *columns]], on="run_id")


def _pairs_first(trials: pd.DataFrame) -> pd.DataFrame:
    """Number the configurations as `pair`, the best first; keep one trial of each augmentation.

    Only what every augmentation trained for long shows what augmentation does. So those come first
    whose shorter trial has the most epochs, then those whose longer one has (a loss after three
    epochs does not compare with one after ten), then those with the lowest mean of their best loss.
    """
    longest_first = {"by": "epochs_run", "ascending": False, "kind": "stable"}
    ranked = _best_first(trials).dropna(subset=["augment"]).sort_values(**longest_first)
    same = [name for name in _hyperparameters(trials) if name != "augment"]
    ranked["pair"] = ranked.groupby(same, dropna=False, sort=False).ngroup()
    ranked = ranked.drop_duplicates(["pair", "augment"])
    epochs = ranked.pivot(index="pair", columns="augment", values="epochs_run").fillna(0)
    merits = {
        "shorter": epochs.min(axis=1),
        "longer": epochs.max(axis=1),
        "loss": ranked.groupby("pair")[BEST].mean(),
    }
    order = pd.DataFrame(merits).sort_values([*merits], ascending=[False, False, LOWER_IS_BETTER])
    ranked["pair"] = order.index.get_indexer(ranked["pair"])
    return ranked.sort_values("pair", kind="stable")


def _study_names(rows: pd.DataFrame, names: Mapping[str, str]) -> dict[str, str]:
    """Name each study; two of one name are told apart by the beginning of their ids."""
    stages = rows.drop_duplicates("study_id").set_index("study_id")["stage"]
    named = {study: str(names.get(study, stage)) for study, stage in stages.items()}
    count = Counter(named.values())
    return {
        study: f"{name} {study[:6]}" if count[name] > 1 else name for study, name in named.items()
    }
