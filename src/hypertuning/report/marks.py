"""Marks that several figures share: axes in epochs and nats, names at the ends of lines."""

from collections.abc import Sequence, Sized
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hypertuning.config import DISPLAY
from hypertuning.report.style import FAINT, INK, sampler_look

ACCURACY, LOSS = "accuracy (fraction of images)", "loss (nats per image)"

HOPELESS = 5.0
"""A loss in nats per image that no useful trial has: guessing one of ten classes costs ln 10."""

STEPS = (1, *(step * 10**power for power in range(9) for step in (5, 10, 20)))

VALIDATION = {"ls": "-"}
TRAINING = {"ls": (0, (3, 1.5)), "mfc": "white"}
"""Dashed with hollow markers: a single epoch has no line."""


class End(NamedTuple):
    """Where a line ends, and what is written there."""

    x: float
    y: float
    text: str
    colour: str


def epoch_axis(axes: Axes, last: float) -> None:
    """Whole epochs from 1 to the last, at most a dozen of them named."""
    step = next(step for step in STEPS if last <= 12 * step)
    room = 0.03 * (last - 1) or 0.06
    axes.set_xlim(1 - room if last > 1 else 0, last + room)
    axes.set_xticks([1, *range(step, int(last) + 1, step)] if step > 1 else range(1, int(last) + 1))
    axes.set_xlabel("epoch")


def loss_axis(
    axes: Axes, losses: np.ndarray, among: np.ndarray | None = None, *, may_be_log: bool = False
) -> None:
    """Scale to the losses `among` which these stand (other panels' too), but for hopeless ones.

    Those would flatten the rest; where one of `losses` is left out, the axes say so.
    """
    among = losses if among is None else among
    kept = hopeful(among)
    headroom = 0.08 if np.nanmax(among) > kept.max() else 0  # where no mark lies, for the note
    if may_be_log and 0 < 20 * kept.min() < kept.max():
        _log_axis(axes, kept, headroom)
    else:
        value_axis(axes, kept, headroom)
    if np.nanmax(losses) > kept.max():
        axes.text(
            *(0.99, 0.985, f"above this axis: losses up to {np.nanmax(losses):.3g}"),
            transform=axes.transAxes, ha="right", va="top", fontsize=6.5, color=FAINT,
            bbox={"fc": "white", "lw": 0, "alpha": 0.8, "pad": 1},
        )  # fmt: skip


def hopeful(losses: np.ndarray) -> np.ndarray:
    """Leave out the losses that would flatten the others; a curve that merely rises is kept."""
    losses = losses[np.isfinite(losses)]
    kept = losses[losses <= max(HOPELESS, 4 * np.median(losses))]
    return kept if losses.max() > 2 * kept.max() else losses


def value_axis(axes: Axes, values: np.ndarray, headroom: float = 0) -> None:
    """Scale to the values with a little room, but not to the last digit where they are alike."""
    low, high = values.min(), values.max()
    room = max(0.06 * (high - low), 0.03 * high, 0.001)
    axes.set_ylim(low - room, high + room + headroom * (high - low + 2 * room))


def _log_axis(axes: Axes, values: np.ndarray, headroom: float) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    low, high = values.min() / 1.2, values.max() * 1.2
    axes.set_ylim(low, high * (high / low) ** headroom)


def label_ends(axes: Axes, ends: Sequence[End], size: float = 7.5) -> None:
    """Write each line's name right of the axes at the height of its end, apart from the others."""
    if layout := axes.figure.get_layout_engine():
        layout.execute(axes.figure)  # how high the axes are is known only then
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
    """Move heights between 0 and 1 as little as keeps them in order and `gap` apart.

    Least squares: less its rank times the gap, a height must not fall below the one before it,
    which is isotonic regression; neighbours out of order are pooled at their mean.
    """
    order = np.argsort(heights, kind="stable")
    pools: list[list[float]] = []
    for rank, index in enumerate(order):
        pools.append([heights[index] - rank * gap])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    levels = np.concatenate([np.full(len(pool), np.mean(pool)) for pool in pools])
    levels = np.clip(levels, 0, max(0, 1 - (len(order) - 1) * gap))
    placed = np.empty(len(order))
    placed[order] = levels + gap * np.arange(len(order))
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
    """Say where results come from, by their markers; all in `colour` if there is one."""
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
    """Mark single epochs while there is room between them."""
    return marker if len(epochs) <= 20 else None


def shorten(name: object, length: int) -> str:
    """Cut a long name at its end, visibly."""
    text = str(name)
    return text if len(text) <= length else text[: length - 1] + "…"


def words(parameter: str) -> str:
    """A parameter's name as it stands over a panel."""
    known = DISPLAY.get(parameter)
    return (known and known.words) or parameter.replace("_", " ")


def brief(value: object) -> str:
    """A value of a hyperparameter in few letters."""
    if value is None or value != value:
        return "none"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
