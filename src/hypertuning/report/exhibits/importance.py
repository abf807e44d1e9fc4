"""Which hyperparameters the loss depends on."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import rankdata

from hypertuning.report import style
from hypertuning.report.exhibit import Exhibit, Found, shown_in
from hypertuning.report.frames import varied
from hypertuning.report.parameters import scale_of
from hypertuning.report.rungs import rung_losses
from hypertuning.report.style import new_figure, styled
from hypertuning.report.texts import NAMED, words
from hypertuning.words import counted

COLUMNS = ["parameter", "importance", "low", "high", "explained", "epoch", "trials"]
FEWEST = 12
"""Fewest trials for which importance is computed."""
TELLING = 0.1
"""Of a forest that explains a smaller share of the variance, no parameter is named."""
_WANTED = 24
"""The latest rung that this many trials have reached is taken, if there is one."""
_REPEATS, _TREES = 5, 30


@shown_in("bohb", place=120)
def exhibit(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = table(trials, curves)
    return Exhibit(
        "importance",
        "Permutation importance in a random forest: how much worse it predicts trials that it has "
        "not seen when the values of a parameter are shuffled. Trials that got this far were "
        "selected: a parameter that is right in all of them looks unimportant.",
        rows,
        f"fewer than {FEWEST} trials have a loss after the same number of epochs",
        lambda: draw(rows),
        says(rows),
        headline=lambda: headline(rows),
    )


def table(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Ask a random forest which parameters the ranks of the losses depend on.

    The losses are those after `epoch` epochs, the most that enough trials had: losses after
    different numbers of epochs cannot be compared. `explained` is the share of the variance of the
    ranks that the forest explains for trials which it has not seen (cross-validation); near 0, the
    other columns mean nothing. `importance` is what shuffling a parameter takes from that share
    (permutation importance, Breiman 2001); `low` and `high` are its extremes over repeats with
    other folds.
    """
    losses = rung_losses(trials, curves)
    counts = losses.groupby("epoch").size()
    enough = counts[counts >= _WANTED]
    counts = enough if len(enough) else counts[counts == counts.max()]
    names = varied(trials)
    if not len(counts) or counts.iloc[-1] < FEWEST or not names:
        return pd.DataFrame(columns=COLUMNS)
    epoch = counts.index[-1]
    at = losses[losses["epoch"] == epoch].merge(trials[["run_id", *names]], on="run_id")
    inputs = np.column_stack([_numbers(at[name]) for name in names])
    ranks = rankdata(at["val_loss"]) / len(at)
    if ranks.var() == 0:
        return pd.DataFrame(columns=COLUMNS)
    drops, explained = _cross_validated(inputs, ranks)
    rows = pd.DataFrame({
        "parameter": names, "importance": drops.mean(axis=0),
        "low": drops.min(axis=0), "high": drops.max(axis=0),
        "explained": explained, "epoch": epoch, "trials": len(at),
    })  # fmt: skip
    return rows.sort_values("importance", ascending=False, ignore_index=True)


def _cross_validated(inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float]:
    """Shares of the variance lost by shuffling, (repeats, parameters), and explained without."""
    # takes most of a second to import, and few studies get this far
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    folds = 5 if len(targets) < 200 else 3  # enough is held back even so
    drops, errors = [], []
    for repeat in range(_REPEATS):
        lost, missed = [], []
        for learnt, held in KFold(folds, shuffle=True, random_state=repeat).split(inputs):
            # trees of bounded size: hundreds of trials show what matters as well as thousands
            forest = RandomForestRegressor(
                _TREES, max_samples=min(len(learnt), 300), random_state=repeat
            ).fit(inputs[learnt], targets[learnt])
            shuffled = permutation_importance(
                forest, inputs[held], targets[held], scoring="neg_mean_squared_error",
                n_repeats=1, random_state=repeat,
            )  # fmt: skip
            lost.append(len(held) * shuffled.importances_mean)
            missed.append(np.square(forest.predict(inputs[held]) - targets[held]).sum())
        drops.append(np.sum(lost, axis=0) / len(targets) / targets.var())
        errors.append(np.sum(missed) / len(targets) / targets.var())
    return np.array(drops), float(1 - np.mean(errors))


def _numbers(values: pd.Series) -> np.ndarray:
    """A parameter as numbers: categories are numbered, missing values lie below all others."""
    if scale_of(values) == "category":
        return pd.Categorical(values).codes.astype(float)
    numbers = values.astype(float).to_numpy()
    return np.where(np.isnan(numbers), np.nanmin(numbers) - 1, numbers)


@styled
def draw(rows: pd.DataFrame) -> Figure:
    """How much of the forest's explanation each parameter carries, with its spread."""
    first = rows.iloc[0]
    share, epoch = first["explained"], first["epoch"]
    title = f"Which parameters the loss after {counted(epoch, 'epoch')} depends on"
    told = f"{100 * share:.0f} % of the ranks of {counted(first['trials'], 'trial')}"
    explains = f"A forest explains {told} that it has not seen"
    note = f"{explains}. Bars: extremes over repeats."
    if share < TELLING:
        note = f"{explains}: too little for the order of the parameters to mean anything."
    figure = new_figure(5.4, 1.0 + 0.24 * len(rows), title, note)
    axes = figure.subplots()
    places = np.arange(len(rows))[::-1]
    colour = style.BLUE if share >= TELLING else style.FAINT
    spread = (rows["importance"] - rows["low"], rows["high"] - rows["importance"])
    axes.barh(places, rows["importance"], 0.62, color=colour, alpha=0.35)
    axes.errorbar(
        rows["importance"], places, xerr=spread, fmt="o", ms=4, color=colour, elinewidth=1.2
    )
    axes.axvline(0, color=style.FAINT, lw=0.7)
    axes.set_yticks(places, [words(name) for name in rows["parameter"]])
    axes.set_xlabel("explained share of the variance that shuffling it takes away")
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    return figure


def says(rows: pd.DataFrame) -> list[str]:
    """The parameters that matter to the forest."""
    if rows.empty:
        return []
    share, epoch, known = rows.iloc[0][["explained", "epoch", "trials"]]
    if not _tells(rows):
        return [
            f"Which parameters the loss depends on cannot be told from {counted(known, 'trial')}."
        ]
    clear = rows.loc[rows["low"] > 0, "parameter"].head(NAMED).map(words)
    return [
        f"The loss after {counted(epoch, 'epoch')} depends most on {', '.join(clear)} (a random "
        f"forest explains {100 * share:.0f} % of the ranks of trials that it has not seen)."
    ]


def headline(rows: pd.DataFrame) -> Found:
    return (says(rows)[0], True) if _tells(rows) else None


def _tells(rows: pd.DataFrame) -> bool:
    """Whether the forest explains enough to name a parameter."""
    return bool(rows["explained"].iloc[0] >= TELLING and (rows["low"] > 0).any())
