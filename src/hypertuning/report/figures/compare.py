"""Learning curves of the models."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hypertuning.report import marks, style
from hypertuning.report.marks import ACCURACY, LOSS, TRAINING, VALIDATION, End, few, shorten
from hypertuning.report.style import new_figure, styled


@styled
def learning_curves(rows: pd.DataFrame) -> Figure:
    """Loss and accuracy of each model by epoch, training dashed, validation solid."""
    repeats = rows["repeats"].max()
    bands = f"Lines: median of up to {repeats} repeats. Bands: lowest to highest."
    title = "Learning curves of the models, on training and validation images"
    figure = new_figure(7.6, 3.5, title, bands if repeats > 1 else "")
    panels = figure.subplots(1, 2)
    measures = (("loss", LOSS, marks.loss_axis), ("accuracy", ACCURACY, marks.value_axis))
    for axes, (measure, name, scale) in zip(panels, measures, strict=True):
        shown = rows[rows["measure"] == measure]
        scale(axes, shown[["middle", "low", "high"]].to_numpy().ravel())
        marks.epoch_axis(axes, rows["epoch"].max())
        axes.set_ylabel(name)
        marks.label_ends(axes, _model_curves(axes, shown))
    marks.splits_legend(panels[-1], few("o", rows["epoch"].unique()))
    return figure


def _model_curves(axes: Axes, rows: pd.DataFrame) -> list[End]:
    """Draw one measure of all models; where the validation lines end."""
    ends = []
    for place, (model, curves) in enumerate(rows.groupby("model")):
        colour, marker = style.MODEL_LOOKS.get(model, style.nth_look(place))
        for split, look in (("train", TRAINING), ("val", VALIDATION)):
            curve = curves[curves["split"] == split]
            look = {**look, "color": colour, "marker": few(marker, curve)}
            axes.fill_between("epoch", "low", "high", data=curve, color=colour, alpha=0.13, lw=0)
            axes.plot("epoch", "middle", data=curve, **look)
        epoch, middle, name = curve.iloc[-1][["epoch", "middle", "name"]]
        ends.append(End(epoch, middle, f"{shorten(name, 22)}  {middle:.2f}", colour))
    return ends
