"""The models side by side: their learning curves, and where these end."""

import pandas as pd

from hypertuning.report.intervals import of_mean
from hypertuning.report.tables.trials import joined

MODEL_NAMES = {"nn": "NN", "resnn": "NN + residual", "cnn": "CNN"}
MEASURED = ["train_loss", "val_loss", "train_accuracy", "val_accuracy"]


def learning_curves(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Summarise the repeats of each model: one row per model, measure, split and epoch.

    `middle` is the median, `low` and `high` are the extremes of `repeats` trials.
    """
    runs = joined(trials, curves, "model").dropna(subset=["model", *MEASURED])
    long = runs.melt(["model", "epoch"], MEASURED, "metric")
    long["split"] = long["metric"].str.replace("_.*", "", regex=True)
    long["measure"] = long["metric"].str.replace(".*_", "", regex=True)
    return (
        long.groupby(["model", "measure", "split", "epoch"])["value"]
        .agg(middle="median", low="min", high="max", repeats="count")
        .reset_index()
        .assign(name=lambda rows: rows["model"].map(lambda model: MODEL_NAMES.get(model, model)))
    )


def final_scores(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Average what each model has reached after the last epoch that all its repeats reached.

    `val_accuracy` has its 95 % t interval, `low` to `high`, over the repeats; one alone has none.
    """
    runs = joined(trials, curves, "model").dropna(subset=["model", *MEASURED])
    rows = []
    for model, shown in runs.groupby("model"):
        last = shown.groupby("run_id")["epoch"].max().min()
        at = shown[shown["epoch"] == last]
        accuracy = of_mean(at["val_accuracy"].to_numpy())
        means = at[MEASURED].mean()
        name = MODEL_NAMES.get(model, model)
        rows.append(
            {"model": name, "epoch": last, "repeats": len(at), **means, "low": accuracy.low}
        )
        rows[-1]["high"] = accuracy.high
    names = ["model", "epoch", "repeats", *MEASURED, "low", "high"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values("val_accuracy", ascending=False, ignore_index=True)
