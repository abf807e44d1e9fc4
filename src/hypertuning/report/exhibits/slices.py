"""The lowest loss of each trial over each hyperparameter."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from hypertuning.config import BEST
from hypertuning.report import style
from hypertuning.report.bounds import at_ends
from hypertuning.report.exhibit import OTHER, Exhibit, shown_in
from hypertuning.report.frames import best_first, varied, with_columns
from hypertuning.report.parameters import in_order, scale_of
from hypertuning.report.scales import LOSS, log_ticks, loss_axis
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import brief, words


@shown_in("hyperband", "bohb", OTHER, place=130)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials)
    return Exhibit(
        "slices",
        "The lowest validation loss of each trial over each hyperparameter that was searched.",
        rows,
        "no two trials that differ have finished an epoch",
        lambda: draw(rows),
        [end.said for end in at_ends(trials)],
    )


def table(trials: pd.DataFrame) -> pd.DataFrame:
    """Put every trial once under each parameter that differs: its value, its lowest loss.

    `scale` is 'log', 'linear' or 'category'; a value that the trial does not have is None.
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


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """Lowest validation loss over each parameter that was searched, all on one scale."""
    parameters = list(dict.fromkeys(rows["parameter"]))
    across = min(4, len(parameters))
    down = math.ceil(len(parameters) / across)
    size = max(3.4, 0.7 + 1.75 * across), 0.9 + 1.75 * down
    title = "Lowest validation loss of every trial by each parameter"
    figure = new_figure(*size, title, "Darker: trained longer. Star: the best trial.")
    panels = figure.subplots(down, across, sharey=True, squeeze=False)
    longest = max(2, int(rows["epochs_run"].max()))
    shades = ScalarMappable(Normalize(-0.25 * longest, longest), style.ACCURACIES)
    for axes, parameter in zip(panels.flat, parameters, strict=False):
        _slice(axes, rows[rows["parameter"] == parameter], shades)
        axes.set_title(words(parameter), fontsize=8)
    for axes in list(panels.flat)[len(parameters) :]:
        axes.set_visible(False)
    for axes in panels[:, 0]:
        axes.set_ylabel(LOSS, fontsize=7)
    return figure


def _slice(axes: Axes, rows: pd.DataFrame, shades: ScalarMappable) -> None:
    rows = rows.sort_values("epochs_run")
    losses = rows[BEST].to_numpy(float)
    loss_axis(axes, losses, may_be_log=True)
    at = _places(axes, rows)
    size = 14 if len(rows) <= 60 else 7
    colours = shades.to_rgba(rows["epochs_run"].to_numpy(float))
    axes.scatter(at, losses, size, c=colours, lw=0.2, edgecolors=style.FAINT)
    best = int(np.argmin(losses))
    axes.plot(at[best], losses[best], "*", ms=9, mfc=style.VERMILLION, mec="white", mew=0.7)


def _places(axes: Axes, rows: pd.DataFrame) -> np.ndarray:
    """Lay out one parameter's values along x; give the place of each row."""
    scale, values = rows["scale"].iloc[0], rows["value"]
    if scale == "category":
        return _in_columns(axes, values)
    if scale == "log":
        axes.set_xscale("log")
        log_ticks(axes.xaxis, LogLocator(numticks=5))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    return values.astype(float).to_numpy()


def _in_columns(axes: Axes, values: pd.Series) -> np.ndarray:
    """One column for each value of a category, its rows spread a little."""
    names = in_order(values) + [None] * bool(values.isna().any())
    axes.set_xticks(range(len(names)), [brief(name) for name in names])
    axes.set_xlim(-0.6, len(names) - 0.4)
    place = {name: number for number, name in enumerate(names)}
    at = np.array([place[None if value != value else value] for value in values], dtype=float)
    return at + np.random.default_rng(0).uniform(-0.18, 0.18, len(at))
