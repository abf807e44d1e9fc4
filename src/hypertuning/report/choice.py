"""Which configuration is the best on the images of a data set, and the runs that show it."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hypertuning.config import BEST, OBJECTIVE
from hypertuning.intervals import Interval, of_mean, of_share
from hypertuning.report.data import Data, Registered, alike
from hypertuning.report.frames import best_first
from hypertuning.report.trials import best_runs


class Choice(NamedTuple):
    """The best configuration on some images."""

    study: Any
    """The row of the study in which its runs are."""
    trial_id: str
    """Of the trial that found it."""
    run_name: str
    """Without the seed, if there are several runs."""
    runs: pd.DataFrame
    """One, or several that differ only in their seed."""
    accuracies: np.ndarray
    """Validation accuracy of each run in its epoch of the lowest loss."""
    among: int
    """Number of candidates, or else of trials, from which it was chosen."""
    searched_loss: float | None = None
    """Its loss in the search, if it was trained again after that."""
    predictions: pd.DataFrame = pd.DataFrame()
    """Its answers to the test images; no rows if it has not been tested."""

    @property
    def loss(self) -> Interval:
        value, low, high = of_mean(self.runs[BEST].to_numpy(float))
        return Interval(value, np.clip(low, 0, None), high)

    @property
    def accuracy(self) -> Interval:
        """The interval is over the runs, or for a single run over the validation images."""
        if len(self.runs) == 1 and not pd.isna(self.study.val_images):
            images = int(self.study.val_images)
            return of_share(round(float(self.accuracies.sum()) * images), images)
        return Interval(*np.clip(of_mean(self.accuracies), 0, 1))


def choices(data: Data) -> list[Choice]:
    """The best configuration on each data set, the one with the most trials first."""
    names = data.studies["dataset"].fillna("unknown")
    trials = data.trials["study_id"].map(dict(zip(data.studies["study_id"], names, strict=True)))
    best_of = (_best(data, data.studies[names == name]) for name in trials.value_counts().index)
    return [choice for choice in best_of if choice]


def _best(data: Data, studies: pd.DataFrame) -> Choice | None:
    """The choice of the lowest loss on any images of one data set.

    The loss may be lower because of more training images: then the model is better, too.
    """
    groups = (choose(data.of(ids)) for ids in alike(studies))
    found = [choice for choice in groups if choice]
    return min(found, key=lambda choice: choice.loss.value, default=None)


def choose(data: Data) -> Choice | None:
    """The best on the same images: what `register` chose by repeats, or else the lowest loss.

    Repeats come first, because the best of many single runs is partly the luckiest of them.
    """
    chosen = [_winner(data, study) for study in data.of(data.ids("register")).studies.itertuples()]
    if winners := [choice for choice in chosen if choice]:
        return min(winners, key=lambda choice: choice.loss.value)
    trials = searched(data)
    runs = best_runs(trials)
    if runs.empty:
        return None
    first = next(runs.itertuples())
    study = next(data.of([first.study_id]).studies.itertuples())
    accuracies = _accuracies(data, runs)
    name = min(runs["run_name"].fillna(""), key=len)
    return Choice(study, first.trial_id, name, runs, accuracies, len(best_first(trials)))


def searched(data: Data) -> pd.DataFrame:
    """All trials except the repeats of `register`."""
    return data.trials[data.trials["stage"] != "register"]


def _winner(data: Data, study) -> Choice | None:
    """What a study of the stage register has chosen, if it has chosen already."""
    made = data.registered.get(study.study_id, Registered({}, "")).tables
    if "candidates" not in made:
        return None
    candidates, repeats = made["candidates"], made["repeats"]
    winner = next(candidates[candidates["winner"]].itertuples())
    own = repeats.loc[repeats["candidate"] == winner.candidate, "trial_id"]
    trials = data.of([study.study_id]).trials
    runs = trials[trials["trial_id"].isin(own)]
    return Choice(
        study,
        winner.source_trial,
        winner.run_name,
        runs,
        _accuracies(data, runs),
        len(candidates),
        winner.searched_val_loss,
        made.get("predictions", pd.DataFrame()),
    ) if len(runs) else None  # fmt: skip


def _accuracies(data: Data, runs: pd.DataFrame) -> np.ndarray:
    curves = data.curves[data.curves["run_id"].isin(runs["run_id"])]
    losses = curves.dropna(subset=[OBJECTIVE]).groupby("run_id")[OBJECTIVE]
    return curves.loc[losses.idxmin(), "val_accuracy"].to_numpy(float)
