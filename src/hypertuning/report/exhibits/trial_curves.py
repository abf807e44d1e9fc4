"""The validation loss of every trial until it was stopped."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hypertuning.config import BEST
from hypertuning.report.arms import ARM_NAMES
from hypertuning.report.exhibit import NO_EPOCH, OTHER, Exhibit, shown_in
from hypertuning.report.frames import joined, with_columns
from hypertuning.report.lines import legend_above
from hypertuning.report.rungs import on_their_way
from hypertuning.report.scales import LOSS, epoch_axis, loss_axis
from hypertuning.report.style import (
    BLUE,
    FAINT,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    new_figure,
    styled,
)
from hypertuning.report.texts import some_of
from hypertuning.report.trials import leaderboard

FATES = {
    "pruned": (FAINT, "stopped at a rung"),
    "completed": (BLUE, "trained to the end"),
    "diverged": (ORANGE, "diverged"),
    "failed": (PURPLE, "failed"),
    "interrupted": (SKY, "interrupted"),
    "running": (GREEN, "waiting or training"),
}


@shown_in("hyperband", "bohb", OTHER, place=80)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials, curves)
    return Exhibit(
        "trial_curves",
        "The validation loss of every trial, until it was stopped.",
        rows,
        NO_EPOCH,
        lambda: draw(rows),
        says(leaderboard(trials, None)),
    )


@shown_in("register", place=270)
def of_repeats(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    """The same curves, but no best one: which repeat is the luckiest says nothing."""
    caption = "Every repeat, epoch by epoch."
    return exhibit(trials, curves)._replace(name="repeat_curves", caption=caption, says=())


def table(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Validation loss of every trial by epoch, and how the trial ended.

    `group` is its bracket, named by the first rung, or its arm where the arms differ; `best` marks
    the trial with the lowest loss.
    """
    rows = joined(trials, curves, "outcome", "augment", "bracket", BEST, "epochs_run")
    rows = rows.dropna(subset=["val_loss"])
    groups = _groups(with_columns(trials, "augment", "outcome", "bracket", "rung", "epochs_run"))
    rows["group"] = rows["run_id"].map(groups)
    best = rows.loc[rows[BEST].astype(float).idxmin(), "run_id"] if rows[BEST].notna().any() else ""
    rows["best"] = rows["run_id"] == best
    rows["outcome"] = rows["outcome"].fillna("running")
    shown = ["trial_id", "group", "epoch", "val_loss", "outcome", "best"]
    return rows[shown].reset_index(drop=True)


def _groups(trials: pd.DataFrame) -> pd.Series:
    """The name of each trial's arm or bracket, by its run."""
    runs = trials.set_index("run_id")
    if runs["augment"].nunique() > 1:
        return runs["augment"].map(ARM_NAMES)
    if runs["bracket"].nunique() < 2:
        return pd.Series("all trials", runs.index)
    lowest = runs[runs["rung"] == runs.groupby("bracket")["rung"].transform("min")]
    first = on_their_way(lowest).groupby("bracket")["epochs_run"].max()
    return "first rung: epoch " + runs["bracket"].map(first).astype(str)


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """Validation loss of every trial by epoch, coloured by what became of it."""
    count = rows["trial_id"].nunique()
    title = "Validation loss of every trial" if count > 1 else "Validation loss of the trial"
    figure = new_figure(7.6, 3.4, title, "A dot ends the curve of a trial. Thick: the best trial.")
    axes = figure.subplots()
    loss_axis(axes, rows["val_loss"].to_numpy(float), may_be_log=True)
    epoch_axis(axes, rows["epoch"].max())
    axes.set_ylabel("validation " + LOSS)
    alpha = 0.8 if count <= 30 else max(0.12, 0.8 * (30 / count) ** 0.5)
    by_fate = [(look, rows[rows["outcome"] == outcome]) for outcome, look in FATES.items()]
    handles = [_fate(axes, *look, shown, alpha) for look, shown in by_fate if len(shown)]
    best = rows[rows["best"]]
    if count > 1 and len(best):
        axes.plot("epoch", "val_loss", data=best, color=VERMILLION, lw=2.2, zorder=3)
        name = f"best: {best['trial_id'].iloc[0]}"
        handles.append(Line2D([], [], color=VERMILLION, lw=2.2, label=name))
    legend_above(axes, handles, length=1.6)
    return figure


def _fate(axes: Axes, colour: str, name: str, rows: pd.DataFrame, alpha: float) -> Line2D:
    """Draw the trials of one fate; give their line of the legend."""
    lines = [curve[["epoch", "val_loss"]].to_numpy(float) for _, curve in rows.groupby("trial_id")]
    axes.add_collection(LineCollection(lines, colors=colour, alpha=alpha, lw=0.9), autolim=False)
    last = np.array([line[-1] for line in lines])
    axes.plot(*last.T, "o", color=colour, alpha=alpha, ms=2.5, mew=0)
    return Line2D([], [], color=colour, marker="o", ms=3, label=f"{name} ({len(lines)})")


def says(leaders: pd.DataFrame) -> list[str]:
    """The trial with the lowest validation loss, and those that share it, of a `leaderboard`."""
    tied = leaders[leaders[BEST] == leaders[BEST].min()]
    said = [
        f"Trial {row.trial_id} ({row.run_name}) has the lowest validation loss: "
        f"{getattr(row, BEST):.3f}, after epoch {row.best_epoch} of {row.epochs_run}. Its highest "
        f"validation accuracy is {row.best_val_accuracy:.3f}."
        for row in tied.head(1).itertuples()
    ]
    if len(tied) > 1:
        said.append(f"The same loss was reached by {some_of(tied['trial_id'].iloc[1:])}.")
    return said
