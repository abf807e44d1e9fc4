"""Axes in epochs and nats: their limits and ticks."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hypertuning.report.style import FAINT

ACCURACY, LOSS = "accuracy (fraction of images)", "loss (nats per image)"

HOPELESS = 5.0
"""A loss in nats per image that no useful trial has: guessing one of ten classes gives ln 10."""

STEPS = (1, *(step * 10**power for power in range(9) for step in (5, 10, 20)))


def epoch_axis(axes: Axes, last: float) -> None:
    """Whole epochs from 1 to the last, at most a dozen of them with a number."""
    step = next(step for step in STEPS if last <= 12 * step)
    room = 0.03 * (last - 1) or 0.06
    axes.set_xlim(1 - room if last > 1 else 0, last + room)
    axes.set_xticks([1, *range(step, int(last) + 1, step)] if step > 1 else range(1, int(last) + 1))
    axes.set_xlabel("epoch")


def loss_axis(
    axes: Axes, losses: np.ndarray, among: np.ndarray | None = None, *, may_be_log: bool = False
) -> None:
    """Scale to the losses, without the hopeless ones, which would flatten the rest.

    Where one of `losses` is left out, a note on the axes says so.

    Args:
        among: The losses of all panels that share this scale; by default only those of this one.
    """
    among = losses if among is None else among
    kept = hopeful(among)
    headroom = 0.08 if np.nanmax(among) > kept.max() else 0  # room for the note, above all marks
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
    """Leave out the losses that would flatten the others, but keep a curve that only rises."""
    losses = losses[np.isfinite(losses)]
    kept = losses[losses <= max(HOPELESS, 4 * np.median(losses))]
    return kept if losses.max() > 2 * kept.max() else losses


def value_axis(axes: Axes, values: np.ndarray, headroom: float = 0) -> None:
    """Scale to the values with a little room; values that are almost equal get more of it."""
    low, high = values.min(), values.max()
    room = max(0.06 * (high - low), 0.03 * high, 0.001)
    axes.set_ylim(low - room, high + room + headroom * (high - low + 2 * room))


def _log_axis(axes: Axes, values: np.ndarray, headroom: float) -> None:
    axes.set_yscale("log")
    log_ticks(axes.yaxis, LogLocator(subs=(1, 2, 5)))
    low, high = values.min() / 1.2, values.max() * 1.2
    axes.set_ylim(low, high * (high / low) ** headroom)


def log_ticks(axis: Axis, locator: LogLocator) -> None:
    """Write the ticks of a logarithmic axis as plain numbers: 0.05 and not 5 × 10⁻²."""
    axis.set_major_locator(locator)
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
