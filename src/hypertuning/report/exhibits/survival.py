"""How many trials each rung let pass."""

import pandas as pd
from matplotlib.figure import Figure

from hypertuning.report import style
from hypertuning.report.exhibit import NO_EPOCH, Exhibit, shown_in
from hypertuning.report.exhibits import trial_curves
from hypertuning.report.lines import End, few, label_ends
from hypertuning.report.scales import epoch_axis
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import shorten


@shown_in("hyperband", "bohb", place=90)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials, curves)
    caption = "How many trials each rung let pass."
    return Exhibit("survival", caption, rows, NO_EPOCH, lambda: draw(rows))


def table(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Count the trials of each group that trained for at least `epoch` epochs."""
    rows = trial_curves.table(trials, curves)
    return rows.groupby(["group", "epoch"])["trial_id"].nunique().rename("trials").reset_index()


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """The number of trials by epoch, a line for each bracket or arm."""
    figure = new_figure(4.6, 2.8, "Trials that trained for at least this many epochs")
    axes = figure.subplots()
    ends = []
    for place, (group, shown) in enumerate(rows.groupby("group")):
        colour, marker = style.nth_look(place)
        look = {"color": colour, "ls": style.LINES[place % 4], "marker": few(marker, shown)}
        axes.step("epoch", "trials", data=shown, where="mid", **look)
        epoch, trials = shown.iloc[-1][["epoch", "trials"]]
        ends.append(End(epoch, trials, f"{shorten(group, 34)}: {trials}", colour))
    epoch_axis(axes, rows["epoch"].max())
    axes.set_ylim(0, 1.08 * rows["trials"].max())
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("trials")
    label_ends(axes, ends)
    return figure
