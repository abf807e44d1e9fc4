"""A search as it went: the best so far, who survived, what the rungs and the model were worth."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hypertuning.report import marks, style
from hypertuning.report.marks import LOSS, End, few, shorten
from hypertuning.report.style import new_figure, styled
from hypertuning.words import counted


@styled
def anytime(rows: pd.DataFrame) -> Figure:
    """Best validation loss so far against the epochs spent by all trials, one line per study."""
    title = "Best validation loss so far against the epochs spent on all trials"
    figure = new_figure(7.6, 3.7, title, "Points: validation loss of one trial after one epoch.")
    axes = figure.subplots()
    several = rows["study_id"].nunique() > 1
    marks.loss_axis(axes, rows["val_loss"].to_numpy(float), may_be_log=True)
    axes.set_xlim(0, 1.02 * rows["epochs_spent"].max())
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="epochs spent", ylabel="validation " + LOSS)
    ends = []
    for place, (_, study) in enumerate(rows.groupby("study_id", sort=False)):
        colour = style.nth_look(place)[0] if several else style.INK
        _results(axes, study, colour if several else None)
        look = {"color": colour, "ls": style.LINES[place % 4], "where": "post"}
        axes.step("epochs_spent", "best_so_far", data=study, **look)
        spent, best, name = study.iloc[-1][["epochs_spent", "best_so_far", "name"]]
        name = shorten(name, 24) + " " if several else "best"
        ends.append(End(spent, best, f"{name} {best:.3f}", colour))
    marks.samplers_legend(axes, rows["sampler"].unique(), style.FAINT if several else None)
    marks.label_ends(axes, ends)
    return figure


def _results(axes: Axes, study: pd.DataFrame, colour: str | None) -> None:
    """Draw single results faintly, told apart by sampler; all in `colour` if there is one."""
    size, alpha = (7, 0.25) if len(study) > 200 or colour else (14, 0.4)
    for sampler, results in study.groupby("sampler"):
        own, marker, _ = style.sampler_look(sampler)
        look = {"color": colour or own, "marker": marker, "alpha": alpha, "lw": 0.5}
        axes.scatter("epochs_spent", "val_loss", size, data=results, **look)


@styled
def survival(rows: pd.DataFrame) -> Figure:
    """How many trials of each bracket or arm trained for at least so many epochs."""
    figure = new_figure(4.6, 2.8, "Trials that trained for at least so many epochs")
    axes = figure.subplots()
    ends = []
    for place, (group, shown) in enumerate(rows.groupby("group")):
        colour, marker = style.nth_look(place)
        look = {"color": colour, "ls": style.LINES[place % 4], "marker": few(marker, shown)}
        axes.step("epoch", "trials", data=shown, where="mid", **look)
        last = shown.iloc[-1]
        ends.append(
            End(last["epoch"], last["trials"], f"{shorten(group, 34)}: {last['trials']}", colour)
        )
    marks.epoch_axis(axes, rows["epoch"].max())
    axes.set_ylim(0, 1.08 * rows["trials"].max())
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("trials")
    marks.label_ends(axes, ends)
    return figure


FATES = {
    "pruned": (style.FAINT, "stopped at a rung"),
    "completed": (style.BLUE, "trained to the end"),
    "diverged": (style.ORANGE, "diverged"),
    "failed": (style.PURPLE, "failed"),
    "interrupted": (style.SKY, "interrupted"),
    "running": (style.GREEN, "waiting or training"),
}


@styled
def trial_curves(rows: pd.DataFrame) -> Figure:
    """Validation loss of every trial by epoch, coloured by what became of it."""
    count = rows["trial_id"].nunique()
    title = "Validation loss of every trial" if count > 1 else "Validation loss of the trial"
    figure = new_figure(7.6, 3.4, title, "A dot ends the curve of a trial. Thick: the best trial.")
    axes = figure.subplots()
    marks.loss_axis(axes, rows["val_loss"].to_numpy(float), may_be_log=True)
    marks.epoch_axis(axes, rows["epoch"].max())
    axes.set_ylabel("validation " + LOSS)
    alpha = 0.8 if count <= 30 else max(0.12, 0.8 * (30 / count) ** 0.5)
    handles = []
    for outcome, (colour, name) in FATES.items():
        shown = rows[rows["outcome"] == outcome]
        if shown.empty:
            continue
        lines = [
            curve[["epoch", "val_loss"]].to_numpy(float) for _, curve in shown.groupby("trial_id")
        ]
        axes.add_collection(
            LineCollection(lines, colors=colour, alpha=alpha, lw=0.9), autolim=False
        )
        last = np.array([line[-1] for line in lines])
        axes.plot(*last.T, "o", color=colour, alpha=alpha, ms=2.5, mew=0)
        handles.append(
            Line2D([], [], color=colour, marker="o", ms=3, label=f"{name} ({len(lines)})")
        )
    best = rows[rows["best"]]
    if count > 1 and len(best):
        axes.plot("epoch", "val_loss", data=best, color=style.VERMILLION, lw=2.2, zorder=3)
        name = f"best: {best['trial_id'].iloc[0]}"
        handles.append(Line2D([], [], color=style.VERMILLION, lw=2.2, label=name))
    marks.legend_above(axes, handles, length=1.6)
    return figure


@styled
def samplers(rows: pd.DataFrame, comparison: pd.DataFrame) -> Figure:
    """Validation loss after each rung, proposals of the model beside random draws.

    Args:
        rows: Of `tables.rung_losses`.
        comparison: Of `tables.samplers`.
    """
    rungs = sorted(rows["epoch"].unique())
    found = [name for name in style.SAMPLER_LOOKS if name in set(rows["sampler"])]
    note = (
        "Bars: medians. After the first rung stands every trial, after the others who got so far."
    )
    figure = new_figure(
        max(4.2, 1.2 + 1.6 * len(rungs)), 3.2, "Where the configurations came from", note
    )
    axes = figure.subplots()
    marks.loss_axis(axes, rows["val_loss"].to_numpy(float), may_be_log=True)
    width = 0.76 / len(found)
    for place, sampler in enumerate(found):
        colour, marker, _ = style.sampler_look(sampler)
        for rung, epoch in enumerate(rungs):
            losses = rows.loc[(rows["sampler"] == sampler) & (rows["epoch"] == epoch), "val_loss"]
            if losses.empty:
                continue
            middle = rung + (place - (len(found) - 1) / 2) * width
            spread = middle + 0.32 * width * _jitter(len(losses))
            look = {"color": colour, "marker": marker, "lw": 0, "alpha": 0.55}
            axes.scatter(spread, losses, 13 if len(losses) < 100 else 6, **look)
            ends = middle - 0.42 * width, middle + 0.42 * width
            axes.hlines(losses.median(), *ends, color=style.INK, lw=1.6, zorder=3)
    chances = comparison.set_index("epoch")
    axes.set_xticks(range(len(rungs)), [_rung_text(epoch, chances) for epoch in rungs])
    axes.set_xlim(-0.5, len(rungs) - 0.5)
    axes.set_ylabel("validation " + LOSS)
    marks.samplers_legend(axes, found, None)
    return figure


def _rung_text(epoch: int, chances: pd.DataFrame) -> str:
    text = f"after {counted(epoch, 'epoch')}"
    if epoch not in chances.index:
        return text
    chance = chances.loc[epoch]
    text += f"\nmodel beats random: {chance['chance']:.2f}"
    return text + (f"\n({chance['low']:.2f} to {chance['high']:.2f})" if chance["low"] >= 0 else "")


def _jitter(count: int) -> np.ndarray:
    """The same places between −1 and 1 every time, evenly spread (van der Corput's sequence)."""
    return np.array([int(f"{n:012b}"[::-1], 2) / 2**12 for n in range(1, count + 1)]) * 2 - 1


@styled
def rank_correlation(rows: pd.DataFrame, correlations: pd.DataFrame) -> Figure:
    """What the loss after an earlier rung says of that after the last one.

    Args:
        rows: Of `tables.rung_losses`.
        correlations: Of `tables.rank_correlation`.
    """
    last = correlations["later"].max()
    shown = correlations[correlations["later"] == correlations["later"].max()]
    figure = new_figure(
        max(3.4, 0.6 + 2.3 * len(shown)), 2.9, f"Do few epochs predict {last}?",
        "ρ: rank correlation of the trials that reached both, with its 95 % interval.",
    )  # fmt: skip
    panels = figure.subplots(1, max(1, len(shown)), squeeze=False, sharey=True)[0]
    losses = rows.pivot(index="run_id", columns="epoch", values="val_loss")
    for axes, pair in zip(panels, shown.itertuples(), strict=False):
        both = losses[[pair.epoch, last]].dropna()
        marks.loss_axis(axes, both[last].to_numpy(float))
        axes.scatter(both[pair.epoch], both[last], 14, color=style.BLUE, alpha=0.6, lw=0)
        axes.set_xlabel(f"after {counted(pair.epoch, 'epoch')}")
        axes.grid(True, axis="both")
        known = f" ({pair.low:.2f} to {pair.high:.2f})" if pair.low == pair.low else ""
        rho = f"{pair.rho:.2f}" if pair.rho == pair.rho else "unknown"
        axes.set_title(f"ρ = {rho}{known}, {pair.trials} trials", fontsize=7.5)
        kept = marks.hopeful(both[pair.epoch].to_numpy(float))
        room = 0.05 * (kept.max() - kept.min()) or 0.05
        axes.set_xlim(kept.min() - room, kept.max() + room)
    panels[0].set_ylabel(f"validation loss after {last} epochs\n(nats per image)")
    return figure
