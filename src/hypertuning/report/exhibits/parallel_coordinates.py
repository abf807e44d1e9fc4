"""Every configuration as a line through its hyperparameters."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from hypertuning.config import BEST
from hypertuning.report import style
from hypertuning.report.exhibit import Exhibit, shown_in
from hypertuning.report.frames import best_first, varied, with_columns
from hypertuning.report.parameters import in_order, scale_of
from hypertuning.report.scales import hopeful
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import brief, words

ABSENT = -0.11
"""Height at which an axis shows the trials that do not have its parameter."""


@shown_in("bohb", place=140)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials)
    return Exhibit(
        "parallel_coordinates",
        "Every configuration as a line through its hyperparameters.",
        rows,
        "no two trials that differ have finished an epoch",
        lambda: draw(rows),
    )


def table(trials: pd.DataFrame) -> pd.DataFrame:
    """All trials with a loss, best first, with the parameters that differ.

    There are no rows where no parameter differs.
    """
    known = best_first(with_columns(trials, BEST, "trial_id", "epochs_run"))
    if not varied(known):
        return pd.DataFrame()
    return known[["trial_id", "epochs_run", BEST, *varied(known)]].reset_index(drop=True)


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """Every trial as a line through its parameters; the darker, the lower its loss."""
    names = [name for name in rows if name not in ("trial_id", "epochs_run", BEST)]
    note = (
        "Darker: lower loss, by rank. Thick: the best five. Below an axis: without the parameter."
    )
    figure = new_figure(7.6, 3.3, "Configurations and their lowest validation loss", note)
    axes = figure.subplots()
    columns = [_axis(axes, place, rows[name]) for place, name in enumerate(names)]
    columns.append(_loss_axis(axes, len(names), rows[BEST].astype(float)))
    _lines(axes, np.column_stack(columns))
    axes.set_xlim(-0.15, len(names) + 0.15)
    axes.set_ylim(-0.16, 1.06)
    axes.set_xticks(
        range(len(names) + 1), [*map(_two_lines, names), "validation\nloss"], fontsize=7
    )
    axes.tick_params(axis="x", length=0, pad=6)
    axes.set_yticks([])
    axes.grid(False)
    axes.spines[:].set_visible(False)
    return figure


def _lines(axes: Axes, heights: np.ndarray) -> None:
    """Draw the trials, (trials, axes), the best one last and so above the others."""
    count = len(heights)
    goodness = 1 - np.arange(count) / max(1, count - 1)
    lines = [np.column_stack([range(len(row)), row]) for row in heights][::-1]
    colours = style.ACCURACIES(0.15 + 0.85 * goodness[::-1])
    alpha = 0.7 if count <= 60 else max(0.15, 0.7 * (60 / count) ** 0.5)
    axes.add_collection(LineCollection(lines, colors=colours, lw=0.8, alpha=alpha))
    if count > 5:
        axes.add_collection(LineCollection(lines[-5:], colors=style.VERMILLION, lw=1.3))


def _two_lines(name: str) -> str:
    return words(name).replace(" ", "\n", 1)


def _axis(axes: Axes, place: int, values: pd.Series) -> np.ndarray:
    """Draw the axis of one parameter; give the height of every row on it."""
    scale = scale_of(values)
    if scale == "category":
        known = in_order(values)
        heights = {value: (n + 0.5) / len(known) for n, value in enumerate(known)}
        _label_axis(axes, place, list(heights.values()), [brief(v) for v in known])
        at = np.array([heights.get(value, ABSENT) for value in values], dtype=float)
        spread = np.random.default_rng(0).uniform(-0.35, 0.35, len(at)) / len(known)
        return np.where(at == ABSENT, ABSENT, at + spread * (len(at) > 10))
    numbers = values.astype(float).to_numpy()
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    _label_axis(axes, place, [0.0, 1.0], [brief(float(low)), brief(float(high))])
    return np.where(np.isnan(numbers), ABSENT, _unit(numbers, log=scale == "log"))


def _loss_axis(axes: Axes, place: int, losses: pd.Series) -> np.ndarray:
    """Draw the axis of the losses, the lowest above; give the height of every row on it."""
    kept = hopeful(losses.to_numpy())
    _label_axis(axes, place, [1.0, 0.0], [f"{kept.min():.3f}", f"{kept.max():.3f}"])
    return 1 - _unit(losses.clip(upper=kept.max()).to_numpy(), log=False)


def _unit(numbers: np.ndarray, log: bool) -> np.ndarray:
    """Numbers as places between 0 and 1."""
    numbers = np.log(numbers) if log else numbers
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    return (numbers - low) / (high - low) if high > low else np.full(len(numbers), 0.5)


def _label_axis(axes: Axes, place: int, heights: list[float], texts: list[str]) -> None:
    axes.plot([place, place], [0, 1], color=style.FAINT, lw=0.8, zorder=3)
    for height, text in zip(heights, texts, strict=True):
        paper = {"fc": "white", "lw": 0, "alpha": 0.8, "pad": 0.6}
        axes.text(place + 0.04, height, text, fontsize=6.5, va="center", zorder=4, bbox=paper)
