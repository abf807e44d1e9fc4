"""Curves of configurations that were not recorded: a random forest between those that were.

One forest gives the losses of all epochs together, so that a predicted curve is a mean of recorded
curves and has their shape. A predicted curve has no noise; `noise` gives that of a training seed.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import GroupKFold, cross_val_predict

from benchmarks.recorded import Trial
from hypertuning.domains import Value
from hypertuning.search.places import Places
from hypertuning.spaces import Space

FOLDS = 10
ALIKE = 10
ABSENT = -1.0
"""Where a parameter does not act."""


class Surrogate:
    """The losses that a configuration would reach, from the trials that were recorded."""

    def __init__(self, space: Space, trials: Sequence[Trial], max_epochs: int) -> None:
        self.places = Places(space)
        self.worst = 2 * float(np.median([trial.epochs[0]["val_loss"] for trial in trials]))
        """Losses count as no more than this, and a diverged trial as this: what lies beyond says
        nothing, and would rule the means."""
        self.configurations = np.array([trial.number for trial in trials])
        self.inputs = np.array([self.features(trial.values) for trial in trials])  # (n, d)
        self.curves = np.array([self._curve(trial, max_epochs) for trial in trials])  # (n, R)
        self.forest = _forest().fit(self.inputs, self.curves)
        self._trees = [tree.tree_ for tree in self.forest.estimators_]
        self._differences, self._levels = self._between_seeds()

    def features(self, values: Mapping[str, Value]) -> np.ndarray:
        """The vector of a configuration (d,), without NaN, which forests cannot all split by."""
        return np.nan_to_num(self.places.of(values), nan=ABSENT)

    def _curve(self, trial: Trial, max_epochs: int) -> np.ndarray:
        losses = [epoch["val_loss"] for epoch in trial.epochs]
        losses += [losses[-1]] * (max_epochs - len(losses))
        return np.clip(losses, None, self.worst)

    def __call__(self, values: Mapping[str, Value]) -> np.ndarray:
        """The loss after each epoch (R,)."""
        vector = np.array([self.features(values)], dtype=np.float32)
        # a tenth of what `forest.predict` takes for a single vector
        return np.mean([tree.predict(vector)[0, :, 0] for tree in self._trees], axis=0)

    def all(self, given: Sequence[Mapping[str, Value]]) -> np.ndarray:
        """The curves of many configurations (n, R)."""
        return self.forest.predict(np.array([self.features(values) for values in given]))

    def noise(self, expected: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What one seed adds to an expected curve (R,), as between two seeds that are recorded.

        Bad configurations are noisier than good ones: the pair is drawn from the ALIKE pairs whose
        best loss is nearest.
        """
        if not len(self._differences):
            return np.zeros_like(expected)
        alike = np.argsort(np.abs(self._levels - expected.min()))[:ALIKE]
        drawn = self._differences[rng.choice(alike)]
        return drawn * rng.choice([-1, 1]) / np.sqrt(2)

    def _between_seeds(self) -> tuple[np.ndarray, np.ndarray]:
        """Of every configuration with two seeds: the curve of one less that of the other
        (pairs, R), and the mean of their best losses (pairs,)."""
        pairs = [
            pair
            for number in np.unique(self.configurations)
            for pair in itertools.combinations(self.curves[self.configurations == number], 2)
        ]
        curves = np.array(pairs).reshape(-1, 2, self.curves.shape[1])
        return curves[:, 0] - curves[:, 1], curves.min(axis=2).mean(axis=1)

    def error(self) -> pd.DataFrame:
        """How far predictions are from configurations left out, in `FOLDS` folds.

        Columns: the epoch, or the best of all; the root of the mean squared error, of all trials
        and of the best third; the rank correlation.
        """
        folds = GroupKFold(min(FOLDS, len(np.unique(self.configurations))))
        predicted = cross_val_predict(
            _forest(), self.inputs, self.curves, groups=self.configurations, cv=folds
        )
        best = self.curves.min(axis=1)
        good = best <= np.quantile(best, 1 / 3)
        epochs = zip(itertools.count(1), predicted.T, self.curves.T, strict=False)
        return pd.DataFrame(
            {
                "epoch": epoch,
                "error": _root_mean_square(guess - known),
                "of_the_best_third": _root_mean_square((guess - known)[good]),
                "rank_correlation": spearmanr(guess, known).statistic,
            }
            for epoch, guess, known in (*epochs, ("best", predicted.min(axis=1), best))
        )

    def seed_deviation(self) -> float:
        """The deviation of a loss between seeds, in the better half: no prediction is nearer."""
        better = self._differences[np.argsort(self._levels)[: max(1, len(self._levels) // 2)]]
        return _root_mean_square(better) / np.sqrt(2)


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _forest() -> RandomForestRegressor:
    return RandomForestRegressor(50, min_samples_leaf=2, max_features=0.5, random_state=0)
