"""Means over seeds, with their standard errors, as lines with bands."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from hypertuning.report import style
from hypertuning.report.lines import End, label_ends
from hypertuning.report.scales import log_ticks, value_axis
from hypertuning.report.style import new_figure, styled

NAMES = {
    "gp": "gp, the default",
    "bohb": "BOHB, ours",
    "bohb_less_random": "ours, 10 % random",
    "bohb_warm": "BOHB, warm start",
    "hpbandster": "HpBandSter",
    "ray_1": "Ray, one at a time",
    "ray_4": "Ray, four at a time",
    "optuna_tpe": "Optuna TPE",
    "optuna_gp": "Optuna GP",
    "smac": "SMAC",
    "syne_tune_bore": "Syne Tune BORE",
    "syne_tune_cqr": "Syne Tune CQR",
    "neps_priorband": "NePS PriorBand, good priors",
    "hyperband": "Hyperband",
    "random": "random search",
    "asha": "ASHA",
    "grid": "grid",
    "abohb": "BOHB's model, ASHA",
    "gp_4": "gp, one in four",
    "gp_all_rungs": "gp, all rungs",
    "gp_all_epochs": "gp, all epochs each",
    "gp_priors": "gp, good priors",
    "gp_wrong": "gp, wrong priors",
    "asha_4": "ASHA, one in four",
    "bohb_4": "BOHB, one in four",
}

FIRST = 27
"""Epochs spent; what comes before is so much worse that it would flatten the rest."""


@styled
def regrets(rows: pd.DataFrame) -> Figure:
    """Mean regret by budget spent, a panel for each number of dimensions.

    `rows`: dimensions, method, evaluations, mean, error, seeds; `benchmarks.bench_bohb.summary`.
    """
    title = f"Stochastic counting ones: mean regret of {rows['seeds'].max()} seeds"
    note = "Bands: one standard error. A point that goes on pays only for the difference."
    figure = new_figure(9.5, 4.2, title, note)
    for axes, (dimensions, shown) in zip(
        figure.subplots(1, rows["dimensions"].nunique(), squeeze=False)[0],
        rows.groupby("dimensions"),
        strict=True,
    ):
        axes.set_title(f"{dimensions // 2} binary + {dimensions // 2} continuous")
        axes.set(xscale="log", yscale="log", xlim=(1, shown["evaluations"].max()))
        for axis in (axes.xaxis, axes.yaxis):
            log_ticks(axis, LogLocator(subs=(1, 2, 5)))
        axes.set_xlabel("budget spent (full evaluations)")
        axes.set_ylabel("regret per dimension")
        _lines(axes, shown, "evaluations", "method")
    return figure


@styled
def anytime(rows: pd.DataFrame) -> Figure:
    """Mean of the best validation loss so far by epochs spent.

    `rows`: method, spent, mean, error, seeds; `benchmarks.real_images.summary`.
    """
    title = f"Best validation loss so far on real images: mean of {rows['seeds'].max()} seeds"
    figure = new_figure(7.6, 3.9, title, "Bands: one standard error.")
    axes = figure.subplots()
    axes.set(xlabel="epochs spent", ylabel="validation loss (nats per image)")
    late = rows[rows["spent"] >= FIRST].fillna({"error": 0.0})  # that of one seed is not known
    axes.set_xlim(FIRST, rows["spent"].max())
    ends = np.r_[late["mean"] - late["error"], late["mean"] + late["error"]]
    value_axis(axes, ends[np.isfinite(ends)])  # infinite while a seed has only diverged
    _lines(axes, late, "spent", "method")
    return figure


@styled
def replayed(rows: pd.DataFrame) -> Figure:
    """Mean regret by epochs spent, of searches on a recorded table.

    `rows`: method, spent, mean, error, seeds; `benchmarks.bench_search.summary`.
    """
    title = f"Searches replayed on recorded trials: mean regret of {rows['seeds'].max()} seeds"
    note = "Regret: the expected loss of the best trial so far, less the least there is. "
    figure = new_figure(8.6, 4.6, title, note + "Bands: one standard error.")
    axes = figure.subplots()
    late = rows[rows["spent"] >= FIRST]
    axes.set(xlim=(FIRST, late["spent"].max()), yscale="log")
    axes.set(xlabel="epochs spent", ylabel="regret (nats per image)")
    log_ticks(axes.yaxis, LogLocator(subs=(1, 2, 5)))
    _lines(axes, late, "spent", "method")
    return figure


@styled
def ablation(rows: pd.DataFrame, whole: str, trained: str) -> Figure:
    """Validation accuracy as ingredients are added, left out of the whole, and tried beside it.

    Args:
        rows: part, name, val_accuracy, error, tflop, seeds; `benchmarks.bench_recipe.summary`.
        whole: The row of those added that has all ingredients.
        trained: On what, and for how long.
    """
    title = f"What each ingredient brings: {trained}, mean of {rows['seeds'].max()} seeds"
    note = "Bars: one standard error over seeds. Hollow: one seed. The line marks the whole recipe."
    added, *others = (rows[rows["part"] == part] for part in ("added", "left out", "tried"))
    reached = added.loc[added["name"] == whole, "val_accuracy"]
    figure = new_figure(9.5, 5.2, title, note)
    grid = figure.add_gridspec(2, 2, height_ratios=[max(len(part), 1) for part in others])
    left, above = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[0, 1])
    heads = ("added, one after the other", "left out of the whole", "added to the whole: not taken")
    shown = zip((left, above, figure.add_subplot(grid[1, 1])), (added, *others), heads, strict=True)
    smallest = (rows if added.empty else added)["val_accuracy"].min()
    ends = smallest - 0.02, rows["val_accuracy"].max() + 0.02
    for axes, part, head in shown:
        for accuracy in reached:
            axes.axvline(accuracy, color=style.FAINT, lw=0.8)
        seen = part["val_accuracy"] >= smallest
        for row, drawn, place in zip(part.itertuples(), seen, range(len(part), 0, -1), strict=True):
            if drawn:
                filled = style.BLUE if row.seeds > 1 else "white"
                axes.errorbar(row.val_accuracy, place, xerr=row.error, fmt="o", ms=4,
                              color=style.BLUE, mfc=filled)  # fmt: skip
            else:
                axes.text(ends[0], place, f" ◂ {row.val_accuracy:.2f}", va="center", fontsize=7)
        axes.set(xlim=ends, title=head, ylim=(0.4, len(part) + 0.6))
        axes.set_yticks(range(len(part), 0, -1), part["name"])
        if axes is not above:
            axes.set_xlabel("validation accuracy")
    return figure


def _lines(axes: Axes, rows: pd.DataFrame, x: str, by: str) -> None:
    ends = []
    there = dict.fromkeys(rows[by])
    named = [name for name in NAMES if name in there]
    for place, name in enumerate(named + [name for name in there if name not in NAMES]):
        line = rows[rows[by] == name]
        colour, dashes = _look(place)
        low, high = line["mean"] - line["error"], line["mean"] + line["error"]
        axes.fill_between(line[x], low, high, color=colour, alpha=0.13, lw=0)
        axes.plot(line[x], line["mean"], color=colour, ls=dashes)
        last = line.iloc[-1]
        ends.append(
            End(last[x], last["mean"], f"{NAMES.get(name, name)}  {last['mean']:.3f}", colour)
        )
    label_ends(axes, ends, size=6.5)


def _look(place: int) -> tuple[str, object]:
    colours: Mapping[int, str] = {0: style.VERMILLION, 1: style.ORANGE}
    others = (style.BLUE, style.GREEN, style.PURPLE, style.SKY, style.INK, style.FAINT)
    colour = colours.get(place, others[(place - 2) % len(others)])
    again = max(place - 2, 0) // len(others)  # the colours come again with other dashes
    return colour, style.LINES[0 if place == 0 else 1 + (place - 1 + again) % 3]
