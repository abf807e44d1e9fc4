"""The choice of a model, its refit, and what it does on the test images."""

import base64
import io
import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from PIL import Image

from hypertuning.report import cells, marks, style
from hypertuning.report.style import new_figure, styled

NAMED_CELLS = 20
"""Of more classes than this, the confusion matrix goes without values in its cells."""
ENDS = 20
"""Of many classes, so many of the best and of the worst are shown."""


@styled
def candidates(rows: pd.DataFrame, repeats: pd.DataFrame) -> Figure:
    """Validation loss of each candidate: in the search, of every repeat, and their mean."""
    note = "Bars: 95 % intervals of the mean over the repeats, which differ in their seed."
    title = "Best validation loss in the search and trained again"
    figure = new_figure(
        6.4, 1.3 + 0.34 * len(rows), title, note if rows["low"].notna().any() else ""
    )
    axes = figure.subplots()
    axes.grid(axis="x")
    axes.grid(False, axis="y")
    places = np.arange(len(rows))
    axes.plot(rows["searched_val_loss"], places, ls="", marker="D", mfc="white", color=style.FAINT,
              label="in the search")  # fmt: skip
    rows_of = dict(zip(rows["candidate"], places, strict=True))
    axes.plot(repeats["best_val_loss"], repeats["candidate"].map(rows_of), ls="", marker="|", ms=9,
              color=style.SKY, label="trained again")  # fmt: skip
    for winner, colour, name in ((False, style.BLUE, "mean"), (True, style.VERMILLION, "winner")):
        own = rows["winner"] == winner
        shown, bars = rows[own], rows.loc[own, ["low", "high"]]
        errors = (shown["val_loss"] - bars["low"], bars["high"] - shown["val_loss"])
        marker = "s" if winner else "o"
        axes.errorbar(shown["val_loss"], places[own], xerr=errors, fmt=marker, color=colour,
                      elinewidth=1.2, label=name if len(shown) else None)  # fmt: skip
    names = rows["source_trial"] + "  " + rows["run_name"]
    axes.set_yticks(places, [marks.shorten(name, 44) for name in names])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"validation {marks.LOSS}")
    marks.legend_above(axes, axes.get_legend_handles_labels()[0], length=1)
    return figure


@styled
def refit(rows: pd.DataFrame) -> Figure:
    """Training loss and accuracy of the refit by epoch; nothing is held out to validate on."""
    figure = new_figure(7.6, 2.5, "Training loss and accuracy of the refit")
    loss, accuracy = figure.subplots(1, 2)
    for axes, column, label in (
        (loss, "train_loss", marks.LOSS),
        (accuracy, "train_accuracy", marks.ACCURACY),
    ):
        look = {**marks.TRAINING, "marker": marks.few("o", rows)}
        axes.plot(rows["epoch"], rows[column], color=style.BLUE, **look)
        axes.set_ylabel(label)
        marks.epoch_axis(axes, rows["epoch"].max())
        marks.value_axis(axes, rows[column].to_numpy(float))
    return figure


@styled
def confusion(rows: pd.DataFrame) -> Figure:
    """What the images of each class are taken for, as shares of the class."""
    shares = rows.pivot(index="label", columns="predicted", values="share")
    classes = list(dict.fromkeys(rows["label"]))
    shares = shares.loc[classes, classes]
    side = min(7.0, max(2.6, 0.42 * len(classes)))
    note = "Each row adds up to 1. Colours go by the square root of the share, to show rare ones."
    figure = new_figure(
        side + 1.9, side + 1.2, "Test images of each class by predicted class", note
    )
    axes = figure.subplots()
    norm = PowerNorm(0.5, 0, 1)
    drawn = axes.imshow(shares.to_numpy(float), norm=norm, cmap=style.ACCURACIES)
    cells.bare(axes)
    room = 72 * side / len(classes)  # points
    size = min(7.5, room / 4)
    named = min(8.5, max(6, room / 1.4))
    apart = math.ceil(1.2 * named / room)
    names = [marks.shorten(name, 18) for name in classes]
    places = range(0, len(classes), apart)
    axes.set_xticks(places, names[::apart], rotation=90 if len(classes) > 2 else 0, size=named)
    axes.set_yticks(places, names[::apart], size=named)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("class")
    if len(classes) <= NAMED_CELLS:
        for (row, column), share in np.ndenumerate(shares.to_numpy(float)):
            text = "" if np.isnan(share) or share == 0 else f"{share:.2f}".removeprefix("0")
            ink = cells.ink(style.ACCURACIES(norm(share))) if text else "black"
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)
    bar = figure.colorbar(drawn, label="share of the class", aspect=30, pad=0.02)
    bar.set_ticks([0, 0.01, 0.05, 0.2, 0.5, 1])
    bar.outline.set_visible(False)
    return figure


@styled
def class_accuracy(rows: pd.DataFrame) -> Figure:
    """The share of each class's test images that is recognised, the best class above."""
    shown, note = rows, "Bars: 95 % intervals (Wilson)."
    if len(rows) > 2 * ENDS:
        shown = pd.concat([rows.head(ENDS), rows.tail(ENDS)])
        note += f" The {ENDS} best and the {ENDS} worst of {len(rows)} classes."
    title = "Test accuracy of each class"
    figure = new_figure(5.6, 1.2 + 0.19 * len(shown), title, note)
    axes = figure.subplots()
    axes.grid(axis="x")
    axes.grid(False, axis="y")
    places = np.arange(len(shown))
    errors = (shown["accuracy"] - shown["low"], shown["high"] - shown["accuracy"])
    axes.errorbar(shown["accuracy"], places, xerr=errors, fmt="o", color=style.BLUE, elinewidth=1.2)
    axes.set_yticks(places, [marks.shorten(name, 24) for name in shown["label"]])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlabel(marks.ACCURACY)
    return figure


@styled
def calibration(rows: pd.DataFrame) -> Figure:
    """Accuracy against probability, bin by bin, above how many images lie in each bin."""
    note = (
        "Below the diagonal the model is surer than it is right. Bars: 95 % intervals (Wilson); "
        "the fainter a dot, the fewer images."
    )
    figure = new_figure(4.6, 4.6, "Accuracy against the probability that the model gives", note)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color=style.FAINT, lw=0.8, ls=":")
    filled = rows[rows["images"] > 0]
    for row in filled.itertuples():
        weight = 0.3 + 0.7 * min(1, row.images / (0.02 * filled["images"].sum()))
        bars = [[row.accuracy - row.low], [row.high - row.accuracy]]
        above.errorbar(row.confidence, row.accuracy, bars, fmt="o", color=style.BLUE, alpha=weight)
    above.set_ylabel(marks.ACCURACY)
    above.set_ylim(-0.03, 1.03)
    widths = rows["bin_high"] - rows["bin_low"]
    below.bar(rows["bin_low"], rows["images"] / rows["images"].sum(), widths, align="edge",
              color=style.SKY, edgecolor="white", lw=0.5)  # fmt: skip
    below.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    below.set_ylabel("of the images")
    below.set_xlabel("probability of the predicted class")
    below.set_xlim(-0.02, 1.02)
    return figure


@styled
def mistakes(rows: pd.DataFrame) -> Figure:
    """The wrong answers that the model was surest of, with the pictures."""
    across = min(6, max(3, len(rows)))
    down = -(-len(rows) // across)
    note = "Above each test image: its class, what the model takes it for, and how surely."
    figure = new_figure(1.27 * across, 0.75 + 1.55 * down, "The most confident mistakes", note)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, row in zip(panels, rows.itertuples(), strict=False):
        _mistake(axes, row)
    return figure


def _mistake(axes: Axes, row) -> None:
    with Image.open(io.BytesIO(base64.b64decode(row.png))) as picture:
        axes.imshow(picture.convert("RGB"), interpolation="nearest")
    label, predicted = marks.shorten(row.label, 18), marks.shorten(row.predicted, 12)
    text = f"{label}\n→ {predicted}, {row.probability:.2f}"
    axes.set_title(text, fontsize=7, loc="left", linespacing=1.1)
