"""What each parameter of the structure does to the accuracy."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hypertuning.intervals import Interval, of_blocked_means, of_mean
from hypertuning.report import style
from hypertuning.report.exhibit import Exhibit, Found, shown_in
from hypertuning.report.frames import ACCURACY, fully_trained, varied
from hypertuning.report.scales import value_axis
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import brief, shorten, words
from hypertuning.words import counted

SAID = 4
"""Of a parameter with more steps, the largest ones get a sentence."""
LETTERS = 22
"""What a panel has room for below its axis; of many values, some are named."""


@shown_in("grid", place=30)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows, steps = table(trials), contrasts(trials)
    return Exhibit(
        "main_effects",
        "What each parameter of the structure does on average, compared on otherwise equal "
        "structures.",
        rows,
        "no two structures that differ in only one parameter have been trained",
        lambda: draw(rows),
        says(steps),
        {"contrasts": steps},
        lambda: headline(steps),
    )


def table(trials: pd.DataFrame) -> pd.DataFrame:
    """Average the best validation accuracy over all structures that share one value.

    A block is a combination of the other parameters. Only the `blocks` that were trained with every
    value count, so the values are compared on the same structures. `low` and `high` are the ends of
    95 % intervals from which the differences between blocks are taken out.
    """
    rows = []
    for parameter, blocks in _blocks(trials):
        for value, mean in zip(blocks.columns, of_blocked_means(blocks.to_numpy()), strict=True):
            rows.append((parameter, value, len(blocks), mean.value, mean.low, mean.high))
    return pd.DataFrame(rows, columns=["parameter", "value", "blocks", "mean", "low", "high"])


def contrasts(trials: pd.DataFrame) -> pd.DataFrame:
    """What every step of a parameter adds to the best validation accuracy, block by block.

    `difference` is the mean over `blocks` pairs of structures that differ only in this value, with
    the ends of its 95 % t interval, not corrected for multiple comparisons.
    """
    rows = []
    for parameter, blocks in _blocks(trials):
        for lower, upper in itertools.pairwise(blocks.columns):
            step = of_mean((blocks[upper] - blocks[lower]).to_numpy())
            rows.append((parameter, lower, upper, len(blocks), step.value, step.low, step.high))
    names = ["parameter", "start", "to", "blocks", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def _blocks(trials: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each varied parameter with a frame (blocks, its values) of accuracies without gaps."""
    measured = fully_trained(trials).dropna(subset=[ACCURACY])
    parameters = [name for name in varied(measured) if not _follows(measured, name)]
    for parameter in parameters:
        others = [name for name in parameters if name != parameter]
        keys = measured[others].astype(object).where(measured[others].notna(), "none")
        index = [keys[name] for name in others] or [np.zeros(len(measured))]
        means = measured[ACCURACY].groupby([*index, measured[parameter]]).mean().unstack()
        if len(complete := means.dropna()):
            yield parameter, complete


def _follows(trials: pd.DataFrame, name: str) -> bool:
    """Whether this is the padding, and it was not chosen but computed from the kernel."""
    return name == "padding" and bool((trials["padding"] == trials["kernel_size"] // 2).all())


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """Mean accuracy of all structures that share a value, a panel for each parameter."""
    parameters = list(dict.fromkeys(rows["parameter"]))
    note = (
        f"Bars: 95 % intervals of the mean, the differences between structures taken out. "
        f"Each mean is over {_span(rows['blocks'])} otherwise equal structures."
    )
    title = "Mean best validation accuracy, by parameter"
    figure = new_figure(max(4.0, 1 + 1.65 * len(parameters)), 2.9, title, note)
    panels = figure.subplots(1, len(parameters), sharey=True, squeeze=False)[0]
    ends = rows[["mean", "low", "high"]].to_numpy(float).ravel()
    for axes, parameter in zip(panels, parameters, strict=True):
        shown = rows[rows["parameter"] == parameter]
        places = range(len(shown))
        bars = (shown["mean"] - shown["low"], shown["high"] - shown["mean"])
        axes.plot(places, shown["mean"], color=style.BLUE, lw=0.8, alpha=0.5)
        axes.errorbar(places, shown["mean"], bars, fmt="o", ms=5, color=style.BLUE, elinewidth=1.2)
        names = [shorten(brief(value), 10) for value in shown["value"]]
        step = math.ceil(len(names) * (max(map(len, names)) + 1) / LETTERS)
        axes.set_xticks(places[::step], names[::step])
        axes.set_xlim(-0.5, len(shown) - 0.5)
        axes.set_title(words(parameter))
        value_axis(axes, ends[~np.isnan(ends)])
    panels[0].set_ylabel("accuracy (fraction of images)")
    return figure


def _span(counts: pd.Series) -> str:
    low, high = counts.min(), counts.max()
    return f"{low}" if low == high else f"{low} to {high}"


def says(steps: pd.DataFrame) -> list[str]:
    """What the steps of each parameter of the grid do, of `contrasts`.

    Of many, the largest ones that are clear, then the largest others.
    """
    said = []
    for parameter, its in steps.groupby("parameter", sort=False):
        sizes = its["difference"].abs() + _are_clear(its) * its["difference"].abs().max()
        largest = sizes.nlargest(SAID).index
        said += [
            f"{words(row.parameter).capitalize()} {brief(row.start)} → {brief(row.to)}: "
            f"{_verdict(Interval(row.difference, row.low, row.high))} over "
            f"{counted(row.blocks, 'pair')} of otherwise equal structures."
            for row in its.loc[sorted(largest)].itertuples()
        ]
        if more := len(its) - len(largest):
            said.append(
                f"{words(parameter).capitalize()}: {counted(more, 'other step')}, which differ "
                "less, or less clearly; see the table of contrasts."
            )
    return said


def _are_clear(steps: pd.DataFrame) -> pd.Series:
    """Whether each interval leaves out 0."""
    return (steps["low"] > 0) | (steps["high"] < 0)


def _verdict(difference: Interval) -> str:
    if not difference.excludes(0):
        verdict = "no clear difference in accuracy"
    else:
        verdict = "more accurate" if difference.value > 0 else "less accurate"
    return f"{verdict}, {difference.text(sign=True)}"


def headline(steps: pd.DataFrame) -> Found:
    """The step in `contrasts` that changes the accuracy most, a clear one if there is any."""
    clear = steps[_are_clear(steps)]
    some = clear if len(clear) else steps
    if some.empty:
        return None
    largest = some.loc[[some["difference"].abs().idxmax()]]
    return says(largest)[0], len(clear) > 0
