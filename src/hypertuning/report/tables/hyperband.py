"""Overfitting, and what augmentation does about it."""

import pandas as pd

from hypertuning.intervals import of_mean
from hypertuning.report.tables.trials import (
    BEST,
    LOWER_IS_BETTER,
    best_first,
    hyperparameters,
    joined,
    with_columns,
)

ARMS = ("none", "crop_flip")
EFFECT_COLUMNS = ["measure", "epoch", "pairs", "of", *ARMS, "difference", "low", "high"]


def overfitting(trials: pd.DataFrame, curves: pd.DataFrame, n: int = 3) -> pd.DataFrame:
    """Follow the `n` best configurations of each augmentation through their epochs.

    `place` is 1 for the best; `pair` is the same number for the same configuration in both arms;
    `turns` marks the epoch where validation loss is lowest.
    """
    ranked = _pairs_first(with_columns(trials, "augment", "run_name", "epochs_run", BEST))
    chosen = ranked.groupby("augment").head(n)
    chosen = chosen.assign(place=chosen.groupby("augment").cumcount() + 1)
    rows = joined(chosen, curves, "augment", "place", "pair", "run_name")
    rows = rows.dropna(subset=["train_loss", "val_loss"])
    rows = rows.sort_values(["augment", "place", "epoch"], ignore_index=True)
    lowest = rows.groupby("run_id")["val_loss"].transform("min")
    rows["turns"] = (rows["val_loss"] == lowest) & ~rows.duplicated(["run_id", "val_loss"])
    shown = ["augment", "place", "pair", "trial_id", "run_name", "epoch", "train_loss", "val_loss"]
    return rows[[*shown, "turns"]]


def augmentation_effect(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Compare the same configurations without and with augmentation, epoch by epoch.

    One row per measure (`generalization_gap`, `val_loss`) and epoch: the means of both arms, and of
    their paired difference (with − without) with its 95 % t interval. The `pairs` are the same at
    every epoch, so that no mean moves because a trial was stopped: those whose both arms reached
    the last epoch that at least two pairs reached. Where trials are stopped early, those are the
    ones that did well in both arms, of `of` pairs.
    """
    ranked = _pairs_first(with_columns(trials, "augment", "epochs_run", BEST))
    both = ranked.pivot(index="pair", columns="augment", values=["epochs_run", "run_id"])
    if not set(ARMS) <= set(ranked["augment"]):
        return pd.DataFrame(columns=EFFECT_COLUMNS)
    both = both.dropna()
    reached = both["epochs_run"].astype(int).min(axis=1).sort_values(ascending=False)
    last = reached.iloc[min(1, len(reached) - 1)] if len(reached) else 0
    kept = both["run_id"].loc[reached.index[reached >= last]]
    losses = curves.set_index(["run_id", "epoch"])[["train_loss", "val_loss"]].astype(float)
    losses["generalization_gap"] = losses["val_loss"] - losses["train_loss"]
    rows = []
    for measure in ("generalization_gap", "val_loss"):
        values = losses[measure].unstack()
        none, flipped = (values.reindex(kept[arm]).to_numpy() for arm in ARMS)
        for place, epoch in enumerate(values.columns[values.columns <= last]):
            step = of_mean(flipped[:, place] - none[:, place])
            means = none[:, place].mean(), flipped[:, place].mean()
            rows.append((measure, epoch, len(kept), len(both), *means, *step))
    return pd.DataFrame(rows, columns=EFFECT_COLUMNS).dropna(subset=["difference"])


def turning_points(trials: pd.DataFrame) -> pd.DataFrame:
    """Count, for each arm, the epochs where validation loss is lowest, of the longest trials.

    Only trials that trained for as many epochs as any did can tell; `turned` is whether that was
    not the last of the `trained` epochs. `of` is their number in the arm.
    """
    known = with_columns(trials, "augment", "epochs_run", "best_epoch").dropna(subset=["augment"])
    longest = known[known["epochs_run"] == known["epochs_run"].max()].dropna(subset=["best_epoch"])
    longest = longest[longest["epochs_run"] > 1]
    rows = longest.groupby(["augment", "best_epoch"]).size().rename("trials").reset_index()
    rows["of"] = rows.groupby("augment")["trials"].transform("sum")
    rows["trained"] = longest["epochs_run"].max()
    rows["turned"] = rows["best_epoch"] < rows["trained"]
    return rows.rename(columns={"best_epoch": "epoch"})


def best_configurations(trials: pd.DataFrame) -> pd.DataFrame:
    """The best trial of each arm, a column each: its numbers, then all its hyperparameters."""
    ranked = best_first(with_columns(trials, "augment", BEST))
    best = ranked.drop_duplicates("augment").set_index("augment")
    shown = ["trial_id", BEST, "best_val_accuracy", "best_epoch", "epochs_run"]
    names = [name for name in hyperparameters(trials) if name not in ("augment", "seed")]
    table = best[[*shown, *names]].dropna(axis=1, how="all").T
    return table.rename_axis(index="of the best trial", columns=None).reset_index()


def _pairs_first(trials: pd.DataFrame) -> pd.DataFrame:
    """Number the configurations as `pair`, the best first; keep one trial of each augmentation.

    Only what every augmentation trained for long shows what augmentation does. So those come first
    whose shorter trial has the most epochs, then those whose longer one has (a loss after three
    epochs does not compare with one after ten), then those with the lowest mean of their best loss.
    """
    longest_first = {"by": "epochs_run", "ascending": False, "kind": "stable"}
    ranked = best_first(trials).dropna(subset=["augment"]).sort_values(**longest_first)
    same = [name for name in hyperparameters(trials) if name != "augment"]
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
