"""Heat maps: cells with their value written in them, and one colour scale for all panels."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hypertuning.report.frames import ACCURACY
from hypertuning.report.style import ACCURACIES, FAINT, VERMILLION

ROWS, COLUMNS = "num_conv_layers", "filters"


class ColourScale(NamedTuple):
    """A colour scale, and whether some values lie below its lowest."""

    colours: ScalarMappable
    cut: bool

    @classmethod
    def of(cls, values: pd.Series) -> Self:
        """Span the values, but not those so low that all others would have the same colour."""
        known = values.dropna()
        if known.empty:
            return cls(ScalarMappable(Normalize(0, 1), ACCURACIES), False)
        low, middle = known.quantile([0.25, 0.5])
        floor = low - max(4 * (middle - low), 0.05)
        kept = known[known >= floor]
        room = 0 if kept.nunique() > 1 else 0.01
        span = Normalize(kept.min() - room, kept.max() + room)
        return cls(ScalarMappable(span, ACCURACIES), len(kept) < len(known))


def ink(colour: Sequence[float]) -> str:
    """Black or white, whichever reads better on a colour (WCAG 2.2, relative luminance)."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return "black" if np.dot(parts, (0.2126, 0.7152, 0.0722)) > 0.179 else "white"


def draw_cells(axes: Axes, rows: pd.DataFrame, scale: ColourScale, inches: float) -> None:
    """Draw one panel; its columns are `inches` wide, and narrow ones have no text."""
    grid = rows.pivot(index=ROWS, columns=COLUMNS, values=ACCURACY)
    look = {"cmap": scale.colours.cmap, "norm": scale.colours.norm}
    axes.imshow(grid.to_numpy(float), aspect="auto", origin="lower", **look)
    bare(axes)
    _ticks(axes.xaxis, grid.columns, apart=max(1, round(0.4 / inches)))
    _ticks(axes.yaxis, grid.index, apart=-(-len(grid) // 16))
    size = min(8.0, inches * 72 / 4.5)
    for cell in rows.itertuples():
        place = grid.columns.get_loc(cell.filters), grid.index.get_loc(cell.num_conv_layers)
        _frame(axes, place, cell)
        if size >= 5:
            _write(axes, place, cell, scale, size)


def bare(axes: Axes) -> None:
    """Remove grid, ticks and frame, because the cells themselves form a frame."""
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _ticks(axis: Axis, values: pd.Index, apart: int) -> None:
    """Write every `apart`-th value, so that the labels do not overlap."""
    places = range(0, len(values), apart)
    axis.set_ticks(places, [f"{values[place]:g}" for place in places])


def _frame(axes: Axes, place: tuple[int, int], cell: NamedTuple) -> None:
    """Hatch a cell without a value, frame the best one."""
    corner = place[0] - 0.5, place[1] - 0.5
    if cell.state != "measured":
        axes.add_patch(Rectangle(corner, 1, 1, fc="white", ec="#CFCFCF", lw=0, hatch="////"))
    if cell.best:
        look = {"ec": VERMILLION, "lw": 2, "zorder": 3, "clip_on": False}
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, **look))


def _write(
    axes: Axes, place: tuple[int, int], cell: NamedTuple, scale: ColourScale, size: float
) -> None:
    """Write a cell's value, or why there is none."""
    look = {"ha": "center", "va": "center", "fontsize": size}
    if cell.state != "measured":
        paper = {"fc": "white", "lw": 0, "pad": 1}
        axes.text(*place, cell.state, color=FAINT, bbox=paper, **look)
        return
    weight, value = "bold" if cell.best else "normal", cell.best_val_accuracy
    axes.text(
        *place, f"{value:.3f}", color=ink(scale.colours.to_rgba(value)), fontweight=weight, **look
    )


def colour_bar(figure: Figure, panels: Iterable[Axes], scale: ColourScale, label: str) -> None:
    ends = "min" if scale.cut else "neither"
    bar = figure.colorbar(scale.colours, ax=panels, label=label, extend=ends, aspect=30, pad=0.02)
    bar.outline.set_visible(False)
