"""Lines that tell training from validation, names at their ends, and legends above them."""

from collections.abc import Sequence, Sized
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy.optimize import isotonic_regression

from hypertuning.report.style import INK, sampler_look

VALIDATION = {"ls": "-"}
TRAINING = {"ls": (0, (3, 1.5)), "mfc": "white"}
"""Dashed with hollow markers: a single epoch has a marker and no line."""


class End(NamedTuple):
    """Where a line ends, and what is written there."""

    x: float
    y: float
    text: str
    colour: str


def label_ends(axes: Axes, ends: Sequence[End], size: float = 7.5) -> None:
    """Write each line's name to the right of the axes, near its end; no two names overlap."""
    if layout := axes.figure.get_layout_engine():
        layout.execute(axes.figure)  # the height of the axes is known only after that
    gap = 1.25 * size * axes.figure.dpi / 72 / axes.bbox.height
    to_axes = axes.transData + axes.transAxes.inverted()
    at = np.clip(to_axes.transform([(end.x, end.y) for end in ends]), 0, 1)
    for end, (x, y), height in zip(ends, at, spread(at[:, 1], gap), strict=True):
        axes.annotate(
            end.text, (x, y), (1.03, height), "axes fraction", "axes fraction",
            va="center", fontsize=size, color=end.colour, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": end.colour, "lw": 0.6, "ls": ":",
                        "shrinkA": 1, "shrinkB": 3, "relpos": (0, 0.5)},
        )  # fmt: skip


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move heights between 0 and 1 so that they are `gap` apart and keep their order.

    The sum of the squared moves is the least possible: with its rank times the gap taken away from
    each height, this is isotonic regression.
    """
    heights = np.asarray(heights, dtype=float)
    order = np.argsort(heights, kind="stable")
    gaps = gap * np.arange(len(order))
    levels = isotonic_regression(heights[order] - gaps).x
    placed = np.empty(len(order))
    placed[order] = np.clip(levels, 0, max(0, 1 - (len(order) - 1) * gap)) + gaps
    return placed.tolist()


def lowest(axes: Axes, epoch: float, loss: float, colour: str) -> None:
    """Mark the epoch with the lowest validation loss."""
    axes.plot(epoch, loss, "*", ms=9, mfc=colour, mec="white", mew=0.8, zorder=4)


def splits_legend(axes: Axes, marker: str | None) -> None:
    """Say which lines are training and which validation."""
    ink = {"color": INK, "lw": 1.2, "marker": marker}
    looks = {"validation": VALIDATION, "training": TRAINING}
    legend_above(axes, [Line2D([], [], label=text, **ink, **look) for text, look in looks.items()])


def samplers_legend(axes: Axes, samplers: Sequence[str], colour: str | None) -> None:
    """Say which marker stands for which sampler; all in `colour` if there is one."""
    dots = [
        Line2D([], [], ls="", marker=marker, color=colour or own, label=text)
        for own, marker, text in map(sampler_look, samplers)
    ]
    legend_above(axes, dots, length=1)


def legend_above(axes: Axes, handles: Sequence[Artist], length: float = 2.4) -> None:
    """Put a legend where no data can lie under it, its handles `length` letters long."""
    where = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": max(1, len(handles))}
    axes.legend(handles=handles, handlelength=length, borderaxespad=0.2, columnspacing=1.5, **where)


def few(marker: str, epochs: Sized) -> str | None:
    """The marker of single epochs, or None if there are too many of them."""
    return marker if len(epochs) <= 20 else None
