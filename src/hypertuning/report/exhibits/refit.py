"""The winner, trained again on all images but the test images."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hypertuning.report import style
from hypertuning.report.exhibit import MODEL, Exhibit, shown_in
from hypertuning.report.lines import TRAINING, few
from hypertuning.report.scales import ACCURACY, LOSS, epoch_axis, value_axis
from hypertuning.report.style import new_figure, styled


@shown_in(MODEL, place=220)
def exhibit(tables: Mapping[str, pd.DataFrame]) -> Exhibit:
    rows = tables.get("refit", pd.DataFrame())
    return Exhibit(
        "refit",
        "The winner, trained again on the images of training and validation together, for as "
        "many epochs as its repeats needed on average.",
        rows,
        "the winner has not been refitted yet",
        lambda: draw(rows),
    )


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """Training loss and accuracy of the refit by epoch; nothing is held out to validate on."""
    figure = new_figure(7.6, 2.5, "Training loss and accuracy of the refit")
    panels = figure.subplots(1, 2)
    measures = (("train_loss", LOSS), ("train_accuracy", ACCURACY))
    for axes, (column, label) in zip(panels, measures, strict=True):
        look = {**TRAINING, "marker": few("o", rows)}
        axes.plot(rows["epoch"], rows[column], color=style.BLUE, **look)
        axes.set_ylabel(label)
        epoch_axis(axes, rows["epoch"].max())
        value_axis(axes, rows[column].to_numpy(float))
    return figure
