"""The wrong answers that a model was surest of."""

import base64
import io
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from hypertuning.report.answers import UNTESTED
from hypertuning.report.exhibit import MODEL, Exhibit, shown_in
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import shorten

NONE = "the model takes no test image for something else"


@shown_in(MODEL, place=260)
def exhibit(tables: Mapping[str, pd.DataFrame]) -> Exhibit:
    rows = tables.get("mistakes", pd.DataFrame())
    return Exhibit(
        "mistakes",
        "Test images that the model takes for something else, the surest answers first.",
        rows,
        NONE if "predictions" in tables else UNTESTED,
        lambda: draw(rows),
    )


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """The wrong answers that the model was surest of, with the pictures."""
    across = min(6, max(3, len(rows)))
    down = -(-len(rows) // across)
    note = "Above each test image: its class, what the model takes it for, and how surely."
    figure = new_figure(1.27 * across, 0.75 + 1.55 * down, "The most confident mistakes", note)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, row in zip(panels, rows.itertuples(), strict=False):
        _mistake(axes, row)
    return figure


def _mistake(axes: Axes, row) -> None:
    with Image.open(io.BytesIO(base64.b64decode(row.png))) as picture:
        axes.imshow(picture.convert("RGB"), interpolation="nearest")
    label, predicted = shorten(row.label, 18), shorten(row.predicted, 12)
    text = f"{label}\n→ {predicted}, {row.probability:.2f}"
    axes.set_title(text, fontsize=7, loc="left", linespacing=1.1)
