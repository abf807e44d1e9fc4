"""What became of trials on their way up the rungs, and what a rung says of the next."""

import itertools

import pandas as pd

from hypertuning.intervals import of_chance_below, of_rank_correlation
from hypertuning.report.tables.trials import ARM_NAMES, BEST, joined, with_columns

MOST_RUNGS = 5


def trial_curves(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Follow every trial to where it stopped: validation loss by epoch, and its fate.

    `group` is its bracket, named by the first rung, or its arm where the arms differ; `best` marks
    the trial with the lowest loss.
    """
    rows = joined(trials, curves, "outcome", "augment", "bracket", BEST, "epochs_run")
    rows = rows.dropna(subset=["val_loss"])
    groups = _groups(with_columns(trials, "augment", "outcome", "bracket", "rung", "epochs_run"))
    rows["group"] = rows["run_id"].map(groups)
    best = rows.loc[rows[BEST].astype(float).idxmin(), "run_id"] if rows[BEST].notna().any() else ""
    rows["best"] = rows["run_id"] == best
    rows["outcome"] = rows["outcome"].fillna("running")
    shown = ["trial_id", "group", "epoch", "val_loss", "outcome", "best"]
    return rows[shown].reset_index(drop=True)


def survival(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Count the trials of each group that trained for at least so many epochs."""
    rows = trial_curves(trials, curves)
    return rows.groupby(["group", "epoch"])["trial_id"].nunique().rename("trials").reset_index()


def _groups(trials: pd.DataFrame) -> pd.Series:
    """The name of each trial's arm or bracket, by its run."""
    runs = trials.set_index("run_id")
    if runs["augment"].nunique() > 1:
        return runs["augment"].map(ARM_NAMES)
    if runs["bracket"].nunique() < 2:
        return pd.Series("all trials", runs.index)
    lowest = runs[runs["rung"] == runs.groupby("bracket")["rung"].transform("min")]
    first = _on_their_way(lowest).groupby("bracket")["epochs_run"].max()
    return "first rung: epoch " + runs["bracket"].map(first).astype(str)


def _on_their_way(trials: pd.DataFrame) -> pd.DataFrame:
    """Leave out the trials that ended of themselves, and where they happened to."""
    epochs = pd.to_numeric(trials["epochs_run"]).fillna(0)
    return trials[~trials["outcome"].isin(["diverged", "failed"]) & (epochs > 0)]


def rungs(trials: pd.DataFrame) -> list[int]:
    """The epochs at which rungs end, at most some of them, the last included.

    That is how far the trials got whose last job was on that rung, also while they wait there.
    """
    known = _on_their_way(with_columns(trials, "outcome", "epochs_run", "bracket", "rung"))
    ends = known.groupby(["bracket", "rung"], dropna=False)["epochs_run"].max()
    found = sorted({int(epoch) for epoch in ends})
    if len(found) <= MOST_RUNGS:
        return found
    step = (len(found) - 1) / (MOST_RUNGS - 1)
    return [found[round(place * step)] for place in range(MOST_RUNGS)]


def rung_losses(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Each trial's validation loss after as many epochs as end a rung, for all that got there."""
    rows = joined(trials, curves, "sampler").dropna(subset=["val_loss"])
    rows = rows[rows["epoch"].isin(rungs(trials))]
    rows["sampler"] = rows["sampler"].astype(object).fillna("other")
    return rows[["trial_id", "run_id", "sampler", "epoch", "val_loss"]].reset_index(drop=True)


def rank_correlation(losses: pd.DataFrame) -> pd.DataFrame:
    """How well a rung orders the trials as a later one does, from the rows of `rung_losses`.

    Spearman's ρ over the `trials` that reached both, three at least, with its 95 % interval. Those
    that an earlier rung had to let pass are alike, which makes ρ smaller than it is among all.
    """
    table = losses.pivot(index="run_id", columns="epoch", values="val_loss")
    rows = []
    for early, late in itertools.combinations(table.columns, 2):
        both = table[[early, late]].dropna()
        if len(both) < 3:
            continue
        rho = of_rank_correlation(both[early].to_numpy(), both[late].to_numpy())
        rows.append((early, late, len(both), rho.value, rho.low, rho.high))
    return pd.DataFrame(rows, columns=["epoch", "later", "trials", "rho", "low", "high"])


def samplers(losses: pd.DataFrame) -> pd.DataFrame:
    """How proposals of a model fare against random draws, rung by rung, from `rung_losses`.

    `chance` is that of a proposal to have a lower loss than a random draw, with its 95 % interval;
    0.5 is no better than random. Whoever trained for one epoch is there; at later rungs stand those
    that were promoted, or began there.
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
        chance = of_chance_below(model, drawn)
        medians = pd.Series(model).median(), pd.Series(drawn).median()
        counts_and_bests = len(model), len(drawn), *medians, model.min(), drawn.min()
        rows.append((epoch, *counts_and_bests, *chance))
    names = ["epoch", "proposed", "drawn", "median_proposed", "median_drawn", "best_proposed"]
    return pd.DataFrame(rows, columns=[*names, "best_drawn", "chance", "low", "high"])
