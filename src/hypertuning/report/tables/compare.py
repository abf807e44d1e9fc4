"""The models side by side: their learning curves, and where these end."""

import pandas as pd

from hypertuning.intervals import of_mean
from hypertuning.report.tables.trials import joined, varied, with_columns

MODEL_NAMES = {"nn": "NN", "resnn": "NN + residual", "cnn": "CNN"}
MEASURED = ["train_loss", "val_loss", "train_accuracy", "val_accuracy"]


def learning_curves(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Summarise the repeats of each model: one row per model, measure, split and epoch.

    `middle` is the median, `low` and `high` are the extremes of `repeats` trials, which differ in
    nothing but their seed.
    """
    runs = _measured(trials, curves)
    long = runs.melt(["model", "name", "epoch"], MEASURED, "metric")
    long["split"] = long["metric"].str.replace("_.*", "", regex=True)
    long["measure"] = long["metric"].str.replace(".*_", "", regex=True)
    return (
        long.groupby(["model", "name", "measure", "split", "epoch"])["value"]
        .agg(middle="median", low="min", high="max", repeats="count")
        .reset_index()
    )


def final_scores(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Average what the repeats of each model have reached after the last epoch of any of them.

    `val_accuracy` has its 95 % t interval, `low` to `high`, over the repeats; one alone has none.
    """
    rows = []
    for name, shown in _measured(trials, curves).groupby("name"):
        at = shown[shown["epoch"] == shown["epoch"].max()]
        _, low, high = of_mean(at["val_accuracy"].to_numpy())
        last = {"model": name, "epoch": at["epoch"].iloc[0], "repeats": len(at)}
        rows.append({**last, **at[MEASURED].mean(), "low": low, "high": high})
    table = pd.DataFrame(rows, columns=["model", "epoch", "repeats", *MEASURED, "low", "high"])
    return table.sort_values("val_accuracy", ascending=False, ignore_index=True)


def _measured(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """The curves with model and name; what else differs within one model is part of both."""
    known = with_columns(trials, "model").dropna(subset=["model"])
    known = known.assign(name=known["model"].map(lambda model: MODEL_NAMES.get(model, model)))
    others = {
        name for _, same in known.groupby("model") for name in varied(same) if name != "model"
    }
    for other in sorted(others):
        known["model"] += " " + known[other].astype(str)
        known["name"] += f" {other} " + known[other].astype(str)
    return joined(known, curves, "model", "name").dropna(subset=["model", *MEASURED])
