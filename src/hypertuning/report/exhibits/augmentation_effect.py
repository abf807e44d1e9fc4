"""What augmentation does to the same configurations."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hypertuning.config import BEST
from hypertuning.intervals import Interval, of_mean
from hypertuning.report import style
from hypertuning.report.arms import ARMS, pairs_first
from hypertuning.report.exhibit import Exhibit, Found, shown_in
from hypertuning.report.frames import with_columns
from hypertuning.report.lines import End, few, label_ends
from hypertuning.report.scales import epoch_axis, value_axis
from hypertuning.report.style import ARM_LOOKS, new_figure, styled
from hypertuning.words import counted

COLUMNS = ["measure", "epoch", "pairs", "of", *ARMS, "difference", "low", "high"]


@shown_in("hyperband", place=50)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials, curves)
    return Exhibit(
        "augmentation_effect",
        "The same configurations and seeds without and with random crop and flip.",
        rows,
        "no configuration has been trained in both arms; augment=both does that",
        lambda: draw(rows),
        says(rows),
        headline=lambda: headline(rows),
    )


def table(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Compare the same configurations without and with augmentation, epoch by epoch.

    One row per measure (`generalization_gap`, `val_loss`) and epoch: the means of both arms, and of
    their paired difference (with − without) with its 95 % t interval. Every epoch has the same
    `pairs`, so that no mean moves because a trial was stopped. Of all `of` pairs, they are those
    that reached, in both arms, the last epoch that at least two pairs reached. Where trials are
    stopped early, these are the ones that did well in both arms.
    """
    ranked = pairs_first(with_columns(trials, "augment", "epochs_run", BEST))
    both = ranked.pivot(index="pair", columns="augment", values=["epochs_run", "run_id"])
    if not set(ARMS) <= set(ranked["augment"]):
        return pd.DataFrame(columns=COLUMNS)
    both = both.dropna()
    reached = both["epochs_run"].astype(int).min(axis=1).sort_values(ascending=False)
    last = reached.iloc[min(1, len(reached) - 1)] if len(reached) else 0
    kept = both["run_id"].loc[reached.index[reached >= last]]
    losses = curves.set_index(["run_id", "epoch"])[["train_loss", "val_loss"]].astype(float)
    losses["generalization_gap"] = losses["val_loss"] - losses["train_loss"]
    rows = []
    for measure in ("generalization_gap", "val_loss"):
        values = losses[measure].unstack()
        none, flipped = (values.reindex(kept[arm]).to_numpy() for arm in ARMS)
        for place, epoch in enumerate(values.columns[values.columns <= last]):
            step = of_mean(flipped[:, place] - none[:, place])
            means = none[:, place].mean(), flipped[:, place].mean()
            rows.append((measure, epoch, len(kept), len(both), *means, *step))
    return pd.DataFrame(rows, columns=COLUMNS).dropna(subset=["difference"])


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """The gap in both arms, and the paired differences of gap and validation loss."""
    pairs = rows["pairs"].max()
    title = "Crop and flip on the same configurations: what they do to overfitting"
    note = (
        f"{pairs} of {counted(rows['of'].max(), 'configuration')}: those that trained "
        f"{counted(rows['epoch'].max(), 'epoch')} in both arms. "
        "Bands: 95 % interval of the mean paired difference (with − without)."
    )
    figure = new_figure(7.6, 3.0, title, note if pairs > 1 else note.split(" Bands")[0])
    panels = figure.subplots(1, 3)
    gap, loss = (rows[rows["measure"] == name] for name in ("generalization_gap", "val_loss"))
    ends = _gaps(panels[0], gap)
    _difference(panels[1], gap, "difference of the gap")
    _difference(panels[2], loss, "of the validation loss")
    for axes in panels:
        axes.axhline(0, color=style.FAINT, lw=0.7, zorder=1)
        epoch_axis(axes, rows["epoch"].max())
    label_ends(panels[0], ends)
    return figure


def _gaps(axes: Axes, gap: pd.DataFrame) -> list[End]:
    """Draw the mean gap of each arm; give the ends of the lines."""
    axes.set_title("gap: validation − training loss")
    axes.set_ylabel("nats per image")
    ends = []
    for arm, (colour, marker) in ARM_LOOKS.items():
        axes.plot(gap["epoch"], gap[arm], color=colour, marker=few(marker, gap), ms=3.5)
        text = {"none": "without", "crop_flip": "with"}[arm]
        ends.append(End(gap["epoch"].iloc[-1], gap[arm].iloc[-1], text, colour))
    value_axis(axes, gap[[*ARM_LOOKS]].to_numpy().ravel())
    return ends


def _difference(axes: Axes, shown: pd.DataFrame, name: str) -> None:
    axes.set_title(name)
    axes.fill_between("epoch", "low", "high", data=shown, color=style.INK, alpha=0.13, lw=0)
    axes.plot("epoch", "difference", data=shown, color=style.INK, marker=few("o", shown), ms=3)
    values = shown[["difference", "low", "high"]].to_numpy(float).ravel()
    value_axis(axes, np.append(values[np.isfinite(values)], 0))


def says(rows: pd.DataFrame) -> list[str]:
    """What crop and flip did after the last epoch."""
    names = {"generalization_gap": "gap between validation and training loss"}
    last = rows[rows["epoch"] == rows["epoch"].max()]
    return [
        f"Crop and flip change the {names.get(row.measure, 'validation loss')} after "
        f"{counted(row.epoch, 'epoch')} from {row.none:.2f} to {row.crop_flip:.2f}, by "
        f"{Interval(row.difference, row.low, row.high).text(2, sign=True)}, on "
        f"{row.pairs} of {counted(row.of, 'configuration')}: those that trained for "
        f"{counted(row.epoch, 'epoch')} both with and without them."
        for row in last.itertuples()
    ]


def headline(rows: pd.DataFrame) -> Found:
    """What they did to the validation loss."""
    losses = rows[rows["measure"] == "val_loss"].tail(1)
    if losses.empty:
        return None
    difference = Interval(*losses.iloc[0][["difference", "low", "high"]])
    return says(losses)[0], difference.excludes(0)
