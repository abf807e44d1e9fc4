"""Training against validation loss: of one trial, of the best, and what augmentation does."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hypertuning.report import marks, style
from hypertuning.report.marks import LOSS, TRAINING, End, few, shorten
from hypertuning.report.style import new_figure, styled
from hypertuning.report.tables.trials import ARM_NAMES
from hypertuning.words import counted


@styled
def overfitting(rows: pd.DataFrame) -> Figure:
    """Training against validation loss of the best configurations, an arm a panel, on one scale."""
    arms = [arm for arm in ARM_NAMES if arm in set(rows["augment"])]
    figure = new_figure(
        1 + 3.3 * len(arms), 3.5 + 0.15 * rows["place"].max(), *_arms_texts(rows, arms)
    )
    panels = figure.subplots(1, len(arms), sharey=True, squeeze=False)[0]
    panels[0].set_ylabel(LOSS)
    for axes, arm in zip(panels, arms, strict=True):
        shown = rows[rows["augment"] == arm]
        marks.loss_axis(axes, _both(shown), among=_both(rows))
        marks.epoch_axis(axes, rows["epoch"].max())
        axes.set_title(ARM_NAMES[arm])
        ends = _arm(axes, shown)
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.17), handlelength=1.6, fontsize=7)
        marks.label_ends(axes, ends)
    return figure


def _both(rows: pd.DataFrame) -> np.ndarray:
    return rows[["train_loss", "val_loss"]].to_numpy(float).ravel()


def _arms_texts(rows: pd.DataFrame, arms: Sequence[str]) -> tuple[str, str]:
    """Title and note: what is shown, and how to read it."""
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
    """Draw the trials of one augmentation; where their validation lines end."""
    ends = []
    for _, curve in rows.groupby("place"):
        first, turn, last = curve.iloc[0], curve.loc[curve["turns"]].iloc[0], curve.iloc[-1]
        colour, marker = style.nth_look(first["pair"])
        look = {"data": curve, "color": colour, "marker": few(marker, curve)}
        name = f"{first['trial_id']}  {shorten(first['run_name'], 34)}"
        axes.plot("epoch", "train_loss", ms=2.5, label="_", **look, **TRAINING)
        axes.plot("epoch", "val_loss", ms=3, label=name, **look)
        marks.lowest(axes, turn["epoch"], turn["val_loss"], colour)
        ends.append(End(last["epoch"], last["val_loss"], first["trial_id"], colour))
    return ends


@styled
def trial_overfitting(epochs: Sequence[Mapping], title: str) -> Figure:
    """Training and validation loss of one trial; the gap between them is shaded after the turn."""
    rows = pd.DataFrame(epochs).sort_values("epoch")
    turn, last = rows.loc[rows["val_loss"].idxmin()], rows.iloc[-1]
    figure = new_figure(4.6, 2.8, shorten(title, 52), margins=(0.62, 0.95, 0.45, 0.5))
    axes = figure.subplots()
    axes.set_ylabel(LOSS)
    axes.set_title(f"validation loss lowest at epoch {turn['epoch']:.0f}: {turn['val_loss']:.3f}")
    marks.epoch_axis(axes, rows["epoch"].max())
    marks.loss_axis(axes, _both(rows))
    after = {"data": rows[rows["epoch"] >= turn["epoch"]], "alpha": 0.15, "lw": 0}
    axes.fill_between("epoch", "train_loss", "val_loss", color=style.VERMILLION, **after)
    axes.axvline(turn["epoch"], color=style.FAINT, lw=0.6, ls=":", zorder=0)
    look = {"data": rows, "marker": few("o", rows), "ms": 3}
    axes.plot("epoch", "train_loss", color=style.BLUE, **look, **TRAINING)
    axes.plot("epoch", "val_loss", color=style.VERMILLION, **look)
    marks.lowest(axes, turn["epoch"], turn["val_loss"], style.VERMILLION)
    splits = (("train", "training", style.BLUE), ("val", "validation", style.VERMILLION))
    ends = [End(last["epoch"], last[f"{split}_loss"], name, c) for split, name, c in splits]
    marks.label_ends(axes, ends)
    return figure


@styled
def augmentation_effect(rows: pd.DataFrame) -> Figure:
    """What crop and flip do to the same configurations: the gap, and the paired differences."""
    pairs = rows["pairs"].max()
    title = "Crop and flip on the same configurations: what they do to overfitting"
    note = (
        f"{pairs} of {counted(rows['of'].max(), 'configuration')}: those that trained "
        f"{counted(rows['epoch'].max(), 'epoch')} in both arms. "
        "Bands: 95 % interval of the mean paired difference (with − without)."
    )
    figure = new_figure(7.6, 3.0, title, note if pairs > 1 else note.split(" Bands")[0])
    panels = figure.subplots(1, 3)
    gap = rows[rows["measure"] == "generalization_gap"]
    panels[0].set_title("gap: validation − training loss")
    panels[0].set_ylabel("nats per image")
    ends = []
    for arm, (colour, marker) in _ARM_LOOKS.items():
        panels[0].plot(gap["epoch"], gap[arm], color=colour, marker=few(marker, gap), ms=3.5)
        text = {"none": "without", "crop_flip": "with"}[arm]
        ends.append(End(gap["epoch"].iloc[-1], gap[arm].iloc[-1], text, colour))
    marks.value_axis(panels[0], gap[[*_ARM_LOOKS]].to_numpy().ravel())
    names = {"generalization_gap": "difference of the gap", "val_loss": "of the validation loss"}
    for axes, (measure, name) in zip(panels[1:], names.items(), strict=True):
        shown = rows[rows["measure"] == measure]
        axes.set_title(name)
        axes.fill_between("epoch", "low", "high", data=shown, color=style.INK, alpha=0.13, lw=0)
        axes.plot("epoch", "difference", data=shown, color=style.INK, marker=few("o", shown), ms=3)
        values = shown[["difference", "low", "high"]].to_numpy(float).ravel()
        marks.value_axis(axes, np.append(values[np.isfinite(values)], 0))
    for axes in panels:
        axes.axhline(0, color=style.FAINT, lw=0.7, zorder=1)
        marks.epoch_axis(axes, rows["epoch"].max())
    marks.label_ends(panels[0], ends)
    return figure


_ARM_LOOKS = {"none": (style.VERMILLION, "o"), "crop_flip": (style.BLUE, "^")}


@styled
def turning_points(rows: pd.DataFrame) -> Figure:
    """In which epoch validation loss was lowest, of the trials that trained longest."""
    title = "Epoch of the lowest validation loss"
    arms = [arm for arm in ARM_NAMES if arm in set(rows["augment"])]
    note = "Of the trials that trained longest. Hatched: in their last epoch, it may fall yet."
    figure = new_figure(4.6, 2.6, title, note)
    axes = figure.subplots()
    width = 0.8 / len(arms)
    for place, arm in enumerate(arms):
        shown = rows[rows["augment"] == arm]
        at = shown["epoch"].astype(int) + (place - (len(arms) - 1) / 2) * width
        colour = _ARM_LOOKS[arm][0]
        hatches = np.where(shown["turned"].astype(bool), "", "////")
        bars = axes.bar(at, shown["trials"], 0.92 * width, color=colour)
        for bar, hatch in zip(bars, hatches, strict=True):
            if hatch:
                bar.set(facecolor="white", edgecolor=colour, hatch=hatch, linewidth=0.8)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("trials")
    axes.set_ylim(0, 1.35 * rows["trials"].max())
    marks.epoch_axis(axes, max(rows["trained"].max(), 2))
    axes.set_xlim(0.4, max(rows["trained"].max(), 2) + 0.6)
    totals = rows.groupby("augment")["of"].first()
    names = {arm: f"{ARM_NAMES[arm]} ({counted(totals[arm], 'trial')})" for arm in arms}
    handles = [Patch(color=_ARM_LOOKS[arm][0], label=name) for arm, name in names.items()]
    axes.legend(handles=handles, loc="upper left")
    return figure
