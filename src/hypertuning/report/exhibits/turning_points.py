"""In which epoch validation loss is lowest."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hypertuning.report.arms import ARM_NAMES
from hypertuning.report.exhibit import Exhibit, Found, shown_in
from hypertuning.report.frames import with_columns
from hypertuning.report.scales import epoch_axis
from hypertuning.report.style import ARM_LOOKS, new_figure, styled
from hypertuning.words import counted


@shown_in("hyperband", place=60)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials)
    return Exhibit(
        "turning_points",
        "The epoch of the lowest validation loss: training for longer did not lower it.",
        rows,
        "no trial has trained for more than one epoch",
        lambda: draw(rows),
        says(rows),
        headline=lambda: headline(rows),
    )


def table(trials: pd.DataFrame) -> pd.DataFrame:
    """Count, for each arm and epoch, the trials whose validation loss is lowest there.

    Only the trials with the most epochs are counted: `of` in the arm, with `trained` epochs each.
    `turned` is whether the epoch is not the last one.
    """
    known = with_columns(trials, "augment", "epochs_run", "best_epoch").dropna(subset=["augment"])
    longest = known[known["epochs_run"] == known["epochs_run"].max()].dropna(subset=["best_epoch"])
    longest = longest[longest["epochs_run"] > 1]
    rows = longest.groupby(["augment", "best_epoch"]).size().rename("trials").reset_index()
    rows["of"] = rows.groupby("augment")["trials"].transform("sum")
    rows["trained"] = longest["epochs_run"].max()
    rows["turned"] = rows["best_epoch"] < rows["trained"]
    return rows.rename(columns={"best_epoch": "epoch"})


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """How many trials had their lowest validation loss in each epoch."""
    title = "Epoch of the lowest validation loss"
    arms = [arm for arm in ARM_NAMES if arm in set(rows["augment"])]
    note = "Only trials that trained longest. Hatched: in their last epoch, so it may still fall."
    figure = new_figure(4.6, 2.6, title, note)
    axes = figure.subplots()
    width = 0.8 / len(arms)
    for place, arm in enumerate(arms):
        shown = rows[rows["augment"] == arm]
        at = shown["epoch"].astype(int) + (place - (len(arms) - 1) / 2) * width
        colour = ARM_LOOKS[arm][0]
        hatches = np.where(shown["turned"].astype(bool), "", "////")
        bars = axes.bar(at, shown["trials"], 0.92 * width, color=colour)
        for bar, hatch in zip(bars, hatches, strict=True):
            if hatch:
                bar.set(facecolor="white", edgecolor=colour, hatch=hatch, linewidth=0.8)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("trials")
    axes.set_ylim(0, 1.35 * rows["trials"].max())
    epoch_axis(axes, max(rows["trained"].max(), 2))
    axes.set_xlim(0.4, max(rows["trained"].max(), 2) + 0.6)
    totals = rows.groupby("augment")["of"].first()
    names = {arm: f"{ARM_NAMES[arm]} ({counted(totals[arm], 'trial')})" for arm in arms}
    handles = [Patch(color=ARM_LOOKS[arm][0], label=name) for arm, name in names.items()]
    axes.legend(handles=handles, loc="upper left")
    return figure


def says(rows: pd.DataFrame) -> list[str]:
    """In which epoch validation loss turned, arm by arm."""
    return [_arm_says(arm, counts) for arm, counts in rows.groupby("augment")]


def _arm_says(arm: str, counts: pd.DataFrame) -> str:
    turned = counts[counts["turned"]]
    known, total = int(turned["trials"].sum()), int(counts["of"].iloc[0])
    epochs = counted(counts["trained"].iloc[0], "epoch")
    trained = f"trained {epochs} {ARM_NAMES.get(arm, arm)}"
    of = f"{known or 'none'} of the {total} trials that {trained}"
    if total == 1:
        of = f"the one trial that {trained}"
    if not known:
        where = "in its last epoch" if total == 1 else "before the last epoch"
        return f"Validation loss is lowest {where} in {of}."
    low, high = turned["epoch"].min(), turned["epoch"].max()
    when = f"epoch {low}" if low == high else f"epochs {low} to {high}"
    return f"Validation loss is lowest before the last epoch in {of}: in {when}."


def headline(rows: pd.DataFrame) -> Found:
    said = says(rows)
    return (said[0], bool(rows["turned"].any())) if said else None
