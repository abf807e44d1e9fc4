"""The structures of the CNN as heat maps, and the effect of each parameter."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hypertuning.report import cells, marks, style
from hypertuning.report.style import new_figure, styled
from hypertuning.report.tables.grid import GRID_AXES


@styled
def grid_heat_maps(rows: pd.DataFrame) -> Figure:
    """Best validation accuracy by filters and conv layers, a panel for each of the other pairs."""
    down, across, layers, filters = rows[GRID_AXES].nunique()
    height = 0.9 + down * (0.45 + max(0.32 * layers, 0.6))
    title = "Best validation accuracy (fraction of images) of each structure"
    figure = new_figure(7.6, height, title, _cells_note(rows))
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    scale = cells.Scale.of(rows["best_val_accuracy"])
    pairs = rows.groupby(["kernel_size", "num_fully_connected_layers"])
    for axes, ((kernel, connected), shown) in zip(panels.flat, pairs, strict=True):
        name = f"kernel {kernel:g}×{kernel:g}, {connected:g} fully connected"
        axes.set_title(name, fontsize=min(8.5, 28 / across))
        cells.heat_map(axes, shown, scale, inches=6 / across / filters)
    for axes in panels[-1]:
        axes.set_xlabel("filters per conv layer")
    for axes in panels[:, 0]:
        axes.set_ylabel("conv layers")
    cells.colour_bar(figure, panels, scale, "accuracy")
    return figure


def _cells_note(rows: pd.DataFrame) -> str:
    """What the cells cannot say where they are too narrow for text: the best value, the gaps."""
    best = rows.loc[rows["best"], "best_val_accuracy"]
    tied = f", shared by {len(best)} structures" if len(best) > 1 else ""
    parts = [f"Framed: the highest, {value:.3f}{tied}." for value in best.head(1)]
    gaps = rows.loc[rows["state"] != "measured", "state"].value_counts()
    if len(gaps):
        parts.append("Hatched: " + ", ".join(f"{n} {state}" for state, n in gaps.items()) + ".")
    if (most := rows["trials"].max()) > 1:
        parts.append(f"Values: mean of up to {most} trials.")
    return " ".join(parts)


@styled
def main_effects(rows: pd.DataFrame) -> Figure:
    """Mean accuracy of all structures that share a value, a panel for each parameter."""
    parameters = list(dict.fromkeys(rows["parameter"]))
    note = (
        f"Bars: 95 % intervals of the mean, the differences between structures taken out. "
        f"Each mean is over {_span(rows['blocks'])} otherwise equal structures."
    )
    title = "Mean best validation accuracy by each parameter of the structure"
    figure = new_figure(max(3.6, 1 + 1.65 * len(parameters)), 2.9, title, note)
    panels = figure.subplots(1, len(parameters), sharey=True, squeeze=False)[0]
    ends = rows[["mean", "low", "high"]].to_numpy(float).ravel()
    for axes, parameter in zip(panels, parameters, strict=True):
        shown = rows[rows["parameter"] == parameter]
        places = range(len(shown))
        bars = (shown["mean"] - shown["low"], shown["high"] - shown["mean"])
        axes.plot(places, shown["mean"], color=style.BLUE, lw=0.8, alpha=0.5)
        axes.errorbar(places, shown["mean"], bars, fmt="o", ms=5, color=style.BLUE, elinewidth=1.2)
        axes.set_xticks(places, [marks.shorten(marks.brief(value), 10) for value in shown["value"]])
        axes.set_xlim(-0.5, len(shown) - 0.5)
        axes.set_title(marks.words(parameter))
        marks.value_axis(axes, ends[~np.isnan(ends)])
    panels[0].set_ylabel("accuracy (fraction of images)")
    return figure


def _span(counts: pd.Series) -> str:
    low, high = counts.min(), counts.max()
    return f"{low}" if low == high else f"{low} to {high}"
