"""Whether a model's probabilities can be believed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from hypertuning.intervals import of_share
from hypertuning.report import style
from hypertuning.report.answers import UNTESTED, from_answers, labelled
from hypertuning.report.exhibit import MODEL, Exhibit, shown_in
from hypertuning.report.scales import ACCURACY
from hypertuning.report.style import new_figure, styled

BINS = 15
"""Of equal width, as in Guo et al., On Calibration of Modern Neural Networks (ICML 2017)."""


@shown_in(MODEL, place=250)
def exhibit(tables: Mapping[str, pd.DataFrame]) -> Exhibit:
    rows = from_answers(tables, table)
    caption = "Whether the model's probabilities can be believed."
    return Exhibit("calibration", caption, rows, UNTESTED, lambda: draw(rows))


def table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Mean probability (`confidence`) beside accuracy in bins of the probability, empty ones too.

    A bin holds what lies above `bin_low` and not above `bin_high` (Guo et al., section 2);
    `low` to `high` is Wilson's interval of the accuracy.
    """
    shown = labelled(predictions)
    edges = np.linspace(0, 1, BINS + 1)
    bins = shown.groupby(np.digitize(shown["probability"], edges[1:-1], right=True))
    counts = pd.DataFrame({"images": bins.size(), "correct": bins["right"].sum()}, range(BINS))
    counts = counts.fillna(0).astype(int)
    shares = np.array([of_share(row.correct, row.images) for row in counts.itertuples()])
    return pd.DataFrame({
        "bin_low": edges[:-1],
        "bin_high": edges[1:],
        "images": counts["images"],
        "confidence": bins["probability"].mean().reindex(range(BINS)),
        **dict(zip(("accuracy", "low", "high"), shares.T, strict=True)),
    })  # fmt: skip


def expected_error(rows: pd.DataFrame) -> float:
    """The mean distance of accuracy and confidence, of `table` (Guo et al., equation 3)."""
    distances = (rows["accuracy"] - rows["confidence"]).abs()  # NaN in empty bins, which sums skip
    return float((rows["images"] * distances).sum() / rows["images"].sum())


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """Accuracy against probability, bin by bin, above how many images lie in each bin."""
    note = (
        "Below the diagonal the model is surer than it is right. Bars: 95 % intervals (Wilson); "
        "the fainter a dot, the fewer images."
    )
    figure = new_figure(4.6, 4.6, "Accuracy against the probability that the model gives", note)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color=style.FAINT, lw=0.8, ls=":")
    filled = rows[rows["images"] > 0]
    for row in filled.itertuples():
        weight = 0.3 + 0.7 * min(1, row.images / (0.02 * filled["images"].sum()))
        bars = [[row.accuracy - row.low], [row.high - row.accuracy]]
        above.errorbar(row.confidence, row.accuracy, bars, fmt="o", color=style.BLUE, alpha=weight)
    above.set_ylabel(ACCURACY)
    above.set_ylim(-0.03, 1.03)
    widths = rows["bin_high"] - rows["bin_low"]
    below.bar(rows["bin_low"], rows["images"] / rows["images"].sum(), widths, align="edge",
              color=style.SKY, edgecolor="white", lw=0.5)  # fmt: skip
    below.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    below.set_ylabel("of the images")
    below.set_xlabel("probability of the predicted class")
    below.set_xlim(-0.02, 1.02)
    return figure
