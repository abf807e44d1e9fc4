"""What the model expected of going on, beside what came of it."""

import math

import pandas as pd
from matplotlib.figure import Figure

from hypertuning.report.exhibit import Exhibit, shown_in
from hypertuning.report.exhibits import anytime
from hypertuning.report.frames import with_columns
from hypertuning.report.scales import LOSS
from hypertuning.report.style import INK, VERMILLION, new_figure, styled

SHARE = 10
"""The model looks one part in so many of the search ahead."""


@shown_in("bohb", place=75)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials, curves)
    return Exhibit(
        "expected_gain",
        "By how much the model expected the next tenth of the search to lower the best validation "
        "loss, each time it proposed a trial, and by how much it fell.",
        rows,
        "no model has said what it expects: only strategy gp does, once it has some results",
        lambda: draw(rows),
    )


def table(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """A row for each trial before which the model said what it expects, in their order.

    `epochs_spent` counts the epochs of all trials until then; `fell` is by how much the best
    measured loss fell in the tenth of all epochs that came next, missing where fewer came.
    """
    told = with_columns(trials, "trial_id", "expected_gain").dropna(subset=["expected_gain"])
    results = anytime.table(trials, curves)
    if told.empty or results.empty:
        return pd.DataFrame(columns=["trial_id", "epochs_spent", "expected_gain", "fell"])
    spent = results.groupby("trial_id")["epochs_spent"].min() - 1
    best = results.groupby("epochs_spent")["best_so_far"].last()
    ahead = math.ceil(best.index.max() / SHARE)
    rows = told.assign(epochs_spent=told["trial_id"].map(spent)).dropna(subset=["epochs_spent"])
    rows = rows.sort_values("epochs_spent", ignore_index=True)
    then, later = (best.reindex(rows["epochs_spent"] + n).to_numpy() for n in (0, ahead))
    rows["fell"] = then - later
    return rows[["trial_id", "epochs_spent", "expected_gain", "fell"]]


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """The expected fall of the best validation loss, and the measured one, by epochs spent."""
    title = "What the next tenth of the search was expected to gain, and what it gained"
    figure = new_figure(7.6, 2.9, title)
    axes = figure.subplots()
    expected = {"color": VERMILLION, "marker": "^", "label": "expected"}
    axes.plot("epochs_spent", "expected_gain", data=rows, **expected)
    fell = {
        "color": INK,
        "lw": 0,
        "marker": "o",
        "mfc": "white",
        "label": "what the best loss fell by",
        "clip_on": False,
    }
    axes.plot("epochs_spent", "fell", data=rows, **fell)
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="epochs spent", ylabel="fall of the " + LOSS)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure
