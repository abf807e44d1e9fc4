"""Training against validation loss of one trial: the figure that every trial gets."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from hypertuning.report import style
from hypertuning.report.exhibits.overfitting import both_losses
from hypertuning.report.lines import TRAINING, End, few, label_ends, lowest
from hypertuning.report.scales import LOSS, epoch_axis, loss_axis
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import shorten


@styled
def draw(epochs: Sequence[Mapping], title: str) -> Figure:
    """Training and validation loss by epoch; the gap between them is shaded after the turn."""
    rows = pd.DataFrame(epochs).sort_values("epoch")
    turn, last = rows.loc[rows["val_loss"].idxmin()], rows.iloc[-1]
    figure = new_figure(4.6, 2.8, shorten(title, 52), margins=(0.62, 0.95, 0.45, 0.5))
    axes = figure.subplots()
    axes.set_ylabel(LOSS)
    axes.set_title(f"validation loss lowest at epoch {turn['epoch']:.0f}: {turn['val_loss']:.3f}")
    epoch_axis(axes, rows["epoch"].max())
    loss_axis(axes, both_losses(rows))
    after = {"data": rows[rows["epoch"] >= turn["epoch"]], "alpha": 0.15, "lw": 0}
    axes.fill_between("epoch", "train_loss", "val_loss", color=style.VERMILLION, **after)
    axes.axvline(turn["epoch"], color=style.FAINT, lw=0.6, ls=":", zorder=0)
    look = {"data": rows, "marker": few("o", rows), "ms": 3}
    axes.plot("epoch", "train_loss", color=style.BLUE, **look, **TRAINING)
    axes.plot("epoch", "val_loss", color=style.VERMILLION, **look)
    lowest(axes, turn["epoch"], turn["val_loss"], style.VERMILLION)
    splits = (("train", "training", style.BLUE), ("val", "validation", style.VERMILLION))
    ends = [End(last["epoch"], last[f"{split}_loss"], name, c) for split, name, c in splits]
    label_ends(axes, ends)
    return figure
