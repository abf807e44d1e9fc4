"""What the test images of each class are taken for."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from hypertuning.report.answers import UNTESTED, classes_of, from_answers, labelled
from hypertuning.report.exhibit import MODEL, Exhibit, Found, shown_in
from hypertuning.report.heat_map import bare, ink
from hypertuning.report.style import ACCURACIES, new_figure, styled
from hypertuning.report.texts import shorten

NAMED_CELLS = 20
"""With more classes than this, the cells have no values written in them."""
SCALE = PowerNorm(0.5, 0, 1)


@shown_in(MODEL, place=240)
def exhibit(tables: Mapping[str, pd.DataFrame]) -> Exhibit:
    rows = from_answers(tables, table)
    return Exhibit(
        "confusion",
        "What the test images of each class are taken for.",
        rows,
        UNTESTED,
        lambda: draw(rows),
        says(rows),
        headline=lambda: headline(rows),
    )


def table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Every pair of `label` and `predicted` with its `images`, and their `share` of the label's.

    Pairs that do not occur are there with 0; classes are in the model's order.
    """
    shown = labelled(predictions)
    classes, names = classes_of(shown), ["label", "predicted"]
    pairs = pd.MultiIndex.from_product([classes, classes], names=names)
    counts = shown.groupby(names).size().reindex(pairs, fill_value=0)
    rows = counts.rename("images").reset_index()
    return rows.assign(share=rows["images"] / rows.groupby("label")["images"].transform("sum"))


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """What the images of each class are taken for, as shares of the class."""
    classes = list(dict.fromkeys(rows["label"]))
    shares = rows.pivot(index="label", columns="predicted", values="share")
    shares = shares.loc[classes, classes].to_numpy(float)
    side = min(7.0, max(2.6, 0.42 * len(classes)))
    title = "Test images of each class by predicted class"
    note = "Each row adds up to 1. Colours go by the square root of the share, to show rare ones."
    figure = new_figure(side + 1.9, side + 1.2, title, note)
    axes = figure.subplots()
    drawn = axes.imshow(shares, norm=SCALE, cmap=ACCURACIES)
    bare(axes)
    room = 72 * side / len(classes)  # points
    _name_classes(axes, classes, room)
    if len(classes) <= NAMED_CELLS:
        _write_shares(axes, shares, size=min(7.5, room / 4))
    bar = figure.colorbar(drawn, label="share of the class", aspect=30, pad=0.02)
    bar.set_ticks([0, 0.01, 0.05, 0.2, 0.5, 1])
    bar.outline.set_visible(False)
    return figure


def _name_classes(axes: Axes, classes: list[str], room: float) -> None:
    """Write the names of the classes beside both axes, but only as many as do not overlap."""
    size = min(8.5, max(6, room / 1.4))
    apart = math.ceil(1.2 * size / room)
    names = [shorten(name, 18) for name in classes][::apart]
    places = range(0, len(classes), apart)
    axes.set_xticks(places, names, rotation=90 if len(classes) > 2 else 0, size=size)
    axes.set_yticks(places, names, size=size)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("class")


def _write_shares(axes: Axes, shares: np.ndarray, size: float) -> None:
    for (row, column), share in np.ndenumerate(shares):
        text = "" if np.isnan(share) or share == 0 else f"{share:.2f}".removeprefix("0")
        colour = ink(ACCURACIES(SCALE(share))) if text else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)


def says(rows: pd.DataFrame) -> list[str]:
    """What is most often taken for what."""
    if rows.empty:
        return []
    wrong = rows[(rows["label"] != rows["predicted"]) & (rows["images"] > 0)]
    return [
        f"The commonest mistake: {row.label} taken for {row.predicted}, {100 * row.share:.1f} % of "
        "the images of its class."
        for row in wrong.nlargest(1, "images").itertuples()
    ]


def headline(rows: pd.DataFrame) -> Found:
    said = says(rows)
    return (said[0], True) if said else None
