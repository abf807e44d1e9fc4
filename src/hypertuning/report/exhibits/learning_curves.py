"""The learning curves of the models, and where these end."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hypertuning.intervals import Interval, of_mean
from hypertuning.report import style
from hypertuning.report.exhibit import NO_EPOCH, Exhibit, Found, shown_in
from hypertuning.report.frames import joined, varied, with_columns
from hypertuning.report.lines import TRAINING, VALIDATION, End, few, label_ends, splits_legend
from hypertuning.report.scales import ACCURACY, LOSS, epoch_axis, loss_axis, value_axis
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import shorten
from hypertuning.words import counted

MODEL_NAMES = {"nn": "NN", "resnn": "NN + residual", "cnn": "CNN"}
MEASURED = ["train_loss", "val_loss", "train_accuracy", "val_accuracy"]


@shown_in("compare", place=10)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows, scores = table(trials, curves), final_scores(trials, curves)
    return Exhibit(
        "learning_curves",
        "Loss and accuracy by epoch, on the images that a model trains on and on those it does not "
        "see.",
        rows,
        NO_EPOCH,
        lambda: draw(rows),
        says(scores),
        {"final_scores": scores},
        lambda: headline(scores),
    )


def table(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Summarise the repeats of each model: one row per model, measure, split and epoch.

    `middle` is the median, `low` and `high` are the extremes of `repeats` trials, which differ only
    in their seed.
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
    """The means over the repeats of each model, after the last epoch that any of them reached.

    `low` to `high` is the 95 % t interval of `val_accuracy`; a single repeat has none.
    """
    rows = []
    for name, shown in _measured(trials, curves).groupby("name"):
        at = shown[shown["epoch"] == shown["epoch"].max()]
        _, low, high = of_mean(at["val_accuracy"].to_numpy())
        last = {"model": name, "epoch": at["epoch"].iloc[0], "repeats": len(at)}
        rows.append({**last, **at[MEASURED].mean(), "low": low, "high": high})
    found = pd.DataFrame(rows, columns=["model", "epoch", "repeats", *MEASURED, "low", "high"])
    return found.sort_values("val_accuracy", ascending=False, ignore_index=True)


def _measured(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """The curves with model and name; both contain the other parameters that differ in a model."""
    known = with_columns(trials, "model").dropna(subset=["model"])
    known = known.assign(name=known["model"].map(lambda model: MODEL_NAMES.get(model, model)))
    others = {
        name for _, same in known.groupby("model") for name in varied(same) if name != "model"
    }
    for other in sorted(others):
        known["model"] += " " + known[other].astype(str)
        known["name"] += f" {other} " + known[other].astype(str)
    return joined(known, curves, "model", "name").dropna(subset=["model", *MEASURED])


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """Loss and accuracy of each model by epoch, training dashed, validation solid."""
    repeats = rows["repeats"].max()
    bands = f"Lines: median of up to {repeats} repeats. Bands: lowest to highest."
    title = "Learning curves of the models, on training and validation images"
    figure = new_figure(7.6, 3.5, title, bands if repeats > 1 else "")
    panels = figure.subplots(1, 2)
    measures = (("loss", LOSS, loss_axis), ("accuracy", ACCURACY, value_axis))
    for axes, (measure, name, scale) in zip(panels, measures, strict=True):
        shown = rows[rows["measure"] == measure]
        scale(axes, shown[["middle", "low", "high"]].to_numpy().ravel())
        epoch_axis(axes, rows["epoch"].max())
        axes.set_ylabel(name)
        label_ends(axes, _model_curves(axes, shown))
    splits_legend(panels[-1], few("o", rows["epoch"].unique()))
    return figure


def _model_curves(axes: Axes, rows: pd.DataFrame) -> list[End]:
    """Draw one measure of all models; give the ends of the validation lines."""
    ends = []
    for place, (model, curves) in enumerate(rows.groupby("model")):
        colour, marker = style.MODEL_LOOKS.get(model, style.nth_look(place))
        for split, look in (("train", TRAINING), ("val", VALIDATION)):
            curve = curves[curves["split"] == split]
            look = {**look, "color": colour, "marker": few(marker, curve)}
            axes.fill_between("epoch", "low", "high", data=curve, color=colour, alpha=0.13, lw=0)
            axes.plot("epoch", "middle", data=curve, **look)
        epoch, middle, name = curve.iloc[-1][["epoch", "middle", "name"]]
        ends.append(End(epoch, middle, f"{shorten(name, 22)}  {middle:.2f}", colour))
    return ends


def says(scores: pd.DataFrame) -> list[str]:
    """How the models compare after their last epoch, of `final_scores`."""
    said = []
    for row in scores.itertuples():
        accuracy = Interval(row.val_accuracy, row.low, row.high).text()
        repeats = f", mean of {row.repeats} repeats" if row.repeats > 1 else ""
        said.append(
            f"{row.model}: validation accuracy {accuracy} after {counted(row.epoch, 'epoch')}"
            f"{repeats}; training loss {row.train_loss:.2f}, validation loss {row.val_loss:.2f}."
        )
    return said


def headline(scores: pd.DataFrame) -> Found:
    """The most accurate model beside the others, of `final_scores`."""
    if len(scores) < 2:
        return None
    accuracies = [Interval(row.val_accuracy, row.low, row.high) for row in scores.itertuples()]
    first, *others = scores.itertuples()
    beside = ", ".join(
        f"{row.model} {accuracy.text()}"
        for row, accuracy in zip(others, accuracies[1:], strict=True)
    )
    runs = f"mean of {first.repeats} repeats" if first.repeats > 1 else "one run each"
    text = (
        f"{first.model} is the most accurate model after {counted(first.epoch, 'epoch')}, with a "
        f"validation accuracy of {accuracies[0].text()} ({runs}); {beside}."
    )
    return text, bool(accuracies[0].low > accuracies[1].high)
