"""What single hyperparameters do: a panel, an axis or a bar for each."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from hypertuning.report import marks, style
from hypertuning.report.marks import LOSS
from hypertuning.report.style import new_figure, styled
from hypertuning.report.tables.parameters import TELLING, scale_of
from hypertuning.report.tables.trials import BEST
from hypertuning.words import counted

NONE = -0.11
"""Where a parallel axis has the trials that lack its parameter."""


@styled
def slices(rows: pd.DataFrame) -> Figure:
    """Lowest validation loss over each parameter that was searched, all on one scale."""
    parameters = list(dict.fromkeys(rows["parameter"]))
    across = min(4, len(parameters))
    down = math.ceil(len(parameters) / across)
    note = "Darker: trained longer. Star: the best trial."
    figure = new_figure(max(3.4, 0.7 + 1.75 * across), 0.9 + 1.75 * down,
                  "Lowest validation loss of every trial by each parameter", note)  # fmt: skip
    panels = figure.subplots(down, across, sharey=True, squeeze=False)
    longest = max(2, int(rows["epochs_run"].max()))
    shades = ScalarMappable(Normalize(-0.25 * longest, longest), style.ACCURACIES)
    for axes, parameter in zip(panels.flat, parameters, strict=False):
        _slice(axes, rows[rows["parameter"] == parameter], shades)
        axes.set_title(marks.words(parameter), fontsize=8)
    for axes in list(panels.flat)[len(parameters) :]:
        axes.set_visible(False)
    for axes in panels[:, 0]:
        axes.set_ylabel(LOSS, fontsize=7)
    return figure


def _slice(axes: Axes, rows: pd.DataFrame, shades: ScalarMappable) -> None:
    rows = rows.sort_values("epochs_run")
    losses = rows[BEST].to_numpy(float)
    marks.loss_axis(axes, losses, may_be_log=True)
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
        names = sorted(values.dropna().unique().tolist(), key=lambda v: (isinstance(v, str), v))
        names += [None] * bool(values.isna().any())
        axes.set_xticks(range(len(names)), [marks.brief(name) for name in names])
        axes.set_xlim(-0.6, len(names) - 0.4)
        place = {name: number for number, name in enumerate(names)}
        at = np.array([place[None if value != value else value] for value in values], dtype=float)
        offsets = np.random.default_rng(0).uniform(-0.18, 0.18, len(at))
        return at + offsets
    numbers = values.astype(float).to_numpy()
    if scale == "log":
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    return numbers


@styled
def parallel_coordinates(rows: pd.DataFrame) -> Figure:
    """Every trial as a line through its parameters; the darker, the lower its loss."""
    names = [name for name in rows if name not in ("trial_id", "epochs_run", BEST)]
    note = (
        "Darker: lower loss, by rank. Thick: the best five. Below an axis: not a parameter there."
    )
    figure = new_figure(7.6, 3.3, "Configurations and their lowest validation loss", note)
    axes = figure.subplots()
    columns = [_axis(axes, place, rows[name]) for place, name in enumerate(names)]
    losses = rows[BEST].astype(float)
    kept = marks.hopeful(losses.to_numpy())
    shown = 1 - _unit(losses.clip(upper=kept.max()).to_numpy(), log=False)
    ends = [f"{kept.min():.3f}", f"{kept.max():.3f}"]
    _label_axis(axes, len(names), [1.0, 0.0], ends)
    heights = np.column_stack([*columns, shown])
    goodness = 1 - np.arange(len(rows)) / max(1, len(rows) - 1)
    lines = [np.column_stack([range(len(row)), row]) for row in heights][::-1]
    colours = style.ACCURACIES(0.15 + 0.85 * goodness[::-1])
    alpha = 0.7 if len(rows) <= 60 else max(0.15, 0.7 * (60 / len(rows)) ** 0.5)
    axes.add_collection(LineCollection(lines, colors=colours, lw=0.8, alpha=alpha))
    if len(rows) > 5:
        axes.add_collection(LineCollection(lines[-5:], colors=style.VERMILLION, lw=1.3))
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


def _two_lines(name: str) -> str:
    return marks.words(name).replace(" ", "\n", 1)


def _axis(axes: Axes, place: int, values: pd.Series) -> np.ndarray:
    """Draw the axis of one parameter; give the height of every row on it."""
    scale = scale_of(values)
    if scale == "category":
        known = sorted(values.dropna().unique().tolist(), key=lambda v: (isinstance(v, str), v))
        heights = {value: (n + 0.5) / len(known) for n, value in enumerate(known)}
        _label_axis(axes, place, list(heights.values()), [marks.brief(v) for v in known])
        at = np.array([heights.get(value, NONE) for value in values], dtype=float)
        spread = np.random.default_rng(0).uniform(-0.35, 0.35, len(at)) / len(known)
        return np.where(at == NONE, NONE, at + spread * (len(at) > 10))
    numbers = values.astype(float).to_numpy()
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    _label_axis(axes, place, [0.0, 1.0], [marks.brief(float(low)), marks.brief(float(high))])
    return np.where(np.isnan(numbers), NONE, _unit(numbers, log=scale == "log"))


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


@styled
def importance(rows: pd.DataFrame) -> Figure:
    """How much of the forest's explanation each parameter carries, with its spread."""
    first = rows.iloc[0]
    share, epoch = first["explained"], first["epoch"]
    title = f"Which parameters the loss after {counted(epoch, 'epoch')} depends on"
    told = f"{100 * share:.0f} % of the ranks of {counted(first['trials'], 'trial')}"
    words = f"A forest explains {told} that it has not seen"
    note = f"{words}. Bars: extremes over repeats."
    if share < TELLING:
        note = f"{words}: too little for the order of the parameters to mean anything."
    figure = new_figure(5.4, 1.0 + 0.24 * len(rows), title, note)
    axes = figure.subplots()
    places = np.arange(len(rows))[::-1]
    colour = style.BLUE if share >= TELLING else style.FAINT
    spread = (rows["importance"] - rows["low"], rows["high"] - rows["importance"])
    axes.barh(places, rows["importance"], 0.62, color=colour, alpha=0.35)
    axes.errorbar(
        rows["importance"], places, xerr=spread, fmt="o", ms=4, color=colour, elinewidth=1.2
    )
    axes.axvline(0, color=style.FAINT, lw=0.7)
    axes.set_yticks(places, [marks.words(name) for name in rows["parameter"]])
    axes.set_xlabel("explained share of the variance that shuffling it takes away")
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    return figure
