"""Training against validation loss of the best configurations."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hypertuning.config import BEST
from hypertuning.report import style
from hypertuning.report.arms import ARM_NAMES, pairs_first
from hypertuning.report.exhibit import NO_EPOCH, Exhibit, shown_in
from hypertuning.report.exhibits import trial_curves
from hypertuning.report.frames import joined, with_columns
from hypertuning.report.lines import TRAINING, End, few, label_ends, lowest
from hypertuning.report.scales import LOSS, epoch_axis, loss_axis
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import shorten
from hypertuning.report.trials import leaderboard


@shown_in("hyperband", place=40)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials, curves)
    return Exhibit(
        "overfitting",
        "The best configurations: where the solid line turns up while the dashed one falls, a "
        "network learns the training images by heart.",
        rows,
        NO_EPOCH,
        lambda: draw(rows),
        trial_curves.says(leaderboard(trials, None)),
    )


def table(trials: pd.DataFrame, curves: pd.DataFrame, n: int = 3) -> pd.DataFrame:
    """Follow the `n` best configurations of each augmentation through their epochs.

    `place` is 1 for the best; `pair` is the same number for the same configuration in both arms;
    `turns` marks the epoch where validation loss is lowest.
    """
    ranked = pairs_first(with_columns(trials, "augment", "run_name", "epochs_run", BEST))
    chosen = ranked.groupby("augment").head(n)
    chosen = chosen.assign(place=chosen.groupby("augment").cumcount() + 1)
    rows = joined(chosen, curves, "augment", "place", "pair", "run_name")
    rows = rows.dropna(subset=["train_loss", "val_loss"])
    rows = rows.sort_values(["augment", "place", "epoch"], ignore_index=True)
    least = rows.groupby("run_id")["val_loss"].transform("min")
    rows["turns"] = (rows["val_loss"] == least) & ~rows.duplicated(["run_id", "val_loss"])
    shown = ["augment", "place", "pair", "trial_id", "run_name", "epoch", "train_loss", "val_loss"]
    return rows[[*shown, "turns"]]


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """Training against validation loss of the best configurations, an arm a panel, on one scale."""
    arms = [arm for arm in ARM_NAMES if arm in set(rows["augment"])]
    size = 1 + 3.3 * len(arms), 3.5 + 0.15 * rows["place"].max()
    figure = new_figure(*size, *_title_and_note(rows, arms))
    panels = figure.subplots(1, len(arms), sharey=True, squeeze=False)[0]
    panels[0].set_ylabel(LOSS)
    for axes, arm in zip(panels, arms, strict=True):
        shown = rows[rows["augment"] == arm]
        loss_axis(axes, both_losses(shown), among=both_losses(rows))
        epoch_axis(axes, rows["epoch"].max())
        axes.set_title(ARM_NAMES[arm])
        ends = _arm(axes, shown)
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.17), handlelength=1.6, fontsize=7)
        label_ends(axes, ends)
    return figure


def both_losses(rows: pd.DataFrame) -> np.ndarray:
    return rows[["train_loss", "val_loss"]].to_numpy(float).ravel()


def _title_and_note(rows: pd.DataFrame, arms: Sequence[str]) -> tuple[str, str]:
    """What is shown, and how to read it."""
    best = rows["place"].max()
    shown = f"{best} best configurations" if best > 1 else "best configuration"
    title = f"Overfitting of the {shown}"
    note = "Solid, filled: validation. Dashed, hollow: training. Star: lowest validation loss."
    if len(arms) == 1:
        return title, note
    note += " Same colour and marker: same configuration."
    if (rows.groupby("pair")["augment"].nunique() == len(arms)).all():
        note += "\nBest: lowest mean of the two stars, among those trained longest in both panels."
    return f"{title}, without and with augmentation", note


def _arm(axes: Axes, rows: pd.DataFrame) -> list[End]:
    """Draw the trials of one augmentation; give the ends of their validation lines."""
    ends = []
    for _, curve in rows.groupby("place"):
        first, turn, last = curve.iloc[0], curve.loc[curve["turns"]].iloc[0], curve.iloc[-1]
        colour, marker = style.nth_look(first["pair"])
        look = {"data": curve, "color": colour, "marker": few(marker, curve)}
        name = f"{first['trial_id']}  {shorten(first['run_name'], 34)}"
        axes.plot("epoch", "train_loss", ms=2.5, label="_", **look, **TRAINING)
        axes.plot("epoch", "val_loss", ms=3, label=name, **look)
        lowest(axes, turn["epoch"], turn["val_loss"], colour)
        ends.append(End(last["epoch"], last["val_loss"], first["trial_id"], colour))
    return ends
