"""Proposals of a model beside random draws."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hypertuning.intervals import Interval, of_chance_below
from hypertuning.report import style
from hypertuning.report.exhibit import Exhibit, Found, shown_in
from hypertuning.report.lines import samplers_legend
from hypertuning.report.rungs import rung_losses
from hypertuning.report.scales import LOSS, loss_axis
from hypertuning.report.style import new_figure, styled
from hypertuning.words import counted

COLUMNS = [
    "epoch", "proposed", "drawn", "median_proposed", "median_drawn", "best_proposed", "best_drawn",
    "chance", "low", "high",
]  # fmt: skip


@shown_in("bohb", place=100)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    losses = rung_losses(trials, curves)
    comparison = table(losses)
    return Exhibit(
        "samplers",
        "Proposals of the model beside random draws, at the end of each rung. Below a rung stands "
        "the chance that a proposal has a lower loss than a random draw.",
        losses if len(comparison) else losses.head(0),
        "a comparison needs trials of both kinds: drawn at random, and proposed by the model",
        lambda: draw(losses, comparison),
        says(comparison),
        {"sampler_comparison": comparison},
        lambda: headline(comparison),
    )


def table(losses: pd.DataFrame) -> pd.DataFrame:
    """Compare proposals of a model with random draws, rung by rung, from `rung_losses`.

    `chance` is the chance that a proposal has a lower loss than a random draw, with its 95 %
    interval; at 0.5 the model is no better than random. The first rung has every trial, later ones
    those that were promoted or began there.
    """
    origin = losses["sampler"].replace("warm", "model")
    rows = []
    for epoch, rung in losses.groupby("epoch"):
        model, drawn = (
            rung.loc[origin.loc[rung.index] == name, "val_loss"].to_numpy()
            for name in ("model", "random")
        )
        if not len(model) or not len(drawn):
            continue
        medians = pd.Series(model).median(), pd.Series(drawn).median()
        counts_and_bests = len(model), len(drawn), *medians, model.min(), drawn.min()
        rows.append((epoch, *counts_and_bests, *of_chance_below(model, drawn)))
    return pd.DataFrame(rows, columns=COLUMNS)


@styled
def draw(rows: pd.DataFrame, comparison: pd.DataFrame) -> Figure:
    """Validation loss after each rung, proposals of the model beside random draws.

    Args:
        rows: Of `rung_losses`.
        comparison: Of `table`.
    """
    rungs = sorted(rows["epoch"].unique())
    found = [name for name in style.SAMPLER_LOOKS if name in set(rows["sampler"])]
    title = "Where the configurations came from"
    note = (
        "Bars: medians. The first rung has every trial, later rungs have those that reached them."
    )
    figure = new_figure(max(4.2, 1.2 + 1.6 * len(rungs)), 3.2, title, note)
    axes = figure.subplots()
    loss_axis(axes, rows["val_loss"].to_numpy(float), may_be_log=True)
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
    samplers_legend(axes, found, None)
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


def says(comparison: pd.DataFrame) -> list[str]:
    """Whether proposals beat random draws after the first rung, before any trial was selected."""
    return [
        f"With a chance of {Interval(row.chance, row.low, row.high).text(2)}, a configuration that "
        f"the model proposed has a lower loss after {counted(row.epoch, 'epoch')} than one drawn "
        f"at random ({counted(row.proposed, 'proposal')}, {counted(row.drawn, 'random draw')}): "
        f"{_beside_chance(Interval(row.chance, row.low, row.high))}."
        for row in comparison.head(1).itertuples()
    ]


def _beside_chance(chance: Interval) -> str:
    if not chance.excludes(0.5):
        return "the model may be no better than chance, which is 0.5"
    return "the model is better than chance" if chance.value > 0.5 else "it is worse than chance"


def headline(comparison: pd.DataFrame) -> Found:
    first = comparison.iloc[0]
    chance = Interval(first["chance"], first["low"], first["high"])
    return says(comparison)[0], chance.excludes(0.5)
