"""The same space with no priors, with good ones, and with ones that are wrong on purpose."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from benchmarks.recorded import Trial
from hypertuning.search.places import Places, value_at
from hypertuning.spaces import Space, searched, without_priors


class Spaces(NamedTuple):
    plain: Space
    good: Space
    """Priors as one who knows the field has them: the middle of the best of other trials."""
    wrong: Space
    """The end of each range, or the choice, that is farthest from those."""


def spaces_of(space: Space, others: Sequence[Trial]) -> Spaces:
    """Priors of medium confidence, from the best tenth of trials that are not replayed."""
    plain = without_priors(space)
    places = Places(plain)
    best = sorted(others, key=lambda trial: trial.best)[: max(1, len(others) // 10)]
    middle = _middle(np.array([places.of(trial.values) for trial in best]), places.counts)
    far = np.where(places.counts > 0, (middle + 1) % np.maximum(places.counts, 1), middle < 0.5)
    return Spaces(plain, _believed(places, middle), _believed(places, far))


def _middle(vectors: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The median of each number and the commonest value of each choice (d,), where they act."""

    def middle(column: np.ndarray, count: int) -> float:
        acting = column[~np.isnan(column)]
        if count:
            return np.bincount(acting.astype(int), minlength=1).argmax()
        return np.median(acting) if len(acting) else 0.5

    return np.array([middle(*pair) for pair in zip(vectors.T, counts, strict=True)])


def _believed(places: Places, vector: np.ndarray) -> Space:
    named = zip(searched(places.space).items(), vector, strict=True)
    return {
        **places.constants,
        **{name: replace(domain, prior=value_at(domain, place)) for (name, domain), place in named},
    }
