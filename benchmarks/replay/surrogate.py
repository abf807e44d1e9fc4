"""Curves of configurations that were not recorded, between those that were.

All of it in logarithms: a loss that is twice another's is as far from it anywhere, so the good
configurations count for as much as the bad ones. A predicted curve has no noise; `noise` gives that
of a training seed.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
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
    """The losses that a configuration would reach, from the trials that were recorded.

    One learner gives the logarithms of the losses of all epochs together, so that a predicted curve
    has the shape of recorded curves.
    """

    def __init__(
        self, space: Space, trials: Sequence[Trial], max_epochs: int, learner: str
    ) -> None:
        self.places = Places(space)
        self.worst = 2 * float(np.median([trial.epochs[0]["val_loss"] for trial in trials]))
        """Losses count as no more than this, and a diverged trial as this: what lies beyond says
        nothing, and would rule the means."""
        self.configurations = np.array([trial.number for trial in trials])
        self.inputs = np.array([self.features(trial.values) for trial in trials])  # (n, d)
        self.curves = np.array([self._curve(trial, max_epochs) for trial in trials])  # (n, R)
        self.model = LEARNERS[learner](self.inputs.shape[1])
        self.model.fit(self.inputs, np.log(self.curves))
        self._pairs, self._levels = self._between_seeds()

    def features(self, values: Mapping[str, Value]) -> np.ndarray:
        """The vector of a configuration (d,), without NaN, which the process does not take."""
        return np.nan_to_num(self.places.of(values), nan=ABSENT)

    def _curve(self, trial: Trial, max_epochs: int) -> np.ndarray:
        losses = [epoch["val_loss"] for epoch in trial.epochs]
        losses += [losses[-1]] * (max_epochs - len(losses))
        return np.clip(losses, None, self.worst)

    def __call__(self, values: Mapping[str, Value]) -> np.ndarray:
        """The loss after each epoch (R,)."""
        return self.all([values])[0]

    def all(self, given: Sequence[Mapping[str, Value]]) -> np.ndarray:
        """The curves of many configurations (n, R)."""
        return np.exp(self.model.predict(np.array([self.features(values) for values in given])))

    def noise(self, expected: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What one seed adds to an expected curve (R,), as seeds that are recorded do.

        Seeds differ upwards: a run may have a bad epoch, none has one that is too good for its
        configuration. So of a recorded pair, a seed adds what it lies above the lower of the two:
        nothing or the difference, times √2, which makes the deviation that of the recorded seeds.
        Bad configurations are noisier than good ones: the pair is drawn from the ALIKE pairs whose
        best loss is nearest.
        """
        if not len(self._pairs):
            return np.zeros_like(expected)
        alike = np.argsort(np.abs(self._levels - expected.min()))[:ALIKE]
        both = self._pairs[rng.choice(alike)]
        return expected * np.expm1(np.sqrt(2) * rng.choice(both - both.min(axis=0)))

    def _between_seeds(self) -> tuple[np.ndarray, np.ndarray]:
        """Of every configuration with two seeds: the logarithms of both curves (pairs, 2, R), and
        the mean of their best losses (pairs,)."""
        pairs = [
            pair
            for number in np.unique(self.configurations)
            for pair in itertools.combinations(self.curves[self.configurations == number], 2)
        ]
        curves = np.array(pairs).reshape(-1, 2, self.curves.shape[1])
        return np.log(curves), curves.min(axis=2).mean(axis=1)

    def error(self) -> pd.DataFrame:
        """How far predictions are from configurations left out, in `FOLDS` folds.

        Columns: the epoch, or the best of all; the root of the mean squared error, of all trials
        and of the best third; the rank correlation, of both.
        """
        folds = GroupKFold(min(FOLDS, len(np.unique(self.configurations))))
        logs = np.log(self.curves)
        predicted = np.exp(
            cross_val_predict(self.model, self.inputs, logs, groups=self.configurations, cv=folds)
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
                "rank_in_the_best_third": spearmanr(guess[good], known[good]).statistic,
            }
            for epoch, guess, known in (*epochs, ("best", predicted.min(axis=1), best))
        )

    def seed_deviation(self) -> float:
        """The deviation of the last loss between seeds, in the better half of the pairs: no
        prediction is nearer."""
        better = np.argsort(self._levels)[: max(1, len(self._levels) // 2)]
        ratios = np.diff(self._pairs[better, :, -1])[:, 0]
        return _root_mean_square(self._levels[better] * ratios) / np.sqrt(2)


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _process(parameters: int) -> GaussianProcessRegressor:
    smooth = Matern(np.full(parameters, 0.5), (0.05, 1000), nu=2.5)
    kernel = ConstantKernel() * smooth + WhiteKernel(0.01, (1e-5, 1))
    return GaussianProcessRegressor(kernel, normalize_y=True)


def _forest(_: int) -> ExtraTreesRegressor:
    return ExtraTreesRegressor(50, random_state=0)


LEARNERS = {"process": _process, "forest": _forest}
"""What can stand between the recorded configurations, by the number of parameters. A Gaussian
process is nearer to them; a forest is made of steps, so a search that models smooth functions has
no advantage on it."""
