"""The best configurations of a search, trained again: which of them is chosen."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hypertuning.intervals import Interval, of_mean
from hypertuning.report import style
from hypertuning.report.exhibit import MODEL, Exhibit, Found, shown_in
from hypertuning.report.lines import legend_above
from hypertuning.report.scales import LOSS
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import shorten
from hypertuning.words import counted


@shown_in(MODEL, place=210)
def exhibit(tables: Mapping[str, pd.DataFrame]) -> Exhibit:
    candidates, repeats = (tables.get(name, pd.DataFrame()) for name in ("candidates", "repeats"))
    return Exhibit(
        "choice",
        "The best configurations of the search, each trained again with fresh seeds.",
        candidates,
        "the repeats have not all been trained yet",
        lambda: draw(candidates, repeats),
        says(candidates),
        {"candidates": candidates, "repeats": repeats},
        lambda: headline(candidates),
    )


@styled
def draw(rows: pd.DataFrame, repeats: pd.DataFrame) -> Figure:
    """Validation loss of each candidate: in the search, of every repeat, and their mean."""
    note = "Bars: 95 % intervals of the mean over the repeats, which differ in their seed."
    title = "Best validation loss in the search and trained again"
    note = note if rows["low"].notna().any() else ""
    figure = new_figure(6.4, 1.3 + 0.34 * len(rows), title, note)
    axes = figure.subplots()
    axes.grid(axis="x")
    axes.grid(False, axis="y")
    places = np.arange(len(rows))
    axes.plot(rows["searched_val_loss"], places, ls="", marker="D", mfc="white", color=style.FAINT,
              label="in the search")  # fmt: skip
    rows_of = dict(zip(rows["candidate"], places, strict=True))
    axes.plot(repeats["best_val_loss"], repeats["candidate"].map(rows_of), ls="", marker="|", ms=9,
              color=style.SKY, label="trained again")  # fmt: skip
    for winner, colour, name in ((False, style.BLUE, "mean"), (True, style.VERMILLION, "winner")):
        own = rows["winner"] == winner
        shown, bars = rows[own], rows.loc[own, ["low", "high"]]
        errors = (shown["val_loss"] - bars["low"], bars["high"] - shown["val_loss"])
        marker = "s" if winner else "o"
        axes.errorbar(shown["val_loss"], places[own], xerr=errors, fmt=marker, color=colour,
                      elinewidth=1.2, label=name if len(shown) else None)  # fmt: skip
    names = rows["source_trial"] + "  " + rows["run_name"]
    axes.set_yticks(places, [shorten(name, 44) for name in names])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"validation {LOSS}")
    legend_above(axes, axes.get_legend_handles_labels()[0], length=1)
    return figure


def says(rows: pd.DataFrame) -> list[str]:
    """Which candidate is best on average, and by how much the search had flattered all of them."""
    if rows.empty:
        return []
    best = rows[rows["winner"]].iloc[0]
    mean = Interval(best["val_loss"], best["low"], best["high"])
    which = f"best of {len(rows)} candidates on average" if len(rows) > 1 else "only candidate"
    said = [
        f"The {which} is trial {best['source_trial']} "
        f"({best['run_name']}): a validation loss of {mean.text()} over "
        f"{counted(best['repeats'], 'repeat')}; its trial in the search had "
        f"{best['searched_val_loss']:.3f}."
    ]
    if broken := int((rows["broken"] > 0).sum()):
        said.append(f"{counted(broken, 'candidate')} failed in a repeat, and could not win.")
    if luck := headline(rows):
        said.append(luck[0])
    return said


def headline(rows: pd.DataFrame) -> Found:
    """By how much the search had flattered the candidates whose repeats had as many epochs."""
    alike = rows[rows["epochs"] == rows["searched_epochs"]]
    changes = (alike["val_loss"] - alike["searched_val_loss"]).dropna().astype(float)
    if len(changes) < 2:
        return None
    change = of_mean(changes.to_numpy())
    why = ": the best of many are partly the luckiest ones." if change.low > 0 else "."
    text = (
        f"Trained again with new seeds, the {len(changes)} candidates have a validation loss that "
        f"differs from the one in the search by {change.text(sign=True)} on average{why}"
    )
    return text, change.excludes(0)
