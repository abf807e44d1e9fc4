"""Whether the loss after a few epochs predicts the loss after many."""

import itertools

import pandas as pd
from matplotlib.figure import Figure

from hypertuning.intervals import Interval, of_rank_correlation
from hypertuning.report import style
from hypertuning.report.exhibit import Exhibit, Found, shown_in
from hypertuning.report.rungs import rung_losses
from hypertuning.report.scales import hopeful, loss_axis
from hypertuning.report.style import new_figure, styled
from hypertuning.words import counted

TELLING = 0.5
"""A rank correlation above this keeps most of the order of the trials."""


@shown_in("bohb", place=110)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    losses = rung_losses(trials, curves)
    correlations = table(losses)
    return Exhibit(
        "rank_correlation",
        "Whether the loss after a few epochs ranks the trials as that after the last rung does. "
        "Only the best trials pass a rung, and they are alike: among all trials, ρ would be "
        "larger.",
        correlations,
        "fewer than three trials have a loss after two different rungs",
        lambda: draw(losses, correlations),
        says(correlations),
        headline=lambda: headline(correlations),
    )


def table(losses: pd.DataFrame) -> pd.DataFrame:
    """How well a rung orders the trials as a later one does, from the rows of `rung_losses`.

    Spearman's ρ over the `trials` that reached both, three at least, with its 95 % interval. Only
    the best trials pass a rung, and they are alike: among all trials, ρ would be larger.
    """
    by_epoch = losses.pivot(index="run_id", columns="epoch", values="val_loss")
    rows = []
    for early, late in itertools.combinations(by_epoch.columns, 2):
        both = by_epoch[[early, late]].dropna()
        if len(both) < 3:
            continue
        rho = of_rank_correlation(both[early].to_numpy(), both[late].to_numpy())
        rows.append((early, late, len(both), rho.value, rho.low, rho.high))
    return pd.DataFrame(rows, columns=["epoch", "later", "trials", "rho", "low", "high"])


@styled
def draw(rows: pd.DataFrame, correlations: pd.DataFrame) -> Figure:
    """The loss after each earlier rung against that after the last one.

    Args:
        rows: Of `rung_losses`.
        correlations: Of `table`.
    """
    last = correlations["later"].max()
    shown = correlations[correlations["later"] == last]
    title = f"Do few epochs predict {last}?"
    note = "ρ: rank correlation of the trials that reached both, with its 95 % interval."
    figure = new_figure(max(3.4, 0.6 + 2.3 * len(shown)), 2.9, title, note)
    panels = figure.subplots(1, max(1, len(shown)), squeeze=False, sharey=True)[0]
    losses = rows.pivot(index="run_id", columns="epoch", values="val_loss")
    for axes, pair in zip(panels, shown.itertuples(), strict=False):
        both = losses[[pair.epoch, last]].dropna()
        loss_axis(axes, both[last].to_numpy(float))
        axes.scatter(both[pair.epoch], both[last], 14, color=style.BLUE, alpha=0.6, lw=0)
        axes.set_xlabel(f"after {counted(pair.epoch, 'epoch')}")
        axes.grid(True, axis="both")
        axes.locator_params(axis="x", nbins=4)
        known = f" ({pair.low:.2f} to {pair.high:.2f})" if pair.low == pair.low else ""
        rho = f"{pair.rho:.2f}" if pair.rho == pair.rho else "unknown"
        axes.set_title(f"ρ = {rho}{known}, {pair.trials} trials", fontsize=7.5)
        kept = hopeful(both[pair.epoch].to_numpy(float))
        room = 0.05 * (kept.max() - kept.min()) or 0.05
        axes.set_xlim(kept.min() - room, kept.max() + room)
    panels[0].set_ylabel(f"validation loss after {last} epochs\n(nats per image)")
    return figure


def says(correlations: pd.DataFrame) -> list[str]:
    """Whether the first rung predicts the last."""
    return [
        f"The rank correlation of the losses after {counted(row.epoch, 'epoch')} and after "
        f"{counted(row.later, 'epoch')} is {Interval(row.rho, row.low, row.high).text(2)}, over "
        f"the {row.trials} trials that got that far{_verdict(row.low)}."
        for row in _first_and_last(correlations).itertuples()
        if row.rho == row.rho
    ]


def _verdict(low: float) -> str:
    """What the lower end of the interval means; nothing where there is none."""
    if pd.isna(low):
        return ""
    if low > TELLING:
        return ": the first epochs tell most of the order"
    return (
        ": the first epochs tell part of the order"
        if low > 0
        else ": the first epochs may tell nothing of the order"
    )


def headline(correlations: pd.DataFrame) -> Found:
    said = says(correlations)
    if not said:
        return None
    pair = _first_and_last(correlations).iloc[0]
    return said[0], Interval(pair["rho"], pair["low"], pair["high"]).excludes(0)


def _first_and_last(rows: pd.DataFrame) -> pd.DataFrame:
    """The pair of rungs that are farthest apart."""
    return rows[(rows["epoch"] == rows["epoch"].min()) & (rows["later"] == rows["later"].max())]
